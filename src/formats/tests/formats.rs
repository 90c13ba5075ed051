//! Each format, from files in the shape that its program writes.

#![cfg(not(target_arch = "wasm32"))]
#![recursion_limit = "256"]

mod common;

use std::collections::HashSet;

use common::{
    ai_sdk, chatgpt, claude, librechat, open_webui, openai, path, read, read_json, read_with,
};
use conversation_formats::chat::{Chat, Code, JsonText, Kind, Role};
use conversation_formats::reader::Options;
use conversation_formats::writer::{self, Writer};
use serde_json::{Value, json};

fn only(value: &Value) -> Chat {
    let read = read_json(value);
    assert_eq!(read.failures, []);
    assert_eq!(read.chats.len(), 1);
    read.chats.into_iter().next().unwrap()
}

fn export(format: &str, chats: &[Chat]) -> Vec<u8> {
    let options = writer::Options {
        format: Some(format.into()),
        ..writer::Options::default()
    };
    let mut writer = Writer::new(&options).unwrap();
    for chat in chats {
        writer.add(&serde_json::to_string(chat).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    writer.drain()
}

fn message<'a>(chat: &'a Chat, uid: &str) -> &'a conversation_formats::chat::Message {
    chat.messages
        .iter()
        .find(|message| message.uid == uid)
        .unwrap()
}

#[test]
fn chatgpt_keeps_its_tree_and_every_content_type() {
    let chat = only(&json!([chatgpt()]));
    assert_eq!(
        (chat.uid.as_str(), chat.title.as_str()),
        ("conv-1", "파이썬 도움말")
    );
    assert_eq!(
        chat.created_at.unwrap().to_iso(),
        "2023-11-14T22:13:20.123Z"
    );
    assert_eq!((chat.archived, chat.pinned), (Some(true), Some(true)));
    let uids: Vec<_> = chat
        .messages
        .iter()
        .map(|message| message.uid.as_str())
        .collect();
    assert_eq!(
        uids,
        [
            "q",
            "answer-1",
            "picture",
            "call",
            "run",
            "quote",
            "browse",
            "context",
            "model-context",
            "thoughts",
            "recap",
            "answer-2",
            "edit",
        ]
    );
    assert_eq!(chat.head, Some(Some("recap".into())));
    assert_eq!(message(&chat, "answer-2").parent, Some(Some("q".into())));
    assert_eq!(message(&chat, "picture").parent, None);
    assert_eq!(message(&chat, "q").content, "안녕, 코드 좀");
    assert_eq!(
        message(&chat, "answer-1").finish_reason.as_deref(),
        Some("length")
    );
    assert_eq!(message(&chat, "answer-1").model.as_deref(), Some("gpt-4o"));
    let source = message(&chat, "answer-1")
        .source
        .as_ref()
        .unwrap()
        .value()
        .unwrap();
    assert_eq!(
        source["data"]["metadata"]["citations"][0]["url"],
        "https://x"
    );
    assert_eq!(message(&chat, "picture").content, "이 그림은?\n\n들리는 말");
    let parts = |uid: &str| message(&chat, uid).part_values();
    assert_eq!(
        parts("picture")[0],
        json!({ "type": "file", "mediaType": "image/*", "url": "file-service://file-1" })
    );
    assert_eq!(parts("picture")[3]["type"], "data-chatgpt");
    assert_eq!(parts("call")[0]["input"], "1+1");
    assert_eq!(parts("call")[0]["toolName"], "python");
    assert_eq!(parts("run")[0]["output"], "2");
    assert_eq!(message(&chat, "run").role, Role::Assistant);
    assert_eq!(message(&chat, "quote").content, "인용");
    assert_eq!(parts("quote")[1]["url"], "https://example.com");
    assert_eq!(parts("browse")[0]["output"], "결과");
    assert_eq!(message(&chat, "context").content, "나는\n\n짧게");
    assert_eq!(message(&chat, "model-context").content, "기억");
    assert_eq!(
        parts("thoughts"),
        [json!({ "type": "reasoning", "text": "생각\n\n깊이" })]
    );
    assert_eq!(parts("recap")[0]["text"], "Thought for 5s");
    assert_eq!(message(&chat, "recap").status.as_deref(), Some("aborted"));
    let source = chat.source.as_ref().unwrap().value().unwrap();
    assert_eq!(source["format"], "chatgpt");
    assert_eq!(source["data"]["default_model_slug"], "gpt-4o");
}

