// What is done to people's text before it is shown: shortened, cut in blocks, its language told.
// Never changes what is stored. Knows no DOM.

const BLOCK = 20_000;

// Made once, with the first use: making one takes longer than using it.
let characters: Intl.Segmenter | undefined;

/** How much of a long text is shown at first: an end index, `text.length` for all of it. */
export function shownLength(text: string, most: { characters: number; lines: number }): number {
  let end = text.length > most.characters * 1.2 ? breakBefore(text, most.characters) : text.length;
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) {
    lines += 1;
    if (lines === most.lines) end = at;
  }
  return end;
}

/**
 * The rest of a long text in blocks, each laid out by itself, so that no browser has to lay out a
 * megabyte as one paragraph. A line break between two blocks belongs to neither.
 */
export function* blocksFrom(text: string, start: number): Generator<string> {
  let from = text[start] === '\n' ? start + 1 : start;
  while (from < text.length) {
    let end = text.length;
    if (end - from > BLOCK) {
      const newline = text.lastIndexOf('\n', from + BLOCK);
      end = newline > from ? newline : breakBefore(text, from + BLOCK);
    }
    yield text.slice(from, end);
    from = text[end] === '\n' ? end + 1 : end;
  }
}

/**
 * A text as its parts: what is said, and code between fences (CommonMark 4.5). A fence that is not
 * closed goes to the end. There is always something said last, so that what comes has a place.
 */
export function fenced(text: string): { code: boolean; text: string; language?: string }[] {
  const parts: { code: boolean; text: string; language?: string }[] = [];
  let from = 0;
  for (const match of text.matchAll(/^```([^`\n]*)\n([\s\S]*?)(?:^```[ \t]*$|(?![\s\S]))/gm)) {
    const said = text.slice(from, match.index).replace(/^\n+|\n+$/g, '');
    from = match.index + match[0].length;
    if (said !== '') parts.push({ code: false, text: said });
    const closed = match[0].trimEnd().endsWith('\n```');
    const [, language = '', code = ''] = match;
    parts.push({ code: true, text: closed ? code.replace(/\n$/, '') : code, language });
    if (!closed) return parts;
  }
  const rest = text.slice(from);
  parts.push({ code: false, text: from === 0 ? rest : rest.replace(/^\n+/, '') });
  return parts;
}

/** A place near `at`, not after it, where a cut hurts least: a space, or between two characters. */
function breakBefore(text: string, at: number): number {
  for (let index = at; index > at - 200 && index > 0; index -= 1) {
    if (/\s/.test(text[index - 1] ?? '')) return index;
  }
  let index = at;
  while (index > at - 50 && index > 1 && joins(text, index)) index -= 1;
  return index;
}

/** Whether a cut at `index` would split a surrogate pair, an accent or a joined emoji. */
function joins(text: string, index: number): boolean {
  const before = text.charCodeAt(index - 1);
  if (before === 0x200d || (before >= 0xd800 && before <= 0xdbff)) return true;
  const after = text.slice(index, index + 2);
  return (
    after.startsWith('\u200d') || /^[\p{M}\p{Emoji_Modifier}\p{Regional_Indicator}]/u.test(after)
  );
}

/** At most `length` characters of one line, with an ellipsis where something was left out. */
export function shorten(text: string, length: number): string {
  const line = text
    .slice(0, length * 40)
    .trim()
    .replace(/\s+/g, ' ');
  // No character is less than a unit.
  if (line.length <= length) return line;
  characters ??= new Intl.Segmenter();
  let count = 0;
  for (const { index } of characters.segment(line)) {
    if (count === length) return `${line.slice(0, index).trimEnd()}…`;
    count += 1;
  }
  return line;
}

/** A chat's title from its first message. */
export function titleFrom(content: string): string {
  const first = content.slice(0, 4_000).trim().split('\n', 1)[0] ?? '';
  return shorten(first, 60);
}

/**
 * The language of a text where its script tells it, for `lang`: screen readers pick the voice by
 * it, and Korean is then wrapped between words.
 */
export function languageOf(text: string): string | undefined {
  const start = text.slice(0, 400);
  if (/\p{Script=Hangul}/u.test(start)) return 'ko';
  if (/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(start)) return 'ja';
  return undefined;
}
