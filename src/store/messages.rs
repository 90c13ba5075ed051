//! Messages: add, read a path page by page, read one, change, delete; the branches of a chat.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::body::{self, Body};
use super::conversations::{self, Chat};
use super::engine::Ask;
use super::tree::{self, Node};
use super::{Change, Store, Writing, blobs, engine, growth};
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::{
    AddedMessage, Branch, Branches, ChangeOp, ConversationKey, Json, Message, MessageCursor,
    MessageKey, MessagePatch, MessageQuery, NewConversation, NewMessage, Role, RowChange, RowKind,
    Status, check_uid,
};
use crate::time::Timestamp;

const COLUMNS: &str = "m.id, m.uid, m.conversation_id, m.parent_id, m.role, m.content, m.parts, \
     m.created_at, m.status, m.model, m.usage, m.finish_reason, m.error, m.metadata, m.source";

/// Where a page of messages begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// From the oldest on.
    Oldest,
    /// From the newest back.
    Newest,
    /// From a message back, without it.
    Before,
    /// From a message on, without it.
    After,
}

impl Store {
    /// Adds a message to a conversation, whose `updated_at` it moves: after the head, unless
    /// `extra.parent_id` names another place. Of a uid that the conversation has, the row there is
    /// stands.
    ///
    /// Its time is the clock's, but never below that of the message it follows, or of the
    /// conversation: a clock that was set back reorders nothing.
    ///
    /// # Errors
    /// `not-found`, of the conversation or the parent; `invalid-argument` for a field out of bounds;
    /// `conflict` for a known uid with other content.
    pub fn add_message(
        &mut self,
        key: &ConversationKey,
        role: Role,
        content: Option<&str>,
        extra: &NewMessage,
    ) -> Result<AddedMessage> {
        self.write(|writing| add(writing, key, role, content, extra))
    }

    /// Messages of a conversation, oldest first, always: those of the path to its head, or all,
    /// parents before children. An absent conversation has none.
    ///
    /// # Errors
    /// `invalid-argument` if both cursors are given; `conflict` if the message of the cursor is
    /// not (or no longer) among them.
    pub fn messages_for(
        &self,
        key: &ConversationKey,
        query: &MessageQuery,
    ) -> Result<Vec<Message>> {
        let connection = &self.connection;
        let Some(chat) = conversations::find(connection, key)? else {
            return Ok(Vec::new());
        };
        let (page, cursor) = match (&query.before, &query.after) {
            (Some(_), Some(_)) => {
                return Err(StoreError::invalid(
                    "query has both before and after: give one of them",
                ));
            }
            (Some(cursor), None) => (Page::Before, Some(cursor)),
            (None, Some(cursor)) => (Page::After, Some(cursor)),
            (None, None) if query.limit.is_some() => (Page::Newest, None),
            (None, None) => (Page::Oldest, None),
        };
        let all = query.branches == Some(Branches::All);
        let place = cursor
            .map(|cursor| place(connection, &chat, cursor, all))
            .transpose()?;
        let limit = query.limit.map_or(i64::MAX, i64::from);
        let sql = page_sql(page, all);
        let (depth, on_path, id) = place.map_or((None, None, None), |node| {
            (Some(node.depth), Some(node.on_path), Some(node.id))
        });
        let mut messages =
            connection.rows(&sql, params![chat.id, limit, depth, on_path, id], message)?;
        if matches!(page, Page::Before | Page::Newest) {
            messages.reverse();
        }
        complete(connection, &chat, &mut messages)?;
        if query.inline_blobs {
            for message in &mut messages {
                blobs::inline(connection, message)?;
            }
        }
        Ok(messages)
    }

    /// One message, or `None` if there is none of that key.
    ///
    /// # Errors
    /// `conflict` if the key is a bare uid that messages of two conversations have.
    pub fn get_message(&self, key: &MessageKey) -> Result<Option<Message>> {
        match tree::find(&self.connection, key)? {
            Some(node) => get(&self.connection, node.id),
            None => Ok(None),
        }
    }

    /// Changes a message. `updated_at` of its conversation moves if its text or parts change, or if it
    /// ends streaming.
    ///
    /// # Errors
    /// `not-found`; `invalid-argument` for a value out of bounds; `conflict` for a bare uid of two
    /// conversations.
    pub fn update_message(&mut self, key: &MessageKey, patch: &MessagePatch) -> Result<()> {
        self.write(|writing| update(writing, key, patch))
    }

