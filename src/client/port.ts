/**
 * Starts a worker with one of the two modules, the store's or that of formats, and tells when it could
 * not be loaded, or died. Where there is no Worker (Node), the module runs on this thread, the store
 * in memory only. Knows no request.
 */

import type { Boot, Booted } from './boot.js';
import { ConversationStoreError } from './errors.js';

/** How to start: the escapes of `OpenOptions` for bundlers that mangle URLs. */
export interface PortOptions {
  worker?: (() => Worker) | undefined;
  wasm?: string | URL | WebAssembly.Module | undefined;
  memory: boolean;
}

/** What a worker is to run. */
export interface Program {
  /** In messages of errors. */
  name: string;
  /** What gives its worker and its module where a bundler cannot find them. */
  options: [worker: string, module: string];
  /** Its worker if none is given. Each names its script and module literally, for bundlers. */
  worker(): Worker;
  /** Where its module is if none is given. */
  url(): URL;
  /** Serves a port on this thread; `init` loads a module by its glue. */
  serve(port: MessagePort, waiting: unknown[], init: Init): Promise<void>;
}

/** Loads a module by the functions that its glue exports. */
export type Init = (glue: {
  default(options: { module_or_path: URL }): Promise<unknown>;
  initSync(options: { module: WebAssembly.Module | Uint8Array<ArrayBuffer> }): unknown;
}) => Promise<void>;

const STORE: Program = {
  name: 'store',
  options: ['OpenOptions.worker', 'OpenOptions.wasm'],
  worker: () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
  url: () => new URL('./wasm/conversation_store_bg.wasm', import.meta.url),
  async serve(port, waiting, init) {
    const glue = await import('./wasm/conversation_store.js');
    await init(glue);
    glue.serve(port, waiting);
  },
};

/** What a port tells its owner. */
export interface PortEvents {
  /** An answer to a request. */
  onAnswer(data: unknown): void;
  /** It could not be loaded (`storage-unavailable`), or it died (`crashed`). Nothing follows. */
  onEnd(error: ConversationStoreError): void;
}

/** A line to a running store. */
export interface Port {
  post(message: unknown): void;
  stop(): void;
}

/** Starts a store, or another program. Messages posted before it is ready are kept for it. */
export function start(options: PortOptions, events: PortEvents, program = STORE): Port {
  if (options.worker === undefined && typeof Worker === 'undefined') {
    return onThisThread(options, events, program);
  }
  const worker = makeWorker(options, program);
  const advice = loadAdvice(program);
  let ready = false;
  let ended = false;
  const end = (error: ConversationStoreError) => {
    if (ended) return;
    ended = true;
    worker.terminate();
    events.onEnd(error);
  };
  worker.onmessage = ({ data }: MessageEvent<Booted | object>) => {
    // Of another sender in a worker of the caller's.
    if (ended || typeof data !== 'object' || data === null) return;
    if ('ready' in data) {
      ready = true;
    } else if ('failed' in data) {
      end(unavailable(`the wasm module could not be loaded: ${data.failed}. ${advice}`));
    } else {
      events.onAnswer(data);
    }
  };
  worker.onmessageerror = () => {
    const message = `an answer of the ${program.name}'s worker cannot be read`;
    end(new ConversationStoreError('crashed', message));
  };
  worker.onerror = (event) => {
    const reason = event.message ? `: ${event.message}` : '';
    end(
      ready
        ? new ConversationStoreError(
            'crashed',
            `the ${program.name}'s worker died${reason}. What was acknowledged is kept`,
          )
        : unavailable(`the worker script could not be loaded${reason}. ${advice}`),
    );
  };
  const wasm = moduleOrUrl(options.wasm, program);
  const begin = (boot: Boot) => worker.postMessage(boot);
  if (typeof wasm === 'string' && options.worker === undefined) {
    // Compiled here while the worker starts, which takes as long. Where that is not to be had, the worker loads
    // it by itself, and says what is wrong.
    compile(wasm)
      .then((module) => begin({ wasm: module }))
      .catch(() => begin({ wasm }));
  } else {
    try {
      begin({ wasm });
    } catch (error) {
      worker.terminate();
      throw unavailable(`the wasm module could not be handed to the worker: ${error}`, error);
    }
  }
  return {
    post: (message) => worker.postMessage(message),
    stop() {
      ended = true;
      worker.terminate();
    },
  };
}

async function compile(url: string): Promise<WebAssembly.Module> {
  return WebAssembly.compileStreaming(fetch(url));
}

