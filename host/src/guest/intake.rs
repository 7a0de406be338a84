//! What goes into one life of a guest, and in which order.
//!
//! A call is begun for each delivery. Notifications are handled one at a time, and a
//! guest that has handled one may take the next in the same call (`subscription.next`),
//! which costs a fraction of what another call would.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use wasmtime::component::{ComponentType, GuestTaskId, Linker, Lower};

use super::call::Call;
use super::mailbox::{Appetite, Delivery, Mailbox};
use super::running::Kind;
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
    turn: Mutex<Turn>,
}

impl Intake {
    /// Nothing has been taken yet.
    pub fn new(mailbox: Arc<Mailbox>, capabilities: Arc<Capabilities>, clock: Arc<Clock>) -> Self {
        let turn = Turn::new(&capabilities.policy.limits);
        Intake {
            mailbox,
            capabilities,
            clock,
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

    /// The next delivery that a call is to be begun for, and what that is.
    /// `calls`: may calls go in?
    pub fn poll_take(&self, calls: bool, cx: &mut Context<'_>) -> Poll<(Kind, Delivery)> {
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
            (kind, delivery)
        })
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
        let number = turn.take(&next);
        drop(turn);
        let label = next.label();
        let another = before.as_ref() != Some(&label);
        running.goes_on(task, label, number);
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

/// The imported interface, by version.
const SUBSCRIPTION_INTERFACE: &str = "cln:guest/subscription@0.1.0";

/// Lets guests take their notifications.
pub fn add_to_linker(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(SUBSCRIPTION_INTERFACE)?;
    interface.func_wrap("next", |mut store, (): ()| {
        let intake = Arc::clone(&store.data().intake);
        Ok((intake.next(store.async_call_stack()?),))
    })
}
