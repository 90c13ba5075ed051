// Opens the store, and until it is open says why not: it takes a while, or something is wrong, what,
// and what can be done.

import { ConversationStore } from 'conversation-store';
import { ask } from './dialog.ts';
import { type Screen, type ScreenAction, showScreen } from './screen.ts';
import { detailOf, whyNotOpened } from './words.ts';

const NAME = 'conversations';
const LONG = 2_000;

const OPENING: Screen = { name: 'opening', title: 'Opening your chats…' };
const SLOW: Screen = { ...OPENING, text: 'This takes a little longer than usual.' };

/** Resolves once the store is open, however often it has to be tried. */
export async function openStore(root: HTMLElement): Promise<ConversationStore> {
  for (;;) {
    const slow = setTimeout(() => showScreen(root, SLOW), LONG);
    try {
      return await ConversationStore.open(NAME).finally(() => clearTimeout(slow));
    } catch (error) {
      await showProblem(root, error);
      showScreen(root, OPENING);
    }
  }
}

/** Shows what is wrong. Resolves when it is to be tried again. */
export function showProblem(root: HTMLElement, error: unknown): Promise<void> {
  return new Promise((resolve) => {
    const { title, text, startOver } = whyNotOpened(error);
    const actions: ScreenAction[] = [
      { label: 'Try again', kind: 'main', run: resolve },
      { label: 'Reload the page', run: () => location.reload() },
    ];
    if (startOver) {
      actions.push({
        label: 'Start over…',
        kind: 'danger',
        run: () => void deleteAll().then((done) => done && resolve()),
      });
    }
    showScreen(root, { name: 'problem', title, text, detail: detailOf(error), actions });
  });
}

async function deleteAll(): Promise<boolean> {
  const yes = await ask({
    title: 'Delete what is stored and start over?',
    text: 'Whatever is left of the chats on this device will be gone for good, also what might still have been saved from it. You can then restore a backup.',
    yes: 'Delete and start over',
  });
  if (!yes) return false;
  // If this fails, trying again shows why.
  await ConversationStore.delete(NAME).catch(() => undefined);
  return true;
}
