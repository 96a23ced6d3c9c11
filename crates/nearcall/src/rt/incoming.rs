//! The server's half of a stub.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nearcall_core::channel::LINE_WORDS;
use nearcall_core::channel::server::{Arguments, Claimed, Started};
use nearcall_layout::pair::status;
use nearcall_layout::{Class, Head, Malformed, Tail, TailSpace, Wire};

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
#[derive(Debug)]
pub struct Incoming<'a> {
    arguments: Arguments<'a>,
    words: &'a [u64; LINE_WORDS],
    /// Where the next bytes of the request's tail are.
    at: usize,
    scratch: TailSpace<'a>,
    replies: TailSpace<'a>,
    /// The start of the reply half, if the reply's head does not fit the line.
    head: Option<&'a mut [u8]>,
    answer: Answer,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    status: u16,
    words: [u64; LINE_WORDS],
    tail_size: u64,
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
    if scratch.len() < started.frame_size() {
        scratch.resize(started.frame_size(), 0);
    }
    let (arguments, half) = started.parts();
    let mut incoming = Incoming {
        arguments,
        words: &claimed.words,
        at: 0,
        scratch: TailSpace::new(scratch),
        replies: TailSpace::new(half),
        head: None,
        answer: Answer { status: status::PANICKED, words: [0; LINE_WORDS], tail_size: 0 },
    };
    // The service is shared between calls and keeps its own invariants across a panic, as with std's mutexes; ours are
    // restored by what follows, whatever happened inside.
    let result = catch_unwind(AssertUnwindSafe(|| service.call(claimed.request.procedure, &mut incoming)));
    let mut answer = incoming.answer;
    match result {
        Ok(Ok(())) => {}
        Ok(Err(refusal)) => answer.status = refusal.status(),
        Err(_) => answer.status = status::PANICKED,
    }
    if matches!(answer.status, status::BAD_ARGUMENT | status::NO_PROCEDURE) {
        refused();
    }
    started.answer(answer.status, answer.tail_size, &answer.words);
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
    /// Copies the head into private memory and fixes where tails begin. Called once, first.
    ///
    /// # Errors
    /// `BadArgument` if the frame is too small for the heads, which the handshake excludes.
    #[inline(always)]
    pub fn open<const REQ: usize, const REP: usize>(&mut self) -> Result<Head<REQ>, Refusal> {
        let mut head = Head::ZERO;
        if REQ > LINE_BYTES {
            self.arguments.copy_in(0, &mut head.0).ok_or(Refusal::BadArgument)?;
            self.at = REQ;
        } else {
            for (to, word) in head.0.as_chunks_mut::<8>().0.iter_mut().zip(self.words) {
                *to = word.to_le_bytes();
            }
        }
        if REP > LINE_BYTES {
            self.head = Some(self.replies.take(REP).ok_or(Refusal::TooLarge)?);
        }
        Ok(head)
    }

    /// The next `len` bytes of the request's tail: LRPC's copy E.
    ///
    /// # Errors
    /// `BadArgument` if there are not as many.
    #[inline(always)]
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Refusal> {
        let into = self.scratch.take(len).ok_or(Refusal::BadArgument)?;
        self.copy_in(into)?;
        Ok(into)
    }

    #[inline(always)]
    fn copy_in(&mut self, into: &mut [u8]) -> Result<(), Refusal> {
        self.arguments.copy_in(self.at, into).ok_or(Refusal::BadArgument)?;
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
        self.replies.take(capacity).ok_or(Refusal::TooLarge)
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
        self.arguments.finished();
        self.answer.status = how;
        match &mut self.head {
            Some(space) => space.copy_from_slice(&head.0),
            None => {
                for (word, from) in self.answer.words.iter_mut().zip(head.0.as_chunks::<8>().0) {
                    *word = u64::from_le_bytes(*from);
                }
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
            value.put_tail(self.replies.take(size).ok_or(Refusal::TooLarge)?);
            self.answer.tail_size = u64::try_from(size).unwrap_or(u64::MAX);
        }
        Ok(())
    }
}
