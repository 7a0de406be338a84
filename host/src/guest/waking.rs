//! Who polls a guest, and when it must be polled again.
//!
//! One poll of a guest lets the engine run all that can run. What ends meanwhile wakes whoever
//! waits for it, and the engine looks at those again before the poll ends: a waker of the
//! executor's would have the guest polled once more for nothing, for each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};

use futures::task::AtomicWaker;

/// A waker for what is looked at within the guest's own poll.
#[derive(Debug, Default)]
pub struct Waking {
    /// The guest is being polled.
    polling: AtomicBool,
    /// Something was woken, and has not been looked at since.
    woken: AtomicBool,
    poller: AtomicWaker,
}

impl Waking {
    /// From now on whoever has this context polls the guest.
    pub fn polled_by(&self, cx: &Context<'_>) {
        self.poller.register(cx.waker());
    }

    /// Has the guest polled, whatever became of it.
    pub fn wake_poller(&self) {
        self.poller.wake();
    }

    /// Polls the guest by `poll`; if something is left that nobody looked at, another poll follows.
    pub fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.polling.store(true, Ordering::SeqCst);
        let polled = poll(cx);
        self.polling.store(false, Ordering::SeqCst);
        if self.woken.load(Ordering::SeqCst) {
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// All that this waker was given to is looked at now.
    pub fn look(&self) {
        // What is not seen here is seen at the end of the poll.
        if self.woken.load(Ordering::Relaxed) {
            self.woken.swap(false, Ordering::SeqCst);
        }
    }
}

impl Wake for Waking {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        // Otherwise the end of the poll sees it: one of the two does.
        if !self.polling.load(Ordering::SeqCst) {
            self.wake_poller();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Waker;

    use super::*;

    #[derive(Default)]
    struct Executor(AtomicUsize);

    impl Wake for Executor {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Guest {
        waking: Arc<Waking>,
        executor: Arc<Executor>,
    }

    impl Guest {
        fn new() -> Guest {
            let (waking, executor) = (Arc::default(), Arc::default());
            let guest = Guest { waking, executor };
            guest
                .waking
                .polled_by(&Context::from_waker(&guest.executors()));
            guest
        }

        fn executors(&self) -> Waker {
            Arc::clone(&self.executor).into()
        }

        /// A waker for what is looked at in its polls.
        fn waker(&self) -> Waker {
            Arc::clone(&self.waking).into()
        }

        /// One poll in which this happens.
        fn poll(&self, within: impl FnOnce()) {
            let outer = self.executors();
            let mut cx = Context::from_waker(&outer);
            self.waking.polled_by(&cx);
            let polled: Poll<()> = self.waking.poll(&mut cx, |_| {
                within();
                Poll::Pending
            });
            assert!(polled.is_pending());
        }

        /// How often the executor was woken.
        fn woken(&self) -> usize {
            self.executor.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_is_looked_at_in_the_same_poll_needs_no_other() {
        let guest = Guest::new();
        guest.poll(|| {
            guest.waking.look();
            guest.waker().wake_by_ref();
            guest.waking.look();
        });
        assert_eq!(guest.woken(), 0);
    }

    #[test]
    fn what_is_not_looked_at_has_the_guest_polled_again() {
        let guest = Guest::new();
        guest.poll(|| {
            guest.waking.look();
            guest.waker().wake_by_ref();
            guest.waker().wake_by_ref();
        });
        assert_eq!(guest.woken(), 1);
    }

    #[test]
    fn between_polls_it_wakes_the_executor() {
        let guest = Guest::new();
        guest.waker().wake_by_ref();
        assert_eq!(guest.woken(), 1);
        guest.poll(|| guest.waking.look());
        assert_eq!(guest.woken(), 1, "it was looked at");
    }

    /// A wake from another thread, at any moment of a poll, is never lost.
    #[test]
    fn a_wake_from_elsewhere_is_looked_at_or_has_the_guest_polled_again() {
        for _ in 0..2_000 {
            let guest = Guest::new();
            let ready = Arc::new(AtomicBool::new(false));
            let (says, waker) = (Arc::clone(&ready), guest.waker());
            let elsewhere = std::thread::spawn(move || {
                says.store(true, Ordering::SeqCst);
                waker.wake();
            });
            let mut seen = false;
            guest.poll(|| {
                guest.waking.look();
                seen = ready.load(Ordering::SeqCst);
            });
            elsewhere.join().unwrap();
            assert!(seen || guest.woken() > 0);
        }
    }
}
