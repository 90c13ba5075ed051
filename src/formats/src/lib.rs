//! Reads and writes the files that chat programs export, in one form between all of them.
//!
//! | module | what it is for |
//! |---|---|
//! | [`chat`] | [`Chat`](chat::Chat): what goes between a file and the store, and the failures on the way |
//! | [`reader`] | a file, a piece at a time, to batches of chats; finds out which format it is |
//! | [`split`] | cuts a stream of JSON into its elements without holding more than one |
//! | [`archive`] | zip files: their entries, read and written as streams |
//! | [`crc`] | the checksum of zip files |
//! | [`source`] | a part of a file, read where it lies |
//! | [`tree`] | messages with the ids and parents of a file, put in order |
//! | [`uid`] | uids for what has none, the same at each import |
//! | [`json`] | what all formats ask of a JSON value |
//! | [`chatgpt`], [`claude`], [`openai`], [`ai_sdk`], [`librechat`], [`open_webui`], [`plain`], [`ours`] | a format each |
//! | [`writer`], [`markdown`] | chats to a file |
//!
//! Knows no SQL, no clock and no page. No input makes it panic, none makes it recurse without bound,
//! and what it holds does not grow with the file. Only `wasm` names a JavaScript value.

pub mod ai_sdk;
pub mod archive;
pub mod chat;
pub mod chatgpt;
pub mod claude;
pub mod crc;
pub mod json;
pub mod librechat;
pub mod markdown;
pub mod open_webui;
pub mod openai;
pub mod ours;
pub mod plain;
pub mod reader;
pub mod source;
pub mod split;
#[path = "../../time.rs"]
#[allow(dead_code)]
pub mod time;
pub mod tree;
pub mod uid;
#[cfg(target_arch = "wasm32")]
mod wasm;
pub mod writer;
