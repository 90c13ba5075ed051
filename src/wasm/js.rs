//! Errors and values on their way between Rust and JavaScript.
//!
//! Knows no request and no storage. An error crosses as plain data, `{ code, message, space? }`:
//! structured clone keeps only `name` and `message` of an `Error`.

use std::cell::RefCell;
use std::collections::VecDeque;

use js_sys::{Function, JSON, Object, Promise, Reflect};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageChannel, MessagePort};

use crate::error::{ErrorCode, Result, StoreError};
use crate::json;
use crate::space::Space;

/// A property, or `undefined`: never throws, also not on a primitive.
pub fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// A property of the global scope, down a path.
pub fn global(path: &[&str]) -> JsValue {
    path.iter()
        .fold(js_sys::global().into(), |value, name| get(&value, name))
}

/// Sets a property of a fresh plain object, which cannot fail.
pub fn set(object: &Object, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

/// The items of an array; none of anything else.
pub fn items(value: &JsValue) -> Vec<JsValue> {
    if js_sys::Array::is_array(value) {
        js_sys::Array::from(value).iter().collect()
    } else {
        Vec::new()
    }
}

/// The `name` of a thrown value: "QuotaExceededError", "NotFoundError", …
pub fn name_of(thrown: &JsValue) -> String {
    get(thrown, "name").as_string().unwrap_or_default()
}

/// What a browser interface threw, as an error of this package.
pub fn thrown(what: &str, thrown: &JsValue) -> StoreError {
    let name = name_of(thrown);
    let message = get(thrown, "message")
        .as_string()
        .unwrap_or_else(|| format!("{thrown:?}"));
    let code = match name.as_str() {
        "QuotaExceededError" => ErrorCode::QuotaExceeded,
        "AbortError" => ErrorCode::Aborted,
        _ => ErrorCode::StorageUnavailable,
    };
    StoreError::new(code, format!("{what} failed: {name}: {message}"))
}

/// Awaits a promise of a browser interface.
pub async fn settled(what: &str, promise: Promise) -> Result<JsValue> {
    JsFuture::from(promise)
        .await
        .map_err(|error| thrown(what, &error))
}

/// Calls a method of an interface that this module has no types of.
pub fn invoke(object: &JsValue, method: &str, given: &[&JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = get(object, method).dyn_into()?;
    method.apply(object, &given.iter().collect())
}

/// What has listeners settles a promise, by the event itself.
pub fn told(target: &JsValue, done: &str, failed: &str) -> Promise {
    Promise::new(&mut |resolve, reject| {
        set(target.unchecked_ref(), done, &resolve);
        set(target.unchecked_ref(), failed, &reject);
    })
}

/// Milliseconds on a clock that nobody can set: <https://w3c.github.io/hr-time/>.
pub fn clock() -> f64 {
    let performance = global(&["performance"]);
    get(&performance, "now")
        .dyn_into::<Function>()
        .and_then(|now| now.call0(&performance))
        .ok()
        .and_then(|now| now.as_f64())
        .unwrap_or_default()
}

/// Calls back when so many milliseconds are over. Gives what [`clear`] takes, where there is such.
pub fn after(millis: f64, callback: impl FnOnce() + 'static) -> Option<i32> {
    let set_timeout: Function = global(&["setTimeout"]).dyn_into().ok()?;
    let callback = Closure::once_into_js(callback);
    // In Node it is an object.
    let timer = set_timeout.call2(&JsValue::UNDEFINED, &callback, &millis.max(0.0).into());
    timer.ok()?.as_f64().map(|timer| timer as i32)
}

/// Calls back in a task of its own, after the messages that have come already: one of them may say
/// that it is not to be done.
pub fn soon(task: impl FnOnce() + 'static) {
    type Tasks = RefCell<VecDeque<Box<dyn FnOnce()>>>;
    thread_local! {
        static TASKS: Tasks = Tasks::default();
        static PORT: Option<MessagePort> = waking_port(|| {
            let task = TASKS.with_borrow_mut(VecDeque::pop_front);
            if let Some(task) = task {
                task();
            }
        });
    }
    TASKS.with_borrow_mut(|tasks| tasks.push_back(Box::new(task)));
    PORT.with(|port| {
        if let Some(port) = port {
            // Nothing that cannot be cloned.
            let _ = port.post_message(&JsValue::NULL);
        }
    });
}

/// A port by which a message to this thread itself is sent: a timer would be held back.
fn waking_port(wake: impl Fn() + 'static) -> Option<MessagePort> {
    let channel = MessageChannel::new().ok()?;
    let (near, far) = (channel.port1(), channel.port2());
    let on_message = Closure::<dyn Fn()>::new(wake).into_js_value();
    far.set_onmessage(Some(on_message.unchecked_ref()));
    for port in [&near, &far] {
        // In Node it does not keep the process running; a call under way does, by its timer.
        if let Ok(unref) = get(port, "unref").dyn_into::<Function>() {
            let _ = unref.call0(port);
        }
    }
    Some(near)
}

/// Stops a timer.
pub fn clear(timer: i32) {
    if let Ok(clear) = global(&["clearTimeout"]).dyn_into::<Function>() {
        let _ = clear.call1(&JsValue::UNDEFINED, &timer.into());
    }
}

/// Fills a buffer with random bytes.
pub fn random(buffer: &mut [u8]) {
    let bytes = js_sys::Uint8Array::new_with_length(buffer.len() as u32);
    let crypto = global(&["crypto"]);
    if let Ok(fill) = get(&crypto, "getRandomValues").dyn_into::<Function>() {
        let _ = fill.call1(&crypto, &bytes);
    }
    bytes.copy_to(buffer);
}

/// Awaits a timer.
pub async fn sleep(millis: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        if let Ok(set_timeout) = global(&["setTimeout"]).dyn_into::<Function>() {
            let _ = set_timeout.call2(&JsValue::UNDEFINED, &resolve, &millis.into());
        }
    });
    // A timer's promise is never rejected.
    let _ = JsFuture::from(promise).await;
}

/// Writes a value for JavaScript: plain objects, numbers for integers, `null` for `None`.
pub fn write(value: &impl Serialize) -> Result<JsValue> {
    parse(&text(value)?)
}

/// The JSON text of a value.
pub fn text(value: &impl Serialize) -> Result<String> {
    json::text(value).map_err(|error| StoreError::new(ErrorCode::Internal, error.to_string()))
}

/// The value of a JSON text.
pub fn parse(text: &str) -> Result<JsValue> {
    JSON::parse(text).map_err(|error| thrown("reading JSON", &error))
}

/// An error as data: `{ code, message, space? }`.
pub fn error_data(error: &StoreError) -> JsValue {
    let data = Object::new();
    let code = write(&error.code).unwrap_or(JsValue::UNDEFINED);
    set(&data, "code", &code);
    set(&data, "message", &error.message.as_str().into());
    if let Some(Space { usage, quota }) = error.space {
        let space = Object::new();
        set(&space, "usage", &(usage as f64).into());
        set(&space, "quota", &(quota as f64).into());
        set(&data, "space", &space);
    }
    data.into()
}
