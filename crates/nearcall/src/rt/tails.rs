//! Results of which several vary in size: their tails are one, in the order of the reply's head.
//!
//! A reply has one tail, with one size. Most procedures have one result that varies at most, which is written where the client
//! reads it; how many there are is a constant (`TAILS`), so for those nothing here is compiled in.

use nearcall_layout::conventional::{self, Unfit};
use nearcall_layout::wire::{count_of, get_count};
use nearcall_layout::{Class, Head, Tail, Wire};

use super::far::FarReply;
use super::incoming::Refusal;
use super::{Incoming, Reply};
use crate::error::{CallError, Failure};

/// Space that a value without a fixed shape is tried in first, in bytes.
const FIRST_TRY: usize = 256;

/// How many of `these` are true.
#[must_use]
pub const fn how_many(these: &[bool]) -> usize {
    let (mut rest, mut count) = (these, 0_usize);
    while let [first, others @ ..] = rest {
        if *first {
            count = count.saturating_add(1);
        }
        rest = others;
    }
    count
}

/// The tails of a reply, as it is made or taken apart.
#[derive(Debug, Default)]
pub struct Tails {
    bytes: Vec<u8>,
    /// Bytes that were read.
    at: usize,
    is_read: bool,
}

impl Tails {
    /// Without a tail yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), at: 0, is_read: false }
    }

    /// All of it was taken.
    ///
    /// # Errors
    /// `PeerMisbehaved` if something is left.
    #[inline(always)]
    pub fn end<const TAILS: usize>(self) -> Result<(), Failure> {
        if TAILS > 1 && self.at != self.bytes.len() { Err(Failure(CallError::PeerMisbehaved)) } else { Ok(()) }
    }

    fn append<T: Wire, const REP: usize, const MAX: usize>(
        &mut self,
        head: &mut Head<REP>,
        at: usize,
        value: &T,
    ) -> Result<(), Refusal> {
        let from = self.bytes.len();
        let room = |bytes: &mut Vec<u8>, size: usize| {
            let end = from.checked_add(size).filter(|_| size <= MAX).ok_or(Refusal::TooLarge)?;
            bytes.try_reserve(size).map_err(|_| Refusal::TooLarge)?;
            bytes.resize(end, 0);
            Ok::<(), Refusal>(())
        };
        match T::CLASS {
            Class::Fixed => head.put(at, value),
            Class::Varying => {
                head.put(at, value);
                room(&mut self.bytes, value.tail_size())?;
                value.put_tail(self.bytes.get_mut(from..).unwrap_or_default());
            }
            Class::Conventional => {
                room(&mut self.bytes, FIRST_TRY.min(MAX))?;
                let size = match conventional::encode(value, self.bytes.get_mut(from..).unwrap_or_default()) {
                    Ok(size) => size,
                    Err(Unfit::Size { size }) => {
                        room(&mut self.bytes, size)?;
                        conventional::encode(value, self.bytes.get_mut(from..).unwrap_or_default())?
                    }
                    Err(unfit) => return Err(unfit.into()),
                };
                self.bytes.truncate(from.saturating_add(size));
                head.put(at, &count_of(size));
            }
        }
        Ok(())
    }

    /// Reads the value whose fixed part is at `at`, of up to `max` bytes beside it.
    fn next<T: Wire>(&mut self, head: &[u8], at: usize, max: usize) -> Option<T> {
        match T::CLASS {
            Class::Fixed => None,
            Class::Varying => {
                let size = T::tail_size_at(head, at).ok()?;
                let mut tail = Tail::new(self.take(size, max)?);
                let value = T::get(head, at, &mut tail).ok()?;
                (tail.left() == 0).then_some(value)
            }
            Class::Conventional => conventional::decode(self.take(get_count(head, at).ok()?, max)?, max).ok(),
        }
    }

    /// The next `size` bytes.
    fn take(&mut self, size: usize, max: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(size).filter(|_| size <= max)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }
}

impl Incoming<'_> {
    /// As [`reply_value`](Self::reply_value), where `TAILS` of the results vary.
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn reply_among<T: Wire, const REP: usize, const MAX: usize, const TAILS: usize>(
        &mut self,
        head: &mut Head<REP>,
        at: usize,
        value: &T,
        tails: &mut Tails,
    ) -> Result<(), Refusal> {
        if TAILS > 1 {
            tails.append::<T, REP, MAX>(head, at, value)
        } else {
            self.reply_value::<T, REP, MAX>(head, at, value)
        }
    }

    /// Puts the tails after the areas.
    ///
    /// # Errors
    /// `TooLarge` if there is no memory for them.
    #[inline(always)]
    pub fn reply_tails<const TAILS: usize>(&mut self, tails: &Tails) -> Result<(), Refusal> {
        if TAILS > 1 { self.copy_tails(&tails.bytes) } else { Ok(()) }
    }

    fn copy_tails(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.tail(bytes.len(), usize::MAX)?.copy_from_slice(bytes);
        Ok(())
    }
}

impl<const REP: usize> Reply<'_, REP> {
    /// As [`get`](Self::get), where `TAILS` of the results vary, which have up to `ALL` bytes together.
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn get_among<T: Wire, const MAX: usize, const TAILS: usize>(
        &mut self,
        at: usize,
        all: usize,
        tails: &mut Tails,
    ) -> Result<T, Failure> {
        if TAILS > 1 && !matches!(T::CLASS, Class::Fixed) {
            self.get_next::<T, MAX>(at, all, tails).ok_or(Failure(CallError::PeerMisbehaved))
        } else {
            self.get::<T, MAX>(at)
        }
    }

    fn get_next<T: Wire, const MAX: usize>(&mut self, at: usize, all: usize, tails: &mut Tails) -> Option<T> {
        if !tails.is_read {
            tails.bytes = self.tail(all).ok()?;
            tails.is_read = true;
        }
        tails.next(self.head(), at, MAX)
    }
}

impl<const REP: usize> FarReply<REP> {
    /// As [`Reply::get_among`].
    ///
    /// # Errors
    /// `PeerMisbehaved`.
    pub fn get_among<T: Wire, const MAX: usize, const TAILS: usize>(
        &mut self,
        at: usize,
        all: usize,
        tails: &mut Tails,
    ) -> Result<T, Failure> {
        if TAILS <= 1 || matches!(T::CLASS, Class::Fixed) {
            return self.get::<T, MAX>(at);
        }
        if !tails.is_read {
            // No other result reads it then.
            tails.bytes = self.take_tail(all)?;
            tails.is_read = true;
        }
        tails.next(self.head(), at, MAX).ok_or(Failure(CallError::PeerMisbehaved))
    }
}
