// Tells screen readers what changed on the page and would otherwise only be seen.

import { h } from './dom.ts';

const polite = h('div', { class: 'unseen', role: 'status', 'data-testid': 'announcements' });
const urgent = h('div', { class: 'unseen', role: 'alert' });

/** The live regions; they must be in the page before anything is said. */
export function liveRegions(): HTMLElement[] {
  return [polite, urgent];
}

export function announce(text: string, how: 'polite' | 'urgent' = 'polite'): void {
  // A node of its own each time: the same words said twice are then heard twice.
  (how === 'polite' ? polite : urgent).replaceChildren(h('p', {}, text));
}
