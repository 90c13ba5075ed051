//! The index of search: which messages are in it, how it is kept up, how it is read.
//!
//! Nothing is indexed within a call that writes: a new message is above `store_state.indexed`, and any
//! other that changes is noted by a trigger as pending. Both are found by looking at their text, until a
//! step made while the worker is idle takes them in. An index that is damaged is made anew.

use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, params};

use super::Store;
use super::engine::{self, Ask};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::Durability;
use crate::search::fold::fold;
use crate::search::ids::Ids;
use crate::search::merge::{Merge, Step};
use crate::search::segment::{Builder, Fault, Head, Kind, Piece, Read, Segment, Source, Text};

/// When the index goes on, and how far at a time.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// A step takes in at most so many messages ...
    pub step_texts: u32,
    /// ... and stops after so many bytes of text.
    pub step_bytes: usize,
    /// A step of merging reads about so many bytes of lists.
    pub step_merge: usize,
    /// So many segments of about one size are merged; each size is so many times the one below.
    pub fanout: u32,
    /// Texts of a segment of the smallest size. Fewer are looked at by each search, rather than made a
    /// segment of.
    pub smallest: u32,
    /// A search has the index go on first where more than so many are not in it.
    pub tolerable: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            step_texts: 512,
            step_bytes: 256 * 1024,
            step_merge: 256 * 1024,
            fanout: 8,
            smallest: 256,
            tolerable: 2_048,
        }
    }
}

/// A segment that is part of the index.
pub(super) struct Loaded {
    pub id: i64,
    pub head: Head,
    pub texts: Rc<[Text]>,
    /// Ids of its texts that are not to be found in it.
    pub gone: Ids,
}

struct Merging {
    /// The segment it makes.
    id: i64,
    /// Those it is made of, and the ids that were gone from each when it began.
    of: Vec<(i64, Ids)>,
    merge: Merge,
}

/// What is kept in memory of the index. The tables say it all: it may be forgotten at any time.
#[derive(Default)]
pub(super) struct Index {
    tuning: Tuning,
    loaded: Option<Rc<Vec<Loaded>>>,
    merging: Option<Merging>,
}

impl Index {
    /// Forgets what was read: the tables have changed.
    pub fn forget(&mut self) {
        self.loaded = None;
        self.merging = None;
    }
}

/// The pieces of a segment in its table.
pub(super) struct Pieces<'a> {
    pub connection: &'a Connection,
    pub segment: i64,
}

const SEGMENT_BITS: i64 = 32;

fn key(segment: i64, kind: Kind, number: u32) -> i64 {
    (segment << SEGMENT_BITS) | (kind as i64) << 28 | i64::from(number)
}

impl Source for Pieces<'_> {
    fn piece(&self, kind: Kind, number: u32) -> Read<Rc<[u8]>> {
        let read = || -> Result<Option<Rc<[u8]>>> {
            Ok(self
                .connection
                .row(
                    "SELECT data FROM search_pieces WHERE id = ?1",
                    params![key(self.segment, kind, number)],
                    |row| Ok(row.get_ref(0)?.as_blob().map(Rc::from).ok()),
                )
                .optional()?
                .flatten())
        };
        read().map_err(failed)?.ok_or(Fault::Damaged)
    }
}

impl Store {
    /// The segments of the index, after it was made anew if it cannot be read.
    pub(super) fn segments(&mut self) -> Result<Rc<Vec<Loaded>>> {
        if let Some(loaded) = &self.index.loaded {
            return Ok(Rc::clone(loaded));
        }
        self.reload()?;
        Ok(Rc::clone(self.index.loaded.get_or_insert_default()))
    }

    /// Drops an index that cannot be read, so that it is made anew.
    ///
    /// # Errors
    /// What `fault` was, if it was not that; those of writing.
    pub(super) fn drop_index(&mut self, fault: Fault) -> Result<()> {
        let why = cause(fault);
        if why.code != ErrorCode::Corrupt {
            return Err(why);
        }
        self.index.forget();
        self.write(|writing| Ok(clear(writing.connection)?))
    }

