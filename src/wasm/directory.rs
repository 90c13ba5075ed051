//! The files of one database in the origin private file system: acquiring their handles,
//! examining what is there, removing them.
//!
//! A database `name` has the directory `conversation-store/<encoded name>`, with `main.db` (a
//! SQLite database like any other), its log and journal, `copy.db` while a backup or restore
//! runs, and `reserve`. Knows no SQL; must be called by the holder of the name's lock only.

mod salvaging;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, AsyncIterator, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::{
    FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemGetDirectoryOptions,
    FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemRemoveOptions,
    FileSystemSyncAccessHandle, StorageManager,
};

pub use salvaging::nothing_there;

use super::image::Image;
use super::js;
use super::vfs::{CHUNK, OpfsFile, Pool};
use crate::coalescing::Kind;
use crate::error::{ErrorCode, Result, StoreError};
use crate::place::InOpfs;
use crate::space::Space;

const ROOT: &str = "conversation-store";
/// The database itself.
pub const MAIN: &str = "main.db";
const LOG: &str = "main.db-wal";
/// Protects the making of a database. It is there from before `main.db` until the database is made,
/// and so tells one that is being made from one that has lost its content.
const JOURNAL: &str = "main.db-journal";
/// What the journal holds while the database is being moved here, until that is recorded. It is no journal of
/// SQLite's: those begin otherwise.
const MOVING: &[u8] = b"\0moving";
/// The name of a refusal because another sync access handle is open.
const HELD: &str = "NoModificationAllowedError";
const COPY: [&str; 2] = ["copy.db", "copy.db-journal"];
/// Bytes that the browser has granted already, given up for what frees space where there is none.
const RESERVE: &str = "reserve";
/// So many. A delete writes to the log what it changes: some hundred KB for a chat of a thousand messages.
const RESERVED: u32 = 4 << 20;
/// Files, and how many bytes they must have shrunk by for their handles to be opened anew. The log keeps
/// what it was granted, unless one write made it long: where space is short, it lives by that.
const TRIMMED: [(&str, u64); 2] = [(MAIN, 1 << 16), (LOG, (16 << 20) + 1)];

/// How long a handle of a tab that just died may keep a new one from being made: pauses in
/// milliseconds, 5 s together.
const RETRY_PAUSES: [i32; 8] = [10, 20, 50, 120, 300, 700, 1_300, 2_500];

/// The directory of one database. Dropping it gives its files back.
pub struct Directory {
    /// `None`: the database is in memory, or elsewhere than here.
    handle: Option<FileSystemDirectoryHandle>,
    prefix: String,
    pool: Pool,
    /// The removal of the last copy, under way or done.
    removal: RefCell<Option<Promise>>,
    /// It is known that the reserve is there, or being made.
    has_reserve: Rc<Cell<bool>>,
    /// The making of it, under way or done.
    making: RefCell<Option<Promise>>,
}

/// `navigator.storage`, where this environment has it.
pub fn storage_manager() -> Option<StorageManager> {
    let manager = js::global(&["navigator", "storage"]);
    (!manager.is_undefined() && !manager.is_null()).then(|| manager.unchecked_into())
}

/// What the browser says of the space of this origin, if it does.
pub async fn estimate() -> Option<Space> {
    let manager = storage_manager()?;
    if !js::get(&manager, "estimate").is_function() {
        return None;
    }
    let estimate = JsFuture::from(manager.estimate().ok()?).await.ok()?;
    let bytes = |name| js::get(&estimate, name).as_f64().map(|bytes| bytes as u64);
    Some(Space {
        usage: bytes("usage")?,
        quota: bytes("quota")?,
    })
}

async fn root() -> Result<FileSystemDirectoryHandle> {
    let unavailable = || {
        StoreError::new(
            ErrorCode::StorageUnavailable,
            "this environment has no origin private file system (navigator.storage.getDirectory): \
             it needs a browser worker in a secure context; open ':memory:' to keep nothing",
        )
    };
    let manager = storage_manager().ok_or_else(unavailable)?;
    if !js::get(&manager, "getDirectory").is_function() {
        return Err(unavailable());
    }
    let root = js::settled("navigator.storage.getDirectory", manager.get_directory()).await?;
    Ok(root.unchecked_into())
}

