/** Text that grows: seen as it grows in every tab, on the disk soon after it was written, and ended when its tab is gone. */

import { expect, type Page } from '@playwright/test';
import { load, profile, test } from './browser.js';

/** Crashes of a writer at random moments. */
const CRASHES = Number(process.env.CRASHES ?? 3);
/** Seconds that an answer is streamed. */
const SECONDS = Number(process.env.SECONDS ?? 6);

async function open(page: Page, name: string): Promise<Page> {
  await load(page);
  await page.evaluate(async (name) => {
    window.store = await window.Store.open(name);
  }, name);
  return page;
}

test('an answer at 100 tokens a second is read live in another tab', async ({ context, page }) => {
  test.setTimeout(90_000);
  await open(page, 'live');
  const reader = await open(await context.newPage(), 'live');
  const id = await page.evaluate(() => window.store.createConversation('t'));
  const watching = reader.evaluate(
    ({ id }) =>
      new Promise<{ growths: number; reads: number; text: string }>((resolve) => {
        let reads = 0;
        const { messagesFor } = window.store;
        window.store.messagesFor = (...args: Parameters<typeof messagesFor>) => {
          reads += 1;
          return messagesFor.apply(window.store, args);
        };
        let growths = 0;
        let length = 0;
        const watch = window.store.watchMessages(id);
        watch.subscribe(() => {
          const last = watch.current.at(-1);
          if (!last) return;
          if (last.content.length > length) growths += 1;
          length = last.content.length;
          if (last.status === 'complete') resolve({ growths, reads, text: last.content });
        });
      }),
    { id },
  );
  const written = await page.evaluate(
    async ({ id, seconds }) => {
      const writer = await window.store.messageWriter(id, { model: 'm' });
      let text = '';
      let n = 0;
      const tokens = new ReadableStream<string>({
        async pull(controller) {
          if (n === seconds * 100) return controller.close();
          n += 1;
          await new Promise((resolve) => setTimeout(resolve, 10));
          text += ` 토큰${n}`;
          controller.enqueue(` 토큰${n}`);
        },
      });
      await tokens.pipeTo(writer);
      const row = await window.store.getMessage(writer.message.id);
      return { text, row };
    },
    { id, seconds: SECONDS },
  );
  const seen = await watching;
  expect(written.row).toMatchObject({ content: written.text, status: 'complete', model: 'm' });
  expect(seen.text).toBe(written.text);
  // At most one a flush, and none of them by reading again.
  expect(seen.growths).toBeGreaterThan(SECONDS * 3);
  expect(seen.reads).toBeLessThan(10);
});

test('after a crash the text is what was flushed, at most 200 ms short, and aborted', async () => {
  test.setTimeout(60_000 + CRASHES * 15_000);
  const { launch, remove } = await profile();
  const context = await launch();
  try {
    for (let crash = 0; crash < CRASHES; crash++) {
      const page = await context.newPage();
      const said: { text: string; at: number }[] = [];
      await page.exposeFunction('say', (text: string, at: number) => said.push({ text, at }));
      await open(page, 'crashed');
      const tokens = 30 + Math.floor(Math.random() * 150);
      const uid = await page.evaluate(async () => {
        const id = await window.store.createConversation('t');
        return (await window.store.messageWriter(id)).message.uid;
      });
      const enough = page.evaluate(
        async ({ uid, tokens }) => {
          const { say } = window as unknown as { say(text: string, at: number): void };
          const row = await window.store.getMessage(uid);
          const stream = await window.store.messageWriter(row?.conversationId as number, {
            messageId: uid,
          });
          const writer = stream.getWriter();
          let text = '';
          for (let n = 0; n < tokens; n++) {
            await new Promise((resolve) => setTimeout(resolve, 10));
            text += ` ${n}`;
            // Before it is written: said by the page is not more than was written.
            say(text, performance.now());
            await writer.write(` ${n}`);
          }
        },
        { uid, tokens },
      );
      await enough;
      const crashed = new Promise((resolve) => page.on('crash', resolve));
      const session = await context.newCDPSession(page);
      session.send('Page.crash').catch(() => {});
      await crashed;
      await page.close();
      const again = await open(await context.newPage(), 'crashed');
      const row = await again.evaluate((uid) => window.store.getMessage(uid), uid);
      const last = said.at(-1) as { text: string; at: number };
      expect(last.text.startsWith(row?.content ?? 'nothing')).toBe(true);
      const old = said.filter(({ at }) => at < last.at - 200).at(-1);
      expect(row?.content.length).toBeGreaterThanOrEqual(old?.text.length ?? 0);
      expect(row?.status).toBe('aborted');
      await again.close();
    }
  } finally {
    await context.close();
    await remove();
  }
});

