//! A page: numbers its calls and operations, keeps their timers, and replaces its worker, as
//! src/client/connection.ts does it in a browser.

use std::collections::{BTreeMap, HashSet};

use conversation_store::error::{ErrorCode, Result, StoreError};
use conversation_store::model::{Operation, Role};
use conversation_store::rpc::Request;
use conversation_store::tabs::{CallId, Event, TabId, Version};

use super::browser::Line;
use super::ledger::{Serial, What};
use super::worker::Input;
use super::{Ask, Chats, Reply, Sim, Step};
use crate::common::key;

/// No conversation has it.
const NOWHERE: i64 = 999_999;
/// So many conversations are made.
const CONVERSATIONS: usize = 3;
/// So many operations that timed out are remembered by a page.
const MOST_OPEN: usize = 100;

/// What a worker tells its page.
pub enum Note {
    Answer(CallId, Result<Option<Reply>>),
    Progress(CallId),
    Changes(u64, bool, Vec<i64>),
    /// It trapped.
    Died,
}

pub struct Page {
    pub tab: TabId,
    pub version: Version,
    pub visible: bool,
    pub gone: bool,
    /// When its own lock went.
    pub gone_at: f64,
    frozen: bool,
    pub worker: Option<usize>,
    opening: Option<CallId>,
    pub closing: Option<CallId>,
    /// It was open once.
    pub opened: bool,
    pub open_since: f64,
    last_call: CallId,
    pub last_number: i64,
    /// Not answered.
    pub calls: BTreeMap<CallId, Serial>,
    /// Operations that timed out, by their number.
    pub open: BTreeMap<i64, usize>,
    /// Calls to come, each when the one before has ended.
    chain: usize,
    /// Rows that it was told of.
    pub told: HashSet<i64>,
    pub reset_at: f64,
    sequence: Option<u64>,
}

impl Page {
    pub fn lives(&self) -> bool {
        !self.gone && self.closing.is_none()
    }

    pub fn may_call(&self) -> bool {
        self.lives() && !self.frozen
    }
}

impl Sim {
    pub fn birth(&mut self, visible: bool) {
        let page = self.pages.len();
        let tab = self.new_name();
        self.pages.push(Page {
            tab,
            version: self.version,
            visible,
            gone: false,
            gone_at: f64::INFINITY,
            frozen: false,
            worker: None,
            opening: None,
            closing: None,
            opened: false,
            open_since: 0.0,
            last_call: 0,
            last_number: 0,
            calls: BTreeMap::new(),
            open: BTreeMap::new(),
            chain: 0,
            told: HashSet::new(),
            reset_at: -1.0,
            sequence: None,
        });
        self.launch(page);
        let delay = self.random.about(self.plan.idle);
        self.after(delay, Step::Busy(page));
    }

    /// A name for a tab, and the lock that says that it is alive.
    fn new_name(&mut self) -> TabId {
        let letter = char::from(b'a' + self.random.below(26) as u8);
        let tab = TabId::from(format!("{letter}{}", self.names.len()));
        self.names.push(tab.clone());
        self.lives.push(tab.clone());
        tab
    }

    fn new_call(&mut self, page: usize) -> CallId {
        self.pages[page].last_call += 1;
        self.pages[page].last_call
    }

    fn post(&mut self, page: usize, event: Event<Chats>) {
        if let Some(worker) = self.pages[page].worker {
            self.along(Line::Down(worker), Step::Input(worker, Input::Page(event)));
        }
    }

    /// Starts a worker and gives it the calls under way.
    fn launch(&mut self, page: usize) {
        let call = self.new_call(page);
        let worker = self.start_worker(page);
        let it = &mut self.pages[page];
        it.worker = Some(worker);
        it.opening = Some(call);
        let (tab, visible) = (it.tab.clone(), it.visible);
        let calls: Vec<_> = it.calls.iter().map(|(id, serial)| (*id, *serial)).collect();
        self.say(|_| format!("page {page} starts w{worker} as {tab}"));
        self.post(page, Event::Open { call, visible });
        for (call, serial) in calls {
            let timeout = (self.ledger.calls[serial].deadline - self.now).max(0.0);
            self.post_call(page, call, serial, timeout);
        }
        if self.pages[page].closing.is_some() {
            self.post_close(page);
        }
    }

    fn post_call(&mut self, page: usize, call: CallId, serial: Serial, timeout: f64) {
        let is_write = matches!(self.ledger.calls[serial].what, What::Write(_));
        let request = Ask { serial, is_write };
        self.post(
            page,
            Event::Request {
                call,
                request,
                timeout,
            },
        );
    }

