//! Answers that are given later, from somewhere else: held HTLCs and the like.
//!
//! The handler waits for the answer, a method or a notification brings it. What
//! waits costs one suspended task in the guest, and does not keep others from running.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::channel::oneshot;

/// An answer to be given, and the wait for it.
///
/// ```
/// # use cln_guest::prelude::*;
/// # fn main() { futures::executor::block_on(async {
/// let (ticket, answer) = hold::<&str>();
/// ticket.settle("resolve").unwrap();
/// assert_eq!(answer.await, Ok("resolve"));
/// # }) }
/// ```
pub fn hold<A>() -> (Ticket<A>, Answer<A>) {
    let (sender, receiver) = oneshot::channel();
    (Ticket(sender), Answer(receiver))
}

/// The right to give one answer. Dropped without, the one who waits gets [`Unsettled`].
///
/// # Deadlines
///
/// Who waits is this guest's handler, and what a ticket says is about the handler alone. A
/// deadline does not end it: the bridge then answers lightningd with its fallback and drops what the
/// handler answers later, and the guest is told nothing of either. For hooks the
/// deadline is 5 s unless the policy says otherwise, so a guest that holds HTLCs needs
///
/// ```toml
/// [limits.deadline]
/// htlc_accepted = "none"
/// ```
///
/// in its policy. With a deadline it would call HTLCs settled that were failed long ago.
///
/// `init` does not tell a guest its deadlines. In a bridge (a solo plugin has no `wasm-list`) it can look
/// them up at the price of a grant: with `rpc: method=wasm-list` it [calls](crate::Rpc::call)
/// `wasm-list` once it runs. The entry of `guests` whose `name` is that of its own file has, in
/// `limits.deadline_ms`, the hook's name, else `hook`: ms, or null for none. Where neither is
/// there, the default holds.
#[derive(Debug)]
#[must_use = "dropping a ticket gives up the answer"]
pub struct Ticket<A>(oneshot::Sender<A>);

impl<A> Ticket<A> {
    /// Gives the answer to the handler. `Err` is the answer, back: the handler has dropped its
    /// [`Answer`]. `Ok` does not say that lightningd gets it: after a
    /// [deadline](Ticket#deadlines) the bridge has answered already.
    pub fn settle(self, answer: A) -> Result<(), A> {
        self.0.send(answer)
    }

    /// Whether this guest's handler still waits. It does after a [deadline](Ticket#deadlines) too.
    pub fn is_open(&self) -> bool {
        !self.0.is_canceled()
    }
}

/// The wait for an answer: a future.
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Answer<A>(oneshot::Receiver<A>);

impl<A> Future for Answer<A> {
    type Output = Result<A, Unsettled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|answer| answer.map_err(|_| Unsettled))
    }
}

/// The ticket was dropped: there will be no answer. From a hook handler, this
/// error makes the bridge answer with its fallback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("held, and given up without an answer")]
pub struct Unsettled;

/// Held answers under a key, such as the HTLCs of one payment under their
/// payment hash. Several may be held under one key: a payment comes in parts.
///
/// It lives in the guest's state; every method takes `&self`. Whoever waits is this
/// guest's handler: what the bridge has answered after a [deadline](Ticket#deadlines) counts as held.
#[derive(Debug)]
pub struct Held<K, A>(RefCell<BTreeMap<K, Vec<Ticket<A>>>>);

impl<K, A> Default for Held<K, A> {
    fn default() -> Self {
        Held(RefCell::new(BTreeMap::new()))
    }
}

impl<K: Ord, A> Held<K, A> {
    /// None held.
    pub fn new() -> Self {
        Held::default()
    }

    /// Holds one more under `key`.
    pub fn hold(&self, key: K) -> Answer<A> {
        let (ticket, answer) = hold();
        let mut held = self.0.borrow_mut();
        let tickets = held.entry(key).or_default();
        tickets.retain(Ticket::is_open);
        tickets.push(ticket);
        answer
    }

    /// How many of this guest's handlers wait under `key`. Those whose
    /// [deadline](Ticket#deadlines) has passed are among them.
    pub fn waiting(&self, key: &K) -> usize {
        let held = self.0.borrow();
        held.get(key)
            .map_or(0, |tickets| tickets.iter().filter(|t| t.is_open()).count())
    }

    /// The keys under which a handler of this guest waits, in order.
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        let mut held = self.0.borrow_mut();
        held.retain(|_, tickets| {
            tickets.retain(Ticket::is_open);
            !tickets.is_empty()
        });
        held.keys().cloned().collect()
    }

    /// Gives all that are held under `key` this answer. Returns how many handlers took it; what of
    /// it reaches lightningd depends on the [deadline](Ticket#deadlines).
    pub fn settle(&self, key: &K, answer: A) -> usize
    where
        A: Clone,
    {
        self.settle_with(key, || answer.clone())
    }

    /// Gives each that is held under `key` an answer of its own. Returns how many
    /// handlers took it, as [`settle`](Held::settle) does.
    pub fn settle_with(&self, key: &K, mut answer: impl FnMut() -> A) -> usize {
        // Taken out first: `answer` may hold or settle others.
        let tickets = self.0.borrow_mut().remove(key).unwrap_or_default();
        tickets
            .into_iter()
            .filter_map(|ticket| ticket.settle(answer()).ok())
            .count()
    }

    /// Gives up all that are held under `key`: they get [`Unsettled`]. Returns how many
    /// handlers waited.
    pub fn give_up(&self, key: &K) -> usize {
        let waiting = self.waiting(key);
        self.0.borrow_mut().remove(key);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn all_of_one_key_are_settled_in_any_order() {
        let held = Held::new();
        let mut first = held.hold('a');
        let other = held.hold('b');
        let second = held.hold('a');
        assert_eq!(held.waiting(&'a'), 2);
        assert_eq!(held.keys(), ['a', 'b']);
        assert_eq!((&mut first).now_or_never(), None);

        assert_eq!(held.settle(&'b', 9), 1);
        assert_eq!(held.settle(&'a', 7), 2);
        assert_eq!(held.settle(&'a', 8), 0);
        assert_eq!(first.now_or_never(), Some(Ok(7)));
        assert_eq!(second.now_or_never(), Some(Ok(7)));
        assert_eq!(other.now_or_never(), Some(Ok(9)));
    }

    #[test]
    fn a_dropped_ticket_is_an_error_and_not_an_answer() {
        let held: Held<u8, u8> = Held::new();
        let answer = held.hold(1);
        assert_eq!(held.give_up(&1), 1);
        assert_eq!(answer.now_or_never(), Some(Err(Unsettled)));
    }

    #[test]
    fn who_waits_no_more_is_forgotten() {
        let held: Held<u8, u8> = Held::new();
        drop(held.hold(1));
        assert_eq!(held.waiting(&1), 0);
        assert_eq!(held.keys(), Vec::<u8>::new());
        let (ticket, answer) = hold();
        drop(answer);
        assert!(!ticket.is_open());
        assert_eq!(ticket.settle(5), Err(5));
    }
}
