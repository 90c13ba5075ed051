/**
 * Runs in the page, on its main thread: what is measured, through the shape that every adapter in peers/ has. Times are milliseconds.
 * Knows no contestant.
 *
 * An adapter is a module that exports `open(options)`, which resolves to an object of
 *   createConversation(title) -> id                importConversations([{ title, messages: [{ role, content }] }]) -> ids
 *   addMessage(id, role, content) -> { id }         append(messageId, text)
 *   list(limit) -> [{ id, title }], newest first    messages(id, limit?) -> [{ content }], oldest first, the newest `limit`
 *   search(query, limit) -> hits                    deleteConversation(id)
 *   close()
 * where each promise of a write resolves when it is committed, with `durability: 'strict'` flushed. What one cannot do it does
 * not have.
 */

import {
  conversation,
  lengthOf,
  messagesPerConversation,
  piece,
  queries,
  role,
  roundNumber,
  text,
  title,
} from './data.js';

const now = () => performance.now();

/** The mean of `count` calls, one after another. */
async function mean(count, call) {
  const started = now();
  for (let n = 0; n < count; n++) await call(n);
  return (now() - started) / count;
}

/** The same, but no longer than a second once it has been called three times. */
async function meanWithinASecond(count, call) {
  const started = now();
  let n = 0;
  while (n < count && (n < 3 || now() - started < 1_000)) await call(n++);
  return (now() - started) / n;
}

/** Ids by the number that each title begins with. */
async function ids(store) {
  const rows = await store.list(1_000_000);
  return new Map(rows.map(({ id, title }) => [Number.parseInt(title, 10), id]));
}

/** Imports conversations `from` to `to`; the clock stops when they are acknowledged and what has an index finds the last message. */
export async function fill(store, { from, to, long, keeps }) {
  const conversations = [];
  for (let c = from; c < to; c++) conversations.push(conversation(c, lengthOf(c, long)));
  const last = conversations.at(-1).messages.at(-1);
  const marker = `searchable${to}`;
  last.content = `${last.content} ${marker}`;
  const started = now();
  await store.importConversations(conversations);
  const acknowledged = now() - started;
  if (!store.search || !keeps) return { 'import, durable': acknowledged };
  const found = await store.search(marker, 1);
  if (found.length !== 1) throw new Error('what was imported is not found');
  return { 'import, durable': acknowledged, 'import, durable and searchable': now() - started };
}

/** Lists, pages and searches of the corpus. */
export async function reads(store, { count, conversations, keeps }) {
  const figures = {};
  const known = keeps ? await ids(store) : new Map();
  figures['list of 50'] = await mean(count, async () => {
    const rows = await store.list(50);
    if (keeps && rows.length !== 50) throw new Error(`${rows.length} rows of 50`);
  });
  // Another conversation each time, the same ones for all contestants.
  const nth = (n) => known.get(1 + ((n * 37) % (conversations - 1)));
  for (const [name, id, limit] of [
    ['100 messages', nth, 100],
    ['newest 50 of 5,000', () => known.get(0), 50],
  ]) {
    figures[name] = await mean(count, async (n) => {
      const rows = await store.messages(id(n), limit);
      if (keeps && rows.length !== limit) throw new Error(`${rows.length} rows of ${limit}`);
    });
  }
  const found = {};
  for (const [name, query] of store.search ? Object.entries(queries) : []) {
    let hits = [];
    figures[`search, ${name}`] = await meanWithinASecond(count, async () => {
      hits = await store.search(query, 20);
    });
    // Ours come with a snippet, theirs with the text.
    const wrong = hits.find(({ content, snippet }) => !(content ?? snippet).includes(query));
    if (wrong) throw new Error(`${JSON.stringify(wrong)} is no hit of ${query}`);
    found[name] = hits.length;
  }
  return { figures, found };
}

/** Single writes, into a conversation of their own. `keeps` is false for the floor. */
export async function writes(store, { count, durability, round, keeps }) {
  const figures = {};
  const c = roundNumber(round, durability);
  const id = keeps ? await store.createConversation(title(c)) : 0;
  const hundred = 100;
  const texts = Array.from({ length: 5 + count + 2 * hundred }, (_, n) => text(c, n));
  let sent = 0;
  const add = () => {
    const n = sent++;
    return store.addMessage(id, role(n), texts[n]);
  };
  // The first calls of a connection prepare its statements.
  for (let n = 0; n < 5; n++) await add();
  figures[`addMessage, ${durability}`] = await mean(count, add);
  const awaited = await mean(hundred, add);
  const started = now();
  await Promise.all(Array.from({ length: hundred }, add));
  const atOnce = (now() - started) / hundred;
  figures[`100 addMessage at once, ${durability}, each`] = atOnce;
  figures[`100 at once, rate to 100 awaited, ${durability}`] = awaited / atOnce;
  if (store.addText) {
    figures[`write of the text alone, ${durability}`] = await mean(count, store.addText);
  }
  if (durability === 'strict') {
    const stream = keeps ? await store.addMessage(id, role(sent), piece(0)) : { id: 0 };
    figures['append in a stream, strict'] = await mean(count, (n) =>
      store.append(stream.id, piece(n + 1)),
    );
    if (keeps) {
      const chats = [1, 2, 3].map((n) => conversation(c + n, messagesPerConversation));
      const doomed = await store.importConversations(chats);
      figures['delete of 100 messages'] = await mean(doomed.length, (n) =>
        store.deleteConversation(doomed[n]),
      );
    }
  }
  return figures;
}

const hex = (buffer) =>
  [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** What is stored: of each of those conversations, or of all, the number and the SHA-256 of its messages' texts. */
export async function stored(store, numbers) {
  const known = await ids(store);
  const found = [];
  for (const c of numbers ?? [...known.keys()].sort((a, b) => a - b)) {
    if (!known.has(c)) continue;
    const messages = await store.messages(known.get(c));
    const bytes = new TextEncoder().encode(messages.map(({ content }) => content).join('\n'));
    found.push([c, messages.length, hex(await crypto.subtle.digest('SHA-256', bytes))]);
  }
  return { conversations: known.size, found };
}
