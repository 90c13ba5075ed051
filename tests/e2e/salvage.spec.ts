/** Damaged files: told at open, salvaged into a new database, over crashes and beside other tabs. */

import { expect, type Page } from '@playwright/test';
import { load, here as storage, test } from './browser.js';

interface Damaging {
  /** Bytes of a file of a database. */
  bytesOf(name: string, file?: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The database of IndexedDB that holds a database. */
  database(name: string): Promise<IDBDatabase>;
  /** Puts bytes in the place of a file's. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>, file?: string): Promise<void>;
  /** Makes a store with chats and an attachment, closed; what it holds. */
  make(name: string, chats?: number): Promise<string>;
  /** What a store holds. */
  everything(name: string): Promise<string>;
}

type Page_ = Window & Damaging;

async function prepared(page: Page): Promise<Page> {
  await load(page);
  await page.evaluate((inOpfs) => {
    const here = window as unknown as Page_;
    here.database = (name) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(`conversation-store:${name}`);
        request.addEventListener('success', () => resolve(request.result));
        request.addEventListener('error', () => reject(request.error));
      });
    const folder = async (name: string, path: string[]) => {
      let at = await navigator.storage.getDirectory();
      for (const part of ['conversation-store', name, ...path]) {
        at = await at.getDirectoryHandle(part);
      }
      return at;
    };
    const open = async (name: string, file: string) => {
      const path = file.split('/');
      const last = path.pop() as string;
      return (await folder(name, path)).getFileHandle(last, { create: true });
    };
    if (inOpfs) {
      here.bytesOf = async (name, file = 'main.db') => {
        const handle = await open(name, file);
        return new Uint8Array(await (await handle.getFile()).arrayBuffer());
      };
      here.put = async (name, bytes, file = 'main.db') => {
        const writable = await (await open(name, file)).createWritable();
        await writable.write(bytes);
        await writable.close();
      };
    } else {
      here.bytesOf = async (name) => {
        const database = await here.database(name);
        const transaction = database.transaction(['commits', 'blocks']);
        const read = (request: IDBRequest) =>
          new Promise<unknown[]>((resolve) =>
            request.addEventListener('success', () => resolve(request.result)),
          );
        const commits = read(transaction.objectStore('commits').getAll());
        const blocks = read(
          transaction.objectStore('blocks').getAll(IDBKeyRange.upperBound(Number.MAX_VALUE)),
        );
        const [first, ...others] = (await commits) as { size: number }[];
        const parts = (await blocks) as Uint8Array<ArrayBuffer>[];
        database.close();
        if (first && others.length === 0) {
          return new Uint8Array(await new Blob(parts).slice(0, first.size).arrayBuffer());
        }
        // Some of it is in changes: it is made one piece.
        const store = await window.Store.open(name);
        const bytes = new Uint8Array(await (await store.backup()).arrayBuffer());
        await store.close();
        await here.put(name, bytes);
        return bytes;
      };
      here.put = async (name, bytes) => {
        const database = await here.database(name);
        const transaction = database.transaction(['commits', 'blocks'], 'readwrite');
        const [commits, blocks] = [
          transaction.objectStore('commits'),
          transaction.objectStore('blocks'),
        ];
        commits.clear();
        commits.put({ size: bytes.length }, 1_000_000);
        blocks.clear();
        for (let n = 0; n * 8_192 < bytes.length; n++) {
          const block = new Uint8Array(8_192);
          block.set(bytes.subarray(n * 8_192, (n + 1) * 8_192));
          blocks.put(block, n);
        }
        await new Promise((resolve) => transaction.addEventListener('complete', resolve));
        database.close();
      };
    }
    here.everything = async (name) => {
      const store = await window.Store.open(name);
      const chats = await store.listConversations({ limit: 1_000 });
      const messages = await Promise.all(
        chats.map(({ id }) => store.messagesFor(id, { branches: 'all', inlineBlobs: true })),
      );
      await store.close();
      return JSON.stringify([chats, messages]);
    };
    here.make = async (name, chats = 12) => {
      const store = await window.Store.open(name);
      const picture = new Blob([new Uint8Array(300_000).map((_, n) => n * 7)], {
        type: 'image/png',
      });
      const { ref } = await store.putBlob(picture);
      for (let n = 0; n < chats; n++) {
        const id = await store.createConversation(`대화 ${n} 🌱`);
        for (let m = 0; m < 20; m++) {
          await store.addMessage(
            id,
            m % 2 ? 'assistant' : 'user',
            `${'안녕하세요 '.repeat(30)}${m}`,
          );
        }
        await store.addMessage(id, 'user', 'look', { metadata: { ref } });
      }
      await store.close();
      return here.everything(name);
    };
  }, storage.storage === 'opfs');
  return page;
}

