//! A guest at work: the exports of the WIT world, as Rust.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use cln_protocol::json::{RawStr, RawValue};
use cln_protocol::manifest::{OptionSpec, OptionType};
use futures::FutureExt;
use futures::channel::mpsc;
use futures::future::{LocalBoxFuture, ready};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::border::{LogLevel, Outside};
use crate::cx::{Core, Cx};
use crate::error::RpcError;
use crate::guest::{Guest, OptionEntry, Start};
use crate::init::{self, Init};
use crate::kv;
use crate::members::{self, Members};
use crate::method;
use crate::same::same;
use crate::subscription::Delivery;
use crate::turn::Turn;

/// Puts the notification that follows in the place of this one, if there is one already.
pub(crate) type Next = fn(&mut Delivery) -> bool;

type Background = mpsc::UnboundedReceiver<LocalBoxFuture<'static, ()>>;

/// The exports, whatever the guest's state is.
pub(crate) trait Exports {
    fn getmanifest(&self, request: &str) -> String;
    fn init(&self, init: &str) -> LocalBoxFuture<'static, Result<(), String>>;
    fn run(self: Rc<Self>) -> LocalBoxFuture<'static, ()>;
    fn method(
        &self,
        call: u64,
        method: &str,
        params: &str,
        deprecated_ok: bool,
    ) -> LocalBoxFuture<'static, Result<String, RpcError>>;
    fn check(
        &self,
        call: u64,
        method: &str,
        params: &str,
    ) -> LocalBoxFuture<'static, Result<(), RpcError>>;
    fn setconfig(
        &self,
        call: u64,
        option: &str,
        value: Option<&str>,
        check_only: bool,
    ) -> Result<(), RpcError>;
    /// Handles this one, and as many after it as there are.
    fn notifications(self: Rc<Self>, first: Delivery, next: Next) -> LocalBoxFuture<'static, ()>;
    fn hook(
        &self,
        call: u64,
        hook: &str,
        payload: &str,
    ) -> LocalBoxFuture<'static, Result<String, String>>;
}

/// As WebAssembly an instance lasts as long as its memory: the code that would drop a guest is left
/// out of all of them.
#[cfg(target_family = "wasm")]
type Kept<T> = std::mem::ManuallyDrop<T>;
#[cfg(not(target_family = "wasm"))]
type Kept<T> = Box<T>;

/// One guest and what it has become.
pub(crate) struct Instance<S> {
    guest: Kept<Guest<S>>,
    core: Rc<Core>,
    state: OnceCell<Rc<S>>,
    /// Taken by `run`.
    background: Cell<Option<Background>>,
    notifications: Turn,
}

impl<S: 'static> Instance<S> {
    pub fn new(guest: Guest<S>, border: Rc<Outside>) -> Self {
        let (sender, receiver) = mpsc::unbounded();
        let state = OnceCell::new();
        if let Start::Given(given) = &guest.start {
            // A new cell is empty.
            let _ = state.set(Rc::clone(given));
        }
        Instance {
            guest: Kept::new(guest),
            core: Rc::new(Core {
                border,
                values: RefCell::new(Members::default()),
                configuration: OnceCell::new(),
                deprecated_apis: Cell::new(false),
                kv_turn: Rc::new(Turn::of(kv::AT_ONCE)),
                background: sender,
            }),
            state,
            background: Cell::new(Some(receiver)),
            notifications: Turn::default(),
        }
    }

    /// The state, once there is one.
    #[cfg(not(target_family = "wasm"))]
    pub fn state(&self) -> Option<Rc<S>> {
        self.state.get().cloned()
    }

    fn take_init(&self, text: &str) -> Result<(), String> {
        let params = init::Params::read(text)
            .map_err(|error| format!("init is not as expected: {error}"))?;
        let init = Init {
            configuration: Rc::new(params.configuration),
            values: params.options,
            withheld: params.withheld,
        };
        for (spec, entry) in self.guest.options() {
            let name = &spec.name;
            let value = init.values.get(name).map(RawValue::get);
            validate(entry, value).map_err(|reason| format!("{name}: {reason}"))?;
        }
        // A second init keeps the configuration of the first; there is none in practice.
        let _ = self.core.configuration.set(Rc::clone(&init.configuration));
        if let Start::AtInit(make) = &self.guest.start {
            let make = make.borrow_mut().take().ok_or("init came twice")?;
            let _ = self.state.set(Rc::new(make(&init)?));
        }
        *self.core.values.borrow_mut() = init.values;
        Ok(())
    }

    fn cx(&self, call: u64) -> Result<Cx<S>, String> {
        match self.state.get() {
            Some(state) => Ok(Cx {
                core: Rc::clone(&self.core),
                state: Rc::clone(state),
                call,
                deprecated_ok: self.core.deprecated_apis.get(),
            }),
            None => Err("the guest has not been initialised".to_owned()),
        }
    }

    fn method_cx(&self, call: u64) -> Result<Cx<S>, RpcError> {
        self.cx(call).map_err(RpcError::internal)
    }

    async fn notification(&self, delivery: &Delivery) {
        let _turn = self.notifications.take().await;
        let topic = &delivery.topic;
        for entry in &self.guest.subscriptions {
            if !entry.wants(topic) {
                continue;
            }
            let handled = match self.cx(0) {
                Ok(cx) => (entry.handle)(cx, delivery).await,
                Err(reason) => Err(reason),
            };
            if let Err(reason) = handled {
                let line = format!("notification {topic}: {reason}");
                self.core.border.log(LogLevel::Unusual, &line);
            }
        }
    }

    fn entry(&self, method: &str) -> Result<&method::Entry<S>, RpcError> {
        let methods = &self.guest.manifest.rpcmethods;
        let at = methods.iter().position(|known| same(&known.name, method));
        at.and_then(|at| self.guest.methods.get(at)).ok_or_else(|| {
            RpcError::new(
                RpcError::METHOD_NOT_FOUND,
                format!("Unknown command '{method}'"),
            )
        })
    }

    fn option(&self, name: &str) -> Result<(&OptionSpec, &OptionEntry<S>), RpcError> {
        self.guest
            .options()
            .find(|(spec, _)| spec.name == name)
            .ok_or_else(|| RpcError::invalid_params(format!("{name}: unknown option")))
    }
}

