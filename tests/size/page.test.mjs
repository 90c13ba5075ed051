/**
 * The built chat page, compressed as servers do: what its first load fetches of the page's own beside the
 * store, the list and a chat, at most 90 KB of brotli, and what is fetched when it is first needed, highlighting
 * and math above all, at most 150 KB together. The page must have been built.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync, constants } from 'node:zlib';

const PAGE_BUDGET = 90_000;
const LATER_BUDGET = 150_000;
const dist = new URL('../../www/dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

/** Whether an entry of the manifest is the package's. */
const isStore = ({ file, name, src }) =>
  name === 'store' || /(^|\/)store-[\w-]+\.js$/.test(file) || src?.startsWith('../dist/');

/** The files that loading these entries fetches at once. */
function fetched(keys, seen = new Set()) {
  return keys.flatMap((key) => {
    if (seen.has(key)) return [];
    seen.add(key);
    const entry = manifest[key];
    if (isStore(entry)) return [];
    return [entry.file, ...(entry.css ?? []), ...fetched(entry.imports ?? [], seen)];
  });
}

function brotli(file) {
  const bytes = readFileSync(new URL(file, dist));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params }).length;
}

/** Holds files, each counted once, against a budget. */
function within(budget, files, context) {
  const sizes = [...new Set(files)].map((file) => [file, brotli(file)]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  for (const [file, size] of sizes) context.diagnostic(`${file}: ${size} bytes of brotli`);
  context.diagnostic(`together: ${total} of ${budget}`);
  assert.ok(total <= budget, `${total} bytes are over the budget of ${budget}`);
}

/** What the first list needs, and a chat. */
const FIRST = ['index.html', 'src/opening/begin.ts', 'src/start.ts', 'src/chat/views.ts'];

/** The larger of the catalogs: one of them is fetched as well. */
const catalog = ['src/i18n/en/index.ts', 'src/i18n/ko/index.ts'];

test("the page's own code at its first load, of a chat too, is within the budget", (context) => {
  assert.ok(Object.values(manifest).some(isStore));
  const [largest] = catalog.flatMap((key) => fetched([key])).sort((a, b) => brotli(b) - brotli(a));
  assert.ok(largest);
  within(PAGE_BUDGET, ['index.html', ...fetched(FIRST), largest], context);
});

test('what highlighting and math fetch is within theirs', (context) => {
  const first = new Set(fetched(FIRST));
  const later = Object.keys(manifest).filter((key) =>
    /^src\/chat\/|node_modules\/(highlight\.js|lowlight|temml)\//.test(key),
  );
  assert.ok(later.length > 2);
  within(
    LATER_BUDGET,
    fetched(later).filter((file) => !first.has(file)),
    context,
  );
});
