/**
 * `npm run bench:page -- [conversations] [messages]`: the chat page with so many conversations and one chat of
 * so many messages. How long after its load the first list is there, and what the main thread does while
 * one scrolls through all of it: the longest task of each pass. Medians of five.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root, run } from '../scripts/run.mjs';
import { inBrowser } from './browser.mjs';

const conversations = Number(process.argv[2] ?? 10_000);
const messages = Number(process.argv[3] ?? 10_000);
const PASSES = 5;

const vite = join(root, 'node_modules/vite/bin/vite.js');
await run(process.execPath, [
  ...[vite, 'build', '--config', 'www/vite.config.ts', '--logLevel', 'warn'],
]);
const index = await readFile(join(root, 'www/dist/index.html'), 'utf8');
const pages = { '/': index, '/fill': '<!doctype html><title>fill</title>' };

const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const say = (name, all) =>
  console.log(
    `${name.padEnd(52)} ${median(all).toFixed(0)} ms (${all.map((n) => n.toFixed(0)).join(', ')})`,
  );

/** Scrolls to the end of a scroller and back up by a view a frame, until nothing more comes. */
async function pass(scroller, up) {
  return scroller.evaluate(async (element, up) => {
    const tasks = [];
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration);
    });
    observer.observe({ type: 'longtask' });
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const by = element.clientHeight * (up ? -1 : 1);
    let still = 0;
    let frames = 0;
    const began = performance.now();
    while (still < 60) {
      const before = element.scrollTop;
      element.scrollTop += by;
      await frame();
      frames += 1;
      still = element.scrollTop === before ? still + 1 : 0;
    }
    await frame();
    observer.disconnect();
    const took = performance.now() - began;
    return { longest: Math.max(0, ...tasks), count: tasks.length, apart: took / frames };
  }, up);
}

await inBrowser(
  async (browser, url) => {
    const tab = await browser.newPage();
    await tab.goto(`${url}fill`);
    await tab.evaluate(
      async ({ conversations, messages }) => {
        const { ConversationStore } = await import(`${location.origin}/package/index.js`);
        const store = await ConversationStore.open('conversations');
        const text = 'A sentence of some words, and 한국어도 조금 있는 문장. '.repeat(6);
        const DAY = 86_400_000;
        for (let from = 0; from < conversations; from += 1_000) {
          const chats = Array.from({ length: Math.min(1_000, conversations - from) }, (_, n) => ({
            title: `Chat ${from + n}`,
            createdAt: new Date(Date.now() - 2 * DAY - (from + n) * 3_600_000).toISOString(),
            messages: [{ role: 'user', content: text }],
          }));
          await store.import(chats);
        }
        await store.import([
          {
            title: 'Long',
            messages: Array.from({ length: messages }, (_, n) => ({
              role: n % 2 ? 'assistant' : 'user',
              content: `${n}: ${text.slice(0, 40 + ((n * 37) % 300))}`,
            })),
          },
        ]);
        await store.search('settled');
        await store.close();
      },
      { conversations, messages },
    );
    await tab.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector('[data-testid="conversation"]')) return;
        observer.disconnect();
        globalThis.firstList = performance.now();
      }).observe(document, { childList: true, subtree: true });
    });
    const shown = [];
    const sinceLoad = [];
    for (let n = 0; n < PASSES; n += 1) {
      await tab.goto('about:blank');
      await tab.goto(url);
      await tab.getByTestId('conversation').first().waitFor();
      const [list, load] = await tab.evaluate(() => [
        globalThis.firstList,
        performance.getEntriesByType('navigation')[0].loadEventEnd,
      ]);
      shown.push(list);
      sinceLoad.push(list - load);
    }
    console.log(
      `${conversations} conversations, a chat of ${messages} messages, ${PASSES} times each`,
    );
    say('first list, since the navigation', shown);
    say('first list, since the load event', sinceLoad);

    const list = tab.getByTestId('list-scroller');
    const through = async (name, scroller, up) => {
      const all = [];
      for (let n = 0; n < PASSES; n += 1) all.push(await pass(scroller, n % 2 ? !up : up));
      say(
        `${name}: longest task`,
        all.map(({ longest }) => longest),
      );
      say(
        `${name}: a frame, on average`,
        all.map(({ apart }) => apart),
      );
    };
    await through('the list', list, false);
    await tab.goto(`${url}#/`);
    await tab.reload();
    await tab.getByTestId('search').fill('Long');
    await tab.getByTestId('hit').first().getByRole('link').first().click();
    await tab.getByTestId('message').first().waitFor();
    await through('the chat', tab.getByTestId('scroller'), true);
  },
  { page: ({ pathname }) => pages[pathname] },
);
