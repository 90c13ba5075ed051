//! What a browser gives: the lock manager, the channels, the files.

use std::collections::VecDeque;

use conversation_store::error::ErrorCode;
use conversation_store::store::Store;
use conversation_store::tabs::{Body, Message, TabId, Version};

use super::worker::Input;
use super::{Chats, Sim, Step};
use crate::common::World;

/// On each, nothing overtakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// From a worker to another, on the channel of all.
    All(usize, usize),
    /// From a worker to a tab, on that tab's own channel.
    One(usize, usize),
    /// From a page to its worker.
    Down(usize),
    /// From a worker to its page.
    Up(usize),
    /// From a worker to the lock manager.
    Asking(usize),
    /// And back.
    Asked(usize),
}

#[derive(Default)]
pub struct Locks {
    requests: u64,
    /// First come, first served: who asks, by which request.
    queue: VecDeque<(usize, u64)>,
    holder: Option<(usize, u64)>,
    granting: bool,
}

impl Locks {
    /// Nothing happens where it was granted already.
    pub fn withdraw(&mut self, request: u64) {
        self.queue.retain(|(_, it)| *it != request);
    }
}

pub struct Disk {
    pub store: Store,
    /// Whose the files are, from which of its openings on. The handles are exclusive: nobody else
    /// can open them.
    pub owner: Option<(usize, u64)>,
    /// The highest that ever opened it.
    pub version: Version,
    /// Every open fails by it.
    pub failing: Option<ErrorCode>,
    /// A factor.
    pub slow: f64,
}

impl Disk {
    pub fn new() -> Self {
        Self {
            store: World::new(None, None).open(),
            owner: None,
            version: Version {
                protocol: 0,
                schema: 0,
            },
            failing: None,
            slow: 1.0,
        }
    }

    pub fn free(&mut self, worker: usize, opening: u64) {
        if self.owner == Some((worker, opening)) {
            self.owner = None;
        }
    }
}

impl Sim {
    // The lock.

    pub fn request_lock(&mut self, worker: usize) {
        self.locks.requests += 1;
        let request = self.locks.requests;
        self.workers[worker].asked_lock = Some(request);
        self.along(Line::Asking(worker), Step::LockAsked(worker, request));
    }

    pub fn lock_asked(&mut self, worker: usize, request: u64) {
        if self.workers[worker].alive {
            self.locks.queue.push_back((worker, request));
            self.grant_lock();
        }
    }

    pub fn grant_lock(&mut self) {
        if self.locks.holder.is_none() && !self.locks.granting && !self.locks.queue.is_empty() {
            self.locks.granting = true;
            let delay = self.random.between(0.0, 1.0);
            self.after(delay, Step::LockGranted);
        }
    }

    pub fn lock_granted(&mut self) {
        self.locks.granting = false;
        if self.locks.holder.is_some() {
            return;
        }
        if let Some((worker, request)) = self.locks.queue.pop_front() {
            self.locks.holder = Some((worker, request));
            let input = Input::Granted(request);
            self.along(Line::Asked(worker), Step::Input(worker, input));
        }
    }

    pub fn lock_freed(&mut self, request: u64) {
        if self.locks.holder.is_some_and(|(_, it)| it == request) {
            self.locks.holder = None;
        }
        self.grant_lock();
    }

    pub fn lose_lock(&mut self) {
        if let Some((worker, request)) = self.locks.holder.take() {
            self.counts.losses += 1;
            // Whoever has it next finds the files in use until this one knows.
            self.ledger.opens_failed = true;
            self.along(
                Line::Asked(worker),
                Step::Input(worker, Input::Lost(request)),
            );
            self.grant_lock();
        }
    }

    /// A request for the lock that waits is refused.
    pub fn refuse_lock(&mut self, worker: usize) {
        if let Some(request) = self.workers[worker].asked_lock {
            self.ledger.opens_failed = true;
            self.locks.withdraw(request);
            if self.locks.holder != Some((worker, request)) {
                let input = Input::Refused(request);
                self.along(Line::Asked(worker), Step::Input(worker, input));
            }
        }
    }

    /// Whatever a worker held is free, some time after its end.
    pub fn let_go(&mut self, worker: usize) {
        self.locks.queue.retain(|(it, _)| *it != worker);
        if let Some((it, request)) = self.locks.holder
            && it == worker
        {
            let delay = self.delay();
            self.after(delay, Step::LockFreed(request));
        }
        let opening = self.workers[worker].opening;
        let linger = self.random.between(0.0, self.plan.linger);
        self.after(linger, Step::FilesFree(worker, opening));
    }

    // The channels.

    pub fn send(&mut self, from: usize, to: Option<TabId>, body: Body<Chats>) {
        let (page, version) = (self.workers[from].page, self.workers[from].version);
        let on_line = matches!(
            body,
            Body::Request { .. } | Body::Abort { .. } | Body::Answer { .. } | Body::Progress { .. }
        );
        let message = Message {
            from: self.workers[from].tab.id().clone(),
            body,
        };
        let may_be_lost = matches!(message.body, Body::Changes { .. }) && !self.calm;
        let input = Input::Message(version, message);
        let Some(to) = to else {
            for other in 0..self.workers.len() {
                let is_lost = may_be_lost && self.random.chance(self.plan.deaf);
                if other != from && self.workers[other].alive && !is_lost {
                    self.along(Line::All(from, other), Step::Input(other, input.clone()));
                }
            }
            return;
        };
        let Some(receiver) = self.pages.iter().position(|it| it.tab == to) else {
            return;
        };
        debug_assert_ne!(page, receiver);
        match self.pages[receiver].worker {
            Some(worker) if self.plan.by_kind && !on_line => {
                self.along(Line::All(from, worker), Step::Input(worker, input));
            }
            Some(worker) if !self.plan.late_routing => {
                self.along(Line::One(from, receiver), Step::Input(worker, input));
            }
            _ if self.plan.late_routing => {
                self.along(Line::One(from, receiver), Step::ToTab(receiver, input));
            }
            _ => {}
        }
    }
}
