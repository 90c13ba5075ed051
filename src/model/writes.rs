//! What callers give to be kept, and what a call that keeps many things tells of it.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

use super::{Json, Message, MessageKey, Role, Status, present};
use crate::time::Timestamp;

/// What else a new conversation has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(
    default,
    rename_all = "camelCase",
    expecting = "a conversation's fields (an object)"
)]
pub struct NewConversation {
    /// Unique in the database, 1 to 1,000 bytes; a UUID is made if it is not given. Of a known one
    /// the row there is stands, unchanged.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub uid: Option<String>,
    /// Of one that `saveMessages` makes; '' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub title: Option<String>,
    /// Who answers.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub brain: Option<String>,
    /// When it was made; now if not given.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "string | number | Date")
    )]
    pub created_at: Option<Timestamp>,
    /// When its last message came; as `createdAt` if not given.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "string | number | Date")
    )]
    pub updated_at: Option<Timestamp>,
    /// Whether the app shows it first.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub pinned: Option<bool>,
    /// Whether it is put away.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub archived: Option<bool>,
    /// At most 100 words of at most 200 characters.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string[]"))]
    pub tags: Option<Vec<String>>,
    /// Any JSON value.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "unknown"))]
    pub metadata: Option<Json>,
}

/// A message to be kept. `content` is the text of the text parts: one of the two is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(
    default,
    rename_all = "camelCase",
    expecting = "a message's fields (an object)"
)]
pub struct NewMessage {
    /// A string is its uid, as AI SDK messages have it; a number (a row's own) is not looked at.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | number"))]
    #[serde(deserialize_with = "uid_in_id")]
    pub id: Option<String>,
    /// Unique in its conversation, 1 to 1,000 bytes; a UUID is made if it is not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub uid: Option<String>,
    /// Who said it.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "Role"))]
    pub role: Option<Role>,
    /// Its text.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    pub content: Option<String>,
    /// What it is made of.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "readonly (MessagePart | { type: string })[]")
    )]
    pub parts: Option<Json>,
    /// The message it follows; null: none. The head if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "MessageKey | null"))]
    #[serde(deserialize_with = "present")]
    pub parent_id: Option<Option<MessageKey>>,
    /// When it was said; now if not given, and not before its parent.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "string | number | Date")
    )]
    pub created_at: Option<Timestamp>,
    /// 'complete' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "Status"))]
    pub status: Option<Status>,
    /// The model that made it.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    #[serde(deserialize_with = "present")]
    pub model: Option<Option<String>>,
    /// What it cost.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "MessageUsage | null"))]
    #[serde(deserialize_with = "present")]
    pub usage: Option<Option<Json>>,
    /// Why its maker stopped.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    #[serde(deserialize_with = "present")]
    pub finish_reason: Option<Option<String>>,
    /// Why its maker failed: any JSON value.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "unknown"))]
    #[serde(deserialize_with = "present")]
    pub error: Option<Option<Json>>,
    /// The app's alone: any JSON value.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "unknown"))]
    #[serde(deserialize_with = "present")]
    pub metadata: Option<Option<Json>>,
    /// Where an importer or adapter had it from.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "MessageSource | null"))]
    #[serde(deserialize_with = "present")]
    pub source: Option<Option<Json>>,
    /// false: the path that is shown stays as it is.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub head: Option<bool>,
    /// Keep data: URLs over 16 KB as attachments, and references to them in their place.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub extract_blobs: Option<bool>,
}

impl NewMessage {
    /// The uid that its maker chose.
    pub fn given_uid(&self) -> Option<&str> {
        self.uid.as_deref().or(self.id.as_deref())
    }
}

/// What to change of a message. A field left out stays as it is, null clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "a patch (an object)")]
pub struct MessagePatch {
    /// Its text; replaces the parts by one text part.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    #[serde(deserialize_with = "present")]
    pub content: Option<String>,
    /// What it is made of; null: nothing.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "readonly (MessagePart | { type: string })[] | null")
    )]
    #[serde(deserialize_with = "present")]
    pub parts: Option<Option<Json>>,
    /// Where it stands.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "Status"))]
    #[serde(deserialize_with = "present")]
    pub status: Option<Status>,
    /// The model that made it.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    #[serde(deserialize_with = "present")]
    pub model: Option<Option<String>>,
    /// What it cost.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "MessageUsage | null"))]
    #[serde(deserialize_with = "present")]
    pub usage: Option<Option<Json>>,
    /// Why its maker stopped.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    #[serde(deserialize_with = "present")]
    pub finish_reason: Option<Option<String>>,
    /// Why its maker failed.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "unknown"))]
    #[serde(deserialize_with = "present")]
    pub error: Option<Option<Json>>,
    /// The app's alone.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "unknown"))]
    #[serde(deserialize_with = "present")]
    pub metadata: Option<Option<Json>>,
    /// Keep data: URLs over 16 KB as attachments.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub extract_blobs: bool,
}

/// How `saveMessages` saves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "options (an object)")]
pub struct ChatSaving {
    /// Make the conversation if it is absent: with these fields, or by default (true). Its uid is
    /// the one asked for.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "boolean | NewConversation")
    )]
    #[serde(deserialize_with = "creation")]
    pub create: Option<NewConversation>,
    /// The uid of the head that the caller last saw; null: none. `conflict` if another is there.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string | null"))]
    #[serde(deserialize_with = "present")]
    pub head: Option<Option<String>>,
    /// Keep data: URLs over 16 KB as attachments.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub extract_blobs: bool,
}

