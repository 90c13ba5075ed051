//! The state machine of one tab.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use super::{Action, Body, CallId, Event, Load, Message, Millis, RunId, TabId, Version, outdated};
use crate::error::{ErrorCode, Result, StoreError};
use crate::planted::{Bug, planted};

/// Milliseconds after which a hidden tab whose call is not answered asks for the lock after all.
pub const PATIENCE: Millis = 250.0;
/// Milliseconds for which a tab that was handed the lead does not hand it on.
pub const HANDOVER_PAUSE: Millis = 5_000.0;

/// One tab's part in who serves.
pub struct Tab<L: Load> {
    id: TabId,
    version: Version,
    state: State<L>,
    visible: bool,
    outdated: bool,
    /// The other tabs heard of.
    peers: BTreeMap<TabId, Peer>,
    /// How many times it was asked who is alive.
    censuses: u64,
    /// The highest epoch heard of.
    heard: u64,
    /// The last epoch that this tab followed or led: none below it is followed.
    last: Option<(u64, TabId)>,
    /// Asked for the lock, and not yet granted.
    queued: bool,
    /// The call that opens, and since when it waits.
    opening: Option<(CallId, Millis)>,
    closing: Option<CallId>,
    /// The page's calls that are not answered, in order.
    calls: VecDeque<Call<L>>,
    facts: Option<L::Facts>,
    /// Named by the last leader, until someone leads.
    successor: Option<TabId>,
    /// Waits for a census to hand over.
    handing_over: bool,
    /// What [`Action::Status`] last told: leading, outdated.
    told: (bool, bool),
    wake: Option<Millis>,
    last_run: RunId,
    out: Vec<Action<L>>,
}

struct Peer {
    /// Whether its page is seen.
    visible: bool,
    /// A census asked for since cannot know of it.
    heard_at: u64,
}

struct Call<L: Load> {
    id: CallId,
    request: L::Request,
    deadline: Millis,
    since: Millis,
    /// A leader may have it, or have had it.
    sent: bool,
}

enum State<L: Load> {
    /// Seeks nothing until its page calls: not open yet, failed, outdated or closed.
    Idle,
    /// Waits for a leader, or to be it.
    Seeking,
    Following(Following),
    /// Holds the lock out of turn, and asks whether the one that was named is alive.
    Yielding,
    /// Holds the lock; the store is being opened.
    Opening {
        epoch: u64,
    },
    /// Holds the lock and the store.
    Leading(Leading<L>),
    /// Holds the lock; the store is being closed.
    Closing,
}

struct Following {
    epoch: u64,
    leader: TabId,
    /// Added to this tab's clock it gives the leader's, or less: what is late here is late there.
    lead: Millis,
    sequence: u64,
}

struct Leading<L: Load> {
    epoch: u64,
    queue: VecDeque<Work<L>>,
    running: Option<Running>,
    /// The number of the last change that was told.
    sequence: u64,
    /// Committed, not yet told.
    changes: Vec<L::Change>,
    /// Named to lead next: nothing more is begun.
    handing_to: Option<TabId>,
    /// When it may hand over.
    not_before: Millis,
}

struct Work<L: Load> {
    from: TabId,
    call: CallId,
    request: L::Request,
    /// By this tab's clock.
    deadline: Millis,
    /// An earlier leader may have carried it out.
    again: bool,
}

struct Running {
    run: RunId,
    from: TabId,
    call: CallId,
}

impl<L: Load> Tab<L> {
    /// A tab that nothing has happened to yet.
    pub fn new(id: TabId, version: Version) -> Self {
        Self {
            id,
            version,
            state: State::Idle,
            visible: true,
            outdated: false,
            peers: BTreeMap::new(),
            censuses: 0,
            heard: 0,
            last: None,
            queued: false,
            opening: None,
            closing: None,
            calls: VecDeque::new(),
            facts: None,
            successor: None,
            handing_over: false,
            told: (false, false),
            wake: None,
            last_run: 0,
            out: Vec::new(),
        }
    }

    /// Its name.
    pub fn id(&self) -> &TabId {
        &self.id
    }

    /// Whether it leads: it has the store open and serves.
    pub fn leads(&self) -> bool {
        matches!(self.state, State::Leading(_))
    }

