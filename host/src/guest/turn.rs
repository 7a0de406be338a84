//! Notifications go into a guest one at a time, in lightningd's order. One that
//! does not end in time loses its turn and goes on beside the next.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::call::{Call, Label};
use crate::policy::limits::Limits;

/// Whose turn it is.
#[derive(Debug)]
pub struct Turn {
    deadline: Option<Duration>,
    current: Option<Current>,
    begun: u64,
    /// When the poll of the guest began in which turns are taken, once that was asked for.
    now: Option<Instant>,
    /// Lost their turn and have not ended.
    overdue: u64,
    /// Set for the deadline of some notification, not always of the current one:
    /// setting it anew for each would cost more than the delivery.
    alarm: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
struct Current {
    number: u64,
    label: Label,
    until: Option<Instant>,
}

/// A notification that lost its turn.
#[derive(Debug)]
pub struct Missed {
    /// How long it had.
    pub deadline: Duration,
    /// How many such have not ended, with this one.
    pub overdue: u64,
}

impl Turn {
    /// Nobody's.
    pub fn new(limits: &Limits) -> Self {
        Turn {
            deadline: limits.deadline("notification"),
            current: None,
            begun: 0,
            now: None,
            overdue: 0,
            alarm: None,
        }
    }

    /// May the next one go in?
    pub fn is_free(&self) -> bool {
        self.current.is_none()
    }

    /// Is it the turn of this notification?
    pub fn is_of(&self, number: u64) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.number == number)
    }

    /// The guest is polled anew.
    pub fn polled(&mut self) {
        self.now = None;
    }

    /// The turn of this notification begins; its number. To the clock, all turns of one poll
    /// begin with its first: reading it costs as much as handing over a tenth of a notification.
    pub fn take(&mut self, call: &Call) -> u64 {
        self.begun += 1;
        let now = &mut self.now;
        self.current = Some(Current {
            number: self.begun,
            label: call.label(),
            until: (self.deadline).map(|deadline| *now.get_or_insert_with(Instant::now) + deadline),
        });
        self.begun
    }

    /// This notification was handled; which it was, if in time.
    pub fn ended(&mut self, number: u64) -> Option<Label> {
        match self.current.take_if(|current| current.number == number) {
            Some(current) => Some(current.label),
            None => {
                self.overdue = self.overdue.saturating_sub(1);
                None
            }
        }
    }

    /// Ready when the current one is out of time: its turn is over.
    pub fn poll_missed(&mut self, cx: &mut Context<'_>) -> Poll<Missed> {
        loop {
            let (Some(deadline), Some(until)) =
                (self.deadline, self.current.as_ref().and_then(|c| c.until))
            else {
                return Poll::Pending;
            };
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(sleep_until(until)));
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.alarm = None;
            if Instant::now() < until {
                continue;
            }
            self.current = None;
            self.overdue += 1;
            return Poll::Ready(Missed {
                deadline,
                overdue: self.overdue,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_added() -> Call {
        Call::Notification {
            topic: "block_added".into(),
            params: "{}".into(),
            origin: None,
        }
    }

    async fn missed(turn: &mut Turn) -> Missed {
        std::future::poll_fn(|cx| turn.poll_missed(cx)).await
    }

    #[tokio::test]
    async fn each_has_the_whole_deadline() {
        let deadline = Duration::from_millis(20);
        let mut turn = Turn::new(&Limits::default());
        turn.deadline = Some(deadline);
        let first = turn.take(&block_added());
        assert!(!turn.is_free());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(turn.poll_missed(&mut cx).is_pending());
        turn.ended(first);
        assert!(turn.is_free());
        turn.polled();

        let began = Instant::now();
        let second = turn.take(&block_added());
        let lost = missed(&mut turn).await;
        assert!(
            began.elapsed() >= deadline,
            "the first one's alarm is not the second's"
        );
        assert_eq!((lost.deadline, lost.overdue), (deadline, 1));
        assert!(turn.is_free());

        turn.polled();
        let third = turn.take(&block_added());
        turn.ended(second);
        assert!(!turn.is_free(), "the late end of another changes nothing");
        turn.ended(third);
        turn.polled();
        turn.take(&block_added());
        assert_eq!(missed(&mut turn).await.overdue, 1, "the late one has ended");
    }
}
