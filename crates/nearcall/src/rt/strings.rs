//! Several strings as one parameter: gathered from where they are, and scattered to where they go (Liedtke's indirect strings).
//!
//! ```text
//! `&[&[u8]]`                 request head: count 4          request tail: a length of 4 each, then the bytes of all
//! `#[out] &mut [&mut [u8]]`  request head: count 4, bytes 4 request tail: a length of 4 each     reply: one area for all
//! ```
//! Neither side copies a string more often than a slice: the client from and to its own memory once, the server into private
//! memory once, or not at all.

use nearcall_layout::wire::get_count;
use nearcall_layout::{Head, Shape};

use super::far::{FarCall, FarReply};
use super::incoming::{Incoming, Refusal};
use super::outgoing::{Area, Call, Reply};
use crate::error::{CallError, Failure};

/// Strings of one parameter: as many as L4 has in a message.
const STRINGS_MAX: usize = 31;

/// What several strings are.
pub const STRINGS: &Shape = &Shape::Foreign { codec: "strings", spelling: "[[u8]]" };

const LENGTH_SIZE: usize = 4;

/// Bytes of all of them.
#[must_use]
pub fn total(strings: &[&mut [u8]]) -> usize {
    strings.iter().fold(0, |sum: usize, string| sum.saturating_add(string.len()))
}

/// Bytes of all of them, as the head says at `at`.
///
/// # Errors
/// `BadArgument` if the head is too short.
pub fn total_at<const REQ: usize>(head: &Head<REQ>, at: usize) -> Result<usize, Refusal> {
    Ok(get_count(&head.0, at.saturating_add(LENGTH_SIZE))?)
}

/// Up to 31 strings, where they are.
#[derive(Debug)]
pub struct Strings<T> {
    places: [T; STRINGS_MAX],
    count: usize,
}

impl<T> Strings<T> {
    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        self.places.get(..self.count).unwrap_or_default()
    }

    /// The same, to be written.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.places.get_mut(..self.count).unwrap_or_default()
    }
}

fn within(count: usize) -> Result<(), Failure> {
    if count > STRINGS_MAX { Err(Failure(CallError::TooManyStrings { count, limit: STRINGS_MAX })) } else { Ok(()) }
}

/// Lengths as they travel, and how many bytes that is.
fn words_of(lengths: impl Iterator<Item = usize>) -> ([u8; STRINGS_MAX * LENGTH_SIZE], usize) {
    let mut words = [0; STRINGS_MAX * LENGTH_SIZE];
    let (places, _) = words.as_chunks_mut::<LENGTH_SIZE>();
    let mut count: usize = 0;
    for (word, length) in places.iter_mut().zip(lengths) {
        // A longer one is more than any `max`, and refused.
        *word = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        count += 1;
    }
    (words, count.saturating_mul(LENGTH_SIZE))
}

impl<const REQ: usize, const REP: usize> FarCall<'_, REQ, REP> {
    /// As [`Call::strings`].
    ///
    /// # Errors
    /// `TooManyStrings`; nothing was sent.
    pub fn strings(&mut self, at: usize, strings: &[&[u8]]) -> Result<(), Failure> {
        within(strings.len())?;
        self.count(at, strings.len());
        Ok(())
    }

    /// As [`Call::gather`].
    ///
    /// # Errors
    /// `TooLarge`; nothing was sent.
    pub fn gather<const MAX: usize>(&mut self, strings: &[&[u8]]) -> Result<(), Failure> {
        let size = strings.iter().fold(0, |sum: usize, string| sum.saturating_add(string.len()));
        if size > MAX {
            return Err(Failure(CallError::TooLarge { size, limit: MAX }));
        }
        self.lengths(strings.iter().map(|string| string.len()))?;
        strings.iter().try_for_each(|string| self.bytes::<MAX>(string))
    }

    /// As [`Call::places`].
    ///
    /// # Errors
    /// `TooManyStrings`, `TooLarge`; nothing was sent.
    pub fn places<const MAX: usize>(&mut self, at: usize, places: &[&mut [u8]]) -> Result<(), Failure> {
        within(places.len())?;
        self.count(at, places.len());
        self.capacity::<u8, MAX>(at.saturating_add(LENGTH_SIZE), total(places))
    }

    /// As [`Call::scatter`].
    ///
    /// # Errors
    /// None: they are few.
    pub fn scatter(&mut self, places: &[&mut [u8]]) -> Result<(), Failure> {
        self.lengths(places.iter().map(|place| place.len()))
    }

    fn lengths(&mut self, lengths: impl Iterator<Item = usize>) -> Result<(), Failure> {
        let (words, size) = words_of(lengths);
        self.bytes::<{ STRINGS_MAX * LENGTH_SIZE }>(words.get(..size).unwrap_or_default())
    }
}

impl<const REP: usize> FarReply<REP> {
    /// As [`Reply::scatter`].
    ///
    /// # Errors
    /// `PeerMisbehaved` if the area is not there. Nothing was written then.
    pub fn scatter(&self, area: &Area<u8>, places: &mut [&mut [u8]]) -> Result<(), Failure> {
        let mut all = vec![0; total(places)];
        self.copy_out(area, all.len(), &mut all)?;
        let mut rest = all.as_slice();
        for place in places {
            let (part, next) = rest.split_at(place.len().min(rest.len()));
            place.copy_from_slice(part);
            rest = next;
        }
        Ok(())
    }
}

