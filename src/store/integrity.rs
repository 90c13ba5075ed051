//! Looking for damage, in steps between which other requests are served; nothing is written.
//!
//! The engine's own check of each table with its indexes, then of all pages; references between tables; the
//! checksums of the index of search; and what the store holds of its rows: attachments, counts, paths. Each
//! check is a statement that gives what is wrong, as text.

use rusqlite::{ToSql, params};

use super::engine::{self, Ask};
use super::heal::UNHEALED_MESSAGES;
use super::{Store, indexing};
use crate::error::{ErrorCode, Result};
use crate::model::{IntegrityReport, IntegrityStep};
use crate::search::segment::unsealed;

/// Problems that all steps together may tell.
const MOST: usize = 1_000;

/// The stages after the tables, which are counted up from 0.
const PAGES: i64 = 1_000_000;
const REFERENCES: i64 = PAGES + 1;
const SEARCH: i64 = PAGES + 2;
const ATTACHMENTS: i64 = PAGES + 3;
const CHATS: i64 = PAGES + 4;

/// What is wrong with conversations of ids above ?1, up to ?2. What another program changed is not looked
/// at: healing is due, and nothing is wrong.
const OF_CHATS: [&str; 3] = [
    "SELECT 'conversation ' || id || ': its count of messages, or its head, is wrong' FROM conversations c
     WHERE id > ?1 AND id <= ?2 AND {healed}
       AND (message_count IS NOT (SELECT count(*) FROM messages m WHERE m.conversation_id = c.id)
         OR head_uid IS NOT (SELECT uid FROM messages m WHERE m.id = c.head_id)
         OR head_id IS NOT (SELECT m.id FROM messages m WHERE m.conversation_id = c.id AND m.on_path = 1
                            ORDER BY m.depth DESC LIMIT 1))",
    "SELECT 'message ' || m.id || ': it is not below the one it follows'
     FROM conversations c JOIN messages m ON m.conversation_id = c.id
       LEFT JOIN messages p ON p.id = m.parent_id AND p.conversation_id = c.id
     WHERE c.id > ?1 AND c.id <= ?2 AND {healed} AND m.parent_id NOT NULL
       AND coalesce(p.depth, m.depth) >= m.depth",
    "SELECT 'conversation ' || id || ': its path is broken at message ' || message FROM
       (SELECT c.id, m.id AS message, m.parent_id,
          lag(m.id) OVER (PARTITION BY c.id ORDER BY m.depth) AS before
        FROM conversations c JOIN messages m ON m.conversation_id = c.id AND m.on_path = 1
        WHERE c.id > ?1 AND c.id <= ?2 AND {healed})
     WHERE parent_id IS NOT before",
];

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
        let next = match self.look(quick, stage, after, &mut problems) {
            // What could not be read is no reason to leave the rest.
            Err(error) if error.code == ErrorCode::Corrupt => {
                problems.push(error.message);
                (stage < CHATS).then(|| (stage + 1, 0))
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
        let mut tell = |sql: &str, params: &[&dyn ToSql]| -> Result<()> {
            problems.extend(engine::texts(connection, sql, params)?);
            Ok(())
        };
        match stage {
            ..PAGES => {
                let tables = engine::texts(
                    connection,
                    "SELECT quote(name) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0
                     ORDER BY rowid LIMIT 1 OFFSET ?1",
                    params![stage],
                )?;
                let Some(table) = tables.first() else {
                    return Ok(Some((PAGES, 0)));
                };
                let check = if quick { "quick" } else { "integrity" };
                let check = format!("PRAGMA {check}_check({table})");
                problems.extend(engine::damage(connection, &check)?);
            }
            // Whether a page is used twice, or by nobody, only a look at all of them tells.
            PAGES if !quick => {
                problems.extend(engine::damage(connection, "PRAGMA quick_check")?);
            }
            REFERENCES => tell(
                "SELECT \"table\" || ' ' || rowid || ' names a row of ' || parent || ' that is not there'
                 FROM pragma_foreign_key_check LIMIT 1000",
                params![],
            )?,
            SEARCH if !self.index_holds()? => {
                problems.push(
                    "the index of search is damaged; it is made anew at the next search".to_owned(),
                );
            }
            ATTACHMENTS => tell(
                "SELECT 'attachment ' || hash || ' lacks bytes' FROM blobs
                 WHERE complete AND size <> (SELECT coalesce(sum(length(data)), 0) FROM blob_pieces p
                   WHERE p.id >= blobs.id << 20 AND p.id < (blobs.id + 1) << 20) LIMIT 1000",
                params![],
            )?,
            CHATS => {
                let last: Option<i64> = connection.row(
                    "SELECT max(id) FROM
                       (SELECT id FROM conversations WHERE id > ?1 ORDER BY id LIMIT 50)",
                    params![after],
                    |row| row.get(0),
                )?;
                let Some(last) = last else { return Ok(None) };
                let healed = format!(
                    "c.revision NOT NULL AND c.id NOT IN (SELECT conversation_id FROM {UNHEALED_MESSAGES})"
                );
                for check in OF_CHATS {
                    tell(&check.replace("{healed}", &healed), params![after, last])?;
                }
                return Ok(Some((CHATS, last)));
            }
            _ => {}
        }
        Ok((stage < CHATS).then(|| (stage + 1, 0)))
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
}
