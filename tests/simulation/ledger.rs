//! What was called, what came of it, and what must hold between the two.

use std::collections::{BTreeMap, HashSet};

use conversation_store::error::{ErrorCode, StoreError};
use conversation_store::model::{Message, Operation};
use conversation_store::rpc::{Request, Response};
use conversation_store::store::Store;
use conversation_store::tabs::CallId;

use super::Reply;
use crate::common::key;

/// A call's place in the ledger.
pub type Serial = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// By its place in the ledger.
    Write(usize),
    /// Of a conversation's messages.
    Read(i64),
}

pub struct Call {
    pub page: usize,
    pub id: CallId,
    pub what: What,
    pub request: Request,
    pub operation: Option<Operation>,
    pub timeout: f64,
    /// When its page gives it up.
    pub deadline: f64,
    /// Not to be begun after this: its timeout, counted from when its page's worker had it.
    pub begin_by: f64,
    pub aborted: bool,
    /// Its page was frozen, and gave it more time then.
    pub prolonged: bool,
    pub answered: bool,
    /// So many writes were acknowledged before it.
    acknowledged: usize,
    /// Of the last calls, which must be carried out.
    pub must: bool,
}

/// Something to be done once, however often it is called.
pub struct Write {
    pub page: usize,
    /// Which no other write has.
    pub content: String,
    /// `None`: it makes one.
    pub conversation: Option<i64>,
    pub name: Option<String>,
    pub first: Serial,
    pub calls: usize,
    pub applied: Option<Applied>,
    acknowledged: bool,
    /// Its only call was told that nothing was done.
    undone: bool,
    /// A later read of its page that did not see it.
    unseen_by: Option<Serial>,
}

pub struct Applied {
    pub order: usize,
    pub at: f64,
    pub row: i64,
    answer: Response,
}

#[derive(Default)]
pub struct Ledger {
    pub calls: Vec<Call>,
    pub writes: Vec<Write>,
    /// That a page knows of.
    pub conversations: Vec<i64>,
    /// In the order in which pages heard of it.
    acknowledged: Vec<usize>,
    order: usize,
    /// Opens were made to fail, or may have.
    pub opens_failed: bool,
}

type Check = Result<(), String>;

impl Ledger {
    pub fn call(
        &mut self,
        (page, id): (usize, CallId),
        what: What,
        request: Request,
        operation: Option<Operation>,
        timeout: f64,
        now: f64,
    ) -> Serial {
        if let What::Write(write) = what {
            self.writes[write].calls += 1;
        }
        self.calls.push(Call {
            page,
            id,
            what,
            request,
            operation,
            timeout,
            deadline: now + timeout,
            begin_by: 0.0,
            aborted: false,
            prolonged: false,
            answered: false,
            acknowledged: self.acknowledged.len(),
            must: false,
        });
        self.calls.len() - 1
    }

    /// Notes a write that is about to be called.
    pub fn intend(
        &mut self,
        page: usize,
        content: String,
        conversation: Option<i64>,
        name: Option<String>,
    ) -> usize {
        self.writes.push(Write {
            page,
            content,
            conversation,
            name,
            first: self.calls.len(),
            calls: 0,
            applied: None,
            acknowledged: false,
            undone: false,
            unseen_by: None,
        });
        self.writes.len() - 1
    }

    /// The store has carried a call out, with the rows that it changed.
    pub fn carried_out(
        &mut self,
        serial: Serial,
        outcome: &Result<Response, StoreError>,
        row: Option<i64>,
        now: f64,
    ) -> Check {
        let What::Write(write) = self.calls[serial].what else {
            return Ok(());
        };
        let it = &mut self.writes[write];
        let Some(row) = row else {
            return match (outcome, &it.applied) {
                (Ok(_), None) => Err(format!("{} is said to be done and is not", it.content)),
                (Err(_), Some(_)) if !self.calls[serial].answered => {
                    Err(format!("the record of {} is lost", it.content))
                }
                _ => Ok(()),
            };
        };
        if it.applied.is_some() {
            return Err(format!("{} is applied twice", it.content));
        }
        if it.undone && it.calls == 1 {
            return Err(format!(
                "{} is applied after its page was told that it was not",
                it.content
            ));
        }
        let Ok(answer) = outcome else {
            return Err(format!("{} is applied and fails", it.content));
        };
        it.applied = Some(Applied {
            order: self.order,
            at: now,
            row,
            answer: answer.clone(),
        });
        self.order += 1;
        Ok(())
    }

    /// A page has its answer.
    pub fn answered(&mut self, serial: Serial, outcome: &Result<Reply, StoreError>) -> Check {
        let call = &mut self.calls[serial];
        if call.answered {
            return Err(format!("#{serial} is answered twice"));
        }
        call.answered = true;
        match (call.what, outcome) {
            (What::Write(write), Ok(Reply(answer))) => self.acknowledge(serial, write, answer),
            (What::Read(conversation), Ok(Reply(answer))) => match &**answer {
                Response::Messages(messages) => self.saw(serial, conversation, messages),
                other => Err(format!("#{serial} reads {other:?}")),
            },
            (what, Err(error)) => self.refused(serial, what, error),
        }
    }

