//! Holds what shared commits promise, where they fail too.

use super::*;
use crate::error::{ErrorCode, StoreError};
use crate::model::{ConversationQuery, Durability, NewConversation, Operation};
use crate::store::{Env, Location};

fn store() -> Store {
    let env = Env {
        now: Box::new(|| 0),
        random: Box::new(|bytes| bytes.fill(7)),
        unicode: Box::new(crate::search::native::Tables),
    };
    Store::open(Location::Memory { vfs: None }, Durability::Strict, env).unwrap()
}

fn create(store: &mut Store, title: &str) -> Result<i64> {
    let extra = NewConversation {
        uid: Some(title.to_owned()),
        ..NewConversation::default()
    };
    store.create_conversation(title, None, &extra)
}

fn titles(store: &Store) -> Vec<String> {
    let all = store.list_conversations(&ConversationQuery::default());
    let mut titles: Vec<_> = all.unwrap().into_iter().map(|it| it.title).collect();
    titles.sort();
    titles
}

fn operation(number: i64) -> Operation {
    Operation::Own {
        tab: "tab".to_owned(),
        number,
        done: 0,
        open: Vec::new(),
    }
}

#[test]
fn one_that_is_refused_takes_back_its_own_only() {
    let mut store = store();
    let outcomes = store.in_one_commit(&["a", "refused", "c"], |store, title| {
        let id = create(store, title)?;
        if *title == "refused" {
            return Err(StoreError::invalid("no"));
        }
        Ok(id)
    });
    assert!(store.connection.is_autocommit());
    let codes = outcomes.iter().map(|it| it.result.as_ref().err());
    let codes: Vec<_> = codes.map(|it| it.map(|it| it.code)).collect();
    assert_eq!(codes, [None, Some(ErrorCode::InvalidArgument), None]);
    let changes: Vec<_> = outcomes.iter().map(|it| it.changes.len()).collect();
    assert_eq!(changes, [1, 0, 1]);
    assert_eq!(titles(&store), ["a", "c"]);
    assert!(store.take_changes().is_empty());
}

#[test]
fn what_cannot_be_committed_is_done_one_by_one() {
    let mut store = store();
    let outcomes = store.in_one_commit(&["a", "orphan", "c"], |store, title| {
        if *title == "orphan" {
            // A constraint that is looked at in the COMMIT, which so fails.
            return store.atomically(|store| {
                store.connection.execute_batch(
                    "PRAGMA defer_foreign_keys = ON;
                     INSERT INTO messages (id, conversation_id, role, content)
                       VALUES (1, 999, 'user', '')",
                )?;
                Ok(0)
            });
        }
        create(store, title)
    });
    assert!(store.connection.is_autocommit());
    let done: Vec<_> = outcomes.iter().map(|it| it.result.is_ok()).collect();
    assert_eq!(done, [true, false, true]);
    let changes: Vec<_> = outcomes.iter().map(|it| it.changes.len()).collect();
    assert_eq!(changes, [1, 0, 1]);
    assert_eq!(titles(&store), ["a", "c"]);
}

#[test]
fn a_transaction_that_an_error_ended_takes_back_all_and_each_is_done_by_itself() {
    let mut store = store();
    let outcomes = store.in_one_commit(&["a", "full", "c"], |store, title| {
        create(store, title)?;
        if *title == "full" {
            // As the engine does when the device fails.
            store.connection.execute_batch("ROLLBACK").ok();
            return Err(StoreError::new(ErrorCode::StorageUnavailable, "failed"));
        }
        Ok(())
    });
    assert!(store.connection.is_autocommit());
    let done: Vec<_> = outcomes.iter().map(|it| it.result.is_ok()).collect();
    assert_eq!(done, [true, false, true]);
    // The one alone was committed before its error.
    assert_eq!(titles(&store), ["a", "c", "full"]);
}

#[test]
fn from_one_that_finds_no_space_none_is_done() {
    let mut store = store();
    let full = || StoreError::new(ErrorCode::QuotaExceeded, "full");
    let outcomes = store.in_one_commit(&["a", "full", "c"], |store, title| {
        store.atomically(|store| {
            create(store, title)?;
            if *title == "full" {
                return Err(full());
            }
            Ok(())
        })
    });
    let errors: Vec<_> = outcomes.into_iter().map(|it| it.result.err()).collect();
    assert_eq!(errors, [None, Some(full()), Some(full())]);
    assert_eq!(titles(&store), ["a"]);
}

#[test]
fn records_stand_in_the_commit_of_their_effects() {
    let mut store = store();
    let ask = |store: &mut Store| {
        let outcomes = store.in_one_commit(&[1, 2, 3], |store, number| {
            let title = format!("chat {number}");
            store.once(Some(&operation(*number)), *number, |store| {
                create(store, &title)
            })
        });
        outcomes
            .into_iter()
            .map(|it| it.result.unwrap())
            .collect::<Vec<_>>()
    };
    let first = ask(&mut store);
    assert_eq!(store.count_operations().unwrap(), (3, 0));
    assert_eq!(ask(&mut store), first);
    assert_eq!(titles(&store), ["chat 1", "chat 2", "chat 3"]);
}
