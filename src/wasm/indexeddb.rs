//! A database's file in IndexedDB, block by block, for where OPFS cannot be had; and IndexedDB itself, as
//! far as this package uses it.
//!
//! The file is read whole at open and lives in an [`Image`]; [`Kept::save`] writes what has changed in it in
//! one transaction of IndexedDB, so that a crash leaves all of it or nothing. What is little goes in one value,
//! as the bytes that are others now ([`crate::delta`]), and its blocks later; what is much goes block by block. Each
//! transaction has a number that must be new: whoever has read an earlier state, because it lost the lock and
//! does not know it, writes nothing. Knows no SQL and no tab.
//!
//! Transactions and their durability: <https://w3c.github.io/IndexedDB/#transaction-concept>.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Object, Promise, Set, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use super::image::{BLOCK, Changed, Image};
use super::js;
use crate::delta;
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::Durability;

/// Bytes that a database may have in IndexedDB: all of it is in the worker's memory.
pub const LIMIT: u64 = 256 << 20;

/// Blocks of the file by their number, as they were after the first of the commits. Those of a damaged file that
/// another has replaced by [`DAMAGED`], the time in milliseconds and their number.
const BLOCKS: &str = "blocks";
/// What was changed since by the transactions' numbers: `{ size, delta }`, the file's size after it and a
/// delta. The first has no delta.
const COMMITS: &str = "commits";
/// One entry, if it is there: bytes that are given up for a deletion where there is no space left for it.
const RESERVE: &str = "reserve";
/// Bytes of that. Deletions are deltas of some KB; but the last write that was granted may have gone above the
/// quota by what the browser itself takes for it.
const RESERVED: u32 = 4 << 20;
/// How the keys begin of blocks that were salvaged from.
const DAMAGED: &str = "damaged";
/// Random bytes that a browser gives at once.
const RANDOM: u32 = 1 << 16;
/// Bytes of a delta from which on blocks are written instead. (Above 64 KB Chromium writes a value as a file.)
const LONGEST: usize = 32 << 10;
/// Bytes of all deltas from which on they are.
const MOST: usize = 512 << 10;
/// Blocks that are read at a time: 8 MB.
const MANY: u32 = 1_024;

const READING: &str = "reading IndexedDB";
const WRITING: &str = "writing to IndexedDB";

/// An open IndexedDB database. Dropping it closes it.
pub struct Connection {
    database: JsValue,
    /// The browser has closed it, or somebody wants it gone.
    is_gone: Rc<Cell<bool>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = js::invoke(&self.database, "close", &[]);
    }
}

/// What a refusal of IndexedDB is to callers: `quota-exceeded`, else `storage-unavailable`.
fn refusal(what: &str, error: &JsValue) -> StoreError {
    let mut refusal = js::thrown(what, error);
    if refusal.code != ErrorCode::QuotaExceeded {
        refusal.code = ErrorCode::StorageUnavailable;
    }
    refusal
}

/// Awaits the events of requests, each of which [`js::told`] promised, and gives the requests' results.
async fn settled(what: &str, events: &Array) -> Result<Array> {
    let of = |event: &JsValue, name| js::get(&js::get(event, "target"), name);
    match JsFuture::from(Promise::all(events)).await {
        Ok(events) => {
            let events: Array = events.unchecked_into();
            Ok(events.iter().map(|it| of(&it, "result")).collect())
        }
        Err(event) => Err(refusal(what, &of(&event, "error"))),
    }
}

/// Awaits requests that were made at once, and gives their results.
async fn results(what: &str, requests: Vec<Result<JsValue, JsValue>>) -> Result<Array> {
    let events = Array::new();
    for request in requests {
        let request = request.map_err(|error| refusal(what, &error))?;
        events.push(&js::told(&request, "onsuccess", "onerror"));
    }
    settled(what, &events).await
}

/// Awaits a request, and gives its result.
async fn result(what: &str, request: Result<JsValue, JsValue>) -> Result<JsValue> {
    Ok(results(what, vec![request]).await?.get(0))
}

fn factory() -> JsValue {
    js::global(&["indexedDB"])
}

/// A database that is being opened: begun at once, so that it goes on beside other things.
pub struct Opening(Result<Promise>);

