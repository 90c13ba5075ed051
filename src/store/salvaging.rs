//! Rows that were read out of damaged files, taken into a database of their own.
//!
//! Ids, uids and all columns stay as they were read. Of several rows with one key the one of the highest
//! revision stays, which is the newest, and of equal ones the first. What contradicts the schema is told and
//! left out; what the rows say of each other (paths, counts, references) is then healed, as in a file that
//! another program wrote. Knows no damaged file: `src/salvage` reads those.

use conversation_salvage::batch::{self, Row};
use conversation_salvage::btree::Value;
use conversation_salvage::tables::Table;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params};

use super::engine::{self, Ask};
use super::{Env, Hasher, Location, PIECE, Store, blobs, growth, open};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{Durability, MAX_SAFE_INTEGER, SalvageLoss, SalvageReport};

/// Losses that are told one by one.
const TOLD: usize = 1_000;
/// An id above this was not given by a store: damage made it so large, and it would use up all others.
const HIGHEST_ID: i64 = MAX_SAFE_INTEGER / 2;

/// A database that is being made of rows that were salvaged.
pub struct Salvage {
    store: Store,
    report: SalvageReport,
    /// The highest that the damaged database said to have given out.
    last_ids: [i64; 2],
}

impl Salvage {
    /// Makes an empty database in the file `path`, which must be absent or empty.
    ///
    /// # Errors
    /// Those of writing.
    pub fn begin(path: &str, vfs: Option<&str>, env: Env) -> Result<Self> {
        let location = Location::Copy { path, vfs };
        let store = Store::open(location, Durability::Relaxed, env)?;
        // A message may come whose conversation does not.
        open::configure(
            &store.connection,
            DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY,
            false,
        )?;
        Ok(Self {
            store,
            report: SalvageReport::default(),
            last_ids: [0; 2],
        })
    }

    /// Takes in a batch as `conversation_salvage` gives it.
    ///
    /// # Errors
    /// Those of writing. Rows that cannot be taken are told at the end.
    pub fn take(&mut self, batch: &[u8]) -> Result<()> {
        let (report, last_ids) = (&mut self.report, &mut self.last_ids);
        self.store.write(|writing| {
            for row in batch::rows(batch) {
                take_row(writing.connection, &row, report, last_ids)?;
            }
            Ok(())
        })
    }

    /// Heals what was taken in, checks it and closes the database. `step` is called now and then, and
    /// may give it up.
    ///
    /// # Errors
    /// Those of writing, and of `step`.
    pub fn finish(self, step: &mut dyn FnMut() -> Result<()>) -> Result<SalvageReport> {
        let Self {
            mut store,
            mut report,
            last_ids,
        } = self;
        let count = |store: &Store, sql: &str| -> Result<i64> {
            Ok(store.connection.row(sql, params![], |row| row.get(0))?)
        };
        report.conversations.recovered = count(&store, "SELECT count(*) FROM conversations")?;
        report.messages.recovered = count(&store, "SELECT count(*) FROM messages")?;
        report.conversations.lost = count(
            &store,
            "SELECT count(DISTINCT conversation_id) FROM messages
             WHERE conversation_id NOT IN (SELECT id FROM conversations)",
        )?;
        // A count that is damaged is not believed.
        report.messages.lost = count(
            &store,
            "SELECT coalesce(sum(max(0, message_count - (SELECT count(*) FROM messages m
               WHERE m.conversation_id = c.id))), 0) FROM conversations c
             WHERE message_count < 1000000",
        )?;
        let mut after = Some(0);
        while let Some(last) = after {
            step()?;
            after = store.heal_step(last)?.next;
        }
        store.write(|writing| {
            mend_growth(writing.connection)?;
            growth::settle_all(writing)
        })?;
        store.heal_streams(&[] as &[&str])?;
        step()?;
        store.write(|writing| name_attachments(writing.connection))?;
        check_attachments(&mut store, &mut report, step)?;
        store.write(|writing| {
            writing.connection.run(
                "UPDATE store_state SET last_conversation_id = max(last_conversation_id, ?1),
                   last_message_id = max(last_message_id, ?2)",
                params![last_ids[0], last_ids[1]],
            )?;
            Ok(())
        })?;
        store.check_salvaged()?;
        step()?;
        store.set_durability(Durability::Strict)?;
        store.close()?;
        Ok(report)
    }
}

