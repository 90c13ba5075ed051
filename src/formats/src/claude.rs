//! Claude: `conversations.json`, messages in order, or a tree where they name their parents. Knows no
//! other format.

use serde_json::Value;

use crate::chat::{Chat, Code, Failure, Kind, Message, Role};
use crate::json::{self, Object, array, is_true, name, text};
use crate::tree::{Node, Order, Parent, assemble};

/// How this format is called.
pub const FORMAT: &str = "claude";

/// Whether an object is a conversation of Claude.
pub fn is(value: &Object) -> bool {
    value.get("chat_messages").is_some_and(Value::is_array)
        || (value.contains_key("uuid")
            && value.contains_key("name")
            && value.contains_key("created_at")
            && value.contains_key("account"))
}

/// Reads a conversation.
pub fn read(mut conversation: Object, failures: &mut Vec<Failure>) -> Chat {
    let id = name(&conversation, "uuid");
    let list = match conversation.shift_remove("chat_messages") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    let is_tree = list
        .iter()
        .any(|message| message.get("parent_message_uuid").is_some());
    let mut nodes = Vec::with_capacity(list.len());
    for (place, message) in list.into_iter().enumerate() {
        let Value::Object(message) = message else {
            failures.push(Failure {
                kind: Kind::Message,
                id: None,
                code: Code::InvalidArgument,
                message: format!("message {place} is no object"),
                at: None,
            });
            continue;
        };
        let parent = match message.get("parent_message_uuid") {
            Some(Value::String(parent)) => Parent::Id(parent.clone()),
            _ if is_tree => Parent::Root,
            _ => Parent::Previous,
        };
        let id = name(&message, "uuid");
        nodes.push(Node {
            id,
            parent,
            message: Some(message_of(message)),
        });
    }
    let head = text(&conversation, "current_leaf_message_uuid");
    let (messages, head) = assemble(nodes, head, Order::File);
    let title = name(&conversation, "name").unwrap_or_else(|| json::title_of(&messages));
    Chat {
        title: json::title(&title),
        brain: Some(FORMAT.into()),
        created_at: json::time(conversation.get("created_at")),
        updated_at: json::time(conversation.get("updated_at")),
        pinned: is_true(&conversation, "is_starred").then_some(true),
        head,
        messages,
        source: json::source(FORMAT, id.as_deref(), conversation),
        uid: id.unwrap_or_default(),
        ..Chat::default()
    }
}

fn message_of(mut original: Object) -> Message {
    let id = name(&original, "uuid");
    let mut message = Message {
        role: match text(&original, "sender") {
            Some("human" | "user") => Role::User,
            Some("system") => Role::System,
            _ => Role::Assistant,
        },
        created_at: json::time(original.get("created_at")),
        model: name(&original, "model"),
        finish_reason: name(&original, "stop_reason"),
        ..Message::default()
    };
    let mut parts = Vec::new();
    for block in array(&original, "content") {
        block_to(block, &mut parts);
    }
    let in_blocks = parts.iter().any(|part| part["type"] == "text");
    if let Some(text) = name(&original, "text").filter(|_| !in_blocks && parts.is_empty()) {
        parts.push(json::text_part(&text));
    }
    for attachment in array(&original, "attachments") {
        parts.push(json::data_part("data-attachment", attachment));
    }
    for list in ["files", "files_v2"] {
        for file in array(&original, list) {
            let part = json::data_part("data-file", file);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    json::set_parts(&mut message, &parts);
    // What the parts hold as it was is not kept twice.
    original.shift_remove("attachments");
    if text(&original, "text") == Some(&message.content) {
        original.shift_remove("text");
    }
    let plain = match array(&original, "content") {
        [Value::Object(block)] => {
            text(block, "type") == Some("text") && text(block, "text") == Some(&message.content)
        }
        _ => false,
    };
    if plain
        && let Some([Value::Object(block)]) = original
            .get_mut("content")
            .and_then(Value::as_array_mut)
            .map(Vec::as_mut_slice)
    {
        block.shift_remove("text");
    }
    message.source = json::source(FORMAT, id.as_deref(), original);
    message
}

fn block_to(block: &Value, parts: &mut Vec<Value>) {
    let Value::Object(fields) = block else {
        parts.push(match block {
            Value::String(text) => json::text_part(text),
            other => json::data_part("data-claude", other),
        });
        return;
    };
    match text(fields, "type").unwrap_or_default() {
        "text" => {
            let said = text(fields, "text").unwrap_or_default();
            if !said.is_empty() {
                parts.push(json::text_part(said));
            }
        }
        "thinking" => {
            let thought = text(fields, "thinking").unwrap_or_default();
            parts.push(json::reasoning_part(thought));
        }
        "tool_use" | "server_tool_use" => {
            let id = name(fields, "id").unwrap_or_else(|| format!("call-{}", parts.len()));
            let tool = text(fields, "name").unwrap_or("tool");
            let input = fields.get("input").cloned().unwrap_or(Value::Null);
            parts.push(json::tool_part(&id, tool, input));
        }
        kind if kind.ends_with("tool_result") => {
            let id = text(fields, "tool_use_id");
            let tool = text(fields, "name");
            let call = parts.iter_mut().rev().find(|part| {
                part["state"] == "input-available"
                    && match id {
                        Some(id) => part["toolCallId"] == id,
                        None => tool.is_none_or(|tool| part["toolName"] == tool),
                    }
            });
            let output = fields.get("content").cloned().unwrap_or(Value::Null);
            let failed = is_true(fields, "is_error");
            match call {
                Some(call) => json::answer_tool(call, output, failed),
                None => {
                    let id = id.map_or_else(|| format!("call-{}", parts.len()), str::to_owned);
                    let mut part = json::tool_part(&id, tool.unwrap_or("tool"), Value::Null);
                    json::answer_tool(&mut part, output, failed);
                    parts.push(part);
                }
            }
        }
        _ => parts.push(json::data_part("data-claude", block)),
    }
}
