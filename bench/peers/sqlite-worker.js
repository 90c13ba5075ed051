/**
 * @sqlite.org/sqlite-wasm on its opfs-sahpool VFS, which its documentation calls the fastest of its OPFS ones; the
 * object API #1, statements prepared once and kept.
 */

import sqlite3InitModule from '@sqlite.org/sqlite-wasm';
import { serve } from './calls.js';
import { chats, pragmas, schema } from './sql.js';

let db;
let pool;
const prepared = new Map();

function run(sql, params) {
  let statement = prepared.get(sql);
  if (!statement) {
    statement = db.prepare(sql);
    prepared.set(sql, statement);
  }
  try {
    if (params) statement.bind(params);
    const rows = [];
    while (statement.step()) rows.push(statement.get([]));
    return rows;
  } finally {
    statement.reset();
  }
}

serve({
  ...chats(run),
  async open(name, { journal, durability }) {
    const sqlite3 = await sqlite3InitModule();
    pool = await sqlite3.installOpfsSAHPoolVfs({ directory: `/${name}` });
    db = new pool.OpfsSAHPoolDb('/chats.sqlite3');
    for (const sql of pragmas(journal, durability)) db.exec(sql);
    db.exec(schema);
    return db.selectValue('PRAGMA journal_mode');
  },
  close() {
    for (const statement of prepared.values()) statement.finalize();
    db.close();
    pool.pauseVfs();
  },
});
