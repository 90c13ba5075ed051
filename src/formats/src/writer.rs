//! Chats to a file, as a stream: what is written is drained and not touched again.
//!
//! Knows the formats that are written: our own ([`crate::ours`]), Markdown, messages of OpenAI and of
//! the AI SDK. Holds at most one chat, until it is known whether it is the only one.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::archive::ZipWriter;
use crate::chat::{Chat, Error};
use crate::json::{Numbers, Object, is_new};
use crate::{ai_sdk, markdown, openai, ours};

/// How to write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// 'ndjson' if not given.
    pub format: Option<String>,
    /// With attachments: our own format in a zip.
    pub blobs: bool,
    /// The time of the export, for our own format.
    pub exported_at: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Ours,
    Markdown,
    OpenAi,
    AiSdk,
}

/// Writes a file.
pub struct Writer {
    format: Format,
    out: Vec<u8>,
    zip: Option<ZipWriter>,
    /// The first chat, until there is a second.
    first: Option<Chat>,
    count: u64,
    /// Of files, or the hashes that are in `references`.
    names: Numbers,
    references: Vec<String>,
    blobs: Object,
}

impl Writer {
    /// Begins a file.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let format = match options.format.as_deref().unwrap_or(ours::FORMAT) {
            ours::FORMAT => Format::Ours,
            "markdown" => Format::Markdown,
            openai::FORMAT => Format::OpenAi,
            ai_sdk::FORMAT => Format::AiSdk,
            other => {
                return Err(Error::invalid(format!(
                    "format '{other}' is none of ndjson, markdown, openai, ai-sdk"
                )));
            }
        };
        let mut writer = Self {
            format,
            out: Vec::new(),
            zip: None,
            first: None,
            count: 0,
            names: Numbers::new(),
            references: Vec::new(),
            blobs: Object::new(),
        };
        if format == Format::Ours {
            if options.blobs {
                let mut zip = ZipWriter::new();
                zip.begin(ours::CHATS, true)?;
                writer.zip = Some(zip);
            } else {
                writer.lines(ours::write_header(options.exported_at.as_deref()).as_bytes())?;
            }
        }
        Ok(writer)
    }

    /// Adds a chat, given as the JSON text of a [`Chat`].
    pub fn add(&mut self, chat: &str) -> Result<(), Error> {
        let unreadable = |error| Error::invalid(format!("the chat cannot be read: {error}"));
        let chat: Chat<Box<RawValue>> = serde_json::from_str(chat).map_err(unreadable)?;
        let mut problem = None;
        let chat = chat.map(&mut |quoted| match serde_json::from_str(quoted.get()) {
            Ok(text) => text,
            Err(error) => {
                problem = Some(error);
                None
            }
        });
        if let Some(error) = problem {
            return Err(unreadable(error));
        }
        self.count += 1;
        match (self.format, self.count) {
            (Format::Ours, _) => {
                let line = ours::write(chat)?;
                for hash in ours::references(&line) {
                    if is_new(&mut self.names, hash) {
                        self.references.push(hash.to_owned());
                    }
                }
                self.lines(line.as_bytes())
            }
            (_, 1) => {
                self.first = Some(chat);
                Ok(())
            }
            _ => {
                if let Some(first) = self.first.take() {
                    self.one_of_many(first, true)?;
                }
                self.one_of_many(chat, false)
            }
        }
    }

    /// Adds lines that were written before, first line and all, to a file with attachments.
    pub fn lines(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.zip {
            Some(zip) => zip.write(bytes),
            None => {
                self.out.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// The hashes of the attachments that the chats name, in our own format.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.references.iter().map(String::as_str)
    }

    /// Begins an attachment; its bytes follow by [`Writer::blob_bytes`].
    pub fn blob(&mut self, hash: &str, media_type: &str, size: u64) -> Result<(), Error> {
        let Some(zip) = self.zip.as_mut().filter(|_| self.format == Format::Ours) else {
            return Err(Error::invalid("this file takes no attachments"));
        };
        if !ours::is_hash(hash) {
            return Err(Error::invalid("an attachment's hash is a SHA-256 in hex"));
        }
        self.blobs
            .insert(hash.to_owned(), json!({ "type": media_type, "size": size }));
        zip.begin(&format!("{}{hash}", ours::BLOB_FOLDER), false)
    }

    /// Bytes of the attachment that was begun last.
    pub fn blob_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.lines(bytes)
    }

    fn one_of_many(&mut self, chat: Chat, first: bool) -> Result<(), Error> {
        if self.format == Format::Markdown {
            if first {
                self.zip = Some(ZipWriter::new());
            }
            let name = markdown::file_name(&chat.title, &mut self.names);
            if let Some(zip) = &mut self.zip {
                zip.begin(&name, true)?;
                zip.write(markdown::write(&chat).as_bytes())?;
            }
            return Ok(());
        }
        let mut object = Object::new();
        object.insert("id".into(), chat.uid.as_str().into());
        object.insert("title".into(), chat.title.as_str().into());
        if let Some(time) = chat.created_at {
            object.insert("createdAt".into(), time.to_iso().into());
        }
        object.insert("messages".into(), self.messages(&chat).into());
        self.out
            .extend_from_slice(if first { b"[\n" } else { b",\n" });
        self.out
            .extend_from_slice(Value::Object(object).to_string().as_bytes());
        Ok(())
    }

    fn messages(&self, chat: &Chat) -> Vec<Value> {
        let path = chat.path();
        if self.format == Format::AiSdk {
            return path.into_iter().map(ai_sdk::write).collect();
        }
        let mut tools = openai::Tools::default();
        path.into_iter()
            .flat_map(|message| openai::write(message, &mut tools))
            .collect()
    }

    /// Ends the file.
    pub fn finish(&mut self) -> Result<(), Error> {
        let first = self.first.take();
        match (self.format, first) {
            (Format::Ours, _) => {
                if let Some(zip) = &mut self.zip {
                    zip.begin(ours::BLOBS, true)?;
                    zip.write(
                        serde_json::to_string(&self.blobs)
                            .unwrap_or_default()
                            .as_bytes(),
                    )?;
                }
            }
            (Format::Markdown, Some(chat)) => {
                self.out
                    .extend_from_slice(markdown::write(&chat).as_bytes());
            }
            (Format::Markdown, None) => {}
            (_, Some(chat)) => {
                let messages = self.messages(&chat);
                self.out
                    .extend_from_slice(Value::Array(messages).to_string().as_bytes());
                self.out.push(b'\n');
            }
            (_, None) => {
                let end: &[u8] = if self.count == 0 { b"[]\n" } else { b"\n]\n" };
                self.out.extend_from_slice(end);
            }
        }
        match &mut self.zip {
            Some(zip) => zip.finish(),
            None => Ok(()),
        }
    }

    /// What was written since the last time.
    pub fn drain(&mut self) -> Vec<u8> {
        match &mut self.zip {
            Some(zip) => zip.drain(),
            None => std::mem::take(&mut self.out),
        }
    }

    /// How many bytes wait to be drained.
    pub fn waiting(&self) -> usize {
        self.zip.as_ref().map_or(self.out.len(), ZipWriter::waiting)
    }

    /// The file's media type, once it is finished.
    pub fn media_type(&self) -> &'static str {
        match self.format {
            _ if self.zip.is_some() => "application/zip",
            Format::Ours => "application/x-ndjson",
            Format::Markdown => "text/markdown",
            Format::OpenAi | Format::AiSdk => "application/json",
        }
    }

    /// How the file's name should end, once it is finished.
    pub fn extension(&self) -> &'static str {
        match self.format {
            _ if self.zip.is_some() => "zip",
            Format::Ours => "ndjson",
            Format::Markdown => "md",
            Format::OpenAi | Format::AiSdk => "json",
        }
    }
}
