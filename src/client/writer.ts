/**
 * `MessageWriter`: a stream that writes a message while its text is still coming. What is written is
 * kept for a moment and stored together, in order. Knows no worker and no call: what stores is given.
 */

import { aborted, asOurs, ConversationStoreError } from './errors.js';
import type { AddedMessage, MessagePatch, Status } from './wasm/conversation_store.js';

/** How to write, beside the fields of a new message. */
export interface WriterOptions {
  /** Continues this message instead of adding one. */
  messageId?: unknown;
  /** Milliseconds after which text is on disk at the latest. 100 if not given. */
  flushInterval?: number | undefined;
}

/** What a writer needs of a store. All reject with a ConversationStoreError. */
export interface WriterTarget {
  /** Adds the message to write to, of these fields. */
  add(fields: { role: unknown; status: unknown }): Promise<AddedMessage>;
  /** The message to continue, or undefined. */
  find(messageId: unknown): Promise<AddedMessage | undefined>;
  /** `streaming`: the message is (still, or again) one that streams. */
  append(message: AddedMessage, text: string, streaming: boolean): Promise<unknown>;
  update(message: AddedMessage, patch: object): Promise<unknown>;
}

const DEFAULT_INTERVAL = 100;

/** Unstored UTF-16 units above which a write waits until they are stored. */
const MOST_WAITING = 65_536;

/** The longest wait that a timer can hold, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** A patch counts as so much text. */
const PATCH_UNITS = 1_024;

/**
 * Adds a message, or finds the one to continue, and opens a writer on it. `open` holds those that
 * have not ended: closing the store ends them.
 */
export async function openWriter(
  target: WriterTarget,
  extra: WriterOptions & { role?: unknown; status?: unknown } = {},
  signal?: AbortSignal,
  open: Set<MessageWriter> = new Set(),
): Promise<MessageWriter> {
  const { messageId, flushInterval = DEFAULT_INTERVAL, status = 'streaming', ...fields } = extra;
  if (!(typeof flushInterval === 'number' && flushInterval >= 0)) {
    throw new ConversationStoreError(
      'invalid-argument',
      `flushInterval is ${String(flushInterval)}: give milliseconds, 0 or more`,
    );
  }
  let message: AddedMessage | undefined;
  if (messageId === undefined) {
    const { role = 'assistant' } = fields;
    message = await target.add({ ...fields, role, status });
  } else {
    message = await target.find(messageId);
    if (!message) {
      throw new ConversationStoreError(
        'not-found',
        `messageId names no message of this conversation: ${JSON.stringify(messageId)}`,
      );
    }
    await target.update(message, { ...fields, status });
  }
  const { id, uid, createdAt } = message;
  const writer: MessageWriter = new MessageWriter(
    { id, uid, createdAt },
    new MessageSink({
      append: (text, streaming) => target.append(message, text, streaming),
      update: (patch) => target.update(message, patch),
      interval: flushInterval,
      signal,
      ended: () => open.delete(writer),
    }),
  );
  open.add(writer);
  return writer;
}

/**
 * Writes one message: strings are appended to its text, objects change its other fields, in order.
 * `write` resolves when what it got is kept for the next flush, and waits while too much is kept.
 * `close()` makes the message `complete`, unless an object has set another status; `abort()` keeps
 * the text written so far and makes it `aborted`. Both resolve when that is stored.
 */
export class MessageWriter extends WritableStream<string | MessagePatch> {
  /** The message's keys and time. */
  readonly message: AddedMessage;
  readonly #sink: MessageSink;

  /** @internal */
  constructor(message: AddedMessage, sink: MessageSink) {
    // Called with each chunk the moment it is written: so a flush knows what to wait for.
    super(sink, { highWaterMark: 1, size: () => sink.given() });
    this.message = message;
    this.#sink = sink;
    sink.listen();
  }

  /**
   * Resolves when everything written before is stored. Half of a surrogate pair waits for its
   * other half.
   *
   * @throws What made the writer fail.
   */
  flush(): Promise<void> {
    return this.#sink.flush();
  }

