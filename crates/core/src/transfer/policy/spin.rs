//! How long a caller spins for a processor that polls: as long as a wake-up takes, if that pays; not at all while it
//! does not.
//!
//! Spinning for the price of the alternative costs at most twice the optimum (Karlin and others, 1991). What adapts is
//! for procedures that always take longer: spinning before each of them is pure loss.

/// Set while the caller does not spin; the rest counts the calls until it tries again.
const RESTING: u32 = 1 << 31;

/// Calls without spinning before the next try.
const REST: u32 = 16;

/// Budgets that were spun in vain in a row before the caller rests.
const VAIN_MAX: u32 = 8;

/// The state of a pair's spinning, in one word: any number of callers may change it, and the last one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spin(u32);

impl Spin {
    /// From the word.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The word.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the next call spins.
    #[inline(always)]
    #[must_use]
    pub const fn spins(self) -> bool {
        self.0 & RESTING == 0
    }

    /// A budget was spun to its end, and the reply was not there.
    #[must_use]
    pub const fn in_vain(self) -> Self {
        if self.0 + 1 >= VAIN_MAX { Self(RESTING | REST) } else { Self(self.0 + 1) }
    }

    /// A call went without spinning.
    #[must_use]
    pub const fn rested(self) -> Self {
        // One try only: if it is in vain, the caller rests again.
        if self.0 & !RESTING <= 1 { Self(VAIN_MAX - 1) } else { Self(self.0 - 1) }
    }

    /// The reply came within the budget, spun or not: spinning pays.
    #[must_use]
    pub const fn paid() -> Self {
        Self(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_pays_is_tried_once_in_a_while() {
        let mut spin = Spin::default();
        let mut spun = 0;
        for _ in 0..1000 {
            spin = if spin.spins() {
                spun += 1;
                spin.in_vain()
            } else {
                spin.rested()
            };
        }
        assert!((50..=80).contains(&spun), "{spun}");
        assert!(Spin::paid().spins());
    }

    #[test]
    fn a_single_late_reply_changes_nothing() {
        assert!(Spin::default().in_vain().spins());
    }
}
