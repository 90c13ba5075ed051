//! The cases of the store in a browser's dedicated worker: in memory, on OPFS and over IndexedDB, through the
//! VFS that the package ships. Also what only a browser can show of the files, of IndexedDB and of the lock.

#![cfg(target_arch = "wasm32")]

mod common;

use common::{Lesson as _, World, cases, chats, key, refused, searches};
use conversation_store::error::ErrorCode;
use conversation_store::model::{Durability, Role, StorageOption};
use conversation_store::place::InOpfs;
use conversation_store::rpc::Request;
use conversation_store::wasm::directory::{self, Directory};
use conversation_store::wasm::image::{BLOCK, Image};
use conversation_store::wasm::indexeddb::{self, Kept};
use conversation_store::wasm::lock::{self, Wait};
use conversation_store::wasm::place::{self, Records};
use conversation_store::wasm::read::read;
use conversation_store::wasm::vfs;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

async fn with_files(name: &str, case: impl FnOnce(&World)) {
    directory::remove(name).await.unwrap();
    let (directory, _) = Directory::acquire(name).await.unwrap();
    directory.take_copy().await.unwrap();
    case(&World::new(Some(directory.main_path()), Some(vfs::NAME)));
    directory.drop_copy();
    drop(directory);
    directory::remove(name).await.unwrap();
}

/// A case over a file that is kept in IndexedDB, and what is kept after it compared with what SQLite saw.
async fn over_indexeddb(name: &str, case: impl FnOnce(&World)) {
    let database = indexeddb::name_of(name);
    indexeddb::remove(&database).await.unwrap();
    let kept = Kept::load(name).await.unwrap();
    let number = name.len() as u32 + 1_000_000;
    let directory = Directory::in_memory(number, Some(kept.image())).unwrap();
    directory.take_copy().await.unwrap();
    case(&World::atomic(directory.main_path(), vfs::NAME));
    kept.save(Durability::Relaxed).await.unwrap();
    let again = Kept::load(name).await.unwrap();
    assert!(again.image().size() > 0);
    assert!(bytes(again.image()) == bytes(kept.image()));
    drop((kept, again));
    indexeddb::remove(&database).await.unwrap();
}

fn bytes(image: &Image) -> Vec<u8> {
    let mut bytes = vec![0; image.size() as usize];
    assert_eq!(image.read(&mut bytes, 0), bytes.len());
    bytes
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

        mod on_indexeddb {
            use super::*;
            $(#[wasm_bindgen_test]
            async fn $case() {
                over_indexeddb(stringify!($case), cases::$case).await;
            })*
        }
    };
}

mod rows {
    use super::{World, cases, over_indexeddb, vfs, wasm_bindgen_test, with_files};

    crate::for_each_case!(in_a_worker);
}

mod of_chat_apps {
    use super::{World, chats as cases, over_indexeddb, vfs, wasm_bindgen_test, with_files};

    crate::for_each_chat_case!(in_a_worker);
}

mod of_search {
    use super::{World, over_indexeddb, searches as cases, vfs, wasm_bindgen_test, with_files};

    crate::for_each_search_case!(in_a_worker);
}

#[wasm_bindgen_test]
async fn files_reopened_by_another_hold_it_all() {
    directory::remove("reopened").await.unwrap();
    let (directory, found) = Directory::acquire("reopened").await.unwrap();
    assert_eq!(found, InOpfs::Absent);
    let world = World::new(Some(directory.main_path()), Some(vfs::NAME));
    let mut store = world.open();
    let id = store.create("남는 것", None).unwrap();
    store.add(&key(id), Role::User, "hi").unwrap();
    let before = common::everything(&store);
    // As after a crash: nothing is checkpointed.
    drop(store);
    drop(directory);
    let (directory, found) = Directory::acquire("reopened").await.unwrap();
    assert_eq!(found, InOpfs::Held);
    assert_eq!(common::everything(&world.open()), before);
    drop(directory);
    directory::remove("reopened").await.unwrap();
}

