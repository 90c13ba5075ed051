//! Saving a whole chat: the path becomes exactly the messages that an app holds.

use std::collections::HashMap;

use rusqlite::params;

use super::conversations::{self, Chat};
use super::engine::Ask;
use super::messages::{self, NewRow};
use super::tree::{self, Node};
use super::{Store, Writing};
use crate::error::{Result, StoreError};
use crate::model::{
    AddedMessage, ChangeOp, ChatSaving, ConversationKey, Message, NewConversation, NewMessage,
    Role, json_string,
};

impl Store {
    /// Makes the path of a conversation exactly these messages: unchanged ones are not written,
    /// known uids are updated, new ones follow the one before them, the head is the last. Messages
    /// that are no longer on the path stay as branches. A user's message whose content changed, and
    /// that was answered, becomes a sibling: the new row takes the uid, the old one gets another.
    ///
    /// # Errors
    /// `not-found`, unless `extra.create`; `invalid-argument` for a field out of bounds or a uid
    /// given twice; `conflict` if the head is not the one that `extra.head` names.
    pub fn save_messages(
        &mut self,
        key: &ConversationKey,
        given: &[NewMessage],
        extra: &ChatSaving,
    ) -> Result<Vec<AddedMessage>> {
        self.write(|writing| save(writing, key, given, extra))
    }
}

fn save(
    writing: &mut Writing<'_>,
    key: &ConversationKey,
    given: &[NewMessage],
    extra: &ChatSaving,
) -> Result<Vec<AddedMessage>> {
    let mut chat = open(writing, key, extra)?;
    if let Some(seen) = &extra.head
        && *seen != chat.head_uid
    {
        return Err(StoreError::conflict(
            "head: the chat has gone on since, in another tab perhaps: read it again, see details.messages",
        ));
    }
    let mut uids: HashMap<&str, usize> = HashMap::new();
    for (at, message) in given.iter().enumerate() {
        if let Some(uid) = message.given_uid()
            && uids.insert(uid, at).is_some()
        {
            return Err(StoreError::invalid(format!(
                "messages: two have the uid '{uid}'"
            )));
        }
    }

    // One read of what is there, however many messages.
    let path = messages::path(writing.connection, &chat)?;
    let there: Vec<String> = path.iter().map(|(node, _)| node.uid.clone()).collect();
    let place: HashMap<&str, usize> = there
        .iter()
        .enumerate()
        .map(|(at, uid)| (uid.as_str(), at))
        .collect();
    let mut path: Vec<Option<(Node, Message)>> = path.into_iter().map(Some).collect();
    let mut saved = Vec::with_capacity(given.len());
    let mut parent: Option<Node> = None;
    let mut is_edited = false;
    let mut created = 0;
    let mut is_moved = false;
    for (index, message) in given.iter().enumerate() {
        let known = match message.given_uid() {
            Some(uid) => match place.get(uid).and_then(|at| path[*at].take()) {
                Some(known) => Some(known),
                None => off_path(writing, &chat, uid)?,
            },
            None => None,
        };
        if let Some((node, before)) = &known
            && says_nothing_new(before, message)
            && node.parent == parent.as_ref().map(|it| it.id)
        {
            saved.push(node.added());
            parent = Some(node.clone());
            continue;
        }
        let in_place = |error: StoreError| StoreError {
            message: format!("messages[{index}]: {}", error.message),
            ..error
        };
        let role = message
            .role
            .or(known.as_ref().map(|(_, before)| before.role))
            .ok_or_else(|| StoreError::invalid("role is missing"))
            .map_err(in_place)?;
        let earliest = parent.as_ref().map_or(chat.created_at, |it| it.created_at);
        let extract = message.extract_blobs.unwrap_or(extra.extract_blobs);
        // Of a row that was read and got other parts, the content is that of before.
        let is_stale = message.parts.is_some()
            && known
                .as_ref()
                .is_some_and(|(_, before)| message.content.as_ref() == Some(&before.content));
        let without_content;
        let message = if is_stale {
            without_content = NewMessage {
                content: None,
                ..message.clone()
            };
            &without_content
        } else {
            message
        };
        let row =
            messages::checked(writing, role, None, message, extract, earliest).map_err(in_place)?;
        let node = match known {
            Some((node, before)) => {
                let after = merged(&before, message, &row);
                let says_other = after.content != before.content || after.parts != before.parts;
                if says_other && before.role == Role::User && is_answered(writing, &node)? {
                    give_up_uid(writing, &before)?;
                    created += 1;
                    let mut sibling = row;
                    sibling.source = sibling.source.or_else(|| before.source.clone());
                    messages::insert(writing, &chat, parent.as_ref(), false, &sibling)?
                } else {
                    is_edited |= says_other;
                    if after != before {
                        messages::rewrite(writing, &before, &after)?;
                    }
                    let place = parent.as_ref().map(|it| (it.id, it.depth));
                    is_moved |= node.parent != place.map(|(id, _)| id);
                    follow(writing, node, place, &chat)?
                }
            }
            None => {
                created += 1;
                messages::insert(writing, &chat, parent.as_ref(), false, &row)?
            }
        };
        saved.push(node.added());
        parent = Some(node);
    }
    let (head, head_uid) = parent.map(|node| (node.id, node.uid)).unzip();
    if created == 0 && !is_moved && head == chat.head {
        return Ok(saved);
    }
    if is_moved {
        let path: Vec<i64> = saved.iter().map(|it| it.id).collect();
        tree::set_path(writing.connection, chat.id, &path)?;
        tree::deepen(writing.connection, chat.id)?;
    } else {
        tree::show_path(writing.connection, chat.id, head)?;
    }
    (chat.head, chat.head_uid) = (head, head_uid);
    let at = (created > 0 || is_edited).then(|| {
        let last = saved.last().map(|it| it.created_at);
        writing.now.max(last.unwrap_or(chat.created_at))
    });
    conversations::touch(writing, &chat, at, created)?;
    Ok(saved)
}

