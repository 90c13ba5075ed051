// Opens the store, and until it is open says why not: it takes a while, or something is wrong, what,
// and what can be done.

import { ConversationStore } from 'conversation-store';
import { ask } from '../dialog.ts';
import { t } from '../i18n/index.ts';
import { detailOf, whyNotOpened } from '../words.ts';
import { type Screen, type ScreenAction, showScreen } from './screen.ts';

const NAME = 'conversations';
const LONG = 2_000;

const opening = (): Screen => ({ name: 'opening', title: t('problems.opening') });
const slow = (): Screen => ({ ...opening(), text: t('problems.slow') });

/** Resolves once the store is open, however often it has to be tried. */
export async function openStore(root: HTMLElement): Promise<ConversationStore> {
  for (;;) {
    const late = setTimeout(() => showScreen(root, slow()), LONG);
    try {
      return await ConversationStore.open(NAME).finally(() => clearTimeout(late));
    } catch (error) {
      await showProblem(root, error);
      showScreen(root, opening());
    }
  }
}

/** Shows what is wrong. Resolves when it is to be tried again. */
export function showProblem(root: HTMLElement, error: unknown): Promise<void> {
  return new Promise((resolve) => {
    const { title, text, startOver } = whyNotOpened(error);
    const actions: ScreenAction[] = [
      { label: t('common.tryAgain'), kind: 'main', run: resolve },
      { label: t('common.reloadPage'), run: () => location.reload() },
    ];
    if (startOver) {
      actions.push({
        label: t('problems.startOver'),
        kind: 'danger',
        run: () => void deleteAll().then((done) => done && resolve()),
      });
    }
    showScreen(root, { name: 'problem', title, text, detail: detailOf(error), actions });
  });
}

async function deleteAll(): Promise<boolean> {
  const yes = await ask({
    title: t('problems.askStartOver'),
    text: t('problems.askStartOverText'),
    yes: t('problems.yesStartOver'),
  });
  if (!yes) return false;
  // If this fails, trying again shows why.
  await ConversationStore.delete(NAME).catch(() => undefined);
  return true;
}
