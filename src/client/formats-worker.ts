/**
 * The worker of an import or export. A script of its own: what a page fetches to use a store is not
 * to hold it.
 */

import { boot } from './boot.js';
import { serveFormats } from './formats.js';
import init from './wasm/conversation_formats.js';

boot(init, serveFormats);
