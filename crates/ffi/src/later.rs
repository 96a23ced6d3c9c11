//! Replies that are made after their procedures have returned.
//!
//! ```text
//! nearcall_defer -> nearcall_reply --nearcall_resume--> a call for results --result, answer, nearcall_finish--> sent
//!                         +--nearcall_reply_drop--> the client's call was aborted
//! ```
//!
//! What C has for results lies in its memory and may be gone when the processor comes to write the reply. So they are encoded at
//! once, into memory of ours, by the functions that encode those of calls that are served.

use std::ptr;

use nearcall::ReplyToken;
use nearcall::rt::{Incoming, Refusal};

use crate::incoming::{NearcallIncoming, refusal, served};
use crate::server::{NearcallCaller, nanoseconds};
use crate::{OK, Status};

/// Results as bytes.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    is_raised: bool,
    has_places: bool,
    head: Vec<u8>,
    tail: Option<Vec<u8>>,
}

type Result = std::result::Result<Encoded, Refusal>;

/// `nearcall_reply`.
#[derive(Debug)]
pub struct NearcallReply(ReplyToken<Result>);

/// What [`nearcall_resume`] began.
#[derive(Debug)]
pub(crate) struct Later {
    reply: Box<NearcallReply>,
    encoded: Encoded,
}

impl Later {
    /// Space for the tail, once. `None` without memory.
    pub(crate) fn tail(&mut self, size: usize) -> Option<&mut [u8]> {
        let mut tail = Vec::new();
        tail.try_reserve_exact(size).ok()?;
        tail.resize(size, 0);
        Some(self.encoded.tail.insert(tail))
    }

    pub(crate) fn answer(&mut self, is_raised: bool, head: &[u8], has_places: bool) {
        self.encoded.head = head.to_vec();
        (self.encoded.is_raised, self.encoded.has_places) = (is_raised, has_places);
    }
}

/// Writes what was encoded where the client reads it.
fn write(call: &mut Incoming<'_>, result: Result) -> std::result::Result<(), Refusal> {
    let Encoded { is_raised, has_places, head, tail } = result?;
    call.resume_raw(head.len())?;
    if let Some(tail) = tail {
        call.result_raw(tail.len())?.copy_from_slice(&tail);
    }
    call.reply_raw(is_raised, &head, has_places);
    Ok(())
}

/// The reply of this call comes later.
///
/// # Safety
/// 1. `call` is what the loop was called with, it has not returned, and nobody else has it now; `reply` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_defer(call: *mut NearcallIncoming, reply: *mut *mut NearcallReply) -> Status {
    // SAFETY: precondition 1.
    let served = unsafe { served(call) };
    let (token, parking) = served.defer(write);
    served.parking = Some(parking);
    // SAFETY: precondition 1.
    unsafe { reply.write(Box::into_raw(Box::new(NearcallReply(token)))) };
    OK
}

/// Begins the reply.
///
/// # Safety
/// 1. `reply` came from [`nearcall_defer`] and was not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_resume(reply: *mut NearcallReply) -> *mut NearcallIncoming {
    // SAFETY: precondition 1.
    let reply = unsafe { Box::from_raw(reply) };
    Box::into_raw(Box::new(NearcallIncoming::later(Later { reply, encoded: Encoded::default() })))
}

/// Sends the reply, or says why there is none.
///
/// # Safety
/// 1. `call` came from [`nearcall_resume`] and was not finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_finish(call: *mut NearcallIncoming, status: Status) {
    // SAFETY: precondition 1.
    let call = unsafe { Box::from_raw(call) };
    let Some(Later { reply, encoded }) = call.later else { return };
    let result = match refusal(status) {
        _ if status == OK => Ok(encoded),
        Some(refusal) => Err(refusal),
        // Dropped: the call was aborted.
        None => return,
    };
    reply.0.send(result);
}

/// Nobody answers.
///
/// # Safety
/// 1. `reply` is null, or came from [`nearcall_defer`] and was not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_drop(reply: *mut NearcallReply) {
    if !reply.is_null() {
        // SAFETY: precondition 1.
        drop(unsafe { Box::from_raw(reply) });
    }
}

/// Who called.
///
/// # Safety
/// 1. `reply` came from [`nearcall_defer`] and was not used; `caller` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_who(reply: *const NearcallReply, caller: *mut NearcallCaller) -> bool {
    // SAFETY: precondition 1.
    let Some(call) = (unsafe { &*reply }).0.call() else { return false };
    // SAFETY: precondition 1.
    unsafe { ptr::write(caller, NearcallCaller::of(call.peer())) };
    true
}

/// How long the caller still waits, in nanoseconds.
///
/// # Safety
/// 1. `reply` came from [`nearcall_defer`] and was not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_remaining_ns(reply: *const NearcallReply) -> u64 {
    // SAFETY: precondition 1.
    nanoseconds((unsafe { &*reply }).0.call().and_then(|call| call.remaining()))
}

/// Whether nobody waits any more.
///
/// # Safety
/// 1. `reply` came from [`nearcall_defer`] and was not used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcall_reply_is_cancelled(reply: *const NearcallReply) -> bool {
    // SAFETY: precondition 1.
    unsafe { &*reply }.0.is_cancelled()
}
