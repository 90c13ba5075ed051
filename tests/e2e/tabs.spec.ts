/** Every tab at once: who serves comes and goes, and each call is carried out once. */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import type * as Package from '../../dist/index.js';
import { count, open, overhear, write, writeUntilReset, written } from '../firefox/page.mjs';
import { here, load, test } from './browser.js';

interface Change {
  kind: string;
  op: string;
  id: number;
  uid: string;
  conversationId: number;
  conversationUid: string;
  local: boolean;
}

declare global {
  interface Window {
    /** The events of `store`, from its opening on. */
    heard: {
      changes: { sequence: number; reset: boolean; changes: Change[] }[];
      roles: Package.TabRole[];
    };
    until(ready: () => boolean): Promise<void>;
    inserts(): Change[];
    /** How many workers were started. */
    workers(): number;
    reached(count: number): Promise<void>;
    writing: Promise<number | undefined>;
  }
}

const CRASHES = Number(process.env.CRASHES ?? 5);
const WRITERS = 8;
const EACH = 500;

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const uncaught: string[] = [];

test.beforeEach(({ context }) => {
  context.on('weberror', (event) => uncaught.push(String(event.error())));
});

test.afterEach(() => {
  expect(uncaught.splice(0).filter((error) => !error.includes('planted'))).toEqual([]);
});

/** A new tab, in a process of its own, that has the database open. */
async function tab(
  context: BrowserContext,
  name: string,
  more: { workers?: string[]; options?: object } = {},
): Promise<Page> {
  const page = await load(await context.newPage());
  await page.evaluate(open, { name, ...more });
  return page;
}

/** Tabs of one database, opened one after the other: the first leads. */
async function tabs(context: BrowserContext, name: string, count: number): Promise<Page[]> {
  const pages: Page[] = [];
  for (let n = 0; n < count; n++) pages.push(await tab(context, name));
  return pages;
}

const all = <T>(pages: Page[], call: () => Promise<T> | T) =>
  Promise.all(pages.map((page) => page.evaluate(call)));

const roles = (pages: Page[]) => all(pages, async () => (await window.store.status()).role);

const create = (page: Page | undefined, title = 't') =>
  (page as Page).evaluate((title) => window.store.createConversation(title), title);

/** The tab that leads; some may be on their way up or down. */
async function leaderOf(pages: Page[]): Promise<Page> {
  const asked = pages.map((page) =>
    page.evaluate(async () => (await window.store?.status())?.role).catch(() => undefined),
  );
  return pages[(await Promise.all(asked)).indexOf('leader')] ?? leaderOf(pages);
}

test('eight tabs write at once while leaders crash: each message once, each in order', async ({
  context,
}) => {
  test.setTimeout(120_000 + CRASHES * 10_000);
  const observer = await load(context.pages()[0] as Page);
  await observer.evaluate(count);
  await observer.evaluate(open, { name: 'crashes' });
  const conversation = await create(observer);
  await observer.evaluate(() => window.store.close());

  const pages: Page[] = [];
  const crashed = new WeakMap<Page, Promise<void>>();
  // Whoever crashes is replaced, also one that shared the leader's process.
  const writer = async (number: number): Promise<void> => {
    const page = await context.newPage();
    const crash = new Promise<void>((resolve) => page.on('crash', () => resolve()));
    crashed.set(page, crash);
    pages[number] = page;
    const work = async () => {
      await load(page);
      await page.evaluate(open, { name: 'crashes' });
      await page.evaluate(write, { conversation, writer: number, each: EACH });
      await page.evaluate(() => window.writing);
      return 'written';
    };
    const end = await Promise.race([
      crash,
      work().catch((error) => {
        if (!/Target crashed/.test(error)) throw error;
      }),
    ]);
    if (end === 'written') return;
    await crash;
    await page.close();
    await writer(number);
  };
  const crashes = async () => {
    const step = (WRITERS * EACH) / (CRASHES + 1);
    for (let crash = 1; crash <= CRASHES; crash++) {
      const moment = Math.floor((crash - Math.random() / 2) * step);
      await observer.evaluate((moment) => window.reached(moment), moment);
      const leader = await leaderOf(pages);
      const session = await context.newCDPSession(leader);
      // Its own answer never comes.
      session.send('Page.crash').catch(() => {});
      await crashed.get(leader);
    }
  };
  await Promise.all([crashes(), ...numbers(WRITERS).map((n) => writer(n - 1))]);

  const rows = await (await tab(context, 'crashes')).evaluate(written, conversation);
  expect(rows).toEqual(Object.fromEntries(numbers(WRITERS).map((n) => [n - 1, numbers(EACH)])));
});

