// Makes the offline brain's answer: what is asked for, what the stored chats say to it, in the language
// of the question, as Markdown. Reads the store and changes nothing. Knows no DOM.

import type { Conversation, SearchHit } from 'conversation-store';
import type { ChatsToRead } from './offline.ts';
import { english, korean, type Words } from './offline-words.ts';

export interface Asked {
  question: string;
  /** Where it is asked: what stands there is no answer to it. */
  conversationId: number;
  variant: number;
  signal: AbortSignal;
}

/** Hits told in one answer; the next variant tells the next ones. */
const HITS = 5;
/** Chats of a time told in one answer. */
const LISTED = 30;
const DAY = 86_400_000;

export async function composeAnswer(chats: ChatsToRead, asked: Asked): Promise<string> {
  const text = asked.question.trim().replace(/\s+/g, ' ');
  const words = wordsFor(text);
  switch (wantOf(text)) {
    case 'help':
      return help(chats, words, asked);
    case 'formatting':
      return words.formatting;
    case 'numbers':
      return numbers(chats, words, asked);
    case 'lately':
      return lately(chats, words, asked, text);
    case 'search':
      return lookFor(chats, words, asked, text);
  }
}

/** A title for what begins with a question: what it is about, without how it is asked. */
export function titleOf(question: string): string | undefined {
  const line = question.trim().split('\n', 1)[0]?.trim() ?? '';
  const bare = line
    .replace(/[?？.!。]+$/, '')
    .replace(
      /^(?:(?:please|hi|hello|hey)[,!]?\s+)?(?:(?:can|could|would) you\s+)?(?:how (?:do|can|should|would) (?:i|we|you)|what (?:is|are|was|were|did i say about)|tell me about|explain|show me|find(?: me)?|do you know)\s+(?:an?\s|the\s)?/i,
      '',
    )
    .replace(
      /\s*(?:을|를|좀|에 대해서?)?\s*(?:알려|찾아|보여|설명해|말해|정리해)\s?(?:줘|주세요|줄래)요?$/,
      '',
    )
    .trim();
  if (bare === '' || bare === line || [...bare].length > 60) return undefined;
  return bare.charAt(0).toLocaleUpperCase() + bare.slice(1);
}

type Want = 'help' | 'formatting' | 'numbers' | 'lately' | 'search';

const OF_CHATS =
  /\b(?:chats?|conversations?|messages?|talk(?:ed)?|discuss(?:ed)?)\b|대화|채팅|메시지|얘기|이야기/i;

function wantOf(text: string): Want {
  if (
    /^(?:hi|hello|hey|help)\b|^안녕|^반가|^도움|what can you (?:do|help)|뭘? ?할 수 있|무엇을 할 수/i.test(
      text,
    )
  ) {
    if (text.length < 50) return 'help';
  }
  if (/\b(?:show|demo)\b.*\b(?:formatting|markdown)\b|(?:서식|마크다운).*(?:보여|예)/i.test(text)) {
    return 'formatting';
  }
  const counts =
    /\bhow many\b|\bcount\b|\bnumber of\b|\bstatistics?\b|\bstats\b|몇 ?(?:개|건|번)|얼마나|통계|개수/i;
  if (counts.test(text) && OF_CHATS.test(text)) return 'numbers';
  if (
    /\b(?:last|past|this) (?:week|month)\b|\brecent(?:ly)?\b|\blately\b|지난 ?(?:주|달)|이번 ?(?:주|달)|최근|요즘/i.test(
      text,
    )
  ) {
    return 'lately';
  }
  if (/\b(?:today|yesterday)\b|오늘|어제/i.test(text) && OF_CHATS.test(text)) return 'lately';
  return /[\p{L}\p{N}]/u.test(text) ? 'search' : 'help';
}

function wordsFor(text: string): Words {
  return /\p{Script=Hangul}/u.test(text) ? korean : english;
}

async function help(chats: ChatsToRead, words: Words, { variant, conversationId }: Asked) {
  const recent = await chats.listConversations({ limit: 4 });
  const others = recent.filter(({ id }) => id !== conversationId).slice(0, 3);
  return [
    pick(words.hello, variant),
    words.can,
    words.examples.map((example) => `- ${example}`).join('\n'),
    others.length > 0 &&
      `${words.latest}\n\n${others.map((chat) => `- ${linked(chat)}`).join('\n')}`,
    words.private,
  ]
    .filter((part) => part !== false)
    .join('\n\n');
}

