//! Healing: rows that are not as this store leaves them, brought to its form.
//!
//! Another program knows no uid, no tree and no revision, and writes whole seconds. What it inserts
//! has revision NULL, what it edits or deletes leaves revision NULL (stock triggers see to that), and a
//! time of another form shows itself: two partial indexes hold exactly the rows that need something,
//! so that a healed file costs one look at each. Healing a healed file does nothing, and no text is
//! destroyed: what cannot stand where it was is kept in `source`.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::conversations::{self, Chat};
use super::engine::Ask;
use super::importing::DERIVED;
use super::{Store, Writing, body, engine, growth};
use crate::error::Result;
use crate::model::{ChangeOp, ConversationKey, HealReport, HealStep, Repair};
use crate::time::Timestamp;

/// As the partial index spells it: the planner uses it only for the same expression.
pub(super) const UNHEALED_CONVERSATIONS: &str = "conversations INDEXED BY conversations_unhealed
     WHERE (revision IS NULL OR created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', created_at)
       OR updated_at IS NOT strftime('%Y-%m-%d %H:%M:%f', updated_at))";
/// The same of messages.
pub(super) const UNHEALED_MESSAGES: &str = "messages INDEXED BY messages_unhealed
     WHERE (revision IS NULL OR created_at IS NOT strftime('%Y-%m-%d %H:%M:%f', created_at))";

/// Messages that a step of healing looks at, about.
const MESSAGES_A_STEP: usize = 1_000;

impl Store {
    /// Looks at every row, or at those of one conversation, and heals what is not right. Returns
    /// what was healed since this was last asked, the opening included.
    ///
    /// # Errors
    /// `not-found` for a conversation that is not there; those of writing.
    pub fn heal(&mut self, key: Option<&ConversationKey>) -> Result<HealReport> {
        self.write(|writing| match key {
            Some(key) => {
                let chat = conversations::require(writing.connection, key)?;
                heal_chat(writing, chat.id, true).map(|_| ())
            }
            None => heal_all(writing),
        })?;
        Ok(std::mem::take(&mut self.report))
    }

    /// Looks at the rows of some conversations after the one of that id, so that other requests have
    /// their turn in between.
    ///
    /// # Errors
    /// Those of writing.
    pub fn heal_step(&mut self, after: i64) -> Result<HealStep> {
        let next = self.write(|writing| {
            let mut last = after;
            let mut looked_at = 0;
            while looked_at < MESSAGES_A_STEP {
                let id: Option<i64> = writing
                    .connection
                    .row(
                        "SELECT min(id) FROM (SELECT min(id) AS id FROM conversations WHERE id > ?1
                           UNION ALL SELECT min(conversation_id) FROM messages WHERE conversation_id > ?1)",
                        params![last],
                        |row| row.get(0),
                    )?;
                let Some(id) = id else { return Ok(None) };
                looked_at += heal_chat(writing, id, true)? + 1;
                last = id;
            }
            Ok(Some(last))
        })?;
        Ok(HealStep {
            report: std::mem::take(&mut self.report),
            next,
        })
    }

    /// Whether anything is marked, or grew when the file was last closed.
    pub(super) fn needs_healing(&self) -> Result<bool> {
        Ok(self.connection.row(
            &format!(
                "SELECT EXISTS (SELECT 1 FROM {UNHEALED_CONVERSATIONS})
                   OR EXISTS (SELECT 1 FROM {UNHEALED_MESSAGES}) OR EXISTS (SELECT 1 FROM growing)"
            ),
            params![],
            |row| row.get(0),
        )?)
    }

    /// Heals what is marked, and folds in what grew when the file was last closed.
    pub(super) fn heal_marked(&mut self) -> Result<()> {
        if !self.needs_healing()? {
            return Ok(());
        }
        self.write(|writing| {
            growth::settle_all(writing)?;
            let marked = format!(
                "SELECT id FROM {UNHEALED_CONVERSATIONS}
                 UNION SELECT conversation_id FROM {UNHEALED_MESSAGES}"
            );
            for id in ids(writing.connection, &marked)? {
                heal_chat(writing, id, false)?;
            }
            Ok(())
        })
    }
}

