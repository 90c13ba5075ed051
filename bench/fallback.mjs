/**
 * `npm run bench:fallback -- [rounds] [count] [messages]`: this package over IndexedDB beside IndexedDB itself and
 * beside OPFS, in interleaved rounds, each by a store that has so many messages already. IndexedDB is used as an app would for speed:
 * messages under [conversation, number], one transaction a call, committed at once.
 */

import { inBrowser, line } from './browser.mjs';

const rounds = Number(process.argv[2] ?? 7);
const count = Number(process.argv[3] ?? 100);
const messages = Number(process.argv[4] ?? 5_000);

await inBrowser(async (browser, url) => {
  const page = await browser.newPage();
  await page.goto(url);
  const figures = await page.evaluate(
    async ([rounds, count, messages]) => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const { conversation, text } = await import(`${location.origin}/bench/data.js`);
      const figures = {};
      const note = (name, value) => {
        figures[name] ??= [];
        figures[name].push(value);
      };
      const time = async (work) => {
        const started = performance.now();
        await work();
        return performance.now() - started;
      };

      const ended = (it, done, failed) =>
        new Promise((resolve, reject) => {
          it[done] = () => resolve(it.result);
          it[failed] = () => reject(it.error);
        });
      /** The same calls by IndexedDB itself. */
      async function raw(durability) {
        const opening = indexedDB.open('raw', 1);
        opening.onupgradeneeded = () => {
          opening.result.createObjectStore('conversations', { keyPath: 'id' });
          opening.result.createObjectStore('messages', { keyPath: ['conversationId', 'number'] });
        };
        const db = await ended(opening, 'onsuccess', 'onerror');
        const names = ['conversations', 'messages'];
        const write = async (work) => {
          const transaction = db.transaction(names, 'readwrite', { durability });
          const done = ended(transaction, 'oncomplete', 'onabort');
          await work(...names.map((name) => transaction.objectStore(name)));
          transaction.commit();
          await done;
        };
        const put = (store, row, role, content) =>
          store.put({
            conversationId: row.id,
            number: row.next++,
            role,
            content,
            createdAt: row.at,
          });
        return {
          async fill(chats) {
            for (const [id, { title, messages }] of chats.entries()) {
              await write((conversations, store) => {
                const row = { id, title, next: 0, at: new Date().toISOString() };
                for (const { role, content } of messages) put(store, row, role, content);
                conversations.put(row);
              });
            }
          },
          create: (id, title) =>
            write((conversations) => {
              conversations.put({ id, title, next: 0, at: new Date().toISOString() });
            }),
          add: (id, role, content) =>
            write(async (conversations, store) => {
              const row = await ended(conversations.get(id), 'onsuccess', 'onerror');
              row.at = new Date().toISOString();
              put(store, row, role, content);
              conversations.put(row);
            }),
          messages: (id, limit) => {
            const store = db.transaction('messages').objectStore('messages');
            const query = IDBKeyRange.bound([id], [id, []]);
            return ended(store.getAll(query, limit), 'onsuccess', 'onerror');
          },
          close: async () => db.close(),
        };
      }
      async function ours(storage, durability) {
        const store = await ConversationStore.open(`bench-${storage}`, { storage, durability });
        const ids = new Map();
        return {
          fill: (chats) => store.import(chats),
          async create(id, title) {
            ids.set(id, await store.createConversation(title));
          },
          add: (id, role, content) => store.addMessage(ids.get(id), role, content),
          messages: (id, limit) => store.messagesFor(ids.get(id), { limit }),
          close: () => store.close(),
        };
      }
      const contestants = {
        IndexedDB: raw,
        'ours over IndexedDB': (durability) => ours('indexeddb', durability),
        'ours over OPFS': (durability) => ours('opfs', durability),
      };
      const chats = Array.from({ length: messages / 100 }, (_, n) => conversation(n, 100));
      for (const open of Object.values(contestants)) {
        const store = await open('relaxed');
        await store.fill(chats);
        await store.close();
      }
      const names = Object.keys(contestants);
      for (let round = 0; round < rounds; round++) {
        const turn = round % names.length;
        for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
          for (const durability of ['strict', 'relaxed']) {
            let store;
            const opening = await time(async () => {
              store = await contestants[name](durability);
            });
            if (durability === 'strict') note(`open | ${name}`, opening);
            const id = 1_000_000 + round * 2 + (durability === 'strict' ? 0 : 1);
            await store.create(id, 't');
            for (let n = 0; n < 5; n++) await store.add(id, 'user', text(id, n));
            const took = await time(async () => {
              for (let n = 0; n < count; n++) await store.add(id, 'user', text(id, n));
            });
            note(`addMessage, ${durability} | ${name}`, took / count);
            const many = await time(() =>
              Promise.all(
                Array.from({ length: 100 }, (_, n) => store.add(id, 'user', text(id, n))),
              ),
            );
            note(`addMessage, ${durability}, 100 at once, each | ${name}`, many / 100);
            const read = await time(async () => {
              for (let n = 0; n < 20; n++) await store.messages(id, 50);
            });
            note(`50 messages | ${name}`, read / 20);
            await store.close();
          }
        }
      }
      return figures;
    },
    [rounds, count, messages],
  );
  console.log(
    `${messages} messages, ${rounds} rounds of ${count} calls; ms, the median (and spread) of means`,
  );
  for (const name of Object.keys(figures).toSorted()) line(name, figures[name]);
  const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
  for (const durability of ['strict', 'relaxed']) {
    const of = (name) => median(figures[`addMessage, ${durability} | ${name}`]);
    const ratio = of('ours over IndexedDB') / of('IndexedDB');
    console.log(`addMessage, ${durability}: ${ratio.toFixed(2)} times IndexedDB's`);
  }
});
