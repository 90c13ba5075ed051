/**
 * Without OPFS: over IndexedDB, what was acknowledged is there and what was refused is not, whatever fails; a
 * database is opened where it is, and moved to OPFS where that is asked for.
 */

import { type CDPSession, expect, type Page } from '@playwright/test';
import type * as Package from '../../dist/index.js';
import { load, origin, profile, test } from './browser.js';

type Options = Package.OpenOptions;

declare global {
  interface Window {
    /** Opens a database by the worker of that script. */
    openBy(script: string, name: string, options?: Options): Promise<Package.ConversationStore>;
    /** Has the worker `plants.js` do that to the next transactions that write. */
    plant(kind: string, times?: number): Promise<void>;
    /** What a database holds, to be compared. */
    contents(store: Package.ConversationStore): Promise<string>;
    /** Whether that is in IndexedDB. */
    inIndexedDb(name: string): Promise<boolean>;
  }
}

async function start(page: Page): Promise<Page> {
  await load(page);
  await page.evaluate(() => {
    window.openBy = (script, name, options = {}) => {
      const worker = () => new Worker(`/workers/${script}`, { type: 'module' });
      return window.Store.open(name, { worker, ...options });
    };
    const channel = new BroadcastChannel('plant');
    window.plant = (kind, times) =>
      new Promise((resolve) => {
        channel.onmessage = () => resolve();
        channel.postMessage({ kind, times });
      });
    window.contents = async (store) => {
      const rows = await store.listConversations(1_000);
      const messages = await Promise.all(rows.map(({ id }) => store.messagesFor(id)));
      return JSON.stringify([rows, messages]);
    };
    window.inIndexedDb = async (name) => {
      const all = await indexedDB.databases();
      return all.some((it) => it.name === `conversation-store:${name}`);
    };
  });
  return page;
}

test.beforeEach(async ({ page }) => {
  await start(page);
});

test('a browser without OPFS keeps chats in IndexedDB, over reloads, and says so', async ({
  page,
}) => {
  const before = await page.evaluate(async () => {
    const store = await window.openBy('no-opfs.js', 'kept');
    const id = await store.createConversation('담긴 곳');
    await store.addMessage(id, 'user', 'where?');
    const status = await store.status();
    return { status, rows: await window.contents(store) };
  });
  expect(before.status).toMatchObject({
    storage: 'indexeddb',
    role: 'leader',
    durability: 'strict',
    journalMode: 'memory',
    synchronous: 'full',
    created: true,
    evicted: false,
    movable: false,
  });
  await start(page);
  const after = await page.evaluate(async () => {
    const store = await window.openBy('no-sync.js', 'kept');
    return { status: await store.status(), rows: await window.contents(store) };
  });
  expect(after.rows).toBe(before.rows);
  expect(after.status).toMatchObject({ storage: 'indexeddb', created: false, evicted: false });
});

test('each transaction is as durable as its call wants it', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('no-opfs.js', 'durable', { durability: 'relaxed' });
    const { durability, synchronous } = await store.status();
    await store.close();
    return { durability, synchronous };
  });
  expect(seen).toEqual({ durability: 'relaxed', synchronous: 'normal' });
});

