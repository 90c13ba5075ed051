//! Messages of OpenAI's chat API, read and written. Knows no other format.
//!
//! What does not come back out of role, content and parts alone stays as it was in `source.data`.
//! The writer gives that if the message still says the same, and else makes one of its parts: so
//! an edit here is not undone by what was once imported.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::chat::{Message, Role};
use crate::json::{self, Object, array, name, object, text};

/// How this format is called.
pub const FORMAT: &str = "openai";

/// The names of the tools that were called, by the ids of the calls.
pub type Tools = HashMap<String, String>;

/// Whether an object is a message of this format.
pub fn is(value: &Object) -> bool {
    value.get("role").is_some_and(Value::is_string)
        && !value.contains_key("messages")
        && (value.contains_key("content")
            || value.contains_key("tool_calls")
            || value.contains_key("function_call")
            || value.contains_key("refusal")
            // An answer can be empty, or all audio.
            || (text(value, "role") == Some("assistant") && !value.contains_key("parts")))
}

/// The role here of a role there.
pub fn role(role: &str) -> Role {
    match role {
        "user" | "human" => Role::User,
        "system" | "developer" => Role::System,
        _ => Role::Assistant,
    }
}

/// Reads a message. `None` if it has no role.
pub fn read(original: Object, tools: &mut Tools) -> Option<Message> {
    let said = text(&original, "role")?;
    let mut message = Message {
        role: role(said),
        ..Message::default()
    };
    let parts = parts_of(&original, said, tools);
    json::set_parts(&mut message, &parts);
    let is_plain = original.len() == 2
        && said == message.role.as_str()
        && text(&original, "content") == Some(&message.content);
    if !is_plain {
        let id = name(&original, "id");
        message.source = json::source(FORMAT, id.as_deref(), original);
    }
    Some(message)
}

fn parts_of(message: &Object, role: &str, tools: &mut Tools) -> Vec<Value> {
    if role == "tool" || role == "function" {
        let id = text(message, "tool_call_id").unwrap_or_default();
        let tool = name(message, "name").or_else(|| tools.get(id).cloned());
        let mut part = json::tool_part(id, tool.as_deref().unwrap_or("tool"), Value::Null);
        let output = message.get("content").cloned().unwrap_or(Value::Null);
        json::answer_tool(&mut part, output, false);
        return vec![part];
    }
    let mut parts = Vec::new();
    match message.get("content") {
        Some(Value::String(text)) if !text.is_empty() => parts.push(json::text_part(text)),
        Some(Value::Array(list)) => parts.extend(list.iter().map(part_of)),
        _ => {}
    }
    if let Some(refusal) = name(message, "refusal") {
        parts.push(json::text_part(&refusal));
    }
    let legacy = object(message, "function_call")
        .into_iter()
        .map(|call| (None, call));
    let calls = array(message, "tool_calls")
        .iter()
        .filter_map(Value::as_object);
    for (id, call) in calls
        .map(|call| {
            let kind = text(call, "type").unwrap_or("function");
            (text(call, "id"), object(call, kind).unwrap_or(call))
        })
        .chain(legacy)
    {
        let (id, tool) = (id.unwrap_or_default(), text(call, "name").unwrap_or("tool"));
        let input = match call.get("arguments").or_else(|| call.get("input")) {
            Some(Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
            }
            other => other.cloned().unwrap_or(Value::Null),
        };
        parts.push(json::tool_part(id, tool, input));
        tools.insert(id.to_owned(), tool.to_owned());
    }
    parts
}

fn part_of(part: &Value) -> Value {
    let Value::Object(fields) = part else {
        return match part {
            Value::String(text) => json::text_part(text),
            other => json::data_part("data-openai", other),
        };
    };
    match text(fields, "type").unwrap_or_default() {
        "text" | "input_text" | "output_text" => {
            json::text_part(text(fields, "text").unwrap_or_default())
        }
        "refusal" => json::text_part(text(fields, "refusal").unwrap_or_default()),
        "image_url" | "input_image" => {
            let url = match fields.get("image_url") {
                Some(Value::Object(image)) => text(image, "url").unwrap_or_default(),
                Some(Value::String(url)) => url,
                _ => "",
            };
            json::file_part(&json::media_type(url, "image/*"), url)
        }
        _ => json::data_part("data-openai", part),
    }
}

/// Writes a message. A tool's outputs come as messages of their own after it.
pub fn write(message: &Message, tools: &mut Tools) -> Vec<Value> {
    if let Some(original) = unchanged(message, tools) {
        return vec![original];
    }
    let mut content = Vec::new();
    let (mut calls, mut answers) = (Vec::new(), Vec::new());
    let mut only_text = true;
    for part in message.part_values() {
        let Value::Object(part) = part else { continue };
        let kind = text(&part, "type").unwrap_or_default();
        match kind {
            "text" => content.push(json!({ "type": "text", "text": text(&part, "text") })),
            "file" => {
                let (url, media) = (text(&part, "url"), text(&part, "mediaType"));
                if message.role == Role::User && media.is_some_and(|m| m.starts_with("image/")) {
                    only_text = false;
                    content.push(json!({ "type": "image_url", "image_url": { "url": url } }));
                }
            }
            _ if kind == "dynamic-tool" || kind.starts_with("tool-") => {
                let tool = text(&part, "toolName").or_else(|| kind.strip_prefix("tool-"));
                let id = text(&part, "toolCallId").unwrap_or_default();
                if tools
                    .insert(id.to_owned(), tool.unwrap_or("tool").to_owned())
                    .is_none()
                    || part.get("input").is_some_and(|input| !input.is_null())
                {
                    let input = part.get("input").unwrap_or(&Value::Null);
                    calls.push(json!({
                        "id": id, "type": "function",
                        "function": { "name": tool, "arguments": input.to_string() },
                    }));
                }
                if let Some(output) = part.get("output").or_else(|| part.get("errorText")) {
                    let output = match output {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    answers.push(json!({ "role": "tool", "tool_call_id": id, "content": output }));
                }
            }
            _ => {}
        }
    }
    let mut written = Object::new();
    written.insert("role".into(), message.role.as_str().into());
    let content: Value = match only_text {
        true if message.content.is_empty() && !calls.is_empty() => Value::Null,
        true => message.content.as_str().into(),
        false => content.into(),
    };
    let said = calls.is_empty() || !content.is_null();
    written.insert("content".into(), content);
    if !calls.is_empty() {
        written.insert("tool_calls".into(), calls.into());
    } else if message.content.is_empty() && !answers.is_empty() && said {
        return answers;
    }
    let mut all = vec![Value::Object(written)];
    all.append(&mut answers);
    all
}

/// The message as it was read, if it still reads the same.
fn unchanged(message: &Message, tools: &mut Tools) -> Option<Value> {
    let source = message.source.as_ref()?.value()?;
    if source["format"] != FORMAT {
        return None;
    }
    let Value::Object(original) = source.get("data")? else {
        return None;
    };
    let mut known = tools.clone();
    let read = read(original.clone(), &mut known)?;
    let same = read.role == message.role
        && read.content == message.content
        && (read.parts == message.parts || read.part_values() == message.part_values());
    same.then(|| {
        *tools = known;
        Value::Object(original.clone())
    })
}
