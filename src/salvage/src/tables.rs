//! The tables that are looked for. A row is known by its look: by how many values it has, of which kinds,
//! and by what some of them must be.
//!
//! Columns are in the order in which a file of any version stores them: migrations only add to the end.

use crate::btree::Value;

/// A table that is salvaged. What is not here is made anew (search, references of attachments) or is
/// about what is lost with the file (records of operations).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "as the tables are named")]
pub enum Table {
    Conversations,
    Messages,
    Growth,
    Growing,
    Blobs,
    BlobPieces,
    DeletedImports,
    StoreState,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The rowid, whose place in the record is empty.
    Id,
    /// A whole number; anything else reads as this, or as NULL.
    Integer(Option<i64>),
    /// Whatever it is.
    Any,
}

use Column::{Any, Id, Integer};

const NONE: Column = Integer(None);
const ZERO: Column = Integer(Some(0));

/// All, in the order in which they are looked for: a row of a later one needs those of an earlier.
pub const ALL: [Table; 8] = [
    Table::StoreState,
    Table::Conversations,
    Table::Messages,
    Table::Growing,
    Table::Growth,
    Table::DeletedImports,
    Table::Blobs,
    Table::BlobPieces,
];

impl Table {
    /// Its name and its columns.
    pub fn columns(self) -> (&'static str, &'static [(&'static str, Column)]) {
        match self {
            Self::Conversations => (
                "conversations",
                &[
                    ("id", Id),
                    ("title", Any),
                    ("brain", Any),
                    ("created_at", Any),
                    ("updated_at", Any),
                    ("uid", Any),
                    ("pinned", ZERO),
                    ("archived", ZERO),
                    ("trashed_at", Any),
                    ("tags", Any),
                    ("metadata", Any),
                    ("source", Any),
                    ("head_id", NONE),
                    ("head_uid", Any),
                    ("message_count", ZERO),
                    ("imported", NONE),
                    ("imported_head", Any),
                    ("revision", NONE),
                ],
            ),
            Self::Messages => (
                "messages",
                &[
                    ("id", Id),
                    ("conversation_id", Any),
                    ("role", Any),
                    ("content", Any),
                    ("created_at", Any),
                    ("uid", Any),
                    ("parent_id", NONE),
                    ("depth", NONE),
                    ("on_path", NONE),
                    ("parts", Any),
                    ("status", Any),
                    ("model", Any),
                    ("usage", Any),
                    ("finish_reason", Any),
                    ("error", Any),
                    ("metadata", Any),
                    ("source", Any),
                    ("imported", NONE),
                    ("revision", NONE),
                ],
            ),
            Self::Growth => (
                "growth",
                &[("message_id", Any), ("start", Any), ("text", Any)],
            ),
            Self::Growing => (
                "growing",
                &[
                    ("message_id", Id),
                    ("conversation_id", Any),
                    ("conversation_uid", Any),
                    ("uid", Any),
                    ("writer", Any),
                    ("length", ZERO),
                    ("is_new_part", ZERO),
                    ("has_gap", ZERO),
                ],
            ),
            Self::Blobs => (
                "blobs",
                &[
                    ("id", Id),
                    ("hash", Any),
                    ("size", Any),
                    ("type", Any),
                    ("complete", ZERO),
                    ("unreferenced_at", Any),
                ],
            ),
            Self::BlobPieces => ("blob_pieces", &[("id", Id), ("data", Any)]),
            Self::DeletedImports => ("deleted_imports", &[("conversation_id", Any), ("uid", Any)]),
            Self::StoreState => (
                "store_state",
                &[
                    ("id", Id),
                    ("lowest_writer", NONE),
                    ("last_conversation_id", ZERO),
                    ("last_message_id", ZERO),
                ],
            ),
        }
    }

    /// The one of that name.
    pub fn named(name: &[u8]) -> Option<Self> {
        ALL.into_iter()
            .find(|table| table.columns().0.as_bytes() == name)
    }

    /// Its rows have no rowid: they lie in a b-tree of an index's kind.
    pub fn is_index(self) -> bool {
        matches!(self, Self::Growth | Self::DeletedImports)
    }

    /// Whether a row's values have the look of this table's, wherever it was found. `has_rowid`: of a
    /// table with rowids.
    pub fn fits(self, has_rowid: bool, values: &[Value<'_>]) -> bool {
        use Value::{Blob, Integer, Null, Text};
        if has_rowid == self.is_index() {
            return false;
        }
        match (self, values) {
            (
                Self::Conversations,
                [
                    Null,
                    Text(_),
                    Text(_),
                    Text(created),
                    Text(updated),
                    rest @ ..,
                ],
            ) => {
                (is_time(created) || is_time(updated))
                    && rest.len() <= 40
                    && matches!(rest.first(), None | Some(Null | Text(_)))
            }
            (Self::Messages, [Null, Integer(_), Text(role), Text(_), Text(time), rest @ ..]) => {
                role_of(role).is_some()
                    && time.len() <= 40
                    && rest.len() <= 40
                    && matches!(rest.first(), None | Some(Null | Text(_)))
            }
            // What an index has of attachments' names looks the same, but for its hash.
            (Self::Growth, [Integer(_), Integer(start), Text(text)]) => {
                *start >= 0 && !is_hash(text)
            }
            (Self::Growing, [Null, Integer(_), Text(_), Text(_), writer, rest @ ..]) => {
                matches!(writer, Null | Text(_))
                    && rest.len() == 3
                    && rest.iter().all(|it| matches!(it, Integer(_)))
            }
            (Self::Blobs, [Null, Text(hash), Integer(size), Text(_), Integer(_), ..]) => {
                hash.len() == 64 && *size >= 0 && values.len() == 6
            }
            (Self::BlobPieces, [Null, Blob(_)]) => true,
            (Self::DeletedImports, [Integer(_), Text(_)]) => true,
            (Self::StoreState, [Null, Integer(_), Integer(_), Integer(_), rest @ ..]) => {
                rest.len() == 2 && rest.iter().all(|it| matches!(it, Integer(_)))
            }
            _ => false,
        }
    }

    /// Whether a row that stands in this table's own tree can be one of it, however odd its values are:
    /// SQLite holds no column to its type.
    pub fn may_hold(self, has_rowid: bool, values: &[Value<'_>]) -> bool {
        if has_rowid == self.is_index() {
            return false;
        }
        let has = |at: usize| !matches!(values.get(at), None | Some(Value::Null));
        match self {
            Self::Conversations => has(1),
            Self::Messages => matches!(values.get(1), Some(Value::Integer(_))) && has(2) && has(3),
            Self::StoreState => values.len() >= 4,
            Self::Growth => matches!(
                values,
                [Value::Integer(_), Value::Integer(_), Value::Text(_)]
            ),
            _ => self.fits(has_rowid, values),
        }
    }

    /// Whether its rows are what is in chats.
    pub fn is_of_chats(self) -> bool {
        matches!(self, Self::Conversations | Self::Messages)
    }

    /// What a row has in a column; `None` where it has not so many, or the table no such column.
    pub fn value<'a>(self, column: &str, values: &[Value<'a>]) -> Option<Value<'a>> {
        let (_, columns) = self.columns();
        let at = columns.iter().position(|(name, _)| *name == column)?;
        values.get(at).copied()
    }

    /// How much a row of a chat looks like one that nothing happened to.
    pub fn likeness(self, values: &[Value<'_>]) -> u32 {
        let (_, columns) = self.columns();
        let as_many = u32::from(values.len() == columns.len()) * 4;
        columns
            .iter()
            .zip(values)
            .map(|((name, column), value)| match (*column, *name, *value) {
                (Id, _, Value::Null) => 1,
                (Integer(_), _, Value::Null | Value::Integer(_)) => 1,
                (Any, "created_at" | "updated_at", Value::Text(text)) => time_likeness(text),
                (Any, "role", Value::Text(text)) => {
                    2 * u32::from(matches!(text, b"user" | b"assistant" | b"system"))
                }
                (Any, "uid" | "head_uid", Value::Text(text)) => 2 * u32::from(is_uuid(text)),
                (Any, _, Value::Null) => 1,
                (Any, _, Value::Integer(_)) => u32::from(*name == "conversation_id"),
                (Any, _, Value::Text(text)) => u32::from(std::str::from_utf8(text).is_ok()),
                _ => 0,
            })
            .fold(as_many, |sum, each| sum + each)
    }
}

/// The role that a text is, or was: one that was hit in a place or two still has its length and most of
/// its letters.
pub fn role_of(text: &[u8]) -> Option<&'static str> {
    ["user", "assistant", "system"].into_iter().find(|role| {
        role.len() == text.len()
            && role.bytes().zip(text).filter(|(a, b)| a != *b).count() * 2 <= role.len()
    })
}

/// Whether a text looks like a time: `YYYY-MM-DD` and what follows, or most of that.
fn is_time(text: &[u8]) -> bool {
    (10..=40).contains(&text.len())
        && text[..10].iter().filter(|it| it.is_ascii_digit()).count() >= 6
}

/// How much a text looks like a time as this package writes them, or at least SQLite.
fn time_likeness(text: &[u8]) -> u32 {
    let form = b"0000-00-00 00:00:00.000";
    let fits = text.iter().zip(form).all(|(it, form)| match form {
        b'0' => it.is_ascii_digit(),
        _ => it == form,
    });
    match text.len() {
        23 if fits => 2,
        19 if fits => 1,
        _ => 0,
    }
}

/// Whether a text is a uid as this package gives them.
fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(n, it)| match n {
            8 | 13 | 18 | 23 => *it == b'-',
            _ => it.is_ascii_hexdigit(),
        })
}

/// Whether a text is what attachments are known by: the SHA-256 of their bytes.
fn is_hash(text: &[u8]) -> bool {
    text.len() == 64
        && text
            .iter()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}
