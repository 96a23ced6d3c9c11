//! How one value travels.
//!
//! A value has a *fixed part* of [`Wire::SIZE`] bytes in the head of the call and, if its size varies, a *tail*: bytes
//! in the A-stack's frame, tails in the order of the parameters, no alignment, no padding. Numbers are little-endian.
//!
//! | class | fixed part | tail |
//! |---|---|---|
//! | [`Fixed`](Class::Fixed) | all of it | |
//! | [`Varying`](Class::Varying) | fixed fields, and the count of each varying one (4 bytes) | their items |
//! | [`Conventional`](Class::Conventional) | bytes of the tail (4 bytes) | all of it, in sequence ([`conventional`]) |
//!
//! Which class a type has is a constant that rustc computes from its parts. [`put`](Wire::put), [`get`](Wire::get) and
//! the tails between them serve the first two classes and compile to loads and stores at constant offsets;
//! [`write`](Wire::write) and [`read`](Wire::read) serve values of any class inside a conventional one.
//!
//! The bytes that are read are always in private memory: they were copied out of the peer's region once, and nothing that
//! is checked here can change afterwards (LRPC, Table III, copies A and E).
//!
//! [`conventional`]: crate::conventional

use alloc::string::String;
use alloc::vec::Vec;

use crate::conventional::{Reader, Writer};
use crate::shape::{Shape, shape_of};

mod compound;

pub use compound::{all, larger, put_zeros};

/// The bytes are no value of the type: an illegal `bool`, `char`, discriminant or UTF-8 sequence, or too few of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the bytes are no value of the type")
    }
}

impl core::error::Error for Malformed {}

/// How the values of a type are divided between head and tail; decides at compile time which path a procedure takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The head holds all of it.
    Fixed,
    /// The head holds a count, the tail the items.
    Varying,
    /// The tail holds all of it, in sequence; the head holds how many bytes that are.
    Conventional,
}

impl Class {
    /// The class of a struct that has fields of both classes.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Conventional, _) | (_, Self::Conventional) => Self::Conventional,
            (Self::Varying, _) | (_, Self::Varying) => Self::Varying,
            (Self::Fixed, Self::Fixed) => Self::Fixed,
        }
    }

    /// Bytes of the fixed part of a value whose parts have fixed parts of `size` bytes together.
    #[must_use]
    pub const fn fixed_part(self, size: usize) -> usize {
        match self {
            Self::Fixed | Self::Varying => size,
            Self::Conventional => 4,
        }
    }
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

mod sealed {
    pub trait Sealed {}
}

/// An integer or a float: every pattern of bytes is a value of it. Memory is read as these types because of that, so nothing else
/// can implement it.
pub trait Number: Wire + Copy + sealed::Sealed {}

/// The tail of one value where it was received, which is not private memory yet. All of it is copied there once, by the one of these
/// that the type asks for.
pub trait Source: Sized {
    /// Why there is no value.
    type Error: From<Malformed>;

    /// Copies it, and reads the value from the copy.
    ///
    /// # Errors
    /// That of `read`; what keeps it from being copied.
    fn read<T>(self, read: impl FnOnce(&[u8]) -> Result<T, Malformed>) -> Result<T, Self::Error>;

    /// Copies it to where it stays: memory that the sequence owns.
    ///
    /// # Errors
    /// [`Malformed`] if it has not the size of `count` items; what keeps it from being copied.
    fn numbers<N: Number>(self, count: usize) -> Result<Vec<N>, Self::Error>;
}

