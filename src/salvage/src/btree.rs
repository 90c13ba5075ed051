//! A page of a b-tree: its cells, their payloads, and the values of a record.
//!
//! <https://sqlite.org/fileformat2.html#b_tree_pages>. Every number of a page is checked before it is
//! used: a cell that does not fit is passed over, and said to be damaged.

use crate::bytes::{Bytes, u16_at, u32_at};
use crate::pages::{Pages, Trust};

/// Longest payload that SQLite itself writes.
const LONGEST: u64 = 1_000_000_000;
/// Bytes that a cell's length, rowid and header have at most, and more.
const MENDED: usize = 64;
/// Most columns of a table that is looked for, and more.
const MOST_COLUMNS: usize = 200;

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Children, by rowid.
    TableInterior,
    /// Rows, by rowid.
    TableLeaf,
    /// Children and records, by their first columns.
    IndexInterior,
    /// Records.
    IndexLeaf,
}

impl Kind {
    /// By the byte that a page begins with.
    pub fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            2 => Self::IndexInterior,
            5 => Self::TableInterior,
            10 => Self::IndexLeaf,
            13 => Self::TableLeaf,
            _ => return None,
        })
    }

    fn is_interior(self) -> bool {
        matches!(self, Self::IndexInterior | Self::TableInterior)
    }
}

/// A page, as far as its header can be believed.
pub struct Page<'a> {
    bytes: &'a [u8],
    usable: usize,
    /// What it is.
    pub kind: Kind,
    header: usize,
    /// Cells it says to have, as far as there is room for them.
    count: usize,
    /// Where the first cell may begin.
    content: usize,
    /// The header says what cannot be.
    pub is_damaged: bool,
}

impl<'a> Page<'a> {
    /// Reads a page's header; `None` where it is no page of a b-tree. `first`: it is the file's first
    /// page, which begins with the file's own header.
    pub fn parse(bytes: &'a [u8], usable: usize, first: bool) -> Option<Self> {
        let header = if first { 100 } else { 0 };
        let kind = Kind::of(*bytes.get(header)?)?;
        let usable = usable.min(bytes.len());
        let array = header + if kind.is_interior() { 12 } else { 8 };
        let said = u16_at(bytes, header + 3)?;
        let content = match u16_at(bytes, header + 5)? {
            0 => 65_536,
            content => content,
        };
        let is_content_right = content >= array && content <= usable;
        let end = if is_content_right { content } else { usable };
        let room = end.saturating_sub(array) / 2;
        Some(Self {
            bytes,
            usable,
            kind,
            header,
            count: said.min(room),
            content: if is_content_right { content } else { array },
            is_damaged: said > room || !is_content_right,
        })
    }

    /// Bytes of it that are used.
    pub fn usable(&self) -> usize {
        self.usable
    }

    /// Where its cells begin; `None` for one that cannot be.
    fn cells(&self) -> impl Iterator<Item = Option<usize>> {
        let array = self.header + if self.kind.is_interior() { 12 } else { 8 };
        (0..self.count).map(move |n| {
            let at = u16_at(self.bytes, array + 2 * n)?;
            (at >= self.content && at + 4 <= self.usable).then_some(at)
        })
    }

    /// Its children in order, each with the highest rowid below it (of a table's), and whether all of
    /// them can be told.
    pub fn children(&self) -> (Vec<(u32, Option<i64>)>, bool) {
        let mut all = Vec::new();
        let mut is_whole = !self.is_damaged;
        if !self.kind.is_interior() {
            return (all, is_whole);
        }
        for at in self.cells() {
            let child = at.and_then(|at| Some((u32_at(self.bytes, at)?, at + 4)));
            match child {
                Some((child, after)) => {
                    let key = varint(self.bytes.get(after..self.usable).unwrap_or_default());
                    let key = key.filter(|_| self.kind == Kind::TableInterior);
                    all.push((child, key.map(|(key, _)| key as i64)));
                }
                None => is_whole = false,
            }
        }
        match u32_at(self.bytes, self.header + 8) {
            Some(last) => all.push((last, None)),
            None => is_whole = false,
        }
        (all, is_whole)
    }

    /// Where its records are; `None` for one that cannot be.
    pub fn places(&self) -> impl Iterator<Item = Option<usize>> {
        let has = self.kind != Kind::TableInterior;
        self.cells().filter(move |_| has)
    }

