-- Chats as chat apps keep them: parts and status, a tree of messages, trash and tags, text that
-- grows, attachments; see current.sql. A row that any other program inserts or edits is left with
-- revision NULL, which is how healing finds it.
ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN trashed_at TEXT;
ALTER TABLE conversations ADD COLUMN tags TEXT;
ALTER TABLE conversations ADD COLUMN metadata TEXT;
ALTER TABLE conversations ADD COLUMN source TEXT;
ALTER TABLE conversations ADD COLUMN head_id INTEGER;
ALTER TABLE conversations ADD COLUMN head_uid TEXT;
ALTER TABLE conversations ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN imported INTEGER;
ALTER TABLE conversations ADD COLUMN imported_head TEXT;
ALTER TABLE conversations ADD COLUMN revision INTEGER;

ALTER TABLE messages ADD COLUMN parent_id INTEGER;
ALTER TABLE messages ADD COLUMN depth INTEGER;
ALTER TABLE messages ADD COLUMN on_path INTEGER;
ALTER TABLE messages ADD COLUMN parts TEXT;
ALTER TABLE messages ADD COLUMN status TEXT;
ALTER TABLE messages ADD COLUMN model TEXT;
ALTER TABLE messages ADD COLUMN usage TEXT;
ALTER TABLE messages ADD COLUMN finish_reason TEXT;
ALTER TABLE messages ADD COLUMN error TEXT;
ALTER TABLE messages ADD COLUMN metadata TEXT;
ALTER TABLE messages ADD COLUMN source TEXT;
ALTER TABLE messages ADD COLUMN imported INTEGER;
ALTER TABLE messages ADD COLUMN revision INTEGER;

-- What was there is one chain for each conversation, in the order it had.
UPDATE messages SET parent_id = chain.parent, depth = chain.place, on_path = 1, revision = 1
  FROM (SELECT id, lag(id) OVER chat AS parent, row_number() OVER chat AS place FROM messages
        WHERE uid IS NOT NULL
        WINDOW chat AS (PARTITION BY conversation_id ORDER BY created_at, id)) AS chain
  WHERE chain.id = messages.id;
UPDATE conversations SET head_id = last.id, head_uid = last.uid, message_count = last.place
  FROM (SELECT conversation_id, id, uid, max(depth) AS place FROM messages
        WHERE depth IS NOT NULL GROUP BY conversation_id) AS last
  WHERE last.conversation_id = conversations.id;
UPDATE conversations SET revision = 1 WHERE uid IS NOT NULL;

CREATE INDEX messages_tree ON messages(conversation_id, depth, on_path);
CREATE INDEX messages_branches ON messages(conversation_id, parent_id) WHERE on_path = 0;
CREATE INDEX messages_streaming ON messages(conversation_id) WHERE status = 'streaming';
CREATE INDEX conversations_trashed ON conversations(trashed_at) WHERE trashed_at IS NOT NULL;

DROP INDEX conversations_unhealed;
DROP INDEX messages_unhealed;
CREATE INDEX conversations_unhealed ON conversations(id)
  WHERE revision IS NULL
     OR created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', created_at)
     OR updated_at IS NOT strftime('%Y-%m-%d %H:%M:%f', updated_at);
CREATE INDEX messages_unhealed ON messages(conversation_id, id)
  WHERE revision IS NULL OR created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', created_at);

CREATE TABLE growth (
  message_id INTEGER NOT NULL,
  start INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (message_id, start)
) WITHOUT ROWID;
CREATE TABLE growing (
  message_id INTEGER PRIMARY KEY,
  conversation_id INTEGER NOT NULL,
  conversation_uid TEXT NOT NULL,
  uid TEXT NOT NULL,
  writer TEXT,
  length INTEGER NOT NULL,
  is_new_part INTEGER NOT NULL,
  has_gap INTEGER NOT NULL
);

CREATE TABLE blobs (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  complete INTEGER NOT NULL,
  unreferenced_at TEXT
);
CREATE TABLE blob_pieces (
  id INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);
CREATE TABLE blob_refs (
  hash TEXT NOT NULL,
  conversation_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  PRIMARY KEY (hash, conversation_id, message_id)
) WITHOUT ROWID;
CREATE INDEX blob_refs_of ON blob_refs(conversation_id, message_id);

CREATE TABLE deleted_imports (
  conversation_id INTEGER NOT NULL,
  uid TEXT NOT NULL,
  PRIMARY KEY (conversation_id, uid)
) WITHOUT ROWID;

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
