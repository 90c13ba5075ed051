//! The store: conversations and messages in one SQLite database, behind synchronous methods.
//!
//! The only module tree that holds SQL or names the engine (rusqlite): another engine is a change
//! here and nowhere else. It names no JavaScript type and reads no clock and no source of
//! randomness; both come in through [`Env`]. One connection, one caller at a time.

mod base64;
mod blobs;
mod body;
mod conversations;
mod copy;
mod engine;
mod group_commit;
mod growth;
mod heal;
mod importing;
mod indexing;
mod integrity;
mod messages;
mod open;
mod operations;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod plans;
mod salvaging;
mod saving;
pub mod schema;
mod search;
mod shrinking;
mod tree;

use std::cell::Cell;

use rusqlite::{Connection, params};

pub use blobs::{Hasher, PIECE};
pub use group_commit::Outcome;
pub use indexing::Tuning;
pub use open::{Location, OpenedAs};
pub use salvaging::Salvage;

use self::engine::Ask;
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{ChangeOp, Durability, HealReport, RowChange, RowKind};
use crate::planted::{self, Bug, planted};
use crate::search::fold::Unicode;
use crate::time::Timestamp;

/// Fills a buffer with random bytes.
pub type Random = Box<dyn Fn(&mut [u8])>;

/// What the store needs of the world: the time, random bytes, and what Unicode says.
pub struct Env {
    /// Milliseconds since 1970. May go backwards.
    pub now: Box<dyn Fn() -> i64>,
    /// Source of the random part of uids.
    pub random: Random,
    /// How texts are compared and cut.
    pub unicode: Box<dyn Unicode>,
}

impl Env {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis((self.now)())
    }

    /// A UUID of version 7 (RFC 9562) of this time: new rows land at the end of their index.
    fn uid(&self, at: Timestamp) -> String {
        let mut random = [0; 10];
        (self.random)(&mut random);
        let millis = u64::try_from(at.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random)
            .into_uuid()
            .to_string()
    }
}

/// What a commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// One row.
    Row(RowChange),
    /// All of them: read again.
    Reset,
}

/// Commits after which a pause is used for a checkpoint, which flushes twice.
const CHECKPOINTED_FROM: u32 = 10;

/// An open database.
pub struct Store {
    connection: Connection,
    env: Env,
    opened: OpenedAs,
    /// `None`: it could not be set, and may be either.
    durability: Option<Durability>,
    /// The tab whose request is carried out.
    tab: Option<String>,
    /// What was healed and not yet told.
    report: HealReport,
    /// A transaction is open: what writes, writes in it.
    within: bool,
    /// Since the last checkpoint.
    commits: u32,
    /// Committed or about to be, and not yet taken.
    changes: Vec<Change>,
    /// Tabs whose records go with the next write.
    gone: Vec<String>,
    /// There are, or may be, records of names: where there are none, none is looked for.
    has_names: Cell<bool>,
    /// Tabs whose records went: what they sent may still come, and is not carried out.
    forgotten: Vec<String>,
    /// What is known of the index of search.
    index: indexing::Index,
    /// Free pages are being given back.
    shrinking: bool,
}

/// What can wait does, where there is no space for it: it is found undone the next time.
fn unless_full(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if error.is_of_space() => Ok(()),
        done => done,
    }
}

/// A transaction under way.
struct Writing<'a> {
    connection: &'a Connection,
    env: &'a Env,
    /// The time of the call: read once, so that all that one call writes bears one time.
    now: Timestamp,
    /// The tab that asks.
    tab: Option<&'a str>,
    changes: &'a mut Vec<Change>,
    report: &'a mut HealReport,
}

impl Writing<'_> {
    fn changed_conversation(&mut self, op: ChangeOp, id: i64, uid: &str) {
        self.changes.push(Change::Row(RowChange {
            kind: RowKind::Conversation,
            op,
            id,
            uid: uid.to_owned(),
            conversation_id: id,
            conversation_uid: uid.to_owned(),
            append: None,
            former_uid: None,
        }));
    }

    fn changed_message(&mut self, op: ChangeOp, id: i64, uid: &str, chat: &conversations::Chat) {
        let change = messages::message_change(op, id, uid, chat);
        self.changes.push(Change::Row(change));
    }
}

impl Store {
    /// How it was opened: what the pragmas answered.
    pub fn opened_as(&self) -> &OpenedAs {
        &self.opened
    }

