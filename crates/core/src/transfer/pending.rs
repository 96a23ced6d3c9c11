//! A call that was started and not waited for: published, rung for, and then left to itself.
//!
//! ```text
//! Held --start--> Outstanding --try_take, wait--> Answered, or why there is no answer
//!                      |                              ^
//!                      +-- announce: woken by the bell or the signal of the pair, then looks again
//!                      +-- dropped: given up; its A-stack is quarantined until the answer comes
//! ```
//!
//! Starting does not wait, spin or give this CPU away: it publishes the request, and rings if nobody looks at it. What may
//! have been rung in vain (a standby that is starved, or inside something slow) is rung again by [`Doubts`], after a step,
//! by whoever looks for the answer: there is no clock beside it.
//!
//! An `Outstanding` may be answered at any time, and belongs to no kernel thread: it can be started by one, announced by
//! another and taken by a third.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering, fence};
use std::time::{Duration, Instant};

use nearcall_layout::pair::{self, BELL_COUNT, request};

use super::call::{Answered, Failed, Held, give_up, nested, published_out_of_band};
use super::caller::{self, Callee, Doorbell, Published, Unanswered};
use super::clock;
use super::deadline::Deadline;
use super::desk;
use super::mode::{Granted, Mode};
use super::policy::ring::{self, Caller, Ring};
use crate::channel::client::{ClientHalf, Draft, Hints, Unpublished};
use crate::channel::{Ran, Wake};
use crate::sys::process;

/// Until a call that nobody has started is rung for once more; then twice as long, up to [`DOUBT_MAX`]. Longer than a
/// sleeping caller's first step: nobody's CPU is idle because of this one.
pub const DOUBT_MIN: Duration = Duration::from_millis(5);

/// The longest such step.
pub const DOUBT_MAX: Duration = Duration::from_millis(500);

/// When the server is rung once more for a call that it has not started.
#[derive(Debug, Clone, Copy)]
pub struct Doubts {
    at: Instant,
    step: Duration,
    /// Bells rung in vain.
    rung: u64,
}

impl Doubts {
    fn from(start: Instant) -> Self {
        Self { at: start + DOUBT_MIN, step: DOUBT_MIN, rung: 0 }
    }

    /// When to look next.
    #[must_use]
    pub fn at(&self) -> Instant {
        self.at
    }

    /// Rings if it is time to, for the call `sequence` on `astack`. `false`: the server has started it, and there is nothing
    /// to doubt any more.
    pub fn look(
        &mut self,
        half: &ClientHalf,
        astack: u16,
        sequence: u32,
        now: Instant,
        doorbell: &dyn Doorbell,
    ) -> bool {
        if now < self.at {
            return true;
        }
        if half.ran(astack, sequence) != Ran::No {
            return false;
        }
        self.step = (self.step * 2).min(DOUBT_MAX);
        self.at = now + self.step;
        ring(half, doorbell, true, &mut self.rung);
        true
    }
}

/// Rings whoever has to be rung. Whoever started the call goes on, and may use up this CPU: its own standby is the last to be
/// woken.
fn ring(half: &ClientHalf, doorbell: &dyn Doorbell, doubts: bool, rung: &mut u64) {
    // Pairs with the server's fence after it wrote that it no longer looks: it sees the request, or we see that.
    fence(Ordering::SeqCst);
    let (status, own) = (half.status_word().load(), 1 << (usize::from(process::cpu()) % BELL_COUNT));
    let choose = |rung| {
        let caller = Caller { cpu: u16::MAX, cpus: clock::calibration().cpus, doubts, rung };
        ring::choose(&caller, status, |n| half.armed(n))
    };
    let elsewhere = choose(*rung | own);
    match if elsewhere == Ring::Message { choose(*rung) } else { elsewhere } {
        Ring::Bell { n, .. } => {
            *rung |= 1 << n;
            half.counters.bells.add(1);
            half.ring_bell(n);
        }
        Ring::Message => {
            half.counters.messages.add(1);
            doorbell.ring();
        }
        Ring::Own | Ring::Polled | Ring::Elsewhere => {}
    }
}

