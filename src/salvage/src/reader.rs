//! From two damaged files to batches of rows.
//!
//! First each table's own tree, from the root that the schema names. Then every page that no tree reaches and that
//! is not free: where a tree is damaged all its rows, else only those that an index names and no tree has; a tree that
//! is whole lacks nothing else, and what it does not hold was deleted. Then the free pages, for what an index names,
//! and the versions of pages in the log that are not believed. Last those that a later version has the place of.
//! Whoever takes the rows keeps, of several with one key, the one of the highest revision, and of equal ones the first.
//!
//! Where a row has copies that are of the same revision, as free pages and earlier versions in the log may hold
//! them, the one is taken that is damaged least ([`crate::copies`]).
//!
//! A record whose header does not agree with its length is mended, if one bit makes it agree and gives it the look
//! of a row; else what can be read of it is.

use std::collections::{HashMap, HashSet};

use crate::batch::{self, Row};
use crate::btree::{Assembled, Cell, Kind, Page, Record, Value, Version};
use crate::bytes::{Bytes, u32_at};
use crate::copies::{self, Copies, Copy};
use crate::named::Named;
use crate::pages::{Pages, Place, Trust};
use crate::tables::{ALL, Column, Table, role_of};

/// A batch ends with the row that takes it so far, in bytes.
const BATCH: usize = 256 * 1024;
/// Bytes of a piece of an attachment, as the store has it.
const PIECE: i64 = 262_144;
/// Bits of an id that may have been hit.
const ID_BITS: u32 = 40;
/// Pieces an attachment may have: its place in the ids of pieces.
const PIECE_BITS: u32 = 20;

/// What became of the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Both tables of chats were read from their own trees, in which nothing was damaged.
    pub is_whole: bool,
    /// Anything was damaged at all, that reading came by.
    pub is_damaged: bool,
    /// Cells of which no row could be made, as far as they were in a tree.
    pub unreadable: u64,
}

/// Numbers of pages.
struct Set(Vec<u64>);

impl Set {
    fn new(last: u32) -> Self {
        Self(vec![0; last as usize / 64 + 1])
    }

    fn contains(&self, page: u32) -> bool {
        let word = self.0.get(page as usize / 64).copied().unwrap_or_default();
        word >> (page % 64) & 1 == 1
    }

    /// Whether it is new.
    fn insert(&mut self, page: u32) -> bool {
        match self.0.get_mut(page as usize / 64) {
            Some(word) => {
                let before = *word;
                *word |= 1 << (page % 64);
                before != *word
            }
            None => false,
        }
    }
}

/// What is done next.
enum Phase {
    /// The indexes: they name rows that are not deleted.
    Named {
        page: u32,
    },
    /// Earlier versions of pages that may be damaged, and then the free pages, for copies of rows.
    Copies {
        number: usize,
    },
    /// The tree of a table: pages to be read, each with the highest rowid it may hold.
    Tree {
        table: usize,
        stack: Vec<(u32, Option<i64>)>,
        last: Option<i64>,
    },
    /// The pages that no tree reached: of pieces of attachments only once the attachments are known.
    Orphans {
        page: u32,
        pieces: bool,
    },
    /// The pages that are free, for rows that an index names.
    Free {
        page: u32,
    },
    /// The versions that were not believed.
    Others {
        number: usize,
        pieces: bool,
    },
    /// The versions that a later one has the place of.
    Earlier {
        number: usize,
    },
    Done,
}

/// Where a page is that no tree reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Orphan,
    Free,
    Other,
    Earlier,
}

/// How a record is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// As it says.
    Said,
    /// As far as it goes.
    Anyway,
}

/// Bytes that may still be read of a page: cells that lie over each other are no reason to read it again and again.
struct Room {
    rows: usize,
    /// Of what is no row as it stands.
    others: usize,
}

impl Room {
    fn of(page: &Page<'_>) -> Self {
        let usable = page.usable();
        Self {
            rows: usable,
            others: 4 * usable,
        }
    }

    fn has(&self, cell: &Cell<'_>) -> bool {
        cell.local() <= self.rows.min(self.others)
    }
}

/// A record that is known to be a row, with its payload in the reader.
struct Known<'a> {
    table: Table,
    cell: Cell<'a>,
    how: How,
    /// It was mended.
    is_mended: bool,
    assembled: Assembled,
}

