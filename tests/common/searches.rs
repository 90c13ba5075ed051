//! Search, case by case: the rule by examples, ranks, pages, filters, snippets; each as the cases of
//! cases.rs run, and both with and without the index.

use std::collections::BTreeSet;

use conversation_store::error::ErrorCode;
use conversation_store::model::*;
use conversation_store::store::{Store, Tuning};

use super::{Lesson as _, World, key, refused};

/// Calls `$each!(name)` for every case.
#[macro_export]
macro_rules! for_each_search_case {
    ($each:ident) => {
        $each!(
            the_rule_by_examples,
            words_rank_above_the_inside_of_words,
            hits_come_in_pages,
            hits_are_of_what_was_asked_for,
            many_terms_are_all_looked_for,
            a_snippet_shows_what_was_found
        );
    };
}

pub fn few() -> Tuning {
    Tuning {
        step_texts: 3,
        step_bytes: 10_000,
        step_merge: 200,
        fanout: 2,
        smallest: 1,
        tolerable: 6,
    }
}

pub fn found(store: &mut Store, query: &str) -> BTreeSet<i64> {
    let options = SearchQuery {
        limit: Some(1_000),
        ..SearchQuery::default()
    };
    let hits = store.search(query, &options).unwrap();
    hits.iter()
        .map(|hit| match &hit.message {
            Some(message) => message.id,
            None => -hit.conversation.id,
        })
        .collect()
}

pub fn index_all(store: &mut Store) {
    while store.index_step().unwrap() {}
}

/// Each pair of a text and a query, and whether the one is found by the other.
const EXAMPLES: &[(&str, &str, bool)] = &[
    ("오늘회의록", "회의", true),
    ("오늘회의록", "회", true),
    ("오늘회의록", "회록", false),
    ("café", "cafe", true),
    ("cafe\u{301}", "café", true),
    ("CAFÉ au lait", "café", true),
    ("\u{1112}\u{116c}\u{110b}\u{1174}", "회의", true),
    ("회의", "\u{1112}\u{116c}\u{110b}\u{1174}", true),
    ("ガ", "カ", false),
    ("カ\u{3099}", "ガ", true),
    ("日本語の文", "本語", true),
    ("日本語の文", "日本語の文", true),
    ("日本語の文", "本", true),
    ("日本 本語", "日本語", false),
    ("свой дом", "свои", false),
    ("свой дом", "свой", true),
    ("ёлка", "елка", true),
    ("Ἀθῆναι", "αθηναι", true),
    ("λόγος", "ΛΌΓΟΣ", true),
    ("Straße", "strasse", false),
    ("STRAẞE", "straße", true),
    ("İstanbul", "istanbul", true),
    ("a cat", "a", true),
    ("cat", "a", false),
    ("plan B.", "b", true),
    ("3 of 30", "0", false),
    ("3 of 30", "3", true),
    ("C++ and C#", "C++", true),
    ("C++ and C#", "c", true),
    ("node.js", "node.js", true),
    ("node.js", "e.j", true),
    ("node_js", "node.js", false),
    ("say \"hi\"", "\"say \\\"hi\"", false),
    ("he said hello there", "\"said hello\"", true),
    ("he said hello there", "\"hello said\"", false),
    ("he said hello there", "there he", true),
    ("he said hello there", "hello -there", false),
    ("he said hello there", "hello -their", true),
    ("he said hello there", "hello -\"said hello\"", false),
    ("he said hello there", "-their", false),
    ("x -> y", "->", true),
    ("price is $50 for .net", "-$50 price", false),
    ("price is 50 for .net", "price -$50", true),
    ("price is 50 for .net", "price -.net", false),
    ("a (b -) c", "-)", true),
    ("run --verbose", "--verbose", true),
    ("5\" disk", "5\" disk", true),
    ("5\" disk", "\"disk", false),
    ("NEAR(a b) AND NOT c* OR d", "NEAR( AND c* OR", true),
    ("'; DROP TABLE messages; --", "'; DROP", true),
    ("🌱🌿", "🌿", true),
    ("👩‍👩‍👧‍👦 family", "👩‍👩‍👧‍👦", true),
    ("🌱🌿", "🌳", false),
    ("สวัสดีครับ", "วัสดี", true),
    ("สวัสดีครับ", "ครับ", true),
    ("مرحبا بالعالم", "عالم", true),
    ("नमस्ते दुनिया", "मस्ते", true),
    (
        "aGVsbG8gd29ybGQgdGhpcyBpcyBhIGxvbmcgYmFzZTY0IHN0cmluZw",
        "xvbmcgYmFz",
        true,
    ),
    (
        "aGVsbG8gd29ybGQgdGhpcyBpcyBhIGxvbmcgYmFzZTY0IHN0cmluZw",
        "vbmcgYmFzx",
        false,
    ),
    ("====================", "===", true),
    ("the very end", "nd", true),
    ("", "a", false),
    ("anything", "", false),
    ("anything", " \t\n", false),
    ("anything", "\"\"", false),
    ("nul \0 here", "\"l \0 h\"", true),
];

