//! A salvage under way, in a worker of its own: it holds the database's lock, gives the damaged files to be
//! read elsewhere, and takes the rows that were read into a database that then has their place.
//!
//! Whoever gives it up ends the worker: the lock is free then, and nothing has changed.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::database::browser_env;
use super::directory::{Directory, nothing_there};
use super::lock::Lock;
use super::{host, js, vfs};
use crate::error::{ErrorCode, Result, StoreError};
use crate::name::directory_name;
use crate::store::Salvage;

/// Fields are dropped in this order: the files are given back before the lock is.
pub struct Session {
    salvage: Option<Salvage>,
    directory: Directory,
    _lock: [Lock; 2],
}

impl Session {
    /// Begins one, and gives the damaged files.
    ///
    /// # Errors
    /// `blocked` while a tab has the database open, `not-found`, `storage-unavailable`, `quota-exceeded`.
    pub async fn begin(name: &str) -> Result<(Self, Array)> {
        let encoded = directory_name(name)?;
        let lock = host::alone(name).await?;
        let directory = Directory::existing(&encoded)
            .await?
            .ok_or_else(nothing_there)?;
        directory.finish_switch().await?;
        directory.take_copy().await?;
        let path = directory.copy_path();
        let salvage = Salvage::begin(&path, Some(vfs::NAME), browser_env())?;
        let files = directory.damaged_files().await?;
        let session = Self {
            salvage: Some(salvage),
            directory,
            _lock: lock,
        };
        Ok((session, files))
    }

    /// Takes in rows that were read.
    ///
    /// # Errors
    /// Those of [`Salvage::take`].
    pub fn take(&mut self, rows: &JsValue) -> Result<()> {
        let rows: &Uint8Array = rows.dyn_ref().ok_or_else(ended)?;
        let salvage = self.salvage.as_mut().ok_or_else(ended)?;
        salvage.take(&rows.to_vec())
    }

    /// Puts what was taken in in the place of the damaged database. `is_whole`: the files were read without
    /// finding damage to the chats.
    ///
    /// # Errors
    /// `corrupt` if there is nothing in it though there was damage: the database is as it was. Those of
    /// [`Salvage::finish`] and of the storage.
    pub async fn end(mut self, is_whole: bool, step: &dyn Fn()) -> Result<JsValue> {
        let salvage = self.salvage.take().ok_or_else(ended)?;
        let report = salvage.finish(&mut || {
            step();
            Ok(())
        })?;
        if !is_whole && report.conversations.recovered + report.messages.recovered == 0 {
            self.directory.drop_copy();
            return Err(StoreError::new(
                ErrorCode::Corrupt,
                "no chat can be read in the damaged files; nothing was changed",
            ));
        }
        let files = self.directory.replace_by_copy(step).await?;
        let report = js::write(&report)?;
        js::set(report.unchecked_ref(), "files", &files);
        Ok(report)
    }
}

fn ended() -> StoreError {
    StoreError::new(ErrorCode::Internal, "there is no salvage under way")
}
