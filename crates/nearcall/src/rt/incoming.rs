//! The server's half of a stub.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nearcall_core::channel::server::{Claimed, Serving, Started};
use nearcall_layout::pair::status;
use nearcall_layout::{Class, Head, Malformed, Tail, Wire};

use super::{LINE_BYTES, Service};

/// Why a call did not end in the procedure's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The interface has no such procedure.
    NoSuchProcedure,
    /// An argument is no value of its type, or a length goes beyond the frame.
    BadArgument,
    /// The results do not fit the frame.
    TooLarge,
}

impl From<Malformed> for Refusal {
    fn from(_: Malformed) -> Self {
        Self::BadArgument
    }
}

/// A call being served. Arguments are read once, into private memory; results are built where the client reads them.
///
/// It is handed to code that the compiler does not see, so each field is stored on every call: those that a call without
/// payload does not need are worked out when they are asked for.
#[derive(Debug)]
pub struct Incoming<'a> {
    call: Serving<'a>,
    /// What is left of the processor's memory for arguments.
    scratch: &'a mut [u8],
    /// The start of the reply half, if the reply's head does not fit the line.
    head: Option<&'a mut [u8]>,
    /// Where the next bytes of the request's tail are.
    at: usize,
    status: u16,
}

/// Runs one call to its answer. A panic of the procedure becomes the answer that it panicked; arguments that are none
/// are reported by `refused`, before the client can know it.
#[inline(always)]
pub(crate) fn answer(
    service: &dyn Service,
    claimed: &Claimed,
    mut started: Started<'_>,
    scratch: &mut Vec<u8>,
    refused: impl FnOnce(),
) {
    let size = started.frame_size();
    if scratch.len() < size {
        enlarge(scratch, size);
    }
    let mut incoming = Incoming { call: started.serve(), scratch, head: None, at: 0, status: status::PANICKED };
    // The service is shared between calls and keeps its own invariants across a panic, as with std's mutexes; ours are
    // restored by what follows, whatever happened inside.
    let result = catch_unwind(AssertUnwindSafe(|| service.call(claimed.request.procedure, &mut incoming)));
    let status = match result {
        Ok(Ok(())) => incoming.status,
        Ok(Err(refusal)) => refusal.status(),
        Err(_) => status::PANICKED,
    };
    if matches!(status, status::BAD_ARGUMENT | status::NO_PROCEDURE) {
        refused();
    }
    started.answer(status);
}

#[cold]
#[inline(never)]
fn enlarge(scratch: &mut Vec<u8>, size: usize) {
    scratch.resize(size, 0);
}

impl Refusal {
    fn status(self) -> u16 {
        match self {
            Self::NoSuchProcedure => status::NO_PROCEDURE,
            Self::BadArgument => status::BAD_ARGUMENT,
            Self::TooLarge => status::TOO_LARGE,
        }
    }
}

impl<'a> Incoming<'a> {
    /// Copies the head into private memory, fixes where tails begin, and stamps the call as started: from then on its
    /// request line is the client's again. Called once, first.
    ///
    /// # Errors
    /// `BadArgument` if the frame is too small for the heads, which the handshake excludes.
    #[inline(always)]
    pub fn open<const REQ: usize, const REP: usize>(&mut self) -> Result<Head<REQ>, Refusal> {
        let mut head = Head::ZERO;
        if REQ <= LINE_BYTES {
            for (i, to) in head.0.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *to = self.call.word(i).to_le_bytes();
            }
        }
        // Before what can fail below: a refusal from here on is one of a call that was read.
        self.call.started();
        if REQ > LINE_BYTES {
            self.call.copy_in(0, &mut head.0).ok_or(Refusal::BadArgument)?;
            self.at = REQ;
        }
        if REP > LINE_BYTES {
            self.head = Some(self.call.space(REP).ok_or(Refusal::TooLarge)?);
        }
        Ok(head)
    }

    /// The next `len` bytes of the request's tail: LRPC's copy E.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many.
    #[inline(always)]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Refusal> {
        let into = self.scratch.split_off_mut(..len).ok_or(Refusal::BadArgument)?;
        self.copy_in(into)?;
        Ok(into)
    }

    #[inline(always)]
    fn copy_in(&mut self, into: &mut [u8]) -> Result<(), Refusal> {
        self.call.copy_in(self.at, into).ok_or(Refusal::BadArgument)?;
        self.at = self.at.saturating_add(into.len());
        Ok(())
    }

    /// The next `len` bytes of the request's tail as text.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many, or they are not UTF-8.
    #[inline(always)]
    pub fn str(&mut self, len: usize) -> Result<&'a str, Refusal> {
        core::str::from_utf8(self.bytes(len)?).map_err(|_| Refusal::BadArgument)
    }

    /// A value whose fixed part is at `at` of the head.
    ///
    /// # Errors
    /// `BadArgument` if the bytes are no value of `T`.
    #[inline(always)]
    pub fn value<T: Wire, const REQ: usize>(&mut self, head: &Head<REQ>, at: usize) -> Result<T, Refusal> {
        match T::CLASS {
            Class::Fixed => Ok(head.get(at)?),
            Class::Varying => {
                let size = T::tail_size_at(&head.0, at)?;
                let bytes = self.bytes(size)?;
                Ok(T::get(&head.0, at, &mut Tail::new(bytes))?)
            }
        }
    }

    /// The next `len` bytes of the request's tail, copied into our own reply half and lent to the procedure there.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many; `TooLarge` if the reply half has no room.
    #[inline(always)]
    pub fn in_out(&mut self, len: usize) -> Result<&'a mut [u8], Refusal> {
        let area = self.out(len)?;
        self.copy_in(area)?;
        Ok(area)
    }

    /// The reply's next area, in our own memory. Its contents are those of an earlier reply to the same client.
    ///
    /// # Errors
    /// `TooLarge` if the reply half has no room.
    #[inline(always)]
    pub fn out(&mut self, capacity: usize) -> Result<&'a mut [u8], Refusal> {
        self.call.space(capacity).ok_or(Refusal::TooLarge)
    }

    /// The procedure returned: its results, but for tails.
    #[inline(always)]
    pub fn reply<const REP: usize>(&mut self, head: &Head<REP>) {
        self.put(status::OK, head);
    }

    /// The procedure returned its own error.
    #[inline(always)]
    pub fn reply_app<const REP: usize>(&mut self, head: &Head<REP>) {
        self.put(status::APP, head);
    }

    #[inline(always)]
    fn put<const REP: usize>(&mut self, how: u16, head: &Head<REP>) {
        self.call.finished();
        self.status = how;
        if REP > LINE_BYTES {
            // `open` has seen to it that there is one, of this size.
            if let Some(space) = self.head.as_deref_mut().and_then(|space| space.first_chunk_mut()) {
                *space = head.0;
            }
        } else {
            for (i, word) in head.0.as_chunks::<8>().0.iter().enumerate() {
                self.call.result(i, u64::from_le_bytes(*word));
            }
        }
    }

    /// Appends the tail of a result after the areas.
    ///
    /// # Errors
    /// `TooLarge` if the reply half has no room.
    #[inline(always)]
    pub fn reply_tail<T: Wire>(&mut self, value: &T) -> Result<(), Refusal> {
        if matches!(T::CLASS, Class::Varying) {
            let size = value.tail_size();
            value.put_tail(self.call.space(size).ok_or(Refusal::TooLarge)?);
            // Nobody reads it for a result without a tail.
            self.call.tail_size(u64::try_from(size).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}
