//! The caller's wait: the system calls around the decisions of [`super::policy`].

mod thread;

use core::cell::Cell;
use core::sync::atomic::{Ordering, fence};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nearcall_layout::pair::{self, poll, request};

use super::clock::{self, ticks};
use super::deadline::Deadline;
use super::desk;
use super::handoff;
use super::knobs;
use super::mode::{Mode, Transfer};
use super::policy::ring::{self, Caller, Ring};
use super::policy::spin::Spin;
use super::policy::yields::{LATE_US, Outcome, YIELD_COUNT, Yields};
use crate::astack::Astacks;
use crate::channel::Ran;
use crate::channel::client::{ClientHalf, Hints, Which};
use crate::shm::PeerLine;
use crate::sys::futex::{self, Sleep};
use crate::sys::{milliseconds, process};
use crate::threads::{self, Processor};
use thread::{has_others, is_crowded, others_run};

/// Calls of which one begins so soon after the last began come back to back: both sides may yield instead of sleeping.
/// A gap of 3 us and a donated call. From begin to begin, because a look at the clock is 1 % of such a call.
const SOON_US: u64 = 5;

/// Calls at most that are taken for having been made together: between two long waits there are as many gaps.
const TOGETHER_MAX: u32 = 64;

/// The first sleep is at least this long; each later one twice as long, up to [`STEP_MAX`]. After a step without an
/// answer nobody who said that he looks is believed, and the next bell is rung.
const STEP_MIN: Duration = Duration::from_micros(STEP_MIN_US);
const STEP_MIN_US: u64 = 200;

/// The first sleep for a standby on the caller's own CPU, which comes as soon as the caller sleeps. A timer that is
/// earlier than the next tick costs an interrupt, even if it is cancelled: 2 us a call on a virtual machine.
const STEP_OWN: Duration = Duration::from_millis(5);

const STEP_MAX: Duration = Duration::from_millis(500);

/// Shorter steps are slept on the reply word alone, which is faster; a peer that takes the sleeper off that word, or a
/// death whose wake comes just before the sleep, is noticed only after the step. Longer ones have a private word beside.
const ALONE_MAX: Duration = Duration::from_millis(20);

/// Wakes for nothing, in one call, after which the caller naps instead of sleeping on words that the peer can wake.
const SPURIOUS_MAX: u32 = 64;
const NAP: Duration = Duration::from_millis(1);

/// Turns between two looks at the clock of a caller that spins to the end.
const SPIN_LOOK: u32 = 1024;

/// How a wait can end without a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The time is over.
    Timeout(Ran),
    /// The pair has ended.
    Ended(Ran),
    /// The thread that called was cancelled.
    Cancelled(Ran),
}

/// Rings by a message, for servers that do not look at this pair.
pub trait Doorbell {
    /// Tells the server's watcher that the ring has a request. Must not block; one that is pending already suffices.
    fn ring(&self);
}

/// A procedure, as calls of it need it, by whichever binding. By reference everywhere: what it says of waiting is not looked
/// at before a wait.
#[derive(Debug)]
pub struct Callee {
    /// What its requests ask for.
    pub procedure: Which,
    /// How long from the end of the spin, or from when others had run; `None` for ever.
    pub timeout: Option<Duration>,
    /// Those of its class.
    pub astacks: Arc<Astacks>,
    /// The same once more, for calls that have waited before they were published ([`Deadline`]). `None`: this is that one.
    pub late: Option<Box<Self>>,
}

/// A call that was published, to be waited for.
#[derive(Debug, Clone, Copy)]
pub struct Published<'a> {
    /// Its A-stack.
    pub astack: u16,
    /// Its sequence number.
    pub sequence: u32,
    /// Where its reply comes.
    pub reply: PeerLine<'a>,
    /// The CPU that its request says.
    pub cpu: u16,
    /// What is called.
    pub callee: &'a Callee,
    /// What the caller asked for.
    pub mode: &'a Mode,
}

