/**
 * `npm run bench:profile -- <call> [count]`: where the store's worker spends the time of one kind of
 * call, function by function, in microseconds a call: the figures of a flame chart. Builds first; the
 * module that is measured, in dist/ of this folder, has its functions' names.
 */

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../scripts/build.mjs';
import { root, run } from '../scripts/run.mjs';
import { buildTools } from '../scripts/tools.mjs';
import { inBrowser } from './browser.mjs';

const call = process.argv[2] ?? 'list';
const count = Number(process.argv[3] ?? 3_000);

const env = await buildTools();
await build(env);
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
const module = join(target, 'wasm32-unknown-unknown/release/conversation_store.wasm');
const named = join(root, 'bench/dist/profile');
await cp(join(root, 'dist'), named, { recursive: true });
const out = ['--target', 'web', '--out-dir', join(named, 'wasm'), '--no-typescript'];
await run('wasm-bindgen', [module, ...out], { env });

await inBrowser(async (browser, url) => {
  const page = await browser.newPage();
  await page.goto(url);
  await page.evaluate(async () => {
    const { ConversationStore } = await import(`${location.origin}/bench/dist/profile/index.js`);
    const { conversation, text } = await import(`${location.origin}/bench/data.js`);
    const store = await ConversationStore.open('profile');
    const chats = Array.from({ length: 200 }, (_, c) => conversation(c, 100));
    const { ids } = await store.import([...chats, conversation(200, 5_000)]);
    const written = await store.createConversation('written to');
    const nth = (n) => ids[(n * 37) % 200];
    globalThis.calls = {
      get: (n) => store.getConversation(nth(n)),
      list: () => store.listConversations(50),
      messages: (n) => store.messagesFor(nth(n), { limit: 100 }),
      newest: () => store.messagesFor(ids.at(-1), { limit: 50 }),
      add: (n) => store.addMessage(written, 'user', text(201, n)),
    };
  });
  const repeat = (times) =>
    page.evaluate(
      async ([call, times]) => {
        const started = performance.now();
        for (let n = 0; n < times; n++) await globalThis.calls[call](n);
        return (performance.now() - started) / times;
      },
      [call, times],
    );
  const worker = await attached(browser);
  await repeat(500);
  await worker('Profiler.enable');
  await worker('Profiler.setSamplingInterval', { interval: 100 });
  await worker('Profiler.start');
  const ms = await repeat(count);
  const { profile } = await worker('Profiler.stop');
  console.log(`${call}: ${ms.toFixed(3)} ms a call; of the worker's, in microseconds,`);
  const { self, within } = times(profile);
  for (const [what, all, most] of [
    ['in the function itself', self, 25],
    ['in it and what it calls', within, 40],
  ]) {
    console.log(what);
    for (const [name, time] of [...all].sort((a, b) => b[1] - a[1]).slice(0, most)) {
      console.log(`${(time / count).toFixed(1).padStart(9)}  ${name.slice(0, 110)}`);
    }
  }
});

/** Sends commands of the DevTools protocol to the store's worker. */
async function attached(browser) {
  const session = await browser.browser().newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  const { targetId } = targetInfos.find(({ url }) => url.endsWith('/profile/worker.js'));
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
  const waiting = new Map();
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message);
    waiting.get(id)?.(result);
  });
  return (method, params = {}) =>
    new Promise((resolve) => {
      const id = waiting.size + 1;
      waiting.set(id, resolve);
      const message = JSON.stringify({ id, method, params });
      session.send('Target.sendMessageToTarget', { sessionId, message });
    });
}

/** Microseconds by function: its own, and with what it calls. */
function times({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((it) => [it, id])));
  const [self, within] = [new Map(), new Map()];
  const add = (to, name, time) => to.set(name, (to.get(name) ?? 0) + time);
  samples.forEach((sample, at) => {
    const names = [];
    for (let id = sample; id !== undefined; id = parents.get(id)) {
      names.push(byId.get(id).callFrame.functionName || '(anonymous)');
    }
    add(self, names[0], timeDeltas[at]);
    for (const name of new Set(names)) add(within, name, timeDeltas[at]);
  });
  return { self, within };
}
