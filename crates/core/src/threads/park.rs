//! Waits that carry a token: an unpark that comes first is not lost.
//!
//! A [`Slot`] is one word: nothing, a token, or the one that waits. Who puts a waiter in takes it out again or waits for who
//! took it out; so no lock is needed, and a waiter is woken once. loom: `tests/loom/park.rs`.

use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;
use std::time::Instant;

use super::waiter::{Ended, Waiter};

/// A token, or who waits for one. At most one thread waits at a time.
#[derive(Debug)]
pub(super) struct Slot(AtomicPtr<Waiter>);

/// No waiters are there.
static MARKS: [u64; 2] = [0; 2];

#[inline(always)]
fn token() -> *mut Waiter {
    (&raw const MARKS[0]).cast_mut().cast()
}

/// Nobody will ask for the token.
#[inline(always)]
fn abandoned() -> *mut Waiter {
    (&raw const MARKS[1]).cast_mut().cast()
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

    /// Leaves a token for ever: for what happens once. Whoever waited is woken. `false`: nobody will ask for it.
    #[inline(always)]
    pub(super) fn finish(&self) -> bool {
        // AcqRel: as in `set`.
        let before = self.0.swap(token(), Ordering::AcqRel);
        if before == abandoned() {
            return false;
        }
        if !before.is_null() {
            // SAFETY: a waiter, which was in this slot only, and which we took out.
            unsafe { Waiter::wake(before) };
        }
        true
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
        self.wait_finish(deadline, true)
    }

    /// Waits for a token that stays.
    #[inline(always)]
    pub(super) fn join(&self, deadline: Option<Instant>) -> Result<(), Ended> {
        if self.is_set() { Ok(()) } else { self.wait_finish(deadline, false) }
    }

    /// Waits for a token that comes without fail; nothing else ends it.
    pub(super) fn join_surely(&self) {
        let waiter = Waiter::new();
        let shown = ptr::from_ref(&waiter).cast_mut();
        // As in `wait_finish`.
        if self.0.compare_exchange(ptr::null_mut(), shown, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            waiter.wait_surely();
        }
    }

    #[inline(always)]
    fn wait_finish(&self, deadline: Option<Instant>, take: bool) -> Result<(), Ended> {
        let waiter = Waiter::new();
        let shown = ptr::from_ref(&waiter).cast_mut();
        // Release: pairs with the Acquire of whoever takes the waiter out. Acquire: of a token that is there by now.
        if self.0.compare_exchange(ptr::null_mut(), shown, Ordering::AcqRel, Ordering::Acquire).is_err() {
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
