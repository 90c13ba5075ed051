/**
 * What the benchmarks share: the built package and this folder served on loopback, a Chromium on a
 * fresh profile, and how figures are written.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium as playwright } from '@playwright/test';
import { root } from '../scripts/run.mjs';
import { chromium } from '../tests/chromium.mjs';

const types = { js: 'text/javascript', wasm: 'application/wasm' };

/** Runs `work(context, url)` in a browser that is gone afterwards, with its profile. */
export async function inBrowser(work) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname;
    const file = path.replace('/package/', 'dist/').replace('/bench/', 'bench/');
    try {
      const body =
        path === '/' ? '<!doctype html><title>bench</title>' : await readFile(root + file);
      const type = path === '/' ? 'text/html' : types[path.split('.').at(-1)];
      response.writeHead(200, { 'Content-Type': type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A profile on the disk: in an off-the-record one Chromium keeps OPFS in another process's memory.
  const profile = await mkdtemp(join(tmpdir(), 'conversation-store-bench-'));
  const options = { ...chromium, headless: true };
  const browser = await playwright.launchPersistentContext(profile, options);
  try {
    console.log(`Chromium ${browser.browser()?.version() ?? ''}`);
    await work(browser, `http://127.0.0.1:${server.address().port}/`);
  } finally {
    await browser.close();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One line: a name, the median of its values and their spread. */
export function line(name, values, digits = 3) {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, mid, high] = [0, sorted.length >> 1, sorted.length - 1].map((n) =>
    sorted[n].toFixed(digits),
  );
  console.log(`${name.padEnd(40)} ${mid.padStart(9)}  (${low} to ${high})`);
}
