//! Search against a scan: whatever a scan of all text by the rule would find is found, and nothing else,
//! whatever has happened to the store, and however much of it is in the index.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::collections::BTreeSet;

use common::searches::{few, found};
use common::{Lesson as _, World, key};
use conversation_store::model::*;
use conversation_store::store::Store;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// The rule, as DESIGN says it, in other words than src/search/fold.rs.
fn folded(text: &str) -> Vec<char> {
    let mut kept: Vec<char> = Vec::new();
    let mut base = ' ';
    for c in text.nfd() {
        if ('\u{300}'..='\u{36f}').contains(&c) {
            let base = base as u32;
            let in_any =
                |blocks: &[(u32, u32)]| blocks.iter().any(|it| it.0 <= base && base <= it.1);
            let latin = [
                (0x41, 0x5a),
                (0x61, 0x7a),
                (0xaa, 0xaa),
                (0xba, 0xba),
                (0xc0, 0x2af),
                (0x1d00, 0x1dbf),
                (0x1e00, 0x1eff),
                (0x2c60, 0x2c7f),
                (0xa722, 0xa7ff),
                (0xab30, 0xab6f),
                (0xff21, 0xff3a),
                (0xff41, 0xff5a),
            ];
            let greek = [(0x370, 0x3ff), (0x1f00, 0x1fff)];
            let cyrillic = [
                (0x400, 0x52f),
                (0x1c80, 0x1c8f),
                (0x2de0, 0x2dff),
                (0xa640, 0xa69f),
            ];
            let is_short_i = (base == 0x438 || base == 0x418) && c == '\u{306}';
            if (in_any(&latin) || in_any(&greek) || in_any(&cyrillic)) && !is_short_i {
                continue;
            }
        } else {
            base = c;
        }
        kept.push(c);
    }
    const ALIKE: &str = "µμſsςσϐβϑθϕφϖπϰκϱρϵεᲀвᲁдᲂоᲃсᲄтᲅтᲆъᲇѣᲈꙋﬅﬆ";
    let lower = |c: char| {
        let alike: Vec<char> = ALIKE.chars().collect();
        let lower = c.to_lowercase().next().unwrap();
        let found = alike.chunks(2).find(|it| it[0] == lower);
        found.map_or(lower, |it| it[1])
    };
    kept.into_iter().nfc().map(lower).collect()
}

fn is_part(c: Option<&char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric())
}

fn holds(text: &str, term: &str) -> bool {
    let (text, term) = (folded(text), folded(term));
    let script = |ranges: &[(u32, u32)]| {
        let c = term[0] as u32;
        ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
    };
    let is_alone = term.len() == 1
        && term[0].is_alphanumeric()
        && !script(&[
            // Han, kana, Hangul.
            (0x2e80, 0x2fdf),
            (0x3005, 0x3007),
            (0x3021, 0x3029),
            (0x3038, 0x303b),
            (0x3400, 0x4dbf),
            (0x4e00, 0x9fff),
            (0xf900, 0xfaff),
            (0x20000, 0x3ffff),
            (0x3041, 0x30ff),
            (0x31f0, 0x31ff),
            (0xff66, 0xff9f),
            (0x1b000, 0x1b16f),
            (0x1100, 0x11ff),
            (0x3130, 0x318f),
            (0xa960, 0xa97f),
            (0xac00, 0xd7ff),
            (0xffa0, 0xffdc),
        ]);
    text.windows(term.len()).enumerate().any(|(at, it)| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        let after = text.get(at + term.len());
        it == term && !(is_alone && (is_part(before) || is_part(after)))
    })
}

#[derive(Clone, Debug)]
enum Step {
    Create(String),
    Add(usize, String),
    Edit(usize, String),
    Append(usize, String, bool),
    Delete(usize),
    DeleteConversation(usize),
    Retitle(usize, String),
    Branch(usize, String),
    Index(u8),
    Reopen,
    Clear,
    BackUpAndRestore,
    /// Another program inserts, changes and deletes rows.
    Foreign(usize, String),
    Damage(u8),
    Search(usize, usize, usize),
    SearchOther(String),
}

