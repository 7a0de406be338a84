//! Only so many at a time, first come first served.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use futures::channel::oneshot;

/// A door that only so many may hold at a time; by default one.
#[derive(Debug)]
pub(crate) struct Turn {
    free: Cell<usize>,
    queue: RefCell<VecDeque<oneshot::Sender<()>>>,
}

impl Default for Turn {
    fn default() -> Self {
        Turn::of(1)
    }
}

impl Turn {
    /// For so many at a time.
    pub(crate) fn of(places: usize) -> Self {
        Turn {
            free: Cell::new(places),
            queue: RefCell::default(),
        }
    }

    /// Waits until all who asked before are done.
    pub(crate) async fn take(&self) -> Guard<'_> {
        if let Some(free) = self.free.get().checked_sub(1) {
            self.free.set(free);
        } else {
            let (sender, receiver) = oneshot::channel();
            self.queue.borrow_mut().push_back(sender);
            let waiting = Waiting {
                turn: self,
                receiver,
            };
            waiting.wait().await;
        }
        Guard(self)
    }

    fn pass_on(&self) {
        loop {
            let next = self.queue.borrow_mut().pop_front();
            let Some(next) = next else {
                self.free.set(self.free.get() + 1);
                return;
            };
            if next.send(()).is_ok() {
                return;
            }
        }
    }
}

/// One in the queue. Dropped after its turn came and before it took it, it passes the turn on.
struct Waiting<'a> {
    turn: &'a Turn,
    receiver: oneshot::Receiver<()>,
}

impl Waiting<'_> {
    async fn wait(mut self) {
        // The sender is in the queue or has sent; it is not dropped unsent.
        let _ = (&mut self.receiver).await;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(Some(())) = self.receiver.try_recv() {
            self.turn.pass_on();
        }
    }
}

/// Whose turn it is, until dropped.
pub(crate) struct Guard<'a>(&'a Turn);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.pass_on();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn turns_come_in_order() {
        let turn = Turn::default();
        let first = turn.take().now_or_never().unwrap();
        let mut second = Box::pin(turn.take());
        let mut third = Box::pin(turn.take());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        drop(first);
        assert!((&mut third).now_or_never().is_none());
        let second = (&mut second).now_or_never().unwrap();
        drop(second);
        assert!((&mut third).now_or_never().is_some());
        assert!(turn.take().now_or_never().is_some());
    }

    #[test]
    fn several_may_be_in_at_once() {
        let turn = Turn::of(2);
        let first = turn.take().now_or_never().unwrap();
        let second = turn.take().now_or_never().unwrap();
        let mut third = Box::pin(turn.take());
        assert!((&mut third).now_or_never().is_none());
        drop(second);
        let third = (&mut third).now_or_never().unwrap();
        assert!(turn.take().now_or_never().is_none());
        drop((first, third));
        let both = (turn.take().now_or_never(), turn.take().now_or_never());
        assert!(both.0.is_some() && both.1.is_some());
    }

    #[test]
    fn one_who_leaves_the_queue_does_not_block_it() {
        let turn = Turn::default();
        let first = turn.take().now_or_never().unwrap();
        let mut leaves = Box::pin(turn.take());
        let mut leaves_late = Box::pin(turn.take());
        let mut stays = Box::pin(turn.take());
        for waiting in [&mut leaves, &mut leaves_late, &mut stays] {
            assert!(waiting.now_or_never().is_none());
        }
        drop(leaves);
        drop(first);
        drop(leaves_late);
        assert!((&mut stays).now_or_never().is_some());
    }
}
