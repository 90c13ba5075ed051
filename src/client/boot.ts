/**
 * How a worker begins: it loads its wasm module and then hands its messages over. Knows no module and
 * no request: one message says which module, those that come before it is ready are kept.
 */

import type { ErrorData } from './errors.js';

/** What a worker begins with, as its first message or after requests. */
export interface Boot {
  /** An absolute URL or a compiled module. */
  wasm: string | WebAssembly.Module;
}

/** What a worker says of itself; everything else it posts answers a request. */
export type Booted = { ready: true } | { failed: string };

/** Where requests come from and answers go. */
export interface Line {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** Answers `{ id, method, params }` by the handler of that name, one after another, from `waiting` on. */
export function answerCalls(
  line: Line,
  waiting: unknown[],
  // biome-ignore lint/suspicious/noExplicitAny: parameters of any kind.
  handlers: { [method: string]: (...params: any[]) => unknown },
  errorData: (error: unknown) => ErrorData,
): void {
  let last = Promise.resolve();
  const take = ({ id, method, params }: { id: number; method: string; params: unknown[] }) => {
    last = last.then(async () => {
      try {
        line.postMessage({ id, value: await handlers[method]?.(...params) });
      } catch (error) {
        line.postMessage({ id, error: errorData(error) });
      }
    });
  };
  line.onmessage = ({ data }) => take(data);
  for (const message of waiting.splice(0)) take(message as Parameters<typeof take>[0]);
}

/** Begins this worker. */
export function boot(
  load: (options: { module_or_path: Boot['wasm'] }) => Promise<unknown>,
  serve: (line: Line, waiting: unknown[]) => void,
): void {
  const scope = globalThis as unknown as Line;
  const waiting: unknown[] = [];
  const begin = async ({ wasm }: Boot) => {
    try {
      await load({ module_or_path: wasm });
    } catch (error) {
      scope.postMessage({ failed: String(error) } satisfies Booted);
      return;
    }
    // First, and outside: a trap in what follows is a crash, not a module that cannot be loaded.
    scope.postMessage({ ready: true } satisfies Booted);
    serve(scope, waiting);
  };
  let hasBegun = false;
  scope.onmessage = ({ data }) => {
    if (hasBegun || !('wasm' in Object(data))) {
      waiting.push(data);
      return;
    }
    hasBegun = true;
    // A rejection would not reach the page; an error does.
    begin(data).catch(reportError);
  };
}
