// A text in Markdown, block by block. While it grows only the block that grows is made anew; what
// stands above it stays as it is, with the reader's selection in it.

import type { Token, Tokens } from 'marked';
import { h } from '../../dom.ts';
import { CodeBlock } from './code-block.ts';
import { lex } from './lexer.ts';
import { blockNode, type RenderState } from './render.ts';

interface Block {
  raw: string;
  /** Where it begins in the text. */
  start: number;
  node: Node | undefined;
  code: CodeBlock | undefined;
  /** The level of the last heading before it. */
  heading: number;
}

export class Markdown {
  readonly element = h('div', { class: 'md' });
  #text = '';
  #growing = false;
  #blocks: Block[] = [];

  constructor(text: string, growing = false) {
    this.update(text, growing);
  }

  /** @param growing Whether more is to come. */
  update(given: string, growing: boolean): void {
    const text = given.replace(/\r\n?/g, '\n');
    if (text === this.#text && growing === this.#growing) return;
    const grown = this.#growing && text.startsWith(this.#text);
    this.#text = text;
    this.#growing = growing;
    // What ends a text may still become something else; what stands before it will not. A list goes on
    // after a blank line.
    const at = this.#blocks.findLastIndex(({ raw }) => raw.trim() !== '');
    const last = this.#blocks[at];
    if (grown && growing && last) this.#replace(at, last.start);
    else this.#replaceChanged();
  }

  /** Makes anew what the text has from `start` on, where the block `from` begins. */
  #replace(from: number, start: number): void {
    const [old] = this.#blocks.splice(from);
    this.#append(lex(this.#text.slice(start)), start, old);
  }

  /** Makes anew what is not as it was, from the first block on that is another. */
  #replaceChanged(): void {
    const tokens = lex(this.#text);
    // Addresses may stand at the end, for links anywhere.
    const known = Object.keys(tokens.links).length === 0;
    let from = 0;
    let start = 0;
    while (
      known &&
      from < this.#blocks.length - 1 &&
      this.#blocks[from]?.raw === tokens[from]?.raw
    ) {
      start += tokens[from]?.raw.length ?? 0;
      from += 1;
    }
    const [old, ...rest] = this.#blocks.splice(from);
    for (const { node } of rest) (node as ChildNode | undefined)?.remove();
    this.#append(tokens.slice(from), start, old);
  }

  /** Appends blocks; the first one may go on where `old` was. */
  #append(tokens: readonly Token[], start: number, old: Block | undefined): void {
    let place = start;
    let before = old;
    const state: RenderState = { heading: old?.heading ?? 2 };
    for (const [index, token] of tokens.entries()) {
      const last = index === tokens.length - 1;
      const growing = this.#growing && last;
      const { heading } = state;
      const block: Block = {
        raw: token.raw,
        start: place,
        node: undefined,
        code: undefined,
        heading,
      };
      place += token.raw.length;
      this.#blocks.push(block);
      const code = token.type === 'code' ? (token as Tokens.Code) : undefined;
      if (code && before?.code && languageOf(code) === before.code.language) {
        block.code = before.code;
        block.node = before.node;
        block.code.update(code.text, growing);
        before = undefined;
        continue;
      }
      if (code) {
        block.code = new CodeBlock(code.text, code.lang, growing);
        block.node = block.code.element;
      } else {
        block.node = blockNode(token, state);
      }
      const oldNode = before?.node as ChildNode | undefined;
      before = undefined;
      if (oldNode && block.node) oldNode.replaceWith(block.node);
      else if (oldNode) oldNode.remove();
      else if (block.node) this.element.append(block.node);
    }
    (before?.node as ChildNode | undefined)?.remove();
  }
}

function languageOf({ lang }: Tokens.Code): string {
  return (lang ?? '').trim().split(/[\s{,]/, 1)[0] ?? '';
}
