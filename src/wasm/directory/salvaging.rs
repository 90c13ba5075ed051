//! What a salvage needs of a database's directory: the damaged files to be read, a place for what is made of
//! them, and the switch from one to the other.
//!
//! The switch is two writes of sixteen bytes. The damaged bytes are copied aside first. Then the main file
//! begins with [`MARK`], flushed: from here on `copy.db` is the database, and whoever opens next goes on
//! with what follows, as often as it takes. The log is emptied and the copy written over the main file, its
//! first bytes last: with them it is a database again. Before the mark nothing has changed.

use js_sys::Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemDirectoryHandle, FileSystemFileHandle, FileSystemRemoveOptions};

use super::{COPY, Directory, JOURNAL, LOG, MAIN, ROOT, corrupt, root, subdirectory};
use crate::error::{ErrorCode, Result, StoreError};
use crate::wasm::js;
use crate::wasm::vfs::Pool;

/// How a main file begins whose content is `copy.db`'s.
const MARK: &[u8; 16] = b"salvaged:copy.db";
/// A salvage's damaged files are kept in a folder of this name and its time.
const DAMAGED: &str = "damaged-";

impl Directory {
    /// The directory of a database, without its files; `None` if there is none, or it is still being made.
    ///
    /// # Errors
    /// `storage-unavailable` without OPFS.
    pub async fn existing(name: &str) -> Result<Option<Self>> {
        let Some(parent) = found(root().await?.get_directory_handle(ROOT)).await? else {
            return Ok(None);
        };
        let parent: FileSystemDirectoryHandle = parent.unchecked_into();
        let Some(handle) = found(parent.get_directory_handle(name)).await? else {
            return Ok(None);
        };
        let directory = Self {
            handle: Some(handle.unchecked_into()),
            prefix: format!("/{name}/"),
            pool: Pool::of_this_worker()?,
            removal: Default::default(),
            has_reserve: Default::default(),
            making: Default::default(),
        };
        // One that is only being made has nothing in it yet.
        let is_there = directory.has(MAIN).await? || directory.has(LOG).await?;
        let is_used = is_there && !directory.has(JOURNAL).await?;
        Ok(is_used.then_some(directory))
    }

    async fn has(&self, name: &str) -> Result<bool> {
        Ok(match &self.handle {
            Some(handle) => found(handle.get_file_handle(name)).await?.is_some(),
            None => false,
        })
    }

    /// The main file and its log, as the browser's `File`s, where there is anything in them.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn damaged_files(&self) -> Result<Array> {
        let Some(handle) = &self.handle else {
            return Ok(Array::new());
        };
        files_in(handle).await
    }

    /// Goes on with a switch that was interrupted. Needs the main file and the log.
    ///
    /// # Errors
    /// `corrupt` if what it switches to is gone; those of the storage.
    pub(super) async fn go_on_with_switch(&self) -> Result<()> {
        let head = self.pool.read(&self.path(MAIN), 0, MARK.len() as u32)?;
        if head.to_vec() != MARK {
            return Ok(());
        }
        self.take(&COPY[..1]).await?;
        self.switch()
    }

    /// The same, for who has not acquired the files, and gives them back.
    ///
    /// # Errors
    /// As of that.
    pub async fn finish_switch(&self) -> Result<()> {
        self.take(&[MAIN, LOG]).await?;
        let finished = self.go_on_with_switch().await;
        self.give_back();
        finished
    }

    /// Puts the copy, closed and whole, in the place of the database, and gives the damaged files, which are
    /// kept.
    ///
    /// # Errors
    /// `quota-exceeded` and those of the storage. Before the switch nothing has changed, after it the next
    /// open goes on.
    pub async fn replace_by_copy(&self, step: &dyn Fn()) -> Result<Array> {
        let Some(handle) = &self.handle else {
            return Ok(Array::new());
        };
        self.take(&[MAIN, LOG]).await?;
        let kept = self.keep(handle, step).await;
        let switched = match kept {
            Ok(kept) => {
                // Of a database whose making was interrupted; it would be rolled back into the new one.
                match js::settled("removing the journal", handle.remove_entry(JOURNAL)).await {
                    Err(error) if !error.message.contains("NotFoundError") => Err(error),
                    _ => self
                        .pool
                        .write(&self.path(MAIN), 0, MARK)
                        .and_then(|()| self.pool.flush(&self.path(MAIN)))
                        .and_then(|()| self.switch())
                        .map(|()| kept),
                }
            }
            Err(error) => Err(error),
        };
        self.give_back();
        files_in(&switched?).await
    }

    fn give_back(&self) {
        for name in [MAIN, LOG] {
            self.pool.release(&self.path(name));
        }
    }

    /// Copies the damaged files into a folder of their own.
    async fn keep(
        &self,
        handle: &FileSystemDirectoryHandle,
        step: &dyn Fn(),
    ) -> Result<FileSystemDirectoryHandle> {
        let name = format!("{DAMAGED}{}", js_sys::Date::now() as u64);
        let folder = Self {
            handle: Some(subdirectory(handle, &name).await?),
            prefix: format!("{}{name}/", self.prefix),
            pool: self.pool.clone(),
            removal: Default::default(),
            has_reserve: Default::default(),
            making: Default::default(),
        };
        folder.take(&[MAIN, LOG]).await?;
        let copied = [MAIN, LOG]
            .iter()
            .try_for_each(|name| self.pool.copy(&self.path(name), &folder.path(name), step));
        drop(folder);
        if let Err(error) = copied {
            let options = FileSystemRemoveOptions::new();
            options.set_recursive(true);
            // What stays of it is a copy.
            let removal = handle.remove_entry_with_options(&name, &options);
            let _ = JsFuture::from(removal).await;
            return Err(error);
        }
        subdirectory(handle, &name).await
    }

    fn switch(&self) -> Result<()> {
        let (main, copy) = (self.path(MAIN), self.path(COPY[0]));
        if self.pool.size(&copy)? == 0 {
            return Err(corrupt("what was salvaged of it is gone"));
        }
        // As what SQLite calls a database with a log, which this is from now on: it needs no journal to
        // become one (https://sqlite.org/fileformat2.html#file_format_version_numbers).
        self.pool.write(&copy, 18, &[2, 2])?;
        let log = self.path(LOG);
        self.pool.clear(&log)?;
        self.pool.flush(&log)?;
        self.pool.copy(&copy, &main, &|| ())?;
        self.drop_copy();
        Ok(())
    }
}

/// What a request for a file or folder gives, if it is there.
async fn found(asked: js_sys::Promise) -> Result<Option<JsValue>> {
    match JsFuture::from(asked).await {
        Ok(handle) => Ok(Some(handle)),
        Err(error) if js::name_of(&error) == "NotFoundError" => Ok(None),
        Err(error) => Err(js::thrown("looking for files", &error)),
    }
}

async fn files_in(handle: &FileSystemDirectoryHandle) -> Result<Array> {
    let files = Array::new();
    for name in [MAIN, LOG] {
        let Some(file) = found(handle.get_file_handle(name)).await? else {
            continue;
        };
        let file: FileSystemFileHandle = file.unchecked_into();
        let file = js::settled("reading a file", file.get_file()).await?;
        if js::get(&file, "size").as_f64() != Some(0.0) {
            files.push(&file);
        }
    }
    Ok(files)
}

/// There is nothing to salvage.
pub fn nothing_there() -> StoreError {
    StoreError::new(
        ErrorCode::NotFound,
        "there is no database of that name: nothing to salvage",
    )
}
