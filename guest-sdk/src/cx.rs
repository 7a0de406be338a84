//! What a handler is given: the guest's state, and the way out.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use cln_protocol::json::{self, RawValue};
use futures::channel::mpsc;
use futures::future::LocalBoxFuture;
use serde::Serialize;

use crate::border::{LogLevel, Outside};
use crate::error::{NotifyError, TimerError};
use crate::http::Http;
use crate::init::{self, Configuration};
use crate::interval::Interval;
use crate::kv::Kv;
use crate::members::Members;
use crate::option::Readable;
use crate::rpc::Rpc;
use crate::turn::Turn;

/// What all handlers of one instance share.
pub(crate) struct Core {
    pub border: Rc<Outside>,
    pub values: RefCell<Members<RawValue>>,
    pub configuration: OnceCell<Rc<Configuration>>,
    pub deprecated_apis: Cell<bool>,
    pub kv_turn: Rc<Turn>,
    pub background: mpsc::UnboundedSender<LocalBoxFuture<'static, ()>>,
}

/// The context of one delivery: a method, a notification, a hook.
///
/// It is cheap to clone. An instance of a guest is single-threaded: the state
/// needs no lock, a [`Cell`] or a [`RefCell`] will do; do not hold a borrow of
/// a `RefCell` over an `.await`.
pub struct Cx<S> {
    pub(crate) core: Rc<Core>,
    pub(crate) state: Rc<S>,
    pub(crate) call: u64,
    pub(crate) deprecated_ok: bool,
}

impl<S> Clone for Cx<S> {
    fn clone(&self) -> Self {
        Cx {
            core: Rc::clone(&self.core),
            state: Rc::clone(&self.state),
            call: self.call,
            deprecated_ok: self.deprecated_ok,
        }
    }
}

impl<S> fmt::Debug for Cx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

impl<S: 'static> Cx<S> {
    /// The guest's state.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The guest's state, to be kept.
    pub fn shared_state(&self) -> Rc<S> {
        Rc::clone(&self.state)
    }

    /// The value of an option, of the type that its const says. A dynamic option
    /// is read anew each time. Before `init` every option reads as absent.
    pub fn option<O: Readable>(&self, option: &O) -> O::Output {
        init::read(option, self.core.values.borrow().get(option.name()))
    }

    /// About the node. None before `init`.
    pub fn configuration(&self) -> Option<Rc<Configuration>> {
        self.core.configuration.get().cloned()
    }

    /// Whether whoever called this method may still use deprecated parameters.
    pub fn deprecated_ok(&self) -> bool {
        self.deprecated_ok
    }

    /// lightningd's JSON-RPC, as far as the operator grants it.
    pub fn rpc(&self) -> Rpc {
        Rpc::new(Rc::clone(&self.core.border), self.call)
    }

    /// What the guest keeps, as far as the operator grants it.
    pub fn kv(&self) -> Kv {
        let core = &self.core;
        Kv::new(Rc::clone(&core.border), Rc::clone(&core.kv_turn))
    }

    /// HTTP to the hosts that the operator grants.
    pub fn http(&self) -> Http {
        Http::new(Rc::clone(&self.core.border))
    }

    /// Sends a notification of one of the guest's own topics, which
    /// [`Guest::notification`](crate::Guest::notification) has declared. The
    /// payload must be a JSON object or array.
    pub fn notify(
        &self,
        topic: &str,
        payload: &(impl Serialize + ?Sized),
    ) -> Result<(), NotifyError> {
        let params =
            json::to_string(payload).map_err(|error| NotifyError::Malformed(error.to_string()))?;
        self.core.border.notify(topic, &params)
    }

    /// A word to whoever called this method, while it is open. `lightning-cli`
    /// shows those of level `Info` and above.
    pub fn message(&self, level: LogLevel, text: &str) {
        if self.call != 0 {
            self.core.border.message(self.call, level, text);
        }
    }

    /// Tells whoever called this method that `num` of `total` steps are done.
    pub fn progress(&self, num: u32, total: u32) {
        if self.call != 0 {
            self.core.border.progress(self.call, num, total, None);
        }
    }

    /// As [`progress`](Cx::progress), within `stage` = (number from 0, how many).
    pub fn progress_in_stage(&self, num: u32, total: u32, stage: (u32, u32)) {
        if self.call != 0 {
            self.core
                .border
                .progress(self.call, num, total, Some(stage));
        }
    }

    /// Waits. Others run meanwhile. It takes the capability `timer`, which the guest
    /// [asks for](crate::Guest::request) and the operator grants.
    pub fn sleep(
        &self,
        duration: Duration,
    ) -> impl Future<Output = Result<(), TimerError>> + 'static {
        self.core.border.sleep(duration)
    }

    /// Ticks that are `period` apart, the first of them one `period` from now. It
    /// takes the capability `timer`.
    pub fn interval(&self, period: Duration) -> Interval {
        Interval::new(Rc::clone(&self.core.border), period)
    }

    /// The time: the wall clock, in a test the harness's own.
    pub fn now(&self) -> SystemTime {
        self.core.border.now()
    }

    /// The same context without a call: what is asked of lightningd with it is
    /// asked for nobody in particular.
    pub fn background(&self) -> Cx<S> {
        Cx {
            call: 0,
            ..self.clone()
        }
    }

    /// Runs `task` in the background, beyond the end of this handler. Tasks
    /// begin once `init` has succeeded, and end with the instance.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        // The receiver lives as long as the instance, which this context is part of.
        let _ = self.core.background.unbounded_send(Box::pin(task));
    }

    /// Calls `f` at each tick of an [`interval`](Cx::interval), for as long as the
    /// instance lives. Ticks that come while `f` is still at work are left out, but
    /// for one right after it. Without the capability `timer` it ends with a line in the log.
    pub fn every<F, Fut>(&self, period: Duration, mut f: F)
    where
        F: FnMut(Cx<S>) -> Fut + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        let cx = self.background();
        self.spawn(async move {
            let mut interval = cx.interval(period);
            loop {
                if let Err(error) = interval.tick().await {
                    let line = format!("every {period:?}: {error}; it is not done any more");
                    return cx.core.border.log(LogLevel::Unusual, &line);
                }
                f(cx.clone()).await;
            }
        });
    }
}
