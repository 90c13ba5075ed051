//! Messages: add, read a conversation page by page, read one.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Change, Store, conversations, engine};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{
    AddedMessage, ChangeOp, ConversationKey, Message, MessageCursor, MessageKey, MessageQuery,
    Role, RowChange, RowKind, check_content,
};

const COLUMNS: &str = "m.id, m.uid, m.conversation_id, c.uid, m.role, m.content, m.created_at";

/// Where a page of messages begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// From the oldest on.
    Oldest,
    /// From the newest back.
    Newest,
    /// From a message back, without it.
    Before,
    /// From a message on, without it.
    After,
}

impl Store {
    /// Adds a message at the end of a conversation, whose `updated_at` it moves.
    ///
    /// Its time is the clock's, but never below that of the message before it, or of the
    /// conversation: a clock that was set back reorders nothing.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` for a content out of bounds.
    pub fn add_message(
        &mut self,
        key: &ConversationKey,
        role: Role,
        content: &str,
    ) -> Result<AddedMessage> {
        check_content(content)?;
        self.write(|writing| {
            let (connection, env) = (writing.connection, writing.env);
            let (conversation, conversation_uid) = conversations::require(connection, key)?;
            let (id, last) = connection
                .prepare_cached(
                    "SELECT max(coalesce((SELECT max(id) FROM messages), 0), last_message_id) + 1,
                            coalesce((SELECT max(created_at) FROM messages WHERE conversation_id = ?1),
                                     (SELECT created_at FROM conversations WHERE id = ?1))
                     FROM store_state",
                )?
                .query_row([conversation], |row| {
                    Ok((row.get::<_, i64>(0)?, engine::time(row, 1)?))
                })?;
            let created_at = env.now().max(last);
            let uid = env.uid(created_at);
            let at = created_at.to_sql();
            connection
                .prepare_cached(
                    "INSERT INTO messages (id, uid, conversation_id, role, content, created_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![id, uid, conversation, role.as_str(), content, at])?;
            connection
                .prepare_cached(
                    "UPDATE conversations SET updated_at = max(updated_at, ?2) WHERE id = ?1",
                )?
                .execute(params![conversation, at])?;
            writing.changes.push(Change::Row(RowChange {
                kind: RowKind::Message,
                op: ChangeOp::Insert,
                id,
                uid: uid.clone(),
                conversation_id: conversation,
                conversation_uid: conversation_uid.clone(),
            }));
            writing.changed_conversation(ChangeOp::Update, conversation, &conversation_uid);
            Ok(AddedMessage {
                id,
                uid,
                created_at,
            })
        })
    }

    /// Messages of a conversation by (created_at, id), oldest first, always. An absent
    /// conversation has none.
    ///
    /// # Errors
    /// `invalid-argument` if both cursors are given; `conflict` if the message of the cursor is
    /// not (or no longer) in this conversation.
    pub fn messages_for(
        &self,
        key: &ConversationKey,
        query: &MessageQuery,
    ) -> Result<Vec<Message>> {
        let Some((conversation, _)) = conversations::find(&self.connection, key)? else {
            return Ok(Vec::new());
        };
        let (page, cursor) = match (&query.before, &query.after) {
            (Some(_), Some(_)) => {
                return Err(StoreError::invalid(
                    "query has both before and after: give one of them",
                ));
            }
            (Some(cursor), None) => (Page::Before, Some(cursor)),
            (None, Some(cursor)) => (Page::After, Some(cursor)),
            (None, None) if query.limit.is_some() => (Page::Newest, None),
            (None, None) => (Page::Oldest, None),
        };
        let place = cursor
            .map(|cursor| self.place(conversation, cursor))
            .transpose()?;
        let (at, id) = place.unzip();
        let limit = query.limit.map_or(i64::MAX, i64::from);
        let mut statement = self.connection.prepare_cached(&page_sql(page))?;
        let mut messages = statement
            .query_map(params![conversation, limit, at, id], message)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        if matches!(page, Page::Before | Page::Newest) {
            messages.reverse();
        }
        Ok(messages)
    }

    /// One message, or `None` if there is none of that key.
    ///
    /// # Errors
    /// `conflict` if the key is a bare uid that messages of two conversations have.
    pub fn get_message(&self, key: &MessageKey) -> Result<Option<Message>> {
        let select = format!(
            "SELECT {COLUMNS} FROM messages m JOIN conversations c ON c.id = m.conversation_id"
        );
        let one = |condition: &str, params: &[&dyn rusqlite::ToSql]| -> Result<Vec<Message>> {
            Ok(self
                .connection
                .prepare_cached(&format!("{select} WHERE {condition}"))?
                .query_map(params, message)?
                .collect::<rusqlite::Result<_>>()?)
        };
        let mut found = match key {
            MessageKey::Id(id) => one("m.id = ?1", &[id])?,
            MessageKey::Uid(uid) => one("m.uid = ?1 LIMIT 2", &[uid])?,
            MessageKey::InConversation { conversation, uid } => {
                let Some((conversation, _)) = conversations::find(&self.connection, conversation)?
                else {
                    return Ok(None);
                };
                one(
                    "m.uid = ?1 AND m.conversation_id = ?2",
                    &[uid, &conversation],
                )?
            }
        };
        if found.len() > 1 {
            return Err(StoreError::conflict(
                "messages of two conversations have this uid: name it by { conversationId, uid }",
            ));
        }
        Ok(found.pop())
    }

    /// The sort key of the message a cursor names.
    fn place(&self, conversation: i64, cursor: &MessageCursor) -> Result<(String, i64)> {
        place(&self.connection, conversation, cursor)?.ok_or_else(|| {
            let name = match cursor {
                MessageCursor::Id(id) => format!("id {id}"),
                MessageCursor::Uid(uid) => format!("uid '{uid}'"),
            };
            StoreError::new(
                ErrorCode::Conflict,
                format!(
                    "the cursor's message ({name}) is not in this conversation (any more): read it again from one end"
                ),
            )
        })
    }
}

fn place(
    connection: &Connection,
    conversation: i64,
    cursor: &MessageCursor,
) -> Result<Option<(String, i64)>> {
    let (condition, value): (_, rusqlite::types::Value) = match cursor {
        MessageCursor::Id(id) => ("id = ?2", (*id).into()),
        MessageCursor::Uid(uid) => ("uid = ?2", uid.clone().into()),
    };
    Ok(connection
        .prepare_cached(&format!(
            "SELECT created_at, id FROM messages WHERE conversation_id = ?1 AND {condition}"
        ))?
        .query_row(params![conversation, value], |row| {
            Ok((engine::text(row, 0)?, row.get(1)?))
        })
        .optional()?)
}

pub(super) fn page_sql(page: Page) -> String {
    let (condition, order) = match page {
        Page::Oldest => ("?3 IS NULL AND ?4 IS NULL", "ASC"),
        Page::Newest => ("?3 IS NULL AND ?4 IS NULL", "DESC"),
        Page::Before => ("(m.created_at, m.id) < (?3, ?4)", "DESC"),
        Page::After => ("(m.created_at, m.id) > (?3, ?4)", "ASC"),
    };
    format!(
        "SELECT {COLUMNS} FROM messages m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.conversation_id = ?1 AND {condition}
         ORDER BY m.created_at {order}, m.id {order} LIMIT ?2"
    )
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        uid: engine::text(row, 1)?,
        conversation_id: row.get(2)?,
        conversation_uid: engine::text(row, 3)?,
        // The schema's CHECK allows three; the other program's file has the same.
        role: match engine::text(row, 4)?.as_str() {
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => Role::User,
        },
        content: engine::text(row, 5)?,
        created_at: engine::time(row, 6)?,
    })
}
