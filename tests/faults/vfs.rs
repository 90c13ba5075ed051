//! The device as a VFS of SQLite's, registered through its C interface. What stands between SQLite and the
//! device is what stands there in the browser (src/wasm/vfs.rs): writes are held back by
//! `src/coalescing.rs`, a file of no bytes does not exist, only a database's own files can be opened, and
//! what has no name stays in memory.
//!
//! The only file of the tests, but for the allocator's, that holds `unsafe`: SQLite calls it by pointers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::rc::Rc;
use std::sync::Once;

use conversation_store::coalescing::{Coalescing, Kind};
use rusqlite::ffi;

use super::disk::{Disk, Failed, Fault};

/// The name under which SQLite knows it.
pub const NAME: &str = "faults";
pub const MAIN: &str = "main.db";
pub const COPY: &str = "copy.db";
pub const LOG: &str = "main.db-wal";
pub const JOURNAL: &str = "main.db-journal";
const COPY_JOURNAL: &str = "copy.db-journal";

/// A device as one program has it: with the writes that this holds back, which end with it.
pub struct Mount {
    disk: Disk,
    held: RefCell<HashMap<String, Rc<RefCell<Coalescing>>>>,
    /// A database that is made has no journal.
    has_journal: Cell<bool>,
}

thread_local! {
    static MOUNTED: RefCell<Option<Rc<Mount>>> = const { RefCell::new(None) };
    static ASIDE: Cell<bool> = const { Cell::new(false) };
}

/// Has this thread's files be those of `disk` from now on. Files that are open stay where they are.
pub fn mount(disk: &Disk) {
    register();
    if !disk.has(MAIN) {
        disk.create(JOURNAL);
        disk.create(MAIN);
    }
    let mount = Mount {
        disk: disk.clone(),
        held: RefCell::default(),
        has_journal: Cell::new(disk.has(JOURNAL)),
    };
    MOUNTED.set(Some(Rc::new(mount)));
}

/// Says that the database is made: it needs its journal no more.
pub fn made() {
    if let Some(mount) = mounted() {
        mount.has_journal.set(false);
        mount.disk.remove(JOURNAL);
    }
}

/// Puts a file beside the database, as what is not SQLite does before a backup, a restore or a merge.
pub fn place_copy(bytes: &[u8]) {
    if let Some(mount) = mounted() {
        for (name, bytes) in [(COPY, bytes), (COPY_JOURNAL, &[])] {
            mount.held.borrow_mut().remove(name);
            mount.disk.place(name, bytes);
        }
    }
}

/// The same while something else is done.
pub fn aside<T>(disk: &Disk, work: impl FnOnce() -> T) -> T {
    let before = mounted();
    let was_aside = ASIDE.replace(true);
    mount(disk);
    let done = work();
    MOUNTED.set(before);
    ASIDE.set(was_aside);
    done
}

/// Whether it is not the program under test that runs.
pub fn is_aside() -> bool {
    ASIDE.get()
}

fn mounted() -> Option<Rc<Mount>> {
    MOUNTED.with_borrow(Clone::clone)
}

impl Mount {
    fn holds(&self, name: &str) -> bool {
        [MAIN, LOG, COPY, COPY_JOURNAL].contains(&name)
            || (self.has_journal.get() && name == JOURNAL)
    }

    fn writes(&self, name: &str) -> Rc<RefCell<Coalescing>> {
        let kind = if name == LOG { Kind::Log } else { Kind::Other };
        let mut held = self.held.borrow_mut();
        let writes = held.entry(name.to_owned());
        Rc::clone(writes.or_insert_with(|| Rc::new(RefCell::new(Coalescing::new(kind)))))
    }
}

/// A file as SQLite has it open.
enum Open {
    Held {
        disk: Disk,
        name: String,
        writes: Rc<RefCell<Coalescing>>,
    },
    Temporary(Vec<u8>),
}

impl Open {
    fn settle(disk: &Disk, name: &str, writes: &RefCell<Coalescing>) -> Result<(), Failed> {
        let out = |bytes: &[u8], offset| disk.write(name, bytes, offset as usize);
        writes.borrow_mut().settle(out)
    }

