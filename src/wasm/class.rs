//! `ConversationStore` for callers with their own worker (`conversation-store/wasm`).
//!
//! The binding holds no logic: each method names its request and submits it to a
//! [`Host`]. The page's class (src/client/index.ts) implements the interface that wasm-bindgen
//! generates from this one.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::channel::Reply;
use super::host::{Host, Opening};
use super::js;
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
        #[wasm_bindgen(unchecked_optional_param_type = "string")] brain: JsValue,
    ) -> Result<JsValue, JsValue> {
        let params = params! { "title": title, "brain": brain };
        self.call("createConversation", params).await
    }

    /// Adds a message at the end of a conversation. `not-found` if there is no such conversation.
    #[wasm_bindgen(js_name = addMessage, unchecked_return_type = "AddedMessage")]
    pub async fn add_message(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Role")] role: JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] content: JsValue,
    ) -> Result<JsValue, JsValue> {
        let params = params! {
            "conversationId": conversation_id,
            "role": role,
            "content": content,
        };
        self.call("addMessage", params).await
    }

    /// Conversations by (updatedAt, id), newest first. A number is the limit.
    #[wasm_bindgen(js_name = listConversations, unchecked_return_type = "Conversation[]")]
    pub async fn list_conversations(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "number | ConversationQuery")]
        query: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.call("listConversations", params! { "query": query })
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
        self.call("messagesFor", params).await
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
        self.call("getConversation", params! { "id": id }).await
    }

    /// Changes title or brain; a field left out stays.
    #[wasm_bindgen(js_name = updateConversation)]
    pub async fn update_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "ConversationPatch")] patch: JsValue,
    ) -> Result<(), JsValue> {
        let params = params! { "id": id, "patch": patch };
        self.call("updateConversation", params).await?;
        Ok(())
    }

    /// One message, or `undefined`.
    #[wasm_bindgen(js_name = getMessage, unchecked_return_type = "Message | undefined")]
    pub async fn get_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Result<JsValue, JsValue> {
        self.call("getMessage", params! { "id": id }).await
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
fn js_error(error: &StoreError) -> JsValue {
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
"#;