    /// Sets how soon the next writes are safe, which callers may want differently.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn set_durability(&mut self, durability: Durability) -> Result<()> {
        self.end_what_was_left()?;
        if self.durability != Some(durability) {
            if !planted(Bug::HalfSet) {
                self.durability = None;
            }
            open::set_synchronous(&self.connection, durability)?;
            self.durability = Some(durability);
        }
        Ok(())
    }

    /// How soon the next writes are safe; where that could not be set, they are to be so at once.
    pub fn durability(&self) -> Durability {
        self.durability.unwrap_or_default()
    }

    /// Takes over from a store of the same file, which is as it was before some of that one's commits, what is
    /// known of tabs and stands in no file.
    pub fn succeed(&mut self, other: &mut Self) {
        self.forgotten = std::mem::take(&mut other.forgotten);
    }

    /// Says which tab asks for what comes next: what it leaves streaming is its own.
    pub fn set_tab(&mut self, tab: Option<&str>) {
        if self.tab.as_deref() != tab {
            self.tab = tab.map(str::to_owned);
        }
    }

    /// What was committed since this was last asked, in order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Runs `work` in one transaction, or in the one that is open: all of it happens, or, on an
    /// error, none.
    fn write<T>(&mut self, work: impl FnOnce(&mut Writing<'_>) -> Result<T>) -> Result<T> {
        self.atomically(|store| {
            work(&mut Writing {
                connection: &store.connection,
                env: &store.env,
                now: store.env.now(),
                tab: store.tab.as_deref(),
                changes: &mut store.changes,
                report: &mut store.report,
            })
        })
    }

    fn atomically<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let (mut work, mut value) = (Some(work), None);
        self.in_transaction(&mut |store| {
            value = work.take().map(|work| work(store)).transpose()?;
            Ok(())
        })?;
        value.ok_or_else(|| StoreError::new(ErrorCode::Internal, "nothing was carried out"))
    }

    /// The same, written once for whatever the work gives.
    fn in_transaction(&mut self, work: &mut dyn FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.within {
            return work(self);
        }
        let told = self.changes.len();
        self.end_what_was_left()?;
        self.execute("BEGIN IMMEDIATE")?;
        self.within = true;
        let mut is_asked = false;
        let outcome = work(self).and_then(|()| {
            if !self.gone.is_empty() {
                self.has_names.set(true);
                operations::forget_tabs(&self.connection, &self.env, &self.gone)?;
            }
            planted::fail_commit()?;
            is_asked = true;
            let committed = self.execute("COMMIT");
            if planted(Bug::SwallowedCommit) {
                return Ok(());
            }
            committed
        });
        self.within = false;
        if outcome.is_ok() {
            self.gone.clear();
            self.commits += 1;
        } else {
            if !planted(Bug::ToldUndone) {
                self.changes.truncate(told);
            }
            // Some errors have ended it already (https://sqlite.org/lang_transaction.html). If this
            // fails, the next call begins with it.
            if !self.connection.is_autocommit() {
                let _ = self.execute("ROLLBACK");
            }
            if is_asked && !planted(Bug::LeftInLog) {
                self.bury();
            }
        }
        outcome
    }

    /// Takes back what a call before could not, for want of memory.
    fn end_what_was_left(&self) -> Result<()> {
        if self.within || self.connection.is_autocommit() || planted(Bug::LeftOpen) {
            return Ok(());
        }
        self.execute("ROLLBACK")
    }

    /// Writes something that says nothing over what a commit that failed may have left in the log. Where
    /// its flush failed all of it is there, and the next open would find what was refused
    /// (<https://sqlite.org/fileformat2.html#the_write_ahead_log>).
    fn bury(&self) {
        // The version that is there: the one page that is written even if nothing in it changes.
        let version = self.opened.schema_version;
        let over = format!("BEGIN IMMEDIATE; PRAGMA user_version = {version}; COMMIT");
        let Err(error) = self.connection.execute_batch(&over) else {
            return;
        };
        if !self.connection.is_autocommit() {
            let _ = self.execute("ROLLBACK");
        }
        // Where it was the first of its log, the header comes before it, and may be what failed. Nothing else
        // is in that log, which can be cut then, but is not where its length could not be had again. The caller
        // is told of the first failure. If this fails too, the operation's record says whether it was carried
        // out.
        if !StoreError::from(error).is_of_space() && !planted(Bug::FirstStays) {
            let _ = self.execute_to_end("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    /// Runs `work` within the transaction that is open: an error takes back what it did, no more.
    fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.try_attempt(work)?
    }

    /// The same, where an error outside says that the transaction itself cannot go on, or was ended.
    fn try_attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<Result<T>> {
        let told = self.changes.len();
        self.execute("SAVEPOINT attempt")?;
        let outcome = work(self);
        if let Err(error) = &outcome {
            self.changes.truncate(told);
            // Where a page cannot be read or memory is out, the engine ends the whole transaction.
            if self.connection.is_autocommit() && !planted(Bug::OutOfTransaction) {
                return Err(error.clone());
            }
            self.execute("ROLLBACK TO attempt")?;
        }
        self.execute("RELEASE attempt")?;
        Ok(outcome)
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.run(sql, params![])?;
        Ok(())
    }

    /// The same of what gives rows.
    fn execute_to_end(&self, sql: &str) -> Result<()> {
        self.connection.rows(sql, params![], |_| Ok(()))?;
        Ok(())
    }

    /// Moves what the write-ahead log holds into the main file, where that is due: for when nobody
    /// waits. The log is cut too, so that an open has nothing of it to read.
    ///
    /// # Errors
    /// Those of writing; what was acknowledged is still in the log.
    pub fn checkpoint(&mut self) -> Result<()> {
        if self.commits < CHECKPOINTED_FROM {
            return Ok(());
        }
        self.checkpoint_now()
    }

    /// The same, due or not. One that fails is due again at the next pause.
    ///
    /// # Errors
    /// Those of writing; what was acknowledged is still in the log.
    pub fn checkpoint_now(&mut self) -> Result<()> {
        self.checkpoint_as("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// The same for a log that cannot grow: it is written from its beginning again, and keeps its length,
    /// for which nothing has to be granted.
    ///
    /// # Errors
    /// Those of writing; what was acknowledged is still in the log.
    fn restart_log(&mut self) -> Result<()> {
        self.checkpoint_as("PRAGMA wal_checkpoint(RESTART)")
    }

    fn checkpoint_as(&mut self, sql: &str) -> Result<()> {
        self.commits = self.commits.max(CHECKPOINTED_FROM);
        self.execute_to_end(sql)?;
        self.commits = 0;
        Ok(())
    }

    /// Moves what the write-ahead log holds into the main file and closes the database.
    ///
    /// # Errors
    /// Those of writing; the database is closed all the same, and what was acknowledged is in
    /// the log for the next open.
    pub fn close(mut self) -> Result<()> {
        unless_full(self.fold_growth())?;
        self.connection.flush_prepared_statement_cache();
        self.connection.close().map_err(|(_, error)| error.into())
    }
}