test('a damaged database is corrupt at open, salvaged, and opens with its rows', async ({
  page,
}) => {
  await prepared(page);
  const found = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    const before = await here.make('damaged');
    const beside = await here.make('beside', 1);
    const damaged = await here.bytesOf('damaged');
    damaged.fill(0, 0, 200);
    await here.put('damaged', damaged);
    const opened = await window.code(window.Store.open('damaged'));
    const left = await here.bytesOf('damaged');
    const progress: number[] = [];
    const report = await window.Store.salvage('damaged', {
      onProgress: ({ bytes }) => progress.push(bytes),
    });
    const files = await Promise.all(
      report.files.map(
        async (file) => [file.name, new Uint8Array(await file.arrayBuffer())] as const,
      ),
    );
    const store = await window.Store.open('damaged');
    const id = await store.createConversation('and on it goes');
    const highest = Math.max(...(await store.listConversations(1_000)).map((it) => it.id));
    await store.deleteConversation(id);
    const check = await store.integrityCheck();
    const hits = await store.search('안녕하세요', { limit: 5 });
    await store.close();
    return {
      opened,
      untouched: left.every((byte, n) => byte === damaged[n]) && left.length === damaged.length,
      report: { ...report, files: files.length },
      kept: files.map(([name, bytes]) => [
        name,
        bytes.length === damaged.length && bytes.every((byte, n) => byte === damaged[n]),
      ]),
      same: (await here.everything('damaged')) === before,
      beside: (await here.everything('beside')) === beside,
      isNew: id === highest,
      progressed: progress.length > 0,
      check,
      hits: hits.length,
    };
  });
  expect(found).toEqual({
    opened: 'corrupt',
    untouched: true,
    report: {
      conversations: { recovered: 12, lost: 0, skipped: 0 },
      messages: { recovered: 252, lost: 0, skipped: 0 },
      attachments: { recovered: 1, lost: 0, skipped: 0 },
      losses: [],
      files: 1,
    },
    kept: [['main.db', true]],
    same: true,
    beside: true,
    isNew: true,
    progressed: true,
    check: { ok: true, problems: [] },
    hits: 5,
  });
});

test('what is lost is told, and the rest is there', async ({ page }) => {
  await prepared(page);
  const found = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    await here.make('cut');
    const bytes = await here.bytesOf('cut');
    // The attachment was there before the messages.
    await here.put('cut', bytes.slice(0, Math.floor(bytes.length * 0.8)));
    const opened = await window.code(window.Store.open('cut'));
    const { conversations, messages } = await window.Store.salvage('cut');
    const store = await window.Store.open('cut');
    const rows = await store.listConversations(1_000);
    let read = 0;
    for (const { id } of rows) read += (await store.messagesFor(id)).length;
    await store.close();
    return { opened, conversations, messages, read, chats: rows.length };
  });
  expect(found.opened).toBe('corrupt');
  expect(found.chats).toBe(found.conversations.recovered + found.conversations.lost);
  expect(found.messages.recovered).toBeGreaterThan(20);
  expect(found.read).toBe(found.messages.recovered);
});