    /// Deletes a message, for good. What followed it follows its parent; a head that it was moves
    /// there. Returns 0 or 1.
    ///
    /// # Errors
    /// `conflict` for a bare uid of two conversations.
    pub fn delete_message(&mut self, key: &MessageKey) -> Result<i64> {
        self.write(|writing| {
            let connection = writing.connection;
            let Some(node) = tree::find(connection, key)? else {
                return Ok(0);
            };
            let chat = ConversationKey::Id(node.conversation);
            let mut chat = conversations::require(connection, &chat)?;
            let children =
                tree::children(connection, node.conversation, Some(node.id), node.depth)?;
            let mut adopt = connection.prepare_cached(
                "UPDATE messages SET parent_id = ?2, revision = coalesce(revision, 0) + 1 WHERE id = ?1",
            )?;
            for child in children {
                adopt.execute(params![child, node.parent])?;
                let uid = uid_of(connection, child)?;
                writing.changed_message(ChangeOp::Update, child, &uid, &chat);
            }
            if chat.head == Some(node.id) {
                chat.head = node.parent;
                chat.head_uid = node
                    .parent
                    .map(|parent| uid_of(connection, parent))
                    .transpose()?;
            }
            connection
                .run(
                    "INSERT OR IGNORE INTO deleted_imports (conversation_id, uid)
                     SELECT conversation_id, uid FROM messages WHERE id = ?1 AND imported IS NOT NULL",
                    params![node.id],
                )?;
            connection
                .run("DELETE FROM messages WHERE id = ?1", params![node.id])?;
            writing.changed_message(ChangeOp::Delete, node.id, &node.uid, &chat);
            conversations::touch(writing, &chat, None, -1)?;
            Ok(1)
        })
    }

    /// A message beside its siblings, in the order in which they came; none of an absent one.
    ///
    /// # Errors
    /// `conflict` for a bare uid of two conversations.
    pub fn branches(&self, key: &MessageKey) -> Result<Vec<Branch>> {
        let connection = &self.connection;
        let Some(node) = tree::find(connection, key)? else {
            return Ok(Vec::new());
        };
        let chat = conversations::require(connection, &ConversationKey::Id(node.conversation))?;
        let depth = match node.parent {
            Some(parent) => tree::by_id(connection, parent)?.map_or(-1, |parent| parent.depth),
            None => -1,
        };
        let mut branches = Vec::new();
        for id in tree::children(connection, node.conversation, node.parent, depth)? {
            let (Some(message), Some(node)) = (get(connection, id)?, tree::by_id(connection, id)?)
            else {
                continue;
            };
            let (leaf_id, leaf_uid) = match (&chat.head, &chat.head_uid) {
                (Some(head), Some(uid)) if node.on_path => (*head, uid.clone()),
                _ => tree::leaf(connection, &node)?,
            };
            branches.push(Branch {
                message,
                on_path: node.on_path,
                leaf_id,
                leaf_uid,
            });
        }
        Ok(branches)
    }

    /// Copies the path to a message into a new conversation and returns its id. Texts, times and
    /// sources are the same, uids are new.
    ///
    /// # Errors
    /// `not-found`, of the conversation or the message.
    pub fn fork(&mut self, key: &ConversationKey, message: &MessageKey) -> Result<i64> {
        self.write(|writing| {
            let connection = writing.connection;
            let chat = conversations::require(connection, key)?;
            let last = tree::require_in(connection, chat.id, message)?;
            let mut path = vec![last.id];
            let mut at = last.parent;
            while let Some(id) = at {
                path.push(id);
                at = tree::by_id(connection, id)?.and_then(|node| node.parent);
            }
            let (title, brain, metadata, tags) = connection.row(
                "SELECT title, brain, metadata, tags FROM conversations WHERE id = ?1",
                params![chat.id],
                |row| {
                    Ok((
                        engine::text(row, 0)?,
                        engine::text(row, 1)?,
                        engine::optional_text(row, 2)?,
                        engine::optional_text(row, 3)?,
                    ))
                },
            )?;
            let extra = NewConversation {
                metadata,
                ..NewConversation::default()
            };
            let mut copy = conversations::create(writing, &title, Some(&brain), &extra)?;
            connection.run(
                "UPDATE conversations SET tags = ?2, revision = revision + 1 WHERE id = ?1",
                params![copy.id, tags],
            )?;
            let mut parent = None;
            let mut latest = None;
            let count = path.len() as i64;
            for id in path.into_iter().rev() {
                let Some(message) = get(connection, id)? else {
                    continue;
                };
                let at = message.created_at;
                let row = NewRow {
                    uid: writing.env.uid(at),
                    role: message.role,
                    body: Body {
                        content: message.content,
                        parts: message.parts,
                    },
                    created_at: at,
                    // Nobody goes on with the copy.
                    status: match message.status {
                        Status::Streaming => Status::Aborted,
                        status => status,
                    },
                    model: message.model,
                    usage: message.usage,
                    finish_reason: message.finish_reason,
                    error: message.error,
                    metadata: message.metadata,
                    source: message.source,
                    imported: None,
                };
                let node = insert(writing, &copy, parent.as_ref(), true, &row)?;
                copy.head = Some(node.id);
                copy.head_uid = Some(node.uid.clone());
                latest = latest.max(Some(at));
                parent = Some(node);
            }
            conversations::touch(writing, &copy, latest, count)?;
            Ok(copy.id)
        })
    }
}

