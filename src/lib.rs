//! The store that web apps use to keep their chats in the browser: real SQLite, compiled to
//! WebAssembly with this crate, over files of the origin private file system.
//!
//! | module | what it is for | what it must not know |
//! |---|---|---|
//! | [`model`] | what crosses the API, and its bounds | SQL, JavaScript |
//! | [`error`] | the closed set of error codes | the engine, JavaScript |
//! | [`json`] | values as JSON text, written in one pass | rows, JavaScript |
//! | [`time`] | points in time and their three spellings | any clock |
//! | [`name`] | database names and their directories | any file system |
//! | [`space`] | how much room there is, and when it is little | any browser |
//! | [`store`] | every SQL statement; the engine | JavaScript, clocks, randomness, tabs |
//! | [`search`], a crate | what matches what, the index's format, ranks, snippets | SQL, storage, JavaScript |
//! | [`rpc`] | requests, and the dispatch of each to its method | JavaScript, SQL, storage |
//! | [`coalescing`] | writes that follow each other, made one | the device, JavaScript |
//! | [`place`] | where a database is, and where a new one goes | any browser |
//! | [`delta`] | what has changed in blocks, as bytes | files, storage |
//! | [`tabs`] | which tab serves: a state machine | JavaScript, SQL, clocks, any I/O |
//! | [`planted`] | bugs that the simulation must find | anything without its feature |
//! | `wasm` (wasm32 only) | worker host, OPFS, exported class, error mapping | SQL |
//!
//! Apps do not use this crate: they install the npm package `conversation-store`, whose class
//! posts [`rpc::Request`]s to a worker that runs it.

pub use conversation_search as search;

pub mod coalescing;
pub mod delta;
pub mod error;
pub mod json;
pub mod model;
pub mod name;
pub mod place;
pub mod planted;
pub mod rpc;
pub mod space;
pub mod store;
pub mod tabs;
pub mod time;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
