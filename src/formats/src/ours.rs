//! Our own file, read and written: lines of JSON. Knows no other format.
//!
//! ```text
//! {"conversation-store":1,"exportedAt":"2026-01-31T12:00:00.000Z"}
//! {"uid":"…","title":"…","messages":[{"uid":"…","role":"user","content":"…"}]}
//! ```
//!
//! The first line names the version; a higher one than [`VERSION`] is refused. Each other line is a
//! [`Chat`], in which parts, usage, error, metadata and source stand as the JSON that they are.
//! Unknown fields of a later writer of the same version are passed over.
//!
//! With attachments it is a zip: the lines are `chats.ndjson`, a blob is `blobs/<SHA-256 in hex>`, and
//! `blobs.json` is `{ "<SHA-256 in hex>": { "type": "image/png", "size": 123 } }`.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::{Chat, Error, JsonText, Message};
use crate::json::{self, Object};
use crate::tree::{Node, Order, Parent, assemble};

/// How this format is called.
pub const FORMAT: &str = "ndjson";
/// The field of the first line.
pub const MARK: &str = "conversation-store";
/// What this code writes, and the highest it reads.
pub const VERSION: u64 = 1;
/// The lines in a zip.
pub const CHATS: &str = "chats.ndjson";
/// The types and sizes of the blobs in a zip.
pub const BLOBS: &str = "blobs.json";
/// The folder of the blobs in a zip.
pub const BLOB_FOLDER: &str = "blobs/";
/// How attachments are named in JSON.
pub const REFERENCE: &str = "conversation-store:sha256-";

/// Reads the first line. `None` if it is none.
pub fn header(line: &Object) -> Option<Result<(), Error>> {
    let version = line.get(MARK)?;
    Some(match version.as_u64() {
        Some(1..=VERSION) => Ok(()),
        _ => Err(Error::unsupported(format!(
            "the file is of version {version} and this package reads up to {VERSION}: update it"
        ))),
    })
}

/// Reads a line.
pub fn read(line: &str) -> Result<Chat, serde_json::Error> {
    let chat: Chat<Box<RawValue>> = serde_json::from_str(line)?;
    let mut chat = chat.map(&mut |raw| Some(JsonText::from(raw)));
    for message in &mut chat.messages {
        message.parts.take_if(|parts| parts.0 == "null");
        hold(message);
    }
    if !is_whole(&chat) {
        // Edited by hand.
        let messages = std::mem::take(&mut chat.messages).into_iter();
        let nodes = messages.map(|message| Node {
            id: Some(message.uid.clone()),
            parent: match &message.parent {
                None => Parent::Previous,
                Some(None) => Parent::Root,
                Some(Some(uid)) => Parent::Id(uid.clone()),
            },
            message: Some(message),
        });
        let head = chat.head.take().flatten();
        (chat.messages, chat.head) = assemble(nodes.collect(), head.as_deref(), Order::File);
    }
    Ok(chat)
}

/// Holds parts to what the store takes, and the content to them; as it was it stays in `source`.
fn hold(message: &mut Message) {
    let Some(given) = message.parts.as_ref().and_then(JsonText::value) else {
        return;
    };
    let content = match given.as_array() {
        Some(parts) if parts.iter().all(json::is_part) => {
            let content = json::content_of(parts);
            if content == message.content || message.content.is_empty() {
                message.content = content;
                return;
            }
            std::mem::replace(&mut message.content, content)
        }
        Some(parts) => {
            let content = std::mem::take(&mut message.content);
            json::set_parts(message, parts);
            content
        }
        None => {
            message.parts = None;
            message.content.clone()
        }
    };
    json::keep(message, FORMAT, "content", content.into());
    json::keep(message, FORMAT, "parts", given);
}

/// Whether uids are there and unique, and parents stand before children.
fn is_whole(chat: &Chat) -> bool {
    let mut known = json::Numbers::new();
    let messages = chat.messages.iter().all(|message| {
        let parent = match &message.parent {
            Some(Some(parent)) => known.contains_key(parent),
            _ => true,
        };
        parent && !message.uid.is_empty() && json::is_new(&mut known, &message.uid)
    });
    messages
        && chat
            .head
            .as_ref()
            .is_none_or(|head| head.as_ref().is_none_or(|head| known.contains_key(head)))
}

/// The first line.
pub fn write_header(exported_at: Option<&str>) -> String {
    let mut line = Object::new();
    line.insert(MARK.into(), VERSION.into());
    if let Some(time) = exported_at {
        line.insert("exportedAt".into(), time.into());
    }
    let mut line = Value::Object(line).to_string();
    line.push('\n');
    line
}

/// A line.
pub fn write(chat: Chat) -> Result<String, Error> {
    let chat = chat.map(&mut |text| Some(raw(text)));
    let line = serde_json::to_string(&chat);
    let mut line =
        line.map_err(|error| Error::corrupt(format!("a chat cannot be written: {error}")))?;
    line.push('\n');
    Ok(line)
}

/// JSON as it is, but on one line. What is no JSON becomes a string of it: nothing is lost.
fn raw(text: JsonText) -> Box<RawValue> {
    let mut text = text.0;
    if text.contains(['\n', '\r']) {
        // Within strings these do not stand.
        text = text.replace(['\n', '\r'], " ");
    }
    match RawValue::from_string(text.trim().to_owned()) {
        Ok(raw) => raw,
        Err(_) => serde_json::value::to_raw_value(&text).unwrap_or_default(),
    }
}

/// The hashes of the attachments that a text names.
pub fn references(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        while let Some(at) = json::find(text, REFERENCE) {
            text = &text[at + REFERENCE.len()..];
            if let Some(hash) = text.get(..64).filter(|hash| is_hash(hash)) {
                return Some(hash);
            }
        }
        None
    })
}

/// Whether it is a SHA-256 in hex.
pub fn is_hash(hash: &str) -> bool {
    hash.len() == 64
        && hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