async fn subdirectory(
    parent: &FileSystemDirectoryHandle,
    name: &str,
) -> Result<FileSystemDirectoryHandle> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    let promise = parent.get_directory_handle_with_options(name, &options);
    Ok(js::settled("opening the directory", promise)
        .await?
        .unchecked_into())
}

impl Drop for Directory {
    fn drop(&mut self) {
        for name in [MAIN, LOG, JOURNAL].iter().chain(&COPY) {
            self.pool.release(&self.path(name));
        }
    }
}

impl Directory {
    /// Acquires the files of a database in OPFS, creating them where there are none, and says which it is.
    ///
    /// # Errors
    /// `storage-unavailable` without OPFS, `blocked` if another worker keeps a handle,
    /// `corrupt` if the directory holds data but not the main file.
    pub async fn acquire(name: &str) -> Result<(Self, InOpfs)> {
        let handle = subdirectory(&subdirectory(&root().await?, ROOT).await?, name).await?;
        let directory = Self {
            handle: Some(handle),
            prefix: format!("/{name}/"),
            pool: Pool::of_this_worker()?,
            removal: RefCell::default(),
            has_reserve: Rc::default(),
            making: RefCell::default(),
        };
        let is_new = directory.is_new().await?;
        if is_new {
            // In this order: an interruption leaves what is new, not what is damaged.
            for name in [JOURNAL, MAIN] {
                directory.take(&[name]).await?;
            }
            directory.take(&[LOG]).await?;
        } else {
            directory.take(&[MAIN, LOG]).await?;
        }
        if is_new && directory.size(JOURNAL)? > 0 {
            let path = directory.path(JOURNAL);
            let first = directory.pool.read(&path, 0, MOVING.len() as u32)?;
            if first.to_vec() == MOVING {
                return Ok((directory, InOpfs::Staged));
            }
        }
        let (main, log) = (directory.size(MAIN)?, directory.size(LOG)?);
        if main == 0 && (log > 0 || !is_new) {
            return Err(corrupt("its main file is empty"));
        }
        if main > 0 {
            directory.go_on_with_switch().await?;
        }
        directory.remove_copy();
        let found = if main == 0 {
            InOpfs::Absent
        } else {
            InOpfs::Held
        };
        Ok((directory, found))
    }

    /// A database whose file is in memory: for its copies, and for SQLite to find it.
    ///
    /// # Errors
    /// `internal`.
    pub fn in_memory(number: u32, main: Option<&Rc<Image>>) -> Result<Self> {
        let directory = Self {
            handle: None,
            prefix: format!("/:memory:{number}/"),
            pool: Pool::of_this_worker()?,
            removal: RefCell::default(),
            has_reserve: Rc::default(),
            making: RefCell::default(),
        };
        if let Some(image) = main {
            let path = directory.main_path();
            directory.pool.put_image(path, Rc::clone(image));
        }
        Ok(directory)
    }

    /// Writes a database here that is elsewhere, flushed and compared with what it is there. Until
    /// [`Directory::moved`] says so it does not count.
    ///
    /// # Errors
    /// `quota-exceeded` and those of the storage.
    pub fn stage(&self, image: &Image) -> Result<()> {
        let (journal, main) = (self.path(JOURNAL), self.main_path());
        self.pool.clear(&journal)?;
        self.pool.write(&journal, 0, MOVING)?;
        self.pool.flush(&journal)?;
        self.pool.clear(&main)?;
        self.pool.clear(&self.path(LOG))?;
        let mut piece = vec![0; CHUNK as usize];
        let mut offset = 0;
        while offset < image.size() {
            let count = image.read(&mut piece, offset);
            self.pool.write(&main, offset, &piece[..count])?;
            offset += count as u64;
        }
        self.pool.flush(&main)?;
        let mut offset = 0;
        while offset < image.size() {
            let count = image.read(&mut piece, offset);
            let written = self.pool.read(&main, offset, CHUNK)?.to_vec();
            if written != piece[..count] {
                return Err(StoreError::new(
                    ErrorCode::StorageUnavailable,
                    "OPFS does not give back what was written to it; the database stays in IndexedDB",
                ));
            }
            offset += count as u64;
        }
        Ok(())
    }

