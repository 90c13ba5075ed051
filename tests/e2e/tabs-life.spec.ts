/**
 * The life of a page, in a browser that lets pages be hidden and frozen: Playwright's own keeps every
 * page visible and switches the back/forward cache off.
 */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import { open, writeUntilReset, written } from '../firefox/page.mjs';
import { test as base, load, origin, profile } from './browser.js';

const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the parameter's pattern.
  context: async ({}, use) => {
    const { start, remove } = await profile();
    const { context, close } = await start();
    const uncaught: string[] = [];
    context.on('weberror', (event) => uncaught.push(String(event.error())));
    await use(context);
    await close();
    await remove();
    expect(uncaught).toEqual([]);
  },
});

/** A new tab, in front of the others, that has the database open. */
async function tab(context: BrowserContext, name: string): Promise<Page> {
  const page = await load(await context.newPage());
  await page.bringToFront();
  await page.evaluate(open, { name });
  return page;
}

const role = (page: Page) => page.evaluate(async () => (await window.store.status()).role);
const visibility = (page: Page) => page.evaluate(() => document.visibilityState);

/** Resolves when the tab's last `status` event, or the first answer, has that role. */
const becomes = (page: Page, role: string) =>
  page.evaluate(async (role) => {
    const first = (await window.store.status()).role;
    await window.until(() => (window.heard.roles.at(-1) ?? first) === role);
  }, role);

const frozen = async (context: BrowserContext, page: Page, state: 'frozen' | 'active') => {
  const session = await context.newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state });
  await session.detach();
};

test('a leader whose page is hidden hands over to a visible tab, at most once in a while', async ({
  context,
}) => {
  const first = await tab(context, 'hidden');
  const conversation = await first.evaluate(() => window.store.createConversation('t'));
  expect(await role(first)).toBe('leader');
  // Opening the second hides the first.
  const second = await tab(context, 'hidden');
  expect([await visibility(first), await visibility(second)]).toEqual(['hidden', 'visible']);
  await Promise.all([becomes(second, 'leader'), becomes(first, 'follower')]);

  const tabs = [first, second];
  const before = await Promise.all(tabs.map((page) => page.evaluate(() => window.heard.roles)));
  for (let n = 0; n < 20; n++) {
    await (tabs[n % 2] as Page).bringToFront();
    await Promise.all(
      tabs.map((page, writer) =>
        page.evaluate(([id, writer, n]) => window.store.addMessage(id, 'user', `${writer}:${n}`), [
          conversation,
          writer,
          n + 1,
        ] as const),
      ),
    );
  }
  // In the end the one in front serves.
  await first.bringToFront();
  await Promise.all([becomes(first, 'leader'), becomes(second, 'follower')]);
  const after = await Promise.all(tabs.map((page) => page.evaluate(() => window.heard.roles)));
  const handovers = after.flatMap((roles, n) => roles.slice(before[n]?.length));
  expect(handovers.filter((role) => role === 'leader').length).toBeLessThanOrEqual(3);
  const numbers = Array.from({ length: 20 }, (_, n) => n + 1);
  expect(await first.evaluate(written, conversation)).toEqual({ 0: numbers, 1: numbers });
});

test('a leader keeps the lead while every tab is hidden', async ({ context }) => {
  const leader = await tab(context, 'all-hidden');
  const other = await context.newPage();
  await load(other);
  await other.bringToFront();
  // Opened in the dark.
  const follower = await load(await context.newPage());
  await other.bringToFront();
  await follower.evaluate(open, { name: 'all-hidden' });
  expect([await visibility(leader), await visibility(follower)]).toEqual(['hidden', 'hidden']);
  expect([await role(leader), await role(follower)]).toEqual(['leader', 'follower']);
});

/** A leader and a follower, both hidden behind a page that has nothing to do with them. */
async function hiddenTabs(context: BrowserContext, name: string) {
  const [front = await context.newPage()] = context.pages();
  const leader = await tab(context, name);
  await front.bringToFront();
  const follower = await load(await context.newPage());
  await front.bringToFront();
  await follower.evaluate(open, { name });
  expect([await role(leader), await role(follower)]).toEqual(['leader', 'follower']);
  const conversation = await leader.evaluate(() => window.store.createConversation('t'));
  return { leader, follower, conversation };
}

const add = (page: Page, conversation: number, content: string) =>
  page.evaluate(([id, content]) => window.store.addMessage(id, 'user', content), [
    conversation,
    content,
  ] as const);

