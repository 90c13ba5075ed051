/**
 * `npm run bench:search -- [messages] [imported]`: searches over so many messages, alone and while
 * another tab imports, each from a page's main thread; and what the index takes. Medians and spread.
 */

import { inBrowser, line } from './browser.mjs';

const messages = Number(process.argv[2] ?? 100_000);
const imported = Number(process.argv[3] ?? 20_000);

await inBrowser(async (browser, url) => {
  const tab = async () => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.evaluate(async () => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const data = await import(`${location.origin}/bench/data.js`);
      const store = await ConversationStore.open('search');
      const chats = (first, count) =>
        Array.from({ length: count }, (_, n) => ({
          title: `Chat ${first + n}`,
          messages: Array.from({ length: 100 }, (_, at) => ({
            role: at % 2 ? 'assistant' : 'user',
            content: data.text(first + n, at),
          })),
        }));
      globalThis.bench = { store, chats, queries: data.queries };
    });
    return page;
  };
  const [writer, reader] = [await tab(), await tab()];
  const imports = (from, count) =>
    writer.evaluate(
      async ([from, count]) => {
        const { store, chats } = globalThis.bench;
        const started = performance.now();
        for (let at = 0; at < count; at += 2_000) {
          await store.import(chats((from + at) / 100, Math.min(2_000, count - at) / 100));
        }
        return performance.now() - started;
      },
      [from, count],
    );
  const search = (until) =>
    reader.evaluate(async (until) => {
      const { store, queries } = globalThis.bench;
      const { promise, resolve } = Promise.withResolvers();
      globalThis.bench.stop = resolve;
      let isOver = false;
      promise.then(() => {
        isOver = true;
      });
      const all = { ...queries, 'common, the next 20': queries.common, 'part of words': 'th' };
      const figures = {};
      for (let round = 0; until === 'told' ? !isOver : round < until; round++) {
        for (const [name, query] of Object.entries(all)) {
          const after = name.includes('next')
            ? (await store.search(query)).at(-1)?.cursor
            : undefined;
          const started = performance.now();
          await store.search(query, { after });
          figures[name] ??= [];
          figures[name].push(performance.now() - started);
        }
      }
      return figures;
    }, until);

  console.log(`${messages} messages imported in ${(await imports(0, messages)).toFixed(0)} ms`);
  const started = performance.now();
  await search(1);
  console.log(`the first searches: ${(performance.now() - started).toFixed(0)} ms`);
  for (const [name, values] of Object.entries(await search(30)))
    line(`search, ${name}, ms`, values);
  const during = search('told');
  const took = await imports(messages, imported);
  await reader.evaluate(() => globalThis.bench.stop());
  console.log(`${imported} more imported in ${took.toFixed(0)} ms; meanwhile, in another tab:`);
  for (const [name, values] of Object.entries(await during)) line(`search, ${name}, ms`, values);
});
