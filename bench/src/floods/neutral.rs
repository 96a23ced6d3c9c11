//! Processes that use processor time and do nothing else.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

use super::say_ready;

/// How long one runs if nobody ends it.
const LIFE: Duration = Duration::from_secs(30);

/// What is burnt, and slept, at a time.
const PIECE: Duration = Duration::from_micros(100);

/// Uses `millionths` of a processor, or as much as it gets: burns while it has had less than its share of the time since it
/// began, and sleeps else.
///
/// # Errors
/// When nobody hears that it is ready.
pub(crate) fn burn(millionths: u64) -> Result<()> {
    say_ready()?;
    let (start, before) = (Instant::now(), own());
    while start.elapsed() < LIFE {
        let due = start.elapsed().mul_f64(millionths as f64 / 1e6);
        if own() - before < due {
            nearcall_testkit::busy::spin(PIECE);
        } else {
            std::thread::sleep(PIECE);
        }
    }
    Ok(())
}

fn own() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
