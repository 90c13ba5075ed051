/**
 * Live lists: the rows of one query, read again when a change concerns them. Made for React's
 * `useSyncExternalStore`, Svelte stores and `for await`. Knows no worker and no call: what reads and
 * what tells of changes is given.
 */

import { asOurs, ConversationStoreError } from './errors.js';
import type {
  Append,
  Conversation,
  ConversationKey,
  ConversationQuery,
  Message,
  MessageQuery,
  RowChange,
} from './wasm/conversation_store.js';

/** The rows of a query, kept up to date while somebody is subscribed. */
export interface Watch<T> {
  /**
   * The rows as last read, [] before. A new array whenever rows, `state`, `error` or `hasMore` have
   * changed, and the same one otherwise; a row that did not change stays the same object.
   */
  readonly current: readonly T[];
  /** 'loading' until the first read. After an error the rows stay, and the next change tries again. */
  readonly state: 'loading' | 'ready' | 'error';
  /** Why the last read failed, in state 'error'. */
  readonly error?: ConversationStoreError | undefined;
  /** Whether `more()` would bring rows. Always false of messages without a limit. */
  readonly hasMore: boolean;
  /**
   * Widens by one page: `limit` older rows, newer ones after a cursor `after`. Resolves when they are
   * in `current`. A call while one is under way joins it.
   *
   * @throws What the read rejects with.
   */
  more(): Promise<void>;
  /**
   * Calls the listener at once with `current`, and again whenever that is replaced. The first
   * subscription starts the reading and the end of the last one stops it.
   *
   * @returns Ends the subscription.
   */
  readonly subscribe: (listener: (rows: readonly T[]) => void) => () => void;
  /**
   * Gives `current` and each array after it, the latest only to a consumer that is slower. Errors
   * are in `state`; it ends when the store is closed.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<readonly T[], undefined>;
}

/** Hears of what was committed. */
export interface WatchListener {
  /** The detail of a 'change' event. */
  onChange(detail: { reset: boolean; changes: readonly RowChange[] }): void;
  /** The store is closed. Nothing follows. */
  onClose(error: ConversationStoreError): void;
}

/** What a watch needs of a store. */
export interface WatchSource<Q, T> {
  /** Reads rows in the order of the list. Rejects with a ConversationStoreError. */
  read(query: Q, options: { signal: AbortSignal }): Promise<T[]>;
  /** Tells of everything committed from now on, until the function it returns is called. */
  listen(listener: WatchListener): () => void;
}

/** The limit of `listConversations` where none is given. */
const DEFAULT_LIMIT = 50;

/** The largest limit that the store takes. */
const MAX_LIMIT = 1_000_000;

/** A watch of `listConversations`. */
export function watchConversations(
  source: WatchSource<ConversationQuery, Conversation>,
  query?: number | ConversationQuery,
): Watch<Conversation> {
  const given = copy<ConversationQuery>(
    typeof query === 'number' ? { limit: query } : (query ?? {}),
  );
  return new LiveList({
    limit: given.limit ?? DEFAULT_LIMIT,
    beyond: 'last',
    read: (limit, options) => source.read(withLimit(given, limit), options),
    listen: (listener) => source.listen(listener),
    // Growing text moves no conversation.
    concerns: ({ kind, append }) =>
      kind === 'conversation' || (kind === 'message' && append === undefined),
  });
}

/** A watch of `messagesFor`. */
export function watchMessages(
  source: WatchSource<MessageQuery, Message>,
  conversation: ConversationKey,
  query?: MessageQuery,
): Watch<Message> {
  const given = copy(query ?? {});
  return new LiveList({
    limit: given.limit,
    beyond: given.after === undefined ? 'first' : 'last',
    read: (limit, options) => source.read(withLimit(given, limit), options),
    listen: (listener) => source.listen(listener),
    // Of the conversation itself too: its head decides which messages these are.
    concerns: ({ kind, conversationId, conversationUid }) =>
      (kind === 'conversation' || kind === 'message') &&
      (typeof conversation === 'number' ? conversationId : conversationUid) === conversation,
    grow: grown,
  });
}

/** As it is now, whatever becomes of the caller's object. What is none is the store's to refuse. */
function copy<Q>(query: Q): Q {
  try {
    return typeof query === 'object' ? { ...query } : query;
  } catch (error) {
    throw asOurs(error);
  }
}

function withLimit<Q extends { limit?: number }>(query: Q, limit: number | undefined): Q {
  return limit === undefined || typeof query !== 'object' ? query : { ...query, limit };
}

/** What tells one list from another. */
interface ListOptions<T> {
  /** Rows in a page; undefined is all of them. */
  limit: number | undefined;
  /** At which end a wider list has its additional rows. */
  beyond: 'first' | 'last';
  read(limit: number | undefined, options: { signal: AbortSignal }): Promise<T[]>;
  listen(listener: WatchListener): () => void;
  concerns(change: RowChange): boolean;
  /** The row after growth; undefined if it must be read. */
  grow?: (row: T, growth: Append) => T | undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: ConversationStoreError): void;
}