/// A message beside its siblings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    /// The sibling itself.
    #[serde(flatten)]
    pub message: Message,
    /// Whether it is on the path that is shown.
    pub on_path: bool,
    /// The last message below it: where `updateConversation(id, { head })` goes to show this
    /// branch. Of the branch that is shown it is the head.
    pub leaf_id: i64,
    /// Its uid.
    pub leaf_uid: String,
}

/// An attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct StoredBlob {
    /// `conversation-store:sha256-<hex>`: anywhere in parts, metadata or source it keeps the bytes.
    #[serde(rename = "ref")]
    pub reference: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub hash: String,
    /// Bytes.
    pub size: i64,
    /// Its media type, or ''.
    #[serde(rename = "type")]
    pub media_type: String,
}

/// What was wrong with rows, and is healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "kebab-case")]
pub enum Repair {
    /// A conversation that the other program made.
    AdoptedConversation,
    /// A message that the other program wrote, linked into the tree.
    AdoptedMessage,
    /// Messages without a conversation, which got one.
    Orphan,
    /// A time of a conversation that is none, or of another form.
    ConversationTime,
    /// The same of a message.
    Time,
    /// A parent that is not there, or of another conversation, or below the message itself.
    Parent,
    /// A head that is not there.
    Head,
    /// A wrong count of messages.
    Count,
    /// A conversation that seemed older than its last message.
    UpdatedAt,
    /// Parts, metadata or tags that are not what they should be; what was there is kept as text.
    Json,
    /// A content that its parts did not have: content stands, the parts are in `source`.
    Content,
    /// Bytes that are no text.
    Text,
    /// A message that was left streaming, and is now aborted.
    Stream,
}

/// What was healed of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct HealRepair {
    /// What was wrong.
    pub kind: Repair,
    /// Of how many rows.
    pub count: i64,
    /// Their ids, the first 1,000: of conversations for 'adopted-conversation', 'conversation-time', 'orphan', 'head',
    /// 'count' and 'updated-at', of messages for the others.
    pub ids: Vec<i64>,
}

/// What was healed since this was last asked, also when the database was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct HealReport {
    /// How many repairs there were.
    pub healed: i64,
    /// By kind.
    pub repairs: Vec<HealRepair>,
}

/// What a step of healing did, and where the next one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HealStep {
    /// What was healed since this was last asked.
    pub report: HealReport,
    /// The conversation up to which all is healed; `None`: all of them.
    pub next: Option<i64>,
}

impl HealReport {
    /// Adds a repair.
    pub fn add(&mut self, kind: Repair, id: i64) {
        self.healed += 1;
        let index = match self.repairs.iter().position(|it| it.kind == kind) {
            Some(index) => index,
            None => {
                self.repairs.push(HealRepair {
                    kind,
                    count: 0,
                    ids: Vec::new(),
                });
                self.repairs.len() - 1
            }
        };
        let repair = &mut self.repairs[index];
        repair.count += 1;
        if repair.ids.len() < 1_000 {
            repair.ids.push(id);
        }
    }
}

/// What an import does with what is known already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum ConflictRule {
    /// Known conversations stay as they are.
    Keep,
    /// Rows not touched here since their import take the file's version; others stay.
    #[default]
    Update,
    /// A known conversation comes once more, as a new one.
    Duplicate,
}

/// How a batch is imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ImportingOptions {
    /// Take the messages of all into this conversation.
    pub conversation_id: Option<super::ConversationKey>,
    /// What to do with what is known.
    pub conflict: ConflictRule,
}

/// A conversation on its way in or out, in the form that all formats are brought to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "as the fields of the rows")]
pub struct ImportedChat {
    pub uid: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "is_false")]
    pub pinned: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub archived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trashed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Json>,
    /// The last message if it is left out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub head: Option<Option<String>>,
    pub messages: Vec<ImportedMessage>,
}

/// A message of an [`ImportedChat`], after its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "as the fields of the rows")]
pub struct ImportedMessage {
    pub uid: String,
    /// The message before it if it is left out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub parent: Option<Option<String>>,
    pub role: Role,
    pub content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known_status"
    )]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Json>,
}

/// How many of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct Counts {
    /// Are new.
    pub created: i64,
    /// Took the file's version.
    pub updated: i64,
    /// Stayed as they were.
    pub skipped: i64,
    /// Could not be taken.
    pub failed: i64,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as the fields of the rows")]
pub struct ImportCounts {
    pub conversations: Counts,
    pub messages: Counts,
    pub ids: Vec<i64>,
    pub failures: Vec<ImportFailure>,
}

/// What an import could not take, or left as it is here, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as the fields of the rows")]
pub struct ImportFailure {
    pub kind: String,
    pub id: String,
    pub code: crate::error::ErrorCode,
    pub message: String,
}

/// One that this version does not know reads as complete.
fn known_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Status>, D::Error> {
    let status = Option::<String>::deserialize(deserializer)?;
    Ok(status.map(|status| Status::parse(&status)))
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn uid_in_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match MessageKey::deserialize(deserializer)? {
        MessageKey::Uid(uid) => Some(uid),
        _ => None,
    })
}

fn creation<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NewConversation>, D::Error> {
    struct CreationVisitor;

    impl<'de> Visitor<'de> for CreationVisitor {
        type Value = Option<NewConversation>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true, or a conversation's fields (an object)")
        }

        fn visit_bool<E: de::Error>(self, create: bool) -> Result<Self::Value, E> {
            Ok(create.then(NewConversation::default))
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            NewConversation::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(CreationVisitor)
}
