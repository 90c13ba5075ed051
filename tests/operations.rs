//! Records of operations stay few, however many operations there were.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Lesson as _, World, cases::own, key};
use conversation_store::model::Operation;
use conversation_store::rpc::{Request, dispatch};
use conversation_store::store::Store;

fn rename(store: &mut Store, id: i64, n: i64, operation: &Operation) {
    let patch = conversation_store::model::ConversationPatch {
        title: Some(n.to_string()),
        brain: None,
        ..Default::default()
    };
    let request = Request::UpdateConversation { id: key(id), patch };
    dispatch(store, request, Some(operation)).unwrap();
}

#[test]
fn a_million_awaited_writes_leave_one_record() {
    let mut store = World::new(None, None).open();
    let id = store.create("t", None).unwrap();
    for n in 1..=1_000_000 {
        rename(&mut store, id, n, &own(n, n - 1));
        store.take_changes();
        if n % 100_000 == 0 {
            assert_eq!(store.count_operations().unwrap(), (1, 0));
        }
    }
    let row = store.get_conversation(&key(id)).unwrap().unwrap();
    assert_eq!(row.title, "1000000");
}

#[test]
fn names_are_kept_for_a_day_but_for_the_last_ten_thousand() {
    let world = World::new(None, None);
    let mut store = world.open();
    let id = store.create("t", None).unwrap();
    let named = |n: i64| Operation::Named {
        name: format!("n{n}"),
    };
    // More than ever are kept, within the day.
    for n in 1..=110_000 {
        rename(&mut store, id, n, &named(n));
    }
    assert_eq!(store.count_operations().unwrap().1, 100_000);
    // A day later each new one takes some of the oldest along.
    world.tick(24 * 60 * 60 * 1_000 + 1);
    for n in 110_001..=150_000 {
        rename(&mut store, id, n, &named(n));
    }
    assert_eq!(store.count_operations().unwrap().1, 40_000);
    store.take_changes();
    rename(&mut store, id, 110_001, &named(110_001));
    assert_eq!(store.take_changes(), [], "it was known");
    world.tick(24 * 60 * 60 * 1_000 + 1);
    for n in 150_001..=170_000 {
        rename(&mut store, id, n, &named(n));
    }
    assert_eq!(store.count_operations().unwrap().1, 20_000);
    world.tick(24 * 60 * 60 * 1_000 + 1);
    for n in 170_001..=175_000 {
        rename(&mut store, id, n, &named(n));
    }
    assert_eq!(store.count_operations().unwrap().1, 10_000);
}

#[test]
fn a_long_result_is_given_again_from_a_short_record() {
    let mut store = World::new(None, None).open();
    let chat = store.create("t", None).unwrap();
    let messages: Vec<_> = (0..3_000)
        .map(|n| common::chats::new(&n.to_string()))
        .collect();
    let save = |store: &mut Store| {
        let request = Request::SaveMessages {
            conversation_id: key(chat),
            messages: messages.clone(),
            extra: Default::default(),
        };
        let operation = Operation::Named {
            name: "saved".into(),
        };
        dispatch(store, request, Some(&operation)).unwrap()
    };
    let first = save(&mut store);
    assert_eq!(save(&mut store), first);
    let kept = store
        .messages_for(&key(chat), &Default::default())
        .unwrap()
        .len();
    assert_eq!(kept, 3_000, "saved once");
}
