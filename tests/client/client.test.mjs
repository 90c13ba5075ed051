/**
 * Compiles the tests of this folder, with the sources that they import, and runs them: the parts of
 * the page's TypeScript that need no worker.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'conversation-store-client-'));
process.on('exit', () => rmSync(out, { recursive: true, force: true }));

writeFileSync(join(out, 'package.json'), '{ "type": "module" }');
const compiled = spawnSync(process.execPath, [tsc, '-p', folder, '--outDir', out]);
assert.equal(compiled.status, 0, `${compiled.stdout}${compiled.stderr}`);

const tests = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
assert.ok(tests.length > 0);
for (const name of tests) {
  await import(pathToFileURL(join(out, 'tests/client', name.replace(/ts$/, 'js'))).href);
}
