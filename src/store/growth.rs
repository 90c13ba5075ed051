//! Text that grows: kept beside its message until it is folded in.
//!
//! SQLite writes a row whole, so that appending to a long text would cost its length. Here each piece
//! is a row of its own. It is folded into `content` when it outgrows it, on a change of status or
//! text, and before the file is seen by others: backup, close, open.

use rusqlite::{Connection, OptionalExtension, params};

use super::conversations::{self, Chat};
use super::engine::Ask;
use super::messages::{self, message_change};
use super::{Change, Store, Writing, blobs, body, engine, tree};
use crate::error::{Result, StoreError};
use crate::model::{
    Append, ChangeOp, ConversationKey, MAX_CONTENT, Message, MessageKey, Repair, RowChange, Status,
};

/// Growth is folded in at the earliest when it is so long, in UTF-16 units.
const FOLDED_FROM: i64 = 16_384;
/// Longest text of an `append` in a change, in bytes.
const TOLD: usize = 65_536;
/// Between two text parts, in `content`.
const BLANK_LINE: &str = "\n\n";

/// What is known of a message that grows.
struct Growing {
    conversation: i64,
    conversation_uid: String,
    uid: String,
    /// The tab that streams it.
    writer: Option<String>,
    /// Length of the folded content, in UTF-16 units.
    length: i64,
    /// The growth is a part of its own, and a blank line stands before it in `content`.
    is_new_part: bool,
    has_gap: bool,
}

impl Growing {
    fn gap(&self) -> &'static str {
        if self.has_gap { BLANK_LINE } else { "" }
    }
}

impl Store {
    /// Appends to the text of a message; its status and its conversation's time stay. `streaming` is
    /// what a writer says: the message is (again) streaming.
    ///
    /// # Errors
    /// `not-found`; `conflict` for a bare uid of two conversations.
    pub fn append_to_message(
        &mut self,
        key: &MessageKey,
        text: &str,
        streaming: bool,
    ) -> Result<()> {
        self.write(|writing| append(writing, key, text, streaming))
    }

    /// Ends what was left streaming by tabs that are not alive any more.
    ///
    /// # Errors
    /// Those of writing.
    pub fn heal_streams(&mut self, alive: &[impl AsRef<str>]) -> Result<()> {
        let left = self.connection.rows::<(i64, Option<String>)>(
            "SELECT m.id, g.writer FROM messages m INDEXED BY messages_streaming
                 LEFT JOIN growing g ON g.message_id = m.id WHERE m.status = 'streaming'",
            params![],
            |row| Ok((row.get(0)?, engine::optional_text(row, 1)?)),
        )?;
        let is_alive = |writer: &Option<String>| {
            writer
                .as_ref()
                .is_some_and(|writer| alive.iter().any(|tab| tab.as_ref() == writer))
        };
        let left: Vec<i64> = left
            .into_iter()
            .filter(|(_, writer)| !is_alive(writer))
            .map(|(id, _)| id)
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        self.write(|writing| {
            for id in left {
                if let Some(before) = messages::get(writing.connection, id)? {
                    let mut after = before.clone();
                    after.status = Status::Aborted;
                    messages::rewrite(writing, &before, &after)?;
                    writing.report.add(Repair::Stream, id);
                }
            }
            Ok(())
        })
    }

    /// Ends what a tab that is gone has left streaming.
    ///
    /// # Errors
    /// Those of writing.
    pub fn end_streams(&mut self, tab: &str) -> Result<()> {
        let others: Vec<_> = self.writers()?.into_iter().filter(|it| it != tab).collect();
        self.heal_streams(&others)
    }

    /// Whether any message is being streamed, by whomever.
    ///
    /// # Errors
    /// Those of reading.
    pub fn has_streams(&self) -> Result<bool> {
        Ok(self.connection.row(
            "SELECT EXISTS (SELECT 1 FROM messages INDEXED BY messages_streaming WHERE status = 'streaming')",
            params![],
            |row| row.get(0),
        )?)
    }

