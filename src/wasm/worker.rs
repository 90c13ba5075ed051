//! A port whose messages are a page's calls: a worker's global scope, or one end of a
//! `MessageChannel`.
//!
//! In: `{ id, method, params, timeout?, operation?, object? }`, `{ abort: id, forget }`,
//! `{ visible }`, `{ listen }`. Out: `{ id, value }`, `{ id, error: { code, message } }`, before either
//! `{ id, progress: "waiting" | "step" }`; `{ changes: { sequence, reset, changes } }` while it is
//! listened to; `{ status }`; `{ cleared: { code, message } }`, after which the worker is to be ended. What is not one number, text or Blob comes as `{ id, json }`: JSON, as a
//! string or, if it is long, as its bytes in UTF-8. Several that are told in one task come as one array. A
//! message that is none of these is ignored: it is not from this package.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use super::channel::Reply;
use super::directory::estimate;
use super::host::{self, Host, Notice};
use super::js;
use super::read::read;
use super::salvage::Session;
use crate::error::{ErrorCode, Result, StoreError};
use crate::tabs::CallId;

/// Answers the messages of `port` from now on, those of `waiting` first. For the package's own
/// worker: not part of the public interface.
#[wasm_bindgen]
pub fn serve(
    #[wasm_bindgen(unchecked_param_type = "object")] port: JsValue,
    #[wasm_bindgen(unchecked_param_type = "unknown[]")] waiting: Array,
) -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(|info| {
        // The trap that follows ends this worker; the page is told by its error event.
        let console = js::global(&["console"]);
        if let Ok(error) = js::get(&console, "error").dyn_into::<Function>() {
            let _ = error.call1(&console, &format!("conversation-store: {info}").into());
        }
    }));
    let server = Rc::new(Server {
        host: RefCell::default(),
        salvage: RefCell::default(),
        listening: Cell::default(),
        port: port.clone(),
        out: RefCell::new(Array::new()),
        handed: RefCell::new(Array::new()),
    });
    for message in waiting.iter() {
        server.receive(&message);
    }
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        server.receive(&event.data());
    });
    Reflect::set(&port, &"onmessage".into(), &on_message.into_js_value())?;
    Ok(())
}

struct Server {
    host: RefCell<Option<Host>>,
    salvage: RefCell<Option<Session>>,
    /// Whether the page wants to hear of changes.
    listening: Cell<bool>,
    port: JsValue,
    /// Told in this task: a message costs more than what is in it.
    out: RefCell<Array>,
    /// The buffers among it that go over as they are.
    handed: RefCell<Array>,
}

impl Server {
    fn receive(self: &Rc<Self>, message: &JsValue) {
        let host = self.host.borrow().clone();
        if let Some(listen) = js::get(message, "listen").as_bool() {
            self.listening.set(listen);
        } else if let Some(visible) = js::get(message, "visible").as_bool() {
            if let Some(host) = host {
                host.set_visible(visible);
            }
        } else if let Some(id) = js::get(message, "abort").as_f64() {
            if let Some(host) = host {
                host.abort(id as CallId, js::get(message, "forget").is_truthy());
            }
        } else if let Some(id) = js::get(message, "id").as_f64() {
            self.call(id as CallId, message, host);
        }
    }

    fn call(self: &Rc<Self>, id: CallId, message: &JsValue, host: Option<Host>) {
        let method = js::get(message, "method").as_string().unwrap_or_default();
        let answer = self.answer_of(id);
        let params = js::get(message, "params");
        match (method.as_str(), host) {
            ("open", None) => self.open(id, &params, answer),
            ("delete", None) => spawn_local(async move {
                let name = js::get(&params, "name").as_string().unwrap_or_default();
                let deleted = host::delete(&name).await;
                answer(deleted.map(|()| Reply::Value(JsValue::UNDEFINED)));
            }),
            ("salvage", None) => {
                let server = Rc::clone(self);
                spawn_local(async move {
                    let mut salvaged = server.salvage(id, &params).await;
                    if let Err(error) = &mut salvaged
                        && error.code == ErrorCode::QuotaExceeded
                    {
                        error.space = estimate().await;
                    }
                    answer(salvaged.map(Reply::Value));
                });
            }
            ("open" | "delete" | "salvage", Some(_)) => answer(Err(StoreError::conflict(
                "this worker already has a database open",
            ))),
            ("close", Some(host)) => host.close(id, answer),
            (_, Some(host)) => {
                let timeout = js::get(message, "timeout").as_f64();
                let timeout = timeout.unwrap_or(f64::INFINITY);
                host.call(id, message.clone(), timeout, answer);
            }
            (_, None) => answer(Err(host::closed())),
        }
    }

