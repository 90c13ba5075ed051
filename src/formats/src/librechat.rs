//! LibreChat: one conversation a file, its messages in a list or nested in one another. Knows no other
//! format.
//!
//! Nested messages are as deep as the chat is long, so they are taken apart before they are parsed.

use serde_json::Value;

use crate::chat::{Chat, Code, Error, Failure, Kind, Message, Role};
use crate::json::{self, Object, array, is_true, name, text};
use crate::tree::{Node, Order, Parent, assemble};

/// How this format is called.
pub const FORMAT: &str = "librechat";

/// Whether an object is a conversation of LibreChat.
pub fn is(value: &Object) -> bool {
    value.get("messagesTree").is_some_and(Value::is_array)
        || (value.contains_key("conversationId")
            && (value.get("messages").is_some_and(Value::is_array)
                || value.contains_key("endpoint")))
        || array(value, "messages")
            .first()
            .and_then(Value::as_object)
            .is_some_and(is_message)
}

/// Whether an object is a message of LibreChat.
fn is_message(value: &Object) -> bool {
    value.contains_key("text")
        && (value.contains_key("messageId") || value.contains_key("isCreatedByUser"))
}

/// Whether the text of an object is a conversation with nested messages.
pub fn is_nested(text: &str) -> bool {
    json::find(text, "messagesTree\"").is_some()
}

/// Reads the text of a conversation with nested messages. `None`: it is no such after all.
pub fn read_nested(text: &str, failures: &mut Vec<Failure>) -> Option<Result<Chat, Error>> {
    let pieces = take_apart(text);
    let mut pieces = pieces
        .iter()
        .map(|piece| serde_json::from_str::<Object>(piece));
    let mut conversation = match pieces.next()? {
        Ok(conversation) if !is(&conversation) => return None,
        Ok(conversation) => conversation,
        Err(error) => return Some(Err(Error::corrupt(format!("it is no JSON: {error}")))),
    };
    let mut messages = Vec::new();
    for piece in pieces {
        match piece {
            Ok(message) => messages.push(Value::Object(message)),
            Err(error) => failures.push(Failure {
                kind: Kind::Message,
                id: None,
                code: Code::InvalidArgument,
                message: format!("a message cannot be read: {error}"),
                at: None,
            }),
        }
    }
    conversation.insert("messages".into(), messages.into());
    Some(Ok(read(conversation, failures)))
}

/// The text of a conversation without its messages, and then of each message without what is nested
/// in it, parents first.
fn take_apart(text: &str) -> Vec<String> {
    /// What a bracket opened.
    enum Level {
        /// A conversation or a message: its place among the pieces.
        Piece(usize),
        /// An array of messages.
        Messages,
        /// Anything within a piece.
        Other,
    }
    let bytes = text.as_bytes();
    let mut pieces: Vec<String> = Vec::new();
    let mut levels: Vec<Level> = Vec::new();
    // From where the text of the innermost piece is not yet copied.
    let mut from = 0;
    let mut key = "";
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let begin = at;
                at += 1;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                key = text.get(begin..=at).unwrap_or_default();
            }
            b'[' => {
                let nested = match levels.last() {
                    Some(Level::Piece(0)) => key == "\"messagesTree\"",
                    Some(Level::Piece(_)) => key == "\"children\"",
                    _ => false,
                };
                if let (true, Some(Level::Piece(place))) = (nested, levels.last()) {
                    pieces[*place].push_str(&text[from..=at]);
                    levels.push(Level::Messages);
                } else {
                    levels.push(Level::Other);
                }
            }
            b'{' => match levels.last() {
                None | Some(Level::Messages) => {
                    levels.push(Level::Piece(pieces.len()));
                    pieces.push(String::new());
                    from = at;
                }
                _ => levels.push(Level::Other),
            },
            b'}' | b']' => match levels.pop() {
                Some(Level::Piece(place)) => {
                    pieces[place].push_str(&text[from..=at]);
                    from = at + 1;
                }
                Some(Level::Messages) => from = at,
                _ => {}
            },
            // A value that is no array: the key before it does not name the next one.
            b',' => key = "",
            _ => {}
        }
        at += 1;
    }
    pieces
}

