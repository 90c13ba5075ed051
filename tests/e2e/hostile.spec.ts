/**
 * Values and words that mean harm: names that JavaScript's own objects have, objects that fail when they are
 * looked at, strangers that speak to the page, and a page of the same origin that speaks as a tab does.
 */

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { open, overhear } from '../firefox/page.mjs';
import { load, test } from './browser.js';

/** JSON that a careless reader takes for its objects' own makings. */
const POLLUTION =
  '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{"polluted":1},' +
  '"toString":null,"hasOwnProperty":1,"valueOf":"x","then":"y","length":4294967296}';

test('names that objects have by themselves are kept as any other, and change none', async ({
  page,
}) => {
  await load(page);
  const seen = await page.evaluate(async (pollution) => {
    const store = await window.Store.open('pollution');
    const wild = () => JSON.parse(pollution);
    // biome-ignore lint/suspicious/noExplicitAny: any value is what a caller may give.
    const any = store as any;
    const id = await any.createConversation('__proto__', 'constructor', {
      uid: '__proto__',
      metadata: wild(),
      tags: ['__proto__', 'constructor'],
    });
    const parts = [
      { type: 'text', text: 'x' },
      { type: '__proto__', ...wild() },
      { type: 'y', y: wild() },
    ];
    const extra = {
      uid: 'constructor',
      usage: wild(),
      error: wild(),
      metadata: wild(),
      source: { format: '__proto__', data: wild() },
    };
    await any.addMessage(id, 'user', parts, extra);
    // Options that bring a prototype along as a field of theirs: it is none of theirs.
    const query = JSON.parse('{"__proto__":{"limit":"wrong","brain":5},"limit":5}');
    const listed = await store.listConversations(query);
    // Among the options of a call only those that are known are taken.
    const options = JSON.parse('{"__proto__":{"timeout":-1,"signal":"x"}}');
    const refused = await window.code(store.status(options));
    const report = await store.import(
      `[{"title":"imported","uid":"toString","messages":[{"role":"user","content":"x","uid":"__proto__",
        "metadata":${pollution},"parts":[{"type":"text","text":"x"},{"type":"z","z":${pollution}}]}],${pollution.slice(1, -1)}}]`,
    );
    const imported = await any.messagesFor('toString');
    const exported = await (await store.export()).text();
    const again = await store.import(exported);
    const [message] = await any.messagesFor('__proto__');
    const conversation = await store.getConversation('__proto__');
    const text = (value: unknown) => JSON.stringify(value);
    return {
      kept: [
        text(conversation?.metadata) === pollution,
        text(conversation?.tags),
        text(message.parts) === text(parts),
        text(message.metadata) === pollution,
        text(message.usage) === pollution,
        text(message.error) === pollution,
        text(message.source) === text(extra.source),
        text(imported[0].parts[1].z) === pollution,
      ],
      uids: [message.uid, imported[0].uid, conversation?.uid],
      listed: listed.length,
      refused,
      failures: report.failures.concat(again.failures).map(({ code }) => code),
      polluted: [{}, [], '', Object, window, store].map((it) => 'polluted' in Object(it)),
    };
  }, POLLUTION);
  expect(seen.kept).toEqual([true, '["__proto__","constructor"]', ...Array(6).fill(true)]);
  expect(seen.uids).toEqual(['constructor', '__proto__', '__proto__']);
  expect([seen.listed, seen.refused]).toEqual([1, 'invalid-argument']);
  expect(seen.failures).toEqual([]);
  expect(seen.polluted).toEqual(Array(6).fill(false));
});

