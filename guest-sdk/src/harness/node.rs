//! The other side of the border in a test: a clock, a log, and scripted answers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use cln_protocol::filter::Filter;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, ready};
use serde_json::Value;

use super::Border;
use super::store::TestStore;
use crate::border::{Kept, LogLevel, Outside};
use crate::error::{CallError, HttpError, KvError, NotifyError, RpcError, TimerError};
use crate::http::{HttpRequest, HttpResponse};
use crate::kv::{KvPage, KvSwap};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// lightningd's level.
    pub level: LogLevel,
    /// What was written.
    pub message: String,
}

/// One notification that the guest sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// The topic, one that the manifest declares.
    pub topic: String,
    /// The payload.
    pub params: Value,
}

/// One call that the guest made to lightningd.
#[derive(Debug, Clone, PartialEq)]
pub struct RpcCall {
    /// The delivery that it was made for; 0 in the background.
    pub cause: u64,
    /// The method.
    pub method: String,
    /// Its parameters.
    pub params: Value,
    /// The result filter.
    pub filter: Option<Value>,
}

/// A word to whoever called a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// `message`.
    Message {
        /// lightningd's level.
        level: LogLevel,
        /// What was said.
        text: String,
    },
    /// `progress`: `num` of `total`, in `stage` = (number from 0, how many).
    Progress {
        /// Steps done.
        num: u32,
        /// Steps in all.
        total: u32,
        /// Of several stages, which.
        stage: Option<(u32, u32)>,
    },
}

type Answer = Box<dyn FnMut(&Value) -> Result<Value, CallError>>;
type HttpAnswer = Box<dyn FnMut(&HttpRequest) -> Result<HttpResponse, HttpError>>;

/// A plugin's side of nothing: answers what the test has scripted.
pub(super) struct Node {
    pub topics: RefCell<Vec<String>>,
    /// What the manifest asks for.
    pub requests: RefCell<Vec<String>>,
    pub answers: RefCell<BTreeMap<String, Answer>>,
    pub log: RefCell<Vec<LogLine>>,
    pub sent: RefCell<Vec<Sent>>,
    pub calls: RefCell<Vec<RpcCall>>,
    /// By the beginning of the URL.
    pub http_answers: RefCell<BTreeMap<String, HttpAnswer>>,
    pub http_requests: RefCell<Vec<HttpRequest>>,
    pub words: RefCell<Vec<(u64, Word)>>,
    pub open_calls: RefCell<Vec<u64>>,
    pub store: RefCell<TestStore>,
    /// `init` has come, or a `db_write`.
    pub begun: Cell<bool>,
    pub now: Cell<SystemTime>,
    pub clock: Cell<Duration>,
    timers: RefCell<BTreeMap<(Duration, u64), oneshot::Sender<()>>>,
    next_timer: Cell<u64>,
}

impl Node {
    pub fn new() -> Self {
        Node {
            topics: RefCell::default(),
            requests: RefCell::default(),
            answers: RefCell::default(),
            log: RefCell::default(),
            sent: RefCell::default(),
            calls: RefCell::default(),
            http_answers: RefCell::default(),
            http_requests: RefCell::default(),
            words: RefCell::default(),
            open_calls: RefCell::default(),
            store: RefCell::default(),
            begun: Cell::new(false),
            // 2026-01-01T00:00:00Z
            now: Cell::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)),
            clock: Cell::new(Duration::ZERO),
            timers: RefCell::default(),
            next_timer: Cell::new(0),
        }
    }

    /// Moves the clock to the next timer not later than `end`, and rings it; else to `end`.
    pub fn ring_next(&self, end: Duration) -> bool {
        let next = {
            let mut timers = self.timers.borrow_mut();
            timers.retain(|_, timer| !timer.is_canceled());
            match timers.first_entry() {
                Some(entry) if entry.key().0 <= end => Some(entry.remove_entry()),
                _ => None,
            }
        };
        let at = next.as_ref().map_or(end, |((at, _), _)| *at);
        self.now
            .set(self.now.get() + at.saturating_sub(self.clock.get()));
        self.clock.set(at);
        match next {
            Some((_, timer)) => {
                // Whoever slept may have gone meanwhile.
                let _ = timer.send(());
                true
            }
            None => false,
        }
    }

    pub fn sleepers(&self) -> usize {
        let timers = self.timers.borrow();
        timers.values().filter(|timer| !timer.is_canceled()).count()
    }

    fn word(&self, call: u64, word: Word) {
        if self.open_calls.borrow().contains(&call) {
            self.words.borrow_mut().push((call, word));
        }
    }
}