test('a transaction that fails takes its calls back, whatever failed, and the next go on', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('plants.js', 'failing');
    const id = await store.createConversation('t');
    await store.addMessage(id, 'user', 'before');
    const told: string[] = [];
    store.addEventListener('change', ({ detail }) => {
      for (const { kind, op } of detail.changes) told.push(`${kind} ${op}`);
    });
    const before = await window.contents(store);
    const codes: string[] = [];
    const kept: boolean[] = [];
    for (const kind of ['quota', 'data', 'abort']) {
      const calls: (() => Promise<unknown>)[] = [
        () => store.createConversation('refused'),
        () => store.addMessage(id, 'user', 'refused '.repeat(50_000)),
        () => store.updateConversation(id, { title: 'refused' }),
        () => store.deleteConversation(id),
        () => store.saveMessages(id, [{ role: 'user', content: 'refused' }]),
        () => store.putBlob(new Blob(['refused'])),
        () => store.import([{ title: 'refused', messages: [{ role: 'user', content: 'x' }] }]),
        () => store.clear(),
      ];
      for (const call of calls) {
        // An import is told by its report, and stored in two steps.
        await window.plant(kind, 3);
        const outcome = await call().then(
          (value) => (value as Package.ImportReport)?.failures?.[0]?.code ?? 'resolved',
          (error) => error.code,
        );
        await window.plant('');
        codes.push(outcome);
        kept.push((await window.contents(store)) === before);
      }
    }
    const quiet = told.length;
    await store.addMessage(id, 'assistant', 'after');
    const file = await store.backup();
    await window.plant('quota', 3);
    codes.push(await window.code(store.restore(file)));
    await window.plant('');
    const rows = (await store.messagesFor(id)).map((row) => row.content);
    const last = await window.contents(store);
    await store.close();
    const again = await window.openBy('no-opfs.js', 'failing');
    return { codes, kept, quiet, rows, same: (await window.contents(again)) === last };
  });
  const each = (code: string) => Array(8).fill(code);
  expect(seen.codes).toEqual([
    ...each('quota-exceeded'),
    ...each('storage-unavailable'),
    ...each('storage-unavailable'),
    'quota-exceeded',
  ]);
  expect(seen.kept).toEqual(Array(24).fill(true));
  expect(seen).toMatchObject({ quiet: 0, rows: ['before', 'after'], same: true });
});

test('of calls that share a transaction that fails each is carried out by itself', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('plants.js', 'shared');
    const id = await store.createConversation('t');
    // The first runs alone, the rest in one: that fails, then the first two by themselves.
    const first = store.addMessage(id, 'user', '0');
    await window.plant('quota', 1);
    await first;
    const calls = Array.from({ length: 20 }, (_, n) => store.addMessage(id, 'user', `${n + 1}`));
    const codes = await Promise.all(calls.map((call) => window.code(call)));
    const rows = (await store.messagesFor(id)).map((row) => row.content);
    await store.close();
    const again = await window.openBy('no-opfs.js', 'shared');
    const kept = (await again.messagesFor(id)).map((row) => row.content);
    return { codes, rows, kept };
  });
  const refused = seen.codes.filter((code) => code !== 'resolved');
  expect(refused.every((code) => code === 'quota-exceeded')).toBe(true);
  expect(refused.length).toBeLessThan(2);
  const there = Array.from({ length: 21 }, (_, n) => `${n}`).filter(
    (_, n) => n === 0 || seen.codes[n - 1] === 'resolved',
  );
  expect(seen.rows).toEqual(there);
  expect(seen.kept).toEqual(there);
});

test('a repeated operation is carried out once, also where the first was refused', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('plants.js', 'operations');
    const id = await store.createConversation('t');
    const add = () => store.addMessage(id, 'user', 'once', {}, { operationId: 'mine' });
    await window.plant('abort');
    const refused = await window.code(add());
    const first = await add();
    const second = await add();
    return { refused, same: first.id === second.id, rows: (await store.messagesFor(id)).length };
  });
  expect(seen).toEqual({ refused: 'storage-unavailable', same: true, rows: 1 });
});

