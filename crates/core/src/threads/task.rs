//! A thread's closure and its result, beside its record in one allocation.

use core::cell::UnsafeCell;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rustix::io::Errno;

use super::blocks;
use super::names::Name;
use super::park::Slot;
use super::processor::{Processor, here};
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

/// Why there is no result of a thread.
#[non_exhaustive]
pub enum JoinError {
    /// It panicked, with this. Displayed, it is the message, if that is a string.
    Panicked(Payload),
    /// It never started, because there was no stack for it. Fewer threads at a time, smaller stacks, or (where guards take a
    /// mapping each) a larger `vm.max_map_count` help.
    NoStack(NoStack),
    /// The thread that waits was cancelled. The other goes on, without a handle.
    Cancelled,
}

impl core::fmt::Debug for JoinError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Panicked(_) => f.write_str("Panicked(..)"),
            Self::NoStack(why) => f.debug_tuple("NoStack").field(why).finish(),
            Self::Cancelled => f.write_str("Cancelled"),
        }
    }
}

impl core::fmt::Display for JoinError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Panicked(payload) => {
                let message = payload.downcast_ref::<&str>().copied();
                match message.or_else(|| payload.downcast_ref::<String>().map(String::as_str)) {
                    Some(message) => write!(f, "the thread panicked: {message}"),
                    None => f.write_str("the thread panicked"),
                }
            }
            Self::NoStack(why) => why.fmt(f),
            Self::Cancelled => f.write_str("the thread that waits was cancelled"),
        }
    }
}

impl core::error::Error for JoinError {}

impl From<Payload> for JoinError {
    fn from(payload: Payload) -> Self {
        match payload.downcast_ref::<NoStack>() {
            Some(&why) => Self::NoStack(why),
            None => Self::Panicked(payload),
        }
    }
}

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
        let (run, free, refuse) = (run_whole::<F, T>, free_whole::<F, T>, refuse_whole::<F, T>);
        let whole: NonNull<Whole<F, T>> = blocks::alloc();
        let record = Record::new(Kind::Thread, class, Name::new(name), run, free, refuse);
        let front = Front { record, output: UnsafeCell::new(None), scope };
        // SAFETY: the memory is ours, and for a `Whole`.
        unsafe { whole.write(Whole { front, closure: UnsafeCell::new(Some(closure)) }) };
        (Self(whole.as_ptr().cast_const().cast()), Handle { front: whole.cast(), _owns: PhantomData })
    }

    /// The record, with its run reference.
    pub(super) fn into_record(self) -> *const Record {
        self.0
    }
}

/// # Safety
/// `record` begins a [`Whole`] of these types, and this is its fiber.
unsafe fn run_whole<F: FnOnce() -> T, T>(record: *const Record) -> bool {
    let whole: *const Whole<F, T> = record.cast();
    // SAFETY: the thread is not over, so its record is there.
    let closure = unsafe { &(*whole).closure };
    // SAFETY: the closure is for whoever runs the thread.
    let closure = unsafe { &mut *closure.get() }.take();
    let Some(closure) = closure else { return false };
    let output = catch_unwind(AssertUnwindSafe(closure));
    // SAFETY: as above.
    let record = unsafe { &*record };
    record.drop_locals();
    let processor = here();
    if record.name().is_some()
        && let Some(processor) = processor
    {
        // Whoever joins may free it.
        processor.hide_name();
    }
    // SAFETY: a `Whole` begins with its `Front`; the thread is over.
    unsafe { Front::end(whole.cast(), output, processor) }
}

/// # Safety
/// `record` begins a [`Whole`] of these types, which has not started, and nobody else can start it.
unsafe fn refuse_whole<F, T>(record: *const Record, errno: Errno) -> bool {
    let whole: *const Whole<F, T> = record.cast();
    // SAFETY: the thread is not over, so its record is there.
    let closure = unsafe { &(*whole).closure };
    // SAFETY: the closure is for whoever runs the thread.
    let closure = unsafe { &mut *closure.get() }.take();
    drop_quietly(closure);
    // SAFETY: a `Whole` begins with its `Front`; the thread is over.
    unsafe { Front::<T>::end(whole.cast(), Err(Box::new(NoStack { errno })), None) }
}

/// # Safety
/// `record` begins a [`Whole`] of these types, and the last reference is gone.
unsafe fn free_whole<F, T>(record: *const Record) {
    let whole: *mut Whole<F, T> = record.cast_mut().cast();
    // SAFETY: what is referred to is not null.
    let whole = unsafe { NonNull::new_unchecked(whole) };
    // SAFETY: from `blocks::alloc` in `Task::new`; the last reference is gone.
    unsafe { blocks::free(whole) };
}

