//! Giving back to the browser what deleted rows held: free pages at the end of the file are cut off, and
//! what stands there is moved into free ones before it, a little at a time, while nobody waits
//! (<https://sqlite.org/pragma.html#pragma_incremental_vacuum>). Some stay, for the next rows.

use rusqlite::params;

use super::engine::Ask;
use super::{Store, unless_full};
use crate::error::Result;
use crate::model::Durability;

/// Free pages from which it is worth it ...
const WORTH_FROM: i64 = 256;
/// ... if they are that part of the file.
const WORTH_PART: i64 = 4;
/// Free pages that stay.
const KEPT: i64 = 64;
/// Pages of a step.
const STEP: i64 = 64;
/// Steps for which a call that finds no space waits at most.
const MOST_STEPS: u32 = 64;
/// Steps after which the log is moved into the main file, which then is shorter.
const LOG_COMMITS: u32 = 16;

impl Store {
    /// Gives free pages back, a step of it, and says whether there is more to do.
    ///
    /// # Errors
    /// Those of writing: it is tried again after the next change.
    pub fn shrink_step(&mut self) -> Result<bool> {
        let free = self.pragma("freelist_count")?;
        if !self.shrinking {
            let is_worth_it =
                free >= WORTH_FROM && free * WORTH_PART >= self.pragma("page_count")?;
            if !is_worth_it || !self.can_shrink()? {
                return Ok(false);
            }
            self.shrinking = true;
        }
        let shrunk = self.shrink(free - KEPT);
        self.shrinking = matches!(shrunk, Ok(true));
        if !self.shrinking || self.commits.is_multiple_of(LOG_COMMITS) {
            unless_full(self.checkpoint_now())?;
        }
        shrunk
    }

    /// Makes room for a write that found none: the log begins anew, with the length it has. Where the main
    /// file cannot take what is in it, the free pages of that go first.
    ///
    /// # Errors
    /// Those of writing; what was acknowledged is still there.
    pub fn make_room(&mut self) -> Result<()> {
        match self.restart_log() {
            Err(error) if error.is_of_space() && self.can_shrink()? => {}
            restarted => return restarted,
        }
        for _ in 0..MOST_STEPS {
            let free = self.pragma("freelist_count")?;
            if !self.shrink(free)? {
                break;
            }
        }
        self.restart_log()
    }

    /// A file that another version made keeps its pages, for the next rows.
    fn can_shrink(&self) -> Result<bool> {
        Ok(self.pragma("auto_vacuum")? == 2)
    }

    /// Gives some of so many pages back, and says whether there are more.
    fn shrink(&mut self, pages: i64) -> Result<bool> {
        if pages <= 0 {
            return Ok(false);
        }
        let durability = self.durability();
        self.set_durability(Durability::Relaxed)?;
        let sql = format!("PRAGMA incremental_vacuum({})", pages.min(STEP));
        // It gives a row a page, and goes on only while they are asked for.
        let shrunk = self.connection.rows(&sql, params![], |_| Ok(()));
        self.set_durability(durability)?;
        shrunk?;
        self.commits += 1;
        Ok(pages > STEP)
    }

    fn pragma(&self, name: &str) -> Result<i64> {
        let sql = format!("PRAGMA {name}");
        Ok(self.connection.row(&sql, params![], |row| row.get(0))?)
    }
}