impl Published<'_> {
    #[inline(always)]
    pub(super) fn answered(&self) -> Option<u64> {
        let first = self.reply.load_acquire();
        (pair::sequence(first) == self.sequence).then_some(first)
    }
}

/// Waits for the reply to a published call; returns the reply's status.
///
/// # Errors
/// [`Unanswered`]. A reply that is there is never reported as missing, even if the pair ended just after it.
#[inline(always)]
pub fn wait(half: &ClientHalf, doorbell: &impl Doorbell, call: Published<'_>) -> Result<u16, Unanswered> {
    #[cfg(feature = "wait-hook")]
    super::hook::run();
    let first = call.reply.poll();
    // The sequence number and that all is well, in one comparison. Whatever else is there gets a second look.
    if first == pair::reply::first(call.sequence, pair::status::OK) {
        call.reply.acquire();
        return Ok(pair::status::OK);
    }
    look(half, doorbell, &Published { ..call }).map(pair::middle)
}

/// Spins while a processor of the server polls and that has paid, then waits longer. Out of the stub, which has no use
/// for its registers: a call costs less than one turn.
#[inline(never)]
fn look(half: &ClientHalf, doorbell: &impl Doorbell, call: &Published<'_>) -> Result<u64, Unanswered> {
    if let Some(processor) = threads::on_thread()
        && has_others(processor)
        && call.mode.get() != Transfer::Donate
    {
        return look_among_others(half, doorbell, call, processor);
    }
    let spun = match spin(half, call) {
        Ok(first) => return Ok(first),
        Err(spun) => spun,
    };
    long(half, doorbell, call, spun.was_polled).run(spun.in_vain)
}

/// A thread lets others run first, unless it was told to give its CPU away. All of it is in this function: a return on another
/// stack than that of the last call costs as much as the switch.
#[inline(never)]
fn look_among_others(
    half: &ClientHalf,
    doorbell: &impl Doorbell,
    call: &Published<'_>,
    processor: &Processor,
) -> Result<u64, Unanswered> {
    let first = call.reply.poll();
    if pair::sequence(first) == call.sequence {
        call.reply.acquire();
        return Ok(first);
    }
    let polled = half.status_word().load();
    if poll::state(polled) != poll::POLLED || poll::cpu(polled) == call.cpu {
        return long(half, doorbell, call, poll::state(polled) == poll::POLLED).begin(false);
    }
    // A lead that polls elsewhere needs no ring, and no fence of ours as long as the status is looked at on every turn.
    match others_run(half, call, processor, Some(polled)) {
        Ok(first) => Ok(first),
        Err(since) => {
            let mut long = long(half, doorbell, call, true);
            // What is left of a call that has an end already was asked for just now.
            let is_measured = call.callee.late.is_some() && !desk::is_inside();
            long.since = if is_measured { since } else { 0 };
            long.run(false)
        }
    }
}

/// Out of line: it is looked at how long the call may take.
#[inline(never)]
fn long<'a>(half: &'a ClientHalf, doorbell: &'a dyn Doorbell, call: &'a Published<'a>, was_polled: bool) -> Long<'a> {
    let &Published { astack, callee, .. } = call;
    let timeout = Deadline { half, callee, astack }.left();
    Long::new(half, doorbell, call, timeout, was_polled)
}

/// The same for a call that was started and whose server was rung, for up to `timeout`; with `is_last`, there is no wait
/// after this one.
pub(super) fn wait_for(
    half: &ClientHalf,
    doorbell: &dyn Doorbell,
    call: &Published<'_>,
    timeout: Option<Duration>,
    is_last: bool,
) -> Result<u64, Unanswered> {
    let spun = match spin(half, call) {
        Ok(first) => return Ok(first),
        Err(spun) => spun,
    };
    let mut long = Long::new(half, doorbell, call, timeout, spun.was_polled);
    long.rang.already = true;
    long.rang.uncounted = !is_last;
    long.begin(spun.in_vain)
}

