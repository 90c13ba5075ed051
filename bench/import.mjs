/**
 * `npm run bench:import -- [megabytes] [aborts]`: a ChatGPT export of that size is generated, imported
 * and imported again; how long it takes, what it holds in memory, and for how long the page's thread is
 * not free. Then it is aborted at random moments and imported again each time: the result must be that of
 * the undisturbed import.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../scripts/run.mjs';
import { inBrowser } from './browser.mjs';

const megabytes = Number(process.argv[2] ?? 200);
const aborts = Number(process.argv[3] ?? 10);

const folder = await mkdtemp(join(tmpdir(), 'conversation-store-import-'));
const file = join(folder, 'conversations.json');
const generate = ['--release', '-p', 'conversation-formats', '--example', 'chatgpt_export', '--'];
await run('cargo', ['run', ...generate, String(megabytes), file]);

await inBrowser(async (browser, url) => {
  const page = await browser.newPage();
  await page.goto(url);
  await page.setContent('<input type="file">');
  await page.setInputFiles('input', file);
  await page.evaluate(async () => {
    const { ConversationStore } = await import(`${location.origin}/package/index.js`);
    const worker = () => new Worker('/bench/measured-worker.js', { type: 'module' });
    globalThis.open = (name) => ConversationStore.open(name, { worker, durability: 'relaxed' });
    globalThis.file = document.querySelector('input').files[0];
    /** SHA-256 of all that a store holds but ids and times of its own. */
    globalThis.digest = async (store) => {
      const chats = await (await store.export()).arrayBuffer();
      const lines = new TextDecoder().decode(chats).split('\n').slice(1).sort();
      const bytes = new TextEncoder().encode(lines.join('\n'));
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    };
  });

  const memory = async () => {
    const sizes = page
      .workers()
      .map((worker) =>
        worker.evaluate(() => globalThis.wasmMemory?.buffer.byteLength ?? 0).catch(() => 0),
      );
    return Math.max(...(await Promise.all(sizes))) / 2 ** 20;
  };
  const whole = await page.evaluate(async () => {
    globalThis.store = await open('whole');
    // The longest time between two tasks of the page.
    let longest = 0;
    let last = performance.now();
    const { port1, port2 } = new MessageChannel();
    let running = true;
    port1.onmessage = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      if (running) setTimeout(() => port2.postMessage(0));
    };
    port2.postMessage(0);
    const started = performance.now();
    const report = await store.import(file);
    const seconds = (performance.now() - started) / 1000;
    running = false;
    return { seconds, longest, report: { ...report, ids: report.ids.length } };
  });
  const { created } = whole.report.messages;
  console.log(
    `${megabytes} MB, ${whole.report.conversations.created} chats, ${created} messages: ` +
      `${whole.seconds.toFixed(1)} s, ${Math.round(created / whole.seconds)} messages a second`,
  );
  console.log(`failures: ${JSON.stringify(whole.report.failures.slice(0, 3))}`);
  console.log(`wasm memory of the store: ${(await memory()).toFixed(1)} MB`);
  console.log(`the page was not free for at most ${whole.longest.toFixed(0)} ms`);
  const again = await page.evaluate(async () => {
    const started = performance.now();
    const { conversations, messages } = await store.import(file);
    return { seconds: (performance.now() - started) / 1000, conversations, messages };
  });
  console.log(`again: ${JSON.stringify(again)}`);
  const expected = await page.evaluate(() => digest(store));
  await page.evaluate(() => store.close());

  const outcome = await page.evaluate(
    async ([aborts, seconds]) => {
      const digests = [];
      const kept = [];
      for (let round = 0; round < aborts; round++) {
        const store = await open(`aborted-${round}`);
        const controller = new AbortController();
        const moment = Math.random();
        const onProgress = ({ read, total }) => read / total >= moment && controller.abort();
        const timer = setTimeout(() => controller.abort(), moment * seconds * 2000);
        const ended = await store
          .import(file, { onProgress }, { signal: controller.signal })
          .catch((error) => error);
        clearTimeout(timer);
        kept.push(`${ended.code ?? 'whole'}: ${(ended.details?.report ?? ended).ids.length}`);
        await store.import(file);
        digests.push(await digest(store));
        await store.close();
      }
      return { digests, kept };
    },
    [aborts, whole.seconds],
  );
  const equal = outcome.digests.filter((digest) => digest === expected).length;
  console.log(
    `aborted and imported again: ${equal} of ${aborts} equal (${outcome.kept.join(', ')})`,
  );
  if (equal !== aborts) process.exitCode = 1;
});
await rm(folder, { recursive: true });
