//! What the store does with chats as chat apps keep them, case by case: parts, branches, whole chats
//! saved, growing text, attachments, imports. Each runs as the cases of cases.rs do.

use conversation_store::error::ErrorCode;
use conversation_store::model::*;
use conversation_store::store::{Change, PIECE, Store};
use conversation_store::time::Timestamp;

use super::{Lesson as _, NOON, World, key, refused};

/// Calls `$each!(name)` for every case.
#[macro_export]
macro_rules! for_each_chat_case {
    ($each:ident) => {
        $each!(
            a_message_is_text_or_parts,
            a_message_is_changed_and_cleared,
            a_uid_is_chosen_once,
            conversations_are_put_away_and_found,
            the_trash_is_emptied,
            messages_make_a_tree,
            the_middle_of_a_chat_is_deleted,
            a_path_is_forked,
            a_long_path_is_paged,
            all_branches_are_paged,
            a_whole_chat_is_saved,
            an_edited_question_becomes_a_sibling,
            a_stale_tab_saves_nothing,
            text_grows_beside_its_message,
            text_grows_after_other_parts,
            appending_is_told_as_growth,
            what_streams_belongs_to_its_tab,
            what_streams_in_a_backup_has_ended,
            attachments_are_kept_once,
            attachments_that_nobody_names_go_after_a_day,
            long_data_urls_become_attachments,
            an_import_is_done_once,
            an_import_keeps_what_was_edited_here,
            an_import_brings_nothing_back_and_takes_nothing_away,
            an_import_loses_only_what_is_wrong,
            what_is_exported_comes_back,
            everything_is_cleared,
            a_healed_store_has_nothing_to_heal
        );
    };
}

pub fn new(content: &str) -> NewMessage {
    NewMessage {
        role: Some(Role::User),
        content: Some(content.to_owned()),
        ..NewMessage::default()
    }
}

pub fn named(uid: &str, role: Role, content: &str) -> NewMessage {
    NewMessage {
        uid: Some(uid.to_owned()),
        role: Some(role),
        content: Some(content.to_owned()),
        ..NewMessage::default()
    }
}

fn below(parent: Option<&str>) -> NewMessage {
    NewMessage {
        parent_id: Some(parent.map(|uid| MessageKey::Uid(uid.to_owned()))),
        ..NewMessage::default()
    }
}

fn uid(uid: &str) -> MessageKey {
    MessageKey::Uid(uid.to_owned())
}

fn add(store: &mut Store, chat: i64, name: &str, extra: NewMessage) -> i64 {
    let extra = NewMessage {
        uid: Some(name.to_owned()),
        ..extra
    };
    store
        .add_message(&key(chat), Role::User, Some(name), &extra)
        .unwrap()
        .id
}

fn all() -> MessageQuery {
    MessageQuery {
        branches: Some(Branches::All),
        ..MessageQuery::default()
    }
}

pub fn path(store: &Store, chat: i64) -> Vec<String> {
    store
        .messages_for(&key(chat), &MessageQuery::default())
        .unwrap()
        .into_iter()
        .map(|message| message.uid)
        .collect()
}

fn message(store: &Store, id: i64) -> Message {
    store.get_message(&MessageKey::Id(id)).unwrap().unwrap()
}

fn conversation(store: &Store, id: i64) -> Conversation {
    store.get_conversation(&key(id)).unwrap().unwrap()
}

fn show(store: &mut Store, chat: i64, head: Option<&str>) {
    let patch = ConversationPatch {
        head: Some(head.map(uid)),
        ..ConversationPatch::default()
    };
    store.update_conversation(&key(chat), &patch).unwrap();
}

pub fn check_whole(store: &mut Store) {
    let report = store.heal(None).unwrap();
    assert_eq!(report, HealReport::default());
}

