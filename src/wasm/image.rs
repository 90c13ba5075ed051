//! A file in JavaScript's memory, in blocks: what SQLite reads and writes at once while its storage
//! cannot. Beside what was changed it keeps what was there before, until that is settled or taken back.
//!
//! The bytes are outside the module's memory, which never shrinks. Knows no storage.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;

/// Bytes of a block: a page of this SQLite, so that one that is written replaces a block as it is.
pub const BLOCK: u64 = 8_192;

/// A file's bytes.
pub struct Image {
    /// Each a `Uint8Array` of [`BLOCK`] bytes, zeros after the end.
    blocks: Array,
    size: Cell<u64>,
    /// Bytes it may have.
    limit: u64,
    /// Something did not fit since this was last asked.
    was_full: Cell<bool>,
    /// `None`: nobody asks what was changed.
    before: Option<RefCell<Before>>,
}

/// What was there when it was last settled.
#[derive(Default)]
struct Before {
    size: u64,
    /// Of the blocks that are others now; `None` where there was none.
    blocks: BTreeMap<u32, Option<Uint8Array>>,
}

/// More than was granted.
#[derive(Debug)]
pub struct Full;

impl Image {
    /// An empty file that nobody keeps.
    pub fn passing() -> Self {
        Self {
            blocks: Array::new(),
            size: Cell::new(0),
            limit: u64::MAX,
            was_full: Cell::default(),
            before: None,
        }
    }

    /// A file that is kept elsewhere, as it is there.
    pub fn kept(blocks: Array, size: u64, limit: u64) -> Self {
        let before = Before {
            size,
            blocks: BTreeMap::new(),
        };
        Self {
            blocks,
            size: Cell::new(size),
            limit,
            was_full: Cell::default(),
            before: Some(RefCell::new(before)),
        }
    }

    /// Bytes in it.
    pub fn size(&self) -> u64 {
        self.size.get()
    }

    /// Whether something did not fit since this was last asked.
    pub fn take_full(&self) -> bool {
        self.was_full.replace(false)
    }

    /// Reads what there is of it from there on; how many bytes.
    pub fn read(&self, buffer: &mut [u8], offset: u64) -> usize {
        let count = self.size().saturating_sub(offset).min(buffer.len() as u64);
        for (number, from, piece) in pieces(offset, count) {
            let bytes = &mut buffer[piece];
            let end = from + bytes.len() as u32;
            let block: Uint8Array = self.blocks.get(number).unchecked_into();
            block.subarray(from, end).copy_to(bytes);
        }
        count as usize
    }

    /// Writes there. What lies between the end and there is zeros.
    ///
    /// # Errors
    /// [`Full`] above the limit; nothing was written.
    pub fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Full> {
        let end = offset + bytes.len() as u64;
        if end > self.limit {
            self.was_full.set(true);
            return Err(Full);
        }
        let first = (offset / BLOCK) as u32;
        for number in self.blocks.length()..first {
            self.replace(number, Uint8Array::new_with_length(BLOCK as u32));
        }
        for (number, from, piece) in pieces(offset, bytes.len() as u64) {
            let bytes = &bytes[piece];
            if bytes.len() as u64 == BLOCK {
                self.replace(number, Uint8Array::from(bytes));
            } else {
                let end = from + bytes.len() as u32;
                self.own(number).subarray(from, end).copy_from(bytes);
            }
        }
        self.size.set(self.size().max(end));
        Ok(())
    }

    /// Makes it that long.
    pub fn truncate(&self, size: u64) {
        if size >= self.size() {
            return;
        }
        let blocks = size.div_ceil(BLOCK) as u32;
        for number in blocks..self.blocks.length() {
            self.remember(number);
        }
        self.blocks.set_length(blocks);
        let rest = (size % BLOCK) as u32;
        if rest > 0 {
            self.own(blocks - 1).fill(0, rest, BLOCK as u32);
        }
        self.size.set(size);
    }

    /// Whether there is something to settle.
    pub fn is_changed(&self) -> bool {
        let is_changed = |before: &RefCell<Before>| {
            before.borrow().size != self.size() || !before.borrow().blocks.is_empty()
        };
        self.before.as_ref().is_some_and(is_changed)
    }

    /// The blocks that are others than when it was last settled; `None` where there is none now.
    pub fn changed(&self) -> Vec<(u32, Option<Uint8Array>)> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let numbers = before.borrow();
        let now = |number: &u32| (*number, self.block(*number));
        numbers.blocks.keys().map(now).collect()
    }

    /// Takes it to be kept as it is now.
    pub fn settle(&self) {
        if let Some(before) = &self.before {
            let mut before = before.borrow_mut();
            before.blocks.clear();
            before.size = self.size();
        }
    }

    /// Brings it back to where it was last settled.
    pub fn take_back(&self) {
        let Some(before) = &self.before else { return };
        let mut before = before.borrow_mut();
        for (number, block) in std::mem::take(&mut before.blocks) {
            if let Some(block) = block {
                self.blocks.set(number, block.into());
            }
        }
        self.blocks.set_length(before.size.div_ceil(BLOCK) as u32);
        self.size.set(before.size);
    }

    fn block(&self, number: u32) -> Option<Uint8Array> {
        (number < self.blocks.length()).then(|| self.blocks.get(number).unchecked_into())
    }

    /// Notes what is there, unless it is noted already. Whether it was not.
    fn remember(&self, number: u32) -> bool {
        let Some(before) = &self.before else {
            return false;
        };
        let mut before = before.borrow_mut();
        let is_new = !before.blocks.contains_key(&number);
        if is_new {
            before.blocks.insert(number, self.block(number));
        }
        is_new
    }

    fn replace(&self, number: u32, block: Uint8Array) {
        self.remember(number);
        self.blocks.set(number, block.into());
    }

    /// The block of that number, to be written to: the one before stays as it was.
    fn own(&self, number: u32) -> Uint8Array {
        let is_shared = self.remember(number);
        match self.block(number) {
            Some(block) if !is_shared => block,
            there => {
                let own = match there {
                    Some(block) => block.slice(0, BLOCK as u32),
                    None => Uint8Array::new_with_length(BLOCK as u32),
                };
                self.blocks.set(number, own.clone().into());
                own
            }
        }
    }
}

/// A range of the file by blocks: which, from where in it, and which part of the range that is.
fn pieces(offset: u64, length: u64) -> impl Iterator<Item = (u32, u32, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done >= length {
            return None;
        }
        let at = offset + done;
        let from = at % BLOCK;
        let count = (BLOCK - from).min(length - done);
        let piece = done as usize..(done + count) as usize;
        done += count;
        Some(((at / BLOCK) as u32, from as u32, piece))
    })
}