/// A type that can be a parameter, a result or an error of a procedure.
///
/// Implemented here for integers, floats, `bool`, `char`, `String`, arrays, tuples, `Option`, `Result`, `Vec` and `Box`;
/// derived for structs and enums. All constants are evaluated by rustc when it compiles the stub, so a layout never
/// depends on what a macro believes about a type's name.
#[diagnostic::on_unimplemented(
    note = "`#[derive(nearcall::Wire)]` makes a struct or an enum of yours travel; for a type of another crate that has \
            serde's traits there is `#[serde]` on the parameter"
)]
pub trait Wire: Sized + 'static {
    /// Whether the head holds all of it. `false` for whatever owns memory, without a look at what it owns: that is why a
    /// type can contain itself through `Box` and `Vec`, and its constants still have values.
    const FIXED: bool;
    /// Bytes of the fixed part.
    const SIZE: usize;
    /// How it is divided between head and tail.
    const CLASS: Class = if Self::FIXED { Class::Fixed } else { Class::Conventional };
    /// What it is.
    const SHAPE: &'static Shape;

    /// Writes the fixed part at byte offset `at` of `head`, all [`Wire::SIZE`] bytes of it. A head that is too short is
    /// left as it is: offsets and sizes are constants of the stub, asserted where it is generated. Not for class
    /// [`Class::Conventional`], whose fixed part is known only when the tail has been written.
    fn put(&self, head: &mut [u8], at: usize);

    /// Bytes of the tail of this value, if it is of class [`Class::Varying`].
    #[inline(always)]
    fn tail_size(&self) -> usize {
        0
    }

    /// Writes the tail of a value of class [`Class::Varying`]; `space` has exactly [`Wire::tail_size`] bytes.
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

    /// Reads a value of class [`Class::Fixed`] or [`Class::Varying`] whose fixed part is at byte offset `at` of `head`;
    /// takes its tail from `tail`.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of the type.
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed>;

    /// Reads a value of class [`Class::Varying`] whose tail is all of `tail`.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of the type, or more than one; those of `tail`.
    #[inline(always)]
    fn get_from<S: Source>(head: &[u8], at: usize, tail: S) -> Result<Self, S::Error> {
        tail.read(|bytes| {
            let mut tail = Tail::new(bytes);
            let value = Self::get(head, at, &mut tail)?;
            if tail.left() == 0 { Ok(value) } else { Err(Malformed) }
        })
    }

    /// Reads `count` items of class [`Class::Fixed`], which are all of `tail`.
    ///
    /// # Errors
    /// [`Malformed`] if one of them is no value, or there are not as many; those of `tail`.
    #[inline(always)]
    fn get_items_from<S: Source>(count: usize, tail: S) -> Result<Vec<Self>, S::Error> {
        tail.read(|bytes| {
            let is_all = count.checked_mul(stride::<Self>()) == Some(bytes.len());
            if is_all { Self::get_items(bytes) } else { Err(Malformed) }
        })
    }

    /// Reads items of class [`Class::Fixed`] that `bytes` hold one behind the other, as many as there are.
    ///
    /// # Errors
    /// [`Malformed`] if one of them is no value.
    fn get_items(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
        let items = bytes.chunks_exact(stride::<Self>());
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            if Self::SIZE == 0 && item != [0] {
                return Err(Malformed);
            }
            values.push(Self::get(item, 0, &mut Tail::empty())?);
        }
        Ok(values)
    }

    /// Writes all of it in sequence. Whether it fits is asked at the end: [`Writer::finish`].
    #[inline]
    fn write(&self, to: &mut Writer<'_>) {
        to.fixed(self);
    }

    /// Reads what [`Wire::write`] has written.
    ///
    /// # Errors
    /// [`Malformed`] if the bytes are no value of the type.
    #[inline]
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.fixed()
    }
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
        impl sealed::Sealed for $type {}

        impl Number for $type {}

        impl Wire for $type {
            const FIXED: bool = true;
            const SIZE: usize = size_of::<$type>();
            const SHAPE: &'static Shape = &$shape;

            #[inline(always)]
            fn put(&self, head: &mut [u8], at: usize) {
                put_bytes(head, at, self.to_le_bytes());
            }

            #[inline(always)]
            fn get(head: &[u8], at: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
                get_bytes(head, at).map(Self::from_le_bytes)
            }

            /// Every pattern of bytes is a number: they are copied in one piece.
            #[inline(always)]
            fn get_items(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
                Ok(bytes.as_chunks().0.iter().map(|item| Self::from_le_bytes(*item)).collect())
            }

            #[inline(always)]
            fn get_items_from<S: Source>(count: usize, tail: S) -> Result<Vec<Self>, S::Error> {
                tail.numbers(count)
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
    const FIXED: bool = true;
    const SIZE: usize = 0;
    const SHAPE: &'static Shape = &Shape::Unit;

    #[inline(always)]
    fn put(&self, _: &mut [u8], _: usize) {}

    #[inline(always)]
    fn get(_: &[u8], _: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl Wire for bool {
    const FIXED: Self = true;
    const SIZE: usize = 1;
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
    const FIXED: bool = true;
    const SIZE: usize = 4;
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
    const FIXED: bool = false;
    const SIZE: usize = 4;
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
        text(tail.take(Self::tail_size_at(head, at)?)?)
    }

    #[inline]
    fn get_from<S: Source>(head: &[u8], at: usize, tail: S) -> Result<Self, S::Error> {
        Ok(Self::from_utf8(tail.numbers(get_count(head, at)?)?).map_err(|_| Malformed)?)
    }

    #[inline]
    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.len());
        self.put_tail(to.take(self.len()));
    }

    #[inline]
    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let size = from.count()?;
        text(from.take(size)?)
    }
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    core::str::from_utf8(bytes).map(String::from).map_err(|_| Malformed)
}

