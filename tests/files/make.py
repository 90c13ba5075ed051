"""Makes a file of an earlier schema version, as that version left it: `python3 make.py 3`.

The files beside this one are kept as they were made; one is added when a schema is superseded.
"""

import pathlib
import sqlite3
import sys

version = int(sys.argv[1])
here = pathlib.Path(__file__).parent
target = here / f"version-{version}.db"
target.unlink(missing_ok=True)
migrations = sorted((here.parent.parent / "src/store/schema").glob("0*.sql"))[:version]
file = sqlite3.connect(target)
file.execute("PRAGMA page_size = 512")
for migration in migrations:
    file.executescript(migration.read_text())
file.execute(f"PRAGMA user_version = {version}")
keyed = version >= 2
for chat in (1, 2):
    time = f"2024-02-29 12:00:0{chat}" + (".500" if keyed else "")
    file.execute(
        "INSERT INTO conversations (id, title, brain, created_at, updated_at) VALUES (?, ?, 'claude', ?, ?)",
        (chat, f"옛 대화 {chat}", time, time),
    )
    if keyed:
        file.execute("UPDATE conversations SET uid = ? WHERE id = ?", (f"chat-{chat}", chat))
for number in range(1, 11):
    time = f"2024-02-29 12:00:{number:02}" + (".250" if keyed else "")
    file.execute(
        "INSERT INTO messages (id, conversation_id, role, content, created_at) VALUES (?, ?, ?, ?, ?)",
        (number, 1 + number % 2, ("user", "assistant")[number // 2 % 2], f"말 {number} 😀", time),
    )
    if keyed:
        file.execute("UPDATE messages SET uid = ? WHERE id = ?", (f"message-{number}", number))
if version >= 3:
    file.execute("INSERT INTO named_operations VALUES (1, 'mine', 7, '1', '2024-02-29 12:00:00.000')")
    file.execute("INSERT INTO operations VALUES ('tab', 1, 0, 7, '1')")
file.commit()
file.close()