    /// What was staged is the database from now on.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn moved(&self) -> Result<()> {
        let journal = self.path(JOURNAL);
        self.pool.clear(&journal)?;
        self.pool.flush(&journal)
    }

    /// Gives the files back and removes them, where there is no database.
    pub async fn discard(self, name: &str) {
        let is_ours = self.handle.is_some();
        drop(self);
        if is_ours {
            // If it stays, it is found to be nothing again.
            let _ = remove(name).await;
        }
    }

    /// Closes the handles at once, whoever has the files open: what is written after fails.
    pub fn abandon(&self) {
        for name in [MAIN, LOG, JOURNAL].iter().chain(&COPY) {
            self.pool.cut(&self.path(name));
        }
    }

    /// Lets go of the files without closing their handles: after the browser has cleared this site's
    /// data, Chromium 156 never returns from closing one.
    pub fn forsake(&self) {
        for name in [MAIN, LOG, JOURNAL].iter().chain(&COPY) {
            self.pool.forsake(&self.path(name));
        }
    }

    /// Whether the database's file is still there, where others would look for it. The handles do not
    /// tell: they go on writing to a file that the browser has removed.
    pub fn is_there(&self) -> impl Future<Output = bool> + use<> {
        let handle = self.handle.clone();
        async move {
            let Some(handle) = handle else { return true };
            match JsFuture::from(handle.get_file_handle(MAIN)).await {
                Err(error) => js::name_of(&error) != "NotFoundError",
                Ok(_) => true,
            }
        }
    }

    /// The path SQLite opens.
    pub fn main_path(&self) -> String {
        self.path(MAIN)
    }

    /// The path of the file that backup writes and restore reads.
    pub fn copy_path(&self) -> String {
        self.path("copy.db")
    }

    /// The pool that holds the files.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Acquires an empty file for a copy of the database.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn take_copy(&self) -> Result<()> {
        if self.handle.is_some() {
            let removal = self.removal.borrow_mut().take();
            if let Some(removal) = removal {
                js::settled("removing the last copy", removal).await?;
            }
            self.take(&COPY).await?;
            for name in COPY {
                self.pool.clear(&self.path(name))?;
            }
        } else {
            for name in COPY {
                self.pool.put_memory(self.path(name));
            }
        }
        Ok(())
    }

    /// Gives the file of the copy back and removes it.
    pub fn drop_copy(&self) {
        for name in COPY {
            self.pool.release(&self.path(name));
        }
        self.remove_copy();
    }

    /// What is done to other files than the database's, under way or done.
    pub fn errands(&self) -> Option<Promise> {
        let errands: Array = [&self.removal, &self.making]
            .iter()
            .filter_map(|errand| errand.borrow().clone())
            .collect();
        (errands.length() > 0).then(|| Promise::all_settled(&errands))
    }

    /// Removes what a backup or restore left, also one that a crash cut short. Nobody waits for it
    /// but the next copy, which begins by emptying what could not be removed.
    fn remove_copy(&self) {
        let Some(handle) = self.handle.clone() else {
            return;
        };
        let removal = future_to_promise(async move {
            for name in COPY {
                // Most often it is not there.
                let _ = JsFuture::from(handle.remove_entry(name)).await;
            }
            Ok(JsValue::UNDEFINED)
        });
        *self.removal.borrow_mut() = Some(removal);
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn size(&self, name: &str) -> Result<u64> {
        self.pool.size(&self.path(name))
    }

    /// Whether the database is yet to be made, or its making was interrupted.
    async fn is_new(&self) -> Result<bool> {
        let Some(handle) = &self.handle else {
            return Ok(false);
        };
        let asked = Array::of2(
            &handle.get_file_handle(JOURNAL),
            &handle.get_file_handle(MAIN),
        );
        let settled = js::settled("looking for files", Promise::all_settled(&asked)).await?;
        let there = |n| js::get(&Array::from(&settled).get(n), "status") == "fulfilled";
        if there(0) {
            return Ok(true);
        }
        if there(1) {
            return Ok(false);
        }
        let entries: AsyncIterator = js::get(handle, "keys")
            .dyn_into::<js_sys::Function>()
            .and_then(|keys| keys.call0(handle))
            .map_err(|error| js::thrown("listing the directory", &error))?
            .unchecked_into();
        let first = entries
            .next()
            .map_err(|error| js::thrown("listing the directory", &error))?;
        let first = js::settled("listing the directory", first).await?;
        if js::get(&first, "done").is_truthy() {
            Ok(true)
        } else {
            Err(corrupt("it holds files, but no main.db"))
        }
    }

    /// Says that the database is made: it needs its journal no more.
    pub fn made(&self) {
        let path = self.path(JOURNAL);
        if !self.pool.holds(&path) {
            return;
        }
        self.pool.release(&path);
        if let Some(handle) = self.handle.clone() {
            spawn_local(async move {
                // If it stays, the next open finds it empty and removes it.
                let _ = JsFuture::from(handle.remove_entry(JOURNAL)).await;
            });
        }
    }

    /// Says whether what is written to the log may have what is kept there for it.
    pub fn spend(&self, spends: bool) {
        self.pool.spend(&self.path(LOG), spends);
    }

    /// Bytes that the browser would take back if the files' handles were closed, about.
    pub fn slack(&self) -> u64 {
        self.shrunk().map(|(_, slack)| slack).sum()
    }

    fn shrunk(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TRIMMED.into_iter().filter_map(|(name, worth)| {
            let slack = self.pool.slack(&self.path(name)).ok()?;
            (slack >= worth).then_some((name, slack))
        })
    }

    /// Has the browser take back what files were granted that have become shorter. Nothing may use
    /// them meanwhile.
    ///
    /// # Errors
    /// Those of opening a file again: the database is of no use any more, and is to be opened anew.
    pub async fn trim(&self) -> Result<()> {
        let Some(directory) = &self.handle else {
            return Ok(());
        };
        if self.shrunk().next().is_none() || !self.is_there().await {
            return Ok(());
        }
        for (name, _) in self.shrunk() {
            let path = self.path(name);
            let opening = async {
                let opened = open_file(directory, name).await;
                let handle = opened.map_err(|error| refused(&[HELD], "opening a file", &error))?;
                Ok(handle.unchecked_into())
            };
            self.pool.reopen(&path, opening).await?;
        }
        Ok(())
    }

    /// Makes the reserve where there is none and there is room, in the background.
    pub fn keep_reserve(&self) {
        let Some(directory) = self.handle.clone() else {
            return;
        };
        if self.has_reserve.replace(true) {
            return;
        }
        let has_reserve = Rc::clone(&self.has_reserve);
        let making = future_to_promise(async move {
            if make_reserve(&directory).await.is_err() {
                // Nothing needs what could not be written whole.
                let _ = JsFuture::from(directory.remove_entry(RESERVE)).await;
                has_reserve.set(false);
            }
            Ok(JsValue::UNDEFINED)
        });
        *self.making.borrow_mut() = Some(making);
    }

    /// Gives the reserve up, and says whether there was one.
    pub async fn give_up_reserve(&self) -> bool {
        let Some(directory) = &self.handle else {
            return false;
        };
        let making = self.making.borrow_mut().take();
        if let Some(making) = making {
            let _ = JsFuture::from(making).await;
        }
        self.has_reserve.set(false);
        JsFuture::from(directory.remove_entry(RESERVE))
            .await
            .is_ok()
    }

    /// Opens handles to the files of those names, at the same time, or none.
    async fn take(&self, names: &[&str]) -> Result<()> {
        let Some(directory) = &self.handle else {
            return Ok(());
        };
        let promises: Array = names
            .iter()
            .map(|name| {
                let (directory, name) = (directory.clone(), (*name).to_owned());
                future_to_promise(async move { open_file(&directory, &name).await })
            })
            .collect();
        let settled = js::settled("opening files", Promise::all_settled(&promises)).await?;
        let mut failed = None;
        for (outcome, name) in Array::from(&settled).iter().zip(names) {
            if js::get(&outcome, "status") == "fulfilled" {
                let handle: FileSystemSyncAccessHandle =
                    js::get(&outcome, "value").unchecked_into();
                let kind = if *name == LOG { Kind::Log } else { Kind::Other };
                self.pool.put(self.path(name), OpfsFile::new(handle, kind));
            } else {
                failed = Some(js::get(&outcome, "reason"));
            }
        }
        let Some(reason) = failed else { return Ok(()) };
        for name in names {
            self.pool.release(&self.path(name));
        }
        Err(refused(&[HELD], "opening the database's files", &reason))
    }
}

