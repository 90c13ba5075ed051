//! What the store does, case by case. Each runs in memory and on a file, natively and in wasm.

use conversation_store::error::ErrorCode;
use conversation_store::model::*;
use conversation_store::rpc::{Request, dispatch};
use conversation_store::store::{Change, Store};
use conversation_store::time::Timestamp;

use super::{Lesson as _, NOON, World, everything, key, refused};

/// Calls `$each!(name)` for every case.
#[macro_export]
macro_rules! for_each_case {
    ($each:ident) => {
        $each!(
            the_five_methods_of_the_lesson,
            text_comes_back_as_it_went_in,
            newest_conversation_first,
            equal_times_keep_the_order_of_ids,
            pages_meet_without_gap_or_overlap,
            messages_page_both_ways,
            a_cursor_must_be_of_the_conversation,
            filters_by_brain,
            limits_are_held,
            a_clock_set_back_reorders_nothing,
            one_call_has_one_time,
            title_and_brain_change_and_the_time_does_not,
            uids_name_rows_and_are_not_ids,
            an_absent_row_is_empty_or_refused,
            a_refusal_changes_nothing,
            an_id_is_never_given_twice,
            deleting_takes_the_messages_along,
            a_reopened_store_has_it_all,
            sql_in_a_string_is_text,
            requests_are_read_and_refused_by_name,
            backup_and_restore,
            restore_refuses_what_is_not_ours,
            an_operation_is_done_once,
            an_operation_is_one_request,
            records_go_when_their_answers_are_there,
            changes_are_told_of_what_was_committed
        );
    };
}

pub fn the_five_methods_of_the_lesson(world: &World) {
    let mut store = world.open();
    let id = store.create("Hello", None).unwrap();
    let first = store.add(&key(id), Role::User, "hi").unwrap();
    let second = store.add(&key(id), Role::Assistant, "hello").unwrap();
    assert!(first.id < second.id);

    let listed = store
        .list_conversations(&ConversationQuery::default())
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].id, listed[0].title.as_str()), (id, "Hello"));
    assert_eq!(listed[0].brain, "claude");

    let messages = store
        .messages_for(&key(id), &MessageQuery::default())
        .unwrap();
    let said: Vec<_> = messages
        .iter()
        .map(|it| (it.role, it.content.as_str()))
        .collect();
    assert_eq!(said, [(Role::User, "hi"), (Role::Assistant, "hello")]);
    assert_eq!(messages[0].created_at, Timestamp::from_millis(NOON));
    assert_eq!(messages[0].conversation_uid, listed[0].uid);

    assert_eq!(store.delete_conversation(&key(id)), Ok(1));
    assert_eq!(store.delete_conversation(&key(id)), Ok(0));
}

pub fn text_comes_back_as_it_went_in(world: &World) {
    let mut store = world.open();
    for text in [
        "",
        "오늘 회의록 🇰🇷👩‍👩‍👧‍👦",
        "a\0b",
        "\u{feff}bom",
        "e\u{301} é",
        "\r\n\t\u{2028}",
        "\u{10ffff}",
    ] {
        let id = store.create(text, Some("뇌\0")).unwrap();
        store.add(&key(id), Role::System, text).unwrap();
        let row = store.get_conversation(&key(id)).unwrap().unwrap();
        assert_eq!((row.title.as_str(), row.brain.as_str()), (text, "뇌\0"));
        let messages = store
            .messages_for(&key(id), &MessageQuery::default())
            .unwrap();
        assert_eq!(messages[0].content, text);
    }
    let long = "가".repeat(2_000_000);
    let id = store.create("long", None).unwrap();
    let added = store.add(&key(id), Role::User, &long).unwrap();
    let row = store
        .get_message(&MessageKey::Id(added.id))
        .unwrap()
        .unwrap();
    assert_eq!(row.content, long);
}

fn ids(store: &conversation_store::store::Store, query: ConversationQuery) -> Vec<i64> {
    store
        .list_conversations(&query)
        .unwrap()
        .iter()
        .map(|row| row.id)
        .collect()
}

pub fn newest_conversation_first(world: &World) {
    let mut store = world.open();
    let a = store.create("a", None).unwrap();
    world.tick(1);
    let b = store.create("b", None).unwrap();
    assert_eq!(ids(&store, ConversationQuery::default()), [b, a]);
    world.tick(1);
    store.add(&key(a), Role::User, "up").unwrap();
    assert_eq!(ids(&store, ConversationQuery::default()), [a, b]);
}

