//! Files that are damaged, or made to do harm: each has its code and its place, none harms what is
//! good in it.

#![cfg(not(target_arch = "wasm32"))]
#![recursion_limit = "256"]

mod common;

use std::io::{Cursor, Write};

use common::{claude, path, read, read_json};
use conversation_formats::chat::{Code, Failure, Kind};
use conversation_formats::reader::{Container, Options, Reader};
use serde_json::{Value, json};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

fn plain(uid: &str) -> Value {
    json!({ "title": "t", "uid": uid, "messages": [{ "role": "user", "content": "말", "uid": "m" }] })
}

fn file(uids: &[&str]) -> String {
    Value::Array(uids.iter().map(|uid| plain(uid)).collect()).to_string()
}

fn uids(read: &common::Read) -> Vec<&str> {
    read.chats.iter().map(|chat| chat.uid.as_str()).collect()
}

fn told(failures: &[Failure]) -> Vec<(Kind, Code)> {
    failures
        .iter()
        .map(|failure| (failure.kind, failure.code))
        .collect()
}

fn offset(failure: &Failure) -> u64 {
    failure.at.as_ref().unwrap().offset.unwrap()
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn nothing_and_other_things() {
    for bytes in [
        &b""[..],
        b"  \n\t ",
        b"\xef\xbb\xbf",
        b"hello",
        b"\x89PNG\r\n",
        b"<html>",
        b"5",
        b"null",
        b"{}",
        b"{\"a\": 1}",
        b"[[]]",
        b"[1, 2]",
    ] {
        let read = read(bytes);
        assert_eq!(read.chats, []);
        let first = &read.failures[0];
        assert_eq!(
            (first.kind, first.code),
            (Kind::File, Code::UnsupportedFormat),
            "{bytes:?}"
        );
    }
    let read = read("[]");
    assert_eq!(
        (read.chats.len(), read.failures.len()),
        (0, 0),
        "an export without chats"
    );
}

#[test]
fn a_file_that_gives_nothing_fails_as_a_file() {
    let deep = format!("[{}{}]", "{\"a\":".repeat(200), "}".repeat(200));
    for (bytes, code) in [
        (&b"[NaN]"[..], Code::Corrupt),
        (deep.as_bytes(), Code::Corrupt),
        (b"[{\"title\":\"caf\xe9\",\"messages\":[]}]", Code::Corrupt),
        (
            b"[{\"uid\":\"a\",\"role\":\"x\",\"content\":5}]",
            Code::Corrupt,
        ),
        (b"{\"conversation-store\":1}\n{}\n[]\n", Code::Corrupt),
        (b"[{\"x\":1}, 2]", Code::UnsupportedFormat),
    ] {
        let read = read(bytes);
        assert_eq!(read.chats, []);
        let files = read.failures.iter().filter(|it| it.kind == Kind::File);
        let codes: Vec<_> = files.map(|failure| failure.code).collect();
        assert_eq!(codes, [code], "{:?}", read.failures);
    }
    assert_eq!(common::read("{\"conversation-store\":1}\n").failures, []);
}

#[test]
fn sqlite_is_another_matter() {
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.resize(4096, 0);
    let mut reader = Reader::new(Cursor::new(bytes), Options::default()).unwrap();
    assert_eq!(reader.container(), Container::Sqlite);
    let batch = reader.next().unwrap();
    assert_eq!((batch.conversations.len(), batch.failures.len()), (0, 0));
    assert!(reader.next().is_none());
}

#[test]
fn wrong_encodings_are_named_and_a_mark_is_passed_over() {
    let text = file(&["a"]);
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [little.clone(), big, [vec![0xff, 0xfe], little].concat()] {
        let read = read(bytes);
        assert_eq!(
            told(&read.failures),
            [(Kind::File, Code::UnsupportedFormat)]
        );
        assert!(read.failures[0].message.contains("UTF-16"));
    }
    assert_eq!(uids(&read(format!("\u{feff}{text}"))), ["a"]);

    let mut bytes = file(&["a", "b", "c"]).into_bytes();
    let at = bytes.windows(5).position(|w| w == b"\"b\",\"").unwrap();
    bytes[at + 1] = 0xff;
    let read = read(bytes);
    assert_eq!(uids(&read), ["a", "c"]);
    assert_eq!(told(&read.failures), [(Kind::Conversation, Code::Corrupt)]);
    assert_eq!(offset(&read.failures[0]), at as u64 + 1);
}

#[test]
fn half_a_surrogate_pair_is_mended() {
    let read = read(
        r#"[{"title":"a\ud83d","uid":"u","messages":[{"role":"user","content":"x\udc00y\\ud800 \ud83d\ude00","uid":"m"}]}]"#,
    );
    assert_eq!(read.failures, []);
    assert_eq!(read.chats[0].title, "a\u{fffd}");
    assert_eq!(read.chats[0].messages[0].content, "x\u{fffd}y\\ud800 😀");
}

#[test]
fn a_file_that_is_cut_off_keeps_what_is_whole() {
    let text = file(&["a", "b", "c"]);
    let third = text.find("{\"title\":\"t\",\"uid\":\"c\"").unwrap();
    for end in 1..text.len() {
        if !text.is_char_boundary(end) {
            continue;
        }
        let read = read(&text.as_bytes()[..end]);
        let whole = text[..end].matches("]}").count();
        assert_eq!(read.chats.len(), whole, "{end}");
        assert_eq!(told(&read.failures), [(Kind::File, Code::Corrupt)], "{end}");
        if end > third && whole == 2 {
            assert_eq!(offset(&read.failures[0]), third as u64);
        }
    }
}

#[test]
fn a_hundred_thousand_levels() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    for nested in [deep("[", "]"), deep("{\"a\":", "}")] {
        let bad = format!("{{\"title\":\"t\",\"uid\":\"bad\",\"messages\":[],\"x\":{nested}}}");
        let read = read(format!("[{},{bad},{}]", plain("a"), plain("b")));
        assert_eq!(uids(&read), ["a", "b"]);
        assert_eq!(
            told(&read.failures),
            [(Kind::Conversation, Code::InvalidArgument)]
        );
        let read = common::read(nested.clone());
        assert_eq!(read.chats, []);
        assert!(!read.failures.is_empty());
        let ours = format!(
            "{{\"conversation-store\":1}}\n{{\"uid\":\"x\",\"title\":\"\",\"metadata\":{nested},\"messages\":[]}}\n{{\"uid\":\"y\",\"title\":\"\",\"messages\":[]}}\n"
        );
        let read = common::read(ours);
        assert_eq!(uids(&read), ["y"]);
        assert_eq!(
            told(&read.failures),
            [(Kind::Conversation, Code::InvalidArgument)]
        );
    }
    let tree = "{\"messageId\":\"x\",\"text\":\"y\",\"children\":[".repeat(100_000)
        + &"]}".repeat(100_000);
    let read = read(format!(
        "{{\"conversationId\":\"l\",\"messagesTree\":[{tree}]}}"
    ));
    assert_eq!(read.chats[0].messages.len(), 100_000);
}

