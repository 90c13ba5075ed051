//! The fields that are an app's own JSON, which callers of the wasm class give as values: text for the store.
//! The page's class does the same on the page (src/client/rows.ts).

use js_sys::{Array, JSON, Object};
use wasm_bindgen::prelude::*;

use super::js;

/// As src/client/rows.ts has them.
const FIELDS: [&str; 5] = ["parts", "usage", "error", "metadata", "source"];

/// A JSON text of a value; the value itself where it has none, for the store to refuse by name.
pub fn text(value: &JsValue) -> JsValue {
    match JSON::stringify(value) {
        Ok(text) => text.into(),
        Err(_) => value.clone(),
    }
}

/// A copy of what a caller gave, its JSON as text. Tags cross as they are.
pub fn to_text(given: &JsValue) -> JsValue {
    if !given.is_object() || Array::is_array(given) {
        return given.clone();
    }
    let copy = Object::assign(&Object::new(), given.unchecked_ref());
    for name in FIELDS {
        let value = js::get(&copy, name);
        if !value.is_undefined() && !value.is_null() {
            js::set(&copy, name, &text(&value));
        }
    }
    copy.into()
}

/// The same of each of an array.
pub fn to_texts(given: &JsValue) -> JsValue {
    if !Array::is_array(given) {
        return given.clone();
    }
    let texts = Array::new();
    for message in Array::from(given).iter() {
        texts.push(&to_text(&message));
    }
    texts.into()
}

/// Hits, with what the store leaves out.
pub fn complete_hits(hits: JsValue) -> JsValue {
    for hit in Array::from(&hits).iter() {
        complete(js::get(&hit, "conversation"));
    }
    hits
}

/// Rows, or one, with what the store leaves out.
pub fn complete(rows: JsValue) -> JsValue {
    if Array::is_array(&rows) {
        for row in Array::from(&rows).iter() {
            complete(row);
        }
        return rows;
    }
    if !rows.is_object() {
        return JsValue::UNDEFINED;
    }
    let row: &Object = rows.unchecked_ref();
    if js::get(row, "tags").is_null() {
        js::set(row, "tags", &Array::new());
    }
    if js::get(row, "parts").is_null() {
        let content = js::get(row, "content");
        let parts = Array::new();
        if content.is_truthy() {
            let part = Object::new();
            js::set(&part, "type", &"text".into());
            js::set(&part, "text", &content);
            parts.push(&part);
        }
        js::set(row, "parts", &parts);
    }
    rows
}