#[test]
fn chatgpt_without_mapping_metadata_or_times() {
    let chat = only(
        &json!([{ "id": "x", "conversation_id": "x", "title": null, "create_time": null, "current_node": null }]),
    );
    assert_eq!(
        (chat.title.as_str(), chat.messages.len()),
        ("Imported chat", 0)
    );
    let chat = only(&json!([{ "id": "x", "mapping": { "a": { "message": {
        "author": { "role": "user" }, "content": { "content_type": "text", "parts": ["제목이 될 말\n둘째 줄"] } } } } }]));
    assert_eq!(chat.title, "제목이 될 말");
    assert_eq!(chat.messages[0].created_at, None);
}

#[test]
fn a_hidden_head_gives_its_nearest_message() {
    let mut file = chatgpt();
    file["current_node"] = json!("null");
    assert_eq!(only(&json!([file])).head, Some(Some("answer-1".into())));
}

#[test]
fn claude_keeps_branches_tools_thoughts_and_attachments() {
    let chat = only(&json!([claude()]));
    assert_eq!(
        (chat.uid.as_str(), chat.title.as_str()),
        ("c-1", "클로드와")
    );
    assert_eq!(
        chat.created_at.unwrap().to_iso(),
        "2025-01-02T03:04:05.678Z"
    );
    assert_eq!(chat.messages.len(), 4);
    assert_eq!(message(&chat, "m4").parent, Some(Some("m2".into())));
    let attached = message(&chat, "m1").part_values();
    assert_eq!(attached[0]["data"]["extracted_content"], "가나다");
    assert_eq!(attached[1]["data"]["file_name"], "b.png");
    let parts = message(&chat, "m2").part_values();
    assert_eq!(parts[0], json!({ "type": "reasoning", "text": "음…" }));
    assert_eq!(parts[1]["state"], "output-available");
    assert_eq!(parts[1]["output"][0]["text"], "1");
    assert_eq!(message(&chat, "m2").content, "답");
    assert_eq!(parts[3]["data"]["type"], "brand_new");
    assert_eq!(path(&chat).last().unwrap(), "user: 다른 질문");
}

#[test]
fn librechat_nested_and_in_a_list() {
    let chat = only(&librechat());
    assert_eq!(
        (chat.uid.as_str(), chat.brain.as_deref()),
        ("l-1", Some("openAI"))
    );
    let uids: Vec<_> = chat
        .messages
        .iter()
        .map(|message| message.uid.as_str())
        .collect();
    assert_eq!(uids, ["a", "b", "d", "c"]);
    assert_eq!(message(&chat, "a").content, "\"children\": [ {");
    assert_eq!(message(&chat, "b").content, "답 1");
    assert_eq!(message(&chat, "b").status.as_deref(), Some("aborted"));
    assert_eq!(message(&chat, "c").status.as_deref(), Some("error"));
    assert_eq!(message(&chat, "c").parent, Some(Some("a".into())));
    assert_eq!(message(&chat, "b").part_values()[2]["input"]["a"], 1);
    let chat = only(
        &json!({ "conversationId": "l-2", "title": "t", "endpoint": "x", "messages": [
        { "messageId": "1", "parentMessageId": "00000000-0000-0000-0000-000000000000", "sender": "User", "text": "q", "isCreatedByUser": true },
        { "messageId": "2", "parentMessageId": "1", "sender": "GPT", "text": "a", "isCreatedByUser": false } ] }),
    );
    assert_eq!(path(&chat), ["user: q", "assistant: a"]);
}

#[test]
fn a_long_chat_of_librechat_is_as_deep_as_long() {
    let mut text =
        String::from("{\"conversationId\":\"deep\",\"title\":\"깊다\",\"messagesTree\":[");
    for at in 0..20_000 {
        text += &format!(
            "{{\"messageId\":\"{at}\",\"parentMessageId\":\"{}\",\"text\":\"말 {at}\",\"isCreatedByUser\":true,\"children\":[",
            at - 1
        );
    }
    text += &"]}".repeat(20_000);
    text += "]}";
    let read = read(text);
    assert_eq!(read.failures, []);
    assert_eq!(read.chats[0].messages.len(), 20_000);
    assert_eq!(read.chats[0].path().len(), 20_000);
}

