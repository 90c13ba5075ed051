// Starts the tour: a page of its own on a store of its own, which holds nothing of the reader's chats.

import { ConversationStore } from 'conversation-store';
import { h } from '../dom.ts';
import { loadLanguage, loadTour, t } from '../i18n/index.ts';
import { beginToLoad } from '../i18n/language.ts';
import { detailOf } from '../words.ts';
import { startTour } from './tour.ts';

const root = document.getElementById('root');
if (!root) throw new Error('tour.html has no #root');

await loadLanguage(beginToLoad());
await loadTour();
try {
  await startTour(root, () => ConversationStore.open('tour'));
} catch (error) {
  root.replaceChildren(
    h(
      'main',
      { class: 'screen' },
      h('h1', { class: 'screen-title' }, t('tour.notOpened')),
      h('p', { class: 'screen-text' }, detailOf(error)),
    ),
  );
}
