//! A member's process: sleeps at its standard input until it is ordered to do something, and says how long that took.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::floor::futex::Pair;
use crate::near::interface::BenchClient;
use crate::near::session::{Wait, bind};
use crate::ordered;
use crate::peer::Processors;

/// What a member is told to do, a line of JSON each. The answer is a line with a list of nanoseconds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Binds to the server whose name is in this directory, and makes one call over each binding. Answers with how long
    /// each bind took.
    Bind { names: PathBuf, count: u32 },
    /// Makes one call over a binding. Answers with how long it took.
    Call { binding: u32 },
    /// Calls over the first binding without pause, and answers with how long a call took.
    Hot { time: Duration },
    /// Starts a process and makes a turn of a bare futex with it.
    Pair,
    /// Makes one more turn. Answers with how long it took.
    Turn,
}

/// Calls between two looks at the clock.
const CALLS: u64 = 64;

/// Does what it is told until its standard input ends.
///
/// # Errors
/// The first order that cannot be read or done.
pub(crate) fn obey() -> Result<()> {
    let mut member = Member { clients: Vec::new(), pair: None };
    ordered::obey(|order| member.perform(order))
}

struct Member {
    clients: Vec<BenchClient>,
    pair: Option<Pair>,
}

impl Member {
    fn perform(&mut self, order: Order) -> Result<Vec<u64>> {
        match order {
            Order::Bind { names, count } => {
                let mut times = Vec::with_capacity(count as usize);
                for _ in 0..count {
                    let start = Instant::now();
                    let client = bind(&names, Wait::Auto)?;
                    times.push(nanoseconds(start));
                    client.null().context("the first call over a binding")?;
                    self.clients.push(client);
                }
                Ok(times)
            }
            Order::Call { binding } => {
                let client = self.client(binding)?;
                let start = Instant::now();
                client.null()?;
                Ok(vec![nanoseconds(start)])
            }
            Order::Hot { time } => {
                let client = self.client(0)?;
                let (start, mut calls) = (Instant::now(), 0);
                while start.elapsed() < time {
                    for _ in 0..CALLS {
                        client.null()?;
                    }
                    calls += CALLS;
                }
                Ok(vec![nanoseconds(start) / calls.max(1)])
            }
            Order::Pair => {
                let mut pair = Pair::start(&Processors::find()?)?;
                pair.turn()?;
                self.pair = Some(pair);
                Ok(Vec::new())
            }
            Order::Turn => {
                let pair = self.pair.as_mut().context("no pair was started")?;
                let start = Instant::now();
                pair.turn()?;
                Ok(vec![nanoseconds(start)])
            }
        }
    }

    fn client(&self, binding: u32) -> Result<&BenchClient> {
        self.clients.get(binding as usize).context("no such binding")
    }
}

pub(super) fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
