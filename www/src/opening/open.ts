// Opens the store, and until it is open says why not: it takes a while, or something is wrong, what,
// and what can be done.

import { ConversationStore } from 'conversation-store';
import { announce } from '../announce.ts';
import { ask } from '../dialog.ts';
import { t } from '../i18n/index.ts';
import { because, codeOf, detailOf, whyNotOpened } from '../words.ts';
import { NAME } from './begin.ts';
import { type Screen, type ScreenAction, showScreen } from './screen.ts';

const LONG = 2_000;

const opening = (): Screen => ({ name: 'opening', title: t('problems.opening') });
const slow = (): Screen => ({ ...opening(), text: t('problems.slow') });

/**
 * Resolves once the store is open, however often it has to be tried.
 *
 * @param begun The first try.
 */
export async function openStore(
  root: HTMLElement,
  begun: Promise<ConversationStore>,
): Promise<ConversationStore> {
  for (let attempt = begun; ; attempt = ConversationStore.open(NAME)) {
    const late = setTimeout(() => showScreen(root, slow()), LONG);
    try {
      return await attempt.finally(() => clearTimeout(late));
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
    if (startOver && codeOf(error) === 'corrupt') {
      actions.unshift({
        label: t('problems.salvage'),
        run: () => void saveWhatIsLeft(root, error).then(resolve),
      });
    }
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

/** The damaged files are kept by the package; where nothing can be read, all is as it was. */
async function saveWhatIsLeft(root: HTMLElement, damage: unknown): Promise<void> {
  showScreen(root, { name: 'opening', title: t('problems.salvaging') });
  try {
    const { conversations } = await ConversationStore.salvage(NAME);
    const chats = t('common.chats', { count: conversations.recovered });
    announce(t('problems.salvaged', { chats }));
  } catch (error) {
    const text = t('problems.notSalvaged', { why: because(error) });
    await new Promise<void>((resolve) => {
      showScreen(root, {
        name: 'problem',
        title: t('problems.corrupt'),
        text,
        detail: detailOf(error),
        actions: [{ label: t('common.tryAgain'), kind: 'main', run: resolve }],
      });
    });
    await showProblem(root, damage);
  }
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
