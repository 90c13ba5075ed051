//! What goes between a file and the store: chats as a tree of messages, with what an app or another
//! program keeps beside them as JSON text; and what failed on the way.
//!
//! Knows no format. Of our own file it is the schema too: there the JSON stands as JSON, so that a
//! person can read it ([`crate::ours`]), and everywhere else as a string that nobody has to parse.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::time::Timestamp;

/// Longest title that the store takes, in characters.
pub const MAX_TITLE: usize = 10_000;
/// Longest brain that the store takes, in characters.
const MAX_BRAIN: usize = 1_000;
/// Most tags, and the longest one in characters.
const MAX_TAGS: usize = 100;
const MAX_TAG: usize = 200;
/// Longest uid, in bytes.
const MAX_UID: usize = 1_000;

/// Who said a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    #[default]
    User,
    /// Whatever answers.
    Assistant,
    /// Instructions.
    System,
}

impl Role {
    /// As files spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
        }
    }
}

/// JSON text. It crosses as a string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonText(pub String);

impl JsonText {
    /// The text of a value.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Self {
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".into()))
    }

    /// The value of the text, if it is JSON of a depth that can be read.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_str(&self.0).ok()
    }
}

/// A chat. `J` is how JSON of others stands in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(bound(serialize = "J: Serialize", deserialize = "J: Deserialize<'de>"))]
pub struct Chat<J = JsonText> {
    /// Its id in the file, or one derived from its content.
    pub uid: String,
    /// At most [`MAX_TITLE`] characters.
    pub title: String,
    /// Who answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brain: Option<String>,
    /// When it began.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient"
    )]
    pub created_at: Option<Timestamp>,
    /// When its last message was added or edited.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient"
    )]
    pub updated_at: Option<Timestamp>,
    /// Kept above the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// Out of the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// When it was put into the trash.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient"
    )]
    pub trashed_at: Option<Timestamp>,
    /// Free words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The app's.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub metadata: Option<J>,
    /// `{ format, id?, data }`: what the file said beyond this.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub source: Option<J>,
    /// The uid of the message that the chat is at; `Some(None)` for none; absent: the last one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    pub head: Option<Option<String>>,
    /// Parents before children, uids unique.
    pub messages: Vec<Message<J>>,
}

/// A message of a chat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[serde(bound(serialize = "J: Serialize", deserialize = "J: Deserialize<'de>"))]
pub struct Message<J = JsonText> {
    /// Its id in the file, or one derived from its place and content.
    pub uid: String,
    /// The uid of the message it follows; `Some(None)`: it begins the chat; absent: the one before.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "given"
    )]
    pub parent: Option<Option<String>>,
    /// Who said it.
    pub role: Role,
    /// The texts of its parts of type `text`, joined by a blank line.
    pub content: String,
    /// Its parts, an array; absent: one text part of `content`, or none if that is empty.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub parts: Option<J>,
    /// When it was said.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient"
    )]
    pub created_at: Option<Timestamp>,
    /// `complete` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub usage: Option<J>,
    /// Why the answer ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// What went wrong.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub error: Option<J>,
    /// The app's.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub metadata: Option<J>,
    /// `{ format, id?, data }`: what the file said beyond this.
    #[serde(
        default = "none",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "some"
    )]
    pub source: Option<J>,
}

/// At most as many characters.
pub fn cut(text: &mut String, most: usize) {
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
    }
}

/// Another for a uid that is too long, always the same one.
fn shorten(uid: &mut String) {
    if uid.len() > MAX_UID {
        *uid = crate::uid::Derivation::default().add(uid).uid();
    }
}

/// `#[serde(default)]` would ask of `J` what only `Option` needs.
fn none<J>() -> Option<J> {
    None
}

/// `null` is a value of the app's, and not absent.
fn some<'de, J: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<J>, D::Error> {
    J::deserialize(from).map(Some)
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What is no time is absent.
fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::String(text)) => Timestamp::parse(&text),
        Some(Value::Number(number)) => number.as_f64().and_then(crate::json::millis),
        _ => None,
    })
}

impl<J> Chat<J> {
    /// The same with its JSON in another form; `None` takes it away.
    pub fn map<K>(self, f: &mut impl FnMut(J) -> Option<K>) -> Chat<K> {
        Chat {
            metadata: self.metadata.and_then(&mut *f),
            source: self.source.and_then(&mut *f),
            messages: self
                .messages
                .into_iter()
                .map(|message| message.map(f))
                .collect(),
            uid: self.uid,
            title: self.title,
            brain: self.brain,
            created_at: self.created_at,
            updated_at: self.updated_at,
            pinned: self.pinned,
            archived: self.archived,
            trashed_at: self.trashed_at,
            tags: self.tags,
            head: self.head,
        }
    }
}

