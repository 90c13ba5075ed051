//! What the tests share: reading a whole file, and files as the programs write them.

#![allow(dead_code)]

use std::io::Cursor;

use conversation_formats::chat::{Chat, Failure};
pub use conversation_formats::reader::Options;
use conversation_formats::reader::{Blob, Reader};
use serde_json::{Value, json};

/// All that a file gives.
#[derive(Debug, Default)]
pub struct Read {
    pub chats: Vec<Chat>,
    pub failures: Vec<Failure>,
    pub blobs: Vec<Blob>,
    pub batches: usize,
}

pub fn read_with(bytes: impl Into<Vec<u8>>, options: Options) -> Read {
    let all = read_unchecked(bytes, options);
    for chat in &all.chats {
        check(chat);
    }
    all
}

/// Of bytes that may say anything.
pub fn read_unchecked(bytes: impl Into<Vec<u8>>, options: Options) -> Read {
    let mut reader = Reader::new(Cursor::new(bytes.into()), options).unwrap();
    let mut all = Read::default();
    let mut last = 0;
    while let Some(batch) = reader.next() {
        assert!(
            batch.read >= last && batch.read <= batch.total,
            "progress grows to the total"
        );
        last = batch.read;
        all.chats.extend(batch.conversations);
        all.failures.extend(batch.failures);
        all.blobs.extend(batch.blobs);
        all.batches += 1;
        assert!(all.batches < 100_000);
    }
    all
}

pub fn read(bytes: impl Into<Vec<u8>>) -> Read {
    read_with(bytes, Options::default())
}

pub fn read_json(value: &Value) -> Read {
    read(value.to_string())
}

/// Holds what every chat promises.
pub fn check(chat: &Chat) {
    assert!(!chat.uid.is_empty());
    let mut known = std::collections::HashSet::new();
    for message in &chat.messages {
        if let Some(Some(parent)) = &message.parent {
            assert!(known.contains(parent), "parents before children");
        }
        assert!(known.insert(message.uid.clone()), "uids are unique");
        let json = [
            &message.parts,
            &message.source,
            &message.usage,
            &message.error,
        ];
        for text in json.into_iter().flatten() {
            text.value().expect("JSON");
        }
        if let Some(parts) = &message.parts {
            let parts = parts.value().unwrap();
            let content = conversation_formats::json::content_of(parts.as_array().unwrap());
            assert_eq!(content, message.content);
        }
    }
    if let Some(Some(head)) = &chat.head {
        assert!(known.contains(head));
    }
}

/// `role: content` of each message of the path.
pub fn path(chat: &Chat) -> Vec<String> {
    chat.path()
        .iter()
        .map(|m| format!("{}: {}", m.role.as_str(), m.content))
        .collect()
}

