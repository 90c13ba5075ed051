/**
 * What the browser tests of the package share: a page with the class on it, calls that give codes
 * instead of throwing, and a browser whose profile outlives it.
 */

import { mkdtemp, rm } from 'node:fs/promises';
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

/** A browser on a profile of its own, which the caller removes, started with further arguments. */
export async function profile(...args: string[]): Promise<{
  launch(baseURL?: string): Promise<BrowserContext>;
  remove(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'conversation-store-profile-'));
  return {
    launch: (baseURL = origin) =>
      playwright.launchPersistentContext(folder, {
        ...chromium,
        args: [...chromium.args, ...args],
        headless: true,
        baseURL,
      }),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
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
