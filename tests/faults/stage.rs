//! A program that carries out a script on a device: the store as production opens it, with a clock and
//! randomness that are each step's own, so that a step done again gives what it gave.

use std::cell::Cell;
use std::rc::Rc;

use conversation_store::error::Result;
use conversation_store::model::{Durability, HitKind};
use conversation_store::rpc::{Call, Response, dispatch_all};
use conversation_store::store::{Env, Location, Store};

use super::disk::Disk;
use super::examine::examine;
use super::script::Step;
use super::vfs::{self, COPY, MAIN, NAME};
use crate::common::random::Random;
use crate::common::searches::few;
use crate::common::{NOON, unicode};

/// What the store is given of the world.
#[derive(Clone)]
pub struct Ground {
    step: Rc<Cell<usize>>,
    drawn: Rc<Cell<u64>>,
    /// Apart from what was drawn for the same step of what was there before.
    seed: u64,
    /// It heals in one transaction, and in another where that one fails: to the same.
    is_opening: Rc<Cell<bool>>,
}

impl Ground {
    pub fn new() -> Self {
        Self {
            step: Rc::default(),
            drawn: Rc::default(),
            seed: 0,
            is_opening: Rc::default(),
        }
    }

    /// The same step, the same time and the same random bytes.
    fn begin(&self, step: usize) {
        self.step.set(step + 1);
        self.drawn.set(0);
    }

    pub fn env(&self) -> Env {
        let (clock, ground) = (self.clone(), self.clone());
        Env {
            now: Box::new(move || {
                if clock.is_opening.get() {
                    clock.drawn.set(0);
                }
                NOON + clock.step.get() as i64 * 1_000
            }),
            unicode: unicode(),
            random: Box::new(move |buffer| {
                let drawn = ground.drawn.replace(ground.drawn.get() + 1);
                let step = ground.step.get() as u64;
                let mut random = Random::new((ground.seed << 48) + (step << 32) + drawn);
                for chunk in buffer.chunks_mut(8) {
                    chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]);
                }
            }),
        }
    }
}

/// What came of a step.
pub struct Outcome {
    /// Of each of its calls.
    pub results: Vec<Result<String>>,
    /// What was told to have changed.
    pub changes: String,
}

pub struct Stage {
    pub disk: Disk,
    /// What the callers want, of each call.
    durability: Durability,
    ground: Ground,
    store: Option<Store>,
    /// The last backup.
    saved: Rc<Vec<u8>>,
}

impl Stage {
    pub fn new(disk: &Disk, durability: Durability) -> Self {
        Self {
            disk: disk.clone(),
            durability,
            ground: Ground::new(),
            store: None,
            saved: Rc::default(),
        }
    }

    /// One that makes what a script begins with.
    pub fn earlier(disk: &Disk, durability: Durability) -> Self {
        let mut stage = Self::new(disk, durability);
        stage.ground.seed = 1;
        stage
    }

    pub fn is_open(&self) -> bool {
        self.store.is_some()
    }

    /// Ends without closing: what was held back is gone, and nobody sees what SQLite writes at its end.
    pub fn kill(&mut self) {
        let disk = Disk::of(&self.disk.image());
        self.store = None;
        self.disk = disk;
    }

    pub fn open(&mut self) -> Result<()> {
        // What is open ends first: the files are one program's.
        self.store = None;
        vfs::mount(&self.disk);
        let location = Location::File {
            path: MAIN,
            vfs: Some(NAME),
        };
        self.ground.is_opening.set(true);
        let opened = Store::open(location, self.durability, self.ground.env());
        self.ground.is_opening.set(false);
        let mut store = opened?;
        vfs::made();
        store.tune_index(few());
        // Whoever hears of changes is told to read all again.
        store.take_changes();
        self.store = Some(store);
        Ok(())
    }

    /// Opens again in the midst of a script, with what its callers have said before step `n`.
    pub fn resume(&mut self, steps: &[Step], n: usize) -> Result<()> {
        for step in &steps[..n] {
            if let Step::Durability(durability) = step {
                self.durability = *durability;
            }
        }
        self.ground.begin(n);
        self.open()?;
        let alive = steps[..n].iter().rev().find_map(|step| match step {
            Step::RetainTabs(alive) => Some(alive),
            _ => None,
        });
        match (alive, &mut self.store) {
            (Some(alive), Some(store)) => store.retain_tabs(alive),
            _ => Ok(()),
        }
    }