#[test]
fn lines_that_are_damaged_fail_alone() {
    let line = |uid: &str| format!("{{\"uid\":\"{uid}\",\"title\":\"\",\"messages\":[]}}\n");
    for bad in [
        "{\"uid\":\"x\n",
        "{\"uid\":\"x\",\"title\":[\n",
        "garbage\n",
        "{}\n",
        "{\"uid\":1}\n",
        "}\n",
        "[]\n",
    ] {
        let read = read(format!(
            "{{\"conversation-store\":1}}\n{}{bad}\n{}",
            line("a"),
            line("b")
        ));
        assert_eq!(uids(&read), ["a", "b"], "{bad}");
        assert_eq!(read.failures.len(), 1, "{bad}");
        assert_eq!(read.failures[0].code, Code::Corrupt);
    }
    let read = read(format!("{{\"conversation-store\":2}}\n{}", line("a")));
    assert_eq!(read.chats, []);
    assert_eq!(
        told(&read.failures),
        [(Kind::File, Code::UnsupportedFormat)]
    );
}

#[test]
fn a_text_without_its_end_costs_its_entry_where_lines_tell() {
    let text = serde_json::to_string_pretty(&json!([plain("a"), plain("b"), plain("c")])).unwrap();
    let broken = text.replacen("\"uid\": \"b\",", "\"uid\": \"b,", 1);
    let read = read(broken);
    assert_eq!(uids(&read), ["a", "c"]);
    assert_eq!(told(&read.failures), [(Kind::Conversation, Code::Corrupt)]);
}

