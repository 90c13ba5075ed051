// Tells `open` where the bundler put the files that it could not find by itself.

import formats from 'conversation-store/conversation_formats_bg.wasm';
import wasm from 'conversation-store/conversation_store_bg.wasm';
import { show } from './app.js';

show({
  worker: () => new Worker(new URL('./store-worker.js', import.meta.url), { type: 'module' }),
  // A path relative to the bundle.
  wasm: new URL(wasm, import.meta.url),
  formatsWorker: () =>
    new Worker(new URL('./formats-worker.js', import.meta.url), { type: 'module' }),
  formats: new URL(formats, import.meta.url),
});
