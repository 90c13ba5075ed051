//! What a seed has in store: which faults, how often, and how slow everything is. Each seed leaves
//! some faults out and exaggerates others, so that what one fault hides another seed shows
//! (Groce and others, Swarm Testing, 2012).

use crate::common::random::Random;

/// What can go wrong, or just happen, at any step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A page opens the store.
    Birth,
    /// A page closes it.
    Close,
    /// A page is gone at once.
    Crash,
    /// A worker traps.
    Trap,
    /// A worker stands still for a while.
    Hang,
    /// A page is frozen: it ends its worker, and starts another when it runs again.
    Freeze,
    /// A page is hidden, or seen again.
    Turn,
    /// The leader's page is hidden.
    HideLeader,
    /// The browser takes the lock from its holder.
    LoseLock,
    /// The lock cannot be asked for, once.
    Refuse,
    /// Opens fail for a while.
    FailOpens,
    /// The store is slow for a while.
    SlowStore,
    /// The time of day is set.
    SetClock,
    /// The leader's worker traps, or its page crashes: most is at stake there.
    KillLeader,
    /// Pages of a newer version appear from now on.
    Release,
}

const FAULTS: [(Fault, f64); 15] = [
    (Fault::Birth, 0.9),
    (Fault::Close, 0.6),
    (Fault::Crash, 0.6),
    (Fault::Trap, 0.7),
    (Fault::Hang, 0.4),
    (Fault::Freeze, 0.5),
    (Fault::Turn, 0.6),
    (Fault::HideLeader, 0.5),
    (Fault::LoseLock, 0.4),
    (Fault::Refuse, 0.1),
    (Fault::FailOpens, 0.3),
    (Fault::SlowStore, 0.4),
    (Fault::SetClock, 0.4),
    (Fault::KillLeader, 0.7),
    (Fault::Release, 0.1),
];

/// About how many calls a run makes at most.
const MOST_CALLS: f64 = 300.0;

/// Times in milliseconds.
#[derive(Clone, Debug)]
pub struct Plan {
    /// At the start.
    pub pages: usize,
    /// How many of them are hidden at first.
    pub hidden: f64,
    /// For how long things go wrong.
    pub lasts: f64,
    pub faults: Vec<Fault>,
    /// Mean time between faults.
    pub every: f64,
    /// Mean time between a page's bursts of calls.
    pub idle: f64,
    pub burst: usize,
    /// A message takes up to this, most often.
    pub quick: f64,
    /// How often one takes long, and up to how long.
    pub late: f64,
    pub latest: f64,
    /// How often changes that are told to all do not reach one: it cannot read them.
    pub deaf: f64,
    /// What the store takes for a request, most often.
    pub run: f64,
    /// How often a call has a timeout that is too short.
    pub hurry: f64,
    pub aborts: f64,
    pub repeats: f64,
    pub named: f64,
    /// Everything but requests and answers goes on the channel of all, as in the browser; else what
    /// concerns one tab goes on that tab's.
    pub by_kind: bool,
    /// A message to one tab reaches the worker that the tab has as it arrives, not as it is sent.
    pub late_routing: bool,
    /// The time of day is rounded to this.
    pub tick: u64,
    /// For how long files may stay in use after their worker's end.
    pub linger: f64,
    /// A lock granted after it was withdrawn is given back without a word.
    pub silent: bool,
}

impl Plan {
    pub fn of(random: &mut Random) -> Self {
        // Some seeds hardly fail, some all the time.
        let keen = random.between(0.3, 1.6);
        let faults = FAULTS
            .iter()
            .filter(|(_, often)| random.chance(often * keen))
            .map(|(fault, _)| *fault)
            .collect();
        let choose = |random: &mut Random, from: &[f64]| from[random.below(from.len())];
        let pages = 2 + random.below(if keen > 1.2 { 11 } else { 4 });
        let lasts = choose(random, &[500.0, 2_000.0, 2_000.0, 8_000.0]);
        let burst = 1 + random.below(6);
        let idle: f64 = choose(random, &[50.0, 200.0, 200.0, 600.0]);
        // Many short runs find more than few long ones.
        let least = lasts * (pages * (burst + 1)) as f64 / (2.0 * MOST_CALLS);
        Self {
            pages,
            hidden: choose(random, &[0.0, 0.3, 0.6, 1.0]),
            lasts,
            faults,
            every: choose(random, &[20.0, 80.0, 200.0, 600.0]),
            idle: idle.max(least),
            burst,
            quick: choose(random, &[0.5, 2.0, 2.0, 20.0]),
            late: choose(random, &[0.0, 0.0, 0.02, 0.2]),
            latest: choose(random, &[30.0, 300.0, 3_000.0]),
            deaf: choose(random, &[0.0, 0.0, 0.05]),
            run: choose(random, &[0.2, 2.0, 20.0]),
            hurry: choose(random, &[0.0, 0.05, 0.4]),
            aborts: choose(random, &[0.0, 0.05, 0.3]),
            repeats: choose(random, &[0.0, 0.3, 0.9]),
            named: choose(random, &[0.0, 0.1, 0.3]),
            by_kind: random.chance(0.6),
            late_routing: random.chance(0.5),
            tick: [1, 1, 100, 2_000][random.below(4)],
            linger: choose(random, &[0.0, 20.0, 500.0]),
            silent: random.chance(0.5),
        }
    }
}
