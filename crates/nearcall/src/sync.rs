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

pub use nearcall_core::threads::sync::{Condvar, LockError, Mutex, MutexGuard, Permit, Semaphore};