    fn read(&mut self, buffer: &mut [u8], offset: usize) -> Result<usize, Failed> {
        match self {
            Self::Held { disk, name, writes } => {
                Self::settle(disk, name, writes)?;
                disk.read(name, buffer, offset)
            }
            Self::Temporary(bytes) => {
                let bytes = bytes.get(offset..).unwrap_or_default();
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                Ok(count)
            }
        }
    }

    fn write(&mut self, bytes: &[u8], offset: usize) -> Result<(), Failed> {
        match self {
            Self::Held { disk, name, writes } => {
                let out = |bytes: &[u8], offset| disk.write(name, bytes, offset as usize);
                writes.borrow_mut().write(bytes, offset as u64, out)
            }
            Self::Temporary(file) => {
                let end = offset + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[offset..end].copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn truncate(&mut self, size: usize) -> Result<(), Failed> {
        match self {
            Self::Held { disk, name, writes } => {
                Self::settle(disk, name, writes)?;
                disk.truncate(name, size)
            }
            Self::Temporary(file) => {
                file.truncate(size);
                Ok(())
            }
        }
    }

    fn sync(&self) -> Result<(), Failed> {
        self.write_held()?;
        match self {
            Self::Held { disk, name, .. } => disk.sync(name),
            Self::Temporary(_) => Ok(()),
        }
    }

    fn write_held(&self) -> Result<(), Failed> {
        match self {
            Self::Held { disk, name, writes } => {
                let out = |bytes: &[u8], offset| disk.write(name, bytes, offset as usize);
                writes.borrow_mut().flush(out)
            }
            Self::Temporary(_) => Ok(()),
        }
    }

    fn size(&self) -> Result<u64, Failed> {
        match self {
            Self::Held { disk, name, writes } => {
                let size = disk.size(name)?;
                Ok(writes.borrow().size(size as u64))
            }
            Self::Temporary(file) => Ok(file.len() as u64),
        }
    }
}

/// What SQLite allocates for a file: its own part comes first.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    /// Of `Box::into_raw`; taken back by `close`.
    open: *mut Open,
}

fn code(failed: &Failed, of_call: c_int) -> c_int {
    if failed.0.is_of_space() {
        ffi::SQLITE_FULL
    } else if failed.0 == Fault::OpenFails {
        ffi::SQLITE_CANTOPEN
    } else {
        of_call
    }
}

fn answer(done: Result<(), Failed>, of_call: c_int) -> c_int {
    match done {
        Ok(()) => ffi::SQLITE_OK,
        Err(failed) => code(&failed, of_call),
    }
}

/// The file behind a pointer of SQLite's.
///
/// # Safety
/// `file` is one that `open` has filled and `close` has not seen yet.
unsafe fn opened<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Open {
    // SAFETY: by the caller's word it is a `File`, its `open` a live box of which SQLite, which uses a
    // file from one thread at a time, gives us the only reference.
    unsafe { &mut *(*file.cast::<File>()).open }
}

/// A name of SQLite's, if it gave one.
///
/// # Safety
/// `name` is null or ends in a zero and lives as long as the call.
unsafe fn named<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the caller's word.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes what it opened, once, so the box is taken back once.
    let open = unsafe { Box::from_raw((*file.cast::<File>()).open) };
    answer(open.write_held(), ffi::SQLITE_IOERR_CLOSE)
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open, and the buffer has `amount` bytes that nobody else uses meanwhile.
    let (open, buffer) = unsafe {
        let buffer = std::slice::from_raw_parts_mut(buffer.cast::<u8>(), amount as usize);
        (opened(file), buffer)
    };
    match open.read(buffer, offset as usize) {
        Ok(count) if count == buffer.len() => ffi::SQLITE_OK,
        Ok(count) => {
            buffer[count..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Err(failed) => code(&failed, ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    amount: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: the file is open, and the buffer has `amount` bytes that nobody writes meanwhile.
    let (open, bytes) = unsafe {
        let bytes = std::slice::from_raw_parts(buffer.cast::<u8>(), amount as usize);
        (opened(file), bytes)
    };
    answer(open.write(bytes, offset as usize), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    answer(open.truncate(size as usize), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let open = unsafe { opened(file) };
    answer(open.sync(), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: the file is open.
    let asked = unsafe { opened(file) }.size();
    match asked {
        Ok(bytes) => {
            // SAFETY: SQLite gives a place for the answer.
            unsafe { *size = bytes as i64 };
            ffi::SQLITE_OK
        }
        Err(failed) => code(&failed, ffi::SQLITE_IOERR_FSTAT),
    }
}

// One connection has each file: nothing contends.
unsafe extern "C" fn lock(_file: *mut ffi::sqlite3_file, _level: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(_file: *mut ffi::sqlite3_file, is_held: *mut c_int) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *is_held = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(
    _file: *mut ffi::sqlite3_file,
    _op: c_int,
    _arg: *mut c_void,
) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    4_096
}

unsafe extern "C" fn characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the file has `szOsFile` bytes, which are a `File`'s; without methods, SQLite does not close
    // it if this fails.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: SQLite's names are such, or null.
    let open = match unsafe { named(name) } {
        None => Open::Temporary(Vec::new()),
        Some(name) => {
            let Some(mount) = mounted().filter(|it| it.holds(name)) else {
                return ffi::SQLITE_CANTOPEN;
            };
            if let Err(failed) = mount.disk.open() {
                return code(&failed, ffi::SQLITE_CANTOPEN);
            }
            Open::Held {
                disk: mount.disk.clone(),
                name: name.to_owned(),
                writes: mount.writes(name),
            }
        }
    };
    // SAFETY: as above; `out_flags` is null or a place for the answer.
    unsafe {
        (*file.cast::<File>()).open = Box::into_raw(Box::new(open));
        (*file).pMethods = &METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    syncs_directory: c_int,
) -> c_int {
    // SAFETY: SQLite's names are such.
    let name = unsafe { named(name) };
    let (Some(mount), Some(name)) = (mounted(), name) else {
        return ffi::SQLITE_OK;
    };
    if !mount.holds(name) {
        return ffi::SQLITE_OK;
    }
    let deleted = Open::settle(&mount.disk, name, &mount.writes(name))
        .and_then(|()| mount.disk.delete(name))
        .and_then(|()| {
            if syncs_directory == 0 {
                Ok(())
            } else {
                mount.disk.sync(name)
            }
        });
    answer(deleted, ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    is_there: *mut c_int,
) -> c_int {
    // SAFETY: SQLite's names are such.
    let name = unsafe { named(name) };
    let asked = match (mounted(), name) {
        (Some(mount), Some(name)) if mount.holds(name) => {
            let held = mount.writes(name).borrow().size(0) > 0;
            mount.disk.is_there(name).map(|there| there || held)
        }
        _ => Ok(false),
    };
    match asked {
        Ok(found) => {
            // SAFETY: SQLite gives a place for the answer.
            unsafe { *is_there = c_int::from(found) };
            ffi::SQLITE_OK
        }
        Err(failed) => code(&failed, ffi::SQLITE_IOERR_ACCESS),
    }
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite's names are such.
    let length = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul().len();
    if length > size as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    // SAFETY: `out` has `size` bytes, which are enough, and is not where the name is.
    unsafe { ptr::copy_nonoverlapping(name, out, length) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(
    _vfs: *mut ffi::sqlite3_vfs,
    size: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: `out` has `size` bytes.
    unsafe { ptr::write_bytes(out, 7, size as usize) };
    size
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    micros
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, now: *mut f64) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *now = 2_460_370.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(
    _vfs: *mut ffi::sqlite3_vfs,
    _size: c_int,
    _out: *mut c_char,
) -> c_int {
    0
}

fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        let vfs = Box::new(ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: size_of::<File>() as c_int,
            mxPathname: 256,
            pNext: ptr::null_mut(),
            zName: c"faults".as_ptr(),
            pAppData: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        // SAFETY: the structure is never freed, as SQLite asks, and its functions are as it calls them.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(vfs), 0) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes the VFS");
    });
}
