//! What is known of a thread, whoever runs it.
//!
//! | part | who touches it |
//! |---|---|
//! | `next` | whoever has the list that it is in |
//! | `fiber`, `waiting`, `locals`, `body`, `argument` | its kernel thread |
//! | `home` | its processor writes it when it starts; anybody reads |
//! | `token`, `over`, `cancelled`, `bell` | anybody |
//!
//! References: a thread and its handle have one together, which is given up by whichever of them is the last: the handle,
//! unless it has abandoned the thread before that was over (`over`). So the *run reference*, which passes from list to list to
//! what runs the thread, is a claim to that one until the end. Each [`Thread`] has one of its own. A kernel thread that is no processor, and one that waits in its own context, has a record as
//! well: it is *foreign*, and waits by sleeping on `bell`.

use core::cell::{Cell, RefCell};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering, fence};
use std::any::Any;
use std::time::Instant;

use rustix::io::Errno;

use super::fiber::Fiber;
use super::names::Name;
use super::park::Slot;
use super::post::Post;
use super::processor::here;
use super::stack::Class;
use super::waiter::{Ended, Waiter};
use crate::sync::{heavy_barrier, light_barrier};
use crate::sys::futex;

/// What runs a thread: its closure, or a procedure. `true`: whoever ran it has the thread's reference, and gives it up; else
/// the record may be gone.
pub(super) type Body = unsafe fn(*const Record) -> bool;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Runs on a fiber.
    Thread,
    /// A kernel thread.
    Foreign,
}

type Locals = Vec<(usize, Box<dyn Any>)>;

/// How often values are dropped that destructors of others made anew.
const LOCALS_ROUNDS: u32 = 4;

#[repr(C)]
pub(super) struct Record {
    next: Cell<*const Self>,
    refs: AtomicU32,
    pub(super) bell: AtomicU32,
    home: AtomicPtr<Post>,
    /// Where it lies, not started: written under that one's lock.
    left_at: AtomicPtr<Post>,
    /// Where the thread runs that waits for its end; written before that is shown.
    pub(super) joiner_home: AtomicPtr<Post>,
    fiber: Cell<*mut Fiber>,
    pub(super) waiting: Cell<*const Waiter>,
    pub(super) over: Slot,
    pub(super) token: Slot,
    body: Cell<Body>,
    pub(super) argument: Cell<*mut ()>,
    free: unsafe fn(*const Self),
    /// Ends it without having started it: there is no stack.
    refuse: unsafe fn(*const Self, Errno) -> bool,
    locals: RefCell<Option<Box<Locals>>>,
    /// The thread is over, and nothing is kept for it any more.
    closed: Cell<bool>,
    name: Name,
    kind: Kind,
    class: Class,
    cancelled: AtomicBool,
}

/// # Safety
/// None is needed: nothing is done.
unsafe fn no_body(_: *const Record) -> bool {
    false
}

/// # Safety
/// None is needed: nothing is done.
unsafe fn no_refuse(_: *const Record, _: Errno) -> bool {
    false
}

/// # Safety
/// `record` is from [`Record::boxed`], and the last reference is gone.
unsafe fn free_boxed(record: *const Record) {
    // SAFETY: records with this function are boxed by themselves (`boxed`).
    drop(unsafe { Box::from_raw(record.cast_mut()) });
}

impl Record {
    /// With one reference.
    #[inline(always)]
    pub(super) fn new(
        kind: Kind,
        class: Class,
        name: Name,
        body: Body,
        free: unsafe fn(*const Self),
        refuse: unsafe fn(*const Self, Errno) -> bool,
    ) -> Self {
        Self {
            next: Cell::new(ptr::null()),
            refs: AtomicU32::new(1),
            bell: AtomicU32::new(0),
            home: AtomicPtr::new(ptr::null_mut()),
            left_at: AtomicPtr::new(ptr::null_mut()),
            joiner_home: AtomicPtr::new(ptr::null_mut()),
            fiber: Cell::new(ptr::null_mut()),
            waiting: Cell::new(ptr::null()),
            over: Slot::new(),
            token: Slot::new(),
            body: Cell::new(body),
            argument: Cell::new(ptr::null_mut()),
            free,
            refuse,
            locals: RefCell::new(None),
            closed: Cell::new(false),
            name,
            kind,
            class,
            cancelled: AtomicBool::new(false),
        }
    }

    /// One on its own, with one reference: for a kernel thread, or for the procedures of a fiber.
    pub(super) fn boxed(kind: Kind, class: Class, name: Name) -> *const Self {
        Box::into_raw(Box::new(Self::new(kind, class, name, no_body, free_boxed, no_refuse)))
    }

    #[inline(always)]
    pub(super) fn next(&self) -> *const Self {
        self.next.get()
    }

    #[inline(always)]
    pub(super) fn set_next(&self, next: *const Self) {
        self.next.set(next);
    }

