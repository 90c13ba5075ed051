/**
 * `npm run soak -- --minutes 30 [--seed 1]`: three tabs of one database do everything at once, while tabs
 * crash, close, freeze and are hidden. A ledger outside the browser says what must be stored; in the end
 * nothing has grown.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { backup, expectValid, profile, type Started } from '../e2e/browser.js';
import { sqlite3 } from '../lesson/python.mjs';
import { type Chat, Ledger, Random, shaped } from './ledger.js';
import { type Course, courses, FLAGS, type Sample, sample } from './sampler.js';
import { inTime, open, Tab } from './tabs.js';
import { Work } from './work.js';

const MINUTES = Number(process.env.MINUTES ?? 1);
const SEED = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 32));
const TABS = 3;
/** Pieces of work between two comparisons of everything. */
const ROUND = 300;
/**
 * The share of the time that is not weighed: a page's heap, of little more than a megabyte, grows with the code
 * that the engine compiles and learns of until some ten thousand calls have been made.
 */
const WARM_UP = 0.4;
/** What may come between the first samples and the last, as a share. */
const FLAT = 0.1;
/**
 * What has a bound instead: the file keeps the pages of the most that there was, the log is taken in by a
 * commit above 2,000 pages of 8 KB, and a tab has at most a lock of its own, the lead or its place in the
 * queue, and its waiting for the end of two others that stream.
 */
const MOST: Record<string, number> = {
  'main.db, MB': 4,
  'main.db-wal, MB': 24,
  'files of the database': 5,
  'locks held and waited for': TABS * 4,
};

/** Lets many in, or one alone. */
class Gate {
  #inside = 0;
  #alone: Promise<void> = Promise.resolve();
  #emptied = () => {};

  async shared<T>(work: () => Promise<T>): Promise<T> {
    for (let alone = this.#alone; ; alone = this.#alone) {
      await alone;
      if (alone === this.#alone) break;
    }
    this.#inside += 1;
    try {
      return await work();
    } finally {
      this.#inside -= 1;
      if (this.#inside === 0) this.#emptied();
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    let open = () => {};
    this.#alone = new Promise((resolve) => {
      open = resolve;
    });
    if (this.#inside > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
      });
    }
    try {
      return await work();
    } finally {
      open();
    }
  }
}

test('three tabs, everything at once, for a long time', async () => {
  test.setTimeout(MINUTES * 60_000 + 900_000);
  console.log(`seed ${SEED}, ${MINUTES} minutes`);
  const { start, remove } = await profile();
  const folder = await mkdtemp(join(tmpdir(), 'conversation-store-soak-'));
  const browser = await start(FLAGS);
  const problems: string[] = [];
  browser.context.on('weberror', (event) => problems.push(String(event.error())));
  browser.context.on('console', (message) => {
    if (message.type() === 'error' && message.text().startsWith('conversation-store')) {
      problems.push(message.text());
    }
  });
  try {
    await soak(browser, folder, problems);
  } finally {
    await browser.close();
    await remove();
    await rm(folder, { recursive: true });
  }
});