/// Begins to open a database, which is made with those object stores where there is none.
pub fn begin(name: &str, stores: &'static [&'static str]) -> Opening {
    let asked = js::invoke(&factory(), "open", &[&name.into(), &1.into()]).map(|request| {
        let target = request.clone();
        let on_upgrade = Closure::once_into_js(move || {
            let database = js::get(&target, "result");
            for store in stores {
                // Refused, it is the opening that fails.
                let _ = js::invoke(&database, "createObjectStore", &[&(*store).into()]);
            }
        });
        js::set(request.unchecked_ref(), "onupgradeneeded", &on_upgrade);
        js::told(&request, "onsuccess", "onerror")
    });
    Opening(asked.map_err(|error| refusal("opening IndexedDB", &error)))
}

impl Opening {
    /// Awaits it.
    ///
    /// # Errors
    /// `storage-unavailable` where IndexedDB cannot be used, `quota-exceeded`.
    pub async fn finish(self) -> Result<Connection> {
        let promise = self.0?;
        let opened = settled("opening IndexedDB", &Array::of1(&promise)).await?;
        let database = opened.get(0);
        let is_gone = Rc::new(Cell::new(false));
        let (closing, gone) = (database.clone(), Rc::clone(&is_gone));
        let leave = Closure::<dyn Fn()>::new(move || {
            gone.set(true);
            let _ = js::invoke(&closing, "close", &[]);
        });
        let leave = leave.into_js_value();
        for name in ["onclose", "onversionchange"] {
            js::set(database.unchecked_ref(), name, &leave);
        }
        Ok(Connection { database, is_gone })
    }
}

impl Connection {
    /// A transaction over all of its object stores.
    fn begin(&self, stores: &[&str], mode: &str, durability: &str) -> Result<JsValue, JsValue> {
        let stores: Array = stores.iter().map(|it| JsValue::from_str(it)).collect();
        let options = Object::new();
        js::set(&options, "durability", &durability.into());
        let stores = stores.into();
        let begun = js::invoke(
            &self.database,
            "transaction",
            &[&stores, &mode.into(), &options],
        );
        // It was closed: whatever is open of it is of no use.
        begun.inspect_err(|_| self.is_gone.set(true))
    }

    /// Reads a value by its key.
    ///
    /// # Errors
    /// `storage-unavailable`.
    pub async fn get(&self, store: &str, key: &str) -> Result<JsValue> {
        let asked = self
            .begin(&[store], "readonly", "default")
            .and_then(|it| js::invoke(&it, "objectStore", &[&store.into()]))
            .and_then(|it| js::invoke(&it, "get", &[&key.into()]));
        result(READING, asked).await
    }

    /// Changes what a work asks for, in one transaction, durable before this returns. What was thrown
    /// otherwise, or why it was aborted: nothing was changed then.
    async fn change(
        &self,
        stores: &[&str],
        durability: Durability,
        work: &dyn Fn(&JsValue) -> Result<(), JsValue>,
    ) -> Result<(), JsValue> {
        let durability = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        let transaction = self.begin(stores, "readwrite", durability)?;
        let ended = js::told(&transaction, "oncomplete", "onabort");
        // Not told to commit at once: told so, Firefox 153 commits the rest of one whose request fails.
        let asked = work(&transaction);
        if asked.is_err() {
            let _ = js::invoke(&transaction, "abort", &[]);
        }
        let ended = JsFuture::from(ended).await;
        asked?;
        ended
            .map(drop)
            .map_err(|event| js::get(&js::get(&event, "target"), "error"))
    }

    /// Writes a value under its key, or takes it away.
    ///
    /// # Errors
    /// `quota-exceeded`, `storage-unavailable`.
    pub async fn put(&self, store: &str, key: &str, value: Option<&JsValue>) -> Result<()> {
        let put = |transaction: &JsValue| {
            let entries = js::invoke(transaction, "objectStore", &[&store.into()])?;
            match value {
                Some(value) => js::invoke(&entries, "put", &[value, &key.into()]),
                None => js::invoke(&entries, "delete", &[&key.into()]),
            }
            .map(drop)
        };
        let changed = self.change(&[store], Durability::Strict, &put).await;
        changed.map_err(|error| refusal(WRITING, &error))
    }
}

