/**
 * Crashes of a renderer and kills of the whole browser, in everything that writes: what was acknowledged
 * is there, once, and the file is valid. `npm run crashes -- --crashes 100 --kills 10` does many.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrowserContext, expect, type Page, test } from '@playwright/test';
import { backup, crash, expectValid, load, profile } from './browser.js';
import { moments } from './moments.js';

const CRASHES = Number(process.env.CRASHES ?? 6);
const KILLS = Number(process.env.KILLS ?? 2);

const table: string[] = [];
test.afterAll(() => {
  if (table.length > 0) console.log(table.join('\n'));
});

/** A page whose opening found what it must; its backup is valid. */
async function inspect(
  context: BrowserContext,
  folder: string,
  check: (page: Page) => Promise<string>,
): Promise<string> {
  const page = await load(await context.newPage());
  const seen = await check(page);
  const file = join(folder, 'backup.db');
  await backup(page, file);
  await expectValid(file);
  await rm(file);
  // It can be written to.
  const id = await page.evaluate(() => window.store.createConversation('and on'));
  expect(await page.evaluate((id) => window.store.deleteConversation(id), id)).toBe(1);
  return seen;
}

/** The pages of a round; a browser keeps its first. */
const closeAll = (context: BrowserContext) =>
  Promise.all(
    context
      .pages()
      .slice(1)
      .map((page) => page.close()),
  );

const random = (below: number) => Math.floor(Math.random() * below);

/** Each moment in its turn, so often in all. */
function* rounds(count: number) {
  const all = Object.entries(moments());
  for (let n = 0; n < count; n++) {
    const [name, moment] = all[n % all.length] as (typeof all)[0];
    yield { name, moment, label: `${name.padEnd(10)} ${Math.floor(n / all.length) + 1}` };
  }
}

test('no acknowledged write is lost or doubled over crashes of a tab', async () => {
  test.setTimeout(60_000 + CRASHES * 15_000);
  const { start, folder, remove } = await profile();
  const browser = await start();
  try {
    for (const { moment, label } of rounds(CRASHES)) {
      const { victim, check } = await moment({ context: browser.context, random });
      await crash(victim);
      const seen = await inspect(browser.context, folder, check);
      table.push(`crash  ${label}  ${seen}`);
      await closeAll(browser.context);
    }
  } finally {
    await browser.close();
    await remove();
  }
});

test('no acknowledged write is lost or doubled over kills of the browser', async () => {
  test.setTimeout(60_000 + KILLS * 30_000);
  const { start, folder, remove } = await profile();
  let browser = await start();
  try {
    for (const { moment, label } of rounds(KILLS)) {
      const { check } = await moment({ context: browser.context, random });
      await browser.kill();
      browser = await start();
      const seen = await inspect(browser.context, folder, check);
      table.push(`kill   ${label}  ${seen}`);
      await closeAll(browser.context);
    }
  } finally {
    await browser.close();
    await remove();
  }
});
