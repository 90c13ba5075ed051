//! Values as JSON text (RFC 8259), written in one pass: how rows leave the store.
//!
//! Any [`Serialize`] will do; what is JSON text already ([`spliced`]) stands in it as it is, to be
//! parsed with the rest, once. Knows no row and no JavaScript. Numbers are whole, as all of this
//! crate's are; bytes go another way.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

/// The JSON text of a value.
///
/// # Errors
/// [`NoJson`].
pub fn text(value: &impl Serialize) -> Result<String, NoJson> {
    let mut out = String::new();
    value.serialize(&mut Writer {
        out: &mut out,
        is_json: false,
    })?;
    Ok(out)
}

/// For a field that is JSON text: `#[serde(serialize_with = "json::spliced")]`. What is written
/// otherwise than by [`text`] has it as a string.
///
/// # Errors
/// Those of the serializer.
pub fn spliced<S: Serializer>(json: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match json {
        Some(json) => serializer.serialize_newtype_struct(JSON, json),
        None => serializer.serialize_none(),
    }
}

/// The name of a newtype whose text is JSON.
const JSON: &str = "$json";

/// Adds a text as JSON writes it, as `JSON.stringify` does.
pub fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some(at) = escaped(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let byte = rest.as_bytes()[at];
        rest = &rest[at + 1..];
        out.push('\\');
        let escape = match byte {
            b'\n' => 'n',
            b'\r' => 'r',
            b'\t' => 't',
            8 => 'b',
            12 => 'f',
            0..b' ' => {
                out.push_str(if byte < 16 { "u000" } else { "u001" });
                char::from(b"0123456789abcdef"[usize::from(byte % 16)])
            }
            _ => char::from(byte),
        };
        out.push(escape);
    }
    out.push_str(rest);
    out.push('"');
}

/// Where the first byte is that JSON escapes. Texts are long and few bytes are: eight are looked at
/// at a time (<https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>).
fn escaped(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES * 128;
    let is_less = |word: u64, than: u8| word.wrapping_sub(ONES * u64::from(than)) & !word & HIGH;
    let is_any = |word: u64, byte: u8| is_less(word ^ (ONES * u64::from(byte)), 1);
    let (words, _) = text.as_chunks::<8>();
    let clean = words
        .iter()
        .take_while(|word| {
            let word = u64::from_le_bytes(**word);
            is_less(word, b' ') | is_any(word, b'"') | is_any(word, b'\\') == 0
        })
        .count();
    let from = clean * 8;
    let within = text[from..]
        .iter()
        .position(|&byte| byte < b' ' || byte == b'"' || byte == b'\\')?;
    Some(from + within)
}

/// A value that no row has: bytes, a fraction, a key that is no string.
#[derive(Debug)]
pub struct NoJson;

impl fmt::Display for NoJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that is not written as JSON")
    }
}

impl std::error::Error for NoJson {}

impl ser::Error for NoJson {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

struct Writer<'a> {
    out: &'a mut String,
    /// What comes is JSON text.
    is_json: bool,
}

/// The items of an array or the fields of an object.
struct Items<'a> {
    out: &'a mut String,
    is_first: bool,
    end: char,
}

impl<'a> Items<'a> {
    fn begin(out: &'a mut String, begin: char, end: char) -> Self {
        out.push(begin);
        Self {
            out,
            is_first: true,
            end,
        }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(',');
        }
    }

    fn item(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), NoJson> {
        self.separate();
        self.value(value)
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), NoJson> {
        value.serialize(&mut Writer {
            out: self.out,
            is_json: false,
        })
    }

    fn finish(self) -> Result<(), NoJson> {
        self.out.push(self.end);
        Ok(())
    }
}

impl<'a> Writer<'a> {
    fn whole(&mut self, number: i64) -> Result<(), NoJson> {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            self.out.push('-');
        }
        self.out
            .extend(digits[at..].iter().copied().map(char::from));
        Ok(())
    }

    fn literal(&mut self, text: &str) -> Result<(), NoJson> {
        self.out.push_str(text);
        Ok(())
    }

    fn object(&mut self) -> Result<Items<'_>, NoJson> {
        Ok(Items::begin(self.out, '{', '}'))
    }

    fn array(&mut self) -> Result<Items<'_>, NoJson> {
        Ok(Items::begin(self.out, '[', ']'))
    }
}

