/**
 * `npm run lint`: formatting and lints of every language on every target, warnings as errors.
 */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run, say } from './run.mjs';
import { buildTools } from './tools.mjs';

/** Lints everything. dist/ must be built: the TypeScript reads the generated types. */
export async function lint(env) {
  const bin = (name) => join(root, 'node_modules', name);
  const wasm = ['--target', 'wasm32-unknown-unknown'];
  say('Linting Rust: rustfmt, clippy on both targets, rustdoc');
  await run('cargo', ['fmt', '--all', '--check']);
  const all = ['--workspace', '--locked', '--all-targets'];
  const bugs = ['--features', 'planted-bugs'];
  await run('cargo', ['clippy', ...all, ...bugs, '--', '-D', 'warnings'], {
    env,
  });
  await run('cargo', ['clippy', ...all, ...wasm, '--', '-D', 'warnings'], {
    env,
  });
  const docs = { ...env, RUSTDOCFLAGS: '-D warnings' };
  await run('cargo', ['doc', '--workspace', '--locked', '--no-deps', '--quiet', ...wasm], {
    env: docs,
  });
  say('Linting TypeScript and JavaScript: tsc, Biome');
  for (const project of ['.', 'tests/client', 'tests/e2e', 'tests/soak', 'www']) {
    await run(process.execPath, [bin('typescript/bin/tsc'), '--noEmit', '-p', join(root, project)]);
  }
  await run(process.execPath, [bin('@biomejs/biome/bin/biome'), 'ci', '--error-on-warnings']);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await lint(await buildTools());
}
