//! One life of a guest: one store, one instance, many calls in flight in it.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::stream::{FuturesUnordered, Stream, StreamExt};
use tokio::sync::watch;
use wasmtime::component::{Accessor, Instance, InstancePre, TypedFunc};
use wasmtime::{AsContextMut, Engine};

use super::bindings::cln::guest::types;
use super::call::{Answer, Call, CallId, Fault, Label};
use super::mailbox::{Appetite, Delivery, Mailbox};
use super::open::{OpenCalls, Settled};
use super::pace::{self, Pulse};
use super::sandbox::{Sandbox, SandboxLimits};
use super::ticker::Ticker;
use super::trap;
use crate::capability::Capabilities;
use crate::lightningd::output::RpcError;

/// All that one life needs.
#[derive(Clone)]
pub struct Seed {
    /// The engine that compiled the guest.
    pub engine: Engine,
    /// The guest, linked.
    pub pre: InstancePre<Sandbox>,
    /// The clock.
    pub ticker: Arc<Ticker>,
    /// What the guest may do.
    pub capabilities: Arc<Capabilities>,
    /// Limits of the store.
    pub limits: SandboxLimits,
    /// Calls that may be open in the guest at the same time.
    pub calls_in_flight: usize,
    /// What waits for the guest.
    pub mailbox: Arc<Mailbox>,
}

/// A running instance, seen from outside.
#[derive(Debug)]
pub struct Life {
    /// Its open calls.
    pub open: Arc<OpenCalls>,
    pulse: Arc<Pulse>,
    ended: watch::Receiver<Option<End>>,
}

/// How a life ended.
#[derive(Debug, Clone)]
pub struct End {
    /// What happened, for the operator: the trap, with the names of the functions.
    pub reason: Arc<str>,
    /// The call that was being run, where that is known.
    pub blamed: Option<Label>,
    /// The guest's functions, the innermost first.
    pub backtrace: Arc<[String]>,
    /// Was it a limit that ended it?
    pub limit: bool,
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed")
            .field("guest", &self.capabilities.guest)
            .finish_non_exhaustive()
    }
}

impl Seed {
    /// Instantiates and serves the mailbox until the instance traps or is killed.
    pub fn start(&self) -> Life {
        let open = Arc::new(OpenCalls::default());
        let pulse = Arc::new(Pulse::default());
        let (end, ended) = watch::channel(None);
        self.capabilities.new_life(Arc::clone(&open));
        let life = live(self.clone(), Arc::clone(&open), Arc::clone(&pulse));
        let running = pace::run(Box::pin(life), Arc::clone(&pulse), Arc::clone(&self.ticker));
        let calls = Arc::clone(&open);
        let mailbox = Arc::clone(&self.mailbox);
        tokio::spawn(async move {
            let ending = running.await.unwrap_or_else(|| Ending {
                blamed: None,
                error: wasmtime::Error::msg("the bridge stopped it"),
            });
            let reason: Arc<str> = trap::describe(&ending.error).into();
            let blamed = ending
                .blamed
                .as_ref()
                .map(|(id, _)| (*id, Fault::Trap(Arc::clone(&reason))));
            mailbox.forget_calls();
            calls.close(blamed, Fault::Stopped(Arc::clone(&reason)));
            let blamed = ending.blamed.map(|(_, call)| call);
            // Nobody may be watching any more.
            drop(end.send(Some(End {
                reason,
                blamed,
                backtrace: trap::backtrace(&ending.error),
                limit: trap::is_limit(&ending.error),
            })));
        });
        Life { open, pulse, ended }
    }
}

impl Life {
    /// Ends it, with all its calls.
    pub fn kill(&self) {
        self.pulse.kill();
    }

    /// Waits for the end.
    pub async fn ended(&self) -> End {
        let mut ended = self.ended.clone();
        loop {
            if let Some(end) = ended.borrow_and_update().clone() {
                return end;
            }
            if ended.changed().await.is_err() {
                let reason = "its task was dropped".into();
                return End {
                    reason,
                    blamed: None,
                    backtrace: Arc::default(),
                    limit: false,
                };
            }
        }
    }
}

/// Why `live` returned.
struct Ending {
    blamed: Option<(CallId, Label)>,
    error: wasmtime::Error,
}

