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

use core::marker::PhantomData;
use core::sync::atomic::{AtomicU16, AtomicU32, AtomicUsize, Ordering, compiler_fence};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nearcall_layout::pair::{ASTACK_COUNT, AstackClass};

use crate::sync::{self, THREAD_COUNT};
use crate::sys::futex::{self, Sleep};
use crate::threads::{self, Waited};

/// Between two looks of a waiter for an A-stack, when a late answer may free one.
const ANSWER_STEP: Duration = Duration::from_millis(1);

/// Between two looks of a waiter for the end of the pair.
const DEATH_STEP: Duration = Duration::from_millis(20);

/// What a wait for an A-stack looks at: the calls on the others. A trait and not two closures, because closures would be
/// built in memory on every call.
pub trait Calls {
    /// Whether the call `sequence` on `astack` has been answered, which ends a quarantine.
    fn answered(&self, astack: u16, sequence: u32) -> bool;

    /// Whether the pair has ended, which ends the wait.
    fn has_ended(&self) -> bool;
}

/// Set in the count of waiters where barriers are not asymmetric: then whoever gives an A-stack back has to fence before
/// it looks for waiters. One word, because that is one test for each call instead of two.
const SYMMETRIC: u32 = 1 << 31;

/// Kernel threads whose leases are there from the beginning. Those of the others take 7 KiB a class, of which most processes
/// have few that call.
const FIRST_COUNT: usize = 8;

/// No A-stack became free in time: as many calls are in flight, or wait for a late answer, as the class has A-stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoneFree;

/// A lease: the index of an A-stack, plus one; 0 for none. On a line of its own, because each is written by another thread
/// on every call.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lease(AtomicU16);

/// An A-stack that somebody has, and the lease it goes back to. It stays on the kernel thread that took it, because only
/// that one fills the lease. (Kept instead of looked up again: the number of a thread is two loads and three tests.)
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// A whole register: of a `u16` the compiler keeps two, as it is and widened.
    index: usize,
    lease: &'a Lease,
    /// Not `Send`. An A-stack that another thread gave back could be lost, though never be had by two.
    _here: PhantomData<*const ()>,
}

impl<'a> Taken<'a> {
    /// The index is one below [`ASTACK_COUNT`] already (`Plan`); the compiler has to see it.
    #[inline(always)]
    fn new(index: u16, lease: &'a Lease) -> Self {
        Self { index: usize::from(index) % ASTACK_COUNT, lease, _here: PhantomData }
    }

    /// The same, where the compiler has to see it once more.
    #[inline(always)]
    pub(crate) fn in_range(self) -> Self {
        Self { index: self.index % ASTACK_COUNT, ..self }
    }

    /// Its index, counted over the pair.
    #[inline(always)]
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "below the count, which fits")]
    pub fn index(&self) -> u16 {
        self.index as u16
    }
}

#[derive(Debug)]
struct List {
    free: Vec<u16>,
    quarantined: Vec<Quarantined>,
}

/// An A-stack whose call is under way without anybody who takes its answer.
#[derive(Debug)]
struct Quarantined {
    index: u16,
    sequence: u32,
    /// Nobody ever waited for it: the call is to run all the same.
    is_left: bool,
}

/// The A-stacks of one size class, on the client's side.
#[derive(Debug)]
pub struct Astacks {
    class: AstackClass,
    /// How many there are: those of the class, and those that were added.
    count: AtomicUsize,
    /// By number of the kernel thread.
    first: [Lease; FIRST_COUNT],
    /// Those of the threads whose numbers are higher.
    others: OnceLock<Box<[Lease]>>,
    /// The lease of those who have none: never empty, so nothing is put there.
    full: Lease,
    list: Mutex<List>,
    /// How many wait, with [`SYMMETRIC`].
    waiters: AtomicU32,
    freed: Condvar,
    /// Bumped with `freed`, for threads that are suspended while they wait.
    freed_count: AtomicU32,
    /// How many of those there are.
    suspended: AtomicU32,
}

impl Astacks {
    /// All A-stacks of `class`, free.
    #[must_use]
    pub fn new(class: AstackClass) -> Self {
        Self {
            class,
            count: AtomicUsize::new(usize::from(class.count)),
            first: Default::default(),
            others: OnceLock::new(),
            full: Lease(AtomicU16::new(u16::MAX)),
            list: Mutex::new(List {
                free: (class.first..class.first + class.count).rev().collect(),
                quarantined: Vec::new(),
            }),
            waiters: AtomicU32::new(if sync::is_asymmetric() { 0 } else { SYMMETRIC }),
            freed: Condvar::new(),
            freed_count: AtomicU32::new(0),
            suspended: AtomicU32::new(0),
        }
    }

