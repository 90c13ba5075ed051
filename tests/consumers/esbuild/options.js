// Tells `open` where the bundler put the two files that it could not find by itself.

import wasm from 'conversation-store/conversation_store_bg.wasm';
import { show } from './app.js';

show({
  worker: () => new Worker(new URL('./store-worker.js', import.meta.url), { type: 'module' }),
  // A path relative to the bundle.
  wasm: new URL(wasm, import.meta.url),
});
