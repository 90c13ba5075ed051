/** @sqlite.org/sqlite-wasm, with a write-ahead log. */

import { open as openSqlite } from './sqlite.js';

export const open = (options) => openSqlite('sqlite-wal', 'wal', options);