/// How a spin ended without an answer.
struct Spun {
    /// It lasted for as long as a wake-up, while a lead polled.
    in_vain: bool,
    /// A lead polled when it began.
    was_polled: bool,
}

/// Spins while a processor of the server polls and that has paid.
#[inline(always)]
fn spin(half: &ClientHalf, call: &Published<'_>) -> Result<u64, Spun> {
    let &Published { sequence, reply, cpu, mode, .. } = call;
    let transfer = mode.get();
    let first = reply.poll();
    if pair::sequence(first) == sequence {
        reply.acquire();
        return Ok(first);
    }
    // `None` for kernel threads, which have nothing else to do.
    let thread = threads::on_thread();
    let is_crowded = || thread.is_some_and(Processor::has_ready);
    let status = half.status_word();
    let mut in_vain = false;
    // The status is written once a tenure, so looking at it first costs no cache miss.
    let polled = status.load();
    if poll::state(polled) == poll::POLLED
        && poll::cpu(polled) != cpu
        && matches!(transfer, Transfer::Auto | Transfer::Spin)
        && Spin::from_bits(half.spin.load(Ordering::Relaxed)).spins()
        && !thread.is_some_and(has_others)
    {
        in_vain = true;
        for _ in 0..clock::wake_turns() {
            let first = reply.poll();
            if pair::sequence(first) == sequence {
                reply.acquire();
                return Ok(first);
            }
            if status.load() != polled || half.has_ended() || is_crowded() {
                in_vain = false;
                break;
            }
            core::hint::spin_loop();
        }
    }
    Err(Spun { in_vain, was_polled: poll::state(polled) == poll::POLLED })
}

thread_local! {
    static LAST: Cell<Last> = const { Cell::new(Last { half: 0, begin: 0, sequence: 0, missed: true }) };
}

thread_local! {
    static GIVEN: Cell<Option<Gift>> = const { Cell::new(None) };
}

/// For which call a processor has given its CPU to the standby on it, and waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gift {
    half: usize,
    cpu: u16,
    astack: u16,
    sequence: u32,
}

impl Gift {
    /// Others of this processor know of it as long as this is there.
    fn shown(self) -> impl Drop {
        struct Shown(Gift);

        impl Drop for Shown {
            fn drop(&mut self) {
                if GIVEN.get() == Some(self.0) {
                    GIVEN.set(None);
                }
            }
        }

        GIVEN.set(Some(self));
        Shown(self)
    }
}

/// A kernel thread's last long wait.
#[derive(Debug, Clone, Copy)]
struct Last {
    half: usize,
    begin: u64,
    sequence: u32,
    /// Whether it came late. One late call among others is an interrupt; two are a client that does something else.
    missed: bool,
}

/// What was rung for a call.
#[derive(Debug, Clone, Copy, Default)]
struct Rang {
    /// Bells rung in vain.
    bells: u64,
    /// Whoever had to be rung first was rung when the call was started.
    already: bool,
    /// This wait may end before the call does, and does not count as one without an answer then.
    uncounted: bool,
}

/// A wait that goes beyond the spin.
struct Long<'a> {
    half: &'a ClientHalf,
    doorbell: &'a dyn Doorbell,
    /// By reference: it was stored a moment ago, field by field. To copy it, several fields at once, is to wait until those stores
    /// are in the cache, and all before them, the request's among them, for which its line has to come from the server's.
    call: &'a Published<'a>,
    /// The CPU the caller is on, as the request says: it may be some calls old. Asked for once more before a ring, because whom
    /// to ring rests on it.
    cpu: u16,
    /// What the caller asked for.
    transfer: Transfer,
    /// How long, from `since`; `None` for ever.
    timeout: Option<Duration>,
    /// Whether a lead polled when the wait began.
    was_polled: bool,
    rang: Rang,
    /// Whether the CPU was given to a standby on it.
    donated: bool,
    /// Whether it was given already, for another call of this processor, which has not begun.
    shares: bool,
    /// In ticks, when the long wait began.
    begin: u64,
    /// In ticks, when the time-out began to run: at the end of the spin, or when others had run for the first time; 0 before that. Yields
    /// may take a busy CPU's time slices.
    since: u64,
}

