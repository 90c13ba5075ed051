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
use super::read::read;
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
    /// Opens the database `name` where it is, or makes it, in OPFS if it can be used; in memory if `storage` says
    /// 'memory'. Waits while another worker has it.
    pub async fn open(
        #[wasm_bindgen(unchecked_param_type = "string")] name: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "DatabaseOptions")] options: JsValue,
    ) -> Result<ConversationStore, JsValue> {
        let params = params! {
            "name": name,
            "storage": js::get(&options, "storage"),
            "durability": js::get(&options, "durability"),
        };
        let opening: Opening = read(&params).map_err(|error| js_error(&error))?;
        let mut host = Err(StoreError::invalid("not asked yet"));
        let opened = answered(
            |value| value,
            |answer| {
                host = Host::open(opening, 0, answer, Box::new(|_| {}));
            },
        );
        let host = host.map_err(|error| js_error(&error))?;
        JsFuture::from(opened).await?;
        Ok(Self {
            host,
            last_call: Rc::default(),
        })
    }

    /// Makes a conversation and resolves to its id. `brain` defaults to 'claude'.
    #[wasm_bindgen(js_name = createConversation, unchecked_return_type = "Promise<number>")]
    pub fn create_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] title: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "string | NewConversation")] brain: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "NewConversation")] extra: JsValue,
    ) -> Promise {
        let (brain, extra) = if brain.is_object() {
            (JsValue::UNDEFINED, brain)
        } else {
            (brain, extra)
        };
        let extra = fields::to_text(&extra);
        let params = params! { "title": title, "brain": brain, "extra": extra };
        self.call("createConversation", params)
    }

    /// Adds a message after the head of a conversation. `not-found` if there is no such
    /// conversation.
    #[wasm_bindgen(js_name = addMessage, unchecked_return_type = "Promise<AddedMessage>")]
    pub fn add_message(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Role")] role: JsValue,
        #[wasm_bindgen(unchecked_param_type = "string | readonly MessagePart[]")] content: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "NewMessage")] extra: JsValue,
    ) -> Promise {
        let mut extra = fields::to_text(&extra);
        let mut content = content;
        if Array::is_array(&content) {
            if !extra.is_object() {
                extra = Object::new().into();
            }
            js::set(extra.unchecked_ref(), "parts", &fields::text(&content));
            content = JsValue::UNDEFINED;
        }
        let params = params! {
            "conversationId": conversation_id,
            "role": role,
            "content": content,
            "extra": extra,
        };
        self.call("addMessage", params)
    }

    /// Makes the path of a conversation exactly these messages.
    #[wasm_bindgen(js_name = saveMessages, unchecked_return_type = "Promise<AddedMessage[]>")]
    pub fn save_messages(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "readonly NewMessage[]")] messages: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "ChatSaving")] extra: JsValue,
    ) -> Promise {
        let messages = fields::to_texts(&messages);
        let params = params! {
            "conversationId": conversation_id,
            "messages": messages,
            "extra": extra,
        };
        self.call("saveMessages", params)
    }

    /// Conversations by (updatedAt, id), newest first. A number is the limit.
    #[wasm_bindgen(js_name = listConversations, unchecked_return_type = "Promise<Conversation[]>")]
    pub fn list_conversations(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "number | ConversationQuery")]
        query: JsValue,
    ) -> Promise {
        self.rows("listConversations", params! { "query": query })
    }

    /// Messages of a conversation, oldest first. No limit: all of them.
    #[wasm_bindgen(js_name = messagesFor, unchecked_return_type = "Promise<Message[]>")]
    pub fn messages_for(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "MessageQuery")] query: JsValue,
    ) -> Promise {
        let params = params! { "conversationId": conversation_id, "query": query };
        self.rows("messagesFor", params)
    }

    /// Deletes a conversation with its messages, for good. Resolves to 0 or 1.
    #[wasm_bindgen(js_name = deleteConversation, unchecked_return_type = "Promise<number>")]
    pub fn delete_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
    ) -> Promise {
        self.call("deleteConversation", params! { "id": id })
    }

    /// One conversation, or `undefined`.
    #[wasm_bindgen(js_name = getConversation, unchecked_return_type = "Promise<Conversation | undefined>")]
    pub fn get_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
    ) -> Promise {
        self.rows("getConversation", params! { "id": id })
    }

    /// Changes a conversation; a field left out stays.
    #[wasm_bindgen(js_name = updateConversation, unchecked_return_type = "Promise<void>")]
    pub fn update_conversation(
        &self,
        #[wasm_bindgen(unchecked_param_type = "ConversationKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "ConversationPatch")] patch: JsValue,
    ) -> Promise {
        let params = params! { "id": id, "patch": fields::to_text(&patch) };
        self.call("updateConversation", params)
    }

    /// Deletes for good what has been in the trash since before a time, or all of it.
    #[wasm_bindgen(js_name = emptyTrash, unchecked_return_type = "Promise<number>")]
    pub fn empty_trash(
        &self,
        #[wasm_bindgen(js_name = olderThan, unchecked_optional_param_type = "string | number | Date")]
        older_than: JsValue,
    ) -> Promise {
        self.call("emptyTrash", params! { "olderThan": older_than })
    }

    /// Deletes everything.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn clear(&self) -> Promise {
        self.call("clear", Object::new())
    }

    /// One message, or `undefined`.
    #[wasm_bindgen(js_name = getMessage, unchecked_return_type = "Promise<Message | undefined>")]
    pub fn get_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Promise {
        self.rows("getMessage", params! { "id": id })
    }

    /// Changes a message; a field left out stays, null clears it.
    #[wasm_bindgen(js_name = updateMessage, unchecked_return_type = "Promise<void>")]
    pub fn update_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "MessagePatch")] patch: JsValue,
    ) -> Promise {
        let params = params! { "id": id, "patch": fields::to_text(&patch) };
        self.call("updateMessage", params)
    }

    /// Deletes a message; what followed it follows its parent. Resolves to 0 or 1.
    #[wasm_bindgen(js_name = deleteMessage, unchecked_return_type = "Promise<number>")]
    pub fn delete_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Promise {
        self.call("deleteMessage", params! { "id": id })
    }

    /// Appends to the text of a message.
    #[wasm_bindgen(js_name = appendToMessage, unchecked_return_type = "Promise<void>")]
    pub fn append_to_message(
        &self,
        #[wasm_bindgen(unchecked_param_type = "MessageKey")] id: JsValue,
        #[wasm_bindgen(unchecked_param_type = "string")] text: JsValue,
    ) -> Promise {
        let params = params! { "id": id, "text": text };
        self.call("appendToMessage", params)
    }

    /// A message beside its siblings.
    #[wasm_bindgen(unchecked_return_type = "Promise<Branch[]>")]
    pub fn branches(
        &self,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "MessageKey")] id: JsValue,
    ) -> Promise {
        self.rows("branches", params! { "id": id })
    }

    /// Looks for messages and titles.
    #[wasm_bindgen(unchecked_return_type = "Promise<SearchHit[]>")]
    pub fn search(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string")] query: JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "SearchQuery")] options: JsValue,
    ) -> Promise {
        let params = params! { "query": query, "options": options };
        self.ask("search", params, fields::complete_hits)
    }

    /// Copies the path to a message into a new conversation and resolves to its id.
    #[wasm_bindgen(unchecked_return_type = "Promise<number>")]
    pub fn fork(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_param_type = "ConversationKey")]
        conversation_id: JsValue,
        #[wasm_bindgen(js_name = messageId, unchecked_param_type = "MessageKey")]
        message_id: JsValue,
    ) -> Promise {
        let params = params! { "conversationId": conversation_id, "messageId": message_id };
        self.call("fork", params)
    }

    /// Looks at every row, or at one conversation's, and mends what is not right.
    #[wasm_bindgen(unchecked_return_type = "Promise<HealReport>")]
    pub fn heal(
        &self,
        #[wasm_bindgen(js_name = conversationId, unchecked_optional_param_type = "ConversationKey")]
        conversation_id: JsValue,
    ) -> Promise {
        self.call("heal", params! { "conversationId": conversation_id })
    }

    /// Looks for damage; nothing is written.
    #[wasm_bindgen(js_name = integrityCheck, unchecked_return_type = "Promise<IntegrityReport>")]
    pub fn integrity_check(
        &self,
        #[wasm_bindgen(unchecked_optional_param_type = "{ quick?: boolean }")] options: JsValue,
    ) -> Promise {
        let quick = js::get(&options, "quick").is_truthy();
        self.call("integrityCheck", params! { "quick": JsValue::from(quick) })
    }

    /// A consistent copy of the database, as a SQLite file.
    #[wasm_bindgen(unchecked_return_type = "Promise<Blob>")]
    pub fn backup(&self) -> Promise {
        self.call("backup", Object::new())
    }

    /// Replaces everything by what a SQLite file of this package or of the lesson holds.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn restore(&self, #[wasm_bindgen(unchecked_param_type = "Blob")] file: JsValue) -> Promise {
        self.call("restore", params! { "file": file })
    }

    /// Where and how the database is kept.
    #[wasm_bindgen(unchecked_return_type = "Promise<StoreStatus>")]
    pub fn status(&self) -> Promise {
        self.call("status", Object::new())
    }

    /// Writes everything to its place and gives the files back.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self) -> Promise {
        let call = self.next_call();
        answered(|value| value, |answer| self.host.close(call, answer))
    }
}

