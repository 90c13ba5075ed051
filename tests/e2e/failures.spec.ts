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
      'worker of another origin': {
        worker: worker(`http://localhost:${location.port}/package/worker.js`),
      },
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

test('where a page may not compile the module, its worker does', async ({ page }) => {
  const fetched: string[] = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
  const open = async (path: string) => {
    await load(page, path);
    fetched.length = 0;
    const { sqliteVersion } = await page.evaluate(async () =>
      (await window.Store.open('x')).status(),
    );
    return [/^3\./.test(sqliteVersion), fetched.filter((it) => it.endsWith('.wasm')).length];
  };
  expect(await open('/')).toEqual([true, 1]);
  expect(await open('/no-wasm')).toEqual([true, 2]);
});

test('a browser that lacks something is told, and gets no memory instead', async ({ page }) => {
  await load(page);
  const codes = await page.evaluate(() => {
    const open = (script: string) => {
      const worker = () => new Worker(`/workers/${script}`, { type: 'module' });
      return window.code(window.Store.open(script, { worker, timeout: 2_000 }));
    };
    return Promise.all(['no-wasm.js', 'no-storage.js', 'silent.js'].map(open));
  });
  // A worker that says nothing may be one that is still on its way.
  expect(codes).toEqual(['storage-unavailable', 'storage-unavailable', 'timeout']);
});

test('a worker that dies is replaced, and what was under way is carried out once', async ({
  page,
}) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/dies.js', { type: 'module' });
    const store = await window.Store.open('dies', { worker });
    const id = await store.createConversation('kept');
    const resets: boolean[] = [];
    const reset = new Promise<void>((resolve) => {
      store.addEventListener('change', ({ detail }) => {
        resets.push(detail.reset);
        if (detail.reset) resolve();
      });
    });
    // Each of these kills the worker, which comes in a task of its own: some of the calls after it
    // are answered, some are not yet.
    const added = [0, 1, 2].flatMap((round) => [
      store.getMessage(1),
      ...Array.from({ length: 50 }, (_, n) => store.addMessage(id, 'user', `${round}.${n}`)),
    ]);
    const codes = await Promise.all(added.map((call) => window.code(call)));
    await reset;
    const rows = (await store.messagesFor(id)).map((row) => row.content);
    await store.close();
    return { codes: [...new Set(codes)], rows };
  });
  expect(seen.codes).toEqual(['resolved']);
  const all = [0, 1, 2].flatMap((round) => Array.from({ length: 50 }, (_, n) => `${round}.${n}`));
  expect(seen.rows).toEqual(all);
});

test('a call that kills every worker is given up, and the ones after it are not', async ({
  page,
}) => {
  await load(page);
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/dies-at-once.js', { type: 'module' });
    const store = await window.Store.open('poison', { worker });
    const poisoned = store.getMessage(1).catch((error) => error.code);
    const created = store.createConversation('after it');
    return [await poisoned, typeof (await created), (await store.listConversations()).length];
  });
  expect(seen).toEqual(['crashed', 'number', 1]);
});

test('what a worker held in memory is gone with it, and no empty store takes its place', async ({
  page,
}) => {
  await load(page);
  const codes = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/dies-at-once.js', { type: 'module' });
    const store = await window.Store.open(':memory:', { worker });
    await store.createConversation('gone');
    return [await window.code(store.getMessage(1)), await window.code(store.listConversations())];
  });
  expect(codes).toEqual(['crashed', 'crashed']);
});