    /// Its records, each with its rowid if it has one; `None` for one that cannot be read.
    pub fn records(&self) -> impl Iterator<Item = Option<Cell<'a>>> {
        self.places().map(|at| self.record(at?))
    }

    /// The record at a place.
    pub fn record(&self, at: usize) -> Option<Cell<'a>> {
        let bytes = self.cell(at)?;
        self.read_cell(at, bytes, bytes)
    }

    /// What the record at a place may have been before one bit of its length, its rowid or its header was
    /// hit: whatever makes them agree.
    pub fn mended(&self, at: usize) -> impl Iterator<Item = Cell<'a>> {
        let bytes = self.cell(at).unwrap_or_default();
        let mut start = bytes[..bytes.len().min(MENDED)].to_vec();
        (0..start.len() * 8).filter_map(move |bit| {
            let mask = 1 << (bit % 8);
            start[bit / 8] ^= mask;
            let read = self.read_cell(at, &start, bytes);
            let agrees = read.and_then(|mut cell| {
                let from = start.len().min(cell.from);
                let (types, header) = types(&start[from..])?;
                if sum(header, &types)? != cell.length as u64 {
                    return None;
                }
                cell.patch = (bit / 8).checked_sub(from).map(|at| (at, mask));
                Some(cell)
            });
            start[bit / 8] ^= mask;
            agrees
        })
    }

    /// The bytes of the record at a place, and what follows it.
    fn cell(&self, at: usize) -> Option<&'a [u8]> {
        let at = match self.kind {
            Kind::TableInterior => return None,
            Kind::IndexInterior => at + 4,
            Kind::TableLeaf | Kind::IndexLeaf => at,
        };
        self.bytes.get(at..self.usable)
    }

    /// `start` is how `cell` begins, or began.
    fn read_cell(&self, at: usize, start: &[u8], cell: &'a [u8]) -> Option<Cell<'a>> {
        let (length, mut from) = varint(start)?;
        if length == 0 || length > LONGEST {
            return None;
        }
        let mut rowid = None;
        if self.kind == Kind::TableLeaf {
            let (id, after) = varint(&start[from..])?;
            rowid = Some(id as i64);
            from += after;
        }
        let local = self.local(length as usize)?;
        let here = cell.get(from..from.checked_add(local)?)?;
        let is_long = (local as u64) < length;
        let overflow = if is_long {
            Some(u32_at(cell, from + local)?)
        } else {
            None
        };
        let before = if self.kind.is_interior() { 4 } else { 0 };
        Some(Cell {
            end: at + before + from + local + if is_long { 4 } else { 0 },
            from,
            rowid,
            length: length as usize,
            here,
            overflow,
            patch: None,
        })
    }

    /// How much of a payload is on the page
    /// (<https://sqlite.org/fileformat2.html#cell_payload_overflow_pages>).
    fn local(&self, length: usize) -> Option<usize> {
        let usable = self.usable;
        let most = match self.kind {
            Kind::TableLeaf => usable.checked_sub(35)?,
            _ => (usable.checked_sub(12)? * 64 / 255).checked_sub(23)?,
        };
        if length <= most {
            return Some(length);
        }
        let least = (usable.checked_sub(12)? * 32 / 255).checked_sub(23)?;
        let some = least + (length.checked_sub(least)?) % usable.checked_sub(4)?;
        Some(if some <= most { some } else { least })
    }

    /// Whether a record of it ends where the page does, from where pages are filled.
    pub fn reaches_end(&self) -> bool {
        self.records()
            .any(|cell| cell.is_some_and(|cell| cell.end == self.usable))
    }

    /// Whether everything on it fits: what a page looks like that nothing happened to.
    pub fn looks_right(&self) -> bool {
        if self.is_damaged {
            return false;
        }
        if self.kind == Kind::TableInterior {
            return self.children().1 && self.count > 0;
        }
        self.records().all(|cell| {
            cell.is_some_and(|cell| {
                cell.overflow.is_some() || Record::parse(cell.here, cell.here.len()).is_some()
            })
        })
    }
}

/// Which versions of pages are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Those that are believed.
    Believed,
    /// The last that are not known to be damaged.
    Checked,
}

/// What became of a payload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Assembled {
    /// All of it is there.
    pub is_whole: bool,
    /// How far the pages can be trusted that it goes on to.
    pub trust: Trust,
}

/// A record where it lies.
#[derive(Clone)]
pub struct Cell<'a> {
    /// Of a table's row.
    pub rowid: Option<i64>,
    /// Where the payload begins in the cell, and where the cell ends on the page.
    from: usize,
    end: usize,
    length: usize,
    here: &'a [u8],
    /// Where its payload goes on.
    pub overflow: Option<u32>,
    /// Of a mended one, which bits of which byte of the payload are turned.
    patch: Option<(usize, u8)>,
}

