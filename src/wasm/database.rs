//! One open database: the store with its files. What a leader, or a worker of its own, carries out.
//!
//! Requests of the store are carried out at once; backup and restore await, and whoever calls them
//! lets nothing else in meanwhile. In IndexedDB what was carried out is not kept before
//! [`Database::persist`] says so. Knows no tab and no lock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Date, Promise, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::Blob;

use super::directory::Directory;
use super::indexeddb::{self, Kept};
use super::unicode::Browser;
use super::{js, vfs};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{
    Durability, ImportCounts, ImportingOptions, Operation, StorageKind, fingerprint,
};
use crate::rpc::{Call, Response, dispatch_all};
use crate::store::{Change, Env, Location, Outcome, Random, Store};

/// What a tab without the store must know of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Where it is.
    pub storage: StorageKind,
    /// SQLite's word.
    pub journal_mode: String,
    /// The engine's version.
    pub sqlite_version: String,
    /// The number of migrations the file has had.
    pub schema_version: i64,
    /// The open that leads has made it.
    #[serde(default)]
    pub created: bool,
    /// One was there before, and the browser has removed it.
    #[serde(default)]
    pub evicted: bool,
    /// It is in IndexedDB and could be in OPFS.
    #[serde(default)]
    pub movable: bool,
}

/// How it was found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// It was not there, and was made.
    pub created: bool,
    /// One was there before, and the browser has removed it.
    pub evicted: bool,
    /// It is in IndexedDB and could be in OPFS.
    pub movable: bool,
}

/// By which a caller gives up a request that awaits.
#[derive(Clone, Default)]
pub struct Ticket(Rc<Cell<bool>>);

impl Ticket {
    /// Gives it up: it ends at its next step.
    pub fn abort(&self) {
        self.0.set(true);
    }

    /// Fails if it was given up.
    ///
    /// # Errors
    /// `aborted`.
    pub fn check(&self) -> Result<()> {
        if self.0.get() {
            return Err(StoreError::new(
                ErrorCode::Aborted,
                "the call was aborted by its signal; it changed nothing",
            ));
        }
        Ok(())
    }
}

/// Fields are dropped in this order: the store closes, then the files are given back.
pub struct Database {
    store: Store,
    directory: Directory,
    storage: StorageKind,
    /// How it was found.
    pub found: Found,
    /// Where its file is kept, if that is IndexedDB.
    kept: Option<Kept>,
    /// The store could not be opened again over what is kept.
    is_lost: bool,
    /// What can wait found no space.
    is_starved: bool,
}

/// Milliseconds after which it is asked whether the browser knows of space that was given up: 6 s together.
const RELEASE_PAUSES: [i32; 7] = [50, 100, 200, 500, 1_000, 1_500, 2_650];

thread_local! {
    static MEMORY_DATABASES: Cell<u32> = const { Cell::new(0) };
}

/// A directory in memory of its own.
///
/// # Errors
/// `internal`.
pub fn in_memory(kept: Option<&Kept>) -> Result<Directory> {
    let number = MEMORY_DATABASES.get();
    MEMORY_DATABASES.set(number + 1);
    Directory::in_memory(number, kept.map(Kept::image))
}

fn open_store(
    directory: &Directory,
    storage: StorageKind,
    durability: Durability,
) -> Result<Store> {
    let path = directory.main_path();
    let vfs = Some(vfs::NAME);
    let location = match storage {
        StorageKind::Memory => Location::Memory { vfs },
        StorageKind::Indexeddb => Location::Atomic { path: &path, vfs },
        _ => Location::File { path: &path, vfs },
    };
    Store::open(location, durability, browser_env())
}

impl Database {
    /// Opens a database over its files in OPFS.
    ///
    /// # Errors
    /// Those of [`Store::open`].
    pub async fn in_opfs(directory: Directory, durability: Durability) -> Result<Self> {
        let storage = StorageKind::Opfs;
        let opened = match open_store(&directory, storage, durability) {
            // A migration, or what is mended at an open: the reserve may do for it.
            Err(error) if error.is_of_space() && directory.give_up_reserve().await => {
                open_store(&directory, storage, durability)
            }
            opened => opened,
        };
        let database = Self::over(opened?, directory, None, storage);
        database.directory.made();
        Ok(database)
    }

    /// Opens a database over its file in IndexedDB. What opening it changed is kept, or, where there is no
    /// space for it and nobody was promised it, goes with the next change.
    ///
    /// # Errors
    /// Those of [`Store::open`] and [`Kept::save`].
    pub async fn in_indexeddb(kept: Kept, durability: Durability) -> Result<Self> {
        let is_new = kept.image().size() == 0;
        let directory = in_memory(Some(&kept))?;
        let storage = StorageKind::Indexeddb;
        let store = open_store(&directory, storage, durability)?;
        let database = Self::over(store, directory, Some(kept), storage);
        match database.save().await {
            Err(error) if is_new || error.code != ErrorCode::QuotaExceeded => Err(error),
            _ => Ok(database),
        }
    }

