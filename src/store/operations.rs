//! Operations: what was done once is not done again, however often it is asked for.
//!
//! A call that changes something carries an [`Operation`]. Its record, the result with it, is written
//! in the transaction of its effect; asked for again, it gives the first result. A tab's own records
//! go when it says that it has the answers, so that a tab that awaits each call has one.

use rusqlite::{Connection, OptionalExtension, params};

use super::engine::Ask;
use super::{Env, Store, engine, tree};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{AddedMessage, Counts, ImportCounts, ImportFailure, Operation};
use crate::planted::{Bug, planted};
use crate::time::Timestamp;

/// Milliseconds for which a record of a name is kept: a day.
const KEPT_MILLIS: i64 = 24 * 60 * 60 * 1_000;
/// So many of the last names are kept, however old.
const KEPT_LAST: i64 = 10_000;
/// Never more names than this, however young.
const KEPT_MOST: i64 = 100_000;

/// A result, as a record keeps it.
pub trait Recorded: Sized {
    /// As text.
    fn to_record(&self) -> String;
    /// From that text.
    fn from_record(text: &str) -> Option<Self>;
}

impl Recorded for () {
    fn to_record(&self) -> String {
        String::new()
    }

    fn from_record(_: &str) -> Option<Self> {
        Some(())
    }
}

impl Recorded for i64 {
    fn to_record(&self) -> String {
        self.to_string()
    }

    fn from_record(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Recorded for AddedMessage {
    fn to_record(&self) -> String {
        // The uid last: only it may hold a space.
        format!("{} {} {}", self.id, self.created_at.millis(), self.uid)
    }

    fn from_record(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ' ');
        Some(Self {
            id: parts.next()?.parse().ok()?,
            created_at: Timestamp::from_millis(parts.next()?.parse().ok()?),
            uid: parts.next()?.to_owned(),
        })
    }
}

/// Fields of a record, each with its length before it.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn text(&mut self) -> Option<&'a str> {
        let (length, rest) = self.0.split_once(':')?;
        let length = length.parse().ok()?;
        let field = rest.get(..length)?;
        self.0 = &rest[length..];
        Some(field)
    }

    fn number(&mut self) -> Option<i64> {
        self.text()?.parse().ok()
    }
}

fn push(record: &mut String, field: &str) {
    record.push_str(&format!("{}:{field}", field.len()));
}

/// Bytes of a record above which only ids are kept.
const LONGEST_RECORD: usize = 65_536;

impl Recorded for Vec<AddedMessage> {
    fn to_record(&self) -> String {
        let mut record = String::new();
        for added in self {
            push(&mut record, &added.to_record());
        }
        if record.len() > LONGEST_RECORD {
            record.clear();
            for added in self {
                push(&mut record, &format!("{} 0 ", added.id));
            }
        }
        record
    }

    fn from_record(text: &str) -> Option<Self> {
        let mut fields = Fields(text);
        let mut all = Vec::new();
        while !fields.0.is_empty() {
            all.push(AddedMessage::from_record(fields.text()?)?);
        }
        Some(all)
    }
}

/// Of failures, the first are recorded: a record is to stay small.
const RECORDED_FAILURES: usize = 100;

impl Recorded for ImportCounts {
    fn to_record(&self) -> String {
        let mut record = String::new();
        for counts in [&self.conversations, &self.messages] {
            for number in [
                counts.created,
                counts.updated,
                counts.skipped,
                counts.failed,
            ] {
                push(&mut record, &number.to_string());
            }
        }
        push(&mut record, &self.ids.len().to_string());
        for id in &self.ids {
            push(&mut record, &id.to_string());
        }
        for failure in self.failures.iter().take(RECORDED_FAILURES) {
            push(&mut record, &failure.kind);
            push(&mut record, &failure.id);
            push(
                &mut record,
                if failure.code == ErrorCode::Conflict {
                    "conflict"
                } else {
                    ""
                },
            );
            push(&mut record, &failure.message);
        }
        record
    }

    fn from_record(text: &str) -> Option<Self> {
        let mut fields = Fields(text);
        let mut counts = || -> Option<Counts> {
            Some(Counts {
                created: fields.number()?,
                updated: fields.number()?,
                skipped: fields.number()?,
                failed: fields.number()?,
            })
        };
        let (conversations, messages) = (counts()?, counts()?);
        let ids = (0..fields.number()?)
            .map(|_| fields.number())
            .collect::<Option<_>>()?;
        let mut failures = Vec::new();
        while !fields.0.is_empty() {
            failures.push(ImportFailure {
                kind: fields.text()?.to_owned(),
                id: fields.text()?.to_owned(),
                code: match fields.text()? {
                    "conflict" => ErrorCode::Conflict,
                    _ => ErrorCode::InvalidArgument,
                },
                message: fields.text()?.to_owned(),
            });
        }
        Some(Self {
            conversations,
            messages,
            ids,
            failures,
        })
    }
}

