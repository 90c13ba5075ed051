//! The schema: the readable file is what the migrations make, every earlier version opens, and
//! what is newer or not ours is refused untouched.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Lesson as _, World, everything, key, refused};
use conversation_store::error::ErrorCode;
use conversation_store::model::{ConversationQuery, MessageQuery, Role};
use conversation_store::store::Store;
use conversation_store::store::schema::{CURRENT, MIGRATIONS, VERSION, migrate_to};
use rusqlite::Connection;

/// The schema without its spelling: columns, keys and checked text, not white space or comments.
fn described(connection: &Connection) -> Vec<String> {
    let mut lines = Vec::new();
    let mut read = |sql: &str| {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let line: Vec<String> = (0..columns)
                .map(|n| format!("{:?}", row.get::<_, rusqlite::types::Value>(n).unwrap()))
                .collect();
            lines.push(line.join(" "));
        }
    };
    read(
        "SELECT t.name, x.* FROM sqlite_schema t, pragma_table_xinfo(t.name) x
         WHERE t.type = 'table' ORDER BY t.name, x.cid",
    );
    read(
        "SELECT t.name, f.* FROM sqlite_schema t, pragma_foreign_key_list(t.name) f
         WHERE t.type = 'table' ORDER BY t.name, f.id",
    );
    read(
        "SELECT t.name, i.name, i.\"unique\", i.partial, x.seqno, x.name, x.\"desc\", x.coll
         FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) x
         WHERE t.type = 'table' ORDER BY t.name, i.name, x.seqno",
    );
    let texts: Vec<(String, String)> = connection
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql NOT NULL ORDER BY name")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (name, sql) in texts {
        let words: Vec<_> = sql.split_whitespace().collect();
        lines.push(format!("{name}: {}", words.join(" ")));
    }
    lines
}

#[test]
fn the_readable_schema_is_what_the_migrations_make() {
    let mut migrated = Connection::open_in_memory().unwrap();
    migrate_to(&mut migrated, MIGRATIONS.len()).unwrap();
    let readable = Connection::open_in_memory().unwrap();
    readable.execute_batch(CURRENT).unwrap();
    assert_eq!(described(&migrated), described(&readable));
    assert!(CURRENT.contains(&format!("user_version = {VERSION}")));
}

fn file(folder: &tempfile::TempDir) -> (String, World) {
    let path = folder.path().join("main.db").to_str().unwrap().to_owned();
    let world = World::new(Some(path.clone()), None);
    (path, world)
}

#[test]
fn every_earlier_version_opens_and_keeps_its_rows() {
    for version in 0..=MIGRATIONS.len() {
        let folder = tempfile::tempdir().unwrap();
        let (path, world) = file(&folder);
        let mut old = Connection::open(&path).unwrap();
        migrate_to(&mut old, version).unwrap();
        if version > 0 {
            old.execute_batch(
                "INSERT INTO conversations (id, title) VALUES (7, '옛것');
                 INSERT INTO messages (id, conversation_id, role, content) VALUES (9, 7, 'user', 'hi');",
            )
            .unwrap();
        }
        drop(old);
        let mut store = world.open();
        assert_eq!(store.opened_as().schema_version, VERSION);
        let rows = store
            .list_conversations(&ConversationQuery::default())
            .unwrap();
        assert_eq!(rows.len(), usize::from(version > 0));
        if version > 0 {
            assert_eq!(store.add(&key(7), Role::User, "more").unwrap().id, 10);
        }
    }
}

