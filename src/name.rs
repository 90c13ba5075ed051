//! Names of databases and the directory names they become.
//!
//! Knows no file system: only which names are taken and that no two become one directory, also
//! where the file system folds case or composes accents.

use crate::error::{Result, StoreError};

/// Longest directory name, in bytes; file systems allow 255.
const MAX_ENCODED: usize = 200;

/// The directory of the database `name`: lower-case letters, digits, `-` and `_` stand for
/// themselves, every other byte of UTF-8 is written `%xx`.
///
/// # Errors
/// `invalid-argument` if the name is empty, or too long once encoded.
pub fn directory_name(name: &str) -> Result<String> {
    if name.is_empty() {
        return Err(StoreError::invalid(
            "name is empty: give the database a name, or leave it out for 'conversations'",
        ));
    }
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    if encoded.len() > MAX_ENCODED {
        return Err(StoreError::invalid(format!(
            "name needs {} bytes as a directory name; at most {MAX_ENCODED} are taken (a lower-case \
             letter or digit needs 1, any other ASCII character 3, a Hangul syllable 9): shorten it",
            encoded.len()
        )));
    }
    Ok(encoded)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use proptest::prelude::*;

    #[test]
    fn encodes() {
        for (name, directory) in [
            ("conversations", "conversations"),
            ("a/b", "a%2fb"),
            ("..", "%2e%2e"),
            ("A", "%41"),
            ("%41", "%2541"),
            ("대", "%eb%8c%80"),
            ("a\0b", "a%00b"),
        ] {
            assert_eq!(directory_name(name).as_deref(), Ok(directory));
        }
    }

    #[test]
    fn refuses_empty_and_long() {
        for name in [String::new(), "a".repeat(300), "대".repeat(23)] {
            assert_eq!(
                directory_name(&name).unwrap_err().code,
                ErrorCode::InvalidArgument
            );
        }
        assert!(directory_name(&"a".repeat(MAX_ENCODED)).is_ok());
    }

    proptest! {
        #[test]
        fn no_two_names_meet(a in "\\PC{1,12}", b in "\\PC{1,12}") {
            let fold = |name: &str| directory_name(name).unwrap().to_lowercase();
            prop_assert_eq!(a == b, fold(&a) == fold(&b));
        }
    }
}