    /// The tabs that write messages which are streaming.
    ///
    /// # Errors
    /// Those of reading.
    pub fn writers(&self) -> Result<Vec<String>> {
        Ok(self.connection.rows(
            "SELECT DISTINCT writer FROM growing WHERE writer IS NOT NULL",
            params![],
            |row| engine::text(row, 0),
        )?)
    }

    /// Folds in all that grows beside its message, so that the file says it all.
    pub(super) fn fold_growth(&mut self) -> Result<()> {
        let ids = all(&self.connection)?;
        if ids.is_empty() {
            return Ok(());
        }
        self.write(|writing| fold_all(writing.connection, &ids))
    }
}

fn fold_all(connection: &Connection, ids: &[i64]) -> Result<()> {
    ids.iter().try_for_each(|id| fold(connection, *id))
}

fn all(connection: &Connection) -> Result<Vec<i64>> {
    Ok(
        connection.rows("SELECT message_id FROM growing", params![], |row| {
            row.get(0)
        })?,
    )
}

/// The messages of a conversation that grow.
pub(super) fn growing(connection: &Connection, conversation: i64) -> Result<Vec<i64>> {
    Ok(connection.rows(
        "SELECT message_id FROM growing WHERE conversation_id = ?1",
        params![conversation],
        |row| row.get(0),
    )?)
}

/// The id of a message that grows, by whatever key, without looking at the message itself.
fn growing_id(connection: &Connection, key: &MessageKey) -> Result<Option<i64>> {
    let (conversation, uid) = match key {
        MessageKey::Id(id) => return Ok(Some(*id)),
        MessageKey::InConversation { conversation, uid } => (conversation, uid),
        // Another conversation may have it too.
        MessageKey::Uid(_) => return Ok(None),
    };
    let (id, name) = match conversation {
        ConversationKey::Id(id) => (Some(id), None),
        ConversationKey::Uid(uid) => (None, Some(uid)),
    };
    Ok(connection
        .row(
            "SELECT message_id FROM growing
             WHERE uid = ?1 AND (conversation_id = ?2 OR conversation_uid = ?3)",
            params![uid, id, name],
            |row| row.get(0),
        )
        .optional()?)
}

fn find(connection: &Connection, id: i64) -> Result<Option<Growing>> {
    Ok(connection
        .row(
            "SELECT conversation_id, conversation_uid, uid, length, is_new_part, has_gap, writer
             FROM growing WHERE message_id = ?1",
            params![id],
            |row| {
                Ok(Growing {
                    conversation: row.get(0)?,
                    conversation_uid: engine::text(row, 1)?,
                    uid: engine::text(row, 2)?,
                    length: row.get(3)?,
                    is_new_part: row.get(4)?,
                    has_gap: row.get(5)?,
                    writer: engine::optional_text(row, 6)?,
                })
            },
        )
        .optional()?)
}

/// Makes a message one that grows, by the tab that asks if it is streaming.
pub(super) fn begin(writing: &mut Writing<'_>, id: i64) -> Result<()> {
    let connection = writing.connection;
    let (conversation, uid, content, parts, status) = connection.row(
        "SELECT conversation_id, uid, content, parts, status FROM messages WHERE id = ?1",
        params![id],
        |row| {
            Ok((
                row.get(0)?,
                engine::text(row, 1)?,
                engine::text(row, 2)?,
                engine::optional_text(row, 3)?,
                engine::optional_text(row, 4)?,
            ))
        },
    )?;
    let chat = conversations::require(connection, &ConversationKey::Id(conversation))?;
    let (is_new_part, has_gap) = match parts {
        Some(parts) => {
            let parts = body::read_parts(connection, &parts)?;
            (!parts.ends_in_text, !parts.ends_in_text && parts.has_text)
        }
        None => (false, false),
    };
    let writer = (status.as_deref() == Some("streaming")).then_some(writing.tab);
    connection
        .run(
            "INSERT OR REPLACE INTO growing (message_id, conversation_id, conversation_uid, uid, writer,
               length, is_new_part, has_gap)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id,
                conversation,
                chat.uid,
                uid,
                writer.flatten(),
                units(&content),
                is_new_part,
                has_gap
            ],
        )?;
    Ok(())
}

