//! The host: takes requests one at a time, in order, and answers every one.
//!
//! A request of the store itself is carried out at once. What must await (open, backup, restore,
//! status, close, delete) runs alone, and what comes meanwhile waits. Knows no port and no page.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::{Array, Date, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, Blob};

use super::directory::{self, Directory};
use super::js;
use super::lock::{self, Lock, Wait};
use super::vfs;
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{Durability, StorageKind, StorageOption, StoreStatus, TabRole};
use crate::name::directory_name;
use crate::rpc::{Request, dispatch};
use crate::store::{Env, Location, Store};

/// A request on its way: what is asked, until when, and who wants the answer.
pub struct Job {
    /// `{ method, params }`.
    pub request: JsValue,
    /// Milliseconds within which it must begin, counted here from when it came: the page's clock may
    /// be another, a test's for one.
    pub timeout: f64,
    /// By which the caller gives it up.
    pub ticket: Ticket,
    /// Called once.
    pub reply: Box<dyn FnOnce(Result<JsValue>)>,
    /// Called when a long request has come further, or waits.
    pub progress: Box<dyn Fn(Progress)>,
}

/// What a request tells before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It waits for another worker to give up the database.
    Waiting,
    /// It has done a step.
    Step,
}

/// The caller's side of a job: by it the caller gives it up.
#[derive(Clone, Default)]
pub struct Ticket(Rc<TicketState>);

#[derive(Default)]
struct TicketState {
    aborted: Cell<bool>,
    /// Made where something waits on its signal.
    controller: RefCell<Option<AbortController>>,
}

impl Ticket {
    /// Gives the job up: it does not begin, or ends at its next step.
    pub fn abort(&self) {
        self.0.aborted.set(true);
        if let Some(controller) = &*self.0.controller.borrow() {
            controller.abort();
        }
    }

    /// A signal that aborts with the job. `undefined` where the environment has none.
    fn signal(&self) -> JsValue {
        let Ok(controller) = AbortController::new() else {
            return JsValue::UNDEFINED;
        };
        if self.0.aborted.get() {
            controller.abort();
        }
        let signal = controller.signal().into();
        *self.0.controller.borrow_mut() = Some(controller);
        signal
    }

    fn check(&self) -> Result<()> {
        if self.0.aborted.get() {
            return Err(StoreError::new(
                ErrorCode::Aborted,
                "the call was aborted by its signal; it changed nothing",
            ));
        }
        Ok(())
    }
}

/// What the host itself answers; everything else is the store's.
#[derive(Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "camelCase")]
enum Control {
    Open {
        name: String,
        #[serde(default)]
        storage: StorageOption,
        #[serde(default)]
        durability: Durability,
    },
    Close {},
    Status {},
    Backup {},
    Restore {},
    Delete {
        name: String,
    },
}

const CONTROL: [&str; 6] = ["open", "close", "status", "backup", "restore", "delete"];

/// Fields are dropped in this order: the store closes, then the files are given back, then the lock.
struct Opened {
    store: Store,
    directory: Directory,
    storage: StorageKind,
    _lock: Lock,
}

/// Serves one database.
#[derive(Clone, Default)]
pub struct Host(Rc<HostState>);

#[derive(Default)]
struct HostState {
    opened: RefCell<Option<Opened>>,
    /// With the time by which each must begin.
    queue: RefCell<VecDeque<(f64, Job)>>,
    busy: Cell<bool>,
}

thread_local! {
    static MEMORY_DATABASES: Cell<u32> = const { Cell::new(0) };
}

impl Host {
    /// Takes a request. Its `reply` is called exactly once, in the order of the requests.
    pub fn submit(&self, job: Job) {
        let deadline = clock() + job.timeout;
        self.0.queue.borrow_mut().push_back((deadline, job));
        if !self.0.busy.get() {
            self.run();
        }
    }

    fn run(&self) {
        self.0.busy.set(true);
        loop {
            let next = self.0.queue.borrow_mut().pop_front();
            let Some((deadline, job)) = next else {
                break;
            };
            if let Err(error) = begin(&job, deadline) {
                (job.reply)(Err(error));
                continue;
            }
            let method = js::get(&job.request, "method")
                .as_string()
                .unwrap_or_default();
            if !CONTROL.contains(&method.as_str()) {
                let answer = self.answer(&job.request);
                (job.reply)(answer);
                continue;
            }
            let host = self.clone();
            spawn_local(async move {
                let answer = host.control(job.request, &job.ticket, &job.progress).await;
                (job.reply)(answer);
                host.run();
            });
            return;
        }
        self.0.busy.set(false);
    }

    fn answer(&self, request: &JsValue) -> Result<JsValue> {
        let request: Request = js::read(request)?;
        let mut opened = self.0.opened.borrow_mut();
        let opened = opened.as_mut().ok_or_else(closed)?;
        js::write(&dispatch(&mut opened.store, request)?)
    }

