//! A file, a piece at a time, to batches of chats: what it is (SQLite, zip, JSON, lines of JSON), which
//! format its elements are of, and what of it cannot be read.
//!
//! Knows each format by its `is` and `read`, and nothing more of them. Holds one element and one
//! batch, whatever the file's size. One bad element is a failure and never the end of the rest.

use std::cell::Cell;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{Read, Seek};
use std::rc::Rc;

use serde::Serialize;
use serde_json::Value;

use crate::archive::{self, Entry};
use crate::chat::{Chat, Code, Error, Failure, Kind, Place};
use crate::json::{Numbers, Object, is_new, name};
use crate::plain::Messages;
use crate::source::{Section, Shared};
use crate::split::{Damage, Element, Piece, Splitter, Wrong};
use crate::uid::{self, Derivation};
use crate::{ai_sdk, chatgpt, claude, json, librechat, open_webui, openai, ours, plain};

/// Text in a batch, in bytes, unless one chat alone is larger.
const BATCH_WEIGHT: usize = 256 << 10;
/// Messages in a batch, unless one chat alone has more.
const BATCH_MESSAGES: usize = 100;
/// Elements are gone through at most so many bytes a batch, so that a caller can stop.
const BATCH_READ: u64 = 8 << 20;
/// How deep an element may be nested. serde_json's own bound, which is of its recursion.
const MAX_DEPTH: usize = 127;
/// How deep JSON may be that nobody parses here.
const MAX_RAW_DEPTH: usize = 10_000;
/// Most failures told one by one.
const MAX_FAILURES: usize = 10_000;
/// Most bytes of messages without a conversation around them.
const MAX_MESSAGES: usize = 512 << 20;

/// How to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The format, where its shape is not to decide.
    pub format: Option<String>,
    /// The title of messages without a conversation around them.
    pub title: Option<String>,
    /// Who answers, where the file does not say.
    pub brain: Option<String>,
    /// The one conversation of the file goes into one that is there.
    pub into_conversation: bool,
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// A SQLite database: not for this module.
    Sqlite,
    /// A zip.
    Zip,
    /// Text, as it seems.
    Text,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Whole chats.
    pub conversations: Vec<Chat>,
    /// What was not.
    pub failures: Vec<Failure>,
    /// Bytes gone through, of `total`.
    pub read: u64,
    /// Bytes of what is to be read.
    pub total: u64,
    /// Attachments of our own file, before its chats.
    pub blobs: Vec<Blob>,
}

/// An attachment in a zip of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    /// SHA-256 in hex.
    pub hash: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where it begins in the zip, if it lies there as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// For [`Reader::open_blob`].
    pub entry: usize,
}

/// Reads a file.
pub struct Reader<R> {
    source: Shared<R>,
    container: Container,
    length: u64,
    options: Options,
    entries: Vec<Entry>,
    /// What is still to be opened, the next one last.
    waiting: Vec<Option<usize>>,
    current: Option<File>,
    blobs: Vec<Blob>,
    /// Attachments that are in a zip of ours, or were told to be missing.
    hashes: Option<Numbers>,
    /// By uid, a hash of what the chat says.
    seen: Numbers,
    /// By the uid of the first of chats that say the same, how many came after it.
    repeated: Numbers,
    done: u64,
    total: u64,
    found: bool,
    given: usize,
    failed: usize,
    /// Whether a failure was of a whole file.
    told: bool,
    problem: Option<Error>,
    ended: bool,
}

/// A file under way.
struct File {
    name: Option<String>,
    splitter: Splitter<Box<dyn Read>>,
    count: Rc<Cell<u64>>,
    state: State,
    elements: usize,
    /// What failed before it is known whether this is a file of chats at all.
    pending: Vec<Failure>,
    damaged: bool,
}

enum State {
    Undecided,
    Conversations,
    Messages(Messages),
    Ours,
}

