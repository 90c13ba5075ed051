//! What is typed into a search, over texts of any kind that are in the index, half in it, changed, or gone:
//! found is what a scan by the rule finds, and nothing else.

use conversation_store::model::{
    ConversationKey, MessageKey, MessagePatch, NewConversation, NewMessage, Role, SearchQuery,
};
use conversation_store::store::Tuning;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use crate::invention::{Known, below, invent, text};
use crate::promises::{is_complete, is_typed};
use crate::world::{NOON, World};

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let known = &Known::default();
    let world = World::new(1);
    let mut store = world.empty();
    store.tune_index(Tuning {
        step_texts: 1 + below(bytes, 4) as u32,
        step_merge: 1 + below(bytes, 200),
        fanout: 2,
        smallest: 1,
        tolerable: below(bytes, 12) as u32,
        ..Tuning::default()
    });
    let mut chats = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..40 {
        if bytes.is_empty() {
            break;
        }
        let at = below(bytes, 64);
        match below(bytes, 12) {
            0 => {
                let title = text(bytes, known);
                let created = store.create_conversation(&title, None, &NewConversation::default());
                chats.extend(created);
            }
            1 => {
                store.index_step().expect("the index goes on");
            }
            2 if !messages.is_empty() => {
                let patch = MessagePatch {
                    content: Some(text(bytes, known)),
                    ..MessagePatch::default()
                };
                let id = MessageKey::Id(messages[at % messages.len()]);
                // It may be gone.
                let _ = store.update_message(&id, &patch);
            }
            3 if !messages.is_empty() => {
                let id = MessageKey::Id(messages[at % messages.len()]);
                let _ = store.append_to_message(&id, &text(bytes, known), below(bytes, 2) == 1);
            }
            4 if !messages.is_empty() => {
                let id = MessageKey::Id(messages[at % messages.len()]);
                store.delete_message(&id).expect("deleted, or gone already");
            }
            5 => is_complete(&mut store, &text(bytes, known)),
            6 => {
                if let Ok(options) = invent::<SearchQuery>(bytes, known) {
                    let typed = text(bytes, known);
                    let hits = store.search(&typed, &options);
                    use conversation_store::error::ErrorCode::{InvalidArgument, NotFound};
                    for hit in is_typed(hits, &[InvalidArgument, NotFound]).unwrap_or_default() {
                        known.add(&hit.cursor);
                    }
                }
            }
            7 => world.set_clock(NOON + at as i64 * 86_400_000),
            _ if !chats.is_empty() => {
                let key = ConversationKey::Id(chats[at % chats.len()]);
                let content = text(bytes, known);
                let added =
                    store.add_message(&key, Role::User, Some(&content), &NewMessage::default());
                messages.extend(added.map(|it| it.id));
            }
            _ => {}
        }
    }
    let typed = text(bytes, known);
    is_complete(&mut store, &typed);
    while store.index_step().expect("the index goes on") {}
    is_complete(&mut store, &typed);
    Corpus::Keep
}
