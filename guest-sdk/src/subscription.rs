//! Notifications that a guest is sent.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::rc::Rc;

use cln_protocol::json::{self, RawValue};
use cln_protocol::topics::Topic;
use futures::FutureExt;
use futures::future::{LocalBoxFuture, ready};
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

use crate::cx::Cx;
use crate::handler::Async;
use crate::same::same;

/// One notification of any topic, as it came.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The topic.
    pub topic: Rc<str>,
    /// The plugin or guest that sent it; none for lightningd's own.
    pub origin: Option<Rc<str>>,
    /// JSON text: `{topic: {...}}` for lightningd's own topics, for others
    /// whatever was sent.
    pub params: Rc<RawValue>,
}

impl Notification {
    /// Reads what was sent, without the member named after the topic where there is one around it.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, json::Error> {
        payload(&self.topic, self.params.get())
    }
}

/// Reads what was sent, without the member named after the topic where there is one around it.
fn payload<T: DeserializeOwned>(topic: &str, params: &str) -> Result<T, json::Error> {
    let only = Only(topic, PhantomData);
    match json::read(params, |reader| reader.deserialize_map(only)) {
        Ok(payload) => Ok(payload),
        Err(_) => json::from_str(inner(topic, params)),
    }
}

/// The usual case, which is read at once: an object of one member, named after the topic.
struct Only<'a, T>(&'a str, PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Only<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a member {} and no other", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        match map.next_key::<&str>()? {
            // What comes after it, the reader sees.
            Some(name) if same(name, self.0) => map.next_value(),
            _ => Err(A::Error::custom("another member")),
        }
    }
}

/// The payload in `{topic: payload}`, or all of it.
fn inner<'a>(topic: &str, params: &'a str) -> &'a str {
    let Some(mut members) = json::members(params) else {
        return params;
    };
    match (members.next(), members.next()) {
        (Some(Ok(only)), None) if only.is(topic) && members.rest().trim_ascii().is_empty() => {
            only.value
        }
        _ => params,
    }
}

/// One notification, as the bridge hands it over: not looked at yet.
pub(crate) struct Delivery {
    pub topic: String,
    pub origin: Option<String>,
    pub params: String,
}

impl Delivery {
    fn notification(&self) -> Result<Notification, json::Error> {
        Ok(Notification {
            topic: self.topic.as_str().into(),
            origin: self.origin.as_deref().map(Into::into),
            params: RawValue::from_string(self.params.clone())?.into(),
        })
    }
}

/// What a notification handler may return.
#[diagnostic::on_unimplemented(
    message = "a notification handler cannot return `{Self}`",
    label = "returns `{Self}`",
    note = "return nothing, or `Result<(), E>` where `E` can be displayed: an error is logged"
)]
pub trait IntoOutcome {
    #[doc(hidden)]
    fn into_outcome(self) -> Result<(), String>;
}

impl IntoOutcome for () {
    fn into_outcome(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> IntoOutcome for Result<(), E> {
    fn into_outcome(self) -> Result<(), String> {
        self.map_err(|error| format!("{error:#}"))
    }
}

/// Handles notifications: `async fn(Cx<S>, P)`, where `P` is the payload of the
/// topic, or [`Notification`]. It may return `Result<(), E>`: an error is logged.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle a notification with payload `{P}` of a guest with state `{S}`",
    label = "not a handler of this notification",
    note = "a notification handler is `async fn(Cx<{S}>, {P})`"
)]
pub trait NotificationHandler<S, P>: 'static {
    #[doc(hidden)]
    fn call(&self, cx: Cx<S>, payload: P) -> LocalBoxFuture<'static, Result<(), String>>;
}

impl<S, P, F, Fut> NotificationHandler<S, P> for F
where
    F: Fn(Cx<S>, P) -> Fut + 'static,
    Fut: Async + 'static,
    Fut::Output: IntoOutcome,
{
    fn call(&self, cx: Cx<S>, payload: P) -> LocalBoxFuture<'static, Result<(), String>> {
        let done = self(cx, payload);
        async move { done.await.into_outcome() }.boxed_local()
    }
}

type Serve<S> = Box<dyn Fn(Cx<S>, &Delivery) -> LocalBoxFuture<'static, Result<(), String>>>;

/// A registered subscription.
pub(crate) struct Entry<S> {
    /// None for all topics.
    pub topic: Option<String>,
    pub handle: Serve<S>,
}

impl<S: 'static> Entry<S> {
    pub fn typed<T: Topic>(handler: impl NotificationHandler<S, T::Payload>) -> Self {
        Entry {
            topic: Some(T::NAME.to_owned()),
            handle: Box::new(move |cx, delivery| {
                match payload(&delivery.topic, &delivery.params) {
                    Ok(payload) => handler.call(cx, payload),
                    Err(error) => {
                        let reason = format!("the payload is not as expected: {error}");
                        ready(Err(reason)).boxed_local()
                    }
                }
            }),
        }
    }

    pub fn raw(topic: Option<String>, handler: impl NotificationHandler<S, Notification>) -> Self {
        Entry {
            topic,
            handle: Box::new(move |cx, delivery| match delivery.notification() {
                Ok(notification) => handler.call(cx, notification),
                Err(error) => ready(Err(error.to_string())).boxed_local(),
            }),
        }
    }

    pub fn wants(&self, topic: &str) -> bool {
        self.topic
            .as_deref()
            .is_none_or(|wanted| same(wanted, topic))
    }
}
