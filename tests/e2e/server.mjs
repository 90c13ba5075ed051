/**
 * Serves the built package to the browser tests, on loopback, with the strict policy of the README
 * on every response. `/` is an empty page; `/broken/...` answers as broken set-ups do. With
 * STORAGE=indexeddb the package's worker finds no OPFS, so that all is done over IndexedDB.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const policy =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";

const types = { js: 'text/javascript', wasm: 'application/wasm', html: 'text/html' };
const page = '<!doctype html><meta charset="utf-8"><title>test</title>';

/** Worker scripts that misbehave, or work in an environment that lacks something, by name. */
const workers = {
  // Works as the package's does, and dies when it has answered getMessage.
  'dies.js': 'import "/workers/dying.js?after"; import "/package/worker.js";',
  // The same, without the answer.
  'dies-at-once.js': 'import "/workers/dying.js?before"; import "/package/worker.js";',
  'dying.js': `
    const deadly = new Set();
    addEventListener('message', ({ data }) => {
      if (data?.method === 'getMessage') deadly.add(data.id);
    });
    const post = globalThis.postMessage.bind(globalThis);
    globalThis.postMessage = (messages) => {
      const told = [messages].flat();
      const kills = ({ id }) => deadly.has(id);
      for (const it of told) if (!kills(it) || import.meta.url.endsWith('after')) post(it);
      if (told.some(kills)) setTimeout(() => { throw new Error('planted'); });
    };`,
  // Works as the package's does, then says so and hangs when it is told to.
  'hangs.js': `
    import '/package/worker.js';
    addEventListener('message', (event) => {
      if (event.data?.method !== 'getMessage') return;
      new BroadcastChannel('written').postMessage('hangs');
      for (;;);
    });`,
  // Works as the package's does, but hears nothing more from a getMessage on until the gate is opened.
  'gated.js': 'import "/workers/gate.js"; import "/package/worker.js";',
  'gate.js': `
    addEventListener('message', ({ data }) => {
      if (data?.method !== 'getMessage') return;
      const request = new XMLHttpRequest();
      request.open('GET', '/gate', false);
      request.send();
    });`,
  // Carries out what it is asked, but keeps the answers to messages that begin with 'T'.
  'mute.js': 'import "/workers/muted.js"; import "/package/worker.js";',
  'muted.js': `
    const kept = new Set();
    addEventListener('message', ({ data }) => {
      if (data?.params?.content?.startsWith?.('T') && !data.operation?.name) kept.add(data.id);
    });
    const post = globalThis.postMessage.bind(globalThis);
    globalThis.postMessage = (messages) => {
      for (const it of [messages].flat()) if (!kept.has(it.id)) post(it);
    };`,
  // Tells on a channel how often a file was flushed, or a transaction begun, when it is asked.
  'counts-flushes.js': 'import "/workers/counted.js"; import "/package/worker.js";',
  'counted.js': `
    let flushes = 0;
    const { flush } = FileSystemSyncAccessHandle.prototype;
    FileSystemSyncAccessHandle.prototype.flush = function () {
      flushes++;
      return flush.call(this);
    };
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...given) {
      if (given[1] === 'readwrite') flushes++;
      return transaction.apply(this, given);
    };
    const channel = new BroadcastChannel('flushes');
    channel.onmessage = ({ data }) => {
      if (data === 'how many') channel.postMessage(flushes);
    };`,
  // Keeps its files on a device of so many bytes, as it is told on a channel: `{ left, how }`. What does not
  // fit is refused as a quota does, or written short as a full disk does.
  'full.js': 'import "/workers/device.js"; import "/package/worker.js";',
  'device.js': `
    let left = Number.MAX_SAFE_INTEGER;
    let how = 'quota';
    let refusals = 0;
    const file = FileSystemSyncAccessHandle.prototype;
    const { write, truncate } = file;
    const refuse = () => {
      refusals++;
      if (how === 'quota') throw new DOMException('the device is full', 'QuotaExceededError');
    };
    file.write = function (bytes, { at }) {
      const more = Math.max(0, at + bytes.byteLength - this.getSize());
      if (more <= left) {
        left -= more;
        return write.call(this, bytes, { at });
      }
      refuse();
      const fits = Math.max(0, bytes.byteLength - more + left);
      left = Math.max(0, left - Math.max(0, at + fits - this.getSize()));
      return fits > 0 ? write.call(this, bytes.slice(0, fits), { at }) : 0;
    };
    file.truncate = function (size) {
      const more = size - this.getSize();
      if (more > left) {
        refusals++;
        throw new DOMException('the device is full', 'QuotaExceededError');
      }
      left -= more;
      truncate.call(this, size);
    };
    const { removeEntry } = FileSystemDirectoryHandle.prototype;
    FileSystemDirectoryHandle.prototype.removeEntry = async function (name, options) {
      const size = await this.getFileHandle(name).then(
        async (handle) => (await handle.getFile()).size,
        () => 0,
      );
      await removeEntry.call(this, name, options);
      left += size;
    };
    const channel = new BroadcastChannel('device');
    channel.onmessage = ({ data }) => {
      if ('left' in data) left = data.left;
      if (data.how) how = data.how;
      channel.postMessage({ refusals });
    };`,
  // Works as the package's does, with its memory in sight.
  'measured.js': 'import "/workers/measuring.js"; import "/package/worker.js";',
  'measuring.js': `
    for (const name of ['instantiate', 'instantiateStreaming']) {
      const instantiate = WebAssembly[name];
      WebAssembly[name] = async (...args) => {
        const result = await instantiate(...args);
        globalThis.wasmMemory = (result.instance ?? result).exports.memory;
        return result;
      };
    }`,
  // Works as the package's does, by a clock that is set on a channel, to so much later than it is.
  'clocked.js': 'import "/workers/clock.js"; import "/package/worker.js";',
  'clock.js': `
    const now = Date.now;
    let later = 0;
    Date.now = () => now() + later;
    const channel = new BroadcastChannel('clock');
    channel.onmessage = ({ data }) => {
      if (typeof data !== 'number') return;
      later = data;
      channel.postMessage('set');
    };`,
  'silent.js': 'onmessage = () => {};',
  'throws.js': 'throw new Error("planted");',
  'lacks.js': 'delete globalThis[new URL(import.meta.url).searchParams.get("it")];',
  'no-wasm.js': 'import "/workers/lacks.js?it=WebAssembly"; import "/package/worker.js";',
  'no-opfs.js': 'import "/workers/lacks-opfs.js"; import "/package/worker.js";',
  'lacks-opfs.js': 'delete StorageManager.prototype.getDirectory;',
  'no-sync.js': 'import "/workers/lacks-sync.js"; import "/package/worker.js";',
  'lacks-sync.js': 'delete FileSystemFileHandle.prototype.createSyncAccessHandle;',
  // OPFS is there, and refuses: as it does at times in private windows, and after a browser's crash.
  'opfs-fails.js': 'import "/workers/failing-opfs.js"; import "/package/worker.js";',
  'failing-opfs.js': `
    FileSystemFileHandle.prototype.createSyncAccessHandle = async () => {
      throw new DOMException('planted', 'UnknownError');
    };`,
  'no-idb.js': 'import "/workers/lacks-idb.js"; import "/package/worker.js";',
  'lacks-idb.js': 'Object.defineProperty(globalThis, "indexedDB", { value: undefined });',
  'idb-fails.js': 'import "/workers/failing-idb.js"; import "/package/worker.js";',
  'failing-idb.js': `
    IDBFactory.prototype.open = () => { throw new DOMException('planted', 'SecurityError'); };`,
  'no-storage.js': `
    import "/workers/lacks-idb.js"; import "/workers/lacks-opfs.js"; import "/package/worker.js";`,
  // Has no OPFS, and does to the next transaction that keeps changes what it is told on a channel.
  'plants.js': `
    import "/workers/lacks-opfs.js"; import "/workers/planting.js"; import "/package/worker.js";`,
  'planting.js': `
    const first = new URL(location.href).searchParams.get('kind');
    let planted = first ? { kind: first, times: 1e9 } : undefined;
    const channel = new BroadcastChannel('plant');
    channel.onmessage = ({ data }) => {
      planted = data;
      channel.postMessage('planted');
    };
    const { add } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.add = function (...given) {
      const { transaction } = this;
      if (this.name === 'commits' && planted) {
        const { kind, times = 1 } = planted;
        planted = times > 1 ? { kind, times: times - 1 } : undefined;
        if (kind === 'quota') throw new DOMException('planted', 'QuotaExceededError');
        if (kind === 'data') throw new DOMException('planted', 'DataCloneError');
        // When all of it was asked for, before it is complete.
        if (kind === 'abort') queueMicrotask(() => transaction.abort());
        if (kind === 'close') {
          // As a browser does when its storage fails: what is under way is aborted, then it is told.
          queueMicrotask(() => {
            transaction.abort();
            transaction.db.dispatchEvent(new Event('close'));
          });
        }
        if (kind === 'hang') {
          channel.postMessage('hangs');
          for (;;);
        }
      }
      return add.apply(this, given);
    };`,
  // Stops for good before the step of that number, counted over all that changes something in a storage.
  'stops.js': 'import "/workers/stopping.js"; import "/package/worker.js";',
  'stopping.js': `
    const channel = new BroadcastChannel('steps');
    const steps = [];
    const last = Number(new URL(location.href).searchParams.get('before'));
    const count = (type, ...methods) => {
      for (const method of methods) {
        const real = type.prototype[method];
        type.prototype[method] = function (...given) {
          steps.push(type.name + '.' + method);
          if (steps.length === last) {
            channel.postMessage(steps);
            for (;;);
          }
          return real.apply(this, given);
        };
      }
    };
    count(FileSystemSyncAccessHandle, 'write', 'truncate', 'flush', 'close');
    count(FileSystemDirectoryHandle, 'getFileHandle', 'getDirectoryHandle', 'removeEntry');
    count(IDBFactory, 'open', 'deleteDatabase');
    count(IDBObjectStore, 'put', 'add', 'delete');
    count(IDBDatabase, 'close');`,
};

