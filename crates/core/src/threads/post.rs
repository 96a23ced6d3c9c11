//! What other kernel threads may touch of a processor: where they leave what they want of it, and the word it sleeps on.
//!
//! | part | who writes | |
//! |---|---|---|
//! | `inbox` | anybody pushes, the processor takes all | threads of this processor that are ready again |
//! | `unstarted` | under its lock, anybody | threads that nobody has started: to be stolen |
//! | `cancels` | under its lock, anybody | threads of this processor that were cancelled |
//! | `sleep` | the processor: ASLEEP, AWAKE; a waker: AWAKE | |
//! | `watched` | the processor | what the watchdog samples |
//!
//! ```text
//! waker: leave it; fence; sleep == ASLEEP? -> AWAKE, wake      processor: ASLEEP; fence; anything left? -> sleep
//! ```
//!
//! Whoever stops looking says so, fences and looks again (`docs/orderings.md`, "Inbox against sleep").

use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

use super::biased::Biased;
use super::list::List;
use super::names::NameCell;
use super::record::{Record, Thread};
use super::watchdog;
use crate::sync::ShortLock;
use crate::sys::futex::{self, Sleep};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// Keeps what different sides write on lines of their own, two of them for the prefetcher.
#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

/// The shared half of a processor. It lives for ever.
#[derive(Debug)]
pub struct Post {
    number: usize,
    inbox: Line<AtomicPtr<Record>>,
    cancelled: AtomicBool,
    cancels: ShortLock<Vec<Thread>>,
    starves: AtomicBool,
    calls: AtomicBool,
    unstarted: Line<(Biased<List>, AtomicUsize)>,
    sleep: Line<AtomicU32>,
    watched: Line<Watched>,
}

/// What the processor tells of itself by plain stores.
#[derive(Debug)]
pub(super) struct Watched {
    /// Turns: how often a thread was resumed.
    pub(super) switches: AtomicU64,
    /// Threads that are ready here.
    pub(super) ready: AtomicUsize,
    /// Threads that were started and are not over.
    pub(super) live: AtomicUsize,
    /// Waits that ended in the waiting thread's own context, by polling there.
    pub(super) polls: AtomicU64,
    /// How often it slept.
    pub(super) sleeps: AtomicU64,
    /// Threads spawned alone for which it calls nobody, and how many there were since the last one for which it did.
    pub(super) until_call: AtomicU32,
    pub(super) call_every: AtomicU32,
    /// Whether a thread runs.
    pub(super) runs: AtomicBool,
    /// Waits that end only when the processor looks: polled ones.
    pub(super) to_look_at: AtomicUsize,
    /// When one of the first timers is due, in ticks of the wheel; `u64::MAX` if there is none.
    pub(super) due: AtomicU64,
    /// How often it was stepped out of with threads that are not over.
    pub(super) outs: AtomicU64,
    /// Whether a kernel thread has the post.
    pub(super) entered: AtomicBool,
    /// Its name.
    pub(super) running: NameCell,
    /// The name of the first that is ready.
    pub(super) waiting: NameCell,
}

impl Watched {
    const fn new() -> Self {
        Self {
            switches: AtomicU64::new(0),
            ready: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            until_call: AtomicU32::new(0),
            call_every: AtomicU32::new(0),
            runs: AtomicBool::new(false),
            to_look_at: AtomicUsize::new(0),
            due: AtomicU64::new(u64::MAX),
            outs: AtomicU64::new(0),
            entered: AtomicBool::new(false),
            polls: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            running: NameCell::new(),
            waiting: NameCell::new(),
        }
    }
}

impl Post {
    pub(super) const fn new(number: usize) -> Self {
        Self {
            number,
            inbox: Line(AtomicPtr::new(ptr::null_mut())),
            cancelled: AtomicBool::new(false),
            cancels: ShortLock::new(Vec::new()),
            starves: AtomicBool::new(false),
            calls: AtomicBool::new(false),
            unstarted: Line((Biased::new(List::new()), AtomicUsize::new(0))),
            sleep: Line(AtomicU32::new(AWAKE)),
            watched: Line(Watched::new()),
        }
    }

