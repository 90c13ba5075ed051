//! Any tree of messages leaves by our own export and comes into an empty store as it was: values, order,
//! branches, head. Through the crate of formats, as files do.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::io::Cursor;

use common::{World, key};
use conversation_formats::{reader, writer};
use conversation_store::model::*;
use conversation_store::store::Store;
use conversation_store::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

fn word() -> impl Strategy<Value = String> {
    "[a-z가-힣🌱\"\\\\\n\u{0}`#<>_-]{0,12}"
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_000_i64..1_000_000).prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[a-z_]{1,9}", inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        word().prop_map(|text| json!({ "type": "text", "text": text })),
        value().prop_map(|value| json!({ "type": "data-x", "data": value })),
        word().prop_map(|text| json!({ "text": text, "type": "reasoning", "state": "done" })),
    ]
}

#[derive(Clone, Debug)]
struct Said {
    parent: Option<prop::sample::Index>,
    role: Role,
    parts: Result<String, Vec<Value>>,
    extra: [Option<Value>; 4],
    status: Status,
    at: Option<i64>,
}

fn said() -> impl Strategy<Value = Said> {
    (
        prop::option::weighted(0.9, any::<prop::sample::Index>()),
        prop::sample::select(vec![Role::User, Role::Assistant, Role::System]),
        prop_oneof![
            word().prop_map(Ok),
            prop::collection::vec(part(), 0..4).prop_map(Err)
        ],
        [
            prop::option::of(value()),
            prop::option::of(value()),
            prop::option::of(value()),
            prop::option::of(value()),
        ],
        prop::sample::select(vec![
            Status::Complete,
            Status::Waiting,
            Status::Aborted,
            Status::Error,
        ]),
        prop::option::of(0_i64..2_000_000_000_000),
    )
        .prop_map(|(parent, role, parts, extra, status, at)| Said {
            parent,
            role,
            parts,
            extra,
            status,
            at,
        })
}

fn json_of(value: &Option<Value>) -> Option<Option<String>> {
    value.as_ref().map(|value| Some(value.to_string()))
}

fn write(store: &mut Store, chat: i64, said: &[Said]) {
    let mut ids = Vec::new();
    for message in said {
        let parent = match (&message.parent, ids.is_empty()) {
            (Some(index), false) => Some(MessageKey::Id(ids[index.index(ids.len())])),
            _ => None,
        };
        let (content, parts) = match &message.parts {
            Ok(text) => (Some(text.as_str()), None),
            Err(parts) => (None, Some(Value::from(parts.clone()).to_string())),
        };
        let extra = NewMessage {
            parts,
            parent_id: Some(parent),
            status: Some(message.status),
            created_at: message.at.map(Timestamp::from_millis),
            usage: json_of(&message.extra[0]),
            error: json_of(&message.extra[1]),
            metadata: json_of(&message.extra[2]),
            source: json_of(&message.extra[3]),
            model: Some(Some("m".into())),
            ..NewMessage::default()
        };
        let added = store
            .add_message(&key(chat), message.role, content, &extra)
            .unwrap();
        ids.push(added.id);
    }
}

/// All that a store gives, but for its own ids.
fn whole(store: &Store) -> Vec<(Conversation, Vec<Message>)> {
    let query = ConversationQuery {
        archived: Whether::Any,
        trashed: Whether::Any,
        ..ConversationQuery::default()
    };
    let all = MessageQuery {
        branches: Some(Branches::All),
        ..MessageQuery::default()
    };
    store
        .list_conversations(&query)
        .unwrap()
        .into_iter()
        .map(|mut row| {
            let mut rows = store.messages_for(&key(row.id), &all).unwrap();
            for message in &mut rows {
                (message.id, message.conversation_id) = (0, 0);
                message.parent_id = message.parent_id.map(|_| 0);
            }
            (row.id, row.head_id) = (0, row.head_id.map(|_| 0));
            (row, rows)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_leaves_comes_back(
        chats in prop::collection::vec((word(), prop::collection::vec(said(), 0..14), any::<[bool; 3]>()), 1..4),
        head in any::<prop::sample::Index>(),
    ) {
        let world = World::new(None, None);
        let mut store = world.open();
        for (title, said, [pinned, archived, trashed]) in &chats {
            world.tick(1_234);
            let chat = store.create_conversation(title, Some("b"), &NewConversation::default()).unwrap();
            write(&mut store, chat, said);
            let rows = store.messages_for(&key(chat), &MessageQuery { branches: Some(Branches::All), ..Default::default() }).unwrap();
            let head = (!rows.is_empty()).then(|| MessageKey::Id(rows[head.index(rows.len())].id));
            let patch = ConversationPatch {
                pinned: Some(*pinned),
                archived: Some(*archived),
                trashed: Some(*trashed),
                tags: Some(Some(vec!["일".into()])),
                metadata: Some(Some("{\"a\":[1]}".into())),
                head: Some(head),
                ..ConversationPatch::default()
            };
            store.update_conversation(&key(chat), &patch).unwrap();
        }

        let mut out = writer::Writer::new(&writer::Options::default()).unwrap();
        for id in 1..=chats.len() as i64 {
            let chat = store.export_chat(&key(id)).unwrap().unwrap();
            out.add(&serde_json::to_string(&chat).unwrap()).unwrap();
        }
        out.finish().unwrap();
        let file = Cursor::new(out.drain());

        let mut other = world.open();
        let mut reader = reader::Reader::new(file, reader::Options::default()).unwrap();
        while let Some(batch) = reader.next() {
            prop_assert!(batch.failures.is_empty(), "{:?}", batch.failures);
            let text = serde_json::to_string(&batch.conversations).unwrap();
            let chats: Vec<ImportedChat> = serde_json::from_str(&text).unwrap();
            let report = other.import_batch(&chats, &ImportingOptions::default()).unwrap();
            prop_assert!(report.failures.is_empty(), "{:?}", report.failures);
        }
        prop_assert_eq!(whole(&other), whole(&store));
        common::chats::check_whole(&mut other);
    }
}
