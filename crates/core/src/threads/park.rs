//! Waits that carry a token: an unpark that comes first is not lost.
//!
//! A `Slot` is one word: nothing, a token, or the one that waits. Who puts a waiter in takes it out again or waits for who
//! took it out; so no lock is needed, and a waiter is woken once. loom: `tests/loom/threads.rs`.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;
use std::time::Instant;

use super::post::Post;
use super::processor::{here, on_thread};
use super::record::Record;
use super::waiter::{Ended, Waiter};

/// A token, or who waits for one. At most one thread waits at a time.
#[derive(Debug)]
pub(super) struct Slot(AtomicPtr<Waiter>);

/// No waiters are there.
static MARKS: [u64; 3] = [0; 3];

#[inline(always)]
fn token() -> *mut Waiter {
    (&raw const MARKS[0]).cast_mut().cast()
}

/// Nobody will ask for the token.
#[inline(always)]
fn abandoned() -> *mut Waiter {
    (&raw const MARKS[1]).cast_mut().cast()
}

/// Who waits has lent its place to the thread whose end this is.
#[inline(always)]
fn lent() -> *mut Waiter {
    (&raw const MARKS[2]).cast_mut().cast()
}

impl Slot {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Leaves a token, and wakes whoever waits for it; a second token is none.
    #[inline]
    pub(super) fn set(&self) {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            let waits = !now.is_null() && now != token();
            let next = if waits { ptr::null_mut() } else { token() };
            // Release: pairs with the Acquire of whoever takes the token. Acquire: pairs with the Release that put the
            // waiter there. A token that is there already is stored again, so that it carries what we did as well.
            match self.0.compare_exchange_weak(now, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if waits => {
                    // SAFETY: it was in this slot only, and we took it out.
                    return unsafe { Waiter::wake(now) };
                }
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
    }

    /// Leaves a token for ever: for what happens once. Whoever waited is woken. `false`: nobody will ask for it. `home`, if it
    /// is not null, says where who waits runs.
    ///
    /// # Safety
    /// Both are there. They may be gone before this returns.
    #[inline(always)]
    pub(super) unsafe fn finish(this: *const Self, home: *const AtomicPtr<Post>) -> bool {
        // SAFETY: it is there until the token is.
        let slot = unsafe { &(*this).0 };
        // Acquire: pairs with the Release that put a waiter there, so that `home` is that one's.
        let now = slot.load(Ordering::Acquire);
        if now == lent() {
            // Whoever waits is on this kernel thread, below us, and goes on next: nobody else touches the slot.
            slot.store(token(), Ordering::Release);
            return true;
        }
        if !now.is_null() && now != abandoned() && !home.is_null() {
            // SAFETY: as above.
            let home = unsafe { &*home }.load(Ordering::Relaxed);
            if let Some(processor) = here().filter(|processor| ptr::eq(processor.post(), home)) {
                // Whoever waits does so on this kernel thread, which is busy with us: nobody else touches the slot, and no
                // exchange is needed. (A waiter elsewhere would have said so before it was shown.)
                slot.store(token(), Ordering::Release);
                // SAFETY: it was in this slot only, and we took it out.
                unsafe { Waiter::wake_at_end(now, processor) };
                return true;
            }
        }
        // AcqRel: as in `set`.
        let before = slot.swap(token(), Ordering::AcqRel);
        if before == abandoned() {
            return false;
        }
        if !before.is_null() {
            // SAFETY: a waiter, which was in this slot only, and which we took out.
            unsafe { Waiter::wake(before) };
        }
        true
    }

    /// Whoever waits for the end of the thread whose slot this is runs it now, by itself, and has the only handle.
    #[inline(always)]
    pub(super) fn begin_in_place(&self) {
        // Relaxed: until `finish` or `end_in_place` the slot is this kernel thread's.
        self.0.store(lent(), Ordering::Relaxed);
    }

    /// It was suspended: from here on it is waited for.
    #[inline(always)]
    pub(super) fn end_in_place(&self) {
        self.0.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Nobody will ask for the token any more. `false`: it is there already.
    #[inline(always)]
    pub(super) fn abandon(&self) -> bool {
        // Acquire: of the token that is there.
        self.0.compare_exchange(ptr::null_mut(), abandoned(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether there is a token.
    #[inline(always)]
    pub(super) fn is_set(&self) -> bool {
        // Acquire: pairs with the Release that left it.
        self.0.load(Ordering::Acquire) == token()
    }

    pub(super) fn clear(&self) {
        self.0.store(ptr::null_mut(), Ordering::Relaxed);
    }

    /// Waits for a token and takes it.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> Result<(), Ended> {
        if self.is_set() {
            // Acquire: the token may have been left again since.
            self.0.swap(ptr::null_mut(), Ordering::Acquire);
            return Ok(());
        }
        self.finish_wait(&Waiter::new(), false, deadline, true)
    }

    /// Waits for the token that `record`, whose slot this is, leaves when it is over.
    #[inline(always)]
    pub(super) fn wait_for_end(&self, record: &Record, deadline: Option<Instant>) -> Result<(), Ended> {
        if record.home().is_null()
            && let Some(processor) = on_thread()
            // SAFETY: the calling thread is this processor's, and joins `record`, which only its handle can.
            && unsafe { processor.run_in_place(record) }
        {
            return Ok(());
        }
        let waiter = Waiter::new();
        assert!(!ptr::eq(waiter.record(), record), "a thread that waits for its own end would wait for ever");
        let shown = ptr::from_ref(&waiter).cast_mut();
        let here = waiter.processor();
        let post = here.map_or(ptr::null(), |processor| ptr::from_ref(processor.post()));
        record.joiner_home.store(post.cast_mut(), Ordering::Relaxed);
        // Release: pairs with the Acquire of whoever takes the waiter out.
        let show = || self.0.store(shown, Ordering::Release);
        let is_shown = here.is_some_and(|processor| {
            let home = record.home();
            if ptr::eq(home, post) {
                // It runs on this kernel thread, which is busy with us: nobody else touches the slot.
                show();
                return true;
            }
            // SAFETY: this is the processor's kernel thread.
            home.is_null() && unsafe { processor.post().while_unstarted(record, show) }
        });
        self.finish_wait(&waiter, is_shown, deadline, false)
    }

    /// Waits for a token that comes without fail; nothing else ends it.
    pub(super) fn join_surely(&self) {
        let waiter = Waiter::new();
        let shown = ptr::from_ref(&waiter).cast_mut();
        // As in `finish_wait`.
        if self.0.compare_exchange(ptr::null_mut(), shown, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            waiter.wait_once();
        }
    }

    /// Waits with a waiter that is shown already, or is to be.
    #[inline(always)]
    fn finish_wait(&self, waiter: &Waiter, is_shown: bool, deadline: Option<Instant>, take: bool) -> Result<(), Ended> {
        let shown = ptr::from_ref(waiter).cast_mut();
        // Release: pairs with the Acquire of whoever takes the waiter out. Acquire: of a token that is there by now.
        if !is_shown && self.0.compare_exchange(ptr::null_mut(), shown, Ordering::AcqRel, Ordering::Acquire).is_err() {
            if take {
                self.0.swap(ptr::null_mut(), Ordering::Acquire);
            }
            return Ok(());
        }
        let Err(ended) = waiter.wait(deadline) else { return Ok(()) };
        if self.0.compare_exchange(shown, ptr::null_mut(), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            return Err(ended);
        }
        waiter.wait_surely();
        Ok(())
    }
}

/// Waits for an [`Unparker`]. It works on user-level threads and on any kernel thread.
#[derive(Debug)]
pub struct Parker(Unparker);

impl Parker {
    /// Without a token.
    #[must_use]
    pub fn new() -> Self {
        Self(Unparker(Arc::new(Slot::new())))
    }

    /// The other end.
    #[must_use]
    pub fn unparker(&self) -> Unparker {
        self.0.clone()
    }

    /// Waits for a token and takes it. It never returns `Ok` without one.
    ///
    /// # Errors
    /// [`Ended::TimedOut`] at `deadline`; [`Ended::Cancelled`]. A token that comes later stays.
    pub fn park(&mut self, deadline: Option<Instant>) -> Result<(), Ended> {
        self.0.0.wait(deadline)
    }
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

/// Lets a [`Parker`] go on, now or when it parks next.
#[derive(Debug, Clone)]
pub struct Unparker(Arc<Slot>);

impl Unparker {
    /// Leaves a token; a second one before the first is taken is none.
    pub fn unpark(&self) {
        self.0.set();
    }
}

// SAFETY: the waiter that is reached through it is for whoever takes it out (`waiter`).
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}
