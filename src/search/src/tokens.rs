//! Tokens: what a folded text is cut into for the index.
//!
//! A run of one class is a token; a long one, and one of a script without spaces, is every pair of
//! neighbours in it instead. Marks tell them apart, bytes that no UTF-8 has.

use super::fold::{Class, is_whole_alone};

/// Before a pair of neighbours.
pub const PAIR: u8 = 0xfe;
/// Before a letter or digit that stands alone.
pub const ALONE: u8 = 0xfd;
/// Longest run that is one token, in characters.
const LONGEST_WORD: usize = 32;
/// The same of symbols.
const LONGEST_SYMBOLS: usize = 8;

/// A run of characters of one class within a folded text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Of all its characters.
    pub class: Class,
    /// Its characters.
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub at: usize,
}

/// The runs of a folded text, spaces too.
pub fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        let class = Class::of(rest.chars().next()?);
        let length = rest.find(|c| Class::of(c) != class).unwrap_or(rest.len());
        let run = Run {
            class,
            text: &rest[..length],
            at,
        };
        at += length;
        Some(run)
    })
}

/// Whether a run of so many characters is one token.
pub fn is_one_token(class: Class, length: usize) -> bool {
    match class {
        Class::Word => length <= LONGEST_WORD,
        Class::Symbol => length <= LONGEST_SYMBOLS,
        Class::Unspaced | Class::Space => length <= 1,
    }
}

/// The pairs of neighbours in a run, each as a text.
pub fn pairs(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).skip(1);
    starts.zip(ends).map(|(start, end)| &text[start..end])
}

/// Whether the character at `at`, alone, is a whole word of the text.
pub fn stands_alone(text: &str, at: usize, length: usize) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + length..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

/// Calls `emit` for each token of a folded text, in order, as often as it is there.
pub fn tokens(text: &str, mut emit: impl FnMut(&[u8])) {
    let mut marked = Vec::new();
    let mut with_mark = |mark: u8, text: &str, emit: &mut dyn FnMut(&[u8])| {
        marked.clear();
        marked.push(mark);
        marked.extend_from_slice(text.as_bytes());
        emit(&marked);
    };
    for run in runs(text) {
        if run.class == Class::Space {
            continue;
        }
        let length = run.text.chars().take(LONGEST_WORD + 1).count();
        if is_one_token(run.class, length) {
            emit(run.text.as_bytes());
        } else {
            for pair in pairs(run.text) {
                with_mark(PAIR, pair, &mut emit);
            }
        }
    }
    let mut before = false;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let is_part = c.is_alphanumeric();
        let mut after = || characters.peek().is_some_and(|(_, c)| c.is_alphanumeric());
        if is_part && !before && is_whole_alone(c) && !after() {
            with_mark(ALONE, &text[at..at + c.len_utf8()], &mut emit);
        }
        before = is_part;
    }
}
