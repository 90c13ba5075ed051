/**
 * `npm run bench -- --growth`: the same calls of this package on 1,000 messages and on 1,000,000, in interleaved rounds. Apart from the
 * rest, since writing a million messages takes long.
 */

const sizes = { small: 1_000, large: 1_000_000 };

/** Resolves to figures[measure] = { small: [...], large: [...] }, in milliseconds. */
export async function growth(browser, url, { rounds, count, say }) {
  const open = async (name, durability) => {
    const tab = await browser.newPage();
    await tab.goto(url);
    await tab.evaluate(
      async ([name, durability]) => {
        const { open } = await import(`${location.origin}/bench/dist/ours/page.js`);
        globalThis.store = await open({ name, durability });
        globalThis.data = await import(`${location.origin}/bench/data.js`);
      },
      [name, durability],
    );
    return tab;
  };

  for (const [name, messages] of Object.entries(sizes)) {
    const tab = await open(name, 'relaxed');
    const started = Date.now();
    // Both have a conversation of 100 and 100 of 9; the large one has 100 messages in each of the others.
    await tab.evaluate(async (messages) => {
      const few = Array.from({ length: 101 }, (_, c) => data.conversation(c, c === 0 ? 100 : 9));
      await store.importConversations(few);
      let c = 101;
      for (let n = 1_000; n < messages; n += 10_000) {
        const next = Math.min(100, (messages - n) / 100);
        const part = Array.from({ length: next }, () => data.conversation(c++, 100));
        await store.importConversations(part);
      }
      await store.close();
    }, messages);
    await tab.close();
    say(`growth: ${messages} messages in ${Math.round((Date.now() - started) / 1_000)} s`);
  }

  const figures = {};
  for (let round = 0; round < rounds; round++) {
    for (const name of Object.keys(sizes)) {
      const tab = await open(name, 'strict');
      const values = await tab.evaluate(
        async ([count, round]) => {
          const rows = await store.list(1_000_000);
          // Those of 100 messages: the first, and in the large one any beyond the hundred short ones.
          const ids = rows
            .filter(({ title }) => !/^([1-9]\d?|100):/.test(title))
            .map(({ id }) => id);
          const shared = await store.createConversation(`1${round}: written to`);
          const mean = async (call) => {
            await call(0);
            const started = performance.now();
            for (let n = 1; n <= count; n++) await call(n);
            return (performance.now() - started) / count;
          };
          const values = {
            'addMessage, strict': await mean((n) =>
              store.addMessage(shared, 'user', data.text(3e6, n)),
            ),
            'list of 50': await mean(() => store.list(50)),
            '100 messages': await mean((n) => store.messages(ids[(n * 37) % ids.length], 100)),
          };
          await store.deleteConversation(shared);
          await store.close();
          return values;
        },
        [count, round],
      );
      await tab.close();
      for (const [measure, value] of Object.entries(values)) {
        figures[measure] ??= { small: [], large: [] };
        figures[measure][name].push(value);
      }
    }
    say(`growth: round ${round + 1} of ${rounds}`);
  }
  return figures;
}
