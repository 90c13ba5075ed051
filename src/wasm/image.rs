//! A file in JavaScript's memory, in blocks: what SQLite reads and writes at once while its storage
//! cannot. Beside what was changed it keeps what was there before, until that is settled or taken back.
//!
//! The bytes are outside the module's memory, which never shrinks. Knows no storage.

use std::cell::Cell;

use js_sys::{Array, Map, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

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
    /// Something was written since it was last said to rest.
    is_touched: Cell<bool>,
    /// `None`: nobody asks what was changed.
    before: Option<Before>,
}

/// What was there when it was last settled.
struct Before {
    size: Cell<u64>,
    /// The blocks that are others now, by number; `undefined` where there was none. (A map of the browser's: one
    /// of Rust's for this alone is 3 KB of the module.)
    blocks: Map,
}

/// A block that is another than when the file was last settled.
pub struct Changed {
    /// Its number.
    pub number: u32,
    /// What was there, if anything.
    pub before: Option<Uint8Array>,
    /// What is there now, if anything.
    pub now: Option<Uint8Array>,
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
            is_touched: Cell::default(),
            before: None,
        }
    }

    /// A file that is kept elsewhere, as it is there.
    pub fn kept(blocks: Array, size: u64, limit: u64) -> Self {
        let before = Before {
            size: Cell::new(size),
            blocks: Map::new(),
        };
        Self {
            blocks,
            size: Cell::new(size),
            limit,
            was_full: Cell::default(),
            is_touched: Cell::default(),
            before: Some(before),
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

    /// Whether something was written since it was last said to rest.
    pub fn is_touched(&self) -> bool {
        self.is_touched.get()
    }

    /// Nobody is told of what was written by now.
    pub fn rest(&self) {
        self.is_touched.set(false);
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
        let is_other = |it: &Before| it.size != self.size || it.blocks.size() > 0;
        self.before.as_ref().is_some_and(is_other)
    }

    /// The blocks that are others than when it was last settled.
    pub fn changed(&self) -> Vec<Changed> {
        let both = |(number, before): (u32, JsValue)| Changed {
            number,
            before: before.dyn_into().ok(),
            now: self.block(number),
        };
        self.noted().into_iter().map(both).collect()
    }

    /// Takes it to be kept as it is now.
    pub fn settle(&self) {
        if let Some(before) = &self.before {
            before.blocks.clear();
            before.size.set(self.size());
        }
    }

    /// Brings it back to where it was last settled.
    pub fn take_back(&self) {
        let Some(before) = &self.before else { return };
        for (number, block) in self.noted() {
            self.blocks.set(number, block);
        }
        self.size.set(before.size.get());
        self.blocks.set_length(self.size().div_ceil(BLOCK) as u32);
        self.settle();
    }

    /// The blocks of before that are others now.
    fn noted(&self) -> Vec<(u32, JsValue)> {
        let Some(before) = &self.before else {
            return Vec::new();
        };
        let read = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            let number = entry.get(0).as_f64().unwrap_or_default();
            (number as u32, entry.get(1))
        };
        Array::from(&before.blocks).iter().map(read).collect()
    }

    /// Its blocks, by number.
    pub fn blocks(&self) -> &Array {
        &self.blocks
    }

    /// A block, if there is one of that number.
    pub fn block(&self, number: u32) -> Option<Uint8Array> {
        (number < self.blocks.length()).then(|| self.blocks.get(number).unchecked_into())
    }

    /// Notes what is there, unless it is noted already. Whether it was not.
    fn remember(&self, number: u32) -> bool {
        self.is_touched.set(true);
        let Some(before) = &self.before else {
            return false;
        };
        let key = number.into();
        let is_new = !before.blocks.has(&key);
        if is_new {
            // Nothing, beyond the end.
            before.blocks.set(&key, &self.blocks.get(number));
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