/// Bytes of one item of a sequence. An item without bytes is sent as a zero, or a peer could claim four thousand million
/// of them for nothing.
const fn stride<T: Wire>() -> usize {
    if T::SIZE == 0 { 1 } else { T::SIZE }
}

impl<T: Wire> Wire for Vec<T> {
    const FIXED: bool = false;
    const SIZE: usize = 4;
    const CLASS: Class = if T::FIXED { Class::Varying } else { Class::Conventional };
    const SHAPE: &'static Shape = &Shape::Seq { item: shape_of::<T> };

    #[inline]
    fn put(&self, head: &mut [u8], at: usize) {
        count_of(self.len()).put(head, at);
    }

    #[inline]
    fn tail_size(&self) -> usize {
        self.len().saturating_mul(stride::<T>())
    }

    #[inline]
    fn put_tail(&self, space: &mut [u8]) {
        if T::SIZE == 0 {
            space.fill(0);
            return;
        }
        for (item, to) in self.iter().zip(space.chunks_exact_mut(stride::<T>())) {
            item.put(to, 0);
        }
    }

    #[inline]
    fn tail_size_at(head: &[u8], at: usize) -> Result<usize, Malformed> {
        get_count(head, at)?.checked_mul(stride::<T>()).ok_or(Malformed)
    }

    #[inline]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        T::get_items(tail.take(Self::tail_size_at(head, at)?)?)
    }

    #[inline]
    fn get_from<S: Source>(head: &[u8], at: usize, tail: S) -> Result<Self, S::Error> {
        T::get_items_from(get_count(head, at)?, tail)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.count(self.len());
        if T::FIXED {
            self.put_tail(to.take(self.tail_size()));
        } else {
            to.nested(|to| self.iter().for_each(|item| to.item(item)));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = from.count()?;
        if T::FIXED {
            return T::get_items(from.take(count.checked_mul(stride::<T>()).ok_or(Malformed)?)?);
        }
        from.nested(|from| {
            // No more memory in advance than there are bytes; each item is accounted for before there is more.
            let mut items = Self::with_capacity(count.min(from.left() / size_of::<T>().max(1)));
            for _ in 0..count {
                items.push(from.item()?);
            }
            Ok(items)
        })
    }
}

#[cfg(test)]
mod tests;
