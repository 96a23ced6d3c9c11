//! What BLAST puts before each fragment.

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// Whose message it is above.
    pub number: U16,
    /// [`DATA`], [`RESENT`] or [`MISSING`].
    pub kind: u8,
    /// Fragments of the message.
    pub count: u8,
    /// Which message of this session; 0: one that is whole, of which nobody remembers anything.
    pub sequence: U32,
    /// Bytes of the message.
    pub size: U32,
    /// Of a fragment: the bit of its place. In [`MISSING`]: the bits of those that are there.
    pub mask: U16,
    /// Bytes of each fragment but the last.
    pub unit: U16,
}

/// A fragment.
pub const DATA: u8 = 1;
/// A fragment that was asked for.
pub const RESENT: u8 = 2;
/// "These are here; send the others."
pub const MISSING: u8 = 3;

/// Its size.
pub const SIZE: usize = size_of::<Header>();

/// Fragments of one message at most: the bits of a mask.
pub const COUNT_MAX: usize = 16;

/// All fragments of a message of so many.
#[must_use]
pub const fn all(count: u8) -> u16 {
    if count >= 16 { u16::MAX } else { (1 << count) - 1 }
}

/// Where a fragment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 0.
    pub index: usize,
    /// Its bytes.
    pub size: usize,
}

impl Header {
    /// Whether the numbers of a message in fragments agree with each other.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (count, unit, size) = (u64::from(self.count), u64::from(self.unit.get()), u64::from(self.size.get()));
        let counts = (2..=16).contains(&count) && unit > 0;
        counts && self.sequence.get() != 0 && size > unit * (count - 1) && size <= unit * count
    }

    /// Where this fragment belongs. `None` if there is no such place.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let mask = self.mask.get();
        if !self.is_sound() || mask.count_ones() != 1 || mask & !all(self.count) != 0 {
            return None;
        }
        let index = usize::try_from(mask.trailing_zeros()).ok()?;
        let (unit, size) = (usize::from(self.unit.get()), usize::try_from(self.size.get()).ok()?);
        Some(Place { index, size: (size - unit * index).min(unit) })
    }
}
