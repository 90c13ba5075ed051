// What a brain says: Markdown, all of it but of the very long, which is shown from its beginning until
// the rest is asked for.

import type { MessagePart } from 'conversation-store';
import { h } from '../../dom.ts';
import { shownLength } from '../../text.ts';
import { Markdown } from '../markdown/markdown.ts';
import { clipped } from './clipped.ts';
import type { PartView } from './part.ts';

const SHOWN = { characters: 60_000, lines: 2_000 };

export class MarkdownText implements PartView {
  readonly element = h('div', { class: 'part' });
  readonly #markdown: Markdown;
  #more: HTMLElement | undefined;

  constructor(text: string, growing: boolean) {
    this.#markdown = new Markdown('', growing);
    this.element.append(this.#markdown.element);
    this.#show(text, growing);
  }

  update({ text }: MessagePart, growing: boolean): void {
    this.#show(String(text), growing);
  }

  #show(text: string, growing: boolean): void {
    // What is still coming is shown to its end.
    const end = growing ? text.length : shownLength(text, SHOWN);
    this.#markdown.update(text.slice(0, end), growing);
    this.#more?.remove();
    this.#more = end === text.length ? undefined : clipped(this.element, text, end);
  }
}
