//! How one case is measured in one round.
//!
//! Warm-up first, which counts for nothing. Calls back to back are timed twice: batches with one clock reading around
//! each give the mean, because a reading costs 10 to 30 ns, which would be a good part of a call of 100 ns; then single
//! calls, each between two readings whose cost is taken off, give the percentiles. So p50 of a short call differs from
//! the mean by more than its distribution: single calls do not overlap with the next one, and readings are good to a few
//! nanoseconds only. Calls with a gap before each are timed singly, and their mean is that of the single calls.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::mem::ticks;
use crate::sample::{Sample, new_histogram, record};

/// Times of one round of one case, and the clock they are read with.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What happens between calls.
    pub(crate) pace: Pace,
    /// How long calls run before any counts.
    pub(crate) warm_up: Duration,
    /// How long batches run.
    pub(crate) batches: Duration,
    /// How long single calls are timed, at most.
    pub(crate) singles: Duration,
    /// How long calls with gaps are timed.
    pub(crate) paced: Duration,
    /// Calls with gaps that are timed at least, however long they take.
    pub(crate) paced_count_min: u64,
    /// How long both sides are looked at when nobody calls.
    pub(crate) idle: Duration,
    /// The clock of the single calls.
    pub(crate) clock: Clock,
}

/// What the caller does between two calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Pace {
    /// Nothing: calls back to back.
    BackToBack,
    /// It keeps its processor busy that long.
    Busy(Duration),
    /// It sleeps that long.
    Sleep(Duration),
    /// It makes other calls that long, which are not timed: so the server has no gap at all in which it could stop
    /// polling, and the timed calls show what always polling would give, and cost.
    Filled(Duration),
}

/// Single calls timed in a round, at most.
const SINGLES: usize = 20_000;
/// Calls of a batch, at most; also bounds the first batch before the pace is known.
const BATCH: u64 = 65_536;

impl Plan {
    /// The usual plan: a tenth of a second a round.
    pub(crate) fn usual(clock: Clock) -> Self {
        let ms = Duration::from_millis;
        Self {
            pace: Pace::BackToBack,
            warm_up: ms(40),
            batches: ms(60),
            singles: ms(20),
            paced: ms(150),
            paced_count_min: 30,
            idle: Duration::from_secs(2),
            clock,
        }
    }

    /// A short plan, to see that everything runs.
    pub(crate) fn quick(clock: Clock) -> Self {
        let ms = Duration::from_millis;
        Self {
            warm_up: ms(10),
            batches: ms(10),
            singles: ms(5),
            paced: ms(20),
            paced_count_min: 3,
            idle: ms(200),
            ..Self::usual(clock)
        }
    }

    /// This plan for a case whose calls take milliseconds, because others have the processors in between.
    pub(crate) fn patient(self) -> Self {
        let Self { warm_up, batches, singles, .. } = self;
        Self { warm_up: 2 * warm_up, batches: 4 * batches, singles: 10 * singles, ..self }
    }

    /// Measures `call`, which makes and verifies one call. Times are divided by `per_call`: the requests one `call`
    /// stands for.
    ///
    /// # Errors
    /// The first error of `call`.
    pub(crate) fn measure(&self, per_call: u32, mut call: impl FnMut() -> Result<()>) -> Result<Sample> {
        let typical = self.warm_up(&mut call)?;
        self.timed(per_call, typical, call)
    }

    /// Makes the calls that count for nothing, at the pace of those that do, and returns how long one took, in
    /// nanoseconds.
    fn warm_up(&self, call: &mut impl FnMut() -> Result<()>) -> Result<f64> {
        if self.pace == Pace::BackToBack {
            return Ok(batches(self.warm_up, 1, call)?.0);
        }
        let deadline = Instant::now() + self.warm_up;
        for made in 0_u64.. {
            if made >= self.paced_count_min / 3 && Instant::now() >= deadline {
                break;
            }
            self.gap(call)?;
            call()?;
        }
        Ok(0.0)
    }

    fn timed(&self, per_call: u32, typical: f64, mut call: impl FnMut() -> Result<()>) -> Result<Sample> {
        let mut singles = new_histogram();
        if self.pace != Pace::BackToBack {
            return self.timed_with_gaps(singles, call);
        }
        // About 50 batches, so that the loop ends in time and the readings weigh nothing.
        let size = (self.batches.as_nanos() as f64 / 50.0 / typical.max(1.0)) as u64;
        let (mean, mut calls) = batches(self.batches, size.clamp(1, BATCH), &mut call)?;
        let deadline = Instant::now() + self.singles;
        for _ in 0..SINGLES {
            let before = ticks();
            call()?;
            let after = ticks();
            calls += 1;
            record(&mut singles, self.clock.nanoseconds(before, after) / f64::from(per_call));
            if Instant::now() >= deadline {
                break;
            }
        }
        Ok(Sample::new(mean / f64::from(per_call), singles, calls))
    }

