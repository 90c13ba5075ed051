/**
 * `npm run bench:tabs`: what many tabs cost. A follower's calls beside the leader's, interleaved;
 * failover after the leader's renderer has crashed and handover by close, on a database of 100,000
 * messages; what eight idle tabs and a follower's worker take.
 */

import { inBrowser, line } from './browser.mjs';

const rounds = Number(process.argv[2] ?? 20);
const count = Number(process.argv[3] ?? 100);
const messages = Number(process.argv[4] ?? 100_000);

await inBrowser(async (browser, url) => {
  const tab = async () => {
    const page = await browser.newPage();
    await page.goto(url);
    await page.evaluate(async () => {
      const { ConversationStore } = await import(`${location.origin}/package/index.js`);
      const worker = () => new Worker('/bench/measured-worker.js', { type: 'module' });
      globalThis.store = await ConversationStore.open('bench', { worker });
    });
    return page;
  };
  const role = (page) => page.evaluate(async () => (await store.status()).role);
  const memory = async (page) => {
    const [worker] = page.workers();
    return (await worker.evaluate(() => wasmMemory.buffer.byteLength)) / 2 ** 20;
  };

  let leader = await tab();
  const began = Date.now();
  const id = await leader.evaluate(async (messages) => {
    for (let n = 0; n < 100; n++) await store.createConversation(`Conversation ${n}`);
    const id = await store.createConversation('The one that is written to');
    const text = 'A message of ordinary length, 한국어도 조금, and some more words. '.repeat(6);
    for (let n = 0; n < messages; n += 500) {
      await Promise.all(
        Array.from({ length: 500 }, (_, k) => store.addMessage(1 + ((n + k) % 100), 'user', text)),
      );
    }
    return id;
  }, messages);
  console.log(`${messages} messages written in ${Math.round((Date.now() - began) / 1000)} s`);

  let follower = await tab();
  const each = (page, work) =>
    page.evaluate(
      async ([work, id, count]) => {
        const call =
          work === 'add'
            ? () => store.addMessage(id, 'user', 'x'.repeat(400))
            : () => store.listConversations(50);
        const started = performance.now();
        for (let n = 0; n < count; n++) await call();
        return (performance.now() - started) / count;
      },
      [work, id, count],
    );
  const figures = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of [
      ['addMessage, strict', 'add'],
      ['list of 50', 'list'],
    ]) {
      const [here, there] = [await each(leader, work), await each(follower, work)];
      for (const [key, value] of [
        [`${name}: leader, ms`, here],
        [`${name}: follower, ms`, there],
        [`${name}: follower / leader`, there / here],
      ]) {
        figures[key] ??= [];
        figures[key].push(value);
      }
    }
  }
  console.log(`${rounds} rounds of ${count}; median (least to most)`);
  for (const [name, values] of Object.entries(figures)) line(name, values);
  line('wasm memory: leader, MB', [await memory(leader)], 1);
  line('wasm memory: follower, MB', [await memory(follower)], 1);

  // A follower writes on and on; the longest pause is that of the failover.
  for (const end of ['crash', 'close']) {
    const pauses = [];
    for (let round = 0; round < rounds; round++) {
      if ((await role(follower)) === 'leader') [leader, follower] = [follower, leader];
      const pause = follower.evaluate(async (id) => {
        let lead = false;
        const status = ({ detail }) => {
          lead ||= detail.role === 'leader';
        };
        store.addEventListener('status', status);
        let longest = 0;
        while (!lead) {
          const started = performance.now();
          await store.addMessage(id, 'user', 'x');
          longest = Math.max(longest, performance.now() - started);
        }
        store.removeEventListener('status', status);
        return longest;
      }, id);
      if (end === 'crash') {
        const session = await browser.newCDPSession(leader);
        const crashed = new Promise((resolve) => leader.on('crash', resolve));
        session.send('Page.crash').catch(() => {});
        await crashed;
        await leader.close();
      } else {
        await leader.evaluate(() => store.close());
        await leader.close();
      }
      pauses.push(await pause);
      leader = follower;
      follower = await tab();
    }
    line(`failover by ${end}, ms`, pauses, 1);
  }

  const others = [];
  for (let n = 0; n < 6; n++) others.push(await tab());
  const session = await browser.browser().newBrowserCDPSession();
  const cpu = async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const renderers = processInfo.filter(({ type }) => type === 'renderer');
    return renderers.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const before = await cpu();
  const seconds = 10;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  console.log(
    `eight idle tabs: ${(((await cpu()) - before) * 1000).toFixed(0)} ms of CPU in ${seconds} s`,
  );
});
