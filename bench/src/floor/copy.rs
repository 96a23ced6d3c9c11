//! 4096 or 65,536 bytes from the caller's memory to the server's, through shared memory: two copies and one small answer.
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

/// Places a word can be at in a block, and the bits of the flag that name one; above them are those that name the block.
const PLACES: u64 = (BLOCK_BYTES / 8) as u64;

fn blocks<const BLOCKS: usize>() -> Box<[Block]> {
    vec![Block([0; BLOCK_BYTES / 8]); BLOCKS].into_boxed_slice()
}

/// The block and the word in it that a flag names.
#[inline(always)]
fn named<const BLOCKS: usize>(flag: u64) -> (usize, usize) {
    ((flag / PLACES) as usize % BLOCKS, (flag % PLACES) as usize)
}

/// Answers call after call.
///
/// # Errors
/// When none comes for a long time.
pub(crate) fn serve<const BLOCKS: usize, const PAUSE: bool>(region: &Region) -> Result<()> {
    let (request, reply) = (region.word(REQUEST), region.word(REPLY));
    let mut payload = blocks::<BLOCKS>();
    let mut old = 0;
    loop {
        let flag = changed::<PAUSE>(request, old)?;
        for (block, at) in payload.iter_mut().zip(0..) {
            region.copy_out(PAYLOAD + at * BLOCK_BYTES, block);
        }
        let (block, word) = named::<BLOCKS>(flag);
        // Release: pairs with the Acquire of the client's `changed`; also keeps the copy's loads before it.
        reply.store(payload[block].0[word], Ordering::Release);
        old = flag;
    }
}

/// The caller's half: each call of the returned function is a call.
pub(crate) fn client<const BLOCKS: usize, const PAUSE: bool>(region: &Region) -> impl FnMut() -> Result<()> {
    let (request, reply) = (region.word(REQUEST), region.word(REPLY));
    let mut payload = blocks::<BLOCKS>();
    let mut calls = 0_u64;
    let mut old = 0;
    move || {
        calls += 1;
        // Multiplying by an odd constant scatters the places; the call's number makes each answer a new one.
        let place = calls.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let all = PLACES * BLOCKS as u64;
        let flag = calls * all + place % all;
        let (block, word) = named::<BLOCKS>(flag);
        payload[block].0[word] = flag;
        for (block, at) in payload.iter().zip(0..) {
            region.copy_in(PAYLOAD + at * BLOCK_BYTES, block);
        }
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
