/**
 * The moments in which a tab, or the whole browser, is made to die, and what must be there after: what
 * was acknowledged is known here, outside the browser. Knows neither how it dies nor how often.
 *
 * The instant is drawn from what the page has done, not from a clock: so many acknowledgements, or so
 * many turns of its event loop, of those that the same took undisturbed.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, expect, type Page } from '@playwright/test';
import { sqlite3 } from '../lesson/python.mjs';
import { here, load } from './browser.js';

declare global {
  interface Window {
    /** Tells the test; how much of what. */
    say(what: string, count: number): Promise<void>;
    /** Says 'turn' after so many turns of the event loop, until it is stopped, which tells how many. */
    turns(until: number): () => number;
  }
}

/** Where a moment takes place. */
export interface Scene {
  context: BrowserContext;
  /** A whole number below it. */
  random(below: number): number;
}

/** What has just begun when its moment comes. */
export interface Struck {
  /** The page whose process is to die. */
  victim: Page;
  /** Holds, in a page that was opened since, that all is as it must be. Opens `window.store` there. */
  check(page: Page): Promise<string>;
}

/** Resolves at the instant. */
export type Moment = (scene: Scene) => Promise<Struck>;

/** A page of the package that tells what happens in it. */
async function actor(
  context: BrowserContext,
  heard: (what: string, count: number) => void,
): Promise<Page> {
  const page = await context.newPage();
  await page.exposeFunction('say', heard);
  await load(page);
  await page.evaluate(() => {
    window.turns = (until) => {
      let count = 0;
      let stopped = false;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        count += 1;
        if (count === until) void window.say('turn', count);
        if (!stopped) port2.postMessage(0);
      };
      port2.postMessage(0);
      return () => {
        stopped = true;
        return count;
      };
    };
  });
  return page;
}

/** Resolves when the actor has told that much of it. */
function told(): {
  heard(what: string, count: number): void;
  reaches(what: string, count: number): Promise<void>;
  last(what: string): number;
} {
  const counts = new Map<string, number>();
  const looks = new Set<() => void>();
  const last = (what: string) => counts.get(what) ?? 0;
  return {
    heard(what, count) {
      counts.set(what, Math.max(count, last(what)));
      for (const look of looks) look();
    },
    reaches: (what, count) =>
      new Promise((resolve) => {
        const look = () => {
          if (last(what) < count) return;
          looks.delete(look);
          resolve();
        };
        looks.add(look);
        look();
      }),
    last,
  };
}

const openStore = (page: Page, name: string, durability: 'strict' | 'relaxed' = 'strict') =>
  page.evaluate(
    async ([name, durability]) => {
      window.store = await window.Store.open(name, { durability });
    },
    [name, durability] as const,
  );

/** What a call to a page that dies under it rejects with. */
const GONE = /Target (page, context or browser has been closed|crashed)|Target closed/;

/** Content of a message by its place in a file or a stream, of some length. */
const CONTENT = '한국어 and some more words. '.repeat(10);

/**
 * Calls that follow each other, singly and five at once: each fifth changes a message, each fifth deletes
 * one. What is stored is what the first so many of them leave.
 */
