// The page as an app: installable, there without a network, its view in its address, in two languages.

import { expect, test } from '@playwright/test';
import {
  choose,
  composer,
  create,
  guard,
  open,
  ready,
  rowAction,
  rows,
  say,
  texts,
  titles,
  toast,
} from './page.js';

guard();

test.describe('without a network', () => {
  test.use({ serviceWorkers: 'allow' });

  test('it opens, shows what is stored and takes what is written', async ({ page, context }) => {
    await create(page, 'Before');
    await say(page, 'written with a network');
    await page.evaluate(() => navigator.serviceWorker.ready);
    await context.setOffline(true);
    await page.reload();
    await ready(page);
    await expect(texts(page)).toHaveText(['written with a network']);
    await say(page, 'written without one');
    await page.reload();
    await ready(page);
    await expect(texts(page)).toHaveText(['written with a network', 'written without one']);
    // What is loaded later is there as well: the formats, for an export.
    await page.getByTestId('chat-export').click();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Markdown' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('Before.md');
    await context.setOffline(false);
  });
});

test('it can be installed', async ({ page, request }) => {
  await open(page);
  const href = await page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = await (await request.get(href ?? '')).json();
  expect(manifest.display).toBe('standalone');
  for (const { src, sizes, type } of manifest.icons) {
    const icon = await request.get(new URL(src, new URL(href ?? '', page.url())).pathname);
    expect(icon.headers()['content-type']).toContain(type);
    expect(sizes).toBeTruthy();
  }
});

test('which part of the list is shown is in the address, and back leads to it', async ({
  page,
}) => {
  await create(page, 'One', 'claude');
  await create(page, 'Two', 'gpt');
  await page.getByRole('combobox', { name: 'Brain' }).selectOption('gpt');
  await expect(titles(page)).toHaveText(['Two']);
  await expect(page).toHaveURL(/\?brain=gpt$/);
  await page.reload();
  await ready(page);
  await expect(titles(page)).toHaveText(['Two']);
  await page.getByTestId('search').fill('Tw');
  await expect(page.getByTestId('hit')).toHaveCount(1);
  await page.getByTestId('open-trash').click();
  await expect(page.getByTestId('trash')).toBeVisible();
  await expect(page).toHaveURL(/trash\?brain=gpt&q=Tw$/);
  await page.getByTestId('search-clear').click();
  await expect(page).toHaveURL(/trash\?brain=gpt$/);
  await page.goBack();
  await expect(page.getByTestId('chat-title')).toHaveText('Two');
  await expect(page.getByTestId('search')).toHaveValue('Tw');
  await page.goForward();
  await expect(page.getByTestId('trash')).toBeVisible();
  await expect(page.getByTestId('search')).toHaveValue('');
});

test('back closes the dialog that is open', async ({ page }) => {
  await create(page, 'One');
  await create(page, 'Two');
  await page.getByTestId('storage').click();
  await expect(page.getByTestId('storage-panel')).toBeVisible();
  await page.goBack();
  await expect(page.getByTestId('storage-panel')).toBeHidden();
  await page.getByTestId('storage').click();
  await expect(page.getByTestId('storage-panel')).toBeVisible();
});

test('an address leads to a message', async ({ page, context }) => {
  await create(page, 'Deep');
  for (const text of ['first', 'second', 'third']) await say(page, text);
  await page.getByTestId('search').fill('second');
  const href = await page.getByTestId('hit').getByRole('link').first().getAttribute('href');
  const other = await context.newPage();
  await other.goto(`/${href}`);
  await expect(other.locator('[data-found]')).toContainText('second');
});

test('the slash leads to the search, where nothing is being written', async ({ page }) => {
  await create(page, 'Slash');
  await composer(page).pressSequentially('and/or');
  await expect(composer(page)).toHaveValue('and/or');
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await expect(page.getByTestId('search')).toBeFocused();
  await expect(page.getByTestId('search')).toHaveValue('');
});

test('a search looks back as far as is asked, and shows all hits of a chat', async ({ page }) => {
  await open(page);
  const old = {
    title: 'Old',
    createdAt: '2020-01-01T00:00:00.000Z',
    messages: [{ role: 'user', content: 'needle', createdAt: '2020-01-01T00:00:00.000Z' }],
  };
  await page.getByTestId('import-file').setInputFiles({
    name: 'old.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify([old])),
  });
  await page.getByTestId('import-dialog').getByRole('button', { name: 'Close' }).click();
  await create(page, 'New');
  await say(page, 'needle one');
  await say(page, 'needle two');
  await page.getByTestId('search').fill('needle');
  await expect(page.getByTestId('hit')).toHaveCount(2);
  await page.getByTestId('search-period').selectOption('week');
  await expect(page.getByTestId('hit')).toHaveCount(1);
  await expect(page).toHaveURL(/since=week/);
  await page.getByTestId('hit-count').click();
  const others = page.getByTestId('hit-others').getByRole('link');
  await expect(others).toHaveCount(2);
  await others.filter({ hasText: 'one' }).click();
  await expect(page.locator('[data-found]')).toContainText('needle one');

  // What limits it is said, and is gone with what was looked for.
  await page.getByTestId('search').fill('needless');
  await expect(page.getByTestId('search-count')).toContainText('within “The last week”');
  await page.getByTestId('search-clear').click();
  await page.getByTestId('search').fill('needle');
  await expect(page.getByTestId('hit')).toHaveCount(2);
  await expect(page.getByTestId('search-period')).toHaveValue('');
});

test('pinned first, archived apart, each with a way back', async ({ page }) => {
  for (const title of ['One', 'Two', 'Three']) await create(page, title);
  await rowAction(page, 'One', 'Pin');
  await expect(page.getByTestId('group')).toHaveText(['Pinned', 'Today']);
  await expect(titles(page)).toHaveText(['One', 'Three', 'Two']);
  await rowAction(page, 'Two', 'Archive');
  await expect(titles(page)).toHaveText(['One', 'Three']);
  await toast(page).getByRole('button', { name: 'Undo' }).click();
  await expect(titles(page)).toHaveText(['One', 'Three', 'Two']);
  await rowAction(page, 'Two', 'Archive');
  await page.getByTestId('show-archived').click();
  await expect(titles(page)).toHaveText(['Two']);
  await titles(page).click();
  await expect(page.getByTestId('chat-archived')).toBeVisible();
  await rowAction(page, 'Two', 'Take out of the archive');
  await expect(page.getByTestId('chat-archived')).toBeHidden();
  await expect(rows(page)).toHaveCount(0);
  await page.getByTestId('show-archived').click();
  await expect(titles(page)).toHaveText(['One', 'Three', 'Two']);
});

test.describe('in Korean', () => {
  test.use({ locale: 'ko-KR' });

  test('the page speaks it, and changes when that is asked for', async ({ page }) => {
    await open(page);
    await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('대화');
    await page.getByTestId('language').first().click();
    await expect(page.getByRole('menuitem', { name: '한국어' })).toHaveAttribute(
      'aria-current',
      'true',
    );
    await page.getByRole('menuitem', { name: 'English' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Chats');
    await expect(page.getByTestId('language').first()).toBeFocused();
    await page.reload();
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    await create(page, 'A chat');
    await choose(page, 'A chat');
  });
});
