//! Opening a database where it is, or making it where it belongs; moving it into OPFS; removing it.
//!
//! Where a database is, is recorded outside it: in the IndexedDB database `conversation-store`, object store
//! `databases`, by the name of its directory, `{ storage, made, left? }`. The record is written before the
//! first byte of a new database. What follows from it and from what is found is decided in
//! [`crate::place`]. To be called by the holder of the name's lock only.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Object;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};

use super::database::{Database, Found};
use super::directory::{self, Directory};
use super::indexeddb::{self, Connection, Kept, Opening};
use super::js;
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{Durability, StorageKind, StorageOption};
use crate::place::{InOpfs, Plan, Recorded, plan};

const NAME: &str = "conversation-store";
const STORE: &str = "databases";

/// The records of where databases are. They are begun to be opened before they are needed: IndexedDB takes a
/// while, and there is enough else to do.
pub struct Records(Opening);

impl Records {
    /// Begins to open them.
    pub fn begin() -> Self {
        Self(indexeddb::begin(NAME, &[STORE]))
    }

    async fn find(self, directory: &str) -> Result<(Connection, JsValue)> {
        match self.read(directory).await {
            // It was begun long ago, and the browser has closed it since.
            Err(_) => Self::begin().read(directory).await,
            found => found,
        }
    }

    async fn read(self, directory: &str) -> Result<(Connection, JsValue)> {
        let connection = self.0.finish().await?;
        let entry = connection.get(STORE, directory).await?;
        Ok((connection, entry))
    }
}

/// A record as it was found.
struct Place<'a> {
    directory: &'a str,
    /// `None` where IndexedDB cannot be used: OPFS is used without a record then.
    records: Option<Connection>,
    recorded: Recorded,
    /// It was moved from IndexedDB, where something of it may be left.
    is_left: bool,
}

impl<'a> Place<'a> {
    fn new(directory: &'a str, found: Option<Result<(Connection, JsValue)>>) -> Self {
        let Some(Ok((connection, entry))) = found else {
            return Self {
                directory,
                records: None,
                recorded: Recorded::Unknown,
                is_left: false,
            };
        };
        let storage = match js::get(&entry, "storage").as_string().as_deref() {
            Some("opfs") => Some(StorageKind::Opfs),
            Some("indexeddb") => Some(StorageKind::Indexeddb),
            _ => None,
        };
        let made = js::get(&entry, "made").is_truthy();
        Self {
            directory,
            records: Some(connection),
            recorded: storage.map_or(Recorded::Nothing, |storage| Recorded::At { storage, made }),
            is_left: js::get(&entry, "left").is_truthy(),
        }
    }

    fn storage(&self) -> Option<StorageKind> {
        match self.recorded {
            Recorded::At { storage, .. } => Some(storage),
            _ => None,
        }
    }

    async fn record(&self, storage: StorageKind, made: bool, is_left: bool) -> Result<()> {
        match &self.records {
            Some(records) => record(records, self.directory, storage, made, is_left).await,
            None => Ok(()),
        }
    }

    /// Has it recorded, while nobody waits, that the database is complete there and nowhere else.
    fn settle(self, storage: StorageKind) {
        let is_settled = !self.is_left
            && self.recorded
                == Recorded::At {
                    storage,
                    made: true,
                };
        let Some(records) = self.records.filter(|_| !is_settled) else {
            return;
        };
        let (directory, is_left) = (self.directory.to_owned(), self.is_left);
        spawn_local(async move {
            // The next open does it, if this is cut short.
            if is_left
                && indexeddb::remove(&indexeddb::name_of(&directory))
                    .await
                    .is_err()
            {
                return;
            }
            let _ = record(&records, &directory, storage, true, false).await;
        });
    }
}

async fn record(
    records: &Connection,
    directory: &str,
    storage: StorageKind,
    made: bool,
    is_left: bool,
) -> Result<()> {
    let entry = Object::new();
    js::set(&entry, "storage", &js::write(&storage)?);
    js::set(&entry, "made", &made.into());
    js::set(&entry, "left", &is_left.into());
    records.put(STORE, directory, Some(&entry)).await
}

/// Looks at what is in OPFS, with the files in hand if it can be used.
async fn look(directory: &str) -> Result<(Option<Directory>, InOpfs)> {
    match Directory::acquire(directory).await {
        Ok((files, found)) => Ok((Some(files), found)),
        Err(error) if error.code == ErrorCode::StorageUnavailable => {
            let is_seen = directory::is_seen(directory).await;
            Ok((None, InOpfs::Unusable { error, is_seen }))
        }
        Err(error) => Err(error),
    }
}

