/**
 * The tabs of a soak: each is opened again when it is gone, and a call under way then rejects with
 * `Gone`. Knows no ledger.
 */

import type { BrowserContext, CDPSession, Page } from '@playwright/test';
import type * as Package from '../../dist/index.js';
import { crash, load } from '../e2e/browser.js';

declare global {
  interface Window {
    /** Closes the store and opens it anew. */
    reopen(): Promise<void>;
    /** Of the store that is open. */
    watch: Package.Watch<Package.Conversation>;
    /** The chats as the ledger has them; those of these uids, or all. */
    chats(uids?: string[]): Promise<import('./ledger.js').Chat[]>;
  }
}

/** The page died, or was closed, with the call under way. */
export class Gone extends Error {}

/** Milliseconds after which a call hangs. Each has a timeout of its own far below it. */
const HANGS = 180_000;

const NAME = 'soak';

/** Settles like the promise, or rejects when it takes that long. */
export async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: ${what}`)), HANGS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Loads the package and opens the store, with a list that is watched. */
export async function open(page: Page): Promise<void> {
  await load(page);
  await page.evaluate(async (name) => {
    const worker = () => new Worker('/workers/measured.js', { type: 'module' });
    const opened = async () => {
      window.store = await window.Store.open(name, { worker });
      window.watch = window.store.watchConversations({ limit: 10 });
      window.watch.subscribe(() => {});
    };
    window.reopen = async () => {
      await window.store.close();
      await opened();
    };
    await opened();
    window.chats = async (uids) => {
      const { store } = window;
      const rows = uids
        ? (await Promise.all(uids.map((uid) => store.getConversation(uid)))).flatMap(
            (it) => it ?? [],
          )
        : await store.listConversations({ limit: 10_000, trashed: 'any', archived: 'any' });
      return Promise.all(
        rows.map(async ({ uid, title, trashedAt, headUid }) => ({
          uid,
          title,
          isTrashed: trashedAt !== null,
          head: headUid,
          messages: (await store.messagesFor(uid, { branches: 'all' })).map(
            ({ uid, parentUid, role, content, status }) => ({
              uid,
              parent: parentUid,
              role,
              content,
              status,
            }),
          ),
        })),
      );
    };
  }, NAME);
}

export class Tab {
  readonly #context: BrowserContext;
  #page: Page | undefined;
  #ready: Promise<void>;
  /** Resolves when the page is gone. */
  #gone: Promise<void> = Promise.resolve();
  /** No other is opened in its place. */
  #ended = false;

  constructor(context: BrowserContext) {
    this.#context = context;
    this.#ready = this.#open();
  }

  async #open(): Promise<void> {
    const page = await this.#context.newPage();
    this.#page = page;
    this.#gone = new Promise((resolve) => {
      page.once('crash', () => resolve());
      page.once('close', () => resolve());
    });
    void this.#gone.then(() => {
      if (this.#ended) return;
      const closed = page.isClosed() ? Promise.resolve() : page.close();
      this.#ready = closed.then(() => this.#open());
    });
    try {
      await inTime(Promise.race([open(page), this.#gone]), 'opening a tab');
    } catch (error) {
      if (await this.#isAlive(page)) throw error;
    }
  }

  async #isAlive(page: Page): Promise<boolean> {
    const alive = page.evaluate(() => true).catch(() => false);
    return Promise.race([alive, this.#gone.then(() => false)]);
  }

  /** The page, once the store is open in it. */
  async page(): Promise<Page> {
    for (;;) {
      const ready = this.#ready;
      await ready;
      if (ready === this.#ready && this.#page) return this.#page;
    }
  }

  /** Calls it in the page. Rejects with `Gone` where that dies before the answer. */
  async ask<A, R>(work: (argument: A) => Promise<R> | R, argument: A): Promise<R> {
    const page = await this.page();
    const gone = this.#gone.then(() => {
      throw new Gone('the page is gone');
    });
    gone.catch(() => {});
    try {
      const answer = page.evaluate(work as never, argument as never) as Promise<R>;
      return await inTime(Promise.race([answer, gone]), String(work));
    } catch (error) {
      if (error instanceof Gone || (await this.#isAlive(page))) throw error;
      throw new Gone(String(error));
    }
  }

  /** The same, of a call that changes nothing: asked again where the page dies. */
  async read<A, R>(work: (argument: A) => Promise<R> | R, argument: A): Promise<R> {
    for (;;) {
      try {
        return await this.ask(work, argument);
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
      }
    }
  }

  async crash(): Promise<void> {
    await crash(await this.page());
  }

  async close(): Promise<void> {
    await (await this.page()).close();
  }

  /** Runs with a session of the developer tools of the page. */
  async session<R>(work: (session: CDPSession, page: Page) => Promise<R>): Promise<R> {
    const page = await this.page();
    const session = await this.#context.newCDPSession(page);
    try {
      return await work(session, page);
    } finally {
      await session.detach();
    }
  }

  end(): void {
    this.#ended = true;
  }
}
