//! Looking for damage, in steps between which other requests are served; nothing is written.
//!
//! The engine's own check of each table with its indexes, then of all pages; references between tables; the
//! checksums of the index of search; and what the store holds of its rows: paths, depths, counts,
//! attachments.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::engine::{self, Ask};
use super::indexing;
use super::{PIECE, Store};
use crate::error::{ErrorCode, Result};
use crate::model::{IntegrityReport, IntegrityStep};
use crate::search::segment::unsealed;

/// Problems that one check may tell.
const TOLD: i64 = 100;
/// Problems that all steps together may tell.
const MOST: usize = 1_000;
/// Messages that a step looks at, about.
const MESSAGES_A_STEP: usize = 2_000;

/// The stages after the tables, which are counted up from 0.
const PAGES: i64 = 1_000_000;
const REFERENCES: i64 = PAGES + 1;
const SEARCH: i64 = PAGES + 2;
const CHATS: i64 = PAGES + 3;

impl Store {
    /// Looks for damage a step on; the first is at `(0, 0)`. `quick` does not hold indexes against
    /// their tables.
    ///
    /// # Errors
    /// Those of reading that are no damage. Damage is what this tells.
    pub fn integrity_step(
        &mut self,
        quick: bool,
        (stage, after): (i64, i64),
    ) -> Result<IntegrityStep> {
        let mut problems = Vec::new();
        let looked = self.look(quick, stage, after, &mut problems);
        let next = match looked {
            Err(error) if error.code == ErrorCode::Corrupt => {
                problems.push(error.message);
                after_failure(stage)
            }
            looked => looked?,
        };
        Ok(IntegrityStep { problems, next })
    }

    /// All steps, one after another.
    ///
    /// # Errors
    /// As of [`Store::integrity_step`].
    pub fn integrity_check(&mut self, quick: bool) -> Result<IntegrityReport> {
        let mut problems = Vec::new();
        let mut next = Some((0, 0));
        while let Some(at) = next {
            let step = self.integrity_step(quick, at)?;
            problems.extend(step.problems);
            next = step.next;
        }
        problems.truncate(MOST);
        let ok = problems.is_empty();
        Ok(IntegrityReport { ok, problems })
    }

    fn look(
        &mut self,
        quick: bool,
        stage: i64,
        after: i64,
        problems: &mut Vec<String>,
    ) -> Result<Option<(i64, i64)>> {
        let connection = &self.connection;
        let check = if quick {
            "quick_check"
        } else {
            "integrity_check"
        };
        Ok(match stage {
            ..PAGES => {
                let names = connection.rows(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0
                     ORDER BY rowid LIMIT 1 OFFSET ?1",
                    params![stage],
                    |row| engine::text(row, 0),
                )?;
                let Some(name) = names.first() else {
                    return Ok(Some((PAGES, 0)));
                };
                let name = name.replace('\'', "''");
                by_engine(connection, &format!("{check}('{name}')"), problems)?;
                Some((stage + 1, 0))
            }
            PAGES => {
                // Whether a page is used twice, or by nobody, only a look at all of them tells.
                if !quick {
                    by_engine(connection, &format!("quick_check({TOLD})"), problems)?;
                }
                Some((REFERENCES, 0))
            }
            REFERENCES => {
                let found = connection.rows(
                    "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT ?1",
                    params![TOLD],
                    |row| {
                        let (table, parent) = (engine::text(row, 0)?, engine::text(row, 2)?);
                        let id = engine::text(row, 1)?;
                        Ok(format!(
                            "{table} {id} names a row of {parent} that is not there"
                        ))
                    },
                )?;
                problems.extend(found);
                Some((SEARCH, 0))
            }
            SEARCH => {
                if !self.index_holds()? {
                    problems.push(
                        "the index of search is damaged; it is made anew at the next search"
                            .to_owned(),
                    );
                }
                Some((CHATS, 0))
            }
            _ => self
                .look_at_chats(after, problems)?
                .map(|last| (CHATS, last)),
        })
    }

    /// Whether the index of search reads well, every piece of it.
    fn index_holds(&self) -> Result<bool> {
        let mut holds = indexing::loads(&self.connection)?;
        self.connection.rows(
            "SELECT data FROM search_pieces WHERE id >> 32 IN (SELECT id FROM search_segments)",
            params![],
            |row| {
                holds &= row
                    .get_ref(0)?
                    .as_blob()
                    .is_ok_and(|it| unsealed(it).is_ok());
                Ok(())
            },
        )?;
        Ok(holds)
    }