pub fn equal_times_keep_the_order_of_ids(world: &World) {
    let mut store = world.open();
    let conversations: Vec<_> = (0..5)
        .map(|n| store.create(&n.to_string(), None).unwrap())
        .collect();
    let newest_first: Vec<_> = conversations.iter().rev().copied().collect();
    assert_eq!(ids(&store, ConversationQuery::default()), newest_first);
    let messages: Vec<_> = (0..5)
        .map(|n| {
            let text = n.to_string();
            store
                .add(&key(conversations[0]), Role::User, &text)
                .unwrap()
                .id
        })
        .collect();
    let read: Vec<_> = store
        .messages_for(&key(conversations[0]), &MessageQuery::default())
        .unwrap()
        .iter()
        .map(|it| it.id)
        .collect();
    assert_eq!(read, messages);
}

pub fn pages_meet_without_gap_or_overlap(world: &World) {
    let mut store = world.open();
    for n in 0..23 {
        store.create(&n.to_string(), None).unwrap();
        world.tick(n % 3 % 2);
    }
    let all = ids(&store, ConversationQuery::default());
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .list_conversations(&ConversationQuery {
                limit: Some(4),
                after,
                ..ConversationQuery::default()
            })
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(ConversationCursor {
            id: last.id,
            updated_at: last.updated_at,
        });
        paged.extend(page.iter().map(|row| row.id));
    }
    assert_eq!(all.len(), 23);
    assert_eq!(paged, all);
}

pub fn messages_page_both_ways(world: &World) {
    let mut store = world.open();
    let id = store.create("long", None).unwrap();
    let other = store.create("other", None).unwrap();
    let mut all = Vec::new();
    for n in 0..17 {
        world.tick(n % 2);
        all.push(store.add(&key(id), Role::User, &n.to_string()).unwrap().id);
        store.add(&key(other), Role::User, "x").unwrap();
    }
    let page = |query: MessageQuery| -> Vec<i64> {
        let rows = store.messages_for(&key(id), &query).unwrap();
        rows.iter().map(|row| row.id).collect()
    };
    let limit = Some(5);
    assert_eq!(
        page(MessageQuery {
            limit,
            ..Default::default()
        }),
        all[12..]
    );
    for at in 0..17 {
        let cursor = Some(MessageCursor::Id(all[at]));
        let before = page(MessageQuery {
            limit,
            before: cursor.clone(),
            after: None,
            ..Default::default()
        });
        assert_eq!(before, all[at.saturating_sub(5)..at]);
        let after = page(MessageQuery {
            limit,
            before: None,
            after: cursor.clone(),
            ..Default::default()
        });
        assert_eq!(after, all[at + 1..17.min(at + 6)]);
        let rest = page(MessageQuery {
            limit: None,
            before: None,
            after: cursor,
            ..Default::default()
        });
        assert_eq!(rest, all[at + 1..]);
    }
}

pub fn a_cursor_must_be_of_the_conversation(world: &World) {
    let mut store = world.open();
    let a = store.create("a", None).unwrap();
    let b = store.create("b", None).unwrap();
    let here = store.add(&key(a), Role::User, "x").unwrap();
    let there = store.add(&key(b), Role::User, "x").unwrap();
    let cursor = |cursor| MessageQuery {
        before: Some(cursor),
        ..Default::default()
    };
    for wrong in [
        MessageCursor::Id(there.id),
        MessageCursor::Uid(there.uid),
        MessageCursor::Id(999),
        MessageCursor::Uid(here.id.to_string()),
    ] {
        refused(
            store.messages_for(&key(a), &cursor(wrong)),
            ErrorCode::Conflict,
        );
    }
    assert_eq!(
        store.messages_for(&key(a), &cursor(MessageCursor::Uid(here.uid))),
        Ok(vec![])
    );
    let both = MessageQuery {
        before: Some(MessageCursor::Id(here.id)),
        after: Some(MessageCursor::Id(here.id)),
        ..Default::default()
    };
    refused(
        store.messages_for(&key(a), &both),
        ErrorCode::InvalidArgument,
    );
}

