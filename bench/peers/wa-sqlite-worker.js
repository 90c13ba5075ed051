/**
 * wa-sqlite on AccessHandlePoolVFS with its synchronous build, which its documentation calls the fastest; statements
 * prepared once and kept.
 */

import * as SQLite from '@journeyapps/wa-sqlite';
import factory from '@journeyapps/wa-sqlite/dist/wa-sqlite.mjs';
import { AccessHandlePoolVFS } from '@journeyapps/wa-sqlite/src/examples/AccessHandlePoolVFS.js';
import { serve } from './calls.js';
import { chats, pragmas, schema } from './sql.js';

let sqlite3;
let db;
let vfs;
const prepared = new Map();

async function run(sql, params) {
  let statement = prepared.get(sql);
  if (!statement) {
    // Kept beyond the loop that gives it, which is what `unscoped` is for.
    for await (const first of sqlite3.statements(db, sql, { unscoped: true })) {
      statement = first;
      break;
    }
    prepared.set(sql, statement);
  }
  try {
    if (params) sqlite3.bind_collection(statement, params);
    const rows = [];
    while ((await sqlite3.step(statement)) === SQLite.SQLITE_ROW) rows.push(sqlite3.row(statement));
    return rows;
  } finally {
    await sqlite3.reset(statement);
  }
}

serve({
  ...chats(run),
  async open(name, { journal, durability }) {
    const module = await factory();
    sqlite3 = SQLite.Factory(module);
    vfs = await AccessHandlePoolVFS.create(name, module);
    sqlite3.vfs_register(vfs, true);
    db = await sqlite3.open_v2('chats.sqlite3');
    for (const sql of pragmas(journal, durability)) await sqlite3.exec(db, sql);
    await sqlite3.exec(db, schema);
    return (await run('PRAGMA journal_mode'))[0][0];
  },
  async close() {
    for (const statement of prepared.values()) await sqlite3.finalize(statement);
    await sqlite3.close(db);
    await vfs.close();
  },
});
