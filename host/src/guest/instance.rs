//! One life of a guest: one store, one instance, many calls in flight in it.

use std::fmt;
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use wasmtime::component::{Accessor, Instance, InstancePre, TypedFunc};
use wasmtime::{AsContextMut, Engine};

use super::bindings::cln::guest::types;
use super::call::{Answer, Call, CallId, Fault};
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
    pub blamed: Option<Arc<str>>,
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
            drop(end.send(Some(End { reason, blamed })));
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
                };
            }
        }
    }
}

/// Why `live` returned.
struct Ending {
    blamed: Option<(CallId, Arc<str>)>,
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
        capabilities,
        calls_in_flight,
    };
    let served = store
        .run_concurrent(async |guest| server.serve(guest).await)
        .await;
    match served {
        Ok(ending) => ending,
        Err(error) => Ending {
            blamed: None,
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
}

impl Server {
    async fn serve(&self, guest: &Accessor<Sandbox>) -> Ending {
        let mut calls = FuturesUnordered::new();
        let mut notifications = 0usize;
        loop {
            let appetite = Appetite {
                calls: calls.len() - notifications < self.calls_in_flight,
                notifications: notifications == 0,
            };
            if let Some(delivery) = self.mailbox.take(appetite) {
                notifications += usize::from(is_notification(&delivery.call));
                calls.push(self.deliver(guest, delivery));
                continue;
            }
            tokio::select! {
                biased;
                Some(done) = calls.next(), if !calls.is_empty() => match done {
                    Ok(was_notification) => notifications -= usize::from(was_notification),
                    Err(ending) => return ending,
                },
                () = self.mailbox.wait() => {}
            }
        }
    }

    /// Performs one call; tells whether it was a notification.
    async fn deliver(
        &self,
        guest: &Accessor<Sandbox>,
        Delivery { id, call }: Delivery,
    ) -> Result<bool, Ending> {
        let was_notification = is_notification(&call);
        // The label is made only when it is needed: this is the hot path.
        let label = if was_notification {
            Some(call.to_string())
        } else {
            None
        };
        match self.exports.perform(guest, id, call).await {
            Ok(answer) => {
                if id != 0 && self.open.settle(id, answer) == Settled::Late {
                    self.capabilities.counters.late_answers.add();
                }
                Ok(was_notification)
            }
            Err(error) => Err(Ending {
                blamed: Some((id, label.unwrap_or_default().into())),
                error,
            }),
        }
    }
}

fn is_notification(call: &Call) -> bool {
    matches!(call, Call::Notification { .. })
}

type Json = Arc<str>;
type RpcResult<T> = (Result<T, types::RpcError>,);

/// The exports of `cln:guest/plugin`, with parameters that are lowered without a copy.
struct Exports {
    getmanifest: TypedFunc<(Json,), (String,)>,
    init: TypedFunc<(Json,), (Result<(), String>,)>,
    run: TypedFunc<(), ()>,
    method: TypedFunc<(CallId, Json, Json, Option<Json>, bool), RpcResult<String>>,
    check: TypedFunc<(CallId, Json, Json), RpcResult<()>>,
    setconfig: TypedFunc<(CallId, Json, Option<Json>, bool), RpcResult<()>>,
    notification: TypedFunc<(Json, Json, Option<Json>), ()>,
    hook: TypedFunc<(CallId, &'static str, Json), (Result<String, String>,)>,
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