test('a stream of another tab ends when that tab is gone, not before', async ({
  context,
  page,
}) => {
  await open(page, 'gone');
  const writer = await open(await context.newPage(), 'gone');
  const id = await writer.evaluate(async () => {
    const id = await window.store.createConversation('t');
    const stream = (await window.store.messageWriter(id)).getWriter();
    await stream.write('so far');
    return id;
  });
  const status = () =>
    page.evaluate(async (id) => (await window.store.messagesFor(id))[0]?.status, id);
  const ended = page.evaluate(
    (id) =>
      new Promise((resolve) => {
        const watch = window.store.watchMessages(id);
        watch.subscribe(() => {
          const [row] = watch.current;
          if (row?.status === 'aborted') resolve(row.content);
        });
      }),
    id,
  );
  await expect
    .poll(() => page.evaluate(async (id) => (await window.store.messagesFor(id))[0]?.content, id))
    .toBe('so far');
  expect(await status()).toBe('streaming');
  const session = await context.newCDPSession(writer);
  session.send('Page.crash').catch(() => {});
  expect(await ended).toBe('so far');
});

test('a writer: patches among the text, flush, abort, close of the store', async ({ page }) => {
  await open(page, 'writer');
  const seen = await page.evaluate(async () => {
    const { store } = window;
    const id = await store.createConversation('t');
    const row = async (uid: string) => store.getMessage({ conversationId: id, uid });
    const results: unknown[] = [];

    const first = await store.messageWriter(id, { uid: 'first', flushInterval: 60_000 });
    const writer = first.getWriter();
    await writer.write('생각하고 ');
    await writer.write({ usage: { outputTokens: 5 } });
    await first.flush();
    results.push((await row('first'))?.content);
    await writer.write('답한다');
    await writer.write({ finishReason: 'stop', model: 'm' });
    await writer.close();
    results.push(await row('first'));

    const second = (await store.messageWriter(id, { uid: 'second' })).getWriter();
    await second.write('half');
    await second.abort('enough');
    results.push(await row('second'));

    // Going on with it: the text follows what is there.
    const third = (await store.messageWriter(id, { messageId: 'second' })).getWriter();
    await third.write(' and whole');
    await third.close();
    results.push(await row('second'));

    const fourth = (
      await store.messageWriter(id, {
        uid: 'fourth',
        parts: [{ type: 'text', text: 'a' }, { type: 'tool-x' }],
        flushInterval: 60_000,
      })
    ).getWriter();
    await fourth.write('b');
    await store.close();
    const again = await window.Store.open('writer');
    results.push(await again.getMessage('fourth'));
    return results;
  });
  expect(seen).toMatchObject([
    '생각하고 ',
    {
      content: '생각하고 답한다',
      status: 'complete',
      role: 'assistant',
      usage: { outputTokens: 5 },
      finishReason: 'stop',
      model: 'm',
    },
    { content: 'half', status: 'aborted' },
    { content: 'half and whole', status: 'complete' },
    {
      content: 'a\n\nb',
      parts: [{ type: 'text', text: 'a' }, { type: 'tool-x' }, { type: 'text', text: 'b' }],
      status: 'aborted',
    },
  ]);
});

test('a watch gives rows their identity, one update a burst, and every tab’s changes', async ({
  context,
  page,
}) => {
  await open(page, 'watch');
  const other = await open(await context.newPage(), 'watch');
  const seen = await page.evaluate(async () => {
    const { store } = window;
    const watch = store.watchConversations({ limit: 3 });
    const updates: string[][] = [];
    const ready = new Promise<void>((resolve) => {
      watch.subscribe(() => {
        updates.push(watch.current.map(({ title }) => title));
        if (watch.state === 'ready') resolve();
      });
    });
    await ready;
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        const stop = watch.subscribe(() => {
          if (watch.current.length === count) {
            queueMicrotask(() => stop());
            resolve();
          }
        });
      });
    const before = updates.length;
    await Promise.all([1, 2, 3].map((n) => store.createConversation(String(n))));
    await until(3);
    const burst = updates.length - before;
    const [, kept] = watch.current;
    await store.updateConversation(watch.current[0]?.id ?? 0, { title: 'renamed' });
    await new Promise<void>((resolve) => {
      watch.subscribe(() => watch.current[0]?.title === 'renamed' && resolve());
    });
    Object.assign(window, { watch });
    return { burst, identity: watch.current[1] === kept, more: watch.hasMore };
  });
  expect(seen.burst).toBeLessThanOrEqual(3);
  expect(seen).toMatchObject({ identity: true, more: false });
  await other.evaluate(() => window.store.createConversation('theirs'));
  const titles = await page.evaluate(async () => {
    const { watch } = window as unknown as {
      watch: ReturnType<typeof window.store.watchConversations>;
    };
    await new Promise<void>((resolve) => {
      watch.subscribe(() => watch.current[0]?.title === 'theirs' && resolve());
    });
    await watch.more();
    return [watch.current.map(({ title }) => title), watch.hasMore];
  });
  expect(titles).toEqual([['theirs', 'renamed', '2', '1'], false]);
});
