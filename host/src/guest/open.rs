//! The calls of one guest that are open: who waits for them, and since when
//! nobody does.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::call::{Answer, Call, CallId, Fault};
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
    /// What was asked.
    pub call: Call,
    /// How long whoever waits will wait, and how long that is, in ms.
    pub until: Option<(Instant, u64)>,
}

/// All open calls of one life of a guest.
#[derive(Debug, Default)]
pub struct OpenCalls {
    table: Mutex<Table>,
    drained: Notify,
    /// The alarm was set to an earlier time.
    alarm: Notify,
    /// Answers of a guest that runs elsewhere.
    posted: Mutex<Vec<(CallId, Answer)>>,
    post: Notify,
}

#[derive(Debug, Default)]
struct Table {
    /// Hashed, so that a call alone makes no node and drops none.
    open: HashMap<CallId, Open>,
    /// Calls that nobody waits for any more, still running in the guest.
    overdue: BTreeMap<CallId, Call>,
    /// How many open calls there are of each depth but 0.
    depths: BTreeMap<u64, usize>,
    /// Why no call can be opened any more.
    closed: Option<Fault>,
    /// The call in which this life ended.
    culprit: Option<Call>,
    /// When to look for calls that are out of time. One alarm for all calls, seldom
    /// set: a timer of its own would cost a call more than its guest does.
    alarm: Option<Instant>,
}

impl Table {
    fn insert(&mut self, id: CallId, open: Open) {
        let depth = open.lineage.depth();
        if depth > 0 {
            *self.depths.entry(depth).or_default() += 1;
        }
        self.open.insert(id, open);
    }

