//! A device in memory: what SQLite would see of it, what it does wrong and when, and what of it a loss of
//! power leaves. Knows no SQLite.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::common::random::Random;

/// Files by name. A copy shares their bytes until one is written.
pub type Image = BTreeMap<String, Rc<Vec<u8>>>;

/// What a device is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read,
    Write,
    Sync,
    Truncate,
    Open,
    Delete,
    Size,
    Access,
}

impl Call {
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Write,
        Self::Sync,
        Self::Truncate,
        Self::Open,
        Self::Delete,
        Self::Size,
        Self::Access,
    ];
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    ReadFails,
    /// Nothing is written.
    WriteFails,
    /// A part is written, which is how a full disk shows where no quota is in the way.
    WriteIsShort,
    /// All is written, and an error told all the same.
    WriteLies,
    /// Nothing is written: no space. From then on, nothing grows.
    DiskIsFull,
    SyncFails,
    TruncateFails,
    OpenFails,
    DeleteFails,
    SizeFails,
    AccessFails,
    /// Every call fails, whatever it is.
    Gone,
}

impl Fault {
    pub const ALL: [Self; 12] = [
        Self::ReadFails,
        Self::WriteFails,
        Self::WriteIsShort,
        Self::WriteLies,
        Self::DiskIsFull,
        Self::SyncFails,
        Self::TruncateFails,
        Self::OpenFails,
        Self::DeleteFails,
        Self::SizeFails,
        Self::AccessFails,
        Self::Gone,
    ];

    /// The calls among which it is counted; `None`: all.
    pub fn call(self) -> Option<Call> {
        Some(match self {
            Self::ReadFails => Call::Read,
            Self::WriteFails | Self::WriteIsShort | Self::WriteLies | Self::DiskIsFull => {
                Call::Write
            }
            Self::SyncFails => Call::Sync,
            Self::TruncateFails => Call::Truncate,
            Self::OpenFails => Call::Open,
            Self::DeleteFails => Call::Delete,
            Self::SizeFails => Call::Size,
            Self::AccessFails => Call::Access,
            Self::Gone => return None,
        })
    }

    /// It says so by SQLite's code for a full disk.
    pub fn is_of_space(self) -> bool {
        matches!(self, Self::WriteIsShort | Self::DiskIsFull)
    }
}

/// Which call fails, how, and whether those after it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub fault: Fault,
    /// Counted from 0 among the calls of its kind.
    pub at: usize,
    pub is_lasting: bool,
}

/// What was done to a file, in order.
#[derive(Clone, Debug)]
pub enum Event {
    Write {
        file: Rc<str>,
        offset: usize,
        bytes: Rc<[u8]>,
    },
    Truncate {
        file: Rc<str>,
        size: usize,
    },
    Sync {
        file: Rc<str>,
    },
    /// So many steps of the script had been answered.
    Answered(usize),
}

#[derive(Debug)]
pub struct Failed(pub Fault);

#[derive(Default)]
struct State {
    files: Image,
    counts: [usize; Call::ALL.len()],
    total: usize,
    plan: Option<Plan>,
    fired: usize,
    recording: Option<Vec<Event>>,
    /// Files with writes that no sync has followed.
    unsynced: BTreeSet<String>,
}

/// A device, shared by whoever has it open.
#[derive(Clone, Default)]
pub struct Disk(Rc<RefCell<State>>);

impl Disk {
    pub fn of(image: &Image) -> Self {
        let disk = Self::default();
        disk.0.borrow_mut().files = image.clone();
        disk
    }

    /// Whether there is such a file, if only an empty one.
    pub fn has(&self, name: &str) -> bool {
        self.0.borrow().files.contains_key(name)
    }

    pub fn create(&self, name: &str) {
        self.0
            .borrow_mut()
            .files
            .entry(name.to_owned())
            .or_default();
    }

    pub fn remove(&self, name: &str) {
        self.0.borrow_mut().files.remove(name);
    }

    /// What the operating system would show now.
    pub fn image(&self) -> Image {
        self.0.borrow().files.clone()
    }

