/**
 * A salvage: between the damaged files, which a module of its own reads in a worker of its own, and a new
 * database, which a worker of the store makes of the rows and then puts in their place. Loaded with the
 * first. Rows cross as bytes that nobody here looks into.
 */

import { Calls } from './calls.js';
import type { CallOptions, OpenOptions } from './connection.js';
import type { Program } from './port.js';
import type { ReaderRequests } from './salvage-worker.js';
import type { SalvageReport } from './wasm/conversation_store.js';

/** How to salvage. */
export type SalvageOptions = Omit<CallOptions, 'operationId'> &
  Pick<OpenOptions, 'worker' | 'wasm'> & {
    /** Makes the worker that reads damaged files, where a bundler cannot find it by itself. */
    readerWorker?: (() => Worker) | undefined;
    /** Its wasm module or where it is, likewise. */
    reader?: string | URL | WebAssembly.Module | undefined;
    /** Called after each batch with the bytes of rows that were read so far. */
    onProgress?: ((progress: { bytes: number }) => void) | undefined;
  };

const READER: Program = {
  name: 'salvage',
  options: ['SalvageOptions.readerWorker', 'SalvageOptions.reader'],
  worker: () => new Worker(new URL('./salvage-worker.js', import.meta.url), { type: 'module' }),
  url: () => new URL('./wasm/conversation_salvage_bg.wasm', import.meta.url),
  // Where there is no worker there are no files: the store's own has said so.
  serve: () => Promise.resolve(),
};

/** What the store's worker is asked: to begin, to take rows in, to end. */
interface Asking {
  (params: { name: string }): Promise<File[]>;
  (params: { rows: Uint8Array }): Promise<void>;
  (params: { isWhole: boolean }): Promise<SalvageReport>;
}

class Store extends Calls<{ salvage(params: object): unknown }> {
  /** The store's requests have one object of parameters. */
  protected override request(id: number, method: string, [params]: unknown[]): object {
    return { id, method, params };
  }

  readonly ask = ((params: object) => this.call('salvage', params)) as Asking;
}

/** Recovers what can be read of the database `name`. */
export async function salvage(name: string, options: SalvageOptions): Promise<SalvageReport> {
  const { worker, wasm, reader, readerWorker, onProgress, signal, timeout } = options;
  const late = 'the salvage did not go on';
  const store = new Store({ worker, wasm, memory: false, signal, timeout, late });
  let damaged: Calls<ReaderRequests> | undefined;
  try {
    const files = await store.ask({ name });
    const file = (ending: string) => files.find((file) => file.name.endsWith(ending));
    const how = { worker: readerWorker, wasm: reader, memory: false, signal, timeout, late };
    damaged = new Calls<ReaderRequests>(how, READER);
    await damaged.call('open', file('.db'), file('-wal'));
    let bytes = 0;
    for (;;) {
      const rows = await damaged.call('rows');
      if (!rows) break;
      bytes += rows.length;
      if (rows.length > 0) await store.ask({ rows });
      onProgress?.({ bytes });
    }
    return await store.ask({ isWhole: await damaged.call('isWhole') });
  } finally {
    // Ends what has not ended: then nothing has changed.
    damaged?.stop();
    store.stop();
  }
}