test('the quota: told, nothing changed, reading goes on, and writing when there is space', async ({
  page,
  context,
}) => {
  test.setTimeout(120_000);
  const session = await context.newCDPSession(page);
  const quota = (quotaSize?: number) =>
    session.send('Storage.overrideQuotaForOrigin', {
      origin,
      ...(quotaSize === undefined ? {} : { quotaSize }),
    });
  // The browser remembers for a while how much there was left: before the first write.
  await quota(8_000_000);
  const full = await page.evaluate(async () => {
    const store = await window.openBy('no-opfs.js', 'quota');
    window.store = store;
    const id = await store.createConversation('t');
    const gone = await store.createConversation('to be deleted');
    await store.addMessage(id, 'user', 'here');
    // In the next pause space is set apart for deletions.
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const database = await done(indexedDB.open('conversation-store:quota'));
    const reserve = () => database.transaction('reserve').objectStore('reserve');
    while ((await done(reserve().count())) === 0);
    database.close();
    const fill = () => window.code(store.addMessage(gone, 'user', 'x'.repeat(300_000)));
    let code = 'resolved';
    let filled = -1;
    for (; code === 'resolved'; filled++) code = await fill();
    const before = await window.contents(store);
    code = await fill();
    const same =
      (await window.contents(store)) === before &&
      (await store.getConversation(gone))?.messageCount === filled;
    const backup = (await store.backup()).size > 300_000;
    const chats = (await store.export()).size > 300_000;
    return { id, gone, code, same, backup, chats };
  });
  expect(full).toMatchObject({ code: 'quota-exceeded', same: true, backup: true, chats: true });
  const deleted = await page.evaluate(
    (id) => window.code(window.store.deleteConversation(id)),
    full.gone,
  );
  await quota();
  const free = await page.evaluate(async (id) => {
    const code = await window.code(window.store.addMessage(id, 'user', 'x'.repeat(1_000_000)));
    const lengths = (await window.store.messagesFor(id)).map((row) => row.content.length);
    return { code, lengths };
  }, full.id);
  expect(free).toEqual({ code: 'resolved', lengths: [4, 1_000_000] });
  expect(deleted).toBe('resolved');
});

test('where there is no space even for what opening mends, everything is read all the same', async ({
  page,
}) => {
  await page.evaluate(async () => {
    const store = await window.openBy('no-opfs.js', 'mended');
    const id = await store.createConversation('t');
    const extra = { status: 'streaming' as const };
    await store.addMessage(id, 'assistant', 'begun', extra);
  });
  // Its tab is gone: the next open ends the message.
  await start(page);
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('plants.js?kind=quota', 'mended');
    const read = async () => {
      const [row] = await store.listConversations();
      const rows = await store.messagesFor(row?.id ?? 0);
      return rows.map(({ content, status }) => `${content} ${status}`).join();
    };
    const codes = [await read()];
    codes.push(await window.code(store.createConversation('refused')), await read());
    codes.push(await window.code(store.createConversation('refused')), await read());
    await window.plant('');
    codes.push(await window.code(store.createConversation('kept')));
    const all = async () => {
      const rows = await store.listConversations();
      const texts = await Promise.all(rows.map(({ id }) => store.messagesFor(id)));
      return texts.flat().map(({ content, status }) => `${content} ${status}`);
    };
    // Soon after there is space it is mended for good.
    while ((await all()).join() !== 'begun aborted');
    return codes;
  });
  expect(seen[0]).toBe('begun aborted');
  // What could not be kept is as it was.
  expect(seen.slice(1)).toEqual([
    'quota-exceeded',
    'begun streaming',
    'quota-exceeded',
    'begun streaming',
    'resolved',
  ]);
});