test('objects that fail, lie or never end are refused, and change nothing', async ({ page }) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('liars');
    const id = await store.createConversation('t');
    const { id: message } = await store.addMessage(id, 'user', 'x');
    // biome-ignore lint/suspicious/noExplicitAny: wrong values are the point.
    const any = store as any;
    const all = async () =>
      JSON.stringify([await store.listConversations(), await store.messagesFor(id)]);
    const before = await all();
    const fails = () => {
      throw new Error('planted');
    };
    const traps = new Proxy(
      {},
      {
        get: fails,
        has: fails,
        ownKeys: fails,
        getOwnPropertyDescriptor: fails,
        getPrototypeOf: fails,
      },
    );
    const endless: unknown[] = [];
    endless.push([endless]);
    let deep: unknown = 'end';
    for (let n = 0; n < 200; n++) deep = [deep];
    let deepest: unknown = 'end';
    for (let n = 0; n < 100_000; n++) deepest = [deepest];
    const values: Record<string, unknown> = {
      traps: traps,
      'a getter that throws': {
        get x() {
          return fails();
        },
      },
      'toJSON that throws': { toJSON: fails },
      'toJSON that gives itself': {
        toJSON() {
          return endless;
        },
      },
      'a cycle': endless,
      'a BigInt': { x: 1n },
      'nested 200 deep': deep,
      'nested 100,000 deep': deepest,
    };
    const wrong: string[] = [];
    for (const [name, value] of Object.entries(values)) {
      const calls = {
        metadata: () => any.addMessage(id, 'user', 'x', { metadata: value }),
        source: () => any.addMessage(id, 'user', 'x', { source: { format: 'f', data: value } }),
        parts: () => any.addMessage(id, 'user', [{ type: 'text', text: 'x', value }]),
        patch: () => any.updateMessage(message, { error: value }),
        conversation: () => any.updateConversation(id, { metadata: value }),
        saved: () =>
          any.saveMessages(id, [{ id: 'u', role: 'user', content: 'x', metadata: value }]),
      };
      for (const [place, call] of Object.entries(calls)) {
        const code = await window.code(call());
        if (code !== 'invalid-argument') wrong.push(`${name} in ${place}: ${code}`);
      }
    }
    const shapes: [string, () => Promise<unknown>][] = [
      ['an extra of traps', () => any.createConversation('t', 'b', traps)],
      ['a message of traps', () => any.saveMessages(id, [traps])],
      ['messages of traps', () => any.saveMessages(id, traps)],
      ['a list that says it is long', () => any.saveMessages(id, { length: 2 ** 53 })],
      ['parts that say they are long', () => any.addMessage(id, 'user', { length: 2 ** 53 })],
      [
        'tags that say they are long',
        () => any.updateConversation(id, { tags: { length: 2 ** 32 } }),
      ],
      ['a query of traps', () => any.listConversations(traps)],
      ['a key of traps', () => any.getMessage(traps)],
      ['a search of traps', () => any.search('x', traps)],
      ['options of traps', () => any.search('x', {}, traps)],
      ['a file of traps', () => any.import(traps)],
      ['a format of traps', () => any.import('[]', { format: traps })],
      ['an export of traps', () => any.export(traps)],
      ['an attachment of traps', () => any.putBlob(traps)],
      ['an uid of half a pair', () => any.createConversation('t', 'b', { uid: '' })],
      ['a writer of traps', () => any.messageWriter(id, traps)],
      ['a file that throws', () => store.import([{ title: 'x', messages: [], toJSON: fails }])],
    ];
    for (const [name, call] of shapes) {
      const code = await window.code(call());
      if (code !== 'invalid-argument') wrong.push(`${name}: ${code}`);
    }
    const same = (await all()) === before;
    // What fails midway: what was stored by then is.
    const writer = await any.messageWriter(id);
    const chat = [{ title: 'x', messages: [] }];
    const midway: [string, () => Promise<unknown>][] = [
      ['progress that throws', () => store.import(chat, { onProgress: fails })],
      ['a patch of traps', () => writer.getWriter().write(traps)],
    ];
    for (const [name, call] of midway) {
      const code = await window.code(call());
      if (code !== 'invalid-argument') wrong.push(`${name}: ${code}`);
    }
    return { wrong, same, healed: (await store.heal()).healed };
  });
  expect(seen).toEqual({ wrong: [], same: true, healed: 0 });
});

