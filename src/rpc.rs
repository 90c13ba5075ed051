//! The requests a store answers, and the one place that hands each to its method.
//!
//! The same enum is read from a page's message (src/wasm/read.rs) and from JSON in tests. Knows
//! no JavaScript, no SQL and no storage.

use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Result, StoreError};
use crate::model::{
    AddedMessage, Branch, ChatSaving, Conversation, ConversationKey, ConversationPatch,
    ConversationQuery, HealReport, HealStep, ImportCounts, ImportedChat, ImportingOptions,
    IntegrityReport, IntegrityStep, Message, MessageKey, MessagePatch, MessageQuery,
    NewConversation, NewMessage, Operation, Role, SearchHit, SearchQuery, StoredBlob, fingerprint,
    query_or_limit,
};
use crate::store::{Outcome, Store};
use crate::time::Timestamp;

/// A call, as it crosses: `{ [method]: params }`, which is read without a copy (a tag beside its content
/// is not). Each variant is the method of [`Store`] of its name.
#[expect(missing_docs, reason = "the methods of Store document the parameters")]
#[derive(Clone, Debug, Hash, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Request {
    CreateConversation {
        title: String,
        #[serde(default)]
        brain: Option<String>,
        #[serde(default)]
        extra: NewConversation,
    },
    AddMessage {
        conversation_id: ConversationKey,
        role: Role,
        #[serde(default)]
        content: Option<String>,
        #[serde(default)]
        extra: NewMessage,
    },
    SaveMessages {
        conversation_id: ConversationKey,
        messages: Vec<NewMessage>,
        #[serde(default)]
        extra: ChatSaving,
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
    EmptyTrash {
        #[serde(default)]
        older_than: Option<Timestamp>,
    },
    Clear {},
    GetMessage {
        id: MessageKey,
    },
    UpdateMessage {
        id: MessageKey,
        patch: MessagePatch,
    },
    DeleteMessage {
        id: MessageKey,
    },
    AppendToMessage {
        id: MessageKey,
        text: String,
        #[serde(default)]
        streaming: bool,
    },
    EndStreams {
        tab: String,
    },
    Branches {
        id: MessageKey,
    },
    Search {
        query: String,
        #[serde(default)]
        options: SearchQuery,
    },
    Fork {
        conversation_id: ConversationKey,
        message_id: MessageKey,
    },
    Heal {
        #[serde(default)]
        conversation_id: Option<ConversationKey>,
    },
    HealStep {
        #[serde(default)]
        after: i64,
    },
    IntegrityCheck {
        quick: bool,
    },
    IntegrityStep {
        quick: bool,
        at: (i64, i64),
    },
    ImportBatch {
        conversations: Vec<ImportedChat>,
        #[serde(default)]
        options: ImportingOptions,
    },
    ExportChat {
        id: ConversationKey,
    },
    GetBlob {
        hash: String,
    },
    GetBlobPiece {
        hash: String,
        offset: i64,
    },
    PutBlobPiece {
        hash: String,
        size: i64,
        #[serde(rename = "type")]
        media_type: String,
        offset: i64,
        bytes: Bytes,
    },
    DropBlob {
        hash: String,
    },
}

/// Bytes, as JavaScript has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;

        impl<'de> Visitor<'de> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes (a Uint8Array)")
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bytes, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = items.next_element()? {
                    bytes.push(byte);
                }
                Ok(Bytes(bytes))
            }
        }

        deserializer.deserialize_byte_buf(BytesVisitor)
    }
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
    Saved(Vec<AddedMessage>),
    Branches(Vec<Branch>),
    Hits(Vec<SearchHit>),
    Healed(HealReport),
    HealStep(HealStep),
    Integrity(IntegrityReport),
    IntegrityStep(IntegrityStep),
    Imported(ImportCounts),
    Exported(Option<ImportedChat>),
    Blob(Option<StoredBlob>),
    Bytes(Bytes),
    Nothing,
}

/// A request, and who asks.
#[derive(Debug)]
pub struct Call {
    /// What is asked.
    pub request: Request,
    /// Under which it is carried out once, if it changes something.
    pub operation: Option<Operation>,
    /// The tab that asks.
    pub tab: Option<String>,
}

/// Carries calls out, in order; several, which are to be operations, in one commit.
pub fn dispatch_all(store: &mut Store, calls: &[Call]) -> Vec<Outcome<Response>> {
    store.in_one_commit(calls, |store, call| {
        store.set_tab(call.tab.as_deref());
        carry_out(store, &call.request, call.operation.as_ref())
    })
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
    carry_out(store, &request, operation)
}

