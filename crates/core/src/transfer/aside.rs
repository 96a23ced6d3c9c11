//! Procedures that may be suspended, each on an E-stack of its own, and others of them run meanwhile on the same kernel thread.
//!
//! Only where a service says so (`Pair::is_cooperative`): code that holds a `std` mutex over a nested call would otherwise
//! wait for itself. All other procedures run on the stack of the processor that took the call, to their end.
//!
//! ```text
//! request ──▶ run on an E-stack ──▶ over: the processor wakes the caller, as for any procedure
//!                   │
//!                   └─▶ suspended: the processor goes on; when what it waits for is there, it is resumed between two looks
//!                       at the rings, answers, and wakes its caller itself
//! ```
//!
//! A stack that has begun stays on its kernel thread. A processor that loses its seat meanwhile runs what is suspended there
//! to the end before it takes another (`Crew::sit`).

use core::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use nearcall_layout::pair::status;

use super::counts::ServerCounters;
use super::crew::Pair;
use super::desk::Desk;
use super::standby::misbehaved;
use super::wake::wake_after;
use crate::channel::server::Claimed;
use crate::sys::futex::Sleep;
use crate::threads::stack::Class;
use crate::threads::{self, Processor};

/// Procedures that one processor has suspended; more are answered OVERLOADED.
pub(super) const SUSPENDED_MAX: usize = 64;

/// A processor's suspended procedures.
pub(super) struct Aside<P> {
    pub(super) processor: &'static Processor,
    state: Rc<State<P>>,
}

struct State<P> {
    /// Desks that no procedure has.
    desks: RefCell<Vec<Desk<P>>>,
    suspended: Cell<usize>,
    /// Changes whenever the processor goes on: so a procedure knows whether it was suspended.
    turn: Cell<u64>,
}

impl<P: Pair> Aside<P> {
    /// Of this kernel thread.
    pub(super) fn new() -> Self {
        let state = State { desks: RefCell::default(), suspended: Cell::new(0), turn: Cell::new(0) };
        Self { processor: Processor::enter(), state: Rc::new(state) }
    }

    /// Of this kernel thread, if it ever had any.
    pub(super) fn left_here() -> Option<Self> {
        threads::here().map(|_| Self::new())
    }

    /// Whether anything of this kernel thread's has to go on.
    pub(super) fn is_occupied(&self) -> bool {
        self.processor.live() > 0 || self.processor.has_ready()
    }

    /// Gives back what large arguments took.
    pub(super) fn trim(&self) {
        self.state.desks.borrow_mut().iter_mut().for_each(Desk::trim);
    }

    /// Runs the request's procedure until it is over (`true`) or suspended. `looked`: the last look at the clock.
    pub(super) fn run(&self, pair: &Arc<P>, claimed: &Claimed, looked: u64, counters: &ServerCounters) -> bool {
        let refuse = || pair.half().refuse(claimed.request.astack, claimed.sequence, status::OVERLOADED);
        if self.state.suspended.get() >= SUSPENDED_MAX {
            refuse();
            return true;
        }
        let desk = self.state.desks.borrow_mut().pop().unwrap_or_else(Desk::aside);
        desk.look(looked);
        let (state, of, claimed) = (Rc::clone(&self.state), Arc::clone(pair), *claimed);
        let is_over = match self.processor.run_procedure(Class::E_STACK, move || serve(&state, desk, &of, &claimed)) {
            Ok(is_over) => is_over,
            Err(_) => {
                // No address space for a stack.
                refuse();
                true
            }
        };
        self.state.turn.set(self.state.turn.get().wrapping_add(1));
        if !is_over {
            self.state.suspended.set(self.state.suspended.get() + 1);
            counters.suspended.add(1);
        }
        is_over
    }
}

/// The procedure's life, on its E-stack.
fn serve<P: Pair>(state: &State<P>, mut desk: Desk<P>, pair: &Arc<P>, claimed: &Claimed) {
    let turn = state.turn.get();
    let of = &**pair;
    if let Err(how) = desk.run_aside(pair, claimed, |memory| of.run(claimed, memory)) {
        misbehaved(of, how);
    }
    state.desks.borrow_mut().push(desk);
    if state.turn.get() == turn {
        return;
    }
    state.suspended.set(state.suspended.get() - 1);
    wake_after(of, claimed);
}

/// Sleeps on `words` and on what suspended procedures wait for. Returns what [`futex::sleep`](crate::sys::futex::sleep) does
/// of `words`.
pub(super) fn sleep_beside(processor: &Processor, words: &[Sleep<'_>]) -> Option<usize> {
    let slept = processor.prepare_sleep().and_then(|mut all| {
        let before = all.as_slice().len();
        words.iter().for_each(|&word| all.push(word));
        processor.sleep_on(&all, None).map(|woken| woken.saturating_sub(before))
    });
    processor.woke();
    slept
}
