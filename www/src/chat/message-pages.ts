// The messages of the path that a chat shows, as far back as was asked for: watches of the store, one for
// the newest and one for each page before them, so that a chat of any length is never read as a whole.
// What is far from the view is read again when one comes back to it. Knows no DOM.

import {
  type ConversationStore,
  ConversationStoreError,
  type Message,
  type MessageQuery,
  type Watch,
} from 'conversation-store';

/** So many are read first. */
const FIRST = 50;
/** So many more at a time. */
const PAGE = 200;
/** As many as were on show are read again when the path has changed, up to so many. */
const AGAIN = 1_000;

interface Page {
  watch: Watch<Message>;
  /** Ends the reading; undefined while nobody looks. */
  end: (() => void) | undefined;
}

export class MessagePages {
  // Oldest first; the last one grows with the chat.
  #pages: Page[] = [];
  #rows: readonly Message[] = [];
  #state: 'loading' | 'ready' | 'error' = 'loading';
  #hasMore = false;
  #widening: Promise<void> | undefined;
  // Pages of a path that is no longer shown do not count.
  #path = 0;
  #ended = false;

  constructor(
    private readonly store: ConversationStore,
    private readonly conversationId: number,
    private readonly onChange: () => void,
  ) {}

  /** Oldest first. Unchanged rows stay the same objects. */
  get rows(): readonly Message[] {
    return this.#rows;
  }

  /** Whether there are older ones. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Reads the newest. Rejects with what the store does. */
  start(): Promise<void> {
    return this.#read(FIRST);
  }

  /** Reads older ones; resolves when they are in `rows`. */
  more(): Promise<void> {
    this.#widening ??= this.#widen().finally(() => {
      this.#widening = undefined;
    });
    return this.#widening;
  }

  /** The rows in sight: pages that are near them are kept up to date. */
  look(first: number, last: number): void {
    let at = 0;
    for (const page of this.#pages) {
      const { length } = page.watch.current;
      const near = at <= last + PAGE && at + length >= first - PAGE;
      at += length;
      // What is written is written to the newest.
      if (near || page === this.#pages.at(-1)) this.#wake(page);
      else this.#sleep(page);
    }
  }

  end(): void {
    this.#ended = true;
    this.#path += 1;
    for (const page of this.#pages) this.#sleep(page);
  }

  async #read(limit: number): Promise<void> {
    this.#path += 1;
    const path = this.#path;
    // One more: the one that the newest follow.
    const newest = await this.store.messagesFor(this.conversationId, { limit: limit + 1 });
    if (path !== this.#path) return;
    const before = newest.length > limit ? newest[0] : undefined;
    const page = await this.#open(before ? { after: { id: before.id } } : {}, path);
    if (path !== this.#path) {
      this.#sleep(page);
      return;
    }
    for (const old of this.#pages) this.#sleep(old);
    this.#pages = [page];
    this.#hasMore = before !== undefined;
    this.#state = 'ready';
    this.#publish();
  }

  async #widen(): Promise<void> {
    const path = this.#path;
    const [first] = this.#rows;
    if (!this.#hasMore || !first) return;
    const page = await this.#open({ limit: PAGE, before: { id: first.id } }, path);
    if (path !== this.#path) {
      this.#sleep(page);
      return;
    }
    this.#pages = [page, ...this.#pages];
    this.#hasMore = page.watch.hasMore;
    this.#publish();
  }

  /** Resolves when the rows of a page are there. */
  #open(query: MessageQuery, path: number): Promise<Page> {
    const watch = this.store.watchMessages(this.conversationId, query);
    const page: Page = { watch, end: undefined };
    return new Promise((resolve, reject) => {
      let isOpen = false;
      const follow = () => {
        if (watch.state === 'loading') return;
        if (isOpen) {
          if (path === this.#path) this.#follow(page);
          return;
        }
        isOpen = true;
        if (watch.state === 'ready') {
          resolve(page);
        } else {
          // The listener is being called, and its subscription is not at hand yet.
          queueMicrotask(() => this.#sleep(page));
          reject(watch.error);
        }
      };
      page.end = watch.subscribe(follow);
    });
  }

  #wake(page: Page): void {
    if (page.end || this.#ended) return;
    const path = this.#path;
    page.end = page.watch.subscribe(() => {
      // Called at once, with the rows that are on show: to show them again would look for pages to wake.
      if (!page.end) return;
      if (path === this.#path && page.watch.state !== 'loading') this.#follow(page);
    });
  }

  #sleep(page: Page): void {
    page.end?.();
    page.end = undefined;
  }

  #follow({ watch }: Page): void {
    // The message that a page begins at is not on the path any more: it is another path.
    const { error } = watch;
    if (error instanceof ConversationStoreError && error.code === 'conflict') {
      const again = Math.min(Math.max(FIRST, this.#rows.length), AGAIN);
      // If that cannot be read now, what there is stays, and the next change tries again.
      void this.#read(again).catch(() => undefined);
    } else {
      this.#publish();
    }
  }

  #publish(): void {
    const known = new Set<number>();
    const rows = this.#pages.flatMap(({ watch }) => watch.current);
    // A page that lost a message has taken one more of the page before.
    const fresh = rows.filter(({ id }) => !known.has(id) && known.add(id));
    const same =
      fresh.length === this.#rows.length && fresh.every((row, at) => row === this.#rows[at]);
    if (!same) this.#rows = fresh;
    this.onChange();
  }
}