const SCRAPS: &[&str] = &[
    "회의",
    "오늘",
    "회의록",
    "한국어",
    "\u{1112}\u{116c}\u{110b}\u{1174}",
    "ㅋㅋㅋ",
    "日本",
    "日本語",
    "かな",
    "ガ",
    "カ\u{3099}",
    "中文字",
    "the",
    "then",
    "he",
    "a",
    "b",
    "I",
    "Café",
    "cafe\u{301}",
    "naïve",
    "й",
    "и",
    "ё",
    "Σ",
    "ς",
    "σίγμα",
    "ไทย",
    "สวัสดี",
    "ก",
    "مرحبا",
    "عا",
    "🌱",
    "👩‍👩‍👧‍👦",
    "👍🏽",
    "1",
    "42",
    "C++",
    "node.js",
    "_",
    "-",
    "--",
    "\"",
    "''",
    "*",
    "(",
    "AND",
    "NEAR",
    " ",
    " ",
    " ",
    "  ",
    "\n",
    ". ",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "==========",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => prop::collection::vec(prop::sample::select(SCRAPS), 0..9).prop_map(|it| it.concat()),
        1 => any::<String>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0_usize..20;
    prop_oneof![
        2 => text().prop_map(Step::Create),
        8 => (n.clone(), text()).prop_map(|(n, it)| Step::Add(n, it)),
        2 => (n.clone(), text()).prop_map(|(n, it)| Step::Edit(n, it)),
        3 => (n.clone(), text(), any::<bool>()).prop_map(|(n, it, streams)| Step::Append(n, it, streams)),
        1 => n.clone().prop_map(Step::Delete),
        1 => n.clone().prop_map(Step::DeleteConversation),
        1 => (n.clone(), text()).prop_map(|(n, it)| Step::Retitle(n, it)),
        1 => (n.clone(), text()).prop_map(|(n, it)| Step::Branch(n, it)),
        4 => any::<u8>().prop_map(Step::Index),
        1 => Just(Step::Reopen),
        1 => Just(Step::BackUpAndRestore),
        1 => (n.clone(), text()).prop_map(|(n, it)| Step::Foreign(n, it)),
        1 => any::<u8>().prop_map(Step::Damage),
        1 => prop::num::u8::ANY.prop_filter_map("rarely", |n| (n < 40).then_some(Step::Clear)),
        6 => (n.clone(), 0_usize..40, 0_usize..12).prop_map(|(n, from, length)| Step::Search(n, from, length)),
        2 => text().prop_map(Step::SearchOther),
    ]
}

/// All that a scan would look at: messages by id, titles by id below 0.
fn everything(store: &mut Store) -> Vec<(i64, String)> {
    let all = ConversationQuery {
        limit: Some(1_000),
        ..ConversationQuery::default()
    };
    let mut texts = Vec::new();
    for chat in store.list_conversations(&all).unwrap() {
        texts.push((-chat.id, chat.title));
        let branches = MessageQuery {
            branches: Some(Branches::All),
            ..MessageQuery::default()
        };
        let messages = store.messages_for(&key(chat.id), &branches).unwrap();
        texts.extend(messages.into_iter().map(|it| (it.id, it.content)));
    }
    texts
}

fn check(store: &mut Store, term: &str) {
    // A phrase says exactly what is looked for, whatever is in it but such a quote as would end it.
    if term.trim().is_empty() || term.contains('"') {
        return;
    }
    let texts = everything(store);
    let expected: BTreeSet<i64> = texts
        .iter()
        .filter(|(_, text)| holds(text, term))
        .map(|(id, _)| *id)
        .collect();
    let query = format!("\"{term}\"");
    assert_eq!(found(store, &query), expected, "{query:?} in {texts:?}");

    let options = SearchQuery {
        limit: Some(1_000),
        ..SearchQuery::default()
    };
    for hit in store.search(&query, &options).unwrap() {
        let id = hit.message.map_or(-hit.conversation.id, |it| it.id);
        let (_, text) = texts.iter().find(|it| it.0 == id).unwrap();
        let at = text
            .find(&hit.snippet)
            .expect("a piece of the text as it stands");
        let ends: Vec<_> = text
            .grapheme_indices(true)
            .map(|it| it.0)
            .chain([text.len()])
            .collect();
        // It may stand there more than once: one of the places is between graphemes.
        let is_cut_well = text
            .match_indices(&hit.snippet)
            .any(|(at, it)| ends.contains(&at) && ends.contains(&(at + it.len())));
        assert!(is_cut_well, "{:?} of {text:?} from {at}", hit.snippet);
        let units: Vec<u16> = hit.snippet.encode_utf16().collect();
        assert!(
            !hit.ranges.is_empty(),
            "{term:?} in {text:?}: {:?}",
            hit.snippet
        );
        let mut last = 0;
        for (start, end) in hit.ranges {
            assert!(last <= start && start < end && end as usize <= units.len());
            last = end;
            let marked = String::from_utf16(&units[start as usize..end as usize]).unwrap();
            let folded_term: String = folded(term).into_iter().collect();
            let folded_mark: String = folded(&marked).into_iter().collect();
            let is_part_of_it =
                folded_mark.contains(&folded_term) || folded_term.starts_with(&folded_mark);
            assert!(is_part_of_it, "{marked:?} for {term:?} in {text:?}");
        }
    }
}

