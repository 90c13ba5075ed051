//! What crosses the API: rows, roles, keys, queries, and the bounds each is held to.
//!
//! Every public type is written here once; its TypeScript declaration is generated from it. Knows
//! no SQL, no engine and no JavaScript value.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::time::Timestamp;

#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

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

/// Who said a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
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
    /// Moves when a message is added; never by a change of title or brain.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub updated_at: Timestamp,
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
    /// Who said it.
    pub role: Role,
    /// Its text.
    pub content: String,
    /// When it was added; never below the time of the message before it.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub created_at: Timestamp,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Names a message: by id, by uid, or by uid within its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
    /// Only those after this one in the list; the last row of the page before fits.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub after: Option<ConversationCursor>,
}

/// A place in the list of conversations: its exclusive lower end. A whole row fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
}

/// A place in a conversation: a message of it, by id or uid. A whole row fits. `id` wins where
/// both are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageCursor {
    /// By its id.
    Id(i64),
    /// By its uid.
    Uid(String),
}

/// What to change of a conversation. A field left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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

/// What a change is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A conversation.
    Conversation,
    /// A message.
    Message,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum ChangeOp {
    /// It is new.
    Insert,
    /// It has changed.
    Update,
    /// It is gone. A conversation takes its messages along, which are not told one by one.
    Delete,
}

/// A row that a commit changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct RowChange {
    /// What it is. Kinds may be added: ignore the unknown.
    pub kind: RowKind,
    /// What happened. Ops may be added: ignore the unknown.
    pub op: ChangeOp,
    /// Its id.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its conversation's id; of a conversation its own.
    pub conversation_id: i64,
    /// Its conversation's uid; of a conversation its own.
    pub conversation_uid: String,
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

/// Stands for a request, so that an operation is not taken for another's: FNV-1a of its parts
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>).
pub fn fingerprint(parts: &[&[u8]]) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for part in parts {
        // Its length first, so that ("ab", "c") is not ("a", "bc").
        for byte in part.len().to_le_bytes().iter().take(4).chain(*part) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash as i64
}

/// Where the caller wants the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum StorageOption {
    /// The best that this browser has; never memory.
    #[default]
    Auto,
    /// The origin private file system.
    Opfs,
    /// IndexedDB; not in this version.
    Indexeddb,
    /// Memory, gone with the page.
    Memory,
}

/// How to open a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "options (an object)")]
pub struct DatabaseOptions {
    /// 'auto' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub storage: StorageOption,
    /// 'strict' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub durability: Durability,
}

/// Where a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// The origin private file system.
    Opfs,
    /// IndexedDB.
    Indexeddb,
    /// Memory.
    Memory,
}

/// Whether this tab holds the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum TabRole {
    /// It does.
    Leader,
    /// Another tab does.
    Follower,
}

/// Where and how a database is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Where it is.
    pub storage: StorageKind,
    /// Whether this tab holds the files.
    pub role: TabRole,
    /// How soon an acknowledged write is safe.
    pub durability: Durability,
    /// SQLite's word: 'wal', or 'memory' in memory.
    pub journal_mode: String,
    /// SQLite's word: 'full' or 'normal'.
    pub synchronous: String,
    /// Whether the browser has promised not to evict this origin's data.
    pub persisted: bool,
    /// Bytes that this origin uses, as the browser estimates.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<f64>,
    /// Bytes that this origin may use, as the browser estimates.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<f64>,
    /// The engine's version.
    pub sqlite_version: String,
    /// The number of migrations the file has had.
    pub schema_version: i64,
    /// Of this package.
    pub version: String,
    /// Another tab runs a newer version of this package: calls reject with `outdated` until this
    /// page is reloaded.
    pub outdated: bool,
    /// Messages of other scripts and versions on this database's channels that were not understood.
    pub ignored_messages: u32,
}
