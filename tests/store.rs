//! The cases of the store, natively: in memory and on a file.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{World, cases, chats, searches};

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

mod rows {
    use super::{World, cases};

    crate::for_each_case!(natively);
}

mod of_chat_apps {
    use super::{World, chats as cases};

    crate::for_each_chat_case!(natively);
}

mod of_search {
    use super::{World, searches as cases};

    crate::for_each_search_case!(natively);
}