/// Removes an IndexedDB database. One that is not there is no error.
///
/// # Errors
/// `storage-unavailable`.
pub async fn remove(name: &str) -> Result<()> {
    let asked = js::invoke(&factory(), "deleteDatabase", &[&name.into()]);
    result("removing from IndexedDB", asked).await.map(drop)
}

/// The IndexedDB database of the database whose directory in OPFS would be `directory`.
pub fn name_of(directory: &str) -> String {
    format!("conversation-store:{directory}")
}

/// A database's file: what was read of it, and the way to have changes kept.
pub struct Kept {
    connection: Rc<Connection>,
    image: Rc<Image>,
    has_reserve: Rc<Cell<bool>>,
    /// The number of the last transaction.
    last: Cell<f64>,
    /// Bytes of the deltas since blocks were written.
    logged: Cell<usize>,
    /// The numbers of the blocks that they change.
    logs: Set,
    /// Somebody else has written.
    is_stale: Cell<bool>,
    /// What of it could not be read: zeros where blocks are missing, and without changes that are.
    damage: Option<&'static str>,
}

impl Kept {
    /// Reads what can be read of the file, or begins an empty one.
    ///
    /// # Errors
    /// `storage-unavailable`.
    pub async fn load(directory: &str) -> Result<Self> {
        let opening = begin(&name_of(directory), &[BLOCKS, COMMITS, RESERVE]);
        let connection = opening.finish().await?;
        // One transaction: one moment.
        let begun = connection.begin(&[BLOCKS, COMMITS, RESERVE], "readonly", "default");
        let transaction = begun.map_err(|error| refusal(READING, &error))?;
        let store = |name: &str| js::invoke(&transaction, "objectStore", &[&name.into()]);
        let ask =
            |name: &str, method: &str| store(name).and_then(|it| js::invoke(&it, method, &[]));
        let asked = vec![
            ask(COMMITS, "getAllKeys"),
            ask(COMMITS, "getAll"),
            ask(RESERVE, "count"),
            ask(BLOCKS, "count"),
        ];
        let found = results(READING, asked).await?;
        let (numbers, commits) = (js::items(&found.get(0)), js::items(&found.get(1)));
        let count = |of: u32| found.get(of).as_f64().unwrap_or_default();
        let last = numbers.last().and_then(JsValue::as_f64);
        let size = |commit: &JsValue| {
            let size = js::get(commit, "size").as_f64().unwrap_or_default();
            LIMIT.min(size as u64)
        };
        let mut damage = None;
        let mut whole = commits.first().map_or(0, size);
        if commits.is_empty() && count(3) > 0.0 {
            damage = Some("its size is missing");
            whole = LIMIT.min(count(3) as u64 * BLOCK);
        }
        let has_reserve = count(2) > 0.0;
        let count = whole.div_ceil(BLOCK) as u32;
        let blocks = Array::new();
        let range = js::global(&["IDBKeyRange"]);
        let mut there = 0;
        for first in (0..count).step_by(MANY as usize) {
            let bounds = [&first.into(), &((first + MANY).min(count) - 1).into()];
            let ask_range = |method: &str| {
                let range = js::invoke(&range, "bound", &bounds)?;
                js::invoke(&store(BLOCKS)?, method, &[&range])
            };
            let asked = vec![ask_range("getAllKeys"), ask_range("getAll")];
            let read = results(READING, asked).await?;
            let (keys, read) = (Array::from(&read.get(0)), Array::from(&read.get(1)));
            for (key, block) in keys.iter().zip(read.iter()) {
                let bytes = block.dyn_ref::<Uint8Array>().map(Uint8Array::length);
                if let (Some(number), true) = (key.as_f64(), bytes == Some(BLOCK as u32)) {
                    blocks.set(number as u32, block);
                    there += 1;
                }
            }
        }
        if there < count {
            damage = Some("blocks are missing");
            for number in (0..count).filter(|number| blocks.get(*number).is_undefined()) {
                blocks.set(number, zeros());
            }
        }
        let (logs, mut logged) = (Set::new(&JsValue::UNDEFINED), 0);
        for commit in commits.iter().skip(1) {
            let count = size(commit).div_ceil(BLOCK) as u32;
            for number in blocks.length()..count {
                blocks.set(number, zeros());
            }
            for number in count..blocks.length() {
                logs.add(&number.into());
            }
            blocks.set_length(count);
            let Ok(bytes) = js::get(commit, "delta").dyn_into::<Uint8Array>() else {
                damage = Some("a change is missing");
                continue;
            };
            let bytes = bytes.to_vec();
            logged += bytes.len();
            let whole = delta::read(&bytes, &mut |number, offset, bytes| {
                let (from, end) = (offset as u32, (offset + bytes.len()) as u32);
                if number >= count || u64::from(end) > BLOCK {
                    return None;
                }
                logs.add(&number.into());
                let block: Uint8Array = blocks.get(number).unchecked_into();
                block.subarray(from, end).copy_from(bytes);
                Some(())
            });
            if whole.is_none() {
                damage = Some("a change cannot be read");
            }
        }
        let size = commits.last().map_or(whole, size);
        Ok(Self {
            connection: Rc::new(connection),
            has_reserve: Rc::new(Cell::new(has_reserve)),
            image: Rc::new(Image::kept(blocks, size, LIMIT)),
            last: Cell::new(last.unwrap_or_default()),
            logged: Cell::new(logged),
            logs,
            is_stale: Cell::new(false),
            damage,
        })
    }

