/**
 * The package in WebKitGTK, which has no OPFS (or, once it has, where it puts databases then): every public
 * method, over reloads, the death of the page's process and several windows. What each gives is held against what it gives in
 * memory in Node.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConversationStore } from '../../dist/index.js';
import { count, open, write, written } from '../firefox/page.mjs';
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

/** Loads the package into a page. */
async function load(page) {
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
  await load(page);
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
  await load(page);
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

test('windows write at once while those that lead close: each message once, each in order', async () => {
  const each = 60;
  const tab = async () => {
    const opened = await page.another();
    await load(opened);
    await opened.evaluate(open, { name: 'tabs' });
    return opened;
  };
  const role = async () => (await window.store.status()).role;
  const first = await tab();
  const conversation = await first.evaluate(() => window.store.createConversation('t'));
  const [second, third] = [await tab(), await tab()];
  const roles = [
    await first.evaluate(role),
    await second.evaluate(role),
    await third.evaluate(role),
  ];
  assert.deepEqual(roles, ['leader', 'follower', 'follower']);
  const last = await tab();
  await last.evaluate(count);
  await third.evaluate(write, { conversation, writer: 0, each });
  await last.evaluate(write, { conversation, writer: 1, each });
  await last.evaluate((moment) => window.reached(moment), each / 2);
  await first.close();
  await last.evaluate((moment) => window.reached(moment), each);
  await second.close();
  // None was rejected.
  for (const writer of [third, last]) await writer.evaluate(() => window.writing);
  const numbers = Array.from({ length: each }, (_, n) => n + 1);
  const everywhere = { 0: numbers, 1: numbers };
  for (const reader of [third, last]) {
    assert.deepEqual(await reader.evaluate(written, conversation), everywhere);
  }
  const left = [await third.evaluate(role), await last.evaluate(role)].sort();
  assert.deepEqual(left, ['follower', 'leader']);
  for (const opened of [third, last]) await opened.close();
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