    async fn control(
        &self,
        request: JsValue,
        ticket: &Ticket,
        progress: &dyn Fn(Progress),
    ) -> Result<JsValue> {
        let params = js::get(&request, "params");
        match js::read(&request)? {
            Control::Open {
                name,
                storage,
                durability,
            } => {
                self.open(&name, storage, durability, ticket, progress)
                    .await
            }
            Control::Close {} => self.close(),
            Control::Status {} => self.status().await,
            Control::Backup {} => self.backup(ticket, progress).await,
            Control::Restore {} => {
                self.restore(js::get(&params, "file"), ticket, progress)
                    .await
            }
            Control::Delete { name } => {
                let directory = directory_name(&name)?;
                let _lock = lock::acquire(&name, Wait::Never).await?;
                directory::remove(&directory).await?;
                Ok(JsValue::UNDEFINED)
            }
        }
    }

    async fn open(
        &self,
        name: &str,
        storage: StorageOption,
        durability: Durability,
        ticket: &Ticket,
        progress: &dyn Fn(Progress),
    ) -> Result<JsValue> {
        if self.0.opened.borrow().is_some() {
            return Err(StoreError::conflict(
                "this worker already has a database open",
            ));
        }
        let (storage, directory, lock) = match storage {
            StorageOption::Memory => {
                let number = MEMORY_DATABASES.get();
                MEMORY_DATABASES.set(number + 1);
                (
                    StorageKind::Memory,
                    Directory::in_memory(number)?,
                    Lock::none(),
                )
            }
            StorageOption::Auto | StorageOption::Opfs => {
                let encoded = directory_name(name)?;
                let lock = match lock::acquire(name, Wait::Never).await {
                    Err(error) if error.code == ErrorCode::Blocked => {
                        progress(Progress::Waiting);
                        lock::acquire(name, Wait::Until(&ticket.signal())).await?
                    }
                    at_once => at_once?,
                };
                ticket.check()?;
                let directory = Directory::acquire(&encoded).await?;
                (StorageKind::Opfs, directory, lock)
            }
            StorageOption::Indexeddb => {
                return Err(StoreError::new(
                    ErrorCode::StorageUnavailable,
                    "storage 'indexeddb' is not there yet in this version: use 'auto' or 'opfs'",
                ));
            }
        };
        let path = directory.main_path();
        let vfs = Some(vfs::NAME);
        let location = match storage {
            StorageKind::Memory => Location::Memory { vfs },
            _ => Location::File { path: &path, vfs },
        };
        let store = Store::open(location, durability, browser_env())?;
        directory.made();
        *self.0.opened.borrow_mut() = Some(Opened {
            store,
            directory,
            storage,
            _lock: lock,
        });
        Ok(JsValue::UNDEFINED)
    }

    fn close(&self) -> Result<JsValue> {
        let opened = self.0.opened.borrow_mut().take();
        if let Some(opened) = opened {
            // The files and the lock go with the rest of it, also if this fails.
            opened.store.close()?;
        }
        Ok(JsValue::UNDEFINED)
    }

    async fn status(&self) -> Result<JsValue> {
        let mut status = {
            let opened = self.0.opened.borrow();
            let opened = opened.as_ref().ok_or_else(closed)?;
            let pragmas = opened.store.opened_as();
            StoreStatus {
                storage: opened.storage,
                role: TabRole::Leader,
                durability: pragmas.durability,
                journal_mode: pragmas.journal_mode.to_owned(),
                synchronous: pragmas.synchronous.to_owned(),
                persisted: false,
                usage: None,
                quota: None,
                sqlite_version: pragmas.sqlite_version.to_owned(),
                schema_version: pragmas.schema_version,
                version: env!("CARGO_PKG_VERSION").to_owned(),
            }
        };
        if let Some(manager) = directory::storage_manager() {
            if js::get(&manager, "persisted").is_function()
                && let Ok(promise) = manager.persisted()
            {
                status.persisted = js::settled("navigator.storage.persisted", promise)
                    .await?
                    .is_truthy();
            }
            if js::get(&manager, "estimate").is_function()
                && let Ok(promise) = manager.estimate()
            {
                let estimate = js::settled("navigator.storage.estimate", promise).await?;
                status.usage = js::get(&estimate, "usage").as_f64();
                status.quota = js::get(&estimate, "quota").as_f64();
            }
        }
        js::write(&status)
    }

    async fn backup(&self, ticket: &Ticket, progress: &dyn Fn(Progress)) -> Result<JsValue> {
        let opened = self.take()?;
        let result = opened.backup(ticket, progress).await;
        *self.0.opened.borrow_mut() = Some(opened);
        result
    }

