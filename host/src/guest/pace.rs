//! What the epoch clock knows of a guest: whether it comes back by itself, whether it burns CPU.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::minute::CpuClock;
use super::ticker::TICK;
use super::waking::Waking;

/// What the epoch clock knows of one guest, shared by the guest's store and by
/// whoever polls it.
#[derive(Debug, Default)]
pub struct Pulse {
    /// The tick at which it was last polled.
    polled: AtomicU64,
    /// Deliveries that went in since it was last polled.
    taken: AtomicU32,
    /// The tick at which the guest was last entered after it had come back.
    entered: AtomicU64,
    /// How often it has come back by itself.
    stretch: AtomicU64,
    /// It was interrupted since it was last polled.
    interrupted: AtomicBool,
    /// Ticks burnt since it last came back by itself.
    burnt: AtomicU64,
    /// CPU of the thread, in µs, when the guest first looked like one that burns it; 0 for no.
    suspected: AtomicU64,
    /// It does not run on the bridge's thread.
    away: AtomicBool,
    kill: AtomicBool,
    /// Who polls it.
    pub waking: Arc<Waking>,
}

/// What the epoch callback is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// It has hardly begun.
    GoOn,
    /// Others want to run.
    Yield,
    /// It has been at it for this many ticks.
    Exhausted(u64),
    /// It is to end.
    Killed,
}

impl Pulse {
    /// Did the clock tick while the guest ran? Otherwise it ticked before, and the
    /// tick is nobody's.
    pub fn ticked(&self, now: u64) -> bool {
        now > self.polled.load(Ordering::Relaxed)
    }

    /// Names the time since the guest last came back by itself.
    pub fn stretch(&self) -> u64 {
        self.stretch.load(Ordering::Relaxed)
    }

    /// Called by the epoch callback, once a tick at most. `used` are the ticks of
    /// the call that runs, where it is known; `budget` is in ticks.
    pub fn beat(&self, now: u64, used: Option<u64>, budget: u64) -> Beat {
        if self.is_killed() {
            return Beat::Killed;
        }
        if let Some(used) = used.filter(|used| *used > budget) {
            return Beat::Exhausted(used);
        }
        // The first tick may have come right after the guest was entered.
        if now.saturating_sub(self.entered.load(Ordering::Relaxed)) < 2 {
            return Beat::GoOn;
        }
        // On a busy machine time passes that the guest did not have.
        let cpu = CpuClock::Thread.now().as_micros() as u64;
        let since = self.suspected.load(Ordering::Relaxed);
        if since == 0 {
            self.suspected.store(cpu.max(1), Ordering::Relaxed);
            return Beat::GoOn;
        }
        if cpu.saturating_sub(since) < TICK.as_micros() as u64 / 2 {
            return Beat::GoOn;
        }
        self.interrupted.store(true, Ordering::Relaxed);
        let burnt = self.burnt.fetch_add(1, Ordering::Relaxed) + 1;
        if used.is_none() && burnt > budget {
            Beat::Exhausted(burnt)
        } else {
            Beat::Yield
        }
    }

    /// Ends the guest at its next tick or poll.
    pub fn kill(&self) {
        self.kill.store(true, Ordering::Release);
        self.waking.wake_poller();
    }

    pub(super) fn is_killed(&self) -> bool {
        self.kill.load(Ordering::Acquire)
    }

    /// It is polled somewhere else from now on, where another thread's CPU counts.
    pub(super) fn arrived(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
        self.suspected.store(0, Ordering::Relaxed);
    }

    /// Does it run elsewhere than on the bridge's thread?
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// It is about to be polled.
    pub(super) fn entering(&self, now: u64) {
        self.taken.store(0, Ordering::Relaxed);
        self.polled.store(now, Ordering::Relaxed);
        if !self.interrupted.swap(false, Ordering::Relaxed) {
            self.came_back(now);
        }
    }

    /// The guest ended something by itself: a busy guest is none that burns.
    pub fn came_back(&self, now: u64) {
        self.entered.store(now, Ordering::Relaxed);
        self.burnt.store(0, Ordering::Relaxed);
        self.suspected.store(0, Ordering::Relaxed);
        self.stretch.fetch_add(1, Ordering::Relaxed);
    }

    /// Another delivery goes in.
    pub fn takes(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Deliveries that went in since it was last polled. Within one poll nobody else on its
    /// thread runs.
    pub fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Had it to be interrupted since it was last polled?
    pub(super) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn a_guest_that_comes_back_is_left_alone() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(
            pulse.beat(11, None, 5),
            Beat::GoOn,
            "the first tick says nothing"
        );
        pulse.entering(20);
        assert_eq!(pulse.beat(21, None, 5), Beat::GoOn);
    }

    /// Uses the CPU of one tick.
    pub fn burn() {
        let began = CpuClock::Thread.now();
        while CpuClock::Thread.now() - began < TICK {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn one_that_does_not_is_interrupted_and_at_last_exhausted() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(pulse.beat(11, None, 2), Beat::GoOn);
        assert_eq!(pulse.beat(12, None, 2), Beat::GoOn, "only suspected");
        burn();
        for now in 13..15 {
            assert_eq!(pulse.beat(now, None, 2), Beat::Yield);
            // The executor polls it again, which is not coming back.
            pulse.entering(now);
        }
        assert_eq!(pulse.beat(15, None, 2), Beat::Exhausted(3));
    }

    #[test]
    fn one_that_was_pushed_aside_by_others_is_not_interrupted() {
        let pulse = Pulse::default();
        pulse.entering(10);
        for now in 12..1000 {
            assert_eq!(pulse.beat(now, None, u64::MAX), Beat::GoOn);
            pulse.suspected.store(u64::MAX - 1, Ordering::Relaxed);
        }
    }

    #[test]
    fn one_that_goes_on_elsewhere_is_judged_by_the_cpu_of_that_thread() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert_eq!(pulse.beat(12, None, u64::MAX), Beat::GoOn);
        // The thread that it left had used more than this one ever will.
        pulse.suspected.store(u64::MAX - 1, Ordering::Relaxed);
        pulse.arrived(true);
        assert!(pulse.is_away());
        assert_eq!(pulse.beat(13, None, u64::MAX), Beat::GoOn, "suspected anew");
        burn();
        assert_eq!(pulse.beat(14, None, u64::MAX), Beat::Yield);
    }

    #[test]
    fn a_call_has_its_own_budget_however_often_it_comes_back() {
        let pulse = Pulse::default();
        pulse.entering(10);
        assert!(!pulse.ticked(10), "the clock has not moved since");
        assert!(pulse.ticked(11));
        assert_eq!(pulse.beat(11, Some(5), 5), Beat::GoOn);
        assert_eq!(pulse.beat(11, Some(6), 5), Beat::Exhausted(6));
    }
}