fn append(writing: &mut Writing<'_>, key: &MessageKey, text: &str, streaming: bool) -> Result<()> {
    let connection = writing.connection;
    let id = match growing_id(connection, key)? {
        Some(id) => id,
        None => tree::require(connection, key)?.id,
    };
    let mut found = find(connection, id)?;
    if found.is_none() {
        // Also says that there is none.
        let node = tree::require(connection, key)?;
        if streaming {
            resume(writing, node.id)?;
        } else {
            begin(writing, node.id)?;
        }
        found = find(connection, id)?;
    }
    let Some(growing) = found else { return Ok(()) };
    if text.is_empty() {
        return Ok(());
    }
    if growing.writer.is_some() && growing.writer.as_deref() != writing.tab {
        take_over(writing, id)?;
    }
    let last: Option<(i64, String)> = connection
        .row(
            "SELECT start, text FROM growth WHERE message_id = ?1 ORDER BY start DESC LIMIT 1",
            params![id],
            |row| Ok((row.get(0)?, engine::text(row, 1)?)),
        )
        .optional()?;
    let is_first = last.is_none();
    let start = match last {
        Some((start, text)) => start + units(&text),
        None => growing.length + units(growing.gap()),
    };
    if start + units(text) > MAX_CONTENT as i64 {
        return Err(StoreError::invalid(format!(
            "text: the message would be longer than {MAX_CONTENT}: begin another"
        )));
    }
    connection.run(
        "INSERT INTO growth (message_id, start, text) VALUES (?1, ?2, ?3)",
        params![id, start, text],
    )?;

    let chat = Chat {
        id: growing.conversation,
        uid: growing.conversation_uid.clone(),
        head: None,
        head_uid: None,
        created_at: crate::time::Timestamp::MIN,
    };
    let (offset, told) = if is_first {
        (growing.length, format!("{}{text}", growing.gap()))
    } else {
        (start, text.to_owned())
    };
    writing.changes.push(Change::Row(RowChange {
        append: (told.len() <= TOLD).then_some(Append { offset, text: told }),
        ..message_change(ChangeOp::Update, id, &growing.uid, &chat)
    }));
    if start + units(text) - growing.length > growing.length.max(FOLDED_FROM) {
        fold(connection, id)?;
    }
    Ok(())
}

/// What streams belongs to the tab that last wrote it.
pub(super) fn take_over(writing: &Writing<'_>, id: i64) -> Result<()> {
    writing.connection.run(
        "UPDATE growing SET writer = ?2 WHERE message_id = ?1",
        params![id, writing.tab],
    )?;
    Ok(())
}

/// A writer goes on with a message: it streams (again).
fn resume(writing: &mut Writing<'_>, id: i64) -> Result<()> {
    let Some(before) = messages::get(writing.connection, id)? else {
        return Ok(());
    };
    if before.status == Status::Streaming {
        return begin(writing, id);
    }
    let mut after = before.clone();
    after.status = Status::Streaming;
    messages::rewrite(writing, &before, &after)
}

/// The text that a message grew by, and whether there is any.
fn grown(connection: &Connection, id: i64) -> Result<String> {
    let pieces = connection.rows(
        "SELECT text FROM growth WHERE message_id = ?1 ORDER BY start",
        params![id],
        |row| engine::text(row, 0),
    )?;
    Ok(pieces.concat())
}