    fn timed_with_gaps(
        &self,
        mut singles: hdrhistogram::Histogram<u64>,
        mut call: impl FnMut() -> Result<()>,
    ) -> Result<Sample> {
        let deadline = Instant::now() + self.paced;
        let (mut sum, mut calls) = (0.0, 0);
        while calls < self.paced_count_min || Instant::now() < deadline {
            self.gap(&mut call)?;
            let before = ticks();
            call()?;
            let after = ticks();
            let nanoseconds = self.clock.nanoseconds(before, after);
            record(&mut singles, nanoseconds);
            sum += nanoseconds;
            calls += 1;
        }
        Ok(Sample::new(sum / calls as f64, singles, calls))
    }

    fn gap(&self, call: &mut impl FnMut() -> Result<()>) -> Result<()> {
        let start = Instant::now();
        match self.pace {
            Pace::BackToBack => {}
            // No `pause`: it stands for work, and work does not tell the processor that it waits.
            Pace::Busy(gap) => while start.elapsed() < gap {},
            Pace::Sleep(gap) => std::thread::sleep(gap),
            Pace::Filled(gap) => {
                while start.elapsed() < gap {
                    call()?;
                }
            }
        }
        Ok(())
    }
}

/// What is done with the calls of a case.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

/// Looks before the first call that counts and after the last one.
pub(crate) trait Watch {
    /// The warm-up is over.
    ///
    /// # Errors
    /// When it cannot look.
    fn begin(&mut self) -> Result<()>;

    /// The last call that counts is over.
    ///
    /// # Errors
    /// When it cannot look.
    fn end(&mut self) -> Result<()>;
}

/// Who does not look.
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Job {
    /// Does it with `call`, which makes and verifies one call.
    ///
    /// # Errors
    /// The first error of `call` or `watch`.
    pub(crate) fn run(&self, watch: &mut impl Watch, mut call: impl FnMut() -> Result<()>) -> Result<Sample> {
        match *self {
            Self::Plan(plan) => {
                let typical = plan.warm_up(&mut call)?;
                watch.begin()?;
                let sample = plan.timed(1, typical, call)?;
                watch.end()?;
                Ok(sample)
            }
            Self::Exactly { warm_up, calls } => {
                // Allocated before the first call, since allocations are among what is counted.
                let singles = new_histogram();
                for _ in 0..warm_up {
                    call()?;
                }
                watch.begin()?;
                let start = Instant::now();
                for _ in 0..calls {
                    call()?;
                }
                let elapsed = start.elapsed();
                watch.end()?;
                let mean = if calls == 0 { 0.0 } else { elapsed.as_nanos() as f64 / calls as f64 };
                Ok(Sample::new(mean, singles, calls))
            }
        }
    }
}

/// Runs batches for about `time`. Returns the mean of one call in nanoseconds, and the calls.
fn batches(time: Duration, size: u64, call: &mut impl FnMut() -> Result<()>) -> Result<(f64, u64)> {
    let start = Instant::now();
    let mut calls = 0_u64;
    loop {
        for _ in 0..size {
            call()?;
        }
        calls += size;
        let elapsed = start.elapsed();
        if elapsed >= time {
            return Ok((elapsed.as_nanos() as f64 / calls as f64, calls));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pace: Pace) -> Plan {
        Plan { pace, ..Plan::quick(Clock::calibrate()) }
    }

    #[test]
    fn gaps_do_not_count() {
        let gap = Duration::from_millis(2);
        for pace in [Pace::Busy(gap), Pace::Sleep(gap), Pace::Filled(gap)] {
            let (mut made, mut last) = (0_u64, Instant::now());
            let sample = Job::Plan(plan(pace)).run(&mut Unwatched, || {
                if !matches!(pace, Pace::Filled(_)) {
                    assert!(last.elapsed() >= gap, "{pace:?}");
                }
                made += 1;
                last = Instant::now();
                Ok(())
            });
            let sample = sample.unwrap();
            assert!(sample.mean < 1_000_000.0, "{pace:?}: {}", sample.mean);
            assert!(sample.calls >= 3 && made > sample.calls, "{pace:?}: {} of {made}", sample.calls);
        }
    }

    #[test]
    fn exactly_is_exact() {
        let mut made = 0;
        let job = Job::Exactly { warm_up: 7, calls: 100 };
        let sample = job.run(&mut Unwatched, || {
            made += 1;
            Ok(())
        });
        assert_eq!((made, sample.unwrap().calls), (107, 100));
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut made = 0;
        let outcome = plan(Pace::BackToBack).measure(1, || {
            made += 1;
            anyhow::ensure!(made < 5, "five");
            Ok(())
        });
        assert!(outcome.is_err());
        assert_eq!(made, 5);
    }
}
