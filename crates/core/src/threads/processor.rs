//! The scheduler of one kernel thread.
//!
//! Everything here but the [`Post`] is the kernel thread's own: no atomics, no locks. A processor runs what is ready, one
//! thread after another, each until it waits, yields or is over; with nothing ready it polls the waits that asked for it,
//! then whatever else its loop has to look at ([`Work`]), and sleeps in the end.
//!
//! ```text
//!   loop:  ready threads ─▶ unstarted ─▶ Work::look (near bindings, wires) ─▶ timers, polled waits ─▶ budget over? sleep on
//!            ▲                                                                 its own word, Work's and the polled ones'
//!            └── suspend / yield / end: back to the loop, on the kernel thread's own stack
//! ```
//!
//! A wait that can be polled is polled by the waiting thread itself as long as nothing else is ready: then nothing is
//! switched (URPC 1991, section 3.2: the idle loop's optimisation).

mod in_place;
mod procedures;
mod waits;
mod work;

use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::ptr;
use core::sync::atomic::Ordering;
use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::blocks::Blocks;
use super::fiber::{Back, Fiber};
use super::list::List;
use super::names::Name;
use super::overflow;
use super::post::{Post, Watched};
use super::record::{Kind, Record};
use super::stack::{CLASS_COUNT, Class};
use super::waiter::Waiter;
use super::watchdog;
use super::wheel::Wheel;
use super::workers;
use crate::sync;

pub(super) use waits::micros;
pub use waits::{Answer, On, Turn, Waited, wait_until, wait_until_on};
pub use work::{NoWork, POLLED_WORD_COUNT, Words, Work};

use waits::Entry;

/// Threads that are run before something else is looked at.
pub const TURN_COUNT: usize = 64;

/// Threads that are resumed before one that has not started gets its turn among those that are always ready.
const START_EVERY: u32 = 16;

/// Fibers of a class that a processor keeps for itself.
const FIBER_COUNT_MAX: usize = 64;

/// Threads that are resumed between two looks at the clock, at most, if others wait for an answer or a time. A look costs as much
/// as a switch.
const PACE_MAX: usize = 8;

/// Yields in a row that return at once because nothing else is ready; the next one goes to the loop, for whatever else that has.
const LONE_YIELDS: u32 = 32;

/// What a processor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Threads that were started and are not over.
    pub live: usize,
    /// How often a thread was resumed.
    pub switches: u64,
    /// Waits that ended by polling in the waiting thread's own context, without a switch.
    pub polls: u64,
    /// How often the processor slept.
    pub sleeps: u64,
}

/// A kernel thread that runs threads.
pub struct Processor {
    post: Cell<&'static Post>,
    current: Cell<*const Record>,
    /// Of whoever runs (`context`): here, because each switch takes it along.
    context: Cell<*const ()>,
    ready: List,
    started: Cell<u32>,
    lone: Cell<u32>,
    /// Threads that are resumed before the next look at the clock.
    pace: Cell<usize>,
    /// Threads that ran in the place of others since the loop last ran one.
    in_place: Cell<usize>,
    worker: Cell<bool>,
    leads: Cell<bool>,
    fibers: [RefCell<Vec<*mut Fiber>>; CLASS_COUNT],
    /// The last one that became free, before those.
    hot: Cell<*mut Fiber>,
    wheel: RefCell<Option<Wheel<*const Waiter>>>,
    timer_count: Cell<usize>,
    looked: Cell<u64>,
    look_cost: Cell<u64>,
    /// Those that began first are the first.
    polled: RefCell<VecDeque<Entry>>,
    /// Of those, for which the CPU was given away.
    given: Cell<usize>,
    /// The last sleep that was a step, and how often a thread had been resumed by then.
    step: Cell<(u64, Duration)>,
    blocks: Blocks,
}

/// The post of kernel threads that have none.
static NOWHERE: Post = Post::new(usize::MAX);

