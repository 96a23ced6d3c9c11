//! Waits that a processor looks at by itself: for conditions, by polling, and for times.

use core::ptr;
use core::sync::atomic::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::work::Words;
use super::{Processor, TURN_COUNT, here, now};
use crate::sys::futex::{self, Sleep};
use crate::threads::context;
use crate::threads::record::foreign;
use crate::threads::waiter::{Ended, Waiter};
use crate::threads::wheel::{Key, Wheel};
use crate::transfer::clock;

/// How long a sleep lasts at most where a polled wait has no word, or there are more than a sleep can have. It doubles up to
/// [`POLL_STEP_MAX`] while nothing happens.
pub(super) const POLL_STEP: Duration = Duration::from_millis(1);

pub(super) const POLL_STEP_MAX: Duration = Duration::from_millis(16);

/// How often the clock is read while threads are ready and timers are set, in microseconds.
const CLOCK_US: u64 = 20;

/// In which situation a polled wait is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The next look may come at once.
    Poll,
    /// The processor sleeps next, if all say `false`: whoever must be told to wake it is to be told, before a last look.
    BeforeSleep,
}

/// How a wait for a condition ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The condition holds.
    Ready,
    /// The deadline came first.
    TimedOut,
    /// The thread was cancelled.
    Cancelled,
}

pub(super) struct Polled {
    pub(super) waiter: Waiter,
    ready: *mut (dyn FnMut(Turn) -> bool + 'static),
    pub(super) words: &'static [Sleep<'static>],
}

