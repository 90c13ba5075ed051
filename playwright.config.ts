// The browser tests: the package by itself, on OPFS and (with STORAGE=indexeddb) without it, and the chat page.
// Debian's Chromium, no retries.

import { defineConfig } from '@playwright/test';
import { chromium } from './tests/chromium.mjs';

/** Where the page and the package are served; another checkout on this machine may take others. */
const pagePort = Number(process.env.PAGE_PORT ?? 41731);
const packageUrl = `http://127.0.0.1:${process.env.PORT ?? 41741}`;

export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'test-results',
  forbidOnly: true,
  retries: 0,
  workers: 1,
  timeout: 60_000,
  reporter: [['list']],
  use: { browserName: 'chromium', launchOptions: chromium },
  projects: [
    { name: 'package', testIgnore: 'page*.spec.ts', use: { baseURL: packageUrl } },
    {
      name: 'fallback',
      // The full device of quota.spec.ts is OPFS: fallback.spec.ts, in the project above, has the quota of IndexedDB.
      testIgnore: ['page*.spec.ts', 'fallback.spec.ts', 'quota.spec.ts'],
      // What looks into OPFS itself.
      grepInvert: /@opfs/,
      use: { baseURL: packageUrl },
    },
    { name: 'soak', testDir: 'tests/soak' },
    {
      name: 'page',
      testMatch: 'page*.spec.ts',
      // What is kept for offline is a test of its own, and would only be in the way of the others.
      use: { baseURL: `http://localhost:${pagePort}`, serviceWorkers: 'block' },
    },
  ],
  webServer: [
    {
      command: 'node tests/e2e/server.mjs',
      url: `${packageUrl}/`,
      reuseExistingServer: false,
    },
    {
      command: `node node_modules/vite/bin/vite.js preview --config www/vite.config.ts --port ${pagePort} --strictPort`,
      url: `http://localhost:${pagePort}/`,
      reuseExistingServer: false,
    },
  ],
});