/// Looks at every row.
pub(super) fn heal_all(writing: &mut Writing<'_>) -> Result<()> {
    growth::settle_all(writing)?;
    let all = "SELECT id FROM conversations UNION SELECT conversation_id FROM messages";
    for id in ids(writing.connection, all)? {
        heal_chat(writing, id, true)?;
    }
    Ok(())
}

fn ids(connection: &Connection, sql: &str) -> Result<Vec<i64>> {
    Ok(connection.rows(sql, params![], |row| row.get(0))?)
}

/// What healing needs of a message.
struct Row {
    id: i64,
    uid: String,
    parent: Option<i64>,
    /// `None`: it is not linked yet.
    depth: Option<i64>,
    on_path: bool,
    created_at: Option<Timestamp>,
    /// Its time is written as this store writes it.
    is_timed: bool,
    is_marked: bool,
    is_new: bool,
    is_changed: bool,
}

/// Heals one conversation; how many messages it has. `thorough` looks into the texts of all of them,
/// else of marked ones.
fn heal_chat(writing: &mut Writing<'_>, id: i64, thorough: bool) -> Result<usize> {
    heal_types(writing, id)?;
    if let Some(other) = part_from_stranger(writing, id)? {
        heal_chat(writing, other, thorough)?;
    }
    let is_made = adopt_orphans(writing, id)?;
    heal_fields(writing, id)?;
    let mut rows = read(writing.connection, id)?;
    heal_texts(writing, id, &rows, thorough)?;
    let chat = conversations::require(writing.connection, &ConversationKey::Id(id))?;
    heal_keys(writing, &chat, &mut rows);
    let head = heal_tree(writing, &chat, &mut rows, is_made);
    heal_times(writing, &mut rows);
    write_rows(writing, &chat, &rows)?;
    heal_summary(writing, &chat, head, &rows)?;
    Ok(rows.len())
}

fn read(connection: &Connection, conversation: i64) -> Result<Vec<Row>> {
    Ok(connection.rows(
        "SELECT id, coalesce(uid, ''), parent_id, depth, coalesce(on_path, 0), created_at,
               revision IS NULL, created_at IS strftime('%Y-%m-%d %H:%M:%f', created_at)
             FROM messages WHERE conversation_id = ?1 ORDER BY id",
        params![conversation],
        |row| {
            Ok(Row {
                id: row.get(0)?,
                uid: engine::text(row, 1)?,
                parent: row.get(2)?,
                depth: row.get(3)?,
                is_new: row.get::<_, Option<i64>>(3)?.is_none(),
                on_path: row.get(4)?,
                created_at: Timestamp::parse(&engine::text(row, 5)?),
                is_marked: row.get(6)?,
                is_timed: row.get(7)?,
                is_changed: false,
            })
        },
    )?)
}

/// With foreign keys off, the other program can leave messages without a conversation: whether one was
/// made for them.
fn adopt_orphans(writing: &mut Writing<'_>, id: i64) -> Result<bool> {
    let made = writing
        .connection
        .run(
            "INSERT INTO conversations (id, title)
             SELECT ?1, 'Recovered messages' WHERE NOT EXISTS (SELECT 1 FROM conversations WHERE id = ?1)",
            params![id],
        )?;
    if made > 0 {
        writing.report.add(Repair::Orphan, id);
    }
    Ok(made > 0)
}

