//! Web Locks: the one that makes a worker the owner of a database's files, and those by which tabs
//! are known to be alive.
//!
//! The browser frees a lock when its holder ends, however it ends
//! (<https://w3c.github.io/web-locks/>). Knows no file and no SQL.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::js;
use crate::error::{ErrorCode, Result, StoreError};
use crate::tabs::TabId;

/// A held lock. Dropping it gives it back.
pub struct Lock {
    /// Resolves the promise that holds the lock.
    release: Function,
    released: Rc<Cell<bool>>,
    /// Settles when the lock is given back, or lost.
    ended: Promise,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.released.set(true);
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

impl Lock {
    /// Waits until the lock is not held any more. Whether it was lost, not given back.
    pub fn is_lost(&self) -> impl Future<Output = bool> + use<> {
        let (ended, released) = (self.ended.clone(), Rc::clone(&self.released));
        async move {
            // Rejected where it was stolen.
            let _ = JsFuture::from(ended).await;
            !released.get()
        }
    }
}

/// How to ask for a lock.
pub enum Wait<'a> {
    /// Until granted, or until the `AbortSignal` says to stop: then `aborted`.
    Until(&'a JsValue),
    /// Not at all: `blocked` if it is held.
    Never,
}

/// The lock of the database `name`: its holder leads.
pub fn of_database(name: &str) -> String {
    format!("conversation-store:{name}")
}

/// Held by the page of a tab that has the database `name` open: it says that the tab is alive.
pub fn of_tab(name: &str, tab: &str) -> String {
    format!("conversation-store-tab:{tab}:{name}")
}

/// Held while the database `name` is being deleted.
pub fn of_deletion(name: &str) -> String {
    format!("conversation-store-delete:{name}")
}

fn manager() -> Result<(JsValue, Function)> {
    let locks = js::global(&["navigator", "locks"]);
    match js::get(&locks, "request").dyn_into() {
        Ok(request) => Ok((locks, request)),
        Err(_) => Err(StoreError::new(
            ErrorCode::StorageUnavailable,
            "this environment has no Web Locks (navigator.locks): they need a secure context",
        )),
    }
}

/// Asks for a lock.
///
/// # Errors
/// `blocked`, `aborted`; `storage-unavailable` without Web Locks.
pub async fn acquire(name: &str, wait: Wait<'_>) -> Result<Lock> {
    let (locks, request) = manager()?;
    let options = Object::new();
    match wait {
        Wait::Until(signal) if signal.is_undefined() => {}
        Wait::Until(signal) => js::set(&options, "signal", signal),
        Wait::Never => js::set(&options, "ifAvailable", &JsValue::TRUE),
    }
    let outcome = Rc::new(RefCell::new(None));
    let mut ended = Promise::resolve(&JsValue::UNDEFINED);
    let granted = Promise::new(&mut |resolve, reject| {
        let outcome = Rc::clone(&outcome);
        let on_grant = Closure::once_into_js(move |lock: JsValue| -> Promise {
            if lock.is_null() {
                let _ = resolve.call0(&JsValue::UNDEFINED);
                return Promise::resolve(&JsValue::UNDEFINED);
            }
            Promise::new(&mut |release, _| {
                *outcome.borrow_mut() = Some(release);
                let _ = resolve.call0(&JsValue::UNDEFINED);
            })
        });
        match request.call3(&locks, &name.into(), &options, &on_grant) {
            Ok(promise) => {
                let on_failure = Closure::once_into_js(move |error: JsValue| {
                    reject.call1(&JsValue::UNDEFINED, &error)
                });
                // The request's own promise settles when the lock is given back, or fails when
                // it is never granted, or lost.
                ended = promise.unchecked_into();
                if let Ok(catch) = js::get(&ended, "catch").dyn_into::<Function>() {
                    let _ = catch.call1(&ended, &on_failure);
                }
            }
            Err(error) => {
                let _ = reject.call1(&JsValue::UNDEFINED, &error);
            }
        }
    });
    JsFuture::from(granted)
        .await
        .map_err(|error| js::thrown("waiting for the database's lock", &error))?;
    let release = outcome.borrow_mut().take();
    match release {
        Some(release) => Ok(Lock {
            release,
            released: Rc::default(),
            ended,
        }),
        None => Err(StoreError::new(
            ErrorCode::Blocked,
            "the database is open, here or in another tab: close it first",
        )),
    }
}

/// The tabs that have the database `name` open: each page holds a lock of its own name.
///
/// # Errors
/// `storage-unavailable` without Web Locks.
pub async fn living_tabs(name: &str) -> Result<Vec<TabId>> {
    let (locks, _) = manager()?;
    let query = js::get(&locks, "query")
        .dyn_into::<Function>()
        .and_then(|query| query.call0(&locks))
        .map_err(|error| js::thrown("asking for the locks", &error))?;
    let snapshot = js::settled("asking for the locks", query.unchecked_into()).await?;
    let held = js::items(&js::get(&snapshot, "held"));
    Ok(held
        .into_iter()
        .filter_map(|lock| {
            let held = js::get(&lock, "name").as_string()?;
            // A tab's name has no colon in it, a database's may.
            let (tab, database) = held
                .strip_prefix("conversation-store-tab:")?
                .split_once(':')?;
            (database == name).then(|| TabId::from(tab))
        })
        .collect())
}
