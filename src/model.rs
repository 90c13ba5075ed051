//! What crosses the API: rows, roles, keys, queries, and the bounds each is held to.
//!
//! Every public type is written here once; its TypeScript declaration is generated from it. Knows
//! no SQL, no engine and no JavaScript value.

mod changes;
mod damage;
mod search;
mod status;
mod writes;

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::json;
use crate::time::Timestamp;

#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

pub use changes::{Append, ChangeOp, RowChange, RowKind};
pub use damage::{IntegrityReport, IntegrityStep, SalvageLoss, SalvageReport, Salvaged};
pub use search::{
    DEFAULT_HITS, HitKind, MAX_SEARCH, MessageInfo, SearchHit, SearchOrder, SearchQuery,
};
pub use status::{DatabaseOptions, StorageKind, StorageOption, StoreStatus, TabRole};
pub use writes::{
    Branch, ChatSaving, ConflictRule, Counts, HealRepair, HealReport, HealStep, ImportCounts,
    ImportFailure, ImportedChat, ImportedMessage, ImportingOptions, MessagePatch, NewConversation,
    NewMessage, Repair, StoredBlob,
};

/// Highest integer that a JavaScript number holds exactly, 2^53 - 1; ids go no higher.
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;
/// Longest title, in characters (Unicode code points).
pub const MAX_TITLE: usize = 10_000;
/// Longest brain, in characters (Unicode code points).
pub const MAX_BRAIN: usize = 1_000;
/// Longest message, in bytes of UTF-8.
pub const MAX_CONTENT: usize = 100_000_000;
/// Largest page of rows.
pub const MAX_LIMIT: u32 = 1_000_000;
/// Page size of `listConversations` where none is given, the lesson's.
pub const DEFAULT_LIMIT: u32 = 50;
/// Who answers where no brain is given, the lesson's.
pub const DEFAULT_BRAIN: &str = "claude";
/// Most tags of a conversation.
pub const MAX_TAGS: usize = 100;
/// Longest tag, in characters (Unicode code points).
pub const MAX_TAG: usize = 200;
/// Longest uid, in bytes of UTF-8.
pub const MAX_UID: usize = 1_000;

/// Who said a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    #[default]
    User,
    /// The brain that answers.
    Assistant,
    /// Instructions to the brain.
    System,
}

impl Role {
    /// As the file and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::System => "system",
        }
    }
}

/// Where a message stands. A status that the file has and this version does not know reads as
/// complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All of it is there.
    #[default]
    Complete,
    /// Its text grows; it belongs to the tab that last wrote it.
    Streaming,
    /// It waits for a person's approval. Never healed.
    Waiting,
    /// It was ended before it was complete; what came is kept.
    Aborted,
    /// Its maker failed; see `error`.
    Error,
}

impl Status {
    /// As the file and the API spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Streaming => "streaming",
            Self::Waiting => "waiting",
            Self::Aborted => "aborted",
            Self::Error => "error",
        }
    }

    /// From that spelling.
    pub fn parse(text: &str) -> Self {
        match text {
            "streaming" => Self::Streaming,
            "waiting" => Self::Waiting,
            "aborted" => Self::Aborted,
            "error" => Self::Error,
            _ => Self::Complete,
        }
    }
}

/// A JSON text. Values that are the app's cross as text, made and read on the page.
pub type Json = String;

