/**
 * The app of every consumer that has a page: uses the package, shows what came of it. Does nothing
 * when it is imported, so that a server may.
 */

import { ConversationStore } from 'conversation-store';
import { exportAndImport, writeOrRead } from './conversation.js';

/**
 * Puts the outcome, as JSON, where the runner looks for it: `data-result` of the body.
 *
 * The store is left open, as apps leave it: the reload has to cope.
 *
 * @param {import('conversation-store').OpenOptions} [options]
 */
export async function show(options) {
  let result;
  try {
    const store = await ConversationStore.open('consumer', options);
    result = { ...(await writeOrRead(store)), ...(await exportAndImport(store)) };
  } catch (error) {
    result = { error: `${error.name} (${error.code}): ${error.message}` };
  }
  document.body.dataset.result = JSON.stringify(result);
}
