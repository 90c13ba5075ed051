// The newest events of a store, as they come.

import type { ConversationStore } from 'conversation-store';
import { h } from '../dom.ts';

const SHOWN = 50;

export class EventLog {
  readonly element = h('ol', {
    class: 'tour-log',
    tabindex: 0,
    'aria-label': 'change',
    'data-testid': 'event-log',
  });

  constructor(store: ConversationStore) {
    store.addEventListener('change', ({ detail }) => this.#add('change', detail));
    store.addEventListener('status', ({ detail }) => this.#add('status', { role: detail.role }));
  }

  #add(type: string, detail: object): void {
    this.element.prepend(h('li', {}, h('b', {}, type), ` ${JSON.stringify(detail)}`));
    while (this.element.children.length > SHOWN) this.element.lastElementChild?.remove();
  }
}
