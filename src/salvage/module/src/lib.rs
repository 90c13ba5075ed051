//! [`SalvageReader`]: the reader of damaged files for a worker. A module of its own, since nearly nobody
//! ever fetches it. Holds no logic; all is synchronous, by FileReaderSync.

#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;

use conversation_salvage::bytes::Bytes;
use conversation_salvage::reader::Reader;
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, FileReaderSync};

/// How much of a file is read at a time: it is asked for a page here and a page there.
const SLICE: u64 = 1 << 16;

/// A damaged file. What the browser cannot read is not there.
struct File {
    blob: Option<(Blob, FileReaderSync)>,
    /// What was read last, and where it lies.
    slice: RefCell<(u64, Vec<u8>)>,
}

impl File {
    fn new(blob: Option<Blob>) -> Result<Self, JsValue> {
        let blob = match blob {
            Some(blob) => Some((blob, FileReaderSync::new()?)),
            None => None,
        };
        Ok(Self {
            blob,
            slice: RefCell::default(),
        })
    }

    fn load(&self, offset: u64) -> Option<Vec<u8>> {
        let (blob, reader) = self.blob.as_ref()?;
        let end = (offset + SLICE).min(self.len());
        let slice = blob
            .slice_with_f64_and_f64(offset as f64, end as f64)
            .ok()?;
        let buffer = reader.read_as_array_buffer(&slice).ok()?;
        Some(Uint8Array::new(&buffer.into()).to_vec())
    }
}

impl Bytes for File {
    fn len(&self) -> u64 {
        self.blob.as_ref().map_or(0, |(blob, _)| blob.size() as u64)
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let mut slice = self.slice.borrow_mut();
        let mut filled = 0;
        while filled < into.len() {
            let at = offset + filled as u64;
            if at < slice.0 || at >= slice.0 + slice.1.len() as u64 {
                *slice = (at, self.load(at).unwrap_or_default());
            }
            let here = &slice.1[(at - slice.0) as usize..];
            let count = here.len().min(into.len() - filled);
            if count == 0 {
                break;
            }
            into[filled..filled + count].copy_from_slice(&here[..count]);
            filled += count;
        }
        filled
    }
}

/// Reads the rows of a damaged database, in batches that only the store looks into.
#[wasm_bindgen]
pub struct SalvageReader {
    reader: Reader<File, File>,
}

#[wasm_bindgen]
impl SalvageReader {
    /// The main file and its log, as far as they are there.
    #[wasm_bindgen(constructor)]
    pub fn new(main: Option<Blob>, log: Option<Blob>) -> Result<SalvageReader, JsValue> {
        let reader = Reader::new(File::new(main)?, File::new(log)?);
        Ok(Self { reader })
    }

    /// The next rows, perhaps none; undefined at the end.
    pub fn next(&mut self) -> Option<Vec<u8>> {
        self.reader.next_batch()
    }

    /// Whether, at the end, no damage to the chats was found.
    #[wasm_bindgen(getter, js_name = isWhole)]
    pub fn is_whole(&self) -> bool {
        self.reader.summary().is_whole
    }
}
