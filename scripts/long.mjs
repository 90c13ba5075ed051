/**
 * `npm run soak -- --minutes 30` and `npm run crashes -- --crashes 100 --kills 10`: the tests that are as
 * long as one likes. Builds first, then runs one file of browser tests, told by its environment how much.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { root, run } from './run.mjs';
import { testTools } from './tools.mjs';

const node = process.execPath;
const tool = (path) => join(root, 'node_modules', path);

/** By the command's name: its project, its file, and its options with what they are if not given. */
const commands = {
  crashes: ['package', 'tests/e2e/crash.spec.ts', { crashes: '100', kills: '10' }],
  soak: ['soak', 'tests/soak/soak.spec.ts', { minutes: '30', seed: '' }],
};

const [name, ...given] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) throw new Error(`no such command: ${name}`);
const [project, file, defaults] = commands[name];
const { values } = parseArgs({
  args: given,
  options: Object.fromEntries(
    Object.entries(defaults).map(([option, value]) => [option, { type: 'string', default: value }]),
  ),
});
const told = Object.entries(values).map(([option, value]) => [option.toUpperCase(), value]);

const env = { ...(await testTools()), ...Object.fromEntries(told) };
await build(env);
await run(node, [tool('vite/bin/vite.js'), 'build', '--config', 'www/vite.config.ts']);
await run(node, [tool('@playwright/test/cli.js'), 'test', `--project=${project}`, file], { env });
