// Code set apart: its language, a button that copies it, its colours once they are loaded. Grows in
// its place while it comes.

import { h } from '../../dom.ts';
import { t } from '../../i18n/index.ts';
import { icon } from '../../icons.ts';
import { copyWith } from '../copy.ts';

/** Code beyond this is not coloured: it would take longer than it helps. */
const COLOURED = 60_000;

export class CodeBlock {
  readonly element: HTMLElement;
  readonly #code: HTMLElement;
  readonly #language: string;
  #text = '';

  /** @param growing Whether more is to come: it is coloured when it is complete. */
  constructor(text: string, info: string | undefined, growing = false) {
    this.#language = (info ?? '').trim().split(/[\s{,]/, 1)[0] ?? '';
    this.#code = h('code', {});
    this.element = h(
      'figure',
      { class: 'code' },
      h(
        'figcaption',
        { class: 'code-head' },
        // By the style sheet: it is no part of what was said.
        h('span', { class: 'code-language', 'data-language': this.#language }),
        h(
          'button',
          {
            type: 'button',
            class: 'icon-button small',
            'aria-label': t('chat.copyCode'),
            title: t('chat.copyCode'),
            'data-testid': 'copy-code',
            onclick: (event: MouseEvent) => copyWith(event.currentTarget, this.#text),
          },
          icon('copy'),
        ),
      ),
      h('pre', { tabindex: 0, dir: 'ltr' }, this.#code),
    );
    this.update(text, growing);
  }

  get language(): string {
    return this.#language;
  }

  update(text: string, growing: boolean): void {
    if (text.startsWith(this.#text) && this.#code.lastChild instanceof Text) {
      this.#code.lastChild.appendData(text.slice(this.#text.length));
    } else if (text !== this.#text) {
      this.#code.replaceChildren(new Text(text));
    }
    this.#text = text;
    if (!growing && this.#language !== '' && text.length <= COLOURED) void this.#colour(text);
  }

  async #colour(text: string): Promise<void> {
    try {
      const { colours } = await import('./highlighter.ts');
      const nodes = await colours(text, this.#language);
      if (nodes && text === this.#text) this.#code.replaceChildren(...nodes);
    } catch {
      // Not loaded, with no network say: code without colours is code all the same.
    }
  }
}