function write(): Moment {
  let done = 0;
  let round = 0;
  const left = (count: number) => {
    const rows: [string, string][] = [];
    for (let n = 0; n < count; n++) {
      const of = (back: number) => rows.findLastIndex(([uid]) => uid === `m${n - back}`);
      if (n % 5 === 2) rows[of(1)] = [`m${n - 1}`, `changed by ${n}`];
      else if (n % 5 === 4) rows.splice(of(4), 1);
      else rows.push([`m${n}`, String(n)]);
    }
    return rows;
  };
  return async ({ context, random }) => {
    const { heard, reaches, last } = told();
    const page = await actor(context, heard);
    round += 1;
    await openStore(page, 'write', round % 2 === 0 ? 'relaxed' : 'strict');
    await page.evaluate(async (from) => {
      const { store, say } = window;
      const id = await store.createConversation('t', 'claude', { uid: 'written' });
      const step = async (n: number) => {
        const uid = (back: number) => ({ conversationId: id, uid: `m${n - back}` });
        if (n % 5 === 2) await store.updateMessage(uid(1), { content: `changed by ${n}` });
        else if (n % 5 === 4) await store.deleteMessage(uid(4));
        else await store.addMessage(id, 'user', String(n), { uid: `m${n}` });
        const told = say('done', n + 1);
        // Not far ahead of who listens.
        if (n % 20 === 0) await told;
      };
      const work = async (n: number): Promise<void> => {
        const atOnce = n % 2 === 0 ? 5 : 1;
        await Promise.all(Array.from({ length: atOnce }, (_, k) => step(n + k)));
        await work(n + atOnce);
      };
      void work(from);
    }, done);
    await reaches('done', done + 1 + random(120));
    return {
      victim: page,
      async check(page) {
        await openStore(page, 'write');
        const rows = await page.evaluate(async () => {
          const rows = await window.store.messagesFor('written');
          return rows.map(({ uid, content }) => [uid, content] as [string, string]);
        });
        // Carried out in order: nothing of what was acknowledged is missing, and nothing is there twice.
        const acknowledged = Math.max(done, last('done'));
        // The last that left a trace; a deletion after it leaves none.
        const traces = rows.slice(-5).flatMap((row) => row.join(' ').match(/\d+/g) ?? []);
        const traced = Math.max(0, ...traces.map((number) => Number(number) + 1));
        const same = (count: number) => JSON.stringify(left(count)) === JSON.stringify(rows);
        const stored = same(traced + 1) ? traced + 1 : traced;
        expect(rows).toEqual(left(stored));
        expect(stored).toBeGreaterThanOrEqual(acknowledged);
        done = stored;
        return `${stored - acknowledged} more than acknowledged`;
      },
    };
  };
}

/** An answer that is streamed, flushed now and then. */
function stream(): Moment {
  const ended = new Map<string, string>();
  let round = 0;
  const text = (words: number) => Array.from({ length: words }, (_, n) => ` 토큰${n}`).join('');
  return async ({ context, random }) => {
    const { heard, reaches, last } = told();
    const page = await actor(context, heard);
    round += 1;
    const uid = `stream-${round}`;
    await openStore(page, 'stream');
    await page.evaluate(async (uid) => {
      const { store, say } = window;
      const id = await store.createConversation('t', 'claude', { uid: 'streamed' });
      const stream = await store.messageWriter(id, { uid });
      const writer = stream.getWriter();
      const work = async (n: number): Promise<void> => {
        await writer.write(` 토큰${n}`);
        const told = say('written', n + 1);
        // Not far ahead of who listens.
        if (n % 50 === 0) await told;
        if (n % 20 === 19) {
          await stream.flush();
          void say('flushed', n + 1);
        }
        await work(n + 1);
      };
      void work(0);
    }, uid);
    await reaches('written', 1 + random(400));
    return {
      victim: page,
      async check(page) {
        await openStore(page, 'stream');
        const rows = await page.evaluate(async () => {
          const rows = await window.store.messagesFor('streamed');
          return rows.map(({ uid, content, status }) => ({ uid, content, status }));
        });
        const row = rows.find((row) => row.uid === uid);
        const flushed = last('flushed');
        const written = (row?.content.match(/토큰/g) ?? []).length;
        expect(row).toEqual({ uid, content: text(written), status: 'aborted' });
        expect(written).toBeGreaterThanOrEqual(flushed);
        ended.set(uid, row?.content ?? '');
        expect(rows.map(({ uid, content }) => [uid, content])).toEqual([...ended]);
        return `${written - flushed} words more than flushed`;
      },
    };
  };
}

