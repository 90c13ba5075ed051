//! Holds the query plans: no scan of a table, no sort, wherever a list or a lookup is read.

use rusqlite::StatementStatus;

use super::messages::{Page, page_sql};
use super::{Env, Location, Store, conversations, heal, tree};
use crate::model::{ConversationCursor, ConversationQuery, Durability};
use crate::time::Timestamp;

fn store() -> Store {
    let env = Env {
        now: Box::new(|| 0),
        random: Box::new(|_| {}),
        unicode: Box::new(crate::search::native::Tables),
    };
    Store::open(Location::Memory { vfs: None }, Durability::Strict, env).unwrap()
}

#[track_caller]
fn check(sql: &str, uses: &str) {
    let store = store();
    let mut statement = store
        .connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let plan: Vec<String> = statement
        .raw_query()
        .mapped(|row| row.get(3))
        .map(Result::unwrap)
        .collect();
    let text = plan.join("\n");
    assert!(text.contains(uses), "expected {uses}:\n{text}\n{sql}");
    for step in &plan {
        assert!(!step.contains("TEMP B-TREE"), "sorts:\n{text}\n{sql}");
        assert!(
            !step.starts_with("SCAN") || step.contains("USING"),
            "scans:\n{text}\n{sql}"
        );
    }
}

#[test]
fn lists_come_off_an_index() {
    let cursor = ConversationCursor {
        id: 1,
        updated_at: Timestamp::MIN,
    };
    for after in [None, Some(cursor)] {
        let mut query = ConversationQuery {
            after,
            ..ConversationQuery::default()
        };
        check(
            &conversations::list_sql(&query),
            "conversations USING INDEX conversations_updated",
        );
        query.brain = Some("claude".to_owned());
        check(
            &conversations::list_sql(&query),
            "USING INDEX conversations_brain_updated (brain=?",
        );
    }
}

#[test]
fn pages_of_messages_come_off_an_index() {
    for (page, all, uses) in [
        (Page::Oldest, false, "(conversation_id=?)"),
        (Page::Newest, false, "(conversation_id=?)"),
        (Page::Before, false, "(conversation_id=? AND depth<?)"),
        (Page::After, false, "(conversation_id=? AND depth>?)"),
        (Page::Oldest, true, "(conversation_id=?)"),
        (Page::Newest, true, "(conversation_id=?)"),
        (
            Page::Before,
            true,
            "(conversation_id=? AND (depth,on_path)<(?,?))",
        ),
        (
            Page::After,
            true,
            "(conversation_id=? AND (depth,on_path)>(?,?))",
        ),
    ] {
        check(
            &page_sql(page, all),
            &format!("SEARCH m USING INDEX messages_tree {uses}"),
        );
    }
}

#[test]
fn what_is_bound_prepares_nothing_anew() {
    let store = store();
    let sql = [
        conversations::list_sql(&ConversationQuery::default()),
        page_sql(Page::Newest, false),
        "SELECT 1 FROM messages WHERE conversation_id = ?1 AND on_path = ?2".to_owned(),
    ];
    for sql in sql {
        let mut statement = store.connection.prepare(&sql).unwrap();
        for value in [0, 1] {
            for parameter in 1..=statement.parameter_count() {
                statement.raw_bind_parameter(parameter, value).unwrap();
            }
            statement.raw_query().next().unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
    }
}

#[test]
fn branches_come_off_an_index() {
    check(
        tree::CHILDREN_OFF_PATH,
        "messages_branches (conversation_id=? AND parent_id=?)",
    );
    check(
        tree::NEXT_ON_PATH,
        "messages_tree (conversation_id=? AND depth>?)",
    );
}

#[test]
fn keys_and_bounds_are_looked_up() {
    check("SELECT id FROM conversations WHERE id = ?1", "PRIMARY KEY");
    check(
        "SELECT id FROM conversations WHERE uid = ?1",
        "conversations_uid",
    );
    check(
        "SELECT 1 FROM messages m WHERE m.uid = ?1 LIMIT 2",
        "messages_uid",
    );
    check(
        "SELECT 1 FROM messages WHERE conversation_id = ?1",
        "conversation_id=?",
    );
}

#[test]
fn a_healed_file_is_known_by_two_empty_indexes() {
    for unhealed in [heal::UNHEALED_CONVERSATIONS, heal::UNHEALED_MESSAGES] {
        check(&format!("SELECT 1 FROM {unhealed}"), "_unhealed");
    }
}
