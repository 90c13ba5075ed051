/**
 * Makes the tarball that npm would publish, and holds its contents against what it should hold.
 * Knows no consumer.
 */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './processes.mjs';

/** Every one of these must be there. */
const NEEDED = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'THIRD-PARTY-LICENSES.md',
  'package.json',
  'dist/index.d.ts',
  'dist/index.js',
  'dist/formats-worker.js',
  'dist/salvage-worker.js',
  'dist/salvage.js',
  'dist/transfer.js',
  'dist/wasm/conversation_formats.d.ts',
  'dist/wasm/conversation_formats.js',
  'dist/wasm/conversation_formats_bg.wasm',
  'dist/wasm/conversation_salvage.d.ts',
  'dist/wasm/conversation_salvage.js',
  'dist/wasm/conversation_salvage_bg.wasm',
  'dist/wasm/conversation_store.d.ts',
  'dist/wasm/conversation_store.js',
  'dist/wasm/conversation_store_bg.wasm',
  'dist/worker.d.ts',
  'dist/worker.js',
];

/** And nothing else but further modules of the page's class. */
const ALLOWED = /^dist\/[a-z]+(-[a-z]+)*\.(js|d\.ts)$/;

/**
 * Packs the package at `root`.
 *
 * @param {string} root
 * @param {string} directory where the tarball goes
 * @returns {Promise<string>} its path
 */
export async function pack(root, directory) {
  if (!existsSync(join(root, 'dist/index.js'))) {
    throw new Error('dist/ is not built: npm run build');
  }
  // What is packed is what was built: no script of the package may change it here.
  const { stdout } = await run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', directory],
    { cwd: root },
  );
  return join(directory, JSON.parse(stdout)[0].filename);
}

/**
 * @param {string} tarball
 * @param {string} root of the checkout, whose path must not be found in any file
 * @param {string} directory an empty one, to unpack into
 */
export async function checkContents(tarball, root, directory) {
  await run('tar', ['--extract', '--gzip', '--file', tarball], { cwd: directory });
  const { stdout } = await run('tar', ['--list', '--gzip', '--file', tarball], { cwd: directory });
  const names = stdout
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));
  assert.deepEqual(
    NEEDED.filter((name) => !names.includes(name)),
    [],
    'files that the tarball lacks',
  );
  assert.deepEqual(
    names.filter((name) => !NEEDED.includes(name) && !ALLOWED.test(name)),
    [],
    'files that should not be in the tarball',
  );

  const manifest = JSON.parse(await readFile(join(directory, 'package/package.json'), 'utf8'));
  const targets = [];
  const collect = (value) => {
    if (typeof value === 'string') targets.push(value.replace(/^\.\//, ''));
    else Object.values(value).forEach(collect);
  };
  collect(manifest.exports);
  assert.deepEqual(
    targets.filter((name) => !names.includes(name)),
    [],
    'exports of files that are not in the tarball',
  );
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bin']) {
    assert.equal(manifest[kind], undefined, `the package needs ${kind}`);
  }
  for (const hook of ['preinstall', 'install', 'postinstall']) {
    assert.equal(manifest.scripts?.[hook], undefined, `the package runs a ${hook} script`);
  }

  for (const name of names) {
    const bytes = await readFile(join(directory, 'package', name));
    assert.ok(!bytes.includes('sourceMappingURL='), `${name} points at a map that is not packed`);
    for (const place of [`${homedir()}/`, root]) {
      assert.ok(
        !bytes.includes(place),
        `${name} names a path of the machine that built it: ${place}`,
      );
    }
  }
}
