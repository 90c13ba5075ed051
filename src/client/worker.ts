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
    serve(scope, waiting);
    scope.postMessage({ ready: true });
  } catch (error) {
    scope.postMessage({ failed: String(error) });
  }
}

scope.onmessage = ({ data }) => {
  scope.onmessage = (event) => {
    waiting.push(event.data);
  };
  void boot(data);
};
