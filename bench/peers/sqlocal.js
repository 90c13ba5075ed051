/**
 * sqlocal: its client and its worker. A write of several statements is one `batch`, which is one message and one
 * transaction and prepares each statement once for it; it keeps no prepared statement between calls.
 */

import { SQLocal } from 'sqlocal';
import { pragmas, schema, searching, statements } from './sql.js';

// Inside a batch the new conversation's id is not known to the page.
const newest = '(SELECT max(id) FROM conversations)';
const addToNewest = `INSERT INTO messages(conversation_id, role, content) VALUES (${newest}, ?, ?)`;

export async function open({ durability }) {
  const client = new SQLocal({
    databasePath: 'sqlocal.sqlite3',
    processor: new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
    onInit: (sql) => [...pragmas('wal', durability), schema].map((statement) => sql(statement)),
  });
  const { storageType } = await client.getDatabaseInfo();
  const [{ journal_mode: mode }] = await client.sql('PRAGMA journal_mode');
  if (storageType !== 'opfs' || mode !== 'wal') throw new Error(`${storageType}, ${mode}`);
  return {
    async createConversation(title) {
      return (await client.sql(statements.create, title))[0].id;
    },
    async addMessage(conversation, role, content) {
      const [[row]] = await client.batch((sql) => [
        sql(statements.add, conversation, role, content),
        sql(statements.touch, conversation),
      ]);
      return { id: row.id, createdAt: row.created_at };
    },
    async importConversations(conversations) {
      const results = await client.batch((sql) =>
        conversations.flatMap(({ title, messages }) => [
          sql(statements.create, title),
          ...messages.map(({ role, content }) => sql(addToNewest, role, content)),
        ]),
      );
      return results.flat().map(({ id }) => id);
    },
    append: (message, text) => client.sql(statements.append, text, message),
    list: (limit) => client.sql(statements.list, limit),
    async messages(conversation, limit = -1) {
      return (await client.sql(statements.messages, conversation, limit)).reverse();
    },
    search(query, limit) {
      const [name, params] = searching(query, limit);
      return client.sql(statements[name], ...params);
    },
    deleteConversation: (id) => client.sql(statements.delete, id),
    close: () => client.destroy(),
  };
}
