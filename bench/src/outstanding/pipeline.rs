//! Calls under way from one kernel thread that starts them, and takes the oldest when as many are under way as there should be.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use nearcall::Pending;

use super::Tally;
use crate::measure::{Plan, Watch};
use crate::mem::ticks;
use crate::sample::{Sample, record};

/// Measures `depth` calls under way at a time, which `begin` starts, given the number of the call.
///
/// # Errors
/// The first call that fails.
pub(crate) fn pipeline<'a>(
    plan: &Plan,
    watch: &mut impl Watch,
    begin: impl Fn(u32) -> Result<Pending<'a, ()>>,
    depth: u32,
) -> Result<Sample> {
    run(plan, &begin, depth, plan.warm_up)?;
    watch.begin()?;
    let start = Instant::now();
    let tally = run(plan, &begin, depth, plan.batches + plan.singles)?;
    let elapsed = start.elapsed();
    watch.end()?;
    Ok(tally.sample(elapsed))
}

fn run<'a>(plan: &Plan, begin: &impl Fn(u32) -> Result<Pending<'a, ()>>, depth: u32, time: Duration) -> Result<Tally> {
    let mut tally = Tally::new();
    let mut under_way: VecDeque<(u64, Pending<'a, ()>)> = VecDeque::new();
    let mut number = 0;
    let (start, mut turn) = (Instant::now(), ticks());
    loop {
        let is_over = start.elapsed() >= time;
        while !is_over && under_way.len() < depth as usize {
            under_way.push_back((ticks(), begin(number)?));
            number = number.wrapping_add(1);
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
