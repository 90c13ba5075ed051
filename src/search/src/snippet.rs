//! The piece of a text around what was found, and where in it that stands.
//!
//! Folded texts are searched and the original is shown. The two are the same byte for byte where the
//! text is plain; elsewhere they are matched grapheme by grapheme, but only near the hit: a text may be
//! long.

use super::fold::{Class, Unicode, fold, is_plain};
use super::query::Term;

/// What is shown before a hit, in characters.
const BEFORE: usize = 40;
/// A snippet's length, in characters, but for what is needed to end with a grapheme.
const LENGTH: usize = 160;
/// Texts are folded in pieces of about so many bytes.
const PIECE: usize = 256;
/// Longest grapheme that is looked for, in characters.
const WIDEST: usize = 64;
/// Of so many places of a term the best is chosen.
const PLACES: usize = 200;

/// A piece of a text, as it stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece.
    pub text: String,
    /// What was found in it, ascending and apart, in UTF-16 units.
    pub ranges: Vec<(u32, u32)>,
}

/// A text and its folded form, piece by piece.
struct Folded<'a> {
    original: &'a str,
    text: String,
    /// Where pieces begin: in the original and in the folded text. The first and the end are among them.
    pieces: Vec<(usize, usize)>,
}

impl<'a> Folded<'a> {
    fn new(unicode: &dyn Unicode, original: &'a str) -> Self {
        let mut folded = Self {
            original,
            text: String::new(),
            pieces: vec![(0, 0)],
        };
        let mut start = 0;
        for (at, c) in original.char_indices() {
            if at - start >= PIECE && is_plain(c) {
                folded.push(unicode, start, at);
                start = at;
            }
        }
        folded.push(unicode, start, original.len());
        folded
    }

    fn push(&mut self, unicode: &dyn Unicode, start: usize, end: usize) {
        self.text
            .push_str(&fold(unicode, &self.original[start..end]));
        self.pieces.push((end, self.text.len()));
    }

    /// What of the original a range of the folded text comes from, widened to whole graphemes where it
    /// is not plain.
    fn original_range(&self, unicode: &dyn Unicode, start: usize, end: usize) -> (usize, usize) {
        (
            self.original_place(unicode, start, false),
            self.original_place(unicode, end, true),
        )
    }

    fn original_place(&self, unicode: &dyn Unicode, place: usize, is_end: bool) -> usize {
        // The piece in which the character before an end, or after a start, is.
        let index = if is_end {
            self.pieces.partition_point(|it| it.1 < place)
        } else {
            self.pieces.partition_point(|it| it.1 <= place)
        };
        let index = index.clamp(1, self.pieces.len() - 1);
        let ((from, folded_from), (to, _)) = (self.pieces[index - 1], self.pieces[index]);
        let piece = &self.original[from..to];
        if piece.chars().all(is_plain) {
            return from + (place - folded_from);
        }
        let mut at = (from, folded_from);
        for grapheme in graphemes(unicode, piece) {
            let folded = at.1 + fold(unicode, grapheme).len();
            let is_here = if is_end {
                place <= folded
            } else {
                place < folded
            };
            if is_here {
                return if is_end { at.0 + grapheme.len() } else { at.0 };
            }
            at = (at.0 + grapheme.len(), folded);
        }
        at.0
    }
}

fn graphemes<'a>(unicode: &dyn Unicode, text: &'a str) -> impl Iterator<Item = &'a str> {
    let mut starts = unicode.graphemes(text);
    starts.push(text.len());
    let pairs: Vec<_> = starts.windows(2).map(|it| (it[0], it[1])).collect();
    pairs.into_iter().map(|(start, end)| &text[start..end])
}

