//! Hostile input, guided by coverage (libFuzzer): one program, its target named by `FUZZ_TARGET`.
//!
//! `npm run fuzz` builds it with the coverage of each branch counted and runs its targets
//! (scripts/fuzz.mjs). A target takes bytes, makes of them what it needs, and panics where something that
//! must hold does not. The same bytes do the same each time.

#![no_main]

mod invention;
mod promises;
mod targets;
mod world;

use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};

type Target = fn(&[u8]) -> Corpus;

/// By name.
const TARGETS: [(&str, Target); 9] = [
    ("importers", targets::importers::run),
    ("archives", targets::archives::run),
    ("restore", targets::restore::run),
    ("damaged", targets::damaged::run),
    ("requests", targets::requests::run),
    ("tabs", targets::tabs::run),
    ("queries", targets::queries::run),
    ("stored", targets::stored::run),
    ("segments", targets::segments::run),
];

static TARGET: OnceLock<Target> = OnceLock::new();

fn target() -> Target {
    *TARGET.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|(it, _)| *it == name);
        found
            .unwrap_or_else(|| panic!("FUZZ_TARGET is none of {:?}", TARGETS.map(|it| it.0)))
            .1
    })
}

fuzz_target!(init: { target(); }, |bytes: &[u8]| -> Corpus { target()(bytes) });
