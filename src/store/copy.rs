//! Backup and restore: one consistent copy out, one checked copy in.
//!
//! Both work on a file beside the database, in the same VFS, which the caller makes and reads in
//! pieces. `restore` copies rows, not pages: it trusts no mark, trigger or index of the file, and
//! the switch is one transaction.

use rusqlite::{Connection, params};

use super::engine::Ask;
use super::schema::{self, Found};
use super::{Change, Env, Location, Store, conversations, engine, heal};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{Durability, MAX_SAFE_INTEGER, Operation};
use crate::planted::{Bug, planted};

impl Store {
    /// Writes this moment's database into the file `path`, which must be absent or empty.
    ///
    /// The copy is compact: it holds no text of deleted rows
    /// (<https://sqlite.org/lang_vacuum.html#vacuuminto>).
    ///
    /// # Errors
    /// `quota-exceeded` and the errors of writing. The database is as it was.
    pub fn backup_into(&mut self, path: &str) -> Result<()> {
        self.end_what_was_left()?;
        self.let_go("copy");
        self.fold_growth()?;
        let copied = self.connection.execute("VACUUM INTO ?1", [path]);
        copied.map_err(|error| match StoreError::from(error) {
            // A file whose size the storage does not tell is taken to have one.
            error if error.code == ErrorCode::Internal && !planted(Bug::UnknownSize) => {
                StoreError::new(ErrorCode::StorageUnavailable, error.message)
            }
            error => error,
        })?;
        // Which tab asked for what is of this database only, and the index holds words of what was deleted.
        self.connection
            .execute("ATTACH DATABASE ?1 AS copy", [path])?;
        let emptied = self.connection.execute_batch(
            "PRAGMA copy.journal_mode = MEMORY;
             PRAGMA copy.secure_delete = ON;
             DELETE FROM copy.operations;
             DELETE FROM copy.named_operations;
             UPDATE copy.store_state SET indexed = 0, segments = 0;
             DELETE FROM copy.search_segments;
             DELETE FROM copy.search_pieces;
             DELETE FROM copy.search_pending;",
        );
        self.connection.execute("DETACH DATABASE copy", [])?;
        Ok(emptied?)
    }

    /// Replaces every row by those of the database file `path`, after checking it; once, if it is
    /// an operation. `fingerprint` stands for the file.
    ///
    /// # Errors
    /// `not-a-database`, `corrupt`, `schema-too-new`, `unsupported-format`, `quota-exceeded`. The
    /// rows are as they were.
    pub fn restore_from(
        &mut self,
        path: &str,
        operation: Option<&Operation>,
        fingerprint: i64,
    ) -> Result<()> {
        if let Some(operation) = operation
            && let Some(()) = self.recorded(operation, fingerprint)?
        {
            return Ok(());
        }
        self.let_go("incoming");
        self.connection
            .execute("ATTACH DATABASE ?1 AS incoming", [path])
            .map_err(|error| of_the_file(error.into()))?;
        let restored = self
            .check_incoming()
            .and_then(|()| self.once(operation, fingerprint, Self::replace_by_incoming));
        let detached = self.connection.execute("DETACH DATABASE incoming", []);
        restored?;
        detached?;
        Ok(())
    }

    /// Opens a copy of a database file for [`Store::merge`]. The copy is changed.
    ///
    /// # Errors
    /// As of [`Store::restore_from`].
    pub fn open_copy(path: &str, vfs: Option<&str>, env: Env) -> Result<Self> {
        let copy = Self::open(Location::Copy { path, vfs }, Durability::Relaxed, env)
            .map_err(of_the_file)?;
        check_integrity(&copy.connection, "main")?;
        Ok(copy)
    }

    /// Says that the file is whole, by SQLite's integrity check.
    ///
    /// # Errors
    /// `corrupt`.
    pub fn verify(&self) -> Result<()> {
        let damage = engine::damage(&self.connection, "PRAGMA main.integrity_check(8)")?;
        if damage.is_empty() {
            return Ok(());
        }
        Err(StoreError::new(
            ErrorCode::Corrupt,
            format!(
                "the database is damaged ({}); nothing was changed",
                engine::in_brief(&damage)
            ),
        ))
    }

    /// Detaches what an earlier call could not, for want of memory: it would be in the way.
    fn let_go(&self, name: &str) {
        if !planted(Bug::StaysAttached) {
            // Most often nothing of that name is there.
            let _ = self
                .connection
                .execute(&format!("DETACH DATABASE {name}"), []);
        }
    }

    fn check_incoming(&self) -> Result<()> {
        match schema::inspect(&self.connection, "incoming").map_err(of_the_file)? {
            Found::Ours { version, .. } if version > schema::VERSION => {
                return Err(schema::too_new(version));
            }
            Found::Lesson | Found::Ours { .. } => {}
            Found::Empty => return Err(unsupported("it holds no tables")),
            Found::Damaged { reason } => return Err(damaged(&reason)),
            Found::Foreign { reason } => return Err(unsupported(&reason)),
        }
        check_integrity(&self.connection, "incoming")
    }

