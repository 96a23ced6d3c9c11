//! How often a lead looks at wires beside calls.

/// Turns between two looks while calls come. A look is a system call, mostly in vain: 0.2 to 0.6 us, beside some 40 calls.
const BESIDE: u32 = 256;

/// Turns without a call after which none is expected at once: some 1 us. Then each turn looks.
const QUIET: u32 = 64;

/// Turns of one lead.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Since the last look at wires.
    since: u32,
    /// Since the last call.
    quiet: u32,
}

impl Pace {
    /// One turn is over, in which calls were answered or not. Says whether to look at wires now. They are looked at however
    /// many calls come.
    #[inline(always)]
    #[must_use]
    pub const fn is_due(&mut self, called: bool) -> bool {
        self.quiet = if called { 0 } else { self.quiet.saturating_add(1) };
        self.since += 1;
        let due = self.quiet >= QUIET || self.since >= BESIDE;
        if due {
            self.since = 0;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::{BESIDE, Pace, QUIET};

    fn looks(mut pace: Pace, turns: u32, called: impl Fn(u32) -> bool) -> usize {
        (0..turns).filter(|&turn| pace.is_due(called(turn))).count()
    }

    #[test]
    fn calls_come_first_and_wires_are_looked_at_all_the_same() {
        assert_eq!(looks(Pace::default(), 10 * BESIDE, |_| true), 10);
        assert_eq!(looks(Pace::default(), 10 * BESIDE, |turn| turn % 5 == 0), 10);
    }

    #[test]
    fn without_calls_each_turn_looks() {
        assert_eq!(looks(Pace::default(), 1000, |_| false), 1001 - usize::try_from(QUIET).unwrap());
    }
}
