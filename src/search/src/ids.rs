//! Sets of ids, as lists in ascending order.

use super::segment::{Bytes, Read, put, sealed, unsealed};

/// Ids, ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids(Vec<i64>);

impl Ids {
    /// Of ids in any order.
    pub fn new(mut ids: Vec<i64>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self(ids)
    }

    /// Whether it is one of them.
    pub fn contains(&self, id: i64) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// In order.
    pub fn as_slice(&self) -> &[i64] {
        &self.0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// To be kept, with a checksum.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut before = 0;
        for id in &self.0 {
            put(&mut bytes, id.wrapping_sub(before) as u64);
            before = *id;
        }
        sealed(bytes)
    }

    /// As they were kept.
    ///
    /// # Errors
    /// [`super::segment::Fault::Damaged`].
    pub fn read(bytes: &[u8]) -> Read<Self> {
        let mut bytes = Bytes(unsealed(bytes)?);
        let mut ids = Vec::new();
        let mut id = 0_i64;
        while !bytes.0.is_empty() {
            id = id.wrapping_add(bytes.number()? as i64);
            ids.push(id);
        }
        Ok(Self(ids))
    }
}