thread_local! {
    /// In the thread's own memory, without a destructor: reading it is an addition. What refers to it cannot leave the kernel
    /// thread, whose memory outlives its last destructor.
    static HERE: ManuallyDrop<Processor> = const { ManuallyDrop::new(Processor::new()) };
}

/// The calling kernel thread's processor, if it is one.
#[inline(always)]
#[must_use]
pub fn here() -> Option<&'static Processor> {
    let processor = own();
    (!ptr::eq(processor.post(), &NOWHERE)).then_some(processor)
}

#[inline(always)]
fn own() -> &'static Processor {
    let processor = HERE.with(|processor| ptr::from_ref::<Processor>(processor));
    // SAFETY: without a destructor it is there as long as the kernel thread runs any code; and it can be used, and a
    // reference to it kept, on this kernel thread only.
    unsafe { &*processor }
}

/// The word of whoever runs on the calling kernel thread, be it a processor or not.
#[inline(always)]
pub(super) fn context() -> &'static Cell<*const ()> {
    &own().context
}

/// The calling kernel thread's processor, if it is a thread that calls: one that can be suspended.
#[inline(always)]
#[must_use]
pub fn on_thread() -> Option<&'static Processor> {
    here().filter(|processor| processor.runs_thread() && !std::thread::panicking())
}

/// While this is there the kernel thread counts as no processor: what runs may block it, and nothing else of its runs.
#[derive(Debug)]
#[must_use]
pub struct SteppedOut {
    processor: &'static Processor,
    post: &'static Post,
}

impl Drop for SteppedOut {
    fn drop(&mut self) {
        self.post.watched().runs.store(false, Ordering::Relaxed);
        self.processor.post.set(self.post);
    }
}

/// All posts that there are, and those that nobody has.
#[derive(Debug, Default)]
pub(super) struct Posts {
    pub(super) all: Vec<&'static Post>,
    free: Vec<&'static Post>,
}

pub(super) fn posts() -> std::sync::MutexGuard<'static, Posts> {
    static POSTS: OnceLock<Mutex<Posts>> = OnceLock::new();
    POSTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Their lock, for whoever forks ([`crate::forks`]).
pub(crate) fn hold() -> crate::forks::Held {
    Box::new(posts())
}

/// In a forked child: the processors are with the parent, but for the calling kernel thread if it is one. What is at their posts is
/// never looked at again.
pub(crate) fn forget_others() {
    let mut posts = posts();
    posts.all.retain(|post| ptr::eq(*post, own().post()));
    posts.free.clear();
}

/// Threads that were started and are not over, on all processors together.
#[must_use]
pub fn live() -> usize {
    posts().all.iter().map(|post| post.watched().live.load(Ordering::Relaxed)).sum()
}

impl Processor {
    const fn new() -> Self {
        Self {
            post: Cell::new(&NOWHERE),
            current: Cell::new(ptr::null()),
            context: Cell::new(ptr::null()),
            ready: List::new(),
            started: Cell::new(0),
            lone: Cell::new(0),
            pace: Cell::new(1),
            in_place: Cell::new(0),
            worker: Cell::new(false),
            leads: Cell::new(false),
            fibers: [const { RefCell::new(Vec::new()) }; CLASS_COUNT],
            hot: Cell::new(ptr::null_mut()),
            wheel: RefCell::new(None),
            timer_count: Cell::new(0),
            looked: Cell::new(0),
            look_cost: Cell::new(0),
            polled: RefCell::new(VecDeque::new()),
            given: Cell::new(0),
            step: Cell::new((0, Duration::ZERO)),
            blocks: Blocks::new(),
        }
    }

