/**
 * A salvage: between the damaged files, which the module of formats reads in a worker of its own, and a new
 * database, which a worker of the store makes of the rows and then puts in their place. Loaded with the
 * first. Rows cross as bytes that nobody here looks into.
 */

import { Calls } from './calls.js';
import type { CallOptions, OpenOptions } from './connection.js';
import { formatCalls } from './transfer.js';
import type { SalvageReport } from './wasm/conversation_store.js';

/** How to salvage. */
export type SalvageOptions = Omit<CallOptions, 'operationId'> &
  Pick<OpenOptions, 'worker' | 'wasm' | 'formats' | 'formatsWorker'> & {
    /** Called after each batch with the bytes of rows that were read so far. */
    onProgress?: ((progress: { bytes: number }) => void) | undefined;
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
  const { worker, wasm, onProgress, signal, timeout } = options;
  const late = 'the salvage did not go on';
  const store = new Store({ worker, wasm, memory: false, signal, timeout, late });
  let formats: ReturnType<typeof formatCalls> | undefined;
  try {
    const files = await store.ask({ name });
    const file = (ending: string) => files.find((file) => file.name.endsWith(ending));
    formats = formatCalls(options);
    await formats.call('damaged', file('.db'), file('-wal'));
    let bytes = 0;
    for (;;) {
      const rows = await formats.call('rows');
      if (!rows) break;
      bytes += rows.length;
      if (rows.length > 0) await store.ask({ rows });
      onProgress?.({ bytes });
    }
    return await store.ask({ isWhole: await formats.call('isWhole') });
  } finally {
    // Ends what has not ended: then nothing has changed.
    formats?.stop();
    store.stop();
  }
}