#[test]
fn open_webui_trusts_parents_only() {
    let chat = only(&json!([open_webui()]));
    assert_eq!(
        (chat.uid.as_str(), chat.brain.as_deref()),
        ("w-1", Some("llama3"))
    );
    assert_eq!(chat.tags, Some(vec!["일".into(), "둘".into()]));
    assert_eq!(
        chat.messages[0].created_at.unwrap().to_iso(),
        "2023-11-14T22:13:21.000Z"
    );
    assert_eq!(message(&chat, "3").parent, Some(Some("1".into())));
    assert_eq!(chat.head, None, "the head is the last");
    assert_eq!(message(&chat, "3").status.as_deref(), Some("error"));
    let usage = message(&chat, "2").usage.as_ref().unwrap().value().unwrap();
    assert_eq!(
        (&usage["inputTokens"], &usage["outputTokens"], &usage["x"]),
        (&json!(3), &json!(4), &json!(1))
    );
    assert_eq!(
        message(&chat, "3").part_values()[0]["mediaType"],
        "image/png"
    );
}

#[test]
fn openai_messages_come_back_deep_equal() {
    let original = openai();
    for file in [
        original.clone(),
        json!({ "messages": original, "model": "gpt-4o" }),
    ] {
        let chat = only(&file);
        let roles: Vec<_> = chat.messages.iter().map(|message| message.role).collect();
        use Role::{Assistant as A, System as S, User as U};
        assert_eq!(roles, [S, U, A, A, A, U, U, A]);
        assert_eq!(chat.messages[3].part_values()[0]["toolName"], "weather");
        let back: Value = serde_json::from_slice(&export("openai", &[chat])).unwrap();
        assert_eq!(back, original);
    }
}

/// In no more time than others: by a look at each that came before it would be minutes.
#[test]
fn twenty_thousand_chats_that_say_the_same_are_as_many() {
    let chats = Value::Array(vec![json!({ "title": "New chat", "messages": [] }); 20_000]);
    let uids = || -> Vec<String> {
        let chats = read_json(&chats).chats;
        chats.into_iter().map(|chat| chat.uid).collect()
    };
    let given = uids();
    assert_eq!(given.iter().collect::<HashSet<_>>().len(), 20_000);
    assert_eq!(uids(), given);
}

#[test]
fn a_second_import_of_what_has_no_ids_gives_the_same_uids() {
    let (one, two) = (only(&openai()), only(&openai()));
    assert_eq!(one, two);
    let mut other = openai();
    other[0]["content"] = json!("Be long.");
    let other = only(&other);
    assert_ne!(other.uid, one.uid);
    assert_ne!(other.messages[0].uid, one.messages[0].uid);
    assert_eq!(other.messages[1].uid, one.messages[1].uid);
    assert_ne!(
        one.messages[5].uid, one.messages[6].uid,
        "the same said twice"
    );
}

#[test]
fn an_edit_here_is_not_undone_by_what_was_imported() {
    let mut chat = only(&openai());
    chat.messages[1].content = "edited".into();
    chat.messages[1].parts = None;
    let back: Value = serde_json::from_slice(&export("openai", &[chat])).unwrap();
    assert_eq!(back[1], json!({ "role": "user", "content": "edited" }));
    assert_eq!(back[2], openai()[2]);
}

#[test]
fn ai_sdk_messages_come_back_deep_equal() {
    let chat = only(&ai_sdk());
    assert_eq!(chat.messages[0].uid, "u1");
    assert_ne!(chat.messages[2].uid, "a1");
    assert_eq!(chat.messages[1].content, "하나\n\n둘");
    assert_eq!(chat.messages[1].status.as_deref(), Some("waiting"));
    let back: Value = serde_json::from_slice(&export("ai-sdk", &[chat])).unwrap();
    assert_eq!(back, ai_sdk());
}

