//! Runs a guest natively in a test, with the harness in the place of the node.
//!
//! One thread, no real time, no I/O: a test is deterministic. What the bridge
//! enforces and a test could miss is enforced here too: the declaration of topics,
//! and the requests for timers and RPC methods. Grants are not: in a test everything
//! that is asked for is granted unless [`Harness::on_rpc`] answers with [`CallError::Denied`],
//! or [`Harness::on_http`] with [`HttpError::Denied`].
//!
//! ```
//! use cln_guest::harness::Harness;
//! use cln_guest::prelude::*;
//!
//! # fn guest() -> Guest<()> {
//! #     async fn hello(_: Cx<()>, names: Vec<String>) -> Result<Value, RpcError> {
//! #         Ok(json!({"hello": names}))
//! #     }
//! #     Guest::with_state(()).method(Method::new("hello", "name", "Greets"), hello)
//! # }
//! let mut harness = Harness::new(guest());
//! harness.init().unwrap();
//! let reply = harness.call("hello", json!(["Ada"])).unwrap();
//! assert_eq!(reply, json!({"hello": ["Ada"]}));
//! ```

mod imports;
mod node;
mod open;
mod store;

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use cln_protocol::hook::Hook;
use futures::channel::oneshot;
use futures::executor::LocalPool;
use futures::future::{FutureExt, LocalBoxFuture, Shared};
use futures::task::LocalSpawnExt;
use serde_json::{Value, json};

pub use node::{LogLine, RpcCall, Sent, Word};
pub use open::Open;
pub use store::TestStore;

use crate::border;
use crate::error::{CallError, HttpError, RpcError};
use crate::guest::Guest;
use crate::http::{HttpRequest, HttpResponse};
use crate::instance::{Exports, Instance};
pub(crate) use imports::Border;
use node::Node;

/// What `init` has led to: `Err` is why the guest disabled itself.
type Initialised = Result<(), String>;
type Stateful = Rc<dyn Fn() -> Option<Rc<dyn Any>>>;

/// One guest under test.
///
/// Methods that deliver something panic, as an assertion would, when the guest
/// has not answered and nothing will happen any more; use the `start_` methods for
/// what is answered later.
pub struct Harness {
    guest: Rc<dyn Exports>,
    state: Stateful,
    node: Rc<Node>,
    pool: Rc<RefCell<LocalPool>>,
    /// Taken when `init` is done.
    init_done: Option<oneshot::Sender<Initialised>>,
    initialised: Shared<oneshot::Receiver<Initialised>>,
    options: BTreeMap<String, Value>,
    configuration: Value,
    withheld: Value,
    last_call: u64,
}

