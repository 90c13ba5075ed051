//! Where a database is: what is recorded of it, what is found, what the caller wants, and what follows.
//!
//! A database is never begun anew in one storage while it may be in another. Knows no browser; the rule is
//! one function, [`plan`], over a table that can be read.

use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{StorageKind, StorageOption};

/// What is recorded of a database, outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Records cannot be read here.
    Unknown,
    /// Nothing.
    Nothing,
    /// It is in this storage.
    At {
        /// Never memory.
        storage: StorageKind,
        /// It was complete once; before, its making may have been interrupted.
        made: bool,
    },
}

/// What was found in OPFS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InOpfs {
    /// It cannot be used now.
    Unusable {
        /// Why.
        error: StoreError,
        /// A database could be seen there all the same.
        is_seen: bool,
    },
    /// Nothing.
    Absent,
    /// A copy that a move from IndexedDB has begun.
    Staged,
    /// A database.
    Held,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Open what is there.
    Open(StorageKind),
    /// Move it from IndexedDB into OPFS.
    Move,
    /// Make a new one.
    Make {
        /// There.
        storage: StorageKind,
        /// One was there and is gone.
        evicted: bool,
    },
}

/// Decides. `in_indexeddb`: whether a database is in IndexedDB, which is looked at where it is recorded there.
///
/// # Errors
/// `storage-unavailable` where the storage that it is in, or may be in, or is to be in, cannot be used;
/// `conflict` where it is elsewhere than wanted; `corrupt` for half a move without its other half.
pub fn plan(
    wanted: StorageOption,
    recorded: Recorded,
    in_indexeddb: bool,
    opfs: &InOpfs,
) -> Result<Plan> {
    use StorageKind::{Indexeddb, Opfs};

    if in_indexeddb {
        return match (wanted, opfs) {
            (StorageOption::Opfs, InOpfs::Unusable { error, .. }) => Err(error.clone()),
            (StorageOption::Opfs, InOpfs::Held) => Err(StoreError::conflict(
                "storage: both IndexedDB and OPFS hold a database of this name, so neither is moved onto \
                 the other: open it with storage 'auto'",
            )),
            (StorageOption::Opfs, _) => Ok(Plan::Move),
            _ => Ok(Plan::Open(Indexeddb)),
        };
    }
    let (storage, made) = match recorded {
        Recorded::At { storage, made } => (Some(storage), made),
        _ => (None, false),
    };
    let not_here = StoreError::conflict(
        "storage: this database is in OPFS: open it with storage 'auto' or 'opfs'",
    );
    let prefers_indexeddb = wanted == StorageOption::Indexeddb;
    match opfs {
        // The record is switched when all of the copy is there.
        InOpfs::Staged if storage != Some(Opfs) => Err(if recorded == Recorded::Unknown {
            unavailable("it was being moved from IndexedDB, which cannot be used now")
        } else {
            StoreError::new(
                ErrorCode::Corrupt,
                "the database was being moved from IndexedDB to OPFS, and is in IndexedDB no more; \
                 nothing was deleted",
            )
        }),
        InOpfs::Held | InOpfs::Staged if prefers_indexeddb => Err(not_here),
        InOpfs::Held | InOpfs::Staged => Ok(Plan::Open(Opfs)),
        InOpfs::Absent => Ok(Plan::Make {
            storage: if prefers_indexeddb { Indexeddb } else { Opfs },
            evicted: made,
        }),
        InOpfs::Unusable { error, is_seen } => {
            if *is_seen || storage == Some(Opfs) {
                return Err(if prefers_indexeddb {
                    not_here
                } else {
                    unavailable(&format!(
                        "its chats are in OPFS, which this browser does not give now ({error})"
                    ))
                });
            }
            if wanted == StorageOption::Opfs || recorded == Recorded::Unknown {
                return Err(error.clone());
            }
            Ok(Plan::Make {
                storage: Indexeddb,
                evicted: made,
            })
        }
    }
}

fn unavailable(reason: &str) -> StoreError {
    StoreError::new(
        ErrorCode::StorageUnavailable,
        format!("the database cannot be opened: {reason}; nothing was deleted: try again"),
    )
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
