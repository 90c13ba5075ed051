/**
 * No space. Real: Chromium's quota, set by the DevTools protocol, in a browser whose estimate says what it
 * grants. Injected: a device of so many bytes, which refuses or writes short (`/workers/full.js`).
 */

import { expect, type Page } from '@playwright/test';
import type { StoreStatus } from '../../dist/index.js';
import { test as base, load, origin, profile } from './browser.js';

const MB = 1 << 20;

interface Refusal {
  code: string;
  details?: { usage?: number; quota?: number };
}

declare global {
  interface Window {
    /** The open chat of these tests. */
    chat: number;
    /** Everything that is stored, as an export has it. */
    content(): Promise<string>;
    /** Writes ever smaller messages until none is taken, and gives how the last was refused. */
    fill(): Promise<Refusal>;
    /** What a promise rejects with, or 'resolved'. */
    refusal(promise: Promise<unknown>): Promise<Refusal>;
    told: StoreStatus[];
  }
}

interface Space {
  /** Grants the origin so many bytes; none: what the browser would. */
  grant(bytes?: number): Promise<void>;
  /** Bytes that it uses. */
  used(): Promise<number>;
}

const test = base.extend<{ space: Space }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the parameter's pattern.
  context: async ({}, use) => {
    // Otherwise the estimate is 10 GB more than what is used, whatever is granted.
    const { launch, remove } = await profile('--disable-features=StaticStorageQuota');
    const context = await launch();
    await use(context);
    await context.close();
    await remove();
  },
  space: async ({ page, context }, use) => {
    const session = await context.newCDPSession(page);
    await use({
      async grant(quotaSize) {
        const asked = quotaSize === undefined ? { origin } : { origin, quotaSize };
        await session.send('Storage.overrideQuotaForOrigin', asked);
      },
      used: async () => (await session.send('Storage.getUsageAndQuota', { origin })).usage,
    });
  },
});

/** Loads the package, opens a store and makes a chat in it. */
async function open(page: Page, name: string, worker?: string): Promise<Page> {
  await load(page);
  await page.evaluate(
    async ({ name, worker }) => {
      window.refusal = (promise) =>
        promise.then(
          () => ({ code: 'resolved' }),
          ({ code, details }) => ({ code, details }),
        );
      window.content = async () => {
        const text = await (await window.store.export()).text();
        // Its first line says when it was made.
        return text.slice(text.indexOf('\n'));
      };
      window.fill = async () => {
        let last: Refusal = { code: 'resolved' };
        for (const size of [400_000, 40_000, 4_000, 1]) {
          do {
            const text = 'x'.repeat(size);
            last = await window.refusal(window.store.addMessage(window.chat, 'user', text));
          } while (last.code === 'resolved');
        }
        return last;
      };
      const made = worker && (() => new Worker(worker, { type: 'module' }));
      window.store = await window.Store.open(name, made ? { worker: made } : {});
      window.told = [];
      window.store.addEventListener('status', ({ detail }) => window.told.push(detail));
      const [row] = await window.store.listConversations();
      window.chat = row?.id ?? (await window.store.createConversation('chat'));
    },
    { name, worker },
  );
  return page;
}

/** What is done while nobody waits takes its time where others use the disk. */
const patiently = { timeout: 40_000 };

/** The sizes of a database's files. */
const files = (page: Page, name: string) =>
  page.evaluate(async (name) => {
    const root = await navigator.storage.getDirectory();
    const parent = await root.getDirectoryHandle('conversation-store');
    const directory = await parent.getDirectoryHandle(name);
    const sizes: Record<string, number> = {};
    for await (const [name, handle] of directory.entries()) {
      sizes[name] = (await (handle as FileSystemFileHandle).getFile()).size;
    }
    return sizes;
  }, name);

/** The reserve, 4 MB, which is made when the store has been idle for a moment. */
const reserve = async (page: Page, name: string) => (await files(page, name)).reserve ?? 0;

