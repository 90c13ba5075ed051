//! The write-ahead log: which frames hold which page.
//!
//! SQLite ends a log at its first frame with a bad checksum, silently. But each frame's checksum begins
//! where that of the frame before ends, and that one stands in the log: a frame after a bad one can be
//! checked as well. <https://sqlite.org/fileformat2.html#the_write_ahead_log>

use std::collections::HashMap;

use crate::bytes::{Bytes, u32_at};

const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// The magic number, but for its last bit, which says how checksums are made.
const MAGIC: u32 = 0x377f_0682;

/// What a log's header says.
#[derive(Clone, Copy, Debug)]
struct Header {
    size: usize,
    salts: [u32; 2],
    /// Words of a checksum have their highest byte first.
    is_big: bool,
    sum: [u32; 2],
}

/// A frame whose page is believed, or not.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Where its page lies in the log.
    pub offset: u64,
    /// Its checksum is right.
    pub is_right: bool,
}

/// What a log holds.
#[derive(Default)]
pub struct Log {
    /// Of each page its last frame that was committed, and one after it whose checksum is wrong.
    pub pages: HashMap<u32, Versions>,
    /// Pages' earlier frames that were committed and are right, in the order of the log.
    pub earlier: Vec<(u32, u64)>,
    /// Frames of which it cannot be told which page they are, or whether they were committed.
    pub others: Vec<u64>,
    /// Pages that the database has after its last commit.
    pub count: Option<u32>,
    /// Anything in it is not as it was written.
    pub is_damaged: bool,
}

/// The frames of one page.
#[derive(Clone, Copy, Debug, Default)]
pub struct Versions {
    /// The last that is right.
    pub right: Option<u64>,
    /// A later one that is not.
    pub doubtful: Option<u64>,
}

/// The page size that a log's header says, if the header is whole.
pub fn page_size(log: &impl Bytes) -> Option<usize> {
    header(log).map(|header| header.size)
}

fn header(log: &impl Bytes) -> Option<Header> {
    let mut bytes = [0; HEADER as usize];
    if log.read(0, &mut bytes) < bytes.len() {
        return None;
    }
    let magic = u32_at(&bytes, 0)?;
    let size = u32_at(&bytes, 8)? as usize;
    if magic & !1 != MAGIC || !is_page_size(size) {
        return None;
    }
    let is_big = magic & 1 == 1;
    let sum = [u32_at(&bytes, 24)?, u32_at(&bytes, 28)?];
    let salts = [u32_at(&bytes, 16)?, u32_at(&bytes, 20)?];
    (checksum(is_big, [0; 2], &bytes[..24]) == sum).then_some(Header {
        size,
        salts,
        is_big,
        sum,
    })
}

/// Whether a page may be so large.
pub fn is_page_size(size: usize) -> bool {
    size.is_power_of_two() && (512..=65_536).contains(&size)
}

/// <https://sqlite.org/fileformat2.html#checksum_algorithm>
fn checksum(is_big: bool, [mut a, mut b]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    for eight in bytes.chunks_exact(8) {
        let word = |at: usize| {
            let four = [eight[at], eight[at + 1], eight[at + 2], eight[at + 3]];
            if is_big {
                u32::from_be_bytes(four)
            } else {
                u32::from_le_bytes(four)
            }
        };
        a = a.wrapping_add(word(0)).wrapping_add(b);
        b = b.wrapping_add(word(4)).wrapping_add(a);
    }
    [a, b]
}

/// A frame as it stands in the log.
struct Found {
    page: u32,
    /// Not 0: it ends a transaction, and the database has so many pages then.
    commit: u32,
    has_salts: bool,
    is_right: bool,
}

/// Reads a log whose pages are of `size` bytes. `looks_right` is asked about a page whose frame's checksum
/// is wrong.
pub fn read(log: &impl Bytes, size: usize) -> Log {
    let mut out = Log::default();
    let step = FRAME_HEADER + size as u64;
    let count = log.len().saturating_sub(HEADER) / step;
    if count == 0 {
        out.is_damaged = log.len() > 0 && header(log).is_none();
        return out;
    }
    let known = header(log).filter(|header| header.size == size);
    out.is_damaged = known.is_none() || log.len() != HEADER + count * step;
    let mut bytes = vec![0; step as usize];
    let Some(header) = known.or_else(|| guess(log, size, &mut bytes)) else {
        out.others = (0..count)
            .map(|n| HEADER + n * step + FRAME_HEADER)
            .collect();
        return out;
    };

    let mut before = Some(header.sum).filter(|_| known.is_some());
    let mut frames = Vec::new();
    let mut last = 0;
    for n in 0..count {
        let at = HEADER + n * step;
        if log.read(at, &mut bytes) < bytes.len() {
            break;
        }
        let field = |at| u32_at(&bytes, at).unwrap_or_default();
        let has_salts = [field(8), field(12)] == header.salts;
        let sum = [field(16), field(20)];
        let is_right = has_salts
            && before.is_some_and(|before| {
                let of_header = checksum(header.is_big, before, &bytes[..8]);
                checksum(header.is_big, of_header, &bytes[FRAME_HEADER as usize..]) == sum
            });
        before = Some(sum);
        frames.push(Found {
            page: field(0),
            commit: field(4),
            has_salts,
            is_right,
        });
        if has_salts {
            last = frames.len();
        }
    }
    // What comes after is of an earlier log, whose pages are in the main file.
    frames.truncate(last);

    let mut pending: Vec<(u32, Frame)> = Vec::new();
    for (n, found) in frames.iter().enumerate() {
        let offset = HEADER + n as u64 * step + FRAME_HEADER;
        out.is_damaged |= !found.is_right;
        if !found.has_salts || found.page == 0 {
            out.others.push(offset);
            continue;
        }
        let is_right = found.is_right;
        pending.push((found.page, Frame { offset, is_right }));
        if found.commit == 0 {
            continue;
        }
        if found.is_right {
            out.count = Some(found.commit);
        }
        for (page, frame) in pending.drain(..) {
            let versions = out.pages.entry(page).or_default();
            if frame.is_right {
                let earlier = versions.right.replace(frame.offset);
                out.earlier.extend(earlier.map(|offset| (page, offset)));
                versions.doubtful = None;
            } else {
                versions.doubtful = Some(frame.offset);
            }
        }
    }
    // Its commit is not there: it was cut off, or was never acknowledged.
    out.others
        .extend(pending.iter().map(|(_, frame)| frame.offset));
    out
}

/// The salts of a log whose header is lost: those of its first frames, whose checksums say how they are
/// made.
fn guess(log: &impl Bytes, size: usize, bytes: &mut [u8]) -> Option<Header> {
    let step = FRAME_HEADER + size as u64;
    let mut before: Option<[u32; 2]> = None;
    // As many as one bad frame leaves in doubt, and one more.
    for n in 0..4 {
        if log.read(HEADER + n * step, bytes) < bytes.len() {
            return None;
        }
        let sum = [u32_at(bytes, 16)?, u32_at(bytes, 20)?];
        for is_big in [false, true] {
            let Some(before) = before else { break };
            let of_header = checksum(is_big, before, &bytes[..8]);
            if checksum(is_big, of_header, &bytes[FRAME_HEADER as usize..]) == sum {
                return Some(Header {
                    size,
                    salts: [u32_at(bytes, 8)?, u32_at(bytes, 12)?],
                    is_big,
                    sum,
                });
            }
        }
        before = Some(sum);
    }
    None
}
