//! Hooks: where a guest stands in their chain, and what handles them.

use std::fmt::Display;

use cln_protocol::hook::Hook;
use cln_protocol::json;
use cln_protocol::manifest::{HookFilters, HookRegistration};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};

use crate::cx::Cx;
use crate::handler::Async;

/// Where a guest stands among the plugins that have the same hook, and which
/// events it is called for.
///
/// ```
/// use cln_guest::prelude::*;
///
/// let options = HookOptions::new().before(["offers"]).filter("pay").filter("xpay");
/// ```
#[derive(Debug, Clone, Default)]
pub struct HookOptions {
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
    pub(crate) filters: Vec<HookFilter>,
}

impl HookOptions {
    /// No wishes.
    pub fn new() -> Self {
        HookOptions::default()
    }

    /// Before these plugins, by file name.
    pub fn before<N: Into<String>>(mut self, plugins: impl IntoIterator<Item = N>) -> Self {
        self.before.extend(plugins.into_iter().map(Into::into));
        self
    }

    /// After these plugins, by file name.
    pub fn after<N: Into<String>>(mut self, plugins: impl IntoIterator<Item = N>) -> Self {
        self.after.extend(plugins.into_iter().map(Into::into));
        self
    }

    /// Only for this one, or for the others named: a method with `rpc_command`, a
    /// message type with `custommsg`. Other hooks have no filters.
    pub fn filter(mut self, filter: impl Into<HookFilter>) -> Self {
        self.filters.push(filter.into());
        self
    }

    /// Both for the manifest.
    pub(crate) fn registration(self, name: &str) -> HookRegistration {
        HookRegistration {
            name: name.to_owned(),
            filters: filters(self.filters),
            before: self.before,
            after: self.after,
        }
    }
}

/// Where both kinds of filter are given, no hook takes them: the message types are
/// kept, and the bridge says that this hook has none.
fn filters(filters: Vec<HookFilter>) -> Option<HookFilters> {
    let (mut types, mut methods) = (Vec::new(), Vec::new());
    for filter in filters {
        match filter {
            HookFilter::MessageType(number) => types.push(u64::from(number)),
            HookFilter::Method(name) => methods.push(name),
        }
    }
    match (types.is_empty(), methods.is_empty()) {
        (true, true) => None,
        (true, false) => Some(HookFilters::Methods(methods)),
        (false, _) => Some(HookFilters::MessageTypes(types)),
    }
}

/// What a hook may be limited to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookFilter {
    /// The name of an RPC method.
    Method(String),
    /// The type of a peer's message.
    MessageType(u16),
}

impl From<&str> for HookFilter {
    fn from(method: &str) -> Self {
        HookFilter::Method(method.to_owned())
    }
}

impl From<u16> for HookFilter {
    fn from(message_type: u16) -> Self {
        HookFilter::MessageType(message_type)
    }
}

/// What a hook handler may return: the hook's action, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a handler of this hook cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "return `{A}`, or `Result<{A}, E>` where `E` can be displayed"
)]
pub trait IntoAction<A> {
    #[doc(hidden)]
    fn into_action(self) -> Result<A, String>;
}

impl<A> IntoAction<A> for A {
    fn into_action(self) -> Result<A, String> {
        Ok(self)
    }
}

impl<A, E: Display> IntoAction<A> for Result<A, E> {
    fn into_action(self) -> Result<A, String> {
        self.map_err(|error| format!("{error:#}"))
    }
}

/// Handles a hook: `async fn(Cx<S>, H::Payload) -> H::Action`, or a `Result` of
/// it. An error is the guest's word that it cannot answer: the bridge answers in
/// its place.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle the hook `{H}` of a guest with state `{S}`",
    label = "not a handler of this hook",
    note = "a hook handler is `async fn(Cx<{S}>, Payload) -> Action`, with the payload and the action of `{H}`",
    note = "it may return `Result<Action, E>` too, where `E` can be displayed"
)]
pub trait HookHandler<S, H: Hook>: 'static {
    #[doc(hidden)]
    fn call(
        &self,
        cx: Cx<S>,
        payload: H::Payload,
    ) -> LocalBoxFuture<'static, Result<String, String>>;
}

impl<S, H, F, Fut> HookHandler<S, H> for F
where
    H: Hook,
    F: Fn(Cx<S>, H::Payload) -> Fut + 'static,
    Fut: Async + 'static,
    Fut::Output: IntoAction<H::Action>,
{
    fn call(
        &self,
        cx: Cx<S>,
        payload: H::Payload,
    ) -> LocalBoxFuture<'static, Result<String, String>> {
        let answer = self(cx, payload);
        async move {
            let action = answer.await.into_action()?;
            json::to_string(&action)
                .map_err(|error| format!("the answer cannot be written as JSON: {error}"))
        }
        .boxed_local()
    }
}

type Serve<S> = Box<dyn Fn(Cx<S>, &str) -> LocalBoxFuture<'static, Result<String, String>>>;

/// What handles a registered hook.
pub(crate) struct Entry<S> {
    pub name: &'static str,
    pub handle: Serve<S>,
}

impl<S: 'static> Entry<S> {
    pub fn new<H: Hook>(handler: impl HookHandler<S, H>) -> Self {
        Entry {
            name: H::NAME,
            handle: Box::new(move |cx, text| match json::from_str::<H::Payload>(text) {
                Ok(payload) => handler.call(cx, payload),
                Err(error) => {
                    let reason = format!("the payload of {} is not as expected: {error}", H::NAME);
                    ready(Err(reason)).boxed_local()
                }
            }),
        }
    }
}