fn take(store: Store, world: &World, messages: &mut Vec<i64>, step: &Step) -> Store {
    let mut store = store;
    let path = world.path.clone().unwrap();
    let nth = |messages: &[i64], n: usize| messages.get(n % messages.len().max(1)).copied();
    let chats: Vec<i64> = store
        .list_conversations(&ConversationQuery::default())
        .unwrap()
        .iter()
        .map(|it| it.id)
        .collect();
    match step {
        Step::Create(title) => {
            store.create(title, None).unwrap();
        }
        Step::Add(n, text) => {
            if let Some(chat) = nth(&chats, *n) {
                messages.push(store.add(&key(chat), Role::User, text).unwrap().id);
            }
        }
        Step::Edit(n, text) => {
            if let Some(id) = nth(messages, *n) {
                let patch = MessagePatch {
                    content: Some(text.clone()),
                    ..MessagePatch::default()
                };
                let _ = store.update_message(&MessageKey::Id(id), &patch);
            }
        }
        Step::Append(n, text, streams) => {
            if let Some(id) = nth(messages, *n) {
                store.set_tab(Some("tab"));
                let _ = store.append_to_message(&MessageKey::Id(id), text, *streams);
            }
        }
        Step::Delete(n) => {
            if let Some(id) = nth(messages, *n) {
                store.delete_message(&MessageKey::Id(id)).unwrap();
            }
        }
        Step::DeleteConversation(n) => {
            if let Some(chat) = nth(&chats, *n).filter(|_| n % 4 == 0) {
                store.delete_conversation(&key(chat)).unwrap();
            }
        }
        Step::Retitle(n, title) => {
            if let Some(chat) = nth(&chats, *n) {
                let patch = ConversationPatch {
                    title: Some(title.clone()),
                    ..ConversationPatch::default()
                };
                store.update_conversation(&key(chat), &patch).unwrap();
            }
        }
        Step::Branch(n, text) => {
            if let Some(chat) = nth(&chats, *n) {
                let extra = NewMessage {
                    parent_id: Some(None),
                    ..NewMessage::default()
                };
                let added = store.add_message(&key(chat), Role::Assistant, Some(text), &extra);
                messages.push(added.unwrap().id);
            }
        }
        Step::Index(times) => {
            for _ in 0..times % 8 {
                store.index_step().unwrap();
            }
        }
        Step::Reopen => {
            store.close().unwrap();
            store = world.open();
            store.tune_index(few());
        }
        Step::Clear => store.clear().unwrap(),
        Step::BackUpAndRestore => {
            let copy = format!("{path}-copy");
            store.backup_into(&copy).unwrap();
            store.restore_from(&copy, None, 0).unwrap();
            std::fs::remove_file(copy).unwrap();
        }
        Step::Foreign(n, text) => {
            store.close().unwrap();
            let other = rusqlite::Connection::open(&path).unwrap();
            let chat: Option<i64> = other
                .query_row("SELECT max(id) FROM conversations", [], |row| row.get(0))
                .unwrap();
            match (n % 3, chat, nth(messages, *n)) {
                (0, Some(chat), _) => {
                    other
                        .execute(
                            "INSERT INTO messages (conversation_id, role, content) VALUES (?1, 'user', ?2)",
                            (chat, text),
                        )
                        .unwrap();
                    messages.push(other.last_insert_rowid());
                }
                (1, _, Some(id)) => {
                    other
                        .execute("UPDATE messages SET content = ?2 WHERE id = ?1", (id, text))
                        .unwrap();
                }
                (_, _, Some(id)) => {
                    other
                        .execute("DELETE FROM messages WHERE id = ?1", [id])
                        .unwrap();
                }
                _ => {}
            }
            other.close().unwrap();
            store = world.open();
            store.tune_index(few());
        }
        Step::Damage(which) => {
            store.close().unwrap();
            let other = rusqlite::Connection::open(&path).unwrap();
            let sql = match which % 6 {
                0 => "UPDATE search_pieces SET data = zeroblob(length(data)) WHERE id % 3 = 0",
                1 => "DELETE FROM search_pieces WHERE id % 2 = 0",
                2 => "UPDATE search_segments SET head = x'0102'",
                3 => "UPDATE search_segments SET gone = x'01'",
                4 => "DELETE FROM search_segments WHERE id = (SELECT min(id) FROM search_segments)",
                _ => "DELETE FROM search_segments",
            };
            other.execute(sql, []).unwrap();
            other.close().unwrap();
            store = world.open();
            store.tune_index(few());
        }
        Step::Search(n, from, length) => {
            let texts = everything(&mut store);
            if let Some((_, text)) = texts.get(n % texts.len().max(1)) {
                let term: String = text.chars().skip(*from).take(1 + *length).collect();
                check(&mut store, &term);
            }
        }
        Step::SearchOther(term) => check(&mut store, term),
    }
    store
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn finds_what_a_scan_would(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.db");
        let world = World::new(Some(path.to_str().unwrap().into()), None);
        let mut store = world.open();
        store.tune_index(few());
        let mut messages = Vec::new();
        for step in steps {
            world.tick(1);
            store = take(store, &world, &mut messages, &step);
        }
    }
}