#[test]
fn several_chats_as_messages_are_a_list_that_reads_back() {
    for format in ["ai-sdk", "openai"] {
        let chats = [only(&json!([chatgpt()])), only(&json!([claude()]))];
        let read = read(export(format, &chats));
        assert_eq!(read.failures, [], "{format}");
        let uids: Vec<_> = read.chats.iter().map(|chat| chat.uid.as_str()).collect();
        assert_eq!(uids, ["conv-1", "c-1"]);
        assert_eq!(read.chats[0].created_at, chats[0].created_at);
        if format == "ai-sdk" {
            assert_eq!(path(&read.chats[0]), path(&chats[0]));
        }
    }
    assert_eq!(export("openai", &[]), b"[]\n");
}

#[test]
fn the_plain_form_with_and_without_uids() {
    let chat = only(
        &json!([{ "title": "제목", "brain": "echo", "uid": "p", "createdAt": 1700000000000_i64, "color": "red", "messages": [
        { "role": "user", "content": "하나", "uid": "1", "createdAt": "2024-01-01T00:00:00Z" },
        { "role": "assistant", "content": "둘", "uid": "2", "parent": "1", "mood": "good" },
        { "role": "assistant", "content": [{ "type": "text", "text": "셋" }, { "type": "x" }], "uid": "3", "parent": "1" } ] }]),
    );
    assert_eq!(
        (
            chat.uid.as_str(),
            chat.brain.as_deref(),
            chat.title.as_str()
        ),
        ("p", Some("echo"), "제목")
    );
    assert_eq!(
        chat.created_at.unwrap().to_iso(),
        "2023-11-14T22:13:20.000Z"
    );
    assert_eq!(message(&chat, "3").parent, Some(Some("1".into())));
    assert_eq!(message(&chat, "3").part_values()[1], json!({ "type": "x" }));
    assert!(
        message(&chat, "2")
            .source
            .as_ref()
            .unwrap()
            .0
            .contains("\"mood\":\"good\"")
    );
    assert_eq!(
        chat.source.unwrap().value().unwrap()["data"],
        json!({ "color": "red" })
    );

    let same = json!({ "title": "같은", "messages": [{ "role": "user", "content": "말" }] });
    let read = read_json(
        &json!([same, same, { "title": "나쁜", "messages": [{ "role": "banana", "content": "x", "uid": "b" }, 5, { "role": "user", "content": "y" }] }]),
    );
    assert_eq!(read.chats.len(), 3);
    assert_ne!(read.chats[0].uid, read.chats[1].uid);
    assert_eq!(
        read_json(&json!([same, same])).chats[1].uid,
        read.chats[1].uid
    );
    assert_eq!(read.chats[2].messages.len(), 1);
    let failed: Vec<_> = read
        .failures
        .iter()
        .map(|f| (f.kind, f.code, f.id.as_deref()))
        .collect();
    assert_eq!(
        failed,
        [
            (Kind::Message, Code::InvalidArgument, Some("b")),
            (Kind::Message, Code::InvalidArgument, None)
        ]
    );
}

#[test]
fn options_say_what_shape_cannot() {
    let bare = json!([{ "role": "user", "content": "안녕" }]).to_string();
    let options = Options {
        title: Some("이름".into()),
        brain: Some("echo".into()),
        ..Options::default()
    };
    let read = read_with(bare.clone(), options);
    assert_eq!(
        (read.chats[0].title.as_str(), read.chats[0].brain.as_deref()),
        ("이름", Some("echo"))
    );
    let options = Options {
        format: Some("plain".into()),
        ..Options::default()
    };
    assert_eq!(read_with(bare, options).chats.len(), 1);
    let options = Options {
        into_conversation: true,
        ..Options::default()
    };
    let read = read_with(json!([claude(), chatgpt()]).to_string(), options);
    assert_eq!(
        (read.chats.len(), read.failures[0].code),
        (1, Code::InvalidArgument)
    );
    let options = Options {
        format: Some("word".into()),
        ..Options::default()
    };
    let refused =
        conversation_formats::reader::Reader::new(std::io::Cursor::new(Vec::new()), options);
    assert_eq!(refused.err().unwrap().code, Code::InvalidArgument);
}