/// The piece of a text around the best place of these terms, which it holds.
pub fn snippet(unicode: &dyn Unicode, original: &str, terms: &[Term]) -> Snippet {
    let folded = Folded::new(unicode, original);
    let mut places = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        for at in term.places(&folded.text).take(PLACES) {
            let after = places.partition_point(|it: &(usize, usize, usize)| it.0 <= at);
            places.insert(after, (at, at + term.text.len(), index));
        }
    }
    let Some(best) = best_place(&places, &folded.text, terms.len()) else {
        return Snippet::default();
    };
    let hit = folded.original_place(unicode, best, false);
    let start = begin(unicode, original, hit);
    let limit = forward(original, start, LENGTH);
    let first = places.iter().find(|it| it.0 == best);
    let hit_end = first.map_or(hit, |it| folded.original_place(unicode, it.1, true));
    // A phrase may be long.
    let hit_end = hit_end.min(forward(original, hit, 4 * LENGTH));
    let end = boundary(unicode, original, limit.max(hit_end)).1;

    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for (from, to, _) in places {
        // Looking for the places in the original costs: only what can be within.
        if to + 4 * BEFORE < best || from > best + 16 * LENGTH {
            continue;
        }
        let (from, to) = folded.original_range(unicode, from, to);
        // What does not fit in whole was not found here, unless nothing else was: a phrase may be long.
        let is_whole = start <= from && to <= end;
        let (from, to) = (from.max(start), to.min(end));
        if from >= to || !is_whole && !ranges.is_empty() {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => ranges.push((from, to)),
        }
    }
    let units = |at: usize| original[start..at].encode_utf16().count() as u32;
    Snippet {
        text: original[start..end].to_owned(),
        ranges: ranges
            .into_iter()
            .map(|(a, b)| (units(a), units(b)))
            .collect(),
    }
}

/// The place from which on most of the terms follow closely; of those, the first that begins a word.
fn best_place(places: &[(usize, usize, usize)], text: &str, terms: usize) -> Option<usize> {
    let window = LENGTH - BEFORE;
    let mut best: Option<((usize, bool), usize)> = None;
    for (index, (at, _, _)) in places.iter().enumerate() {
        let mut seen = vec![false; terms];
        for (other, _, term) in &places[index..] {
            if *other > at + window {
                break;
            }
            seen[*term] = true;
        }
        let count = seen.into_iter().filter(|it| *it).count();
        let before = text[..*at].chars().next_back();
        let begins = before.is_none_or(|c| Class::of(c) != Class::Word);
        if best.is_none_or(|(worth, _)| (count, begins) > worth) {
            best = Some(((count, begins), *at));
        }
    }
    best.map(|(_, at)| at)
}

/// Where a snippet for a hit begins: a little before it, at a word if there is one.
fn begin(unicode: &dyn Unicode, text: &str, hit: usize) -> usize {
    let Some((far, _)) = text[..hit].char_indices().nth_back(BEFORE) else {
        return 0;
    };
    let word = text[far..hit]
        .char_indices()
        .find(|(_, c)| c.is_whitespace())
        .map(|(at, c)| far + at + c.len_utf8())
        .filter(|at| *at < hit);
    boundary(unicode, text, word.unwrap_or(far)).0
}

fn forward(text: &str, from: usize, count: usize) -> usize {
    text[from..]
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| from + at)
}

/// Letters and the like between two of which a grapheme always ends: most texts are made of them.
fn is_simple(c: char) -> bool {
    is_plain(c)
        && matches!(c,
            ' '..='~' | '\u{a0}'..='\u{ac}' | '\u{ae}'..='\u{1fff}' | '\u{2010}'..='\u{2027}'
            | '\u{3000}'..='\u{d7a3}')
}

/// The ends of graphemes next to a place, which may lie within one: at or before it, at or after it.
fn boundary(unicode: &dyn Unicode, text: &str, at: usize) -> (usize, usize) {
    let (last, next) = (text[..at].chars().next_back(), text[at..].chars().next());
    if last.is_none_or(is_simple) && next.is_none_or(is_simple) {
        return (at, at);
    }
    let before = text[..at].char_indices().rev().take(WIDEST);
    let anchor = before.clone().find(|(_, c)| matches!(c, ' '..='~'));
    let anchor = anchor.or(before.last()).map_or(0, |(at, _)| at);
    let near = &text[anchor..forward(text, at, WIDEST)];
    let mut ends = unicode.graphemes(near);
    ends.push(near.len());
    let after = ends.partition_point(|end| anchor + end < at);
    let before = ends.partition_point(|end| anchor + end <= at);
    let end = |index: usize| ends.get(index).map_or(at, |end| anchor + end);
    (end(before.saturating_sub(1)), end(after))
}