    fn remove(&mut self, id: CallId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        let depth = open.lineage.depth();
        if depth > 0
            && let Some(count) = self.depths.get_mut(&depth)
        {
            *count -= 1;
            if *count == 0 {
                self.depths.remove(&depth);
            }
        }
        Some(open)
    }
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
                let until = open.until.map(|(until, _)| until);
                let earlier = until.filter(|until| table.alarm.is_none_or(|set| *until < set));
                table.insert(id, open);
                if earlier.is_some() {
                    table.alarm = earlier;
                    self.alarm.notify_one();
                }
                Ok(())
            }
        }
    }

    /// Gives up calls that are out of time and hands over what was posted, until this life
    /// has ended. `late` is told of each answer that nobody waits for any more.
    pub async fn watch(&self, late: impl Fn()) {
        loop {
            let set = {
                let table = self.lock();
                if table.closed.is_some() {
                    return;
                }
                table.alarm
            };
            let due = async {
                match set {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.post.notified() => self.hand_over(&late),
                () = self.alarm.notified() => {}
                () = due => self.expire(Instant::now()),
            }
        }
    }

    /// The guest answered on another thread. Each call's task belongs to the bridge's, which
    /// costs a system call to wake from elsewhere: [`OpenCalls::deliver`] wakes it once for all.
    pub fn post(&self, id: CallId, answer: Answer) {
        self.lock_posted().push((id, answer));
    }

    /// Has what was posted handed over.
    pub fn deliver(&self) {
        if !self.lock_posted().is_empty() {
            self.post.notify_one();
        }
    }

    fn hand_over(&self, late: &impl Fn()) {
        let posted = std::mem::take(&mut *self.lock_posted());
        for (id, answer) in posted {
            if self.settle(id, answer) == Settled::Late {
                late();
            }
        }
    }

    fn expire(&self, now: Instant) {
        let mut late = Vec::new();
        {
            let mut table = self.lock();
            let mut next: Option<Instant> = None;
            for (id, open) in &table.open {
                match open.until {
                    Some((until, _)) if until <= now => late.push(*id),
                    Some((until, _)) => next = Some(next.map_or(until, |next| next.min(until))),
                    None => {}
                }
            }
            table.alarm = next;
        }
        late.sort_unstable();
        for id in late {
            let mut table = self.lock();
            // Its answer may have come in this very moment.
            let Some(Open {
                reply, call, until, ..
            }) = table.remove(id)
            else {
                continue;
            };
            table.overdue.insert(id, call);
            self.say_drained(&table);
            drop(table);
            let allowed = until.map_or(0, |(_, ms)| ms);
            drop(reply.send(Err(Fault::Deadline(allowed))));
        }
    }

    /// The guest answered.
    pub fn settle(&self, id: CallId, answer: Answer) -> Settled {
        let mut table = self.lock();
        let Some(open) = table.remove(id) else {
            table.overdue.remove(&id);
            return Settled::Late;
        };
        self.say_drained(&table);
        drop(table);
        match open.reply.send(Ok(answer)) {
            Ok(()) => Settled::InTime,
            Err(_) => Settled::Late,
        }
    }

    /// Calls that nobody waits for any longer, and that still run.
    pub fn overdue(&self) -> usize {
        self.lock().overdue.len()
    }

    /// Waits until nobody waits for any of the calls.
    pub async fn drained(&self) {
        loop {
            let drained = self.drained.notified();
            if self.lock().open.is_empty() {
                return;
            }
            drained.await;
        }
    }

    fn say_drained(&self, table: &Table) {
        if table.open.is_empty() {
            self.drained.notify_waiters();
        }
    }

    /// The depth of the deepest open call, in calls of guests that led to it.
    pub fn deepest(&self) -> u64 {
        self.lock().depths.last_key_value().map_or(0, |(n, _)| *n)
    }

    /// The call in which this life ended, where that is known.
    pub fn culprit(&self) -> Option<Call> {
        self.lock().culprit.clone()
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
        // What was answered before the end is answered.
        self.hand_over(&|| {});
        let open = {
            let mut table = self.lock();
            table.closed = Some(fault.clone());
            table.culprit = blamed.as_ref().and_then(|(id, _)| {
                let open = table.open.get(id).map(|open| &open.call);
                open.or_else(|| table.overdue.get(id)).cloned()
            });
            table.depths.clear();
            let mut open: Vec<_> = table.open.drain().collect();
            open.sort_unstable_by_key(|(id, _)| *id);
            self.say_drained(&table);
            self.alarm.notify_one();
            open
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

    fn lock_posted(&self) -> MutexGuard<'_, Vec<(CallId, Answer)>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn open(calls: &OpenCalls, id: CallId) -> oneshot::Receiver<Result<Answer, Fault>> {
        let (reply, answer) = oneshot::channel();
        calls.open(id, waiting(reply, Lineage::default())).unwrap();
        answer
    }

    fn waiting(reply: oneshot::Sender<Result<Answer, Fault>>, lineage: Lineage) -> Open {
        Open {
            reply,
            request: None,
            lineage,
            call: Call::Run,
            until: None,
        }
    }

    fn give_up(calls: &OpenCalls, id: CallId) {
        let now = Instant::now();
        calls.lock().open.get_mut(&id).unwrap().until = Some((now, 1));
        calls.expire(now);
    }

    #[test]
    fn the_deepest_of_the_open_calls_counts() {
        let calls = OpenCalls::default();
        let (deep, deeper) = (Lineage::of_depth(2), Lineage::of_depth(5));
        let mut answers = vec![open(&calls, 1)];
        for (id, lineage) in [(2, &deep), (3, &deeper), (4, &deeper)] {
            let (reply, answer) = oneshot::channel();
            calls.open(id, waiting(reply, lineage.clone())).unwrap();
            answers.push(answer);
        }
        assert_eq!(calls.deepest(), 5);
        calls.settle(3, Answer::Done);
        assert_eq!(calls.deepest(), 5);
        give_up(&calls, 4);
        assert_eq!(calls.deepest(), 2);
        calls.settle(2, Answer::Done);
        assert_eq!(calls.deepest(), 0);
    }

    #[tokio::test]
    async fn drained_when_nobody_waits_any_more() {
        let calls = std::sync::Arc::new(OpenCalls::default());
        calls.drained().await;
        let _answers = (open(&calls, 1), open(&calls, 2));
        let waiting = std::sync::Arc::clone(&calls);
        let drained = tokio::spawn(async move { waiting.drained().await });
        tokio::task::yield_now().await;
        calls.settle(1, Answer::Done);
        tokio::task::yield_now().await;
        assert!(!drained.is_finished());
        give_up(&calls, 2);
        drained.await.unwrap();
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
        give_up(&calls, 1);
        give_up(&calls, 2);
        assert_eq!(calls.overdue(), 2);
        assert_eq!(calls.settle(1, Answer::Done), Settled::Late);
        assert_eq!(calls.overdue(), 1);
    }

    #[tokio::test]
    async fn what_is_posted_reaches_who_waits_once_it_is_delivered() {
        let calls = std::sync::Arc::new(OpenCalls::default());
        let late = std::sync::Arc::new(AtomicUsize::new(0));
        let (watched, counted) = (std::sync::Arc::clone(&calls), std::sync::Arc::clone(&late));
        let watch = tokio::spawn(async move {
            let count = || {
                counted.fetch_add(1, Ordering::Relaxed);
            };
            watched.watch(count).await;
        });
        let (mut one, two, mut three) = (open(&calls, 1), open(&calls, 2), open(&calls, 3));
        let elsewhere = std::sync::Arc::clone(&calls);
        let posting = std::thread::spawn(move || {
            for id in [1, 2, 7] {
                elsewhere.post(id, Answer::Done);
            }
            elsewhere.deliver();
        });
        assert!(matches!(two.await, Ok(Ok(Answer::Done))));
        posting.join().unwrap();
        assert!(matches!(one.try_recv(), Ok(Ok(Answer::Done))));
        assert_eq!(late.load(Ordering::Relaxed), 1, "nobody waited for 7");
        // The end of this life comes before it is delivered.
        calls.post(3, Answer::Done);
        calls.close(None, Fault::Stopped("over".into()));
        assert!(matches!(three.try_recv(), Ok(Ok(Answer::Done))));
        watch.await.unwrap();
    }

    #[tokio::test]
    async fn each_call_has_its_own_deadline_under_one_alarm() {
        let calls = std::sync::Arc::new(OpenCalls::default());
        let watched = std::sync::Arc::clone(&calls);
        let watch = tokio::spawn(async move { watched.watch(|| {}).await });
        let mut answers = Vec::new();
        // The alarm is first set for the longest, and must come to be set earlier.
        for (id, ms) in [(1, 60_000), (2, 40), (3, 20)] {
            let (reply, answer) = oneshot::channel();
            let mut open = waiting(reply, Lineage::default());
            open.until = Some((Instant::now() + Duration::from_millis(ms), ms));
            calls.open(id, open).unwrap();
            answers.push(answer);
            tokio::task::yield_now().await;
        }
        let third = answers.pop().unwrap().await.unwrap();
        assert!(matches!(third, Err(Fault::Deadline(20))), "{third:?}");
        let second = answers.pop().unwrap().await.unwrap();
        assert!(matches!(second, Err(Fault::Deadline(40))), "{second:?}");
        assert_eq!(calls.overdue(), 2);
        assert!(answers[0].try_recv().is_err(), "it has a minute");
        calls.close(None, Fault::Stopped("over".into()));
        watch.await.unwrap();
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
        assert!(calls.culprit().is_some());
        let (reply, _) = oneshot::channel();
        assert!(calls.open(3, waiting(reply, Lineage::default())).is_err());
    }
}