#[test]
fn a_line_break_within_a_text_costs_its_entry() {
    let mut middle = plain("b");
    middle["messages"][0]["content"] = json!("RAW");
    let value = json!([plain("a"), middle, plain("c"), plain("d")]);
    let compact = value.to_string();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let hugging = pretty
        .replace("},\n  {", "}, {")
        .replace("\n  ", "\n")
        .replacen("[\n{", "[{", 1);
    let flat = pretty.lines().map(str::trim_start).collect::<Vec<_>>();
    let flat = flat.join("\n");
    let raws = [
        "한 줄\n두 줄",
        "\n",
        "f() {\n}\nif (x) {\n  y[0];\n}\n",
        "a,\n\\\"b\\\": {",
        "탭\t\u{1}",
    ];
    for text in [compact, pretty, hugging, flat] {
        for raw in raws {
            let read = read(text.replace("RAW", raw));
            if text.starts_with("[{\n") && raw.starts_with("f()") {
                continue;
            }
            assert_eq!(uids(&read), ["a", "c", "d"], "{raw:?} in {text}");
            assert_eq!(told(&read.failures), [(Kind::Conversation, Code::Corrupt)]);
        }
    }
}

#[test]
fn duplicate_ids_lose_nothing() {
    let mut other = plain("a");
    other["messages"][0]["content"] = json!("다른 말");
    let text = json!([plain("a"), other, plain("a"), other]).to_string();
    let first = read(text.clone());
    assert_eq!(first.chats.len(), 4);
    assert_eq!(first.chats[0].uid, "a");
    assert_ne!(first.chats[1].uid, "a");
    assert_eq!(first.chats[2].uid, "a", "the same again is the same");
    assert_eq!(first.chats[3].uid, first.chats[1].uid);
    assert_eq!(read(text).chats, first.chats);

    let mut twice = claude();
    twice["chat_messages"][2]["uuid"] = json!("m1");
    let read = read_json(&json!([twice]));
    assert_eq!(read.chats[0].messages.len(), 4);
    assert_eq!(read.failures, []);
}

#[test]
fn cycles_are_cut_and_lose_nothing() {
    let node = |parent: &str, text: &str| {
        json!({ "parent": parent, "children": [], "message": { "author": { "role": "user" },
            "content": { "content_type": "text", "parts": [text] } } })
    };
    let file = json!([{ "id": "x", "title": "t", "current_node": "c", "mapping": {
        "tail": node("a", "꼬리"), "a": node("c", "하나"), "b": node("a", "둘"), "c": node("b", "셋"),
        "self": node("self", "나"), "lost": node("nowhere", "집 없는"),
    } }]);
    let read = read_json(&file);
    assert_eq!(read.failures, []);
    assert_eq!(read.chats[0].messages.len(), 6);
    assert!(path(&read.chats[0]).len() <= 6);
}

#[test]
fn times_out_of_range_are_absent_and_kept() {
    for time in [
        json!(1e300),
        json!(-1e300),
        json!("yesterday"),
        json!({}),
        json!(1e20),
    ] {
        let read = read_json(
            &json!([{ "id": "x", "title": "t", "create_time": time, "mapping": { "a": { "message": {
            "author": { "role": "user" }, "create_time": time, "content": { "content_type": "text", "parts": ["말"] } } } } }]),
        );
        assert_eq!(read.failures, []);
        let chat = &read.chats[0];
        assert_eq!(
            (chat.created_at, chat.messages[0].created_at),
            (None, None),
            "{time}"
        );
        for source in [&chat.source, &chat.messages[0].source] {
            let source = source.as_ref().unwrap().value().unwrap();
            assert_eq!(source["data"]["create_time"], time);
        }
    }
}