#[wasm_bindgen_test]
async fn damaged_files_are_corrupt_and_stay() {
    directory::remove("damaged").await.unwrap();
    let (directory, _) = Directory::acquire("damaged").await.unwrap();
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

/// A file in memory that is kept, and beside it the plain bytes that it should be.
fn image_beside(blocks: u64, limit: u64) -> (Image, Vec<u8>) {
    let list = js_sys::Array::new();
    let plain: Vec<u8> = (0..blocks * BLOCK).map(|n| (n % 251) as u8).collect();
    for block in plain.chunks(BLOCK as usize) {
        list.push(&js_sys::Uint8Array::from(block));
    }
    (Image::kept(list, blocks * BLOCK, limit), plain)
}

#[wasm_bindgen_test]
fn an_image_is_what_was_written_and_goes_back_to_what_was_settled() {
    let (image, before) = image_beside(3, 1 << 20);
    let mut plain = before.clone();
    let write = |plain: &mut Vec<u8>, at: usize, with: &[u8]| {
        image.write(with, at as u64).unwrap();
        if plain.len() < at + with.len() {
            plain.resize(at + with.len(), 0);
        }
        plain[at..at + with.len()].copy_from_slice(with);
        assert_eq!(bytes(&image), *plain, "after a write at {at}");
    };
    write(&mut plain, 5, b"within a block");
    write(&mut plain, 8_190, b"over an edge");
    write(&mut plain, 8_192, &[7; 8_192]);
    // Over the end, with a hole of more than a block.
    write(&mut plain, 50_000, b"far away");
    for size in [50_004, 40_000, 8_192, 100] {
        image.truncate(size);
        plain.truncate(size as usize);
        assert_eq!(bytes(&image), plain, "cut to {size}");
    }
    // What was cut off does not come back.
    write(&mut plain, 9_000, b"again");
    let mut numbers: Vec<_> = image.changed().iter().map(|it| it.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
    assert!(image.is_changed());
    image.take_back();
    assert_eq!(bytes(&image), before);
    assert!(!image.is_changed());

    image.write(b"kept", 0).unwrap();
    image.settle();
    image.write(b"lost", 0).unwrap();
    image.take_back();
    let mut first = [0; 4];
    image.read(&mut first, 0);
    assert_eq!(&first, b"kept");
    // It ends within what is asked for.
    assert_eq!(image.read(&mut [0; 10], 3 * BLOCK - 4), 4);
    assert_eq!(image.read(&mut [0; 10], 4 * BLOCK), 0);
}

#[wasm_bindgen_test]
fn an_image_has_a_limit_which_is_told_once() {
    let (image, before) = image_beside(1, BLOCK + 10);
    assert!(image.write(&[1; 11], BLOCK).is_err());
    assert!(image.take_full());
    assert!(!image.take_full());
    assert_eq!(bytes(&image), before);
    assert!(image.write(&[1; 10], BLOCK).is_ok());
}

#[wasm_bindgen_test]
async fn who_has_read_an_earlier_state_keeps_nothing() {
    const NAME: &str = "stale";
    indexeddb::remove(&indexeddb::name_of(NAME)).await.unwrap();
    let late = Kept::load(NAME).await.unwrap();
    let leader = Kept::load(NAME).await.unwrap();
    leader.image().write(&[1; 10_000], 0).unwrap();
    leader.save(Durability::Strict).await.unwrap();
    late.image().write(&[2; 100], 0).unwrap();
    let refusal = late.save(Durability::Strict).await;
    refused(refusal, ErrorCode::StorageUnavailable);
    assert!(late.is_stale() && !leader.is_stale());
    // The leader goes on; nothing of the other is there.
    leader.image().write(&[3; 10], 20_000).unwrap();
    leader.save(Durability::Relaxed).await.unwrap();
    let again = Kept::load(NAME).await.unwrap();
    assert!(bytes(again.image()) == bytes(leader.image()));
    drop((late, leader, again));
    indexeddb::remove(&indexeddb::name_of(NAME)).await.unwrap();
}

#[wasm_bindgen_test]
async fn what_was_there_is_not_made_anew() {
    for (name, storage) in [
        ("cleared", StorageOption::Opfs),
        ("cleared-too", StorageOption::Indexeddb),
    ] {
        place::remove(name).await.unwrap();
        let open = |known| place::open(name, storage, Durability::Strict, known, Records::begin());
        refused(open(true).await.map(|_| ()), ErrorCode::StorageUnavailable);
        // And it can be made, by who does not know of it.
        let database = open(false).await.unwrap();
        assert!(database.is_there().await && database.found.created);
        database.close().await.unwrap();
        let again = open(true).await.unwrap();
        assert!(!again.found.created);
        again.close().await.unwrap();
        place::remove(name).await.unwrap();
    }
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
