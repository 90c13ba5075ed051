/**
 * One open database of this page: its worker, the calls under way and the objects that share it.
 * Every call ends: by its answer, its signal or its timeout. A worker that dies is replaced and gets
 * the calls under way again. Knows no method by name but open and close.
 */

import {
  aborted,
  asOurs,
  ConversationStoreError,
  type ErrorData,
  type ErrorDetails,
  ours,
} from './errors.js';
import { Life } from './life.js';
import { type Port, start } from './port.js';
import type {
  Durability,
  ErrorCode,
  RowChange,
  StorageOption,
  StoreStatus,
} from './wasm/conversation_store.js';

/** How to open a database. */
export interface OpenOptions {
  /**
   * 'auto' (the default): where it is; a new one in OPFS, or in IndexedDB where this browser gives no OPFS.
   * 'opfs' moves a database that is in IndexedDB. Memory only where asked for.
   */
  storage?: StorageOption | undefined;
  /** 'strict' (the default) flushes to the device before a write resolves. */
  durability?: Durability | undefined;
  /** Ends the wait, with `aborted`. */
  signal?: AbortSignal | undefined;
  /** Milliseconds to wait for a tab that does not answer, then `blocked`. 30,000 if not given. */
  timeout?: number | undefined;
  /** Makes the worker, where a bundler cannot find it by itself. */
  worker?: (() => Worker) | undefined;
  /** The wasm module or where it is, where a bundler cannot find it by itself. */
  wasm?: string | URL | WebAssembly.Module | undefined;
  /** Makes the worker of `import` and `export`, where a bundler cannot find it by itself. */
  formatsWorker?: (() => Worker) | undefined;
  /** Its module, likewise. */
  formats?: string | URL | WebAssembly.Module | undefined;
}

/** The last argument of every method. */
export interface CallOptions {
  /** Aborts the call: a read at once; a write rejects if it had not begun, else resolves. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call rejects with `timeout`. 30,000 if not given. */
  timeout?: number | undefined;
  /**
   * 1 to 1,000 characters of your own, on calls that change something: repeated under it, also from
   * another tab or after a reload, the call is carried out once and gives the first result. Kept for
   * a day, and always the last 10,000. With another method or other arguments: `conflict`.
   */
  operationId?: string | undefined;
}

/** What a 'change' event tells. */
export interface ChangeDetail {
  /**
   * The number of the last of these changes. It grows by one a change while one tab leads, and
   * begins anew with the next leader, which is told by `reset`.
   */
  sequence: number;
  /** Some may have been missed, or everything changed: read again. */
  reset: boolean;
  /** What was committed, in order. `local`: through the object that the event is dispatched on. */
  changes: (RowChange & { local: boolean })[];
}

/** Whether a call changes the database: an aborted write waits to hear whether it happened. */
export type Kind = 'read' | 'write';

/** An object that shares a connection. */
export interface User {
  onChange(detail: ChangeDetail): void;
  onStatus(status: StoreStatus): void;
}

/** Under which a write is known to the store, so that it is carried out once. */
type Operation =
  | { name: string }
  /** Answers are here for all numbers up to `done`, but for those that are `open`. */
  | { number: number; done: number; open: number[] };

interface Request {
  id: number;
  method: string;
  params: object;
  timeout: number;
  object: number;
  operation: Operation | undefined;
}

interface Call {
  request: Request;
  kind: Kind;
  /** Workers that died with it at the head of the calls. */
  deaths: number;
  resolve(value: unknown): void;
  reject(error: ConversationStoreError): void;
  /** A worker has it, or had it. */
  posted: boolean;
  post(port: Port, timeout: number): void;
  /** Begins the timeout anew. */
  progressed(): void;
  /** Milliseconds that are left of the timeout. */
  left(): number;
  /** Stops the timeout, while the page does not run. */
  pause(): void;
  /** Lets it go on. */
  resume(): void;
}

interface Told {
  row?: RowChange;
  tab: string;
  object: number;
}

type FromWorker =
  | { id: number; value: unknown }
  | { id: number; json: string | Uint8Array }
  | { id: number; error: ErrorData }
  | { id: number; progress: 'waiting' | 'step' }
  | { changes: { sequence: number; reset: boolean; changes: Told[] } }
  | { status: StoreStatus }
  | { cleared: ErrorData };

const DEFAULT_TIMEOUT = 30_000;

/** Codes that say of a write that it was not carried out, now or before. */
const DECIDED: ErrorCode[] = ['invalid-argument', 'not-found', 'conflict', 'aborted'];

