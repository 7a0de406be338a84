//! A guest from its first instance to its last: start, calls, faults, restarts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::call::{Answer, Call, Fault};
use super::fault::{Incident, Kind, excerpt};
use super::instance::{End, Life, Seed};
use super::open::Open;
use crate::bridge::lineage::Lineage;
use crate::lightningd::message::RequestId;
use crate::lightningd::output::Level;

/// Where a guest stands.
#[derive(Debug, Clone)]
pub enum State {
    /// No instance answers yet.
    Starting,
    /// It has given its manifest; `init` has not come. Only `db_write` goes in.
    Waiting(Arc<Life>),
    /// It has been told `init`.
    Initialising,
    /// It serves.
    Ready(Arc<Life>),
    /// It failed and will be started again.
    Resting(Arc<str>),
    /// It was refused, or failed before its first manifest: it will not be started again.
    Gone(Arc<str>),
    /// It failed too often: it will not be started again while this bridge runs.
    Quarantined(Arc<str>),
    /// It disabled itself.
    Disabled(Arc<str>),
}

/// Who a call is for, beside the guest.
#[derive(Debug, Clone, Default)]
pub struct Cause {
    /// lightningd's id, where progress may be reported on it.
    pub request: Option<RequestId>,
    /// The guests whose own RPC calls led here.
    pub lineage: Lineage,
}

/// One guest, whatever its instances do.
#[derive(Debug)]
pub struct Guest {
    seed: Seed,
    state: watch::Sender<State>,
    manifest: watch::Sender<Option<Result<String, Fault>>>,
    init: watch::Sender<Option<Arc<str>>>,
    request: Arc<str>,
}

/// How long open calls may go on when an instance is replaced.
const DRAIN: Duration = Duration::from_secs(5);

impl Guest {
    /// Starts the guest; `request` are the params of `getmanifest`.
    pub fn start(seed: Seed, request: Arc<str>) -> Arc<Guest> {
        let guest = Arc::new(Guest {
            seed,
            state: watch::Sender::new(State::Starting),
            manifest: watch::Sender::new(None),
            init: watch::Sender::new(None),
            request,
        });
        tokio::spawn(supervise(Arc::clone(&guest)));
        guest
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.seed.capabilities.guest
    }