test('what finds no space is refused with what is used and granted, and changes nothing', async ({
  page,
  space,
}) => {
  test.setTimeout(120_000);
  await open(page, 'refused');
  await expect.poll(() => reserve(page, 'refused'), patiently).toBe(4 * MB);
  const backup = await page.evaluateHandle(async () => {
    const first = await window.store.addMessage(window.chat, 'user', 'a needle');
    await window.store.createConversation('other', { uid: 'other' });
    await window.store.addMessage('other', 'user', 'theirs', { uid: 'first' });
    // More than any rest of what was granted.
    await window.store.addMessage('other', 'user', 'z'.repeat(6_000_000), { uid: 'long' });
    await window.store.appendToMessage(first.id, ' in the hay');
    return window.store.backup();
  });
  await space.grant((await space.used()) + MB);
  const full = await page.evaluate(() => window.fill());
  expect(full.code).toBe('quota-exceeded');
  const seen = await page.evaluate(async (backup) => {
    const { store } = window;
    let before = await window.content();
    const changed: string[] = [];
    const large = 'y'.repeat(8_000_000);
    const messages = [
      { role: 'user', content: 'new' },
      { role: 'assistant', content: large },
    ] as const;
    const plain = [{ title: 'imported', messages }];
    const blob = new Blob([crypto.getRandomValues(new Uint8Array(60_000)), large]);
    const calls: Record<string, () => Promise<unknown>> = {
      createConversation: () => store.createConversation('one more', { metadata: { large } }),
      addMessage: () => store.addMessage(window.chat, 'user', large),
      saveMessages: () => store.saveMessages(window.chat, messages),
      updateMessage: () =>
        store.updateMessage({ conversationId: 'other', uid: 'first' }, { content: large }),
      updateConversation: () => store.updateConversation('other', { metadata: { large } }),
      fork: () => store.fork('other', { conversationId: 'other', uid: 'long' }),
      appendToMessage: () =>
        store.appendToMessage({ conversationId: 'other', uid: 'first' }, large),
      messageWriter: async () => {
        const writer = await store.messageWriter(window.chat);
        const writing = writer.getWriter();
        await writing.write(large);
        await writing.close();
      },
      import: () => store.import(plain),
      putBlob: () => store.putBlob(blob),
      restore: () => store.restore(backup),
      backup: () => store.backup(),
    };
    const refusals: Record<string, unknown> = {};
    for (const [name, call] of Object.entries(calls)) {
      const { code, details } = await window.refusal(call());
      const { usage = 0, quota = 0, ...rest } = details ?? {};
      const estimate = await navigator.storage.estimate();
      const isOfSpace = usage > 4_000_000 && usage <= quota && quota === estimate.quota;
      refusals[name] = [code, isOfSpace, Object.keys(rest).join()];
      const after = await window.content();
      if (after !== before) changed.push(name);
      before = after;
    }
    const { lowSpace } = await store.status();
    return {
      refusals,
      changed,
      hits: (await store.search('needle in the hay')).length,
      listed: (await store.listConversations()).length,
      read: (await store.messagesFor('other')).length,
      lowSpace,
      blobs: (await store.getBlob(`conversation-store:sha256-${'0'.repeat(64)}`)) ?? 'none',
      calls: Object.keys(calls).length,
    };
  }, backup);
  const of = (...rest: string[]) => ['quota-exceeded', true, rest.join()];
  const { messageWriter, import: imported, ...others } = seen.refusals;
  for (const [name, refusal] of Object.entries(others)) expect(refusal, name).toEqual(of());
  expect(imported).toEqual(of('report'));
  expect(messageWriter).toEqual(of());
  // A stream keeps what it began, an import the batches before the refusal.
  const mayStay = ['messageWriter', 'import'];
  expect(seen.changed.filter((name) => !mayStay.includes(name))).toEqual([]);
  expect(seen).toMatchObject({ hits: 1, listed: 2, read: 2, lowSpace: true, calls: 12 });

  // The browser grants more: all of it works, in the same store.
  await space.grant();
  const again = await page.evaluate(async (backup) => {
    const large = 'y'.repeat(8_000_000);
    const codes = [
      await window.refusal(window.store.addMessage(window.chat, 'user', large)),
      await window.refusal(window.store.putBlob(new Blob([large]))),
      await window.refusal(
        window.store.import([{ title: 't', messages: [{ role: 'user', content: large }] }]),
      ),
      await window.refusal(window.store.backup()),
      await window.refusal(window.store.restore(backup)),
    ];
    return codes.map(({ code }) => code);
  }, backup);
  expect(again).toEqual(Array(5).fill('resolved'));
});

