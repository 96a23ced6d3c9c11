//! 32 requests under way at once: what a request costs when nobody ever waits for a single one.
//!
//! A request is a flag in a line of its own, as a call would be, not one of eight in a line. A caller that takes every
//! reply as soon as it is there meets the server at each line; one that looks at the last of a group first finds the
//! others ready and fetches them together, which halves the time. Both are floors: the first for a caller that wants
//! each reply at once.

use std::sync::atomic::Ordering;

use anyhow::Result;

use crate::mem::Region;
use crate::spin::{FAULT, changed, wrong};

/// Requests under way.
pub(crate) const SLOTS: usize = 32;

const LINE: usize = 64;
const REQUESTS: usize = 4096;
const REPLIES: usize = 8192;

/// Answers request after request with its complement.
///
/// # Errors
/// When a request is not the expected one, or none comes for a long time.
pub(crate) fn serve<const PAUSE: bool>(region: &Region) -> Result<()> {
    let mut expected = 1_u64;
    loop {
        for slot in 0..SLOTS {
            let reply = region.word(REPLIES + slot * LINE);
            let got = changed::<PAUSE>(region.word(REQUESTS + slot * LINE), before(expected))?;
            if got != expected {
                reply.store(FAULT, Ordering::Release);
                return Err(wrong(got, expected));
            }
            reply.store(answer(expected), Ordering::Release);
            expected += 1;
        }
    }
}

/// The caller's half: each call of the returned function takes the oldest reply and sends a request in its place, for
/// each slot once; it begins with a group of `GROUP` replies, a divisor of [`SLOTS`], once the last of them is there.
pub(crate) fn client<const GROUP: usize, const PAUSE: bool>(region: &Region) -> impl FnMut() -> Result<()> {
    let mut next = 1_u64;
    move || {
        for slot in 0..SLOTS {
            if before(next) != 0 {
                if GROUP > 1 && slot % GROUP == 0 {
                    let last = GROUP - 1;
                    let reply = region.word(REPLIES + (slot + last) * LINE);
                    changed::<PAUSE>(reply, answer(before(before(next + last as u64))))?;
                }
                let reply = region.word(REPLIES + slot * LINE);
                let got = changed::<PAUSE>(reply, answer(before(before(next))))?;
                if got != answer(before(next)) {
                    return Err(wrong(got, answer(before(next))));
                }
            }
            region.word(REQUESTS + slot * LINE).store(next, Ordering::Release);
            next += 1;
        }
        Ok(())
    }
}

/// The request that was in the slot of request `number` before it; 0 is none.
#[inline(always)]
fn before(number: u64) -> u64 {
    number.saturating_sub(SLOTS as u64)
}

/// What a slot holds once `request` is answered; fresh memory, if there was none.
#[inline(always)]
fn answer(request: u64) -> u64 {
    if request == 0 { 0 } else { !request }
}
