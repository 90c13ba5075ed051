//! The engine's errors and values, in this crate's terms.
//!
//! Codes come from SQLite's result codes (<https://sqlite.org/rescode.html>), never from its text.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, ToSql, ffi, params};

use crate::error::{ErrorCode, StoreError};
use crate::planted::{Bug, planted};
use crate::time::Timestamp;

/// Of what is damaged, a message tells so many words.
const MOST_WORDS: usize = 24;
/// Of a database whose schema this package's statements do not fit.
pub(super) const UNFIT: &str = "the stored schema is not this package's; nothing was deleted";
const DAMAGED: &str = "the stored bytes are damaged; nothing was deleted";

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Sqlite;

        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType,
            QueryReturnedNoRows, SqlInputError, Utf8Error,
        };
        // Healing leaves no value of another type than its column's, and what may be absent is asked for as
        // such.
        let is_misfit = matches!(
            error,
            FromSqlConversionFailure(..)
                | IntegralValueOutOfRange(..)
                | InvalidColumnType(..)
                | QueryReturnedNoRows
                | Utf8Error(..)
        );
        // A file that ends before what it names: most reads take zeros for it, those of a long text do not.
        let is_cut = error
            .sqlite_error()
            .is_some_and(|it| it.extended_code == ffi::SQLITE_IOERR_SHORT_READ);
        let (code, advice) = match error.sqlite_error_code() {
            None if is_misfit => (
                ErrorCode::Corrupt,
                "a stored value is missing, or not of its column's type; nothing was deleted",
            ),
            Some(Sqlite::DiskFull) => (
                ErrorCode::QuotaExceeded,
                "the browser grants no more space: delete chats, or free some on the device",
            ),
            Some(_) if is_cut => (ErrorCode::Corrupt, DAMAGED),
            // Each statement of this package fits its schema.
            None if matches!(error, SqlInputError { .. }) => (ErrorCode::Corrupt, UNFIT),
            Some(Sqlite::DatabaseCorrupt) => (ErrorCode::Corrupt, DAMAGED),
            // Each statement keeps the constraints where what is stored keeps them.
            Some(Sqlite::ConstraintViolation | Sqlite::TypeMismatch) => (
                ErrorCode::Corrupt,
                "the stored rows contradict each other; nothing was deleted",
            ),
            // By its header: a later SQLite's, or damage.
            Some(Sqlite::ReadOnly) => (
                ErrorCode::Corrupt,
                "the stored header says that nothing may be written; nothing was deleted",
            ),
            Some(Sqlite::NotADatabase) => (
                ErrorCode::NotADatabase,
                "the bytes are not a SQLite database",
            ),
            Some(Sqlite::OutOfMemory) => (
                ErrorCode::QuotaExceeded,
                "no memory is left for this call: ask for less at once",
            ),
            Some(Sqlite::TooBig) => (
                ErrorCode::InvalidArgument,
                "a text is longer than the engine holds",
            ),
            Some(Sqlite::CannotOpen | Sqlite::SystemIoFailure | Sqlite::PermissionDenied) => (
                ErrorCode::StorageUnavailable,
                "the storage refused to read or write",
            ),
            Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => {
                (ErrorCode::Blocked, "another connection holds the database")
            }
            _ => (
                ErrorCode::Internal,
                "the engine failed in a way this package does not expect",
            ),
        };
        Self::new(code, format!("{advice} ({error})"))
    }
}

/// What one of the engine's checks says is wrong, which is none of what it reads; nothing where all is well.
///
/// A page that the device did not give is told like damage, in some lines with the result code, in others
/// without. So what is wrong is looked at again, from the device: a failure that has passed is not told twice,
/// and one that has not is met by the read of a root, which tells its code.
pub(super) fn damage(connection: &Connection, check: &str) -> crate::error::Result<Vec<String>> {
    let look = || -> crate::error::Result<Vec<String>> {
        let mut found = texts(connection, check, params![])?;
        found.retain(|it| it != "ok");
        Ok(found)
    };
    let found = look()?;
    if found.is_empty() || planted(Bug::FailureIsDamage) {
        return Ok(found);
    }
    connection.release_memory()?;
    let found = look()?;
    let failure = found.iter().flat_map(|it| it.lines()).find_map(failure_in);
    failure.map_or(Ok(found), Err)
}

