//! Who waits for a mutex, a condition or a permit: in the order in which they came, linked through their waiters.

use core::cell::Cell;
use core::ptr;
use std::time::Instant;

use super::waiter::{Ended, Waiter};
use crate::sync::ShortLock;

/// Waiters that wait.
#[derive(Debug)]
pub(super) struct Queue {
    head: Cell<*const Waiter>,
    tail: Cell<*const Waiter>,
}

// SAFETY: the waiters in it are touched under the lock, and are for whoever takes them out.
unsafe impl Send for Queue {}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.head.get().is_null()
    }

    /// Adds one at the end. It stays where it is until it is taken out, or [`Self::remove`]d.
    pub(super) fn push(&mut self, waiter: &Waiter) {
        let tail = self.tail.replace(waiter);
        waiter.link.set(ptr::null());
        waiter.back.set(tail);
        waiter.queued.set(true);
        // SAFETY: who is in the queue waits, and takes itself out before it goes.
        match unsafe { tail.as_ref() } {
            Some(last) => last.link.set(waiter),
            None => self.head.set(waiter),
        }
    }

    /// Takes the first; null if there is none. It must be woken, without the lock.
    pub(super) fn pop(&mut self) -> *const Waiter {
        let head = self.head.get();
        // SAFETY: who is in the queue waits.
        if let Some(first) = unsafe { head.as_ref() } {
            self.unlink(first);
        }
        head
    }

    /// Takes one out again. `false`: somebody else has.
    pub(super) fn remove(&mut self, waiter: &Waiter) -> bool {
        let queued = waiter.queued.get();
        if queued {
            self.unlink(waiter);
        }
        queued
    }

    fn unlink(&mut self, waiter: &Waiter) {
        waiter.queued.set(false);
        let (next, prev) = (waiter.link.get(), waiter.back.get());
        // SAFETY: who is in the queue waits.
        match unsafe { prev.as_ref() } {
            Some(prev) => prev.link.set(next),
            None => self.head.set(next),
        }
        // SAFETY: as above.
        match unsafe { next.as_ref() } {
            Some(next) => next.back.set(prev),
            None => self.tail.set(prev),
        }
    }
}

/// The queue under its lock.
#[derive(Debug)]
pub(super) struct WaitList(ShortLock<Queue>);

impl WaitList {
    pub(super) const fn new() -> Self {
        Self(ShortLock::new(Queue { head: Cell::new(ptr::null()), tail: Cell::new(ptr::null()) }))
    }

    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Queue) -> R) -> R {
        f(&mut self.0.lock())
    }

    /// Waits with a waiter that was pushed. An error: nobody has taken it out, and it is out of the queue.
    #[inline(always)]
    pub(super) fn wait(&self, waiter: &Waiter, deadline: Option<Instant>) -> Result<(), Ended> {
        let Err(ended) = waiter.wait(deadline) else { return Ok(()) };
        if self.with(|queue| queue.remove(waiter)) {
            return Err(ended);
        }
        waiter.wait_surely();
        Ok(())
    }

    /// Wakes the first. `false`: nobody waits.
    pub(super) fn wake_one(&self) -> bool {
        let first = self.with(Queue::pop);
        if !first.is_null() {
            // SAFETY: it was in this queue only, and we took it out.
            unsafe { Waiter::wake(first) };
        }
        !first.is_null()
    }
}
