//! The client's half of a stub.

use std::marker::PhantomData;

use nearcall_core::shm::copy;
use nearcall_core::transfer::call::{Answered, Failed, Held};
use nearcall_layout::conventional::{self, Unfit};
use nearcall_layout::pair::status;
use nearcall_layout::wire::{count_of, get_count};
use nearcall_layout::{Class, Head, Malformed, Tail, Wire};
use zerocopy::IntoBytes;

use super::LINE_BYTES;
use super::plain::{Plain, padding};
use crate::binding::ClientPair;
use crate::error::{CallError, Failure};

/// A call being assembled: an A-stack is held, nothing is published. Dropped, it leaves no trace.
#[derive(Debug)]
pub struct Call<'a, const REQ: usize, const REP: usize> {
    pair: &'a ClientPair,
    held: Held<'a>,
    head: Head<REQ>,
    used: usize,
}

impl<'a, const REQ: usize, const REP: usize> Call<'a, REQ, REP> {
    #[inline(always)]
    pub(crate) fn new(pair: &'a ClientPair, held: Held<'a>) -> Self {
        // A head that does not fit the line lies at the start of the frame.
        let used = if REQ > LINE_BYTES { REQ } else { 0 };
        Self { pair, held, head: Head::ZERO, used }
    }

    /// Puts a fixed part, unless that is known only with the tail.
    #[inline(always)]
    pub fn put<T: Wire>(&mut self, at: usize, value: &T) {
        if !matches!(T::CLASS, Class::Conventional) {
            self.head.put(at, value);
        }
    }

    /// Puts the count of a varying part.
    #[inline(always)]
    pub fn count(&mut self, at: usize, len: usize) {
        self.head.put(at, &count_of(len));
    }

    /// Appends bytes to the tail: LRPC's copy A.
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    #[inline(always)]
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let space = self.space(bytes.len())?;
        copy::private_to_own(bytes, space);
        Ok(())
    }

    /// Appends items as they lie in memory.
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    #[inline(always)]
    pub fn slice<T: Plain>(&mut self, items: &[T]) -> Result<(), Failure> {
        self.bytes(items.as_bytes())
    }

    /// Appends the tail of the value whose fixed part is at `at`.
    ///
    /// # Errors
    /// `TooLarge`, `Unsendable`; nothing was sent.
    #[inline(always)]
    pub fn tail<T: Wire>(&mut self, at: usize, value: &T) -> Result<(), Failure> {
        match T::CLASS {
            Class::Fixed => {}
            Class::Varying => value.put_tail(self.space(value.tail_size())?),
            Class::Conventional => self.encode(at, |space| conventional::encode(value, space))?,
        }
        Ok(())
    }

    /// Appends what `write` writes, and puts its size at `at` of the head.
    ///
    /// # Errors
    /// `TooLarge`, `Unsendable`; nothing was sent.
    #[inline]
    pub(super) fn encode(
        &mut self,
        at: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, Unfit>,
    ) -> Result<(), Failure> {
        let frame = self.held.frame();
        let limit = frame.len();
        match write(frame.get_mut(self.used..).unwrap_or_default()) {
            Ok(size) => {
                self.used = self.used.saturating_add(size);
                self.head.put(at, &count_of(size));
                Ok(())
            }
            Err(Unfit::Size { size }) => Err(Failure(CallError::TooLarge { size, limit })),
            Err(Unfit::Never) => Err(Failure(CallError::Unsendable)),
        }
    }

    #[inline(always)]
    fn space(&mut self, size: usize) -> Result<&mut [u8], Failure> {
        let frame = self.held.frame();
        let limit = frame.len();
        let end = self.used.saturating_add(size);
        let Some(space) = frame.get_mut(self.used..end) else {
            return Err(Failure(CallError::TooLarge { size, limit }));
        };
        self.used = end;
        Ok(space)
    }

    /// Publishes the call and waits for its answer.
    ///
    /// # Errors
    /// Every way a call can fail but the procedure's own.
    #[inline(always)]
    pub fn transfer(mut self) -> Result<Reply<'a, REP>, Failure> {
        if REQ > LINE_BYTES
            && let Some(space) = self.held.frame().first_chunk_mut()
        {
            *space = self.head.0;
        }
        let Self { pair, held, head, .. } = self;
        let head: &[u8] = if REQ > LINE_BYTES { &[] } else { &head.0 };
        let words = head.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
        let answered = match held.call(words, &pair.control) {
            Ok(answered) => answered,
            Err(failed) => return Err(failure(failed)),
        };
        match answered.status() {
            status::OK | status::APP => Reply::new(answered),
            other => Err(refused(other, answered.frame_size())),
        }
    }
}

#[cold]
#[inline(never)]
fn failure(failed: Failed) -> Failure {
    Failure(match failed {
        Failed::RingFull => CallError::NoAStack,
        Failed::Timeout(ran) => CallError::Timeout { ran: ran.into() },
        Failed::Ended(ran) => CallError::PeerDied { ran: ran.into() },
    })
}

