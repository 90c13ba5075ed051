//! Reads the rows of a conversation store out of damaged SQLite files: what stands where it should, and
//! what is found by its look where the way to it is lost.
//!
//! | module | what it is for |
//! |---|---|
//! | [`bytes`] | what is asked of a file: its length, and some of its bytes |
//! | [`log`] | the write-ahead log: which frames hold which version of a page, past a bad one too |
//! | [`pages`] | the pages of both files, their size, and the version of each that is believed |
//! | [`btree`] | a page's cells, its payloads with their overflow, and the values of a record |
//! | [`tables`] | the tables that are looked for, and how a row of each is known by its look |
//! | [`copies`] | of several copies of a row, the one that was not hit |
//! | [`named`] | which rows of chats an index names, and which of them were found |
//! | [`reader`] | from two files to batches of rows |
//! | [`batch`] | rows as bytes, on their way from the reader to a store |
//!
//! The format is <https://sqlite.org/fileformat2.html>. Knows no engine, no SQL and no storage. No input
//! makes it panic, none makes it run without end, and it holds a few bytes for a page and one row.

pub mod batch;
pub mod btree;
pub mod bytes;
pub mod copies;
pub mod log;
pub mod named;
pub mod pages;
pub mod reader;
pub mod tables;
