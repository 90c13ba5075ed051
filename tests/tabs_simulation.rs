//! Deterministic simulation of all tabs: the real state machine and the real store in a world that
//! fails (tests/simulation). One number makes a run, and makes it again.
//!
//! `SEED=<n> cargo test --features planted-bugs --test tabs_simulation -- --nocapture` runs one and tells
//! how it came; `SEEDS=<count>` or `SEEDS=<from>..<to>` runs more than `npm test` does, and
//! `BUG=<name>` runs them with that bug planted.

#![cfg(not(target_arch = "wasm32"))]

mod common;
#[cfg(feature = "planted-bugs")]
mod simulation;

#[cfg(feature = "planted-bugs")]
mod with_bugs {
    use std::env;
    use std::ops::Range;
    use std::panic;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use conversation_store::planted::Bug;

    use crate::simulation::{Counts, explain, run};

    /// How many seeds a run of all tests takes.
    const SEEDS: u64 = 3_000;

    fn seeds() -> Range<u64> {
        let number = |text: &str| -> u64 { text.parse().expect("SEED and SEEDS are numbers") };
        if let Ok(seed) = env::var("SEED") {
            return number(&seed)..number(&seed) + 1;
        }
        match env::var("SEEDS") {
            Err(_) => 0..SEEDS,
            Ok(given) => match given.split_once("..") {
                Some((from, to)) => number(from)..number(to),
                None => 0..number(&given),
            },
        }
    }

    /// Runs seeds on two threads until one fails or all are done.
    fn search(seeds: Range<u64>, bug: Option<Bug>) -> Result<Counts, u64> {
        let next = AtomicU64::new(seeds.start);
        let found = AtomicU64::new(u64::MAX);
        let total = Mutex::new(Counts::default());
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end || found.load(Ordering::Relaxed) < seed {
                            return;
                        }
                        match panic::catch_unwind(|| run(seed, bug)) {
                            Ok(Ok(counts)) => total.lock().expect("no thread panics").add(&counts),
                            Ok(Err(_)) => {
                                found.fetch_min(seed, Ordering::Relaxed);
                            }
                            Err(_) => panic!("seed {seed} panics, see above"),
                        }
                    }
                });
            }
        });
        match found.into_inner() {
            u64::MAX => Ok(total.into_inner().expect("no thread panics")),
            seed => Err(seed),
        }
    }

    #[test]
    fn every_seed_keeps_what_is_promised() {
        let bug = env::var("BUG").ok().map(|name| {
            let bug = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
            bug.expect("BUG is one of src/planted.rs")
        });
        let seeds = seeds();
        match search(seeds.clone(), bug) {
            Ok(counts) => {
                println!("{} seeds: {counts:?}", seeds.end - seeds.start);
                // A world in which nothing happens breaks nothing.
                if seeds.end - seeds.start >= SEEDS {
                    for count in counts.all() {
                        assert!(count > 100, "{counts:?}");
                    }
                }
            }
            Err(seed) => {
                let failure = explain(seed, bug);
                let last = if env::var("SEED").is_ok() {
                    0
                } else {
                    failure.trace.len().saturating_sub(80)
                };
                panic!(
                    "seed {seed}: {}\n{}\n{}\nSEED={seed} cargo test --features planted-bugs --test tabs_simulation -- --nocapture",
                    failure.reason,
                    failure.plan,
                    failure.trace[last..].join("\n"),
                );
            }
        }
    }

    #[test]
    fn a_seed_runs_the_same_again() {
        for seed in 0..20 {
            assert_eq!(explain(seed, None), explain(seed, None), "seed {seed}");
        }
    }

    #[test]
    fn every_planted_bug_is_found() {
        for bug in Bug::ALL {
            match search(0..SEEDS, Some(bug)) {
                Ok(_) => panic!("{bug:?} is not found in {SEEDS} seeds"),
                Err(seed) => println!("{bug:?}: seed {seed}, {}", explain(seed, Some(bug)).reason),
            }
        }
    }
}