    /// Makes the calling kernel thread a processor, until [`Self::leave`]; if it is one already, it stays that.
    pub fn enter() -> &'static Self {
        let processor = own();
        if here().is_none() {
            // The light barriers are cheap only after that.
            sync::prepare();
            let mut posts = posts();
            let post = posts.free.pop().unwrap_or_else(|| {
                let post: &'static Post = Box::leak(Box::new(Post::new(posts.all.len())));
                posts.all.push(post);
                post
            });
            drop(posts);
            post.watched().entered.store(true, Ordering::Relaxed);
            processor.post.set(post);
            overflow::give_alternate();
        }
        processor
    }

    /// The kernel thread is about to end. Threads that are not over by then are leaked, with their stacks.
    pub fn leave(&self) {
        let post = self.post.replace(&NOWHERE);
        if ptr::eq(post, &NOWHERE) {
            return;
        }
        post.watched().entered.store(false, Ordering::Relaxed);
        self.blocks.clear();
        let hot = Some(self.hot.replace(ptr::null_mut())).filter(|fiber| !fiber.is_null());
        let fibers = self.fibers.iter().map(RefCell::take).chain([Vec::from_iter(hot)]);
        for fibers in fibers {
            for fiber in fibers {
                // SAFETY: what is kept has no job; it was made here.
                unsafe { Fiber::end(fiber) };
            }
        }
        let empty = self.ready.is_empty() && !post.has_mail() && post.unstarted() == 0;
        if empty && post.watched().live.load(Ordering::Relaxed) == 0 {
            posts().free.push(post);
        }
    }

    /// Gives the stacks that it keeps for itself back to the pool.
    pub fn give_back(&self) {
        for fibers in &self.fibers {
            for fiber in fibers.take() {
                // SAFETY: what is kept has no job; it was made here.
                unsafe { Fiber::end(fiber) };
            }
        }
    }

    /// For what blocks the kernel thread and must not run anything else on it meanwhile. Its threads wait.
    pub fn step_out(&'static self) -> SteppedOut {
        let post = self.post.replace(&NOWHERE);
        let watched = post.watched();
        if watched.live.load(Ordering::Relaxed) != 0 {
            // For the watchdog it is as if a thread ran, which is another one each time.
            watched.outs.store(watched.outs.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
            watched.runs.store(true, Ordering::Relaxed);
            watched.running.clear();
            watchdog::look_after();
        }
        SteppedOut { processor: self, post }
    }

    #[inline(always)]
    pub(super) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The thread that runs is over, and its name may go.
    pub(super) fn hide_name(&self) {
        self.watched().running.clear();
    }

    pub(super) fn set_worker(&self) {
        self.worker.set(true);
    }

    /// Whether it is the worker that looks for work of others.
    pub(super) fn leads(&self) -> bool {
        self.leads.get()
    }

    pub(super) fn set_leads(&self, leads: bool) {
        self.leads.set(leads);
    }

    /// Whether it runs threads that anybody spawned.
    #[inline(always)]
    pub(super) fn is_worker(&self) -> bool {
        self.worker.get()
    }

    /// What others may touch of it.
    #[inline(always)]
    #[must_use]
    pub fn post(&self) -> &'static Post {
        self.post.get()
    }

    fn watched(&self) -> &'static Watched {
        self.post().watched()
    }

    #[inline(always)]
    pub(super) fn current(&self) -> *const Record {
        self.current.get()
    }

    /// For the overflow handler, which interrupts what runs: its name, and the addresses of its guard.
    pub(super) fn running(&self) -> Option<(Option<&str>, core::ops::Range<usize>)> {
        // SAFETY: what runs is alive.
        let record = unsafe { self.current.get().as_ref() }?;
        // SAFETY: a record that runs has a fiber.
        let guard = unsafe { &*record.fiber() }.guard();
        Some((record.name().get(), guard))
    }

    /// Whether a thread runs, and not the processor's own context.
    #[inline(always)]
    #[must_use]
    pub fn runs_thread(&self) -> bool {
        !self.current.get().is_null()
    }

    /// Threads that were started here and are not over.
    #[must_use]
    pub fn live(&self) -> usize {
        self.watched().live.load(Ordering::Relaxed)
    }

    /// What it has counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let watched = self.watched();
        Counts {
            live: self.live(),
            switches: watched.switches.load(Ordering::Relaxed),
            polls: watched.polls.load(Ordering::Relaxed),
            sleeps: watched.sleeps.load(Ordering::Relaxed),
        }
    }

    /// Whether there is a thread to run.
    #[inline(always)]
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty() || self.post().has_mail() || self.post().unstarted() != 0
    }

    /// Makes a thread ready that has never run, or that was started here and is suspended, or will be at once.
    ///
    /// # Safety
    /// As `List::push`.
    #[inline(always)]
    pub(super) unsafe fn make_ready(&self, record: *const Record) {
        // SAFETY: the contract is the same.
        unsafe { self.push_ready(record) };
        watchdog::look_after();
    }

    /// The same, where the processor resumes somebody next, and says so to the watchdog then.
    ///
    /// # Safety
    /// As `List::push`.
    #[inline(always)]
    pub(super) unsafe fn push_ready(&self, record: *const Record) {
        let watched = self.watched();
        if watchdog::has_names() && self.ready.is_empty() {
            // SAFETY: alive, by contract.
            watched.waiting.show(unsafe { &*record }.name());
        }
        // SAFETY: the contract is the same.
        unsafe { self.ready.push(record) };
        // Written here only, as below.
        watched.ready.store(watched.ready.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Runs what is ready, at most `count` times a thread, and for no longer than others may wait to be looked at. Says whether there
    /// was anything. Not from within a thread.
    pub fn run_ready(&self, count: usize) -> bool {
        if self.runs_thread() {
            return false;
        }
        self.in_place.set(0);
        self.take_mail();
        self.look_when_due();
        let (mut ran, mut look) = (0, self.pace.get());
        while ran < count {
            if ran == look {
                let is_due = self.is_look_due();
                // What computes for long is likely to do so again.
                self.pace.set(if is_due { 1 } else { (self.pace.get() * 2).min(PACE_MAX) });
                if is_due {
                    break;
                }
                look += self.pace.get();
            }
            let record = self.next();
            if record.is_null() {
                break;
            }
            if self.leads.get() {
                workers::stop_leading(self);
            }
            self.run(record);
            ran += 1;
        }
        if ran != 0 {
            self.rest();
            if !self.ready.is_empty() {
                // The last one yielded, and was to be looked after by whoever is resumed next: not at once.
                watchdog::look_after();
            }
        }
        ran != 0
    }

    /// No thread runs.
    #[inline(always)]
    fn rest(&self) {
        let watched = self.watched();
        watched.runs.store(false, Ordering::Relaxed);
        watched.running.clear();
    }

    #[inline(always)]
    fn take_unstarted(&self) -> *const Record {
        // SAFETY: a processor is reached on its kernel thread only.
        unsafe { self.post().take_unstarted() }
    }

    #[inline(always)]
    fn next(&self) -> *const Record {
        let started = self.started.get().wrapping_add(1);
        self.started.set(started);
        if started.is_multiple_of(START_EVERY) {
            self.take_mail();
            let unstarted = self.take_unstarted();
            if !unstarted.is_null() {
                return unstarted;
            }
        }
        let record = self.ready.pop();
        if record.is_null() {
            return self.take_unstarted();
        }
        let ready = &self.watched().ready;
        ready.store(ready.load(Ordering::Relaxed).wrapping_sub(1), Ordering::Relaxed);
        record
    }

    fn take_mail(&self) {
        let post = self.post();
        if !post.has_mail() {
            return;
        }
        let ready = &self.watched().ready;
        ready.store(ready.load(Ordering::Relaxed) + post.take_all(&self.ready), Ordering::Relaxed);
        for thread in post.take_cancels() {
            let record = thread.record();
            if !ptr::eq(record.home(), post) {
                continue;
            }
            // SAFETY: a thread of this kernel thread that waits has its waiter on its stack.
            if let Some(waiter) = unsafe { record.waiting.get().as_ref() }
                && waiter.cancel()
            {
                // SAFETY: it is suspended here, in no list, and it was us who ended its wait.
                unsafe { self.make_ready(record) };
            }
        }
    }

    /// Starts a thread, or lets it go on, until it suspends (`false`) or is over.
    #[inline(always)]
    fn run(&self, record: *const Record) -> bool {
        // SAFETY: what is taken out of a list is alive, because its run reference comes with it.
        let this = unsafe { &*record };
        if this.fiber().is_null() {
            match self.take_fiber(this.class()) {
                Ok(fiber) => this.set_fiber(fiber),
                Err(errno) => {
                    // Its name may be what is shown.
                    self.watched().waiting.clear();
                    // SAFETY: just taken out of a list, with its run reference; it has no fiber, so it has not started.
                    unsafe { Record::refuse_now(record, errno) };
                    return true;
                }
            }
            this.settle(self.post());
            self.count_live(1);
        }
        let fiber = this.fiber();
        let back = self.resume(record, fiber);
        if back == Back::Suspended {
            return false;
        }
        self.keep_fiber(fiber);
        if back == Back::OverAndLast {
            // SAFETY: the thread's reference, which nobody else gives up.
            unsafe { Record::release(record) };
        }
        true
    }

    /// A thread starts, or is over, which it says itself.
    #[inline(always)]
    pub(super) fn count_live(&self, by: isize) {
        let live = &self.watched().live;
        // Written here only.
        live.store(live.load(Ordering::Relaxed).wrapping_add_signed(by), Ordering::Relaxed);
    }

    #[inline(always)]
    fn resume(&self, record: *const Record, fiber: *const Fiber) -> Back {
        let watched = self.watched();
        watched.switches.store(watched.switches.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        watched.runs.store(true, Ordering::Relaxed);
        if watchdog::wants_attention() {
            self.attend(record);
        }
        self.current.set(record);
        // SAFETY: a fiber that a record has lives until the job is over.
        let fiber = unsafe { &*fiber };
        let own = self.context.replace(ptr::null());
        // SAFETY: it waits to be resumed, on this kernel thread, with this record as its job.
        let back = unsafe { fiber.resume(record) };
        self.context.set(own);
        self.current.set(ptr::null());
        back
    }

    #[cold]
    #[inline(never)]
    fn attend(&self, record: *const Record) {
        if watchdog::has_names() {
            self.show_names(record);
        }
        watchdog::look_after();
    }

    fn show_names(&self, record: *const Record) {
        let watched = self.watched();
        // SAFETY: alive, because we have the run reference.
        watched.running.show(unsafe { &*record }.name());
        // SAFETY: what is in the list is alive.
        match unsafe { self.ready.first().as_ref() } {
            Some(first) => watched.waiting.show(first.name()),
            None => watched.waiting.clear(),
        }
    }

    #[inline(always)]
    fn take_fiber(&self, class: Class) -> Result<*mut Fiber, Errno> {
        let hot = self.hot.get();
        // SAFETY: null, or kept here and alive.
        if unsafe { hot.as_ref() }.is_some_and(|fiber| fiber.class() == class) {
            self.hot.set(ptr::null_mut());
            return Ok(hot);
        }
        self.take_cool_fiber(class)
    }

    #[inline(never)]
    fn take_cool_fiber(&self, class: Class) -> Result<*mut Fiber, Errno> {
        let kept = self.fibers.get(class.index()).and_then(|fibers| fibers.borrow_mut().pop());
        kept.map_or_else(|| Fiber::new(class), Ok)
    }

    /// Keeps a fiber whose job is over.
    #[inline(always)]
    fn keep_fiber(&self, fiber: *mut Fiber) {
        let last = self.hot.replace(fiber);
        if !last.is_null() {
            self.cool_fiber(last);
        }
    }

    #[inline(never)]
    fn cool_fiber(&self, fiber: *mut Fiber) {
        // SAFETY: its job is over, so it is ours.
        let class = unsafe { &*fiber }.class();
        if let Some(fibers) = self.fibers.get(class.index()) {
            let mut fibers = fibers.borrow_mut();
            if fibers.len() < FIBER_COUNT_MAX {
                return fibers.push(fiber);
            }
        }
        // SAFETY: made here, its job is over, and it is in no list.
        unsafe { Fiber::end(fiber) };
    }

    /// Suspends the current thread: whoever makes it ready lets it go on.
    #[inline(always)]
    pub(super) fn suspend(&self) {
        // SAFETY: what runs is alive; callers have looked that something does.
        let Some(record) = (unsafe { self.current.get().as_ref() }) else { return };
        // SAFETY: a record that runs has a fiber.
        let fiber = unsafe { &*record.fiber() };
        let own = self.context.get();
        // SAFETY: it is the caller that runs on it.
        unsafe { fiber.suspend() };
        self.context.set(own);
    }

    /// Lets other threads run that are ready.
    #[inline(always)]
    pub fn yield_now(&self) {
        let current = self.current.get();
        if current.is_null() {
            self.run_ready(TURN_COUNT);
            return;
        }
        if !self.has_ready() && !self.look_when_due() {
            // Now and then the loop has to look at whatever else it has.
            let lone = self.lone.get().wrapping_add(1);
            self.lone.set(lone);
            if !lone.is_multiple_of(LONE_YIELDS) {
                return;
            }
        }
        if std::thread::panicking() {
            return std::thread::yield_now();
        }
        // SAFETY: it runs, so it is in no list, and it is about to be suspended.
        unsafe { self.push_ready(current) };
        self.suspend();
    }
}

impl core::fmt::Debug for Processor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Processor").field("number", &self.post().number()).field("counts", &self.counts()).finish()
    }
}