    /// Whether another tab runs a newer version.
    pub fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// What is known of the store, from the first leader on.
    pub fn facts(&self) -> Option<&L::Facts> {
        self.facts.as_ref()
    }

    /// Takes an event at the time `now` and says what is to be done, in order.
    pub fn handle(&mut self, event: Event<L>, now: Millis) -> Vec<Action<L>> {
        match event {
            Event::Open { call, visible } => {
                self.visible = visible;
                self.opening = Some((call, now));
                self.seek(now);
            }
            Event::Request {
                call,
                request,
                timeout,
            } => self.on_call(call, request, timeout, now),
            Event::Abort { call, forget } => self.on_abort(call, forget),
            Event::Close { call } => {
                self.closing = Some(call);
                self.run_next(now);
            }
            Event::Visible(visible) => {
                self.visible = visible;
                self.send_all(Body::Presence { visible });
            }
            Event::Message(message) => self.on_message(message, now),
            Event::OtherVersion { from, version } => self.on_other_version(from, version, now),
            Event::Granted { hint } => self.on_granted(hint),
            Event::Lost => self.on_lost(now),
            Event::Refused(error) => {
                self.queued = false;
                if matches!(self.state, State::Seeking) {
                    self.state = State::Idle;
                    self.answer_all(&error);
                }
            }
            Event::Opened(outcome) => self.on_opened(outcome, now),
            Event::Ran {
                run,
                answer,
                changes,
            } => self.on_ran(run, answer, changes, now),
            Event::Progressed { run } => self.on_progressed(run),
            Event::Closed => self.on_closed(now),
            Event::Census { number, alive } => self.on_census(number, &alive),
            Event::Flush => self.flush(),
            Event::Time => self.wake = None,
        }
        self.settle(now);
        mem::take(&mut self.out)
    }

    // What follows from the state, whatever the event was.

    fn settle(&mut self, now: Millis) {
        self.settle_close();
        self.settle_queue(now);
        self.settle_handover(now);
        let told = (self.leads(), self.outdated);
        if told != self.told && self.facts.is_some() {
            self.told = told;
            self.out.push(Action::Status);
        }
        let wake = self.next_wake(now);
        if wake != self.wake {
            self.wake = wake;
            if let Some(at) = wake {
                self.out.push(Action::WakeAt(at));
            }
        }
    }

    /// A tab that serves nobody leaves as soon as its page's calls are answered.
    fn settle_close(&mut self) {
        let waits = !self.calls.is_empty() && !self.outdated;
        if !matches!(
            self.state,
            State::Idle | State::Seeking | State::Following(_)
        ) || waits
        {
            return;
        }
        if let Some(call) = self.closing.take() {
            self.send_all(Body::Bye);
            self.state = State::Idle;
            self.out.push(Action::Answer {
                call,
                answer: Ok(None),
            });
        }
    }

    /// Only tabs that can run wait for the lock: a hidden one may be frozen at any time, and granted
    /// it then would hang all.
    fn settle_queue(&mut self, now: Millis) {
        let wants = match self.state {
            State::Seeking | State::Following(_) => {
                self.visible || !self.sees_a_visible_peer() || self.is_impatient(now)
            }
            _ => false,
        };
        if wants && !self.queued {
            self.out.push(Action::RequestLock);
        } else if !wants && self.queued {
            self.out.push(Action::WithdrawLock);
        }
        self.queued = wants;
        if planted(Bug::TwoLeaders)
            && matches!(self.state, State::Seeking)
            && self.is_impatient(now)
        {
            self.begin_opening(0);
        }
    }

    fn settle_handover(&mut self, now: Millis) {
        if let State::Leading(leading) = &self.state
            && leading.handing_to.is_none()
            && !self.visible
            && !self.handing_over
            && self.closing.is_none()
            && !self.outdated
            && now >= leading.not_before
            && self.sees_a_visible_peer()
        {
            self.handing_over = true;
            self.take_census();
        }
    }

    fn next_wake(&self, now: Millis) -> Option<Millis> {
        match &self.state {
            State::Seeking | State::Following(_) if !self.queued => {
                self.waiting_since().map(|since| since + PATIENCE)
            }
            State::Leading(leading)
                if !self.visible && self.sees_a_visible_peer() && now < leading.not_before =>
            {
                Some(leading.not_before)
            }
            _ => None,
        }
    }

