/** @sqlite.org/sqlite-wasm from the page: its worker, one message a call. */

import { caller } from './calls.js';
import { store } from './sql.js';

export async function open(name, journal, { durability }) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const call = caller(worker);
  const mode = await call('open', name, { journal, durability });
  if (mode !== journal) throw new Error(`the journal is ${mode}`);
  return store(call);
}