    fn replace_by_incoming(&mut self) -> Result<()> {
        self.write(|writing| {
            let connection = writing.connection;
            // Also for a value that the schema or its types refuse.
            replace_rows(connection).map_err(|error| of_the_file(error.into()))?;
            check_ids(connection)?;
            writing.changes.push(Change::Reset);
            Ok(())
        })?;
        self.index.forget();
        // The same as an import of the file gives.
        self.derive_uids()?;
        self.write(heal::heal_all)?;
        // Their tabs are not here.
        self.heal_streams(&[] as &[&str])
    }
}

fn replace_rows(transaction: &Connection) -> rusqlite::Result<()> {
    conversations::clear(transaction)?;
    for table in ["conversations", "messages"] {
        // Both have it: the file was looked at.
        let columns = common_columns(transaction, table)?.unwrap_or_default();
        if table == "messages" {
            // With foreign keys off the other program can leave messages without a conversation.
            transaction.execute_batch(
                "INSERT INTO conversations (id, title, created_at, updated_at, revision)
                   SELECT conversation_id, 'Recovered messages', min(created_at), max(created_at), 1
                   FROM incoming.messages m
                   WHERE NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = m.conversation_id)
                   GROUP BY conversation_id;",
            )?;
        }
        transaction.execute_batch(&format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM incoming.{table};"
        ))?;
    }
    for table in [
        "growth",
        "growing",
        "blobs",
        "blob_pieces",
        "blob_refs",
        "deleted_imports",
    ] {
        if let Some(columns) = common_columns(transaction, table)? {
            transaction.execute_batch(&format!(
                "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM incoming.{table};"
            ))?;
        }
    }
    // Who writes there is nobody here.
    transaction.execute_batch("UPDATE growing SET writer = NULL")?;
    take_spent_ids(transaction)
}

/// Ids that the file's database gave out and deleted are spent too, so that backups and their
/// restores elsewhere name one thing by one id. The file's word is taken only within reason: a
/// forged one must not use up all ids.
fn take_spent_ids(transaction: &Connection) -> rusqlite::Result<()> {
    if common_columns(transaction, "store_state")?.is_none() {
        return Ok(());
    }
    for column in ["last_conversation_id", "last_message_id"] {
        transaction.execute(
            &format!(
                "UPDATE main.store_state SET {column} = max({column}, coalesce(
                   (SELECT max({column}) FROM incoming.store_state
                    WHERE typeof({column}) = 'integer' AND {column} BETWEEN 0 AND ?1), 0))"
            ),
            [MAX_SAFE_INTEGER / 2],
        )?;
    }
    Ok(())
}

/// The columns that both databases' tables of that name have, quoted, ours in order.
fn common_columns(transaction: &Connection, table: &str) -> rusqlite::Result<Option<String>> {
    let columns = transaction.row(
        "SELECT group_concat('\"' || ours.name || '\"', ', ')
             FROM pragma_table_info(?1, 'main') ours
             JOIN pragma_table_info(?1, 'incoming') theirs USING (name)",
        params![table],
        |row| row.get(0),
    )?;
    Ok(columns)
}

fn check_ids(transaction: &Connection) -> Result<()> {
    let outside: bool = transaction.row(
        "SELECT EXISTS (SELECT 1 FROM conversations WHERE id < 1 OR id >= ?1)
             OR EXISTS (SELECT 1 FROM messages WHERE id < 1 OR id >= ?1)",
        params![MAX_SAFE_INTEGER],
        |row| row.get(0),
    )?;
    if outside {
        return Err(unsupported("a row's id is not between 1 and 2^53 - 2"));
    }
    Ok(())
}

/// Fails if the file of a schema is damaged, or cannot be read.
fn check_integrity(connection: &Connection, schema: &str) -> Result<()> {
    // The damage that it understands is reported as rows; on the rest it fails.
    let check = format!("PRAGMA {schema}.integrity_check(8)");
    let damage = engine::damage(connection, &check).map_err(of_the_file)?;
    if damage.is_empty() {
        return Ok(());
    }
    Err(damaged(&engine::in_brief(&damage)))
}

/// An error of reading the file, in words that do not sound as if the store were damaged.
fn of_the_file(error: StoreError) -> StoreError {
    match error.code {
        // It has other columns than this package's.
        ErrorCode::Corrupt if error.message.starts_with(engine::UNFIT) => {
            unsupported(&error.message)
        }
        ErrorCode::Corrupt => damaged("it cannot be read"),
        ErrorCode::NotADatabase => StoreError::new(
            ErrorCode::NotADatabase,
            "file is not a SQLite database; nothing was restored",
        ),
        ErrorCode::Internal => unsupported(&error.message),
        _ => error,
    }
}

fn damaged(reason: &str) -> StoreError {
    StoreError::new(
        ErrorCode::Corrupt,
        format!("file is a damaged database ({reason}); nothing was restored"),
    )
}

fn unsupported(reason: &str) -> StoreError {
    StoreError::new(
        ErrorCode::UnsupportedFormat,
        format!(
            "file is a SQLite database, but not of a conversation store: {reason}; nothing was restored"
        ),
    )
}