/// Whether a database can be seen in OPFS, though its files cannot be had.
pub async fn is_seen(name: &str) -> bool {
    let look = async {
        let within = subdirectory(&root().await?, ROOT).await?;
        let handle = js::settled("", within.get_directory_handle(name)).await?;
        let handle: FileSystemDirectoryHandle = handle.unchecked_into();
        let main = js::settled("", handle.get_file_handle(MAIN)).await?;
        let main: FileSystemFileHandle = main.unchecked_into();
        js::settled("", main.get_file()).await
    };
    let size = look.await.map(|file| js::get(&file, "size"));
    matches!(size, Ok(size) if size.as_f64() > Some(0.0))
}

/// Writes the reserve, unless it is there: files of mere length have no room on the device.
async fn make_reserve(directory: &FileSystemDirectoryHandle) -> Result<(), JsValue> {
    let file: FileSystemSyncAccessHandle = open_file(directory, RESERVE).await?.unchecked_into();
    let written = write_reserve(&file);
    file.close();
    written
}

fn write_reserve(file: &FileSystemSyncAccessHandle) -> Result<(), JsValue> {
    if file.get_size()? >= f64::from(RESERVED) {
        return Ok(());
    }
    // It is not to take the last room that there is: as much again must be left.
    file.truncate_with_u32(2 * RESERVED)?;
    file.truncate_with_u32(0)?;
    let zeros = [0; 1 << 16];
    let at = FileSystemReadWriteOptions::new();
    for offset in (0..RESERVED).step_by(zeros.len()) {
        at.set_at(offset.into());
        let count = file.write_with_u8_array_and_options(&zeros, &at)?;
        if count < zeros.len() as f64 {
            return Err(JsValue::from("the device is full"));
        }
    }
    Ok(())
}

