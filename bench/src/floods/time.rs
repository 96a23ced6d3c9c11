//! Processor time of other processes, finer than the kernel's tick.

use std::time::Duration;

use anyhow::{Context, Result};

/// What the kernel threads of a process have used that it has now. Those that run now are behind by a tick at most.
///
/// # Errors
/// When there is no such process, or the kernel keeps no such books (`CONFIG_SCHED_INFO`).
pub(super) fn used(pid: u32) -> Result<Duration> {
    let mut all = 0;
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("listing kernel threads")? {
        let path = thread.context("listing kernel threads")?.path().join("schedstat");
        // One that has ended meanwhile has none.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let first = text.split_whitespace().next().context("an empty schedstat")?;
        all += first.parse::<u64>().context("a schedstat without a number")?;
    }
    Ok(Duration::from_nanos(all))
}
