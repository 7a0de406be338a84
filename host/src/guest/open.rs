//! The calls of one guest that are open: who waits for them, and since when
//! nobody does.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::call::{Answer, CallId, Fault};
use crate::bridge::lineage::Lineage;
use crate::lightningd::message::RequestId;

/// One open call.
#[derive(Debug)]
pub struct Open {
    /// Who waits for the answer.
    pub reply: oneshot::Sender<Result<Answer, Fault>>,
    /// lightningd's id, where progress may be reported on it.
    pub request: Option<RequestId>,
    /// The guests whose own RPC calls led to this one.
    pub lineage: Lineage,
}

/// All open calls of one life of a guest.
#[derive(Debug, Default)]
pub struct OpenCalls {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<CallId, Open>,
    /// Calls that nobody waits for any more, still running in the guest.
    overdue: usize,
    /// Why no call can be opened any more.
    closed: Option<Fault>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It went to whoever waited.
    InTime,
    /// Nobody waited any more.
    Late,
}

impl OpenCalls {
    /// Opens a call; refused once this life has ended.
    pub fn open(&self, id: CallId, open: Open) -> Result<(), Fault> {
        let mut table = self.lock();
        match &table.closed {
            Some(fault) => Err(fault.clone()),
            None => {
                table.open.insert(id, open);
                Ok(())
            }
        }
    }

    /// The guest answered.
    pub fn settle(&self, id: CallId, answer: Answer) -> Settled {
        let mut table = self.lock();
        let Some(open) = table.open.remove(&id) else {
            table.overdue = table.overdue.saturating_sub(1);
            return Settled::Late;
        };
        drop(table);
        match open.reply.send(Ok(answer)) {
            Ok(()) => Settled::InTime,
            Err(_) => Settled::Late,
        }
    }

    /// Nobody waits any longer; returns how many such calls still run.
    pub fn give_up(&self, id: CallId) -> usize {
        let mut table = self.lock();
        if table.open.remove(&id).is_some() {
            table.overdue += 1;
        }
        table.overdue
    }

    /// Calls that somebody waits for.
    pub fn waiting(&self) -> usize {
        self.lock().open.len()
    }

    /// lightningd's id of an open call.
    pub fn request(&self, id: CallId) -> Option<RequestId> {
        self.lock().open.get(&id)?.request.clone()
    }

    /// The lineage of an open call; none for calls that are not open.
    pub fn lineage(&self, id: CallId) -> Option<Lineage> {
        Some(self.lock().open.get(&id)?.lineage.clone())
    }

    /// Ends all of them: `blamed` with its own fault, the others with `fault`.
    pub fn close(&self, blamed: Option<(CallId, Fault)>, fault: Fault) {
        let open = {
            let mut table = self.lock();
            table.closed = Some(fault.clone());
            std::mem::take(&mut table.open)
        };
        for (id, open) in open {
            let why = match &blamed {
                Some((culprit, own)) if *culprit == id => own.clone(),
                _ => fault.clone(),
            };
            // Whoever waited may have left in this very moment.
            drop(open.reply.send(Err(why)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(calls: &OpenCalls, id: CallId) -> oneshot::Receiver<Result<Answer, Fault>> {
        let (reply, answer) = oneshot::channel();
        let (request, lineage) = (None, Lineage::default());
        calls
            .open(
                id,
                Open {
                    reply,
                    request,
                    lineage,
                },
            )
            .unwrap();
        answer
    }

    #[test]
    fn an_answer_reaches_who_waits_for_it_and_no_other() {
        let calls = OpenCalls::default();
        let (mut one, mut two) = (open(&calls, 1), open(&calls, 2));
        assert_eq!(calls.settle(2, Answer::Done), Settled::InTime);
        assert!(matches!(two.try_recv(), Ok(Ok(Answer::Done))));
        assert!(one.try_recv().is_err());
        assert_eq!(calls.settle(2, Answer::Done), Settled::Late, "twice");
    }

    #[test]
    fn overdue_calls_are_counted_until_they_end() {
        let calls = OpenCalls::default();
        let _answers = (open(&calls, 1), open(&calls, 2));
        assert_eq!(calls.give_up(1), 1);
        assert_eq!(calls.give_up(2), 2);
        assert_eq!(calls.settle(1, Answer::Done), Settled::Late);
        assert_eq!(calls.give_up(1), 1, "a call is overdue once");
    }

    #[test]
    fn a_trap_ends_all_and_blames_one() {
        let calls = OpenCalls::default();
        let (mut one, mut two) = (open(&calls, 1), open(&calls, 2));
        calls.close(
            Some((1, Fault::Trap("boom".into()))),
            Fault::Stopped("boom".into()),
        );
        assert!(matches!(one.try_recv(), Ok(Err(Fault::Trap(_)))));
        assert!(matches!(two.try_recv(), Ok(Err(Fault::Stopped(_)))));
        let (reply, _) = oneshot::channel();
        let (request, lineage) = (None, Lineage::default());
        assert!(
            calls
                .open(
                    3,
                    Open {
                        reply,
                        request,
                        lineage
                    }
                )
                .is_err()
        );
    }
}
