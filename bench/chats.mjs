/**
 * `npm run bench:chats`: what growing texts, whole chats saved and opening cost. Rounds are
 * interleaved; a ratio is of means within one round.
 */

import { inBrowser, line } from './browser.mjs';

const rounds = Number(process.argv[2] ?? 15);
const count = Number(process.argv[3] ?? 200);
const messages = Number(process.argv[4] ?? 100_000);

await inBrowser(async (browser, url) => {
  const page = await browser.newPage();
  await page.goto(url);
  const figures = await page.evaluate(
    async ([rounds, count, messages]) => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const figures = {};
      const note = (name, value) => {
        figures[name] ??= [];
        figures[name].push(value);
        return value;
      };
      const time = async (work) => {
        const started = performance.now();
        await work();
        return performance.now() - started;
      };

      let store = await ConversationStore.open('bench');
      const id = await store.createConversation('t');
      const append = async (length) => {
        const { id: message } = await store.addMessage(id, 'assistant', 'x'.repeat(length));
        return (
          (await time(async () => {
            for (let n = 0; n < count; n++) await store.appendToMessage(message, 'five!');
          })) / count
        );
      };
      const chat = Array.from({ length: 500 }, (_, n) => ({
        id: `m${n}`,
        role: n % 2 ? 'assistant' : 'user',
        parts: [{ type: 'text', text: `말 ${n} `.repeat(60) }],
      }));
      await store.saveMessages('chat', chat, { create: true });
      for (let round = 0; round < rounds; round++) {
        const short = note('append of 5 to 1 KB, ms', await append(1_024));
        const long = note('append of 5 to 1 MB, ms', await append(1_048_576));
        note('append: 1 MB / 1 KB', long / short);
        note('saveMessages, 500 unchanged, ms', await time(() => store.saveMessages('chat', chat)));
      }
      await store.close();

      // A clean file that is opened: with next to nothing in it, and with all of it.
      const open = async (name) => {
        let opened;
        const took = await time(async () => {
          opened = await ConversationStore.open(name);
        });
        await opened.close();
        return took;
      };
      store = await ConversationStore.open('full', { durability: 'relaxed' });
      const text = 'A message of ordinary length, 한국어도 조금, and some more words. '.repeat(6);
      for (let n = 0; n < messages; n += 1_000) {
        const chat = Array.from({ length: 1_000 }, (_, k) => ({ role: 'user', content: text + k }));
        await store.saveMessages(`chat-${n}`, chat, { create: true });
      }
      await store.close();
      store = await ConversationStore.open('empty');
      await store.close();
      for (let round = 0; round < rounds; round++) {
        const empty = note('open, no message, ms', await open('empty'));
        const full = note(`open, ${messages} messages, ms`, await open('full'));
        note('open: more for the messages, ms', full - empty);
      }
      return figures;
    },
    [rounds, count, messages],
  );
  console.log(`${rounds} rounds; median (least to most)`);
  for (const [name, values] of Object.entries(figures)) line(name, values);
});
