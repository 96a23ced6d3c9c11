//! The lead: the one seat whose occupant polls instead of sleeping, while calls come so close that waking it for each
//! would cost more (LRPC's domain caching on idle processors; URPC's polling by idle ones).
//!
//! On this path a call takes no lock and no system call: the request is claimed, run, answered. Whether its caller has
//! gone to sleep meanwhile is looked at after a fence that many calls share.

use core::sync::atomic::{Ordering, fence};

use nearcall_layout::pair::{BELL_COUNT, armed, poll, request};

use super::clock::{self, ticks};
use super::crew::{ATTENDED_MAX, Pair};
use super::policy::tenure::{Leave, Tenure, needed_after};
use super::policy::wires::Pace;
use super::standby::{Gone, Standby};
use super::wake::wake;
use crate::channel::server::Claimed;

/// Replies after which the lead looks whether their callers sleep, if no idle turn came before.
const ANSWERED_MAX: usize = 64;

/// Idle turns between two looks at the clock: some 2 us.
const LOOK: u32 = 64;

/// A hole of this many microseconds between two looks: something else ran here. A virtual machine loses its CPU for some
/// 100 us now and then; another process takes a time slice, 1,400 us and more.
const HOLE_US: u64 = 1000;

/// Calls that were answered since the last fence: the pair, the A-stack, the sequence number.
type Answered = Vec<(usize, u16, u32)>;