test('nothing, something whole, something open, something hopeless', async ({ page, context }) => {
  await prepared(page);
  const other = await prepared(await context.newPage());
  const whole = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    const before = await here.make('whole', 3);
    const report = await window.Store.salvage('whole');
    return {
      lost: [report.conversations.lost, report.messages.lost, report.losses.length],
      same: (await here.everything('whole')) === before,
      absent: await window.code(window.Store.salvage('absent')),
      memory: await window.code(window.Store.salvage(':memory:')),
      name: await window.code(window.Store.salvage(5 as never)),
      option: await window.code(window.Store.salvage('whole', { nonsense: 1 } as never)),
      aborted: await window.code(window.Store.salvage('whole', { signal: AbortSignal.abort() })),
    };
  });
  expect(whole).toEqual({
    lost: [0, 0, 0],
    same: true,
    absent: 'not-found',
    memory: 'not-found',
    name: 'invalid-argument',
    option: 'invalid-argument',
    aborted: 'aborted',
  });
  // Nothing was made by asking.
  const names = await page.evaluate(async (inOpfs) => {
    if (!inOpfs) {
      const all = (await indexedDB.databases()).map((it) => it.name?.split(':')[1]);
      return all.filter((name) => name !== undefined);
    }
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('conversation-store');
    const names: string[] = [];
    for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
      names.push(name);
    }
    return names;
  }, storage.storage === 'opfs');
  expect(names).toEqual(['whole']);

  await other.evaluate(async () => {
    window.store = await window.Store.open('whole');
  });
  expect(await page.evaluate(() => window.code(window.Store.salvage('whole')))).toBe('blocked');
  await other.evaluate(() => window.store.close());
  expect(await page.evaluate(() => window.code(window.Store.salvage('whole')))).toBe('resolved');

  const hopeless = await page.evaluate(async (inOpfs) => {
    const here = window as unknown as Page_;
    await here.put('whole', new Uint8Array(100_000).fill(7));
    const opened = await window.code(window.Store.open('whole'));
    const salvaged = await window.code(window.Store.salvage('whole'));
    const bytes = await here.bytesOf('whole');
    await window.Store.delete('whole');
    const empty: string[] = [];
    if (inOpfs) {
      const store = await window.Store.open('empty');
      await store.close();
      await here.put('empty', new Uint8Array());
      empty.push(await window.code(window.Store.open('empty')));
      empty.push(await window.code(window.Store.salvage('empty')));
      empty.push(await window.code(window.Store.open('empty')));
    }
    return {
      codes: [opened, salvaged, ...empty],
      untouched: bytes.length === 100_000 && bytes.every((byte) => byte === 7),
    };
  }, storage.storage === 'opfs');
  // In IndexedDB nothing is no file: a database that was there is evicted then.
  const times = storage.storage === 'opfs' ? 5 : 2;
  expect(hopeless).toEqual({ codes: Array(times).fill('corrupt'), untouched: true });
});

test('a tab that opens meanwhile waits, and gets what was salvaged', async ({ page, context }) => {
  await prepared(page);
  const other = await prepared(await context.newPage());
  const before = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    const before = await here.make('waited', 6);
    const bytes = await here.bytesOf('waited');
    bytes.fill(0, 0, 100);
    await here.put('waited', bytes);
    return before;
  });
  let begun = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  await page.exposeFunction('begun', () => begun());
  const salvaged = page.evaluate(() =>
    window.Store.salvage('waited', {
      onProgress: () => (window as unknown as { begun(): void }).begun(),
    }).then((report) => report.messages.recovered),
  );
  await hasBegun;
  const opened = await other.evaluate(() => (window as unknown as Page_).everything('waited'));
  expect(await salvaged).toBe(126);
  expect(opened).toBe(before);
});

