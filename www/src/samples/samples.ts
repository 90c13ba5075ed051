// Sample chats, for who has none to bring: a handful over the last weeks, in English and Korean. They
// are imported as a file would be, so that twice makes no second ones, and are deleted like any other.

import type { ConversationStore, ImportReport } from 'conversation-store';

/** Puts the sample chats into the store; those that are there already stay. */
export async function addSamples(store: ConversationStore): Promise<ImportReport> {
  const { sampleChats } = await import('./sample-chats.ts');
  return store.import(sampleChats(Date.now()));
}
