//! The host: does what this tab's state machine ([`crate::tabs`]) says, and tells it what happens.
//!
//! Whoever uses it makes calls and hears of changes. It holds the lock, the channels, the timers and
//! the open database; which of them when is the machine's decision. In memory, and in a worker of the
//! caller's own, nobody else is told: the tab is alone.
//!
//! Re-entrancy: what an action brings about is queued and handled when the action is done; no borrow
//! lives across that.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use js_sys::{JSON, Object, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::AbortController;

use super::channel::{self, Channels, Incoming, Js, Reply, Told};
use super::database::{Database, Slot, Ticket};
use super::directory;
use super::js;
use super::lock::{self, Lock, Wait};
use super::place::{self, Records};
use super::read::read;
use super::vfs;
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{Durability, Operation, StorageKind, StorageOption, StoreStatus, TabRole};
use crate::name::directory_name;
use crate::rpc::{Call, Response};
use crate::space::{Room, Space};
use crate::store::{Change, Hasher, Outcome, schema};
use crate::tabs::{Action, Body, CallId, Event, PROTOCOL, RunId, Tab, TabId, Version};

/// Milliseconds for which changes may wait for others under load.
const FRAME: f64 = 16.0;

/// Milliseconds for which a leader that has just opened leaves the index: whoever opens reads first, and
/// what runs for the first time is compiled then.
const SETTLING: f64 = 100.0;

/// Milliseconds without a request after which it is a pause.
const PAUSE: f64 = 500.0;

/// Milliseconds for which changes wait before the browser is asked how much room they left.
const WATCHING: f64 = 1_000.0;

/// Bytes for which a pause is used to have the browser take them back.
const WORTH_TRIMMING: u64 = 4 << 20;

/// What frees space, and so may have what is kept back for it.
const FREEING: [&str; 5] = [
    "deleteConversation",
    "deleteMessage",
    "emptyTrash",
    "clear",
    "dropBlob",
];

/// Milliseconds after a request at which the files are looked for: nothing tells a worker that they were
/// removed under it.
const LOOK: f64 = 500.0;

/// What a host tells, but for answers.
pub enum Notice {
    /// The call that opens waits for another tab.
    Waiting(CallId),
    /// A long call has come further.
    Step(CallId),
    /// Changes were committed, here or elsewhere.
    Changes {
        /// The number of the last of them.
        sequence: u64,
        /// Some may have been missed.
        reset: bool,
        /// In commit order.
        changes: Vec<Told>,
    },
    /// The tab leads, follows, is outdated, or little room is left.
    Status(Box<StoreStatus>),
    /// The browser has removed the database while it was open. Its handles are free when the worker ends.
    Cleared(StoreError),
}

/// Called once. What comes from another tab may be JSON.
pub type Answer = Box<dyn FnOnce(Result<Reply>)>;

/// Which database, and as whom.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// Its name.
    pub name: String,
    /// Where.
    #[serde(default)]
    pub storage: StorageOption,
    /// How soon this tab's writes are safe.
    #[serde(default)]
    pub durability: Durability,
    /// The tab's name; without one, no other tab is told.
    #[serde(default)]
    pub tab: Option<String>,
    /// Whether its page is seen.
    #[serde(default = "yes")]
    pub visible: bool,
    /// Whether the page had it open before, through another worker: its role may be another now.
    #[serde(default)]
    pub again: bool,
    /// Whether other tabs do not see the page's locks: Chromium forgets those of pages that were there
    /// when the site's data was cleared.
    #[serde(default)]
    pub unseen: bool,
}

fn yes() -> bool {
    true
}

/// One tab's part in a database.
#[derive(Clone)]
pub struct Host(Rc<State>);

struct State {
    tab: RefCell<Tab<Js>>,
    id: TabId,
    opening: Opening,
    call: Cell<CallId>,
    events: RefCell<VecDeque<Event<Js>>>,
    busy: Cell<bool>,
    answers: RefCell<HashMap<CallId, Answer>>,
    notify: Box<dyn Fn(Notice)>,
    database: Slot,
    /// Why the database did not close well, for whoever asked to close.
    failed_close: RefCell<Option<StoreError>>,
    channels: RefCell<Option<Rc<Channels>>>,
    lock: RefCell<Option<Lock>>,
    /// Ends the request for the lock.
    request: RefCell<Option<AbortController>>,
    /// A turn was asked for.
    turn: Cell<bool>,
    /// The last that was carried out.
    last_run: Cell<RunId>,
    /// A pause is waited for.
    awaits_pause: Cell<bool>,
    /// The request under way that awaits.
    running: RefCell<Option<(RunId, Ticket)>>,
    /// Begun at the start for the first opening, since it is asked for while other things are.
    records: RefCell<Option<Records>>,
    /// Changes are being kept: the database is out, and what needs it waits.
    persisting: Cell<bool>,
    /// The last time that failed, and with it what had been mended.
    owes: Cell<bool>,
    /// What waits for that.
    waiting: RefCell<VecDeque<Box<dyn FnOnce()>>>,
    /// How often the lock was lost: what was begun before must not go on.
    losses: Cell<u32>,
    /// The files are about to be looked for.
    looking: Cell<bool>,
    /// The browser has removed them.
    cleared: Cell<bool>,
    /// Says that the tab is alive, where the page cannot.
    alive: RefCell<Option<Lock>>,
    visible: Cell<bool>,
    timer: Cell<Option<i32>>,
    /// What can wait is about to go on.
    tending: Cell<bool>,
    /// Whether little room is left.
    room: RefCell<Room>,
    /// The browser is about to be asked for it.
    watching_room: Cell<bool>,
    /// Tabs that stream messages, and whose end is waited for.
    writers: RefCell<HashSet<String>>,
    /// Calls of the host's own are counted down from the highest number.
    last_own_call: Cell<CallId>,
}

