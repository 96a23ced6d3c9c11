//! How many processors each owner holds for long, and who holds as many as it may.
//!
//! A procedure that keeps its processor while others wait for it costs a kernel thread: another processor takes over the seat.
//! Only then is it counted, never per call: one that ends before somebody starves holds nothing.

use std::collections::{BTreeMap, BTreeSet};

/// Processors one owner may hold, unless told otherwise.
const MOST: u32 = u32::MAX;

/// Who holds what.
#[derive(Debug)]
pub struct Work {
    most: u32,
    /// By owner.
    held: BTreeMap<u32, u32>,
    /// Whom each processor works for, by the processor's number.
    of: BTreeMap<u32, u32>,
    over: BTreeSet<u32>,
}

impl Default for Work {
    fn default() -> Self {
        Self { most: MOST, held: BTreeMap::new(), of: BTreeMap::new(), over: BTreeSet::new() }
    }
}

impl Work {
    /// Sets how many. `true`: others are over now.
    pub fn limit(&mut self, most: u32) -> bool {
        self.most = most.max(1);
        let over = self.held.iter().filter(|&(_, &count)| count >= self.most).map(|(&owner, _)| owner).collect();
        let changes = self.over != over;
        self.over = over;
        changes
    }

    /// `processor` is held by a procedure of `owner`. `true`: the owner is over now.
    #[must_use]
    pub fn begin(&mut self, processor: u32, owner: u32) -> bool {
        let done = self.end(processor);
        self.of.insert(processor, owner);
        let count = self.held.entry(owner).or_default();
        *count += 1;
        (*count >= self.most && self.over.insert(owner)) || done
    }

    /// `processor` is held no more. `true`: its owner is no longer over, which takes a quarter of its processors: all occupants
    /// are told of each change, and it must not be cheap to make them change their minds.
    #[must_use]
    pub fn end(&mut self, processor: u32) -> bool {
        let Some(owner) = self.of.remove(&processor) else { return false };
        let Some(count) = self.held.get_mut(&owner) else { return false };
        *count -= 1;
        let count = *count;
        if count == 0 {
            self.held.remove(&owner);
        }
        count < self.most - self.most / 4 && self.over.remove(&owner)
    }

    /// Whether an owner holds as many as it may.
    #[must_use]
    pub fn is_over(&self, owner: u32) -> bool {
        self.over.contains(&owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_over_while_it_holds_its_most() {
        let mut work = Work::default();
        assert!(!work.limit(2));
        assert!(!work.begin(1, 7));
        assert!(!work.begin(2, 8));
        assert!(work.begin(3, 7) && work.is_over(7) && !work.is_over(8));
        assert!(!work.begin(4, 7), "it is over already");
        assert!(!work.end(1), "still two");
        assert!(!work.end(1), "nothing is given back twice");
        assert!(work.end(3) && !work.is_over(7));
        assert!(!work.end(4) && !work.end(2));
        assert!(work.held.is_empty() && work.of.is_empty() && work.over.is_empty());
    }

    #[test]
    fn an_owner_is_over_until_it_holds_clearly_less() {
        let mut work = Work::default();
        work.limit(8);
        let over: Vec<_> = (0..8).filter(|&processor| work.begin(processor, 7)).collect();
        assert_eq!(over, [7]);
        let again: Vec<_> = (0..8).filter(|&processor| work.end(processor)).collect();
        assert_eq!(again, [2], "with five left");
    }

    #[test]
    fn limits_change_while_work_is_under_way() {
        let mut work = Work::default();
        for processor in 0..5 {
            assert!(!work.begin(processor, 7));
        }
        assert!(work.limit(3) && work.is_over(7));
        assert!(!work.end(0) && !work.end(1));
        work.limit(0);
        assert!(work.is_over(7));
        assert!(work.limit(9) && !work.is_over(7));
    }
}
