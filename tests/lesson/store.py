"""The lesson's ConversationStore, as it was before there was a package.

The other program of the interoperability tests: it reads and writes the same files, knows nothing
of this package, and must stay as the lesson has it. Only the columns of the lesson are named, so
that what this package adds to its tables is not seen here.
"""

from __future__ import annotations

import aiosqlite

CREATE = """
CREATE TABLE IF NOT EXISTS conversations (
  id INTEGER PRIMARY KEY, title TEXT NOT NULL, brain TEXT NOT NULL DEFAULT 'claude',
  created_at TEXT NOT NULL DEFAULT (datetime('now')), updated_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('user','assistant','system')), content TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE INDEX IF NOT EXISTS idx_msg_conv_created ON messages(conversation_id, created_at DESC);
"""


class ConversationStore:
    """Conversations and their messages over one connection."""

    def __init__(self, db: aiosqlite.Connection) -> None:
        self.db = db

    @classmethod
    async def open(cls, path: str) -> ConversationStore:
        db = await aiosqlite.connect(path)
        try:
            db.row_factory = aiosqlite.Row
            await db.execute("PRAGMA journal_mode=WAL")
            await db.execute("PRAGMA foreign_keys=ON")
            await db.execute("PRAGMA busy_timeout=5000")
            await db.executescript(CREATE)
            await db.commit()
        except BaseException:
            await db.close()
            raise
        return cls(db)

    async def create_conversation(self, title: str, brain: str = "claude") -> int:
        async with self.db.execute(
            "INSERT INTO conversations (title, brain) VALUES (?, ?) RETURNING id", (title, brain)
        ) as cursor:
            row = await cursor.fetchone()
        await self.db.commit()
        return row["id"]

    async def add_message(self, conv_id: int, role: str, content: str) -> dict:
        async with self.db.execute(
            "INSERT INTO messages (conversation_id, role, content) VALUES (?, ?, ?)"
            " RETURNING id, created_at",
            (conv_id, role, content),
        ) as cursor:
            row = await cursor.fetchone()
        await self.db.execute(
            "UPDATE conversations SET updated_at = datetime('now') WHERE id = ?", (conv_id,)
        )
        await self.db.commit()
        return dict(row)

    async def list_conversations(self, limit: int = 50) -> list[dict]:
        async with self.db.execute(
            "SELECT id, title, brain, created_at, updated_at FROM conversations"
            " ORDER BY updated_at DESC LIMIT ?",
            (limit,),
        ) as cursor:
            return [dict(row) async for row in cursor]

    async def messages_for(self, conv_id: int) -> list[dict]:
        async with self.db.execute(
            "SELECT id, conversation_id, role, content, created_at FROM messages"
            " WHERE conversation_id = ? ORDER BY created_at",
            (conv_id,),
        ) as cursor:
            return [dict(row) async for row in cursor]

    async def delete_conversation(self, conv_id: int) -> int:
        async with self.db.execute("DELETE FROM conversations WHERE id = ?", (conv_id,)) as cursor:
            deleted = cursor.rowcount
        await self.db.commit()
        return deleted

    async def close(self) -> None:
        await self.db.close()
