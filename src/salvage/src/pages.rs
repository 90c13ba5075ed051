//! The pages of a database: those of the main file, with those of the log over them.

use std::collections::HashMap;

use crate::btree::{Kind, Page};
use crate::bytes::{Bytes, u16_at, u32_at};
use crate::log::{self, is_page_size};

/// How a SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes at the beginning that are looked at to find out how large pages are.
const LOOKED_AT: usize = 4 << 20;
/// The page size of this package's files.
const USUAL: usize = 8_192;

/// Where a version of a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the main file, at its place.
    Main,
    /// In the log, at this offset.
    Log(u64),
}

/// How far a version of a page can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Its checksum is wrong.
    Doubtful,
    /// It has none.
    Unknown,
    /// Its checksum is right.
    Right,
}

/// Both files, as pages.
pub struct Pages<M, L> {
    main: M,
    log: L,
    size: usize,
    usable: usize,
    /// The highest number that any page may have.
    last: u32,
    /// Pages that are not read from the main file.
    over: HashMap<u32, u64>,
    /// Of those whose frame's checksum is wrong, where the last version is that is right.
    checked: HashMap<u32, Place>,
    /// Versions that a later one has the place of: those that are right, the newest first, then the main file's.
    earlier: Vec<(u32, Place)>,
    /// Where in the log versions are that are not the ones believed.
    others: Vec<u64>,
    /// What the files' own headers say does not hold.
    pub is_damaged: bool,
    /// The main file begins as one of SQLite.
    pub has_header: bool,
}

impl<M: Bytes, L: Bytes> Pages<M, L> {
    /// Looks at both files.
    pub fn new(main: M, log: L) -> Self {
        let mut header = [0; 100];
        let has = main.read(0, &mut header);
        let has_magic = has == header.len() && header.starts_with(MAGIC);
        let said = match u16_at(&header, 16) {
            Some(1) => 65_536,
            Some(size) => size,
            None => 0,
        };
        let guessed = guess_size(&main).or_else(|| log::page_size(&log));
        // One bit makes a size another that may be one.
        let is_said_right = has_magic
            && is_page_size(said)
            && is_first_page(&main, said)
            && guessed.is_none_or(|size| size == said);
        let size = if is_said_right {
            said
        } else {
            guessed.unwrap_or(if is_page_size(said) { said } else { USUAL })
        };
        let reserved = if has_magic {
            usize::from(header[20])
        } else {
            0
        };
        let usable = if size - reserved.min(size) >= 480 {
            size - reserved
        } else {
            size
        };

        let found = log::read(&log, size);
        let mut pages = Self {
            size,
            usable,
            last: 0,
            over: HashMap::new(),
            checked: HashMap::new(),
            earlier: Vec::new(),
            others: Vec::new(),
            is_damaged: found.is_damaged || !is_said_right,
            has_header: is_said_right,
            main,
            log,
        };
        let mut bytes = Vec::new();
        let mut last = u32::try_from(pages.main.len().div_ceil(size as u64)).unwrap_or(u32::MAX);
        for (page, versions) in found.pages {
            // Far outside of any file: its number is damaged.
            if u64::from(page) > (pages.main.len() + pages.log.len()) / size as u64 + 1_024 {
                let all = [versions.right, versions.doubtful];
                pages.others.extend(all.into_iter().flatten());
                continue;
            }
            last = last.max(page);
            let is_believed = versions.doubtful.is_some_and(|offset| {
                pages.read_at(Place::Log(offset), page, &mut bytes)
                    && Page::parse(&bytes, usable, page == 1).is_some_and(|it| it.looks_right())
            });
            let offset = if is_believed {
                let right = versions.right.map(Place::Log);
                pages.checked.insert(page, right.unwrap_or(Place::Main));
                pages.earlier.extend(right.map(|place| (page, place)));
                versions.doubtful
            } else {
                pages.others.extend(versions.doubtful);
                versions.right
            };
            if let Some(offset) = offset {
                pages.over.insert(page, offset);
            }
        }
        pages.others.extend(found.others);
        let earlier = found.earlier.into_iter();
        let earlier = earlier.filter(|(page, _)| pages.over.contains_key(page));
        pages
            .earlier
            .extend(earlier.map(|(page, offset)| (page, Place::Log(offset))));
        let mut main: Vec<u32> = pages.over.keys().copied().collect();
        main.retain(|page| u64::from(*page) <= pages.main.len().div_ceil(size as u64));
        pages
            .earlier
            .extend(main.into_iter().map(|page| (page, Place::Main)));
        // The newest first, and in one order always.
        pages
            .earlier
            .sort_unstable_by_key(|(page, place)| match place {
                Place::Log(offset) => (u64::MAX - offset, *page),
                Place::Main => (u64::MAX, *page),
            });
        // The newest first.
        pages.others.sort_unstable_by(|a, b| b.cmp(a));
        pages.last = last;
        let said = found.count.or_else(|| u32_at(&header, 28));
        let there = u32::try_from(pages.main.len() / size as u64).unwrap_or(u32::MAX);
        let is_short = said.is_some_and(|said| {
            (there.saturating_add(1)..=said.min(last.saturating_add(1)))
                .any(|page| !pages.over.contains_key(&page))
        });
        pages.is_damaged |= is_short;
        pages
    }

