//! Which runs, and many of them on as many threads as there are cores.

use std::cell::OnceCell;
use std::env;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use conversation_store::planted::Bug;

use super::runs::Reference;
use super::script::{Script, scripts};
use crate::common::random::Random;

/// So much that is wrong is enough.
const MOST_FOUND: usize = 12;

/// One in so many of what is looked at, if that is asked for: `FAULTS=<n>`, or all of them: `FAULTS=all`.
pub fn share() -> Option<usize> {
    let share = env::var("FAULTS").ok()?;
    Some(match &*share {
        "all" => 1,
        share => share.parse().expect("FAULTS is a number or 'all'"),
    })
}

/// The share that is asked for, otherwise `each` of every group, drawn by chance that is always the same.
pub fn chosen<T>(groups: Vec<Vec<T>>, each: usize) -> Vec<T> {
    if let Some(share) = share() {
        return groups.into_iter().flatten().step_by(share).collect();
    }
    let mut random = Random::new(1);
    let mut some = Vec::new();
    for mut group in groups {
        for _ in 0..each.min(group.len()) {
            some.push(group.swap_remove(random.below(group.len())));
        }
    }
    some
}

/// Every script, beside what it does where nothing fails, once that is asked for.
pub struct Known {
    scripts: Vec<Script>,
    references: Vec<OnceCell<Reference>>,
    bug: Option<Bug>,
}

impl Known {
    fn new(bug: Option<Bug>) -> Self {
        let scripts = scripts();
        Self {
            references: scripts.iter().map(|_| OnceCell::new()).collect(),
            scripts,
            bug,
        }
    }

    pub fn get(&self, number: usize) -> (&Script, &Reference) {
        let script = &self.scripts[number];
        let reference = self.references[number].get_or_init(|| {
            plant(None);
            let reference = Reference::of(script);
            plant(self.bug);
            reference.unwrap_or_else(|why| panic!("'{}', where nothing fails: {why}", script.name))
        });
        (script, reference)
    }
}

/// Does jobs until all are done, each thread with scripts of its own; what was found wrong.
pub fn on_threads<T: Sync>(
    jobs: &[T],
    job: impl Fn(&Known, &T) -> Result<(), String> + Sync,
) -> Vec<String> {
    with_bug(None, jobs, MOST_FOUND, job)
}

/// The same with a bug planted once the scripts are known, until so much is found.
pub fn with_bug<T: Sync>(
    bug: Option<Bug>,
    jobs: &[T],
    most: usize,
    job: impl Fn(&Known, &T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let is_enough = || found.lock().expect("no thread panics").len() >= most;
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, NonZero::get) {
            scope.spawn(|| {
                plant(None);
                let all = Known::new(bug);
                plant(bug);
                while !is_enough()
                    && let Some(it) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let done = panic::catch_unwind(AssertUnwindSafe(|| job(&all, it)));
                    let done = done.unwrap_or_else(|_| Err("it panics, see above".to_owned()));
                    if let Err(why) = done {
                        found.lock().expect("no thread panics").push(why);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no thread panics")
}

#[cfg(feature = "planted-bugs")]
fn plant(bug: Option<Bug>) {
    conversation_store::planted::plant(bug);
}

#[cfg(not(feature = "planted-bugs"))]
fn plant(bug: Option<Bug>) {
    assert_eq!(bug, None, "bugs are planted with the feature planted-bugs");
}
