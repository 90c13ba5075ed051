/**
 * One open database of this page: its worker, the calls under way and the objects that share it.
 * Every call ends: by its answer, its signal, its timeout, or the end of the worker. Knows no
 * method by name but open and close.
 */

import { aborted, ConversationStoreError, type ErrorData } from './errors.js';
import { type Port, start } from './port.js';
import type { Durability, StorageOption } from './wasm/conversation_store.js';

/** How to open a database. */
export interface OpenOptions {
  /** Where: 'auto' (the default) is OPFS in this version; memory only where asked for. */
  storage?: StorageOption | undefined;
  /** 'strict' (the default) flushes to the device before a write resolves. */
  durability?: Durability | undefined;
  /** Ends the wait, with `aborted`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait for another tab, then `blocked`. 30,000 if not given. */
  timeout?: number | undefined;
  /** Makes the worker, where a bundler cannot find it by itself. */
  worker?: (() => Worker) | undefined;
  /** The wasm module or where it is, where a bundler cannot find it by itself. */
  wasm?: string | URL | WebAssembly.Module | undefined;
}

/** The last argument of every method. */
export interface CallOptions {
  /** Aborts the call: a read at once; a write rejects if it had not begun, else resolves. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call rejects with `timeout`. 30,000 if not given. */
  timeout?: number | undefined;
}

/** Whether a call changes the database: an aborted write waits to hear whether it happened. */
export type Kind = 'read' | 'write';

interface Call {
  kind: Kind;
  resolve(value: unknown): void;
  reject(error: ConversationStoreError): void;
  /** Begins the timeout anew. */
  progressed(): void;
}

type Answer =
  | { id: number; value: unknown }
  | { id: number; error: ErrorData }
  | { id: number; progress: 'waiting' | 'step' };

const DEFAULT_TIMEOUT = 30_000;

/** The longest wait that a timer can hold, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** The open databases of this page that are shared by name. */
const shared = new Map<string, Connection>();

export class Connection {
  readonly #name: string;
  readonly #options: OpenOptions;
  readonly #memory: boolean;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #users = 0;
  #opened = false;
  /** Another tab has the database, and this one waits for it. */
  #waiting = false;
  #port: Port | undefined;
  /** The opening under way or done; undefined before it and after the worker died. */
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(name: string, options: OpenOptions) {
    this.#name = name;
    this.#options = options;
    this.#memory = options.storage === 'memory';
  }

  /** The connection of that name in this page, or a new one, with one more user. */
  static async join(name: string, options: OpenOptions): Promise<Connection> {
    check(options, 'storage', 'durability', 'worker', 'wasm');
    const alone = name === ':memory:';
    if (alone) {
      const { storage = 'memory' } = options;
      if (storage !== 'memory' && storage !== 'auto') {
        throw new ConversationStoreError(
          'invalid-argument',
          `storage is '${storage}', but the name ':memory:' means storage 'memory': give another name`,
        );
      }
      return new Connection(name, { ...options, storage: 'memory' }).#enter(options);
    }
    // Its files are free when it has closed.
    let connection = shared.get(name);
    for (let last = connection?.leaving; last; last = connection?.leaving) {
      await last.catch(() => {});
      connection = shared.get(name);
    }
    if (connection) {
      connection.#check(options);
    } else {
      connection = new Connection(name, options);
      shared.set(name, connection);
    }
    return connection.#enter(options);
  }

  /** The closing under way, if there is one. */
  get leaving(): Promise<void> | undefined {
    return this.#closing;
  }

  async #enter(options: OpenOptions): Promise<Connection> {
    this.#users += 1;
    try {
      await within(this.#open(), { signal: options.signal });
    } catch (error) {
      // Why it did not open says more than why it did not close.
      await this.leave().catch(() => {});
      throw error;
    }
    return this;
  }

  /** Asks a worker of its own, with no database open. */
  static async once(method: string, params: object, options: OpenOptions): Promise<void> {
    check(options, 'worker', 'wasm');
    const connection = new Connection('', options);
    const { signal, timeout } = options;
    if (signal?.aborted) throw aborted(signal);
    try {
      connection.#boot();
      await connection.#send(method, params, 'write', { signal, timeout });
    } finally {
      connection.#stop();
    }
  }

