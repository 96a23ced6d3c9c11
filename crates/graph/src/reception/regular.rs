//! Regular mode: the thread that receives gives each message to an input thread, and looks at the wire again.
//!
//! As the x-kernel does it (section 4.2 of the report): a message goes to an input thread that waits; if none does, to whoever has
//! finished the one before. What is there at once is taken off before anybody is woken, as an interrupt handler would, so an input
//! thread that has run dry is woken once for all that came together.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::counts::{add, add_own};
use super::hook::{Standing, is_confined, settle, stand};
use super::receiver::pause;
use super::shared::Shared;
use super::team::{Given, Next, Placed};
use crate::drive::Clock;
use crate::event::Time;
use crate::graph::{Graph, Work};

/// Messages that are taken off a wire before threads are woken for them.
const TOGETHER: usize = 32;

/// The thread that receives. It is member 0 of the team, and is given nothing.
pub(super) fn receive(shared: &Arc<Shared>, graph: &Graph) {
    settle(shared, 0);
    stand(Standing::Lead);
    let clock = Clock::new();
    let Some(shown) = shared.shown.first() else { return };
    let mut woken = Vec::with_capacity(TOGETHER);
    let is_confined = is_confined();
    let mut idle = 0_u32;
    while !shared.is_over() {
        let now = clock.now();
        let mut any = false;
        for wire in 0..graph.wire_count() {
            for _ in 0..TOGETHER {
                let Some(work) = graph.take_off(wire, now) else { break };
                any = true;
                if let Placed::With(member) = place(shared, work) {
                    woken.push(member);
                }
                add_own(&shown.messages);
            }
            for member in woken.drain(..) {
                add(&shared.counters.switches);
                shared.team.wake(member);
            }
        }
        while graph.is_due(now)
            && let Some(work) = graph.take_event(now)
        {
            any = true;
            if !work.goes_up() {
                // What the program has between the protocols may panic.
                let _ = catch_unwind(AssertUnwindSafe(|| graph.carry_out(work, now)));
            } else if let Placed::With(member) = place(shared, work) {
                // A message that was delayed, for a handler that may wait.
                add(&shared.counters.switches);
                shared.team.wake(member);
            }
        }
        idle = if any { 0 } else { idle.saturating_add(1) };
        if idle > shared.options.spin {
            add_own(&shown.sleeps);
            graph.sleep_on_wires(&clock, Time(u64::MAX), || shared.is_over());
            idle = shared.options.spin;
        } else if idle > 0 {
            pause(is_confined);
        }
    }
}

/// Gives work to an input thread, which is to be woken, or to the first that is ready.
fn place(shared: &Shared, work: Work) -> Placed {
    let placed = shared.team.place(work);
    match placed {
        Placed::With(_) => {}
        Placed::Queued => add(&shared.counters.queued),
        Placed::Dropped(_) => add(&shared.counters.dropped),
    }
    placed
}

/// An input thread.
pub(super) fn input(me: usize, shared: &Arc<Shared>, graph: &Graph) {
    shared.team.join(me);
    settle(shared, me);
    let clock = Clock::new();
    loop {
        match shared.team.next(me, false) {
            Next::Given(Given::Work(work)) => {
                let _ = catch_unwind(AssertUnwindSafe(|| graph.carry_out(work, clock.now())));
            }
            // There is no lead in this mode.
            Next::Given(Given::Lead) => {}
            Next::Sleep(_) => {
                shared.shown.get(me).inspect(|shown| add_own(&shown.parks));
                std::thread::park();
            }
            Next::Over => return,
        }
    }
}
