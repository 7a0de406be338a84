//! What goes into one life of a guest, and in which order.
//!
//! A call is begun for each delivery. Notifications are handled one at a time, and a
//! guest that has handled one may take the next in the same call (`subscription.next`),
//! which costs a fraction of what another call would. So may one that has answered a hook
//! (`hooks.next`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use wasmtime::component::{ComponentType, GuestTaskId, Linker, Lower};

use super::call::{Answer, Call, CallId, Label};
use super::mailbox::{Appetite, Delivery, Mailbox};
use super::open::{OpenCalls, Settled};
use super::running::{Kind, Part};
use super::sandbox::{Clock, Sandbox};
use super::turn::{Missed, Turn};
use crate::capability::Capabilities;

/// Deliveries before whoever else is on the bridge's thread gets it.
const BURST: u32 = 32;

/// The intake of one life.
#[derive(Debug)]
pub struct Intake {
    mailbox: Arc<Mailbox>,
    capabilities: Arc<Capabilities>,
    clock: Arc<Clock>,
    open: Arc<OpenCalls>,
    turn: Mutex<Turn>,
}

/// A delivery that a call is to be begun for.
#[derive(Debug)]
pub struct Taken {
    /// What that call is.
    pub kind: Kind,
    /// The delivery.
    pub delivery: Delivery,
    /// A hook that has another behind it, which the guest may take when it has answered this one.
    pub more: bool,
}

impl Intake {
    /// Nothing has been taken yet.
    pub fn new(
        mailbox: Arc<Mailbox>,
        capabilities: Arc<Capabilities>,
        clock: Arc<Clock>,
        open: Arc<OpenCalls>,
    ) -> Self {
        let turn = Turn::new(&capabilities.policy.limits);
        Intake {
            mailbox,
            capabilities,
            clock,
            open,
            turn: Mutex::new(turn),
        }
    }

    /// The clock, which knows what runs in the guest.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Is it the turn of others, until the guest is polled again?
    pub fn is_sated(&self) -> bool {
        self.clock.pulse.taken() >= BURST
    }

    /// The next delivery that a call is to be begun for. `calls`: may calls go in?
    pub fn poll_take(&self, calls: bool, cx: &mut Context<'_>) -> Poll<Taken> {
        let mut turn = self.lock();
        let appetite = Appetite {
            calls,
            notifications: turn.is_free(),
        };
        self.mailbox.poll_take(appetite, cx).map(|delivery| {
            self.begins(&mut turn);
            let kind = match &delivery.call {
                Call::Notification { .. } => Kind::Notification(turn.take(&delivery.call)),
                Call::Run => Kind::Background,
                _ => Kind::Call,
            };
            let more = matches!(delivery.call, Call::Hook { .. }) && self.hook_follows();
            Taken {
                kind,
                delivery,
                more,
            }
        })
    }

    /// A call was answered.
    pub fn settle(&self, id: CallId, answer: Answer) {
        if self.clock.pulse.is_away() {
            self.open.post(id, answer);
        } else if self.open.settle(id, answer) == Settled::Late {
            self.capabilities.counters.late_answers.add();
        }
    }

    /// A notification's handling has ended.
    pub fn handled(&self, number: u64) {
        let ended = self.lock().ended(number);
        if let Some(label) = ended {
            self.capabilities.faults.good(&label);
        }
    }

    /// Ready when the notification that is handled now has lost its turn.
    pub fn poll_missed(&self, cx: &mut Context<'_>) -> Poll<Missed> {
        self.lock().poll_missed(cx)
    }

    /// The guest asks for the next notification. `stack` are the tasks that run, the
    /// innermost first.
    fn next(&self, stack: impl Iterator<Item = GuestTaskId>) -> Option<Given> {
        let Clock {
            pulse,
            ticker,
            running,
        } = &*self.clock;
        let (task, number) = running.notification_of(stack)?;
        let mut turn = self.lock();
        // One that has lost its turn may not pass by the one that has it now.
        if !turn.is_of(number) {
            return None;
        }
        let before = turn.ended(number);
        if let Some(label) = &before {
            self.capabilities.faults.good(label);
        }
        let may = !self.is_sated();
        let Some(next) = self.mailbox.take_following(may) else {
            running.handled(task);
            return None;
        };
        self.begins(&mut turn);
        let kind = Kind::Notification(turn.take(&next));
        drop(turn);
        let label = next.label();
        let another = before.as_ref() != Some(&label);
        running.goes_on(task, Part { id: 0, label, kind });
        pulse.came_back(ticker.now());
        match next {
            Call::Notification {
                topic,
                params,
                origin,
            } => Some(Given {
                topic: another.then_some(topic),
                params,
                origin,
            }),
            _ => None,
        }
    }

    fn hook_follows(&self) -> bool {
        !self.is_sated() && self.mailbox.hook_follows()
    }

    /// The guest has this answer to the hook that it was given, and asks for the next one. `stack`
    /// are the tasks that run, the innermost first. Without a next one the answer was not taken.
    fn next_hook(
        &self,
        stack: impl Iterator<Item = GuestTaskId>,
        answer: Result<String, String>,
    ) -> Option<GivenHook> {
        let Clock {
            pulse,
            ticker,
            running,
        } = &*self.clock;
        let (task, id, before) = running.hook_of(stack)?;
        if self.is_sated() {
            return None;
        }
        let (Delivery { id: next, call }, more) = self.mailbox.take_following_hook()?;
        let Call::Hook { hook, payload } = call else {
            return None;
        };
        self.settle(id, answer.map_or_else(Answer::Declined, Answer::Json));
        pulse.takes();
        let (label, kind) = (Label::Hook(hook), Kind::Call);
        running.goes_on(
            task,
            Part {
                id: next,
                label,
                kind,
            },
        );
        pulse.came_back(ticker.now());
        Some(GivenHook {
            call: next,
            hook: (hook != before).then_some(hook),
            payload,
            more: more && !self.is_sated(),
        })
    }

    /// Another delivery goes in.
    fn begins(&self, turn: &mut Turn) {
        let pulse = &self.clock.pulse;
        if pulse.taken() == 0 {
            turn.polled();
        }
        pulse.takes();
    }

    fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `subscription.delivery`, lowered without a copy.
#[derive(Debug, ComponentType, Lower)]
#[component(record)]
struct Given {
    topic: Option<Arc<str>>,
    params: Arc<str>,
    origin: Option<Arc<str>>,
}

/// `hooks.delivery`, the same way.
#[derive(Debug, ComponentType, Lower)]
#[component(record)]
struct GivenHook {
    call: CallId,
    hook: Option<&'static str>,
    payload: Arc<str>,
    more: bool,
}

/// The imported interfaces, by version.
const SUBSCRIPTION_INTERFACE: &str = "cln:guest/subscription@0.1.0";
const HOOKS_INTERFACE: &str = "cln:guest/hooks@0.1.0";

/// Lets guests take their notifications and their hooks.
pub fn add_to_linker(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    let mut subscription = linker.instance(SUBSCRIPTION_INTERFACE)?;
    subscription.func_wrap("next", |mut store, (): ()| {
        let intake = Arc::clone(&store.data().intake);
        Ok((intake.next(store.async_call_stack()?),))
    })?;
    let mut hooks = linker.instance(HOOKS_INTERFACE)?;
    hooks.func_wrap("next", |mut store, (answer,): (Result<String, String>,)| {
        let intake = Arc::clone(&store.data().intake);
        Ok((intake.next_hook(store.async_call_stack()?, answer),))
    })
}
