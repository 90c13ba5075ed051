//! A tab's worker: does what the state machine says, as src/wasm/host.rs does it in a browser.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use conversation_store::error::{ErrorCode, Result, StoreError};
use conversation_store::model::{ChangeOp, Operation, RowKind};
use conversation_store::planted::{Bug, fail_next_commit};
use conversation_store::rpc::{Call, Response, dispatch_all};
use conversation_store::store::Change;
use conversation_store::tabs::{Action, Body, CallId, Event, Message, RunId, Tab, TabId, Version};

use super::browser::Line;
use super::ledger::{Serial, What};
use super::page::Note;
use super::{Ask, Chats, Reply, Sim, Step};

/// For so long an open waits for files in use.
const PATIENCE_WITH_FILES: f64 = 5_000.0;

/// What reaches a worker.
#[derive(Clone)]
pub enum Input {
    /// Of its page.
    Page(Event<Chats>),
    /// Of another tab.
    Message(Version, Message<Chats>),
    Granted(u64),
    Lost(u64),
    Refused(u64),
    Census {
        number: u64,
        alive: Vec<TabId>,
    },
    Timer(u64),
    Flush,
    /// Of its files, by the number of the opening.
    TryOpen {
        opening: u64,
        waited: f64,
    },
    Opened {
        opening: u64,
        outcome: Result<()>,
    },
    Closed {
        opening: u64,
    },
    Turn,
    /// Of the requests that run, by their number.
    Dispatch(RunId),
    Progressed(RunId),
    Ran(RunId),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(event) => write!(f, "page: {event:?}"),
            Self::Message(_, Message { from, body }) => write!(f, "{from}: {body:?}"),
            Self::Granted(request) => write!(f, "granted {request}"),
            Self::Lost(request) => write!(f, "lost {request}"),
            Self::Refused(request) => write!(f, "refused {request}"),
            Self::Census { number, alive } => write!(f, "census {number}: {alive:?}"),
            Self::Timer(_) => f.write_str("timer"),
            Self::Flush => f.write_str("flush"),
            Self::TryOpen { waited, .. } => write!(f, "tries to open, waited {waited:.0}"),
            Self::Opened { outcome, .. } => write!(f, "opened: {outcome:?}"),
            Self::Closed { .. } => f.write_str("closed"),
            Self::Turn => f.write_str("turn"),
            Self::Dispatch(run) => write!(f, "carries out {run}"),
            Self::Progressed(run) => write!(f, "progress of {run}"),
            Self::Ran(run) => write!(f, "has carried out {run}"),
        }
    }
}

/// Requests that are being carried out.
pub struct Run {
    run: RunId,
    asked: Vec<(TabId, Serial)>,
    rest: f64,
    /// When they are done: each one's outcome, with what it changed.
    outcomes: Option<Vec<(Result<Response>, Vec<i64>)>>,
}

pub struct Worker {
    pub page: usize,
    pub version: Version,
    pub tab: Tab<Chats>,
    /// Its clock shows so much more than the world's.
    offset: f64,
    pub alive: bool,
    pub hung: bool,
    /// What came while it hung.
    inbox: Vec<Input>,
    timer: u64,
    pub asked_lock: Option<u64>,
    held_lock: Option<u64>,
    /// How often it has opened the store, or given it up.
    pub opening: u64,
    running: Option<Run>,
    /// Calls that it has not answered; of those for the store, their places in the ledger.
    calls: HashMap<CallId, Option<Serial>>,
    /// It has answered the call that closes.
    closed: bool,
    /// What it last told its page: leads, outdated.
    pub told: (bool, bool),
}

impl Worker {
    pub fn leads(&self) -> bool {
        self.alive && self.tab.leads()
    }

    pub fn status(&self) -> (bool, bool) {
        (self.tab.leads(), self.tab.is_outdated())
    }
}

