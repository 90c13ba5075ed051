/**
 * What a soak weighs: memory of pages, workers and processes, files, handles. And whether it stays flat.
 * Knows no chat.
 */

import { readdir, readFile } from 'node:fs/promises';
import type { BrowserContext, CDPSession } from '@playwright/test';
import type { Started } from '../e2e/browser.js';
import type { Tab } from './tabs.js';

declare global {
  /** In a measured worker. */
  var wasmMemory: WebAssembly.Memory;
}

/** Flags of the browser by which what is weighed is the tabs'. */
export const FLAGS = [
  // A process for whatever comes next would be weighed too.
  '--disable-features=SpareRendererForSitePerProcess',
];

/** By name, with its unit. */
export type Sample = Record<string, number>;

const MB = 2 ** 20;

/** Weighs everything, with nothing under way. The first of the tabs lives throughout. */
export async function sample(browser: Started, tabs: Tab[]): Promise<Sample> {
  const weighed = await Promise.all(tabs.map(weigh));
  const most = (of: (one: (typeof weighed)[0]) => number) => Math.max(...weighed.map(of));
  const processes = await group(browser.pid);
  const renderers = await pages(browser.context);
  const memory = async (pids: number[]) => {
    const all = await Promise.all(pids.map(anonymous));
    return all.reduce((sum, bytes) => sum + bytes, 0) / MB;
  };
  const handles = await Promise.all(processes.map((pid) => count(`/proc/${pid}/fd`)));
  const [first] = tabs;
  return {
    "page's heap, the tab that stays, MB": (weighed[0]?.page ?? 0) / MB,
    "worker's heap, the largest, MB": most(({ worker }) => worker) / MB,
    "worker's wasm memory, the largest, MB": most(({ wasm }) => wasm) / MB,
    'memory of a tab’s process, mean, MB': (await memory(renderers)) / renderers.length,
    "memory of the browser's own process, MB": await memory([browser.pid]),
    'handles of all processes': handles.reduce((sum, one) => sum + one, 0),
    ...(first ? await files(first) : {}),
  };
}

/** Bytes that a tab holds once what is garbage is gone. */
async function weigh(tab: Tab): Promise<{ page: number; worker: number; wasm: number }> {
  return tab.session(async (session, page) => {
    const wasm = await Promise.all(
      page
        .workers()
        .map((worker) => worker.evaluate(() => globalThis.wasmMemory?.buffer.byteLength ?? 0)),
    );
    const workers = await workersOf(session);
    return {
      page: await heap((method) => session.send(method)),
      worker: (await Promise.all(workers.map(heap))).reduce((sum, bytes) => sum + bytes, 0),
      wasm: wasm.reduce((sum, bytes) => sum + bytes, 0),
    };
  });
}

type Send = (method: 'HeapProfiler.collectGarbage' | 'Runtime.getHeapUsage') => Promise<unknown>;

async function heap(send: Send): Promise<number> {
  await send('HeapProfiler.collectGarbage');
  return ((await send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize;
}

/** The page's workers, as the developer tools speak to them: by messages within messages. */
async function workersOf(session: CDPSession): Promise<Send[]> {
  const answers = new Map<string, (result: unknown) => void>();
  const sessions: string[] = [];
  let last = 0;
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') sessions.push(sessionId);
  });
  session.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
    const { id, result } = JSON.parse(message);
    answers.get(`${sessionId} ${id}`)?.(result);
  });
  // Those that there are, are told of before it answers.
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false });
  return sessions.map((sessionId) => (method) => {
    last += 1;
    const id = last;
    const answer = new Promise((resolve) => answers.set(`${sessionId} ${id}`, resolve));
    const message = JSON.stringify({ id, method });
    return session.send('Target.sendMessageToTarget', { sessionId, message }).then(() => answer);
  });
}

/** Sizes of the database's files, and the locks of the origin. */
function files(tab: Tab): Promise<Sample> {
  return tab.ask(async () => {
    const root = await navigator.storage.getDirectory();
    const parent = await root.getDirectoryHandle('conversation-store');
    const directory = await parent.getDirectoryHandle('soak');
    const size = async (name: string) => {
      const file = await (await directory.getFileHandle(name)).getFile();
      return file.size / 2 ** 20;
    };
    const names: string[] = [];
    for await (const name of directory.keys()) names.push(name);
    const { held = [], pending = [] } = await navigator.locks.query();
    return {
      'main.db, MB': await size('main.db'),
      'main.db-wal, MB': await size('main.db-wal'),
      'files of the database': names.length,
      'locks held and waited for': held.length + pending.length,
    };
  }, undefined);
}

/** The processes of the tabs: renderers, but for those of the browser's own pages. */
async function pages(context: BrowserContext): Promise<number[]> {
  const session = await context.browser()?.newBrowserCDPSession();
  const info = await session?.send('SystemInfo.getProcessInfo');
  await session?.detach();
  const renderers = (info?.processInfo ?? []).filter(({ type }) => type === 'renderer');
  const commands = await Promise.all(
    renderers.map(async ({ id }) => ({
      id,
      line: await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '--top-chrome-webui'),
    })),
  );
  const own = /--(top-chrome-webui|extension-process)/;
  return commands.filter(({ line }) => !own.test(line)).map(({ id }) => id);
}

/** The processes of a group. */
async function group(leader: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const members = await Promise.all(
    pids.map(async (pid) => {
      // One that has ended meanwhile is of no group.
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const [, , ofGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(ofGroup) === leader ? [pid] : [];
    }),
  );
  return members.flat();
}

/** Bytes of a process's memory that are nobody else's and in no file. */
async function anonymous(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

async function count(folder: string): Promise<number> {
  return (await readdir(folder).catch(() => [])).length;
}

/** How a figure went: the medians of the first and the last third after the warm-up, and the most. */
export interface Course {
  name: string;
  first: number;
  last: number;
  most: number;
  /** Growth from one to the other, as a share. */
  growth: number;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Of samples after the warm-up, in order. */
export function courses(samples: Sample[]): Course[] {
  const third = Math.ceil(samples.length / 3);
  return Object.keys(samples[0] ?? {}).map((name) => {
    const values = samples.map((one) => one[name] ?? 0);
    const first = median(values.slice(0, third));
    const last = median(values.slice(-third));
    return { name, first, last, most: Math.max(...values), growth: last / first - 1 };
  });
}