/// A record as it was found.
struct Found {
    fingerprint: i64,
    result: String,
}

impl Store {
    /// Does `work` in one transaction with its record, or gives the result of the first time.
    /// `fingerprint` stands for what is asked; without an operation nothing is recorded.
    ///
    /// # Errors
    /// Those of `work`; `conflict` if the operation was another request's.
    pub fn once<T: Recorded>(
        &mut self,
        operation: Option<&Operation>,
        fingerprint: i64,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let Some(operation) = operation.filter(|_| !planted(Bug::NoRecord)) else {
            return self.atomically(work);
        };
        if let Some(result) = self.recorded(operation, fingerprint)? {
            return Ok(result);
        }
        if planted(Bug::RecordOutside) {
            return self.atomically(work);
        }
        self.atomically(|store| {
            let value = work(store)?;
            store.record(operation, fingerprint, &value)?;
            Ok(value)
        })
    }

    /// The result of an operation that was done before.
    ///
    /// # Errors
    /// `conflict` if it was another request's; `timeout` if a later one of its tab was carried out.
    pub fn recorded<T: Recorded>(
        &self,
        operation: &Operation,
        fingerprint: i64,
    ) -> Result<Option<T>> {
        let Some(result) = self.result_of(operation, fingerprint)? else {
            return Ok(None);
        };
        T::from_record(&result).map(Some).ok_or_else(|| {
            StoreError::new(
                ErrorCode::Corrupt,
                "the record of this operation cannot be read",
            )
        })
    }

    fn result_of(&self, operation: &Operation, fingerprint: i64) -> Result<Option<String>> {
        let found = match operation {
            Operation::Named { name } => self.named(name)?,
            Operation::Own { tab, number, .. } => self.own(tab, *number)?,
        };
        let Some(found) = found else { return Ok(None) };
        if found.fingerprint != fingerprint {
            return Err(StoreError::conflict(
                "operationId: another call was made under it, with another method or other arguments: \
                 give each its own",
            ));
        }
        Ok(Some(found.result))
    }

    fn named(&self, name: &str) -> Result<Option<Found>> {
        let found = self.named_record(name)?;
        // A tab's own that timed out is asked for again under this name.
        match own_number(name) {
            Some((tab, number)) if found.is_none() => self.own_record(tab, number),
            _ => Ok(found),
        }
    }

    fn named_record(&self, name: &str) -> Result<Option<Found>> {
        if !self.has_names.get() {
            return Ok(None);
        }
        let sql = "SELECT fingerprint, result FROM named_operations WHERE operation = ?1";
        let found = self.connection.row(sql, params![name], |row| {
            Ok(Found {
                fingerprint: row.get(0)?,
                result: engine::text(row, 1)?,
            })
        });
        Ok(found.optional()?)
    }

    fn own_record(&self, tab: &str, number: i64) -> Result<Option<Found>> {
        let sql = "SELECT fingerprint, result FROM operations WHERE tab = ?1 AND number = ?2";
        let found = self.connection.row(sql, params![tab, number], |row| {
            Ok(Found {
                fingerprint: row.get(0)?,
                result: engine::text(row, 1)?,
            })
        });
        Ok(found.optional()?)
    }

    fn own(&self, tab: &str, number: i64) -> Result<Option<Found>> {
        let last: Option<i64> = self.connection.row(
            "SELECT max(number) FROM operations WHERE tab = ?1",
            params![tab],
            |row| row.get(0),
        )?;
        // Most often it is a tab's next operation: above its last.
        let is_passed =
            last.is_some_and(|last| number <= last) || self.forgotten.iter().any(|it| it == tab);
        if is_passed && let Some(found) = self.own_record(tab, number)? {
            return Ok(Some(found));
        }
        // It may have been asked for again before it came, if its tab stood still meanwhile.
        let found = self.named_record(&own_name(tab, number))?;
        if found.is_none() && is_passed {
            // A tab's operations are carried out in their order. Either this one was answered and
            // comes once more, or it had to be left out and its tab gave it more time since.
            return Err(StoreError::new(
                ErrorCode::Timeout,
                "a later call of this tab was carried out before it",
            ));
        }
        Ok(found)
    }

    /// Records an operation, in the transaction under way.
    ///
    /// # Errors
    /// Those of writing.
    pub fn record(
        &self,
        operation: &Operation,
        fingerprint: i64,
        value: &impl Recorded,
    ) -> Result<()> {
        self.record_text(operation, fingerprint, &value.to_record())
    }

    fn record_text(&self, operation: &Operation, fingerprint: i64, result: &str) -> Result<()> {
        if !matches!(operation, Operation::Own { open, .. } if open.is_empty()) {
            self.has_names.set(true);
        }
        match operation {
            Operation::Own {
                tab,
                number,
                done,
                open,
            } => {
                let done = if planted(Bug::PruneEarly) {
                    *number - 1
                } else {
                    *done
                };
                forget_answered(&self.connection, &self.env, tab, done, open)?;
                self.connection
                    .run(
                        "INSERT INTO operations (tab, number, done, fingerprint, result) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![tab, number, done, fingerprint, result],
                    )?;
            }
            Operation::Named { name } => {
                record_name(&self.connection, &self.env, name, fingerprint, result)?;
            }
        }
        Ok(())
    }

