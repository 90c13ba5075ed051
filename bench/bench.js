// Runs in the page: rounds of each measurement, interleaved, each as the page's main thread sees it.

import { ConversationStore } from '/package/index.js';

const now = () => performance.now();

async function timed(count, call) {
  const started = now();
  for (let n = 0; n < count; n++) await call(n);
  return (now() - started) / count;
}

function floor() {
  const worker = new Worker('/bench/floor.js');
  const ask = (message) =>
    new Promise((resolve) => {
      worker.onmessage = resolve;
      worker.postMessage(message);
    });
  return { ask, stop: () => worker.terminate() };
}

// What one message costs the log: three pages of 8 KB, each with a header of 24 bytes.
const BYTES = 3 * (8192 + 24);

export async function bench(rounds, count) {
  const figures = {};
  const note = (name, value) => {
    figures[name] ??= [];
    figures[name].push(value);
  };
  const text = 'A message of ordinary length, 한국어도 조금, and some more words. '.repeat(4);
  for (const durability of ['strict', 'relaxed']) {
    const store = await ConversationStore.open(`bench-${durability}`, { durability });
    const id = await store.createConversation('bench');
    await timed(count, () => store.addMessage(id, 'user', text));
    await store.close();
  }
  {
    const store = await ConversationStore.open('bench-list', { durability: 'relaxed' });
    for (let n = 0; n < 500; n++) await store.createConversation(`Conversation ${n}`);
    const id = await store.createConversation('long');
    for (let n = 0; n < 1000; n++) await store.addMessage(id, 'user', text);
    await store.close();
  }
  const { ask, stop } = floor();
  await ask({ open: true });
  for (let round = 0; round < rounds; round++) {
    for (const [name, flush] of [
      ['floor, flushed', true],
      ['floor, not flushed', false],
    ]) {
      note(name, await timed(count, (n) => ask({ bytes: BYTES, at: (n * BYTES) % 2e7, flush })));
    }
    for (const durability of ['strict', 'relaxed']) {
      const store = await ConversationStore.open(`bench-${durability}`, { durability });
      const [row] = await store.listConversations(1);
      note(
        `addMessage, ${durability}`,
        await timed(count, () => store.addMessage(row.id, 'user', text)),
      );
      note(
        `addMessage at once, ${durability}`,
        (await timed(1, () =>
          Promise.all(Array.from({ length: count }, () => store.addMessage(row.id, 'user', text))),
        )) / count,
      );
      await store.close();
    }
    const started = now();
    const store = await ConversationStore.open('bench-list');
    note('cold open', now() - started);
    const first = now();
    await store.listConversations();
    note('first list of 50', now() - first);
    const [long] = await store.listConversations(1);
    note('list of 50', await timed(50, () => store.listConversations(50)));
    note('100 messages', await timed(50, () => store.messagesFor(long.id, { limit: 100 })));
    note('round trip (getConversation)', await timed(200, () => store.getConversation(long.id)));
    await store.close();
  }
  stop();
  return figures;
}
