//! Whether a processor yields before it sleeps.
//!
//! Two parties on one CPU that yield to each other save the kernel half of its work (3.5 instead of 6 us), if calls come
//! back to back and nobody else wants the CPU. Otherwise a yield costs a time slice of somebody else (1,400 us), or goes
//! to nobody (another scheduler group), or keeps both parties runnable, so that the kernel moves one of them. So each
//! yield is timed, and one that did not do what it was for stops the next ones for a while.

/// Yields before a sleep. Never one: with one, a pair falls into step or out of it by chance and stays so.
pub const YIELD_COUNT: u32 = 2;

/// A yield that took more microseconds than this went to somebody else, too.
pub const LATE_US: u64 = 400;

/// Yields without an answer, in a row, after which nobody is believed to answer.
const VAIN_MAX: u8 = 12;

/// How long yields stop after the first failure: 64 ms. Each further one doubles it.
const PAUSE_MS: u32 = 64;

/// Doublings: to 4 s.
const DOUBLINGS_MAX: u8 = 6;

/// Yields that pay in a row before earlier failures are forgotten, and the next late one is taken for an interrupt. Beside a
/// busy process one in some 150 is late; a virtual machine loses its CPU for as long once in 35,000 calls and more, and
/// pausing for each of those cost a tenth of the mean.
const FORGIVEN: u16 = 4096;

/// The state of one party's yielding, in one word of 64 bits: until when it pauses, in ms; doublings; failures; successes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Yields {
    until_ms: u32,
    doublings: u8,
    vain: u8,
    paid: u16,
}

/// What came of one yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// What was waited for was there afterwards.
    Paid,
    /// It was not.
    Vain,
    /// The CPU came back late: somebody else had it as well, before or after what was waited for was done. (A procedure
    /// that takes long looks the same, and loses nothing: yields are for calls that do not.)
    Late,
}

impl Outcome {
    /// Of a yield that took `ticks`, of which more than `late` is late.
    #[inline]
    #[must_use]
    pub const fn of(paid: bool, ticks: u64, late: u64) -> Self {
        match (ticks > late, paid) {
            (true, _) => Self::Late,
            (false, true) => Self::Paid,
            (false, false) => Self::Vain,
        }
    }
}

impl Yields {
    /// From the word.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        let [a, b, c, d, doublings, vain, e, f] = bits.to_le_bytes();
        let (until_ms, paid) = (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([e, f]));
        Self { until_ms, doublings, vain, paid }
    }

    /// The word.
    #[must_use]
    pub const fn bits(self) -> u64 {
        let [a, b, c, d] = self.until_ms.to_le_bytes();
        let [e, f] = self.paid.to_le_bytes();
        u64::from_le_bytes([a, b, c, d, self.doublings, self.vain, e, f])
    }

    /// Whether to yield now; `now_ms`, asked for only in a pause, is a count of milliseconds that may wrap.
    #[inline]
    #[must_use]
    pub fn allowed(self, now_ms: impl FnOnce() -> u32) -> bool {
        // Pauses are shorter than half the range: a difference in its upper half is one that has passed.
        self.until_ms == 0 || self.until_ms.wrapping_sub(now_ms()) > u32::MAX / 2
    }

    /// After a yield that ended at `now_ms`.
    #[must_use]
    pub const fn after(self, outcome: Outcome, now_ms: u32) -> Self {
        match outcome {
            Outcome::Paid => {
                let paid = if self.paid < FORGIVEN { self.paid + 1 } else { FORGIVEN };
                let doublings = if paid == FORGIVEN { 0 } else { self.doublings };
                Self { until_ms: 0, doublings, vain: 0, paid }
            }
            Outcome::Vain if self.vain + 1 < VAIN_MAX => Self { vain: self.vain + 1, ..self },
            Outcome::Late if self.paid == FORGIVEN => Self { paid: 0, ..self },
            Outcome::Vain | Outcome::Late => {
                let until = now_ms.wrapping_add(PAUSE_MS << self.doublings);
                let doublings = if self.doublings < DOUBLINGS_MAX { self.doublings + 1 } else { self.doublings };
                // 0 says that there is no pause.
                Self { until_ms: if until == 0 { 1 } else { until }, doublings, vain: 0, paid: 0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_yield_stops_them_for_64_ms_then_128_up_to_4_s() {
        let mut yields = Yields::default();
        let mut now = 1000;
        for pause in [64, 128, 256, 512, 1024, 2048, 4096, 4096] {
            assert!(yields.allowed(|| now));
            yields = yields.after(Outcome::Late, now);
            assert!(!yields.allowed(|| now + pause - 1), "{pause}");
            now += pause + 1;
        }
    }

    #[test]
    fn unanswered_yields_stop_them_answered_ones_forgive() {
        let mut yields = Yields::default();
        for _ in 1..VAIN_MAX {
            yields = yields.after(Outcome::Vain, 5);
            assert!(yields.allowed(|| 5));
        }
        assert!(yields.after(Outcome::Paid, 5).after(Outcome::Vain, 5).allowed(|| 5));
        yields = yields.after(Outcome::Vain, 5);
        assert!(!yields.allowed(|| 5));
        for _ in 0..FORGIVEN {
            yields = yields.after(Outcome::Paid, 500);
        }
        yields = yields.after(Outcome::Late, 500);
        assert!(yields.allowed(|| 500), "one late among thousands is an interrupt");
        yields = yields.after(Outcome::Paid, 500).after(Outcome::Late, 500);
        assert!(!yields.allowed(|| 500 + PAUSE_MS - 1));
        assert!(yields.allowed(|| 500 + PAUSE_MS + 1), "the doublings are forgotten");
    }

    #[test]
    fn the_count_of_milliseconds_wraps() {
        let yields = Yields::default().after(Outcome::Late, u32::MAX - 10);
        assert!(!yields.allowed(|| u32::MAX));
        assert!(!yields.allowed(|| 40));
        assert!(yields.allowed(|| 60));
    }

    #[test]
    fn the_word_keeps_everything() {
        let yields = Yields { until_ms: 0x1234_5678, doublings: 3, vain: 2, paid: 200 };
        assert_eq!(Yields::from_bits(yields.bits()), yields);
    }
}