    #[inline(always)]
    pub(super) fn fiber(&self) -> *mut Fiber {
        self.fiber.get()
    }

    #[inline(always)]
    pub(super) fn set_fiber(&self, fiber: *mut Fiber) {
        self.fiber.set(fiber);
    }

    pub(super) fn class(&self) -> Class {
        self.class
    }

    #[inline(always)]
    pub(super) fn is_foreign(&self) -> bool {
        self.kind == Kind::Foreign
    }

    #[inline(always)]
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn set_body(&self, body: Body) {
        self.body.set(body);
    }

    /// Where it runs; null while it has not started.
    #[inline(always)]
    pub(super) fn home(&self) -> *const Post {
        self.home.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn left_at(&self) -> *const Post {
        self.left_at.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(super) fn set_left_at(&self, post: *const Post) {
        self.left_at.store(post.cast_mut(), Ordering::Relaxed);
    }

    /// Says that it starts there.
    #[inline(always)]
    pub(super) fn settle(&self, post: &'static Post) {
        self.home.store(ptr::from_ref(post).cast_mut(), Ordering::Relaxed);
        // Pairs with the heavy barrier in `Thread::cancel`: it sees where we are, or we see, at our next wait, that we are
        // cancelled.
        light_barrier();
    }

    #[inline(always)]
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// What runs it.
    #[inline(always)]
    pub(super) fn body(&self) -> Body {
        self.body.get()
    }

    /// Ends what it had under [`with_local`]. In its own context: destructors are its code, and need not be `Send`. Whatever
    /// runs of it later is followed by another.
    #[inline(always)]
    pub(super) fn drop_locals(&self) {
        if self.locals.borrow().is_some() {
            self.drop_some_locals();
        }
    }

    #[cold]
    fn drop_some_locals(&self) {
        // What a destructor makes anew is dropped as well, some times over.
        for _ in 0..LOCALS_ROUNDS {
            let Some(locals) = self.locals.take() else { return };
            let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(locals)));
            if dropped.is_err() {
                eprintln!("nearcall: a thread-local value panicked while it was dropped");
                std::process::abort();
            }
        }
        // Then it is leaked, as std does: the record may be freed on another kernel thread, or be another procedure's.
        self.closed.set(true);
        core::mem::forget(self.locals.take());
    }

    /// For a procedure that begins: as if the record were new.
    pub(super) fn renew(&self) {
        self.cancelled.store(false, Ordering::Relaxed);
        self.closed.set(false);
        self.token.clear();
    }

    /// # Safety
    /// It is alive.
    #[inline(always)]
    pub(super) unsafe fn retain(record: *const Self) {
        // SAFETY: alive, by contract.
        unsafe { &*record }.refs.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends one that has not started, without starting it.
    ///
    /// # Safety
    /// It is in no list, and its run reference is the caller's, who no longer has it afterwards.
    #[cold]
    pub(super) unsafe fn refuse_now(record: *const Self, errno: Errno) {
        // SAFETY: alive, because the caller has the run reference.
        let refuse = unsafe { &*record }.refuse;
        // SAFETY: the function belongs to how the record was made; it has not started.
        if unsafe { refuse(record, errno) } {
            // SAFETY: the thread's reference, which nobody else gives up.
            unsafe { Self::release(record) };
        }
    }

    /// Whether the caller's reference is the only one.
    #[inline(always)]
    pub(super) fn is_sole(&self) -> bool {
        // Acquire: pairs with the Release of those that were released.
        self.refs.load(Ordering::Acquire) == 1
    }

    /// # Safety
    /// The caller has a reference, and no longer has it afterwards.
    #[inline(always)]
    pub(super) unsafe fn release(record: *const Self) {
        // SAFETY: alive, because the caller has a reference.
        let this = unsafe { &*record };
        // The last reference needs no exchange: nobody can make another.
        if !this.is_sole() {
            // Release: pairs with the Acquire in `is_sole` and below.
            if this.refs.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            fence(Ordering::Acquire);
        }
        debug_assert!(this.locals.borrow().is_none(), "a thread's values are dropped where it ran");
        let free = this.free;
        // SAFETY: the function belongs to how the record was allocated, and this was the last reference.
        unsafe { free(record) };
    }
}

impl core::fmt::Debug for Record {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Record").field("kind", &self.kind).field("name", &self.name.get()).finish_non_exhaustive()
    }
}

/// A thread, or a kernel thread, as others know it. Holding one says nothing about whether it is over.
pub struct Thread(NonNull<Record>);

// SAFETY: what is reached through it is for anybody (module documentation).
unsafe impl Send for Thread {}
// SAFETY: as above.
unsafe impl Sync for Thread {}

impl Thread {
    /// # Safety
    /// `record` is alive.
    pub(super) unsafe fn from_record(record: *const Record) -> Self {
        // SAFETY: alive, by contract.
        unsafe { Record::retain(record) };
        // SAFETY: what is alive is not null.
        Self(unsafe { NonNull::new_unchecked(record.cast_mut()) })
    }