/// The failure to read, where that is what a line of a check tells.
fn failure_in(line: &str) -> Option<StoreError> {
    let (_, code) = line.rsplit_once("error code=")?;
    let code = rusqlite::ffi::Error::new(code.trim_end().parse().ok()?);
    let error = StoreError::from(rusqlite::Error::SqliteFailure(code, None));
    (error.code != ErrorCode::Corrupt).then_some(error)
}

/// Damage that [`damage`] has found, as one line of a message.
pub(super) fn in_brief(damage: &[String]) -> String {
    let words = damage.iter().flat_map(|it| it.split_whitespace());
    words.take(MOST_WORDS).collect::<Vec<_>>().join(" ")
}

/// The first column of each row, as text.
pub(super) fn texts(
    connection: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
) -> crate::error::Result<Vec<String>> {
    Ok(connection.rows(sql, params, |row| text(row, 0))?)
}

/// Asks, in cached statements. The engine's own `query_row` and `query_map` are made anew for each
/// closure that they are given, with preparing, binding and dropping in them: a tenth of the module.
pub(super) trait Ask {
    /// Carries out what gives no row, and returns how many rows it changed.
    fn run(&self, sql: &str, params: &[&dyn ToSql]) -> rusqlite::Result<usize>;

    /// The first row.
    fn row<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T>;

    /// All rows.
    fn rows<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>>;
}

impl Ask for Connection {
    fn run(&self, sql: &str, params: &[&dyn ToSql]) -> rusqlite::Result<usize> {
        self.prepare_cached(sql)?.execute(params)
    }

    fn row<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let (mut read, mut value) = (Some(read), None);
        each(self, sql, params, &mut |row| {
            value = read.take().map(|read| read(row)).transpose()?;
            Ok(false)
        })?;
        value.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    fn rows<T>(
        &self,
        sql: &str,
        params: &[&dyn ToSql],
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut all = Vec::new();
        each(self, sql, params, &mut |row| {
            all.push(read(row)?);
            Ok(true)
        })?;
        Ok(all)
    }
}

/// Reads row after row while it is told to go on.
fn each(
    connection: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
    read: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if !read(row)? {
            break;
        }
    }
    Ok(())
}

/// Reads a text column, however the other program stored it: SQLite does not hold a column to
/// its type. Bytes that are no UTF-8 read as U+FFFD.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => match std::str::from_utf8(bytes) {
            // Asked first, as nearly all texts are: this is many times as fast as a lossy reading.
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        },
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => real(number),
        ValueRef::Null => String::new(),
    })
}

/// A fraction where a text is expected, to six places: Rust's own writing of them is 6 KB of the
/// module, and a column of texts holds none unless another program made it without a type.
fn real(number: f64) -> String {
    let whole = number.trunc();
    let places = ((number - whole).abs() * 1e6).round() as u32;
    let text = format!("{}.{places:06}", whole as i64);
    let text = text.trim_end_matches('0');
    if text.ends_with('.') {
        format!("{text}0")
    } else {
        text.to_owned()
    }
}

/// The same of a column that may be NULL.
pub(super) fn optional_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        _ => Some(text(row, column)?),
    })
}

/// Reads a whole number that may be NULL; what is none reads as NULL.
pub(super) fn optional_integer(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => Some(number),
        _ => None,
    })
}

/// Reads a flag; what is none reads as not set.
pub(super) fn flag(row: &Row<'_>, column: usize) -> rusqlite::Result<bool> {
    Ok(optional_integer(row, column)?.is_some_and(|number| number != 0))
}

/// Reads a time column that may be NULL.
pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        _ => Some(time(row, column)?),
    })
}

/// Reads a time column. Healing has brought it to the file's form; anything else is 1970.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let stored = match row.get_ref(column)? {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().and_then(Timestamp::parse),
        _ => None,
    };
    Ok(stored.unwrap_or(Timestamp::from_millis(0)))
}

/// The engine's version, as SQLite writes it: "3.50.1".
pub fn version() -> &'static str {
    rusqlite::version()
}
