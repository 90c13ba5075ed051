//! Zip files: the entries of one, read where they lie, and one written as a stream.
//!
//! By the layout of PKWARE's APPNOTE 6.3.10; each section that matters is named where it does. Own
//! code and no crate, because entries of one name are both to be read, and because what a file says
//! of itself is to be held against what it is: sizes, overlaps, ratios.
//!
//! Knows no format of chats.

use std::cell::Cell;
use std::io::{self, Read, Seek, Write};
use std::rc::Rc;

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::chat::Error;
use crate::crc::Crc;
use crate::source::{Section, Shared};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// Largest central directory that is read.
const MAX_DIRECTORY: u64 = 64 << 20;
/// Text of chats deflates to a fifth or a tenth. Up to so many bytes any ratio is fine.
const FREE_OF_RATIO: u64 = 64 << 20;
const MAX_RATIO: u64 = 300;

/// A stream, and the count of bytes that it took from the file.
pub type Opened = (Box<dyn Read>, Rc<Cell<u64>>);

/// An entry of a zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as it stands.
    pub name: String,
    /// Bytes in the zip.
    pub packed: u64,
    /// Bytes of the file.
    pub size: u64,
    method: u16,
    encrypted: bool,
    crc: u32,
    header: u64,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn io_error(error: &io::Error) -> Error {
    Error::corrupt(format!("the file cannot be read: {error}"))
}

/// Reads the directory (section 4.3.12 on).
pub fn entries<R: Read + Seek>(source: &Shared<R>) -> Result<Vec<Entry>, Error> {
    let length = source.length().map_err(|error| io_error(&error))?;
    let read = |offset: u64, count: u64| -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
        let read = source
            .read_at(offset, &mut bytes)
            .map_err(|error| io_error(&error))?;
        bytes.truncate(read);
        Ok(bytes)
    };
    // The end record is followed by a comment of up to 64 KB.
    let tail_at = length.saturating_sub(22 + 65_535);
    let tail = read(tail_at, length - tail_at)?;
    let end = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| u32_at(&tail, *at) == END)
        .ok_or_else(|| Error::corrupt("the zip has no directory: it was cut off, or is no zip"))?;
    let mut size = u64::from(u32_at(&tail, end + 12));
    let mut start = u64::from(u32_at(&tail, end + 16));
    let end_at = tail_at + end as u64;
    if (u32_at(&tail, end + 16) == u32::MAX
        || u32_at(&tail, end + 12) == u32::MAX
        || u16_at(&tail, end + 10) == u16::MAX)
        && let Some(locator_at) = end_at.checked_sub(20)
    {
        let locator = read(locator_at, 20)?;
        if u32_at(&locator, 0) == LOCATOR64 {
            let record = read(u64_at(&locator, 8), 56)?;
            if u32_at(&record, 0) != END64 {
                return Err(Error::corrupt("the zip's directory of 64 bits is damaged"));
            }
            size = u64_at(&record, 40);
            start = u64_at(&record, 48);
        }
    }
    if start > length || size > length - start {
        return Err(Error::corrupt("the zip's directory lies beyond its end"));
    }
    if size > MAX_DIRECTORY {
        return Err(Error::invalid(
            "the zip has more entries than any export of chats",
        ));
    }
    let directory = read(start, size)?;
    let mut entries = Vec::new();
    let mut at = 0;
    while at + 46 <= directory.len() && u32_at(&directory, at) == CENTRAL {
        let record = &directory[at..];
        let (name, extra, comment) = (
            usize::from(u16_at(record, 28)),
            usize::from(u16_at(record, 30)),
            usize::from(u16_at(record, 32)),
        );
        let Some(fields) = record.get(46..46 + name + extra) else {
            break;
        };
        let mut entry = Entry {
            // Names without the flag of UTF-8 are of some code page; those of exports are ASCII.
            name: String::from_utf8_lossy(&fields[..name]).into_owned(),
            encrypted: u16_at(record, 8) & 1 != 0,
            method: u16_at(record, 10),
            crc: u32_at(record, 16),
            packed: u64::from(u32_at(record, 20)),
            size: u64::from(u32_at(record, 24)),
            header: u64::from(u32_at(record, 42)),
        };
        large_fields(&mut entry, &fields[name..]);
        entries.push(entry);
        at += 46 + name + extra + comment;
    }
    if at != directory.len() {
        return Err(Error::corrupt(format!(
            "the zip's directory is damaged after {} entries, at byte {}",
            entries.len(),
            start + at as u64,
        )));
    }
    let packed = entries
        .iter()
        .try_fold(0_u64, |sum, entry| sum.checked_add(entry.packed));
    if packed.is_none_or(|packed| packed > length) {
        return Err(Error::corrupt(
            "the zip's entries lie over one another: it is no honest zip",
        ));
    }
    Ok(entries)
}

