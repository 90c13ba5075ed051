//! `ConversationStore` for callers with their own worker (`conversation-store/wasm`).
//!
//! The binding holds no logic: each method names its request and submits it to a
//! [`Host`]. The page's class (src/client/index.ts) implements the interface that wasm-bindgen
//! generates from this one.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::channel::Reply;
use super::host::{Host, Opening};
use super::{fields, js};
use crate::error::StoreError;
use crate::tabs::CallId;

/// Conversations and messages in one SQLite database, in this worker.
///
/// Calls are carried out one at a time, in the order they were made. Errors are `Error`s with a
/// `code`.
#[wasm_bindgen]
pub struct ConversationStore {
    host: Host,
    last_call: Rc<Cell<CallId>>,
}

macro_rules! params {
    ($($name:literal: $value:expr),* $(,)?) => {{
        let params = Object::new();
        $(js::set(&params, $name, &JsValue::from($value));)*
        params
    }};
}

#[wasm_bindgen]
impl ConversationStore {
    /// Opens the database `name`, in OPFS unless `storage` says 'memory'. Waits while another
    /// worker has it.
    pub async fn open(
        #[wasm_bindgen(unchecked_param_type = "string")] name: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "DatabaseOptions")] options: JsValue,
    ) -> Result<ConversationStore, JsValue> {
        let params = params! {
            "name": name,
            "storage": js::get(&options, "storage"),
            "durability": js::get(&options, "durability"),
        };
        let opening: Opening = js::read(&params).map_err(|error| js_error(&error))?;
        let mut host = Err(StoreError::invalid("not asked yet"));
        let opened = answered(|answer| {
            host = Host::open(opening, 0, answer, |_| {});
        });
        let host = host.map_err(|error| js_error(&error))?;
        JsFuture::from(opened).await?;
        Ok(Self {
            host,
            last_call: Rc::default(),
        })
    }

