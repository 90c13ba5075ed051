//! Bugs to plant: what the simulation (tests/tabs_simulation.rs) and a failing device
//! (tests/failing_device.rs) must be able to find.
//!
//! Without the feature `planted-bugs`, which only those tests turn on, none is there and the compiler
//! drops the question.

/// A bug that a careless change could bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// No operation is recorded: what is sent again is done again.
    NoRecord,
    /// An operation is recorded after its transaction: a crash in between loses the record.
    RecordOutside,
    /// Records are dropped before their tab has the answers.
    PruneEarly,
    /// What is sent again carries the epoch it was first sent in.
    ResendOldEpoch,
    /// A tab that has waited long opens the store without the lock.
    TwoLeaders,
    /// A request is begun however late it is.
    PastDeadline,
    /// Loss of the lock goes unnoticed.
    IgnoreLoss,
    /// A change of leader is not told to those who hear of changes.
    NoReset,
    /// A gap in the changes is not told.
    SilentGap,
    /// What shares a commit is answered though it was not committed.
    AnswerUncommitted,
    /// Nothing is flushed, though strict.
    SyncOff,
    /// What was held back and could not be written is forgotten without a word.
    SwallowedWrite,
    /// The end of a commit is held back, too.
    HeldCommit,
    /// A commit is answered though it failed.
    SwallowedCommit,
    /// What a commit that failed had changed is told.
    ToldUndone,
    /// What a commit that failed has left in the log stays there.
    LeftInLog,
    /// The same only where it was the first of its log.
    FirstStays,
    /// A file whose size cannot be had is taken to be there.
    UnknownSize,
    /// A call goes on though the engine has ended its transaction.
    OutOfTransaction,
    /// A durability that could not be set is taken to be the one before.
    HalfSet,
    /// A file that could not be detached stays in the way of the next.
    StaysAttached,
    /// A transaction that could not be taken back stays open.
    LeftOpen,
    /// What could not be taken back is taken for healed.
    SeemsHealed,
    /// The end of a database's making is not flushed.
    JournalStays,
    /// A file that cannot be read is called damaged.
    FailureIsDamage,
    /// What a pragma does after its row is not waited for.
    HalfStepped,
}

impl Bug {
    /// What a device that fails brings to light.
    pub const OF_A_DEVICE: [Self; 13] = [
        Self::SyncOff,
        Self::SwallowedWrite,
        Self::HeldCommit,
        Self::SwallowedCommit,
        Self::ToldUndone,
        Self::LeftInLog,
        Self::FirstStays,
        Self::UnknownSize,
        Self::JournalStays,
        Self::FailureIsDamage,
        Self::HalfStepped,
        Self::RecordOutside,
        Self::AnswerUncommitted,
    ];

    /// What brings a lack of memory to light.
    pub const OF_MEMORY: [Self; 5] = [
        Self::OutOfTransaction,
        Self::HalfSet,
        Self::StaysAttached,
        Self::LeftOpen,
        Self::SeemsHealed,
    ];

    /// What tabs that come and go bring to light.
    pub const ALL: [Self; 10] = [
        Self::NoRecord,
        Self::RecordOutside,
        Self::PruneEarly,
        Self::ResendOldEpoch,
        Self::TwoLeaders,
        Self::PastDeadline,
        Self::IgnoreLoss,
        Self::NoReset,
        Self::SilentGap,
        Self::AnswerUncommitted,
    ];
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
    static FULL: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Makes the next commit of this thread fail: no bug, but what a device does.
#[cfg(feature = "planted-bugs")]
pub fn fail_next_commit() {
    FULL.set(true);
}

/// Fails if the commit that is about to be made is to fail.
#[cfg(feature = "planted-bugs")]
pub(crate) fn fail_commit() -> crate::error::Result<()> {
    use crate::error::{ErrorCode, StoreError};
    if FULL.take() {
        return Err(StoreError::new(
            ErrorCode::QuotaExceeded,
            "the device is full",
        ));
    }
    Ok(())
}

/// Fails if the commit that is about to be made is to fail: never.
///
/// # Errors
/// None.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn fail_commit() -> crate::error::Result<()> {
    Ok(())
}

/// Plants a bug in this thread, or none.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether that bug is planted.
#[cfg(feature = "planted-bugs")]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether that bug is planted: never.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}

/// Records what [`Bug::RecordOutside`] left unrecorded.
///
/// # Errors
/// Those of writing.
#[cfg(feature = "planted-bugs")]
pub fn record(
    store: &crate::store::Store,
    request: &crate::rpc::Request,
    operation: &crate::model::Operation,
    response: &crate::rpc::Response,
) -> crate::error::Result<()> {
    use crate::rpc::Response;
    let print = crate::model::fingerprint(&request);
    match response {
        Response::Number(number) => store.record(operation, print, number),
        Response::Added(added) => store.record(operation, print, added),
        _ => store.record(operation, print, &()),
    }
}
