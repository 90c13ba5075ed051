//! Conversations: create, list, read, change, delete.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Store, engine};
use crate::error::{Result, StoreError};
use crate::model::{
    ChangeOp, Conversation, ConversationKey, ConversationPatch, ConversationQuery, DEFAULT_BRAIN,
    DEFAULT_LIMIT, check_brain, check_title,
};

const COLUMNS: &str = "id, uid, title, brain, created_at, updated_at";

impl Store {
    /// Makes a conversation and returns its id.
    ///
    /// # Errors
    /// `invalid-argument` for a title or brain out of bounds.
    pub fn create_conversation(&mut self, title: &str, brain: Option<&str>) -> Result<i64> {
        let brain = brain.unwrap_or(DEFAULT_BRAIN);
        check_title(title)?;
        check_brain(brain)?;
        self.write(|writing| {
            let (connection, env) = (writing.connection, writing.env);
            let at = env.now();
            let id: i64 = connection
                .prepare_cached(
                    "SELECT max(coalesce((SELECT max(id) FROM conversations), 0), last_conversation_id) + 1
                     FROM store_state",
                )?
                .query_row([], |row| row.get(0))?;
            let uid = env.uid(at);
            connection
                .prepare_cached(
                    "INSERT INTO conversations (id, uid, title, brain, created_at, updated_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                )?
                .execute(params![id, uid, title, brain, at.to_sql()])?;
            writing.changed_conversation(ChangeOp::Insert, id, &uid);
            Ok(id)
        })
    }

    /// Conversations by (updated_at, id), newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub fn list_conversations(&self, query: &ConversationQuery) -> Result<Vec<Conversation>> {
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
        let after = query
            .after
            .map(|cursor| (cursor.updated_at.to_sql(), cursor.id));
        let mut statement = self
            .connection
            .prepare_cached(&list_sql(query.brain.is_some(), after.is_some()))?;
        let (at, id) = after.unzip();
        Ok(statement
            .query_map(params![limit, query.brain, at, id], conversation)?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// One conversation, or `None` if there is none of that key.
    ///
    /// # Errors
    /// Those of reading.
    pub fn get_conversation(&self, key: &ConversationKey) -> Result<Option<Conversation>> {
        let (condition, value) = condition(key);
        Ok(self
            .connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM conversations WHERE {condition}"
            ))?
            .query_row([value], conversation)
            .optional()?)
    }

    /// Changes title or brain; `updated_at` stays.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` for a value out of bounds.
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
            let (id, uid) = require(writing.connection, key)?;
            let changed = writing
                .connection
                .prepare_cached(
                    "UPDATE conversations SET title = coalesce(?2, title), brain = coalesce(?3, brain)
                     WHERE id = ?1 AND (title <> ?2 OR brain <> ?3)",
                )?
                .execute(params![id, patch.title, patch.brain])?;
            if changed > 0 {
                writing.changed_conversation(ChangeOp::Update, id, &uid);
            }
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
            let connection = writing.connection;
            let Some((id, uid)) = find(connection, key)? else {
                return Ok(0);
            };
            // Once here instead of once a message in the trigger.
            connection
                .prepare_cached(
                    "UPDATE store_state SET last_message_id = max(last_message_id,
                       coalesce((SELECT max(id) FROM messages WHERE conversation_id = ?1), 0))",
                )?
                .execute([id])?;
            let deleted = connection
                .prepare_cached("DELETE FROM conversations WHERE id = ?1")?
                .execute([id])?;
            writing.changed_conversation(ChangeOp::Delete, id, &uid);
            Ok(deleted as i64)
        })
    }
}

pub(super) fn list_sql(by_brain: bool, after: bool) -> String {
    let brain = if by_brain { "brain = ?2" } else { "?2 IS NULL" };
    let after = if after {
        "(updated_at, id) < (?3, ?4)"
    } else {
        "?3 IS NULL AND ?4 IS NULL"
    };
    format!(
        "SELECT {COLUMNS} FROM conversations WHERE {brain} AND {after}
         ORDER BY updated_at DESC, id DESC LIMIT ?1"
    )
}

/// Id and uid of the conversation of that key, if there is one.
pub(super) fn find(
    connection: &Connection,
    key: &ConversationKey,
) -> Result<Option<(i64, String)>> {
    let (condition, value) = condition(key);
    Ok(connection
        .prepare_cached(&format!(
            "SELECT id, uid FROM conversations WHERE {condition}"
        ))?
        .query_row([value], |row| Ok((row.get(0)?, engine::text(row, 1)?)))
        .optional()?)
}

/// Id and uid of the conversation of that key.
pub(super) fn require(connection: &Connection, key: &ConversationKey) -> Result<(i64, String)> {
    find(connection, key)?
        .ok_or_else(|| StoreError::not_found(format!("there is no conversation with the {key}")))
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
    })
}
