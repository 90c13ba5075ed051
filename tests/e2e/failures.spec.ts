/** What goes wrong around the store: files that do not load, workers that die, other tabs. */

import { expect } from '@playwright/test';
import { load, test } from './browser.js';

test('a worker or module that cannot be loaded says so soon', async ({ page }) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const worker = (path: string) => () => new Worker(path, { type: 'module' });
    const cases: Record<string, Parameters<typeof window.Store.open>[1]> = {
      'worker 404': { worker: worker('/nowhere.js') },
      'worker of a wrong type': { worker: worker('/wrong-type/worker.js') },
      'worker that throws': { worker: worker('/workers/throws.js') },
      'worker factory that throws': {
        worker: () => {
          throw new Error('planted');
        },
      },
      'worker of another origin': { worker: worker('http://localhost:41741/package/worker.js') },
      'wasm 404': { wasm: '/nowhere.wasm' },
      'wasm of a wrong type': { wasm: '/wrong-type/module.wasm' },
      'wasm that is a page': { wasm: '/spa/module.wasm' },
      'wasm forbidden by the policy': { worker: worker('/no-wasm-eval/worker.js') },
    };
    const results: Record<string, [string, boolean]> = {};
    for (const [name, options] of Object.entries(cases)) {
      const started = performance.now();
      const error = await window.Store.open('loading', options).catch((error) => error);
      const says = error.message?.length > 40;
      results[name] = [error.code, says && performance.now() - started < 10_000];
    }
    return results;
  });
  for (const [name, result] of Object.entries(seen)) {
    expect(result, name).toEqual(['storage-unavailable', true]);
  }
  expect(Object.keys(seen)).toHaveLength(9);
});

test('a page whose policy forbids workers is told', async ({ page }) => {
  await load(page, '/no-workers');
  expect(await page.evaluate(() => window.code(window.Store.open('x')))).toBe(
    'storage-unavailable',
  );
});

test('a browser that lacks something is told, and gets no memory instead', async ({ page }) => {
  await load(page);
  const codes = await page.evaluate(() => {
    const open = (script: string) => {
      const worker = () => new Worker(`/workers/${script}`, { type: 'module' });
      return window.code(window.Store.open(script, { worker, timeout: 2_000 }));
    };
    return Promise.all(['no-wasm.js', 'no-opfs.js', 'no-sync.js', 'silent.js'].map(open));
  });
  // A worker that says nothing may be one that is still on its way.
  expect(codes).toEqual([...Array(3).fill('storage-unavailable'), 'timeout']);
});

test('a worker that dies rejects what was under way, and the next call starts anew', async ({
  page,
}) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/dies.js', { type: 'module' });
    const store = await window.Store.open('dies', { worker });
    const id = await store.createConversation('kept');
    const { id: message } = await store.addMessage(id, 'user', 'acknowledged');
    await store.getMessage(message);
    // The planted error comes in a task of its own; until then calls are answered.
    let code = 'resolved';
    let calls = 0;
    while (code === 'resolved' && calls < 10_000) {
      code = await window.code(store.messagesFor(id));
      calls += 1;
    }
    const kept = await store.messagesFor(id);
    await store.close();
    return { code, kept: kept.map((row) => row.content) };
  });
  expect(seen).toEqual({ code: 'crashed', kept: ['acknowledged'] });
});

test('a call after a crash ends by its own timeout while another tab has the database', async ({
  context,
}) => {
  const first = await load(await context.newPage());
  const second = await load(await context.newPage());
  await first.evaluate(async () => {
    const worker = () => new Worker('/workers/dies.js', { type: 'module' });
    window.store = await window.Store.open('crash', { worker, timeout: Number.POSITIVE_INFINITY });
  });
  const opening = second.evaluate(async () => {
    window.store = await window.Store.open('crash');
  });
  await first.evaluate(() => window.store.getMessage(1));
  await opening;
  const codes = await first.evaluate(async () => [
    await window.code(window.store.listConversations(1, { timeout: 200 })),
    await window.code(window.store.createConversation('t', 'b', { timeout: 200 })),
  ]);
  expect(codes).toEqual(['timeout', 'timeout']);
  await second.evaluate(() => window.store.close());
  expect(await first.evaluate(() => window.code(window.store.listConversations()))).toBe(
    'resolved',
  );
});

test('a second tab waits for the first, and never gets another store', async ({ context }) => {
  const first = await load(await context.newPage());
  const second = await load(await context.newPage());
  await first.evaluate(async () => {
    window.store = await window.Store.open('tabs');
    await window.store.createConversation('by the first tab');
  });
  const waited = await second.evaluate(async () => {
    const controller = new AbortController();
    const open = window.code(window.Store.open('tabs', { signal: controller.signal }));
    const deleted = await window.code(window.Store.delete('tabs'));
    controller.abort();
    return [await open, deleted];
  });
  expect(waited).toEqual(['aborted', 'blocked']);
  const blocked = await second.evaluate(() =>
    window.code(window.Store.open('tabs', { timeout: 300 })),
  );
  expect(blocked).toBe('blocked');

  const opening = second.evaluate(async () => {
    window.store = await window.Store.open('tabs');
    return (await window.store.listConversations()).map((row) => row.title);
  });
  await first.evaluate(() => window.store.close());
  expect(await opening).toEqual(['by the first tab']);

  // Closed without close: the tab's end frees the files.
  const third = first.evaluate(async () => {
    window.store = await window.Store.open('tabs');
    return (await window.store.listConversations()).length;
  });
  await second.close();
  expect(await third).toBe(1);
  await first.evaluate(() => window.store.close());
});