class LiveList<T extends { id: number }> implements Watch<T> {
  readonly #options: ListOptions<T>;
  #current: readonly T[] = [];
  #state: Watch<T>['state'] = 'loading';
  #error: ConversationStoreError | undefined;
  #hasMore = false;
  /** One object a subscription: a listener may be subscribed twice. */
  readonly #subscriptions = new Set<{ listener: (rows: readonly T[]) => void }>();
  /** The time between the first subscription and the end of the last. */
  #live: { stop(): void; signal: AbortSignal } | undefined;
  /** Something changed that no read under way is sure to show. */
  #stale = false;
  #looping = false;
  /** Growth told since the read under way was sent: its rows may be from before it. */
  #told: RowChange[] | undefined;
  #pages = 1;
  /** The next read is one page wider. */
  #wider = false;
  #more: Promise<void> | undefined;
  /** Who waits for a read that is yet to be sent. */
  #waiters: Waiter[] = [];
  #closed: ConversationStoreError | undefined;

  constructor(options: ListOptions<T>) {
    this.#options = options;
  }

  get current(): readonly T[] {
    return this.#current;
  }

  get state(): Watch<T>['state'] {
    return this.#state;
  }

  get error(): ConversationStoreError | undefined {
    return this.#error;
  }

  get hasMore(): boolean {
    return this.#hasMore;
  }

  readonly subscribe = (listener: (rows: readonly T[]) => void): (() => void) => {
    if (typeof listener !== 'function') {
      throw new ConversationStoreError(
        'invalid-argument',
        `listener is a ${typeof listener}, not a function`,
      );
    }
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    if (this.#subscriptions.size === 1) this.#start();
    this.#call(listener);
    return () => {
      if (this.#subscriptions.delete(subscription) && this.#subscriptions.size === 0) this.#stop();
    };
  };

  more(): Promise<void> {
    if (!this.#more) {
      this.#more = this.#widen().finally(() => {
        this.#more = undefined;
      });
      // Who does not await it has `error`.
      this.#more.catch(() => {});
    }
    return this.#more;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<readonly T[], undefined> {
    type Result = IteratorResult<readonly T[], undefined>;
    const done: Result = { done: true, value: undefined };
    const takers: ((result: Result) => void)[] = [];
    let untaken: readonly T[] | undefined;
    let ended = false;
    let unsubscribe: (() => void) | undefined;
    const end = () => {
      ended = true;
      unsubscribe?.();
      for (const take of takers.splice(0)) take(done);
    };
    const listener = (rows: readonly T[]) => {
      if (this.#closed) {
        end();
        return;
      }
      const take = takers.shift();
      if (take) take({ done: false, value: rows });
      else untaken = rows;
    };
    return {
      next: async () => {
        // Not before: an iterator that nobody asks would stay subscribed.
        if (!ended) unsubscribe ??= this.subscribe(listener);
        if (untaken) {
          const value = untaken;
          untaken = undefined;
          return { done: false, value };
        }
        return ended ? done : new Promise<Result>((resolve) => takers.push(resolve));
      },
      return: async () => {
        untaken = undefined;
        end();
        return done;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #start(): void {
    if (this.#closed) return;
    const abort = new AbortController();
    // Before the read is sent, so that nothing falls between.
    const unlisten = this.#options.listen({
      onChange: (detail) => this.#hear(detail),
      onClose: (error) => this.#close(error),
    });
    this.#live = {
      signal: abort.signal,
      stop() {
        unlisten();
        abort.abort();
      },
    };
    this.#wake();
  }

