//! Calls of user-level threads of one processor, each of which makes one after the other.

use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use nearcall::thread;

use super::{Count, OVER, TIMED, WARM_UP, tally_slices};
use crate::measure::{Plan, Watch};
use crate::mem::ticks;
use crate::sample::{Sample, new_histogram, record};

/// Calls of which one is timed singly: a look at the clock is a good part of what a call costs its caller here.
const TIMED_ONE_IN: u64 = 16;

/// Measures `depth` threads, each of which calls with its number.
///
/// # Errors
/// The first call that fails.
pub(crate) fn fibers(
    plan: &Plan,
    watch: &mut impl Watch,
    call: impl Fn(u32) -> Result<()> + Sync,
    depth: u32,
) -> Result<Sample> {
    thread::set_workers(1);
    let phase = AtomicU8::new(WARM_UP);
    let counts: Vec<Count> = (0..depth).map(|_| Count::default()).collect();
    let caller = |number: u32, count: &Count| -> Result<Histogram<u64>> {
        let mut latencies = new_histogram();
        for made in 1_u64.. {
            // Relaxed: the phase only says which calls count, and the counts guard nothing.
            count.0.store(made, Ordering::Relaxed);
            if !made.is_multiple_of(TIMED_ONE_IN) {
                call(number)?;
                continue;
            }
            let before = ticks();
            call(number)?;
            let after = ticks();
            match phase.load(Ordering::Relaxed) {
                TIMED => record(&mut latencies, plan.clock.nanoseconds(before, after)),
                OVER => break,
                _ => {}
            }
        }
        Ok(latencies)
    };
    let caller =
        |number: u32, count: &Count| caller(number, count).inspect_err(|_| phase.store(OVER, Ordering::Relaxed));
    let caller = &caller;
    let total = || counts.iter().map(|count| count.0.load(Ordering::Relaxed)).sum::<u64>();
    thread::scope(|scope| {
        let callers: Vec<_> =
            (0..).zip(&counts).map(|(number, count)| scope.spawn(move || caller(number, count))).collect();
        std::thread::sleep(plan.warm_up);
        let begun = watch.begin();
        let (mut tally, elapsed) = tally_slices(plan, &phase, total);
        let ended = watch.end();
        for caller in callers {
            tally.latencies += caller.join().map_err(|error| anyhow!("a thread that calls: {error}"))??;
        }
        begun.and(ended)?;
        Ok(tally.sample(elapsed))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::plan;
    use super::*;
    use crate::measure::Unwatched;

    #[test]
    fn all_threads_call_and_the_first_error_ends_it() {
        let made = || {
            let turn = |_| {
                thread::yield_now();
                Ok(())
            };
            fibers(&plan(), &mut Unwatched, turn, 3).unwrap().calls
        };
        // Its times are some milliseconds, for all of which others may have the CPU.
        assert!((0..1000).any(|_| made() > 0));
        assert!(fibers(&plan(), &mut Unwatched, |_| anyhow::bail!("no"), 3).is_err());
    }
}
