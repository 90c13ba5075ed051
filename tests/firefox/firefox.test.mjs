/**
 * Every tab at once, in Firefox: what tests/e2e/tabs.spec.ts holds of Chromium, with windows closed
 * where it crashes renderers.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { count, open, write, writeUntilReset, written } from './page.mjs';
import { firefox, started } from './webdriver.mjs';

const CLOSES = Number(process.env.CRASHES ?? 5);
const KILLS = Number(process.env.KILLS ?? 1);
const WRITERS = 8;
const EACH = 500;
const PORT = '41742';
const origin = `http://127.0.0.1:${PORT}`;
const server = fileURLToPath(new URL('../e2e/server.mjs', import.meta.url));

const numbers = (count) => Array.from({ length: count }, (_, n) => n + 1);

let served;
let browser;

before(async () => {
  served = await started(process.execPath, [server], /(is served)/, { PORT });
  browser = await firefox();
});

after(async () => {
  await browser?.stop();
  await served?.stop();
});

/** Loads the package into a window. */
async function load(page) {
  await page.goto(`${origin}/`);
  await page.evaluate(async () => {
    const { ConversationStore } = await import('/package/index.js');
    window.Store = ConversationStore;
  });
  return page;
}

/** A new window that has the database open. */
async function tab(name, firefox = browser) {
  const page = await load(await firefox.open());
  await page.evaluate(open, { name });
  return page;
}

async function tabs(name, count) {
  const pages = [];
  for (let n = 0; n < count; n++) pages.push(await tab(name));
  return pages;
}

/** One after the other: the driver runs one command at a time. */
async function all(pages, work, ...args) {
  const results = [];
  for (const page of pages) results.push(await page.evaluate(work, ...args));
  return results;
}

const role = async () => (await window.store.status()).role;
const create = (page) => page.evaluate(() => window.store.createConversation('t'));
const close = (pages) => Promise.all(pages.map((page) => page.close()));

/** The one that leads; some may be on their way up or down. */
async function leaderOf(pages) {
  return pages[(await all(pages, role)).indexOf('leader')] ?? leaderOf(pages);
}

test('the store works in Firefox, on OPFS', async () => {
  const page = await tab('alone');
  const seen = await page.evaluate(async () => {
    const id = await window.store.createConversation('안녕 🌱');
    await window.store.addMessage(id, 'user', 'e\u0301 \u0000 끝');
    const { storage, journalMode, synchronous } = await window.store.status();
    const [row] = await window.store.messagesFor(id);
    return [row.content, storage, journalMode, synchronous];
  });
  assert.deepEqual(seen, ['e\u0301 \u0000 끝', 'opfs', 'wal', 'full']);
  await page.close();
});

test('a second tab works at once, and each sees what the other has written', async () => {
  const pages = await tabs('two', 2);
  assert.deepEqual(await all(pages, role), ['leader', 'follower']);
  const id = await create(pages[0]);
  for (let n = 1; n <= 10; n++) {
    const add = (id, n) => window.store.addMessage(id, 'user', String(n));
    await pages[n % 2].evaluate(add, id, n);
    const length = async (id) => (await window.store.messagesFor(id)).length;
    assert.deepEqual(await all(pages, length, id), [n, n]);
  }
  await close(pages);
});

test('eight tabs write at once while leaders close: each message once, each in order', async () => {
  const observer = await tab('closes');
  const conversation = await create(observer);
  await observer.evaluate(() => window.store.close());
  await observer.evaluate(count);
  const begin = async (writer) => {
    const page = await tab('closes');
    await page.evaluate(write, { conversation, writer, each: EACH });
    return page;
  };
  const pages = [];
  for (let writer = 0; writer < WRITERS; writer++) pages.push(await begin(writer));
  const step = (WRITERS * EACH) / (CLOSES + 1);
  for (let n = 1; n <= CLOSES; n++) {
    const moment = Math.floor((n - Math.random() / 2) * step);
    await observer.evaluate((moment) => window.reached(moment), moment);
    const leader = await leaderOf(pages);
    const writer = pages.indexOf(leader);
    await leader.close();
    pages[writer] = await begin(writer);
  }
  // None was rejected.
  await all(pages, () => window.writing);
  assert.deepEqual(
    await pages[0].evaluate(written, conversation),
    Object.fromEntries(numbers(WRITERS).map((n) => [n - 1, numbers(EACH)])),
  );
  await close([observer, ...pages]);
});

test('what was acknowledged is there after the browser was killed, once', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'conversation-store-profile-'));
  let killed = await firefox(profile);
  let acknowledged = 0;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const page = await tab('killed', killed);
      const from = acknowledged;
      acknowledged = await page.evaluate(
        async (from, more) => {
          const { store } = window;
          const id = await store.createConversation('t', 'claude', { uid: 'killed' });
          const rows = await store.messagesFor(id);
          const contents = rows.map(({ content }) => Number(content));
          if (contents.length < from || contents.some((content, n) => content !== n + 1)) {
            throw new Error(`${from} were acknowledged, there are ${contents}`);
          }
          return new Promise((resolve, reject) => {
            const write = async (n) => {
              await store.addMessage(id, 'user', String(n));
              // It goes on writing while it is killed.
              if (n === contents.length + more) resolve(n);
              await write(n + 1);
            };
            write(contents.length + 1).catch(reject);
          });
        },
        from,
        1 + Math.floor(Math.random() * 100),
      );
      await killed.kill();
      killed = await firefox(profile);
    }
    const page = await tab('killed', killed);
    const rows = await page.evaluate(() => window.store.messagesFor('killed'));
    assert.ok(rows.length >= acknowledged);
    assert.deepEqual(
      rows.map(({ content }) => Number(content)),
      numbers(rows.length),
    );
  } finally {
    await killed.stop();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});