    /// Opens a database in memory.
    ///
    /// # Errors
    /// `internal`.
    pub fn in_memory(durability: Durability) -> Result<Self> {
        let directory = in_memory(None)?;
        let storage = StorageKind::Memory;
        let store = open_store(&directory, storage, durability)?;
        Ok(Self::over(store, directory, None, storage))
    }

    fn over(store: Store, directory: Directory, kept: Option<Kept>, storage: StorageKind) -> Self {
        Self {
            store,
            directory,
            storage,
            found: Found::default(),
            kept,
            is_lost: false,
            is_starved: false,
        }
    }

    /// What is to be known of it elsewhere.
    pub fn facts(&self) -> Facts {
        let opened = self.store.opened_as();
        Facts {
            storage: self.storage,
            journal_mode: opened.journal_mode.to_owned(),
            sqlite_version: opened.sqlite_version.to_owned(),
            schema_version: opened.schema_version,
            created: self.found.created,
            evicted: self.found.evicted,
            movable: self.found.movable,
        }
    }

    /// Where it is.
    pub fn storage(&self) -> StorageKind {
        self.storage
    }

    /// Writes everything to its place and gives the files back. What it is kept by in IndexedDB is left.
    ///
    /// # Errors
    /// Those of writing; the files are given back all the same.
    pub async fn close(self) -> Result<Option<Kept>> {
        let durability = self.store.durability();
        self.store.close()?;
        if let Some(kept) = &self.kept {
            kept.save(durability).await?;
        }
        Ok(self.kept)
    }

    /// Whether something was changed since it was last tried to have changes kept.
    pub fn is_unsaved(&self) -> bool {
        let is_touched = |kept: &Kept| kept.image().is_touched();
        self.kept.as_ref().is_some_and(is_touched)
    }

    /// Whether nothing more can be kept of it: the browser has closed it, somebody else has written, or the
    /// store could not be opened over what is kept.
    pub fn is_lost(&self) -> bool {
        let is_lost = |kept: &Kept| kept.is_gone() || kept.is_stale();
        self.is_lost || self.kept.as_ref().is_some_and(is_lost)
    }

