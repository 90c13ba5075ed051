/** What tabs send each other: large results, nothing to who did not ask, and the words of strangers. */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import { open } from '../firefox/page.mjs';
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
    traffic: Record<string, { messages: Envelope[]; size: number }>;
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

const inboxes = (page: Page, database: string) =>
  page.evaluate(async (database) => {
    const { held = [] } = await navigator.locks.query();
    const names = held.map(({ name = '' }) => name).filter((name) => name.endsWith(`:${database}`));
    return names.flatMap(
      (name) => /^(conversation-store-tab:.+):/.exec(name.slice(0, -database.length))?.[1] ?? [],
    );
  }, database);

/** A page that listens to the common channel and to every inbox, and two tabs with their inboxes. */
async function observed(context: BrowserContext, database: string) {
  const observer = await load(context.pages()[0] as Page);
  const common = `conversation-store:${database}`;
  await observer.evaluate((common) => {
    const looks = new Set<() => void>();
    const size = (value: unknown): number => {
      if (typeof value === 'string') return value.length;
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
      if (value instanceof Blob) return value.size;
      if (typeof value !== 'object' || value === null) return 8;
      return Object.entries(value).reduce((sum, [key, it]) => sum + key.length + size(it), 0);
    };
    window.traffic = {};
    const listen = (channel: string) => {
      const heard: Window['traffic'][string] = { messages: [], size: 0 };
      window.traffic[channel] = heard;
      new BroadcastChannel(channel).onmessage = ({ data }) => {
        heard.messages.push(data);
        heard.size += size(data);
        for (const look of looks) look();
      };
    };
    listen(common);
    window.observed = (ready) =>
      new Promise((resolve) => {
        const look = () => ready() && resolve();
        looks.add(look);
        look();
      });
    Object.assign(window, { listen });
  }, common);
  const pages: Page[] = [];
  const channels: string[] = [];
  // Opened one by one, so that each new inbox is known to be whose.
  for (let n = 0; n < 3; n++) {
    pages.push(await tab(context, database));
    const [inbox] = (await inboxes(observer, database)).filter((it) => !channels.includes(it));
    channels.push(inbox as string);
    await observer.evaluate(
      (inbox) => (window as unknown as { listen(name: string): void }).listen(inbox),
      inbox as string,
    );
  }
  return { observer, common, pages: pages as [Page, Page, Page], channels };
}

const create = (page: Page) => page.evaluate(() => window.store.createConversation('t'));

test('50 MB come to a follower as they were written: one message, and 500', async ({ context }) => {
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
  const { observer, pages, channels, common } = await observed(context, 'rows');
  const [leader, asking, silent] = pages;
  const id = await create(leader);
  await leader.evaluate(async (id) => {
    for (let n = 0; n < 500; n++) await window.store.addMessage(id, 'user', 'x'.repeat(2_000));
  }, id);
  // What the writes and the openings told is heard; from here on it is counted.
  const told = (page: Page) =>
    page.evaluate(() => window.until(() => window.inserts().length === 500));
  await Promise.all(pages.map(told));
  const [own, one, other] = channels as [string, string, string];
  const read = (page: Page, limit: number) =>
    page.evaluate(async ([id, limit]) => (await window.store.messagesFor(id, { limit })).length, [
      id,
      limit,
    ] as const);
  const heard = (channel: string, size: number) =>
    observer.evaluate(
      ([channel, size]) => window.observed(() => (window.traffic[channel]?.size ?? 0) > size),
      [channel, size] as const,
    );
  // A small answer in each inbox shows that all before has been heard.
  const sizes = async () => {
    for (const [page, channel] of [
      [asking, one],
      [silent, other],
    ] as const) {
      const before = await observer.evaluate((it) => window.traffic[it]?.size ?? 0, channel);
      await read(page, 1);
      await heard(channel, before + 2_000);
    }
    return observer.evaluate(
      (channels) => channels.map((it) => window.traffic[it]?.size ?? 0),
      [common, own, one, other],
    );
  };
  const before = await sizes();
  expect(await read(leader, 500)).toBe(500);
  expect(await read(asking, 500)).toBe(500);
  await heard(one, (before[2] ?? 0) + 1_000_000);
  const grown = (await sizes()).map((size, n) => size - (before[n] ?? 0));
  const [toAll, toLeader, toAsking, toSilent] = grown as [number, number, number, number];
  // The rows once, and the two small answers.
  expect(toAsking).toBeGreaterThan(1_000_000);
  expect(toAsking).toBeLessThan(2_000_000);
  expect(toAll).toBe(0);
  expect(toLeader).toBeLessThan(10_000);
  expect(toSilent).toBeLessThan(10_000);
});

