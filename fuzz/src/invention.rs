//! Makes up values: a serde `Deserializer` that answers each question of a type (which variant, which fields,
//! which text) by the next bytes of the input. So each request there is, and each that will be, is made
//! up from its own declaration, and a mutation of the bytes is one of the value.

use std::cell::RefCell;

use libfuzzer_sys::arbitrary::Unstructured;
use serde::de::value::Error;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

/// Texts that the search, the tree and JSON each have their trouble with.
pub const SCRAPS: [&str; 48] = [
    "",
    "a",
    "b",
    "he",
    "the",
    "then",
    "회의",
    "오늘 회의록",
    "\u{1112}\u{116c}\u{110b}\u{1174}",
    "ㅋㅋㅋ",
    "日本語",
    "かな",
    "カ\u{3099}",
    "ガ",
    "Café",
    "cafe\u{301}",
    "naïve",
    "й",
    "и\u{306}",
    "σίγμας",
    "Σ",
    "ไทย",
    "مرحبا",
    "🌱",
    "👩‍👩‍👧‍👦",
    "👍🏽",
    "42",
    "C++",
    "node.js",
    "-",
    "->x",
    "--",
    "\"",
    "\"the then\"",
    "-he",
    "*",
    " ",
    "\n\n",
    "\0",
    "\u{fffd}",
    "\u{feff}",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "==========",
    "__proto__",
    "constructor",
    "conversation-store:sha256-0000000000000000000000000000000000000000000000000000000000000000",
    "data:image/png;base64,iVBORw0KGgo=",
    "2024-02-30T25:61:61Z",
];

const TIMES: [&str; 8] = [
    "2024-02-29T12:00:00.000Z",
    "2024-02-29 12:00:00",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",
    "0000-01-01T00:00:00Z",
    "2024-02-29T12:00:00+09:00",
    "-271821-04-20T00:00:00.000Z",
    "2024-02-30",
];

/// What strings were given by what is tried, to be given back: uids, cursors, hashes.
#[derive(Default)]
pub struct Known(RefCell<Vec<String>>);

impl Known {
    /// One more.
    pub fn add(&self, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }

    fn pick(&self, bytes: &mut Unstructured<'_>) -> Option<String> {
        let known = self.0.borrow();
        let at = below(bytes, known.len() + 1);
        known.get(at).cloned()
    }
}

/// Makes up a value of a type.
pub fn invent<'de, T: de::Deserialize<'de>>(
    bytes: &mut Unstructured<'_>,
    known: &Known,
) -> Result<T, Error> {
    T::deserialize(Invention {
        bytes,
        known,
        field: "",
        depth: 0,
    })
}

/// A number below that, 0 of 0.
pub fn below(bytes: &mut Unstructured<'_>, end: usize) -> usize {
    // At the end of the input all are 0.
    usize::from(bytes.arbitrary::<u16>().unwrap_or(0)) % end.max(1)
}

fn once_in(bytes: &mut Unstructured<'_>, times: u8) -> bool {
    bytes.arbitrary::<u8>().unwrap_or(0) % times == 1
}

/// Some text: scraps, what is known, or bytes as they come.
pub fn text(bytes: &mut Unstructured<'_>, known: &Known) -> String {
    let mut text = String::new();
    for _ in 0..=below(bytes, 4) {
        match below(bytes, 8) {
            0 => text.push_str(&known.pick(bytes).unwrap_or_default()),
            1 => {
                let length = below(bytes, 12);
                let raw = bytes.bytes(length.min(bytes.len())).unwrap_or_default();
                text.push_str(&String::from_utf8_lossy(raw));
            }
            2 if once_in(bytes, 32) => {
                let scrap = SCRAPS[below(bytes, SCRAPS.len())];
                text.push_str(&scrap.repeat(below(bytes, 3_000)));
            }
            _ => text.push_str(SCRAPS[below(bytes, SCRAPS.len())]),
        }
    }
    text
}