impl Known<'_> {
    fn record<'p>(&self, payload: &'p [u8]) -> Option<Record<'p>> {
        match self.how {
            How::Said => Record::parse(payload, self.cell.length()),
            How::Anyway => Record::parse_anyway(payload),
        }
    }
}

/// Reads the rows of a damaged database.
pub struct Reader<M, L> {
    pages: Pages<M, L>,
    /// In a tree.
    reached: Set,
    free: Set,
    roots: HashMap<Table, u32>,
    /// Tables of whose trees something is missing, by their place.
    lacking: [bool; ALL.len()],
    phase: Phase,
    /// Overflow pages that may still be read.
    budget: u64,
    /// Records that may still be mended or held against copies, and pages that may be read to do so.
    mends: u64,
    copies: Copies,
    /// Sizes of the attachments that were met.
    sizes: HashMap<i64, i64>,
    named: Named,
    summary: Summary,
    bytes: Vec<u8>,
    payload: Vec<u8>,
}

impl<M: Bytes, L: Bytes> Reader<M, L> {
    /// Begins with a main file and its log, either of which may be empty.
    pub fn new(main: M, log: L) -> Self {
        let pages = Pages::new(main, log);
        let last = pages.last();
        let mut reader = Self {
            reached: Set::new(last),
            free: Set::new(last),
            roots: HashMap::new(),
            lacking: [false; ALL.len()],
            phase: Phase::Named { page: 2 },
            budget: 3 * u64::from(last) + 1_000,
            mends: 16 * u64::from(last) + 10_000,
            copies: Copies::default(),
            sizes: HashMap::new(),
            named: Named::default(),
            summary: Summary {
                is_damaged: pages.is_damaged,
                ..Summary::default()
            },
            bytes: Vec::new(),
            payload: Vec::new(),
            pages,
        };
        reader.read_schema();
        reader.read_freelist();
        reader
    }

    /// What was found, once all is read.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// How far it is, of how much: pages.
    pub fn progress(&self) -> (u64, u64) {
        let all = u64::from(self.pages.last());
        let read = match &self.phase {
            Phase::Named { .. } | Phase::Copies { .. } => 0,
            Phase::Tree { .. } => self
                .reached
                .0
                .iter()
                .map(|it| u64::from(it.count_ones()))
                .sum(),
            _ => all,
        };
        (read.min(all), all)
    }

    /// The next rows, as [`batch`] writes them; `None` at the end. One batch may be empty.
    pub fn next_batch(&mut self) -> Option<Vec<u8>> {
        if matches!(self.phase, Phase::Done) {
            return None;
        }
        let mut out = Vec::new();
        // Pages without a row also take their time.
        for _ in 0..512 {
            if matches!(self.phase, Phase::Done) || out.len() >= BATCH {
                break;
            }
            self.step(&mut out);
        }
        Some(out)
    }

    /// Where the tables begin.
    fn read_schema(&mut self) {
        let mut stack = vec![1];
        let mut is_whole = true;
        while let Some(number) = stack.pop() {
            if !self.reached.insert(number) || !self.pages.read(number, &mut self.bytes) {
                is_whole = false;
                continue;
            }
            let bytes = std::mem::take(&mut self.bytes);
            match Page::parse(&bytes, self.pages.usable(), number == 1) {
                Some(page) if page.kind == Kind::TableInterior => {
                    let (children, is_page_whole) = page.children();
                    is_whole &= is_page_whole;
                    stack.extend(children.iter().rev().map(|(child, _)| *child));
                }
                Some(page) if page.kind == Kind::TableLeaf => {
                    is_whole &= !page.is_damaged;
                    for cell in page.records() {
                        is_whole &= cell.is_some_and(|cell| self.read_root(&cell));
                    }
                }
                _ => is_whole = false,
            }
            self.bytes = bytes;
        }
        self.summary.is_damaged |= !is_whole;
        for (table, lacking) in ALL.iter().zip(&mut self.lacking) {
            // A file of an earlier version has not all of them.
            *lacking = !is_whole && !self.roots.contains_key(table);
        }
    }

