//! Stores with all that a store can hold, damage to their files, and what is left of them: by this
//! package's salvage, and by `sqlite3 .recover`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conversation_salvage::reader::{Reader, Summary};
use conversation_store::model::{
    ConversationKey, MessageKey, NewMessage, Role, SalvageReport, Status,
};
use conversation_store::store::{Hasher, Salvage};
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::common::random::Random;
use crate::common::{Lesson as _, World, key};

/// A main file and its log.
#[derive(Clone)]
pub struct Files {
    pub main: Vec<u8>,
    pub log: Vec<u8>,
}

impl Files {
    pub fn read(folder: &Path) -> Self {
        let read = |name: &str| fs::read(folder.join(name)).unwrap_or_default();
        Self {
            main: read("main.db"),
            log: read("main.db-wal"),
        }
    }

    pub fn write(&self, folder: &Path) {
        fs::write(folder.join("main.db"), &self.main).unwrap();
        if self.log.is_empty() {
            let _ = fs::remove_file(folder.join("main.db-wal"));
        } else {
            fs::write(folder.join("main.db-wal"), &self.log).unwrap();
        }
    }
}

const WORDS: [&str; 12] = [
    "대화",
    "저장소",
    "잃어버린",
    "브라우저",
    "memory",
    "salvage",
    "page",
    "첫",
    "회의록",
    "안녕하세요",
    "tree",
    "잎",
];

pub fn words(random: &mut Random, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push_str(WORDS[random.below(WORDS.len())]);
        text.push(' ');
    }
    text.push_str(&random.next().to_string());
    text
}

pub fn world(folder: &Path) -> World {
    World::new(Some(folder.join("main.db").to_str().unwrap().into()), None)
}

/// Makes a store with branches, parts, attachments, growing text and deleted rows, and gives its files,
/// some of them with much in the log.
pub fn make(seed: u64) -> Files {
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let page = [4_096, 8_192, 1_024, 8_192][random.below(4)];
    Connection::open(folder.path().join("main.db"))
        .unwrap()
        .execute_batch(&format!("PRAGMA page_size = {page}; VACUUM;"))
        .unwrap();
    let world = world(folder.path());
    world.set_pace(7);
    let mut store = world.open();
    let mut deleted = Vec::new();
    for n in 0..3 + random.below(10) {
        let title = words(&mut random, 3);
        let id = store.create(&title, Some("claude")).unwrap();
        let mut last = None;
        for m in 0..1 + random.below(24) {
            let length = match random.below(30) {
                0 => 2_000,
                1..4 => 300,
                _ => 12,
            };
            let text = words(&mut random, length);
            let role = if m % 2 == 0 {
                Role::User
            } else {
                Role::Assistant
            };
            let mut extra = NewMessage {
                model: random.chance(0.3).then(|| Some("some-model".into())),
                metadata: random.chance(0.3).then(|| Some(format!("{{\"n\":{m}}}"))),
                ..NewMessage::default()
            };
            if random.chance(0.1)
                && let Some(parent) = last
            {
                extra.parent_id = Some(Some(MessageKey::Id(parent)));
            }
            if random.chance(0.2) {
                extra.parts = Some(format!(
                    "[{{\"type\":\"text\",\"text\":{text:?}}},{{\"type\":\"tool\",\"n\":{m}}}]"
                ));
            }
            let content = extra.parts.is_none().then_some(text.as_str());
            let added = store.add_message(&key(id), role, content, &extra).unwrap();
            if random.chance(0.5) {
                last = Some(added.id);
            }
        }
        if n % 5 == 4 {
            deleted.push(id);
        }
        if random.chance(0.08) {
            attach(&mut store, &mut random, id);
        }
        if random.chance(0.3) {
            let message = NewMessage {
                status: Some(Status::Streaming),
                ..NewMessage::default()
            };
            let added = store
                .add_message(&key(id), Role::Assistant, Some("begins "), &message)
                .unwrap();
            for _ in 0..3 {
                let text = words(&mut random, 20);
                let id = MessageKey::Id(added.id);
                store.append_to_message(&id, &text, true).unwrap();
            }
        }
    }
    for id in deleted {
        store.delete_conversation(&ConversationKey::Id(id)).unwrap();
    }
    if random.chance(0.5) {
        // Most of it is in the main file, and some in the log.
        for _ in 0..10 {
            store.create("a few more", None).unwrap();
        }
        store.checkpoint().unwrap();
        let id = store.create(&words(&mut random, 3), None).unwrap();
        for _ in 0..random.below(12) {
            let text = words(&mut random, 40);
            store.add(&key(id), Role::User, &text).unwrap();
        }
    } else if random.chance(0.5) {
        store.close().unwrap();
        return Files::read(folder.path());
    }
    // As a crash leaves them.
    Files::read(folder.path())
}