test('wrong options of a call reject in every method, and are never thrown at once', async ({
  page,
}) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const names = Object.getOwnPropertyNames(window.Store.prototype);
    /** What stands before the options. */
    const given: Record<string, unknown[]> = {
      createConversation: ['t', 'b', {}],
      addMessage: [1, 'user', 'x', {}],
      saveMessages: [1, [], {}],
      listConversations: [{}],
      messagesFor: [1, {}],
      deleteConversation: [1],
      getConversation: [1],
      updateConversation: [1, {}],
      emptyTrash: [0],
      clear: [],
      getMessage: [1],
      updateMessage: [1, {}],
      deleteMessage: [1],
      appendToMessage: [1, 'x'],
      messageWriter: [1, {}],
      branches: [1],
      search: ['x', {}],
      fork: [1, 1],
      putBlob: [new Blob(['x'])],
      getBlob: ['sha256-0'],
      import: [[], {}],
      export: [{}],
      heal: [1],
      integrityCheck: [{}],
      backup: [],
      restore: [new Blob(['x'])],
      status: [],
      persist: [],
      close: [],
    };
    const others = ['constructor', 'watchConversations', 'watchMessages'];
    const missed = names.filter(
      (name) => !(name in given) && !others.includes(name) && !name.endsWith('EventListener'),
    );
    const fails = () => {
      throw new Error('planted');
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const wrong: Record<string, unknown> = {
      'a getter that throws': {
        get signal() {
          return fails();
        },
      },
      revoked: proxy,
      'no time': { timeout: Number.NaN },
      'time below none': { timeout: -1 },
      'a word for a time': { timeout: 'soon' },
      'no signal': { signal: {} },
      unknown: { nonsense: 1 },
      null: null,
      'a number': 5,
    };
    const problems: string[] = [];
    const note = async (name: string, call: () => Promise<unknown>) => {
      try {
        const code = await window.code(call());
        if (code !== 'invalid-argument') problems.push(`${name}: ${code}`);
      } catch (error) {
        problems.push(`${name} threw ${error}`);
      }
    };
    for (const [kind, options] of Object.entries(wrong)) {
      const store = await window.Store.open('options');
      // biome-ignore lint/suspicious/noExplicitAny: wrong values are the point.
      const any = store as any;
      await store.createConversation('t');
      for (const name of ['heal', 'emptyTrash', 'integrityCheck', 'listConversations']) {
        // What has another name, or is not even an object, is not taken for options there.
        if (Object(options) !== options || kind === 'unknown') continue;
        await note(`${name} with nothing but ${kind}`, () => any[name](options));
      }
      // The last of them closes it.
      for (const [name, args] of Object.entries(given)) {
        await note(`${name} with ${kind}`, () => any[name](...args, options));
      }
    }
    return { missed, problems };
  });
  expect(seen).toEqual({ missed: [], problems: [] });
});

test('text that no UTF-8 holds is U+FFFD wherever it stands', async ({ page }) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('halves');
    const half = 'a\ud800b';
    const id = await store.createConversation(half, half, { uid: half, tags: [half] });
    await store.saveMessages(id, [
      { uid: half, role: 'user', content: half, model: half, metadata: { [half]: half } },
      { role: 'user', parts: [{ type: 'text', text: `${half}\udfff` }] },
    ]);
    const found = await store.search(half);
    const rows = await store.messagesFor(id);
    const { conversations, failures } = await store.import([
      { title: half, messages: [{ role: 'user', content: half }] },
    ]);
    const texts = JSON.stringify([
      await store.listConversations(),
      rows,
      await store.messagesFor(2),
    ]);
    return {
      wellFormed:
        (texts as string & { isWellFormed(): boolean }).isWellFormed() && !/\\ud8/.test(texts),
      kept: texts.split('a\ufffdb').length - 1,
      hits: found.length,
      created: conversations.created,
      failures: failures.length,
      healed: (await store.heal()).healed,
    };
  });
  expect(seen.wellFormed).toBe(true);
  expect(seen.kept).toBeGreaterThan(8);
  expect([seen.hits > 0, seen.created, seen.failures, seen.healed]).toEqual([true, 1, 0, 0]);
});

test('what others post to the page is none of its answers', async ({ page }) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const store = await window.Store.open('window');
    const id = await store.createConversation('t');
    const words: unknown[] = [
      { ready: true },
      { failed: 'planted' },
      ...Array.from({ length: 50 }, (_, id) => ({ id, value: 'planted' })),
      ...Array.from({ length: 50 }, (_, id) => ({
        id,
        error: { code: 'corrupt', message: 'planted' },
      })),
      [{ id: 1, text: '"planted"' }],
      { changes: [], sequence: 9, reset: true },
      { method: 'clear', params: {}, id: 99 },
    ];
    const heard: string[] = [];
    store.addEventListener('change', () => heard.push('change'));
    const { port1, port2 } = new MessageChannel();
    port2.start();
    const calls = Array.from({ length: 20 }, (_, n) => store.addMessage(id, 'user', String(n)));
    // A frame of another origin, and this page itself.
    const frame = document.createElement('iframe');
    frame.sandbox.add('allow-scripts');
    document.body.append(frame);
    for (const word of words) {
      window.postMessage(word, '*');
      frame.contentWindow?.postMessage(word, '*');
      port1.postMessage(word);
      window.dispatchEvent(new MessageEvent('message', { data: word }));
    }
    // They have all been heard when this one is.
    await new Promise((resolve) => {
      window.addEventListener('message', ({ data }) => data === 'last' && resolve(null));
      window.postMessage('last', '*');
    });
    const codes = await Promise.all(calls.map((call) => window.code(call)));
    const rows = await store.messagesFor(id);
    return {
      codes: [...new Set(codes)],
      contents: rows.map(({ content }) => Number(content)),
      role: (await store.status()).role,
    };
  });
  expect(seen).toEqual({
    codes: ['resolved'],
    contents: Array.from({ length: 20 }, (_, n) => n),
    role: 'leader',
  });
});