#[test]
fn files_of_every_earlier_version_open_with_all_they_hold() {
    for version in 1..VERSION {
        let folder = tempfile::tempdir().unwrap();
        let (path, world) = file(&folder);
        let kept = format!(
            "{}/tests/files/version-{version}.db",
            env!("CARGO_MANIFEST_DIR")
        );
        std::fs::copy(&kept, &path).unwrap();
        let mut store = world.open();
        assert_eq!(store.opened_as().schema_version, VERSION);
        let chats = store
            .list_conversations(&ConversationQuery::default())
            .unwrap();
        assert_eq!(chats.len(), 2, "{version}");
        for chat in &chats {
            assert_eq!(chat.title, format!("옛 대화 {}", chat.id));
            assert_eq!(chat.message_count, 5);
            let rows = store
                .messages_for(&key(chat.id), &MessageQuery::default())
                .unwrap();
            let numbers: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let expected: Vec<i64> = (1..=10).filter(|n| 1 + n % 2 == chat.id).collect();
            assert_eq!(numbers, expected);
            assert_eq!(chat.head_id, expected.last().copied());
            assert_eq!(chat.head_uid.as_ref(), rows.last().map(|row| &row.uid));
            for (row, before) in rows
                .iter()
                .zip([None].into_iter().chain(rows.iter().map(Some)))
            {
                assert_eq!(row.content, format!("말 {} 😀", row.id));
                assert_eq!(row.parent_id, before.map(|it| it.id));
                assert_eq!(row.parent_uid.as_ref(), before.map(|it| &it.uid));
                if version > 1 {
                    assert_eq!(row.uid, format!("message-{}", row.id));
                }
            }
        }
        let records = store.count_operations().unwrap();
        assert_eq!(records, if version > 2 { (1, 1) } else { (0, 0) });
        store.add(&key(1), Role::User, "more").unwrap();
        store.heal(None).unwrap();
        assert_eq!(store.heal(None).unwrap().healed, 0);
        store.close().unwrap();
        world.open();
    }
    assert!(
        std::fs::exists(format!(
            "{}/tests/files/version-{}.db",
            env!("CARGO_MANIFEST_DIR"),
            VERSION - 1
        ))
        .unwrap()
    );
}

#[test]
fn files_are_merged_and_merged_again_without_a_change() {
    for version in 1..VERSION {
        let folder = tempfile::tempdir().unwrap();
        let (path, world) = file(&folder);
        let mut store = world.open();
        store.create("mine", None).unwrap();
        let merge = |store: &mut Store| {
            let copy = path.replace("main", "copy");
            let kept = format!(
                "{}/tests/files/version-{version}.db",
                env!("CARGO_MANIFEST_DIR")
            );
            std::fs::copy(&kept, &copy).unwrap();
            let other = Store::open_copy(&copy, None, world.env()).unwrap();
            store
                .merge(&other, &Default::default(), |_| Ok(()))
                .unwrap()
        };
        let first = merge(&mut store);
        assert_eq!(
            (first.conversations.created, first.messages.created),
            (2, 10)
        );
        assert_eq!(first.ids, [2, 3]);
        let before = everything(&store);
        store.take_changes();
        let again = merge(&mut store);
        assert_eq!(
            (again.conversations.skipped, again.messages.skipped),
            (2, 10)
        );
        assert_eq!((again.failures.len(), store.take_changes().len()), (0, 0));
        assert_eq!(everything(&store), before);
        let texts: Vec<_> = store
            .messages_for(&key(3), &MessageQuery::default())
            .unwrap()
            .into_iter()
            .map(|row| row.content)
            .collect();
        assert_eq!(texts, [1, 3, 5, 7, 9].map(|n| format!("말 {n} 😀")));
    }
}

#[test]
fn orphans_are_merged_once_and_as_restore_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    let make = || {
        let copy = path.replace("main", "copy");
        let _ = std::fs::remove_file(&copy);
        let mut lesson = Connection::open(&copy).unwrap();
        migrate_to(&mut lesson, 1).unwrap();
        lesson
            .execute_batch(
                "PRAGMA foreign_keys = OFF;
                 INSERT INTO conversations (id, title, created_at) VALUES (3, 'a', '2024-02-29 12:00:00');
                 INSERT INTO messages (conversation_id, role, content, created_at) VALUES
                   (3, 'user', 'hi', '2024-02-29 12:00:01'), (555, 'user', 'orphan', '2024-02-29 12:00:02');",
            )
            .unwrap();
        copy
    };
    let mut store = world.open();
    let merge = |store: &mut Store| {
        let other = Store::open_copy(&make(), None, world.env()).unwrap();
        store
            .merge(&other, &Default::default(), |_| Ok(()))
            .unwrap()
    };
    assert_eq!(merge(&mut store).conversations.created, 2);
    assert_eq!(merge(&mut store).conversations.created, 0);
    store.restore_from(&make(), None, 0).unwrap();
    let again = merge(&mut store);
    assert_eq!(
        (again.conversations.created, again.messages.created),
        (0, 0)
    );
}

