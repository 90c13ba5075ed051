//! The state machine of one tab.

use std::collections::VecDeque;
use std::mem;

use super::{
    Action, Body, ByTab, CallId, Event, Load, Message, Millis, RunId, Sending, TabId, Version,
    outdated,
};
use crate::error::{ErrorCode, Result, StoreError};
use crate::planted::{Bug, planted};

/// Milliseconds after which a hidden tab whose call is not answered asks for the lock after all.
pub const PATIENCE: Millis = 250.0;
/// Milliseconds for which a tab that was handed the lead does not hand it on.
pub const HANDOVER_PAUSE: Millis = 5_000.0;
/// So many workers of a tab, one after the other, cannot lead in the same epoch.
const WORKERS: u64 = 1 << 10;
/// So many requests share a commit at most: the first of them waits for the last.
const SHARED: usize = 128;

/// One tab's part in who serves.
pub struct Tab<L: Load> {
    id: TabId,
    version: Version,
    state: State<L>,
    visible: bool,
    outdated: bool,
    /// The other tabs heard of.
    peers: ByTab<Peer>,
    /// How many times it was asked who is alive.
    censuses: u64,
    /// The highest epoch heard of.
    heard: u64,
    /// The last epoch that this tab followed or led: only one above it is followed.
    last: Option<(u64, TabId)>,
    /// Asked for the lock, and not yet granted.
    queued: bool,
    /// The call that opened: calls below it were made to earlier workers of this tab.
    first_call: CallId,
    sendings: u64,
    /// The call that opens, and since when it waits.
    opening: Option<(CallId, Millis)>,
    /// The calls that close.
    closing: Vec<CallId>,
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
    timeout: Millis,
    deadline: Millis,
    since: Millis,
    /// It was made to an earlier worker: a leader may have had it.
    again: bool,
    /// Its last, of which alone an answer counts: what became of an earlier one says nothing of what
    /// will become of this.
    sending: Option<Sending>,
}

enum State<L: Load> {
    /// Seeks nothing until its page calls: not open yet, failed, outdated or closed.
    Idle,
    /// Waits for a leader, or to be it.
    Seeking,
    Following(Following),
    /// Holds the lock out of turn, and asks by a census whether the one that was named is alive.
    Yielding {
        census: u64,
    },
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
    /// The lock cannot be asked for.
    refused: bool,
}

struct Leading<L: Load> {
    epoch: u64,
    /// One before it may miss a tab whose requests were carried out here.
    first_census: u64,
    queue: VecDeque<Work<L>>,
    /// A turn was asked for, to carry out what is in the queue then.
    turn: bool,
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
    sending: Sending,
    request: L::Request,
    /// By this tab's clock.
    deadline: Millis,
    /// An earlier leader may have carried it out.
    again: bool,
}

struct Running {
    run: RunId,
    /// One, or several that share a commit.
    begun: Vec<Begun>,
}

