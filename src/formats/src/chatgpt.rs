//! ChatGPT: `conversations.json`, a tree of nodes a conversation. Knows no other format.
//!
//! Nodes without a message and hidden ones are places in the tree and no more. A person's and the
//! model's words become text, reasoning and files; what goes to tools and comes from them, parts of
//! a tool. The message as it was stays in `source.data`, without a text that `content` holds.

use serde_json::Value;

use crate::chat::{Chat, Code, Failure, Kind, Message, Role};
use crate::json::{self, Object, array, is_true, name, object, seconds, text};
use crate::tree::{Node, Order, Parent, assemble};

/// How this format is called.
pub const FORMAT: &str = "chatgpt";

/// Whether an object is a conversation of ChatGPT.
pub fn is(value: &Object) -> bool {
    value.get("mapping").is_some_and(Value::is_object)
        // Other files of an export name conversations too, but not all of this.
        || (value.contains_key("title")
            && !value.contains_key("messages")
            && (value.contains_key("current_node")
                || (value.contains_key("conversation_id") && value.contains_key("create_time"))))
}

/// Reads a conversation.
pub fn read(mut conversation: Object, failures: &mut Vec<Failure>) -> Chat {
    let id = name(&conversation, "conversation_id").or_else(|| name(&conversation, "id"));
    let mapping = match conversation.shift_remove("mapping") {
        Some(Value::Object(mapping)) => mapping,
        _ => Object::new(),
    };
    let mut ranks = json::Numbers::new();
    for node in mapping.values().filter_map(Value::as_object) {
        for (rank, child) in array(node, "children").iter().enumerate() {
            if let Some(child) = child.as_str() {
                ranks.entry(child.to_owned()).or_insert(rank as u64);
            }
        }
    }
    let mut nodes = Vec::with_capacity(mapping.len());
    for (key, node) in mapping {
        let Value::Object(mut node) = node else {
            failures.push(Failure {
                kind: Kind::Message,
                id: Some(key),
                code: Code::InvalidArgument,
                message: "the node is no object".into(),
                at: None,
            });
            continue;
        };
        let parent = match node.get("parent") {
            Some(Value::String(parent)) => Parent::Id(parent.clone()),
            _ => Parent::Root,
        };
        let message = match node.shift_remove("message") {
            Some(Value::Object(message)) if !is_hidden(&message) => Some(message_of(message)),
            _ => None,
        };
        let rank = ranks.get(&key).copied().unwrap_or(u64::MAX);
        nodes.push((
            rank,
            Node {
                id: Some(key),
                parent,
                message,
            },
        ));
    }
    // Siblings in the order of their parent, not of the file.
    nodes.sort_by_key(|(rank, _)| *rank);
    let nodes = nodes.into_iter().map(|(_, node)| node).collect();
    let (messages, head) = assemble(nodes, text(&conversation, "current_node"), Order::Branches);
    let title = name(&conversation, "title").unwrap_or_else(|| json::title_of(&messages));
    Chat {
        title: json::title(&title),
        brain: Some(FORMAT.into()),
        created_at: seconds(conversation.get("create_time")),
        updated_at: seconds(conversation.get("update_time")),
        pinned: is_true(&conversation, "is_starred").then_some(true),
        archived: is_true(&conversation, "is_archived").then_some(true),
        head,
        messages,
        source: json::source(FORMAT, id.as_deref(), conversation),
        uid: id.unwrap_or_default(),
        ..Chat::default()
    }
}

fn is_hidden(message: &Object) -> bool {
    let flag = object(message, "metadata")
        .is_some_and(|metadata| is_true(metadata, "is_visually_hidden_from_conversation"));
    // Older exports do not flag the empty instructions that a chat begins with.
    let empty = role_of(message) == Role::System
        && object(message, "content").is_none_or(|content| {
            array(content, "parts")
                .iter()
                .all(|part| part.as_str() == Some(""))
                && name(content, "text").is_none()
                && !text(content, "content_type")
                    .unwrap_or("text")
                    .ends_with("_context")
        });
    flag || empty
}

fn role_of(message: &Object) -> Role {
    match object(message, "author").and_then(|author| text(author, "role")) {
        Some("user") => Role::User,
        Some("system") => Role::System,
        _ => Role::Assistant,
    }
}