fn uid_of(connection: &Connection, id: i64) -> Result<String> {
    Ok(connection.row(
        "SELECT uid FROM messages WHERE id = ?1",
        params![id],
        |row| engine::text(row, 0),
    )?)
}

/// A row to be inserted, checked.
pub(super) struct NewRow {
    pub uid: String,
    pub role: Role,
    pub body: Body,
    pub created_at: Timestamp,
    pub status: Status,
    pub model: Option<String>,
    pub usage: Option<Json>,
    pub finish_reason: Option<String>,
    pub error: Option<Json>,
    pub metadata: Option<Json>,
    pub source: Option<Json>,
    /// The fingerprint of what an import brought.
    pub imported: Option<i64>,
}

/// Checks what a caller gave of a message.
pub(super) fn checked(
    writing: &mut Writing<'_>,
    role: Role,
    content: Option<&str>,
    given: &NewMessage,
    extract: bool,
    earliest: Timestamp,
) -> Result<NewRow> {
    let connection = writing.connection;
    if let Some(uid) = given.given_uid() {
        check_uid(uid)?;
    }
    if let (Some(id), Some(uid)) = (&given.id, &given.uid)
        && id != uid
    {
        return Err(StoreError::invalid(format!(
            "id is '{id}' and uid is '{uid}': a string id is the uid, give one of them"
        )));
    }
    let (mut parts, mut metadata, mut source) = (
        given.parts.clone(),
        given.metadata.clone().flatten(),
        given.source.clone().flatten(),
    );
    if extract {
        for json in [&mut parts, &mut metadata, &mut source] {
            blobs::extract(writing, json)?;
        }
    }
    body::check_jsons(
        connection,
        [
            given.usage.as_ref().and_then(Option::as_deref),
            given.error.as_ref().and_then(Option::as_deref),
            metadata.as_deref(),
            source.as_deref(),
        ],
    )?;
    let content = content.or(given.content.as_deref());
    let body = body::body(connection, content, parts.as_deref())?;
    let created_at = given.created_at.unwrap_or(writing.now.max(earliest));
    Ok(NewRow {
        uid: match given.given_uid() {
            Some(uid) => uid.to_owned(),
            None => writing.env.uid(created_at),
        },
        role,
        body,
        created_at,
        status: given.status.unwrap_or_default(),
        model: given.model.clone().flatten(),
        usage: given.usage.clone().flatten(),
        finish_reason: given.finish_reason.clone().flatten(),
        error: given.error.clone().flatten(),
        metadata,
        source,
        imported: None,
    })
}