/// A store in memory with one conversation, and everything in it.
fn mine() -> (Store, String) {
    let mut store = World::new(None, None).open();
    store.create("mine", None).unwrap();
    let rows = everything(&store);
    (store, rows)
}

fn lesson(path: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .pragma_update(None, "foreign_keys", "ON")
        .unwrap();
    connection.execute_batch(MIGRATIONS[0]).unwrap();
    connection
}

#[test]
fn a_file_of_the_lesson_keeps_every_row_and_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    lesson(&path)
        .execute_batch(
            "INSERT INTO conversations (id, title, brain, created_at, updated_at) VALUES
               (1, 'a', 'claude', '2024-01-01 00:00:00', '2024-01-01 00:00:09'),
               (2, 'b', 'echo', '2024-01-01T00:00:00Z', 'nonsense');
             INSERT INTO messages (id, conversation_id, role, content, created_at) VALUES
               (1, 1, 'user', 'one', '2024-01-01 00:00:05'),
               (2, 1, 'assistant', 'two', '2024-01-01 00:00:05'),
               (3, 2, 'user', 'x', '2024-01-01 00:00:07+00:00'),
               (4, 1, 'user', 'three', '2024-01-01 00:00:04'),
               (5, 1, 'user', 'four', 'never');",
        )
        .unwrap();
    let store = world.open();
    let rows = store
        .list_conversations(&ConversationQuery::default())
        .unwrap();
    let times: Vec<_> = rows
        .iter()
        .map(|row| (row.id, row.created_at.to_sql(), row.updated_at.to_sql()))
        .collect();
    let at = |seconds: u32| format!("2024-01-01 00:00:{seconds:02}.000");
    assert_eq!(times, [(1, at(0), at(9)), (2, at(0), at(7))]);
    let messages = store
        .messages_for(&key(1), &MessageQuery::default())
        .unwrap();
    let said: Vec<_> = messages
        .iter()
        .map(|row| (row.content.as_str(), row.created_at.to_sql()))
        .collect();
    assert_eq!(
        said,
        [
            ("one", at(5)),
            ("two", at(5)),
            ("three", at(5)),
            ("four", at(5))
        ]
    );
    assert!(messages.iter().all(|row| row.uid.len() == 36));
    let healed = everything(&store);
    store.close().unwrap();
    assert_eq!(
        everything(&world.open()),
        healed,
        "healing a healed file does nothing"
    );
}

#[test]
fn what_the_other_program_wrote_in_our_file_is_healed_at_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    let mut store = world.open();
    let id = store.create("ours", None).unwrap();
    world.tick(700);
    store.add(&key(id), Role::User, "ours").unwrap();
    store.close().unwrap();
    let noon = "2024-02-29 12:00:00";
    lesson(&path)
        .execute_batch(&format!(
            "INSERT INTO messages (conversation_id, role, content, created_at) VALUES ({id}, 'user', 'theirs', '{noon}');
             UPDATE conversations SET updated_at = '{noon}' WHERE id = {id};"
        ))
        .unwrap();
    let store = world.open();
    let messages = store
        .messages_for(&key(id), &MessageQuery::default())
        .unwrap();
    let said: Vec<_> = messages.iter().map(|row| row.content.as_str()).collect();
    assert_eq!(
        said,
        ["ours", "theirs"],
        "a whole second does not sort before our milliseconds"
    );
    assert_eq!(messages[1].created_at.to_sql(), "2024-02-29 12:00:00.700");
    let row = store.get_conversation(&key(id)).unwrap().unwrap();
    assert_eq!(row.updated_at.to_sql(), "2024-02-29 12:00:00.700");
}

