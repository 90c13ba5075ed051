//! SQLite's files over OPFS sync access handles, or in memory, from where they may be kept elsewhere.
//!
//! SQLite opens files synchronously and OPFS hands out handles asynchronously, so the handles of a
//! database are acquired before it is opened ([`super::directory`]) and put here under their
//! paths. A path that was not put here cannot be opened. A file of no bytes does not exist, which
//! is all that SQLite asks of a journal or a log. Knows no database name and no lock.
//!
//! Sync access handles: <https://fs.spec.whatwg.org/#api-filesystemsyncaccesshandle>.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use js_sys::Uint8Array;
use rsqlite_vfs::{
    AccessMode, DeviceCharacteristics, LockLevel, MemChunksFile, OpenAccess, OpenOptions,
    OpenRequest, OpenedFile, SQLiteIoMethods, SQLiteVfs, SyncOptions, VfsError, VfsErrorCode,
    VfsFile, VfsResult, VfsStore, register_vfs,
};
use sqlite_wasm_rs::{WasmOsCallback, vfs as rsqlite_vfs};
use wasm_bindgen::JsValue;
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

use super::image::{Full, Image};
use super::js;
use crate::coalescing::{Coalescing, Kind};
use crate::error::{ErrorCode, Result, StoreError};

/// The name under which SQLite knows this VFS.
pub const NAME: &str = "conversation-store";

/// Bytes moved at a time by backup and restore.
pub const CHUNK: u32 = 1 << 20;

/// Bytes that a copy writes last.
const HEAD: u64 = 16;

/// Bytes that the log is granted beyond what is written, for what frees space.
const HELD: u64 = 2 << 20;

/// Bytes up to which Chromium grants a file space by powers of two, and beyond by so many.
const LARGE: u64 = 128 << 20;

/// An OPFS file held by this worker. Closing releases it to others.
pub struct OpfsFile {
    handle: RefCell<FileSystemSyncAccessHandle>,
    at: FileSystemReadWriteOptions,
    writes: RefCell<Coalescing>,
    /// The most bytes it had since the handle was opened: Chromium takes back what a file was granted
    /// beyond its size when its handle closes, and no sooner.
    peak: Cell<u64>,
    /// Of a log: the file that it is the log of.
    main: Option<Weak<Bytes>>,
    /// Of a log: the pages of the main file after the commit whose last frame's header was written just now.
    pages: Cell<u32>,
    /// Bytes that it was granted, as far as was asked.
    granted: Cell<u64>,
    /// What is written may have all that was granted.
    spends: Cell<bool>,
}

impl OpfsFile {
    /// Takes a handle over.
    pub fn new(handle: FileSystemSyncAccessHandle, kind: Kind) -> Self {
        Self {
            handle: RefCell::new(handle),
            at: FileSystemReadWriteOptions::new(),
            writes: RefCell::new(Coalescing::new(kind)),
            peak: Cell::default(),
            main: None,
            pages: Cell::default(),
            granted: Cell::default(),
            spends: Cell::default(),
        }
    }

    /// Makes it the log of a file.
    fn set_main(&mut self, main: &Rc<Bytes>) {
        self.main = Some(Rc::downgrade(main));
    }

    /// Takes another handle of the same file in the place of one that is closed.
    fn exchange(&self, handle: FileSystemSyncAccessHandle) {
        self.handle.replace(handle);
        self.peak.set(0);
        self.granted.set(0);
    }

    /// Has the file granted so many bytes: what is cut off again stays granted.
    fn grant(&self, wanted: u64) -> VfsResult<()> {
        if wanted <= self.granted.get() {
            return Ok(());
        }
        let handle = self.handle.borrow();
        let piece = wanted.next_power_of_two().min(LARGE);
        let target = wanted.next_multiple_of(piece);
        let granted = handle.get_size().and_then(|size| {
            if size >= wanted as f64 {
                return Ok(size as u64);
            }
            handle.truncate_with_f64(target as f64)?;
            handle.truncate_with_f64(size)?;
            Ok(target)
        });
        let granted = granted.map_err(|error| failed(VfsErrorCode::IoWrite, &error))?;
        self.granted.set(granted);
        Ok(())
    }