#[cold]
#[inline(never)]
fn refused(by: u16, limit: usize) -> Failure {
    Failure(match by {
        status::REVOKED => CallError::Revoked,
        status::BAD_ARGUMENT => CallError::BadArgument,
        status::TOO_LARGE => CallError::TooLarge { size: 0, limit },
        status::PANICKED => CallError::Panicked,
        status::UNRETURNABLE => CallError::Unreturnable,
        status::OVERLOADED => CallError::Overloaded,
        status::NO_PROCEDURE => CallError::Unsupported,
        _ => CallError::PeerMisbehaved,
    })
}

#[cold]
#[inline(never)]
fn misbehaved() -> Failure {
    Failure(CallError::PeerMisbehaved)
}

/// Part of the reply's tail that one slice of `T` has.
#[derive(Debug)]
pub struct Area<T> {
    at: usize,
    count: usize,
    items: PhantomData<T>,
}

/// An answer being read.
#[derive(Debug)]
pub struct Reply<'a, const REP: usize> {
    answered: Answered<'a>,
    head: Head<REP>,
    at: usize,
}

impl<'a, const REP: usize> Reply<'a, REP> {
    #[inline(always)]
    fn new(answered: Answered<'a>) -> Result<Self, Failure> {
        let mut head = Head::ZERO;
        let mut at = 0;
        if REP > LINE_BYTES {
            answered.copy_out(0, &mut head.0).ok_or_else(misbehaved)?;
            at = REP;
        } else {
            for (i, to) in head.0.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                *to = answered.word(i).to_le_bytes();
            }
        }
        Ok(Self { answered, head, at })
    }

    /// Whether the procedure returned its own error.
    #[inline(always)]
    #[must_use]
    pub fn is_app(&self) -> bool {
        self.answered.status() == status::APP
    }

    /// For procedures that have no error of their own.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the server says that the procedure returned one.
    #[inline(always)]
    pub fn refuse_app(&self) -> Result<(), Failure> {
        if self.is_app() { Err(misbehaved()) } else { Ok(()) }
    }

    /// All has been read: what dropping does, but inlined into the stub.
    #[inline(always)]
    pub fn end(self) {
        self.answered.end();
    }

    /// The next out area, of as many items as the request asked for. It begins where its items are aligned.
    #[inline(always)]
    pub fn area<T: Plain>(&mut self, count: usize) -> Area<T> {
        let at = self.at.saturating_add(padding::<T>(self.at));
        self.at = at.saturating_add(count.saturating_mul(size_of::<T>()));
        Area { at, count, items: PhantomData }
    }

    /// Reads a value; its tail, if it has one, follows the areas.
    ///
    /// # Errors
    /// `PeerMisbehaved` if it is no value of `T`.
    #[inline(always)]
    pub fn get<T: Wire>(&mut self, at: usize) -> Result<T, Failure> {
        match T::CLASS {
            Class::Fixed => self.head.get(at).map_err(|_| misbehaved()),
            Class::Varying => self.get_varying(at),
            Class::Conventional => self.sized(at, conventional::decode),
        }
    }

    fn get_varying<T: Wire>(&mut self, at: usize) -> Result<T, Failure> {
        let bytes = self.tail()?;
        let mut tail = Tail::new(&bytes);
        let value = T::get(&self.head.0, at, &mut tail).map_err(|_| misbehaved())?;
        if tail.left() == 0 { Ok(value) } else { Err(misbehaved()) }
    }

    /// Reads a value that is all in the tail, with its size at `at` of the head.
    ///
    /// # Errors
    /// `PeerMisbehaved` if `decode` says so, or the sizes differ.
    pub(super) fn sized<T>(
        &mut self,
        at: usize,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, Failure> {
        let bytes = self.tail()?;
        if get_count(&self.head.0, at) != Ok(bytes.len()) {
            return Err(misbehaved());
        }
        decode(&bytes).map_err(|_| misbehaved())
    }

    /// The tail after the areas, in private memory.
    fn tail(&self) -> Result<Vec<u8>, Failure> {
        let size = usize::try_from(self.answered.tail_size()).map_err(|_| misbehaved())?;
        // Checked before anything is allocated for it.
        if size > self.answered.frame_size().saturating_sub(self.at) {
            return Err(misbehaved());
        }
        let mut bytes = vec![0; size];
        self.answered.copy_out(self.at, &mut bytes).ok_or_else(misbehaved)?;
        Ok(bytes)
    }

    /// Whether `len` items can be taken from `area`.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the server claims more than it was given room for.
    #[inline(always)]
    pub fn check<T: Plain>(&self, area: &Area<T>, len: usize) -> Result<(), Failure> {
        let end = area.at.saturating_add(len.saturating_mul(size_of::<T>()));
        if len <= area.count && end <= self.answered.frame_size() { Ok(()) } else { Err(misbehaved()) }
    }

    /// Copies `len` items of `area` to the caller's own memory: LRPC's copy F.
    ///
    /// # Errors
    /// As [`check`](Self::check); also if `into` is shorter than `len`. Nothing was written then.
    #[inline(always)]
    pub fn copy_out<T: Plain>(&self, area: &Area<T>, len: usize, into: &mut [T]) -> Result<(), Failure> {
        self.check(area, len)?;
        let into = into.get_mut(..len).ok_or_else(misbehaved)?;
        self.answered.copy_out(area.at, into.as_mut_bytes()).ok_or_else(misbehaved)
    }
}