impl<'a> Long<'a> {
    #[inline(always)]
    fn new(
        half: &'a ClientHalf,
        doorbell: &'a dyn Doorbell,
        call: &'a Published<'a>,
        timeout: Option<Duration>,
        was_polled: bool,
    ) -> Self {
        let (cpu, transfer, rang) = (call.cpu, call.mode.get(), Rang::default());
        Self {
            half,
            doorbell,
            call,
            cpu,
            transfer,
            timeout,
            was_polled,
            rang,
            donated: false,
            shares: false,
            begin: 0,
            since: 0,
        }
    }

    /// A thread lets others run first, unless it was told to give its CPU away.
    #[inline(never)]
    fn begin(mut self, in_vain: bool) -> Result<u64, Unanswered> {
        if let Some(processor) = threads::on_thread()
            && has_others(processor)
            && self.transfer != Transfer::Donate
        {
            self.since = ticks();
            if let Some(first) = self.let_others_run(processor) {
                return Ok(first);
            }
        }
        self.run(in_vain)
    }

    fn run(mut self, in_vain: bool) -> Result<u64, Unanswered> {
        self.begin = ticks();
        if self.since == 0 {
            self.since = self.begin;
        }
        self.cpu = process::cpu();
        let soon = self.is_soon();
        if in_vain {
            self.set_spin(self.spin().in_vain());
        }
        // Pairs with the server's fence after it wrote that it no longer looks: it sees our request, or we see that.
        fence(Ordering::SeqCst);
        self.shares = self.is_given_already();
        let ring = if self.shares { Ring::Own } else { self.ring_first(soon) };
        let _given = (self.donated && threads::on_thread().is_some()).then(|| self.gift().shown());
        let result = match (self.transfer, ring) {
            _ if self.shares => self.suspend(),
            (Transfer::Spin, _) => self.spin_to_the_end(),
            (Transfer::Donate, Ring::Own | Ring::Bell { own: true, .. }) if threads::on_thread().is_some() => {
                self.give_cpu(soon).map_or_else(|| self.suspend(), Ok)
            }
            _ if is_crowded() => self.suspend(),
            (Transfer::Auto | Transfer::Donate, Ring::Own | Ring::Bell { own: true, .. }) if soon => {
                self.yield_cpu().map_or_else(|| self.sleep(), Ok)
            }
            // Nobody was polling: as long as the wake-up takes, the CPU is worth nothing to us but for this.
            (Transfer::Auto, Ring::Bell { own: false, .. } | Ring::Elsewhere) => {
                self.spin_once().map_or_else(|| self.sleep(), Ok)
            }
            _ => self.sleep(),
        };
        self.learn(result.is_ok());
        result
    }

    fn gift(&self) -> Gift {
        let &Published { astack, sequence, .. } = self.call;
        Gift { half: core::ptr::from_ref(self.half).addr(), cpu: self.cpu, astack, sequence }
    }

    /// Whether this processor has given this CPU to the standby on it, for a call that nobody has claimed: whoever does looks for
    /// requests after that, and before it sleeps, so it finds ours (URPC 1991, section 3.3: one donation for all calls).
    fn is_given_already(&self) -> bool {
        // Partners: our fence after the request was published, and the standby's after it wrote that it sleeps; it has stamped or
        // answered that call before.
        let same = |gift: &Gift| Gift { astack: gift.astack, sequence: gift.sequence, ..self.gift() } == *gift;
        self.transfer == Transfer::Auto
            && threads::on_thread().is_some()
            && GIVEN.get().filter(same).is_some_and(|gift| !self.half.is_taken(gift.astack, gift.sequence))
    }

    fn spin(&self) -> Spin {
        Spin::from_bits(self.half.spin.load(Ordering::Relaxed))
    }

