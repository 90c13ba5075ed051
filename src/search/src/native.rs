//! Unicode's tables from crates, for builds that run in no browser.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::fold::Unicode;

/// The tables of `unicode-normalization` and `unicode-segmentation`.
pub struct Tables;

impl Unicode for Tables {
    fn nfd(&self, text: &str) -> String {
        text.nfd().collect()
    }

    fn nfc(&self, text: &str) -> String {
        text.nfc().collect()
    }

    fn lower(&self, text: &str) -> String {
        text.to_lowercase()
    }

    fn graphemes(&self, text: &str) -> Vec<usize> {
        text.grapheme_indices(true).map(|(at, _)| at).collect()
    }
}
