//! What a lead polls beside pairs: wires, on which messages come from outside of this machine.
//!
//! ```text
//!            the watcher hears it          a lead takes it
//! RESTING ------------------------> WANTED ---------------> POLLED by one lead
//!    ^                                                         |
//!    +------------- that lead ends, or loses its seat ---------+
//! ```
//!
//! All wires of a domain are polled together, by the lead of one owner: the domain's own. They are behind calls there: a lead
//! that has answered a call lately looks at wires seldom ([`Pace`](super::policy::wires::Pace)), because a look is a system call,
//! and in vain nearly always. While nobody polls, each wire watches a descriptor, and whoever sleeps on that says so
//! ([`Crew::wires_heard`]).
//!
//! Invariants: wires that are wanted are asked for again until somebody has them; whoever gives them up has them watched
//! afterwards, so what came in between is heard.

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::BELL_COUNT;

use super::crew::{Crew, Pair, Wanted};
use super::seats::{OPEN, Seat, Seats};
use crate::sys::process;

/// Looks at the clock, some 2 us each, after which wires that were heard while they are polled are watched again.
const WATCH_AGAIN: u32 = 512;

/// Something that brings messages from outside. What is done with them is done in [`poll`](Self::poll).
pub trait Wire: Send + Sync + 'static {
    /// Takes what is there, carries it out, and runs what is due. It must not wait, nor panic. `true` if there was something.
    fn poll(&self) -> bool;

    /// From here on it is polled.
    fn begin(&self);

    /// From here on nobody polls it: it says so to whoever sends, and is watched until it is heard once. What is there
    /// already is heard.
    fn rest(&self);

    /// It is watched until it is heard once, though it is polled: so that somebody learns if the lead is stuck.
    fn watch(&self);
}

/// The wires, shared by whoever polls them.
pub(super) type List = Arc<[Arc<dyn Wire>]>;

/// The wires of a domain.
#[derive(Default)]
pub(super) struct Wires {
    kept: Mutex<Kept>,
    count: AtomicUsize,
    /// The processor that polls them; 0 for none.
    holder: AtomicU32,
    /// One was heard while nobody polled, and nobody has them yet.
    wanted: AtomicBool,
    /// One was heard while they are polled.
    heard: AtomicBool,
}

#[derive(Default)]
struct Kept {
    owner: u32,
    list: Vec<Arc<dyn Wire>>,
}

impl core::fmt::Debug for Wires {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Wires").field("count", &self.count).field("holder", &self.holder).finish_non_exhaustive()
    }
}

/// Wires, as the lead has them that polls them.
pub(super) struct Held {
    list: List,
    looks: u32,
}

impl Held {
    /// Looks at each once.
    pub(super) fn poll(&self) -> bool {
        // All of them, whatever the first one has.
        self.list.iter().filter(|wire| wire.poll()).count() > 0
    }
}

impl Wires {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_wanted(&self) -> bool {
        // Relaxed: all are hints for the watcher, which asks again. One that was heard and then removed is nobody's to take: a
        // lead would be asked for it for ever.
        self.wanted.load(Ordering::Relaxed)
            && self.holder.load(Ordering::Relaxed) == 0
            && self.count.load(Ordering::Relaxed) > 0
    }

    /// Takes the wires for the lead `me`, which serves `owner`.
    #[inline]
    pub(super) fn take(&self, owner: u32, me: u32) -> Option<Held> {
        if self.count.load(Ordering::Relaxed) == 0 || self.holder.load(Ordering::Relaxed) != 0 {
            return None;
        }
        self.take_now(owner, me)
    }

    #[cold]
    fn take_now(&self, owner: u32, me: u32) -> Option<Held> {
        let kept = self.kept();
        // Acquire: pairs with the Release of whoever gave them up.
        let is_ours =
            kept.owner == owner && self.holder.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !is_ours {
            return None;
        }
        let list: List = kept.list.iter().map(Arc::clone).collect();
        drop(kept);
        self.wanted.store(false, Ordering::Relaxed);
        // One that was watched before the lead had them, and one that was not, are the same from here on.
        self.heard.store(true, Ordering::Relaxed);
        list.iter().for_each(|wire| wire.begin());
        Some(Held { list, looks: 0 })
    }

