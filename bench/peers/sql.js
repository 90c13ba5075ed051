/**
 * The chat methods over any SQLite, in its worker: each statement prepared once by the engine's `run(sql, params)`, which gives
 * rows as arrays; each write one transaction. The schema is the lesson's, with the indexes that this package has too, and
 * FTS5's trigram index of the texts, kept by triggers as FTS5's documentation has it for external content.
 */

export const schema = `
  CREATE TABLE IF NOT EXISTS conversations (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, brain TEXT NOT NULL DEFAULT 'claude',
    created_at TEXT NOT NULL DEFAULT (datetime('now')), updated_at TEXT NOT NULL DEFAULT (datetime('now')));
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('user','assistant','system')), content TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (datetime('now')));
  CREATE INDEX IF NOT EXISTS idx_msg_conv_created ON messages(conversation_id, created_at, id);
  CREATE INDEX IF NOT EXISTS idx_conv_updated ON conversations(updated_at, id);
  CREATE VIRTUAL TABLE IF NOT EXISTS messages_fts USING fts5(
    content, content='messages', content_rowid='id', tokenize='trigram');
  CREATE TRIGGER IF NOT EXISTS messages_inserted AFTER INSERT ON messages BEGIN
    INSERT INTO messages_fts(rowid, content) VALUES (new.id, new.content); END;
  CREATE TRIGGER IF NOT EXISTS messages_deleted AFTER DELETE ON messages BEGIN
    INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', old.id, old.content); END;
  CREATE TRIGGER IF NOT EXISTS messages_updated AFTER UPDATE OF content ON messages BEGIN
    INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', old.id, old.content);
    INSERT INTO messages_fts(rowid, content) VALUES (new.id, new.content); END;`;

/**
 * What a connection is set to, in this order. Exclusive locking lets the log work without shared memory and saves the rollback
 * journal's being made and removed; these databases have one connection either way.
 */
export function pragmas(journal, durability) {
  return [
    'PRAGMA locking_mode = EXCLUSIVE',
    `PRAGMA journal_mode = ${journal}`,
    `PRAGMA synchronous = ${durability === 'strict' ? 'FULL' : 'NORMAL'}`,
    'PRAGMA foreign_keys = ON',
  ];
}

export const statements = {
  create: 'INSERT INTO conversations(title) VALUES (?) RETURNING id',
  add: 'INSERT INTO messages(conversation_id, role, content) VALUES (?, ?, ?) RETURNING id, created_at',
  touch: "UPDATE conversations SET updated_at = datetime('now') WHERE id = ?",
  append: 'UPDATE messages SET content = content || ? WHERE id = ?',
  list: `SELECT id, title, brain, created_at, updated_at FROM conversations
    ORDER BY updated_at DESC, id DESC LIMIT ?`,
  messages: `SELECT id, role, content, created_at FROM messages WHERE conversation_id = ?
    ORDER BY created_at DESC, id DESC LIMIT ?`,
  search: `SELECT m.id, m.conversation_id, m.content FROM messages_fts
    JOIN messages m ON m.id = messages_fts.rowid WHERE messages_fts MATCH ? ORDER BY rank LIMIT ?`,
  // Trigrams have nothing for fewer than three characters: FTS5's documentation says to scan.
  scan: `SELECT id, conversation_id, content FROM messages
    WHERE content LIKE '%' || ? || '%' ORDER BY id DESC LIMIT ?`,
  delete: 'DELETE FROM conversations WHERE id = ?',
};

/** A text as a phrase of FTS5's query language. */
export const phrase = (query) => `"${query.replaceAll('"', '""')}"`;

/** Which statement finds a text, and its parameters. */
export const searching = (query, limit) =>
  [...query].length < 3 ? ['scan', [query, limit]] : ['search', [phrase(query), limit]];

/** @param {(sql: string, params?: unknown[]) => unknown[][] | Promise<unknown[][]>} run */
export function chats(run) {
  const transaction = async (work) => {
    await run('BEGIN IMMEDIATE');
    try {
      const result = await work();
      await run('COMMIT');
      return result;
    } catch (error) {
      await run('ROLLBACK');
      throw error;
    }
  };
  return {
    async createConversation(title) {
      return (await run(statements.create, [title]))[0][0];
    },
    addMessage(conversation, role, content) {
      return transaction(async () => {
        const [row] = await run(statements.add, [conversation, role, content]);
        await run(statements.touch, [conversation]);
        return row;
      });
    },
    importConversations(conversations) {
      return transaction(async () => {
        const ids = [];
        for (const { title, messages } of conversations) {
          const [[id]] = await run(statements.create, [title]);
          for (const { role, content } of messages) await run(statements.add, [id, role, content]);
          ids.push(id);
        }
        return ids;
      });
    },
    async append(message, text) {
      await run(statements.append, [text, message]);
    },
    list: (limit) => run(statements.list, [limit]),
    messages: (conversation, limit) => run(statements.messages, [conversation, limit]),
    search(query, limit) {
      const [name, params] = searching(query, limit);
      return run(statements[name], params);
    },
    async deleteConversation(id) {
      await run(statements.delete, [id]);
    },
  };
}

/** The page's side of the same: rows as objects, messages oldest first. */
export function store(call) {
  return {
    createConversation: (title) => call('createConversation', title),
    async addMessage(conversation, role, content) {
      const [id, createdAt] = await call('addMessage', conversation, role, content);
      return { id, createdAt };
    },
    importConversations: (conversations) => call('importConversations', conversations),
    append: (message, text) => call('append', message, text),
    async list(limit) {
      const rows = await call('list', limit);
      return rows.map(([id, title, brain, createdAt, updatedAt]) => ({
        id,
        title,
        brain,
        createdAt,
        updatedAt,
      }));
    },
    async messages(conversation, limit = -1) {
      const rows = await call('messages', conversation, limit);
      const objects = rows.map(([id, role, content, createdAt]) => ({
        id,
        role,
        content,
        createdAt,
      }));
      return objects.reverse();
    },
    async search(query, limit) {
      const rows = await call('search', query, limit);
      return rows.map(([id, conversationId, content]) => ({ id, conversationId, content }));
    },
    deleteConversation: (id) => call('deleteConversation', id),
    close: () => call('close'),
  };
}