impl Sim {
    /// Starts a worker for a page.
    pub fn start_worker(&mut self, page: usize) -> usize {
        let (tab, version) = (self.pages[page].tab.clone(), self.pages[page].version);
        let worker = self.workers.len();
        self.counts.workers += 1;
        self.workers.push(Worker {
            page,
            version,
            tab: Tab::new(tab, version),
            offset: self.random.between(-100_000.0, 100_000.0),
            alive: true,
            hung: false,
            inbox: Vec::new(),
            timer: 0,
            asked_lock: None,
            held_lock: None,
            opening: 0,
            running: None,
            calls: HashMap::new(),
            closed: false,
            told: (false, false),
        });
        worker
    }

    pub fn end_worker(&mut self, worker: usize) {
        if !self.workers[worker].alive {
            return;
        }
        self.say(|sim| format!("{} ends", sim.name(worker)));
        self.counts.killed += 1;
        self.workers[worker].alive = false;
        self.workers[worker].inbox.clear();
        self.let_go(worker);
    }

    pub fn trap(&mut self, worker: usize) {
        if !self.workers[worker].alive {
            return;
        }
        self.end_worker(worker);
        let page = self.workers[worker].page;
        self.along(Line::Up(worker), Step::Note(page, worker, Note::Died));
    }

    pub fn hang(&mut self, worker: usize) {
        if self.workers[worker].hung {
            return;
        }
        self.workers[worker].hung = true;
        let mean = if self.random.chance(0.2) {
            8_000.0
        } else {
            400.0
        };
        let lasts = self.random.about(mean);
        self.after(lasts, Step::Thaws(worker));
    }

    pub fn thaw(&mut self, worker: usize) {
        let it = &mut self.workers[worker];
        if !std::mem::take(&mut it.hung) {
            return;
        }
        for input in std::mem::take(&mut it.inbox) {
            self.input(worker, input);
        }
    }

    pub fn name(&self, worker: usize) -> String {
        let it = &self.workers[worker];
        let state = if it.tab.leads() { "*" } else { "" };
        format!("w{worker}{state}({})", it.tab.id())
    }

    /// Something reaches a worker.
    pub fn input(&mut self, worker: usize, input: Input) {
        if !self.workers[worker].alive || self.violation.is_some() {
            return;
        }
        if self.workers[worker].hung {
            self.workers[worker].inbox.push(input);
            return;
        }
        self.say(|sim| format!("{} <- {input:?}", sim.name(worker)));
        let Some(event) = self.event(worker, input) else {
            return;
        };
        let now = self.now + self.workers[worker].offset;
        let actions = self.workers[worker].tab.handle(event, now);
        for action in actions {
            self.act(worker, action);
        }
        let it = &self.workers[worker];
        if it.closed && !it.calls.is_empty() {
            let name = self.name(worker);
            self.violate(format!("{name} is closed and has calls to answer"));
        }
        if self.workers[worker].tab.leads() && !self.has_files(worker) {
            let name = self.name(worker);
            self.violate(format!("{name} leads without the store"));
        }
    }

    fn has_files(&self, worker: usize) -> bool {
        self.disk.owner == Some((worker, self.workers[worker].opening))
    }

