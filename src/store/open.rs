//! Opening: which file this is, the pragmas in their order, migrations, healing.
//!
//! A file that is too new or not ours is refused before the first pragma that writes.

use std::cell::Cell;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};

use super::engine::{self, Ask};
use super::{Env, Store, schema};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{Durability, HealReport};
use crate::planted::{Bug, planted};

/// Bytes that the write-ahead log keeps on the device between writes.
const LOG_LIMIT: &str = "16777216";
/// Pages in it with which a commit moves them into the main file, however long that takes. Most often
/// that is done before, when nobody waits ([`Store::checkpoint`]). An open after a crash reads them all.
/// Pages of 8 KB are within [`LOG_LIMIT`]: the log is not cut each time.
const LOG_PAGES: &str = "2000";

/// Where the database is.
#[derive(Clone, Copy, Debug)]
pub enum Location<'a> {
    /// A file; `vfs` names the SQLite VFS that holds it, if it is not the default one.
    File {
        /// As the VFS knows it.
        path: &'a str,
        /// The VFS's name.
        vfs: Option<&'a str>,
    },
    /// A file whose changes its VFS has kept all at once, or takes back: it needs no log.
    Atomic {
        /// As the VFS knows it.
        path: &'a str,
        /// The VFS's name.
        vfs: Option<&'a str>,
    },
    /// A copy of someone's file that is read and thrown away: brought to this version's schema in
    /// place, with no log beside it.
    Copy {
        /// As the VFS knows it.
        path: &'a str,
        /// The VFS's name.
        vfs: Option<&'a str>,
    },
    /// Memory that goes with the store.
    Memory {
        /// The VFS that holds the files of backup and restore.
        vfs: Option<&'a str>,
    },
}

/// What the pragmas answered when the database was opened, in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedAs {
    /// "wal" for a file that has a log, else "memory".
    pub journal_mode: &'static str,
    /// The number of migrations the file has had.
    pub schema_version: i64,
    /// The engine's version.
    pub sqlite_version: &'static str,
}

impl Store {
    /// Opens a database, creating it where there is none, migrating and healing it where needed.
    ///
    /// # Errors
    /// `schema-too-new`, `unsupported-format`, `corrupt` (also for bytes that are no database: a
    /// store's own file is expected to be one), `quota-exceeded`, `storage-unavailable`. The file
    /// is as it was.
    pub fn open(location: Location<'_>, durability: Durability, env: Env) -> Result<Self> {
        // What the engine does not expect of a store's own file is damage too: a table that is not there, a
        // value of another type.
        Self::open_connection(location, durability, env).map_err(|error| match error.code {
            ErrorCode::NotADatabase => StoreError::new(ErrorCode::Corrupt, error.message),
            ErrorCode::Internal if matches!(location, Location::File { .. }) => {
                damaged(&error.message)
            }
            _ => error,
        })
    }