#[test]
fn a_newer_schema_opens_only_where_it_allows_this_one_to_write() {
    for (lowest_writer, opens) in [(VERSION, true), (VERSION + 1, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (path, world) = file(&folder);
        world.open().close().unwrap();
        let newer = Connection::open(&path).unwrap();
        newer
            .execute_batch(&format!(
                "CREATE TABLE added_later (x); PRAGMA user_version = {};
                 UPDATE store_state SET lowest_writer = {lowest_writer};
                 PRAGMA journal_mode = DELETE;",
                VERSION + 1
            ))
            .unwrap();
        drop(newer);
        let before = std::fs::read(&path).unwrap();
        let opened = world.try_open();
        if opens {
            let mut store = opened.unwrap();
            store.create("t", None).unwrap();
            assert_eq!(store.opened_as().schema_version, VERSION + 1);
        } else {
            refused(opened.map(|_| ()), ErrorCode::SchemaTooNew);
            assert_eq!(std::fs::read(&path).unwrap(), before, "untouched");
        }
    }
}

#[test]
fn what_is_not_ours_is_refused_untouched() {
    for (sql, code) in [
        ("CREATE TABLE users (id)", ErrorCode::UnsupportedFormat),
        (
            "PRAGMA application_id = 5; CREATE TABLE conversations (id)",
            ErrorCode::UnsupportedFormat,
        ),
        (
            "CREATE TABLE conversations (id, title); CREATE TABLE messages (id)",
            ErrorCode::UnsupportedFormat,
        ),
        (
            "CREATE TABLE t (x); CREATE VIEW conversations AS SELECT 1 AS id; CREATE VIEW messages AS SELECT 1 AS id",
            ErrorCode::UnsupportedFormat,
        ),
        (
            "PRAGMA user_version = 40; CREATE TABLE x (y)",
            ErrorCode::UnsupportedFormat,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (path, world) = file(&folder);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = std::fs::read(&path).unwrap();
        refused(world.try_open().map(|_| ()), code);
        assert_eq!(std::fs::read(&path).unwrap(), before, "{sql}");
        // The same file is refused by restore, and the old rows stay.
        let (mut store, rows) = mine();
        refused(store.restore_from(&path, None, 0), code);
        assert_eq!(everything(&store), rows);
    }
}

#[test]
fn damaged_files_are_told_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    for _ in 0..400 {
        store.add(&key(id), Role::User, &"x".repeat(500)).unwrap();
    }
    store.close().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let (mut store, rows) = mine();

    let mut flipped = whole.clone();
    let middle = whole.len() / 2;
    flipped[middle..middle + 3000].fill(0xaa);
    let mut no_header = whole.clone();
    no_header[..100].fill(0);
    let truncated = whole[..whole.len() / 2].to_vec();
    for (name, bytes, open, restore) in [
        ("text", b"not a database, but long enough to be looked at as one ..........................................".to_vec(), Some(ErrorCode::Corrupt), ErrorCode::NotADatabase),
        ("no header", no_header, Some(ErrorCode::Corrupt), ErrorCode::NotADatabase),
        ("truncated", truncated, None, ErrorCode::Corrupt),
        ("flipped", flipped, None, ErrorCode::Corrupt),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        if let Some(code) = open {
            refused(world.try_open().map(|_| ()), code);
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name}");
        }
        std::fs::write(&path, &bytes).unwrap();
        refused(store.restore_from(&path, None, 0), restore);
        assert_eq!(everything(&store), rows, "{name}");
    }
}

#[test]
fn damage_that_only_a_check_of_the_whole_file_sees_is_refused_by_restore() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    let mut store = world.open();
    store.create("theirs", None).unwrap();
    store.close().unwrap();
    // An index that does not hold what its definition says: every page reads well.
    let theirs = Connection::open(&path).unwrap();
    theirs
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, '(brain, updated_at', '(title, updated_at')
             WHERE name = 'conversations_brain_updated';",
        )
        .unwrap();
    theirs.close().unwrap();
    let (mut store, rows) = mine();
    let refusal = refused(store.restore_from(&path, None, 0), ErrorCode::Corrupt);
    assert!(refusal.message.contains("missing from index"), "{refusal}");
    assert_eq!(everything(&store), rows);
}

