//! Deliveries that run.

use std::cell::RefCell;
use std::rc::Rc;

use futures::executor::LocalPool;

use super::node::{self, Node};
use crate::border;

/// A delivery that may not have been answered yet.
#[must_use = "the answer is in it"]
pub struct Open<T> {
    pub(super) what: String,
    pub(super) slot: Rc<RefCell<Option<T>>>,
    pub(super) node: Rc<Node>,
    pub(super) pool: Rc<RefCell<LocalPool>>,
}

impl<T> Open<T> {
    /// Whether the answer is there.
    pub fn is_finished(&self) -> bool {
        self.run();
        self.slot.borrow().is_some()
    }

    /// The answer.
    ///
    /// # Panics
    ///
    /// When there is none and nothing will happen any more until the test does something.
    pub fn finish(self) -> T {
        self.run();
        let answer = self.slot.borrow_mut().take();
        answer.unwrap_or_else(|| {
            panic!(
                "{} has not answered; {} tasks sleep (see Harness::advance)",
                self.what,
                self.node.sleepers()
            )
        })
    }

    fn run(&self) {
        border::enter(&node::border(&self.node));
        self.pool.borrow_mut().run_until_stalled();
    }
}
