//! The occupant of a seat: a processor confined to one CPU, asleep until a caller gives it that CPU.
//!
//! ```text
//!            bell, kick                 request                    promoted
//! ASLEEP ------------------> LOOKING -----------> AWAY     LOOKING ---------> POLLED (lead.rs)
//!    ^  no request, fence,      |  ^               |          ^                  |
//!    +---- looked again --------+  +---- reply ----+          +----- leave ------+
//! ```

use core::cell::Cell;
use core::sync::atomic::{Ordering, fence};
use std::sync::Arc;

use nearcall_layout::pair::{BELL_COUNT, armed, poll, request, sequence, status};

use super::aside::{Aside, sleep_beside};
use super::clock::{self, ticks};
use super::crew::{ATTENDED_MAX, BELLS_MAX, Crew, Pair, Post, Request};
use super::desk::{self, Desk};
use super::handoff::Seated;
use super::knobs;
use super::policy::tenure::Evidence;
use super::policy::yields::{LATE_US, Outcome, YIELD_COUNT, Yields};
use super::seats::{Seat, Seats, leave};
use super::wake::{wake, wake_after};
use crate::channel::Wake;
use crate::channel::server::{Claimed, Misbehaved};
use crate::sync::light_barrier;
use crate::sys::futex::{self, Sleep};
use crate::sys::{milliseconds, process};
use crate::threads::processor::TURN_COUNT;

/// Wake-ups by a pair's bell without a request, in a row, after which the pair is attended no more: its client is either
/// broken or wants us to burn time.
const EMPTY_MAX: u32 = 64;

/// Calls from other CPUs, in a row, after which a seat leaves a pair to theirs.
const FOREIGN_MAX: u32 = 64;

/// Between two requests for a lead, in wake-ups: the answer takes about two.
const LEAD_AGAIN: u64 = 8;

/// Between two requests for a seat where there is none, at most.
const ASK_AGAIN_US: u64 = 1_000_000;

/// Calls after which a standby that does not get to sleep adds them to the counters.
const COUNTED_MAX: u64 = 1024;

/// A pair, as one occupant knows it.
pub(super) struct Attended<P> {
    pub(super) pair: Arc<P>,
    /// When its last call was answered, in ticks.
    pub(super) last: u64,
    /// Calls answered in this tenure of a lead.
    pub(super) calls: u64,
    foreign: u32,
    asked_seat: u64,
    ask_again: u64,
    asked_lead: u64,
    evidence: Evidence,
    yields: Yields,
    empty: u32,
    /// A processor that sleeps for several replies is still to be woken.
    owes_wake: bool,
}

impl<P: Pair> Attended<P> {
    /// Wakes the processor whose wake was put off, if one was.
    fn pay_wake(&mut self) {
        if core::mem::take(&mut self.owes_wake) {
            self.pair.half().ring_reply_bell();
        }
    }
}

/// Why an occupant is none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    /// Another processor has the seat.
    Relieved,
    /// This processor may not run on the seat's CPU any more.
    Displaced,
    /// The seat is given up.
    Dismissed,
}

/// A processor in its seat.
pub(super) struct Standby<'a, P> {
    pub(super) crew: &'a Crew<P>,
    pub(super) seats: &'a Seats<P>,
    pub(super) seat: &'a Seat<P>,
    seated: &'a Seated<'a, P>,
    pub(super) n: usize,
    pub(super) me: &'a Post,
    pub(super) mine: Vec<Attended<P>>,
    /// The owner holds as many processors as it may: it is answered, not served.
    pub(super) is_over: bool,
    pub(super) given_up: bool,
    pub(super) kicks: u32,
    trims: u32,
    pub(super) desk: &'a mut Desk<P>,
    /// What procedures run on that may be suspended, and others meanwhile; none before the first.
    pub(super) aside: Option<Aside<P>>,
    /// Where a process may not confine its threads, seats are served from wherever the kernel puts them.
    confined: bool,
    /// Whether a yield may give the CPU to an equal.
    may_yield: bool,
    /// The pair whose client said that it calls again soon, and the yields that are left for it.
    soon: Option<usize>,
    yields_left: u32,
    /// When the last yield began.
    yielded: u64,
    /// Calls taken as a standby, those of callers on this CPU, yields that paid and did not, since they were last added to the
    /// counters.
    taken: u64,
    donations: u64,
    pub(super) polled: u64,
    paid: u64,
    wasted: u64,
}

