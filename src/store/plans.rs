//! Holds the query plans: no scan of a table, no sort, wherever a list or a lookup is read.

use super::messages::{Page, page_sql};
use super::{Env, Location, Store, conversations, heal};
use crate::model::Durability;

fn store() -> Store {
    let env = Env {
        now: Box::new(|| 0),
        random: Box::new(|_| {}),
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
    for after in [false, true] {
        check(
            &conversations::list_sql(false, after),
            "conversations USING INDEX conversations_updated",
        );
        check(
            &conversations::list_sql(true, after),
            "USING INDEX conversations_brain_updated (brain=?",
        );
    }
}

#[test]
fn pages_of_messages_come_off_an_index() {
    for page in [Page::Oldest, Page::Newest] {
        check(
            &page_sql(page),
            "SEARCH m USING INDEX idx_msg_conv_created (conversation_id=?)",
        );
    }
    check(
        &page_sql(Page::Before),
        "SEARCH m USING INDEX idx_msg_conv_created (conversation_id=? AND created_at<?)",
    );
    check(
        &page_sql(Page::After),
        "SEARCH m USING INDEX idx_msg_conv_created (conversation_id=? AND created_at>?)",
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
        "SELECT max(created_at) FROM messages WHERE conversation_id = ?1",
        "idx_msg_conv_created",
    );
    check(
        "SELECT 1 FROM messages WHERE conversation_id = ?1",
        "conversation_id=?",
    );
}

#[test]
fn a_healed_file_is_known_by_two_empty_indexes() {
    for unhealed in [heal::unhealed_conversations(), heal::unhealed_messages()] {
        check(&format!("SELECT 1 FROM {unhealed}"), "_unhealed");
    }
}