test('a second tab works at once, and each sees what the other has written', async ({
  context,
}) => {
  const pages = await tabs(context, 'two', 2);
  expect(await roles(pages)).toEqual(['leader', 'follower']);
  const id = await create(pages[0]);
  for (let n = 1; n <= 20; n++) {
    const writer = pages[n % 2] as Page;
    await writer.evaluate(([id, n]) => window.store.addMessage(id, 'user', String(n)), [
      id,
      n,
    ] as const);
    const seen = await Promise.all(
      pages.map((page) =>
        page.evaluate(async (id) => (await window.store.messagesFor(id)).length, id),
      ),
    );
    expect(seen).toEqual([n, n]);
  }
  const [status, other] = await all(pages, () => window.store.status());
  expect(other).toEqual({ ...status, role: 'follower', created: false });
  expect(other).toMatchObject({ storage: here.storage, outdated: false, ignoredMessages: 0 });
});

const leave: Record<string, (page: Page, conversation: number) => Promise<unknown>> = {
  'closes the store': (page, conversation) =>
    page.evaluate((id) => {
      const added = Array.from({ length: 20 }, (_, n) =>
        window.store.addMessage(id, 'user', `0:${n + 1}`),
      );
      return Promise.all([...added, window.store.close()]);
    }, conversation),
  'navigates away': (page) => page.goto('about:blank'),
  'reloads its page': (page) => load(page),
  'closes its tab': (page) => page.close(),
};

for (const [how, leaves] of Object.entries(leave)) {
  test(`a leader that ${how} is followed by another, and no call notices`, async ({ context }) => {
    const [leader, ...followers] = (await tabs(context, 'leaves', 4)) as [Page, ...Page[]];
    const conversation = await create(leader);
    await Promise.all(
      followers.map((page, n) => page.evaluate(writeUntilReset, { conversation, writer: n + 1 })),
    );
    await leaves(leader, conversation);
    const counts = await all(followers, () => window.writing);
    const rows = await (followers[0] as Page).evaluate(written, conversation);
    const expected = Object.fromEntries(counts.map((count, n) => [n + 1, numbers(count ?? 0)]));
    expect(rows).toEqual(how === 'closes the store' ? { 0: numbers(20), ...expected } : expected);

    expect((await roles(followers)).sort()).toEqual(['follower', 'follower', 'leader']);
    const heard = await all(followers, () => window.heard.roles);
    expect(heard.flat()).toEqual(['leader']);
    // And the one that left comes back like any other.
    const back = await tab(context, 'leaves');
    expect(await roles([back])).toEqual(['follower']);
    expect(await back.evaluate(written, conversation)).toEqual(rows);
  });
}

for (const dies of ['leader', 'follower']) {
  test(`the worker of a ${dies} dies: calls under way in every tab are carried out, once`, async ({
    context,
  }) => {
    const pages: Page[] = [];
    for (const role of ['leader', 'follower']) {
      const workers = role === dies ? ['/workers/dies.js'] : [];
      pages.push(await tab(context, 'trap', { workers }));
    }
    const id = await create(pages[0]);
    // Something is under way in both all the time.
    await Promise.all(
      pages.map((page, writer) =>
        page.evaluate(
          ([id, writer]) => {
            let written = 0;
            const add = () => {
              written += 1;
              return window.store.addMessage(id, 'user', `${writer}:${written}`);
            };
            const round = () => Promise.all([add(), add(), add()]);
            const work = async () => {
              while (!('enough' in window)) await round();
              return written;
            };
            window.writing = work();
          },
          [id, writer] as const,
        ),
      ),
    );
    const dying = pages[dies === 'leader' ? 0 : 1] as Page;
    await dying.evaluate(async () => {
      await window.store.getMessage(1);
      while (window.workers() < 2) await window.store.listConversations();
    });
    await all(pages, () => window.store.listConversations());
    await all(pages, () => {
      Object.assign(window, { enough: true });
    });
    const counts = await all(pages, () => window.writing);
    const rows = await (pages[1] as Page).evaluate(written, id);
    expect(rows).toEqual(Object.fromEntries(counts.map((count, n) => [n, numbers(count ?? 0)])));
    expect(await all(pages, () => window.workers())).toEqual(dies === 'leader' ? [2, 1] : [1, 2]);
  });
}