    /// Makes a conversation and resolves to its id. `brain` defaults to 'claude'.
    #[wasm_bindgen(js_name = createConversation, unchecked_return_type = "number")]
    pub async fn create_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] title: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "string | NewConversation")] brain: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "NewConversation")] extra: JsValue,
    ) -> Result<JsValue, JsValue> {
        let (brain, extra) = if brain.is_object() {
            (JsValue::UNDEFINED, brain)
        } else {
            (brain, extra)
        };
        let extra = fields::to_text(&extra)?;
        let params = params! { "title": title, "brain": brain, "extra": extra };
        self.call("createConversation", params).await
    }

    /// Adds a message after the head of a conversation. `not-found` if there is no such
    /// conversation.
    #[wasm_bindgen(js_name = addMessage, unchecked_return_type = "AddedMessage")]
    pub async fn add_message(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Role")] role: JsValue,
        #[wasm_bindgen(unchecked_param_type = "string | readonly MessagePart[]")] content: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "NewMessage")] extra: JsValue,
    ) -> Result<JsValue, JsValue> {
        let mut extra = fields::to_text(&extra)?;
        let mut content = content;
        if Array::is_array(&content) {
            if !extra.is_object() {
                extra = Object::new().into();
            }
            js::set(extra.unchecked_ref(), "parts", &fields::text(&content)?);
            content = JsValue::UNDEFINED;
        }
        let params = params! {
            "conversationId": conversation_id,
            "role": role,
            "content": content,
            "extra": extra,
        };
        self.call("addMessage", params).await
    }

    /// Makes the path of a conversation exactly these messages.
    #[wasm_bindgen(js_name = saveMessages, unchecked_return_type = "AddedMessage[]")]
    pub async fn save_messages(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "readonly NewMessage[]")] messages: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "ChatSaving")] extra: JsValue,
    ) -> Result<JsValue, JsValue> {
        let messages = fields::to_texts(&messages)?;
        let params = params! {
            "conversationId": conversation_id,
            "messages": messages,
            "extra": extra,
        };
        self.call("saveMessages", params).await
    }

    /// Conversations by (updatedAt, id), newest first. A number is the limit.
    #[wasm_bindgen(js_name = listConversations, unchecked_return_type = "Conversation[]")]
    pub async fn list_conversations(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "number | ConversationQuery")]
        query: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.rows("listConversations", params! { "query": query })
            .await
    }

    /// Messages of a conversation, oldest first. No limit: all of them.
    #[wasm_bindgen(js_name = messagesFor, unchecked_return_type = "Message[]")]
    pub async fn messages_for(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "MessageQuery")] query: JsValue,
    ) -> Result<JsValue, JsValue> {
        let params = params! { "conversationId": conversation_id, "query": query };
        self.rows("messagesFor", params).await
    }

    /// Deletes a conversation with its messages, for good. Resolves to 0 or 1.
    #[wasm_bindgen(js_name = deleteConversation, unchecked_return_type = "number")]
    pub async fn delete_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.call("deleteConversation", params! { "id": id }).await
    }

    /// One conversation, or `undefined`.
    #[wasm_bindgen(js_name = getConversation, unchecked_return_type = "Conversation | undefined")]
    pub async fn get_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.rows("getConversation", params! { "id": id }).await
    }

    /// Changes a conversation; a field left out stays.
    #[wasm_bindgen(js_name = updateConversation)]
    pub async fn update_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "ConversationPatch")] patch: JsValue,
    ) -> Result<(), JsValue> {
        let params = params! { "id": id, "patch": fields::to_text(&patch)? };
        self.call("updateConversation", params).await?;
        Ok(())
    }

    /// Deletes for good what has been in the trash since before a time, or all of it.
    #[wasm_bindgen(js_name = emptyTrash, unchecked_return_type = "number")]
    pub async fn empty_trash(
        &self,
        #[wasm_bindgen(js_name = olderThan, unchecked_optional_param_type = "string | number | Date")]
        older_than: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.call("emptyTrash", params! { "olderThan": older_than })
            .await
    }

    /// Deletes everything.
    pub async fn clear(&self) -> Result<(), JsValue> {
        self.call("clear", Object::new()).await?;
        Ok(())
    }

    /// One message, or `undefined`.
    #[wasm_bindgen(js_name = getMessage, unchecked_return_type = "Message | undefined")]
    pub async fn get_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.rows("getMessage", params! { "id": id }).await
    }

    /// Changes a message; a field left out stays, null clears it.
    #[wasm_bindgen(js_name = updateMessage)]
    pub async fn update_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "MessagePatch")] patch: JsValue,
    ) -> Result<(), JsValue> {
        let params = params! { "id": id, "patch": fields::to_text(&patch)? };
        self.call("updateMessage", params).await?;
        Ok(())
    }

    /// Deletes a message; what followed it follows its parent. Resolves to 0 or 1.
    #[wasm_bindgen(js_name = deleteMessage, unchecked_return_type = "number")]
    pub async fn delete_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.call("deleteMessage", params! { "id": id }).await
    }

    /// Appends to the text of a message.
    #[wasm_bindgen(js_name = appendToMessage)]
    pub async fn append_to_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] text: JsValue,
    ) -> Result<(), JsValue> {
        let params = params! { "id": id, "text": text };
        self.call("appendToMessage", params).await?;
        Ok(())
    }

    /// A message beside its siblings.
    #[wasm_bindgen(unchecked_return_type = "Branch[]")]
    pub async fn branches(
        &self,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.rows("branches", params! { "id": id }).await
    }

    /// Copies the path to a message into a new conversation and resolves to its id.
    #[wasm_bindgen(unchecked_return_type = "number")]
    pub async fn fork(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "MessageKey")]
        message_id: JsValue,
    ) -> Result<JsValue, JsValue> {
        let params = params! { "conversationId": conversation_id, "messageId": message_id };
        self.call("fork", params).await
    }

    /// Looks at every row, or at one conversation's, and mends what is not right.
    #[wasm_bindgen(unchecked_return_type = "HealReport")]
    pub async fn heal(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_optional_param_type = "ConversationKey")]
        conversation_id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.call("heal", params! { "conversationId": conversation_id })
            .await
    }

    /// A consistent copy of the database, as a SQLite file.
    #[wasm_bindgen(unchecked_return_type = "Blob")]
    pub async fn backup(&self) -> Result<JsValue, JsValue> {
        self.call("backup", Object::new()).await
    }

    /// Replaces everything by what a SQLite file of this package or of the lesson holds.
    pub async fn restore(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Blob")] file: JsValue,
    ) -> Result<(), JsValue> {
        self.call("restore", params! { "file": file }).await?;
        Ok(())
    }

    /// Where and how the database is kept.
    #[wasm_bindgen(unchecked_return_type = "StoreStatus")]
    pub async fn status(&self) -> Result<JsValue, JsValue> {
        self.call("status", Object::new()).await
    }

    /// Writes everything to its place and gives the files back.
    pub async fn close(&self) -> Result<(), JsValue> {
        let call = self.next_call();
        let closed = answered(|answer| self.host.close(call, answer));
        JsFuture::from(closed).await?;
        Ok(())
    }
}