    /// What it may do, and its counters.
    pub fn capabilities(&self) -> &Arc<crate::capability::Capabilities> {
        &self.seed.capabilities
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Its manifest, once its first instance has given it.
    pub async fn manifest(&self) -> Result<String, Fault> {
        let mut manifest = self.manifest.subscribe();
        let seen = manifest.wait_for(Option::is_some).await;
        match seen.as_deref() {
            Ok(Some(manifest)) => manifest.clone(),
            _ => Err(Fault::Absent("it was dropped".into())),
        }
    }

    /// Gives it its `init` params; also those that its next instances will get.
    pub fn set_init(&self, init: Arc<str>) {
        self.init.send_replace(Some(init));
    }

    /// Waits until `init` has led somewhere: ready, disabled, or a fault.
    pub async fn initialised(&self) -> State {
        let mut state = self.state.subscribe();
        let settled =
            |s: &State| !matches!(s, State::Starting | State::Waiting(_) | State::Initialising);
        match state.wait_for(settled).await {
            Ok(state) => state.clone(),
            Err(_) => State::Gone("it was dropped".into()),
        }
    }

    /// It will not be used: ends it for good.
    pub fn refuse(&self, why: &str) {
        let before = self.state.send_replace(State::Gone(why.into()));
        if let State::Waiting(life) | State::Ready(life) = before {
            life.kill();
        }
    }

    /// Does it serve?
    pub fn is_ready(&self) -> bool {
        matches!(&*self.state.borrow(), State::Ready(_))
    }

    /// Queues a notification that nobody waits for; `lineage` are the guests whose words
    /// led to it.
    pub fn notify(&self, call: Call, lineage: Lineage) {
        let dropped = self.seed.mailbox.notify_because(0, call, lineage);
        self.say_dropped(dropped);
    }

    /// Notifications that were dropped because too many waited.
    pub fn dropped_notifications(&self) -> u64 {
        self.seed.mailbox.dropped()
    }

    fn say_dropped(&self, dropped: Option<Call>) {
        if let Some(dropped) = dropped {
            let total = self.seed.mailbox.dropped();
            // Every loss is counted; powers of two keep a flood from flooding the log, too.
            if total.is_power_of_two() {
                let word = format!(
                    "does not keep up: {dropped} was dropped, {total} in all (limits.queue_length)"
                );
                self.seed.capabilities.node.log.unusual(self.name(), &word);
            }
        }
    }

    /// Calls it, and waits no longer than until the deadline.
    pub async fn call(
        &self,
        call: Call,
        deadline: Option<Duration>,
        cause: Cause,
    ) -> Result<Answer, Fault> {
        self.call_begun(Instant::now(), call, deadline, cause).await
    }

    /// The same, for who has read the clock.
    pub async fn call_begun(
        &self,
        began: Instant,
        call: Call,
        deadline: Option<Duration>,
        cause: Cause,
    ) -> Result<Answer, Fault> {
        let counters = &self.seed.capabilities.counters;
        counters.calls.add();
        let until = deadline.map(|d| (began + d, d));
        let life = match self.ready_life(&call) {
            Some(life) => life,
            None => self.wait_for_life(&call, until, &cause).await?,
        };
        self.deliver(&life, call, until, cause).await
    }

    /// Queues a call for this very life, ready or not, and waits for the answer.
    async fn deliver(
        &self,
        life: &Arc<Life>,
        call: Call,
        until: Option<(Instant, Duration)>,
        cause: Cause,
    ) -> Result<Answer, Fault> {
        let id = self.seed.capabilities.node.next_call();
        let (reply, answer) = oneshot::channel();
        let Cause { request, lineage } = cause;
        life.open.open(
            id,
            Open {
                reply,
                request,
                lineage,
                call: call.clone(),
                until: until.map(|(at, allowed)| (at, allowed.as_millis() as u64)),
            },
        )?;
        match call {
            Call::Notification { .. } => self.say_dropped(self.seed.mailbox.notify(id, call)),
            _ => self.seed.mailbox.call(id, call),
        }
        let answered = answer.await;
        if let Ok(Err(Fault::Deadline(_))) = &answered {
            self.missed(life, id);
        }
        answered.unwrap_or_else(|_| Err(Fault::Absent("its instance ended".into())))
    }

    /// The way of nearly all calls.
    fn ready_life(&self, call: &Call) -> Option<Arc<Life>> {
        match &*self.state.borrow() {
            State::Ready(life) => Some(Arc::clone(life)),
            State::Waiting(life) if comes_before_init(call) => Some(Arc::clone(life)),
            _ => None,
        }
    }

    async fn wait_for_life(
        &self,
        call: &Call,
        until: Option<(Instant, Duration)>,
        cause: &Cause,
    ) -> Result<Arc<Life>, Fault> {
        let mut states = self.state.subscribe();
        loop {
            match &*states.borrow_and_update() {
                State::Ready(life) => return Ok(Arc::clone(life)),
                State::Waiting(life) if comes_before_init(call) => return Ok(Arc::clone(life)),
                State::Resting(why) | State::Gone(why) => {
                    return Err(Fault::Absent(Arc::clone(why)));
                }
                State::Quarantined(why) => return Err(Fault::Quarantined(Arc::clone(why))),
                State::Disabled(why) => return Err(Fault::Disabled(Arc::clone(why))),
                // A guest's init that waits for its own RPC call, which waits for
                // another guest's hook, which waits for that guest's init, would be a ring.
                State::Waiting(_) | State::Initialising if !cause.lineage.guests().is_empty() => {
                    return Err(Fault::Absent("it has not finished init".into()));
                }
                State::Starting | State::Waiting(_) | State::Initialising => {}
            }
            let changed = match until {
                None => states.changed().await.is_ok(),
                Some((at, allowed)) => match timeout_at(at, states.changed()).await {
                    Ok(changed) => changed.is_ok(),
                    Err(_) => return Err(Fault::Deadline(allowed.as_millis() as u64)),
                },
            };
            if !changed {
                return Err(Fault::Absent("it was dropped".into()));
            }
        }
    }

    /// Nobody waits for this call any longer. A task inside a guest cannot be
    /// cancelled; when too many pile up, the instance is replaced.
    fn missed(&self, life: &Arc<Life>, id: u64) {
        if self.seed.mailbox.withdraw(id) {
            life.open.settle(id, Answer::Done);
            return;
        }
        if life.open.overdue() as u64 >= self.seed.capabilities.policy.limits.calls_overdue {
            self.retire(
                life,
                "too many of its calls are overdue (limits.calls_overdue)".into(),
            );
        }
    }

    /// No more calls for this life; it ends when those that are in time have.
    fn retire(&self, life: &Arc<Life>, why: Arc<str>) {
        let current = matches!(&*self.state.borrow(), State::Ready(now) if Arc::ptr_eq(now, life));
        if !current {
            return;
        }
        self.state.send_replace(State::Resting(why));
        let life = Arc::clone(life);
        tokio::spawn(async move {
            // Calls that are still in time may end well.
            drop(timeout(DRAIN, life.open.drained()).await);
            life.kill();
        });
    }

    /// The next life begins, with nothing to do: what the one before it left in the mailbox was for
    /// that one. Its background task is queued when its answer to `init` is seen, which may
    /// be after its end.
    fn begin(&self) -> Arc<Life> {
        self.seed.mailbox.forget_calls();
        Arc::new(self.seed.start())
    }

    /// First the manifest, then `init`, in every life alike.
    async fn start_up(&self, life: &Arc<Life>) -> Result<(), Refusal> {
        let limits = &self.seed.capabilities.policy.limits;
        let request = Call::Manifest {
            request: Arc::clone(&self.request),
        };
        let asked = request.clone();
        let manifest = match self
            .ask(life, request, limits.deadline("getmanifest"))
            .await
        {
            Ok(Answer::Json(manifest)) => manifest,
            Ok(_) => {
                let fault = Fault::Answer("no manifest".to_owned());
                return Err(Refusal::Fault(fault, asked));
            }
            Err(fault) => return Err(Refusal::Fault(fault, asked)),
        };
        self.manifest.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(Ok(manifest));
            }
            is_first
        });
        self.advance(State::Waiting(Arc::clone(life)))?;
        let mut inits = self.init.subscribe();
        let init = tokio::select! {
            init = inits.wait_for(Option::is_some) => match init.as_deref() {
                Ok(Some(init)) => Arc::clone(init),
                _ => return Err(Refusal::Over),
            },
            end = life.ended() => return Err(Refusal::Ended(end)),
        };
        self.advance(State::Initialising)?;
        let call = Call::Init { init };
        match self.ask(life, call.clone(), limits.deadline("init")).await {
            Ok(Answer::Declined(why)) => Err(Refusal::Disabled(why)),
            Ok(_) => self.advance(State::Ready(Arc::clone(life))),
            Err(fault) => Err(Refusal::Fault(fault, call)),
        }
    }

    /// A step of starting up, which always has a deadline.
    async fn ask(
        &self,
        life: &Arc<Life>,
        call: Call,
        deadline: Option<Duration>,
    ) -> Result<Answer, Fault> {
        let allowed = deadline.unwrap_or(Duration::from_secs(60));
        let until = Some((Instant::now() + allowed, allowed));
        self.deliver(life, call, until, Cause::default()).await
    }

    /// What the end of a life was.
    fn ended(&self, life: &Life, end: &End) -> Incident {
        let retired = match &*self.state.borrow() {
            State::Resting(why) if end.blamed.is_none() => Some(Arc::clone(why)),
            _ => None,
        };
        if let Some(why) = retired {
            return Incident::new(Kind::Replaced, &*why, None);
        }
        let text = match &end.blamed {
            Some(call) => format!("{} in {call}", end.reason),
            None => end.reason.to_string(),
        };
        let heard = || {
            let heard = self.seed.capabilities.hearing.call()?;
            (Some(heard.label()) == end.blamed).then_some(heard)
        };
        Incident {
            kind: if end.limit { Kind::Limit } else { Kind::Trap },
            text,
            call: life.open.culprit().or_else(heard),
            backtrace: Arc::clone(&end.backtrace),
        }
    }

    /// The next state, unless the guest was refused meanwhile.
    fn advance(&self, next: State) -> Result<(), Refusal> {
        let advanced = self.state.send_if_modified(|state| {
            let over = matches!(state, State::Gone(_));
            if !over {
                *state = next;
            }
            !over
        });
        if advanced { Ok(()) } else { Err(Refusal::Over) }
    }
}

