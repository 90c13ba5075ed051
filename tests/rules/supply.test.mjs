/**
 * What the package is made of, and that nothing comes into it unseen: lockfiles, scripts, licences, the bill of
 * materials.
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { thirdPartyLicences } from '../../scripts/licences.mjs';
import { output } from '../../scripts/run.mjs';
import { sbom } from '../../scripts/sbom.mjs';
import { shippedCrates } from '../../scripts/shipped.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');
const json = (path) => JSON.parse(read(path));

/** The files of the repository, as git has them. */
const tracked = output('git', [
  '-C',
  root,
  'ls-files',
  '--cached',
  '--others',
  '--exclude-standard',
])
  .split('\n')
  .filter((path) => existsSync(join(root, path)));

test('every manifest has its lockfile beside it', () => {
  const manifests = tracked.filter((path) => path.endsWith('package.json'));
  assert.ok(manifests.length > 10);
  for (const path of manifests) {
    const { dependencies = {}, devDependencies = {} } = json(path);
    const lock = join(dirname(path), 'package-lock.json');
    assert.ok(tracked.includes(lock), `${path} has no lockfile`);
    const { lockfileVersion, packages } = json(lock);
    assert.equal(lockfileVersion, 3, lock);
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      assert.ok(packages[`node_modules/${name}`], `${lock} does not hold ${name}`);
    }
    for (const [name, entry] of Object.entries(packages)) {
      if (!name.includes('node_modules/') || entry.link || entry.inBundle) continue;
      // What the tarball under test is put in the place of has none.
      assert.match(entry.integrity ?? '', /^sha512-/, `${lock}: ${name} has no checksum`);
      // None says where from: it is from whichever registry a machine uses, and is what its checksum says.
      assert.equal(entry.resolved, undefined, `${lock}: ${name} comes from elsewhere`);
    }
  }
  for (const path of ['Cargo.lock', 'fuzz/Cargo.lock']) {
    const crates = read(path).split('[[package]]\n').slice(1);
    assert.ok(crates.length > 50);
    for (const crate of crates) {
      const name = /name = "(.*)"/.exec(crate)?.[1];
      if (/^conversation-/.test(name)) continue;
      assert.match(crate, /checksum = "\w{64}"/, `${path}: ${name} has no checksum`);
      assert.match(crate, /source = "registry\+[^"]*crates\.io-index"/, `${path}: ${name}`);
    }
  }
});

test('lockfiles are used', () => {
  const scripts = tracked.filter((path) => /^(scripts|tests|bench)\/.*\.mjs$/.test(path));
  for (const path of scripts.filter((path) => !path.endsWith('supply.test.mjs'))) {
    for (const [, words] of read(path).matchAll(/'cargo',\s*\[([^\]]*)\]/g)) {
      const isOther = /'(fmt|install|run)'/.test(words) || /\.\.\.(all|generate)\b/.test(words);
      assert.ok(isOther || words.includes("'--locked'"), `${path}: cargo ${words}`);
    }
    for (const [, words] of read(path).matchAll(/'npm',\s*\[([^\]]*)\]/g)) {
      const isPinned =
        /'(ci|pack|sbom|audit|run|test)'/.test(words) || /'--no-save'.*tarball/.test(words);
      assert.ok(isPinned || /^\.\.\.|args/.test(words.trim()), `${path}: npm ${words}`);
    }
  }
});

test('the package runs nothing when it is installed, and needs nothing', () => {
  const { scripts, ...manifest } = json('package.json');
  const hooks =
    /^(pre|post)?(install|uninstall|prepare|publish|pack|version|dependencies)$|^(pre|post)|^prepublishOnly$/;
  assert.deepEqual(
    Object.keys(scripts).filter((name) => hooks.test(name)),
    [],
  );
  for (const kind of [
    'dependencies',
    'peerDependencies',
    'optionalDependencies',
    'bundleDependencies',
    'bin',
  ]) {
    assert.equal(manifest[kind], undefined, kind);
  }
  assert.ok(!existsSync(join(root, 'binding.gyp')), 'npm would build it');
  // Who publishes says where from: npm then shows which commit and which run made the tarball.
  assert.deepEqual(manifest.publishConfig, { access: 'public', provenance: true });
});

test('no package that builds or tests runs a script of its own', () => {
  assert.match(read('scripts/tools.mjs'), /\['ci', '--ignore-scripts'/);
});

test('licences of what is shipped are listed, with their texts', () => {
  assert.equal(
    read('THIRD-PARTY-LICENSES.md'),
    thirdPartyLicences(),
    'it is not up to date: node scripts/licences.mjs',
  );
  for (const path of ['THIRD-PARTY-LICENSES.md', 'SECURITY.md']) {
    assert.ok(json('package.json').files.includes(path), `${path} is not shipped`);
  }
});

test('the bill of materials holds every crate that the modules name', () => {
  const list = sbom();
  assert.equal(list.bomFormat, 'CycloneDX');
  const names = new Set(list.components.map((it) => it.name));
  const crates = shippedCrates();
  assert.ok(crates.length > 30);
  for (const { name, version, checksum } of crates) {
    const found = list.components.find((it) => it.name === name && it.version === version);
    assert.equal(found?.hashes[0].content, checksum, name);
    assert.match(checksum, /^\w{64}$/, name);
  }
  // Panics name the file they are in, so that the modules themselves tell which crates they hold.
  for (const module of ['conversation_store', 'conversation_formats']) {
    const bytes = readFileSync(join(root, `dist/wasm/${module}_bg.wasm`), 'latin1');
    const inside = [...bytes.matchAll(/crates\/[\w.-]+\/([\w-]+?)-\d+\.\d+\.\d+[\w.+-]*\/src/g)];
    assert.ok(inside.length > 0, `${module} names no crate`);
    for (const [, name] of inside) assert.ok(names.has(name), `${module} holds ${name}`);
  }
  assert.ok(names.has('sqlite'));
});
