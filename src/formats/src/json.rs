//! What all formats ask of a JSON value: strings, times, titles, parts. Knows no format.

use serde_json::{Map, Value};

use crate::chat::{JsonText, MAX_TITLE, Message, cut};
use crate::time::Timestamp;

/// Numbers by names. The one kind of map for that: each kind takes its own code in the module.
pub type Numbers = std::collections::HashMap<String, u64>;

/// A JSON object.
pub type Object = Map<String, Value>;

/// Adds a name to those known. False if it was.
pub fn is_new(known: &mut Numbers, name: &str) -> bool {
    known.insert(name.to_owned(), 0).is_none()
}

/// The string of a field.
pub fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str()
}

/// The string of a field, if there is anything in it.
pub fn name(object: &Object, key: &str) -> Option<String> {
    text(object, key)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// The object of a field.
pub fn object<'a>(of: &'a Object, key: &str) -> Option<&'a Object> {
    of.get(key)?.as_object()
}

/// The array of a field, or an empty one.
pub fn array<'a>(of: &'a Object, key: &str) -> &'a [Value] {
    of.get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether a field is `true`.
pub fn is_true(object: &Object, key: &str) -> bool {
    object.get(key) == Some(&Value::Bool(true))
}

/// Milliseconds since 1970, if the years of four digits hold it.
pub fn millis(millis: f64) -> Option<Timestamp> {
    let within = Timestamp::MIN.millis() as f64..=Timestamp::MAX.millis() as f64;
    within
        .contains(&millis)
        .then(|| Timestamp::from_millis(millis.floor() as i64))
}

/// Seconds since 1970, to the nearest millisecond.
pub fn seconds(value: Option<&Value>) -> Option<Timestamp> {
    match value? {
        Value::Number(number) => millis((number.as_f64()? * 1000.0).round()),
        Value::String(text) => Timestamp::parse(text),
        _ => None,
    }
}

/// An ISO string, or milliseconds since 1970.
pub fn time(value: Option<&Value>) -> Option<Timestamp> {
    match value? {
        Value::Number(number) => millis(number.as_f64()?),
        Value::String(text) => Timestamp::parse(text),
        _ => None,
    }
}

/// Seconds, but for programs that wrote milliseconds, micro- or nanoseconds in the same field.
pub fn seconds_or_finer(value: Option<&Value>) -> Option<Timestamp> {
    let Some(number) = value.and_then(Value::as_f64) else {
        return time(value);
    };
    let scale = match number.abs() {
        size if size < 1e11 => 1e3,
        size if size < 1e14 => 1.0,
        size if size < 1e17 => 1e-3,
        _ => 1e-6,
    };
    millis((number * scale).round())
}

/// The part that a text is.
pub fn text_part(text: &str) -> Value {
    part("text", &[("text", text.into())])
}

/// What the parts of type `text` say, joined by a blank line.
pub fn content_of(parts: &[Value]) -> String {
    let mut content = String::new();
    let mut first = true;
    for part in parts {
        if part.get("type").and_then(Value::as_str) == Some("text") {
            if !first {
                content.push_str("\n\n");
            }
            content.push_str(part.get("text").and_then(Value::as_str).unwrap_or_default());
            first = false;
        }
    }
    content
}

/// Whether these are the parts that `content` alone stands for.
pub fn are_plain(parts: &[Value], content: &str) -> bool {
    match parts {
        [] => content.is_empty(),
        [Value::Object(part)] => {
            part.len() == 2
                && text(part, "type") == Some("text")
                && text(part, "text") == Some(content)
                && !content.is_empty()
        }
        _ => false,
    }
}

/// Whether the store takes it as a part.
pub fn is_part(part: &Value) -> bool {
    match part["type"].as_str() {
        Some("text") => part["text"].is_string(),
        kind => kind.is_some(),
    }
}

/// Gives a message its parts and, of them, its content. False if some are none: they are left out.
pub fn set_parts(message: &mut Message, parts: &[Value]) -> bool {
    if !parts.iter().all(is_part) {
        let usable = parts.iter().filter_map(|part| match part {
            Value::String(text) => Some(text_part(text)),
            part => is_part(part).then(|| part.clone()),
        });
        set_parts(message, &usable.collect::<Vec<_>>());
        return false;
    }
    message.content = content_of(parts);
    message.parts = (!are_plain(parts, &message.content)).then(|| JsonText::of(parts));
    true
}