function makeWorker(options: PortOptions, program: Program): Worker {
  const [option] = program.options;
  if (options.worker === undefined) {
    try {
      return trusted(() => program.worker());
    } catch (error) {
      const advice = error instanceof TypeError ? `. ${trustedTypesAdvice(program)}` : '';
      throw unavailable(`the worker could not be made: ${error}${advice}`, error);
    }
  }
  let made: Worker;
  try {
    made = options.worker();
  } catch (error) {
    throw unavailable(`the worker could not be made: ${option} threw ${error}`, error);
  }
  if (typeof made?.postMessage !== 'function' || typeof made.terminate !== 'function') {
    throw new ConversationStoreError('invalid-argument', `${option} did not return a Worker`);
  }
  return made;
}

/** The part of Trusted Types (https://w3c.github.io/trusted-types/dist/spec/) that is used. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL(url: string): string },
  ): { createScriptURL(url: string): string };
}

let policy: ReturnType<TrustedTypes['createPolicy']> | undefined;

/**
 * Makes a worker whose URL stands literally, also on a page that requires Trusted Types: there `new Worker`
 * takes no URL but one that a policy vouches for, and bundlers take no call that is not literal. So for as
 * long as the literal call takes, the name `Worker` is one that has the URL vouched for. The policy is of
 * this file alone, and sees no other URL.
 */
function trusted(make: () => Worker): Worker {
  const scope = globalThis as { Worker: typeof Worker; trustedTypes?: TrustedTypes };
  if (scope.trustedTypes === undefined) return make();
  try {
    policy ??= scope.trustedTypes.createPolicy('conversation-store', {
      createScriptURL: (url) => url,
    });
  } catch {
    // Not on the page's list, or by another copy of this package: where the page requires no policy, none is
    // needed, and where it does, the call below says so.
    return make();
  }
  const { Worker: real } = scope;
  const vouching = policy;
  scope.Worker = class extends real {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(vouching.createScriptURL(String(url)), options);
    }
  };
  try {
    return make();
  } finally {
    scope.Worker = real;
  }
}

const trustedTypesAdvice = ({ options: [worker] }: Program) =>
  'Where a Content-Security-Policy says require-trusted-types-for, let it say ' +
  `trusted-types conversation-store too, or give ${worker}`;

function loadAdvice({ options: [worker, module] }: Program): string {
  return (
    'Both files must come from this origin with their own MIME types, and a Content-Security-Policy ' +
    "must allow script-src 'self' 'wasm-unsafe-eval', worker-src 'self' and connect-src 'self'. " +
    `Where a bundler moves them, give ${worker} and ${module}`
  );
}

function unavailable(message: string, cause?: unknown): ConversationStoreError {
  return new ConversationStoreError('storage-unavailable', message, { cause });
}

/** A worker's own base URL may be a blob's, so that it gets an absolute URL. */
function moduleOrUrl(wasm: PortOptions['wasm'], program: Program): Boot['wasm'] {
  if (wasm !== undefined && typeof wasm !== 'string' && !(wasm instanceof URL)) return wasm;
  const url = wasm ?? program.url();
  return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href).href;
}

interface Unref {
  unref?(): void;
}

interface Node {
  process?: {
    getBuiltinModule?(name: 'node:fs'): { readFileSync(path: URL): Uint8Array<ArrayBuffer> };
  };
}

/** Without Worker: the same module, the same messages, over a channel. */
function onThisThread(options: PortOptions, events: PortEvents, program: Program): Port {
  if (!options.memory) {
    throw unavailable(
      "this environment has no Worker and no origin private file system; open ':memory:' to keep nothing",
    );
  }
  const { port1: near, port2: far } = new MessageChannel();
  const waiting: unknown[] = [];
  far.onmessage = ({ data }) => waiting.push(data);
  near.onmessage = ({ data }) => events.onAnswer(data);
  const init: Init = async (glue) => {
    const module = moduleOrUrl(options.wasm, program);
    if (typeof module !== 'string') {
      glue.initSync({ module });
    } else {
      const url = new URL(module);
      const fs = (globalThis as Node).process?.getBuiltinModule?.('node:fs');
      if (fs && url.protocol === 'file:') glue.initSync({ module: fs.readFileSync(url) });
      else await glue.default({ module_or_path: url });
    }
  };
  const load = async () => {
    await program.serve(far, waiting, init);
    // An open store does not keep a process running; a call under way does, by its timer.
    for (const port of [near, far] as Unref[]) port.unref?.();
  };
  load().catch((error) =>
    events.onEnd(unavailable(`the wasm module could not be loaded: ${error}`, error)),
  );
  return {
    post: (message) => near.postMessage(message),
    stop: () => near.close(),
  };
}
