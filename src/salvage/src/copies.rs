//! Copies of a row: of those that are of one revision, and so were equal, which was hit. A page that is filled anew
//! leaves the rows that went elsewhere where they were, and a log has earlier versions of its pages.
//!
//! Knows no pages: what lies where is the reader's.

use std::collections::HashMap;

use crate::btree::Value;
use crate::pages::{Place, Trust};
use crate::tables::Table;

/// Copies that are noted: more are not looked at.
const MOST: usize = 1 << 18;
/// Places in which two texts differ that are looked at.
const LOOKED_AT: usize = 16;

/// A table, and the id of a row of it.
pub type Key = (Table, i64);

/// Where a copy is: a version of a page, and its place on it.
#[derive(Clone, Copy, Debug)]
pub struct Copy {
    /// The page's number.
    pub number: u32,
    /// Which version of it.
    pub place: Place,
    /// Where on it.
    pub at: usize,
    /// The row's revision there.
    pub revision: i64,
}

/// The copies of rows that were found.
#[derive(Default)]
pub struct Copies {
    by_key: HashMap<Key, Vec<Copy>>,
    count: usize,
}

impl Copies {
    /// Notes one.
    pub fn insert(&mut self, key: Key, copy: Copy) {
        if self.count < MOST {
            self.by_key.entry(key).or_default().push(copy);
            self.count += 1;
        }
    }

    /// Those of a row, which are not given again.
    pub fn take(&mut self, key: Key) -> Vec<Copy> {
        self.by_key.remove(&key).unwrap_or_default()
    }
}

/// Whether all texts of a row are text.
pub fn is_text(values: &[Value<'_>]) -> bool {
    values.iter().all(|value| match value {
        Value::Text(text) => std::str::from_utf8(text).is_ok(),
        _ => true,
    })
}

/// Whether a copy is to be taken in the place of the other.
pub fn is_better(
    (copy, trust): (&[Value<'_>], Trust),
    (row, trust_in_row): (&[Value<'_>], Trust),
) -> bool {
    if trust == Trust::Right {
        return true;
    }
    let (mut copy_looks, mut row_looks) = (0, 0);
    for (copy, row) in copy.iter().zip(row) {
        match (copy, row) {
            _ if copy == row => {}
            (Value::Text(copy), Value::Text(row)) => {
                copy_looks += likeness(copy, row);
                row_looks += likeness(row, copy);
            }
            // A row that was cut off, or whose header was hit.
            (_, Value::Null) => copy_looks += 1,
            (Value::Null, _) => row_looks += 1,
            _ => {}
        }
    }
    copy_looks += usize::from(copy.len() > row.len());
    row_looks += usize::from(row.len() > copy.len());
    (copy_looks, trust) > (row_looks, trust_in_row)
}

/// How much a text looks like itself where another differs from it: how often it has elsewhere what it has there.
fn likeness(text: &[u8], other: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(text) else {
        return 0;
    };
    let differ = text
        .bytes()
        .zip(other)
        .enumerate()
        .filter(|(_, (a, b))| a != *b);
    let mut places: Vec<usize> = differ.map(|(at, _)| text.floor_char_boundary(at)).collect();
    places.dedup();
    // Being text at all is something.
    places.iter().take(LOOKED_AT).fold(1, |sum, at| {
        let here = text[*at..].chars().next().unwrap_or_default();
        let before = text[..*at].char_indices().next_back();
        let after = text[*at..].char_indices().nth(2);
        let from = before.map_or(*at, |it| it.0);
        let around = &text[from..after.map_or(text.len(), |it| at + it.0)];
        // That it has a character more than once says little, and only where nothing else does.
        sum + usize::from(!here.is_control())
            + 4 * (text.matches(around).count() - 1)
            + (text.matches(here).count() - 1).min(3)
    })
}
