//! What holds for every chat and every file: round trips, and that damage harms nothing before it.

#![cfg(not(target_arch = "wasm32"))]
#![recursion_limit = "256"]

mod common;

use common::{ai_sdk, chatgpt, claude, librechat, open_webui, openai, read};
use conversation_formats::chat::{Chat, JsonText, Message, Role};
use conversation_formats::json::{are_plain, content_of};
use conversation_formats::time::Timestamp;
use conversation_formats::writer::{Options, Writer};
use proptest::prelude::*;
use proptest::{collection::vec, option};
use serde_json::{Map, Value, json};

fn word() -> impl Strategy<Value = String> {
    "[a-z가-힣🌱\"\\\\\n \u{0}\u{7f}`#<>_-]{0,12}"
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        Just("__proto__".to_owned()),
        Just("type".to_owned()),
        Just("text".to_owned())
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    vec((key(), value()), 0..4).prop_map(|fields| fields.into_iter().collect())
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => word().prop_map(|text| json!({ "type": "text", "text": text })),
        1 => (prop_oneof![Just("reasoning"), Just("tool-x"), Just("data-y"), Just("step-start")], object()).prop_map(|(kind, mut fields)| {
            fields.insert("type".into(), kind.into());
            Value::Object(fields)
        }),
    ]
}

fn json_text() -> impl Strategy<Value = JsonText> {
    value().prop_map(|value| JsonText::of(&value))
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..253_402_300_799_999_i64).prop_map(Timestamp::from_millis)
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::User), Just(Role::Assistant), Just(Role::System)]
}

fn status() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("complete"),
        Just("waiting"),
        Just("aborted"),
        Just("error")
    ]
    .prop_map(str::to_owned)
}

fn message() -> impl Strategy<Value = Message> {
    (
        (
            role(),
            vec(part(), 0..4),
            option::of(time()),
            option::of(status()),
            option::of(word()),
        ),
        (
            option::of(word()),
            option::of(json_text()),
            option::of(json_text()),
            option::of(json_text()),
            option::of(json_text()),
        ),
    )
        .prop_map(
            |(
                (role, parts, created_at, status, model),
                (finish_reason, usage, error, metadata, source),
            )| {
                let content = content_of(&parts);
                let plain = are_plain(&parts, &content);
                Message {
                    role,
                    parts: (!plain).then(|| JsonText::of(&parts)),
                    content,
                    created_at,
                    status,
                    model,
                    finish_reason,
                    usage,
                    error,
                    metadata,
                    source,
                    ..Message::default()
                }
            },
        )
}

/// A tree: each message follows one of those before it, or none.
fn chat() -> impl Strategy<Value = Chat> {
    let messages = vec((message(), any::<prop::sample::Index>(), 0..4_u8), 0..8);
    (
        (
            word(),
            word(),
            option::of(word()),
            option::of(time()),
            option::of(time()),
            option::of(time()),
        ),
        (
            option::of(any::<bool>()),
            option::of(any::<bool>()),
            option::of(vec("[a-z가-힣]{1,9}", 0..3)),
            option::of(json_text()),
            option::of(json_text()),
        ),
        messages,
        option::of(option::of(any::<prop::sample::Index>())),
    )
        .prop_map(
            |(
                (uid, title, brain, created_at, updated_at, trashed_at),
                (pinned, archived, tags, metadata, source),
                given,
                head,
            )| {
                let mut messages: Vec<Message> = Vec::new();
                for (at, (mut message, parent, how)) in given.into_iter().enumerate() {
                    message.uid = format!("m{at}");
                    message.parent = match how {
                        0 => Some(None),
                        1 if at > 0 => Some(Some(messages[parent.index(at)].uid.clone())),
                        _ => None,
                    };
                    messages.push(message);
                }
                let head = match head {
                    Some(Some(_)) if messages.is_empty() => None,
                    Some(Some(index)) => {
                        Some(Some(messages[index.index(messages.len())].uid.clone()))
                    }
                    Some(None) => Some(None),
                    None => None,
                };
                Chat {
                    uid: format!("u{uid}"),
                    title,
                    brain,
                    created_at,
                    updated_at,
                    trashed_at,
                    pinned,
                    archived,
                    tags,
                    metadata,
                    source,
                    head,
                    messages,
                }
            },
        )
}

fn export(format: &str, blobs: bool, chats: &[Chat]) -> Vec<u8> {
    let options = Options {
        format: Some(format.into()),
        blobs,
        exported_at: None,
    };
    let mut writer = Writer::new(&options).unwrap();
    let mut bytes = Vec::new();
    if blobs {
        writer.lines(b"{\"conversation-store\":1}\n").unwrap();
    }
    for chat in chats {
        writer.add(&serde_json::to_string(chat).unwrap()).unwrap();
        bytes.extend(writer.drain());
    }
    writer.finish().unwrap();
    bytes.extend(writer.drain());
    bytes
}

/// Each chat with a uid of its own.
fn numbered(mut chats: Vec<Chat>) -> Vec<Chat> {
    for (at, chat) in chats.iter_mut().enumerate() {
        chat.uid = format!("{at}{}", chat.uid);
    }
    chats
}

fn ai_message() -> impl Strategy<Value = Value> {
    (
        prop_oneof![Just("user"), Just("assistant"), Just("system")],
        "[a-c]{1,2}",
        vec(part(), 0..5),
        option::of(value()),
        object(),
    )
        .prop_map(|(role, id, parts, metadata, mut extra)| {
            extra.insert("id".into(), id.into());
            extra.insert("role".into(), role.into());
            extra.insert("parts".into(), parts.into());
            if let Some(metadata) = metadata {
                extra.insert("metadata".into(), metadata);
            }
            Value::Object(extra)
        })
}

