// Small parts of the page by themselves, without one: what takes a model's thoughts apart from what it
// says, and what is taken for an address.

import { expect, test } from '@playwright/test';
import type { Piece } from '../../www/src/brains/brain.js';
import { isLocal, tidyUrl } from '../../www/src/brains/endpoints.js';
import { ThinkTags } from '../../www/src/brains/think-tags.js';
import { addressOf } from '../../www/src/chat/markdown/address.js';
import { decodeEntities } from '../../www/src/chat/markdown/entities.js';
import { lex } from '../../www/src/chat/markdown/lexer.js';

/** What is thought and what is said of a text that comes in these pieces. */
function taken(pieces: readonly string[]): { thought: string; said: string } {
  const tags = new ThinkTags();
  const all: Piece[] = [...pieces.flatMap((piece) => [...tags.read(piece)]), ...tags.end()];
  const sum = { thought: '', said: '' };
  for (const piece of all) {
    if (typeof piece === 'string') sum.said += piece;
    else if ('reasoning' in piece) sum.thought += piece.reasoning;
  }
  return sum;
}

test('thoughts are told from what is said, wherever the pieces are cut', () => {
  for (const [text, thought, said] of [
    ['<think>\nWell.\n</think>\n\nYes.', 'Well.\n', 'Yes.'],
    [
      '  <think>a < b </thin </think>Yes <think>not this</think>',
      'a < b </thin ',
      'Yes <think>not this</think>',
    ],
    ['Plain <think>text</think>', '', 'Plain <think>text</think>'],
    ['<thinking about it', '', '<thinking about it'],
    ['<th', '', '<th'],
    ['<think>never ends', 'never ends', ''],
    ['<think></think>x', '', 'x'],
    ['', '', ''],
  ] as const) {
    for (let size = 1; size <= text.length + 1; size += 1) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        text.slice(at * size, (at + 1) * size),
      );
      expect(taken(pieces), `${text} by ${size}`).toEqual({ thought, said });
    }
  }
});

test('an address is what one means by it, and nothing that runs', () => {
  for (const [given, url] of [
    ['https://api.openai.com/v1', 'https://api.openai.com/v1'],
    [' https://host/v1/chat/completions ', 'https://host/v1'],
    ['https://host/v1/models/', 'https://host/v1'],
    ['localhost:11434/v1', 'http://localhost:11434/v1'],
    ['127.0.0.1:1234', 'http://127.0.0.1:1234'],
    ['host.example/v1/', 'https://host.example/v1'],
    ['', undefined],
    ['javascript:alert(1)', undefined],
    ['file:///etc/passwd', undefined],
    ['https://user:secret@host/v1', undefined],
    ['https://host/v1?key=1', undefined],
    ['not an address', undefined],
  ] as const) {
    expect(tidyUrl(given), given).toBe(url);
  }
  expect(['http://localhost:1/v1', 'http://127.9.0.1/', 'http://[::1]:1/'].every(isLocal)).toBe(
    true,
  );
  expect(['https://localhost.example/', 'http://127.example/', 'x'].some(isLocal)).toBe(false);
});

test('what can be followed from a message', () => {
  for (const [given, address] of [
    ['https://example.com/a?b#c', 'https://example.com/a?b#c'],
    ['mailto:a@example.com', 'mailto:a@example.com'],
    ['#/chat/12/34', '#/chat/12/34'],
    ['#/trash', undefined],
    ['/path', undefined],
    ['//example.com', undefined],
    ['JaVaScRiPt:alert(1)', undefined],
    ['&#106;avascript:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['blob:https://example.com/x', undefined],
  ] as const) {
    expect(addressOf(given), given).toBe(address);
  }
});

test('character references', () => {
  expect(
    decodeEntities('&lt;b&gt; &amp; &#44032; &#xAC00; &nope; &constructor; &#0; &#xD800;'),
  ).toBe('<b> & 가 가 &nope; &constructor; \ufffd \ufffd');
});

test('formulas are told from money, and end where they end', () => {
  const kinds = (text: string) => {
    const found: string[] = [];
    const walk = (tokens: readonly { type: string; raw: string; tokens?: never[] }[]) => {
      for (const token of tokens) {
        if (token.type === 'math') found.push(token.raw.trim());
        walk(token.tokens ?? []);
      }
    };
    walk(lex(text) as never);
    return found;
  };
  expect(kinds('It costs $5 or $10, not $ 5 $.')).toEqual([]);
  expect(kinds('So $x$ and $y_1$, \\(a+b\\).')).toEqual(['$x$', '$y_1$', '\\(a+b\\)']);
  expect(kinds('$$\nx\n$$')).toEqual(['$$\nx\n$$']);
  expect(kinds('before\n\\[\nx\n\\]\nafter')).toEqual(['\\[\nx\n\\]']);
  expect(kinds('`$x$` and \\$x\\$')).toEqual([]);
  // Many that are not closed do not take long.
  expect(kinds('$a '.repeat(20_000))).toEqual([]);
});