impl<'a> Cell<'a> {
    /// What of the payload is on the page itself.
    pub fn here(&self) -> &'a [u8] {
        self.here
    }

    /// Puts the payload together. `budget` is how many more overflow pages may be read in all, so that chains
    /// that meet do not make this endless.
    pub fn payload<M: Bytes, L: Bytes>(
        &self,
        pages: &Pages<M, L>,
        version: Version,
        budget: &mut u64,
        into: &mut Vec<u8>,
    ) -> Assembled {
        into.clear();
        into.extend_from_slice(self.here);
        if let Some((at, mask)) = self.patch
            && let Some(byte) = into.get_mut(at)
        {
            *byte ^= mask;
        }
        let mut next = self.overflow;
        let mut page = Vec::new();
        let mut assembled = Assembled {
            is_whole: true,
            trust: Trust::Right,
        };
        while into.len() < self.length {
            assembled.is_whole = false;
            let Some(number) = next.filter(|number| *number > 1 && *budget > 0) else {
                break;
            };
            *budget -= 1;
            let place = match version {
                Version::Believed => pages.place(number),
                Version::Checked => pages.checked(number),
            };
            let is_read = pages.read_at(place, number, &mut page);
            let Some(after) = u32_at(&page, 0).filter(|_| is_read) else {
                break;
            };
            let content = page.get(4..pages.usable()).unwrap_or_default();
            let count = content.len().min(self.length - into.len());
            if count == 0 {
                break;
            }
            into.extend_from_slice(&content[..count]);
            assembled.trust = assembled.trust.min(pages.trust_in(place, number));
            assembled.is_whole = true;
            next = Some(after);
        }
        assembled
    }

    /// Bytes that the payload has.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Bytes of it that are on the page itself.
    pub fn local(&self) -> usize {
        self.here.len()
    }
}

/// A value of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// None.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text; damage may have made it no UTF-8.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

/// The values of a record.
pub struct Record<'a> {
    /// In the order of the columns.
    pub values: Vec<Value<'a>>,
    /// The payload ended within one, which is shorter than it was; what follows it is not there.
    pub is_cut: bool,
}

impl<'a> Record<'a> {
    /// Reads a record of a payload of `length` bytes of which `payload` is there; `None` for what is none
    /// (<https://sqlite.org/fileformat2.html#record_format>).
    pub fn parse(payload: &'a [u8], length: usize) -> Option<Self> {
        let (types, header) = types(payload)?;
        // Of a record that nothing happened to, both are equal.
        if sum(header, &types)? != length as u64 {
            return None;
        }
        Some(Self::read(payload, header, types))
    }

    /// Reads what can be read of one whose header does not agree with its length.
    pub fn parse_anyway(payload: &'a [u8]) -> Option<Self> {
        let (types, header) = types(payload)?;
        let record = Self::read(payload, header, types);
        Some(Self {
            is_cut: true,
            ..record
        })
    }

    fn read(payload: &'a [u8], header: usize, types: Vec<u64>) -> Self {
        let mut at = header;
        let mut record = Self {
            values: Vec::with_capacity(types.len()),
            is_cut: false,
        };
        for kind in types {
            let rest = &payload[at.min(payload.len())..];
            let size = size_of(kind).and_then(|size| usize::try_from(size).ok());
            let value = size.and_then(|size| value(kind, rest.get(..size)?));
            let (Some(size), Some(value)) = (size, value) else {
                record.is_cut = true;
                if kind > 12 && kind % 2 == 1 {
                    record.values.push(Value::Text(whole_text(rest)));
                }
                break;
            };
            record.values.push(value);
            at += size;
        }
        record
    }
}

/// The serial types of a record, and how long its header is.
fn types(payload: &[u8]) -> Option<(Vec<u64>, usize)> {
    let (header, mut at) = varint(payload)?;
    let header = usize::try_from(header).ok()?;
    if header > payload.len() || header < at {
        return None;
    }
    let mut types = Vec::new();
    while at < header {
        let (kind, after) = varint(&payload[at..header])?;
        types.push(kind);
        at += after;
        if types.len() > MOST_COLUMNS {
            return None;
        }
    }
    Some((types, header))
}

/// How long a record is by its header; `None` where it has types that are never written.
fn sum(header: usize, types: &[u64]) -> Option<u64> {
    types
        .iter()
        .try_fold(header as u64, |sum, kind| sum.checked_add(size_of(*kind)?))
}

/// What there is of a text that was cut, up to its last whole character.
fn whole_text(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// Bytes of a value of that serial type; `None` for the two that are never written.
fn size_of(kind: u64) -> Option<u64> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => (kind - 12) / 2,
    })
}

fn value(kind: u64, bytes: &[u8]) -> Option<Value<'_>> {
    Some(match kind {
        0 => Value::Null,
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        1..=6 => {
            let mut number = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
            for byte in bytes {
                number = (number << 8) | i64::from(*byte);
            }
            Value::Integer(number)
        }
        7 => Value::Real(f64::from_bits(u64::from_be_bytes(bytes.try_into().ok()?))),
        _ if kind.is_multiple_of(2) => Value::Blob(bytes),
        _ => Value::Text(bytes),
    })
}

/// A number of one to nine bytes, and how many (<https://sqlite.org/fileformat2.html#varint>).
pub fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        if at == 8 {
            return Some((number << 8 | u64::from(*byte), 9));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    None
}
