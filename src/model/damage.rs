//! What is said of damage: what a check found, and what a salvage brought back.

use serde::Serialize;
#[cfg(target_arch = "wasm32")]
use tsify::Tsify;

/// What `integrityCheck` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct IntegrityReport {
    /// Nothing is wrong.
    pub ok: bool,
    /// What is, for people: the first 1,000.
    pub problems: Vec<String>,
}

/// What a step of a check found, and where the next one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct IntegrityStep {
    /// What is wrong.
    pub problems: Vec<String>,
    /// The stage, and how far in it; `None`: all is looked at.
    pub next: Option<(i64, i64)>,
}

/// What `salvage` brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct SalvageReport {
    /// Lost ones are those that messages name and that were made anew for them.
    pub conversations: Salvaged,
    /// Lost ones are those that conversations counted and that are not there.
    pub messages: Salvaged,
    /// Lost ones are those that messages name and whose bytes are not all there.
    pub attachments: Salvaged,
    /// What was not taken, or not as it was: the first 1,000.
    pub losses: Vec<SalvageLoss>,
    /// The damaged files, as they were. They also stay beside the database until it is deleted.
    #[cfg_attr(target_arch = "wasm32", tsify(type = "File[]"))]
    pub files: (),
}

/// How many rows of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct Salvaged {
    /// Are there again.
    pub recovered: i64,
    /// Are known to be missing.
    pub lost: i64,
    /// Were read, and could not be taken.
    pub skipped: i64,
}

/// Something that was not taken, or not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(Tsify))]
pub struct SalvageLoss {
    /// What it is of: 'conversation', 'message' or 'attachment'.
    pub kind: &'static str,
    /// Its id, or an attachment's hash.
    pub id: String,
    /// Why.
    pub reason: String,
}
