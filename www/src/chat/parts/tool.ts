// A tool that a brain called: its name and where that stands, and folded what it was given and gave.

import type { MessagePart } from 'conversation-store';
import { h } from '../../dom.ts';
import { t } from '../../i18n/index.ts';
import { icon } from '../../icons.ts';
import { shorten } from '../../text.ts';
import { CodeBlock } from '../markdown/code-block.ts';
import { Fold } from './fold.ts';
import type { PartView } from './part.ts';

export class ToolPart implements PartView {
  readonly #fold = new Fold('tool', () => this.#render());
  #part: MessagePart;

  constructor(part: MessagePart) {
    this.#part = part;
    this.update(part);
  }

  get element(): HTMLElement {
    return this.#fold.element;
  }

  update(part: MessagePart): void {
    this.#part = part;
    const { type, toolName, state } = part;
    const name = typeof toolName === 'string' ? toolName : type.replace(/^tool-/, '');
    const failed = state === 'output-error';
    const words = failed
      ? t('chat.toolFailed')
      : t(state === 'output-available' ? 'chat.toolDone' : 'chat.toolCalled');
    this.element.toggleAttribute('data-failed', failed);
    this.#fold.summary.replaceChildren(
      icon('tool'),
      h('span', { class: 'fold-name', dir: 'auto' }, shorten(name, 80)),
      h('span', { class: 'fold-state' }, words),
    );
    this.#fold.refresh();
  }

  #render(): void {
    const { input, output, errorText } = this.#part;
    const shown = [
      [t('chat.toolInput'), input],
      [t('chat.toolOutput'), output],
      [t('chat.toolError'), errorText],
    ] as const;
    this.#fold.body.replaceChildren(
      ...shown.flatMap(([label, value]) =>
        value === undefined || value === null
          ? []
          : [h('p', { class: 'fold-label' }, label), asCode(value)],
      ),
    );
  }
}

/** A value as it is: a text, or else JSON. */
export function asCode(value: unknown): HTMLElement {
  if (typeof value === 'string') return new CodeBlock(value, '').element;
  return new CodeBlock(JSON.stringify(value, null, 2) ?? '', 'json').element;
}
