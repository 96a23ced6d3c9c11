//! Ping-pong through lines of memory: the floor of a small call between two polling processors.
//!
//! Turn n: the request's flag goes from its last value to 2n + 1, the reply's to 2n + 2. With one line for both
//! directions the same word takes all of these values in order; with two lines each word takes every other one.

use std::sync::atomic::Ordering;

use anyhow::Result;

use crate::mem::Region;
use crate::spin::{FAULT, changed, wrong};

/// Where the request's line begins. The reply's begins at `REPLY`.
const REQUEST: usize = 0;

/// What the flag's own 8 bytes are followed by.
const PAYLOAD: usize = 8;

/// Answers turn after turn. `REPLY` is the reply line's offset, `WORDS` the payload's length in words of 8 bytes.
///
/// # Errors
/// When a request is not the expected one, or none comes for a long time.
pub(crate) fn serve<const REPLY: usize, const WORDS: usize, const PAUSE: bool>(region: &Region) -> Result<()> {
    let (request, reply) = (region.word(REQUEST), region.word(REPLY));
    let mut old = 0;
    let mut expected = 1;
    loop {
        let got = changed::<PAUSE>(request, old)?;
        if got != expected || region.load::<WORDS>(REQUEST + PAYLOAD) != pattern(expected) {
            reply.store(FAULT, Ordering::Release);
            return Err(wrong(got, expected));
        }
        region.store::<WORDS>(REPLY + PAYLOAD, &pattern(expected + 1));
        // Release: pairs with the Acquire of the client's `changed`.
        reply.store(expected + 1, Ordering::Release);
        old = if REPLY == REQUEST { expected + 1 } else { expected };
        expected += 2;
    }
}

/// The caller's half: each call of the returned function is a turn.
pub(crate) fn client<const REPLY: usize, const WORDS: usize, const PAUSE: bool>(
    region: &Region,
) -> impl FnMut() -> Result<()> {
    let (request, reply) = (region.word(REQUEST), region.word(REPLY));
    let mut turn = 0_u64;
    move || {
        let sent = 2 * turn + 1;
        let old = if REPLY == REQUEST { sent } else { sent - 1 };
        region.store::<WORDS>(REQUEST + PAYLOAD, &pattern(sent));
        // Release: pairs with the Acquire of the server's `changed`.
        request.store(sent, Ordering::Release);
        let got = changed::<PAUSE>(reply, old)?;
        if got != sent + 1 || region.load::<WORDS>(REPLY + PAYLOAD) != pattern(sent + 1) {
            return Err(wrong(got, sent + 1));
        }
        turn += 1;
        Ok(())
    }
}

/// The payload that belongs to a flag: different in each word and each turn, and cheap, since both sides compute it.
#[inline(always)]
fn pattern<const WORDS: usize>(flag: u64) -> [u64; WORDS] {
    std::array::from_fn(|index| flag.wrapping_add((index as u64 + 1) << 32))
}
