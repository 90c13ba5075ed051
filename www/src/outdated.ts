// Says that another tab runs a newer version of this page: once, and until it is reloaded.

import { h } from './dom.ts';

export class Outdated {
  /** To be in the page before anything is said. */
  readonly element = h('div', { class: 'bar', role: 'alert', 'data-testid': 'outdated' });

  show(): void {
    if (this.element.firstChild) return;
    this.element.append(
      h('p', {}, 'A newer version is open in another tab. Reload to go on; drafts are kept.'),
      reloadButton(),
    );
  }
}

export function reloadButton(): HTMLButtonElement {
  return h(
    'button',
    { type: 'button', class: 'button', onclick: () => location.reload() },
    'Reload',
  );
}