impl<R: Read + Seek + 'static> Reader<R> {
    /// Begins to read. Only options can be refused here; what the file lacks, batches say.
    pub fn new(source: R, options: Options) -> Result<Self, Error> {
        let formats = [
            chatgpt::FORMAT,
            claude::FORMAT,
            openai::FORMAT,
            ai_sdk::FORMAT,
            librechat::FORMAT,
            open_webui::FORMAT,
            plain::FORMAT,
            ours::FORMAT,
        ];
        if let Some(format) = &options.format
            && !formats.contains(&format.as_str())
        {
            let known = formats.join(", ");
            return Err(Error::invalid(format!(
                "format '{format}' is none of {known}"
            )));
        }
        let source = Shared::new(source);
        let mut reader = Self {
            container: Container::Text,
            length: 0,
            options,
            entries: Vec::new(),
            waiting: Vec::new(),
            current: None,
            blobs: Vec::new(),
            hashes: None,
            seen: Numbers::new(),
            repeated: Numbers::new(),
            done: 0,
            total: 0,
            found: false,
            given: 0,
            failed: 0,
            told: false,
            problem: None,
            ended: false,
            source,
        };
        reader.problem = reader.look().err();
        Ok(reader)
    }

    /// What the file is.
    pub fn container(&self) -> Container {
        self.container
    }

    fn look(&mut self) -> Result<(), Error> {
        let unreadable = |error| Error::corrupt(format!("the file cannot be read: {error}"));
        self.length = self.source.length().map_err(unreadable)?;
        let mut begin = [0; 16];
        let read = self.source.read_at(0, &mut begin).map_err(unreadable)?;
        let begin = &begin[..read];
        if begin == b"SQLite format 3\0" {
            self.container = Container::Sqlite;
            return Ok(());
        }
        if !begin.starts_with(b"PK\x03\x04") && !begin.starts_with(b"PK\x05\x06") {
            self.total = self.length;
            self.waiting.push(None);
            return Ok(());
        }
        self.container = Container::Zip;
        self.entries = archive::entries(&self.source)?;
        let entries = self.entries.iter().enumerate();
        let files: Vec<_> = entries
            .clone()
            .filter(|(_, entry)| is_candidate(&entry.name))
            .collect();
        // Also in a folder: so it is when someone packed it anew.
        let is_ours = files
            .iter()
            .any(|(_, entry)| base_name(&entry.name) == ours::CHATS);
        if is_ours {
            let types = self.blob_types();
            self.blobs = entries
                .filter_map(|(at, entry)| {
                    let hash = base_name(&entry.name);
                    let folder = entry.name.strip_suffix(hash)?;
                    (ours::is_hash(hash) && folder.ends_with(ours::BLOB_FOLDER)).then(|| Blob {
                        hash: hash.to_owned(),
                        media_type: json::object(&types, hash)
                            .and_then(|blob| name(blob, "type"))
                            .unwrap_or_default(),
                        size: entry.size,
                        offset: entry
                            .is_stored()
                            .then(|| entry.start(&self.source).ok())
                            .flatten(),
                        entry: at,
                    })
                })
                .rev()
                .collect();
            let hashes = self.blobs.iter().map(|blob| (blob.hash.clone(), 0));
            self.hashes = Some(hashes.collect());
        }
        let files = files
            .iter()
            .filter(|(_, entry)| !is_ours || base_name(&entry.name) != ours::BLOBS);
        self.total = files.clone().map(|(_, entry)| entry.packed).sum();
        self.waiting = files.rev().map(|(at, _)| Some(*at)).collect();
        Ok(())
    }

    fn blob_types(&self) -> Object {
        let entry = self
            .entries
            .iter()
            .find(|entry| base_name(&entry.name) == ours::BLOBS && entry.size < 64 << 20);
        let mut text = String::new();
        let read = entry.and_then(|entry| entry.open(&self.source).ok());
        if let Some((mut stream, _)) = read
            && stream.read_to_string(&mut text).is_err()
        {
            return Object::new();
        }
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Opens an attachment of a batch.
    pub fn open_blob(&self, entry: usize) -> Result<Box<dyn Read>, Error> {
        let entry = self
            .entries
            .get(entry)
            .ok_or_else(|| Error::invalid("there is no such blob"))?;
        Ok(entry.open(&self.source)?.0)
    }

    /// The next batch; `None` at the end. A batch may be without chats: it tells how far it is.
    #[expect(
        clippy::should_implement_trait,
        reason = "a failure ends nothing: it is told in a batch"
    )]
    pub fn next(&mut self) -> Option<Batch> {
        if self.ended {
            return None;
        }
        let mut batch = Batch::default();
        let begun = self.read();
        if let Some(problem) = self.problem.take() {
            self.waiting.clear();
            self.found = true;
            self.fail(&mut batch, file_failure(problem, Place::default()));
        }
        while batch.blobs.len() < BATCH_MESSAGES {
            let Some(blob) = self.blobs.pop() else { break };
            batch.blobs.push(blob);
        }
        let (mut weight, mut messages) = (0, 0);
        let mut counted = 0;
        while self.blobs.is_empty()
            && weight < BATCH_WEIGHT
            && messages < BATCH_MESSAGES
            && batch.failures.len() < BATCH_MESSAGES
            && self.read() - begun < BATCH_READ
        {
            if !self.step(&mut batch) {
                self.ended = true;
                break;
            }
            for chat in &batch.conversations[counted..] {
                weight += chat.weight();
                messages += chat.messages.len();
            }
            counted = batch.conversations.len();
        }
        if self.ended && self.failed > MAX_FAILURES {
            let more = self.failed - MAX_FAILURES;
            batch.failures.push(file_failure(
                Error::corrupt(format!("{more} more failures are not told one by one")),
                Place::default(),
            ));
        }
        batch.read = if self.ended {
            self.total
        } else {
            self.read().min(self.total)
        };
        batch.total = self.total;
        Some(batch)
    }

    fn read(&self) -> u64 {
        self.done + self.current.as_ref().map_or(0, |file| file.count.get())
    }

    /// Goes one element further. False at the end.
    fn step(&mut self, batch: &mut Batch) -> bool {
        let Some(mut file) = self.current.take() else {
            let Some(next) = self.waiting.pop() else {
                if !self.found && self.container != Container::Sqlite {
                    self.found = true;
                    let problem = Error::unsupported("nothing in the zip is an export of chats");
                    self.fail(batch, file_failure(problem, Place::default()));
                }
                return false;
            };
            self.open(next, batch);
            return true;
        };
        match file.splitter.piece() {
            Ok(Some(Piece::Element(element))) => {
                file.elements += 1;
                self.element(&mut file, element, batch);
                self.current = Some(file);
            }
            Ok(Some(Piece::Damage(damage))) => {
                file.damaged = true;
                let failure = damage_failure(&file, &damage);
                self.fail_in(&mut file, failure, batch);
                self.current = Some(file);
            }
            Ok(None) => self.close(file, batch),
            Err(error) => {
                file.damaged = true;
                let place = place(&file, file.splitter.offset());
                let problem = Error::corrupt(format!("the file cannot be read on: {error}"));
                self.fail_in(&mut file, file_failure(problem, place), batch);
                self.close(file, batch);
            }
        }
        true
    }

    fn open(&mut self, entry: Option<usize>, batch: &mut Batch) {
        let (name, opened) = match entry {
            None => {
                let (section, count) = Section::new(&self.source, 0, self.length);
                (None, Ok((Box::new(section) as Box<dyn Read>, count)))
            }
            Some(at) => {
                let entry = &self.entries[at];
                let opened = if is_outside(&entry.name) {
                    Err(Error::unsupported("its name leads out of the zip"))
                } else {
                    entry.open(&self.source)
                };
                (Some(entry.name.clone()), opened)
            }
        };
        match opened {
            Ok((stream, count)) => {
                self.current = Some(File {
                    name,
                    splitter: Splitter::new(stream),
                    count,
                    state: State::Undecided,
                    elements: 0,
                    pending: Vec::new(),
                    damaged: false,
                });
            }
            Err(problem) => {
                self.found = true;
                self.fail(
                    batch,
                    file_failure(
                        problem,
                        Place {
                            file: name,
                            offset: None,
                        },
                    ),
                );
            }
        }
    }

    fn close(&mut self, file: File, batch: &mut Batch) {
        self.done += file.count.get();
        match file.state {
            State::Undecided if !file.name.as_deref().is_none_or(is_named_for_chats) => {
                // What is whole and not of chats is no one's business; what is damaged may have been.
                let damaged =
                    |it: &Failure| it.kind == Kind::File || it.code != Code::UnsupportedFormat;
                if let Some(failure) = file.pending.into_iter().find(damaged) {
                    self.found = true;
                    let kind = Kind::File;
                    self.fail(batch, Failure { kind, ..failure });
                }
            }
            State::Undecided => {
                let empty = !file.damaged && file.elements == 0;
                self.found = true;
                let told = file.pending.iter().any(|it| it.kind == Kind::File);
                if !told && !empty {
                    let problem = match file.pending.first() {
                        Some(first) if file.damaged => {
                            let why = &first.message;
                            Error::corrupt(format!("nothing of the file can be read: {why}"))
                        }
                        _ => Error::unsupported(
                            "the file is of no format that can be read: ChatGPT, Claude, OpenAI \
                             messages, AI SDK messages, LibreChat, Open WebUI, this package's own",
                        ),
                    };
                    let file = file.name;
                    let at = Place { file, offset: None };
                    self.fail(batch, file_failure(problem, at));
                }
                for failure in file.pending {
                    self.fail(batch, failure);
                }
            }
            State::Messages(messages) => {
                if !messages.is_empty() {
                    let chat = messages.finish(self.options.title.as_deref());
                    self.give(chat, None, batch);
                }
                self.tell_nothing(file.name, batch);
            }
            State::Conversations | State::Ours => self.tell_nothing(file.name, batch),
        }
    }

    /// Tells that a file of chats gave none, unless nothing in it failed.
    fn tell_nothing(&mut self, file: Option<String>, batch: &mut Batch) {
        if self.given == 0 && !self.told && (1..=MAX_FAILURES).contains(&self.failed) {
            let at = Place { file, offset: None };
            let problem = Error::corrupt("nothing of the file can be read: all of it failed");
            self.fail(batch, file_failure(problem, at));
        }
    }

    fn fail(&mut self, batch: &mut Batch, failure: Failure) {
        self.failed += 1;
        self.told |= failure.kind == Kind::File;
        if self.failed <= MAX_FAILURES {
            batch.failures.push(failure);
        }
    }

    /// Fails in a file, or waits until it is known to be one of chats.
    fn fail_in(&mut self, file: &mut File, failure: Failure, batch: &mut Batch) {
        if matches!(file.state, State::Undecided) {
            if file.pending.len() < 100 {
                file.pending.push(failure);
            }
        } else {
            if failure.kind == Kind::Message
                && let State::Messages(messages) = &mut file.state
            {
                messages.skip();
            }
            self.fail(batch, failure);
        }
    }

    fn decide(&mut self, file: &mut File, state: State, batch: &mut Batch) {
        if matches!(file.state, State::Undecided) {
            file.state = state;
            self.found = true;
            for failure in std::mem::take(&mut file.pending) {
                self.fail(batch, failure);
            }
        }
    }

    fn element(&mut self, file: &mut File, element: Element, batch: &mut Batch) {
        let at = element.at;
        let text = match String::from_utf8(element.text) {
            Ok(text) => text,
            Err(error) => {
                file.damaged = true;
                let at = at + error.utf8_error().valid_up_to() as u64;
                let problem = Error::corrupt("the text is not UTF-8 here");
                let failure = element_failure(file, problem, None, at);
                return self.fail_in(file, failure, batch);
            }
        };
        if let State::Ours = file.state {
            return self.own(file, &text, element.depth, at, batch);
        }
        let mut failures = Vec::new();
        let format = self.options.format.clone();
        let format = format.as_deref();
        if format.is_none_or(|format| format == librechat::FORMAT)
            && librechat::is_nested(&text)
            && let Some(read) = librechat::read_nested(&text, &mut failures)
        {
            self.decide(file, State::Conversations, batch);
            match read {
                Ok(chat) => self.give(chat, Some((file, at, failures)), batch),
                Err(problem) => {
                    let failure = element_failure(file, problem, None, at);
                    self.fail(batch, failure);
                }
            }
            return;
        }
        if element.depth > MAX_DEPTH {
            file.damaged = true;
            let problem = Error::invalid(format!(
                "it is nested {} levels deep, and at most {MAX_DEPTH} can be read",
                element.depth
            ));
            let failure = element_failure(file, problem, None, at);
            return self.fail_in(file, failure, batch);
        }
        let value = match parse(text) {
            Ok(value) => value,
            Err((error, offset)) => {
                file.damaged = true;
                let problem = Error::corrupt(format!("it is no JSON: {error}"));
                let failure = element_failure(file, problem, None, at + offset);
                return self.fail_in(file, failure, batch);
            }
        };
        if let State::Messages(messages) = &mut file.state {
            if messages.weight > MAX_MESSAGES {
                return;
            }
            messages.push(value, format, &mut failures);
            if messages.weight > MAX_MESSAGES {
                let problem =
                    "one conversation over 512 MB cannot be read; what follows is left out";
                failures.push(file_failure(Error::invalid(problem), place(file, at)));
            }
            return self.tell(file, at, failures, batch);
        }
        let object = match value {
            Value::Object(object) => object,
            _ => {
                let problem = Error::unsupported("it is no object");
                let failure = element_failure(file, problem, None, at);
                return self.fail_in(file, failure, batch);
            }
        };
        if matches!(file.state, State::Undecided) && !file.splitter.is_array() {
            match ours::header(&object) {
                Some(Ok(())) => return self.decide(file, State::Ours, batch),
                Some(Err(problem)) => {
                    let failure = file_failure(problem, place(file, at));
                    self.decide(file, State::Ours, batch);
                    self.fail(batch, failure);
                    // Its lines are not for this version.
                    file.splitter.stop();
                    return;
                }
                None if format == Some(ours::FORMAT) => {
                    self.decide(file, State::Ours, batch);
                    let line = Value::Object(object).to_string();
                    return self.own(file, &line, element.depth, at, batch);
                }
                None => {}
            }
        }
        let lists = [
            None,
            Some(openai::FORMAT),
            Some(ai_sdk::FORMAT),
            Some(plain::FORMAT),
        ];
        if matches!(file.state, State::Undecided)
            && lists.contains(&format)
            && plain::is_message(&object)
        {
            let mut messages = Messages::default();
            file.pending.iter().for_each(|_| messages.skip());
            messages.push(Value::Object(object), format, &mut failures);
            self.decide(file, State::Messages(messages), batch);
            return self.tell(file, at, failures, batch);
        }
        let id = ["conversation_id", "uuid", "conversationId", "uid", "id"]
            .iter()
            .find_map(|key| name(&object, key));
        let brain = self.options.brain.as_deref();
        let read = match format {
            Some(_) => recognise(object, format, brain, &mut failures),
            None if file.splitter.is_array() => recognise(object, None, brain, &mut failures),
            None => match recognise_all(object, brain, &mut failures) {
                Ok(chat) => Some(chat),
                Err(inner) if !inner.is_empty() => {
                    self.decide(file, State::Conversations, batch);
                    self.tell(file, at, failures, batch);
                    for chat in inner {
                        self.give(chat, Some((file, at, Vec::new())), batch);
                    }
                    return;
                }
                Err(_) => None,
            },
        };
        match read {
            Some(chat) => {
                self.decide(file, State::Conversations, batch);
                self.give(chat, Some((file, at, failures)), batch);
            }
            None => {
                let problem =
                    Error::unsupported("it is a conversation of no format that can be read");
                let failure = element_failure(file, problem, id, at);
                self.fail_in(file, failure, batch);
            }
        }
    }

    /// A line of our own file.
    fn own(&mut self, file: &mut File, text: &str, depth: usize, at: u64, batch: &mut Batch) {
        let missing = self.hashes.as_mut().map_or(Vec::new(), |hashes| {
            let named = ours::references(text);
            named.filter(|hash| is_new(hashes, hash)).collect()
        });
        for hash in missing {
            let problem = Error::corrupt("an attachment of the chat here is missing in the zip");
            let mut failure = file_failure(problem, place(file, at));
            failure.id = Some(hash.to_owned());
            self.fail(batch, failure);
        }
        if depth > MAX_RAW_DEPTH {
            let problem = Error::invalid(format!(
                "it is nested {depth} levels deep, and at most {MAX_RAW_DEPTH} can be read"
            ));
            let failure = element_failure(file, problem, None, at);
            return self.fail(batch, failure);
        }
        match ours::read(text) {
            Ok(chat) => self.give(chat, Some((file, at, Vec::new())), batch),
            Err(error) => {
                // One message can be what is wrong: the plain form has the same fields.
                if let Ok(Value::Object(object)) = parse(text.to_owned())
                    && plain::is(&object)
                {
                    let mut failures = Vec::new();
                    let chat = plain::read(object, Some(plain::FORMAT), &mut failures);
                    return self.give(chat, Some((file, at, failures)), batch);
                }
                let at = at + offset_of(text, &error);
                let problem = Error::corrupt(format!("the line is no chat: {error}"));
                let failure = element_failure(file, problem, None, at);
                self.fail(batch, failure);
            }
        }
    }

    /// Gives failures their place.
    fn tell(&mut self, file: &File, at: u64, failures: Vec<Failure>, batch: &mut Batch) {
        for mut failure in failures {
            failure.at.get_or_insert_with(|| place(file, at));
            self.fail(batch, failure);
        }
    }

    fn give(
        &mut self,
        mut chat: Chat,
        from: Option<(&File, u64, Vec<Failure>)>,
        batch: &mut Batch,
    ) {
        let mut at = None;
        if let Some((file, offset, failures)) = from {
            self.tell(file, offset, failures, batch);
            at = Some(place(file, offset));
        }
        if self.options.into_conversation && self.given > 0 {
            let failure = Failure {
                kind: Kind::Conversation,
                id: Some(chat.uid).filter(|uid| !uid.is_empty()),
                code: Code::InvalidArgument,
                message: "only one conversation of a file goes into one that is there".into(),
                at,
            };
            return self.fail(batch, failure);
        }
        self.given += 1;
        if chat.brain.is_none() {
            chat.brain.clone_from(&self.options.brain);
        }
        chat.tidy();
        let mut hasher = DefaultHasher::new();
        hash(&chat, &mut hasher);
        let digest = hasher.finish();
        if chat.uid.is_empty() {
            let derivation = uid::of_chat(&chat);
            chat.uid = derivation.uid();
            // Chats that say the same are told apart by how many came before.
            if self.seen.contains_key(&chat.uid) {
                let before = self.repeated.entry(chat.uid.clone()).or_default();
                while self.seen.contains_key(&chat.uid) {
                    *before += 1;
                    chat.uid = derivation.clone().number(*before as usize).uid();
                }
            }
        } else if self
            .seen
            .get(&chat.uid)
            .is_some_and(|known| *known != digest)
        {
            let mut derivation = Derivation::default();
            let content = uid::of_chat(&chat).uid();
            chat.uid = derivation
                .add("conversation")
                .add(&chat.uid)
                .add(&content)
                .uid();
        }
        self.seen.insert(chat.uid.clone(), digest);
        batch.conversations.push(chat);
    }
}

