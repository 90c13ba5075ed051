/**
 * `npm run bench -- [rounds] [count] [--quick] [--only a,b] [--growth]`: this package, the floor and its peers in one Chromium on the same
 * data, in interleaved rounds; what it writes is told in report.mjs.
 *
 * Every contestant has a page of its own, alone in the browser while it is measured, and the next one its turn with the same
 * work, so that what the machine does meanwhile meets all. The corpus is imported in parts, in turn too: that is the measure of imports. After each
 * turn the page is loaded again, and what is stored is held against what was written.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { root } from '../scripts/run.mjs';
import { inBrowser } from './browser.mjs';
import { build } from './build.mjs';
import { lengthOf, piece, queries, roundNumber, text } from './data.js';
import { growth } from './growth.mjs';
import { report } from './report.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    growth: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
const quick = flags.quick;
const rounds = Number(positionals[0] ?? (quick ? 2 : 5));
const count = Number(positionals[1] ?? (quick ? 20 : 100));
const opens = quick ? 1 : 3;
// The long conversation, then parts of as many others.
const long = 5_000;
const part = quick ? 50 : 200;
const parts = quick ? 2 : 5;
const conversations = 1 + part * parts;

const everyone = [
  'ours',
  'floor',
  'indexeddb',
  'sqlite-wal',
  'sqlite-rollback',
  'wa-sqlite',
  'sqlocal',
  'pglite',
];
const contestants = flags.only?.split(',') ?? everyone;

// Isolation is what sqlocal's VFS needs; it is the same for all. Files are kept by the browser as a host of hashed files lets it.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cache-Control': 'max-age=3600, immutable',
};

/** The page of a contestant: opens its store and lists as soon as it can. */
function page(url) {
  const [, name] = /^\/open\/([\w-]+)$/.exec(url.pathname) ?? [];
  if (!name) return undefined;
  return `<!doctype html><meta charset="utf-8"><title>${name}</title><script type="module">
    import { open } from '/bench/dist/${name}/page.js';
    globalThis.opened = (async () => {
      globalThis.store = await open(JSON.parse(new URLSearchParams(location.search).get('options')));
      await store.list(50);
      return performance.now();
    })();
  </script>`;
}

/** All samples: figures[measure][contestant] is one number for each round. */
const figures = {};
function note(contestant, values) {
  for (const [measure, value] of Object.entries(values)) {
    figures[measure] ??= {};
    figures[measure][contestant] ??= [];
    figures[measure][contestant].push(value);
  }
}

const sha256 = (texts) => createHash('sha256').update(texts.join('\n')).digest('hex');
const expected = new Map();

/** The texts that must be stored of conversation `c` of the corpus. */
function corpusTexts(c) {
  const texts = Array.from({ length: lengthOf(c, long) }, (_, n) => text(c, n));
  // The last of each part was marked, to be searched for.
  const last = c === 0 ? 1 : c % part === 0 ? c + 1 : undefined;
  if (last) texts.push(`${texts.pop()} searchable${last}`);
  return texts;
}

/** The texts of a round's writes. */
function roundTexts(c, durability) {
  const texts = Array.from({ length: 5 + count + 200 }, (_, n) => text(c, n));
  if (durability === 'strict') {
    texts.push(Array.from({ length: count + 1 }, (_, n) => piece(n)).join(''));
  }
  return texts;
}

/** How many of the best 20 a complete search has. */
function countHits() {
  const hits = Object.fromEntries(Object.keys(queries).map((name) => [name, 0]));
  for (let c = 0; c < conversations; c++) {
    for (const content of corpusTexts(c)) {
      for (const [name, query] of Object.entries(queries)) hits[name] += content.includes(query);
    }
  }
  return hits;
}

/** Bytes of brotli that each contestant fetched for its first list. */
async function sizes() {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: quick ? 5 : 11 };
  const sums = {};
  for (const [name, paths] of Object.entries(fetched)) {
    sums[name] = 0;
    for (const path of paths) {
      sums[name] += brotliCompressSync(await readFile(root + path), { params: quality }).length;
    }
  }
  return sums;
}

function expect(c, texts) {
  expected.set(c, [c, texts.length, sha256(texts)]);
}

