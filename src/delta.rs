//! What has changed in the blocks of a file, as bytes: a message that is added changes some hundred bytes in
//! each of eight pages. Knows no file and no storage.
//!
//! A delta is a run of ranges: the block's number (4 bytes), where in it (2), how long (2), all little-endian,
//! and the bytes that are there now.

/// Equal bytes between two differences from which on they are two ranges.
const GAP: usize = 16;
/// Bytes before those of a range.
const HEADER: usize = 8;

/// Adds the differences of a block to a delta. Both are as long, and less than 65,536 bytes.
pub fn write(delta: &mut Vec<u8>, number: u32, before: &[u8], now: &[u8]) {
    let mut at = 0;
    while let Some(first) = first_difference(before, now, at) {
        let (mut end, mut next) = (first + 1, first + 1);
        while next < now.len().min(end + GAP) {
            next += 1;
            if before[next - 1] != now[next - 1] {
                end = next;
            }
        }
        delta.extend(number.to_le_bytes());
        delta.extend((first as u16).to_le_bytes());
        delta.extend(((end - first) as u16).to_le_bytes());
        delta.extend(&now[first..end]);
        at = end;
    }
}

/// Looked for by eight bytes at a time, as most are equal.
fn first_difference(before: &[u8], now: &[u8], at: usize) -> Option<usize> {
    let words = before[at..].chunks(8).zip(now[at..].chunks(8));
    let (place, (one, other)) = words.enumerate().find(|(_, (one, other))| one != other)?;
    let within = one.iter().zip(other).position(|(one, other)| one != other);
    Some(at + place * 8 + within.unwrap_or_default())
}

/// What is done with a range: its block, where in it, the bytes. `None` if they do not fit.
pub type Each<'a> = dyn FnMut(u32, usize, &[u8]) -> Option<()> + 'a;

/// Gives the ranges of a delta in order. `None` if it is none.
#[must_use]
pub fn read(delta: &[u8], each: &mut Each<'_>) -> Option<()> {
    let mut rest = delta;
    while !rest.is_empty() {
        let (header, after) = rest.split_first_chunk::<HEADER>()?;
        let [a, b, c, d, e, f, g, h] = *header;
        let length = usize::from(u16::from_le_bytes([g, h]));
        let (bytes, after) = after.split_at_checked(length)?;
        let offset = usize::from(u16::from_le_bytes([e, f]));
        each(u32::from_le_bytes([a, b, c, d]), offset, bytes)?;
        rest = after;
    }
    Some(())
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn applied(before: &[Vec<u8>], delta: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut blocks = before.to_vec();
        read(delta, &mut |number, offset, bytes| {
            let block = blocks.get_mut(number as usize)?;
            let place = block.get_mut(offset..offset + bytes.len())?;
            place.copy_from_slice(bytes);
            Some(())
        })?;
        Some(blocks)
    }

    #[test]
    fn ranges_are_as_few_and_as_short_as_they_may_be() {
        let before = vec![0; 100];
        let mut now = before.clone();
        for (place, byte) in [(3, 1), (10, 2), (60, 3), (99, 4)] {
            now[place] = byte;
        }
        let mut delta = Vec::new();
        write(&mut delta, 7, &before, &now);
        let mut ranges = Vec::new();
        let whole = read(&delta, &mut |number, offset, bytes| {
            ranges.push((number, offset, bytes.len()));
            Some(())
        });
        assert!(whole.is_some());
        assert_eq!(ranges, [(7, 3, 8), (7, 60, 1), (7, 99, 1)]);
    }

    #[test]
    fn what_is_cut_short_is_none() {
        let mut delta = Vec::new();
        write(&mut delta, 1, &[0; 50], &[1; 50]);
        for length in 1..delta.len() {
            assert_eq!(read(&delta[..length], &mut |_, _, _| Some(())), None);
        }
    }

    proptest! {
        #[test]
        fn gives_what_is_there_now(
            before in proptest::collection::vec(proptest::collection::vec(0..3_u8, 70), 3),
            edits in proptest::collection::vec((0..3_usize, 0..70_usize, 0..3_u8), 0..40),
        ) {
            let mut now = before.clone();
            for (block, place, byte) in edits {
                now[block][place] = byte;
            }
            let mut delta = Vec::new();
            for (number, (before, now)) in before.iter().zip(&now).enumerate() {
                write(&mut delta, number as u32, before, now);
            }
            prop_assert_eq!(applied(&before, &delta), Some(now));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes, &mut |_, _, _| Some(()));
        }
    }
}
