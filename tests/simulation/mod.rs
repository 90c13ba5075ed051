//! A browser in a box: pages, workers, locks, channels and one disk, in virtual time, around the real
//! state machine and the real store. Everything that happens follows from one seed.

mod browser;
mod ledger;
mod page;
mod plan;
mod worker;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::rc::Rc;

use conversation_store::error::ErrorCode;
use conversation_store::planted::{Bug, plant};
use conversation_store::rpc::Response;
use conversation_store::tabs::{self, PROTOCOL, TabId, Version};

use crate::common::random::Random;
use browser::{Disk, Line, Locks};
use ledger::{Ledger, Serial};
use page::{Note, Page};
use plan::{Fault, Plan};
use worker::{Input, Worker};

/// At most so many pages at once.
const MOST_PAGES: usize = 12;
/// Milliseconds within which every call ends once nothing goes wrong any more.
const BOUND: f64 = 20_000.0;
/// More steps than this and it goes round in circles.
const MOST_STEPS: u64 = 2_000_000;

/// What the tabs carry here.
#[derive(Clone, Debug)]
pub struct Chats;

impl tabs::Load for Chats {
    type Request = Ask;
    type Answer = Reply;
    type Facts = ();
    type Change = i64;

    fn shares_commit(request: &Ask) -> bool {
        request.is_write
    }
}

/// A call, by its place in the ledger.
#[derive(Clone, Copy)]
pub struct Ask {
    serial: Serial,
    is_write: bool,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.serial)
    }
}

#[derive(Clone)]
pub struct Reply(Rc<Response>);

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Response::Messages(messages) => write!(f, "{} messages", messages.len()),
            Response::Added(added) => write!(f, "added {}", added.id),
            other => other.fmt(f),
        }
    }
}

/// What a run went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub steps: u64,
    pub calls: u64,
    pub writes: u64,
    pub opens: u64,
    pub failed_opens: u64,
    pub timeouts: u64,
    pub aborted: u64,
    pub workers: u64,
    pub killed: u64,
    pub losses: u64,
    pub handovers: u64,
    /// Found recorded, and not done again.
    pub found: u64,
    pub resets: u64,
    /// Commits that several calls shared.
    pub shared: u64,
    /// Commits of several that failed.
    pub uncommitted: u64,
}

impl Counts {
    /// Each of them.
    pub fn all(&self) -> [u64; 15] {
        [
            self.steps,
            self.calls,
            self.writes,
            self.opens,
            self.failed_opens,
            self.timeouts,
            self.aborted,
            self.workers,
            self.killed,
            self.losses,
            self.handovers,
            self.found,
            self.resets,
            self.shared,
            self.uncommitted,
        ]
    }

    pub fn add(&mut self, other: &Self) {
        let Self {
            steps,
            calls,
            writes,
            opens,
            failed_opens,
            timeouts,
            aborted,
            workers,
            killed,
            losses,
            handovers,
            found,
            resets,
            shared,
            uncommitted,
        } = other;
        self.steps += steps;
        self.calls += calls;
        self.writes += writes;
        self.opens += opens;
        self.failed_opens += failed_opens;
        self.timeouts += timeouts;
        self.aborted += aborted;
        self.workers += workers;
        self.killed += killed;
        self.losses += losses;
        self.handovers += handovers;
        self.found += found;
        self.resets += resets;
        self.shared += shared;
        self.uncommitted += uncommitted;
    }
}

/// What broke, with what led to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: String,
    pub plan: String,
    pub trace: Vec<String>,
}

/// Runs a seed with a bug planted, or none.
pub fn run(seed: u64, bug: Option<Bug>) -> Result<Counts, String> {
    let mut sim = Sim::new(seed, bug);
    sim.live();
    sim.counts.steps = sim.steps;
    sim.violation.map_or(Ok(sim.counts), Err)
}

/// Runs a seed again, to tell how it came.
pub fn explain(seed: u64, bug: Option<Bug>) -> Failure {
    let mut sim = Sim::new(seed, bug);
    sim.trace = Some(Vec::new());
    sim.live();
    Failure {
        reason: sim.violation.unwrap_or_else(|| "nothing".into()),
        plan: format!("{:?}", sim.plan),
        trace: sim.trace.unwrap_or_default(),
    }
}

struct Scheduled {
    at: f64,
    order: u64,
    step: Step,
}

