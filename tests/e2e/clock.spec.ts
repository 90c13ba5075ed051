/** The time of day is set, back and forth, in the page and in the workers: nothing is ordered by it alone. */

import { type BrowserContext, expect, type Page } from '@playwright/test';
import { open } from '../firefox/page.mjs';
import { load, test } from './browser.js';

const HOUR = 3_600_000;

async function tab(context: BrowserContext): Promise<Page> {
  const page = await load(await context.newPage());
  // Each worker that follows a first one is the package's, with the true time.
  await page.evaluate(open, { name: 'clock', workers: Array(5).fill('/workers/clocked.js') });
  return page;
}

/** Sets the clocks of both pages and of both workers to so much later than it is. */
async function set(pages: Page[], later: number): Promise<void> {
  for (const page of pages) {
    await page.evaluate((later) => {
      const { timeOrigin } = performance;
      Date.now = () => Math.round(timeOrigin + performance.now()) + later;
    }, later);
  }
  await pages[0]?.evaluate(
    ([later, workers]) => {
      const channel = new BroadcastChannel('clock');
      const all = new Promise<void>((resolve) => {
        let count = 0;
        channel.onmessage = () => {
          count += 1;
          if (count === workers) resolve();
        };
      });
      channel.postMessage(later);
      return all;
    },
    [later, pages.length] as const,
  );
}

test('a clock that jumps loses nothing, reorders no message and ends no call', async ({
  context,
}) => {
  const pages = [await tab(context), await tab(context)];
  const [leader, follower] = pages as [Page, Page];
  const id = await leader.evaluate(() => window.store.createConversation('t'));
  let written = 0;
  const write = async (some: Page[]) => {
    for (const page of some) {
      written += 1;
      await page.evaluate(([id, n]) => window.store.addMessage(id, 'user', String(n)), [
        id,
        written,
      ] as const);
    }
  };
  const repeated = (page: Page) =>
    page.evaluate(
      (id) => window.store.addMessage(id, 'user', 'once', {}, { operationId: 'mine' }),
      id,
    );
  await write(pages);
  const first = await repeated(leader);
  // Ahead, back before the beginning, far ahead; and a call under way at each jump.
  for (const later of [HOUR, -24 * HOUR, 24 * 400 * HOUR, -HOUR]) {
    const pending = Promise.all(
      pages.map((page) =>
        page.evaluate(
          (id) => Promise.all(Array.from({ length: 20 }, () => window.store.messagesFor(id))),
          id,
        ),
      ),
    );
    await set(pages, later);
    await pending;
    await write(pages);
    // What was carried out under a name of the caller's is known still.
    expect(await repeated(follower)).toEqual(first);
  }
  // The lead goes to a tab by whose clock the last one began in the future.
  await set(pages, 24 * 30 * HOUR);
  await leader.evaluate(() => window.store.close());
  await follower.evaluate(() => window.until(() => window.heard.roles.includes('leader')));
  await write([follower]);
  await load(leader);
  await leader.evaluate(open, { name: 'clock', workers: ['/workers/clocked.js'] });
  await set(pages, -24 * 30 * HOUR);
  await follower.evaluate(() => window.store.close());
  await leader.evaluate(() => window.until(() => window.heard.roles.includes('leader')));
  await write([leader]);

  const rows = await leader.evaluate((id) => window.store.messagesFor(id), id);
  const contents = rows.map(({ content }) => content).filter((content) => content !== 'once');
  expect(contents).toEqual(Array.from({ length: written }, (_, n) => String(n + 1)));
  expect(rows).toHaveLength(written + 1);
  const times = rows.map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted());
});
