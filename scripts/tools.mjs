/**
 * Brings the tools that building and testing need, each only if it is missing: npm packages, the
 * wasm target, a clang that writes wasm, wasm-bindgen, browsers and their drivers. What it builds
 * lives in the user's caches. Where it may not install, it says exactly what to.
 */

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { output, root, run, say } from './run.mjs';

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'conversation-store');

/** npm packages, as the lockfile has them. */
export async function npmPackages() {
  const marker = join(root, 'node_modules', '.package-lock.json');
  if (existsSync(marker)) return;
  say('Installing npm packages (about a minute)');
  // No package may run a script of its own here: none that is used needs to.
  await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
}

/** The pinned Rust toolchain's wasm target. */
async function wasmTarget() {
  if (!output('rustup', ['--version'])) {
    throw new Error('Rust is missing: install it with rustup, https://rustup.rs');
  }
  const installed = output('rustup', ['target', 'list', '--installed']) ?? '';
  if (installed.includes('wasm32-unknown-unknown')) return;
  say('Adding the wasm32-unknown-unknown target (some seconds)');
  await run('rustup', ['target', 'add', 'wasm32-unknown-unknown']);
}

let updated = false;

/** Installs Debian packages, or says that they are to be installed. */
export async function debian(packages, what) {
  const isDebian = existsSync('/etc/debian_version') && output('apt-get', ['--version']);
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const may = sudo.length === 0 || output('sudo', ['-n', 'true']) !== undefined;
  if (!isDebian || !may) {
    throw new Error(
      `${what} is missing. On Debian or Ubuntu: sudo apt-get install ${packages.join(' ')}. ` +
        'Elsewhere, install what these packages hold and run this again.',
    );
  }
  say(`Installing ${packages.join(', ')} with apt (up to some minutes)`);
  const apt = (...args) => {
    const [command, ...rest] = [...sudo, 'apt-get', ...args];
    return run(command, rest, { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  };
  if (!updated) await apt('update', '-qq');
  updated = true;
  await apt('install', '-y', '-qq', '--no-install-recommends', ...packages);
}

/** A clang that writes wasm32 and the llvm-ar beside it, for SQLite's C. */
async function clang() {
  const find = () => {
    for (const suffix of ['', '-20', '-19', '-18', '-17', '-16', '-15']) {
      const targets = output(`clang${suffix}`, ['--print-targets']) ?? '';
      if (targets.includes('wasm32') && output(`llvm-ar${suffix}`, ['--version'])) return suffix;
    }
    return undefined;
  };
  if (find() === undefined) await debian(['clang-19', 'llvm-19'], 'A clang with the wasm32 target');
  const suffix = find();
  if (suffix === undefined) throw new Error('clang is installed, but none has the wasm32 target');
  return {
    CC_wasm32_unknown_unknown: `clang${suffix}`,
    AR_wasm32_unknown_unknown: `llvm-ar${suffix}`,
  };
}

/** The compilers of C and C++ for this machine that can count the branches taken: the fuzzers need them. */
export async function nativeClang() {
  const suffix = (await clang()).CC_wasm32_unknown_unknown.slice('clang'.length);
  // The headers of C++ are g++'s; without clang++ by that name clang compiles it all the same.
  if (!output('g++', ['--version'])) await debian(['g++'], 'A C++ library');
  return { CC: `clang${suffix}`, CXX: 'g++' };
}

/** A program of crates.io, built once into the user's cache. Returns the folder of its binaries. */
async function cargoTool(crate, version, minutes) {
  const folder = join(cache, `${crate}-${version}`);
  const bin = join(folder, 'bin');
  if (!existsSync(join(folder, '.crates.toml'))) {
    say(`Building ${crate} ${version} into ${folder} (about ${minutes} minutes, once)`);
    await run('cargo', ['install', crate, '--version', version, '--root', folder]);
  }
  return bin;
}

/** cargo-deny, which only reads: without what it would fetch by itself. */
export const cargoDeny = () => cargoTool('cargo-deny', '0.20.2', 4);

/** The version of wasm-bindgen's tools must equal that of the crate in Cargo.lock. */
function wasmBindgenVersion() {
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8');
  const version = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(lock)?.[1];
  if (!version) throw new Error('Cargo.lock names no wasm-bindgen');
  return version;
}

/** What building the package needs; returns the environment to build in. */
export async function buildTools() {
  await npmPackages();
  await wasmTarget();
  const env = await clang();
  const bin = await cargoTool('wasm-bindgen-cli', wasmBindgenVersion(), 3);
  return { ...env, PATH: `${bin}:${process.env.PATH}` };
}

/** What the tests need besides; returns the environment to test in. */
export async function testTools() {
  const env = await buildTools();
  const missing = [
    ['chromium', '/usr/bin/chromium'],
    ['chromium-driver', '/usr/bin/chromedriver'],
    ['firefox-esr', '/usr/bin/firefox-esr'],
    ['sqlite3', '/usr/bin/sqlite3'],
  ].filter(([, path]) => !existsSync(path));
  if (missing.length > 0) {
    await debian(
      missing.map(([name]) => name),
      'A browser, its driver or sqlite3',
    );
  }
  const gecko = await cargoTool('geckodriver', '0.37.1', 2);
  return { ...env, GECKODRIVER: join(gecko, 'geckodriver'), CHROMEDRIVER: '/usr/bin/chromedriver' };
}
