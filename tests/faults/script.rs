//! The scripts: between them every method of the store. Each begins with a device and is a list of steps;
//! a fault is met at each of its calls.

use std::collections::BTreeSet;
use std::rc::Rc;

use conversation_store::model::{Durability, ImportingOptions, Operation};
use conversation_store::rpc::{Bytes, Request};
use conversation_store::store::{Hasher, PIECE};
use serde_json::{Value, json};

use super::disk::{Disk, Image};
use super::examine::raw;
use super::stage::Stage;
use super::vfs::{self, MAIN};

/// Words that are looked for in a file after a fault.
pub const WORDS: [&str; 5] = ["alpha", "beta", "회의", "long", "title"];

/// A call, and who makes it.
pub struct Asked {
    pub request: Request,
    pub operation: Option<Operation>,
    pub tab: Option<String>,
}

/// Something that is done with a database, and answered as a whole.
pub enum Step {
    Open,
    Close,
    /// In one commit.
    Calls(Vec<Asked>),
    Backup,
    Restore {
        /// `None`: the last backup.
        file: Option<Rc<Vec<u8>>>,
        operation: Operation,
    },
    Merge {
        file: Rc<Vec<u8>>,
        options: ImportingOptions,
    },
    Checkpoint,
    /// Has the index go on until it is done.
    Index,
    /// Gives free pages back until that is done.
    Shrink,
    /// What a call that finds no space waits for.
    MakeRoom,
    HealStreams(Vec<String>),
    RetainTabs(Vec<String>),
    Durability(Durability),
}

impl Step {
    /// How many are answered by themselves.
    pub fn parts(&self) -> u32 {
        match self {
            Self::Calls(calls) => calls.len() as u32,
            _ => 1,
        }
    }

    /// All of it happens or nothing: not what is many transactions, for a pause to be left between.
    pub fn is_atomic(&self) -> bool {
        !matches!(self, Self::Merge { .. })
    }

    /// What it does is in the file when it is answered.
    pub fn is_durable(&self) -> bool {
        !matches!(
            self,
            Self::Index | Self::Durability(_) | Self::RetainTabs(_)
        )
    }
}

pub struct Script {
    pub name: &'static str,
    pub base: Image,
    pub durability: Durability,
    pub steps: Vec<Step>,
}

/// Makes steps, and numbers their operations.
#[derive(Default)]
struct Steps {
    all: Vec<Step>,
    number: i64,
    /// Those of what was there before are another tab's.
    is_earlier: bool,
}

impl Steps {
    fn asked(&mut self, request: Value) -> Asked {
        self.number += 1;
        let tab = if self.is_earlier { "earlier" } else { "tab" };
        let request = serde_json::from_value(request.clone())
            .unwrap_or_else(|error| panic!("{request}: {error}"));
        Asked {
            request,
            operation: Some(own(tab, self.number)),
            tab: Some(tab.to_owned()),
        }
    }

    fn call(&mut self, request: Value) -> &mut Self {
        let asked = self.asked(request);
        self.push(Step::Calls(vec![asked]))
    }

    fn named(&mut self, name: &str, request: Value) -> &mut Self {
        let mut asked = self.asked(request);
        asked.operation = Some(Operation::Named { name: name.into() });
        self.push(Step::Calls(vec![asked]))
    }

    fn blob(&mut self, bytes: &[u8]) -> &mut Self {
        let hash = hash_of(bytes);
        self.pieces(bytes, usize::MAX)
            .call(json!({ "getBlob": { "hash": hash } }))
            .call(json!({ "getBlobPiece": { "hash": hash, "offset": 0 } }))
    }

    /// Puts so many pieces of an attachment.
    fn pieces(&mut self, bytes: &[u8], most: usize) -> &mut Self {
        let hash = hash_of(bytes);
        for (n, piece) in bytes.chunks(PIECE as usize).enumerate().take(most) {
            let request = Request::PutBlobPiece {
                hash: hash.clone(),
                size: bytes.len() as i64,
                media_type: "image/png".into(),
                offset: n as i64 * PIECE,
                bytes: Bytes(piece.to_vec()),
            };
            self.push(Step::Calls(vec![Asked {
                request,
                operation: None,
                tab: Some("tab".into()),
            }]));
        }
        self
    }