test('with no space left chats are deleted, and what they held is written again', async ({
  page,
  space,
}) => {
  test.setTimeout(120_000);
  await open(page, 'deleting');
  await expect.poll(() => reserve(page, 'deleting'), patiently).toBe(4 * MB);
  await page.evaluate(async () => {
    const messages = Array.from({ length: 3_000 }, (_, n) => ({
      role: 'user' as const,
      content: `${n} ${'많은 말 '.repeat(20)}`,
    }));
    await window.store.import([
      { title: 'many', uid: 'many', messages },
      { title: 'trashed', uid: 'trashed', messages },
      { title: 'few', uid: 'few', messages: messages.slice(0, 10) },
    ]);
    await window.store.updateConversation('trashed', { trashed: true });
  });
  await space.grant(await space.used());
  expect(await page.evaluate(() => window.fill())).toMatchObject({ code: 'quota-exceeded' });
  await space.grant(await space.used());
  const deleted = await page.evaluate(async () => {
    const { store } = window;
    const last = (await store.messagesFor('few')).at(-1)?.id ?? 0;
    return [
      await store.deleteMessage(last),
      await store.deleteConversation('many'),
      await store.emptyTrash(),
    ];
  });
  expect(deleted).toEqual([1, 1, 1]);
  const added = await page.evaluate(() => {
    const text = 'x'.repeat(300_000);
    return window.refusal(window.store.addMessage(window.chat, 'user', text));
  });
  expect(added.code).toBe('resolved');
  expect(await page.evaluate(() => window.fill())).toMatchObject({ code: 'quota-exceeded' });
  await page.evaluate(() => window.store.clear());
  const anew = await page.evaluate(async () => {
    window.chat = await window.store.createConversation('anew');
    const text = 'x'.repeat(1_000_000);
    for (let n = 0; n < 3; n++) await window.store.addMessage(window.chat, 'user', text);
    return (await window.store.messagesFor(window.chat)).length;
  });
  expect(anew).toBe(3);
  await space.grant();
  await page.evaluate(() => window.store.addMessage(window.chat, 'user', 'and on'));
  await expect.poll(() => reserve(page, 'deleting'), patiently).toBe(4 * MB);
});

test('what a large delete frees comes back to the browser', async ({ page, space }) => {
  test.setTimeout(120_000);
  await open(page, 'back');
  await page.evaluate(async () => {
    await window.store.createConversation('large', { uid: 'large' });
    const text = 'x'.repeat(1_000_000);
    for (let n = 0; n < 30; n++) await window.store.addMessage('large', 'user', text);
  });
  await expect
    .poll(async () => (await files(page, 'back'))['main.db'], patiently)
    .toBeGreaterThan(30_000_000);
  await page.evaluate(() => window.store.deleteConversation('large'));
  await expect
    .poll(async () => (await files(page, 'back'))['main.db'], patiently)
    .toBeLessThan(2_000_000);
  // Of the rest most is the log's, which keeps what it was granted, and the reserve.
  await expect.poll(() => space.used(), patiently).toBeLessThan(24 * MB);
  const rows = await page.evaluate(async () => {
    await window.store.addMessage(window.chat, 'user', 'still there');
    return (await window.store.messagesFor(window.chat)).map(({ content }) => content);
  });
  expect(rows).toEqual(['still there']);
});

test('what can wait is not tried again and again, and loses nothing', async ({ page }) => {
  test.setTimeout(120_000);
  await open(page, 'upkeep', '/workers/full.js');
  await expect.poll(() => reserve(page, 'upkeep'), patiently).toBe(4 * MB);
  const device = (message: object) =>
    page.evaluate(
      (message) =>
        new Promise<{ refusals: number }>((resolve) => {
          const channel = new BroadcastChannel('device');
          channel.onmessage = ({ data }) => {
            channel.close();
            resolve(data);
          };
          channel.postMessage(message);
        }),
      message,
    );
  // The log keeps 2 MB of it for what frees space.
  await device({ left: 4_500_000, how: 'quota' });
  // More than the index leaves to searches, and no room for what it makes of them.
  const full = await page.evaluate(async () => {
    const last = await window.fill();
    const { store, chat } = window;
    return { last, found: (await store.search('xxxx', { conversationId: chat })).length };
  });
  expect(full.last.code).toBe('quota-exceeded');
  expect(full.found).toBeGreaterThan(0);
  const rest = () =>
    page.evaluate(async () => {
      for (let n = 0; n < 300; n++) await window.store.getConversation(window.chat);
    });
  await rest();
  const before = await device({});
  await rest();
  const after = await device({});
  // One pause at most has come in between: a checkpoint, the reserve, the index.
  expect(after.refusals - before.refusals).toBeLessThan(10);
  await device({ left: Number.MAX_SAFE_INTEGER });
  await page.evaluate(async () => {
    // As many commits as a pause moves into the main file.
    for (let n = 0; n < 10; n++) await window.store.addMessage(window.chat, 'user', 'room again');
  });
  await expect.poll(async () => (await files(page, 'upkeep'))['main.db-wal'], patiently).toBe(0);
});