/// A chat of a program that always is the same brain: the caller's word for it stands.
fn answered(brain: Option<&str>, mut chat: Chat) -> Chat {
    if let Some(brain) = brain {
        chat.brain = Some(brain.to_owned());
    }
    chat
}

/// A conversation by itself, or else those that stand in an object: by their ids, or in lists.
fn recognise_all(
    object: Object,
    brain: Option<&str>,
    failures: &mut Vec<Failure>,
) -> Result<Chat, Vec<Chat>> {
    if is_known(&object) {
        return recognise(object, None, brain, failures).ok_or_else(Vec::new);
    }
    let mut chats = Vec::new();
    for value in object.into_iter().map(|(_, value)| value) {
        let list = match value {
            Value::Array(list) => list,
            one => vec![one],
        };
        let (before, count) = (chats.len(), list.len());
        for value in list {
            if let Value::Object(object) = value {
                chats.extend(recognise(object, None, brain, failures));
            }
        }
        // Of a list of conversations; any other list is not of interest.
        let missing = before + count - chats.len();
        for _ in 0..if chats.len() > before { missing } else { 0 } {
            failures.push(Failure {
                kind: Kind::Conversation,
                id: None,
                code: Code::UnsupportedFormat,
                message: "an entry of the list is a conversation of no format".into(),
                at: None,
            });
        }
    }
    Err(chats)
}

