// Opens the page once its code is there, and again for as long as it cannot be opened.

import type { ConversationStore } from 'conversation-store';
import { startApp } from './app.ts';
import { loadViews } from './chat/chat-pane.ts';
import { type Catalog, loadLanguage } from './i18n/index.ts';
import { beginToOpen } from './opening/begin.ts';
import { openStore, showProblem } from './opening/open.ts';
import { currentRoute } from './route.ts';
import { warmTimes } from './times.ts';

/**
 * @param begun The opening that is under way.
 * @param texts The reader's texts, which are under way too.
 */
export async function start(
  begun: Promise<ConversationStore>,
  texts: Promise<Catalog>,
): Promise<void> {
  const root = document.getElementById('root');
  if (!root) throw new Error('index.html has no #root');
  // What goes wrong is said where it is needed.
  if (currentRoute().view !== 'list') void loadViews().catch(() => undefined);
  await loadLanguage(texts);
  warmTimes();
  for (let opening = begun; ; opening = beginToOpen()) {
    const store = await openStore(root, opening);
    try {
      await startApp(root, store);
      return;
    } catch (error) {
      await store.close().catch(() => undefined);
      await showProblem(root, error);
    }
  }
}