/// A conversation of ChatGPT: hidden and null nodes, a branch, every content type.
pub fn chatgpt() -> Value {
    let node = |id: &str, parent: Value, children: Value, message: Value| json!({ "id": id, "parent": parent, "children": children, "message": message });
    let message = |id: &str, role: &str, content: Value, extra: Value| {
        let mut message = json!({
            "id": id, "author": { "role": role, "name": null, "metadata": {} },
            "create_time": 1700000000.5, "update_time": null, "content": content,
            "status": "finished_successfully", "end_turn": true, "weight": 1.0,
            "metadata": { "model_slug": "gpt-4o" }, "recipient": "all", "channel": null,
        });
        for (key, value) in extra.as_object().unwrap() {
            message[key] = value.clone();
        }
        message
    };
    let text = |text: &str| json!({ "content_type": "text", "parts": [text] });
    let tool = |name: &str| json!({ "role": "tool", "name": name, "metadata": {} });
    json!({
        "id": "conv-1", "conversation_id": "conv-1", "title": "파이썬 도움말",
        "create_time": 1700000000.123456, "update_time": 1700000100.0,
        "current_node": "recap", "default_model_slug": "gpt-4o", "is_archived": true,
        "is_starred": true, "moderation_results": [], "gizmo_id": null,
        "mapping": {
            // Children before their parents, as it happens.
            "answer-2": node("answer-2", json!("q"), json!(["edit"]), message("answer-2", "assistant", text("다른 답"), json!({}))),
            "root": node("root", json!(null), json!(["hidden"]), json!(null)),
            "hidden": node("hidden", json!("root"), json!(["q"]), message("hidden", "system", text("secret"),
                json!({ "metadata": { "is_visually_hidden_from_conversation": true } }))),
            "q": node("q", json!("hidden"), json!(["answer-1", "answer-2"]), message("q", "user", text("안녕, 코드 좀"), json!({}))),
            "answer-1": node("answer-1", json!("q"), json!(["null"]), message("answer-1", "assistant",
                text("```python\nprint('안녕')\n```"), json!({ "metadata": { "model_slug": "gpt-4o",
                    "finish_details": { "type": "max_tokens" }, "citations": [{ "url": "https://x" }] } }))),
            "null": node("null", json!("answer-1"), json!(["picture"]), json!(null)),
            "picture": node("picture", json!("null"), json!(["call"]), message("picture", "user", json!({
                "content_type": "multimodal_text", "parts": [
                    { "content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "width": 10 },
                    "이 그림은?", { "content_type": "audio_transcription", "text": "들리는 말", "direction": "in" },
                    { "content_type": "something_new", "x": 1 } ] }), json!({}))),
            "call": node("call", json!("picture"), json!(["run"]), message("call", "assistant",
                json!({ "content_type": "code", "language": "python", "text": "1+1" }), json!({ "recipient": "python" }))),
            "run": node("run", json!("call"), json!(["quote"]), message("run", "tool",
                json!({ "content_type": "execution_output", "text": "2" }), json!({ "author": tool("python") }))),
            "quote": node("quote", json!("run"), json!(["browse"]), message("quote", "tool",
                json!({ "content_type": "tether_quote", "url": "https://example.com", "domain": "example.com", "text": "인용", "title": "T" }),
                json!({ "author": tool("browser") }))),
            "browse": node("browse", json!("quote"), json!(["context"]), message("browse", "tool",
                json!({ "content_type": "tether_browsing_display", "result": "결과", "summary": null }), json!({ "author": tool("browser") }))),
            "context": node("context", json!("browse"), json!(["model-context"]), message("context", "user",
                json!({ "content_type": "user_editable_context", "user_profile": "나는", "user_instructions": "짧게" }), json!({}))),
            "model-context": node("model-context", json!("context"), json!(["thoughts"]), message("model-context", "assistant",
                json!({ "content_type": "model_editable_context", "model_set_context": "기억" }), json!({}))),
            "thoughts": node("thoughts", json!("model-context"), json!(["recap"]), message("thoughts", "assistant",
                json!({ "content_type": "thoughts", "thoughts": [{ "summary": "생각", "content": "깊이" }], "source_analysis_msg_id": "x" }), json!({}))),
            "recap": node("recap", json!("thoughts"), json!([]), message("recap", "assistant",
                json!({ "content_type": "reasoning_recap", "content": "Thought for 5s" }), json!({ "status": "in_progress" }))),
            "edit": node("edit", json!("answer-2"), json!([]), message("edit", "user", text("고마워"), json!({}))),
        },
    })
}

/// A conversation of Claude, with a branch, tools, thoughts and a message that is an attachment only.
pub fn claude() -> Value {
    json!({
        "uuid": "c-1", "name": "클로드와", "summary": "요약", "created_at": "2025-01-02T03:04:05.678901Z",
        "updated_at": "2025-01-02T04:04:05Z", "account": { "uuid": "a-1" },
        "chat_messages": [
            { "uuid": "m1", "sender": "human", "text": "", "content": [], "created_at": "2025-01-02T03:04:06Z",
              "updated_at": "2025-01-02T03:04:06Z", "parent_message_uuid": "00000000-0000-4000-8000-000000000000",
              "attachments": [{ "file_name": "a.txt", "file_size": 3, "file_type": "txt", "extracted_content": "가나다" }],
              "files": [{ "file_uuid": "f-1", "file_name": "b.png" }] },
            { "uuid": "m2", "sender": "assistant", "text": "답", "parent_message_uuid": "m1", "attachments": [], "files": [],
              "created_at": "2025-01-02T03:04:07Z", "updated_at": "2025-01-02T03:04:07Z", "content": [
                { "type": "thinking", "thinking": "음…" },
                { "type": "tool_use", "id": "t1", "name": "repl", "input": { "code": "1" } },
                { "type": "tool_result", "tool_use_id": "t1", "name": "repl", "content": [{ "type": "text", "text": "1" }], "is_error": false },
                { "type": "text", "text": "답", "citations": [] }, { "type": "brand_new", "x": 1 } ] },
            { "uuid": "m3", "sender": "human", "text": "질문", "content": [{ "type": "text", "text": "질문" }],
              "parent_message_uuid": "m2", "created_at": "2025-01-02T03:04:08Z", "attachments": [], "files": [] },
            { "uuid": "m4", "sender": "human", "text": "다른 질문", "content": [{ "type": "text", "text": "다른 질문" }],
              "parent_message_uuid": "m2", "created_at": "2025-01-02T03:04:09Z", "attachments": [], "files": [] },
        ],
    })
}

/// A conversation of LibreChat, nested.
pub fn librechat() -> Value {
    json!({
        "conversationId": "l-1", "endpoint": "openAI", "title": "리브레", "exportAt": "10:00", "branches": true,
        "recursive": true, "options": { "model": "gpt-4o" },
        "messagesTree": [{
            "messageId": "a", "parentMessageId": "00000000-0000-0000-0000-000000000000", "conversationId": "l-1",
            "sender": "User", "text": "\"children\": [ {", "isCreatedByUser": true, "model": null, "endpoint": "openAI",
            "error": false, "unfinished": false, "createdAt": "2024-05-05T05:05:05.000Z", "updatedAt": "2024-05-05T05:05:05.000Z",
            "children": [
                { "messageId": "b", "parentMessageId": "a", "sender": "GPT", "text": "", "isCreatedByUser": false, "model": "gpt-4o",
                  "content": [{ "type": "think", "think": "흠" }, { "type": "text", "text": { "value": "답 1" } },
                    { "type": "tool_call", "tool_call": { "id": "x", "name": "f", "args": "{\"a\":1}", "output": "ok" } }],
                  "error": false, "unfinished": true, "createdAt": "2024-05-05T05:05:06.000Z",
                  "children": [{ "messageId": "d", "parentMessageId": "b", "sender": "User", "text": "더",
                    "isCreatedByUser": true, "children": [] }] },
                { "messageId": "c", "parentMessageId": "a", "sender": "GPT", "text": "답 2", "isCreatedByUser": false,
                  "error": true, "unfinished": false, "createdAt": "2024-05-05T05:05:07.000Z", "children": [] }
            ],
        }],
    })
}

/// A chat of Open WebUI whose lists of children lie.
pub fn open_webui() -> Value {
    json!({
        "id": "w-1", "user_id": "u", "title": "웹", "created_at": 1700000000, "updated_at": 1700000050, "archived": false,
        "pinned": true, "meta": { "tags": ["x"] }, "folder_id": null,
        "chat": {
            "title": "웹", "models": ["llama3"], "tags": ["일", { "name": "둘" }],
            "history": { "currentId": "3", "messages": {
                "1": { "id": "1", "parentId": null, "childrenIds": ["9", "1"], "role": "user", "content": "안녕", "timestamp": 1700000001 },
                "2": { "id": "2", "parentId": "1", "childrenIds": [], "role": "assistant", "content": "답", "timestamp": 1700000002,
                    "model": "llama3", "done": true, "usage": { "prompt_tokens": 3, "completion_tokens": 4, "x": 1 } },
                "3": { "id": "3", "parentId": "1", "childrenIds": [], "role": "assistant", "content": "", "timestamp": 1700000003,
                    "done": false, "error": { "content": "no" }, "files": [{ "type": "image", "url": "data:image/png;base64,AA==" }] },
            } },
            "messages": [],
        },
    })
}

/// Messages of OpenAI.
pub fn openai() -> Value {
    json!([
        { "role": "developer", "content": "Be brief.", "name": "dev" },
        { "role": "user", "content": [{ "type": "text", "text": "날씨?" },
            { "type": "image_url", "image_url": { "url": "https://x/y.png", "detail": "low" } },
            { "type": "input_audio", "input_audio": { "data": "AA==", "format": "wav" } }] },
        { "role": "assistant", "content": null, "refusal": null, "tool_calls": [
            { "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"서울\"}" } }] },
        { "role": "tool", "tool_call_id": "call_1", "content": "맑음" },
        { "role": "assistant", "content": "맑아요", "audio": { "id": "a" }, "annotations": [] },
        { "role": "user", "content": "고마워" },
        { "role": "user", "content": "고마워" },
        { "role": "assistant", "content": "", "unknown": { "__proto__": { "x": 1 }, "n": 1.5e300 } },
    ])
}

