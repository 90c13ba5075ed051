//! The store: conversations and messages in one SQLite database, behind synchronous methods.
//!
//! The only module tree that holds SQL or names the engine (rusqlite): another engine is a change
//! here and nowhere else. It names no JavaScript type and reads no clock and no source of
//! randomness; both come in through [`Env`]. One connection, one caller at a time.

mod conversations;
mod copy;
mod engine;
mod heal;
mod messages;
mod open;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod plans;
pub mod schema;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use open::{Location, OpenedAs};

use crate::error::Result;
use crate::time::Timestamp;

/// Fills a buffer with random bytes.
pub type Random = Box<dyn Fn(&mut [u8])>;

/// What the store needs of the world: the time and random bytes.
pub struct Env {
    /// Milliseconds since 1970. May go backwards.
    pub now: Box<dyn Fn() -> i64>,
    /// Source of the random part of uids.
    pub random: Random,
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

/// An open database.
pub struct Store {
    connection: Connection,
    env: Env,
    opened: OpenedAs,
}

impl Store {
    /// How it was opened: what the pragmas answered.
    pub fn opened_as(&self) -> &OpenedAs {
        &self.opened
    }

    /// Runs `work` in one transaction: all of it happens, or, on an error, none.
    fn write<T>(&mut self, work: impl FnOnce(&Transaction<'_>, &Env) -> Result<T>) -> Result<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction, &self.env)?;
        transaction.commit()?;
        Ok(value)
    }

    /// Moves what the write-ahead log holds into the main file and closes the database.
    ///
    /// # Errors
    /// Those of writing; the database is closed all the same, and what was acknowledged is in
    /// the log for the next open.
    pub fn close(self) -> Result<()> {
        self.connection.flush_prepared_statement_cache();
        self.connection.close().map_err(|(_, error)| error.into())
    }
}
