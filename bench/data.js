/**
 * The texts of the benchmark, the same in every run, in the page and in Node: message `n` of conversation
 * `c` follows from those two numbers alone. Words by Zipf's law, 300 to 600 bytes of UTF-8, one message in ten Korean. Knows
 * no store.
 */

/** Numbers in [0, 1) from a seed (mulberry32). */
function random(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = (list, next) => list[Math.floor(next() * list.length)];

/** `count` different words, the frequent ones short. */
function words(count, starts, ends, longest, seed) {
  const next = random(seed);
  const found = new Set();
  while (found.size < count) {
    const syllables = 1 + Math.floor(next() * Math.min(longest, 1 + Math.log10(1 + found.size)));
    let word = '';
    for (let n = 0; n < syllables; n++) word += pick(starts, next) + pick(ends, next);
    found.add(word);
  }
  return [...found];
}

const consonants = [...'bcdfghjklmnprstvwz', 'st', 'tr', 'ch', 'sh', 'pl'];
const vowels = [...'aeiou', 'an', 'en', 'or', 'ea', 'ing'];
const hangul = [
  ...'가나다라마바사아자차카타파하거너더러머버서어저처고노도로모보소오조초구누두루무부수우주추기니디리미비시이지치은는을를에서',
];
const latin = words(20_000, consonants, vowels, 4, 1);
const korean = words(5_000, hangul, [''], 4, 2);

// What is searched for. The rare word is in few messages, the common one in about half of them, the two syllables
// stand as a word and inside of one.
export const queries = { rare: 'quixotry', common: 'therefore', syllables: '회의' };
latin[8] = queries.common;
korean[40] = queries.syllables;
korean[60] = `오늘${queries.syllables}록`;

/** For each word the share of all words that are it or a more frequent one: rank r has 1 / r. */
function shares(count) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1);
    sums[rank] = sum;
  }
  return sums.map((value) => value / sum);
}

function zipf(list, sums, next) {
  const share = next();
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] < share) low = middle + 1;
    else high = middle;
  }
  return list[low];
}

const latinShares = shares(latin.length);
const koreanShares = shares(korean.length);

/** The text of message `n` of conversation `c`. */
export function text(c, n) {
  const next = random(Math.imul(c + 1, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  const isKorean = next() < 0.1;
  const [list, sums, width] = isKorean ? [korean, koreanShares, 3] : [latin, latinShares, 1];
  const target = 300 + Math.floor(next() * 270);
  const chosen = c % 200 === 7 && n === 50 ? [queries.rare] : [];
  let bytes = chosen.length * queries.rare.length;
  while (bytes < target) {
    const word = zipf(list, sums, next);
    chosen.push(word);
    bytes += word.length * width + 1;
  }
  return chosen.join(' ');
}

export const role = (n) => (n % 2 ? 'assistant' : 'user');

/** A conversation as the adapters' `importConversations` takes it. */
export function conversation(c, count) {
  return {
    title: title(c),
    messages: Array.from({ length: count }, (_, n) => ({ role: role(n), content: text(c, n) })),
  };
}

export const title = (c) => `${c}: ${text(c, 0).slice(0, 40)}`;

/** Conversation 0 is the long one, which comes first; the rest have 100 messages. */
export const messagesPerConversation = 100;
export const lengthOf = (c, long) => (c === 0 ? long : messagesPerConversation);

/** Numbers of what a round writes, beyond those of the corpus. */
export const roundNumber = (round, durability) =>
  1_000_000 + round * 100 + (durability === 'strict' ? 0 : 50);

/** What one append in a stream adds: a token or two. */
export const piece = (n) => ` ${latin[n % 500]}`;
