// What a person has written, as it was written: its lines and spaces, with code between fences set
// apart, and with addresses that can be followed.

import type { MessagePart } from 'conversation-store';
import { h } from '../../dom.ts';
import { fenced, shownLength } from '../../text.ts';
import { addressOf } from '../markdown/address.ts';
import { CodeBlock } from '../markdown/code-block.ts';
import { clipped } from './clipped.ts';
import type { PartView } from './part.ts';

const SHOWN = { characters: 6_000, lines: 120 };

export class WrittenText implements PartView {
  readonly element = h('div', { class: 'part written', dir: 'auto' });
  #text: string | undefined;

  constructor(text: string) {
    this.#show(text);
  }

  update({ text }: MessagePart): void {
    this.#show(String(text));
  }

  #show(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    const end = shownLength(text, SHOWN);
    const nodes = fenced(text.slice(0, end)).flatMap((part) =>
      part.code ? [new CodeBlock(part.text, part.language).element] : withLinks(part.text),
    );
    this.element.replaceChildren(...nodes);
    if (end < text.length) clipped(this.element, text, end);
  }
}

/** A text with its web addresses as links. */
function withLinks(text: string): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'`]+/g)) {
    // What ends a sentence does not end an address.
    const address = match[0].replace(/[.,;:!?)\]}]+$/, '');
    const href = addressOf(address);
    if (href === undefined) continue;
    nodes.push(new Text(text.slice(from, match.index)));
    nodes.push(h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, address));
    from = match.index + address.length;
  }
  nodes.push(new Text(text.slice(from)));
  return nodes;
}
