//! Search: what the index says, what is not in it yet, and titles; in order, with snippets.
//!
//! Only a hit that is given is read. The index gives candidates in the order of their rank; those of
//! which it is not sure are looked at in their text when it is their turn.

use std::collections::{BinaryHeap, HashMap, HashSet};

use rusqlite::Connection;

use super::indexing::{self, Loaded, Pieces};
use super::{Store, conversations, engine, growth, messages};
use crate::error::{Result, StoreError};
use crate::model::{
    Conversation, ConversationKey, DEFAULT_HITS, HitKind, MAX_SEARCH, SearchHit, SearchOrder,
    SearchQuery, Whether,
};
use crate::search::fold::fold;
use crate::search::matching::{Hit, hits};
use crate::search::query::{Query, Term};
use crate::search::rank::{Rank, Statistics, score};
use crate::search::segment::{Builder, Fault, Head, Kept, Read, Segment, Source, Text};
use crate::search::snippet::snippet;
use crate::time::Timestamp;

/// A text that may be a hit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: Rank,
    conversation: i64,
    /// The index is not sure: its text must be looked at.
    is_unsure: bool,
}

/// A conversation, as far as it decides what is found.
struct Titled {
    id: i64,
    title: String,
    updated_at: i64,
}

/// What is found in one segment, for each of its texts: of the required terms, of the excluded ones.
struct Found<'a> {
    texts: &'a [Text],
    required: Vec<Vec<Hit>>,
    excluded: Vec<Vec<Hit>>,
    /// These texts are not to be found in it.
    is_hidden: Box<dyn Fn(i64) -> bool + 'a>,
}

impl Store {
    /// Looks for messages and titles that hold every term of `typed`: its words, `"phrases"`, and none of
    /// those after a `-`. A term matches wherever it stands, also within words, whatever its case and
    /// diacritics; a single letter or digit, but of Han, kana and Hangul, only where it stands alone.
    ///
    /// # Errors
    /// `invalid-argument` for a query that is too long or a cursor of another search.
    pub fn search(&mut self, typed: &str, options: &SearchQuery) -> Result<Vec<SearchHit>> {
        if typed.len() > MAX_SEARCH {
            return Err(StoreError::invalid(format!(
                "query is longer than {MAX_SEARCH} bytes"
            )));
        }
        let query = Query::parse(&*self.env.unicode, typed);
        let cursor = options
            .after
            .as_deref()
            .map(|text| Cursor::read(text, options.order));
        let cursor = cursor.transpose()?;
        if query.required.is_empty() {
            return Ok(Vec::new());
        }
        let counts = cursor.iter().flat_map(|it| &it.statistics);
        if counts
            .map(|it| it.found.len())
            .any(|count| count != query.required.len())
        {
            return Err(foreign_cursor());
        }
        self.catch_up()?;
        match self.search_index(&query, options, cursor.as_ref()) {
            Err(fault) => {
                self.drop_index(fault)?;
                self.catch_up()?;
                self.search_index(&query, options, cursor.as_ref())
                    .map_err(indexing::unreadable)
            }
            Ok(hits) => Ok(hits),
        }
    }

    fn search_index(
        &mut self,
        query: &Query,
        options: &SearchQuery,
        cursor: Option<&Cursor>,
    ) -> Read<Vec<SearchHit>> {
        let segments = self.segments()?;
        let connection = &self.connection;
        let Some(scope) = Scope::new(connection, options)? else {
            return Ok(Vec::new());
        };
        let ((head, texts, pieces), changed) = self.scan(query)?;
        let source = Kept::new(pieces);
        let mut found = Vec::new();
        for segment in segments.iter() {
            let source = Pieces {
                connection,
                segment: segment.id,
            };
            found.push(of_segment(query, segment, &source, &changed)?);
        }
        found.push(Found {
            texts: &texts,
            required: of_terms(&head, &source, &query.required)?,
            excluded: Vec::new(),
            is_hidden: Box::new(|_| false),
        });

        let statistics = match cursor {
            Some(Cursor {
                statistics: Some(statistics),
                ..
            }) => statistics.clone(),
            _ => statistics(&found, query.required.len(), self.env.now().millis()),
        };
        let rarities = statistics.rarities();
        let is_relevance = options.order == SearchOrder::Relevance;
        let ranked = |text: &Text, hits: &[Hit]| Rank {
            is_at_start: is_relevance && hits.iter().all(|hit| hit.is_at_start()),
            score: if is_relevance {
                let hits = hits.iter().copied();
                let length = text.length as f32;
                score(
                    &statistics,
                    &rarities,
                    hits,
                    length,
                    text.created_at,
                    text.id < 0,
                )
            } else {
                0.0
            },
            at: text.created_at,
            id: text.id,
        };
        let mut candidates = Vec::new();
        let mut row = Vec::new();
        for found in &found {
            for (place, text) in found.texts.iter().enumerate() {
                row.clear();
                row.extend(found.required.iter().map(|hits| hits[place]));
                let is_out = row.iter().any(|hit| !hit.is_any())
                    || !scope.has(text)
                    || (found.is_hidden)(text.id);
                if is_out {
                    continue;
                }
                let mut is_unsure = row.iter().any(|hit| hit.is_unsure());
                let mut is_excluded = false;
                for hits in &found.excluded {
                    let hit = hits[place];
                    is_unsure |= hit.is_unsure();
                    is_excluded |= hit.is_any() && !hit.is_unsure();
                }
                if is_excluded {
                    continue;
                }
                candidates.push(Candidate {
                    rank: ranked(text, &row),
                    conversation: text.conversation,
                    is_unsure,
                });
            }
        }
        for (text, hits) in self.titles(query, &scope)? {
            candidates.push(Candidate {
                rank: ranked(&text, &hits),
                conversation: text.conversation,
                is_unsure: false,
            });
        }
        Ok(self.give(query, options, cursor, &statistics, candidates)?)
    }