    fn open(self: &Rc<Self>, id: CallId, params: &JsValue, answer: host::Answer) {
        let (reply, server) = (self.answer_of(id), Rc::clone(self));
        let notify = Box::new(move |notice| server.tell(notice));
        let opened = read(params).and_then(|opening| Host::open(opening, id, reply, notify));
        match opened {
            Ok(host) => *self.host.borrow_mut() = Some(host),
            Err(error) => answer(Err(error)),
        }
    }

    /// A step of a salvage: `{ name }` begins it and gives the damaged files, `{ rows }` takes some in,
    /// `{ isWhole }` ends it and gives the report.
    async fn salvage(self: &Rc<Self>, id: CallId, params: &JsValue) -> Result<JsValue> {
        if let Some(name) = js::get(params, "name").as_string() {
            let (session, files) = Session::begin(&name).await?;
            *self.salvage.borrow_mut() = Some(session);
            return Ok(files.into());
        }
        let mut session = self.salvage.take().ok_or_else(host::closed)?;
        if let Some(is_whole) = js::get(params, "isWhole").as_bool() {
            return session.end(is_whole, &|| self.tell(Notice::Step(id))).await;
        }
        session.take(&js::get(params, "rows"))?;
        *self.salvage.borrow_mut() = Some(session);
        Ok(JsValue::UNDEFINED)
    }

    fn answer_of(self: &Rc<Self>, id: CallId) -> host::Answer {
        let server = Rc::clone(self);
        Box::new(move |answer| server.answer(id, answer))
    }

    fn answer(self: &Rc<Self>, id: CallId, answer: Result<Reply>) {
        match answer {
            Ok(Reply::Value(value)) => self.post(Some(id), "value", &value),
            Ok(Reply::Text(json)) => self.post(Some(id), "json", &json),
            Ok(Reply::Utf8(bytes)) => {
                self.handed.borrow().push(&bytes.buffer());
                self.post(Some(id), "json", &bytes);
            }
            Ok(Reply::Packed(blob)) => self.post(Some(id), "value", &blob),
            Err(error) => self.post(Some(id), "error", &js::error_data(&error)),
        }
    }

    fn tell(self: &Rc<Self>, notice: Notice) {
        match notice {
            Notice::Waiting(id) => self.post(Some(id), "progress", &"waiting".into()),
            Notice::Step(id) => self.post(Some(id), "progress", &"step".into()),
            Notice::Changes {
                sequence,
                reset,
                changes,
            } => {
                if !self.listening.get() {
                    return;
                }
                let detail = Object::new();
                js::set(&detail, "sequence", &(sequence as f64).into());
                js::set(&detail, "reset", &reset.into());
                if let Ok(changes) = js::write(&changes) {
                    js::set(&detail, "changes", &changes);
                    self.post(None, "changes", &detail);
                }
            }
            Notice::Cleared(error) => self.post(None, "cleared", &js::error_data(&error)),
            Notice::Status(status) => {
                if let Ok(status) = js::write(&*status) {
                    self.post(None, "status", &status);
                }
            }
        }
    }

    fn post(self: &Rc<Self>, id: Option<CallId>, name: &str, value: &JsValue) {
        let message = Object::new();
        if let Some(id) = id {
            js::set(&message, "id", &id.into());
        }
        js::set(&message, name, value);
        if self.out.borrow().push(&message) == 1 {
            let server = Rc::clone(self);
            // Before the next task.
            spawn_local(async move { server.send() });
        }
    }

    fn send(&self) {
        let out = self.out.replace(Array::new());
        let handed = self.handed.replace(Array::new());
        let message = match out.length() {
            1 => out.get(0),
            _ => out.into(),
        };
        if let Ok(post) = js::get(&self.port, "postMessage").dyn_into::<Function>() {
            let _ = post.call2(&self.port, &message, &handed);
        }
    }
}
