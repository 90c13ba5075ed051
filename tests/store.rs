//! The cases of the store, natively: in memory and on a file.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{World, cases};

macro_rules! natively {
    ($($case:ident),* $(,)?) => {
        mod in_memory {
            use super::*;
            $(#[test]
            fn $case() {
                cases::$case(&World::new(None, None));
            })*
        }

        mod on_a_file {
            use super::*;
            $(#[test]
            fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("main.db");
                cases::$case(&World::new(Some(path.to_str().unwrap().into()), None));
            })*
        }
    };
}

for_each_case!(natively);
