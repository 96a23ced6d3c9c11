//! One wait: who waits, and how it ends.
//!
//! A [`Waiter`] lies on the stack of who waits. It is shown to one waker (in a [`Slot`](super::park::Slot), or in a list
//! under a lock), who takes it away from there before waking it. Its state is *parked* from the beginning: a user-level
//! thread that has shown its waiter will be suspended before its processor looks at anything else, because it never changes
//! its kernel thread; a wake that is early leaves it in a queue that is read later.
//!
//! ```text
//!             wake                                       timer, cancel (its own processor)
//!   PARKED ─────────▶ WOKEN          PARKED ────────────────▶ TIMED_OUT, CANCELLED
//!                                                             │ it takes the waiter back from where it was shown,
//!                                       PARKED ◀──────────────┘ or, if a waker has it by now, waits for that one
//! ```
//!
//! | state | who writes | |
//! |---|---|---|
//! | WOKEN | the waker, once | on the waiter's own processor by a store, elsewhere by an exchange |
//! | TIMED_OUT, CANCELLED | the waiter's processor | by compare-and-swap |
//!
//! Who changes PARKED makes the thread ready, and nobody else.

use core::cell::Cell;
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};

use super::context;
use super::processor::{self, Processor, here};
use super::record::{Record, Thread, foreign};
use super::watchdog;
use crate::sys::futex::{self, Sleep};

const PARKED: u32 = 0;
const WOKEN: u32 = 1;
const TIMED_OUT: u32 = 2;
const CANCELLED: u32 = 3;

/// Why a wait ended without what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its deadline came.
    TimedOut,
    /// Its thread was cancelled.
    Cancelled,
}

impl core::fmt::Display for Ended {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "the deadline came before what was waited for",
            Self::Cancelled => "the thread was cancelled while it waited",
        })
    }
}

impl core::error::Error for Ended {}

/// The wait of the calling thread.
#[derive(Debug)]
pub(super) struct Waiter {
    state: AtomicU32,
    record: *const Record,
    /// Keeps the record of a foreign thread; that of a user-level thread lives because the thread is not over.
    foreign: Option<Thread>,
    /// Of the queue that it is in, under that one's lock (`wait_list`).
    pub(super) link: Cell<*const Self>,
    pub(super) back: Cell<*const Self>,
    pub(super) queued: Cell<bool>,
}

impl Waiter {
    /// For whoever calls. Nothing suspends while it panics, because the kernel thread's count of panics would go with the
    /// next thread: it blocks the kernel thread instead.
    #[inline(always)]
    pub(super) fn new() -> Self {
        let current = here().map_or(ptr::null(), Processor::current);
        if current.is_null() || std::thread::panicking() {
            let foreign = foreign();
            let record = ptr::from_ref(foreign.record());
            return Self::with(record, Some(foreign));
        }
        Self::with(current, None)
    }

    #[inline(always)]
    fn with(record: *const Record, foreign: Option<Thread>) -> Self {
        let (link, back) = (Cell::new(ptr::null()), Cell::new(ptr::null()));
        Self { state: AtomicU32::new(PARKED), record, foreign, link, back, queued: Cell::new(false) }
    }

