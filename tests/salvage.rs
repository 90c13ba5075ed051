//! Damaged files: what is salvaged of them, and that nothing makes it fail or hang.
//!
//! `npm run salvage-files` looks at a thousand.

#![cfg(not(target_arch = "wasm32"))]

mod common;
mod damage;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use common::random::Random;
use common::{Lesson as _, everything};
use conversation_salvage::reader::Reader;
use conversation_store::error::ErrorCode;
use conversation_store::model::Role;
use damage::{Files, make, recover, rows, salvage, truth, world};

/// Stores that files are damaged of.
const STORES: usize = 16;

fn files() -> usize {
    let given = std::env::var("FILES").ok();
    given.map_or(100, |count| count.parse().expect("FILES is a number"))
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
    /// Rows that only sqlite3 recovers.
    lost: Vec<String>,
}

#[test]
fn every_row_is_salvaged_that_sqlite_itself_recovers() {
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
                    for row in theirs.intersection(truth).filter(|it| !ours.contains(*it)) {
                        let row: String = row.chars().take(60).collect();
                        let store = seed % STORES;
                        sum.lost
                            .push(format!("seed {seed} of store {store}: {how}: {row}"));
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap();
    let share = |part: usize| part as f64 * 100.0 / sum.truth as f64;
    println!(
        "{} damaged files of {} rows: salvaged {} ({:.2} %), by sqlite3 .recover {} ({:.2} %); rows that \
         were not there or not so {}, {}",
        sum.files,
        sum.truth,
        sum.ours,
        share(sum.ours),
        sum.theirs,
        share(sum.theirs),
        sum.ghosts,
        sum.their_ghosts,
    );
    assert_eq!(sum.files, files());
    assert!(sum.ours >= sum.theirs);
    assert!(
        sum.theirs * 2 > sum.truth,
        "sqlite3 .recover does not work here: npm test builds one, SQLITE3_RECOVER names it"
    );
    // Not only as many in each file: each row that it recovers as it was.
    assert_eq!(sum.lost, [""; 0]);
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
        let (report, summary, _) = salvage(files, folder.path());
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
fn a_page_size_that_the_header_says_wrongly_is_found_out() {
    for (seed, whole) in stores().iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (_, _, path) = salvage(whole, folder.path());
        let before = rows(&path);
        let said = whole.main[16..18].to_vec();
        // 65,536 is written as 1.
        for wrong in [2, 4, 8, 16, 32, 64, 128, 256].map(|high: u16| high.rotate_right(8)) {
            if said == wrong.to_be_bytes() {
                continue;
            }
            let mut files = whole.clone();
            files.main[16..18].copy_from_slice(&wrong.to_be_bytes());
            let folder = tempfile::tempdir().unwrap();
            let (_, summary, path) = salvage(&files, folder.path());
            assert!(summary.is_damaged, "seed {seed}: {wrong:#x}");
            assert_eq!(rows(&path), before, "seed {seed}: {wrong:#x}");
        }
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

#[test]
fn nonsense_ends_and_gives_no_more_than_it_could_hold() {
    for seed in 0..400_u64 {
        let mut random = Random::new(9_000 + seed);
        let size = [512, 1_024, 4_096, 8_192, 65_536][random.below(5)];
        let bytes = |pages: usize, random: &mut Random| {
            let mut bytes: Vec<u8> = (0..pages * size).map(|_| random.next() as u8).collect();
            for page in bytes.chunks_mut(size) {
                // Pages that look like some, with cells that lie over each other.
                let cells = random.below(size / 2);
                page[0] = [2, 5, 10, 13][random.below(4)];
                page[3..5].copy_from_slice(&(cells as u16).to_be_bytes());
                page[5..7].copy_from_slice(&((8 + 2 * cells) as u16).to_be_bytes());
                let at = (8 + 2 * cells).min(size - 8) as u16;
                for cell in page[8..].chunks_exact_mut(2).take(cells) {
                    cell.copy_from_slice(&at.to_be_bytes());
                }
                let at = usize::from(at);
                page[at..at + 4].copy_from_slice(&[0x81, 0x10, 1, 2]);
            }
            bytes
        };
        let mut main = bytes(1 + random.below(12), &mut random);
        let log = if random.chance(0.5) {
            bytes(1 + random.below(4), &mut random)
        } else {
            Vec::new()
        };
        if random.chance(0.7) {
            main[..16].copy_from_slice(b"SQLite format 3\0");
            let said = if size == 65_536 { 1 } else { size as u16 };
            main[16..18].copy_from_slice(&said.to_be_bytes());
            main[20] = 0;
            main[100..108].copy_from_slice(&[13, 0, 0, 0, 0, 0, 0, 0]);
        }
        let most = (main.len() + log.len()) * 8 + 1_100 * 65_536;
        let mut reader = Reader::new(main, log);
        let (mut given, mut batches) = (0, 0);
        while let Some(batch) = reader.next_batch() {
            given += batch.len();
            batches += 1;
            assert!(given <= most && batches < 10_000, "seed {seed}");
        }
    }
}

#[test]
fn deleted_text_stays_deleted_as_long_as_the_tree_or_the_list_says_so() {
    let mut looked_at = 0;
    for seed in 0..40_u64 {
        let folder = tempfile::tempdir().unwrap();
        let mut store = world(folder.path()).open();
        let mut random = Random::new(seed);
        let chats: Vec<i64> = (0..12)
            .map(|_| {
                let id = store.create("t", None).unwrap();
                for _ in 0..12 {
                    let text = damage::words(&mut random, 30);
                    store.add(&common::key(id), Role::User, &text).unwrap();
                }
                id
            })
            .collect();
        let secret = store.create("비밀", None).unwrap();
        for _ in 0..30 {
            let text = format!("비밀번호 {}", damage::words(&mut random, 30));
            store.add(&common::key(secret), Role::User, &text).unwrap();
        }
        store.delete_conversation(&common::key(secret)).unwrap();
        store.delete_conversation(&common::key(chats[0])).unwrap();
        store.close().unwrap();
        let mut files = Files::read(folder.path());
        assert!(
            files.main.windows(12).any(|it| it == "비밀번호".as_bytes()),
            "the bytes are still in the file"
        );
        // A page of any tree but the first, with the header and its list left alone.
        let at = (1 + random.below(files.main.len() / 4_096 - 1)) * 4_096;
        if !matches!(files.main[at], 2 | 5 | 10 | 13) {
            continue;
        }
        looked_at += 1;
        files.main[at..at + 4_096].fill(0);
        let other = tempfile::tempdir().unwrap();
        let (_, _, path) = salvage(&files, other.path());
        let left = rows(&path);
        assert!(
            !left.iter().any(|row| row.contains("비밀")),
            "seed {seed}: {at}"
        );
    }
    assert!(looked_at > 10);
}
