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

const types = { js: 'text/javascript', wasm: 'application/wasm', css: 'text/css' };

// Of a URL, and of this repository.
const folders = { package: 'dist/', bench: 'bench/', assets: 'www/dist/assets/' };

const empty = (url) => (url.pathname === '/' ? '<!doctype html><title>bench</title>' : undefined);

/**
 * Runs `work(context, url)` in a browser that is gone afterwards, with its profile.
 *
 * @param page Gives the HTML of a URL, or undefined where it names a file.
 * @param headers Of each response.
 * @param onFile Is told the path of each file that is served.
 */
export async function inBrowser(work, { page = empty, headers = {}, onFile } = {}) {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const html = page(url);
    const path = url.pathname.replace(/^\/(\w+)\//, (it, folder) => folders[folder] ?? it);
    try {
      const body = html ?? (await readFile(root + path));
      const type = html ? 'text/html' : types[path.split('.').at(-1)];
      if (!html) onFile?.(path);
      response.writeHead(200, { ...(type && { 'Content-Type': type }), ...headers }).end(body);
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
    return await work(browser, `http://127.0.0.1:${server.address().port}/`);
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
