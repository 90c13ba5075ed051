//! What was tried, as a table.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Mutex;

use super::runs::Met;

/// A line a kind of fault; threads add to it.
#[derive(Default)]
pub struct Table(Mutex<BTreeMap<String, Line>>);

#[derive(Clone, Copy, Default)]
struct Line {
    points: usize,
    /// Those at which all was as it should be.
    held: usize,
    met: Met,
}

impl Line {
    fn tell(&self, kind: &str) {
        let Self { points, held, met } = self;
        println!(
            "{kind:<14}{points:>8}{held:>8}{:>8}{:>8}{:>8}",
            met.faults, met.errors, met.unknowable
        );
    }
}

impl Table {
    /// Adds a point, and passes on what was found wrong.
    pub fn add(&self, kind: impl Debug, tried: Result<Met, String>) -> Result<(), String> {
        let mut lines = self.0.lock().expect("no thread panics");
        let line = lines.entry(format!("{kind:?}")).or_default();
        line.points += 1;
        let met = tried?;
        line.held += 1;
        line.met.add(&met);
        Ok(())
    }

    /// Of so many points that there are.
    pub fn tell(self, total: usize) {
        println!(
            "                points    held  failed refused  by its\n{:>46}operation",
            ""
        );
        let mut all = Line::default();
        for (kind, line) in self.0.into_inner().expect("no thread panics") {
            line.tell(&kind);
            all.points += line.points;
            all.held += line.held;
            all.met.add(&line.met);
        }
        all.tell(&format!("of {total}"));
    }
}
