//! When little room is left, told once each way.

#![cfg(not(target_arch = "wasm32"))]

use conversation_store::space::{Room, Space};

const MB: u64 = 1 << 20;
/// What Chromium says is left to every origin.
const ALWAYS_LEFT: u64 = 10 << 30;

fn of(usage: u64, quota: u64) -> Space {
    Space {
        usage: usage * MB,
        quota: quota * MB,
    }
}

/// Chromium's estimate.
fn estimated(usage: u64) -> Space {
    Space {
        usage: usage * MB,
        quota: usage * MB + ALWAYS_LEFT,
    }
}

#[test]
fn a_line_is_told_once_each_way() {
    let mut room = Room::default();
    let told: Vec<_> = [10, 89, 91, 95, 100, 120, 91, 89, 88, 87, 10, 89, 91]
        .into_iter()
        .map(|usage| room.look(of(usage, 100)).then(|| room.is_low()))
        .collect();
    let no = None;
    let (low, ample) = (Some(true), Some(false));
    assert_eq!(
        told,
        [no, no, low, no, no, no, no, no, no, ample, no, no, low]
    );
}

#[test]
fn a_refusal_is_believed_more_than_an_estimate() {
    let mut room = Room::default();
    assert!(!room.look(estimated(50)));
    assert!(room.refuse(estimated(50)));
    assert!(room.is_low());
    assert!(!room.refuse(estimated(50)), "told once");
    assert!(!room.look(estimated(49)), "hardly less is used");
    assert!(room.look(estimated(43)), "an eighth came back");
    assert!(!room.is_low());
}

#[test]
fn a_refusal_holds_no_more_when_more_is_used_or_granted() {
    for now in [estimated(52), of(50, 200)] {
        let mut room = Room::default();
        assert!(room.refuse(match now.quota {
            quota if quota == 200 * MB => of(50, 100),
            _ => estimated(50),
        }));
        assert!(room.look(now));
        assert!(!room.is_low());
    }
}

#[test]
fn where_nothing_is_granted_little_is_left() {
    for quota in [0, 5] {
        let mut room = Room::default();
        assert!(room.look(of(5, quota)));
        assert!(room.is_low());
    }
}
