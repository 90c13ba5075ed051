//! Files of any bytes, read as each format: what is read is what every chat promises, is the same however
//! the bytes come, goes into a store, changes nothing the second time, and can be written in each form.
//!
//! The last two bytes say how it is read; the rest is the file.

use std::collections::HashSet;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};

use conversation_formats::chat::Chat;
use conversation_formats::reader::{Batch, Options, Reader};
use conversation_formats::{json, writer};
use conversation_store::model::{ImportedChat, ImportingOptions};
use libfuzzer_sys::Corpus;

use crate::promises::{everything, is_sound};
use crate::world::World;

const FORMATS: [Option<&str>; 9] = [
    None,
    Some("chatgpt"),
    Some("claude"),
    Some("openai"),
    Some("ai-sdk"),
    Some("librechat"),
    Some("open-webui"),
    Some("plain"),
    Some("ndjson"),
];

pub fn run(input: &[u8]) -> Corpus {
    let Some((file, [how, cut])) = input.split_last_chunk() else {
        return Corpus::Reject;
    };
    let options = Options {
        format: FORMATS[usize::from(how % 9)].map(str::to_owned),
        title: (how & 0x10 != 0).then(|| "title".to_owned()),
        brain: (how & 0x20 != 0).then(|| "brain".to_owned()),
        into_conversation: how & 0x40 != 0,
    };
    let read = read_all(Cursor::new(file.to_vec()), &options);
    let pieces = Pieces {
        inner: Cursor::new(file.to_vec()),
        state: u32::from(*cut) | 1,
    };
    assert_eq!(read, read_all(pieces, &options), "it is the same in pieces");
    take_in(&read);
    Corpus::Keep
}

/// Reads a file to its end, and holds what batches promise.
pub fn read_all(source: impl Read + Seek + 'static, options: &Options) -> Vec<Batch> {
    let Ok(mut reader) = Reader::new(source, options.clone()) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut last = 0;
    while let Some(batch) = reader.next() {
        assert!(batch.read >= last && batch.read <= batch.total, "progress");
        last = batch.read;
        for blob in &batch.blobs {
            if let Ok(bytes) = reader.open_blob(blob.entry) {
                // What is refused midway is refused.
                let _ = io::copy(&mut bytes.take(1 << 20), &mut io::sink());
            }
        }
        batch.conversations.iter().for_each(check);
        all.push(batch);
        assert!(all.len() < 100_000, "it ends");
    }
    all
}

/// What every chat promises.
fn check(chat: &Chat) {
    assert!(!chat.uid.is_empty());
    let mut known = HashSet::new();
    for message in &chat.messages {
        if let Some(Some(parent)) = &message.parent {
            assert!(known.contains(parent), "parents before children");
        }
        assert!(known.insert(message.uid.clone()), "uids are unique");
        let texts = [
            &message.parts,
            &message.source,
            &message.usage,
            &message.error,
        ];
        for text in texts.into_iter().flatten() {
            text.value().expect("JSON");
        }
        if let Some(parts) = &message.parts {
            let parts = parts.value().expect("JSON");
            let parts = parts.as_array().expect("an array");
            assert_eq!(json::content_of(parts), message.content);
        }
    }
    if let Some(Some(head)) = &chat.head {
        assert!(known.contains(head), "the head is there");
    }
}

/// Takes into a store what was read, twice, and writes it in each form.
pub fn take_in(read: &[Batch]) {
    let chats: Vec<_> = read.iter().flat_map(|batch| &batch.conversations).collect();
    if chats.is_empty() {
        return;
    }
    let texts: Vec<_> = chats
        .iter()
        .map(|chat| serde_json::to_string(chat).expect("a chat is JSON"))
        .collect();
    let imported: Vec<ImportedChat> = texts
        .iter()
        .map(|text| serde_json::from_str(text).expect("the store reads what formats give"))
        .collect();
    let mut store = World::new(1).empty();
    let options = ImportingOptions::default();
    let first = store
        .import_batch(&imported, &options)
        .expect("a batch is taken in");
    for failure in &first.failures {
        assert_ne!(
            failure.code,
            conversation_store::error::ErrorCode::Internal,
            "{failure:?}"
        );
    }
    let before = everything(&store);
    let second = store
        .import_batch(&imported, &options)
        .expect("a batch is taken in");
    if first.conversations.failed == 0 && chats.len() == first.conversations.created as usize {
        assert_eq!(
            everything(&store),
            before,
            "the second time changes nothing: {second:?}"
        );
    }
    is_sound(&mut store);
    for format in ["ndjson", "markdown", "openai", "ai-sdk"] {
        write(&texts, format);
    }
}

fn write(chats: &[String], format: &str) {
    let options = writer::Options {
        format: Some(format.to_owned()),
        ..writer::Options::default()
    };
    let mut writer = writer::Writer::new(&options).expect("the format is known");
    let mut bytes = Vec::new();
    for chat in chats {
        writer.add(chat).expect("a chat is written");
        bytes.extend(writer.drain());
    }
    writer.finish().expect("it ends");
    bytes.extend(writer.drain());
    if format == "ndjson" {
        let again = read_all(Cursor::new(bytes), &Options::default());
        let again: usize = again.iter().map(|batch| batch.conversations.len()).sum();
        assert_eq!(again, chats.len(), "our own file says all of it");
    }
}

/// Gives few bytes at a time, and is interrupted.
struct Pieces {
    inner: Cursor<Vec<u8>>,
    state: u32,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.state = self
            .state
            .wrapping_mul(0x0019_660d)
            .wrapping_add(0x3c6e_f35f);
        let drawn = self.state >> 24;
        if drawn < 8 {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = buffer.len().min(1 + drawn as usize % 23);
        self.inner.read(&mut buffer[..most])
    }
}

impl Seek for Pieces {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
