//! Damaged files given to a salvage: the files of each version and a log, with bytes changed, cut off or in
//! another's place, or no files of ours at all. It ends, nothing is refused, what it says of the rows is so,
//! and what comes of them is a store like any other.

use std::sync::OnceLock;

use conversation_salvage::reader::Reader;
use conversation_store::model::{ConversationKey, Role};
use conversation_store::store::Salvage;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use super::restore::{VERSIONS, patch};
use super::stored;
use crate::invention::below;
use crate::promises::{conversations, is_sound};
use crate::world::{File, World};

/// Batches that no file of this size has.
const ENDLESS: usize = 100_000;

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let how = below(bytes, 12);
    let [mut main, mut log] = match how {
        0 => {
            let log = bytes.len() / 2;
            let log = bytes.bytes(log).unwrap_or_default().to_vec();
            [bytes.bytes(bytes.len()).unwrap_or_default().to_vec(), log]
        }
        1..=4 => [VERSIONS[how - 1].to_vec(), Vec::new()],
        _ => crashed().clone(),
    };
    for _ in 0..below(bytes, 9) {
        let hits_log = below(bytes, 3) == 1;
        patch(if hits_log { &mut log } else { &mut main }, bytes);
    }

    let file = File::new("salvaged");
    let world = World::new(6);
    let mut salvage = Salvage::begin(file.path(), None, world.env()).expect("a new file is made");
    let mut reader = Reader::new(main, log);
    let mut batches = 0;
    while let Some(batch) = reader.next_batch() {
        salvage.take(&batch).expect("rows are taken, or told");
        batches += 1;
        assert!(batches < ENDLESS, "it goes on and on");
    }
    let report = salvage.finish(&mut || Ok(())).expect("it ends");

    let mut store = World::new(7).open(&file).expect("it opens");
    is_sound(&mut store);
    let conversations = conversations(&store);
    // Those of which only messages were left have been made anew.
    let made = report.conversations.recovered + report.conversations.lost;
    assert_eq!(conversations.len() as i64, made, "as many as are told");
    let messages: i64 = conversations.iter().map(|it| it.message_count).sum();
    assert_eq!(messages, report.messages.recovered, "as many as are told");
    if let Some(conversation) = conversations.first() {
        let key = ConversationKey::Id(conversation.id);
        store
            .add_message(&key, Role::User, Some("more"), &Default::default())
            .expect("it goes on");
    }
    Corpus::Keep
}

/// The files that a crash leaves of a store that has everything: with a log.
fn crashed() -> &'static [Vec<u8>; 2] {
    static CRASHED: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    CRASHED.get_or_init(|| {
        let file = File::of("crashed", stored::template());
        let mut store = World::new(8).open(&file).expect("it opens");
        for conversation in conversations(&store) {
            let key = ConversationKey::Id(conversation.id);
            store
                .add_message(&key, Role::User, Some("in the log"), &Default::default())
                .expect("added");
        }
        let read = |path: &str| std::fs::read(path).expect("a file of this process");
        let files = [read(file.path()), read(&format!("{}-wal", file.path()))];
        assert!(!files[1].is_empty(), "a log");
        files
    })
}