    /// Looks at the texts that are not in the index as they are now: a segment of those that are hits, and
    /// the ids of all that are in it as they were.
    #[expect(clippy::type_complexity, reason = "the parts of a segment")]
    fn scan(
        &self,
        query: &Query,
    ) -> Result<(
        (Head, Vec<Text>, Vec<crate::search::segment::Piece>),
        HashSet<i64>,
    )> {
        let (connection, unicode) = (&self.connection, &*self.env.unicode);
        let mut builder = Builder::default();
        let mut texts = Vec::new();
        let mut changed = HashSet::new();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {}, m.id IN (SELECT message_id FROM growing) FROM messages m WHERE m.id > ?1
             UNION ALL
             SELECT {}, 1 FROM messages m WHERE m.id <= ?1
               AND m.id IN (SELECT message_id FROM search_pending UNION SELECT message_id FROM growing)",
            indexing::TEXT,
            indexing::TEXT,
        ))?;
        let mut rows = statement.query([indexing::indexed(connection)?])?;
        while let Some(row) = rows.next()? {
            let (mut text, mut content) = indexing::read(row)?;
            if row.get(5)? {
                content.push_str(&growth::grown_text(connection, text.id)?);
            }
            let folded = fold(unicode, &content);
            if query.is_met_by(&folded) {
                text.length = folded.len() as u32;
                builder.add(text, &folded);
                texts.push(text);
            }
        }
        let ids = connection
            .prepare_cached(
                "SELECT message_id FROM search_pending UNION SELECT message_id FROM growing",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<i64>>>()?;
        changed.extend(ids);
        let (head, pieces) = builder.finish();
        Ok(((head, texts, pieces), changed))
    }

    /// The titles that are hits, and how the terms stand in them.
    fn titles(&self, query: &Query, scope: &Scope) -> Read<Vec<(Text, Vec<Hit>)>> {
        if !scope.with_titles {
            return Ok(Vec::new());
        }
        let unicode = &*self.env.unicode;
        let mut builder = Builder::default();
        let mut texts = Vec::new();
        for titled in &scope.titled {
            let folded = fold(unicode, &titled.title);
            if !query.is_met_by(&folded) {
                continue;
            }
            let text = Text {
                id: -titled.id,
                conversation: titled.id,
                created_at: titled.updated_at,
                role: 0,
                length: folded.len() as u32,
            };
            if scope.is_in_time(text.created_at) {
                builder.add(text, &folded);
                texts.push(text);
            }
        }
        let (head, pieces) = builder.finish();
        let hits = of_terms(&head, &Kept::new(pieces), &query.required)?;
        Ok(texts
            .into_iter()
            .enumerate()
            .map(|(place, text)| (text, hits.iter().map(|hits| hits[place]).collect()))
            .collect())
    }

    fn give(
        &self,
        query: &Query,
        options: &SearchQuery,
        cursor: Option<&Cursor>,
        statistics: &Statistics,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<SearchHit>> {
        let limit = options.limit.unwrap_or(DEFAULT_HITS) as usize;
        let is_before = |rank: &Rank| cursor.is_some_and(|cursor| *rank >= cursor.rank);
        let mut candidates = BinaryHeap::from(candidates);
        let mut conversations = HashMap::new();
        let mut hits: Vec<SearchHit> = Vec::new();
        let mut seen = HashSet::new();
        while hits.len() < limit
            && let Some(candidate) = candidates.pop()
        {
            // In groups, what comes before decides which conversations were given already.
            if !options.group && is_before(&candidate.rank)
                || options.group && seen.contains(&candidate.conversation)
            {
                continue;
            }
            let Some(mut hit) = self.hit(query, &candidate, &mut conversations)? else {
                continue;
            };
            if options.group {
                seen.insert(candidate.conversation);
                if is_before(&candidate.rank) {
                    continue;
                }
                hit.count = Some(1);
            }
            hit.cursor = Cursor {
                rank: candidate.rank,
                statistics: (options.order == SearchOrder::Relevance).then(|| statistics.clone()),
            }
            .write();
            hits.push(hit);
        }
        if options.group {
            let places: HashMap<_, _> = hits
                .iter()
                .enumerate()
                .map(|(index, hit)| (hit.conversation.id, index))
                .collect();
            let mut counts = vec![0; hits.len()];
            for candidate in candidates {
                if let Some(index) = places.get(&candidate.conversation)
                    && self.is_hit(query, &candidate)?
                {
                    counts[*index] += 1;
                }
            }
            for (hit, count) in hits.iter_mut().zip(counts) {
                hit.count = hit.count.map(|one| one + count);
            }
        }
        Ok(hits)
    }

    /// Whether a candidate is there, and what is looked for in it.
    fn is_hit(&self, query: &Query, candidate: &Candidate) -> Result<bool> {
        if !candidate.is_unsure {
            return Ok(true);
        }
        let message = messages::get(&self.connection, candidate.rank.id)?;
        let unicode = &*self.env.unicode;
        Ok(message.is_some_and(|it| query.is_met_by(&fold(unicode, &it.content))))
    }

    fn hit(
        &self,
        query: &Query,
        candidate: &Candidate,
        known: &mut HashMap<i64, Option<Conversation>>,
    ) -> Result<Option<SearchHit>> {
        let (connection, unicode) = (&self.connection, &*self.env.unicode);
        let id = candidate.conversation;
        let conversation = match known.get(&id) {
            Some(conversation) => conversation.clone(),
            None => {
                let conversation = conversations::get(connection, &ConversationKey::Id(id))?;
                known.insert(id, conversation.clone());
                conversation
            }
        };
        let Some(conversation) = conversation else {
            return Ok(None);
        };
        let (kind, text, message) = if candidate.rank.id < 0 {
            (HitKind::Title, conversation.title.clone(), None)
        } else {
            let Some(mut message) = messages::get(connection, candidate.rank.id)? else {
                return Ok(None);
            };
            let text = std::mem::take(&mut message.content);
            if candidate.is_unsure && !query.is_met_by(&fold(unicode, &text)) {
                return Ok(None);
            }
            (HitKind::Message, text, Some(message.into()))
        };
        let snippet = snippet(unicode, &text, &query.required);
        Ok(Some(SearchHit {
            kind,
            message,
            conversation,
            snippet: snippet.text,
            ranges: snippet.ranges,
            cursor: String::new(),
            count: None,
        }))
    }
}

