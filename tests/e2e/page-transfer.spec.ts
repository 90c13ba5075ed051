// Import and export on the page: what a reader sees of a file that is taken in, of one that is stopped
// and of one that is nothing.

import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';
import { create, guard, open, rows, say, texts, titles } from './page.js';

guard();

const dialog = (page: Page) => page.getByTestId('import-dialog');
const cell = (page: Page, row: string, outcome: string) =>
  page
    .getByTestId('import-report')
    .locator('tr')
    .filter({ hasText: row })
    .locator(`[data-outcome=${outcome}]`);

function json(name: string, value: unknown) {
  return { name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(value)) };
}

const chat = (title: string, ...lines: string[]) => ({
  title,
  uid: `test-${title}`,
  messages: lines.map((content, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content,
    uid: `test-${title}-${index}`,
  })),
});

async function choose(page: Page, file: ReturnType<typeof json>): Promise<void> {
  await page.getByTestId('storage').click();
  await expect(page.getByTestId('storage-panel')).toBeVisible();
  await page.getByTestId('import-file').setInputFiles(file);
}

async function exportAs(page: Page, kind: string): Promise<void> {
  await page.getByTestId('chat-export').click();
  await page.getByTestId('menu').getByRole('menuitem', { name: kind }).click();
}

async function close(page: Page): Promise<void> {
  await dialog(page).getByRole('button', { name: 'Close' }).click();
  await expect(dialog(page)).toHaveCount(0);
}

test('a file is taken in, and told what became of it', async ({ page }) => {
  await open(page);
  const bad = { title: 'Bad', messages: 'none' };
  const file = json('old chats.json', [
    chat('여행', '어디로?', '부산으로!'),
    bad,
    chat('Tea', 'Hm'),
  ]);
  await choose(page, file);
  await expect(dialog(page)).toContainText('Imported, with some left out');
  await expect(dialog(page)).toContainText('old chats.json');
  await expect(cell(page, 'Chats', 'created')).toHaveText('2');
  await expect(cell(page, 'Chats', 'failed')).toHaveText('1');
  await expect(cell(page, 'Messages', 'created')).toHaveText('3');
  await expect(page.getByTestId('failures').getByRole('listitem')).toHaveCount(1);
  await expect(page.getByTestId('failures')).toContainText('Chat');
  await expect(dialog(page).getByRole('button', { name: 'Close' })).toBeFocused();
  await close(page);

  // Once more: nothing is new.
  await page.getByTestId('import-file').setInputFiles(file);
  await expect(cell(page, 'Chats', 'created')).toHaveText('0');
  await close(page);
  await page.keyboard.press('Escape');
  await expect(rows(page)).toHaveCount(2);
  await titles(page).filter({ hasText: '여행' }).click();
  await expect(texts(page)).toHaveText(['어디로?', '부산으로!']);
});

test('one that is dropped on the page is taken in as well', async ({ page }) => {
  await open(page);
  const data = await page.evaluateHandle(
    (text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], 'dropped.json', { type: 'application/json' }));
      return transfer;
    },
    JSON.stringify([chat('Dropped', 'Hello')]),
  );
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: data });
  await expect(page.getByTestId('drop-target')).toBeVisible();
  // No chat is open that anything could be sent along in.
  await expect(page.getByTestId('drop-target')).toHaveText('Drop an export of chats to import it');
  await page.dispatchEvent('main', 'drop', { dataTransfer: data });
  await expect(page.getByTestId('drop-target')).toBeHidden();
  await expect(cell(page, 'Chats', 'created')).toHaveText('1');
  await close(page);
  await expect(titles(page)).toHaveText(['Dropped']);
});

test('a panel whose code comes late does not open over an import', async ({ page }) => {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  await page.route('**/storage-panel*.js', async (route) => {
    await given;
    await route.continue();
  });
  await open(page);
  await page.getByTestId('storage').click();
  await page.getByTestId('import-file').setInputFiles(json('one.json', [chat('One', 'a', 'b')]));
  await expect(dialog(page)).toHaveAttribute('data-state', 'done');
  const arrived = page.waitForEvent('requestfinished', (it) => it.url().includes('storage-panel'));
  give();
  await arrived;
  await close(page);
  await page.getByTestId('storage').click();
  await expect(page.getByTestId('storage-panel')).toBeVisible();
});

test('it can be searched while it comes in, and is taken back as a whole', async ({ page }) => {
  await create(page, 'Mine');
  const many = Array.from({ length: 5_000 }, (_, n) => chat(`Chat ${n}`, `needle ${n}`, 'Hi'));
  await page.getByTestId('search').fill('needle');
  await page.getByTestId('import-file').setInputFiles(json('many.json', many));
  // What comes later is still being read when what came first is found.
  await expect
    .poll(async () => {
      const found = await page.getByTestId('hit').count();
      return found > 0 && (await dialog(page).getByRole('progressbar').count()) === 1;
    })
    .toBe(true);
  await page.getByTestId('search').fill('');
  await expect(page.getByTestId('import-report')).toBeVisible({ timeout: 50_000 });
  await page.getByTestId('import-undo').click();
  await expect(dialog(page)).toHaveCount(0, { timeout: 50_000 });
  await expect(titles(page)).toHaveText(['Mine']);
});

test('one that is stopped keeps what was read, and says so', async ({ page }) => {
  await open(page);
  const many = Array.from({ length: 30_000 }, (_, n) => chat(`Chat ${n}`, 'Hello', 'Hi'));
  await choose(page, json('many.json', many));
  const bar = dialog(page).getByRole('progressbar');
  await expect(bar).toBeVisible();
  await expect(page.getByTestId('import-progress')).toContainText('chats');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog(page)).toContainText('The import was stopped');
  await expect(page.getByTestId('import-report')).toBeVisible();
  await close(page);
});

test('one that is nothing changes nothing', async ({ page }) => {
  await create(page, 'Mine');
  await choose(page, {
    name: 'x.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('\u0001\u0002 nothing'),
  });
  await expect(dialog(page)).toContainText('The import did not work');
  await close(page);
  await expect(titles(page)).toHaveText(['Mine']);
});

test('one chat leaves as Markdown, all of them as a file of ours', async ({ page }) => {
  await create(page, 'Trip: 부산/서울?');
  await say(page, 'Where to?');
  const [markdown] = await Promise.all([page.waitForEvent('download'), exportAs(page, 'Markdown')]);
  expect(markdown.suggestedFilename()).toBe('Trip 부산 서울.md');
  expect(await readFile(await markdown.path(), 'utf8')).toContain('Where to?');
  const [one] = await Promise.all([page.waitForEvent('download'), exportAs(page, 'SQLite file')]);
  expect(one.suggestedFilename()).toBe('Trip 부산 서울.sqlite3');
  expect((await readFile(await one.path())).subarray(0, 15).toString()).toBe('SQLite format 3');
  await page.getByTestId('storage').click();
  const [all] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('export-json').click(),
  ]);
  expect(all.suggestedFilename()).toMatch(/^chats-\d{4}-\d\d-\d\d-json\.(ndjson|zip)$/);
  await expect(page.getByTestId('export-outcome')).toContainText('in your downloads');
});