    fn push(&mut self, step: Step) -> &mut Self {
        self.all.push(step);
        self
    }

    fn open(&mut self) -> &mut Self {
        self.push(Step::Open)
    }

    fn close(&mut self) -> &mut Self {
        self.push(Step::Close)
    }

    fn end(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.all)
    }
}

fn hash_of(bytes: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// A tab's own operation; it awaits each.
fn own(tab: &str, number: i64) -> Operation {
    Operation::Own {
        tab: tab.into(),
        number,
        done: number - 1,
        open: Vec::new(),
    }
}

fn add(chat: i64, content: &str, extra: Value) -> Value {
    json!({ "addMessage": { "conversationId": chat, "role": "user", "content": content, "extra": extra } })
}

fn create(title: &str) -> Value {
    json!({ "createConversation": { "title": title } })
}

fn read(chat: i64) -> Value {
    json!({ "messagesFor": { "conversationId": chat, "query": { "branches": "all" } } })
}

fn pixels(count: usize) -> Vec<u8> {
    (0..count)
        .map(|n| (n as u32).wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect()
}

/// Chats with branches, an attachment, growth and records, left by a program that was killed: the log is
/// there to be read.
fn chats() -> Image {
    let mut steps = Steps {
        is_earlier: true,
        ..Steps::default()
    };
    steps.open();
    for (chat, title) in (1..).zip(["first title", "회의 title", "in the trash"]) {
        steps.call(create(title));
        for n in 0..3 {
            steps.call(add(chat, &format!("alpha {n} of {chat}"), json!({})));
        }
    }
    steps
        .call(add(
            1,
            "a beta branch",
            json!({ "parentId": 2, "uid": "branch" }),
        ))
        .call(json!({ "updateConversation": { "id": 3, "patch": { "trashed": true } } }))
        .blob(&pixels(9_000))
        .named("known", add(2, "회의록 beta", json!({})));
    play(&Image::new(), Durability::Strict, &steps.end())
}

/// Carries steps out where nothing fails, and leaves the device as a killed program does.
fn play(base: &Image, durability: Durability, steps: &[Step]) -> Image {
    let mut stage = Stage::earlier(&Disk::of(base), durability);
    for (n, step) in steps.iter().enumerate() {
        for result in stage.act(n, step, u32::MAX).results {
            result.unwrap_or_else(|error| panic!("step {n} of what is there before: {error}"));
        }
    }
    stage.disk.image()
}

fn file(name: &str) -> Rc<Vec<u8>> {
    let path = format!("{}/tests/files/{name}", env!("CARGO_MANIFEST_DIR"));
    Rc::new(std::fs::read(path).expect("it is in the repository"))
}

/// A database of an earlier version, as that version left it: with a log.
fn earlier(name: &str) -> Image {
    let disk = Disk::default();
    vfs::aside(&disk, || {
        disk.place(MAIN, &file(name));
        let connection = raw().expect("it opens");
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .expect("it takes a log");
        connection.close().expect("it closes");
        vfs::made();
    });
    disk.image()
}

/// A database with what another program wrote into it.
fn written_elsewhere(image: &Image) -> Image {
    let disk = Disk::of(image);
    vfs::aside(&disk, || {
        let connection = raw().expect("it opens");
        connection
            .execute_batch(
                "INSERT INTO conversations (title) VALUES ('alpha of the other');
                 INSERT INTO messages (conversation_id, role, content)
                   SELECT max(id), 'user', 'beta of the other' FROM conversations;
                 UPDATE messages SET content = 'alpha edited there' WHERE id = 2;
                 DELETE FROM messages WHERE id = 3;",
            )
            .expect("it is written");
        connection.close().expect("it closes");
    });
    disk.image()
}

/// All of them.
pub fn scripts() -> Vec<Script> {
    let chats = chats();
    let strict = |name, base: &Image, steps: &mut Steps| Script {
        name,
        base: base.clone(),
        durability: Durability::Strict,
        steps: steps.end(),
    };
    let mut s = Steps::default();
    let mut all = vec![strict(
        "creation",
        &Image::new(),
        s.open()
            .call(create("a title"))
            .call(add(1, "alpha", json!({})))
            .close()
            .open()
            .call(read(1))
            .close(),
    )];

    let mut s = Steps::default();
    s.open()
        .call(create("another title"))
        .call(add(4, "alpha beta", json!({ "metadata": r#"{"a":1}"#, "usage": r#"{"b":2}"# })))
        .call(json!({ "addMessage": { "conversationId": 4, "role": "assistant",
            "extra": { "parts": r#"[{"type":"text","text":"long"},{"type":"tool","x":[1]}]"# } } }))
        .call(json!({ "updateMessage": { "id": 2, "patch": { "content": "alpha edited", "model": "m" } } }))
        .call(json!({ "updateConversation": { "id": 1, "patch": { "title": "new title", "tags": ["t"] } } }))
        .call(json!({ "updateConversation": { "id": 1, "patch": { "head": 3 } } }))
        .call(json!({ "branches": { "id": 3 } }))
        .call(json!({ "fork": { "conversationId": 1, "messageId": 3 } }))
        .call(json!({ "getConversation": { "id": 1 } }))
        .call(json!({ "getMessage": { "id": 2 } }))
        .call(json!({ "deleteMessage": { "id": 3 } }))
        .call(json!({ "deleteConversation": { "id": 2 } }))
        .call(json!({ "emptyTrash": {} }))
        .call(json!({ "listConversations": { "query": 10 } }))
        .call(json!({ "exportChat": { "id": 1 } }))
        .call(read(1))
        .close();
    all.push(strict("chats", &chats, &mut s));

    let mut s = Steps::default();
    let long = "long ".repeat(4_000);
    s.open().call(
        json!({ "addMessage": { "conversationId": 1, "role": "assistant", "content": "",
        "extra": { "status": "streaming", "uid": "grows" } } }),
    );
    let id = json!({ "conversationId": 1, "uid": "grows" });
    for text in ["alpha ", "회의 ", &long, "beta"] {
        s.call(json!({ "appendToMessage": { "id": id, "text": text, "streaming": true } }));
    }
    s.call(json!({ "appendToMessage": { "id": 2, "text": " and more", "streaming": false } }))
        .call(json!({ "getMessage": { "id": id } }))
        .call(json!({ "updateMessage": { "id": id, "patch": { "status": "complete" } } }))
        .call(json!({ "appendToMessage": { "id": 4, "text": " beta", "streaming": true } }))
        .push(Step::HealStreams(vec!["tab".into()]))
        .call(json!({ "endStreams": { "tab": "tab" } }))
        .call(json!({ "appendToMessage": { "id": 4, "text": " again", "streaming": true } }))
        .push(Step::HealStreams(vec![]))
        .call(json!({ "appendToMessage": { "id": 6, "text": " alpha", "streaming": false } }))
        .close()
        .open()
        .call(read(1))
        .close();
    all.push(strict("streams", &chats, &mut s));

    let mut s = Steps::default();
    let saved = |texts: &[&str]| -> Value {
        let messages = texts.iter().enumerate();
        messages
            .map(
                |(n, text)| json!({ "id": format!("m{n}{text}"), "role": "user", "content": text }),
            )
            .collect()
    };
    s.open()
        .call(json!({ "saveMessages": { "conversationId": "new", "messages": saved(&["alpha", "beta"]),
            "extra": { "create": { "title": "saved title" } } } }))
        .call(json!({ "saveMessages": { "conversationId": "new",
            "messages": saved(&["alpha", "gamma", "회의"]), "extra": { "head": "m1beta" } } }))
        .call(json!({ "saveMessages": { "conversationId": "new",
            "messages": saved(&["alpha"]), "extra": { "head": "m1beta" } } }))
        .call(json!({ "messagesFor": { "conversationId": "new" } }))
        .call(add(99, "refused", json!({})))
        .close();
    all.push(strict("saving", &chats, &mut s));

    let mut s = Steps::default();
    let imported = |text: &str| {
        json!([{ "uid": "imported", "title": "title of it", "tags": ["a"], "source": r#"{"format":"x"}"#,
          "messages": [{ "uid": "i1", "role": "user", "content": text, "createdAt": "2024-01-01T00:00:00Z" },
                       { "uid": "i2", "role": "assistant", "content": "회의" },
                       { "uid": "i3", "role": "user", "content": "beta", "parent": "i1" }] }])
    };
    let import = |text, conflict| json!({ "importBatch": { "conversations": imported(text), "options": { "conflict": conflict } } });
    s.open()
        .call(import("alpha", "update"))
        .call(import("alpha again", "update"))
        .call(import("alpha kept", "keep"))
        .call(import("alpha twice", "duplicate"))
        .call(json!({ "deleteConversation": { "id": 4 } }))
        .call(import("alpha deleted", "update"))
        .close();
    all.push(strict("import", &chats, &mut s));

    let bytes = |image: &Image| Rc::clone(&image[MAIN]);
    let whole = play(
        &chats,
        Durability::Strict,
        Steps::default().open().close().end().as_slice(),
    );
    let mut s = Steps::default();
    for merged in [file("version-1.db"), bytes(&whole)] {
        s.open()
            .push(Step::Merge {
                file: merged,
                options: ImportingOptions::default(),
            })
            .close();
    }
    all.push(strict("merge", &Image::new(), &mut s));

    let mut s = Steps::default();
    let picture = pixels(PIECE as usize + 10_000);
    let reference = format!("conversation-store:sha256-{}", hash_of(&picture));
    let interrupted = pixels(PIECE as usize + 1);
    s.open()
        .blob(&picture)
        .call(json!({ "addMessage": { "conversationId": 1, "role": "user",
            "extra": { "parts": format!(r#"[{{"type":"file","url":"{reference}"}}]"#) } } }))
        .call(json!({ "addMessage": { "conversationId": 2, "role": "user",
            "extra": { "extractBlobs": true, "parts": format!(
              r#"[{{"type":"file","url":"data:image/png;base64,{}"}}]"#, "QUJD".repeat(6_000)) } } }))
        .call(json!({ "deleteConversation": { "id": 1 } }))
        .pieces(&interrupted, 1)
        .call(json!({ "dropBlob": { "hash": hash_of(&interrupted) } }))
        .close();
    all.push(strict("blobs", &chats, &mut s));

    let mut s = Steps::default();
    let search = |word: &str| json!({ "search": { "query": word, "options": { "limit": 100 } } });
    s.open();
    for word in ["alpha", "회의"] {
        s.push(Step::Index).call(search(word));
    }
    for n in 0..8 {
        s.call(add(1, &format!("beta {n}"), json!({})));
    }
    // More than are tolerable are not in the index: a search takes them in.
    s.call(search("beta"))
        .call(json!({ "deleteMessage": { "id": 2 } }))
        .call(json!({ "updateMessage": { "id": 4, "patch": { "content": "회의 beta" } } }))
        .push(Step::Index)
        .call(search("beta"))
        .call(json!({ "clear": {} }))
        .call(search("beta"))
        .push(Step::Index)
        .close();
    all.push(strict("search", &chats, &mut s));

    let mut s = Steps::default();
    s.open()
        .call(json!({ "appendToMessage": { "id": 6, "text": " alpha", "streaming": true } }))
        .push(Step::Backup)
        .call(add(1, "beta after the backup", json!({})))
        .call(json!({ "deleteConversation": { "id": 2 } }))
        .push(Step::Restore {
            file: None,
            operation: own("tab", 50),
        })
        .call(read(2))
        .push(Step::Restore {
            file: Some(Rc::new(
                b"no database, and longer than a header is".repeat(30),
            )),
            operation: own("tab", 51),
        })
        .push(Step::Restore {
            file: Some(file("version-1.db")),
            operation: own("tab", 52),
        })
        .call(read(1));
    s.number = 60;
    s.call(add(1, "beta at last", json!({}))).close();
    all.push(strict("backup", &chats, &mut s));

    let mut s = Steps::default();
    let by = |tab: &str, number, request: Value| Asked {
        request: serde_json::from_value(request).expect("a request"),
        operation: Some(own(tab, number)),
        tab: Some(tab.into()),
    };
    let title = |id: i64, title: &str| json!({ "updateConversation": { "id": id, "patch": { "title": title } } });
    let message = |id: i64, text: &str| json!({ "updateMessage": { "id": id, "patch": { "content": text } } });
    s.open()
        .push(Step::Calls(vec![
            by("a", 1, title(1, "title by a")),
            by("b", 1, message(6, "beta by b")),
            by("c", 1, title(3, "title by c")),
        ]))
        .push(Step::Calls(vec![
            by("a", 2, message(99, "refused")),
            by("b", 2, title(2, "title by b")),
            by("c", 2, message(10, "alpha by c")),
        ]))
        .close();
    all.push(strict("group", &chats, &mut s));

    for name in [
        "version-1.db",
        "version-2.db",
        "version-3.db",
        "version-4.db",
    ] {
        let mut s = Steps::default();
        s.open()
            .call(json!({ "listConversations": {} }))
            .call(add(1, "alpha", json!({})))
            .close();
        all.push(strict(name, &earlier(name), &mut s));
    }

    let mut s = Steps::default();
    s.open()
        .call(json!({ "heal": {} }))
        .call(json!({ "healStep": { "after": 0 } }))
        .call(json!({ "heal": { "conversationId": 1 } }))
        .call(json!({ "integrityCheck": { "quick": false } }))
        .call(json!({ "integrityStep": { "quick": true, "at": [0, 0] } }))
        .call(read(4))
        .close();
    all.push(strict("healing", &written_elsewhere(&chats), &mut s));

    let mut s = Steps::default();
    s.open()
        .call(add(1, "own", json!({})))
        .named("name", add(1, "named", json!({})))
        .named("name", add(1, "named", json!({})))
        .named("name", add(1, "of another call", json!({})))
        .named("known", add(2, "회의록 beta", json!({})))
        .push(Step::RetainTabs(vec!["another".into()]))
        .named("later", add(1, "the tab is gone", json!({})))
        .close();
    all.push(strict("operations", &chats, &mut s));

    // From here the log of many commits goes into the main file, in a pause and when it is closed.
    for (name, durability) in [
        ("checkpoint", Durability::Strict),
        ("checkpoint, relaxed", Durability::Relaxed),
    ] {
        let mut s = Steps::default();
        s.open();
        for n in 0..11 {
            s.call(add(1 + n % 3, &format!("alpha {n}"), json!({})));
        }
        s.push(Step::Checkpoint)
            .push(Step::MakeRoom)
            .call(add(1, "after it", json!({})))
            .push(Step::Durability(Durability::Relaxed))
            .call(add(1, "soon safe", json!({})))
            .push(Step::Durability(durability))
            .call(add(2, "beta", json!({})))
            .close();
        all.push(Script {
            durability,
            ..strict(name, &chats, &mut s)
        });
    }

    // More than is held back at once, and more than the cache holds: pages go to the log before the commit.
    let filled = |length| format!("\"{}\"", "m".repeat(length));
    let mut s = Steps::default();
    s.open()
        .call(add(
            1,
            "long alpha",
            json!({ "metadata": filled(2_500_000) }),
        ))
        .call(json!({ "updateMessage": { "id": 12, "patch": { "metadata": filled(600_000) } } }))
        .call(json!({ "deleteMessage": { "id": 12 } }))
        .push(Step::Shrink)
        .close();
    all.push(strict("large", &chats, &mut s));
    all
}

/// The methods that no script calls.
pub fn untouched(all: &[Script]) -> BTreeSet<String> {
    let methods = include_str!("../../src/rpc.rs");
    let methods = methods
        .split_once("pub enum Request {")
        .and_then(|(_, rest)| rest.split_once("\n}\n"))
        .map_or("", |(methods, _)| methods);
    let mut methods: BTreeSet<String> = methods
        .lines()
        .filter_map(|line| {
            line.strip_prefix("    ")?
                .strip_suffix(['{', '}', ','])?
                .split(' ')
                .next()
        })
        .filter(|word| word.chars().next().is_some_and(char::is_uppercase))
        .map(str::to_owned)
        .collect();
    assert!(methods.len() > 20, "the methods are read: {methods:?}");
    for step in all.iter().flat_map(|script| &script.steps) {
        if let Step::Calls(calls) = step {
            for call in calls {
                let name = format!("{:?}", call.request);
                methods.remove(name.split([' ', '{']).next().unwrap_or_default());
            }
        }
    }
    methods
}