impl Host {
    /// Opens a database. `answer` is called when it can be used.
    ///
    /// # Errors
    /// `invalid-argument` for a name out of bounds, `storage-unavailable`.
    pub fn open(
        opening: Opening,
        call: CallId,
        answer: Answer,
        notify: Box<dyn Fn(Notice)>,
    ) -> Result<Self> {
        let in_memory = opening.storage == StorageOption::Memory;
        if !in_memory {
            directory_name(&opening.name)?;
        }
        let id = TabId::from(opening.tab.as_deref().unwrap_or("alone"));
        let version = Version {
            protocol: PROTOCOL,
            schema: schema::VERSION,
        };
        let visible = opening.visible;
        let host = Self(Rc::new(State {
            tab: RefCell::new(Tab::new(id.clone(), version)),
            id: id.clone(),
            opening,
            call: Cell::new(call),
            events: RefCell::default(),
            busy: Cell::default(),
            answers: RefCell::default(),
            notify,
            database: Slot::default(),
            failed_close: RefCell::default(),
            channels: RefCell::default(),
            lock: RefCell::default(),
            request: RefCell::default(),
            turn: Cell::default(),
            last_run: Cell::default(),
            awaits_pause: Cell::default(),
            running: RefCell::default(),
            records: RefCell::new((!in_memory).then(Records::begin)),
            persisting: Cell::default(),
            owes: Cell::default(),
            waiting: RefCell::default(),
            losses: Cell::default(),
            looking: Cell::default(),
            cleared: Cell::default(),
            alive: RefCell::default(),
            visible: Cell::new(visible),
            timer: Cell::default(),
            tending: Cell::default(),
            room: RefCell::default(),
            watching_room: Cell::default(),
            writers: RefCell::default(),
            last_own_call: Cell::new(CallId::MAX),
        }));
        if !in_memory && host.0.opening.tab.is_some() {
            let receiver = Rc::downgrade(&host.0);
            let on_incoming = move |incoming| {
                if let Some(state) = receiver.upgrade() {
                    Self(state).receive(incoming);
                }
            };
            let channels = Channels::new(&host.0.opening.name, id, version, on_incoming)?;
            *host.0.channels.borrow_mut() = Some(channels);
        }
        if host.0.opening.unseen {
            host.hold_tab();
        }
        host.0.answers.borrow_mut().insert(call, answer);
        host.feed(Event::Open { call, visible });
        if !in_memory {
            (host.0.notify)(Notice::Waiting(call));
        }
        Ok(host)
    }

    /// Makes a call: `{ method, params, operation?, object? }`. `answer` is called once.
    pub fn call(&self, call: CallId, request: JsValue, timeout: f64, answer: Answer) {
        if js::get(&request, "method") == "hashBlob" {
            // Of this tab's own: the bytes are here.
            let blob = js::get(&js::get(&request, "params"), "blob");
            let host = self.clone();
            spawn_local(async move {
                let hash = host.hash(call, &blob).await;
                answer(hash.map(|hash| Reply::Value(hash.into())));
            });
            return;
        }
        let answer = if js::get(&request, "method") == "status" {
            // This tab's own, told when it is known where the store is.
            let host = self.clone();
            let answer: Answer = Box::new(move |asked| {
                spawn_local(async move {
                    let status = host.status().await.and_then(|it| js::write(&it));
                    answer(asked.and(status.map(Reply::Value)));
                });
            });
            if self.0.tab.borrow().facts().is_some() {
                answer(Ok(Reply::Value(JsValue::UNDEFINED)));
                return;
            }
            answer
        } else {
            answer
        };
        self.0.answers.borrow_mut().insert(call, answer);
        let durability = js::write(&self.0.opening.durability).unwrap_or_default();
        js::set(request.unchecked_ref(), "durability", &durability);
        self.feed(Event::Request {
            call,
            request,
            timeout,
        });
    }

    /// Gives a call up.
    pub fn abort(&self, call: CallId, forget: bool) {
        if forget {
            self.0.answers.borrow_mut().remove(&call);
        }
        self.feed(Event::Abort { call, forget });
    }

    /// Closes the database; calls made before are carried out.
    pub fn close(&self, call: CallId, answer: Answer) {
        self.0.call.set(call);
        self.0.answers.borrow_mut().insert(call, answer);
        self.feed(Event::Close { call });
    }

    /// Says whether the page is seen.
    pub fn set_visible(&self, visible: bool) {
        self.0.visible.set(visible);
        self.feed(Event::Visible(visible));
    }

    fn receive(&self, incoming: Incoming) {
        self.feed(match incoming {
            Incoming::Message(message) => Event::Message(message),
            Incoming::OtherVersion(from, version) => Event::OtherVersion { from, version },
            Incoming::Unheard => {
                let visible = self.0.visible.get();
                let hello = Body::Hello { visible, heard: 0 };
                self.send(None, hello);
                return;
            }
        });
    }

    fn feed(&self, event: Event<Js>) {
        self.0.events.borrow_mut().push_back(event);
        if self.0.busy.replace(true) {
            return;
        }
        loop {
            let next = self.0.events.borrow_mut().pop_front();
            let Some(event) = next else { break };
            let actions = self.0.tab.borrow_mut().handle(event, js::clock());
            for action in actions {
                self.perform(action);
            }
        }
        self.0.busy.set(false);
    }