/// Opens a file for synchronous access.
async fn open_file(directory: &FileSystemDirectoryHandle, name: &str) -> Result<JsValue, JsValue> {
    let options = FileSystemGetFileOptions::new();
    options.set_create(true);
    let prototype = js::global(&["FileSystemFileHandle", "prototype"]);
    // Before it is made.
    if !js::get(&prototype, "createSyncAccessHandle").is_function() {
        return Err(js_sys::Error::new(
            "this browser has no synchronous access to OPFS files in workers",
        )
        .into());
    }
    let file: FileSystemFileHandle =
        JsFuture::from(directory.get_file_handle_with_options(name, &options))
            .await?
            .unchecked_into();
    patiently(&[HELD], || file.create_sync_access_handle()).await
}

/// Asks again, with growing pauses, while a refusal of those names says that the files are held: a
/// worker that died may hold them for a moment after its lock is free.
async fn patiently(held: &[&str], ask: impl Fn() -> Promise) -> Result<JsValue, JsValue> {
    for pause in RETRY_PAUSES {
        match JsFuture::from(ask()).await {
            Err(error) if held.contains(&js::name_of(&error).as_str()) => js::sleep(pause).await,
            settled => return settled,
        }
    }
    JsFuture::from(ask()).await
}

/// What a refusal is to the caller: `blocked` for one of those names.
fn refused(held: &[&str], what: &str, error: &JsValue) -> StoreError {
    if held.contains(&js::name_of(error).as_str()) {
        StoreError::new(
            ErrorCode::Blocked,
            "another worker keeps the database's files open: close it, or reload its tab",
        )
    } else {
        js::thrown(what, error)
    }
}

/// Removes the directory of a database with all it holds. Nothing there is no error.
///
/// # Errors
/// `blocked` if another worker keeps a file open, `storage-unavailable` without OPFS.
pub async fn remove(name: &str) -> Result<()> {
    let parent = subdirectory(&root().await?, ROOT).await?;
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    let held = [HELD, "InvalidStateError"];
    match patiently(&held, || parent.remove_entry_with_options(name, &options)).await {
        Err(error) if js::name_of(&error) != "NotFoundError" => {
            Err(refused(&held, "removing the database", &error))
        }
        _ => Ok(()),
    }
}

/// What was known to be there is not.
pub fn cleared() -> StoreError {
    StoreError::new(
        ErrorCode::StorageUnavailable,
        "this site's data was cleared while the database was open, and with it the database: open it \
         anew, and it is empty",
    )
}

fn corrupt(reason: &str) -> StoreError {
    StoreError::new(
        ErrorCode::Corrupt,
        format!("the database's directory is damaged: {reason}; nothing was deleted"),
    )
}
