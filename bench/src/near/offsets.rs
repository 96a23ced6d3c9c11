//! `write4096` with the caller's buffer at one offset of its page after the other.
//!
//! Some ways to copy are many times slower when the target lies a little behind the source modulo 4096. Which offsets
//! are bad depends on where the library put its payload areas, which is no caller's business: so the worst one counts.

use std::time::Duration;

use anyhow::Result;

use super::calls::{Buffer, write};
use super::interface::PAGE;
use super::session::{Session, Wait};
use crate::client::Task;
use crate::measure::Plan;
use crate::sample::Way;

/// Calls after each change of the offset that count for nothing.
const WARM_UP: Duration = Duration::from_micros(500);

/// Measures each offset for a fraction of what the plan gives a case.
///
/// # Errors
/// As [`super::session::measure`].
pub(crate) fn measure(plan: &Plan, task: &Task) -> Result<Vec<Way>> {
    let session = Session::start(task, Wait::Auto)?;
    let mut calls = 0;
    let mut buffer = Buffer::new();
    let mut at = |offset: usize, plan: Plan| {
        let data = buffer.at(offset);
        plan.measure(1, || {
            calls += 1;
            write(&session.client, data, calls)
        })
    };
    // The server begins to poll.
    at(0, *plan)?;
    let short = Plan { warm_up: WARM_UP, batches: plan.batches / 20, singles: plan.singles / 20, ..*plan };
    offsets().map(|offset| Ok(Way { name: format!("offset {offset}"), sample: at(offset, short)? })).collect()
}

/// Every line of the page, and what allocators make of it.
fn offsets() -> impl Iterator<Item = usize> {
    let odd = [16, 32, 48, PAGE - 16];
    (0..PAGE).step_by(64).chain(odd)
}
