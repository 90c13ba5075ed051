/**
 * The floor from the page, in the shape of the other adapters; it keeps nothing. `bytes` says how many each call writes or
 * reads: those that this package's worker was counted to write for the same call, those of the rows as JSON. `addText` writes as
 * many as a message has, which is less than any database with an index writes.
 */

import { caller } from './calls.js';

export async function open({ durability, bytes }) {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  const call = caller(worker);
  await call('open', 'floor');
  const flush = durability === 'strict';
  return {
    addMessage: () => call('write', bytes.addMessage, flush),
    addText: () => call('write', 450, flush),
    append: () => call('write', bytes.append, flush),
    importConversations: (conversations) => call('save', conversations, flush),
    list: () => call('read', bytes.list),
    messages: (_, limit) => call('read', Math.ceil(bytes.message * limit)),
    close: () => call('close'),
  };
}
