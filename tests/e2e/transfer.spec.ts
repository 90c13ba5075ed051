/** Import and export by a worker of their own, against a store that only counts. */

import { expect, type Page } from '@playwright/test';
import type { TransferCalls } from '../../dist/transfer.js';
import { load, test } from './browser.js';

type Transfer = typeof import('../../dist/transfer.js');

declare global {
  interface Window {
    Transfer: Transfer;
    /** A store that counts what it is given and keeps attachments. */
    counting(): TransferCalls & { chats(): AsyncIterable<string>; given: string[] };
    plain(count: number, content: string): object[];
    file: Blob;
  }
}

async function loadTransfer(page: Page): Promise<void> {
  await load(page);
  await page.evaluate(async () => {
    window.Transfer = await import(`${location.origin}/package/transfer.js`);
    window.counting = () => {
      const given: string[] = [];
      const blobs = new Map<string, Blob>();
      const counts = (created: number) => ({ created, updated: 0, skipped: 0, failed: 0 });
      let last = 0;
      return {
        given,
        async importBatch(text) {
          given.push(text);
          // Not parsed: that would be the page's own doing.
          const count = text.split('"messages":[').length - 1;
          const ids = Array.from({ length: count }, () => ++last);
          return { conversations: counts(count), messages: counts(0), ids, failures: [] };
        },
        async *chats() {
          for (const text of given) {
            for (const chat of JSON.parse(text)) yield JSON.stringify(chat);
          }
        },
        async putBlob(blob) {
          const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
          const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0'));
          const hash = hex.join('');
          blobs.set(`conversation-store:sha256-${hash}`, blob);
          return { hash };
        },
        getBlob: async (ref) => blobs.get(ref),
      };
    };
    window.plain = (count, content) =>
      Array.from({ length: count }, (_, at) => ({
        title: `대화 ${at}`,
        uid: `c${at}`,
        messages: [{ role: 'user', content, uid: 'm' }],
      }));
  });
}

test.beforeEach(async ({ page }) => {
  await loadTransfer(page);
});

test('a file goes in and out again, equal, with its attachment', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const bytes = new Uint8Array(3_000_000).map((_, at) => at * 7);
    const [one, two] = [window.counting(), window.counting()];
    const { hash } = await one.putBlob(new Blob([bytes], { type: 'image/png' }));
    const content = `안녕 conversation-store:sha256-${hash}`;
    const report = await window.Transfer.importInto(one, window.plain(300, content));
    const file = await window.Transfer.exportFrom(one);
    const again = await window.Transfer.importInto(two, file);
    const blob = await two.getBlob(`conversation-store:sha256-${hash}`);
    const back = new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0));
    const chats = (given: string[]) => given.flatMap((text) => JSON.parse(text));
    return {
      reports: [report, again],
      file: [file.name, file.type],
      equal: JSON.stringify(chats(one.given)) === JSON.stringify(chats(two.given)),
      count: chats(two.given).length,
      attachment: [blob?.type, back.length, back.every((byte, at) => byte === bytes[at])],
    };
  });
  expect(seen.file).toEqual(['chats.zip', 'application/zip']);
  expect([seen.equal, seen.count]).toEqual([true, 300]);
  expect(seen.attachment).toEqual(['image/png', 3_000_000, true]);
  for (const report of seen.reports) {
    expect(report.conversations).toEqual({ created: 300, updated: 0, skipped: 0, failed: 0 });
    expect(report.failures).toEqual([]);
    expect(report.ids).toHaveLength(300);
  }
});

test('the page runs on while a large file is read', async ({ browser, page }) => {
  await page.evaluate(() => {
    const chat = JSON.stringify(window.plain(1, '말과 "따옴표"\n'.repeat(1000))[0]);
    const pieces = Array.from({ length: 2000 }, (_, at) =>
      (at === 0 ? '[' : ',').concat(chat.replace('c0', `c${at}`)),
    );
    window.file = new Blob([...pieces, ']']);
  });
  await browser.startTracing(page, {
    categories: ['toplevel', 'disabled-by-default-devtools.timeline'],
  });
  const seen = await page.evaluate(async () => {
    const report = await window.Transfer.importInto(window.counting(), window.file);
    return { size: window.file.size, created: report.conversations.created };
  });
  const trace = JSON.parse((await browser.stopTracing()).toString());
  expect(seen.created).toBe(2000);
  expect(seen.size).toBeGreaterThan(40_000_000);
  // The time that the page's thread worked in a turn, whatever else this machine did meanwhile.
  const turns = longestTurns(trace.traceEvents);
  expect(turns.length).toBeGreaterThan(100);
  expect(turns[0]).toBeLessThan(50_000);
});

