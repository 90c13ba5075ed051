//! A segment of the index: so many texts, their words in order, and where each word stands.
//!
//! It is written once, in pieces, and never changed; texts that are gone are left out when segments
//! are merged. Three kinds of pieces:
//!
//! - the texts: id, conversation, time, role and length of each, as varints;
//! - the words, sorted as bytes: the length of the text, the words each followed by a byte that no
//!   UTF-8 has, and the lengths of their lists as varints. Looking for a word, or for a part of one,
//!   is looking for bytes in the text;
//! - the lists: for each word the texts it stands in, ascending by place in the segment, and how often.
//!
//! Every piece ends in a checksum. What does not read well is [`Fault::Damaged`], never a panic or an
//! answer.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::tokens::tokens;

/// After each word. No UTF-8 has this byte.
pub const END: u8 = 0xff;
/// Pieces are about so long, in bytes.
pub const PIECE: usize = 32_768;
/// Length of a checksum.
const SUM: usize = 4;

/// Why a segment cannot be read.
#[derive(Debug)]
pub enum Fault {
    /// It is not what was written.
    Damaged,
    /// The [`Source`] failed; with what is between it and whoever made it.
    Failed(Box<dyn Any>),
}

/// Or why it could not be read.
pub type Read<T> = Result<T, Fault>;

/// What a piece holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Texts,
    /// Words.
    Words,
    /// Lists.
    Lists,
}

/// Where the pieces of a segment are.
pub trait Source {
    /// One piece, as it was given to be kept.
    ///
    /// # Errors
    /// [`Fault::Damaged`] if there is none.
    fn piece(&self, kind: Kind, number: u32) -> Read<Rc<[u8]>>;
}

/// A piece to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it holds.
    pub kind: Kind,
    /// Its number among those.
    pub number: u32,
    /// Its bytes, with their checksum.
    pub bytes: Vec<u8>,
}

/// What the index knows of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// Id of the message.
    pub id: i64,
    /// Id of its conversation.
    pub conversation: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Who said it: a number below 4.
    pub role: u8,
    /// Of the folded text, in bytes.
    pub length: u32,
}

/// What must be known of a segment before its pieces are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// How many texts.
    pub texts: u32,
    /// How many pieces of texts.
    pub text_pieces: u32,
    /// Bytes of lists.
    pub lists: u64,
    /// For each piece of words, its first word and where the lists of its words begin.
    pub words: Vec<(Vec<u8>, u64)>,
}

impl Head {
    /// To be kept.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, u64::from(self.texts));
        put(&mut bytes, u64::from(self.text_pieces));
        put(&mut bytes, self.lists);
        put(&mut bytes, self.words.len() as u64);
        for (word, at) in &self.words {
            put(&mut bytes, word.len() as u64);
            bytes.extend_from_slice(word);
            put(&mut bytes, *at);
        }
        sealed(bytes)
    }

    /// As it was kept.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn read(bytes: &[u8]) -> Read<Self> {
        let mut bytes = Bytes(unsealed(bytes)?);
        let mut head = Self {
            texts: bytes.small()?,
            text_pieces: bytes.small()?,
            lists: bytes.number()?,
            words: Vec::new(),
        };
        for _ in 0..bytes.small()? {
            let length = bytes.small()? as usize;
            let word = bytes.take(length)?.to_vec();
            head.words.push((word, bytes.number()?));
        }
        Ok(head)
    }
}

/// Unsigned LEB128.
pub fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Signed, small ones short whatever their sign.
fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)) as u64);
}

/// Bytes being read.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// A number that [`put`] wrote.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    #[inline]
    pub fn number(&mut self) -> Read<u64> {
        let mut number = 0;
        for (index, byte) in self.0.iter().enumerate().take(10) {
            number |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = &self.0[index + 1..];
                return Ok(number);
            }
        }
        Err(Fault::Damaged)
    }

    fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| Fault::Damaged)
    }

    fn signed(&mut self) -> Read<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Fault::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Eight bytes at a time: it is to find damage, not malice.
fn checksum(bytes: &[u8]) -> [u8; SUM] {
    let mut sum = 0x9e37_79b9_7f4a_7c15_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        sum ^= sum >> 32;
    }
    (sum as u32).to_le_bytes()
}

