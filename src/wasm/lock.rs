//! The Web Lock that makes one worker the owner of a database's files.
//!
//! The browser frees it when the worker ends, however it ends
//! (<https://w3c.github.io/web-locks/>). Knows no file and no SQL.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Object, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::js;
use crate::error::{ErrorCode, Result, StoreError};

/// A held lock. Dropping it gives it back.
pub struct Lock {
    /// Resolves the promise that holds the lock; `None` where nothing is locked.
    release: Option<Function>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            let _ = release.call0(&JsValue::UNDEFINED);
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

/// Asks for the lock of the database `name`.
///
/// # Errors
/// `blocked`, `aborted`; `storage-unavailable` without Web Locks.
pub async fn acquire(name: &str, wait: Wait<'_>) -> Result<Lock> {
    let locks = js::global(&["navigator", "locks"]);
    let Ok(request) = js::get(&locks, "request").dyn_into::<Function>() else {
        return Err(StoreError::new(
            ErrorCode::StorageUnavailable,
            "this environment has no Web Locks (navigator.locks): they need a secure context",
        ));
    };
    let options = Object::new();
    match wait {
        Wait::Until(signal) => js::set(&options, "signal", signal),
        Wait::Never => js::set(&options, "ifAvailable", &JsValue::TRUE),
    }
    let outcome = Rc::new(RefCell::new(None));
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
        let name = JsValue::from(format!("conversation-store:{name}"));
        match request.call3(&locks, &name, &options, &on_grant) {
            Ok(promise) => {
                let on_failure = Closure::once_into_js(move |error: JsValue| {
                    reject.call1(&JsValue::UNDEFINED, &error)
                });
                // The request's own promise settles when the lock is given back, or fails when
                // it is never granted.
                if let Ok(catch) = js::get(&promise, "catch").dyn_into::<Function>() {
                    let _ = catch.call1(&promise, &on_failure);
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
            release: Some(release),
        }),
        None => Err(StoreError::new(
            ErrorCode::Blocked,
            "the database is open, here or in another tab: close it first",
        )),
    }
}

impl Lock {
    /// The lock of a database in memory: nobody else can reach it.
    pub fn none() -> Self {
        Self { release: None }
    }
}