impl<'a> Held<'a> {
    /// Publishes the request and rings if nobody looks at it. The call has to be over at `until`; `None` for never. `now` is
    /// when it began.
    ///
    /// # Errors
    /// Nothing was published: [`Failed::RingFull`], the server has not read anything for long; [`Failed::TooDeep`]; and
    /// [`Failed::Timeout`], not started, if the procedure in which it is made has no time left.
    pub fn start(
        self,
        words: impl IntoIterator<Item = u64>,
        doorbell: &dyn Doorbell,
        now: Instant,
        until: Option<Instant>,
    ) -> Result<Outstanding<'a>, Failed> {
        let (half, callee, granted, astack, is_out_of_band) = self.parts();
        let Granted { target, mode } = granted;
        let place = if is_out_of_band { request::OUT_OF_BAND } else { 0 };
        let cpu = process::cpu_hint();
        // Nobody spins for it, and nobody's CPU is given: of what the caller asked for nothing is said.
        let hints = |draft: Draft<'_>| {
            let hints = Hints::new(place, cpu);
            if desk::is_inside() { nested(hints, callee.procedure, draft) } else { Ok(hints) }
        };
        let sequence = half.publish(target, callee.procedure, astack, words, hints).map_err(|why| match why {
            Unpublished::RingFull => Failed::RingFull,
            Unpublished::TooDeep => Failed::TooDeep,
            Unpublished::NoTimeLeft => Failed::Timeout(Ran::No),
        })?;
        // Published: from here on the A-stack is the call's, whatever becomes of us.
        core::mem::forget(self);
        if is_out_of_band {
            published_out_of_band(half, astack);
        }
        #[cfg(feature = "wait-hook")]
        super::hook::run();
        let mut rung = 0;
        ring(half, doorbell, false, &mut rung);
        let (doubts, is_announced) = (Some(Doubts::from(now)), AtomicBool::new(false));
        Ok(Outstanding { half, callee, mode, astack, sequence, cpu, until, doubts, is_announced })
    }
}

/// A call under way for which nobody waits. Dropped, it is given up.
#[derive(Debug)]
pub struct Outstanding<'a> {
    half: &'a ClientHalf,
    callee: &'a Callee,
    mode: &'a Mode,
    astack: u16,
    sequence: u32,
    cpu: u16,
    until: Option<Instant>,
    /// `None` once the server is known to have started it.
    doubts: Option<Doubts>,
    /// Whether the wait word has it. If not, it is left alone: the server looks at that line after each reply, and has it in
    /// its cache.
    is_announced: AtomicBool,
}

/// A call that has ended, or is still under way.
pub type Taken<'a> = ControlFlow<Result<Answered<'a>, Failed>, Outstanding<'a>>;

impl<'a> Outstanding<'a> {
    /// Its A-stack.
    #[must_use]
    pub fn astack(&self) -> u16 {
        self.astack
    }

