//! The tree of a conversation's messages, and the path through it that is shown.
//!
//! A row knows its parent, whether it is on the path, and a depth: above its parent's, no more.
//! So a page of the path is a range of one index however long the path is, and deleting in the
//! middle moves nobody. Off the path, children are found by an index that a linear chat leaves empty.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::engine::{self, Ask};
use crate::error::{Result, StoreError};
use crate::model::{AddedMessage, MessageKey};
use crate::time::Timestamp;

/// A message's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub id: i64,
    pub uid: String,
    pub conversation: i64,
    pub parent: Option<i64>,
    pub depth: i64,
    pub on_path: bool,
    pub created_at: Timestamp,
}

impl Node {
    /// What whoever added it is told.
    pub fn added(&self) -> AddedMessage {
        AddedMessage {
            id: self.id,
            uid: self.uid.clone(),
            created_at: self.created_at,
        }
    }
}

const COLUMNS: &str = "id, uid, conversation_id, parent_id, depth, on_path, created_at";

fn node(row: &Row<'_>) -> rusqlite::Result<Node> {
    Ok(Node {
        id: row.get(0)?,
        uid: engine::text(row, 1)?,
        conversation: row.get(2)?,
        parent: row.get(3)?,
        depth: row.get::<_, Option<i64>>(4)?.unwrap_or_default(),
        on_path: row.get::<_, Option<bool>>(5)?.unwrap_or_default(),
        created_at: engine::time(row, 6)?,
    })
}

/// A message by its id.
pub(super) fn by_id(connection: &Connection, id: i64) -> Result<Option<Node>> {
    Ok(connection
        .row(
            &format!("SELECT {COLUMNS} FROM messages WHERE id = ?1"),
            params![id],
            node,
        )
        .optional()?)
}

/// A message of a conversation by its uid.
pub(super) fn by_uid(
    connection: &Connection,
    conversation: i64,
    uid: &str,
) -> Result<Option<Node>> {
    Ok(connection
        .row(
            &format!("SELECT {COLUMNS} FROM messages WHERE uid = ?1 AND conversation_id = ?2"),
            params![uid, conversation],
            node,
        )
        .optional()?)
}

/// The message of that key.
///
/// # Errors
/// `conflict` for a bare uid of two conversations.
pub(super) fn find(connection: &Connection, key: &MessageKey) -> Result<Option<Node>> {
    match key {
        MessageKey::Id(id) => by_id(connection, *id),
        MessageKey::Uid(uid) => {
            let mut found = connection.rows(
                &format!("SELECT {COLUMNS} FROM messages WHERE uid = ?1 LIMIT 2"),
                params![uid],
                node,
            )?;
            if found.len() > 1 {
                return Err(StoreError::conflict(
                    "messages of two conversations have this uid: name it by { conversationId, uid }",
                ));
            }
            Ok(found.pop())
        }
        MessageKey::InConversation { conversation, uid } => {
            match super::conversations::find(connection, conversation)? {
                Some(chat) => by_uid(connection, chat.id, uid),
                None => Ok(None),
            }
        }
    }
}

/// The message of that key.
///
/// # Errors
/// `not-found`, `conflict`.
pub(super) fn require(connection: &Connection, key: &MessageKey) -> Result<Node> {
    find(connection, key)?
        .ok_or_else(|| StoreError::not_found(format!("there is no message with the {key}")))
}

/// The message of that key in a conversation: a bare uid is looked for in it only.
///
/// # Errors
/// `not-found`.
pub(super) fn require_in(
    connection: &Connection,
    conversation: i64,
    key: &MessageKey,
) -> Result<Node> {
    let found = match key {
        MessageKey::Uid(uid) => by_uid(connection, conversation, uid)?,
        _ => find(connection, key)?,
    };
    found
        .filter(|node| node.conversation == conversation)
        .ok_or_else(|| {
            StoreError::not_found(format!("this conversation has no message with the {key}"))
        })
}

/// Makes the path to `head` the one that is shown.
pub(super) fn show_path(
    connection: &Connection,
    conversation: i64,
    head: Option<i64>,
) -> Result<()> {
    let mut fresh = Vec::new();
    let mut at = head;
    let mut shared = -1;
    while let Some(id) = at {
        let Some(node) = by_id(connection, id)? else {
            break;
        };
        if node.on_path {
            shared = node.depth;
            break;
        }
        fresh.push(id);
        at = node.parent;
    }
    connection.run(
        "UPDATE messages SET on_path = 0, revision = coalesce(revision, 0) + 1
             WHERE conversation_id = ?1 AND depth > ?2 AND on_path = 1",
        params![conversation, shared],
    )?;
    let mut show = connection.prepare_cached(
        "UPDATE messages SET on_path = 1, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
    )?;
    for id in fresh {
        show.execute([id])?;
    }
    Ok(())
}

