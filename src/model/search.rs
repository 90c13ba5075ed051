//! What `search` is asked and gives.

use serde::{Deserialize, Serialize};

use super::{
    Conversation, ConversationKey, Json, Message, Role, Status, Whether, optional_limit, present,
};
use crate::json;
use crate::time::Timestamp;

#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

/// Hits of a search where no limit is given.
pub const DEFAULT_HITS: u32 = 20;
/// Longest query, in bytes of UTF-8.
pub const MAX_SEARCH: usize = 10_000;

/// Which hits, in which order, from where, how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Hash)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(
    default,
    rename_all = "camelCase",
    expecting = "options of a search (an object)"
)]
pub struct SearchQuery {
    /// At most so many, 1 to 1,000,000; 20 if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(deserialize_with = "optional_limit")]
    pub limit: Option<u32>,
    /// Only those after the hit with this `cursor`, in a search for the same.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    #[serde(deserialize_with = "present")]
    pub after: Option<String>,
    /// Only in conversations of this brain.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    #[serde(deserialize_with = "present")]
    pub brain: Option<String>,
    /// Only in this conversation, also if it is archived or in the trash.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    #[serde(deserialize_with = "present")]
    pub conversation_id: Option<ConversationKey>,
    /// Only messages of this role; titles have none.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub role: Option<Role>,
    /// Only messages added at this time or later; of titles, conversations that moved since.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "string | number | Date")
    )]
    pub since: Option<Timestamp>,
    /// Only those added before this time; of titles, conversations that did not move since.
    #[cfg_attr(
        target_arch = "wasm32",
        tsify(optional, type = "string | number | Date")
    )]
    pub until: Option<Timestamp>,
    /// 'relevance' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub order: SearchOrder,
    /// Only in archived conversations, or in those that are not; false if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean | 'any'"))]
    pub archived: Whether,
    /// The best hit of each conversation, with how many hits that has.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "boolean"))]
    pub group: bool,
}

/// The order of hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum SearchOrder {
    /// Whole words and beginnings of words first, then by BM25, what is new a little before.
    #[default]
    Relevance,
    /// By time, newest first.
    Newest,
}

/// Where something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum HitKind {
    /// In the text of a message.
    Message,
    /// In the title of a conversation.
    Title,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct SearchHit {
    /// Where.
    pub kind: HitKind,
    /// The message, without its text; not of a title.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageInfo>,
    /// The conversation.
    pub conversation: Conversation,
    /// A piece of the text around what was found, as it stands there, cut between graphemes.
    pub snippet: String,
    /// What was found in `snippet`: begin and end, in UTF-16 units, ascending and apart.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "[start: number, end: number][]"))]
    pub ranges: Vec<(u32, u32)>,
    /// For `after`: its place among the hits.
    pub cursor: String,
    /// With `group`: how many hits its conversation has.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// A message without what is long: its text, parts and source.
#[expect(missing_docs, reason = "the fields are those of Message")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct MessageInfo {
    pub id: i64,
    pub uid: String,
    pub conversation_id: i64,
    pub conversation_uid: String,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "number | null"))]
    pub parent_id: Option<i64>,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub parent_uid: Option<String>,
    pub role: Role,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string"))]
    pub created_at: Timestamp,
    pub status: Status,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub model: Option<String>,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "MessageUsage | null"))]
    #[serde(serialize_with = "json::spliced")]
    pub usage: Option<Json>,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "string | null"))]
    pub finish_reason: Option<String>,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "unknown"))]
    #[serde(serialize_with = "json::spliced")]
    pub error: Option<Json>,
    #[cfg_attr(target_arch = "wasm32", tsify(type = "unknown"))]
    #[serde(serialize_with = "json::spliced")]
    pub metadata: Option<Json>,
}

impl From<Message> for MessageInfo {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            uid: message.uid,
            conversation_id: message.conversation_id,
            conversation_uid: message.conversation_uid,
            parent_id: message.parent_id,
            parent_uid: message.parent_uid,
            role: message.role,
            created_at: message.created_at,
            status: message.status,
            model: message.model,
            usage: message.usage,
            finish_reason: message.finish_reason,
            error: message.error,
            metadata: message.metadata,
        }
    }
}