    fn sees_a_visible_peer(&self) -> bool {
        self.peers.values().any(|peer| peer.visible)
    }

    fn is_impatient(&self, now: Millis) -> bool {
        self.waiting_since()
            .is_some_and(|since| now - since >= PATIENCE)
    }

    /// Since when the page waits for an answer.
    fn waiting_since(&self) -> Option<Millis> {
        let opening = self.opening.map(|(_, since)| since);
        let call = self.calls.front().map(|call| call.since);
        opening.or(call)
    }

    // The page.

    fn on_call(&mut self, id: CallId, request: L::Request, timeout: Millis, now: Millis) {
        let mut call = Call {
            id,
            request,
            deadline: now + timeout,
            since: now,
            sent: false,
        };
        if self.outdated {
            self.out.push(Action::Answer {
                call: id,
                answer: Err(outdated()),
            });
            return;
        }
        match &mut self.state {
            State::Idle => self.seek(now),
            State::Following(following) => {
                let action = following.forward(&call);
                call.sent = true;
                self.out.push(action);
            }
            State::Leading(leading) if leading.handing_to.is_none() => {
                call.sent = true;
                leading.queue.push_back(Work {
                    from: self.id.clone(),
                    call: id,
                    request: call.request.clone(),
                    deadline: call.deadline,
                    again: false,
                });
            }
            _ => {}
        }
        self.calls.push_back(call);
        self.run_next(now);
    }