test('a leader that hangs: calls time out, and are safe to repeat', async ({ context }) => {
  const observer = await load(context.pages()[0] as Page);
  const hung = await tab(context, 'hangs', { workers: ['/workers/hangs.js'] });
  const [page, other] = (await tabs(context, 'hangs', 2)) as [Page, Page];
  const id = await create(page);
  await observer.evaluate(count);
  await hung.evaluate(() => {
    void window.store.getMessage(1);
  });
  await observer.evaluate(() => window.reached(1));

  const errors = await page.evaluate(async (id) => {
    const write = window.store.addMessage(id, 'user', 'once', { timeout: 500 });
    const read = window.store.messagesFor(id, { timeout: 500 });
    return Promise.all(
      [write, read].map((call) =>
        call.then(
          () => ({ code: 'resolved', operationId: '' }),
          ({ code, details }) => ({ code, operationId: details?.operationId }),
        ),
      ),
    );
  }, id);
  expect(errors.map(({ code }) => code)).toEqual(['timeout', 'timeout']);
  const operationId = errors[0]?.operationId;
  expect(operationId).toEqual(expect.any(String));

  await hung.close();
  const repeat = (page: Page) =>
    page.evaluate(
      ([id, operationId]) => window.store.addMessage(id, 'user', 'once', { operationId }),
      [id, operationId] as const,
    );
  const first = await repeat(page);
  expect([await repeat(page), await repeat(page), await repeat(other)]).toEqual(
    Array(3).fill(first),
  );
  const after = await page.evaluate(
    async ([id, operationId]) => [
      await window.code(window.store.addMessage(id, 'user', 'other', { operationId })),
      await window.code(window.store.addMessage(id, 'system', 'once', { operationId })),
      await window.code(window.store.createConversation('once', { operationId })),
      (await window.store.messagesFor(id)).map(({ content }) => content),
    ],
    [id, operationId] as const,
  );
  expect(after).toEqual(['conflict', 'conflict', 'conflict', ['once']]);
});

test('under one operationId a call is made once: twice, at once, in another tab, in another life', async ({
  context,
}) => {
  const [page, other] = (await tabs(context, 'operations', 2)) as [Page, Page];
  const ids = await page.evaluate(async () => [
    await window.store.createConversation('kept'),
    await window.store.createConversation('doomed'),
  ]);
  const call = (page: Page) =>
    page.evaluate(async ([kept = 0, doomed = 0]) => {
      const { store } = window;
      return [
        await store.createConversation('made', 'echo', { operationId: 'create' }),
        await store.addMessage(kept, 'user', 'x', { operationId: 'add' }),
        await store.updateConversation(kept, { title: 'new' }, { operationId: 'update' }),
        await store.deleteConversation(doomed, { operationId: '지우기 🗑' }),
      ];
    }, ids);
  const first = await call(page);
  expect(first).toEqual([expect.any(Number), expect.any(Object), undefined, 1]);
  await page.evaluate(
    ([kept = 0]) => window.store.updateConversation(kept, { title: 'newer' }),
    ids,
  );
  expect(await call(page)).toEqual(first);
  expect(await Promise.all([call(other), call(page), call(other)])).toEqual(Array(3).fill(first));
  await Promise.all([load(page), load(other)]);
  for (const again of [page, other]) await again.evaluate(open, { name: 'operations' });
  expect(await Promise.all([call(page), call(other)])).toEqual([first, first]);

  const codes = await other.evaluate(async ([kept = 0]) => {
    const { store, code } = window;
    const operationId = 'create';
    return [
      await code(store.createConversation('made', 'claude', { operationId })),
      await code(store.createConversation('other', 'echo', { operationId })),
      await code(store.addMessage(kept, 'user', 'x', { operationId })),
      await code(store.updateConversation(kept, { brain: 'new' }, { operationId: 'update' })),
      await code(store.deleteConversation(kept, { operationId: 'update' })),
      await code(store.addMessage(kept, 'user', 'x', { operationId: '' })),
      await code(store.addMessage(kept, 'user', 'x', { operationId: 5 as unknown as string })),
    ];
  }, ids);
  expect(codes).toEqual([...Array(5).fill('conflict'), ...Array(2).fill('invalid-argument')]);

  const rows = await page.evaluate(async ([kept = 0]) => {
    const titles = (await window.store.listConversations()).map(({ title }) => title).sort();
    return [titles, (await window.store.messagesFor(kept)).length];
  }, ids);
  expect(rows).toEqual([['made', 'newer'], 1]);

  // The first time at the same time.
  const race = (page: Page) =>
    page.evaluate(
      ([kept = 0]) =>
        Promise.all(
          Array.from({ length: 20 }, () =>
            window.store.addMessage(kept, 'user', 'y', { operationId: 'race' }),
          ),
        ),
      ids,
    );
  const raced = (await Promise.all([race(page), race(other)])).flat();
  expect(new Set(raced.map(({ uid }) => uid)).size).toBe(1);
  expect(
    await page.evaluate(async ([kept = 0]) => (await window.store.messagesFor(kept)).length, ids),
  ).toBe(2);
});

