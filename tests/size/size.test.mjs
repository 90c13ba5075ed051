/**
 * Everything a page fetches to use the store, compressed as servers do: at most 524 KB of brotli. And
 * what the first import or export fetches beside it: at most 150 KB.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const BUDGET = 524_000;
const FORMATS_BUDGET = 150_000;
const SALVAGE_BUDGET = 46_000;
const dist = new URL('../../dist/', import.meta.url);

/** The files that importing `entry` fetches, itself included. */
function fetched(entry, files = new Set()) {
  if (files.has(entry.href)) return files;
  files.add(entry.href);
  const source = readFileSync(entry, 'utf8');
  for (const [, path] of source.matchAll(
    /\b(?:import|export)\b[^'"()]*?\bfrom\s*['"](\.[^'"]+)['"]/g,
  )) {
    fetched(new URL(path, entry), files);
  }
  return files;
}

function brotli(file) {
  const bytes = readFileSync(fileURLToPath(file));
  return brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;
}

test('everything a page fetches is within the budget', (context) => {
  const files = [
    ...fetched(new URL('index.js', dist)),
    ...fetched(new URL('worker.js', dist)),
    new URL('wasm/conversation_store_bg.wasm', dist).href,
  ];
  assert.ok(files.some((file) => file.endsWith('/connection.js')));
  assert.ok(files.some((file) => file.endsWith('/wasm/conversation_store.js')));
  within(BUDGET, files, context);
});

test('the modules need nothing that a browser does not have', () => {
  for (const name of ['store', 'formats', 'salvage']) {
    const glue = readFileSync(new URL(`wasm/conversation_${name}.js`, dist), 'utf8');
    // How the linker has what SQLite's options left undefined.
    assert.doesNotMatch(glue, /from\s*["']env["']/);
    assert.match(glue, /WebAssembly/);
  }
});

test('what import and export fetch is within theirs', (context) => {
  const first = fetched(new URL('worker.js', dist), fetched(new URL('index.js', dist)));
  const files = [
    ...fetched(new URL('transfer.js', dist)),
    ...fetched(new URL('formats-worker.js', dist)),
    new URL('wasm/conversation_formats_bg.wasm', dist).href,
  ];
  assert.ok(files.some((file) => file.endsWith('/wasm/conversation_formats.js')));
  assert.ok(!first.has(new URL('formats.js', dist).href));
  within(
    FORMATS_BUDGET,
    files.filter((file) => !first.has(file)),
    context,
  );
});

test('what a salvage fetches is within its own', (context) => {
  const first = fetched(new URL('worker.js', dist), fetched(new URL('index.js', dist)));
  const files = [
    ...fetched(new URL('salvage.js', dist)),
    ...fetched(new URL('salvage-worker.js', dist)),
    new URL('wasm/conversation_salvage_bg.wasm', dist).href,
  ];
  assert.ok(!first.has(new URL('salvage.js', dist).href));
  within(
    SALVAGE_BUDGET,
    files.filter((file) => !first.has(file)),
    context,
  );
});

/** Holds files, each counted once, against a budget. */
function within(budget, files, context) {
  const sizes = [...new Set(files)].map((file) => [file.slice(dist.href.length), brotli(file)]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  for (const [file, size] of sizes) context.diagnostic(`${file}: ${size} bytes of brotli`);
  context.diagnostic(`together: ${total} of ${budget}`);
  assert.ok(total <= budget, `${total} bytes are over the budget of ${budget}`);
}
