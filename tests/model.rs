//! Random sequences of calls give the same answers as a plain model in memory.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Lesson as _, NOON, World, key};
use conversation_store::error::ErrorCode;
use conversation_store::model::*;
use conversation_store::store::Store;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Call {
    Create {
        title: String,
        brain: Option<u8>,
    },
    Add {
        conversation: u8,
        role: u8,
        content: String,
    },
    Delete {
        conversation: u8,
    },
    Update {
        conversation: u8,
        title: Option<String>,
        brain: Option<u8>,
    },
    List {
        limit: Option<u8>,
        brain: Option<u8>,
        after: Option<u8>,
    },
    Messages {
        conversation: u8,
        limit: Option<u8>,
        cursor: Option<(bool, u8)>,
    },
    Clock {
        millis: i32,
    },
    Reopen,
    BackUp,
    Restore,
}

fn call() -> impl Strategy<Value = Call> {
    let small = || proptest::option::of(0..4u8);
    let limit = || proptest::option::of(1..6u8);
    prop_oneof![
        3 => (".{0,6}", small()).prop_map(|(title, brain)| Call::Create { title, brain }),
        8 => (0..6u8, 0..3u8, ".{0,9}")
            .prop_map(|(conversation, role, content)| Call::Add { conversation, role, content }),
        1 => (0..8u8).prop_map(|conversation| Call::Delete { conversation }),
        1 => (0..8u8, proptest::option::of(".{0,3}"), small())
            .prop_map(|(conversation, title, brain)| Call::Update { conversation, title, brain }),
        4 => (limit(), small(), proptest::option::of(0..8u8))
            .prop_map(|(limit, brain, after)| Call::List { limit, brain, after }),
        6 => (0..6u8, limit(), proptest::option::of((any::<bool>(), 0..30u8)))
            .prop_map(|(conversation, limit, cursor)| Call::Messages { conversation, limit, cursor }),
        4 => (-5_000..5_000i32).prop_map(|millis| Call::Clock { millis }),
        1 => Just(Call::Reopen),
        1 => Just(Call::BackUp),
        1 => Just(Call::Restore),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Chat {
    id: i64,
    title: String,
    brain: String,
    created: i64,
    updated: i64,
    messages: Vec<Said>,
}

#[derive(Clone, Debug, PartialEq)]
struct Said {
    id: i64,
    role: Role,
    content: String,
    at: i64,
}

/// What a store does, in the plainest words.
#[derive(Default)]
struct Model {
    chats: Vec<Chat>,
    last_chat: i64,
    last_message: i64,
    now: i64,
}

impl Model {
    fn chat(&mut self, id: i64) -> Option<&mut Chat> {
        self.chats.iter_mut().find(|chat| chat.id == id)
    }

    fn listed(&self) -> Vec<Chat> {
        let mut listed = self.chats.clone();
        listed.sort_by_key(|chat| std::cmp::Reverse((chat.updated, chat.id)));
        listed
    }
}

const BRAINS: [&str; 4] = ["claude", "echo", "뇌", "x'y"];
const ROLES: [Role; 3] = [Role::User, Role::Assistant, Role::System];

fn seen(store: &Store, query: &ConversationQuery) -> Vec<Chat> {
    store
        .list_conversations(query)
        .unwrap()
        .into_iter()
        .map(|row| Chat {
            id: row.id,
            title: row.title,
            brain: row.brain,
            created: row.created_at.millis(),
            updated: row.updated_at.millis(),
            messages: said(store, row.id, &MessageQuery::default()).unwrap(),
        })
        .collect()
}

fn said(store: &Store, id: i64, query: &MessageQuery) -> Result<Vec<Said>, ErrorCode> {
    let rows = store
        .messages_for(&key(id), query)
        .map_err(|error| error.code)?;
    Ok(rows
        .into_iter()
        .map(|row| Said {
            id: row.id,
            role: row.role,
            content: row.content,
            at: row.created_at.millis(),
        })
        .collect())
}

fn run(calls: Vec<Call>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let world = World::new(Some(path("main.db")), None);
    let mut store = world.open();
    let mut model = Model {
        now: NOON,
        ..Model::default()
    };
    let mut saved: Option<(String, Vec<Chat>)> = None;

    for (step, call) in calls.into_iter().enumerate() {
        match call {
            Call::Create { title, brain } => {
                let brain = brain.map(|n| BRAINS[usize::from(n)]);
                let id = store.create(&title, brain).unwrap();
                model.last_chat += 1;
                assert_eq!(id, model.last_chat);
                model.chats.push(Chat {
                    id,
                    title,
                    brain: brain.unwrap_or("claude").to_owned(),
                    created: model.now,
                    updated: model.now,
                    messages: Vec::new(),
                });
            }
            Call::Add {
                conversation,
                role,
                content,
            } => {
                let id = i64::from(conversation);
                let role = ROLES[usize::from(role)];
                let added = store.add(&key(id), role, &content);
                let (now, next) = (model.now, model.last_message + 1);
                match model.chat(id) {
                    None => assert_eq!(added.unwrap_err().code, ErrorCode::NotFound),
                    Some(chat) => {
                        let at = now.max(chat.messages.last().map_or(chat.created, |last| last.at));
                        assert_eq!(added.unwrap().id, next);
                        chat.messages.push(Said {
                            id: next,
                            role,
                            content,
                            at,
                        });
                        chat.updated = chat.updated.max(at);
                        model.last_message = next;
                    }
                }
            }
            Call::Delete { conversation } => {
                let id = i64::from(conversation);
                let deleted = store.delete_conversation(&key(id)).unwrap();
                let before = model.chats.len();
                model.chats.retain(|chat| chat.id != id);
                assert_eq!(deleted as usize, before - model.chats.len());
            }
            Call::Update {
                conversation,
                title,
                brain,
            } => {
                let id = i64::from(conversation);
                let brain = brain.map(|n| BRAINS[usize::from(n)].to_owned());
                let patch = ConversationPatch {
                    title: title.clone(),
                    brain: brain.clone(),
                    ..Default::default()
                };
                let updated = store.update_conversation(&key(id), &patch);
                match model.chat(id) {
                    None => assert_eq!(updated.unwrap_err().code, ErrorCode::NotFound),
                    Some(chat) => {
                        chat.title = title.unwrap_or_else(|| chat.title.clone());
                        chat.brain = brain.unwrap_or_else(|| chat.brain.clone());
                    }
                }
            }
            Call::List {
                limit,
                brain,
                after,
            } => {
                let brain = brain.map(|n| BRAINS[usize::from(n)].to_owned());
                let listed = model.listed();
                let start = after.and_then(|n| listed.get(usize::from(n)));
                let expected: Vec<_> = listed
                    .iter()
                    .filter(|chat| brain.as_ref().is_none_or(|brain| *brain == chat.brain))
                    .filter(|chat| {
                        start.is_none_or(|at| (chat.updated, chat.id) < (at.updated, at.id))
                    })
                    .take(limit.map_or(50, usize::from))
                    .cloned()
                    .collect();
                let query = ConversationQuery {
                    limit: limit.map(Into::into),
                    brain,
                    after: start.map(|chat| ConversationCursor {
                        id: chat.id,
                        updated_at: conversation_store::time::Timestamp::from_millis(chat.updated),
                    }),
                    ..Default::default()
                };
                assert_eq!(seen(&store, &query), expected);
            }
            Call::Messages {
                conversation,
                limit,
                cursor,
            } => {
                let id = i64::from(conversation);
                let all = model
                    .chat(id)
                    .map_or(Vec::new(), |chat| chat.messages.clone());
                let place = cursor.map(|(before, n)| (before, i64::from(n)));
                let mut query = MessageQuery {
                    limit: limit.map(Into::into),
                    ..Default::default()
                };
                if let Some((before, n)) = place {
                    let cursor = Some(MessageCursor::Id(n));
                    if before {
                        query.before = cursor
                    } else {
                        query.after = cursor
                    }
                }
                let size = limit.map_or(all.len(), usize::from);
                let exists = model.chat(id).is_some();
                let expected = match place {
                    _ if !exists => Ok(Vec::new()),
                    None => Ok(all[all.len().saturating_sub(size)..].to_vec()),
                    Some((before, n)) => match all.iter().position(|it| it.id == n) {
                        None => Err(ErrorCode::Conflict),
                        Some(at) if before => Ok(all[at.saturating_sub(size)..at].to_vec()),
                        Some(at) => Ok(all[at + 1..].iter().take(size).cloned().collect()),
                    },
                };
                assert_eq!(said(&store, id, &query), expected);
            }
            Call::Clock { millis } => {
                model.now += i64::from(millis);
                world.set_clock(model.now);
            }
            Call::Reopen => {
                store.close().unwrap();
                store = world.open();
            }
            Call::BackUp => {
                let copy = path(&format!("copy-{step}.db"));
                store.backup_into(&copy).unwrap();
                saved = Some((copy, model.listed()));
            }
            Call::Restore => {
                let Some((copy, chats)) = &saved else {
                    continue;
                };
                store.restore_from(copy, None, 0).unwrap();
                model.chats = chats.clone();
            }
        }
        let everything = ConversationQuery {
            limit: Some(MAX_LIMIT),
            ..Default::default()
        };
        assert_eq!(seen(&store, &everything), model.listed());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_as_the_model_does(calls in proptest::collection::vec(call(), 1..60)) {
        run(calls);
    }
}
