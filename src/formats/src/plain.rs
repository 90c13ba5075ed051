//! The plain form, `[{ title, messages: [{ role, content, … }] }]`, and whatever else is a list of
//! messages: bare, or with a conversation's fields around it. Each message is read as what it is:
//! plain, of OpenAI or of the AI SDK.

use serde_json::Value;

use crate::chat::{Chat, Code, Failure, JsonText, Kind, Message};
use crate::json::{self, Object, array, name, text};
use crate::tree::{Node, Order, Parent, assemble};
use crate::{ai_sdk, openai, uid};

/// How this format is called.
pub const FORMAT: &str = "plain";

/// Fields that a message has here and nowhere else.
const OWN: [&str; 5] = ["uid", "createdAt", "parent", "parentUid", "finishReason"];

/// Whether an object is a conversation around messages.
pub fn is(value: &Object) -> bool {
    value.get("messages").is_some_and(Value::is_array)
}

/// Whether an object is a message.
pub fn is_message(value: &Object) -> bool {
    !is(value) && (ai_sdk::is(value) || openai::is(value) || is_plain_message(value))
}

fn is_plain_message(value: &Object) -> bool {
    value.contains_key("role") && (value.contains_key("content") || value.contains_key("parts"))
}

/// The messages of one conversation, one after another.
#[derive(Default)]
pub struct Messages {
    nodes: Vec<Node>,
    tools: openai::Tools,
    known: json::Numbers,
    format: Option<&'static str>,
    /// About how many bytes they take.
    pub weight: usize,
}

impl Messages {
    /// Adds a message. `format` is what the caller says that it is.
    pub fn push(&mut self, value: Value, format: Option<&str>, failures: &mut Vec<Failure>) {
        let place = self.nodes.len();
        let mut fail = |id: Option<String>, parent: Parent, message: String| {
            // Its place in the tree stays: what follows it follows what it follows.
            self.nodes.push(Node {
                id: id.clone(),
                parent,
                message: None,
            });
            let code = Code::InvalidArgument;
            failures.push(Failure {
                kind: Kind::Message,
                id,
                code,
                message,
                at: None,
            });
        };
        let Value::Object(original) = value else {
            let problem = format!("message {place} is no object");
            return fail(None, Parent::Previous, problem);
        };
        let follows = parent_of(&original);
        let id = name(&original, "uid").or_else(|| name(&original, "id"));
        let own = || {
            let given = |key: &&str| {
                original
                    .get(*key)
                    .is_some_and(|v| v.is_string() || v.is_number())
            };
            OWN.iter().any(given)
        };
        let family = match format {
            Some(ai_sdk::FORMAT) => ai_sdk::FORMAT,
            Some(openai::FORMAT) => openai::FORMAT,
            Some(FORMAT) => FORMAT,
            _ if ai_sdk::is(&original) => ai_sdk::FORMAT,
            _ if own() => FORMAT,
            _ if openai::is(&original) => openai::FORMAT,
            _ => FORMAT,
        };
        let node = match family {
            ai_sdk::FORMAT => ai_sdk::read(original, &mut self.known)
                .map(|(id, message)| (id, Parent::Previous, message)),
            openai::FORMAT => openai::read(original, &mut self.tools)
                .map(|message| (id.clone(), Parent::Previous, message)),
            _ => read_message(original),
        };
        let Some((id, parent, message)) = node else {
            return fail(
                id,
                follows,
                format!("message {place} has no role that is known, or says nothing"),
            );
        };
        self.format.get_or_insert(family);
        self.weight += message.weight();
        self.nodes.push(Node {
            id,
            parent,
            message: Some(message),
        });
    }

    /// Passes over a place where there is no message.
    pub fn skip(&mut self) {
        self.nodes.push(Node {
            id: None,
            parent: Parent::Previous,
            message: None,
        });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.iter().all(|node| node.message.is_none())
    }

    /// The chat of these messages and nothing else.
    pub fn finish(self, title: Option<&str>) -> Chat {
        let (messages, head) = assemble(self.nodes, None, Order::File);
        let mut chat = Chat {
            title: json::title(title.unwrap_or_default()),
            head,
            messages,
            ..Chat::default()
        };
        // The same words under another title, or of another program, are another chat.
        let mut derivation = uid::of_chat(&chat);
        chat.uid = derivation.add(self.format.unwrap_or(FORMAT)).uid();
        if chat.title.is_empty() {
            chat.title = json::title_of(&chat.messages);
        }
        chat
    }
}

