// Opens the store, and until it is open says why not: it is being opened, another tab has it, or
// something is wrong, what, and what can be done.

import { ConversationStore } from 'conversation-store';
import { ask } from './dialog.ts';
import { type Screen, type ScreenAction, showScreen } from './screen.ts';
import { codeOf, detailOf, whyNotOpened } from './words.ts';

const NAME = 'conversations';
// Long enough to open, short enough to say soon that another tab has the chats.
const FIRST_TRY = 2_000;
const SLOW_TRY = 60_000;
// Waiting for the other tab has no end, but is begun anew now and then: this timeout is also the one
// by which the store reopens itself after a crash.
const WAIT = 5 * 60_000;

const OPENING: Screen = { name: 'opening', title: 'Opening your chats…' };
const SLOW: Screen = {
  ...OPENING,
  text: 'This takes a little longer than usual.',
};
const WAITING: Screen = {
  name: 'waiting',
  title: 'This chat is open in another tab',
  text: 'It opens here as soon as that one closes.',
};

/** Resolves once the store is open, however often it has to be tried. */
export async function openStore(root: HTMLElement): Promise<ConversationStore> {
  let timeout = FIRST_TRY;
  for (;;) {
    const began = performance.now();
    try {
      return await ConversationStore.open(NAME, { timeout });
    } catch (error) {
      const ranOut = performance.now() - began >= timeout - 50;
      if (codeOf(error) === 'blocked') {
        // Not shown anew each time: screen readers would say it anew.
        if (timeout !== WAIT) showScreen(root, WAITING);
        timeout = WAIT;
      } else if (ranOut && timeout === FIRST_TRY) {
        // Whatever its code, it says no more than that the first try was short.
        showScreen(root, SLOW);
        timeout = SLOW_TRY;
      } else {
        await showProblem(root, error);
        showScreen(root, OPENING);
        timeout = FIRST_TRY;
      }
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
