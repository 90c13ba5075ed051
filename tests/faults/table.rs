//! What was tried, as a table. Knows no fault and no script by name.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::runs::Met;

/// A line a kind of point; threads add to it. Calls of the device that failed, calls of the store that were
/// refused, and those of them whose operation had to tell that they were carried out.
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
            "{kind:<20}{points:>8}{held:>8}{:>8}{:>8}{:>8}",
            met.faults, met.errors, met.unknowable
        );
    }
}

impl Table {
    /// Adds a point.
    pub fn add(&self, kind: &str, tried: &Result<Met, String>) {
        let mut lines = self.0.lock().expect("no thread panics");
        let line = lines.entry(kind.to_owned()).or_default();
        line.points += 1;
        if let Ok(met) = tried {
            line.held += 1;
            line.met.add(met);
        }
    }

    /// Of so many points that there are.
    pub fn tell(self, total: usize) {
        println!(
            "                      points    held  failed refused  by its\n{:>52}operation",
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