/// Bytes with their checksum.
pub fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&bytes);
    bytes.extend_from_slice(&sum);
    bytes
}

/// Bytes whose checksum holds, without it.
///
/// # Errors
/// [`Fault::Damaged`].
pub fn unsealed(bytes: &[u8]) -> Read<&[u8]> {
    match bytes.split_last_chunk() {
        Some((bytes, sum)) if checksum(bytes) == *sum => Ok(bytes),
        _ => Err(Fault::Damaged),
    }
}

/// Writes a segment, word by word in order.
#[derive(Default)]
pub struct Writer {
    head: Head,
    /// Ready to be kept.
    pieces: Vec<Piece>,
    words: Vec<u8>,
    lengths: Vec<u8>,
    lists: Vec<u8>,
    list_pieces: u32,
}

impl Writer {
    /// One more word, above all before it, and its list.
    pub fn word(&mut self, word: &[u8], list: &[u8]) {
        if self.words.is_empty() {
            self.head.words.push((word.to_vec(), self.head.lists));
        }
        self.words.extend_from_slice(word);
        self.words.push(END);
        put(&mut self.lengths, list.len() as u64);
        self.head.lists += list.len() as u64;
        self.lists.extend_from_slice(list);
        while self.lists.len() >= PIECE {
            let rest = self.lists.split_off(PIECE);
            let full = std::mem::replace(&mut self.lists, rest);
            self.end_lists(full);
        }
        if self.words.len() + self.lengths.len() >= PIECE {
            self.end_words();
        }
    }

    fn end_lists(&mut self, bytes: Vec<u8>) {
        self.pieces.push(Piece {
            kind: Kind::Lists,
            number: self.list_pieces,
            bytes: sealed(bytes),
        });
        self.list_pieces += 1;
    }

    fn end_words(&mut self) {
        let mut bytes = Vec::with_capacity(self.words.len() + self.lengths.len() + 16);
        put(&mut bytes, self.words.len() as u64);
        bytes.append(&mut self.words);
        bytes.append(&mut self.lengths);
        self.pieces.push(Piece {
            kind: Kind::Words,
            number: self.head.words.len() as u32 - 1,
            bytes: sealed(bytes),
        });
    }

    /// Takes what is ready to be kept.
    pub fn take(&mut self) -> Vec<Piece> {
        std::mem::take(&mut self.pieces)
    }

    /// The last pieces, and the head.
    pub fn finish(mut self, texts: &[Text]) -> (Head, Vec<Piece>) {
        if !self.words.is_empty() {
            self.end_words();
        }
        if !self.lists.is_empty() {
            let last = std::mem::take(&mut self.lists);
            self.end_lists(last);
        }
        self.head.texts = texts.len() as u32;
        let mut before = Text {
            id: 0,
            conversation: 0,
            created_at: 0,
            role: 0,
            length: 0,
        };
        let mut bytes = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            // Whatever was read of a damaged segment: as it is read.
            put_signed(&mut bytes, text.id.wrapping_sub(before.id));
            put_signed(
                &mut bytes,
                text.conversation.wrapping_sub(before.conversation),
            );
            put_signed(&mut bytes, text.created_at.wrapping_sub(before.created_at));
            put(
                &mut bytes,
                u64::from(text.length) << 2 | u64::from(text.role & 3),
            );
            before = *text;
            if bytes.len() >= PIECE || index + 1 == texts.len() {
                self.pieces.push(Piece {
                    kind: Kind::Texts,
                    number: self.head.text_pieces,
                    bytes: sealed(std::mem::take(&mut bytes)),
                });
                self.head.text_pieces += 1;
            }
        }
        (self.head, self.pieces)
    }
}

/// Reads a segment.
pub struct Segment<'a> {
    /// What is known of it.
    pub head: &'a Head,
    /// Where its pieces are.
    pub source: &'a dyn Source,
}

/// A piece of words, read.
pub struct Words {
    bytes: Rc<[u8]>,
    /// Of the text, in `bytes`.
    start: usize,
    end: usize,
    /// Where the lists of its words begin.
    lists: u64,
}

