/**
 * A Firefox on a profile of its own, through geckodriver, by the commands of WebDriver that the tests
 * need (<https://www.w3.org/TR/webdriver2/>). Knows no store.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'conversation-store');
const geckodriver = process.env.GECKODRIVER ?? join(cache, 'geckodriver-0.37.1/bin/geckodriver');

/** Starts a program and waits for a line of its output; returns what the line's group is. */
export async function started(command, args, pattern, env = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
  const exit = once(child, 'exit');
  const line = new Promise((resolve) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (data) => {
      text += data;
      const found = pattern.exec(text);
      if (found) resolve(found[1]);
    });
  });
  const ended = exit.then(() => {
    throw new Error(`${command} ended before it was ready`);
  });
  ended.catch(() => {});
  const found = await Promise.race([line, ended]);
  const stop = async () => {
    child.kill();
    await exit;
  };
  return { found, stop };
}

/** A process and those that it has started, as Linux tells of them. */
function family(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...children.map(Number).flatMap(family)];
}

/** One window. Commands go to one window at a time, so that each call is a turn of its own. */
class Window {
  #browser;
  #handle;

  constructor(browser, handle) {
    this.#browser = browser;
    this.#handle = handle;
  }

  #command(...command) {
    return this.#browser.turn(async (send) => {
      await send('POST', 'window', { handle: this.#handle });
      return send(...command);
    });
  }

  goto(url) {
    return this.#command('POST', 'url', { url });
  }

  /** Runs a function in the page and resolves to what it resolves to. It may use its arguments only. */
  evaluate(work, ...args) {
    const script = `return (${work})(...arguments)`;
    return this.#command('POST', 'execute/sync', { script, args });
  }

  /** Resolves to what a function of the page gives, once that is true: looked at with each change of the document. */
  until(holds, ...args) {
    const script = `return (async (...args) => {
      for (;;) {
        const value = (${holds})(...args);
        if (value) return value;
        await new Promise((resolve) => {
          const observer = new MutationObserver(() => {
            observer.disconnect();
            resolve();
          });
          const all = { subtree: true, childList: true, characterData: true, attributes: true };
          observer.observe(document, all);
        });
      }
    })(...arguments)`;
    return this.#command('POST', 'execute/sync', { script, args });
  }

  /** Presses an element, as a person does. */
  click(selector) {
    return this.#onElement(selector, 'click', {});
  }

  /** Types into an element; of a field of files, chooses the one of that path. */
  type(selector, text) {
    return this.#onElement(selector, 'value', { text });
  }

  #onElement(selector, action, body) {
    return this.#browser.turn(async (send) => {
      await send('POST', 'window', { handle: this.#handle });
      const found = await send('POST', 'element', { using: 'css selector', value: selector });
      // The name of an element's reference: https://www.w3.org/TR/webdriver2/#elements
      const id = found['element-6066-11e4-a52e-4f735466cecf'];
      return send('POST', `element/${id}/${action}`, body);
    });
  }

  close() {
    return this.#command('DELETE', 'window');
  }
}

/** A headless Firefox, on a profile of its own if none is given. */
export async function firefox(profile) {
  const driver = await started(geckodriver, ['--port=0'], /Listening on (127\.0\.0\.1:\d+)/);
  const request = async (method, path, body) => {
    const response = await fetch(`http://${driver.found}/session${path}`, {
      method,
      headers: { 'Content-Type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    return value;
  };
  const capabilities = {
    alwaysMatch: {
      browserName: 'firefox',
      'moz:firefoxOptions': {
        binary: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
        args: ['-headless', ...(profile ? ['-profile', profile] : [])],
      },
      timeouts: { script: 120_000 },
    },
  };
  const { sessionId, capabilities: given } = await request('POST', '', { capabilities }).catch(
    async (error) => {
      await driver.stop();
      throw error;
    },
  );
  const send = (method, path, body) => request(method, `/${sessionId}/${path}`, body);
  const first = await send('GET', 'window');
  let last = Promise.resolve();
  const browser = {
    turn(work) {
      const turn = last.then(() => work(send));
      last = turn.catch(() => {});
      return turn;
    },
    /** A new window, so that each is seen. */
    async open() {
      const { handle } = await browser.turn(async () => {
        // The window of the last command may be closed.
        await send('POST', 'window', { handle: first });
        return send('POST', 'window/new', { type: 'window' });
      });
      return new Window(browser, handle);
    },
    async stop() {
      await request('DELETE', `/${sessionId}`);
      await driver.stop();
    },
    /** Every process of it at once, at any instant. */
    async kill() {
      for (const pid of family(given['moz:processID'])) process.kill(pid, 'SIGKILL');
      await driver.stop();
    },
  };
  return browser;
}