    /// Its sequence number.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.sequence
    }

    /// When it has to be over; `None`: never.
    #[must_use]
    pub fn until(&self) -> Option<Instant> {
        self.until
    }

    /// When the server is rung once more, unless it is known to have started the call.
    #[must_use]
    pub fn doubts(&self) -> Option<Doubts> {
        self.doubts
    }

    pub(super) fn half(&self) -> &'a ClientHalf {
        self.half
    }

    /// Rings the server once more, if that is due.
    pub fn doubt(&mut self, now: Instant, doorbell: &dyn Doorbell) {
        if let Some(doubts) = &mut self.doubts
            && !doubts.look(self.half, self.astack, self.sequence, now, doorbell)
        {
            self.doubts = None;
        }
    }

    /// Says how whoever waits for the answer is to be woken, without a fence.
    pub(super) fn say(&self, how: Wake) {
        self.is_announced.store(true, Ordering::Relaxed);
        self.half.announce(self.astack, self.sequence, how);
    }

    /// Nobody is to be woken any more.
    pub fn withdraw(&self) {
        // Looked at first: an exchange waits until the requests before it have been stored.
        if self.is_announced.load(Ordering::Relaxed) && self.is_announced.swap(false, Ordering::Relaxed) {
            self.half.announce_wait(self.astack, 0);
        }
    }

    /// Whether the answer is there.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.half.answered(self.astack, self.sequence)
    }

    /// Where areas and tail of the results are, as the server says ([`pair::reply::places`]), if the answer is there and has
    /// results. For procedures that can have such.
    #[must_use]
    pub fn places(&self) -> Option<u64> {
        let line = self.half.reply_line(self.astack);
        let first = line.load_acquire();
        let has_results = matches!(pair::middle(first), pair::status::OK | pair::status::APP);
        (pair::sequence(first) == self.sequence && has_results).then(|| line.load(pair::reply::TAIL))
    }

    /// Takes the answer, if it is there; or ends the call, if its time is over at `now` or its pair has ended. Else rings
    /// once more if that is due.
    pub fn try_take(mut self, now: Instant, doorbell: &dyn Doorbell) -> Taken<'a> {
        // First: a reply that came before the end still counts.
        let has_ended = self.half.has_ended();
        let is_late = self.until.is_some_and(|until| now >= until);
        fence(Ordering::Acquire);
        let first = self.half.reply_line(self.astack).load_acquire();
        if pair::sequence(first) == self.sequence {
            return ControlFlow::Break(Ok(self.answered(pair::middle(first))));
        }
        let ran = || self.half.ran(self.astack, self.sequence);
        let why = if has_ended {
            caller::ended(self.half, ran())
        } else if is_late {
            caller::timed_out(ran())
        } else {
            self.doubt(now, doorbell);
            return ControlFlow::Continue(self);
        };
        ControlFlow::Break(Err(self.fail(why)))
    }

    /// Waits for the answer as a call does, until the call is over or it is `at`; `None`: until it is over. `now` is not asked
    /// if the answer is there.
    pub fn wait(self, now: impl FnOnce() -> Instant, at: Option<Instant>, doorbell: &dyn Doorbell) -> Taken<'a> {
        let Self { half, callee, mode, astack, sequence, cpu, until, .. } = self;
        let is_last = at.is_none_or(|at| until.is_some_and(|until| until <= at));
        let end = if is_last { until } else { at };
        let call = Published { astack, sequence, reply: half.reply_line(astack), cpu, callee, mode };
        if let Some(first) = call.answered() {
            return ControlFlow::Break(Ok(self.answered(pair::middle(first))));
        }
        let left = end.map(|end| end.saturating_duration_since(now()));
        match caller::wait_for(half, doorbell, &call, left, is_last) {
            Ok(first) => ControlFlow::Break(Ok(self.answered(pair::middle(first)))),
            Err(Unanswered::Timeout(_)) if !is_last => ControlFlow::Continue(self),
            // That it was not answered is counted already.
            Err(why) => {
                core::mem::forget(self);
                ControlFlow::Break(Err(give_up(half, &callee.astacks, astack, sequence, why)))
            }
        }
    }

    /// Says how whoever waits for the answer is to be woken. `true`: the answer is not there, and whoever sleeps from now on
    /// as it says is woken by it.
    #[must_use]
    pub fn announce(&self, how: Wake) -> bool {
        self.say(how);
        // Pairs with the server's fence between its reply and its look at the wait word: it sees that somebody waits, or we
        // see the reply.
        fence(Ordering::SeqCst);
        !self.is_answered()
    }

    fn answered(self, status: u16) -> Answered<'a> {
        self.withdraw();
        let Self { half, callee, astack, until, .. } = self;
        core::mem::forget(self);
        // What is left of its time is for results that have to be asked for.
        let callee = Deadline { half, callee, astack }.note(until);
        Answered::new(half, callee, callee.astacks.held(astack), status)
    }

    fn fail(self, why: Unanswered) -> Failed {
        let Self { half, callee, astack, sequence, .. } = self;
        core::mem::forget(self);
        half.counters.unanswered.add(1);
        give_up(half, &callee.astacks, astack, sequence, why)
    }
}

impl Outstanding<'_> {
    /// Leaves the call to itself: it runs, and nobody takes its answer. Its A-stack is quarantined until that is there. Unlike
    /// one that is given up, it is not announced as such: the procedure has no reason to stop.
    pub fn leave(self) {
        if self.is_answered() {
            return;
        }
        self.callee.astacks.leave(self.astack, self.sequence);
        core::mem::forget(self);
    }
}

impl Drop for Outstanding<'_> {
    fn drop(&mut self) {
        let Self { half, callee, astack, sequence, .. } = *self;
        if self.is_answered() {
            self.withdraw();
            half.finish(astack);
            callee.astacks.give(callee.astacks.held(astack));
        } else {
            half.counters.unanswered.add(1);
            // Which reason does not matter: nobody is told.
            let _ = give_up(half, &callee.astacks, astack, sequence, Unanswered::Timeout(Ran::Maybe));
        }
    }
}
