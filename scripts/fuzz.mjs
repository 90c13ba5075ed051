/**
 * `npm run fuzz`: builds fuzz/ with the coverage of each branch counted, which the stable compiler can do
 * too, and runs its targets against their corpora.
 *
 *   npm run fuzz -- --minutes 60            all targets, an hour in all
 *   npm run fuzz -- --seconds 30 --jobs 2   30 s each, two at a time
 *   npm run fuzz -- --seed 1                the same inputs each time, as far as the time goes: so does `npm test`
 *   npm run fuzz -- --minutes 5 tabs stored those only
 *   npm run fuzz -- --only-build            no run
 *   npm run fuzz -- --keep                  corpora made anew, as few files as say the same, and kept
 *
 * A finding is written to fuzz/artifacts and fails the run; FUZZ_TARGET=<target> and the program with the
 * file's name repeat it.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { output, root, run, say } from './run.mjs';
import { nativeCompiler } from './tools.mjs';

const folder = join(root, 'fuzz');

/** The targets, as src/main.rs names them. */
const targets = [
  ...readFileSync(join(folder, 'src/main.rs'), 'utf8').matchAll(/\("(\w+)", targets::/g),
].map(([, name]) => name);

/** Counters for each branch, their places, and the values that are compared (SanitizerCoverage). */
const coverage = ['inline-8bit-counters', 'pc-table', 'trace-compares'];

/** Builds the program and returns its path. */
async function build() {
  const host = /^host: (.*)$/m.exec(output('rustc', ['-vV']) ?? '')?.[1];
  if (!host) throw new Error('rustc does not say for which machine it compiles');
  say(
    'Compiling the fuzzers, instrumented, and SQLite, which has fuzzers of its own (some minutes the first time)',
  );
  await nativeCompiler();
  await run(
    'cargo',
    // With a target, so that build scripts and macros are not instrumented.
    ['build', '--release', '--locked', '--target', host, '--manifest-path', 'fuzz/Cargo.toml'],
    {
      env: {
        // The SQLite that is shipped, as far as it compiles natively.
        LIBSQLITE3_FLAGS: '-DSQLITE_JSON_MAX_DEPTH=128 -USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS5',
        RUSTFLAGS: [
          '-Cpasses=sancov-module',
          '-Cllvm-args=-sanitizer-coverage-level=4',
          ...coverage.map((option) => `-Cllvm-args=-sanitizer-coverage-${option}`),
        ].join(' '),
      },
    },
  );
  const target = process.env.CARGO_TARGET_DIR ?? join(folder, 'target');
  return join(target, host, 'release/conversation-fuzz');
}

/** Names and texts that the formats look for, so that they need not be guessed letter by letter. */
function dictionary() {
  const words = new Set();
  for (const name of readdirSync(join(root, 'src/formats/src'))) {
    const text = readFileSync(join(root, 'src/formats/src', name), 'utf8');
    for (const [, word] of text.matchAll(/"([\w.:/-]{2,40})"/g)) words.add(word);
  }
  return [...words].map((word) => `"\\"${word}\\""`).join('\n');
}

/** Runs the program to its end; returns what libFuzzer says of it. */
function fuzz(program, target, args) {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, FUZZ_TARGET: target },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const pass = (signal) => child.kill(signal);
  process.on('SIGTERM', pass).on('SIGINT', pass);
  let text = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (data) => {
    text += data;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('SIGTERM', pass).off('SIGINT', pass);
      resolve({ code, text });
    });
  });
}

