/**
 * `npm run build`: from the sources to a complete dist/, on a machine that has only Rust and Node.
 * Knows the steps; what each needs is tools.mjs's.
 */

import { readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run, say } from './run.mjs';
import { buildTools } from './tools.mjs';

/** Without loop strength reduction, as SQLite is (.cargo/config.toml). */
export const FLAGS = '-Cllvm-args=-disable-lsr';

/**
 * What makes the module smaller as it is fetched: functions that stand beside those of the same module, by
 * their names, repeat what the compressor has just seen. Nothing is inlined.
 */
const PASSES = [
  '--duplicate-function-elimination',
  '--optimize-instructions',
  '--rse',
  '--vacuum',
  '--reorder-locals',
  '--reorder-functions-by-name',
  '--strip',
];

/** Builds dist/ in the environment of the tools. */
export async function build(env) {
  const dist = join(root, 'dist');
  const wasm = join(dist, 'wasm');

  say('Compiling Rust and SQLite to WebAssembly (about a minute the first time)');
  // Panic messages name source files: without the builder's home, and equal on every machine.
  const registry = join(process.env.CARGO_HOME ?? join(homedir(), '.cargo'), 'registry', 'src');
  const target = ['--target', 'wasm32-unknown-unknown'];
  await run('cargo', ['build', '--workspace', '--locked', '--release', ...target], {
    env: {
      ...env,
      RUSTFLAGS: `--remap-path-prefix=${registry}=crates --remap-path-prefix=${root}= ${FLAGS}`,
    },
  });
  rmSync(dist, { recursive: true, force: true });
  const built = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  for (const [crate, name] of [
    ['conversation_store', 'conversation_store'],
    ['conversation_formats', 'conversation_formats'],
    ['conversation_salvage_module', 'conversation_salvage'],
  ]) {
    say(`Generating the JavaScript and TypeScript of ${name}`);
    const compiled = join(built, `wasm32-unknown-unknown/release/${crate}.wasm`);
    await bind(compiled, name, wasm, env);
  }
  say('Compiling the TypeScript of the page');
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root]);
  await minify(dist);
}

/** Takes out of the JavaScript what only people read; the declarations keep their comments. */
async function minify(dist) {
  // Installed by the time this is called, not when this file is read.
  const { build: esbuild } = await import('esbuild');
  await esbuild({
    entryPoints: readdirSync(dist, { recursive: true })
      .filter((path) => path.endsWith('.js'))
      .map((path) => join(dist, path)),
    outdir: dist,
    allowOverwrite: true,
    minify: true,
    outbase: dist,
    tsconfigRaw: {},
    logLevel: 'warning',
  });
}

/** From a module as the compiler leaves it to one that a page loads, with its JavaScript, in `folder`. */
export async function bind(compiled, name, folder, env) {
  await run(
    'wasm-bindgen',
    [
      ...['--target', 'web', '--remove-producers-section'],
      ...['--out-dir', folder, '--out-name', name, compiled],
    ],
    { env },
  );
  rmSync(join(folder, `${name}_bg.wasm.d.ts`));
  const optimizer = join(root, 'node_modules/binaryen/bin/wasm-opt');
  const module = join(folder, `${name}_bg.wasm`);
  await run(process.execPath, [optimizer, module, ...PASSES, '-o', module]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build(await buildTools());
  say('dist/ is complete');
}