/** Microseconds of work of each turn of the page's thread, longest first. */
function longestTurns(
  events: { name: string; pid: number; tid: number; tdur?: number; args: { name?: string } }[],
): number[] {
  const pages = events.filter(
    ({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain',
  );
  const threads = new Set(pages.map(({ pid, tid }) => `${pid}/${tid}`));
  const turns = events.filter(
    ({ name, pid, tid }) => /RunTask$/.test(name) && threads.has(`${pid}/${tid}`),
  );
  return turns.flatMap(({ tdur }) => (tdur === undefined ? [] : [tdur])).sort((a, b) => b - a);
}

test('an abort ends it at once, with a report', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const stop = new AbortController();
    const store = window.counting();
    const error = await window.Transfer.importInto(store, window.plain(2000, 'x'.repeat(5000)), {
      signal: stop.signal,
      onProgress: ({ conversations }) => conversations > 100 && stop.abort('enough'),
    }).catch((error) => error);
    const stored = store.given.flatMap((text) => JSON.parse(text)).length;
    const before = await window.Transfer.exportFrom(store, { signal: stop.signal }).catch((e) => e);
    return {
      code: error.code,
      cause: error.cause,
      counted: error.details.report.conversations.created === stored,
      stored,
      before: before.code,
    };
  });
  expect(seen).toMatchObject({ code: 'aborted', cause: 'enough', counted: true });
  expect(seen.stored).toBeLessThan(400);
  expect(seen.before).toBe('aborted');
});

test('a worker or module that cannot be loaded says so', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const worker = (path: string) => () => new Worker(path, { type: 'module' });
    const cases: Record<string, Parameters<Transfer['importInto']>[2]> = {
      'worker 404': { formatsWorker: worker('/nowhere.js') },
      'wasm 404': { formats: '/nowhere.wasm' },
      'no wasm in it': { formats: '/spa/module.wasm' },
      'wasm forbidden by the policy': { formatsWorker: worker('/no-wasm-eval/formats-worker.js') },
      'a worker that says nothing': { formatsWorker: worker('/workers/silent.js'), timeout: 1000 },
      'a compiled module': {
        formats: await WebAssembly.compileStreaming(
          fetch('/package/wasm/conversation_formats_bg.wasm'),
        ),
      },
    };
    const codes: Record<string, string> = {};
    for (const [name, options] of Object.entries(cases)) {
      codes[name] = await window.code(
        window.Transfer.importInto(window.counting(), window.plain(1, 'x'), options),
      );
    }
    return codes;
  });
  expect(seen).toEqual({
    'worker 404': 'storage-unavailable',
    'wasm 404': 'storage-unavailable',
    'no wasm in it': 'storage-unavailable',
    'wasm forbidden by the policy': 'storage-unavailable',
    'a worker that says nothing': 'timeout',
    'a compiled module': 'resolved',
  });
});

test('a file that changes while it is read is told', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle('chats.json', { create: true });
    const write = async (text: string) => {
      const stream = await handle.createWritable();
      await stream.write(text);
      await stream.close();
    };
    await write(JSON.stringify(window.plain(2000, 'x'.repeat(5000))));
    const file = await handle.getFile();
    const store = window.counting();
    const { importBatch } = store;
    let changed = false;
    store.importBatch = async (...given) => {
      if (!changed) await write('[]');
      changed = true;
      return importBatch(...given);
    };
    const report = await window.Transfer.importInto(store, file);
    return [report.conversations.created, report.failures.at(-1)?.code];
  });
  expect(seen[0]).toBeLessThan(500);
  expect(seen[1]).toBe('corrupt');
});
