//! Which tab serves: election, routing, sending again, handing over. A state machine without I/O:
//! events in, actions out ([`Tab::handle`]).
//!
//! Every tab has one [`Tab`]. The holder of the database's lock leads: it opens the store and carries
//! out everyone's requests, one at a time; the rest follow and send theirs to it. ARCHITECTURE.md
//! has the protocol and why its invariants hold. Knows no JavaScript, no SQL, no clock and no
//! randomness; the time comes with each event, and all its waiting is for events.

mod by_tab;
mod message;
mod tab;

use std::fmt::Debug;
use std::rc::Rc;

pub use by_tab::ByTab;
pub use message::{Body, Message, PROTOCOL};
pub use tab::{HANDOVER_PAUSE, PATIENCE, Tab};

use crate::error::{Result, StoreError};

/// A tab's name, unique among tabs and lives: a UUID.
pub type TabId = Rc<str>;
/// A page's number for one of its calls: grows, and is never used twice by one tab.
pub type CallId = u32;
/// A tab's number for one sending of a call: another each time, and by each of its workers.
pub type Sending = u64;
/// A leader's number for a request that it carries out.
pub type RunId = u64;
/// Milliseconds on a clock of the tab's own that nobody sets. Two tabs' clocks have nothing in common.
pub type Millis = f64;

/// What the tabs carry without looking into it.
pub trait Load: 'static {
    /// A call of a page.
    type Request: Clone + Debug;
    /// What it resolves to.
    type Answer: Clone + Debug;
    /// What a follower must know of the leader's store.
    type Facts: Clone + Debug;
    /// One change of a row.
    type Change: Clone + Debug;

    /// Whether a request is a write of one step, which may share a commit with others.
    fn shares_commit(request: &Self::Request) -> bool;
}

/// The version of the package, as far as tabs must agree on it. The higher one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The schema that it writes.
    pub schema: i64,
}

/// What happens to a tab.
#[derive(Clone, Debug)]
pub enum Event<L: Load> {
    /// Its page opens the store; the first event.
    Open {
        /// Answered when the tab leads or follows. A worker that takes another's place gets a new
        /// one: calls below it were made to those before it.
        call: CallId,
        /// Whether the page is seen.
        visible: bool,
    },
    /// Its page calls.
    Request {
        /// The call's number.
        call: CallId,
        /// What it asks.
        request: L::Request,
        /// Milliseconds from now within which it must begin.
        timeout: Millis,
    },
    /// Its page gives a call up.
    Abort {
        /// The call's number.
        call: CallId,
        /// Whether it does not wait for the outcome either.
        forget: bool,
    },
    /// Its page closes the store. Calls made before are carried out.
    Close {
        /// Answered when it is closed.
        call: CallId,
    },
    /// The page is seen, or no more.
    Visible(bool),
    /// A message of another tab of the same version and database.
    Message(Message<L>),
    /// A message of a tab of another version.
    OtherVersion {
        /// Its sender.
        from: TabId,
        /// Its version.
        version: Version,
    },
    /// The lock was granted.
    Granted {
        /// A number that mostly grows from grant to grant, the time of day say: the epoch, unless a
        /// higher one was heard of.
        hint: u64,
    },
    /// The lock was lost while it was held.
    Lost,
    /// The lock cannot be asked for here.
    Refused(StoreError),
    /// The store was opened, or not.
    Opened(Result<L::Facts>),
    /// The turn asked for by [`Action::Turn`] has come.
    Turn,
    /// What was to be carried out is, and committed.
    Ran {
        /// Which.
        run: RunId,
        /// The outcome of each request, in order.
        answers: Vec<Result<L::Answer>>,
        /// What they changed.
        changes: Vec<L::Change>,
    },
    /// A long request has come further.
    Progressed {
        /// Which.
        run: RunId,
    },
    /// The store was closed.
    Closed,
    /// Who was alive when it was asked.
    Census {
        /// The number of [`Action::Census`].
        number: u64,
        /// The tabs that are alive, this one among them.
        alive: Vec<TabId>,
    },
    /// The time asked for by [`Action::WakeAt`] has come.
    Time,
    /// The turn asked for by [`Action::FlushSoon`] has come.
    Flush,
}

/// What a tab does.
#[derive(Clone, Debug)]
pub enum Action<L: Load> {
    /// Ask for the lock: [`Event::Granted`].
    RequestLock,
    /// Ask no more. If it was granted meanwhile, the event still comes.
    WithdrawLock,
    /// Give the lock back.
    ReleaseLock,
    /// Send to one tab, or to all others.
    Send {
        /// `None`: to all.
        to: Option<TabId>,
        /// What.
        body: Body<L>,
    },
    /// Open the store: [`Event::Opened`].
    OpenStore,
    /// Close the store: [`Event::Closed`].
    CloseStore,
    /// Drop the store, writing nothing. No event of it follows, nor of what it carried out.
    AbandonStore,
    /// Wake me when what has come to this tab by now has been told me: [`Event::Turn`].
    Turn,
    /// Carry out one request, or several that share a commit: [`Event::Ran`].
    Run {
        /// Its number.
        run: RunId,
        /// Whose each is, and what.
        requests: Vec<(TabId, L::Request)>,
    },
    /// The caller of the one request under way gives it up.
    Cancel {
        /// Its number.
        run: RunId,
    },
    /// Answer the page. Once a call.
    Answer {
        /// Which call.
        call: CallId,
        /// `None`: it asked to open or to close.
        answer: Result<Option<L::Answer>>,
    },
    /// Tell the page that a long call has come further.
    Progress {
        /// Which call.
        call: CallId,
    },
    /// Tell the page what was committed.
    Changes {
        /// The number of the last of them.
        sequence: u64,
        /// Some may have been missed.
        reset: bool,
        /// In commit order.
        changes: Vec<L::Change>,
    },
    /// Tell the page that the tab leads, follows, or is outdated.
    Status,
    /// Find out which tabs are alive: [`Event::Census`].
    Census {
        /// To be given back with the answer.
        number: u64,
    },
    /// Operations of other tabs than these need no record any more.
    RetainTabs(Vec<TabId>),
    /// Wake me: [`Event::Time`]. A later one replaces an earlier one.
    WakeAt(Millis),
    /// Wake me when this turn of the event loop is over: [`Event::Flush`].
    FlushSoon,
}

/// What a tab rejects with because another runs a newer version.
pub fn outdated() -> StoreError {
    StoreError::new(
        crate::error::ErrorCode::Outdated,
        "another tab runs a newer version of conversation-store: reload this page",
    )
}