/// What a message has grown by, as it follows its content.
pub(super) fn grown_text(connection: &Connection, id: i64) -> Result<String> {
    let text = grown(connection, id)?;
    Ok(match find(connection, id)? {
        Some(growing) if !text.is_empty() => format!("{}{text}", growing.gap()),
        _ => text,
    })
}

/// Adds to a message as its row has it what grew beside it.
pub(super) fn grow(connection: &Connection, message: &mut Message) -> Result<()> {
    let Some(growing) = find(connection, message.id)? else {
        return Ok(());
    };
    let text = grown(connection, message.id)?;
    if text.is_empty() {
        return Ok(());
    }
    if let Some(parts) = &message.parts {
        message.parts = Some(with_text(connection, parts, growing.is_new_part, &text)?);
    }
    message.content.push_str(growing.gap());
    message.content.push_str(&text);
    Ok(())
}

/// Parts, the last of them longer by `text`, or followed by it as one of its own.
fn with_text(
    connection: &Connection,
    parts: &str,
    is_new_part: bool,
    text: &str,
) -> Result<String> {
    let sql = if is_new_part {
        "SELECT json_insert(?1, '$[#]', json_object('type', 'text', 'text', ?2)) WHERE json_valid(?1)"
    } else {
        "SELECT json_set(?1, '$[#-1].text', json_extract(?1, '$[#-1].text') || ?2) WHERE json_valid(?1)"
    };
    Ok(connection.row(sql, params![parts, text], |row| engine::text(row, 0))?)
}

/// Folds what grew into the row of its message, which may go on growing.
fn fold(connection: &Connection, id: i64) -> Result<()> {
    let Some(growing) = find(connection, id)? else {
        return Ok(());
    };
    let text = grown(connection, id)?;
    if text.is_empty() {
        return Ok(());
    }
    let parts: Option<String> = connection.row(
        "SELECT parts FROM messages WHERE id = ?1",
        params![id],
        |row| engine::optional_text(row, 0),
    )?;
    let parts = parts
        .map(|parts| with_text(connection, &parts, growing.is_new_part, &text))
        .transpose()?;
    connection.run(
        "UPDATE messages SET content = content || ?2 || ?3, parts = ?4,
               revision = coalesce(revision, 0) + 1
             WHERE id = ?1",
        params![id, growing.gap(), text, parts],
    )?;
    // A name may have come in two pieces.
    let content: String = connection.row(
        "SELECT content FROM messages WHERE id = ?1",
        params![id],
        |row| engine::text(row, 0),
    )?;
    blobs::add_references(connection, growing.conversation, id, &content)?;
    connection.run("DELETE FROM growth WHERE message_id = ?1", params![id])?;
    connection.run(
        "UPDATE growing SET length = ?2, is_new_part = 0, has_gap = 0 WHERE message_id = ?1",
        params![id, growing.length + units(growing.gap()) + units(&text)],
    )?;
    Ok(())
}

/// Folds what grew into the row of its message, and ends its growing.
pub(super) fn settle(writing: &mut Writing<'_>, id: i64) -> Result<()> {
    fold(writing.connection, id)?;
    writing
        .connection
        .run("DELETE FROM growing WHERE message_id = ?1", params![id])?;
    Ok(())
}

/// Folds everything in when a file is opened: only what streams goes on growing.
pub(super) fn settle_all(writing: &mut Writing<'_>) -> Result<()> {
    fold_all(writing.connection, &all(writing.connection)?)?;
    writing.connection.execute_batch(
        "DELETE FROM growing WHERE NOT EXISTS
           (SELECT 1 FROM messages m WHERE m.id = message_id AND m.status = 'streaming');
         DELETE FROM growth WHERE NOT EXISTS
           (SELECT 1 FROM growing g WHERE g.message_id = growth.message_id);",
    )?;
    Ok(())
}

/// The length of a text in JavaScript's units.
fn units(text: &str) -> i64 {
    text.encode_utf16().count() as i64
}