fn add(
    writing: &mut Writing<'_>,
    key: &ConversationKey,
    role: Role,
    content: Option<&str>,
    extra: &NewMessage,
) -> Result<AddedMessage> {
    let connection = writing.connection;
    let mut chat = conversations::require(connection, key)?;
    let parent = match &extra.parent_id {
        None => chat
            .head
            .map(|head| tree::by_id(connection, head))
            .transpose()?
            .flatten(),
        Some(None) => None,
        Some(Some(key)) => Some(tree::require_in(connection, chat.id, key)?),
    };
    let earliest = parent.as_ref().map_or(chat.created_at, |it| it.created_at);
    let extract = extra.extract_blobs.unwrap_or(false);
    let row = checked(writing, role, content, extra, extract, earliest)?;
    if extra.given_uid().is_some()
        && let Some(known) = tree::by_uid(connection, chat.id, &row.uid)?
    {
        return first(connection, known, &row);
    }
    let is_head = extra.head.unwrap_or(true);
    let continues = parent.as_ref().map(|it| it.id) == chat.head;
    let node = insert(writing, &chat, parent.as_ref(), is_head && continues, &row)?;
    if is_head {
        if !continues {
            tree::show_path(connection, chat.id, Some(node.id))?;
        }
        chat.head = Some(node.id);
        chat.head_uid = Some(node.uid.clone());
    }
    let at = writing.now.max(node.created_at);
    conversations::touch(writing, &chat, Some(at), 1)?;
    Ok(node.added())
}

/// The row there is of a uid, if it says the same.
fn first(connection: &Connection, known: Node, row: &NewRow) -> Result<AddedMessage> {
    let same = get(connection, known.id)?.is_some_and(|message| {
        message.role == row.role
            && message.content == row.body.content
            && message.parts == row.body.parts
    });
    if !same {
        return Err(StoreError::conflict(format!(
            "uid: the conversation has a message '{}' with other content: give a new one another uid, \
             or change it by updateMessage",
            row.uid
        )));
    }
    Ok(known.added())
}

/// Inserts a row below `parent`.
pub(super) fn insert(
    writing: &mut Writing<'_>,
    chat: &Chat,
    parent: Option<&Node>,
    on_path: bool,
    row: &NewRow,
) -> Result<Node> {
    let connection = writing.connection;
    let id = conversations::next_id(
        connection,
        "SELECT max(coalesce((SELECT max(id) FROM messages), 0), last_message_id)
             FROM store_state",
    )?;
    let depth = parent.map_or(0, |it| it.depth + 1);
    let status = (row.status != Status::Complete).then_some(row.status.as_str());
    connection
        .run(
            "INSERT INTO messages (id, uid, conversation_id, parent_id, depth, on_path, role, content,
               parts, created_at, status, model, usage, finish_reason, error, metadata, source, imported,
               revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, 1)",
            params![
                id,
                row.uid,
                chat.id,
                parent.map(|it| it.id),
                depth,
                on_path,
                row.role.as_str(),
                row.body.content,
                row.body.parts,
                row.created_at.to_sql(),
                status,
                row.model,
                row.usage,
                row.finish_reason,
                row.error,
                row.metadata,
                row.source,
                row.imported,
            ],
        )?;
    blobs::add_references(connection, chat.id, id, &row.body.content)?;
    for text in [&row.body.parts, &row.metadata, &row.source]
        .into_iter()
        .flatten()
    {
        blobs::add_references(connection, chat.id, id, text)?;
    }
    let node = Node {
        id,
        uid: row.uid.clone(),
        conversation: chat.id,
        parent: parent.map(|it| it.id),
        depth,
        on_path,
        created_at: row.created_at,
    };
    if row.status == Status::Streaming {
        growth::begin(writing, id)?;
    }
    writing.changed_message(ChangeOp::Insert, id, &row.uid, chat);
    Ok(node)
}

fn update(writing: &mut Writing<'_>, key: &MessageKey, patch: &MessagePatch) -> Result<()> {
    let connection = writing.connection;
    let node = tree::require(connection, key)?;
    let Some(before) = get(connection, node.id)? else {
        return Ok(());
    };
    let mut after = before.clone();
    let mut parts = patch.parts.clone().flatten();
    let mut metadata = patch.metadata.clone();
    if patch.extract_blobs {
        blobs::extract(writing, &mut parts)?;
        if let Some(metadata) = &mut metadata {
            blobs::extract(writing, metadata)?;
        }
    }
    if patch.content.is_some() || patch.parts.is_some() {
        let body = body::body(connection, patch.content.as_deref(), parts.as_deref())?;
        after.content = body.content;
        after.parts = body.parts;
    }
    after.status = patch.status.unwrap_or(after.status);
    if let Some(model) = &patch.model {
        after.model.clone_from(model);
    }
    if let Some(reason) = &patch.finish_reason {
        after.finish_reason.clone_from(reason);
    }
    for (name, value, field) in [
        ("usage", &patch.usage, &mut after.usage),
        ("error", &patch.error, &mut after.error),
        ("metadata", &metadata, &mut after.metadata),
    ] {
        if let Some(value) = value {
            body::check_json(connection, name, value.as_deref())?;
            field.clone_from(value);
        }
    }
    if after != before {
        rewrite(writing, &before, &after)?;
    }
    if after.status == Status::Streaming && patch.status.is_some() {
        growth::take_over(writing, node.id)?;
    }
    Ok(())
}

