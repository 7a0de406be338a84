//! The notification that a guest handles now, and whose words led to it.
//!
//! Notifications reach a guest one at a time, so what it says meanwhile may be said
//! because of that one. Two guests that answer each other's log lines, or each
//! other's notifications, are recognised by this.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::call::Call;
use crate::bridge::lineage::Lineage;

/// How long after a notification a guest's lines may still be about it: handlers hand
/// work to the background task. What comes later is bounded by the guest's log rate.
const ECHO: Duration = Duration::from_secs(1);

/// What one guest hears.
#[derive(Debug, Default)]
pub struct Hearing {
    /// Is there anything of other guests below? Nearly always not.
    any: AtomicBool,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    now: Option<(Call, Lineage)>,
    /// Guests whose words led to a notification, and when it ended.
    lately: Vec<(Arc<str>, Instant)>,
}

impl Heard {
    /// Whose words led to what has ended.
    fn remember(&mut self, ended: Option<(Call, Lineage)>) {
        let Some((_, lineage)) = ended.filter(|(_, lineage)| lineage.depth() > 0) else {
            return;
        };
        let at = Instant::now();
        for guest in lineage.guests() {
            self.lately.retain(|(known, _)| known != guest);
            self.lately.push((Arc::clone(guest), at));
        }
    }
}

impl Hearing {
    /// The guest is given this notification, to which these guests' words led; what it handled
    /// until now has ended.
    pub fn began(&self, call: Call, lineage: Lineage) {
        let mut heard = self.lock();
        if lineage.depth() > 0 {
            self.any.store(true, Ordering::Relaxed);
        }
        let ended = heard.now.replace((call, lineage));
        heard.remember(ended);
    }

    /// It has handled it, or is not waited for any longer.
    pub fn ended(&self) {
        let mut heard = self.lock();
        let ended = heard.now.take();
        heard.remember(ended);
    }

    /// The notification that it handles now.
    pub fn call(&self) -> Option<Call> {
        Some(self.lock().now.as_ref()?.0.clone())
    }

    /// The lineage of the notification that it handles now.
    pub fn lineage(&self) -> Lineage {
        if !self.any.load(Ordering::Relaxed) {
            return Lineage::default();
        }
        match &self.lock().now {
            Some((_, lineage)) => lineage.clone(),
            None => Lineage::default(),
        }
    }

    /// The guests whose words led to what it handles, or handled until a moment ago.
    pub fn heard_from(&self) -> Lineage {
        if !self.any.load(Ordering::Relaxed) {
            return Lineage::default();
        }
        let mut heard = self.lock();
        let mut lineage = match &heard.now {
            Some((_, lineage)) => lineage.clone(),
            None => Lineage::default(),
        };
        heard.lately.retain(|(_, at)| at.elapsed() < ECHO);
        for (guest, _) in &heard.lately {
            lineage = lineage.with(guest);
        }
        if heard.now.is_none() && heard.lately.is_empty() {
            self.any.store(false, Ordering::Relaxed);
        }
        lineage
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call::Notification {
            topic: "log".into(),
            params: "{}".into(),
            origin: None,
        }
    }

    #[test]
    fn what_is_heard_counts_while_it_is_handled_and_a_moment_after() {
        let hearing = Hearing::default();
        assert!(hearing.call().is_none());
        hearing.began(call(), Lineage::default());
        assert!(hearing.call().is_some() && hearing.heard_from().guests().is_empty());
        hearing.ended();
        let b: Arc<str> = "b".into();
        hearing.began(call(), Lineage::default().with(&b));
        assert_eq!(hearing.lineage().depth(), 1);
        assert!(hearing.heard_from().contains("b"));
        hearing.ended();
        assert_eq!(hearing.lineage().depth(), 0);
        assert!(hearing.heard_from().contains("b"), "said a moment after");
        hearing.began(call(), Lineage::default().with(&"c".into()));
        hearing.began(call(), Lineage::default());
        assert_eq!(hearing.lineage().depth(), 0, "the next one is handled");
        assert!(hearing.heard_from().contains("c"), "one just ended");
        hearing.ended();
        hearing.lock().lately.clear();
        assert!(hearing.heard_from().guests().is_empty());
    }
}