#[test]
fn values_and_encodings_that_do_not_fit_are_refused_by_restore() {
    for sql in [
        "PRAGMA encoding = 'UTF-16'; {lesson} INSERT INTO conversations (title) VALUES ('t');",
        "CREATE TABLE conversations (id TEXT PRIMARY KEY, title, brain, created_at, updated_at);
         CREATE TABLE messages (id, conversation_id, role, content, created_at);
         INSERT INTO conversations VALUES ('one', 't', 'b', '', '');",
        "{lesson} INSERT INTO conversations (id, title) VALUES (-5, 't');",
        "{lesson} PRAGMA ignore_check_constraints = ON;
         INSERT INTO conversations (id, title) VALUES (1, 't');
         INSERT INTO messages (conversation_id, role, content) VALUES (1, 'robot', 'x');",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (path, _) = file(&folder);
        let theirs = Connection::open(&path).unwrap();
        theirs
            .execute_batch(&sql.replace("{lesson}", MIGRATIONS[0]))
            .unwrap();
        theirs.close().unwrap();
        let (mut store, rows) = mine();
        let error = store.restore_from(&path, None, 0).expect_err(sql);
        assert!(
            matches!(
                error.code,
                ErrorCode::UnsupportedFormat | ErrorCode::Corrupt
            ),
            "{sql}: {error:?}"
        );
        assert_eq!(everything(&store), rows);
    }
}

#[test]
fn ids_that_a_backup_knows_as_spent_stay_spent_where_it_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    let copy = path.replace("main.db", "copy.db");
    let mut store = world.open();
    for _ in 0..10 {
        let id = store.create("t", None).unwrap();
        store.add(&key(id), Role::User, "x").unwrap();
    }
    for id in 6..=10 {
        store.delete_conversation(&key(id)).unwrap();
    }
    store.backup_into(&copy).unwrap();
    let elsewhere = World::new(None, None);
    elsewhere.tick(1);
    let mut store = elsewhere.open();
    store.restore_from(&copy, None, 0).unwrap();
    assert_eq!(store.create("new", None), Ok(11));
    assert_eq!(store.add(&key(11), Role::User, "x").unwrap().id, 11);

    // A forged mark does not use the ids up.
    let forged = Connection::open(&copy).unwrap();
    forged
        .execute_batch(
            "UPDATE store_state SET last_conversation_id = 9007199254740990, last_message_id = 'x'",
        )
        .unwrap();
    forged.close().unwrap();
    store.restore_from(&copy, None, 0).unwrap();
    assert_eq!(store.create("newer", None), Ok(12));
}

#[test]
fn messages_without_a_conversation_are_kept_by_restore() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = file(&folder);
    let theirs = lesson(&path);
    theirs.pragma_update(None, "foreign_keys", "OFF").unwrap();
    theirs
        .execute_batch(
            "INSERT INTO messages (id, conversation_id, role, content) VALUES (1, 5, 'user', 'orphan')",
        )
        .unwrap();
    theirs.close().unwrap();
    let world = World::new(None, None);
    let mut store = world.open();
    store.restore_from(&path, None, 0).unwrap();
    let messages = store
        .messages_for(&key(5), &MessageQuery::default())
        .unwrap();
    assert_eq!(messages[0].content, "orphan");
}

#[test]
fn a_backup_holds_no_text_of_deleted_chats() {
    let folder = tempfile::tempdir().unwrap();
    let (path, world) = file(&folder);
    let copy = path.replace("main.db", "copy.db");
    let mut store = world.open();
    let id = store.create("secret-title", None).unwrap();
    store.add(&key(id), Role::User, "secret-text").unwrap();
    let kept = store.create("kept-title", None).unwrap();
    store.delete_conversation(&key(id)).unwrap();
    store.backup_into(&copy).unwrap();
    let bytes = std::fs::read(&copy).unwrap();
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("kept-title") && kept > id);
    assert!(!holds("secret-title") && !holds("secret-text"));
    assert_eq!(bytes[18..20], [1, 1], "needs no log beside it");
}
