//! RPC methods: what the manifest says of them, and what handles them.

use cln_protocol::json;
use cln_protocol::manifest::RpcMethod;
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cx::Cx;
use crate::deprecated::Deprecated;
use crate::error::RpcError;
use crate::handler::Async;
use crate::params;

/// What the manifest says of one RPC method.
#[derive(Debug, Clone)]
pub struct Method(pub(crate) RpcMethod);

impl Method {
    /// A method that no other plugin of the node and lightningd itself do not
    /// have. `usage` names the parameters in their order, those in brackets
    /// optional: `id [label]`. It also says what the positions of an array of
    /// parameters mean; when it is empty, the fields of the parameters' type do.
    pub fn new(name: &str, usage: &str, description: &str) -> Self {
        Method(RpcMethod {
            name: name.to_owned(),
            usage: usage.to_owned(),
            description: description.to_owned(),
            ..RpcMethod::default()
        })
    }

    /// What `lightning-cli help NAME` shows.
    pub fn long_description(mut self, text: &str) -> Self {
        self.0.long_description = text.to_owned();
        self
    }

    /// The heading under which help lists it, such as `plugin`.
    pub fn category(mut self, category: &str) -> Self {
        self.0.category = Some(category.to_owned());
        self
    }

    /// It is on its way out.
    pub fn deprecated(mut self, deprecated: Deprecated) -> Self {
        self.0.deprecated = deprecated.into();
        self
    }
}

/// Handles a method: `async fn(Cx<S>, P) -> Result<R, E>`, where `P` is read
/// from the parameters, `R` is the result and `E` becomes an [`RpcError`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle an RPC method of a guest with state `{S}`",
    label = "not a method handler",
    note = "a method handler is `async fn(Cx<{S}>, Params) -> Result<Reply, RpcError>`",
    note = "`Params` must be `serde::Deserialize` and own its data (or be `()`), `Reply` must be `serde::Serialize`",
    note = "any error that implements `std::error::Error` can stand for `RpcError`"
)]
pub trait MethodHandler<S, P>: 'static {
    #[doc(hidden)]
    fn call(&self, cx: Cx<S>, params: P) -> LocalBoxFuture<'static, Result<String, RpcError>>;
}

/// What a method handler may return.
#[diagnostic::on_unimplemented(
    message = "a method handler cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "return `Result<Reply, E>`, where `Reply` is `serde::Serialize` and `E` is `RpcError` or any `std::error::Error`"
)]
pub trait IntoReply {
    #[doc(hidden)]
    fn into_reply(self) -> Result<String, RpcError>;
}

impl<R: Serialize, E: Into<RpcError>> IntoReply for Result<R, E> {
    fn into_reply(self) -> Result<String, RpcError> {
        let reply = self.map_err(Into::into)?;
        Ok(json::to_string(&reply)?)
    }
}

impl<S, P, F, Fut> MethodHandler<S, P> for F
where
    F: Fn(Cx<S>, P) -> Fut + 'static,
    Fut: Async + 'static,
    Fut::Output: IntoReply,
    P: DeserializeOwned,
{
    fn call(&self, cx: Cx<S>, params: P) -> LocalBoxFuture<'static, Result<String, RpcError>> {
        let answer = self(cx, params);
        async move { answer.await.into_reply() }.boxed_local()
    }
}

type Serve<S> =
    Box<dyn Fn(Cx<S>, &str, &[String]) -> LocalBoxFuture<'static, Result<String, RpcError>>>;

/// What handles a registered method.
pub(crate) struct Entry<S> {
    pub names: Vec<String>,
    pub handle: Serve<S>,
    /// Yields nothing of interest where the parameters are good.
    pub check: Serve<S>,
}

fn serve<S: 'static, P: DeserializeOwned + 'static>(handler: impl MethodHandler<S, P>) -> Serve<S> {
    Box::new(move |cx, text, names| match params::parse(text, names) {
        Ok(params) => handler.call(cx, params),
        Err(error) => ready(Err(error)).boxed_local(),
    })
}

impl<S: 'static> Entry<S> {
    pub fn new<P: DeserializeOwned + 'static>(
        method: &Method,
        handler: impl MethodHandler<S, P>,
    ) -> Self {
        Entry {
            names: params::names(&method.0.usage),
            handle: serve(handler),
            check: Box::new(|_, text, names| {
                let read = params::parse::<P>(text, names);
                ready(read.map(|_| String::new())).boxed_local()
            }),
        }
    }

    pub fn checked<P: DeserializeOwned + 'static>(
        method: &Method,
        check: impl MethodHandler<S, P>,
        handler: impl MethodHandler<S, P>,
    ) -> Self {
        Entry {
            names: params::names(&method.0.usage),
            handle: serve(handler),
            check: serve(check),
        }
    }
}
