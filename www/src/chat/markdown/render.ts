// Tokens as nodes of the page. No markup is ever parsed: text becomes text nodes, addresses are let
// through by their protocol, and what is HTML goes to html.ts or is shown as it was written.

import type { Token, Tokens } from 'marked';
import { h } from '../../dom.ts';
import { addressOf } from './address.ts';
import { CodeBlock } from './code-block.ts';
import { decodeEntities } from './entities.ts';
import { formula } from './formula.ts';
import { htmlBlock } from './html.ts';
import type { MathToken } from './lexer.ts';
import { picture } from './picture.ts';

/** What is carried from one block to the next. */
export interface RenderState {
  /** The level of the last heading; levels are never skipped on the way down. */
  heading: number;
}

// The page's own headings are above those of messages.
const TOP = 3;

/** Elements without attributes that people write in the middle of a line. */
const INLINE = new Set(
  'b strong i em u s del ins sub sup kbd mark small q abbr cite var samp'.split(' '),
);

type InlineName = 'b';

export function blockNodes(tokens: readonly Token[], state: RenderState): Node[] {
  return tokens.flatMap((token) => blockNode(token, state) ?? []);
}

export function blockNode(token: Token, state: RenderState): Node | undefined {
  switch (token.type) {
    case 'space':
    case 'def':
      return undefined;
    case 'heading': {
      const { depth, tokens } = token as Tokens.Heading;
      const level = Math.min(6, depth + TOP - 1, state.heading + 1);
      state.heading = level;
      return h(`h${level}` as 'h3', { dir: 'auto', 'data-depth': depth }, ...inlineNodes(tokens));
    }
    case 'paragraph':
      return h('p', { dir: 'auto' }, ...inlineNodes((token as Tokens.Paragraph).tokens));
    case 'text': {
      const { tokens, text } = token as Tokens.Text;
      return h('span', { dir: 'auto' }, ...(tokens ? inlineNodes(tokens) : [decodeEntities(text)]));
    }
    case 'code': {
      const { text, lang } = token as Tokens.Code;
      return new CodeBlock(text, lang).element;
    }
    case 'math': {
      const { tex, display } = token as MathToken;
      return formula(tex, display);
    }
    case 'blockquote':
      return h('blockquote', {}, ...blockNodes((token as Tokens.Blockquote).tokens, state));
    case 'list':
      return list(token as Tokens.List, state);
    case 'table':
      return table(token as Tokens.Table);
    case 'hr':
      return h('hr');
    case 'html':
      return htmlBlock((token as Tokens.HTML).raw.trim());
    case 'checkbox':
      return checkbox((token as Tokens.Checkbox).checked);
    default:
      return inlineNode(token);
  }
}

function list({ ordered, start, items }: Tokens.List, state: RenderState): HTMLElement {
  const rows = items.map(({ tokens, task }) =>
    h('li', { dir: 'auto', ...(task && { class: 'md-task' }) }, ...blockNodes(tokens, state)),
  );
  if (!ordered) return h('ul', {}, ...rows);
  return h('ol', { start: start === '' || start === 1 ? undefined : start }, ...rows);
}

function checkbox(checked: boolean): HTMLElement {
  // Not a control: a picture of one.
  return h('span', {
    class: 'md-check',
    role: 'img',
    'aria-label': checked ? '✓' : '☐',
    'data-checked': String(checked),
  });
}

function table({ header, rows }: Tokens.Table): HTMLElement {
  const cells = (tag: 'th' | 'td', row: Tokens.TableCell[]) =>
    h(
      'tr',
      {},
      ...row.map(({ tokens, align }) =>
        h(
          tag,
          { dir: 'auto', 'data-align': align ?? undefined, ...(tag === 'th' && { scope: 'col' }) },
          ...inlineNodes(tokens),
        ),
      ),
    );
  return h(
    'div',
    { class: 'md-table', tabindex: 0 },
    h(
      'table',
      {},
      h('thead', {}, cells('th', header)),
      h('tbody', {}, ...rows.map((row) => cells('td', row))),
    ),
  );
}

function inlineNodes(tokens: readonly Token[]): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (!token) continue;
    const name = token.type === 'html' ? openName(token.raw) : undefined;
    const end = name === undefined ? -1 : closing(tokens, at, name);
    if (name !== undefined && end !== -1) {
      nodes.push(h(name as InlineName, {}, ...inlineNodes(tokens.slice(at + 1, end))));
      at = end;
    } else {
      nodes.push(inlineNode(token));
    }
  }
  return nodes;
}

function openName(raw: string): string | undefined {
  const name = /^<([a-z]+)>$/i.exec(raw)?.[1]?.toLowerCase();
  return name !== undefined && INLINE.has(name) ? name : undefined;
}

/** Where an element that begins at `from` ends; -1 if it does not. */
function closing(tokens: readonly Token[], from: number, name: string): number {
  let open = 0;
  for (let at = from; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.type !== 'html') continue;
    if (openName(token.raw) === name) open += 1;
    else if (token.raw.toLowerCase() === `</${name}>`) open -= 1;
    if (open === 0) return at;
  }
  return -1;
}

function inlineNode(token: Token): Node {
  switch (token.type) {
    case 'strong':
    case 'em':
    case 'del':
      return h(token.type, {}, ...inlineNodes((token as Tokens.Strong).tokens));
    case 'codespan':
      return h('code', { dir: 'auto' }, (token as Tokens.Codespan).text);
    case 'br':
      return h('br');
    // Of an item with blank lines, where it begins a paragraph.
    case 'checkbox':
      return checkbox((token as Tokens.Checkbox).checked);
    case 'link':
      return link(token as Tokens.Link);
    case 'image': {
      const { href, text, title } = token as Tokens.Image;
      return picture(href, decodeEntities(text || title || ''));
    }
    case 'math': {
      const { tex, display } = token as MathToken;
      return formula(tex, display);
    }
    case 'html':
      return /^<br\s*\/?>$/i.test(token.raw) ? h('br') : new Text(token.raw);
    case 'text':
    case 'escape': {
      const { text, tokens } = token as Tokens.Text;
      if (!tokens) return new Text(decodeEntities(text));
      return h('span', {}, ...inlineNodes(tokens));
    }
    default:
      return new Text(token.raw);
  }
}

function link({ href, title, tokens }: Tokens.Link): Node {
  const words = inlineNodes(tokens);
  const address = addressOf(href);
  if (address === undefined) return h('span', { title: href }, ...words);
  const inside = address.startsWith('#');
  return h(
    'a',
    {
      href: address,
      title: title ? decodeEntities(title) : undefined,
      ...(!inside && { target: '_blank', rel: 'noopener noreferrer nofollow' }),
    },
    ...words,
  );
}
