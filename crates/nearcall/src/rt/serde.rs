//! `#[serde]`: what has serde's traits and no `Wire` travels by postcard, in the tail, with its size in the head.
//!
//! The encoding is postcard's, which is documented and stable; the fingerprint has how the interface spells the type, and
//! nothing more: two programs that mean different types by one name find out when a value is malformed, or not at all.
//!
//! A decoder of a peer's bytes must not be led deep, and must not be led on. postcard and serde have no such bounds, so
//! every step of the decoding goes through `Limited`: values nest [`DEPTH_MAX`] deep, a sequence has no more items than
//! there are bytes (and [`ITEMS_FREE`], for items that take none), items have [`memory_of`] bytes in memory together, and
//! nothing is allocated for what is only announced. What is left over makes a value malformed. What a `Box` holds is not
//! seen by serde, and not counted.

use std::cell::Cell;

use nearcall_layout::conventional::{Unfit, memory_of};
use nearcall_layout::{Head, Malformed};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess};
use serde::de::{VariantAccess, Visitor};

use super::{Assemble, Incoming, Refusal, Results};
use crate::error::Failure;

/// How deep values nest: each struct, enum, sequence, map and `Some` is a level. A tree takes two levels a generation.
pub const DEPTH_MAX: u32 = 128;

/// Items of sequences that need not be paid for with a byte each.
pub const ITEMS_FREE: usize = 1024;

/// Appends an argument.
///
/// # Errors
/// `TooLarge`, `Unsendable`; nothing was sent.
pub fn put<T: Serialize, C: Assemble, const MAX: usize>(call: &mut C, at: usize, value: &T) -> Result<(), Failure> {
    call.encode::<MAX>(at, |space| encode(value, space))
}

/// Takes an argument whose size is at `at` of the head.
///
/// # Errors
/// `BadArgument` if the bytes are no value of `T`.
pub fn take<T: DeserializeOwned, const REQ: usize, const MAX: usize>(
    call: &mut Incoming<'_>,
    head: &Head<REQ>,
    at: usize,
) -> Result<T, Refusal> {
    Ok(decode(call.sized::<REQ, MAX>(head, at)?, MAX)?)
}

/// Appends a result.
///
/// # Errors
/// `TooLarge`, `Unreturnable`.
pub fn reply<T: Serialize, const REP: usize, const MAX: usize>(
    call: &mut Incoming<'_>,
    head: &mut Head<REP>,
    at: usize,
    value: &T,
) -> Result<(), Refusal> {
    call.encode::<REP, MAX>(head, at, |space| encode(value, space))
}

/// Reads a result whose size is at `at` of the head.
///
/// # Errors
/// `PeerMisbehaved` if the bytes are no value of `T`.
pub fn get<T: DeserializeOwned, R: Results, const MAX: usize>(reply: &mut R, at: usize) -> Result<T, Failure> {
    reply.sized::<T, MAX>(at, |bytes| decode(bytes, MAX))
}

/// Writes `value` into `space`; returns how many bytes it takes.
///
/// # Errors
/// [`Unfit`] if there is not enough space, or no form of the value to write.
pub fn encode<T: Serialize>(value: &T, space: &mut [u8]) -> Result<usize, Unfit> {
    match postcard::to_slice(value, space) {
        Ok(used) => Ok(used.len()),
        Err(postcard::Error::SerializeBufferFull) => {
            let counted = postcard::serialize_with_flavor(value, postcard::ser_flavors::Size::default());
            Err(counted.map_or(Unfit::Never, |size| Unfit::Size { size }))
        }
        Err(_) => Err(Unfit::Never),
    }
}

/// Reads the value that `bytes` are, of which there may be `max`.
///
/// # Errors
/// [`Malformed`] if they are none, too many, or beyond the bounds.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, Malformed> {
    let items = Cell::new(bytes.len().saturating_add(ITEMS_FREE));
    let bounds = Bounds { depth: Cell::new(0), items, memory: Cell::new(memory_of(max)) };
    let mut from = postcard::Deserializer::from_bytes(bytes);
    let value = T::deserialize(bounds.around(&mut from)).map_err(|_| Malformed)?;
    let left = from.finalize().map_err(|_| Malformed)?;
    if left.is_empty() { Ok(value) } else { Err(Malformed) }
}