    /// Carries out step `n` of a script, of its calls those that `which` has a bit for.
    pub fn act(&mut self, n: usize, step: &Step, which: u32) -> Outcome {
        self.ground.begin(n);
        let done = |result: Result<String>| Outcome {
            results: vec![result],
            changes: String::new(),
        };
        match step {
            Step::Open => return done(self.open().map(|()| String::new())),
            Step::Close => {
                let closed = self.store.take().map_or(Ok(()), Store::close);
                return done(closed.map(|()| String::new()));
            }
            _ => {}
        }
        if let Step::Durability(durability) = step {
            self.durability = *durability;
            return done(Ok(String::new()));
        }
        let store = self.store.as_mut().expect("the script has opened it");
        // As src/wasm/database.rs does before it carries anything out.
        let set = match step {
            Step::Calls(_) | Step::Restore { .. } | Step::Merge { .. } => {
                store.set_durability(self.durability)
            }
            _ => Ok(()),
        };
        if let Err(error) = set {
            return Outcome {
                results: vec![Err(error); step.parts() as usize],
                changes: String::new(),
            };
        }
        match step {
            Step::Calls(calls) => {
                let calls: Vec<_> = (calls.iter().enumerate())
                    .filter(|(bit, _)| which & (1 << bit) != 0)
                    .map(|(_, call)| Call {
                        request: call.request.clone(),
                        operation: call.operation.clone(),
                        tab: call.tab.clone(),
                    })
                    .collect();
                let outcomes = dispatch_all(store, &calls);
                let mut results = Vec::new();
                let mut changes = Vec::new();
                for outcome in outcomes {
                    results.push(outcome.result.map(|it| tell(&it)));
                    changes.extend(outcome.changes);
                }
                changes.extend(store.take_changes());
                Outcome {
                    results,
                    changes: format!("{changes:?}"),
                }
            }
            other => {
                let result = Self::other(store, &self.disk, &self.ground, &mut self.saved, other);
                let changes = self.store.as_mut().map(Store::take_changes);
                Outcome {
                    results: vec![result],
                    changes: format!("{:?}", changes.unwrap_or_default()),
                }
            }
        }
    }

    fn other(
        store: &mut Store,
        disk: &Disk,
        ground: &Ground,
        saved: &mut Rc<Vec<u8>>,
        step: &Step,
    ) -> Result<String> {
        let none = |()| String::new();
        match step {
            Step::Open | Step::Close | Step::Calls(_) | Step::Durability(_) => Ok(String::new()),
            Step::Backup => {
                vfs::place_copy(&[]);
                store.backup_into(COPY)?;
                let copy = disk.image().remove(COPY).unwrap_or_default();
                *saved = Rc::clone(&copy);
                let alone = [(MAIN.to_owned(), copy)].into_iter().collect();
                let said = examine(&alone).unwrap_or_else(|why| format!("BAD COPY: {why}"));
                Ok(said)
            }
            Step::Restore { file, operation } => {
                vfs::place_copy(&without_log(file.as_deref().unwrap_or(saved)));
                store.restore_from(COPY, Some(operation), 5).map(none)
            }
            Step::Merge { file, options } => {
                vfs::place_copy(&without_log(file));
                let copy = Store::open_copy(COPY, Some(NAME), ground.env())?;
                store
                    .merge(&copy, options, |_| Ok(()))
                    .map(|it| format!("{it:?}"))
            }
            Step::Checkpoint => store.checkpoint().map(none),
            Step::Index => {
                if store.needs_indexing()? {
                    while store.index_step()? {}
                }
                Ok(String::new())
            }
            Step::Shrink => {
                while store.shrink_step()? {}
                Ok(String::new())
            }
            Step::MakeRoom => store.make_room().map(none),
            Step::HealStreams(alive) => store.heal_streams(alive).map(none),
            Step::RetainTabs(alive) => store.retain_tabs(alive).map(none),
        }
    }
}

/// A file that says that it has a log, which is not there, as src/wasm/database.rs stages it.
fn without_log(file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    if let Some(versions @ [2, 2]) = bytes.get_mut(18..20) {
        versions.fill(1);
    }
    bytes
}

/// What a call resolves to; of a search, what was found, whatever the index made of its order.
fn tell(response: &Response) -> String {
    match response {
        Response::Hits(hits) => {
            let mut ids: Vec<_> = hits
                .iter()
                .map(|hit| match (&hit.kind, &hit.message) {
                    (HitKind::Message, Some(message)) => message.id,
                    _ => -hit.conversation.id,
                })
                .collect();
            ids.sort_unstable();
            format!("{ids:?}")
        }
        // An opening that failed may have healed, and nobody was there to hear of it.
        Response::Healed(_) => "healed".to_owned(),
        Response::HealStep(step) => format!("healed up to {:?}", step.next),
        other => format!("{other:?}"),
    }
}