impl<T> Front<T> {
    /// The thread is over. `true`: the caller gives up the thread's reference, because there is no handle any more; else `this`
    /// may be gone. `processor` is where it ran, if it did.
    ///
    /// # Safety
    /// `this` is there, and the caller runs the thread, or is the only one who could.
    #[inline(always)]
    unsafe fn end(this: *const Self, output: Result<T, Payload>, processor: Option<&Processor>) -> bool {
        // SAFETY: it is there until `finish`, below.
        let front = unsafe { &*this };
        let scope = front.scope;
        // SAFETY: until the thread is over, the output is its own; the handle looks afterwards.
        unsafe { front.output.get().write(Some(output)) };
        let count_live = |by| {
            if let Some(processor) = processor {
                processor.count_live(by);
            }
        };
        // Before anybody can see that it is over: who has joined all finds none.
        count_live(-1);
        // Pointers and not references, because the handle may free the record before `finish` returns.
        let (slot, home) = (&raw const front.record.over, &raw const front.record.joiner_home);
        // SAFETY: as above.
        let asked_for = unsafe { Slot::finish(slot, home) };
        if !asked_for {
            // SAFETY: without a handle it is ours.
            let front = unsafe { &*this };
            // Destructors may be suspended.
            count_live(1);
            front.drop_output();
            // What the output's destructor made.
            front.record.drop_locals();
            if let Some(processor) = processor.filter(|_| front.record.name().is_some()) {
                // Shown again where they were suspended, or joined; it is about to be freed.
                processor.hide_name();
            }
            count_live(-1);
        }
        if !scope.is_null() {
            // SAFETY: a scope does not end before we have left it.
            unsafe { Shared::leave(scope) };
        }
        !asked_for
    }

    /// Waits until it is over.
    #[inline(always)]
    fn join(&self, deadline: Option<Instant>) -> Result<(), Ended> {
        let record = &self.record;
        if record.over.is_set() {
            return Ok(());
        }
        record.over.wait_for_end(record, deadline)
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
        drop_quietly(output);
    }
}

/// Drops what may panic in its destructor, in that of the panic's payload as well.
pub(super) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        core::mem::forget(payload);
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
    ///
    /// # Panics
    /// If it is the calling thread that is to be over.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<(), Ended> {
        self.front().join(deadline)
    }

    /// Waits until the thread is over; its result, or what it panicked with.
    ///
    /// # Errors
    /// [`Ended`], with the handle given back.
    ///
    /// # Panics
    /// As [`Self::wait`].
    #[inline(always)]
    pub fn join(self, deadline: Option<Instant>) -> Result<Result<T, Payload>, (Self, Ended)> {
        let front = self.front();
        if let Err(ended) = front.join(deadline) {
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

impl<T> Handle<T> {
    /// As [`Self::join`] without a deadline, with one error for all.
    ///
    /// # Errors
    /// [`JoinError`].
    ///
    /// # Panics
    /// As [`Self::wait`].
    #[inline(always)]
    pub fn result(self) -> Result<T, JoinError> {
        match self.join(None) {
            Ok(result) => result.map_err(JoinError::from),
            Err(_) => Err(JoinError::Cancelled),
        }
    }
}

impl<T> Drop for Handle<T> {
    #[inline(always)]
    fn drop(&mut self) {
        let front = self.front();
        if !front.record.over.is_set() {
            if front.record.over.abandon() {
                // The thread gives the reference up when it is over.
                return;
            }
            front.drop_output();
        // SAFETY: the thread is over, and this is its only handle.
        } else if unsafe { &*front.output.get() }.is_some() {
            front.drop_output();
        }
        let record: *const Record = self.front.as_ptr().cast();
        // SAFETY: a `Front` begins with its record; the thread is over, and has left the reference to us.
        unsafe { Record::release(record) };
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
    let record = task.into_record();
    // SAFETY: nobody has it but us.
    unsafe { &*record }.settle(processor.post());
    // SAFETY: a new one, in no list, with its run reference; and for this kernel thread.
    unsafe { processor.make_ready(record) };
    Some(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_without_a_result_says_which() {
        // A new one belongs to the list in nearcall's `error.rs`, too.
        let word = |error: &JoinError| match error {
            JoinError::Panicked(_) => "panicked: on purpose",
            JoinError::NoStack(_) => "no stack",
            JoinError::Cancelled => "cancelled",
        };
        let no_stack: Payload = Box::new(NoStack { errno: Errno::NOMEM });
        let panicked: Payload = Box::new("on purpose");
        for error in [JoinError::from(no_stack), panicked.into(), JoinError::Cancelled] {
            assert!(error.to_string().contains(word(&error)), "{error}");
        }
    }
}
