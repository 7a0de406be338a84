//! One life of a guest: one store, one instance, many calls in flight in it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use wasmtime::component::{Accessor, ComponentNamedList, InstancePre, Lift, Lower, TypedFunc};
use wasmtime::{AsContextMut, Engine};

use super::bindings::cln::guest::types;
use super::call::{Answer, Call, CallId, Fault, Label};
use super::exports::Exports;
use super::intake::{Intake, Taken};
use super::mailbox::{Delivery, Mailbox};
use super::open::OpenCalls;
use super::pace::Pulse;
use super::place;
use super::running::{Kind, Part, Running};
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
        let ticker = Arc::clone(&self.ticker);
        let record = Arc::clone(&self.capabilities.pace);
        let running = place::run(Box::pin(life), Arc::clone(&pulse), ticker, record);
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
    let calls = Arc::clone(&open);
    let intake = Arc::new(Intake::new(
        mailbox,
        Arc::clone(&capabilities),
        clock,
        calls,
    ));
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
                error: with_memory(error, store.data()),
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
        Ok(Ending { blamed, error }) => Ending {
            blamed,
            error: with_memory(error, store.data()),
        },
        Err(error) => {
            let Capabilities { faults, memory, .. } = &*server.capabilities;
            faults.memory_at_end.store(memory.get(), Ordering::Relaxed);
            // The engine leaves the stack of the task that trapped as it was.
            let mut store = store.as_context_mut();
            let blamed = match store.async_call_stack() {
                Ok(stack) => server.intake.clock().running.call_of(stack),
                Err(_) => None,
            };
            let error = with_memory(error, store.data());
            Ending { blamed, error }
        }
    }
}

/// The error, and before it that the guest was refused memory, if it was.
fn with_memory(error: wasmtime::Error, sandbox: &Sandbox) -> wasmtime::Error {
    match sandbox.refused_memory() {
        Some(exhausted) => error.context(exhausted),
        None => error,
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
            let mut more = false;
            loop {
                while let Poll::Ready(Some(done)) = under_way.poll_next_unpin(cx) {
                    match done {
                        Ok(Kind::Call) => calls -= 1,
                        Ok(Kind::Notification(number)) => self.intake.handled(number),
                        Ok(Kind::Handled | Kind::Background) => {}
                        Err(ending) => return Poll::Ready(ending),
                    }
                }
                if more || self.intake.is_sated() {
                    // The engine runs those first. Then it is the others' turn, or those behind
                    // the last one, which the guest may have taken meanwhile.
                    cx.waker().wake_by_ref();
                    break;
                }
                let more_calls = calls < self.calls_in_flight;
                let Poll::Ready(taken) = self.intake.poll_take(more_calls, cx) else {
                    break;
                };
                if taken.kind == Kind::Call {
                    calls += 1;
                }
                more = taken.more;
                under_way.push(self.deliver(guest, taken));
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
        Taken {
            kind,
            delivery: Delivery { id, call },
            more,
        }: Taken,
    ) -> Result<Kind, Ending> {
        let label = call.label();
        let mut part = Part { id, label, kind };
        match self.perform(guest, &mut part, call, more).await {
            Ok(answer) => {
                if part.id != 0 && part.kind != Kind::Background {
                    self.intake.settle(part.id, answer);
                }
                Ok(part.kind)
            }
            Err(error) => Err(Ending {
                blamed: Some((part.id, part.label)),
                error,
            }),
        }
    }

    async fn perform(
        &self,
        guest: &Accessor<Sandbox>,
        part: &mut Part,
        call: Call,
        more: bool,
    ) -> wasmtime::Result<Answer> {
        let exports = &self.exports;
        let id = part.id;
        let run = Run {
            server: self,
            guest,
            part,
        };
        Ok(match call {
            Call::Hook { hook, payload } => {
                let arguments = (id, hook, payload, more);
                let (answer,) = run.call(exports.hook, arguments).await?;
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
        })
    }
}

/// One call, on its way into the engine.
struct Run<'a> {
    server: &'a Server,
    guest: &'a Accessor<Sandbox>,
    /// What the call is; at its end, what it has become.
    part: &'a mut Part,
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
        running.begin(task, self.part.clone());
        let result = export.finish_call_concurrent(self.guest, begun).await;
        // After a trap it stays, to be blamed.
        let part = match result {
            Ok(_) => running.end(task),
            Err(_) => running.part(task),
        };
        if let Some(part) = part {
            *self.part = part;
        }
        let result = result?;
        pulse.came_back(ticker.now());
        Ok(result)
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