test('cleared data: calls reject in every tab, and a store that is opened anew works', async () => {
  const pages = await tabs('cleared', 2);
  await create(pages[0]);
  await pages[1].evaluate(() => fetch('/clear').then((response) => response.text()));
  const rejected = async () => {
    for (;;) {
      const code = await window.store.createConversation('lost').then(
        () => undefined,
        (error) => error.code,
      );
      if (code) return code;
    }
  };
  assert.deepEqual(await all(pages, rejected), Array(2).fill('storage-unavailable'));
  const anew = async (title) => {
    await window.store.close();
    window.store = await window.Store.open('cleared');
    await window.store.createConversation(title);
    return (await window.store.listConversations()).map(({ title }) => title);
  };
  assert.deepEqual(await pages[0].evaluate(anew, 'anew'), ['anew']);
  assert.deepEqual(await pages[1].evaluate(anew, 'another'), ['another', 'anew']);
  await close(pages);
});

const leave = {
  'closes the store': (page) => page.evaluate(() => window.store.close()),
  'navigates away': (page) => page.goto('about:blank'),
  'closes its window': (page) => page.close(),
};

for (const [how, leaves] of Object.entries(leave)) {
  test(`a leader that ${how} is followed by another, and no call notices`, async () => {
    const name = `leader ${how}`;
    const [leader, ...followers] = await tabs(name, 3);
    const conversation = await create(leader);
    for (const [writer, page] of followers.entries()) {
      await page.evaluate(writeUntilReset, { conversation, writer });
    }
    await leaves(leader);
    const counts = await all(followers, () => window.writing);
    assert.deepEqual(
      await followers[0].evaluate(written, conversation),
      Object.fromEntries(counts.map((count, writer) => [writer, numbers(count)])),
    );
    assert.deepEqual((await all(followers, role)).sort(), ['follower', 'leader']);
    assert.deepEqual((await all(followers, () => window.heard.roles)).flat(), ['leader']);
    await close(how === 'closes its window' ? followers : [leader, ...followers]);
  });
}

test('every tab is told of every change, once and in order; local only to its maker', async () => {
  const pages = await tabs('changes', 3);
  const conversation = await create(pages[0]);
  for (const [writer, page] of pages.slice(0, 2).entries()) {
    await page.evaluate(
      (id, writer) => {
        const add = (_, n) => window.store.addMessage(id, 'user', `${writer}:${n + 1}`);
        window.writing = Promise.all(Array.from({ length: 200 }, add)).then(() => {});
      },
      conversation,
      writer,
    );
  }
  await all(pages, () => window.until(() => window.inserts().length >= 400));
  const rows = await pages[2].evaluate((id) => window.store.messagesFor(id), conversation);
  for (const [listener, page] of pages.entries()) {
    const expected = rows.map(({ id, content }) => [id, content.startsWith(`${listener}:`)]);
    const inserts = () => window.inserts().map(({ id, local }) => [id, local]);
    const told = await page.evaluate(inserts);
    assert.deepEqual(
      told,
      expected.map(([id, local]) => [id, listener < 2 && local]),
    );
    const events = await page.evaluate(() =>
      window.heard.changes.map(({ sequence, changes, reset }) => ({
        first: sequence - changes.length,
        sequence,
        reset,
      })),
    );
    assert.ok(events.length < 400, 'coalesced');
    assert.ok(events.every(({ reset }) => !reset));
    const firsts = events.map(({ first }) => first).slice(1);
    assert.deepEqual(firsts, events.map(({ sequence }) => sequence).slice(0, -1));
  }
  await close(pages);
});

test('backup and restore from a follower; every tab is told to read again', async () => {
  const pages = await tabs('backup', 2);
  const conversation = await create(pages[0]);
  const head = await pages[1].evaluate(async (id) => {
    const text = (n) => `${n} `.repeat(10_000);
    const adds = Array.from({ length: 100 }, (_, n) =>
      window.store.addMessage(id, 'user', text(n)),
    );
    await Promise.all(adds);
    const file = await window.store.backup();
    await window.store.addMessage(id, 'user', 'after the backup');
    await window.store.restore(file);
    return file.slice(0, 15).text();
  }, conversation);
  assert.equal(head, 'SQLite format 3');
  await all(pages, () => window.until(() => window.heard.changes.some(({ reset }) => reset)));
  const intact = async (id) => {
    const rows = await window.store.messagesFor(id);
    return rows.filter(({ content }, n) => content === `${n} `.repeat(10_000)).length;
  };
  assert.deepEqual(await all(pages, intact, conversation), [100, 100]);
  await close(pages);
});