    fn open_connection(location: Location<'_>, durability: Durability, env: Env) -> Result<Self> {
        let mut connection = connect(location)?;
        // Until all is well: a log is not moved into a file that does not open, and what of it does not read
        // well is still there to be salvaged.
        let kept = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        configure(&connection, kept, true)?;
        // Before the first read: a WAL without shared memory needs it
        // (https://sqlite.org/wal.html#use_of_wal_without_shared_memory).
        expect(&connection, "locking_mode", "EXCLUSIVE", "exclusive")?;
        let found = schema::inspect(&connection, "main")?;
        match &found {
            schema::Found::Foreign { reason } => {
                return Err(StoreError::new(
                    ErrorCode::UnsupportedFormat,
                    format!("this file is not a conversation store: {reason}"),
                ));
            }
            schema::Found::Damaged { reason } => return Err(damaged(reason)),
            _ => {}
        }
        schema::check_writable(&found)?;

        if found == schema::Found::Empty && matches!(location, Location::File { .. }) {
            // To be said before the file has a page. Nothing is moved but when the store says so.
            connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
        }
        let journal_mode = match location {
            Location::File { .. } => "wal",
            Location::Atomic { .. } | Location::Copy { .. } | Location::Memory { .. } => "memory",
        };
        // A file that is made, or leaves another mode, goes through a journal once. Its removal is flushed
        // only so: else it could be back after a loss of power, and take all that followed with it
        // (https://sqlite.org/pragma.html#pragma_synchronous).
        if !planted(Bug::JournalStays) {
            expect(&connection, "synchronous", "extra", "3")?;
        }
        expect(&connection, "journal_mode", journal_mode, journal_mode)?;
        set_synchronous(&connection, durability)?;
        configure(&connection, DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
        connection.busy_timeout(Duration::from_millis(5_000))?;
        // No function with side effects runs from a schema that came with someone's file.
        configure(&connection, DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        // A log that one large write made long is cut once it is checkpointed.
        expect(&connection, "journal_size_limit", LOG_LIMIT, LOG_LIMIT)?;
        expect(&connection, "wal_autocheckpoint", LOG_PAGES, LOG_PAGES)?;
        connection.set_prepared_statement_cache_capacity(64);
        // Plans are of the statement, never of the values bound to it: else whatever is compared with
        // a column of a partial index is prepared anew each time that it is bound.
        configure(&connection, DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;

        let schema_version = schema::migrate(&mut connection)?;
        let has_names = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM named_operations)",
            [],
            |row| row.get(0),
        )?;
        let mut store = Self {
            connection,
            env,
            opened: OpenedAs {
                journal_mode,
                schema_version,
                sqlite_version: engine::version(),
            },
            durability: Some(durability),
            tab: None,
            report: HealReport::default(),
            within: false,
            commits: 0,
            changes: Vec::new(),
            gone: Vec::new(),
            has_names: Cell::new(has_names),
            forgotten: Vec::new(),
            index: super::indexing::Index::default(),
            shrinking: false,
        };
        if matches!(location, Location::Copy { .. }) {
            store.derive_uids()?;
        }
        if store.needs_healing()? || store.has_blobs()? {
            // Together: damage that one of them meets leaves the file as it was.
            let mended = store.atomically(|store| {
                store.heal_marked()?;
                store.collect_blobs()
            });
            match mended {
                // Attachments that nobody names can wait for space; what is broken cannot.
                Err(error) if error.is_of_space() => {
                    // What is not taken back yet, for want of memory, would look as if it were healed.
                    if !planted(Bug::SeemsHealed) {
                        store.end_what_was_left()?;
                    }
                    store.heal_marked()?;
                }
                mended => mended?,
            }
        }
        configure(&store.connection, kept, false)?;
        Ok(store)
    }
}

fn damaged(reason: &str) -> StoreError {
    StoreError::new(
        ErrorCode::Corrupt,
        format!("the stored bytes are damaged: {reason}; nothing was deleted"),
    )
}

/// Sets when a commit is flushed.
pub(super) fn set_synchronous(connection: &Connection, durability: Durability) -> Result<()> {
    let (synchronous, level) = match durability {
        _ if planted(Bug::SyncOff) => ("off", "0"),
        Durability::Strict => ("full", "2"),
        Durability::Relaxed => ("normal", "1"),
    };
    expect(connection, "synchronous", synchronous, level)
}

fn connect(location: Location<'_>) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let (path, vfs) = match location {
        Location::File { path, vfs }
        | Location::Atomic { path, vfs }
        | Location::Copy { path, vfs } => (path, vfs),
        Location::Memory { vfs } => (":memory:", vfs),
    };
    Ok(match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
        None => Connection::open_with_flags(path, flags)?,
    })
}

/// Sets what has no need of a statement, and checks that it took.
pub(super) fn configure(connection: &Connection, config: DbConfig, value: bool) -> Result<()> {
    if connection.set_db_config(config, value)? == value {
        Ok(())
    } else {
        Err(StoreError::new(
            ErrorCode::StorageUnavailable,
            format!("this engine does not take {config:?}={value}"),
        ))
    }
}

/// Sets a pragma and checks that it took: SQLite ignores what it cannot do without an error.
fn expect(connection: &Connection, pragma: &str, value: &str, answer: &str) -> Result<()> {
    let set = format!("PRAGMA {pragma} = {value}");
    if planted(Bug::HalfStepped) {
        connection.execute_batch(&set)?;
    } else {
        // To its end: a change of the journal's mode is committed after its row, and fails there.
        connection.rows(&set, params![], |_| Ok(()))?;
    }
    let now = connection.row(&format!("PRAGMA {pragma}"), params![], |row| {
        engine::text(row, 0)
    })?;
    if now == answer {
        Ok(())
    } else {
        Err(StoreError::new(
            ErrorCode::StorageUnavailable,
            format!("this storage does not take PRAGMA {pragma}={value}: it stays '{now}'"),
        ))
    }
}