pub(super) fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "deadlines are instants of the system's clock; timers are not on a path"
    )]
    Instant::now()
}

/// Lets others run: other threads on a processor, elsewhere whatever the kernel chooses.
#[inline(always)]
pub fn yield_now() {
    match here() {
        Some(processor) => processor.yield_now(),
        None => std::thread::yield_now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::task::{Handle, Task};

    /// What somebody who wants no result finds in its destructor.
    struct Ends {
        yields: bool,
        joins: Option<Handle<()>>,
    }

    impl Drop for Ends {
        fn drop(&mut self) {
            if self.yields {
                (0..=LONE_YIELDS).for_each(|_| yield_now());
            }
            if let Some(handle) = self.joins.take() {
                handle.result().unwrap();
            }
        }
    }

    fn leave<T>(processor: &Processor, name: Option<String>, closure: impl FnOnce() -> T + 'static) -> Handle<T> {
        // SAFETY: it stays on this kernel thread, and borrows nothing.
        let (task, handle) = unsafe { Task::new(name, Class::THREAD, ptr::null(), closure) };
        // SAFETY: a new one, in no list, and this is the processor's kernel thread.
        unsafe { processor.post().leave_here(task.into_record()) };
        handle
    }

    #[test]
    fn a_name_that_is_freed_is_not_shown() {
        let processor = Processor::enter();
        for (yields, joins) in [(false, false), (true, false), (false, true), (true, true)] {
            let body = move || {
                let other = |processor| leave(processor, None, || ());
                Ends { yields, joins: here().filter(|_| joins).map(other) }
            };
            drop(leave(processor, Some("gone".into()), body));
            loop {
                let record = processor.next();
                if record.is_null() {
                    break;
                }
                processor.run(record);
                assert!(!processor.ready.is_empty() || processor.watched().running.is_clear(), "{yields} {joins}");
            }
            processor.rest();
            assert_eq!(processor.live(), 0);
        }
        processor.leave();
    }
}
