//! Nothing is lost, doubled or left untyped when the device fails, whichever call of it, however, once or
//! from then on, or when its power goes (tests/faults). `npm test` takes a point of each kind in each script,
//! `npm run faults` all of them, `FAULTS=<n>` one in n, `POINT="<script>/<fault>/<ending>/<n>"` those whose names
//! begin so.

#![cfg(not(target_arch = "wasm32"))]

mod common;
mod faults;

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;

use faults::disk::{Fault, Loss, Plan};
use faults::jobs::{Known, chosen, on_threads, share};
use faults::power::{Looked, Recording, lose_power};
use faults::runs::{Ending, Met, played, run};
use faults::script::{scripts, untouched};
use faults::table::Table;

/// Of a script's points of one fault and ending, `npm test` takes so many ...
const EACH: usize = 1;
/// ... and of the moments at which power can go, one in so many.
const SHARE_OF_MOMENTS: usize = 61;
/// Times that chance is asked at each.
const SEEDS: u64 = 4;

/// A script, and what fails.
struct Point {
    script: usize,
    plan: Plan,
    ending: Ending,
    name: String,
}

/// All of them: those of one script, fault and ending together.
fn points() -> Vec<Vec<Point>> {
    let mut points = Vec::new();
    for (script, it) in scripts().iter().enumerate() {
        let played = played(it);
        for fault in Fault::ALL {
            for ending in Ending::ALL {
                let is_lasting = ending.is_lasting();
                let point = |at| Point {
                    script,
                    plan: Plan {
                        fault,
                        at,
                        is_lasting,
                    },
                    ending,
                    name: format!("{}/{fault:?}/{ending:?}/{at}", it.name),
                };
                points.push((0..played.count(fault.call())).map(point).collect());
            }
        }
    }
    points
}

fn try_point(all: &Known, point: &Point) -> Result<Met, String> {
    let (script, reference) = all.get(point.script);
    run(script, reference, &point.plan, point.ending)
        .map_err(|why| format!("{}: {why}", point.name))
}

#[test]
fn every_method_is_in_a_script() {
    let untouched = untouched(&scripts());
    assert!(untouched.is_empty(), "{untouched:?}");
}

#[test]
fn whatever_call_fails_nothing_is_lost_or_doubled() {
    let all = points();
    let total = all.iter().map(Vec::len).sum();
    let points = match env::var("POINT") {
        Ok(wanted) => (all.into_iter().flatten())
            .filter(|point| point.name.starts_with(&wanted))
            .collect(),
        Err(_) => chosen(all, EACH),
    };
    let (by_fault, by_script) = (Table::default(), Table::default());
    let found = on_threads(&points, |all, point| {
        let tried = try_point(all, point);
        let script = point.name.split('/').next().unwrap_or_default();
        by_script.add(script, &tried);
        by_fault.add(&format!("{:?}", point.plan.fault), &tried);
        tried.map(drop)
    });
    by_fault.tell(total);
    by_script.tell(total);
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

fn try_loss(
    all: &Known,
    (script, loss): (usize, Loss),
    stride: usize,
    seeds: u64,
) -> Result<Looked, String> {
    let (script, reference) = all.get(script);
    lose_power(
        script,
        reference,
        &Recording::of(script),
        loss,
        stride,
        seeds,
    )
    .map_err(|(at, seed, why)| format!("{}/{loss:?}/{at}/{seed}: {why}", script.name))
}

fn losses() -> Vec<(usize, Loss)> {
    let each = |script| Loss::ALL.map(|loss| (script, loss));
    (0..scripts().len()).flat_map(each).collect()
}

#[test]
fn whenever_the_power_goes_what_was_flushed_is_there() {
    let seeds = env::var("SEEDS").map_or(SEEDS, |it| it.parse().expect("SEEDS is a number"));
    let stride = share().unwrap_or(SHARE_OF_MOMENTS);
    let table = Mutex::new(BTreeMap::<String, Looked>::new());
    let found = on_threads(&losses(), |all, job| {
        let looked = try_loss(all, *job, stride, seeds)?;
        let mut table = table.lock().expect("no thread panics");
        let sum = table.entry(format!("{:?}", job.1)).or_default();
        sum.points += looked.points;
        sum.images += looked.images;
        Ok(())
    });
    for (loss, looked) in table.into_inner().expect("no thread panics") {
        println!("{loss}: {looked:?}");
    }
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

/// Where each bug is to be found: at points whose names begin so, or when the power goes in a script.
#[cfg(feature = "planted-bugs")]
#[test]
fn every_planted_bug_is_found() {
    use conversation_store::planted::Bug;
    use faults::jobs::with_bug;

    let points: Vec<_> = points().into_iter().flatten().collect();
    for bug in Bug::OF_A_DEVICE {
        let (of_calls, of_losses) = match bug {
            Bug::SyncOff => ("chats/AccessFails/Passed", None),
            Bug::SwallowedWrite => ("chats/WriteFails/Passed", None),
            Bug::HeldCommit => ("", Some("checkpoint, relaxed")),
            Bug::SwallowedCommit => ("chats/WriteIsShort/Killed", None),
            Bug::ToldUndone => ("streams/WriteIsShort/Healed", None),
            Bug::LeftInLog => ("chats/SyncFails/Killed", None),
            Bug::FirstStays => ("checkpoint/SyncFails/Healed", None),
            Bug::UnknownSize => ("backup/SizeFails", None),
            Bug::JournalStays => ("", Some("creation")),
            Bug::FailureIsDamage => ("backup/ReadFails/Reopened/22", None),
            Bug::HalfStepped => ("creation/ReadFails/Passed", None),
            Bug::RecordOutside => ("operations/AccessFails/Passed", None),
            Bug::AnswerUncommitted => ("group/SyncFails/Healed", None),
            other => panic!("{other:?} is no bug of a device"),
        };
        let of_calls: Vec<_> = points
            .iter()
            .filter(|point| !of_calls.is_empty() && point.name.starts_with(of_calls))
            .collect();
        let mut found = with_bug(Some(bug), &of_calls, 1, |all, point| {
            try_point(all, point).map(|_| ())
        });
        if let Some(wanted) = of_losses {
            let mut of_script = losses();
            let all = scripts();
            of_script.retain(|(script, _)| all[*script].name == wanted);
            found = with_bug(Some(bug), &of_script, 1, |all, job| {
                try_loss(all, *job, 3, 1).map(|_| ())
            });
        }
        let first = found.first();
        let first = first.unwrap_or_else(|| panic!("{bug:?} is not found"));
        println!("{bug:?}: {}", first.lines().next().unwrap_or_default());
    }
}