fn openai_message() -> impl Strategy<Value = Value> {
    let text = || word().prop_map(Value::from);
    let content = prop_oneof![
        3 => text(),
        1 => Just(Value::Null),
        2 => vec(prop_oneof![
            word().prop_map(|text| json!({ "type": "text", "text": text })),
            Just(json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } })),
            object().prop_map(Value::Object),
        ], 0..3).prop_map(Value::from),
    ];
    let calls = vec(("[a-c]", word()).prop_map(|(id, arguments)| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } })), 1..3);
    let roles = prop_oneof![
        Just("user"),
        Just("assistant"),
        Just("system"),
        Just("developer"),
        Just("tool")
    ];
    (roles, content, option::of(calls), object(), "[a-c]").prop_map(
        |(role, content, calls, mut extra, id)| {
            extra.insert("role".into(), role.into());
            extra.insert("content".into(), content);
            if role == "tool" {
                extra.insert("tool_call_id".into(), id.into());
            }
            if let (Some(calls), "assistant") = (calls, role) {
                extra.insert("tool_calls".into(), calls.into());
            }
            Value::Object(extra)
        },
    )
}

/// As JavaScript compares: all numbers are doubles.
fn as_doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap() + 0.0),
        Value::Array(list) => list.iter().map(as_doubles).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), as_doubles(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").map_or(400, |text| text.parse().unwrap()), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chats_come_back_equal_from_our_own_file(chats in vec(chat(), 1..4), zip in any::<bool>()) {
        let chats = numbered(chats);
        let read = read(export("ndjson", zip, &chats));
        prop_assert_eq!(&read.failures, &[]);
        prop_assert_eq!(read.chats, chats);
    }

    #[test]
    fn ai_sdk_messages_come_back_deep_equal(messages in vec(ai_message(), 1..6)) {
        let read = read(Value::from(messages.clone()).to_string());
        prop_assert_eq!(&read.failures, &[]);
        prop_assert_eq!(read.chats.len(), 1);
        let back: Value = serde_json::from_slice(&export("ai-sdk", false, &read.chats)).unwrap();
        prop_assert_eq!(as_doubles(&back), as_doubles(&Value::from(messages)));
    }

    #[test]
    fn openai_messages_come_back_deep_equal(messages in vec(openai_message(), 1..6)) {
        let read = read(Value::from(messages.clone()).to_string());
        prop_assert_eq!(&read.failures, &[]);
        prop_assert_eq!(read.chats.len(), 1);
        let back: Value = serde_json::from_slice(&export("openai", false, &read.chats)).unwrap();
        prop_assert_eq!(as_doubles(&back), as_doubles(&Value::from(messages)));
    }

    #[test]
    fn every_chat_can_be_written_in_every_format(chats in vec(chat(), 1..3)) {
        for format in ["markdown", "openai", "ai-sdk"] {
            export(format, false, &numbered(chats.clone()));
        }
    }

    #[test]
    fn damage_harms_nothing_before_it(
        pretty in any::<bool>(),
        at in any::<prop::sample::Index>(),
        bytes in vec(any::<u8>(), 0..4),
        removed in 0..4_usize,
    ) {
        let file = json!([chatgpt(), claude(), open_webui(), { "title": "t", "uid": "p", "messages": openai() }, { "id": "q", "messages": ai_sdk() }, librechat()]);
        let text = if pretty { serde_json::to_string_pretty(&file).unwrap() } else { file.to_string() };
        let whole = read(text.clone());
        prop_assert_eq!(whole.chats.len(), 6);
        // Where each of them ends.
        let mut ends = Vec::new();
        for chat in file.as_array().unwrap() {
            let chat = if pretty { serde_json::to_string_pretty(chat).unwrap().replace('\n', "\n  ") } else { chat.to_string() };
            ends.push(text.find(&chat).unwrap() + chat.len());
        }
        let mut damaged = text.into_bytes();
        let at = at.index(damaged.len());
        let end = (at + removed).min(damaged.len());
        damaged.splice(at..end, bytes);
        let good = ends.iter().filter(|end| **end <= at).count();
        let read = read(damaged);
        prop_assert!(read.chats.len() >= good, "{} of {good}", read.chats.len());
        prop_assert_eq!(&read.chats[..good], &whole.chats[..good]);
    }

    #[test]
    fn a_damaged_zip_of_ours_never_panics(chats in vec(chat(), 1..3), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = export("ndjson", true, &numbered(chats));
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        common::read_unchecked(bytes, common::Options::default());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200), begin in prop_oneof![Just("["), Just("{"), Just("PK\u{3}\u{4}"), Just("[{\"mapping\":{"), Just("{\"messagesTree\":[{"), Just("{\"conversation-store\":1}\n{")]) {
        read([begin.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_json_makes_it_panic(list in vec(value(), 0..4), kind in prop_oneof![Just("mapping"), Just("chat_messages"), Just("chat"), Just("messages"), Just("messagesTree")], inner in value()) {
        read(Value::from(list).to_string());
        read(json!([{ kind: inner }]).to_string());
        read(json!([{ kind: [inner] }]).to_string());
        read(json!([{ kind: { "a": inner, "history": { "messages": { "a": inner } } } }]).to_string());
    }
}