async fn live(seed: Seed, open: Arc<OpenCalls>, pulse: Arc<Pulse>) -> Ending {
    let Seed {
        engine,
        pre,
        ticker,
        capabilities,
        limits,
        calls_in_flight,
        mailbox,
    } = seed;
    let mut store = Sandbox::store(&engine, Arc::clone(&capabilities), &limits, pulse, ticker);
    let started = async {
        let instance = pre.instantiate_async(&mut store).await?;
        Exports::find(&mut store, &instance)
    };
    let exports = match started.await {
        Ok(exports) => exports,
        Err(error) => {
            return Ending {
                blamed: None,
                error,
            };
        }
    };
    let server = Server {
        exports,
        mailbox,
        open,
        calls_in_flight,
        capabilities,
        entered: Mutex::new(None),
    };
    let served = store
        .run_concurrent(async |guest| server.serve(guest).await)
        .await;
    match served {
        Ok(ending) => ending,
        Err(error) => Ending {
            // A task that was resumed, and not just entered, is not known.
            blamed: server
                .entered
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
            error,
        },
    }
}

struct Server {
    exports: Exports,
    mailbox: Arc<Mailbox>,
    open: Arc<OpenCalls>,
    capabilities: Arc<Capabilities>,
    calls_in_flight: usize,
    /// The call that the guest has just been entered for.
    entered: Mutex<Option<(CallId, Label)>>,
}

/// What takes part in the guest's limits, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One of `limits.calls_in_flight`.
    Call,
    /// One at a time, so that they keep lightningd's order.
    Notification,
    /// The guest's own business.
    Background,
}

fn leave(kind: Kind, calls: &mut usize, notifications: &mut usize) {
    match kind {
        Kind::Call => *calls -= 1,
        Kind::Notification => *notifications -= 1,
        Kind::Background => {}
    }
}

