/**
 * Child processes that end with the run: each has a deadline and a process group of its own, so
 * that what it starts is stopped with it. Knows nothing of packages and browsers.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { stripVTControlCharacters } from 'node:util';

const groups = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(128 + constants.signals[signal]));
}
process.once('exit', () => {
  for (const group of groups) kill(group, 'SIGKILL');
});

/**
 * Runs a program to its end.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd: string, env?: Record<string, string>, seconds?: number }} options
 * @returns {Promise<{ stdout: string, stderr: string }>} what it wrote
 * @throws with the end of its output if it fails or is not done in time
 */
export async function run(file, args, { cwd, env, seconds = 180 }) {
  const child = start(file, args, cwd, env);
  const deadline = setTimeout(() => {
    child.late = true;
    kill(child.pid, 'SIGKILL');
  }, seconds * 1000);
  try {
    const [code, signal] = await child.ended;
    if (code === 0) return { stdout: child.stdout, stderr: child.stderr };
    const how = child.late ? `was not done in ${seconds} s` : `ended with ${code ?? signal}`;
    throw new Error(`${[file, ...args].join(' ')} ${how}\n${child.tail()}`);
  } finally {
    clearTimeout(deadline);
    kill(child.pid, 'SIGKILL');
    groups.delete(child.pid);
  }
}

/**
 * Starts a server, waits until it says that it is ready, and stops it when `use` is done.
 *
 * @template T
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd: string, env?: Record<string, string>, seconds?: number, ready?: RegExp }} options
 * @param {(url: string) => Promise<T>} use gets the first loopback address that the server printed
 * @returns {Promise<T>}
 */
export async function serve(
  file,
  args,
  { cwd, env, seconds = 60, ready = /http:\/\/127\.0\.0\.1:\d+/ },
  use,
) {
  const child = start(file, args, cwd, env);
  try {
    const url = await new Promise((resolve, reject) => {
      const failed = (how) =>
        reject(new Error(`${[file, ...args].join(' ')} ${how}\n${child.tail()}`));
      const deadline = setTimeout(failed, seconds * 1000, `was not ready in ${seconds} s`);
      child.ended.then(([code, signal]) => failed(`ended with ${code ?? signal}`), reject);
      child.onoutput = (output) => {
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(output);
        if (!address || !ready.test(output)) return;
        clearTimeout(deadline);
        child.onoutput = undefined;
        resolve(`${address[0]}/`);
      };
    });
    return await use(url);
  } catch (error) {
    const output = child.tail();
    if (!output || error.message.includes(output)) throw error;
    throw new Error(`${error.message}\nThe server wrote:\n${output}`, { cause: error });
  } finally {
    kill(child.pid, 'SIGTERM');
    const late = setTimeout(kill, 5000, child.pid, 'SIGKILL');
    await child.ended;
    clearTimeout(late);
    // What it started may not have heard the first.
    kill(child.pid, 'SIGKILL');
    groups.delete(child.pid);
  }
}

function start(file, args, cwd, env) {
  const process_ = spawn(file, args, {
    cwd,
    env: { ...environment(), ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let all = '';
  const child = {
    pid: process_.pid,
    late: false,
    stdout: '',
    stderr: '',
    onoutput: undefined,
    ended: once(process_, 'close'),
    tail: () => all.trim().split('\n').slice(-30).join('\n'),
  };
  if (child.pid) groups.add(child.pid);
  // `ended` may reject (no such program) before anyone waits for it.
  child.ended.catch(() => {});
  for (const name of ['stdout', 'stderr']) {
    process_[name].setEncoding('utf8').on('data', (text) => {
      const plain = stripVTControlCharacters(text);
      all += plain;
      child[name] += plain;
      child.onoutput?.(all);
    });
  }
  return child;
}

/**
 * A port that nothing listens on, for servers that cannot be told to choose one. Another program
 * may take it first: have the server fail then.
 */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}

/** Ours, without what npm tells the scripts of this package and without colours. */
function environment() {
  const env = { ...process.env, NO_COLOR: '1' };
  const ours =
    /^(npm_(package|lifecycle)_.*|npm_config_local_prefix|INIT_CWD|NODE_ENV|FORCE_COLOR)$/;
  for (const name of Object.keys(env)) {
    if (ours.test(name)) delete env[name];
  }
  return env;
}

function kill(group, signal) {
  if (!group) return;
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
