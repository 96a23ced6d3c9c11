//! Waiting for a word by polling, bounded.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anybody waits for the other process, by whatever means, before the run is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What a server answers instead, once it saw a request that is not the one expected.
pub(crate) const FAULT: u64 = u64::MAX;

/// Polls between two looks at the clock.
const POLLS: u32 = 1 << 14;

/// Polls `word` until it is not `old`, with `pause` between the polls if `PAUSE`, and returns it. Acquire: pairs with
/// the Release store that publishes the other side's payload.
///
/// # Errors
/// After [`PATIENCE`].
#[inline(always)]
pub(crate) fn changed<const PAUSE: bool>(word: &AtomicU64, old: u64) -> Result<u64> {
    for _ in 0..POLLS {
        let value = word.load(Ordering::Acquire);
        if value != old {
            return Ok(value);
        }
        if PAUSE {
            std::hint::spin_loop();
        }
    }
    changed_late(word, old)
}

#[cold]
#[inline(never)]
fn changed_late(word: &AtomicU64, old: u64) -> Result<u64> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        for _ in 0..POLLS {
            let value = word.load(Ordering::Acquire);
            if value != old {
                return Ok(value);
            }
            std::hint::spin_loop();
        }
    }
    bail!("the other process left its word at {old} for {PATIENCE:?}")
}

/// The error for an answer that is not the one expected.
#[cold]
#[inline(never)]
pub(crate) fn wrong(got: u64, expected: u64) -> anyhow::Error {
    if got == FAULT {
        anyhow::anyhow!("the server saw a request that nobody made")
    } else {
        anyhow::anyhow!("the reply is {got}, not {expected}")
    }
}