    fn perform(&self, action: Action<Js>) {
        match action {
            Action::RequestLock => self.request_lock(),
            Action::WithdrawLock => {
                if let Some(request) = self.0.request.borrow_mut().take() {
                    request.abort();
                }
            }
            Action::ReleaseLock => drop(self.0.lock.borrow_mut().take()),
            Action::Send { to, body } => self.send(to.as_ref(), body),
            Action::OpenStore => self.open_store(),
            Action::CloseStore => {
                let host = self.clone();
                self.when_free(Box::new(move || host.close_store()));
            }
            Action::AbandonStore => {
                self.0.losses.set(self.0.losses.get() + 1);
                if let Some(database) = self.0.database.borrow_mut().take() {
                    self.let_go(database);
                }
            }
            Action::Turn => {
                let host = self.clone();
                self.0.turn.set(true);
                js::soon(move || {
                    host.0.turn.set(false);
                    host.feed(Event::Turn);
                });
            }
            Action::Run { run, requests } => {
                let host = self.clone();
                self.when_free(Box::new(move || host.run(run, requests)));
            }
            Action::Cancel { run } => {
                if let Some((running, ticket)) = &*self.0.running.borrow()
                    && *running == run
                {
                    ticket.abort();
                }
            }
            Action::Answer { call, answer } => self.answer(call, answer),
            Action::Progress { call } => (self.0.notify)(Notice::Step(call)),
            Action::Changes {
                sequence,
                reset,
                changes,
            } => {
                self.watch_room();
                (self.0.notify)(Notice::Changes {
                    sequence,
                    reset: reset || changes.iter().any(|change| change.row.is_none()),
                    changes,
                });
            }
            Action::Status => {
                let host = self.clone();
                spawn_local(async move {
                    // What cannot be told now is told when it is asked for.
                    if let Ok(status) = host.status().await {
                        (host.0.notify)(Notice::Status(Box::new(status)));
                    }
                });
            }
            Action::Census { number } => self.take_census(number),
            Action::RetainTabs(tabs) => {
                if let Some(database) = &mut *self.0.database.borrow_mut() {
                    // A record that stays a while longer does no harm.
                    let _ = database.store().retain_tabs(&tabs);
                }
            }
            Action::WakeAt(at) => {
                let host = self.clone();
                let timer = js::after(at - js::clock(), move || {
                    host.0.timer.set(None);
                    host.feed(Event::Time);
                });
                if let Some(earlier) = self.0.timer.replace(timer) {
                    js::clear(earlier);
                }
            }
            Action::FlushSoon => self.flush_soon(js::clock()),
        }
    }

    /// Tells of changes when nothing more is to be carried out, and under load once a frame.
    fn flush_soon(&self, since: f64) {
        let host = self.clone();
        js::after(0.0, move || {
            let is_busy = host.0.turn.get() || host.0.running.borrow().is_some();
            if is_busy && js::clock() - since < FRAME {
                host.flush_soon(since);
            } else {
                host.feed(Event::Flush);
            }
        });
    }

    fn answer(&self, call: CallId, answer: Result<Option<Reply>>) {
        let Some(reply) = self.0.answers.borrow_mut().remove(&call) else {
            return;
        };
        match answer {
            Ok(Some(Reply::Packed(blob))) => {
                spawn_local(async move { reply(channel::unpack(&blob).await.map(Reply::Utf8)) });
            }
            Ok(Some(answer)) => reply(Ok(answer)),
            Ok(None) => {
                if call == self.0.call.get() {
                    if self.0.opening.again {
                        self.perform(Action::Status);
                    }
                    self.watch_room();
                }
                let facts = self.0.tab.borrow().facts().cloned();
                if let Some(facts) = facts {
                    reply(self.opened_in(facts.storage));
                    return;
                }
                let failed = self.0.failed_close.borrow_mut().take();
                reply(failed.map_or(Ok(Reply::Value(JsValue::UNDEFINED)), Err));
            }
            Err(mut error) if error.is_of_space() => {
                let (host, is_opening) = (self.clone(), call == self.0.call.get());
                spawn_local(async move {
                    // Of the other calls, the one who refused them knows. One that is refused because
                    // the store does not open again may have been carried out before.
                    if is_opening {
                        error.space = host.estimate().await;
                    }
                    if let Some(space) = error.space {
                        let is_news = host.0.room.borrow_mut().refuse(space);
                        host.tell_room(is_news);
                    }
                    reply(Err(error));
                });
            }
            Err(error) => reply(Err(error)),
        }
    }

    /// What the call that opened resolves to: where the database is, if it may be there.
    fn opened_in(&self, storage: StorageKind) -> Result<Reply> {
        let wanted = match self.0.opening.storage {
            StorageOption::Opfs => StorageKind::Opfs,
            StorageOption::Indexeddb => StorageKind::Indexeddb,
            StorageOption::Auto | StorageOption::Memory => storage,
        };
        let named = js::write(&storage)?;
        if wanted == storage {
            return Ok(Reply::Value(named));
        }
        let named = named.as_string().unwrap_or_default();
        Err(StoreError::conflict(format!(
            "storage: another tab has this database open in '{named}': open it with storage 'auto' or '{named}', \
             or close it there first",
        )))
    }

    // Keeping.

    /// Does what must not be done while changes are being kept, then.
    fn when_free(&self, work: Box<dyn FnOnce()>) {
        if !self.0.persisting.get() {
            work();
            return;
        }
        let (host, losses) = (self.clone(), self.0.losses.get());
        self.0.waiting.borrow_mut().push_back(Box::new(move || {
            if host.0.losses.get() == losses {
                work();
            }
        }));
    }

    /// Has what was changed kept, where that is yet to be done, and goes on: nothing was changed, if it says
    /// that it failed.
    fn persist(&self, frees: bool, then: Box<dyn FnOnce(Result<()>)>) {
        let unsaved = |slot: &mut Database| slot.is_unsaved();
        let Some(mut database) = self.0.database.borrow_mut().take_if(unsaved) else {
            then(Ok(()));
            return;
        };
        self.0.persisting.set(true);
        let (host, losses) = (self.clone(), self.0.losses.get());
        spawn_local(async move {
            let kept = database.persist(frees).await;
            host.0.persisting.set(false);
            if host.0.losses.get() != losses {
                host.let_go(database);
            } else {
                *host.0.database.borrow_mut() = Some(database);
                if !host.is_lost() {
                    if host.0.owes.replace(kept.is_err()) && kept.is_ok() {
                        // Streams of tabs that are gone had been ended, and were taken back.
                        host.watch_writers();
                    }
                    then(kept);
                }
            }
            while !host.0.persisting.get() {
                let next = host.0.waiting.borrow_mut().pop_front();
                let Some(work) = next else { break };
                work();
            }
        });
    }

