//! Giving back to the browser what deleted rows held: free pages at the end of the file are cut off, and
//! what stands there is moved into free ones before it, a little at a time, while nobody waits
//! (<https://sqlite.org/pragma.html#pragma_incremental_vacuum>). Some stay, for the next rows.

use rusqlite::params;

use super::Store;
use super::engine::Ask;
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
/// Pages in the log from which they are moved into the main file before there are more: where space is
/// short, the log has to do with what it has.
const LOG_PAGES: u32 = 4;

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
            // A file that another version made keeps its pages, for the next rows.
            if !is_worth_it || self.pragma("auto_vacuum")? != 2 {
                return Ok(false);
            }
            self.shrinking = true;
        }
        let shrunk = self.shrink(free);
        self.shrinking = matches!(shrunk, Ok(true));
        if !self.shrinking {
            self.checkpoint_now()?;
        }
        shrunk
    }

    fn shrink(&mut self, free: i64) -> Result<bool> {
        let durability = self.durability;
        self.set_durability(Durability::Relaxed)?;
        let pages = STEP.min(free - KEPT);
        let shrunk = self.execute_all(&format!("PRAGMA incremental_vacuum({pages})"));
        self.set_durability(durability)?;
        shrunk?;
        self.commits += 1;
        if self.commits.is_multiple_of(LOG_PAGES) {
            self.checkpoint_now()?;
        }
        Ok(free - pages > KEPT)
    }

    fn execute_all(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }

    fn pragma(&self, name: &str) -> Result<i64> {
        let sql = format!("PRAGMA {name}");
        Ok(self.connection.row(&sql, params![], |row| row.get(0))?)
    }
}
