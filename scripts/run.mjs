/**
 * Runs the commands of the other scripts, saying which and for how long. Knows no step by name.
 */

import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** Tells what begins, on a line of its own. */
export function say(text) {
  console.log(`\n▸ ${text}`);
}

/** Runs a command to its end with its output shown; throws if it fails. */
export async function run(command, args, { env = {}, cwd = root } = {}) {
  const stdio = ['ignore', 'inherit', 'inherit'];
  await ended(spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } }));
}

/** Runs a command to its end with its output shown and kept; throws if it fails. */
export async function runAndRead(command, args, { env = {}, cwd = root } = {}) {
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (data) => {
      text += data;
      process.stdout.write(data);
    });
  }
  await ended(child);
  return text;
}

/** Waits for a child, which ends with this process and by a signal to it. */
async function ended(child) {
  const pass = (signal) => child.kill(signal);
  const end = () => child.kill();
  process.on('SIGTERM', pass).on('SIGINT', pass).on('exit', end);
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (...outcome) => resolve(outcome));
  });
  process.off('SIGTERM', pass).off('SIGINT', pass).off('exit', end);
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code ?? signal}`);
}

/** What a command prints, or undefined if it cannot be run or fails. */
export function output(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}
