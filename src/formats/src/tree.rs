//! Messages with the ids and parents of a file, put in order: parents before children, uids unique,
//! what is skipped taken out and its children given to its parent. Nothing is lost to a duplicate
//! id, a parent that is not there or a cycle. Knows no format.

use crate::chat::Message;
use crate::json::Numbers;
use crate::uid::Derivation;

/// What a message follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent {
    /// The one before it in the file.
    Previous,
    /// None.
    Root,
    /// The one of that id; none if there is no such.
    Id(String),
}

/// An entry of the file.
#[derive(Debug)]
pub struct Node {
    /// Its id in the file.
    pub id: Option<String>,
    /// What it follows.
    pub parent: Parent,
    /// What it says; `None` for an entry that is only a place in the tree.
    pub message: Option<Message>,
}

/// In what order the messages come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// That of the file, if parents stand before their children in it.
    File,
    /// A branch after the other.
    Branches,
}

/// The messages, and the uid of the head if it is not the last of them.
pub fn assemble(
    mut nodes: Vec<Node>,
    head: Option<&str>,
    order: Order,
) -> (Vec<Message>, Option<Option<String>>) {
    let count = nodes.len();
    let mut places = Numbers::with_capacity(count);
    let mut uids = Vec::with_capacity(count);
    for (at, node) in nodes.iter().enumerate() {
        let id = node.id.as_deref().filter(|id| !id.is_empty());
        let uid = match id {
            Some(id) if !places.contains_key(id) => id.to_owned(),
            _ => {
                let mut derivation = Derivation::default();
                derivation
                    .add("message")
                    .add(id.unwrap_or_default())
                    .number(at);
                if let Some(message) = &node.message {
                    derivation.message(message);
                }
                let mut uid = derivation.uid();
                while places.contains_key(&uid) {
                    uid = derivation.number(1).uid();
                }
                uid
            }
        };
        places.entry(uid.clone()).or_insert(at as u64);
        uids.push(uid);
    }
    let place = |id: &str| places.get(id).map(|at| *at as usize);
    let mut parents: Vec<Option<usize>> = nodes
        .iter()
        .enumerate()
        .map(|(at, node)| match &node.parent {
            Parent::Previous => at.checked_sub(1),
            Parent::Root => None,
            Parent::Id(id) => place(id).filter(|parent| *parent != at),
        })
        .collect();
    let forward = |(at, parent): (usize, &Option<usize>)| parent.is_none_or(|parent| parent < at);
    let sequence = if order == Order::File && parents.iter().enumerate().all(forward) {
        (0..count).collect()
    } else {
        branches(&mut parents)
    };

    // The nearest message above each entry.
    let mut above: Vec<Option<usize>> = vec![None; count];
    for &at in &sequence {
        above[at] = parents[at].and_then(|parent| match &nodes[parent].message {
            Some(_) => Some(parent),
            None => above[parent],
        });
    }
    let head = head
        .and_then(place)
        .and_then(|at| match &nodes[at].message {
            Some(_) => Some(at),
            None => above[at],
        });
    let mut messages = Vec::with_capacity(count);
    let mut last = None;
    for at in sequence {
        let Some(mut message) = nodes[at].message.take() else {
            continue;
        };
        message.parent = (above[at] != last).then(|| above[at].map(|parent| uids[parent].clone()));
        message.uid = uids[at].clone();
        messages.push(message);
        last = Some(at);
    }
    let head = head
        .filter(|at| Some(*at) != last)
        .map(|at| Some(uids[at].clone()));
    (messages, head)
}

/// Depth first from the roots, siblings as in the file. A cycle is cut at its first entry.
fn branches(parents: &mut [Option<usize>]) -> Vec<usize> {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); parents.len()];
    for (at, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(at);
        }
    }
    let mut seen = vec![false; parents.len()];
    let mut sequence = Vec::with_capacity(parents.len());
    let roots = (0..parents.len())
        .filter(|at| parents[*at].is_none())
        .collect::<Vec<_>>();
    for start in roots.into_iter().chain(0..parents.len()) {
        if seen[start] {
            continue;
        }
        // What is left hangs below a cycle: walking up ends in it.
        let mut start = start;
        let mut walked = vec![false; parents.len()];
        while let Some(parent) = parents[start] {
            if std::mem::replace(&mut walked[start], true) {
                break;
            }
            start = parent;
        }
        parents[start] = None;
        let mut waiting = vec![start];
        while let Some(at) = waiting.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            sequence.push(at);
            waiting.extend(children[at].iter().rev().filter(|child| !seen[**child]));
        }
    }
    sequence
}
