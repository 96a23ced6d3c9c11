//! The conventional path: a value in sequence, as any marshaller would write it, for what has no fixed shape.
//!
//! ```text
//! fixed values   their fixed part
//! String         byte count (4), UTF-8
//! Vec            item count (4), the items
//! Box            what is in it
//! struct, tuple  the fields in order
//! enum, Option   the tag, then the fields of the variant
//! ```
//!
//! What nests without a bound (in `Box`, and in `Vec` of what is not fixed) is counted: beyond [`DEPTH_MAX`] a value is
//! neither written nor read, so no peer decides how much stack a decoder needs. A count is compared with the bytes that
//! are left before anything is allocated for it, and an item that has no bytes is sent as a zero, so that every item is
//! paid for. But few bytes can be large values: what has no bytes in one variant has room for those of the largest. So a
//! value has [`memory_of`] bytes where it is read, and no more. What is left over makes a value malformed.
//!
//! What it does not do: look at shared memory, or know of calls.

use crate::wire::{Malformed, Tail, Wire, count_of};

/// How deep values may be nested in `Box` and in `Vec` of what is not fixed.
pub const DEPTH_MAX: u32 = 64;

/// Bytes of memory that the sequences and boxes of a value may take where it is read, if it may have `max` bytes where it travels.
///
/// Of what is sent as it lies in memory, no value comes near it: an absent `Option<String>` has the worst proportion, 24 to 1.
/// It bounds what a peer can have allocated by values of which nearly nothing travels, such as arms of a union that are not there.
#[must_use]
pub const fn memory_of(max: usize) -> usize {
    max.saturating_mul(32).saturating_add(64 * 1024)
}

/// Why a value was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There was less space than `size` bytes, which it takes.
    Size {
        /// Bytes.
        size: usize,
    },
    /// It is nested deeper than [`DEPTH_MAX`], or has no encoded form at all.
    Never,
}

/// Writes values one after the other. What does not fit is not written, but counted, so that the end can say how much
/// space it takes.
#[derive(Debug)]
pub struct Writer<'a> {
    space: &'a mut [u8],
    used: usize,
    depth: u32,
    too_deep: bool,
}

impl<'a> Writer<'a> {
    /// Writes from the beginning of `space`.
    #[must_use]
    pub const fn new(space: &'a mut [u8]) -> Self {
        Self { space, used: 0, depth: 0, too_deep: false }
    }

    /// The next `size` bytes of the space, to be overwritten completely; empty if there are not as many.
    #[inline]
    pub fn take(&mut self, size: usize) -> &mut [u8] {
        let from = self.used;
        self.used = from.saturating_add(size);
        self.space.get_mut(from..self.used).unwrap_or_default()
    }

    /// Writes the fixed part of a value that has no other.
    #[inline]
    pub fn fixed<T: Wire>(&mut self, value: &T) {
        value.put(self.take(T::SIZE), 0);
    }

    /// Writes a count.
    #[inline]
    pub fn count(&mut self, count: usize) {
        self.fixed(&count_of(count));
    }

    /// Writes an item of a sequence.
    #[inline]
    pub fn item<T: Wire>(&mut self, item: &T) {
        let before = self.used;
        item.write(self);
        if self.used == before {
            self.fixed(&0_u8);
        }
    }

    /// Writes one level deeper.
    #[inline]
    pub fn nested(&mut self, write: impl FnOnce(&mut Self)) {
        if self.depth >= DEPTH_MAX {
            self.too_deep = true;
            return;
        }
        self.depth += 1;
        write(self);
        self.depth -= 1;
    }

    /// How many bytes were written.
    ///
    /// # Errors
    /// [`Unfit`]; what was written means nothing then.
    pub fn finish(self) -> Result<usize, Unfit> {
        if self.too_deep {
            Err(Unfit::Never)
        } else if self.used > self.space.len() {
            Err(Unfit::Size { size: self.used })
        } else {
            Ok(self.used)
        }
    }
}

/// Reads values one after the other, from private memory.
#[derive(Debug)]
pub struct Reader<'a> {
    tail: Tail<'a>,
    depth: u32,
    /// Bytes of memory that it may yet take.
    memory: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`, of which there may be `max`.
    #[must_use]
    pub const fn new(bytes: &'a [u8], max: usize) -> Self {
        Self { tail: Tail::new(bytes), depth: 0, memory: memory_of(max) }
    }

    /// Accounts for a value that has memory of its own.
    ///
    /// # Errors
    /// [`Malformed`] if all values together have more than [`memory_of`] says.
    #[inline]
    pub fn owns<T>(&mut self) -> Result<(), Malformed> {
        self.memory = self.memory.checked_sub(size_of::<T>()).ok_or(Malformed)?;
        Ok(())
    }

    /// The next `size` bytes.
    ///
    /// # Errors
    /// [`Malformed`] if fewer are left.
    #[inline]
    pub fn take(&mut self, size: usize) -> Result<&'a [u8], Malformed> {
        self.tail.take(size)
    }

    /// Bytes not yet read.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.tail.left()
    }

    /// Reads the fixed part of a value that has no other.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of `T`.
    #[inline]
    pub fn fixed<T: Wire>(&mut self) -> Result<T, Malformed> {
        T::get(self.take(T::SIZE)?, 0, &mut Tail::empty())
    }

    /// Reads a count of items, each of which takes a byte at least.
    ///
    /// # Errors
    /// [`Malformed`] if there are fewer bytes than items.
    #[inline]
    pub fn count(&mut self) -> Result<usize, Malformed> {
        let count = usize::try_from(self.fixed::<u32>()?).map_err(|_| Malformed)?;
        if count <= self.left() { Ok(count) } else { Err(Malformed) }
    }

    /// Reads an item of a sequence.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of `T`.
    #[inline]
    pub fn item<T: Wire>(&mut self) -> Result<T, Malformed> {
        self.owns::<T>()?;
        let before = self.left();
        let item = T::read(self)?;
        if self.left() == before && self.fixed::<u8>()? != 0 {
            return Err(Malformed);
        }
        Ok(item)
    }

    /// Reads one level deeper.
    ///
    /// # Errors
    /// [`Malformed`] if that is too deep, or what `read` says.
    #[inline]
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Malformed>) -> Result<T, Malformed> {
        if self.depth >= DEPTH_MAX {
            return Err(Malformed);
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// That nothing is left over.
    ///
    /// # Errors
    /// [`Malformed`] if something is.
    pub const fn end(self) -> Result<(), Malformed> {
        if self.left() == 0 { Ok(()) } else { Err(Malformed) }
    }
}

/// Writes `value` into `space`; returns how many bytes it takes.
///
/// # Errors
/// [`Unfit`] if there is not enough space, or no form of the value to write.
pub fn encode<T: Wire>(value: &T, space: &mut [u8]) -> Result<usize, Unfit> {
    let mut to = Writer::new(space);
    value.write(&mut to);
    to.finish()
}

/// Reads the value that `bytes` are, of which there may be `max`.
///
/// # Errors
/// [`Malformed`] if they are none, too many, or more in memory than [`memory_of`] says.
pub fn decode<T: Wire>(bytes: &[u8], max: usize) -> Result<T, Malformed> {
    let mut from = Reader::new(bytes, max);
    let value = T::read(&mut from)?;
    from.end().map(|()| value)
}

#[cfg(test)]
mod tests;
