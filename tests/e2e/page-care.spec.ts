// How a reader's data is taken care of: the first run, backups into a folder, reminders, what is wrong.

import { expect, type Page, test } from '@playwright/test';
import { another, create, guard, open, ready, rows, say, texts, titles, toast } from './page.js';

guard();

/** A folder in the place of the one that a person would pick: the browser's dialog cannot be driven. */
async function withFolder(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const pick = async () =>
      (await navigator.storage.getDirectory()).getDirectoryHandle('picked', { create: true });
    Object.assign(window, { showDirectoryPicker: pick });
  });
}

/** The files of that folder, and how each begins. */
const inFolder = (page: Page) =>
  page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('picked', { create: true });
    const files: [string, string][] = [];
    for await (const [name, handle] of folder) {
      const file = await (handle as FileSystemFileHandle).getFile();
      files.push([name, await file.slice(0, 15).text()]);
    }
    return files;
  });

test('three doors where nothing is yet; behind one of them sample chats', async ({ page }) => {
  await open(page);
  const first = page.getByTestId('first-run');
  await expect(first.getByRole('heading', { level: 3 })).toHaveCount(3);
  await first.getByTestId('door-connect').click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    first.getByTestId('door-import').click(),
  ]);
  await chooser.setFiles({
    name: 'mine.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify([{ title: 'Mine', messages: [] }])),
  });
  await expect(titles(page)).toHaveText(['Mine']);
  await expect(first).toBeHidden();
  await page.getByTestId('import-undo').click();
  await expect(first).toBeVisible();
  await first.getByTestId('door-samples').click();
  await expect(rows(page).first()).toBeVisible();
  await expect(first).toBeHidden();
});

test('the browser is asked to keep the chats after the first that is saved, once', async ({
  page,
}) => {
  await page.addInitScript(() => {
    const asked: number[] = [];
    Object.assign(window, { asked });
    const { persist } = StorageManager.prototype;
    StorageManager.prototype.persist = function () {
      asked.push(1);
      return persist.call(this);
    };
  });
  await create(page, 'One');
  const asked = () => page.evaluate(() => (window as unknown as { asked: number[] }).asked.length);
  expect(await asked()).toBe(0);
  await say(page, 'first');
  await expect.poll(asked).toBe(1);
  await say(page, 'second');
  expect(await asked()).toBe(1);
});

test('backups go into the folder that was picked, once a day, and their age is told', async ({
  page,
}) => {
  await page.clock.install({ time: new Date('2026-05-04T08:00:00') });
  await withFolder(page);
  await create(page, 'Kept');
  await expect(page.getByTestId('last-backup')).toHaveText('No backup yet');
  await page.getByTestId('storage').click();
  await page.getByTestId('pick-folder').click();
  await expect(page.getByTestId('backup-folder')).toContainText('Into “picked”');
  await expect(page.getByTestId('last-backup')).toHaveText('Backed up now');
  expect(await inFolder(page)).toEqual([['chats-backup-2026-05-04.sqlite3', 'SQLite format 3']]);
  await page.keyboard.press('Escape');
  // A day later, whoever looks at the page or not.
  await page.clock.runFor(25 * 3_600_000);
  await expect
    .poll(async () => (await inFolder(page)).map(([name]) => name).sort())
    .toEqual(['chats-backup-2026-05-04.sqlite3', 'chats-backup-2026-05-05.sqlite3']);
});

test('where there is no folder one is reminded after a week, and backs up with one press', async ({
  page,
}) => {
  await page.clock.install({ time: new Date('2026-05-04T08:00:00') });
  await create(page, 'Kept');
  await page.clock.runFor(3_600_000);
  await expect(toast(page)).toHaveCount(0);
  await page.clock.runFor(8 * 24 * 3_600_000);
  await expect(toast(page)).toContainText('The last backup is a while ago');
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('toast-action').click(),
  ]);
  expect(file.suggestedFilename()).toMatch(/^chats-backup-2026-05-1\d\.sqlite3$/);
  await expect(page.getByTestId('last-backup')).toHaveText('Backed up now');
});

test('the storage is checked on demand', async ({ page }) => {
  await create(page, 'Sound');
  await page.getByTestId('storage').click();
  await page.getByTestId('check').click();
  await expect(page.getByTestId('check-outcome')).toHaveAttribute('data-kind', 'good');
});

test('chats that the browser has cleared are missed, and what to do is said', async ({
  page,
  context,
}) => {
  await create(page, 'Gone soon');
  await page.close();
  const other = await another(context);
  await other.route('**/empty', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
  await other.goto('/empty');
  // As the browser does it: the files are gone, what is remembered beside them may stay.
  await other.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    for await (const name of root.keys()) await root.removeEntry(name, { recursive: true });
  });
  await open(other);
  await expect(other.getByTestId('problem-evicted')).toContainText('What happened');
  await expect(other.getByRole('button', { name: 'Restore from a file…' }).first()).toBeVisible();
  // Said once: the reader knows now.
  await other.goto('/#/');
  await other.reload();
  await ready(other);
  await expect(other.getByTestId('first-run')).toBeVisible();
});

test('of a damaged database what can be read is saved, at a press', async ({ page, context }) => {
  await create(page, 'Left over');
  await say(page, '남은 말');
  await page.close();
  const other = await another(context);
  await other.route('**/empty', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
  await other.goto('/empty');
  await other.route('**/package/**', (route) => {
    const { pathname } = new URL(route.request().url());
    return route.fulfill({ path: pathname.replace('/package/', 'dist/') });
  });
  // Closed, all of it is in the file; then its header is gone, which tells a database from any other.
  await other.evaluate(async () => {
    const { ConversationStore } = await import(`${location.origin}/package/index.js`);
    const store = await ConversationStore.open('conversations');
    await store.close();
    let folder = await navigator.storage.getDirectory();
    for (const name of ['conversation-store', 'conversations']) {
      folder = await folder.getDirectoryHandle(name);
    }
    const file = await folder.getFileHandle('main.db');
    const writable = await file.createWritable({ keepExistingData: true });
    await writable.write(new Uint8Array(200));
    await writable.close();
  });
  await other.goto('/');
  const problem = other.getByTestId('screen-problem');
  await expect(problem).toContainText('damaged');
  await problem.getByRole('button', { name: 'Save what can be read' }).click();
  await expect(titles(other)).toHaveText(['Left over']);
  await expect(other.getByTestId('announcements')).toContainText('1 chat');
  await rows(other).first().click();
  await expect(texts(other)).toHaveText(['남은 말']);
});

for (const kind of ['full', 'outdated', 'corrupt'] as const) {
  test(`a page says what to do: ${kind}`, async ({ page }) => {
    await open(page, `#/problem/${kind}`);
    const problem = page.getByTestId(`problem-${kind}`);
    await expect(problem.getByRole('heading', { level: 3 })).toHaveText([
      'What happened',
      'Your chats',
      'What to do',
    ]);
    await expect(problem).toContainText('Nothing was deleted');
    await expect(problem.getByRole('button').first()).toBeVisible();
  });
}