test('an opening that fails, fails in every tab, and the next may succeed in every tab', {
  tag: '@opfs',
}, async ({ context }) => {
  const first = await tab(context, 'damaged');
  await create(first, 'kept');
  await first.evaluate(() => window.store.close());
  const pages = [first, await load(await context.newPage()), await load(await context.newPage())];
  const overwrite = (bytes?: number[]) =>
    first.evaluate(async (bytes) => {
      const root = await navigator.storage.getDirectory();
      const parent = await root.getDirectoryHandle('conversation-store');
      const directory = await parent.getDirectoryHandle('damaged');
      const handle = await directory.getFileHandle('main.db');
      const head = new Uint8Array(await (await handle.getFile()).slice(0, 100).arrayBuffer());
      const stream = await handle.createWritable({ keepExistingData: true });
      await stream.write(bytes ? new Uint8Array(bytes) : head.map((byte) => byte ^ 0xff));
      await stream.close();
      return [...head];
    }, bytes);
  const opened = () => all(pages, () => window.code(window.Store.open('damaged')));
  const head = await overwrite();
  expect(await opened()).toEqual(Array(3).fill('corrupt'));
  expect(await opened()).toEqual(Array(3).fill('corrupt'));
  await overwrite(head);
  await Promise.all(pages.map((page) => page.evaluate(open, { name: 'damaged' })));
  const titles = await all(pages, async () => {
    const rows = await window.store.listConversations();
    return rows.map(({ title }) => title);
  });
  expect(titles).toEqual(Array(3).fill(['kept']));
  expect((await roles(pages)).sort()).toEqual(['follower', 'follower', 'leader']);
});

test('delete is blocked while any tab has it open', async ({ context }) => {
  const [leader, follower] = (await tabs(context, 'deleted', 2)) as [Page, Page];
  await create(leader);
  const outside = await load(await context.newPage());
  const remove = () =>
    all([leader, follower, outside], () => window.code(window.Store.delete('deleted')));
  expect(await remove()).toEqual(Array(3).fill('blocked'));
  await leader.evaluate(() => window.store.close());
  expect(await remove()).toEqual(Array(3).fill('blocked'));
  expect(await follower.evaluate(async () => (await window.store.listConversations()).length)).toBe(
    1,
  );
  await follower.evaluate(() => window.store.close());
  // Ten at once.
  const codes = await all([leader, outside], () =>
    Promise.all(Array.from({ length: 5 }, () => window.code(window.Store.delete('deleted')))),
  );
  expect(codes.flat()).toEqual(Array(10).fill('resolved'));
  await Promise.all([leader, follower].map((page) => page.evaluate(open, { name: 'deleted' })));
  expect(await all([leader, follower], () => window.store.listConversations())).toEqual([[], []]);
});

