//! A mutex, a condition variable and a semaphore, for user-level threads and for kernel threads alike.
//!
//! Whoever waits suspends its thread, and its processor runs others; a kernel thread that is no processor sleeps. A wait ends
//! early at its deadline, or because its thread was cancelled. Nothing here is shared between processes.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use super::wait_list::{Queue, WaitList};
use super::waiter::{Ended, Waiter};

const FREE: u32 = 0;
const LOCKED: u32 = 1;
/// And somebody may wait: whoever unlocks has to look.
const AWAITED: u32 = 2;

/// Why a mutex was not locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockError {
    /// A thread panicked while it had the lock, so the value may be half changed. `clear_poison` accepts it as it is.
    Poisoned,
    /// The deadline came first.
    TimedOut,
    /// The thread was cancelled before or while it waited.
    Cancelled,
    /// Somebody else has it: from `try_lock` only.
    WouldBlock,
}

impl core::fmt::Display for LockError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Poisoned => "a thread panicked while it had the lock",
            Self::TimedOut => "the deadline came before the lock was free",
            Self::Cancelled => "the thread was cancelled while it waited for the lock",
            Self::WouldBlock => "another thread has the lock",
        })
    }
}

impl core::error::Error for LockError {}

impl From<Ended> for LockError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::TimedOut => Self::TimedOut,
            Ended::Cancelled => Self::Cancelled,
        }
    }
}

/// Mutual exclusion, with std's names: [`Self::lock`] gives a guard, and a panic with the lock held poisons it.
///
/// It is taken by one exchange and released by another where nobody waits. Who waits longest is woken first, but may be
/// overtaken by one that comes just then.
///
/// A user-level thread that has the lock may suspend: others that want it wait, and their processors run something else.
#[derive(Debug)]
pub struct Mutex<T: ?Sized> {
    state: AtomicU32,
    poisoned: AtomicBool,
    waiters: WaitList,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reachable through a guard only, of which there is one at a time.
unsafe impl<T: ?Sized + Send> Send for Mutex<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Free, around `value`.
    pub const fn new(value: T) -> Self {
        Self {
            state: AtomicU32::new(FREE),
            poisoned: AtomicBool::new(false),
            waiters: WaitList::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// The value; a poisoned one as well.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Takes the lock, and waits until it is free.
    ///
    /// # Errors
    /// [`LockError::Poisoned`]; [`LockError::Cancelled`], if it had to wait.
    #[inline]
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, LockError> {
        if !self.take() {
            self.wait(None)?;
        }
        self.guard()
    }

    /// As [`Self::lock`], until `deadline`.
    ///
    /// # Errors
    /// [`LockError::TimedOut`], and those of [`Self::lock`].
    #[inline]
    pub fn lock_until(&self, deadline: Instant) -> Result<MutexGuard<'_, T>, LockError> {
        if !self.take() {
            self.wait(Some(deadline))?;
        }
        self.guard()
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// [`LockError::WouldBlock`]; [`LockError::Poisoned`].
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, LockError> {
        if self.take() { self.guard() } else { Err(LockError::WouldBlock) }
    }

    /// Whether a thread panicked with the lock held.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Relaxed)
    }

    /// Accepts the value as it is.
    pub fn clear_poison(&self) {
        self.poisoned.store(false, Ordering::Relaxed);
    }

    /// The value, which nobody else can have.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    #[inline(always)]
    fn take(&self) -> bool {
        // Acquire: pairs with the Release in `unlock`.
        self.state.compare_exchange(FREE, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// The lock has been taken.
    #[inline(always)]
    fn guard(&self) -> Result<MutexGuard<'_, T>, LockError> {
        let guard = MutexGuard { mutex: self, panicking: std::thread::panicking(), _local: PhantomData };
        if self.poisoned.load(Ordering::Relaxed) { Err(LockError::Poisoned) } else { Ok(guard) }
    }

    #[cold]
    fn wait(&self, deadline: Option<Instant>) -> Result<(), Ended> {
        loop {
            let waiter = Waiter::new();
            if self.queue(&waiter) {
                return Ok(());
            }
            self.waiters.wait(&waiter, deadline)?;
        }
    }

    /// As [`Self::wait`]; nothing else ends it.
    #[cold]
    fn wait_surely(&self) {
        loop {
            let waiter = Waiter::new();
            if self.queue(&waiter) {
                return;
            }
            waiter.wait_once();
        }
    }

    /// Takes the lock, or the last place in the queue.
    fn queue(&self, waiter: &Waiter) -> bool {
        self.waiters.with(|queue| {
            // Whoever has it sees that somebody waits, and asks for the queue, which we have until we are in it. Acquire: pairs
            // with the Release in `unlock`. One that takes the lock here keeps the mark: others may wait.
            let free = self.state.swap(AWAITED, Ordering::Acquire) == FREE;
            if !free {
                queue.push(waiter);
            }
            free
        })
    }

    #[inline(always)]
    fn unlock(&self) {
        // Release: pairs with the Acquire of whoever takes it next.
        if self.state.swap(FREE, Ordering::Release) == AWAITED {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        self.waiters.wake_one();
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Proof that the lock is held. Dropped on the thread that took it.
#[must_use = "the mutex is unlocked when the guard is dropped"]
#[derive(Debug)]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// Whether the thread was panicking already when it took the lock.
    panicking: bool,
    /// Poisoning looks at the thread that drops it.
    _local: PhantomData<*const ()>,
}

// SAFETY: a shared guard is a shared value.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one, and it is borrowed.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one, and it is borrowed uniquely.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.panicking && std::thread::panicking() {
            self.mutex.poisoned.store(true, Ordering::Relaxed);
        }
        self.mutex.unlock();
    }
}

/// A condition variable, with std's names. It may be used with one mutex after another: nobody checks.
#[derive(Debug)]
pub struct Condvar {
    waiters: WaitList,
    /// How many wait; a hint for who notifies with the mutex held, or after it had it.
    count: AtomicUsize,
}

impl Condvar {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self { waiters: WaitList::new(), count: AtomicUsize::new(0) }
    }

