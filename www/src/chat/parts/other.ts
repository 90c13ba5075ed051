// Parts that are shown by little: where something was read, and what this page has no view for.

import type { MessagePart } from 'conversation-store';
import { h } from '../../dom.ts';
import { t } from '../../i18n/index.ts';
import { shorten } from '../../text.ts';
import { picture } from '../markdown/picture.ts';
import { Fold } from './fold.ts';
import type { PartView } from './part.ts';
import { asCode } from './tool.ts';

/** A source that a brain names: a link. */
export class SourcePart implements PartView {
  readonly element = h('p', { class: 'source' });

  constructor(part: MessagePart) {
    this.update(part);
  }

  update({ url, title }: MessagePart): void {
    const address = typeof url === 'string' ? url : '';
    const words = typeof title === 'string' && title !== '' ? shorten(title, 120) : address;
    // A picture of elsewhere is a link, and so is this.
    this.element.replaceChildren(address.startsWith('data:') ? words : picture(address, words));
  }
}

/** A part of a kind that is not known: its name, and folded what it holds. */
export class OtherPart implements PartView {
  readonly #fold = new Fold('other-part', () => {
    this.#fold.body.replaceChildren(asCode(this.#part));
  });
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
    this.#fold.summary.textContent = t('chat.otherPart', { kind: shorten(part.type, 60) });
    this.#fold.refresh();
  }
}