fn attach(store: &mut conversation_store::store::Store, random: &mut Random, id: i64) {
    let bytes: Vec<u8> = (0..200_000 + random.below(100_000))
        .map(|n| (n * 7 + n / 251) as u8)
        .collect();
    let mut hasher = Hasher::default();
    hasher.update(&bytes);
    let hash = hasher.finish();
    for (n, piece) in bytes.chunks(262_144).enumerate() {
        let offset = n as i64 * 262_144;
        store
            .put_blob_piece(&hash, bytes.len() as i64, "image/png", offset, piece)
            .unwrap();
    }
    let extra = NewMessage {
        metadata: Some(Some(format!("\"conversation-store:sha256-{hash}\""))),
        ..NewMessage::default()
    };
    store
        .add_message(&key(id), Role::User, Some("look"), &extra)
        .unwrap();
}

/// Damages files in one of many ways, and says how.
pub fn damage(files: &mut Files, random: &mut Random) -> String {
    let mut said = Vec::new();
    for _ in 0..1 + random.below(3) {
        let hits_log = !files.log.is_empty() && random.chance(0.35);
        let bytes = if hits_log {
            &mut files.log
        } else {
            &mut files.main
        };
        let name = if hits_log { "log" } else { "main" };
        if bytes.len() < 2_000 {
            continue;
        }
        let size = if bytes.get(16..18) == Some(&[0x20, 0]) {
            8_192
        } else {
            4_096
        };
        let pages = bytes.len() / size;
        let page = |random: &mut Random| random.below(pages.max(1)) * size;
        let how = match random.below(8) {
            0 => {
                let keep = bytes.len() / 4 + random.below(bytes.len() * 3 / 4);
                bytes.truncate(keep);
                format!("{name} cut at {keep}")
            }
            1 => {
                let at = page(random);
                let end = (at + size * (1 + random.below(3))).min(bytes.len());
                bytes[at..end].fill(0);
                format!("{name} zeroed {at}..{end}")
            }
            2 | 3 => {
                let count = 1 + random.below(64);
                for _ in 0..count {
                    let at = random.below(bytes.len());
                    bytes[at] ^= 1 << random.below(8);
                }
                format!("{name} {count} bits")
            }
            4 => {
                let at = page(random);
                let end = (at + size).min(bytes.len());
                for byte in &mut bytes[at..end] {
                    *byte = random.next() as u8;
                }
                format!("{name} garbage {at}")
            }
            5 => {
                let (a, b) = (page(random), page(random));
                if a + size <= bytes.len() && b + size <= bytes.len() {
                    for n in 0..size {
                        bytes.swap(a + n, b + n);
                    }
                }
                format!("{name} swapped {a} {b}")
            }
            6 => {
                // The beginning of a page, where it says what it is.
                let at = page(random);
                for byte in &mut bytes[at..at + 12] {
                    *byte = random.next() as u8;
                }
                format!("{name} head of {at}")
            }
            _ => {
                let end = [100, 512, size][random.below(3)];
                bytes[..end].fill(0);
                format!("{name} first {end}")
            }
        };
        said.push(how);
    }
    said.join(", ")
}

/// What was salvaged of files, in a database in `folder`.
pub fn salvage(files: &Files, folder: &Path) -> (SalvageReport, Summary, PathBuf) {
    let path = folder.join("main.db");
    let world = world(folder);
    let mut salvage = Salvage::begin(path.to_str().unwrap(), None, world.env()).unwrap();
    let mut reader = Reader::new(files.main.clone(), files.log.clone());
    let mut batches = 0;
    while let Some(batch) = reader.next_batch() {
        salvage.take(&batch).unwrap();
        batches += 1;
        assert!(batches < 100_000, "it ends");
    }
    let report = salvage.finish(&mut || Ok(())).unwrap();
    (report, reader.summary(), path)
}

/// A sqlite3 whose `.recover` works: the one that `npm test` builds, or the system's.
fn sqlite3() -> Command {
    Command::new(std::env::var("SQLITE3_RECOVER").unwrap_or_else(|_| "sqlite3".to_owned()))
}

