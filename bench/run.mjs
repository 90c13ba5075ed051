/**
 * `npm run bench`: the figures of README, from a page's main thread in headless Chromium on a
 * fresh profile, beside a floor in the same run. Medians of interleaved rounds, in milliseconds.
 */

import { inBrowser, line } from './browser.mjs';

const rounds = Number(process.argv[2] ?? 9);
const count = Number(process.argv[3] ?? 200);

await inBrowser(async (browser, url) => {
  const page = await browser.newPage();
  await page.goto(url);
  const figures = await page.evaluate(
    async ([rounds, count]) =>
      (await import(`${location.origin}/bench/bench.js`)).bench(rounds, count),
    [rounds, count],
  );
  console.log(`${rounds} rounds of ${count}; median ms (least to most)`);
  for (const [name, values] of Object.entries(figures)) line(name, values);
});
