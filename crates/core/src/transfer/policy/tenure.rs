//! When a standby becomes the lead, and when the lead ends.

/// Short gaps after which a pair is worth polling, to begin with.
pub const EVIDENCE_MIN: u32 = 8;

/// The most that fruitless tenures can raise it to.
const EVIDENCE_MAX: u32 = 1 << 16;

/// Short gaps that a long one outweighs.
const LONG: u32 = 8;

/// Calls that make a tenure worth while: it costs two or three wake-ups, and saves some 3 us a call.
const FRUIT: u64 = 32;

/// Calls after which a tenure that ends is likely to be missed soon.
const RICH_FRUIT: u64 = 1024;

/// The evidence that suffices then.
const EVIDENCE_AGAIN: u32 = 2;

/// What speaks for polling a pair, collected by the standby that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    short: u32,
}

impl Evidence {
    /// A call came `gap` after the last one was answered; `limit` is what a wake-up costs: a lead that waits longer
    /// costs more than it saves. Says whether there are `needed` more short gaps than long ones count, and begins again if
    /// so. One in a hundred gaps is long on a virtual machine, whatever the client does, so that a long one does not
    /// undo everything.
    #[must_use]
    pub const fn gap(&mut self, gap: u64, limit: u64, needed: u32) -> bool {
        if gap >= limit {
            self.short = self.short.saturating_sub(LONG);
            return false;
        }
        self.short += 1;
        let enough = self.short >= needed;
        if enough {
            self.short = 0;
        }
        enough
    }
}

/// The evidence that the next tenure takes, after one that answered `calls`.
#[must_use]
pub const fn needed_after(needed: u32, calls: u64) -> u32 {
    if calls >= RICH_FRUIT {
        EVIDENCE_AGAIN
    } else if calls >= FRUIT {
        EVIDENCE_MIN
    } else if needed >= EVIDENCE_MAX {
        EVIDENCE_MAX
    } else {
        needed * 2
    }
}

/// How long a lead polls in vain that has answered `calls`, in wake-ups. One that has answered many may wait longer for the
/// next: what that costs is spread over them, and clients pause for a moment that mean to go on.
#[must_use]
pub const fn idle_wakes(calls: u64) -> u64 {
    match calls {
        0..64 => 2,
        64..1024 => 4,
        _ => 8,
    }
}

/// Why a tenure ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Nobody called for as long as a wake-up takes.
    Idle,
    /// Something else ran on this CPU in between.
    Preempted,
    /// A caller is on this CPU: polling would only keep it from running.
    Shared,
}

/// Calls from the lead's own CPU that end a tenure: one may have been on its way to another CPU.
const SHARED_MAX: u32 = 4;

/// Calls over which they are counted.
const SHARED_FORGOTTEN: u64 = 4096;

/// One tenure: a pure clock of idle time.
#[derive(Debug, Clone, Copy)]
pub struct Tenure {
    idle_since: u64,
    last_look: u64,
    shared: u32,
    /// Calls answered.
    pub calls: u64,
}

impl Tenure {
    /// Begins at `now`.
    #[must_use]
    pub const fn begin(now: u64) -> Self {
        Self { idle_since: now, last_look: now, shared: 0, calls: 0 }
    }

    /// A call was answered; `here`: its caller is on the lead's own CPU. The idle time begins at the next look.
    #[inline(always)]
    #[must_use]
    pub const fn worked(&mut self, here: bool) -> Option<Leave> {
        self.calls += 1;
        self.idle_since = 0;
        if here {
            self.shared += 1;
        } else if self.calls.is_multiple_of(SHARED_FORGOTTEN) {
            self.shared = 0;
        }
        if self.shared >= SHARED_MAX { Some(Leave::Shared) } else { None }
    }

    /// Something else was done than calls: the idle time begins at the next look.
    pub const fn busy(&mut self) {
        self.idle_since = 0;
    }

