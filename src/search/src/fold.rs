//! Folding: the form in which texts and terms are compared.
//!
//! NFD; U+0300 to U+036F dropped where their base is Latin, Greek or Cyrillic (but for the breve of й,
//! which is a letter of its own); NFC; simple case folding. Marks of other scripts are part of the
//! word: dropping them breaks kana, Thai and Devanagari.

/// What Unicode says of characters. A browser has it built in, so the module carries no tables.
pub trait Unicode {
    /// Canonical decomposition (<https://unicode.org/reports/tr15/>).
    fn nfd(&self, text: &str) -> String;
    /// Canonical composition.
    fn nfc(&self, text: &str) -> String;
    /// Lower case, of no language (<https://www.unicode.org/versions/latest/core-spec/chapter-3/>, 3.13).
    fn lower(&self, text: &str) -> String;
    /// Where its grapheme clusters begin, in bytes, ascending from 0
    /// (<https://unicode.org/reports/tr29/>).
    fn graphemes(&self, text: &str) -> Vec<usize>;
}

/// The folded text.
pub fn fold(unicode: &dyn Unicode, text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if text.chars().all(is_plain) {
        return text.chars().map(fold_plain).collect();
    }
    let composed = unicode.nfc(&without_diacritics(&unicode.nfd(text)));
    unicode.lower(&composed).chars().map(fold_rest).collect()
}

/// Characters that folding at most changes the case of, without changing how many bytes they are,
/// whatever stands around them: a text may be cut before one, and its pieces folded one by one. Not
/// all such characters, but those that most texts are made of.
pub fn is_plain(c: char) -> bool {
    matches!(c,
        '\0'..='\u{bf}'
        | 'Α'..='Ρ' | 'Σ'..='Ω' | 'α'..='ω'
        | 'А'..='я'
        // Punctuation and currencies; not the spaces that decompose.
        | '\u{2002}'..='\u{205e}' | '\u{20a0}'..='\u{20cf}'
        // Box drawing to dingbats.
        | '\u{2500}'..='\u{27bf}'
        | '\u{3000}'..='\u{3029}' | '\u{3041}'..='\u{3096}' | '\u{309b}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{fe0f}' | '\u{ff01}'..='\u{ff9f}'
        | '\u{1f000}'..='\u{1faff}')
}

fn without_diacritics(decomposed: &str) -> String {
    let mut base = '\0';
    decomposed
        .chars()
        .filter(|&c| {
            if !matches!(c, '\u{300}'..='\u{36f}') {
                base = c;
                return true;
            }
            let is_short_i = matches!(base, 'и' | 'И') && c == '\u{306}';
            is_short_i || !has_diacritics(base)
        })
        .collect()
}

/// Latin, Greek and Cyrillic letters, by block.
fn has_diacritics(base: char) -> bool {
    matches!(base,
        'A'..='Z' | 'a'..='z' | 'ª' | 'º' | '\u{c0}'..='\u{2af}'
        | '\u{370}'..='\u{52f}'
        | '\u{1c80}'..='\u{1c8f}' | '\u{1d00}'..='\u{1dbf}' | '\u{1e00}'..='\u{1fff}'
        | '\u{2c60}'..='\u{2c7f}' | '\u{2de0}'..='\u{2dff}'
        | '\u{a640}'..='\u{a69f}' | '\u{a722}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab6f}'
        | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

/// Simple case folding of a plain character.
fn fold_plain(c: char) -> char {
    let upper = matches!(c, 'A'..='Z' | 'Α'..='Ω' | 'А'..='Я' | 'Ａ'..='Ｚ');
    match c {
        _ if upper => char::from_u32(u32::from(c) + 32).unwrap_or(c),
        _ => fold_rest(c),
    }
}

/// What simple case folding (CaseFolding.txt, C and S) does to lower case: letters that have several.
fn fold_rest(c: char) -> char {
    match c {
        'µ' => 'μ',
        'ſ' => 's',
        'ς' => 'σ',
        'ϐ' => 'β',
        'ϑ' => 'θ',
        'ϕ' => 'φ',
        'ϖ' => 'π',
        'ϰ' => 'κ',
        'ϱ' => 'ρ',
        'ϵ' => 'ε',
        'ᲀ' => 'в',
        'ᲁ' => 'д',
        'ᲂ' => 'о',
        'ᲃ' => 'с',
        'ᲄ' | 'ᲅ' => 'т',
        'ᲆ' => 'ъ',
        'ᲇ' => 'ѣ',
        'ᲈ' => 'ꙋ',
        'ﬅ' => 'ﬆ',
        _ => c,
    }
}

/// How a character takes part in tokens. It depends on nothing but the character, so that a piece of
/// a text is cut as the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Between tokens.
    Space,
    /// Letters and digits of scripts that part words by spaces.
    Word,
    /// Letters of scripts that do not.
    Unspaced,
    /// All else: punctuation, emoji, lone marks.
    Symbol,
}

impl Class {
    /// Of a character.
    pub fn of(c: char) -> Self {
        if c.is_ascii() {
            return if c.is_ascii_alphanumeric() {
                Self::Word
            } else if c.is_whitespace() {
                Self::Space
            } else {
                Self::Symbol
            };
        }
        if is_unspaced(c) {
            Self::Unspaced
        } else if c.is_alphanumeric() {
            Self::Word
        } else if c.is_whitespace() {
            Self::Space
        } else {
            Self::Symbol
        }
    }
}

/// Han, kana, Bopomofo, Thai, Lao, Tibetan, Myanmar, Khmer.
fn is_unspaced(c: char) -> bool {
    is_han_or_kana(c)
        || matches!(c,
            '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{3100}'..='\u{312f}' | '\u{31a0}'..='\u{31bf}')
}

fn is_han_or_kana(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3038}'..='\u{303b}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{1b000}'..='\u{1b16f}' | '\u{20000}'..='\u{3ffff}')
}

fn is_hangul(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{ffa0}'..='\u{ffdc}')
}

/// Letters and digits of which one alone is looked for as a whole word only: all but Han, kana and
/// Hangul, where one is a word's worth.
pub fn is_whole_alone(c: char) -> bool {
    c.is_alphanumeric() && !is_han_or_kana(c) && !is_hangul(c)
}