impl Store {
    fn check_salvaged(&self) -> Result<()> {
        let damage = engine::damage(&self.connection, "PRAGMA integrity_check(8)")?;
        let strangers = self
            .connection
            .rows("PRAGMA foreign_key_check", params![], |_| Ok(()))?;
        if damage.is_empty() && strangers.is_empty() {
            return Ok(());
        }
        Err(StoreError::new(
            ErrorCode::Internal,
            format!(
                "what was salvaged does not hold together: {}",
                engine::in_brief(&damage)
            ),
        ))
    }
}

fn tell(report: &mut SalvageReport, kind: &'static str, id: String, reason: String) {
    if report.losses.len() < TOLD {
        report.losses.push(SalvageLoss { kind, id, reason });
    }
}

fn take_row(
    connection: &Connection,
    row: &Row<'_>,
    report: &mut SalvageReport,
    last_ids: &mut [i64; 2],
) -> Result<()> {
    let number = |at: usize| match row.values.get(at) {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    };
    let is_id = |id: i64| (1..=HIGHEST_ID).contains(&id);
    let (name, columns) = row.table.columns();
    let is_possible = match row.table {
        Table::StoreState => {
            for (last, at) in last_ids.iter_mut().zip([2, 3]) {
                *last = (*last).max(number(at)).min(HIGHEST_ID);
            }
            return Ok(());
        }
        Table::Messages => is_id(number(0)) && is_id(number(1)),
        // Their ids are part of those of their pieces.
        Table::Blobs => (1..=1 << 32).contains(&number(0)) && number(2) < 1 << 38,
        Table::BlobPieces => number(0) > 0,
        _ => is_id(number(0)),
    };
    let id = number(0).to_string();
    if !is_possible {
        skip(row.table, report, id, "its id was never given".to_owned());
        return Ok(());
    }
    let columns = &columns[..row.values.len().min(columns.len())];
    let sql = insertion(name, columns.iter().map(|(name, _)| *name), row.table);
    let mut values: Vec<ToSqlOutput<'_>> = columns
        .iter()
        .zip(&row.values)
        .map(|((column, _), value)| bound(*column == "content", *value))
        .collect();
    let mut inserted = insert(connection, &sql, &values);
    // Two rows of one uid: it is the row that counts. Healing gives it another.
    if inserted.as_ref().is_err_and(is_constraint)
        && let Some(at) = columns.iter().position(|(name, _)| *name == "uid")
        && matches!(row.table, Table::Conversations | Table::Messages)
    {
        values[at] = ToSqlOutput::Borrowed(ValueRef::Null);
        inserted = insert(connection, &sql, &values);
    }
    match inserted {
        Ok(0) => {}
        Ok(_) if row.is_cut => {
            let reason = "the end of it is lost".to_owned();
            if let Some(kind) = kind_of(row.table) {
                tell(report, kind, id, reason);
            }
        }
        Ok(_) => {}
        Err(error) if is_constraint(&error) => skip(row.table, report, id, error.to_string()),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn kind_of(table: Table) -> Option<&'static str> {
    match table {
        Table::Conversations => Some("conversation"),
        Table::Messages => Some("message"),
        Table::Blobs => Some("attachment"),
        _ => None,
    }
}

fn skip(table: Table, report: &mut SalvageReport, id: String, reason: String) {
    let Some(kind) = kind_of(table) else { return };
    match table {
        Table::Conversations => report.conversations.skipped += 1,
        Table::Messages => report.messages.skipped += 1,
        _ => report.attachments.skipped += 1,
    }
    tell(report, kind, id, reason);
}

/// What takes a row of those columns in: in the place of an older one.
fn insertion<'a>(table: &str, columns: impl Iterator<Item = &'a str> + Clone, of: Table) -> String {
    let names: Vec<_> = columns.collect();
    let places: Vec<_> = (1..=names.len()).map(|n| format!("?{n}")).collect();
    let (list, places) = (names.join(", "), places.join(", "));
    let clash = match of {
        Table::Conversations | Table::Messages if names.contains(&"revision") => {
            let set: Vec<_> = names
                .iter()
                .map(|it| format!("{it} = excluded.{it}"))
                .collect();
            format!(
                "ON CONFLICT (id) DO UPDATE SET {} WHERE excluded.revision > {table}.revision",
                set.join(", ")
            )
        }
        Table::Conversations | Table::Messages => "ON CONFLICT (id) DO NOTHING".to_owned(),
        _ => "ON CONFLICT DO NOTHING".to_owned(),
    };
    format!("INSERT INTO {table} ({list}) VALUES ({places}) {clash}")
}