fn is_known(object: &Object) -> bool {
    chatgpt::is(object)
        || claude::is(object)
        || open_webui::is(object)
        || librechat::is(object)
        || plain::is(object)
}

/// A conversation of the format that is given, or of any.
fn recognise(
    object: Object,
    format: Option<&str>,
    brain: Option<&str>,
    failures: &mut Vec<Failure>,
) -> Option<Chat> {
    let may = |name: &str| format.is_none_or(|format| format == name);
    // Those of which a conversation looks the same.
    let other = ![
        chatgpt::FORMAT,
        claude::FORMAT,
        open_webui::FORMAT,
        librechat::FORMAT,
    ]
    .iter()
    .any(|name| format == Some(*name));
    Some(if may(chatgpt::FORMAT) && chatgpt::is(&object) {
        answered(brain, chatgpt::read(object, failures))
    } else if may(claude::FORMAT) && claude::is(&object) {
        answered(brain, claude::read(object, failures))
    } else if may(open_webui::FORMAT) && open_webui::is(&object) {
        open_webui::read(object, failures)
    } else if may(librechat::FORMAT) && librechat::is(&object) {
        librechat::read(object, failures)
    } else if other && plain::is(&object) {
        plain::read(object, format, failures)
    } else {
        return None;
    })
}