/// SQLite holds no column to its type.
fn heal_types(writing: &mut Writing<'_>, id: i64) -> Result<()> {
    for (sql, kind) in [
        (
            "UPDATE conversations SET pinned = pinned IS 1, archived = archived IS 1,
               head_id = CASE typeof(head_id) WHEN 'integer' THEN head_id END,
               message_count = CASE typeof(message_count) WHEN 'integer' THEN message_count ELSE 0 END,
               revision = NULL
             WHERE id = ?1 AND (typeof(pinned) <> 'integer' OR typeof(archived) <> 'integer'
               OR typeof(head_id) NOT IN ('integer', 'null') OR typeof(message_count) <> 'integer')",
            Repair::Head,
        ),
        (
            "UPDATE messages SET parent_id = CASE typeof(parent_id) WHEN 'integer' THEN parent_id END,
               depth = CASE typeof(depth) WHEN 'integer' THEN depth END,
               on_path = CASE typeof(on_path) WHEN 'integer' THEN on_path END, revision = NULL
             WHERE conversation_id = ?1 AND (typeof(parent_id) NOT IN ('integer', 'null')
               OR typeof(depth) NOT IN ('integer', 'null') OR typeof(on_path) NOT IN ('integer', 'null'))",
            Repair::Parent,
        ),
    ] {
        if writing.connection.run(sql, params![id])? > 0 {
            writing.report.add(kind, id);
        }
    }
    Ok(())
}

/// With foreign keys off, the other program can give a deleted conversation's id to a new one, and
/// what was left of the old with it. That gets a conversation of its own.
fn part_from_stranger(writing: &mut Writing<'_>, id: i64) -> Result<Option<i64>> {
    let connection = writing.connection;
    let last: Option<i64> = connection
        .row(&format!(
            "SELECT max((SELECT max(id) FROM conversations), last_conversation_id,
                (SELECT max(conversation_id) FROM messages))
             FROM store_state
             WHERE EXISTS (SELECT 1 FROM conversations
                 WHERE id = ?1 AND revision IS NULL AND head_id IS NULL AND message_count = 0
                   AND (uid IS NULL OR uid GLOB '{DERIVED}*'))
               AND EXISTS (SELECT 1 FROM messages WHERE conversation_id = ?1 AND depth IS NOT NULL)",
        ), params![id], |row| row.get(0))
        .optional()?;
    // After the highest that there can be, there is none: they stay together.
    let other = last.and_then(|last| last.checked_add(1));
    if let Some(other) = other {
        let now = writing.now;
        connection.run(
            "INSERT INTO conversations (id, uid, title, created_at, updated_at, revision)
                 VALUES (?1, ?2, 'Recovered messages', ?3, ?3, 1)",
            params![other, writing.env.uid(now), now.to_sql()],
        )?;
        writing.report.add(Repair::Orphan, other);
        connection.run(
            "UPDATE messages SET conversation_id = ?2, revision = NULL
                 WHERE conversation_id = ?1 AND depth IS NOT NULL",
            params![id, other],
        )?;
    }
    Ok(other)
}

