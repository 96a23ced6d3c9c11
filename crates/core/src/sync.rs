//! What the crate needs beside std's locks: a lock for critical sections of a few stores, numbers for kernel threads,
//! and the cheap half of an asymmetric barrier.

use core::cell::Cell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence, fence};
use core::time::Duration;
use std::cell::UnsafeCell;

use crate::sys::process;

/// A lock that is released by a plain store, for sections of a few nanoseconds on the call path.
///
/// std's mutex releases with an atomic exchange, which costs as much as taking it (some 5 ns of a 100 ns call). The
/// price here is that a waiter cannot be woken: it yields, and from then on sleeps in steps, so that a preempted holder
/// of lower real-time priority still gets the CPU.
#[derive(Debug)]
pub struct ShortLock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reachable only through a guard, of which there is one at a time.
unsafe impl<T: Send> Sync for ShortLock<T> {}

const SPINS: u64 = 100;
const YIELDS: u64 = 20;
const NAP: Duration = Duration::from_micros(50);

impl<T> ShortLock<T> {
    /// A free lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Takes the lock; waits while another kernel thread of this process has it.
    #[inline(always)]
    pub fn lock(&self) -> ShortGuard<'_, T> {
        self.lock_telling(|_| {})
    }

    /// The same. `failed` is told how often the lock was found taken before it was free; it is not called if it was free at once.
    #[inline(always)]
    pub fn lock_telling(&self, failed: impl FnOnce(u64)) -> ShortGuard<'_, T> {
        // Acquire: pairs with the Release in the guard's drop.
        if self.held.swap(true, Ordering::Acquire) {
            failed(self.contended());
        }
        ShortGuard { lock: self }
    }

    #[cold]
    #[inline(never)]
    fn contended(&self) -> u64 {
        let mut turn = 0_u64;
        while self.held.load(Ordering::Relaxed) || self.held.swap(true, Ordering::Acquire) {
            turn += 1;
            if turn <= SPINS {
                core::hint::spin_loop();
            } else if turn <= SPINS + YIELDS {
                std::thread::yield_now();
            } else {
                #[expect(clippy::disallowed_methods, reason = "a preempted holder of lower priority must get the CPU")]
                std::thread::sleep(NAP);
            }
        }
        turn + 1
    }
}

/// Proof that the lock is held.
#[derive(Debug)]
pub struct ShortGuard<'a, T> {
    lock: &'a ShortLock<T>,
}

impl<T> Deref for ShortGuard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the guard is the only one, and it is borrowed.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for ShortGuard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is the only one, and it is borrowed uniquely.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for ShortGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        // Release: pairs with the Acquire that takes the lock next.
        self.lock.held.store(false, Ordering::Release);
    }
}

static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

/// Registers this process for asymmetric barriers, where the kernel has them, and finds where it says which CPU a thread
/// is on. Call before the first call is made.
pub fn prepare() {
    process::find_rseq();
    if process::register_barrier() {
        ASYMMETRIC.store(true, Ordering::Relaxed);
    }
}

/// The half of a store-load barrier on the path that must be fast. Pairs with [`heavy_barrier`].
#[inline(always)]
pub fn light_barrier() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The half of a store-load barrier on the path that may be slow: afterwards either we see what others stored before
/// their [`light_barrier`], or they see, after it, what we stored before. `false`: light barriers are full ones.
pub fn heavy_barrier() -> bool {
    fence(Ordering::SeqCst);
    if !is_asymmetric() {
        return false;
    }
    if !process::barrier() {
        // Registered and refused cannot happen short of a seccomp filter installed in between; then every light
        // barrier from now on is a full one.
        ASYMMETRIC.store(false, Ordering::SeqCst);
        return false;
    }
    true
}

/// Whether a light barrier is no instruction.
pub fn is_asymmetric() -> bool {
    ASYMMETRIC.load(Ordering::Relaxed)
}

/// Kernel threads that have a number at one time.
pub const THREAD_COUNT: usize = 64;

static NUMBERS: AtomicU64 = AtomicU64::new(0);

struct Number(Cell<usize>);

impl Drop for Number {
    fn drop(&mut self) {
        // A call from a later destructor of this thread must not use what another thread may have by then.
        CACHED.set(THREAD_COUNT);
        let number = self.0.get();
        if number < THREAD_COUNT {
            // Release: pairs with the Acquire of the thread that takes the number next, and its lease with it.
            NUMBERS.fetch_and(!(1 << number), Ordering::Release);
        }
    }
}

/// In a forked child: no kernel thread but the calling one is here to have a number.
pub(crate) fn forget_other_threads() {
    let own = CACHED.get();
    NUMBERS.store(if own < THREAD_COUNT { 1 << own } else { 0 }, Ordering::Relaxed);
}

const UNKNOWN: usize = usize::MAX;

thread_local! {
    /// Without a destructor, so that reading it is one load.
    static CACHED: Cell<usize> = const { Cell::new(UNKNOWN) };
    static OWNED: Number = const { Number(Cell::new(THREAD_COUNT)) };
}

/// The number of the calling kernel thread, if it has asked for it before ([`thread_number`]); else one that nobody has.
#[inline(always)]
pub fn known_thread_number() -> usize {
    CACHED.get()
}

/// A number below [`THREAD_COUNT`] that no other living kernel thread of this process has, or `None` if there are more
/// threads than numbers, or the thread is ending.
#[inline(always)]
pub fn thread_number() -> Option<usize> {
    let number = CACHED.get();
    if number < THREAD_COUNT {
        return Some(number);
    }
    if number == UNKNOWN { number_thread() } else { None }
}

#[cold]
fn number_thread() -> Option<usize> {
    let mut used = NUMBERS.load(Ordering::Relaxed);
    let number = loop {
        let free = usize::try_from(used.trailing_ones()).unwrap_or(THREAD_COUNT);
        if free >= THREAD_COUNT {
            break THREAD_COUNT;
        }
        match NUMBERS.compare_exchange_weak(used, used | 1 << free, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => break free,
            Err(now) => used = now,
        }
    };
    let kept = OWNED.try_with(|owned| owned.0.set(number)).is_ok();
    if !kept && number < THREAD_COUNT {
        NUMBERS.fetch_and(!(1 << number), Ordering::Relaxed);
        return None;
    }
    CACHED.set(number);
    (number < THREAD_COUNT).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_excludes() {
        let lock = ShortLock::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100_000).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 400_000);
    }

    #[test]
    fn tries_that_fail_are_told_and_others_are_not() {
        let lock = ShortLock::new(());
        let failed = AtomicU64::new(0);
        let tell = |count| _ = failed.fetch_add(count, Ordering::Relaxed);
        drop(lock.lock_telling(tell));
        assert_eq!(failed.load(Ordering::Relaxed), 0);
        // Until one comes while it is held: nobody can see that it has come.
        for _ in 0..10_000 {
            let held = lock.lock();
            std::thread::scope(|scope| {
                scope.spawn(|| drop(lock.lock_telling(tell)));
                (0..100).for_each(|_| std::thread::yield_now());
                drop(held);
            });
            if failed.load(Ordering::Relaxed) > 0 {
                return;
            }
        }
        panic!("no try has failed");
    }

    #[test]
    fn numbers_are_unique_and_come_back() {
        let mine = thread_number().unwrap();
        for _ in 0..3 * THREAD_COUNT {
            let other = std::thread::spawn(|| thread_number().unwrap()).join().unwrap();
            assert_ne!(mine, other);
        }
    }
}