fn hash(chat: &Chat, hasher: &mut DefaultHasher) {
    chat.title.hash(hasher);
    for message in &chat.messages {
        message.content.hash(hasher);
        message.parts.as_ref().map(|parts| &parts.0).hash(hasher);
        message.parent.hash(hasher);
    }
}

/// Parses an element. A half of a surrogate pair, which JavaScript writes and UTF-8 cannot hold,
/// becomes U+FFFD. The error comes with its place.
fn parse(mut text: String) -> Result<Value, (serde_json::Error, u64)> {
    match serde_json::from_str(&text) {
        Ok(value) => Ok(value),
        Err(error) => {
            let offset = offset_of(&text, &error);
            match mend_surrogates(&mut text) {
                true => serde_json::from_str(&text).map_err(|error| {
                    let offset = offset_of(&text, &error);
                    (error, offset)
                }),
                false => Err((error, offset)),
            }
        }
    }
}

fn mend_surrogates(text: &mut String) -> bool {
    let mut bytes = std::mem::take(text).into_bytes();
    let unit = |bytes: &[u8], at: usize| -> Option<u32> {
        let escape = bytes.get(at..at + 6)?;
        if !escape.starts_with(b"\\u") {
            return None;
        }
        u32::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
    };
    let mut mended = false;
    let mut at = 0;
    while let Some(next) = memchr::memchr(b'\\', &bytes[at..]) {
        at += next;
        match unit(&bytes, at) {
            Some(0xd800..=0xdbff) if matches!(unit(&bytes, at + 6), Some(0xdc00..=0xdfff)) => {
                at += 12
            }
            Some(0xd800..=0xdfff) => {
                bytes[at + 2..at + 6].copy_from_slice(b"fffd");
                mended = true;
                at += 6;
            }
            Some(_) => at += 6,
            None => at += 2,
        }
        if at > bytes.len() {
            break;
        }
    }
    *text = String::from_utf8(bytes).unwrap_or_default();
    mended
}