pub fn the_rule_by_examples(world: &World) {
    let mut store = world.open();
    store.tune_index(few());
    for (text, query, expected) in EXAMPLES {
        let chat = store.create("", None).unwrap();
        let id = store.add(&key(chat), Role::User, text).unwrap().id;
        for is_indexed in [false, true] {
            if is_indexed {
                index_all(&mut store);
            }
            let is_found = found(&mut store, query).contains(&id);
            assert_eq!(
                is_found, *expected,
                "{query:?} in {text:?}, indexed: {is_indexed}"
            );
        }
        store.delete_conversation(&key(chat)).unwrap();
    }
}

fn search(store: &mut Store, query: &str, options: SearchQuery) -> Vec<SearchHit> {
    store.search(query, &options).unwrap()
}

fn texts(store: &mut Store, hits: &[SearchHit]) -> Vec<String> {
    let text = |hit: &SearchHit| match &hit.message {
        Some(message) => {
            let message = store.get_message(&MessageKey::Id(message.id)).unwrap();
            message.unwrap().content
        }
        None => hit.conversation.title.clone(),
    };
    hits.iter().map(text).collect()
}

pub fn words_rank_above_the_inside_of_words(world: &World) {
    let mut store = world.open();
    store.tune_index(few());
    let chat = store.create("nothing", None).unwrap();
    for text in [
        "inside: a concatenation of cats, scattered",
        "the cat sat, the cat purred",
        "scat scat scat",
        "category theory",
        "a dog",
    ] {
        world.tick(1);
        store.add(&key(chat), Role::User, text).unwrap();
    }
    store.create("My cat", None).unwrap();
    let mut before = None;
    for _ in 0..2 {
        let hits = search(&mut store, "cat", SearchQuery::default());
        let order = texts(&mut store, &hits);
        assert_eq!(order[0], "My cat");
        assert_eq!(order[1], "the cat sat, the cat purred");
        assert_eq!(order[4], "scat scat scat");
        assert_eq!(hits.len(), 5);
        // The index ranks as the scan does.
        assert_eq!(*before.get_or_insert(order.clone()), order);
        index_all(&mut store);
    }
}