impl Ord for Scheduled {
    /// The earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order)
            .partial_cmp(&(self.at, self.order))
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Scheduled {}

enum Step {
    /// Something reaches a worker.
    Input(usize, Input),
    /// Something for a tab reaches the worker that it has now.
    ToTab(usize, Input),
    /// A worker tells its page.
    Note(usize, usize, Note),
    /// A worker asks for the lock, asks no more, gives it back.
    LockAsked(usize, u64),
    LockWithdrawn(u64),
    LockFreed(u64),
    LockGranted,
    /// The files of a worker's opening are free.
    FilesFree(usize, u64),
    /// A tab's own lock goes.
    LifeEnds(TabId),
    /// A worker asks who is alive.
    Queried(usize, u64),
    /// A page makes calls.
    Busy(usize),
    CallTimer(usize, Serial),
    Aborts(usize, Serial),
    Resumes(usize),
    Thaws(usize),
    Fault,
    OpensWork,
    StoreIsQuick,
}

pub struct Sim {
    plan: Plan,
    bug: Option<Bug>,
    random: Random,
    now: f64,
    heap: BinaryHeap<Scheduled>,
    steps: u64,
    /// Nothing goes wrong any more.
    calm: bool,
    /// When the last message of each line arrives.
    lines: HashMap<Line, f64>,
    pages: Vec<Page>,
    workers: Vec<Worker>,
    /// Held, each by the page of that name.
    lives: Vec<TabId>,
    /// Every name that a tab ever had.
    names: Vec<TabId>,
    locks: Locks,
    disk: Disk,
    ledger: Ledger,
    /// Added to the time since the start it gives the time of day.
    day: f64,
    version: Version,
    counts: Counts,
    /// When the last page came.
    counted_at: f64,
    violation: Option<String>,
    trace: Option<Vec<String>>,
}

impl Sim {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        plant(bug);
        let mut random = Random::new(seed);
        let plan = Plan::of(&mut random);
        Self {
            plan,
            bug,
            random,
            now: 0.0,
            heap: BinaryHeap::new(),
            steps: 0,
            calm: false,
            lines: HashMap::new(),
            pages: Vec::new(),
            workers: Vec::new(),
            lives: Vec::new(),
            names: Vec::new(),
            locks: Locks::default(),
            disk: Disk::new(),
            ledger: Ledger::default(),
            day: 50_000.0,
            version: Version {
                protocol: PROTOCOL,
                schema: 3,
            },
            counts: Counts::default(),
            counted_at: 0.0,
            violation: None,
            trace: None,
        }
    }

    // Time.

    fn after(&mut self, delay: f64, step: Step) {
        self.at(self.now + delay, step);
    }

    fn at(&mut self, at: f64, step: Step) {
        self.steps += 1;
        let order = self.steps;
        self.heap.push(Scheduled { at, order, step });
    }

    /// What a message takes.
    fn delay(&mut self) -> f64 {
        if !self.calm && self.random.chance(self.plan.late) {
            self.random.between(0.0, self.plan.latest)
        } else {
            self.random.between(0.01, self.plan.quick)
        }
    }

    /// Sends a step along a line, on which nothing overtakes.
    fn along(&mut self, line: Line, step: Step) {
        let delay = self.delay();
        self.along_after(line, delay, step);
    }

    fn along_after(&mut self, line: Line, delay: f64, step: Step) {
        let last = self.lines.get(&line).copied().unwrap_or(0.0);
        let at = last.max(self.now + delay);
        self.lines.insert(line, at);
        self.at(at, step);
    }

    fn say(&mut self, text: impl FnOnce(&Self) -> String) {
        if self.trace.is_none() {
            return;
        }
        let line = format!("{:>10.3}  {}", self.now, text(self));
        if let Some(trace) = &mut self.trace {
            trace.push(line);
        }
    }

    fn violate(&mut self, reason: String) {
        self.say(|_| format!("VIOLATION: {reason}"));
        if self.violation.is_none() {
            self.violation = Some(reason);
        }
    }

    fn check(&mut self, checked: Result<(), String>) {
        if let Err(reason) = checked {
            self.violate(reason);
        }
    }

