//! A-stacks: who in the client has which slot.
//!
//! Each size class of an interface has one list of free A-stacks, last in first out, under a lock of its own (LRPC,
//! "each A-stack queue guarded by its own lock"). In front of it every kernel thread keeps one A-stack *leased*: a word
//! that only this thread fills, and that is emptied by an atomic exchange, by this thread for its next call or by
//! another that finds the list empty. So a thread that calls in a loop takes no lock and always gets the A-stack whose
//! lines are in its cache.
//!
//! An A-stack whose call was given up (time-out) is *quarantined*: it is free again only when the server's answer to
//! that very call has arrived. Quarantine is bounded by the number of A-stacks and shows as [`NoneFree`].
//!
//! All of this is private memory of the client; the server has no part in it.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nearcall_layout::pair::AstackClass;

use crate::sync::{self, THREAD_COUNT};

/// Between two looks of a waiter for an A-stack, when a late answer may free one.
const ANSWER_STEP: Duration = Duration::from_millis(1);

/// Between two looks of a waiter for the end of the pair.
const DEATH_STEP: Duration = Duration::from_millis(20);

/// No A-stack became free in time: as many calls are in flight, or wait for a late answer, as the class has A-stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoneFree;

/// A lease on a line of its own, because each is written by another thread on every call.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lease(AtomicU32);

#[derive(Debug)]
struct List {
    free: Vec<u16>,
    quarantined: Vec<(u16, u32)>,
}

/// The A-stacks of one size class, on the client's side.
#[derive(Debug)]
pub struct Astacks {
    class: AstackClass,
    leases: Box<[Lease]>,
    list: Mutex<List>,
    waiters: AtomicU32,
    freed: Condvar,
}

impl Astacks {
    /// All A-stacks of `class`, free.
    #[must_use]
    pub fn new(class: AstackClass) -> Self {
        Self {
            class,
            leases: (0..THREAD_COUNT).map(|_| Lease::default()).collect(),
            list: Mutex::new(List {
                free: (class.first..class.first + class.count).rev().collect(),
                quarantined: Vec::new(),
            }),
            waiters: AtomicU32::new(0),
            freed: Condvar::new(),
        }
    }

    /// Where the frames are.
    #[must_use]
    pub fn class(&self) -> &AstackClass {
        &self.class
    }

    /// Takes an A-stack, waiting up to `patience` for one. `answered` says whether the server has answered the call with
    /// this A-stack and sequence number, which ends a quarantine; `ended` whether the pair has, which ends the wait.
    ///
    /// # Errors
    /// [`NoneFree`] after `patience`, or soon after the end.
    #[inline(always)]
    pub fn take(
        &self,
        patience: Duration,
        answered: impl Fn(u16, u32) -> bool,
        ended: impl Fn() -> bool,
    ) -> Result<u16, NoneFree> {
        if let Some(lease) = sync::thread_number().and_then(|number| self.leases.get(number)) {
            // Acquire: pairs with the Release in `give`; a thread number, and with it a lease, passes from thread to thread.
            let leased = lease.0.swap(0, Ordering::Acquire);
            if let Some(index) = leased.checked_sub(1) {
                return u16::try_from(index).map_err(|_| NoneFree);
            }
        }
        self.take_slowly(patience, &answered, &ended)
    }

