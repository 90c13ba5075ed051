-- The schema as the migrations leave it, to be read. Nothing executes this file but the test that
-- holds it against the migrated result (tests/schema.rs). Written for stock SQLite 3.40: the
-- lesson's Python class and the sqlite3 command read and write the same file.
--
-- application_id = 1129534287 ('CSSO'), user_version = 5 (the number of migrations).
-- Times are TEXT 'YYYY-MM-DD HH:MM:SS.mmm' in UTC. The other program writes whole seconds
-- (datetime('now')); healing brings them to this form when the file is next opened.

-- A chat. id, title, brain, created_at, updated_at are the lesson's.
CREATE TABLE conversations (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  brain TEXT NOT NULL DEFAULT 'claude',                    -- who answers: free text
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  updated_at TEXT NOT NULL DEFAULT (datetime('now')),      -- moves when a message is added, edited or ends streaming
  uid TEXT,                                                -- stable across files; NULL: written by the other program, not healed yet
  pinned INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0,
  trashed_at TEXT,
  tags TEXT,                                               -- JSON array of strings; NULL: none
  metadata TEXT,                                           -- JSON, the app's
  source TEXT,                                             -- JSON, where an import had it from
  head_id INTEGER,                                         -- the last message of the path that is shown
  head_uid TEXT,
  message_count INTEGER NOT NULL DEFAULT 0,                -- of all branches
  imported INTEGER,                                        -- fingerprint of what was imported: another now means edited here
  imported_head TEXT,                                      -- uid of the head that was imported
  revision INTEGER                                         -- grows with each change of ours; NULL: another program's
);
CREATE UNIQUE INDEX conversations_uid ON conversations(uid);

-- Lists, newest first: all, and those of one brain.
CREATE INDEX conversations_updated ON conversations(updated_at, id);
CREATE INDEX conversations_brain_updated ON conversations(brain, updated_at, id);
CREATE INDEX conversations_trashed ON conversations(trashed_at) WHERE trashed_at IS NOT NULL;

-- What a person or a brain said. id, conversation_id, role, content, created_at are the lesson's.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('user','assistant','system')),
  content TEXT NOT NULL,             -- the text of the text parts, joined by a blank line
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  uid TEXT,                          -- unique in its conversation
  parent_id INTEGER,                 -- NULL: a first message. No foreign key: a cascade down a long chat
                                     -- would be as deep as the chat is long
  depth INTEGER,                     -- above its parent's; gaps are fine; NULL: not linked yet
  on_path INTEGER,                   -- 1: from the head upwards
  parts TEXT,                        -- JSON; NULL: one text part of content, or none
  status TEXT,                       -- NULL: complete
  model TEXT,
  usage TEXT,                        -- JSON, as all that follow but finish_reason
  finish_reason TEXT,
  error TEXT,
  metadata TEXT,
  source TEXT,
  imported INTEGER,                  -- as of a conversation
  revision INTEGER                   -- as of a conversation
);
CREATE UNIQUE INDEX messages_uid ON messages(uid, conversation_id);

-- The lesson's index. Its own of this name was (conversation_id, created_at DESC): its rows of one
-- second came back in reverse.
CREATE INDEX idx_msg_conv_created ON messages(conversation_id, created_at, id);

-- A page of the path, or of all branches, is a range of this.
CREATE INDEX messages_tree ON messages(conversation_id, depth, on_path);
-- Children off the path; empty where nothing was edited or answered twice.
CREATE INDEX messages_branches ON messages(conversation_id, parent_id) WHERE on_path = 0;
CREATE INDEX messages_streaming ON messages(conversation_id) WHERE status = 'streaming';

-- Empty in a healed file, so that "is there anything to heal?" costs one look at an empty index.
CREATE INDEX conversations_unhealed ON conversations(id)
  WHERE revision IS NULL
     OR created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', created_at)
     OR updated_at IS NOT strftime('%Y-%m-%d %H:%M:%f', updated_at);
CREATE INDEX messages_unhealed ON messages(conversation_id, id)
  WHERE revision IS NULL OR created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', created_at);

-- Text that grows, beside its message until it is folded in: a row that grows is written whole.
CREATE TABLE growth (
  message_id INTEGER NOT NULL,
  start INTEGER NOT NULL,            -- where it stands in the content, in UTF-16 units
  text TEXT NOT NULL,
  PRIMARY KEY (message_id, start)
) WITHOUT ROWID;
-- The messages that grow: what an append must know, without reading the text.
CREATE TABLE growing (
  message_id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL,
  conversation_uid TEXT NOT NULL,
  uid TEXT NOT NULL,
  writer TEXT,                       -- the tab that streams it
  length INTEGER NOT NULL,           -- of what is folded in, in UTF-16 units
  is_new_part INTEGER NOT NULL,      -- what grows is a part of its own ...
  has_gap INTEGER NOT NULL           -- ... with a blank line before it in content
);

-- Attachments, by the SHA-256 of their bytes.
CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  complete INTEGER NOT NULL,
  unreferenced_at TEXT               -- since when nothing names it; it goes a day later
);
CREATE TABLE blob_pieces (
  id INTEGER PRIMARY KEY,            -- the attachment's x 2^20 + the piece's number
  data BLOB NOT NULL                 -- 256 KB, the last one less
);
-- Who names which: a message, or (message_id 0) its conversation.
CREATE TABLE blob_refs (
  hash TEXT NOT NULL,
  conversation_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  PRIMARY KEY (hash, conversation_id, message_id)
) WITHOUT ROWID;
CREATE INDEX blob_refs_of ON blob_refs(conversation_id, message_id);

