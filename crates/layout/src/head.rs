//! The fixed part of a call: every fixed-size value at a constant offset, without padding.

use crate::wire::{Malformed, Wire};

/// Bytes of a head that travel in the request or reply line itself; a longer head travels in the A-stack's frame.
pub const LINE_BYTES: usize = 40;

/// The size a head buffer has for `bytes` bytes of values: whole words, because lines are written in words.
#[must_use]
pub const fn head_bytes(bytes: usize) -> usize {
    bytes.div_ceil(8) * 8
}

/// The private buffer in which a stub assembles or reads the fixed part of a call.
///
/// `B` is [`head_bytes`] of what the procedure needs, a constant; offsets are constants too, so after inlining a put is
/// one store and a get one load, and the bounds checks are gone. They are there all the same: an offset out of bounds is
/// an `Err`, not a panic, because stubs must have no panic path.
#[derive(Debug, Clone, Copy)]
pub struct Head<const B: usize>(pub [u8; B]);

impl<const B: usize> Head<B> {
    /// All zero: what is not put stays zero, so no stale byte of ours ever travels.
    pub const ZERO: Self = Self([0; B]);

    /// Puts the fixed part of `value` at byte offset `at`.
    #[inline(always)]
    pub fn put<T: Wire>(&mut self, at: usize, value: &T) {
        value.put(&mut self.0, at);
    }

    /// Gets a value that has no tail from byte offset `at`.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of `T`.
    #[inline(always)]
    pub fn get<T: Wire>(&self, at: usize) -> Result<T, Malformed> {
        T::get(&self.0, at, &mut crate::wire::Tail::empty())
    }
}