    /// A look at the clock in an idle turn. `wake`: what a wake-up takes; `hole`: how long between two idle looks is a
    /// sign of preemption.
    #[must_use]
    pub const fn idle(&mut self, now: u64, wake: u64, hole: u64) -> Option<Leave> {
        let last = self.last_look;
        self.last_look = now;
        if self.idle_since == 0 {
            // The first look since a procedure ran: how long that took is no hole.
            self.idle_since = now;
            return None;
        }
        if now.wrapping_sub(last) > hole {
            return Some(Leave::Preempted);
        }
        if now.wrapping_sub(self.idle_since) > wake * idle_wakes(self.calls) { Some(Leave::Idle) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_short_gaps_are_enough_and_a_long_one_outweighs_as_many() {
        let mut evidence = Evidence::default();
        for _ in 0..7 {
            assert!(!evidence.gap(10, 50, EVIDENCE_MIN));
        }
        assert!(!evidence.gap(50, 50, EVIDENCE_MIN));
        for _ in 0..7 {
            assert!(!evidence.gap(10, 50, EVIDENCE_MIN));
        }
        assert!(evidence.gap(10, 50, EVIDENCE_MIN));
        assert!(!evidence.gap(10, 50, EVIDENCE_MIN), "it begins again");
    }

    #[test]
    fn one_long_gap_in_fifty_does_not_keep_a_lead_away() {
        let mut evidence = Evidence::default();
        let enough = |i: u64| evidence.gap(if i.is_multiple_of(50) { 90 } else { 10 }, 50, 1024);
        assert!((1..2000).any(enough));
        let mut evidence = Evidence::default();
        let enough = |i: u64| evidence.gap(if i.is_multiple_of(8) { 90 } else { 10 }, 50, EVIDENCE_MIN);
        assert!(!(0..2000).any(enough), "one in eight does");
    }

    #[test]
    fn a_fruitless_tenure_doubles_the_evidence_to_a_bound_and_a_fruitful_one_forgives() {
        let mut needed = EVIDENCE_MIN;
        for _ in 0..20 {
            needed = needed_after(needed, 3);
        }
        assert_eq!(needed, EVIDENCE_MAX);
        assert_eq!(needed_after(needed, FRUIT), EVIDENCE_MIN);
        assert_eq!(needed_after(needed, RICH_FRUIT), EVIDENCE_AGAIN);
    }

    #[test]
    fn a_tenure_ends_when_idle_beyond_the_budget_which_grows_with_its_fruit() {
        let mut tenure = Tenure::begin(1000);
        assert_eq!(tenure.idle(1080, 50, 500), None);
        assert_eq!(tenure.worked(false), None);
        assert_eq!(tenure.idle(1180, 50, 500), None, "idle begins here");
        assert_eq!(tenure.idle(1280, 50, 500), None);
        assert_eq!(tenure.idle(1281, 50, 500), Some(Leave::Idle));
        tenure.calls = 64;
        assert_eq!(tenure.idle(1380, 50, 500), None);
        assert_eq!(tenure.idle(1381, 50, 500), Some(Leave::Idle));
    }

    #[test]
    fn a_hole_between_idle_looks_is_preemption_and_a_long_procedure_is_not() {
        let mut tenure = Tenure::begin(1000);
        assert_eq!(tenure.worked(false), None);
        assert_eq!(tenure.idle(90_000, 5000, 500), None);
        assert_eq!(tenure.idle(90_501, 5000, 500), Some(Leave::Preempted));
    }

    #[test]
    fn callers_on_the_leads_cpu_end_it() {
        let mut tenure = Tenure::begin(1);
        for _ in 1..SHARED_MAX {
            assert_eq!(tenure.worked(true), None);
            assert_eq!(tenure.worked(false), None, "a busy caller elsewhere changes nothing");
        }
        assert_eq!(tenure.worked(true), Some(Leave::Shared));
    }
}