#[test]
fn the_same_words_under_another_title_or_of_another_program_are_another_chat() {
    let openai =
        json!([{ "role": "user", "content": "hi" }, { "role": "assistant", "content": "Hello!" }]);
    let ai_sdk = json!([
        { "role": "user", "parts": [{ "type": "text", "text": "hi" }] },
        { "role": "assistant", "parts": [{ "type": "text", "text": "Hello!" }] },
    ]);
    let uid = |file: &Value, title: Option<&str>| {
        let options = Options {
            title: title.map(str::to_owned),
            ..Options::default()
        };
        read_with(file.to_string(), options).chats[0].uid.clone()
    };
    let uids = [
        uid(&openai, None),
        uid(&openai, Some("Monday")),
        uid(&openai, Some("Tuesday")),
        uid(&ai_sdk, None),
        uid(&ai_sdk, Some("Monday")),
    ];
    for (at, one) in uids.iter().enumerate() {
        assert!(!uids[..at].contains(one), "{at}");
    }
    assert_eq!(uid(&openai, Some("Monday")), uids[1]);
    assert_eq!(uid(&ai_sdk, None), uids[3]);
}

#[test]
fn a_status_that_nobody_knows_is_left_out() {
    let given = [
        json!("complete"),
        json!("waiting"),
        json!("aborted"),
        json!("error"),
        json!("streaming"),
        json!("thinking"),
        json!(""),
    ];
    let messages = given.iter().enumerate().map(|(at, status)| json!({ "uid": at.to_string(), "role": "assistant", "content": "말", "status": status }));
    let messages: Value = messages.collect();
    let chat = json!({ "uid": "c", "title": "t", "messages": messages });
    let ours = format!("{{\"conversation-store\":1}}\n{chat}\n");
    for file in [ours, json!([chat]).to_string()] {
        let read = read(file);
        assert_eq!(read.failures, []);
        let statuses: Vec<_> = read.chats[0]
            .messages
            .iter()
            .map(|message| message.status.as_deref())
            .collect();
        let kept = ["complete", "waiting", "aborted", "error", "aborted"].map(Some);
        assert_eq!(statuses, [&kept[..], &[None, None]].concat());
    }
}

#[test]
fn a_bad_message_does_not_lose_its_conversation() {
    let bad_parts = json!([{ "type": "text" }, null, 5, { "x": 1 }, { "type": "text", "text": 7 }, { "type": "text", "text": "남은 말" }, { "type": "data-x" }]);
    let chat = json!({ "uid": "c", "title": "t", "messages": [
        { "uid": "1", "role": "user", "content": "하나" },
        { "uid": "2", "role": "banana", "content": "x", "parent": "1" },
        { "uid": "3", "role": "user", "content": "셋", "parent": "2" },
        { "uid": "4", "role": "assistant", "parts": bad_parts, "content": "", "parent": "3" },
        { "uid": "5", "role": "assistant", "parts": { "a": 1 }, "content": "다섯", "parent": "4", "source": { "format": "x" } },
        { "uid": "6", "role": "assistant", "content": 5, "parent": "1" },
        { "uid": "7", "role": "user", "content": "일곱", "parent": "6" },
    ] });
    let ours = format!("{{\"conversation-store\":1}}\n{chat}\n");
    for file in [ours, json!([chat]).to_string()] {
        let read = read(file);
        let failed: Vec<_> = read
            .failures
            .iter()
            .map(|failure| (failure.kind, failure.id.as_deref(), failure.at.is_some()))
            .collect();
        assert_eq!(
            failed,
            [
                (Kind::Message, Some("2"), true),
                (Kind::Message, Some("6"), true)
            ]
        );
        assert!(read.failures[1].message.contains("message 5"));
        let chat = &read.chats[0];
        let uids: Vec<_> = chat
            .messages
            .iter()
            .map(|message| message.uid.as_str())
            .collect();
        assert_eq!(uids, ["1", "3", "4", "5", "7"]);
        assert_eq!(message(chat, "3").parent, None);
        assert_eq!(message(chat, "7").parent, Some(Some("1".into())));
        assert_eq!(message(chat, "4").content, "남은 말");
        assert_eq!(
            message(chat, "4").part_values()[1],
            json!({ "type": "data-x" })
        );
        let source = |uid: &str| message(chat, uid).source.as_ref().unwrap().value().unwrap();
        assert_eq!(source("4")["data"]["parts"], bad_parts);
        assert_eq!(message(chat, "5").content, "다섯");
        assert_eq!(
            source("5"),
            json!({ "format": "x", "data": { "parts": { "a": 1 } } })
        );
    }
}

