/** The five methods and what is around them, from a page's main thread. */

import { expect } from '@playwright/test';
import { here, load, origin, test } from './browser.js';

test.beforeEach(async ({ page }) => {
  await load(page);
});

test('the five methods of the lesson, where and how the database is kept', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('lesson');
    const id = await store.createConversation('Hello');
    const first = await store.addMessage(id, 'user', '안녕하세요 🌱');
    const second = await store.addMessage(id, 'assistant', 'hello');
    const listed = await store.listConversations();
    const messages = await store.messagesFor(id);
    const status = await store.status();
    const deleted = [await store.deleteConversation(id), await store.deleteConversation(id)];
    await store.close();
    return { id, first, second, listed, messages, status, deleted };
  });
  expect(seen.listed).toMatchObject([{ id: seen.id, title: 'Hello', brain: 'claude' }]);
  expect(seen.listed[0]?.updatedAt).toBe(seen.second.createdAt);
  expect(seen.messages.map(({ role, content }) => [role, content])).toEqual([
    ['user', '안녕하세요 🌱'],
    ['assistant', 'hello'],
  ]);
  expect(seen.messages[0]).toMatchObject({ ...seen.first, conversationId: seen.id });
  expect(seen.deleted).toEqual([1, 0]);
  expect(seen.status).toMatchObject({
    ...here,
    role: 'leader',
    durability: 'strict',
    synchronous: 'full',
  });
});

test('relaxed durability is synchronous normal', async ({ page }) => {
  const status = await page.evaluate(async () => {
    const store = await window.Store.open('relaxed', { durability: 'relaxed' });
    return store.status();
  });
  expect(status).toMatchObject({
    ...here,
    durability: 'relaxed',
    synchronous: 'normal',
  });
});

test('a reloaded page reads what was written', async ({ page }) => {
  const before = await page.evaluate(async () => {
    const store = await window.Store.open();
    const id = await store.createConversation('다시 읽기 👩‍👩‍👧‍👦', 'echo');
    await store.addMessage(id, 'user', 'e\u0301 가나다 \u0000 끝');
    return [await store.listConversations(), await store.messagesFor(id)];
  });
  await load(page);
  const after = await page.evaluate(async () => {
    const store = await window.Store.open();
    const [row] = await store.listConversations();
    return [await store.listConversations(), await store.messagesFor(row?.id ?? 0)];
  });
  expect(after).toEqual(before);
});

test('calls made at once are carried out in order', async ({ page }) => {
  const contents = await page.evaluate(async () => {
    const store = await window.Store.open('order');
    const id = await store.createConversation('t');
    const added = Array.from({ length: 200 }, (_, n) => store.addMessage(id, 'user', String(n)));
    const read = store.messagesFor(id);
    await Promise.all(added);
    return (await read).map((message) => message.content);
  });
  expect(contents).toEqual(Array.from({ length: 200 }, (_, n) => String(n)));
});

test('calls made at once share flushes, and each is answered by itself', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/counts-flushes.js', { type: 'module' });
    const store = await window.Store.open('shared', { worker });
    const id = await store.createConversation('t');
    const channel = new BroadcastChannel('flushes');
    const flushes = () =>
      new Promise<number>((resolve) => {
        channel.onmessage = ({ data }) => resolve(data);
        channel.postMessage('how many');
      });
    const before = await flushes();
    const controller = new AbortController();
    const calls = Array.from({ length: 100 }, (_, n) => {
      if (n === 30) return store.addMessage(999, 'user', 'to no conversation');
      if (n === 60) return store.addMessage(id, 'user', '60', {}, { signal: controller.signal });
      return store.addMessage(id, 'user', String(n));
    });
    controller.abort();
    const codes = await Promise.all(calls.map((call) => window.code(call)));
    const shared = (await flushes()) - before;
    const rows = await store.messagesFor(id);
    await store.close();
    return { codes, shared, contents: rows.map((row) => row.content) };
  });
  const refused = new Map([
    [30, 'not-found'],
    [60, 'aborted'],
  ]);
  expect(seen.codes).toEqual(Array.from({ length: 100 }, (_, n) => refused.get(n) ?? 'resolved'));
  const kept = Array.from({ length: 100 }, (_, n) => n).filter((n) => !refused.has(n));
  expect(seen.contents).toEqual(kept.map(String));
  expect(seen.shared).toBeGreaterThan(0);
  expect(seen.shared).toBeLessThan(50);
});

