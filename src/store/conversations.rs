//! Conversations: create, list, read, change, put away, delete.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::engine::Ask;
use super::{Store, Writing, blobs, body, engine, indexing, tree};
use crate::error::{Result, StoreError};
use crate::model::{
    ChangeOp, Conversation, ConversationKey, ConversationPatch, ConversationQuery, DEFAULT_BRAIN,
    DEFAULT_LIMIT, MAX_SAFE_INTEGER, NewConversation, Whether, check_brain, check_title, check_uid,
    tags_json,
};
use crate::time::Timestamp;

const COLUMNS: &str = "id, uid, title, brain, created_at, updated_at, pinned, archived, trashed_at, \
                       tags, metadata, head_id, head_uid, message_count";

/// A conversation's keys, and the end of its path.
#[derive(Clone, Debug)]
pub(super) struct Chat {
    pub id: i64,
    pub uid: String,
    pub head: Option<i64>,
    pub head_uid: Option<String>,
    pub created_at: Timestamp,
}

impl Store {
    /// Makes a conversation and returns its id. Of a known uid the row there is stands.
    ///
    /// # Errors
    /// `invalid-argument` for a field out of bounds.
    pub fn create_conversation(
        &mut self,
        title: &str,
        brain: Option<&str>,
        extra: &NewConversation,
    ) -> Result<i64> {
        self.write(|writing| Ok(create(writing, title, brain, extra)?.id))
    }

    /// Conversations by (updated_at, id), newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn list_conversations(&self, query: &ConversationQuery) -> Result<Vec<Conversation>> {
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        let (at, id) = query
            .after
            .map(|cursor| (cursor.updated_at.to_sql(), cursor.id))
            .unzip();
        let sql = list_sql(query);
        Ok(self.connection.rows(
            &sql,
            params![limit, query.brain, at, id, query.tag],
            conversation,
        )?)
    }

    /// One conversation, or `None` if there is none of that key.
    ///
    /// # Errors
    /// Those of reading.
    pub fn get_conversation(&self, key: &ConversationKey) -> Result<Option<Conversation>> {
        get(&self.connection, key)
    }

    /// Changes a conversation; `updated_at` stays.
    ///
    /// # Errors
    /// `not-found`, of the conversation or of the head; `invalid-argument` for a value out of bounds.
    pub fn update_conversation(
        &mut self,
        key: &ConversationKey,
        patch: &ConversationPatch,
    ) -> Result<()> {
        if let Some(title) = &patch.title {
            check_title(title)?;
        }
        if let Some(brain) = &patch.brain {
            check_brain(brain)?;
        }
        self.write(|writing| {
            let connection = writing.connection;
            let before = get(connection, key)?.ok_or_else(|| absent(key))?;
            let mut row = before.clone();
            if let Some(title) = &patch.title {
                row.title.clone_from(title);
            }
            if let Some(brain) = &patch.brain {
                row.brain.clone_from(brain);
            }
            row.pinned = patch.pinned.unwrap_or(row.pinned);
            row.archived = patch.archived.unwrap_or(row.archived);
            match patch.trashed {
                Some(true) => row.trashed_at = row.trashed_at.or(Some(writing.now)),
                Some(false) => row.trashed_at = None,
                None => {}
            }
            if let Some(tags) = &patch.tags {
                row.tags = tags_json(tags.as_deref().unwrap_or_default())?;
            }
            if let Some(metadata) = &patch.metadata {
                body::check_json(connection, "metadata", metadata.as_deref())?;
                row.metadata.clone_from(metadata);
            }
            if let Some(head) = &patch.head {
                let node = head
                    .as_ref()
                    .map(|head| tree::require_in(connection, row.id, head))
                    .transpose()?;
                row.head_id = node.as_ref().map(|node| node.id);
                row.head_uid = node.map(|node| node.uid);
            }
            if row == before {
                return Ok(());
            }
            if row.head_id != before.head_id {
                tree::show_path(connection, row.id, row.head_id)?;
            }
            connection.run(
                "UPDATE conversations SET title = ?2, brain = ?3, pinned = ?4, archived = ?5,
                       trashed_at = ?6, tags = ?7, metadata = ?8, head_id = ?9, head_uid = ?10,
                       revision = coalesce(revision, 0) + 1
                     WHERE id = ?1",
                params![
                    row.id,
                    row.title,
                    row.brain,
                    row.pinned,
                    row.archived,
                    row.trashed_at.map(Timestamp::to_sql),
                    row.tags,
                    row.metadata,
                    row.head_id,
                    row.head_uid,
                ],
            )?;
            if row.metadata != before.metadata {
                blobs::refer(connection, row.id, 0, &[row.metadata.as_deref()])?;
            }
            writing.changed_conversation(ChangeOp::Update, row.id, &row.uid);
            Ok(())
        })
    }

    /// Deletes a conversation and its messages, for good. Returns the number of conversations
    /// deleted: 0 or 1.
    ///
    /// # Errors
    /// Those of writing.
    pub fn delete_conversation(&mut self, key: &ConversationKey) -> Result<i64> {
        self.write(|writing| {
            let Some(chat) = find(writing.connection, key)? else {
                return Ok(0);
            };
            delete(writing, &chat)?;
            Ok(1)
        })
    }

    /// Deletes, for good, what has been in the trash since before `older_than`; all that is in it
    /// without that. Returns how many conversations.
    ///
    /// # Errors
    /// Those of writing.
    pub fn empty_trash(&mut self, older_than: Option<Timestamp>) -> Result<i64> {
        self.write(|writing| {
            let chats = writing
                .connection
                .rows(&format!(
                    "SELECT {CHAT} FROM conversations WHERE trashed_at IS NOT NULL AND trashed_at < ?1"
                ), params![older_than.map_or("~".to_owned(), Timestamp::to_sql)], chat)?;
            for chat in &chats {
                delete(writing, chat)?;
            }
            Ok(chats.len() as i64)
        })
    }

    /// Deletes everything: conversations, trash and attachments. Ids are not given again.
    ///
    /// # Errors
    /// Those of writing.
    pub fn clear(&mut self) -> Result<()> {
        self.write(|writing| {
            clear(writing.connection)?;
            writing.changes.push(super::Change::Reset);
            Ok(())
        })?;
        self.index.forget();
        Ok(())
    }
}

