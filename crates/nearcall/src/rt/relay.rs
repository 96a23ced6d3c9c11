//! A near call of which only the bytes are known: what a host does for a far client.
//!
//! The client has checked its arguments against its interface, and the server will; here head and tail are put where a stub
//! would have put them, and the reply is taken from where a stub would have read it.

use std::time::Instant;

use nearcall_core::transfer::call::Held;
use nearcall_layout::pair::{reply, status};

use super::LINE_BYTES;
use super::outgoing::{copy_from, enlarge, failure, misbehaved};
use crate::binding::Binding;
use crate::error::{CallError, Failure};
use crate::far::message::{Reply, Request};

/// The sizes of a procedure's heads, as its binding was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) request: usize,
    pub(crate) reply: usize,
}

/// Makes the call, to be over by `until`.
///
/// # Errors
/// `BadArgument` if the request is none of that procedure; every way a call can fail but its statuses, which are in the reply.
pub(crate) fn call(
    binding: &Binding,
    heads: Heads,
    request: &Request,
    until: Option<Instant>,
) -> Result<Reply, Failure> {
    let Request { procedure, has_places, is_oneway, reply_size, areas, head, tail } = request;
    if head.len() != heads.request || *reply_size != heads.reply || !head.len().is_multiple_of(8) {
        return Err(Failure(CallError::BadArgument));
    }
    let mut held: Held<'_> = binding.take(*procedure)?;
    if until.is_some() {
        held = held.with_deadline(until);
    }
    let pair = &**binding.pair();
    let in_frame: &[u8] = if head.len() > LINE_BYTES { head } else { &[] };
    let size = in_frame.len().saturating_add(tail.len());
    if size > held.frame_size() {
        let until = held.begin_wait();
        enlarge(pair, held.frame(), size, 0, until)?;
        held.set_out_of_band();
    }
    let frame = held.frame().bytes();
    if let Some(space) = frame.get_mut(..in_frame.len()) {
        space.copy_from_slice(in_frame);
    }
    if let Some(space) = frame.get_mut(in_frame.len()..size) {
        space.copy_from_slice(tail);
    }
    let line: &[u8] = if in_frame.is_empty() { head } else { &[] };
    let words = line.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
    if *is_oneway {
        held.start(words, &pair.control, Instant::now(), None).map_err(failure)?.leave();
        return Ok(Reply::of(status::OK, 0));
    }
    let answered = held.call(words, &pair.control).map_err(failure)?;
    let status = answered.status();
    if status != status::OK && status != status::APP {
        return Ok(Reply::of(status, answered.word(0)));
    }
    let places = if *has_places { answered.places() } else { 0 };
    let mut out = Reply::of(status, 0);
    let at = if heads.reply > LINE_BYTES {
        out.head = vec![0; heads.reply];
        copy_from(pair, &answered, places, 0, &mut out.head)?;
        heads.reply
    } else {
        out.head = (0..heads.reply / 8).flat_map(|word| answered.word(word).to_le_bytes()).collect();
        0
    };
    // An error of the procedure's own has no areas, but its tail is behind where they would be.
    out.areas = vec![0; *areas];
    if *areas > 0 {
        copy_from(pair, &answered, places, at, &mut out.areas)?;
    }
    let (size, _, behind) = reply::placed(places);
    let size = usize::try_from(size).map_err(|_| misbehaved())?;
    if size > 0 {
        if size > TAIL_MAX {
            return Err(Failure(CallError::ResultTooLarge));
        }
        out.tail = vec![0; size];
        if behind == 0 {
            copy_from(pair, &answered, places, at.saturating_add(*areas), &mut out.tail)?;
        } else {
            let segment = pair.result_segment(behind, answered.deadline())?;
            segment.bytes().copy_in(0, &mut out.tail).ok_or_else(misbehaved)?;
        }
    }
    answered.end();
    Ok(out)
}

/// Bytes of a result beside its areas: more than a message carries in any case.
const TAIL_MAX: usize = 1 << 20;
