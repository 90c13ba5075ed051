//! From two damaged files to batches of rows.
//!
//! First each table's own tree, from the root that the schema names. Where that is damaged, and only
//! there, every page that no tree reaches and that is not free: a tree that is whole lacks nothing, and
//! what it does not hold was deleted. Then the free pages, for older versions of rows that an index still
//! names. Last the versions of pages in the log that are not believed. Whoever
//! takes the rows keeps, of several with one key, the one of the highest revision, and of equal ones the
//! first.

use std::collections::{HashMap, HashSet};

use crate::batch::{self, Row};
use crate::btree::{Cell, Kind, Page, Record, Value};
use crate::bytes::{Bytes, u32_at};
use crate::pages::{Pages, Place};
use crate::tables::{ALL, Column, Table, role_of};

/// A batch ends with the row that takes it so far, in bytes.
const BATCH: usize = 256 * 1024;
/// Bytes of a piece of an attachment, as the store has it.
const PIECE: i64 = 262_144;
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
    /// The indexes that no tree reached: they name rows that are not deleted.
    Named {
        page: u32,
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
    Done,
}

/// Where a page is that no tree reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Orphan,
    Free,
    Other,
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
    /// Sizes of the attachments that were met.
    sizes: HashMap<i64, i64>,
    /// Ids of conversations, and of messages, that an index names.
    named: [HashSet<i64>; 2],
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
            phase: Phase::Tree {
                table: 0,
                stack: Vec::new(),
                last: None,
            },
            budget: 3 * u64::from(last) + 1_000,
            sizes: HashMap::new(),
            named: Default::default(),
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
        reader.begin_tree(0);
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
        let is_there = cell.payload(&self.pages, &mut self.budget, &mut self.payload);
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
        is_there
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
            if self.lacking.contains(&true) {
                Phase::Orphans {
                    page: 2,
                    pieces: false,
                }
            } else {
                self.others()
            }
        };
    }

    /// Where nothing is damaged, a frame that was not committed was never acknowledged.
    fn others(&self) -> Phase {
        if self.pages.is_damaged {
            Phase::Others {
                number: 0,
                pieces: false,
            }
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
            Phase::Orphans { page, pieces } if page <= self.pages.last() => {
                if !self.reached.contains(page)
                    && !self.free.contains(page)
                    && self.pages.read(page, &mut self.bytes)
                {
                    self.read_orphan(pieces, Origin::Orphan, out);
                }
                let page = page + 1;
                self.phase = Phase::Orphans { page, pieces };
            }
            Phase::Orphans { pieces, .. } => {
                self.phase = if !pieces && self.lacks(Table::BlobPieces) {
                    let pieces = true;
                    Phase::Orphans { page: 2, pieces }
                } else {
                    Phase::Named { page: 2 }
                };
            }
            Phase::Named { page } if page <= self.pages.last() => {
                if !self.free.contains(page) && self.pages.read(page, &mut self.bytes) {
                    self.read_index();
                }
                let page = page + 1;
                self.phase = Phase::Named { page };
            }
            Phase::Named { .. } => self.phase = Phase::Free { page: 2 },
            Phase::Free { page } if page <= self.pages.last() => {
                if self.free.contains(page)
                    && !self.reached.contains(page)
                    && self.pages.read(page, &mut self.bytes)
                {
                    self.read_orphan(false, Origin::Free, out);
                }
                let page = page + 1;
                self.phase = Phase::Free { page };
            }
            Phase::Free { .. } => self.phase = self.others(),
            Phase::Others { number, pieces } => match self.pages.others().get(number) {
                Some(offset) => {
                    let place = Place::Log(*offset);
                    if self.pages.read_at(place, 0, &mut self.bytes) {
                        self.read_orphan(pieces, Origin::Other, out);
                    }
                    let number = number + 1;
                    self.phase = Phase::Others { number, pieces };
                }
                None if !pieces => {
                    let pieces = true;
                    self.phase = Phase::Others { number: 0, pieces };
                }
                None => {}
            },
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
                    self.read_rows(table, &page, highest, last, out);
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
        highest: Option<i64>,
        last: &mut Option<i64>,
        out: &mut Vec<u8>,
    ) {
        let mut room = self.pages.usable();
        for cell in page.records() {
            let Some(cell) = cell.filter(|cell| cell.local() <= room) else {
                self.summary.unreadable += 1;
                self.set_lacking(table);
                continue;
            };
            room -= cell.local();
            if let Some(rowid) = cell.rowid {
                // Not in its place: a page of elsewhere.
                if last.is_some_and(|last| rowid <= last)
                    || highest.is_some_and(|highest| rowid > highest)
                {
                    self.set_lacking(table);
                }
                *last = Some(rowid);
            }
            let has_rowid = cell.rowid.is_some();
            let is_there = cell.payload(&self.pages, &mut self.budget, &mut self.payload);
            let payload = std::mem::take(&mut self.payload);
            let read = Record::parse(&payload, cell.length());
            let known = read.and_then(|record| {
                let of = if table.fits(has_rowid, &record.values) {
                    Some(table)
                } else {
                    let other =
                        look(has_rowid, &record.values).filter(|it| *it != Table::BlobPieces);
                    other.or_else(|| table.may_hold(has_rowid, &record.values).then_some(table))
                };
                of.map(|of| (of, record))
            });
            match known {
                Some((of, record)) => {
                    if of != table {
                        self.set_lacking(table);
                        self.set_lacking(of);
                    }
                    if !is_there {
                        self.set_lacking(table);
                        self.summary.is_damaged = true;
                    }
                    self.push(of, &cell, &record, out);
                }
                None => {
                    self.summary.unreadable += 1;
                    self.set_lacking(table);
                }
            }
            self.payload = payload;
        }
        if page.is_damaged {
            self.set_lacking(table);
        }
    }

    /// Takes of a page the rows of tables that lack some, known by their look.
    fn read_orphan(&mut self, pieces: bool, from: Origin, out: &mut Vec<u8>) {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(page) = Page::parse(&bytes, self.pages.usable(), false)
            && page.kind != Kind::TableInterior
        {
            let mut room = self.pages.usable();
            for cell in page.records().flatten() {
                let Some(left) = room.checked_sub(cell.local()) else {
                    break;
                };
                room = left;
                self.read_orphan_row(&cell, pieces, from, out);
            }
        }
        self.bytes = bytes;
    }

    fn read_orphan_row(&mut self, cell: &Cell<'_>, pieces: bool, from: Origin, out: &mut Vec<u8>) {
        cell.payload(&self.pages, &mut self.budget, &mut self.payload);
        let payload = std::mem::take(&mut self.payload);
        if let Some(record) = Record::parse(&payload, cell.length())
            && let Some(table) = look(cell.rowid.is_some(), &record.values)
            && (table == Table::BlobPieces) == pieces
            && (from == Origin::Other || self.lacks(table))
            && (from != Origin::Free || self.is_named(table, cell.rowid))
            && (!pieces || self.is_piece(cell.rowid, &record))
        {
            self.push(table, cell, &record, out);
        }
        self.payload = payload;
    }

    /// Notes which rows an index has, if the page is one of those by uid: they were not deleted.
    fn read_index(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(page) = Page::parse(&bytes, self.pages.usable(), false)
            && matches!(page.kind, Kind::IndexInterior | Kind::IndexLeaf)
        {
            for cell in page.records().flatten() {
                // Uids are short: an entry stands on its page.
                match Record::parse(cell.here(), cell.length())
                    .as_ref()
                    .map(|it| &it.values[..])
                {
                    Some([Value::Text(_), Value::Integer(id)]) => self.named[0].insert(*id),
                    Some([Value::Text(_), Value::Integer(_), Value::Integer(id)]) => {
                        self.named[1].insert(*id)
                    }
                    _ => false,
                };
            }
        }
        self.bytes = bytes;
    }

    fn is_named(&self, table: Table, id: Option<i64>) -> bool {
        let named = match table {
            Table::Conversations => &self.named[0],
            Table::Messages => &self.named[1],
            _ => return false,
        };
        id.is_some_and(|id| named.contains(&id))
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

    fn push(&mut self, table: Table, cell: &Cell<'_>, record: &Record<'_>, out: &mut Vec<u8>) {
        let (_, columns) = table.columns();
        let mut values = Vec::with_capacity(columns.len());
        for ((name, column), value) in columns.iter().zip(&record.values) {
            values.push(match (column, *value) {
                (Column::Id, _) => Value::Integer(cell.rowid.unwrap_or_default()),
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

fn place(table: Table) -> Option<usize> {
    ALL.iter().position(|it| *it == table)
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