/// A chat, as lists and `getConversation` give it. Times are ISO 8601 in UTC, with milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// A safe integer, never given twice by one database.
    pub id: i64,
    /// Unique in the database and stable across files.
    pub uid: String,
    /// At most 10,000 characters.
    pub title: String,
    /// Who answers: free text.
    pub brain: String,
    /// When it was made.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub created_at: Timestamp,
    /// Moves when a message is added, edited or ends streaming; never by a change of the
    /// conversation itself.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub updated_at: Timestamp,
    /// Whether the app shows it first.
    pub pinned: bool,
    /// Whether it is put away: lists leave it out unless asked.
    pub archived: bool,
    /// Since when it is in the trash; null: it is not.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub trashed_at: Option<Timestamp>,
    /// Words of the app's.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string[]"))]
    #[serde(serialize_with = "json::spliced")]
    pub tags: Option<Json>,
    /// The app's alone; null if there is none.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "unknown"))]
    #[serde(serialize_with = "json::spliced")]
    pub metadata: Option<Json>,
    /// The last message of the path that is shown; null in a chat without messages.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "number | null"))]
    pub head_id: Option<i64>,
    /// Its uid.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub head_uid: Option<String>,
    /// How many messages it has, those of all branches.
    pub message_count: i64,
}

/// A message, as `messagesFor` and `getMessage` give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// A safe integer, never given twice by one database.
    pub id: i64,
    /// Unique in its conversation and stable across files.
    pub uid: String,
    /// The id of its conversation.
    pub conversation_id: i64,
    /// The uid of its conversation.
    pub conversation_uid: String,
    /// The message it answers or follows; null: it is a first one.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "number | null"))]
    pub parent_id: Option<i64>,
    /// Its uid.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub parent_uid: Option<String>,
    /// Who said it.
    pub role: Role,
    /// The text of its parts of type 'text', joined by a blank line.
    pub content: String,
    /// What it is made of; one text part of `content`, or none, where it was given as text.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "MessagePart[]"))]
    #[serde(serialize_with = "json::spliced")]
    pub parts: Option<Json>,
    /// When it was added.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub created_at: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// The model that made it.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub model: Option<String>,
    /// What it cost.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "MessageUsage | null"))]
    #[serde(serialize_with = "json::spliced")]
    pub usage: Option<Json>,
    /// Why its maker stopped.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub finish_reason: Option<String>,
    /// Why its maker failed: any JSON value.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "unknown"))]
    #[serde(serialize_with = "json::spliced")]
    pub error: Option<Json>,
    /// The app's alone: any JSON value.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "unknown"))]
    #[serde(serialize_with = "json::spliced")]
    pub metadata: Option<Json>,
    /// Where an importer or adapter had it from.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "MessageSource | null"))]
    #[serde(serialize_with = "json::spliced")]
    pub source: Option<Json>,
}

/// What `addMessage` resolves to: the new row's keys and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct AddedMessage {
    /// Its id.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its time.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub created_at: Timestamp,
}

/// Names a conversation: a number is an id, a string a uid, never converted ('12' is a uid).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConversationKey {
    /// By its id.
    Id(i64),
    /// By its uid.
    Uid(String),
}

impl fmt::Display for ConversationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id {id}"),
            Self::Uid(uid) => write!(f, "uid '{uid}'"),
        }
    }
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id {id}"),
            Self::Uid(uid) | Self::InConversation { uid, .. } => write!(f, "uid '{uid}'"),
        }
    }
}

/// Names a message: by id, by uid, or by uid within its conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MessageKey {
    /// By its id.
    Id(i64),
    /// `conflict` if messages of two conversations have it.
    Uid(String),
    /// By its uid within its conversation.
    InConversation {
        /// Its conversation.
        conversation: ConversationKey,
        /// Its uid.
        uid: String,
    },
}

/// Which conversations, from where, how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Hash)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "a query (an object)")]
pub struct ConversationQuery {
    /// At most so many, 1 to 1,000,000; 50 if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(deserialize_with = "optional_limit")]
    pub limit: Option<u32>,
    /// Only those of this brain.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub brain: Option<String>,
    /// Only those with this tag.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub tag: Option<String>,
    /// Only those that are pinned, or are not.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    #[serde(deserialize_with = "present")]
    pub pinned: Option<bool>,
    /// Only those that are archived, or are not; false if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean | 'any'"))]
    pub archived: Whether,
    /// Only those in the trash, or not in it; false if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean | 'any'"))]
    pub trashed: Whether,
    /// Only those after this one in the list; the last row of the page before fits.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub after: Option<ConversationCursor>,
}

