//! Which texts of a segment hold a term, as far as the index knows.
//!
//! A term is cut into runs as texts are. One run is looked for within words; of several, the first must
//! end a word, the last begin one, those between be one. Long runs, and scripts without spaces, are
//! known by their pairs. What the index cannot say for sure is marked to be looked at in the text.

use super::fold::Class;
use super::query::Term;
use super::segment::{END, Finder, Lists, Read, Segment, each_text};
use super::tokens::{ALONE, PAIR, is_one_token, pairs, runs};

/// How a term stands in a text: a weight of its occurrences, in quarters, with flags. 0: not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hit(u32);

const WHOLE: u32 = 4;
const START: u32 = 3;
const INSIDE: u32 = 1;
/// The text must be looked at.
const UNSURE: u32 = 1 << 31;
/// It is a word, or begins one, somewhere.
const AT_START: u32 = 1 << 30;
const WEIGHT: u32 = AT_START - 1;

impl Hit {
    fn new(weight: u32, count: u32) -> Self {
        let flag = if weight >= START { AT_START } else { 0 };
        Self((weight * count.min(0xffff)).min(WEIGHT) | flag)
    }

    /// Whether the term is there, or may be.
    pub fn is_any(self) -> bool {
        self.0 != 0
    }

    /// Whether the text must be looked at.
    pub fn is_unsure(self) -> bool {
        self.0 & UNSURE != 0
    }

    /// Whether it is a word, or begins one.
    pub fn is_at_start(self) -> bool {
        self.0 & AT_START != 0
    }

    /// About how often it is there.
    pub fn weight(self) -> f32 {
        (self.0 & WEIGHT) as f32 / WHOLE as f32
    }

    /// Both ways to be there; sure if one of them is.
    fn or(self, other: Self) -> Self {
        if !self.is_any() {
            return other;
        }
        if !other.is_any() {
            return self;
        }
        let weight = (self.0 & WEIGHT)
            .saturating_add(other.0 & WEIGHT)
            .min(WEIGHT);
        Self(weight | (self.0 | other.0) & AT_START | self.0 & other.0 & UNSURE)
    }

    /// Both parts of a term there: where, only the text says.
    fn and(self, other: Self) -> Self {
        if self.is_any() && other.is_any() {
            Self((self.0 & WEIGHT).min(other.0 & WEIGHT) | AT_START | UNSURE)
        } else {
            Self::default()
        }
    }
}

/// A run of a term, and whether more of the term stands before and after it.
struct Part<'a> {
    class: Class,
    text: &'a str,
    length: usize,
    follows: bool,
    goes_on: bool,
}

/// How a term stands in each text of a segment.
///
/// # Errors
/// [`super::segment::Fault`].
pub fn hits(segment: &Segment<'_>, term: &Term) -> Read<Vec<Hit>> {
    let count = segment.head.texts;
    let mut lists = Lists::new(segment);
    if term.is_alone {
        let mut found = vec![Hit::default(); count as usize];
        if let Some(list) = segment.find(&marked(ALONE, &term.text))? {
            each_text(lists.bytes(list)?, count, |text, count| {
                found[text as usize] = Hit::new(WHOLE, count);
            })?;
        }
        return Ok(found);
    }
    let mut all: Option<Vec<Hit>> = None;
    for run in runs(&term.text) {
        if run.class == Class::Space {
            continue;
        }
        let part = Part {
            class: run.class,
            text: run.text,
            length: run.text.chars().count(),
            follows: run.at > 0,
            goes_on: run.at + run.text.len() < term.text.len(),
        };
        let mut found = vec![Hit::default(); count as usize];
        within_words(segment, &mut lists, &part, &mut found)?;
        by_pairs(segment, &mut lists, &part, &mut found)?;
        all = Some(match all {
            None if part.goes_on || part.follows => found.iter().map(|hit| hit.and(*hit)).collect(),
            None => found,
            Some(all) => all.into_iter().zip(found).map(|(a, b)| a.and(b)).collect(),
        });
    }
    Ok(all.unwrap_or_else(|| vec![Hit::default(); count as usize]))
}

fn marked(mark: u8, text: &str) -> Vec<u8> {
    let mut word = vec![mark];
    word.extend_from_slice(text.as_bytes());
    word
}

/// A run as a part of words.
fn within_words(
    segment: &Segment<'_>,
    lists: &mut Lists<'_>,
    part: &Part<'_>,
    found: &mut [Hit],
) -> Read<()> {
    let is_long = !is_one_token(part.class, part.length);
    if is_long {
        return Ok(());
    }
    let needle = part.text.as_bytes();
    let finder = Finder::new(needle);
    let (mut places, mut weights) = (Vec::new(), Vec::new());
    for number in 0..segment.head.words.len() {
        let words = segment.words(number)?;
        let text = words.text();
        places.clear();
        weights.clear();
        let mut from = 0;
        while let Some(at) = finder.next(text, from) {
            let before = text[..at].iter().rposition(|byte| *byte == END);
            let start = before.map_or(0, |end| end + 1);
            let rest = text[at..].iter().position(|byte| *byte == END);
            let end = rest.map_or(text.len(), |rest| at + rest);
            from = at + 1;
            let (begins, ends) = (start == at, at + needle.len() == end);
            let weight = match text[start] {
                ALONE => continue,
                // A pair is found by its parts only where it is all that there is of a word.
                PAIR if part.length > 1 => continue,
                PAIR if part.class == Class::Word => INSIDE,
                PAIR => START,
                _ if part.follows && !begins || part.goes_on && !ends => continue,
                _ if begins && ends || part.class != Class::Word => WHOLE,
                _ if begins => START,
                _ => INSIDE,
            };
            if places.last() == Some(&start) {
                continue;
            }
            places.push(start);
            weights.push(weight);
        }
        if places.is_empty() {
            continue;
        }
        for (list, weight) in words.lists(&places)?.into_iter().zip(&weights) {
            each_text(lists.bytes(list)?, segment.head.texts, |text, count| {
                let hit = &mut found[text as usize];
                *hit = hit.or(Hit::new(*weight, count));
            })?;
        }
    }
    Ok(())
}

/// A run as a part of a longer one that is known by its pairs.
fn by_pairs(
    segment: &Segment<'_>,
    lists: &mut Lists<'_>,
    part: &Part<'_>,
    found: &mut [Hit],
) -> Read<()> {
    let mut wanted: Vec<&str> = Vec::new();
    for pair in pairs(part.text) {
        if !wanted.contains(&pair) {
            wanted.push(pair);
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    // Of each text: how many of the pairs it has, and how often the rarest of them.
    let mut seen = vec![(0_u32, u32::MAX); found.len()];
    for (index, pair) in wanted.iter().enumerate() {
        let Some(list) = segment.find(&marked(PAIR, pair))? else {
            return Ok(());
        };
        let mut any = false;
        each_text(lists.bytes(list)?, segment.head.texts, |text, count| {
            let seen = &mut seen[text as usize];
            if seen.0 == index as u32 {
                *seen = (seen.0 + 1, seen.1.min(count));
                any = true;
            }
        })?;
        if !any {
            return Ok(());
        }
    }
    let weight = if part.class == Class::Word {
        INSIDE
    } else {
        START
    };
    for (hit, (count, least)) in found.iter_mut().zip(seen) {
        if count as usize == wanted.len() {
            let mut more = Hit::new(weight, least);
            if part.length > 2 {
                more.0 |= UNSURE;
            }
            *hit = hit.or(more);
        }
    }
    Ok(())
}
