//! A hundred thousand made-up values of types of every kind, there and back on every path that each can take; and what
//! becomes of their bytes when they are cut off, changed or made up: an error or a value, with memory for it in
//! proportion, and never a panic.
#![allow(clippy::cast_possible_truncation, clippy::as_conversions, reason = "random numbers")]

#[path = "values/types.rs"]
mod types;

use nearcall::Wire;
use nearcall_layout::conventional::{Unfit, decode, encode};
use nearcall_layout::wire::{Class, Tail};
use nearcall_testkit::peak::{Measuring, peak_of};
use nearcall_testkit::random::Random;
use proptest::prelude::*;
use types::*;

/// Bytes that a value may have.
const MAX: usize = 1 << 20;

/// How often a value may contain itself.
const DEPTH: u32 = 6;

/// Bytes that may be allocated for each byte that is decoded: the largest type here has 176 bytes, its smallest value
/// takes one, and a vector that grows has twice the room that it needs, beside what it was.
const FACTOR: usize = 3 * 176;

/// Bytes that may be allocated however short the input is: a vector begins with room for four.
const ALLOWANCE: usize = 8 * 176;

/// Calls `$function` for each type.
macro_rules! with_each_type {
    ($function:ident($($argument:expr),*)) => {
        with_each_type!($function($($argument),*) for
            u8, i128, char, String, Vec<u64>, Vec<Option<u32>>, Vec<String>, Option<Vec<bool>>, Result<(), char>, Box<u16>,
            Flat, Nothing, Arrays, Entry, Nested, Lists, Tuples, Wide, Chain, Trees, Graph, Node, Sum, Inner, Signed, Tree,
            Expression, Statement)
    };
    ($function:ident $arguments:tt for $($type:ty),*) => {
        $(with_each_type!(@ $function $arguments, $type);)*
    };
    (@ $function:ident($($argument:expr),*), $type:ty) => {
        $function::<$type>($($argument),*)
    };
}

/// The value's bytes in sequence, in a buffer where something else was before.
fn in_sequence<T: Wire>(value: &T, before: u8) -> Vec<u8> {
    let size = match encode(value, &mut []) {
        Ok(size) | Err(Unfit::Size { size }) => size,
        Err(Unfit::Never) => panic!("the value is too deep"),
    };
    let mut bytes = vec![before; size];
    assert_eq!(encode(value, &mut bytes), Ok(size));
    bytes
}

/// The value's head and tail, likewise.
fn in_two_parts<T: Wire>(value: &T, before: u8) -> (Vec<u8>, Vec<u8>) {
    let (mut head, mut tail) = (vec![before; T::SIZE], vec![before; value.tail_size()]);
    value.put(&mut head, 0);
    value.put_tail(&mut tail);
    (head, tail)
}

fn from_two_parts<T: Wire>(head: &[u8], tail: &[u8]) -> Option<T> {
    if T::tail_size_at(head, 0) != Ok(tail.len()) {
        return None;
    }
    let mut tail = Tail::new(tail);
    T::get(head, 0, &mut tail).ok().filter(|_| tail.left() == 0)
}

fn comes_back<T: Value>(seed: u64) {
    let value = T::random(&mut Random::new(seed), DEPTH);
    let bytes = in_sequence(&value, 0xa5);
    assert_eq!(bytes, in_sequence(&value, 0x5a), "{value:?}: every byte is written");
    assert_eq!(decode::<T>(&bytes, MAX).as_ref(), Ok(&value));
    if T::CLASS == Class::Conventional {
        return;
    }
    let (head, tail) = in_two_parts(&value, 0xa5);
    assert_eq!((&head, &tail), (&in_two_parts(&value, 0x5a).0, &in_two_parts(&value, 0x5a).1), "{value:?}");
    assert_eq!(from_two_parts::<T>(&head, &tail).as_ref(), Some(&value));
}

/// Decodes what may be nonsense; how it ends is not our business, but what it takes is.
fn costs_little<T: Value>(bytes: &[u8]) -> bool {
    let (value, peak) = peak_of(|| decode::<T>(bytes, MAX));
    assert!(peak <= bytes.len() * FACTOR + ALLOWANCE, "{peak} bytes for {} of {}", bytes.len(), T::SHAPE);
    let fine = value.is_ok();
    if T::CLASS != Class::Conventional && bytes.len() >= T::SIZE {
        let (head, tail) = bytes.split_at(T::SIZE);
        let (_, peak) = peak_of(|| from_two_parts::<T>(head, tail));
        assert!(peak <= bytes.len() * FACTOR + ALLOWANCE, "{peak} bytes for {} of {}", bytes.len(), T::SHAPE);
    }
    fine
}

fn is_robust<T: Value>(seed: u64, changes: &[(prop::sample::Index, u8)]) {
    let value = T::random(&mut Random::new(seed), DEPTH);
    let mut bytes = in_sequence(&value, 0);
    for cut in [0, bytes.len() / 2, bytes.len().saturating_sub(1)] {
        assert!(cut == bytes.len() || !costs_little::<T>(&bytes[..cut]), "{value:?} without its end");
    }
    bytes.push(0);
    assert!(!costs_little::<T>(&bytes), "{value:?} and a byte");
    bytes.pop();
    for (at, change) in changes {
        if let Some(byte) = (!bytes.is_empty()).then(|| at.get_mut(&mut bytes)) {
            *byte ^= change;
        }
        costs_little::<T>(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_600, failure_persistence: None, ..ProptestConfig::default() })]

    /// 28 types, 3,600 values of each.
    #[test]
    fn every_value_comes_back(seed: u64) {
        with_each_type!(comes_back(seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_that_were_changed_are_an_error_or_a_value(
        seed: u64,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..6),
    ) {
        with_each_type!(is_robust(seed, &changes));
    }

    #[test]
    fn bytes_that_were_made_up_are_an_error_or_a_value(
        bytes in prop::collection::vec(prop_oneof![4 => 0_u8..4, 1 => any::<u8>()], 0..300),
    ) {
        with_each_type!(costs_little(&bytes));
    }
}

#[test]
fn long_bombs_are_cheap() {
    for pattern in [&[1, 0, 0, 0][..], &[1, 0, 0, 0, 0], &[2, 0, 0, 0, 1, 0, 0, 0], &[0], &[1], &[0xff]] {
        let bomb = pattern.repeat(100_000 / pattern.len());
        with_each_type!(costs_little(&bomb));
    }
}

#[test]
fn the_peak_is_measured() {
    let (_, peak) = peak_of(|| drop((vec![0_u8; 1000], vec![0_u8; 500])));
    assert!((1500..1600).contains(&peak), "{peak}");
}

#[global_allocator]
static MEASURING: Measuring = Measuring;
