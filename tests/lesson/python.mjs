/**
 * Runs the lesson's Python program for tests written in JavaScript.
 *
 * Needs only python3 and, for `sqlite3`, that command; on Debian as root it installs what is
 * missing, elsewhere it says what to install. The virtual environment is kept in the user's cache
 * directory, one for each set of requirements and interpreter, and used again. Knows nothing of
 * the package under test.
 */

import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { debian } from '../../scripts/tools.mjs';

const exec = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));
const requirements = join(here, 'requirements.txt');

/** @type {Promise<string> | undefined} */
let environment;
/** @type {Promise<void> | undefined} */
let command;

/**
 * The path of a Python interpreter that has the lesson's requirements.
 *
 * @returns {Promise<string>}
 */
export function python() {
  environment ??= prepare();
  return environment;
}

/**
 * Runs `lesson.py` and gives what it printed.
 *
 * @param {...(string | number)} args a command and its arguments, see lesson.py
 * @returns {Promise<any>}
 */
export async function lesson(...args) {
  const { stdout } = await exec(
    await python(),
    // No byte code beside the sources; arguments after -- may begin with a dash.
    ['-B', join(here, 'lesson.py'), String(args[0]), '--', ...args.slice(1).map(String)],
    { maxBuffer: 1 << 28, env: { ...process.env, PYTHONUTF8: '1' } },
  );
  return JSON.parse(stdout);
}

/**
 * Runs one statement on a file with the `sqlite3` command.
 *
 * @param {string} file
 * @param {string} sql one statement; of several, at most one may give rows
 * @returns {Promise<Record<string, unknown>[]>} its rows
 */
export async function sqlite3(file, sql) {
  command ??= provide(() => works('sqlite3', ['--version']), 'the sqlite3 command', ['sqlite3']);
  await command;
  const { stdout } = await exec('sqlite3', ['-batch', '-bail', '-json', file, sql], {
    maxBuffer: 1 << 28,
  });
  return stdout.trim() === '' ? [] : JSON.parse(stdout);
}

async function prepare() {
  await provide(
    // Debian's python3 has venv but not ensurepip, without which venv makes no pip.
    () => works('python3', ['-c', 'import venv, ensurepip']),
    'Python 3.9 or later with its venv module',
    ['python3', 'python3-venv'],
  );
  const { stdout: interpreter } = await exec('python3', [
    '-c',
    'import sys; print(sys.version, sys.executable)',
  ]);
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .update(interpreter)
    .digest('hex')
    .slice(0, 16);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'conversation-store');
  const directory = join(cache, `python-${hash}`);
  const binary = join(directory, 'bin', 'python');
  if (existsSync(binary)) return binary;

  // Made aside and moved into place whole: a run that is interrupted leaves nothing half made, and
  // of two at once the second uses the first's.
  console.error(`Making a Python environment in ${directory} (once, about 10 s)`);
  await mkdir(cache, { recursive: true });
  const made = `${directory}.${randomUUID()}`;
  try {
    await exec('python3', ['-m', 'venv', made]);
    await exec(join(made, 'bin', 'python'), [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
      ...['--requirement', requirements],
    ]);
    // There but without an interpreter: the Python it was made with is gone.
    if (!existsSync(binary)) await rm(directory, { recursive: true, force: true });
    await rename(made, directory).catch((error) => {
      if (!existsSync(binary)) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return binary;
}

async function works(file, args) {
  try {
    await exec(file, args);
    return true;
  } catch {
    return false;
  }
}

async function provide(check, what, packages) {
  if (await check()) return;
  await debian(packages, what);
  if (!(await check())) throw new Error(`${what} is still missing after installing ${packages}`);
}
