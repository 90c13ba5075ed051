//! Cuts a stream of JSON into its elements: those of a top-level array, or values one after another
//! (lines of NDJSON, or one object). Holds one element at a time, and looks no further into it than
//! where its strings and brackets end: what an element is worth, its parser says.
//!
//! Knows no format. After damage it goes on where the next element can be told with some certainty.

use std::io::{self, Read};

use memchr::memchr3;

/// Largest element that is kept; a larger one is passed over.
pub const MAX_ELEMENT: usize = 256 << 20;
/// Most values in an element: each takes more room than its text.
const MAX_VALUES: usize = 8 << 20;
const CHUNK: usize = 64 << 10;

/// A piece of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// An element whose brackets match.
    Element(Element),
    /// Bytes that are no element.
    Damage(Damage),
}

/// An element.
#[derive(Debug, PartialEq, Eq)]
pub struct Element {
    /// Where it begins, in bytes from the beginning.
    pub at: u64,
    /// Its text.
    pub text: Vec<u8>,
    /// How deep it is nested.
    pub depth: usize,
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Damage {
    /// In bytes from the beginning.
    pub at: u64,
    /// What.
    pub what: Wrong,
}

/// What can be wrong with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is nothing in it.
    Empty,
    /// It is UTF-16 or UTF-32.
    Utf16,
    /// It begins with no array and no object.
    NotJson,
    /// It ends within an element.
    Truncated,
    /// It ends before the array does, between two elements.
    Unclosed,
    /// Something between two elements.
    Between,
    /// A string in an element is not closed at the end of its line, or goes on in the next.
    OpenString,
    /// An element over [`MAX_ELEMENT`], or of too many values.
    TooLarge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Start,
    Array { first: bool },
    Values,
    Ended,
}

/// The elements of a stream.
pub struct Splitter<S> {
    input: S,
    chunk: Vec<u8>,
    at: usize,
    /// Where the chunk begins in the stream.
    base: u64,
    mode: Mode,
    /// Each value ends with its line.
    lines: bool,
    /// How far what comes is indented, if it is the first of its line.
    indent: Option<usize>,
}

impl<S: Read> Splitter<S> {
    /// Begins at the stream's beginning.
    pub fn new(input: S) -> Self {
        Self {
            input,
            chunk: Vec::new(),
            at: 0,
            base: 0,
            mode: Mode::Start,
            lines: false,
            indent: None,
        }
    }

    /// How many bytes it has gone through.
    pub fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Whether the elements are those of an array.
    pub fn is_array(&self) -> bool {
        matches!(self.mode, Mode::Array { .. })
    }

    /// Ends it here.
    pub fn stop(&mut self) {
        self.mode = Mode::Ended;
    }

    /// The next piece; `None` at the end.
    pub fn piece(&mut self) -> io::Result<Option<Piece>> {
        if self.mode == Mode::Start
            && let Some(damage) = self.start()?
        {
            self.mode = Mode::Ended;
            return Ok(Some(Piece::Damage(damage)));
        }
        match self.mode {
            Mode::Array { first } => self.in_array(first),
            Mode::Values => self.in_values(),
            Mode::Start | Mode::Ended => Ok(None),
        }
    }