/// The conversation's own fields but for those that follow from its messages.
fn heal_fields(writing: &mut Writing<'_>, id: i64) -> Result<()> {
    let (connection, env) = (writing.connection, writing.env);
    let (uid, created, updated, trashed, is_new, tags, jsons) = connection.row(
        "SELECT coalesce(uid, ''), created_at, updated_at, trashed_at,
               revision IS NULL AND head_id IS NULL AND message_count = 0,
               tags, metadata, source
             FROM conversations WHERE id = ?1",
        params![id],
        |row| {
            Ok((
                engine::text(row, 0)?,
                engine::text(row, 1)?,
                engine::text(row, 2)?,
                engine::optional_text(row, 3)?,
                row.get::<_, bool>(4)?,
                engine::optional_text(row, 5)?,
                [
                    engine::optional_text(row, 6)?,
                    engine::optional_text(row, 7)?,
                ],
            ))
        },
    )?;
    let times = [Timestamp::parse(&created), Timestamp::parse(&updated)];
    let created_at = times[0].or(times[1]).unwrap_or(writing.now);
    let updated_at = times[1].unwrap_or(created_at).max(created_at);
    if is_new {
        writing.report.add(Repair::AdoptedConversation, id);
    } else if created != created_at.to_sql() || updated != updated_at.to_sql() {
        writing.report.add(Repair::ConversationTime, id);
    }
    let new_uid = if uid.is_empty() {
        env.uid(created_at)
    } else {
        uid
    };
    let new_trashed = trashed
        .as_deref()
        .map(|at| Timestamp::parse(at).unwrap_or(updated_at));
    let mut is_broken = false;
    let mut mend = |json: String, is_right: fn(&str) -> bool| -> Result<String> {
        let kind = body::json_type(connection, &json)?;
        if kind.is_some_and(|kind| is_right(&kind)) {
            return Ok(json);
        }
        is_broken = true;
        Ok(crate::model::json_string(&json))
    };
    let mut new_tags = None;
    if let Some(tags) = tags {
        let mended = mend(tags, |kind| kind == "array")?;
        let is_one = mended.starts_with('"');
        new_tags = Some(if is_one {
            format!("[{mended}]")
        } else {
            mended
        });
    }
    let [metadata, source] = jsons.map(|json| json.map(|json| mend(json, |_| true)).transpose());
    let (new_metadata, new_source) = (metadata?, source?);
    if is_broken {
        writing.report.add(Repair::Json, id);
    }
    connection
        .run(
            "UPDATE conversations SET uid = ?2, created_at = ?3, updated_at = ?4, tags = ?5, metadata = ?6,
               trashed_at = ?7, source = ?8, revision = coalesce(revision, 0) + 1
             WHERE id = ?1 AND (revision IS NULL OR
               (uid, created_at, updated_at, tags, metadata, trashed_at, source)
                 IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8))",
            params![
                id,
                new_uid,
                created_at.to_sql(),
                updated_at.to_sql(),
                new_tags,
                new_metadata,
                new_trashed.map(Timestamp::to_sql),
                new_source
            ],
        )?;
    Ok(())
}

/// Texts and JSON of messages.
fn heal_texts(writing: &mut Writing<'_>, id: i64, rows: &[Row], thorough: bool) -> Result<()> {
    let connection = writing.connection;
    for row in rows.iter().filter(|row| thorough || row.is_marked) {
        let (content, is_text, json, bytes) = connection
            .row(
                "SELECT content, typeof(content) = 'text', parts, usage, error, metadata, source,
                   CASE WHEN typeof(content) <> 'text' OR revision IS NULL THEN hex(content) END
                 FROM messages WHERE id = ?1",
                params![row.id],
                |found| {
                    let text = engine::text(found, 0)?;
                    let is_text = found.get::<_, bool>(1)?
                        && matches!(found.get_ref(0)?, rusqlite::types::ValueRef::Text(bytes) if bytes == text.as_bytes());
                    let mut json = Vec::with_capacity(5);
                    for column in 2..7 {
                        json.push(engine::optional_text(found, column)?);
                    }
                    let bytes = engine::text(found, 7)?;
                    Ok((text, is_text, json, bytes))
                },
            )?;
        // Another program's text ends at its first NUL wherever it is read in C.
        let new_content = if row.is_new {
            content.replace('\0', "\u{fffd}")
        } else {
            content.clone()
        };
        if !is_text || new_content != content {
            writing.report.add(Repair::Text, row.id);
        }
        let mut new_json = json.clone();
        let mut is_broken = false;
        for field in new_json.iter_mut().skip(1) {
            if let Some(text) = field
                && body::json_type(connection, text)?.is_none()
            {
                is_broken = true;
                *field = Some(crate::model::json_string(text));
            }
        }
        let former = if new_content != content {
            Some(("formerContent", crate::model::json_string(&content)))
        } else {
            (!is_text).then(|| ("formerBytes", format!("\"{bytes}\"")))
        };
        if let Some((name, former)) = former {
            new_json[4] = Some(with_former(connection, &new_json[4], name, &former)?);
        }
        let mut new_content = new_content;
        if let Some(parts) = &json[0] {
            match body::read_parts(connection, parts) {
                Ok(read) if read.text == new_content => {
                    if read.is_plain {
                        new_json[0] = None;
                    }
                }
                Ok(_) => {
                    writing.report.add(Repair::Content, row.id);
                    new_json[0] = None;
                    new_json[4] =
                        Some(with_former(connection, &new_json[4], "formerParts", parts)?);
                }
                Err(_) => {
                    is_broken = true;
                    new_json[0] = None;
                    if new_content.is_empty() {
                        new_content.clone_from(parts);
                    } else {
                        new_json[4] =
                            Some(with_former(connection, &new_json[4], "formerParts", parts)?);
                    }
                }
            }
        }
        if is_broken {
            writing.report.add(Repair::Json, row.id);
        }
        let named = [&new_json[0], &new_json[3], &new_json[4]]
            .into_iter()
            .flatten();
        for text in named.chain([&new_content]) {
            super::blobs::add_references(connection, id, row.id, text)?;
        }
        if is_text && new_content == content && new_json == json {
            continue;
        }
        connection.run(
            "UPDATE messages SET content = ?2, parts = ?3, usage = ?4, error = ?5, metadata = ?6,
                   source = ?7, revision = coalesce(revision, 0) + 1
                 WHERE id = ?1",
            params![
                row.id,
                new_content,
                new_json[0],
                new_json[1],
                new_json[2],
                new_json[3],
                new_json[4]
            ],
        )?;
    }
    Ok(())
}

