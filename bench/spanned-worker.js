// The package's worker with its work in sight: it counts and times its tasks, the calls of OPFS and the
// messages it posts, and tells them to whoever sends it a port as `{ spans: port }`.

const spans = { tasks: 0, busy: 0, posts: 0, posting: 0, files: {} };

/** Times what is not within another: what a task calls is its own. */
let depth = 0;
function timed(work, note) {
  return function (...args) {
    const started = performance.now();
    try {
      depth += 1;
      return work.apply(this, args);
    } finally {
      depth -= 1;
      note(performance.now() - started);
    }
  };
}
const task = (work) =>
  timed(work, (ms) => {
    spans.tasks += 1;
    if (depth === 0) spans.busy += ms;
  });

const names = new WeakMap();
const { createSyncAccessHandle } = FileSystemFileHandle.prototype;
FileSystemFileHandle.prototype.createSyncAccessHandle = async function () {
  const handle = await createSyncAccessHandle.call(this);
  names.set(handle, this.name);
  return handle;
};
for (const kind of ['read', 'write', 'flush', 'truncate']) {
  const work = FileSystemSyncAccessHandle.prototype[kind];
  FileSystemSyncAccessHandle.prototype[kind] = function (...args) {
    const started = performance.now();
    const result = work.apply(this, args);
    const name = `${kind} of ${names.get(this)}`;
    spans.files[name] ??= { calls: 0, bytes: 0, ms: 0 };
    spans.files[name].calls += 1;
    spans.files[name].bytes += result ?? 0;
    spans.files[name].ms += performance.now() - started;
    return result;
  };
}

globalThis.postMessage = timed(globalThis.postMessage.bind(globalThis), (ms) => {
  spans.posts += 1;
  spans.posting += ms;
  // After a task, before the next one.
  if (depth === 0) spans.busy += ms;
});
const { setTimeout } = globalThis;
globalThis.setTimeout = (work, ...args) => setTimeout(task(work), ...args);
const port = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
Object.defineProperty(MessagePort.prototype, 'onmessage', {
  ...port,
  set(work) {
    port.set.call(this, work && task(work));
  },
});

let serve;
const waiting = [];
Object.defineProperty(globalThis, 'onmessage', {
  set(work) {
    serve = task(work);
    for (const event of waiting.splice(0)) serve(event);
  },
});
addEventListener('message', (event) => {
  if (event.data.spans) event.data.spans.postMessage(spans);
  else if (serve) serve(event);
  else waiting.push(event);
});
await import('/package/worker.js');