    fn read_root(&mut self, cell: &Cell<'_>) -> bool {
        let Assembled { is_whole, .. } = self.assemble(cell, Version::Believed);
        // All but the last column stands on the page.
        let Some(record) = Record::parse(&self.payload, cell.length()) else {
            return false;
        };
        if let [
            Value::Text(kind),
            Value::Text(name),
            _,
            Value::Integer(root),
            ..,
        ] = record.values[..]
            && kind == b"table"
            && let (Some(table), Ok(root)) = (Table::named(name), u32::try_from(root))
        {
            self.roots.entry(table).or_insert(root);
        }
        is_whole
    }

    /// Which pages are free: what is on them was deleted.
    fn read_freelist(&mut self) {
        let mut header = Vec::new();
        let has = self.pages.read(1, &mut header);
        let first = u32_at(&header, 32).filter(|_| has).unwrap_or_default();
        let said = u32_at(&header, 36).filter(|_| has).unwrap_or_default();
        let mut found = 0_u32;
        let mut next = first;
        let mut is_whole = self.pages.has_header;
        while next != 0 {
            if next > self.pages.last()
                || self.reached.contains(next)
                || !self.free.insert(next)
                || !self.pages.read(next, &mut self.bytes)
            {
                is_whole = false;
                break;
            }
            found += 1;
            match leaves(&self.bytes, self.pages.usable(), self.pages.last()) {
                Some(leaves) => {
                    for leaf in leaves {
                        found += u32::from(self.free.insert(leaf));
                    }
                }
                None => is_whole = false,
            }
            next = u32_at(&self.bytes, 0).unwrap_or_default();
        }
        if is_whole && found == said {
            return;
        }
        self.summary.is_damaged = true;
        self.guess_free();
    }

    /// The list is broken, but each of its pages still says which are free. A page that only looks like one
    /// of it was one, and is on it as a free page now: what it says is old.
    fn guess_free(&mut self) {
        let last = self.pages.last();
        let mut lists: Vec<(u32, Vec<u32>)> = Vec::new();
        for number in 2..=last {
            if !self.pages.read(number, &mut self.bytes) {
                continue;
            }
            let next = u32_at(&self.bytes, 0).unwrap_or(u32::MAX);
            let found = leaves(&self.bytes, self.pages.usable(), last);
            if let Some(leaves) = found.filter(|it| !it.is_empty() && next <= last) {
                lists.push((number, leaves));
            }
        }
        let named: HashSet<u32> = lists
            .iter()
            .flat_map(|(_, leaves)| leaves)
            .copied()
            .collect();
        for (number, leaves) in lists {
            if !named.contains(&number) {
                self.free.insert(number);
                for leaf in leaves {
                    self.free.insert(leaf);
                }
            }
        }
    }

    fn begin_tree(&mut self, table: usize) {
        self.phase = if table < ALL.len() {
            let root = self.roots.get(&ALL[table]);
            Phase::Tree {
                table,
                stack: root.map(|root| (*root, None)).into_iter().collect(),
                last: None,
            }
        } else {
            self.summary.is_damaged |= self.lacking.contains(&true);
            let of_chats = [Table::Conversations, Table::Messages];
            let is_whole = |table| self.roots.contains_key(&table) && !self.lacks(table);
            self.summary.is_whole = of_chats.into_iter().all(is_whole);
            self.named.sort();
            let pieces = false;
            Phase::Orphans { page: 2, pieces }
        };
    }

    /// Where nothing is damaged, a frame that was not committed was never acknowledged, and an earlier one has
    /// nothing that a later one lacks.
    fn others(&self) -> Phase {
        if self.pages.is_damaged {
            let pieces = false;
            Phase::Others { number: 0, pieces }
        } else if self.lacking.contains(&true) {
            Phase::Earlier { number: 0 }
        } else {
            Phase::Done
        }
    }

    fn lacks(&self, table: Table) -> bool {
        place(table).is_some_and(|at| self.lacking[at])
    }

    fn set_lacking(&mut self, table: Table) {
        if let Some(at) = place(table) {
            self.lacking[at] = true;
        }
    }