test('every tab is told of every change, once and in order; local only to its maker', async ({
  context,
}) => {
  const pages = await tabs(context, 'changes', 3);
  const [, writer] = pages as [Page, Page, Page];
  const conversation = await create(pages[0]);
  // Two objects of one page: what one makes is not local to the other.
  await writer.evaluate(async () => {
    const other = await window.Store.open('changes');
    const details: Window['heard']['changes'] = [];
    other.addEventListener('change', (event) => details.push((event as CustomEvent).detail));
    Object.assign(window, { other: details });
  });
  await Promise.all(
    pages
      .slice(0, 2)
      .map((page, writer) =>
        page.evaluate(
          ([id, writer]) =>
            Promise.all(
              Array.from({ length: 200 }, (_, n) =>
                window.store.addMessage(id, 'user', `${writer}:${n + 1}`),
              ),
            ),
          [conversation, writer] as const,
        ),
      ),
  );
  await all(pages, () => window.until(() => window.inserts().length >= 400));
  const rows = await writer.evaluate((id) => window.store.messagesFor(id), conversation);
  const heard = await all(pages, () => window.heard.changes);
  const other = await writer.evaluate(
    () => (window as unknown as { other: Window['heard']['changes'] }).other,
  );
  for (const [listener, events] of [...heard, other].entries()) {
    let sequence = (events[0]?.sequence ?? 0) - (events[0]?.changes.length ?? 0);
    for (const event of events) {
      expect(event.changes.length).toBeGreaterThan(0);
      sequence += event.changes.length;
      expect([event.sequence, event.reset]).toEqual([sequence, false]);
    }
    // Coalesced: fewer events than commits.
    expect(events.length).toBeLessThan(400);
    const inserts = events
      .flatMap(({ changes }) => changes)
      .filter(({ kind, op }) => kind === 'message' && op === 'insert');
    expect(inserts).toEqual(
      rows.map(({ id, uid, conversationId, conversationUid, content }) => ({
        kind: 'message',
        op: 'insert',
        id,
        uid,
        conversationId,
        conversationUid,
        local: listener < 2 && content.startsWith(`${listener}:`),
      })),
    );
  }
});

test('changes of each kind are told, and what changes nothing tells nothing', async ({
  context,
}) => {
  const pages = (await tabs(context, 'kinds', 2)) as [Page, Page];
  const told = await pages[1].evaluate(async () => {
    const { store, heard } = window;
    const told: Record<string, string[]> = {};
    const step = async (name: string, call: Promise<unknown>) => {
      await call;
      // Told in order: the mark comes after what the call changed.
      const mark = await store.createConversation('mark');
      const ours = () => heard.changes.flatMap(({ changes }) => changes);
      const made = ({ kind, op, id }: Change) =>
        kind === 'conversation' && op === 'insert' && id === mark;
      await window.until(() => ours().some(made));
      told[name] = ours()
        .filter((change) => !made(change))
        .map(({ kind, op, local }) => `${local ? 'local' : 'other'} ${kind} ${op}`);
      heard.changes.length = 0;
    };
    const id = await store.createConversation('t');
    await step('create', Promise.resolve());
    await step('add', store.addMessage(id, 'user', 'x'));
    await step('update', store.updateConversation(id, { title: 'new' }));
    await step('refused', window.code(store.addMessage(999, 'user', 'x')));
    await step('read', store.messagesFor(id));
    await step('delete', store.deleteConversation(id));
    await step('delete nothing', store.deleteConversation(id));
    return told;
  });
  expect(told).toEqual({
    create: ['local conversation insert'],
    add: expect.arrayContaining(['local message insert', 'local conversation update']),
    update: ['local conversation update'],
    refused: [],
    read: [],
    delete: ['local conversation delete'],
    'delete nothing': [],
  });
});

test('backup and restore from a follower; every tab is told to read again', async ({ context }) => {
  const pages = (await tabs(context, 'backup', 3)) as [Page, Page, Page];
  const conversation = await create(pages[0]);
  const head = await pages[1].evaluate(async (id) => {
    const text = (n: number) => `${n} `.repeat(10_000);
    await Promise.all(
      Array.from({ length: 300 }, (_, n) => window.store.addMessage(id, 'user', text(n))),
    );
    const file = await window.store.backup();
    await window.store.addMessage(id, 'user', 'after the backup');
    await window.store.restore(file);
    return file.slice(0, 15).text();
  }, conversation);
  expect(head).toBe('SQLite format 3');
  await all(pages, () => window.until(() => window.heard.changes.some(({ reset }) => reset)));
  const seen = await Promise.all(
    pages.map((page) =>
      page.evaluate(async (id) => {
        const rows = await window.store.messagesFor(id);
        return rows.map(({ content }, n) => content === `${n} `.repeat(10_000));
      }, conversation),
    ),
  );
  expect(seen).toEqual(Array(3).fill(Array(300).fill(true)));
  expect(await roles(pages)).toEqual(['leader', 'follower', 'follower']);
});

