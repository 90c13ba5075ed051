//! What another program may leave in the columns: any type, any bytes, any JSON, rows without their like. The
//! file opens, is healed once and for all, and everything in it can be read, searched and written to.

use std::sync::OnceLock;

use conversation_store::error::ErrorCode;
use conversation_store::model::{ConversationKey, NewConversation, NewMessage, Role};
use conversation_store::store::{Store, Tuning};
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;
use rusqlite::types::Value;

use crate::invention::{Known, below, integer, json, text};
use crate::promises::{conversations, everything, is_complete, is_sound, is_typed};
use crate::world::{File, World};

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let known = &Known::default();
    let world = World::new(2);
    let file = File::of("stored", template());
    let is_index_whole = change(&file, bytes, known);
    let refusals = [
        ErrorCode::Corrupt,
        ErrorCode::SchemaTooNew,
        ErrorCode::UnsupportedFormat,
    ];
    let Some(mut store) = is_typed(world.open(&file), &refusals) else {
        return Corpus::Keep;
    };
    // What nothing marks is healed by a look at every row.
    store.heal(None).expect("it is healed");
    is_sound(&mut store);
    // Of an index that is not as it was left nobody promises what it finds, but that it is read.
    let look_for = |store: &mut Store, typed: &str| {
        if is_index_whole {
            is_complete(store, typed);
        } else {
            let found = store.search(typed, &Default::default());
            is_typed(found, &[ErrorCode::InvalidArgument]);
        }
    };
    look_for(&mut store, "the");
    store.index_step().expect("the index goes on");
    look_for(&mut store, &text(bytes, known));
    let before = everything(&store);
    store.close().expect("it closes");

    let mut store = world.open(&file).expect("it opens again");
    assert_eq!(everything(&store), before, "and is as it was left");
    for conversation in conversations(&store) {
        let key = ConversationKey::Id(conversation.id);
        let added = store.add_message(&key, Role::User, Some("more"), &NewMessage::default());
        is_typed(added, &[ErrorCode::Conflict, ErrorCode::InvalidArgument]);
    }
    is_sound(&mut store);
    Corpus::Keep
}

/// The file of a store that has everything: branches, parts, growth, an attachment, an index, records.
pub fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let world = World::new(1);
        let file = File::new("template");
        let mut store = world.open(&file).expect("a new file opens");
        store.tune_index(Tuning {
            smallest: 1,
            ..Tuning::default()
        });
        for (title, contents) in [
            ("one", &["the first", "and then"][..]),
            ("둘", &["회의", "cafe", "x"]),
        ] {
            let extra = NewConversation {
                tags: Some(vec!["tag".to_owned()]),
                metadata: Some("{\"a\":[1]}".to_owned()),
                ..NewConversation::default()
            };
            let id = store
                .create_conversation(title, None, &extra)
                .expect("created");
            let key = ConversationKey::Id(id);
            for content in contents {
                let added = store
                    .add_message(&key, Role::User, Some(content), &NewMessage::default())
                    .expect("added");
                let sibling = NewMessage {
                    parts: Some(format!(
                        "[{{\"type\":\"text\",\"text\":\"{content}\"}},{{\"type\":\"x\"}}]"
                    )),
                    parent_id: Some(Some(conversation_store::model::MessageKey::Id(added.id))),
                    source: Some(Some("{\"format\":\"f\"}".to_owned())),
                    ..NewMessage::default()
                };
                store
                    .add_message(&key, Role::Assistant, None, &sibling)
                    .expect("added");
                store
                    .add_message(&key, Role::Assistant, None, &sibling)
                    .expect("added");
            }
        }
        while store.index_step().expect("indexed") {}
        store.close().expect("closed");
        std::fs::read(file.path()).expect("read")
    })
}