fn comes_before_init(call: &Call) -> bool {
    matches!(
        call,
        Call::Hook {
            hook: "db_write",
            ..
        }
    )
}

/// Why a guest does not serve.
enum Refusal {
    Disabled(String),
    /// In this step of starting.
    Fault(Fault, Call),
    Ended(End),
    Over,
}

async fn supervise(guest: Arc<Guest>) {
    let capabilities = Arc::clone(&guest.seed.capabilities);
    let log = &capabilities.node.log;
    let restart = &capabilities.policy.on_fault.restart;
    let mut faults: Vec<Instant> = Vec::new();
    loop {
        let life = guest.begin();
        let incident = match guest.start_up(&life).await {
            Ok(()) => {
                let background = capabilities.node.next_call();
                guest.seed.mailbox.call(background, Call::Run);
                let end = tokio::select! {
                    end = life.ended() => end,
                    why = capabilities.faults.escalated() => {
                        guest.retire(&life, why);
                        life.ended().await
                    }
                };
                guest.ended(&life, &end)
            }
            Err(Refusal::Over) => return life.kill(),
            Err(Refusal::Disabled(why)) => {
                let why = excerpt(&why);
                log.write(
                    Level::Info,
                    guest.name(),
                    &format!("disabled itself: {why}"),
                );
                guest
                    .state
                    .send_replace(State::Disabled(format!("it disabled itself: {why}").into()));
                return life.kill();
            }
            Err(Refusal::Ended(end)) => guest.ended(&life, &end),
            Err(Refusal::Fault(Fault::Trap(_) | Fault::Stopped(_), _)) => {
                let end = life.ended().await;
                guest.ended(&life, &end)
            }
            Err(Refusal::Fault(fault, call)) => {
                life.kill();
                // Until then it could take what is meant for the next one.
                drop(life.ended().await);
                let label = call.label();
                Incident::new(Kind::Start, format!("{label}: {fault}"), Some(call))
            }
        };
        if matches!(guest.state(), State::Gone(_)) {
            return;
        }
        let why = incident.text.clone();
        let written = capabilities.fault(incident);
        if guest.manifest.borrow().is_none() {
            // It never gave a manifest, so nothing of it is in the node: whoever
            // waits for the manifest reports it.
            let said: Arc<str> = format!("{why}{written}").into();
            guest.state.send_replace(State::Gone(Arc::clone(&said)));
            guest.manifest.send_replace(Some(Err(Fault::Absent(said))));
            return;
        }
        let now = Instant::now();
        faults.retain(|at| now.duration_since(*at) < restart.within);
        faults.push(now);
        let count = faults.len() as u32;
        if count > restart.times {
            let word = format!(
                "{why}; {count} faults within {:?}: quarantined until the bridge starts again{written}",
                restart.within
            );
            log.unusual(guest.name(), &word);
            // Unless it was refused meanwhile.
            drop(guest.advance(State::Quarantined(why.into())));
            return;
        }
        let pause = restart.pause_after(count);
        log.unusual(
            guest.name(),
            &format!("{why}; it starts again in {pause:?}{written}"),
        );
        if guest.advance(State::Resting(why.into())).is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
        capabilities.counters.restarts.add();
        if guest.advance(State::Starting).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
