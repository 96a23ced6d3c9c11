//! A lock that costs its owner two plain stores and a load, and others a system call.
//!
//! What lies at a processor's post is put there and taken away by that processor all the time, and by others now and then. An
//! atomic exchange each time would be a fifth of what a fork and join take.
//!
//! ```text
//! owner: inside; light barrier; others want it? -> step back      others: want it; heavy barrier; wait while it is inside
//! ```
//!
//! Whoever comes second sees the other one (`docs/orderings.md`, "Biased lock"; loom: `tests/loom/threads.rs`).

use core::cell::UnsafeCell;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, Ordering};

use crate::sync::{ShortGuard, ShortLock, heavy_barrier, light_barrier};

/// A value with an owner, a kernel thread.
#[derive(Debug)]
pub(super) struct Biased<T> {
    inside: AtomicBool,
    wanted: AtomicBool,
    others: ShortLock<()>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through a guard, of which there is one at a time.
unsafe impl<T: Send> Sync for Biased<T> {}

const SPINS: u32 = 100;

/// Waits while `flag` is set: for the few nanoseconds that a guard lives, unless who has it is preempted.
#[cold]
fn wait(flag: &AtomicBool) {
    let mut turn = 0_u32;
    // Acquire: pairs with the Release that clears it.
    while flag.load(Ordering::Acquire) {
        turn = turn.saturating_add(1);
        if turn < SPINS {
            core::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}

impl<T> Biased<T> {
    pub(super) const fn new(value: T) -> Self {
        Self {
            inside: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            others: ShortLock::new(()),
            value: UnsafeCell::new(value),
        }
    }

    /// The owner's way.
    ///
    /// # Safety
    /// One kernel thread calls it, and while it has no guard of the same lock.
    #[inline(always)]
    pub(super) unsafe fn own(&self) -> OwnGuard<'_, T> {
        loop {
            self.inside.store(true, Ordering::Relaxed);
            // Pairs with the heavy barrier in `lock`.
            light_barrier();
            // Acquire: pairs with the Release in `OtherGuard::drop`.
            if !self.wanted.load(Ordering::Acquire) {
                return OwnGuard { lock: self };
            }
            self.inside.store(false, Ordering::Release);
            wait(&self.wanted);
        }
    }

    /// Everybody else's.
    pub(super) fn lock(&self) -> OtherGuard<'_, T> {
        let others = self.others.lock();
        self.wanted.store(true, Ordering::Relaxed);
        // Pairs with the light barrier in `own`.
        heavy_barrier();
        wait(&self.inside);
        OtherGuard { lock: self, _others: others }
    }
}

#[derive(Debug)]
pub(super) struct OwnGuard<'a, T> {
    lock: &'a Biased<T>,
}

impl<T> Deref for OwnGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for OwnGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `wait`, called by `lock`.
        self.lock.inside.store(false, Ordering::Release);
    }
}

#[derive(Debug)]
pub(super) struct OtherGuard<'a, T> {
    lock: &'a Biased<T>,
    _others: ShortGuard<'a, ()>,
}

impl<T> Deref for OtherGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for OtherGuard<'_, T> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `own`, and in `wait`, called by it.
        self.lock.wanted.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    #[test]
    fn it_excludes() {
        crate::sync::prepare();
        let lock = Biased::new(Cell::new(0_u64));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..2_000).for_each(|_| lock.lock().update(|value| value + 1)));
            }
            // SAFETY: this kernel thread only.
            (0..1_000_000).for_each(|_| unsafe { lock.own() }.update(|value| value + 1));
        });
        assert_eq!(lock.lock().get(), 1_004_000);
    }
}