-- Messages that were imported and deleted here: the next import does not bring them back.
CREATE TABLE deleted_imports (
  conversation_id INTEGER NOT NULL,
  uid TEXT NOT NULL,
  PRIMARY KEY (conversation_id, uid)
) WITHOUT ROWID;

-- What another program changes is marked by revision NULL, and what is kept beside a message goes with
-- it, also where foreign keys are off.
CREATE TRIGGER messages_edited
  AFTER UPDATE OF conversation_id, role, content, created_at, uid, parent_id, depth, on_path, parts ON messages
  WHEN new.revision IS old.revision
BEGIN
  UPDATE messages SET revision = NULL WHERE id = new.id;
END;
CREATE TRIGGER conversations_edited
  AFTER UPDATE OF created_at, uid, head_id, head_uid, message_count, tags, metadata ON conversations
  WHEN new.revision IS old.revision
BEGIN
  UPDATE conversations SET revision = NULL WHERE id = new.id;
END;
CREATE TRIGGER messages_deleted AFTER DELETE ON messages
BEGIN
  UPDATE conversations SET revision = NULL WHERE id = old.conversation_id;
  DELETE FROM growth WHERE message_id = old.id;
  DELETE FROM growing WHERE message_id = old.id;
  DELETE FROM blob_refs WHERE conversation_id = old.conversation_id AND message_id = old.id;
END;
CREATE TRIGGER conversations_deleted AFTER DELETE ON conversations
BEGIN
  UPDATE messages SET revision = NULL WHERE conversation_id = old.id;
  DELETE FROM blob_refs WHERE conversation_id = old.id AND message_id = 0;
  DELETE FROM deleted_imports WHERE conversation_id = old.id;
END;

-- One row about the file itself.
CREATE TABLE store_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lowest_writer INTEGER NOT NULL,                     -- the lowest schema version that may write this file
  last_conversation_id INTEGER NOT NULL DEFAULT 0,    -- the highest id a deleted row had: ids are
  last_message_id INTEGER NOT NULL DEFAULT 0,         -- never given twice
  indexed INTEGER NOT NULL DEFAULT 0,                 -- the highest id of a message that search has looked at
  segments INTEGER NOT NULL DEFAULT 0                 -- a checksum of which segments there are
);
CREATE TRIGGER conversations_id_spent AFTER DELETE ON conversations
  WHEN old.id > (SELECT last_conversation_id FROM store_state)
BEGIN
  UPDATE store_state SET last_conversation_id = old.id;
END;
CREATE TRIGGER messages_id_spent AFTER DELETE ON messages
  WHEN old.id > (SELECT last_message_id FROM store_state)
BEGIN
  UPDATE store_state SET last_message_id = old.id;
END;

-- What tabs have asked for and may ask for again: a record stands in the transaction of its effect,
-- and goes when its tab has the answer, or is gone. None is in a backup.
CREATE TABLE operations (
  tab TEXT NOT NULL,                 -- a UUID
  number INTEGER NOT NULL,           -- the tab's count
  done INTEGER NOT NULL,             -- the tab has the answers up to this number
  fingerprint INTEGER NOT NULL,      -- of the method and its arguments
  result TEXT NOT NULL,              -- what the first call resolved to
  PRIMARY KEY (tab, number)
) WITHOUT ROWID;

-- The same under ids that callers gave: kept for a day, but always the last 10,000, and never more
-- than 100,000.
CREATE TABLE named_operations (
  id INTEGER PRIMARY KEY,            -- in order
  operation TEXT NOT NULL UNIQUE,
  fingerprint INTEGER NOT NULL,
  result TEXT NOT NULL,
  at TEXT NOT NULL
);

-- Search: the index that src/search describes, of the messages up to store_state.indexed. It is in no
-- backup, and is made anew from the messages wherever it is missing or damaged.
CREATE TABLE search_segments (
  id INTEGER PRIMARY KEY,
  head BLOB NOT NULL,                -- what must be known before its pieces are read
  gone BLOB NOT NULL                 -- ids of its messages that are not to be found in it any more
);
CREATE TABLE search_pieces (
  id INTEGER PRIMARY KEY,            -- the segment's x 2^32 + the kind's x 2^28 + the piece's number
  data BLOB NOT NULL                 -- about 32 KB
);
-- Messages up to `indexed` of which the index does not say what they are: changed, deleted, or come
-- later than their id, by whichever program.
CREATE TABLE search_pending (message_id INTEGER PRIMARY KEY);
CREATE TRIGGER messages_search_inserted AFTER INSERT ON messages
  WHEN new.id <= (SELECT indexed FROM store_state)
BEGIN
  INSERT INTO search_pending SELECT new.id
    WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE message_id = new.id);
END;
CREATE TRIGGER messages_search_changed
  AFTER UPDATE OF id, conversation_id, role, content, created_at ON messages
  WHEN min(old.id, new.id) <= (SELECT indexed FROM store_state)
    AND (old.id, old.conversation_id, old.role, old.content, old.created_at)
      IS NOT (new.id, new.conversation_id, new.role, new.content, new.created_at)
BEGIN
  INSERT INTO search_pending SELECT new.id
    WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE message_id = new.id);
  INSERT INTO search_pending SELECT old.id
    WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE message_id = old.id);
END;
CREATE TRIGGER messages_search_deleted AFTER DELETE ON messages
  WHEN old.id <= (SELECT indexed FROM store_state)
BEGIN
  INSERT INTO search_pending SELECT old.id
    WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE message_id = old.id);
END;