fn open(writing: &mut Writing<'_>, key: &ConversationKey, extra: &ChatSaving) -> Result<Chat> {
    let found = conversations::find(writing.connection, key)?;
    match (found, &extra.create, key) {
        (Some(chat), ..) => Ok(chat),
        (None, Some(fields), ConversationKey::Uid(uid)) => {
            let fields = NewConversation {
                uid: Some(uid.clone()),
                ..fields.clone()
            };
            let title = fields.title.clone().unwrap_or_default();
            conversations::create(writing, &title, None, &fields)
        }
        (None, Some(_), ConversationKey::Id(_)) => Err(StoreError::not_found(format!(
            "there is no conversation with the {key}, and ids are not chosen: name one to be made by \
             its uid (a string)"
        ))),
        (None, None, _) => conversations::require(writing.connection, key),
    }
}

fn off_path(writing: &Writing<'_>, chat: &Chat, uid: &str) -> Result<Option<(Node, Message)>> {
    let Some(node) = tree::by_uid(writing.connection, chat.id, uid)? else {
        return Ok(None);
    };
    let message = messages::get(writing.connection, node.id)?;
    Ok(message.map(|message| (node, message)))
}

/// Whether all that was given is there, told by comparing texts alone.
fn says_nothing_new(before: &Message, given: &NewMessage) -> bool {
    let same = |given: &Option<Option<String>>, kept: &Option<String>| {
        given.as_ref().is_none_or(|given| given == kept)
    };
    if matches!((&given.id, &given.uid), (Some(id), Some(uid)) if id != uid) {
        return false;
    }
    let parts = match (&given.parts, &before.parts) {
        (None, _) => true,
        (Some(given), Some(kept)) => given == kept,
        (Some(given), None) if before.content.is_empty() => given == "[]",
        (Some(given), None) => {
            let text = json_string(&before.content);
            *given == format!("[{{\"type\":\"text\",\"text\":{text}}}]")
        }
    };
    parts
        && given
            .content
            .as_ref()
            .is_none_or(|it| *it == before.content)
        && given.status.is_none_or(|it| it == before.status)
        && same(&given.model, &before.model)
        && same(&given.usage, &before.usage)
        && same(&given.finish_reason, &before.finish_reason)
        && same(&given.error, &before.error)
        && same(&given.metadata, &before.metadata)
        && same(&given.source, &before.source)
}

/// A message as it is after what was given of it.
fn merged(before: &Message, given: &NewMessage, row: &NewRow) -> Message {
    let mut after = before.clone();
    after.role = row.role;
    if given.content.is_some() || given.parts.is_some() {
        after.content.clone_from(&row.body.content);
        after.parts.clone_from(&row.body.parts);
    }
    after.status = given.status.unwrap_or(after.status);
    for (field, asked, value) in [
        (&mut after.model, &given.model, &row.model),
        (&mut after.usage, &given.usage, &row.usage),
        (
            &mut after.finish_reason,
            &given.finish_reason,
            &row.finish_reason,
        ),
        (&mut after.error, &given.error, &row.error),
        (&mut after.metadata, &given.metadata, &row.metadata),
        (&mut after.source, &given.source, &row.source),
    ] {
        if asked.is_some() {
            field.clone_from(value);
        }
    }
    after
}

fn is_answered(writing: &Writing<'_>, node: &Node) -> Result<bool> {
    let children = tree::children(
        writing.connection,
        node.conversation,
        Some(node.id),
        node.depth,
    )?;
    Ok(!children.is_empty())
}

/// Gives a row a fresh uid; the one it had is noted in its source.
fn give_up_uid(writing: &mut Writing<'_>, before: &Message) -> Result<()> {
    let mut after = before.clone();
    after.uid = writing.env.uid(before.created_at);
    let source = before.source.as_deref().unwrap_or("{}");
    after.source = Some(writing.connection.row(
        "SELECT CASE WHEN json_type(?1) = 'object' THEN json_set(?1, '$.formerUid', ?2)
                   ELSE json_object('formerUid', ?2, 'data', json(?1)) END
         WHERE json_valid(?1)",
        params![source, before.uid],
        |row| row.get(0),
    )?);
    messages::rewrite(writing, before, &after)
}

/// Puts a known message below another, if it is not there.
fn follow(
    writing: &mut Writing<'_>,
    mut node: Node,
    parent: Option<(i64, i64)>,
    chat: &Chat,
) -> Result<Node> {
    let (id, depth) = parent.unzip();
    let lowest = depth.map_or(0, |depth| depth + 1);
    if node.parent == id && node.depth >= lowest {
        return Ok(node);
    }
    node.parent = id;
    node.depth = node.depth.max(lowest);
    writing.connection.run(
        "UPDATE messages SET parent_id = ?2, depth = ?3, revision = coalesce(revision, 0) + 1
             WHERE id = ?1",
        params![node.id, node.parent, node.depth],
    )?;
    writing.changed_message(ChangeOp::Update, node.id, &node.uid, chat);
    Ok(node)
}