test('no acknowledged message is lost or doubled where the tab crashes in mid-write', async () => {
  test.setTimeout(120_000);
  const { launch, remove } = await profile();
  const context = await launch();
  let acknowledged = 0;
  let heard = () => {};
  await context.exposeFunction('acknowledge', (n: number) => {
    acknowledged = n;
    heard();
  });
  const read = async (page: Page) =>
    page.evaluate(async () => {
      const store = await window.openBy('no-opfs.js', 'crashes');
      const [row] = await store.listConversations();
      window.store = store;
      const id = row?.id ?? (await store.createConversation('crashes'));
      return { id, rows: (await store.messagesFor(id)).map((row) => Number(row.content)) };
    });
  try {
    for (let crash = 0; crash < Number(process.env.CRASHES ?? 12); crash++) {
      const page = await start(await context.newPage());
      const { id, rows } = await read(page);
      expect(rows).toEqual(rows.map((_, n) => n + 1));
      expect(rows.length).toBeGreaterThanOrEqual(acknowledged);
      const until = acknowledged + 1 + Math.floor(Math.random() * 60);
      const reached = new Promise<void>((resolve) => {
        heard = () => acknowledged >= until && resolve();
      });
      await page.evaluate(
        ([id, from]) => {
          const { acknowledge } = window as unknown as { acknowledge(n: number): void };
          const write = async (n: number): Promise<void> => {
            await window.store.addMessage(id as number, 'user', String(n));
            acknowledge(n);
            await write(n + 1);
          };
          void write(from as number);
        },
        [id, rows.length + 1],
      );
      await reached;
      const crashed = new Promise((resolve) => page.on('crash', resolve));
      const session: CDPSession = await context.newCDPSession(page);
      session.send('Page.crash').catch(() => {});
      await crashed;
      await page.close();
    }
    const { rows } = await read(await start(await context.newPage()));
    expect(rows).toEqual(rows.map((_, n) => n + 1));
    expect(rows.length).toBeGreaterThanOrEqual(acknowledged);
  } finally {
    await context.close();
    await remove();
  }
});

test('site data that is cleared while it is open is told, and a store opens anew', async ({
  page,
  context,
}) => {
  await page.evaluate(async () => {
    window.store = await window.openBy('no-opfs.js', 'cleared');
    await window.store.createConversation('gone');
  });
  const session = await context.newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  const seen = await page.evaluate(async () => {
    const codes = [
      await window.code(window.store.createConversation('refused')),
      await window.code(window.store.listConversations()),
      await window.code(window.store.close()),
    ];
    const again = await window.openBy('no-opfs.js', 'cleared');
    const { created } = await again.status();
    const before = (await again.listConversations()).length;
    await again.createConversation('new');
    await again.close();
    const last = await window.openBy('no-opfs.js', 'cleared');
    return { codes, created, before, kept: (await last.listConversations()).length };
  });
  expect(seen).toEqual({
    codes: ['storage-unavailable', 'storage-unavailable', 'resolved'],
    created: true,
    before: 0,
    kept: 1,
  });
});

test('a connection that the browser closes, with nothing lost, is opened again', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('plants.js', 'closed-under-it');
    await store.createConversation('before');
    await window.plant('close');
    const ids = await Promise.all(['a', 'b', 'c'].map((title) => store.createConversation(title)));
    const titles = (await store.listConversations()).map((row) => row.title);
    await store.close();
    const again = await window.openBy('no-opfs.js', 'closed-under-it');
    return { ids: new Set(ids).size, titles, kept: (await again.listConversations()).length };
  });
  expect(seen).toEqual({ ids: 3, titles: ['c', 'b', 'a', 'before'], kept: 4 });
});