    /// Gives the lead up, if nothing more can be kept of the database: whoever leads next reads what is kept,
    /// and what is not answered is asked again.
    fn is_lost(&self) -> bool {
        let is_lost = self
            .0
            .database
            .borrow()
            .as_ref()
            .is_some_and(Database::is_lost);
        if is_lost {
            drop(self.0.lock.borrow_mut().take());
            self.feed(Event::Lost);
        }
        is_lost
    }

    // Room.

    /// What the browser says of the space, unless the database is in memory.
    async fn estimate(&self) -> Option<Space> {
        match self.0.opening.storage {
            StorageOption::Memory => None,
            _ => directory::estimate().await,
        }
    }

    /// Asks the browser how much room is left once there is time, and says so where that is news.
    fn watch_room(&self) {
        if self.0.opening.storage == StorageOption::Memory || self.0.watching_room.replace(true) {
            return;
        }
        let host = Rc::downgrade(&self.0);
        js::after(WATCHING, move || {
            let Some(host) = host.upgrade().map(Self) else {
                return;
            };
            host.0.watching_room.set(false);
            spawn_local(async move {
                if let Some(space) = host.estimate().await {
                    let is_news = host.0.room.borrow_mut().look(space);
                    host.tell_room(is_news);
                }
            });
        });
    }

    fn tell_room(&self, is_news: bool) {
        if is_news {
            self.perform(Action::Status);
        }
    }

    fn send(&self, to: Option<&TabId>, body: Body<Js>) {
        let channels = self.0.channels.borrow().clone();
        let Some(channels) = channels else { return };
        // What came by postMessage goes by it. Where the browser has no memory for the copy, the
        // call ends by its timeout.
        let _ = channels.send(to, body);
    }

    fn request_lock(&self) {
        if self.0.opening.storage == StorageOption::Memory {
            self.feed(Event::Granted { hint: 1 });
            return;
        }
        let controller = AbortController::new().ok();
        let signal = controller
            .as_ref()
            .map_or(JsValue::UNDEFINED, |it| it.signal().into());
        self.0.request.replace(controller);
        let host = self.clone();
        spawn_local(async move {
            let name = lock::of_database(&host.0.opening.name);
            match lock::acquire(&name, Wait::Until(&signal)).await {
                Ok(lock) => {
                    let is_lost = lock.is_lost();
                    host.0.lock.replace(Some(lock));
                    let hint = js_sys::Date::now().max(0.0) as u64;
                    host.feed(Event::Granted { hint });
                    if is_lost.await {
                        drop(host.0.lock.borrow_mut().take());
                        host.feed(Event::Lost);
                    }
                }
                // Withdrawn.
                Err(error) if error.code == ErrorCode::Aborted => {}
                Err(error) => host.feed(Event::Refused(error)),
            }
        });
    }

    fn open_store(&self) {
        (self.0.notify)(Notice::Step(self.0.call.get()));
        let durability = self.0.opening.durability;
        if self.0.opening.storage == StorageOption::Memory {
            self.opened(Database::in_memory(durability));
            return;
        }
        let (host, losses) = (self.clone(), self.0.losses.get());
        let records = self.0.records.borrow_mut().take();
        let records = records.unwrap_or_else(Records::begin);
        // Never an empty one in the place of what this tab has seen.
        let known = self.0.opening.again || self.0.tab.borrow().facts().is_some();
        spawn_local(async move {
            let Opening { name, storage, .. } = &host.0.opening;
            let mut opened = match directory_name(name) {
                Ok(directory) => {
                    place::open(&directory, *storage, durability, known, records).await
                }
                Err(error) => Err(error),
            };
            if let Ok(database) = &mut opened {
                host.end_streams_of_the_dead(database).await;
            }
            if matches!(&opened, Err(error) if *error == directory::cleared()) {
                host.was_cleared();
            }
            // The lock was lost meanwhile: whoever has it now opens.
            if host.0.losses.get() != losses {
                if let Ok(database) = opened {
                    host.let_go(database);
                }
                return;
            }
            host.opened(opened);
        });
    }

    fn close_store(&self) {
        let Some(database) = self.0.database.borrow_mut().take() else {
            self.feed(Event::Closed);
            return;
        };
        let (host, losses) = (self.clone(), self.0.losses.get());
        spawn_local(async move {
            if !database.is_there().await {
                host.was_cleared();
            }
            if host.0.cleared.get() || host.0.losses.get() != losses {
                host.let_go(database);
            } else {
                let errands = database.errands();
                *host.0.failed_close.borrow_mut() = database.close().await.err();
                if let Some(errands) = errands {
                    // Most often there is nothing to wait for.
                    let _ = JsFuture::from(errands).await;
                }
            }
            if host.0.losses.get() == losses {
                host.feed(Event::Closed);
            }
        });
    }

    /// The browser has removed the files.
    fn was_cleared(&self) {
        self.0.cleared.set(true);
        (self.0.notify)(Notice::Cleared(directory::cleared()));
    }

    /// Holds the lock that says that this tab is alive, for as long as its worker is.
    fn hold_tab(&self) {
        let Some(tab) = self.0.opening.tab.clone() else {
            return;
        };
        let host = self.clone();
        spawn_local(async move {
            let name = lock::of_tab(&host.0.opening.name, &tab);
            // Held already, it is seen.
            if let Ok(lock) = lock::acquire(&name, Wait::Never).await {
                host.0.alive.replace(Some(lock));
            }
        });
    }

    /// Gives the files up as they are.
    fn let_go(&self, database: Database) {
        if self.0.cleared.get() {
            database.forsake();
        } else {
            database.abandon();
        }
    }