pub fn filters_by_brain(world: &World) {
    let mut store = world.open();
    let brains = ["claude", "echo", "gpt'--", "에코"];
    let made: Vec<_> = (0..12)
        .map(|n| store.create("t", Some(brains[n % 4])).unwrap())
        .collect();
    for (n, brain) in brains.iter().enumerate() {
        let expected: Vec<_> = made.iter().skip(n).step_by(4).rev().copied().collect();
        let query = ConversationQuery {
            brain: Some((*brain).into()),
            ..Default::default()
        };
        let rows = store.list_conversations(&query).unwrap();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), expected);
        let after = Some(ConversationCursor {
            id: rows[0].id,
            updated_at: rows[0].updated_at,
        });
        let query = ConversationQuery { after, ..query };
        assert_eq!(ids(&store, query), expected[1..]);
    }
    let none = ConversationQuery {
        brain: Some("Echo".into()),
        ..Default::default()
    };
    assert_eq!(ids(&store, none), [0; 0]);
}

pub fn limits_are_held(world: &World) {
    let mut store = world.open();
    for _ in 0..60 {
        store.create("t", None).unwrap();
    }
    assert_eq!(ids(&store, ConversationQuery::default()).len(), 50);
    let limit = |limit| ConversationQuery {
        limit: Some(limit),
        ..Default::default()
    };
    assert_eq!(ids(&store, limit(1)).len(), 1);
    assert_eq!(ids(&store, limit(1_000_000)).len(), 60);

    let longest = "é".repeat(MAX_TITLE);
    let id = store
        .create(&longest, Some(&"b".repeat(MAX_BRAIN)))
        .unwrap();
    assert_eq!(
        store.get_conversation(&key(id)).unwrap().unwrap().title,
        longest
    );
    let before = everything(&store);
    let too_long = "a".repeat(MAX_TITLE + 1);
    refused(store.create(&too_long, None), ErrorCode::InvalidArgument);
    refused(store.create("t", Some("")), ErrorCode::InvalidArgument);
    refused(
        store.create("t", Some(&too_long)),
        ErrorCode::InvalidArgument,
    );
    let patch = ConversationPatch {
        title: Some(too_long),
        brain: None,
        ..Default::default()
    };
    refused(
        store.update_conversation(&key(id), &patch),
        ErrorCode::InvalidArgument,
    );
    assert_eq!(everything(&store), before);
}

pub fn a_clock_set_back_reorders_nothing(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    let first = store.add(&key(id), Role::User, "first").unwrap();
    world.set_clock(NOON - 86_400_000);
    let second = store.add(&key(id), Role::Assistant, "second").unwrap();
    assert_eq!(second.created_at, first.created_at);
    let messages = store
        .messages_for(&key(id), &MessageQuery::default())
        .unwrap();
    assert_eq!(
        messages.iter().map(|it| it.id).collect::<Vec<_>>(),
        [first.id, second.id]
    );
    let row = store.get_conversation(&key(id)).unwrap().unwrap();
    assert_eq!(row.updated_at, first.created_at);
    for extreme in [i64::MIN, i64::MAX] {
        world.set_clock(extreme);
        store.add(&key(id), Role::User, "x").unwrap();
        store.create("x", None).unwrap();
    }
    world.set_clock(NOON);
}

pub fn one_call_has_one_time(world: &World) {
    let mut store = world.open();
    world.set_pace(1);
    let id = store.create("A clock that runs on", None).unwrap();
    for text in ["one", "two"] {
        let added = store.add(&key(id), Role::User, text).unwrap();
        let listed = store
            .list_conversations(&ConversationQuery::default())
            .unwrap();
        assert_eq!(listed[0].updated_at, added.created_at);
    }
}

pub fn title_and_brain_change_and_the_time_does_not(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    world.tick(1_000);
    let set = |title: Option<&str>, brain: Option<&str>| ConversationPatch {
        title: title.map(Into::into),
        brain: brain.map(Into::into),
        ..Default::default()
    };
    store
        .update_conversation(&key(id), &set(Some("new"), None))
        .unwrap();
    store
        .update_conversation(&key(id), &set(None, Some("echo")))
        .unwrap();
    store
        .update_conversation(&key(id), &set(None, None))
        .unwrap();
    let row = store.get_conversation(&key(id)).unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.brain.as_str()), ("new", "echo"));
    assert_eq!(row.updated_at, Timestamp::from_millis(NOON));
    refused(
        store.update_conversation(&key(99), &set(None, None)),
        ErrorCode::NotFound,
    );
}