/** A file of many chats, in batches: what was told as handled is there, each chat whole or not at all. */
function importing(): Moment {
  const CHATS = 600;
  let round = 0;
  return async ({ context, random }) => {
    const { heard, reaches, last } = told();
    const page = await actor(context, heard);
    round += 1;
    const name = `import-${round}`;
    const chats = Array.from({ length: CHATS }, (_, chat) => ({
      title: `chat ${chat}`,
      uid: `chat-${chat}`,
      messages: Array.from({ length: 5 }, (_, n) => ({
        role: n % 2 === 0 ? 'user' : 'assistant',
        uid: `message-${n}`,
        content: `${chat}.${n} ${CONTENT}`,
      })),
    }));
    const bring = (page: Page) =>
      page.evaluate(
        (text) =>
          window.store.import(text, {
            onProgress: ({ conversations }) => void window.say?.('handled', conversations),
          }),
        JSON.stringify(chats),
      );
    await openStore(page, name);
    const brought = bring(page).catch((error) => {
      if (!GONE.test(error)) throw error;
    });
    await reaches('handled', random(CHATS * 0.9));
    return {
      victim: page,
      async check(page) {
        await brought;
        await openStore(page, name);
        const stored = () =>
          page.evaluate(async () => {
            const rows = await window.store.listConversations(10_000);
            const chats = rows.map(async ({ uid, title, id }) => ({
              title,
              uid,
              messages: (await window.store.messagesFor(id)).map(({ role, uid, content }) => ({
                role,
                uid,
                content,
              })),
            }));
            return Promise.all(chats);
          });
        const sorted = (some: typeof chats) =>
          some.toSorted((a, b) => Number(a.uid.slice(5)) - Number(b.uid.slice(5)));
        const first = sorted(await stored());
        expect(first).toEqual(chats.slice(0, first.length));
        expect(first.length).toBeGreaterThanOrEqual(last('handled'));
        const report = await bring(page);
        expect(report.failures).toEqual([]);
        expect(report.conversations.created).toBe(CHATS - first.length);
        expect(sorted(await stored())).toEqual(chats);
        return `${first.length} of ${CHATS} chats stored, ${last('handled')} told`;
      },
    };
  };
}

/** How many turns of the page something takes, which depends on what else this machine does. */
function instants(): { took(turns: number): void; wasCut(): void; draw(scene: Scene): number } {
  let longest = 1;
  return {
    took(turns) {
      longest = turns;
    },
    // It may have had further to go than was thought.
    wasCut() {
      longest *= 1.1;
    },
    draw: ({ random }) => 1 + random(longest),
  };
}

/** Everything is replaced by a file: before or after, nothing in between. */
function restoring(): Moment {
  const MESSAGES = 2_000;
  const instant = instants();
  let files: string[] | undefined;
  let now = 0;
  /** Two files, and the second is there. */
  const prepare = async (page: Page) => {
    const made = await page.evaluate(
      async ([count, content]) => {
        const { store } = window;
        const url = (blob: Blob) =>
          new Promise<string>((resolve) => {
            const reader = new FileReader();
            reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
            reader.readAsDataURL(blob);
          });
        const files: string[] = [];
        for (const version of [0, 1]) {
          await store.clear();
          const id = await store.createConversation(`version ${version}`);
          const adds = Array.from({ length: count }, (_, n) =>
            store.addMessage(id, 'user', `${version}.${n} ${content}`),
          );
          await Promise.all(adds);
          files.push(await url(await store.backup()));
        }
        return files;
      },
      [MESSAGES, CONTENT] as const,
    );
    now = 1;
    files = made;
    const turns = await begin(page, made[0] as string, Number.MAX_SAFE_INTEGER);
    instant.took(turns);
    now = 0;
  };
  /** Resolves to the turns that it took. */
  const begin = (page: Page, file: string, until: number) =>
    page.evaluate(
      async ([file, until]) => {
        const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
        const stop = window.turns(until);
        await window.store.restore(new Blob([bytes]));
        return stop();
      },
      [file, until] as const,
    );
  return async (scene) => {
    const { heard, reaches } = told();
    const page = await actor(scene.context, heard);
    await openStore(page, 'restore');
    if (!files) await prepare(page);
    const next = 1 - now;
    let acknowledged = false;
    const restored = begin(page, files?.[next] as string, instant.draw(scene)).then(
      (turns) => {
        acknowledged = true;
        instant.took(turns);
      },
      (error) => {
        if (!GONE.test(error)) throw error;
      },
    );
    await Promise.race([reaches('turn', 1), restored]);
    return {
      victim: page,
      async check(page) {
        await openStore(page, 'restore');
        const seen = await page.evaluate(async () => {
          const rows = await window.store.listConversations();
          const messages = await window.store.messagesFor(rows[0]?.id ?? 0);
          return {
            titles: rows.map(({ title }) => title),
            contents: messages.map(({ content }) => content),
          };
        });
        await restored;
        const found = seen.titles[0] === `version ${next}` || acknowledged ? next : now;
        expect(seen.titles).toEqual([`version ${found}`]);
        expect(seen.contents).toEqual(
          Array.from({ length: MESSAGES }, (_, n) => `${found}.${n} ${CONTENT}`),
        );
        if (!acknowledged) instant.wasCut();
        const how = found === now ? 'the old' : 'the new';
        now = found;
        return `${how}${acknowledged ? ', acknowledged' : ''}`;
      },
    };
  };
}

