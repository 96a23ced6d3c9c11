//! Threads that borrow from the stack of whoever spawns them: all are over before it goes on.

use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::park::Slot;
use super::record::Thread;
use super::stack::Class;
use super::task::{Handle, JoinError};
use super::workers::{self, NoWorker};

/// What the threads of a scope share, on the stack of who waits for them.
#[derive(Debug)]
pub(super) struct Shared {
    /// Those that are not over, and the one that waits.
    left: AtomicUsize,
    panicked: AtomicBool,
    over: Slot,
}

impl Shared {
    /// A thread's panic is nobody's.
    pub(super) fn note_panic(&self) {
        self.panicked.store(true, Ordering::Relaxed);
    }

    /// The last thing that a thread of the scope does with what it borrows.
    ///
    /// # Safety
    /// The scope has not ended. It may end before this returns.
    pub(super) unsafe fn leave(this: *const Self) {
        // SAFETY: it does not end before the number is 0.
        let left = unsafe { &(*this).left };
        // AcqRel: what each of them did comes before the end of the scope.
        if left.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: it does not end before the token is left.
            let over = unsafe { &raw const (*this).over };
            // SAFETY: as above.
            unsafe { Slot::finish(over, ptr::null()) };
        }
    }
}

/// A scope for threads (std's, of user-level threads).
#[derive(Debug)]
pub struct Scope<'scope, 'env: 'scope> {
    shared: Shared,
    /// Neither lifetime may be shortened: the first is how long threads may borrow, the second what outlives the scope.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

/// Runs `f`, which may spawn threads that borrow; returns when all of them are over.
///
/// # Panics
/// If a thread panicked that nobody joined, or `f` did.
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let shared = Shared { left: AtomicUsize::new(1), panicked: AtomicBool::new(false), over: Slot::new() };
    let scope = Scope { shared, _scope: PhantomData, _env: PhantomData };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    // AcqRel: as in `leave`.
    if scope.shared.left.fetch_sub(1, Ordering::AcqRel) != 1 {
        scope.shared.over.join_surely();
    }
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if scope.shared.panicked.load(Ordering::Relaxed) => panic!("a scoped thread panicked"),
        Ok(result) => result,
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Starts `f` on a thread of its own, on one of the workers. It may borrow what outlives the scope, and spawn others in it.
    ///
    /// # Panics
    /// If no kernel thread can be had for the first worker, or the process was forked from one with workers.
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        spawn_in(self, None, Class::THREAD, f).expect("a worker for threads")
    }
}

/// As [`Scope::spawn`], with a name and a stack of `class`.
///
/// # Errors
/// There is no worker, and none can be had.
pub fn spawn_in<'scope, F, T>(
    scope: &'scope Scope<'scope, '_>,
    name: Option<String>,
    class: Class,
    f: F,
) -> Result<ScopedJoinHandle<'scope, T>, NoWorker>
where
    F: FnOnce() -> T + Send + 'scope,
    T: Send + 'scope,
{
    scope.shared.left.fetch_add(1, Ordering::Relaxed);
    // SAFETY: what is borrowed for `'scope` lives until the scope ends, and that waits for the thread's `leave`.
    let handle = unsafe { workers::spawn_borrowed(name, class, &raw const scope.shared, f) }?;
    Ok(ScopedJoinHandle { handle, _scope: PhantomData })
}

/// The result of a thread that borrows, and the way to cancel it. Dropped, the thread goes on; the scope waits for it.
#[derive(Debug)]
pub struct ScopedJoinHandle<'scope, T> {
    handle: Handle<T>,
    _scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the thread is over.
    ///
    /// # Errors
    /// [`JoinError`].
    ///
    /// # Panics
    /// In the thread itself, which would wait for ever.
    pub fn join(self) -> Result<T, JoinError> {
        self.handle.result()
    }

    /// Whether the thread is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Has each wait of the thread that can fail do so, the present one first, and all later ones.
    pub fn cancel(&self) {
        self.handle.thread().cancel();
    }

    /// The thread.
    #[must_use]
    pub fn thread(&self) -> Thread {
        self.handle.thread()
    }
}