#[test]
fn parts_of_our_own_file_are_held_to_what_the_store_takes() {
    let lines = [
        json!({ "uid": "1", "role": "user", "content": "말", "parts": [{ "type": "text", "text": "말" }, null] }),
        json!({ "uid": "2", "role": "user", "content": "다른 말", "parts": [{ "type": "text", "text": "말" }] }),
        json!({ "uid": "3", "role": "user", "content": "말", "parts": "x" }),
    ];
    let chat = json!({ "uid": "c", "title": "t", "messages": lines });
    let read = read(format!("{{\"conversation-store\":1}}\n{chat}\n"));
    assert_eq!(read.failures, []);
    for (message, line) in read.chats[0].messages.iter().zip(lines) {
        assert_eq!(message.content, "말");
        let source = message.source.as_ref().unwrap().value().unwrap();
        assert_eq!(source["data"]["parts"], line["parts"]);
        assert_eq!(source["data"]["content"], line["content"]);
    }
    let sdk =
        json!([{ "id": "a", "role": "user", "parts": [null, { "type": "text", "text": "말" }] }]);
    let chat = only(&sdk);
    assert_eq!(chat.messages[0].content, "말");
    let source = chat.messages[0].source.as_ref().unwrap().value().unwrap();
    assert_eq!(source["data"]["parts"], sdk[0]["parts"]);
}

#[test]
fn what_is_too_long_is_cut() {
    let long = "i".repeat(1_001);
    let mut tags = vec![String::new(), "태".repeat(300)];
    tags.extend((0..200).map(|at| at.to_string()));
    let chat = json!({ "uid": long, "title": "t".repeat(20_000), "tags": tags, "head": long, "messages": [
        { "uid": long, "role": "user", "content": "하나", "parent": null },
        { "uid": "2", "role": "user", "content": "둘", "parent": long },
    ] });
    let ours = format!("{{\"conversation-store\":1}}\n{chat}\n");
    for file in [ours, json!([chat]).to_string()] {
        let read = read(file);
        assert_eq!(read.failures, []);
        let chat = &read.chats[0];
        assert_eq!((chat.uid.len(), chat.title.len()), (36, 10_000));
        let tags = chat.tags.as_ref().unwrap();
        assert_eq!((tags.len(), tags[0].chars().count()), (100, 200));
        assert_eq!(chat.messages[0].uid.len(), 36);
        assert_eq!(path(chat), ["user: 하나"]);
        assert_eq!(chat.parents(), [None, Some(0)]);
    }
}

#[test]
fn a_failed_message_is_told_by_its_place_in_the_file() {
    let text =
        r#"[5, {"role":"user","content":"a"}, {"role":"x}, 7, {"role":"user","content":"b"}]"#;
    let text = text.replace("\"x}", "\"\u{1}\"}");
    let read = read(text.clone());
    assert_eq!(read.chats[0].messages.len(), 2);
    let last = read.failures.last().unwrap();
    assert!(last.message.contains("message 3"), "{last:?}");
    let at = last.at.as_ref().unwrap().offset.unwrap();
    assert_eq!(at as usize, text.find("7").unwrap());
}

#[test]
fn librechat_without_an_id() {
    let file = json!({ "title": "t", "messages": [
        { "messageId": "1", "parentMessageId": null, "text": "q", "isCreatedByUser": true },
        { "messageId": "2", "parentMessageId": "1", "text": "a", "isCreatedByUser": false },
        { "messageId": "3", "parentMessageId": "1", "text": "b", "isCreatedByUser": false } ] });
    let chat = only(&file);
    assert_eq!(path(&chat), ["user: q", "assistant: b"]);
    assert_eq!(chat.messages.len(), 3);
    assert_eq!(chat.uid.len(), 36);
    assert_eq!(only(&json!([file])), chat);
}

