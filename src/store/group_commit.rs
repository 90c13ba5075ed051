//! Several calls in one commit: a flush costs more than what a call writes, and calls that wait at the
//! same moment need but one. Each has a savepoint of its own, so that one that is refused takes back its
//! own only. Nothing is said of any before the commit.

use super::{Change, Store};
use crate::error::Result;
use crate::planted::{Bug, planted};

/// What came of a call.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What it resolves to.
    pub result: Result<T>,
    /// What it changed, in order.
    pub changes: Vec<Change>,
}

impl Store {
    /// Does `work` for each call, in order and in one commit. Where that fails as a whole, all of it is
    /// taken back, and each is done by itself: which of them was to blame is not known. From one on that
    /// finds no space none is done, and all are refused with it: whoever can make some goes on from there,
    /// and calls keep their order.
    pub fn in_one_commit<C, T>(
        &mut self,
        calls: &[C],
        work: impl Fn(&mut Self, &C) -> Result<T>,
    ) -> Vec<Outcome<T>> {
        if calls.len() > 1
            && let Some(outcomes) = self.try_in_one_commit(calls, &work)
        {
            return outcomes;
        }
        let mut full = None;
        let alone = |call| {
            let told = self.changes.len();
            let result = full.clone().map_or_else(|| work(self, call), Err);
            if let Err(error) = &result
                && error.is_of_space()
            {
                full = Some(error.clone());
            }
            let changes = self.changes.split_off(told);
            Outcome { result, changes }
        };
        calls.iter().map(alone).collect()
    }

    fn try_in_one_commit<C, T>(
        &mut self,
        calls: &[C],
        work: &impl Fn(&mut Self, &C) -> Result<T>,
    ) -> Option<Vec<Outcome<T>>> {
        let told = self.changes.len();
        let mut outcomes = Vec::with_capacity(calls.len());
        let committed = self.atomically(|store| {
            for call in calls {
                let told = store.changes.len();
                let result = store.try_attempt(|store| work(store, call))?;
                if let Err(error) = &result
                    && error.is_of_space()
                {
                    // The next may find some, and would come before it.
                    return Err(error.clone());
                }
                let changes = store.changes.split_off(told);
                outcomes.push(Outcome { result, changes });
            }
            Ok(())
        });
        self.changes.truncate(told);
        let is_done = committed.is_ok() || planted(Bug::AnswerUncommitted);
        (is_done && outcomes.len() == calls.len()).then_some(outcomes)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
