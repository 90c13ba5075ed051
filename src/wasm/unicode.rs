//! What the browser knows of Unicode: normalization, and the ends of graphemes.

use js_sys::{Array, Function, JsString, Reflect, RegExp};
use wasm_bindgen::{JsCast, JsValue};

use super::js;
use crate::search::fold::Unicode;

/// The browser's tables.
#[derive(Default)]
pub struct Browser {
    /// An `Intl.Segmenter`, made when it is first needed; `undefined` where there is none.
    segmenter: std::cell::OnceCell<JsValue>,
}

impl Unicode for Browser {
    fn nfd(&self, text: &str) -> String {
        JsString::from(text).normalize("NFD").into()
    }

    fn nfc(&self, text: &str) -> String {
        JsString::from(text).normalize("NFC").into()
    }

    fn lower(&self, text: &str) -> String {
        JsString::from(text).to_lower_case().into()
    }

    fn graphemes(&self, text: &str) -> Vec<usize> {
        let segmenter = self.segmenter.get_or_init(|| {
            js::global(&["Intl", "Segmenter"])
                .dyn_into::<Function>()
                .and_then(|class| Reflect::construct(&class, &Array::new()))
                .unwrap_or_default()
        });
        let segments = js::get(segmenter, "segment")
            .dyn_into::<Function>()
            .and_then(|segment| segment.call1(segmenter, &text.into()))
            .map(|segments| Array::from(&segments));
        match segments {
            Ok(segments) => {
                let mut starts = Vec::new();
                let mut at = 0;
                for segment in segments.iter() {
                    starts.push(at);
                    at += js::get(&segment, "segment")
                        .as_string()
                        .map_or(0, |it| it.len());
                }
                starts
            }
            // Firefox before 125: between characters, but for marks and what joins them.
            Err(_) => starts_of_characters(text),
        }
    }
}

fn starts_of_characters(text: &str) -> Vec<usize> {
    let is_mark = RegExp::new("^[\\p{M}\\u200d\\u{1f3fb}-\\u{1f3ff}]", "u");
    let mut starts = Vec::new();
    let mut joins = false;
    for (at, c) in text.char_indices() {
        let goes_on = joins || is_mark.test(c.encode_utf8(&mut [0; 4]));
        if at == 0 || !goes_on {
            starts.push(at);
        }
        joins = c == '\u{200d}';
    }
    starts
}
