//! How one case is measured in one round.
//!
//! Warm-up first, which counts for nothing. Then batches of calls with one clock reading around each batch give the
//! mean: a reading costs 10 to 30 ns, which would be a good part of a call of 100 ns. Then single calls, each between two
//! readings whose cost is taken off, give the percentiles. So p50 of a short call differs from the mean by more than its
//! distribution: single calls do not overlap with the next one, and readings are good to a few nanoseconds only.

use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::clock::Clock;
use crate::mem::ticks;

/// Times of one round of one case, and the clock they are read with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How long calls run before any counts.
    pub(crate) warm_up: Duration,
    /// How long batches run.
    pub(crate) batches: Duration,
    /// How long single calls are timed, at most.
    pub(crate) singles: Duration,
    /// The clock of the single calls.
    pub(crate) clock: Clock,
}

/// Single calls timed in a round, at most.
const SINGLES: usize = 20_000;
/// Calls of a batch, at most; also bounds the first batch before the pace is known.
const BATCH: u64 = 65_536;

impl Plan {
    /// The usual plan: a tenth of a second a round.
    pub(crate) fn usual(clock: Clock) -> Self {
        let ms = Duration::from_millis;
        Self { warm_up: ms(30), batches: ms(60), singles: ms(20), clock }
    }

    /// A short plan, to see that everything runs.
    pub(crate) fn quick(clock: Clock) -> Self {
        let ms = Duration::from_millis;
        Self { warm_up: ms(10), batches: ms(10), singles: ms(5), clock }
    }

    /// Measures `call`, which makes and verifies one call. Times are divided by `per_call`: the requests one `call`
    /// stands for.
    ///
    /// # Errors
    /// The first error of `call`.
    pub(crate) fn measure(&self, per_call: u32, mut call: impl FnMut() -> Result<()>) -> Result<Sample> {
        let pace = batches(self.warm_up, 1, &mut call)?;
        // About 50 batches, so that the loop ends in time and the readings weigh nothing.
        let size = (self.batches.as_nanos() as f64 / 50.0 / pace.max(1.0)) as u64;
        let mean = batches(self.batches, size.clamp(1, BATCH), &mut call)?;
        let mut singles = new_histogram();
        let deadline = Instant::now() + self.singles;
        for _ in 0..SINGLES {
            let before = ticks();
            call()?;
            let after = ticks();
            record(&mut singles, self.clock.nanoseconds(before, after) / f64::from(per_call));
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(Sample { mean: mean / f64::from(per_call), singles })
    }
}

/// What is done with the calls of a case.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Job {
    /// Measure them.
    Plan(Plan),
    /// Make a number of calls and no more, for counts.
    Exactly {
        /// Calls before those.
        warm_up: u64,
        /// Calls over which the mean is taken.
        calls: u64,
    },
}

impl Job {
    /// Does it with `call`, which makes and verifies one call.
    ///
    /// # Errors
    /// The first error of `call`.
    pub(crate) fn run(&self, mut call: impl FnMut() -> Result<()>) -> Result<Sample> {
        match *self {
            Self::Plan(plan) => plan.measure(1, call),
            Self::Exactly { warm_up, calls } => {
                // Allocated before the first call, since allocations are among what is counted.
                let singles = new_histogram();
                for _ in 0..warm_up {
                    call()?;
                }
                let start = Instant::now();
                for _ in 0..calls {
                    call()?;
                }
                let mean = if calls == 0 { 0.0 } else { start.elapsed().as_nanos() as f64 / calls as f64 };
                Ok(Sample { mean, singles })
            }
        }
    }
}

/// What a round found for one case; nanoseconds.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The mean over the batches.
    pub(crate) mean: f64,
    /// Single calls, in tenths of a nanosecond.
    pub(crate) singles: Histogram<u64>,
}

/// An empty histogram of single calls, for [`record`] and [`percentile`].
pub(crate) fn new_histogram() -> Histogram<u64> {
    // Fixed bounds, a tenth of a nanosecond to 100 s: a histogram that grows cannot be recorded into without an error.
    Histogram::new_with_bounds(1, 1_000_000_000_000, 3).expect("the bounds are in order, and 3 digits are few enough")
}

/// A percentile of single calls, in nanoseconds.
pub(crate) fn percentile(singles: &Histogram<u64>, percent: f64) -> f64 {
    singles.value_at_percentile(percent) as f64 / 10.0
}

fn record(singles: &mut Histogram<u64>, nanoseconds: f64) {
    singles.saturating_record((nanoseconds * 10.0) as u64);
}

/// Runs batches for about `time` and returns the mean of one call in nanoseconds.
fn batches(time: Duration, size: u64, call: &mut impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    let mut calls = 0_u64;
    loop {
        for _ in 0..size {
            call()?;
        }
        calls += size;
        let elapsed = start.elapsed();
        if elapsed >= time {
            return Ok(elapsed.as_nanos() as f64 / calls as f64);
        }
    }
}
