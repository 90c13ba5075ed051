//! A world for tests to open stores in: a clock that tests turn, seeded randomness, and a place
//! (memory or a file) that outlives the store. Runs natively and in wasm.

#![allow(dead_code)]

pub mod cases;
pub mod chats;
pub mod random;
pub mod searches;

use std::cell::Cell;
use std::rc::Rc;

use conversation_store::error::{ErrorCode, Result, StoreError};
use conversation_store::model::{
    AddedMessage, ConversationKey, ConversationQuery, Durability, NewConversation, NewMessage, Role,
};
use conversation_store::search::fold::Unicode;
use conversation_store::store::{Env, Location, Store};

/// 2024-02-29T12:00:00.000Z.
pub const NOON: i64 = 1_709_208_000_000;

pub struct World {
    /// `None`: memory.
    pub path: Option<String>,
    pub vfs: Option<&'static str>,
    /// The VFS has changes kept all at once.
    atomic: bool,
    clock: Rc<Cell<i64>>,
    /// How far the clock goes on with each reading.
    pace: Rc<Cell<i64>>,
    random: Rc<Cell<u64>>,
}

impl World {
    pub fn new(path: Option<String>, vfs: Option<&'static str>) -> Self {
        Self {
            path,
            vfs,
            atomic: false,
            clock: Rc::new(Cell::new(NOON)),
            pace: Rc::new(Cell::new(0)),
            random: Rc::new(Cell::new(1)),
        }
    }

    /// In a file that needs no log.
    pub fn atomic(path: String, vfs: &'static str) -> Self {
        Self {
            atomic: true,
            ..Self::new(Some(path), Some(vfs))
        }
    }

    pub fn env(&self) -> Env {
        let clock = Rc::clone(&self.clock);
        let pace = Rc::clone(&self.pace);
        let random = Rc::clone(&self.random);
        Env {
            now: Box::new(move || clock.replace(clock.get() + pace.get())),
            unicode: unicode(),
            // SplitMix64: uids must differ, no more.
            random: Box::new(move |buffer| {
                for chunk in buffer.chunks_mut(8) {
                    let state = random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
                    random.set(state);
                    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                    chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
                }
            }),
        }
    }

    pub fn try_open(&self) -> Result<Store> {
        let location = match &self.path {
            Some(path) if self.atomic => Location::Atomic {
                path,
                vfs: self.vfs,
            },
            Some(path) => Location::File {
                path,
                vfs: self.vfs,
            },
            None => Location::Memory { vfs: self.vfs },
        };
        Store::open(location, Durability::Strict, self.env())
    }

    pub fn open(&self) -> Store {
        self.try_open().expect("the store opens")
    }

    pub fn set_clock(&self, millis: i64) {
        self.clock.set(millis);
    }

    pub fn set_pace(&self, millis: i64) {
        self.pace.set(millis);
    }

    pub fn tick(&self, millis: i64) {
        self.clock.set(self.clock.get() + millis);
    }
}

/// The lesson's two writes, with nothing else given.
pub trait Lesson {
    fn create(&mut self, title: &str, brain: Option<&str>) -> Result<i64>;
    fn add(&mut self, key: &ConversationKey, role: Role, content: &str) -> Result<AddedMessage>;
}

impl Lesson for Store {
    fn create(&mut self, title: &str, brain: Option<&str>) -> Result<i64> {
        self.create_conversation(title, brain, &NewConversation::default())
    }

    fn add(&mut self, key: &ConversationKey, role: Role, content: &str) -> Result<AddedMessage> {
        self.add_message(key, role, Some(content), &NewMessage::default())
    }
}

pub fn key(id: i64) -> ConversationKey {
    ConversationKey::Id(id)
}

pub fn refused<T: std::fmt::Debug>(result: Result<T>, code: ErrorCode) -> StoreError {
    let error = result.expect_err("refused");
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.len() > 10, "says what to do: {error}");
    error
}

/// Everything the store gives, to see that a refusal changed nothing.
pub fn everything(store: &Store) -> String {
    let conversations = store
        .list_conversations(&ConversationQuery {
            limit: Some(1_000_000),
            ..ConversationQuery::default()
        })
        .unwrap();
    let messages: Vec<_> = conversations
        .iter()
        .map(|it| {
            store
                .messages_for(&key(it.id), &Default::default())
                .unwrap()
        })
        .collect();
    format!("{conversations:?} {messages:?}")
}

#[cfg(not(target_arch = "wasm32"))]
pub fn unicode() -> Box<dyn Unicode> {
    Box::new(conversation_store::search::native::Tables)
}

#[cfg(target_arch = "wasm32")]
pub fn unicode() -> Box<dyn Unicode> {
    Box::new(conversation_store::wasm::unicode::Browser::default())
}