async function soak(browser: Started, folder: string, problems: string[]): Promise<void> {
  const random = new Random(SEED);
  const ledger = new Ledger();
  const gate = new Gate();
  const tabs = Array.from({ length: TABS }, () => new Tab(browser.context));
  const pages = await Promise.all(tabs.map((tab) => tab.page()));
  // Only the tabs of the database are weighed.
  for (const page of browser.context.pages()) if (!pages.includes(page)) await page.close();
  const workers = tabs.map(
    (_, n) => new Work(ledger, new Random(SEED + 1 + n), 'abc'[n] as string),
  );
  await workers[0]?.fill(tabs[0] as Tab);
  const samples: Sample[] = [];
  const began = Date.now();
  const minutes = () => (Date.now() - began) / 60_000;

  let done = 0;
  let isOver = false;
  const waiting = new Set<() => void>();
  const look = () => {
    for (const one of [...waiting]) one();
  };
  /** Resolves after so many more pieces of work, or when there are no more. */
  const after = (count: number) => {
    const until = done + count;
    return new Promise<void>((resolve) => {
      const ready = () => {
        if (done < until && !isOver) return;
        waiting.delete(ready);
        resolve();
      };
      waiting.add(ready);
    });
  };
  const work = async (tab: Tab, mine: Work) => {
    while (!isOver) {
      await gate.shared(() => mine.step(tab));
      done += 1;
      look();
    }
  };

  const inspector = new Inspector(ledger, tabs, random, folder);
  const control = async () => {
    const disturbances = new Disturbances(tabs, random, after);
    let next = ROUND;
    while (!isOver && minutes() < MINUTES) {
      await after(10 + random.below(60));
      if (isOver) return disturbances;
      // A store that is closed under a call says so; here calls are to end by their tab's end only.
      if (random.below(5) === 0) await gate.alone(() => disturbances.calm());
      else await disturbances.strike();
      if (done < next) continue;
      next = done + ROUND;
      await inspector.backup();
      await gate.alone(async () => {
        await inspector.replace();
        await inspector.compare();
        if (minutes() > MINUTES * WARM_UP) samples.push(await sample(browser, tabs));
      });
      console.log(
        `${minutes().toFixed(1)} min  ${done} pieces of work, ${ledger.chats.length} chats`,
      );
    }
    return disturbances;
  };

  const over = () => {
    isOver = true;
    look();
  };
  const working = tabs.map((tab, n) => work(tab, workers[n] as Work).finally(over));
  const [disturbances] = await Promise.all([control().finally(over), ...working]);
  await inspector.compare();
  await inspector.backup();
  for (const tab of tabs) tab.end();

  const course = courses(samples);
  report({ workers, disturbances, inspector, course, done, minutes: minutes() });
  expect(problems).toEqual([]);
  for (const { name, growth, most } of course) {
    const bound = MOST[name];
    if (bound !== undefined) expect(most, name).toBeLessThanOrEqual(bound);
    else expect(growth, `growth of: ${name}`).toBeLessThan(FLAT);
  }
}

/** What happens to the tabs, whatever they are doing. The first never ends. */
class Disturbances {
  readonly #tabs: Tab[];
  readonly #random: Random;
  readonly #after: (count: number) => Promise<void>;
  readonly counts = new Map<string, number>();

  constructor(tabs: Tab[], random: Random, after: (count: number) => Promise<void>) {
    this.#tabs = tabs;
    this.#random = random;
    this.#after = after;
  }

  /** One under way. */
  async strike(): Promise<void> {
    const tab = this.#random.one(this.#tabs);
    const kinds = [
      'front',
      'front',
      'freeze',
      ...(tab === this.#tabs[0] ? [] : ['crash', 'close']),
    ];
    const kind = this.#random.one(kinds);
    this.#count(kind);
    if (kind === 'front') await this.#front(tab);
    else if (kind === 'crash') await tab.crash();
    else if (kind === 'close') await tab.close();
    else await this.#freeze(tab);
  }

  /** One between calls. */
  async calm(): Promise<void> {
    const tab = this.#random.one(this.#tabs);
    const kind = this.#random.one(['the store closed and opened', 'reload']);
    this.#count(kind);
    if (kind === 'reload') await open(await tab.page());
    else await tab.ask(() => window.reopen(), undefined);
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  async #front(tab: Tab): Promise<void> {
    await (await tab.page()).bringToFront();
  }

  /** Behind another, and until the others have done something without it. */
  async #freeze(tab: Tab): Promise<void> {
    await this.#front(this.#tabs.find((other) => other !== tab) as Tab);
    await tab.session(async (session) => {
      await session.send('Page.setWebLifecycleState', { state: 'frozen' });
      await this.#after(5);
      await session.send('Page.setWebLifecycleState', { state: 'active' });
    });
  }
}

/** Looks at everything. */
class Inspector {
  readonly #ledger: Ledger;
  readonly #tabs: Tab[];
  readonly #random: Random;
  readonly #folder: string;
  comparisons = 0;
  backups = 0;
  restores = 0;
  emptied = 0;

  constructor(ledger: Ledger, tabs: Tab[], random: Random, folder: string) {
    this.#ledger = ledger;
    this.#tabs = tabs;
    this.#random = random;
    this.#folder = folder;
  }

  /** Every tab sees what the ledger says, and its watch shows what its list gives. */
  async compare(): Promise<void> {
    const expected = this.#ledger.chats;
    for (const tab of this.#tabs) {
      const seen = await this.#settled(tab);
      if (JSON.stringify(seen) !== JSON.stringify(expected)) expect(seen).toEqual(expected);
      await tab.read(async () => {
        const { store, watch } = window;
        const keys = (rows: readonly { uid: string; title: string; messageCount: number }[]) =>
          JSON.stringify(rows.map(({ uid, title, messageCount }) => [uid, title, messageCount]));
        const listed = keys(await store.listConversations(10));
        await new Promise<void>((resolve) => {
          const stop = watch.subscribe(() => {
            if (keys(watch.current) !== listed) return;
            queueMicrotask(() => stop());
            resolve();
          });
        });
      }, undefined);
    }
    this.comparisons += 1;
  }

