//! Damaged files: what is salvaged of them, and that nothing makes it fail or hang.
//!
//! `SALVAGE_FILES=1000 cargo test --release --test salvage -- --nocapture` looks at so many files.

#![cfg(not(target_arch = "wasm32"))]

mod common;
mod damage;
#[allow(dead_code)]
#[path = "simulation/random.rs"]
mod random;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use common::everything;
use conversation_store::error::ErrorCode;
use damage::{Files, make, recover, rows, salvage, truth, world};
use random::Random;

/// Stores that files are damaged of.
const STORES: usize = 16;

fn files() -> usize {
    let given = std::env::var("SALVAGE_FILES").ok();
    given.map_or(100, |count| {
        count.parse().expect("SALVAGE_FILES is a number")
    })
}

/// Whole files, each of another store.
fn stores() -> &'static [Files] {
    static STORES_MADE: OnceLock<Vec<Files>> = OnceLock::new();
    STORES_MADE.get_or_init(|| (0..STORES as u64).map(make).collect())
}

#[derive(Default)]
struct Sum {
    files: usize,
    truth: usize,
    ours: usize,
    theirs: usize,
    /// Rows that were not there, or not so.
    ghosts: usize,
    their_ghosts: usize,
    fewer: Vec<String>,
}

#[test]
fn at_least_as_much_is_salvaged_as_by_sqlite_itself() {
    let truths: Vec<_> = stores().iter().map(truth).collect();
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= files() {
                        break;
                    }
                    let (whole, truth) = (&stores()[seed % STORES], &truths[seed % STORES]);
                    let mut random = Random::new(1_000 + seed as u64);
                    let mut damaged = whole.clone();
                    let how = damage::damage(&mut damaged, &mut random);
                    let folder = tempfile::tempdir().unwrap();
                    let (_, _, path) = salvage(&damaged, folder.path());
                    // What came of it is a store like any other.
                    let mut store = world(folder.path()).open();
                    everything(&store);
                    let problems = store.integrity_check(false).unwrap().problems;
                    assert_eq!(problems, [""; 0], "seed {seed}: {how}");
                    let healed = store.heal(None).unwrap();
                    assert_eq!(healed.healed, 0, "seed {seed}: {how}: {healed:?}");
                    store.close().unwrap();
                    let ours = rows(&path);
                    let theirs = recover(&damaged, folder.path()).map(|it| rows(&it));
                    let theirs = theirs.unwrap_or_default();
                    let count = |rows: &damage::Rows| rows.intersection(truth).count();
                    let mut sum = sum.lock().unwrap();
                    sum.files += 1;
                    sum.truth += truth.len();
                    sum.ours += count(&ours);
                    sum.theirs += count(&theirs);
                    sum.ghosts += ours.difference(truth).count();
                    sum.their_ghosts += theirs.difference(truth).count();
                    if count(&ours) < count(&theirs) {
                        let lost: Vec<_> = theirs
                            .intersection(truth)
                            .filter(|row| !ours.contains(*row))
                            .map(|row| row.chars().take(60).collect::<String>())
                            .take(3)
                            .collect();
                        sum.fewer.push(format!(
                            "seed {seed} of store {}: {how}: {} of {}, they {}: {lost:?}",
                            seed % STORES,
                            count(&ours),
                            truth.len(),
                            count(&theirs),
                        ));
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    let share = |part: usize| part as f64 * 100.0 / sum.truth as f64;
    println!(
        "{} damaged files of {} rows: salvaged {} ({:.2} %), by sqlite3 .recover {} ({:.2} %); rows that \
         were not there or not so {}, {}; fewer than it in {} files",
        sum.files,
        sum.truth,
        sum.ours,
        share(sum.ours),
        sum.theirs,
        share(sum.theirs),
        sum.ghosts,
        sum.their_ghosts,
        sum.fewer.len(),
    );
    for fewer in &sum.fewer {
        println!("{fewer}");
    }
    assert_eq!(sum.files, files());
    assert!(sum.ours >= sum.theirs);
    assert!(
        sum.theirs * 2 > sum.truth,
        "sqlite3 .recover does not work here: npm test builds one, SQLITE3_RECOVER names it"
    );
    assert!(sum.fewer.len() * 50 <= sum.files, "fewer in many files");
}

#[test]
fn whole_files_give_all_they_hold() {
    for (seed, files) in stores().iter().enumerate() {
        let before = {
            let folder = tempfile::tempdir().unwrap();
            files.write(folder.path());
            let mut store = world(folder.path()).open();
            store.heal_streams(&[] as &[&str]).unwrap();
            everything(&store)
        };
        let folder = tempfile::tempdir().unwrap();
        let (report, summary, _) = salvage(&files, folder.path());
        assert!(
            summary.is_whole && summary.unreadable == 0,
            "seed {seed}: {summary:?}"
        );
        assert_eq!(report.losses, [], "seed {seed}");
        assert_eq!(report.messages.lost + report.conversations.lost, 0);
        assert_eq!(report.attachments.lost, 0);
        let store = world(folder.path()).open();
        assert_eq!(everything(&store), before, "seed {seed}");
    }
}

#[test]
fn a_damaged_file_never_opens_as_something_else() {
    let mut corrupt = 0;
    let mut read = 0;
    for seed in 0..files() as u64 {
        let mut random = Random::new(50_000 + seed);
        let mut damaged = stores()[seed as usize % STORES].clone();
        let how = damage::damage(&mut damaged, &mut random);
        let folder = tempfile::tempdir().unwrap();
        damaged.write(folder.path());
        let opened = world(folder.path()).try_open();
        match opened {
            Err(error) => {
                assert_eq!(
                    error.code,
                    ErrorCode::Corrupt,
                    "seed {seed}: {how}: {error}"
                );
                let left = Files::read(folder.path());
                assert!(
                    left.main == damaged.main && left.log == damaged.log,
                    "seed {seed}: {how}: touched: {} {} {} {}: {error}",
                    left.main.len(),
                    damaged.main.len(),
                    left.log.len(),
                    damaged.log.len(),
                );
                corrupt += 1;
            }
            Ok(store) => {
                let query = Default::default();
                match store.list_conversations(&query) {
                    Ok(all) => {
                        for chat in all {
                            let id = conversation_store::model::ConversationKey::Id(chat.id);
                            if let Err(error) = store.messages_for(&id, &Default::default()) {
                                assert_eq!(
                                    error.code,
                                    ErrorCode::Corrupt,
                                    "seed {seed}: {how}: {error}"
                                );
                            }
                        }
                    }
                    Err(error) => {
                        assert_eq!(
                            error.code,
                            ErrorCode::Corrupt,
                            "seed {seed}: {how}: {error}"
                        );
                    }
                }
                read += 1;
            }
        }
    }
    println!("{corrupt} were corrupt at open, {read} opened");
    assert!(corrupt > 0 && read > 0);
}
