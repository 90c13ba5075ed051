/** What tabs send each other: large results, nothing to who did not ask, and the words of strangers. */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import { open, overhear } from '../firefox/page.mjs';
import { load, test } from './browser.js';

/** What every message has. */
interface Envelope {
  protocol: number;
  schema: number;
  database: string;
  from: string;
  type: string;
}

declare global {
  interface Window {
    /** What an observer has heard, by channel. */
    traffic: Record<string, { channel: BroadcastChannel; messages: Envelope[] }>;
    /** Resolves when that is so, looked at after each message. */
    observed(ready: () => boolean): Promise<void>;
  }
}

const uncaught: string[] = [];

test.beforeEach(({ context }) => {
  context.on('weberror', (event) => uncaught.push(String(event.error())));
});

test.afterEach(() => {
  expect(uncaught.splice(0)).toEqual([]);
});

async function tab(context: BrowserContext, name: string): Promise<Page> {
  const page = await load(await context.newPage());
  await page.evaluate(open, { name });
  return page;
}

const common = (database: string) => `conversation-store:${database}`;
const line = (...tabs: string[]) => `conversation-store-line:${tabs.sort().join(':')}`;

/** A page that hears all, and three tabs with their names; the first leads. */
async function overheard(context: BrowserContext, database: string) {
  const observer = await load(context.pages()[0] as Page);
  await observer.evaluate(overhear, database);
  const pages: Page[] = [];
  const names: string[] = [];
  for (let n = 0; n < 3; n++) {
    pages.push(await tab(context, database));
    const all = await observer.evaluate(overhear, database);
    names.push(...all.filter((name) => !names.includes(name)));
  }
  return {
    observer,
    pages: pages as [Page, Page, Page],
    names: names as [string, string, string],
  };
}

/** How many characters and bytes were heard on a channel, once there are so many. */
const heard = (observer: Page, channel: string, least = 0) =>
  observer.evaluate(
    async ([name, least]) => {
      const size = (value: unknown): number => {
        if (typeof value === 'string') return value.length;
        if (value instanceof Blob) return value.size;
        if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
        if (typeof value !== 'object' || value === null) return 8;
        return Object.entries(value).reduce((sum, [key, it]) => sum + key.length + size(it), 0);
      };
      const { messages } = window.traffic[name] as Window['traffic'][string];
      await window.observed(() => size(messages) >= least);
      return size(messages);
    },
    [channel, least] as const,
  );

const create = (page: Page) => page.evaluate(() => window.store.createConversation('t'));

test('50 MB come to a follower as they were written: one message, and 500', async ({ context }) => {
  test.setTimeout(180_000);
  const leader = await tab(context, 'large');
  const follower = await tab(context, 'large');
  expect(await follower.evaluate(async () => (await window.store.status()).role)).toBe('follower');
  const write = (page: Page, units: number, count: number) =>
    page.evaluate(
      async ([units, count]) => {
        const id = await window.store.createConversation('t');
        const text = (n: number) => `${n}: ${'가나다라마바사아자차'.repeat(units)}`;
        for (let n = 0; n < count; n++) await window.store.addMessage(id, 'user', text(n));
        return id;
      },
      [units, count] as const,
    );
  const equal = (page: Page, id: number, units: number) =>
    page.evaluate(
      async ([id, units]) => {
        const text = (n: number) => `${n}: ${'가나다라마바사아자차'.repeat(units)}`;
        const rows = await window.store.messagesFor(id);
        const again = await window.store.getMessage(rows[0]?.id ?? 0);
        return [
          rows.length,
          rows.every(({ content }, n) => content === text(n)),
          again?.content === text(0),
        ];
      },
      [id, units] as const,
    );
  for (const [units, count] of [
    [1_700_000, 1],
    [3_400, 500],
  ] as const) {
    for (const [writer, reader] of [
      [leader, follower],
      [follower, leader],
    ] as const) {
      const id = await write(writer, units, count);
      expect(await equal(reader, id, units)).toEqual([count, true, true]);
      expect(await equal(follower, id, units)).toEqual([count, true, true]);
    }
  }
});

