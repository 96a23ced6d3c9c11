//! Calls under way from one kernel thread: of clients that are asynchronous, or that send before they receive.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::{COUNT, Tally};
use crate::clock::Clock;
use crate::measure::{Plan, Watch};
use crate::mem::ticks;
use crate::sample::{Sample, record};

/// Counts what ends.
#[derive(Debug)]
pub(crate) struct Meter {
    clock: Clock,
    start: Instant,
    time: Duration,
    /// When the turn began, in ticks.
    turn: u64,
    tally: Tally,
}

impl Meter {
    fn new(clock: Clock, time: Duration) -> Self {
        Self { clock, start: Instant::now(), time, turn: ticks(), tally: Tally::new() }
    }

    /// A call that began at `begun`, in ticks, has ended.
    pub(crate) fn ended(&mut self, begun: u64) {
        let now = ticks();
        self.tally.calls += 1;
        record(&mut self.tally.latencies, self.clock.nanoseconds(begun, now));
        if self.tally.calls.is_multiple_of(COUNT as u64) {
            record(&mut self.tally.turns, self.clock.nanoseconds(self.turn, now) / COUNT as f64);
            self.turn = now;
        }
    }

    /// Whether no call should begin any more.
    pub(crate) fn is_over(&self) -> bool {
        self.start.elapsed() >= self.time
    }
}

/// Measures with `run`, which keeps [`COUNT`] calls under way until the meter is over, and tells it each end.
///
/// # Errors
/// The first call that fails.
pub(crate) fn measure(
    plan: &Plan,
    watch: &mut impl Watch,
    mut run: impl FnMut(&mut Meter) -> Result<()>,
) -> Result<Sample> {
    run(&mut Meter::new(plan.clock, plan.warm_up))?;
    watch.begin()?;
    let mut meter = Meter::new(plan.clock, plan.batches + plan.singles);
    run(&mut meter)?;
    let elapsed = meter.start.elapsed();
    watch.end()?;
    Ok(meter.tally.sample(elapsed))
}

/// Keeps [`COUNT`] requests under way: `send` and `receive` get the number of the request, counted from `first` on, and
/// replies come in the order of the requests. Returns the number after the last.
///
/// # Errors
/// The first that fails.
pub(crate) fn run(
    meter: &mut Meter,
    first: u64,
    mut send: impl FnMut(u64) -> Result<()>,
    mut receive: impl FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let mut begun = [0; COUNT];
    let (mut oldest, mut next) = (first, first);
    while oldest < next || !meter.is_over() {
        if next < oldest + COUNT as u64 && !meter.is_over() {
            begun[next as usize % COUNT] = ticks();
            send(next)?;
            next += 1;
            continue;
        }
        receive(oldest)?;
        meter.ended(begun[oldest as usize % COUNT]);
        oldest += 1;
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::super::tests::plan;
    use super::*;
    use crate::measure::Unwatched;

    #[test]
    fn a_window_is_full_and_in_order() {
        let under_way = RefCell::new(VecDeque::new());
        let (mut most, mut first) = (0, 1);
        let sample = measure(&plan(), &mut Unwatched, |meter| {
            let send = |number| {
                under_way.borrow_mut().push_back(number);
                most = most.max(under_way.borrow().len());
                Ok(())
            };
            let receive = |number| {
                assert_eq!(under_way.borrow_mut().pop_front(), Some(number));
                Ok(())
            };
            first = run(meter, first, send, receive)?;
            Ok(())
        });
        assert!(under_way.borrow().is_empty());
        assert_eq!(most, COUNT);
        let sample = sample.unwrap();
        assert!(sample.calls > 0 && sample.calls < first && sample.facts["latency_p50_ns"] > 0.0);
    }
}
