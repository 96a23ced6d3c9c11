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
    /// Which channel. A client's channels have numbers that never come again in its life.
    pub channel: U32,
    /// Which call of the channel, from 1.
    pub sequence: U32,
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

    /// All of them.
    pub const ALL: u16 = 15;

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

/// Whether call `a` is later than `b`, of numbers that wrap around.
#[must_use]
pub const fn is_later(a: u32, b: u32) -> bool {
    a != b && a.wrapping_sub(b) < 1 << 31
}
