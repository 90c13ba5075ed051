//! What deleted chats held is given back: the file becomes shorter while nobody waits.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::fs;
use std::path::Path;

use common::{Lesson as _, World, everything, key};
use conversation_store::model::{ConversationKey, Role};
use conversation_store::store::Store;

const MB: u64 = 1 << 20;

fn world(folder: &Path) -> World {
    World::new(Some(folder.join("main.db").to_str().unwrap().into()), None)
}

fn size(folder: &Path) -> u64 {
    fs::metadata(folder.join("main.db")).unwrap().len()
}

/// Two chats with a message after the other in each: what stays stands among what goes.
fn filled(store: &mut Store) -> (ConversationKey, ConversationKey) {
    let kept = key(store.create("kept", None).unwrap());
    let gone = key(store.create("gone", None).unwrap());
    for n in 0..100 {
        let (long, short) = ("x".repeat(100_000), "y".repeat(2_000));
        store
            .add(&gone, Role::User, &format!("{n} {long}"))
            .unwrap();
        store
            .add(&kept, Role::User, &format!("{n} {short}"))
            .unwrap();
    }
    (kept, gone)
}

/// Steps until there is nothing more to do.
fn shrink(store: &mut Store) -> usize {
    let mut steps = 0;
    while store.shrink_step().unwrap() {
        steps += 1;
    }
    steps
}

#[test]
fn a_large_delete_makes_the_file_shorter_in_steps() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = world(folder.path()).open();
    let (kept, gone) = filled(&mut store);
    store.checkpoint().unwrap();
    assert_eq!(shrink(&mut store), 0, "nothing is free");
    assert!(size(folder.path()) > 9 * MB);
    store.delete_conversation(&gone).unwrap();
    let steps = shrink(&mut store);
    assert!(steps > 10, "nobody waits long for one of them: {steps}");
    assert!(size(folder.path()) < 2 * MB, "{}", size(folder.path()));
    assert_eq!(shrink(&mut store), 0, "and that is all");
    let before = everything(&store);
    let rows = store.messages_for(&kept, &Default::default()).unwrap();
    assert_eq!(rows.len(), 100);
    store.close().unwrap();
    let verdict = {
        let connection = rusqlite::Connection::open(folder.path().join("main.db")).unwrap();
        let check = "PRAGMA integrity_check";
        connection
            .query_row(check, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    assert_eq!(verdict, "ok");
    assert_eq!(everything(&world(folder.path()).open()), before);
}

#[test]
fn little_that_is_free_stays_for_the_next_rows() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = world(folder.path()).open();
    let (kept, _) = filled(&mut store);
    store.checkpoint().unwrap();
    let before = size(folder.path());
    store.delete_conversation(&kept).unwrap();
    assert_eq!(shrink(&mut store), 0);
    assert_eq!(size(folder.path()), before);
}

#[test]
fn a_file_of_an_earlier_version_keeps_its_pages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.db");
    fs::copy("tests/files/version-4.db", &path).unwrap();
    let mut store = world(folder.path()).open();
    let (_, gone) = filled(&mut store);
    store.delete_conversation(&gone).unwrap();
    assert_eq!(shrink(&mut store), 0);
    store.checkpoint().unwrap();
    let before = size(folder.path());
    let (_, _) = filled(&mut store);
    store.checkpoint().unwrap();
    assert!(size(folder.path()) < before + 2 * MB, "they are used again");
}

#[test]
fn a_log_that_cannot_grow_is_written_from_its_beginning_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = world(folder.path()).open();
    let log = || {
        fs::metadata(folder.path().join("main.db-wal"))
            .unwrap()
            .len()
    };
    let chat = key(store.create("t", None).unwrap());
    store
        .add(&chat, Role::User, &"x".repeat(1_000_000))
        .unwrap();
    let long = log();
    assert!(long > MB / 2);
    store.make_room().unwrap();
    assert_eq!(log(), long, "nothing has to be granted for it");
    store.add(&chat, Role::User, "short").unwrap();
    assert_eq!(log(), long);
    assert_eq!(
        store
            .messages_for(&chat, &Default::default())
            .unwrap()
            .len(),
        2
    );
}
