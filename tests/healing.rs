//! Healing: what another program leaves in a file, through stock SQLite with foreign keys off, is found
//! when the file is next opened, mended, and told. No text is lost, and a second look finds nothing.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::chats::{check_whole, path};
use common::{Lesson as _, World, key};
use conversation_store::error::ErrorCode;
use conversation_store::model::*;
use conversation_store::store::Store;
use rusqlite::Connection;

/// A file with a chat a - b - c and a branch b2 beside b, closed.
struct File {
    _folder: tempfile::TempDir,
    world: World,
    chat: i64,
    ids: Vec<i64>,
}

impl File {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.db").to_str().unwrap().to_owned();
        let world = World::new(Some(path), None);
        let mut store = world.open();
        let chat = store.create("chat", None).unwrap();
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            world.tick(1_000);
            ids.push(add(&mut store, chat, name, NewMessage::default()));
        }
        let beside = NewMessage {
            parent_id: Some(Some(MessageKey::Uid("a".into()))),
            head: Some(false),
            ..NewMessage::default()
        };
        ids.push(add(&mut store, chat, "b2", beside));
        store.close().unwrap();
        Self {
            _folder: folder,
            world,
            chat,
            ids,
        }
    }

    /// What another program does.
    fn foreign(&self, sql: &str) {
        let other = Connection::open(self.world.path.as_ref().unwrap()).unwrap();
        other.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        other.execute_batch(sql).unwrap();
    }

    fn open(&self) -> (Store, HealReport) {
        let mut store = self.world.open();
        let report = store
            .heal(Some(&key(self.chat)))
            .unwrap_or_else(|_| HealReport::default());
        (store, report)
    }
}

fn add(store: &mut Store, chat: i64, name: &str, extra: NewMessage) -> i64 {
    let extra = NewMessage {
        uid: Some(name.to_owned()),
        ..extra
    };
    let added = store.add_message(&key(chat), Role::User, Some(name), &extra);
    added.unwrap().id
}

fn kinds(report: &HealReport) -> Vec<(Repair, Vec<i64>)> {
    report
        .repairs
        .iter()
        .map(|it| (it.kind, it.ids.clone()))
        .collect()
}

fn contents(store: &Store, chat: i64) -> Vec<String> {
    let rows = store
        .messages_for(&key(chat), &MessageQuery::default())
        .unwrap();
    rows.into_iter().map(|row| row.content).collect()
}

#[test]
fn what_the_other_program_adds_follows_the_head() {
    let file = File::new();
    file.foreign(
        "INSERT INTO messages (conversation_id, role, content) VALUES (1, 'user', 'later');
         INSERT INTO messages (conversation_id, role, content, created_at) VALUES (1, 'assistant', 'before all', '2001-01-01 00:00:00');
         UPDATE conversations SET updated_at = datetime('now') WHERE id = 1;
         INSERT INTO conversations (title) VALUES ('theirs');
         INSERT INTO messages (conversation_id, role, content) VALUES (2, 'user', 'first'), (2, 'user', 'second');",
    );
    let (mut store, report) = file.open();
    assert_eq!(contents(&store, 1), ["a", "b", "c", "later", "before all"]);
    assert_eq!(contents(&store, 2), ["first", "second"]);
    let rows = store
        .messages_for(&key(1), &MessageQuery::default())
        .unwrap();
    assert!(
        rows.windows(2)
            .all(|pair| pair[0].created_at <= pair[1].created_at)
    );
    let row = store.get_conversation(&key(1)).unwrap().unwrap();
    assert_eq!((row.message_count, row.head_id), (6, Some(6)));
    assert_eq!(
        kinds(&report),
        [
            (Repair::ConversationTime, vec![1]),
            (Repair::AdoptedMessage, vec![5, 6, 7, 8]),
            (Repair::AdoptedConversation, vec![2]),
        ]
    );
    check_whole(&mut store);
}