test('bad input is refused by name and changes nothing', async ({ page }) => {
  const refusals = await page.evaluate(async () => {
    const store = await window.Store.open('bad-input');
    const id = await store.createConversation('t');
    const other = await store.createConversation('other');
    await store.addMessage(id, 'user', 'x');
    const there = await store.addMessage(other, 'user', 'y');
    const all = async () =>
      JSON.stringify([await store.listConversations(), await store.messagesFor(id)]);
    const before = await all();
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point.
    const any = store as any;
    const { proxy: revoked, revoke } = Proxy.revocable({}, {});
    revoke();
    const throwing = {
      get id() {
        throw new Error('planted');
      },
      get signal(): AbortSignal {
        throw new Error('planted');
      },
    };
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const calls: [string, () => Promise<unknown>][] = [
      ['invalid-argument', () => any.createConversation()],
      ['invalid-argument', () => any.createConversation(5)],
      ['invalid-argument', () => any.createConversation(null)],
      ['invalid-argument', () => any.createConversation({})],
      ['invalid-argument', () => any.createConversation(Symbol.iterator)],
      ['invalid-argument', () => store.createConversation('a'.repeat(10_001))],
      ['invalid-argument', () => store.createConversation('a'.repeat(1_000_000))],
      ['invalid-argument', () => store.createConversation('t', '')],
      ['invalid-argument', () => any.createConversation('t', 5)],
      ['invalid-argument', () => any.createConversation('t', 'b', 5, 6)],
      ['invalid-argument', () => any.addMessage(id, 'bot', 'x')],
      ['invalid-argument', () => any.addMessage(id, 'User', 'x')],
      ['invalid-argument', () => any.addMessage(id, 'user')],
      ['invalid-argument', () => any.addMessage(id, 'user', 5)],
      ['invalid-argument', () => any.addMessage(id)],
      ['invalid-argument', () => any.addMessage()],
      ['invalid-argument', () => store.addMessage(Number.NaN, 'user', 'x')],
      ['invalid-argument', () => store.addMessage(Number.POSITIVE_INFINITY, 'user', 'x')],
      ['invalid-argument', () => store.addMessage(1.5, 'user', 'x')],
      ['invalid-argument', () => store.addMessage(0, 'user', 'x')],
      ['invalid-argument', () => store.addMessage(-1, 'user', 'x')],
      ['invalid-argument', () => store.addMessage(2 ** 53, 'user', 'x')],
      ['invalid-argument', () => store.addMessage(1e300, 'user', 'x')],
      ['not-found', () => store.addMessage(2 ** 53 - 1, 'user', 'x')],
      ['not-found', () => store.addMessage(String(id), 'user', 'x')],
      ['not-found', () => store.addMessage("1'; DROP TABLE messages; --", 'user', 'x')],
      ['invalid-argument', () => store.listConversations(0)],
      ['invalid-argument', () => store.listConversations(-5)],
      ['invalid-argument', () => store.listConversations(1.5)],
      ['invalid-argument', () => store.listConversations(1_000_001)],
      ['invalid-argument', () => store.listConversations(Number.NaN)],
      ['invalid-argument', () => any.listConversations('5')],
      ['invalid-argument', () => any.listConversations(null)],
      ['invalid-argument', () => any.listConversations([])],
      ['invalid-argument', () => any.listConversations({ limit: '5' })],
      ['invalid-argument', () => any.listConversations({ brain: 5 })],
      ['invalid-argument', () => any.listConversations({ after: 5 })],
      ['invalid-argument', () => any.listConversations({ after: { id: 1 } })],
      ['invalid-argument', () => any.listConversations({ after: { id: 1, updatedAt: 'soon' } })],
      ['invalid-argument', () => any.listConversations({ after: cycle })],
      ['invalid-argument', () => any.listConversations(cycle.self && (() => {}))],
      ['invalid-argument', () => store.messagesFor(id, { limit: 0 })],
      ['invalid-argument', () => any.messagesFor(id, 5)],
      ['invalid-argument', () => any.messagesFor(id, { before: {} })],
      ['invalid-argument', () => any.messagesFor(id, { before: 5 })],
      ['invalid-argument', () => store.messagesFor(id, { before: there, after: there })],
      ['conflict', () => store.messagesFor(id, { before: there })],
      ['conflict', () => store.messagesFor(id, { after: { uid: there.uid } })],
      ['conflict', () => store.messagesFor(id, { after: { id: 999 } })],
      ['invalid-argument', () => any.updateConversation(id)],
      ['invalid-argument', () => any.updateConversation(id, null)],
      ['invalid-argument', () => any.updateConversation(id, { title: null })],
      ['invalid-argument', () => any.updateConversation(id, { title: 5 })],
      ['invalid-argument', () => any.updateConversation(id, { brain: '' })],
      ['not-found', () => store.updateConversation(99, { title: 'x' })],
      ['invalid-argument', () => any.getConversation()],
      ['invalid-argument', () => any.getConversation(true)],
      ['invalid-argument', () => any.getConversation({ conversationId: 1, uid: 'x' })],
      ['invalid-argument', () => any.getMessage({})],
      ['invalid-argument', () => any.restore('text')],
      ['invalid-argument', () => any.restore()],
      ['not-a-database', () => store.restore(new Blob(['not a database at all']))],
      ['unsupported-format', () => store.restore(new Blob([]))],
      ['invalid-argument', () => store.status({ timeout: -1 })],
      ['invalid-argument', () => any.status({ timeout: 'soon' })],
      ['invalid-argument', () => any.status({ signal: 'stop' })],
      ['invalid-argument', () => any.status({ timeout: Object.create(null) })],
      ['invalid-argument', () => any.addMessage(id, 'user', 'x', { operationId: 5 })],
      ['invalid-argument', () => any.createConversation('t', revoked)],
      ['invalid-argument', () => any.listConversations(revoked)],
      ['invalid-argument', () => any.listConversations(throwing)],
      ['invalid-argument', () => any.messagesFor(id, { before: throwing })],
      ['invalid-argument', () => any.updateConversation(id, throwing)],
      ['invalid-argument', () => any.getMessage(throwing)],
      ['invalid-argument', () => any.status(throwing)],
      ['invalid-argument', () => window.Store.open('z', throwing)],
      ['invalid-argument', () => any.constructor.open('z', { storage: Symbol('x') })],
      ['invalid-argument', () => any.constructor.open('z', { storage: 'floppy' })],
      ['invalid-argument', () => any.constructor.open('z', { durability: 'eventual' })],
      ['invalid-argument', () => any.constructor.open('z', { worker: () => 1 })],
      ['invalid-argument', () => any.constructor.open('z', { wasm: 'http://' })],
      ['invalid-argument', () => any.constructor.open('z', 5)],
      ['invalid-argument', () => any.constructor.delete('z', 5)],
      ['aborted', () => store.persist({ signal: AbortSignal.abort() })],
      ['invalid-argument', () => any.persist(5)],
      ['invalid-argument', () => any.persist({ timeout: -1 })],
      ['aborted', () => window.Store.delete('z', { signal: AbortSignal.abort() })],
    ];
    const wrong: string[] = [];
    for (const [expected, call] of calls) {
      // Called here, not in a promise: nothing may throw at once.
      const got = await window.code(call());
      if (got !== expected) wrong.push(`${call}: ${got}, not ${expected}`);
    }
    if ((await all()) !== before) wrong.push('the database changed');
    await store.close();
    return { wrong, count: calls.length };
  });
  expect(refusals.wrong).toEqual([]);
  expect(refusals.count).toBeGreaterThan(50);
});

