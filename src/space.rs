//! How much room an origin has, and when it is little. Knows no browser: what that says is given.

use serde::{Deserialize, Serialize};

/// Bytes of this origin, as the browser estimates
/// (<https://storage.spec.whatwg.org/#dom-storagemanager-estimate>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// That it uses.
    pub usage: u64,
    /// That it may use.
    pub quota: u64,
}

/// Bytes that say that a refusal no longer holds: browsers grant space in pieces of this size.
const PIECE: u64 = 1 << 20;

impl Space {
    fn left(self) -> u64 {
        self.quota.saturating_sub(self.usage)
    }
}

/// Whether little room is left: from less than a tenth of the quota until it is an eighth again, so that
/// what swings about the line is not told each time. And from a refusal on, since a browser may estimate
/// that there is room where it grants none (Chromium says of every origin that 10 GB are left).
#[derive(Debug, Default)]
pub struct Room {
    is_low: bool,
    refused: Option<Space>,
}

impl Room {
    /// Whether little is left, as far as was looked.
    pub fn is_low(&self) -> bool {
        self.is_low
    }

    /// Takes what the browser says now, and tells whether that changes the answer.
    pub fn look(&mut self, now: Space) -> bool {
        if let Some(then) = self.refused {
            let has_grown = now.usage > then.usage + PIECE;
            let has_shrunk = now.usage < then.usage - then.usage / 8;
            if has_grown || has_shrunk || now.left() > then.left() + PIECE {
                self.refused = None;
            }
        }
        let share = if self.is_low { 8 } else { 10 };
        let is_low = self.refused.is_some() || now.left() == 0 || now.left() < now.quota / share;
        std::mem::replace(&mut self.is_low, is_low) != is_low
    }

    /// The same when the browser has refused a write.
    pub fn refuse(&mut self, now: Space) -> bool {
        self.refused = Some(now);
        self.look(now)
    }
}