    /// Sets when the index goes on: tests meet with few messages what otherwise takes many.
    pub fn tune_index(&mut self, tuning: Tuning) {
        self.index.tuning = tuning;
    }

    /// About how many messages are not in the index yet.
    fn unindexed(&self) -> Result<i64> {
        Ok(self.connection.row(
            "SELECT max(coalesce((SELECT max(id) FROM messages), 0) - indexed, 0)
                   + (SELECT count(*) FROM search_pending
                      WHERE message_id NOT IN (SELECT message_id FROM growing))
                 FROM store_state",
            params![],
            |row| row.get(0),
        )?)
    }

    /// Whether the index has something to do that is worth it.
    ///
    /// # Errors
    /// Those of reading.
    pub fn needs_indexing(&self) -> Result<bool> {
        let tuning = &self.index.tuning;
        let has_to_merge = |loaded: &Rc<Vec<Loaded>>| !choose(loaded, tuning).is_empty();
        Ok(self.index.merging.is_some()
            || self.index.loaded.as_ref().is_some_and(has_to_merge)
            || self.unindexed()? >= i64::from(tuning.smallest))
    }

    /// Has the index go on a step, and says whether there is more to do. Nothing waits for its flush: what
    /// is lost of it is done again.
    ///
    /// # Errors
    /// Those of writing. The index is as it was.
    pub fn index_step(&mut self) -> Result<bool> {
        let durability = self.durability;
        self.set_durability(Durability::Relaxed)?;
        let stepped = if self.unindexed()? >= i64::from(self.index.tuning.smallest) {
            self.take_in().map(|()| true)
        } else {
            self.merge_on()
        };
        if stepped.is_err() {
            self.index.forget();
        }
        if let Some(durability) = durability {
            self.set_durability(durability)?;
        }
        stepped
    }

    /// Before a search: has the index go on if a search would look at too many texts.
    pub(super) fn catch_up(&mut self) -> Result<()> {
        while self.unindexed()? > i64::from(self.index.tuning.tolerable) {
            match self.index_step() {
                // Then they are all looked at.
                Err(error) if error.code == ErrorCode::QuotaExceeded => break,
                stepped => stepped?,
            };
        }
        Ok(())
    }

