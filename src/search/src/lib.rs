//! Search without storage: the rule of what matches, queries, the index's format, ranks, snippets.
//!
//! The rule stands in [`mod@fold`] and [`query`]: a text holds a term if the folded text holds the folded
//! term. The index ([`segment`]) says which texts may hold it, and where it cannot say for sure, the
//! texts themselves are asked. Knows no SQL, no JavaScript and no clock; what Unicode says of
//! characters comes from outside ([`fold::Unicode`]), since a browser has those tables already.

pub mod candidates;
pub mod fold;
pub mod ids;
pub mod matching;
pub mod merge;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
pub mod query;
pub mod rank;
pub mod segment;
pub mod snippet;
pub mod tokens;