/// The extra field of 64 bits (section 4.5.3): those that did not fit, in this order.
fn large_fields(entry: &mut Entry, mut extra: &[u8]) {
    while extra.len() >= 4 {
        let length = usize::from(u16_at(extra, 2));
        let Some(data) = extra.get(4..4 + length) else {
            return;
        };
        if u16_at(extra, 0) == 1 {
            let mut at = 0;
            for field in [&mut entry.size, &mut entry.packed, &mut entry.header] {
                if *field == u64::from(u32::MAX) && data.len() >= at + 8 {
                    *field = u64_at(data, at);
                    at += 8;
                }
            }
        }
        extra = &extra[4 + length..];
    }
}

impl Entry {
    /// Whether it lies in the zip as it is.
    pub fn is_stored(&self) -> bool {
        self.method == STORED && !self.encrypted
    }

    /// Where its bytes begin (section 4.3.7).
    pub fn start<R: Read + Seek>(&self, source: &Shared<R>) -> Result<u64, Error> {
        let mut header = [0; 30];
        let read = source
            .read_at(self.header, &mut header)
            .map_err(|error| io_error(&error))?;
        if read < header.len() || u32_at(&header, 0) != LOCAL {
            return Err(Error::corrupt(
                "the zip has no entry where its directory says",
            ));
        }
        let name = u64::from(u16_at(&header, 26));
        Ok(self.header + 30 + name + u64::from(u16_at(&header, 28)))
    }

    /// Opens it, and gives the count of packed bytes read.
    pub fn open<R: Read + Seek + 'static>(&self, source: &Shared<R>) -> Result<Opened, Error> {
        if self.encrypted {
            return Err(Error::unsupported(
                "it is encrypted: unpack the zip and give the file",
            ));
        }
        let start = self.start(source)?;
        let (section, count) = Section::new(source, start, start + self.packed);
        let inner: Box<dyn Read> = match self.method {
            STORED => Box::new(section),
            DEFLATED => Box::new(DeflateDecoder::new_with_buf(section, vec![0; 64 << 10])),
            method => {
                return Err(Error::unsupported(format!(
                    "it is packed by method {method}: unpack the zip and give the file"
                )));
            }
        };
        let checked = Checked {
            inner,
            crc: Crc::new(),
            expected: self.crc,
            size: self.size,
            packed: self.packed,
            read: 0,
        };
        Ok((Box::new(checked), count))
    }
}

/// Holds what comes out against what the directory says.
struct Checked {
    inner: Box<dyn Read>,
    crc: Crc,
    expected: u32,
    size: u64,
    packed: u64,
    read: u64,
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let wrong = |what: String| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        if read == 0 && !into.is_empty() {
            if self.read != self.size {
                return wrong(format!(
                    "it holds {} bytes and not {}",
                    self.read, self.size
                ));
            }
            if self.crc.sum() != self.expected {
                return wrong("its checksum is wrong".into());
            }
        }
        self.read += read as u64;
        self.crc.update(&into[..read]);
        if self.read > self.size {
            return wrong(format!(
                "it holds more than the {} bytes it is said to",
                self.size
            ));
        }
        if self.read > FREE_OF_RATIO && self.read / MAX_RATIO > self.packed {
            return wrong(format!(
                "it unpacks to more than {MAX_RATIO} times its size"
            ));
        }
        Ok(read)
    }
}

/// Writes a zip as a stream: nothing written is touched again.
pub struct ZipWriter {
    out: Vec<u8>,
    /// Bytes drained before `out`.
    drained: u64,
    directory: Vec<u8>,
    count: u64,
    open: Option<Open>,
}

struct Open {
    name: String,
    header: u64,
    start: u64,
    size: u64,
    crc: Crc,
    deflate: Option<DeflateEncoder<Vec<u8>>>,
}

/// 1980-01-01: nothing here knows the time.
const DATE: u16 = 0x21;
/// Sizes follow the bytes; names are UTF-8 (section 4.4.4).
const FLAGS: u16 = 1 << 3 | 1 << 11;

impl Default for ZipWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl ZipWriter {
    /// An empty zip.
    pub fn new() -> Self {
        Self {
            out: Vec::new(),
            drained: 0,
            directory: Vec::new(),
            count: 0,
            open: None,
        }
    }

