//! Seats: who is in them, and which pairs they attend. Words and books only; what is done about them is in `crew.rs` and
//! `standby.rs`.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearcall_layout::pair::{BELL_COUNT, armed, poll};

use super::crew::Pair;
use crate::channel::server::ServerHalf;
use crate::sys::futex;

/// Set in a seat's occupant while it is inside a procedure.
pub(super) const INSIDE: u32 = 1 << 31;

/// Set beside [`INSIDE`] while that procedure sleeps, or may: the seat is anybody's who is needed there.
pub(super) const OPEN: u32 = 1 << 30;

/// One CPU's standby, and what it attends.
#[derive(Debug)]
pub(super) struct Seat<P> {
    /// The processor that has the seat, with [`INSIDE`] while it runs a procedure, and [`OPEN`] while that sleeps; 0 for
    /// none. One word, so that whether it is relieved and whether it comes out of the procedure in its seat is decided once.
    pub(super) occupant: AtomicU32,
    /// Bumped to make the occupant look at `books`; it sleeps on this word, too.
    pub(super) kicks: AtomicU32,
    /// Procedures entered, for the watcher to see whether an occupant is still inside the same one.
    pub(super) entries: AtomicU32,
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
    /// The entry inside which the watcher saw the occupant, and when it saw it first.
    pub(super) glimpse: (u32, u64),
}

impl<P> Seat<P> {
    fn new() -> Self {
        let books =
            Books { attended: Vec::new(), inbox: Vec::new(), promoted: false, given_up: false, glimpse: (0, 0) };
        Self {
            occupant: AtomicU32::new(0),
            kicks: AtomicU32::new(0),
            entries: AtomicU32::new(0),
            books: Mutex::new(books),
        }
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