    /// Looks soon whether the files are still there. If they are not, what is written is lost: it ends as
    /// when the lock is lost, and whoever opens next finds no database.
    fn look_soon(&self) {
        if self.0.opening.storage == StorageOption::Memory || self.0.looking.replace(true) {
            return;
        }
        let (host, losses) = (self.clone(), self.0.losses.get());
        js::after(LOOK, move || {
            host.0.looking.set(false);
            let database = host.0.database.borrow();
            let Some(there) = database.as_ref().map(Database::is_there) else {
                return;
            };
            let host = host.clone();
            spawn_local(async move {
                if !there.await && host.0.losses.get() == losses {
                    host.was_cleared();
                    drop(host.0.lock.borrow_mut().take());
                    host.feed(Event::Lost);
                }
            });
        });
    }

    /// What tabs that are gone have left streaming ends before anybody reads it.
    async fn end_streams_of_the_dead(&self, database: &mut Database) {
        // Most often there are none, and the browser need not be asked.
        if matches!(database.store().has_streams(), Ok(false)) {
            return;
        }
        // Where the browser does not say who lives, all are taken to.
        let Ok(mut alive) = lock::living_tabs(&self.0.opening.name).await else {
            return;
        };
        alive.push(self.0.id.clone());
        // If it cannot be written, it is read as it is.
        let _ = database.store().heal_streams(&alive);
        // Nor does it matter if it is not kept: it goes with the next change, or is done again.
        let _ = database.save().await;
        // Whoever hears of changes is told to read again.
        database.take_changes();
    }

    /// Has the messages that another tab streams ended when that tab is gone.
    fn watch_writers(&self) {
        let writers = match &mut *self.0.database.borrow_mut() {
            Some(database) => database.store().writers().unwrap_or_default(),
            None => return,
        };
        for writer in writers {
            if *writer == *self.0.id || !self.0.writers.borrow_mut().insert(writer.clone()) {
                continue;
            }
            let host = self.clone();
            spawn_local(async move {
                let name = lock::of_tab(&host.0.opening.name, &writer);
                let granted = lock::acquire(&name, Wait::Until(&JsValue::UNDEFINED)).await;
                host.0.writers.borrow_mut().remove(&writer);
                if granted.is_ok() {
                    host.end_streams(&writer);
                }
            });
        }
    }

    fn end_streams(&self, writer: &str) {
        let params = Object::new();
        js::set(&params, "tab", &writer.into());
        self.call_own("endStreams", params);
    }

    /// Makes a call of the host's own, which takes its turn among the others.
    fn call_own(&self, method: &str, params: Object) {
        let request = Object::new();
        js::set(&request, "method", &method.into());
        js::set(&request, "params", &params);
        let call = self.0.last_own_call.get() - 1;
        self.0.last_own_call.set(call);
        self.call(call, request.into(), f64::INFINITY, Box::new(|_| {}));
    }

    fn opened(&self, opened: Result<Database>) {
        let outcome = opened.map(|database| {
            self.0.cleared.set(false);
            let facts = database.facts();
            *self.0.database.borrow_mut() = Some(database);
            self.watch_writers();
            let host = self.clone();
            js::after(SETTLING, move || host.tend());
            let (host, losses) = (self.clone(), self.0.losses.get());
            js::after(PAUSE, move || {
                if host.0.losses.get() == losses
                    && let Some(database) = &*host.0.database.borrow()
                {
                    database.directory().keep_reserve();
                }
            });
            facts
        });
        self.feed(Event::Opened(outcome));
    }

    fn take_census(&self, number: u64) {
        let channels = self.0.channels.borrow().clone();
        let Some(channels) = channels else {
            let alive = vec![self.0.id.clone()];
            self.feed(Event::Census { number, alive });
            return;
        };
        channels.census(number);
        let host = self.clone();
        spawn_local(async move {
            // Where the browser does not say, all are taken to be alive.
            let alive = lock::living_tabs(&host.0.opening.name).await;
            let alive = alive.unwrap_or_else(|_| channels.heard());
            channels.retain(number, &alive);
            host.feed(Event::Census { number, alive });
        });
    }

    // Carrying out.

    fn run(&self, run: RunId, requests: Vec<(TabId, JsValue)>) {
        if self.is_lost() {
            return;
        }
        let awaits = |request: &JsValue| {
            let method = js::get(request, "method");
            method == "backup"
                || method == "restore"
                || method == "merge"
                || method == "trim"
                || !js::get(request, "packed").is_undefined()
        };
        match <[_; 1]>::try_from(requests) {
            Ok([(from, request)]) if awaits(&request) => self.run_awaiting(run, from, request),
            Ok(one) => self.run_now(run, one.into()),
            Err(several) => self.run_now(run, several),
        }
    }

    fn run_awaiting(&self, run: RunId, from: TabId, request: JsValue) {
        let ticket = Ticket::default();
        *self.0.running.borrow_mut() = Some((run, ticket.clone()));
        let (host, losses) = (self.clone(), self.0.losses.get());
        spawn_local(async move {
            let (request, outcome) = match js::get(&request, "packed").dyn_into() {
                Ok(blob) => match channel::unpack_request(&blob).await {
                    Ok(request) => (request, None),
                    Err(error) => (request, Some(Err(error))),
                },
                Err(_) => {
                    let answer = host.run_long(run, &from, &request, &ticket).await;
                    (request, Some(answer))
                }
            };
            host.0.running.borrow_mut().take();
            if host.0.losses.get() != losses {
                return;
            }
            match outcome {
                Some(answer) => {
                    let changes = match &mut *host.0.database.borrow_mut() {
                        Some(database) => database.take_changes(),
                        None => Vec::new(),
                    };
                    let changes = told(changes, &from, &request).collect();
                    if !host.is_lost() {
                        host.ran(run, vec![answer], changes);
                    }
                }
                None => host.run_now(run, vec![(from, request)]),
            }
        });
    }