/// Reads a conversation.
pub fn read(mut conversation: Object, format: Option<&str>, failures: &mut Vec<Failure>) -> Chat {
    let mut list = Messages::default();
    if let Some(Value::Array(messages)) = conversation.shift_remove("messages") {
        for message in messages {
            list.push(message, format, failures);
        }
    }
    let format = list.format.unwrap_or(FORMAT);
    let id = name(&conversation, "uid").or_else(|| name(&conversation, "id"));
    let head_given = conversation
        .get("head")
        .or_else(|| conversation.get("headUid"));
    let head_given = head_given.and_then(Value::as_str).map(str::to_owned);
    let (messages, head) = assemble(list.nodes, head_given.as_deref(), Order::File);
    let title = name(&conversation, "title").unwrap_or_else(|| json::title_of(&messages));
    let flag = |key: &str| {
        conversation
            .get(key)
            .and_then(Value::as_bool)
            .filter(|set| *set)
    };
    let tags = conversation.get("tags").and_then(Value::as_array).map(|_| {
        array(&conversation, "tags")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    });
    let mut chat = Chat {
        title: json::title(&title),
        brain: name(&conversation, "brain"),
        created_at: json::time(conversation.get("createdAt")),
        updated_at: json::time(conversation.get("updatedAt")),
        trashed_at: json::time(conversation.get("trashedAt")),
        pinned: flag("pinned"),
        archived: flag("archived"),
        tags,
        metadata: given(&conversation, "metadata"),
        head,
        messages,
        uid: id.clone().unwrap_or_default(),
        ..Chat::default()
    };
    let own_source = given(&conversation, "source");
    let mapped = [
        "uid",
        "title",
        "brain",
        "pinned",
        "archived",
        "tags",
        "metadata",
        "head",
        "headUid",
        "headId",
        "messageCount",
    ];
    // A title that was too long stays; so do times and ids that were not understood.
    for key in mapped {
        if key != "title" || text(&conversation, key).is_none_or(|title| title == chat.title) {
            conversation.shift_remove(key);
        }
    }
    for key in ["createdAt", "updatedAt", "trashedAt"] {
        let value = conversation.get(key);
        if value.is_some_and(Value::is_null) || json::time(value).is_some() {
            conversation.shift_remove(key);
        }
    }
    if id.as_deref() == text(&conversation, "id") {
        conversation.shift_remove("id");
    }
    chat.source = match own_source {
        Some(source) => Some(source),
        None if conversation.is_empty() => None,
        None => json::source(format, id.as_deref(), conversation),
    };
    chat
}

fn given(object: &Object, key: &str) -> Option<JsonText> {
    object
        .get(key)
        .filter(|value| !value.is_null())
        .map(JsonText::of)
}

fn read_message(mut original: Object) -> Option<(Option<String>, Parent, Message)> {
    let said = text(&original, "role")?.to_owned();
    let known = [
        "user",
        "human",
        "assistant",
        "ai",
        "bot",
        "model",
        "system",
        "developer",
        "tool",
        "function",
    ];
    if !known.contains(&said.as_str()) {
        return None;
    }
    let mut message = Message {
        role: openai::role(&said),
        ..Message::default()
    };
    let parts = original.shift_remove("parts");
    let mut left = None;
    match (parts, original.shift_remove("content")) {
        (Some(Value::Array(parts)), _) | (_, Some(Value::Array(parts))) => {
            if !json::set_parts(&mut message, &parts) {
                left = Some(parts.into());
            }
        }
        (parts, Some(Value::String(content))) => {
            message.content = content;
            left = parts.filter(|parts| !parts.is_null());
        }
        (None | Some(Value::Null), Some(Value::Null)) => {}
        _ => return None,
    }
    message.created_at = json::time(original.get("createdAt"));
    if message.created_at.is_some() {
        original.shift_remove("createdAt");
    }
    message.status = name(&original, "status");
    message.model = name(&original, "model");
    message.finish_reason = name(&original, "finishReason");
    message.usage = given(&original, "usage");
    message.error = given(&original, "error");
    message.metadata = given(&original, "metadata");
    let id = name(&original, "uid").or_else(|| name(&original, "id"));
    let parent = parent_of(&original);
    let own_source = given(&original, "source");
    let mapped = [
        "uid",
        "status",
        "model",
        "finishReason",
        "usage",
        "error",
        "metadata",
        "parent",
        "parentUid",
        "source",
    ];
    for key in mapped {
        original.shift_remove(key);
    }
    if said == message.role.as_str() {
        original.shift_remove("role");
    }
    if id.as_deref() == text(&original, "id") {
        original.shift_remove("id");
    }
    message.source = match own_source {
        Some(source) => Some(source),
        None if original.is_empty() => None,
        None => json::source(FORMAT, id.as_deref(), original),
    };
    if let Some(parts) = left {
        json::keep(&mut message, FORMAT, "parts", parts);
    }
    Some((id, parent, message))
}

fn parent_of(message: &Object) -> Parent {
    match message.get("parent").or_else(|| message.get("parentUid")) {
        Some(Value::String(parent)) => Parent::Id(parent.clone()),
        Some(Value::Null) => Parent::Root,
        _ => Parent::Previous,
    }
}
