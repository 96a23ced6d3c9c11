//! When work is handed off at an edge: the decisions, without clocks, threads or locks.
//!
//! | policy | here |
//! |---|---|
//! | explicit | the edge says so in the graph file; or what is above is the program's, and not trusted to answer at once |
//! | time-based | a message was put together of fragments; or messages take longer than they may, on average |
//!
//! The implicit policy is none of these: whatever waits suspends its stack where it waits.
//!
//! Source: the report on interrupt protocol processing, section 3.2.

use crate::crossings::Handoff;

/// Why work is handed off at an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The graph file says so.
    Explicit,
    /// Above is a handler of the program's that may wait.
    Program,
    /// Above is a handler that was trusted, and has waited or run for long.
    Demoted,
    /// The message has been put together of several: from here on several protocols, and the program, have work with it.
    Reassembled,
    /// Messages have taken longer than they may.
    Budget,
}

/// What the decision depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) handoff: Handoff,
    /// Above is a handler that may wait.
    pub(super) may_wait: bool,
    /// What is above was demoted.
    pub(super) is_demoted: bool,
    /// The message was put together.
    pub(super) is_reassembled: bool,
    /// It has taken more than it may.
    pub(super) is_late: bool,
}

/// Whether to hand off when a message is whole.
pub(super) fn reason(at_reassembly: bool, facts: Facts) -> Option<Reason> {
    match facts {
        Facts { handoff: Handoff::Explicit, .. } => Some(Reason::Explicit),
        Facts { may_wait: true, .. } => Some(Reason::Program),
        Facts { is_demoted: true, .. } => Some(Reason::Demoted),
        // The rest is about time, of which the file says that there is enough.
        Facts { handoff: Handoff::Never, .. } => None,
        Facts { is_reassembled: true, .. } if at_reassembly => Some(Reason::Reassembled),
        Facts { is_late: true, .. } => Some(Reason::Budget),
        _ => None,
    }
}

/// Messages that may be as much too long, one after the other, as others were too short.
const BURST: i64 = 8;

/// What the lead has spent on messages: on average none takes longer than the budget, while single ones may (section 3.2.3: the
/// peak is bounded by what the wire can hold meanwhile, the average by what a message takes to arrive).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// What messages before have left over, or have taken too much; in ticks.
    credit: i64,
}

impl Account {
    /// What the next message may take; 0: it is handed off at its first edge.
    pub(super) fn allowance(self, budget: u64) -> u64 {
        u64::try_from(self.credit.saturating_add_unsigned(budget)).unwrap_or(0)
    }

    /// A message has taken `spent` of the lead's time.
    pub(super) fn spend(self, spent: u64, budget: u64) -> Self {
        let budget = i64::try_from(budget).unwrap_or(i64::MAX);
        let most = budget.saturating_mul(BURST);
        Self { credit: self.credit.saturating_add(budget).saturating_sub_unsigned(spent).clamp(-most, most) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_heard_before_time() {
        let late = Facts { is_reassembled: true, is_late: true, ..Facts::default() };
        assert_eq!(reason(true, late), Some(Reason::Reassembled));
        assert_eq!(reason(false, late), Some(Reason::Budget));
        assert_eq!(reason(true, Facts { handoff: Handoff::Never, ..late }), None);
        assert_eq!(reason(true, Facts { handoff: Handoff::Explicit, ..late }), Some(Reason::Explicit));
        let program = Facts { handoff: Handoff::Never, may_wait: true, ..Facts::default() };
        assert_eq!(reason(false, program), Some(Reason::Program), "no annotation makes a program trusted");
        let demoted = Facts { handoff: Handoff::Never, is_demoted: true, ..Facts::default() };
        assert_eq!(reason(false, demoted), Some(Reason::Demoted));
        assert_eq!(reason(true, Facts::default()), None);
    }

    #[test]
    fn the_average_is_bounded_and_the_peak_is() {
        let budget = 100;
        let saved = (0..50).fold(Account::default(), |account, _| account.spend(10, budget));
        assert_eq!(saved.allowance(budget), 900, "eight messages' worth, and its own");
        let spent = saved.spend(900, budget);
        assert_eq!(spent.allowance(budget), 100);
        let over = spent.spend(5000, budget);
        assert_eq!(over.allowance(budget), 0);
        // It is forgiven after as many short ones as it was too long, eight at most.
        let later = (0..9).fold(over, |account, _| account.spend(0, budget));
        assert_eq!(later.allowance(budget), 200);
    }
}
