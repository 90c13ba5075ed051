/**
 * Import and export between files and a store that only remembers, in Node: without Worker and without
 * FileReaderSync.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

const { importInto, exportFrom } = await import('../../dist/transfer.js');

const counts = (created) => ({ created, updated: 0, skipped: 0, failed: 0 });

/** A store that remembers what it is given. */
function memory(chats = []) {
  const blobs = new Map();
  return {
    chats,
    blobs,
    batches: 0,
    options: undefined,
    async importBatch(text, options) {
      const given = JSON.parse(text);
      this.batches += 1;
      this.options = options;
      chats.push(...given);
      const messages = given.reduce((sum, chat) => sum + chat.messages.length, 0);
      const ids = given.map((_, at) => chats.length - given.length + at + 1);
      return { conversations: counts(given.length), messages: counts(messages), ids, failures: [] };
    },
    async *chatTexts() {
      for (const chat of chats) yield JSON.stringify(chat);
    },
    async putBlob(blob) {
      const bytes = new Uint8Array(await blob.arrayBuffer());
      const hash = createHash('sha256').update(bytes).digest('hex');
      blobs.set(`conversation-store:sha256-${hash}`, blob);
      return { hash };
    },
    async getBlob(ref) {
      return blobs.get(ref);
    },
  };
}

const calls = (store) => ({
  importBatch: (...given) => store.importBatch(...given),
  chats: () => store.chatTexts(),
  putBlob: (blob) => store.putBlob(blob),
  getBlob: (ref) => store.getBlob(ref),
});

const plain = (count, content = '안녕') =>
  Array.from({ length: count }, (_, at) => ({
    title: `대화 ${at}`,
    uid: `c${at}`,
    messages: [{ role: 'user', content, uid: 'm', createdAt: '2025-01-01T00:00:00Z' }],
  }));

test('an object, a string, a Blob and bytes are the same file', async () => {
  const file = plain(3);
  const text = JSON.stringify(file);
  const bytes = new TextEncoder().encode(text);
  for (const data of [file, text, new Blob([text]), bytes, bytes.buffer]) {
    const store = memory();
    const report = await importInto(calls(store), data);
    assert.deepEqual(report.conversations, counts(3));
    assert.deepEqual(report.messages, counts(3));
    assert.deepEqual(report.ids, [1, 2, 3]);
    assert.deepEqual(report.failures, []);
    assert.equal(store.chats[2].title, '대화 2');
    assert.equal(store.chats[2].messages[0].createdAt, '2025-01-01T00:00:00.000Z');
  }
});

test('options reach the reader and the store', async () => {
  const store = memory();
  await importInto(calls(store), [{ role: 'user', content: 'hi' }], {
    title: '제목',
    brain: 'echo',
    conflict: 'keep',
    conversationId: 7,
  });
  assert.deepEqual(store.options, { conversationId: 7, conflict: 'keep', brain: 'echo' });
  assert.equal(store.chats[0].title, '제목');
});

test('a file is read in batches, and its progress told', async () => {
  const store = memory();
  const told = [];
  await importInto(calls(store), plain(300, 'x'.repeat(5000)), { onProgress: (p) => told.push(p) });
  assert.ok(store.batches >= 5 && store.batches <= 8, `${store.batches} batches`);
  const last = told.at(-1);
  assert.equal(last.read, last.total);
  assert.deepEqual([last.conversations, last.messages], [300, 300]);
  assert.ok(told.every(({ read }, at) => at === 0 || read >= told[at - 1].read));
});

test('what cannot be read at all rejects; what can in part reports', async () => {
  const rejected = (data, options) =>
    importInto(calls(memory()), data, options).then(
      () => assert.fail('it is read'),
      (error) => error,
    );
  for (const [data, code] of [
    ['', 'unsupported-format'],
    ['hello', 'unsupported-format'],
    ['{"a":1}', 'unsupported-format'],
    ['[{"title":"t","messages":[', 'corrupt'],
    ['PK\u0003\u0004', 'corrupt'],
    ['SQLite format 3\0', 'unsupported-format'],
    [new Uint8Array([0xff, 0xfe, 0x5b, 0]), 'unsupported-format'],
    [5, 'invalid-argument'],
    [null, 'invalid-argument'],
  ]) {
    assert.equal((await rejected(data)).code, code, String(data));
  }
  const cycle = {};
  cycle.cycle = cycle;
  for (const data of [cycle, { big: 1n }]) {
    assert.equal((await rejected(data)).code, 'invalid-argument');
  }
  assert.equal((await rejected([], { format: 'word' })).code, 'invalid-argument');
  const { details } = await rejected('[{"title":"t","messages":[');
  assert.equal(details.report.failures[0].at.offset, 1);
  const cut = JSON.stringify(plain(2)).slice(0, -10);
  const report = await importInto(calls(memory()), cut);
  assert.deepEqual(report.conversations, counts(1));
  assert.deepEqual(
    report.failures.map(({ kind, code }) => [kind, code]),
    [['file', 'corrupt']],
  );
});

