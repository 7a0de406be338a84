//! The builder: what a guest is, in one expression.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use cln_protocol::hook::Hook;
use cln_protocol::manifest::{CapabilityRequest, Manifest, OptionSpec};
use cln_protocol::topics::Topic;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use crate::cx::Cx;
use crate::feature_bits::FeaturePlace;
use crate::hook::{self, HookHandler, HookOptions};
use crate::init::Init;
use crate::method::{self, Method, MethodHandler};
use crate::option::Readable;
use crate::subscription::{self, Notification, NotificationHandler};

type MakeState<S> = Box<dyn FnOnce(&Init) -> Result<S, String>>;
type OnSetconfig<S> = Box<dyn Fn(Cx<S>, Option<&str>) -> Result<(), String>>;
type Validate = Box<dyn Fn(Option<&str>) -> Result<(), String>>;
type OnInit<S> = Box<dyn FnOnce(Cx<S>) -> LocalBoxFuture<'static, Result<(), String>>>;
type Background<S> = Box<dyn FnOnce(Cx<S>) -> LocalBoxFuture<'static, ()>>;

/// When a guest's state comes to be.
pub(crate) enum Start<S> {
    AtInit(RefCell<Option<MakeState<S>>>),
    Given(Rc<S>),
}

/// Who has a say about the value of one option.
pub(crate) struct OptionEntry<S> {
    /// The type first, then the author's own checks.
    pub validate: Vec<Validate>,
    pub on_setconfig: Option<OnSetconfig<S>>,
}

