//! One life of a guest: one store, one instance, many calls in flight in it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use wasmtime::component::{
    Accessor, ComponentNamedList, Instance, InstancePre, Lift, Lower, TypedFunc,
};
use wasmtime::{AsContextMut, Engine};

use super::bindings::cln::guest::types;
use super::call::{Answer, Call, CallId, Fault, Label};
use super::intake::Intake;
use super::mailbox::{Delivery, Mailbox};
use super::minute::Minute;
use super::open::{OpenCalls, Settled};
use super::pace::Pulse;
use super::place;
use super::running::{Kind, Running};
use super::sandbox::{Clock, Sandbox, SandboxLimits};
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
        let minute = Minute::new(Duration::from_millis(self.limits.cpu_per_minute_ms));
        let ticker = Arc::clone(&self.ticker);
        let record = Arc::clone(&self.capabilities.pace);
        let running = place::run(Box::pin(life), Arc::clone(&pulse), ticker, minute, record);
        let watched = Arc::clone(&open);
        let counted = Arc::clone(&self.capabilities);
        tokio::spawn(async move { watched.watch(|| counted.counters.late_answers.add()).await });
        let calls = Arc::clone(&open);
        let mailbox = Arc::clone(&self.mailbox);
        tokio::spawn(async move {
            let ending = running.await.unwrap_or_else(|stopped| Ending {
                blamed: None,
                error: wasmtime::Error::new(stopped),
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
    let clock = Arc::new(Clock {
        pulse,
        ticker,
        running: Running::default(),
    });
    let intake = Arc::new(Intake::new(mailbox, Arc::clone(&capabilities), clock));
    let shared = Arc::clone(&intake);
    let mut store = Sandbox::store(&engine, Arc::clone(&capabilities), &limits, shared);
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
        intake,
        open,
        calls_in_flight,
        capabilities,
    };
    let served = {
        let mut serving = pin!(store.run_concurrent(async |guest| server.serve(guest).await));
        poll_fn(|cx| {
            let served = serving.as_mut().poll(cx);
            if server.intake.clock().pulse.is_away() {
                server.open.deliver();
            }
            served
        })
        .await
    };
    match served {
        Ok(ending) => ending,
        Err(error) => {
            let Capabilities { faults, memory, .. } = &*server.capabilities;
            faults.memory_at_end.store(memory.get(), Ordering::Relaxed);
            // The engine leaves the stack of the task that trapped as it was.
            let mut store = store.as_context_mut();
            let blamed = match store.async_call_stack() {
                Ok(stack) => server.intake.clock().running.call_of(stack),
                Err(_) => None,
            };
            Ending { blamed, error }
        }
    }
}

struct Server {
    exports: Exports,
    intake: Arc<Intake>,
    open: Arc<OpenCalls>,
    capabilities: Arc<Capabilities>,
    calls_in_flight: usize,
}

impl Server {
    /// Takes what waits into the guest, until something ends it.
    async fn serve(&self, guest: &Accessor<Sandbox>) -> Ending {
        let mut under_way = FuturesUnordered::new();
        let mut calls = 0usize;
        let waking = &self.intake.clock().pulse.waking;
        let waker = Waker::from(Arc::clone(waking));
        poll_fn(|_| {
            let cx = &mut Context::from_waker(&waker);
            waking.look();
            loop {
                while let Poll::Ready(Some(done)) = under_way.poll_next_unpin(cx) {
                    match done {
                        Ok(Kind::Call) => calls -= 1,
                        Ok(Kind::Notification(number)) => self.intake.handled(number),
                        Ok(Kind::Handled | Kind::Background) => {}
                        Err(ending) => return Poll::Ready(ending),
                    }
                }
                if self.intake.is_sated() {
                    // The engine runs those first; then it is the others' turn.
                    cx.waker().wake_by_ref();
                    break;
                }
                let more_calls = calls < self.calls_in_flight;
                let Poll::Ready((kind, delivery)) = self.intake.poll_take(more_calls, cx) else {
                    break;
                };
                if kind == Kind::Call {
                    calls += 1;
                }
                under_way.push(self.deliver(guest, kind, delivery));
            }
            match self.intake.poll_missed(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(missed) => {
                    self.capabilities.overdue_notification(missed.deadline);
                    // The next one may go in.
                    cx.waker().wake_by_ref();
                    match missed.overdue >= self.capabilities.policy.limits.calls_overdue {
                        false => Poll::Pending,
                        true => Poll::Ready(Ending {
                            blamed: None,
                            error: wasmtime::Error::msg(format!(
                                "{} of its notifications are overdue (limits.calls_overdue)",
                                missed.overdue
                            )),
                        }),
                    }
                }
            }
        })
        .await
    }

    /// Performs one call.
    async fn deliver(
        &self,
        guest: &Accessor<Sandbox>,
        kind: Kind,
        Delivery { id, call }: Delivery,
    ) -> Result<Kind, Ending> {
        let label = call.label();
        match self.perform(guest, id, kind, call).await {
            Ok((answer, kind)) => {
                let expected = id != 0 && kind != Kind::Background;
                if expected && self.intake.clock().pulse.is_away() {
                    self.open.post(id, answer);
                } else if expected && self.open.settle(id, answer) == Settled::Late {
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

    async fn perform(
        &self,
        guest: &Accessor<Sandbox>,
        id: CallId,
        kind: Kind,
        call: Call,
    ) -> wasmtime::Result<(Answer, Kind)> {
        let exports = &self.exports;
        let mut kind = kind;
        let run = Run {
            server: self,
            guest,
            id,
            label: call.label(),
            kind: &mut kind,
        };
        let answer = match call {
            Call::Hook { hook, payload } => {
                let (answer,) = run.call(exports.hook, (id, hook, payload)).await?;
                answer.map_or_else(Answer::Declined, Answer::Json)
            }
            Call::Notification {
                topic,
                params,
                origin,
            } => {
                run.call(exports.notification, (topic, params, origin))
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
                let (result,) = run.call(exports.method, arguments).await?;
                result.map_or_else(error_answer, Answer::Json)
            }
            Call::Check { method, params } => {
                let (result,) = run.call(exports.check, (id, method, params)).await?;
                result.map_or_else(error_answer, |()| Answer::Done)
            }
            Call::SetConfig {
                option,
                value,
                check_only,
            } => {
                let arguments = (id, option, value, check_only);
                let (result,) = run.call(exports.setconfig, arguments).await?;
                result.map_or_else(error_answer, |()| Answer::Done)
            }
            Call::Manifest { request } => {
                let (manifest,) = run.call(exports.getmanifest, (request,)).await?;
                Answer::Json(manifest)
            }
            Call::Init { init } => {
                let (result,) = run.call(exports.init, (init,)).await?;
                result.map_or_else(Answer::Declined, |()| Answer::Done)
            }
            Call::Run => {
                run.call(exports.run, ()).await?;
                Answer::Done
            }
        };
        Ok((answer, kind))
    }
}

/// One call, on its way into the engine.
struct Run<'a> {
    server: &'a Server,
    guest: &'a Accessor<Sandbox>,
    id: CallId,
    label: Label,
    /// What the call is; at its end, what it has become.
    kind: &'a mut Kind,
}

impl Run<'_> {
    async fn call<P, R>(self, export: TypedFunc<P, R>, params: P) -> wasmtime::Result<R>
    where
        P: ComponentNamedList + Lower + 'static,
        R: ComponentNamedList + Lift + 'static,
    {
        let Clock {
            running,
            pulse,
            ticker,
        } = self.server.intake.clock();
        let begun = self
            .guest
            .with(|store| export.start_call_concurrent(store, params))?;
        let task = begun.task();
        running.begin(task, self.id, self.label, *self.kind);
        let result = export.finish_call_concurrent(self.guest, begun).await?;
        // After a trap it stays, to be blamed.
        if let Some(kind) = running.end(task) {
            *self.kind = kind;
        }
        pulse.came_back(ticker.now());
        Ok(result)
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
