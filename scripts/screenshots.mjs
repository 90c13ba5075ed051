/**
 * `npm run screenshots`: pictures of the built page into docs/screenshots, as a phone and as a desk, light and
 * dark, in English and Korean. `www/dist` must have been built.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium as playwright } from '@playwright/test';
import { chromium } from '../tests/chromium.mjs';
import { output, root, say } from './run.mjs';
import { debian } from './tools.mjs';

// Nothing but these pictures needs one.
if (!output('fc-list', [':lang=ko']))
  await debian(['fontconfig', 'fonts-nanum'], 'A font with Hangul');

const PORT = '41771';
const url = `http://localhost:${PORT}/`;
const folder = join(root, 'docs/screenshots');
mkdirSync(folder, { recursive: true });

const server = spawn(
  process.execPath,
  [
    join(root, 'node_modules/vite/bin/vite.js'),
    ...['preview', '--config', join(root, 'www/vite.config.ts'), '--port', PORT, '--strictPort'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
for await (const chunk of server.stdout) if (`${chunk}`.includes(PORT)) break;

const browser = await playwright.launch(chromium);
try {
  for (const [width, height] of [
    [390, 844],
    [1440, 900],
  ]) {
    for (const [locale, colorScheme] of [
      ['en-US', 'light'],
      ['en-US', 'dark'],
      ['ko-KR', 'light'],
      ['ko-KR', 'dark'],
    ]) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme,
        locale,
        serviceWorkers: 'block',
      });
      await tour(context, `${width}-${locale.slice(0, 2)}-${colorScheme}`);
      await context.close();
    }
  }
} finally {
  await browser.close();
  server.kill();
  await once(server, 'exit');
}

/** Everything there is to see. */
async function tour(context, name) {
  const page = await context.newPage();
  const shot = async (view) => {
    await page.screenshot({ path: join(folder, `${view}-${name}.png`), animations: 'disabled' });
  };
  const back = async () => {
    const link = page.getByTestId('back').first();
    if (await link.isVisible()) await link.click();
  };
  await page.goto(url);
  await page.getByTestId('first-run').waitFor();
  await shot('first-run');
  await page.getByTestId('door-samples').click();
  await page.getByTestId('conversation').first().waitFor();
  await shot('list');
  await page.getByTestId('conversation').first().getByRole('link').click();
  await page.getByTestId('message').last().waitFor();
  await shot('chat');
  const question = page.getByTestId('message').first();
  await question.hover();
  await question.getByTestId('edit').click();
  await page.getByTestId('message-field').fill('And with rain on two of the three days?');
  await page.getByTestId('message-field').press('Enter');
  await page.getByTestId('place').first().waitFor();
  await shot('branches');
  await back();
  await page.getByTestId('search').fill(name.includes('-ko-') ? '식빵' : 'SQLite');
  await page.getByTestId('hit').first().waitFor();
  // Where there is room for both halves, with what was found.
  if (name.startsWith('1440')) {
    await page.getByTestId('hit').first().getByRole('link').first().click();
    await page.getByTestId('message').last().waitFor();
    await page.locator('[inert]').waitFor({ state: 'detached' });
  }
  await shot('search');
  await page.getByTestId('search-clear').click();
  await page.getByTestId('storage').click();
  await page.getByTestId('check').waitFor();
  await shot('storage');
  await page.getByTestId('import-file').setInputFiles({
    name: 'conversations.json',
    mimeType: 'application/json',
    buffer: Buffer.from(
      JSON.stringify([
        { title: '회의록', messages: [{ role: 'user', content: '오늘 무엇을 정했나요?' }] },
        { title: 'Broken', messages: 'none' },
      ]),
    ),
  });
  await page.getByTestId('import-report').waitFor();
  await shot('import');
  await page.getByTestId('import-close').click();
  await page.goto(`${url}#/problem/full`);
  await page.getByTestId('problem-full').waitFor();
  await shot('problem');
  await page.goto(`${url}tour`);
  await page.getByTestId('remove-leader').scrollIntoViewIfNeeded();
  await page.getByTestId('remove-leader').and(page.locator(':enabled')).waitFor();
  await shot('tour');
  await page.getByTestId('method-search').getByRole('button').last().click();
  await page.getByTestId('method-search').locator('.tour-result').waitFor();
  await page.getByTestId('method-search').scrollIntoViewIfNeeded();
  await shot('tour-method');
  await page.close();
}

say('Pictures are in docs/screenshots');
