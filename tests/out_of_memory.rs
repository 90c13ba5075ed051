//! Nothing is lost, doubled or left untyped when memory runs out, whichever allocation of SQLite's it is,
//! once or from then on (tests/faults). `npm test` takes some of each script, `npm run faults` and `FAULTS=<n>` one
//! in n of all points, `FAULTS=all` all of them, and `POINT="<script>/<ending>/<n>"` one.

#![cfg(not(target_arch = "wasm32"))]

mod common;
mod faults;

use std::env;

use faults::allocator::{self, OutOfMemory};
use faults::disk::Disk;
use faults::jobs::{Known, chosen, on_threads};
use faults::runs::{Ending, Met, run};
use faults::script::{Script, scripts};
use faults::stage::Stage;
use faults::table::Table;

/// Of a script's points of one ending, `npm test` takes so many.
const EACH: usize = 2;

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

/// All of them: those of one script and ending together.
fn points() -> Vec<Vec<Point>> {
    allocator::install();
    let mut points = Vec::new();
    for (script, it) in scripts().iter().enumerate() {
        let count = count(it);
        for ending in Ending::ALL {
            let is_lasting = ending.is_lasting();
            let point = |at| (script, ending, OutOfMemory { at, is_lasting });
            points.push((0..count).map(point).collect());
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
    let all = points();
    let total = all.iter().map(Vec::len).sum();
    let points = match env::var("POINT") {
        Ok(wanted) => {
            let scripts = scripts();
            let is_wanted =
                |(script, ending, plan): &Point| name(&scripts[*script], *ending, plan) == wanted;
            all.into_iter().flatten().filter(is_wanted).collect()
        }
        Err(_) => chosen(all, EACH),
    };
    let table = Table::default();
    let found = on_threads(&points, |all, point| {
        let tried = try_point(all, point);
        table.add(&format!("{:?}", point.1), &tried);
        tried.map(drop)
    });
    table.tell(total);
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
            Bug::SeemsHealed => ("healing", Ending::Healed),
            _ => ("search", Ending::Passed),
        };
        let all = scripts();
        let of_script = points().into_iter().flatten();
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
