//! Writes that follow each other in a file, made one: SQLite writes a commit to its log as a header of
//! 24 bytes and a page for each page it changed, and a call of the device costs more than its bytes.
//!
//! What was acknowledged is never held back: the end of a commit goes out, with all before it, in the
//! write that completes it, so that its failure is the commit's. Knows no device and no JavaScript.
//!
//! The log's format: <https://sqlite.org/fileformat2.html#the_write_ahead_log>.

use crate::planted::{Bug, planted};

/// Bytes held back at most.
const MOST: usize = 256 << 10;
/// Bytes of a frame's header. A page has 512 at least.
const FRAME_HEADER: usize = 24;
/// Where in it the size of the database stands; 0 but in a commit's last frame.
const SIZE_AFTER_COMMIT: std::ops::Range<usize> = 4..8;

/// What a file is to SQLite, which says when its writes must go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The write-ahead log: with the end of each commit, since not every commit is synced.
    Log,
    /// Any other: when it is synced, read or cut. Nothing before is relied on.
    Other,
}

/// The writes of one file that have not gone out.
#[derive(Debug)]
pub struct Coalescing {
    kind: Kind,
    bytes: Vec<u8>,
    /// Where they begin.
    start: u64,
    /// Where the last write ended, if nothing else was done since.
    end: Option<u64>,
    /// It was the header of a commit's last frame.
    is_ending: bool,
}

impl Coalescing {
    /// Nothing is held back yet.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            bytes: Vec::new(),
            start: 0,
            end: None,
            is_ending: false,
        }
    }

    /// Takes a write. `out` writes to the device.
    ///
    /// # Errors
    /// Those of `out`. What was held back is then gone, as a write that failed halfway would be.
    pub fn write<E>(
        &mut self,
        bytes: &[u8],
        offset: u64,
        mut out: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let follows = self.end == Some(offset);
        if !follows || self.bytes.len() + bytes.len() > MOST {
            self.flush(&mut out)?;
        }
        let is_header = self.kind == Kind::Log && bytes.len() == FRAME_HEADER;
        let is_end = is_header && bytes[SIZE_AFTER_COMMIT] != [0; 4];
        // A header that follows nothing is one of those that are written again where a transaction was
        // spilled: its page is there already.
        let completes =
            ((self.is_ending && !is_header) || (is_end && !follows)) && !planted(Bug::HeldCommit);
        self.is_ending = is_end;
        self.end = Some(offset + bytes.len() as u64);
        if self.bytes.is_empty() {
            if completes || bytes.len() > MOST {
                return out(bytes, offset).inspect_err(|_| self.end = None);
            }
            self.start = offset;
        }
        self.bytes.extend_from_slice(bytes);
        if completes {
            self.flush(out)?;
        }
        Ok(())
    }

    /// Writes out what is held back.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn flush<E>(&mut self, mut out: impl FnMut(&[u8], u64) -> Result<(), E>) -> Result<(), E> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let written = out(&self.bytes, self.start);
        self.bytes.clear();
        if planted(Bug::SwallowedWrite) {
            return Ok(());
        }
        written.inspect_err(|_| self.end = None)
    }

    /// The same before anything else than a write is done to the file: no write follows the last one.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn settle<E>(&mut self, out: impl FnMut(&[u8], u64) -> Result<(), E>) -> Result<(), E> {
        self.end = None;
        self.is_ending = false;
        self.flush(out)
    }

    /// The file's size, where the device has `size` bytes of it.
    #[must_use]
    pub fn size(&self, size: u64) -> u64 {
        if self.bytes.is_empty() {
            return size;
        }
        size.max(self.start + self.bytes.len() as u64)
    }
}
