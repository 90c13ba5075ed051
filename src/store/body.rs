//! What a message says: its text and its parts, held to each other.
//!
//! JSON is read by the engine's own functions; this tree has no other parser.

use rusqlite::{Connection, OptionalExtension, params};

use super::engine::{self, Ask};
use crate::error::{Result, StoreError};
use crate::model::{Json, check_content};

/// A message's text, and its parts where the text alone does not say them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub content: String,
    /// `None`: one text part of `content`, or none where that is ''.
    pub parts: Option<Json>,
}

/// What is kept for a text, parts, or both.
///
/// # Errors
/// `invalid-argument` for parts that are none, or say something else than `content`.
pub(super) fn body(
    connection: &Connection,
    content: Option<&str>,
    parts: Option<&str>,
) -> Result<Body> {
    let Some(parts) = parts else {
        let content = content.unwrap_or_default();
        check_content(content)?;
        return Ok(Body {
            content: content.to_owned(),
            parts: None,
        });
    };
    let read = read_parts(connection, parts)?;
    check_content(parts)?;
    if content.is_some_and(|content| content != read.text) {
        return Err(StoreError::invalid(
            "content is not the text of parts (its parts of type 'text', joined by a blank line): \
             give one of the two",
        ));
    }
    Ok(Body {
        parts: (!read.is_plain).then(|| parts.to_owned()),
        content: read.text,
    })
}

/// What parts hold.
pub(super) struct Parts {
    /// The text of the text parts, joined by a blank line.
    pub text: String,
    /// One text part and nothing else to it, or no part.
    pub is_plain: bool,
    /// Whether there is a text part.
    pub has_text: bool,
    /// Whether the last part is one.
    pub ends_in_text: bool,
}

/// Reads parts.
///
/// # Errors
/// `invalid-argument`.
pub(super) fn read_parts(connection: &Connection, parts: &str) -> Result<Parts> {
    let kind = json_type(connection, parts)?;
    if kind.as_deref() != Some("array") {
        return Err(StoreError::invalid(match kind {
            Some(kind) => format!("parts is of JSON's type {kind}; give an array"),
            None => "parts is not JSON, or nested too deeply".to_owned(),
        }));
    }
    let mut statement = connection.prepare_cached(
        "SELECT type,
           CASE type WHEN 'object' THEN json_type(value, '$.type') END,
           CASE type WHEN 'object' THEN json_extract(value, '$.type') END,
           CASE type WHEN 'object' THEN json_type(value, '$.text') END,
           CASE type WHEN 'object' THEN json_extract(value, '$.text') END,
           CASE type WHEN 'object' THEN (SELECT count(*) FROM json_each(p.value)) END
         FROM json_each(?1) p",
    )?;
    let mut rows = statement.query([parts])?;
    let mut texts: Vec<String> = Vec::new();
    let (mut count, mut is_bare, mut ends_in_text) = (0, true, false);
    while let Some(row) = rows.next()? {
        let is = |column: usize, expected: &str| -> rusqlite::Result<bool> {
            Ok(engine::optional_text(row, column)?.as_deref() == Some(expected))
        };
        if !is(0, "object")? || !is(1, "text")? {
            return Err(StoreError::invalid(format!(
                "parts[{count}] is no part: give objects with a type (a string)"
            )));
        }
        ends_in_text = is(2, "text")?;
        if ends_in_text {
            if !is(3, "text")? {
                return Err(StoreError::invalid(format!(
                    "parts[{count}].text is not a string, which a part of type 'text' has"
                )));
            }
            texts.push(engine::text(row, 4)?);
        }
        is_bare &= ends_in_text && row.get::<_, i64>(5)? == 2;
        count += 1;
    }
    let text = texts.join("\n\n");
    Ok(Parts {
        is_plain: count == 0 || (count == 1 && is_bare && !text.is_empty()),
        has_text: !texts.is_empty(),
        ends_in_text,
        text,
    })
}

/// Checks a JSON text that is kept as it is.
///
/// # Errors
/// `invalid-argument`.
pub(super) fn check_json(connection: &Connection, name: &str, json: Option<&str>) -> Result<()> {
    let Some(json) = json else { return Ok(()) };
    if json_type(connection, json)?.is_none() {
        return Err(StoreError::invalid(format!(
            "{name} is not JSON, or nested too deeply"
        )));
    }
    check_content(json)
}

/// Checks a message's usage, error, metadata and source.
///
/// # Errors
/// `invalid-argument`, naming the first that is none.
pub(super) fn check_jsons(connection: &Connection, jsons: [Option<&str>; 4]) -> Result<()> {
    let names = ["usage", "error", "metadata", "source"];
    names
        .into_iter()
        .zip(jsons)
        .try_for_each(|(name, json)| check_json(connection, name, json))
}

/// The type of a JSON text, in SQLite's words; `None` if it is none
/// (<https://sqlite.org/json1.html#jtype>).
pub(super) fn json_type(connection: &Connection, json: &str) -> Result<Option<String>> {
    let kind = connection
        .row(
            "SELECT json_type(?1) WHERE json_valid(?1)",
            params![json],
            |row| engine::text(row, 0),
        )
        .optional()?;
    Ok(kind)
}
