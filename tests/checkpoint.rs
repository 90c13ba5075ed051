//! The write-ahead log is moved into the main file when nobody waits, and before it grows long.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::fs;
use std::path::Path;

use common::{Lesson as _, World};
use conversation_store::model::ConversationQuery;

fn world(folder: &Path) -> World {
    World::new(Some(folder.join("main.db").to_str().unwrap().into()), None)
}

/// How many conversations the main file has, without its log.
fn in_main_file(folder: &Path) -> usize {
    let alone = tempfile::tempdir().unwrap();
    fs::copy(folder.join("main.db"), alone.path().join("main.db")).unwrap();
    let store = world(alone.path()).open();
    let query = ConversationQuery {
        limit: Some(1_000_000),
        ..ConversationQuery::default()
    };
    store.list_conversations(&query).unwrap().len()
}

#[test]
fn a_pause_moves_what_many_commits_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = world(folder.path()).open();
    store.create("first", None).unwrap();
    store.checkpoint().unwrap();
    assert_eq!(in_main_file(folder.path()), 0, "few are left in the log");
    for n in 1..60 {
        store.create(&n.to_string(), None).unwrap();
    }
    assert_eq!(in_main_file(folder.path()), 0);
    store.checkpoint().unwrap();
    assert_eq!(in_main_file(folder.path()), 60);
    let log = fs::metadata(folder.path().join("main.db-wal")).unwrap();
    assert_eq!(log.len(), 0, "an open has nothing to read");
}

#[test]
fn without_a_pause_the_log_stays_within_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = world(folder.path()).open();
    let mut longest = 0;
    for n in 0..2_000 {
        store.create(&n.to_string(), None).unwrap();
        let log = fs::metadata(folder.path().join("main.db-wal")).unwrap();
        longest = longest.max(log.len());
    }
    assert!(in_main_file(folder.path()) > 0, "it was checkpointed");
    // Pages of 4 KB here, each with a header, and the commit that passes the bound.
    assert!(longest < 2_100 * (4_096 + 24), "{longest} bytes");
}
