/** The worker of a store: its wasm module carries out the requests. Knows none of them. */

import { boot } from './boot.js';
import init, { serve } from './wasm/conversation_store.js';

boot(init, serve);