fn of_terms(head: &Head, source: &dyn Source, terms: &[Term]) -> Read<Vec<Vec<Hit>>> {
    let segment = Segment { head, source };
    terms.iter().map(|term| hits(&segment, term)).collect()
}

fn of_segment<'a>(
    query: &Query,
    segment: &'a Loaded,
    source: &dyn Source,
    changed: &'a HashSet<i64>,
) -> Read<Found<'a>> {
    let no_one_is_hidden = segment.gone.is_empty() && changed.is_empty();
    Ok(Found {
        texts: &segment.texts,
        required: of_terms(&segment.head, source, &query.required)?,
        excluded: of_terms(&segment.head, source, &query.excluded)?,
        is_hidden: Box::new(move |id| {
            !no_one_is_hidden && (segment.gone.contains(&id) || changed.contains(&id))
        }),
    })
}

fn statistics(found: &[Found<'_>], terms: usize, now: i64) -> Statistics {
    let mut statistics = Statistics {
        found: vec![0; terms],
        now,
        ..Statistics::default()
    };
    let mut length = 0_u64;
    for found in found {
        statistics.texts += found.texts.len() as u32;
        length += found
            .texts
            .iter()
            .map(|it| u64::from(it.length))
            .sum::<u64>();
        for (count, hits) in statistics.found.iter_mut().zip(&found.required) {
            *count += hits.iter().filter(|hit| hit.is_any()).count() as u32;
        }
    }
    statistics.length = length as f32 / statistics.texts.max(1) as f32;
    statistics
}

/// Where is looked.
struct Scope {
    /// The conversations, with their titles.
    titled: Vec<Titled>,
    /// The same, by id; `None`: all there are.
    among: Option<HashSet<i64>>,
    role: Option<u8>,
    since: i64,
    until: i64,
    with_titles: bool,
}

impl Scope {
    /// `None` if nothing can be found.
    fn new(connection: &Connection, options: &SearchQuery) -> Result<Option<Self>> {
        let only = match &options.conversation_id {
            None => None,
            Some(key) => match conversations::find(connection, key)? {
                Some(chat) => Some(chat.id),
                None => return Ok(None),
            },
        };
        let mut titled = Vec::new();
        let mut all = 0;
        let mut statement = connection.prepare_cached(
            "SELECT id, title, updated_at, archived, trashed_at IS NOT NULL, brain
             FROM conversations WHERE ?1 IS NULL OR id = ?1",
        )?;
        let mut rows = statement.query([only])?;
        while let Some(row) = rows.next()? {
            all += 1;
            let is_archived = engine::flag(row, 3)?;
            let is_wanted = only.is_some()
                || !row.get::<_, bool>(4)?
                    && match options.archived {
                        Whether::Any => true,
                        Whether::Yes => is_archived,
                        Whether::No => !is_archived,
                    };
            let is_of_brain = match &options.brain {
                Some(brain) => engine::text(row, 5)? == *brain,
                None => true,
            };
            if is_wanted && is_of_brain {
                titled.push(Titled {
                    id: row.get(0)?,
                    title: engine::text(row, 1)?,
                    updated_at: engine::time(row, 2)?.millis(),
                });
            }
        }
        let is_all = only.is_none() && titled.len() == all;
        Ok(Some(Self {
            among: (!is_all).then(|| titled.iter().map(|it| it.id).collect()),
            titled,
            role: options
                .role
                .map(|role| indexing::role_number(role.as_str())),
            since: options.since.map_or(i64::MIN, Timestamp::millis),
            until: options.until.map_or(i64::MAX, Timestamp::millis),
            with_titles: options.role.is_none(),
        }))
    }

    fn is_in_time(&self, at: i64) -> bool {
        self.since <= at && at < self.until
    }

    fn has(&self, text: &Text) -> bool {
        self.is_in_time(text.created_at)
            && self.role.is_none_or(|role| role == text.role)
            && (self.among.as_ref()).is_none_or(|among| among.contains(&text.conversation))
    }
}

/// A place among the hits, and what ranks went by.
struct Cursor {
    rank: Rank,
    /// Of an order by relevance.
    statistics: Option<Statistics>,
}

impl Cursor {
    fn write(&self) -> String {
        let Self { rank, statistics } = self;
        let Some(statistics) = statistics else {
            return format!("n.{}.{}", rank.at, rank.id);
        };
        let mut text = format!(
            "r.{}.{}.{}.{}.{}.{}.{}",
            rank.at,
            rank.id,
            u8::from(rank.is_at_start),
            rank.score.to_bits(),
            statistics.now,
            statistics.texts,
            statistics.length.to_bits(),
        );
        for count in &statistics.found {
            text.push('.');
            text.push_str(&count.to_string());
        }
        text
    }

    fn read(text: &str, order: SearchOrder) -> Result<Self> {
        let (kind, rest) = text.split_once('.').ok_or_else(foreign_cursor)?;
        let numbers = rest.split('.').map(|number| number.parse::<i64>().ok());
        let numbers: Vec<i64> = numbers.collect::<Option<_>>().ok_or_else(foreign_cursor)?;
        let small = |number: i64| u32::try_from(number).map_err(|_| foreign_cursor());
        match (kind, order, numbers.as_slice()) {
            ("n", SearchOrder::Newest, &[at, id]) => Ok(Self {
                rank: Rank {
                    is_at_start: false,
                    score: 0.0,
                    at,
                    id,
                },
                statistics: None,
            }),
            (
                "r",
                SearchOrder::Relevance,
                &[
                    at,
                    id,
                    is_at_start,
                    score,
                    now,
                    texts,
                    length,
                    ref found @ ..,
                ],
            ) => Ok(Self {
                rank: Rank {
                    is_at_start: is_at_start == 1,
                    score: f32::from_bits(small(score)?),
                    at,
                    id,
                },
                statistics: Some(Statistics {
                    texts: small(texts)?,
                    length: f32::from_bits(small(length)?),
                    found: found.iter().map(|it| small(*it)).collect::<Result<_>>()?,
                    now,
                }),
            }),
            _ => Err(foreign_cursor()),
        }
    }
}

fn foreign_cursor() -> StoreError {
    StoreError::invalid(
        "after is not the cursor of a hit of this search: give one as it came, with the same query and order",
    )
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}
