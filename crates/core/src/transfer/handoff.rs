//! Handing the seat off: what a processor does about its seat while its procedure sleeps, and what is done for one that
//! says beforehand that it may (the x-kernel's implicit and explicit handoff).
//!
//! A procedure never changes its kernel thread. What changes hands is the seat: *open*, it goes to the next processor as soon
//! as anybody rings, without the second look that finds a procedure stuck (`crew.rs`); until then it stays with whoever
//! opened it, who takes it back when the sleep is over. So a sleep that nobody notices costs one exchange each way.
//!
//! ```text
//! its own --open--> OPEN --take back--> its own        somebody rings while it is open: the seat is another's, and the
//!                                                     procedure goes on where it is, without one
//! ```
//!
//! This kernel thread starts no other procedure meanwhile: it sleeps. A `std` mutex that one holds over a nested call is
//! safe for that reason. What is not done here is finding out who sleeps unannounced: that is the business of callers who
//! starve.

use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::{Ordering, fence};
use std::sync::Arc;

use nearcall_layout::pair::poll;

use super::crew::{Crew, Pair, Request};
use super::desk;
use super::seats::{OPEN, Seats};
use crate::threads;

/// What can be done about the seat of a processor that is inside a procedure.
pub(super) trait Handoff {
    /// The procedure goes to sleep.
    fn open(&self);

    /// It is awake again.
    fn take_back(&self);
}

/// While this is there the procedure that this kernel thread runs may sleep. Outside of procedures it means nothing.
#[derive(Debug)]
#[must_use]
pub struct Open {
    desk: Option<desk::Key>,
    _here: PhantomData<*const ()>,
}

/// The procedure that this kernel thread runs, if it runs one, is about to sleep, or to do what may.
pub fn open() -> Open {
    // A procedure that is suspended when it sleeps leaves the seat to its processor, which is awake.
    let blocks = desk::is_inside() && threads::on_thread().is_none();
    Open { desk: if blocks { desk::open() } else { None }, _here: PhantomData }
}

/// Runs what blocks this kernel thread: for waits of `threads`.
pub(super) fn blocking(f: &mut dyn FnMut()) {
    let _open = open();
    f();
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(desk) = self.desk.take() {
            desk::close(&desk);
        }
    }
}

/// A processor's seat, for as long as it has one.
pub(super) struct Seated<'a, P> {
    pub(super) crew: &'a Crew<P>,
    pub(super) seats: &'a Seats<P>,
    pub(super) n: usize,
    pub(super) me: u32,
    /// Whether the lead has stopped saying that it polls.
    pub(super) silent: Cell<bool>,
    /// Whether the standby has put off a wake of a client whose CPU this is.
    pub(super) owes_wake: Cell<bool>,
}

impl<P: Pair> Handoff for Seated<'_, P> {
    fn open(&self) {
        let Some(seat) = self.seats.get(self.n) else { return };
        // Under the lock, which whoever relieves this one has meanwhile, and whoever ends this lead needs before another one
        // can say that it polls.
        let books = seat.books();
        if self.owes_wake.take() {
            // Nobody uses the CPU that was given: it goes back (URPC 1991, section 3.3). The standby knows whose it is, and we
            // do not: a bell that rings for nothing costs a look.
            books.attended.iter().for_each(|pair| pair.half().ring_reply_bell());
        }
        if seat.occupant.load(Ordering::Relaxed) != self.me {
            return;
        }
        if self.seats.leading() == Some(self.n) {
            self.silent.set(true);
            books.attended.iter().for_each(|pair| pair.half().set_status(poll::word(poll::UNPOLLED, 0)));
        }
        // Release: pairs with the Acquire in `staff`, for the words before it.
        seat.occupant.store(self.me | OPEN, Ordering::Release);
        // Pairs with the caller's fence after it has published: it sees that nobody looks and rings, or we see its request.
        // Who saw POLLED or LOOKING before would wait for as long as this procedure sleeps.
        fence(Ordering::SeqCst);
        let waits = |pair: &&Arc<P>| pair.half().has_request() && !pair.half().has_ended();
        let waiting: Vec<_> = books.attended.iter().chain(&books.inbox).filter(waits).map(Arc::clone).collect();
        drop(books);
        for pair in waiting {
            if let Some((_, cpu)) = pair.half().pending() {
                self.crew.request(Request::Attend { pair, cpu });
            }
        }
    }

    fn take_back(&self) {
        let Some(seat) = self.seats.get(self.n) else { return };
        let kept = seat.occupant.compare_exchange(self.me | OPEN, self.me, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if kept && self.silent.replace(false) {
            // It says that it polls again when it opens its books, outside of the procedure. No wake: it is us.
            seat.kicks.fetch_add(1, Ordering::Release);
        }
    }
}
