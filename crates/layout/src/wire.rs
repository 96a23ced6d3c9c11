//! How one value travels.
//!
//! A value has a *fixed part* of [`Wire::SIZE`] bytes in the head of the call and, if its size varies, a *tail*: bytes
//! in the A-stack's frame, tails in the order of the parameters, no alignment, no padding. Numbers are little-endian.
//! For a value of varying size the fixed part is its count (4 bytes).
//!
//! The bytes that [`Wire::get`] reads are always in private memory: they were copied out of the peer's region once, and
//! nothing that is checked here can change afterwards (LRPC, Table III, copies A and E).

use alloc::string::String;
use alloc::vec::Vec;

use crate::shape::Shape;

/// The bytes are no value of the type: an illegal `bool`, `char`, discriminant or UTF-8 sequence, or too few of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the bytes are no value of the type")
    }
}

impl core::error::Error for Malformed {}

/// Whether a type has a tail; decides at compile time whether a procedure needs a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The head holds all of it.
    Fixed,
    /// The head holds a count, the tail the items.
    Varying,
}

/// The tail of a message that was received, in private memory, consumed front to back.
#[derive(Debug)]
pub struct Tail<'a>(&'a [u8]);

impl<'a> Tail<'a> {
    /// A tail without bytes, for values of class [`Class::Fixed`].
    #[must_use]
    pub const fn empty() -> Tail<'static> {
        Tail(&[])
    }

    /// The tail that `bytes` hold.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Tail(bytes)
    }

    /// The next `size` bytes.
    ///
    /// # Errors
    /// [`Malformed`] if fewer are left.
    #[inline]
    pub fn take(&mut self, size: usize) -> Result<&'a [u8], Malformed> {
        let (now, rest) = self.0.split_at_checked(size).ok_or(Malformed)?;
        self.0 = rest;
        Ok(now)
    }

    /// Bytes not yet taken.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.0.len()
    }
}

/// The space for tails in our own frame, filled front to back.
#[derive(Debug)]
pub struct TailSpace<'a> {
    free: &'a mut [u8],
    used: usize,
}

impl<'a> TailSpace<'a> {
    /// All of `free`.
    #[must_use]
    pub const fn new(free: &'a mut [u8]) -> Self {
        Self { free, used: 0 }
    }

    /// The next `size` bytes of the space, or `None` if fewer are left. Their contents are whatever was there.
    #[inline]
    pub fn take(&mut self, size: usize) -> Option<&'a mut [u8]> {
        let free = core::mem::take(&mut self.free);
        match free.split_at_mut_checked(size) {
            Some((now, rest)) => {
                self.free = rest;
                self.used = self.used.saturating_add(size);
                Some(now)
            }
            None => None,
        }
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used
    }
}

/// A type that can be a parameter, a result or an error of a procedure.
///
/// Implemented here for integers, floats, `bool`, `char`, arrays, `String` and `Vec`; derived for flat structs and for
/// enums without fields. All constants are evaluated by rustc when it compiles the stub, so a layout never depends on
/// what a macro believes about a type's name.
pub trait Wire: Sized {
    /// Bytes of the fixed part.
    const SIZE: usize;
    /// The alignment the type would like, in bytes; packed heads do not use it, borrowed slices will.
    const ALIGN: usize;
    /// Whether there is a tail.
    const CLASS: Class;
    /// What it is.
    const SHAPE: &'static Shape;

    /// Writes the fixed part at byte offset `at` of `head`. A head that is too short is left as it is: offsets and
    /// sizes are constants of the stub, asserted where it is generated.
    fn put(&self, head: &mut [u8], at: usize);

    /// Bytes of the tail of this value.
    #[inline(always)]
    fn tail_size(&self) -> usize {
        0
    }

    /// Writes the tail; `space` has exactly [`Wire::tail_size`] bytes.
    #[inline(always)]
    fn put_tail(&self, space: &mut [u8]) {
        let _ = space;
    }

    /// Bytes of the tail that belongs to the fixed part at byte offset `at` of `head`, as far as the sender says.
    ///
    /// # Errors
    /// [`Malformed`] if the head is too short or the size overflows.
    #[inline(always)]
    fn tail_size_at(head: &[u8], at: usize) -> Result<usize, Malformed> {
        let _ = (head, at);
        Ok(0)
    }

    /// Reads a value whose fixed part is at byte offset `at` of `head`; takes its tail from `tail`.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of the type.
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed>;
}

#[inline(always)]
fn put_bytes<const N: usize>(head: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(to) = head.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
        *to = bytes;
    }
}

#[inline(always)]
fn get_bytes<const N: usize>(head: &[u8], at: usize) -> Result<[u8; N], Malformed> {
    head.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(Malformed)
}

macro_rules! number {
    ($($type:ty => $shape:expr;)*) => {$(
        impl Wire for $type {
            const SIZE: usize = size_of::<$type>();
            const ALIGN: usize = align_of::<$type>();
            const CLASS: Class = Class::Fixed;
            const SHAPE: &'static Shape = &$shape;

            #[inline(always)]
            fn put(&self, head: &mut [u8], at: usize) {
                put_bytes(head, at, self.to_le_bytes());
            }

            #[inline(always)]
            fn get(head: &[u8], at: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
                get_bytes(head, at).map(Self::from_le_bytes)
            }
        }
    )*};
}

number! {
    u8 => Shape::Int { size: 1, signed: false };
    u16 => Shape::Int { size: 2, signed: false };
    u32 => Shape::Int { size: 4, signed: false };
    u64 => Shape::Int { size: 8, signed: false };
    u128 => Shape::Int { size: 16, signed: false };
    i8 => Shape::Int { size: 1, signed: true };
    i16 => Shape::Int { size: 2, signed: true };
    i32 => Shape::Int { size: 4, signed: true };
    i64 => Shape::Int { size: 8, signed: true };
    i128 => Shape::Int { size: 16, signed: true };
    f32 => Shape::Float { size: 4 };
    f64 => Shape::Float { size: 8 };
}

