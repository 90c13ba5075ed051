//! A chat as Markdown, for people: its path, without what only programs read. Written only.

use std::fmt::Write;

use serde_json::Value;

use crate::chat::{Chat, JsonText, Message, Role};
use crate::json::{Numbers, is_new, text};
use crate::ours::REFERENCE;

/// Longest file name without its ending, in characters.
const MAX_NAME: usize = 60;

/// The chat.
pub fn write(chat: &Chat) -> String {
    let mut out = String::new();
    let title = chat.title.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(out, "# {title}\n");
    if let Some(time) = chat.created_at.or(chat.updated_at) {
        let _ = writeln!(out, "_{}_\n", day_and_minute(&time.to_iso()));
    }
    for message in chat.path() {
        write_message(message, &mut out);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn day_and_minute(iso: &str) -> String {
    format!("{} UTC", iso.get(..16).unwrap_or(iso).replace('T', " "))
}

fn write_message(message: &Message, out: &mut String) {
    let who = match message.role {
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::System => "System",
    };
    let _ = write!(out, "## {who}");
    if let Some(model) = &message.model {
        let _ = write!(out, " ({})", model.replace(['\n', '\r'], " "));
    }
    out.push_str("\n\n");
    if let Some(time) = message.created_at {
        let _ = writeln!(out, "_{}_\n", day_and_minute(&time.to_iso()));
    }
    for part in message.part_values() {
        write_part(&part, out);
    }
    if let Some(error) = message.error.as_ref().and_then(JsonText::value) {
        let said = match error.get("message").unwrap_or(&error) {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = writeln!(out, "Error: {}\n", prose(&said));
    }
    if let Some(status) = message
        .status
        .as_deref()
        .filter(|status| *status != "complete")
    {
        let _ = writeln!(out, "_({status})_\n");
    }
}

fn write_part(part: &Value, out: &mut String) {
    let Value::Object(fields) = part else { return };
    let kind = text(fields, "type").unwrap_or_default();
    let said = text(fields, "text").unwrap_or_default();
    match kind {
        "text" if !said.is_empty() => {
            let _ = writeln!(out, "{}\n", prose(said));
        }
        "reasoning" => {
            let _ = writeln!(
                out,
                "<details>\n<summary>Reasoning</summary>\n\n{}\n\n</details>\n",
                prose(said)
            );
        }
        "step-start" => {}
        "file" => {
            let name = text(fields, "filename").unwrap_or("file");
            let url = text(fields, "url").unwrap_or_default();
            let image = text(fields, "mediaType").is_some_and(|media| media.starts_with("image/"));
            // A data: URL is no text, and an attachment here has no address.
            if url.starts_with("data:") || url.starts_with(REFERENCE) {
                let _ = writeln!(out, "_[file: {}]_\n", line(name));
            } else {
                let _ = writeln!(out, "{}[{name}](<{url}>)\n", if image { "!" } else { "" });
            }
        }
        "source-url" => {
            let url = text(fields, "url").unwrap_or_default();
            let _ = writeln!(out, "[{}](<{url}>)\n", text(fields, "title").unwrap_or(url));
        }
        "data-attachment" | "data-file" => {
            let data = fields.get("data").and_then(Value::as_object);
            let name = data.and_then(|d| text(d, "file_name").or_else(|| text(d, "filename")));
            let _ = writeln!(out, "_[file: {}]_\n", line(name.unwrap_or("file")));
            if let Some(content) = data.and_then(|data| text(data, "extracted_content")) {
                fence("", content, out);
            }
        }
        _ if kind == "dynamic-tool" || kind.starts_with("tool-") => {
            let tool = text(fields, "toolName").or_else(|| kind.strip_prefix("tool-"));
            let _ = writeln!(out, "Tool: {}\n", tool.unwrap_or("tool"));
            for key in ["input", "output", "errorText"] {
                match fields.get(key) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => fence("", text, out),
                    Some(value) => {
                        fence(
                            "json",
                            &serde_json::to_string_pretty(value).unwrap_or_default(),
                            out,
                        );
                    }
                }
            }
        }
        "" | "text" => {}
        _ => {
            let _ = writeln!(out, "_[{}]_\n", line(kind));
        }
    }
}

/// On one line.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// A text that stays within its message: a heading as large as those of messages is none, and a block
/// of code that does not end ends here.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // What the line began with that opened a block, and its fence.
    let mut open: Option<(&str, &str)> = None;
    for line in text.trim_end().lines() {
        // Blocks can stand in lists and quotations.
        let rest = line.trim_start_matches(|c: char| " \t>-+*.)".contains(c) || c.is_ascii_digit());
        let before = &line[..line.len() - rest.len()];
        let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'));
        let after = mark.map_or(rest, |mark| rest.trim_start_matches(mark));
        let fence = &rest[..rest.len() - after.len()];
        // A list or a quotation ends with all that is in it.
        let outside = !line.is_empty() && !line.starts_with([' ', '\t', '>']);
        open.take_if(|(before, _)| outside && !before.trim().is_empty());
        match open {
            Some((_, begun)) => {
                if fence.starts_with(begun) && after.trim().is_empty() {
                    open = None;
                }
            }
            None if fence.len() >= 3 && !(mark == Some('`') && after.contains('`')) => {
                open = Some((before, fence));
            }
            None => {
                let hashes = rest.len() - rest.trim_start_matches('#').len();
                let is_heading = matches!(hashes, 1 | 2)
                    && matches!(rest.as_bytes().get(hashes), None | Some(b' ' | b'\t'));
                if is_heading && before.len() < 4 && before.trim_start_matches(' ').is_empty() {
                    out.push_str(before);
                    out.push('\\');
                    out.push_str(rest);
                    out.push('\n');
                    continue;
                }
            }
        }
        out.push_str(line);
        out.push('\n');
    }
    if let Some((before, fence)) = open {
        out.extend(before.chars().map(|c| if c == '>' { c } else { ' ' }));
        out.push_str(fence);
    }
    out.truncate(out.trim_end().len());
    out
}

/// A fenced block, its fence longer than any in the text.
fn fence(language: &str, text: &str, out: &mut String) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(
        out,
        "{fence}{language}\n{}\n{fence}\n",
        text.trim_end_matches('\n')
    );
}

/// A name for the file of a chat, one that any file system takes and none before had.
pub fn file_name(title: &str, taken: &mut Numbers) -> String {
    let cleaned: String = title
        .chars()
        .map(|c| {
            if c.is_control() || r#"/\:*?"<>|"#.contains(c) {
                ' '
            } else {
                c
            }
        })
        .collect();
    let words = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut name: String = words.chars().take(MAX_NAME).collect();
    name = name.trim_matches(['.', ' ']).to_owned();
    // 255 bytes is what file systems take.
    while name.len() > 200 {
        name.pop();
    }
    let device = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let is_device = matches!(device.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (device.len() == 4 && (device.starts_with("COM") || device.starts_with("LPT")));
    if name.is_empty() {
        name = "chat".into();
    } else if is_device {
        name.insert(0, '_');
    }
    let mut candidate = name.clone();
    let mut number = 1;
    while !is_new(taken, &candidate.to_ascii_lowercase()) {
        number += 1;
        candidate = format!("{name} ({number})");
    }
    format!("{candidate}.md")
}