fn message_of(mut original: Object) -> Message {
    let empty = Object::new();
    let metadata = object(&original, "metadata").unwrap_or(&empty);
    let id = name(&original, "id");
    let finish = object(metadata, "finish_details").and_then(|details| text(details, "type"));
    let status = match text(&original, "status") {
        Some("in_progress") => Some("aborted"),
        _ if finish == Some("interrupted") => Some("aborted"),
        _ => None,
    };
    let role = role_of(&original);
    let mut message = Message {
        role,
        created_at: seconds(original.get("create_time")),
        status: status.map(str::to_owned),
        // A person's messages name the model that they were for.
        model: name(metadata, "model_slug").filter(|_| role == Role::Assistant),
        finish_reason: finish.map(|finish| {
            if finish == "max_tokens" {
                "length"
            } else {
                finish
            }
            .into()
        }),
        ..Message::default()
    };
    let parts = parts_of(&original);
    json::set_parts(&mut message, &parts);
    let is_text = message.parts.is_none()
        && original
            .get("content")
            .and_then(Value::as_object)
            .is_some_and(|content| {
                text(content, "content_type") == Some("text")
                    && array(content, "parts").len() == 1
                    && array(content, "parts")[0].as_str() == Some(&message.content)
            });
    if is_text && let Some(Value::Object(content)) = original.get_mut("content") {
        content.shift_remove("parts");
    }
    message.source = json::source(FORMAT, id.as_deref(), original);
    message
}

/// The content as parts, by its type.
fn parts_of(message: &Object) -> Vec<Value> {
    let Some(content) = object(message, "content") else {
        return match message.get("content") {
            Some(Value::String(text)) if !text.is_empty() => vec![json::text_part(text)],
            _ => Vec::new(),
        };
    };
    let id = text(message, "id").unwrap_or_default();
    let author = object(message, "author").and_then(|author| text(author, "name"));
    let recipient = text(message, "recipient").filter(|recipient| *recipient != "all");
    let said = text(content, "text").unwrap_or_default();
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .filter(|text| !text.is_empty())
            .map(|text| json::text_part(text))
            .collect()
    };
    let reasoning = |text: &str| json::reasoning_part(text);
    let output = |output: Value| {
        let mut part = json::tool_part(id, author.unwrap_or("tool"), Value::Null);
        json::answer_tool(&mut part, output, false);
        vec![part]
    };
    match text(content, "content_type").unwrap_or("text") {
        "text" if recipient.is_some() => {
            let input: Vec<_> = array(content, "parts")
                .iter()
                .filter_map(Value::as_str)
                .collect();
            vec![json::tool_part(
                id,
                recipient.unwrap_or("tool"),
                input.join("\n").into(),
            )]
        }
        "code" => match recipient {
            Some(tool) => vec![json::tool_part(id, tool, said.into())],
            None => {
                let language = text(content, "language").filter(|language| *language != "unknown");
                texts(&[&format!("```{}\n{said}\n```", language.unwrap_or_default())])
            }
        },
        "execution_output" => output(said.into()),
        "tether_browsing_display" => {
            let shown = name(content, "result").or_else(|| name(content, "summary"));
            output(shown.map_or(Value::Null, Value::String))
        }
        "tether_quote" => {
            let mut parts: Vec<Value> = texts(&[said]);
            if let Some(url) = name(content, "url") {
                let title = name(content, "title").or_else(|| name(content, "domain"));
                parts.push(json::part(
                    "source-url",
                    &[
                        ("sourceId", id.into()),
                        ("url", url.into()),
                        ("title", title.into()),
                    ],
                ));
            }
            parts
        }
        "thoughts" => array(content, "thoughts")
            .iter()
            .filter_map(Value::as_object)
            .map(|thought| {
                let lines: Vec<_> = [text(thought, "summary"), text(thought, "content")]
                    .into_iter()
                    .flatten()
                    .filter(|line| !line.is_empty())
                    .collect();
                reasoning(&lines.join("\n\n"))
            })
            .collect(),
        "reasoning_recap" => vec![reasoning(text(content, "content").unwrap_or_default())],
        "user_editable_context" => texts(&[
            text(content, "user_profile").unwrap_or_default(),
            text(content, "user_instructions").unwrap_or_default(),
        ]),
        "model_editable_context" => {
            texts(&[text(content, "model_set_context").unwrap_or_default()])
        }
        _ if content.get("parts").is_some_and(Value::is_array) => {
            let parts = array(content, "parts").iter();
            parts
                .filter(|part| part.as_str() != Some(""))
                .map(part_of)
                .collect()
        }
        _ if !said.is_empty() => texts(&[said]),
        _ => vec![json::data_part("data-chatgpt", &message["content"])],
    }
}

/// A part of `text` or `multimodal_text`.
fn part_of(part: &Value) -> Value {
    let Value::Object(fields) = part else {
        return match part {
            Value::String(text) => json::text_part(text),
            other => json::data_part("data-chatgpt", other),
        };
    };
    let kind = text(fields, "content_type").unwrap_or_default();
    let file = |media: &str| {
        let url = text(fields, "asset_pointer").unwrap_or_default();
        json::file_part(media, url)
    };
    match kind {
        "image_asset_pointer" => file("image/*"),
        "audio_asset_pointer" => file(&format!("audio/{}", text(fields, "format").unwrap_or("*"))),
        "audio_transcription" => json::text_part(text(fields, "text").unwrap_or_default()),
        _ => json::data_part("data-chatgpt", part),
    }
}
