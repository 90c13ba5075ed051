//! Files given to `restore` and `import`, and a database that was damaged where it lies: files of each version,
//! with bytes changed, cut off, changed by another program, or no files of ours at all. What is refused
//! changes nothing, what is taken is sound, and nothing fails in a way that callers were not promised.

use conversation_store::error::ErrorCode;
use conversation_store::model::{ConversationKey, ImportingOptions, MessageQuery, Role};
use conversation_store::store::Store;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use super::stored;
use crate::invention::{Known, below};
use crate::promises::{everything, is_complete, is_sound, is_typed};
use crate::world::{File, World};

const REFUSALS: [ErrorCode; 4] = [
    ErrorCode::NotADatabase,
    ErrorCode::Corrupt,
    ErrorCode::SchemaTooNew,
    ErrorCode::UnsupportedFormat,
];

/// The file of each version of the schema.
pub const VERSIONS: [&[u8]; 4] = [
    include_bytes!("../../../tests/files/version-1.db"),
    include_bytes!("../../../tests/files/version-2.db"),
    include_bytes!("../../../tests/files/version-3.db"),
    include_bytes!("../../../tests/files/version-4.db"),
];

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let how = below(bytes, 12);
    let mut file = match how {
        0 => bytes.bytes(bytes.len()).unwrap_or_default().to_vec(),
        1..=4 => VERSIONS[how - 1].to_vec(),
        _ => stored::template().to_vec(),
    };
    for _ in 0..below(bytes, 9) {
        patch(&mut file, bytes);
    }
    let file = File::of("incoming", &file);
    if below(bytes, 2) == 1 {
        let _ = stored::change(&file, bytes, &Known::default());
    }
    let whole = std::fs::read(file.path()).expect("a file of this process");
    restored(&file);
    merged(&File::of("merging", &whole));
    opened(&File::of("own", &whole));
    Corpus::Keep
}

/// Damages a file somewhere.
pub fn patch(file: &mut Vec<u8>, bytes: &mut Unstructured<'_>) {
    let page = 1024 * below(bytes, 64);
    let at = (page + below(bytes, 1024)).min(file.len().saturating_sub(1));
    match below(bytes, 8) {
        0 => file.truncate(at),
        1 => {
            let end = (at + 1 + below(bytes, 2_000)).min(file.len());
            file[at..end].fill(bytes.arbitrary().unwrap_or(0));
        }
        2 => file.extend_from_within(at..),
        // A page in the place of another.
        3 => {
            let from = 1024 * below(bytes, 64);
            if from + 1024 <= file.len() && page + 1024 <= file.len() {
                file.copy_within(from..from + 1024, page);
            }
        }
        // The header, and that of the first page.
        4 => {
            if let Some(byte) = file.get_mut(below(bytes, 116)) {
                *byte = bytes.arbitrary().unwrap_or(0);
            }
        }
        _ => {
            for offset in 0..1 + below(bytes, 4) {
                if let Some(byte) = file.get_mut(at + offset) {
                    *byte = bytes.arbitrary().unwrap_or(0);
                }
            }
        }
    }
}

fn with_one_chat() -> Store {
    let mut store = World::new(3).empty();
    let id = store
        .create_conversation("mine", None, &Default::default())
        .expect("created");
    store
        .add_message(
            &ConversationKey::Id(id),
            Role::User,
            Some("the text"),
            &Default::default(),
        )
        .expect("added");
    store
}

fn restored(file: &File) {
    let mut store = with_one_chat();
    let before = everything(&store);
    match is_typed(store.restore_from(file.path(), None, 1), &REFUSALS) {
        None => assert_eq!(everything(&store), before, "a refusal changed something"),
        Some(()) => {
            store.heal(None).expect("told");
            is_sound(&mut store);
            is_complete(&mut store, "the");
        }
    }
}

fn merged(file: &File) {
    let copy = Store::open_copy(file.path(), None, World::new(4).env());
    let Some(copy) = is_typed(copy, &REFUSALS) else {
        return;
    };
    let mut store = with_one_chat();
    let options = ImportingOptions::default();
    let merged = store.merge(&copy, &options, |_| Ok(()));
    let counts = is_typed(merged, &REFUSALS);
    for failure in counts.iter().flat_map(|it| &it.failures) {
        assert_ne!(failure.code, ErrorCode::Internal, "{failure:?}");
    }
    is_sound(&mut store);
    is_complete(&mut store, "the");
    let before = everything(&store);
    if counts.is_some_and(|it| it.conversations.failed == 0) {
        let again = store.merge(&copy, &options, |_| Ok(()));
        is_typed(again, &REFUSALS);
        assert_eq!(everything(&store), before, "a second time changes nothing");
    }
}

/// Nobody promises that damage is noticed, but that nothing else comes of it than `corrupt`.
fn opened(file: &File) {
    let Some(mut store) = is_typed(World::new(5).open(file), &REFUSALS) else {
        return;
    };
    let list = store.list_conversations(&Default::default());
    for conversation in is_typed(list, &REFUSALS).unwrap_or_default() {
        let key = ConversationKey::Id(conversation.id);
        is_typed(
            store.messages_for(&key, &MessageQuery::default()),
            &REFUSALS,
        );
        is_typed(store.export_chat(&key), &REFUSALS);
        let added = store.add_message(&key, Role::User, Some("more"), &Default::default());
        is_typed(
            added,
            &[&REFUSALS[..], &[ErrorCode::NotFound, ErrorCode::Conflict]].concat(),
        );
    }
    is_typed(store.search("the", &Default::default()), &REFUSALS);
    is_typed(store.index_step(), &REFUSALS);
    is_typed(store.heal(None), &REFUSALS);
    is_typed(store.close(), &REFUSALS);
}
