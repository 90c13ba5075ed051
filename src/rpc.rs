//! The requests a store answers, and the one place that hands each to its method.
//!
//! The same enum is read from a page's message (serde-wasm-bindgen) and from JSON in tests. Knows
//! no JavaScript, no SQL and no storage.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::{
    AddedMessage, Conversation, ConversationKey, ConversationPatch, ConversationQuery,
    DEFAULT_BRAIN, Message, MessageKey, MessageQuery, Operation, Role, fingerprint, query_or_limit,
};
use crate::store::Store;

/// A call, as it crosses: `{ method, params }`. Each variant is the method of [`Store`] of its name.
#[expect(missing_docs, reason = "the methods of Store document the parameters")]
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "method",
    content = "params",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Request {
    CreateConversation {
        title: String,
        #[serde(default)]
        brain: Option<String>,
    },
    AddMessage {
        conversation_id: ConversationKey,
        role: Role,
        content: String,
    },
    ListConversations {
        #[serde(default, deserialize_with = "query_or_limit")]
        query: ConversationQuery,
    },
    MessagesFor {
        conversation_id: ConversationKey,
        #[serde(default)]
        query: MessageQuery,
    },
    DeleteConversation {
        id: ConversationKey,
    },
    GetConversation {
        id: ConversationKey,
    },
    UpdateConversation {
        id: ConversationKey,
        patch: ConversationPatch,
    },
    GetMessage {
        id: MessageKey,
    },
}

/// What a call resolves to: what the method of [`Store`] returns.
#[expect(
    missing_docs,
    reason = "the methods of Store document what they return"
)]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// An id or a count of rows.
    Number(i64),
    Conversation(Option<Conversation>),
    Conversations(Vec<Conversation>),
    Message(Option<Message>),
    Messages(Vec<Message>),
    Added(AddedMessage),
    Nothing,
}

impl Response {
    /// About how many bytes of text it holds: what is long goes to another tab in one piece of
    /// text, not as a tree of values.
    pub fn weight(&self) -> usize {
        match self {
            Self::Messages(rows) => rows.iter().map(|row| 200 + row.content.len()).sum(),
            Self::Message(Some(row)) => row.content.len(),
            Self::Conversations(rows) => rows.iter().map(|row| 200 + row.title.len()).sum(),
            _ => 0,
        }
    }
}

impl Request {
    /// Stands for what it asks, if it changes something.
    pub(crate) fn fingerprint(&self) -> i64 {
        match self {
            Self::CreateConversation { title, brain } => fingerprint(&[
                b"createConversation",
                title.as_bytes(),
                brain.as_deref().unwrap_or(DEFAULT_BRAIN).as_bytes(),
            ]),
            Self::AddMessage {
                conversation_id,
                role,
                content,
            } => fingerprint(&[
                b"addMessage",
                conversation_id.to_string().as_bytes(),
                role.as_str().as_bytes(),
                content.as_bytes(),
            ]),
            Self::DeleteConversation { id } => {
                fingerprint(&[b"deleteConversation", id.to_string().as_bytes()])
            }
            Self::UpdateConversation { id, patch } => {
                let part = |field: &Option<String>| {
                    field.as_ref().map_or(String::new(), |it| format!("={it}"))
                };
                fingerprint(&[
                    b"updateConversation",
                    id.to_string().as_bytes(),
                    part(&patch.title).as_bytes(),
                    part(&patch.brain).as_bytes(),
                ])
            }
            Self::ListConversations { .. }
            | Self::MessagesFor { .. }
            | Self::GetConversation { .. }
            | Self::GetMessage { .. } => 0,
        }
    }
}

/// Carries a request out; one that changes something once, if it is an operation.
///
/// # Errors
/// Those of the method it names; `conflict` if the operation was another request's.
pub fn dispatch(
    store: &mut Store,
    request: Request,
    operation: Option<&Operation>,
) -> Result<Response> {
    let print = operation.map_or(0, |_| request.fingerprint());
    Ok(match request {
        Request::CreateConversation { title, brain } => {
            Response::Number(store.once(operation, print, |store| {
                store.create_conversation(&title, brain.as_deref())
            })?)
        }
        Request::AddMessage {
            conversation_id,
            role,
            content,
        } => Response::Added(store.once(operation, print, |store| {
            store.add_message(&conversation_id, role, &content)
        })?),
        Request::ListConversations { query } => {
            Response::Conversations(store.list_conversations(&query)?)
        }
        Request::MessagesFor {
            conversation_id,
            query,
        } => Response::Messages(store.messages_for(&conversation_id, &query)?),
        Request::DeleteConversation { id } => {
            Response::Number(store.once(operation, print, |store| store.delete_conversation(&id))?)
        }
        Request::GetConversation { id } => Response::Conversation(store.get_conversation(&id)?),
        Request::UpdateConversation { id, patch } => {
            store.once(operation, print, |store| {
                store.update_conversation(&id, &patch)
            })?;
            Response::Nothing
        }
        Request::GetMessage { id } => Response::Message(store.get_message(&id)?),
    })
}