impl<const REQ: usize, const REP: usize, const START: bool> Call<'_, REQ, REP, START> {
    /// Puts how many strings there are.
    ///
    /// # Errors
    /// `TooManyStrings`; nothing was sent.
    pub fn strings(&mut self, at: usize, strings: &[&[u8]]) -> Result<(), Failure> {
        within(strings.len())?;
        self.count(at, strings.len());
        Ok(())
    }

    /// Appends their lengths and the bytes of each, up to `MAX` in all.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn gather<const MAX: usize>(&mut self, strings: &[&[u8]]) -> Result<(), Failure> {
        let size = strings.iter().fold(0, |sum: usize, string| sum.saturating_add(string.len()));
        if size > MAX {
            return Err(Failure(CallError::TooLarge { size, limit: MAX }));
        }
        self.lengths(strings.iter().map(|string| string.len()))?;
        strings.iter().try_for_each(|string| self.bytes::<MAX>(string))
    }

    /// Puts how many places for strings there are, and the bytes of all, up to `MAX`.
    ///
    /// # Errors
    /// `TooManyStrings`, `TooLarge`; nothing was sent.
    pub fn places<const MAX: usize>(&mut self, at: usize, places: &[&mut [u8]]) -> Result<(), Failure> {
        within(places.len())?;
        self.count(at, places.len());
        self.capacity::<u8, MAX>(at.saturating_add(LENGTH_SIZE), total(places))
    }

    /// Appends how long each place is.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn scatter(&mut self, places: &[&mut [u8]]) -> Result<(), Failure> {
        self.lengths(places.iter().map(|place| place.len()))
    }

    fn lengths(&mut self, lengths: impl Iterator<Item = usize>) -> Result<(), Failure> {
        let (words, size) = words_of(lengths);
        self.bytes::<{ STRINGS_MAX * LENGTH_SIZE }>(words.get(..size).unwrap_or_default())
    }
}

impl<const REP: usize> Reply<'_, REP> {
    /// Copies an area to the places of the caller's, each to its end: LRPC's copy F.
    ///
    /// # Errors
    /// `PeerMisbehaved` if the area is not there. Nothing was written then.
    pub fn scatter(&self, area: &Area<u8>, places: &mut [&mut [u8]]) -> Result<(), Failure> {
        self.check(area, total(places))?;
        let mut at = 0;
        for place in places {
            self.copy_part(area, at, place)?;
            at = at.saturating_add(place.len());
        }
        Ok(())
    }
}

impl<'a> Incoming<'a> {
    fn string_lengths(&mut self, count: usize) -> Result<[usize; STRINGS_MAX], Refusal> {
        if count > STRINGS_MAX {
            return Err(Refusal::BadArgument);
        }
        let size = count.saturating_mul(LENGTH_SIZE);
        let words = self.slice::<u8, { STRINGS_MAX * LENGTH_SIZE }>(size)?;
        let mut lengths = [0; STRINGS_MAX];
        for (length, word) in lengths.iter_mut().zip(words.as_chunks::<LENGTH_SIZE>().0) {
            *length = usize::try_from(u32::from_le_bytes(*word)).map_err(|_| Refusal::BadArgument)?;
        }
        Ok(lengths)
    }

    /// The next `count` strings of the request's tail, up to `MAX` bytes in all, in one piece of private memory.
    ///
    /// # Errors
    /// `BadArgument`, `ArgumentTooLarge`, `Overloaded`, as [`slice`](Self::slice); `BadArgument` if there are more than 31.
    pub fn gathered<const MAX: usize>(&mut self, count: usize) -> Result<Strings<&'a [u8]>, Refusal> {
        let lengths = self.string_lengths(count)?;
        let size = lengths.iter().fold(0, |sum: usize, length| sum.saturating_add(*length));
        let mut bytes = self.slice::<u8, MAX>(size)?;
        let mut places: [&'a [u8]; STRINGS_MAX] = [&[]; STRINGS_MAX];
        for (place, length) in places.iter_mut().zip(lengths) {
            (*place, bytes) = bytes.split_at_checked(length).ok_or(Refusal::BadArgument)?;
        }
        Ok(Strings { places, count })
    }

    /// The reply's next area, in as many parts as the client has places for; the head has their number and bytes at `at`.
    ///
    /// # Errors
    /// `BadArgument` if these are not what the tail says, or more than 31; as [`out`](Self::out).
    pub fn scattered<const REQ: usize>(
        &mut self,
        head: &Head<REQ>,
        at: usize,
    ) -> Result<Strings<&'a mut [u8]>, Refusal> {
        let count = get_count(&head.0, at)?;
        let lengths = self.string_lengths(count)?;
        let size = total_at(head, at)?;
        if lengths.iter().fold(0, |sum: usize, length| sum.saturating_add(*length)) != size {
            return Err(Refusal::BadArgument);
        }
        let mut area = self.out::<u8>(size)?;
        let mut places: [&'a mut [u8]; STRINGS_MAX] = core::array::from_fn(|_| Default::default());
        for (place, length) in places.iter_mut().zip(lengths) {
            let (part, rest) = area.split_at_mut_checked(length).ok_or(Refusal::BadArgument)?;
            (*place, area) = (part, rest);
        }
        Ok(Strings { places, count })
    }
}