/// A source that also holds what a message had, as JSON or as text.
fn with_former(
    connection: &Connection,
    source: &Option<String>,
    name: &str,
    former: &str,
) -> Result<String> {
    Ok(connection
        .row(
            "SELECT json_set(CASE json_type(?1) WHEN 'object' THEN ?1 ELSE json_object('data', json(?1)) END,
               '$.' || ?3, CASE WHEN json_valid(?2) THEN json(?2) ELSE ?2 END)",
            params![source.as_deref().unwrap_or("{}"), former, name],
            |row| row.get(0),
        )?)
}

fn heal_keys(writing: &mut Writing<'_>, chat: &Chat, rows: &mut [Row]) {
    for row in rows {
        if row.uid.is_empty() {
            let at = row.created_at.unwrap_or(chat.created_at);
            row.uid = writing.env.uid(at);
            row.is_changed = true;
        }
        if row.is_new {
            writing.report.add(Repair::AdoptedMessage, row.id);
        }
        row.is_changed |= row.is_marked;
    }
}

/// Links what is not linked, in the order of ids after what was there; mends parents that are none;
/// and says what the head is then.
fn heal_tree(
    writing: &mut Writing<'_>,
    chat: &Chat,
    rows: &mut [Row],
    is_made: bool,
) -> Option<i64> {
    let place: HashMap<i64, usize> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (row.id, at))
        .collect();
    // The other program gives the id of a last row that it deleted to its next: that one is no head, and
    // nobody's parent.
    let is_old = |id: &i64| place.get(id).is_some_and(|at| !rows[*at].is_new);
    let mut head = chat.head.filter(is_old);
    if head != chat.head {
        writing.report.add(Repair::Head, chat.id);
    }
    if head.is_none() {
        // Nothing is shown where there is no head: what is shown, or was, has lost it.
        let shown = rows.iter().filter(|row| row.on_path);
        head = shown.max_by_key(|row| row.depth).map(|row| row.id);
    }
    let by_depth: Vec<(i64, i64)> = {
        let mut path: Vec<_> = rows
            .iter()
            .filter(|row| row.on_path)
            .filter_map(|row| Some((row.depth?, row.id)))
            .collect();
        path.sort_unstable();
        path
    };
    // The last of the path above a depth: where the middle is gone, the ends meet again.
    let above = |depth: i64, not: i64| {
        let end = by_depth.partition_point(|(it, _)| *it < depth);
        by_depth[..end]
            .iter()
            .rev()
            .map(|(_, id)| *id)
            .find(|id| *id != not)
    };
    let mut is_moved = false;
    let is_new: Vec<bool> = rows.iter().map(|row| row.is_new).collect();
    for row in rows.iter_mut() {
        let is_there = row.parent.is_some_and(|it| {
            it != row.id && place.get(&it).is_some_and(|at| row.is_new || !is_new[*at])
        });
        row.parent = match row.depth {
            Some(_) if is_there || row.parent.is_none() => continue,
            Some(depth) => above(depth, row.id),
            None => {
                let follows = if is_there { row.parent } else { head };
                if follows == head {
                    head = Some(row.id);
                }
                follows
            }
        };
        if row.depth.is_some() {
            writing.report.add(Repair::Parent, row.id);
        }
        row.is_changed = true;
        is_moved = true;
    }
    is_moved |= cut_cycles(writing, rows, &place);
    let is_shallow = |row: &Row| match row.parent.and_then(|it| place.get(&it)) {
        Some(parent) => row.depth <= rows[*parent].depth,
        None => row.depth.is_none(),
    };
    if is_moved || rows.iter().any(is_shallow) {
        deepen(rows, &place);
    }
    if head.is_none() && is_made {
        head = rows.last().map(|row| row.id);
    }
    show(rows, &place, head);
    head
}