    /// Carries out requests of the store, in one commit if they are several.
    fn run_now(&self, run: RunId, requests: Vec<(TabId, JsValue)>) {
        if let [(_, request)] = &requests[..]
            && js::get(request, "method") == "status"
        {
            self.ran(run, vec![Ok(Reply::Value(JsValue::UNDEFINED))], Vec::new());
            return;
        }
        let outcomes = self.carry_out(&requests);
        let has_files = |database: &Database| database.facts().storage == StorageKind::Opfs;
        let makes_room = self.0.database.borrow().as_ref().is_some_and(has_files);
        if makes_room && outcomes.iter().any(is_refused) {
            self.run_again(run, requests, outcomes);
            return;
        }
        let (answers, changes) = self.answers(&requests, outcomes);
        let host = self.clone();
        let frees = requests.iter().all(|(_, request)| frees_space(request));
        self.persist(
            frees,
            Box::new(move |kept| match kept {
                Err(error) if requests.len() == 1 => {
                    let answers = answers.into_iter().map(|it| it.and(Err(error.clone())));
                    host.ran_in_room(run, answers.collect(), Vec::new());
                }
                // Each by itself: which of them was to blame is not known.
                Err(_) => host.run_singly(run, requests.into_iter(), Vec::new(), Vec::new()),
                Ok(()) => host.ran_in_room(run, answers, changes),
            }),
        );
    }

    /// Carries out what is left of a run, one request after the other.
    fn run_singly(
        &self,
        run: RunId,
        mut rest: std::vec::IntoIter<(TabId, JsValue)>,
        mut answers: Vec<Result<Reply>>,
        mut changes: Vec<Told>,
    ) {
        let Some(request) = rest.next() else {
            self.ran_in_room(run, answers, changes);
            return;
        };
        let frees = frees_space(&request.1);
        let requests = [request];
        let outcomes = self.carry_out(&requests);
        let (answer, told) = self.answers(&requests, outcomes);
        let host = self.clone();
        self.persist(
            frees,
            Box::new(move |kept| {
                if kept.is_ok() {
                    changes.extend(told);
                }
                answers.extend(
                    answer
                        .into_iter()
                        .map(|it| it.and_then(|it| kept.clone().map(|()| it))),
                );
                host.run_singly(run, rest, answers, changes);
            }),
        );
    }

    fn carry_out(&self, requests: &[(TabId, JsValue)]) -> Vec<Outcome<Response>> {
        match &mut *self.0.database.borrow_mut() {
            Some(database) => {
                let asked = requests.iter().map(|(from, message)| asked(from, message));
                database.run_all(asked.collect())
            }
            None => Vec::new(),
        }
    }

    /// Makes room, and carries those out once more that found none, in their order.
    fn run_again(
        &self,
        run: RunId,
        requests: Vec<(TabId, JsValue)>,
        mut outcomes: Vec<Outcome<Response>>,
    ) {
        let taken = self.0.database.borrow_mut().take();
        let Some(mut database) = taken else { return };
        *self.0.running.borrow_mut() = Some((run, Ticket::default()));
        let (host, losses) = (self.clone(), self.0.losses.get());
        spawn_local(async move {
            let made = database.make_room().await;
            let mut refused = false;
            for (outcome, (from, message)) in outcomes.iter_mut().zip(&requests) {
                if made.is_err() || host.0.losses.get() != losses {
                    break;
                }
                let frees = frees_space(message);
                if is_refused(outcome) && !frees {
                    run_one(&mut database, outcome, from, message);
                } else if is_refused(outcome) {
                    database.freeing(|database| run_one(database, outcome, from, message));
                }
                if is_refused(outcome) && frees && database.directory().give_up_reserve().await {
                    database.freeing(|database| run_one(database, outcome, from, message));
                }
                refused |= is_refused(outcome);
            }
            let space = if refused { host.estimate().await } else { None };
            for outcome in &mut outcomes {
                if let Err(error) = &mut outcome.result
                    && error.is_of_space()
                {
                    error.space = space;
                }
            }
            if host.take_back(database, made, losses) {
                let (answers, changes) = host.answers(&requests, outcomes);
                host.ran(run, answers, changes);
            }
        });
    }

    /// Puts a database back that was taken out by what awaits, and says whether it is this tab's still.
    fn take_back(&self, database: Database, usable: Result<()>, losses: u32) -> bool {
        self.0.running.borrow_mut().take();
        if self.0.losses.get() != losses {
            self.let_go(database);
            return false;
        }
        if usable.is_err() {
            // Its files did not open again: another opening may have more luck, here or elsewhere.
            self.let_go(database);
            drop(self.0.lock.borrow_mut().take());
            self.feed(Event::Lost);
            return false;
        }
        *self.0.database.borrow_mut() = Some(database);
        true
    }

    /// What is answered, and what is told of it.
    fn answers(
        &self,
        requests: &[(TabId, JsValue)],
        outcomes: Vec<Outcome<Response>>,
    ) -> (Vec<Result<Reply>>, Vec<Told>) {
        let mut changes = Vec::new();
        let mut answers = Vec::with_capacity(requests.len());
        for (outcome, (from, message)) in outcomes.into_iter().zip(requests) {
            changes.extend(told(outcome.changes, from, message));
            answers.push(outcome.result.and_then(|it| self.reply(from, &it)));
        }
        answers.resize_with(requests.len(), || Err(closed()));
        (answers, changes)
    }

    /// Ends a run, once what found no space says how much there is.
    fn ran_in_room(&self, run: RunId, mut answers: Vec<Result<Reply>>, changes: Vec<Told>) {
        let lacks_space = |it: &Result<Reply>| matches!(it, Err(error) if error.is_of_space());
        if !answers.iter().any(lacks_space) {
            self.ran(run, answers, changes);
            return;
        }
        let (host, losses) = (self.clone(), self.0.losses.get());
        spawn_local(async move {
            let space = host.estimate().await;
            for answer in &mut answers {
                if let Err(error) = answer
                    && error.is_of_space()
                {
                    error.space = space;
                }
            }
            if host.0.losses.get() == losses {
                host.ran(run, answers, changes);
            }
        });
    }