/// Deletes all rows, of the index of search first, which then needs no note of each; ids given out are spent, noted once here instead of once a row by a trigger.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    indexing::clear(connection)?;
    connection.execute_batch(
        "UPDATE store_state SET
           last_conversation_id = max(last_conversation_id, coalesce((SELECT max(id) FROM conversations), 0)),
           last_message_id = max(last_message_id, coalesce((SELECT max(id) FROM messages), 0));
         DELETE FROM growth;
         DELETE FROM growing;
         DELETE FROM blob_refs;
         DELETE FROM blob_pieces;
         DELETE FROM blobs;
         DELETE FROM deleted_imports;
         DELETE FROM conversations;",
    )
}

fn delete(writing: &mut Writing<'_>, chat: &Chat) -> Result<()> {
    let connection = writing.connection;
    // Once here instead of once a message in the trigger.
    connection.run(
        "UPDATE store_state SET last_message_id = max(last_message_id,
               coalesce((SELECT max(id) FROM messages WHERE conversation_id = ?1), 0))",
        params![chat.id],
    )?;
    connection.run("DELETE FROM conversations WHERE id = ?1", params![chat.id])?;
    writing.changed_conversation(ChangeOp::Delete, chat.id, &chat.uid);
    Ok(())
}

/// The id after the last one, which `query` gives.
///
/// # Errors
/// `conflict` where another program has given one that leaves none.
pub(super) fn next_id(connection: &Connection, query: &str) -> Result<i64> {
    let last: i64 = connection.row(query, params![], |row| row.get(0))?;
    if last >= MAX_SAFE_INTEGER {
        return Err(StoreError::conflict(
            "id: another program has given a row the highest that there may be, and none is left: export \
             the chats, delete the database and import them into a new one",
        ));
    }
    Ok(last + 1)
}

/// Makes a conversation, or finds the one of that uid.
pub(super) fn create(
    writing: &mut Writing<'_>,
    title: &str,
    brain: Option<&str>,
    extra: &NewConversation,
) -> Result<Chat> {
    let brain = brain.or(extra.brain.as_deref()).unwrap_or(DEFAULT_BRAIN);
    check_title(title)?;
    check_brain(brain)?;
    let (connection, env) = (writing.connection, writing.env);
    if let Some(uid) = &extra.uid {
        check_uid(uid)?;
        if let Some(chat) = find(connection, &ConversationKey::Uid(uid.clone()))? {
            return Ok(chat);
        }
    }
    let tags = tags_json(extra.tags.as_deref().unwrap_or_default())?;
    body::check_json(connection, "metadata", extra.metadata.as_deref())?;
    let created_at = extra.created_at.unwrap_or(writing.now);
    let updated_at = extra.updated_at.unwrap_or(created_at).max(created_at);
    let uid = extra.uid.clone().unwrap_or_else(|| env.uid(created_at));
    let id = next_id(
        connection,
        "SELECT max(coalesce((SELECT max(id) FROM conversations), 0), last_conversation_id)
             FROM store_state",
    )?;
    connection.run(
        "INSERT INTO conversations (id, uid, title, brain, created_at, updated_at, pinned,
               archived, tags, metadata, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)",
        params![
            id,
            uid,
            title,
            brain,
            created_at.to_sql(),
            updated_at.to_sql(),
            extra.pinned.unwrap_or(false),
            extra.archived.unwrap_or(false),
            tags,
            extra.metadata,
        ],
    )?;
    if extra.metadata.is_some() {
        blobs::refer(connection, id, 0, &[extra.metadata.as_deref()])?;
    }
    writing.changed_conversation(ChangeOp::Insert, id, &uid);
    Ok(Chat {
        id,
        uid,
        head: None,
        head_uid: None,
        created_at,
    })
}

