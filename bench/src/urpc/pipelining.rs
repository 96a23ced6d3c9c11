//! Calls under way at once from one processor: by user-level threads, of which each makes one call after the other, or started
//! by one kernel thread that takes the oldest first (`Pending`).

use std::time::Instant;

use anyhow::{Context, Result};
use nearcall::{Client, ClientCounts};
use serde::{Deserialize, Serialize};

use crate::client::Task;
use crate::measure::{Plan, Watch};
use crate::near::interface::{CROWD, CrowdClient};
use crate::near::session::{POLLED_WITHIN, Server, WAIT, Wait};
use crate::outstanding::{fibers, pipeline};
use crate::sample::Sample;

/// Who makes the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum By {
    /// User-level threads of one processor.
    Threads,
    /// A kernel thread that starts them.
    Pending,
}

/// So many calls under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pipelining {
    pub(crate) by: By,
    pub(crate) depth: u32,
}

/// Depths that are measured.
pub(crate) const DEPTHS: [u32; 5] = [1, 2, 8, 32, 128];

/// What the client has counted, before and after.
struct Counted<'a> {
    client: &'a CrowdClient,
    readings: Vec<ClientCounts>,
}

impl Watch for Counted<'_> {
    fn begin(&mut self) -> Result<()> {
        self.readings.push(self.client.binding().counts());
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.begin()
    }
}

/// Measures null calls, against a server of its own.
///
/// # Errors
/// When the server or the binding cannot be had, and for the first call that fails.
pub(crate) fn measure(what: Pipelining, plan: &Plan, task: &Task) -> Result<Sample> {
    let server = Server::start(task, Wait::Auto)?;
    let client: CrowdClient =
        nearcall::Binder::new(CROWD).dir(server.names()).wait(WAIT).bind().context("binding to the server")?;
    let is_polled = call_until_polled(&client)?;
    let mut counted = Counted { client: &client, readings: Vec::new() };
    let Pipelining { by, depth } = what;
    let mut sample = match by {
        By::Threads => {
            let call = |number: u32| -> Result<()> {
                let ended = if number < 64 { client.null64() } else { client.null64_more() };
                Ok(ended?)
            };
            fibers::fibers(plan, &mut counted, call, depth)?
        }
        By::Pending => {
            let begin = |number: u32| {
                Ok(if number % depth < 64 { client.start_null64()? } else { client.start_null64_more()? })
            };
            pipeline::pipeline(plan, &mut counted, begin, depth)?
        }
    };
    let [begun, ended] = &counted.readings[..] else { anyhow::bail!("the calls were not counted twice") };
    let calls = (ended.calls - begun.calls).max(1) as f64;
    let per_call = |of: fn(&ClientCounts) -> u64| of(ended).saturating_sub(of(begun)) as f64 / calls;
    sample.fact("spun", per_call(|counts| counts.spun));
    sample.fact("donated", per_call(|counts| counts.donated));
    sample.fact("slept", per_call(|counts| counts.slept));
    sample.fact("sleeps", per_call(|counts| counts.sleeps));
    sample.fact("rings", per_call(|counts| counts.bells + counts.messages));
    if !is_polled {
        sample.notes.push(format!("the server did not poll within {POLLED_WITHIN:?} of calls back to back"));
    }
    Ok(sample)
}

fn call_until_polled(client: &CrowdClient) -> Result<bool> {
    const TURN: u64 = 1000;
    let deadline = Instant::now() + POLLED_WITHIN;
    while Instant::now() < deadline {
        let before = client.binding().counts().spun;
        for _ in 0..TURN {
            client.null64()?;
        }
        if client.binding().counts().spun - before >= TURN - TURN / 100 {
            return Ok(true);
        }
    }
    Ok(false)
}
