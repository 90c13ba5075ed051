//! The one error type of the crate and its closed set of codes.
//!
//! Knows no engine and no JavaScript: `store` turns engine errors into these, `wasm` turns these
//! into what crosses to the page.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::space::Space;

/// What went wrong, as callers branch on it. The text of a message may change; a code does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// An argument has the wrong type or lies outside its bounds. Nothing was done.
    InvalidArgument,
    /// A write names a row that does not exist. Nothing was done.
    NotFound,
    /// The call contradicts what is stored: an ambiguous uid, a cursor whose message is gone,
    /// a second open with other options.
    Conflict,
    /// The browser grants no more space. The call changed nothing; reading, exporting and deleting
    /// still work, and writing does once there is room.
    QuotaExceeded,
    /// The storage that was asked for cannot be had here: no OPFS, a worker or module that cannot
    /// be loaded, an insecure context.
    StorageUnavailable,
    /// Someone else holds the database: a tab that does not answer, for `open`; any, for `delete`.
    Blocked,
    /// The file was written by a newer version of this package that older ones must not touch.
    SchemaTooNew,
    /// Another tab runs a newer version of this package: reload this one.
    Outdated,
    /// The stored bytes are damaged. Nothing was deleted.
    Corrupt,
    /// The file given to `restore` is not a SQLite database.
    NotADatabase,
    /// The file given is a SQLite database, but neither of this package nor of the lesson.
    UnsupportedFormat,
    /// The caller's `AbortSignal` ended the call.
    Aborted,
    /// The call did not end within its `timeout`. A write may have happened: repeated with the
    /// `operationId` of the error's `details` it happens once.
    Timeout,
    /// The store was closed before the call.
    Closed,
    /// Worker after worker died (a trap or out of memory) with the call under way, or the one that
    /// held a database in memory.
    Crashed,
    /// A bug in this package. Please report the message.
    Internal,
}

/// An error with its code and a message that says what was wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreError {
    /// The code callers branch on.
    pub code: ErrorCode,
    /// For people: which argument, what was wrong, what to do.
    pub message: String,
    /// Of `quota-exceeded`: what the browser said of the space when it refused the call.
    #[serde(default)]
    pub space: Option<Space>,
}

/// `Result` with this crate's error.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl StoreError {
    /// An error of any code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            space: None,
        }
    }

    /// Whether the browser refused space.
    pub fn is_of_space(&self) -> bool {
        self.code == ErrorCode::QuotaExceeded
    }

    /// `invalid-argument`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    /// `not-found`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// `conflict`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}