pub(super) fn list_sql(query: &ConversationQuery) -> String {
    let mut sql = format!("SELECT {COLUMNS} FROM conversations WHERE ");
    sql += match query.brain {
        Some(_) => "brain = ?2",
        None => "?2 IS NULL",
    };
    sql += match query.after {
        Some(_) => " AND (updated_at, id) < (?3, ?4)",
        None => " AND ?3 IS NULL AND ?4 IS NULL",
    };
    sql += match query.tag {
        Some(_) => {
            " AND EXISTS (SELECT 1 FROM json_each(iif(json_valid(tags), tags, '[]')) WHERE value = ?5)"
        }
        None => " AND ?5 IS NULL",
    };
    sql += match query.pinned {
        Some(true) => " AND pinned",
        Some(false) => " AND NOT pinned",
        None => "",
    };
    sql += match query.archived {
        Whether::No => " AND NOT archived",
        Whether::Yes => " AND archived",
        Whether::Any => "",
    };
    sql += match query.trashed {
        Whether::No => " AND trashed_at IS NULL",
        Whether::Yes => " AND trashed_at IS NOT NULL",
        Whether::Any => "",
    };
    sql + " ORDER BY updated_at DESC, id DESC LIMIT ?1"
}

pub(super) fn get(connection: &Connection, key: &ConversationKey) -> Result<Option<Conversation>> {
    let (condition, value) = condition(key);
    Ok(connection
        .row(
            &format!("SELECT {COLUMNS} FROM conversations WHERE {condition}"),
            params![value],
            conversation,
        )
        .optional()?)
}

const CHAT: &str = "id, uid, head_id, head_uid, created_at";

fn chat(row: &Row<'_>) -> rusqlite::Result<Chat> {
    Ok(Chat {
        id: row.get(0)?,
        uid: engine::text(row, 1)?,
        head: engine::optional_integer(row, 2)?,
        head_uid: engine::optional_text(row, 3)?,
        created_at: engine::time(row, 4)?,
    })
}

/// The conversation of that key, if there is one.
pub(super) fn find(connection: &Connection, key: &ConversationKey) -> Result<Option<Chat>> {
    let (condition, value) = condition(key);
    Ok(connection
        .row(
            &format!("SELECT {CHAT} FROM conversations WHERE {condition}"),
            params![value],
            chat,
        )
        .optional()?)
}

/// The conversation of that key.
pub(super) fn require(connection: &Connection, key: &ConversationKey) -> Result<Chat> {
    find(connection, key)?.ok_or_else(|| absent(key))
}

fn absent(key: &ConversationKey) -> StoreError {
    StoreError::not_found(format!("there is no conversation with the {key}"))
}

/// Moves the conversation's time and head after its messages have changed.
pub(super) fn touch(
    writing: &mut Writing<'_>,
    chat: &Chat,
    at: Option<Timestamp>,
    more: i64,
) -> Result<()> {
    writing
        .connection
        .run(
            "UPDATE conversations SET updated_at = max(updated_at, coalesce(?2, '')), head_id = ?3,
               head_uid = ?4, message_count = message_count + ?5, revision = coalesce(revision, 0) + 1
             WHERE id = ?1",
            params![
                chat.id,
                at.map(Timestamp::to_sql),
                chat.head,
                chat.head_uid,
                more
            ],
        )?;
    writing.changed_conversation(ChangeOp::Update, chat.id, &chat.uid);
    Ok(())
}

/// The SQL condition of a key, and its parameter.
fn condition(key: &ConversationKey) -> (&'static str, rusqlite::types::Value) {
    match key {
        ConversationKey::Id(id) => ("id = ?1", (*id).into()),
        ConversationKey::Uid(uid) => ("uid = ?1", uid.clone().into()),
    }
}

fn conversation(row: &Row<'_>) -> rusqlite::Result<Conversation> {
    Ok(Conversation {
        id: row.get(0)?,
        uid: engine::text(row, 1)?,
        title: engine::text(row, 2)?,
        brain: engine::text(row, 3)?,
        created_at: engine::time(row, 4)?,
        updated_at: engine::time(row, 5)?,
        pinned: engine::flag(row, 6)?,
        archived: engine::flag(row, 7)?,
        trashed_at: engine::optional_time(row, 8)?,
        tags: engine::optional_text(row, 9)?,
        metadata: engine::optional_text(row, 10)?,
        head_id: engine::optional_integer(row, 11)?,
        head_uid: engine::optional_text(row, 12)?,
        message_count: engine::optional_integer(row, 13)?.unwrap_or_default(),
    })
}