test('proxies, frozen rows and class instances are read as what they show', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('proxies');
    const id = await store.createConversation('t', 'echo');
    for (const text of ['one', 'two', 'three']) await store.addMessage(id, 'user', text);
    const rows = await store.messagesFor(id);
    const reactive = <T extends object>(value: T) => new Proxy(value, {});
    const [row] = await store.listConversations(reactive({ limit: 1, brain: 'echo' }));
    if (!row || !rows[1]) throw new Error('no rows');
    await store.updateConversation(id, reactive({ title: 'renamed' }));
    return {
      after: (await store.messagesFor(id, { after: reactive(rows[1]) })).map((it) => it.content),
      before: (await store.messagesFor(id, Object.freeze({ before: rows[1] }))).length,
      rest: (await store.listConversations({ after: reactive(row) })).length,
      date: (await store.listConversations({ after: { id: 9, updatedAt: new Date() } })).length,
      title: (await store.getConversation(id))?.title,
    };
  });
  expect(seen).toEqual({ after: ['three'], before: 1, rest: 0, date: 1, title: 'renamed' });
});

test('a page whose Date stands still or lies works all the same', async ({ page }) => {
  await page.clock.setFixedTime(new Date('2024-01-01T00:00:00Z'));
  await load(page);
  const codes = await page.evaluate(async () => {
    const store = await window.Store.open('clocks');
    const opened = await window.code(store.createConversation('a'));
    Date.now = () => 0;
    return [
      opened,
      await window.code(store.createConversation('b')),
      await window.code(store.close()),
    ];
  });
  expect(codes).toEqual(['resolved', 'resolved', 'resolved']);
});

