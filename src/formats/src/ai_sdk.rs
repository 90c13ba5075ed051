//! UIMessages of the AI SDK, versions 6 and 7, read and written. Knows no other format.
//!
//! Parts and metadata are kept as they are; fields that a UIMessage does not have, or that do not
//! fit, are the `source.data` of the message and come back at export.

use serde_json::Value;

use crate::chat::{JsonText, Message};
use crate::json::{self, Numbers, Object, name, text};
use crate::openai;

/// How this format is called.
pub const FORMAT: &str = "ai-sdk";

/// Whether an object is a message of this format.
pub fn is(value: &Object) -> bool {
    value.get("role").is_some_and(Value::is_string)
        && value.get("parts").is_some_and(Value::is_array)
        && !value.contains_key("uid")
}

/// Reads a message and gives its id. `None` if it has no role. `known` are the ids before it.
pub fn read(mut original: Object, known: &mut Numbers) -> Option<(Option<String>, Message)> {
    let said = text(&original, "role")?.to_owned();
    let mut message = Message {
        role: openai::role(&said),
        ..Message::default()
    };
    if said == message.role.as_str() {
        original.shift_remove("role");
    }
    match original.get("parts") {
        Some(Value::Array(parts)) => {
            let usable = json::set_parts(&mut message, parts);
            let waiting = |part: &Value| part["state"] == "approval-requested";
            if parts.iter().any(waiting) {
                message.status = Some("waiting".into());
            }
            if usable {
                original.shift_remove("parts");
            }
        }
        _ => {
            if let Some(content) = text(&original, "content") {
                let parts = [json::text_part(content)];
                json::set_parts(&mut message, &parts);
            }
        }
    }
    message.metadata = original
        .shift_remove("metadata")
        .map(|metadata| JsonText::of(&metadata));
    message.created_at = json::time(original.get("createdAt"));
    let id = name(&original, "id");
    if id.is_some() {
        original.shift_remove("id");
    }
    let again = id.as_ref().is_some_and(|id| !json::is_new(known, id));
    if again || !original.is_empty() {
        message.source = json::source(FORMAT, id.as_deref(), original);
    }
    Some((id, message))
}

/// Writes a message.
pub fn write(message: &Message) -> Value {
    let mut written = Object::new();
    written.insert("id".into(), message.uid.as_str().into());
    written.insert("role".into(), message.role.as_str().into());
    if let Some(metadata) = message.metadata.as_ref().and_then(JsonText::value) {
        written.insert("metadata".into(), metadata);
    }
    written.insert("parts".into(), message.part_values().into());
    let source = message.source.as_ref().and_then(JsonText::value);
    if let Some(Value::Object(mut source)) = source
        && text(&source, "format") == Some(FORMAT)
    {
        // Its id, though its uid had to be another.
        if let Some(id) = source.shift_remove("id") {
            written.insert("id".into(), id);
        }
        if let Some(Value::Object(data)) = source.shift_remove("data") {
            for (key, value) in data {
                let edited = key == "role" && text_role(&value) != Some(message.role);
                if !edited && key != "parts" {
                    written.insert(key, value);
                }
            }
        }
    }
    Value::Object(written)
}

fn text_role(value: &Value) -> Option<crate::chat::Role> {
    value.as_str().map(openai::role)
}
