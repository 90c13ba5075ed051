//! What is given hostile input, and what must hold of each.

pub mod archives;
pub mod damaged;
pub mod importers;
pub mod queries;
pub mod requests;
pub mod restore;
pub mod segments;
pub mod stored;
pub mod tabs;
