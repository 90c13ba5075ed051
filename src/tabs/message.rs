//! What tabs say to each other. A message says who sends it and what; which version and which
//! database is the envelope's matter, read before this.

use super::{Load, Millis, Sending, TabId};
use crate::error::{Result, StoreError};

/// The version of these messages. A tab that hears of a higher one is outdated; see
/// [`super::Version`].
pub const PROTOCOL: u32 = 1;

/// A message and its sender.
#[derive(Clone, Debug)]
pub struct Message<L: Load> {
    /// Who sends it.
    pub from: TabId,
    /// What it says.
    pub body: Body<L>,
}

/// What a message says. "All" and "one" tell on which channel it goes.
#[derive(Clone, Debug)]
pub enum Body<L: Load> {
    /// To all: I am here and look for the leader.
    Hello {
        /// Whether its page is seen.
        visible: bool,
        /// The highest epoch it has heard of: a leader below it must count on from there.
        heard: u64,
    },
    /// To all when it changes or this tab follows another leader, to one who has just come: whether
    /// this tab's page is seen.
    Presence {
        /// Whether its page is seen.
        visible: bool,
        /// The highest epoch it has heard of.
        heard: u64,
    },
    /// To all: I am going.
    Bye,
    /// The leader's, to all at the start of its epoch, then to each who says hello.
    Welcome {
        /// The epoch that it leads.
        epoch: u64,
        /// Whether its page is seen.
        visible: bool,
        /// What a follower must know of the store.
        facts: L::Facts,
        /// The sender's clock as it sends.
        clock: Millis,
        /// The number of the last change it has told.
        sequence: u64,
    },
    /// The leader's, to all: I stop; this tab is to lead.
    Handover {
        /// The epoch that ends.
        epoch: u64,
        /// Who is to lead next.
        to: TabId,
    },
    /// To all: I held the lock and could not open the store.
    Failed {
        /// The epoch that would have been.
        epoch: u64,
        /// Why not.
        error: StoreError,
    },
    /// To the leader: carry this out.
    Request {
        /// The epoch in which it is sent; in any other it is ignored.
        epoch: u64,
        /// The sender's number for this sending.
        sending: Sending,
        /// Not to be begun after this, by the leader's clock.
        deadline: Millis,
        /// An earlier leader may have carried it out.
        again: bool,
        /// What to do.
        request: L::Request,
    },
    /// To the leader: the caller gives this up.
    Abort {
        /// The request's.
        sending: Sending,
    },
    /// The leader's, to one: what came of a request.
    Answer {
        /// The request's.
        sending: Sending,
        /// Its outcome.
        answer: Result<L::Answer>,
        /// The sender's clock as it sends.
        clock: Millis,
    },
    /// The leader's, to one: a long request has come further.
    Progress {
        /// The request's.
        sending: Sending,
    },
    /// The leader's, to all: what was committed.
    Changes {
        /// The leader's epoch.
        epoch: u64,
        /// The number of the first of these changes; they are consecutive.
        first: u64,
        /// The changes, in commit order.
        changes: Vec<L::Change>,
    },
}
