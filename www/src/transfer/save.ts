// Chats as a file, given to the reader.

import { type Conversation, ConversationStore } from 'conversation-store';
import { t } from '../i18n/index.ts';
import { shorten } from '../text.ts';
import { size, titleOf } from '../words.ts';
import { download, fileName, today } from './download.ts';
import type { FileKind } from './transfer.ts';

/** Gives the reader all chats, or one. Resolves to what there is to be said. */
export async function save(
  store: ConversationStore,
  kind: FileKind,
  only: Conversation | undefined,
): Promise<string> {
  const file = await exported(store, kind, only);
  const all = kind === 'sqlite' ? `chats-${today()}` : `chats-${today()}-${kind}`;
  const name = only ? fileName(shorten(titleOf(only), 60)) : all;
  // What it is decides what it is called: several files, or attachments, are an archive.
  const whole = `${name}${kind === 'sqlite' ? '.sqlite3' : (/\.\w+$/.exec(file.name)?.[0] ?? '')}`;
  download(file, whole);
  return t('common.inDownloads', { name: whole, size: size(file.size) });
}

async function exported(
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