test('a salvage that a crash cuts short has changed nothing, or is gone on with', async ({
  page,
  context,
}) => {
  await prepared(page);
  const before = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    const before = await here.make('crashes');
    const bytes = await here.bytesOf('crashes');
    bytes.fill(0, 0, 100);
    await here.put('crashes', bytes);
    return before;
  });
  let heard = (_: number) => {};
  await context.exposeFunction('progressed', (n: number) => heard(n));
  // At each batch, and once all are taken in: then it heals, copies and switches.
  for (const at of [1, 2, 3, 4, 5]) {
    const tab = await prepared(await context.newPage());
    const reached = new Promise<void>((resolve) => {
      heard = (n) => n >= at && resolve();
    });
    await tab.evaluate(() => {
      let count = 0;
      const { progressed } = window as unknown as { progressed(n: number): void };
      window.Store.salvage('crashes', { onProgress: () => progressed(++count) }).then(
        () => progressed(1_000),
        () => progressed(1_000),
      );
    });
    await reached;
    const crashed = new Promise((resolve) => tab.on('crash', resolve));
    const session = await context.newCDPSession(tab);
    session.send('Page.crash').catch(() => {});
    await crashed;
    await tab.close();
    const then = await page.evaluate(async () => {
      const here = window as unknown as Page_;
      const opened = await window.code(window.Store.open('crashes').then((store) => store.close()));
      return [
        opened,
        opened === 'resolved' ? await here.everything('crashes') : undefined,
      ] as const;
    });
    if (then[0] === 'resolved') expect(then[1]).toBe(before);
    else expect(then[0]).toBe('corrupt');
  }
  const after = await page.evaluate(async () => {
    await window.Store.salvage('crashes');
    return (window as unknown as Page_).everything('crashes');
  });
  expect(after).toBe(before);
});

test('a switch that was interrupted is gone on with', { tag: '@opfs' }, async ({ page }) => {
  await prepared(page);
  const found = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    const before = await here.make('switch', 4);
    const whole = await here.bytesOf('switch');
    const mark = new TextEncoder().encode('salvaged:copy.db');
    const outcomes: boolean[] = [];
    // The mark, then the log, then the copy over the file, its first bytes last.
    for (const written of [16, 5_000, whole.length / 2, whole.length]) {
      const half = new Uint8Array(whole.length).fill(0x5a);
      half.set(whole.subarray(0, written));
      half.set(mark);
      await here.put('switch', half);
      await here.put('switch', whole, 'copy.db');
      await here.put('switch', new Uint8Array(40_000).fill(3), 'main.db-wal');
      outcomes.push((await here.everything('switch')) === before);
    }
    // A salvage goes on with it too.
    const half = new Uint8Array(whole.length);
    half.set(mark);
    await here.put('switch', half);
    await here.put('switch', whole, 'copy.db');
    const report = await window.Store.salvage('switch');
    outcomes.push(report.messages.recovered === 84);
    // Without what it switches to there is nothing to go on with, and nothing is made up.
    await here.put('switch', half);
    return { outcomes, opened: await window.code(window.Store.open('switch')) };
  });
  expect(found).toEqual({ outcomes: [true, true, true, true, true], opened: 'corrupt' });
});

test('an integrity check finds damage that an open does not see', async ({ page }) => {
  await prepared(page);
  const found = await page.evaluate(async () => {
    const here = window as unknown as Page_;
    await here.make('checked');
    const store = await window.Store.open('checked');
    const well = [await store.integrityCheck(), await store.integrityCheck({ quick: true })];
    await store.close();
    // A page in the middle that no open reads: zeros are no page.
    const bytes = await here.bytesOf('checked');
    const size = 8_192;
    let damaged = 0;
    for (let at = bytes.length - size; at > 0 && damaged < 3; at -= size) {
      // A leaf of messages.
      const text = new TextDecoder().decode(bytes.subarray(at, at + size));
      if (bytes[at] !== 13 || !text.includes('안녕하세요 안녕하세요')) continue;
      bytes.fill(0, at, at + size);
      damaged += 1;
    }
    await here.put('checked', bytes);
    const again = await window.Store.open('checked');
    const ill = await again.integrityCheck({ quick: true });
    const list = await window.code(again.listConversations());
    await again.close();
    return { well, ok: ill.ok, some: ill.problems.length > 0, damaged, list };
  });
  expect(found.well).toEqual([
    { ok: true, problems: [] },
    { ok: true, problems: [] },
  ]);
  expect(found).toMatchObject({ ok: false, some: true, damaged: 3 });
  expect(['resolved', 'corrupt']).toContain(found.list);
});
