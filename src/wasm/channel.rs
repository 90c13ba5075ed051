//! The way to the other tabs: what tabs say to each other, as messages of BroadcastChannels.
//!
//! One channel, `conversation-store:<database>`, for what concerns all. For what concerns one, a line of
//! its own for each pair of tabs, `conversation-store-line:<tab>:<tab>`: rows for one cost the others
//! nothing. A leader opens its end of a line before it says welcome, the follower its own when it
//! hears it, so that nothing is sent to where nobody listens.
//!
//! Every message has an envelope, `{ protocol, schema, database, from, type }`, which stays the same
//! in all versions. A message that is not well formed, or of another database, is ignored and counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, JSON, JsString, Object, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BroadcastChannel, MessageEvent};

use super::database::Facts;
use super::js;
use super::read::read;
use crate::error::{ErrorCode, Result, StoreError};
use crate::model::RowChange;
use crate::rpc::Response;
use crate::store::Change;
use crate::tabs::{Body, ByTab, Load, Message, Sending, TabId, Version};

/// Bytes of an answer, or UTF-16 units of a request's texts, from which it goes as a Blob, which the
/// browser hands on without copying.
const LARGE: usize = 256 * 1024;

/// Bytes of JSON from which it is handed over as they are: what a string costs on its way, the longer
/// it is the more, is more than handing over a buffer then.
const LONG: usize = 4 * 1024;

/// Epochs above this are nobody's: they leave room to count on.
const MAX_EPOCH: f64 = (1_u64 << 52) as f64;

/// Operations that are carried out alone: they take more than one step, or long.
const ALONE: [&str; 3] = ["restore", "merge", "importBatch"];

/// What the tabs carry here.
pub struct Js;

impl Load for Js {
    /// `{ method, params, operation, durability, object }`, or `{ packed: Blob }` of its JSON.
    type Request = JsValue;
    type Answer = Reply;
    type Facts = Facts;
    type Change = Told;

    fn shares_commit(request: &JsValue) -> bool {
        // What changes something is an operation.
        let method = js::get(request, "method");
        !js::get(request, "operation").is_undefined() && !ALONE.iter().any(|alone| method == *alone)
    }
}

/// What a call resolves to.
#[derive(Clone, Debug)]
pub enum Reply {
    /// As it is.
    Value(JsValue),
    /// As JSON, which the page reads: a string is copied on its way from worker to worker to page,
    /// objects are taken apart and put together each time.
    Text(JsString),
    /// Long JSON, in UTF-8: the page gets the bytes themselves.
    Utf8(Uint8Array),
    /// Large JSON, on its way to another tab.
    Packed(Blob),
}

impl Reply {
    /// The JSON that it is, on the thread of the store itself.
    ///
    /// # Errors
    /// `internal` for what is none.
    pub fn json(self) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text.into()),
            Self::Utf8(bytes) => {
                String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())
            }
            // Only between tabs, and there is one.
            Self::Value(_) | Self::Packed(_) => Err("an answer for another tab".to_owned()),
        }
        .map_err(|message| StoreError::new(ErrorCode::Internal, message))
    }
}

/// A change, and through which object of which tab it was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// `None`: everything, read it again.
    pub row: Option<RowChange>,
    /// The tab.
    pub tab: String,
    /// The page's number for its object.
    pub object: u32,
}

impl Told {
    /// A change of the store's, as it is told.
    pub fn new(change: Change, tab: &TabId, object: u32) -> Self {
        let row = match change {
            Change::Row(row) => Some(row),
            Change::Reset => None,
        };
        let tab = tab.to_string();
        Self { row, tab, object }
    }
}

/// What came in.
pub enum Incoming {
    /// A message for this tab.
    Message(Message<Js>),
    /// A tab of another version said something.
    OtherVersion(TabId, Version),
    /// A leader welcomes all, but has no line to this tab yet: it must say hello.
    Unheard,
}

/// This tab's ends.
pub struct Channels {
    name: String,
    id: TabId,
    version: Version,
    all: BroadcastChannel,
    lines: RefCell<ByTab<Line>>,
    heard: RefCell<ByTab<()>>,
    /// The number of the last census asked for.
    census: Cell<u64>,
    ignored: Cell<u32>,
    on_incoming: Box<dyn Fn(Incoming)>,
    /// Keeps the listener of all ends.
    listener: RefCell<Option<Listener>>,
}

type Listener = Closure<dyn FnMut(MessageEvent)>;

struct Line {
    channel: BroadcastChannel,
    /// A census asked for since knows the tab if it is alive.
    opened_at: u64,
}

impl Drop for Channels {
    fn drop(&mut self) {
        self.all.close();
        for (_, line) in self.lines.borrow().iter() {
            line.channel.close();
        }
    }
}

