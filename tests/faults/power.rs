//! Loss of power: a script is carried out once, what it did to the device is kept, and what would be found
//! after each call of the device is looked at.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use conversation_store::model::Durability;

use super::disk::{Disk, Event, Image, Loss, Power};
use super::examine::{difference, examine, holds};
use super::runs::{Reference, durabilities};
use super::script::{Script, Step};
use super::stage::Stage;
use super::vfs;
use crate::common::random::Random;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looked {
    pub points: usize,
    /// Of those, the ones that differ from all before.
    pub images: usize,
}

/// A script as it was carried out, with what it did.
pub struct Recording {
    events: Vec<Event>,
}

impl Recording {
    pub fn of(script: &Script) -> Self {
        let disk = Disk::of(&script.base);
        disk.record();
        let mut stage = Stage::new(&disk, script.durability);
        for (n, step) in script.steps.iter().enumerate() {
            stage.act(n, step, u32::MAX);
            disk.note(Event::Answered(n + 1));
        }
        Self {
            events: disk.recorded(),
        }
    }

    /// After how many calls of the device power can go.
    pub fn len(&self) -> usize {
        self.events.len()
    }
}

/// Has the power go after every `stride`th call, `seeds` times where chance has a part.
///
/// # Errors
/// What is not as it should be, and when.
pub fn lose_power(
    script: &Script,
    reference: &Reference,
    recording: &Recording,
    loss: Loss,
    stride: usize,
    seeds: u64,
) -> Result<Looked, (usize, u64, String)> {
    let mut looked = Looked::default();
    // Its files are made before SQLite sees them.
    let made = Disk::of(&script.base);
    vfs::aside(&made, || {});
    let mut power = Power::of(&made.image());
    let mut answered = 0;
    let mut known = HashMap::new();
    let seeds = if matches!(loss, Loss::Lost | Loss::Kept) {
        1
    } else {
        seeds
    };
    for (at, event) in recording.events.iter().enumerate() {
        power.pass(event);
        if let Event::Answered(steps) = event {
            answered = *steps;
        }
        if at % stride != stride / 2 {
            continue;
        }
        for seed in 0..seeds {
            let mut random = Random::new((at as u64) << 20 | seed);
            let image = power.lose(loss, &mut random);
            looked.points += 1;
            let key = (print(&image), answered);
            if known.insert(key, ()).is_some() {
                continue;
            }
            looked.images += 1;
            check(script, reference, &image, answered, loss).map_err(|why| (at, seed, why))?;
        }
    }
    Ok(looked)
}

fn print(image: &Image) -> u64 {
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    hasher.finish()
}

/// What is found where `answered` steps were answered and the next one was under way.
fn check(
    script: &Script,
    reference: &Reference,
    image: &Image,
    answered: usize,
    loss: Loss,
) -> Result<(), String> {
    let under_way = script.steps.get(answered);
    let found = examine(image).map_err(|why| format!("{answered} steps answered: {why}"))?;
    let full = |n: usize| {
        let states = &reference.steps[n].states;
        states.values().next_back().map_or("", String::as_str)
    };
    // What was flushed is there, and all before it; where only the program ends, all is.
    let durable = durabilities(script)[..answered]
        .iter()
        .zip(&script.steps)
        .rposition(|(durability, step)| {
            loss == Loss::Kept || (*durability == Durability::Strict && step.is_durable())
        })
        .map_or(0, |n| n + 1);
    let before = reference.steps[0]
        .states
        .values()
        .next()
        .map_or("", String::as_str);
    let mut is_known = (durable..=answered)
        .any(|steps| found == if steps == 0 { before } else { full(steps - 1) });
    let mut is_last = is_known && durable == answered;
    if let Some(step) = under_way {
        let states = &reference.steps[answered].states;
        let is_begun = states.values().any(|state| *state == found)
            || (!step.is_atomic()
                && holds(
                    &found,
                    if answered == 0 {
                        before
                    } else {
                        full(answered - 1)
                    },
                ));
        is_known |= is_begun;
        is_last |= is_begun;
    }
    if !is_known {
        let wanted = if answered == 0 {
            before
        } else {
            full(answered - 1)
        };
        return Err(format!(
            "{answered} steps answered, {durable} of them flushed:\n{}",
            difference(wanted, &found)
        ));
    }
    let Some(step) = under_way.filter(|step| is_last && !matches!(step, Step::Close)) else {
        return Ok(());
    };
    // What was under way is asked for again.
    let mut stage = Stage::new(&Disk::of(image), script.durability);
    if !matches!(step, Step::Open) {
        stage
            .resume(&script.steps, answered)
            .map_err(|error| format!("it does not open again: {error}"))?;
    }
    if matches!(step, Step::Restore { file: None, .. }) {
        // The backup was in the memory that is gone.
        return Ok(());
    }
    let outcome = stage.act(answered, step, u32::MAX);
    let wanted = &reference.steps[answered].results;
    if step.is_atomic() && outcome.results != *wanted {
        return Err(format!(
            "step {answered} asked for again gives {:?}, not {wanted:?}",
            outcome.results
        ));
    }
    let after = examine(&stage.disk.image())?;
    if after != full(answered) {
        return Err(format!(
            "step {answered} asked for again leaves:\n{}",
            difference(full(answered), &after)
        ));
    }
    Ok(())
}