test('a strict and a relaxed tab work together, each in its own way', async ({ context }) => {
  for (const [first, second] of [
    ['strict', 'relaxed'],
    ['relaxed', 'strict'],
  ]) {
    const name = `${first} leads`;
    const pages = [
      await tab(context, name, { options: { durability: first } }),
      await tab(context, name, { options: { durability: second } }),
    ];
    const id = await create(pages[0]);
    await Promise.all(
      pages.map((page) =>
        page.evaluate(async (id) => {
          for (let n = 0; n < 20; n++) await window.store.addMessage(id, 'user', 'x');
        }, id),
      ),
    );
    const seen = await all(pages, async () => (await window.store.status()).durability);
    expect(seen).toEqual([first, second]);
    await pages[0]?.close();
    const last = pages[1] as Page;
    expect(await last.evaluate(async (id) => (await window.store.messagesFor(id)).length, id)).toBe(
      40,
    );
    expect(await all([last], () => window.store.status())).toMatchObject([
      { role: 'leader', durability: second },
    ]);
  }
});

test('after a thousand openings and closings no lock and no file is held', {
  tag: '@opfs',
}, async ({ context }) => {
  test.setTimeout(120_000);
  const pages = [await load(await context.newPage()), await load(await context.newPage())];
  // Two tabs against each other: each closes as a leader, as a follower and amid an election.
  const counts = await all(pages, async () => {
    const binary = await fetch('/package/wasm/conversation_store_bg.wasm');
    const wasm = await WebAssembly.compile(await binary.arrayBuffer());
    for (let n = 0; n < 500; n++) {
      const store = await window.Store.open('rounds', { wasm });
      if (n % 50 === 0) await store.createConversation(String(n));
      await store.close();
    }
    const store = await window.Store.open('rounds');
    const { length } = await store.listConversations();
    await store.close();
    return length;
  });
  expect(Math.max(...counts)).toBe(20);
  const held = await (pages[0] as Page).evaluate(async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    const root = await navigator.storage.getDirectory();
    const parent = await root.getDirectoryHandle('conversation-store');
    const directory = await parent.getDirectoryHandle('rounds');
    for await (const handle of directory.values()) {
      // Refused while anyone has it open.
      await (await (handle as FileSystemFileHandle).createWritable()).abort();
    }
    return [...held, ...pending].map(({ name }) => name);
  });
  expect(held).toEqual([]);
});

test('eight idle tabs say nothing', async ({ context }, { annotations }) => {
  // A write over IndexedDB takes several times as long, and many are waited for.
  test.setTimeout(180_000);
  const pages = await tabs(context, 'idle', 8);
  await all(pages, () => window.store.listConversations());
  const observer = await load(context.pages()[0] as Page);
  expect(await observer.evaluate(overhear, 'idle')).toHaveLength(8);
  const busy = await tab(context, 'busy');
  const session = await context.browser()?.newBrowserCDPSession();
  const cpu = async () => {
    const info = await session?.send('SystemInfo.getProcessInfo');
    const renderers = info?.processInfo.filter(({ type }) => type === 'renderer') ?? [];
    return new Map(renderers.map(({ id, cpuTime }) => [id, cpuTime]));
  };
  const before = await cpu();
  // Long enough to hear a heartbeat: as long as another database is written to.
  await busy.evaluate(async () => {
    const id = await window.store.createConversation('t');
    for (let n = 0; n < 3_000; n++) await window.store.addMessage(id, 'user', 'x');
  });
  const used = [...(await cpu())].map(([id, time]) => (time - (before.get(id) ?? 0)).toFixed(2));
  annotations.push({ type: 'CPU seconds of each renderer', description: used.sort().join(' ') });
  const said = () => Object.values(window.traffic).flatMap(({ messages }) => messages);
  expect(await observer.evaluate(said)).toEqual([]);
  // And it would have been heard.
  await create(pages[7]);
  await observer.evaluate(() =>
    window.observed(() => Object.values(window.traffic).some((it) => it.messages.length > 0)),
  );
});