function respond(response, status, type, body, csp = policy) {
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    ...(csp ? { 'Content-Security-Policy': csp } : {}),
  });
  response.end(body);
}

const withoutWasm = policy.replace(" 'wasm-unsafe-eval'", '');

/** The policy of each page. */
const pages = {
  '/': policy,
  '/no-workers': policy.replace("worker-src 'self'", "worker-src 'none'"),
  '/no-wasm': withoutWasm,
};

/** Who waits at the gate, and how often it was opened for nobody yet. */
const gate = { waiting: [], opened: 0 };

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const [, area, ...rest] = pathname.split('/');
  const name = rest.join('/');
  if (pages[pathname]) return respond(response, 200, types.html, page, pages[pathname]);
  if (pathname === '/clear') {
    response.setHeader('Clear-Site-Data', '"storage"');
    return respond(response, 200, types.html, page);
  }
  if (area === 'gate') {
    const pass = () => respond(response, 200, 'text/plain', '');
    if (name === 'open') {
      const next = gate.waiting.shift();
      if (next) next();
      else gate.opened++;
      return pass();
    }
    if (gate.opened > 0) {
      gate.opened--;
      return pass();
    }
    gate.waiting.push(pass);
    return;
  }
  if (process.env.STORAGE === 'indexeddb' && pathname === '/package/worker.js') {
    const script = 'import "/workers/lacks-opfs.js"; import "/package/whole-worker.js";';
    return respond(response, 200, types.js, script);
  }
  if (area === 'workers' && workers[name]) {
    return respond(response, 200, types.js, workers[name]);
  }
  if (area === 'wrong-type') return respond(response, 200, 'text/plain', 'export {}');
  if (area === 'spa') return respond(response, 200, types.html, page);
  if ((area === 'package' || area === 'no-wasm-eval') && !name.includes('..')) {
    try {
      const body = await readFile(dist + name.replace('whole-', ''));
      // A worker obeys the policy of its own response.
      const csp = area === 'no-wasm-eval' ? withoutWasm : policy;
      return respond(response, 200, types[name.split('.').at(-1)] ?? 'text/plain', body, csp);
    } catch {
      // Not there: 404, below.
    }
  }
  respond(response, 404, 'text/plain', 'not found');
});

server.listen(Number(process.env.PORT ?? 41741), '127.0.0.1', () => {
  console.log('the package is served');
});