pub fn uids_name_rows_and_are_not_ids(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    let row = store.get_conversation(&key(id)).unwrap().unwrap();
    let by_uid = ConversationKey::Uid(row.uid.clone());
    let added = store.add(&by_uid, Role::User, "hi").unwrap();
    assert_eq!(store.get_conversation(&by_uid).unwrap().unwrap().id, id);
    assert_eq!(
        store
            .messages_for(&by_uid, &MessageQuery::default())
            .unwrap()
            .len(),
        1
    );
    for message in [
        MessageKey::Id(added.id),
        MessageKey::Uid(added.uid.clone()),
        MessageKey::InConversation {
            conversation: key(id),
            uid: added.uid.clone(),
        },
        MessageKey::InConversation {
            conversation: by_uid.clone(),
            uid: added.uid.clone(),
        },
    ] {
        assert_eq!(store.get_message(&message).unwrap().unwrap().id, added.id);
    }
    assert_eq!(
        store.get_conversation(&ConversationKey::Uid(id.to_string())),
        Ok(None)
    );
    assert_eq!(
        store.get_message(&MessageKey::Uid(added.id.to_string())),
        Ok(None)
    );
    let elsewhere = MessageKey::InConversation {
        conversation: key(99),
        uid: added.uid,
    };
    assert_eq!(store.get_message(&elsewhere), Ok(None));
    assert_eq!(store.delete_conversation(&by_uid), Ok(1));
}

pub fn an_absent_row_is_empty_or_refused(world: &World) {
    let mut store = world.open();
    assert_eq!(
        store.list_conversations(&ConversationQuery::default()),
        Ok(vec![])
    );
    for absent in [
        key(1),
        key(MAX_SAFE_INTEGER),
        ConversationKey::Uid(String::new()),
    ] {
        assert_eq!(store.get_conversation(&absent), Ok(None));
        assert_eq!(
            store.messages_for(&absent, &MessageQuery::default()),
            Ok(vec![])
        );
        assert_eq!(store.delete_conversation(&absent), Ok(0));
        refused(store.add(&absent, Role::User, "x"), ErrorCode::NotFound);
    }
    assert_eq!(store.get_message(&MessageKey::Id(1)), Ok(None));
}

pub fn a_refusal_changes_nothing(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    store.add(&key(id), Role::User, "x").unwrap();
    let before = everything(&store);
    world.tick(1_000);
    refused(store.add(&key(7), Role::User, "x"), ErrorCode::NotFound);
    assert_eq!(everything(&store), before);
}

pub fn an_id_is_never_given_twice(world: &World) {
    let mut store = world.open();
    let mut given = Vec::new();
    let mut spoken = Vec::new();
    for _ in 0..4 {
        let a = store.create("a", None).unwrap();
        let b = store.create("b", None).unwrap();
        for id in [a, b] {
            spoken.push(store.add(&key(id), Role::User, "x").unwrap().id);
        }
        store.delete_conversation(&key(b)).unwrap();
        store.delete_conversation(&key(a)).unwrap();
        given.extend([a, b]);
        if world.path.is_some() {
            store.close().unwrap();
            store = world.open();
        }
    }
    for ids in [given, spoken] {
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }
}

pub fn deleting_takes_the_messages_along(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    let kept = store.create("kept", None).unwrap();
    let gone: Vec<_> = (0..100)
        .map(|_| store.add(&key(id), Role::User, "x").unwrap().id)
        .collect();
    let there = store.add(&key(kept), Role::User, "y").unwrap();
    assert_eq!(store.delete_conversation(&key(id)), Ok(1));
    for message in gone {
        assert_eq!(store.get_message(&MessageKey::Id(message)), Ok(None));
    }
    assert!(
        store
            .get_message(&MessageKey::Id(there.id))
            .unwrap()
            .is_some()
    );
}

pub fn a_reopened_store_has_it_all(world: &World) {
    if world.path.is_none() {
        return;
    }
    let mut store = world.open();
    let id = store.create("제목", Some("echo")).unwrap();
    store.add(&key(id), Role::User, "안녕 🌱").unwrap();
    let before = everything(&store);
    store.close().unwrap();
    assert_eq!(everything(&world.open()), before);
    // Dropped without close: what was acknowledged is in the log.
    let mut store = world.open();
    store.add(&key(id), Role::User, "more").unwrap();
    let before = everything(&store);
    drop(store);
    assert_eq!(everything(&world.open()), before);
}