async function numbers(chats: ChatsToRead, words: Words, { variant }: Asked): Promise<string> {
  const all = await chats.listConversations({ limit: 1_000_000, archived: 'any' });
  const trashed = await chats.listConversations({
    limit: 1_000_000,
    archived: 'any',
    trashed: true,
  });
  const brains = new Map<string, { chats: number; messages: number }>();
  let messages = 0;
  for (const { brain, messageCount } of all) {
    const sum = brains.get(brain) ?? { chats: 0, messages: 0 };
    sum.chats += 1;
    sum.messages += messageCount;
    messages += messageCount;
    brains.set(brain, sum);
  }
  const rows = [...brains]
    .sort(([, a], [, b]) => b.messages - a.messages)
    .map(
      ([brain, sum]) =>
        `| ${plain(brain)} | ${words.number(sum.chats)} | ${words.number(sum.messages)} |`,
    );
  const oldest = all.reduce<Conversation | undefined>(
    (found, chat) => (!found || chat.createdAt < found.createdAt ? chat : found),
    undefined,
  );
  const longest = all.reduce<Conversation | undefined>(
    (found, chat) => (!found || chat.messageCount > found.messageCount ? chat : found),
    undefined,
  );
  const since = new Date(Date.now() - 7 * DAY).toISOString();
  const week = all.filter(({ updatedAt }) => updatedAt >= since).length;
  return [
    `${pick(words.counted, variant)} ${words.total(all.length, messages)}`,
    [`| ${words.columns.join(' | ')} |`, '| :-- | --: | --: |', ...rows].join('\n'),
    [
      words.inWeek(week),
      oldest && words.oldest(words.date(oldest.createdAt), linked(oldest)),
      longest && words.longest(longest.messageCount, linked(longest)),
      trashed.length > 0 && words.inTrash(trashed.length),
    ]
      .filter(Boolean)
      .join(' '),
  ].join('\n\n');
}

async function lately(chats: ChatsToRead, words: Words, asked: Asked, text: string) {
  const { since, until, name } = timeIn(text, words);
  const found: Conversation[] = [];
  let more = false;
  const recent = await chats.listConversations({ limit: 1_000, archived: 'any' });
  for (const chat of recent) {
    const time = Date.parse(chat.updatedAt);
    if (chat.id === asked.conversationId || time >= until) continue;
    if (time < since) break;
    if (found.length === LISTED) more = true;
    else found.push(chat);
  }
  if (found.length === 0) return `${words.nothingThen(name)}\n\n${words.private}`;
  const days = new Map<string, string[]>();
  for (const chat of found) {
    const day = words.day(chat.updatedAt);
    const line = `- ${linked(chat)} · ${plain(chat.brain)} · ${words.messages(chat.messageCount)}`;
    days.set(day, [...(days.get(day) ?? []), line]);
  }
  return [
    `${pick(words.lately, asked.variant)} ${words.during(name, found.length)}`,
    ...[...days].map(([day, lines]) => `**${day}**\n\n${lines.join('\n')}`),
    more ? words.andMore : words.askOn,
  ].join('\n\n');
}

/** The time that is asked about, up to now where it has not passed. */
function timeIn(text: string, words: Words): { since: number; until: number; name: string } {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const now = Date.now() + DAY;
  if (/\byesterday\b|어제/i.test(text)) {
    return { since: midnight - DAY, until: midnight, name: words.times.yesterday };
  }
  if (/\btoday\b|오늘/i.test(text)) return { since: midnight, until: now, name: words.times.today };
  if (/\bmonth\b|달/i.test(text)) {
    return { since: midnight - 30 * DAY, until: now, name: words.times.month };
  }
  return { since: midnight - 7 * DAY, until: now, name: words.times.week };
}

async function lookFor(chats: ChatsToRead, words: Words, asked: Asked, text: string) {
  const terms = termsOf(text, words);
  const topic = plain(terms.length > 0 ? terms.join(' ') : text.slice(0, 80));
  const { hits, by } = await hitsFor(chats, terms, asked);
  if (hits.length === 0) {
    return [
      pick(words.nothing, asked.variant).replace('{topic}', topic),
      terms.length > 0 && words.lookedFor(terms.map((term) => `**${plain(term)}**`).join(', ')),
      words.examples
        .slice(0, 3)
        .map((example) => `- ${example}`)
        .join('\n'),
      words.private,
    ]
      .filter(Boolean)
      .join('\n\n');
  }
  const first = hits.length > HITS ? (asked.variant * HITS) % hits.length : 0;
  const told = await Promise.all(
    hits.slice(first, first + HITS).map((hit) => withMessage(chats, hit, by)),
  );
  const list = told.map((hit, at) => `${first + at + 1}. ${hitLine(hit, words)}`);
  const rest = hits.length - told.length;
  return [
    pick(words.found, asked.variant).replace('{topic}', topic),
    words.inChats(hits.length, by.map((term) => `**${plain(term)}**`).join(', ')),
    list.join('\n'),
    rest > 0 ? words.others(rest) : words.askOn,
  ].join('\n\n');
}

