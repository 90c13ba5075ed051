/** PGlite from the page: its worker, one message a call. */

import { caller } from './calls.js';
import { store } from './sql.js';

export async function open({ durability }) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const call = caller(worker);
  await call('open', 'pglite', { durability });
  return store(call);
}
