//! One script, one fault: carried out, held against the same script where nothing fails.

use std::collections::BTreeMap;

use conversation_store::error::{ErrorCode, Result, StoreError};
use conversation_store::model::Durability;

use super::disk::{Disk, Fault, Plan};
use super::examine::{difference, examine, holds};
use super::script::{Script, Step};
use super::stage::{Outcome, Stage};
use super::vfs::LOG;

/// A step where nothing fails.
pub struct Expected {
    pub results: Vec<Result<String>>,
    changes: String,
    /// What the file says after it, by which of its parts were carried out.
    pub states: BTreeMap<u32, String>,
}

/// A script where nothing fails.
pub struct Reference {
    pub steps: Vec<Expected>,
}

/// The device after a script where nothing fails.
pub fn played(script: &Script) -> Disk {
    let disk = Disk::of(&script.base);
    let mut stage = Stage::new(&disk, script.durability);
    for (n, step) in script.steps.iter().enumerate() {
        stage.act(n, step, u32::MAX);
    }
    disk
}

fn all(parts: u32) -> u32 {
    (1 << parts) - 1
}

impl Reference {
    /// # Errors
    /// What was not right, though nothing failed.
    pub fn of(script: &Script) -> Result<Self, String> {
        let disk = Disk::of(&script.base);
        let mut stage = Stage::new(&disk, script.durability);
        let mut steps = Vec::new();
        for (n, step) in script.steps.iter().enumerate() {
            let Outcome { results, changes } = stage.act(n, step, u32::MAX);
            // A refusal that is meant has a code of its own: any other would hide what is never tried.
            if let Some(Err(error)) = (results.iter())
                .find(|it| matches!(it, Err(error) if error.code == ErrorCode::Internal))
            {
                return Err(format!("step {n}: {error}"));
            }
            let mut states = BTreeMap::new();
            for which in 0..all(step.parts()) {
                let last = steps
                    .last()
                    .and_then(|it: &Expected| it.states.values().next_back());
                let state = match last {
                    Some(last) if which == 0 => last.clone(),
                    _ => Self::after(script, n, which)?,
                };
                states.insert(which, state);
            }
            let state = examine(&disk.image()).map_err(|why| format!("step {n}: {why}"))?;
            states.insert(all(step.parts()), state);
            steps.push(Expected {
                results,
                changes,
                states,
            });
        }
        Ok(Self { steps })
    }

    /// What the file says if of step `n` only some parts are carried out.
    fn after(script: &Script, n: usize, which: u32) -> Result<String, String> {
        let disk = Disk::of(&script.base);
        let mut stage = Stage::new(&disk, script.durability);
        for (n, step) in script.steps[..n].iter().enumerate() {
            stage.act(n, step, u32::MAX);
        }
        if which != 0 {
            stage.act(n, &script.steps[n], which);
        }
        examine(&disk.image())
    }
}

/// How a run goes on after the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has passed: the same store goes on.
    Passed,
    /// It lasts until the device is well again: the same store goes on.
    Healed,
    /// It lasts while the store is closed. The device is well when it is opened again.
    Reopened,
    /// It lasts until the program is killed. The device is well for the next.
    Killed,
}

impl Ending {
    pub const ALL: [Self; 4] = [Self::Passed, Self::Healed, Self::Reopened, Self::Killed];

    pub fn is_lasting(self) -> bool {
        self != Self::Passed
    }
}

/// What was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Calls of the device, or of the allocator, that failed.
    pub faults: usize,
    /// Calls of the store that told so.
    pub errors: usize,
    /// Of those, the ones that were carried out all the same, as their operation says.
    pub unknowable: usize,
}

impl Met {
    pub fn add(&mut self, other: &Self) {
        self.faults += other.faults;
        self.errors += other.errors;
        self.unknowable += other.unknowable;
    }
}

