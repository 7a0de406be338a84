//! What waits for a guest: calls, which are never dropped, and notifications,
//! of which the oldest give way when the guest does not keep up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::call::{Call, CallId};
use super::hearing::Hearing;
use crate::bridge::lineage::Lineage;

/// One thing to deliver.
#[derive(Debug)]
pub struct Delivery {
    /// 0 where nobody waits: notifications.
    pub id: CallId,
    /// What it is.
    pub call: Call,
}

/// The queue in front of one guest. It outlives the guest's instances.
#[derive(Debug)]
pub struct Mailbox {
    queue: Mutex<Queue>,
    notification_limit: usize,
    dropped: AtomicU64,
    hearing: Arc<Hearing>,
}

#[derive(Debug, Default)]
struct Queue {
    calls: VecDeque<(u64, Delivery)>,
    notifications: VecDeque<(u64, Delivery, Lineage)>,
    next: u64,
    /// The instance that found nothing to take.
    waiting: Option<Waker>,
    /// A notification has been taken and is not handled yet.
    handing_over: bool,
}

/// What the guest can take now.
#[derive(Debug, Clone, Copy)]
pub struct Appetite {
    /// Fewer calls are open than may be.
    pub calls: bool,
    /// No notification is being handled: they are delivered one at a time, in
    /// lightningd's order.
    pub notifications: bool,
}

impl Mailbox {
    /// An empty one that holds at most `notification_limit` notifications.
    pub fn new(notification_limit: usize) -> Self {
        Mailbox::heard_by(Arc::default(), notification_limit)
    }

    /// The same; `hearing` is told which notification the guest handles.
    pub fn heard_by(hearing: Arc<Hearing>, notification_limit: usize) -> Self {
        Mailbox {
            hearing,
            queue: Mutex::default(),
            notification_limit: notification_limit.max(1),
            dropped: AtomicU64::new(0),
        }
    }

    /// Queues a call.
    pub fn call(&self, id: CallId, call: Call) {
        let mut queue = self.lock();
        let sequence = queue.sequence();
        queue.calls.push_back((sequence, Delivery { id, call }));
        let waiting = queue.waiting.take();
        drop(queue);
        wake(waiting);
    }

    /// Queues a notification, with an id if somebody waits for its end; returns
    /// what had to give way.
    pub fn notify(&self, id: CallId, call: Call) -> Option<Call> {
        self.notify_because(id, call, Lineage::default())
    }

    /// The same, of a notification that these guests' words led to.
    pub fn notify_because(&self, id: CallId, call: Call, lineage: Lineage) -> Option<Call> {
        let mut queue = self.lock();
        let oldest = if queue.notifications.len() >= self.notification_limit {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            queue.notifications.pop_front()
        } else {
            None
        };
        let sequence = queue.sequence();
        queue
            .notifications
            .push_back((sequence, Delivery { id, call }, lineage));
        let waiting = queue.waiting.take();
        drop(queue);
        wake(waiting);
        oldest.map(|(_, delivery, _)| delivery.call)
    }

    /// Notifications dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Forgets a call that nobody waits for any more, if it is still here.
    pub fn withdraw(&self, id: CallId) -> bool {
        let mut queue = self.lock();
        let before = queue.calls.len();
        queue.calls.retain(|(_, delivery)| delivery.id != id);
        queue.calls.len() < before
    }

