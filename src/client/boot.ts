/**
 * How a worker begins: it loads its wasm module and then hands its messages over. Knows no module and
 * no request: the first message says where the module is, those that come before it is ready are kept.
 */

/** The first message to a worker. */
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
  scope.onmessage = ({ data }) => {
    scope.onmessage = (event) => {
      waiting.push(event.data);
    };
    // A rejection would not reach the page; an error does.
    begin(data).catch(reportError);
  };
}
