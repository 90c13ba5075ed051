//! Uids for what has none, and for a second one of the same: derived from content, so that a second
//! import gives the same. Knows no format.

use sha2::{Digest, Sha256};

use crate::chat::{Chat, Message};

/// Hashes fields so that no two lists of fields give the same bytes.
#[derive(Clone, Default)]
pub struct Derivation(Sha256);

impl Derivation {
    /// Adds a field.
    pub fn add(&mut self, field: &str) -> &mut Self {
        self.0.update((field.len() as u64).to_le_bytes());
        self.0.update(field);
        self
    }

    /// Adds a number.
    pub fn number(&mut self, number: usize) -> &mut Self {
        self.0.update((number as u64).to_le_bytes());
        self
    }

    /// Adds what a message says.
    pub fn message(&mut self, message: &Message) -> &mut Self {
        let parts = message.parts.as_ref().map_or("", |text| &text.0);
        let source = message.source.as_ref().map_or("", |text| &text.0);
        self.add(message.role.as_str())
            .add(&message.content)
            .add(parts)
            .add(source)
    }

    /// The first half of the hash.
    pub fn digest(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0.clone().finalize()[..16]);
        bytes
    }

    /// The hash as a UUID of version 8 (RFC 9562, section 5.8).
    pub fn uid(&self) -> String {
        let mut bytes = self.digest();
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut uid = String::with_capacity(36);
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                uid.push('-');
            }
            for digit in [byte >> 4, byte & 15] {
                uid.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        uid
    }
}

/// All that a chat holds but its uid.
pub fn of_chat(chat: &Chat) -> Derivation {
    let mut derivation = Derivation::default();
    derivation.add("conversation").add(&chat.title);
    for message in &chat.messages {
        derivation.message(message);
    }
    derivation
}
