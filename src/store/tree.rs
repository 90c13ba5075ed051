//! The tree of a conversation's messages, and the path through it that is shown.
//!
//! A row knows its parent, whether it is on the path, and a depth: above its parent's, no more.
//! So a page of the path is a range of one index however long the path is, and deleting in the
//! middle moves nobody. Off the path, children are found by an index that a linear chat leaves empty.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::engine::{self, Read};
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
        .prepare_cached(&format!("SELECT {COLUMNS} FROM messages WHERE id = ?1"))?
        .row([id], node)
        .optional()?)
}

/// A message of a conversation by its uid.
pub(super) fn by_uid(
    connection: &Connection,
    conversation: i64,
    uid: &str,
) -> Result<Option<Node>> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM messages WHERE uid = ?1 AND conversation_id = ?2"
        ))?
        .row(params![uid, conversation], node)
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
            let mut found = connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM messages WHERE uid = ?1 LIMIT 2"
                ))?
                .rows([uid], node)?;
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
    connection
        .prepare_cached(
            "UPDATE messages SET on_path = 0, revision = coalesce(revision, 0) + 1
             WHERE conversation_id = ?1 AND depth > ?2 AND on_path = 1",
        )?
        .execute([conversation, shared])?;
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
    let shown = connection
        .prepare_cached("SELECT id FROM messages WHERE conversation_id = ?1 AND on_path = 1")?
        .rows([conversation], |row| row.get(0))?
        .into_iter()
        .collect::<HashSet<i64>>();
    let wanted: HashSet<i64> = path.iter().copied().collect();
    let mut set = connection.prepare_cached(
        "UPDATE messages SET on_path = ?2, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
    )?;
    for id in shown.symmetric_difference(&wanted) {
        set.execute(params![id, wanted.contains(id)])?;
    }
    Ok(())
}

/// The children of a message, or the roots, in the order of their ids.
pub(super) fn children(
    connection: &Connection,
    conversation: i64,
    parent: Option<i64>,
    depth: i64,
) -> Result<Vec<i64>> {
    let mut ids = connection
        .prepare_cached(CHILDREN_OFF_PATH)?
        .rows::<i64>(params![conversation, parent], |row| row.get(0))?;
    let shown: Option<(i64, Option<i64>)> = connection
        .prepare_cached(NEXT_ON_PATH)?
        .row([conversation, depth], |row| Ok((row.get(0)?, row.get(1)?)))
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
    Ok(connection
        .prepare_cached(
            "WITH RECURSIVE below(id) AS (
               VALUES (?1)
               UNION ALL
               SELECT m.id FROM below JOIN messages m INDEXED BY messages_branches
                 ON m.conversation_id = ?2 AND m.parent_id = below.id AND m.on_path = 0)
             SELECT id, (SELECT uid FROM messages m WHERE m.id = below.id) FROM below
             WHERE NOT EXISTS (SELECT 1 FROM messages m INDEXED BY messages_branches
                 WHERE m.conversation_id = ?2 AND m.parent_id = below.id AND m.on_path = 0)
             ORDER BY id DESC LIMIT 1",
        )?
        .row([node.id, node.conversation], |row| {
            Ok((row.get(0)?, engine::text(row, 1)?))
        })?)
}

/// Gives every message that is not deeper than its parent a depth that is. There must be no cycle.
pub(super) fn deepen(connection: &Connection, conversation: i64) -> Result<()> {
    let rows = connection
        .prepare_cached("SELECT id, parent_id, depth FROM messages WHERE conversation_id = ?1")?
        .rows::<(i64, Option<i64>, i64)>([conversation], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let mut children: HashMap<Option<i64>, Vec<(i64, i64)>> = HashMap::new();
    for (id, parent, depth) in rows {
        children.entry(parent).or_default().push((id, depth));
    }
    let mut next: Vec<_> = children.get(&None).cloned().unwrap_or_default();
    let mut update = connection.prepare_cached(
        "UPDATE messages SET depth = ?2, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
    )?;
    while let Some((id, depth)) = next.pop() {
        for (child, child_depth) in children.get(&Some(id)).into_iter().flatten() {
            if *child_depth <= depth {
                update.execute([*child, depth + 1])?;
                next.push((*child, depth + 1));
            } else {
                next.push((*child, *child_depth));
            }
        }
    }
    Ok(())
}