for (let c = 0; c < conversations; c++) expect(c, corpusTexts(c));

let files = new Set();
const say = (line) => console.log(`${new Date().toISOString().slice(11, 19)}  ${line}`);
const versions = await build();
const fetched = {};
const bytes = { addMessage: 30_000, append: 30_000, list: 16_000, message: 500 };
const found = {};

await inBrowser(
  async (browser, url) => {
    const version = browser.browser()?.version();
    const processes = await browser.browser().newBrowserCDPSession();

    /** A page on which the contestant is open, and the time from its navigation to the first list. */
    async function open(name, durability, patience = 1) {
      const options = encodeURIComponent(JSON.stringify({ durability, bytes }));
      const tab = await browser.newPage();
      tab.on('pageerror', (error) => console.error(`${name}: ${error.message}`));
      const address = `${url}open/${name}?options=${options}`;
      for (;;) {
        await tab.goto(address);
        try {
          const coldOpen = await tab.evaluate(() => globalThis.opened);
          return { tab, coldOpen };
        } catch (error) {
          // The worker of the page before may not have let go of its files.
          if (--patience <= 0) throw error;
        }
      }
    }

    const run = (tab, work, options) =>
      tab.evaluate(
        async ([work, options]) => {
          const cases = await import(`${location.origin}/bench/cases.js`);
          return cases[work](store, options);
        },
        [work, options],
      );

    const close = async (tab) => {
      await tab.evaluate(() => store.close());
      await tab.close();
    };

    /** Loads the page again and holds what is stored against what was written. */
    async function verify(name, numbers, tab) {
      await tab.close();
      const { tab: again } = await open(name, 'strict', 20);
      const { conversations, found } = await run(again, 'stored', numbers);
      const wanted = numbers ? numbers.map((c) => expected.get(c)) : [...expected.values()];
      if (JSON.stringify(found) !== JSON.stringify(wanted)) {
        const missing = wanted.filter((row, n) => String(row) !== String(found[n]));
        throw new Error(
          `${name} lost writes: ${missing.length} of ${wanted.length} conversations differ, ` +
            `${JSON.stringify(missing[0])} is ${JSON.stringify(found.find(([c]) => c === missing[0]?.[0]))}`,
        );
      }
      if (!numbers && conversations !== expected.size) throw new Error(`${name} has more`);
      await close(again);
    }

    /**
     * What the page's process has of memory for itself, in MB: heaps, wasm, compiled code and buffers, of the page and its workers.
     * (measureUserAgentSpecificMemory leaves wasm out, and waits for a worker of sqlocal's VFS that sleeps.)
     */
    async function memory(tab) {
      const session = await browser.newCDPSession(tab);
      await session.send('HeapProfiler.collectGarbage');
      await session.detach();
      // The browser does not say which process is a page's: it is the one that works when the page does.
      const renderers = async () => {
        const { processInfo } = await processes.send('SystemInfo.getProcessInfo');
        return new Map(
          processInfo.map(({ type, id, cpuTime }) => [id, type === 'renderer' ? cpuTime : 0]),
        );
      };
      const before = await renderers();
      await tab.evaluate(() => {
        const until = performance.now() + 150;
        while (performance.now() < until);
      });
      const worked = [...(await renderers())].map(([id, time]) => [
        id,
        time - (before.get(id) ?? 0),
      ]);
      const [[id]] = worked.sort(([, a], [, b]) => b - a);
      const text = await readFile(`/proc/${id}/smaps_rollup`, 'utf8');
      const kilobytes = [...text.matchAll(/^Private_\w+: +(\d+) kB$/gm)];
      return kilobytes.reduce((sum, [, value]) => sum + Number(value), 0) / 1024;
    }

    // The corpus, part by part: five imports of each contestant.
    let from = 0;
    for (const to of [1, ...Array.from({ length: parts }, (_, n) => 1 + (n + 1) * part)]) {
      for (const name of contestants) {
        files = new Set();
        const { tab } = await open(name, 'strict', 20);
        fetched[name] ??= [...files];
        const keeps = name !== 'floor';
        const took = await run(tab, 'fill', { from, to, long, keeps });
        if (to > 1) note(name, took);
        const numbers = Array.from({ length: to - from }, (_, n) => from + n);
        if (keeps) await verify(name, numbers, tab);
        else await close(tab);
        say(
          `${name}: conversations ${from} to ${to - 1}, ${Math.round(took['import, durable'])} ms`,
        );
      }
      from = to;
    }

    if (contestants.includes('ours')) await countBytes();

    for (let round = 0; round < rounds; round++) {
      // Who comes after whom changes.
      const turn = round % contestants.length;
      for (const name of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
        await measure(name, round);
        say(`round ${round + 1} of ${rounds}: ${name}`);
      }
    }
    for (const name of contestants.filter((name) => name !== 'floor')) {
      const { tab } = await open(name, 'strict', 20);
      await verify(name, undefined, tab);
      say(`${name}: all ${expected.size} conversations are there`);
    }

    async function measure(name, round) {
      const keeps = name !== 'floor';
      const times = [];
      let tab;
      for (let n = 0; n < opens; n++) {
        if (tab) await close(tab);
        const opening = await open(name, 'strict');
        tab = opening.tab;
        times.push(opening.coldOpen);
      }
      const coldOpen = times.reduce((sum, time) => sum + time) / opens;
      note(name, { 'cold open, to the first list': coldOpen });
      note(name, { 'memory after open, MB': await memory(tab) });
      const read = await run(tab, 'reads', { count, conversations, keeps });
      note(name, read.figures);
      note(name, { 'memory after reads, MB': await memory(tab) });
      found[name] = read.found;
      for (const durability of ['strict', 'relaxed']) {
        if (durability === 'relaxed') ({ tab } = await open(name, durability, 20));
        note(name, await run(tab, 'writes', { count, durability, round, keeps }));
        // What is not flushed may be lost with the page by what was asked for.
        if (durability === 'relaxed') await tab.evaluate(() => store.close());
        const c = roundNumber(round, durability);
        expect(c, roundTexts(c, durability));
        if (keeps) await verify(name, [c], tab);
        else if (durability === 'strict') await close(tab);
        else await tab.close();
      }
    }

    /** What this package writes and reads, for the floor to do the same: counted in a turn of its own, not timed. */
    async function countBytes() {
      const tab = await browser.newPage();
      await tab.goto(url);
      Object.assign(
        bytes,
        await tab.evaluate(async () => {
          // Enough of them that checkpoints are in the mean.
          const count = 300;
          const { open } = await import(`${location.origin}/bench/dist/ours/page.js`);
          const { piece, text } = await import(`${location.origin}/bench/data.js`);
          const worker = () => new Worker('/bench/measured-worker.js', { type: 'module' });
          const store = await open({ durability: 'strict', worker });
          const counted = new BroadcastChannel('counted');
          const written = () =>
            new Promise((resolve) => {
              counted.onmessage = ({ data }) => resolve(data);
              counted.postMessage('how many');
            });
          const each = async (call) => {
            const before = await written();
            for (let n = 0; n < count; n++) await call(n);
            return Math.round(((await written()) - before) / count);
          };
          const size = (value) => new TextEncoder().encode(JSON.stringify(value)).length;
          const id = await store.createConversation('counted');
          const add = (n) => store.addMessage(id, 'user', text(2_000_000, n));
          const { id: stream } = await add(0);
          const bytes = {
            addMessage: await each(add),
            append: await each((n) => store.append(stream, piece(n))),
            list: size(await store.list(50)),
            message: size(await store.messages(id, 20)) / 20,
          };
          await store.deleteConversation(id);
          await store.close();
          return bytes;
        }),
      );
      await tab.close();
      say(`bytes of a call: ${JSON.stringify(bytes)}`);
    }

    const grown = flags.growth ? await growth(browser, url, { rounds, count, say }) : undefined;
    await report({
      figures,
      contestants,
      found,
      wanted: countHits(),
      bytes,
      sizes: await sizes(),
      versions,
      chromium: version,
      grown,
      scale: { rounds, count, opens, conversations, long, part, quick },
    });
  },
  {
    page: (url) => page(url) ?? (url.pathname === '/' ? '<!doctype html>' : undefined),
    headers,
    onFile: (path) => files.add(path),
  },
);
