//! Rows as bytes, on their way from the reader to a store: neither side's page looks into them.
//!
//! A row is its table's number, 1 if it was cut, how many values it has, and the values. A value is what it is (0 NULL, 1 a
//! whole number, 2 another, 3 text, 4 bytes), then its eight bytes, or its length in four and as many bytes, all with
//! the lowest first.

use crate::btree::Value;
use crate::tables::{ALL, Table};

/// A row that was read.
#[derive(Debug, PartialEq)]
pub struct Row<'a> {
    /// Of which table.
    pub table: Table,
    /// The end of it is not there: its last text is shorter than it was.
    pub is_cut: bool,
    /// Of the table's first columns.
    pub values: Vec<Value<'a>>,
}

/// Appends a row.
pub fn push(into: &mut Vec<u8>, row: &Row<'_>) {
    let number = ALL.iter().position(|it| *it == row.table).unwrap_or(0);
    into.push(number as u8);
    into.push(u8::from(row.is_cut));
    into.push(row.values.len() as u8);
    for value in &row.values {
        let (tag, fixed, bytes): (u8, [u8; 8], &[u8]) = match value {
            Value::Null => (0, [0; 8], &[]),
            Value::Integer(number) => (1, number.to_le_bytes(), &[]),
            Value::Real(number) => (2, number.to_bits().to_le_bytes(), &[]),
            Value::Text(text) => (3, [0; 8], text),
            Value::Blob(bytes) => (4, [0; 8], bytes),
        };
        into.push(tag);
        match tag {
            0 => {}
            1 | 2 => into.extend_from_slice(&fixed),
            _ => {
                into.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                into.extend_from_slice(bytes);
            }
        }
    }
}

/// The rows of a batch; it ends where it is none.
pub fn rows(bytes: &[u8]) -> Rows<'_> {
    Rows { bytes }
}

/// See [`rows`].
pub struct Rows<'a> {
    bytes: &'a [u8],
}

impl<'a> Rows<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let [table, is_cut, count] = *self.take(3)? else {
            return None;
        };
        let mut values = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let tag = *self.take(1)?.first()?;
            values.push(match tag {
                0 => Value::Null,
                1 | 2 => {
                    let bits = u64::from_le_bytes(self.take(8)?.try_into().ok()?);
                    if tag == 1 {
                        Value::Integer(bits as i64)
                    } else {
                        Value::Real(f64::from_bits(bits))
                    }
                }
                _ => {
                    let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
                    let bytes = self.take(length as usize)?;
                    if tag == 3 {
                        Value::Text(bytes)
                    } else {
                        Value::Blob(bytes)
                    }
                }
            });
        }
        Some(Row {
            table: *ALL.get(usize::from(table))?,
            is_cut: is_cut != 0,
            values,
        })
    }
}
