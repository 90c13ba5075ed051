/**
 * IndexedDB through idb, as an app would write it for speed: messages under [conversation, number], so that a conversation is one
 * range of the primary key and no index is written for it; batches in one transaction, committed at once. No full-text index.
 */

import { openDB } from 'idb';

export async function open({ durability }) {
  const db = await openDB('chats', 1, {
    upgrade(db) {
      const conversations = db.createObjectStore('conversations', {
        keyPath: 'id',
        autoIncrement: true,
      });
      conversations.createIndex('updatedAt', ['updatedAt', 'id']);
      db.createObjectStore('messages', { keyPath: ['conversationId', 'number'] });
    },
  });
  const write = () => db.transaction(['conversations', 'messages'], 'readwrite', { durability });
  const isNewest = { direction: 'prev' };

  /** Adds messages to a conversation's row and store; nobody waits for the single puts. */
  function put(tx, row, messages) {
    const store = tx.objectStore('messages');
    const createdAt = new Date().toISOString();
    const added = messages.map(({ role, content }) => {
      const number = row.next++;
      store.put({ conversationId: row.id, number, role, content, createdAt });
      return { id: [row.id, number], createdAt };
    });
    tx.objectStore('conversations').put({ ...row, updatedAt: createdAt });
    return added;
  }

  const conversation = (title) => {
    const createdAt = new Date().toISOString();
    return { title, brain: 'claude', createdAt, updatedAt: createdAt, next: 0 };
  };

  return {
    async createConversation(title) {
      const tx = write();
      const id = await tx.objectStore('conversations').add(conversation(title));
      tx.commit();
      await tx.done;
      return id;
    },
    async addMessage(id, role, content) {
      const tx = write();
      const [added] = put(tx, await tx.objectStore('conversations').get(id), [{ role, content }]);
      tx.commit();
      await tx.done;
      return added;
    },
    async importConversations(conversations) {
      const tx = write();
      const store = tx.objectStore('conversations');
      const rows = conversations.map(({ title }) => conversation(title));
      const ids = await Promise.all(rows.map((row) => store.add(row)));
      for (const [n, id] of ids.entries()) put(tx, { ...rows[n], id }, conversations[n].messages);
      tx.commit();
      await tx.done;
      return ids;
    },
    async append(id, text) {
      const tx = write();
      const store = tx.objectStore('messages');
      const row = await store.get(id);
      store.put({ ...row, content: row.content + text });
      tx.commit();
      await tx.done;
    },
    list: (limit) =>
      db
        .transaction('conversations')
        .store.index('updatedAt')
        .getAll({ ...isNewest, count: limit }),
    async messages(id, limit) {
      const query = IDBKeyRange.bound([id], [id, []]);
      const { store } = db.transaction('messages');
      return (await store.getAll({ ...isNewest, query, count: limit })).reverse();
    },
    async deleteConversation(id) {
      const tx = write();
      tx.objectStore('messages').delete(IDBKeyRange.bound([id], [id, []]));
      tx.objectStore('conversations').delete(id);
      tx.commit();
      await tx.done;
    },
    async close() {
      db.close();
    },
  };
}
