//! The store in a browser's worker: the only module tree that names JavaScript values.
//!
//! | module | what it is for |
//! |---|---|
//! | [`vfs`] | SQLite's files over OPFS sync access handles, or memory |
//! | [`image`] | a file in JavaScript's memory, and what has changed in it |
//! | [`indexeddb`] | a database's file in IndexedDB, for where OPFS cannot be had |
//! | [`place`] | opening a database where it is, making it, moving it, removing it |
//! | [`directory`] | the files of one database: acquiring, examining, removing them |
//! | [`database`] | the store with its files: open, carry out, back up, restore |
//! | [`lock`] | Web Locks: who owns a database, and which tabs are alive |
//! | [`channel`] | what tabs say to each other, as messages |
//! | [`host`] | does what this tab's state machine says |
//! | [`worker`] | a port whose messages are a page's calls |
//! | [`salvage`] | a salvage under way: a damaged database's lock and files, and what replaces them |
//! | [`class`] | `ConversationStore` for callers with their own worker |
//! | [`fields`] | an app's own JSON, for callers of that class |
//! | [`read`] | what a caller gave, read into this crate's types |
//! | [`unicode`] | what the browser knows of characters |
//! | [`js`] | errors and values on their way across |
//!
//! Order of initialisation: the module is instantiated; [`worker::serve`] or `ConversationStore.open`
//! makes a [`host::Host`], which asks for the lock and says hello; with the lock come the file
//! handles, then the store. Re-entrancy: a store call never yields, so no borrow of a store lives
//! across an `await`; what awaits (backup, restore, keeping changes in IndexedDB) takes the database out, and
//! nothing else is begun.

pub mod channel;
pub mod class;
pub mod database;
pub mod directory;
pub mod fields;
pub mod host;
pub mod image;
pub mod indexeddb;
pub mod js;
pub mod lock;
pub mod place;
pub mod read;
pub mod salvage;
pub mod unicode;
pub mod vfs;
pub mod worker;
