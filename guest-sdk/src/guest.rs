//! The builder: what a guest is, in one expression.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use cln_protocol::hook::Hook;
use cln_protocol::topics::Topic;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cx::Cx;
use crate::hook::{self, HookHandler, HookOptions};
use crate::init::Init;
use crate::method::{self, Method, MethodHandler};
use crate::option::{Declaration, Readable};
use crate::subscription::{self, Notification, NotificationHandler};

type MakeState<S> = Box<dyn FnOnce(&Init) -> Result<S, String>>;
type OnSetconfig<S> = Box<dyn Fn(Cx<S>, Option<&Value>) -> Result<(), String>>;
type Validate = Box<dyn Fn(Option<&Value>) -> Result<(), String>>;
type OnInit<S> = Box<dyn FnOnce(Cx<S>) -> LocalBoxFuture<'static, Result<(), String>>>;
type Background<S> = Box<dyn FnOnce(Cx<S>) -> LocalBoxFuture<'static, ()>>;

/// When a guest's state comes to be.
pub(crate) enum Start<S> {
    AtInit(RefCell<Option<MakeState<S>>>),
    Given(Rc<S>),
}

/// One option and who has a say about its value.
pub(crate) struct OptionEntry<S> {
    pub declaration: Declaration,
    /// The type first, then the author's own checks.
    pub validate: Vec<Validate>,
    pub on_setconfig: Option<OnSetconfig<S>>,
}

/// A capability that the guest asks for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub grant: String,
    pub reason: String,
}

/// Where feature bits are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FeaturePlace {
    /// In `init` messages to peers.
    Init,
    /// In the node's own announcement.
    Node,
    /// In channel announcements.
    Channel,
    /// In BOLT 11 invoices.
    Invoice,
    /// In BOLT 12 offers.
    Bolt12Offer,
    /// In BOLT 12 invoice requests.
    Bolt12Invreq,
    /// In BOLT 12 invoices.
    Bolt12Invoice,
    /// In channel types.
    ChannelType,
}

/// A guest: its options, methods, subscriptions and hooks, each with what handles it.
///
/// See the [crate's documentation](crate) for a whole one.
pub struct Guest<S> {
    pub(crate) start: Start<S>,
    pub(crate) dynamic: bool,
    pub(crate) disabled: Option<String>,
    /// The first thing that is wrong with the guest itself.
    pub(crate) fault: Option<String>,
    pub(crate) options: Vec<OptionEntry<S>>,
    pub(crate) methods: Vec<method::Entry<S>>,
    pub(crate) subscriptions: Vec<subscription::Entry<S>>,
    pub(crate) hooks: Vec<hook::Entry<S>>,
    pub(crate) notifications: Vec<String>,
    pub(crate) requests: Vec<Request>,
    pub(crate) features: BTreeMap<FeaturePlace, Vec<u16>>,
    pub(crate) messages: Vec<u16>,
    pub(crate) on_init: RefCell<Option<OnInit<S>>>,
    pub(crate) background: RefCell<Vec<Background<S>>>,
    pub(crate) log_level: log::LevelFilter,
}

impl<S> fmt::Debug for Guest<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field(
                "methods",
                &self
                    .methods
                    .iter()
                    .map(|m| &m.method.name)
                    .collect::<Vec<_>>(),
            )
            .field(
                "hooks",
                &self.hooks.iter().map(|hook| hook.name).collect::<Vec<_>>(),
            )
            .finish_non_exhaustive()
    }
}