impl Words {
    /// The words, each followed by [`END`].
    pub fn text(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    fn lengths(&self) -> Bytes<'_> {
        Bytes(&self.bytes[self.end..self.bytes.len() - SUM])
    }

    /// Finds, of words that begin at these places in the text (ascending), where their lists are.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn lists(&self, places: &[usize]) -> Read<Vec<List>> {
        let mut lengths = self.lengths();
        let mut at = self.lists;
        let mut from = 0;
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let skipped = self.text()[from..*place]
                .iter()
                .filter(|byte| **byte == END);
            for _ in 0..skipped.count() {
                at = after(at, lengths.number()?)?;
            }
            let length = lengths.number()?;
            found.push(List { at, length });
            at = after(at, length)?;
            let rest = &self.text()[*place..];
            from = place
                + 1
                + rest
                    .iter()
                    .position(|byte| *byte == END)
                    .ok_or(Fault::Damaged)?;
        }
        Ok(found)
    }
}

/// Goes through the words of a segment, in order.
#[derive(Default)]
pub struct Cursor {
    piece: usize,
    words: Option<Words>,
    /// Of the word, in the text of the piece.
    start: usize,
    end: usize,
    /// Of the length of the list after this one, in the piece.
    next_length: usize,
    list: List,
}

impl Cursor {
    /// The first word of a segment.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn new(segment: &Segment<'_>) -> Read<Self> {
        let mut cursor = Self::default();
        cursor.open(segment)?;
        Ok(cursor)
    }

    fn open(&mut self, segment: &Segment<'_>) -> Read<()> {
        self.words = None;
        if self.piece < segment.head.words.len() {
            let words = segment.words(self.piece)?;
            self.end = 0;
            self.next_length = words.end;
            self.list = List {
                at: words.lists,
                length: 0,
            };
            self.words = Some(words);
            self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Read<()> {
        let Some(words) = &self.words else {
            return Ok(());
        };
        let rest = &words.text()[self.end..];
        let length = rest
            .iter()
            .position(|byte| *byte == END)
            .ok_or(Fault::Damaged)?;
        self.start = self.end;
        self.end += length + 1;
        let mut lengths = Bytes(&words.bytes[self.next_length..words.bytes.len() - SUM]);
        let before = lengths.0.len();
        self.list.at = after(self.list.at, self.list.length)?;
        self.list.length = lengths.number()?;
        self.next_length += before - lengths.0.len();
        Ok(())
    }

    /// Where it is, until it is through.
    pub fn word(&self) -> Option<(&[u8], List)> {
        let words = self.words.as_ref()?;
        Some((&words.text()[self.start..self.end - 1], self.list))
    }

    /// Goes on to the next word.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn advance(&mut self, segment: &Segment<'_>) -> Read<()> {
        if self
            .words
            .as_ref()
            .is_some_and(|it| self.end < it.text().len())
        {
            return self.read();
        }
        self.piece += 1;
        self.open(segment)
    }
}

/// Where the list of a word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Among all bytes of lists.
    pub at: u64,
    /// In bytes.
    pub length: u64,
}