  /** `await using`: aborts a writer that was not closed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#sink.cancel(
      new ConversationStoreError('aborted', 'the writer was left before it was closed'),
    );
  }
}

interface SinkOptions {
  append(text: string, streaming: boolean): Promise<unknown>;
  update(patch: object): Promise<unknown>;
  interval: number;
  signal: AbortSignal | undefined;
  /** Nothing more is to be stored. */
  ended(): void;
}

/**
 * The end of a writer's stream: buffers and stores.
 *
 * @internal
 */
export class MessageSink implements UnderlyingSink<string | MessagePatch> {
  readonly #options: SinkOptions;
  #controller: WritableStreamDefaultController | undefined;
  /** What is to be stored, in order; neighbours of a kind are one. */
  #waiting: (string | MessagePatch)[] = [];
  /** Text and patches that are not stored yet, in UTF-16 units. */
  #units = 0;
  /** The first half of a surrogate pair. */
  #half = '';
  #status: string | undefined;
  /** As it is stored, the message streams: no other status was set on the way. */
  #streams = true;
  /** Chunks that were written to the stream, and those of them that came here. */
  #given = 0;
  #arrived = 0;
  /** Who waits for a chunk to come, or for the end. */
  #watching: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds that the last flush took. */
  #took: number;
  /** The last flush that was begun, and the one after it, which is yet to take what waits. */
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** By closing, aborting or failing. */
  #end: Promise<void> | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#took = Math.min(10, options.interval / 10);
  }

  start(controller: WritableStreamDefaultController): void {
    this.#controller = controller;
  }

  /** Has the signal end the stream. */
  listen(): void {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.#onAbort();
  }

  readonly #onAbort = () => {
    void this.cancel(aborted(this.#options.signal as AbortSignal));
  };

  /** A chunk was written to the stream. Its size there. */
  given(): number {
    this.#given += 1;
    return 1;
  }

  write(chunk: string | MessagePatch): Promise<void> | undefined {
    try {
      this.#add(chunk);
    } catch (error) {
      void this.#finish('error');
      throw asOurs(error);
    }
    this.#arrived += 1;
    this.#wake();
    if (this.#units > MOST_WAITING) return this.#flush();
    if (this.#waiting.length > 0) this.#plan();
    return undefined;
  }

  close(): Promise<void> {
    const open = this.#status === undefined || this.#status === 'streaming';
    return this.#finish(open ? 'complete' : undefined);
  }

  abort(): Promise<void> {
    return this.#finish('aborted');
  }

  /** As `abort`, also where the stream is locked. */
  cancel(error: ConversationStoreError): Promise<void> {
    if (!this.#end) this.#controller?.error(error);
    return this.#finish('aborted');
  }

  async flush(): Promise<void> {
    // What was written is not here yet where the stream holds it back.
    const given = this.#given;
    while (this.#arrived < given && !this.#end) {
      await new Promise<void>((resolve) => this.#watching.push(resolve));
    }
    await (this.#end ?? this.#flush());
  }

  #wake(): void {
    for (const resolve of this.#watching.splice(0)) resolve();
  }

  #add(chunk: string | MessagePatch): void {
    if (typeof chunk === 'string') {
      this.#addText(chunk);
    } else if (isPatch(chunk)) {
      this.#addPatch(chunk);
    } else {
      const kind = Object.prototype.toString.call(chunk).slice(8, -1);
      throw new ConversationStoreError(
        'invalid-argument',
        `a chunk is ${kind}, neither a string nor an object of fields: bytes go through a ` +
          'TextDecoderStream first',
      );
    }
  }

  #addText(chunk: string): void {
    let text = this.#half + chunk;
    this.#half = '';
    // A string may end within a character; half of one cannot be stored.
    if (/[\uD800-\uDBFF]$/.test(text)) {
      this.#half = text.slice(-1);
      text = text.slice(0, -1);
    }
    this.#push(text);
  }

  #push(text: string): void {
    if (text === '') return;
    const last = this.#waiting.at(-1);
    if (typeof last === 'string') this.#waiting[this.#waiting.length - 1] = last + text;
    else this.#waiting.push(text);
    this.#units += text.length;
  }

  #addPatch(chunk: MessagePatch): void {
    const fields = Object.entries(chunk).filter(([, value]) => value !== undefined);
    if (fields.length === 0) return;
    const patch = copied(Object.fromEntries(fields));
    if (patch.status !== undefined) this.#status = patch.status;
    const last = this.#waiting.at(-1);
    // Of whole parts given with each token, only the last are stored.
    if (typeof last === 'object' && !('content' in last) && !('content' in patch)) {
      // By definition, not assignment: a field '__proto__' is one as any other.
      this.#waiting[this.#waiting.length - 1] = { ...last, ...patch };
    } else {
      this.#waiting.push(patch);
      this.#units += PATCH_UNITS;
    }
  }

  /** Has what waits stored in time. */
  #plan(): void {
    if (this.#timer !== undefined) return;
    // A page that is not seen gets its timers late.
    if (globalThis.document?.visibilityState === 'hidden') {
      this.#flush();
      return;
    }
    // It is to be stored by then, not only sent.
    const { interval } = this.#options;
    const wait = Math.ceil(interval - Math.min(this.#took, interval / 2));
    this.#timer = setTimeout(() => this.#flush(), Math.min(wait, MAX_TIMER));
  }

  /**
   * Resolves when all that waits is stored. One at a time: who asks meanwhile shares the next, which
   * takes what has come by then.
   */
  #flush(): Promise<void> {
    if (!this.#next) {
      this.#next = this.#last.then(() => this.#store());
      this.#last = this.#next;
      // The stream tells of it.
      this.#last.catch(() => {});
    }
    return this.#next;
  }

  async #store(): Promise<void> {
    this.#next = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting;
    const units = this.#units;
    this.#waiting = [];
    const began = performance.now();
    try {
      for (const item of batch) {
        if (typeof item === 'string') {
          await this.#options.append(item, this.#streams);
        } else {
          await this.#options.update(item);
          if (item.status !== undefined) this.#streams = item.status === 'streaming';
        }
      }
    } catch (error) {
      this.#fail(error as ConversationStoreError);
      throw error;
    }
    this.#units -= units;
    if (batch.length > 0) this.#took = performance.now() - began;
  }

  /** Stores all that waits and the status, once: what ends it first says which. */
  #finish(status: Status | undefined): Promise<void> {
    if (!this.#end) {
      this.#push(this.#half);
      if (status !== undefined) this.#addPatch({ status });
      this.#settle(this.#flush());
    }
    return this.#end as unknown as Promise<void>;
  }

  #fail(error: ConversationStoreError): void {
    // Nobody writes it any more, so it shall not look as if. That may fail as well.
    this.#options.update({ status: 'error' }).catch(() => {});
    if (!this.#end) this.#settle(Promise.reject(error));
    this.#controller?.error(error);
  }

  #settle(end: Promise<void>): void {
    const { signal, ended } = this.#options;
    this.#end = end;
    signal?.removeEventListener('abort', this.#onAbort);
    this.#wake();
    // Where nobody else awaits it, it is no unhandled rejection either.
    const done = () => {
      clearTimeout(this.#timer);
      ended();
    };
    end.then(done, done);
  }
}

/** As it is now: its maker may go on to change it. */
function copied(patch: object): MessagePatch {
  try {
    return JSON.parse(JSON.stringify(patch));
  } catch (error) {
    throw new ConversationStoreError(
      'invalid-argument',
      `an object in the stream cannot be written as JSON: ${error}`,
      { cause: error },
    );
  }
}

function isPatch(chunk: unknown): chunk is MessagePatch {
  return Object.prototype.toString.call(chunk) === '[object Object]';
}
