//! Healing: rows of another program, brought to this store's form.
//!
//! The lesson's Python class knows no uid and writes whole seconds. Two partial indexes hold
//! exactly the rows that need something, so that a healed file costs one look at each. No text is
//! ever changed, and healing a healed file does nothing.

use rusqlite::{Connection, params};

use super::{Env, engine};
use crate::error::Result;
use crate::time::Timestamp;

/// `NOT GLOB` pattern of the file's form of a time, as the partial indexes spell it: the planner
/// uses them only for the same expression.
const SQL_TIME: &str =
    "'[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]'";

pub(super) fn unhealed_conversations() -> String {
    format!(
        "conversations INDEXED BY conversations_unhealed WHERE (uid IS NULL
           OR created_at NOT GLOB {SQL_TIME} OR updated_at NOT GLOB {SQL_TIME})"
    )
}

pub(super) fn unhealed_messages() -> String {
    format!(
        "messages INDEXED BY messages_unhealed WHERE (uid IS NULL OR created_at NOT GLOB {SQL_TIME})"
    )
}

/// Whether any row needs healing.
pub(super) fn is_needed(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row(
        &format!(
            "SELECT EXISTS (SELECT 1 FROM {}) OR EXISTS (SELECT 1 FROM {})",
            unhealed_conversations(),
            unhealed_messages()
        ),
        [],
        |row| row.get(0),
    )?)
}

/// Heals every row that needs it.
pub(super) fn heal(transaction: &Connection, env: &Env) -> Result<()> {
    heal_conversations(transaction, env)?;
    heal_messages(transaction, env)
}

struct Row {
    id: i64,
    conversation: i64,
    uid: Option<String>,
    times: [Option<Timestamp>; 2],
}

/// The rows of a query for (id, conversation, uid, created_at, updated_at).
fn unhealed(transaction: &Connection, sql: &str) -> Result<Vec<Row>> {
    Ok(transaction
        .prepare(sql)?
        .query_map([], |row| {
            Ok(Row {
                id: row.get(0)?,
                conversation: row.get(1)?,
                uid: uid(row, 2)?,
                times: [parsed(row, 3)?, parsed(row, 4)?],
            })
        })?
        .collect::<rusqlite::Result<_>>()?)
}

fn heal_conversations(transaction: &Connection, env: &Env) -> Result<()> {
    let rows = unhealed(
        transaction,
        &format!(
            "SELECT id, id, uid, created_at, updated_at FROM {} ORDER BY id",
            unhealed_conversations()
        ),
    )?;
    let mut update = transaction.prepare(
        "UPDATE conversations SET uid = ?2, created_at = ?3, updated_at = ?4 WHERE id = ?1",
    )?;
    for row in rows {
        let created_at = row.times[0].or(row.times[1]).unwrap_or_else(|| env.now());
        let updated_at = row.times[1].unwrap_or(created_at).max(created_at);
        let uid = row.uid.unwrap_or_else(|| env.uid(created_at));
        update.execute(params![
            row.id,
            uid,
            created_at.to_sql(),
            updated_at.to_sql()
        ])?;
    }
    Ok(())
}

/// Links the other program's messages in id order after what was there: a whole second would
/// otherwise sort before our milliseconds of the same second.
fn heal_messages(transaction: &Connection, env: &Env) -> Result<()> {
    let rows = unhealed(
        transaction,
        &format!(
            "SELECT id, conversation_id, uid, created_at, NULL FROM {} ORDER BY conversation_id, id",
            unhealed_messages()
        ),
    )?;
    let mut last_healed = transaction.prepare(&format!(
        "SELECT coalesce(max(created_at), '') FROM messages
         WHERE conversation_id = ?1 AND uid IS NOT NULL AND created_at GLOB {SQL_TIME}"
    ))?;
    let mut update =
        transaction.prepare("UPDATE messages SET uid = ?2, created_at = ?3 WHERE id = ?1")?;
    let mut touch = transaction
        .prepare("UPDATE conversations SET updated_at = max(updated_at, ?2) WHERE id = ?1")?;

    for chat in rows.chunk_by(|a, b| a.conversation == b.conversation) {
        let conversation = chat[0].conversation;
        let mut last = last_healed.query_row([conversation], |row| parsed(row, 0))?;
        for row in chat {
            let own = row.times[0].or(last).unwrap_or_else(|| env.now());
            let at = last.map_or(own, |last| own.max(last));
            let uid = row.uid.clone().unwrap_or_else(|| env.uid(at));
            update.execute(params![row.id, uid, at.to_sql()])?;
            last = Some(at);
        }
        if let Some(last) = last {
            touch.execute(params![conversation, last.to_sql()])?;
        }
    }
    Ok(())
}

fn uid(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let uid = engine::text(row, column)?;
    Ok(Some(uid).filter(|uid| !uid.is_empty()))
}

fn parsed(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(Timestamp::parse(&engine::text(row, column)?))
}
