// A page about something that is wrong while the chats are open: what happened, that nothing was deleted,
// what to do. Its address can be opened by itself. Knows no store.

import { backLink } from '../chat/back-link.ts';
import { h } from '../dom.ts';
import { loadProblemPages, t } from '../i18n/index.ts';
import { hashOf, type ProblemKind } from '../route.ts';
import type { View } from '../view.ts';
import './problem.css';

export interface ProblemActions {
  backUp: () => void;
  openStorage: () => void;
  restore: () => void;
}

/** The page about a kind of problem; its texts are fetched with the first. */
export async function problemView(kind: ProblemKind, actions: ProblemActions): Promise<View> {
  await loadProblemPages();
  return new ProblemView(kind, actions);
}

class ProblemView implements View {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;

  constructor(kind: ProblemKind, actions: ProblemActions) {
    this.heading = h('h2', { class: 'chat-title', tabindex: -1 }, t(`problemPages.${kind}Page`));
    const button = (label: string, onclick: () => void, main = false) =>
      h(
        'button',
        { type: 'button', class: main ? 'button button-main' : 'button', onclick },
        label,
      );
    const backUp = button(t('storage.downloadBackup'), actions.backUp, kind !== 'evicted');
    const restore = button(t('storage.restore'), actions.restore, kind === 'evicted');
    const reload = button(t('common.reloadPage'), () => location.reload(), kind === 'outdated');
    const storage = button(t('problemPages.toStorage'), actions.openStorage);
    const trash = h(
      'a',
      { class: 'button', href: hashOf({ view: 'trash' }) },
      t('problemPages.toTrash'),
    );
    const todo = {
      full: [backUp, trash, storage],
      evicted: [restore, storage],
      outdated: [reload],
      corrupt: [backUp, storage],
    }[kind];
    this.element = h(
      'div',
      { class: 'view', 'data-testid': `problem-${kind}` },
      h(
        'header',
        { class: 'chat-head' },
        backLink(),
        h('div', { class: 'chat-name' }, this.heading),
      ),
      h(
        'div',
        { class: 'scroller' },
        h(
          'div',
          { class: 'column problem' },
          part(t('problemPages.what'), t(`problemPages.${kind}What`)),
          part(t('problemPages.chats'), t(`problemPages.${kind}Chats`)),
          part(t('problemPages.do'), t(`problemPages.${kind}Do`)),
          h('div', { class: 'dialog-actions dialog-actions-start' }, ...todo),
        ),
      ),
    );
  }

  focus(): void {
    this.heading.focus();
  }
}

function part(title: string, text: string): HTMLElement {
  return h('section', {}, h('h3', { class: 'problem-title' }, title), h('p', {}, text));
}