test('a page of rows for one tab is not delivered to the others', async ({ context }) => {
  const { observer, pages, names } = await overheard(context, 'rows');
  const [leader, asking, other] = pages;
  const [first, second, third] = names;
  const toAsking = line(first, second);
  const toOther = line(first, third);
  const id = await create(leader);
  await leader.evaluate(async (id) => {
    for (let n = 0; n < 500; n++) await window.store.addMessage(id, 'user', 'x'.repeat(2_000));
  }, id);
  await Promise.all(
    pages.map((page) => page.evaluate(() => window.until(() => window.inserts().length === 500))),
  );
  const read = (page: Page, limit: number) =>
    page.evaluate(async ([id, limit]) => (await window.store.messagesFor(id, { limit })).length, [
      id,
      limit,
    ] as const);
  const channels = [common('rows'), toAsking, toOther, line(second, third)];
  // A small answer on each line shows that all before it has been heard.
  const sizes = async () => {
    for (const [page, channel] of [
      [asking, toAsking],
      [other, toOther],
    ] as const) {
      const before = await heard(observer, channel);
      expect(await read(page, 1)).toBe(1);
      await heard(observer, channel, before + 2_000);
    }
    return Promise.all(channels.map((channel) => heard(observer, channel)));
  };
  const before = await sizes();
  expect(await read(leader, 500)).toBe(500);
  expect(await read(asking, 500)).toBe(500);
  const [common_, asked, others, between] = (await sizes()).map(
    (size, n) => size - (before[n] as number),
  ) as [number, number, number, number];
  // The rows once, and the small answers.
  expect(asked).toBeGreaterThan(1_000_000);
  expect(asked).toBeLessThan(2_000_000);
  expect(others).toBeLessThan(10_000);
  expect([common_, between]).toEqual([0, 0]);
});

test('what strangers post is ignored and counted, and every tab goes on', async ({ context }) => {
  const { observer, pages, names } = await overheard(context, 'fuzzed');
  const [first, second, third] = names;
  const id = await create(pages[0]);
  const use = () =>
    Promise.all(
      pages.map((page, n) =>
        page.evaluate(
          async ([id, n]) => {
            await window.store.addMessage(id, 'user', String(n));
            return (await window.store.messagesFor(id)).at(-1) !== undefined;
          },
          [id, n] as const,
        ),
      ),
    );
  expect(await use()).toEqual([true, true, true]);
  await observer.evaluate(() => {
    const types = () =>
      Object.values(window.traffic).flatMap(({ messages }) => messages.map(({ type }) => type));
    return window.observed(() => new Set(types()).size > 3);
  });
  const posted = await observer.evaluate(
    (channels) => {
      const deep = (depth: number, make: (inner: unknown) => unknown) => {
        let value: unknown = null;
        for (let n = 0; n < depth; n++) value = make(value);
        return value;
      };
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      const values: unknown[] = [
        undefined,
        null,
        true,
        0,
        -1,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        2 ** 53,
        10n ** 30n,
        '',
        'hello',
        '\ud800',
        'x'.repeat(100_000),
        [],
        {},
        [1, [2], 3],
        new Date(Number.NaN),
        /x/g,
        new Error('planted'),
        new Map([[{}, new Set([1])]]),
        new ArrayBuffer(8),
        new Float64Array(8),
        new Blob(['x']),
        cycle,
        deep(500, (inner) => [inner]),
        deep(500, (inner) => ({ inner })),
        JSON.parse('{"__proto__": {"protocol": 1}, "constructor": 1}'),
      ];
      const envelope = ['protocol', 'schema', 'database', 'from', 'type'] as const;
      const garbage: unknown[] = [...values];
      // Each kind of message that was heard, with each of its fields missing or of a wrong type.
      const heard = channels.flatMap((name) => window.traffic[name]?.messages ?? []);
      const kinds = new Map(heard.map((message) => [message.type, message]));
      for (const message of kinds.values()) {
        const { database } = message;
        for (const field of envelope) {
          const { [field]: right, ...others } = message;
          garbage.push(others);
          const wrong = values.filter((value) => typeof value !== typeof right);
          garbage.push(...wrong.map((value) => ({ ...others, [field]: value })));
        }
        for (const wrong of ['', 'other', `${database} `, database.toUpperCase()]) {
          garbage.push({ ...message, database: wrong });
        }
        for (const wrong of ['', 'nonsense', 'Hello', 'constructor', '__proto__']) {
          garbage.push({ ...message, type: wrong });
        }
        for (const [field, value] of Object.entries(message)) {
          if (envelope.some((it) => it === field)) continue;
          const wrong = typeof value === 'object' ? 'x' : { wrong: [true] };
          garbage.push({ ...message, [field]: wrong });
        }
      }
      // And envelopes of anything, the same in each run.
      let seed = 1;
      const any = () => {
        seed = (seed * 16_807) % 2_147_483_647;
        return values[seed % values.length];
      };
      const anything = () => Object.fromEntries(envelope.map((field) => [field, any()]));
      for (let n = 0; n < 300; n++) garbage.push(anything(), { ...anything(), database: 'fuzzed' });
      for (const { channel } of Object.values(window.traffic)) channel.close();
      for (const name of channels) {
        const channel = new BroadcastChannel(name);
        for (const value of garbage) channel.postMessage(value);
      }
      return { count: garbage.length * channels.length, certain: values.length };
    },
    [common('fuzzed'), line(first, second), line(first, third)],
  );
  expect(posted.count).toBeGreaterThan(500);
  for (let round = 0; round < 5; round++) expect(await use()).toEqual([true, true, true]);
  // What is surely none of ours came on two channels of each tab.
  const ignored = () =>
    Promise.all(
      pages.map((page) => page.evaluate(async () => (await window.store.status()).ignoredMessages)),
    );
  await expect.poll(async () => Math.min(...(await ignored()))).toBeGreaterThan(2 * posted.certain);
  expect(await use()).toEqual([true, true, true]);
  const rows = await pages[1].evaluate(async (id) => window.store.messagesFor(id), id);
  expect(rows.map(({ content }) => content).sort()).toEqual(
    ['0', '1', '2'].flatMap((n) => Array(7).fill(n)),
  );
  const states = await Promise.all(pages.map((page) => page.evaluate(() => window.store.status())));
  expect(states.map(({ role }) => role).sort()).toEqual(['follower', 'follower', 'leader']);
  expect(states.every(({ outdated }) => !outdated)).toBe(true);
});

