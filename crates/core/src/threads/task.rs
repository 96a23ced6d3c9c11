//! A thread's closure and its result, beside its record in one allocation.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rustix::io::Errno;

use super::names::Name;
use super::processor::here;
use super::record::{Kind, Record, Thread};
use super::scope::Shared;
use super::stack::Class;
use super::waiter::Ended;

/// What a thread panicked with.
pub type Payload = Box<dyn Any + Send + 'static>;

/// The payload with which a thread ends that could not start, because there is no stack for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoStack {
    /// What the kernel said: `NOMEM` is no address space, no memory, or no mapping (`vm.max_map_count`).
    pub errno: Errno,
}

impl core::fmt::Display for NoStack {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "there is no stack for the thread: {}", self.errno)
    }
}

impl core::error::Error for NoStack {}

/// What handles know of a thread.
#[repr(C)]
struct Front<T> {
    record: Record,
    output: UnsafeCell<Option<Result<T, Payload>>>,
    /// Of a thread that borrows: who waits for it. Null for others.
    scope: *const Shared,
}

#[repr(C)]
struct Whole<F, T> {
    front: Front<T>,
    closure: UnsafeCell<Option<F>>,
}

/// A thread that nobody can run yet. Dropped, it never runs, and its closure is leaked.
#[derive(Debug)]
pub(super) struct Task(*const Record);

impl Task {
    /// With a stack of `class`, and its handle.
    ///
    /// # Safety
    /// If the task goes to another kernel thread, `F` and `T` can be sent there; and what `F` borrows lives until the thread
    /// is over.
    #[inline(always)]
    pub(super) unsafe fn new<F: FnOnce() -> T, T>(
        name: Option<String>,
        class: Class,
        scope: *const Shared,
        closure: F,
    ) -> (Self, Handle<T>) {
        let mut record = Record::new(Kind::Thread, class, Name::new(name), 2, run_whole::<F, T>, free_whole::<F, T>);
        record.refuse = refuse_whole::<F, T>;
        let whole = Whole {
            front: Front::<T> { record, output: UnsafeCell::new(None), scope },
            closure: UnsafeCell::new(Some(closure)),
        };
        let whole = NonNull::from(Box::leak(Box::new(whole)));
        (Self(whole.as_ptr().cast_const().cast()), Handle { front: whole.cast(), _owns: PhantomData })
    }

    /// The record, with its run reference.
    pub(super) fn into_record(self) -> *const Record {
        self.0
    }
}

/// # Safety
/// `record` begins a [`Whole`] of these types, and this is its fiber.
unsafe fn run_whole<F: FnOnce() -> T, T>(record: *const Record) {
    // SAFETY: the function is stored in records that begin a `Whole` of these types.
    let whole = unsafe { &*record.cast::<Whole<F, T>>() };
    // SAFETY: the closure is for whoever runs the thread.
    let closure = unsafe { &mut *whole.closure.get() }.take();
    let Some(closure) = closure else { return };
    let output = catch_unwind(AssertUnwindSafe(closure));
    whole.front.record.drop_locals();
    whole.front.end(output);
}

/// # Safety
/// `record` begins a [`Whole`] of these types, which has not started, and nobody else can start it.
unsafe fn refuse_whole<F, T>(record: *const Record, errno: Errno) {
    // SAFETY: the function is stored in records that begin a `Whole` of these types.
    let whole = unsafe { &*record.cast::<Whole<F, T>>() };
    // SAFETY: the closure is for whoever runs the thread.
    let closure = unsafe { &mut *whole.closure.get() }.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(closure)));
    whole.front.end(Err(Box::new(NoStack { errno })));
}

/// # Safety
/// `record` begins a boxed [`Whole`] of these types, and the last reference is gone.
unsafe fn free_whole<F, T>(record: *const Record) {
    // SAFETY: the function is stored in records that begin a boxed `Whole` of these types; the last reference is gone.
    drop(unsafe { Box::from_raw(record.cast_mut().cast::<Whole<F, T>>()) });
}

