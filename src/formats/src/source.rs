//! A part of a file, read where it lies: several readers share one source, each with its own place.
//!
//! Knows no format. On the page a source is a Blob, of which only the slices asked for are in memory.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

/// A source that several readers share.
pub struct Shared<R>(Rc<RefCell<R>>);

impl<R> Clone for Shared<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Read + Seek> Shared<R> {
    /// Shares a source.
    pub fn new(source: R) -> Self {
        Self(Rc::new(RefCell::new(source)))
    }

    /// Its length in bytes.
    pub fn length(&self) -> io::Result<u64> {
        self.0.borrow_mut().seek(SeekFrom::End(0))
    }

    /// Reads at a place; fewer bytes than asked for only at the end.
    pub fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut source = self.0.borrow_mut();
        source.seek(SeekFrom::Start(offset))?;
        let mut read = 0;
        while read < into.len() {
            match source.read(&mut into[read..]) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

/// A part of a shared source, as a stream.
pub struct Section<R> {
    source: Shared<R>,
    at: u64,
    end: u64,
    /// How many bytes were read, for whoever tells the progress.
    read: Rc<Cell<u64>>,
}

impl<R: Read + Seek> Section<R> {
    /// The bytes from `at` to `end`, and the count of those read.
    pub fn new(source: &Shared<R>, at: u64, end: u64) -> (Self, Rc<Cell<u64>>) {
        let read = Rc::new(Cell::new(0));
        let section = Self {
            source: source.clone(),
            at,
            end: end.max(at),
            read: read.clone(),
        };
        (section, read)
    }
}

impl<R: Read + Seek> Read for Section<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let most = into.len().min(left);
        let read = self.source.read_at(self.at, &mut into[..most])?;
        self.at += read as u64;
        self.read.set(self.read.get() + read as u64);
        Ok(read)
    }
}