impl ConversationStore {
    fn next_call(&self) -> CallId {
        self.last_call.set(self.last_call.get().wrapping_add(1));
        self.last_call.get()
    }

    /// A call that gives rows: with their JSON read.
    fn rows(
        &self,
        method: &str,
        params: Object,
    ) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
        let answer = self.call(method, params);
        async move { fields::from_text(&answer.await?) }
    }

    fn call(
        &self,
        method: &str,
        params: Object,
    ) -> impl Future<Output = Result<JsValue, JsValue>> + use<> {
        let request = params! { "method": method, "params": params };
        let call = self.next_call();
        let answer = answered(|answer| self.host.call(call, request.into(), f64::INFINITY, answer));
        JsFuture::from(answer)
    }
}

/// A promise of an answer.
fn answered(ask: impl FnOnce(super::host::Answer)) -> Promise {
    let mut ask = Some(ask);
    Promise::new(&mut |resolve, reject| {
        if let Some(ask) = ask.take() {
            ask(Box::new(move |answer| {
                let _ = match answer {
                    Ok(Reply::Value(value)) => resolve.call1(&JsValue::UNDEFINED, &value),
                    // Only from another tab, and this one is alone.
                    Ok(_) => resolve.call0(&JsValue::UNDEFINED),
                    Err(error) => reject.call1(&JsValue::UNDEFINED, &js_error(&error)),
                };
            }));
        }
    })
}

/// An `Error` with a `code`.
pub(super) fn js_error(error: &StoreError) -> JsValue {
    let thrown = js_sys::Error::new(&error.message);
    thrown.set_name("ConversationStoreError");
    js::set(&thrown, "code", &js::get(&js::error_data(error), "code"));
    thrown.into()
}

#[wasm_bindgen(typescript_custom_section)]
const KEYS: &str = r#"
/** Names a conversation: a number is its id, a string its uid, never converted ('12' is a uid). */
export type ConversationKey = number | string;
/** Names a message: by id, by uid, or by uid within its conversation. */
export type MessageKey = number | string | { conversationId: ConversationKey; uid: string };
/** A place in a conversation: a message of it. A whole row fits. */
export type MessageCursor = { id: number } | { uid: string };
/** A part of a message. Kinds that this package does not know are kept as they are. */
export interface MessagePart { type: string; [key: string]: unknown }
/** What a message cost, in tokens, and whatever else was given. */
export interface MessageUsage { inputTokens?: number; outputTokens?: number; [key: string]: unknown }
/** Where an importer or adapter had a message from. */
export interface MessageSource { format?: string; id?: string; data?: unknown; [key: string]: unknown }
"#;