    /// What is there of it, as a `File` of that name: the one of a list.
    ///
    /// # Errors
    /// `internal`.
    pub fn files(&self, name: &str) -> Result<Array> {
        let file = Blob::new_with_buffer_source_sequence(self.image.blocks())
            .and_then(|it| it.slice_with_f64_and_f64(0.0, self.image.size() as f64))
            .and_then(|it| File::new_with_blob_sequence(&Array::of1(&it), name));
        file.map(|it| Array::of1(&it))
            .map_err(|error| js::thrown("making a file", &error))
    }

    /// Puts another file in its place, durable before this returns. What was there stays beside it.
    ///
    /// # Errors
    /// `quota-exceeded`, `storage-unavailable`. Nothing was changed then.
    pub async fn replace(self, by: &Image) -> Result<()> {
        let number = self.last.get() + 1.0;
        let time = js_sys::Date::now().into();
        let write = |transaction: &JsValue| {
            let store = |name: &str| js::invoke(transaction, "objectStore", &[&name.into()]);
            let (commits, blocks) = (store(COMMITS)?, store(BLOCKS)?);
            let commit = Object::new();
            js::set(&commit, "size", &(by.size() as f64).into());
            js::invoke(&commits, "add", &[&commit, &number.into()])?;
            let range = js::global(&["IDBKeyRange"]);
            let below = |end: f64| js::invoke(&range, "upperBound", &[&end.into()]);
            js::invoke(&commits, "delete", &[&below(number - 1.0)?])?;
            js::invoke(&blocks, "delete", &[&below(f64::INFINITY)?])?;
            let put = |image: &Image, key: &dyn Fn(u32) -> JsValue| {
                let mut numbered = (0..).zip(image.blocks().iter());
                numbered.try_for_each(|(number, block)| {
                    js::invoke(&blocks, "put", &[&block, &key(number)]).map(drop)
                })
            };
            put(by, &JsValue::from)?;
            put(&self.image, &|number| {
                Array::of3(&DAMAGED.into(), &time, &number.into()).into()
            })
        };
        let stores = [BLOCKS, COMMITS];
        let replaced = self.connection.change(&stores, Durability::Strict, &write);
        replaced.await.map_err(|error| refusal(WRITING, &error))
    }

    /// It, if all of it could be read.
    ///
    /// # Errors
    /// `corrupt` if blocks are missing or changes cannot be read.
    pub fn whole(self) -> Result<Self> {
        match self.damage {
            Some(how) => Err(StoreError::new(
                ErrorCode::Corrupt,
                format!("the database in IndexedDB is damaged: {how}; nothing was deleted"),
            )),
            None => Ok(self),
        }
    }

    /// The file, for SQLite to have.
    pub fn image(&self) -> &Rc<Image> {
        &self.image
    }

    /// Whether the browser has closed it, since its data was cleared for one: nothing can be kept any more.
    pub fn is_gone(&self) -> bool {
        self.connection.is_gone.get()
    }

    /// Whether somebody else has written: what was read is not what is there.
    pub fn is_stale(&self) -> bool {
        self.is_stale.get()
    }

