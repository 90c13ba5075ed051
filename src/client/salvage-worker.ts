/**
 * The worker that reads damaged files, beside the wasm module that does. A script of its own, for what a page
 * fetches to import or export is not to hold it.
 */

import { answerCalls, boot } from './boot.js';
import init, { SalvageReader } from './wasm/conversation_salvage.js';

/** What is asked, and what is answered. */
export interface ReaderRequests {
  /** A damaged database and its log. */
  open(main: Blob | undefined, log: Blob | undefined): void;
  /** Rows that are in it, as the store takes them; undefined at the end. */
  rows(): Uint8Array | undefined;
  /** Whether it was read without finding damage to the chats. */
  isWhole(): boolean;
}

boot(init, (line, waiting) => {
  let reader: SalvageReader;
  const handlers: { [M in keyof ReaderRequests]: ReaderRequests[M] } = {
    open(main, log) {
      reader = new SalvageReader(main, log);
    },
    rows: () => reader.next(),
    isWhole: () => reader.isWhole,
  };
  // Damage is no error here: what is thrown is a trap, or a file that the browser does not give.
  answerCalls(line, waiting, { ...handlers }, (error) => ({
    code: 'crashed',
    message: `the reader of damaged files failed: ${error}`,
  }));
});
