//! The cases of the store in a browser's dedicated worker: in memory and on OPFS, through the VFS
//! that the package ships. Also what only a browser can show of the files and the lock.

#![cfg(target_arch = "wasm32")]

mod common;

use common::{Lesson as _, World, cases, chats, key, refused, searches};
use conversation_store::error::ErrorCode;
use conversation_store::model::Role;
use conversation_store::rpc::Request;
use conversation_store::wasm::directory::{self, Directory};
use conversation_store::wasm::lock::{self, Wait};
use conversation_store::wasm::read::read;
use conversation_store::wasm::vfs;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

async fn with_files(name: &str, case: impl FnOnce(&World)) {
    directory::remove(name).await.unwrap();
    let directory = Directory::acquire(name, false).await.unwrap();
    directory.take_copy().await.unwrap();
    case(&World::new(Some(directory.main_path()), Some(vfs::NAME)));
    directory.drop_copy();
    drop(directory);
    directory::remove(name).await.unwrap();
}

macro_rules! in_a_worker {
    ($($case:ident),* $(,)?) => {
        mod in_memory {
            use super::*;
            $(#[wasm_bindgen_test]
            fn $case() {
                let pool = vfs::Pool::of_this_worker().unwrap();
                for name in ["copy.db", "copy.db-journal"] {
                    pool.put_memory(name.into());
                }
                cases::$case(&World::new(None, Some(vfs::NAME)));
            })*
        }

        mod on_opfs {
            use super::*;
            $(#[wasm_bindgen_test]
            async fn $case() {
                with_files(stringify!($case), cases::$case).await;
            })*
        }
    };
}

mod rows {
    use super::{World, cases, vfs, wasm_bindgen_test, with_files};

    crate::for_each_case!(in_a_worker);
}

mod of_chat_apps {
    use super::{World, chats as cases, vfs, wasm_bindgen_test, with_files};

    crate::for_each_chat_case!(in_a_worker);
}

mod of_search {
    use super::{World, searches as cases, vfs, wasm_bindgen_test, with_files};

    crate::for_each_search_case!(in_a_worker);
}

#[wasm_bindgen_test]
async fn files_reopened_by_another_hold_it_all() {
    directory::remove("reopened").await.unwrap();
    let directory = Directory::acquire("reopened", false).await.unwrap();
    let world = World::new(Some(directory.main_path()), Some(vfs::NAME));
    let mut store = world.open();
    let id = store.create("남는 것", None).unwrap();
    store.add(&key(id), Role::User, "hi").unwrap();
    let before = common::everything(&store);
    // As after a crash: nothing is checkpointed.
    drop(store);
    drop(directory);
    let directory = Directory::acquire("reopened", false).await.unwrap();
    assert_eq!(common::everything(&world.open()), before);
    drop(directory);
    directory::remove("reopened").await.unwrap();
}

#[wasm_bindgen_test]
async fn damaged_files_are_corrupt_and_stay() {
    directory::remove("damaged").await.unwrap();
    let directory = Directory::acquire("damaged", false).await.unwrap();
    let path = directory.main_path();
    let garbage = [7; 8192];
    directory.pool().write(&path, 0, &garbage).unwrap();
    let world = World::new(Some(path.clone()), Some(vfs::NAME));
    refused(world.try_open().map(|_| ()), ErrorCode::Corrupt);
    let kept = directory.pool().read(&path, 0, 10_000).unwrap().to_vec();
    assert_eq!(kept, garbage);

    // An empty main file is not a new database, with a log beside it or without.
    directory.pool().clear(&path).unwrap();
    directory.made();
    directory
        .pool()
        .write(&format!("{path}-wal"), 0, &garbage)
        .unwrap();
    drop(directory);
    let refusal = Directory::acquire("damaged", false).await.map(|_| ());
    refused(refusal, ErrorCode::Corrupt);
    directory::remove("damaged").await.unwrap();
}

#[wasm_bindgen_test]
async fn one_holder_at_a_time() {
    let held = lock::acquire("locked", Wait::Never).await.unwrap();
    let second = lock::acquire("locked", Wait::Never).await.map(|_| ());
    refused(second, ErrorCode::Blocked);
    drop(held);
    // The lock is given back in the browser's own time, and the next waiter gets it.
    let again = lock::acquire("locked", Wait::Until(&JsValue::UNDEFINED)).await;
    assert!(again.is_ok());
}

