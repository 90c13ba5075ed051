// What a conversation has of its own on this page, kept in its metadata under one name, so that what
// others keep there stays.

import type { Conversation, ConversationStore } from 'conversation-store';

export interface ChatSettings {
  /** Said to the brain before everything else. */
  system?: string;
  /** The model, where it is not the endpoint's own. */
  model?: string;
  /** The title that it was given by itself. Any other is a person's own. */
  autoTitle?: string;
}

const NAME = 'page';

export function settingsOf({ metadata }: Pick<Conversation, 'metadata'>): ChatSettings {
  const { system, model, autoTitle } = record(record(metadata)[NAME]);
  return {
    ...(typeof system === 'string' && { system }),
    ...(typeof model === 'string' && { model }),
    ...(typeof autoTitle === 'string' && { autoTitle }),
  };
}

/** Metadata with these settings in the place of those that it has. */
export function withSettings(metadata: unknown, settings: ChatSettings): object {
  return { ...record(metadata), [NAME]: settings };
}

/**
 * Changes some settings of a conversation; '' takes one away.
 *
 * @throws as `updateConversation` does.
 */
export async function changeSettings(
  store: ConversationStore,
  id: number,
  patch: ChatSettings,
): Promise<void> {
  const conversation = await store.getConversation(id);
  if (!conversation) return;
  const all = Object.entries({ ...settingsOf(conversation), ...patch });
  const settings = Object.fromEntries(all.filter(([, value]) => value !== ''));
  await store.updateConversation(id, { metadata: withSettings(conversation.metadata, settings) });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
