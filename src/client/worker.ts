/**
 * Boots the wasm module in a worker and hands the worker's messages over to it. Knows no request:
 * the first message says where the module is, those that come before it is ready are kept for it.
 */

import init, { serve } from './wasm/conversation_store.js';

/** The first message to a worker. */
export interface Boot {
  /** An absolute URL or a compiled module. */
  wasm: string | WebAssembly.Module;
}

/** What a worker says of itself; everything else it posts answers a request. */
export type Booted = { ready: true } | { failed: string };

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: Booted): void;
};

const waiting: unknown[] = [];

async function boot({ wasm }: Boot): Promise<void> {
  try {
    await init({ module_or_path: wasm });
  } catch (error) {
    scope.postMessage({ failed: String(error) });
    return;
  }
  // First, and outside: a trap in what follows is a crash, not a module that cannot be loaded.
  scope.postMessage({ ready: true });
  serve(scope, waiting);
}

scope.onmessage = ({ data }) => {
  scope.onmessage = (event) => {
    waiting.push(event.data);
  };
  // A rejection would not reach the page; an error does.
  boot(data).catch(reportError);
};
