//! Ping-pong by `sched_yield`: two system calls and two changes of the address space, and nothing else. What a call between
//! two processes on one processor cannot do without.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Result, bail};

use super::PATIENCE;
use crate::mem::Region;
use crate::spin::wrong;

/// Yields between two looks at the clock.
const YIELDS: u32 = 1 << 10;

/// Yields until `word` is not `old`, and returns it. Acquire: pairs with the Release store of the other side.
fn changed(word: &AtomicU64, old: u64) -> Result<u64> {
    let mut deadline = None;
    loop {
        for _ in 0..YIELDS {
            let value = word.load(Ordering::Acquire);
            if value != old {
                return Ok(value);
            }
            rustix::thread::sched_yield();
        }
        if *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) <= Instant::now() {
            bail!("the other process left its word at {old} for {PATIENCE:?}");
        }
    }
}

/// Answers turn after turn.
///
/// # Errors
/// When a flag is not the expected one, or none comes for a long time.
pub(crate) fn serve(region: &Region) -> Result<()> {
    let (request, reply) = (region.word(0), region.word(super::APART));
    for turn in 1_u64.. {
        let got = changed(request, turn - 1)?;
        if got != turn {
            return Err(wrong(got, turn));
        }
        // Release: pairs with the Acquire of the client's `changed`.
        reply.store(turn, Ordering::Release);
    }
    Ok(())
}

/// The caller's half: each call of the returned function is a turn.
pub(crate) fn client(region: &Region) -> impl FnMut() -> Result<()> {
    let (request, reply) = (region.word(0), region.word(super::APART));
    let mut turn = 0;
    move || {
        turn += 1;
        // Release: pairs with the Acquire of the server's `changed`.
        request.store(turn, Ordering::Release);
        // The first look comes after the first yield: the answer cannot be there before.
        rustix::thread::sched_yield();
        let got = changed(reply, turn - 1)?;
        if got != turn {
            return Err(wrong(got, turn));
        }
        Ok(())
    }
}