/// A condition that may be waived: false (the default), true or 'any'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Whether {
    /// Not so.
    #[default]
    No,
    /// So.
    Yes,
    /// Either.
    Any,
}

impl<'de> Deserialize<'de> for Whether {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WhetherVisitor;

        impl Visitor<'_> for WhetherVisitor {
            type Value = Whether;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false or 'any'")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Whether, E> {
                Ok(if value { Whether::Yes } else { Whether::No })
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Whether, E> {
                match value {
                    "any" => Ok(Whether::Any),
                    _ => Err(E::invalid_value(de::Unexpected::Str(value), &self)),
                }
            }
        }

        deserializer.deserialize_any(WhetherVisitor)
    }
}

/// A place in the list of conversations: its exclusive lower end. A whole row fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Hash)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(
    rename_all = "camelCase",
    expecting = "a conversation: an object with its id and updatedAt"
)]
pub struct ConversationCursor {
    /// The row's id.
    #[serde(deserialize_with = "id")]
    pub id: i64,
    /// The row's time.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | number | Date"))]
    pub updated_at: Timestamp,
}

/// Which messages of a conversation. `before` and `after` exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Hash)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "a query (an object)")]
pub struct MessageQuery {
    /// At most so many, 1 to 1,000,000; all if not given. With no cursor: the newest so many.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(deserialize_with = "optional_limit")]
    pub limit: Option<u32>,
    /// Only those before this message, those next to it first to be kept by `limit`.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub before: Option<MessageCursor>,
    /// Only those after this message.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub after: Option<MessageCursor>,
    /// 'all': those of every branch, parents before children; else those of the path to the head.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "'all'"))]
    pub branches: Option<Branches>,
    /// Give attachments as data: URLs instead of references.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub inline_blobs: bool,
}

/// Which branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Branches {
    /// All of them.
    All,
}

/// A place in a conversation: a message of it, by id or uid. A whole row fits. `id` wins where
/// both are given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MessageCursor {
    /// By its id.
    Id(i64),
    /// By its uid.
    Uid(String),
}

/// What to change of a conversation. A field left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Hash)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "a patch (an object)")]
pub struct ConversationPatch {
    /// A new title, at most 10,000 characters.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    #[serde(deserialize_with = "present")]
    pub title: Option<String>,
    /// A new brain, 1 to 1,000 characters.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    #[serde(deserialize_with = "present")]
    pub brain: Option<String>,
    /// Whether the app shows it first.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    #[serde(deserialize_with = "present")]
    pub pinned: Option<bool>,
    /// Whether it is put away.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    #[serde(deserialize_with = "present")]
    pub archived: Option<bool>,
    /// true puts it into the trash, false takes it out.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    #[serde(deserialize_with = "present")]
    pub trashed: Option<bool>,
    /// At most 100 words of at most 200 characters; null: none.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string[] | null"))]
    #[serde(deserialize_with = "present")]
    pub tags: Option<Option<Vec<String>>>,
    /// Any JSON value; null: none.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "unknown"))]
    #[serde(deserialize_with = "present")]
    pub metadata: Option<Option<Json>>,
    /// The last message of the path to be shown; null: none.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "MessageKey | null"))]
    #[serde(deserialize_with = "present")]
    pub head: Option<Option<MessageKey>>,
}

/// How soon an acknowledged write is safe. IndexedDB's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Flushed to the device before the call resolves: survives loss of power.
    #[default]
    Strict,
    /// Handed to the operating system before the call resolves: survives a crash of the tab or
    /// the browser; loss of power may take the last moments, never the database.
    Relaxed,
}

/// A title within bounds.
///
/// # Errors
/// `invalid-argument` over [`MAX_TITLE`] characters.
pub fn check_title(title: &str) -> Result<()> {
    let length = title.chars().count();
    if length > MAX_TITLE {
        return Err(StoreError::invalid(format!(
            "title has {length} characters; at most {MAX_TITLE} are kept: shorten it"
        )));
    }
    Ok(())
}

