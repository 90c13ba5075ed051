// Begins to open the store: all of it that is needed before there are words for what may be wrong. It is
// loaded before the rest of the page, so it knows none of it.

import { ConversationStore } from 'conversation-store';

export const NAME = 'conversations';

/** What goes wrong is said by whoever awaits it. */
export function beginToOpen(): Promise<ConversationStore> {
  const opening = ConversationStore.open(NAME);
  opening.catch(() => undefined);
  return opening;
}