test('a database is opened where it is, and never begun anew elsewhere', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const look = async (script: string, name: string, options: Options = {}) => {
      try {
        const store = await window.openBy(script, name, options);
        const { storage, created, evicted, movable } = await store.status();
        const rows = (await store.listConversations()).length;
        if (rows === 0) await store.createConversation('t');
        await store.close();
        return [storage, rows, created, evicted, movable].join(' ');
      } catch (error) {
        return (error as Package.ConversationStoreError).code;
      }
    };
    const all: Record<string, string> = {};
    const note = async (key: string, ...given: Parameters<typeof look>) => {
      all[key] = await look(...given);
    };
    await note('opfs, new', 'stops.js', 'in-opfs');
    await note('opfs, again', 'stops.js', 'in-opfs');
    await note('opfs, lacking', 'no-opfs.js', 'in-opfs');
    await note('opfs, failing', 'opfs-fails.js', 'in-opfs');
    await note('opfs, wanted elsewhere', 'stops.js', 'in-opfs', { storage: 'indexeddb' });
    await note('opfs, lacking, wanted elsewhere', 'no-opfs.js', 'in-opfs', {
      storage: 'indexeddb',
    });
    await note('opfs, no records', 'no-idb.js', 'in-opfs');
    await note('opfs, no records, failing', 'opfs-fails.js', 'in-opfs');
    await note('opfs, back', 'stops.js', 'in-opfs', { storage: 'opfs' });
    await note('indexeddb, new', 'no-opfs.js', 'in-idb');
    await note('indexeddb, opfs back', 'stops.js', 'in-idb');
    await note('indexeddb, failing', 'opfs-fails.js', 'in-idb');
    await note('indexeddb, asked for', 'stops.js', 'in-idb', { storage: 'indexeddb' });
    await note('indexeddb, opfs wanted and lacking', 'no-opfs.js', 'in-idb', { storage: 'opfs' });
    await note('failing opfs, new', 'opfs-fails.js', 'failing');
    await note('asked for, new', 'stops.js', 'asked', { storage: 'indexeddb' });
    await note('neither', 'no-storage.js', 'neither');
    await note('no records, new', 'no-idb.js', 'unrecorded');
    await note('no records, again, recorded now', 'stops.js', 'unrecorded');
    await note('records that fail, new', 'idb-fails.js', 'unrecorded-2');
    // Older versions kept no records.
    await new Promise((resolve) => {
      const request = indexedDB.deleteDatabase('conversation-store');
      request.onsuccess = resolve;
    });
    await note('no record, opfs failing', 'opfs-fails.js', 'in-opfs');
    await note('no record, opfs', 'stops.js', 'in-opfs');
    return all;
  });
  expect(seen).toEqual({
    'opfs, new': 'opfs 0 true false false',
    'opfs, again': 'opfs 1 false false false',
    'opfs, lacking': 'storage-unavailable',
    'opfs, failing': 'storage-unavailable',
    'opfs, wanted elsewhere': 'conflict',
    'opfs, lacking, wanted elsewhere': 'conflict',
    'opfs, no records': 'opfs 1 false false false',
    'opfs, no records, failing': 'storage-unavailable',
    'opfs, back': 'opfs 1 false false false',
    'indexeddb, new': 'indexeddb 0 true false false',
    'indexeddb, opfs back': 'indexeddb 1 false false true',
    'indexeddb, failing': 'indexeddb 1 false false false',
    'indexeddb, asked for': 'indexeddb 1 false false true',
    'indexeddb, opfs wanted and lacking': 'storage-unavailable',
    'failing opfs, new': 'indexeddb 0 true false false',
    'asked for, new': 'indexeddb 0 true false true',
    neither: 'storage-unavailable',
    'no records, new': 'opfs 0 true false false',
    'no records, again, recorded now': 'opfs 1 false false false',
    'records that fail, new': 'opfs 0 true false false',
    'no record, opfs failing': 'storage-unavailable',
    'no record, opfs': 'opfs 1 false false false',
  });
});

test('a database that the browser has removed is told, and a new one made', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const open = async (script: string, name: string) => {
      const store = await window.openBy(script, name);
      const { storage, created, evicted } = await store.status();
      await store.createConversation('t');
      await store.close();
      return [storage, created, evicted];
    };
    const all = [await open('no-opfs.js', 'idb'), await open('stops.js', 'opfs')];
    await new Promise((resolve) => {
      indexedDB.deleteDatabase('conversation-store:idb').onsuccess = resolve;
    });
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('conversation-store');
    await folder.removeEntry('opfs', { recursive: true });
    all.push(await open('no-opfs.js', 'idb'), await open('stops.js', 'opfs'));
    // It is told once.
    all.push(await open('no-opfs.js', 'idb'), await open('stops.js', 'opfs'));
    return all;
  });
  expect(seen).toEqual([
    ['indexeddb', true, false],
    ['opfs', true, false],
    ['indexeddb', true, true],
    ['opfs', true, true],
    ['indexeddb', false, false],
    ['opfs', false, false],
  ]);
});