/**
 * Another script of the origin may read and write all there is (SECURITY.md): it can also speak as a tab, and so
 * keep tabs from their leader. What is stored stays whole, and a reload ends it.
 */
test('a page that speaks as a tab and lies harms nothing that is stored', async ({ context }) => {
  const stranger = await load(context.pages()[0] ?? (await context.newPage()));
  await stranger.evaluate(overhear, 'lies');
  const pages = [];
  for (let n = 0; n < 2; n++) {
    const page = await load(await context.newPage());
    await page.evaluate(open, { name: 'lies' });
    pages.push(page);
  }
  const [leader, follower] = pages as [(typeof pages)[0], (typeof pages)[0]];
  const acknowledged = await follower.evaluate(async () => {
    const id = await window.store.createConversation('t');
    for (let n = 0; n < 20; n++) await window.store.addMessage(id, 'user', String(n));
    return (await window.store.messagesFor(id)).map(({ content }) => content);
  });
  const names = await stranger.evaluate(overhear, 'lies');
  await stranger.evaluate(
    ([names]) => {
      const all = new BroadcastChannel('conversation-store:lies');
      const heard = Object.values(window.traffic).flatMap(({ messages }) => messages);
      const model = heard.find(({ type }) => type === 'hello');
      if (!model) throw new Error('nobody said hello');
      const { protocol, schema, database } = model;
      const welcome = heard.find(({ type }) => type === 'welcome');
      const highest = 2 ** 52;
      const senders = ['a stranger', ...names];
      const lies: object[] = [];
      for (const from of senders) {
        const envelope = { protocol, schema, database, from };
        for (const epoch of [0, 1, highest - 2_048, highest]) {
          lies.push(
            { ...envelope, type: 'hello', visible: true, heard: epoch },
            { ...envelope, type: 'presence', visible: false, heard: epoch },
            { ...envelope, type: 'handover', epoch, successor: names[1] },
            {
              ...envelope,
              type: 'failed',
              epoch,
              error: { code: 'corrupt', message: 'planted lie' },
            },
            {
              ...envelope,
              type: 'changes',
              epoch,
              first: 1,
              changes: [{ row: null, tab: from, object: 1 }],
            },
            { ...welcome, ...envelope, type: 'welcome', epoch, clock: 1e300, sequence: highest },
          );
        }
        lies.push({ ...envelope, type: 'bye' });
      }
      const lines = names.flatMap((a) => names.map((b) => [a, b].sort().join(':')));
      const channels = lines.map((it) => new BroadcastChannel(`conversation-store-line:${it}`));
      for (const from of senders) {
        const envelope = { protocol, schema, database, from };
        for (let n = 0n; n < 64n; n++) {
          for (const channel of channels) {
            const sending = ((n % 4n) << 32n) | n;
            channel.postMessage({
              ...envelope,
              type: 'answer',
              sending,
              clock: -1e300,
              text: '"lie"',
            });
            channel.postMessage({ ...envelope, type: 'abort', sending });
            channel.postMessage({
              ...envelope,
              type: 'request',
              epoch: Number(n),
              sending,
              deadline: 1e300,
              again: true,
              request: {
                method: 'addMessage',
                params: { __proto__: null, conversationId: [], role: {} },
              },
            });
          }
        }
      }
      for (const lie of lies) all.postMessage(lie);
    },
    [names] as const,
  );
  // Whatever the tabs were led to believe, they go on, or tell; and a reload finds everything.
  for (const page of pages)
    await page.evaluate(() => window.code(window.store.status({ timeout: 1_000 })));
  await Promise.all([leader, follower].map((page) => load(page)));
  const folder = await mkdtemp(join(tmpdir(), 'conversation-store-lies-'));
  await leader.evaluate(open, { name: 'lies' });
  const downloading = leader.waitForEvent('download');
  const after = await leader.evaluate(async () => {
    const { healed } = await window.store.heal();
    const rows = await window.store.messagesFor(1);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(await window.store.backup());
    link.download = 'lies.db';
    link.click();
    return { healed, contents: rows.map(({ content }) => content) };
  });
  expect(after).toEqual({ healed: 0, contents: acknowledged });
  const file = join(folder, 'lies.db');
  await (await downloading).saveAs(file);
  expect(execFileSync('sqlite3', [file, 'PRAGMA integrity_check'], { encoding: 'utf8' })).toBe(
    'ok\n',
  );
  expect((await readFile(file)).length).toBeGreaterThan(0);
  await rm(folder, { recursive: true });
});
