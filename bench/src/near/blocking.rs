//! Calls of which one in a hundred blocks for a millisecond in code that does not say so, and what the others take.
//!
//! Two kernel threads of the client call at once, so that there is somebody to be kept waiting. Which calls block is decided by
//! their numbers, scattered, so that no caller blocks at the same turn of each hundred. The value is the mean of those that do
//! not; how long the blocked ones took is in the facts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use super::session::{Session, Wait};
use crate::client::Task;
use crate::measure::Plan;
use crate::mem::ticks;
use crate::sample::{Sample, new_histogram, percentile, record};

/// Kernel threads of the client that call.
const CALLERS: u32 = 2;

/// How long one call in a hundred blocks.
const BLOCK: Duration = Duration::from_millis(1);

/// Times as long as other cases run: most of the time somebody is blocked.
const PATIENCE: u32 = 10;

/// What a caller has seen.
struct Seen {
    others: Histogram<u64>,
    blocked: Histogram<u64>,
    /// Of `others`, in nanoseconds.
    sum: f64,
}

/// Whether the call with this number blocks: one in a hundred, scattered.
fn blocks(number: u64) -> bool {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (1 << 32) / 100
}

/// Measures.
///
/// # Errors
/// The first call that fails, and what a session fails with.
pub(crate) fn measure(plan: &Plan, task: &Task) -> Result<Sample> {
    let session = Session::start(task, Wait::Auto)?;
    let begun = session.client.usage()?;
    let (numbers, counts, over) = (AtomicU64::new(0), AtomicBool::new(false), AtomicBool::new(false));
    let micros = u32::try_from(BLOCK.as_micros())?;
    let caller = || -> Result<Seen> {
        let mut seen = Seen { others: new_histogram(), blocked: new_histogram(), sum: 0.0 };
        // Relaxed: a flag that is late by a call does no harm.
        while !over.load(Ordering::Relaxed) {
            let is_blocked = blocks(numbers.fetch_add(1, Ordering::Relaxed));
            let before = ticks();
            if is_blocked {
                session.client.block(micros)?;
            } else {
                session.client.null()?;
            }
            let took = plan.clock.nanoseconds(before, ticks());
            if !counts.load(Ordering::Relaxed) {
                continue;
            }
            record(if is_blocked { &mut seen.blocked } else { &mut seen.others }, took);
            if !is_blocked {
                seen.sum += took;
            }
        }
        Ok(seen)
    };
    let start = Instant::now();
    let seen = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        std::thread::sleep(plan.warm_up);
        counts.store(true, Ordering::Relaxed);
        std::thread::sleep(PATIENCE * (plan.batches + plan.singles));
        over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().expect("no caller panics")).collect::<Result<Vec<_>>>()
    })?;
    let elapsed = start.elapsed();
    let mut all = Seen { others: new_histogram(), blocked: new_histogram(), sum: 0.0 };
    for seen in seen {
        all.others += seen.others;
        all.blocked += seen.blocked;
        all.sum += seen.sum;
    }
    let calls = all.others.len();
    let mut sample = Sample::new(all.sum / calls.max(1) as f64, all.others, calls);
    sample.fact("blocked_calls", all.blocked.len() as f64);
    sample.fact("blocked_p50_ns", percentile(&all.blocked, 50.0));
    sample.fact("seconds", elapsed.as_secs_f64());
    let ended = session.client.usage()?;
    let relieved = ended[ended.len() - 1] - begun[begun.len() - 1];
    sample.fact("server_relieved", relieved as f64);
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_in_a_hundred_blocks_and_never_many_in_a_row() {
        let blocked: Vec<u64> = (0..100_000).filter(|&number| blocks(number)).collect();
        assert!((900..1100).contains(&blocked.len()), "{}", blocked.len());
        assert!(blocked.windows(3).all(|these| these[2] - these[0] > 2));
    }
}
