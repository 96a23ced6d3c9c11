//! Requests that were taken by a processor that may not run them.
//!
//! A procedure that is not cooperative may block its kernel thread, and wait for one that is suspended there: it is run
//! nowhere where any are. Which service a request is for is known only after it was claimed, so it is passed on, to a spare
//! without a seat or to a new processor; it has not begun, and begins once.

use std::collections::VecDeque;
use std::sync::{Arc, MutexGuard, PoisonError};

use nearcall_layout::pair::BELL_COUNT;

use super::clock::ticks;
use super::crew::{Crew, Pair};
use super::desk::Desk;
use super::standby::run_at;
use super::wake::wake_after;
use crate::channel::server::Claimed;
use crate::threads::stack::{self, Class};

/// The oldest first.
#[derive(Debug)]
pub(super) struct Strays<P> {
    waiting: VecDeque<(Arc<P>, Claimed)>,
    /// Processors that were called for one and have not come yet.
    called: usize,
}

impl<P> Default for Strays<P> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), called: 0 }
    }
}

impl<P: Pair> Crew<P> {
    fn strays(&self) -> MutexGuard<'_, Strays<P>> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has another processor run the request. It wakes the caller.
    #[cold]
    pub(super) fn pass_on(&self, pair: Arc<P>, claimed: Claimed) {
        // Before anybody can run it, which stamps it as well. A client relies on who has not taken a call (`is_given_already`).
        pair.half().note_passed_on(&claimed);
        self.strays().waiting.push_back((pair, claimed));
        self.counters.passed_on.add(1);
        self.call_watcher();
    }

    /// The CPU from which the next one that nobody was called for was made; somebody is from now on.
    pub(super) fn call_for_stray(&self) -> Option<usize> {
        let mut strays = self.strays();
        let (_, claimed) = strays.waiting.get(strays.called)?;
        let n = usize::from(claimed.cpu) % BELL_COUNT;
        strays.called += 1;
        Some(n)
    }

    /// There is no processor for it now; who comes back asks again.
    pub(super) fn nobody_for_stray(&self) {
        let mut strays = self.strays();
        strays.called = strays.called.saturating_sub(1);
    }

    /// Whether there are some that nobody was called for.
    pub(super) fn has_strays(&self) -> bool {
        let strays = self.strays();
        strays.waiting.len() > strays.called
    }

    /// Runs the next one, and says whose it was. `hold` counts the processor as that owner's before it begins.
    pub(super) fn run_stray(&self, desk: &mut Desk<P>, hold: impl FnOnce(u32)) -> Option<u32> {
        let (pair, claimed) = {
            let mut strays = self.strays();
            strays.called = strays.called.saturating_sub(1);
            strays.waiting.pop_front()?
        };
        hold(pair.owner());
        desk.look(ticks());
        let mut run = || run_at(desk, &pair, &claimed);
        if let Err((run, _)) = stack::run(Class::E_STACK, &mut run) {
            self.counters.without_estack.add(1);
            run();
        }
        wake_after(&*pair, &claimed);
        Some(pair.owner())
    }
}
