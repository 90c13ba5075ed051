//! A port whose messages are requests: a worker's global scope, or one end of a `MessageChannel`.
//!
//! In: `{ id, method, params, timeout? }` or `{ abort: id }`. Out: `{ id, value }`,
//! `{ id, error: { code, message } }`, before either `{ id, progress: "waiting" | "step" }`. A message that is neither is
//! ignored: it is not from this package.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::MessageEvent;

use super::host::{Host, Job, Progress, Ticket};
use super::js;
use crate::error::Result;

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
        host: Host::default(),
        tickets: RefCell::default(),
        port: port.clone(),
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
    host: Host,
    /// Of the requests that are not answered yet, by their id.
    tickets: RefCell<HashMap<u32, Ticket>>,
    port: JsValue,
}

impl Server {
    fn receive(self: &Rc<Self>, message: &JsValue) {
        if let Some(id) = js::get(message, "abort").as_f64() {
            // Out of the borrow first: aborting may settle the job at once.
            let ticket = self.tickets.borrow().get(&(id as u32)).cloned();
            if let Some(ticket) = ticket {
                ticket.abort();
            }
            return;
        }
        let Some(id) = js::get(message, "id").as_f64() else {
            return;
        };
        let ticket = Ticket::default();
        self.tickets.borrow_mut().insert(id as u32, ticket.clone());
        let (server, reporter) = (Rc::clone(self), Rc::clone(self));
        self.host.submit(Job {
            request: message.clone(),
            timeout: js::get(message, "timeout")
                .as_f64()
                .unwrap_or(f64::INFINITY),
            ticket,
            reply: Box::new(move |answer| server.answer(id, answer)),
            progress: Box::new(move |progress| {
                let word = match progress {
                    Progress::Waiting => "waiting",
                    Progress::Step => "step",
                };
                reporter.post(id, "progress", &word.into());
            }),
        });
    }

    fn answer(&self, id: f64, answer: Result<JsValue>) {
        self.tickets.borrow_mut().remove(&(id as u32));
        match answer {
            Ok(value) => self.post(id, "value", &value),
            Err(error) => self.post(id, "error", &js::error_data(&error)),
        }
    }

    fn post(&self, id: f64, name: &str, value: &JsValue) {
        let message = Object::new();
        js::set(&message, "id", &id.into());
        js::set(&message, name, value);
        if let Ok(post) = js::get(&self.port, "postMessage").dyn_into::<Function>() {
            let _ = post.call1(&self.port, &message);
        }
    }
}
