//! Where stores live here: a clock that stands still unless told, seeded randomness, files in memory.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use conversation_store::error::Result;
use conversation_store::model::Durability;
use conversation_store::search::native::Tables;
use conversation_store::store::{Env, Location, Store};

/// 2024-02-29T12:00:00.000Z.
pub const NOON: i64 = 1_709_208_000_000;

/// Its clock and its randomness.
pub struct World {
    clock: Rc<Cell<i64>>,
    random: Rc<Cell<u64>>,
}

impl World {
    /// The same each time for a seed. What is opened again has another: no uid is made twice.
    pub fn new(seed: u64) -> Self {
        Self {
            clock: Rc::new(Cell::new(NOON)),
            random: Rc::new(Cell::new(seed << 32)),
        }
    }

    /// Turns the clock.
    pub fn set_clock(&self, millis: i64) {
        self.clock.set(millis);
    }

    /// For a store.
    pub fn env(&self) -> Env {
        let clock = Rc::clone(&self.clock);
        let random = Rc::clone(&self.random);
        Env {
            now: Box::new(move || clock.get()),
            unicode: Box::new(Tables),
            // SplitMix64: uids must differ, no more.
            random: Box::new(move |buffer| {
                for chunk in buffer.chunks_mut(8) {
                    let state = random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
                    random.set(state);
                    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                    chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
                }
            }),
        }
    }

    /// A new, empty store in memory.
    pub fn empty(&self) -> Store {
        Store::open(
            Location::Memory { vfs: None },
            Durability::Strict,
            self.env(),
        )
        .expect("a store in memory opens")
    }

    /// Opens a file.
    pub fn open(&self, file: &File) -> Result<Store> {
        let location = Location::File {
            path: file.path(),
            vfs: None,
        };
        Store::open(location, Durability::Relaxed, self.env())
    }
}

/// A file that is gone, with its log, when this is.
pub struct File {
    path: PathBuf,
}

impl File {
    /// One of this process, of that name.
    pub fn new(name: &str) -> Self {
        let shared = PathBuf::from("/dev/shm");
        let folder = if shared.is_dir() {
            shared
        } else {
            std::env::temp_dir()
        };
        let file = Self {
            path: folder.join(format!("conversation-fuzz-{}-{name}", std::process::id())),
        };
        file.remove();
        file
    }

    /// With these bytes.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        let file = Self::new(name);
        fs::write(&file.path, bytes).expect("a file of this process can be written");
        file
    }

    /// Where it is.
    pub fn path(&self) -> &str {
        self.path.to_str().expect("a path of this process is UTF-8")
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            // It need not be there.
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.remove();
    }
}
