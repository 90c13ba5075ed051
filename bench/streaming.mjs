/**
 * `npm run bench:streaming`: somebody writes and presses buttons while an answer of 100 tokens a second
 * streams in, Markdown with code in it. The time from each key and click to the next paint, by the
 * browser's own event timing; median of five runs.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { root, run } from '../scripts/run.mjs';
import { inBrowser, line } from './browser.mjs';

const RUNS = 5;
const RATE = 100;
const SECONDS = 8;

const paragraph =
  'A **paragraph** of some length with `code`, a [link](https://example.com) and *emphasis*, as answers have it. ';
const block = '\n\n```ts\nexport const twice = (x: number): number => x * 2; // both\n```\n\n';
const table = '\n\n| a | b |\n| --- | --: |\n| one | 1 |\n| two | 2 |\n\n';
const text = `${paragraph.repeat(3)}${block}- one\n- two\n- three\n\n${paragraph.repeat(2)}${table}`;

const model = createServer(async (request, response) => {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Allow-Headers', '*');
  for await (const _ of request);
  if (request.method === 'OPTIONS') return response.writeHead(204).end();
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const tokens = text.repeat(20).match(/\s*\S{1,5}/g);
  const start = performance.now();
  let told = 0;
  const timer = setInterval(() => {
    const due = Math.min(((performance.now() - start) / 1000) * RATE, SECONDS * RATE);
    for (; told < due; told += 1) {
      const chunk = { choices: [{ delta: { content: tokens[told] } }] };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    }
    if (told < SECONDS * RATE) return;
    clearInterval(timer);
    response.end('data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  }, 10);
});
await new Promise((resolve) => model.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${model.address().port}/v1`;

const vite = join(root, 'node_modules/vite/bin/vite.js');
const config = ['--config', 'www/vite.config.ts', '--logLevel', 'warn'];
await run(process.execPath, [vite, 'build', ...config]);
const index = await readFile(join(root, 'www/dist/index.html'), 'utf8');

/** Keys and clicks while an answer comes. Resolves to what each took, in milliseconds. */
async function once(browser, url) {
  const tab = await browser.newPage();
  await tab.addInitScript(
    (endpoint) => {
      localStorage.setItem('chats:endpoints', JSON.stringify([endpoint]));
      globalThis.taken = new Map();
      globalThis.tasks = [];
      new PerformanceObserver((list) => {
        for (const { interactionId, duration } of list.getEntries()) {
          if (interactionId)
            taken.set(interactionId, Math.max(duration, taken.get(interactionId) ?? 0));
        }
      }).observe({ type: 'event', durationThreshold: 16 });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) tasks.push(duration);
      }).observe({ type: 'longtask' });
    },
    { name: 'home', url: address, model: 'small', keyPlace: 'tab' },
  );
  await tab.goto(`${url}#/new`);
  await tab.getByTestId('new-brain').selectOption({ label: 'home' });
  await tab.getByTestId('composer').fill('Go on for a while.');
  await tab.getByTestId('composer').press('Enter');
  await tab.locator('[data-status="streaming"]').waitFor();
  const streams = () => tab.locator('[data-status="streaming"]').count();
  let count = 0;
  while ((await streams()) > 0) {
    await tab.getByTestId('composer').pressSequentially('a few words ', { delay: 30 });
    await tab.getByTestId('fork').first().focus();
    await tab.getByTestId('copy').first().click();
    count += 13;
  }
  const [taken, tasks] = await tab.evaluate(() => [
    [...globalThis.taken.values()],
    globalThis.tasks,
  ]);
  await tab.close();
  return { count, taken: taken.sort((a, b) => b - a), tasks: tasks.sort((a, b) => b - a) };
}

const runs = [];
for (let at = 0; at < RUNS; at += 1) {
  await inBrowser(
    async (browser, url) => {
      runs.push(await once(browser, url));
    },
    { page: ({ pathname }) => (pathname === '/' ? index : undefined) },
  );
}
model.close();
// What took less than 16 ms is not told by the browser.
const worst = runs.map(({ taken }) => taken[0] ?? 16);
const p98 = runs.map(({ count, taken }) => taken[Math.floor(count * 0.02)] ?? 16);
line(
  'interactions in a run',
  runs.map(({ count }) => count),
  0,
);
line('to the next paint, 98 % of them, ms', p98, 0);
line('the slowest, ms', worst, 0);
line(
  'longest task, ms',
  runs.map(({ tasks }) => tasks[0] ?? 0),
  0,
);
