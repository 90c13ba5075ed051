//! Where and how a database is kept: what is asked for, and what is told.

use serde::{Deserialize, Serialize};
#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

use super::Durability;

/// Where the caller wants the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum StorageOption {
    /// Where it is; a new one in OPFS, or in IndexedDB where OPFS cannot be used; never memory.
    #[default]
    Auto,
    /// The origin private file system. A database that is in IndexedDB is moved here.
    Opfs,
    /// IndexedDB: at most 256 MB, all of it in the worker's memory. `conflict` if it is in OPFS.
    Indexeddb,
    /// Memory, gone with the page.
    Memory,
}

/// How to open a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(default, rename_all = "camelCase", expecting = "options (an object)")]
pub struct DatabaseOptions {
    /// 'auto' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub storage: StorageOption,
    /// 'strict' if not given.
    #[cfg_attr(target_arch = "wasm32", tsify(optional))]
    pub durability: Durability,
}

/// Where a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// The origin private file system.
    Opfs,
    /// IndexedDB.
    Indexeddb,
    /// Memory.
    Memory,
}

/// Whether this tab holds the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "lowercase")]
pub enum TabRole {
    /// It does.
    Leader,
    /// Another tab does.
    Follower,
}

/// Where and how a database is kept.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
#[serde(rename_all = "camelCase")]
pub struct StoreStatus {
    /// Where it is.
    pub storage: StorageKind,
    /// Whether this tab holds the files.
    pub role: TabRole,
    /// How soon an acknowledged write is safe.
    pub durability: Durability,
    /// SQLite's word: 'wal' in OPFS. In IndexedDB it is 'memory': what a commit changed is kept in one of
    /// IndexedDB's transactions, which is what makes it whole.
    pub journal_mode: String,
    /// SQLite's word: 'full' or 'normal'. In IndexedDB its transactions are then 'strict' or 'relaxed'.
    pub synchronous: String,
    /// This open has made the database: there was none.
    pub created: bool,
    /// There was a database of this name, and the browser has removed it: this is a new one. (Where it
    /// has removed everything of this origin, nothing says so.)
    pub evicted: bool,
    /// It is in IndexedDB and could be in OPFS: opened with storage 'opfs', by no other tab then, it is moved.
    pub movable: bool,
    /// Whether the browser has promised not to evict this origin's data.
    pub persisted: bool,
    /// Bytes that this origin uses, as the browser estimates.
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<u64>,
    /// Bytes that this origin may use, as the browser estimates. (Chromium says of every origin that 10
    /// GB are left to it, whatever it grants.)
    #[cfg_attr(target_arch = "wasm32", tsify(optional, type = "number"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u64>,
    /// Less than a tenth of the quota is left, or the browser has refused this tab's last write for
    /// want of space. A 'status' event tells when this changes.
    pub low_space: bool,
    /// The engine's version.
    pub sqlite_version: String,
    /// The number of migrations the file has had.
    pub schema_version: i64,
    /// Of this package.
    pub version: String,
    /// Another tab runs a newer version of this package: calls reject with `outdated` until this
    /// page is reloaded.
    pub outdated: bool,
    /// Messages of other scripts and versions on this database's channels that were not understood.
    pub ignored_messages: u32,
}
