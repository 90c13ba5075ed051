//! Which rows of chats an index names: those were not deleted, even where nothing has their page any more. And which
//! of them were found in their place.
//!
//! Knows no pages: what stands where is the reader's.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::btree::Value;
use crate::tables::Table;

/// The rows, each as a hash of its table, uid and id. Both lists are asked only once they are sorted.
#[derive(Default)]
pub struct Named {
    named: Vec<u64>,
    given: Vec<u64>,
}

impl Named {
    /// Notes the row that an entry of an index names, if it is an index by uid.
    pub fn insert(&mut self, entry: &[Value<'_>]) {
        self.named.extend(match *entry {
            [Value::Text(uid), Value::Integer(id)] => Some(row(Table::Conversations, uid, id)),
            [Value::Text(uid), Value::Integer(_), Value::Integer(id)] => {
                Some(row(Table::Messages, uid, id))
            }
            _ => None,
        });
    }

    /// Notes that a row was found.
    pub fn give(&mut self, table: Table, rowid: Option<i64>, values: &[Value<'_>]) {
        self.given.extend(row_of(table, rowid, values));
    }

    /// To be called before rows are looked for, once more have been noted.
    pub fn sort(&mut self) {
        self.named.sort_unstable();
        self.given.sort_unstable();
    }

    /// Whether an index names a row.
    pub fn has(&self, table: Table, rowid: Option<i64>, values: &[Value<'_>]) -> bool {
        row_of(table, rowid, values).is_some_and(|row| self.named.binary_search(&row).is_ok())
    }

    /// Whether an index names a row that was not found.
    pub fn lacks(&self, table: Table, rowid: Option<i64>, values: &[Value<'_>]) -> bool {
        row_of(table, rowid, values).is_some_and(|row| {
            self.given.binary_search(&row).is_err() && self.named.binary_search(&row).is_ok()
        })
    }
}

/// What tells a row of a chat that an index names from all others.
fn row(table: Table, uid: &[u8], id: i64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (table, uid, id).hash(&mut hasher);
    hasher.finish()
}

/// The same, of the row itself.
fn row_of(table: Table, rowid: Option<i64>, values: &[Value<'_>]) -> Option<u64> {
    match table.value("uid", values)? {
        Value::Text(uid) if table.is_of_chats() => Some(row(table, uid, rowid?)),
        _ => None,
    }
}