impl ConversationStore {
    fn next_call(&self) -> CallId {
        self.last_call.set(self.last_call.get().wrapping_add(1));
        self.last_call.get()
    }

    /// A call that gives rows.
    fn rows(&self, method: &str, params: Object) -> Promise {
        self.ask(method, params, fields::complete)
    }

    fn call(&self, method: &str, params: Object) -> Promise {
        self.ask(method, params, |value| value)
    }

    fn ask(&self, method: &str, params: Object, read: fn(JsValue) -> JsValue) -> Promise {
        let request = params! { "method": method, "params": params };
        let call = self.next_call();
        answered(read, |answer| {
            self.host.call(call, request.into(), f64::INFINITY, answer)
        })
    }
}

/// A promise of an answer. (Not an `async fn`: each of those brings machinery of its own.)
fn answered(read: fn(JsValue) -> JsValue, ask: impl FnOnce(super::host::Answer)) -> Promise {
    let mut ask = Some(ask);
    Promise::new(&mut |resolve, reject| {
        if let Some(ask) = ask.take() {
            ask(Box::new(move |answer| {
                let _ = match answer {
                    Ok(Reply::Value(value)) => resolve.call1(&JsValue::UNDEFINED, &read(value)),
                    Ok(reply) => match reply.json().and_then(|json| js::parse(&json)) {
                        Ok(value) => resolve.call1(&JsValue::UNDEFINED, &read(value)),
                        Err(error) => reject.call1(&JsValue::UNDEFINED, &js_error(&error)),
                    },
                    Err(error) => reject.call1(&JsValue::UNDEFINED, &js_error(&error)),
                };
            }));
        }
    })
}

/// An `Error` with a `code`, and `details` of a `quota-exceeded`: `{ usage, quota }`.
pub(super) fn js_error(error: &StoreError) -> JsValue {
    let thrown = js_sys::Error::new(&error.message);
    thrown.set_name("ConversationStoreError");
    let data = js::error_data(error);
    js::set(&thrown, "code", &js::get(&data, "code"));
    if error.space.is_some() {
        js::set(&thrown, "details", &js::get(&data, "space"));
    }
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
