//! An allocator of SQLite's that runs out: the one that it has, and a count. To be installed before anything
//! else of SQLite is called, so in a test binary of its own.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use conversation_store::error::ErrorCode;
use rusqlite::ffi;

use super::disk::Disk;
use super::runs::Trouble;
use super::vfs;

type Allocate = unsafe extern "C" fn(c_int) -> *mut c_void;
type Reallocate = unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void;

/// SQLite's own.
static OWN: OnceLock<(Allocate, Reallocate)> = OnceLock::new();

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static PLAN: Cell<Option<OutOfMemory>> = const { Cell::new(None) };
    static FIRED: Cell<usize> = const { Cell::new(0) };
}

/// Which allocation of this thread fails, and whether those after it do.
#[derive(Clone, Copy, Debug)]
pub struct OutOfMemory {
    pub at: usize,
    pub is_lasting: bool,
}

/// How many allocations this thread has asked for since the last plan.
pub fn count() -> usize {
    COUNT.get()
}

/// Begins to count.
pub fn plan(plan: Option<OutOfMemory>) {
    COUNT.set(0);
    FIRED.set(0);
    PLAN.set(plan);
}

impl Trouble for OutOfMemory {
    fn begin(&self, _disk: &Disk) {
        plan(Some(*self));
    }

    fn heal(&self, _disk: &Disk) {
        PLAN.set(None);
    }

    fn fired(&self, _disk: &Disk) -> usize {
        FIRED.get()
    }

    fn explains(&self, code: ErrorCode) -> bool {
        code == ErrorCode::QuotaExceeded
    }

    fn leaves_doubt(&self) -> bool {
        false
    }
}

fn fails() -> bool {
    if vfs::is_aside() {
        return false;
    }
    let number = COUNT.replace(COUNT.get() + 1);
    let fails = PLAN
        .get()
        .is_some_and(|it| number == it.at || (it.is_lasting && number > it.at));
    if fails {
        FIRED.set(FIRED.get() + 1);
    }
    fails
}

unsafe extern "C" fn allocate(size: c_int) -> *mut c_void {
    match OWN.get() {
        // SAFETY: what SQLite asks of its own allocator.
        Some((own, _)) if !fails() => unsafe { own(size) },
        _ => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn reallocate(at: *mut c_void, size: c_int) -> *mut c_void {
    match OWN.get() {
        // SAFETY: as above; `at` is of that allocator, since all it gives comes from there.
        Some((_, own)) if !fails() => unsafe { own(at, size) },
        _ => std::ptr::null_mut(),
    }
}

/// Puts it in the place of SQLite's own.
pub fn install() {
    OWN.get_or_init(|| {
        // SAFETY: a structure of pointers that may be null, which SQLite fills.
        let mut own: ffi::sqlite3_mem_methods = unsafe { std::mem::zeroed() };
        // SAFETY: SQLite is not initialized yet, and the argument is this option's
        // (https://sqlite.org/c3ref/c_config_covering_index_scan.html).
        let read = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, &raw mut own) };
        assert_eq!(read, ffi::SQLITE_OK, "SQLite tells its allocator");
        let mut counted = own;
        counted.xMalloc = Some(allocate);
        counted.xRealloc = Some(reallocate);
        // SAFETY: as above; SQLite copies what it is given.
        let set = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw mut counted) };
        assert_eq!(set, ffi::SQLITE_OK, "SQLite takes the allocator");
        let has = "SQLite's own allocator has it";
        (own.xMalloc.expect(has), own.xRealloc.expect(has))
    });
}