    /// Unlocks, waits to be notified, and locks again. It may return without that.
    ///
    /// # Errors
    /// [`LockError::Cancelled`]: the lock is not held any more. [`LockError::Poisoned`], by another thread meanwhile.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> Result<MutexGuard<'a, T>, LockError> {
        self.wait_for(guard, None).map(|(guard, _)| guard)
    }

    /// As [`Self::wait`], until `deadline`. `true`: that came first.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Instant,
    ) -> Result<(MutexGuard<'a, T>, bool), LockError> {
        self.wait_for(guard, Some(deadline))
    }

    /// Waits as long as `condition` says `true`.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> Result<MutexGuard<'a, T>, LockError> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    fn wait_for<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Instant>,
    ) -> Result<(MutexGuard<'a, T>, bool), LockError> {
        let mutex = guard.mutex;
        let waiter = Waiter::new();
        // Before the mutex is unlocked: whoever changes the condition afterwards sees it.
        self.waiters.with(|queue| queue.push(&waiter));
        self.count.fetch_add(1, Ordering::Relaxed);
        drop(guard);
        let ended = self.waiters.wait(&waiter, deadline);
        self.count.fetch_sub(1, Ordering::Relaxed);
        if ended == Err(Ended::Cancelled) {
            return Err(LockError::Cancelled);
        }
        if !mutex.take() {
            mutex.wait_surely();
        }
        Ok((mutex.guard()?, ended.is_err()))
    }

    /// Lets one that waits go on: the one that has waited longest.
    pub fn notify_one(&self) {
        if self.count.load(Ordering::Relaxed) != 0 {
            self.waiters.wake_one();
        }
    }

    /// Lets all that wait now go on.
    pub fn notify_all(&self) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        // One that waits again meanwhile comes behind those that are counted here.
        for _ in 0..self.count.load(Ordering::Relaxed) {
            if !self.waiters.wake_one() {
                return;
            }
        }
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Self::new()
    }
}