/// Makes roots of messages that are their own ancestors.
fn cut_cycles(writing: &mut Writing<'_>, rows: &mut [Row], place: &HashMap<i64, usize>) -> bool {
    let mut is_cut = false;
    // By which start each was come by first.
    let mut seen: Vec<Option<usize>> = vec![None; rows.len()];
    for start in 0..rows.len() {
        let mut at = start;
        while seen[at].is_none() {
            seen[at] = Some(start);
            let Some(parent) = rows[at].parent.and_then(|it| place.get(&it)).copied() else {
                break;
            };
            if seen[parent] == Some(start) {
                // The one that was the first before.
                let root = first_of_cycle(rows, place, parent);
                rows[root].parent = None;
                rows[root].is_changed = true;
                writing.report.add(Repair::Parent, rows[root].id);
                is_cut = true;
                break;
            }
            at = parent;
        }
    }
    is_cut
}

fn first_of_cycle(rows: &[Row], place: &HashMap<i64, usize>, start: usize) -> usize {
    let mut first = start;
    let mut at = start;
    loop {
        at = match rows[at].parent.and_then(|it| place.get(&it)) {
            Some(parent) if *parent != start => *parent,
            _ => return first,
        };
        if (rows[at].depth, rows[at].id) < (rows[first].depth, rows[first].id) {
            first = at;
        }
    }
}

/// A depth from here on is no store's.
const DEEPEST: i64 = 1 << 40;

/// Gives each row a depth above its parent's, the one it has if that will do.
fn deepen(rows: &mut [Row], place: &HashMap<i64, usize>) {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    let mut next = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match row.parent.and_then(|it| place.get(&it)) {
            Some(parent) => children[*parent].push(at),
            None => next.push((at, 0)),
        }
    }
    while let Some((at, lowest)) = next.pop() {
        let kept = rows[at].depth.filter(|it| (lowest..DEEPEST).contains(it));
        let depth = kept.unwrap_or(lowest);
        if rows[at].depth != Some(depth) {
            rows[at].depth = Some(depth);
            rows[at].is_changed = true;
        }
        next.extend(children[at].iter().map(|child| (*child, depth + 1)));
    }
}