struct Bounds {
    depth: Cell<u32>,
    items: Cell<usize>,
    /// Bytes of memory that items may yet take.
    memory: Cell<usize>,
}

impl Bounds {
    const fn around<T>(&self, inner: T) -> Limited<'_, T> {
        Limited { inner, bounds: self, is_counted: false }
    }

    fn nested<T, E: Error>(&self, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let depth = self.depth.get();
        if depth >= DEPTH_MAX {
            return Err(E::custom("nested too deep"));
        }
        self.depth.set(depth + 1);
        let value = read();
        self.depth.set(depth);
        value
    }

    /// Accounts for an item.
    fn charge<T, E: Error>(&self) -> Result<(), E> {
        let items = self.items.get().checked_sub(1).ok_or_else(|| E::custom("more items than bytes"))?;
        self.items.set(items);
        self.owns::<T, E>()
    }

    fn owns<T, E: Error>(&self) -> Result<(), E> {
        let left = self.memory.get().checked_sub(size_of::<T>()).ok_or_else(|| E::custom("too large in memory"))?;
        self.memory.set(left);
        Ok(())
    }
}

/// Any part of a decoder, within bounds. What it hands on is within the same bounds.
struct Limited<'b, T> {
    inner: T,
    bounds: &'b Bounds,
    /// Whether the peer says how many items there are.
    is_counted: bool,
}

impl<'b, T> Limited<'b, T> {
    fn counted(self) -> Self {
        Self { is_counted: true, ..self }
    }

    const fn around<U>(&self, inner: U) -> Limited<'b, U> {
        self.bounds.around(inner)
    }
}

macro_rules! deserialize {
    ($($method:ident $(($($argument:ident: $type:ty),*))? $($counted:ident)?;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($($argument: $type,)*)? visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.around(visitor)$(.$counted())?;
            self.inner.$method($($($argument,)*)? visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Limited<'_, D> {
    type Error = D::Error;

    deserialize! {
        deserialize_any counted;
        deserialize_bool;
        deserialize_i8;
        deserialize_i16;
        deserialize_i32;
        deserialize_i64;
        deserialize_i128;
        deserialize_u8;
        deserialize_u16;
        deserialize_u32;
        deserialize_u64;
        deserialize_u128;
        deserialize_f32;
        deserialize_f64;
        deserialize_char;
        deserialize_str;
        deserialize_string;
        deserialize_bytes;
        deserialize_byte_buf;
        deserialize_option;
        deserialize_unit;
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq counted;
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map counted;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier;
        deserialize_ignored_any counted;
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Limited<'_, V> {
    type Value = V::Value;

    visit! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_i128(i128);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_u128(u128);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.expecting(formatter)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        let from = self.around(from);
        self.bounds.nested(|| self.inner.visit_some(from))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        let from = self.around(from);
        self.bounds.nested(|| self.inner.visit_newtype_struct(from))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let items = Limited { is_counted: self.is_counted, ..self.around(items) };
        self.bounds.nested(|| self.inner.visit_seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        let entries = Limited { is_counted: self.is_counted, ..self.around(entries) };
        self.bounds.nested(|| self.inner.visit_map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let variant = self.around(variant);
        self.bounds.nested(|| self.inner.visit_enum(variant))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.around(seed);
        let item = self.inner.next_element_seed(seed)?;
        if self.is_counted && item.is_some() {
            self.bounds.charge::<S::Value, _>()?;
        }
        Ok(item)
    }
    // No size hint: it is a number of the peer's.
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.around(seed);
        let key = self.inner.next_key_seed(seed)?;
        if self.is_counted && key.is_some() {
            self.bounds.charge::<S::Value, _>()?;
        }
        Ok(key)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.around(seed);
        let value = self.inner.next_value_seed(seed)?;
        self.bounds.owns::<S::Value, _>()?;
        Ok(value)
    }
}

impl<'de, 'b, A: EnumAccess<'de>> EnumAccess<'de> for Limited<'b, A> {
    type Error = A::Error;
    type Variant = Limited<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let bounds = self.bounds;
        let (value, variant) = self.inner.variant_seed(bounds.around(seed))?;
        Ok((value, bounds.around(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Limited<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.around(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.around(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Limited<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        let from = self.around(from);
        self.inner.deserialize(from)
    }
}

#[cfg(test)]
mod tests;