    fn start(&mut self) -> io::Result<Option<Damage>> {
        let damage = |at, what| Ok(Some(Damage { at, what }));
        self.peek()?;
        let begin = &self.chunk[..self.chunk.len().min(4)];
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] = begin {
            return damage(0, Wrong::Utf16);
        }
        if begin.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.at = 3;
        }
        match self.after_space()? {
            None => return damage(self.offset(), Wrong::Empty),
            Some(b'[') => {
                self.at += 1;
                self.mode = Mode::Array { first: true };
            }
            Some(b'{') => self.mode = Mode::Values,
            Some(_) => return damage(self.offset(), Wrong::NotJson),
        }
        Ok(None)
    }

    fn in_array(&mut self, first: bool) -> io::Result<Option<Piece>> {
        let at = self.offset();
        let damage = |this: &mut Self, what, mode| {
            this.mode = mode;
            Ok(Some(Piece::Damage(Damage { at, what })))
        };
        let mut next = self.after_space()?;
        if next == Some(b',') && !first {
            self.at += 1;
            next = self.after_space()?;
        } else if !first && !matches!(next, None | Some(b']')) {
            // No comma: pass over what is no element.
            self.pass_over(|byte| matches!(byte, b',' | b'{' | b']'))?;
            // An object that comes now is taken as an element.
            let mode = Mode::Array {
                first: self.peek()? == Some(b'{'),
            };
            return damage(self, Wrong::Between, mode);
        }
        match next {
            None => damage(self, Wrong::Unclosed, Mode::Ended),
            Some(b']') => {
                self.at += 1;
                match self.after_space()? {
                    None => {
                        self.mode = Mode::Ended;
                        Ok(None)
                    }
                    Some(_) => damage(self, Wrong::Between, Mode::Ended),
                }
            }
            Some(b',') => damage(self, Wrong::Between, Mode::Array { first: false }),
            Some(_) => {
                self.mode = Mode::Array { first: false };
                self.element().map(Some)
            }
        }
    }

    fn in_values(&mut self) -> io::Result<Option<Piece>> {
        let at = self.offset();
        match self.after_space()? {
            None => {
                self.mode = Mode::Ended;
                Ok(None)
            }
            Some(b'{') => self.element().map(Some),
            Some(_) => {
                self.pass_over(|byte| byte == b'\n')?;
                Ok(Some(Piece::Damage(Damage {
                    at,
                    what: Wrong::Between,
                })))
            }
        }
    }

    /// The element that begins here.
    fn element(&mut self) -> io::Result<Piece> {
        let at = self.offset();
        let mut text = Vec::new();
        let (mut depth, mut deepest, mut values) = (0_usize, 0, 0_usize);
        let (mut string, mut escaped, mut newline) = (false, false, false);
        let mut wrong = None;
        let indent = self.indent;
        // Once a string has lost its end in an element of several lines: how far the line here is
        // indented, as long as nothing else is in it. Lines tell where the element ends.
        let (mut by_lines, mut line) = (None, None);
        'read: loop {
            if self.peek()?.is_none() {
                // A number at the end of a stream is as good as any.
                if depth == 0 && !string && !text.is_empty() {
                    break;
                }
                wrong = Some(Wrong::Truncated);
                self.mode = Mode::Ended;
                break;
            }
            let from = self.at;
            let mut here = from;
            let mut done = false;
            while let Some(&byte) = self.chunk.get(here) {
                if let Some(inner) = by_lines {
                    here += 1;
                    match (byte, line) {
                        (b'\n', _) => line = Some(0),
                        (b' ' | b'\t', Some(count)) => line = Some(count + 1),
                        (b'\r', _) => {}
                        (b'}' | b']', Some(count))
                            if count < inner && indent.is_none_or(|indent| indent == count) =>
                        {
                            done = true;
                            break;
                        }
                        _ => line = None,
                    }
                    continue;
                }
                if string {
                    if escaped {
                        escaped = false;
                        here += 1;
                        continue;
                    }
                    let Some(next) = memchr3(b'"', b'\\', b'\n', &self.chunk[here..]) else {
                        here = self.chunk.len();
                        break;
                    };
                    here += next + 1;
                    match self.chunk[here - 1] {
                        b'"' => string = false,
                        b'\\' => escaped = true,
                        // No string of JSON holds one: its end is lost, or it was written as it is.
                        _ => {
                            let before = wrong.replace(Wrong::OpenString);
                            if self.lines {
                                string = false;
                                done = true;
                            } else if newline && before.is_none() {
                                text.extend_from_slice(&self.chunk[from..here]);
                                by_lines = indent_in(&text);
                                text = Vec::new();
                                line = Some(0);
                                string = by_lines.is_none();
                            }
                        }
                    }
                    if by_lines.is_some() {
                        continue;
                    }
                    if done || (depth == 0 && !string) {
                        done = true;
                        break;
                    }
                    continue;
                }
                match byte {
                    b'"' => string = true,
                    b'{' | b'[' => {
                        depth += 1;
                        values += 1;
                        deepest = deepest.max(depth);
                    }
                    b'}' | b']' => {
                        if depth == 0 {
                            // The end of the array that this stands in.
                            done = true;
                            break;
                        }
                        depth -= 1;
                        if depth == 0 {
                            here += 1;
                            done = true;
                            break;
                        }
                    }
                    b',' => {
                        if depth == 0 {
                            done = true;
                            break;
                        }
                        values += 1;
                    }
                    b'\n' => {
                        if self.lines {
                            wrong = Some(Wrong::Truncated);
                            done = true;
                            break;
                        }
                        newline = true;
                    }
                    _ => {}
                }
                here += 1;
            }
            if text.len() + (here - from) > MAX_ELEMENT || values > MAX_VALUES {
                wrong = Some(Wrong::TooLarge);
            }
            if wrong == Some(Wrong::TooLarge) || by_lines.is_some() {
                text = Vec::new();
            } else {
                text.extend_from_slice(&self.chunk[from..here]);
            }
            self.at = here;
            if done {
                break 'read;
            }
        }
        if self.mode == Mode::Values && !self.lines && !newline {
            self.lines = matches!(self.peek()?, None | Some(b'\n' | b'\r'));
        }
        Ok(match wrong {
            Some(what) => Piece::Damage(Damage { at, what }),
            None => Piece::Element(Element {
                at,
                text,
                depth: deepest,
            }),
        })
    }

    fn pass_over(&mut self, until: impl Fn(u8) -> bool) -> io::Result<()> {
        while let Some(byte) = self.peek()? {
            if until(byte) {
                break;
            }
            self.at += 1;
        }
        Ok(())
    }

    fn after_space(&mut self) -> io::Result<Option<u8>> {
        self.indent = None;
        loop {
            match self.peek()? {
                Some(b'\n') => self.indent = Some(0),
                Some(b' ' | b'\t') => self.indent = self.indent.map(|count| count + 1),
                Some(b'\r') => {}
                other => return Ok(other),
            }
            self.at += 1;
        }
    }

    /// The byte here, read if it is not yet.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.chunk.get(self.at) {
            return Ok(Some(*byte));
        }
        self.base += self.chunk.len() as u64;
        self.at = 0;
        self.chunk.resize(CHUNK, 0);
        let mut read = 0;
        // Whole chunks, so that what a stream begins with is there at once.
        while read < CHUNK {
            match self.input.read(&mut self.chunk[read..]) {
                Ok(0) => break,
                Ok(count) => read += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.chunk.truncate(read);
                    // What came before the error is still good.
                    if read > 0 {
                        break;
                    }
                    return Err(error);
                }
            }
        }
        self.chunk.truncate(read);
        Ok(self.chunk.first().copied())
    }
}

/// How far the second line of a text is indented, if it is.
fn indent_in(text: &[u8]) -> Option<usize> {
    let at = memchr::memchr(b'\n', text)? + 1;
    let spaces = text[at..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'));
    Some(spaces.count()).filter(|count| *count > 0)
}
