//! Random changes of one conversation against a model that is a plain list of messages: paths, branches,
//! texts and counts are the model's after each step, and a healer that looks at every row finds nothing.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::collections::BTreeMap;

use common::chats::{check_whole, named, path};
use common::{World, key};
use conversation_store::model::*;
use conversation_store::store::Store;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Below the n-th message, the head (none) or nothing.
    Add {
        below: Option<usize>,
        is_root: bool,
        is_head: bool,
    },
    Show(usize),
    ShowNothing,
    Delete(usize),
    Edit(usize, u8),
    Append(usize),
    /// The path with some left out, some swapped, some changed, some new, some from other branches.
    Save {
        drop: Vec<bool>,
        swap: bool,
        change: Option<usize>,
        other: Option<usize>,
        more: usize,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0_usize..12;
    prop_oneof![
        4 => (prop::option::of(n.clone()), prop::bool::weighted(0.1), prop::bool::weighted(0.7))
            .prop_map(|(below, is_root, is_head)| Step::Add { below, is_root, is_head }),
        2 => n.clone().prop_map(Step::Show),
        1 => Just(Step::ShowNothing),
        2 => n.clone().prop_map(Step::Delete),
        1 => (n.clone(), any::<u8>()).prop_map(|(at, text)| Step::Edit(at, text)),
        2 => n.clone().prop_map(Step::Append),
        3 => (
            prop::collection::vec(prop::bool::weighted(0.2), 12),
            prop::bool::weighted(0.3),
            prop::option::of(n.clone()),
            prop::option::of(n),
            0_usize..3
        )
            .prop_map(|(drop, swap, change, other, more)| Step::Save { drop, swap, change, other, more }),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Clone, Debug)]
struct Said {
    parent: Option<String>,
    content: String,
    role: Role,
}

#[derive(Default)]
struct Model {
    said: BTreeMap<String, Said>,
    head: Option<String>,
    made: usize,
}

impl Model {
    fn path(&self) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = self.head.clone();
        while let Some(uid) = at {
            at = self.said[&uid].parent.clone();
            path.push(uid);
        }
        path.reverse();
        path
    }

    fn nth(&self, n: usize) -> Option<String> {
        (!self.said.is_empty()).then(|| self.said.keys().nth(n % self.said.len()).unwrap().clone())
    }

    fn new_uid(&mut self) -> String {
        self.made += 1;
        format!("m{:04}", self.made)
    }

    fn has_children(&self, uid: &str) -> bool {
        self.said
            .values()
            .any(|it| it.parent.as_deref() == Some(uid))
    }
}

fn message(uid: &str) -> MessageKey {
    MessageKey::Uid(uid.to_owned())
}

fn check(store: &mut Store, model: &Model, chat: i64) {
    assert_eq!(path(store, chat), model.path());
    let query = MessageQuery {
        branches: Some(Branches::All),
        ..Default::default()
    };
    let rows = store.messages_for(&key(chat), &query).unwrap();
    let said: BTreeMap<_, _> = rows
        .iter()
        .map(|row| {
            (
                row.uid.clone(),
                (row.parent_uid.clone(), row.content.clone()),
            )
        })
        .collect();
    let expected: BTreeMap<_, _> = model
        .said
        .iter()
        .map(|(uid, it)| (uid.clone(), (it.parent.clone(), it.content.clone())))
        .collect();
    assert_eq!(said, expected);
    for (index, row) in rows.iter().enumerate() {
        let parent = row.parent_id;
        assert!(parent.is_none_or(|id| rows[..index].iter().any(|row| row.id == id)));
    }
    let row = store.get_conversation(&key(chat)).unwrap().unwrap();
    assert_eq!(row.message_count, model.said.len() as i64);
    assert_eq!(row.head_uid, model.head);
    for uid in model.said.keys().take(3) {
        let parent = &model.said[uid].parent;
        let siblings: Vec<_> = model
            .said
            .iter()
            .filter(|(_, it)| it.parent == *parent)
            .collect();
        assert_eq!(store.branches(&message(uid)).unwrap().len(), siblings.len());
    }
    check_whole(store);
}

fn save(store: &mut Store, model: &mut Model, chat: i64, given: &[(String, Role, String)]) {
    let messages: Vec<_> = given
        .iter()
        .map(|(uid, role, content)| named(uid, *role, content))
        .collect();
    store
        .save_messages(&key(chat), &messages, &ChatSaving::default())
        .unwrap();
    let mut before: Option<String> = None;
    for (uid, role, content) in given {
        match model.said.get(uid).cloned() {
            Some(old)
                if old.content != *content && old.role == Role::User && model.has_children(uid) =>
            {
                // The old row has a uid that the store chose.
                let rows = store
                    .messages_for(
                        &key(chat),
                        &MessageQuery {
                            branches: Some(Branches::All),
                            ..Default::default()
                        },
                    )
                    .unwrap();
                let fresh =
                    rows.iter()
                        .find(|row| {
                            !model.said.contains_key(&row.uid)
                                && !given.iter().any(|it| it.0 == row.uid)
                                && row.source.as_deref().is_some_and(|it| {
                                    it.contains(&format!("\"formerUid\":\"{uid}\""))
                                })
                        })
                        .unwrap()
                        .uid
                        .clone();
                for said in model.said.values_mut() {
                    if said.parent.as_ref() == Some(uid) {
                        said.parent = Some(fresh.clone());
                    }
                }
                model.said.insert(fresh, old);
            }
            _ => {}
        }
        let said = Said {
            parent: before.clone(),
            content: content.clone(),
            role: *role,
        };
        model.said.insert(uid.clone(), said);
        before = Some(uid.clone());
    }
    model.head = before;
}

