/**
 * Opens a consumer's page in Chromium and holds what it did against what it must do. Knows neither
 * how the page was built nor who serves it.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { chromium as playwright } from '@playwright/test';
import { chromium } from '../../chromium.mjs';
import { BRAIN, MESSAGES, TITLE } from '../shared/conversation.js';

const WRITTEN = {
  conversations: [{ title: TITLE, brain: BRAIN }],
  messages: MESSAGES,
  status: { storage: 'opfs', journalMode: 'wal', synchronous: 'full' },
};

/** Of the page's class, not of that of the module itself. */
const TRANSFERRED = { file: 'application/x-ndjson', again: [1, MESSAGES.length, 0] };

/** A browser with a profile on disk, started when the first page is checked. */
export class Browser {
  #directory;
  #context;

  constructor(directory) {
    this.#directory = directory;
  }

  /**
   * Writes on the first load, reloads, reads back.
   *
   * @param {string} url the page; its origin is the only one that may be asked for anything
   */
  async check(url, { imports = true } = {}) {
    await this.visit(url, async (page, errors) => {
      const first = await result(page, errors);
      const written = { ...WRITTEN, ...(imports ? TRANSFERRED : {}) };
      assert.deepEqual(first, { found: 0, ...written }, 'on the first load');
      await page.reload({ timeout: 30_000 });
      const second = await result(page, errors);
      assert.deepEqual(second, { found: 1, ...written }, 'after the reload');
    });
  }

  /**
   * Opens a page while `use` has it, and fails if the page reports an error or asks another origin
   * for anything.
   *
   * @param {string} url
   * @param {(page: import('@playwright/test').Page, errors: Errors) => Promise<void>} use
   */
  async visit(url, use) {
    this.#context ??= await playwright.launchPersistentContext(
      join(this.#directory, 'profile'),
      chromium,
    );
    const page = await this.#context.newPage();
    const errors = new Errors();
    const requests = new Map();
    const sockets = [];
    const onRequest = (request) => {
      const { protocol, origin } = new URL(request.url());
      // data: and blob: are answered inside the page.
      if (/^https?:$/.test(protocol)) requests.set(origin, (requests.get(origin) ?? 0) + 1);
    };
    // The context's, not the page's: workers are heard there too.
    this.#context.on('request', onRequest);
    page.on('websocket', (socket) => sockets.push(new URL(socket.url()).host));
    page.on('pageerror', (error) => errors.add(String(error.stack ?? error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.add(`${message.text()} (${message.location().url})`);
    });
    page.on('requestfailed', (request) => {
      // A reload cuts off what the page before it still loaded.
      const reason = request.failure()?.errorText;
      if (reason !== 'net::ERR_ABORTED') errors.add(`${request.url()}: ${reason}`);
    });
    try {
      await page.goto(url, { timeout: 90_000 });
      await use(page, errors);
      assert.deepEqual(errors.all, [], 'the page reported errors');
      const { origin, host } = new URL(url);
      assert.deepEqual([...requests.keys()], [origin], 'requests left the origin of the page');
      assert.ok(
        sockets.every((other) => other === host),
        `sockets left the origin of the page: ${sockets}`,
      );
    } finally {
      errors.stop();
      this.#context.off('request', onRequest);
      await page.close();
    }
  }

  /** What a page shows that could not open a store. */
  async error(page) {
    const shown = () => document.body?.dataset.result;
    const handle = await page.waitForFunction(shown, null, { timeout: 45_000 });
    return JSON.parse(await handle.jsonValue()).error;
  }

  async close() {
    await this.#context?.close();
  }
}

/** What the page shows, once it does. */
async function result(page, errors) {
  try {
    const handle = await Promise.race([
      page.waitForFunction(() => document.body?.dataset.result, null, { timeout: 45_000 }),
      errors.late,
    ]);
    const value = JSON.parse(await handle.jsonValue());
    assert.ok(!value.error, value.error);
    return value;
  } catch (error) {
    const reported = errors.all.join('\n') || 'nothing';
    throw new Error(`${error.message}\nThe page reported: ${reported}`, { cause: error });
  }
}

/**
 * Errors of a page. It fails for any; what it shows often says more than its console, so that it
 * is given some seconds to show it, but not all the time that one without errors has.
 */
class Errors {
  all = [];
  /** Rejects 5 s after the first error. */
  late;
  #reject;
  #timer;

  constructor() {
    this.late = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.late.catch(() => {});
  }

  add(text) {
    this.all.push(text);
    this.#timer ??= setTimeout(() => this.#reject(new Error('the page shows no result')), 5000);
  }

  /** Takes out those that were meant to come. Fails if there are none. */
  take(pattern) {
    const others = this.all.filter((text) => !pattern.test(text));
    assert.notEqual(others.length, this.all.length, `no error matches ${pattern}`);
    this.all = others;
  }

  stop() {
    clearTimeout(this.#timer);
  }
}
