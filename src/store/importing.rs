//! Import and export of whole conversations, in the form that every format is brought to.
//!
//! A batch is one transaction, each conversation an attempt of its own in it: one that cannot be taken
//! loses nothing else. A row remembers the fingerprint it was imported with, by which is told whether
//! it has been edited here since.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::body;
use super::conversations::{self, Chat};
use super::engine::Ask;
use super::messages::{self, NewRow};
use super::tree::{self, Node};
use super::{Store, Writing, engine};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{
    ChangeOp, ConflictRule, ConversationKey, ImportCounts, ImportFailure, ImportedChat,
    ImportedMessage, ImportingOptions, Json, Message, NewConversation, Status, check_title,
    check_uid, stable_print, tags_json,
};
use crate::time::Timestamp;

/// Messages of a batch, about.
const BATCH: usize = 200;

/// What a uid begins with that was made for a row of another program as its file was read.
pub(super) const DERIVED: &str = "derived-";

impl Store {
    /// Takes conversations in, each wholly or not at all.
    ///
    /// # Errors
    /// `not-found` if there is no conversation to take them into, and those of the storage; what is wrong
    /// with one conversation is told in the counts.
    pub fn import_batch(
        &mut self,
        chats: &[ImportedChat],
        options: &ImportingOptions,
    ) -> Result<ImportCounts> {
        self.atomically(|store| {
            if let Some(key) = &options.conversation_id {
                conversations::require(&store.connection, key)?;
            }
            let mut counts = ImportCounts::default();
            for chat in chats {
                let taken = store.attempt(|store| {
                    let mut own = ImportCounts::default();
                    store.write(|writing| import(writing, chat, options, &mut own))?;
                    Ok(own)
                });
                match taken {
                    Ok(own) => add(&mut counts, own),
                    Err(error) if is_of_the_entry(error.code) => {
                        counts.conversations.failed += 1;
                        counts.messages.failed += chat.messages.len() as i64;
                        counts.failures.push(ImportFailure {
                            kind: "conversation".to_owned(),
                            id: chat.uid.clone(),
                            code: error.code,
                            message: error.message,
                        });
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(counts)
        })
    }

    /// Gives what another program wrote uids that are the same each time its file is read: derived
    /// from content and place.
    pub(super) fn derive_uids(&mut self) -> Result<()> {
        self.write(|writing| {
            let connection = writing.connection;
            connection.execute_batch(
                "INSERT INTO conversations (id, title, created_at, updated_at, revision)
                 SELECT conversation_id, 'Recovered messages', min(created_at), max(created_at), 1
                 FROM messages m
                 WHERE NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = m.conversation_id)
                 GROUP BY conversation_id",
            )?;
            let unnamed = |sql: &str| -> Result<Vec<(i64, String)>> {
                Ok(connection.rows(sql, params![], |row| {
                    let texts: Vec<_> = (1..5)
                        .map(|column| engine::text(row, column))
                        .collect::<rusqlite::Result<_>>()?;
                    let texts: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
                    let uid = format!("{DERIVED}{:016x}", stable_print(&texts));
                    Ok((row.get(0)?, uid))
                })?)
            };
            for (table, sql) in [
                (
                    "conversations",
                    "SELECT id, id, created_at, '', '' FROM conversations WHERE uid IS NULL",
                ),
                (
                    "messages",
                    "SELECT id, id, conversation_id, role, content FROM messages WHERE uid IS NULL",
                ),
            ] {
                let mut update =
                    connection.prepare(&format!("UPDATE {table} SET uid = ?2 WHERE id = ?1"))?;
                for (id, uid) in unnamed(sql)? {
                    update.execute(params![id, uid])?;
                }
            }
            Ok(())
        })
    }

    /// Takes in what another store holds, a batch at a time; `step` is called after each and may
    /// end it.
    ///
    /// # Errors
    /// Those of reading, writing and `step`; what was taken in before stays.
    pub fn merge(
        &mut self,
        other: &Self,
        options: &ImportingOptions,
        mut step: impl FnMut(&ImportCounts) -> Result<()>,
    ) -> Result<ImportCounts> {
        self.merge_blobs(other)?;
        let ids = other.connection.rows::<i64>(
            "SELECT id FROM conversations ORDER BY id",
            params![],
            |row| row.get(0),
        )?;
        let mut all = ImportCounts::default();
        let mut batch = Vec::new();
        let mut messages = 0;
        for (index, id) in ids.iter().enumerate() {
            if let Some(chat) = other.export_chat(&ConversationKey::Id(*id))? {
                messages += chat.messages.len();
                batch.push(chat);
            }
            if messages >= BATCH || index + 1 == ids.len() {
                add(&mut all, self.import_batch(&batch, options)?);
                batch.clear();
                messages = 0;
                step(&all)?;
            }
        }
        Ok(all)
    }

    /// A whole conversation, all its branches; `None` if there is none of that key.
    ///
    /// # Errors
    /// Those of reading.
    pub fn export_chat(&self, key: &ConversationKey) -> Result<Option<ImportedChat>> {
        let connection = &self.connection;
        let Some(row) = self.get_conversation(key)? else {
            return Ok(None);
        };
        let query = crate::model::MessageQuery {
            branches: Some(crate::model::Branches::All),
            ..Default::default()
        };
        let tags = row.tags.as_deref().unwrap_or("[]");
        // No row where it is none, which is damage.
        let tags: String =
            connection.row("SELECT ?1 WHERE json_valid(?1)", params![tags], |row| {
                row.get(0)
            })?;
        let tags = connection.rows("SELECT value FROM json_each(?1)", params![tags], |row| {
            engine::text(row, 0)
        })?;
        let source = connection.row(
            "SELECT source FROM conversations WHERE id = ?1",
            params![row.id],
            |row| engine::optional_text(row, 0),
        )?;
        let ids = connection.rows::<i64>(
            "SELECT id FROM messages WHERE conversation_id = ?1 ORDER BY id",
            params![row.id],
            |row| row.get(0),
        )?;
        let messages = self.messages_for(&ConversationKey::Id(row.id), &query)?;
        let messages = in_order(messages, &ids);
        Ok(Some(ImportedChat {
            uid: row.uid,
            title: row.title,
            brain: Some(row.brain),
            created_at: Some(row.created_at),
            updated_at: Some(row.updated_at),
            pinned: row.pinned,
            archived: row.archived,
            trashed_at: row.trashed_at,
            tags,
            metadata: row.metadata,
            source,
            head: Some(row.head_uid),
            messages: messages.into_iter().map(exported).collect(),
        }))
    }
}

/// Messages in the order of these ids, in which they came, but parents before children: siblings stay
/// in their order.
fn in_order(messages: Vec<Message>, ids: &[i64]) -> Vec<Message> {
    let mut ordered = Vec::with_capacity(messages.len());
    let place: HashMap<i64, usize> = messages
        .iter()
        .enumerate()
        .map(|(at, it)| (it.id, at))
        .collect();
    let mut left: Vec<Option<Message>> = messages.into_iter().map(Some).collect();
    for id in ids {
        // Of one whose parent came later, the parents that are not out yet go first.
        let mut chain = Vec::new();
        let mut next = Some(*id);
        while let Some(at) = next.and_then(|id| place.get(&id)) {
            let Some(message) = &left[*at] else { break };
            next = message.parent_id;
            chain.push(*at);
        }
        ordered.extend(chain.iter().rev().filter_map(|at| left[*at].take()));
    }
    ordered
}

fn exported(message: Message) -> ImportedMessage {
    ImportedMessage {
        uid: message.uid,
        parent: Some(message.parent_uid),
        role: message.role,
        content: message.content,
        parts: message.parts,
        created_at: Some(message.created_at),
        status: Some(message.status),
        model: message.model,
        usage: message.usage,
        finish_reason: message.finish_reason,
        error: message.error,
        metadata: message.metadata,
        source: message.source,
    }
}

/// Whether an error says something of what was to be imported, rather than of the storage.
fn is_of_the_entry(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidArgument | ErrorCode::Conflict | ErrorCode::NotFound
    )
}

fn add(all: &mut ImportCounts, own: ImportCounts) {
    for (sum, counts) in [
        (&mut all.conversations, own.conversations),
        (&mut all.messages, own.messages),
    ] {
        sum.created += counts.created;
        sum.updated += counts.updated;
        sum.skipped += counts.skipped;
        sum.failed += counts.failed;
    }
    all.ids.extend(own.ids);
    all.failures.extend(own.failures);
}

/// What of a conversation is compared, to see whether it was touched since its import.
fn chat_print(
    title: &str,
    brain: &str,
    flags: (bool, bool, bool),
    tags: &Option<Json>,
    metadata: &Option<Json>,
) -> i64 {
    let (pinned, archived, trashed) = flags;
    let flag = |set: bool| set.then_some("");
    stable_print(&[
        Some(title),
        Some(brain),
        flag(pinned),
        flag(archived),
        flag(trashed),
        tags.as_deref(),
        metadata.as_deref(),
    ])
}

/// The same of a message. Its place and time are not compared.
fn message_print(message: &Message) -> i64 {
    stable_print(&[
        Some(message.role.as_str()),
        Some(&message.content),
        message.parts.as_deref(),
        Some(message.status.as_str()),
        message.model.as_deref(),
        message.usage.as_deref(),
        message.finish_reason.as_deref(),
        message.error.as_deref(),
        message.metadata.as_deref(),
        message.source.as_deref(),
    ])
}

/// The same of a message that is to be one.
fn row_print(row: &NewRow) -> i64 {
    stable_print(&[
        Some(row.role.as_str()),
        Some(&row.body.content),
        row.body.parts.as_deref(),
        Some(row.status.as_str()),
        row.model.as_deref(),
        row.usage.as_deref(),
        row.finish_reason.as_deref(),
        row.error.as_deref(),
        row.metadata.as_deref(),
        row.source.as_deref(),
    ])
}

/// Which messages lie between one and the first, as a file has them.
fn path_to(given: &ImportedChat, head: Option<&str>) -> Vec<bool> {
    let mut path = vec![false; given.messages.len()];
    let place: HashMap<&str, usize> = given
        .messages
        .iter()
        .enumerate()
        .map(|(at, message)| (message.uid.as_str(), at))
        .collect();
    let mut next = head.and_then(|uid| place.get(uid).copied());
    while let Some(at) = next {
        if std::mem::replace(&mut path[at], true) {
            break;
        }
        next = match &given.messages[at].parent {
            Some(parent) => parent
                .as_ref()
                .and_then(|uid| place.get(uid.as_str()).copied()),
            None => at.checked_sub(1),
        };
    }
    path
}

fn import(
    writing: &mut Writing<'_>,
    given: &ImportedChat,
    options: &ImportingOptions,
    counts: &mut ImportCounts,
) -> Result<()> {
    check_uid(&given.uid)?;
    let into = match &options.conversation_id {
        Some(key) => Some(conversations::require(writing.connection, key)?),
        None => conversations::find(writing.connection, &ConversationKey::Uid(given.uid.clone()))?
            .filter(|_| options.conflict != ConflictRule::Duplicate),
    };
    let is_known = into.is_some();
    if let Some(chat) = &into
        && options.conversation_id.is_none()
        && options.conflict == ConflictRule::Keep
    {
        counts.ids.push(chat.id);
        counts.conversations.skipped += 1;
        counts.messages.skipped += given.messages.len() as i64;
        return Ok(());
    }
    let mut chat = match into {
        Some(chat) => {
            if options.conversation_id.is_none() {
                update_chat(writing, &chat, given, counts)?;
            }
            chat
        }
        None => {
            counts.conversations.created += 1;
            create_chat(writing, given, options.conflict)?
        }
    };
    counts.ids.push(chat.id);
    let before = chat.head_uid.clone();
    let last = given.messages.last().map(|message| message.uid.clone());
    let is_there = |uid: &String| given.messages.iter().any(|message| message.uid == *uid);
    let wanted = match &given.head {
        Some(head) if head.as_ref().is_none_or(is_there) => head.clone(),
        _ => last,
    };
    // What is new is written where it belongs, once.
    let path = if is_known {
        vec![false; given.messages.len()]
    } else {
        path_to(given, wanted.as_deref())
    };
    let (created, is_loose) = import_messages(writing, &chat, given, &path, counts)?;

    // The head goes where the file has it, unless it has been moved here.
    let imported_head: Option<String> = writing.connection.row(
        "SELECT imported_head FROM conversations WHERE id = ?1",
        params![chat.id],
        |row| engine::optional_text(row, 0),
    )?;
    let is_free = !is_known || before.is_none() || before == imported_head;
    if (is_free || options.conversation_id.is_some())
        && wanted != before
        && let Some(head) = &wanted
        && let Some(node) = tree::by_uid(writing.connection, chat.id, head)?
    {
        if is_loose {
            tree::set_path(writing.connection, chat.id, &[])?;
        }
        if !node.on_path || is_known || is_loose {
            tree::show_path(writing.connection, chat.id, Some(node.id))?;
        }
        (chat.head, chat.head_uid) = (Some(node.id), Some(node.uid));
    }
    if created > 0 || chat.head_uid != before {
        if is_known && counts.conversations.skipped > 0 {
            counts.conversations.skipped = 0;
            counts.conversations.updated = 1;
        }
        let at = if options.conversation_id.is_some() {
            Some(writing.now)
        } else {
            newest(writing.connection, chat.id)?
        };
        conversations::touch(writing, &chat, at.filter(|_| created > 0), created)?;
    }
    if is_free && wanted != imported_head {
        writing.connection.run(
            "UPDATE conversations SET imported_head = ?2, revision = coalesce(revision, 0) + 1
                 WHERE id = ?1",
            params![chat.id, wanted],
        )?;
    }
    Ok(())
}

fn newest(connection: &Connection, conversation: i64) -> Result<Option<Timestamp>> {
    Ok(connection.row(
        "SELECT max(created_at) FROM messages WHERE conversation_id = ?1",
        params![conversation],
        |row| engine::optional_time(row, 0),
    )?)
}

fn create_chat(
    writing: &mut Writing<'_>,
    given: &ImportedChat,
    conflict: ConflictRule,
) -> Result<Chat> {
    let is_known =
        conversations::find(writing.connection, &ConversationKey::Uid(given.uid.clone()))?
            .is_some();
    let fields = NewConversation {
        uid: (!(is_known && conflict == ConflictRule::Duplicate)).then(|| given.uid.clone()),
        created_at: given.created_at,
        updated_at: given.updated_at,
        pinned: Some(given.pinned),
        archived: Some(given.archived),
        tags: Some(given.tags.clone()),
        metadata: given.metadata.clone(),
        ..NewConversation::default()
    };
    let chat = conversations::create(writing, &given.title, given.brain.as_deref(), &fields)?;
    note_chat(writing, chat.id, given)?;
    Ok(chat)
}

/// Notes what a new conversation's row has not yet, and what it was imported with.
fn note_chat(writing: &mut Writing<'_>, id: i64, given: &ImportedChat) -> Result<()> {
    body::check_json(writing.connection, "source", given.source.as_deref())?;
    writing
        .connection
        .run(
            "UPDATE conversations SET source = ?2, trashed_at = ?3, revision = revision + 1 WHERE id = ?1",
            params![
                id,
                given.source,
                given.trashed_at.map(Timestamp::to_sql)
            ],
        )?;
    writing.connection.run(
        "UPDATE conversations SET imported = ?2 WHERE id = ?1",
        params![id, print_of_chat(writing.connection, id)?],
    )?;
    Ok(())
}

fn print_of_chat(connection: &Connection, id: i64) -> Result<i64> {
    Ok(connection.row(
        "SELECT title, brain, pinned, archived, trashed_at IS NOT NULL, tags, metadata
             FROM conversations WHERE id = ?1",
        params![id],
        |row| {
            Ok(chat_print(
                &engine::text(row, 0)?,
                &engine::text(row, 1)?,
                (row.get(2)?, row.get(3)?, row.get(4)?),
                &engine::optional_text(row, 5)?,
                &engine::optional_text(row, 6)?,
            ))
        },
    )?)
}

fn update_chat(
    writing: &mut Writing<'_>,
    chat: &Chat,
    given: &ImportedChat,
    counts: &mut ImportCounts,
) -> Result<()> {
    let connection = writing.connection;
    let imported: Option<i64> = connection.row(
        "SELECT imported FROM conversations WHERE id = ?1",
        params![chat.id],
        |row| row.get(0),
    )?;
    let here = print_of_chat(connection, chat.id)?;
    let tags = tags_json(&given.tags)?;
    let held: String = connection.row(
        "SELECT brain FROM conversations WHERE id = ?1",
        params![chat.id],
        |row| engine::text(row, 0),
    )?;
    // What the file does not say stays.
    let brain = given.brain.as_deref().unwrap_or(&held);
    let flags = (given.pinned, given.archived, given.trashed_at.is_some());
    let theirs = chat_print(&given.title, brain, flags, &tags, &given.metadata);
    if theirs == here {
        counts.conversations.skipped += 1;
        return Ok(());
    }
    if imported != Some(here) {
        counts.conversations.skipped += 1;
        counts.failures.push(kept("conversation", &given.uid));
        return Ok(());
    }
    check_title(&given.title)?;
    crate::model::check_brain(brain)?;
    body::check_json(connection, "metadata", given.metadata.as_deref())?;
    connection
        .run(
            "UPDATE conversations SET title = ?2, brain = ?3, pinned = ?4, archived = ?5, trashed_at = ?6,
               tags = ?7, metadata = ?8, source = ?9, imported = ?10, revision = coalesce(revision, 0) + 1
             WHERE id = ?1",
            params![
                chat.id,
                given.title,
                brain,
                given.pinned,
                given.archived,
                given.trashed_at.map(Timestamp::to_sql),
                tags,
                given.metadata,
                given.source,
                theirs
            ],
        )?;
    counts.conversations.updated += 1;
    writing.changed_conversation(ChangeOp::Update, chat.id, &chat.uid);
    Ok(())
}

fn kept(kind: &str, uid: &str) -> ImportFailure {
    ImportFailure {
        kind: kind.to_owned(),
        id: uid.to_owned(),
        code: ErrorCode::Conflict,
        message: "it was changed here since it was imported: what is here was kept".to_owned(),
    }
}

/// Takes the messages of a conversation in: how many are new, and whether one names a parent that is
/// not there before it.
fn import_messages(
    writing: &mut Writing<'_>,
    chat: &Chat,
    given: &ImportedChat,
    path: &[bool],
    counts: &mut ImportCounts,
) -> Result<(i64, bool)> {
    let connection = writing.connection;
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(given.messages.len());
    let mut nodes: Vec<Node> = Vec::with_capacity(given.messages.len());
    // What stands on its own follows what is there already.
    let mut before: Option<Node> = match chat.head {
        Some(head) if !given.messages.iter().any(|it| it.parent.is_some()) => {
            let mut is_known = given.messages.is_empty();
            for message in &given.messages {
                is_known |= tree::by_uid(connection, chat.id, &message.uid)?.is_some()
                    || is_deleted(connection, chat.id, &message.uid)?;
            }
            if is_known {
                None
            } else {
                tree::by_id(connection, head)?
            }
        }
        _ => None,
    };
    let mut created = 0;
    let mut is_loose = false;
    for (index, message) in given.messages.iter().enumerate() {
        let in_place = |error: StoreError| StoreError {
            message: format!("messages[{index}]: {}", error.message),
            ..error
        };
        check_uid(&message.uid).map_err(in_place)?;
        if known.contains_key(message.uid.as_str()) {
            return Err(in_place(StoreError::invalid(format!(
                "two messages have the uid '{}'",
                message.uid
            ))));
        }
        let parent = match &message.parent {
            None => before.clone(),
            Some(None) => None,
            Some(Some(uid)) => {
                let parent = match known.get(uid.as_str()) {
                    Some(at) => Some(nodes[*at].clone()),
                    None => tree::by_uid(connection, chat.id, uid)?,
                };
                is_loose |= parent.is_none();
                parent
            }
        };
        let earliest = parent.as_ref().map_or(chat.created_at, |it| it.created_at);
        let row = row_of(writing, message, earliest).map_err(in_place)?;
        let node = match tree::by_uid(connection, chat.id, &message.uid)? {
            None if is_deleted(connection, chat.id, &message.uid)? => {
                counts.messages.skipped += 1;
                // What follows it follows its parent, as when it was deleted.
                if let Some(parent) = parent {
                    before = Some(parent.clone());
                    known.insert(&message.uid, nodes.len());
                    nodes.push(parent);
                } else {
                    before = None;
                }
                continue;
            }
            None => {
                created += 1;
                counts.messages.created += 1;
                let on_path = path[index];
                let row = NewRow {
                    imported: Some(row_print(&row)),
                    ..row
                };
                messages::insert(writing, chat, parent.as_ref(), on_path, &row)?
            }
            Some(node) => {
                update_message(writing, &node, row, message.status, counts)?;
                node
            }
        };
        before = Some(node.clone());
        known.insert(&message.uid, nodes.len());
        nodes.push(node);
    }
    Ok((created, is_loose))
}

/// Whether a message was imported before, and deleted here since.
fn is_deleted(connection: &Connection, conversation: i64, uid: &str) -> Result<bool> {
    Ok(connection.row(
        "SELECT EXISTS (SELECT 1 FROM deleted_imports WHERE conversation_id = ?1 AND uid = ?2)",
        params![conversation, uid],
        |row| row.get(0),
    )?)
}

fn row_of(writing: &Writing<'_>, message: &ImportedMessage, earliest: Timestamp) -> Result<NewRow> {
    let connection = writing.connection;
    body::check_jsons(
        connection,
        [
            message.usage.as_deref(),
            message.error.as_deref(),
            message.metadata.as_deref(),
            message.source.as_deref(),
        ],
    )?;
    let content = match &message.parts {
        // Its text says it.
        Some(_) if message.content.is_empty() => None,
        _ => Some(message.content.as_str()),
    };
    Ok(NewRow {
        uid: message.uid.clone(),
        role: message.role,
        body: body::body(connection, content, message.parts.as_deref())?,
        created_at: message.created_at.unwrap_or(earliest),
        status: message.status.unwrap_or_default(),
        model: message.model.clone(),
        usage: message.usage.clone(),
        finish_reason: message.finish_reason.clone(),
        error: message.error.clone(),
        metadata: message.metadata.clone(),
        source: message.source.clone(),
        imported: None,
    })
}

fn note_message(connection: &Connection, id: i64, print: i64) -> Result<()> {
    connection.run(
        "UPDATE messages SET imported = ?2, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
        params![id, print],
    )?;
    Ok(())
}

fn update_message(
    writing: &mut Writing<'_>,
    node: &Node,
    row: NewRow,
    status: Option<Status>,
    counts: &mut ImportCounts,
) -> Result<()> {
    let connection = writing.connection;
    let Some(before) = messages::get(connection, node.id)? else {
        return Ok(());
    };
    // What the file does not say stays.
    let after = Message {
        role: row.role,
        content: row.body.content,
        parts: row.body.parts,
        status: status.unwrap_or(before.status),
        model: row.model.or_else(|| before.model.clone()),
        usage: row.usage.or_else(|| before.usage.clone()),
        finish_reason: row.finish_reason.or_else(|| before.finish_reason.clone()),
        error: row.error.or_else(|| before.error.clone()),
        metadata: row.metadata.or_else(|| before.metadata.clone()),
        source: row.source.or_else(|| before.source.clone()),
        ..before.clone()
    };
    let (here, theirs) = (message_print(&before), message_print(&after));
    if here == theirs {
        counts.messages.skipped += 1;
        return Ok(());
    }
    let imported: Option<i64> = connection
        .row(
            "SELECT imported FROM messages WHERE id = ?1",
            params![node.id],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    if imported != Some(here) {
        counts.messages.skipped += 1;
        counts.failures.push(kept("message", &node.uid));
        return Ok(());
    }
    messages::rewrite(writing, &before, &after)?;
    note_message(connection, node.id, theirs)?;
    counts.messages.updated += 1;
    Ok(())
}
