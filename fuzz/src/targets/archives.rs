//! Zip files: as they come, or made of entries and then changed here and there.

use std::io::Cursor;

use conversation_formats::archive::ZipWriter;
use conversation_formats::reader::Options;
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use super::importers::{read_all, take_in};
use crate::invention::{Known, below, json};

const HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const NAMES: [&str; 9] = [
    "conversations.json",
    "chats.ndjson",
    "blobs.json",
    "folder/conversations.json",
    "../../conversations.json",
    "a/",
    "",
    "picture.png",
    "C:\\conversations.json",
];

pub fn run(input: &[u8]) -> Corpus {
    let Some((kind, rest)) = input.split_first() else {
        return Corpus::Reject;
    };
    let file = match kind {
        b'P' => input.to_vec(),
        _ => made(&mut Unstructured::new(rest)),
    };
    take_in(&read_all(Cursor::new(file), &Options::default()));
    Corpus::Keep
}

fn made(bytes: &mut Unstructured<'_>) -> Vec<u8> {
    let known = Known::default();
    let mut zip = ZipWriter::new();
    for _ in 0..below(bytes, 5) {
        let name = match below(bytes, 10) {
            9 => format!("blobs/{HASH}"),
            at => NAMES[at].to_owned(),
        };
        let deflates = bytes.arbitrary().unwrap_or(false);
        zip.begin(&name, deflates).expect("an entry begins");
        for _ in 0..1 + below(bytes, 3) {
            let content = match below(bytes, 6) {
                0 => format!(
                    "[{{\"title\":\"t\",\"messages\":[{{\"role\":\"user\",\"content\":{}}}]}}]",
                    json(bytes, &known, 0)
                ),
                1 => format!("{{\"{HASH}\":{{\"type\":{}}}}}", json(bytes, &known, 2)),
                2 => " ".repeat(below(bytes, 70_000)),
                3 => {
                    let length = below(bytes, 200).min(bytes.len());
                    let raw = bytes.bytes(length).unwrap_or_default().to_vec();
                    zip.write(&raw).expect("written");
                    continue;
                }
                _ => format!("{}\n", json(bytes, &known, 0)),
            };
            zip.write(content.as_bytes()).expect("written");
        }
    }
    zip.finish().expect("it ends");
    let mut file = zip.drain();
    for _ in 0..below(bytes, 6) {
        // From the end: there lies what says where all else is.
        let at = below(bytes, file.len());
        let end = file.len();
        if let Some(byte) = file.get_mut(end - 1 - at) {
            *byte = bytes.arbitrary().unwrap_or(0);
        }
    }
    if below(bytes, 8) == 1 {
        file.truncate(below(bytes, file.len()));
    }
    file
}