    /// To be called before a write of SQLite's: the end of a commit goes out only if the main file is granted
    /// what it says that that has, so that the log can be moved there whatever happens.
    fn follow(&self, bytes: &[u8]) -> VfsResult<()> {
        let Some(main) = &self.main else {
            return Ok(());
        };
        let pages = self.pages.take();
        if let Ok(header) = <&[u8; 24]>::try_from(bytes) {
            let [_, _, _, _, a, b, c, d, ..] = *header;
            self.pages.set(u32::from_be_bytes([a, b, c, d]));
        } else if pages > 0
            && !self.spends.get()
            && let Some(main) = main.upgrade()
            && let Bytes::Opfs(main) = &*main
        {
            main.grant(u64::from(pages) * bytes.len() as u64)?;
        }
        Ok(())
    }

    fn write_out(&self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let end = offset + bytes.len() as u64;
        if self.main.is_some() && !self.spends.get() {
            self.grant(end + HELD)?;
        }
        self.peak.set(self.peak.get().max(end));
        let count = self
            .handle
            .borrow()
            .write_with_u8_array_and_options(bytes, self.at(offset))
            .map_err(|error| failed(VfsErrorCode::IoWrite, &error))?;
        if count == bytes.len() as f64 {
            Ok(())
        } else {
            // A short write is how a full disk shows where no quota is in the way.
            Err(VfsError::new(
                VfsErrorCode::Full,
                format!("wrote {} of {} bytes", count as u64, bytes.len()).into(),
            ))
        }
    }

    /// To be called before anything but a write.
    fn settle(&self) -> VfsResult<()> {
        let mut writes = self.writes.borrow_mut();
        writes.settle(|bytes, offset| self.write_out(bytes, offset))
    }

    fn at(&self, offset: u64) -> &FileSystemReadWriteOptions {
        self.at.set_at(offset as f64);
        &self.at
    }
}

impl Drop for OpfsFile {
    fn drop(&mut self) {
        self.handle.borrow().close();
    }
}

/// Where a file's bytes are.
enum Bytes {
    Opfs(OpfsFile),
    Memory(Rc<Image>),
}

impl Bytes {
    fn read(&self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        match self {
            Self::Opfs(file) => {
                file.settle()?;
                file.handle
                    .borrow()
                    .read_with_u8_array_and_options(buffer, file.at(offset))
                    .map(|count| count as usize)
                    .map_err(|error| failed(VfsErrorCode::IoRead, &error))
            }
            Self::Memory(image) => Ok(image.read(buffer, offset)),
        }
    }

    fn write(&self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        match self {
            Self::Opfs(file) => {
                file.follow(bytes)?;
                let mut writes = file.writes.borrow_mut();
                writes.write(bytes, offset, |bytes, offset| file.write_out(bytes, offset))
            }
            Self::Memory(image) => image.write(bytes, offset).map_err(|Full| {
                VfsError::new(
                    VfsErrorCode::Full,
                    "the file is as large as it may be".into(),
                )
            }),
        }
    }

    fn truncate(&self, size: u64) -> VfsResult<()> {
        match self {
            Self::Opfs(file) => {
                file.settle()?;
                file.handle
                    .borrow()
                    .truncate_with_f64(size as f64)
                    .map_err(|error| failed(VfsErrorCode::IoTruncate, &error))
            }
            Self::Memory(image) => {
                image.truncate(size);
                Ok(())
            }
        }
    }

    fn flush(&self) -> VfsResult<()> {
        match self {
            Self::Opfs(file) => {
                self.write_held()?;
                file.handle
                    .borrow()
                    .flush()
                    .map_err(|error| failed(VfsErrorCode::IoSync, &error))
            }
            Self::Memory(_) => Ok(()),
        }
    }