/// What has ended already, without waiting.
async fn poll_once<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| match stream.poll_next_unpin(cx) {
        Poll::Ready(item) => Poll::Ready(item),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Gives control back once.
async fn go_round() {
    let mut gone = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut gone, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn kind(call: &Call) -> Kind {
    match call {
        Call::Notification { .. } => Kind::Notification,
        Call::Run => Kind::Background,
        _ => Kind::Call,
    }
}

impl Server {
    async fn serve(&self, guest: &Accessor<Sandbox>) -> Ending {
        let mut under_way = FuturesUnordered::new();
        let (mut calls, mut notifications) = (0usize, 0usize);
        loop {
            let appetite = Appetite {
                calls: calls < self.calls_in_flight,
                notifications: notifications == 0,
            };
            if let Some(delivery) = self.mailbox.take(appetite) {
                match kind(&delivery.call) {
                    Kind::Call => calls += 1,
                    Kind::Notification => notifications += 1,
                    Kind::Background => {}
                }
                self.enter(&delivery);
                under_way.push(self.deliver(guest, delivery));
                // The call is queued now, and entered when control goes back to the
                // engine: one at a time, so that a trap can be put down to it.
                let queued = poll_once(&mut under_way).await;
                match queued {
                    Some(Ok(kind)) => leave(kind, &mut calls, &mut notifications),
                    Some(Err(ending)) => return ending,
                    None => go_round().await,
                }
                self.left();
                continue;
            }
            tokio::select! {
                biased;
                Some(done) = under_way.next(), if !under_way.is_empty() => match done {
                    Ok(kind) => leave(kind, &mut calls, &mut notifications),
                    Err(ending) => return ending,
                },
                () = self.mailbox.wait() => {}
            }
        }
    }

    fn enter(&self, delivery: &Delivery) {
        let entered = Some((delivery.id, delivery.call.label()));
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) = entered;
    }

    fn left(&self) {
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Performs one call.
    async fn deliver(
        &self,
        guest: &Accessor<Sandbox>,
        Delivery { id, call }: Delivery,
    ) -> Result<Kind, Ending> {
        let (kind, label) = (kind(&call), call.label());
        let performing = self.exports.perform(guest, id, call);
        let performed = match (
            kind,
            self.capabilities.policy.limits.deadline("notification"),
        ) {
            (Kind::Notification, Some(deadline)) => {
                match tokio::time::timeout(deadline, performing).await {
                    Ok(performed) => {
                        self.capabilities.faults.good(&label);
                        performed
                    }
                    Err(_) => {
                        // It goes on in the guest, but the next one need not wait for it.
                        self.capabilities.overdue_notification(deadline);
                        Ok(Answer::Done)
                    }
                }
            }
            _ => performing.await,
        };
        match performed {
            Ok(answer) => {
                let expected = id != 0 && kind != Kind::Background;
                if expected && self.open.settle(id, answer) == Settled::Late {
                    self.capabilities.counters.late_answers.add();
                }
                Ok(kind)
            }
            Err(error) => Err(Ending {
                blamed: Some((id, label)),
                error,
            }),
        }
    }
}

type Json = Arc<str>;
type RpcResult<T> = (Result<T, types::RpcError>,);
type MethodCall = (CallId, Json, Json, Option<Json>, bool);
type HookCall = (CallId, &'static str, Json);
type HookResult = (Result<String, String>,);

/// The exports of `cln:guest/plugin`, with parameters that are lowered without a copy.
struct Exports {
    getmanifest: TypedFunc<(Json,), (String,)>,
    init: TypedFunc<(Json,), (Result<(), String>,)>,
    run: TypedFunc<(), ()>,
    method: TypedFunc<MethodCall, RpcResult<String>>,
    check: TypedFunc<(CallId, Json, Json), RpcResult<()>>,
    setconfig: TypedFunc<(CallId, Json, Option<Json>, bool), RpcResult<()>>,
    notification: TypedFunc<(Json, Json, Option<Json>), ()>,
    hook: TypedFunc<HookCall, HookResult>,
}

/// The exported interface, by version.
pub const PLUGIN_INTERFACE: &str = "cln:guest/plugin@0.1.0";

impl Exports {
    fn find(
        mut store: impl AsContextMut<Data = Sandbox>,
        instance: &Instance,
    ) -> wasmtime::Result<Exports> {
        let interface = instance
            .get_export_index(&mut store, None, PLUGIN_INTERFACE)
            .ok_or_else(|| wasmtime::Error::msg(format!("does not export {PLUGIN_INTERFACE}")))?;
        macro_rules! export {
            ($name:literal) => {{
                let index = instance
                    .get_export_index(&mut store, Some(&interface), $name)
                    .ok_or_else(|| wasmtime::Error::msg(concat!("does not export ", $name)))?;
                instance.get_typed_func(&mut store, &index)?
            }};
        }
        Ok(Exports {
            getmanifest: export!("getmanifest"),
            init: export!("init"),
            run: export!("run"),
            method: export!("method"),
            check: export!("check"),
            setconfig: export!("setconfig"),
            notification: export!("notification"),
            hook: export!("hook"),
        })
    }

    async fn perform(
        &self,
        guest: &Accessor<Sandbox>,
        id: CallId,
        call: Call,
    ) -> wasmtime::Result<Answer> {
        Ok(match call {
            Call::Hook { hook, payload } => {
                let (answer,) = self
                    .hook
                    .call_concurrent(guest, (id, hook, payload))
                    .await?;
                answer.map_or_else(Answer::Declined, Answer::Json)
            }
            Call::Notification {
                topic,
                params,
                origin,
            } => {
                self.notification
                    .call_concurrent(guest, (topic, params, origin))
                    .await?;
                Answer::Done
            }
            Call::Method {
                method,
                params,
                filter,
                deprecated_ok,
            } => {
                let arguments = (id, method, params, filter, deprecated_ok);
                let (result,) = self.method.call_concurrent(guest, arguments).await?;
                result.map_or_else(error_answer, Answer::Json)
            }
            Call::Check { method, params } => {
                let (result,) = self
                    .check
                    .call_concurrent(guest, (id, method, params))
                    .await?;
                result.map_or_else(error_answer, |()| Answer::Done)
            }
            Call::SetConfig {
                option,
                value,
                check_only,
            } => {
                let arguments = (id, option, value, check_only);
                let (result,) = self.setconfig.call_concurrent(guest, arguments).await?;
                result.map_or_else(error_answer, |()| Answer::Done)
            }
            Call::Manifest { request } => {
                let (manifest,) = self.getmanifest.call_concurrent(guest, (request,)).await?;
                Answer::Json(manifest)
            }
            Call::Init { init } => {
                let (result,) = self.init.call_concurrent(guest, (init,)).await?;
                result.map_or_else(Answer::Declined, |()| Answer::Done)
            }
            Call::Run => {
                self.run.call_concurrent(guest, ()).await?;
                Answer::Done
            }
        })
    }
}

fn error_answer(error: types::RpcError) -> Answer {
    // Data that is no JSON is left out: the code and the message still help the caller.
    let data = error
        .data
        .and_then(|d| serde_json::value::RawValue::from_string(d).ok());
    Answer::Error(RpcError {
        code: error.code,
        message: error.message,
        data,
    })
}
