//! The words of one pair, and what its client does with them.

use loom::sync::atomic::{AtomicU32, Ordering, fence};

use crate::Slip;
use crate::standby::Seat;

pub(crate) const UNPOLLED: u32 = 0;
pub(crate) const POLLED: u32 = 1;

pub(crate) const AWAY: u32 = 0;
pub(crate) const LOOKING: u32 = 1;
pub(crate) const ASLEEP: u32 = 2;

/// Two request lines, two seats.
#[derive(Default)]
pub(crate) struct Pair {
    /// The client's: a line's sequence number, 0 while nothing is published.
    pub(crate) lines: [AtomicU32; 2],
    /// The client's.
    pub(crate) bells: [AtomicU32; 2],
    /// The client's, private: bumps so far.
    bumps: AtomicU32,
    /// The control socket: a message is pending. Whoever gets it brings it to a seat ([`crate::seat`]).
    pub(crate) message: AtomicU32,
    /// The server's.
    pub(crate) status: AtomicU32,
    /// The server's: one word for each seat, written by its occupant.
    pub(crate) armed: [AtomicU32; 2],
    /// The server's, private: requests claimed.
    pub(crate) claimed: AtomicU32,
}

impl Pair {
    /// A pair that seat 0, or each of two, looks at.
    pub(crate) fn looked_at(seats: usize) -> Self {
        let pair = Self::default();
        pair.armed.iter().take(seats).for_each(|armed| armed.store(LOOKING, Ordering::Relaxed));
        pair
    }

    /// A pair that a lead at seat 0 polls.
    pub(crate) fn polled() -> Self {
        Self { status: AtomicU32::new(POLLED), ..Self::default() }
    }

    pub(crate) fn publish(&self, line: usize) {
        self.lines[line].store(1, Ordering::Release);
    }

    /// Whether there is a request that nobody has claimed.
    pub(crate) fn has_request(&self) -> bool {
        let next = self.claimed.load(Ordering::Relaxed);
        self.lines.get(next as usize).is_some_and(|line| line.load(Ordering::Relaxed) != 0)
    }

    /// Claims the next request, if there is one.
    pub(crate) fn claim(&self, slip: Slip) -> bool {
        let next = self.claimed.load(Ordering::Relaxed);
        if self.lines.get(next as usize).is_none_or(|line| line.load(Ordering::Relaxed) == 0) {
            return false;
        }
        fence(Ordering::Acquire);
        if slip == Slip::ClaimNotAtomic {
            self.claimed.store(next + 1, Ordering::Relaxed);
            return true;
        }
        self.claimed.compare_exchange(next, next + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// After publication, before a sleep: fence, then look who is there, seat `own` first, and ring the first that must
    /// be rung. A caller whose step has timed out is `impatient`: it believes neither POLLED nor LOOKING.
    pub(crate) fn ring(&self, seats: &[Seat], own: usize, impatient: bool, slip: Slip) {
        if slip != Slip::NoFenceInRing {
            fence(Ordering::SeqCst);
        }
        if self.status.load(Ordering::Relaxed) == POLLED && !impatient {
            return;
        }
        for seat in (0..seats.len()).map(|i| (own + i) % seats.len()) {
            match self.armed[seat].load(Ordering::Relaxed) {
                LOOKING if !impatient => return,
                ASLEEP if slip == Slip::WakeBeforeBump => {
                    seats[seat].bed.wake();
                    return self.bump(seat, slip);
                }
                ASLEEP => {
                    self.bump(if slip == Slip::WrongBell { own } else { seat }, slip);
                    return seats[seat].bed.wake();
                }
                _ => {}
            }
        }
        self.message.store(1, Ordering::Release);
    }

    /// No value comes twice, so whoever has read one bump sees any other that is stored later. Those that were stored
    /// earlier are the business of the standby's fence.
    fn bump(&self, seat: usize, slip: Slip) {
        let bell = &self.bells[seat];
        let last = if slip == Slip::BumpNotAtomic {
            bell.load(Ordering::Relaxed)
        } else {
            self.bumps.fetch_add(1, Ordering::Relaxed)
        };
        bell.store(last + 1, Ordering::Release);
    }
}