impl<'w> Serializer for &'w mut Writer<'_> {
    type Ok = ();
    type Error = NoJson;
    type SerializeSeq = Items<'w>;
    type SerializeTuple = Items<'w>;
    type SerializeTupleStruct = Items<'w>;
    type SerializeTupleVariant = Impossible<(), NoJson>;
    type SerializeMap = Items<'w>;
    type SerializeStruct = Items<'w>;
    type SerializeStructVariant = Impossible<(), NoJson>;

    fn serialize_bool(self, value: bool) -> Result<(), NoJson> {
        self.literal(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), NoJson> {
        self.whole(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), NoJson> {
        self.whole(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), NoJson> {
        self.whole(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), NoJson> {
        self.whole(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), NoJson> {
        self.whole(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), NoJson> {
        self.whole(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), NoJson> {
        self.whole(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), NoJson> {
        self.whole(i64::try_from(value).map_err(|_| NoJson)?)
    }

    fn serialize_f32(self, value: f32) -> Result<(), NoJson> {
        self.serialize_f64(value.into())
    }

    /// Writing fractions is 6 KB of the module.
    fn serialize_f64(self, value: f64) -> Result<(), NoJson> {
        let whole = value as i64;
        if whole as f64 == value {
            self.whole(whole)
        } else {
            Err(NoJson)
        }
    }

    fn serialize_char(self, value: char) -> Result<(), NoJson> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NoJson> {
        if self.is_json {
            self.out.push_str(value);
        } else {
            push_string(self.out, value);
        }
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), NoJson> {
        Err(NoJson)
    }

    fn serialize_none(self) -> Result<(), NoJson> {
        self.literal("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NoJson> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NoJson> {
        self.literal("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NoJson> {
        self.literal("null")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), NoJson> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NoJson> {
        value.serialize(&mut Writer {
            out: self.out,
            is_json: name == JSON,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NoJson> {
        let mut object = self.object()?;
        ser::SerializeStruct::serialize_field(&mut object, variant, value)?;
        object.finish()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'w>, NoJson> {
        self.array()
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'w>, NoJson> {
        self.array()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'w>, NoJson> {
        self.array()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoJson> {
        Err(NoJson)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items<'w>, NoJson> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items<'w>, NoJson> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoJson> {
        Err(NoJson)
    }
}

impl ser::SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        self.item(value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.finish()
    }
}

impl ser::SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        self.item(value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.finish()
    }
}

impl ser::SerializeTupleStruct for Items<'_> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        self.item(value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.finish()
    }
}

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NoJson> {
        let at = self.out.len();
        self.item(key)?;
        let is_string = self.out[at..].trim_start_matches(',').starts_with('"');
        if is_string { Ok(()) } else { Err(NoJson) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoJson> {
        self.out.push(':');
        self.value(value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.finish()
    }
}

impl ser::SerializeStruct for Items<'_> {
    type Ok = ();
    type Error = NoJson;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NoJson> {
        self.separate();
        // The name of a field has nothing to escape.
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
        self.value(value)
    }

    fn end(self) -> Result<(), NoJson> {
        self.finish()
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    fn read(value: &impl Serialize) -> Option<Value> {
        serde_json::from_str(&text(value).ok()?).ok()
    }

    #[test]
    fn json_text_stands_in_it_as_it_is() {
        #[derive(Serialize)]
        struct Row {
            title: &'static str,
            #[serde(serialize_with = "spliced")]
            parts: Option<String>,
            #[serde(serialize_with = "spliced")]
            metadata: Option<String>,
            head: Option<i64>,
        }

        let row = Row {
            title: "{\"no\": \"JSON\"}",
            parts: Some(r#"[{"type": "text", "text": "\""}]"#.to_owned()),
            metadata: None,
            head: Some(-7),
        };
        assert_eq!(
            text(&[row]).ok().as_deref(),
            Some(
                r#"[{"title":"{\"no\": \"JSON\"}","parts":[{"type": "text", "text": "\""}],"metadata":null,"head":-7}]"#
            )
        );
    }

    #[test]
    fn what_no_row_has_is_refused() {
        assert!(text(&0.5).is_err());
        assert!(text(&f64::NAN).is_err());
        assert!(text(&u64::MAX).is_err());
        assert!(text(&std::collections::BTreeMap::from([(1, 2)])).is_err());
    }

    proptest! {
        #[test]
        fn values_read_back(
            texts in proptest::collection::vec(any::<String>(), 0..5),
            controls in "[\\x00-\\x7f]{0,40}",
            number in -(1_i64 << 53)..1_i64 << 53,
            flag: bool,
        ) {
            let value = json!({
                "texts": texts, "n": number, "flag": flag, "nothing": null, controls: [[], {}],
            });
            prop_assert_eq!(read(&value), Some(value));
        }

        #[test]
        fn texts_are_written_as_others_write_them(text in any::<String>()) {
            let mut out = String::new();
            push_string(&mut out, &text);
            prop_assert_eq!(Some(out), serde_json::to_string(&text).ok());
        }
    }
}