    /// Has what was changed kept, or leaves it as it is.
    ///
    /// # Errors
    /// Those of [`Kept::save`].
    pub async fn save(&self) -> Result<()> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let saved = kept.save(self.store.durability()).await;
        kept.image().rest();
        saved
    }

    /// Has what was changed kept, or takes all of it back: the file is then what is kept, and the store
    /// opened over it anew. What `frees` space may use what is set apart for that.
    ///
    /// # Errors
    /// Those of [`Kept::save`].
    pub async fn persist(&mut self, frees: bool) -> Result<()> {
        let mut saved = self.save().await;
        let is_full = |saved: &Result<()>| matches!(saved, Err(error) if error.code == ErrorCode::QuotaExceeded);
        if frees
            && is_full(&saved)
            && let Some(kept) = &self.kept
            && kept.release().await
        {
            for pause in RELEASE_PAUSES {
                js::sleep(pause).await;
                saved = self.save().await;
                if !is_full(&saved) {
                    break;
                }
            }
        }
        if saved.is_err()
            && let Some(kept) = &self.kept
        {
            kept.image().take_back();
            match open_store(&self.directory, self.storage, self.store.durability()) {
                Ok(mut store) => {
                    store.succeed(&mut self.store);
                    self.store = store;
                }
                Err(_) => self.is_lost = true,
            }
            // What opening mends is not what was asked for: a read that comes next does not fail of it.
            kept.image().rest();
        }
        saved
    }

    /// Sets space apart for deletions, where that is yet to be done.
    pub fn reserve(&self) -> Option<impl Future<Output = ()> + use<>> {
        self.kept.as_ref().map(Kept::reserve)
    }

    /// Says which limit was met, if it was that of the storage.
    fn limited<T>(&self, result: Result<T>) -> Result<T> {
        let was_full = |kept: &Kept| kept.image().take_full();
        if !self.kept.as_ref().is_some_and(was_full) {
            return result;
        }
        result.map_err(|error| match error.code {
            ErrorCode::QuotaExceeded => StoreError::new(
                ErrorCode::QuotaExceeded,
                format!(
                    "a database in IndexedDB has at most {} MB, which this call would exceed; it changed nothing",
                    indexeddb::LIMIT >> 20
                ),
            ),
            _ => error,
        })
    }

    /// Says that the file is whole, or how it is not.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn verify(&self) -> Result<()> {
        self.store.verify()
    }

    /// What is still being made or removed beside it; nobody is to end this worker before.
    pub fn errands(&self) -> Option<Promise> {
        self.directory.errands()
    }

    /// Gives the files back as they are: nothing more is written, by nobody.
    pub fn abandon(self) {
        self.directory.abandon();
    }

    /// The same, where the browser has removed the files.
    pub fn forsake(self) {
        self.directory.forsake();
        // Its close would write, and close the handles.
        std::mem::forget(self);
    }

    /// Asks whether the files are where they are looked for. It may be asked for while this is used.
    pub fn is_there(&self) -> impl Future<Output = bool> + use<> {
        self.directory.is_there()
    }

    /// The store, for what needs no file.
    pub fn store(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Carries out calls of the store, several in one commit; flushed if one of their callers wants it.
    pub fn run_all(&mut self, asked: Vec<Result<(Call, Durability)>>) -> Vec<Outcome<Response>> {
        let mut refused = Vec::new();
        let mut durability = Durability::Relaxed;
        let mut calls = Vec::with_capacity(asked.len());
        for (place, asked) in asked.into_iter().enumerate() {
            match asked {
                Ok((call, wanted)) => {
                    if wanted == Durability::Strict {
                        durability = wanted;
                    }
                    calls.push(call);
                }
                Err(error) => refused.push((place, error)),
            }
        }
        let fails = |error: StoreError| Outcome {
            result: Err(error),
            changes: Vec::new(),
        };
        let set = match calls[..] {
            [] => Ok(()),
            _ => self.store.set_durability(durability),
        };
        let mut outcomes = match set {
            Ok(()) => dispatch_all(&mut self.store, &calls),
            Err(error) => calls.iter().map(|_| fails(error.clone())).collect(),
        };
        for outcome in &mut outcomes {
            let result = std::mem::replace(&mut outcome.result, Ok(Response::Nothing));
            outcome.result = self.limited(result);
        }
        for (place, error) in refused {
            outcomes.insert(place, fails(error));
        }
        outcomes
    }

    /// Has what can wait go on a step, and says whether there is more.
    pub fn tend(&mut self) -> bool {
        if self.is_starved {
            return false;
        }
        let went_on = match self.store.needs_indexing() {
            Ok(true) => self.store.index_step(),
            _ => self.freeing(|database| database.store.shrink_step()),
        };
        // What cannot be indexed now is searched by its text, and tried again after the next change; where
        // there is no space, in the next pause.
        went_on.unwrap_or_else(|error| {
            self.is_starved = error.is_of_space();
            false
        })
    }

    /// Uses a pause for what would make a call wait.
    pub fn rest(&mut self) {
        // What was acknowledged is in the log; where there is no room for it in the main file, it stays
        // there until the next pause.
        let _ = self.store.checkpoint();
        self.directory.keep_reserve();
        self.is_starved = false;
    }

    /// Makes what room can be made without deleting anything: the log begins anew, and the browser takes
    /// back what files do not need any more.
    ///
    /// # Errors
    /// Those of opening a file again: the database is of no use any more, and is to be opened anew.
    pub async fn make_room(&mut self) -> Result<()> {
        // Where there is no room for that either, the log stays as it is.
        let _ = self.freeing(|database| database.store.make_room());
        self.directory.trim().await
    }

    /// Does what frees space: it may have what the log keeps for it.
    pub fn freeing<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.directory.spend(true);
        let done = work(self);
        self.directory.spend(false);
        done
    }

    /// The files of the database.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// What was committed since this was last asked.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.store.take_changes()
    }

    /// A consistent copy of the database, as a Blob. `step` is called for each piece.
    ///
    /// # Errors
    /// `quota-exceeded`, `aborted` and those of the storage.
    pub async fn backup(&mut self, ticket: &Ticket, step: &dyn Fn()) -> Result<JsValue> {
        self.directory.take_copy().await?;
        let written = self.write_blob(ticket, step);
        self.directory.drop_copy();
        written
    }

    fn write_blob(&mut self, ticket: &Ticket, step: &dyn Fn()) -> Result<JsValue> {
        let path = self.directory.copy_path();
        self.store.backup_into(&path)?;
        let pool = self.directory.pool();
        let size = pool.size(&path)?;
        let parts = Array::new();
        let mut offset = 0;
        while offset < size {
            ticket.check()?;
            let piece = pool.read(&path, offset, vfs::CHUNK)?;
            offset += u64::from(piece.length());
            // A Blob for each piece: the browser may keep it outside this worker's memory.
            let piece = Blob::new_with_u8_array_sequence(&Array::of1(&piece))
                .map_err(|error| js::thrown("making the backup's Blob", &error))?;
            parts.push(&piece);
            step();
        }
        let properties = web_sys::BlobPropertyBag::new();
        properties.set_type("application/vnd.sqlite3");
        Blob::new_with_blob_sequence_and_options(&parts, &properties)
            .map(Into::into)
            .map_err(|error| js::thrown("making the backup's Blob", &error))
    }

    /// Replaces everything by what a SQLite file holds; once, if it is an operation.
    ///
    /// # Errors
    /// Those of [`Store::restore_from`], `aborted` and those of the storage.
    pub async fn restore(
        &mut self,
        file: JsValue,
        operation: Option<&Operation>,
        durability: Durability,
        ticket: &Ticket,
        step: &dyn Fn(),
    ) -> Result<JsValue> {
        let file: Blob = file.dyn_into().map_err(|_| {
            StoreError::invalid("file: give a Blob or File that holds a SQLite database")
        })?;
        self.store.set_durability(durability)?;
        self.directory.take_copy().await?;
        let restored = match self.stage(&file, ticket, step).await {
            Ok((path, fingerprint)) => self.store.restore_from(&path, operation, fingerprint),
            Err(error) => Err(error),
        };
        self.directory.drop_copy();
        self.limited(restored).map(|()| JsValue::UNDEFINED)
    }

    /// Takes in what a SQLite file holds, a batch at a time. Asked for again, it changes nothing more.
    ///
    /// # Errors
    /// Those of [`Store::open_copy`] and [`Store::merge`], `aborted` and those of the storage.
    pub async fn merge(
        &mut self,
        file: JsValue,
        options: &ImportingOptions,
        durability: Durability,
        ticket: &Ticket,
        step: &dyn Fn(),
    ) -> Result<ImportCounts> {
        let file: Blob = file
            .dyn_into()
            .map_err(|_| StoreError::invalid("data: give a Blob or File"))?;
        self.store.set_durability(durability)?;
        self.directory.take_copy().await?;
        let merged = match self.stage(&file, ticket, step).await {
            Ok((path, _)) => {
                Store::open_copy(&path, Some(vfs::NAME), browser_env()).and_then(|copy| {
                    self.store.merge(&copy, options, |_| {
                        step();
                        ticket.check()
                    })
                })
            }
            Err(error) => Err(error),
        };
        self.directory.drop_copy();
        self.limited(merged)
    }

    /// Writes a file beside the database, piece by piece. Its path, and what stands for its bytes.
    async fn stage(&self, file: &Blob, ticket: &Ticket, step: &dyn Fn()) -> Result<(String, i64)> {
        let path = self.directory.copy_path();
        let mut print = fingerprint(&"restore");
        let size = file.size();
        let mut offset = 0.0;
        while offset < size {
            ticket.check()?;
            let end = (offset + f64::from(vfs::CHUNK)).min(size);
            let piece = file
                .slice_with_f64_and_f64(offset, end)
                .map_err(|error| js::thrown("reading the file", &error))?;
            let buffer = js::settled("reading the file", piece.array_buffer()).await?;
            let mut bytes = Uint8Array::new(&buffer).to_vec();
            print = fingerprint(&(print, &bytes));
            if offset == 0.0 {
                leave_wal_mode(&mut bytes);
            }
            self.directory.pool().write(&path, offset as u64, &bytes)?;
            offset = end;
            step();
        }
        ticket.check()?;
        Ok((path, print))
    }
}

/// A file copied from beside a log that is not there says in its header that it has one
/// (<https://sqlite.org/fileformat2.html#file_format_version_numbers>): its main file is what its
/// last checkpoint left, and is read as that.
fn leave_wal_mode(first_page: &mut [u8]) {
    if let Some(versions @ [2, 2]) = first_page.get_mut(18..20) {
        versions.fill(1);
    }
}

/// Where a worker keeps its open database, if it has one. Taken out by what awaits.
pub type Slot = RefCell<Option<Database>>;

/// The world, as a browser has it.
pub fn browser_env() -> Env {
    Env {
        now: Box::new(|| Date::now() as i64),
        random: random(),
        unicode: Box::new(Browser::default()),
    }
}

/// Random bytes, asked for many at a time: the browser's call costs more than they do.
fn random() -> Random {
    const MANY: usize = 1_024;
    let pool = RefCell::new(Vec::new());
    Box::new(move |buffer| {
        let mut pool = pool.borrow_mut();
        if pool.len() < buffer.len() {
            pool.resize(MANY.max(buffer.len()), 0);
            js::random(&mut pool);
        }
        let rest = pool.len() - buffer.len();
        buffer.copy_from_slice(&pool[rest..]);
        pool.truncate(rest);
    })
}