const TABLES: [(&str, &[&str]); 11] = [
    (
        "messages",
        &[
            "id",
            "conversation_id",
            "role",
            "content",
            "created_at",
            "uid",
            "parent_id",
            "depth",
            "on_path",
            "parts",
            "status",
            "model",
            "usage",
            "finish_reason",
            "error",
            "metadata",
            "source",
            "imported",
            "revision",
        ],
    ),
    (
        "conversations",
        &[
            "id",
            "title",
            "brain",
            "created_at",
            "updated_at",
            "uid",
            "pinned",
            "archived",
            "trashed_at",
            "tags",
            "metadata",
            "source",
            "head_id",
            "head_uid",
            "message_count",
            "imported",
            "imported_head",
            "revision",
        ],
    ),
    ("growth", &["message_id", "start", "text"]),
    (
        "growing",
        &[
            "message_id",
            "conversation_id",
            "conversation_uid",
            "uid",
            "writer",
            "length",
            "is_new_part",
            "has_gap",
        ],
    ),
    (
        "blobs",
        &["id", "hash", "size", "type", "complete", "unreferenced_at"],
    ),
    ("blob_pieces", &["id", "data"]),
    ("blob_refs", &["hash", "conversation_id", "message_id"]),
    ("deleted_imports", &["conversation_id", "uid"]),
    ("search_segments", &["id", "head", "gone"]),
    ("search_pieces", &["id", "data"]),
    ("search_pending", &["message_id"]),
];

/// Another program changes a file; returns whether it left the tables of the index alone. What SQLite refuses
/// it does not change.
pub fn change(file: &File, bytes: &mut Unstructured<'_>, known: &Known) -> bool {
    let Ok(connection) = rusqlite::Connection::open(file.path()) else {
        return true;
    };
    let mut is_index_whole = true;
    let keys = below(bytes, 2) == 1;
    let _ = connection.execute_batch(if keys {
        "PRAGMA foreign_keys = ON"
    } else {
        "PRAGMA foreign_keys = OFF"
    });
    for _ in 0..1 + below(bytes, 8) {
        // Of the first two mostly.
        let (table, columns) = TABLES[below(bytes, 20).saturating_sub(9).min(10)];
        let column = columns[below(bytes, columns.len())];
        let nth = below(bytes, 12);
        let picked = format!("FROM {table} LIMIT 1 OFFSET {nth}");
        let key = columns[0];
        let change = match below(bytes, 8) {
            0 => {
                let of: Vec<_> = (0..1 + below(bytes, columns.len()))
                    .map(|at| columns[at])
                    .collect();
                let values: Vec<_> = of
                    .iter()
                    .map(|column| value(column, bytes, known))
                    .collect();
                let places = vec!["?"; values.len()].join(",");
                let sql = format!(
                    "INSERT OR REPLACE INTO {table} ({}) VALUES ({places})",
                    of.join(",")
                );
                connection.execute(&sql, rusqlite::params_from_iter(values))
            }
            1 => connection.execute(
                &format!("DELETE FROM {table} WHERE {key} = (SELECT {key} {picked})"),
                [],
            ),
            // Text that is no UTF-8, too.
            how => connection.execute(
                &format!(
                    "UPDATE OR IGNORE {table} SET {column} = iif(?2, CAST(?1 AS TEXT), ?1)
                     WHERE {key} = (SELECT {key} {picked})"
                ),
                rusqlite::params![value(column, bytes, known), how == 2],
            ),
        };
        is_index_whole &= !table.starts_with("search_") || !matches!(change, Ok(1..));
    }
    is_index_whole
}

fn value(column: &str, bytes: &mut Unstructured<'_>, known: &Known) -> Value {
    match below(bytes, 8) {
        0 => Value::Null,
        1 => Value::Integer(integer(bytes)),
        2 => Value::Real(bytes.arbitrary().unwrap_or(0.0)),
        3 => {
            let length = below(bytes, 16).min(bytes.len());
            Value::Blob(bytes.bytes(length).unwrap_or_default().to_vec())
        }
        _ => match column {
            "parts" | "tags" | "metadata" | "usage" | "error" | "source" => {
                Value::Text(json(bytes, known, 0))
            }
            "status" => Value::Text(["streaming", "waiting", "x"][below(bytes, 3)].to_owned()),
            "role" => Value::Text(["user", "assistant", "system"][below(bytes, 3)].to_owned()),
            _ if column.ends_with("id") || column == "depth" || column == "on_path" => {
                Value::Integer(integer(bytes))
            }
            _ => Value::Text(text(bytes, known)),
        },
    }
}