impl Segment<'_> {
    /// Its texts, in order.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn texts(&self) -> Read<Vec<Text>> {
        // Not as many as the head says before they are there.
        let mut texts = Vec::with_capacity((self.head.texts as usize).min(PIECE));
        let mut before = (0_i64, 0_i64, 0_i64);
        for number in 0..self.head.text_pieces {
            let piece = self.source.piece(Kind::Texts, number)?;
            let mut bytes = Bytes(unsealed(&piece)?);
            while !bytes.0.is_empty() {
                before = (
                    before.0.wrapping_add(bytes.signed()?),
                    before.1.wrapping_add(bytes.signed()?),
                    before.2.wrapping_add(bytes.signed()?),
                );
                let rest = bytes.number()?;
                texts.push(Text {
                    id: before.0,
                    conversation: before.1,
                    created_at: before.2,
                    role: (rest & 3) as u8,
                    length: (rest >> 2) as u32,
                });
            }
        }
        if texts.len() == self.head.texts as usize {
            Ok(texts)
        } else {
            Err(Fault::Damaged)
        }
    }

    /// A piece of its words.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn words(&self, number: usize) -> Read<Words> {
        let lists = self.head.words.get(number).ok_or(Fault::Damaged)?.1;
        let piece = self.source.piece(Kind::Words, number as u32)?;
        let bytes = unsealed(&piece)?;
        let whole = bytes.len();
        let mut reading = Bytes(bytes);
        let length = reading.small()? as usize;
        let start = whole - reading.0.len();
        let end = start + reading.take(length)?.len();
        Ok(Words {
            bytes: piece,
            start,
            end,
            lists,
        })
    }

    /// In which piece a word is, if it is anywhere.
    pub fn piece_of(&self, word: &[u8]) -> Option<usize> {
        self.head
            .words
            .partition_point(|(first, _)| first.as_slice() <= word)
            .checked_sub(1)
    }

    /// The list of exactly this word, if there is one.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn find(&self, word: &[u8]) -> Read<Option<List>> {
        let Some(number) = self.piece_of(word) else {
            return Ok(None);
        };
        let words = self.words(number)?;
        let mut ended = word.to_vec();
        ended.push(END);
        let finder = Finder::new(&ended);
        let mut from = 0;
        while let Some(at) = finder.next(words.text(), from) {
            if at == 0 || words.text()[at - 1] == END {
                return Ok(words.lists(&[at])?.pop());
            }
            from = at + 1;
        }
        Ok(None)
    }
}

/// Reads lists, keeping the piece read last: lists that follow each other are often in one.
pub struct Lists<'a> {
    source: &'a dyn Source,
    last: Option<(u32, Rc<[u8]>)>,
    /// Of a list that is in more than one piece.
    joined: Vec<u8>,
}

impl<'a> Lists<'a> {
    /// Of a segment.
    pub fn new(segment: &Segment<'a>) -> Self {
        Self {
            source: segment.source,
            last: None,
            joined: Vec::new(),
        }
    }

    /// The bytes of a list.
    ///
    /// # Errors
    /// [`Fault::Damaged`].
    pub fn bytes(&mut self, list: List) -> Read<&[u8]> {
        let (first, offset) = place(list.at);
        let length = usize::try_from(list.length).map_err(|_| Fault::Damaged)?;
        if length <= PIECE - offset {
            let piece = self.piece(first)?;
            return piece.get(offset..offset + length).ok_or(Fault::Damaged);
        }
        self.joined.clear();
        let (mut number, mut offset) = (first, offset);
        while self.joined.len() < length {
            let wanted = length - self.joined.len();
            let piece = self.piece(number)?;
            let end = piece.len().min(offset.saturating_add(wanted));
            let part = piece.get(offset..end).ok_or(Fault::Damaged)?;
            if part.is_empty() {
                return Err(Fault::Damaged);
            }
            let part = part.to_vec();
            self.joined.extend_from_slice(&part);
            number += 1;
            offset = 0;
        }
        Ok(&self.joined)
    }

    fn piece(&mut self, number: u32) -> Read<&[u8]> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != number) {
            let piece = self.source.piece(Kind::Lists, number)?;
            unsealed(&piece)?;
            self.last = Some((number, piece));
        }
        match &self.last {
            Some((_, piece)) => Ok(&piece[..piece.len() - SUM]),
            None => Err(Fault::Damaged),
        }
    }
}

/// Where the next list begins. No segment has so many bytes that it is beyond a number.
fn after(at: u64, length: u64) -> Read<u64> {
    at.checked_add(length).ok_or(Fault::Damaged)
}

fn place(at: u64) -> (u32, usize) {
    let piece = PIECE as u64;
    ((at / piece) as u32, (at % piece) as usize)
}

/// Calls back with each text of a list and how often the word stands in it.
///
/// # Errors
/// [`Fault::Damaged`].
#[inline]
pub fn each_text(bytes: &[u8], texts: u32, mut each: impl FnMut(u32, u32)) -> Read<()> {
    let mut bytes = Bytes(bytes);
    let mut next = 0_u64;
    while !bytes.0.is_empty() {
        let step = bytes.number()?;
        let count = if step & 1 == 1 { bytes.small()? } else { 1 };
        let text = next + (step >> 1);
        if text >= u64::from(texts) {
            return Err(Fault::Damaged);
        }
        each(text as u32, count);
        next = text + 1;
    }
    Ok(())
}