    /// Ends the worker, which tells nothing more.
    fn stop(&mut self, page: usize) {
        self.pages[page].opening = None;
        if let Some(worker) = self.pages[page].worker.take() {
            self.end_worker(worker);
        }
    }

    pub fn note(&mut self, page: usize, worker: usize, note: Note) {
        if self.pages[page].worker != Some(worker) || self.pages[page].gone {
            return;
        }
        match note {
            Note::Answer(call, answer) => self.answered(page, call, answer),
            Note::Progress(call) => {
                if let Some(serial) = self.pages[page].calls.get(&call).copied() {
                    self.prolong(page, serial);
                }
            }
            Note::Changes(sequence, reset, changes) => self.told(page, sequence, reset, changes),
            Note::Died => {
                self.say(|_| format!("page {page} hears that w{worker} died"));
                self.pages[page].worker = None;
                self.launch(page);
            }
        }
    }

    fn answered(&mut self, page: usize, call: CallId, answer: Result<Option<Reply>>) {
        self.say(|sim| {
            format!(
                "page {page} ({}) hears {call}: {answer:?}",
                sim.pages[page].tab
            )
        });
        let it = &mut self.pages[page];
        if it.opening == Some(call) {
            it.opening = None;
            it.sequence = None;
            match answer {
                Ok(_) if it.opened => it.reset_at = self.now,
                Ok(_) => {
                    it.opened = true;
                    it.open_since = self.now;
                }
                Err(error) => self.cannot_open(page, error),
            }
        } else if it.closing == Some(call) {
            if !it.calls.is_empty() {
                self.violate(format!(
                    "page {page} is closed before its calls are answered"
                ));
            }
            self.end_page(page);
        } else if let Some(serial) = it.calls.get(&call).copied() {
            match answer {
                Ok(Some(reply)) => self.settle(page, serial, Ok(reply)),
                Ok(None) => self.violate(format!("#{serial} is answered with nothing")),
                Err(error) => self.settle(page, serial, Err(error)),
            }
        }
    }

    fn cannot_open(&mut self, page: usize, error: StoreError) {
        self.stop(page);
        let calls: Vec<_> = self.pages[page].calls.values().copied().collect();
        for serial in calls {
            self.settle(page, serial, Err(error.clone()));
        }
        if self.pages[page].closing.is_some() {
            self.end_page(page);
        }
    }

    /// A call has ended.
    fn settle(&mut self, page: usize, serial: Serial, outcome: Result<Reply>) {
        let checked = self.ledger.answered(serial, &outcome);
        self.check(checked);
        let call = &self.ledger.calls[serial];
        let must = call.must;
        self.pages[page].calls.remove(&call.id);
        if let (Some(Operation::Own { number, .. }), What::Write(write), Err(error)) =
            (&call.operation, call.what, &outcome)
            && error.code == ErrorCode::Timeout
        {
            let open = &mut self.pages[page].open;
            open.insert(*number, write);
            if open.len() > MOST_OPEN {
                open.pop_first();
            }
        }
        match &outcome {
            Err(error) if error.code == ErrorCode::Timeout => self.counts.timeouts += 1,
            Err(error) if error.code == ErrorCode::Aborted => self.counts.aborted += 1,
            _ => {}
        }
        if must {
            self.check_last(page, serial, &outcome);
        }
        if self.pages[page].chain > 0 && self.pages[page].may_call() {
            self.pages[page].chain -= 1;
            self.make_call(page);
        }
    }

    /// When nothing goes wrong, only outdated pages are refused.
    fn check_last(&mut self, page: usize, serial: Serial, outcome: &Result<Reply>) {
        let newest = self.newest().max(self.disk.version);
        let outdated = self.pages[page].version < newest;
        let holds = match outcome {
            Ok(_) => !outdated,
            Err(error) => {
                outdated && matches!(error.code, ErrorCode::Outdated | ErrorCode::SchemaTooNew)
            }
        };
        if !holds {
            self.violate(format!(
                "#{serial} ends with {outcome:?} (outdated: {outdated})"
            ));
        }
    }

    fn told(&mut self, page: usize, sequence: u64, reset: bool, changes: Vec<i64>) {
        let it = &mut self.pages[page];
        if let Some(last) = it.sequence
            && !reset
            && sequence != last + changes.len() as u64
        {
            self.violate(format!(
                "page {page} is told changes up to {sequence} after {last}"
            ));
            return;
        }
        it.sequence = Some(sequence);
        it.told.extend(changes);
        if reset {
            self.counts.resets += 1;
            it.reset_at = self.now;
        }
    }

    // Timers and signals.

    fn prolong(&mut self, page: usize, serial: Serial) {
        let call = &mut self.ledger.calls[serial];
        call.deadline = self.now + call.timeout;
        let at = call.deadline;
        if at.is_finite() {
            self.at(at, Step::CallTimer(page, serial));
        }
    }