    /// Which processor it is, from 0 in the order in which they were made.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    pub(super) fn watched(&self) -> &Watched {
        &self.watched.0
    }

    /// Leaves a thread of this processor that is ready again, and wakes the processor.
    ///
    /// # Safety
    /// As `List::push`; and the thread was started by this processor.
    pub(super) unsafe fn deliver(&self, record: *const Record) {
        // SAFETY: alive, by contract.
        let new = unsafe { &*record };
        // Before it can be taken, so that what its processor shows when it runs comes later (`names`).
        self.watched.0.waiting.show(new.name());
        let mut head = self.inbox.0.load(Ordering::Relaxed);
        loop {
            new.set_next(head);
            // Release: pairs with the Acquire in `take_all`; carries the link, and what the waker did before.
            match self.inbox.0.compare_exchange_weak(head, record.cast_mut(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        self.kick();
    }

    /// Wakes the processor if it sleeps: what was left before is seen then.
    pub fn kick(&self) {
        // Pairs with the fence in `fall_asleep`: we see ASLEEP, or it sees what we left.
        fence(Ordering::SeqCst);
        if self.sleep.0.load(Ordering::Relaxed) == ASLEEP && self.sleep.0.swap(AWAKE, Ordering::Relaxed) == ASLEEP {
            futex::wake_private(&self.sleep.0);
        }
        watchdog::look_after_others(&self.watched.0.runs);
    }

    /// Whether somebody left something; what was left at the same time may be missed.
    #[inline(always)]
    pub(super) fn has_mail(&self) -> bool {
        !self.inbox.0.load(Ordering::Relaxed).is_null() || self.cancelled.load(Ordering::Relaxed)
    }

    /// Moves what was left in the inbox to `ready`, the oldest first. Says how many.
    pub(super) fn take_all(&self, ready: &List) -> usize {
        if self.inbox.0.load(Ordering::Relaxed).is_null() {
            return 0;
        }
        // Acquire: pairs with the Release in `deliver`, of this push and, through the exchanges between, of all below.
        let mut newest: *const Record = self.inbox.0.swap(ptr::null_mut(), Ordering::Acquire);
        let mut oldest: *const Record = ptr::null();
        let mut count = 0;
        while !newest.is_null() {
            // SAFETY: what is in the inbox is alive, because its run reference is with the inbox.
            let record = unsafe { &*newest };
            let next = record.next();
            record.set_next(oldest);
            oldest = newest;
            newest = next;
        }
        while !oldest.is_null() {
            // SAFETY: as above.
            let record = unsafe { &*oldest };
            let next = record.next();
            // SAFETY: alive, in no list any more, and its run reference was the inbox's.
            unsafe { ready.push(oldest) };
            oldest = next;
            count += 1;
        }
        count
    }

    /// Leaves word that `thread` was cancelled.
    pub(super) fn cancel(&self, thread: Thread) {
        self.cancels.lock().push(thread);
        // Release: pairs with the Acquire in `take_cancels`.
        self.cancelled.store(true, Ordering::Release);
        self.kick();
    }

    pub(super) fn take_cancels(&self) -> Vec<Thread> {
        if !self.cancelled.load(Ordering::Relaxed) {
            return Vec::new();
        }
        // Before the list is taken: what comes later sets it again. Acquire: pairs with the Release in `cancel`.
        self.cancelled.swap(false, Ordering::Acquire);
        core::mem::take(&mut *self.cancels.lock())
    }

    /// Leaves a thread that nobody has started, for this processor or for a thief. Wakes nobody. Returns how many there are.
    ///
    /// # Safety
    /// As `List::push`; it may start on any kernel thread; and this is the processor's own.
    #[inline(always)]
    pub(super) unsafe fn leave_here(&self, record: *const Record) -> usize {
        let (list, count) = &self.unstarted.0;
        // SAFETY: on the processor's kernel thread, by contract; guards of this lock live in this module only, and never two.
        let list = unsafe { list.own() };
        // SAFETY: the contract is the same.
        unsafe { self.put(&list, record, count) }
    }

    /// As [`Self::leave_here`], from another kernel thread.
    ///
    /// # Safety
    /// As `List::push`; and it may start on any kernel thread.
    pub(super) unsafe fn leave(&self, record: *const Record) -> usize {
        let (list, count) = &self.unstarted.0;
        let list = list.lock();
        // SAFETY: the contract is the same.
        unsafe { self.put(&list, record, count) }
    }

    /// # Safety
    /// As [`Self::leave`].
    #[inline(always)]
    unsafe fn put(&self, list: &List, record: *const Record, count: &AtomicUsize) -> usize {
        // SAFETY: alive, by contract.
        unsafe { &*record }.set_left_at(self);
        // SAFETY: the contract is the same.
        unsafe { list.push(record) };
        // Written under the lock only.
        let now = count.load(Ordering::Relaxed) + 1;
        count.store(now, Ordering::Relaxed);
        now
    }

    /// Takes the oldest out of the list, whose lock the caller has.
    #[inline(always)]
    fn pop(list: &List, count: &AtomicUsize) -> *const Record {
        let first = list.pop();
        // SAFETY: what was in the list is alive.
        if let Some(record) = unsafe { first.as_ref() } {
            record.set_left_at(ptr::null());
            count.store(count.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
        }
        first
    }

    /// Takes `record`, with its run reference, if it is the oldest that lies here.
    ///
    /// # Safety
    /// This is the processor's own kernel thread.
    #[inline(always)]
    pub(super) unsafe fn take_first(&self, record: &Record) -> bool {
        let (list, count) = &self.unstarted.0;
        // SAFETY: on the processor's kernel thread, by contract; guards of this lock live in this module only, and never two.
        let list = unsafe { list.own() };
        let is_first = ptr::eq(list.first(), record);
        if is_first {
            Self::pop(&list, count);
        }
        is_first
    }

    /// Runs `f` if `record` lies here, not started; it cannot be started or stolen meanwhile. On the processor's own kernel
    /// thread.
    ///
    /// # Safety
    /// The caller is that.
    #[inline(always)]
    pub(super) unsafe fn while_unstarted(&self, record: &Record, f: impl FnOnce()) -> bool {
        // SAFETY: on the processor's kernel thread, by contract; guards of this lock live in this module only, and never two.
        let _list = unsafe { self.unstarted.0.0.own() };
        let is_here = ptr::eq(record.left_at(), self);
        if is_here {
            f();
        }
        is_here
    }

    /// Threads that nobody has started; a hint.
    #[inline(always)]
    pub(super) fn unstarted(&self) -> usize {
        self.unstarted.0.1.load(Ordering::Relaxed)
    }

    /// The oldest of them, with its run reference; null if there is none.
    ///
    /// # Safety
    /// This is the processor's own kernel thread.
    #[inline(always)]
    pub(super) unsafe fn take_unstarted(&self) -> *const Record {
        if self.unstarted() == 0 {
            return ptr::null();
        }
        let (list, count) = &self.unstarted.0;
        // SAFETY: on the processor's kernel thread, by contract; guards of this lock live in this module only, and never two.
        let list = unsafe { list.own() };
        Self::pop(&list, count)
    }

    /// Whether what has not started waits behind a thread that does not suspend; a hint.
    pub(super) fn starves(&self) -> bool {
        self.starves.load(Ordering::Relaxed)
    }

    pub(super) fn set_starves(&self, starves: bool) {
        self.starves.store(starves, Ordering::Relaxed);
    }

    /// Whether its processor has called somebody for a thread that was spawned alone.
    pub(super) fn calls(&self) -> bool {
        // Acquire: pairs with the Release in `set_calls`, so that the thread is seen.
        self.calls.load(Ordering::Acquire)
    }

    pub(super) fn set_calls(&self, calls: bool) {
        self.calls.store(calls, Ordering::Release);
    }

    /// Moves half of them, at most 32, to `thief`, which is the caller's own. Says how many.
    ///
    /// # Safety
    /// The caller is on `thief`'s kernel thread.
    pub(super) unsafe fn steal(&self, thief: &Self) -> usize {
        if self.unstarted() == 0 {
            return 0;
        }
        let stolen = List::new();
        {
            let (list, count) = &self.unstarted.0;
            let list = list.lock();
            for _ in 0..count.load(Ordering::Relaxed).div_ceil(2).min(32) {
                let first = Self::pop(&list, count);
                if !first.is_null() {
                    // SAFETY: just taken out of a list, with its run reference.
                    unsafe { stolen.push(first) };
                }
            }
        }
        let mut moved = 0;
        loop {
            let first = stolen.pop();
            if first.is_null() {
                return moved;
            }
            // SAFETY: just taken out of a list, with its run reference; it was left for thieves.
            unsafe { thief.leave_here(first) };
            moved += 1;
        }
    }

    /// Says that the processor is about to sleep, and looks once more: `None` if there is something to do after all. The
    /// processor may then sleep on the word, and calls [`Self::awake`] when it no longer does.
    #[must_use]
    pub(super) fn fall_asleep(&self) -> Option<Sleep<'_>> {
        self.sleep.0.store(ASLEEP, Ordering::Relaxed);
        // Pairs with the fence in `kick`: whoever leaves something sees ASLEEP, or we see what it left.
        fence(Ordering::SeqCst);
        if self.has_mail() || self.unstarted() != 0 {
            self.awake();
            return None;
        }
        Some(Sleep { word: &self.sleep.0, value: ASLEEP, shared: false })
    }

    pub(super) fn awake(&self) {
        self.sleep.0.store(AWAKE, Ordering::Relaxed);
    }

    /// Whether it is asleep, or about to be.
    pub(super) fn is_asleep(&self) -> bool {
        self.sleep.0.load(Ordering::Relaxed) == ASLEEP
    }
}