    fn set_spin(&self, spin: Spin) {
        self.half.spin.store(spin.bits(), Ordering::Relaxed);
    }

    /// What is known of this pair's yields, if one may be made now.
    fn yields(&self) -> Option<Yields> {
        let yields = Yields::from_bits(self.half.yields.load(Ordering::Relaxed));
        (yields.allowed(milliseconds) && may_yield()).then_some(yields)
    }

    fn answered(&self) -> Option<u64> {
        self.call.answered()
    }

    /// What is left of its time; `None` for ever.
    fn left(&self) -> Option<Duration> {
        // Of another CPU, ticks may be behind.
        let spent = Duration::from_micros(ticks().saturating_sub(self.since) / clock::calibration().ticks_per_us);
        self.timeout.map(|timeout| timeout.saturating_sub(spent))
    }

    /// When it has to be over, as of `now`; `None`: never.
    fn until(&self, now: Instant) -> Option<Instant> {
        self.left().and_then(|left| now.checked_add(left))
    }

    /// Whether calls come back to back; the next request says so.
    fn is_soon(&self) -> bool {
        let half = core::ptr::from_ref(self.half).addr();
        let Last { half: of, begin, sequence, missed } = LAST.get();
        // Threads of one processor wait together, and one of them for all.
        let calls = self.call.sequence.wrapping_sub(sequence).clamp(1, TOGETHER_MAX);
        let (gap, limit) = (self.begin.wrapping_sub(begin), clock::calibration().us(SOON_US * u64::from(calls)));
        let missed_now = of != half || gap >= limit;
        LAST.set(Last { half, begin: self.begin, sequence: self.call.sequence, missed: missed_now });
        let soon = !missed_now || of == half && !missed && gap < 10 * limit;
        let flag = if soon { Hints::new(request::SOON, 0).bits() } else { 0 };
        if self.half.soon.load(Ordering::Relaxed) != flag {
            self.half.soon.store(flag, Ordering::Relaxed);
        }
        soon
    }

    fn learn(&self, answered: bool) {
        let counters = &self.half.counters;
        if !answered {
            counters.unanswered.add(u64::from(!self.rang.uncounted));
            return;
        }
        if self.donated {
            counters.donated.add(1);
        } else {
            counters.slept.add(1);
        }
        let spin = self.spin();
        if !spin.spins() {
            let soon_enough = ticks().wrapping_sub(self.begin) < clock::calibration().wake;
            self.set_spin(if soon_enough { Spin::paid() } else { spin.rested() });
        }
    }

    /// The first ring of a call.
    fn ring_first(&mut self, soon: bool) -> Ring {
        let auto = matches!(self.transfer, Transfer::Auto | Transfer::Donate);
        if auto && soon && self.yields().is_some() && self.choose(false) == Ring::Message {
            // The standby here is away, but was not a moment ago: most likely it has answered the last call and was
            // preempted before it said that it looks again. It takes one yield to let it, and a message, a wake-up of
            // the watcher and another processor to replace it.
            process::yield_cpu();
            fence(Ordering::SeqCst);
        }
        self.ring(false)
    }

    fn choose(&self, doubts: bool) -> Ring {
        let Some(status) = self.half.status() else { return Ring::Elsewhere };
        // Asked for: the own CPU's standby, whoever polls elsewhere.
        let status = if self.transfer == Transfer::Donate { 0 } else { status.load() };
        let caller = Caller { cpu: self.cpu, cpus: clock::calibration().cpus, doubts, rung: self.rang.bells };
        ring::choose(&caller, status, |n| self.half.armed(n))
    }

