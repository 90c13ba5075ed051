/**
 * Serves the built package to the browser tests, on loopback, with the strict policy of the README
 * on every response. `/` is an empty page; `/broken/...` answers as broken set-ups do.
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
  // Tells on a channel how often a file was flushed, when its name is asked for.
  'counts-flushes.js': 'import "/workers/counted.js"; import "/package/worker.js";',
  'counted.js': `
    let flushes = 0;
    const { flush } = FileSystemSyncAccessHandle.prototype;
    FileSystemSyncAccessHandle.prototype.flush = function () {
      flushes++;
      return flush.call(this);
    };
    const channel = new BroadcastChannel('flushes');
    channel.onmessage = ({ data }) => {
      if (data === 'how many') channel.postMessage(flushes);
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
};

function respond(response, status, type, body, csp = policy) {
  response.writeHead(status, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    ...(csp ? { 'Content-Security-Policy': csp } : {}),
  });
  response.end(body);
}

/** Who waits at the gate, and how often it was opened for nobody yet. */
const gate = { waiting: [], opened: 0 };

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const [, area, ...rest] = pathname.split('/');
  const name = rest.join('/');
  if (pathname === '/') return respond(response, 200, types.html, page);
  if (pathname === '/no-workers') {
    return respond(
      response,
      200,
      types.html,
      page,
      policy.replace("worker-src 'self'", "worker-src 'none'"),
    );
  }
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
  if (area === 'workers' && workers[name]) {
    return respond(response, 200, types.js, workers[name]);
  }
  if (area === 'wrong-type') return respond(response, 200, 'text/plain', 'export {}');
  if (area === 'spa') return respond(response, 200, types.html, page);
  if ((area === 'package' || area === 'no-wasm-eval') && !name.includes('..')) {
    try {
      const body = await readFile(dist + name);
      // A worker obeys the policy of its own response.
      const csp = area === 'no-wasm-eval' ? policy.replace(" 'wasm-unsafe-eval'", '') : policy;
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