fn open(name: &str) -> Result<BroadcastChannel> {
    BroadcastChannel::new(name).map_err(|error| js::thrown("opening a BroadcastChannel", &error))
}

impl Channels {
    /// Opens the way to the other tabs of a database.
    ///
    /// # Errors
    /// `storage-unavailable` without BroadcastChannel.
    pub fn new(
        name: &str,
        id: TabId,
        version: Version,
        on_incoming: impl Fn(Incoming) + 'static,
    ) -> Result<Rc<Self>> {
        let channels = Rc::new(Self {
            name: name.to_owned(),
            id,
            version,
            all: open(&format!("conversation-store:{name}"))?,
            lines: RefCell::default(),
            heard: RefCell::default(),
            census: Cell::new(0),
            ignored: Cell::new(0),
            on_incoming: Box::new(on_incoming),
            listener: RefCell::default(),
        });
        let receiver = Rc::downgrade(&channels);
        let listener = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(channels) = receiver.upgrade() {
                channels.receive(&event.data());
            }
        });
        channels.listen(&channels.all, &listener);
        *channels.listener.borrow_mut() = Some(listener);
        Ok(channels)
    }

    fn listen(&self, channel: &BroadcastChannel, listener: &Listener) {
        let listener = listener.as_ref().unchecked_ref();
        channel.set_onmessage(Some(listener));
        // Also counted: a message of another script that cannot be read here.
        channel.set_onmessageerror(Some(listener));
    }

    /// How many messages were not understood.
    pub fn ignored(&self) -> u32 {
        self.ignored.get()
    }

    /// The tabs heard of, and this one.
    pub fn heard(&self) -> Vec<TabId> {
        let heard = self.heard.borrow();
        heard.names().chain([&self.id]).cloned().collect()
    }

    /// Says that a census is asked for.
    pub fn census(&self, number: u64) {
        self.census.set(number);
    }

    /// Closes the lines to tabs that are gone.
    pub fn retain(&self, number: u64, alive: &[TabId]) {
        self.lines.borrow_mut().retain(|id, line| {
            let keep = line.opened_at >= number || alive.contains(id);
            if !keep {
                line.channel.close();
                self.heard.borrow_mut().remove(id);
            }
            keep
        });
    }

    /// Opens this tab's end of the line to another.
    fn open_line(&self, to: &TabId) -> Result<()> {
        if self.lines.borrow().get(to).is_some() {
            return Ok(());
        }
        let (a, b) = if *self.id < **to {
            (&self.id, to)
        } else {
            (to, &self.id)
        };
        let channel = open(&format!("conversation-store-line:{a}:{b}"))?;
        if let Some(listener) = &*self.listener.borrow() {
            self.listen(&channel, listener);
        }
        let opened_at = self.census.get();
        let line = Line { channel, opened_at };
        self.lines.borrow_mut().insert(to.clone(), line);
        Ok(())
    }

    /// Sends to one tab, or to all others.
    ///
    /// # Errors
    /// `invalid-argument` for a request that cannot be sent to another tab.
    pub fn send(&self, to: Option<&TabId>, body: Body<Js>) -> Result<()> {
        let message = Object::new();
        js::set(&message, "protocol", &self.version.protocol.into());
        js::set(
            &message,
            "schema",
            &JsValue::from_f64(self.version.schema as f64),
        );
        js::set(&message, "database", &self.name.as_str().into());
        js::set(&message, "from", &(&*self.id).into());
        if let Some(to) = to {
            js::set(&message, "to", &(&**to).into());
        }
        let on_line = write_body(&message, body)?;
        if js::get(&message, "type") == "welcome" {
            match to {
                Some(to) => self.open_line(to)?,
                None => {
                    let heard: Vec<_> = self.heard.borrow().names().cloned().collect();
                    heard.iter().try_for_each(|id| self.open_line(id))?;
                    let lines: Array = heard.iter().map(|id| JsValue::from(&**id)).collect();
                    js::set(&message, "lines", &lines);
                }
            }
        }
        let posted = match to {
            Some(to) if on_line => match self.lines.borrow().get(to) {
                Some(line) => line.channel.post_message(&message),
                // It is gone.
                None => Ok(()),
            },
            _ => self.all.post_message(&message),
        };
        posted.map_err(|error| {
            let reason = js::get(&error, "message").as_string().unwrap_or_default();
            StoreError::invalid(format!(
                "an argument cannot be sent to another tab: {reason}"
            ))
        })
    }

    fn receive(&self, message: &JsValue) {
        match self.read(message) {
            Some(Some(incoming)) => (self.on_incoming)(incoming),
            // Well-formed, for another tab.
            Some(None) => {}
            None => self.ignored.set(self.ignored.get().saturating_add(1)),
        }
    }

    /// `None` for a message that is not understood.
    fn read(&self, message: &JsValue) -> Option<Option<Incoming>> {
        if js::get(message, "database").as_string()? != self.name {
            return None;
        }
        let from = TabId::from(js::get(message, "from").as_string()?);
        let kind = js::get(message, "type").as_string()?;
        let to = js::get(message, "to");
        let version = Version {
            protocol: whole(&js::get(message, "protocol"), f64::from(u32::MAX))? as u32,
            schema: whole(&js::get(message, "schema"), MAX_EPOCH)? as i64,
        };
        if !to.is_undefined() && to.as_string()? != *self.id {
            return Some(None);
        }
        if version != self.version {
            return Some(Some(Incoming::OtherVersion(from, version)));
        }
        let body = read_body(message, &kind)?;
        match body {
            Body::Welcome { .. } => {
                if to.is_undefined() {
                    let lines: Array = js::get(message, "lines").dyn_into().ok()?;
                    if !lines.includes(&JsValue::from(&*self.id), 0) {
                        return Some(Some(Incoming::Unheard));
                    }
                }
                self.open_line(&from).ok()?;
            }
            Body::Bye => {
                self.heard.borrow_mut().remove(&from);
                if let Some(line) = self.lines.borrow_mut().remove(&from) {
                    line.channel.close();
                }
            }
            _ => {}
        }
        if !matches!(body, Body::Bye) {
            self.heard.borrow_mut().insert(from.clone(), ());
        }
        Some(Some(Incoming::Message(Message { from, body })))
    }
}