impl<S: 'static> Guest<S> {
    fn starting(start: Start<S>) -> Self {
        Guest {
            start,
            dynamic: false,
            disabled: None,
            fault: None,
            options: Vec::new(),
            methods: Vec::new(),
            subscriptions: Vec::new(),
            hooks: Vec::new(),
            notifications: Vec::new(),
            requests: Vec::new(),
            features: BTreeMap::new(),
            messages: Vec::new(),
            on_init: RefCell::new(None),
            background: RefCell::new(Vec::new()),
            log_level: log::LevelFilter::Debug,
        }
    }

    /// A guest whose state is made at `init`, when the options have their
    /// values. `Err` is the reason why the guest disables itself.
    ///
    /// lightningd calls hooks from the manifest on, before `init` too. A hook that
    /// comes that early gets the bridge's fallback.
    pub fn new(state: impl FnOnce(&Init) -> Result<S, String> + 'static) -> Self {
        Guest::starting(Start::AtInit(RefCell::new(Some(Box::new(state)))))
    }

    /// A guest that has its state from the beginning: for hooks that come before
    /// `init`, such as `db_write`.
    pub fn with_state(state: S) -> Self {
        Guest::starting(Start::Given(Rc::new(state)))
    }

    /// The operator may start and stop it while the node runs.
    pub fn dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// The guest is not to be used, for this reason.
    pub fn disable(mut self, reason: impl Into<String>) -> Self {
        self.disabled = Some(reason.into());
        self
    }

    /// An option.
    pub fn option<O: Readable>(mut self, option: &O) -> Self {
        self.option_entry(option);
        self
    }

    /// An option whose value the guest checks, wherever it comes from: at `init`
    /// (where `Err` disables the guest), at `check` and at `setconfig`.
    pub fn validate<O: Readable>(
        mut self,
        option: &O,
        check: impl Fn(&O::Output) -> Result<(), String> + 'static,
    ) -> Self {
        let option = *option;
        self.option_entry(&option)
            .validate
            .push(Box::new(move |value| check(&option.read(value)?)));
        self
    }

    /// A dynamic option, and what to do when the operator changes it. The new value
    /// is in place while the function runs, and taken back when it returns an error.
    /// It does not run for a mere `check`; see [`validate`](Guest::validate).
    pub fn on_setconfig<O: Readable>(
        mut self,
        option: &O,
        change: impl Fn(Cx<S>, O::Output) -> Result<(), String> + 'static,
    ) -> Self {
        let option = *option;
        let entry = self.option_entry(&option);
        entry.declaration.dynamic = true;
        entry.on_setconfig = Some(Box::new(move |cx, value| change(cx, option.read(value)?)));
        self
    }

    fn option_entry<O: Readable>(&mut self, option: &O) -> &mut OptionEntry<S> {
        let declaration = option.declaration();
        let known = self
            .options
            .iter()
            .position(|entry| entry.declaration.name == declaration.name);
        let at = known.unwrap_or_else(|| {
            let option = *option;
            self.options.push(OptionEntry {
                declaration: declaration.clone(),
                validate: vec![Box::new(move |value| {
                    option.read(value).map(drop).map_err(str::to_owned)
                })],
                on_setconfig: None,
            });
            self.options.len() - 1
        });
        if self.options[at].declaration.kind != declaration.kind {
            self.fault(format!("option `{}` is declared twice", declaration.name));
        }
        &mut self.options[at]
    }

    /// An RPC method. `check` succeeds where the parameters can be read.
    pub fn method<P: DeserializeOwned + 'static>(
        self,
        method: Method,
        handler: impl MethodHandler<S, P>,
    ) -> Self {
        self.method_entry(method::Entry::new(method, handler))
    }

    /// An RPC method with a check of its own, for `lightning-cli check`: a handler
    /// with the same parameters, which must do nothing but look.
    pub fn checked_method<P: DeserializeOwned + 'static>(
        self,
        method: Method,
        check: impl MethodHandler<S, P>,
        handler: impl MethodHandler<S, P>,
    ) -> Self {
        self.method_entry(method::Entry::checked(method, check, handler))
    }

    fn method_entry(mut self, entry: method::Entry<S>) -> Self {
        let name = &entry.method.name;
        if self.methods.iter().any(|known| known.method.name == *name) {
            self.fault(format!("method `{name}` is registered twice"));
        }
        self.methods.push(entry);
        self
    }

    /// A topic whose payload has a type. Notifications come one at a time and
    /// in order: the next one waits until the handler of the one before is done.
    pub fn subscribe<T: Topic>(mut self, handler: impl NotificationHandler<S, T::Payload>) -> Self {
        self.subscriptions
            .push(subscription::Entry::typed::<T>(handler));
        self
    }

    /// Any topic, by name: one of another plugin's, or one whose type is not known here.
    pub fn subscribe_topic(
        mut self,
        topic: &str,
        handler: impl NotificationHandler<S, Notification>,
    ) -> Self {
        self.subscriptions
            .push(subscription::Entry::raw(Some(topic.to_owned()), handler));
        self
    }

    /// All topics but `log`. Handlers of single topics are called too.
    pub fn subscribe_all(mut self, handler: impl NotificationHandler<S, Notification>) -> Self {
        self.subscriptions
            .push(subscription::Entry::raw(None, handler));
        self
    }

    /// Declares a topic of its own, for [`Cx::notify`].
    pub fn notification(mut self, topic: &str) -> Self {
        self.notifications.push(topic.to_owned());
        self
    }

    /// A hook.
    pub fn hook<H: Hook>(self, handler: impl HookHandler<S, H>) -> Self {
        self.hook_with::<H>(HookOptions::new(), handler)
    }

    /// A hook, with a wish for its place or for what it is called for.
    pub fn hook_with<H: Hook>(
        mut self,
        options: HookOptions,
        handler: impl HookHandler<S, H>,
    ) -> Self {
        if self.hooks.iter().any(|known| known.name == H::NAME) {
            self.fault(format!("hook `{}` is registered twice", H::NAME));
        }
        self.hooks.push(hook::Entry::new::<H>(options, handler));
        self
    }

    /// Asks the operator for a capability, such as `rpc: method=listpeers`, and
    /// says what for. Without a grant a guest can compute, log and read its options.
    pub fn request(mut self, grant: &str, reason: &str) -> Self {
        self.requests.push(Request {
            grant: grant.to_owned(),
            reason: reason.to_owned(),
        });
        self
    }

    /// Announces feature bits. Not for a dynamic guest.
    pub fn feature_bits(
        mut self,
        place: FeaturePlace,
        bits: impl IntoIterator<Item = u16>,
    ) -> Self {
        self.features.entry(place).or_default().extend(bits);
        self
    }

    /// Types of custom messages that it understands; peers that send even types
    /// which nobody has declared are warned.
    pub fn custom_messages(mut self, types: impl IntoIterator<Item = u16>) -> Self {
        self.messages.extend(types);
        self
    }

    /// Runs as part of `init`, when the state is there and before anything else comes in:
    /// the place to read what is [kept](crate::Kv). An error is the guest's reason
    /// for disabling itself. The bridge waits for it as long as `init` may take.
    pub fn on_init<F, Fut>(self, run: F) -> Self
    where
        F: FnOnce(Cx<S>) -> Fut + 'static,
        Fut: Future<Output = Result<(), String>> + 'static,
    {
        let run: OnInit<S> = Box::new(move |cx| run(cx).boxed_local());
        self.on_init.replace(Some(run));
        self
    }

    /// Runs in the background from a successful `init` on.
    pub fn background<F, Fut>(self, run: F) -> Self
    where
        F: FnOnce(Cx<S>) -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        self.background
            .borrow_mut()
            .push(Box::new(move |cx| run(cx).boxed_local()));
        self
    }

    /// Runs each time `period` has passed, from a successful `init` on.
    pub fn every<F, Fut>(self, period: Duration, run: F) -> Self
    where
        F: FnMut(Cx<S>) -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        self.background(move |cx| async move { cx.every(period, run) })
    }

    /// Log lines below this level are not written. `Debug` unless said otherwise.
    pub fn log_level(mut self, level: log::LevelFilter) -> Self {
        self.log_level = level;
        self
    }

    fn fault(&mut self, reason: String) {
        self.fault.get_or_insert(reason);
    }
}
