// The package's worker, with its wasm memory in sight.

const { instantiate, instantiateStreaming } = WebAssembly;
const seen = (result) => {
  globalThis.wasmMemory = (result.instance ?? result).exports.memory;
  return result;
};
WebAssembly.instantiate = (...args) => instantiate(...args).then(seen);
WebAssembly.instantiateStreaming = (...args) => instantiateStreaming(...args).then(seen);
const messages = [];
globalThis.onmessage = (event) => messages.push(event);
await import('/package/worker.js');
for (const event of messages) globalThis.onmessage(event);
