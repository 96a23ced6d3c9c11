//! A coroutine on one of our stacks, which runs jobs one after another without being made anew.
//!
//! A job is a thread's record: the fiber runs its body, says that the body is over, and waits for the next. Making a
//! coroutine writes its first frame and registers nothing, but dropping one that has started would unwind it; so a fiber
//! ends only by returning, when it is told that there is no next job.

use core::cell::{Cell, UnsafeCell};
use core::mem::ManuallyDrop;
use core::ptr;

use corosensei::{Coroutine, CoroutineResult, Yielder};
use rustix::io::Errno;

use super::record::Record;
use super::stack::{Class, Stack};

/// The record of the thread to run; null: there is none any more.
type Job = *const Record;

/// Why a fiber came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// In the middle of its job, which goes on when the fiber is resumed.
    Suspended,
    /// The job is over; the fiber may have another. The record may be gone.
    Over,
    /// The same, and whoever resumed it gives up the thread's reference.
    OverAndLast,
}

/// It is made, resumed and ended on one kernel thread.
pub(super) struct Fiber {
    coroutine: UnsafeCell<ManuallyDrop<Coroutine<Job, Back, (), Stack>>>,
    yielder: Cell<*const Yielder<Job, Back>>,
    class: Class,
    guard: (usize, usize),
    /// The record of procedures that run on it: theirs is not allocated for each.
    own: Cell<*const Record>,
}

impl Fiber {
    /// On a stack of the class, boxed: what runs on it knows its address.
    pub(super) fn new(class: Class) -> Result<*mut Self, Errno> {
        let stack = Stack::take(class)?;
        let guard = stack.guard();
        let body = |yielder: &Yielder<Job, Back>, mut job: Job| {
            while !job.is_null() {
                // SAFETY: whoever resumes a fiber with a record has its run reference, so it lives until it is over.
                let record = unsafe { &*job };
                let fiber = record.fiber();
                // SAFETY: the record's fiber is the one that runs it, this one, which lives until it returns.
                unsafe { &*fiber }.yielder.set(yielder);
                let body = record.body();
                // SAFETY: each body is stored beside a record of the kind that it expects, by `task` and by `processor`.
                let is_last = unsafe { body(job) };
                job = yielder.suspend(if is_last { Back::OverAndLast } else { Back::Over });
            }
        };
        let coroutine = UnsafeCell::new(ManuallyDrop::new(Coroutine::with_stack(stack, body)));
        let fiber = Self { coroutine, yielder: Cell::new(ptr::null()), class, guard, own: Cell::new(ptr::null()) };
        Ok(Box::into_raw(Box::new(fiber)))
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    pub(super) fn guard(&self) -> core::ops::Range<usize> {
        self.guard.0..self.guard.1
    }

    pub(super) fn own(&self) -> &Cell<*const Record> {
        &self.own
    }

    /// Runs `job` until it suspends or is over; the job counts only where the last one is over.
    ///
    /// # Safety
    /// The fiber is suspended, and not by its end; this is its kernel thread; `job` is alive until it is over, and
    /// `fiber()` of it is this fiber.
    #[inline(always)]
    pub(super) unsafe fn resume(&self, job: Job) -> Back {
        // SAFETY: the fiber is suspended, so nobody else is in here; what runs on the fiber meanwhile touches the yielder
        // only, which is another field.
        let coroutine = unsafe { &mut *self.coroutine.get() };
        match coroutine.resume(job) {
            CoroutineResult::Yield(back) => back,
            CoroutineResult::Return(()) => Back::Over,
        }
    }

    /// Suspends what runs on this fiber.
    ///
    /// # Safety
    /// It is the caller that runs on it.
    #[inline(always)]
    pub(super) unsafe fn suspend(&self) {
        // SAFETY: set when the job began, and the yielder lives as long as the coroutine.
        let yielder = unsafe { &*self.yielder.get() };
        yielder.suspend(Back::Suspended);
    }

    /// Ends a fiber whose last job is over, and gives its stack back to the pool.
    ///
    /// # Safety
    /// From [`Self::new`], on its kernel thread; no job is under way; nobody uses the pointer afterwards.
    pub(super) unsafe fn end(fiber: *mut Self) {
        // SAFETY: from a box, by contract.
        let fiber = unsafe { Box::from_raw(fiber) };
        let own = fiber.own.get();
        if !own.is_null() {
            // SAFETY: the fiber's reference, which it gives up.
            unsafe { Record::release(own) };
        }
        let mut coroutine = ManuallyDrop::into_inner(fiber.coroutine.into_inner());
        if coroutine.started() {
            coroutine.resume(ptr::null());
        }
        drop(coroutine);
    }
}