impl<P: Pair> Crew<P> {
    /// The standby of seat `n`, until relieved or displaced.
    pub(super) fn occupy(&self, seats: &Seats<P>, n: usize, me: &Post, desk: &mut Desk<P>) {
        let Some(seat) = seats.get(n) else { return };
        let confined = process::confine(n);
        if !confined && process::allowed_cpus() & 1 << n == 0 {
            return self.vacate(seat, n, me.id);
        }
        let handoff = Seated { crew: self, seats, n, me: me.id, silent: Cell::new(false), owes_wake: Cell::new(false) };
        let _seated = desk::sit(&handoff);
        let mut standby = Standby {
            crew: self,
            seats,
            seat,
            seated: &handoff,
            n,
            me,
            mine: Vec::new(),
            is_over: false,
            given_up: false,
            kicks: 0,
            trims: self.trims.load(Ordering::Acquire),
            desk,
            aside: Aside::left_here(),
            confined,
            may_yield: knobs::may_yield() && !process::is_real_time(),
            soon: None,
            yields_left: 0,
            yielded: 0,
            taken: 0,
            donations: 0,
            polled: 0,
            paid: 0,
            wasted: 0,
        };
        standby.desk.look(ticks());
        let gone = standby.run();
        // However it ended: the words of the seat may be somebody else's now, but these callers are ours.
        standby.wake_processors();
        standby.add_counts();
        if gone != Gone::Relieved {
            self.vacate(seat, n, me.id);
        }
    }
}

