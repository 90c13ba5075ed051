/**
 * Lighthouse on the built page and on the tour, as a first visit: performance, accessibility and best
 * practices each at least 95, as a phone and as a desk. The median of three runs each. `www/dist` must
 * have been built.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium as playwright } from '@playwright/test';
import lighthouse, { desktopConfig } from 'lighthouse';
import { chromium } from '../chromium.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const RUNS = 3;
const LEAST = 95;
const CATEGORIES = ['performance', 'accessibility', 'best-practices'];
let server;
let url;

before(async () => {
  server = spawn(
    process.execPath,
    [
      join(root, 'node_modules/vite/bin/vite.js'),
      ...[
        'preview',
        '--config',
        join(root, 'www/vite.config.ts'),
        '--port',
        '41761',
        '--strictPort',
      ],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  for await (const chunk of server.stdout) {
    said += chunk;
    if (said.includes('41761')) break;
  }
  url = 'http://localhost:41761';
});

after(async () => {
  server.kill();
  await once(server, 'exit');
});

/** One run, in a browser of its own. */
async function scores(path, config) {
  const profile = mkdtempSync(join(tmpdir(), 'conversation-store-lighthouse-'));
  const port = 41762;
  const browser = await playwright.launchPersistentContext(profile, {
    ...chromium,
    headless: true,
    args: [...chromium.args, `--remote-debugging-port=${port}`],
  });
  try {
    const result = await lighthouse(
      `${url}${path}`,
      { port, onlyCategories: CATEGORIES, output: 'json', logLevel: 'error' },
      config,
    );
    assert.ok(result);
    const { categories, audits } = result.lhr;
    const failed = Object.values(audits)
      .filter(
        ({ score, scoreDisplayMode }) =>
          scoreDisplayMode !== 'informative' && score !== null && score < 0.9,
      )
      .map(({ id, displayValue }) => `${id} ${displayValue ?? ''}`);
    return {
      failed,
      ...Object.fromEntries(CATEGORIES.map((id) => [id, categories[id].score * 100])),
    };
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

for (const [device, config] of [
  ['phone', undefined],
  ['desk', desktopConfig],
]) {
  for (const path of ['/', '/tour']) {
    test(`${path} as a ${device}`, async (context) => {
      const runs = [];
      for (let run = 0; run < RUNS; run += 1) runs.push(await scores(path, config));
      context.diagnostic(`below 0.9: ${runs[0].failed.join('; ')}`);
      for (const category of CATEGORIES) {
        const all = runs.map((run) => run[category]).sort((a, b) => a - b);
        const median = all[Math.floor(RUNS / 2)];
        context.diagnostic(`${category}: ${median} (${all.join(', ')})`);
        assert.ok(median >= LEAST, `${category} is ${median}`);
      }
    });
  }
}