    /// Takes messages in that are not in the index, the changed ones first.
    fn take_in(&mut self) -> Result<()> {
        let segments = self.segments()?;
        let Tuning {
            step_texts,
            step_bytes,
            ..
        } = self.index.tuning;
        let (connection, unicode) = (&self.connection, &*self.env.unicode);
        let pending = connection.rows(
            "SELECT message_id FROM search_pending
                 WHERE message_id NOT IN (SELECT message_id FROM growing) LIMIT ?1",
            params![step_texts],
            |row| row.get(0),
        )?;
        let mut builder = Builder::default();
        let mut bytes = 0;
        let mut taken = Vec::new();
        let indexed = indexed(connection)?;
        for id in pending {
            if bytes >= step_bytes {
                break;
            }
            taken.push(id);
            // What is above comes in its turn; what is below 1 is another program's, and is not found.
            if (1..=indexed).contains(&id)
                && let Some((text, content)) = read_one(connection, id)?
            {
                bytes += content.len();
                builder.add(text, &fold(unicode, &content));
            }
        }
        let mut last = indexed;
        let mut growing = Vec::new();
        {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {TEXT}, m.id IN (SELECT message_id FROM growing)
                 FROM messages m WHERE m.id > ?1 ORDER BY m.id LIMIT ?2"
            ))?;
            let mut rows = statement.query(params![indexed, step_texts])?;
            while bytes < step_bytes && builder.len() < step_texts as usize {
                let Some(row) = rows.next()? else { break };
                let (text, content) = read(row)?;
                last = text.id;
                if row.get(5)? {
                    growing.push(text.id);
                } else {
                    bytes += content.len();
                    builder.add(text, &fold(unicode, &content));
                }
            }
        }
        let is_new = !builder.is_empty();
        let (head, _, pieces) = builder.finish();
        let gone = Ids::new(taken.iter().copied().filter(|id| *id <= indexed).collect());
        let id = next_segment(connection, &self.index)?;
        self.write(|writing| {
            let connection = writing.connection;
            for segment in segments.iter() {
                let mut all = segment.gone.as_slice().to_vec();
                let ids = segment.texts.iter().map(|it| it.id);
                all.extend(ids.filter(|id| gone.contains(*id)));
                let all = Ids::new(all);
                if all != segment.gone {
                    set_gone(connection, segment.id, &all)?;
                }
            }
            for id in &taken {
                connection.run(
                    "DELETE FROM search_pending WHERE message_id = ?1",
                    params![id],
                )?;
            }
            for id in &growing {
                connection.run(
                    "INSERT OR IGNORE INTO search_pending VALUES (?1)",
                    params![id],
                )?;
            }
            if is_new {
                keep(connection, id, &pieces)?;
                insert(connection, id, &head, &Ids::default())?;
                note_segments(connection)?;
            }
            connection.run("UPDATE store_state SET indexed = ?1", params![last])?;
            Ok(())
        })?;
        self.reload()
    }

    /// Merges segments a step on, if there are some to be merged.
    fn merge_on(&mut self) -> Result<bool> {
        let segments = self.segments()?;
        let merging = match self.index.merging.take() {
            Some(merging) => merging,
            None => match self.begin_merge(&segments) {
                Ok(Some(merging)) => merging,
                Ok(None) => return Ok(false),
                Err(fault) => {
                    self.drop_index(fault)?;
                    return Ok(true);
                }
            },
        };
        let Merging { id, of, merge } = merging;
        let connection = &self.connection;
        let sources: Vec<_> = of
            .iter()
            .map(|(segment, _)| Pieces {
                connection,
                segment: *segment,
            })
            .collect();
        let sources: Vec<&dyn Source> = sources.iter().map(|it| it as &dyn Source).collect();
        match merge.step(&sources, self.index.tuning.step_merge) {
            Ok(Step::Pieces(merge, pieces)) => {
                self.write(|writing| keep(writing.connection, id, &pieces))?;
                self.index.merging = Some(Merging { id, of, merge });
            }
            Ok(Step::Done(head, pieces)) => {
                // What went while it was made.
                let mut gone = Vec::new();
                for (segment, before) in &of {
                    if let Some(now) = segments.iter().find(|it| it.id == *segment) {
                        let now = now.gone.as_slice().iter();
                        gone.extend(now.filter(|id| !before.contains(**id)));
                    }
                }
                self.write(|writing| {
                    let connection = writing.connection;
                    keep(connection, id, &pieces)?;
                    for (segment, _) in &of {
                        remove(connection, *segment)?;
                    }
                    if head.texts > 0 {
                        insert(connection, id, &head, &Ids::new(gone))?;
                    }
                    note_segments(connection)
                })?;
                self.reload()?;
            }
            Err(fault) => self.drop_index(fault)?,
        }
        Ok(true)
    }

    fn begin_merge(&self, segments: &[Loaded]) -> Read<Option<Merging>> {
        let chosen = choose(segments, &self.index.tuning);
        if chosen.is_empty() {
            return Ok(None);
        }
        // What an interrupted merge has left.
        let remove_rest = || -> Result<()> {
            self.connection.run(
                "DELETE FROM search_pieces WHERE id >> 32 NOT IN (SELECT id FROM search_segments)",
                params![],
            )?;
            Ok(())
        };
        remove_rest().map_err(failed)?;
        let connection = &self.connection;
        let sources: Vec<_> = chosen
            .iter()
            .map(|it| Pieces {
                connection,
                segment: it.id,
            })
            .collect();
        let read: Vec<_> = chosen
            .iter()
            .zip(&sources)
            .map(|(it, source)| Segment {
                head: &it.head,
                source,
            })
            .collect();
        let merge = Merge::begin(read.iter().zip(chosen.iter().map(|it| &it.gone)))?;
        Ok(Some(Merging {
            id: next_segment(connection, &self.index).map_err(failed)?,
            of: chosen.iter().map(|it| (it.id, it.gone.clone())).collect(),
            merge,
        }))
    }

    /// Reads what has changed, and keeps what has not; makes the index anew if it cannot be read.
    fn reload(&mut self) -> Result<()> {
        let known = self.index.loaded.take().unwrap_or_default();
        match load(&self.connection, &known) {
            Ok(loaded) => {
                self.index.loaded = Some(Rc::new(loaded));
                Ok(())
            }
            Err(fault) => self.drop_index(fault),
        }
    }
}

