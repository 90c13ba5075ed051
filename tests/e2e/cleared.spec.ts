/**
 * The site's data is cleared while the database is open, as by the browser's button: the handles go on
 * writing to files that are gone, and nothing tells. Calls reject, nothing hangs, and what is opened
 * anew works.
 */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import { backup, expectValid, here, load, origin, test } from './browser.js';

async function tab(context: BrowserContext): Promise<Page> {
  const page = await load(await context.newPage());
  await page.evaluate(async () => {
    window.store = await window.Store.open('cleared');
  });
  return page;
}

/** What removes the data: the tools, as the site-data button does, and a response. */
const ways: Record<string, (context: BrowserContext, page: Page) => Promise<unknown>> = {
  'all data': (context, page) => clear(context, page, 'all'),
  'a response': (_, page) => page.evaluate(() => fetch('/clear').then((it) => it.text())),
};

async function clear(context: BrowserContext, page: Page, storageTypes: string): Promise<void> {
  const session = await context.newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes });
  await session.detach();
}

/** Resolves to the code of the first call that rejects: at once, or soon. */
const rejected = (page: Page) =>
  page.evaluate(async () => {
    for (;;) {
      const code = await window.code(window.store.createConversation('lost'));
      if (code !== 'resolved') return code;
    }
  });

for (const [what, removes] of Object.entries(ways)) {
  test(`cleared by ${what}: calls reject in every tab, and a store that is opened anew works`, async ({
    context,
    page,
  }, info) => {
    await load(page);
    const leader = await tab(context);
    const follower = await tab(context);
    const id = await leader.evaluate(() => window.store.createConversation('gone'));
    await follower.evaluate((id) => window.store.addMessage(id, 'user', 'gone'), id);

    await removes(context, page);
    expect(await Promise.all([leader, follower].map(rejected))).toEqual(
      Array(2).fill('storage-unavailable'),
    );
    // And not only once: no empty database takes its place under an app that knows another.
    for (const one of [leader, follower]) {
      const codes = await one.evaluate(() =>
        Promise.all([
          window.code(window.store.listConversations()),
          window.code(window.store.addMessage(1, 'user', 'lost')),
          window.code(window.store.backup()),
        ]),
      );
      expect(codes).toEqual(Array(3).fill('storage-unavailable'));
    }
    // Anew, without a reload: in a page that has closed, and in one that has not.
    const titles = await leader.evaluate(async () => {
      await window.store.close();
      window.store = await window.Store.open('cleared');
      await window.store.createConversation('anew');
      return (await window.store.listConversations()).map(({ title }) => title);
    });
    expect(titles).toEqual(['anew']);
    const seen = await follower.evaluate(async () => {
      window.store = await window.Store.open('cleared');
      await window.store.createConversation('by another');
      return (await window.store.listConversations()).map(({ title }) => title);
    });
    expect(seen).toEqual(['by another', 'anew']);
    // And after one, whoever led.
    await Promise.all([leader, follower].map((page) => page.close()));
    const again = await tab(context);
    expect(
      await again.evaluate(async () =>
        (await window.store.listConversations()).map(({ title }) => title),
      ),
    ).toEqual(['by another', 'anew']);
    const file = info.outputPath('backup.db');
    await backup(again, file);
    await expectValid(file);
  });
}

test('a store that is closed right after its data was cleared is closed', async ({
  context,
  page,
}) => {
  await load(page);
  const first = await tab(context);
  await first.evaluate(() => window.store.createConversation('gone'));
  await clear(context, page, 'all');
  const length = await first.evaluate(async () => {
    await window.store.close();
    window.store = await window.Store.open('cleared');
    return (await window.store.listConversations()).length;
  });
  expect(length).toBe(0);
});

test('where the files alone are removed, calls reject and nothing hangs', async ({
  context,
  page,
}) => {
  await load(page);
  const pages = [await tab(context), await tab(context)];
  await clear(context, page, here.storage === 'opfs' ? 'file_systems' : 'indexeddb');
  // Chromium 156 may keep what it granted to the removed files until it is started again: whoever would
  // take over, or open anew, is told that they are held.
  const [leader, follower] = await Promise.all(pages.map(rejected));
  expect(leader).toBe('storage-unavailable');
  expect(['storage-unavailable', 'blocked']).toContain(follower);
  const codes = await Promise.all(
    pages.map((page) =>
      page.evaluate(async () => {
        await window.store.close();
        return window.code(window.Store.open('cleared'));
      }),
    ),
  );
  for (const code of codes) expect(['resolved', 'blocked']).toContain(code);
});