test('an abort keeps what was read and says so', async () => {
  const store = memory();
  const stop = new AbortController();
  const error = await importInto(calls(store), plain(500, 'x'.repeat(5000)), {
    signal: stop.signal,
    onProgress: ({ conversations }) => conversations >= 100 && stop.abort('enough'),
  }).catch((error) => error);
  assert.equal(error.code, 'aborted');
  assert.equal(error.cause, 'enough');
  assert.equal(error.details.report.conversations.created, store.chats.length);
  assert.ok(store.chats.length >= 100 && store.chats.length < 200);
});

test('a store that refuses ends the import with what is stored', async () => {
  const { ConversationStoreError } = await import('../../dist/errors.js');
  const store = memory();
  const full = {
    ...calls(store),
    async importBatch(...given) {
      if (store.batches === 2) throw new ConversationStoreError('quota-exceeded', 'full');
      return store.importBatch(...given);
    },
  };
  const error = await importInto(full, plain(500, 'x'.repeat(5000))).catch((error) => error);
  assert.equal(error.code, 'quota-exceeded');
  assert.equal(error.details.report.conversations.created, store.chats.length);
});

test('our own file comes back equal, with its attachments', async () => {
  const store = memory();
  const bytes = new Uint8Array(3_000_000).map((_, at) => at * 7);
  const { hash } = await store.putBlob(new Blob([bytes], { type: 'image/png' }));
  const url = `conversation-store:sha256-${hash}`;
  const missing = `conversation-store:sha256-${'0'.repeat(64)}`;
  store.chats.push(
    {
      uid: 'c',
      title: '첨부',
      tags: ['하나'],
      metadata: '{"a":[1,2.5,{"__proto__":1}]}',
      messages: [
        { uid: '1', role: 'user', content: '', parts: JSON.stringify([{ type: 'file', url }]) },
        { uid: '2', role: 'assistant', content: missing, status: 'error' },
        { uid: '3', parent: '1', role: 'assistant', content: '다른' },
      ],
      head: '2',
    },
    { uid: 'd', title: '', messages: [] },
  );
  const file = await exportFrom(calls(store));
  assert.deepEqual([file.name, file.type], ['chats.zip', 'application/zip']);
  const other = memory();
  const report = await importInto(calls(other), file);
  // One that was not there to be exported is told, once.
  const told = ({ kind, code, id }) => [kind, code, id];
  assert.deepEqual(report.failures.map(told), [['file', 'corrupt', '0'.repeat(64)]]);
  assert.deepEqual(other.chats, store.chats);
  assert.deepEqual([...other.blobs.keys()], [url]);
  const back = other.blobs.get(url);
  assert.equal(back.type, 'image/png');
  assert.deepEqual(new Uint8Array(await back.arrayBuffer()), bytes);

  // A byte of the attachment turned over.
  const broken = new Uint8Array(await file.arrayBuffer());
  broken[broken.length - 1000] ^= 1;
  const damaged = await importInto(calls(memory()), broken);
  assert.deepEqual(damaged.failures.map(told).sort(), [
    ['file', 'corrupt', '0'.repeat(64)],
    ['file', 'corrupt', hash],
  ]);
});

test('each format has its name and type', async () => {
  const store = memory();
  await importInto(calls(store), plain(1));
  for (const [format, count, name, type] of [
    ['ndjson', 1, 'chats.ndjson', 'application/x-ndjson'],
    ['markdown', 1, 'chats.md', 'text/markdown'],
    ['markdown', 2, 'chats.zip', 'application/zip'],
    ['openai', 1, 'chats.json', 'application/json'],
    ['ai-sdk', 2, 'chats.json', 'application/json'],
  ]) {
    const chats = Array.from({ length: count }, () => store.chats[0]);
    const file = await exportFrom(calls(memory(chats)), { format });
    assert.deepEqual([file.name, file.type], [name, type]);
    assert.ok(file.size > 10);
  }
  const error = await exportFrom(calls(store), { format: 'pdf' }).catch((error) => error);
  assert.equal(error.code, 'invalid-argument');
});
