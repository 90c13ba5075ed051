//! Whether a file is whole, and all that it says: opened as whoever comes after a fault opens it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use conversation_store::model::{Durability, HitKind, SearchQuery, Whether};
use conversation_store::store::{Location, Store};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::disk::{Disk, Image};
use super::script::WORDS;
use super::stage::Ground;
use super::vfs::{self, MAIN, NAME};

/// Tables whose rows are what a store promises to keep, and what of them.
const KEPT: [(&str, &str); 11] = [
    ("conversations", "*"),
    ("messages", "*"),
    ("growth", "*"),
    ("growing", "*"),
    // Since when nobody names one is noted when that is next looked at, which an opening does.
    ("blobs", "id, hash, size, type, complete"),
    ("blob_pieces", "*"),
    ("blob_refs", "*"),
    ("deleted_imports", "*"),
    ("operations", "*"),
    ("named_operations", "*"),
    (
        "store_state",
        "lowest_writer, last_conversation_id, last_message_id",
    ),
];

/// Opens what is there, as it would be opened next, and returns all that it says.
///
/// # Errors
/// What is not right: it does not open, is damaged, was to be healed, or its index does not find what a
/// look at every text finds.
pub fn examine(image: &Image) -> Result<String, String> {
    vfs::aside(&Disk::of(image), look).map_err(|why| {
        let sizes = image
            .iter()
            .map(|(name, bytes)| format!("{name} {}", bytes.len()));
        format!("{why} (bytes: {})", sizes.collect::<Vec<_>>().join(", "))
    })
}

fn look() -> Result<String, String> {
    let ground = Ground::new();
    let location = Location::File {
        path: MAIN,
        vfs: Some(NAME),
    };
    let mut store = Store::open(location, Durability::Strict, ground.env())
        .map_err(|error| format!("it does not open: {:?}: {error}", error.code))?;
    let mut heal = || {
        store
            .heal(None)
            .map_err(|error| format!("it cannot be healed: {error}"))
    };
    let (healed, again) = (heal()?, heal()?);
    if again.healed > 0 {
        return Err(format!("it stays to be healed: {again:?}"));
    }
    let mut found = Vec::new();
    for word in WORDS {
        found.push(searched(&mut store, word)?);
    }
    store
        .close()
        .map_err(|error| format!("it does not close: {error}"))?;

    let connection = raw().map_err(|error| format!("SQLite does not open it: {error}"))?;
    let mut said = say(&connection).map_err(|error| format!("SQLite does not read it: {error}"))?;
    if healed.healed > 0 {
        // Only what another program has left is to be healed.
        let _ = writeln!(said, "HEALED: {healed:?}");
    }
    for (word, found) in WORDS.iter().zip(found) {
        let there = scanned(&connection, word).map_err(|error| error.to_string())?;
        if found != there {
            return Err(format!(
                "a search for '{word}' finds {found:?}, and a look at every text {there:?}"
            ));
        }
    }
    Ok(said)
}

/// The mounted database, as any program has it.
pub fn raw() -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags_and_vfs(
        MAIN,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        NAME,
    )?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    Ok(connection)
}

fn searched(store: &mut Store, word: &str) -> Result<BTreeSet<i64>, String> {
    let options = SearchQuery {
        limit: Some(1_000),
        archived: Whether::Any,
        ..Default::default()
    };
    let hits = store
        .search(word, &options)
        .map_err(|error| format!("it cannot be searched: {error}"))?;
    let id = |hit: &conversation_store::model::SearchHit| match (&hit.kind, &hit.message) {
        (HitKind::Message, Some(message)) => message.id,
        _ => -hit.conversation.id,
    };
    Ok(hits.iter().map(id).collect())
}

/// The same by the rule, for words whose folding is their lower case.
fn scanned(connection: &Connection, word: &str) -> rusqlite::Result<BTreeSet<i64>> {
    let mut statement = connection.prepare(
        "SELECT m.id, m.content FROM messages m
           JOIN conversations c ON c.id = m.conversation_id AND c.trashed_at IS NULL
         UNION ALL SELECT -id, title FROM conversations WHERE trashed_at IS NULL",
    )?;
    let mut rows = statement.query([])?;
    let mut found = BTreeSet::new();
    while let Some(row) = rows.next()? {
        if row.get::<_, String>(1)?.to_lowercase().contains(word) {
            found.insert(row.get(0)?);
        }
    }
    Ok(found)
}

fn say(connection: &Connection) -> rusqlite::Result<String> {
    let mut said = String::new();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    if verdict != "ok" {
        let _ = writeln!(said, "DAMAGED: {verdict}");
    }
    let strays: i64 =
        connection.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })?;
    if strays > 0 {
        let _ = writeln!(
            said,
            "DAMAGED: {strays} rows name others that are not there"
        );
    }
    for (table, columns) in KEPT {
        let mut statement = connection.prepare(&format!("SELECT {columns} FROM {table}"))?;
        let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
        let mut lines = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let mut line = table.to_owned();
            for (n, name) in names.iter().enumerate() {
                let _ = match row.get_ref(n)? {
                    ValueRef::Null => Ok(()),
                    // Counts what was written, and an opening more folds growth in once more.
                    ValueRef::Integer(_) if name == "revision" => write!(line, " revised"),
                    ValueRef::Integer(number) => write!(line, " {name}={number}"),
                    ValueRef::Real(number) => write!(line, " {name}={number}"),
                    ValueRef::Text(bytes) => {
                        write!(line, " {name}={}", brief(&String::from_utf8_lossy(bytes)))
                    }
                    ValueRef::Blob(bytes) => write!(line, " {name}=<{}>", print(bytes)),
                };
            }
            lines.push(line);
        }
        lines.sort();
        for line in lines {
            let _ = writeln!(said, "{line}");
        }
    }
    Ok(said)
}

/// Long texts by what stands for them.
fn brief(text: &str) -> String {
    if text.len() > 200 {
        format!("{} bytes <{}>", text.len(), print(text.as_bytes()))
    } else {
        format!("{text:?}")
    }
}

fn print(bytes: &[u8]) -> i64 {
    conversation_store::model::fingerprint(&bytes)
}

/// Whether nothing of what was said is missing, where only messages came.
pub fn holds(found: &str, before: &str) -> bool {
    let there: BTreeSet<_> = found.lines().collect();
    let mut messages = before.lines().filter(|line| line.starts_with("messages "));
    messages.all(|line| there.contains(line))
}

/// Of a difference, so much is told.
const MOST_LINES: usize = 12;

/// Where two differ, line by line.
pub fn difference(expected: &str, found: &str) -> String {
    let (wanted, there): (BTreeSet<_>, BTreeSet<_>) =
        (expected.lines().collect(), found.lines().collect());
    let missing = wanted.difference(&there).map(|line| format!("  - {line}"));
    let more = there.difference(&wanted).map(|line| format!("  + {line}"));
    let lines: Vec<_> = missing.chain(more).collect();
    let rest = lines.len().saturating_sub(MOST_LINES);
    let more = (rest > 0).then(|| format!("  and {rest} more"));
    let shown = lines.into_iter().take(MOST_LINES).chain(more);
    shown.collect::<Vec<_>>().join("\n")
}