test('a frozen leader is followed by another, and rejoins when it is thawed', async ({
  context,
}) => {
  const { leader, follower, conversation } = await hiddenTabs(context, 'frozen');
  await follower.evaluate(writeUntilReset, { conversation, writer: 0 });
  // Under way when the page is frozen: carried out, here or there, once.
  await leader.evaluate((id) => {
    const adds = Array.from({ length: 50 }, (_, n) =>
      window.store.addMessage(id, 'user', `1:${n + 1}`),
    );
    window.writing = Promise.all(adds).then((all) => all.length);
    window.heard.changes.length = 0;
  }, conversation);
  await frozen(context, leader, 'frozen');
  const count = await follower.evaluate(() => window.writing);
  expect(await role(follower)).toBe('leader');

  await frozen(context, leader, 'active');
  expect(await leader.evaluate(() => window.writing)).toBe(50);
  await add(leader, conversation, '1:51');
  await leader.evaluate(() => window.until(() => window.heard.changes.some(({ reset }) => reset)));
  expect([await role(leader), await role(follower)]).toEqual(['follower', 'leader']);
  const numbers = (count = 0) => Array.from({ length: count }, (_, n) => n + 1);
  expect(await leader.evaluate(written, conversation)).toEqual({
    0: numbers(count),
    1: numbers(51),
  });
});

test('a frozen follower is in nobody’s way', async ({ context }) => {
  const { leader, follower, conversation } = await hiddenTabs(context, 'thawed');
  await frozen(context, follower, 'frozen');
  await add(leader, conversation, 'while it is frozen');
  await leader.evaluate(() => window.store.close());
  const third = await tab(context, 'thawed');
  await add(third, conversation, 'by a third');
  await third.close();
  await frozen(context, follower, 'active');
  await add(follower, conversation, 'thawed');
  const rows = await follower.evaluate((id) => window.store.messagesFor(id), conversation);
  expect(rows.map(({ content }) => content)).toEqual([
    'while it is frozen',
    'by a third',
    'thawed',
  ]);
  expect(await follower.evaluate(() => window.heard.changes.some(({ reset }) => reset))).toBe(true);
});

test('a follower that is frozen amid its writes goes on with them, each once', async ({
  context,
}) => {
  const { leader, follower, conversation } = await hiddenTabs(context, 'amid');
  await follower.evaluate((id) => {
    const adds = Array.from({ length: 200 }, (_, n) =>
      window.store.addMessage(id, 'user', `1:${n + 1}`),
    );
    window.writing = Promise.all(adds).then((all) => all.length);
  }, conversation);
  await frozen(context, follower, 'frozen');
  for (let n = 1; n <= 20; n++) await add(leader, conversation, `0:${n}`);
  await frozen(context, follower, 'active');
  expect(await follower.evaluate(() => window.writing)).toBe(200);
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
  expect(await leader.evaluate(written, conversation)).toEqual({
    0: numbers(20),
    1: numbers(200),
  });
});

test('a page in the back/forward cache holds nothing, and rejoins when it comes back', async ({
  context,
}) => {
  // A page that fetched what must not be stored is not kept.
  await context.route('**/*', async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), 'cache-control': 'no-cache' };
    await route.fulfill({ response, headers });
  });
  const leader = await tab(context, 'cached');
  const conversation = await leader.evaluate(async () => {
    const shown = new Promise<boolean>((resolve) => {
      addEventListener('pageshow', ({ persisted }) => resolve(persisted));
    });
    Object.assign(window, { shown });
    return window.store.createConversation('t');
  });
  const follower = await load(await context.newPage());
  await leader.bringToFront();
  await follower.evaluate(open, { name: 'cached' });
  await follower.evaluate(writeUntilReset, { conversation, writer: 0 });
  await leader.goto(`${origin}/no-workers`);
  const count = await follower.evaluate(() => window.writing);
  expect(await role(follower)).toBe('leader');
  // From the cache no load event comes.
  await leader.goBack({ waitUntil: 'commit' });
  expect(await leader.evaluate(() => 'shown' in window && window.shown)).toBe(true);
  await add(leader, conversation, '1:1');
  await leader.evaluate(() => window.until(() => window.heard.changes.some(({ reset }) => reset)));
  const numbers = Array.from({ length: count ?? 0 }, (_, n) => n + 1);
  expect(await leader.evaluate(written, conversation)).toEqual({ 0: numbers, 1: [1] });
});