/** Runs one target for so many seconds, from its corpus, into a folder of this run. */
async function runTarget(program, target, { seconds, seed, dict, grown }) {
  const corpus = join(folder, 'corpora', target);
  const artifacts = join(folder, 'artifacts', target);
  for (const path of [corpus, artifacts, grown]) mkdirSync(path, { recursive: true });
  const began = Date.now();
  const { code, text } = await fuzz(program, target, [
    `-max_total_time=${seconds}`,
    '-timeout=20',
    '-rss_limit_mb=1024',
    '-max_len=4096',
    // Long inputs from the start: a short one is a store and nothing done to it.
    '-len_control=0',
    ...(seed === undefined ? [] : [`-seed=${seed}`]),
    '-print_final_stats=1',
    `-artifact_prefix=${artifacts}/`,
    ...(target === 'importers' ? [`-dict=${dict}`] : []),
    grown,
    corpus,
  ]);
  if (code !== 0) {
    console.error(text.split('\n').slice(-60).join('\n'));
    console.error(`${target}: a finding, in ${artifacts}`);
  }
  const number = (pattern) => Number([...text.matchAll(pattern)].at(-1)?.[1] ?? 0);
  return {
    target,
    failed: code !== 0,
    executions: number(/stat::number_of_executed_units: (\d+)/g) || number(/^#(\d+)/gm),
    edges: number(/ cov: (\d+)/g),
    seconds: Math.round((Date.now() - began) / 1000),
  };
}

/** Makes the corpora anew: of what was there and what was found, as little as covers the same. */
async function keep(program, target, grown) {
  const corpus = join(folder, 'corpora', target);
  const fresh = mkdtempSync(join(tmpdir(), 'conversation-fuzz-'));
  const { code, text } = await fuzz(program, target, [
    '-merge=1',
    '-max_len=4096',
    fresh,
    corpus,
    grown,
  ]);
  if (code !== 0) throw new Error(`${target}: its corpus cannot be made smaller\n${text}`);
  rmSync(corpus, { recursive: true, force: true });
  mkdirSync(corpus, { recursive: true });
  // The shortest first, up to what a repository wants to carry.
  const files = readdirSync(fresh)
    .map((name) => [name, readFileSync(join(fresh, name))])
    .sort(([, a], [, b]) => a.length - b.length);
  let bytes = 0;
  for (const [name, content] of files) {
    bytes += content.length;
    if (bytes > 48 * 1024) break;
    writeFileSync(join(corpus, name), content);
  }
  rmSync(fresh, { recursive: true, force: true });
}

/** Runs targets, so many at a time; fails if one finds something. */
async function fuzzAll({ seconds, seed, names = targets, jobs = 1, kept = false }) {
  const program = await build();
  mkdirSync(join(folder, 'target'), { recursive: true });
  const dict = join(folder, 'target/importers.dict');
  writeFileSync(dict, dictionary());
  say(`Fuzzing ${names.join(', ')}: ${Math.round(seconds)} s each, ${jobs} at a time`);
  const waiting = [...names];
  const results = [];
  const worker = async () => {
    for (let target = waiting.shift(); target; target = waiting.shift()) {
      const grown = kept
        ? join(folder, 'target/grown', target)
        : mkdtempSync(join(tmpdir(), 'conversation-fuzz-'));
      const result = await runTarget(program, target, { seconds, seed, dict, grown });
      results.push(result);
      const { executions, edges } = result;
      console.log(
        `  ${target.padEnd(10)} ${String(executions).padStart(9)} executions  ${result.seconds} s  ${edges} edges`,
      );
      if (kept && !result.failed) await keep(program, target, grown);
      if (!kept) rmSync(grown, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const named = (wanted) =>
    results
      .filter(wanted)
      .map((result) => result.target)
      .join(', ');
  const failed = named((result) => result.failed);
  if (failed) throw new Error(`findings: ${failed}`);
  const idle = named((result) => result.executions === 0);
  if (idle) throw new Error(`nothing was run: ${idle}`);
  const total = results.reduce((sum, result) => sum + result.executions, 0);
  console.log(`${results.length} targets, ${total} executions, no finding`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string' },
    seconds: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
    'only-build': { type: 'boolean', default: false },
  },
});
if (values['only-build']) {
  console.log(await build());
  process.exit();
}
const unknown = positionals.filter((name) => !targets.includes(name));
if (unknown.length > 0) throw new Error(`no such target: ${unknown.join(', ')}`);
const names = positionals.length > 0 ? positionals : targets;
const jobs = Number(values.jobs);
const seconds = values.seconds
  ? Number(values.seconds)
  : (Number(values.minutes ?? 8) * 60 * jobs) / names.length;
const { seed, keep: kept } = values;
await fuzzAll({ seconds: Math.max(1, Math.round(seconds)), seed, names, jobs, kept });
