//! What CHAN puts before each message.

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Whose calls they are above.
    pub number: U16,
    /// [`Flags`].
    pub flags: U16,
    /// Which channel. A client draws the number of its first one, so that those of its other lives were others, and counts on.
    pub channel: U32,
    /// Which call of the channel, from 1; 0 never comes again.
    pub sequence: U32,
    /// Of a request: milliseconds until nobody waits for its answer any more, rounded up; 0: somebody waits however long it takes.
    pub left: U32,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// The client of the channel sent it.
    pub const FROM_CLIENT: Self = Self(1);
    /// There is a request behind it, or a reply.
    pub const USER_MESSAGE: Self = Self(2);
    /// The sender wants to hear whether it was received.
    pub const ASKS: Self = Self(4);
    /// The sender has not received what was asked about.
    pub const MISSING: Self = Self(8);

    /// The server has not run the request and will not; with `MISSING`: because it has as much to do as it may.
    pub const REFUSED: Self = Self(16);
    /// With `MISSING`, from the server: it has run the request, and has no answer to it any more.
    pub const FORGOTTEN: Self = Self(32);

    /// All of them.
    pub const ALL: u16 = 63;

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The number after `sequence`.
#[must_use]
pub const fn next(sequence: u32) -> u32 {
    match sequence.wrapping_add(1) {
        0 => 1,
        next => next,
    }
}

/// Whether call `a` is later than `b`, of numbers that wrap around.
#[must_use]
pub const fn is_later(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}
