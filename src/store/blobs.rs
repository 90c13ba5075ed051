//! Attachments: bytes by their SHA-256, each kept once, in pieces.
//!
//! A message or conversation keeps one by naming it, anywhere in its parts, metadata or source:
//! `conversation-store:sha256-<hex>`. The names are noted in `blob_refs` when such a text is written,
//! so that what nobody names is found without reading texts. It stays a day, for whoever has put it
//! and not yet named it.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::base64;
use super::engine::Ask;
use super::{Store, Writing, engine};
use crate::error::{Result, StoreError};
use crate::model::{Json, Message, StoredBlob};
use crate::time::Timestamp;

/// What a reference begins with.
const PREFIX: &str = "conversation-store:sha256-";
/// Hexadecimal digits of a hash.
const DIGITS: usize = 64;
/// Bytes of a piece.
pub const PIECE: i64 = 262_144;
/// Pieces that one attachment may have at most: its place in the ids of pieces.
const MOST_PIECES: i64 = 1 << 20;
/// `extractBlobs` leaves data: URLs up to so many bytes where they are.
const EXTRACTED_FROM: usize = 16_384;
/// Milliseconds for which an attachment that nobody names is kept: a day.
const KEPT_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// A SHA-256 that is made of pieces.
#[derive(Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash, in hexadecimal.
    pub fn finish(self) -> String {
        let mut hex = String::with_capacity(DIGITS);
        for byte in self.0.finalize() {
            for digit in [byte >> 4, byte & 15] {
                hex.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        hex
    }
}

impl Store {
    /// What is known of the attachment of that hash or reference, if all of it is there.
    ///
    /// # Errors
    /// `invalid-argument` for what is no hash.
    pub fn get_blob(&self, hash: &str) -> Result<Option<StoredBlob>> {
        let hash = hash_of(hash)?;
        Ok(find(&self.connection, hash)?.and_then(|row| row.complete.then(|| row.blob(hash))))
    }

    /// The bytes of an attachment from `offset` on, a piece at most; none at its end.
    ///
    /// # Errors
    /// `not-found`, `invalid-argument`.
    pub fn get_blob_piece(&self, hash: &str, offset: i64) -> Result<Vec<u8>> {
        let row = find(&self.connection, hash_of(hash)?)?
            .filter(|row| row.complete)
            .ok_or_else(|| StoreError::not_found("there is no such attachment (any more)"))?;
        if offset < 0 || offset % PIECE != 0 {
            return Err(StoreError::invalid(format!(
                "offset: pieces begin at multiples of {PIECE}"
            )));
        }
        piece(&self.connection, row.id, offset / PIECE)
    }

    /// Keeps a piece of an attachment; the last one completes it. Asked for again, it stays as it is.
    ///
    /// # Errors
    /// `invalid-argument`.
    pub fn put_blob_piece(
        &mut self,
        hash: &str,
        size: i64,
        media_type: &str,
        offset: i64,
        bytes: &[u8],
    ) -> Result<()> {
        let hash = hash_of(hash)?;
        let expected = (size - offset).min(PIECE);
        if !(0..MOST_PIECES * PIECE).contains(&size)
            || offset < 0
            || offset % PIECE != 0
            || bytes.len() as i64 != expected
            || media_type.len() > 1_000
        {
            return Err(StoreError::invalid(
                "blob: give at most 256 GB, with a type of at most 1,000 bytes",
            ));
        }
        if offset == 0 {
            // A store may be open for weeks.
            self.collect_blobs()?;
        }
        self.write(|writing| {
            let id = begin(writing, hash, size, media_type)?;
            put(writing.connection, id, offset / PIECE, bytes)?;
            finish(writing.connection, id, size)
        })
    }

    /// Drops what there is of an attachment that never became complete: there was no space for the rest.
    ///
    /// # Errors
    /// `invalid-argument` for what is no hash, and those of writing.
    pub fn drop_blob(&mut self, hash: &str) -> Result<()> {
        let hash = hash_of(hash)?;
        self.write(|writing| {
            let connection = writing.connection;
            match find(connection, hash)? {
                Some(row) if !row.complete => remove(connection, row.id),
                _ => Ok(()),
            }
        })
    }

    /// Takes over the attachments of another store.
    pub(super) fn merge_blobs(&mut self, other: &Self) -> Result<()> {
        let blobs = other.connection.rows::<(String, i64, String)>(
            "SELECT hash, size, type FROM blobs WHERE complete",
            params![],
            |row| Ok((engine::text(row, 0)?, row.get(1)?, engine::text(row, 2)?)),
        )?;
        for (hash, size, media_type) in blobs {
            let mut offset = 0;
            loop {
                let bytes = other.get_blob_piece(&hash, offset)?;
                let put = self.put_blob_piece(&hash, size, &media_type, offset, &bytes);
                if put.is_err() {
                    // If it stays, it goes after a day.
                    let _ = self.drop_blob(&hash);
                }
                put?;
                offset += PIECE;
                if offset >= size {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether there are any attachments.
    pub(super) fn has_blobs(&self) -> Result<bool> {
        Ok(self
            .connection
            .row("SELECT EXISTS (SELECT 1 FROM blobs)", params![], |row| {
                row.get(0)
            })?)
    }

    /// Drops what has not been named for a day.
    ///
    /// # Errors
    /// Those of writing.
    pub fn collect_blobs(&mut self) -> Result<()> {
        if !self.has_blobs()? {
            return Ok(());
        }
        self.write(|writing| {
            let now = writing.now;
            let connection = writing.connection;
            connection
                .run(
                    "UPDATE blobs SET unreferenced_at = CASE WHEN named THEN NULL ELSE ?1 END
                     FROM (SELECT id, EXISTS (SELECT 1 FROM blob_refs r WHERE r.hash = b.hash) AS named
                           FROM blobs b) AS now
                     WHERE now.id = blobs.id AND named = (unreferenced_at IS NOT NULL)",
                    params![now.to_sql()],
                )?;
            let old = Timestamp::from_millis(now.millis() - KEPT_MILLIS);
            let gone = connection
                .rows::<i64>(
                    "SELECT id FROM blobs WHERE unreferenced_at <= ?1",
                    params![old.to_sql()],
                    |row| row.get(0),
                )?;
            gone.into_iter().try_for_each(|id| remove(connection, id))
        })
    }
}

struct Row {
    id: i64,
    size: i64,
    media_type: String,
    complete: bool,
}

impl Row {
    fn blob(self, hash: &str) -> StoredBlob {
        StoredBlob {
            reference: format!("{PREFIX}{hash}"),
            hash: hash.to_owned(),
            size: self.size,
            media_type: self.media_type,
        }
    }
}

fn find(connection: &Connection, hash: &str) -> Result<Option<Row>> {
    Ok(connection
        .row(
            "SELECT id, size, type, complete FROM blobs WHERE hash = ?1",
            params![hash],
            |row| {
                Ok(Row {
                    id: row.get(0)?,
                    size: row.get(1)?,
                    media_type: engine::text(row, 2)?,
                    complete: row.get(3)?,
                })
            },
        )
        .optional()?)
}

/// The id of an attachment, noted if it is new; its day begins anew.
fn begin(writing: &mut Writing<'_>, hash: &str, size: i64, media_type: &str) -> Result<i64> {
    let now = writing.now.to_sql();
    Ok(writing.connection.row(
        "INSERT INTO blobs (hash, size, type, complete, unreferenced_at) VALUES (?1, ?2, ?3, 0, ?4)
             ON CONFLICT (hash) DO UPDATE SET unreferenced_at =
               CASE WHEN unreferenced_at IS NULL THEN NULL ELSE excluded.unreferenced_at END
             RETURNING id",
        params![hash, size, media_type, now],
        |row| row.get(0),
    )?)
}

fn put(connection: &Connection, id: i64, number: i64, bytes: &[u8]) -> Result<()> {
    connection.run(
        "INSERT OR IGNORE INTO blob_pieces (id, data) VALUES (?1, ?2)",
        params![id * MOST_PIECES + number, bytes],
    )?;
    Ok(())
}

/// Marks an attachment complete if it is.
fn finish(connection: &Connection, id: i64, size: i64) -> Result<()> {
    connection.run(
        "UPDATE blobs SET complete = 1 WHERE id = ?1 AND NOT complete AND ?4 =
               (SELECT count(*) FROM blob_pieces WHERE id >= ?2 AND id < ?3)",
        params![
            id,
            id * MOST_PIECES,
            (id + 1) * MOST_PIECES,
            // An empty one has an empty piece.
            ((size + PIECE - 1) / PIECE).max(1),
        ],
    )?;
    Ok(())
}

/// Removes one with its pieces.
pub(super) fn remove(connection: &Connection, id: i64) -> Result<()> {
    connection.run(
        "DELETE FROM blob_pieces WHERE id >= ?1 AND id < ?2",
        params![id * MOST_PIECES, (id + 1) * MOST_PIECES],
    )?;
    connection.run("DELETE FROM blobs WHERE id = ?1", params![id])?;
    Ok(())
}

pub(super) fn piece(connection: &Connection, id: i64, number: i64) -> Result<Vec<u8>> {
    let bytes = connection
        .row(
            "SELECT data FROM blob_pieces WHERE id = ?1",
            params![id * MOST_PIECES + number],
            |row| row.get(0),
        )
        .optional()?;
    Ok(bytes.unwrap_or_default())
}

/// The hash in a reference, or that is given as it is.
fn hash_of(text: &str) -> Result<&str> {
    let hash = text.strip_prefix(PREFIX).unwrap_or(text);
    if is_hash(hash) {
        Ok(hash)
    } else {
        Err(StoreError::invalid(format!(
            "ref: give '{PREFIX}' and 64 hexadecimal digits, as putBlob gave it"
        )))
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == DIGITS
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// The hashes that a text names.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(PREFIX).filter_map(|(at, _)| {
        let from = at + PREFIX.len();
        text.get(from..from + DIGITS).filter(|hash| is_hash(hash))
    })
}

/// Notes which attachments a message's texts name, or, of message 0, those of its conversation.
pub(super) fn refer(
    connection: &Connection,
    conversation: i64,
    message: i64,
    texts: &[Option<&str>],
) -> Result<()> {
    connection.run(
        "DELETE FROM blob_refs WHERE conversation_id = ?1 AND message_id = ?2",
        params![conversation, message],
    )?;
    for text in texts.iter().flatten() {
        add_references(connection, conversation, message, text)?;
    }
    Ok(())
}

/// Notes which attachments one more text names.
pub(super) fn add_references(
    connection: &Connection,
    conversation: i64,
    message: i64,
    text: &str,
) -> Result<()> {
    for hash in named(text) {
        connection
            .run(
                "INSERT OR IGNORE INTO blob_refs (hash, conversation_id, message_id) VALUES (?1, ?2, ?3)",
                params![hash, conversation, message],
            )?;
    }
    Ok(())
}

/// Puts attachments in the place of a JSON text's long data: URLs.
pub(super) fn extract(writing: &mut Writing<'_>, json: &mut Option<Json>) -> Result<()> {
    let Some(text) = json else { return Ok(()) };
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\"data:") {
        let from = at + 1;
        let Some(length) = rest[from..].find('"') else {
            break;
        };
        let url = &rest[from..from + length];
        out.push_str(&rest[..from]);
        match url.split_once(";base64,") {
            Some((head, data)) if url.len() > EXTRACTED_FROM => match base64::decode(data) {
                Some(bytes) => match keep(writing, &head["data:".len()..], &bytes)? {
                    Some(reference) => out.push_str(&reference),
                    // The same bytes are there as another type: this one would come back as that.
                    None => out.push_str(url),
                },
                // Not what it says it is: left as it is.
                None => out.push_str(url),
            },
            _ => out.push_str(url),
        }
        rest = &rest[from + length..];
    }
    if !out.is_empty() {
        out.push_str(rest);
        *json = Some(out);
    }
    Ok(())
}

/// Keeps bytes as an attachment and gives the reference, unless they are kept as another type.
fn keep(writing: &mut Writing<'_>, media_type: &str, bytes: &[u8]) -> Result<Option<String>> {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    let hash = hasher.finish();
    if find(writing.connection, &hash)?.is_some_and(|row| row.media_type != media_type) {
        return Ok(None);
    }
    let size = bytes.len() as i64;
    let id = begin(writing, &hash, size, media_type)?;
    for (number, piece) in bytes.chunks(PIECE as usize).enumerate() {
        put(writing.connection, id, number as i64, piece)?;
    }
    finish(writing.connection, id, size)?;
    Ok(Some(format!("{PREFIX}{hash}")))
}

/// Puts data: URLs in the place of a message's references, where the attachment is there.
pub(super) fn inline(connection: &Connection, message: &mut Message) -> Result<()> {
    inline_text(connection, &mut message.content)?;
    let jsons = [
        &mut message.parts,
        &mut message.metadata,
        &mut message.source,
    ];
    for text in jsons.into_iter().flatten() {
        inline_text(connection, text)?;
    }
    Ok(())
}

fn inline_text(connection: &Connection, text: &mut String) -> Result<()> {
    // Of one that comes twice, the second is not found any more.
    let hashes: Vec<String> = named(text).map(str::to_owned).collect();
    for hash in hashes {
        let Some(row) = find(connection, &hash)?.filter(|row| row.complete) else {
            continue;
        };
        let mut bytes = Vec::new();
        for number in 0..(row.size + PIECE - 1) / PIECE {
            bytes.extend(piece(connection, row.id, number)?);
        }
        let url = format!("data:{};base64,{}", row.media_type, base64::encode(&bytes));
        *text = text.replace(&format!("{PREFIX}{hash}"), &url);
    }
    Ok(())
}