const UTF8 = new TextDecoder();

/** Text that no UTF-8 can hold. */
export const HALF_PAIR = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** The longest wait that a timer can hold, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** A call with which so many workers died is what kills them. */
const MAX_DEATHS = 3;

/** The site's data was cleared since the page was loaded: other tabs may not see its locks. */
let wasCleared = false;

/** The open databases of this page that are shared by name. */
const shared = new Map<string, Connection>();

export class Connection {
  readonly #name: string;
  readonly #options: OpenOptions;
  readonly #memory: boolean;
  readonly #life: Life;
  /** In the order they were made. */
  readonly #calls = new Map<number, Call>();
  readonly #users = new Map<number, User>();
  #lastId = 0;
  #lastUser = 0;
  #lastOperation = 0;
  /** Operations that timed out, until the store has heard to keep them by their names. */
  readonly #open = new Set<number>();
  #listening = false;
  /** Another tab has the database, and this one waits for it. */
  #waiting = false;
  #port: Port | undefined;
  /** The opening under way or done; undefined before it and after the worker died. */
  #opening: Promise<void> | undefined;
  /** It was open once: its calls wait for it to be open again. */
  #opened = false;
  /** Where it is, once it is open. */
  #storage: unknown;
  /** The worker was asked to open, and takes calls. */
  #asked = false;
  #closing: Promise<void> | undefined;
  /** The database was removed under it: it is of no use any more, and whoever opens gets another. */
  #cleared: ConversationStoreError | undefined;
  /** The page is about to stand still: no worker is started until it is back. */
  #suspended = false;

