//! Search: what the index says, what is not in it yet, and titles; in order, with snippets.
//!
//! Only a hit that is given is read. The index gives candidates in the order of their rank; those of
//! which it is not sure are looked at in their text when it is their turn.

use std::collections::BinaryHeap;

use rusqlite::{Connection, params};

use super::engine::{self, Ask};
use super::indexing::{self, Pieces, failed};
use super::{Store, conversations, growth, messages};
use crate::error::{Result, StoreError};
use crate::model::{
    Conversation, ConversationKey, DEFAULT_HITS, HitKind, MAX_SEARCH, SearchHit, SearchOrder,
    SearchQuery, Whether, fingerprint,
};
use crate::search::candidates::{Candidate, Filter, Found, Order, best, statistics};
use crate::search::fold::fold;
use crate::search::ids::Ids;
use crate::search::query::Query;
use crate::search::rank::{Rank, Statistics};
use crate::search::segment::{Builder, Kept, Read, Text};
use crate::search::snippet::snippet;
use crate::time::Timestamp;

/// Of so many more candidates than wanted hits, some may turn out to be none.
const SPARE: usize = 16;
/// So many are kept apart while the rest is looked through; all, where more are wanted.
const MANY: usize = 2_000;

/// A conversation, as far as it decides what is found.
struct Titled {
    id: i64,
    title: String,
    updated_at: i64,
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
        let asked = SearchQuery {
            limit: None,
            after: None,
            ..options.clone()
        };
        let print = fingerprint(&(&query, asked));
        let after = options.after.as_deref();
        let cursor = after
            .map(|text| Cursor::read(text, print).ok_or_else(foreign_cursor))
            .transpose()?;
        if query.required.is_empty() {
            return Ok(Vec::new());
        }
        self.catch_up()?;
        match self.search_index(&query, options, print, cursor.as_ref()) {
            Err(fault) => {
                self.drop_index(fault)?;
                self.catch_up()?;
                self.search_index(&query, options, print, cursor.as_ref())
                    .map_err(indexing::cause)
            }
            Ok(hits) => Ok(hits),
        }
    }

    fn search_index(
        &mut self,
        query: &Query,
        options: &SearchQuery,
        print: i64,
        cursor: Option<&Cursor>,
    ) -> Read<Vec<SearchHit>> {
        let segments = self.segments().map_err(failed)?;
        let connection = &self.connection;
        let Some(scope) = Scope::new(connection, options).map_err(failed)? else {
            return Ok(Vec::new());
        };
        let none = Ids::default();
        let changed = self.changed().map_err(failed)?;
        let (head, texts, pieces) = self.scan(query).map_err(failed)?.finish();
        let source = Kept::new(pieces);
        let mut found = vec![Found::new(query, (&head, &texts), &source, [&none; 2])?];
        for segment in segments.iter() {
            let source = Pieces {
                connection,
                segment: segment.id,
            };
            let hidden = [&segment.gone, &changed];
            let known = (&segment.head, &*segment.texts);
            found.push(Found::new(query, known, &source, hidden)?);
        }
        let statistics = match cursor.map(|it| &it.statistics) {
            Some(statistics) => statistics.clone(),
            None => statistics(&found, self.env.now().millis()),
        };
        let (head, texts, pieces) = self.titles(query, &scope).finish();
        let source = Kept::new(pieces);
        found.push(Found::new(query, (&head, &texts), &source, [&none; 2])?);

        let limit = options.limit.unwrap_or(DEFAULT_HITS) as usize;
        let mut count = limit + SPARE;
        if options.group || count > MANY {
            count = usize::MAX;
        }
        loop {
            let is_relevance = options.order == SearchOrder::Relevance;
            let order = Order {
                relevance: is_relevance.then_some(&statistics),
                // In groups, what comes before decides which conversations were given already.
                below: cursor.filter(|_| !options.group).map(|it| it.rank),
                count,
            };
            let candidates = best(&found, &scope.filter, &order);
            let is_all = candidates.len() < count;
            let mut hits = self
                .give(query, options, cursor, candidates)
                .map_err(failed)?;
            if is_all || hits.len() == limit {
                for (hit, rank) in &mut hits {
                    hit.cursor = Cursor {
                        rank: *rank,
                        statistics: statistics.clone(),
                    }
                    .write(print);
                }
                return Ok(hits.into_iter().map(|it| it.0).collect());
            }
            count = usize::MAX;
        }
    }

    /// Messages of which the index does not say what they are.
    fn changed(&self) -> Result<Ids> {
        let ids = self.connection.rows(
            "SELECT message_id FROM search_pending UNION SELECT message_id FROM growing",
            params![],
            |row| row.get(0),
        )?;
        Ok(Ids::new(ids))
    }

    /// Looks at the texts that are not in the index as they are now, for those that are hits.
    fn scan(&self, query: &Query) -> Result<Builder> {
        let connection = &self.connection;
        let mut looked = Builder::default();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {0}, m.id IN (SELECT message_id FROM growing) FROM messages m WHERE m.id > ?1
             UNION ALL
             SELECT {0}, 1 FROM messages m WHERE m.id BETWEEN 1 AND ?1
               AND m.id IN (SELECT message_id FROM search_pending UNION SELECT message_id FROM growing)",
            indexing::TEXT,
        ))?;
        let mut rows = statement.query([indexing::indexed(connection)?])?;
        while let Some(row) = rows.next()? {
            let (text, mut content) = indexing::read(row)?;
            if row.get(5)? {
                content.push_str(&growth::grown_text(connection, text.id)?);
            }
            let folded = fold(&*self.env.unicode, &content);
            if query.is_met_by(&folded) {
                looked.add(text, &folded);
            }
        }
        Ok(looked)
    }

    /// The titles that are hits.
    fn titles(&self, query: &Query, scope: &Scope) -> Builder {
        let mut looked = Builder::default();
        // Ids below 1 are another program's: a title's hit is told by that.
        for titled in scope.titled.iter().filter(|it| it.id > 0) {
            let folded = fold(&*self.env.unicode, &titled.title);
            if query.is_met_by(&folded) {
                let text = Text {
                    id: -titled.id,
                    conversation: titled.id,
                    created_at: titled.updated_at,
                    role: 0,
                    length: 0,
                };
                looked.add(text, &folded);
            }
        }
        looked
    }

    fn give(
        &self,
        query: &Query,
        options: &SearchQuery,
        cursor: Option<&Cursor>,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<(SearchHit, Rank)>> {
        let limit = options.limit.unwrap_or(DEFAULT_HITS) as usize;
        let mut candidates = BinaryHeap::from(candidates);
        let mut known = Vec::new();
        let mut hits: Vec<(SearchHit, Rank)> = Vec::new();
        // The conversations of groups that come before, and of those that are given.
        let mut before = Vec::new();
        let mut given = Vec::new();
        while hits.len() < limit
            && let Some(candidate) = candidates.pop()
        {
            let id = candidate.conversation;
            if options.group {
                if before.contains(&id) {
                    continue;
                }
                if let Some(index) = given.iter().position(|it| *it == id) {
                    self.count(query, &candidate, &mut hits[index].0)?;
                    continue;
                }
            }
            let Some(mut hit) = self.hit(query, &candidate, &mut known)? else {
                continue;
            };
            if options.group && cursor.is_some_and(|cursor| candidate.rank >= cursor.rank) {
                before.push(id);
                continue;
            }
            hit.count = options.group.then_some(1);
            given.push(id);
            hits.push((hit, candidate.rank));
        }
        if options.group {
            for candidate in candidates {
                if let Some(index) = given.iter().position(|it| *it == candidate.conversation) {
                    self.count(query, &candidate, &mut hits[index].0)?;
                }
            }
        }
        Ok(hits)
    }

    /// Counts one more of a group, if it is a hit.
    fn count(&self, query: &Query, candidate: &Candidate, hit: &mut SearchHit) -> Result<()> {
        if self.is_hit(query, candidate)? {
            hit.count = hit.count.map(|count| count + 1);
        }
        Ok(())
    }

    /// Whether a candidate is there, and what is looked for in it.
    fn is_hit(&self, query: &Query, candidate: &Candidate) -> Result<bool> {
        // A title was looked at already.
        if !candidate.is_unsure || candidate.rank.id < 0 {
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
        known: &mut Vec<(i64, Option<Conversation>)>,
    ) -> Result<Option<SearchHit>> {
        let (connection, unicode) = (&self.connection, &*self.env.unicode);
        let id = candidate.conversation;
        let place = known.binary_search_by_key(&id, |it| it.0);
        let place = match place {
            Ok(place) => place,
            Err(place) => {
                let conversation = conversations::get(connection, &ConversationKey::Id(id))?;
                known.insert(place, (id, conversation));
                place
            }
        };
        let conversation = known[place].1.clone();
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

/// Where is looked.
struct Scope {
    /// The conversations whose titles are looked at.
    titled: Vec<Titled>,
    filter: Filter,
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
        let among = (!is_all).then(|| Ids::new(titled.iter().map(|it| it.id).collect()));
        if options.role.is_some() {
            titled.clear();
        }
        Ok(Some(Self {
            titled,
            filter: Filter {
                role: options
                    .role
                    .map(|role| indexing::role_number(role.as_str())),
                since: options.since.map_or(i64::MIN, Timestamp::millis),
                until: options.until.map_or(i64::MAX, Timestamp::millis),
                among,
            },
        }))
    }
}

/// A place among the hits, and what ranks went by.
struct Cursor {
    rank: Rank,
    statistics: Statistics,
}

impl Cursor {
    /// For the search that `print` stands for.
    fn write(&self, print: i64) -> String {
        let Self { rank, statistics } = self;
        let mut text = format!(
            "{print}.{}.{}.{}.{}.{}.{}.{}",
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

    /// `None` if it is none of that search.
    fn read(text: &str, print: i64) -> Option<Self> {
        let numbers = text.split('.').map(|number| number.parse::<i64>().ok());
        let numbers: Vec<i64> = numbers.collect::<Option<_>>()?;
        let small = |number: i64| u32::try_from(number).ok();
        match *numbers.as_slice() {
            [
                of,
                at,
                id,
                is_at_start,
                score,
                now,
                texts,
                length,
                ref found @ ..,
            ] if of == print => Some(Self {
                rank: Rank {
                    is_at_start: is_at_start == 1,
                    score: f32::from_bits(small(score)?),
                    at,
                    id,
                },
                statistics: Statistics {
                    texts: small(texts)?,
                    length: f32::from_bits(small(length)?),
                    found: found.iter().map(|it| small(*it)).collect::<Option<_>>()?,
                    now,
                },
            }),
            _ => None,
        }
    }
}

fn foreign_cursor() -> StoreError {
    StoreError::invalid(
        "after is not the cursor of a hit of this search: give one as it came, with the same query and options",
    )
}