    pub fn fail(&self, plan: Plan) {
        self.0.borrow_mut().plan = Some(plan);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.0.borrow_mut().plan = None;
    }

    /// How many calls have failed.
    pub fn fired(&self) -> usize {
        self.0.borrow().fired
    }

    /// How many calls of a kind there were; `None`: of all.
    pub fn count(&self, call: Option<Call>) -> usize {
        let state = self.0.borrow();
        call.map_or(state.total, |call| state.counts[call as usize])
    }

    pub fn record(&self) {
        self.0.borrow_mut().recording = Some(Vec::new());
    }

    pub fn recorded(&self) -> Vec<Event> {
        self.0.borrow_mut().recording.take().unwrap_or_default()
    }

    pub fn note(&self, event: Event) {
        if let Some(recording) = &mut self.0.borrow_mut().recording {
            recording.push(event);
        }
    }

    fn meet(&self, call: Call) -> Option<Fault> {
        let mut state = self.0.borrow_mut();
        let (of_kind, of_all) = (state.counts[call as usize], state.total);
        state.counts[call as usize] += 1;
        state.total += 1;
        let plan = state.plan?;
        let number = match plan.fault.call() {
            Some(kind) if kind == call => of_kind,
            Some(_) => return None,
            None => of_all,
        };
        let fails = number == plan.at || (plan.is_lasting && number > plan.at);
        fails.then_some(plan.fault)
    }

    fn failed(&self, fault: Fault) -> Failed {
        self.0.borrow_mut().fired += 1;
        Failed(fault)
    }

    fn ask(&self, call: Call) -> Result<(), Failed> {
        match self.meet(call) {
            Some(fault) => Err(self.failed(fault)),
            None => Ok(()),
        }
    }

    pub fn open(&self) -> Result<(), Failed> {
        self.ask(Call::Open)
    }

    /// Whether a file has any bytes: one of none does not exist.
    pub fn is_there(&self, name: &str) -> Result<bool, Failed> {
        self.ask(Call::Access)?;
        Ok(self.length(name) > 0)
    }

    pub fn size(&self, name: &str) -> Result<usize, Failed> {
        self.ask(Call::Size)?;
        Ok(self.length(name))
    }

    pub fn length(&self, name: &str) -> usize {
        self.0.borrow().files.get(name).map_or(0, |it| it.len())
    }

    /// Reads what there is; how many bytes.
    pub fn read(&self, name: &str, buffer: &mut [u8], offset: usize) -> Result<usize, Failed> {
        self.ask(Call::Read)?;
        let state = self.0.borrow();
        let bytes = state.files.get(name).and_then(|it| it.get(offset..));
        let bytes = bytes.unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    pub fn write(&self, name: &str, bytes: &[u8], offset: usize) -> Result<(), Failed> {
        let Some(fault) = self.meet(Call::Write) else {
            self.put(name, bytes, offset);
            return Ok(());
        };
        match fault {
            Fault::WriteIsShort => self.put(name, &bytes[..bytes.len() / 2], offset),
            Fault::WriteLies => self.put(name, bytes, offset),
            // What is there already may be written over.
            Fault::DiskIsFull if self.fired() > 0 && offset + bytes.len() <= self.length(name) => {
                self.put(name, bytes, offset);
                return Ok(());
            }
            _ => {}
        }
        Err(self.failed(fault))
    }

    /// Whether all that was written to a file was synced.
    pub fn is_synced(&self, name: &str) -> bool {
        !self.0.borrow().unsynced.contains(name)
    }

    pub fn truncate(&self, name: &str, size: usize) -> Result<(), Failed> {
        self.ask(Call::Truncate)?;
        self.cut(name, size);
        Ok(())
    }

    pub fn sync(&self, name: &str) -> Result<(), Failed> {
        self.ask(Call::Sync)?;
        self.0.borrow_mut().unsynced.remove(name);
        self.note(Event::Sync { file: name.into() });
        Ok(())
    }

    pub fn delete(&self, name: &str) -> Result<(), Failed> {
        self.ask(Call::Delete)?;
        self.cut(name, 0);
        Ok(())
    }

    /// Puts a file there, as what is not SQLite does.
    pub fn place(&self, name: &str, bytes: &[u8]) {
        self.cut(name, 0);
        self.put(name, bytes, 0);
        self.note(Event::Sync { file: name.into() });
    }

    fn put(&self, name: &str, bytes: &[u8], offset: usize) {
        self.note(Event::Write {
            file: name.into(),
            offset,
            bytes: bytes.into(),
        });
        let mut state = self.0.borrow_mut();
        put(&mut state.files, name, bytes, offset);
        state.unsynced.insert(name.to_owned());
    }

    fn cut(&self, name: &str, size: usize) {
        self.note(Event::Truncate {
            file: name.into(),
            size,
        });
        cut(&mut self.0.borrow_mut().files, name, size);
    }
}

fn put(files: &mut Image, name: &str, bytes: &[u8], offset: usize) {
    let file = Rc::make_mut(files.entry(name.to_owned()).or_default());
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

fn cut(files: &mut Image, name: &str, size: usize) {
    let file = Rc::make_mut(files.entry(name.to_owned()).or_default());
    file.truncate(size);
}

/// What a loss of power does to what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None of it is there.
    Lost,
    /// All of it is there: what ends is the program alone.
    Kept,
    /// What came first is there, the last of it in part.
    Torn,
    /// Any of it is there, in pieces of 512 bytes.
    Reordered,
}

impl Loss {
    pub const ALL: [Self; 4] = [Self::Lost, Self::Kept, Self::Torn, Self::Reordered];
}

/// What is on the device before the power goes, event by event.
#[derive(Default)]
pub struct Power {
    synced: Image,
    pending: Vec<Event>,
}

impl Power {
    pub fn of(image: &Image) -> Self {
        Self {
            synced: image.clone(),
            pending: Vec::new(),
        }
    }

