//! A call out of the cold: a process that has slept makes one call over one of its bindings, while another client calls
//! the same server without pause, so that no processor is free and the server's attention is elsewhere.
//!
//! Who calls next, and when, is chance. The floor has the same processes in the same sleep, woken in the same way, and the
//! same client and server that keep the processors busy; but what is timed is a turn of a bare futex with a process that
//! sleeps and does nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Size;
use super::crowd;
use super::member::Order;
use crate::client::Task;
use crate::measure::Plan;
use crate::mem::ticks;
use crate::near::session::{Server, Wait};
use crate::sample::{Sample, new_histogram, record};

/// What the cold ones do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Party {
    /// They call the server.
    Bound,
    /// They turn a bare futex.
    Floor,
}

/// The hot client has this long to make the server poll before the first cold call.
const SETTLE: Duration = Duration::from_millis(50);

/// Between two cold calls, at least, and as much again at most.
const PAUSE_US: u64 = 1000;

/// Cold calls of a round take this many times what a case with gaps has.
const LONGER: u32 = 6;

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(size: Size, plan: &Plan, task: &Task, party: Party) -> Result<Sample> {
    let server = Server::start(task, Wait::Auto)?;
    let mut members = crowd::start(task, size.processes)?;
    let (hot, cold) = members.split_first_mut().context("a crowd has members")?;
    hot.ask(&Order::Bind { names: server.names().to_owned(), count: size.bindings })?;
    match party {
        Party::Bound => drop(crowd::bind(cold, server.names(), size.bindings)?),
        Party::Floor => {
            for member in &mut *cold {
                member.ask(&Order::Pair)?;
            }
        }
    }
    let time = plan.paced * LONGER;
    hot.tell(&Order::Hot { time: time + 2 * SETTLE })?;
    std::thread::sleep(SETTLE);
    let mut chance = Chance(ticks());
    let (mut singles, mut sum, mut calls) = (new_histogram(), 0.0, 0_u64);
    let start = Instant::now();
    while start.elapsed() < time {
        std::thread::sleep(Duration::from_micros(PAUSE_US + chance.below(PAUSE_US)));
        let who = chance.below(cold.len() as u64) as usize;
        let order = match party {
            Party::Bound => Order::Call { binding: chance.below(u64::from(size.bindings)) as u32 },
            Party::Floor => Order::Turn,
        };
        let took = cold[who].ask_one(&order)?;
        record(&mut singles, took);
        sum += took;
        calls += 1;
    }
    let hot_ns = hot.hear()?.first().copied().unwrap_or(0);
    let mut sample = Sample::new(sum / calls.max(1) as f64, singles, calls);
    sample.fact("hot_ns", hot_ns as f64);
    sample.fact("cold_calls", calls as f64);
    sample.fact("clients", f64::from(size.processes));
    if party == Party::Bound {
        sample.fact("bindings", f64::from(size.processes * size.bindings));
    }
    Ok(sample)
}

/// Numbers that nobody has to guess (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn chance_reaches_everybody() {
        let mut chance = Chance(7);
        let mut hits = [0; 63];
        (0..6300).for_each(|_| hits[chance.below(63) as usize] += 1);
        assert!(hits.iter().all(|count| (50..200).contains(count)), "{hits:?}");
        assert_eq!(chance.below(0), 0);
    }
}