test('delete removes it wherever it is, with its record', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const open = async (script: string, name: string) => {
      const store = await window.openBy(script, name);
      await store.createConversation('t');
      const { created, evicted } = await store.status();
      await store.close();
      return [created, evicted];
    };
    const worker = () => new Worker('/workers/no-opfs.js', { type: 'module' });
    const all = [await open('no-opfs.js', 'there'), await open('stops.js', 'there-too')];
    await window.Store.delete('there', { worker });
    await window.Store.delete('there-too');
    await window.Store.delete('nowhere', { worker });
    all.push([await window.inIndexedDb('there'), await window.inIndexedDb('there-too')]);
    all.push(await open('no-opfs.js', 'there'), await open('stops.js', 'there-too'));
    const held = window.openBy('no-opfs.js', 'there');
    await held;
    const blocked = await window.code(window.Store.delete('there', { worker }));
    return { all, blocked };
  });
  expect(seen).toEqual({
    all: [
      [true, false],
      [true, false],
      [false, false],
      [true, false],
      [true, false],
    ],
    blocked: 'blocked',
  });
});

test('one page, two storages: they are one database, or a conflict', async ({ page, context }) => {
  const codes = await page.evaluate(async () => {
    window.store = await window.openBy('no-opfs.js', 'one');
    const open = (storage: Options['storage']) =>
      window.code(window.openBy('no-opfs.js', 'one', { storage }));
    return [await open('auto'), await open('indexeddb'), await open('opfs'), await open('memory')];
  });
  expect(codes).toEqual(['resolved', 'resolved', 'conflict', 'conflict']);
  const other = await start(await context.newPage());
  const elsewhere = await other.evaluate(async () => [
    await window.code(window.openBy('stops.js', 'one', { storage: 'opfs' })),
    await window.code(window.openBy('stops.js', 'one', { storage: 'indexeddb' })),
    await window.code(window.openBy('stops.js', 'one')),
  ]);
  expect(elsewhere).toEqual(['conflict', 'resolved', 'resolved']);
});

test('two tabs on IndexedDB: a leader that is killed in mid-write loses and doubles nothing', async ({
  page,
  context,
}) => {
  const id = await page.evaluate(async () => {
    window.store = await window.openBy('plants.js', 'two');
    return window.store.createConversation('t');
  });
  const other = await start(await context.newPage());
  await other.evaluate(async () => {
    window.store = await window.openBy('no-opfs.js', 'two');
  });
  const written = await other.evaluate(async (id) => {
    for (let n = 0; n < 20; n++) await window.store.addMessage(id, 'user', String(n));
    const { storage, role } = await window.store.status();
    // The leader stops within the transaction of the next.
    const channel = new BroadcastChannel('plant');
    const hangs = new Promise<void>((resolve) => {
      channel.onmessage = ({ data }) => data === 'hangs' && resolve();
    });
    await window.plant('hang');
    const calls = Array.from({ length: 30 }, (_, n) =>
      window.store.addMessage(id, 'user', String(n + 20)),
    );
    Object.assign(window, { calls: Promise.all(calls) });
    await hangs;
    return { storage, role };
  }, id);
  expect(written).toEqual({ storage: 'indexeddb', role: 'follower' });
  await page.close();
  const rows = await other.evaluate(async (id) => {
    await (window as unknown as { calls: Promise<unknown> }).calls;
    const rows = (await window.store.messagesFor(id)).map((row) => Number(row.content));
    return { rows, role: (await window.store.status()).role };
  }, id);
  expect(rows).toEqual({ rows: Array.from({ length: 50 }, (_, n) => n), role: 'leader' });
});