pub fn hits_come_in_pages(world: &World) {
    let mut store = world.open();
    store.tune_index(few());
    let mut chats = Vec::new();
    for chat in 0..7 {
        chats.push(
            store
                .create(&format!("Chat {chat} about tea"), None)
                .unwrap(),
        );
        for number in 0..9 {
            world.tick(1_000);
            let text = "tea ".repeat(1 + (number * 5 + chat) % 4) + &"milk ".repeat(number);
            store.add(&key(chats[chat]), Role::User, &text).unwrap();
        }
        if chat == 3 {
            index_all(&mut store);
        }
    }
    let elsewhere = store.create("elsewhere", None).unwrap();
    for order in [SearchOrder::Relevance, SearchOrder::Newest] {
        for group in [false, true] {
            let options = |limit, after| SearchQuery {
                limit: Some(limit),
                after,
                order,
                group,
                ..SearchQuery::default()
            };
            let all = search(&mut store, "tea", options(1_000, None));
            assert_eq!(all.len(), if group { 7 } else { 70 });
            let mut paged: Vec<SearchHit> = Vec::new();
            loop {
                let after = paged.last().map(|hit| hit.cursor.clone());
                let page = search(&mut store, "tea", options(4, after));
                // What comes meanwhile changes the statistics, and nobody's place.
                world.tick(1_000);
                store.add(&key(elsewhere), Role::User, "coffee").unwrap();
                store.index_step().unwrap();
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            let key = |hit: &SearchHit| (hit.message.as_ref().map(|it| it.id), hit.conversation.id);
            let keys = |hits: &[SearchHit]| hits.iter().map(key).collect::<Vec<_>>();
            assert_eq!(keys(&paged), keys(&all), "{order:?}, group: {group}");
            if group {
                assert!(all.iter().all(|hit| hit.count == Some(10)));
            }
            if order == SearchOrder::Newest && !group {
                let times: Vec<_> = (all.iter())
                    .map(|hit| match &hit.message {
                        Some(message) => message.created_at,
                        None => hit.conversation.updated_at,
                    })
                    .collect();
                assert!(times.is_sorted_by(|a, b| a >= b));
            }
        }
    }
    let cursor =
        |store: &mut Store, query: &str, options| search(store, query, options)[0].cursor.clone();
    let grouped = SearchQuery {
        group: true,
        ..SearchQuery::default()
    };
    let ours = cursor(&mut store, "tea", SearchQuery::default());
    for after in [
        String::new(),
        "r".to_owned(),
        "1.2.3".to_owned(),
        "1.2.3.4.5.6.7.8.9".to_owned(),
        ours.replacen('.', "1.", 1),
        cursor(&mut store, "milk", SearchQuery::default()),
        cursor(&mut store, "tea", grouped),
    ] {
        let options = SearchQuery {
            after: Some(after),
            ..SearchQuery::default()
        };
        refused(store.search("tea", &options), ErrorCode::InvalidArgument);
    }
}

pub fn hits_are_of_what_was_asked_for(world: &World) {
    let mut store = world.open();
    store.tune_index(few());
    let brain = store.create("a word", Some("other")).unwrap();
    let archived = store.create("a word", None).unwrap();
    let trashed = store.create("a word", None).unwrap();
    let plain = store.create("a word", None).unwrap();
    let mut at = Vec::new();
    for chat in [brain, archived, trashed, plain] {
        for role in [Role::User, Role::Assistant] {
            world.tick(1_000);
            at.push(store.add(&key(chat), role, "one word").unwrap());
        }
    }
    let put =
        |store: &mut Store, chat, patch| store.update_conversation(&key(chat), &patch).unwrap();
    let archive = ConversationPatch {
        archived: Some(true),
        ..ConversationPatch::default()
    };
    let trash = ConversationPatch {
        trashed: Some(true),
        ..ConversationPatch::default()
    };
    put(&mut store, archived, archive);
    put(&mut store, trashed, trash);
    let any = SearchQuery::default;
    for _ in 0..2 {
        for (options, count, only) in [
            (any(), 6, None),
            (
                SearchQuery {
                    archived: Whether::Yes,
                    ..any()
                },
                3,
                Some(archived),
            ),
            (
                SearchQuery {
                    archived: Whether::Any,
                    ..any()
                },
                9,
                None,
            ),
            (
                SearchQuery {
                    brain: Some("other".into()),
                    ..any()
                },
                3,
                Some(brain),
            ),
            (
                SearchQuery {
                    brain: Some("nobody".into()),
                    ..any()
                },
                0,
                None,
            ),
            (
                SearchQuery {
                    conversation_id: Some(key(archived)),
                    ..any()
                },
                3,
                Some(archived),
            ),
            (
                SearchQuery {
                    conversation_id: Some(key(trashed)),
                    ..any()
                },
                3,
                Some(trashed),
            ),
            (
                SearchQuery {
                    conversation_id: Some(key(1_000)),
                    ..any()
                },
                0,
                None,
            ),
            (
                SearchQuery {
                    role: Some(Role::Assistant),
                    ..any()
                },
                2,
                None,
            ),
            (
                SearchQuery {
                    since: Some(at[7].created_at),
                    ..any()
                },
                2,
                Some(plain),
            ),
            (
                SearchQuery {
                    until: Some(at[1].created_at),
                    ..any()
                },
                1,
                Some(brain),
            ),
        ] {
            let hits = search(&mut store, "word", options.clone());
            assert_eq!(hits.len(), count, "{options:?}");
            if let Some(only) = only {
                assert!(
                    hits.iter().all(|hit| hit.conversation.id == only),
                    "{options:?}"
                );
            }
        }
        index_all(&mut store);
    }
    refused(
        store.search(&"x".repeat(MAX_SEARCH + 1), &any()),
        ErrorCode::InvalidArgument,
    );
}

pub fn many_terms_are_all_looked_for(world: &World) {
    let mut store = world.open();
    store.tune_index(few());
    let chat = store.create("t", None).unwrap();
    let words: Vec<String> = (0..60).map(|n| format!("w{n}x{n}")).collect();
    let whole = store
        .add(&key(chat), Role::User, &words.join(" "))
        .unwrap()
        .id;
    let short = store
        .add(&key(chat), Role::User, &words[..59].join(" "))
        .unwrap()
        .id;
    let excluded: String = (0..20).map(|n| format!(" -no{n}")).collect();
    for _ in 0..2 {
        assert_eq!(found(&mut store, &words.join(" ")), [whole].into());
        assert_eq!(
            found(&mut store, &words[..59].join(" ")),
            [whole, short].into()
        );
        assert_eq!(
            found(&mut store, &format!("w1x1{excluded}")),
            [whole, short].into()
        );
        assert_eq!(
            found(&mut store, &format!("w1x1{excluded} -w59x59")),
            [short].into()
        );
        assert_eq!(
            found(&mut store, &format!("{} absent", words.join(" "))),
            [].into()
        );
        index_all(&mut store);
    }
    let patch = ConversationPatch {
        title: Some(words.join(" ")),
        ..ConversationPatch::default()
    };
    store.update_conversation(&key(chat), &patch).unwrap();
    let grouped = SearchQuery {
        order: SearchOrder::Newest,
        group: true,
        ..SearchQuery::default()
    };
    let hits = search(&mut store, &words[..59].join(" "), grouped);
    assert_eq!(hits[0].count, Some(3), "two messages and the title");
}

pub fn a_snippet_shows_what_was_found(world: &World) {
    let mut store = world.open();
    let chat = store.create("T", None).unwrap();
    let family = "👩‍👩‍👧‍👦".repeat(60);
    let long = "word ".repeat(300);
    for (text, query, marked) in [
        ("Das Café am Platz", "cafe", "Café"),
        ("an e\u{301}clair", "éclair", "e\u{301}clair"),
        ("오늘회의록", "회의", "회의"),
        (
            "\u{110b}\u{1169}\u{1112}\u{116c}\u{110b}\u{1174}",
            "회의",
            "\u{1112}\u{116c}\u{110b}\u{1174}",
        ),
        (&format!("{family} hit {family}"), "hit", "hit"),
        (&format!("{long}the needle {long}"), "needle", "needle"),
        (&format!("{long}at the very end"), "end", "end"),
        ("주간 업무 회의", "회의", "회의"),
    ] {
        let id = store.add(&key(chat), Role::User, text).unwrap().id;
        let hits = search(&mut store, query, SearchQuery::default());
        let hit = hits
            .iter()
            .find(|hit| hit.message.as_ref().unwrap().id == id)
            .unwrap();
        assert!(text.contains(&hit.snippet));
        // Of what is short nothing is left out.
        assert!(text.chars().count() > 40 || hit.snippet == text);
        assert!(hit.snippet.len() < 3_000, "{}", hit.snippet);
        let units: Vec<u16> = hit.snippet.encode_utf16().collect();
        let (start, end) = hit.ranges[0];
        let found = String::from_utf16(&units[start as usize..end as usize]).unwrap();
        assert_eq!(found, marked);
        assert!(!hit.snippet.starts_with('\u{200d}') && !hit.snippet.ends_with('\u{200d}'));
        store.delete_message(&MessageKey::Id(id)).unwrap();
    }
}