    /// Keeps what was changed: in one transaction, durable before this returns where it is to be strict.
    ///
    /// # Errors
    /// `quota-exceeded`, `storage-unavailable`. Nothing was kept then, and the image is as it was.
    pub async fn save(&self, durability: Durability) -> Result<()> {
        let (image, number) = (&self.image, self.last.get() + 1.0);
        if !image.is_changed() {
            return Ok(());
        }
        let changed = image.changed();
        let delta = self.delta(&changed);
        let write = |transaction: &JsValue| {
            let store = |name: &str| js::invoke(transaction, "objectStore", &[&name.into()]);
            let commits = store(COMMITS)?;
            let commit = Object::new();
            js::set(&commit, "size", &(image.size() as f64).into());
            if let Some(delta) = &delta {
                js::set(&commit, "delta", &Uint8Array::from(&delta[..]));
            }
            js::invoke(&commits, "add", &[&commit, &number.into()])?;
            if delta.is_some() {
                return Ok(());
            }
            let range = js::global(&["IDBKeyRange"]);
            let earlier = js::invoke(&range, "upperBound", &[&(number - 1.0).into()])?;
            js::invoke(&commits, "delete", &[&earlier])?;
            let blocks = store(BLOCKS)?;
            for number in Array::from(&self.logs).iter() {
                let block = number.as_f64().and_then(|it| image.block(it as u32));
                match block {
                    Some(block) => js::invoke(&blocks, "put", &[&block, &number])?,
                    None => js::invoke(&blocks, "delete", &[&number])?,
                };
            }
            Ok(())
        };
        // Whatever becomes of it, they are not what the blocks that are stored are.
        for Changed { number, .. } in &changed {
            self.logs.add(&(*number).into());
        }
        let changed = self
            .connection
            .change(&[BLOCKS, COMMITS], durability, &write);
        changed.await.map_err(|error| {
            // The number was taken.
            self.is_stale.set(js::name_of(&error) == "ConstraintError");
            refusal(WRITING, &error)
        })?;
        self.last.set(number);
        image.settle();
        match delta {
            Some(delta) => self.logged.set(self.logged.get() + delta.len()),
            None => {
                self.logged.set(0);
                self.logs.clear();
            }
        }
        Ok(())
    }

    /// Gives up what is kept for deletions, and says whether there was something. The browser takes a moment
    /// to know it.
    pub async fn release(&self) -> bool {
        let had = self.has_reserve.replace(false);
        had && self.connection.put(RESERVE, "0", None).await.is_ok()
    }

    /// Sets space apart for deletions, if it was given up, or there was none.
    pub fn reserve(&self) -> impl Future<Output = ()> + use<> {
        let (connection, has_reserve) = (Rc::clone(&self.connection), Rc::clone(&self.has_reserve));
        async move {
            if has_reserve.get() {
                return;
            }
            // Of random bytes, as some browsers store less of others. Not in the module's memory.
            let mut piece = [0; RANDOM as usize];
            js::random(&mut piece);
            let (bytes, piece) = (
                Uint8Array::new_with_length(RESERVED),
                Uint8Array::from(&piece[..]),
            );
            for place in 0..RESERVED / RANDOM {
                bytes.set(&piece, place * RANDOM);
            }
            // Where there is no space for it, it is tried again.
            let kept = connection.put(RESERVE, "0", Some(&bytes)).await;
            has_reserve.set(kept.is_ok());
        }
    }

    /// What has changed, if it is little, and little has come together since blocks were written.
    fn delta(&self, changed: &[Changed]) -> Option<Vec<u8>> {
        let mut delta = Vec::new();
        let mut bytes = [[0; BLOCK as usize]; 2];
        for Changed {
            number,
            before,
            now,
        } in changed
        {
            let Some(now) = now else { continue };
            let [before_bytes, now_bytes] = &mut bytes;
            match before {
                Some(before) => before.copy_to(before_bytes),
                None => before_bytes.fill(0),
            }
            now.copy_to(now_bytes);
            delta::write(&mut delta, *number, before_bytes, now_bytes);
            if delta.len() > LONGEST {
                return None;
            }
        }
        let is_little = self.last.get() > 0.0 && self.logged.get() + delta.len() <= MOST;
        is_little.then_some(delta)
    }
}

fn zeros() -> JsValue {
    Uint8Array::new_with_length(BLOCK as u32).into()
}
