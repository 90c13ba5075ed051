//! What a person types, and what it matches.
//!
//! Terms are parted by spaces and all required; `"..."` is a phrase, `-` before a word or a phrase
//! excludes it. All else is text.

use super::fold::{Unicode, fold, is_whole_alone};
use super::tokens::stands_alone;

/// A term, folded; never empty or blank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// What a folded text must hold.
    pub text: String,
    /// It is a single letter or digit, which must stand alone.
    pub is_alone: bool,
}

impl Term {
    fn new(unicode: &dyn Unicode, text: &str) -> Option<Self> {
        let text = fold(unicode, text);
        if text.chars().all(char::is_whitespace) {
            return None;
        }
        let mut characters = text.chars();
        let is_alone = is_whole_alone(characters.next()?) && characters.next().is_none();
        Some(Self { text, is_alone })
    }

    /// Where it stands in a folded text, in bytes; places may overlap.
    pub fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let at = from + text[from..].find(&self.text)?;
                from = at + text[at..].chars().next().map_or(1, char::len_utf8);
                if !self.is_alone || stands_alone(text, at, self.text.len()) {
                    return Some(at);
                }
            }
        })
    }

    /// Whether a folded text holds it.
    pub fn is_in(&self, text: &str) -> bool {
        self.places(text).next().is_some()
    }
}

/// A query: what a text must hold, and what it must not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query {
    /// All of these. Without any, nothing is found.
    pub required: Vec<Term>,
    /// None of these.
    pub excluded: Vec<Term>,
}

impl Query {
    /// Reads what was typed. Nothing is an error.
    pub fn parse(unicode: &dyn Unicode, typed: &str) -> Self {
        let mut query = Self::default();
        let mut rest = typed.trim_start();
        while !rest.is_empty() {
            let excluded = rest.strip_prefix('-').filter(|rest| begins_term(rest));
            let term = excluded.unwrap_or(rest);
            let (text, after) = phrase(term).unwrap_or_else(|| {
                term.split_at(term.find(char::is_whitespace).unwrap_or(term.len()))
            });
            let terms = if excluded.is_some() {
                &mut query.excluded
            } else {
                &mut query.required
            };
            if let Some(term) = Term::new(unicode, text)
                && !terms.contains(&term)
            {
                terms.push(term);
            }
            rest = after.trim_start();
        }
        query
    }

    /// Whether a folded text is what is looked for.
    pub fn is_met_by(&self, text: &str) -> bool {
        !self.required.is_empty()
            && self.required.iter().all(|term| term.is_in(text))
            && !self.excluded.iter().any(|term| term.is_in(text))
    }
}

/// After a `-` that excludes: a phrase, or a word with a letter, a digit or the like in it; not the rest
/// of an arrow (`->x`), an option (`--x`) or of mere punctuation (`-)`).
fn begins_term(text: &str) -> bool {
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    phrase(text).is_some()
        || !word.starts_with(['-', '>'])
            && word.contains(|c: char| !c.is_ascii() || c.is_ascii_alphanumeric())
}

/// A phrase at the beginning, and what follows it: from a quote to one that ends a word.
fn phrase(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    inner
        .match_indices('"')
        .map(|(at, _)| (&inner[..at], &inner[at + 1..]))
        .find(|(_, after)| after.is_empty() || after.starts_with(char::is_whitespace))
}