impl Wire for () {
    const SIZE: usize = 0;
    const ALIGN: usize = 1;
    const CLASS: Class = Class::Fixed;
    const SHAPE: &'static Shape = &Shape::Unit;

    #[inline(always)]
    fn put(&self, _: &mut [u8], _: usize) {}

    #[inline(always)]
    fn get(_: &[u8], _: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl Wire for bool {
    const SIZE: usize = 1;
    const ALIGN: usize = 1;
    const CLASS: Class = Class::Fixed;
    const SHAPE: &'static Shape = &Shape::Bool;

    #[inline(always)]
    fn put(&self, head: &mut [u8], at: usize) {
        put_bytes(head, at, [u8::from(*self)]);
    }

    #[inline(always)]
    fn get(head: &[u8], at: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        match get_bytes::<1>(head, at)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl Wire for char {
    const SIZE: usize = 4;
    const ALIGN: usize = 4;
    const CLASS: Class = Class::Fixed;
    const SHAPE: &'static Shape = &Shape::Char;

    #[inline(always)]
    fn put(&self, head: &mut [u8], at: usize) {
        put_bytes(head, at, u32::from(*self).to_le_bytes());
    }

    #[inline(always)]
    fn get(head: &[u8], at: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        Self::from_u32(u32::from_le_bytes(get_bytes(head, at)?)).ok_or(Malformed)
    }
}

const fn assert_fixed<T: Wire>() {
    assert!(matches!(T::CLASS, Class::Fixed), "only items of fixed size can be in an array or a Vec");
}

/// An item that takes no bytes would let a peer claim four thousand million of them for nothing.
const fn assert_some_bytes<T: Wire>() {
    assert_fixed::<T>();
    assert!(T::SIZE > 0, "a Vec of items without bytes cannot be bounded by the bytes it takes");
}

impl<T: Wire, const N: usize> Wire for [T; N] {
    const SIZE: usize = {
        assert_fixed::<T>();
        T::SIZE * N
    };
    const ALIGN: usize = T::ALIGN;
    const CLASS: Class = Class::Fixed;
    const SHAPE: &'static Shape = &Shape::Array { item: T::SHAPE, count: N };

    #[inline(always)]
    fn put(&self, head: &mut [u8], at: usize) {
        for (i, item) in self.iter().enumerate() {
            item.put(head, at + i * T::SIZE);
        }
    }

    #[inline(always)]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        let mut ok = true;
        let items: [Option<T>; N] = core::array::from_fn(|i| {
            let item = T::get(head, at + i * T::SIZE, tail).ok();
            ok &= item.is_some();
            item
        });
        if !ok {
            return Err(Malformed);
        }
        // `ok` says that every item is there; an array without a way to fail has no try_map on stable.
        Ok(items.map(|item| item.expect("checked above")))
    }
}

/// The count of a tail, as the head carries it. A longer tail than fits 32 bits cannot be sent: no frame holds it.
#[inline(always)]
#[must_use]
pub fn count_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Reads a count from the head.
///
/// # Errors
/// [`Malformed`] if the head is too short.
#[inline(always)]
pub fn get_count(head: &[u8], at: usize) -> Result<usize, Malformed> {
    usize::try_from(u32::from_le_bytes(get_bytes(head, at)?)).map_err(|_| Malformed)
}

impl Wire for String {
    const SIZE: usize = 4;
    const ALIGN: usize = 1;
    const CLASS: Class = Class::Varying;
    const SHAPE: &'static Shape = &Shape::Str;

    #[inline]
    fn put(&self, head: &mut [u8], at: usize) {
        count_of(self.len()).put(head, at);
    }

    #[inline]
    fn tail_size(&self) -> usize {
        self.len()
    }

    #[inline]
    fn put_tail(&self, space: &mut [u8]) {
        if let Some(to) = space.get_mut(..self.len()) {
            to.copy_from_slice(self.as_bytes());
        }
    }

    #[inline]
    fn tail_size_at(head: &[u8], at: usize) -> Result<usize, Malformed> {
        get_count(head, at)
    }

    #[inline]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        let bytes = tail.take(Self::tail_size_at(head, at)?)?;
        core::str::from_utf8(bytes).map(Self::from).map_err(|_| Malformed)
    }
}

impl<T: Wire> Wire for Vec<T> {
    const SIZE: usize = {
        assert_some_bytes::<T>();
        4
    };
    const ALIGN: usize = T::ALIGN;
    const CLASS: Class = Class::Varying;
    const SHAPE: &'static Shape = &Shape::Seq { item: T::SHAPE };

    #[inline]
    fn put(&self, head: &mut [u8], at: usize) {
        count_of(self.len()).put(head, at);
    }

    #[inline]
    fn tail_size(&self) -> usize {
        self.len().saturating_mul(T::SIZE)
    }

    #[inline]
    fn put_tail(&self, space: &mut [u8]) {
        for (item, to) in self.iter().zip(space.chunks_exact_mut(T::SIZE)) {
            item.put(to, 0);
        }
    }

    #[inline]
    fn tail_size_at(head: &[u8], at: usize) -> Result<usize, Malformed> {
        get_count(head, at)?.checked_mul(T::SIZE).ok_or(Malformed)
    }

    #[inline]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        let bytes = tail.take(Self::tail_size_at(head, at)?)?;
        bytes.chunks_exact(T::SIZE).map(|item| T::get(item, 0, &mut Tail::empty())).collect()
    }
}

#[cfg(test)]
mod tests;