    /// Says which tabs are alive: the records of all others go with the next write.
    ///
    /// # Errors
    /// Those of reading.
    pub fn retain_tabs(&mut self, alive: &[impl AsRef<str>]) -> Result<()> {
        let tabs =
            self.connection
                .rows("SELECT DISTINCT tab FROM operations", params![], |row| {
                    engine::text(row, 0)
                })?;
        self.gone = tabs
            .into_iter()
            .filter(|tab| !alive.iter().any(|it| it.as_ref() == tab))
            .collect();
        let fresh = self.gone.iter().filter(|tab| !self.forgotten.contains(tab));
        let fresh: Vec<_> = fresh.cloned().collect();
        self.forgotten.extend(fresh);
        Ok(())
    }

    /// Fills in what a long result's record does not hold, of the rows that are still there.
    ///
    /// # Errors
    /// Those of reading.
    pub fn complete_added(&self, added: &mut [AddedMessage]) -> Result<()> {
        for row in added.iter_mut().filter(|row| row.uid.is_empty()) {
            if let Some(node) = tree::by_id(&self.connection, row.id)? {
                row.uid = node.uid;
                row.created_at = node.created_at;
            }
        }
        Ok(())
    }

    /// How many records there are: the tabs' own, and those of names.
    ///
    /// # Errors
    /// Those of reading.
    pub fn count_operations(&self) -> Result<(i64, i64)> {
        Ok(self.connection.row(
            "SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM named_operations)",
            params![],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }
}

/// The tab and number in the name by which a tab's own operation is asked for again.
fn own_number(name: &str) -> Option<(&str, i64)> {
    let (tab, number) = name.split_once('/')?;
    Some((tab, number.parse().ok()?))
}

/// That name.
fn own_name(tab: &str, number: i64) -> String {
    format!("{tab}/{number}")
}

/// Drops the records of tabs that are gone. Their names stay: someone may still ask again.
pub(super) fn forget_tabs(connection: &Connection, env: &Env, gone: &[String]) -> Result<()> {
    for tab in gone {
        let records = connection.rows::<(i64, i64, String)>(
            "SELECT number, fingerprint, result FROM operations WHERE tab = ?1",
            params![tab],
            |row| Ok((row.get(0)?, row.get(1)?, engine::text(row, 2)?)),
        )?;
        for (number, fingerprint, result) in records {
            record_name(
                connection,
                env,
                &own_name(tab, number),
                fingerprint,
                &result,
            )?;
        }
        connection.run("DELETE FROM operations WHERE tab = ?1", params![tab])?;
    }
    Ok(())
}

/// Drops a tab's records up to `done`. Those of calls that timed out are kept by the names under which
/// they may be asked for again.
fn forget_answered(
    connection: &Connection,
    env: &Env,
    tab: &str,
    done: i64,
    open: &[i64],
) -> Result<()> {
    for number in open.iter().filter(|number| **number <= done) {
        let record: Option<(i64, String)> = connection
            .row(
                "SELECT fingerprint, result FROM operations WHERE tab = ?1 AND number = ?2",
                params![tab, number],
                |row| Ok((row.get(0)?, engine::text(row, 1)?)),
            )
            .optional()?;
        if let Some((fingerprint, result)) = record {
            record_name(
                connection,
                env,
                &own_name(tab, *number),
                fingerprint,
                &result,
            )?;
        }
    }
    connection.run(
        "DELETE FROM operations WHERE tab = ?1 AND number <= ?2",
        params![tab, done],
    )?;
    Ok(())
}

fn record_name(
    connection: &Connection,
    env: &Env,
    name: &str,
    fingerprint: i64,
    result: &str,
) -> Result<()> {
    let now = env.now();
    let id: i64 = connection.row(
        "INSERT INTO named_operations (id, operation, fingerprint, result, at)
             VALUES ((SELECT coalesce(max(id), 0) + 1 FROM named_operations), ?1, ?2, ?3, ?4)
             ON CONFLICT (operation) DO UPDATE SET result = excluded.result
             RETURNING id",
        params![name, fingerprint, result, now.to_sql()],
        |row| row.get(0),
    )?;
    // Each drops a few of the oldest, so that none drops many.
    let day_ago = Timestamp::from_millis(now.millis() - KEPT_MILLIS);
    connection.run(
        "DELETE FROM named_operations WHERE (at < ?1 OR id <= ?2) AND id IN
               (SELECT id FROM named_operations WHERE id <= ?3 ORDER BY id LIMIT 4)",
        params![day_ago.to_sql(), id - KEPT_MOST, id - KEPT_LAST],
    )?;
    Ok(())
}