/// A brain within bounds.
///
/// # Errors
/// `invalid-argument` if it is empty or has over [`MAX_BRAIN`] characters.
pub fn check_brain(brain: &str) -> Result<()> {
    let length = brain.chars().count();
    if !(1..=MAX_BRAIN).contains(&length) {
        return Err(StoreError::invalid(format!(
            "brain has {length} characters; give 1 to {MAX_BRAIN}, or leave it out for '{DEFAULT_BRAIN}'"
        )));
    }
    Ok(())
}

/// A message text within bounds.
///
/// # Errors
/// `invalid-argument` over [`MAX_CONTENT`] bytes of UTF-8.
pub fn check_content(content: &str) -> Result<()> {
    if content.len() > MAX_CONTENT {
        return Err(StoreError::invalid(format!(
            "content has {} bytes; at most {MAX_CONTENT} are kept: split it",
            content.len()
        )));
    }
    Ok(())
}

/// A uid within bounds.
///
/// # Errors
/// `invalid-argument` if it is empty or has over [`MAX_UID`] bytes.
pub fn check_uid(uid: &str) -> Result<()> {
    if !(1..=MAX_UID).contains(&uid.len()) {
        return Err(StoreError::invalid(format!(
            "uid has {} bytes; give 1 to {MAX_UID}, or leave it out",
            uid.len()
        )));
    }
    Ok(())
}

/// Tags within bounds, as JSON; `None` if there are none.
///
/// # Errors
/// `invalid-argument` over [`MAX_TAGS`], or for one that is empty or over [`MAX_TAG`] characters.
pub fn tags_json(tags: &[String]) -> Result<Option<Json>> {
    if tags.len() > MAX_TAGS {
        return Err(StoreError::invalid(format!(
            "tags: there are {}; at most {MAX_TAGS} are kept",
            tags.len()
        )));
    }
    for tag in tags {
        let length = tag.chars().count();
        if !(1..=MAX_TAG).contains(&length) {
            return Err(StoreError::invalid(format!(
                "tags: one has {length} characters; give 1 to {MAX_TAG}"
            )));
        }
    }
    let texts: Vec<_> = tags.iter().map(|tag| json_string(tag)).collect();
    Ok((!texts.is_empty()).then(|| format!("[{}]", texts.join(","))))
}

/// A text as JSON writes it (RFC 8259, section 7), as `JSON.stringify` does.
pub fn json_string(text: &str) -> Json {
    let mut json = String::with_capacity(text.len() + 2);
    json::push_string(&mut json, text);
    json
}

fn check_id<E: de::Error>(id: i64) -> Result<i64, E> {
    if (1..=MAX_SAFE_INTEGER).contains(&id) {
        Ok(id)
    } else {
        Err(E::custom(format_args!(
            "{id} is no id: ids are whole numbers from 1 to {MAX_SAFE_INTEGER}"
        )))
    }
}

/// Takes a whole number however the caller's format holds it.
struct WholeNumber {
    what: &'static str,
}

impl Visitor<'_> for WholeNumber {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        if number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER as f64 {
            Ok(number as i64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
}

const ID: WholeNumber = WholeNumber {
    what: "an id: a whole number from 1 to 9007199254740991",
};

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    check_id(deserializer.deserialize_any(ID)?)
}

fn limit<E: de::Error>(number: i64) -> Result<u32, E> {
    u32::try_from(number)
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or_else(|| {
            E::custom(format_args!(
                "{number} is no limit: give a whole number from 1 to {MAX_LIMIT}"
            ))
        })
}

fn optional_limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = deserializer.deserialize_any(WholeNumber {
        what: "a limit: a whole number from 1 to 1000000",
    })?;
    limit(number).map(Some)
}