    /// Goes on by an event.
    pub fn pass(&mut self, event: &Event) {
        let Event::Sync { file: synced } = event else {
            self.pending.push(event.clone());
            return;
        };
        let (out, rest) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|it| it.file() == Some(synced));
        self.pending = rest;
        out.iter().for_each(|it| it.apply(&mut self.synced));
    }

    /// What is found when the power is back.
    pub fn lose(&self, loss: Loss, random: &mut Random) -> Image {
        let mut image = self.synced.clone();
        let unsynced: Vec<_> = self
            .pending
            .iter()
            .filter(|it| it.file().is_some())
            .collect();
        match loss {
            Loss::Lost => {}
            Loss::Kept => unsynced.iter().for_each(|it| it.apply(&mut image)),
            Loss::Torn => {
                let kept = random.below(unsynced.len() + 1);
                unsynced[..kept].iter().for_each(|it| it.apply(&mut image));
                if let Some(Event::Write {
                    file,
                    offset,
                    bytes,
                }) = unsynced.get(kept)
                {
                    let mut part = random.below(bytes.len() + 1);
                    if random.below(2) == 0 {
                        part -= part % 512;
                    }
                    put(&mut image, file, &bytes[..part], *offset);
                }
            }
            Loss::Reordered => {
                // Most often nearly all or nearly none of it.
                let share = [8, 50, 92][random.below(3)];
                for event in unsynced {
                    match event {
                        Event::Write {
                            file,
                            offset,
                            bytes,
                        } => {
                            for (n, sector) in bytes.chunks(512).enumerate() {
                                if random.below(100) < share {
                                    put(&mut image, file, sector, offset + n * 512);
                                }
                            }
                        }
                        event if random.below(100) < share => event.apply(&mut image),
                        _ => {}
                    }
                }
            }
        }
        image
    }
}

impl Event {
    fn file(&self) -> Option<&Rc<str>> {
        match self {
            Self::Write { file, .. } | Self::Truncate { file, .. } | Self::Sync { file } => {
                Some(file)
            }
            Self::Answered(_) => None,
        }
    }

    fn apply(&self, image: &mut Image) {
        match self {
            Self::Write {
                file,
                offset,
                bytes,
            } => put(image, file, bytes, *offset),
            Self::Truncate { file, size } => cut(image, file, *size),
            Self::Sync { .. } | Self::Answered(_) => {}
        }
    }
}
