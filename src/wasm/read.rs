//! Reads what a caller gave into this crate's types, and names the argument that does not fit.
//!
//! A serde deserializer over JavaScript values. Of an object only the properties that a type has are
//! looked at, so that whatever else is in it costs nothing: a cycle, a getter, a row's text.
//! `undefined` is as good as left out, `null` is not. A type is given its fields in its own order, as a
//! sequence: reading them by name is twice the code, for each type. Knows no request.

use std::fmt::{self, Display};

use js_sys::{Array, ArrayBuffer, Date, Number, Object, Symbol, Uint8Array};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, Unexpected, Visitor,
};
use wasm_bindgen::{JsCast, JsValue};

use super::js;
use crate::error::{Result, StoreError};

/// Reads a value.
///
/// # Errors
/// `invalid-argument`, naming what does not fit by its path.
pub fn read<T: DeserializeOwned>(value: &JsValue) -> Result<T> {
    T::deserialize(Reader(value.clone())).map_err(|refusal| refusal.into_error())
}

/// Why a value does not fit.
#[derive(Debug)]
struct Refusal(Box<Refused>);

#[derive(Debug)]
struct Refused {
    /// `.messages[1].role`
    path: String,
    reason: String,
    /// The place of a field that is not there and must be.
    missing: Option<usize>,
}

impl Refusal {
    fn new(reason: String) -> Self {
        Self(Box::new(Refused {
            path: String::new(),
            reason,
            missing: None,
        }))
    }

    /// One step further out.
    fn of(mut self, key: &str) -> Self {
        self.0.path.insert_str(0, key);
        self
    }

    /// Names the field that is missing, of those of a type.
    fn among(mut self, names: &[&str]) -> Self {
        if let Some(name) = self.0.missing.take().and_then(|at| names.get(at)) {
            self.0.reason = format!("missing field `{name}`");
        }
        self
    }

    fn into_error(self) -> StoreError {
        let Refused { path, reason, .. } = *self.0;
        StoreError::invalid(match path.strip_prefix('.').unwrap_or(&path) {
            "" => reason,
            path => format!("{path}: {reason}"),
        })
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.reason)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    fn custom<T: Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        unexpected("type", found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        unexpected("value", found, expected)
    }

    /// What a type says that gets no field where it needs one.
    fn invalid_length(length: usize, _: &dyn Expected) -> Self {
        let mut refusal = Self::new(String::new());
        refusal.0.missing = Some(length);
        refusal
    }
}

/// As serde says it, but for numbers: JavaScript has written those.
fn unexpected(what: &str, found: Unexpected<'_>, expected: &dyn Expected) -> Refusal {
    let found = match found {
        Unexpected::Bool(value) => format!("boolean `{value}`"),
        Unexpected::Signed(number) => format!("number `{number}`"),
        Unexpected::Unsigned(number) => format!("number `{number}`"),
        Unexpected::Float(number) => format!("number `{}`", text_of(&number.into())),
        Unexpected::Str(text) => format!("string {text:?}"),
        Unexpected::Bytes(_) => "bytes".to_owned(),
        Unexpected::Unit => "null or nothing".to_owned(),
        Unexpected::Seq => "an array".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        Unexpected::Other(what) => what.to_owned(),
        _ => "something else".to_owned(),
    };
    Refusal::new(format!("invalid {what}: {found}, expected {expected}"))
}

/// A number as JavaScript writes it.
fn text_of(number: &JsValue) -> String {
    let number: &Number = number.unchecked_ref();
    let text = number.to_string_with_radix(10).ok();
    text.map(String::from).unwrap_or_default()
}

struct Reader(JsValue);

/// What a value is.
enum Kind {
    Nothing,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    Array,
    Bytes(Vec<u8>),
    Object,
    Other,
}

impl Reader {
    fn is_nothing(&self) -> bool {
        self.0.is_null() || self.0.is_undefined()
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        if let Some(bytes) = self.0.dyn_ref::<Uint8Array>() {
            return Some(bytes.to_vec());
        }
        let buffer = self.0.dyn_ref::<ArrayBuffer>()?;
        Some(Uint8Array::new(buffer).to_vec())
    }

    fn kind(&self) -> Kind {
        if self.is_nothing() {
            return Kind::Nothing;
        }
        if let Some(value) = self.0.as_bool() {
            return Kind::Bool(value);
        }
        let date = self.0.dyn_ref::<Date>().map(Date::get_time);
        if let Some(number) = date.or_else(|| self.0.as_f64()) {
            return if Number::is_safe_integer(&number.into()) {
                Kind::Whole(number as i64)
            } else {
                Kind::Number(number)
            };
        }
        if let Some(text) = self.0.as_string() {
            return Kind::Text(text);
        }
        if self.0.is_bigint() {
            return i64::try_from(self.0.clone()).map_or(Kind::Other, Kind::Whole);
        }
        if Array::is_array(&self.0) {
            return Kind::Array;
        }
        if let Some(bytes) = self.bytes() {
            return Kind::Bytes(bytes);
        }
        // A Set or a Map is none of ours.
        if self.0.is_object() && !Symbol::iterator().js_in(&self.0) {
            Kind::Object
        } else {
            Kind::Other
        }
    }