/// Writes a changed message, and moves its conversation's time where that is due.
pub(super) fn rewrite(writing: &mut Writing<'_>, before: &Message, after: &Message) -> Result<()> {
    let connection = writing.connection;
    let has_ended = before.status == Status::Streaming && after.status != Status::Streaming;
    let is_edited = before.content != after.content || before.parts != after.parts;
    let settles = is_edited || before.status != after.status || before.uid != after.uid;
    if settles {
        growth::settle(writing, after.id)?;
    }
    let status = (after.status != Status::Complete).then_some(after.status.as_str());
    // What grows beside it is not part of the row yet.
    let (content, parts) = if settles {
        (after.content.clone(), after.parts.clone())
    } else {
        stored_body(connection, after.id)?
    };
    connection.run(
        "UPDATE messages SET content = ?2, parts = ?3, status = ?4, model = ?5, usage = ?6,
               finish_reason = ?7, error = ?8, metadata = ?9, source = ?10, uid = ?11, role = ?12,
               revision = coalesce(revision, 0) + 1
             WHERE id = ?1",
        params![
            after.id,
            content,
            parts,
            status,
            after.model,
            after.usage,
            after.finish_reason,
            after.error,
            after.metadata,
            after.source,
            after.uid,
            after.role.as_str(),
        ],
    )?;
    if is_edited || (&before.metadata, &before.source) != (&after.metadata, &after.source) {
        let texts = [&after.parts, &after.metadata, &after.source].map(|it| it.as_deref());
        let [parts, metadata, source] = texts;
        let texts = [Some(after.content.as_str()), parts, metadata, source];
        blobs::refer(connection, after.conversation_id, after.id, &texts)?;
    }
    if settles && after.status == Status::Streaming {
        growth::begin(writing, after.id)?;
    }
    let chat = conversations::require(connection, &ConversationKey::Id(after.conversation_id))?;
    writing.changes.push(Change::Row(RowChange {
        former_uid: (before.uid != after.uid).then(|| before.uid.clone()),
        ..message_change(ChangeOp::Update, after.id, &after.uid, &chat)
    }));
    if is_edited || has_ended {
        let at = writing.now;
        conversations::touch(writing, &chat, Some(at), 0)?;
    }
    Ok(())
}

fn stored_body(connection: &Connection, id: i64) -> Result<(String, Option<Json>)> {
    Ok(connection.row(
        "SELECT content, parts FROM messages WHERE id = ?1",
        params![id],
        |row| Ok((engine::text(row, 0)?, engine::optional_text(row, 1)?)),
    )?)
}

pub(super) fn message_change(op: ChangeOp, id: i64, uid: &str, chat: &Chat) -> RowChange {
    RowChange {
        kind: RowKind::Message,
        op,
        id,
        uid: uid.to_owned(),
        conversation_id: chat.id,
        conversation_uid: chat.uid.clone(),
        append: None,
        former_uid: None,
    }
}

/// One message, whole.
pub(super) fn get(connection: &Connection, id: i64) -> Result<Option<Message>> {
    let found = connection
        .row(
            &format!("SELECT {COLUMNS} FROM messages m WHERE m.id = ?1"),
            params![id],
            message,
        )
        .optional()?;
    let Some(mut message) = found else {
        return Ok(None);
    };
    let chat = conversations::require(connection, &ConversationKey::Id(message.conversation_id))?;
    complete(connection, &chat, std::slice::from_mut(&mut message))?;
    Ok(Some(message))
}

/// The path that is shown, each with its place.
pub(super) fn path(connection: &Connection, chat: &Chat) -> Result<Vec<(Node, Message)>> {
    let sql = format!(
        "SELECT {COLUMNS}, m.depth FROM messages m
         WHERE m.conversation_id = ?1 AND m.on_path = 1 ORDER BY m.depth"
    );
    let mut depths = Vec::new();
    let mut messages = connection.rows(&sql, params![chat.id], |row| {
        depths.push(row.get(15)?);
        message(row)
    })?;
    complete(connection, chat, &mut messages)?;
    let node = |message: &Message, depth| Node {
        id: message.id,
        uid: message.uid.clone(),
        conversation: chat.id,
        parent: message.parent_id,
        depth,
        on_path: true,
        created_at: message.created_at,
    };
    Ok(messages
        .into_iter()
        .zip(depths)
        .map(|(message, depth)| (node(&message, depth), message))
        .collect())
}