    /// What the machine is told of it.
    fn event(&mut self, worker: usize, input: Input) -> Option<Event<Chats>> {
        let now = self.now;
        let hint = (now + self.day).max(0.0) as u64 / self.plan.tick * self.plan.tick;
        let it = &mut self.workers[worker];
        Some(match input {
            Input::Page(event) => {
                match &event {
                    Event::Open { call, .. } | Event::Close { call } => {
                        it.calls.insert(*call, None);
                    }
                    Event::Request {
                        call,
                        request: Ask { serial, .. },
                        timeout,
                    } => {
                        it.calls.insert(*call, Some(*serial));
                        let call = &mut self.ledger.calls[*serial];
                        call.begin_by = call.begin_by.max(now + timeout);
                    }
                    Event::Abort { call, forget: true } => {
                        it.calls.remove(call);
                    }
                    _ => {}
                }
                event
            }
            Input::Message(version, message) if version == it.version => Event::Message(message),
            Input::Message(version, Message { from, .. }) => Event::OtherVersion { from, version },
            Input::Granted(request) => {
                let withdrawn = it.asked_lock.take_if(|it| *it == request).is_none();
                if withdrawn && self.plan.silent {
                    self.along(Line::Asking(worker), Step::LockFreed(request));
                    return None;
                }
                it.held_lock = Some(request);
                Event::Granted { hint }
            }
            Input::Lost(request) => {
                it.held_lock.take_if(|it| *it == request)?;
                Event::Lost
            }
            Input::Refused(request) => {
                it.asked_lock.take_if(|it| *it == request)?;
                let error = StoreError::new(ErrorCode::StorageUnavailable, "no locks here");
                Event::Refused(error)
            }
            Input::Census { number, alive } => Event::Census { number, alive },
            Input::Timer(timer) if timer == it.timer => Event::Time,
            Input::Timer(_) => return None,
            Input::Flush => Event::Flush,
            Input::Turn => Event::Turn,
            Input::TryOpen { opening, waited } => {
                self.try_open(worker, opening, waited);
                return None;
            }
            Input::Opened { opening, outcome } if opening == it.opening => Event::Opened(outcome),
            Input::Closed { opening } if opening == it.opening => {
                self.disk.free(worker, opening);
                Event::Closed
            }
            Input::Opened { .. } | Input::Closed { .. } => return None,
            Input::Dispatch(run) => {
                self.dispatch(worker, run);
                return None;
            }
            Input::Progressed(run) => {
                it.running.as_ref().filter(|it| it.run == run)?;
                Event::Progressed { run }
            }
            Input::Ran(run) => {
                let it = it.running.take_if(|it| it.run == run)?;
                let outcomes = it.outcomes?;
                if self.bug == Some(Bug::RecordOutside) {
                    for ((from, serial), (answer, changes)) in it.asked.iter().zip(&outcomes) {
                        self.record_late(from, *serial, answer, changes);
                    }
                }
                let (answers, changes): (Vec<_>, Vec<_>) = outcomes.into_iter().unzip();
                let reply = |answer: Result<_>| answer.map(|it| Reply(Rc::new(it)));
                Event::Ran {
                    run,
                    answers: answers.into_iter().map(reply).collect(),
                    changes: changes.concat(),
                }
            }
        })
    }