/// Whether there are the segments that there should be, with their texts.
pub(super) fn loads(connection: &Connection) -> Result<bool> {
    match load(connection, &[]) {
        Ok(_) => Ok(true),
        Err(fault) => match cause(fault) {
            why if why.code == ErrorCode::Corrupt => Ok(false),
            why => Err(why),
        },
    }
}

/// Empties the index: every message is to be taken in.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "UPDATE store_state SET indexed = 0, segments = 0;
         DELETE FROM search_segments;
         DELETE FROM search_pieces;
         DELETE FROM search_pending;",
    )
}

/// Which segments are to be one: so many of about one size, or one that is mostly of texts that are gone.
fn choose<'a>(segments: &'a [Loaded], tuning: &Tuning) -> Vec<&'a Loaded> {
    let Tuning {
        smallest, fanout, ..
    } = *tuning;
    if let Some(mostly_gone) = segments
        .iter()
        .find(|it| it.gone.len() * 2 > it.texts.len())
    {
        return vec![mostly_gone];
    }
    let size = |it: &Loaded| (it.head.texts / smallest.max(1)).max(1).ilog(fanout);
    let largest = segments.iter().map(size).max().unwrap_or(0);
    (0..=largest)
        .map(|wanted| {
            segments
                .iter()
                .filter(|it| size(it) == wanted)
                .collect::<Vec<_>>()
        })
        .find(|found| found.len() >= fanout as usize)
        .map(|mut found| {
            found.truncate(fanout as usize);
            found
        })
        .unwrap_or_default()
}

pub(super) fn indexed(connection: &Connection) -> Result<i64> {
    Ok(
        connection.row("SELECT indexed FROM store_state", params![], |row| {
            row.get(0)
        })?,
    )
}

type Row = (i64, Vec<u8>, Vec<u8>);