#[test]
fn a_prototype_is_a_field_like_any() {
    let text = r#"[{"__proto__":{"x":1},"title":"t","uid":"u","messages":[{"role":"user","content":"a","uid":"m","__proto__":{"y":2}}]}]"#;
    let read = read(text);
    assert!(
        read.chats[0]
            .source
            .as_ref()
            .unwrap()
            .0
            .contains(r#""__proto__":{"x":1}"#)
    );
    assert!(
        read.chats[0].messages[0]
            .source
            .as_ref()
            .unwrap()
            .0
            .contains(r#""__proto__":{"y":2}"#)
    );
}

#[test]
fn zips_in_every_layout() {
    let (a, b) = (file(&["a"]), file(&["b"]));
    let feedback = br#"[{"id":"f","conversation_id":"c","user_id":"u","rating":"thumbs_up","create_time":"2024-01-01T00:00:00Z","content":"{}"}]"#;
    let user = br#"{"id":"user","email":"x"}"#;
    let shared = br#"[{"id":"s","conversation_id":"c","title":"t","is_anonymous":true}]"#;
    let zip = zip_of(&[
        ("user.json", user),
        ("shared_conversations.json", shared),
        ("chat.html", b"<html>"),
        ("message_feedback.json", feedback),
        ("picture.png", b"\x89PNG"),
        ("nested/folder/conversations-000.json", a.as_bytes()),
        ("nested/folder/conversations-001.json", b.as_bytes()),
        ("__MACOSX/._conversations.json", b"\0\0"),
    ]);
    let read = read(zip);
    assert_eq!(read.failures, []);
    assert_eq!(uids(&read), ["a", "b"]);
}

#[test]
fn zips_with_nothing_or_the_wrong_thing() {
    for zip in [
        zip_of(&[]),
        zip_of(&[("a.txt", b"x")]),
        zip_of(&[("user.json", b"{}")]),
    ] {
        assert_eq!(
            told(&read(zip).failures),
            [(Kind::File, Code::UnsupportedFormat)]
        );
    }
    let text = file(&["a"]);
    let names = [
        "../conversations.json",
        "/conversations.json",
        "C:\\conversations.json",
        "a\\..\\conversations.json",
    ];
    for name in names {
        let read = read(zip_of(&[(name, text.as_bytes())]));
        assert_eq!(
            told(&read.failures),
            [(Kind::File, Code::UnsupportedFormat)],
            "{name}"
        );
    }
    let read = read(zip_of(&[
        ("../x.json", text.as_bytes()),
        ("conversations.json", text.as_bytes()),
    ]));
    assert_eq!(uids(&read), ["a"]);
    let damaged = common::read(zip_of(&[
        ("conversations-1.json", b"[{]"),
        ("conversations-2.json", text.as_bytes()),
    ]));
    assert_eq!(uids(&damaged), ["a"]);
    assert_eq!(
        damaged.failures[0].at.as_ref().unwrap().file.as_deref(),
        Some("conversations-1.json")
    );
}

#[test]
fn entries_that_look_like_chats_are_told() {
    let text = file(&["a"]);
    let read = read(zip_of(&[
        ("good.json", text.as_bytes()),
        ("user.json", b"{\"id\":1}"),
        ("cut.json", &text.as_bytes()[..30]),
        ("page.json", b"<html>"),
        ("broken.jsonl", b"{\"a\":}\n"),
        ("../up.json", text.as_bytes()),
        ("/root.json", text.as_bytes()),
        ("notes.txt", b"[{"),
    ]));
    assert_eq!(uids(&read), ["a"]);
    let failed: Vec<_> = read
        .failures
        .iter()
        .map(|failure| {
            let file = failure.at.as_ref().unwrap().file.as_deref().unwrap();
            (failure.kind, file, failure.code)
        })
        .collect();
    assert_eq!(
        failed,
        [
            (Kind::File, "cut.json", Code::Corrupt),
            (Kind::File, "page.json", Code::UnsupportedFormat),
            (Kind::File, "broken.jsonl", Code::Corrupt),
            (Kind::File, "../up.json", Code::UnsupportedFormat),
            (Kind::File, "/root.json", Code::UnsupportedFormat),
        ]
    );
}

#[test]
fn attachments_that_are_missing_are_told_once() {
    let (here, gone) = ("a".repeat(64), "b".repeat(64));
    let line = |uid: &str| {
        format!(
            "{{\"uid\":\"{uid}\",\"title\":\"\",\"metadata\":[\"conversation-store:sha256-{here}\",\"conversation-store:sha256-{gone}\"],\"messages\":[]}}\n"
        )
    };
    let lines = format!(
        "{{\"conversation-store\":1}}\n{}{}",
        line("one"),
        line("two")
    );
    let types = format!("{{\"{here}\":{{\"type\":\"image/png\",\"size\":1}}}}");
    for folder in ["", "chats/"] {
        let read = read(zip_of(&[
            (&format!("{folder}chats.ndjson"), lines.as_bytes()),
            (&format!("{folder}blobs/{here}"), b"x"),
            (&format!("{folder}blobs.json"), types.as_bytes()),
        ]));
        assert_eq!(uids(&read), ["one", "two"]);
        assert_eq!(read.blobs.len(), 1);
        assert_eq!(read.blobs[0].media_type, "image/png");
        assert_eq!(told(&read.failures), [(Kind::File, Code::Corrupt)]);
        assert_eq!(read.failures[0].id.as_deref(), Some(&*gone));
        assert!(read.failures[0].message.contains("missing"));
    }
}

/// Where the central directory's record of the first entry is.
fn directory(zip: &[u8]) -> usize {
    zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap()
}

#[test]
fn zips_that_lie() {
    let text = file(&["a", "b"]);
    let zip = zip_of(&[("conversations.json", text.as_bytes())]);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut zip = zip.clone();
        change(&mut zip);
        read(zip)
    };
    let at = directory(&zip);
    let put = |zip: &mut Vec<u8>, at: usize, value: u32| {
        zip[at..at + 4].copy_from_slice(&value.to_le_bytes())
    };

    // Smaller than it is: what came before the end is there, and that it does not end is told.
    let small = with(&|zip| put(zip, at + 24, 40));
    assert_eq!(told(&small.failures), [(Kind::File, Code::Corrupt)]);
    let large = with(&|zip| put(zip, at + 24, 4_000));
    assert_eq!(
        (uids(&large).len(), told(&large.failures)),
        (2, vec![(Kind::File, Code::Corrupt)])
    );
    let checksum = with(&|zip| put(zip, at + 16, 1));
    assert_eq!(
        (uids(&checksum).len(), told(&checksum.failures)),
        (2, vec![(Kind::File, Code::Corrupt)])
    );
    let packed = with(&|zip| put(zip, at + 20, 1 << 30));
    assert_eq!(told(&packed.failures), [(Kind::File, Code::Corrupt)]);
    let elsewhere = with(&|zip| put(zip, at + 42, 7));
    assert_eq!(told(&elsewhere.failures), [(Kind::File, Code::Corrupt)]);
    let method = with(&|zip| zip[at + 10] = 99);
    assert_eq!(
        told(&method.failures),
        [(Kind::File, Code::UnsupportedFormat)]
    );
    let encrypted = with(&|zip| zip[at + 8] |= 1);
    assert!(encrypted.failures[0].message.contains("encrypted"));
    for end in [5, at - 1, at + 10, zip.len() - 1] {
        let cut = read(&zip[..end]);
        assert_eq!(told(&cut.failures), [(Kind::File, Code::Corrupt)], "{end}");
    }
}

#[test]
fn two_entries_of_one_name_are_both_read() {
    let (a, b) = (file(&["a"]), file(&["b"]));
    let mut zip = zip_of(&[
        ("conversations.json", a.as_bytes()),
        ("conversationt.json", b.as_bytes()),
    ]);
    let name = b"conversationt.json";
    while let Some(at) = zip.windows(name.len()).position(|w| w == name) {
        zip[at..at + name.len()].copy_from_slice(b"conversations.json");
    }
    let read = read(zip);
    assert_eq!(uids(&read), ["a", "b"]);
}

#[test]
fn a_bomb_is_stopped() {
    let mut bomb = b"[\"".to_vec();
    bomb.resize(100 << 20, b'x');
    let zip = zip_of(&[
        ("conversations.json", &bomb),
        ("conversations-1.json", file(&["a"]).as_bytes()),
    ]);
    drop(bomb);
    assert!(zip.len() < 300 << 10);
    let read = read(zip);
    assert_eq!(uids(&read), ["a"]);
    assert_eq!(read.failures[0].code, Code::Corrupt);
    assert!(
        read.failures
            .iter()
            .any(|failure| failure.message.contains("300 times")),
        "{:?}",
        read.failures
    );
}

#[test]
fn more_failures_than_anyone_reads() {
    let text = format!("{{\"conversation-store\":1}}\n{}", "{}\n".repeat(50_000));
    let read = read(text);
    assert_eq!(read.failures.len(), 10_001);
    assert!(
        read.failures
            .last()
            .unwrap()
            .message
            .starts_with("40000 more")
    );
}

#[test]
fn a_source_that_fails_is_told() {
    struct Failing(Cursor<Vec<u8>>);
    impl std::io::Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.position() > 300_000 {
                return Err(std::io::Error::other("the file was changed"));
            }
            self.0.read(into)
        }
    }
    impl std::io::Seek for Failing {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let many: Vec<_> = (0..10_000).map(|at| at.to_string()).collect();
    let text = file(&many.iter().map(String::as_str).collect::<Vec<_>>());
    let mut reader =
        Reader::new(Failing(Cursor::new(text.into_bytes())), Options::default()).unwrap();
    let (mut chats, mut failures) = (0, Vec::new());
    while let Some(batch) = reader.next() {
        chats += batch.conversations.len();
        failures.extend(batch.failures);
    }
    assert!(chats > 1_000);
    assert_eq!(failures[0].code, Code::Corrupt);
    assert!(
        failures
            .iter()
            .any(|failure| failure.message.contains("the file was changed")),
        "{failures:?}"
    );
}
