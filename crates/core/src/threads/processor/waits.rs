//! Waits that a processor looks at by itself: for conditions, by polling, and for times.

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::work::Words;
use super::{Processor, TURN_COUNT, here, now};
use crate::sys::ahead;
use crate::sys::futex::{self, Sleep};
use crate::threads::context;
use crate::threads::record::foreign;
use crate::threads::waiter::{Ended, Waiter};
use crate::threads::wheel::{Key, Wheel};
use crate::transfer::clock;

/// How long a sleep lasts at most where a polled wait has no word, or there are more than a sleep can have. It doubles up to
/// [`POLL_STEP_MAX`] while nothing happens.
pub(super) const POLL_STEP: Duration = Duration::from_millis(1);

pub(super) const POLL_STEP_MAX: Duration = Duration::from_millis(16);

/// How many polled waits before its own turn the word of one is fetched: replies to calls that were made together come together,
/// and one after the other they would cost a cache miss each.
const FETCHED_AHEAD: usize = 8;

/// How often timers and polled waits are looked at while threads are ready, in microseconds, if those go on for as long.
const LOOK_US: u64 = 20;

/// Looks at a polled wait between two at the clock.
const TURNS_A_LOOK: u32 = 64;

/// In which situation a polled wait is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The next look may come at once.
    Poll,
    /// The processor sleeps next, if all say `false`: whoever must be told to wake it is to be told, before a last look.
    BeforeSleep,
}

/// How a wait for a condition ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The condition holds.
    Ready,
    /// The deadline came first.
    TimedOut,
    /// The thread was cancelled.
    Cancelled,
}

pub(super) struct Polled {
    waiter: Waiter,
    ready: *mut (dyn FnMut(Turn) -> bool + 'static),
    on: *const On<'static>,
}

impl Polled {
    pub(super) fn on(&self) -> &On<'static> {
        // SAFETY: it is where the thread waits.
        unsafe { &*self.on }
    }
}

/// A wait in the list of those that are polled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// On the stack of the thread that waits.
    polled: *const Polled,
    /// Here as well, because a look at the answer alone then needs nothing of that stack, which is in no cache by then if
    /// there are many threads.
    answer: Option<Answer<'static>>,
}

impl Entry {
    pub(super) fn polled(&self) -> &Polled {
        // SAFETY: what is in the list waits, and takes itself out before it goes.
        unsafe { &*self.polled }
    }

    fn fetch(&self) {
        self.answer.inspect(|answer| ahead::fetch(answer.word));
    }

    /// Whether the wait is over.
    #[inline(always)]
    fn look(&self, turn: Turn) -> bool {
        self.answer.is_some_and(|answer| answer.is_there()) || look(self.polled().ready, turn)
    }
}

/// A word that another processor writes, and what is in its low half when a wait for it is over.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The word. It is fetched ahead.
    pub word: &'a AtomicU64,
    /// Its low half.
    pub low: u32,
}

impl Answer<'_> {
    /// Whoever waits for it acquires what comes with it.
    #[inline(always)]
    fn is_there(&self) -> bool {
        #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the low half")]
        // Relaxed: see above.
        let low = self.word.load(Ordering::Relaxed) as u32;
        low == self.low
    }
}

/// What a polled wait sleeps on when nothing else is ready, and how soon.
#[derive(Debug, Clone, Copy, Default)]
pub struct On<'a> {
    /// The words; none: as in [`wait_until`].
    pub words: &'a [Sleep<'a>],
    /// The whole of the first word, if many waits share it: its value, the low half, is read just before the last look.
    pub shared: Option<&'a AtomicU64>,
    /// What ends the wait without a question: `ready` says so, too.
    pub answer: Option<Answer<'a>>,
    /// The CPU was given to somebody who is ready to use it: the sleep comes at once, without a budget.
    pub is_given: bool,
}

impl<'a> On<'a> {
    /// The words, the shared one with its value now.
    pub(super) fn read(&self) -> impl Iterator<Item = Sleep<'a>> {
        #[expect(clippy::cast_possible_truncation, clippy::as_conversions, reason = "the low half")]
        // Relaxed: the last look, which follows, has a fence of its own.
        let mut now = self.shared.map(|word| word.load(Ordering::Relaxed) as u32);
        self.words.iter().map(move |&word| Sleep { value: now.take().unwrap_or(word.value), ..word })
    }
}

