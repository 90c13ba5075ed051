/**
 * A WebKitGTK on a profile of its own, through WebKitWebDriver, on a screen of its own. Its web process can be
 * killed: the driver ends the session then, and another begins over the same profile. Knows no store.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const browser = fileURLToPath(new URL('browser.py', import.meta.url));

/** A screen that nobody sees; the server chooses its number and says it. */
async function screen() {
  const stdio = ['ignore', 'ignore', 'ignore', 'pipe'];
  const args = ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'];
  const child = spawn('Xvfb', args, { stdio });
  const exit = once(child, 'exit');
  const ended = exit.then(() => {
    throw new Error('Xvfb ended before it was ready');
  });
  ended.catch(() => {});
  const [number] = await Promise.race([once(child.stdio[3], 'data'), ended]);
  const stop = async () => {
    child.kill();
    await exit;
  };
  return { display: `:${String(number).trim()}`, stop };
}

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** The processes that descend from one, with their names. */
function descendants(pid) {
  const children = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const [, name, parent] = /\((.*)\) \S (\d+)/s.exec(stat);
      const siblings = children.get(Number(parent)) ?? [];
      children.set(Number(parent), [...siblings, { pid: Number(entry), name }]);
    } catch {
      // It has ended meanwhile.
    }
  }
  const found = [];
  const visit = (parent) => {
    for (const child of children.get(parent) ?? []) {
      found.push(child);
      visit(child.pid);
    }
  };
  visit(pid);
  return found;
}

/** One browser over a profile; `open` begins a session, in which commands go to its first window. */
export async function webkit() {
  const profile = await mkdtemp(join(tmpdir(), 'conversation-store-webkit-'));
  const { display, stop } = await screen();

  async function open() {
    const port = await freePort();
    const env = { ...process.env, DISPLAY: display };
    const driver = spawn('WebKitWebDriver', [`--port=${port}`], { stdio: 'ignore', env });
    const exit = once(driver, 'exit');
    const request = async (method, path, body) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { 'Content-Type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const { value } = await response.json();
      if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
      return value;
    };
    // It says nothing when it is ready.
    for (;;) {
      try {
        await request('GET', '/status');
        break;
      } catch (error) {
        if (error.cause?.code !== 'ECONNREFUSED') throw error;
        await new Promise(setImmediate);
      }
    }
    const options = { binary: browser, args: [profile] };
    const timeouts = { script: 120_000 };
    const { sessionId } = await request('POST', '/session', {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options, timeouts } },
    });
    const send = (method, path, body) => request(method, `/session/${sessionId}/${path}`, body);
    /** Ends the browser and the driver, however they are. */
    const end = async () => {
      for (const { pid } of descendants(driver.pid)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // With its parent.
        }
      }
      driver.kill();
      await exit;
    };
    let last = Promise.resolve();
    /** Commands go to one window at a time, so that each is a turn of its own. */
    const turn = (work) => {
      const done = last.then(work);
      last = done.catch(() => {});
      return done;
    };
    const windowOf = (handle) => {
      const command = (...command) =>
        turn(async () => {
          await send('POST', 'window', { handle });
          return send(...command);
        });
      return {
        goto: (url) => command('POST', 'url', { url }),
        /** Runs a function in the page and resolves to what it resolves to. It may use its arguments only. */
        evaluate: (work, ...args) =>
          command('POST', 'execute/sync', { script: `return (${work})(...arguments)`, args }),
        close: () => command('DELETE', 'window'),
      };
    };
    const first = await send('GET', 'window');
    return {
      ...windowOf(first),
      /** Another window of the same browser. */
      async another() {
        const { handle } = await turn(async () => {
          // The window of the last command may be closed.
          await send('POST', 'window', { handle: first });
          return send('POST', 'window/new', { type: 'window' });
        });
        return windowOf(handle);
      },
      /** Kills the process of the page, and what is left of the browser. */
      async crash() {
        const page = descendants(driver.pid).filter(({ name }) => name.startsWith('WebKitWebProc'));
        if (page.length === 0) throw new Error('the browser has no web process');
        for (const { pid } of page) process.kill(pid, 'SIGKILL');
        await end();
      },
      end,
    };
  }

  return {
    open,
    async stop() {
      await stop();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
