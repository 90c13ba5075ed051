/**
 * `node bench/sizes.mjs`: what each option of SQLite and each level of optimization saves and costs: the
 * module as it is fetched (brotli, quality 11), and what calls take. Builds the module anew for each, so
 * that it takes about a minute a line.
 *
 * `node bench/sizes.mjs options` and `... levels` do one of the two; `... -DSQLITE_OMIT_X ...` measures
 * options that are not in use, each added by itself.
 */

import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { bind, FLAGS } from '../scripts/build.mjs';
import { root, run } from '../scripts/run.mjs';
import { buildTools } from '../scripts/tools.mjs';
import { inBrowser } from './browser.mjs';

const ROUNDS = 7;
const env = await buildTools();
const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'sizes');
/** Packages to measure; the browser is served from the repository. */
const packages = join(root, 'target', 'sizes-packages');

const config = readFileSync(join(root, '.cargo/config.toml'), 'utf8');
const flags = /SQLITE_WASM_RS_FLAGS = "([^"]*)"/.exec(config)[1].split(' ');

const folderOf = (name) => name.replaceAll(/\W+/g, '-');

/** Builds a package of these options in a folder of its own; gives the module's size. */
async function build(name, { options = flags, cargo = [] } = {}) {
  await run(
    'cargo',
    ['build', '--quiet', '--locked', '--release', '--target', 'wasm32-unknown-unknown', ...cargo],
    {
      env: {
        ...env,
        RUSTFLAGS: FLAGS,
        CARGO_TARGET_DIR: target,
        SQLITE_WASM_RS_FLAGS: options.join(' '),
      },
    },
  );
  const folder = join(packages, folderOf(name));
  cpSync(join(root, 'dist'), folder, { recursive: true });
  const compiled = join(target, 'wasm32-unknown-unknown/release/conversation_store.wasm');
  await bind(compiled, 'conversation_store', join(folder, 'wasm'), env);
  const module = readFileSync(join(folder, 'wasm/conversation_store_bg.wasm'));
  const glue = readFileSync(join(folder, 'wasm/conversation_store.js'), 'utf8');
  if (/from\s*"env"/.test(glue)) return { name, note: 'does not link' };
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 22,
    [constants.BROTLI_PARAM_SIZE_HINT]: module.length,
  };
  return { name, raw: module.length, brotli: brotliCompressSync(module, { params }).length };
}

/** The sizes beside those of the module as it is. */
function report(base, { name, note, raw, brotli }) {
  const signed = (number) => `${number < 0 ? '' : '+'}${number}`.padStart(8);
  const text = note ?? `${signed(brotli - base.brotli)} brotli ${signed(raw - base.raw)} raw`;
  console.log(`${name.padEnd(56)} ${text}`);
}

/** Milliseconds of calls, rounds interleaved, in one browser. */
async function times(names) {
  const figures = {};
  await inBrowser(async (browser, url) => {
    const page = await browser.newPage();
    await page.goto(url);
    for (let round = 0; round <= ROUNDS; round++) {
      // Another is the first each time.
      const turn = round % names.length;
      for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
        const times = await page.evaluate(
          async ([name]) =>
            (await import('/bench/calls.js')).calls(`/target/sizes-packages/${name}/index.js`),
          [folderOf(name)],
        );
        // The first compiles.
        if (round === 0) continue;
        for (const [call, time] of Object.entries(times)) {
          figures[call] ??= Object.fromEntries(names.map((name) => [name, []]));
          figures[call][name].push(time);
        }
      }
    }
  });
  for (const [call, by] of Object.entries(figures)) {
    const medians = names.map((name) => {
      const sorted = by[name].toSorted((a, b) => a - b);
      return `${name} ${sorted[sorted.length >> 1].toFixed(3)}`;
    });
    console.log(`${call.padEnd(24)} ms: ${medians.join(', ')}`);
  }
}

rmSync(packages, { recursive: true, force: true });
mkdirSync(packages, { recursive: true });
const base = await build('as it is');
console.log(`as it is: ${base.brotli} bytes of brotli, ${base.raw} raw`);
const asked = process.argv.slice(2);
const isAsked = (part) => asked.length === 0 || asked.includes(part);
for (const flag of asked.filter((it) => it.startsWith('-'))) {
  report(base, await build(flag, { options: [...flags, flag] }));
}
if (isAsked('options')) {
  for (const flag of flags) {
    const options = flags.filter((it) => it !== flag);
    report(base, await build(`without ${flag}`, { options }));
  }
}
if (isAsked('levels')) {
  const levels = ['as it is'];
  for (const [of, setting] of [
    ['SQLite', 'profile.release.package.sqlite-wasm-rs.opt-level'],
    ['all', 'profile.release.opt-level'],
  ]) {
    for (const level of ['"s"', '2']) {
      const name = `${of} at ${level.replaceAll('"', '')}`;
      report(base, await build(name, { cargo: ['--config', `${setting}=${level}`] }));
      levels.push(name);
    }
  }
  await times(levels);
}
rmSync(packages, { recursive: true, force: true });
