/**
 * @sqlite.org/sqlite-wasm, with a rollback journal. PERSIST: in the pool, to remove a journal is to write and flush a header.
 */

import { open as openSqlite } from './sqlite.js';

export const open = (options) => openSqlite('sqlite-rollback', 'persist', options);
