/**
 * What RESULTS.md says of how each contestant is used and what each measure is: kept beside the adapters, to be changed with them.
 */

export const notes = ({
  bytes,
  part,
  long,
}) => `Everybody gets the same texts in the same order and the same pages, served from loopback with the headers that sqlocal needs; scripts are
bundled by one esbuild with one set of options, and the browser may cache them, with compiled code, as it may those of a host of
hashed files. A contestant's page is the only one while it is measured; contestants take turns, in another order each round.

Durability: strict is a write that has been flushed (\`flush\` of the access handle, IndexedDB's \`durability: 'strict'\`) before its promise
resolves; relaxed is one that outlives the page and its process, but perhaps not a power failure, which never damages the database.

| contestant | used how |
| --- | --- |
| ours | this package's public class, bundled as README has it for esbuild; keeps trees, uids, statuses and a record of each operation beside the lesson's two tables |
| floor | a worker and one OPFS access handle: one write of the bytes that ours writes for the same call (${bytes.addMessage} for addMessage, ${bytes.append} for an append, counted in the run, checkpoints included), one flush if strict, one message a call. For reads one read of the bytes of the rows as JSON. "Write of the text alone" is a write of 450 bytes |
| indexeddb | through \`idb\`; messages under \`[conversation, number]\`, one transaction a call with explicit \`commit()\`, \`getAll\` with \`direction: 'prev'\`; no full-text index |
| sqlite-wal, sqlite-rollback | \`@sqlite.org/sqlite-wasm\`, opfs-sahpool, in a worker; object API #1, statements prepared once, one message a call, \`locking_mode=EXCLUSIVE\`; \`journal_mode=WAL\` or \`PERSIST\`; \`synchronous=FULL\` or, relaxed, \`NORMAL\` (which in rollback mode still flushes: \`OFF\` may damage the database) |
| wa-sqlite | \`@journeyapps/wa-sqlite\`, the maintained fork; synchronous build, AccessHandlePoolVFS, otherwise as sqlite-wal |
| sqlocal | its own client and worker; \`batch\` for writes of several statements; the same pragmas as sqlite-wal by \`onInit\`; it prepares statements at each call. With a rollback journal its imports took two thirds of the time and its single writes twice as long |
| pglite | \`opfs-ahp\` in a worker, one message a call and one statement a call; \`COPY\` for imports; \`relaxedDurability\` where relaxed; pg_trgm. Of its file systems this one writes as fast as memfs2opfs and opens six times as fast |

The SQL peers have the lesson's schema, the indexes of ours that the calls need, and an index of the texts that finds inside words: FTS5's
trigram with external content and triggers, pg_trgm's GIN. SQLite's peers search by \`MATCH … ORDER BY rank\`, PGlite by \`ILIKE\`, newest first. Trigrams
have nothing for two characters; there SQLite's peers scan, newest first, and stop at 20. Hits carry the text, ours a snippet.

- **import**: ${part} conversations of 100 messages in one call, one transaction, strict, onto what is there: onto ${long}, then as many more each time; so its
  rounds are the filling of the database. "Searchable" stops the clock when a search has found the last message.
- **100 addMessage at once**: all called before one is awaited, each a transaction of its own with an answer of its own.
- **append**: a word added to the end of a message. The peers' update of the text updates its index too; ours indexes when the stream ends.
- **delete**: a conversation of 100 messages, by itself, with what the index has of it; PGlite leaves its rows and what the index has of them to a later vacuum.
- **cold open**: from the navigation of a new page to 50 rows of the list in its hands; the store was closed properly before.
- **memory**: private memory of the page's process from \`/proc/…/smaps_rollup\`, after a garbage collection of the page: heaps, wasm and compiled code of the
  page and its workers. The floor is what an empty page and its worker have.
- **After each turn the page is closed**, without \`close()\` in strict, and loaded again: count and SHA-256 of what was written must be what was sent; after the last round
  so must those of every conversation. Any difference ends the run without results.`;