fn rows(connection: &Connection) -> Result<Vec<Row>> {
    Ok(connection.rows(
        "SELECT id, head, gone FROM search_segments ORDER BY id",
        params![],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?)
}

/// Stands for which segments there are: one that is lost is damage too.
fn print(rows: &[Row]) -> i64 {
    rows.iter().fold(0, |print: i64, (id, head, _)| {
        // A head ends in its checksum.
        let sum = head.last_chunk().map_or(0, |sum| u32::from_le_bytes(*sum));
        let print = print.wrapping_mul(31).wrapping_add(*id);
        print.wrapping_mul(31).wrapping_add(i64::from(sum))
    })
}

/// Notes which segments there are now.
fn note_segments(connection: &Connection) -> Result<()> {
    connection.run(
        "UPDATE store_state SET segments = ?1",
        params![print(&rows(connection)?)],
    )?;
    Ok(())
}

/// The segments as the tables have them; the texts of those that are known are not read again.
fn load(connection: &Connection, known: &[Loaded]) -> Read<Vec<Loaded>> {
    let rows = rows(connection).map_err(failed)?;
    let noted: i64 = connection
        .row("SELECT segments FROM store_state", params![], |row| {
            row.get(0)
        })
        .map_err(failed)?;
    if noted != print(&rows) {
        return Err(Fault::Damaged);
    }
    rows.into_iter()
        .map(|(id, head, gone)| {
            let head = Head::read(&head)?;
            let texts = match known.iter().find(|it| it.id == id) {
                Some(known) => Rc::clone(&known.texts),
                None => texts(connection, id, &head)?,
            };
            Ok(Loaded {
                id,
                texts,
                gone: Ids::read(&gone)?,
                head,
            })
        })
        .collect()
}

fn texts(connection: &Connection, segment: i64, head: &Head) -> Read<Rc<[Text]>> {
    let source = Pieces {
        connection,
        segment,
    };
    let segment = Segment {
        head,
        source: &source,
    };
    Ok(segment.texts()?.into())
}

/// The id of the segment after all there are, and after the one being made.
fn next_segment(connection: &Connection, index: &Index) -> Result<i64> {
    let last: i64 = connection.row(
        "SELECT coalesce(max(id), 0) FROM search_segments",
        params![],
        |row| row.get(0),
    )?;
    let made = index.merging.as_ref().map_or(0, |it| it.id);
    Ok(last.max(made) + 1)
}

fn insert(connection: &Connection, id: i64, head: &Head, gone: &Ids) -> Result<()> {
    connection.run(
        "INSERT INTO search_segments (id, head, gone) VALUES (?1, ?2, ?3)",
        params![id, head.write(), gone.write()],
    )?;
    Ok(())
}

fn keep(connection: &Connection, segment: i64, pieces: &[Piece]) -> Result<()> {
    for piece in pieces {
        connection.run(
            "INSERT OR REPLACE INTO search_pieces (id, data) VALUES (?1, ?2)",
            params![key(segment, piece.kind, piece.number), piece.bytes],
        )?;
    }
    Ok(())
}

fn remove(connection: &Connection, segment: i64) -> Result<()> {
    connection.run(
        "DELETE FROM search_segments WHERE id = ?1",
        params![segment],
    )?;
    connection.run(
        "DELETE FROM search_pieces WHERE id >= ?1 AND id < ?2",
        params![segment << SEGMENT_BITS, (segment + 1) << SEGMENT_BITS],
    )?;
    Ok(())
}

fn set_gone(connection: &Connection, segment: i64, gone: &Ids) -> Result<()> {
    connection.run(
        "UPDATE search_segments SET gone = ?2 WHERE id = ?1",
        params![segment, gone.write()],
    )?;
    Ok(())
}

/// The columns of a text, of `messages m`.
pub(super) const TEXT: &str = "m.id, m.conversation_id, m.created_at, m.role, m.content";

/// A text as these columns have it, with its content as it is in the row.
pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Text, String)> {
    let text = Text {
        id: row.get(0)?,
        conversation: row.get(1)?,
        created_at: engine::time(row, 2)?.millis(),
        role: role_number(&engine::text(row, 3)?),
        length: 0,
    };
    Ok((text, engine::text(row, 4)?))
}

pub(super) fn read_one(connection: &Connection, id: i64) -> Result<Option<(Text, String)>> {
    Ok(connection
        .row(
            &format!("SELECT {TEXT} FROM messages m WHERE m.id = ?1"),
            params![id],
            read,
        )
        .optional()?)
}

/// A role in the index.
pub(super) fn role_number(role: &str) -> u8 {
    match role {
        "user" => 0,
        "assistant" => 1,
        _ => 2,
    }
}

/// A failure of the engine, on its way through the reading of a segment.
pub(super) fn failed(error: impl Into<StoreError>) -> Fault {
    Fault::Failed(Box::new(error.into()))
}

/// Why the index cannot be read.
pub(super) fn cause(fault: Fault) -> StoreError {
    let failed = match fault {
        Fault::Failed(error) => error.downcast().ok(),
        Fault::Damaged => None,
    };
    failed.map_or_else(
        || {
            StoreError::new(
                ErrorCode::Corrupt,
                "the index of search cannot be read; the chats are not concerned",
            )
        },
        |error| *error,
    )
}
