//! What a commit changed, as it is told to every tab.

use serde::{Deserialize, Serialize};
#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

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
    /// The text that it grew by, if that is all that happened.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub append: Option<Append>,
    /// The uid it had before, if it has another now.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "string"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_uid: Option<String>,
}

/// How the text of a message grew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct Append {
    /// The length of its content before, in UTF-16 units.
    pub offset: i64,
    /// What came; at most 64 KB, more is told without it.
    pub text: String,
}
