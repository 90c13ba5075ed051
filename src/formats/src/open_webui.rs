//! Open WebUI: a chat a conversation, its messages a map of nodes. Knows no other format.
//!
//! Whose child a message is, its `parentId` says; lists of children are not trusted.

use serde_json::Value;

use crate::chat::{Chat, Code, Failure, JsonText, Kind, Message};
use crate::json::{self, Object, array, is_true, name, object, seconds_or_finer, text};
use crate::openai;
use crate::tree::{Node, Order, Parent, assemble};

/// How this format is called.
pub const FORMAT: &str = "open-webui";

/// Whether an object is a conversation of Open WebUI.
pub fn is(value: &Object) -> bool {
    object(value, "chat").is_some_and(|chat| {
        chat.contains_key("history") || chat.get("messages").is_some_and(Value::is_array)
    })
}

/// Reads a conversation.
pub fn read(mut conversation: Object, failures: &mut Vec<Failure>) -> Chat {
    let mut inner = match conversation.shift_remove("chat") {
        Some(Value::Object(chat)) => chat,
        _ => Object::new(),
    };
    let mut history = match inner.shift_remove("history") {
        Some(Value::Object(history)) => history,
        _ => Object::new(),
    };
    let list = inner.shift_remove("messages");
    let entries: Vec<(Option<String>, Value)> = match (history.shift_remove("messages"), list) {
        (Some(Value::Object(map)), _) if !map.is_empty() => map
            .into_iter()
            .map(|(key, message)| (Some(key), message))
            .collect(),
        (_, Some(Value::Array(list))) => list.into_iter().map(|message| (None, message)).collect(),
        _ => Vec::new(),
    };
    let mut nodes = Vec::with_capacity(entries.len());
    for (key, message) in entries {
        let Value::Object(message) = message else {
            failures.push(Failure {
                kind: Kind::Message,
                id: key,
                code: Code::InvalidArgument,
                message: "the message is no object".into(),
                at: None,
            });
            continue;
        };
        let parent = match message.get("parentId") {
            Some(Value::String(parent)) => Parent::Id(parent.clone()),
            None if key.is_none() => Parent::Previous,
            _ => Parent::Root,
        };
        let id = key.or_else(|| name(&message, "id"));
        nodes.push(Node {
            id,
            parent,
            message: Some(message_of(message)),
        });
    }
    let current = name(&history, "currentId");
    let (messages, head) = assemble(nodes, current.as_deref(), Order::File);
    let id = name(&conversation, "id").or_else(|| name(&inner, "id"));
    let title = name(&conversation, "title").or_else(|| name(&inner, "title"));
    let time = |key: &str| seconds_or_finer(conversation.get(key));
    let tags = array(&inner, "tags").iter().filter_map(|tag| match tag {
        Value::String(tag) => Some(tag.clone()),
        Value::Object(tag) => name(tag, "name"),
        _ => None,
    });
    let tags: Vec<String> = tags.collect();
    let mut chat = Chat {
        title: json::title(&title.unwrap_or_else(|| json::title_of(&messages))),
        brain: array(&inner, "models")
            .iter()
            .find_map(Value::as_str)
            .filter(|m| !m.is_empty())
            .map(str::to_owned),
        created_at: time("created_at").or_else(|| seconds_or_finer(inner.get("timestamp"))),
        updated_at: time("updated_at"),
        pinned: is_true(&conversation, "pinned").then_some(true),
        archived: is_true(&conversation, "archived").then_some(true),
        tags: (!tags.is_empty()).then_some(tags),
        head,
        messages,
        uid: id.clone().unwrap_or_default(),
        ..Chat::default()
    };
    inner.insert("history".into(), Value::Object(history));
    conversation.insert("chat".into(), Value::Object(inner));
    chat.source = json::source(FORMAT, id.as_deref(), conversation);
    chat
}

fn message_of(mut original: Object) -> Message {
    let id = name(&original, "id");
    let error = original
        .get("error")
        .filter(|error| !matches!(error, Value::Null | Value::Bool(false)));
    let status = if error.is_some() {
        Some("error")
    } else if original.get("done") == Some(&Value::Bool(false)) {
        Some("aborted")
    } else {
        None
    };
    let usage = object(&original, "usage")
        .or_else(|| object(&original, "info").and_then(|i| object(i, "usage")));
    let mut message = Message {
        role: openai::role(text(&original, "role").unwrap_or("assistant")),
        created_at: seconds_or_finer(original.get("timestamp")),
        status: status.map(str::to_owned),
        model: name(&original, "model"),
        usage: usage.map(usage_of),
        error: error.map(|error| match error {
            Value::Object(_) => JsonText::of(error),
            other => json::message_of_error(other.clone()),
        }),
        ..Message::default()
    };
    let mut parts = match original.get("content") {
        Some(Value::String(text)) if !text.is_empty() => vec![json::text_part(text)],
        Some(Value::Array(list)) => list
            .iter()
            .map(|part| match part.get("text").and_then(Value::as_str) {
                Some(text) => json::text_part(text),
                None => json::data_part("data-open-webui", part),
            })
            .collect(),
        _ => Vec::new(),
    };
    for file in array(&original, "files") {
        let url = file.get("url").and_then(Value::as_str);
        parts.push(match (file.get("type").and_then(Value::as_str), url) {
            (Some("image"), Some(url)) => json::file_part(&json::media_type(url, "image/*"), url),
            _ => json::data_part("data-file", file),
        });
    }
    json::set_parts(&mut message, &parts);
    if text(&original, "content") == Some(&message.content) {
        original.shift_remove("content");
    }
    message.source = json::source(FORMAT, id.as_deref(), original);
    message
}

/// Counts of tokens by their names here, and what else was counted.
fn usage_of(usage: &Object) -> JsonText {
    let mut counted = Object::new();
    let first = |keys: [&str; 2]| keys.iter().find_map(|key| usage.get(*key)).cloned();
    if let Some(tokens) = first(["prompt_tokens", "input_tokens"]) {
        counted.insert("inputTokens".into(), tokens);
    }
    if let Some(tokens) = first(["completion_tokens", "output_tokens"]) {
        counted.insert("outputTokens".into(), tokens);
    }
    for (key, value) in usage {
        counted.entry(key.clone()).or_insert_with(|| value.clone());
    }
    JsonText::of(&counted)
}