impl Border for Node {
    fn log(&self, level: LogLevel, message: &str) {
        self.log.borrow_mut().push(LogLine {
            level,
            message: message.to_owned(),
        });
    }

    fn call(
        &self,
        cause: u64,
        method: String,
        params: String,
        filter: Option<String>,
    ) -> LocalBoxFuture<'static, Result<String, CallError>> {
        ready(self.answer(cause, &method, &params, filter.as_deref())).boxed_local()
    }

    fn notify(&self, topic: &str, params: &str) -> Result<(), NotifyError> {
        if !self
            .topics
            .borrow()
            .iter()
            .any(|declared| declared == topic)
        {
            return Err(NotifyError::Denied(format!(
                "topic `{topic}` is not declared in the manifest"
            )));
        }
        let params: Value = serde_json::from_str(params)
            .map_err(|error| NotifyError::Malformed(error.to_string()))?;
        if !(params.is_object() || params.is_array()) {
            return Err(NotifyError::Malformed(
                "the payload is no JSON object or array".to_owned(),
            ));
        }
        self.sent.borrow_mut().push(Sent {
            topic: topic.to_owned(),
            params,
        });
        Ok(())
    }

    fn message(&self, call: u64, level: LogLevel, message: &str) {
        let text = message.to_owned();
        self.word(call, Word::Message { level, text });
    }

    fn progress(&self, call: u64, num: u32, total: u32, stage: Option<(u32, u32)>) {
        self.word(call, Word::Progress { num, total, stage });
    }

    fn sleep(&self, duration: Duration) -> LocalBoxFuture<'static, Result<(), TimerError>> {
        if !self.requests.borrow().iter().any(|grant| grant == "timer") {
            let why = "the guest does not ask for it: `.request(\"timer\", \"what for\")`";
            return ready(Err(TimerError::Denied(why.to_owned()))).boxed_local();
        }
        let (sender, receiver) = oneshot::channel();
        let number = self.next_timer.get();
        self.next_timer.set(number + 1);
        let at = self.clock.get().saturating_add(duration);
        self.timers.borrow_mut().insert((at, number), sender);
        receiver.map(|_| Ok(())).boxed_local()
    }

    fn elapsed(&self) -> Duration {
        self.clock.get()
    }

    fn http(
        &self,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<HttpResponse, HttpError>> {
        ready(self.http_answer(request)).boxed_local()
    }

    fn now(&self) -> SystemTime {
        self.now.get()
    }

    fn kv_get(&self, key: String) -> Kept<Option<Vec<u8>>> {
        self.keep(|store| store.get(&key))
    }

    fn kv_set(&self, key: String, value: Vec<u8>) -> Kept<()> {
        self.keep(|store| store.set(key, Some(value)).map(drop))
    }

    fn kv_delete(&self, key: String) -> Kept<bool> {
        self.keep(|store| store.set(key, None))
    }

    fn kv_list(
        &self,
        prefix: String,
        after: Option<String>,
        limit: u32,
        with_values: bool,
    ) -> Kept<KvPage> {
        self.keep(|store| store.list(&prefix, after.as_deref(), limit, with_values))
    }

    fn kv_swap(
        &self,
        key: String,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> Kept<KvSwap> {
        self.keep(|store| store.swap(key, expected, new))
    }
}

impl Node {
    fn keep<T: 'static>(&self, work: impl FnOnce(&TestStore) -> Result<T, KvError>) -> Kept<T> {
        let done = match self.begun.get() {
            true => work(&self.store.borrow()),
            false => Err(KvError::Unavailable(
                "the store opens with init, or with the first db_write".to_owned(),
            )),
        };
        // Not at once, as in the bridge: others run meanwhile.
        async move {
            yield_once().await;
            done
        }
        .boxed_local()
    }

    fn answer(
        &self,
        cause: u64,
        method: &str,
        params: &str,
        filter: Option<&str>,
    ) -> Result<String, CallError> {
        let malformed = |what: &str| CallError::Malformed(what.to_owned());
        let params: Value =
            serde_json::from_str(params).map_err(|_| malformed("params are no JSON"))?;
        if !(params.is_object() || params.is_array()) {
            return Err(malformed("params are no JSON object or array"));
        }
        let filter_value: Option<Value> = filter
            .map(serde_json::from_str)
            .transpose()
            .map_err(|_| malformed("the filter is no JSON"))?;
        if filter_value
            .as_ref()
            .is_some_and(|filter| !filter.is_object())
        {
            return Err(malformed("the filter is no JSON object"));
        }
        self.calls.borrow_mut().push(RpcCall {
            cause,
            method: method.to_owned(),
            params: params.clone(),
            filter: filter_value,
        });
        if !self
            .requests
            .borrow()
            .iter()
            .any(|grant| asks_for(grant, method))
        {
            return Err(CallError::Denied(format!(
                "the guest does not ask for it: `.request(\"rpc: method={method}\", \"what for\")`"
            )));
        }
        // Taken out while it runs, so that it may look at the harness.
        let Some(mut answer) = self.answers.borrow_mut().remove(method) else {
            return Err(CallError::Rpc(RpcError::new(
                RpcError::METHOD_NOT_FOUND,
                format!("Unknown command '{method}'"),
            )));
        };
        let result = answer(&params);
        self.answers
            .borrow_mut()
            .entry(method.to_owned())
            .or_insert(answer);
        let text = result?.to_string();
        match filter {
            Some(filter) => read_filter(filter)
                .and_then(|filter| filtered(&filter, &text))
                .map_err(CallError::Rpc),
            None => Ok(text),
        }
    }
}

