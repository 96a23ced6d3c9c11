//! 4096 bytes from the caller's memory to the server's, through shared memory: two copies and one small answer.
//!
//! For each call the caller changes one word at a place it picks anew, and names the place in the flag. The server
//! answers with the word it finds there in its private copy.

use std::sync::atomic::Ordering;

use anyhow::Result;

use crate::mem::{BLOCK_BYTES, Block, Region};
use crate::spin::{changed, wrong};

const REQUEST: usize = 0;
const REPLY: usize = super::APART;
const PAYLOAD: usize = 4096;

/// Places a word can be at, and the bits of the flag that name one.
const PLACES: u64 = (BLOCK_BYTES / 8) as u64;

/// Answers call after call.
///
/// # Errors
/// When none comes for a long time.
pub(crate) fn serve<const PAUSE: bool>(region: &Region) -> Result<()> {
    let (request, reply) = (region.word(REQUEST), region.word(REPLY));
    let mut block = Box::new(Block([0; BLOCK_BYTES / 8]));
    let mut old = 0;
    loop {
        let flag = changed::<PAUSE>(request, old)?;
        region.copy_out(PAYLOAD, &mut block);
        // Release: pairs with the Acquire of the client's `changed`; also keeps the copy's loads before it.
        reply.store(block.0[(flag % PLACES) as usize], Ordering::Release);
        old = flag;
    }
}

/// The caller's half: each call of the returned function is a call.
pub(crate) fn client<const PAUSE: bool>(region: &Region) -> impl FnMut() -> Result<()> {
    let (request, reply) = (region.word(REQUEST), region.word(REPLY));
    let mut block = Box::new(Block([0; BLOCK_BYTES / 8]));
    let mut calls = 0_u64;
    let mut old = 0;
    move || {
        calls += 1;
        // Multiplying by an odd constant scatters the places; the call's number makes each answer a new one.
        let place = calls.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let flag = calls * PLACES + place % PLACES;
        block.0[(flag % PLACES) as usize] = flag;
        region.copy_in(PAYLOAD, &block);
        // Release: pairs with the Acquire of the server's `changed`.
        request.store(flag, Ordering::Release);
        let got = changed::<PAUSE>(reply, old)?;
        if got != flag {
            return Err(wrong(got, flag));
        }
        old = got;
        Ok(())
    }
}