    /// Forgets all calls: those who waited have been told.
    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    /// The next delivery in the order of arrival, as far as the guest can take it;
    /// pending until something comes.
    pub fn poll_take(&self, appetite: Appetite, cx: &mut Context<'_>) -> Poll<Delivery> {
        let mut queue = self.lock();
        if queue.handing_over && appetite.notifications {
            // It has an appetite again: what it was given last is handled.
            queue.handing_over = false;
            self.hearing.ended();
        }
        match queue.take(appetite, &self.hearing) {
            Some(delivery) => Poll::Ready(delivery),
            None => {
                match &mut queue.waiting {
                    Some(waiting) => waiting.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }

    /// What the guest may handle right after the notification that it has handled, if it
    /// `may` handle any: one before which no call came, and for whose end nobody waits.
    pub fn take_following(&self, may: bool) -> Option<Call> {
        let mut queue = self.lock();
        if may && queue.has_following() {
            let next = queue.take_notification(&self.hearing)?;
            return Some(next.call);
        }
        if queue.handing_over {
            queue.handing_over = false;
            self.hearing.ended();
        }
        None
    }

    /// Could the guest handle a hook right after the one that it handles?
    pub fn hook_follows(&self) -> bool {
        self.lock().hook_follows()
    }

    /// The hook that the guest may handle right after the one that it has handled, and whether
    /// another follows that one.
    pub fn take_following_hook(&self) -> Option<(Delivery, bool)> {
        let mut queue = self.lock();
        if !queue.hook_follows() {
            return None;
        }
        let (_, delivery) = queue.calls.pop_front()?;
        Some((delivery, queue.hook_follows()))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waiting: Option<Waker>) {
    if let Some(waker) = waiting {
        waker.wake();
    }
}

impl Queue {
    fn take(&mut self, appetite: Appetite, hearing: &Hearing) -> Option<Delivery> {
        let call = self.calls.front().filter(|_| appetite.calls);
        let notification = self
            .notifications
            .front()
            .filter(|_| appetite.notifications);
        let notification_first = match (call, notification) {
            (None, None) => return None,
            (Some((c, _)), Some((n, ..))) => n < c,
            (call, _) => call.is_none(),
        };
        if !notification_first {
            return self.calls.pop_front().map(|(_, delivery)| delivery);
        }
        self.take_notification(hearing)
    }

    fn has_following(&self) -> bool {
        let Some((sequence, next, _)) = self.notifications.front() else {
            return false;
        };
        let before = |(call, _): &(u64, Delivery)| sequence < call;
        next.id == 0 && self.calls.front().is_none_or(before)
    }

    /// The next call is a hook, and no notification came before it.
    fn hook_follows(&self) -> bool {
        let Some((sequence, next)) = self.calls.front() else {
            return false;
        };
        let notified = self.notifications.front();
        matches!(next.call, Call::Hook { .. })
            && notified.is_none_or(|(notified, ..)| sequence < notified)
    }

    fn take_notification(&mut self, hearing: &Hearing) -> Option<Delivery> {
        let (_, delivery, lineage) = self.notifications.pop_front()?;
        self.handing_over = true;
        hearing.began(delivery.call.clone(), lineage);
        Some(delivery)
    }

    fn sequence(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(topic: &str) -> Call {
        Call::Notification {
            topic: topic.into(),
            params: "{}".into(),
            origin: None,
        }
    }

    fn names(mailbox: &Mailbox, appetite: Appetite) -> Vec<String> {
        let mut cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match mailbox.poll_take(appetite, &mut cx) {
            Poll::Ready(delivery) => Some(delivery.call.to_string()),
            Poll::Pending => None,
        })
        .collect()
    }

    const ALL: Appetite = Appetite {
        calls: true,
        notifications: true,
    };

    #[test]
    fn all_come_in_the_order_of_arrival() {
        let mailbox = Mailbox::new(10);
        mailbox.notify(0, notification("a"));
        mailbox.call(1, Call::Run);
        mailbox.notify(0, notification("b"));
        assert_eq!(
            names(&mailbox, ALL),
            ["notification a", "its background task", "notification b"]
        );
    }

    #[test]
    fn the_oldest_notification_gives_way_and_is_counted() {
        let mailbox = Mailbox::new(2);
        assert!(mailbox.notify(0, notification("a")).is_none());
        mailbox.notify(0, notification("b"));
        mailbox.call(1, Call::Run);
        let dropped = mailbox.notify(0, notification("c")).unwrap();
        assert_eq!(dropped.to_string(), "notification a");
        assert_eq!(mailbox.dropped(), 1);
        assert_eq!(
            names(&mailbox, ALL),
            ["notification b", "its background task", "notification c"]
        );
    }

    #[test]
    fn the_guest_hears_a_notification_until_it_wants_the_next() {
        let hearing = Arc::new(Hearing::default());
        let mailbox = Mailbox::heard_by(Arc::clone(&hearing), 10);
        let lineage = Lineage::default().with(&"b".into());
        let mut cx = Context::from_waker(Waker::noop());
        mailbox.notify_because(0, notification("a"), lineage);
        mailbox.call(1, Call::Run);
        assert!(mailbox.poll_take(ALL, &mut cx).is_ready());
        let busy = Appetite {
            notifications: false,
            ..ALL
        };
        assert!(mailbox.poll_take(busy, &mut cx).is_ready());
        assert!(hearing.call().is_some() && hearing.lineage().contains("b"));
        assert!(mailbox.poll_take(ALL, &mut cx).is_pending());
        assert!(hearing.call().is_none());
    }

    #[test]
    fn another_follows_unless_a_call_came_before_it_or_somebody_waits_for_it() {
        let hearing = Arc::new(Hearing::default());
        let mailbox = Mailbox::heard_by(Arc::clone(&hearing), 10);
        assert!(mailbox.take_following(true).is_none());
        for topic in ["a", "b"] {
            mailbox.notify(0, notification(topic));
        }
        mailbox.call(1, Call::Run);
        mailbox.notify(2, notification("c"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(mailbox.poll_take(ALL, &mut cx).is_ready());
        let following = mailbox.take_following(true).unwrap();
        assert_eq!(following.to_string(), "notification b");
        assert!(hearing.call().is_some(), "it is handled now");
        assert!(mailbox.take_following(true).is_none(), "a call came first");
        assert!(hearing.call().is_none(), "b is handled");
        assert!(mailbox.poll_take(ALL, &mut cx).is_ready());
        assert!(
            mailbox.take_following(true).is_none(),
            "its end is waited for"
        );
        assert_eq!(names(&mailbox, ALL), ["notification c"]);
        mailbox.notify(0, notification("d"));
        assert!(mailbox.take_following(false).is_none());
        assert_eq!(names(&mailbox, ALL), ["notification d"]);
    }

    #[test]
    fn a_hook_follows_unless_a_notification_or_another_call_came_before_it() {
        let hook = |payload: &str| Call::Hook {
            hook: "peer_connected",
            payload: payload.into(),
        };
        let mailbox = Mailbox::new(10);
        assert!(!mailbox.hook_follows());
        mailbox.call(1, hook("1"));
        mailbox.call(2, hook("2"));
        mailbox.notify(0, notification("a"));
        mailbox.call(3, hook("3"));
        mailbox.call(4, Call::Run);
        mailbox.call(5, hook("5"));
        let take = || {
            let (delivery, more) = mailbox.take_following_hook()?;
            Some((delivery.id, more))
        };
        assert!(mailbox.hook_follows());
        assert_eq!(take(), Some((1, true)));
        assert_eq!(take(), Some((2, false)));
        assert_eq!(take(), None, "a notification came first");
        assert_eq!(names(&mailbox, ALL)[0], "notification a");
    }

    #[test]
    fn a_full_guest_is_given_nothing() {
        let mailbox = Mailbox::new(2);
        mailbox.call(1, Call::Run);
        mailbox.notify(0, notification("a"));
        let (calls, notifications) = (false, true);
        assert_eq!(
            names(
                &mailbox,
                Appetite {
                    calls,
                    notifications
                }
            ),
            ["notification a"]
        );
        assert!(mailbox.withdraw(1));
        assert!(!mailbox.withdraw(1));
    }
}