/** A file of an earlier version is opened: whatever it held is there, in this version. */
function migrating(): Moment {
  const VERSIONS = 4;
  const MORE = 3_000;
  const instant = instants();
  let round = 0;
  /** As an earlier version left it, and grown by the other program. */
  const grown = async (version: number): Promise<{ bytes: string; expected: unknown[] }> => {
    const folder = await mkdtemp(join(tmpdir(), 'conversation-store-old-'));
    try {
      const old = fileURLToPath(new URL(`../files/version-${version}.db`, import.meta.url));
      const file = join(folder, 'old.db');
      await sqlite3(old, `VACUUM INTO '${file}'`);
      await sqlite3(file, 'PRAGMA journal_mode = WAL');
      await sqlite3(
        file,
        `WITH RECURSIVE numbers (n) AS (VALUES (11) UNION ALL SELECT n + 1 FROM numbers WHERE n < ${10 + MORE})
         INSERT INTO messages (id, conversation_id, role, content)
         SELECT n, 1 + n % 2, 'user', '말 ' || n || ' ${CONTENT}' FROM numbers`,
      );
      const expected = await sqlite3(
        file,
        'SELECT id, conversation_id AS conversationId, role, content FROM messages ORDER BY id',
      );
      expect(expected).toHaveLength(10 + MORE);
      return { bytes: (await readFile(file)).toString('base64'), expected };
    } finally {
      await rm(folder, { recursive: true });
    }
  };
  const put = (page: Page, name: string, bytes: string) =>
    page.evaluate(
      async ([name, bytes]) => {
        const root = await navigator.storage.getDirectory();
        const parent = await root.getDirectoryHandle('conversation-store', { create: true });
        const directory = await parent.getDirectoryHandle(name, { create: true });
        const handle = await directory.getFileHandle('main.db', { create: true });
        const stream = await handle.createWritable();
        await stream.write(Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0)));
        await stream.close();
      },
      [name, bytes] as const,
    );
  const begin = (page: Page, name: string, until: number) =>
    page.evaluate(
      async ([name, until]) => {
        const stop = window.turns(until);
        window.store = await window.Store.open(name);
        return stop();
      },
      [name, until] as const,
    );
  return async (scene) => {
    const { heard, reaches } = told();
    const page = await actor(scene.context, heard);
    round += 1;
    const version = 1 + (round % VERSIONS);
    const { bytes, expected } = await grown(version);
    if (round === 1) {
      await put(page, 'measured', bytes);
      instant.took(await begin(page, 'measured', Number.MAX_SAFE_INTEGER));
      await page.evaluate(() => window.store.close());
    }
    const name = `migrated-${round}`;
    await put(page, name, bytes);
    let acknowledged = false;
    const opened = begin(page, name, instant.draw(scene)).then(
      (turns) => {
        acknowledged = true;
        instant.took(turns);
      },
      (error) => {
        if (!GONE.test(error)) throw error;
      },
    );
    await Promise.race([reaches('turn', 1), opened]);
    return {
      victim: page,
      async check(page) {
        await opened;
        await openStore(page, name);
        const seen = await page.evaluate(async () => {
          const { store } = window;
          const chats = await store.listConversations();
          const messages = await Promise.all(chats.map(({ id }) => store.messagesFor(id)));
          const { schemaVersion } = await store.status();
          await store.addMessage(chats[0]?.id ?? 0, 'user', 'and on');
          const other = await window.Store.open(':memory:');
          const current = (await other.status()).schemaVersion;
          await other.close();
          return {
            isCurrent: schemaVersion === current,
            titles: chats.map(({ title }) => title).sort(),
            messages: messages
              .flat()
              .map(({ id, conversationId, role, content }) => ({
                id,
                conversationId,
                role,
                content,
              }))
              .sort((a, b) => a.id - b.id),
          };
        });
        expect(seen).toEqual({
          isCurrent: true,
          titles: ['옛 대화 1', '옛 대화 2'],
          messages: expected,
        });
        if (!acknowledged) instant.wasCut();
        return `version ${version}${acknowledged ? ', had opened' : ''}`;
      },
    };
  };
}