    /// Writes out what is held back.
    fn write_held(&self) -> VfsResult<()> {
        match self {
            Self::Opfs(file) => {
                let mut writes = file.writes.borrow_mut();
                writes.flush(|bytes, offset| file.write_out(bytes, offset))
            }
            Self::Memory(_) => Ok(()),
        }
    }

    fn size(&self) -> VfsResult<u64> {
        match self {
            Self::Opfs(file) => file
                .handle
                .borrow()
                .get_size()
                .map(|size| file.writes.borrow().size(size as u64))
                .map_err(|error| failed(VfsErrorCode::IoStat, &error)),
            Self::Memory(image) => Ok(image.size()),
        }
    }
}

fn failed(code: VfsErrorCode, thrown: &JsValue) -> VfsError {
    let name = js::name_of(thrown);
    let code = if name == "QuotaExceededError" {
        VfsErrorCode::Full
    } else {
        code
    };
    let message = js::get(thrown, "message").as_string().unwrap_or_default();
    VfsError::new(code, format!("{name}: {message}").into())
}

type Files = Rc<RefCell<HashMap<String, Rc<Bytes>>>>;

/// The files of this worker, by path, and the way to them outside SQLite.
#[derive(Clone)]
pub struct Pool {
    files: Files,
}

thread_local! {
    static POOL: RefCell<Option<Pool>> = const { RefCell::new(None) };
}

impl Pool {
    /// The worker's pool; the first call registers the VFS.
    ///
    /// # Errors
    /// `internal` if SQLite refuses the registration.
    pub fn of_this_worker() -> Result<Self> {
        POOL.with_borrow_mut(|pool| {
            if let Some(pool) = pool {
                return Ok(pool.clone());
            }
            let made = Self {
                files: Files::default(),
            };
            let data = AppData {
                files: Rc::clone(&made.files),
                os: WasmOsCallback,
            };
            // SAFETY: `Methods` and `Vfs` use the default file layout and the same store; a wasm
            // worker has one thread, so registration cannot race; the registration is kept for
            // the life of the worker by `into_raw`, so no callback outlives its data.
            let registered = unsafe { register_vfs::<Methods, Vfs>(NAME, data, false) };
            registered
                .map_err(|error| StoreError::new(ErrorCode::Internal, error.to_string()))?
                .into_raw();
            *pool = Some(made.clone());
            Ok(made)
        })
    }

    /// Puts an OPFS file under a path.
    pub fn put(&self, path: String, mut file: OpfsFile) {
        if let Some(main) = path.strip_suffix("-wal")
            && let Ok(main) = self.find(main)
        {
            file.set_main(&main);
        }
        let bytes = Rc::new(Bytes::Opfs(file));
        self.files.borrow_mut().insert(path, bytes);
    }

    /// Puts an empty file in memory under a path.
    pub fn put_memory(&self, path: String) {
        self.put_image(path, Rc::new(Image::passing()));
    }

    /// Puts a file in memory under a path; whoever gives it has it kept.
    pub fn put_image(&self, path: String, image: Rc<Image>) {
        let bytes = Rc::new(Bytes::Memory(image));
        self.files.borrow_mut().insert(path, bytes);
    }

    /// Releases the file of a path: its handle closes once SQLite has closed it too.
    pub fn release(&self, path: &str) {
        self.files.borrow_mut().remove(path);
    }

    /// Closes the handle of a path's file, also if SQLite has it open: nothing more is read or written.
    pub fn cut(&self, path: &str) {
        if let Some(bytes) = self.files.borrow_mut().remove(path)
            && let Bytes::Opfs(file) = &*bytes
        {
            file.handle.borrow().close();
        }
    }