  #check({ storage = 'auto', durability = 'strict' }: OpenOptions): void {
    const { storage: here = 'auto', durability: held = 'strict' } = this.#options;
    const resolved = (storage: StorageOption) => (storage === 'auto' ? 'opfs' : storage);
    if (resolved(storage) !== resolved(here) || durability !== held) {
      throw new ConversationStoreError(
        'conflict',
        `'${this.#name}' is open in this page with storage '${here}' and durability '${held}': ` +
          'open it with the same, or close it first',
      );
    }
  }

  #open(): Promise<void> {
    this.#opening ??= this.#start().catch((error) => {
      this.#stop();
      throw error;
    });
    return this.#opening;
  }

  #boot(): void {
    const { worker, wasm } = this.#options;
    this.#port = start(
      { worker, wasm, memory: this.#memory },
      {
        onAnswer: (data) => this.#answer(data as Answer),
        onEnd: (error) => this.#fail(error),
      },
    );
  }

  async #start(): Promise<void> {
    const { storage, durability, timeout } = this.#options;
    this.#boot();
    const params = { name: this.#name, storage, durability };
    try {
      await this.#send('open', params, 'read', { timeout });
      this.#opened = true;
    } catch (error) {
      const timedOut = error instanceof ConversationStoreError && error.code === 'timeout';
      if (!timedOut || !this.#waiting) throw error;
      throw new ConversationStoreError(
        'blocked',
        `'${this.#name}' is open in another tab, which did not close within the timeout: ` +
          'close it there, or wait longer',
      );
    } finally {
      this.#waiting = false;
    }
  }

  /** Carries out a call. Rejects with a ConversationStoreError, always. */
  async call(
    method: string,
    params: object,
    kind: Kind,
    options: CallOptions = {},
  ): Promise<unknown> {
    check(options);
    if (options.signal?.aborted) throw aborted(options.signal);
    // After a crash this starts a new worker.
    if (!this.#opened) {
      const { signal, timeout = DEFAULT_TIMEOUT } = options;
      await within(this.#open(), { signal, timeout });
    }
    return this.#send(method, params, kind, options);
  }

  #send(method: string, params: object, kind: Kind, options: CallOptions): Promise<unknown> {
    const port = this.#port;
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    if (!port) return Promise.reject(closed());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#calls.delete(id);
      };
      const onAbort = () => {
        port.post({ abort: id });
        if (kind === 'write') return;
        settle();
        reject(aborted(signal as AbortSignal));
      };
      const onTimeout = () => {
        settle();
        port.post({ abort: id });
        const after = kind === 'write' ? '; it may or may not have happened' : '';
        reject(
          new ConversationStoreError(
            'timeout',
            `${method} did not end within ${timeout} ms${after}`,
          ),
        );
      };
      const progressed = () => {
        clearTimeout(timer);
        // One that is longer than a timer holds begins anew: in Node a timer under way also keeps
        // the process from ending before the answer.
        const wait = Math.min(timeout, MAX_TIMER);
        timer = setTimeout(wait < timeout ? progressed : onTimeout, wait);
      };
      this.#calls.set(id, {
        kind,
        progressed,
        resolve(value) {
          settle();
          resolve(value);
        },
        reject(error) {
          settle();
          reject(error.code === 'aborted' && signal?.aborted ? aborted(signal) : error);
        },
      });
      progressed();
      signal?.addEventListener('abort', onAbort);
      try {
        port.post({ id, method, params, timeout });
      } catch (error) {
        settle();
        reject(
          new ConversationStoreError('invalid-argument', `an argument cannot be sent: ${error}`, {
            cause: error,
          }),
        );
      }
    });
  }

  #answer(answer: Answer): void {
    const call = this.#calls.get(answer.id);
    if (!call) return;
    if ('error' in answer) {
      call.reject(new ConversationStoreError(answer.error.code, answer.error.message));
    } else if ('progress' in answer) {
      if (answer.progress === 'waiting') this.#waiting = true;
      else call.progressed();
    } else {
      call.resolve(answer.value);
    }
  }

  /** The worker is gone: nothing under way will be answered. */
  #fail(error: ConversationStoreError): void {
    this.#port = undefined;
    this.#opening = undefined;
    this.#opened = false;
    for (const call of [...this.#calls.values()]) {
      call.reject(
        new ConversationStoreError(
          error.code,
          call.kind === 'write'
            ? `${error.message}. This write may or may not have happened: read before repeating it`
            : error.message,
        ),
      );
    }
  }

  #stop(): void {
    this.#port?.stop();
    this.#fail(closed());
  }

  /** One user less; the last one closes the database and gives its files back. */
  leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return Promise.resolve();
    this.#closing ??= this.#close().finally(() => {
      if (shared.get(this.#name) === this) shared.delete(this.#name);
    });
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      // Nothing to close where it never opened, or is still waiting to.
      if (this.#opened) await this.#send('close', {}, 'write', {});
    } finally {
      this.#stop();
    }
  }
}

export function closed(): ConversationStoreError {
  return new ConversationStoreError(
    'closed',
    'the store is closed: open it again with ConversationStore.open',
  );
}

/** What was thrown, as the error that every method rejects with. */
export function asOurs(error: unknown): ConversationStoreError {
  if (error instanceof ConversationStoreError) return error;
  return new ConversationStoreError('invalid-argument', `an argument cannot be used: ${error}`, {
    cause: error,
  });
}

/** Signals and timers are this side's to check. */
function check(options: unknown, ...known: string[]): void {
  const refuse = (reason: string) => new ConversationStoreError('invalid-argument', reason);
  if (typeof options !== 'object' || options === null) {
    throw refuse('options, the last argument, is not an object with a signal or a timeout');
  }
  const { signal, timeout, ...unknown } = options as CallOptions;
  const [name] = Object.keys(unknown).filter((name) => !known.includes(name));
  if (name !== undefined) {
    throw refuse(`options has '${name}', which this version does not know`);
  }
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0)) {
    throw refuse(
      `timeout is ${typeof timeout === 'number' ? timeout : `a ${typeof timeout}`}: give milliseconds, 0 or more`,
    );
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw refuse('signal is not an AbortSignal');
  }
}

/** Settles like the promise, or rejects once the signal aborts or the time, if given, is up. */
export async function within<T>(promise: Promise<T>, options: CallOptions): Promise<T> {
  check(options);
  const { signal, timeout = Number.POSITIVE_INFINITY } = options;
  // Observed here, so that losing the race is not an unhandled rejection.
  promise.catch(() => {});
  if (signal?.aborted) throw aborted(signal);
  let stop = () => {};
  const ended = new Promise<never>((_, reject) => {
    const onAbort = () => reject(aborted(signal as AbortSignal));
    const onTimeout = () =>
      reject(new ConversationStoreError('timeout', `the call did not end within ${timeout} ms`));
    const timer = timeout <= MAX_TIMER ? setTimeout(onTimeout, timeout) : undefined;
    signal?.addEventListener('abort', onAbort);
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([promise, ended]);
  } catch (error) {
    throw asOurs(error);
  } finally {
    stop();
  }
}