/// Writes what a message says, and tells whether it goes on a line.
fn write_body(message: &Object, body: Body<Js>) -> Result<bool> {
    let set = |name: &str, value: &JsValue| js::set(message, name, value);
    let number = |name: &str, value: u64| js::set(message, name, &(value as f64).into());
    let (kind, on_line) = match body {
        Body::Hello { visible, heard } => {
            set("visible", &visible.into());
            number("heard", heard);
            ("hello", false)
        }
        Body::Presence { visible, heard } => {
            set("visible", &visible.into());
            number("heard", heard);
            ("presence", false)
        }
        Body::Bye => ("bye", false),
        Body::Welcome {
            epoch,
            visible,
            facts,
            clock,
            sequence,
        } => {
            number("epoch", epoch);
            set("visible", &visible.into());
            set("facts", &js::write(&facts)?);
            set("clock", &clock.into());
            number("sequence", sequence);
            ("welcome", false)
        }
        Body::Handover { epoch, to } => {
            number("epoch", epoch);
            set("successor", &(&*to).into());
            ("handover", false)
        }
        Body::Failed { epoch, error } => {
            number("epoch", epoch);
            set("error", &js::error_data(&error));
            ("failed", false)
        }
        Body::Request {
            epoch,
            sending,
            deadline,
            again,
            request,
        } => {
            number("epoch", epoch);
            set("sending", &sending.into());
            set("deadline", &deadline.into());
            set("again", &again.into());
            set("request", &pack_request(&request)?);
            ("request", true)
        }
        Body::Abort { sending } => {
            set("sending", &sending.into());
            ("abort", true)
        }
        Body::Answer {
            sending,
            answer,
            clock,
        } => {
            set("sending", &sending.into());
            set("clock", &clock.into());
            match answer {
                Ok(Reply::Value(value)) => set("value", &value),
                Ok(Reply::Text(text)) => set("text", &text),
                Ok(Reply::Utf8(bytes)) => set("utf8", &bytes),
                Ok(Reply::Packed(blob)) => set("packed", &blob),
                Err(error) => set("error", &js::error_data(&error)),
            }
            ("answer", true)
        }
        Body::Progress { sending } => {
            set("sending", &sending.into());
            ("progress", true)
        }
        Body::Changes {
            epoch,
            first,
            changes,
        } => {
            number("epoch", epoch);
            number("first", first);
            set("changes", &js::write(&changes)?);
            ("changes", false)
        }
    };
    set("type", &kind.into());
    Ok(on_line)
}