    /// Reads one page.
    fn step(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Copies { number } => match self.place_of_copies(number) {
                Some((page, place)) => {
                    self.find_copies(page, place);
                    let number = number + 1;
                    self.phase = Phase::Copies { number };
                }
                None => self.begin_tree(0),
            },
            Phase::Tree {
                table,
                mut stack,
                mut last,
            } => match stack.pop() {
                Some((page, highest)) => {
                    self.read_in_tree(ALL[table], page, highest, &mut stack, &mut last, out);
                    self.phase = Phase::Tree { table, stack, last };
                }
                None => self.begin_tree(table + 1),
            },
            Phase::Named { page } if page <= self.pages.last() => {
                if !self.free.contains(page) && self.pages.read(page, &mut self.bytes) {
                    self.read_index();
                }
                let page = page + 1;
                self.phase = Phase::Named { page };
            }
            Phase::Named { .. } => {
                self.named.sort();
                self.phase = Phase::Copies { number: 0 };
            }
            Phase::Orphans { page, pieces } if page <= self.pages.last() => {
                if !self.reached.contains(page)
                    && !self.free.contains(page)
                    && self.pages.read(page, &mut self.bytes)
                {
                    let trust = self.pages.trust(page);
                    self.read_orphan(pieces, Origin::Orphan, trust, out);
                }
                let page = page + 1;
                self.phase = Phase::Orphans { page, pieces };
            }
            Phase::Orphans { pieces, .. } => {
                self.phase = if !pieces && self.lacks(Table::BlobPieces) {
                    let pieces = true;
                    Phase::Orphans { page: 2, pieces }
                } else {
                    self.named.sort();
                    Phase::Free { page: 2 }
                };
            }
            Phase::Free { page } if page <= self.pages.last() => {
                if self.free.contains(page)
                    && !self.reached.contains(page)
                    && self.pages.read(page, &mut self.bytes)
                {
                    let trust = self.pages.trust(page);
                    self.read_orphan(false, Origin::Free, trust, out);
                }
                let page = page + 1;
                self.phase = Phase::Free { page };
            }
            Phase::Free { .. } => self.phase = self.others(),
            Phase::Others { number, pieces } => match self.pages.others().get(number) {
                Some(offset) => {
                    let place = Place::Log(*offset);
                    if self.pages.read_at(place, 0, &mut self.bytes) {
                        self.read_orphan(pieces, Origin::Other, Trust::Doubtful, out);
                    }
                    let number = number + 1;
                    self.phase = Phase::Others { number, pieces };
                }
                None if !pieces => {
                    let pieces = true;
                    self.phase = Phase::Others { number: 0, pieces };
                }
                None => self.phase = Phase::Earlier { number: 0 },
            },
            Phase::Earlier { number } => {
                if let Some((page, place)) = self.pages.earlier().get(number).copied() {
                    if self.pages.read_at(place, page, &mut self.bytes) {
                        let trust = self.pages.trust_in(place, page);
                        self.read_orphan(false, Origin::Earlier, trust, out);
                    }
                    let number = number + 1;
                    self.phase = Phase::Earlier { number };
                }
            }
            Phase::Done => {}
        }
    }

    fn read_in_tree(
        &mut self,
        table: Table,
        number: u32,
        highest: Option<i64>,
        stack: &mut Vec<(u32, Option<i64>)>,
        last: &mut Option<i64>,
        out: &mut Vec<u8>,
    ) {
        let is_new = number >= 1 && number <= self.pages.last() && self.reached.insert(number);
        if !is_new || !self.pages.read(number, &mut self.bytes) {
            self.set_lacking(table);
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let page = Page::parse(&bytes, self.pages.usable(), number == 1);
        let is_index = |page: &Page<'_>| matches!(page.kind, Kind::IndexInterior | Kind::IndexLeaf);
        match page.filter(|page| is_index(page) == table.is_index()) {
            Some(page) => {
                let (children, is_whole) = page.children();
                if !is_whole {
                    self.set_lacking(table);
                }
                if page.kind != Kind::TableInterior {
                    let trust = self.pages.trust(number);
                    self.read_rows(table, &page, trust, highest, last, out);
                }
                for (child, highest_of_child) in children.into_iter().rev() {
                    stack.push((child, highest_of_child.or(highest)));
                }
            }
            None => {
                self.set_lacking(table);
                // Another's page: it is looked at as one that no tree has.
                if let Some(at) = self.reached.0.get_mut(number as usize / 64) {
                    *at &= !(1 << (number % 64));
                }
            }
        }
        self.bytes = bytes;
    }

    fn read_rows(
        &mut self,
        table: Table,
        page: &Page<'_>,
        trust: Trust,
        highest: Option<i64>,
        last: &mut Option<i64>,
        out: &mut Vec<u8>,
    ) {
        let mut room = Room::of(page);
        let ids = ids(page);
        for (n, at) in page.places().enumerate() {
            let believed = Version::Believed;
            let known = at.and_then(|at| self.known(page, at, Some(table), believed, &mut room));
            let Some(mut known) = known else {
                self.summary.unreadable += 1;
                self.set_lacking(table);
                continue;
            };
            if let Some(rowid) = known.cell.rowid {
                // Not in its place: a page of elsewhere.
                if last.is_some_and(|last| rowid <= last)
                    || highest.is_some_and(|highest| rowid > highest)
                {
                    self.set_lacking(table);
                }
                *last = Some(rowid);
            }
            let payload = std::mem::take(&mut self.payload);
            if let Some(record) = known.record(&payload) {
                self.mend_rowid(&mut known, &record, &ids, n);
                if known.table != table {
                    self.set_lacking(table);
                    self.set_lacking(known.table);
                }
                if !known.assembled.is_whole || known.how == How::Anyway {
                    self.set_lacking(table);
                }
                self.summary.is_damaged |=
                    known.is_mended || known.how == How::Anyway || !known.assembled.is_whole;
                self.named
                    .give(known.table, known.cell.rowid, &record.values);
                self.push_best(&known, &record, trust, out);
            }
            self.payload = payload;
        }
        if page.is_damaged {
            self.set_lacking(table);
        }
    }

    /// What row a record is: as it stands, mended, or as far as it goes. `own`: it is in that table's tree.
    /// Leaves its payload in the reader.
    fn known<'a>(
        &mut self,
        page: &Page<'a>,
        at: usize,
        own: Option<Table>,
        version: Version,
        room: &mut Room,
    ) -> Option<Known<'a>> {
        let has_rowid = page.kind == Kind::TableLeaf;
        let may_mend = has_rowid && own.is_none_or(Table::is_of_chats);
        let read = page.record(at).filter(|cell| room.has(cell));
        // What stands there is a record, if not a row by its look.
        let mut is_record = false;
        if let Some(cell) = &read {
            let assembled = self.assemble(cell, version);
            if let Some(record) = Record::parse(&self.payload, cell.length()) {
                is_record = true;
                let values = &record.values;
                let fits = own.filter(|own| own.fits(has_rowid, values));
                // Bytes of search look like a piece of an attachment.
                let other = || {
                    look(has_rowid, values).filter(|it| own.is_none() || *it != Table::BlobPieces)
                };
                if let Some(table) = fits.or_else(other) {
                    room.rows -= cell.local();
                    return Some(Known {
                        table,
                        cell: cell.clone(),
                        how: How::Said,
                        is_mended: false,
                        assembled,
                    });
                }
            }
        }
        if may_mend
            && (own.is_some() || !is_record)
            && let Some(mended) = self.mended(page, at, own, version)
        {
            return Some(mended);
        }
        let cell = read?;
        room.others = room.others.checked_sub(cell.local())?;
        let assembled = self.assemble(&cell, version);
        let (how, record) = if is_record {
            let record = Record::parse(&self.payload, cell.length());
            (How::Said, record)
        } else {
            let record = Record::parse_anyway(&self.payload).filter(|_| may_mend);
            (How::Anyway, record)
        };
        let values = record?.values;
        let table = match own.filter(|_| is_record) {
            // However odd its values are.
            Some(own) => own.may_hold(has_rowid, &values).then_some(own),
            None => look(has_rowid, &values).filter(|it| it.is_of_chats()),
        };
        Some(Known {
            table: table?,
            cell,
            how,
            is_mended: false,
            assembled,
        })
    }

    /// Puts a record's payload together, in the reader.
    fn assemble(&mut self, cell: &Cell<'_>, version: Version) -> Assembled {
        cell.payload(&self.pages, version, &mut self.budget, &mut self.payload)
    }

    /// Of what a record of a chat may have been, what looks most like one.
    fn mended<'a>(
        &mut self,
        page: &Page<'a>,
        at: usize,
        own: Option<Table>,
        version: Version,
    ) -> Option<Known<'a>> {
        let mut best: Option<(u32, Known<'a>, Vec<u8>)> = None;
        self.mends = self.mends.checked_sub(1)?;
        let mut payload = std::mem::take(&mut self.payload);
        for cell in page.mended(at) {
            let Some(left) = self.mends.checked_sub(1) else {
                break;
            };
            self.mends = left;
            let assembled = cell.payload(&self.pages, version, &mut self.mends, &mut payload);
            let Some(record) = Record::parse(&payload, cell.length()) else {
                continue;
            };
            let table = look(true, &record.values)
                .filter(|it| it.is_of_chats() && own.is_none_or(|own| own == *it));
            let Some(table) = table else { continue };
            let is_named = self.named.has(table, cell.rowid, &record.values);
            let likeness = table.likeness(&record.values) + 4 * u32::from(is_named);
            if best.as_ref().is_none_or(|(most, ..)| likeness > *most) {
                let known = Known {
                    table,
                    cell,
                    how: How::Said,
                    is_mended: true,
                    assembled,
                };
                best = Some((likeness, known, payload.clone()));
            }
        }
        self.payload = payload;
        let (_, known, payload) = best?;
        self.payload = payload;
        Some(known)
    }

    /// Takes of a page the rows of tables that lack some, known by their look.
    fn read_orphan(&mut self, pieces: bool, from: Origin, trust: Trust, out: &mut Vec<u8>) {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(page) = Page::parse(&bytes, self.pages.usable(), false) {
            let mut room = Room::of(&page);
            let version = match from {
                Origin::Earlier => Version::Checked,
                _ => Version::Believed,
            };
            let ids = ids(&page);
            for (n, at) in page.places().enumerate() {
                let Some(at) = at else { continue };
                let Some(mut known) = self.known(&page, at, None, version, &mut room) else {
                    continue;
                };
                let payload = std::mem::take(&mut self.payload);
                if let Some(record) = known.record(&payload) {
                    self.mend_rowid(&mut known, &record, &ids, n);
                    self.read_orphan_row(&known, &record, pieces, (from, trust), out);
                }
                self.payload = payload;
            }
        }
        self.bytes = bytes;
    }

    fn read_orphan_row(
        &mut self,
        known: &Known<'_>,
        record: &Record<'_>,
        pieces: bool,
        (from, trust): (Origin, Trust),
        out: &mut Vec<u8>,
    ) {
        let (table, rowid) = (known.table, known.cell.rowid);
        // Not deleted, though nothing has its page any more.
        let is_missed = || self.named.lacks(table, rowid, &record.values);
        let is_wanted = match from {
            Origin::Orphan => self.lacks(table) || is_missed(),
            Origin::Other => true,
            Origin::Free | Origin::Earlier => is_missed(),
        };
        if is_wanted
            && (table == Table::BlobPieces) == pieces
            && (!pieces || self.is_piece(rowid, record))
        {
            if from == Origin::Orphan {
                self.named.give(table, rowid, &record.values);
            }
            self.push_best(known, record, trust, out);
        }
    }

    /// Where copies of rows may be: where checksums are wrong, in earlier versions of pages, and on free pages.
    fn place_of_copies(&self, number: usize) -> Option<(u32, Place)> {
        let earlier = if self.pages.is_doubted() {
            self.pages.earlier()
        } else {
            &[]
        };
        if let Some(earlier) = earlier.get(number) {
            return Some(*earlier);
        }
        let page = u32::try_from(number - earlier.len()).ok()?.checked_add(2)?;
        (page <= self.pages.last()).then(|| (page, self.pages.place(page)))
    }

    /// Notes the copies of chats' rows on a page, if it is another's version or free.
    fn find_copies(&mut self, number: u32, place: Place) {
        let is_free = self.free.contains(number) && !self.reached.contains(number);
        let is_copy = is_free || place != self.pages.place(number);
        if !is_copy || !self.pages.read_at(place, number, &mut self.bytes) {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let page = Page::parse(&bytes, self.pages.usable(), false);
        if let Some(page) = page.filter(|it| it.kind == Kind::TableLeaf) {
            let mut room = self.pages.usable();
            for at in page.places().flatten() {
                let Some(cell) = page.record(at).filter(|cell| cell.local() <= room) else {
                    continue;
                };
                room -= cell.local();
                if let Some((table, record)) = self.copied(&cell)
                    && let Some(revision) = revision(table, &record.values)
                    && let Some(rowid) = cell.rowid
                {
                    let copy = Copy {
                        number,
                        place,
                        at,
                        revision,
                    };
                    self.copies.insert((table, rowid), copy);
                }
            }
        }
        self.bytes = bytes;
    }

    /// A chat's row that nothing happened to, as far as its form shows; what it needs of a payload is in the reader.
    fn copied(&mut self, cell: &Cell<'_>) -> Option<(Table, Record<'_>)> {
        let (pages, payload) = (&self.pages, &mut self.payload);
        let assembled = cell.payload(pages, Version::Checked, &mut self.mends, payload);
        let record = Record::parse(&self.payload, cell.length())?;
        let table = look(true, &record.values).filter(|it| it.is_of_chats())?;
        assembled.is_whole.then_some((table, record))
    }

    /// Takes a row, or the copy of it that is damaged less.
    fn push_best(
        &mut self,
        known: &Known<'_>,
        record: &Record<'_>,
        trust: Trust,
        out: &mut Vec<u8>,
    ) {
        let (table, cell) = (known.table, &known.cell);
        let mut trust = trust.min(known.assembled.trust);
        let mut best: Option<Vec<u8>> = None;
        let own = revision(table, &record.values);
        if trust < Trust::Right
            && let Some(rowid) = cell.rowid
        {
            // A row that is no text any more, on a page whose checksum is wrong, has less than an earlier one.
            let is_lost = trust == Trust::Doubtful && !copies::is_text(&record.values);
            for copy in self.copies.take((table, rowid)) {
                let is_equal = Some(copy.revision) == own;
                if !is_equal && !is_lost {
                    continue;
                }
                // Where its payload goes on elsewhere, what is there may not be its own any more.
                let overflow = if is_equal { cell.overflow } else { None };
                let Some((payload, trust_in_copy)) = self.payload_of_copy(copy, overflow) else {
                    continue;
                };
                let is_better = {
                    let here = best
                        .as_ref()
                        .and_then(|best| Record::parse(best, best.len()));
                    let here = here.as_ref().unwrap_or(record);
                    Record::parse(&payload, payload.len()).is_some_and(|copy| {
                        let copy = (&copy.values[..], trust_in_copy);
                        copies::is_better(copy, (&here.values, trust))
                    })
                };
                if is_better {
                    (best, trust) = (Some(payload), trust_in_copy);
                }
            }
        }
        match best
            .as_ref()
            .and_then(|best| Record::parse(best, best.len()))
        {
            Some(copy) => self.push(table, cell.rowid, &copy, out),
            None => self.push(table, cell.rowid, record, out),
        }
    }

    /// All of a copy's payload, and how far it can be trusted.
    fn payload_of_copy(&mut self, copy: Copy, overflow: Option<u32>) -> Option<(Vec<u8>, Trust)> {
        let mut bytes = Vec::new();
        self.mends = self.mends.checked_sub(1)?;
        if !self.pages.read_at(copy.place, copy.number, &mut bytes) {
            return None;
        }
        let page = Page::parse(&bytes, self.pages.usable(), false)?;
        let cell = page
            .record(copy.at)
            .filter(|cell| cell.overflow == overflow)?;
        let mut payload = Vec::new();
        let assembled = cell.payload(&self.pages, Version::Checked, &mut self.mends, &mut payload);
        let trust = self.pages.trust_in(copy.place, copy.number);
        assembled
            .is_whole
            .then_some((payload, trust.min(assembled.trust)))
    }

    /// Notes which rows an index has, if the page is one of those by uid: they were not deleted.
    fn read_index(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(page) = Page::parse(&bytes, self.pages.usable(), false)
            && matches!(page.kind, Kind::IndexInterior | Kind::IndexLeaf)
        {
            for cell in page.records().flatten() {
                // Uids are short: an entry stands on its page.
                if let Some(entry) = Record::parse(cell.here(), cell.length()) {
                    self.named.insert(&entry.values);
                }
            }
        }
        self.bytes = bytes;
    }

    /// Gives a row that is not in its place among the `ids` of its page, as its `n`th, the id that an index has its uid
    /// with, if that is one bit from its own and in its place.
    fn mend_rowid(
        &mut self,
        known: &mut Known<'_>,
        record: &Record<'_>,
        ids: &[Option<i64>],
        n: usize,
    ) {
        let (table, values) = (known.table, &record.values);
        let Some(rowid) = known.cell.rowid.filter(|_| table.is_of_chats()) else {
            return;
        };
        let before = n.checked_sub(1).and_then(|n| *ids.get(n)?);
        let after = ids.get(n + 1).copied().flatten();
        let is_in_place =
            |id: i64| before.is_none_or(|it| it < id) && after.is_none_or(|it| id < it);
        if is_in_place(rowid) || self.named.has(table, Some(rowid), values) {
            return;
        }
        let mut others = (0..ID_BITS).map(|bit| rowid ^ (1 << bit));
        let is_other = |id: &i64| is_in_place(*id) && self.named.has(table, Some(*id), values);
        if let Some(other) = others.find(is_other) {
            known.cell.rowid = Some(other);
            self.summary.is_damaged = true;
        }
    }

    /// Bytes of search have the same look: a piece of an attachment has its length.
    fn is_piece(&self, id: Option<i64>, record: &Record<'_>) -> bool {
        let Some((id, Value::Blob(data))) = id.zip(record.values.get(1).copied()) else {
            return false;
        };
        let number = id & ((1 << PIECE_BITS) - 1);
        let size = self.sizes.get(&(id >> PIECE_BITS));
        size.and_then(|size| size.checked_sub(number * PIECE))
            .is_some_and(|rest| data.len() as i64 == rest.min(PIECE))
    }

    fn push(&mut self, table: Table, rowid: Option<i64>, record: &Record<'_>, out: &mut Vec<u8>) {
        let (_, columns) = table.columns();
        let mut values = Vec::with_capacity(columns.len());
        for ((name, column), value) in columns.iter().zip(&record.values) {
            values.push(match (column, *value) {
                (Column::Id, _) => Value::Integer(rowid.unwrap_or_default()),
                (Column::Integer(_), Value::Integer(number)) => Value::Integer(number),
                (Column::Integer(instead), _) => instead.map_or(Value::Null, Value::Integer),
                (Column::Any, Value::Text(text)) if *name == "role" => {
                    Value::Text(role_of(text).unwrap_or("assistant").as_bytes())
                }
                // No column is NULL in which it must not be; healing makes a time of it.
                (Column::Any, Value::Null)
                    if matches!(*name, "brain" | "created_at" | "updated_at") =>
                {
                    Value::Text(b"")
                }
                (Column::Any, value) => value,
            });
        }
        if let (Table::Blobs, [Value::Integer(id), _, Value::Integer(size), ..]) =
            (table, &values[..])
        {
            self.sizes.insert(*id, *size);
        }
        let is_cut = record.is_cut;
        if is_cut && !table_may_be_cut(table, values.len()) {
            self.summary.unreadable += 1;
            return;
        }
        let row = Row {
            table,
            is_cut,
            values,
        };
        batch::push(out, &row);
    }
}