impl<P: Pair> Standby<'_, P> {
    fn run(&mut self) -> Gone {
        // What the last occupant left: the words of a pair are its writer's to set, and that is us now.
        if self.open_books(armed::LOOKING)
            && let Err(gone) = self.lead()
        {
            return gone;
        }
        loop {
            // Acquire: pairs with the Release of whoever kicked.
            if self.seat.kicks.load(Ordering::Acquire) != self.kicks {
                self.wake_processors();
                if self.open_books(armed::LOOKING)
                    && let Err(gone) = self.lead()
                {
                    return gone;
                }
            }
            if self.given_up {
                return Gone::Dismissed;
            }
            if self.taken >= COUNTED_MAX {
                self.add_counts();
            }
            match self.scan() {
                Err(gone) => return gone,
                Ok(true) if self.aside.is_none() => continue,
                Ok(worked) => {
                    if !worked {
                        self.wake_processors();
                    }
                    match self.resume_suspended(false) {
                        Err(gone) => return gone,
                        Ok(true) => {
                            self.set_armed(armed::LOOKING);
                            continue;
                        }
                        Ok(false) if worked => continue,
                        Ok(false) => {}
                    }
                }
            }
            if self.yield_once() {
                continue;
            }
            if let Err(gone) = self.sleep() {
                return gone;
            }
        }
    }

    /// Takes what the watcher has put into the books: pairs to attend or to forget, and whether to lead. The words of the
    /// pairs say `state` from now on.
    pub(super) fn open_books(&mut self, state: u64) -> bool {
        let mut books = self.seat.books();
        self.kicks = self.seat.kicks.load(Ordering::Acquire);
        let inbox = core::mem::take(&mut books.inbox);
        books.attended.extend(inbox.into_iter().filter(|pair| !pair.half().has_ended()));
        let mut before = core::mem::take(&mut self.mine);
        let last = |pair: &Arc<P>| {
            // New ones are the youngest.
            before.iter().find(|known| Arc::ptr_eq(&known.pair, pair)).map_or(u64::MAX, |known| known.last)
        };
        let mut displaced = Vec::new();
        while books.attended.len() > ATTENDED_MAX {
            let oldest = books.attended.iter().enumerate().min_by_key(|(_, pair)| last(pair));
            let Some(oldest) = oldest.map(|(i, _)| i) else { break };
            let pair = books.attended.swap_remove(oldest);
            leave(pair.half(), self.n);
            if state == armed::AWAY {
                pair.half().set_status(poll::word(poll::UNPOLLED, 0));
            }
            displaced.push(pair);
        }
        for pair in &books.attended {
            let known = before.iter().position(|known| Arc::ptr_eq(&known.pair, pair));
            self.mine.push(match known {
                Some(at) => before.swap_remove(at),
                None => {
                    pair.half().attended.fetch_or(1 << self.n, Ordering::Relaxed);
                    let evidence = Evidence::default();
                    let pair = Arc::clone(pair);
                    Attended {
                        pair,
                        last: 0,
                        calls: 0,
                        foreign: 0,
                        asked_seat: 0,
                        ask_again: 0,
                        asked_lead: 0,
                        evidence,
                        yields: Yields::default(),
                        empty: 0,
                        owes_wake: false,
                    }
                }
            });
        }
        let trims = self.crew.trims.load(Ordering::Acquire);
        if core::mem::replace(&mut self.trims, trims) != trims {
            self.desk.trim();
            self.aside.as_ref().inspect(|aside| aside.trim());
        }
        self.soon = None;
        self.is_over = self.crew.is_over(self.seats.owner);
        self.given_up = books.given_up;
        self.yielded = 0;
        let promoted = core::mem::take(&mut books.promoted);
        // Under the lock, so that nobody who ends a lead in between is overwritten.
        if state == armed::AWAY {
            self.set_status(poll::POLLED);
        }
        self.set_armed(state);
        if !displaced.is_empty() {
            // Pairs with the caller's fence after it has published: it sees AWAY and rings, or we see its request.
            fence(Ordering::SeqCst);
            let back = displaced.into_iter().filter(|pair| pair.half().has_request());
            let waiting = books.inbox.len();
            books.inbox.extend(back);
            if books.inbox.len() > waiting {
                // Its turn comes right after those that displaced it.
                self.kicks = self.kicks.wrapping_sub(1);
            }
        }
        promoted
    }

    pub(super) fn set_armed(&self, state: u64) {
        self.mine.iter().for_each(|known| known.pair.half().set_armed(self.n, state));
    }

    pub(super) fn set_status(&self, state: u16) {
        let word = poll::word(state, process::cpu());
        self.mine.iter().for_each(|known| known.pair.half().set_status(word));
    }

    pub(super) fn claim(&self, at: usize) -> Option<Claimed> {
        let half = self.mine.get(at)?.pair.half();
        if half.has_ended() { None } else { half.claim() }
    }

    /// Answers each request that it is one too many for its owner. Says whether there were any.
    pub(super) fn refuse_all(&self) -> bool {
        let mut refused = false;
        for (at, known) in self.mine.iter().enumerate() {
            let Some(claimed) = self.claim(at) else { continue };
            known.pair.half().refuse(claimed.request.astack, claimed.sequence, status::OVERLOADED);
            wake_after(&*known.pair, &claimed);
            refused = true;
        }
        refused
    }

    /// Runs one request from each pair that has one. `Ok(true)`: there was one.
    fn scan(&mut self) -> Result<bool, Gone> {
        if self.is_over {
            return Ok(self.refuse_all());
        }
        let mut worked = false;
        for at in 0..self.mine.len() {
            if let Some(claimed) = self.claim(at) {
                worked = true;
                self.serve(at, &claimed)?;
            } else if let Some(known) = self.mine.get_mut(at) {
                // Whatever is left of what its client waits for, others have.
                known.pay_wake();
            }
        }
        Ok(worked)
    }

    /// A donated call.
    fn serve(&mut self, at: usize, claimed: &Claimed) -> Result<(), Gone> {
        // A caller that says so of itself needs no measuring.
        let says_soon = claimed.flags & request::SOON != 0;
        let claimed_at = if says_soon { 0 } else { ticks() };
        if !says_soon {
            self.desk.look(claimed_at);
        }
        self.set_armed(armed::AWAY);
        self.enter();
        let is_over = self.execute(at, claimed);
        let Some(known) = self.mine.get_mut(at) else { return Ok(()) };
        let half = known.pair.half();
        // Pairs with the caller's fence between announcing its wait and its look at the reply.
        fence(Ordering::SeqCst);
        // One that is suspended wakes its caller itself when it is over.
        let mut waits = if is_over { half.waits(claimed.request.astack, claimed.sequence) } else { None };
        let is_donated = usize::from(claimed.cpu) % BELL_COUNT == self.n;
        if is_donated {
            half.donations.fetch_add(1, Ordering::Relaxed);
            // All that its client waits for is answered before a donated CPU is returned (URPC 1991, section 3.3), or until a
            // procedure says that it blocks ([`Seated`]). One that does not delays nobody for longer than the step of the
            // processor that waits.
            if waits == Some(Wake::Processor) && half.has_request() {
                known.owes_wake = true;
                self.seated.owes_wake.set(true);
                waits = None;
            } else if waits == Some(Wake::Processor) {
                known.owes_wake = false;
            }
        }
        let sleeps = waits == Some(Wake::Reply);
        let gap = if says_soon { 0 } else { claimed_at.wrapping_sub(known.last) };
        known.last = ticks();
        known.empty = 0;
        let last = known.last;
        self.desk.look(last);
        if self.yielded != 0 {
            // Up to the end of the procedure, which saves a look at the clock.
            self.learn_of_yield(at, last, true);
        }
        self.taken += 1;
        self.donations += u64::from(is_donated);
        let soon = says_soon && is_over && waits.is_none() && self.may_yield;
        self.soon = soon.then_some(at);
        self.yields_left = YIELD_COUNT;
        let kept = self.exit();
        if kept.is_ok() {
            self.set_armed(armed::LOOKING);
        }
        // Last: the caller may get the CPU at once, and must not find this processor away when it calls again.
        if let (Some(how), Some(known)) = (waits, self.mine.get(at)) {
            wake(&*known.pair, claimed.request.astack, how);
        }
        kept?;
        self.consider(at, claimed, gap);
        if sleeps {
            self.doubt_lead(at);
        }
        Ok(())
    }

    /// Wakes the processors whose wake was put off.
    fn wake_processors(&mut self) {
        self.seated.owes_wake.set(false);
        self.mine.iter_mut().for_each(Attended::pay_wake);
    }

    /// A caller slept although another seat leads and attends its pair: does that lead get its CPU?
    fn doubt_lead(&mut self, at: usize) {
        let (Some(lead), Some(known)) = (self.seats.leading(), self.mine.get_mut(at)) else { return };
        let polled = known.pair.half().attended.load(Ordering::Relaxed) & 1 << lead != 0;
        let again = known.last.wrapping_sub(known.asked_lead) >= clock::calibration().wake * LEAD_AGAIN;
        if polled && lead != self.n && again {
            known.asked_lead = known.last;
            self.crew.request(Request::Doubt { pair: Arc::clone(&known.pair) });
        }
    }

    /// From here on whoever relieves this processor gets the seat.
    #[inline(always)]
    pub(super) fn enter(&self) {
        self.me.inside.step();
    }

    /// Out of a procedure; it may have lost the seat, and then writes no word of it any more.
    ///
    /// No exchange: it would wait for the line of the reply to come from the client's cache, which was half of what a call
    /// cost the lead where many are under way.
    #[inline(always)]
    pub(super) fn exit(&self) -> Result<(), Gone> {
        self.me.inside.step();
        // Pairs with the heavy barrier in `Crew::relieve`: it sees that we are outside, or we see that it doubts us.
        light_barrier();
        // Relaxed: what comes of it is looked at below.
        if self.seat.occupant.load(Ordering::Relaxed) == self.me.id { Ok(()) } else { self.exit_in_doubt() }
    }

    /// The watcher decides just now, or has decided.
    #[cold]
    #[inline(never)]
    fn exit_in_doubt(&self) -> Result<(), Gone> {
        // Until it has.
        let _books = self.seat.books();
        if self.seat.occupant.load(Ordering::Relaxed) == self.me.id { Ok(()) } else { Err(Gone::Relieved) }
    }

    /// Lets suspended procedures go on that can. Says whether there were any; then the words of the pairs say AWAY.
    pub(super) fn resume_suspended(&mut self, is_lead: bool) -> Result<bool, Gone> {
        let Some(processor) = self.aside.as_ref().map(|aside| aside.processor) else { return Ok(false) };
        if !processor.poll() && !processor.has_ready() {
            return Ok(false);
        }
        if !is_lead {
            self.set_armed(armed::AWAY);
        }
        self.enter();
        processor.run_ready(TURN_COUNT);
        self.exit()?;
        Ok(true)
    }

    /// Runs the request's procedure where there are some that may be suspended.
    #[cold]
    #[inline(never)]
    fn execute_beside(&mut self, at: usize, claimed: &Claimed) -> bool {
        let Some(known) = self.mine.get(at) else { return true };
        let pair = &known.pair;
        if pair.is_cooperative(claimed) {
            let aside = self.aside.get_or_insert_with(Aside::new);
            return aside.run(pair, claimed, self.desk.looked(), &self.crew.counters);
        }
        if self.aside.as_ref().is_some_and(Aside::is_occupied) {
            // It may block the kernel thread, on which others have to go on, and wait for one of them.
            self.crew.pass_on(Arc::clone(pair), *claimed);
            return false;
        }
        // Whatever it waits for, it is a kernel thread that waits.
        let _out = self.aside.as_ref().map(|aside| aside.processor.step_out());
        run_at(self.desk, pair, claimed);
        true
    }

    /// Runs the request's procedure. `false`: it is suspended before its end, and wakes its caller itself.
    #[inline(always)]
    pub(super) fn execute(&mut self, at: usize, claimed: &Claimed) -> bool {
        let Some(known) = self.mine.get(at) else { return true };
        if self.crew.cooperation.load(Ordering::Relaxed) {
            return self.execute_beside(at, claimed);
        }
        run_at(self.desk, &known.pair, claimed);
        true
    }

    /// Whether another seat should attend the pair, or a lead poll it.
    fn consider(&mut self, at: usize, claimed: &Claimed, gap: u64) {
        let Some(known) = self.mine.get_mut(at) else { return };
        let calibration = clock::calibration();
        let own = usize::from(claimed.cpu) % BELL_COUNT;
        let half = known.pair.half();
        if own != self.n && half.attended.load(Ordering::Relaxed) & 1 << own == 0 {
            if known.last.wrapping_sub(known.asked_seat) >= known.ask_again {
                known.asked_seat = known.last;
                // Where this process may not run, it is asked for less and less.
                known.ask_again = (known.ask_again * 2).clamp(calibration.wake, calibration.us(ASK_AGAIN_US));
                self.crew.request(Request::Attend { pair: Arc::clone(&known.pair), cpu: claimed.cpu });
            }
        } else {
            known.ask_again = calibration.wake;
        }
        known.foreign = if own == self.n { 0 } else { known.foreign + 1 };
        if known.foreign >= FOREIGN_MAX && half.attended.load(Ordering::Relaxed) & 1 << own != 0 {
            // Its client has moved to a CPU where there is a standby for it.
            let known = self.mine.remove(at);
            return self.dismiss(core::iter::once(known));
        }
        if claimed.flags & request::DONATES != 0 {
            return;
        }
        // From another CPU, two wake-ups lie between the calls, which a lead would save.
        let limit = if own == self.n { calibration.wake } else { 3 * calibration.wake };
        let needed = half.evidence_needed.load(Ordering::Relaxed);
        let enough = known.evidence.gap(gap, limit, needed) || claimed.flags & request::SPINS != 0;
        if enough && known.last.wrapping_sub(known.asked_lead) >= calibration.wake * LEAD_AGAIN && knobs::may_lead() {
            known.asked_lead = known.last;
            self.crew.request(Request::Promote { pair: Arc::clone(&known.pair), cpu: claimed.cpu });
        }
    }

    /// Lets the caller run, if it said that it calls again at once, and if that has been true. `true`: look again.
    fn yield_once(&mut self) -> bool {
        let now = self.mine.get(self.soon.unwrap_or(usize::MAX)).map_or(0, |known| known.last);
        if let Some(at) = self.soon
            && self.yielded != 0
        {
            // The one before was in vain.
            self.learn_of_yield(at, ticks(), false);
        }
        let allowed = |known: &Attended<P>| known.yields.allowed(milliseconds);
        let wanted = self.soon.and_then(|at| self.mine.get(at)).is_some_and(allowed);
        if !wanted || self.yields_left == 0 {
            self.soon = None;
            return false;
        }
        self.yields_left -= 1;
        self.yielded = if self.yields_left + 1 == YIELD_COUNT { now } else { ticks() };
        process::yield_cpu();
        true
    }

    fn learn_of_yield(&mut self, at: usize, now: u64, paid: bool) {
        let outcome = Outcome::of(paid, now.wrapping_sub(self.yielded), clock::calibration().us(LATE_US));
        self.yielded = 0;
        *if paid { &mut self.paid } else { &mut self.wasted } += 1;
        if let Some(known) = self.mine.get_mut(at) {
            let ms = if outcome == Outcome::Paid { 0 } else { milliseconds() };
            known.yields = known.yields.after(outcome, ms);
        }
    }

    pub(super) fn add_counts(&mut self) {
        let counters = &self.crew.counters;
        counters.calls.add(self.taken + self.polled);
        counters.donations.add(self.donations);
        counters.polled.add(self.polled);
        counters.yields_paid.add(self.paid);
        counters.yields_wasted.add(self.wasted);
        (self.taken, self.donations, self.polled, self.paid, self.wasted) = (0, 0, 0, 0, 0);
    }

    /// Writes that it sleeps, looks once more, and sleeps until a bell or a kick.
    fn sleep(&mut self) -> Result<(), Gone> {
        self.add_counts();
        if self.is_displaced() {
            return Err(Gone::Displaced);
        }
        self.dismiss_all_but_the_last();
        let threads = self.aside.as_ref().map(|aside| aside.processor);
        self.set_armed(armed::ASLEEP);
        let mut words = [Sleep { word: &self.seat.kicks, value: self.kicks, shared: false }; BELLS_MAX + 1];
        let mut count = 1;
        for (to, known) in words.iter_mut().skip(1).zip(&self.mine) {
            let Some(bell) = known.pair.half().bell(self.n) else { break };
            *to = Sleep { word: bell.futex(), value: sequence(bell.load()), shared: true };
            count += 1;
        }
        // Pairs with the caller's fence between its request and its look at the words: it sees ASLEEP and rings, or the
        // scan sees its request. The bells are read before it: read after the scan, a bell that was bumped in between
        // would look like an old one, and the wake be lost.
        fence(Ordering::SeqCst);
        let has_request = |known: &Attended<P>| known.pair.half().has_request() && !known.pair.half().has_ended();
        let nothing = !self.mine.iter().any(has_request) && self.seat.kicks.load(Ordering::Acquire) == self.kicks;
        let mut empty = None;
        if nothing {
            let words = words.get(..count).unwrap_or_default();
            let woken = match threads {
                None => futex::sleep(words, None),
                Some(processor) => sleep_beside(processor, words),
            };
            match woken {
                Some(word) => {
                    self.crew.counters.sleeps.add(1);
                    // Word 0 is ours.
                    empty = word.checked_sub(1);
                }
                // A bell that changes all the time keeps us from sleeping as well as one that wakes us.
                None => empty = self.changed_bell(words),
            }
        }
        // Whoever woke us may say that it calls again soon, for which nobody looks at a clock.
        self.desk.look(ticks());
        if self.is_displaced() {
            return Err(Gone::Displaced);
        }
        self.set_armed(armed::LOOKING);
        if let Some(at) = empty {
            self.note_bell(at);
        }
        Ok(())
    }

    fn changed_bell(&self, words: &[Sleep<'_>]) -> Option<usize> {
        let now = |known: &Attended<P>| known.pair.half().bell(self.n).map(|bell| sequence(bell.load()));
        let mut pairs = self.mine.iter().zip(words.iter().skip(1));
        pairs.position(|(known, word)| now(known).is_some_and(|now| now != word.value))
    }

    /// A bell that was rung, or woken without being bumped, for nothing is counted; a pair whose client does that all the
    /// time is attended no more.
    fn note_bell(&mut self, at: usize) {
        let Some(known) = self.mine.get_mut(at).filter(|known| !known.pair.half().has_request()) else { return };
        self.crew.counters.empty_bells.add(1);
        known.empty += 1;
        if known.empty >= EMPTY_MAX {
            let known = self.mine.remove(at);
            self.dismiss(core::iter::once(known));
        }
    }

    /// Attends these pairs no more, unless they have a request.
    fn dismiss(&mut self, which: impl Iterator<Item = Attended<P>>) {
        let mut books = self.seat.books();
        for mut known in which {
            known.pay_wake();
            books.attended.retain(|other| !Arc::ptr_eq(other, &known.pair));
            leave(known.pair.half(), self.n);
            // Pairs with the caller's fence after it has published: it sees AWAY and rings, or we see its request.
            fence(Ordering::SeqCst);
            if known.pair.half().has_request() {
                books.inbox.push(known.pair);
                self.kicks = self.seat.kicks.load(Ordering::Acquire).wrapping_sub(1);
            }
        }
        drop(books);
        self.soon = None;
    }

    /// Keeps the pairs that called last; the others become cold.
    fn dismiss_all_but_the_last(&mut self) {
        if self.mine.len() > BELLS_MAX {
            self.mine.sort_unstable_by_key(|known| core::cmp::Reverse(known.last));
            let rest = self.mine.split_off(BELLS_MAX);
            self.dismiss(rest.into_iter());
        }
    }

    /// Whether the kernel had to move this processor: its CPU was taken from the process.
    pub(super) fn is_displaced(&self) -> bool {
        self.confined && usize::from(process::cpu()) % BELL_COUNT != self.n
    }
}

/// Runs the request's procedure at the desk, to its end.
#[inline(always)]
pub(super) fn run_at<P: Pair>(desk: &mut Desk<P>, pair: &Arc<P>, claimed: &Claimed) {
    let of = &**pair;
    if let Err(how) = desk.run(pair, claimed, |memory| of.run(claimed, memory)) {
        misbehaved(of, how);
    }
}

/// The client did what no correct one does.
pub(super) fn misbehaved<P: Pair>(pair: &P, how: Misbehaved) {
    pair.half().end();
    pair.misbehaved(how);
}