/// Reads a conversation whose messages are a list.
pub fn read(mut conversation: Object, failures: &mut Vec<Failure>) -> Chat {
    let id = name(&conversation, "conversationId");
    let list = match conversation.shift_remove("messages") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
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
        let parent = match message.get("parentMessageId") {
            Some(Value::String(parent)) => Parent::Id(parent.clone()),
            Some(_) => Parent::Root,
            None => Parent::Previous,
        };
        let id = name(&message, "messageId");
        nodes.push(Node {
            id,
            parent,
            message: Some(message_of(message)),
        });
    }
    let (messages, head) = assemble(nodes, None, Order::File);
    let title = name(&conversation, "title").unwrap_or_else(|| json::title_of(&messages));
    Chat {
        title: json::title(&title),
        brain: name(&conversation, "endpoint"),
        created_at: json::time(conversation.get("createdAt")).or_else(|| {
            messages
                .iter()
                .filter_map(|message| message.created_at)
                .min()
        }),
        updated_at: json::time(conversation.get("updatedAt")),
        archived: is_true(&conversation, "isArchived").then_some(true),
        tags: conversation
            .get("tags")
            .and_then(Value::as_array)
            .filter(|tags| !tags.is_empty())
            .map(|tags| {
                tags.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            }),
        head,
        messages,
        source: json::source(FORMAT, id.as_deref(), conversation),
        uid: id.unwrap_or_default(),
        ..Chat::default()
    }
}

fn message_of(mut original: Object) -> Message {
    let by_user = match original.get("isCreatedByUser") {
        Some(Value::Bool(by_user)) => *by_user,
        _ => text(&original, "sender").is_some_and(|sender| sender.eq_ignore_ascii_case("user")),
    };
    let failed = is_true(&original, "error");
    let status = if failed {
        Some("error")
    } else if is_true(&original, "unfinished") {
        Some("aborted")
    } else {
        None
    };
    let id = name(&original, "messageId");
    let mut message = Message {
        role: match text(&original, "role") {
            Some("system") => Role::System,
            _ if by_user => Role::User,
            _ => Role::Assistant,
        },
        created_at: json::time(original.get("createdAt")),
        status: status.map(str::to_owned),
        model: name(&original, "model"),
        finish_reason: name(&original, "finish_reason"),
        error: failed.then(|| json::message_of_error(text(&original, "text").into())),
        ..Message::default()
    };
    let mut parts: Vec<Value> = array(&original, "content").iter().map(part_of).collect();
    if parts.is_empty()
        && let Some(text) = name(&original, "text")
    {
        parts.push(json::text_part(&text));
    }
    for list in ["files", "attachments"] {
        for file in array(&original, list) {
            parts.push(json::data_part("data-file", file));
        }
    }
    json::set_parts(&mut message, &parts);
    if text(&original, "text") == Some(&message.content) {
        original.shift_remove("text");
    }
    // Nested messages are messages of their own.
    original.shift_remove("children");
    message.source = json::source(FORMAT, id.as_deref(), original);
    message
}

fn part_of(part: &Value) -> Value {
    let Value::Object(fields) = part else {
        return match part {
            Value::String(text) => json::text_part(text),
            other => json::data_part("data-librechat", other),
        };
    };
    let said = |key: &str| match fields.get(key) {
        Some(Value::String(text)) => Some(text.as_str()),
        Some(Value::Object(inner)) => text(inner, "value"),
        _ => None,
    };
    match text(fields, "type").unwrap_or_default() {
        "text" => json::text_part(said("text").unwrap_or_default()),
        "think" => json::reasoning_part(said("think").unwrap_or_default()),
        "error" => json::text_part(said("error").or_else(|| said("text")).unwrap_or_default()),
        "tool_call" => {
            let Some(call) = fields.get("tool_call").and_then(Value::as_object) else {
                return json::data_part("data-librechat", part);
            };
            let input = match call.get("args") {
                Some(Value::String(text)) => {
                    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
                }
                other => other.cloned().unwrap_or(Value::Null),
            };
            let id = text(call, "id").unwrap_or_default();
            let mut tool = json::tool_part(id, text(call, "name").unwrap_or("tool"), input);
            if let Some(output) = call.get("output").filter(|output| !output.is_null()) {
                json::answer_tool(&mut tool, output.clone(), false);
            }
            tool
        }
        "image_url" | "image_file" => {
            let inner = fields.get("image_url").or_else(|| fields.get("image_file"));
            let url = match inner {
                Some(Value::String(url)) => url.as_str(),
                Some(Value::Object(image)) => text(image, "url")
                    .or_else(|| text(image, "filepath"))
                    .unwrap_or_default(),
                _ => "",
            };
            json::file_part(&json::media_type(url, "image/*"), url)
        }
        _ => json::data_part("data-librechat", part),
    }
}
