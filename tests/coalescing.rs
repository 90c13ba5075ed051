//! Writes made one: the file that SQLite sees is the file that it wrote, and at the end of each commit
//! so is the device's. Random transactions as SQLite writes them to its log, some spilled and written
//! over, some taken back, with reads between.

#![cfg(not(target_arch = "wasm32"))]

use conversation_store::coalescing::{Coalescing, Kind};
use proptest::prelude::*;

const PAGE: usize = 512;
const FRAME: usize = 24 + PAGE;

/// A device that counts its writes, and may be full.
#[derive(Default)]
struct Device {
    bytes: Vec<u8>,
    writes: usize,
    is_full: bool,
}

fn put(file: &mut Vec<u8>, bytes: &[u8], offset: u64) {
    let end = offset as usize + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset as usize..end].copy_from_slice(bytes);
}

impl Device {
    fn write(&mut self, bytes: &[u8], offset: u64) -> Result<(), &'static str> {
        if self.is_full {
            return Err("full");
        }
        self.writes += 1;
        put(&mut self.bytes, bytes, offset);
        Ok(())
    }
}

/// The log through it, beside the same log written straight.
struct Log {
    held: Coalescing,
    device: Device,
    model: Vec<u8>,
    frames: u64,
}

impl Log {
    fn new() -> Self {
        let mut log = Self {
            held: Coalescing::new(Kind::Log),
            device: Device::default(),
            model: Vec::new(),
            frames: 0,
        };
        log.write(&[7; 32], 0);
        log
    }

    fn write(&mut self, bytes: &[u8], offset: u64) {
        put(&mut self.model, bytes, offset);
        let device = &mut self.device;
        self.held
            .write(bytes, offset, |bytes, offset| device.write(bytes, offset))
            .unwrap();
    }

    fn header(&mut self, frame: u64, fill: u8, commits: bool) {
        let mut header = [fill; 24];
        header[4..8].copy_from_slice(&u32::from(commits).to_be_bytes());
        self.write(&header, 32 + frame * FRAME as u64);
    }

    fn frame(&mut self, frame: u64, fill: u8, commits: bool) {
        self.header(frame, fill, commits);
        self.write(&[fill; PAGE], 32 + frame * FRAME as u64 + 24);
    }

    /// Does what comes before a read.
    fn settle(&mut self) {
        let device = &mut self.device;
        self.held
            .settle(|bytes, offset| device.write(bytes, offset))
            .unwrap();
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many frames, the last of them the commit's.
    Commit(u64),
    /// Frames that went out of the cache; then perhaps more, and the commit, with the headers from the
    /// first that was written over on written again.
    Spill {
        frames: u64,
        over: Option<u64>,
        more: u64,
        commits: bool,
    },
    Read,
    /// Checkpointed: the next frame is the first.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u64..6).prop_map(Step::Commit),
        2 => (1_u64..5, prop::option::of(0_u64..5), 1_u64..4, any::<bool>()).prop_map(
            |(frames, over, more, commits)| Step::Spill { frames, over, more, commits }
        ),
        1 => Just(Step::Read),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #[test]
    fn what_a_commit_wrote_is_on_the_device_when_it_ends(
        steps in prop::collection::vec((step(), any::<u8>()), 1..40),
    ) {
        let mut log = Log::new();
        for (step, fill) in steps {
            match step {
                Step::Commit(count) => {
                    for n in 0..count {
                        log.frame(log.frames + n, fill, n + 1 == count);
                    }
                    log.frames += count;
                    prop_assert_eq!(&log.device.bytes, &log.model);
                }
                Step::Spill { frames, over, more, commits } => {
                    for n in 0..frames {
                        log.frame(log.frames + n, fill, false);
                    }
                    let over = over.filter(|it| *it < frames).map(|it| log.frames + it);
                    if let Some(over) = over {
                        log.write(&[!fill; PAGE], 32 + over * FRAME as u64 + 24);
                    }
                    if !commits {
                        // Taken back: the next transaction writes over it.
                        continue;
                    }
                    for n in frames..frames + more {
                        log.frame(log.frames + n, fill, n + 1 == frames + more);
                    }
                    log.frames += frames + more;
                    if let Some(over) = over {
                        for n in over..log.frames {
                            log.settle();
                            log.header(n, !fill, n + 1 == log.frames);
                        }
                    }
                    prop_assert_eq!(&log.device.bytes, &log.model);
                }
                Step::Read => {
                    log.settle();
                    prop_assert_eq!(&log.device.bytes, &log.model);
                }
                Step::Restart => {
                    log.frames = 0;
                    log.write(&[fill; 32], 0);
                }
            }
            prop_assert_eq!(log.held.size(log.device.bytes.len() as u64), log.model.len() as u64);
        }
    }
}

#[test]
fn a_commit_is_one_write() {
    let mut log = Log::new();
    for commit in 0..10 {
        let before = log.device.writes;
        for n in 0..5 {
            log.frame(commit * 5 + n, n as u8, n == 4);
        }
        assert_eq!(log.device.writes - before, 1);
    }
}

#[test]
fn a_commit_that_cannot_be_written_fails_and_leaves_nothing_behind() {
    let mut log = Log::new();
    log.frame(0, 1, true);
    let before = log.device.bytes.clone();
    let frame = |log: &mut Log, n: u64, commits: bool| {
        let mut header = [2; 24];
        header[4..8].copy_from_slice(&u32::from(commits).to_be_bytes());
        let (at, device) = (32 + n * FRAME as u64, &mut log.device);
        log.held
            .write(&header, at, |bytes, at| device.write(bytes, at))
            .and_then(|()| {
                log.held
                    .write(&[2; PAGE], at + 24, |bytes, at| device.write(bytes, at))
            })
    };
    log.device.is_full = true;
    frame(&mut log, 1, false).unwrap();
    frame(&mut log, 2, true).unwrap_err();
    log.device.is_full = false;
    // Nothing of it comes later.
    log.settle();
    assert_eq!(log.device.bytes, before);
    frame(&mut log, 1, true).unwrap();
    assert_eq!(log.device.bytes.len(), 32 + 2 * FRAME);
}

#[test]
fn another_file_goes_out_when_it_is_synced_read_or_cut() {
    let (mut held, mut device) = (Coalescing::new(Kind::Other), Device::default());
    for page in 0..100 {
        let written = held.write(&[page as u8; 8_192], page * 8_192, |bytes, at| {
            device.write(bytes, at)
        });
        written.unwrap();
    }
    // Held back within a bound.
    assert!(device.bytes.len() >= 100 * 8_192 - (256 << 10));
    assert_eq!(held.size(device.bytes.len() as u64), 100 * 8_192);
    held.flush(|bytes, at| device.write(bytes, at)).unwrap();
    assert_eq!(device.bytes.len(), 100 * 8_192);
    assert_eq!(device.writes, 4);
}
