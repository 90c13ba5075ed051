/** Crashes: the renderer's at random moments of a write loop, and the whole browser's. */

import { expect } from '@playwright/test';
import { load, profile, test } from './browser.js';

const CRASHES = Number(process.env.CRASHES ?? 12);

test('no acknowledged message is lost, doubled or out of order over crashes', async () => {
  test.setTimeout(180_000);
  const { launch, remove } = await profile();
  const context = await launch();
  let acknowledged = 0;
  let heard = () => {};
  await context.exposeFunction('acknowledge', (n: number) => {
    acknowledged = n;
    heard();
  });
  try {
    for (let crash = 0; crash < CRASHES; crash++) {
      const page = await load(await context.newPage());
      const from = acknowledged;
      // Crash once so many more are acknowledged: a moment of the loop, not of the clock.
      const until = from + 1 + Math.floor(Math.random() * 120);
      const reached = new Promise<void>((resolve) => {
        heard = () => acknowledged >= until && resolve();
      });
      // A tab's end costs nothing that was acknowledged, flushed or not.
      const stored = await page.evaluate(
        async (flushed) => {
          const durability = flushed ? 'strict' : 'relaxed';
          const store = await window.Store.open('crashes', { durability });
          const [row] = await store.listConversations();
          const id = row?.id ?? (await store.createConversation('crashes'));
          const contents = (await store.messagesFor(id)).map((message) => Number(message.content));
          const { acknowledge } = window as unknown as { acknowledge(n: number): void };
          const write = async (n: number): Promise<void> => {
            await store.addMessage(id, 'user', String(n));
            acknowledge(n);
            await write(n + 1);
          };
          void write((contents.at(-1) ?? 0) + 1);
          return contents;
        },
        crash % 2 === 0,
      );
      // Each once and in order; one that was stored but not yet acknowledged may be there too.
      expect(stored).toEqual(stored.map((_, n) => n + 1));
      expect(stored.length).toBeGreaterThanOrEqual(from);
      await reached;
      const crashed = new Promise((resolve) => page.on('crash', resolve));
      const session = await context.newCDPSession(page);
      // Its own answer never comes.
      session.send('Page.crash').catch(() => {});
      await crashed;
      await page.close();
    }
    const page = await load(await context.newPage());
    const contents = await page.evaluate(async () => {
      const store = await window.Store.open('crashes');
      const [row] = await store.listConversations();
      return (await store.messagesFor(row?.id ?? 0)).map((message) => Number(message.content));
    });
    expect(contents).toEqual(contents.map((_, n) => n + 1));
    expect(contents.length).toBeGreaterThanOrEqual(acknowledged);
  } finally {
    await context.close();
    await remove();
  }
});

test('what was written is there after the browser was killed', async () => {
  const { launch, remove } = await profile();
  try {
    const context = await launch();
    const page = await load(await context.newPage());
    const written = await page.evaluate(async () => {
      const store = await window.Store.open('killed');
      const id = await store.createConversation('죽어도 남는 것 🪦');
      for (let n = 0; n < 20; n++) await store.addMessage(id, 'user', `메시지 ${n}`);
      return store.messagesFor(id);
    });
    const session = await context.newCDPSession(page);
    const closed = new Promise((resolve) => context.on('close', resolve));
    session.send('Browser.crash' as 'Browser.close').catch(() => {});
    await closed;

    const again = await launch();
    const reopened = await load(await again.newPage());
    const read = await reopened.evaluate(async () => {
      const store = await window.Store.open('killed');
      const [row] = await store.listConversations();
      return store.messagesFor(row?.id ?? 0);
    });
    expect(read).toEqual(written);
    await again.close();
  } finally {
    await remove();
  }
});
