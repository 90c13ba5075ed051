/**
 * `npm run bench:typing -- [messages]`: somebody types in the search box of the page, over so many
 * messages. What its main thread does meanwhile: the times between frames and the long tasks.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run } from '../scripts/run.mjs';
import { inBrowser, line } from './browser.mjs';

const messages = Number(process.argv[2] ?? 100_000);
const typed = ['apple tree', '회의록', 'the', 'searching for "two words" -not'];

const vite = join(root, 'node_modules/vite/bin/vite.js');
await run(process.execPath, [
  vite,
  'build',
  '--config',
  'www/vite.config.ts',
  '--logLevel',
  'warn',
]);
const index = await readFile(join(root, 'www/dist/index.html'), 'utf8');
const pages = { '/': index, '/fill': '<!doctype html><title>fill</title>' };

await inBrowser(
  async (browser, url) => {
    const tab = await browser.newPage();
    await tab.goto(`${url}fill`);
    await tab.evaluate(async (messages) => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const { conversation } = await import(`${location.origin}/bench/data.js`);
      const store = await ConversationStore.open('conversations');
      for (let at = 0; at < messages; at += 2_000) {
        await store.import(Array.from({ length: 20 }, (_, n) => conversation(at / 100 + n, 100)));
      }
      await store.search('settled');
      await store.close();
    }, messages);

    await tab.goto(url);
    const box = tab.getByRole('searchbox');
    await tab.getByTestId('row-title').first().waitFor();
    await tab.evaluate(() => {
      globalThis.gaps = [];
      globalThis.tasks = [];
      let last;
      const frame = (now) => {
        if (last !== undefined) gaps.push(now - last);
        last = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
      const observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) tasks.push(duration);
      });
      observer.observe({ type: 'longtask' });
    });
    for (const text of typed) {
      await box.fill('');
      await box.pressSequentially(text, { delay: 60 });
      await tab.getByTestId('search-count').waitFor();
    }
    const { gaps, tasks } = await tab.evaluate(() => ({ gaps, tasks }));
    console.log(`${typed.join('').length} characters typed over ${messages} messages`);
    line('between frames, ms', gaps, 1);
    console.log(`tasks of more than 50 ms: ${tasks.length}`);
  },
  { page: ({ pathname }) => pages[pathname] },
);