    /// Looks at some conversations after the one of that id; the last of them, if there may be more.
    fn look_at_chats(&self, after: i64, problems: &mut Vec<String>) -> Result<Option<i64>> {
        let connection = &self.connection;
        let chats = connection.rows(
            "SELECT id, head_id, head_uid, message_count, revision IS NULL FROM conversations
             WHERE id > ?1 ORDER BY id LIMIT 200",
            params![after],
            |row| {
                Ok(Chat {
                    id: row.get(0)?,
                    head: engine::optional_integer(row, 1)?,
                    head_uid: engine::optional_text(row, 2)?,
                    count: engine::optional_integer(row, 3)?,
                    is_marked: row.get(4)?,
                })
            },
        )?;
        if after == 0 {
            look_at_attachments(connection, problems)?;
        }
        let mut looked_at = 0;
        let mut last = None;
        for chat in chats {
            looked_at += look_at_chat(connection, &chat, problems)? + 1;
            last = Some(chat.id);
            if looked_at >= MESSAGES_A_STEP {
                break;
            }
        }
        Ok(last)
    }
}

/// Where a check goes on that damage has ended: what could not be read is no reason to leave the rest.
fn after_failure(stage: i64) -> Option<(i64, i64)> {
    (stage < CHATS).then_some((stage + 1, 0))
}

/// Has the engine check; what it says but for "ok".
fn by_engine(connection: &Connection, pragma: &str, problems: &mut Vec<String>) -> Result<()> {
    let found = connection.rows(&format!("PRAGMA {pragma}"), params![], |row| {
        engine::text(row, 0)
    })?;
    problems.extend(found.into_iter().filter(|it| it != "ok"));
    Ok(())
}

struct Chat {
    id: i64,
    head: Option<i64>,
    head_uid: Option<String>,
    count: Option<i64>,
    /// Another program has changed it: healing is due, and nothing is wrong.
    is_marked: bool,
}

struct Node {
    uid: String,
    parent: Option<i64>,
    depth: Option<i64>,
    on_path: bool,
    is_marked: bool,
}

/// Holds a conversation against its messages; how many it has.
fn look_at_chat(connection: &Connection, chat: &Chat, problems: &mut Vec<String>) -> Result<usize> {
    let nodes: HashMap<i64, Node> = connection
        .rows(
            "SELECT id, uid, parent_id, depth, on_path, revision IS NULL FROM messages
             WHERE conversation_id = ?1",
            params![chat.id],
            |row| {
                let node = Node {
                    uid: engine::text(row, 1)?,
                    parent: engine::optional_integer(row, 2)?,
                    depth: engine::optional_integer(row, 3)?,
                    on_path: engine::flag(row, 4)?,
                    is_marked: row.get(5)?,
                };
                Ok((row.get(0)?, node))
            },
        )?
        .into_iter()
        .collect();
    if chat.is_marked || nodes.values().any(|node| node.is_marked) {
        return Ok(nodes.len());
    }
    let mut tell = |what: &str| problems.push(format!("conversation {}: {what}", chat.id));
    if chat.count != Some(nodes.len() as i64) {
        tell("its count of messages is wrong");
    }
    for (id, node) in &nodes {
        let Some(parent) = node.parent else { continue };
        match nodes.get(&parent) {
            None => tell(&format!("message {id} follows one that is not there")),
            Some(parent) if node.depth <= parent.depth => {
                tell(&format!("message {id} is not below the one it follows"));
            }
            Some(_) => {}
        }
    }
    let shown = nodes.values().filter(|node| node.on_path).count();
    let mut at = chat.head;
    let mut length = 0;
    while let Some(node) = at.and_then(|id| nodes.get(&id)).filter(|it| it.on_path) {
        length += 1;
        at = node.parent.filter(|_| length <= nodes.len());
    }
    let head = chat.head.and_then(|head| nodes.get(&head));
    if length != shown || head.map(|node| &node.uid) != chat.head_uid.as_ref() {
        tell("the path to its head is broken");
    }
    Ok(nodes.len())
}

/// Attachments that say to be complete and lack pieces.
fn look_at_attachments(connection: &Connection, problems: &mut Vec<String>) -> Result<()> {
    let found = connection.rows(
        "SELECT hash FROM blobs WHERE complete AND size <> (SELECT coalesce(sum(length(data)), 0)
           FROM blob_pieces p WHERE p.id BETWEEN blobs.id << 20 AND (blobs.id << 20) + size / ?1)
         LIMIT ?2",
        params![PIECE, TOLD],
        |row| Ok(format!("attachment {} lacks bytes", engine::text(row, 0)?)),
    )?;
    problems.extend(found);
    Ok(())
}
