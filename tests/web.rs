//! The cases of the store in a browser's dedicated worker: in memory and on OPFS, through the VFS
//! that the package ships. Also what only a browser can show of the files and the lock.

#![cfg(target_arch = "wasm32")]

mod common;

use common::{Lesson as _, World, cases, chats, key, refused};
use conversation_store::error::ErrorCode;
use conversation_store::model::Role;
use conversation_store::wasm::directory::{self, Directory};
use conversation_store::wasm::lock::{self, Wait};
use conversation_store::wasm::vfs;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

async fn with_files(name: &str, case: impl FnOnce(&World)) {
    directory::remove(name).await.unwrap();
    let directory = Directory::acquire(name).await.unwrap();
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

#[wasm_bindgen_test]
async fn files_reopened_by_another_hold_it_all() {
    directory::remove("reopened").await.unwrap();
    let directory = Directory::acquire("reopened").await.unwrap();
    let world = World::new(Some(directory.main_path()), Some(vfs::NAME));
    let mut store = world.open();
    let id = store.create("남는 것", None).unwrap();
    store.add(&key(id), Role::User, "hi").unwrap();
    let before = common::everything(&store);
    // As after a crash: nothing is checkpointed.
    drop(store);
    drop(directory);
    let directory = Directory::acquire("reopened").await.unwrap();
    assert_eq!(common::everything(&world.open()), before);
    drop(directory);
    directory::remove("reopened").await.unwrap();
}

#[wasm_bindgen_test]
async fn damaged_files_are_corrupt_and_stay() {
    directory::remove("damaged").await.unwrap();
    let directory = Directory::acquire("damaged").await.unwrap();
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
    let refusal = Directory::acquire("damaged").await.map(|_| ());
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
