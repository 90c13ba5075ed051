/**
 * What a page of the tests of several tabs does, in Chromium and in Firefox: each function is sent to
 * the page as text, so that it uses nothing of this module. Knows no browser.
 */

/**
 * Opens the database as `window.store` and keeps what its events say. `workers` are the scripts of
 * its first workers; those that follow are the package's.
 *
 * @param {{ name: string; workers?: string[]; options?: object }} database
 */
export async function open({ name, workers, options }) {
  let started = 0;
  const worker = () => {
    started += 1;
    return new Worker(workers?.[started - 1] ?? '/package/worker.js', { type: 'module', name });
  };
  const store = await window.Store.open(name, workers ? { ...options, worker } : options);
  const heard = { changes: [], roles: [] };
  store.addEventListener('change', ({ detail }) => heard.changes.push(detail));
  store.addEventListener('status', ({ detail }) => heard.roles.push(detail.role));
  /** Resolves when that is so, looked at after each event. */
  const until = (ready) =>
    new Promise((resolve) => {
      const look = () => ready() && resolve();
      store.addEventListener('change', look);
      store.addEventListener('status', look);
      look();
    });
  /** The new messages heard of, in order. */
  const inserts = () =>
    heard.changes
      .flatMap(({ changes }) => changes)
      .filter(({ kind, op }) => kind === 'message' && op === 'insert');
  Object.assign(window, { store, heard, until, inserts, workers: () => started });
}

/**
 * Begins to write up to `each` numbered messages, going on after the last that is stored. Its end is
 * `window.writing`; each acknowledged one is told on a channel.
 *
 * @param {{ conversation: number; writer: number; each: number }} task
 */
export function write({ conversation, writer, each }) {
  const told = new BroadcastChannel('written');
  const work = async () => {
    const rows = await window.store.messagesFor(conversation);
    const mine = rows.filter(({ content }) => content.startsWith(`${writer}:`));
    for (let n = mine.length + 1; n <= each; n++) {
      await window.store.addMessage(conversation, 'user', `${writer}:${n}`);
      told.postMessage(n);
    }
  };
  window.writing = work();
}

/** Counts what the writers tell; `window.reached(count)` resolves when it is so many. */
export function count() {
  let written = 0;
  const waiting = new Set();
  new BroadcastChannel('written').onmessage = () => {
    written += 1;
    for (const look of waiting) look();
  };
  window.reached = (target) =>
    new Promise((resolve) => {
      const look = () => written >= target && waiting.delete(look) | resolve();
      waiting.add(look);
      look();
    });
}

/**
 * Begins to write and read until events may have been missed, and a little longer: resolves when it
 * is under way. Its end is `window.writing`, with the number of messages.
 *
 * @param {{ conversation: number; writer: number }} task
 */
export async function writeUntilReset({ conversation, writer }) {
  const { store, heard } = window;
  let written = 0;
  const add = () => {
    written += 1;
    return store.addMessage(conversation, 'user', `${writer}:${written}`);
  };
  const round = () => Promise.all([add(), add(), store.messagesFor(conversation, { limit: 1 })]);
  const work = async () => {
    while (!heard.changes.some(({ reset }) => reset)) await round();
    await round();
    return written;
  };
  await round();
  window.writing = work();
}

/**
 * What each writer wrote, in the order of the conversation.
 *
 * @param {number} conversation
 * @returns {Promise<Record<string, number[]>>}
 */
export async function written(conversation) {
  const writers = {};
  for (const { content } of await window.store.messagesFor(conversation)) {
    const [writer, n] = content.split(':');
    writers[writer] ??= [];
    writers[writer].push(Number(n));
  }
  return writers;
}

/**
 * Listens, in a page that has no store open, to all that the tabs of a database can say to each other:
 * the common channel and the line of each pair. Resolves to the tabs' names. `window.observed()`
 * resolves when that is so, looked at after each message.
 *
 * @param {string} database
 * @returns {Promise<string[]>}
 */
export async function overhear(database) {
  const { held } = await navigator.locks.query();
  const tabs = held
    .map(({ name }) => name)
    .filter((name) => name.startsWith('conversation-store-tab:') && name.endsWith(`:${database}`))
    .map((name) => name.split(':')[1])
    .sort();
  const lines = tabs.flatMap((tab, n) =>
    tabs.slice(n + 1).map((other) => `conversation-store-line:${tab}:${other}`),
  );
  window.traffic ??= {};
  for (const name of [`conversation-store:${database}`, ...lines]) {
    if (window.traffic[name]) continue;
    const channel = new BroadcastChannel(name);
    const messages = [];
    window.traffic[name] = { channel, messages };
    channel.addEventListener('message', ({ data }) => messages.push(data));
  }
  window.observed = (ready) =>
    new Promise((resolve) => {
      const look = () => ready() && resolve();
      for (const { channel } of Object.values(window.traffic)) {
        channel.addEventListener('message', look);
      }
      look();
    });
  return tabs;
}