test('names of databases', async ({ page }) => {
  const result = await page.evaluate(async () => {
    const fine = [
      'a/b',
      '..',
      '.',
      'A',
      'a',
      '대화 목록',
      '%2e',
      'con',
      'a\0b',
      '\\',
      'x'.repeat(200),
    ];
    const opened: (string | undefined)[] = [];
    for (const name of fine) {
      const store = await window.Store.open(name);
      await store.createConversation(name);
      opened.push((await store.listConversations())[0]?.title);
      await store.close();
    }
    const again = [];
    for (const name of fine) {
      const store = await window.Store.open(name);
      again.push((await store.listConversations()).length);
      await store.close();
    }
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point.
    const wrong = ['', 'a'.repeat(300), '\ud800', 5, null, {}] as any[];
    const codes = await Promise.all(
      wrong.flatMap((name) => [
        window.code(window.Store.open(name)),
        window.code(window.Store.delete(name)),
      ]),
    );
    return { fine, opened, again, codes };
  });
  expect(result.opened).toEqual(result.fine);
  expect(new Set(result.again)).toEqual(new Set([1]));
  expect(new Set(result.codes)).toEqual(new Set(['invalid-argument']));
});

test('a text of 50 MB goes in and comes out', async ({ page }) => {
  const equal = await page.evaluate(async () => {
    const store = await window.Store.open('large');
    const id = await store.createConversation('large');
    const text = '가나다라마바사아자차'.repeat(1_700_000);
    const added = await store.addMessage(id, 'user', text);
    const tooLong = await window.code(store.addMessage(id, 'user', 'x'.repeat(100_000_001)));
    return [(await store.getMessage(added.id))?.content === text, tooLong];
  });
  expect(equal).toEqual([true, 'invalid-argument']);
});

test('half a surrogate pair is stored as U+FFFD', async ({ page }) => {
  const content = await page.evaluate(async () => {
    const store = await window.Store.open('surrogates');
    const id = await store.createConversation('t');
    const { id: message } = await store.addMessage(id, 'user', 'a\ud800b');
    return (await store.getMessage(message))?.content;
  });
  expect(content).toBe('a\ufffdb');
});

test('signals and timeouts end calls', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/gated.js', { type: 'module' });
    const store = await window.Store.open('signals', { worker });
    const id = await store.createConversation('t');
    const reason = new Error('because');
    const error = await store
      .listConversations({ signal: AbortSignal.abort(reason) })
      .catch((error) => error);
    const read = new AbortController();
    const reading = window.code(store.messagesFor(id, { signal: read.signal }));
    read.abort();
    // The worker hears of both at once: it has not begun when the abort arrives.
    const closed = store.getMessage(1);
    const write = new AbortController();
    const writing = window.code(store.addMessage(id, 'user', 'kept', { signal: write.signal }));
    write.abort();
    await fetch('/gate/open');
    await closed;
    const written = await writing;
    const messages = await store.messagesFor(id, {}, { timeout: 10_000 });
    const late = await window.code(store.listConversations(5, { timeout: 0 }));
    return {
      error: [error.code, error.cause === reason, error instanceof Error],
      reading: await reading,
      written,
      stored: messages.length,
      late,
      after: await window.code(store.listConversations()),
    };
  });
  expect(seen).toEqual({
    error: ['aborted', true, true],
    reading: 'aborted',
    written: 'aborted',
    stored: 0,
    late: 'timeout',
    after: 'resolved',
  });
});