test('asked for, a database moves to OPFS with all it holds, and is there alone', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('no-opfs.js', 'moves');
    for (let n = 0; n < 20; n++) {
      const id = await store.createConversation(`t${n}`);
      await store.addMessage(id, 'user', `${n} `.repeat(20_000));
    }
    const before = await window.contents(store);
    await store.close();
    const moved = await window.openBy('stops.js', 'moves', { storage: 'opfs' });
    const { storage, created, evicted, movable, journalMode } = await moved.status();
    const same = (await window.contents(moved)) === before;
    await moved.createConversation('after');
    await moved.close();
    const again = await window.openBy('stops.js', 'moves');
    const rows = (await again.listConversations(100)).length;
    await again.close();
    return {
      status: { storage, created, evicted, movable, journalMode },
      same,
      rows,
      left: await window.inIndexedDb('moves'),
    };
  });
  expect(seen).toEqual({
    status: {
      storage: 'opfs',
      created: false,
      evicted: false,
      movable: false,
      journalMode: 'wal',
    },
    same: true,
    rows: 21,
    left: false,
  });
});

test('a move that is cut short at any step leaves one database, with everything', async ({
  page,
}) => {
  test.setTimeout(300_000);
  const places: string[] = [];
  let round = 0;
  let isDone = false;
  for (let step = 1; !isDone; step++) {
    round += 1;
    const name = `cut-${round}`;
    const before = await page.evaluate(async (name) => {
      const store = await window.openBy('no-opfs.js', name);
      const id = await store.createConversation('t');
      await store.addMessage(id, 'user', 'text '.repeat(10_000));
      const contents = await window.contents(store);
      await store.close();
      return contents;
    }, name);
    isDone = await page.evaluate(
      async ([name, step]) => {
        const stopped = new Promise<boolean>((resolve) => {
          new BroadcastChannel('steps').onmessage = () => resolve(false);
        });
        const opened = window.openBy(`stops.js?before=${step}`, name as string, {
          storage: 'opfs',
        });
        // What is done in the background is cut short too.
        const moved = opened.then(async (store) => {
          await store.close();
          return true;
        });
        moved.catch(() => {});
        return Promise.race([stopped, moved]);
      },
      [name, step],
    );
    await start(page);
    const after = await page.evaluate(async (name) => {
      const store = await window.openBy('stops.js', name);
      const { storage, created, evicted } = await store.status();
      const contents = await window.contents(store);
      const id = await store.createConversation('written since');
      await store.close();
      // Now for good.
      const again = await window.openBy('stops.js', name, { storage: 'opfs' });
      const rows = await again.listConversations();
      const is = (await again.status()).storage;
      await again.close();
      const kept = rows.some((row) => row.id === id) && rows.length === 2;
      return { storage, created, evicted, contents, kept, is };
    }, name);
    expect(after, `step ${step}`).toMatchObject({
      created: false,
      evicted: false,
      contents: before,
      kept: true,
      is: 'opfs',
    });
    places.push(after.storage);
  }
  // It is in IndexedDB up to some step, and from there on in OPFS.
  const first = places.indexOf('opfs');
  expect(first).toBeGreaterThan(5);
  expect(places.slice(first).every((storage) => storage === 'opfs')).toBe(true);
  expect(places.length).toBeGreaterThan(20);
});

test('a database larger than may be is refused by name, and goes on', async ({ page }) => {
  test.setTimeout(180_000);
  const seen = await page.evaluate(async () => {
    const store = await window.openBy('no-opfs.js', 'large');
    const id = await store.createConversation('t');
    const text = 'x'.repeat(60_000_000);
    const outcomes: string[] = [];
    for (let n = 0; n < 5; n++) {
      const options = { timeout: 120_000 };
      outcomes.push(
        await store.addMessage(id, 'user', text, {}, options).then(
          () => 'resolved',
          (error) => `${error.code}: ${error.message}`,
        ),
      );
    }
    const after = await window.code(store.addMessage(id, 'user', 'small'));
    const count = (await store.getConversation(id))?.messageCount;
    return { outcomes, after, count };
  });
  expect(seen.outcomes.slice(0, 4)).toEqual(Array(4).fill('resolved'));
  expect(seen.outcomes[4]).toMatch(/^quota-exceeded: .*256 MB/);
  expect(seen).toMatchObject({ after: 'resolved', count: 5 });
});