    /// Bytes of a page that are used.
    pub fn usable(&self) -> usize {
        self.usable
    }

    /// The highest number that any page may have.
    pub fn last(&self) -> u32 {
        self.last
    }

    /// Bytes of both files.
    pub fn total(&self) -> u64 {
        self.main.len() + self.log.len()
    }

    /// Where in the log versions of pages are that are not the ones believed, the newest first.
    pub fn others(&self) -> &[u64] {
        &self.others
    }

    /// Versions of pages that a later one has the place of: those that are right, the newest first, then the main
    /// file's.
    pub fn earlier(&self) -> &[(u32, Place)] {
        &self.earlier
    }

    /// Whether any page is believed whose checksum is wrong.
    pub fn is_doubted(&self) -> bool {
        !self.checked.is_empty()
    }

    /// How far the version of a page can be trusted that is believed.
    pub fn trust(&self, number: u32) -> Trust {
        if self.checked.contains_key(&number) {
            Trust::Doubtful
        } else if self.over.contains_key(&number) {
            Trust::Right
        } else {
            Trust::Unknown
        }
    }

    /// How far a version of a page can be trusted.
    pub fn trust_in(&self, place: Place, number: u32) -> Trust {
        match place {
            Place::Main => Trust::Unknown,
            Place::Log(offset) if self.over.get(&number) == Some(&offset) => self.trust(number),
            Place::Log(_) => Trust::Right,
        }
    }

    /// Where the version of a page is that is believed.
    pub fn place(&self, number: u32) -> Place {
        self.over
            .get(&number)
            .map_or(Place::Main, |offset| Place::Log(*offset))
    }

    /// Where the last version of a page is that is not known to be damaged.
    pub fn checked(&self, number: u32) -> Place {
        let checked = self.checked.get(&number).copied();
        checked.unwrap_or_else(|| self.place(number))
    }

    /// Reads the version of a page that is believed; false where there is none.
    pub fn read(&self, number: u32, into: &mut Vec<u8>) -> bool {
        self.read_at(self.place(number), number, into)
    }

    /// Reads a version of a page. What the file has not is zero.
    pub fn read_at(&self, place: Place, number: u32, into: &mut Vec<u8>) -> bool {
        into.clear();
        into.resize(self.size, 0);
        let count = match place {
            Place::Main => {
                let Some(before) = number.checked_sub(1) else {
                    return false;
                };
                self.main.read(u64::from(before) * self.size as u64, into)
            }
            Place::Log(offset) => self.log.read(offset, into),
        };
        count > 0
    }
}

/// Whether the first page, of that size, is one of a table.
fn is_first_page(main: &impl Bytes, size: usize) -> bool {
    let mut bytes = vec![0; size];
    main.read(0, &mut bytes);
    Page::parse(&bytes, size, true)
        .is_some_and(|page| matches!(page.kind, Kind::TableLeaf | Kind::TableInterior))
}

/// The page size with which most of the file's beginning looks like pages.
fn guess_size(main: &impl Bytes) -> Option<usize> {
    let mut bytes = vec![0; LOOKED_AT.min(usize::try_from(main.len()).unwrap_or(LOOKED_AT))];
    let count = main.read(0, &mut bytes);
    let bytes = &bytes[..count];
    let right = |size: usize| {
        // Pages are filled from their end: of another size, they do not reach it.
        let all = bytes.chunks_exact(size).skip(1);
        all.filter(|page| {
            page.iter().any(|byte| *byte != 0)
                && Page::parse(page, size, false)
                    .is_some_and(|page| page.reaches_end() && page.looks_right())
        })
        .count()
            * size
    };
    (9..=16)
        .map(|bits| 1_usize << bits)
        .map(|size| (right(size), size))
        .max()
        .filter(|(right, _)| *right > 0)
        .map(|(_, size)| size)
}