/// UIMessages of the AI SDK.
pub fn ai_sdk() -> Value {
    json!([
        { "id": "u1", "role": "user", "parts": [{ "type": "text", "text": "안녕" }, { "type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AA==" }], "metadata": { "createdAt": 5 } },
        { "id": "a1", "role": "assistant", "parts": [
            { "type": "step-start" }, { "type": "reasoning", "text": "음", "state": "done", "providerMetadata": { "x": {} } },
            { "type": "tool-weather", "toolCallId": "t", "state": "output-available", "input": { "a": 1 }, "output": [1, 2.5, null] },
            { "type": "dynamic-tool", "toolName": "d", "toolCallId": "t2", "state": "approval-requested", "input": {}, "approval": { "id": "ap" } },
            { "type": "text", "text": "하나" }, { "type": "text", "text": "둘", "state": "done" }, { "type": "data-x", "id": "1", "data": { "y": [] } } ] },
        { "id": "a1", "role": "assistant", "parts": [], "metadata": null },
        { "id": "", "role": "user", "parts": [{ "type": "text", "text": "" }], "extra": { "__proto__": 1 } },
        { "id": "s", "role": "system", "parts": [{ "type": "text", "text": "규칙" }] },
        { "role": "data", "id": "d", "parts": [], "createdAt": "2025-01-01T00:00:00.000Z" },
    ])
}
