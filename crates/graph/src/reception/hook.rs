//! What the wrappers between protocols do: the only place where work is handed off because somebody decided so.
//!
//! A handoff moves the *lead*, not the stack: a thread that waits goes on receiving, and the stack goes on where it is, as an
//! ordinary thread's. So nothing is run again, no address changes, and no thread-local does. Where no thread waits the work is
//! queued instead, as in Regular mode, and the lead goes on.

use core::cell::Cell;
use core::sync::atomic::Ordering;
use std::sync::Arc;

use nearcall_core::sys::process;
use nearcall_core::transfer::clock;

use super::policy::{Facts, Reason, reason};
use super::shared::Shared;
use crate::crossings::{Crossing, Crossings, Passage};
use crate::graph::Work;
use crate::protocol::Node;

/// What a thread does for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to no host.
    Elsewhere,
    /// It receives, and whatever runs on it keeps it from that.
    Lead,
    /// It goes on with a message; another one receives, or will before long.
    Thread,
}

/// What the calling kernel thread is doing, for the hook, which finds out on which one it was asked.
pub(super) struct Turn {
    /// Which host's thread it is: the address of what its threads share.
    host: Cell<usize>,
    member: Cell<usize>,
    /// A message runs that this thread has taken off a wire and not suspended since.
    pub(super) is_fresh: Cell<bool>,
    /// Stacks are suspended here.
    pub(super) is_occupied: Cell<bool>,
    /// A message was queued for that.
    pub(super) has_kept: Cell<bool>,
    /// When the message began, and what it may take, in ticks.
    pub(super) began: Cell<u64>,
    pub(super) allowance: Cell<u64>,
    /// What it had taken of the lead's time when the lead was another's. What it takes after that is nobody's business.
    pub(super) spent: Cell<Option<u64>>,
}

impl Turn {
    /// Whether a message of this host runs that was taken off a wire here. A thread of another host may be at its edges: its handler
    /// sends to us through a wire within the process.
    fn is_of(&self, shared: &Arc<Shared>) -> bool {
        self.is_fresh.get() && self.host.get() == address(shared)
    }

    /// What the message has taken so far, in ticks.
    pub(super) fn taken(&self) -> u64 {
        clock::ticks().wrapping_sub(self.began.get())
    }

    /// The message goes on without the lead.
    fn leaves_lead(&self, shared: &Shared) {
        if shared.options.budget.is_some() && self.spent.get().is_none() {
            self.spent.set(Some(self.taken()));
        }
        stand(Standing::Thread);
    }
}

thread_local! {
    static TURN: Turn = const {
        Turn {
            host: Cell::new(0),
            member: Cell::new(0),
            is_fresh: Cell::new(false),
            is_occupied: Cell::new(false),
            has_kept: Cell::new(false),
            began: Cell::new(0),
            allowance: Cell::new(0),
            spent: Cell::new(None),
        }
    };
    static STANDING: Cell<Standing> = const { Cell::new(Standing::Elsewhere) };
}

/// What the calling kernel thread does now: for traces. In a message of its own the lead is no lead once that was handed off.
#[must_use]
pub fn standing() -> Standing {
    STANDING.get()
}

pub(super) fn stand(standing: Standing) {
    STANDING.set(standing);
}

pub(super) fn with_turn<T>(look: impl FnOnce(&Turn) -> T) -> T {
    TURN.with(look)
}

/// Whether the calling kernel thread may use one CPU only.
pub(super) fn is_confined() -> bool {
    process::allowed_cpus().count_ones() == 1
}

fn address(shared: &Arc<Shared>) -> usize {
    Arc::as_ptr(shared).addr()
}

/// The calling kernel thread is this one.
pub(super) fn settle(shared: &Arc<Shared>, member: usize) {
    with_turn(|turn| {
        turn.host.set(address(shared));
        turn.member.set(member);
    });
    shared.shown.get(member).inspect(|shown| {
        shown.thread.store(process::thread_id(), Ordering::Relaxed);
        let cpu = if is_confined() { u32::from(process::cpu()) + 1 } else { 0 };
        shown.cpu.store(cpu, Ordering::Relaxed);
    });
    stand(Standing::Thread);
}

/// The wrappers of a host.
#[derive(Debug)]
pub(super) struct Wrappers(pub(super) Arc<Shared>);

impl Crossings for Wrappers {
    fn up(&self, crossing: &Crossing<'_>) -> Passage {
        with_turn(|turn| if turn.is_of(&self.0) { self.pass(crossing, turn) } else { Passage::GoOn })
    }

    fn keep(&self, work: Work) -> Result<(), Work> {
        self.0.queue(work)
    }

    fn reach(&self, node: Node) {
        with_turn(|turn| {
            if turn.is_of(&self.0) {
                self.0.shown.get(turn.member.get()).inspect(|shown| shown.enter(node));
            }
        });
    }
}

impl Wrappers {
    fn pass(&self, crossing: &Crossing<'_>, turn: &Turn) -> Passage {
        let (shared, me) = (&*self.0, turn.member.get());
        shared.shown.get(me).inspect(|shown| shown.enter(crossing.upper));
        if turn.is_occupied.get() && crossing.handler.is_some() {
            // The program's code is suspended on this kernel thread, and may hold a lock of std's there.
            turn.has_kept.set(true);
            return Passage::Keep;
        }
        let may_wait = crossing.handler.is_some_and(|handler| !handler.is_nonblocking());
        let is_demoted = crossing.handler.is_some() && shared.is_demoted(crossing.upper);
        if !shared.leads(me) {
            if may_wait || is_demoted {
                shared.call(me);
            }
            turn.leaves_lead(shared);
            return Passage::GoOn;
        }
        let late = || turn.taken() > turn.allowance.get();
        let facts = Facts {
            handoff: crossing.handoff,
            may_wait,
            is_demoted,
            is_reassembled: crossing.message.attributes().reassembled,
            is_late: shared.options.budget.is_some() && late(),
        };
        let Some(reason) = reason(shared.options.at_reassembly, facts) else { return Passage::GoOn };
        if shared.hand_off_in_passing(me, may_wait || is_demoted) {
            shared.counters.handed_off(reason);
            if reason == Reason::Demoted {
                shared.forgive(crossing.upper);
            }
        } else if shared.leads(me) {
            return Passage::Keep;
        }
        // Or the alarm was first.
        turn.leaves_lead(shared);
        Passage::GoOn
    }
}