    fn act(&mut self, worker: usize, action: Action<Chats>) {
        self.say(|sim| format!("{}    -> {action:?}", sim.name(worker)));
        let page = self.workers[worker].page;
        let note = |note| Step::Note(page, worker, note);
        match action {
            Action::RequestLock => self.request_lock(worker),
            Action::WithdrawLock => {
                if let Some(request) = self.workers[worker].asked_lock.take() {
                    self.along(Line::Asking(worker), Step::LockWithdrawn(request));
                }
            }
            Action::ReleaseLock => match self.workers[worker].held_lock.take() {
                Some(request) => self.along(Line::Asking(worker), Step::LockFreed(request)),
                None => self.violate("a lock is given back that is not held".into()),
            },
            Action::Send { to, body } => {
                self.counts.handovers += u64::from(matches!(body, Body::Handover { .. }));
                self.send(worker, to, body);
            }
            Action::OpenStore => self.open_store(worker),
            Action::CloseStore => {
                let (opening, delay) = (self.workers[worker].opening, self.random.about(2.0));
                self.after(delay, Step::Input(worker, Input::Closed { opening }));
            }
            Action::AbandonStore => {
                let it = &mut self.workers[worker];
                let opening = it.opening;
                it.opening += 1;
                it.running = None;
                let delay = self.random.between(0.0, 20.0);
                self.after(delay, Step::FilesFree(worker, opening));
            }
            Action::Turn => {
                let delay = self.random.between(0.0, 0.5);
                self.after(delay, Step::Input(worker, Input::Turn));
            }
            Action::Run { run, requests } => {
                let asked = requests
                    .into_iter()
                    .map(|(from, ask)| (from, ask.serial))
                    .collect();
                self.begin(worker, run, asked);
            }
            Action::Cancel { run } => {
                let it = self.workers[worker].running.as_mut();
                if let Some(it) = it.filter(|it| it.run == run && it.outcomes.is_none())
                    && self.random.chance(0.5)
                {
                    let error = StoreError::new(ErrorCode::Aborted, "cancelled");
                    it.outcomes = Some(vec![(Err(error), Vec::new())]);
                    self.after(0.0, Step::Input(worker, Input::Ran(run)));
                }
            }
            Action::Answer { call, answer } => {
                if self.workers[worker].calls.remove(&call).is_none() {
                    self.violate(format!("call {call} is answered again, or was not asked"));
                }
                self.workers[worker].closed |= self.pages[page].closing == Some(call);
                if let (Ok(None), false) = (&answer, self.workers[worker].tab.facts().is_none()) {
                    self.workers[worker].told = self.workers[worker].status();
                }
                self.along(Line::Up(worker), note(Note::Answer(call, answer)));
            }
            Action::Progress { call } => {
                if let Some(Some(serial)) = self.workers[worker].calls.get(&call) {
                    let call = &mut self.ledger.calls[*serial];
                    call.begin_by = call.begin_by.max(self.now + call.timeout);
                }
                self.along(Line::Up(worker), note(Note::Progress(call)));
            }
            Action::Changes {
                sequence,
                reset,
                changes,
            } => self.along(
                Line::Up(worker),
                note(Note::Changes(sequence, reset, changes)),
            ),
            Action::Status => self.workers[worker].told = self.workers[worker].status(),
            Action::Census { number } => {
                self.along(Line::Asking(worker), Step::Queried(worker, number));
            }
            Action::RetainTabs(tabs) => {
                if let Err(error) = self.disk.store.retain_tabs(&tabs) {
                    self.violate(format!("{error:?}"));
                }
            }
            Action::WakeAt(at) => {
                let it = &mut self.workers[worker];
                it.timer += 1;
                let (timer, at) = (it.timer, at - it.offset);
                // Browsers' timers are coarse, and may even come early.
                let at = (at + self.random.between(-0.5, 2.0)).max(self.now + 0.05);
                self.at(at, Step::Input(worker, Input::Timer(timer)));
            }
            Action::FlushSoon => {
                let delay = self.random.between(0.0, 0.5);
                self.after(delay, Step::Input(worker, Input::Flush));
            }
        }
    }

    // The store.

    fn open_store(&mut self, worker: usize) {
        self.counts.opens += 1;
        if self.workers[worker].held_lock.is_none() {
            let name = self.name(worker);
            self.violate(format!(
                "{name} opens the store without the lock: two leaders"
            ));
        }
        self.workers[worker].opening += 1;
        let opening = self.workers[worker].opening;
        let (delay, waited) = (self.random.about(2.0), 0.0);
        self.after(
            delay,
            Step::Input(worker, Input::TryOpen { opening, waited }),
        );
    }

    fn try_open(&mut self, worker: usize, opening: u64, waited: f64) {
        let it = &self.workers[worker];
        if it.opening != opening {
            return;
        }
        let error = match self.disk.failing {
            Some(code) => Some(code),
            None if self.disk.version > it.version => {
                self.ledger.opens_failed = true;
                Some(ErrorCode::SchemaTooNew)
            }
            None if self.disk.owner.is_some() && waited >= PATIENCE_WITH_FILES => {
                self.ledger.opens_failed = true;
                Some(ErrorCode::Blocked)
            }
            None => None,
        };
        let delay = self.random.about(5.0);
        if let Some(code) = error {
            self.counts.failed_opens += 1;
            let outcome = Err(StoreError::new(code, "it does not open"));
            self.after(
                delay,
                Step::Input(worker, Input::Opened { opening, outcome }),
            );
        } else if self.disk.owner.is_some() {
            let pause = 10.0 + waited / 4.0;
            let waited = waited + pause;
            self.after(
                pause,
                Step::Input(worker, Input::TryOpen { opening, waited }),
            );
        } else {
            self.disk.owner = Some((worker, opening));
            self.disk.version = it.version;
            // What a crashed leader still had in mind is lost with it.
            self.disk.store.take_changes();
            if let Err(error) = self.disk.store.retain_tabs(&self.names) {
                self.violate(format!("{error:?}"));
            }
            let outcome = Ok(());
            self.after(
                delay,
                Step::Input(worker, Input::Opened { opening, outcome }),
            );
        }
    }