test('closing, twice, under way, and using after', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('closing');
    const pending = store.createConversation('made before close');
    await Promise.all([store.close(), store.close()]);
    const codes = [
      await window.code(pending),
      await window.code(store.listConversations()),
      await window.code(store.addMessage(1, 'user', 'x')),
      await window.code(store.status()),
      await window.code(store.persist()),
      await window.code(store.close()),
    ];
    const again = await window.Store.open('closing');
    const titles = (await again.listConversations()).map((row) => row.title);
    await again.close();
    return { codes, titles };
  });
  expect(seen).toEqual({
    codes: ['resolved', 'closed', 'closed', 'closed', 'closed', 'resolved'],
    titles: ['made before close'],
  });
});

test('two opens of one name in one page share it, as StrictMode does', async ({ page }) => {
  const seen = await page.evaluate(async (storage) => {
    const first = window.Store.open('shared', { storage: undefined, durability: undefined });
    const closing = first.then((store) => store.close());
    const second = await window.Store.open('shared');
    await closing;
    const third = await window.Store.open('shared', { storage });
    await second.createConversation('by the second');
    const titles = (await third.listConversations()).map((row) => row.title);
    await second.close();
    const conflicts = [
      await window.code(window.Store.open('shared', { durability: 'relaxed' })),
      await window.code(window.Store.open('shared', { storage: 'memory' })),
      await window.code(window.Store.delete('shared')),
    ];
    const still = await window.code(third.listConversations());
    await third.close();
    // Closing and opening at once.
    const closes = [];
    for (let n = 0; n < 20; n++) {
      const store = await window.Store.open('shared');
      closes.push(store.close());
    }
    await Promise.all(closes);
    return { titles, conflicts, still };
  }, here.storage);
  expect(seen).toEqual({
    titles: ['by the second'],
    conflicts: ['conflict', 'conflict', 'blocked'],
    still: 'resolved',
  });
});

test('an abandoned opening leaves the other one alone', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const controller = new AbortController();
    const first = window.code(window.Store.open('abandoned', { signal: controller.signal }));
    const second = window.Store.open('abandoned');
    controller.abort();
    const store = await second;
    await store.createConversation('t');
    const rows = await store.listConversations();
    await store.close();
    return [await first, rows.length];
  });
  expect(seen).toEqual(['aborted', 1]);
});

test('await using closes', async ({ page }) => {
  // A string, so that the test runner's compiler leaves the syntax alone.
  const codes = await page.evaluate(`(async () => {
    let outlived;
    {
      await using store = await Store.open('using');
      outlived = store;
    }
    const again = await Store.open('using', { durability: 'relaxed' });
    await again.close();
    return await code(outlived.listConversations());
  })()`);
  expect(codes).toBe('closed');
});

test('memory is private, keeps nothing, and needs no name', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const a = await window.Store.open(':memory:');
    const b = await window.Store.open(':memory:');
    await a.createConversation('a');
    const status = await a.status();
    const counts = [(await a.listConversations()).length, (await b.listConversations()).length];
    await a.close();
    await b.close();
    const again = await window.Store.open(':memory:');
    counts.push((await again.listConversations()).length);
    const mixed = await window.code(window.Store.open(':memory:', { storage: 'opfs' }));
    return { counts, storage: status.storage, journal: status.journalMode, mixed };
  });
  expect(seen).toEqual({
    counts: [1, 0, 0],
    storage: 'memory',
    journal: 'memory',
    mixed: 'invalid-argument',
  });
});

test('after close the main file has it all, and the files are free', { tag: '@opfs' }, async ({
  page,
}) => {
  const sizes = await page.evaluate(async () => {
    const store = await window.Store.open('closed');
    const id = await store.createConversation('t');
    await store.addMessage(id, 'user', 'x');
    await store.backup();
    await store.close();
    const root = await navigator.storage.getDirectory();
    const parent = await root.getDirectoryHandle('conversation-store');
    const directory = await parent.getDirectoryHandle('closed');
    const sizes: Record<string, number> = {};
    for await (const [name, handle] of directory.entries()) {
      sizes[name] = (await (handle as FileSystemFileHandle).getFile()).size;
      // Refused while anyone has it open.
      const stream = await (handle as FileSystemFileHandle).createWritable();
      await stream.abort();
    }
    return sizes;
  });
  expect(sizes['main.db']).toBeGreaterThan(8192);
  // Made when the store has been idle for a moment.
  delete sizes.reserve;
  expect({ ...sizes, 'main.db': 0 }).toEqual({ 'main.db': 0, 'main.db-wal': 0 });
});

