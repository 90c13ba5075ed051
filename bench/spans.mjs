/**
 * `npm run bench:spans -- [rounds] [count]`: what one call costs and where, from the page's call to its
 * promise: how long the worker's tasks take, what it does with its files and its messages. Per call, of
 * the round whose time is the median. ARCHITECTURE.md tells of it.
 */

import { inBrowser } from './browser.mjs';

const rounds = Number(process.argv[2] ?? 7);
const count = Number(process.argv[3] ?? 200);

await inBrowser(async (browser, url) => {
  const page = await browser.newPage();
  await page.goto(url);
  const figures = await page.evaluate(
    async ([rounds, count]) => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const text = 'A message of ordinary length, 한국어도 조금, and some more words. '.repeat(4);
      const figures = {};
      const each = async (count, call) => {
        for (let n = 0; n < count; n++) await call(n);
      };
      for (let round = 0; round < rounds; round++) {
        for (const durability of ['strict', 'relaxed']) {
          const worker = new Worker('/bench/spanned-worker.js', { type: 'module' });
          const options = { durability, worker: () => worker };
          const store = await ConversationStore.open(`spans-${durability}`, options);
          const spans = () =>
            new Promise((resolve) => {
              const { port1, port2 } = new MessageChannel();
              port1.onmessage = ({ data }) => resolve(data);
              worker.postMessage({ spans: port2 }, [port2]);
            });
          const measure = async (name, calls, work) => {
            const before = await spans();
            const started = performance.now();
            await work();
            const ms = (performance.now() - started) / calls;
            const after = await spans();
            figures[`${name}, ${durability}`] ??= [];
            figures[`${name}, ${durability}`].push({ calls, ms, before, after });
          };
          const id = await store.createConversation('spans');
          const add = () => store.addMessage(id, 'user', text);
          await each(100, add);
          await measure('getConversation', count, () =>
            each(count, () => store.getConversation(id)),
          );
          await measure('addMessage', count, () => each(count, add));
          await measure('addMessage, 100 at once', 100, () =>
            Promise.all(Array.from({ length: 100 }, add)),
          );
          const growing = await store.addMessage(id, 'assistant', text, { status: 'streaming' });
          await measure('appendToMessage', count, () =>
            each(count, () => store.appendToMessage(growing.id, 'five!')),
          );
          const chats = Array.from({ length: 5 }, (_, n) => `chat-${round}-${n}`);
          const messages = Array.from({ length: 100 }, () => ({ role: 'user', content: text }));
          for (const uid of chats) await store.saveMessages(uid, messages, { create: true });
          await measure('deleteConversation, 100 messages', 5, () =>
            each(5, (n) => store.deleteConversation(chats[n])),
          );
          await store.close();
        }
      }
      return figures;
    },
    [rounds, count],
  );
  console.log(`${rounds} rounds of ${count}; per call`);
  for (const [name, all] of Object.entries(figures)) {
    const { calls, ms, before, after } = all.toSorted((a, b) => a.ms - b.ms)[all.length >> 1];
    const per = (key) => ((after[key] - before[key]) / calls).toFixed(3);
    console.log(`${name}: ${ms.toFixed(3)} ms`);
    console.log(`    worker busy ${per('busy')} ms in ${per('tasks')} tasks`);
    console.log(`    posts ${per('posts')}, ${per('posting')} ms`);
    for (const [span, total] of Object.entries(after.files)) {
      const was = before.files[span] ?? { calls: 0, bytes: 0, ms: 0 };
      if (total.calls === was.calls) continue;
      const [times, bytes, took] = ['calls', 'bytes', 'ms'].map((key) => total[key] - was[key]);
      console.log(
        `    ${span}: ${(times / calls).toFixed(2)}, ${Math.round(bytes / calls)} bytes, ` +
          `${(took / calls).toFixed(3)} ms`,
      );
    }
  }
});
