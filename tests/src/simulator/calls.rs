//! Handles for what is under way.

use super::chain::HookOutcome;
use super::command::Event;
use super::json::Doc;
use super::state::Shared;
use super::verdict::{Failure, Result, RpcError};
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

fn receive<T>(rx: &Receiver<T>, shared: &Shared, what: &str, deadline: Duration) -> Result<T> {
    rx.recv_timeout(deadline).map_err(|e| match e {
        RecvTimeoutError::Timeout => shared.late(what, deadline),
        RecvTimeoutError::Disconnected => {
            // Nobody is left who could answer.
            match shared.lock().verdicts.last().cloned() {
                Some(verdict) => Failure::verdict_of(verdict, &shared.transcript),
                None => Failure::unclean(
                    format!("the node stopped before {what}"),
                    &shared.transcript,
                ),
            }
        }
    })
}

/// A call of a command that has been sent.
pub struct Call {
    pub(crate) rx: Receiver<Event>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) what: String,
    pub(crate) done: Option<String>,
}

impl Call {
    /// Waits for the next `message` or `progress` notification and gives its `method` and `params`;
    /// `None` when the answer came first.
    pub fn next_note(&mut self) -> Result<Option<(String, Value)>> {
        if self.done.is_some() {
            return Ok(None);
        }
        match receive(&self.rx, &self.shared, &self.what, self.shared.deadline)? {
            Event::Done(text) => {
                self.done = Some(text);
                Ok(None)
            }
            Event::Note(text) => {
                let note: Value =
                    serde_json::from_str(&text).map_err(|_| Failure::Odd(text.clone()))?;
                let method = note["method"].as_str().unwrap_or_default().to_owned();
                Ok(Some((method, note["params"].clone())))
            }
        }
    }

    /// Waits for the answer; the whole response as text, as the caller gets it.
    pub fn wait_response(mut self) -> Result<String> {
        loop {
            if let Some(text) = self.done.take() {
                return Ok(text);
            }
            if let Event::Done(text) =
                receive(&self.rx, &self.shared, &self.what, self.shared.deadline)?
            {
                self.done = Some(text);
            }
        }
    }

    /// Waits for the answer; the text of `result`, byte for byte.
    pub fn wait_raw(self) -> Result<String> {
        let text = self.wait_response()?;
        let odd = || Failure::Odd(text.clone());
        let doc = Doc::parse(&text).ok_or_else(odd)?;
        match (doc.get("result"), doc.get("error")) {
            (Some(result), None) => Ok(result.full().to_owned()),
            (None, Some(error)) => {
                let error = error.to_value().ok_or_else(odd)?;
                let (Some(code), Some(message)) =
                    (error["code"].as_i64(), error["message"].as_str())
                else {
                    return Err(odd());
                };
                Err(Failure::Rpc(RpcError {
                    code,
                    message: message.to_owned(),
                    data: error.get("data").cloned(),
                }))
            }
            _ => Err(odd()),
        }
    }

    /// Waits for the answer: its result.
    pub fn wait(self) -> Result<Value> {
        let text = self.wait_raw()?;
        serde_json::from_str(&text).map_err(|_| Failure::Odd(text))
    }

    /// Whether the answer is there already.
    pub fn is_done(&mut self) -> bool {
        while self.done.is_none() {
            match self.rx.try_recv() {
                Ok(Event::Done(text)) => self.done = Some(text),
                Ok(Event::Note(_)) => {}
                Err(_) => return false,
            }
        }
        true
    }
}

/// A call of a hook that has begun.
pub struct HookRun {
    pub(crate) rx: Receiver<HookOutcome>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) what: String,
    pub(crate) done: Option<HookOutcome>,
}

impl HookRun {
    /// Waits for the end of the chain.
    pub fn wait(self) -> Result<HookOutcome> {
        match self.done {
            Some(outcome) => Ok(outcome),
            None => receive(&self.rx, &self.shared, &self.what, self.shared.deadline),
        }
    }

    /// Whether the chain has ended already: a held HTLC has not.
    pub fn is_done(&mut self) -> bool {
        if self.done.is_none() {
            self.done = self.rx.try_recv().ok();
        }
        self.done.is_some()
    }
}

/// A request sent by hand, under an id that the test chose.
pub struct RawCall {
    pub(crate) rx: Receiver<Doc>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) what: String,
}

impl RawCall {
    /// Waits for the answer; the whole response as the plugin wrote it.
    pub fn wait(self) -> Result<Doc> {
        receive(&self.rx, &self.shared, &self.what, self.shared.deadline)
    }
}
