//! Calls under way from one kernel thread that starts them, and takes the oldest when as many are under way as there should be.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use nearcall::Pending;

use super::Tally;
use crate::measure::{Plan, Watch};
use crate::mem::ticks;
use crate::near::interface::BenchClient;
use crate::sample::{Sample, record};

/// Measures `depth` calls under way at a time.
///
/// # Errors
/// The first call that fails.
pub(crate) fn pipeline(plan: &Plan, watch: &mut impl Watch, client: &BenchClient, depth: u32) -> Result<Sample> {
    run(plan, client, depth, plan.warm_up)?;
    watch.begin()?;
    let start = Instant::now();
    let tally = run(plan, client, depth, plan.batches + plan.singles)?;
    let elapsed = start.elapsed();
    watch.end()?;
    Ok(tally.sample(elapsed))
}

fn run(plan: &Plan, client: &BenchClient, depth: u32, time: Duration) -> Result<Tally> {
    let mut tally = Tally::new();
    let mut under_way: VecDeque<(u64, Pending<'_, ()>)> = VecDeque::new();
    let (start, mut turn) = (Instant::now(), ticks());
    loop {
        let is_over = start.elapsed() >= time;
        while !is_over && under_way.len() < depth as usize {
            under_way.push_back((ticks(), client.start_null32()?));
        }
        let Some((begun, pending)) = under_way.pop_front() else { return Ok(tally) };
        pending.wait()?;
        let now = ticks();
        tally.calls += 1;
        record(&mut tally.latencies, plan.clock.nanoseconds(begun, now));
        if tally.calls.is_multiple_of(u64::from(depth)) {
            record(&mut tally.turns, plan.clock.nanoseconds(turn, now) / f64::from(depth));
            turn = now;
        }
    }
}
