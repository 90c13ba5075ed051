// Titles that come by themselves: from the first message when a chat begins, from its brain after the
// first answer. A title that a person has chosen is never touched.

import type { ConversationStore } from 'conversation-store';
import type { Brain } from '../brains/brain.ts';
import { shorten } from '../text.ts';
import { changeSettings, settingsOf } from './settings.ts';

const LONGEST = 80;

/** Has a brain name a conversation that began like this. What fails is left as it is. */
export async function nameByBrain(
  store: ConversationStore,
  id: number,
  brain: Brain,
  question: string,
  answer: string,
): Promise<void> {
  if (!brain.title || !(await isAutomatic(store, id))) return;
  const signal = AbortSignal.timeout(30_000);
  const said = await brain.title(question, answer, signal).catch(() => undefined);
  const title = said === undefined ? '' : shorten(said, LONGEST);
  // A person may have named it meanwhile.
  if (title === '' || !(await isAutomatic(store, id))) return;
  await store.updateConversation(id, { title });
  await changeSettings(store, id, { autoTitle: title });
}

async function isAutomatic(store: ConversationStore, id: number): Promise<boolean> {
  const conversation = await store.getConversation(id);
  return conversation !== undefined && settingsOf(conversation).autoTitle === conversation.title;
}
