// Says that another tab runs a newer version of this page: once, and until it is reloaded.

import { h } from '../dom.ts';
import { t } from '../i18n/index.ts';

export class Outdated {
  /** To be in the page before anything is said. */
  readonly element = h('div', { class: 'bar', role: 'alert', 'data-testid': 'outdated' });

  show(): void {
    if (this.element.firstChild) return;
    this.element.append(h('p', {}, t('app.outdated')), reloadButton());
  }
}

export function reloadButton(): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'button', onclick: () => location.reload() },
    t('common.reload'),
  );
}