fn insert(
    connection: &Connection,
    sql: &str,
    values: &[ToSqlOutput<'_>],
) -> rusqlite::Result<usize> {
    let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
    connection.run(sql, &values)
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

/// A value as it was read. Text that is no UTF-8 any more is stored as it reads, but a message's content
/// as it is: healing keeps its bytes.
fn bound(is_content: bool, value: Value<'_>) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Integer(number) => ValueRef::Integer(number),
        Value::Real(number) => ValueRef::Real(number),
        Value::Blob(bytes) => ValueRef::Blob(bytes),
        Value::Text(bytes) if is_content || std::str::from_utf8(bytes).is_ok() => {
            ValueRef::Text(bytes)
        }
        Value::Text(bytes) => {
            return ToSqlOutput::Owned(String::from_utf8_lossy(bytes).into_owned().into());
        }
    })
}

/// What grew beside a message is folded in also where it is lost that the message grew. To be called once
/// parts are healed.
fn mend_growth(connection: &Connection) -> Result<()> {
    Ok(connection.execute_batch(
        "DELETE FROM growing WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = message_id);
         UPDATE growing SET writer = NULL;
         INSERT INTO growing (message_id, conversation_id, conversation_uid, uid, length, is_new_part, has_gap)
           SELECT m.id, m.conversation_id, '', '', min(g.start), 0, 0
           FROM growth g JOIN messages m ON m.id = g.message_id
           WHERE g.message_id NOT IN (SELECT message_id FROM growing) GROUP BY m.id;
         UPDATE growing SET is_new_part = coalesce((SELECT json_extract(m.parts, '$[#-1].type') IS NOT 'text'
           FROM messages m WHERE m.id = message_id AND m.parts IS NOT NULL), 0);
         UPDATE growing SET has_gap = is_new_part AND EXISTS (SELECT 1 FROM messages m, json_each(m.parts) p
           WHERE m.id = message_id AND json_extract(p.value, '$.type') = 'text');",
    )?)
}

/// Notes which attachments conversations name; healing has noted those of messages.
fn name_attachments(connection: &Connection) -> Result<()> {
    let all = connection.rows(
        "SELECT id, coalesce(metadata, '') || coalesce(source, '') FROM conversations
         WHERE metadata IS NOT NULL OR source IS NOT NULL",
        params![],
        |row| Ok((row.get::<_, i64>(0)?, engine::text(row, 1)?)),
    )?;
    for (id, text) in all {
        blobs::add_references(connection, id, 0, &text)?;
    }
    Ok(())
}

/// An attachment is known by its bytes: one that has others is not it.
fn check_attachments(
    store: &mut Store,
    report: &mut SalvageReport,
    step: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let all = store.connection.rows(
        "SELECT id, hash, size, complete FROM blobs",
        params![],
        |row| Ok((row.get(0)?, engine::text(row, 1)?, row.get(2)?, row.get(3)?)),
    )?;
    for (id, hash, size, was_complete) in all {
        let mut hasher = Hasher::default();
        let mut number = 0;
        let mut length = 0;
        loop {
            step()?;
            let bytes = blobs::piece(&store.connection, id, number)?;
            hasher.update(&bytes);
            length += bytes.len() as i64;
            number += 1;
            if number * PIECE >= size || bytes.is_empty() {
                break;
            }
        }
        let is_whole = length == size && hasher.finish() == hash;
        store.write(|writing| {
            let connection = writing.connection;
            if is_whole {
                connection.run("UPDATE blobs SET complete = 1 WHERE id = ?1", params![id])?;
                return Ok(());
            }
            blobs::remove(connection, id)
        })?;
        if is_whole {
            report.attachments.recovered += 1;
        } else if was_complete {
            tell(
                report,
                "attachment",
                hash,
                "not all of its bytes are there".to_owned(),
            );
        }
    }
    store.write(|writing| {
        // What belongs to none.
        writing.connection.run(
            "DELETE FROM blob_pieces WHERE id >> 20 NOT IN (SELECT id FROM blobs)",
            params![],
        )?;
        Ok(())
    })?;
    report.attachments.lost = store.connection.row(
        "SELECT count(DISTINCT hash) FROM blob_refs WHERE hash NOT IN (SELECT hash FROM blobs)",
        params![],
        |row| row.get(0),
    )?;
    Ok(())
}
