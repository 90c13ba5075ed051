//! Whatever is sent as a request is answered or refused, never panics, and a refusal changes
//! nothing.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Lesson as _, World, everything, key};
use conversation_store::model::Role;
use conversation_store::rpc::{Request, dispatch};
use proptest::prelude::*;
use serde_json::{Value, json};

const METHODS: [&str; 9] = [
    "createConversation",
    "addMessage",
    "listConversations",
    "messagesFor",
    "deleteConversation",
    "getConversation",
    "updateConversation",
    "getMessage",
    "nonsense",
];

const NAMES: [&str; 14] = [
    "title",
    "brain",
    "conversationId",
    "role",
    "content",
    "query",
    "id",
    "uid",
    "patch",
    "limit",
    "before",
    "after",
    "updatedAt",
    "__proto__",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("user")),
        Just(json!("2024-02-29T12:00:00.000Z")),
        Just(json!("'; DROP TABLE messages; --")),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 6, |inner| {
        let name = proptest::sample::select(NAMES.to_vec());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..6).prop_map(|fields| Value::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_is_answered_or_refused(
        requests in proptest::collection::vec(
            (proptest::sample::select(METHODS.to_vec()), value()),
            200,
        ),
    ) {
        let world = World::new(None, None);
        let mut store = world.open();
        let id = store.create("t", None).unwrap();
        store.add(&key(id), Role::User, "x").unwrap();
        for (method, params) in requests {
            let before = everything(&store);
            let request = json!({ method: params });
            let refused = match serde_json::from_value::<Request>(request) {
                Err(error) => Some(error.to_string()),
                Ok(request) => dispatch(&mut store, request, None).err().map(|error| error.message),
            };
            if let Some(message) = refused {
                prop_assert!(!message.is_empty());
                prop_assert_eq!(everything(&store), before);
            }
        }
    }
}