  private constructor(name: string, options: OpenOptions) {
    this.#name = name;
    this.#options = options;
    this.#memory = options.storage === 'memory';
    this.#life = new Life(name, this.#memory, {
      suspend: () => this.#suspend(),
      resume: () => this.#resume(),
      seen: (visible) => this.#port?.post({ visible }),
    });
  }

  /** The connection of that name in this page, or a new one, with one more user. */
  static async join(name: string, options: OpenOptions): Promise<[Connection, number]> {
    checkOptions(options, 'storage', 'durability', 'worker', 'wasm', 'formats', 'formatsWorker');
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
      await connection.#check(options);
      // Closed meanwhile.
      if (connection.leaving || shared.get(name) !== connection) {
        return Connection.join(name, options);
      }
    } else {
      connection = new Connection(name, options);
      shared.set(name, connection);
    }
    return connection.#enter(options);
  }

  /** Where the module of formats is. */
  get formats(): Pick<OpenOptions, 'formats' | 'formatsWorker'> {
    const { formats, formatsWorker } = this.#options;
    return { formats, formatsWorker };
  }

  /** The closing under way, if there is one. */
  get leaving(): Promise<void> | undefined {
    return this.#closing;
  }

  async #enter(options: OpenOptions): Promise<[Connection, number]> {
    this.#lastUser += 1;
    const user = this.#lastUser;
    this.#users.set(user, { onChange() {}, onStatus() {} });
    try {
      await within(this.#ready(), { signal: options.signal });
    } catch (error) {
      // Why it did not open says more than why it did not close.
      await this.leave(user).catch(() => {});
      throw error;
    }
    return [this, user];
  }

  /** Who hears of changes and of the status. */
  listen(user: number, listener: User): void {
    if (this.#users.has(user)) this.#users.set(user, listener);
  }

  /** Has the worker tell of changes from now on. */
  wantChanges(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#port?.post({ listen: true });
  }

  /** Asks a worker of its own, with no database open. */
  static async once(method: string, params: object, options: OpenOptions): Promise<void> {
    checkOptions(options, 'worker', 'wasm');
    const connection = new Connection('', options);
    const { signal, timeout } = options;
    if (signal?.aborted) throw aborted(signal);
    try {
      connection.#boot();
      await connection.#send(0, method, params, 'write', { signal, timeout }, undefined);
    } finally {
      connection.#stop();
    }
  }

  async #check({ storage = 'auto', durability = 'strict' }: OpenOptions): Promise<void> {
    const { storage: wanted = 'auto', durability: held = 'strict' } = this.#options;
    let fits = storage === wanted || (storage === 'auto' && !this.#memory);
    if (!fits && wanted === 'auto' && storage !== 'memory') {
      // Where 'auto' is, is known when it is open. If it does not open, that is told.
      await this.#opening?.catch(() => {});
      fits = this.#storage === undefined || this.#storage === storage;
    }
    if (!fits || durability !== held) {
      throw new ConversationStoreError(
        'conflict',
        `'${this.#name}' is open in this page with storage '${this.#storage ?? wanted}' and ` +
          `durability '${held}': open it with the same, or close it first`,
      );
    }
  }

  #ready(): Promise<void> {
    this.#opening ??= this.#start().catch((error) => {
      this.#stop(asOurs(error));
      throw error;
    });
    return this.#opening;
  }

  async #start(): Promise<void> {
    const { timeout } = this.#options;
    const reopening = this.#opened;
    const opened = this.#send(0, 'open', {}, 'read', { timeout }, undefined);
    // Observed here: the worker may be refused before it is awaited.
    opened.catch(() => {});
    this.#launch();
    try {
      this.#storage = await opened;
    } catch (error) {
      const timedOut = error instanceof ConversationStoreError && error.code === 'timeout';
      if (!timedOut || !this.#waiting) throw error;
      throw new ConversationStoreError(
        'blocked',
        `'${this.#name}' is open in another tab, which does not answer: close or reload that one, ` +
          'or wait longer',
      );
    } finally {
      this.#waiting = false;
    }
    this.#opened = true;
    // What changed in between was told to nobody here.
    if (reopening) this.#tell({ sequence: 0, reset: true, changes: [] });
  }

  #boot(): Port {
    const { worker, wasm } = this.#options;
    const port: Port = start(
      { worker, wasm, memory: this.#memory },
      {
        onAnswer: (data) => {
          for (const message of Array.isArray(data) ? data : [data]) {
            // One of them may have ended it.
            if (this.#port === port) this.#receive(message as FromWorker);
          }
        },
        onEnd: (error) => this.#port === port && this.#end(error),
      },
    );
    this.#port = port;
    return port;
  }

  /** Starts a worker and gives it the calls under way, the one that opens first. */
  #launch(): void {
    const port = this.#boot();
    const { storage, durability } = this.#options;
    void this.#life.begin().then((tab) => {
      // Stopped meanwhile.
      if (this.#port !== port) return;
      const params = {
        name: this.#name,
        storage,
        durability,
        tab,
        visible: this.#life.visible,
        again: this.#opened,
        unseen: wasCleared,
      };
      const opening = this.#openCall;
      try {
        if (opening) port.post({ ...opening.request, params });
      } catch (error) {
        opening?.reject(notSent(error));
        return;
      }
      if (this.#listening) port.post({ listen: true });
      for (const call of this.#calls.values()) {
        if (call !== opening) call.post(port, call.left());
      }
      this.#asked = true;
    });
  }

  get #openCall(): Call | undefined {
    return [...this.#calls.values()].find(({ request }) => request.method === 'open');
  }

  /** Carries out a call. Rejects with a ConversationStoreError, always. */
  async call(
    user: number,
    method: string,
    params: object,
    kind: Kind,
    options: CallOptions = {},
  ): Promise<unknown> {
    checkOptions(options, 'operationId');
    if (options.signal?.aborted) throw aborted(options.signal);
    if (this.#cleared) throw this.#cleared;
    const operation = kind === 'write' ? this.#operation(options.operationId) : undefined;
    if (!this.#port) {
      if (this.#memory) throw crashedInMemory();
      // It gets the calls under way, this one with them. Where it does not open, they all say so.
      if (!this.#suspended) this.#ready().catch(() => {});
    }
    return this.#send(user, method, params, kind, options, operation);
  }

  #operation(name: string | undefined): Operation {
    if (name !== undefined) return { name };
    this.#lastOperation += 1;
    let oldest = this.#lastOperation;
    for (const { request } of this.#calls.values()) {
      if (request.operation && 'number' in request.operation) {
        oldest = request.operation.number;
        break;
      }
    }
    return { number: this.#lastOperation, done: oldest - 1, open: [...this.#open] };
  }

  /** By which a write that timed out is known, for the caller to repeat. */
  #details({ request: { operation } }: Call): ErrorDetails | undefined {
    if (!operation) return undefined;
    if ('name' in operation) return { operationId: operation.name };
    this.#open.add(operation.number);
    return { operationId: `${this.#life.tab}/${operation.number}` };
  }

  #send(
    object: number,
    method: string,
    params: object,
    kind: Kind,
    options: CallOptions,
    operation: Operation | undefined,
  ): Promise<unknown> {
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    this.#lastId += 1;
    const id = this.#lastId;
    const request: Request = { id, method, params, timeout, object, operation };
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let deadline = 0;
      let paused = false;
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#calls.delete(id);
      };
      const onAbort = () => {
        const forget = kind === 'read';
        this.#port?.post({ abort: id, forget });
        // No worker has it yet: it has not begun.
        if (!forget && call.posted) return;
        settle();
        reject(aborted(signal as AbortSignal));
      };
      const call: Call = {
        request,
        kind,
        deaths: 0,
        posted: false,
        post(port, timeout) {
          port.post({ ...request, timeout });
          call.posted = true;
          if (signal?.aborted) port.post({ abort: id, forget: false });
        },
        left: () => Math.max(0, deadline - performance.now()),
        progressed() {
          clearTimeout(timer);
          deadline = performance.now() + timeout;
          // One that is longer than a timer holds begins anew: in Node a timer under way also keeps
          // the process from ending before the answer.
          const wait = Math.min(timeout, MAX_TIMER);
          timer = setTimeout(wait < timeout ? call.progressed : onTimeout, wait);
        },
        pause() {
          clearTimeout(timer);
          paused = true;
        },
        resume() {
          if (paused) call.progressed();
          paused = false;
        },
        resolve(value) {
          settle();
          resolve(value);
        },
        reject(error) {
          settle();
          reject(error.code === 'aborted' && signal?.aborted ? aborted(signal) : error);
        },
      };
      const onTimeout = () => {
        this.#port?.post({ abort: id, forget: true });
        call.reject(this.#timedOut(call));
      };
      this.#calls.set(id, call);
      call.progressed();
      signal?.addEventListener('abort', onAbort);
      try {
        // Where there is no worker yet, it gets this call when it is there.
        const port = this.#asked || method === 'delete' ? this.#port : undefined;
        if (port) call.post(port, timeout);
        else structuredClone(request);
      } catch (error) {
        call.reject(notSent(error));
      }
    });
  }

  /**
   * One that an earlier leader or worker may have carried out is known by its operation. Of one that was
   * itself refused for want of space, the space is told.
   */
  #failed(
    call: Call,
    code: ErrorCode,
    message: string,
    space?: ErrorData['space'],
  ): ConversationStoreError {
    const details = space ?? (DECIDED.includes(code) ? undefined : this.#details(call));
    return new ConversationStoreError(code, message, { details });
  }

  #timedOut(call: Call): ConversationStoreError {
    const { method, timeout } = call.request;
    const details = call.kind === 'write' ? this.#details(call) : undefined;
    const after = details
      ? '; it may or may not have happened: repeated with the operationId in details it happens once'
      : '';
    const message = `${method} did not end within ${timeout} ms${after}`;
    return new ConversationStoreError('timeout', message, { details });
  }

  #receive(message: FromWorker): void {
    if ('changes' in message) {
      this.#tell(message.changes);
      return;
    }
    if ('status' in message) {
      for (const user of this.#users.values()) user.onStatus(message.status);
      return;
    }
    if ('cleared' in message) {
      this.#clear(message.cleared);
      return;
    }
    const call = this.#calls.get(message.id);
    if (!call) return;
    if ('error' in message) {
      const { code, message: text, space } = message.error;
      call.reject(
        code === 'timeout' ? this.#timedOut(call) : this.#failed(call, code, text, space),
      );
    } else if ('progress' in message) {
      this.#waiting = message.progress === 'waiting';
      if (!this.#waiting) call.progressed();
    } else {
      const { operation } = call.request;
      if (operation && 'open' in operation) {
        for (const number of operation.open) {
          if (number <= operation.done) this.#open.delete(number);
        }
      }
      let value: unknown;
      try {
        if ('json' in message) {
          const { json } = message;
          value = JSON.parse(typeof json === 'string' ? json : UTF8.decode(json));
        } else {
          value = message.value;
        }
      } catch (error) {
        // Another program, or damage, has put text that is no JSON where a row has JSON.
        call.reject(
          this.#failed(call, 'corrupt', `the answer cannot be read; heal() may mend it: ${error}`),
        );
        return;
      }
      call.resolve(value);
    }
  }

  /** Its files are free when its worker has ended. */
  #clear({ code, message }: ErrorData): void {
    wasCleared = true;
    this.#cleared = new ConversationStoreError(code, message);
    if (shared.get(this.#name) === this) shared.delete(this.#name);
    for (const call of this.#calls.values()) {
      // Nothing is left to close.
      if (call.request.method === 'close') call.resolve(undefined);
    }
    this.#stop(this.#cleared);
  }

  #tell({ sequence, reset, changes }: { sequence: number; reset: boolean; changes: Told[] }): void {
    for (const [user, listener] of this.#users) {
      listener.onChange({
        sequence,
        reset,
        changes: changes.flatMap(({ row, tab, object }) =>
          row ? { ...row, local: object === user && (this.#memory || tab === this.#life.tab) } : [],
        ),
      });
    }
  }

  /** The worker is gone. Another one gets the calls under way, unless it is they that end it. */
  #end(error: ConversationStoreError): void {
    if (error.code !== 'crashed' || this.#memory) {
      this.#stop(error);
      return;
    }
    const opening = this.#openCall;
    const oldest = [...this.#calls.values()].find((call) => call !== opening && call.posted);
    this.#drop();
    // While the store opens, either may be what kills it: the call is given up first.
    for (const call of [opening, oldest]) {
      if (call) call.deaths += 1;
    }
    const most = oldest ? 2 * MAX_DEATHS : MAX_DEATHS;
    if (oldest && oldest.deaths >= MAX_DEATHS) {
      oldest.reject(this.#failed(oldest, 'crashed', error.message));
    } else if (opening && opening.deaths >= most) {
      opening.reject(this.#failed(opening, 'crashed', error.message));
    }
    this.#resume();
  }

  /** Lets go of the worker; the calls under way stay. */
  #drop(): void {
    this.#port?.stop();
    this.#port = undefined;
    this.#asked = false;
    if (!this.#openCall) this.#opening = undefined;
  }

  /** The page may be frozen: a worker that cannot run must hold nothing that others wait for. */
  #suspend(): boolean {
    this.#suspended = true;
    this.#drop();
    for (const call of this.#calls.values()) call.pause();
    return this.#calls.size > 0 || this.#open.size > 0;
  }

  #resume(): void {
    this.#suspended = false;
    // Some browsers tell of it twice.
    if (this.#port || this.#cleared) return;
    for (const call of this.#calls.values()) call.resume();
    if (this.#openCall) this.#launch();
    // Where it does not open again, the calls under way say so.
    else if (this.#opened) this.#ready().catch(() => {});
  }

  /** Nothing under way will be answered. */
  #stop(error: ConversationStoreError = closed()): void {
    this.#drop();
    this.#opening = undefined;
    for (const call of [...this.#calls.values()]) {
      call.reject(call.posted ? this.#failed(call, error.code, error.message) : error);
    }
  }

  /** One user less; the last one closes the database and gives its files back. */
  leave(user: number): Promise<void> {
    this.#users.delete(user);
    if (this.#users.size > 0) return Promise.resolve();
    this.#closing ??= this.#close().finally(() => {
      if (shared.get(this.#name) === this) shared.delete(this.#name);
    });
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      // Nothing to close where it never opened, or is still waiting to; where it does not open again,
      // the calls under way have said so.
      if (this.#opened) await this.#opening?.catch(() => {});
      if (this.#opened && this.#port) await this.#send(0, 'close', {}, 'read', {}, undefined);
    } finally {
      this.#stop();
      await this.#life.end();
    }
  }
}

export function closed(): ConversationStoreError {
  return new ConversationStoreError(
    'closed',
    'the store is closed: open it again with ConversationStore.open',
  );
}

function crashedInMemory(): ConversationStoreError {
  return new ConversationStoreError(
    'crashed',
    'the worker died, and what it held in memory is gone: open another with ConversationStore.open',
  );
}

function notSent(error: unknown): ConversationStoreError {
  return new ConversationStoreError('invalid-argument', `an argument cannot be sent: ${error}`, {
    cause: error,
  });
}

/** Signals, timers and operation ids are this side's to check. */
export function checkOptions(options: unknown, ...known: string[]): void {
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
  const { operationId } = unknown;
  if (
    operationId !== undefined &&
    !(typeof operationId === 'string' && operationId.length >= 1 && operationId.length <= 1_000)
  ) {
    throw refuse('operationId is not a string of 1 to 1,000 characters');
  }
  if (typeof operationId === 'string' && HALF_PAIR.test(operationId)) {
    throw refuse('operationId holds half of a surrogate pair: give well-formed text');
  }
}

/** Settles like the promise, or rejects once the signal aborts or the time, if given, is up. */
export function within<T>(promise: Promise<T>, options: CallOptions): Promise<T> {
  // Observed here, so that losing the race is not an unhandled rejection.
  promise.catch(() => {});
  return ours(() => race(promise, options));
}

async function race<T>(promise: Promise<T>, options: CallOptions): Promise<T> {
  checkOptions(options, 'operationId');
  const { signal, timeout = Number.POSITIVE_INFINITY } = options;
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
  } finally {
    stop();
  }
}