struct Begun {
    from: TabId,
    sending: Sending,
    again: bool,
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
            peers: ByTab::default(),
            censuses: 0,
            heard: 0,
            last: None,
            queued: false,
            first_call: 0,
            sendings: 0,
            opening: None,
            closing: Vec::new(),
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
                self.first_call = call;
                self.opening = Some((call, now));
                if self.outdated {
                    self.answer_all(&outdated());
                } else {
                    self.seek(now);
                }
            }
            Event::Request {
                call,
                request,
                timeout,
            } => self.on_call(call, request, timeout, now),
            Event::Abort { call, forget } => self.on_abort(call, forget),
            Event::Close { call } => {
                self.closing.push(call);
                self.run_next();
            }
            Event::Visible(visible) => {
                self.visible = visible;
                let presence = self.presence();
                self.send_all(presence);
            }
            Event::Message(message) => self.on_message(message, now),
            Event::OtherVersion { from, version } => self.on_other_version(from, version),
            Event::Granted { hint } => self.on_granted(hint),
            Event::Lost => self.on_lost(now),
            Event::Refused(error) => self.on_refused(&error, now),
            Event::Opened(outcome) => self.on_opened(outcome, now),
            Event::Turn => self.on_turn(now),
            Event::Ran {
                run,
                answers,
                changes,
            } => self.on_ran(run, answers, changes, now),
            Event::Progressed { run } => self.on_progressed(run, now),
            Event::Closed => self.on_closed(now),
            Event::Census { number, alive } => self.on_census(number, &alive, now),
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
        let closing = std::mem::take(&mut self.closing);
        if closing.is_empty() {
            return;
        }
        self.send_all(Body::Bye);
        self.state = State::Idle;
        self.facts = None;
        self.answer_all(&closed());
        let answer = |call| Action::Answer {
            call,
            answer: Ok(None),
        };
        self.out.extend(closing.into_iter().map(answer));
    }

    /// Only tabs that can run wait for the lock: a hidden one may be frozen at any time, and granted
    /// it then would hang all.
    fn settle_queue(&mut self, now: Millis) {
        let calm = !self.visible && self.sees_a_visible_peer();
        let wants = match &self.state {
            State::Seeking => !calm || self.is_impatient(now),
            State::Following(following) => !(calm || following.refused) || self.is_impatient(now),
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
            && self.closing.is_empty()
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
        self.peers.iter().any(|(_, peer)| peer.visible)
    }

    fn is_impatient(&self, now: Millis) -> bool {
        self.waiting_since()
            .is_some_and(|since| now >= since + PATIENCE)
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
            timeout,
            deadline: now + timeout,
            since: now,
            again: id < self.first_call,
            sending: None,
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
                let sending = next_sending(self.first_call, &mut self.sendings);
                self.out.push(following.forward(&mut call, sending));
            }
            State::Leading(leading) if leading.handing_to.is_none() => {
                let sending = next_sending(self.first_call, &mut self.sendings);
                leading.queue.push_back(call.work(&self.id, sending));
            }
            _ => {}
        }
        self.calls.push_back(call);
        self.run_next();
    }

    fn on_abort(&mut self, id: CallId, forget: bool) {
        let Some(at) = self.calls.iter().position(|call| call.id == id) else {
            return;
        };
        let mut undone = self.calls[at].is_unsent();
        if let Some(sending) = self.calls[at].sending {
            match &mut self.state {
                State::Following(following) => self.out.push(Action::Send {
                    to: Some(following.leader.clone()),
                    body: Body::Abort { sending },
                }),
                State::Leading(leading) => match leading.abort(&self.id, sending) {
                    Aborted::Queued => undone = true,
                    Aborted::Running(run) => self.out.push(Action::Cancel { run }),
                    Aborted::Unknown => {}
                },
                _ => {}
            }
        }
        if forget {
            self.calls.remove(at);
        } else if undone {
            self.answer_at(at, Err(aborted()));
        }
    }

    /// Answers a call of the page's, unless it is answered already or was sent again since.
    fn answer(&mut self, sending: Sending, answer: Result<L::Answer>) {
        if let Some(at) = self.sent_as(sending) {
            self.answer_at(at, answer);
        }
    }

    fn answer_at(&mut self, at: usize, answer: Result<L::Answer>) {
        if let Some(call) = self.calls.remove(at) {
            self.out.push(Action::Answer {
                call: call.id,
                answer: answer.map(Some),
            });
        }
    }

    /// The place of the call whose last sending it is.
    fn sent_as(&self, sending: Sending) -> Option<usize> {
        self.calls
            .iter()
            .position(|call| call.sending == Some(sending))
    }

    /// Answers all that wait with an error. A request that runs is left to its own outcome.
    fn answer_all(&mut self, error: &StoreError) {
        if let Some((call, _)) = self.opening.take() {
            self.out.push(Action::Answer {
                call,
                answer: Err(error.clone()),
            });
        }
        let running: Vec<_> = match &self.state {
            State::Leading(Leading {
                running: Some(running),
                ..
            }) => running
                .begun
                .iter()
                .filter(|it| it.from == self.id)
                .map(|it| Some(it.sending))
                .collect(),
            _ => Vec::new(),
        };
        for call in mem::take(&mut self.calls) {
            if running.contains(&call.sending) {
                self.calls.push_back(call);
            } else {
                self.out.push(Action::Answer {
                    call: call.id,
                    answer: Err(error.clone()),
                });
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
            None if !planted(Bug::NoReset) => self.out.push(Action::Changes {
                sequence,
                reset: true,
                changes: Vec::new(),
            }),
            None => {}
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

    fn presence(&self) -> Body<L> {
        Body::Presence {
            visible: self.visible,
            heard: self.heard,
        }
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
            Body::Presence { visible, heard } => {
                let is_new = self.peers.get(&from).is_none();
                self.meet(from.clone(), visible);
                self.heard = self.heard.max(heard);
                if !self.raise_epoch(now) && is_new {
                    // It may follow already: it must know what was told to nobody.
                    self.welcome(Some(from), now);
                }
            }
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
                    refused: false,
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
                    self.answer_all(&error);
                    if let State::Following(_) = self.state {
                        // Someone may have led since, in a lower epoch.
                        self.seek(now);
                    }
                }
            }
            Body::Request {
                epoch,
                sending,
                deadline,
                again,
                request,
            } => self.on_request(
                epoch,
                Work {
                    from,
                    sending,
                    request,
                    deadline,
                    again,
                },
                now,
            ),
            Body::Abort { sending } => {
                if let State::Leading(leading) = &mut self.state {
                    match leading.abort(&from, sending) {
                        Aborted::Queued => self.deliver(from, sending, Err(aborted()), now),
                        Aborted::Running(run) => self.out.push(Action::Cancel { run }),
                        Aborted::Unknown => {}
                    }
                }
            }
            Body::Answer {
                sending,
                answer,
                clock,
            } => {
                let Some(at) = self.sent_as(sending) else {
                    return;
                };
                if let State::Following(following) = &mut self.state {
                    following.lead = following.lead.max(clock - now);
                }
                self.answer_at(at, answer);
            }
            Body::Progress { sending } => self.progressed(sending, now),
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
            let presence = self.presence();
            self.send(from, presence);
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
        leading.epoch = epoch_of(self.first_call, self.heard + 1);
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
            State::Yielding { .. } | State::Opening { .. } | State::Leading(_) | State::Closing
        ) {
            // Of an earlier leader: this tab holds the lock.
            self.raise_epoch(now);
            return;
        }
        if self.outdated || (self.closing.is_empty() && self.is_closed()) {
            return;
        }
        if let Some((epoch, leader)) = &self.last
            && following.epoch <= *epoch
        {
            if let State::Following(known) = &mut self.state
                && (known.epoch, &known.leader) == (following.epoch, &following.leader)
                && known.sequence < following.sequence
            {
                // Told before the leader knew of this tab.
                known.sequence = following.sequence;
                self.out.push(Action::Changes {
                    sequence: following.sequence,
                    reset: true,
                    changes: Vec::new(),
                });
            }
            // An earlier one's words come late, or this one must count higher to be followed.
            if following.epoch < *epoch || following.leader != *leader {
                let (visible, heard) = (self.visible, self.heard.max(following.epoch + 1));
                self.send(following.leader, Body::Hello { visible, heard });
            }
            return;
        }
        self.last = Some((following.epoch, following.leader.clone()));
        self.successor = None;
        // To all: whoever leads in a lower epoch must count higher.
        let presence = self.presence();
        self.send_all(presence);
        self.opened(following.sequence);
        self.facts = Some(facts);
        for call in &mut self.calls {
            call.since = now;
            let sending = next_sending(self.first_call, &mut self.sendings);
            let mut action = following.forward(call, sending);
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

    fn on_other_version(&mut self, from: TabId, version: Version) {
        // Nobody is of two versions.
        if from == self.id {
            return;
        }
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
            State::Yielding { .. } => {
                self.state = State::Idle;
                self.out.push(Action::ReleaseLock);
            }
            State::Leading(leading) => {
                leading.queue.clear();
                self.run_next();
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
                let census = self.take_census();
                self.state = State::Yielding { census };
            }
            State::Seeking | State::Following(_) => self.begin_opening(hint),
            // Withdrawn as it was granted.
            _ => self.out.push(Action::ReleaseLock),
        }
    }

    fn on_refused(&mut self, error: &StoreError, now: Millis) {
        self.queued = false;
        let impatient = self.is_impatient(now);
        match &mut self.state {
            State::Following(following) => {
                following.refused = true;
                if impatient {
                    self.answer_all(error);
                }
            }
            State::Seeking => {
                self.state = State::Idle;
                self.answer_all(error);
            }
            _ => {}
        }
    }

    fn take_census(&mut self) -> u64 {
        self.censuses += 1;
        let number = self.censuses;
        self.out.push(Action::Census { number });
        number
    }

    fn on_census(&mut self, number: u64, alive: &[TabId], now: Millis) {
        self.peers
            .retain(|id, peer| peer.heard_at >= number || alive.contains(id));
        match &mut self.state {
            State::Yielding { census } if *census <= number => self.stop_yielding(alive, now),
            State::Leading(leading) if leading.first_census <= number => {
                // Who came since it was asked is known from its messages.
                let mut tabs = alive.to_vec();
                tabs.extend(self.peers.names().cloned());
                tabs.push(self.id.clone());
                leading.queue.retain(|work| tabs.contains(&work.from));
                self.out.push(Action::RetainTabs(tabs));
            }
            _ => {}
        }
        let seen = self.peers.iter().find(|(_, peer)| peer.visible);
        let seen = seen.map(|(id, _)| id.clone());
        if mem::take(&mut self.handing_over)
            && !self.visible
            && let State::Leading(leading) = &mut self.state
            && let Some(to) = seen
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

    fn stop_yielding(&mut self, alive: &[TabId], now: Millis) {
        // Once a handover: the next time it is this tab's turn.
        let named = self.successor.take();
        if named.is_some_and(|named| alive.contains(&named)) {
            self.out.push(Action::ReleaseLock);
            // A welcome that came meanwhile was not for the holder of the lock.
            self.seek(now);
        } else {
            self.begin_opening(0);
        }
    }

    fn begin_opening(&mut self, hint: u64) {
        let hint = hint.saturating_mul(WORKERS);
        let epoch = epoch_of(self.first_call, hint.max(self.heard + 1));
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
            epoch_of(self.first_call, self.heard + 1)
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
        let queue = self.calls.iter_mut().map(|call| {
            let sending = next_sending(self.first_call, &mut self.sendings);
            call.work(&self.id, sending)
        });
        self.state = State::Leading(Leading {
            epoch,
            first_census: self.censuses + 1,
            queue: queue.collect(),
            turn: false,
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
        self.run_next();
    }

    fn on_lost(&mut self, now: Millis) {
        if planted(Bug::IgnoreLoss) {
            return;
        }
        match self.state {
            State::Opening { .. } | State::Leading(_) | State::Closing => {
                self.out.push(Action::AbandonStore);
                self.handing_over = false;
                if self.outdated {
                    self.state = State::Idle;
                    self.answer_all(&outdated());
                } else {
                    self.seek(now);
                    self.restart_patience(now);
                }
            }
            State::Yielding { .. } => self.seek(now),
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
        let from = work.from.clone();
        leading.queue.push_back(work);
        if self.peers.get(&from).is_none() {
            // It comes before the tab's first word to all.
            self.meet(from.clone(), false);
            self.welcome(Some(from), now);
        }
        self.run_next();
    }

    /// Asks for a turn if there is something to carry out, and closes if nothing more will be.
    fn run_next(&mut self) {
        let State::Leading(leading) = &mut self.state else {
            return;
        };
        if leading.running.is_some() || leading.turn {
            return;
        }
        let ends = leading.handing_to.is_some() || self.outdated;
        // The page's own calls are carried out; the others' go to the next leader.
        let is_next = |work: &Work<L>| self.closing.is_empty() || work.from == self.id;
        if !ends && leading.queue.iter().any(is_next) {
            leading.turn = true;
            self.out.push(Action::Turn);
        } else if ends || !self.closing.is_empty() {
            self.close_when_idle();
        }
    }

    /// Carries out what is first in the queue, and with it what comes next and may share its commit.
    fn on_turn(&mut self, now: Millis) {
        let State::Leading(leading) = &mut self.state else {
            return;
        };
        leading.turn = false;
        if leading.running.is_some() {
            return;
        }
        let mut works: Vec<Work<L>> = Vec::new();
        let mut missed = Vec::new();
        while leading.handing_to.is_none() && !self.outdated && works.len() < SHARED {
            let at = if self.closing.is_empty() {
                Some(0)
            } else {
                leading.queue.iter().position(|work| work.from == self.id)
            };
            let Some(work) = at.and_then(|at| leading.queue.get(at)) else {
                break;
            };
            let shares = L::shares_commit(&work.request);
            if !works.is_empty() && !shares {
                break;
            }
            let Some(work) = at.and_then(|at| leading.queue.remove(at)) else {
                break;
            };
            if now > work.deadline && !planted(Bug::PastDeadline) {
                missed.push(work);
                continue;
            }
            works.push(work);
            if !shares {
                break;
            }
        }
        if !works.is_empty() {
            self.last_run += 1;
            let begun = |work: &Work<L>| Begun {
                from: work.from.clone(),
                sending: work.sending,
                again: work.again,
            };
            leading.running = Some(Running {
                run: self.last_run,
                begun: works.iter().map(begun).collect(),
            });
            self.out.push(Action::Run {
                run: self.last_run,
                requests: works
                    .into_iter()
                    .map(|work| (work.from, work.request))
                    .collect(),
            });
        }
        for work in missed {
            self.deliver(work.from, work.sending, Err(late()), now);
        }
        self.run_next();
    }

    /// Gives an answer to whom it belongs.
    fn deliver(&mut self, to: TabId, sending: Sending, answer: Result<L::Answer>, now: Millis) {
        if to == self.id {
            self.answer(sending, answer);
        } else {
            let clock = now;
            self.send(
                to,
                Body::Answer {
                    sending,
                    answer,
                    clock,
                },
            );
        }
    }

    fn on_ran(
        &mut self,
        run: RunId,
        answers: Vec<Result<L::Answer>>,
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
        for (begun, answer) in running.begun.into_iter().zip(answers) {
            self.deliver(begun.from, begun.sending, answer, now);
        }
        self.run_next();
    }

    fn on_progressed(&mut self, run: RunId, now: Millis) {
        let State::Leading(leading) = &self.state else {
            return;
        };
        let Some(running) = leading.running.as_ref().filter(|it| it.run == run) else {
            return;
        };
        let told: Vec<_> = running
            .begun
            .iter()
            .map(|it| (it.from.clone(), it.sending))
            .collect();
        for (to, sending) in told {
            if to == self.id {
                self.progressed(sending, now);
            } else {
                self.send(to, Body::Progress { sending });
            }
        }
    }

    /// A call of the page's has come further: its timeout counts from now.
    fn progressed(&mut self, sending: Sending, now: Millis) {
        if let Some(at) = self.sent_as(sending) {
            let call = &mut self.calls[at];
            call.deadline = now + call.timeout;
            let call = call.id;
            self.out.push(Action::Progress { call });
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
        // One that follows and whose first word is on its way is welcomed then.
        if self.peers.names().next().is_some() {
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

impl<L: Load> Call<L> {
    /// No leader has it, or has had it.
    fn is_unsent(&self) -> bool {
        !self.again && self.sending.is_none()
    }

    /// As the tab itself carries it out.
    fn work(&mut self, from: &TabId, sending: Sending) -> Work<L> {
        let again = !self.is_unsent();
        self.sending = Some(sending);
        Work {
            from: from.clone(),
            sending,
            request: self.request.clone(),
            deadline: self.deadline,
            again,
        }
    }
}

impl Following {
    fn forward<L: Load>(&self, call: &mut Call<L>, sending: Sending) -> Action<L> {
        let again = !call.is_unsent();
        call.sending = Some(sending);
        Action::Send {
            to: Some(self.leader.clone()),
            body: Body::Request {
                epoch: self.epoch,
                sending,
                deadline: call.deadline + self.lead,
                again,
                request: call.request.clone(),
            },
        }
    }
}

/// The next number of a sending, which no other worker of the tab gives.
fn next_sending(first_call: CallId, sendings: &mut u64) -> Sending {
    *sendings += 1;
    (u64::from(first_call) << 32) | *sendings
}

/// The first epoch from `least` on that no other worker of the tab leads in: followers know a leader
/// by its tab and epoch.
fn epoch_of(first_call: CallId, least: u64) -> u64 {
    let worker = u64::from(first_call) % WORKERS;
    least + (worker + WORKERS - least % WORKERS) % WORKERS
}

/// Where an aborted request was found.
enum Aborted {
    /// In the queue, which it has left.
    Queued,
    Running(RunId),
    Unknown,
}

impl<L: Load> Leading<L> {
    /// One that an earlier leader may have carried out tells whether it did, by being done again.
    fn abort(&mut self, from: &TabId, sending: Sending) -> Aborted {
        let queued = self
            .queue
            .iter()
            .position(|work| work.from == *from && work.sending == sending && !work.again);
        if let Some(at) = queued {
            self.queue.remove(at);
            return Aborted::Queued;
        }
        match &self.running {
            Some(Running { run, begun }) => match &begun[..] {
                [one] if one.from == *from && one.sending == sending && !one.again => {
                    Aborted::Running(*run)
                }
                _ => Aborted::Unknown,
            },
            None => Aborted::Unknown,
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
        "the call waited longer than its timeout",
    )
}

fn closed() -> StoreError {
    StoreError::new(ErrorCode::Closed, "the store was closed before it was open")
}