impl<P: Pair> Standby<'_, P> {
    /// Polls until that does not pay any more.
    ///
    /// # Errors
    /// [`Gone`].
    pub(super) fn lead(&mut self) -> Result<(), Gone> {
        let number = u32::try_from(self.n).unwrap_or(0) + 1;
        // Acquire and Release: pair with those of the last lead's end, and of whoever ends this one.
        if self.seats.lead.compare_exchange(0, number, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return Ok(());
        }
        self.crew.led.fetch_or(1 << self.n, Ordering::Relaxed);
        self.crew.counters.tenures.add(1);
        self.open_books(armed::AWAY);
        let calibration = clock::calibration();
        let mut tenure = Tenure::begin(ticks());
        let left = self.poll(&mut tenure, calibration.wake, calibration.us(HOLE_US));
        self.add_counts();
        self.crew.led.fetch_and(!(1 << self.n), Ordering::Relaxed);
        let why = match left {
            Ok(why) => why,
            Err(gone) => {
                // The watcher did, when it gave the seat to another.
                self.crew.wires.give_up(self.me.id);
                return Err(gone);
            }
        };
        for known in self.mine.iter_mut().filter(|known| known.calls > 0) {
            let needed = &known.pair.half().evidence_needed;
            let fruit = if why == Leave::Idle { known.calls } else { known.calls / 16 };
            needed.store(needed_after(needed.load(Ordering::Relaxed), fruit), Ordering::Relaxed);
            known.calls = 0;
        }
        let books = self.seat.books();
        self.set_armed(armed::LOOKING);
        self.set_status(poll::UNPOLLED);
        // Last: the next lead may poll the same pairs, and says so.
        let _ = self.seats.lead.compare_exchange(number, 0, Ordering::AcqRel, Ordering::Relaxed);
        drop(books);
        // Pairs with the caller's fence after it has published: it sees that nobody polls, or the scan that follows sees
        // its request.
        fence(Ordering::SeqCst);
        self.crew.wires.give_up(self.me.id);
        Ok(())
    }

    fn poll(&mut self, tenure: &mut Tenure, wake: u64, hole: u64) -> Result<Leave, Gone> {
        let mut answered: Answered = Vec::with_capacity(ANSWERED_MAX);
        let mut turns: u32 = 0;
        let mut now = self.look();
        let mut wires = self.crew.wires.take(self.seats.owner, self.me.id);
        let mut pace = Pace::default();
        loop {
            if self.seat.kicks.load(Ordering::Relaxed) != self.kicks {
                self.wake_callers(&mut answered);
                self.open_books(armed::AWAY);
                if self.given_up {
                    return Ok(Leave::Preempted);
                }
            }
            let mut worked = false;
            let mut shared = None;
            if self.aside.is_some() {
                // Their callers are not in the list.
                self.wake_callers(&mut answered);
                worked = self.resume_suspended(true)?;
            }
            if self.is_over {
                worked |= self.refuse_all();
            } else {
                for at in 0..self.mine.len() {
                    let Some(claimed) = self.claim(at) else { continue };
                    worked = true;
                    let here = self.serve_polled(at, &claimed, &mut now, &mut answered)?;
                    shared = shared.or(tenure.worked(here));
                }
            }
            if pace.is_due(worked)
                && let Some(held) = &wires
            {
                // While messages come no turn is idle.
                if !answered.is_empty() {
                    self.wake_callers(&mut answered);
                }
                self.enter();
                let any = held.poll();
                self.exit()?;
                if any {
                    // How long that took is no hole, and nobody was idle.
                    now = self.look();
                    tenure.busy();
                    worked = true;
                }
            }
            if worked {
                turns = 0;
                if answered.len() + ATTENDED_MAX > ANSWERED_MAX || shared.is_some() {
                    self.wake_callers(&mut answered);
                    self.add_counts();
                    now = self.look();
                }
                if let Some(leave) = shared {
                    return Ok(leave);
                }
                continue;
            }
            if !answered.is_empty() {
                self.wake_callers(&mut answered);
            }
            turns += 1;
            if turns.is_multiple_of(LOOK) {
                self.add_counts();
                now = self.look();
                if !wires.as_mut().is_some_and(|held| self.crew.wires.look(held, self.me.id)) {
                    wires = self.crew.wires.take(self.seats.owner, self.me.id);
                }
                if let Some(leave) = tenure.idle(now, wake, hole) {
                    return Ok(leave);
                }
                if self.is_displaced() {
                    return Ok(Leave::Preempted);
                }
            }
            core::hint::spin_loop();
        }
    }

    /// A call that was polled. Says whether its caller was on this CPU.
    #[inline(always)]
    fn serve_polled(
        &mut self,
        at: usize,
        claimed: &Claimed,
        now: &mut u64,
        answered: &mut Answered,
    ) -> Result<bool, Gone> {
        self.polled += 1;
        self.enter();
        let is_over = self.execute(at, claimed);
        // Seen without a fence: a caller that slept long before. For others the fenced look follows.
        // A caller that spins whatever comes waits for long procedures, too, and what they took is not the next call's.
        // One that is suspended wakes its caller itself.
        let waited = is_over && self.wake_if_waiting(at, claimed.request.astack, claimed.sequence);
        if waited || claimed.flags & request::SPINS != 0 {
            *now = self.look();
        }
        if is_over && !waited {
            answered.push((at, claimed.request.astack, claimed.sequence));
        }
        if let Some(known) = self.mine.get_mut(at) {
            known.calls += 1;
            known.last = *now;
        }
        if let Err(gone) = self.exit() {
            // The words of the seat are somebody else's now; our callers are still ours.
            self.wake_callers(answered);
            return Err(gone);
        }
        Ok(usize::from(claimed.cpu) % BELL_COUNT == self.n)
    }

    /// Looks at the clock, and notes it for calls that ask how long they have.
    fn look(&self) -> u64 {
        let now = ticks();
        self.desk.look(now);
        now
    }

    #[inline(always)]
    fn wake_if_waiting(&self, at: usize, astack: u16, sequence: u32) -> bool {
        let Some(known) = self.mine.get(at) else { return false };
        let waits = known.pair.half().waits(astack, sequence);
        if let Some(how) = waits {
            wake(&*known.pair, astack, how);
        }
        waits.is_some()
    }

    /// Looks, after a full fence, whether the callers of calls just answered sleep; wakes them; forgets the calls.
    fn wake_callers(&self, answered: &mut Answered) {
        // Pairs with the caller's fence between announcing its wait and its look at the reply.
        fence(Ordering::SeqCst);
        for (at, astack, sequence) in answered.drain(..) {
            self.wake_if_waiting(at, astack, sequence);
        }
    }
}
