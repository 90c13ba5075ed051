//! The engine's errors and values, in this crate's terms.
//!
//! Codes come from SQLite's result codes (<https://sqlite.org/rescode.html>), never from its text.

use rusqlite::types::ValueRef;
use rusqlite::{Params, Row, Rows, Statement};

use crate::error::{ErrorCode, StoreError};
use crate::time::Timestamp;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Sqlite;

        let (code, advice) = match error.sqlite_error_code() {
            Some(Sqlite::DiskFull) => (
                ErrorCode::QuotaExceeded,
                "the browser grants no more space: free some on the device or in this site's other data",
            ),
            Some(Sqlite::DatabaseCorrupt) => (
                ErrorCode::Corrupt,
                "the stored bytes are damaged; nothing was deleted",
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
            Some(
                Sqlite::CannotOpen
                | Sqlite::SystemIoFailure
                | Sqlite::PermissionDenied
                | Sqlite::ReadOnly,
            ) => (
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

/// Reads what a statement gives. The engine's own `query_row` and `query_map` are made anew for each
/// closure that they are given, which was a twentieth of the module.
pub(super) trait Read {
    /// The first row.
    fn row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T>;

    /// All rows.
    fn rows<T>(
        &mut self,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>>;
}

impl Read for Statement<'_> {
    fn row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        read(first(&mut self.query(params)?)?)
    }

    fn rows<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut all = Vec::new();
        each(self.query(params)?, &mut |row| {
            all.push(read(row)?);
            Ok(())
        })?;
        Ok(all)
    }
}

fn first<'a, 's>(rows: &'a mut Rows<'s>) -> rusqlite::Result<&'a Row<'s>> {
    rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

fn each(
    mut rows: Rows<'_>,
    read: &mut dyn FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    while let Some(row) = rows.next()? {
        read(row)?;
    }
    Ok(())
}

/// Reads a text column, however the other program stored it: SQLite does not hold a column to
/// its type. Bytes that are no UTF-8 read as U+FFFD.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
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