/// A list being written.
#[derive(Default)]
pub struct ListWriter {
    bytes: Vec<u8>,
    /// The text after the last one.
    next: u32,
}

impl ListWriter {
    /// One more text, above all before it.
    pub fn push(&mut self, text: u32, count: u32) {
        put(
            &mut self.bytes,
            u64::from(text - self.next) << 1 | u64::from(count > 1),
        );
        if count > 1 {
            put(&mut self.bytes, u64::from(count));
        }
        self.next = text + 1;
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Begins another.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.next = 0;
    }
}

#[derive(Default)]
struct Entry {
    list: ListWriter,
    text: u32,
    count: u32,
}

/// Multiplies eight bytes at a time; the words are no one's to choose for harm but one's own.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            let mixed = (self.0 ^ u64::from_le_bytes(word)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            self.0 = mixed ^ mixed >> 32;
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Makes a segment of texts.
#[derive(Default)]
pub struct Builder {
    texts: Vec<Text>,
    words: HashMap<Box<[u8]>, Entry, BuildHasherDefault<WordHasher>>,
}

impl Builder {
    /// One more text, with its folded form; `text.length` is set from that.
    pub fn add(&mut self, text: Text, folded: &str) {
        let place = self.texts.len() as u32;
        self.texts.push(Text {
            length: folded.len() as u32,
            ..text
        });
        tokens(folded, |word| {
            if let Some(entry) = self.words.get_mut(word) {
                if entry.text == place {
                    entry.count += 1;
                } else {
                    entry.list.push(entry.text, entry.count);
                    (entry.text, entry.count) = (place, 1);
                }
            } else {
                let entry = Entry {
                    text: place,
                    count: 1,
                    ..Entry::default()
                };
                self.words.insert(word.into(), entry);
            }
        });
    }

    /// How many texts it has.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The segment, and its texts.
    pub fn finish(self) -> (Head, Vec<Text>, Vec<Piece>) {
        let mut words: Vec<_> = self.words.into_iter().collect();
        words.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut writer = Writer::default();
        for (word, mut entry) in words {
            entry.list.push(entry.text, entry.count);
            writer.word(&word, entry.list.bytes());
        }
        let (head, pieces) = writer.finish(&self.texts);
        (head, self.texts, pieces)
    }
}

/// Looks for the same bytes again and again (Horspool).
pub struct Finder<'a> {
    needle: &'a [u8],
    /// How far to go on for each byte that stands where the needle ends.
    steps: [u8; 256],
}

impl<'a> Finder<'a> {
    /// Of bytes, at least one.
    pub fn new(needle: &'a [u8]) -> Self {
        let longest = needle.len().min(255) as u8;
        let mut steps = [longest; 256];
        let tail = &needle[needle.len().saturating_sub(256)..];
        for (index, byte) in tail[..tail.len().saturating_sub(1)].iter().enumerate() {
            steps[usize::from(*byte)] = (tail.len() - 1 - index) as u8;
        }
        Self { needle, steps }
    }

    /// The next place from `from` on.
    pub fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let length = self.needle.len();
        let last = *self.needle.last()?;
        let mut end = from + length;
        while end <= text.len() {
            let byte = text[end - 1];
            if byte == last && text[end - length..end] == *self.needle {
                return Some(end - length);
            }
            end += usize::from(self.steps[usize::from(byte)]);
        }
        None
    }
}

/// Pieces kept in memory.
#[derive(Default)]
pub struct Kept(Vec<(Kind, u32, Rc<[u8]>)>);

impl Kept {
    /// These.
    pub fn new(pieces: Vec<Piece>) -> Self {
        let kept = pieces.into_iter();
        Self(
            kept.map(|it| (it.kind, it.number, it.bytes.into()))
                .collect(),
        )
    }
}

impl Source for Kept {
    fn piece(&self, kind: Kind, number: u32) -> Read<Rc<[u8]>> {
        let found = self.0.iter().find(|it| (it.0, it.1) == (kind, number));
        found.map(|it| Rc::clone(&it.2)).ok_or(Fault::Damaged)
    }
}
