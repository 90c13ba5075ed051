/**
 * `npm test`: sets up, builds, lints and runs every suite. Fails if one fails or runs no test.
 *
 * `npm test -- native page` runs only the suites of those names.
 */

import { join } from 'node:path';
import { audit } from './audit.mjs';
import { build } from './build.mjs';
import { lint } from './lint.mjs';
import { root, run, runAndRead, say } from './run.mjs';
import { testTools } from './tools.mjs';

const started = Date.now();
const node = process.execPath;
const tool = (path) => join(root, 'node_modules', path);

/** Adds up a pattern's first group over a text. */
const sum = (text, pattern) =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal.
const plain = (text) => text.replaceAll(/\u001b\[[0-9;]*m/g, '');

/** What an engine lacks, by the tests that found it out, as Node's runner tells them. */
const lacking = (text) =>
  [...text.matchAll(/^(?:ok \d+ - |﹣ )(.*?)(?: \([\d.]+ms\))? # (?:SKIP )?(.+)$/gm)].map(
    ([, name, reason]) => `not in this engine: ${name} (${reason})`,
  );

const cargo = (text) => sum(text, /^test result: ok\. (\d+) passed/gm);
const playwright = (text) => sum(text, /^ {2}(\d+) passed/gm);

function inBrowser(driver) {
  return (env) =>
    runAndRead(
      'cargo',
      ['test', '--locked', '--target', 'wasm32-unknown-unknown', '--test', 'web'],
      {
        env: {
          ...env,
          CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: 'wasm-bindgen-test-runner',
          // Seconds for all tests of a browser together: only against one that hangs.
          WASM_BINDGEN_TEST_TIMEOUT: '600',
          CHROMEDRIVER: undefined,
          GECKODRIVER: undefined,
          ...driver(env),
        },
      },
    );
}

const browser =
  (project, more = {}) =>
  (env) =>
    runAndRead(node, [tool('@playwright/test/cli.js'), 'test', `--project=${project}`], {
      env: { ...env, ...more },
    });

/** Name, what it is, how to run it, how to count what it ran. */
const suites = [
  [
    'native',
    'The store and the formats natively',
    (env) =>
      runAndRead('cargo', ['test', '--workspace', '--locked', '--features', 'planted-bugs'], {
        env,
      }),
    cargo,
  ],
  [
    'chromium',
    'The store in wasm, in Chromium',
    inBrowser(({ CHROMEDRIVER }) => ({ CHROMEDRIVER })),
    cargo,
  ],
  [
    'firefox',
    'The store in wasm, in Firefox',
    inBrowser(({ GECKODRIVER }) => ({ GECKODRIVER })),
    cargo,
  ],
  [
    'rules',
    'The rules of ARCHITECTURE.md, the size, the client by itself, Node',
    (env) =>
      runAndRead(node, ['--test', 'tests/rules/', 'tests/size/', 'tests/client/', 'tests/node/'], {
        env,
      }),
    (text) => sum(text, /^(?:#|ℹ) pass (\d+)/gm),
  ],
  [
    'supply',
    'Licences, sources and known vulnerabilities of what is used',
    async () => {
      const { checked } = await audit();
      return `${checked.length} passed`;
    },
    (text) => sum(text, /^(\d+) passed/gm),
  ],
  [
    'fuzz',
    'Hostile input: each target for half a minute',
    () =>
      runAndRead('nice', ['-n', '19', node, 'scripts/fuzz.mjs', '--seconds', '30', '--seed', '1']),
    (text) => sum(text, /^(\d+) targets, \d+ executions, no finding/gm),
  ],
  ['package', 'The package in Chromium, and the lesson in Python', browser('package'), playwright],
  [
    'fallback',
    'The package over IndexedDB, in Chromium',
    browser('fallback', { STORAGE: 'indexeddb' }),
    playwright,
  ],
  [
    'webkit',
    'The package in WebKitGTK',
    (env) => runAndRead(node, ['--test', 'tests/webkit/'], { env }),
    (text) => sum(text, /^(?:#|ℹ) pass (\d+)/gm),
  ],
  [
    'tabs',
    'Many tabs in Firefox',
    (env) => runAndRead(node, ['--test', 'tests/firefox/'], { env }),
    (text) => sum(text, /^(?:#|ℹ) pass (\d+)/gm),
  ],
  ['page', 'The chat page in Chromium', browser('page'), playwright],
  [
    'page-firefox',
    'The chat page in Firefox',
    (env) => runAndRead(node, ['--test', 'tests/page-firefox/'], { env }),
    (text) => sum(text, /^(?:#|ℹ) pass (\d+)/gm),
  ],
  [
    'consumers',
    'The tarball in its consumers',
    (env) => runAndRead(node, ['tests/consumers/run.mjs'], { env }),
    (text) => sum(text, /^(\d+) passed, 0 failed/gm),
  ],
];

/** Only asked for by its name: it is as long as the suite of the package, which has tests of the fallback too. */
const BY_NAME = ['fallback'];
/** Runs while those after it do: a browser's tests mostly wait, and it takes what they leave. */
const ASIDE = 'fuzz';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.some(([suite]) => suite === name));
if (unknown.length > 0) throw new Error(`no such suite: ${unknown.join(', ')}`);

const env = await testTools();
await build(env);
say('Building the chat page');
await run(node, [tool('vite/bin/vite.js'), 'build', '--config', 'www/vite.config.ts']);
if (wanted.length === 0) await lint(env);

const counts = [];
async function runSuite([name, title, start, count]) {
  say(title);
  const began = Date.now();
  const text = plain(await start(env));
  const passed = count(text);
  if (passed === 0) throw new Error(`the suite '${name}' ran no test`);
  counts.push([name, passed, Math.round((Date.now() - began) / 1000), lacking(text)]);
}
let aside;
for (const suite of suites) {
  const [name] = suite;
  if (wanted.length > 0 ? !wanted.includes(name) : BY_NAME.includes(name)) continue;
  const running = runSuite(suite);
  if (name === ASIDE) {
    aside = running;
    // Told at the end, when it is awaited.
    aside.catch(() => undefined);
  } else {
    await running;
  }
}
await aside;

say(`All suites passed in ${Math.round((Date.now() - started) / 1000)} s`);
for (const [name, passed, seconds, reasons] of counts) {
  console.log(`  ${name.padEnd(12)} ${String(passed).padStart(4)} tests  ${seconds} s`);
  for (const reason of reasons) console.log(`  ${''.padEnd(12)} ${reason}`);
}
const total = counts.reduce((sum, [, passed]) => sum + passed, 0);
console.log(`${total} passed, 0 failed`);
