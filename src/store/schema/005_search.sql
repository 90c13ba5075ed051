-- Search: an index of our own (src/search), in tables that stock SQLite keeps as they are. It holds the
-- messages up to the id `indexed`, but for the pending ones, which triggers note here whoever wrote
-- them; what is above is not in it yet. Those are searched by looking at their text.

ALTER TABLE store_state ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store_state ADD COLUMN segments INTEGER NOT NULL DEFAULT 0;

CREATE TABLE search_pending (message_id INTEGER PRIMARY KEY);
CREATE TABLE search_segments (
  id INTEGER PRIMARY KEY,
  head BLOB NOT NULL,
  gone BLOB NOT NULL
);
CREATE TABLE search_pieces (
  id INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);

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