    fn ran(&self, run: RunId, answers: Vec<Result<Reply>>, changes: Vec<Told>) {
        if changes.iter().any(|change| *change.tab != *self.0.id) {
            self.watch_writers();
        }
        self.0.last_run.set(run);
        self.look_soon();
        if !changes.is_empty() {
            self.tend();
            if !self.0.awaits_pause.replace(true) {
                self.await_pause(run);
            }
        }
        self.feed(Event::Ran {
            run,
            answers,
            changes,
        });
    }

    /// Has what can wait go on while nothing is carried out, a step at a time.
    fn tend(&self) {
        if self.0.tending.replace(true) {
            return;
        }
        let (host, losses) = (self.clone(), self.0.losses.get());
        js::after(0.0, move || {
            host.0.tending.set(false);
            if host.0.losses.get() != losses {
                return;
            }
            if host.0.persisting.get() {
                let later = host.clone();
                host.when_free(Box::new(move || later.tend()));
                return;
            }
            let is_free = host.0.running.borrow().is_none();
            let has_more = match &mut *host.0.database.borrow_mut() {
                Some(database) if is_free => database.tend(),
                // Not now, but soon.
                Some(_) => true,
                None => false,
            };
            let later = host.clone();
            host.persist(
                false,
                Box::new(move |kept| {
                    if has_more && kept.is_ok() {
                        later.tend();
                    } else {
                        later.trim();
                    }
                }),
            );
        });
    }

    /// Has the browser take back what files do not need any more, where it is much.
    fn trim(&self) {
        let slack = match &*self.0.database.borrow() {
            Some(database) => database.directory().slack(),
            None => 0,
        };
        if slack >= WORTH_TRIMMING {
            self.call_own("trim", Object::new());
        }
    }

    /// Uses a pause for what would make a call wait.
    fn await_pause(&self, last: RunId) {
        if self.0.opening.storage == StorageOption::Memory {
            return;
        }
        let host = self.clone();
        js::after(PAUSE, move || {
            let run = host.0.last_run.get();
            if run != last || host.0.turn.get() {
                host.await_pause(run);
                return;
            }
            host.0.awaits_pause.set(false);
            if let Some(database) = &mut *host.0.database.borrow_mut() {
                database.rest();
                if let Some(reserve) = database.reserve() {
                    spawn_local(reserve);
                }
            }
            host.tend();
        });
    }

    /// What a call resolves to, on its way to its tab.
    fn reply(&self, to: &TabId, response: &Response) -> Result<Reply> {
        if *response == Response::Nothing {
            return Ok(Reply::Value(JsValue::UNDEFINED));
        }
        let reply = channel::reply(response)?;
        if *to == self.0.id {
            Ok(reply)
        } else {
            channel::pack(reply)
        }
    }

    async fn run_long(
        &self,
        run: RunId,
        from: &TabId,
        message: &JsValue,
        ticket: &Ticket,
    ) -> Result<Reply> {
        let losses = self.0.losses.get();
        // Taken out: nothing else runs meanwhile.
        let mut database = self.0.database.borrow_mut().take().ok_or_else(closed)?;
        let ask = (run, from, message, ticket);
        let mut outcome = self.run_with(&mut database, ask).await;
        let mut usable = Ok(());
        let is_refused = matches!(&outcome, Err(error) if error.is_of_space());
        let method = js::get(message, "method");
        let has_files = database.facts().storage == StorageKind::Opfs;
        if has_files && (is_refused || method == "trim") && self.0.losses.get() == losses {
            usable = database.make_room().await;
            // A merge told what it took in before: done again, it would tell of other counts.
            if is_refused && usable.is_ok() && method != "merge" {
                outcome = self.run_with(&mut database, ask).await;
            }
        }
        if let Err(error) = database.persist(false).await {
            outcome = outcome.and(Err(error));
        }
        if let Err(error) = &mut outcome
            && error.is_of_space()
        {
            error.space = self.estimate().await;
        }
        self.take_back(database, usable, losses);
        outcome.map(Reply::Value)
    }

    async fn run_with(
        &self,
        database: &mut Database,
        (run, from, message, ticket): (RunId, &TabId, &JsValue, &Ticket),
    ) -> Result<JsValue> {
        let operation = operation(from, message)?;
        let durability = durability(message)?;
        let step = || self.feed(Event::Progressed { run });
        let (method, params) = (js::get(message, "method"), js::get(message, "params"));
        let file = js::get(&params, "file");
        if method == "backup" {
            database.backup(ticket, &step).await
        } else if method == "restore" {
            let operation = operation.as_ref();
            database
                .restore(file, operation, durability, ticket, &step)
                .await
        } else if method == "merge" {
            let options = read(&js::get(&params, "options"))?;
            database
                .merge(file, &options, durability, ticket, &step)
                .await
                .and_then(|counts| js::write(&counts))
        } else {
            Ok(JsValue::UNDEFINED)
        }
    }

    /// The SHA-256 of a Blob, read in pieces.
    async fn hash(&self, call: CallId, blob: &JsValue) -> Result<String> {
        let blob: &web_sys::Blob = blob
            .dyn_ref()
            .ok_or_else(|| StoreError::invalid("blob: give a Blob or File"))?;
        let mut hasher = Hasher::default();
        let size = blob.size();
        let mut offset = 0.0;
        while offset < size {
            let end = (offset + f64::from(vfs::CHUNK)).min(size);
            let piece = blob
                .slice_with_f64_and_f64(offset, end)
                .map_err(|error| js::thrown("reading the blob", &error))?;
            let buffer = js::settled("reading the blob", piece.array_buffer()).await?;
            hasher.update(&Uint8Array::new(&buffer).to_vec());
            offset = end;
            (self.0.notify)(Notice::Step(call));
        }
        Ok(hasher.finish())
    }