  #stop(): void {
    this.#live?.stop();
    this.#live = undefined;
  }

  /** Has the rows read, after a read that is under way. */
  #wake(): void {
    this.#stale = true;
    if (this.#looping) return;
    this.#looping = true;
    // It rejects with nothing.
    void this.#loop();
  }

  async #loop(): Promise<void> {
    // What this turn still changes is read with it, and a subscription that ends within it, as the
    // first one under React's StrictMode, reads nothing.
    await null;
    while (this.#stale && this.#live) {
      this.#stale = false;
      await this.#read(this.#live.signal);
    }
    this.#looping = false;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { limit: page, beyond } = this.#options;
    const wider = this.#wider;
    const pages = this.#pages + (wider ? 1 : 0);
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#told = [];
    // One more, to know whether there are more. What is no limit goes as it is, to be refused.
    const valid = Number.isInteger(page) && (page as number) > 0;
    const limit = valid ? Math.min(pages * (page as number), MAX_LIMIT) : page;
    const asked = valid ? Math.min((limit as number) + 1, MAX_LIMIT) : page;
    let rows: T[];
    try {
      rows = await this.#options.read(asked, { signal });
    } catch (error) {
      if (wider) this.#wider = false;
      if (!signal.aborted) this.#fail(error as ConversationStoreError);
      for (const { reject } of waiters) reject(this.#closed ?? (error as ConversationStoreError));
      return;
    }
    // Nobody has listened since. Who waits does, but on a store that is closed.
    if (signal.aborted) {
      for (const { reject } of waiters) reject(this.#closed as ConversationStoreError);
      return;
    }
    const hasMore = limit !== undefined && rows.length > limit;
    if (hasMore) rows = beyond === 'first' ? rows.slice(-limit) : rows.slice(0, limit);
    const told = this.#told ?? [];
    this.#told = undefined;
    if (!this.#grow(rows, told)) this.#stale = true;
    this.#pages = pages;
    if (wider) this.#wider = false;
    this.#publish(this.#keep(rows), 'ready', undefined, hasMore);
    for (const { resolve } of waiters) resolve();
  }

  #hear({ reset, changes }: Parameters<WatchListener['onChange']>[0]): void {
    const { concerns, grow } = this.#options;
    const concerning = changes.filter((change) => concerns(change));
    const growing = grow ? concerning.filter(({ append }) => append !== undefined) : [];
    this.#told?.push(...growing);
    if (reset || this.#state === 'error' || growing.length < concerning.length) {
      this.#wake();
    } else if (growing.length > 0) {
      const rows = [...this.#current];
      const grew = this.#grow(rows, growing);
      // One that does not fit is shown by a read to come, or judged by the rows of the one under way.
      if (!grew && !this.#stale && !this.#told) this.#wake();
      const changed = rows.some((row, at) => row !== this.#current[at]);
      this.#publish(changed ? rows : this.#current, this.#state, this.#error, this.#hasMore);
    }
  }

  /** Applies growth to the rows, in place; false if some does not fit. Rows that are not held do. */
  #grow(rows: T[], changes: readonly RowChange[]): boolean {
    let fits = true;
    for (const { id, append } of changes) {
      // What grows is mostly the newest.
      const at = rows.findLastIndex((row) => row.id === id);
      const row = rows[at];
      if (!row || !append) continue;
      const grown = this.#options.grow?.(row, append);
      if (grown) rows[at] = grown;
      else fits = false;
    }
    return fits;
  }

  /** The rows, with the objects held of those that are equal; the array held if all are. */
  #keep(rows: readonly T[]): readonly T[] {
    const held = new Map(this.#current.map((row) => [row.id, row]));
    const kept = rows.map((row) => {
      const before = held.get(row.id);
      return before !== undefined && equal(before, row) ? before : row;
    });
    const unchanged =
      kept.length === this.#current.length && kept.every((row, at) => row === this.#current[at]);
    return unchanged ? this.#current : kept;
  }

  #fail(error: ConversationStoreError): void {
    this.#told = undefined;
    if (error.code === 'closed') {
      this.#close(error);
      return;
    }
    // The same again is no news.
    const last = this.#error;
    const same = last?.code === error.code && last.message === error.message;
    this.#publish(this.#current, 'error', same ? last : error, this.#hasMore);
  }

  #close(error: ConversationStoreError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#stop();
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    this.#publish(this.#current, 'error', error, this.#hasMore);
  }

  #publish(
    rows: readonly T[],
    state: Watch<T>['state'],
    error: ConversationStoreError | undefined,
    hasMore: boolean,
  ): void {
    const unchanged = rows === this.#current;
    if (unchanged && state === this.#state && error === this.#error && hasMore === this.#hasMore) {
      return;
    }
    // React compares arrays: another state must be another array.
    this.#current = unchanged ? [...rows] : rows;
    this.#state = state;
    this.#error = error;
    this.#hasMore = hasMore;
    for (const subscription of [...this.#subscriptions]) {
      // One before it may have ended it.
      if (this.#subscriptions.has(subscription)) this.#call(subscription.listener);
    }
  }

  /** What a listener throws is its own: the others still hear. */
  #call(listener: (rows: readonly T[]) => void): void {
    try {
      listener(this.#current);
    } catch (error) {
      if (typeof reportError === 'function') reportError(error);
      else {
        // Node has none; its own event targets do this.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  async #widen(): Promise<void> {
    // Listens meanwhile where nobody else does.
    const unsubscribe = this.subscribe(() => {});
    try {
      if (this.#state !== 'ready') await this.#fresh();
      if (!this.#hasMore) return;
      this.#wider = true;
      await this.#fresh();
    } finally {
      unsubscribe();
    }
  }

  /** Resolves when rows are here that were asked for after this call. */
  async #fresh(): Promise<void> {
    if (this.#closed) throw this.#closed;
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#wake();
    });
  }
}

/**
 * The message with the text at its end; undefined if its content does not end where the text begins.
 * Of text that is partly here already, as in rows read after it was written, the rest is added.
 */
function grown<R extends Message>(row: R, { offset, text }: Append): R | undefined {
  const here = row.content.slice(offset);
  if (offset > row.content.length || !(text.startsWith(here) || here.startsWith(text))) {
    return undefined;
  }
  const rest = text.slice(here.length);
  if (rest === '') return row;
  const content = row.content + rest;
  const last = row.parts.at(-1);
  if (last?.type === 'text') {
    if (typeof last.text !== 'string') return undefined;
    const part = { ...last, text: last.text + rest };
    return { ...row, content, parts: [...row.parts.slice(0, -1), part] };
  }
  // A new part. The blank line between texts is the content's, not the part's.
  const gap = row.parts.some(({ type }) => type === 'text') ? '\n\n' : '';
  if (!rest.startsWith(gap)) return undefined;
  const part = { type: 'text', text: rest.slice(gap.length) };
  return { ...row, content, parts: [...row.parts, part] };
}

/** Whether two values of JSON are equal. A loop: they may be nested deeper than the stack. */
function equal(a: unknown, b: unknown): boolean {
  const pairs: [unknown, unknown][] = [[a, b]];
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    const [one, other] = pair;
    if (Object.is(one, other)) continue;
    if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
    if (Array.isArray(one) !== Array.isArray(other)) return false;
    const keys = Object.keys(one);
    if (keys.length !== Object.keys(other).length) return false;
    for (const key of keys) {
      if (!Object.hasOwn(other, key)) return false;
      pairs.push([one[key as keyof typeof one], other[key as keyof typeof other]]);
    }
  }
  return true;
}
