//! In which order hits come: those that match a word or its beginning first, then by BM25, a little
//! more for what is new (<https://en.wikipedia.org/wiki/Okapi_BM25>).

use std::cmp::Ordering;

use super::matching::Hit;

const K1: f32 = 1.2;
const B: f32 = 0.75;
/// A title says what a chat is about.
const TITLE: f32 = 2.5;
const DAY: f32 = 86_400_000.0;

/// What scores go by. Two pages of one search go by the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// How many texts there are.
    pub texts: u32,
    /// Their length, on average.
    pub length: f32,
    /// In how many of them each required term is.
    pub found: Vec<u32>,
    /// The time of the search, in milliseconds since 1970.
    pub now: i64,
}

impl Statistics {
    fn rarity(&self, term: usize) -> f32 {
        let all = self.texts as f32;
        let found = (self.found.get(term).copied().unwrap_or(0) as f32).min(all);
        (1.0 + (all - found + 0.5) / (found + 0.5)).ln()
    }

    /// What each required term weighs.
    pub fn rarities(&self) -> Vec<f32> {
        (0..self.found.len())
            .map(|term| self.rarity(term))
            .collect()
    }
}

/// Where a hit stands among the others; the greatest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rank {
    /// Every term is a word, or begins one.
    pub is_at_start: bool,
    /// Positive.
    pub score: f32,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Of the message, or, less than 0, of the conversation.
    pub id: i64,
}

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.is_at_start.cmp(&other.is_at_start))
            .then(self.score.total_cmp(&other.score))
            .then(self.at.cmp(&other.at))
            .then(self.id.cmp(&other.id))
    }
}

/// The score of a text of this length and time that has these hits, one of each required term.
pub fn score(
    statistics: &Statistics,
    rarities: &[f32],
    hits: impl Iterator<Item = Hit>,
    length: f32,
    at: i64,
    is_title: bool,
) -> f32 {
    let norm = K1 * (1.0 - B + B * length / statistics.length.max(1.0));
    let mut sum = 0.0;
    for (hit, rarity) in hits.zip(rarities) {
        let weight = hit.weight();
        sum += rarity * weight * (K1 + 1.0) / (weight + norm);
    }
    let age = (statistics.now.saturating_sub(at)).max(0) as f32 / DAY;
    let recency = 1.0 + 0.25 / (1.0 + age / 30.0);
    sum * recency * if is_title { TITLE } else { 1.0 }
}
