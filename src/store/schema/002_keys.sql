-- Stable string ids, orders that come off an index, ids that are never given twice, and a way to
-- find what another program wrote without looking at every row.
ALTER TABLE conversations ADD COLUMN uid TEXT;
ALTER TABLE messages ADD COLUMN uid TEXT;

CREATE UNIQUE INDEX conversations_uid ON conversations(uid);
CREATE UNIQUE INDEX messages_uid ON messages(uid, conversation_id);

-- The lesson's index of this name reads equal times backwards; see current.sql.
DROP INDEX IF EXISTS idx_msg_conv_created;
CREATE INDEX idx_msg_conv_created ON messages(conversation_id, created_at, id);
CREATE INDEX conversations_updated ON conversations(updated_at, id);
CREATE INDEX conversations_brain_updated ON conversations(brain, updated_at, id);

CREATE INDEX conversations_unhealed ON conversations(id)
  WHERE uid IS NULL
     OR created_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]'
     OR updated_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]';
CREATE INDEX messages_unhealed ON messages(conversation_id, id)
  WHERE uid IS NULL
     OR created_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]';

CREATE TABLE store_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  lowest_writer INTEGER NOT NULL,
  last_conversation_id INTEGER NOT NULL DEFAULT 0,
  last_message_id INTEGER NOT NULL DEFAULT 0
);
INSERT INTO store_state (id, lowest_writer) VALUES (1, 2);

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

PRAGMA application_id = 1129534287;
