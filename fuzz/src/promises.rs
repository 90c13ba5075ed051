//! What holds of every store and every answer, whatever was done to it.

use conversation_store::error::{ErrorCode, Result};
use conversation_store::json;
use conversation_store::model::*;
use conversation_store::rpc::Response;
use conversation_store::search::fold::fold;
use conversation_store::search::native::Tables;
use conversation_store::search::query::Query;
use conversation_store::store::Store;
use serde::{Deserialize as _, Serialize};
use std::collections::BTreeSet;

use crate::world::File;

/// Fails for an error that callers were not promised.
pub fn is_typed<T>(outcome: Result<T>, codes: &[ErrorCode]) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(
                codes.contains(&error.code) && error.message.len() > 10,
                "{:?} is none of {codes:?}: {error}",
                error.code
            );
            None
        }
    }
}

/// Fails for rows that no page could parse.
pub fn is_json(value: &impl Serialize) -> String {
    let text = json::text(value).expect("rows are written as JSON");
    let mut parser = serde_json::Deserializer::from_str(&text);
    parser.disable_recursion_limit();
    let read = serde::de::IgnoredAny::deserialize(&mut parser).and_then(|_| parser.end());
    if let Err(error) = read {
        panic!("not JSON ({error}): {text}");
    }
    text
}

/// The same of an answer.
pub fn is_answer(response: &Response) {
    if !matches!(response, Response::Bytes(_)) {
        is_json(response);
    }
}

/// Everything that there is to read, as the page gets it.
pub fn everything(store: &Store) -> String {
    let mut all = String::new();
    for conversation in conversations(store) {
        let key = ConversationKey::Id(conversation.id);
        all.push_str(&is_json(&conversation));
        let query = MessageQuery {
            branches: Some(Branches::All),
            ..MessageQuery::default()
        };
        let tree = store
            .messages_for(&key, &query)
            .expect("its messages are read");
        assert_eq!(tree.len() as i64, conversation.message_count, "the count");
        let path = store
            .messages_for(&key, &MessageQuery::default())
            .expect("its path is read");
        let mut parent = None;
        for message in &path {
            assert_eq!(message.parent_id, parent, "a path follows its parents");
            assert!(tree.contains(message), "the path is of the tree");
            parent = Some(message.id);
        }
        assert_eq!(conversation.head_id, parent, "a path ends at the head");
        all.push_str(&is_json(&tree));
        all.push_str(&is_json(&path));
    }
    all
}

/// All of them.
pub fn conversations(store: &Store) -> Vec<Conversation> {
    let all = ConversationQuery {
        limit: Some(1_000_000),
        archived: Whether::Any,
        trashed: Whether::Any,
        ..ConversationQuery::default()
    };
    store.list_conversations(&all).expect("a list is read")
}

/// Nothing is left to heal, the file is whole by SQLite's own word, and its backup says the same.
pub fn is_sound(store: &mut Store) {
    let before = everything(store);
    let report = store.heal(None).expect("healing reads and writes");
    assert_eq!(report.healed, 0, "healed again: {report:?}");
    assert_eq!(
        everything(store),
        before,
        "healing a healed file changes nothing"
    );
    // Most of the time of an input is SQLite reading schemas: a file is made of some only.
    if before.len() % 4 != 0 {
        return;
    }
    let copy = File::new("copy");
    store.backup_into(copy.path()).expect("a backup is written");
    let connection = rusqlite::Connection::open(copy.path()).expect("a backup opens");
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a backup is checked");
    assert_eq!(verdict, "ok");
    let mut keys = connection
        .prepare("PRAGMA foreign_key_check")
        .expect("a backup is checked");
    assert!(
        !keys.exists([]).expect("a backup is checked"),
        "foreign keys"
    );
}

/// `search` finds what a scan of all texts finds, and nothing else.
pub fn is_complete(store: &mut Store, typed: &str) {
    if typed.len() > MAX_SEARCH {
        return;
    }
    let query = Query::parse(&Tables, typed);
    let mut expected = BTreeSet::new();
    for conversation in conversations(store) {
        if conversation.archived || conversation.trashed_at.is_some() {
            continue;
        }
        // An id that no store gives, of another program: it is read, and not found.
        if conversation.id > 0 && query.is_met_by(&fold(&Tables, &conversation.title)) {
            expected.insert((0, conversation.id));
        }
        let all = MessageQuery {
            branches: Some(Branches::All),
            ..MessageQuery::default()
        };
        let key = ConversationKey::Id(conversation.id);
        for message in store.messages_for(&key, &all).expect("read") {
            if message.id > 0 && query.is_met_by(&fold(&Tables, &message.content)) {
                expected.insert((1, message.id));
            }
        }
    }
    for order in [SearchOrder::Relevance, SearchOrder::Newest] {
        let mut found = BTreeSet::new();
        let mut after = None;
        loop {
            let options = SearchQuery {
                limit: Some(3),
                after: after.take(),
                order,
                ..SearchQuery::default()
            };
            let hits = store
                .search(typed, &options)
                .expect("nothing typed is an error");
            for hit in &hits {
                is_hit(hit);
                let key = match &hit.message {
                    None => (0, hit.conversation.id),
                    Some(message) => (1, message.id),
                };
                assert!(found.insert(key), "{key:?} is found twice by {typed:?}");
            }
            after = hits.last().map(|hit| hit.cursor.clone());
            if hits.len() < 3 {
                break;
            }
        }
        assert_eq!(found, expected, "by {typed:?}");
    }
}

fn is_hit(hit: &SearchHit) {
    is_json(hit);
    let units: Vec<u16> = hit.snippet.encode_utf16().collect();
    let mut last = 0;
    for (from, to) in &hit.ranges {
        assert!(
            *from >= last && from < to && *to as usize <= units.len(),
            "ranges {:?} of {:?}",
            hit.ranges,
            hit.snippet
        );
        let part = &units[*from as usize..*to as usize];
        assert!(
            String::from_utf16(part).is_ok(),
            "half a character is marked"
        );
        last = *to;
    }
}
