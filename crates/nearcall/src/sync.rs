//! A mutex, a condition variable and a semaphore for [threads](crate::thread), which kernel threads may use as well.
//!
//! They are for threads of one process. Names and behaviour are std's where std has them; what differs: a wait can have a
//! deadline, and ends with an error when its thread is cancelled. std's own locks work on threads, too, but block the kernel
//! thread with all its threads, so one that is held over a wait can wait for itself.
//!
//! ```
//! use nearcall::sync::Mutex;
//! use nearcall::thread;
//!
//! let sum = Mutex::new(0);
//! thread::scope(|scope| {
//!     for number in 0..10 {
//!         let sum = &sum;
//!         scope.spawn(move || *sum.lock().unwrap() += number);
//!     }
//! });
//! assert_eq!(sum.into_inner(), 45);
//! ```

use std::time::Instant;

use nearcall_core::threads::sync as core;

pub use nearcall_core::threads::sync::{Condvar, LockError, Mutex, MutexGuard, Permit};

use crate::thread::{Cancelled, WaitError};

/// A number of permits. Who waits gets them in the order in which they came.
///
/// ```
/// use nearcall::sync::Semaphore;
///
/// let two = Semaphore::new(2);
/// let held = (two.acquire()?, two.acquire()?);
/// assert!(two.try_acquire().is_none());
/// drop(held);
/// assert_eq!(two.available(), 2);
/// # Ok::<(), nearcall::thread::Cancelled>(())
/// ```
#[derive(Debug)]
pub struct Semaphore(core::Semaphore);

impl Semaphore {
    /// With `permits` permits.
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self(core::Semaphore::new(permits))
    }

    /// Takes a permit, and waits until there is one.
    ///
    /// # Errors
    /// [`Cancelled`], if it had to wait.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>, Cancelled> {
        self.0.acquire().map_err(|_| Cancelled)
    }

    /// As [`Self::acquire`], until `deadline`.
    ///
    /// # Errors
    /// [`WaitError`].
    #[inline]
    pub fn acquire_until(&self, deadline: Instant) -> Result<Permit<'_>, WaitError> {
        self.0.acquire_until(deadline).map_err(WaitError::from)
    }

    /// Takes a permit if there is one.
    #[inline]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.0.try_acquire()
    }

    /// Permits that nobody has.
    #[must_use]
    pub fn available(&self) -> usize {
        self.0.available()
    }

    /// Adds `count` permits.
    #[inline]
    pub fn release(&self, count: usize) {
        self.0.release(count);
    }
}