test('what is missing or changed in IndexedDB is corrupt, and salvaged in one transaction', async ({
  page,
}) => {
  const found = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/no-opfs.js', { type: 'module' });
    const entries = async (work: (transaction: IDBTransaction) => IDBRequest) => {
      const opening = indexedDB.open('conversation-store:damaged');
      await new Promise((resolve) => opening.addEventListener('success', resolve));
      const transaction = opening.result.transaction(['blocks', 'commits'], 'readwrite');
      const request = work(transaction);
      await new Promise((resolve) => transaction.addEventListener('complete', resolve));
      opening.result.close();
      return request.result;
    };
    const keys = (): Promise<IDBValidKey[]> =>
      entries((transaction) => transaction.objectStore('blocks').getAllKeys());
    const open = () => window.openBy('no-opfs.js', 'damaged');
    const seen: { code: string; lost: number; recovered: number; kept: number; file: number }[] =
      [];
    let store = await open();
    let size = 0;
    const damages: ((transaction: IDBTransaction) => IDBRequest)[] = [
      (transaction) => transaction.objectStore('blocks').delete(0),
      (transaction) => transaction.objectStore('blocks').put(new Uint8Array(100), 1),
      (transaction) => transaction.objectStore('commits').clear(),
      (transaction) => {
        const commits = transaction.objectStore('commits');
        return commits.put({ size, delta: new Uint8Array(50).fill(255) }, 1e6);
      },
      (transaction) => transaction.objectStore('commits').put({ size }, 2e6),
    ];
    for (const damage of damages) {
      const id = await store.createConversation('chat');
      for (let n = 0; n < 40; n++) await store.addMessage(id, 'user', '안녕 '.repeat(2_000));
      await store.close();
      const commits = await entries((transaction) => transaction.objectStore('commits').getAll());
      size = commits.at(-1).size;
      await entries(damage);
      const before = (await keys()).filter((key) => Array.isArray(key)).length;
      const code = await window.code(open());
      const report = await window.Store.salvage('damaged', { worker });
      store = await open();
      let recovered = 0;
      for (const row of await store.listConversations(100)) {
        recovered += (await store.messagesFor(row.id)).length;
      }
      if (recovered !== report.messages.recovered) throw new Error(`${recovered}`);
      const kept = (await keys()).filter((key) => Array.isArray(key)).length - before;
      const [file] = report.files;
      seen.push({ code, lost: report.messages.lost, recovered, kept, file: file?.size ?? 0 });
      if (!(await store.integrityCheck()).ok) throw new Error('not whole');
    }
    await store.close();
    const unmade = await window.code(window.Store.salvage('absent', { worker }));
    const { length } = await keys();
    await window.Store.delete('damaged', { worker });
    const left = (await indexedDB.databases()).map((it) => it.name);
    return { seen, unmade, some: length > 0, left };
  });
  expect(found.seen.map((it) => it.code)).toEqual(Array(5).fill('corrupt'));
  let before = 0;
  for (const { recovered, lost, kept, file } of found.seen) {
    expect(recovered + lost).toBeLessThanOrEqual(before + 40);
    // What was damaged is a page, or what was changed since blocks were written.
    expect(recovered).toBeGreaterThan(before + 30);
    expect(kept * 8_192).toBe(file);
    before = recovered;
  }
  expect(found).toMatchObject({ unmade: 'not-found', some: true });
  expect(found.left).not.toContain('conversation-store:damaged');
});
