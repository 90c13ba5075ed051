//! Nothing is lost, doubled or left untyped when memory runs out, whichever allocation of SQLite's it is,
//! once or from then on (tests/faults). `npm test` takes a share of all points, `FAULTS=<n>` one in n;
//! `FAULTS=all cargo test --profile exhaustive --features faults --test out_of_memory -- --nocapture` takes all
//! of them, and `POINT="<script>/<ending>/<n>"` one.

#![cfg(not(target_arch = "wasm32"))]

mod common;
mod faults;

use std::collections::BTreeMap;
use std::env;
use std::sync::Mutex;

use faults::allocator::{self, OutOfMemory};
use faults::disk::Disk;
use faults::jobs::{Known, on_threads, share};
use faults::runs::{Ending, Met, run};
use faults::script::{Script, scripts};
use faults::stage::Stage;

/// Of all points, `npm test` takes one in so many.
const SHARE: usize = 9_973;

/// How many allocations a script asks for.
fn count(script: &Script) -> usize {
    let mut stage = Stage::new(&Disk::of(&script.base), script.durability);
    allocator::plan(None);
    for (n, step) in script.steps.iter().enumerate() {
        stage.act(n, step, u32::MAX);
    }
    allocator::count()
}

type Point = (usize, Ending, OutOfMemory);

fn points() -> Vec<Point> {
    allocator::install();
    let mut points = Vec::new();
    for (script, it) in scripts().iter().enumerate() {
        let count = count(it);
        for ending in Ending::ALL {
            let is_lasting = ending.is_lasting();
            points.extend((0..count).map(|at| (script, ending, OutOfMemory { at, is_lasting })));
        }
    }
    points
}

fn try_point(all: &Known, (script, ending, plan): &Point) -> Result<Met, String> {
    let (script, reference) = all.get(*script);
    run(script, reference, plan, *ending)
        .map_err(|why| format!("{}: {why}", name(script, *ending, plan)))
}

fn name(script: &Script, ending: Ending, plan: &OutOfMemory) -> String {
    format!("{}/{ending:?}/{}", script.name, plan.at)
}

#[test]
fn whatever_allocation_fails_nothing_is_lost_or_doubled() {
    let mut points = points();
    let total = points.len();
    if let Ok(wanted) = env::var("POINT") {
        let all = scripts();
        points.retain(|(script, ending, plan)| name(&all[*script], *ending, plan) == wanted);
    } else {
        points = points.into_iter().step_by(share(SHARE)).collect();
    }
    let table = Mutex::new(BTreeMap::<String, (usize, Met)>::new());
    let found = on_threads(&points, |all, point| {
        let met = try_point(all, point)?;
        let mut table = table.lock().expect("no thread panics");
        let (count, sum) = table.entry(format!("{:?}", point.1)).or_default();
        *count += 1;
        sum.add(&met);
        Ok(())
    });
    for (ending, (count, met)) in table.into_inner().expect("no thread panics") {
        println!("{ending}: {count} points, {met:?}");
    }
    println!("{} of {total} points", points.len());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[cfg(feature = "planted-bugs")]
#[test]
fn every_planted_bug_is_found() {
    use conversation_store::planted::Bug;
    use faults::jobs::with_bug;

    /// So many points apart: few are in the way of each bug.
    const SHARE: usize = 37;
    allocator::install();
    for bug in Bug::OF_MEMORY {
        let (wanted, after) = match bug {
            Bug::StaysAttached => ("backup", Ending::Healed),
            Bug::OutOfTransaction => ("import", Ending::Passed),
            Bug::LeftOpen => ("group", Ending::Healed),
            _ => ("search", Ending::Passed),
        };
        let all = scripts();
        let of_script = points().into_iter();
        let points: Vec<_> = of_script
            .filter(|(script, ending, _)| all[*script].name == wanted && *ending == after)
            .step_by(SHARE)
            .collect();
        let found = with_bug(Some(bug), &points, 1, |all, point| {
            try_point(all, point).map(|_| ())
        });
        let first = found.first();
        let first = first.unwrap_or_else(|| panic!("{bug:?} is not found"));
        println!("{bug:?}: {}", first.lines().next().unwrap_or_default());
    }
}
