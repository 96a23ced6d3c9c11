//! Processes that use processor time and do nothing else.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::say_ready;

/// How long one runs if nobody ends it.
const LIFE: Duration = Duration::from_secs(30);

/// What is slept at a time.
const PIECE: Duration = Duration::from_micros(100);

/// Between two looks at the clock: what is longer is somebody else's time. A look takes some tens of nanoseconds.
const GAP: Duration = Duration::from_micros(2);

/// Uses `millionths` of a processor, or as much as it gets: burns while it has had less than its share of the time since it
/// began, and sleeps else.
///
/// It finds out what it had by looking at the clock all the time, which takes no system call. Asking for its processor time, it had
/// its turns ended when they were over, where the kernel lets others go on until its next tick: it was twice as often
/// interrupted as what floods, and left more to the victim (docs/decisions/0006).
///
/// # Errors
/// When nobody hears that it is ready.
pub(crate) fn burn(millionths: u64) -> Result<()> {
    say_ready()?;
    let start = Instant::now();
    let (mut last, mut had) = (start, Duration::ZERO);
    while last - start < LIFE {
        let now = Instant::now();
        let gap = now - last;
        if gap < GAP {
            had += gap;
        }
        last = now;
        if had > (now - start).mul_f64(millionths as f64 / 1e6) {
            std::thread::sleep(PIECE);
            last = Instant::now();
        }
    }
    Ok(())
}