    /// Refuses it as what it is.
    fn refused(&self, expected: &dyn Expected) -> Refusal {
        let text;
        let found = match self.kind() {
            Kind::Nothing => Unexpected::Unit,
            Kind::Bool(value) => Unexpected::Bool(value),
            Kind::Whole(number) => Unexpected::Signed(number),
            Kind::Number(number) => Unexpected::Float(number),
            Kind::Text(value) => {
                text = value;
                Unexpected::Str(&text)
            }
            Kind::Array => Unexpected::Seq,
            Kind::Bytes(_) => Unexpected::Bytes(&[]),
            Kind::Object => Unexpected::Map,
            Kind::Other => {
                text = self.0.js_typeof().as_string().unwrap_or_default();
                Unexpected::Other(&text)
            }
        };
        unexpected("type", found, expected)
    }

    /// The fields that an object has.
    fn fields(self) -> Fields {
        let keys = Object::keys(self.0.unchecked_ref::<Object>());
        let names: Vec<_> = keys.iter().filter_map(|key| key.as_string()).collect();
        Fields {
            object: self.0,
            names: names.into_iter(),
            name: String::new(),
            value: JsValue::UNDEFINED,
        }
    }

    fn items(&self) -> Items {
        Items {
            items: Array::from(&self.0),
            next: 0,
        }
    }
}

/// The fields of an object that are there.
struct Fields {
    object: JsValue,
    names: std::vec::IntoIter<String>,
    /// The one that is looked at.
    name: String,
    value: JsValue,
}

impl Fields {
    fn advance(&mut self) -> Option<&str> {
        for name in self.names.by_ref() {
            self.value = js::get(&self.object, &name);
            if !self.value.is_undefined() {
                self.name = name;
                return Some(&self.name);
            }
        }
        None
    }

    fn take(&mut self) -> Reader {
        Reader(std::mem::take(&mut self.value))
    }

    fn refused(&self, refusal: Refusal) -> Refusal {
        refusal.of(&self.name).of(".")
    }
}

impl<'de> de::MapAccess<'de> for Fields {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Refusal> {
        match self.advance() {
            Some(name) => seed.deserialize(Name(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        seed.deserialize(self.take())
            .map_err(|refusal| self.refused(refusal))
    }
}

/// The fields of a type, in its order.
struct Named {
    object: JsValue,
    names: &'static [&'static str],
    next: usize,
}

impl Named {
    fn advance(&mut self) -> Option<Reader> {
        let value = js::get(&self.object, self.names.get(self.next)?);
        self.next += 1;
        (!value.is_undefined()).then_some(Reader(value))
    }

    fn refused(&self, refusal: Refusal) -> Refusal {
        refusal.of(self.names[self.next - 1]).of(".")
    }
}

impl<'de> de::SeqAccess<'de> for Named {
    type Error = Refusal;

    /// `None` of a field that is not there; the next may be.
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let Some(field) = self.advance() else {
            return Ok(None);
        };
        match seed.deserialize(field) {
            Ok(value) => Ok(Some(value)),
            Err(refusal) => Err(self.refused(refusal)),
        }
    }
}

/// The name of a field or variant.
struct Name<'a>(&'a str);

impl<'de> Deserializer<'de> for Name<'_> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_str(self.0)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The items of an array.
struct Items {
    items: Array,
    next: u32,
}

impl<'de> de::SeqAccess<'de> for Items {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        let at = self.next;
        if at == self.items.length() {
            return Ok(None);
        }
        self.next += 1;
        seed.deserialize(Reader(self.items.get(at)))
            .map(Some)
            .map_err(|refusal| refusal.of(&format!("[{at}]")))
    }
}

/// A variant, and what it holds.
struct Variant(String, JsValue);

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Refusal;
    type Variant = Reader;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader), Refusal> {
        Ok((seed.deserialize(Name(&self.0))?, Reader(self.1)))
    }
}

impl<'de> de::VariantAccess<'de> for Reader {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        if self.is_nothing() {
            Ok(())
        } else {
            Err(self.refused(&"nothing"))
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_struct("", fields, visitor)
    }
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.kind() {
            Kind::Nothing => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(value),
            Kind::Whole(number) => visitor.visit_i64(number),
            Kind::Number(number) => visitor.visit_f64(number),
            Kind::Text(text) => visitor.visit_string(text),
            Kind::Array => visitor.visit_seq(self.items()),
            Kind::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Kind::Object => visitor.visit_map(self.fields()),
            Kind::Other => Err(self.refused(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0.as_string() {
            Some(text) => visitor.visit_string(text),
            None => Err(self.refused(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_string(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.bytes() {
            Some(bytes) => visitor.visit_byte_buf(bytes),
            None => Err(self.refused(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.is_nothing() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if Array::is_array(&self.0) {
            visitor.visit_seq(self.items())
        } else {
            Err(self.refused(&"an array"))
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if !self.0.is_object() {
            return Err(self.refused(&visitor));
        }
        let named = Named {
            object: self.0,
            names: fields,
            next: 0,
        };
        visitor
            .visit_seq(named)
            .map_err(|refusal| refusal.among(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if let Some(name) = self.0.as_string() {
            return visitor.visit_enum(Variant(name, JsValue::UNDEFINED));
        }
        if !self.0.is_object() {
            return Err(self.refused(&visitor));
        }
        let mut fields = self.fields();
        if fields.advance().is_none() {
            return Err(unexpected("type", Unexpected::Map, &visitor));
        }
        visitor.visit_enum(Variant(fields.name, fields.value))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char bytes unit unit_struct tuple tuple_struct
        map identifier
    }
}
