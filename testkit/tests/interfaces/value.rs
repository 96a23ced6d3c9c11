//! Values of every type that the generator names: strategies that shrink, and what a procedure makes of a digest.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A type of which values can be made up.
pub(crate) trait Value: Debug + Clone + 'static {
    /// Values that contain themselves at most `depth` times.
    fn any(depth: u32) -> BoxedStrategy<Self>;

    /// The same value for the same digest, in any process.
    fn made(digest: u64) -> Self {
        Self::any(2).new_tree(&mut runner(digest, 1)).unwrap().current()
    }
}

/// A runner whose values depend on `seed` alone.
pub(crate) fn runner(seed: u64, cases: u32) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Declares a type that travels, and makes up its values. The first variant of an enum is where a value ends.
macro_rules! value {
    ($(#[$attr:meta])* struct $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone)]
        $(#[$attr])*
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl Value for $name {
            fn any(depth: u32) -> BoxedStrategy<Self> {
                (Just(()), $(<$type>::any(depth)),*).prop_map(|((), $($field),*)| Self { $($field),* }).boxed()
            }
        }
    };
    ($(#[$attr:meta])* enum $name:ident { $($variant:ident { $($field:ident: $type:ty),* $(,)? } $(= $value:literal)?),* $(,)? }) => {
        #[derive(Debug, Clone)]
        $(#[$attr])*
        pub(crate) enum $name { $($variant { $($field: $type),* } $(= $value)?),* }

        impl Value for $name {
            fn any(depth: u32) -> BoxedStrategy<Self> {
                let mut variants: Vec<fn(u32) -> BoxedStrategy<Self>> = vec![$(|_depth| {
                    (Just(()), $(<$type>::any(_depth)),*).prop_map(|((), $($field),*)| Self::$variant { $($field),* }).boxed()
                }),*];
                if depth == 0 {
                    variants.truncate(1);
                }
                let depth = depth.saturating_sub(1);
                proptest::strategy::Union::new(variants.into_iter().map(|variant| variant(depth))).boxed()
            }
        }
    };
}

/// Declares a struct of which slices travel.
macro_rules! plain {
    (struct $name:ident { $($fields:tt)* }) => {
        value! { #[derive(Copy, Default)] #[nearcall::plain] struct $name { $($fields)* } }
    };
}

pub(crate) use {plain, value};

macro_rules! any {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn any(_: u32) -> BoxedStrategy<Self> {
                proptest::prelude::any::<$type>().boxed()
            }
        }
    )*};
}

any! { () bool char f32 f64 }

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn any(_: u32) -> BoxedStrategy<Self> {
                prop_oneof![4 => proptest::prelude::any::<$type>(), 1 => Just(<$type>::MIN), 1 => Just(<$type>::MAX)].boxed()
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

macro_rules! tuples {
    ($(($($item:ident)*))*) => {$(
        impl<$($item: Value),*> Value for ($($item,)*) {
            fn any(depth: u32) -> BoxedStrategy<Self> {
                ($($item::any(depth),)*).boxed()
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D) }

impl Value for String {
    fn any(_: u32) -> BoxedStrategy<Self> {
        vec(any::<char>(), 0..7).prop_map(|chars| chars.into_iter().collect()).boxed()
    }
}

impl Value for Duration {
    fn any(_: u32) -> BoxedStrategy<Self> {
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(s, ns)| Self::new(s, ns)).boxed()
    }
}

impl<T: Value> Value for Vec<T> {
    fn any(depth: u32) -> BoxedStrategy<Self> {
        match depth.checked_sub(1) {
            None => Just(Self::new()).boxed(),
            Some(depth) => vec(T::any(depth), 0..5).boxed(),
        }
    }
}

impl<T: Value> Value for BTreeMap<String, T> {
    fn any(depth: u32) -> BoxedStrategy<Self> {
        match depth.checked_sub(1) {
            None => Just(Self::new()).boxed(),
            Some(depth) => btree_map(String::any(0), T::any(depth), 0..4).boxed(),
        }
    }
}

impl<T: Value> Value for Option<T> {
    fn any(depth: u32) -> BoxedStrategy<Self> {
        match depth.checked_sub(1) {
            None => Just(None).boxed(),
            Some(depth) => proptest::option::of(T::any(depth)).boxed(),
        }
    }
}

impl<T: Value> Value for Box<T> {
    fn any(depth: u32) -> BoxedStrategy<Self> {
        T::any(depth.saturating_sub(1)).prop_map(Self::new).boxed()
    }
}

impl<T: Value, E: Value> Value for Result<T, E> {
    fn any(depth: u32) -> BoxedStrategy<Self> {
        prop_oneof![T::any(depth).prop_map(Ok), E::any(depth).prop_map(Err)].boxed()
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn any(depth: u32) -> BoxedStrategy<Self> {
        vec(T::any(depth), N..=N).prop_map(|items| items.try_into().unwrap()).boxed()
    }
}