/// A JSON text, or nearly one.
pub fn json(bytes: &mut Unstructured<'_>, known: &Known, depth: usize) -> String {
    let string = |bytes: &mut Unstructured<'_>| {
        serde_json::to_string(&text(bytes, known)).expect("a string is JSON")
    };
    match below(bytes, if depth > 3 { 8 } else { 14 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => integer(bytes).to_string(),
        3 => bytes
            .arbitrary::<f64>()
            .unwrap_or(0.0)
            .to_string()
            .replace("NaN", "0"),
        4 => string(bytes),
        5 => [
            "1e999",
            "-0",
            "[",
            "{\"a\":1,\"a\":2}",
            "\"\\ud800\"",
            "",
            "nul",
            "{\"__proto__\":{\"x\":1}}",
        ][below(bytes, 8)]
        .to_owned(),
        6 => {
            let levels = below(bytes, 200);
            format!("{}{}", "[".repeat(levels), "]".repeat(levels))
        }
        7 => format!("[{{\"type\":\"text\",\"text\":{}}}]", string(bytes)),
        8 | 9 => {
            let items: Vec<_> = (0..below(bytes, 4))
                .map(|_| json(bytes, known, depth + 1))
                .collect();
            format!("[{}]", items.join(","))
        }
        10 => format!(
            "{{\"type\":\"text\",\"text\":{}}}",
            json(bytes, known, depth + 1)
        ),
        11 => format!("{{\"type\":{},\"url\":{}}}", string(bytes), string(bytes)),
        _ => {
            let fields: Vec<_> = (0..below(bytes, 4))
                .map(|_| format!("{}:{}", string(bytes), json(bytes, known, depth + 1)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// Small ids mostly, edges sometimes.
pub fn integer(bytes: &mut Unstructured<'_>) -> i64 {
    match below(bytes, 8) {
        0 => [
            0,
            -1,
            i64::MIN,
            i64::MAX,
            1 << 53,
            (1 << 53) - 1,
            (1 << 53) - 2,
            1_000_000,
            1_000_001,
            1 << 32,
        ][below(bytes, 10)],
        1 => bytes.arbitrary().unwrap_or(0),
        2 => crate::world::NOON + below(bytes, 10) as i64 - 5,
        _ => below(bytes, 12) as i64,
    }
}

struct Invention<'b, 'i> {
    bytes: &'b mut Unstructured<'i>,
    known: &'b Known,
    /// The field it is for, by which strings differ.
    field: &'static str,
    depth: usize,
}

impl<'b, 'i> Invention<'b, 'i> {
    fn inner<'c>(&'c mut self, field: &'static str) -> Invention<'c, 'i> {
        Invention {
            bytes: self.bytes,
            known: self.known,
            field,
            depth: self.depth + 1,
        }
    }

    fn string(&mut self) -> String {
        let (bytes, known) = (&mut *self.bytes, self.known);
        match self.field {
            "parts" | "metadata" | "usage" | "error" | "source" => json(bytes, known, 0),
            "createdAt" | "updatedAt" | "trashedAt" | "olderThan" | "since" | "until" | "at" => {
                TIMES[below(bytes, TIMES.len())].to_owned()
            }
            "hash" | "after" | "uid" | "id" | "conversationId" | "messageId" | "parentId"
            | "parent" | "head"
                if !once_in(bytes, 4) =>
            {
                known.pick(bytes).unwrap_or_else(|| "u".to_owned())
            }
            _ => text(bytes, known),
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(integer(self.bytes) as $type)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Invention<'_, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        match below(self.bytes, 16) {
            0 => visitor.visit_bool(self.bytes.arbitrary().unwrap_or(false)),
            1 => visitor.visit_f64(self.bytes.arbitrary().unwrap_or(0.0)),
            2 => visitor.visit_unit(),
            3..=6 => visitor.visit_string(self.string()),
            7 | 8 if self.depth < 4 => visitor.visit_map(Fields {
                names: &["conversationId", "id", "uid", "updatedAt", "limit", "title"],
                least: 2,
                of: self,
            }),
            9 if self.depth < 4 => self.deserialize_seq(visitor),
            _ => visitor.visit_i64(integer(self.bytes)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.bytes.arbitrary().unwrap_or(false))
    }

    integers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(self.bytes.arbitrary().unwrap_or(0.0))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char(self.bytes.arbitrary().unwrap_or('a'))
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.string())
    }

    fn deserialize_string<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.string())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = below(self.bytes, 64).min(self.bytes.len());
        visitor.visit_byte_buf(self.bytes.bytes(length).unwrap_or_default().to_vec())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if once_in(self.bytes, 4) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = if self.depth > 6 {
            0
        } else {
            below(self.bytes, 5)
        };
        visitor.visit_seq(Items { left, of: self })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { left, of: self })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { left, of: self })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // What is needed is first; of the many that may be left out, a few are given.
        let least = if names.len() > 4 { 4 } else { 2 };
        visitor.visit_map(Fields {
            names,
            least,
            of: self,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let name = names[below(self.bytes, names.len())];
        visitor.visit_enum(Variant {
            name,
            of: self.inner(""),
        })
    }

    fn deserialize_identifier<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.string())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

struct Items<'b, 'i> {
    left: usize,
    of: Invention<'b, 'i>,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let field = self.of.field;
        seed.deserialize(self.of.inner(field)).map(Some)
    }
}

struct Fields<'b, 'i> {
    names: &'static [&'static str],
    /// Left out once in so many, or given once in so many.
    least: u8,
    of: Invention<'b, 'i>,
}

impl<'de> de::MapAccess<'de> for Fields<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        while let Some((name, rest)) = self.names.split_first() {
            self.names = rest;
            let is_given = match self.least {
                2 => !once_in(self.of.bytes, 4),
                least => once_in(self.of.bytes, least),
            };
            if is_given {
                self.of.field = name;
                let name: de::value::StrDeserializer<'_, Error> = (*name).into_deserializer();
                return seed.deserialize(name).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let field = self.of.field;
        seed.deserialize(self.of.inner(field))
    }
}

struct Variant<'b, 'i> {
    name: &'static str,
    of: Invention<'b, 'i>,
}

impl<'de, 'b, 'i> de::EnumAccess<'de> for Variant<'b, 'i> {
    type Error = Error;
    type Variant = Invention<'b, 'i>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Error> {
        let name: de::value::StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.of))
    }
}

impl<'de> de::VariantAccess<'de> for Invention<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { left, of: self })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        // Of a request nearly all is needed.
        visitor.visit_map(Fields {
            names,
            least: 2,
            of: self,
        })
    }
}
