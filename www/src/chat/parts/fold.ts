// What is folded away until somebody wants to see it; made only then.

import { h } from '../../dom.ts';

export class Fold {
  readonly element: HTMLDetailsElement;
  readonly summary = h('summary', {});
  readonly body = h('div', { class: 'fold-body' });

  /** @param render Fills the body: when it is opened, and again when `refresh` is called while it is. */
  constructor(
    name: string,
    private readonly render: () => void,
  ) {
    this.element = h('details', { class: 'fold', 'data-testid': name }, this.summary, this.body);
    this.element.addEventListener('toggle', () => this.refresh());
  }

  refresh(): void {
    if (this.element.open) this.render();
  }
}