test('what strangers post is ignored and counted, and every tab goes on', async ({ context }) => {
  const { observer, pages, channels, common } = await observed(context, 'fuzzed');
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
    ([common, ...inboxes]) => {
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
      const garbage: unknown[] = [...values];
      // Each kind of message that was heard, with each of its fields missing or of a wrong type.
      const heard = [common as string, ...inboxes].flatMap(
        (it) => window.traffic[it]?.messages ?? [],
      );
      const kinds = new Map(heard.map((message) => [message.type, message]));
      const emptied = (message: Envelope) =>
        Object.fromEntries(
          Object.keys(message)
            .filter((field) => !envelope.includes(field))
            .map((field) => [field, undefined]),
        );
      const envelope = ['protocol', 'schema', 'database', 'from', 'type'];
      for (const message of kinds.values()) {
        for (const field of envelope) {
          const { [field as 'type']: _, ...missing } = message;
          garbage.push(missing);
          for (const value of values.filter(
            (it) => typeof it !== typeof message[field as 'type'],
          )) {
            garbage.push({ ...message, [field]: value });
          }
        }
        for (const database of [
          '',
          'other',
          `${message.database} `,
          message.database.toUpperCase(),
        ]) {
          garbage.push({ ...message, database });
        }
        for (const type of ['', 'nonsense', 'Hello', 'constructor', '__proto__']) {
          garbage.push({ ...message, type });
        }
        for (const [field, value] of Object.entries(message)) {
          if (envelope.includes(field)) continue;
          garbage.push({
            ...message,
            [field]: typeof value === 'object' ? 'x' : { wrong: [true] },
          });
        }
        // Nothing but the envelope, of somebody unknown.
        const body = deep(50, (it) => [it]);
        garbage.push({ ...message, ...emptied(message), from: crypto.randomUUID(), body });
      }
      let count = 0;
      for (const channel of [common as string, ...inboxes].map((it) => new BroadcastChannel(it))) {
        for (const value of garbage) {
          try {
            channel.postMessage(value);
            count += 1;
          } catch {
            // A function cannot be sent.
          }
        }
      }
      return { count, certain: values.length };
    },
    [common, ...channels],
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
const helloOf = (page: Page, common: string, by: { protocol: number; schema: number }) =>
  page.evaluate(
    async ([common, by]) => {
      const model = window.traffic[common]?.messages.find(({ type }) => type === 'hello');
      if (!model) throw new Error('no hello was heard');
      const from = crypto.randomUUID();
      const inbox = `conversation-store-tab:${from}`;
      await new Promise<void>((resolve) => {
        const hold = () => new Promise(() => resolve());
        void navigator.locks.request(`${inbox}:${model.database}`, hold);
      });
      const answers: Envelope[] = [];
      const answered = new Promise<void>((resolve) => {
        new BroadcastChannel(inbox).onmessage = ({ data }) => {
          answers.push(data);
          resolve();
        };
      });
      const { protocol, schema } = model;
      const version = { protocol: protocol + by.protocol, schema: schema + by.schema };
      new BroadcastChannel(common).postMessage({ ...model, ...version, from });
      if (by.protocol + by.schema > 0) return undefined;
      await answered;
      const [answer] = answers;
      return [answer?.type, answer?.protocol === protocol, answer?.schema === schema];
    },
    [common, by] as const,
  );

for (const [what, by] of Object.entries({
  protocol: { protocol: 1, schema: 0 },
  schema: { protocol: 0, schema: 1 },
})) {
  test(`a tab of a higher ${what} makes the others outdated, until they are reloaded`, async ({
    context,
  }) => {
    const { observer, pages, common } = await observed(context, 'versions');
    const id = await create(pages[0]);
    await helloOf(observer, common, by);
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
  const { observer, pages, common } = await observed(context, 'versions');
  const id = await create(pages[0]);
  for (const by of [
    { protocol: -1, schema: 0 },
    { protocol: 0, schema: -1 },
  ]) {
    expect(await helloOf(observer, common, by)).toEqual(['hello', true, true]);
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
