// How chats are kept, in a word.

import type { StoreStatus } from 'conversation-store';
import { t } from '../i18n/index.ts';

/** One line for the sidebar. */
export function storageWords(status: StoreStatus): string {
  if (status.storage === 'memory') return t('storage.memoryShort');
  return t(status.persisted ? 'storage.keptShort' : 'storage.storedShort');
}