pub fn sql_in_a_string_is_text(world: &World) {
    let mut store = world.open();
    let text = "'); DROP TABLE messages; -- \" ] ` ?1 :a @b $c %";
    let id = store.create(text, Some(text)).unwrap();
    store.add(&key(id), Role::User, text).unwrap();
    let query = ConversationQuery {
        brain: Some(text.into()),
        ..Default::default()
    };
    assert_eq!(store.list_conversations(&query).unwrap()[0].title, text);
    assert_eq!(
        store.get_conversation(&ConversationKey::Uid(text.into())),
        Ok(None)
    );
    assert_eq!(
        store.messages_for(&key(id), &Default::default()).unwrap()[0].content,
        text
    );
}

pub fn requests_are_read_and_refused_by_name(world: &World) {
    let mut store = world.open();
    let mut call = |json: &str| -> Result<String, String> {
        let request: Request = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let response = dispatch(&mut store, request, None).map_err(|error| error.to_string())?;
        serde_json::to_string(&response).map_err(|error| error.to_string())
    };
    let ok = [
        (r#"{"createConversation":{"title":"t"}}"#, "1"),
        (r#"{"listConversations":{}}"#, r#"[{"id":1"#),
        (r#"{"listConversations":{"query":1}}"#, r#"[{"id":1"#),
        (r#"{"listConversations":{"query":{"brain":"x"}}}"#, "[]"),
        (r#"{"getConversation":{"id":1.0}}"#, r#"{"id":1"#),
        (r#"{"getConversation":{"id":"1"}}"#, "null"),
        (
            r#"{"updateConversation":{"id":1,"patch":{"title":"u"}}}"#,
            "null",
        ),
        (
            r#"{"addMessage":{"conversationId":1,"role":"user","content":"hi"}}"#,
            r#"{"id":1"#,
        ),
        (
            r#"{"messagesFor":{"conversationId":1,"query":{"before":{"id":1}}}}"#,
            "[]",
        ),
        (
            r#"{"getMessage":{"id":{"conversationId":1,"uid":"x"}}}"#,
            "null",
        ),
        (r#"{"deleteConversation":{"id":1}}"#, "1"),
    ];
    for (json, expected) in ok {
        let answer = call(json).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert!(answer.starts_with(expected), "{json}: {answer}");
    }
    let wrong = [
        r#"{"dropTables":{}}"#,
        r#"{"createConversation":{}}"#,
        r#"{"createConversation":{"title":5}}"#,
        r#"{"createConversation":{"title":null}}"#,
        r#"{"createConversation":{"title":"t","brain":5}}"#,
        r#"{"listConversations":{"query":0}}"#,
        r#"{"listConversations":{"query":-1}}"#,
        r#"{"listConversations":{"query":1.5}}"#,
        r#"{"listConversations":{"query":1000001}}"#,
        r#"{"listConversations":{"query":1e300}}"#,
        r#"{"listConversations":{"query":"5"}}"#,
        r#"{"listConversations":{"query":{"limit":0}}}"#,
        r#"{"listConversations":{"query":{"limit":"5"}}}"#,
        r#"{"listConversations":{"query":{"after":{"id":1}}}}"#,
        r#"{"listConversations":{"query":{"after":{"id":1,"updatedAt":"soon"}}}}"#,
        r#"{"getConversation":{"id":0}}"#,
        r#"{"getConversation":{"id":-1}}"#,
        r#"{"getConversation":{"id":1.5}}"#,
        r#"{"getConversation":{"id":9007199254740992}}"#,
        r#"{"getConversation":{"id":true}}"#,
        r#"{"getConversation":{"id":null}}"#,
        r#"{"getConversation":{"id":[1]}}"#,
        r#"{"addMessage":{"conversationId":1,"role":"bot","content":"x"}}"#,
        r#"{"addMessage":{"conversationId":1,"role":"user"}}"#,
        r#"{"messagesFor":{"conversationId":1,"query":{"before":{}}}}"#,
        r#"{"messagesFor":{"conversationId":1,"query":{"before":5}}}"#,
        r#"{"updateConversation":{"id":1,"patch":{"title":null}}}"#,
        r#"{"updateConversation":{"id":1}}"#,
    ];
    for json in wrong {
        let refusal = call(json).expect_err(json);
        assert!(
            !refusal.contains("there is no conversation"),
            "{json}: {refusal}"
        );
    }
}

fn beside(world: &World) -> String {
    world.path.as_ref().map_or_else(
        || {
            if world.vfs.is_some() {
                "copy.db".to_owned()
            } else {
                // Natively a copy of a database in memory is a file all the same.
                std::env::temp_dir()
                    .join(format!(
                        "conversation-store-copy-{:?}.db",
                        std::thread::current().id()
                    ))
                    .to_string_lossy()
                    .into_owned()
            }
        },
        |path| path.replace("main.db", "copy.db"),
    )
}

pub fn backup_and_restore(world: &World) {
    let copy = beside(world);
    let mut store = world.open();
    let id = store.create("원본", None).unwrap();
    dispatch(&mut store, add(id, "saved"), Some(&named("이름"))).unwrap();
    dispatch(&mut store, add(id, "saved too"), Some(&own(1, 0))).unwrap();
    let saved = everything(&store);
    store.backup_into(&copy).unwrap();
    if world.vfs.is_none() {
        // Who asked for what is of this database, not of its copies.
        let bytes = std::fs::read(&copy).unwrap();
        assert!(!bytes.windows(6).any(|it| it == "이름".as_bytes()));
    }

    store.add(&key(id), Role::User, "later").unwrap();
    let later = store.create("later", None).unwrap();
    store.restore_from(&copy, None, 0).unwrap();
    assert_eq!(everything(&store), saved);
    // What was asked for before is not done again, and spent ids stay spent.
    assert_eq!(store.count_operations().unwrap(), (1, 1));
    store.restore_from(&copy, Some(&own(2, 1)), 7).unwrap();
    store.add(&key(id), Role::User, "after").unwrap();
    let after = everything(&store);
    store.restore_from(&copy, Some(&own(2, 1)), 7).unwrap();
    assert_eq!(everything(&store), after);
    assert!(store.create("new", None).unwrap() > later);
    if world.vfs.is_none() {
        std::fs::remove_file(copy).unwrap();
    }
}

pub fn restore_refuses_what_is_not_ours(world: &World) {
    let mut store = world.open();
    let id = store.create("mine", None).unwrap();
    store.add(&key(id), Role::User, "kept").unwrap();
    let before = everything(&store);
    // A file that is not there is an empty database.
    let copy = beside(world);
    refused(
        store.restore_from(&copy, None, 0),
        ErrorCode::UnsupportedFormat,
    );
    assert_eq!(everything(&store), before);
    store.add(&key(id), Role::User, "still works").unwrap();
    if world.vfs.is_none() {
        let _ = std::fs::remove_file(copy);
    }
}

/// The `number`th operation of a tab that has the answers up to `done`.
pub fn own(number: i64, done: i64) -> Operation {
    Operation::Own {
        tab: "tab".into(),
        number,
        done,
        open: Vec::new(),
    }
}

fn named(name: &str) -> Operation {
    Operation::Named { name: name.into() }
}

fn add(id: i64, content: &str) -> Request {
    Request::AddMessage {
        conversation_id: key(id),
        role: Role::User,
        content: Some(content.into()),
        extra: Default::default(),
    }
}

pub fn an_operation_is_done_once(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    for (content, operation) in [("own", own(1, 0)), ("named", named("x"))] {
        let first = dispatch(&mut store, add(id, content), Some(&operation)).unwrap();
        world.tick(1_000);
        let again = dispatch(&mut store, add(id, content), Some(&operation)).unwrap();
        assert_eq!(first, again);
    }
    let requests = [
        Request::CreateConversation {
            title: "t".into(),
            brain: None,
            extra: Default::default(),
        },
        Request::UpdateConversation {
            id: key(id),
            patch: ConversationPatch {
                title: Some("new".into()),
                brain: None,
                ..Default::default()
            },
        },
        Request::DeleteConversation { id: key(id) },
    ];
    assert_eq!(
        store
            .messages_for(&key(id), &MessageQuery::default())
            .unwrap()
            .len(),
        2
    );
    for (n, request) in requests.into_iter().enumerate() {
        let operation = own(n as i64 + 2, n as i64 + 1);
        let first = dispatch(&mut store, request.clone(), Some(&operation)).unwrap();
        let told = store.take_changes().len();
        let rows = everything(&store);
        assert_eq!(
            dispatch(&mut store, request, Some(&operation)).unwrap(),
            first
        );
        assert_eq!(everything(&store), rows);
        assert!(told > 0 && store.take_changes().is_empty());
    }
    // What was refused is no operation yet.
    let refusal = dispatch(&mut store, add(99, "x"), Some(&named("later")));
    refused(refusal, ErrorCode::NotFound);
    let id = store.create("t", None).unwrap();
    dispatch(
        &mut store,
        add(id, "other arguments"),
        Some(&named("later")),
    )
    .unwrap();
}

pub fn an_operation_is_one_request(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    let other = store.create("t", None).unwrap();
    dispatch(&mut store, add(id, "x"), Some(&named("x"))).unwrap();
    dispatch(&mut store, add(id, "x"), Some(&own(1, 0))).unwrap();
    let rows = everything(&store);
    for operation in [named("x"), own(1, 0)] {
        for request in [
            add(id, "y"),
            add(other, "x"),
            Request::DeleteConversation { id: key(id) },
        ] {
            refused(
                dispatch(&mut store, request, Some(&operation)),
                ErrorCode::Conflict,
            );
        }
    }
    assert_eq!(everything(&store), rows);
}

pub fn records_go_when_their_answers_are_there(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    let write = |store: &mut Store, operation: Operation| {
        let content = format!("{operation:?}");
        dispatch(store, add(id, &content), Some(&operation))
    };
    for number in 1..=5 {
        write(&mut store, own(number, 0)).unwrap();
    }
    assert_eq!(store.count_operations().unwrap(), (5, 0));
    // Numbers 2 and 4 timed out: they may be asked for again.
    let sixth = Operation::Own {
        tab: "tab".into(),
        number: 6,
        done: 5,
        open: vec![2, 4],
    };
    write(&mut store, sixth).unwrap();
    assert_eq!(store.count_operations().unwrap(), (1, 2));
    let rows = everything(&store);
    // By its name it is the same operation, and only that.
    let second = format!("{:?}", own(2, 0));
    let again = dispatch(&mut store, add(id, &second), Some(&named("tab/2")));
    assert!(again.is_ok());
    refused(
        dispatch(&mut store, add(id, "other"), Some(&named("tab/2"))),
        ErrorCode::Conflict,
    );
    assert_eq!(everything(&store), rows);
    // Sent long ago, arriving now: its answer is known, and it is not done again.
    refused(write(&mut store, own(3, 2)), ErrorCode::Timeout);
    assert_eq!(everything(&store), rows);

    // A tab that is gone sends nothing again; someone may still ask by the names it was told.
    let named_before = store.count_operations().unwrap().1;
    store.retain_tabs(&["tab"]).unwrap();
    store.create("t", None).unwrap();
    assert_eq!(store.count_operations().unwrap(), (1, named_before));
    store.retain_tabs(&["another"]).unwrap();
    store.create("t", None).unwrap();
    assert_eq!(store.count_operations().unwrap(), (0, named_before + 1));
    let rows = everything(&store);
    dispatch(&mut store, add(id, &second), Some(&named("tab/2"))).unwrap();
    assert_eq!(everything(&store), rows);
    refused(write(&mut store, own(7, 6)), ErrorCode::Timeout);
}

pub fn changes_are_told_of_what_was_committed(world: &World) {
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    store.add(&key(id), Role::User, "x").unwrap();
    refused(store.add(&key(99), Role::User, "x"), ErrorCode::NotFound);
    for title in [Some("t".to_owned()), None] {
        // It is that already.
        let brain = None;
        let patch = ConversationPatch {
            title,
            brain,
            ..Default::default()
        };
        store.update_conversation(&key(id), &patch).unwrap();
    }
    store.delete_conversation(&key(id)).unwrap();
    assert_eq!(store.delete_conversation(&key(id)).unwrap(), 0);
    let told: Vec<_> = store
        .take_changes()
        .into_iter()
        .map(|change| match change {
            Change::Row(row) => (row.kind, row.op),
            Change::Reset => panic!("nothing was replaced"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (RowKind::Conversation, ChangeOp::Insert),
            (RowKind::Message, ChangeOp::Insert),
            (RowKind::Conversation, ChangeOp::Update),
            (RowKind::Conversation, ChangeOp::Delete),
        ]
    );
}
