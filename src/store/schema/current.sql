-- The schema as the migrations leave it, to be read. Nothing executes this file but the test that
-- holds it against the migrated result (tests/schema.rs). Written for stock SQLite 3.40: the
-- lesson's Python class and the sqlite3 command read and write the same file.
--
-- application_id = 1129534287 ('CSSO'), user_version = 3 (the number of migrations).
-- Times are TEXT 'YYYY-MM-DD HH:MM:SS.mmm' in UTC. The other program writes whole seconds
-- (datetime('now')); healing brings them to this form when the file is next opened.

-- A chat. id, title, brain, created_at, updated_at are the lesson's.
CREATE TABLE conversations (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  brain TEXT NOT NULL DEFAULT 'claude',                    -- who answers: free text
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  updated_at TEXT NOT NULL DEFAULT (datetime('now')),      -- moves when a message is added
  uid TEXT                                                 -- stable across files; NULL: written by the other program, not healed yet
);
CREATE UNIQUE INDEX conversations_uid ON conversations(uid);

-- Lists, newest first: all, and those of one brain.
CREATE INDEX conversations_updated ON conversations(updated_at, id);
CREATE INDEX conversations_brain_updated ON conversations(brain, updated_at, id);

-- What a person or a brain said. id, conversation_id, role, content, created_at are the lesson's.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('user','assistant','system')),
  content TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (datetime('now')),
  uid TEXT
);
CREATE UNIQUE INDEX messages_uid ON messages(uid, conversation_id);

-- The order of a chat, read in both directions. The lesson's index of this name was
-- (conversation_id, created_at DESC): its rows of one second came back in reverse.
CREATE INDEX idx_msg_conv_created ON messages(conversation_id, created_at, id);

-- Empty in a healed file, so that "is there anything to heal?" costs one look at an empty index.
CREATE INDEX conversations_unhealed ON conversations(id)
  WHERE uid IS NULL
     OR created_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]'
     OR updated_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]';
CREATE INDEX messages_unhealed ON messages(conversation_id, id)
  WHERE uid IS NULL
     OR created_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]';

-- One row about the file itself.
CREATE TABLE store_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lowest_writer INTEGER NOT NULL,                     -- the lowest schema version that may write this file
  last_conversation_id INTEGER NOT NULL DEFAULT 0,    -- the highest id a deleted row had: ids are
  last_message_id INTEGER NOT NULL DEFAULT 0          -- never given twice
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