#[test]
fn what_the_other_program_edits_and_deletes_leaves_a_tree() {
    let file = File::new();
    file.foreign(
        "UPDATE messages SET content = 'edited' WHERE id = 1;
         DELETE FROM messages WHERE id = 2;",
    );
    let (mut store, report) = file.open();
    assert_eq!(contents(&store, 1), ["edited", "c"]);
    let repairs = kinds(&report);
    assert_eq!(
        repairs,
        [
            (Repair::Parent, vec![file.ids[2]]),
            (Repair::Count, vec![1])
        ]
    );
    check_whole(&mut store);
    store.close().unwrap();

    // The head.
    file.foreign("DELETE FROM messages WHERE id = 3");
    let (mut store, report) = file.open();
    assert_eq!(contents(&store, 1), ["edited"]);
    assert_eq!(kinds(&report)[0], (Repair::Head, vec![1]));
    check_whole(&mut store);
}

#[test]
fn edited_text_wins_and_the_parts_it_had_are_kept() {
    let file = File::new();
    let mut store = file.world.open();
    let parts = r#"[{"type":"text","text":"a"},{"type":"tool-x","n":1}]"#;
    let patch = MessagePatch {
        parts: Some(Some(parts.into())),
        ..MessagePatch::default()
    };
    store.update_message(&MessageKey::Id(1), &patch).unwrap();
    store.close().unwrap();
    file.foreign("UPDATE messages SET content = 'other' WHERE id = 1");
    let (mut store, report) = file.open();
    let row = store.get_message(&MessageKey::Id(1)).unwrap().unwrap();
    assert_eq!((row.content.as_str(), row.parts), ("other", None));
    assert_eq!(row.source, Some(format!(r#"{{"formerParts":{parts}}}"#)));
    assert_eq!(kinds(&report), [(Repair::Content, vec![1])]);
    check_whole(&mut store);
}

#[test]
fn json_that_is_none_is_kept_as_text() {
    let file = File::new();
    file.foreign(
        "UPDATE messages SET parts = 'not json', content = '' WHERE id = 1;
         UPDATE messages SET parts = '{\"a\":1}' WHERE id = 2;
         UPDATE messages SET metadata = 'oops', parts = NULL, content = content WHERE id = 3;
         UPDATE messages SET source = '[1', content = x'00ff' WHERE id = 4;
         UPDATE conversations SET tags = 'red', metadata = '{', source = 'from';",
    );
    let (mut store, report) = file.open();
    assert_eq!(contents(&store, 1), ["not json", "b", "c"]);
    let source = |id| store.get_message(&MessageKey::Id(id)).unwrap().unwrap();
    assert_eq!(
        source(2).source.as_deref(),
        Some(r#"{"formerParts":{"a":1}}"#)
    );
    assert_eq!(source(3).metadata.as_deref(), Some(r#""oops""#));
    let row = store.get_conversation(&key(1)).unwrap().unwrap();
    assert_eq!(
        (row.tags.as_deref(), row.metadata.as_deref()),
        (Some(r#"["red"]"#), Some(r#""{""#))
    );
    assert_eq!(
        source(4).source.as_deref(),
        Some(r#"{"data":"[1","formerBytes":"00FF"}"#)
    );
    let exported = store.export_chat(&key(1)).unwrap().unwrap();
    assert_eq!(exported.source.as_deref(), Some(r#""from""#));
    assert_eq!(
        kinds(&report),
        [(Repair::Json, vec![1, 1, 2, 3, 4]), (Repair::Text, vec![4])]
    );
    check_whole(&mut store);
}

/// As damage leaves it: no trigger has marked the rows.
#[test]
fn json_that_is_none_and_not_marked_is_corrupt_until_it_is_healed() {
    let file = File::new();
    file.foreign(
        "DROP TRIGGER conversations_edited;
         UPDATE conversations SET tags = '[\"red\"';",
    );
    let mut store = file.world.open();
    let of_tag = ConversationQuery {
        tag: Some("red".to_owned()),
        ..ConversationQuery::default()
    };
    assert_eq!(store.list_conversations(&of_tag).unwrap(), []);
    let error = store.export_chat(&key(1)).unwrap_err();
    assert_eq!(error.code, ErrorCode::Corrupt);
    store.heal(None).unwrap();
    let exported = store.export_chat(&key(1)).unwrap().unwrap();
    assert_eq!(exported.tags, [r#"["red""#]);
}

#[test]
fn broken_trees_are_trees_again() {
    for (sql, expected) in [
        // Its own parent; a cycle; a parent that is not there; one of another chat.
        (
            "UPDATE messages SET parent_id = 1 WHERE id = 1",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE messages SET parent_id = 3 WHERE id = 1",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE messages SET parent_id = 999 WHERE id = 2",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE messages SET parent_id = 999 WHERE id = 1",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE messages SET depth = 0, on_path = 1",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE messages SET depth = NULL, parent_id = NULL",
            vec!["a", "b", "c", "b2"],
        ),
        (
            "UPDATE conversations SET head_id = 999",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE conversations SET message_count = -3",
            vec!["a", "b", "c"],
        ),
        (
            "UPDATE conversations SET updated_at = '2001-01-01 00:00:00.000'",
            vec!["a", "b", "c"],
        ),
    ] {
        let file = File::new();
        file.foreign(sql);
        let (mut store, report) = file.open();
        assert!(
            report.healed > 0 || sql.contains("depth"),
            "{sql}: {report:?}"
        );
        assert_eq!(path(&store, 1), expected, "{sql}");
        let query = MessageQuery {
            branches: Some(Branches::All),
            ..MessageQuery::default()
        };
        assert_eq!(
            store.messages_for(&key(1), &query).unwrap().len(),
            4,
            "{sql}"
        );
        let row = store.get_conversation(&key(1)).unwrap().unwrap();
        assert_eq!(row.message_count, 4);
        check_whole(&mut store);
    }
}

#[test]
fn messages_without_a_conversation_get_one() {
    let file = File::new();
    file.foreign(
        "DELETE FROM conversations WHERE id = 1;
         INSERT INTO messages (conversation_id, role, content) VALUES (77, 'user', 'lost');",
    );
    let mut store = file.world.open();
    let report = store.heal(None).unwrap();
    let row = store.get_conversation(&key(1)).unwrap().unwrap();
    assert_eq!(
        (row.title.as_str(), row.message_count),
        ("Recovered messages", 4)
    );
    assert_eq!(contents(&store, 77), ["lost"]);
    assert!(
        kinds(&report).contains(&(Repair::Orphan, vec![1, 77])),
        "{report:?}"
    );
    assert_eq!(
        store
            .messages_for(&key(1), &Default::default())
            .unwrap()
            .len(),
        3
    );
    check_whole(&mut store);
}

#[test]
fn an_id_that_is_given_again_is_nobodys_head_or_parent() {
    for (sql, expected) in [
        (
            "DELETE FROM messages WHERE id = 4;
             DELETE FROM messages WHERE id = 3;
             INSERT INTO messages (conversation_id, role, content) VALUES (1, 'assistant', 'redo'), (1, 'user', 'more');",
            vec!["a", "b", "redo", "more"],
        ),
        (
            "DELETE FROM messages WHERE id >= 2;
             INSERT INTO messages (conversation_id, role, content) VALUES (1, 'user', 'x'), (1, 'user', 'y'), (1, 'user', 'z');",
            vec!["a", "x", "y", "z"],
        ),
        (
            "INSERT OR REPLACE INTO messages (id, conversation_id, role, content) VALUES (2, 1, 'user', 'replaced');",
            vec!["a", "c", "replaced"],
        ),
    ] {
        let file = File::new();
        file.foreign(sql);
        let (mut store, _) = file.open();
        assert_eq!(contents(&store, 1), expected, "{sql}");
        check_whole(&mut store);
    }
}

#[test]
fn what_a_deleted_conversation_leaves_is_not_anothers() {
    let file = File::new();
    file.foreign(
        "DELETE FROM conversations WHERE id = 1;
         INSERT INTO conversations (title) VALUES ('fresh');
         INSERT INTO messages (conversation_id, role, content) VALUES (1, 'user', 'new');",
    );
    // As the file is opened, and as it is restored elsewhere.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(file.world.path.as_ref().unwrap(), &copy).unwrap();
    let mut restored = World::new(None, None).open();
    restored
        .restore_from(copy.to_str().unwrap(), None, 0)
        .unwrap();
    let (opened, _) = file.open();
    restored.heal(None).unwrap();
    for mut store in [opened, restored] {
        assert_eq!(contents(&store, 1), ["new"]);
        assert_eq!(contents(&store, 2), ["a", "b", "c"]);
        let titles: Vec<_> = store
            .list_conversations(&ConversationQuery::default())
            .unwrap()
            .into_iter()
            .map(|it| it.title)
            .collect();
        assert!(
            titles.contains(&"Recovered messages".to_owned()),
            "{titles:?}"
        );
        check_whole(&mut store);
    }
}

#[test]
fn an_id_after_which_there_is_none_is_a_conflict_and_the_rest_goes_on() {
    for highest in [MAX_SAFE_INTEGER, i64::MAX] {
        let file = File::new();
        file.foreign(&format!(
            "INSERT INTO conversations (id, title) VALUES ({highest}, 'the last');
             INSERT INTO messages (id, conversation_id, role, content)
             VALUES ({highest}, {}, 'user', 'the last');",
            file.chat
        ));
        let (mut store, _) = file.open();
        assert_eq!(contents(&store, file.chat), ["a", "b", "c", "the last"]);
        let refused = [
            store.create("one more", None).map(drop),
            store.add(&key(file.chat), Role::User, "one more").map(drop),
        ];
        for refusal in refused {
            assert_eq!(refusal.unwrap_err().code, ErrorCode::Conflict);
        }
        assert_eq!(store.heal(None).unwrap().healed, 0);
    }
}

#[test]
fn depths_and_ids_that_no_store_gives_are_mended_or_read_and_not_found() {
    let file = File::new();
    file.foreign(&format!(
        "UPDATE messages SET depth = {0}, revision = NULL WHERE id = 1;
         INSERT INTO messages (id, conversation_id, role, content) VALUES (-1, 1, 'user', 'below');
         INSERT INTO conversations (id, title) VALUES (-2, 'below');",
        i64::MAX
    ));
    let (mut store, _) = file.open();
    store.heal(None).unwrap();
    assert_eq!(store.heal(None).unwrap().healed, 0);
    assert!(contents(&store, file.chat).contains(&"below".to_owned()));
    while store.index_step().unwrap() {}
    assert_eq!(store.search("below", &SearchQuery::default()).unwrap(), []);
    let steps = store.integrity_step(false, (i64::MAX, 0)).unwrap();
    assert_eq!(steps.next, None);
}

#[test]
fn values_of_another_type_are_mended() {
    let file = File::new();
    file.foreign(
        "UPDATE conversations SET pinned = 'x', head_id = 'y', message_count = 'z';
         UPDATE messages SET parent_id = 'abc', status = 5 WHERE id = 2;",
    );
    let mut store = file.world.open();
    store.heal(None).unwrap();
    let row = store.get_conversation(&key(1)).unwrap().unwrap();
    assert_eq!(
        (row.pinned, row.message_count, row.head_uid.as_deref()),
        (false, 4, Some("c"))
    );
    assert_eq!(contents(&store, 1).len(), 2, "b is a first message now");
    check_whole(&mut store);
}

#[test]
fn healing_in_steps_is_healing_at_once() {
    let file = File::new();
    let mut store = file.world.open();
    for n in 0..30 {
        let chat = store.create(&n.to_string(), None).unwrap();
        for m in 0..90 {
            store.add(&key(chat), Role::User, &m.to_string()).unwrap();
        }
    }
    store.close().unwrap();
    file.foreign(
        "DROP TRIGGER conversations_edited;
         UPDATE conversations SET message_count = 7;
         INSERT INTO messages (conversation_id, role, content) VALUES (99, 'user', 'lost');
         UPDATE messages SET revision = 1, uid = 'x', depth = 0 WHERE conversation_id = 99;",
    );
    let mut store = file.world.open();
    let mut after = 0;
    let mut counts = Vec::new();
    let mut steps = 0;
    loop {
        let step = store.heal_step(after).unwrap();
        steps += 1;
        for repair in step.report.repairs {
            if repair.kind == Repair::Count {
                counts.extend(repair.ids);
            }
        }
        match step.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert!(steps > 2, "{steps}");
    counts.sort_unstable();
    let mut expected: Vec<i64> = (1..=31).collect();
    expected.push(99);
    assert_eq!(counts, expected);
    assert_eq!(contents(&store, 99), ["lost"]);
    check_whole(&mut store);
}

#[test]
fn times_of_any_form_are_times() {
    for (time, expected) in [
        ("2024-02-29 12:00:05", "2024-02-29T12:00:05.000Z"),
        ("2024-02-29T12:00:06Z", "2024-02-29T12:00:06.000Z"),
        ("2024-02-29T12:00:07.5+00:00", "2024-02-29T12:00:07.500Z"),
        // No such times: that of the message before it.
        ("2024-19-01 12:00:00.000", "2024-02-29T12:00:01.000Z"),
        ("2024-02-30 12:00:00.000", "2024-02-29T12:00:01.000Z"),
        ("yesterday", "2024-02-29T12:00:01.000Z"),
        ("", "2024-02-29T12:00:01.000Z"),
    ] {
        let file = File::new();
        file.foreign(&format!(
            "UPDATE messages SET created_at = '{time}' WHERE id = 2"
        ));
        let (mut store, _) = file.open();
        let row = store.get_message(&MessageKey::Id(2)).unwrap().unwrap();
        assert_eq!(row.created_at.to_iso(), expected, "{time}");
        assert_eq!(path(&store, 1), ["a", "b", "c"]);
        check_whole(&mut store);
    }
}

#[test]
fn bytes_that_are_no_text_are_text() {
    let file = File::new();
    file.foreign(
        "UPDATE messages SET content = CAST(x'61EDA08062' AS TEXT) WHERE id = 1;
         UPDATE messages SET content = x'ED959C' WHERE id = 2;
         INSERT INTO messages (conversation_id, role, content) VALUES (1, 'user', 'a' || char(0) || 'b');",
    );
    let (mut store, report) = file.open();
    assert_eq!(
        contents(&store, 1),
        ["a\u{fffd}\u{fffd}\u{fffd}b", "한", "c", "a\u{fffd}b"]
    );
    assert!(
        kinds(&report).contains(&(Repair::Text, vec![1, 2, 5])),
        "{report:?}"
    );
    check_whole(&mut store);
}

#[test]
fn a_row_of_the_other_program_keeps_what_lies_beside_it_in_order() {
    // Growth and names of attachments go with a message that another program deletes.
    let file = File::new();
    let mut store = file.world.open();
    let hash = "0".repeat(64);
    let extra = NewMessage {
        metadata: Some(Some(format!("\"conversation-store:sha256-{hash}\""))),
        ..NewMessage::default()
    };
    let id = add(&mut store, 1, "d", extra);
    store
        .append_to_message(&MessageKey::Id(id), "more", false)
        .unwrap();
    drop(store);
    file.foreign(&format!("DELETE FROM messages WHERE id = {id}"));
    let other = Connection::open(file.world.path.as_ref().unwrap()).unwrap();
    let left: i64 = other
        .query_row(
            "SELECT (SELECT count(*) FROM growth) + (SELECT count(*) FROM growing) + (SELECT count(*) FROM blob_refs)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
    drop(other);
    let (mut store, _) = file.open();
    assert_eq!(path(&store, 1), ["a", "b", "c"]);
    check_whole(&mut store);
}

#[test]
fn rows_that_the_file_does_not_take_are_corrupt_and_change_nothing() {
    let file = File::new();
    file.foreign(
        "DELETE FROM messages WHERE id > 1;
         CREATE UNIQUE INDEX one_of_a_role ON messages (role);",
    );
    let (mut store, _) = file.open();
    let error = store
        .add_message(&key(1), Role::User, Some("second"), &NewMessage::default())
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::Corrupt, "{error}");
    assert_eq!(contents(&store, 1), ["a"]);
    store
        .add_message(
            &key(1),
            Role::Assistant,
            Some("other"),
            &NewMessage::default(),
        )
        .unwrap();
}