/// Adds what a message cannot hold to its source, whosever that is.
pub fn keep(message: &mut Message, format: &str, key: &str, value: Value) {
    let source = message.source.take().and_then(|source| source.value());
    let mut source = match source {
        Some(Value::Object(source)) => source,
        _ => Object::new(),
    };
    source.entry("format").or_insert_with(|| format.into());
    let data = source.entry("data").or_insert(Value::Null);
    if !data.is_object() {
        *data = Value::Object(Object::new());
    }
    data[key] = value;
    message.source = Some(JsonText::of(&source));
}

/// `{ format, id?, data }`.
pub fn source(format: &str, id: Option<&str>, data: Object) -> Option<JsonText> {
    let mut source = Object::new();
    source.insert("format".into(), format.into());
    if let Some(id) = id {
        source.insert("id".into(), id.into());
    }
    source.insert("data".into(), Value::Object(data));
    Some(JsonText::of(&source))
}

/// At most as many characters as a title may have.
pub fn title(text: &str) -> String {
    let mut title = text.to_owned();
    cut(&mut title, MAX_TITLE);
    title
}

/// A title for a chat that has none: the beginning of what its person said first.
pub fn title_of(messages: &[Message]) -> String {
    let said = messages
        .iter()
        .filter(|message| message.role == crate::chat::Role::User)
        .chain(messages)
        .find_map(|message| {
            message
                .content
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty())
        });
    let Some(line) = said else {
        return "Imported chat".into();
    };
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// A call of a tool as a part.
pub fn tool_part(id: &str, tool: &str, input: Value) -> Value {
    let fields = [
        ("toolName", tool.into()),
        ("toolCallId", id.into()),
        ("state", "input-available".into()),
        ("input", input),
    ];
    part("dynamic-tool", &fields)
}

/// What a tool gave, added to the part of its call.
pub fn answer_tool(part: &mut Value, output: Value, failed: bool) {
    let Some(part) = part.as_object_mut() else {
        return;
    };
    if failed {
        let text = match output {
            Value::String(text) => text,
            other => other.to_string(),
        };
        part.insert("state".into(), "output-error".into());
        part.insert("errorText".into(), text.into());
    } else {
        part.insert("state".into(), "output-available".into());
        part.insert("output".into(), output);
    }
}

/// The media type that a data: URL names, or else a guess.
pub fn media_type(url: &str, guess: &str) -> String {
    url.strip_prefix("data:")
        .and_then(|rest| rest.split([';', ',']).next())
        .filter(|kind| kind.contains('/'))
        .unwrap_or(guess)
        .to_owned()
}

/// Where a text stands in another. By its first byte: smaller than what compares by two-way search.
pub fn find(text: &str, what: &str) -> Option<usize> {
    let (bytes, what) = (text.as_bytes(), what.as_bytes());
    let first = *what.first()?;
    let mut from = 0;
    while let Some(next) = memchr::memchr(first, &bytes[from..]) {
        let at = from + next;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// `{ type, … }`.
pub fn part(kind: &str, fields: &[(&str, Value)]) -> Value {
    let mut part = Object::new();
    part.insert("type".into(), kind.into());
    for (key, value) in fields {
        part.insert((*key).into(), value.clone());
    }
    Value::Object(part)
}

/// A file.
pub fn file_part(media_type: &str, url: &str) -> Value {
    part(
        "file",
        &[("mediaType", media_type.into()), ("url", url.into())],
    )
}

/// What has no part of its own: whole, under a name of this format.
pub fn data_part(kind: &str, data: &Value) -> Value {
    part(kind, &[("data", data.clone())])
}

/// What was thought.
pub fn reasoning_part(text: &str) -> Value {
    part("reasoning", &[("text", text.into())])
}

/// `{ message }`.
pub fn message_of_error(message: Value) -> JsonText {
    let mut error = Object::new();
    error.insert("message".into(), message);
    JsonText::of(&error)
}