fn validate<S>(entry: &OptionEntry<S>, value: Option<&str>) -> Result<(), String> {
    entry.validate.iter().try_for_each(|check| check(value))
}

impl<S: 'static> Exports for Instance<S> {
    fn getmanifest(&self, request: &str) -> String {
        // v0.8.2 sent no params at all.
        let params = members::raw(request).unwrap_or_default();
        let allowed = |(name, value): &(String, RawStr<'_>)| {
            name == "allow-deprecated-apis" && value.get() == "true"
        };
        self.core.deprecated_apis.set(params.iter().any(allowed));
        self.guest.manifest.to_json()
    }

    fn init(&self, text: &str) -> LocalBoxFuture<'static, Result<(), String>> {
        let started = self.take_init(text).and_then(|()| {
            let first = self.guest.on_init.take();
            first.map(|first| Ok(first(self.cx(0)?))).transpose()
        });
        match started {
            Ok(None) => ready(Ok(())).boxed_local(),
            Ok(Some(first)) => first,
            Err(reason) => ready(Err(reason)).boxed_local(),
        }
    }

    fn run(self: Rc<Self>) -> LocalBoxFuture<'static, ()> {
        let (Some(mut spawned), Ok(cx)) = (self.background.take(), self.cx(0)) else {
            return ready(()).boxed_local();
        };
        for task in self.guest.background.take() {
            cx.spawn(task(cx.clone()));
        }
        async move {
            let mut tasks = FuturesUnordered::new();
            loop {
                futures::select_biased! {
                    task = spawned.select_next_some() => tasks.push(task),
                    () = tasks.select_next_some() => {}
                }
            }
        }
        .boxed_local()
    }

    fn method(
        &self,
        call: u64,
        method: &str,
        params: &str,
        deprecated_ok: bool,
    ) -> LocalBoxFuture<'static, Result<String, RpcError>> {
        let answer = self.method_cx(call).and_then(|mut cx| {
            cx.deprecated_ok = deprecated_ok;
            let entry = self.entry(method)?;
            Ok((entry.handle)(cx, params, &entry.names))
        });
        match answer {
            Err(error) => ready(Err(error)).boxed_local(),
            Ok(answer) => answer,
        }
    }

    fn check(
        &self,
        call: u64,
        method: &str,
        params: &str,
    ) -> LocalBoxFuture<'static, Result<(), RpcError>> {
        let answer = self.method_cx(call).and_then(|cx| {
            let entry = self.entry(method)?;
            Ok((entry.check)(cx, params, &entry.names))
        });
        match answer {
            Err(error) => ready(Err(error)).boxed_local(),
            Ok(answer) => answer.map(|checked| checked.map(drop)).boxed_local(),
        }
    }

    fn setconfig(
        &self,
        call: u64,
        name: &str,
        value: Option<&str>,
        check_only: bool,
    ) -> Result<(), RpcError> {
        let invalid = |reason: String| RpcError::invalid_params(format!("{name}: {reason}"));
        let cx = self.method_cx(call)?;
        let (spec, entry) = self.option(name)?;
        let value = match value {
            Some(text) => text.to_owned(),
            None if spec.option_type == OptionType::Flag => "true".to_owned(),
            None => return Err(invalid("needs a value".to_owned())),
        };
        let value = RawValue::from_string(value).map_err(|error| invalid(error.to_string()))?;
        validate(entry, Some(value.get())).map_err(invalid)?;
        if check_only {
            return Ok(());
        }
        let set = |value| self.core.values.borrow_mut().set(name, value);
        let before = set(Some(value.clone()));
        let Some(change) = &entry.on_setconfig else {
            return Ok(());
        };
        change(cx, Some(value.get())).map_err(|reason| {
            set(before);
            invalid(reason)
        })
    }

    fn notifications(self: Rc<Self>, first: Delivery, next: Next) -> LocalBoxFuture<'static, ()> {
        // One future for all, which are many at times.
        async move {
            let mut delivery = first;
            loop {
                self.notification(&delivery).await;
                if !next(&mut delivery) {
                    return;
                }
            }
        }
        .boxed_local()
    }

    fn hook(
        &self,
        call: u64,
        hook: &str,
        payload: &str,
    ) -> LocalBoxFuture<'static, Result<String, String>> {
        let answer = self.cx(call).and_then(|cx| {
            let entry = self.guest.hooks.iter().find(|entry| same(entry.name, hook));
            let entry = entry.ok_or_else(|| format!("hook `{hook}` is not registered"))?;
            Ok((entry.handle)(cx, payload))
        });
        answer.unwrap_or_else(|reason| ready(Err(reason)).boxed_local())
    }
}