    /// Of a user-level thread.
    #[inline(always)]
    pub(super) fn processor(&self) -> Option<&'static Processor> {
        if self.foreign.is_some() { None } else { here() }
    }

    pub(super) fn record(&self) -> *const Record {
        self.record
    }

    /// Whether it still waits.
    #[inline(always)]
    pub(super) fn is_parked(&self) -> bool {
        self.state.load(Ordering::Relaxed) == PARKED
    }

    /// Waits until it is woken. On an error it was not, and the caller must take it back from where it showed it, or, where
    /// it is no longer there, call [`Self::wait_surely`].
    ///
    /// Inlined, as all is on the way to a switch: the machine predicts where a function returns to by the calls it has seen,
    /// which were on another stack; each return after a switch would cost as much as the switch.
    #[inline(always)]
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Result<(), Ended> {
        if self.foreign.is_some() {
            return self.sleep(deadline);
        }
        let Some(processor) = here() else { unreachable!("a user-level thread runs on a processor") };
        // SAFETY: it is the calling thread's.
        let record = unsafe { &*self.record };
        if record.is_cancelled() && self.end(CANCELLED) {
            return Err(Ended::Cancelled);
        }
        record.waiting.set(self);
        let timer = deadline.map(|deadline| processor.set_timer(deadline, self));
        processor.suspend();
        if let Some(timer) = timer {
            processor.remove_timer(timer);
        }
        record.waiting.set(ptr::null());
        // Acquire: pairs with the exchange in `wake`, or is on the waker's own kernel thread.
        match self.state.load(Ordering::Acquire) {
            TIMED_OUT => Err(Ended::TimedOut),
            CANCELLED => Err(Ended::Cancelled),
            _ => Ok(()),
        }
    }

    /// Waits for a waker who will have it without fail; nothing else ends it. It has not waited before: so whoever wakes it, and be
    /// it by now, makes the thread ready, which must be suspended then.
    #[cold]
    pub(super) fn wait_once(&self) {
        if self.foreign.is_some() {
            let _ = self.sleep(None);
        } else if let Some(processor) = here() {
            processor.suspend();
        }
        // Acquire: pairs with the exchange in `wake`.
        let _ = self.state.load(Ordering::Acquire);
    }

    /// After an end: waits for a waker who has it already. Nothing else ends it. One that came after the end has made nobody
    /// ready.
    #[cold]
    pub(super) fn wait_surely(&self) {
        let state = self.state.load(Ordering::Acquire);
        // Relaxed: what the waker did comes with its exchange, which is looked at below.
        let parked =
            state != WOKEN && self.state.compare_exchange(state, PARKED, Ordering::Relaxed, Ordering::Acquire).is_ok();
        if self.foreign.is_some() {
            let _ = self.sleep(None);
        } else if parked && let Some(processor) = here() {
            processor.suspend();
        }
        fence(Ordering::Acquire);
    }

    /// Ends it in `state`, unless it has ended. On its own kernel thread. The caller makes the thread ready.
    #[inline]
    pub(super) fn end(&self, state: u32) -> bool {
        self.state.compare_exchange(PARKED, state, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    pub(super) fn time_out(&self) -> bool {
        self.end(TIMED_OUT)
    }

    pub(super) fn cancel(&self) -> bool {
        self.end(CANCELLED)
    }

    /// As [`Self::wake`], by its own processor, of one that was shown to nobody else: the caller makes the thread ready.
    #[inline(always)]
    pub(super) fn wake_here(&self) -> bool {
        // No exchange, which would wait for all that was stored before: timers and cancels are this kernel thread's, too.
        let parked = self.is_parked();
        if parked {
            self.state.store(WOKEN, Ordering::Relaxed);
        }
        parked
    }

    /// A kernel thread's wait, which is not cancelled. One that has a processor runs its threads meanwhile: they may be what it
    /// waits for.
    #[inline(never)]
    fn sleep(&self, deadline: Option<Instant>) -> Result<(), Ended> {
        // SAFETY: alive, because the waiter keeps it.
        let record = unsafe { &*self.record };
        loop {
            // Acquire: pairs with the Release in `Thread::ring`.
            let bell = record.bell.load(Ordering::Acquire);
            // Acquire: pairs with the exchange in `wake`.
            if self.state.load(Ordering::Acquire) == WOKEN {
                return Ok(());
            }
            let left = match deadline {
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(processor::now());
                    if left == Duration::ZERO && self.end(TIMED_OUT) {
                        return Err(Ended::TimedOut);
                    }
                    Some(left)
                }
                None => None,
            };
            let word = Sleep { word: &record.bell, value: bell, shared: false };
            match here() {
                Some(processor) if processor.current().is_null() && !std::thread::panicking() => {
                    if !processor.run_ready(processor::TURN_COUNT) && !processor.poll() {
                        processor.sleep(&[word], deadline);
                    }
                }
                _ => {
                    context::block(|| futex::sleep(&[word], left));
                }
            }
        }
    }

    /// As [`Self::wake`], of a thread of the calling kernel thread.
    ///
    /// # Safety
    /// As there; and it is one of those.
    #[inline(always)]
    pub(super) unsafe fn wake_on(waiter: *const Self, processor: &Processor) {
        // SAFETY: the contract is the same.
        unsafe { Self::wake_at_end(waiter, processor) };
        watchdog::look_after();
    }

    /// The same, by a thread that is over, so that its processor resumes somebody next.
    ///
    /// # Safety
    /// As [`Self::wake_on`].
    #[inline(always)]
    pub(super) unsafe fn wake_at_end(waiter: *const Self, processor: &Processor) {
        // SAFETY: its thread waits for us.
        let this = unsafe { &*waiter };
        // Nobody else can change it: its timer and its cancelling are this kernel thread's, too.
        let parked = this.is_parked();
        this.state.store(WOKEN, Ordering::Relaxed);
        if parked {
            // SAFETY: it is suspended, or is the one that runs and will be at once; so it is in no list.
            unsafe { processor.push_ready(this.record) };
        }
    }

    /// Ends a wait, and makes its thread ready.
    ///
    /// # Safety
    /// The waiter was shown to the caller and to nobody else, and has been taken away from there: so its thread does not go
    /// on before this. It may be gone afterwards.
    #[inline(always)]
    pub(super) unsafe fn wake(waiter: *const Self) {
        // SAFETY: its thread waits for us.
        let this = unsafe { &*waiter };
        let record = this.record;
        // SAFETY: a thread that waits is not over, and a foreign one's waiter keeps the record.
        let who = unsafe { &*record };
        if who.is_foreign() {
            // SAFETY: as above.
            let thread = unsafe { Thread::from_record(record) };
            // Release: pairs with the Acquire in `sleep`.
            this.state.store(WOKEN, Ordering::Release);
            thread.ring();
            return;
        }
        let home = who.home();
        if let Some(processor) = here().filter(|processor| ptr::eq(processor.post(), home)) {
            // SAFETY: the contract is the same, and it waits here.
            return unsafe { Self::wake_on(waiter, processor) };
        }
        // AcqRel: Release pairs with the Acquire in `wait`; Acquire because of what the thread is made ready after.
        if this.state.swap(WOKEN, Ordering::AcqRel) == PARKED
            // SAFETY: posts live for ever.
            && let Some(post) = unsafe { home.as_ref() }
        {
            // SAFETY: as above.
            unsafe { post.deliver(record) };
        }
    }
}

/// Waits until `deadline`.
///
/// # Errors
/// The thread was cancelled.
pub fn sleep_until(deadline: Instant) -> Result<(), Ended> {
    // Shown to nobody: only time or a cancel ends it.
    match Waiter::new().wait(Some(deadline)) {
        Err(Ended::Cancelled) => Err(Ended::Cancelled),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::stack::Class;
    use crate::threads::task::spawn_local;

    #[test]
    fn one_that_is_woken_before_it_waits_is_ready_once() {
        let processor = Processor::enter();
        let early = spawn_local(None, Class::THREAD, || {
            let waiter = Waiter::new();
            // SAFETY: it is shown to nobody else, and its thread is suspended next.
            unsafe { Waiter::wake(&raw const waiter) };
            waiter.wait_once();
            here().is_some_and(Processor::has_ready)
        });
        assert!(!early.unwrap().result().unwrap(), "it is ready while it runs");
        processor.leave();
    }
}
