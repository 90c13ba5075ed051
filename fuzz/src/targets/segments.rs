//! Segments of the index whose bytes are not those that were written, with a checksum that holds: what cannot
//! be read is told to be damaged, and nothing panics, goes on for ever or takes memory without bound.

use conversation_store::search::ids::Ids;
use conversation_store::search::matching::hits;
use conversation_store::search::merge::{Merge, Step};
use conversation_store::search::native::Tables;
use conversation_store::search::query::Query;
use conversation_store::search::segment::{
    Builder, Head, Kept, Kind, Piece, Segment, Source, Text, sealed,
};
use libfuzzer_sys::Corpus;
use libfuzzer_sys::arbitrary::Unstructured;

use crate::invention::{Known, below, integer, text};

pub fn run(input: &[u8]) -> Corpus {
    let bytes = &mut Unstructured::new(input);
    let known = &Known::default();
    let typed = text(bytes, known);
    let first = segment(bytes, known);
    let second = segment(bytes, known);
    let (Some(first), Some(second)) = (first, second) else {
        return Corpus::Keep;
    };
    let sources = [Kept::new(first.1), Kept::new(second.1)];
    let segments = [
        Segment {
            head: &first.0,
            source: &sources[0],
        },
        Segment {
            head: &second.0,
            source: &sources[1],
        },
    ];
    for segment in &segments {
        // Nothing is looked for in a segment whose texts cannot be read.
        if segment.texts().is_err() {
            continue;
        }
        for term in Query::parse(&Tables, &typed).required {
            let _ = hits(segment, &term);
            let _ = segment.find(typed.as_bytes());
        }
    }
    let gone = Ids::new((0..below(bytes, 4)).map(|_| integer(bytes)).collect());
    let sources = [&sources[0] as &dyn Source, &sources[1] as &dyn Source];
    let mut merge = Merge::begin(segments.iter().map(|it| (it, &gone)));
    for _ in 0..10_000 {
        match merge.and_then(|merge| merge.step(&sources, 64)) {
            Ok(Step::Pieces(next, _)) => merge = Ok(next),
            Ok(Step::Done(..)) | Err(_) => return Corpus::Keep,
        }
    }
    panic!("a merge of two small segments goes on and on");
}

/// One that is well made, or changed, or of noise.
fn segment(bytes: &mut Unstructured<'_>, known: &Known) -> Option<(Head, Vec<Piece>)> {
    let mut builder = Builder::default();
    for _ in 0..below(bytes, 6) {
        let about = Text {
            id: integer(bytes),
            conversation: integer(bytes),
            created_at: integer(bytes),
            role: below(bytes, 4) as u8,
            length: 0,
        };
        builder.add(about, &text(bytes, known));
    }
    let (head, _, mut pieces) = builder.finish();
    let mut written = head.write();
    for _ in 0..below(bytes, 6) {
        let which = below(bytes, pieces.len() + 1);
        match pieces.get_mut(which) {
            Some(piece) => change(&mut piece.bytes, bytes),
            None => change(&mut written, bytes),
        }
    }
    if below(bytes, 8) == 1 {
        pieces.push(Piece {
            kind: [Kind::Texts, Kind::Words, Kind::Lists][below(bytes, 3)],
            number: below(bytes, 3) as u32,
            bytes: sealed(some(bytes)),
        });
    }
    Head::read(&written).ok().map(|head| (head, pieces))
}

fn some(bytes: &mut Unstructured<'_>) -> Vec<u8> {
    let length = below(bytes, 64).min(bytes.len());
    bytes.bytes(length).unwrap_or_default().to_vec()
}

/// Under a checksum that holds again.
fn change(piece: &mut Vec<u8>, bytes: &mut Unstructured<'_>) {
    piece.truncate(piece.len() - 4);
    let at = below(bytes, piece.len());
    match below(bytes, 6) {
        0 => piece.truncate(at),
        1 => {
            let tail = piece.split_off(at.min(piece.len()));
            piece.extend(some(bytes));
            piece.extend(tail);
        }
        2 => *piece = some(bytes),
        _ => {
            if let Some(byte) = piece.get_mut(at) {
                *byte = bytes.arbitrary().unwrap_or(0);
            }
        }
    }
    *piece = sealed(std::mem::take(piece));
}
