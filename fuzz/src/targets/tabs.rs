//! A tab among others that say anything to it, in any order, while its page calls, its lock comes and goes and
//! its store opens, works and closes as it should: it never has a store open without the lock or two things
//! under way, answers each call at most once, and once the others are silent every call ends.
//!
//! The others' numbers are within what src/wasm/channel.rs lets through.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use conversation_store::error::{ErrorCode, StoreError};
use conversation_store::tabs::{
    Action, Body, Event, HANDOVER_PAUSE, Load, Message, PROTOCOL, RunId, Tab, TabId, Version,
};
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use crate::invention::below;

const VERSION: Version = Version {
    protocol: PROTOCOL,
    schema: 5,
};
const NAMES: [&str; 5] = ["me", "a", "b", "c", ""];
/// As src/wasm/channel.rs has it.
const MAX_EPOCH: u64 = 1 << 52;

#[derive(Debug)]
struct Plain;

impl Load for Plain {
    type Request = u8;
    type Answer = u8;
    type Facts = u8;
    type Change = u8;

    fn shares_commit(request: &u8) -> bool {
        request.is_multiple_of(2)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lock {
    Free,
    Asked,
    Held,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Files {
    Closed,
    Opening,
    Open,
    Closing,
}

/// What stands around the tab: it does what the tab asks, when the input says so.
struct Around {
    tab: Tab<Plain>,
    now: f64,
    lock: Lock,
    files: Files,
    run: Option<(RunId, usize)>,
    turns: usize,
    flushes: usize,
    censuses: VecDeque<u64>,
    wake: Option<f64>,
    /// By number: whether it is answered.
    calls: BTreeMap<u32, bool>,
    /// Those that the page waits for no more.
    forgotten: BTreeSet<u32>,
    next_call: u32,
}

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let mut around = Around {
        tab: Tab::new(TabId::from("me"), VERSION),
        now: 1_000.0,
        lock: Lock::Free,
        files: Files::Closed,
        run: None,
        turns: 0,
        flushes: 0,
        censuses: VecDeque::new(),
        wake: None,
        calls: BTreeMap::new(),
        forgotten: BTreeSet::new(),
        next_call: 1 + u32::from(bytes.arbitrary::<u8>().unwrap_or(0)),
    };
    let call = around.call();
    around.handle(Event::Open {
        call,
        visible: bytes.arbitrary().unwrap_or(true),
    });
    for _ in 0..200 {
        if bytes.is_empty() {
            break;
        }
        around.step(bytes);
    }
    around.end();
    Corpus::Keep
}

impl Around {
    fn call(&mut self) -> u32 {
        let call = self.next_call;
        self.next_call += 1;
        self.calls.insert(call, false);
        call
    }

    fn handle(&mut self, event: Event<Plain>) {
        for action in self.tab.handle(event, self.now) {
            self.carry_out(action);
        }
        if self.tab.leads() {
            assert_eq!(
                (self.lock, self.files),
                (Lock::Held, Files::Open),
                "who leads"
            );
        }
    }

    fn carry_out(&mut self, action: Action<Plain>) {
        match action {
            Action::RequestLock => {
                assert_eq!(self.lock, Lock::Free, "the lock is asked for once");
                self.lock = Lock::Asked;
            }
            Action::WithdrawLock => {
                assert_ne!(self.lock, Lock::Free, "what was asked for is withdrawn");
                if self.lock == Lock::Asked {
                    self.lock = Lock::Free;
                }
            }
            Action::ReleaseLock => {
                assert_eq!(self.lock, Lock::Held, "what is held is released");
                assert_eq!(self.files, Files::Closed, "and the files before it");
                self.lock = Lock::Free;
            }
            Action::OpenStore => {
                assert_eq!(self.lock, Lock::Held, "a store is opened under the lock");
                assert_eq!(self.files, Files::Closed, "once");
                self.files = Files::Opening;
            }
            Action::CloseStore => {
                assert_eq!(self.files, Files::Open);
                assert!(self.run.is_none(), "nothing is under way");
                self.files = Files::Closing;
            }
            Action::AbandonStore => {
                self.files = Files::Closed;
                self.run = None;
            }
            Action::Run { run, requests } => {
                assert_eq!((self.lock, self.files), (Lock::Held, Files::Open));
                assert!(self.run.is_none(), "one thing at a time");
                assert!(!requests.is_empty());
                self.run = Some((run, requests.len()));
            }
            Action::Turn => self.turns += 1,
            Action::FlushSoon => self.flushes += 1,
            Action::Census { number } => self.censuses.push_back(number),
            Action::WakeAt(at) => self.wake = Some(at),
            Action::Answer { call, .. } => {
                let answered = self.calls.get_mut(&call).expect("a call that was made");
                assert!(!*answered, "a call is answered once");
                *answered = true;
            }
            Action::Progress { call } => {
                assert_eq!(self.calls.get(&call), Some(&false), "before its answer");
            }
            Action::Send { to, .. } => assert!(to.is_none_or(|to| &*to != "me"), "not to itself"),
            Action::Cancel { run } => {
                assert!(
                    self.run.is_some_and(|(it, _)| it == run),
                    "what runs is cancelled"
                );
            }
            Action::Changes { .. } | Action::Status | Action::RetainTabs(_) => {}
        }
    }

    fn step(&mut self, bytes: &mut Unstructured<'_>) {
        match below(bytes, 24) {
            0 | 1 => {
                let call = self.call();
                let timeout = below(bytes, 60_000) as f64;
                let request = bytes.arbitrary().unwrap_or(0);
                self.handle(Event::Request {
                    call,
                    request,
                    timeout,
                });
            }
            2 => {
                let call = below(bytes, self.next_call as usize + 1) as u32;
                let forget = bytes.arbitrary().unwrap_or(false);
                self.handle(Event::Abort { call, forget });
                if forget {
                    self.forgotten.insert(call);
                }
            }
            3 if below(bytes, 8) == 1 => {
                let call = self.call();
                self.handle(Event::Close { call });
            }
            4 => self.handle(Event::Visible(bytes.arbitrary().unwrap_or(true))),
            5 | 6 => self.grant(below(bytes, 1 << 16) as u64 * 100_000_000),
            7 if self.lock == Lock::Held && below(bytes, 4) == 1 => {
                self.lock = Lock::Free;
                self.handle(Event::Lost);
            }
            8 => self.opened(below(bytes, 4) != 1),
            9 | 10 => self.turn(),
            11 | 12 => self.ran(bytes.arbitrary().unwrap_or(0)),
            13 => {
                if let Some((run, _)) = self.run {
                    self.handle(Event::Progressed { run });
                }
            }
            14 => self.closed(),
            15 => {
                let alive = NAMES.iter().filter(|_| below(bytes, 2) == 1);
                let alive: Vec<_> = alive.map(|name| TabId::from(*name)).collect();
                self.census(alive);
            }
            16 => self.flush(),
            17 => {
                self.now += below(bytes, 10_000) as f64;
                self.time();
            }
            18 if below(bytes, 8) == 1 => self.handle(Event::OtherVersion {
                from: name(bytes),
                version: Version {
                    protocol: bytes.arbitrary().unwrap_or(0),
                    schema: below(bytes, 8) as i64,
                },
            }),
            _ => {
                let message = Message {
                    from: name(bytes),
                    body: body(bytes),
                };
                self.handle(Event::Message(message));
            }
        }
    }

    fn grant(&mut self, hint: u64) {
        if self.lock == Lock::Asked {
            self.lock = Lock::Held;
            self.handle(Event::Granted { hint });
        }
    }

    fn opened(&mut self, well: bool) {
        if self.files == Files::Opening {
            self.files = if well { Files::Open } else { Files::Closed };
            let outcome = if well { Ok(1) } else { Err(failure()) };
            self.handle(Event::Opened(outcome));
        }
    }

    fn turn(&mut self) {
        if self.turns > 0 {
            self.turns -= 1;
            self.handle(Event::Turn);
        }
    }

    fn ran(&mut self, change: u8) {
        if let Some((run, count)) = self.run.take() {
            self.handle(Event::Ran {
                run,
                answers: vec![Ok(change); count],
                changes: vec![change; usize::from(change % 3)],
            });
        }
    }

    fn closed(&mut self) {
        if self.files == Files::Closing {
            self.files = Files::Closed;
            self.handle(Event::Closed);
        }
    }

    fn census(&mut self, alive: Vec<TabId>) {
        if let Some(number) = self.censuses.pop_front() {
            self.handle(Event::Census { number, alive });
        }
    }

    fn flush(&mut self) {
        if self.flushes > 0 {
            self.flushes -= 1;
            self.handle(Event::Flush);
        }
    }

    fn time(&mut self) {
        if self.wake.is_some_and(|at| self.now >= at) {
            self.wake = None;
            self.handle(Event::Time);
        }
    }

    /// The others are gone, the page is seen, and all that was asked for comes: every call ends.
    fn end(&mut self) {
        for name in &NAMES[1..] {
            self.handle(Event::Message(Message {
                from: TabId::from(*name),
                body: Body::Bye,
            }));
        }
        self.handle(Event::Visible(true));
        for _ in 0..400 {
            self.now += HANDOVER_PAUSE;
            self.time();
            self.grant(0);
            self.opened(true);
            self.turn();
            self.ran(0);
            self.closed();
            self.census(vec![TabId::from("me")]);
            self.flush();
        }
        let open: Vec<_> = self
            .calls
            .iter()
            .filter(|(call, answered)| !**answered && !self.forgotten.contains(call))
            .collect();
        // A leader that is followed and gone without the lock being free is the browser's to end.
        assert!(open.is_empty(), "calls that never end: {open:?}");
    }
}

fn name(bytes: &mut Unstructured<'_>) -> TabId {
    TabId::from(NAMES[below(bytes, NAMES.len())])
}

fn failure() -> StoreError {
    StoreError::new(ErrorCode::Corrupt, "the stored bytes are damaged")
}

fn epoch(bytes: &mut Unstructured<'_>) -> u64 {
    match below(bytes, 4) {
        0 => MAX_EPOCH - below(bytes, 3) as u64,
        1 => bytes.arbitrary::<u64>().unwrap_or(0) % (MAX_EPOCH + 1),
        _ => below(bytes, 1 << 13) as u64,
    }
}

fn clock(bytes: &mut Unstructured<'_>) -> f64 {
    let clock: f64 = bytes.arbitrary().unwrap_or(0.0);
    if clock.is_finite() { clock } else { 0.0 }
}

fn sending(bytes: &mut Unstructured<'_>) -> u64 {
    match below(bytes, 3) {
        0 => bytes.arbitrary().unwrap_or(0),
        _ => (below(bytes, 256) as u64) << 32 | below(bytes, 16) as u64,
    }
}

fn body(bytes: &mut Unstructured<'_>) -> Body<Plain> {
    let visible = bytes.arbitrary().unwrap_or(true);
    match below(bytes, 11) {
        0 => Body::Hello {
            visible,
            heard: epoch(bytes),
        },
        1 => Body::Presence {
            visible,
            heard: epoch(bytes),
        },
        2 => Body::Bye,
        3 => Body::Welcome {
            epoch: epoch(bytes),
            visible,
            facts: 0,
            clock: clock(bytes),
            sequence: epoch(bytes),
        },
        4 => Body::Handover {
            epoch: epoch(bytes),
            to: name(bytes),
        },
        5 => Body::Failed {
            epoch: epoch(bytes),
            error: failure(),
        },
        6 => Body::Request {
            epoch: epoch(bytes),
            sending: sending(bytes),
            deadline: bytes
                .arbitrary::<f64>()
                .ok()
                .filter(|it| !it.is_nan())
                .unwrap_or(0.0),
            again: visible,
            request: bytes.arbitrary().unwrap_or(0),
        },
        7 => Body::Abort {
            sending: sending(bytes),
        },
        8 => Body::Answer {
            sending: sending(bytes),
            answer: if visible { Ok(1) } else { Err(failure()) },
            clock: clock(bytes),
        },
        9 => Body::Progress {
            sending: sending(bytes),
        },
        _ => Body::Changes {
            epoch: epoch(bytes),
            first: 1 + epoch(bytes),
            changes: vec![0; 1 + below(bytes, 3)],
        },
    }
}