    fn on_abort(&mut self, id: CallId, forget: bool) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        let mut undone = !self.calls[at].sent;
        match &mut self.state {
            State::Following(following) => self.out.push(Action::Send {
                to: Some(following.leader.clone()),
                body: Body::Abort { call: id },
            }),
            State::Leading(leading) => match leading.abort(&self.id, id) {
                Aborted::Queued => undone = true,
                Aborted::Running(run) => self.out.push(Action::Cancel { run }),
                Aborted::Unknown => {}
            },
            _ => {}
        }
        if forget {
            self.calls.remove(at);
        } else if undone {
            self.answer(id, Err(aborted()));
        }
    }

    /// Answers a call of the page's that is not answered yet.
    fn answer(&mut self, id: CallId, answer: Result<L::Answer>) {
        if let Some(at) = self.calls.iter().position(|call| call.id == id) {
            self.calls.remove(at);
            self.out.push(Action::Answer {
                call: id,
                answer: answer.map(Some),
            });
        }
    }

    /// Answers all that wait with an error. A request that runs is left to its own outcome.
    fn answer_all(&mut self, error: &StoreError) {
        if let Some((call, _)) = self.opening.take() {
            self.out.push(Action::Answer {
                call,
                answer: Err(error.clone()),
            });
        }
        let running = match &self.state {
            State::Leading(Leading {
                running: Some(running),
                ..
            }) if running.from == self.id => Some(running.call),
            _ => None,
        };
        let ids: Vec<_> = self.calls.iter().map(|call| call.id).collect();
        for id in ids {
            if Some(id) != running {
                self.answer(id, Err(error.clone()));
            }
        }
    }

    /// The store is there, here or in the leader: the page's open is done.
    fn opened(&mut self, sequence: u64) {
        match self.opening.take() {
            Some((call, _)) => self.out.push(Action::Answer {
                call,
                answer: Ok(None),
            }),
            // Between the last leader and this one changes may have gone untold.
            None => self.out.push(Action::Changes {
                sequence,
                reset: true,
                changes: Vec::new(),
            }),
        }
        // The first role is no change of it.
        if self.facts.is_none() {
            self.told = (self.leads(), self.outdated);
        }
    }

    // The other tabs.

    fn send_all(&mut self, body: Body<L>) {
        self.out.push(Action::Send { to: None, body });
    }

    fn send(&mut self, to: TabId, body: Body<L>) {
        self.out.push(Action::Send { to: Some(to), body });
    }

    fn meet(&mut self, id: TabId, visible: bool) {
        let heard_at = self.censuses;
        self.peers.insert(id, Peer { visible, heard_at });
    }

    fn seek(&mut self, now: Millis) {
        self.state = State::Seeking;
        if let Some((_, since)) = &mut self.opening {
            *since = now;
        }
        let (visible, heard) = (self.visible, self.heard);
        self.send_all(Body::Hello { visible, heard });
    }

    fn on_message(&mut self, Message { from, body }: Message<L>, now: Millis) {
        // Of a tab that took this one's name, or this one's own.
        if from == self.id {
            return;
        }
        match body {
            Body::Hello { visible, heard } => self.on_hello(from, visible, heard, now),
            Body::Presence { visible } => self.meet(from, visible),
            Body::Bye => self.on_bye(&from, now),
            Body::Welcome {
                epoch,
                visible,
                facts,
                clock,
                sequence,
            } => {
                self.meet(from.clone(), visible);
                let following = Following {
                    epoch,
                    leader: from,
                    lead: clock - now,
                    sequence,
                };
                self.on_welcome(following, facts, now);
            }
            Body::Handover { epoch, to } => self.on_handover(&from, epoch, to),
            Body::Failed { epoch, error } => {
                let waits = match &self.state {
                    State::Idle | State::Seeking => true,
                    State::Following(following) => following.epoch < epoch,
                    _ => false,
                };
                if waits && epoch >= self.heard {
                    self.heard = epoch;
                    if let State::Following(_) = self.state {
                        self.state = State::Seeking;
                    }
                    self.answer_all(&error);
                }
            }
            Body::Request {
                epoch,
                call,
                deadline,
                again,
                request,
            } => self.on_request(
                epoch,
                Work {
                    from,
                    call,
                    request,
                    deadline,
                    again,
                },
                now,
            ),
            Body::Abort { call } => {
                if let State::Leading(leading) = &mut self.state {
                    match leading.abort(&from, call) {
                        Aborted::Queued => self.deliver(from, call, Err(aborted()), now),
                        Aborted::Running(run) => self.out.push(Action::Cancel { run }),
                        Aborted::Unknown => {}
                    }
                }
            }
            Body::Answer {
                call,
                answer,
                clock,
            } => {
                if let State::Following(following) = &mut self.state
                    && following.leader == from
                {
                    following.lead = following.lead.max(clock - now);
                }
                self.answer(call, answer);
            }
            Body::Progress { call } => {
                if self.calls.iter().any(|it| it.id == call) {
                    self.out.push(Action::Progress { call });
                }
            }
            Body::Changes {
                epoch,
                first,
                changes,
            } => self.on_changes(&from, epoch, first, changes),
        }
    }

    fn on_hello(&mut self, from: TabId, visible: bool, heard: u64, now: Millis) {
        self.meet(from.clone(), visible);
        self.heard = self.heard.max(heard);
        if !self.leads() {
            let visible = self.visible;
            self.send(from, Body::Presence { visible });
            return;
        }
        // Tabs come and go: a good moment to see whose records are not needed any more.
        self.take_census();
        self.flush();
        if !self.raise_epoch(now) {
            self.welcome(Some(from), now);
        }
    }

    /// A leader that hears of a higher epoch counts on from there: whoever led it, this tab holds
    /// the lock now. What followers sent before they will send again.
    fn raise_epoch(&mut self, now: Millis) -> bool {
        let State::Leading(leading) = &mut self.state else {
            return false;
        };
        if self.heard <= leading.epoch {
            return false;
        }
        leading.epoch = self.heard + 1;
        leading.queue.retain(|work| work.from == self.id);
        self.heard = leading.epoch;
        self.last = Some((leading.epoch, self.id.clone()));
        self.welcome(None, now);
        true
    }

    fn welcome(&mut self, to: Option<TabId>, now: Millis) {
        if let (State::Leading(leading), Some(facts)) = (&self.state, &self.facts) {
            let body = Body::Welcome {
                epoch: leading.epoch,
                visible: self.visible,
                facts: facts.clone(),
                clock: now,
                sequence: leading.sequence,
            };
            self.out.push(Action::Send { to, body });
        }
    }

    fn on_welcome(&mut self, following: Following, facts: L::Facts, now: Millis) {
        self.heard = self.heard.max(following.epoch);
        if matches!(
            self.state,
            State::Yielding | State::Opening { .. } | State::Leading(_) | State::Closing
        ) {
            // Of an earlier leader: this tab holds the lock.
            self.raise_epoch(now);
            return;
        }
        if self.outdated || (self.closing.is_none() && self.is_closed()) {
            return;
        }
        let name = (following.epoch, following.leader.clone());
        if self.last.as_ref().is_some_and(|last| *last >= name) {
            // An earlier one's words come late, or this one must count higher to be followed.
            if self.last.as_ref() != Some(&name) {
                let (visible, heard) = (self.visible, self.heard);
                self.send(following.leader, Body::Hello { visible, heard });
            }
            return;
        }
        self.last = Some(name);
        self.successor = None;
        let visible = self.visible;
        self.send(following.leader.clone(), Body::Presence { visible });
        self.opened(following.sequence);
        self.facts = Some(facts);
        for call in &mut self.calls {
            call.since = now;
            let mut action = following.forward(call);
            call.sent = true;
            if planted(Bug::ResendOldEpoch)
                && let Action::Send {
                    body: Body::Request { epoch, .. },
                    ..
                } = &mut action
            {
                *epoch -= 1;
            }
            self.out.push(action);
        }
        self.state = State::Following(following);
    }

    /// Never opened, or closed: no leader is followed.
    fn is_closed(&self) -> bool {
        matches!(self.state, State::Idle) && self.facts.is_none()
    }

    fn on_bye(&mut self, from: &TabId, now: Millis) {
        self.peers.remove(from);
        match &mut self.state {
            State::Following(following) if following.leader == *from => {
                self.state = State::Seeking;
                self.restart_patience(now);
            }
            State::Leading(leading) => {
                leading.queue.retain(|work| work.from != *from);
                self.take_census();
            }
            _ => {}
        }
    }

    fn on_handover(&mut self, from: &TabId, epoch: u64, to: TabId) {
        if let State::Following(following) = &self.state
            && following.leader == *from
            && following.epoch == epoch
        {
            self.state = State::Seeking;
            self.successor = (to != self.id).then_some(to);
        }
    }

    fn on_changes(&mut self, from: &TabId, epoch: u64, first: u64, changes: Vec<L::Change>) {
        let State::Following(following) = &mut self.state else {
            return;
        };
        let last = first + changes.len() as u64 - 1;
        if following.leader != *from || following.epoch != epoch || last <= following.sequence {
            return;
        }
        let reset = first != following.sequence + 1 && !planted(Bug::SilentGap);
        following.sequence = last;
        self.out.push(Action::Changes {
            sequence: last,
            reset,
            changes,
        });
    }

    fn on_other_version(&mut self, from: TabId, version: Version, now: Millis) {
        if version < self.version {
            // It learns from any message of ours.
            let (visible, heard) = (self.visible, self.heard);
            self.send(from, Body::Hello { visible, heard });
            return;
        }
        if self.outdated || version == self.version {
            return;
        }
        self.outdated = true;
        self.answer_all(&outdated());
        match &mut self.state {
            State::Yielding => {
                self.state = State::Idle;
                self.out.push(Action::ReleaseLock);
            }
            State::Leading(leading) => {
                leading.queue.clear();
                self.run_next(now);
            }
            // The lock is given back when the store is open, or closed.
            State::Opening { .. } | State::Closing => {}
            State::Idle | State::Seeking | State::Following(_) => self.state = State::Idle,
        }
    }

    // The lock.

    fn on_granted(&mut self, hint: u64) {
        self.queued = false;
        match self.state {
            State::Seeking | State::Following(_) if self.successor.is_some() => {
                self.state = State::Yielding;
                self.take_census();
            }
            State::Seeking | State::Following(_) => self.begin_opening(hint),
            // Withdrawn as it was granted.
            _ => self.out.push(Action::ReleaseLock),
        }
    }

    fn take_census(&mut self) {
        self.censuses += 1;
        let number = self.censuses;
        self.out.push(Action::Census { number });
    }

    fn on_census(&mut self, number: u64, alive: &[TabId]) {
        self.peers
            .retain(|id, peer| peer.heard_at >= number || alive.contains(id));
        if matches!(self.state, State::Yielding) {
            // Once a handover: the next time it is this tab's turn.
            let named = self.successor.take();
            if named.is_some_and(|named| alive.contains(&named)) {
                self.state = State::Seeking;
                self.out.push(Action::ReleaseLock);
            } else {
                self.begin_opening(0);
            }
        }
        if mem::take(&mut self.handing_over)
            && !self.visible
            && let State::Leading(leading) = &mut self.state
            && let Some(to) = self
                .peers
                .iter()
                .find_map(|(id, peer)| peer.visible.then(|| id.clone()))
        {
            let body = Body::Handover {
                epoch: leading.epoch,
                to: to.clone(),
            };
            leading.handing_to = Some(to);
            self.flush();
            self.send_all(body);
            self.close_when_idle();
        }
    }

    fn begin_opening(&mut self, hint: u64) {
        let epoch = hint.max(self.heard + 1);
        self.heard = epoch;
        self.state = State::Opening { epoch };
        self.out.push(Action::OpenStore);
    }

    fn on_opened(&mut self, outcome: Result<L::Facts>, now: Millis) {
        let State::Opening { epoch } = self.state else {
            return;
        };
        let facts = match outcome {
            Ok(facts) => facts,
            Err(error) => {
                self.state = State::Idle;
                self.successor = None;
                if self.outdated {
                    self.answer_all(&outdated());
                } else {
                    self.send_all(Body::Failed {
                        epoch,
                        error: error.clone(),
                    });
                    self.answer_all(&error);
                }
                self.out.push(Action::ReleaseLock);
                return;
            }
        };
        // Heard of meanwhile.
        let epoch = if self.heard > epoch {
            self.heard + 1
        } else {
            epoch
        };
        self.heard = epoch;
        self.last = Some((epoch, self.id.clone()));
        // Handed the lead, it does not hand it on at once.
        let not_before = if self.facts.is_some() {
            now + HANDOVER_PAUSE
        } else {
            now
        };
        let queue = self.calls.iter_mut().map(|call| Work {
            from: self.id.clone(),
            call: call.id,
            request: call.request.clone(),
            deadline: call.deadline,
            again: mem::replace(&mut call.sent, true),
        });
        self.state = State::Leading(Leading {
            epoch,
            queue: queue.collect(),
            running: None,
            sequence: 0,
            changes: Vec::new(),
            handing_to: None,
            not_before,
        });
        self.successor = None;
        self.opened(0);
        self.facts = Some(facts);
        self.welcome(None, now);
        self.take_census();
        self.run_next(now);
    }

    fn on_lost(&mut self, now: Millis) {
        if planted(Bug::IgnoreLoss) {
            return;
        }
        match self.state {
            State::Opening { .. } | State::Leading(_) | State::Closing => {
                self.out.push(Action::AbandonStore);
                self.handing_over = false;
                self.seek(now);
                self.restart_patience(now);
            }
            State::Yielding => self.state = State::Seeking,
            _ => {}
        }
    }

    fn restart_patience(&mut self, now: Millis) {
        for call in &mut self.calls {
            call.since = now;
        }
    }

    // Leading.

    fn on_request(&mut self, epoch: u64, work: Work<L>, now: Millis) {
        let State::Leading(leading) = &mut self.state else {
            return;
        };
        if leading.epoch != epoch || leading.handing_to.is_some() || self.outdated {
            return;
        }
        leading.queue.push_back(work);
        self.run_next(now);
    }

    fn run_next(&mut self, now: Millis) {
        loop {
            let State::Leading(leading) = &mut self.state else {
                return;
            };
            if leading.running.is_some() {
                return;
            }
            let ends = leading.handing_to.is_some() || self.outdated;
            let next = if ends {
                None
            } else if self.closing.is_some() {
                // The page's own calls are carried out; the others' go to the next leader.
                let own = leading.queue.iter().position(|work| work.from == self.id);
                own.and_then(|at| leading.queue.remove(at))
            } else {
                leading.queue.pop_front()
            };
            let Some(work) = next else {
                if ends || self.closing.is_some() {
                    self.close_when_idle();
                }
                return;
            };
            if now > work.deadline && !planted(Bug::PastDeadline) {
                self.deliver(work.from, work.call, Err(late()), now);
                continue;
            }
            self.last_run += 1;
            let run = self.last_run;
            leading.running = Some(Running {
                run,
                from: work.from.clone(),
                call: work.call,
            });
            self.out.push(Action::Run {
                run,
                from: work.from,
                request: work.request,
            });
            return;
        }
    }

    /// Gives an answer to whom it belongs.
    fn deliver(&mut self, to: TabId, call: CallId, answer: Result<L::Answer>, now: Millis) {
        if to == self.id {
            self.answer(call, answer);
        } else {
            let clock = now;
            self.send(
                to,
                Body::Answer {
                    call,
                    answer,
                    clock,
                },
            );
        }
    }

    fn on_ran(
        &mut self,
        run: RunId,
        answer: Result<L::Answer>,
        changes: Vec<L::Change>,
        now: Millis,
    ) {
        let State::Leading(leading) = &mut self.state else {
            return;
        };
        let Some(running) = leading.running.take_if(|running| running.run == run) else {
            return;
        };
        if !changes.is_empty() && leading.changes.is_empty() {
            self.out.push(Action::FlushSoon);
        }
        leading.changes.extend(changes);
        self.deliver(running.from, running.call, answer, now);
        self.run_next(now);
    }

    fn on_progressed(&mut self, run: RunId) {
        let State::Leading(leading) = &self.state else {
            return;
        };
        let Some(running) = leading.running.as_ref().filter(|it| it.run == run) else {
            return;
        };
        let call = running.call;
        if running.from == self.id {
            self.out.push(Action::Progress { call });
        } else {
            let to = running.from.clone();
            self.send(to, Body::Progress { call });
        }
    }

    /// Tells what was committed since it last told.
    fn flush(&mut self) {
        let State::Leading(leading) = &mut self.state else {
            return;
        };
        let changes = mem::take(&mut leading.changes);
        if changes.is_empty() {
            return;
        }
        let first = leading.sequence + 1;
        leading.sequence += changes.len() as u64;
        let (epoch, sequence) = (leading.epoch, leading.sequence);
        if !self.peers.is_empty() {
            self.send_all(Body::Changes {
                epoch,
                first,
                changes: changes.clone(),
            });
        }
        self.out.push(Action::Changes {
            sequence,
            reset: false,
            changes,
        });
    }

    fn close_when_idle(&mut self) {
        if let State::Leading(Leading { running: None, .. }) = self.state {
            self.flush();
            self.state = State::Closing;
            self.handing_over = false;
            self.out.push(Action::CloseStore);
        }
    }

    fn on_closed(&mut self, now: Millis) {
        if !matches!(self.state, State::Closing) {
            return;
        }
        self.state = if self.outdated {
            State::Idle
        } else {
            State::Seeking
        };
        self.restart_patience(now);
        self.out.push(Action::ReleaseLock);
    }
}