fn show(rows: &mut [Row], place: &HashMap<i64, usize>, head: Option<i64>) {
    let mut shown = vec![false; rows.len()];
    let mut at = head.and_then(|head| place.get(&head).copied());
    while let Some(index) = at {
        shown[index] = true;
        at = rows[index]
            .parent
            .and_then(|parent| place.get(&parent).copied());
    }
    for (row, on_path) in rows.iter_mut().zip(shown) {
        row.is_changed |= row.on_path != on_path;
        row.on_path = on_path;
    }
}

/// Times of this store's form; one that had to be healed is not below its parent's.
fn heal_times(writing: &mut Writing<'_>, rows: &mut [Row]) {
    let mut order: Vec<(i64, i64)> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| (row.depth.unwrap_or_default(), at as i64))
        .collect();
    order.sort_unstable();
    let mut done: HashMap<i64, usize> = HashMap::with_capacity(rows.len());
    for (_, at) in order {
        let parent = rows[at as usize].parent.and_then(|it| done.get(&it));
        let before = parent.and_then(|parent| rows[*parent].created_at);
        let row = &mut rows[at as usize];
        if !row.is_timed {
            let own = row.created_at.or(before).unwrap_or(writing.now);
            if !row.is_marked {
                writing.report.add(Repair::Time, row.id);
            }
            row.created_at = Some(before.map_or(own, |before| own.max(before)));
            row.is_changed = true;
        }
        done.insert(row.id, at as usize);
    }
}

fn write_rows(writing: &mut Writing<'_>, chat: &Chat, rows: &[Row]) -> Result<()> {
    let mut update = writing.connection.prepare_cached(
        "UPDATE messages SET uid = ?2, parent_id = ?3, depth = ?4, on_path = ?5, created_at = ?6,
           revision = coalesce(revision, 0) + 1
         WHERE id = ?1",
    )?;
    for row in rows.iter().filter(|row| row.is_changed) {
        update.execute(params![
            row.id,
            row.uid,
            row.parent,
            row.depth,
            row.on_path,
            row.created_at.map(Timestamp::to_sql)
        ])?;
        writing.changed_message(ChangeOp::Update, row.id, &row.uid, chat);
    }
    Ok(())
}

/// What a conversation's row says of its messages.
fn heal_summary(
    writing: &mut Writing<'_>,
    chat: &Chat,
    head: Option<i64>,
    rows: &[Row],
) -> Result<()> {
    let connection = writing.connection;
    let head_uid = rows
        .iter()
        .find(|row| Some(row.id) == head)
        .map(|row| row.uid.as_str());
    let last = rows.iter().filter_map(|row| row.created_at).max();
    let is_adopting = rows.iter().any(|row| row.is_new);
    let (count, updated_at): (i64, Timestamp) = connection.row(
        "SELECT message_count, updated_at FROM conversations WHERE id = ?1",
        params![chat.id],
        |row| Ok((row.get(0)?, engine::time(row, 1)?)),
    )?;
    if count != rows.len() as i64 && !is_adopting {
        writing.report.add(Repair::Count, chat.id);
    }
    if last.is_some_and(|last| last > updated_at) && !is_adopting {
        writing.report.add(Repair::UpdatedAt, chat.id);
    }
    let changed = connection.run(
        "UPDATE conversations SET head_id = ?2, head_uid = ?3, message_count = ?4,
               updated_at = max(updated_at, coalesce(?5, '')), revision = coalesce(revision, 0) + 1
             WHERE id = ?1 AND (revision IS NULL OR updated_at < coalesce(?5, '') OR
               (head_id, head_uid, message_count) IS NOT (?2, ?3, ?4))",
        params![
            chat.id,
            head,
            head_uid,
            rows.len() as i64,
            last.map(Timestamp::to_sql)
        ],
    )?;
    if changed > 0 || rows.iter().any(|row| row.is_changed) {
        writing.changed_conversation(ChangeOp::Update, chat.id, &chat.uid);
    }
    Ok(())
}
