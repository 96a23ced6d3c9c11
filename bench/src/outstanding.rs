//! Many calls under way at once: what a call costs when nobody waits for a single one.
//!
//! The mean is the time that passed, divided by the calls that ended in it. Percentiles are of the same over short turns:
//! [`COUNT`] calls, or a slice of time where callers are kernel threads. How long each call took on its own is in the
//! facts: with n callers it is n times as much, unless some wait and others call.

pub(crate) mod fibers;
pub(crate) mod pipeline;
#[cfg(any(test, feature = "peers"))]
pub(crate) mod window;

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::measure::{Plan, Watch};
use crate::mem::ticks;
use crate::sample::{Sample, new_histogram, percentile, record, record_many};

/// Calls under way.
pub(crate) const COUNT: usize = 32;

/// What ended in some time.
#[derive(Debug)]
struct Tally {
    calls: u64,
    /// The time of short turns, divided by the calls of each.
    turns: Histogram<u64>,
    latencies: Histogram<u64>,
}

impl Tally {
    fn new() -> Self {
        Self { calls: 0, turns: new_histogram(), latencies: new_histogram() }
    }

    fn sample(self, elapsed: Duration) -> Sample {
        let mut sample = Sample::new(elapsed.as_nanos() as f64 / self.calls.max(1) as f64, self.turns, self.calls);
        sample.fact("latency_p50_ns", percentile(&self.latencies, 50.0));
        sample.fact("latency_p99_ns", percentile(&self.latencies, 99.0));
        sample
    }
}

const WARM_UP: u8 = 0;
const TIMED: u8 = 1;
const OVER: u8 = 2;

/// Slices of the time in which kernel threads call.
const SLICES: u32 = 20;

/// A caller's count, on a line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Count(AtomicU64);

/// Has the calls count that are made from now on, and tallies them by slices until their time is over; how long that was.
/// `total`: calls until now.
fn tally_slices(plan: &Plan, phase: &AtomicU8, total: impl Fn() -> u64) -> (Tally, Duration) {
    let (mut tally, start, first) = (Tally::new(), Instant::now(), total());
    let _ = phase.compare_exchange(WARM_UP, TIMED, Ordering::Relaxed, Ordering::Relaxed);
    for _ in 0..SLICES {
        let (before, calls) = (Instant::now(), total());
        std::thread::sleep((plan.batches + plan.singles) / SLICES);
        let made = total() - calls;
        // As often as there were calls in it: a slice in which others had the processors is not one call.
        let took = before.elapsed().as_nanos() as f64 / made.max(1) as f64;
        record_many(&mut tally.turns, took, made);
    }
    let elapsed = start.elapsed();
    tally.calls = total() - first;
    phase.store(OVER, Ordering::Relaxed);
    (tally, elapsed)
}

/// Measures [`COUNT`] kernel threads, each of which makes calls one after the other with what `make` gives it.
///
/// # Errors
/// The first call that fails.
pub(crate) fn threads<C: FnMut() -> Result<()>>(
    plan: &Plan,
    watch: &mut impl Watch,
    make: impl Fn() -> C + Sync,
) -> Result<Sample> {
    let phase = AtomicU8::new(WARM_UP);
    let counts: [Count; COUNT] = std::array::from_fn(|_| Count::default());
    let caller = |count: &Count| -> Result<Histogram<u64>> {
        let (mut call, mut latencies) = (make(), new_histogram());
        loop {
            let before = ticks();
            let done = call();
            let after = ticks();
            // Relaxed: the phase only says which calls count, and the counts guard nothing.
            match (done, phase.load(Ordering::Relaxed)) {
                (Err(error), _) => {
                    phase.store(OVER, Ordering::Relaxed);
                    return Err(error);
                }
                (Ok(()), WARM_UP) => {}
                (Ok(()), TIMED) => {
                    record(&mut latencies, plan.clock.nanoseconds(before, after));
                    count.0.store(count.0.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                }
                (Ok(()), _) => return Ok(latencies),
            }
        }
    };
    let total = || counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum::<u64>();
    std::thread::scope(|scope| {
        let callers: Vec<_> = counts.iter().map(|count| scope.spawn(|| caller(count))).collect();
        std::thread::sleep(plan.warm_up);
        let begun = watch.begin();
        let (mut tally, elapsed) = tally_slices(plan, &phase, total);
        for caller in callers {
            match caller.join() {
                Ok(latencies) => tally.latencies += latencies?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        begun?;
        watch.end()?;
        Ok(tally.sample(elapsed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::measure::Unwatched;

    pub(super) fn plan() -> Plan {
        Plan::quick(Clock::calibrate())
    }

    #[test]
    fn all_threads_call_and_the_first_error_ends_it() {
        let ids = std::sync::Mutex::new(std::collections::BTreeSet::new());
        let sample = threads(&plan(), &mut Unwatched, || {
            ids.lock().unwrap().insert(format!("{:?}", std::thread::current().id()));
            || {
                std::thread::yield_now();
                Ok(())
            }
        });
        assert_eq!(ids.into_inner().unwrap().len(), COUNT);
        assert!(sample.unwrap().calls > 0);
        assert!(threads(&plan(), &mut Unwatched, || || anyhow::bail!("no")).is_err());
    }
}
