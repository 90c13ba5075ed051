/**
 * The package in WebKitGTK, which has no OPFS (or, once it has, where it puts databases then): every public
 * method, over reloads and the death of the page's process. What each gives is held against what it gives in
 * memory in Node.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConversationStore } from '../../dist/index.js';
import { started } from '../firefox/webdriver.mjs';
import { exercise } from './exercise.mjs';
import { webkit } from './webdriver.mjs';

const CRASHES = Number(process.env.CRASHES ?? 5);
const PORT = process.env.WEBKIT_PORT ?? '41743';
const origin = `http://127.0.0.1:${PORT}`;
const server = fileURLToPath(new URL('../e2e/server.mjs', import.meta.url));

let served;
let engine;
let page;

/** Loads the package into the page. */
async function load() {
  await page.goto(`${origin}/`);
  await page.evaluate(async () => {
    const { ConversationStore } = await import('/package/index.js');
    window.Store = ConversationStore;
    window.contents = async (store) => {
      const rows = await store.listConversations(1_000);
      return JSON.stringify([
        rows,
        await Promise.all(rows.map(({ id }) => store.messagesFor(id, { branches: 'all' }))),
      ]);
    };
  });
}

async function begin() {
  page = await engine.open();
  await load();
}

before(async () => {
  served = await started(process.execPath, [server], /(is served)/, { PORT });
  engine = await webkit();
  await begin();
});

after(async () => {
  await page?.end();
  await engine?.stop();
  await served?.stop();
});

/** What this engine lacks of OPFS, or undefined. */
const lacking = () =>
  page.evaluate(async () => {
    if (typeof navigator.storage?.getDirectory !== 'function') return 'no getDirectory';
    if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) return 'no sync handles';
    return await navigator.storage.getDirectory().then(
      () => null,
      (error) => `getDirectory: ${error.name}`,
    );
  });

test('every public method gives what it gives in memory, and all is there after a reload', async (context) => {
  const opfs = await lacking();
  context.diagnostic(`OPFS in this engine: ${opfs ?? 'there'}`);
  globalThis.Store = ConversationStore;
  const expected = await exercise(':memory:');
  await globalThis.store.close();
  assert.deepEqual(expected.missed, []);
  const outcome = await page.evaluate(exercise, 'methods');
  const found = await page.evaluate(async () => ({
    status: await window.store.status(),
    contents: await window.contents(window.store),
  }));
  assert.deepEqual(outcome, JSON.parse(JSON.stringify(expected)));
  assert.equal(found.status.storage, opfs ? 'indexeddb' : 'opfs');
  assert.equal(found.status.created, true);
  await load();
  const again = await page.evaluate(async () => {
    const store = await window.Store.open('methods');
    const outcome = { contents: await window.contents(store), status: await store.status() };
    await store.close();
    await window.Store.delete('methods');
    const gone = await window.Store.open('methods');
    return { ...outcome, rows: (await gone.listConversations()).length };
  });
  assert.equal(again.contents, found.contents);
  assert.equal(again.status.created, false);
  assert.equal(again.rows, 0);
});

test('a call that is refused changes nothing, and calls made at once are in order', async () => {
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('order');
    const id = await store.createConversation('t');
    const code = (call) => call.then(() => 'resolved').catch((error) => error.code);
    const codes = await Promise.all([
      ...Array.from({ length: 50 }, (_, n) => code(store.addMessage(id, 'user', String(n)))),
      code(store.addMessage(999, 'user', 'nowhere')),
      code(store.addMessage(id, 'robot', 'x')),
    ]);
    const rows = (await store.messagesFor(id)).map(({ content }) => Number(content));
    await store.close();
    return { codes: codes.slice(-2), rows };
  });
  assert.deepEqual(seen.codes, ['not-found', 'invalid-argument']);
  assert.deepEqual(
    seen.rows,
    Array.from({ length: 50 }, (_, n) => n),
  );
});

test('a page that is killed in mid-write loses and doubles nothing that was acknowledged', async () => {
  let acknowledged = 0;
  for (let crash = 0; crash <= CRASHES; crash++) {
    const { rows, id } = await page.evaluate(async () => {
      window.store = await window.Store.open('crashes');
      const [row] = await window.store.listConversations();
      const id = row?.id ?? (await window.store.createConversation('crashes'));
      return { id, rows: (await window.store.messagesFor(id)).map((it) => Number(it.content)) };
    });
    assert.deepEqual(
      rows,
      rows.map((_, n) => n + 1),
    );
    assert.ok(rows.length >= acknowledged, `${rows.length} of ${acknowledged}`);
    if (crash === CRASHES) break;
    // Goes on writing when it has told.
    acknowledged = await page.evaluate(
      async (id, from, count) => {
        let n = from;
        const write = async () => {
          await window.store.addMessage(id, 'user', String(n + 1));
          n += 1;
        };
        while (n < from + count) await write();
        const goOn = () => write().then(goOn);
        void goOn();
        return n;
      },
      id,
      rows.length,
      3 + crash * 7,
    );
    await page.crash();
    await begin();
  }
});

test('a database that is in IndexedDB moves to OPFS, where there is OPFS', async (context) => {
  const reason = await lacking();
  if (reason) {
    context.skip(`this engine has no OPFS: ${reason}`);
    return;
  }
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('moves', { storage: 'indexeddb' });
    await store.createConversation('t');
    const before = await window.contents(store);
    await store.close();
    const moved = await window.Store.open('moves', { storage: 'opfs' });
    const { storage } = await moved.status();
    return { storage, same: (await window.contents(moved)) === before };
  });
  assert.deepEqual(seen, { storage: 'opfs', same: true });
});
