//! Segments against their texts: built, written, read, merged, damaged.

#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;

use conversation_search::ids::Ids;
use conversation_search::matching::hits;
use conversation_search::merge::{Merge, Step};
use conversation_search::native::Tables;
use conversation_search::query::{Query, Term};
use conversation_search::segment::{
    Builder, END, Head, Kept, Kind, Piece, Segment, Source, Text, put, sealed,
};

fn text(id: i64) -> Text {
    Text {
        id,
        conversation: id / 7,
        created_at: id * -1_000,
        role: (id % 3) as u8,
        length: 0,
    }
}

fn built(texts: &[(i64, String)]) -> (Head, Vec<Piece>) {
    let mut builder = Builder::default();
    for (id, folded) in texts {
        builder.add(text(*id), folded);
    }
    let (head, _, pieces) = builder.finish();
    (head, pieces)
}

fn terms(queries: &[&str]) -> Vec<Term> {
    let query = |typed: &&str| Query::parse(&Tables, typed).required;
    queries.iter().flat_map(query).collect()
}

/// Whether the segment says of each text what the text says.
fn check(head: &Head, pieces: &[Piece], texts: &[(i64, String)], terms: &[Term]) {
    let head = Head::read(&head.write()).unwrap();
    let source = Kept::new(pieces.to_vec());
    let segment = Segment {
        head: &head,
        source: &source,
    };
    let read = segment.texts().unwrap();
    let expected: Vec<_> = texts
        .iter()
        .map(|(id, folded)| Text {
            length: folded.len() as u32,
            ..text(*id)
        })
        .collect();
    assert_eq!(read, expected);
    for term in terms {
        let found = hits(&segment, term).unwrap();
        for ((_, folded), hit) in texts.iter().zip(found) {
            let is_in = term.is_in(folded);
            assert!(
                hit.is_any() || !is_in,
                "{term:?} is not found in {folded:?}"
            );
            assert!(
                is_in || !hit.is_any() || hit.is_unsure(),
                "{term:?} is found in {folded:?}"
            );
        }
    }
}

fn merged(segments: &[(Head, Vec<Piece>)], gone: &Ids, budget: usize) -> (Head, Vec<Piece>) {
    let sources: Vec<_> = segments.iter().map(|it| Kept::new(it.1.clone())).collect();
    let read: Vec<_> = segments
        .iter()
        .zip(&sources)
        .map(|((head, _), source)| Segment { head, source })
        .collect();
    let sources: Vec<_> = sources.iter().map(|it| it as &dyn Source).collect();
    let mut merge = Merge::begin(read.iter().map(|it| (it, gone))).unwrap();
    let mut pieces = Vec::new();
    loop {
        match merge.step(&sources, budget).unwrap() {
            Step::Pieces(next, more) => {
                pieces.extend(more);
                merge = next;
            }
            Step::Done(head, more) => {
                pieces.extend(more);
                return (head, pieces);
            }
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-e]{1,6}",
        "[a-c]{30,40}",
        "[가-갃]{1,4}",
        "[日本語文]{1,5}",
        "[+=.]{1,12}",
        Just(" ".to_owned()),
        Just("🌱".to_owned()),
    ]
}