/// Of a chat's rows a part is better than nothing.
fn table_may_be_cut(table: Table, values: usize) -> bool {
    match table {
        Table::Conversations => values >= 2,
        Table::Messages => values >= 4,
        _ => false,
    }
}

/// What grows with each change of a chat's row.
fn revision(table: Table, values: &[Value<'_>]) -> Option<i64> {
    match table.value("revision", values)? {
        Value::Integer(revision) => Some(revision),
        _ => None,
    }
}

fn place(table: Table) -> Option<usize> {
    ALL.iter().position(|it| *it == table)
}

/// The ids of a page's rows, of which some may have been hit.
fn ids(page: &Page<'_>) -> Vec<Option<i64>> {
    let id = |at: Option<usize>| page.record(at?)?.rowid;
    page.places().map(id).collect()
}

/// The table whose look a row has.
fn look(has_rowid: bool, values: &[Value<'_>]) -> Option<Table> {
    ALL.into_iter().find(|table| table.fits(has_rowid, values))
}

/// The free pages that a page of the freelist names; `None` for what is no such page
/// (<https://sqlite.org/fileformat2.html#the_freelist>).
fn leaves(bytes: &[u8], usable: usize, last: u32) -> Option<Vec<u32>> {
    let count = u32_at(bytes, 4)? as usize;
    if count > usable / 4 - 2 {
        return None;
    }
    let mut seen = HashSet::new();
    (0..count)
        .map(|n| {
            let leaf = u32_at(bytes, 8 + 4 * n)?;
            (leaf >= 2 && leaf <= last && seen.insert(leaf)).then_some(leaf)
        })
        .collect()
}