impl Following {
    fn forward<L: Load>(&self, call: &Call<L>) -> Action<L> {
        Action::Send {
            to: Some(self.leader.clone()),
            body: Body::Request {
                epoch: self.epoch,
                call: call.id,
                deadline: call.deadline + self.lead,
                again: call.sent,
                request: call.request.clone(),
            },
        }
    }
}

/// Where an aborted request was found.
enum Aborted {
    /// In the queue, which it has left.
    Queued,
    Running(RunId),
    Unknown,
}

impl<L: Load> Leading<L> {
    fn abort(&mut self, from: &TabId, call: CallId) -> Aborted {
        let queued = self
            .queue
            .iter()
            .position(|work| work.from == *from && work.call == call);
        // One that an earlier leader may have carried out tells whether it did, by being done again.
        if let Some(at) = queued.filter(|at| !self.queue[*at].again) {
            self.queue.remove(at);
            return Aborted::Queued;
        }
        match &self.running {
            Some(running) if running.from == *from && running.call == call => {
                Aborted::Running(running.run)
            }
            _ => Aborted::Unknown,
        }
    }
}

fn aborted() -> StoreError {
    StoreError::new(
        ErrorCode::Aborted,
        "the call was aborted by its signal; it changed nothing",
    )
}

fn late() -> StoreError {
    StoreError::new(
        ErrorCode::Timeout,
        "the call waited longer than its timeout and was not begun; call again",
    )
}