    /// At a look at the clock: has them watched again, if somebody heard them since. `false` if they are not `me`'s any more.
    pub(super) fn look(&self, held: &mut Held, me: u32) -> bool {
        held.looks += 1;
        if held.looks >= WATCH_AGAIN {
            held.looks = 0;
            if self.heard.swap(false, Ordering::Relaxed) {
                held.list.iter().for_each(|wire| wire.watch());
            }
        }
        self.holder.load(Ordering::Relaxed) == me
    }

    /// The processor `me` polls them no more, if it did; 0 is none.
    pub(super) fn give_up(&self, me: u32) {
        // Release: pairs with the Acquire of whoever takes them next.
        if me != 0 && self.holder.compare_exchange(me, 0, Ordering::Release, Ordering::Relaxed).is_ok() {
            // Afterwards: what is heard from here on finds that nobody has them.
            let list: Vec<_> = self.kept().list.iter().map(Arc::clone).collect();
            list.iter().for_each(|wire| wire.rest());
        }
    }
}

impl<P: Pair> Crew<P> {
    /// From here on `wire` is polled by leads of `owner`, or watched. All wires have one owner; the last one that was named.
    pub fn add_wire(&self, owner: u32, wire: Arc<dyn Wire>) {
        let mut kept = self.wires.kept();
        kept.owner = owner;
        kept.list.push(Arc::clone(&wire));
        self.wires.count.store(kept.list.len(), Ordering::Relaxed);
        drop(kept);
        // A lead that has the others has to take them anew.
        self.wires.give_up(self.wires.holder.load(Ordering::Relaxed));
        wire.rest();
    }

    /// The wire is polled no more. A lead may be in it at this moment, and once more.
    pub fn remove_wire(&self, wire: &Arc<dyn Wire>) {
        let mut kept = self.wires.kept();
        kept.list.retain(|other| !Arc::ptr_eq(other, wire));
        self.wires.count.store(kept.list.len(), Ordering::Relaxed);
        drop(kept);
        self.wires.give_up(self.wires.holder.load(Ordering::Relaxed));
    }

    /// A wire that was watched has something. Called by the watcher.
    pub fn wires_heard(&self) -> Vec<Wanted> {
        let holder = self.wires.holder.load(Ordering::Relaxed);
        if holder == 0 {
            self.wires.wanted.store(true, Ordering::Relaxed);
            return self.want_wires();
        }
        self.wires.heard.store(true, Ordering::Relaxed);
        // The lead polls. Unless it is inside something, and was for long.
        let seats = self.seats_of_owner(self.wires.kept().owner);
        let inside = |n: &usize| {
            let is_holders = |seat: &&Seat<P>| seat.occupant.load(Ordering::Relaxed) & !OPEN == holder;
            seats.get(*n).filter(is_holders).is_some_and(|seat| self.is_inside(seat))
        };
        seats.leading().filter(inside).and_then(|n| self.staff(&seats, n, false)).into_iter().collect()
    }

    /// Finds a lead for wires that are wanted.
    pub(super) fn want_wires(&self) -> Vec<Wanted> {
        if !self.wires.is_wanted() {
            return Vec::new();
        }
        let seats = self.seats_of_owner(self.wires.kept().owner);
        if let Some(n) = seats.leading() {
            // It takes them at its next look, unless it has lost its seat, or its CPU, by then.
            return self.staff(&seats, n, false).into_iter().collect();
        }
        let n = self.free_seat(&seats);
        let Some(seat) = seats.get(n) else { return Vec::new() };
        seat.books().promoted = true;
        seat.kick();
        self.staff(&seats, n, false).into_iter().collect()
    }

    /// A CPU on which no caller is, nor another lead, if there is one.
    fn free_seat(&self, seats: &Seats<P>) -> usize {
        let allowed = process::allowed_cpus_lately();
        let is_busy = |n: &usize| seats.get(*n).is_some_and(|seat| !seat.books().attended.is_empty());
        let busy = (0..BELL_COUNT).filter(is_busy).fold(0_u64, |busy, n| busy | 1 << n);
        let led = self.led.load(Ordering::Relaxed);
        let choice = [allowed & !busy & !led, allowed & !led, allowed, 1];
        choice.into_iter().find(|&mask| mask != 0).map_or(0, |mask| usize::try_from(mask.ilog2()).unwrap_or(0))
    }
}