    /// Bytes that a path's file was longer by than it is; of a log, that it was granted beyond.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn slack(&self, path: &str) -> Result<u64> {
        let bytes = self.find(path)?;
        let size = bytes.size().map_err(outside)?;
        match &*bytes {
            Bytes::Opfs(file) => {
                let granted = file.main.as_ref().map_or(0, |_| file.granted.get());
                Ok(file.peak.get().max(granted).saturating_sub(size))
            }
            Bytes::Memory(_) => Ok(0),
        }
    }

    /// Closes the handle of a path's file for another one that `open` gives. Nothing may use the file
    /// meanwhile.
    ///
    /// # Errors
    /// Those of writing out and of `open`; the file is then of no use any more.
    pub async fn reopen(
        &self,
        path: &str,
        open: impl Future<Output = Result<FileSystemSyncAccessHandle>>,
    ) -> Result<()> {
        let bytes = self.find(path)?;
        bytes.flush().map_err(outside)?;
        if let Bytes::Opfs(file) = &*bytes {
            file.handle.borrow().close();
            let handle = open.await?;
            file.exchange(handle);
        }
        Ok(())
    }

    /// Says whether what is written to a path's file may have all that it was granted.
    pub fn spend(&self, path: &str, spends: bool) {
        if let Some(bytes) = self.files.borrow().get(path)
            && let Bytes::Opfs(file) = &**bytes
        {
            file.spends.set(spends);
        }
    }

    /// Lets go of a path's file, whose handle is never closed.
    pub fn forsake(&self, path: &str) {
        if let Some(bytes) = self.files.borrow_mut().remove(path) {
            std::mem::forget(bytes);
        }
    }

    /// Whether a file was put under a path.
    pub fn holds(&self, path: &str) -> bool {
        self.files.borrow().contains_key(path)
    }

    /// Bytes in the file of a path.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn size(&self, path: &str) -> Result<u64> {
        self.find(path)?.size().map_err(outside)
    }

    /// Empties the file of a path.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn clear(&self, path: &str) -> Result<()> {
        self.find(path)?.truncate(0).map_err(outside)
    }

    /// Reads up to `length` bytes of a file straight into JavaScript's memory.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn read(&self, path: &str, offset: u64, length: u32) -> Result<Uint8Array> {
        let mut buffer = vec![0; length as usize];
        let count = self
            .find(path)?
            .read(&mut buffer, offset)
            .map_err(outside)?;
        Ok(Uint8Array::from(&buffer[..count]))
    }

    /// Sees to it that what was written to a file is on the device.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn flush(&self, path: &str) -> Result<()> {
        self.find(path)?.flush().map_err(outside)
    }

    /// Writes a piece of a file.
    ///
    /// # Errors
    /// `quota-exceeded` and those of the storage.
    pub fn write(&self, path: &str, offset: u64, bytes: &[u8]) -> Result<()> {
        self.find(path)?.write(bytes, offset).map_err(outside)
    }

    /// Writes a file's bytes over another's, flushed. The first few come last: until then the other file
    /// begins as it did. `step` is called for each piece.
    ///
    /// # Errors
    /// `quota-exceeded` and those of the storage.
    pub fn copy(&self, from: &str, to: &str, step: &dyn Fn()) -> Result<()> {
        let (from, to) = (self.find(from)?, self.find(to)?);
        let copy = || -> VfsResult<()> {
            let mut buffer = vec![0; CHUNK as usize];
            let mut at = HEAD;
            loop {
                let count = from.read(&mut buffer, at)?;
                if count == 0 {
                    break;
                }
                to.write(&buffer[..count], at)?;
                at += count as u64;
                step();
            }
            to.truncate(from.size()?.max(HEAD))?;
            to.flush()?;
            let count = from.read(&mut buffer[..HEAD as usize], 0)?;
            to.write(&buffer[..count], 0)?;
            to.truncate(from.size()?)?;
            to.flush()
        };
        copy().map_err(outside)
    }

    fn find(&self, path: &str) -> Result<Rc<Bytes>> {
        self.files.borrow().get(path).cloned().ok_or_else(|| {
            StoreError::new(ErrorCode::Internal, format!("no file was put under {path}"))
        })
    }
}