test('a store is not made where there is no space, and is made when there is', async ({
  page,
  space,
}) => {
  test.setTimeout(120_000);
  await load(page);
  // From nothing at all to more than a new store takes, in pieces as Chromium grants them.
  const levels = [
    0,
    200,
    400,
    700,
    1_000,
    MB,
    MB + 500,
    1.5 * MB,
    2 * MB,
    2 * MB + 800,
    3 * MB,
    8 * MB,
  ];
  const seen: string[] = [];
  for (const [n, level] of levels.entries()) {
    await space.grant((await space.used()) + level);
    const name = `new-${n}`;
    const first = await page.evaluate(async (name) => {
      const opened = window.Store.open(name);
      const error = await opened.catch((error) => error);
      if (!(error instanceof window.StoreError)) {
        await error.close();
        return { code: 'resolved' };
      }
      const { code, details } = error;
      return { code, details };
    }, name);
    seen.push(first.code);
    if (first.code !== 'resolved') {
      expect(first, `${level}`).toEqual({
        code: 'quota-exceeded',
        details: { usage: expect.any(Number), quota: expect.any(Number) },
      });
    }
    await space.grant();
    const rows = await page.evaluate(async (name) => {
      const store = await window.Store.open(name);
      await store.createConversation('made');
      const rows = (await store.listConversations()).length;
      await store.close();
      await window.Store.delete(name);
      return rows;
    }, name);
    expect(rows).toBe(1);
  }
  expect(seen[0]).toBe('quota-exceeded');
  expect(seen.at(-1)).toBe('resolved');
});

test('a store that is full opens, and all but writing works', async ({ page, space }) => {
  test.setTimeout(120_000);
  await open(page, 'opens');
  await expect.poll(() => reserve(page, 'opens'), patiently).toBe(4 * MB);
  await space.grant((await space.used()) + MB);
  await page.evaluate(() => window.fill());
  const before = await page.evaluate(() => window.content());
  await page.evaluate(() => window.store.close());
  // Less than is used: nothing is granted, whatever is given back.
  await space.grant(1);
  await open(page, 'opens');
  const seen = await page.evaluate(async () => ({
    content: await window.content(),
    refused: await window.refusal(
      window.store.addMessage(window.chat, 'user', 'x'.repeat(10_000_000)),
    ),
  }));
  expect(seen.content).toBe(before);
  expect(seen.refused.code).toBe('quota-exceeded');
  expect(seen.refused.details?.quota).toBe(1);
  await space.grant(await space.used());
  expect(await page.evaluate(() => window.store.deleteConversation(window.chat))).toBe(1);
});

test('every tab is told once when little is left, and once when there is room again', async ({
  page,
  context,
  space,
}) => {
  test.setTimeout(120_000);
  await open(page, 'told');
  const other = await open(await context.newPage(), 'told');
  await expect.poll(() => reserve(page, 'told'), patiently).toBe(4 * MB);
  const told = (page: Page) =>
    page.evaluate(() =>
      window.told.map(({ lowSpace, usage = 0, quota = 0 }) => [lowSpace, usage < quota]),
    );
  const write = () => other.evaluate(() => window.store.addMessage(window.chat, 'user', 'x'));
  const low = [true, true];
  const ample = [false, true];
  await space.grant(Math.ceil((await space.used()) * 1.05));
  await write();
  await expect.poll(() => told(page), patiently).toEqual([low]);
  await expect.poll(() => told(other), patiently).toEqual([low]);
  expect(await other.evaluate(async () => (await window.store.status()).lowSpace)).toBe(true);
  await write();
  await space.grant((await space.used()) * 2);
  await write();
  await expect.poll(() => told(page), patiently).toEqual([low, ample]);
  await expect.poll(() => told(other), patiently).toEqual([low, ample]);
});