impl<J> Message<J> {
    /// The same with its JSON in another form; `None` takes it away.
    pub fn map<K>(self, f: &mut impl FnMut(J) -> Option<K>) -> Message<K> {
        Message {
            parts: self.parts.and_then(&mut *f),
            usage: self.usage.and_then(&mut *f),
            error: self.error.and_then(&mut *f),
            metadata: self.metadata.and_then(&mut *f),
            source: self.source.and_then(&mut *f),
            uid: self.uid,
            parent: self.parent,
            role: self.role,
            content: self.content,
            created_at: self.created_at,
            status: self.status,
            model: self.model,
            finish_reason: self.finish_reason,
        }
    }
}

impl Message {
    /// Its parts as values: those stored, or the one that its content stands for.
    pub fn part_values(&self) -> Vec<Value> {
        match self.parts.as_ref().map(JsonText::value) {
            Some(Some(Value::Array(parts))) => parts,
            Some(Some(other)) => vec![other],
            _ if self.content.is_empty() => Vec::new(),
            _ => vec![crate::json::text_part(&self.content)],
        }
    }

    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        let json = [
            &self.parts,
            &self.usage,
            &self.error,
            &self.metadata,
            &self.source,
        ];
        let json = json.into_iter().flatten().map(|text| text.0.len());
        self.content.len() + json.sum::<usize>() + 100
    }
}

impl Chat {
    /// About how many bytes it takes.
    pub fn weight(&self) -> usize {
        let source = self.source.as_ref().map_or(0, |text| text.0.len());
        200 + source + self.messages.iter().map(Message::weight).sum::<usize>()
    }

    /// Makes of what the store would refuse what it takes.
    pub fn tidy(&mut self) {
        if let Some(brain) = &mut self.brain {
            cut(brain, MAX_BRAIN);
        }
        cut(&mut self.title, MAX_TITLE);
        if let Some(tags) = &mut self.tags {
            tags.retain(|tag| !tag.is_empty());
            tags.truncate(MAX_TAGS);
            tags.iter_mut().for_each(|tag| cut(tag, MAX_TAG));
        }
        shorten(&mut self.uid);
        self.head.iter_mut().flatten().for_each(shorten);
        for message in &mut self.messages {
            shorten(&mut message.uid);
            message.parent.iter_mut().flatten().for_each(shorten);
            message.status = message.status.take().and_then(|status| {
                let known = match status.as_str() {
                    // Nobody writes it here.
                    "streaming" => "aborted",
                    "waiting" | "aborted" | "error" | "complete" => return Some(status),
                    _ => return None,
                };
                Some(known.to_owned())
            });
        }
    }

    /// The index of each message's parent.
    pub fn parents(&self) -> Vec<Option<usize>> {
        let places: crate::json::Numbers = self
            .messages
            .iter()
            .enumerate()
            .map(|(at, message)| (message.uid.clone(), at as u64))
            .collect();
        let parent = |(at, message): (usize, &Message)| match &message.parent {
            None => at.checked_sub(1),
            Some(None) => None,
            // Only what stands before it: a path has an end.
            Some(Some(uid)) => places
                .get(uid)
                .map(|parent| *parent as usize)
                .filter(|parent| *parent < at),
        };
        self.messages.iter().enumerate().map(parent).collect()
    }

    /// The messages from the first to the one that the chat is at.
    pub fn path(&self) -> Vec<&Message> {
        let head = match &self.head {
            None => self.messages.len().checked_sub(1),
            Some(None) => None,
            Some(Some(uid)) => self
                .messages
                .iter()
                .position(|message| message.uid == *uid)
                .or_else(|| self.messages.len().checked_sub(1)),
        };
        let parents = self.parents();
        let mut path = Vec::new();
        let mut next = head;
        while let Some(at) = next {
            path.push(&self.messages[at]);
            next = parents[at];
        }
        path.reverse();
        path
    }
}

impl From<Box<RawValue>> for JsonText {
    fn from(raw: Box<RawValue>) -> Self {
        Self(Box::<str>::from(raw).into_string())
    }
}

/// What went wrong: a subset of the package's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// An option or a value lies outside its bounds.
    InvalidArgument,
    /// The file, or a part of it, is of no kind that can be read.
    UnsupportedFormat,
    /// The bytes are damaged.
    Corrupt,
}

/// What a failure concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One conversation, which is not imported.
    Conversation,
    /// One message, which is not imported; the rest of its conversation is.
    Message,
    /// A file, from the place on.
    File,
}

/// Where in what was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The entry of a zip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Bytes from its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// Something that was not imported, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What it concerns.
    pub kind: Kind,
    /// Its id in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// To branch on.
    pub code: Code,
    /// For people.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// An error that ends a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// To branch on.
    pub code: Code,
    /// For people.
    pub message: String,
}

impl Error {
    /// An error.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// `invalid-argument`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// `unsupported-format`.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Code::UnsupportedFormat, message)
    }

    /// `corrupt`.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(Code::Corrupt, message)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