fn read_body(message: &JsValue, kind: &str) -> Option<Body<Js>> {
    let get = |name: &str| js::get(message, name);
    let epoch = |name: &str| whole(&get(name), MAX_EPOCH).map(|it| it as u64);
    let sending = || Sending::try_from(get("sending")).ok();
    let flag = |name: &str| get(name).as_bool();
    let clock = |name: &str| get(name).as_f64().filter(|clock| !clock.is_nan());
    let error = || read::<StoreError>(&get("error")).ok();
    Some(match kind {
        "hello" => Body::Hello {
            visible: flag("visible")?,
            heard: epoch("heard")?,
        },
        "presence" => Body::Presence {
            visible: flag("visible")?,
            heard: epoch("heard")?,
        },
        "bye" => Body::Bye,
        "welcome" => Body::Welcome {
            epoch: epoch("epoch")?,
            visible: flag("visible")?,
            facts: read(&get("facts")).ok()?,
            clock: clock("clock").filter(|clock| clock.is_finite())?,
            sequence: epoch("sequence")?,
        },
        "handover" => Body::Handover {
            epoch: epoch("epoch")?,
            to: TabId::from(get("successor").as_string()?),
        },
        "failed" => Body::Failed {
            epoch: epoch("epoch")?,
            error: error()?,
        },
        "request" => Body::Request {
            epoch: epoch("epoch")?,
            sending: sending()?,
            deadline: clock("deadline")?,
            again: flag("again")?,
            request: Some(get("request")).filter(JsValue::is_object)?,
        },
        "abort" => Body::Abort {
            sending: sending()?,
        },
        "answer" => {
            let (text, utf8) = (get("text"), get("utf8"));
            let (packed, failure) = (get("packed"), get("error"));
            Body::Answer {
                sending: sending()?,
                answer: if !failure.is_undefined() {
                    Err(error()?)
                } else if !text.is_undefined() {
                    Ok(Reply::Text(text.dyn_into().ok()?))
                } else if !utf8.is_undefined() {
                    Ok(Reply::Utf8(utf8.dyn_into().ok()?))
                } else if !packed.is_undefined() {
                    Ok(Reply::Packed(packed.dyn_into().ok()?))
                } else {
                    Ok(Reply::Value(get("value")))
                },
                clock: clock("clock").filter(|clock| clock.is_finite())?,
            }
        }
        "progress" => Body::Progress {
            sending: sending()?,
        },
        "changes" => {
            let changes: Vec<Told> = read(&get("changes")).ok()?;
            Body::Changes {
                epoch: epoch("epoch")?,
                first: epoch("first").filter(|first| *first > 0)?,
                changes: Some(changes).filter(|changes| !changes.is_empty())?,
            }
        }
        _ => return None,
    })
}

fn whole(value: &JsValue, most: f64) -> Option<f64> {
    value
        .as_f64()
        .filter(|number| number.fract() == 0.0 && (0.0..=most).contains(number))
}

/// A request with long texts, as one Blob.
fn pack_request(request: &JsValue) -> Result<JsValue> {
    let params: Object = js::get(request, "params").unchecked_into();
    if !params.is_object() {
        return Ok(request.clone());
    }
    let long: u32 = Object::values(&params)
        .iter()
        .filter_map(|value| value.dyn_into::<JsString>().ok())
        .map(|text| text.length())
        .sum();
    if (long as usize) < LARGE {
        return Ok(request.clone());
    }
    // What JSON cannot hold is sent as it is, for the leader to refuse by name.
    let Ok(json) = json_of(request) else {
        return Ok(request.clone());
    };
    let blob = packing(Blob::new_with_str_sequence(&Array::of1(&json)))?;
    let packed = Object::new();
    js::set(&packed, "packed", &blob);
    Ok(packed.into())
}

fn json_of(value: &JsValue) -> Result<JsString> {
    packing(JSON::stringify(value))
}

fn packing<T>(outcome: std::result::Result<T, JsValue>) -> Result<T> {
    outcome.map_err(|error| js::thrown("packing a message for another tab", &error))
}

/// What a call resolves to, of what the store answered.
///
/// # Errors
/// `internal`.
pub fn reply(response: &Response) -> Result<Reply> {
    Ok(match response {
        Response::Nothing => Reply::Value(JsValue::UNDEFINED),
        Response::Number(number) => Reply::Value(JsValue::from_f64(*number as f64)),
        Response::Bytes(bytes) => Reply::Value(Uint8Array::from(&*bytes.0).into()),
        rows => {
            let json = js::text(rows)?;
            if json.len() < LONG {
                Reply::Text(json.into())
            } else {
                Reply::Utf8(json.as_bytes().into())
            }
        }
    })
}

/// The same for another tab.
///
/// # Errors
/// Those of the browser.
pub fn pack(reply: Reply) -> Result<Reply> {
    match reply {
        Reply::Utf8(bytes) if bytes.length() as usize >= LARGE => {
            packing(Blob::new_with_u8_array_sequence(&Array::of1(&bytes))).map(Reply::Packed)
        }
        reply => Ok(reply),
    }
}

/// The bytes of a packed one.
///
/// # Errors
/// `storage-unavailable` if the browser cannot read it any more.
pub async fn unpack(blob: &Blob) -> Result<Uint8Array> {
    let bytes = js::settled("reading another tab's message", blob.array_buffer()).await?;
    Ok(Uint8Array::new(&bytes))
}

/// The request of a packed one.
///
/// # Errors
/// Those of [`unpack`].
pub async fn unpack_request(blob: &Blob) -> Result<JsValue> {
    js::parse(&Reply::Utf8(unpack(blob).await?).json()?)
}