    fn offset(&self) -> u64 {
        self.drained + self.out.len() as u64
    }

    /// Begins an entry, after ending the one before.
    pub fn begin(&mut self, name: &str, deflate: bool) -> Result<(), Error> {
        self.end()?;
        let header = self.offset();
        let method = if deflate { DEFLATED } else { STORED };
        put32(&mut self.out, LOCAL);
        for field in [20, FLAGS, method, 0, DATE] {
            put16(&mut self.out, field);
        }
        self.out.extend_from_slice(&[0; 12]);
        put16(&mut self.out, name.len() as u16);
        put16(&mut self.out, 0);
        self.out.extend_from_slice(name.as_bytes());
        self.open = Some(Open {
            name: name.to_owned(),
            header,
            start: self.offset(),
            size: 0,
            crc: Crc::new(),
            deflate: deflate.then(|| DeflateEncoder::new(Vec::new(), flate2::Compression::new(6))),
        });
        Ok(())
    }

    /// Adds to the entry.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(open) = &mut self.open else {
            return Err(Error::invalid("no entry of the zip is begun"));
        };
        open.crc.update(bytes);
        open.size += bytes.len() as u64;
        match &mut open.deflate {
            None => self.out.extend_from_slice(bytes),
            Some(encoder) => {
                encoder.write_all(bytes).map_err(|error| io_error(&error))?;
                self.out.append(encoder.get_mut());
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        let method = match open.deflate.take() {
            None => STORED,
            Some(encoder) => {
                self.out
                    .append(&mut encoder.finish().map_err(|error| io_error(&error))?);
                DEFLATED
            }
        };
        let (packed, size) = (self.offset() - open.start, open.size);
        if packed.max(size) >= u64::from(u32::MAX) {
            return Err(Error::invalid(format!(
                "{} is over 4 GB, too large for an export",
                open.name
            )));
        }
        put32(&mut self.out, DESCRIPTOR);
        for field in [open.crc.sum(), packed as u32, size as u32] {
            put32(&mut self.out, field);
        }
        let large = open.header >= u64::from(u32::MAX);
        let to = &mut self.directory;
        put32(to, CENTRAL);
        let version = if large { 45 } else { 20 };
        for field in [version, version, FLAGS, method, 0, DATE] {
            put16(to, field);
        }
        for field in [open.crc.sum(), packed as u32, size as u32] {
            put32(to, field);
        }
        put16(to, open.name.len() as u16);
        put16(to, if large { 12 } else { 0 });
        to.extend_from_slice(&[0; 10]);
        put32(to, if large { u32::MAX } else { open.header as u32 });
        to.extend_from_slice(open.name.as_bytes());
        if large {
            put16(to, 1);
            put16(to, 8);
            to.extend_from_slice(&open.header.to_le_bytes());
        }
        self.count += 1;
        Ok(())
    }

    /// Ends the zip.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.end()?;
        let start = self.offset();
        let size = self.directory.len() as u64;
        self.out.append(&mut self.directory);
        let end = self.offset();
        let count = self.count;
        if start >= u64::from(u32::MAX) || count >= u64::from(u16::MAX) {
            put32(&mut self.out, END64);
            self.out.extend_from_slice(&44_u64.to_le_bytes());
            put16(&mut self.out, 45);
            put16(&mut self.out, 45);
            self.out.extend_from_slice(&[0; 8]);
            for field in [count, count, size, start] {
                self.out.extend_from_slice(&field.to_le_bytes());
            }
            put32(&mut self.out, LOCATOR64);
            put32(&mut self.out, 0);
            self.out.extend_from_slice(&end.to_le_bytes());
            put32(&mut self.out, 1);
        }
        let most = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        put32(&mut self.out, END);
        for field in [0, 0, count, count] {
            put16(&mut self.out, field);
        }
        put32(&mut self.out, most(size));
        put32(&mut self.out, most(start));
        put16(&mut self.out, 0);
        Ok(())
    }

    /// What was written since the last time.
    pub fn drain(&mut self) -> Vec<u8> {
        self.drained += self.out.len() as u64;
        std::mem::take(&mut self.out)
    }

    /// How many bytes wait to be drained.
    pub fn waiting(&self) -> usize {
        self.out.len()
    }
}

fn put16(to: &mut Vec<u8>, value: u16) {
    to.extend_from_slice(&value.to_le_bytes());
}

fn put32(to: &mut Vec<u8>, value: u32) {
    to.extend_from_slice(&value.to_le_bytes());
}
