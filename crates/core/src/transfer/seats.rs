//! Seats: who is in them, and which pairs they attend. Words and books only; what is done about them is in `crew.rs` and
//! `standby.rs`.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::{BELL_COUNT, armed, poll};

use super::crew::Pair;
use crate::channel::server::ServerHalf;
use crate::sys::futex;

/// Set in a seat's occupant while it is inside a procedure that sleeps, or may: the seat is anybody's who is needed there.
pub(super) const OPEN: u32 = 1 << 30;

/// Set in a seat's occupant while the watcher decides whether it is relieved: under the lock of the books.
pub(super) const DOUBTED: u32 = 1 << 31;

/// Procedures that a processor has entered and come out of: odd while it is inside one.
///
/// The processor's own, and not the seat's: whoever comes out of a procedure says so before it can know that the seat is
/// another's by now, and must not write that one's word.
#[derive(Debug, Default)]
pub(super) struct Inside(AtomicU32);

impl Inside {
    /// Into a procedure, or out of it.
    #[inline(always)]
    pub(super) fn step(&self) {
        // Written here only, by its processor. Release: pairs with the Acquire in `now`.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// In which procedure it is, by a number that the next one does not have; `None` outside.
    pub(super) fn now(&self) -> Option<u32> {
        // Acquire: pairs with the Release in `step`: what it wrote before it went in is older than what follows here.
        Some(self.0.load(Ordering::Acquire)).filter(|steps| steps % 2 == 1)
    }
}

/// One CPU's standby, and what it attends.
#[derive(Debug)]
pub(super) struct Seat<P> {
    /// The processor that has the seat, with [`OPEN`] or [`DOUBTED`]; 0 for none. Whoever comes out of a procedure has its
    /// seat if it finds itself there.
    pub(super) occupant: AtomicU32,
    /// Bumped to make the occupant look at `books`; it sleeps on this word, too.
    pub(super) kicks: AtomicU32,
    books: Mutex<Books<P>>,
}

#[derive(Debug)]
pub(super) struct Books<P> {
    pub(super) attended: Vec<Arc<P>>,
    pub(super) inbox: Vec<Arc<P>>,
    /// The occupant is to become the lead.
    pub(super) promoted: bool,
    /// The occupant is to leave: its owner is gone, or has more seats than others while there are no processors left.
    pub(super) given_up: bool,
    /// The procedure inside which the watcher saw the occupant, and when it saw it first.
    pub(super) glimpse: Option<Glimpse>,
}

/// A processor that was seen inside a procedure ([`Inside::now`]).
#[derive(Debug, Clone, Copy)]
pub(super) struct Glimpse {
    pub(super) id: u32,
    pub(super) entry: u32,
    /// In ticks.
    pub(super) since: u64,
}

impl<P> Seat<P> {
    fn new() -> Self {
        let books = Books { attended: Vec::new(), inbox: Vec::new(), promoted: false, given_up: false, glimpse: None };
        Self { occupant: AtomicU32::new(0), kicks: AtomicU32::new(0), books: Mutex::new(books) }
    }

    pub(super) fn books(&self) -> MutexGuard<'_, Books<P>> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_taken(&self) -> bool {
        self.occupant.load(Ordering::Relaxed) != 0
    }

    pub(super) fn give_up(&self) {
        self.books().given_up = true;
        self.kick();
    }

    pub(super) fn kick(&self) {
        // Release: pairs with the occupant's Acquire before it looks at the books or sleeps.
        self.kicks.fetch_add(1, Ordering::Release);
        futex::wake_private(&self.kicks);
    }
}

/// The seats of one owner.
#[derive(Debug)]
pub(super) struct Seats<P> {
    pub(super) owner: u32,
    pub(super) each: Box<[Seat<P>]>,
    /// The seat that leads, plus one; 0 for none.
    pub(super) lead: AtomicU32,
}

impl<P> Seats<P> {
    pub(super) fn new(owner: u32) -> Self {
        Self { owner, each: (0..BELL_COUNT).map(|_| Seat::new()).collect(), lead: AtomicU32::new(0) }
    }

    pub(super) fn get(&self, n: usize) -> Option<&Seat<P>> {
        self.each.get(n)
    }

    /// The seat that leads.
    pub(super) fn leading(&self) -> Option<usize> {
        // Acquire: pairs with the Release of whoever ends a lead.
        usize::try_from(self.lead.load(Ordering::Acquire)).unwrap_or(0).checked_sub(1)
    }

    pub(super) fn taken(&self) -> impl Iterator<Item = &Seat<P>> {
        self.each.iter().filter(|seat| seat.is_taken())
    }
}

/// The lead of seat `n` is inside a procedure and has lost its seat, and with it the lead.
pub(super) fn end_lead<P: Pair>(seats: &Seats<P>, n: usize) {
    let lead = u32::try_from(n).unwrap_or(0) + 1;
    if seats.lead.load(Ordering::Acquire) == lead {
        let books = seats.get(n).map(Seat::books);
        let pairs = books.iter().flat_map(|books| &books.attended);
        pairs.for_each(|pair| pair.half().set_status(poll::word(poll::UNPOLLED, 0)));
        // Last: the next lead may poll the same pairs, and says so.
        let _ = seats.lead.compare_exchange(lead, 0, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// The seat of CPU `n` attends the pair no more. Followed by a full fence and one more look at the ring.
pub(super) fn leave(half: &ServerHalf, n: usize) {
    half.set_armed(n, armed::AWAY);
    half.attended.fetch_and(!(1 << n), Ordering::Relaxed);
}