/// A field that may be left out, but not be null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for ConversationKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match MessageKey::deserialize(deserializer)? {
            MessageKey::Id(id) => Self::Id(id),
            MessageKey::Uid(uid) => Self::Uid(uid),
            MessageKey::InConversation { .. } => {
                return Err(de::Error::custom(
                    "a conversation is named by its id (a number) or its uid (a string)",
                ));
            }
        })
    }
}

impl<'de> Deserialize<'de> for MessageKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = MessageKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id (a whole number from 1) or a uid (a string)")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<MessageKey, E> {
                check_id(number).map(MessageKey::Id)
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<MessageKey, E> {
                ID.visit_u64(number).and_then(|id| self.visit_i64(id))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<MessageKey, E> {
                ID.visit_f64(number).and_then(|id| self.visit_i64(id))
            }

            fn visit_str<E: de::Error>(self, uid: &str) -> Result<MessageKey, E> {
                Ok(MessageKey::Uid(uid.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<MessageKey, A::Error> {
                #[derive(Deserialize)]
                #[serde(rename_all = "camelCase")]
                struct InConversation {
                    conversation_id: ConversationKey,
                    uid: String,
                }

                let key = InConversation::deserialize(MapAccessDeserializer::new(map))?;
                Ok(MessageKey::InConversation {
                    conversation: key.conversation_id,
                    uid: key.uid,
                })
            }
        }

        deserializer.deserialize_any(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for MessageCursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(expecting = "a message: an object with its id or its uid")]
        struct Keys {
            #[serde(default, deserialize_with = "optional_id")]
            id: Option<i64>,
            #[serde(default)]
            uid: Option<String>,
        }

        fn optional_id<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<i64>, D::Error> {
            id(deserializer).map(Some)
        }

        match Keys::deserialize(deserializer)? {
            Keys { id: Some(id), .. } => Ok(Self::Id(id)),
            Keys { uid: Some(uid), .. } => Ok(Self::Uid(uid)),
            _ => Err(de::Error::custom(
                "a cursor is a message: an object with its id or its uid",
            )),
        }
    }
}

/// `listConversations` takes a number as the limit.
pub(crate) fn query_or_limit<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ConversationQuery, D::Error> {
    struct QueryVisitor;

    impl<'de> Visitor<'de> for QueryVisitor {
        type Value = ConversationQuery;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a limit (a whole number from 1 to 1000000) or a query (an object)")
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<ConversationQuery, E> {
            Ok(ConversationQuery {
                limit: Some(limit(number)?),
                ..ConversationQuery::default()
            })
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<ConversationQuery, E> {
            self.visit_i64(i64::try_from(number).unwrap_or(i64::MAX))
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<ConversationQuery, E> {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ConversationQuery, A::Error> {
            ConversationQuery::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(QueryVisitor)
}

/// Under which a call that changes something is known, so that it is carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// By a name that the caller gave.
    Named {
        /// 1 to 1,000 characters.
        name: String,
    },
    /// By a tab's own count.
    Own {
        /// The tab. Not of its own word: whoever serves knows who asks.
        tab: String,
        /// Its count.
        number: i64,
        /// It has the answers of all up to this one ...
        done: i64,
        /// ... but for these, which timed out: their records are kept by the name "tab/number".
        open: Vec<i64>,
    },
}

/// Stands for a value, so that one is not taken for another: FNV-1a
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>) of what its `Hash` writes. The same in one build.
pub fn fingerprint(value: &impl Hash) -> i64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish() as i64
}

/// The same of texts, in every build: for what is kept in a file.
pub fn stable_print(texts: &[Option<&str>]) -> i64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    for text in texts {
        match text {
            // Its length first, so that ("ab", "c") is not ("a", "bc").
            Some(text) => {
                hasher.write(&(text.len() as u64 + 1).to_le_bytes());
                hasher.write(text.as_bytes());
            }
            None => hasher.write(&0_u64.to_le_bytes()),
        }
    }
    hasher.finish() as i64
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