#[test]
fn a_format_that_does_not_fit_is_a_failure() {
    let files = [
        ("chatgpt", json!([chatgpt()])),
        ("claude", json!([claude()])),
        ("librechat", librechat()),
        ("open-webui", json!([open_webui()])),
        ("openai", openai()),
    ];
    for (given, _) in &files {
        for (is, file) in &files {
            let options = Options {
                format: Some((*given).into()),
                ..Options::default()
            };
            let read = read_with(file.to_string(), options);
            if given == is {
                assert_eq!((read.chats.len(), read.failures.len()), (1, 0), "{given}");
            } else {
                assert_eq!(read.chats, [], "{given} of {is}");
                assert_eq!(read.failures[0].kind, Kind::File);
                assert_eq!(read.failures[0].code, Code::UnsupportedFormat);
            }
        }
    }
}

#[test]
fn what_is_no_time_is_absent_and_stays_in_the_source() {
    for time in [
        json!("yesterday"),
        json!(1e300),
        json!(-1e20),
        json!({ "a": 1 }),
    ] {
        let said = json!({ "uid": "m", "role": "user", "content": "말", "createdAt": time });
        let sdk = json!({ "id": "m", "role": "user", "parts": [], "createdAt": time });
        let theirs =
            json!({ "messageId": "m", "text": "말", "isCreatedByUser": true, "createdAt": time });
        for message in [&said, &sdk, &theirs] {
            let chat = only(&json!([{ "title": "t", "createdAt": time, "messages": [message] }]));
            assert_eq!((chat.created_at, chat.messages[0].created_at), (None, None));
            for source in [&chat.source, &chat.messages[0].source] {
                let source = source.as_ref().unwrap().value().unwrap();
                assert_eq!(source["data"]["createdAt"], time);
            }
        }
    }
}

#[test]
fn answers_without_words_come_back_deep_equal() {
    let original = json!([
        { "role": "assistant" },
        { "role": "user", "content": "q" },
        { "role": "assistant", "audio": { "id": "audio_1" } },
        { "role": "assistant", "refusal": "no" },
        { "role": "assistant", "content": null, "refusal": null },
    ]);
    let chat = only(&original);
    assert_eq!(chat.messages.len(), 5);
    let back: Value = serde_json::from_slice(&export("openai", &[chat])).unwrap();
    assert_eq!(back, original);
}

#[test]
fn conversations_in_an_object() {
    for (file, failures) in [
        (
            json!({ "version": 1, "users": [{}], "conversations": [chatgpt(), claude(), 5] }),
            1,
        ),
        (json!({ "conv-1": chatgpt(), "c-1": claude() }), 0),
    ] {
        let read = read_json(&file);
        assert_eq!(read.failures.len(), failures);
        let uids: Vec<_> = read.chats.iter().map(|chat| chat.uid.as_str()).collect();
        assert_eq!(uids, ["conv-1", "c-1"]);
    }
}

#[test]
fn who_answers_is_what_the_file_says_or_else_the_caller() {
    let own = json!({ "title": "t", "brain": "mine", "messages": [] });
    let file =
        json!([chatgpt(), open_webui(), own, { "title": "x".repeat(20_000), "messages": [] }]);
    let options = Options {
        brain: Some("b".repeat(2_000)),
        ..Options::default()
    };
    let read = read_with(file.to_string(), options);
    let brains: Vec<_> = read
        .chats
        .iter()
        .map(|chat| chat.brain.as_deref().unwrap())
        .collect();
    let given = "b".repeat(1_000);
    assert_eq!(brains, [&given, "llama3", "mine", &given]);
    assert_eq!(read.chats[3].title.len(), 10_000);
    let source = read.chats[3].source.as_ref().unwrap();
    assert!(source.0.len() > 20_000, "the title as it was");
}

#[test]
fn markdown_is_to_be_read() {
    let chat = only(&json!([chatgpt()]));
    let text = String::from_utf8(export("markdown", &[chat])).unwrap();
    assert!(
        text.starts_with("# 파이썬 도움말\n\n_2023-11-14 22:13 UTC_\n\n## User\n"),
        "{text}"
    );
    for piece in [
        "```python\nprint('안녕')\n```",
        "<summary>Reasoning</summary>",
        "Tool: python\n\n```\n1+1\n```",
    ] {
        assert!(text.contains(piece), "{piece}");
    }
    assert!(!text.contains("다른 답"), "the path only");
}