  /** All chats, once nothing streams whose tab is gone. */
  async #settled(tab: Tab): Promise<Chat[]> {
    for (;;) {
      const seen = await tab.read(() => window.chats(), undefined);
      const all = seen.map(shaped).sort((a, b) => (a.uid < b.uid ? -1 : 1));
      const streams = all.some(({ messages }) =>
        messages.some(({ status }) => status === 'streaming'),
      );
      if (!streams) return all;
    }
  }

  /** A backup while the others work: valid, and with what nobody changes meanwhile. */
  async backup(): Promise<void> {
    const file = join(this.#folder, 'backup.db');
    const { mark } = this.#ledger;
    const tab = this.#random.one(this.#tabs);
    await inTime(backup(await tab.page(), file), 'a backup');
    await expectValid(file);
    const counted = await sqlite3(
      file,
      'SELECT uid, (SELECT count(*) FROM messages WHERE conversation_id = c.id) AS count FROM conversations AS c',
    );
    const counts = new Map(counted.map(({ uid, count }) => [uid, count]));
    for (const { uid, messages } of this.#ledger.untouchedSince(mark)) {
      expect(counts.get(uid), `messages of ${uid} in a backup`).toBe(messages.length);
    }
    await rm(file);
    this.backups += 1;
  }

  /** Now and then, with nothing under way: the trash is emptied, or all is replaced by a backup. */
  async replace(): Promise<void> {
    const tab = this.#random.one(this.#tabs);
    if (this.#random.below(3) === 0) {
      const trashed = this.#ledger.chats.filter(({ isTrashed }) => isTrashed);
      expect(await tab.read(() => window.store.emptyTrash(), undefined)).toBe(trashed.length);
      for (const { uid } of trashed) this.#ledger.set(uid, undefined);
      this.emptied += 1;
    }
    if (this.#random.below(4) === 0) await this.#restore(tab);
  }

  async #restore(tab: Tab): Promise<void> {
    const file = join(this.#folder, 'restored.db');
    const copy = this.#ledger.copy();
    await inTime(backup(await tab.page(), file), 'a backup');
    const bytes = (await readFile(file)).toString('base64');
    await rm(file);
    // What was done since is gone.
    const doomed = this.#ledger.chats.slice(0, 3).map(({ uid }) => uid);
    await tab.ask(async (uids) => {
      for (const uid of uids) await window.store.deleteConversation(uid);
      await window.store.createConversation('not for long', 'claude', { uid: 'not for long' });
    }, doomed);
    await tab.ask(async (bytes) => {
      const binary = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
      await window.store.restore(new Blob([binary]));
    }, bytes);
    this.#ledger.replace(copy);
    this.restores += 1;
  }
}

function report({
  workers,
  disturbances,
  inspector,
  course,
  done,
  minutes,
}: {
  workers: Work[];
  disturbances: Disturbances;
  inspector: Inspector;
  course: Course[];
  done: number;
  minutes: number;
}): void {
  const kinds = new Map<string, number>();
  for (const { done } of workers) {
    for (const [kind, count] of done) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  }
  const list = (counts: Map<string, number>) =>
    [...counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
  const doubts = workers.reduce((sum, { doubts }) => sum + doubts, 0);
  const { comparisons, backups, restores, emptied } = inspector;
  const lines = [
    `seed ${SEED}: ${done} pieces of work in ${minutes.toFixed(1)} minutes`,
    `work: ${list(kinds)}`,
    `disturbed: ${list(disturbances.counts)}; ${doubts} calls under way at a tab's end`,
    `compared from every tab ${comparisons} times; ${backups} backups valid; ${restores} restores; the trash emptied ${emptied} times`,
    'after the warm-up: the first third, the last third (medians), the most, growth',
    ...course.map(({ name, first, last, most, growth }) =>
      [
        name.padEnd(44),
        ...[first, last, most].map((figure) => figure.toFixed(2).padStart(9)),
        `${(growth * 100).toFixed(1).padStart(6)} %`,
      ].join(' '),
    ),
  ];
  console.log(lines.join('\n'));
}