    pub(super) fn record(&self) -> &Record {
        // SAFETY: a `Thread` has a reference.
        unsafe { self.0.as_ref() }
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.record().name.get()
    }

    /// A number that no other thread has as long as this value lives.
    #[must_use]
    pub fn id(&self) -> usize {
        self.0.addr().get()
    }

    /// Lets its [`park`], the present or the next one, return.
    pub fn unpark(&self) {
        self.record().token.set();
    }

    /// Has its wait, if it can be cancelled, and each later one end with an error: it stays cancelled. It is not interrupted
    /// otherwise. A kernel thread is not cancelled, because it runs others' work afterwards, and nobody could take that back.
    pub fn cancel(&self) {
        let record = self.record();
        if record.is_foreign() {
            return;
        }
        record.cancelled.store(true, Ordering::Relaxed);
        // Pairs with the light barrier in `Record::settle`.
        heavy_barrier();
        // SAFETY: posts live for ever.
        if let Some(post) = unsafe { record.home().as_ref() } {
            post.cancel(self.clone());
        }
    }

    /// Has a foreign thread look again at what it waits for.
    pub(super) fn ring(&self) {
        let record = self.record();
        // Release: pairs with the Acquire in `Waiter::sleep`.
        record.bell.fetch_add(1, Ordering::Release);
        futex::wake_private(&record.bell);
    }

    /// Whether it was cancelled; a kernel thread never is.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.record().is_cancelled()
    }
}

impl Clone for Thread {
    fn clone(&self) -> Self {
        // SAFETY: alive, because we have a reference.
        unsafe { Self::from_record(self.0.as_ptr()) }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: our reference, which goes.
        unsafe { Record::release(self.0.as_ptr()) };
    }
}

impl PartialEq for Thread {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Thread {}

impl core::fmt::Debug for Thread {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Thread").field("id", &self.id()).field("name", &self.name()).finish()
    }
}

/// What a kernel thread has of its record.
struct Own(Thread);

impl Drop for Own {
    fn drop(&mut self) {
        // Here, and not where the last reference goes: they need not be `Send`.
        self.0.record().drop_locals();
    }
}

thread_local! {
    static FOREIGN: Own = Own(new_foreign());
}

fn new_foreign() -> Thread {
    let name = std::thread::current().name().map(String::from);
    let record = Record::boxed(Kind::Foreign, Class::THREAD, Name::of_foreign(name));
    // SAFETY: just made; the reference that it was made with becomes the value's.
    Thread(unsafe { NonNull::new_unchecked(record.cast_mut()) })
}

/// The calling kernel thread's own; a new one while its thread-locals are being destroyed, which keeps nothing.
pub(super) fn foreign() -> Thread {
    FOREIGN.try_with(|own| own.0.clone()).unwrap_or_else(|_| {
        let thread = new_foreign();
        thread.record().closed.set(true);
        thread
    })
}

/// The calling thread: the user-level one, or the kernel thread where there is none.
#[must_use]
pub fn current() -> Thread {
    match here().map(|processor| processor.current()) {
        // SAFETY: what runs is alive.
        Some(record) if !record.is_null() => unsafe { Thread::from_record(record) },
        _ => foreign(),
    }
}

/// Waits until somebody unparks the calling thread, or had before. May return early for no reason.
///
/// # Errors
/// [`Ended::TimedOut`] at `deadline`; [`Ended::Cancelled`], of a user-level thread.
pub fn park(deadline: Option<Instant>) -> Result<(), Ended> {
    let thread = current();
    thread.record().token.wait(deadline)
}

/// Runs `f` with the calling thread's value under `key`, made by `make` if there is none.
///
/// A thread drops its values when it is over, and those that their destructors make, four times over. Of what asks for a
/// value after that, each gets one that is made for it and leaked: dropped, it could ask for itself without end.
pub fn with_local<T: 'static, R>(key: usize, make: impl FnOnce() -> T, f: impl FnOnce(&T) -> R) -> R {
    let thread = current();
    let record = thread.record();
    let find = |locals: &Locals| {
        let found = locals.iter().find(|(other, _)| *other == key)?;
        found.1.downcast_ref::<T>().map(ptr::from_ref)
    };
    let found = || record.locals.borrow().as_deref().and_then(find);
    let mut value = found();
    if value.is_none() {
        // Without the list borrowed: it may ask for other values, or for this one.
        let made = Box::new(make());
        if record.closed.get() {
            return f(Box::leak(made));
        }
        record.locals.borrow_mut().get_or_insert_default().push((key, made));
        value = found();
    }
    let Some(value) = value else { unreachable!("a key has values of one type, and this one has just been put there") };
    // SAFETY: boxed, and dropped only when the thread's values are, in the thread's own context: not while it is in here.
    f(unsafe { &*value })
}