    /// Rings whoever has to be rung. `doubts`: a time-out step has passed.
    fn ring(&mut self, doubts: bool) -> Ring {
        let mut ring = self.choose(doubts);
        // A lead whose procedure sleeps stops saying that it polls. If that is our procedure, nobody has to come.
        if self.was_polled
            && matches!(ring, Ring::Bell { .. } | Ring::Message)
            && self.half.ran(self.call.astack, self.call.sequence) != Ran::No
        {
            ring = Ring::Elsewhere;
        }
        let rang = core::mem::take(&mut self.rang.already);
        // Who spins keeps it.
        let gives = self.transfer != Transfer::Spin;
        match ring {
            Ring::Bell { own, .. } if rang => self.donated |= own && gives,
            Ring::Message if rang => {}
            Ring::Bell { n, own } => {
                self.rang.bells |= 1 << n;
                self.donated |= own && gives;
                self.half.counters.bells.add(1);
                self.half.ring_bell(n);
            }
            Ring::Message => {
                self.half.counters.messages.add(1);
                self.doorbell.ring();
            }
            Ring::Own => self.donated = gives,
            Ring::Polled | Ring::Elsewhere => {}
        }
        ring
    }

    /// Gives the CPU to the standby on it, up to [`YIELD_COUNT`] times, if that has been worth while.
    fn yield_cpu(&self) -> Option<u64> {
        let mut yields = self.yields()?;
        // The wake may have given it the CPU at once.
        if let Some(first) = self.answered() {
            return Some(first);
        }
        let late = clock::calibration().us(LATE_US);
        let mut before = self.begin;
        for _ in 0..YIELD_COUNT {
            process::yield_cpu();
            let answered = self.answered();
            let now = ticks();
            let outcome = Outcome::of(answered.is_some(), now.wrapping_sub(before), late);
            before = now;
            let counters = &self.half.counters;
            if answered.is_some() { &counters.yields_paid } else { &counters.yields_wasted }.add(1);
            let ms = if outcome == Outcome::Paid { 0 } else { milliseconds() };
            let after = yields.after(outcome, ms);
            if after != yields {
                yields = after;
                self.half.yields.store(yields.bits(), Ordering::Relaxed);
            }
            if answered.is_some() || outcome == Outcome::Late {
                return answered;
            }
        }
        None
    }

    /// Spins for as long as a wake-up takes, if that has been worth while.
    fn spin_once(&self) -> Option<u64> {
        let spin = self.spin();
        // A processor on which others wait as well looks for all their answers, for as long, before it sleeps.
        if !spin.spins() || threads::on_thread().is_some_and(has_others) {
            return None;
        }
        for _ in 0..clock::wake_turns() {
            if let Some(first) = self.answered() {
                return Some(first);
            }
            if self.half.has_ended() || is_crowded() {
                return None;
            }
            core::hint::spin_loop();
        }
        self.set_spin(spin.in_vain());
        None
    }

    /// Spins until something happens; never sleeps.
    fn spin_to_the_end(&mut self) -> Result<u64, Unanswered> {
        let start = now();
        let until = self.until(start);
        let mut doubts = STEP_MIN;
        let mut open = None;
        loop {
            for _ in 0..SPIN_LOOK {
                if let Some(first) = self.answered() {
                    return Ok(first);
                }
                if self.half.has_ended() {
                    return self.answered().ok_or_else(|| self.ended());
                }
                core::hint::spin_loop();
            }
            let now = now();
            let spent = now.duration_since(start);
            if until.is_some_and(|until| now >= until) {
                return self.answered().ok_or_else(|| self.timed_out());
            }
            if spent >= doubts {
                // As good as asleep to those who wait for this processor.
                open.get_or_insert_with(handoff::open);
                self.ring(true);
                doubts *= 2;
            }
            // Whoever serves us may have no other CPU than this one; and so may other threads.
            process::yield_cpu();
            threads::yield_now();
        }
    }

