/** Calls that time out, are aborted or fail: what a caller is told is what happened, and once. */

import { expect } from '@playwright/test';
import { load, origin, test } from './browser.js';

test.beforeEach(async ({ page }) => {
  await load(page);
});

test('however many writes time out, each is safe to repeat', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/mute.js', { type: 'module' });
    const store = await window.Store.open('timeouts', { worker });
    const id = await store.createConversation('t');
    const texts = Array.from({ length: 150 }, (_, n) => `T${n}`);
    const names = await Promise.all(
      texts.map((text) =>
        store.addMessage(id, 'user', text, { timeout: 1_000 }).catch((error) => error.details),
      ),
    );
    // The next writes say which answers are here: the records of these must stay.
    for (let n = 0; n < 3; n++) await store.addMessage(id, 'user', 'another');
    const repeat = () =>
      Promise.all(
        texts.map((text, n) =>
          store.addMessage(id, 'user', text, {
            operationId: (names[n] as { operationId: string }).operationId,
          }),
        ),
      );
    const results = [await repeat(), await repeat()];
    const rows = await store.messagesFor(id);
    await store.close();
    return {
      same: JSON.stringify(results[0]) === JSON.stringify(results[1]),
      rows: rows.map((row) => row.content).filter((text) => text !== 'another'),
    };
  });
  expect(seen).toEqual({ same: true, rows: Array.from({ length: 150 }, (_, n) => `T${n}`) });
});

test('an aborted write that has not begun is not carried out', async ({ page, context }) => {
  const follower = await load(await context.newPage());
  for (const tab of [page, follower]) {
    const seen = await tab.evaluate(async () => {
      const store = await window.Store.open('aborts');
      const id = await store.createConversation('t');
      const controller = new AbortController();
      const { signal } = controller;
      // While this is carried out the others come, on a machine that does much else too.
      const chat = Array.from({ length: 20_000 }, () => ({ role: 'user' as const, content: 'x' }));
      const long = store.saveMessages(crypto.randomUUID(), chat, { create: true });
      const calls = Array.from({ length: 1_000 }, (_, n) =>
        window.code(store.addMessage(id, 'user', String(n), { signal })),
      );
      controller.abort();
      const codes = await Promise.all(calls);
      await long;
      const rows = new Set((await store.messagesFor(id)).map((row) => Number(row.content)));
      const untrue = codes.filter((code, n) => (code === 'resolved') !== rows.has(n));
      return { untrue, aborted: codes.filter((code) => code === 'aborted').length };
    });
    expect(seen.untrue).toEqual([]);
    expect(seen.aborted).toBeGreaterThan(500);
  }
});

test('a call that is aborted while its worker is replaced is not carried out', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    const worker = () => new Worker('/workers/dies.js', { type: 'module' });
    const store = await window.Store.open('abort-restart', { worker });
    const id = await store.createConversation('t');
    document.dispatchEvent(new Event('freeze'));
    const controller = new AbortController();
    const call = window.code(store.addMessage(id, 'user', 'x', { signal: controller.signal }));
    controller.abort();
    document.dispatchEvent(new Event('resume'));
    return [await call, (await store.messagesFor(id)).length];
  });
  expect(seen).toEqual(['aborted', 0]);
});

test('a page that is told twice that it is back has one worker, and leaves no lock', async ({
  page,
}) => {
  const seen = await page.evaluate(async () => {
    let workers = 0;
    const worker = () => {
      workers += 1;
      return new Worker('/package/worker.js', { type: 'module' });
    };
    const store = await window.Store.open('back', { worker });
    for (let n = 0; n < 3; n++) {
      const pending = store.createConversation(String(n));
      window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
      document.dispatchEvent(new Event('freeze'));
      document.dispatchEvent(new Event('resume'));
      window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
      await pending;
    }
    const titles = (await store.listConversations()).map((row) => row.title);
    await store.close();
    await window.Store.delete('back');
    // Given back, which the browser does in its own time.
    for (const name of ['conversation-store:back', 'conversation-store-delete:back']) {
      await navigator.locks.request(name, () => {});
    }
    const { held = [], pending = [] } = await navigator.locks.query();
    const others = [...held, ...pending].filter(({ name }) => !name?.endsWith(':back'));
    const tabs = [...held, ...pending].filter(({ name }) => name?.includes('-tab:'));
    return { workers, titles, locks: others.length + tabs.length };
  });
  expect(seen).toEqual({ workers: 4, titles: ['2', '1', '0'], locks: 0 });
});

test('restore under a used operationId is refused for another file', async ({ page }) => {
  const codes = await page.evaluate(async () => {
    const store = await window.Store.open('restore-once');
    const first = await store.backup();
    await store.createConversation('second');
    const second = await store.backup();
    const under = { operationId: 'one' };
    const restore = (file: Blob) => window.code(store.restore(file, under));
    const codes = [await restore(first), await restore(second), await restore(first)];
    return [...codes, (await store.listConversations()).length];
  });
  expect(codes).toEqual(['resolved', 'conflict', 'resolved', 0]);
});

test('a write whose worker cannot be replaced is known by its operation', async ({ page }) => {
  const seen = await page.evaluate(async () => {
    let script = '/workers/mute.js';
    const worker = () => new Worker(script, { type: 'module' });
    const store = await window.Store.open('gone', { worker });
    const id = await store.createConversation('t');
    const call = store.addMessage(id, 'user', 'T').catch((error) => error);
    // Carried out by now: calls are, in their order.
    await store.listConversations();
    script = '/nowhere.js';
    document.dispatchEvent(new Event('freeze'));
    document.dispatchEvent(new Event('resume'));
    const { code, details } = await call;
    await store.close();
    script = '/package/worker.js';
    const again = await window.Store.open('gone', { worker });
    await again.addMessage(id, 'user', 'T', { operationId: details.operationId });
    const rows = (await again.messagesFor(id)).map((row) => row.content);
    return { code, rows };
  });
  expect(seen).toEqual({ code: 'storage-unavailable', rows: ['T'] });
});

test('a welcome without its list is ignored and counted', async ({ page, context }) => {
  const heard = page.evaluate(
    () =>
      new Promise<object>((resolve) => {
        const channel = new BroadcastChannel('conversation-store:welcome');
        channel.onmessage = ({ data }) => data.type === 'welcome' && resolve(data);
      }),
  );
  const second = await load(await context.newPage());
  await second.evaluate(async () => {
    window.store = await window.Store.open('welcome');
  });
  const welcome = await heard;
  const ignored = await second.evaluate(async (welcome) => {
    const { to, lines, ...rest } = welcome as { to?: string; lines?: string[] };
    const channel = new BroadcastChannel('conversation-store:welcome');
    for (const lists of [{}, { lines: undefined }, { lines: null }, { lines: 5 }, { to }]) {
      channel.postMessage({ ...rest, from: 'another', ...lists, lines: undefined });
    }
    while ((await window.store.status()).ignoredMessages < 4) {
      await window.store.listConversations();
    }
    return (await window.store.status()).role;
  }, welcome);
  expect(ignored).toBe('leader');
  expect(page.url()).toContain(origin);
});