/// A result filter, as lightningd and the bridge read it.
pub(super) fn read_filter(text: &str) -> Result<Filter, RpcError> {
    Filter::parse(text).map_err(|e| RpcError::invalid_params(e.to_string()))
}

/// What it leaves of a result, which is JSON.
pub(super) fn filtered(filter: &Filter, result: &str) -> Result<String, RpcError> {
    let left = filter.apply(result);
    left.map_err(RpcError::internal)
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl Node {
    fn http_answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let scheme = request.url.split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("https" | "http")) {
            return Err(HttpError::Malformed(
                "only https:// and http:// URLs can be asked for".to_owned(),
            ));
        }
        self.http_requests.borrow_mut().push(request.clone());
        // The longest of those that fit. Taken out while it runs, so that it may look at
        // the harness.
        let mut answers = self.http_answers.borrow_mut();
        let key = answers
            .keys()
            .filter(|start| request.url.starts_with(start.as_str()))
            .max_by_key(|start| start.len())
            .cloned();
        let found = key.and_then(|key| answers.remove_entry(&key));
        drop(answers);
        let Some((key, mut answer)) = found else {
            return Err(HttpError::Unavailable(format!(
                "nobody answers {} {} in this test",
                request.method, request.url
            )));
        };
        let result = answer(&request);
        self.http_answers.borrow_mut().entry(key).or_insert(answer);
        result
    }
}

/// Whether a request may be about this method. What it says of parameters is the
/// bridge's to judge.
fn asks_for(grant: &str, method: &str) -> bool {
    let Some(restrictions) = grant.strip_prefix("rpc:") else {
        return false;
    };
    restrictions.trim() == method
        || restrictions.split('&').all(|restriction| {
            restriction.split('|').any(|alternative| {
                match alternative.trim().strip_prefix("method") {
                    Some(of_method) if of_method.starts_with('=') => of_method[1..] == *method,
                    Some(of_method) if of_method.starts_with('^') => {
                        method.starts_with(&of_method[1..])
                    }
                    Some(_) => true,
                    None => {
                        alternative.contains(['=', '/', '^', '$', '~', '<', '>', '!', '{', '}'])
                    }
                }
            })
        })
}

/// Nothing kept alive by accident: what the guest holds of the node is this.
pub(super) fn border(node: &Rc<Node>) -> Rc<Outside> {
    Rc::clone(node) as Rc<Outside>
}
