//! The fields that are an app's own JSON: text for the store, values for callers of the wasm class.
//! The page's class does the same on the page (src/client/rows.ts).

use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::js;
use crate::error::StoreError;

/// As src/client/rows.ts has them.
const FIELDS: [&str; 6] = ["parts", "usage", "error", "metadata", "source", "tags"];

/// A JSON text of a value.
pub fn text(value: &JsValue) -> Result<JsValue, JsValue> {
    JSON::stringify(value).map(Into::into).map_err(|error| {
        let reason = js::get(&error, "message").as_string().unwrap_or_default();
        let error = StoreError::invalid(format!("an argument cannot be written as JSON: {reason}"));
        super::class::js_error(&error)
    })
}

/// A copy of what a caller gave, its JSON as text. Tags cross as they are.
pub fn to_text(given: &JsValue) -> Result<JsValue, JsValue> {
    if !given.is_object() || Array::is_array(given) {
        return Ok(given.clone());
    }
    let copy = Object::assign(&Object::new(), given.unchecked_ref());
    for name in FIELDS.iter().filter(|name| **name != "tags") {
        let value = js::get(&copy, name);
        if !value.is_undefined() && !value.is_null() {
            js::set(&copy, name, &text(&value)?);
        }
    }
    Ok(copy.into())
}

/// The same of each of an array.
pub fn to_texts(given: &JsValue) -> Result<JsValue, JsValue> {
    if !Array::is_array(given) {
        return Ok(given.clone());
    }
    let texts: Result<Array, JsValue> = Array::from(given).iter().map(|it| to_text(&it)).collect();
    Ok(texts?.into())
}

/// Rows, or one, with their JSON read.
pub fn from_text(rows: &JsValue) -> Result<JsValue, JsValue> {
    if Array::is_array(rows) {
        for row in Array::from(rows).iter() {
            from_text(&row)?;
        }
        return Ok(rows.clone());
    }
    if rows.is_null() {
        return Ok(JsValue::UNDEFINED);
    }
    for name in FIELDS {
        if let Some(text) = js::get(rows, name).as_string() {
            Reflect::set(rows, &name.into(), &JSON::parse(&text)?)?;
        }
    }
    if js::get(rows, "tags").is_null() {
        Reflect::set(rows, &"tags".into(), &Array::new())?;
    }
    if js::get(rows, "parts").is_null() {
        let content = js::get(rows, "content");
        let parts = Array::new();
        if content.is_truthy() {
            let part = Object::new();
            js::set(&part, "type", &"text".into());
            js::set(&part, "text", &content);
            parts.push(&part);
        }
        Reflect::set(rows, &"parts".into(), &parts)?;
    }
    Ok(rows.clone())
}
