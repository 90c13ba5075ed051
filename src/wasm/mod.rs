//! The store in a browser's worker: the only module tree that names JavaScript values.
//!
//! | module | what it is for |
//! |---|---|
//! | [`vfs`] | SQLite's files over OPFS sync access handles, or memory |
//! | [`directory`] | the files of one database: acquiring, examining, removing them |
//! | [`lock`] | the Web Lock that makes one worker the owner of a database |
//! | [`host`] | the queue: one request at a time, in order, each answered |
//! | [`worker`] | a port whose messages are requests |
//! | [`class`] | `ConversationStore` for callers with their own worker |
//! | [`js`] | errors and values on their way across |
//!
//! Order of initialisation: the module is instantiated; [`worker::serve`] or `ConversationStore.open`
//! makes a [`host::Host`]; its `open` takes the lock, then the file handles, then opens the store.
//! Re-entrancy: a store call never yields, so no borrow of a store lives across an `await`; what
//! awaits (open, backup, restore, close) runs alone, later requests wait in the queue.

pub mod class;
pub mod directory;
pub mod host;
pub mod js;
pub mod lock;
pub mod vfs;
pub mod worker;
