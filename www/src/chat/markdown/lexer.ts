// Markdown as tokens: GFM by marked's lexer, with formulas, and with emphasis that ends before a
// Korean, Chinese or Japanese letter. Knows no DOM.

import { Lexer, type MarkedOptions, type Token, type TokensList } from 'marked';

/** A formula in TeX, in a line of text or in a line of its own. */
export interface MathToken {
  type: 'math';
  raw: string;
  tex: string;
  display: boolean;
}

type Tokenize = (
  this: { lexer: Lexer },
  source: string,
  tokens: Token[] | TokensList,
) => Token | undefined;

const math = (match: RegExpExecArray | null, display: boolean): Token | undefined => {
  const tex = (match?.[1] ?? match?.[2])?.trim();
  return match && tex ? { type: 'math', raw: match[0], tex, display } : undefined;
};

const mathBlock: Tokenize = (source) =>
  math(/^ {0,3}(?:\$\$([^$]+)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)/.exec(source), true);

// As Pandoc has it: no space inside, no digit after, so that $5 and $10 are sums of money.
const mathInLine: Tokenize = (source) =>
  math(/^(?:\$\$([^$\n]+)\$\$|\\\[((?:[^\\\n]|\\(?!\]))+)\\\])/.exec(source), true) ??
  math(
    /^(?:\$(?![\s$])((?:[^\\$\n]|\\.)*?(?:[^\\$\s]|\\\S))\$(?![\d$])|\\\(((?:[^\\\n]|\\(?!\)))+)\\\))/.exec(
      source,
    ),
    false,
  );

// CommonMark 6.2 lets no emphasis end between punctuation and a letter: `**“말”**은` would stay as it
// is, for particles stand without a space.
const strongBeforeLetter: Tokenize = function (source) {
  const match =
    /^\*\*(?!\s)([^*\n]+[\p{P}\p{S}])\*\*(?=[\p{Script=Hangul}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])/u.exec(
      source,
    );
  const text = match?.[1];
  if (!match || text === undefined) return undefined;
  return { type: 'strong', raw: match[0], text, tokens: this.lexer.inlineTokens(text) };
};

const startOf = (pattern: RegExp) => (source: string) => {
  const at = source.search(pattern);
  return at === -1 ? undefined : at;
};

function options(): MarkedOptions {
  return {
    gfm: true,
    breaks: true,
    extensions: {
      renderers: {},
      childTokens: {},
      block: [mathBlock],
      inline: [mathInLine, strongBeforeLetter],
      startBlock: [startOf(/(?<=\n) {0,3}(?:\$\$|\\\[)/)],
      startInline: [startOf(/\$|\\[([]/), startOf(/\*\*/)],
    },
  } as MarkedOptions;
}

/** The blocks of a text. */
export function lex(text: string): TokensList {
  return new Lexer(options()).lex(text);
}