proptest! {
    #[test]
    fn a_segment_says_what_its_texts_say(
        texts in prop::collection::vec(prop::collection::vec(word(), 0..8), 1..40),
        queries in prop::collection::vec(prop::collection::vec(word(), 1..3), 1..8),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        gone in prop::collection::vec(0_i64..40, 0..10),
        budget in 1_usize..2_000,
    ) {
        let texts: Vec<_> = texts.iter().enumerate().map(|(id, it)| (id as i64, it.concat())).collect();
        let queries: Vec<_> = queries.iter().map(|it| it.concat()).collect();
        let queries: Vec<_> = queries.iter().map(String::as_str).collect();
        let terms = terms(&queries);
        let (head, pieces) = built(&texts);
        check(&head, &pieces, &texts, &terms);

        let mut cuts: Vec<_> = cuts.iter().map(|it| it.index(texts.len())).collect();
        cuts.extend([0, texts.len()]);
        cuts.sort_unstable();
        let segments: Vec<_> = cuts.windows(2).map(|it| built(&texts[it[0]..it[1]])).collect();
        let gone = Ids::new(gone);
        let left: Vec<_> = texts.into_iter().filter(|it| !gone.contains(it.0)).collect();
        let (head, pieces) = merged(&segments, &gone, budget);
        check(&head, &pieces, &left, &terms);
        // And byte for byte what they would have been at once.
        prop_assert_eq!((head, sorted(pieces)), {
            let (head, pieces) = built(&left);
            (head, sorted(pieces))
        });
    }

    #[test]
    fn damage_is_told(at in any::<prop::sample::Index>(), byte in 1_u8.., which in any::<prop::sample::Index>()) {
        let texts: Vec<_> = (0..300).map(|id| (id, format!("word{id} and common {}", id % 7))).collect();
        let (head, mut pieces) = built(&texts);
        let piece = which.index(pieces.len());
        let place = at.index(pieces[piece].bytes.len());
        pieces[piece].bytes[place] ^= byte;
        let source = Kept::new(pieces.clone());
        let segment = Segment { head: &head, source: &source };
        let terms = terms(&["common", "word7"]);
        let failed = match pieces[piece].kind {
            Kind::Texts => segment.texts().is_err(),
            _ => terms.iter().any(|term| hits(&segment, term).is_err()),
        };
        prop_assert!(failed);
    }

    #[test]
    fn nothing_is_read_from_noise(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Head::read(&bytes).is_err());
        prop_assert!(Ids::read(&bytes).is_err());
    }
}

fn sorted(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort_by_key(|it| (it.kind as u8, it.number));
    pieces
}

/// Enough for many pieces, and lists that are longer than one.
#[test]
fn long_lists_and_many_words_take_many_pieces() {
    let texts: Vec<_> = (0..40_000)
        .map(|id| (id, format!("common w{} x{}", id, id * 31 % 997)))
        .collect();
    let (head, pieces) = built(&texts);
    let count = |kind| pieces.iter().filter(|it| it.kind == kind).count();
    assert!(count(Kind::Texts) > 3 && count(Kind::Words) > 3 && count(Kind::Lists) > 3);
    let terms = terms(&["common", "w39999", "w7", "x996", "mmon", "w"]);
    check(&head, &pieces, &texts, &terms);
    let segments: Vec<_> = texts.chunks(9_000).map(built).collect();
    let all = merged(&segments, &Ids::default(), 10_000);
    assert_eq!((&all.0, sorted(all.1)), (&head, sorted(pieces)));
}

/// A checksum is 32 bits: what stands under one that holds may still be anything. None of it may take the memory
/// of its word for it, or count beyond what a number holds.
#[test]
fn what_cannot_be_is_damage() {
    let texts: Vec<_> = (0..3).map(|id| (id, format!("common w{id}"))).collect();
    let (head, pieces) = built(&texts);
    let read = |head: &Head, pieces: &[Piece]| {
        let head = Head::read(&head.write()).unwrap();
        let source = Kept::new(pieces.to_vec());
        let segment = Segment {
            head: &head,
            source: &source,
        };
        let texts = segment.texts().is_err();
        // The store looks for nothing in a segment whose texts it could not read.
        let lists = texts
            || terms(&["common", "w1", "mmo"])
                .iter()
                .all(|term| hits(&segment, term).is_err());
        let merges = Merge::begin([(&segment, &Ids::default())].into_iter())
            .and_then(|merge| merge.step(&[&source], 1_000))
            .is_err();
        (texts, lists, merges)
    };
    assert_eq!(read(&head, &pieces), (false, false, false));
    let many = Head {
        texts: u32::MAX,
        ..head.clone()
    };
    assert_eq!(read(&many, &pieces), (true, true, true));
    let far = Head {
        words: vec![(head.words[0].0.clone(), u64::MAX - 1)],
        ..head.clone()
    };
    assert_eq!(read(&far, &pieces), (false, true, true));
    let long = pieces
        .iter()
        .map(|piece| {
            let mut piece = piece.clone();
            if piece.kind == Kind::Words {
                // The length of the first list.
                let body = &piece.bytes[..piece.bytes.len() - 4];
                let text = body.iter().rposition(|byte| *byte == END).unwrap();
                let mut bytes = body[..=text].to_vec();
                for _ in 0..texts.len() + 1 {
                    put(&mut bytes, u64::MAX - 7);
                }
                piece.bytes = sealed(bytes);
            }
            piece
        })
        .collect::<Vec<_>>();
    assert_eq!(read(&head, &long), (false, true, true));
}
