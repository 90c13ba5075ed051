// axe in every view of the page, light and dark, wide and narrow: no violation.

import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { open, rows } from './page.js';

async function clean(page: Page, view: string): Promise<void> {
  // What still fades in has no contrast yet.
  await page.evaluate(async () => {
    const ending = document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
    await Promise.all(ending.map(({ finished }) => finished.catch(() => undefined)));
  });
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => [
    id,
    ...nodes.map(({ html }) => html.slice(0, 200)),
  ]);
  expect.soft(found, view).toEqual([]);
}

for (const [device, width] of [
  ['phone', 390],
  ['desk', 1440],
] as const) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`no violation: ${device}, ${colorScheme}`, async ({ browser, baseURL }) => {
      test.setTimeout(240_000);
      const context = await browser.newContext({
        ...(baseURL !== undefined && { baseURL }),
        viewport: { width, height: 900 },
        colorScheme,
        reducedMotion: 'reduce',
        serviceWorkers: 'block',
      });
      const page = await context.newPage();
      // A model that is not there.
      await page.addInitScript(() => {
        const endpoint = {
          name: 'home',
          url: 'http://127.0.0.1:9/v1',
          model: 'small',
          keyPlace: 'tab',
        };
        localStorage.setItem('chats:endpoints', JSON.stringify([endpoint]));
      });
      await open(page);
      await clean(page, 'first run');
      await page.getByTestId('door-connect').click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await clean(page, 'connect');
      await page.keyboard.press('Escape');
      await page.getByTestId('door-samples').click();
      await expect(rows(page).first()).toBeVisible();
      await clean(page, 'list');
      await rows(page).first().hover();
      await rows(page).first().getByTestId('row-menu').click();
      await expect(page.getByTestId('menu')).toBeVisible();
      await clean(page, 'menu');
      await page.keyboard.press('Escape');
      await page.getByTestId('search').fill('the');
      await expect(page.getByTestId('hit').first()).toBeVisible();
      await clean(page, 'search');
      await page.getByTestId('hit').first().getByRole('link').first().click();
      await expect(page.getByTestId('message').first()).toBeVisible();
      await clean(page, 'chat');
      await page.goto('/#/new');
      await expect(page.getByTestId('new-chat')).toBeVisible();
      await clean(page, 'new chat');
      await page.getByTestId('new-brain').selectOption({ label: 'home' });
      await page.getByTestId('composer').fill('Hello?');
      await page.getByTestId('composer').press('Enter');
      await expect(page.getByTestId('failure')).toBeVisible();
      await clean(page, 'failure');
      await page.getByTestId('chat-settings').click();
      await expect(page.getByTestId('settings-dialog')).toBeVisible();
      await clean(page, 'settings');
      await page.keyboard.press('Escape');
      await page.getByTestId('attach-file').setInputFiles('www/public/icon-512.png');
      await page.getByTestId('composer').fill('Look');
      await page.getByTestId('composer').press('Enter');
      const picture = page.getByTestId('messages').getByRole('img');
      await picture.click();
      await expect(page.locator('dialog.picture')).toBeVisible();
      await clean(page, 'picture');
      await page.keyboard.press('Escape');
      await page.goto('/#/trash');
      await expect(page.getByTestId('trash-note')).toBeVisible();
      await clean(page, 'trash');
      for (const kind of ['full', 'evicted', 'outdated', 'corrupt']) {
        await page.goto(`/#/problem/${kind}`);
        await expect(page.getByTestId(`problem-${kind}`)).toBeVisible();
        await clean(page, kind);
      }
      await page.goto('/#/');
      await page.getByTestId('storage').click();
      await expect(page.getByTestId('keep')).toBeVisible();
      await clean(page, 'storage');
      await page.getByTestId('import-file').setInputFiles({
        name: 'some.json',
        mimeType: 'application/json',
        buffer: Buffer.from(
          JSON.stringify([
            { title: 'A', messages: [] },
            { title: 'B', messages: 1 },
          ]),
        ),
      });
      await expect(page.getByTestId('failures')).toBeVisible();
      await clean(page, 'import');
      await page.goto('/tour');
      await expect(page.getByTestId('tour')).toBeVisible();
      await page.getByTestId('method-status').getByRole('button', { name: 'Run' }).click();
      await expect(page.getByTestId('method-status').locator('.tour-result')).toBeVisible();
      await clean(page, 'tour');
      await context.close();
    });
  }
}