    /// Where the frames are.
    #[must_use]
    pub fn class(&self) -> &AstackClass {
        &self.class
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Adds one that the server has added to the class.
    #[cold]
    pub fn add(&self, index: u16) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut list = self.lock();
        list.free.push(index);
        self.notify(false);
    }

    /// Takes the A-stack that this kernel thread has leased. `None` if it has none, or is one of those whose leases take
    /// longer to find: [`take`](Self::take) says.
    #[inline(always)]
    pub fn take_leased(&self) -> Option<Taken<'_>> {
        let lease = self.first.get(sync::known_thread_number())?;
        // Acquire: pairs with the Release in `give`; a thread number, and with it a lease, passes from thread to thread.
        let index = lease.0.swap(0, Ordering::Acquire).checked_sub(1)?;
        Some(Taken::new(index, lease))
    }

    /// Takes an A-stack, waiting up to `patience` for one, or for ever. `calls` are those that have the others.
    ///
    /// # Errors
    /// [`NoneFree`] after `patience`, or soon after the end.
    #[cold]
    pub fn take(&self, patience: Option<Duration>, calls: &dyn Calls) -> Result<Taken<'_>, NoneFree> {
        let lease = self.lease();
        // The full one is nobody's, and stays full.
        let is_own = !core::ptr::eq(lease, &self.full);
        let leased = is_own.then(|| lease.0.swap(0, Ordering::Acquire)).and_then(|index| index.checked_sub(1));
        let index = leased.map_or_else(|| self.take_slowly(patience, calls), Ok)?;
        Ok(Taken::new(index, lease))
    }

    /// Takes an A-stack that is free now; makes no system call.
    #[cold]
    pub fn take_now(&self, calls: &dyn Calls) -> Option<Taken<'_>> {
        if let Some(taken) = self.take_leased() {
            return Some(taken);
        }
        let found = self.lock().take(calls);
        // Without a barrier: one that is given back at this moment may be missed.
        found.or_else(|| self.steal()).map(|index| Taken::new(index, self.lease()))
    }

    /// What the calling kernel thread gives back: an A-stack that is held, by whichever thread it was taken.
    pub(crate) fn held(&self, index: u16) -> Taken<'_> {
        Taken::new(index, self.lease())
    }

    /// The calling kernel thread's lease.
    fn lease(&self) -> &Lease {
        let others = || self.others.get_or_init(|| (FIRST_COUNT..THREAD_COUNT).map(|_| Lease::default()).collect());
        let lease = sync::thread_number().and_then(|number| match number.checked_sub(FIRST_COUNT) {
            Some(at) => others().get(at),
            None => self.first.get(number),
        });
        lease.unwrap_or(&self.full)
    }

    #[cold]
    #[inline(never)]
    fn take_slowly(&self, patience: Option<Duration>, calls: &dyn Calls) -> Result<u16, NoneFree> {
        let mut list = self.lock();
        if let Some(index) = list.take(calls) {
            return Ok(index);
        }
        // From here on whoever gives an A-stack back sees that somebody waits, or we see what it gave: the barriers
        // here and in `give` are the two halves (docs/orderings.md, "A-stack wait").
        self.waiters.fetch_add(1, Ordering::Relaxed);
        if !sync::heavy_barrier() {
            self.waiters.fetch_or(SYMMETRIC, Ordering::SeqCst);
        }
        #[expect(clippy::disallowed_methods, reason = "a wait measures its length; nothing is published yet")]
        let start = Instant::now();
        let found = loop {
            if let Some(index) = list.take(calls).or_else(|| self.steal()) {
                break Ok(index);
            }
            if calls.has_ended() {
                break Err(NoneFree);
            }
            let Some(left) =
                patience.unwrap_or(Duration::MAX).checked_sub(start.elapsed()).filter(|left| !left.is_zero())
            else {
                break Err(NoneFree);
            };
            // A late answer ends a quarantine, and a death the pair, without waking anybody here: who waits looks again.
            let step = if list.quarantined.is_empty() { DEATH_STEP } else { ANSWER_STEP };
            let step = left.min(step);
            list = match threads::on_thread() {
                None => self.freed.wait_timeout(list, step).unwrap_or_else(PoisonError::into_inner).0,
                // Those that have the others may be threads of this processor, which must go on.
                Some(_) => match self.suspend(list, step) {
                    Some(list) => list,
                    None => break Err(NoneFree),
                },
            };
        };
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        found
    }

    /// Waits as a thread. `None`: it was cancelled.
    fn suspend<'a>(&'a self, list: MutexGuard<'a, List>, step: Duration) -> Option<MutexGuard<'a, List>> {
        // Under the lock: what is given afterwards changes it.
        let seen = self.freed_count.load(Ordering::Relaxed);
        self.suspended.fetch_add(1, Ordering::Relaxed);
        drop(list);
        #[expect(clippy::disallowed_methods, reason = "a wait measures its length; nothing is published yet")]
        let until = Instant::now() + step;
        let word = Sleep { word: &self.freed_count, value: seen, shared: false };
        let mut freed = |_| self.freed_count.load(Ordering::Relaxed) != seen;
        let waited = threads::wait_until(&mut freed, Some(until), &[word]);
        let list = self.lock();
        self.suspended.fetch_sub(1, Ordering::Relaxed);
        (waited != Waited::Cancelled).then_some(list)
    }

    /// Wakes one who waits, or all; under the lock.
    fn notify(&self, all: bool) {
        self.freed_count.fetch_add(1, Ordering::Relaxed);
        if all {
            self.freed.notify_all();
        } else {
            self.freed.notify_one();
        }
        if self.suspended.load(Ordering::Relaxed) != 0 {
            // There may be several on one word, and all of them look again.
            futex::wake_private(&self.freed_count);
        }
    }

    fn steal(&self) -> Option<u16> {
        let others = self.others.get().into_iter().flatten();
        self.first.iter().chain(others).find_map(|lease| lease.0.swap(0, Ordering::Acquire).checked_sub(1))
    }

    /// Gives back an A-stack whose call has ended.
    #[inline(always)]
    pub fn give(&self, taken: Taken<'_>) {
        let (index, lease) = (taken.index(), taken.lease);
        // Only this thread fills its lease, so an empty one stays empty until the store.
        if lease.0.load(Ordering::Relaxed) == 0 {
            // Release: pairs with the Acquire exchange in `take` and `steal`; the frame is ours until here.
            lease.0.store(index + 1, Ordering::Release);
        } else {
            self.list(index);
        }
        // Where barriers are asymmetric, this half of one is nothing but the order of the two words.
        compiler_fence(Ordering::SeqCst);
        if self.waiters.load(Ordering::Relaxed) != 0 {
            self.gave();
        }
    }

    #[cold]
    fn list(&self, index: u16) {
        self.lock().free.push(index);
    }

    /// Gives back an A-stack whose call was given up; nobody gets it before the call `sequence` is answered.
    #[cold]
    pub fn quarantine(&self, index: u16, sequence: u32) {
        self.part_with(Quarantined { index, sequence, is_left: false });
    }

    /// The same for a call that was left to itself.
    pub fn leave(&self, index: u16, sequence: u32) {
        self.part_with(Quarantined { index, sequence, is_left: true });
    }

    fn part_with(&self, quarantined: Quarantined) {
        let mut list = self.lock();
        list.quarantined.push(quarantined);
        // All of them: from now on they have to look again by themselves.
        self.notify(true);
    }

    /// Whether there is a call that was left to itself and of which `has_begun` says no.
    #[cold]
    pub fn has_left(&self, has_begun: impl Fn(u16, u32) -> bool) -> bool {
        self.lock().quarantined.iter().any(|left| left.is_left && !has_begun(left.index, left.sequence))
    }

    /// Ends the quarantine of those whose calls were answered late, or never will be because the pair has ended; `end` is
    /// told of each before anybody gets it.
    #[cold]
    pub fn end_quarantines(&self, calls: &dyn Calls, end: impl Fn(u16)) {
        let mut list = self.lock();
        let List { free, quarantined } = &mut *list;
        let over = quarantined.extract_if(.., |one| calls.answered(one.index, one.sequence) || calls.has_ended());
        free.extend(over.map(|one| one.index).inspect(|&index| end(index)));
        // Who waits looks again by itself, because there was a quarantine.
    }

    /// A-stacks that wait for a late answer.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.lock().quarantined.len()
    }

    /// Somebody may wait for what was given.
    #[cold]
    #[inline(never)]
    fn gave(&self) {
        sync::light_barrier();
        if self.waiters.load(Ordering::Relaxed) & !SYMMETRIC != 0 {
            // Under the lock, so that no waiter is between its last look and its sleep.
            let _list = self.lock();
            self.notify(false);
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn take(&mut self, calls: &dyn Calls) -> Option<u16> {
        self.free.pop().or_else(|| {
            let at = self.quarantined.iter().position(|one| calls.answered(one.index, one.sequence))?;
            Some(self.quarantined.swap_remove(at).index)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn astacks(count: u16) -> Astacks {
        Astacks::new(AstackClass { frame_size: 0, count, first: 3, offset: 0 })
    }

    /// Calls of which one is answered, of a pair that may have ended.
    struct Fake {
        answered: u32,
        ended: AtomicBool,
    }

    impl Calls for Fake {
        fn answered(&self, _: u16, sequence: u32) -> bool {
            sequence == self.answered
        }
        fn has_ended(&self) -> bool {
            self.ended.load(Ordering::Relaxed)
        }
    }

    static PENDING: Fake = pending(0);

    const fn pending(answered: u32) -> Fake {
        Fake { answered, ended: AtomicBool::new(false) }
    }
    const NOT: Option<Duration> = Some(Duration::ZERO);

    fn index(taken: Result<Taken<'_>, NoneFree>) -> Result<u16, NoneFree> {
        taken.map(|taken| taken.index())
    }

    #[test]
    fn the_same_astack_comes_back() {
        let all = astacks(5);
        let first = all.take(NOT, &PENDING).unwrap();
        all.give(first);
        assert_eq!(index(all.take(NOT, &PENDING)), Ok(first.index()));
    }

    #[test]
    fn there_are_as_many_as_there_are() {
        let all = astacks(5);
        let mut taken: Vec<_> = (0..5).map(|_| all.take(NOT, &PENDING).unwrap()).collect();
        assert_eq!(index(all.take(NOT, &PENDING)), Err(NoneFree));
        taken.sort_unstable_by_key(Taken::index);
        assert!(taken.iter().map(Taken::index).eq(3..=7));
        taken.into_iter().for_each(|taken| all.give(taken));
        assert_eq!((0..5).filter(|_| all.take(NOT, &PENDING).is_ok()).count(), 5);
    }

    #[test]
    fn a_quarantined_one_is_free_after_its_own_answer_only() {
        let all = astacks(1);
        let taken = all.take(NOT, &PENDING).unwrap();
        all.quarantine(taken.index(), 77);
        assert_eq!(index(all.take(NOT, &pending(76))), Err(NoneFree));
        assert_eq!(all.quarantined(), 1);
        assert_eq!(index(all.take(NOT, &pending(77))), Ok(taken.index()));
    }

    #[test]
    fn what_was_left_to_itself_is_told_from_what_was_given_up() {
        let all = astacks(2);
        let [first, second] = [(); 2].map(|()| all.take(NOT, &PENDING).unwrap().index());
        all.quarantine(first, 77);
        assert!(!all.has_left(|_, _| false));
        all.leave(second, 78);
        assert!(all.has_left(|_, sequence| sequence == 77));
        assert!(!all.has_left(|index, sequence| (index, sequence) == (second, 78)));
        assert_eq!(index(all.take(NOT, &pending(78))), Ok(second));
        assert!(!all.has_left(|_, _| false));
    }

    #[test]
    fn a_quarantine_ends_with_its_answer_or_the_pair_even_if_nobody_calls() {
        let all = astacks(2);
        let ended = std::cell::RefCell::new(Vec::new());
        let end = |index| ended.borrow_mut().push(index);
        for sequence in [77, 78] {
            let taken = all.take(NOT, &PENDING).unwrap();
            all.quarantine(taken.index(), sequence);
        }
        all.end_quarantines(&pending(76), end);
        assert_eq!((all.quarantined(), ended.borrow().len()), (2, 0));
        all.end_quarantines(&pending(78), end);
        assert_eq!((all.quarantined(), &ended.borrow()[..]), (1, &[4][..]));
        assert_eq!(index(all.take(NOT, &PENDING)), Ok(4));
        let calls = pending(0);
        calls.ended.store(true, Ordering::Relaxed);
        all.end_quarantines(&calls, end);
        assert_eq!((all.quarantined(), &ended.borrow()[..]), (0, &[4, 3][..]));
    }

    #[test]
    fn who_waits_for_ever_stops_at_the_end() {
        let all = astacks(1);
        let _held = all.take(NOT, &PENDING).unwrap();
        let calls = pending(0);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| index(all.take(None, &calls)));
            std::thread::yield_now();
            calls.ended.store(true, Ordering::Relaxed);
            assert_eq!(waiter.join().unwrap(), Err(NoneFree));
        });
    }

    #[test]
    fn waiters_get_what_others_give_even_from_leases() {
        let all = astacks(2);
        std::thread::scope(|scope| {
            // More than have leases from the beginning.
            for _ in 0..FIRST_COUNT + 4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let taken = all.take(Some(Duration::from_secs(60)), &PENDING).unwrap();
                        all.give(taken);
                    }
                });
            }
        });
    }
}