pub fn a_message_is_text_or_parts(world: &World) {
    let mut store = world.open();
    let id = store.create("parts", None).unwrap();
    let with = |parts: &str| NewMessage {
        parts: Some(parts.to_owned()),
        ..NewMessage::default()
    };
    for (parts, content, kept) in [
        ("[]", "", None),
        (r#"[{"type":"text","text":"hi"}]"#, "hi", None),
        (
            r#"[{"type":"text","text":""}]"#,
            "",
            Some(r#"[{"type":"text","text":""}]"#),
        ),
        (
            r#"[{"type":"text","text":"a"},{"type":"x-새것","deep":{"n":[1,null]}},{"type":"text","text":"나"}]"#,
            "a\n\n나",
            Some(
                r#"[{"type":"text","text":"a"},{"type":"x-새것","deep":{"n":[1,null]}},{"type":"text","text":"나"}]"#,
            ),
        ),
        (
            r#"[{"type":"text","text":"a","state":"done"}]"#,
            "a",
            Some(r#"[{"type":"text","text":"a","state":"done"}]"#),
        ),
        (
            r#"[{"type":"step-start"}]"#,
            "",
            Some(r#"[{"type":"step-start"}]"#),
        ),
    ] {
        let added = store
            .add_message(&key(id), Role::Assistant, None, &with(parts))
            .unwrap();
        let row = message(&store, added.id);
        assert_eq!(
            (row.content.as_str(), row.parts.as_deref()),
            (content, kept),
            "{parts}"
        );
    }
    let deep = format!(
        r#"[{{"type":"x","deep":{}{}}}]"#,
        "[".repeat(100),
        "]".repeat(100)
    );
    let added = store
        .add_message(&key(id), Role::User, None, &with(&deep))
        .unwrap();
    assert_eq!(message(&store, added.id).parts, Some(deep));
    let before = store.messages_for(&key(id), &all()).unwrap();
    for parts in [
        "",
        "{}",
        "3",
        r#"["text"]"#,
        r#"[{"text":"hi"}]"#,
        r#"[{"type":3}]"#,
        r#"[{"type":"text"}]"#,
        r#"[{"type":"text","text":5}]"#,
        r#"[{"type":"text","text":"a"}"#,
        &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
    ] {
        refused(
            store.add_message(&key(id), Role::User, None, &with(parts)),
            ErrorCode::InvalidArgument,
        );
    }
    refused(
        store.add_message(
            &key(id),
            Role::User,
            Some("ho"),
            &with(r#"[{"type":"text","text":"hi"}]"#),
        ),
        ErrorCode::InvalidArgument,
    );
    for field in ["usage", "error", "metadata", "source"] {
        let mut extra = NewMessage::default();
        let broken = Some(Some("{".to_owned()));
        match field {
            "usage" => extra.usage = broken,
            "error" => extra.error = broken,
            "metadata" => extra.metadata = broken,
            _ => extra.source = broken,
        }
        let error = refused(
            store.add_message(&key(id), Role::User, Some("x"), &extra),
            ErrorCode::InvalidArgument,
        );
        assert!(error.message.starts_with(field), "{error}");
    }
    assert_eq!(store.messages_for(&key(id), &all()).unwrap(), before);
}

pub fn a_message_is_changed_and_cleared(world: &World) {
    let mut store = world.open();
    let chat = store.create("t", None).unwrap();
    let extra = NewMessage {
        model: Some(Some("m".into())),
        usage: Some(Some(
            r#"{"inputTokens":1,"outputTokens":2,"cached":3}"#.into(),
        )),
        finish_reason: Some(Some("stop".into())),
        error: Some(Some(r#""down""#.into())),
        metadata: Some(Some("[1]".into())),
        source: Some(Some(r#"{"format":"x"}"#.into())),
        status: Some(Status::Error),
        ..NewMessage::default()
    };
    let id = store
        .add_message(&key(chat), Role::Assistant, Some("one"), &extra)
        .unwrap()
        .id;
    let first = message(&store, id);
    assert_eq!(Some(first.usage.clone()), extra.usage);
    let moved = |store: &Store| conversation(store, chat).updated_at.millis() - NOON;

    world.tick(1_000);
    let patch = MessagePatch {
        metadata: Some(None),
        model: Some(None),
        usage: Some(Some("{}".into())),
        ..MessagePatch::default()
    };
    store.update_message(&MessageKey::Id(id), &patch).unwrap();
    let row = message(&store, id);
    assert_eq!(
        (row.metadata, row.model, row.usage.as_deref()),
        (None, None, Some("{}"))
    );
    assert_eq!(row.source, first.source);
    assert_eq!(moved(&store), 0, "only text moves the time");

    let patch = MessagePatch {
        content: Some("둘".into()),
        ..MessagePatch::default()
    };
    store.update_message(&MessageKey::Id(id), &patch).unwrap();
    assert_eq!(message(&store, id).content, "둘");
    assert_eq!(moved(&store), 1_000);
    store.take_changes();
    store.update_message(&MessageKey::Id(id), &patch).unwrap();
    assert_eq!(store.take_changes(), [], "nothing changed, nothing told");

    let both = MessagePatch {
        content: Some("a".into()),
        parts: Some(Some(r#"[{"type":"text","text":"b"}]"#.into())),
        ..MessagePatch::default()
    };
    refused(
        store.update_message(&MessageKey::Id(id), &both),
        ErrorCode::InvalidArgument,
    );
    let none = MessagePatch {
        parts: Some(None),
        ..MessagePatch::default()
    };
    store.update_message(&MessageKey::Id(id), &none).unwrap();
    assert_eq!(message(&store, id).content, "");
    refused(
        store.update_message(&MessageKey::Id(999), &none),
        ErrorCode::NotFound,
    );
    check_whole(&mut store);
}

pub fn a_uid_is_chosen_once(world: &World) {
    let mut store = world.open();
    let extra = NewConversation {
        uid: Some("대화-1".into()),
        tags: Some(vec!["일".into(), "a\"b".into()]),
        ..NewConversation::default()
    };
    let chat = store.create_conversation("first", None, &extra).unwrap();
    let again = store
        .create_conversation("second", Some("x"), &extra)
        .unwrap();
    assert_eq!(chat, again);
    let row = conversation(&store, chat);
    assert_eq!(row.title, "first");
    assert_eq!(row.tags.as_deref(), Some(r#"["일","a\"b"]"#));

    let extra = NewMessage {
        uid: Some("m".into()),
        ..NewMessage::default()
    };
    let mut say = |content: &str| store.add_message(&key(chat), Role::User, Some(content), &extra);
    let first = say("hi").unwrap();
    assert_eq!(say("hi").unwrap(), first);
    refused(say("other"), ErrorCode::Conflict);
    assert_eq!(conversation(&store, chat).message_count, 1);
    // Unique in its conversation only.
    let other = store.create("other", None).unwrap();
    store
        .add_message(&key(other), Role::User, Some("other"), &extra)
        .unwrap();
    refused(store.get_message(&uid("m")), ErrorCode::Conflict);
    for bad in [String::new(), "x".repeat(1_001)] {
        let extra = NewMessage {
            uid: Some(bad),
            ..NewMessage::default()
        };
        refused(
            store.add_message(&key(chat), Role::User, Some("x"), &extra),
            ErrorCode::InvalidArgument,
        );
    }
}

pub fn conversations_are_put_away_and_found(world: &World) {
    let mut store = world.open();
    let ids: Vec<_> = ["plain", "pinned", "archived", "trashed", "tagged"]
        .iter()
        .map(|title| {
            world.tick(1_000);
            store.create(title, None).unwrap()
        })
        .collect();
    let at = conversation(&store, ids[0]).updated_at;
    let mut patch =
        |id: i64, patch: ConversationPatch| store.update_conversation(&key(id), &patch).unwrap();
    patch(
        ids[1],
        ConversationPatch {
            pinned: Some(true),
            ..Default::default()
        },
    );
    patch(
        ids[2],
        ConversationPatch {
            archived: Some(true),
            ..Default::default()
        },
    );
    patch(
        ids[3],
        ConversationPatch {
            trashed: Some(true),
            ..Default::default()
        },
    );
    patch(
        ids[4],
        ConversationPatch {
            tags: Some(Some(vec!["일".into()])),
            ..Default::default()
        },
    );
    patch(
        ids[0],
        ConversationPatch {
            metadata: Some(Some("{\"a\":1}".into())),
            ..Default::default()
        },
    );
    assert_eq!(conversation(&store, ids[0]).updated_at, at);
    assert_eq!(
        conversation(&store, ids[0]).metadata.as_deref(),
        Some("{\"a\":1}")
    );
    let list = |query: ConversationQuery| -> Vec<i64> {
        let mut ids: Vec<_> = store
            .list_conversations(&query)
            .unwrap()
            .iter()
            .map(|it| it.id)
            .collect();
        ids.reverse();
        ids
    };
    assert_eq!(list(Default::default()), [ids[0], ids[1], ids[4]]);
    assert_eq!(
        list(ConversationQuery {
            pinned: Some(true),
            ..Default::default()
        }),
        [ids[1]]
    );
    assert_eq!(
        list(ConversationQuery {
            pinned: Some(false),
            ..Default::default()
        }),
        [ids[0], ids[4]]
    );
    assert_eq!(
        list(ConversationQuery {
            archived: Whether::Yes,
            ..Default::default()
        }),
        [ids[2]]
    );
    assert_eq!(
        list(ConversationQuery {
            trashed: Whether::Yes,
            ..Default::default()
        }),
        [ids[3]]
    );
    assert_eq!(
        list(ConversationQuery {
            trashed: Whether::Any,
            archived: Whether::Any,
            ..Default::default()
        }),
        ids
    );
    assert_eq!(
        list(ConversationQuery {
            tag: Some("일".into()),
            ..Default::default()
        }),
        [ids[4]]
    );
    assert_eq!(
        list(ConversationQuery {
            tag: Some("x".into()),
            ..Default::default()
        }),
        Vec::<i64>::new()
    );
    for tags in [
        vec![String::new()],
        vec!["x".repeat(201)],
        vec!["x".into(); 101],
    ] {
        let patch = ConversationPatch {
            tags: Some(Some(tags)),
            ..Default::default()
        };
        refused(
            store.update_conversation(&key(ids[0]), &patch),
            ErrorCode::InvalidArgument,
        );
    }
    check_whole(&mut store);
}

pub fn the_trash_is_emptied(world: &World) {
    let mut store = world.open();
    let trash = ConversationPatch {
        trashed: Some(true),
        ..Default::default()
    };
    let old = store.create("old", None).unwrap();
    store.update_conversation(&key(old), &trash).unwrap();
    world.tick(60_000);
    let young = store.create("young", None).unwrap();
    store.add(&key(young), Role::User, "x").unwrap();
    store.update_conversation(&key(young), &trash).unwrap();
    // Once more moves nothing.
    store.update_conversation(&key(old), &trash).unwrap();
    assert_eq!(
        conversation(&store, old).trashed_at,
        Some(Timestamp::from_millis(NOON))
    );
    assert_eq!(
        store
            .empty_trash(Some(Timestamp::from_millis(NOON)))
            .unwrap(),
        0
    );
    assert_eq!(
        store
            .empty_trash(Some(Timestamp::from_millis(NOON + 1)))
            .unwrap(),
        1
    );
    assert_eq!(store.get_conversation(&key(old)).unwrap(), None);
    let back = ConversationPatch {
        trashed: Some(false),
        ..Default::default()
    };
    store.update_conversation(&key(young), &back).unwrap();
    assert_eq!(store.empty_trash(None).unwrap(), 0);
    store.update_conversation(&key(young), &trash).unwrap();
    assert_eq!(store.empty_trash(None).unwrap(), 1);
    assert_eq!(store.create("next", None).unwrap(), young + 1);
}

pub fn messages_make_a_tree(world: &World) {
    let mut store = world.open();
    let chat = store.create("tree", None).unwrap();
    for name in ["a", "b", "c"] {
        add(&mut store, chat, name, NewMessage::default());
    }
    assert_eq!(path(&store, chat), ["a", "b", "c"]);
    // Another answer to a; then one that is not shown.
    add(&mut store, chat, "b2", below(Some("a")));
    assert_eq!(path(&store, chat), ["a", "b2"]);
    add(&mut store, chat, "c2", NewMessage::default());
    add(
        &mut store,
        chat,
        "b3",
        NewMessage {
            head: Some(false),
            ..below(Some("a"))
        },
    );
    assert_eq!(path(&store, chat), ["a", "b2", "c2"]);
    add(
        &mut store,
        chat,
        "a2",
        NewMessage {
            head: Some(false),
            ..below(None)
        },
    );
    let row = conversation(&store, chat);
    assert_eq!(
        (row.head_uid.as_deref(), row.message_count),
        (Some("c2"), 7)
    );

    let names = |branches: Vec<Branch>| -> Vec<(String, bool, String)> {
        branches
            .into_iter()
            .map(|it| (it.message.uid, it.on_path, it.leaf_uid))
            .collect()
    };
    let branch = |uid: &str, on_path, leaf: &str| (uid.to_owned(), on_path, leaf.to_owned());
    for asked in ["b", "b2", "b3"] {
        assert_eq!(
            names(store.branches(&uid(asked)).unwrap()),
            [
                branch("b", false, "c"),
                branch("b2", true, "c2"),
                branch("b3", false, "b3")
            ]
        );
    }
    assert_eq!(
        names(store.branches(&uid("a")).unwrap()),
        [branch("a", true, "c2"), branch("a2", false, "a2")]
    );
    assert_eq!(
        names(store.branches(&uid("c")).unwrap()),
        [branch("c", false, "c")]
    );
    assert_eq!(store.branches(&uid("nobody")).unwrap(), []);

    show(&mut store, chat, Some("c"));
    assert_eq!(path(&store, chat), ["a", "b", "c"]);
    show(&mut store, chat, Some("a2"));
    assert_eq!(path(&store, chat), ["a2"]);
    show(&mut store, chat, None);
    assert_eq!(path(&store, chat), [""; 0]);
    show(&mut store, chat, Some("b2"));
    assert_eq!(path(&store, chat), ["a", "b2"]);
    let rows = store.messages_for(&key(chat), &all()).unwrap();
    assert_eq!(rows.len(), 7);
    for (index, row) in rows.iter().enumerate() {
        let parent = row.parent_uid.as_ref();
        assert!(parent.is_none_or(|it| rows[..index].iter().any(|row| row.uid == *it)));
        assert_eq!(row.parent_id.is_some(), parent.is_some());
    }
    let other = store.create("other", None).unwrap();
    refused(
        store.add_message(&key(other), Role::User, Some("x"), &below(Some("a"))),
        ErrorCode::NotFound,
    );
    let patch = ConversationPatch {
        head: Some(Some(uid("a"))),
        ..Default::default()
    };
    refused(
        store.update_conversation(&key(other), &patch),
        ErrorCode::NotFound,
    );
    check_whole(&mut store);
}

pub fn the_middle_of_a_chat_is_deleted(world: &World) {
    let mut store = world.open();
    let chat = store.create("tree", None).unwrap();
    for name in ["a", "b", "c"] {
        add(&mut store, chat, name, NewMessage::default());
    }
    add(
        &mut store,
        chat,
        "c2",
        NewMessage {
            head: Some(false),
            ..below(Some("b"))
        },
    );
    assert_eq!(store.delete_message(&uid("b")).unwrap(), 1);
    assert_eq!(store.delete_message(&uid("b")).unwrap(), 0);
    assert_eq!(path(&store, chat), ["a", "c"]);
    assert_eq!(store.branches(&uid("c")).unwrap().len(), 2);
    // The head moves to the parent.
    store.delete_message(&uid("c")).unwrap();
    assert_eq!(path(&store, chat), ["a"]);
    // The root: what followed it is a root.
    store.delete_message(&uid("a")).unwrap();
    assert_eq!(path(&store, chat), [""; 0]);
    let row = conversation(&store, chat);
    assert_eq!(
        (row.head_id, row.head_uid, row.message_count),
        (None, None, 1)
    );
    show(&mut store, chat, Some("c2"));
    assert_eq!(path(&store, chat), ["c2"]);
    add(&mut store, chat, "d", NewMessage::default());
    assert_eq!(path(&store, chat), ["c2", "d"]);
    check_whole(&mut store);
}

pub fn a_path_is_forked(world: &World) {
    let mut store = world.open();
    let extra = NewConversation {
        tags: Some(vec!["t".into()]),
        metadata: Some("1".into()),
        ..Default::default()
    };
    let chat = store
        .create_conversation("tree", Some("b"), &extra)
        .unwrap();
    for name in ["a", "b", "c"] {
        world.tick(10);
        add(&mut store, chat, name, NewMessage::default());
    }
    add(
        &mut store,
        chat,
        "b2",
        NewMessage {
            head: Some(false),
            ..below(Some("a"))
        },
    );
    let copy = store.fork(&key(chat), &uid("b2")).unwrap();
    let rows = store
        .messages_for(&key(copy), &MessageQuery::default())
        .unwrap();
    let contents: Vec<_> = rows.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(contents, ["a", "b2"]);
    let row = conversation(&store, copy);
    assert_eq!(
        (row.title.as_str(), row.brain.as_str(), row.message_count),
        ("tree", "b", 2)
    );
    assert_eq!(
        (row.tags.as_deref(), row.metadata.as_deref()),
        (Some(r#"["t"]"#), Some("1"))
    );
    // Names of the first are still of one message.
    store.get_message(&uid("a")).unwrap().unwrap();
    let message = MessageKey::Uid("c".into());
    refused(store.fork(&key(copy), &message), ErrorCode::NotFound);
    check_whole(&mut store);
}

pub fn a_long_path_is_paged(world: &World) {
    let mut store = world.open();
    let chat = store.create("long", None).unwrap();
    let messages: Vec<_> = (0..2_000)
        .map(|n| named(&format!("m{n}"), Role::User, "x"))
        .collect();
    store
        .save_messages(&key(chat), &messages, &Default::default())
        .unwrap();
    let page = |query: MessageQuery| -> Vec<String> {
        store
            .messages_for(&key(chat), &query)
            .unwrap()
            .into_iter()
            .map(|it| it.uid)
            .collect()
    };
    let cursor = |n: usize| Some(MessageCursor::Uid(format!("m{n}")));
    let names =
        |range: std::ops::Range<usize>| -> Vec<String> { range.map(|n| format!("m{n}")).collect() };
    assert_eq!(
        page(MessageQuery {
            limit: Some(3),
            ..Default::default()
        }),
        names(1_997..2_000)
    );
    assert_eq!(
        page(MessageQuery {
            limit: Some(3),
            before: cursor(1_000),
            ..Default::default()
        }),
        names(997..1_000)
    );
    assert_eq!(
        page(MessageQuery {
            limit: Some(3),
            after: cursor(1_000),
            ..Default::default()
        }),
        names(1_001..1_004)
    );
    assert_eq!(
        page(MessageQuery {
            before: cursor(2),
            ..Default::default()
        }),
        names(0..2)
    );
    let off = MessageQuery {
        before: cursor(1_500),
        ..Default::default()
    };
    show(&mut store, chat, Some("m1000"));
    refused(store.messages_for(&key(chat), &off), ErrorCode::Conflict);
    show(&mut store, chat, Some("m1999"));
    assert_eq!(store.messages_for(&key(chat), &off).unwrap().len(), 1_500);
}

pub fn all_branches_are_paged(world: &World) {
    let mut store = world.open();
    let chat = store.create("tree", None).unwrap();
    for n in 0..40_usize {
        let parent = (n > 0).then(|| format!("m{}", n * 7 % n));
        add(&mut store, chat, &format!("m{n}"), below(parent.as_deref()));
    }
    let whole = store.messages_for(&key(chat), &all()).unwrap();
    assert_eq!(whole.len(), 40);
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let query = MessageQuery {
            limit: Some(7),
            after,
            ..all()
        };
        let query = if query.after.is_none() {
            // From the oldest on: before the second, the first.
            MessageQuery {
                before: Some(MessageCursor::Id(whole[7].id)),
                ..all()
            }
        } else {
            query
        };
        let page = store.messages_for(&key(chat), &query).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(MessageCursor::Id(last.id));
        pages.extend(page);
    }
    assert_eq!(pages, whole);
}

pub fn a_whole_chat_is_saved(world: &World) {
    let mut store = world.open();
    let chat = store.create("saved", None).unwrap();
    let mut messages: Vec<_> = (0..6)
        .map(|n| {
            named(
                &format!("m{n}"),
                if n % 2 == 0 {
                    Role::User
                } else {
                    Role::Assistant
                },
                &format!("text {n}"),
            )
        })
        .collect();
    let save = |store: &mut Store, messages: &[NewMessage]| {
        store
            .save_messages(&key(chat), messages, &ChatSaving::default())
            .unwrap()
    };
    let first = save(&mut store, &messages);
    assert_eq!(path(&store, chat), ["m0", "m1", "m2", "m3", "m4", "m5"]);
    store.take_changes();
    let updated_at = conversation(&store, chat).updated_at;
    world.tick(5_000);
    assert_eq!(save(&mut store, &messages), first, "unchanged");
    assert_eq!(store.take_changes(), []);
    assert_eq!(conversation(&store, chat).updated_at, updated_at);

    // An answer that grew; a new turn.
    messages[5].content = Some("text 5, and more".into());
    messages.push(named("m6", Role::User, "next"));
    save(&mut store, &messages);
    assert_eq!(message(&store, first[5].id).content, "text 5, and more");
    assert_eq!(path(&store, chat).len(), 7);
    // One taken out of the middle, the end cut off, two swapped: the path is what was given.
    let shorter = [
        messages[0].clone(),
        messages[2].clone(),
        messages[1].clone(),
        messages[4].clone(),
    ];
    save(&mut store, &shorter);
    assert_eq!(path(&store, chat), ["m0", "m2", "m1", "m4"]);
    assert_eq!(
        conversation(&store, chat).message_count,
        7,
        "nothing is lost"
    );
    check_whole(&mut store);
    save(&mut store, &messages);
    assert_eq!(
        path(&store, chat),
        ["m0", "m1", "m2", "m3", "m4", "m5", "m6"]
    );
    save(&mut store, &[]);
    assert_eq!(path(&store, chat), [""; 0]);
    save(&mut store, &messages);
    assert_eq!(path(&store, chat).len(), 7);
    check_whole(&mut store);

    let before = store.messages_for(&key(chat), &all()).unwrap();
    let twice = [messages[0].clone(), messages[0].clone()];
    refused(
        store.save_messages(&key(chat), &twice, &Default::default()),
        ErrorCode::InvalidArgument,
    );
    let mut broken = messages.clone();
    broken[0].content = Some("changed".into());
    broken[6].parts = Some("nonsense".into());
    let error = refused(
        store.save_messages(&key(chat), &broken, &Default::default()),
        ErrorCode::InvalidArgument,
    );
    assert!(error.message.starts_with("messages[6]: parts"), "{error}");
    assert_eq!(
        store.messages_for(&key(chat), &all()).unwrap(),
        before,
        "all or nothing"
    );

    let absent = ConversationKey::Uid("new".into());
    refused(
        store.save_messages(&absent, &messages, &Default::default()),
        ErrorCode::NotFound,
    );
    let create = ChatSaving {
        create: Some(NewConversation {
            title: Some("made".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    store.save_messages(&absent, &messages, &create).unwrap();
    let made = store.get_conversation(&absent).unwrap().unwrap();
    assert_eq!((made.title.as_str(), made.message_count), ("made", 7));
}

pub fn an_edited_question_becomes_a_sibling(world: &World) {
    let mut store = world.open();
    let chat = store.create("edited", None).unwrap();
    let save = |store: &mut Store, messages: &[NewMessage]| {
        store
            .save_messages(&key(chat), messages, &ChatSaving::default())
            .unwrap()
    };
    let first = save(
        &mut store,
        &[
            named("q", Role::User, "question"),
            named("a", Role::Assistant, "answer"),
        ],
    );
    store.take_changes();
    let second = save(
        &mut store,
        &[
            named("q", Role::User, "better question"),
            named("b", Role::Assistant, "answer 2"),
        ],
    );
    assert_eq!(path(&store, chat), ["q", "b"]);
    assert_ne!(first[0].id, second[0].id);
    let old = message(&store, first[0].id);
    assert_eq!(old.content, "question");
    assert_ne!(old.uid, "q");
    assert_eq!(old.source.as_deref(), Some(r#"{"formerUid":"q"}"#));
    let told = store.take_changes().iter().any(|change| {
        matches!(change, Change::Row(row) if row.id == old.id && row.former_uid.as_deref() == Some("q") && row.uid == old.uid)
    });
    assert!(told);
    assert_eq!(store.branches(&uid("q")).unwrap().len(), 2);
    let answer = store.get_message(&uid("a")).unwrap().unwrap();
    assert_eq!(answer.parent_id, Some(old.id));
    // A row that was read, with other parts: they stand. null clears, another id is refused.
    let read = |extra: NewMessage| NewMessage {
        content: Some("answer 2".into()),
        metadata: Some(None),
        ..extra
    };
    let parts = r#"[{"type":"x"},{"type":"text","text":"answer 3"}]"#.to_owned();
    let again = [
        named("q", Role::User, "better question"),
        read(NewMessage {
            uid: Some("b".into()),
            parts: Some(parts),
            ..NewMessage::default()
        }),
    ];
    save(&mut store, &again);
    assert_eq!(
        store.get_message(&uid("b")).unwrap().unwrap().content,
        "answer 3"
    );
    let other = NewMessage {
        id: Some("c".into()),
        ..again[0].clone()
    };
    refused(
        store.save_messages(&key(chat), &[other], &ChatSaving::default()),
        ErrorCode::InvalidArgument,
    );
    // A question that nobody answered is changed where it is.
    let third = save(&mut store, &[named("x", Role::User, "asked")]);
    let fourth = save(&mut store, &[named("x", Role::User, "asked otherwise")]);
    assert_eq!(third[0].id, fourth[0].id);
    check_whole(&mut store);
}

pub fn a_stale_tab_saves_nothing(world: &World) {
    let mut store = world.open();
    let chat = store.create("stale", None).unwrap();
    let seen = |head: Option<&str>| ChatSaving {
        head: Some(head.map(str::to_owned)),
        ..Default::default()
    };
    let one = [named("a", Role::User, "1")];
    store.save_messages(&key(chat), &one, &seen(None)).unwrap();
    refused(
        store.save_messages(&key(chat), &one, &seen(None)),
        ErrorCode::Conflict,
    );
    let two = [named("a", Role::User, "1"), named("b", Role::User, "2")];
    store
        .save_messages(&key(chat), &two, &seen(Some("a")))
        .unwrap();
    let other = [named("a", Role::User, "1"), named("c", Role::User, "3")];
    refused(
        store.save_messages(&key(chat), &other, &seen(Some("a"))),
        ErrorCode::Conflict,
    );
    assert_eq!(path(&store, chat), ["a", "b"]);
}

pub fn text_grows_beside_its_message(world: &World) {
    let mut store = world.open();
    let chat = store.create("growing", None).unwrap();
    let id = store.add(&key(chat), Role::Assistant, "처음").unwrap().id;
    let mut expected = "처음".to_owned();
    for n in 0..3_000 {
        let piece = format!(" 말{n}😀");
        store
            .append_to_message(&MessageKey::Id(id), &piece, false)
            .unwrap();
        expected.push_str(&piece);
        if n % 500 == 0 {
            assert_eq!(message(&store, id).content, expected);
        }
    }
    let row = message(&store, id);
    assert_eq!(
        (row.content.as_str(), row.status),
        (expected.as_str(), Status::Complete)
    );
    store
        .append_to_message(&MessageKey::Id(id), "", false)
        .unwrap();
    refused(
        store.append_to_message(&MessageKey::Id(999), "x", false),
        ErrorCode::NotFound,
    );
    if world.path.is_some() {
        // As after a crash: what grew is there.
        drop(store);
        store = world.open();
        assert_eq!(message(&store, id).content, expected);
        store
            .append_to_message(&MessageKey::Id(id), "!", false)
            .unwrap();
        store.close().unwrap();
        store = world.open();
        expected.push('!');
    }
    assert_eq!(message(&store, id).content, expected);
    store.delete_message(&MessageKey::Id(id)).unwrap();
    check_whole(&mut store);
}

pub fn text_grows_after_other_parts(world: &World) {
    let mut store = world.open();
    let chat = store.create("growing", None).unwrap();
    for (parts, content, after) in [
        (
            r#"[{"type":"text","text":"a","state":"streaming"}]"#,
            "abc",
            r#"[{"type":"text","text":"abc","state":"streaming"}]"#,
        ),
        (
            r#"[{"type":"tool-x"}]"#,
            "bc",
            r#"[{"type":"tool-x"},{"type":"text","text":"bc"}]"#,
        ),
        (
            r#"[{"type":"text","text":"a"},{"type":"tool-x"}]"#,
            "a\n\nbc",
            r#"[{"type":"text","text":"a"},{"type":"tool-x"},{"type":"text","text":"bc"}]"#,
        ),
    ] {
        let extra = NewMessage {
            parts: Some(parts.into()),
            ..Default::default()
        };
        let id = store
            .add_message(&key(chat), Role::Assistant, None, &extra)
            .unwrap()
            .id;
        for piece in ["b", "c"] {
            store
                .append_to_message(&MessageKey::Id(id), piece, false)
                .unwrap();
        }
        let row = message(&store, id);
        assert_eq!(
            (row.content.as_str(), row.parts.as_deref()),
            (content, Some(after))
        );
        // Folded in, it says the same.
        let patch = MessagePatch {
            status: Some(Status::Waiting),
            ..Default::default()
        };
        store.update_message(&MessageKey::Id(id), &patch).unwrap();
        let row = message(&store, id);
        assert_eq!(
            (row.content.as_str(), row.parts.as_deref()),
            (content, Some(after))
        );
        store
            .append_to_message(&MessageKey::Id(id), "d", false)
            .unwrap();
        assert_eq!(message(&store, id).content, format!("{content}d"));
        assert_eq!(message(&store, id).status, Status::Waiting);
    }
    check_whole(&mut store);
}

fn growth(store: &mut Store) -> Vec<Append> {
    store
        .take_changes()
        .into_iter()
        .filter_map(|change| match change {
            Change::Row(row) => row.append,
            Change::Reset => None,
        })
        .collect()
}

pub fn appending_is_told_as_growth(world: &World) {
    let mut store = world.open();
    let chat = store.create("growing", None).unwrap();
    let extra = NewMessage {
        parts: Some(r#"[{"type":"text","text":"😀"},{"type":"x"}]"#.into()),
        ..Default::default()
    };
    let id = store
        .add_message(&key(chat), Role::Assistant, None, &extra)
        .unwrap()
        .id;
    let updated_at = conversation(&store, chat).updated_at;
    world.tick(1_000);
    store.take_changes();
    let mut content = message(&store, id).content;
    for piece in ["é", "한😀", "x"] {
        store
            .append_to_message(&MessageKey::Id(id), piece, false)
            .unwrap();
        let told = growth(&mut store);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].offset, content.encode_utf16().count() as i64);
        content.push_str(&told[0].text);
        assert_eq!(message(&store, id).content, content);
    }
    assert_eq!(content, "😀\n\né한😀x");
    assert_eq!(
        conversation(&store, chat).updated_at,
        updated_at,
        "appended text moves no time"
    );
    store
        .append_to_message(&MessageKey::Id(id), &"x".repeat(70_000), false)
        .unwrap();
    assert_eq!(growth(&mut store), [], "too long to be told");
}

pub fn what_streams_belongs_to_its_tab(world: &World) {
    let mut store = world.open();
    let chat = store.create("streams", None).unwrap();
    let streaming = NewMessage {
        status: Some(Status::Streaming),
        ..Default::default()
    };
    let mut ids = Vec::new();
    for tab in ["alive", "dead"] {
        store.set_tab(Some(tab));
        let id = store
            .add_message(&key(chat), Role::Assistant, Some(""), &streaming)
            .unwrap()
            .id;
        store
            .append_to_message(&MessageKey::Id(id), "so far", true)
            .unwrap();
        ids.push(id);
    }
    let status = |store: &Store| {
        ids.iter()
            .map(|id| message(store, *id).status)
            .collect::<Vec<_>>()
    };
    if world.path.is_some() {
        drop(store);
        store = world.open();
    }
    assert_eq!(status(&store), [Status::Streaming, Status::Streaming]);
    assert_eq!(store.writers().unwrap(), ["alive", "dead"]);
    store.take_changes();
    world.tick(1_000);
    store.heal_streams(&["alive"]).unwrap();
    assert_eq!(status(&store), [Status::Streaming, Status::Aborted]);
    assert_eq!(message(&store, ids[1]).content, "so far");
    assert_eq!(conversation(&store, chat).updated_at.millis(), NOON + 1_000);
    assert!(!store.take_changes().is_empty());
    let report = store.heal(None).unwrap();
    assert_eq!(
        report.repairs.iter().map(|it| it.kind).collect::<Vec<_>>(),
        [Repair::Stream]
    );
    // It only slept.
    store.set_tab(Some("dead"));
    store
        .append_to_message(&MessageKey::Id(ids[1]), ", and on", true)
        .unwrap();
    assert_eq!(status(&store), [Status::Streaming, Status::Streaming]);
    assert_eq!(message(&store, ids[1]).content, "so far, and on");
    // Somebody's append leaves the status.
    let patch = MessagePatch {
        status: Some(Status::Complete),
        ..Default::default()
    };
    store
        .update_message(&MessageKey::Id(ids[1]), &patch)
        .unwrap();
    store
        .append_to_message(&MessageKey::Id(ids[1]), "!", false)
        .unwrap();
    assert_eq!(message(&store, ids[1]).status, Status::Complete);
    store.end_streams("alive").unwrap();
    assert_eq!(status(&store), [Status::Aborted, Status::Complete]);
    // It belongs to the tab that last wrote it.
    for take in ["append", "update"] {
        store.set_tab(Some("first"));
        let id = store
            .add_message(&key(chat), Role::Assistant, Some(""), &streaming)
            .unwrap()
            .id;
        store.set_tab(Some("second"));
        match take {
            "append" => store
                .append_to_message(&MessageKey::Id(id), "x", false)
                .unwrap(),
            _ => {
                let patch = MessagePatch {
                    status: Some(Status::Streaming),
                    ..Default::default()
                };
                store.update_message(&MessageKey::Id(id), &patch).unwrap();
            }
        }
        store.end_streams("first").unwrap();
        assert_eq!(message(&store, id).status, Status::Streaming);
        store.end_streams("second").unwrap();
        assert_eq!(message(&store, id).status, Status::Aborted);
    }
    // A person's approval is waited for as long as it takes.
    let patch = MessagePatch {
        status: Some(Status::Waiting),
        ..Default::default()
    };
    store
        .update_message(&MessageKey::Id(ids[0]), &patch)
        .unwrap();
    store.heal_streams(&[] as &[&str]).unwrap();
    assert_eq!(status(&store), [Status::Waiting, Status::Complete]);
}

fn beside(world: &World) -> String {
    match &world.path {
        Some(path) => path.replace("main.db", "copy.db"),
        None if world.vfs.is_some() => "copy.db".to_owned(),
        None => {
            let file = std::env::temp_dir().join(format!("copy-{}.db", std::process::id()));
            let _ = std::fs::remove_file(&file);
            file.to_str().unwrap().to_owned()
        }
    }
}

pub fn what_streams_in_a_backup_has_ended(world: &World) {
    if world.path.is_none() && world.vfs.is_none() {
        // Natively, one file name for all cases in memory: backup_and_restore has it.
        return;
    }
    let mut store = world.open();
    store.set_tab(Some("me"));
    let chat = store.create("streams", None).unwrap();
    let streaming = NewMessage {
        status: Some(Status::Streaming),
        ..Default::default()
    };
    let id = store
        .add_message(&key(chat), Role::Assistant, Some(""), &streaming)
        .unwrap()
        .id;
    store
        .append_to_message(&MessageKey::Id(id), "so far", true)
        .unwrap();
    let copy = beside(world);
    store.backup_into(&copy).unwrap();
    store
        .append_to_message(&MessageKey::Id(id), ", and on", true)
        .unwrap();
    assert_eq!(message(&store, id).status, Status::Streaming);
    assert_eq!(message(&store, id).content, "so far, and on");
    store.restore_from(&copy, None, 0).unwrap();
    let row = message(&store, id);
    assert_eq!(
        (row.content.as_str(), row.status),
        ("so far", Status::Aborted)
    );
}

fn put(store: &mut Store, bytes: &[u8]) -> String {
    let mut hasher = conversation_store::store::Hasher::default();
    hasher.update(bytes);
    let hash = hasher.finish();
    let mut offset = 0;
    loop {
        let end = bytes.len().min(offset + PIECE as usize);
        store
            .put_blob_piece(
                &hash,
                bytes.len() as i64,
                "image/png",
                offset as i64,
                &bytes[offset..end],
            )
            .unwrap();
        offset += PIECE as usize;
        if offset >= bytes.len() {
            return hash;
        }
    }
}

fn get(store: &Store, hash: &str) -> Option<Vec<u8>> {
    let blob = store.get_blob(hash).unwrap()?;
    let mut bytes = Vec::new();
    while (bytes.len() as i64) < blob.size {
        bytes.extend(store.get_blob_piece(hash, bytes.len() as i64).unwrap());
    }
    Some(bytes)
}

pub fn attachments_are_kept_once(world: &World) {
    let mut store = world.open();
    for length in [0, 1, PIECE as usize, PIECE as usize * 2 + 17] {
        let bytes: Vec<u8> = (0..length).map(|n| (n * 31 % 251) as u8).collect();
        let hash = put(&mut store, &bytes);
        assert_eq!(put(&mut store, &bytes), hash);
        assert_eq!(get(&store, &hash).as_deref(), Some(bytes.as_slice()));
        let blob = store
            .get_blob(&format!("conversation-store:sha256-{hash}"))
            .unwrap()
            .unwrap();
        assert_eq!(
            (blob.size, blob.media_type.as_str()),
            (length as i64, "image/png")
        );
    }
    // SHA-256 of nothing, as NIST gives it.
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(store.get_blob(nothing).unwrap().is_some());
    // Not all of it is there.
    let hash = "0".repeat(64);
    store
        .put_blob_piece(&hash, PIECE * 2, "", PIECE, &vec![1; PIECE as usize])
        .unwrap();
    assert_eq!(store.get_blob(&hash).unwrap(), None);
    refused(store.get_blob_piece(&hash, 0), ErrorCode::NotFound);
    // There was no space for the rest: what there is goes, and what is whole stays.
    store.drop_blob(&hash).unwrap();
    store.drop_blob(nothing).unwrap();
    assert!(store.get_blob(nothing).unwrap().is_some());
    store
        .put_blob_piece(&hash, PIECE * 2, "", 0, &vec![1; PIECE as usize])
        .unwrap();
    assert_eq!(store.get_blob(&hash).unwrap(), None, "the other piece went");
    for wrong in ["", "x", "sha256-0", &"g".repeat(64), &"é".repeat(32)] {
        refused(store.get_blob(wrong), ErrorCode::InvalidArgument);
    }
    refused(
        store.put_blob_piece(&hash, 10, "", 3, &[0; 7]),
        ErrorCode::InvalidArgument,
    );
    refused(
        store.put_blob_piece(&hash, 10, "", 0, &[0; 7]),
        ErrorCode::InvalidArgument,
    );
}

pub fn attachments_that_nobody_names_go_after_a_day(world: &World) {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    let mut store = world.open();
    let chat = store.create("blobs", None).unwrap();
    let (unnamed, named, of_chat) = (
        put(&mut store, b"1"),
        put(&mut store, b"2"),
        put(&mut store, b"3"),
    );
    let reference = |hash: &str| format!(r#""conversation-store:sha256-{hash}""#);
    let extra = NewMessage {
        parts: Some(format!(
            r#"[{{"type":"file","url":{}}}]"#,
            reference(&named)
        )),
        ..Default::default()
    };
    let id = store
        .add_message(&key(chat), Role::User, None, &extra)
        .unwrap()
        .id;
    let metadata = ConversationPatch {
        metadata: Some(Some(reference(&of_chat))),
        ..Default::default()
    };
    store.update_conversation(&key(chat), &metadata).unwrap();
    let there = |store: &Store| [&unnamed, &named, &of_chat].map(|hash| get(store, hash).is_some());
    world.tick(DAY - 1);
    store.collect_blobs().unwrap();
    assert_eq!(there(&store), [true, true, true]);
    world.tick(1);
    store.collect_blobs().unwrap();
    assert_eq!(there(&store), [false, true, true]);
    // In plain text, in what is appended (also in two pieces), in what is saved: each a name.
    let plain = put(&mut store, b"4");
    let grown = put(&mut store, b"5");
    let name = |hash: &str| format!("see conversation-store:sha256-{hash}.");
    store.add(&key(chat), Role::User, &name(&plain)).unwrap();
    let growing = store.add(&key(chat), Role::User, "").unwrap().id;
    let text = name(&grown);
    for piece in [&text[..30], &text[30..]] {
        store
            .append_to_message(&MessageKey::Id(growing), piece, false)
            .unwrap();
    }
    let settle = MessagePatch {
        status: Some(Status::Waiting),
        ..Default::default()
    };
    store
        .update_message(&MessageKey::Id(growing), &settle)
        .unwrap();
    world.tick(2 * DAY);
    store.collect_blobs().unwrap();
    store.collect_blobs().unwrap();
    assert!(get(&store, &plain).is_some() && get(&store, &grown).is_some());
    let query = MessageQuery {
        inline_blobs: true,
        ..Default::default()
    };
    let rows = store.messages_for(&key(chat), &query).unwrap();
    assert_eq!(rows[1].content, "see data:image/png;base64,NA==.");
    // A day after the last name is gone.
    store.delete_message(&MessageKey::Id(id)).unwrap();
    store.delete_conversation(&key(chat)).unwrap();
    store.collect_blobs().unwrap();
    world.tick(DAY - 1);
    store.collect_blobs().unwrap();
    assert_eq!(there(&store), [false, true, true]);
    // Put once more, it is wanted once more.
    put(&mut store, b"2");
    world.tick(1);
    store.collect_blobs().unwrap();
    assert_eq!(there(&store), [false, true, false]);
}

pub fn long_data_urls_become_attachments(world: &World) {
    let mut store = world.open();
    let chat = store.create("blobs", None).unwrap();
    let long = format!("data:image/png;base64,{}", "QUJD".repeat(8_000));
    let short = "data:image/png;base64,QUJD";
    let wrong = format!("data:image/png;base64,{}", "*".repeat(20_000));
    let parts = format!(
        r#"[{{"type":"file","url":"{long}"}},{{"type":"file","url":"{short}"}},{{"type":"file","url":"{wrong}"}}]"#
    );
    let extra = NewMessage {
        parts: Some(parts.clone()),
        extract_blobs: Some(true),
        ..Default::default()
    };
    let id = store
        .add_message(&key(chat), Role::User, None, &extra)
        .unwrap()
        .id;
    let kept = message(&store, id).parts.unwrap();
    assert!(kept.contains("conversation-store:sha256-") && !kept.contains(&long));
    assert!(kept.contains(short) && kept.contains(&wrong));
    let query = MessageQuery {
        inline_blobs: true,
        ..Default::default()
    };
    assert_eq!(
        store.messages_for(&key(chat), &query).unwrap()[0]
            .parts
            .as_deref(),
        Some(parts.as_str())
    );
    // The same bytes as another type stay where they are: the first type would come back.
    let other = NewMessage {
        parts: Some(format!(
            r#"[{{"type":"file","url":"{}"}}]"#,
            long.replace("image/png", "text/html")
        )),
        extract_blobs: Some(true),
        ..Default::default()
    };
    let id = store
        .add_message(&key(chat), Role::User, None, &other)
        .unwrap()
        .id;
    assert_eq!(message(&store, id).parts, other.parts);
    let hash = &kept[kept.find("sha256-").unwrap() + 7..][..64];
    assert_eq!(get(&store, hash).unwrap(), "ABC".repeat(8_000).into_bytes());
    world.tick(10 * 24 * 60 * 60 * 1_000);
    store.collect_blobs().unwrap();
    assert!(get(&store, hash).is_some(), "a message names it");
}

fn imported(uid: &str, messages: &[(&str, &str)]) -> ImportedChat {
    ImportedChat {
        uid: uid.into(),
        title: format!("chat {uid}"),
        created_at: Some(Timestamp::from_millis(NOON - 1_000_000)),
        messages: messages
            .iter()
            .map(|(uid, content)| ImportedMessage {
                uid: (*uid).into(),
                content: (*content).into(),
                created_at: Some(Timestamp::from_millis(NOON - 500_000)),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

fn import(store: &mut Store, chats: &[ImportedChat], conflict: ConflictRule) -> ImportCounts {
    let options = ImportingOptions {
        conflict,
        ..Default::default()
    };
    store.import_batch(chats, &options).unwrap()
}

fn counts(counts: Counts) -> [i64; 4] {
    [
        counts.created,
        counts.updated,
        counts.skipped,
        counts.failed,
    ]
}

pub fn an_import_is_done_once(world: &World) {
    let mut store = world.open();
    let mut chat = imported("c", &[("a", "1"), ("b", "2"), ("b2", "2'")]);
    chat.messages[2].parent = Some(Some("a".into()));
    chat.head = Some(Some("b".into()));
    let first = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    );
    assert_eq!(
        (counts(first.conversations), counts(first.messages)),
        ([1, 0, 0, 0], [3, 0, 0, 0])
    );
    let id = first.ids[0];
    assert_eq!(path(&store, id), ["a", "b"]);
    let row = conversation(&store, id);
    assert_eq!(row.message_count, 3);
    assert_eq!(
        row.updated_at.millis(),
        NOON - 500_000,
        "given times are kept"
    );
    store.take_changes();
    for rule in [ConflictRule::Update, ConflictRule::Keep] {
        let again = import(&mut store, std::slice::from_ref(&chat), rule);
        assert_eq!(
            (counts(again.conversations), counts(again.messages)),
            ([0, 0, 1, 0], [0, 0, 3, 0])
        );
        assert_eq!((again.ids, again.failures), (vec![id], vec![]));
        assert_eq!(store.take_changes(), []);
    }
    // The chat went on elsewhere.
    chat.messages.push(ImportedMessage {
        uid: "c".into(),
        content: "3".into(),
        parent: Some(Some("b".into())),
        ..Default::default()
    });
    chat.messages[1].content = "2, and more".into();
    chat.head = Some(Some("c".into()));
    chat.title = "renamed".into();
    let kept = import(&mut store, std::slice::from_ref(&chat), ConflictRule::Keep);
    assert_eq!(counts(kept.messages), [0, 0, 4, 0]);
    let later = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    );
    assert_eq!(
        (counts(later.conversations), counts(later.messages)),
        ([0, 1, 0, 0], [1, 1, 2, 0])
    );
    assert_eq!(path(&store, id), ["a", "b", "c"]);
    assert_eq!(conversation(&store, id).title, "renamed");
    let twice = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Duplicate,
    );
    assert_ne!(twice.ids[0], id);
    assert_eq!(path(&store, twice.ids[0]), ["a", "b", "c"]);
    check_whole(&mut store);
}

pub fn an_import_keeps_what_was_edited_here(world: &World) {
    let mut store = world.open();
    let mut chat = imported("c", &[("a", "1"), ("b", "2")]);
    let id = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    )
    .ids[0];
    let edit = MessagePatch {
        content: Some("mine".into()),
        ..Default::default()
    };
    store.update_message(&uid("a"), &edit).unwrap();
    let rename = ConversationPatch {
        title: Some("mine".into()),
        ..Default::default()
    };
    store.update_conversation(&key(id), &rename).unwrap();
    add(&mut store, id, "here", NewMessage::default());

    let again = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    );
    assert_eq!(counts(again.messages), [0, 0, 2, 0]);
    assert_eq!(
        path(&store, id),
        ["a", "b", "here"],
        "the head stays where it was moved"
    );
    chat.messages[0].content = "theirs".into();
    chat.messages.push(ImportedMessage {
        uid: "d".into(),
        content: "4".into(),
        ..Default::default()
    });
    let later = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    );
    assert_eq!(counts(later.messages), [1, 0, 2, 0]);
    let kept: Vec<_> = later
        .failures
        .iter()
        .map(|it| (it.kind.as_str(), it.id.as_str(), it.code))
        .collect();
    assert_eq!(
        kept,
        [
            ("conversation", "c", ErrorCode::Conflict),
            ("message", "a", ErrorCode::Conflict)
        ]
    );
    assert_eq!(
        store.get_message(&uid("a")).unwrap().unwrap().content,
        "mine"
    );
    assert_eq!(conversation(&store, id).title, "mine");
    assert_eq!(path(&store, id), ["a", "b", "here"]);
    assert_eq!(store.branches(&uid("here")).unwrap().len(), 2);
    check_whole(&mut store);

    // Into a conversation that is there.
    let options = ImportingOptions {
        conversation_id: Some(key(id)),
        ..Default::default()
    };
    let more = imported("ignored", &[("x", "5"), ("y", "6")]);
    let into = store
        .import_batch(std::slice::from_ref(&more), &options)
        .unwrap();
    assert_eq!((into.ids, counts(into.messages)), (vec![id], [2, 0, 0, 0]));
    assert_eq!(path(&store, id), ["a", "b", "here", "x", "y"]);
    let again = store.import_batch(&[more], &options).unwrap();
    assert_eq!(counts(again.messages), [0, 0, 2, 0]);
    assert_eq!(path(&store, id), ["a", "b", "here", "x", "y"]);
    let nowhere = ImportingOptions {
        conversation_id: Some(key(999)),
        ..Default::default()
    };
    refused(store.import_batch(&[], &nowhere), ErrorCode::NotFound);
    check_whole(&mut store);
}

pub fn an_import_brings_nothing_back_and_takes_nothing_away(world: &World) {
    let mut store = world.open();
    let mut chat = imported("c", &[("a", "1"), ("b", "2"), ("c", "3")]);
    chat.brain = Some("gpt".into());
    chat.messages[1].model = Some("m".into());
    chat.messages[1].usage = Some("{}".into());
    let id = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    )
    .ids[0];
    // What a file does not say stays.
    let mut less = chat.clone();
    less.brain = None;
    (less.messages[1].model, less.messages[1].usage) = (None, None);
    store.take_changes();
    let report = import(&mut store, &[less], ConflictRule::Update);
    assert_eq!(
        (counts(report.conversations), counts(report.messages)),
        ([0, 0, 1, 0], [0, 0, 3, 0])
    );
    assert_eq!(store.take_changes(), []);
    // What was deleted here stays away; what follows it follows its parent.
    store.delete_message(&uid("a")).unwrap();
    store.delete_message(&uid("b")).unwrap();
    chat.messages.push(ImportedMessage {
        uid: "d".into(),
        content: "4".into(),
        ..Default::default()
    });
    let report = import(
        &mut store,
        std::slice::from_ref(&chat),
        ConflictRule::Update,
    );
    assert_eq!(counts(report.messages), [1, 0, 3, 0]);
    assert_eq!(
        counts(report.conversations),
        [0, 1, 0, 0],
        "it has one more"
    );
    assert_eq!(path(&store, id), ["c", "d"]);
    check_whole(&mut store);

    // Siblings come back in their order.
    let chat = store.create("siblings", None).unwrap();
    add(&mut store, chat, "q", NewMessage::default());
    for name in ["v1", "v2", "v3"] {
        add(&mut store, chat, name, below(Some("q")));
    }
    show(&mut store, chat, Some("v1"));
    let out = store.export_chat(&key(chat)).unwrap().unwrap();
    store.clear().unwrap();
    import(&mut store, &[out], ConflictRule::Update);
    let names: Vec<_> = store
        .branches(&uid("v2"))
        .unwrap()
        .into_iter()
        .map(|it| it.message.uid)
        .collect();
    assert_eq!(names, ["v1", "v2", "v3"]);
}

pub fn an_import_loses_only_what_is_wrong(world: &World) {
    let mut store = world.open();
    let mut broken = imported("broken", &[("a", "1"), ("b", "2")]);
    broken.messages[1].parts = Some("nonsense".into());
    let twice = imported("twice", &[("a", "1"), ("a", "2")]);
    let mut long = imported("long", &[]);
    long.title = "x".repeat(10_001);
    let chats = [
        imported("one", &[("a", "1")]),
        broken,
        twice,
        long,
        imported("two", &[("a", "1")]),
    ];
    let report = import(&mut store, &chats, ConflictRule::Update);
    assert_eq!(
        (counts(report.conversations), counts(report.messages)),
        ([2, 0, 0, 3], [2, 0, 0, 4])
    );
    // Parents that come later, or never, are none.
    let mut loose = imported("loose", &[("x", "1"), ("y", "2"), ("z", "3")]);
    loose.messages[0].parent = Some(Some("y".into()));
    loose.messages[1].parent = Some(Some("nobody".into()));
    let id = import(&mut store, &[loose], ConflictRule::Update).ids[0];
    assert_eq!(path(&store, id), ["y", "z"]);
    let failed: Vec<_> = report.failures.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(failed, ["broken", "twice", "long"]);
    assert_eq!(
        store.list_conversations(&Default::default()).unwrap().len(),
        3
    );
    check_whole(&mut store);
}

pub fn what_is_exported_comes_back(world: &World) {
    let mut store = world.open();
    let chat = store.create("out", Some("b")).unwrap();
    for n in 0..20_usize {
        let parent = (n > 0).then(|| format!("m{}", n * 5 % n));
        let extra = NewMessage {
            parts: (n % 3 == 0)
                .then(|| format!(r#"[{{"type":"x","n":{n}}},{{"type":"text","text":"m{n}"}}]"#)),
            metadata: (n % 4 == 0).then(|| Some(format!(r#"{{"n":{n}}}"#))),
            status: (n % 7 == 0).then_some(Status::Waiting),
            ..below(parent.as_deref())
        };
        world.tick(77);
        add(&mut store, chat, &format!("m{n}"), extra);
    }
    let patch = ConversationPatch {
        pinned: Some(true),
        trashed: Some(true),
        tags: Some(Some(vec!["a,b".into(), "다".into()])),
        metadata: Some(Some("null".into())),
        head: Some(Some(uid("m3"))),
        ..Default::default()
    };
    store.update_conversation(&key(chat), &patch).unwrap();
    let out = store.export_chat(&key(chat)).unwrap().unwrap();
    store.clear().unwrap();
    let report = import(&mut store, std::slice::from_ref(&out), ConflictRule::Update);
    assert_eq!(report.failures, []);
    assert_eq!(
        store.export_chat(&key(report.ids[0])).unwrap().unwrap(),
        out
    );
    assert_eq!(store.export_chat(&key(chat)).unwrap(), None);
    check_whole(&mut store);
}

pub fn everything_is_cleared(world: &World) {
    let mut store = world.open();
    let chat = store.create("gone", None).unwrap();
    let id = store.add(&key(chat), Role::User, "x").unwrap().id;
    store
        .append_to_message(&MessageKey::Id(id), "y", false)
        .unwrap();
    let hash = put(&mut store, b"bytes");
    store.take_changes();
    store.clear().unwrap();
    assert_eq!(store.take_changes(), [Change::Reset]);
    assert_eq!(store.list_conversations(&Default::default()).unwrap(), []);
    assert_eq!(store.get_blob(&hash).unwrap(), None);
    assert_eq!(store.get_message(&MessageKey::Id(id)).unwrap(), None);
    let next = store.create("next", None).unwrap();
    assert_eq!(next, chat + 1, "ids are not given again");
    assert_eq!(store.add(&key(next), Role::User, "x").unwrap().id, id + 1);
    check_whole(&mut store);
}

pub fn a_healed_store_has_nothing_to_heal(world: &World) {
    let mut store = world.open();
    let chat = store.create("t", None).unwrap();
    store.add(&key(chat), Role::User, "hi").unwrap();
    store.take_changes();
    assert_eq!(store.heal(Some(&key(chat))).unwrap(), HealReport::default());
    assert_eq!(store.heal(None).unwrap(), HealReport::default());
    assert_eq!(store.take_changes(), []);
    refused(store.heal(Some(&key(999))), ErrorCode::NotFound);
}