impl Harness {
    /// The guest, before `getmanifest`.
    pub fn new<S: 'static>(guest: Guest<S>) -> Self {
        let node = Rc::new(Node::new());
        let level = guest.log_level;
        let instance = Rc::new(Instance::new(guest, node::border(&node)));
        border::install_logger(level);
        let stateful = Rc::clone(&instance);
        let (init_done, initialised) = oneshot::channel();
        let mut harness = Harness {
            guest: instance,
            state: Rc::new(move || stateful.state().map(|state| state as Rc<dyn Any>)),
            node,
            pool: Rc::default(),
            init_done: Some(init_done),
            initialised: initialised.shared(),
            options: BTreeMap::new(),
            configuration: json!({
                "lightning-dir": "/lightning/regtest",
                "rpc-file": "lightning-rpc",
                "startup": true,
                "network": "regtest",
                "feature_set": {}
            }),
            withheld: json!({}),
            last_call: 0,
        };
        let manifest = harness.getmanifest();
        let requests = manifest["capabilities"].as_array().into_iter().flatten();
        *harness.node.requests.borrow_mut() = requests
            .filter_map(|request| {
                request["grant"]
                    .as_str()
                    .map(|grant| grant.trim().to_owned())
            })
            .collect();
        let topics = manifest["notifications"].as_array().into_iter().flatten();
        *harness.node.topics.borrow_mut() = topics
            .filter_map(|topic| topic["method"].as_str().map(str::to_owned))
            .collect();
        harness
    }

    /// The value that the operator gives an option, for `init`.
    ///
    /// # Panics
    ///
    /// When the guest has no such option.
    pub fn option(mut self, name: &str, value: Value) -> Self {
        let manifest = self.getmanifest();
        let known = manifest["options"].as_array().into_iter().flatten();
        assert!(
            known.into_iter().any(|option| option["name"] == name),
            "the guest has no option `{name}`"
        );
        self.options.insert(name.to_owned(), value);
        self
    }

    /// A member of `configuration` of `init`, such as `network`.
    pub fn configuration(mut self, name: &str, value: Value) -> Self {
        self.configuration[name] = value;
        self
    }

    /// `init` tells the guest that it is not shown these secrets of a hook. The payloads
    /// of the test should come without.
    pub fn withhold_from_hook<H: Hook>(mut self, secrets: &[&str]) -> Self {
        self.withheld["hooks"][H::NAME] = json!(secrets);
        self
    }

    /// The same for a topic.
    pub fn withhold_from_topic(mut self, topic: &str, secrets: &[&str]) -> Self {
        self.withheld["subscriptions"][topic] = json!(secrets);
        self
    }

    /// Answers the guest's calls of an RPC method from now on. What nobody answers
    /// fails as an unknown command does.
    pub fn on_rpc(
        &mut self,
        method: &str,
        answer: impl FnMut(&Value) -> Result<Value, CallError> + 'static,
    ) {
        let answer = Box::new(answer);
        self.node
            .answers
            .borrow_mut()
            .insert(method.to_owned(), answer);
    }

    /// Answers the guest's HTTP requests whose URL begins with `url` from now on; of
    /// several, the longest counts. What nobody answers cannot be reached.
    pub fn on_http(
        &mut self,
        url: &str,
        answer: impl FnMut(&HttpRequest) -> Result<HttpResponse, HttpError> + 'static,
    ) {
        let answer = Box::new(answer);
        self.node
            .http_answers
            .borrow_mut()
            .insert(url.to_owned(), answer);
    }

    /// The manifest.
    pub fn getmanifest(&mut self) -> Value {
        border::enter(&node::border(&self.node));
        let text = self.guest.getmanifest(r#"{"allow-deprecated-apis":false}"#);
        serde_json::from_str(&text).expect("a manifest is JSON")
    }

    /// `init`, with the options' defaults as lightningd fills them in. The
    /// background tasks begin, and what came before `init` is served. `Err` is the guest's
    /// reason for disabling itself.
    pub fn init(&mut self) -> Result<(), String> {
        let initialised = self.initialise();
        if let Some(done) = self.init_done.take() {
            // The receiver is in the harness.
            let _ = done.send(initialised.clone());
        }
        self.settle();
        initialised
    }

    fn initialise(&mut self) -> Initialised {
        let manifest = self.getmanifest();
        if let Some(reason) = manifest["disable"].as_str() {
            return Err(reason.to_owned());
        }
        let mut options = serde_json::Map::new();
        for option in manifest["options"].as_array().into_iter().flatten() {
            let name = option["name"].as_str().unwrap_or_default();
            let given = self.options.get(name);
            if let Some(value) = given.or(option.get("default")) {
                options.insert(name.to_owned(), value.clone());
            }
        }
        let init = json!({"options": options, "configuration": self.configuration, "withheld": self.withheld});
        self.node.begun.set(true);
        let call = self.next_call();
        let first = self.guest.init(&init.to_string());
        self.open("init".to_owned(), call, first).finish()?;
        let run = Rc::clone(&self.guest).run();
        self.spawn(run);
        Ok(())
    }

    /// The bridge lets nothing in before `init` is done, and keeps what comes.
    fn when_initialised<T: 'static, E: 'static>(
        &self,
        refused: fn(String) -> E,
        ask: impl FnOnce(&dyn Exports) -> LocalBoxFuture<'static, Result<T, E>> + 'static,
    ) -> LocalBoxFuture<'static, Result<T, E>> {
        let (guest, initialised) = (Rc::clone(&self.guest), self.initialised.clone());
        async move {
            match initialised.await {
                Ok(Ok(())) => ask(&*guest).await,
                Ok(Err(why)) => Err(refused(format!("it disabled itself: {why}"))),
                Err(_) => Err(refused("the harness was dropped before init".to_owned())),
            }
        }
        .boxed_local()
    }

    /// For whoever waits for it in vain.
    fn named(&self, what: String) -> String {
        match self.init_done {
            Some(_) => format!("{what}, which came before init,"),
            None => what,
        }
    }

    /// What the guest keeps. It has nothing until the guest or the test puts something there.
    pub fn store(&self) -> TestStore {
        self.node.store.borrow().clone()
    }

    /// Gives the guest this store: after that of another harness it is the same guest after a restart.
    pub fn with_store(self, store: TestStore) -> Self {
        *self.node.store.borrow_mut() = store;
        self
    }

    /// The guest's state, once there is one of this type.
    pub fn state<S: 'static>(&self) -> Option<Rc<S>> {
        (self.state)()?.downcast().ok()
    }

    /// Calls a method with parameters: an array or an object. Before `init` is done it has no
    /// answer, see [`start_call`](Harness::start_call).
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.start_call(method, params).finish()
    }

    /// Calls a method with a result filter.
    pub fn call_filtered(
        &mut self,
        method: &str,
        params: Value,
        filter: Value,
    ) -> Result<Value, RpcError> {
        self.open_method(method, params, Some(filter.to_string()))
            .finish()
    }

    /// Calls a method that is answered later: one that waits for something, or any
    /// before `init`.
    pub fn start_call(&mut self, method: &str, params: Value) -> Open<Result<Value, RpcError>> {
        self.open_method(method, params, None)
    }

    fn open_method(
        &mut self,
        method: &str,
        params: Value,
        filter: Option<String>,
    ) -> Open<Result<Value, RpcError>> {
        let call = self.next_call();
        let (asked, params) = (method.to_owned(), params.to_string());
        let answer = self.when_initialised(RpcError::internal, move |guest| {
            guest.method(call, &asked, &params, false)
        });
        let what = self.named(format!("method `{method}`"));
        self.open(what, call, async move {
            let filter = filter.as_deref().map(node::read_filter).transpose()?;
            let result = answer.await?;
            match filter {
                Some(filter) => Ok(value(&node::filtered(&filter, &result)?)),
                None => Ok(value(&result)),
            }
        })
    }

    /// `check`: would the method take these parameters?
    pub fn check(&mut self, method: &str, params: Value) -> Result<(), RpcError> {
        let call = self.next_call();
        let answer = self.guest.check(call, method, &params.to_string());
        self.open(format!("check of `{method}`"), call, answer)
            .finish()
    }

    /// `setconfig` of an option; a flag has no value.
    pub fn setconfig(
        &mut self,
        option: &str,
        value: impl Into<Option<Value>>,
    ) -> Result<(), RpcError> {
        self.change(option, value.into(), false)
    }

    /// `check` of a `setconfig`.
    pub fn check_setconfig(
        &mut self,
        option: &str,
        value: impl Into<Option<Value>>,
    ) -> Result<(), RpcError> {
        self.change(option, value.into(), true)
    }

    fn change(&mut self, option: &str, value: Option<Value>, check: bool) -> Result<(), RpcError> {
        let call = self.next_call();
        let value = value.map(|value| value.to_string());
        let done = self.guest.setconfig(call, option, value.as_deref(), check);
        self.settle();
        done
    }

    /// Calls a hook with a payload. `Err` is what the guest said why it has no
    /// answer: the bridge would answer with its fallback. Before `init` is done only `db_write`
    /// has an answer, see [`start_hook`](Harness::start_hook).
    pub fn hook<H: Hook>(&mut self, payload: Value) -> Result<Value, String> {
        self.start_hook::<H>(payload).finish()
    }

    /// Calls a hook that is answered later: one that waits for something, or any but
    /// `db_write` before `init`.
    pub fn start_hook<H: Hook>(&mut self, payload: Value) -> Open<Result<Value, String>> {
        self.start_raw_hook(H::NAME, &payload.to_string())
    }

    /// Calls a hook by its name, with JSON text.
    pub fn start_raw_hook(&mut self, hook: &str, payload: &str) -> Open<Result<Value, String>> {
        let call = self.next_call();
        let (answer, what) = if hook == "db_write" {
            self.node.begun.set(true);
            let answer = self.guest.hook(call, hook, payload);
            (answer, format!("hook `{hook}`"))
        } else {
            let (asked, payload) = (hook.to_owned(), payload.to_owned());
            let answer = self.when_initialised(std::convert::identity, move |guest| {
                guest.hook(call, &asked, &payload)
            });
            (answer, self.named(format!("hook `{hook}`")))
        };
        self.open(what, call, async move { Ok(value(&answer.await?)) })
    }

    /// One of lightningd's own notifications: the payload alone, without the
    /// member named after the topic around it. Returns when nothing more happens.
    pub fn notify(&mut self, topic: &str, payload: Value) {
        self.notify_from(None, topic, json!({ topic: payload }));
    }

    /// A notification as it comes: `params` and the plugin that sent it.
    pub fn notify_from(&mut self, origin: Option<&str>, topic: &str, params: Value) {
        let guest = Rc::clone(&self.guest);
        let origin = origin.map(str::to_owned);
        let only = crate::subscription::Delivery {
            topic: topic.to_owned(),
            params: params.to_string(),
            origin,
        };
        let handled = guest.notifications(only, |_| false);
        self.spawn(handled);
        self.settle();
    }

    /// Lets time pass: those who sleep wake up in their order.
    pub fn advance(&mut self, duration: Duration) {
        self.settle();
        let end = self.node.clock.get() + duration;
        while self.node.ring_next(end) {
            self.settle();
        }
    }

    /// What time it is for the guest. It begins at 2026-01-01T00:00:00Z.
    pub fn set_time(&mut self, now: SystemTime) {
        self.node.now.set(now);
    }

    /// The log since the last time this was asked.
    pub fn log_lines(&mut self) -> Vec<LogLine> {
        self.node.log.take()
    }

    /// The notifications sent since the last time this was asked.
    pub fn notifications(&mut self) -> Vec<Sent> {
        self.node.sent.take()
    }

    /// The calls to lightningd since the last time this was asked.
    pub fn rpc_calls(&mut self) -> Vec<RpcCall> {
        self.node.calls.take()
    }

    /// The HTTP requests since the last time this was asked.
    pub fn http_requests(&mut self) -> Vec<HttpRequest> {
        self.node.http_requests.take()
    }

    /// What callers of methods were told since the last time this was asked.
    pub fn words(&mut self) -> Vec<Word> {
        self.node
            .words
            .take()
            .into_iter()
            .map(|(_, word)| word)
            .collect()
    }

    fn next_call(&mut self) -> u64 {
        border::enter(&node::border(&self.node));
        self.last_call += 1;
        self.node.open_calls.borrow_mut().push(self.last_call);
        self.last_call
    }

    fn spawn(&mut self, task: impl Future<Output = ()> + 'static) {
        let spawner = self.pool.borrow().spawner();
        spawner
            .spawn_local(task)
            .expect("the pool lives as long as the harness");
    }

    fn settle(&mut self) {
        border::enter(&node::border(&self.node));
        self.pool.borrow_mut().run_until_stalled();
    }

    fn open<T: 'static>(
        &mut self,
        what: String,
        call: u64,
        answer: impl Future<Output = T> + 'static,
    ) -> Open<T> {
        let slot = Rc::new(RefCell::new(None));
        let node = Rc::clone(&self.node);
        let filled = Rc::clone(&slot);
        self.spawn(async move {
            let answer = answer.await;
            node.open_calls.borrow_mut().retain(|open| *open != call);
            *filled.borrow_mut() = Some(answer);
        });
        self.settle();
        Open {
            what,
            slot,
            node: Rc::clone(&self.node),
            pool: Rc::clone(&self.pool),
        }
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("what the SDK serialised is JSON")
}