fn carry_out(
    store: &mut Store,
    request: &Request,
    operation: Option<&Operation>,
) -> Result<Response> {
    let print = operation.map_or(0, |_| fingerprint(request));
    Ok(match request {
        Request::CreateConversation {
            title,
            brain,
            extra,
        } => Response::Number(store.once(operation, print, |store| {
            store.create_conversation(title, brain.as_deref(), extra)
        })?),
        Request::AddMessage {
            conversation_id,
            role,
            content,
            extra,
        } => {
            if content.is_none() && extra.parts.is_none() {
                return Err(StoreError::invalid(
                    "content is missing: give a text or parts",
                ));
            }
            Response::Added(store.once(operation, print, |store| {
                store.add_message(conversation_id, *role, content.as_deref(), extra)
            })?)
        }
        Request::SaveMessages {
            conversation_id,
            messages,
            extra,
        } => {
            let mut saved = store.once(operation, print, |store| {
                store.save_messages(conversation_id, messages, extra)
            })?;
            store.complete_added(&mut saved)?;
            Response::Saved(saved)
        }
        Request::ListConversations { query } => {
            Response::Conversations(store.list_conversations(query)?)
        }
        Request::MessagesFor {
            conversation_id,
            query,
        } => Response::Messages(store.messages_for(conversation_id, query)?),
        Request::DeleteConversation { id } => {
            Response::Number(store.once(operation, print, |store| store.delete_conversation(id))?)
        }
        Request::GetConversation { id } => Response::Conversation(store.get_conversation(id)?),
        Request::UpdateConversation { id, patch } => {
            store.once(operation, print, |store| {
                store.update_conversation(id, patch)
            })?;
            Response::Nothing
        }
        Request::EmptyTrash { older_than } => {
            Response::Number(store.once(operation, print, |store| store.empty_trash(*older_than))?)
        }
        Request::Clear {} => {
            store.once(operation, print, Store::clear)?;
            Response::Nothing
        }
        Request::GetMessage { id } => Response::Message(store.get_message(id)?),
        Request::UpdateMessage { id, patch } => {
            store.once(operation, print, |store| store.update_message(id, patch))?;
            Response::Nothing
        }
        Request::DeleteMessage { id } => {
            Response::Number(store.once(operation, print, |store| store.delete_message(id))?)
        }
        Request::AppendToMessage {
            id,
            text,
            streaming,
        } => {
            store.once(operation, print, |store| {
                store.append_to_message(id, text, *streaming)
            })?;
            Response::Nothing
        }
        // What has ended does not end again.
        Request::EndStreams { tab } => {
            store.end_streams(tab)?;
            Response::Nothing
        }
        Request::Branches { id } => Response::Branches(store.branches(id)?),
        Request::Search { query, options } => Response::Hits(store.search(query, options)?),
        Request::Fork {
            conversation_id,
            message_id,
        } => Response::Number(store.once(operation, print, |store| {
            store.fork(conversation_id, message_id)
        })?),
        // Healing a healed file does nothing: it may be asked for again.
        Request::Heal { conversation_id } => {
            Response::Healed(store.heal(conversation_id.as_ref())?)
        }
        Request::HealStep { after } => Response::HealStep(store.heal_step(*after)?),
        Request::IntegrityCheck { quick } => Response::Integrity(store.integrity_check(*quick)?),
        Request::IntegrityStep { quick, at } => {
            Response::IntegrityStep(store.integrity_step(*quick, *at)?)
        }
        Request::ImportBatch {
            conversations,
            options,
        } => Response::Imported(store.once(operation, print, |store| {
            store.import_batch(conversations, options)
        })?),
        Request::ExportChat { id } => Response::Exported(store.export_chat(id)?),
        Request::GetBlob { hash } => Response::Blob(store.get_blob(hash)?),
        Request::GetBlobPiece { hash, offset } => {
            Response::Bytes(Bytes(store.get_blob_piece(hash, *offset)?))
        }
        // The bytes are named by their hash: the same piece is the same piece.
        Request::PutBlobPiece {
            hash,
            size,
            media_type,
            offset,
            bytes,
        } => {
            store.put_blob_piece(hash, *size, media_type, *offset, &bytes.0)?;
            Response::Nothing
        }
        Request::DropBlob { hash } => {
            store.drop_blob(hash)?;
            Response::Nothing
        }
    })
}
