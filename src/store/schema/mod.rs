//! Migrations, and the look at a file that says whose it is.
//!
//! The .sql files beside this one are append-only: one a version, run in order, counted in
//! `user_version`. `current.sql` is what they add up to, to be read; a test holds it to that.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::error::{ErrorCode, Result, StoreError};
use crate::store::engine::Ask;

/// Marks a file as ours: the four characters 'CSSO'
/// (<https://sqlite.org/pragma.html#pragma_application_id>).
pub const APPLICATION_ID: i64 = 0x4353_534f;

/// Every migration there ever was, oldest first.
pub const MIGRATIONS: [&str; 5] = [
    include_str!("001_lesson.sql"),
    include_str!("002_keys.sql"),
    include_str!("003_operations.sql"),
    include_str!("004_chats.sql"),
    include_str!("005_search.sql"),
];

/// The schema this version writes: the number of migrations.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// The readable schema. Nothing but a test executes it.
pub const CURRENT: &str = include_str!("current.sql");

const LESSON_TABLES: [(&str, &[&str]); 2] = [
    (
        "conversations",
        &["id", "title", "brain", "created_at", "updated_at"],
    ),
    (
        "messages",
        &["id", "conversation_id", "role", "content", "created_at"],
    ),
];

/// Whose file it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No table yet.
    Empty,
    /// Made by the lesson's Python class.
    Lesson,
    /// Ours.
    Ours {
        /// Its number of migrations.
        version: i64,
        /// The lowest schema version that may write it.
        lowest_writer: i64,
    },
    /// Ours by a mark that nobody else has, and yet not as any version of ours leaves it.
    Damaged {
        /// What does not fit.
        reason: String,
    },
    /// Someone else's, and why it is thought so.
    Foreign {
        /// What does not fit.
        reason: String,
    },
}

/// Looks at the schema `name` ("main" or an attached one) without writing.
///
/// # Errors
/// Those of reading: `corrupt`, `not-a-database`.
pub fn inspect(connection: &Connection, name: &str) -> Result<Found> {
    let (found, is_marked) = look(connection, name)?;
    Ok(match found {
        Found::Foreign { reason } if is_marked => Found::Damaged { reason },
        found => found,
    })
}

/// What the schema says, and whether it bears a mark of ours: the id in the header, or the table that says
/// the same.
fn look(connection: &Connection, name: &str) -> Result<(Found, bool)> {
    let pragma = |pragma: &str| -> Result<i64> {
        let sql = format!("PRAGMA {name}.{pragma}");
        Ok(connection.row(&sql, params![], |row| row.get(0))?)
    };
    let application_id = pragma("application_id")?;
    let version = pragma("user_version")?;
    let tables = connection.rows::<(String, bool)>(
        &format!(
            // A view or a virtual table has no root page, and is no table of ours.
            "SELECT name, type = 'table' AND rootpage > 0 FROM {name}.sqlite_schema
             WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        ),
        params![],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;

    let state = ("store_state".to_owned(), true);
    let is_marked = application_id == APPLICATION_ID || tables.contains(&state);
    let foreign = |reason| Ok((Found::Foreign { reason }, is_marked));
    if tables.is_empty() && application_id == 0 && version == 0 {
        return Ok((Found::Empty, is_marked));
    }
    if application_id != APPLICATION_ID && application_id != 0 {
        return foreign(format!(
            "its application_id is {application_id}, another program's"
        ));
    }
    for (table, columns) in LESSON_TABLES {
        if !tables.contains(&(table.to_owned(), true)) {
            return foreign(format!("it has no table '{table}'"));
        }
        let has = columns_of(connection, name, table)?;
        if let Some(missing) = columns
            .iter()
            .find(|column| !has.iter().any(|it| it == *column))
        {
            return foreign(format!("its table '{table}' has no column '{missing}'"));
        }
    }
    if application_id == APPLICATION_ID && version >= 2 {
        let lowest_writer = if tables.contains(&state) {
            connection
                .row(
                    &format!("SELECT lowest_writer FROM {name}.store_state"),
                    params![],
                    |row| row.get(0),
                )
                .optional()?
        } else {
            None
        };
        let lowest_writer = lowest_writer.unwrap_or(version);
        let ours = Found::Ours {
            version,
            lowest_writer,
        };
        return Ok((ours, is_marked));
    }
    if version > 1 {
        return foreign(format!("its user_version is {version}, another program's"));
    }
    if let Some((other, _)) = tables
        .iter()
        .find(|(table, _)| !LESSON_TABLES.iter().any(|(known, _)| known == table))
    {
        return foreign(format!("it has a table '{other}' of another program"));
    }
    Ok((Found::Lesson, is_marked))
}

/// The columns of a table, in order, hidden ones left out. (The pragma's table-valued form needs a
/// virtual table and a sort for the same.)
fn columns_of(connection: &Connection, name: &str, table: &str) -> Result<Vec<String>> {
    let sql = format!("PRAGMA {name}.table_info({table})");
    Ok(connection.rows(&sql, params![], |row| row.get(1))?)
}

/// A file that a newer version made may be written as long as that version allows ours to.
///
/// # Errors
/// `schema-too-new`.
pub fn check_writable(found: &Found) -> Result<()> {
    match found {
        Found::Ours {
            version,
            lowest_writer,
        } if *version > VERSION && *lowest_writer > VERSION => Err(too_new(*version)),
        _ => Ok(()),
    }
}

pub(super) fn too_new(version: i64) -> StoreError {
    StoreError::new(
        ErrorCode::SchemaTooNew,
        format!(
            "the file has schema version {version} and this package writes {VERSION}: update conversation-store"
        ),
    )
}

/// Brings the file to [`VERSION`], all of it or nothing, and returns the version it then has.
///
/// # Errors
/// Those of writing. The file is as it was.
pub fn migrate(connection: &mut Connection) -> Result<i64> {
    migrate_to(connection, MIGRATIONS.len())
}

/// Runs the first `count` migrations; tests make files of earlier versions with it.
///
/// # Errors
/// Those of writing. The file is as it was.
pub fn migrate_to(connection: &mut Connection, count: usize) -> Result<i64> {
    let version: i64 = connection.row("PRAGMA user_version", params![], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    if done >= count {
        return Ok(version);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[done..count] {
        transaction.execute_batch(migration)?;
    }
    transaction.execute_batch(&format!("PRAGMA user_version = {count}"))?;
    transaction.commit()?;
    Ok(count as i64)
}