/** Two tabs write, a third reads; the leader closes, and it or its successor dies. */
function handover(): Moment {
  let round = 0;
  return async ({ context, random }) => {
    round += 1;
    const name = `handover-${round}`;
    const tabs = await Promise.all(
      [0, 1].map(async () => {
        const record = told();
        return { ...record, page: await actor(context, record.heard) };
      }),
    );
    const [leader, follower] = tabs as [(typeof tabs)[0], (typeof tabs)[0]];
    await openStore(leader.page, name);
    await leader.page.evaluate(() =>
      window.store.createConversation('t', 'claude', { uid: 'shared' }),
    );
    await openStore(follower.page, name);
    for (const [writer, { page }] of tabs.entries()) {
      await page.evaluate((writer) => {
        const { store, say } = window;
        const work = async (n: number): Promise<void> => {
          await store.addMessage('shared', 'user', `${writer}:${n}`);
          const told = say('done', n);
          // Not far ahead of who listens.
          if (n % 20 === 0) await told;
          await work(n + 1);
        };
        // Its own tab's closing ends it.
        work(1).catch((error) => {
          if (error.code !== 'closed') throw error;
        });
      }, writer);
    }
    await Promise.all(tabs.map(({ reaches }) => reaches('done', 1 + random(30))));
    const dies = tabs[random(2)] as (typeof tabs)[0];
    await dies.page.evaluate((until) => void window.turns(until), 1 + random(1_000));
    const closed = leader.page
      .evaluate(() => window.store.close())
      // It may be the one that dies.
      .catch((error) => {
        if (!GONE.test(error)) throw error;
      });
    await dies.reaches('turn', 1);
    return {
      victim: dies.page,
      async check(page) {
        await closed;
        await openStore(page, name);
        const acknowledged = tabs.map(({ last }) => last('done'));
        const stored = await page.evaluate(async () => {
          const rows = await window.store.messagesFor('shared');
          return rows.map(({ content }) => content.split(':').map(Number));
        });
        const counts = acknowledged.map((least, writer) => {
          const mine = stored.filter(([from]) => from === writer).map(([, n]) => n);
          expect(mine).toEqual(mine.map((_, n) => n + 1));
          expect(mine.length).toBeGreaterThanOrEqual(least);
          return mine.length;
        });
        return `the ${dies === leader ? 'leader' : 'successor'}; ${counts.join(' and ')} stored`;
      },
    };
  };
}

/** All of them; each remembers what it has stored, for one profile. */
export function moments(): Record<string, Moment> {
  return {
    write: write(),
    stream: stream(),
    import: importing(),
    restore: restoring(),
    // Files of earlier versions are put into OPFS.
    ...(here.storage === 'opfs' && { migration: migrating() }),
    handover: handover(),
  };
}
