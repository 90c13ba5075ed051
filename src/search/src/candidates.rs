//! The best of what was found in all segments: each text that has every term is ranked, and those that
//! rank highest are kept.

use super::ids::Ids;
use super::matching::{Hit, hits};
use super::query::{Query, Term};
use super::rank::{Rank, Statistics, score};
use super::segment::{Head, Read, Segment, Source, Text};

/// A text that may be a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its place among the others.
    pub rank: Rank,
    /// The conversation it is in.
    pub conversation: i64,
    /// The index is not sure: its text must be looked at.
    pub is_unsure: bool,
}

/// So many required terms are looked for in the index; where there are more, the texts are looked at.
const MOST_REQUIRED: usize = 24;
/// The same of excluded ones.
const MOST_EXCLUDED: usize = 8;

/// How the terms of a query stand in the texts of one segment.
pub struct Found<'a> {
    texts: &'a [Text],
    required: Vec<Vec<Hit>>,
    excluded: Vec<Vec<Hit>>,
    /// Nothing is found in it; not every term was looked for.
    is_empty: bool,
    /// More terms were given than were looked for.
    is_unsure: bool,
    /// Texts that are not to be found in it.
    hidden: [&'a Ids; 2],
}

impl<'a> Found<'a> {
    /// Looks for a query in a segment with these texts.
    ///
    /// # Errors
    /// [`super::segment::Fault`].
    pub fn new(
        query: &Query,
        (head, texts): (&Head, &'a [Text]),
        source: &dyn Source,
        hidden: [&'a Ids; 2],
    ) -> Read<Self> {
        let segment = Segment { head, source };
        // The long ones first: they are likely in the fewest texts.
        let mut terms: Vec<&Term> = Vec::new();
        for term in &query.required {
            let longer = |it: &&Term| it.text.len() >= term.text.len();
            let place = terms.partition_point(longer);
            terms.insert(place, term);
        }
        let is_unsure = terms.len() > MOST_REQUIRED || query.excluded.len() > MOST_EXCLUDED;
        terms.truncate(MOST_REQUIRED);
        let mut found = Self {
            texts,
            required: Vec::with_capacity(terms.len()),
            excluded: Vec::new(),
            is_empty: texts.is_empty(),
            is_unsure,
            hidden,
        };
        let mut left = vec![true; texts.len()];
        for term in terms {
            if found.is_empty {
                found.required.push(Vec::new());
                continue;
            }
            let hits = hits(&segment, term)?;
            found.is_empty = true;
            for (left, hit) in left.iter_mut().zip(&hits) {
                *left &= hit.is_any();
                found.is_empty &= !*left;
            }
            found.required.push(hits);
        }
        if !found.is_empty {
            for term in query.excluded.iter().take(MOST_EXCLUDED) {
                found.excluded.push(hits(&segment, term)?);
            }
        }
        Ok(found)
    }
}

/// Which texts are looked for.
pub struct Filter {
    /// Said by this one only.
    pub role: Option<u8>,
    /// Not before this time.
    pub since: i64,
    /// Before this time.
    pub until: i64,
    /// In these conversations only.
    pub among: Option<Ids>,
}

impl Filter {
    /// Whether a time is looked for.
    pub fn is_in_time(&self, at: i64) -> bool {
        self.since <= at && at < self.until
    }
}

/// The order of hits.
pub struct Order<'a> {
    /// By relevance, by these; else by time.
    pub relevance: Option<&'a Statistics>,
    /// Only those below this one.
    pub below: Option<Rank>,
    /// At most so many.
    pub count: usize,
}

/// What ranks go by when nothing else is said: what was found in these segments.
pub fn statistics(found: &[Found<'_>], now: i64) -> Statistics {
    let mut statistics = Statistics {
        found: vec![0; found.first().map_or(0, |it| it.required.len())],
        now,
        ..Statistics::default()
    };
    let mut length = 0_u64;
    for found in found {
        statistics.texts += found.texts.len() as u32;
        for text in found.texts {
            length += u64::from(text.length);
        }
        for (count, hits) in statistics.found.iter_mut().zip(&found.required) {
            *count += hits.iter().filter(|hit| hit.is_any()).count() as u32;
        }
    }
    statistics.length = length as f32 / statistics.texts.max(1) as f32;
    statistics
}

/// The best, in no order.
pub fn best(found: &[Found<'_>], filter: &Filter, order: &Order<'_>) -> Vec<Candidate> {
    let rarities = order
        .relevance
        .map(Statistics::rarities)
        .unwrap_or_default();
    let mut best = Best {
        kept: Vec::new(),
        count: order.count.max(1),
        least: None,
    };
    // The newest first: of those that rank alike it is the first that stay.
    for found in found.iter().rev() {
        if found.is_empty {
            continue;
        }
        let has_hidden = found.hidden.iter().any(|ids| !ids.is_empty());
        let mut last = (0, filter.among.is_none());
        'texts: for (place, text) in found.texts.iter().enumerate().rev() {
            let mut is_unsure = found.is_unsure;
            let mut is_at_start = order.relevance.is_some();
            for hits in &found.required {
                let hit = hits[place];
                if !hit.is_any() {
                    continue 'texts;
                }
                is_unsure |= hit.is_unsure();
                is_at_start &= hit.is_at_start();
            }
            let is_out = !filter.is_in_time(text.created_at)
                || filter.role.is_some_and(|role| role != text.role)
                || has_hidden && found.hidden.iter().any(|ids| ids.contains(text.id));
            if is_out {
                continue;
            }
            if let Some(among) = &filter.among {
                if last.0 != text.conversation {
                    last = (text.conversation, among.contains(text.conversation));
                }
                if !last.1 {
                    continue;
                }
            }
            for hits in &found.excluded {
                let hit = hits[place];
                if hit.is_any() && !hit.is_unsure() {
                    continue 'texts;
                }
                is_unsure |= hit.is_unsure();
            }
            let score = match order.relevance {
                Some(statistics) => {
                    let hits = found.required.iter().map(|hits| hits[place]);
                    let length = text.length as f32;
                    score(
                        statistics,
                        &rarities,
                        hits,
                        length,
                        text.created_at,
                        text.id < 0,
                    )
                }
                None => 0.0,
            };
            let rank = Rank {
                is_at_start,
                score,
                at: text.created_at,
                id: text.id,
            };
            if order.below.is_none_or(|below| rank < below) {
                best.take(Candidate {
                    rank,
                    conversation: text.conversation,
                    is_unsure,
                });
            }
        }
    }
    best.kept
}

struct Best {
    kept: Vec<Candidate>,
    count: usize,
    /// Of the last of them, once there are so many, and where it is.
    least: Option<(Rank, usize)>,
}

impl Best {
    fn take(&mut self, candidate: Candidate) {
        match self.least {
            None => self.kept.push(candidate),
            Some((least, place)) if candidate.rank > least => self.kept[place] = candidate,
            Some(_) => return,
        }
        // Few come so far once there are enough: a search for the last costs little.
        if self.kept.len() >= self.count {
            let ranks = self.kept.iter().map(|it| it.rank);
            self.least = ranks.enumerate().map(|(place, rank)| (rank, place)).min();
        }
    }
}