test('a pause moves the log into the main file', { tag: '@opfs' }, async ({ page }) => {
  const size = (name: string) =>
    page.evaluate(async (name) => {
      const root = await navigator.storage.getDirectory();
      const parent = await root.getDirectoryHandle('conversation-store');
      const directory = await parent.getDirectoryHandle('pause');
      return (await (await directory.getFileHandle(name)).getFile()).size;
    }, name);
  await page.evaluate(async () => {
    window.store = await window.Store.open('pause');
    const id = await window.store.createConversation('t');
    const text = 'x'.repeat(1_000);
    await Promise.all(Array.from({ length: 300 }, () => window.store.addMessage(id, 'user', text)));
    for (let n = 0; n < 20; n++) await window.store.addMessage(id, 'user', text);
  });
  await expect.poll(() => size('main.db-wal')).toBe(0);
  expect(await size('main.db')).toBeGreaterThan(320 * 1_000);
  expect(await page.evaluate(async () => (await window.store.messagesFor(1)).length)).toBe(320);
});

test('delete removes the files, and nothing else', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    for (const name of ['kept', 'gone']) {
      const store = await window.Store.open(name);
      await store.createConversation(name);
      await store.close();
    }
    await window.Store.delete('gone');
    await window.Store.delete('gone');
    await window.Store.delete('never there');
    const kept = await window.Store.open('kept');
    const gone = await window.Store.open('gone');
    return [(await kept.listConversations()).length, (await gone.listConversations()).length];
  });
  expect(seen).toEqual([1, 0]);
});

test('backup while open is one moment, and comes back', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('backup');
    const id = await store.createConversation('원본');
    for (let n = 0; n < 300; n++) store.addMessage(id, 'user', `${n} `.repeat(2000));
    const backup = store.backup();
    const after = store.addMessage(id, 'user', 'after the backup');
    const file = await backup;
    await after;
    const head = await file.slice(0, 15).text();
    await store.restore(file);
    const restored = await store.messagesFor(id);
    await store.close();
    const memory = await window.Store.open(':memory:');
    await memory.restore(file);
    return {
      head,
      type: file.type,
      counts: [restored.length, (await memory.messagesFor(id)).length],
      last: restored.at(-1)?.content === '299 '.repeat(2000),
    };
  });
  expect(seen).toEqual({
    head: 'SQLite format 3',
    type: 'application/vnd.sqlite3',
    counts: [300, 300],
    last: true,
  });
});

test('damage in OPFS is told and nothing is deleted', { tag: '@opfs' }, async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const directory = async (name: string) => {
      const root = await navigator.storage.getDirectory();
      const parent = await root.getDirectoryHandle('conversation-store', { create: true });
      return parent.getDirectoryHandle(name, { create: true });
    };
    const write = async (name: string, file: string, text: string) => {
      const handle = await (await directory(name)).getFileHandle(file, { create: true });
      const stream = await handle.createWritable();
      await stream.write(text);
      await stream.close();
      return async () => (await (await handle.getFile()).text()) === text;
    };
    const garbage = await write('garbage', 'main.db', 'x'.repeat(10_000));
    const elsewhere = await write('no-main', 'something', 'x');
    for (const name of ['emptied', 'removed']) {
      const store = await window.Store.open(name);
      await store.createConversation('t');
      await store.close();
    }
    await write('emptied', 'main.db', '');
    await (await directory('removed')).removeEntry('main.db');
    return [
      await window.code(window.Store.open('garbage')),
      await garbage(),
      await window.code(window.Store.open('no-main')),
      await elsewhere(),
      await window.code(window.Store.open('emptied')),
      await window.code(window.Store.open('removed')),
    ];
  });
  expect(seen).toEqual(['corrupt', true, 'corrupt', true, 'corrupt', 'corrupt']);
});

test('no request leaves the origin and none comes before it is needed', async ({ page }) => {
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await load(page);
  const imported = requests.length;
  await page.evaluate(async () => {
    const store = await window.Store.open('requests');
    await store.createConversation('t');
  });
  expect(requests.slice(0, imported).some((url) => /worker|wasm$/.test(url))).toBe(false);
  expect(requests.length).toBeGreaterThan(imported);
  expect(requests.filter((url) => !url.startsWith(origin))).toEqual([]);
});