/** A page says hello as a tab of another version would, with the lock that says it is alive. */
const helloOf = (page: Page, by: { protocol: number; schema: number }) =>
  page.evaluate(
    async ([common, by]) => {
      const model = window.traffic[common]?.messages.find(({ type }) => type === 'hello');
      if (!model) throw new Error('no hello was heard');
      const { protocol, schema, database } = model;
      const from = crypto.randomUUID();
      await new Promise<void>((resolve) => {
        const hold = () => new Promise(() => resolve());
        void navigator.locks.request(`conversation-store-tab:${from}:${database}`, hold);
      });
      const version = { protocol: protocol + by.protocol, schema: schema + by.schema };
      const channel = new BroadcastChannel(common);
      const answer = new Promise<Envelope>((resolve) => {
        channel.onmessage = ({ data }) => data.to === from && resolve(data);
      });
      channel.postMessage({ ...model, ...version, from });
      if (by.protocol + by.schema > 0) return undefined;
      const answered = await answer;
      return [answered.type, answered.protocol === protocol, answered.schema === schema];
    },
    [common('versions'), by] as const,
  );

for (const [what, by] of Object.entries({
  protocol: { protocol: 1, schema: 0 },
  schema: { protocol: 0, schema: 1 },
})) {
  test(`a tab of a higher ${what} makes the others outdated, until they are reloaded`, async ({
    context,
  }) => {
    const { observer, pages } = await overheard(context, 'versions');
    const id = await create(pages[0]);
    await helloOf(observer, by);
    const seen = await Promise.all(
      pages.map((page) =>
        page.evaluate(async (id) => {
          // The first call that is refused; those before were made before the word came.
          let code = 'resolved';
          while (code === 'resolved') code = await window.code(window.store.messagesFor(id));
          return [
            code,
            await window.code(window.store.addMessage(id, 'user', 'x')),
            (await window.store.status()).outdated,
            window.heard.roles.length > 0,
          ];
        }, id),
      ),
    );
    expect(seen).toEqual(Array(3).fill(['outdated', 'outdated', true, true]));
    for (const page of pages) await load(page);
    for (const page of pages) await page.evaluate(open, { name: 'versions' });
    const again = await Promise.all(
      pages.map((page) =>
        page.evaluate(async (id) => {
          await window.store.addMessage(id, 'user', 'y');
          return (await window.store.status()).outdated;
        }, id),
      ),
    );
    expect(again).toEqual([false, false, false]);
    const rows = await pages[0].evaluate((id) => window.store.messagesFor(id), id);
    expect(rows.map(({ content }) => content)).toEqual(['y', 'y', 'y']);
  });
}

test('a tab of a lower version is told, and the others go on', async ({ context }) => {
  const { observer, pages } = await overheard(context, 'versions');
  const id = await create(pages[0]);
  for (const by of [
    { protocol: -1, schema: 0 },
    { protocol: 0, schema: -1 },
  ]) {
    expect(await helloOf(observer, by)).toEqual(['hello', true, true]);
  }
  const states = await Promise.all(
    pages.map((page) =>
      page.evaluate(async (id) => {
        await window.store.addMessage(id, 'user', 'x');
        return (await window.store.status()).outdated;
      }, id),
    ),
  );
  expect(states).toEqual([false, false, false]);
});
