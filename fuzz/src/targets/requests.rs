//! Requests of any kind, in any order, against a store: each is answered or refused by a code that its caller
//! was promised, a refusal changes nothing, and what is left is sound.

use conversation_store::error::ErrorCode;
use conversation_store::model::{Durability, Operation};
use conversation_store::rpc::{Call, Request, Response, dispatch, dispatch_all};
use conversation_store::store::{Outcome, Store, Tuning};
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use crate::invention::{Known, below, integer, invent, text};
use crate::promises::{everything, is_answer, is_complete, is_sound, is_typed};
use crate::world::{NOON, World};

/// What a request may be refused with.
const REFUSALS: [ErrorCode; 3] = [
    ErrorCode::InvalidArgument,
    ErrorCode::NotFound,
    ErrorCode::Conflict,
];

const TAB: &str = "00000000-0000-4000-8000-000000000001";

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let known = &Known::default();
    let world = World::new(1);
    let mut store = world.empty();
    store.tune_index(Tuning {
        smallest: 1,
        tolerable: 3,
        ..Tuning::default()
    });
    let mut number = 0;
    for _ in 0..24 {
        if bytes.is_empty() {
            break;
        }
        match below(bytes, 24) {
            0 => {
                store.index_step().expect("the index goes on");
            }
            1 => world.set_clock(NOON + integer(bytes) % 100_000_000_000),
            2 => store.retain_tabs(&[TAB]).expect("records go"),
            3 => store.set_durability(Durability::Relaxed).expect("set"),
            4 => store.heal_streams(&[] as &[&str]).expect("streams end"),
            5 => store.set_tab((below(bytes, 2) == 0).then_some(TAB)),
            6 => is_complete(&mut store, &text(bytes, known)),
            7 => together(&mut store, bytes, known, &mut number),
            _ => one(&mut store, bytes, known, &mut number),
        }
    }
    // Who streams is gone.
    store.heal_streams(&[] as &[&str]).expect("streams end");
    store.heal(None).expect("what grows is folded in");
    is_sound(&mut store);
    is_complete(&mut store, &text(bytes, known));
    Corpus::Keep
}

fn operation(bytes: &mut Unstructured<'_>, number: &mut i64) -> Option<Operation> {
    match below(bytes, 4) {
        0 => Some(Operation::Named {
            name: ["x", "y"][below(bytes, 2)].to_owned(),
        }),
        1 => {
            *number += 1;
            Some(Operation::Own {
                tab: TAB.to_owned(),
                number: *number,
                done: (*number - 1).max(0),
                open: Vec::new(),
            })
        }
        _ => None,
    }
}

fn one(store: &mut Store, bytes: &mut Unstructured<'_>, known: &Known, number: &mut i64) {
    let operation = operation(bytes, number);
    let Ok(request) = invent::<Request>(bytes, known) else {
        return;
    };
    let looks = below(bytes, 4) == 0;
    let before = looks.then(|| everything(store));
    let outcome = dispatch(store, request.clone(), operation.as_ref());
    let changes = store.take_changes();
    match is_typed(outcome, &REFUSALS) {
        Some(response) => {
            remember(&response, known);
            is_answer(&response);
            if let Some(operation) = operation {
                let again = dispatch(store, request, Some(&operation));
                let again = is_typed(again, &[]).expect("the same is carried out once");
                // Answers of reads are of now.
                if !changes.is_empty() && !matches!(response, Response::Imported(_)) {
                    assert_eq!(again, response, "the first answer is given again");
                }
                assert!(store.take_changes().is_empty(), "it is carried out once");
            }
        }
        None => {
            assert!(
                changes.is_empty(),
                "a refusal tells of changes: {changes:?}"
            );
            if let Some(before) = before {
                assert_eq!(everything(store), before, "a refusal changed something");
            }
        }
    }
}

fn together(store: &mut Store, bytes: &mut Unstructured<'_>, known: &Known, number: &mut i64) {
    let calls: Vec<_> = (0..1 + below(bytes, 4))
        .filter_map(|_| {
            *number += 1;
            Some(Call {
                request: invent(bytes, known).ok()?,
                operation: Some(Operation::Own {
                    tab: TAB.to_owned(),
                    number: *number,
                    done: 0,
                    open: Vec::new(),
                }),
                tab: Some(TAB.to_owned()),
            })
        })
        .collect();
    for Outcome { result, .. } in dispatch_all(store, &calls) {
        if let Some(response) = is_typed(result, &REFUSALS) {
            remember(&response, known);
            is_answer(&response);
        }
    }
    store.take_changes();
}

/// What an answer names may be named by what follows.
fn remember(response: &Response, known: &Known) {
    match response {
        Response::Conversations(all) => all.iter().for_each(|it| known.add(&it.uid)),
        Response::Messages(all) => all.iter().for_each(|it| known.add(&it.uid)),
        Response::Added(one) => known.add(&one.uid),
        Response::Saved(all) => all.iter().for_each(|it| known.add(&it.uid)),
        Response::Hits(all) => all.iter().for_each(|it| known.add(&it.cursor)),
        Response::Blob(Some(blob)) => known.add(&blob.hash),
        _ => {}
    }
}
