/**
 * Starts the store's worker and tells when it could not be loaded, or died. Where there is no Worker
 * (Node), the module runs on this thread, in memory only. Knows no request.
 */

import { ConversationStoreError } from './errors.js';
import type { Boot, Booted } from './worker.js';

/** How to start: the escapes of `OpenOptions` for bundlers that mangle URLs. */
export interface PortOptions {
  worker?: (() => Worker) | undefined;
  wasm?: string | URL | WebAssembly.Module | undefined;
  memory: boolean;
}

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

/** Starts a store. Messages posted before it is ready are kept for it. */
export function start(options: PortOptions, events: PortEvents): Port {
  if (options.worker === undefined && typeof Worker === 'undefined') {
    return onThisThread(options, events);
  }
  const worker = makeWorker(options);
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
      end(unavailable(`the wasm module could not be loaded: ${data.failed}. ${LOAD_ADVICE}`));
    } else {
      events.onAnswer(data);
    }
  };
  worker.onmessageerror = () => {
    end(new ConversationStoreError('crashed', "an answer of the store's worker cannot be read"));
  };
  worker.onerror = (event) => {
    const reason = event.message ? `: ${event.message}` : '';
    end(
      ready
        ? new ConversationStoreError(
            'crashed',
            `the store's worker died${reason}. What was acknowledged is kept`,
          )
        : unavailable(`the worker script could not be loaded${reason}. ${LOAD_ADVICE}`),
    );
  };
  const boot: Boot = { wasm: moduleOrUrl(options.wasm) };
  try {
    worker.postMessage(boot);
  } catch (error) {
    worker.terminate();
    throw unavailable(`the wasm module could not be handed to the worker: ${error}`, error);
  }
  return {
    post: (message) => worker.postMessage(message),
    stop() {
      ended = true;
      worker.terminate();
    },
  };
}

function makeWorker(options: PortOptions): Worker {
  if (options.worker === undefined) {
    try {
      return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    } catch (error) {
      throw unavailable(`the worker could not be made: ${error}`, error);
    }
  }
  let made: Worker;
  try {
    made = options.worker();
  } catch (error) {
    throw unavailable(`the worker could not be made: OpenOptions.worker threw ${error}`, error);
  }
  if (typeof made?.postMessage !== 'function' || typeof made.terminate !== 'function') {
    throw new ConversationStoreError(
      'invalid-argument',
      'OpenOptions.worker did not return a Worker',
    );
  }
  return made;
}

const LOAD_ADVICE =
  'Both files must come from this origin with their own MIME types, and a Content-Security-Policy ' +
  "must allow script-src 'self' 'wasm-unsafe-eval', worker-src 'self' and connect-src 'self'. " +
  'Where a bundler moves them, give OpenOptions.worker and OpenOptions.wasm';

function unavailable(message: string, cause?: unknown): ConversationStoreError {
  return new ConversationStoreError('storage-unavailable', message, { cause });
}

/** A worker's own base URL may be a blob's, so that it gets an absolute URL. */
function moduleOrUrl(wasm: PortOptions['wasm']): Boot['wasm'] {
  if (wasm !== undefined && typeof wasm !== 'string' && !(wasm instanceof URL)) return wasm;
  const url = wasm ?? new URL('./wasm/conversation_store_bg.wasm', import.meta.url);
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
function onThisThread(options: PortOptions, events: PortEvents): Port {
  if (!options.memory) {
    throw unavailable(
      "this environment has no Worker and no origin private file system; open ':memory:' to keep nothing",
    );
  }
  const { port1: near, port2: far } = new MessageChannel();
  const waiting: unknown[] = [];
  far.onmessage = ({ data }) => waiting.push(data);
  near.onmessage = ({ data }) => events.onAnswer(data);
  const load = async () => {
    const glue = await import('./wasm/conversation_store.js');
    const module = moduleOrUrl(options.wasm);
    if (typeof module !== 'string') {
      glue.initSync({ module });
    } else {
      const url = new URL(module);
      const fs = (globalThis as Node).process?.getBuiltinModule?.('node:fs');
      if (fs && url.protocol === 'file:') glue.initSync({ module: fs.readFileSync(url) });
      else await glue.default({ module_or_path: url });
    }
    glue.serve(far, waiting);
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
