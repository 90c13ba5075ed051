//! The real store on a device that fails: scripts that touch every method ([`script`]), a device in memory
//! ([`disk`]) behind a VFS of SQLite's ([`vfs`]), and what must hold whatever fails and whenever ([`runs`],
//! [`power`], [`examine`]).

#![allow(dead_code)]

pub mod allocator;
pub mod disk;
pub mod examine;
pub mod jobs;
pub mod power;
pub mod runs;
pub mod script;
pub mod stage;
pub mod table;
pub mod vfs;