/// What a run needs to know of what fails.
pub trait Trouble {
    fn begin(&self, disk: &Disk);
    fn heal(&self, disk: &Disk);
    fn fired(&self, disk: &Disk) -> usize;
    /// Whether a call may tell of it by this code.
    fn explains(&self, code: ErrorCode) -> bool;
    /// Whether a commit that failed may be there all the same.
    fn leaves_doubt(&self) -> bool;
}

impl Trouble for Plan {
    fn begin(&self, disk: &Disk) {
        disk.fail(*self);
    }

    fn heal(&self, disk: &Disk) {
        disk.heal();
    }

    fn fired(&self, disk: &Disk) -> usize {
        disk.fired()
    }

    fn explains(&self, code: ErrorCode) -> bool {
        code == if self.fault.is_of_space() {
            ErrorCode::QuotaExceeded
        } else {
            ErrorCode::StorageUnavailable
        }
    }

    fn leaves_doubt(&self) -> bool {
        // Else it is written over.
        self.fault == Fault::Gone
    }
}

/// Runs a script with trouble.
///
/// # Errors
/// What is not as it should be.
pub fn run(
    script: &Script,
    reference: &Reference,
    trouble: &impl Trouble,
    ending: Ending,
) -> Result<Met, String> {
    let disk = Disk::of(&script.base);
    let mut stage = Stage::new(&disk, script.durability);
    let mut run = Run {
        script,
        reference,
        trouble,
        ending,
        met: Met::default(),
        reopened: false,
        doubt: false,
    };
    trouble.begin(&disk);
    for n in 0..script.steps.len() {
        run.step(&mut stage, n)
            .map_err(|why| format!("step {n}: {why}"))?;
    }
    trouble.heal(&stage.disk);
    drop(stage.act(script.steps.len(), &Step::Close, 1));
    let last = reference.steps.last().map(|it| &it.states);
    let last = last.and_then(|it| it.values().next_back());
    let found = examine(&stage.disk.image()).map_err(|why| format!("at the end: {why}"))?;
    match last {
        Some(last) if found != *last => Err(format!("at the end:\n{}", difference(last, &found))),
        _ => Ok(run.met),
    }
}

struct Run<'a, T> {
    script: &'a Script,
    reference: &'a Reference,
    trouble: &'a T,
    ending: Ending,
    met: Met,
    /// The store is another since the step was first tried: what changed was told to nobody.
    reopened: bool,
    /// A part that was refused may be there.
    doubt: bool,
}