/// Opens the database of a directory where it is, or makes it, unless it is `known` to have been there.
///
/// # Errors
/// Those of [`plan`], of the storages and of opening; nothing that was there is changed then.
pub async fn open(
    directory: &str,
    wanted: StorageOption,
    durability: Durability,
    known: bool,
    records: Records,
) -> Result<Database> {
    // The record is asked for while the files are acquired.
    let found = Rc::new(RefCell::new(None));
    let (asked, name) = (Rc::clone(&found), directory.to_owned());
    let asking = future_to_promise(async move {
        let record = records.find(&name).await;
        *asked.borrow_mut() = Some(record);
        Ok(JsValue::UNDEFINED)
    });
    let looked = look(directory).await;
    // It is never rejected.
    let _ = JsFuture::from(asking).await;
    let mut place = Place::new(directory, found.take());

    let is_recorded_here = place.storage() == Some(StorageKind::Indexeddb);
    let (files, opfs) = match looked {
        Ok(looked) => looked,
        // What is wrong elsewhere does not concern it; but who has the files there may be moving it.
        Err(error) if is_recorded_here && error.code != ErrorCode::Blocked => {
            let is_seen = false;
            (None, InOpfs::Unusable { error, is_seen })
        }
        Err(error) => return Err(error),
    };
    let kept = if is_recorded_here {
        Some(Kept::load(directory).await?.whole()?)
    } else {
        None
    };
    let kept = kept.filter(|kept| kept.image().size() > 0);
    let what = plan(wanted, place.recorded, kept.is_some(), &opfs)?;
    let (storage, created, evicted) = match what {
        Plan::Open(storage) => (storage, false, false),
        Plan::Move => (StorageKind::Opfs, false, false),
        Plan::Make { storage, evicted } => (storage, true, evicted),
    };
    if created && known {
        give_back(files, &opfs, directory).await;
        return Err(directory::cleared());
    }
    if created {
        // Looked for there, it was made there.
        place.is_left |= is_recorded_here && storage == StorageKind::Opfs;
        match place.record(storage, false, false).await {
            // Where no record can be written, OPFS can be used all the same.
            Err(error)
                if error.code != ErrorCode::QuotaExceeded && storage == StorageKind::Opfs => {}
            recorded => recorded?,
        }
    }
    let mut database = if storage == StorageKind::Indexeddb {
        give_back(files, &opfs, directory).await;
        let kept = match kept {
            Some(kept) => kept,
            None => {
                // Nothing of an earlier one is to be found in it.
                indexeddb::remove(&indexeddb::name_of(directory)).await?;
                Kept::load(directory).await?
            }
        };
        Database::in_indexeddb(kept, durability).await?
    } else {
        // A plan names no storage that was not found usable.
        let files = files.ok_or_else(|| StoreError::new(ErrorCode::Internal, "no files"))?;
        if let Some(kept) = kept {
            if let Err(error) = transfer(kept, &files, &place, durability).await {
                files.discard(directory).await;
                return Err(error);
            }
            place.is_left = true;
        }
        if what == Plan::Move || opfs == InOpfs::Staged {
            files.moved()?;
        }
        Database::in_opfs(files, durability).await?
    };
    database.found = Found {
        created,
        evicted,
        movable: storage == StorageKind::Indexeddb
            && matches!(opfs, InOpfs::Absent | InOpfs::Staged),
    };
    place.settle(storage);
    Ok(database)
}

/// Where a database is found that may be damaged.
pub enum There {
    /// There, with what can be read of it.
    Indexeddb(Kept),
    /// There, its files not yet acquired.
    Opfs(Directory),
}

/// Looks for a database where [`open`] would open it, whatever state it is in. `None` if there is none.
///
/// # Errors
/// `storage-unavailable` where it may be in a storage that cannot be used.
pub async fn find(directory: &str) -> Result<Option<There>> {
    let place = Place::new(directory, Some(Records::begin().find(directory).await));
    if place.storage() == Some(StorageKind::Indexeddb) {
        let kept = Kept::load(directory).await?;
        if kept.image().size() > 0 {
            return Ok(Some(There::Indexeddb(kept)));
        }
    }
    let may_be_in_opfs =
        place.recorded == Recorded::Unknown || place.storage() == Some(StorageKind::Opfs);
    match Directory::existing(directory).await {
        Err(error)
            if error.code == ErrorCode::StorageUnavailable
                && !may_be_in_opfs
                && !directory::is_seen(directory).await =>
        {
            Ok(None)
        }
        found => Ok(found?.map(There::Opfs)),
    }
}

/// Gives files back that are not used, without a trace if they hold nothing. Awaited: who opens next finds
/// nothing half removed.
async fn give_back(files: Option<Directory>, opfs: &InOpfs, directory: &str) {
    if let (Some(files), InOpfs::Absent) = (files, opfs) {
        files.discard(directory).await;
    }
}

/// Copies a database from IndexedDB to OPFS and records that it is there. Until then, whatever happens, it
/// is in IndexedDB; from then on in OPFS.
async fn transfer(
    kept: Kept,
    files: &Directory,
    place: &Place<'_>,
    durability: Durability,
) -> Result<()> {
    let database = Database::in_indexeddb(kept, durability).await?;
    database.verify()?;
    let kept = database.close().await?;
    if let Some(kept) = kept {
        files.stage(kept.image())?;
    }
    place.record(StorageKind::Opfs, true, true).await
}

/// Removes a database wherever it is, its record last. Nothing there is no error.
///
/// # Errors
/// `blocked` if another worker keeps a file open, `storage-unavailable`.
pub async fn remove(directory: &str) -> Result<()> {
    let place = Place::new(directory, Some(Records::begin().find(directory).await));
    let storage = place.storage();
    if let Some(storage) = storage {
        // What is gone from now on is not missed. Where there is no space for that, it goes all the same.
        let _ = place.record(storage, false, false).await;
    }
    match directory::remove(directory).await {
        Err(error)
            if error.code == ErrorCode::StorageUnavailable
                && place.records.is_some()
                && storage != Some(StorageKind::Opfs) => {}
        removed => removed?,
    }
    if let Some(records) = &place.records {
        indexeddb::remove(&indexeddb::name_of(directory)).await?;
        records.put(STORE, directory, None).await?;
    }
    Ok(())
}