/// What `sqlite3 .recover` makes of files, in a database in `folder`; `None` where it makes nothing.
pub fn recover(files: &Files, folder: &Path) -> Option<PathBuf> {
    let damaged = folder.join("damaged");
    fs::create_dir(&damaged).unwrap();
    files.write(&damaged);
    let path = folder.join("recovered.db");
    let mut sql = sqlite3()
        .args([damaged.join("main.db").to_str().unwrap(), ".recover"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sqlite3 runs");
    sqlite3()
        .arg(path.to_str().unwrap())
        .stdin(sql.stdout.take().unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("sqlite3 runs");
    sql.wait().unwrap();
    path.exists().then_some(path)
}

/// What a store holds: each row as a text, equal where the row is.
pub type Rows = BTreeSet<String>;

/// The rows of a database file, of whatever program; those that are lost and found too.
pub fn rows(path: &Path) -> Rows {
    let connection = Connection::open(path).unwrap();
    let mut all = Rows::new();
    let text = |value: &Value| match value {
        Value::Blob(bytes) => format!("x{}", crc(bytes)),
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let mut pieces = std::collections::BTreeMap::new();
    let mut attachments = Vec::new();
    let mut collect = |sql: &str| {
        let Ok(mut statement) = connection.prepare(sql) else {
            return;
        };
        let is_piece = statement.column_count() == 2;
        let Ok(mut found) = statement.query([]) else {
            return;
        };
        while let Ok(Some(row)) = found.next() {
            if !is_piece {
                attachments.push((row.get(0), row.get(1), row.get(2)));
            } else if let (Ok(id), Ok(data)) = (row.get::<_, i64>(0), row.get::<_, Vec<u8>>(1)) {
                pieces.entry(id).or_insert(data);
            }
        }
    };
    collect("SELECT id, data FROM blob_pieces");
    collect("SELECT id, hash, size FROM blobs");
    let lost: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'lost_and_found%'")
        .and_then(|mut it| it.query_map([], |row| row.get(0))?.collect())
        .unwrap_or_default();
    for table in &lost {
        collect(&format!("SELECT id, c1 FROM {table} WHERE nfield = 2"));
        collect(&format!("SELECT id, c1, c2 FROM {table} WHERE nfield = 6"));
    }
    // One counts where all of its bytes are there.
    for (id, hash, size) in attachments {
        let (Ok(id), Ok(hash), Ok(size)) = (id, hash, size) else {
            continue;
        };
        let (id, hash, size): (i64, String, i64) = (id, hash, size);
        let bytes: Vec<u8> = pieces
            .range(id << 20..(id + 1) << 20)
            .flat_map(|(_, data)| data.iter().copied())
            .collect();
        if bytes.len() as i64 == size {
            all.insert(format!("attachment {hash} {}", crc(&bytes)));
        }
    }
    let mut add = |sql: &str, kind: &str| {
        let Ok(mut statement) = connection.prepare(sql) else {
            return;
        };
        let columns = statement.column_count();
        let Ok(mut found) = statement.query([]) else {
            return;
        };
        while let Ok(Some(row)) = found.next() {
            let values: Vec<_> = (0..columns)
                .map(|n| {
                    row.get::<_, Value>(n)
                        .map_or_else(|_| "?".into(), |it| text(&it))
                })
                .collect();
            all.insert(format!("{kind} {}", values.join("|")));
        }
    };
    add(
        "SELECT id, title, brain, uid FROM conversations",
        "conversation",
    );
    add(
        "SELECT id, conversation_id, role, content, uid FROM messages
         WHERE id NOT IN (SELECT message_id FROM growing)",
        "message",
    );
    for table in lost {
        add(
            &format!("SELECT id, c1, c2, c5 FROM {table} WHERE nfield >= 17 AND id IS NOT NULL"),
            "conversation",
        );
        add(
            &format!(
                "SELECT id, c1, c2, c3, c5 FROM {table} WHERE nfield >= 18 AND id IS NOT NULL"
            ),
            "message",
        );
        add(
            &format!("SELECT c1, c2, c3 FROM {table} WHERE nfield = 6"),
            "attachment",
        );
        add(
            &format!("SELECT id, c1 FROM {table} WHERE nfield = 2"),
            "piece",
        );
    }
    all
}

fn crc(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, byte| {
        sum.rotate_left(5).wrapping_mul(0x100_0000_01b3) ^ u64::from(*byte)
    })
}

/// The rows of whole files, as another program reads them.
pub fn truth(files: &Files) -> Rows {
    let folder = tempfile::tempdir().unwrap();
    files.write(folder.path());
    rows(&folder.path().join("main.db"))
}
