"""The lesson's program as a command, for test suites that are not written in Python.

    lesson.py make FILE                        a new file: 3 conversations, 40 messages; its rows
    lesson.py dump FILE                        every row, as the class lists them
    lesson.py append FILE CONV_ID ROLE TEXT    one message more; its { id, created_at }
    lesson.py create FILE TITLE BRAIN          one conversation more; its { id }
    lesson.py delete FILE CONV_ID              one conversation fewer; { deleted }
    lesson.py check FILE                       integrity_check, foreign_key_check, SQLite's version

Prints one JSON value. Everything but `check`, which only looks, goes through the class and ends
with a checkpoint and a close, so that FILE alone is the whole database: no -wal beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
from contextlib import asynccontextmanager

from store import ConversationStore

# Higher than any test file has rows: the class has no "all".
ALL = 1_000_000

CONVERSATIONS = [
    ("첫 대화 👋", "claude"),
    ("여행 계획 ✈️ 제주도", "gpt"),
    ("Ünïcode & 'quotes' 👩‍👩‍👧‍👦", "로컬-llama 🦙"),
]

TEXTS = [
    ("system", "짧고 친절하게 답하세요."),
    ("user", "안녕하세요! 오늘 날씨가 어때요? ☀️"),
    ("assistant", "맑아요. 우산은 필요 없어요 🌂"),
    ("user", "두 줄로\n써 주세요.\n\n\t탭도요."),
    ("assistant", "```js\nconst 이름 = '값';\n```\n가족: 👨‍👩‍👧 깃발: 🇰🇷 자모: \u1112\u1161\u11ab"),
    ("user", ""),
    ("assistant", "Robert'); DROP TABLE messages;--"),
]


@asynccontextmanager
async def opened(path: str):
    """The store, closed at the end with nothing left in a write-ahead log."""
    store = await ConversationStore.open(path)
    try:
        yield store
        async with store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
            busy, _, _ = await cursor.fetchone()
        if busy:
            raise RuntimeError(f"{path} is open elsewhere: its log could not be emptied")
    finally:
        await store.close()


async def rows(store: ConversationStore) -> dict:
    conversations = await store.list_conversations(ALL)
    messages = [
        message
        for conversation in conversations
        for message in await store.messages_for(conversation["id"])
    ]
    return {"conversations": conversations, "messages": messages}


async def make(file: str) -> dict:
    if os.path.exists(file):
        raise SystemExit(f"{file} is there already; make starts a new file")
    async with opened(file) as store:
        ids = [await store.create_conversation(title, brain) for title, brain in CONVERSATIONS]
        for number in range(40):
            # Interleaved, so that a conversation's messages do not lie together in the file.
            role, text = TEXTS[number % len(TEXTS)]
            await store.add_message(ids[number % len(ids)], role, text and f"{number}. {text}")
        return await rows(store)


async def dump(file: str) -> dict:
    async with opened(file) as store:
        return await rows(store)


async def append(file: str, conv_id: int, role: str, text: str) -> dict:
    async with opened(file) as store:
        return await store.add_message(conv_id, role, text)


async def create(file: str, title: str, brain: str) -> dict:
    async with opened(file) as store:
        return {"id": await store.create_conversation(title, brain)}


async def delete(file: str, conv_id: int) -> dict:
    async with opened(file) as store:
        return {"deleted": await store.delete_conversation(conv_id)}


async def check(file: str) -> dict:
    if not os.path.exists(file):
        raise SystemExit(f"{file} does not exist")
    db = sqlite3.connect(file)
    try:
        return {
            "integrity_check": [row[0] for row in db.execute("PRAGMA integrity_check")],
            "foreign_key_check": [list(row) for row in db.execute("PRAGMA foreign_key_check")],
            "sqlite_version": sqlite3.sqlite_version,
        }
    finally:
        db.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lesson.py", description="The lesson's program.")
    commands = parser.add_subparsers(required=True)

    def command(run, *names: str) -> None:
        sub = commands.add_parser(run.__name__)
        sub.set_defaults(run=run)
        sub.add_argument("file")
        for name in names:
            sub.add_argument(name, type=int if name == "conv_id" else str)

    command(make)
    command(dump)
    command(append, "conv_id", "role", "text")
    command(create, "title", "brain")
    command(delete, "conv_id")
    command(check)
    return parser.parse_args()


def main() -> None:
    parameters = vars(arguments())
    run = parameters.pop("run")
    # ASCII, so that the answer does not depend on the locale of the terminal.
    print(json.dumps(asyncio.run(run(**parameters))))


if __name__ == "__main__":
    main()
