//! What a tick of [`crate::mem::ticks`] is worth, and what reading it costs.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::mem::ticks;

/// The tick clock, measured against the monotonic clock.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Clock {
    nanoseconds_per_tick: f64,
    /// Ticks between two readings with nothing between them: taken off every single call.
    overhead: u64,
}

impl Clock {
    /// Measures the clock, in about 20 ms.
    pub(crate) fn calibrate() -> Self {
        let (start, first) = (Instant::now(), ticks());
        let mut empty: Vec<u64> = Vec::with_capacity(1001);
        for _ in 0..1001 {
            let before = ticks();
            empty.push(ticks().wrapping_sub(before));
        }
        empty.sort_unstable();
        std::thread::sleep(Duration::from_millis(20));
        let (last, elapsed) = (ticks(), start.elapsed());
        let passed = last.wrapping_sub(first).max(1);
        Self { nanoseconds_per_tick: elapsed.as_nanos() as f64 / passed as f64, overhead: empty[empty.len() / 2] }
    }

    /// Nanoseconds between two readings, without what the readings cost.
    pub(crate) fn nanoseconds(&self, before: u64, after: u64) -> f64 {
        after.wrapping_sub(before).saturating_sub(self.overhead) as f64 * self.nanoseconds_per_tick
    }
}