/// Adds to rows what their own row does not hold: keys of others, and the text that grows.
fn complete(connection: &Connection, chat: &Chat, messages: &mut [Message]) -> Result<()> {
    let mut known: HashMap<i64, usize> = HashMap::new();
    let mut uids: Vec<String> = Vec::new();
    let mut last: Option<(i64, String)> = None;
    for message in messages.iter_mut() {
        message.conversation_uid.clone_from(&chat.uid);
        message.parent_uid = match (message.parent_id, &last) {
            (None, _) => None,
            (Some(parent), Some((id, uid))) if parent == *id => Some(uid.clone()),
            (Some(parent), _) => match known.get(&parent) {
                Some(at) => Some(uids[*at].clone()),
                None => {
                    let uid = uid_of(connection, parent)?;
                    known.insert(parent, uids.len());
                    uids.push(uid.clone());
                    Some(uid)
                }
            },
        };
        last = Some((message.id, message.uid.clone()));
    }
    for id in growth::growing(connection, chat.id)? {
        if let Some(message) = messages.iter_mut().find(|message| message.id == id) {
            growth::grow(connection, message)?;
        }
    }
    Ok(())
}

/// The place of the message that a cursor names.
fn place(connection: &Connection, chat: &Chat, cursor: &MessageCursor, all: bool) -> Result<Node> {
    let node = match cursor {
        MessageCursor::Id(id) => tree::by_id(connection, *id)?,
        MessageCursor::Uid(uid) => tree::by_uid(connection, chat.id, uid)?,
    };
    node.filter(|node| node.conversation == chat.id && (all || node.on_path))
        .ok_or_else(|| {
            let name = match cursor {
                MessageCursor::Id(id) => format!("id {id}"),
                MessageCursor::Uid(uid) => format!("uid '{uid}'"),
            };
            StoreError::new(
                ErrorCode::Conflict,
                format!(
                    "the cursor's message ({name}) is not in this conversation, or on the path that is \
                     shown, (any more): read it again from one end"
                ),
            )
        })
}

pub(super) fn page_sql(page: Page, all: bool) -> String {
    let (condition, order) = match (page, all) {
        (Page::Oldest, _) => ("?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL", "ASC"),
        (Page::Newest, _) => ("?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL", "DESC"),
        (Page::Before, false) => ("m.depth < ?3 AND ?4 AND ?5", "DESC"),
        (Page::After, false) => ("m.depth > ?3 AND ?4 AND ?5", "ASC"),
        (Page::Before, true) => ("(m.depth, m.on_path, m.id) < (?3, ?4, ?5)", "DESC"),
        (Page::After, true) => ("(m.depth, m.on_path, m.id) > (?3, ?4, ?5)", "ASC"),
    };
    let order = if all {
        format!("m.depth {order}, m.on_path {order}, m.id {order}")
    } else {
        format!("m.depth {order}")
    };
    let which = if all { "" } else { "AND m.on_path = 1" };
    format!(
        "SELECT {COLUMNS} FROM messages m
         WHERE m.conversation_id = ?1 {which} AND {condition}
         ORDER BY {order} LIMIT ?2"
    )
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        uid: engine::text(row, 1)?,
        conversation_id: row.get(2)?,
        conversation_uid: String::new(),
        parent_id: engine::optional_integer(row, 3)?,
        parent_uid: None,
        // The schema's CHECK allows three; the other program's file has the same.
        role: match engine::text(row, 4)?.as_str() {
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => Role::User,
        },
        content: engine::text(row, 5)?,
        parts: engine::optional_text(row, 6)?,
        created_at: engine::time(row, 7)?,
        status: Status::parse(
            engine::optional_text(row, 8)?
                .as_deref()
                .unwrap_or_default(),
        ),
        model: engine::optional_text(row, 9)?,
        usage: engine::optional_text(row, 10)?,
        finish_reason: engine::optional_text(row, 11)?,
        error: engine::optional_text(row, 12)?,
        metadata: engine::optional_text(row, 13)?,
        source: engine::optional_text(row, 14)?,
    })
}