    fn acknowledge(&mut self, serial: Serial, write: usize, answer: &Response) -> Check {
        let it = &mut self.writes[write];
        let Some(applied) = &it.applied else {
            return Err(format!("{} is acknowledged and not applied", it.content));
        };
        if applied.answer != *answer {
            return Err(format!(
                "{} is answered {answer:?}, and was {:?}",
                it.content, applied.answer
            ));
        }
        if it.conversation.is_none() && !it.acknowledged {
            self.conversations.push(applied.row);
        }
        if it.first == serial
            && it.calls == 1
            && let Some(read) = it.unseen_by
        {
            return Err(format!(
                "#{read} did not see {}, called before it",
                it.content
            ));
        }
        it.acknowledged = true;
        self.acknowledged.push(write);
        Ok(())
    }

    fn saw(&mut self, serial: Serial, conversation: i64, messages: &[Message]) -> Check {
        let seen: HashSet<&str> = messages.iter().map(|it| it.content.as_str()).collect();
        let (page, until) = (self.calls[serial].page, self.calls[serial].acknowledged);
        let concerns = |it: &Write| {
            it.conversation == Some(conversation) && !seen.contains(it.content.as_str())
        };
        for write in &self.acknowledged[..until] {
            let it = &self.writes[*write];
            if concerns(it) {
                return Err(format!(
                    "#{serial} does not see {}, acknowledged before it",
                    it.content
                ));
            }
        }
        for it in &mut self.writes {
            if it.page == page && it.first < serial && it.calls == 1 && concerns(it) {
                if it.acknowledged {
                    return Err(format!(
                        "#{serial} does not see its page's own {}",
                        it.content
                    ));
                }
                it.unseen_by = Some(serial);
            }
        }
        Ok(())
    }

    fn refused(&mut self, serial: Serial, what: What, error: &StoreError) -> Check {
        let call = &self.calls[serial];
        let undone = match error.code {
            // It may have been done, or may yet be.
            ErrorCode::Timeout | ErrorCode::Outdated | ErrorCode::Closed => false,
            ErrorCode::Blocked
            | ErrorCode::QuotaExceeded
            | ErrorCode::Corrupt
            | ErrorCode::StorageUnavailable
            | ErrorCode::SchemaTooNew => {
                if !self.opens_failed {
                    return Err(format!("#{serial} fails for no reason: {error:?}"));
                }
                false
            }
            ErrorCode::Aborted if call.aborted => true,
            ErrorCode::NotFound => true,
            _ => return Err(format!("#{serial} fails by {error:?}")),
        };
        if let What::Write(write) = what
            && undone
        {
            let it = &mut self.writes[write];
            it.undone = it.calls == 1;
            if it.undone && it.applied.is_some() {
                return Err(format!("{} is said to be undone and is not", it.content));
            }
        }
        Ok(())
    }

    /// Whether a call may be begun.
    pub fn begins(&self, serial: Serial, now: f64) -> Check {
        // Clocks are floating point numbers.
        let late = now - self.calls[serial].begin_by - 0.001;
        if late > 0.0 {
            return Err(format!("#{serial} is begun {late:.1} ms too late"));
        }
        Ok(())
    }

    /// What the database holds in the end.
    pub fn check_rows(&self, store: &Store) -> Check {
        let mut expected = BTreeMap::new();
        for it in &self.writes {
            if let (Some(applied), Some(conversation)) = (&it.applied, it.conversation) {
                expected.insert(applied.order, (conversation, it.content.as_str()));
            }
        }
        let conversations = self
            .writes
            .iter()
            .filter(|it| it.conversation.is_none())
            .filter_map(|it| it.applied.as_ref());
        let mut rows = 0;
        for conversation in conversations.map(|applied| applied.row) {
            let messages = store
                .messages_for(&key(conversation), &Default::default())
                .map_err(|error| error.to_string())?;
            let expected = expected.values().filter(|(id, _)| *id == conversation);
            if !messages
                .iter()
                .map(|it| it.content.as_str())
                .eq(expected.map(|(_, it)| *it))
            {
                return Err(format!(
                    "the rows of conversation {conversation} are not those written"
                ));
            }
            rows += messages.len();
        }
        if rows != expected.len() {
            return Err("there are rows in unknown conversations".into());
        }
        Ok(())
    }

    /// A page's writes were applied in the order of their calls: of those that were acknowledged, not
    /// aborted, and called once. By names that hold only for what no frozen page gave more time.
    pub fn check_order(&self) -> Check {
        self.check_order_of(|it, _| it.name.is_none())?;
        self.check_order_of(|_, call| !call.prolonged)
    }

    fn check_order_of(&self, concerns: impl Fn(&Write, &Call) -> bool) -> Check {
        let mut last: BTreeMap<usize, &Write> = BTreeMap::new();
        let order = |it: &Write| it.applied.as_ref().map(|applied| applied.order);
        for it in self
            .writes
            .iter()
            .filter(|it| it.calls == 1 && it.acknowledged)
        {
            let call = &self.calls[it.first];
            if !call.aborted
                && concerns(it, call)
                && let Some(earlier) = last.insert(it.page, it)
                && order(earlier) > order(it)
            {
                return Err(format!("{} comes before {}", it.content, earlier.content));
            }
        }
        Ok(())
    }

    pub fn acknowledged(&self) -> impl Iterator<Item = (&Write, &Applied)> {
        self.writes
            .iter()
            .filter(|it| it.acknowledged)
            .filter_map(|it| it.applied.as_ref().map(|applied| (it, applied)))
    }
}
