//! Slices that travel as the memory that they are.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use nearcall_core::channel::memory::ALIGN_MAX;

use super::Wire;

/// A type whose slices can be parameters: `&[T]`, `&mut [T]`, `#[out] &mut [T]`.
///
/// Of such a type every pattern of bytes is a value and no byte is padding (zerocopy's traits say so), and its
/// [`Wire`] form is its memory. So a slice is copied in one piece, and there is nothing to check in it but its size.
/// Integers, floats and arrays of them are plain; `#[nearcall::plain]` makes a struct of plain fields so.
#[diagnostic::on_unimplemented(
    message = "slices of `{Self}` do not travel",
    label = "not plain: not every pattern of bytes is known to be a value",
    note = "write `#[nearcall::plain]` before a struct of integers, floats and plain structs; or take `Vec<{Self}>` or \
            `&Vec<{Self}>`, and return a `Vec<{Self}>`"
)]
pub trait Plain: Wire + FromBytes + IntoBytes + Immutable + KnownLayout {}

macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Plain for $type {}
    )*};
}

plain! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64 }

impl<T: Plain, const N: usize> Plain for [T; N] {}

/// That slices of `T` can be counted and laid out: asked of every slice in an interface, when it is compiled.
pub const fn assert_item<T: Plain>() {
    assert!(size_of::<T>() > 0, "items without bytes cannot be counted");
    assert!(align_of::<T>() <= ALIGN_MAX, "items are aligned to 16 bytes at most");
    assert!(size_of::<T>() == T::SIZE, "items must lie in memory as they travel");
    const { assert!(cfg!(target_endian = "little"), "numbers travel with their low byte first") };
}

/// Bytes from byte `at` of a frame to where an area of `T` can begin.
#[inline(always)]
pub(super) const fn padding<T>(at: usize) -> usize {
    at.wrapping_neg() % align_of::<T>()
}
