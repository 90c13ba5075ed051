//! A salvage under way, in a worker of its own: it holds the database's lock, gives the damaged files to be
//! read elsewhere, and takes the rows that were read into a database that then has their place.
//!
//! A database in IndexedDB is one file, made anew in memory and replaced in one transaction.
//!
//! Whoever gives it up ends the worker: the lock is free then, and nothing has changed.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use super::database::{browser_env, in_memory};
use super::directory::{Directory, MAIN, nothing_there};
use super::image::Image;
use super::indexeddb::{Kept, LIMIT};
use super::lock::Lock;
use super::place::{self, There};
use super::{host, js, vfs};
use crate::error::{ErrorCode, Result, StoreError};
use crate::name::directory_name;
use crate::store::Salvage;

/// Fields are dropped in this order: the files are given back before the lock is.
pub struct Session {
    salvage: Option<Salvage>,
    /// With the copy, and the files of a database in OPFS.
    directory: Directory,
    /// A database in IndexedDB, and the copy's file.
    kept: Option<(Kept, Rc<Image>)>,
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
        let (directory, kept) = match place::find(&encoded).await? {
            None => return Err(nothing_there()),
            Some(There::Opfs(directory)) => {
                directory.finish_switch().await?;
                (directory, None)
            }
            Some(There::Indexeddb(kept)) => (in_memory(None)?, Some(kept)),
        };
        directory.take_copy().await?;
        let path = directory.copy_path();
        let kept = kept.map(|kept| {
            // What is larger than may be kept is refused.
            let image = Rc::new(Image::kept(Array::new(), 0, LIMIT));
            directory.pool().put_image(path.clone(), Rc::clone(&image));
            (kept, image)
        });
        let files = match &kept {
            Some((kept, _)) => kept.files(MAIN)?,
            None => directory.damaged_files().await?,
        };
        let salvage = Salvage::begin(&path, Some(vfs::NAME), browser_env())?;
        let session = Self {
            salvage: Some(salvage),
            directory,
            kept,
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
        let files = match self.kept.take() {
            None => self.directory.replace_by_copy(step).await?,
            Some((kept, image)) => {
                let files = kept.files(MAIN)?;
                kept.replace(&image).await?;
                files
            }
        };
        let report = js::write(&report)?;
        js::set(report.unchecked_ref(), "files", &files);
        Ok(report)
    }
}

fn ended() -> StoreError {
    StoreError::new(ErrorCode::Internal, "there is no salvage under way")
}