/// A number of permits. Who waits gets them in the order in which they came.
#[derive(Debug)]
pub struct Semaphore {
    permits: AtomicUsize,
    waiting: AtomicUsize,
    waiters: WaitList,
}

impl Semaphore {
    /// With `permits` permits.
    #[must_use]
    pub const fn new(permits: usize) -> Self {
        Self { permits: AtomicUsize::new(permits), waiting: AtomicUsize::new(0), waiters: WaitList::new() }
    }

    /// Takes a permit, and waits until there is one.
    ///
    /// # Errors
    /// [`Ended::Cancelled`], if it had to wait.
    pub fn acquire(&self) -> Result<Permit<'_>, Ended> {
        self.acquire_by(None)
    }

    /// As [`Self::acquire`], until `deadline`.
    ///
    /// # Errors
    /// [`Ended`].
    pub fn acquire_until(&self, deadline: Instant) -> Result<Permit<'_>, Ended> {
        self.acquire_by(Some(deadline))
    }

    /// Takes a permit if there is one.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        // Not `then_some`: a permit that is made in vain is given back, and there is one too many.
        self.take().then(|| Permit(self))
    }

    /// Permits that nobody has.
    #[must_use]
    pub fn available(&self) -> usize {
        self.permits.load(Ordering::Relaxed)
    }

    /// Adds `count` permits.
    pub fn release(&self, count: usize) {
        // SeqCst, with the load below: pairs with the exchange and the load in `queue`. We see that somebody waits, or it sees
        // the permits. Release: pairs with the Acquire in `take`.
        self.permits.fetch_add(count, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) != 0 {
            self.hand_out();
        }
    }

    #[cold]
    fn hand_out(&self) {
        loop {
            let next = self.waiters.with(|queue| {
                if queue.is_empty() || !self.take() {
                    return core::ptr::null();
                }
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                Queue::pop(queue)
            });
            if next.is_null() {
                return;
            }
            // SAFETY: it was in this queue only, and we took it out.
            unsafe { Waiter::wake(next) };
        }
    }

    #[inline(always)]
    fn take(&self) -> bool {
        let less = |permits: usize| permits.checked_sub(1);
        // Acquire: pairs with the Release in `release`.
        self.permits.try_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
    }

    fn acquire_by(&self, deadline: Option<Instant>) -> Result<Permit<'_>, Ended> {
        // Not past those that wait.
        if self.waiting.load(Ordering::Relaxed) == 0 && self.take() {
            return Ok(Permit(self));
        }
        let waiter = Waiter::new();
        let taken = self.waiters.with(|queue| {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            // SeqCst: see `release`. Those that came before go before.
            let taken = queue.is_empty() && self.take();
            if taken {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            } else {
                queue.push(&waiter);
            }
            taken
        });
        if taken {
            return Ok(Permit(self));
        }
        match waiter.wait(deadline) {
            Ok(()) => Ok(Permit(self)),
            Err(ended) => self.give_up(&waiter, ended),
        }
    }

    #[cold]
    fn give_up(&self, waiter: &Waiter, ended: Ended) -> Result<Permit<'_>, Ended> {
        let removed = self.waiters.with(|queue| {
            let removed = queue.remove(waiter);
            if removed {
                self.waiting.fetch_sub(1, Ordering::Relaxed);
            }
            removed
        });
        if removed {
            return Err(ended);
        }
        // Somebody has handed it a permit, which must not be lost.
        waiter.wait_surely();
        Ok(Permit(self))
    }
}

/// A permit, which goes back when it is dropped.
#[must_use = "the permit goes back when it is dropped"]
#[derive(Debug)]
pub struct Permit<'a>(&'a Semaphore);

impl Permit<'_> {
    /// Keeps the permit for ever, or until somebody calls [`Semaphore::release`].
    pub fn forget(self) {
        core::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.release(1);
    }
}