    fn begin(&mut self, worker: usize, run: RunId, asked: Vec<(TabId, Serial)>) {
        for (_, serial) in &asked {
            let checked = self.ledger.begins(*serial, self.now);
            self.check(checked);
        }
        if self.workers[worker].held_lock.is_none() {
            self.violate(format!("{asked:?} are begun without the lock"));
        }
        let takes = self
            .random
            .about(self.plan.run * self.disk.slow)
            .min(5_000.0);
        let (begins, rest) = (takes * self.random.unit(), takes * self.random.unit());
        self.workers[worker].running = Some(Run {
            run,
            asked,
            rest,
            outcomes: None,
        });
        if takes > 200.0 {
            for _ in 0..2 {
                let delay = self.random.between(0.0, begins);
                self.after(delay, Step::Input(worker, Input::Progressed(run)));
            }
        }
        self.after(begins, Step::Input(worker, Input::Dispatch(run)));
    }

    /// Carries out the requests that run. The answers come later: a crash in between loses them.
    fn dispatch(&mut self, worker: usize, run: RunId) {
        if !self.has_files(worker) {
            return;
        }
        let Some(it) = self.workers[worker].running.as_ref() else {
            return;
        };
        if it.run != run || it.outcomes.is_some() {
            return;
        }
        let (asked, rest) = (it.asked.clone(), it.rest);
        let call = |(from, serial): &(TabId, Serial)| Call {
            request: self.ledger.calls[*serial].request.clone(),
            operation: operation(&self.ledger.calls[*serial].operation, from),
            tab: None,
        };
        let calls: Vec<_> = asked.iter().map(call).collect();
        if calls.len() > 1 {
            self.counts.shared += 1;
            if self.random.chance(0.1) {
                self.counts.uncommitted += 1;
                fail_next_commit();
            }
        }
        let mut outcomes = Vec::new();
        for ((_, serial), outcome) in asked
            .into_iter()
            .zip(dispatch_all(&mut self.disk.store, &calls))
        {
            let mut row = None;
            let mut changes = Vec::new();
            for change in outcome.changes {
                let Change::Row(change) = change else {
                    continue;
                };
                changes.push(match change.kind {
                    RowKind::Message => change.id,
                    RowKind::Conversation => -change.id,
                });
                if change.op == ChangeOp::Insert {
                    row = Some(change.id);
                }
            }
            let answer = outcome.result;
            let is_write = matches!(self.ledger.calls[serial].what, What::Write(_));
            if is_write && row.is_none() && answer.is_ok() {
                self.counts.found += 1;
            }
            let checked = self.ledger.carried_out(serial, &answer, row, self.now);
            self.check(checked);
            outcomes.push((answer, changes));
        }
        if let Some(it) = self.workers[worker].running.as_mut() {
            it.outcomes = Some(outcomes);
        }
        self.after(rest, Step::Input(worker, Input::Ran(run)));
    }

    /// With [`Bug::RecordOutside`] planted the store leaves the record to this.
    #[cfg(feature = "planted-bugs")]
    fn record_late(
        &mut self,
        from: &TabId,
        serial: Serial,
        answer: &Result<Response>,
        new: &[i64],
    ) {
        let call = &self.ledger.calls[serial];
        if let (Some(operation), Ok(answer), false) =
            (operation(&call.operation, from), answer, new.is_empty())
            && let Err(error) = conversation_store::planted::record(
                &self.disk.store,
                &call.request,
                &operation,
                answer,
            )
        {
            self.violate(format!("{error:?}"));
        }
    }

    #[cfg(not(feature = "planted-bugs"))]
    fn record_late(&mut self, _: &TabId, _: Serial, _: &Result<Response>, _: &[i64]) {}
}

/// Whoever serves knows who asks.
fn operation(operation: &Option<Operation>, from: &TabId) -> Option<Operation> {
    let mut operation = operation.clone();
    if let Some(Operation::Own { tab, .. }) = &mut operation {
        *tab = from.to_string();
    }
    operation
}