impl<T: Trouble> Run<'_, T> {
    fn step(&mut self, stage: &mut Stage, n: usize) -> Result<(), String> {
        let step = &self.script.steps[n];
        let expected = &self.reference.steps[n];
        let mut acknowledged = 0;
        (self.reopened, self.doubt) = (false, false);
        let mut changes = String::new();
        // The fault, the step again, and once more where a fault that passes met that, too.
        for attempt in 0..3 {
            let fired = self.trouble.fired(&stage.disk);
            let outcome = stage.act(n, step, u32::MAX);
            let is_met = self.trouble.fired(&stage.disk) > fired;
            self.met.faults += self.trouble.fired(&stage.disk) - fired;
            let mut failed = 0;
            for (bit, (result, wanted)) in outcome.results.iter().zip(&expected.results).enumerate()
            {
                match (result, wanted) {
                    (Ok(result), Ok(wanted))
                        // What was taken in before the fault is known the next time.
                        if result == wanted || (attempt > 0 && !step.is_atomic()) =>
                    {
                        acknowledged |= 1 << bit;
                    }
                    (Err(error), Err(wanted)) if error == wanted => acknowledged |= 1 << bit,
                    (Err(error), _) if is_met => {
                        self.is_typed(error)?;
                        failed += 1;
                    }
                    (result, wanted) => {
                        return Err(format!("attempt {attempt} gives {result:?}, not {wanted:?}"));
                    }
                }
            }
            changes.push_str(&outcome.changes);
            let tells = step.is_atomic() && !self.reopened;
            if failed == 0 && tells && !changes_are(&changes, &expected.changes) {
                return Err(format!(
                    "it tells {changes} changed, not {}",
                    expected.changes
                ));
            }
            let is_strict = durabilities(self.script)[n] == Durability::Strict;
            let writes = matches!(step, Step::Calls(_)) && has_told(&outcome.changes);
            if failed == 0 && is_strict && writes && !stage.disk.is_synced(LOG) {
                return Err("it is answered before it is flushed".to_owned());
            }
            if is_met {
                self.met.errors += failed;
                self.look(stage, n, acknowledged)?;
            }
            // Nobody asks again for what waits for a pause: it is done in the next.
            let is_left = matches!(step, Step::Index) && self.ending == Ending::Passed;
            if failed == 0 || is_left {
                return Ok(());
            }
            self.go_on(stage, n, acknowledged)?;
        }
        Err("it fails again and again".to_owned())
    }

    fn is_typed(&self, error: &StoreError) -> Result<(), String> {
        if self.trouble.explains(error.code) {
            Ok(())
        } else {
            Err(format!("it is refused by {:?}: {error}", error.code))
        }
    }

    /// Holds what is on the device, as whoever opens it next finds it, against what was acknowledged.
    fn look(&mut self, stage: &Stage, n: usize, acknowledged: u32) -> Result<(), String> {
        let found = examine(&stage.disk.image())?;
        let step = &self.script.steps[n];
        let states = &self.reference.steps[n].states;
        let before = states.get(&0).map_or("", String::as_str);
        let is_between = !step.is_atomic() && holds(&found, before);
        if is_between || states.get(&acknowledged) == Some(&found) {
            return Ok(());
        }
        // What an opening does, it may have done before it failed.
        if matches!(step, Step::Open) && states.values().any(|state| *state == found) {
            return Ok(());
        }
        // More than was acknowledged: parts of which it is not known whether they were carried out.
        let more = states
            .iter()
            .any(|(which, state)| which & acknowledged == acknowledged && *state == found);
        if more && self.trouble.leaves_doubt() {
            self.doubt = true;
            self.met.unknowable += 1;
            return Ok(());
        }
        let wanted = states.get(&acknowledged).map_or("", String::as_str);
        Err(format!(
            "{}:\n{}",
            if more {
                "what was refused is there"
            } else {
                "it is not what was acknowledged"
            },
            difference(wanted, &found)
        ))
    }

    fn go_on(&mut self, stage: &mut Stage, n: usize, acknowledged: u32) -> Result<(), String> {
        match self.ending {
            Ending::Passed => {}
            Ending::Healed => self.trouble.heal(&stage.disk),
            Ending::Reopened => {
                for result in stage.act(n, &Step::Close, 1).results {
                    if let Err(error) = result {
                        self.is_typed(&error)?;
                    }
                }
                self.look(stage, n, acknowledged)?;
                self.trouble.heal(&stage.disk);
            }
            Ending::Killed => {
                self.trouble.heal(&stage.disk);
                stage.kill();
            }
        }
        if !stage.is_open() && !matches!(self.script.steps[n], Step::Open | Step::Close) {
            self.reopened = true;
            stage
                .resume(&self.script.steps, n)
                .map_err(|error| format!("it does not open again: {:?}: {error}", error.code))?;
        }
        Ok(())
    }
}

fn has_told(changes: &str) -> bool {
    !changes.replace("[]", "").is_empty()
}

/// What is told in pieces is the same as what is told at once; nothing, in an empty list.
fn changes_are(told: &str, expected: &str) -> bool {
    let all: String = told.split("][").filter(|it| !it.is_empty()).collect();
    let all = all.replace("[]", "");
    all == expected.replace("[]", "")
}

/// Whether what is acknowledged in this step is flushed.
pub fn durabilities(script: &Script) -> Vec<Durability> {
    let mut now = script.durability;
    let each = script.steps.iter().map(|step| {
        if let Step::Durability(durability) = step {
            now = *durability;
        }
        now
    });
    each.collect()
}
