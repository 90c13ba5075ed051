/**
 * Everything a page fetches to use the store, compressed as servers do: at most 490 KB of brotli.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const BUDGET = 490_000;
const dist = new URL('../../dist/', import.meta.url);

/** The files that importing `entry` fetches, itself included. */
function fetched(entry, files = new Set()) {
  if (files.has(entry.href)) return files;
  files.add(entry.href);
  const source = readFileSync(entry, 'utf8');
  for (const [, path] of source.matchAll(/^(?:import|export)[^'"]*from ['"](\.[^'"]+)['"]/gm)) {
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
  const sizes = [...new Set(files)].map((file) => [file.slice(dist.href.length), brotli(file)]);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  for (const [file, size] of sizes) context.diagnostic(`${file}: ${size} bytes of brotli`);
  context.diagnostic(`together: ${total} of ${BUDGET}`);
  assert.ok(total <= BUDGET, `${total} bytes are over the budget of ${BUDGET}`);
});