impl<T> Front<T> {
    #[inline(always)]
    fn end(&self, output: Result<T, Payload>) {
        // SAFETY: until the thread is over, the output is its own; the handle looks afterwards.
        unsafe { *self.output.get() = Some(output) };
        if !self.record.over.finish() {
            self.drop_output();
        }
        // SAFETY: a scope does not end before we have left it.
        if let Some(scope) = unsafe { self.scope.as_ref() } {
            scope.leave();
        }
    }

    /// Of a handle that asks no more, by whichever of the two comes last: so on a kernel thread to which `T` may go.
    #[cold]
    fn drop_output(&self) {
        // SAFETY: the thread is over, and its handle is no more.
        let output = unsafe { &mut *self.output.get() }.take();
        // SAFETY: we have not left the scope, or have a handle, which lives no longer than that.
        if let (Some(Err(_)), Some(scope)) = (&output, unsafe { self.scope.as_ref() }) {
            scope.note_panic();
        }
        let _ = catch_unwind(AssertUnwindSafe(|| drop(output)));
    }
}

/// How a thread's result is asked for.
pub struct Handle<T> {
    front: NonNull<Front<T>>,
    _owns: PhantomData<T>,
}

// SAFETY: with it goes the output, and nothing else that is not for anybody.
unsafe impl<T: Send> Send for Handle<T> {}
// SAFETY: a shared handle gives no output.
unsafe impl<T: Send> Sync for Handle<T> {}

impl<T> Handle<T> {
    #[inline(always)]
    fn front(&self) -> &Front<T> {
        // SAFETY: a handle has a reference.
        unsafe { self.front.as_ref() }
    }

    /// The thread.
    #[must_use]
    pub fn thread(&self) -> Thread {
        // SAFETY: alive, because we have a reference.
        unsafe { Thread::from_record(&raw const self.front().record) }
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.front().record.over.is_set()
    }

    /// Waits until the thread is over.
    ///
    /// # Errors
    /// [`Ended`].
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<(), Ended> {
        self.front().record.over.join(deadline)
    }

    /// Waits until the thread is over; its result, or what it panicked with.
    ///
    /// # Errors
    /// [`Ended`], with the handle given back.
    #[inline(always)]
    pub fn join(self, deadline: Option<Instant>) -> Result<Result<T, Payload>, (Self, Ended)> {
        let front = self.front();
        if let Err(ended) = front.record.over.join(deadline) {
            return Err((self, ended));
        }
        // SAFETY: the thread is over, and this is its only handle.
        let output = unsafe { &mut *front.output.get() }.take();
        match output {
            Some(output) => Ok(output),
            None => unreachable!("a thread that is over has left its result, and only its handle takes it"),
        }
    }
}

impl<T> Drop for Handle<T> {
    #[inline(always)]
    fn drop(&mut self) {
        let front = self.front();
        if !front.record.over.is_set() {
            if !front.record.over.abandon() {
                front.drop_output();
            }
        // SAFETY: the thread is over, and this is its only handle.
        } else if unsafe { &*front.output.get() }.is_some() {
            front.drop_output();
        }
        // SAFETY: our reference, which goes.
        unsafe { Record::release(ptr::from_ref(&front.record)) };
    }
}

impl<T> core::fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Handle").field("thread", &self.thread()).field("finished", &self.is_finished()).finish()
    }
}

/// Runs `closure` on a thread of the calling kernel thread's processor: it need not be `Send`. `None`: there is no processor.
pub fn spawn_local<F, T>(name: Option<String>, class: Class, closure: F) -> Option<Handle<T>>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    let processor = here()?;
    // SAFETY: it stays on this kernel thread, and borrows nothing.
    let (task, handle) = unsafe { Task::new(name, class, ptr::null(), closure) };
    // SAFETY: a new one, in no list, with its run reference; and for this kernel thread.
    unsafe { processor.make_ready(task.into_record()) };
    Some(handle)
}