impl Processor {
    /// Waits until `ready` says so. On a thread others run meanwhile; with none ready, `ready` is called without a switch,
    /// and so are the other polled waits: one that is over makes its thread ready.
    pub(in crate::threads) fn wait_until(
        &self,
        ready: &mut dyn FnMut(Turn) -> bool,
        deadline: Option<Instant>,
        on: &On<'_>,
    ) -> Waited {
        if std::thread::panicking() {
            return block_until(ready, deadline, on);
        }
        self.wait_until_some_turns(ready, deadline, on)
    }

    /// The same without a deadline, for a thread where others are ready most of the time. All of it is in the caller: a function that is returned
    /// from on another stack than it was called on is a branch that the processor predicts wrongly, and each has a line or two
    /// of the stack for itself.
    #[inline(always)]
    pub(crate) fn wait_among_others(&self, ready: &mut dyn FnMut(Turn) -> bool, on: &On<'_>) -> Waited {
        if self.ready.is_empty() || !self.runs_thread() {
            return self.wait_until_some_turns(ready, None, on);
        }
        self.wait_polled(ready, None, on)
    }

    #[inline(never)]
    fn wait_until_some_turns(
        &self,
        ready: &mut dyn FnMut(Turn) -> bool,
        deadline: Option<Instant>,
        on: &On<'_>,
    ) -> Waited {
        let mut turns = if on.is_given { 0 } else { clock::wake_turns() };
        while turns > 0 && !self.has_ready() {
            if ready(Turn::Poll) {
                let polls = &self.watched().polls;
                polls.store(polls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
                return Waited::Ready;
            }
            if turns.is_multiple_of(TURNS_A_LOOK) && self.look_when_due() {
                break;
            }
            if self.has_polled() && self.look_at_polled(Turn::Poll) {
                break;
            }
            turns -= 1;
            core::hint::spin_loop();
        }
        if self.runs_thread() {
            return self.wait_polled(ready, deadline, on);
        }
        self.wait_here(ready, deadline, on)
    }

    /// Suspends the current thread until the loop finds that `ready` says so.
    #[inline(always)]
    fn wait_polled(&self, ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, on: &On<'_>) -> Waited {
        let ready = ptr::from_mut(ready);
        // SAFETY: a pointer of the same kind; it is used until this function returns, and the closure lives longer.
        let ready: *mut (dyn FnMut(Turn) -> bool + 'static) = unsafe { core::mem::transmute(ready) };
        // By reference: it was just stored, and to load it with wider loads than that would wait for all stores before, those
        // of the request among them.
        let polled = Polled { waiter: Waiter::new(), ready, on: ptr::from_ref(on).cast() };
        let this = &raw const polled;
        let given = usize::from(on.is_given);
        // SAFETY: as above.
        let answer = unsafe { core::mem::transmute::<Option<Answer<'_>>, Option<Answer<'static>>>(on.answer) };
        let mut all = self.polled.borrow_mut();
        all.push_back(Entry { polled: this, answer });
        self.count_waits(all.len());
        drop(all);
        self.given.set(self.given.get() + given);
        let ended = polled.waiter.wait(deadline);
        self.given.set(self.given.get() - given);
        let mut all = self.polled.borrow_mut();
        // Only who looks at them ends one otherwise, and takes it out.
        if ended.is_err()
            && let Some(at) = all.iter().position(|other| ptr::eq(other.polled, this))
        {
            all.remove(at);
        }
        self.count_waits(all.len());
        drop(all);
        match ended {
            Ok(()) => Waited::Ready,
            Err(Ended::TimedOut) => Waited::TimedOut,
            Err(Ended::Cancelled) => Waited::Cancelled,
        }
    }

    /// In the processor's own context: runs threads meanwhile.
    fn wait_here(&self, ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, on: &On<'_>) -> Waited {
        loop {
            if ready(Turn::Poll) {
                return Waited::Ready;
            }
            if self.run_ready(TURN_COUNT) || self.poll() {
                continue;
            }
            if deadline.is_some_and(|deadline| now() >= deadline) {
                return Waited::TimedOut;
            }
            let words: Vec<Sleep<'_>> = on.read().collect();
            if ready(Turn::BeforeSleep) {
                return Waited::Ready;
            }
            match &words[..] {
                [] => self.sleep(&[], Some(now() + POLL_STEP)),
                words => self.sleep(words, deadline),
            }
        }
    }

    /// Looks at timers and polled waits. Says whether a thread became ready.
    pub fn poll(&self) -> bool {
        if !self.has_waits() {
            return false;
        }
        let begin = clock::ticks();
        let timed = self.timer_count.get() != 0 && self.expire();
        let any = self.look_at_polled(Turn::Poll) || timed;
        let end = clock::ticks();
        self.looked.set(end);
        self.look_cost.set(end.saturating_sub(begin));
        any
    }

    /// Looks at the polled waits, those that began first before others. Says whether one was over.
    pub(super) fn look_at_polled(&self, turn: Turn) -> bool {
        let mut woken = false;
        let mut at = 0;
        self.polled.borrow().iter().take(FETCHED_AHEAD).for_each(Entry::fetch);
        loop {
            let (entry, later) = {
                // Not borrowed while the closure runs.
                let all = self.polled.borrow();
                (all.get(at).copied(), all.get(at + FETCHED_AHEAD).copied())
            };
            let Some(entry) = entry else { return woken };
            later.inspect(Entry::fetch);
            let waiter = &entry.polled().waiter;
            if waiter.is_parked() && entry.look(turn) && waiter.wake_here() {
                woken = true;
                let mut all = self.polled.borrow_mut();
                let _ = if at == 0 { all.pop_front() } else { all.remove(at) };
                drop(all);
                // SAFETY: it is suspended here, in no list, and it was us who ended its wait.
                unsafe { self.make_ready(waiter.record()) };
            } else {
                at += 1;
            }
        }
    }

    /// When the next timer is due.
    #[must_use]
    pub fn next_timer(&self) -> Option<Instant> {
        let next = self.wheel.borrow().as_ref()?.next()?;
        Some(epoch() + Duration::from_micros(next))
    }

    /// For the watchdog: there is a timer that is due then.
    fn tell_due(&self, due: Option<u64>) {
        self.watched().due.store(due.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// For the watchdog.
    #[inline(always)]
    fn count_waits(&self, polled: usize) {
        self.watched().to_look_at.store(polled, Ordering::Relaxed);
    }

    #[inline(never)]
    pub(in crate::threads) fn set_timer(&self, deadline: Instant, waiter: *const Waiter) -> Key {
        // Rounded up: never before.
        let due = deadline.saturating_duration_since(epoch()).saturating_add(Duration::from_nanos(999)).as_micros();
        let due = u64::try_from(due).unwrap_or(u64::MAX >> 12);
        let mut wheel = self.wheel.borrow_mut();
        let wheel = wheel.get_or_insert_with(|| Wheel::new(micros()));
        let key = wheel.insert(due, waiter);
        self.timer_count.set(wheel.count());
        if due < self.watched().due.load(Ordering::Relaxed) {
            self.tell_due(Some(due));
        }
        key
    }

    #[inline(never)]
    pub(in crate::threads) fn remove_timer(&self, key: Key) {
        if let Some(wheel) = self.wheel.borrow_mut().as_mut() {
            let removed = wheel.remove(key);
            self.timer_count.set(wheel.count());
            if removed.is_some_and(|due| due <= self.watched().due.load(Ordering::Relaxed)) {
                self.tell_due(wheel.early());
            }
        }
    }

    /// Whether it is time to look at timers and polled waits, if there are any, although threads are ready.
    #[inline(always)]
    pub(super) fn is_look_due(&self) -> bool {
        // A look at thousands takes its time, which is theirs that are ready.
        let pause = || clock::calibration().us(LOOK_US).max(self.look_cost.get());
        self.has_waits() && clock::ticks().saturating_sub(self.looked.get()) > pause()
    }

    /// [`poll`](Self::poll), if it is time to.
    #[inline(always)]
    pub(super) fn look_when_due(&self) -> bool {
        self.is_look_due() && self.poll()
    }

    #[inline(always)]
    fn has_waits(&self) -> bool {
        self.timer_count.get() != 0 || self.has_polled()
    }

    /// When timers and polled waits were looked at last, in ticks: a clock that costs nothing, for whoever is one of them.
    #[inline(always)]
    pub(crate) fn looked(&self) -> u64 {
        self.looked.get()
    }

    /// Ends the waits whose time has come. Says whether there were any.
    fn expire(&self) -> bool {
        let mut any = false;
        let mut wheel = self.wheel.borrow_mut();
        let Some(wheel) = wheel.as_mut() else { return false };
        wheel.advance(micros());
        while let Some(waiter) = wheel.pop() {
            // SAFETY: a waiter takes its timer out before it goes.
            let waiter = unsafe { &*waiter };
            if waiter.time_out() {
                any = true;
                // SAFETY: it is suspended here, in no list, and it was us who ended its wait.
                unsafe { self.make_ready(waiter.record()) };
            }
        }
        self.timer_count.set(wheel.count());
        self.tell_due(wheel.early());
        any
    }

    /// Whether some thread waits by being polled.
    #[inline(always)]
    #[must_use]
    pub fn has_polled(&self) -> bool {
        !self.polled.borrow().is_empty()
    }
}

fn look(ready: *mut (dyn FnMut(Turn) -> bool + 'static), turn: Turn) -> bool {
    // SAFETY: the closure lives as long as the wait, and its thread is suspended.
    let ready = unsafe { &mut *ready };
    // A condition that panics does so again where it belongs, when its thread looks.
    catch_unwind(AssertUnwindSafe(|| ready(turn))).unwrap_or(true)
}

fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(now)
}

/// Ticks of the wheels, for the watchdog as well.
pub(in crate::threads) fn micros() -> u64 {
    u64::try_from(epoch().elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Waits until `ready` says so, looking again and again; `ready` must not wait itself. A thread is suspended meanwhile if
/// others are ready. Before a sleep `ready` is called with [`Turn::BeforeSleep`]; the sleep is on `words`, so whatever makes
/// `ready` true has to change one of them and wake. Without words, or with more than there is room for beside those of other
/// waits ([`POLLED_WORD_COUNT`](super::POLLED_WORD_COUNT) in all, each counted once), it sleeps a millisecond at a time, and
/// up to 16 while nothing happens.
pub fn wait_until(ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, words: &[Sleep<'_>]) -> Waited {
    wait_until_on(ready, deadline, &On { words, ..On::default() })
}

/// As [`wait_until`], with more to say about the sleep.
pub fn wait_until_on(ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, on: &On<'_>) -> Waited {
    match here() {
        Some(processor) => processor.wait_until(ready, deadline, on),
        None => block_until(ready, deadline, on),
    }
}

/// As [`wait_until`], by a kernel thread that does nothing else.
fn block_until(ready: &mut dyn FnMut(Turn) -> bool, deadline: Option<Instant>, on: &On<'_>) -> Waited {
    let thread = foreign();
    let mut turns = if on.is_given { 0 } else { clock::wake_turns() };
    loop {
        if ready(Turn::Poll) {
            return Waited::Ready;
        }
        if turns > 0 {
            turns -= 1;
            core::hint::spin_loop();
            continue;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(now()));
        if left == Some(Duration::ZERO) {
            return Waited::TimedOut;
        }
        let bell = &thread.record().bell;
        // Beside words that another process may wake, or requeue the sleeper from.
        let mut all = Words::new(Sleep { word: bell, value: bell.load(Ordering::Acquire), shared: false });
        on.read().for_each(|word| all.push(word));
        if ready(Turn::BeforeSleep) {
            return Waited::Ready;
        }
        let step = if on.words.is_empty() { Some(left.map_or(POLL_STEP, |left| left.min(POLL_STEP))) } else { left };
        context::block(|| futex::sleep(all.as_slice(), step));
    }
}