    /// Runs what is due until then; `false` if nothing is left before.
    fn run_until(&mut self, end: f64) -> bool {
        while self.violation.is_none() {
            match self.heap.peek() {
                None => return false,
                Some(next) if next.at > end => {
                    self.now = end;
                    return true;
                }
                Some(_) => {}
            }
            let Some(Scheduled { at, step, .. }) = self.heap.pop() else {
                return false;
            };
            self.now = at.max(self.now);
            self.take(step);
            if self.steps > MOST_STEPS {
                self.violate("it goes round in circles".into());
            }
        }
        true
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Input(worker, input) => self.input(worker, input),
            Step::ToTab(page, input) => {
                if let Some(worker) = self.pages[page].worker {
                    self.input(worker, input);
                }
            }
            Step::Note(page, worker, note) => self.note(page, worker, note),
            Step::LockAsked(worker, request) => self.lock_asked(worker, request),
            Step::LockWithdrawn(request) => self.locks.withdraw(request),
            Step::LockFreed(request) => self.lock_freed(request),
            Step::LockGranted => self.lock_granted(),
            Step::FilesFree(worker, opening) => self.disk.free(worker, opening),
            Step::LifeEnds(tab) => self.lives.retain(|it| *it != tab),
            Step::Queried(worker, number) => {
                let alive = self.lives.clone();
                let input = Input::Census { number, alive };
                self.along(Line::Asked(worker), Step::Input(worker, input));
            }
            Step::Busy(page) => self.be_busy(page),
            Step::CallTimer(page, serial) => self.call_timer(page, serial),
            Step::Aborts(page, serial) => self.abort(page, serial),
            Step::Resumes(page) => self.resume(page),
            Step::Thaws(worker) => self.thaw(worker),
            Step::Fault => self.fault(),
            Step::OpensWork => self.disk.failing = None,
            Step::StoreIsQuick => self.disk.slow = 1.0,
        }
    }

    // A run.

    fn live(&mut self) {
        for _ in 0..self.plan.pages {
            let visible = !self.random.chance(self.plan.hidden);
            self.birth(visible);
        }
        self.after(0.0, Step::Fault);
        self.run_until(self.plan.lasts);
        self.calm_down();
        // What is on its way arrives, what is dead is known to be.
        self.run_until(self.now + self.plan.latest + 2.0 * self.plan.linger + 6_000.0);
        // Tabs that died say nothing: whoever comes next has those counted that are left.
        self.counted_at = self.now;
        self.birth(true);
        if self.mixed() {
            // Until every page knows.
            self.run_until(self.now + 7_000.0);
        }
        self.last_calls(3);
        self.last_calls(1);
        if self.run_until(self.now + 120_000.0) {
            self.violate("it does not come to rest".into());
        }
        if self.violation.is_none() {
            let checked = self.check_end();
            self.check(checked);
        }
    }

    fn calm_down(&mut self) {
        self.say(|_| "calm".into());
        self.calm = true;
        self.plan.run = self.plan.run.min(2.0);
        self.disk.failing = None;
        self.disk.slow = 1.0;
        for worker in 0..self.workers.len() {
            self.thaw(worker);
        }
        for page in 0..self.pages.len() {
            self.resume(page);
        }
    }

    /// Every page makes calls that must be answered.
    fn last_calls(&mut self, calls: usize) {
        if self.violation.is_some() {
            return;
        }
        let mut last = Vec::new();
        for page in 0..self.pages.len() {
            if self.pages[page].may_call() {
                for call in 0..calls {
                    last.extend(self.last_call(page, call));
                }
            }
        }
        self.run_until(self.now + BOUND);
        if let Some(serial) = last.iter().find(|it| !self.ledger.calls[**it].answered) {
            self.violate(format!(
                "#{serial} is not answered within {BOUND} ms of peace"
            ));
        }
    }

    fn check_end(&mut self) -> Result<(), String> {
        self.ledger.check_rows(&self.disk.store)?;
        self.ledger.check_order()?;
        let newest = self.newest();
        let leaders = self.workers.iter().filter(|it| it.leads()).count();
        if leaders != 1 && newest >= self.disk.version {
            return Err(format!("{leaders} tabs lead in the end"));
        }
        let mut records = 0;
        for (index, page) in self.pages.iter().enumerate() {
            if page.gone {
                // One that closed since then may have left any of its own.
                if page.gone_at > self.counted_at {
                    records += page.last_number;
                }
                continue;
            }
            records += 1 + page.open.len() as i64;
            if !page.calls.is_empty() {
                return Err(format!("calls of {} are still open", page.tab));
            }
            let Some(worker) = page.worker.map(|it| &self.workers[it]) else {
                continue;
            };
            if page.opened && worker.told != worker.status() {
                return Err(format!("{} was not told its status", page.tab));
            }
            if !page.opened || worker.version < newest {
                continue;
            }
            for (write, applied) in self.ledger.acknowledged() {
                let told = page.told.contains(&applied.row) || page.reset_at >= applied.at;
                if write.conversation.is_some() && page.open_since < applied.at && !told {
                    return Err(format!(
                        "{} (page {index}) was not told of {}",
                        page.tab, write.content
                    ));
                }
            }
        }
        let kept = self
            .disk
            .store
            .count_operations()
            .map_err(|error| error.to_string())?
            .0;
        if kept > records && newest == self.disk.version && !self.mixed() {
            return Err(format!(
                "{kept} operations are on record, more than {records}"
            ));
        }
        Ok(())
    }

    fn newest(&self) -> Version {
        let living = self.pages.iter().filter(|it| !it.gone);
        living.map(|it| it.version).max().unwrap_or(self.version)
    }

    /// Whether pages of two versions are open.
    fn mixed(&self) -> bool {
        let mut living = self.pages.iter().filter(|it| !it.gone);
        let newest = self.newest();
        living.any(|it| it.version != newest)
    }

    // What goes wrong.

    fn fault(&mut self) {
        if self.calm {
            return;
        }
        let next = self.random.about(self.plan.every);
        self.after(next, Step::Fault);
        let faults = self.plan.faults.clone();
        let Some(fault) = self.random.pick(&faults).copied() else {
            return;
        };
        let pages: Vec<_> = (0..self.pages.len())
            .filter(|it| self.pages[*it].lives())
            .collect();
        let workers: Vec<_> = (0..self.workers.len())
            .filter(|it| self.workers[*it].alive)
            .collect();
        let page = self.random.pick(&pages).copied();
        let worker = self.random.pick(&workers).copied();
        let leader = workers.iter().copied().find(|it| self.workers[*it].leads());
        self.say(|_| format!("fault: {fault:?}"));
        match fault {
            Fault::Birth if pages.len() < MOST_PAGES => {
                let visible = !self.random.chance(self.plan.hidden);
                self.birth(visible);
            }
            Fault::Birth => {}
            Fault::Close => page.into_iter().for_each(|it| self.close(it)),
            Fault::Crash => page.into_iter().for_each(|it| self.crash(it)),
            Fault::Trap => worker.into_iter().for_each(|it| self.trap(it)),
            Fault::Hang => worker.into_iter().for_each(|it| self.hang(it)),
            Fault::Freeze => page.into_iter().for_each(|it| self.freeze(it)),
            Fault::Turn => page.into_iter().for_each(|it| self.turn(it)),
            Fault::HideLeader => {
                let page = leader.map(|it| self.workers[it].page);
                if let Some(page) = page.filter(|it| self.pages[*it].visible) {
                    self.turn(page);
                }
            }
            Fault::KillLeader => {
                if let Some(leader) = leader {
                    let page = self.workers[leader].page;
                    if self.random.chance(0.5) {
                        self.trap(leader);
                    } else {
                        self.crash(page);
                    }
                }
            }
            Fault::LoseLock => self.lose_lock(),
            Fault::Refuse => {
                if let Some(worker) = worker {
                    self.refuse_lock(worker);
                }
            }
            Fault::FailOpens => {
                let codes = [
                    ErrorCode::Blocked,
                    ErrorCode::QuotaExceeded,
                    ErrorCode::Corrupt,
                    ErrorCode::StorageUnavailable,
                ];
                self.disk.failing = self.random.pick(&codes).copied();
                self.ledger.opens_failed = true;
                let lasts = self.random.about(200.0);
                self.after(lasts, Step::OpensWork);
            }
            Fault::SlowStore => {
                self.disk.slow = self.random.between(10.0, 300.0);
                let lasts = self.random.about(1_000.0);
                self.after(lasts, Step::StoreIsQuick);
            }
            Fault::SetClock => self.day += self.random.between(-40_000.0, 40_000.0),
            Fault::Release => self.version.schema += 1,
        }
    }
}