impl Processor {
    /// Waits until `ready` says so. On a thread others run meanwhile; with none ready, `ready` is called without a switch.
    pub(in crate::threads) fn wait_until(
        &self,
        ready: &mut dyn FnMut(Turn) -> bool,
        deadline: Option<Instant>,
        words: &[Sleep<'_>],
    ) -> Waited {
        if std::thread::panicking() {
            return block_until(ready, deadline, words);
        }
        let mut turns = clock::wake_turns();
        while turns > 0 && !self.has_ready() {
            if ready(Turn::Poll) {
                let polls = &self.watched().polls;
                polls.store(polls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
                return Waited::Ready;
            }
            if self.timer_count.get() != 0 && turns.is_multiple_of(64) {
                self.look_at_clock();
            }
            turns -= 1;
            core::hint::spin_loop();
        }
        if self.runs_thread() {
            return self.wait_polled(ready, deadline, words);
        }
        self.wait_here(ready, deadline, words)
    }

    /// Suspends the current thread until the loop finds that `ready` says so.
    fn wait_polled(
        &self,
        ready: &mut dyn FnMut(Turn) -> bool,
        deadline: Option<Instant>,
        words: &[Sleep<'_>],
    ) -> Waited {
        let ready = ptr::from_mut(ready);
        // SAFETY: a pointer of the same kind; it is used until this function returns, and the closure lives longer.
        let ready: *mut (dyn FnMut(Turn) -> bool + 'static) = unsafe { core::mem::transmute(ready) };
        // SAFETY: as above, for the words.
        let words: &'static [Sleep<'static>] = unsafe { core::mem::transmute(words) };
        let polled = Polled { waiter: Waiter::new(), ready, words };
        let this = &raw const polled;
        let mut all = self.polled.borrow_mut();
        all.push(this);
        self.count_waits(all.len());
        drop(all);
        let ended = polled.waiter.wait(deadline);
        let mut all = self.polled.borrow_mut();
        if let Some(at) = all.iter().position(|&other| ptr::eq(other, this)) {
            all.swap_remove(at);
        }
        self.count_waits(all.len());
        drop(all);
        match ended {
            Ok(()) => Waited::Ready,
            Err(Ended::TimedOut) => Waited::TimedOut,
            Err(Ended::Cancelled) => Waited::Cancelled,
        }
    }

    /// In the processor's own context: runs threads meanwhile.
    fn wait_here(&self, ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, words: &[Sleep<'_>]) -> Waited {
        loop {
            if ready(Turn::Poll) {
                return Waited::Ready;
            }
            if self.run_ready(TURN_COUNT) || self.poll() {
                continue;
            }
            if deadline.is_some_and(|deadline| now() >= deadline) {
                return Waited::TimedOut;
            }
            if ready(Turn::BeforeSleep) {
                return Waited::Ready;
            }
            match words {
                [] => self.sleep(&[], Some(now() + POLL_STEP)),
                words => self.sleep(words, deadline),
            }
        }
    }

    /// Looks at timers and polled waits. Says whether a thread became ready.
    pub fn poll(&self) -> bool {
        let timed = self.timer_count.get() != 0 && self.expire();
        self.look_at_polled(Turn::Poll) || timed
    }

    pub(super) fn look_at_polled(&self, turn: Turn) -> bool {
        let mut woken = false;
        let mut at = 0;
        loop {
            // Not borrowed while the closure runs.
            let Some(&polled) = self.polled.borrow().get(at) else { return woken };
            // SAFETY: what is in the list waits, and takes itself out before it goes.
            let polled = unsafe { &*polled };
            if polled.waiter.is_parked() && look(polled.ready, turn) && polled.waiter.wake_here() {
                woken = true;
                self.polled.borrow_mut().swap_remove(at);
                // SAFETY: it is suspended here, in no list, and it was us who ended its wait.
                unsafe { self.make_ready(polled.waiter.record()) };
            } else {
                at += 1;
            }
        }
    }

    /// When the next timer is due.
    #[must_use]
    pub fn next_timer(&self) -> Option<Instant> {
        let next = self.wheel.borrow().as_ref()?.next()?;
        Some(epoch() + Duration::from_micros(next))
    }

    /// For the watchdog: there is a timer that is due then.
    fn tell_due(&self, due: Option<u64>) {
        self.watched().due.store(due.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// For the watchdog.
    fn count_waits(&self, polled: usize) {
        self.watched().to_look_at.store(polled, Ordering::Relaxed);
    }

    #[inline(never)]
    pub(in crate::threads) fn set_timer(&self, deadline: Instant, waiter: *const Waiter) -> Key {
        // Rounded up: never before.
        let due = deadline.saturating_duration_since(epoch()).saturating_add(Duration::from_nanos(999)).as_micros();
        let due = u64::try_from(due).unwrap_or(u64::MAX >> 12);
        let mut wheel = self.wheel.borrow_mut();
        let wheel = wheel.get_or_insert_with(|| Wheel::new(micros()));
        let key = wheel.insert(due, waiter);
        self.timer_count.set(wheel.count());
        if due < self.watched().due.load(Ordering::Relaxed) {
            self.tell_due(Some(due));
        }
        key
    }

    #[inline(never)]
    pub(in crate::threads) fn remove_timer(&self, key: Key) {
        if let Some(wheel) = self.wheel.borrow_mut().as_mut() {
            let removed = wheel.remove(key);
            self.timer_count.set(wheel.count());
            if removed.is_some_and(|due| due <= self.watched().due.load(Ordering::Relaxed)) {
                self.tell_due(wheel.early());
            }
        }
    }

    /// Looks at the timers if there are any, and not too often: threads are ready.
    #[inline(always)]
    pub(super) fn look_at_clock(&self) {
        if self.timer_count.get() != 0 {
            let ticks = clock::ticks();
            if ticks.wrapping_sub(self.looked.get()) > clock::calibration().us(CLOCK_US) {
                self.looked.set(ticks);
                self.expire();
            }
        }
    }

    /// Ends the waits whose time has come. Says whether there were any.
    fn expire(&self) -> bool {
        let mut any = false;
        let mut wheel = self.wheel.borrow_mut();
        let Some(wheel) = wheel.as_mut() else { return false };
        wheel.advance(micros());
        while let Some(waiter) = wheel.pop() {
            // SAFETY: a waiter takes its timer out before it goes.
            let waiter = unsafe { &*waiter };
            if waiter.time_out() {
                any = true;
                // SAFETY: it is suspended here, in no list, and it was us who ended its wait.
                unsafe { self.make_ready(waiter.record()) };
            }
        }
        self.timer_count.set(wheel.count());
        self.tell_due(wheel.early());
        any
    }

    /// Whether some thread waits by being polled.
    #[must_use]
    pub fn has_polled(&self) -> bool {
        !self.polled.borrow().is_empty()
    }
}

fn look(ready: *mut (dyn FnMut(Turn) -> bool + 'static), turn: Turn) -> bool {
    // SAFETY: the closure lives as long as the wait, and its thread is suspended.
    let ready = unsafe { &mut *ready };
    // A condition that panics does so again where it belongs, when its thread looks.
    catch_unwind(AssertUnwindSafe(|| ready(turn))).unwrap_or(true)
}

fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(now)
}

/// Ticks of the wheels, for the watchdog as well.
pub(in crate::threads) fn micros() -> u64 {
    u64::try_from(epoch().elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Waits until `ready` says so, looking again and again; `ready` must not wait itself. A thread is suspended meanwhile if
/// others are ready. Before a sleep `ready` is called with [`Turn::BeforeSleep`]; the sleep is on `words`, so whatever makes
/// `ready` true has to change one of them and wake. Without words, or with more than there is room for beside those of other
/// waits ([`POLLED_WORD_COUNT`](super::POLLED_WORD_COUNT) in all, each counted once), it sleeps a millisecond at a time, and
/// up to 16 while nothing happens.
pub fn wait_until(ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, words: &[Sleep<'_>]) -> Waited {
    match here() {
        Some(processor) => processor.wait_until(ready, deadline, words),
        None => block_until(ready, deadline, words),
    }
}

/// As [`wait_until`], by a kernel thread that does nothing else.
fn block_until(ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, words: &[Sleep<'_>]) -> Waited {
    let thread = foreign();
    let mut turns = clock::wake_turns();
    loop {
        if ready(Turn::Poll) {
            return Waited::Ready;
        }
        if turns > 0 {
            turns -= 1;
            core::hint::spin_loop();
            continue;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(now()));
        if left == Some(Duration::ZERO) {
            return Waited::TimedOut;
        }
        if ready(Turn::BeforeSleep) {
            return Waited::Ready;
        }
        let step = if words.is_empty() { Some(left.map_or(POLL_STEP, |left| left.min(POLL_STEP))) } else { left };
        let bell = &thread.record().bell;
        // Beside words that another process may wake, or requeue the sleeper from.
        let mut all = Words::new(Sleep { word: bell, value: bell.load(Ordering::Acquire), shared: false });
        words.iter().for_each(|&word| all.push(word));
        context::block(|| futex::sleep(all.as_slice(), step));
    }
}