    pub fn call_timer(&mut self, page: usize, serial: Serial) {
        let call = &self.ledger.calls[serial];
        let late = self.now >= call.deadline;
        if call.answered || !late || self.pages[page].frozen || self.pages[page].gone {
            return;
        }
        let id = call.id;
        let error = StoreError::new(ErrorCode::Timeout, "its page gave it up");
        self.say(|_| format!("page {page} gives up {id}"));
        self.post(
            page,
            Event::Abort {
                call: id,
                forget: true,
            },
        );
        self.settle(page, serial, Err(error));
    }

    pub fn abort(&mut self, page: usize, serial: Serial) {
        let call = &mut self.ledger.calls[serial];
        if call.answered || self.pages[page].frozen || self.pages[page].gone {
            return;
        }
        call.aborted = true;
        let (id, forget) = (call.id, matches!(call.what, What::Read(_)));
        self.say(|_| format!("page {page} aborts {id}"));
        self.post(page, Event::Abort { call: id, forget });
        if forget {
            let error = StoreError::new(ErrorCode::Aborted, "its signal");
            self.settle(page, serial, Err(error));
        }
    }

    // Its life.

    pub fn turn(&mut self, page: usize) {
        if !self.pages[page].may_call() {
            return;
        }
        let visible = !self.pages[page].visible;
        self.pages[page].visible = visible;
        self.post(page, Event::Visible(visible));
    }

    pub fn freeze(&mut self, page: usize) {
        if !self.pages[page].may_call() {
            return;
        }
        self.say(|_| format!("page {page} freezes"));
        self.pages[page].frozen = true;
        self.stop(page);
        let it = &self.pages[page];
        if it.calls.is_empty() && it.open.is_empty() && self.random.chance(0.5) {
            // In the back/forward cache without its lock: it comes back as another.
            let tab = self.pages[page].tab.clone();
            let delay = self.delay();
            self.after(delay, Step::LifeEnds(tab));
            self.pages[page].tab = self.new_name();
        }
        let lasts = self.random.about(1_000.0);
        self.after(lasts, Step::Resumes(page));
    }

    pub fn resume(&mut self, page: usize) {
        if self.pages[page].gone || !std::mem::take(&mut self.pages[page].frozen) {
            return;
        }
        let calls: Vec<_> = self.pages[page].calls.values().copied().collect();
        for serial in calls {
            self.ledger.calls[serial].prolonged = true;
            self.prolong(page, serial);
        }
        self.launch(page);
    }

    pub fn close(&mut self, page: usize) {
        if !self.pages[page].may_call() {
            return;
        }
        self.say(|_| format!("page {page} closes"));
        self.pages[page].chain = 0;
        if self.pages[page].worker.is_some() {
            self.post_close(page);
        } else {
            self.end_page(page);
        }
    }

    fn post_close(&mut self, page: usize) {
        let call = self.new_call(page);
        self.pages[page].closing = Some(call);
        self.post(page, Event::Close { call });
    }

    pub fn crash(&mut self, page: usize) {
        self.say(|_| format!("page {page} crashes"));
        self.end_page(page);
    }

    fn end_page(&mut self, page: usize) {
        self.stop(page);
        let it = &mut self.pages[page];
        it.gone = true;
        for serial in std::mem::take(&mut it.calls).into_values() {
            self.ledger.calls[serial].answered = true;
        }
        let tab = it.tab.clone();
        let delay = self.random.between(0.0, 1.0 + self.plan.linger);
        self.pages[page].gone_at = self.now + delay;
        self.after(delay, Step::LifeEnds(tab));
    }

    // Its calls.

    pub fn be_busy(&mut self, page: usize) {
        if self.calm || !self.pages[page].lives() {
            return;
        }
        let next = self.random.about(self.plan.idle);
        self.after(next, Step::Busy(page));
        if !self.pages[page].may_call() || (!self.pages[page].opened && self.random.chance(0.7)) {
            return;
        }
        let calls = 1 + self.random.below(self.plan.burst);
        if self.random.chance(0.4) {
            self.pages[page].chain = calls - 1;
            self.make_call(page);
        } else {
            for _ in 0..calls {
                self.make_call(page);
            }
        }
    }

    fn make_call(&mut self, page: usize) {
        let timeout = if self.random.chance(self.plan.hurry) {
            self.random.between(5.0, 300.0)
        } else {
            self.random.between(2_000.0, 30_000.0)
        };
        let serial = if self.random.chance(self.plan.repeats)
            && let Some(serial) = self.repeat(page, timeout)
        {
            serial
        } else if self.random.chance(0.3) && !self.ledger.conversations.is_empty() {
            self.read(page, timeout)
        } else {
            self.write(page, timeout)
        };
        if self.random.chance(self.plan.aborts) {
            let delay = self.random.about(5.0 * self.plan.quick);
            self.after(delay, Step::Aborts(page, serial));
        }
    }