    /// Where and how the database is kept, as this tab sees it.
    ///
    /// # Errors
    /// `closed` before there was a leader, and those of asking the browser.
    async fn status(&self) -> Result<StoreStatus> {
        let (facts, leads, outdated) = {
            let tab = self.0.tab.borrow();
            let facts = tab.facts().ok_or_else(closed)?.clone();
            (facts, tab.leads(), tab.is_outdated())
        };
        let durability = self.0.opening.durability;
        let mut status = StoreStatus {
            storage: facts.storage,
            role: if leads || facts.storage == StorageKind::Memory {
                TabRole::Leader
            } else {
                TabRole::Follower
            },
            durability,
            journal_mode: facts.journal_mode,
            synchronous: match durability {
                Durability::Strict => "full",
                Durability::Relaxed => "normal",
            }
            .to_owned(),
            persisted: false,
            usage: None,
            quota: None,
            low_space: self.0.room.borrow().is_low(),
            sqlite_version: facts.sqlite_version,
            schema_version: facts.schema_version,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            outdated,
            created: facts.created && leads,
            evicted: facts.evicted,
            movable: facts.movable,
            ignored_messages: self
                .0
                .channels
                .borrow()
                .as_ref()
                .map_or(0, |it| it.ignored()),
        };
        if let Some(manager) = directory::storage_manager()
            && js::get(&manager, "persisted").is_function()
            && let Ok(promise) = manager.persisted()
        {
            status.persisted = js::settled("navigator.storage.persisted", promise)
                .await?
                .is_truthy();
        }
        if let Some(Space { usage, quota }) = directory::estimate().await {
            status.usage = Some(usage);
            status.quota = Some(quota);
        }
        Ok(status)
    }
}

/// Removes the files of a database.
///
/// # Errors
/// `blocked` while a tab has it open, `storage-unavailable`.
pub async fn delete(name: &str) -> Result<()> {
    let directory = directory_name(name)?;
    let _locks = alone(name).await?;
    place::remove(&directory).await
}

/// The locks of a database that nobody has open.
///
/// # Errors
/// `blocked` while a tab has it open.
pub async fn alone(name: &str) -> Result<[Lock; 2]> {
    let in_turn = lock::of_deletion(name);
    let turn = lock::acquire(&in_turn, Wait::Until(&JsValue::UNDEFINED)).await?;
    let lock = lock::acquire(&lock::of_database(name), Wait::Never).await?;
    if !lock::living_tabs(name).await?.is_empty() {
        return Err(StoreError::new(
            ErrorCode::Blocked,
            "the database is open, here or in another tab: close it first",
        ));
    }
    Ok([lock, turn])
}

/// Whether a request makes room, and is carried out where there is none.
fn frees_space(request: &JsValue) -> bool {
    let method = js::get(request, "method");
    FREEING.iter().any(|freeing| method == *freeing)
}

/// The operation of a request of the tab `from`, if it is one.
fn operation(from: &TabId, message: &JsValue) -> Result<Option<Operation>> {
    let given = js::get(message, "operation");
    if given.is_undefined() {
        return Ok(None);
    }
    if let Some(name) = js::get(&given, "name").as_string() {
        return Ok(Some(Operation::Named { name }));
    }
    let number = |name: &str| js::get(&given, name).as_f64().map(|it| it as i64);
    let (Some(number), Some(done)) = (number("number"), number("done")) else {
        return Err(StoreError::invalid(
            "operation: neither a name nor a number",
        ));
    };
    let open = js::items(&js::get(&given, "open"));
    Ok(Some(Operation::Own {
        tab: from.to_string(),
        number,
        done,
        open: open
            .iter()
            .filter_map(|it| it.as_f64())
            .map(|it| it as i64)
            .collect(),
    }))
}

/// `{ [method]: params }`. Conversations come as JSON text, which crosses faster than a tree of values.
fn named(message: &JsValue) -> Result<JsValue> {
    let method = js::get(message, "method").as_string().unwrap_or_default();
    let mut params = js::get(message, "params");
    if let Some(json) = js::get(&params, "conversations").as_string() {
        let conversations =
            JSON::parse(&json).map_err(|error| js::thrown("reading conversations", &error))?;
        let copy = Object::assign(&Object::new(), params.unchecked_ref());
        js::set(&copy, "conversations", &conversations);
        params = copy.into();
    }
    let request = Object::new();
    js::set(&request, &method, &params);
    Ok(request.into())
}

/// A call of the store, and how soon it is to be safe.
fn asked(from: &TabId, message: &JsValue) -> Result<(Call, Durability)> {
    let call = Call {
        request: read(&named(message)?)?,
        operation: operation(from, message)?,
        tab: Some(from.to_string()),
    };
    Ok((call, durability(message)?))
}

/// Whether a call found no space.
fn is_refused(outcome: &Outcome<Response>) -> bool {
    matches!(&outcome.result, Err(error) if error.is_of_space())
}

/// Carries a call out once more.
fn run_one(
    database: &mut Database,
    outcome: &mut Outcome<Response>,
    from: &TabId,
    message: &JsValue,
) {
    if let Some(again) = database.run_all(vec![asked(from, message)]).pop() {
        *outcome = again;
    }
}

/// Changes, as they are told of.
fn told(changes: Vec<Change>, from: &TabId, message: &JsValue) -> impl Iterator<Item = Told> {
    let object = js::get(message, "object").as_f64().unwrap_or_default() as u32;
    changes
        .into_iter()
        .map(move |change| Told::new(change, from, object))
}

fn durability(message: &JsValue) -> Result<Durability> {
    read(&js::get(message, "durability"))
}

pub(super) fn closed() -> StoreError {
    StoreError::new(
        ErrorCode::Closed,
        "the store is closed: open it again with ConversationStore.open",
    )
}
