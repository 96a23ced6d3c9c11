//! How long to wait for an answer: from round trips that were measured.
//!
//! The smoothed round trip and its deviation, in integers; a message that was sent more than once measures nothing, because
//! nobody knows which of them was answered.
//!
//! Sources: Jacobson, Congestion Avoidance and Control (1988), appendix A; Karn and Partridge (1987); RFC 6298.

use core::time::Duration;

/// No wait is shorter: what is lost is lost seldom, and a host that is busy for a moment must not be asked again meanwhile.
pub const FLOOR: Duration = Duration::from_millis(1);

/// Round trips to one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rtt {
    /// Both in nanoseconds; the first is 0 before the first measurement.
    smoothed: u64,
    deviation: u64,
}

impl Rtt {
    /// One more round trip, of a message that was sent once.
    pub fn measure(&mut self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        if self.smoothed == 0 {
            *self = Self { smoothed: time, deviation: time / 2 };
            return;
        }
        let off = time.abs_diff(self.smoothed);
        self.deviation = self.deviation - self.deviation / 4 + off / 4;
        self.smoothed = (self.smoothed - self.smoothed / 8 + time / 8).max(1);
    }

    /// How long to wait for an answer, but `first` while nothing was measured.
    #[must_use]
    pub fn wait(&self, first: Duration) -> Duration {
        if self.smoothed == 0 {
            return first;
        }
        Duration::from_nanos(self.smoothed.saturating_add(4 * self.deviation)).max(FLOOR)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, FLOOR, Rtt};

    #[test]
    fn waits_follow_what_is_measured_and_keep_to_the_floor() {
        let mut rtt = Rtt::default();
        assert_eq!(rtt.wait(Duration::from_millis(20)), Duration::from_millis(20));
        (0..100).for_each(|_| rtt.measure(Duration::from_micros(10)));
        assert_eq!(rtt.wait(Duration::MAX), FLOOR);
        (0..100).for_each(|_| rtt.measure(Duration::from_millis(50)));
        let wait = rtt.wait(Duration::MAX);
        assert!((50..70).contains(&wait.as_millis()), "{wait:?}");
        rtt.measure(Duration::MAX);
        rtt.measure(Duration::ZERO);
        assert!(rtt.wait(Duration::MAX) > FLOOR);
    }
}