/// Makes these messages the path, where some of them have just been given other parents.
pub(super) fn set_path(connection: &Connection, conversation: i64, path: &[i64]) -> Result<()> {
    let shown = connection.rows::<i64>(
        "SELECT id FROM messages WHERE conversation_id = ?1 AND on_path = 1",
        params![conversation],
        |row| row.get(0),
    )?;
    let (was, is) = (numbered(&shown), numbered(path));
    let mut set = connection.prepare_cached(
        "UPDATE messages SET on_path = ?2, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
    )?;
    for id in shown.iter().filter(|id| !is.contains_key(id)) {
        set.execute(params![id, false])?;
    }
    for id in path.iter().filter(|id| !was.contains_key(id)) {
        set.execute(params![id, true])?;
    }
    Ok(())
}

/// Where each id stands.
fn numbered(ids: &[i64]) -> HashMap<i64, usize> {
    ids.iter().enumerate().map(|(at, id)| (*id, at)).collect()
}

/// The children of a message, or the roots, in the order of their ids.
pub(super) fn children(
    connection: &Connection,
    conversation: i64,
    parent: Option<i64>,
    depth: i64,
) -> Result<Vec<i64>> {
    let mut ids =
        connection.rows::<i64>(CHILDREN_OFF_PATH, params![conversation, parent], |row| {
            row.get(0)
        })?;
    let shown: Option<(i64, Option<i64>)> = connection
        .row(NEXT_ON_PATH, params![conversation, depth], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((id, of)) = shown
        && of == parent
    {
        ids.insert(ids.partition_point(|it| *it < id), id);
    }
    Ok(ids)
}

pub(super) const CHILDREN_OFF_PATH: &str = "SELECT id FROM messages INDEXED BY messages_branches
     WHERE conversation_id = ?1 AND parent_id IS ?2 AND on_path = 0 ORDER BY id";
pub(super) const NEXT_ON_PATH: &str = "SELECT id, parent_id FROM messages
     WHERE conversation_id = ?1 AND depth > ?2 AND on_path = 1 ORDER BY depth LIMIT 1";

/// The newest message below one that is off the path which nothing follows; itself, if nothing does.
pub(super) fn leaf(connection: &Connection, node: &Node) -> Result<(i64, String)> {
    Ok(connection.row(
        "WITH RECURSIVE below(id) AS (
               VALUES (?1)
               UNION ALL
               SELECT m.id FROM below JOIN messages m INDEXED BY messages_branches
                 ON m.conversation_id = ?2 AND m.parent_id = below.id AND m.on_path = 0)
             SELECT id, (SELECT uid FROM messages m WHERE m.id = below.id) FROM below
             WHERE NOT EXISTS (SELECT 1 FROM messages m INDEXED BY messages_branches
                 WHERE m.conversation_id = ?2 AND m.parent_id = below.id AND m.on_path = 0)
             ORDER BY id DESC LIMIT 1",
        params![node.id, node.conversation],
        |row| Ok((row.get(0)?, engine::text(row, 1)?)),
    )?)
}

/// Gives every message that is not deeper than its parent a depth that is. There must be no cycle.
pub(super) fn deepen(connection: &Connection, conversation: i64) -> Result<()> {
    let rows = connection.rows::<(i64, Option<i64>, i64)>(
        "SELECT id, parent_id, depth FROM messages WHERE conversation_id = ?1",
        params![conversation],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    let place = numbered(&ids);
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut next = Vec::new();
    for (at, (_, parent, depth)) in rows.iter().enumerate() {
        match parent {
            None => next.push((at, *depth)),
            Some(parent) => {
                if let Some(parent) = place.get(parent) {
                    children[*parent].push(at);
                }
            }
        }
    }
    let mut update = connection.prepare_cached(
        "UPDATE messages SET depth = ?2, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
    )?;
    while let Some((at, depth)) = next.pop() {
        for child in &children[at] {
            let (id, _, below) = rows[*child];
            if below <= depth {
                update.execute([id, depth + 1])?;
            }
            next.push((*child, below.max(depth + 1)));
        }
    }
    Ok(())
}
