/**
 * What the browser tests of the package share: a page with the class on it, calls that give codes
 * instead of throwing, and a browser whose profile outlives it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BrowserContext,
  test as base,
  expect,
  type Page,
  chromium as playwright,
} from '@playwright/test';
import type * as Package from '../../dist/index.js';
import { chromium } from '../chromium.mjs';
import { sqlite3 } from '../lesson/python.mjs';

declare global {
  interface Window {
    Store: typeof Package.ConversationStore;
    StoreError: typeof Package.ConversationStoreError;
    store: Package.ConversationStore;
    /** The code a promise rejects with, or 'resolved'. */
    code(promise: Promise<unknown>): Promise<string>;
  }
}

export const origin = `http://127.0.0.1:${process.env.PORT ?? 41741}`;

/** Where databases are in these runs, and in what mode: the server takes OPFS away where it is told to. */
export const here =
  process.env.STORAGE === 'indexeddb'
    ? { storage: 'indexeddb' as const, journalMode: 'memory' }
    : { storage: 'opfs' as const, journalMode: 'wal' };

/** Loads the package into a page. */
export async function load(page: Page, path = '/'): Promise<Page> {
  await page.goto(origin + path);
  await page.evaluate(async () => {
    const { ConversationStore, ConversationStoreError } = await import(
      `${location.origin}/package/index.js`
    );
    window.Store = ConversationStore;
    window.StoreError = ConversationStoreError;
    window.code = (promise) =>
      promise.then(
        () => 'resolved',
        (error) => (error instanceof ConversationStoreError ? error.code : `not ours: ${error}`),
      );
  });
  return page;
}

/** A browser as a user's: pages are hidden, slowed down, frozen and kept as its own rules say. */
export interface Started {
  context: BrowserContext;
  /** The browser's own process, which leads the group of all of them. */
  pid: number;
  /** Every process of it at once, at any instant. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** A browser on a profile of its own, which the caller removes, started with further arguments. */
export async function profile(...args: string[]): Promise<{
  folder: string;
  launch(baseURL?: string): Promise<BrowserContext>;
  start(args?: string[]): Promise<Started>;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'conversation-store-profile-'));
  return {
    folder,
    launch: (baseURL = origin) =>
      playwright.launchPersistentContext(folder, {
        ...chromium,
        args: [...chromium.args, ...args],
        headless: true,
        baseURL,
      }),
    start: (more = []) => started(folder, more),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Playwright's own keeps every page visible and at full speed, and the back/forward cache off. */
async function started(folder: string, more: string[]): Promise<Started> {
  const args = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${folder}`, ...more];
  const browser = spawn(chromium.executablePath, [...chromium.args, ...args, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const { pid } = browser;
  if (pid === undefined) throw new Error(`${chromium.executablePath} cannot be started`);
  const end = () => {
    // Gone already, it is what was wanted.
    if (browser.exitCode === null && browser.signalCode === null) process.kill(-pid, 'SIGKILL');
  };
  process.once('exit', end);
  const exit = once(browser, 'exit').then(() => process.off('exit', end));
  const connection = await playwright.connectOverCDP(await devtools(browser), { noDefaults: true });
  const [context] = connection.contexts() as [BrowserContext];
  return {
    context,
    pid,
    async kill() {
      end();
      await exit;
      await connection.close();
    },
    async close() {
      await connection.close();
      browser.kill();
      await exit;
    },
  };
}

/** Where a browser that is starting listens. */
function devtools({ stderr }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stderr?.setEncoding('utf8').on('data', (data) => {
      text += data;
      const [, url] = /^DevTools listening on (ws:\S+)$/m.exec(text) ?? [];
      if (url) resolve(url);
    });
  });
}

/** Ends a page's process; resolves when the page is known to be gone. */
export async function crash(page: Page): Promise<void> {
  const crashed = new Promise((resolve) => page.once('crash', resolve));
  const session = await page.context().newCDPSession(page);
  // Its own answer never comes.
  session.send('Page.crash').catch(() => {});
  await crashed;
}

/** Writes a backup of `window.store` to a file. */
export async function backup(page: Page, file: string): Promise<void> {
  const bytes = await page.evaluate(async () => {
    const reader = new FileReader();
    const read = new Promise((resolve) => reader.addEventListener('load', resolve));
    reader.readAsDataURL(await window.store.backup());
    await read;
    return String(reader.result).split(',')[1] ?? '';
  });
  await writeFile(file, Buffer.from(bytes, 'base64'));
}

/** Holds that the sqlite3 command finds nothing wrong with a file. */
export async function expectValid(file: string): Promise<void> {
  expect(await sqlite3(file, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(await sqlite3(file, 'PRAGMA foreign_key_check')).toEqual([]);
}

/**
 * Tests on a profile on the disk. Off the record, Chromium keeps OPFS in the memory of another
 * process: not what an app's users have, and ten times slower.
 */
export const test = base.extend({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the parameter's pattern.
  context: async ({}, use) => {
    const { launch, remove } = await profile();
    const context = await launch();
    await use(context);
    await context.close();
    await remove();
  },
  // Nothing is thrown that nobody catches, in the page or in its workers.
  page: async ({ context }, use) => {
    const page = context.pages()[0] ?? (await context.newPage());
    const uncaught: string[] = [];
    page.on('pageerror', (error) => uncaught.push(String(error)));
    await use(page);
    expect(uncaught.filter((error) => !error.includes('planted'))).toEqual([]);
  },
});
