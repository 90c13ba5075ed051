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
    /// taken back, and each is done by itself: which of them was to blame is not known.
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
        calls
            .iter()
            .map(|call| self.alone(|store| work(store, call)))
            .collect()
    }

    /// Does `work` in a commit of its own.
    pub fn alone<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Outcome<T> {
        let told = self.changes.len();
        let result = work(self);
        let changes = self.changes.split_off(told);
        Outcome { result, changes }
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
mod tests {
    use super::*;
    use crate::error::{ErrorCode, StoreError};
    use crate::model::{ConversationQuery, Durability, NewConversation, Operation};
    use crate::store::{Env, Location};

    fn store() -> Store {
        let env = Env {
            now: Box::new(|| 0),
            random: Box::new(|bytes| bytes.fill(7)),
        };
        Store::open(Location::Memory { vfs: None }, Durability::Strict, env).unwrap()
    }

    fn create(store: &mut Store, title: &str) -> Result<i64> {
        let extra = NewConversation {
            uid: Some(title.to_owned()),
            ..NewConversation::default()
        };
        store.create_conversation(title, None, &extra)
    }

    fn titles(store: &Store) -> Vec<String> {
        let all = store.list_conversations(&ConversationQuery::default());
        let mut titles: Vec<_> = all.unwrap().into_iter().map(|it| it.title).collect();
        titles.sort();
        titles
    }

    fn operation(number: i64) -> Operation {
        Operation::Own {
            tab: "tab".to_owned(),
            number,
            done: 0,
            open: Vec::new(),
        }
    }

    #[test]
    fn one_that_is_refused_takes_back_its_own_only() {
        let mut store = store();
        let outcomes = store.in_one_commit(&["a", "refused", "c"], |store, title| {
            let id = create(store, title)?;
            if *title == "refused" {
                return Err(StoreError::invalid("no"));
            }
            Ok(id)
        });
        assert!(store.connection.is_autocommit());
        let codes = outcomes.iter().map(|it| it.result.as_ref().err());
        let codes: Vec<_> = codes.map(|it| it.map(|it| it.code)).collect();
        assert_eq!(codes, [None, Some(ErrorCode::InvalidArgument), None]);
        let changes: Vec<_> = outcomes.iter().map(|it| it.changes.len()).collect();
        assert_eq!(changes, [1, 0, 1]);
        assert_eq!(titles(&store), ["a", "c"]);
        assert!(store.take_changes().is_empty());
    }

    #[test]
    fn what_cannot_be_committed_is_done_one_by_one() {
        let mut store = store();
        let outcomes = store.in_one_commit(&["a", "orphan", "c"], |store, title| {
            if *title == "orphan" {
                // A constraint that is looked at in the COMMIT, which so fails.
                return store.atomically(|store| {
                    store.connection.execute_batch(
                        "PRAGMA defer_foreign_keys = ON;
                         INSERT INTO messages (id, conversation_id, role, content)
                           VALUES (1, 999, 'user', '')",
                    )?;
                    Ok(0)
                });
            }
            create(store, title)
        });
        assert!(store.connection.is_autocommit());
        let done: Vec<_> = outcomes.iter().map(|it| it.result.is_ok()).collect();
        assert_eq!(done, [true, false, true]);
        let changes: Vec<_> = outcomes.iter().map(|it| it.changes.len()).collect();
        assert_eq!(changes, [1, 0, 1]);
        assert_eq!(titles(&store), ["a", "c"]);
    }

    #[test]
    fn a_transaction_that_an_error_ended_takes_back_all_and_each_is_done_by_itself() {
        let mut store = store();
        let outcomes = store.in_one_commit(&["a", "full", "c"], |store, title| {
            create(store, title)?;
            if *title == "full" {
                // As the engine does when the device is full.
                store.connection.execute_batch("ROLLBACK").ok();
                return Err(StoreError::new(ErrorCode::QuotaExceeded, "full"));
            }
            Ok(())
        });
        assert!(store.connection.is_autocommit());
        let done: Vec<_> = outcomes.iter().map(|it| it.result.is_ok()).collect();
        assert_eq!(done, [true, false, true]);
        // The one alone was committed before its error.
        assert_eq!(titles(&store), ["a", "c", "full"]);
    }

    #[test]
    fn records_stand_in_the_commit_of_their_effects() {
        let mut store = store();
        let ask = |store: &mut Store| {
            let outcomes = store.in_one_commit(&[1, 2, 3], |store, number| {
                let title = format!("chat {number}");
                store.once(Some(&operation(*number)), *number, |store| {
                    create(store, &title)
                })
            });
            outcomes
                .into_iter()
                .map(|it| it.result.unwrap())
                .collect::<Vec<_>>()
        };
        let first = ask(&mut store);
        assert_eq!(store.count_operations().unwrap(), (3, 0));
        assert_eq!(ask(&mut store), first);
        assert_eq!(titles(&store), ["chat 1", "chat 2", "chat 3"]);
    }
}
