// Chats as a file.

import { type Conversation, ConversationStore } from 'conversation-store';
import type { FileKind } from './transfer.ts';

/** All chats, or one, as a file of that kind. */
export async function exported(
  store: ConversationStore,
  kind: FileKind,
  only: Conversation | undefined,
): Promise<File> {
  const ids = only && { conversationIds: [only.id] };
  if (kind === 'markdown') return store.export({ format: 'markdown', ...ids });
  if (kind === 'json') return store.export({ format: 'ndjson', ...ids });
  if (!only) return new File([await store.backup()], 'chats.sqlite3');
  // A database of one chat is one that nothing else was ever put into.
  await using alone = await ConversationStore.open(':memory:');
  await alone.import(await store.export({ format: 'ndjson', ...ids }));
  return new File([await alone.backup()], 'chat.sqlite3');
}