    async fn restore(
        &self,
        file: JsValue,
        ticket: &Ticket,
        progress: &dyn Fn(Progress),
    ) -> Result<JsValue> {
        let file: Blob = file.dyn_into().map_err(|_| {
            StoreError::invalid("file: give a Blob or File that holds a SQLite database")
        })?;
        let mut opened = self.take()?;
        let result = opened.restore(&file, ticket, progress).await;
        *self.0.opened.borrow_mut() = Some(opened);
        result
    }

    /// Takes the store out for a request that awaits; the queue is held meanwhile.
    fn take(&self) -> Result<Opened> {
        self.0.opened.borrow_mut().take().ok_or_else(closed)
    }
}

impl Opened {
    async fn backup(&self, ticket: &Ticket, progress: &dyn Fn(Progress)) -> Result<JsValue> {
        self.directory.take_copy().await?;
        let written = self.write_blob(ticket, progress);
        self.directory.drop_copy();
        written
    }

    fn write_blob(&self, ticket: &Ticket, progress: &dyn Fn(Progress)) -> Result<JsValue> {
        let path = self.directory.copy_path();
        self.store.backup_into(&path)?;
        let pool = self.directory.pool();
        let size = pool.size(&path)?;
        let parts = Array::new();
        let mut offset = 0;
        while offset < size {
            ticket.check()?;
            let piece = pool.read(&path, offset, vfs::CHUNK)?;
            offset += u64::from(piece.length());
            // A Blob for each piece: the browser may keep it outside this worker's memory.
            let piece = Blob::new_with_u8_array_sequence(&Array::of1(&piece))
                .map_err(|error| js::thrown("making the backup's Blob", &error))?;
            parts.push(&piece);
            progress(Progress::Step);
        }
        let properties = web_sys::BlobPropertyBag::new();
        properties.set_type("application/vnd.sqlite3");
        Blob::new_with_blob_sequence_and_options(&parts, &properties)
            .map(Into::into)
            .map_err(|error| js::thrown("making the backup's Blob", &error))
    }

    async fn restore(
        &mut self,
        file: &Blob,
        ticket: &Ticket,
        progress: &dyn Fn(Progress),
    ) -> Result<JsValue> {
        self.directory.take_copy().await?;
        let restored = self.stage_and_restore(file, ticket, progress).await;
        self.directory.drop_copy();
        restored.map(|()| JsValue::UNDEFINED)
    }

    async fn stage_and_restore(
        &mut self,
        file: &Blob,
        ticket: &Ticket,
        progress: &dyn Fn(Progress),
    ) -> Result<()> {
        let path = self.directory.copy_path();
        let size = file.size();
        let mut offset = 0.0;
        while offset < size {
            ticket.check()?;
            let end = (offset + f64::from(vfs::CHUNK)).min(size);
            let piece = file
                .slice_with_f64_and_f64(offset, end)
                .map_err(|error| js::thrown("reading the file", &error))?;
            let buffer = js::settled("reading the file", piece.array_buffer()).await?;
            let mut bytes = Uint8Array::new(&buffer).to_vec();
            if offset == 0.0 {
                leave_wal_mode(&mut bytes);
            }
            self.directory.pool().write(&path, offset as u64, &bytes)?;
            offset = end;
            progress(Progress::Step);
        }
        ticket.check()?;
        self.store.restore_from(&path)
    }
}

/// A file copied from beside a log that is not there says in its header that it has one
/// (<https://sqlite.org/fileformat2.html#file_format_version_numbers>): its main file is what its
/// last checkpoint left, and is read as that.
fn leave_wal_mode(first_page: &mut [u8]) {
    if let Some(versions @ [2, 2]) = first_page.get_mut(18..20) {
        versions.fill(1);
    }
}

fn begin(job: &Job, deadline: f64) -> Result<()> {
    job.ticket.check()?;
    if clock() > deadline {
        return Err(StoreError::new(
            ErrorCode::Timeout,
            "the call waited longer than its timeout and was not begun; call again",
        ));
    }
    Ok(())
}

/// Milliseconds on a clock that nobody can set: <https://w3c.github.io/hr-time/>.
fn clock() -> f64 {
    let performance = js::global(&["performance"]);
    js::get(&performance, "now")
        .dyn_into::<js_sys::Function>()
        .and_then(|now| now.call0(&performance))
        .ok()
        .and_then(|now| now.as_f64())
        .unwrap_or_default()
}

fn closed() -> StoreError {
    StoreError::new(
        ErrorCode::Closed,
        "the store is closed: open it again with ConversationStore.open",
    )
}

fn browser_env() -> Env {
    Env {
        now: Box::new(|| Date::now() as i64),
        random: Box::new(|buffer| {
            let bytes = Uint8Array::new_with_length(buffer.len() as u32);
            let crypto = js::global(&["crypto"]);
            if let Ok(fill) = js::get(&crypto, "getRandomValues").dyn_into::<js_sys::Function>() {
                let _ = fill.call1(&crypto, &bytes);
            }
            bytes.copy_to(buffer);
        }),
    }
}