/** The best hit of each chat: of all the terms, or else of each by itself. */
async function hitsFor(
  chats: ChatsToRead,
  terms: readonly string[],
  { conversationId, signal }: Asked,
) {
  const all = terms.map(quoted);
  const tries = [all, ...(all.length > 1 ? all.map((term) => [term]) : [])];
  const found = new Map<number, SearchHit>();
  const by = new Set<string>();
  for (const [at, query] of tries.entries()) {
    if (query.length === 0) continue;
    const hits = await chats.search(query.join(' '), { limit: 40, group: true, signal });
    for (const hit of hits) {
      const { id, brain } = hit.conversation;
      // Not what this brain itself has said of it, nor the question.
      const own = brain === 'offline' && hit.message?.role === 'assistant';
      if (id === conversationId || own || found.has(id)) continue;
      found.set(id, hit);
      for (const term of at === 0 ? terms : [terms[at - 1] ?? '']) by.add(term);
    }
    if (at === 0 && found.size > 0) break;
  }
  return { hits: [...found.values()], by: [...by] };
}

/** A hit of a title says little: a message of that chat, where one has it too. */
async function withMessage(chats: ChatsToRead, hit: SearchHit, by: readonly string[]) {
  const [term] = by;
  if (hit.message || term === undefined) return hit;
  const conversationId = hit.conversation.id;
  const hits = await chats.search(quoted(term), { conversationId, limit: 5 });
  const found = hits.find(({ message }) => message);
  return found ? { ...found, ...(hit.count !== undefined && { count: hit.count }) } : hit;
}

function quoted(term: string): string {
  return `"${term.replaceAll('"', ' ')}"`;
}

function hitLine(
  { conversation, message, snippet, ranges, count }: SearchHit,
  words: Words,
): string {
  const where = `[${plain(conversation.title.trim() || words.untitled)}](#/chat/${conversation.id}${message ? `/${message.id}` : ''})`;
  const when = words.date(message?.createdAt ?? conversation.updatedAt);
  const who = message ? words.roles[message.role] : plain(conversation.brain);
  const more = count !== undefined && count > 1 ? ` · ${words.hits(count)}` : '';
  if (!message) return `**${where}** · ${when}${more}`;
  return `**${where}** · ${when}${more}\n   ${who}: “${marked(snippet, ranges)}”`;
}

/** What was found set in bold. */
function marked(snippet: string, ranges: SearchHit['ranges']): string {
  let text = '';
  let from = 0;
  for (const [start, end] of ranges) {
    const hit = snippet.slice(start, end);
    text += plain(snippet.slice(from, start));
    text += hit.trim() === '' ? plain(hit) : `<b>${plain(hit)}</b>`;
    from = end;
  }
  return (text + plain(snippet.slice(from))).replace(/\s+/g, ' ').trim();
}

function linked(chat: Conversation): string {
  const title = chat.title.trim().slice(0, 80);
  return `[${title === '' ? '…' : plain(title)}](#/chat/${chat.id})`;
}

/** People's text within Markdown: what means something there is written as a reference. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(
      /[\\`*_[\]<>#|~$&]|(?<=\w):(?=\/\/)|(?<=\w)\.(?=\w)|@/g,
      (character) => `&#${character.charCodeAt(0)};`,
    );
}

/** The words that carry a question, at most four, in their order. */
function termsOf(text: string, { common, bare, idle }: Words): string[] {
  const words = (text.match(/[\p{L}\p{N}][\p{L}\p{N}'’+#.-]*/gu) ?? [])
    .map((word) => word.replace(/[.'’-]+$/, ''))
    .map(bare)
    // One syllable of Hangul is a word.
    .filter((word) => (word.length > 1 && word.length < 40) || /^[가-힣]$/.test(word))
    .filter((word) => !common.has(word.toLowerCase()) && !idle.test(word));
  const distinct = [...new Set(words)];
  // The longest say most.
  const chosen = new Set([...distinct].sort((a, b) => b.length - a.length).slice(0, 4));
  return distinct.filter((word) => chosen.has(word));
}

function pick(choices: readonly string[], variant: number): string {
  return choices[variant % choices.length] ?? '';
}