    /// A call that must be carried out.
    pub fn last_call(&mut self, page: usize, number: usize) -> Option<Serial> {
        let serial = if number == 1 {
            if self.ledger.conversations.is_empty() {
                return None;
            }
            self.read(page, f64::INFINITY)
        } else {
            self.write(page, f64::INFINITY)
        };
        self.ledger.calls[serial].must = true;
        Some(serial)
    }

    fn read(&mut self, page: usize, timeout: f64) -> Serial {
        let conversations = &self.ledger.conversations;
        let conversation = self.random.pick(conversations).copied().unwrap_or(NOWHERE);
        let request = Request::MessagesFor {
            conversation_id: key(conversation),
            query: Default::default(),
        };
        self.call(page, What::Read(conversation), request, None, timeout)
    }

    fn write(&mut self, page: usize, timeout: f64) -> Serial {
        let known = self.ledger.conversations.len();
        let tab = self.pages[page].tab.clone();
        let conversation = if known == 0 || (known < CONVERSATIONS && self.random.chance(0.05)) {
            None
        } else if self.random.chance(0.05) && timeout.is_finite() {
            Some(NOWHERE)
        } else {
            self.random.pick(&self.ledger.conversations).copied()
        };
        let content = format!("{tab}:{}", self.ledger.writes.len());
        let named = timeout.is_finite() && self.random.chance(self.plan.named);
        let operation = if named {
            Operation::Named {
                name: content.clone(),
            }
        } else {
            self.pages[page].last_number += 1;
            self.own(page)
        };
        let name = named.then(|| content.clone());
        let write = self.ledger.intend(page, content, conversation, name);
        self.call_write(page, write, operation, timeout)
    }

    /// Calls again what timed out, here or elsewhere, or what someone gave a name.
    fn repeat(&mut self, page: usize, timeout: f64) -> Option<Serial> {
        let mut known = Vec::new();
        if self.random.chance(0.5) {
            for it in &self.pages {
                let open = it.open.iter();
                known.extend(open.map(|(number, write)| (*write, format!("{}/{number}", it.tab))));
            }
        } else {
            let writes = self.ledger.writes.iter().enumerate();
            known.extend(writes.filter_map(|(write, it)| Some((write, it.name.clone()?))));
        }
        let (write, name) = self.random.pick(&known).cloned()?;
        Some(self.call_write(page, write, Operation::Named { name }, timeout))
    }

    /// The next of a page's own operations.
    fn own(&self, page: usize) -> Operation {
        let it = &self.pages[page];
        let oldest =
            it.calls
                .values()
                .find_map(|serial| match &self.ledger.calls[*serial].operation {
                    Some(Operation::Own { number, .. }) => Some(*number),
                    _ => None,
                });
        Operation::Own {
            // Not its word: whoever serves knows who asks.
            tab: String::new(),
            number: it.last_number,
            done: oldest.unwrap_or(it.last_number) - 1,
            open: it.open.keys().copied().collect(),
        }
    }

    fn call_write(
        &mut self,
        page: usize,
        write: usize,
        operation: Operation,
        timeout: f64,
    ) -> Serial {
        let it = &self.ledger.writes[write];
        let request = match it.conversation {
            None => Request::CreateConversation {
                title: it.content.clone(),
                brain: None,
                extra: Default::default(),
            },
            Some(conversation) => Request::AddMessage {
                conversation_id: key(conversation),
                role: Role::User,
                content: Some(it.content.clone()),
                extra: Default::default(),
            },
        };
        self.call(page, What::Write(write), request, Some(operation), timeout)
    }

    fn call(
        &mut self,
        page: usize,
        what: What,
        request: Request,
        operation: Option<Operation>,
        timeout: f64,
    ) -> Serial {
        if self.pages[page].worker.is_none() {
            self.launch(page);
        }
        let id = self.new_call(page);
        self.counts.calls += 1;
        self.counts.writes += u64::from(operation.is_some());
        let serial = self
            .ledger
            .call((page, id), what, request, operation, timeout, self.now);
        self.say(|sim| {
            let call = &sim.ledger.calls[serial];
            format!(
                "page {page} calls {id}: #{serial} {:?} {:?} within {timeout:.0}",
                call.request, call.operation
            )
        });
        self.pages[page].calls.insert(id, serial);
        self.post_call(page, id, serial, timeout);
        if timeout.is_finite() {
            self.after(timeout, Step::CallTimer(page, serial));
        }
        serial
    }
}