    /// Sleeps, in steps, until something happens.
    fn sleep(&mut self) -> Result<u64, Unanswered> {
        if threads::on_thread().is_some() {
            return self.suspend();
        }
        // If it is a procedure that sleeps here, others may need its seat.
        let _open = handoff::open();
        let begin = now();
        let until = self.until(begin);
        let &Published { astack, sequence, reply, .. } = self.call;
        let calibration = clock::calibration();
        let four_wakes = Duration::from_micros(4 * calibration.wake / calibration.ticks_per_us);
        let mut step = if self.donated { STEP_OWN } else { STEP_MIN.max(four_wakes) };
        let mut step_end = begin + step;
        let mut spurious = 0;
        let result = loop {
            self.half.announce_wait(astack, sequence);
            // Pairs with the server's fence between its reply and its look at the wait word: it sees that we sleep, or
            // we see the reply. Everything is looked at again after it.
            fence(Ordering::SeqCst);
            let seen = reply.load_acquire();
            if pair::sequence(seen) == sequence {
                break Ok(seen);
            }
            if self.half.has_ended() {
                // The last look: a reply may have come between the one above and the end.
                break self.answered().ok_or_else(|| self.ended());
            }
            let begin = now();
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(begin));
            if left.is_zero() {
                break self.answered().ok_or_else(|| self.timed_out());
            }
            if begin >= step_end {
                step = (step * 2).min(STEP_MAX);
                step_end = begin + step;
                spurious = 0;
                if cfg!(not(feature = "no-steps")) && self.half.ran(astack, sequence) == Ran::No {
                    self.ring(true);
                }
            }
            if sleep_on(self.half, reply, pair::sequence(seen), left.min(step_end - begin), spurious) {
                self.half.counters.sleeps.add(1);
            }
            if let Some(first) = self.answered() {
                break Ok(first);
            }
            spurious += 1;
        };
        self.half.announce_wait(astack, 0);
        result
    }

    fn ended(&self) -> Unanswered {
        ended(self.half, self.half.ran(self.call.astack, self.call.sequence))
    }

    fn timed_out(&self) -> Unanswered {
        timed_out(self.half.ran(self.call.astack, self.call.sequence))
    }
}

pub(super) fn ended(half: &ClientHalf, ran: Ran) -> Unanswered {
    Unanswered::Ended(if half.is_over() { ran } else { not_final(ran) })
}

pub(super) const fn timed_out(ran: Ran) -> Unanswered {
    Unanswered::Timeout(not_final(ran))
}

fn sleep_on(half: &ClientHalf, reply: PeerLine<'_>, seen: u32, length: Duration, spurious: u32) -> bool {
    if spurious >= SPURIOUS_MAX {
        #[expect(clippy::disallowed_methods, reason = "a peer that wakes us for nothing must not keep us busy")]
        std::thread::sleep(length.min(NAP));
        true
    } else if cfg!(feature = "no-steps") || length > ALONE_MAX {
        let words = [
            Sleep { word: reply.futex(), value: seen, shared: true },
            Sleep { word: half.ended_word(), value: 0, shared: false },
        ];
        futex::sleep(&words, cfg!(not(feature = "no-steps")).then_some(length)).is_some()
    } else {
        futex::sleep_shared(reply.futex(), seen, length)
    }
}

/// A call that was given up unread may still be read later: only a dead server makes "not started" final.
const fn not_final(ran: Ran) -> Ran {
    match ran {
        Ran::No => Ran::Maybe,
        other => other,
    }
}

#[expect(clippy::disallowed_methods, reason = "the spin has ended: a wait measures its length")]
fn now() -> Instant {
    Instant::now()
}

/// Whether this kernel thread may yield: not in real time, where only equals would get the CPU. Asked of the kernel once in
/// a while, because it may change.
fn may_yield() -> bool {
    knobs::may_yield() && !is_real_time()
}

fn is_real_time() -> bool {
    const AGAIN: u32 = 1024;
    thread_local! {
        static KNOWN: Cell<(u32, bool)> = const { Cell::new((0, false)) };
    }
    let (left, known) = KNOWN.get();
    if left > 0 {
        KNOWN.set((left - 1, known));
        return known;
    }
    let real_time = process::is_real_time();
    KNOWN.set((AGAIN, real_time));
    real_time
}
