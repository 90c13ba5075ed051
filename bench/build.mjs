/**
 * Installs what the benchmark compares with and bundles each contestant into dist/ of this folder: `page.js`, its worker and
 * what they fetch, all by the same esbuild and with the same options.
 */

import { cp, mkdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as esbuild } from 'esbuild';
import { root, run } from '../scripts/run.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const modules = join(here, 'node_modules');

const sqlite = ['@sqlite.org/sqlite-wasm/dist/sqlite3.wasm'];
const sqlocal = 'sqlocal/node_modules/@sqlite.org/sqlite-wasm/dist';
const pglite = '@electric-sql/pglite/dist';

// By the name of the adapter: its worker, and the files that it fetches beside its scripts.
const contestants = {
  ours: { page: 'ours' },
  floor: { page: 'floor', worker: 'peers/floor-worker.js' },
  indexeddb: { page: 'indexeddb' },
  'sqlite-wal': { page: 'sqlite-wal', worker: 'peers/sqlite-worker.js', files: sqlite },
  'sqlite-rollback': { page: 'sqlite-rollback', worker: 'peers/sqlite-worker.js', files: sqlite },
  'wa-sqlite': {
    page: 'wa-sqlite',
    worker: 'peers/wa-sqlite-worker.js',
    files: ['@journeyapps/wa-sqlite/dist/wa-sqlite.wasm'],
  },
  sqlocal: {
    page: 'sqlocal',
    worker: 'node_modules/sqlocal/dist/worker.js',
    files: [`${sqlocal}/sqlite3.wasm`, `${sqlocal}/sqlite3-opfs-async-proxy.js`],
  },
  pglite: {
    page: 'pglite',
    worker: 'peers/pglite-worker.js',
    files: ['pglite.wasm', 'initdb.wasm', 'pglite.data'].map((file) => `${pglite}/${file}`),
  },
};

/** Installs and bundles; resolves to the versions of the peers by package. */
export async function build() {
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: here,
  });
  await rm(join(here, 'dist'), { recursive: true, force: true });
  const options = {
    bundle: true,
    splitting: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    loader: { '.wasm': 'file' },
    // Node's side of packages that run in both.
    external: ['fs', 'fs/promises', 'path', 'url', 'crypto', 'ws', 'module', 'node:*'],
    define: { 'import.meta.env': '{}' },
    logLevel: 'error',
  };
  for (const [name, { page, worker, files = [] }] of Object.entries(contestants)) {
    const outdir = join(here, 'dist', name);
    const entryPoints = { page: join(here, 'peers', `${page}.js`) };
    if (worker) entryPoints.worker = join(here, worker);
    if (name === 'ours') {
      // As README has it for esbuild.
      const dist = join(root, 'dist');
      options.alias = { 'conversation-store': join(dist, 'index.js') };
      entryPoints.worker = join(dist, 'worker.js');
      entryPoints['formats-worker'] = join(dist, 'formats-worker.js');
      await mkdir(join(outdir, 'wasm'), { recursive: true });
      for (const module of ['conversation_store', 'conversation_formats']) {
        const file = `${module}_bg.wasm`;
        await cp(join(dist, 'wasm', file), join(outdir, 'wasm', file));
      }
    }
    await esbuild({ ...options, entryPoints, outdir });
    delete options.alias;
    for (const file of files) await cp(join(modules, file), join(outdir, file.split('/').at(-1)));
  }
  // Named from one folder above the script by PGlite.
  await cp(join(modules, pglite, 'pg_trgm.tar.gz'), join(here, 'dist', 'pg_trgm.tar.gz'));
  return versions();
}

/** The installed version of each peer's package. */
function versions() {
  const require = createRequire(import.meta.url);
  const { dependencies } = require('./package.json');
  return dependencies;
}