    #[cold]
    #[inline(never)]
    fn take_slowly(
        &self,
        patience: Duration,
        answered: &dyn Fn(u16, u32) -> bool,
        ended: &dyn Fn() -> bool,
    ) -> Result<u16, NoneFree> {
        let mut list = self.lock();
        if let Some(index) = list.take(answered) {
            return Ok(index);
        }
        // From here on whoever gives an A-stack back sees that somebody waits, or we see what it gave: the barriers
        // here and in `give` are the two halves (docs/orderings.md, "A-stack wait").
        self.waiters.fetch_add(1, Ordering::Relaxed);
        sync::heavy_barrier();
        #[expect(clippy::disallowed_methods, reason = "a wait measures its length; nothing is published yet")]
        let start = Instant::now();
        let found = loop {
            if let Some(index) = list.take(answered).or_else(|| self.steal()) {
                break Ok(index);
            }
            if ended() {
                break Err(NoneFree);
            }
            let Some(left) = patience.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
                break Err(NoneFree);
            };
            // A late answer ends a quarantine, and a death the pair, without waking anybody here: who waits looks again.
            let step = if list.quarantined.is_empty() { DEATH_STEP } else { ANSWER_STEP };
            let step = left.min(step);
            list = self.freed.wait_timeout(list, step).unwrap_or_else(PoisonError::into_inner).0;
        };
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        found
    }

    fn steal(&self) -> Option<u16> {
        self.leases.iter().find_map(|lease| {
            let leased = lease.0.swap(0, Ordering::Acquire);
            leased.checked_sub(1).and_then(|index| u16::try_from(index).ok())
        })
    }

    /// Gives back an A-stack whose call has ended.
    #[inline(always)]
    pub fn give(&self, index: u16) {
        match sync::thread_number().and_then(|number| self.leases.get(number)) {
            // Only this thread fills its lease, so an empty one stays empty until the store.
            Some(lease) if lease.0.load(Ordering::Relaxed) == 0 => {
                // Release: pairs with the Acquire exchange in `take` and `steal`; the frame is ours until here.
                lease.0.store(u32::from(index) + 1, Ordering::Release);
            }
            _ => self.lock().free.push(index),
        }
        sync::light_barrier();
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.wake();
        }
    }

    /// Gives back an A-stack whose call was given up; nobody gets it before the call `sequence` is answered.
    #[cold]
    pub fn quarantine(&self, index: u16, sequence: u32) {
        self.lock().quarantined.push((index, sequence));
        // All of them: from now on they have to look again by themselves.
        self.freed.notify_all();
    }

    /// A-stacks that wait for a late answer.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.lock().quarantined.len()
    }

    /// Taken under the lock, so that no waiter is between its last look and its sleep.
    #[cold]
    fn wake(&self) {
        let _list = self.lock();
        self.freed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn take(&mut self, answered: &dyn Fn(u16, u32) -> bool) -> Option<u16> {
        self.free.pop().or_else(|| {
            let at = self.quarantined.iter().position(|&(index, sequence)| answered(index, sequence))?;
            Some(self.quarantined.swap_remove(at).0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn astacks(count: u16) -> Astacks {
        Astacks::new(AstackClass { frame_size: 0, count, first: 3, offset: 0 })
    }

    const NEVER: fn(u16, u32) -> bool = |_, _| false;
    const LIVES: fn() -> bool = || false;

    #[test]
    fn the_same_astack_comes_back() {
        let all = astacks(5);
        let first = all.take(Duration::ZERO, NEVER, LIVES).unwrap();
        all.give(first);
        assert_eq!(all.take(Duration::ZERO, NEVER, LIVES), Ok(first));
    }

    #[test]
    fn there_are_as_many_as_there_are() {
        let all = astacks(5);
        let mut taken: Vec<u16> = (0..5).map(|_| all.take(Duration::ZERO, NEVER, LIVES).unwrap()).collect();
        assert_eq!(all.take(Duration::ZERO, NEVER, LIVES), Err(NoneFree));
        taken.sort_unstable();
        assert_eq!(taken, [3, 4, 5, 6, 7]);
        taken.into_iter().for_each(|index| all.give(index));
        assert_eq!((0..5).filter(|_| all.take(Duration::ZERO, NEVER, LIVES).is_ok()).count(), 5);
    }

    #[test]
    fn a_quarantined_one_is_free_after_its_own_answer_only() {
        let all = astacks(1);
        let index = all.take(Duration::ZERO, NEVER, LIVES).unwrap();
        all.quarantine(index, 77);
        assert_eq!(all.take(Duration::ZERO, |_, sequence| sequence == 76, LIVES), Err(NoneFree));
        assert_eq!(all.quarantined(), 1);
        assert_eq!(all.take(Duration::ZERO, |_, sequence| sequence == 77, LIVES), Ok(index));
    }

    #[test]
    fn who_waits_for_ever_stops_at_the_end() {
        let all = astacks(1);
        let _held = all.take(Duration::ZERO, NEVER, LIVES).unwrap();
        let ended = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| all.take(Duration::MAX, NEVER, || ended.load(Ordering::Relaxed)));
            std::thread::yield_now();
            ended.store(true, Ordering::Relaxed);
            assert_eq!(waiter.join().unwrap(), Err(NoneFree));
        });
    }

    #[test]
    fn waiters_get_what_others_give_even_from_leases() {
        let all = astacks(2);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let index = all.take(Duration::from_secs(60), NEVER, LIVES).unwrap();
                        all.give(index);
                    }
                });
            }
        });
    }
}
