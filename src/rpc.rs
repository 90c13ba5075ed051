//! The requests a store answers, and the one place that hands each to its method.
//!
//! The same enum is read from a page's message (serde-wasm-bindgen) and from JSON in tests. Knows
//! no JavaScript, no SQL and no storage.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::model::{
    AddedMessage, Conversation, ConversationKey, ConversationPatch, ConversationQuery, Message,
    MessageKey, MessageQuery, Role, query_or_limit,
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

/// Carries a request out.
///
/// # Errors
/// Those of the method it names.
pub fn dispatch(store: &mut Store, request: Request) -> Result<Response> {
    Ok(match request {
        Request::CreateConversation { title, brain } => {
            Response::Number(store.create_conversation(&title, brain.as_deref())?)
        }
        Request::AddMessage {
            conversation_id,
            role,
            content,
        } => Response::Added(store.add_message(&conversation_id, role, &content)?),
        Request::ListConversations { query } => {
            Response::Conversations(store.list_conversations(&query)?)
        }
        Request::MessagesFor {
            conversation_id,
            query,
        } => Response::Messages(store.messages_for(&conversation_id, &query)?),
        Request::DeleteConversation { id } => Response::Number(store.delete_conversation(&id)?),
        Request::GetConversation { id } => Response::Conversation(store.get_conversation(&id)?),
        Request::UpdateConversation { id, patch } => {
            store.update_conversation(&id, &patch)?;
            Response::Nothing
        }
        Request::GetMessage { id } => Response::Message(store.get_message(&id)?),
    })
}
