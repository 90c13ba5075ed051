// What a brain thought before it spoke: folded.

import type { MessagePart } from 'conversation-store';
import { t } from '../../i18n/index.ts';
import { icon } from '../../icons.ts';
import { Markdown } from '../markdown/markdown.ts';
import { Fold } from './fold.ts';
import type { PartView } from './part.ts';

export class ReasoningPart implements PartView {
  readonly #fold = new Fold('reasoning', () => this.#render());
  #markdown: Markdown | undefined;
  #text = '';
  #growing: boolean | undefined;

  constructor(text: string, growing: boolean) {
    this.update({ type: 'reasoning', text }, growing);
  }

  get element(): HTMLElement {
    return this.#fold.element;
  }

  update({ text }: MessagePart, growing: boolean): void {
    this.#text = String(text);
    if (growing !== this.#growing) {
      this.#growing = growing;
      const words = t(growing ? 'chat.thinking' : 'chat.reasoning');
      this.#fold.summary.replaceChildren(icon('thought'), words);
      this.element.toggleAttribute('data-growing', growing);
    }
    this.#fold.refresh();
  }

  #render(): void {
    if (!this.#markdown) {
      this.#markdown = new Markdown('', true);
      this.#fold.body.append(this.#markdown.element);
    }
    this.#markdown.update(this.#text, this.#growing === true);
  }
}