/// What a request is read as, of a JavaScript expression; or the message of the refusal.
fn request(expression: &str) -> Result<String, String> {
    let value = js_sys::eval(&format!("({expression})")).unwrap();
    let read = read::<Request>(&value);
    read.map(|it| format!("{it:?}"))
        .map_err(|error| error.message)
}

#[wasm_bindgen_test]
fn what_does_not_fit_is_named_by_its_path() {
    for (expression, reason) in [
        (
            "{ addMessage: { role: 'user' } }",
            "missing field `conversationId`",
        ),
        (
            "{ addMessage: { conversationId: 1 } }",
            "missing field `role`",
        ),
        (
            "{ addMessage: { conversationId: 1, role: 5 } }",
            "role: invalid type: number `5`",
        ),
        (
            "{ addMessage: { conversationId: 1.5, role: 'user' } }",
            "conversationId: invalid value: number `1.5`",
        ),
        (
            "{ addMessage: { conversationId: 1, role: 'user', content: ['x'] } }",
            "content: invalid type: an array, expected a string",
        ),
        (
            "{ saveMessages: { conversationId: 1, messages: [{}, { role: 'robot' }] } }",
            "messages[1].role: unknown variant `robot`",
        ),
        (
            "{ saveMessages: { conversationId: 1, messages: [{}, null] } }",
            "messages[1]: invalid type: null or nothing",
        ),
        (
            "{ saveMessages: { conversationId: 1, messages: [], extra: { create: { title: 5 } } } }",
            "extra.create.title: invalid type: number `5`",
        ),
        (
            "{ getMessage: { id: { conversationId: 1 } } }",
            "id: missing field `uid`",
        ),
        (
            "{ listConversations: { query: { after: { id: 1, updatedAt: 'soon' } } } }",
            "query.after.updatedAt: invalid value: string \"soon\"",
        ),
        (
            "{ listConversations: { query: { limit: NaN } } }",
            "query.limit: invalid value: number `NaN`",
        ),
        (
            "{ updateConversation: { id: 1, patch: { title: null } } }",
            "patch.title: invalid type: null or nothing, expected a string",
        ),
        (
            "{ updateConversation: { id: 1, patch: 'x' } }",
            "patch: invalid type: string \"x\", expected a patch (an object)",
        ),
        (
            "{ putBlobPiece: { hash: '', size: 1, type: '', offset: 0, bytes: 'x' } }",
            "bytes: invalid type: string \"x\", expected bytes",
        ),
        ("{ clear: 5 }", "invalid type: number `5`"),
        ("{ fly: {} }", "unknown variant `fly`"),
        ("{}", "invalid type: an object, expected"),
        ("() => 1", "invalid type: function"),
    ] {
        let refusal = request(expression).unwrap_err();
        assert!(refusal.starts_with(reason), "{expression}: {refusal}");
    }
}

#[wasm_bindgen_test]
fn undefined_is_left_out_and_what_nobody_asks_for_is_not_looked_at() {
    let plain = "{ addMessage: { conversationId: 1, role: 'user', content: 'x' } }";
    for same in [
        "{ addMessage: { conversationId: 1, role: 'user', content: 'x', extra: undefined } }",
        "{ addMessage: { conversationId: 1, role: 'user', content: 'x', extra: { parentId: undefined } } }",
        "{ addMessage: { content: 'x', role: 'user', conversationId: 1n, other: 5 } }",
        "{ addMessage: { conversationId: 1, role: 'user', content: 'x', get self() { throw 1 } } }",
        "(() => { const it = { conversationId: 1, role: 'user', content: 'x' }; it.it = it;
          return { addMessage: it } })()",
    ] {
        assert_eq!(request(same), request(plain), "{same}");
    }
    let null = "{ addMessage: { conversationId: 1, role: 'user', content: 'x', extra: { parentId: null } } }";
    assert_ne!(request(null), request(plain));
    assert_eq!(
        request("{ emptyTrash: { olderThan: new Date(5) } }"),
        request("{ emptyTrash: { olderThan: 5 } }"),
    );
}