/// A guest: its options, methods, subscriptions and hooks, each with what handles it.
///
/// See the [crate's documentation](crate) for a whole one.
pub struct Guest<S> {
    pub(crate) start: Start<S>,
    /// What it says of itself: what stands here in a list, stands at the same place in the list below.
    pub(crate) manifest: Manifest,
    /// Whether `disable` says what is wrong with the guest itself.
    faulty: bool,
    options: Vec<OptionEntry<S>>,
    pub(crate) methods: Vec<method::Entry<S>>,
    pub(crate) subscriptions: Vec<subscription::Entry<S>>,
    pub(crate) hooks: Vec<hook::Entry<S>>,
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
                    .manifest
                    .rpcmethods
                    .iter()
                    .map(|method| &method.name)
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
            manifest: Manifest {
                nonnumericids: Some(true),
                cancheck: true,
                ..Manifest::default()
            },
            faulty: false,
            options: Vec::new(),
            methods: Vec::new(),
            subscriptions: Vec::new(),
            hooks: Vec::new(),
            on_init: RefCell::new(None),
            background: RefCell::new(Vec::new()),
            log_level: log::LevelFilter::Debug,
        }
    }

    /// A guest whose state is made at `init`, when the options have their
    /// values. `Err` is the reason why the guest disables itself.
    ///
    /// lightningd calls hooks from the manifest on, before `init` too. The bridge keeps
    /// what comes that early until `init` is done, as long as its deadline allows; what a guest's own
    /// call to lightningd led to is not kept and gets the fallback. `db_write` alone goes in
    /// at once: a guest without state cannot answer it, and the bridge answers with its fallback.
    pub fn new(state: impl FnOnce(&Init) -> Result<S, String> + 'static) -> Self {
        Guest::starting(Start::AtInit(RefCell::new(Some(Box::new(state)))))
    }

    /// A guest that has its state from the beginning: for `db_write`, the one hook that
    /// does not wait for `init`. Options have no values before `init`: they read as their defaults.
    pub fn with_state(state: S) -> Self {
        Guest::starting(Start::Given(Rc::new(state)))
    }

    /// The operator may start and stop it while the node runs.
    pub fn dynamic(mut self) -> Self {
        self.manifest.dynamic = true;
        self
    }

    /// The guest is not to be used, for this reason.
    pub fn disable(mut self, reason: impl Into<String>) -> Self {
        if !self.faulty {
            self.manifest.disable = Some(reason.into());
        }
        self
    }

    /// An option.
    pub fn option<O: Readable>(mut self, option: &O) -> Self {
        self.option_at(option);
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
        let at = self.option_at(&option);
        self.options[at]
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
        let at = self.option_at(&option);
        self.manifest.options[at].dynamic = true;
        self.options[at].on_setconfig =
            Some(Box::new(move |cx, value| change(cx, option.read(value)?)));
        self
    }

    /// Each option with who has a say about its value.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&OptionSpec, &OptionEntry<S>)> {
        self.manifest.options.iter().zip(&self.options)
    }

    fn option_at<O: Readable>(&mut self, option: &O) -> usize {
        let mut spec = option.declaration();
        if let Some(at) = self.known_option(&mut spec) {
            return at;
        }
        let option = *option;
        self.manifest.options.push(spec);
        self.options.push(OptionEntry {
            validate: vec![Box::new(move |value| {
                option.read(value).map(drop).map_err(str::to_owned)
            })],
            on_setconfig: None,
        });
        self.options.len() - 1
    }

    /// Where an option of this name is, if there is one. It must be declared alike each time.
    fn known_option(&mut self, spec: &mut OptionSpec) -> Option<usize> {
        let mut options = self.manifest.options.iter_mut().enumerate();
        let (at, known) = options.find(|(_, known)| known.name == spec.name)?;
        // Not part of it: `on_setconfig` makes it dynamic, whatever its const says.
        known.dynamic |= spec.dynamic;
        spec.dynamic = known.dynamic;
        if known != spec {
            self.fault(format!("option `{}` is declared in two ways", spec.name));
        }
        Some(at)
    }

    /// An RPC method. `check` succeeds where the parameters can be read.
    pub fn method<P: DeserializeOwned + 'static>(
        self,
        method: Method,
        handler: impl MethodHandler<S, P>,
    ) -> Self {
        let entry = method::Entry::new(&method, handler);
        self.method_entry(method, entry)
    }

    /// An RPC method with a check of its own, for `lightning-cli check`: a handler
    /// with the same parameters, which must do nothing but look.
    pub fn checked_method<P: DeserializeOwned + 'static>(
        self,
        method: Method,
        check: impl MethodHandler<S, P>,
        handler: impl MethodHandler<S, P>,
    ) -> Self {
        let entry = method::Entry::checked(&method, check, handler);
        self.method_entry(method, entry)
    }

    fn method_entry(mut self, Method(method): Method, entry: method::Entry<S>) -> Self {
        let name = &method.name;
        if self
            .manifest
            .rpcmethods
            .iter()
            .any(|known| known.name == *name)
        {
            self.fault(format!("method `{name}` is registered twice"));
        }
        self.manifest.rpcmethods.push(method);
        self.methods.push(entry);
        self
    }

    /// A topic whose payload has a type. Notifications come one at a time and
    /// in order: the next one waits until the handler of the one before is done.
    pub fn subscribe<T: Topic>(self, handler: impl NotificationHandler<S, T::Payload>) -> Self {
        self.subscribe_entry(subscription::Entry::typed::<T>(handler))
    }

    /// Any topic, by name: one of another plugin's, or one whose type is not known here.
    pub fn subscribe_topic(
        self,
        topic: &str,
        handler: impl NotificationHandler<S, Notification>,
    ) -> Self {
        self.subscribe_entry(subscription::Entry::raw(Some(topic.to_owned()), handler))
    }

    /// All topics but `log`. Handlers of single topics are called too.
    pub fn subscribe_all(self, handler: impl NotificationHandler<S, Notification>) -> Self {
        self.subscribe_entry(subscription::Entry::raw(None, handler))
    }

    /// Each topic once. Who subscribes to all topics is sent each notification once, under `*`;
    /// only `log` is not among them.
    fn subscribe_entry(mut self, entry: subscription::Entry<S>) -> Self {
        let topics = &mut self.manifest.subscriptions;
        let topic = entry.topic.as_deref().unwrap_or(ALL);
        let wanted = |known: &String| known == topic || known == ALL && topic != LOG;
        if !topics.iter().any(wanted) {
            if topic == ALL {
                topics.retain(|known| known == LOG);
            }
            topics.push(topic.to_owned());
        }
        self.subscriptions.push(entry);
        self
    }

    /// Declares a topic of its own, for [`Cx::notify`].
    pub fn notification(mut self, topic: &str) -> Self {
        self.manifest.notifications.push(topic.to_owned());
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
        self.manifest.hooks.push(options.registration(H::NAME));
        self.hooks.push(hook::Entry::new::<H>(handler));
        self
    }

    /// Asks the operator for a capability, such as `rpc: method=listpeers`, and
    /// says what for. Without a grant a guest can compute, log and read its options.
    pub fn request(mut self, grant: &str, reason: &str) -> Self {
        self.manifest.capabilities.push(CapabilityRequest {
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
        place.set(&mut self.manifest.featurebits, bits);
        self
    }

    /// Types of custom messages that it understands; peers that send even types
    /// which nobody has declared are warned.
    pub fn custom_messages(mut self, types: impl IntoIterator<Item = u16>) -> Self {
        self.manifest.custommessages.extend(types);
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
        if !std::mem::replace(&mut self.faulty, true) {
            self.manifest.disable = Some(reason);
        }
    }
}

/// What stands for all topics but [`LOG`].
const ALL: &str = "*";
const LOG: &str = "log";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_topic_is_subscribed_to_once() {
        async fn handler(_: Cx<()>, _: Notification) {}
        let guest = |topics: &[&str]| {
            topics
                .iter()
                .fold(Guest::with_state(()), |guest, topic| match *topic {
                    ALL => guest.subscribe_all(handler),
                    topic => guest.subscribe_topic(topic, handler),
                })
        };
        for (wanted, sent) in [
            (&["a", "b", "a"][..], &["a", "b"][..]),
            (&["a", "log", "*", "b", "*"], &["log", "*"]),
            (&["*", "a", "log", "log"], &["*", "log"]),
        ] {
            assert_eq!(guest(wanted).manifest.subscriptions, sent);
        }
    }

    #[test]
    fn an_option_is_declared_in_one_way() {
        use crate::deprecated::Deprecated;
        use crate::option::{ConcealedOption, MultiStringOption, NoDefault, StringOption};

        const NAME: StringOption = StringOption::new("name", "Whom").default("you");
        const NO_DEFAULT: StringOption<NoDefault> = StringOption::new("name", "Whom");
        let guest = || Guest::with_state(()).option(&NAME);
        let fault = |guest: Guest<()>| {
            assert_eq!(guest.manifest.options.len(), 1);
            guest.manifest.disable
        };
        let alike = guest()
            .on_setconfig(&NAME, |_, _| Ok(()))
            .validate(&NAME, |_| Ok(()))
            .option(&NAME);
        assert!(alike.manifest.options[0].dynamic);
        assert_eq!(fault(alike), None);

        let said = Some("option `name` is declared in two ways".to_owned());
        for other in [
            NAME.deprecated(Deprecated::Now),
            StringOption::new("name", "Whom else").default("you"),
            NO_DEFAULT.default("me"),
        ] {
            assert_eq!(fault(guest().option(&other)), said, "{other:?}");
            assert_eq!(fault(guest().validate(&other, |_| Ok(()))), said);
        }
        assert_eq!(fault(guest().option(&NO_DEFAULT)), said);
        let multi = MultiStringOption::new("name", "Whom").default("you");
        assert_eq!(fault(guest().option(&multi)), said);
        let concealed = ConcealedOption::new("name", "Whom").default("you");
        assert_eq!(fault(guest().option(&concealed)), said);
    }

    #[test]
    fn the_first_fault_is_why_it_is_disabled() {
        async fn handler(_: Cx<()>, (): ()) -> Result<(), crate::RpcError> {
            Ok(())
        }
        let method = |name: &str| Method::new(name, "", "");
        let guest = Guest::with_state(())
            .disable("no")
            .method(method("a"), handler)
            .method(method("a"), handler)
            .method(method("b"), handler)
            .method(method("b"), handler)
            .disable("again");
        let disable = guest.manifest.disable.as_deref();
        assert_eq!(disable, Some("method `a` is registered twice"));
    }
}
