/**
 * `npm run bench`: the figures of README, from a page's main thread in headless Chromium on a
 * fresh profile, beside a floor in the same run. Medians of interleaved rounds, in milliseconds.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as playwright } from '@playwright/test';
import { root } from '../scripts/run.mjs';
import { chromium } from '../tests/chromium.mjs';

const rounds = Number(process.argv[2] ?? 9);
const count = Number(process.argv[3] ?? 200);

const types = { js: 'text/javascript', wasm: 'application/wasm' };
const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname;
  const file = path.replace('/package/', 'dist/').replace('/bench/', 'bench/');
  try {
    const body = path === '/' ? '<!doctype html><title>bench</title>' : await readFile(root + file);
    const type = path === '/' ? 'text/html' : types[path.split('.').at(-1)];
    response.writeHead(200, { 'Content-Type': type }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

// A profile on the disk: in an off-the-record one Chromium keeps OPFS in another process's memory.
const profile = await mkdtemp(join(tmpdir(), 'conversation-store-bench-'));
const browser = await playwright.launchPersistentContext(profile, { ...chromium, headless: true });
try {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const figures = await page.evaluate(
    async ([rounds, count]) =>
      (await import(`${location.origin}/bench/bench.js`)).bench(rounds, count),
    [rounds, count],
  );
  console.log(
    `${browser.browser()?.version() ?? 'Chromium'}, ${rounds} rounds of ${count}; median ms (least to most)`,
  );
  for (const [name, values] of Object.entries(figures)) {
    const sorted = values.toSorted((a, b) => a - b);
    const [low, mid, high] = [0, sorted.length >> 1, sorted.length - 1].map((n) =>
      sorted[n].toFixed(3),
    );
    console.log(`${name.padEnd(34)} ${mid.padStart(9)}  (${low} to ${high})`);
  }
} finally {
  await browser.close();
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
