// The package's worker, with its wasm memory in sight, and the bytes that it writes to files counted: asked for on the
// channel 'counted'.

const { instantiate, instantiateStreaming } = WebAssembly;
const seen = (result) => {
  globalThis.wasmMemory = (result.instance ?? result).exports.memory;
  return result;
};
WebAssembly.instantiate = (...args) => instantiate(...args).then(seen);
WebAssembly.instantiateStreaming = (...args) => instantiateStreaming(...args).then(seen);

let written = 0;
const { write } = FileSystemSyncAccessHandle.prototype;
FileSystemSyncAccessHandle.prototype.write = function (buffer, options) {
  const bytes = write.call(this, buffer, options);
  written += bytes;
  return bytes;
};
const counted = new BroadcastChannel('counted');
counted.onmessage = () => counted.postMessage(written);

const messages = [];
globalThis.onmessage = (event) => messages.push(event);
await import('/package/worker.js');
for (const event of messages) globalThis.onmessage(event);
