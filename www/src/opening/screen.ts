// The page when there are no chats to show yet: one heading, one text, what can be done.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';

export interface ScreenAction {
  label: string;
  run: () => void;
  kind?: 'main' | 'danger';
}

export interface Screen {
  /** For tests and styles: which screen this is. */
  name: 'opening' | 'welcome' | 'problem';
  title: string;
  text?: string;
  /** The store's own words, folded away. */
  detail?: string;
  actions?: ScreenAction[];
}

export function showScreen(root: HTMLElement, screen: Screen): void {
  const { name, title, text, detail, actions = [] } = screen;
  const moving = name !== 'problem';
  root.replaceChildren(
    h(
      'main',
      { class: 'screen', 'data-screen': name, 'data-testid': `screen-${name}` },
      moving && h('span', { class: 'dots', 'aria-hidden': 'true' }, h('i'), h('i'), h('i')),
      h(
        'div',
        { role: moving ? 'status' : 'alert' },
        h('h1', { class: name === 'welcome' ? 'first-title' : 'screen-title' }, title),
        text !== undefined && h('p', { class: 'screen-text' }, text),
      ),
      actions.length > 0 &&
        h(
          'div',
          { class: 'screen-actions' },
          ...actions.map(({ label, run, kind }) =>
            h(
              'button',
              { type: 'button', class: kind ? `button button-${kind}` : 'button', onclick: run },
              label,
            ),
          ),
        ),
      detail !== undefined &&
        h(
          'details',
          { class: 'technical screen-technical' },
          h('summary', {}, t('common.technical')),
          h('p', { class: 'screen-detail' }, detail),
        ),
    ),
  );
}
