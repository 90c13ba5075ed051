//! Segments made into one, in steps, without the texts that are gone.

use super::ids::Ids;
use super::segment::{
    Cursor, Head, ListWriter, Lists, Piece, Read, Segment, Source, Text, Writer, each_text,
};

/// Stands for a text that is left out.
const GONE: u32 = u32::MAX;

struct Input {
    head: Head,
    cursor: Cursor,
    /// Where each text is in what is written.
    places: Vec<u32>,
}

/// A merge under way. What it reads must not change meanwhile, and never does.
pub struct Merge {
    inputs: Vec<Input>,
    texts: Vec<Text>,
    writer: Writer,
}

/// A merge went this far.
pub enum Step {
    /// There is more to do; keep these.
    Pieces(Merge, Vec<Piece>),
    /// It is done; keep these.
    Done(Head, Vec<Piece>),
}

impl Merge {
    /// Begins with segments in their order, and the ids of their texts that are gone.
    ///
    /// # Errors
    /// [`super::segment::Fault`].
    pub fn begin<'a>(segments: impl Iterator<Item = (&'a Segment<'a>, &'a Ids)>) -> Read<Self> {
        let mut merge = Self {
            inputs: Vec::new(),
            texts: Vec::new(),
            writer: Writer::default(),
        };
        for (segment, gone) in segments {
            let mut places = Vec::new();
            for text in segment.texts()? {
                if gone.contains(text.id) {
                    places.push(GONE);
                } else {
                    places.push(merge.texts.len() as u32);
                    merge.texts.push(text);
                }
            }
            merge.inputs.push(Input {
                head: segment.head.clone(),
                cursor: Cursor::new(segment)?,
                places,
            });
        }
        Ok(merge)
    }

    /// Goes on until about `budget` bytes of lists were read. `sources` are those of the segments.
    ///
    /// # Errors
    /// [`super::segment::Fault`].
    pub fn step(mut self, sources: &[&dyn Source], budget: usize) -> Read<Step> {
        let mut list = ListWriter::default();
        let mut spent = 0;
        let segments: Vec<_> = sources.iter().copied().zip(&mut self.inputs).collect();
        let mut inputs: Vec<_> = segments
            .into_iter()
            .map(|(source, input)| {
                let segment = Segment {
                    head: &input.head,
                    source,
                };
                let lists = Lists::new(&segment);
                (segment, lists, &mut input.cursor, &input.places)
            })
            .collect();
        while spent < budget {
            let words = inputs.iter().filter_map(|(_, _, cursor, _)| cursor.word());
            let Some(word) = words.map(|(word, _)| word.to_vec()).min() else {
                let (head, pieces) = self.writer.finish(&self.texts);
                return Ok(Step::Done(head, pieces));
            };
            list.clear();
            for (segment, lists, cursor, places) in &mut inputs {
                let Some((_, at)) = cursor.word().filter(|(it, _)| *it == word) else {
                    continue;
                };
                each_text(lists.bytes(at)?, segment.head.texts, |text, count| {
                    if places[text as usize] != GONE {
                        list.push(places[text as usize], count);
                    }
                })?;
                // Looking at a word costs about as much as that.
                spent += 16 + at.length as usize;
                cursor.advance(segment)?;
            }
            if !list.bytes().is_empty() {
                self.writer.word(&word, list.bytes());
            }
        }
        let pieces = self.writer.take();
        Ok(Step::Pieces(self, pieces))
    }
}
