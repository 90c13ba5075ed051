//! The two classes that a worker uses: [`ImportReader`] and [`ExportWriter`]. The only module of the
//! crate that names a JavaScript value. Holds no logic of formats.
//!
//! Chats go in and out as JSON text; no page has to parse it. All is synchronous: it runs in a worker
//! of its own, which reads a Blob by FileReaderSync, a slice at a time.

use std::io::{self, Read, Seek, SeekFrom};

use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, FileReaderSync};

use serde_json::Value;

use crate::chat::{Chat, Error, Failure};
use crate::json::{Object, is_true};
use crate::reader::{self, Reader};
use crate::writer::{self, Writer};

/// How much of a Blob is in memory.
const SLICE: u64 = 1 << 20;
/// How much of an attachment is given at a time.
const PIECE: usize = 1 << 20;

/// What crosses of an error: `{ code, message }` as JSON, thrown as a string.
fn thrown(error: &Error) -> JsValue {
    #[derive(Serialize)]
    struct Data<'a> {
        code: crate::chat::Code,
        message: &'a str,
    }
    let data = Data {
        code: error.code,
        message: &error.message,
    };
    JsValue::from_str(&serde_json::to_string(&data).unwrap_or_default())
}

/// Options come as an object of JSON: strings and booleans. Unknown ones are passed over.
struct Given(Object);

impl Given {
    fn read(text: &str) -> Result<Self, JsValue> {
        let unreadable = |error| thrown(&Error::invalid(format!("options: {error}")));
        serde_json::from_str(text).map(Self).map_err(unreadable)
    }

    fn text(&self, key: &str) -> Result<Option<String>, JsValue> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(thrown(&Error::invalid(format!("{key} is no string")))),
        }
    }
}

/// Where the bytes are.
enum Bytes {
    Blob(Blob, FileReaderSync),
    Array(Uint8Array),
}

/// A Blob or bytes, of which a slice is in memory.
struct Input {
    bytes: Bytes,
    length: u64,
    at: u64,
    slice: Vec<u8>,
    slice_at: u64,
}