#[test]
fn a_message_as_markdown_stays_within_itself() {
    let parts = |parts: Value| json!([{ "title": "t", "messages": [{ "role": "assistant", "uid": "1", "content": parts }] }]);
    let text = |said: &str| {
        let chat = only(&parts(json!([{ "type": "text", "text": said }])));
        let text = String::from_utf8(export("markdown", &[chat])).unwrap();
        let said = text.strip_prefix("# t\n\n## Assistant\n").unwrap();
        said.trim_start_matches('\n').trim_end().to_owned()
    };
    for (said, written) in [
        ("a\n```rust\n# b", "a\n```rust\n# b\n```"),
        ("~~~~\n~~~\n```", "~~~~\n~~~\n```\n~~~~"),
        ("```\nx\n```\n# y", "```\nx\n```\n\\# y"),
        ("```\nx\n```js", "```\nx\n```js\n```"),
        ("## User\n\n  # x", "\\## User\n\n  \\# x"),
        (
            "### small\n#hash\n    # code",
            "### small\n#hash\n    # code",
        ),
        ("```a`b` c", "```a`b` c"),
        ("- ```\n  x\n  ```\n# y", "- ```\n  x\n  ```\n\\# y"),
        ("- ```\n  x", "- ```\n  x\n  ```"),
        ("- ```\n  x\n\n# y", "- ```\n  x\n\n\\# y"),
        ("> ```\n> x", "> ```\n> x\n> ```"),
    ] {
        assert_eq!(text(said), written);
    }
    let mut chat = only(&parts(json!([
        { "type": "reasoning", "text": "```\nx" },
        { "type": "file", "url": "data:image/png;base64,AA==", "filename": "a.png" },
        { "type": "file", "url": "conversation-store:sha256-00", "filename": "b.png" },
        { "type": "data-x", "data": 1 },
        { "type": "step-start" },
    ])));
    chat.messages[0].status = Some("error".into());
    chat.messages[0].error = Some(JsonText::of(&json!({ "message": "no more credit" })));
    let text = String::from_utf8(export("markdown", &[chat])).unwrap();
    let expected = "<details>\n<summary>Reasoning</summary>\n\n```\nx\n```\n\n</details>\n\n\
        _[file: a.png]_\n\n_[file: b.png]_\n\n_[data-x]_\n\nError: no more credit\n\n_(error)_\n";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn several_chats_as_markdown_are_a_zip_of_safe_names() {
    let titled = |title: &str| Chat {
        uid: title.into(),
        title: title.into(),
        ..Chat::default()
    };
    let titles = [
        "../../etc/passwd",
        "같은",
        "같은",
        "CON",
        "",
        "a/b:c*?",
        &"긴".repeat(500),
    ];
    let bytes = export("markdown", &titles.map(titled));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut names: Vec<_> = zip.file_names().map(str::to_owned).collect();
    names.sort();
    let mut expected = vec![
        "etc passwd.md".to_owned(),
        "같은.md".into(),
        "같은 (2).md".into(),
        "_CON.md".into(),
        "chat.md".into(),
        "a b c.md".into(),
        format!("{}.md", "긴".repeat(60)),
    ];
    expected.sort();
    assert_eq!(names, expected);
    let mut text = String::new();
    std::io::Read::read_to_string(&mut zip.by_name("같은.md").unwrap(), &mut text).unwrap();
    assert_eq!(text, "# 같은\n");
}

#[test]
fn small_batches_of_a_large_file() {
    let chats: Vec<_> = (0..500).map(|at| json!({ "title": "t", "uid": at.to_string(), "messages": [{ "role": "user", "content": "x".repeat(5_000), "uid": "m" }] })).collect();
    let read = read_json(&Value::Array(chats));
    assert_eq!(read.chats.len(), 500);
    assert!(
        (9..=12).contains(&read.batches),
        "{} batches of 256 KB",
        read.batches
    );
}
