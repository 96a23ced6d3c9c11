//! Processor time of other processes, finer than the kernel's tick; how often they were interrupted.

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

/// How often kernel threads of a process had to leave a processor to another one.
///
/// # Errors
/// When there is no such process.
pub(super) fn interrupted(pid: u32) -> Result<u64> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).context("listing kernel threads")?;
    let count = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    // One that has ended meanwhile has none.
    Ok(threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("status")).ok())
        .map(|text| count(&text))
        .sum())
}