impl Input {
    fn load(&mut self) -> io::Result<()> {
        let end = (self.at + SLICE).min(self.length);
        let array = match &self.bytes {
            Bytes::Array(array) => array.subarray(self.at as u32, end as u32),
            Bytes::Blob(blob, reader) => {
                let unreadable = |error: JsValue| {
                    let error = js_sys::Error::from(error);
                    io::Error::other(String::from(error.message()))
                };
                let slice = blob
                    .slice_with_f64_and_f64(self.at as f64, end as f64)
                    .map_err(unreadable)?;
                let buffer = reader.read_as_array_buffer(&slice).map_err(unreadable)?;
                Uint8Array::new(&buffer.into())
            }
        };
        self.slice.resize(array.length() as usize, 0);
        array.copy_to(&mut self.slice);
        self.slice_at = self.at;
        Ok(())
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length || into.is_empty() {
            return Ok(0);
        }
        let within = self.slice_at..self.slice_at + self.slice.len() as u64;
        if !within.contains(&self.at) {
            self.load()?;
        }
        let here = &self.slice[(self.at - self.slice_at) as usize..];
        let count = here.len().min(into.len());
        into[..count].copy_from_slice(&here[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Reads a file in batches.
#[wasm_bindgen]
pub struct ImportReader {
    reader: Reader<Input>,
}

/// What was read. The text of `conversations` goes on to the store as it is.
#[wasm_bindgen]
pub struct ImportBatch {
    conversations: String,
    report: String,
}

#[wasm_bindgen]
impl ImportBatch {
    /// The JSON text of an array of chats.
    #[wasm_bindgen(getter)]
    pub fn conversations(&mut self) -> String {
        std::mem::take(&mut self.conversations)
    }

    /// The JSON text of `{ count, failures, read, total, blobs }`; `count` is of the chats.
    #[wasm_bindgen(getter)]
    pub fn report(&mut self) -> String {
        std::mem::take(&mut self.report)
    }
}

#[wasm_bindgen]
impl ImportReader {
    /// `data` is a Blob or a Uint8Array, `json` the text of the options.
    #[wasm_bindgen(constructor)]
    pub fn new(data: JsValue, json: &str) -> Result<ImportReader, JsValue> {
        let given = Given::read(json)?;
        let options = reader::Options {
            format: given.text("format")?,
            title: given.text("title")?,
            brain: given.text("brain")?,
            into_conversation: is_true(&given.0, "intoConversation"),
        };
        let (bytes, length) = match data.dyn_into::<Uint8Array>() {
            Ok(array) => {
                let length = u64::from(array.length());
                (Bytes::Array(array), length)
            }
            Err(data) => {
                let blob = Blob::from(data);
                let length = blob.size() as u64;
                (Bytes::Blob(blob, FileReaderSync::new()?), length)
            }
        };
        let input = Input {
            bytes,
            length,
            at: 0,
            slice: Vec::new(),
            slice_at: 0,
        };
        let reader = Reader::new(input, options).map_err(|error| thrown(&error))?;
        Ok(Self { reader })
    }

    /// 'sqlite', 'zip' or 'text'. SQLite is not for this module.
    #[wasm_bindgen(getter)]
    pub fn container(&self) -> String {
        let name = serde_json::to_value(self.reader.container());
        name.ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The next batch; undefined at the end.
    pub fn next(&mut self) -> Option<ImportBatch> {
        #[derive(Serialize)]
        struct Report<'a> {
            count: usize,
            failures: &'a [Failure],
            read: u64,
            total: u64,
            blobs: &'a [reader::Blob],
        }
        let batch = self.reader.next()?;
        let report = Report {
            count: batch.conversations.len(),
            failures: &batch.failures,
            read: batch.read,
            total: batch.total,
            blobs: &batch.blobs,
        };
        Some(ImportBatch {
            conversations: serde_json::to_string::<[Chat]>(&batch.conversations)
                .unwrap_or_default(),
            report: serde_json::to_string(&report).unwrap_or_default(),
        })
    }

    /// Gives the bytes of an attachment that is packed, a piece at a time, to `piece`.
    #[wasm_bindgen(js_name = readBlob)]
    pub fn read_blob(&self, entry: usize, piece: &js_sys::Function) -> Result<(), JsValue> {
        let mut stream = self
            .reader
            .open_blob(entry)
            .map_err(|error| thrown(&error))?;
        let mut bytes = vec![0; PIECE];
        loop {
            let read = stream.read(&mut bytes).map_err(|error| {
                thrown(&Error::corrupt(format!(
                    "an attachment cannot be read: {error}"
                )))
            })?;
            if read == 0 {
                return Ok(());
            }
            piece.call1(&JsValue::NULL, &Uint8Array::from(&bytes[..read]).into())?;
        }
    }
}

/// Writes a file.
#[wasm_bindgen]
pub struct ExportWriter {
    writer: Writer,
}

#[wasm_bindgen]
impl ExportWriter {
    /// `json` is the text of the options.
    #[wasm_bindgen(constructor)]
    pub fn new(json: &str) -> Result<ExportWriter, JsValue> {
        let given = Given::read(json)?;
        let options = writer::Options {
            format: given.text("format")?,
            blobs: is_true(&given.0, "blobs"),
            exported_at: given.text("exportedAt")?,
        };
        let writer = Writer::new(&options).map_err(|error| thrown(&error))?;
        Ok(Self { writer })
    }

    /// Adds a chat, given as JSON text.
    pub fn add(&mut self, chat: &str) -> Result<(), JsValue> {
        self.writer.add(chat).map_err(|error| thrown(&error))
    }

    /// Adds lines that another writer wrote.
    pub fn lines(&mut self, bytes: &[u8]) -> Result<(), JsValue> {
        self.writer.lines(bytes).map_err(|error| thrown(&error))
    }

    /// The hashes of the attachments that the chats name.
    pub fn references(&self) -> Vec<String> {
        self.writer.references().map(str::to_owned).collect()
    }

    /// Begins an attachment.
    pub fn blob(&mut self, hash: &str, media_type: &str, size: f64) -> Result<(), JsValue> {
        self.writer
            .blob(hash, media_type, size as u64)
            .map_err(|error| thrown(&error))
    }

    /// Adds to the attachment that was begun last.
    #[wasm_bindgen(js_name = blobBytes)]
    pub fn blob_bytes(&mut self, bytes: &[u8]) -> Result<(), JsValue> {
        self.writer
            .blob_bytes(bytes)
            .map_err(|error| thrown(&error))
    }

    /// Ends the file.
    pub fn finish(&mut self) -> Result<(), JsValue> {
        self.writer.finish().map_err(|error| thrown(&error))
    }

    /// How many bytes wait.
    #[wasm_bindgen(getter)]
    pub fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// What was written since the last time.
    pub fn drain(&mut self) -> Vec<u8> {
        self.writer.drain()
    }

    /// The file's media type, once it is finished.
    #[wasm_bindgen(getter, js_name = mediaType)]
    pub fn media_type(&self) -> String {
        self.writer.media_type().into()
    }

    /// How the file's name should end, once it is finished.
    #[wasm_bindgen(getter)]
    pub fn extension(&self) -> String {
        self.writer.extension().into()
    }
}