/// A VFS error met outside SQLite.
fn outside(error: VfsError) -> StoreError {
    let code = if error.code() == VfsErrorCode::Full {
        ErrorCode::QuotaExceeded
    } else {
        ErrorCode::StorageUnavailable
    };
    StoreError::new(code, format!("the storage failed: {error}"))
}

struct AppData {
    files: Files,
    os: WasmOsCallback,
}

impl AppData {
    fn find(&self, path: &str) -> Option<Rc<Bytes>> {
        self.files.borrow().get(path).cloned()
    }
}

/// A file as SQLite has it open.
enum OpenFile {
    Held(Rc<Bytes>),
    /// What SQLite spills and nobody else sees; never written to the device.
    Temporary(MemChunksFile),
}

impl VfsFile for OpenFile {
    fn device_characteristics(&self) -> DeviceCharacteristics {
        // OPFS files are files of the system below, where SQLite assumes the same
        // (https://sqlite.org/psow.html).
        DeviceCharacteristics::POWERSAFE_OVERWRITE
    }

    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        match self {
            Self::Held(bytes) => bytes.read(buffer, offset),
            Self::Temporary(file) => file.read(buffer, offset),
        }
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        match self {
            Self::Held(file) => file.write(bytes, offset),
            Self::Temporary(file) => file.write(bytes, offset),
        }
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        match self {
            Self::Held(bytes) => bytes.truncate(size),
            Self::Temporary(file) => file.truncate(size),
        }
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        match self {
            Self::Held(bytes) => bytes.flush(),
            Self::Temporary(_) => Ok(()),
        }
    }

    fn size(&self) -> VfsResult<u64> {
        match self {
            Self::Held(bytes) => bytes.size(),
            Self::Temporary(file) => file.size(),
        }
    }

    // One connection has each file, by the Web Lock and the exclusive handle: nothing contends.
    fn lock(&mut self, _level: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn unlock(&mut self, _level: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn check_reserved_lock(&self) -> VfsResult<bool> {
        Ok(false)
    }
}

struct FileStore;

impl VfsStore for FileStore {
    type File = OpenFile;
    type AppData = AppData;

    fn open_file(data: &AppData, request: OpenRequest<'_>) -> VfsResult<OpenedFile<OpenFile>> {
        let file = match request.filename {
            None => OpenFile::Temporary(MemChunksFile::new(1 << 16)),
            Some(name) => OpenFile::Held(data.find(name.path()).ok_or_else(|| {
                VfsError::new(
                    VfsErrorCode::CantOpen,
                    format!("no handle was acquired for {}", name.path()).into(),
                )
            })?),
        };
        Ok(OpenedFile {
            file,
            access: OpenAccess::ReadWrite,
        })
    }

    fn close_file(
        _data: &AppData,
        _name: Option<&str>,
        file: OpenFile,
        options: OpenOptions,
    ) -> VfsResult<()> {
        match file {
            OpenFile::Held(bytes) if options.delete_on_close() => bytes.truncate(0),
            OpenFile::Held(bytes) => bytes.write_held(),
            OpenFile::Temporary(_) => Ok(()),
        }
    }

    fn access(data: &AppData, name: &str, _mode: AccessMode) -> VfsResult<bool> {
        data.find(name)
            .map_or(Ok(false), |bytes| Ok(bytes.size()? > 0))
    }

    fn full_pathname(_data: &AppData, name: &str) -> VfsResult<String> {
        Ok(name.to_owned())
    }

    fn delete_file(data: &AppData, name: &str, sync_dir: bool) -> VfsResult<()> {
        if let Some(bytes) = data.find(name) {
            bytes.truncate(0)?;
            if sync_dir {
                bytes.flush()?;
            }
        }
        Ok(())
    }
}

struct Methods;

impl SQLiteIoMethods for Methods {
    type Store = FileStore;
}

struct Vfs;

impl SQLiteVfs<Methods> for Vfs {
    type Os = WasmOsCallback;

    fn os(data: &AppData) -> &WasmOsCallback {
        &data.os
    }
}