fn take(store: Store, world: &World, model: &mut Model, chat: i64, step: &Step) -> Store {
    let mut store = store;
    match step {
        Step::Add {
            below,
            is_root,
            is_head,
        } => {
            let parent = match below.and_then(|n| model.nth(n)) {
                _ if *is_root => Some(None),
                Some(uid) => Some(Some(uid)),
                None => None,
            };
            let uid = model.new_uid();
            let role = if model.made.is_multiple_of(2) {
                Role::Assistant
            } else {
                Role::User
            };
            let extra = NewMessage {
                uid: Some(uid.clone()),
                parent_id: parent.clone().map(|parent| parent.map(|uid| message(&uid))),
                head: Some(*is_head),
                ..Default::default()
            };
            store
                .add_message(&key(chat), role, Some(&uid), &extra)
                .unwrap();
            let parent = parent.unwrap_or_else(|| model.head.clone());
            model.said.insert(
                uid.clone(),
                Said {
                    parent,
                    content: uid.clone(),
                    role,
                },
            );
            if *is_head {
                model.head = Some(uid);
            }
        }
        Step::Show(n) => {
            let Some(uid) = model.nth(*n) else {
                return store;
            };
            let head = Some(Some(message(&uid)));
            let patch = ConversationPatch {
                head,
                ..Default::default()
            };
            store.update_conversation(&key(chat), &patch).unwrap();
            model.head = Some(uid);
        }
        Step::ShowNothing => {
            let patch = ConversationPatch {
                head: Some(None),
                ..Default::default()
            };
            store.update_conversation(&key(chat), &patch).unwrap();
            model.head = None;
        }
        Step::Delete(n) => {
            let Some(uid) = model.nth(*n) else {
                return store;
            };
            assert_eq!(store.delete_message(&message(&uid)).unwrap(), 1);
            let gone = model.said.remove(&uid).unwrap();
            for said in model.said.values_mut() {
                if said.parent.as_ref() == Some(&uid) {
                    said.parent.clone_from(&gone.parent);
                }
            }
            if model.head.as_ref() == Some(&uid) {
                model.head = gone.parent;
            }
        }
        Step::Edit(n, text) => {
            let Some(uid) = model.nth(*n) else {
                return store;
            };
            let content = format!("edit {text}");
            let patch = MessagePatch {
                content: Some(content.clone()),
                ..Default::default()
            };
            store.update_message(&message(&uid), &patch).unwrap();
            model.said.get_mut(&uid).unwrap().content = content;
        }
        Step::Append(n) => {
            let Some(uid) = model.nth(*n) else {
                return store;
            };
            store
                .append_to_message(&message(&uid), "+한", false)
                .unwrap();
            model.said.get_mut(&uid).unwrap().content.push_str("+한");
        }
        Step::Save {
            drop,
            swap,
            change,
            other,
            more,
        } => {
            let mut given: Vec<_> = model
                .path()
                .into_iter()
                .zip(drop.iter().cycle())
                .filter(|(_, drop)| !**drop)
                .map(|(uid, _)| {
                    (
                        uid.clone(),
                        model.said[&uid].role,
                        model.said[&uid].content.clone(),
                    )
                })
                .collect();
            if *swap && given.len() > 1 {
                let last = given.len() - 1;
                given.swap(0, last);
            }
            if let Some(uid) = other.and_then(|n| model.nth(n))
                && !given.iter().any(|it| it.0 == uid)
            {
                given.push((
                    uid.clone(),
                    model.said[&uid].role,
                    model.said[&uid].content.clone(),
                ));
            }
            if let Some(n) = change
                && !given.is_empty()
            {
                let at = n % given.len();
                given[at].2.push_str(" changed");
            }
            for n in 0..*more {
                let role = if n % 2 == 0 {
                    Role::User
                } else {
                    Role::Assistant
                };
                let uid = model.new_uid();
                given.push((uid.clone(), role, format!("said {uid}")));
            }
            save(&mut store, model, chat, &given);
        }
        Step::Reopen => {
            if world.path.is_some() {
                store.close().unwrap();
                store = world.open();
            }
        }
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_is_what_a_list_of_its_messages_would_be(steps in prop::collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.db").to_str().unwrap().to_owned();
        let world = World::new(Some(file), None);
        let mut store = world.open();
        let extra = NewConversation::default();
        let chat = store.create_conversation("t", None, &extra).unwrap();
        let mut model = Model::default();
        for step in &steps {
            world.tick(7);
            store = take(store, &world, &mut model, chat, step);
            check(&mut store, &model, chat);
        }
    }
}