test('where the estimate says nothing, a refusal does', async () => {
  const { launch, remove } = await profile();
  const context = await launch();
  try {
    const page = await open(context.pages()[0] ?? (await context.newPage()), 'static');
    const session = await context.newCDPSession(page);
    const { usage } = await session.send('Storage.getUsageAndQuota', { origin });
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage });
    const refused = await page.evaluate(() =>
      window.refusal(window.store.addMessage(window.chat, 'user', 'x'.repeat(10_000_000))),
    );
    expect(refused.code).toBe('quota-exceeded');
    expect(refused.details?.quota).toBeGreaterThan(refused.details?.usage ?? 0);
    await expect
      .poll(() => page.evaluate(() => window.told.map((it) => it.lowSpace)), patiently)
      .toEqual([true]);
    const persisted = await page.evaluate(async () => {
      const promised = await window.store.persist();
      return promised === (await window.store.status()).persisted;
    });
    expect(persisted).toBe(true);
  } finally {
    await context.close();
    await remove();
  }
});

for (const how of ['quota', 'short']) {
  test(`on a device of ever more bytes each call is carried out or refused, whole (${how})`, async ({
    page,
  }) => {
    test.setTimeout(240_000);
    await load(page);
    const seen = await page.evaluate(async (how) => {
      const channel = new BroadcastChannel('device');
      const device = (message: object) =>
        new Promise<{ refusals: number }>((resolve) => {
          channel.onmessage = ({ data }) => resolve(data);
          channel.postMessage(message);
        });
      const worker = () => new Worker('/workers/full.js', { type: 'module' });
      const codes: Record<string, number> = {};
      let refusals = 0;
      for (let left = 0; left < 1_300_000; left += 100_003) {
        const name = `device-${left}`;
        let store = await window.Store.open(name, { worker });
        const chat = await store.createConversation('chat');
        const gone = await store.createConversation('gone');
        for (let n = 0; n < 20; n++) await store.addMessage(gone, 'user', 'x'.repeat(3_000));
        await device({ left, how });
        const content = async () => {
          const text = await (await store.export()).text();
          return text.slice(text.indexOf('\n'));
        };
        const file = new Blob(['y'.repeat(300_000)]);
        const calls = [
          () => store.createConversation('one more'),
          () => store.addMessage(chat, 'user', 'short'),
          () => store.addMessage(chat, 'user', 'long '.repeat(20_000)),
          () => store.saveMessages(chat, [{ role: 'user', content: 'z'.repeat(50_000) }]),
          () => store.appendToMessage(1, 'more '.repeat(10_000)),
          () => store.updateConversation(chat, { title: 'renamed' }),
          () =>
            store.import([
              { title: 'i', messages: [{ role: 'user', content: 'i'.repeat(90_000) }] },
            ]),
          () => store.putBlob(file),
          () => store.backup(),
        ];
        for (const call of calls) {
          const before = await content();
          const code = await call().then(
            () => 'resolved',
            (error) => `${error.code}`,
          );
          codes[code] = (codes[code] ?? 0) + 1;
          if (code === 'quota-exceeded' && (await content()) !== before) codes.changed = left;
        }
        // At once, the shorter ones with a longer one: each is told for itself.
        const sizes = [10, 90_000, 10, 10];
        const pair = await store.createConversation('at once').catch(() => undefined);
        if (pair !== undefined) {
          const adding = sizes.map((size, n) =>
            store.addMessage(pair, 'user', `${n}${'p'.repeat(size)}`),
          );
          const added = await Promise.allSettled(adding);
          const rows = (await store.messagesFor(pair)).map(({ content }) => content[0]);
          const told = added.flatMap(({ status }, n) =>
            status === 'fulfilled' ? [String(n)] : [],
          );
          if (rows.join() !== told.join()) codes.disordered = left;
        }
        const last = await content();
        refusals += (await device({})).refusals;
        await store.close();
        store = await window.Store.open(name, { worker });
        if ((await content()) !== last) codes.lost = left;
        await store.deleteConversation(gone);
        await store.close();
        await window.Store.delete(name);
      }
      channel.close();
      return { codes: Object.keys(codes).sort(), counts: codes, refusals };
    }, how);
    expect(seen.codes).toEqual(['quota-exceeded', 'resolved']);
    expect(seen.refusals).toBeGreaterThan(40);
  });
}
