//! Values made of others: arrays, tuples, `Option`, `Result`, `Box`.
//!
//! A sum (`Option`, `Result`, and what is derived for an enum with fields) of fixed parts is itself fixed: its tag, then
//! the fields of the variant, then zeros up to the size of the largest. In sequence, a sum that is not fixed has no zeros.

use alloc::boxed::Box;

use super::{Malformed, Tail, Wire};
use crate::conventional::{Reader, Writer};
use crate::shape::{Shape, shape_of};

/// The larger of two sizes.
#[must_use]
pub const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Whether all are true; of no field, too.
#[must_use]
pub const fn all(fields: &[bool]) -> bool {
    let mut rest = fields;
    while let [first, others @ ..] = rest {
        if !*first {
            return false;
        }
        rest = others;
    }
    true
}

/// Writes zeros from byte `from` up to byte `to` of `head`: what a shorter variant leaves of a sum's fixed part. Memory
/// that held an earlier message must not travel again.
#[inline(always)]
pub fn put_zeros(head: &mut [u8], from: usize, to: usize) {
    if let Some(rest) = head.get_mut(from..to) {
        rest.fill(0);
    }
}

/// `N` items, or the first reason why not; nothing is asked for after it.
#[inline(always)]
fn array<T, const N: usize>(mut item: impl FnMut(usize) -> Result<T, Malformed>) -> Result<[T; N], Malformed> {
    let mut ok = true;
    let items: [Option<T>; N] = core::array::from_fn(|i| {
        if !ok {
            return None;
        }
        let item = item(i).ok();
        ok = item.is_some();
        item
    });
    if !ok {
        return Err(Malformed);
    }
    // `ok` says that every item is there; an array without a way to fail has no try_map on stable.
    Ok(items.map(|item| item.expect("checked above")))
}

impl<T: Wire, const N: usize> Wire for [T; N] {
    const FIXED: bool = T::FIXED;
    const SIZE: usize = Self::CLASS.fixed_part(T::SIZE * N);
    const SHAPE: &'static Shape = &Shape::Array { item: T::SHAPE, count: N };

    #[inline(always)]
    fn put(&self, head: &mut [u8], at: usize) {
        for (i, item) in self.iter().enumerate() {
            item.put(head, at + i * T::SIZE);
        }
    }

    #[inline(always)]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        array(|i| T::get(head, at + i * T::SIZE, tail))
    }

    fn write(&self, to: &mut Writer<'_>) {
        if Self::FIXED {
            to.fixed(self);
        } else {
            self.iter().for_each(|item| item.write(to));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        if Self::FIXED { from.fixed() } else { array(|_| T::read(from)) }
    }
}

macro_rules! tuple {
    ($($item:ident $index:tt),*) => {
        impl<$($item: Wire),*> Wire for ($($item,)*) {
            const FIXED: bool = $($item::FIXED)&&*;
            const SIZE: usize = Self::CLASS.fixed_part(0 $(+ $item::SIZE)*);
            const SHAPE: &'static Shape = &Shape::Tuple { items: &[$($item::SHAPE),*] };

            #[inline]
            fn put(&self, head: &mut [u8], at: usize) {
                let mut at = at;
                $(
                    self.$index.put(head, at);
                    at = at.saturating_add($item::SIZE);
                )*
                let _ = at;
            }

            #[inline]
            fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
                let mut at = at;
                let mut next = |size: usize| {
                    let now = at;
                    at = at.saturating_add(size);
                    now
                };
                Ok(($($item::get(head, next($item::SIZE), tail)?,)*))
            }

            fn write(&self, to: &mut Writer<'_>) {
                if Self::FIXED {
                    to.fixed(self);
                } else {
                    $(self.$index.write(to);)*
                }
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
                if Self::FIXED { from.fixed() } else { Ok(($($item::read(from)?,)*)) }
            }
        }
    };
}

tuple! { A 0 }
tuple! { A 0, B 1 }
tuple! { A 0, B 1, C 2 }
tuple! { A 0, B 1, C 2, D 3 }
tuple! { A 0, B 1, C 2, D 3, E 4 }
tuple! { A 0, B 1, C 2, D 3, E 4, F 5 }
tuple! { A 0, B 1, C 2, D 3, E 4, F 5, G 6 }
tuple! { A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7 }

impl<T: Wire> Wire for Option<T> {
    const FIXED: bool = T::FIXED;
    const SIZE: usize = Self::CLASS.fixed_part(1 + T::SIZE);
    const SHAPE: &'static Shape = &Shape::Optional { item: T::SHAPE };

    #[inline]
    fn put(&self, head: &mut [u8], at: usize) {
        self.is_some().put(head, at);
        match self {
            Some(value) => value.put(head, at.saturating_add(1)),
            None => put_zeros(head, at.saturating_add(1), at.saturating_add(Self::SIZE)),
        }
    }

    #[inline]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        if bool::get(head, at, tail)? { T::get(head, at.saturating_add(1), tail).map(Some) } else { Ok(None) }
    }

    fn write(&self, to: &mut Writer<'_>) {
        if Self::FIXED {
            to.fixed(self);
            return;
        }
        to.fixed(&self.is_some());
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        if Self::FIXED {
            return from.fixed();
        }
        if from.fixed::<bool>()? { T::read(from).map(Some) } else { Ok(None) }
    }
}

impl<T: Wire, E: Wire> Wire for Result<T, E> {
    const FIXED: bool = T::FIXED && E::FIXED;
    const SIZE: usize = Self::CLASS.fixed_part(1 + larger(T::SIZE, E::SIZE));
    const SHAPE: &'static Shape = &Shape::Result { ok: T::SHAPE, error: E::SHAPE };

    #[inline]
    fn put(&self, head: &mut [u8], at: usize) {
        self.is_err().put(head, at);
        let (at, end) = (at.saturating_add(1), at.saturating_add(Self::SIZE));
        match self {
            Ok(value) => {
                value.put(head, at);
                put_zeros(head, at.saturating_add(T::SIZE), end);
            }
            Err(error) => {
                error.put(head, at);
                put_zeros(head, at.saturating_add(E::SIZE), end);
            }
        }
    }

    #[inline]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        let is_err = bool::get(head, at, tail)?;
        let at = at.saturating_add(1);
        if is_err { E::get(head, at, tail).map(Err) } else { T::get(head, at, tail).map(Ok) }
    }

    fn write(&self, to: &mut Writer<'_>) {
        if Self::FIXED {
            to.fixed(self);
            return;
        }
        to.fixed(&self.is_err());
        match self {
            Ok(value) => value.write(to),
            Err(error) => error.write(to),
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        if Self::FIXED {
            return from.fixed();
        }
        if from.fixed::<bool>()? { E::read(from).map(Err) } else { T::read(from).map(Ok) }
    }
}

impl<T: Wire> Wire for Box<T> {
    const FIXED: bool = false;
    const SIZE: usize = 4;
    const SHAPE: &'static Shape = &Shape::Boxed { item: shape_of::<T> };

    fn put(&self, _: &mut [u8], _: usize) {}

    fn get(_: &[u8], _: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        Err(Malformed)
    }

    fn write(&self, to: &mut Writer<'_>) {
        to.nested(|to| (**self).write(to));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        from.owns::<T>()?;
        from.nested(|from| T::read(from).map(Self::new))
    }
}