/// Where in a text an error is, in bytes.
fn offset_of(text: &str, error: &serde_json::Error) -> u64 {
    let before = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let lines: usize = before.map(str::len).sum();
    (lines + error.column().saturating_sub(1)) as u64
}

fn place(file: &File, offset: u64) -> Place {
    Place {
        file: file.name.clone(),
        offset: Some(offset),
    }
}

fn file_failure(error: Error, at: Place) -> Failure {
    let at = (at != Place::default()).then_some(at);
    Failure {
        kind: Kind::File,
        id: None,
        code: error.code,
        message: error.message,
        at,
    }
}

fn element_failure(file: &File, error: Error, id: Option<String>, at: u64) -> Failure {
    let kind = match file.state {
        State::Messages(_) => Kind::Message,
        _ => Kind::Conversation,
    };
    Failure {
        kind,
        id,
        code: error.code,
        message: error.message,
        at: Some(place(file, at)),
    }
}

fn damage_failure(file: &File, damage: &Damage) -> Failure {
    let problem = match damage.what {
        Wrong::Empty => Error::unsupported("the file is empty"),
        Wrong::Utf16 => {
            Error::unsupported("the file is not UTF-8 but UTF-16 or UTF-32: save it as UTF-8")
        }
        Wrong::NotJson => Error::unsupported("the file is neither JSON nor a zip"),
        Wrong::Truncated => Error::corrupt("the file is cut off within the entry that begins here"),
        Wrong::Unclosed => Error::corrupt("the file is cut off: its list does not end"),
        Wrong::Between => Error::corrupt("there is something here that is no entry"),
        Wrong::OpenString => {
            let problem = Error::corrupt("a text of the entry that begins here is not closed");
            return element_failure(file, problem, None, damage.at);
        }
        Wrong::TooLarge => {
            let problem =
                Error::invalid("the entry that begins here is over 256 MB, too large to be read");
            return element_failure(file, problem, None, damage.at);
        }
    };
    file_failure(problem, place(file, damage.at))
}

/// Whether an entry of a zip can be a file of chats: none that an operating system put there.
fn is_candidate(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = [".json", ".ndjson", ".jsonl"]
        .iter()
        .any(|end| lower.ends_with(end));
    let mut folders = name.split(['/', '\\']);
    ends && !folders.any(|folder| folder == "__MACOSX" || folder.starts_with("._"))
}

/// Whether an entry of a zip would lie outside a folder.
fn is_outside(name: &str) -> bool {
    name.split(['/', '\\']).any(|folder| folder == "..")
        || name.starts_with(['/', '\\'])
        || name.contains(':')
}

/// Whether a file is meant to hold chats, whatever is in it.
fn is_named_for_chats(name: &str) -> bool {
    let file = base_name(name);
    file.starts_with("conversations") || file == ours::CHATS
}

/// A name without its folders.
fn base_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
