//! How long a bind takes, in the presence of a crowd.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::member::nanoseconds;
use super::{Many, Size, crowd};
use crate::client::Task;
use crate::measure::Plan;
use crate::near::session::{Server, Wait, bind};
use crate::sample::{Sample, new_histogram, record};

/// Binds of a round, at least.
const COUNT_MIN: usize = 20;

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(many: Many, size: Size, plan: &Plan, task: &Task) -> Result<Sample> {
    let server = Server::start(task, Wait::Auto)?;
    let mut members = crowd::start(task, size.processes)?;
    let crowds = crowd::bind(&mut members, server.names(), size.bindings)?;
    let times = match many {
        Many::BindFirst => crowds.iter().filter_map(|times| times.first().copied()).collect(),
        // The pair stays as long as one of its bindings does.
        Many::BindSamePair => {
            let _first = bind(server.names(), Wait::Auto)?;
            again_and_again(plan, server.names())?
        }
        _ => again_and_again(plan, server.names())?,
    };
    let mut singles = new_histogram();
    times.iter().for_each(|time| record(&mut singles, *time as f64));
    let mean = times.iter().sum::<u64>() as f64 / times.len().max(1) as f64;
    let mut sample = Sample::new(mean, singles, times.len() as u64);
    sample.fact("binds", times.len() as f64);
    sample.fact("clients", f64::from(size.processes));
    sample.fact("bindings", f64::from(size.processes * size.bindings));
    Ok(sample)
}

/// Binds, calls once and gives the binding back, until the time of the plan is over.
fn again_and_again(plan: &Plan, names: &Path) -> Result<Vec<u64>> {
    // The first one makes this process take part, unless that has happened.
    drop(bind(names, Wait::Auto)?);
    let (begin, mut times) = (Instant::now(), Vec::new());
    while times.len() < COUNT_MIN || begin.elapsed() < plan.paced {
        let start = Instant::now();
        let client = bind(names, Wait::Auto)?;
        times.push(nanoseconds(start));
        client.null()?;
    }
    Ok(times)
}
