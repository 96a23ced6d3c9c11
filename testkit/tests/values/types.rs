//! Types of every kind, with a way to make up values of each.
//!
//! [`value!`] makes a type, its `Wire` and its [`Value`] from one declaration. The first variant of an enum is the one
//! that is taken where a value must end.

use std::fmt::Debug;

use nearcall::Wire;
use nearcall_testkit::random::Random;

/// A type of which values can be made up.
pub(crate) trait Value: Wire + PartialEq + Debug {
    /// A value that contains itself at most `depth` times.
    fn random(random: &mut Random, depth: u32) -> Self;
}

macro_rules! value {
    ($(#[$attr:meta])* struct $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, PartialEq, Wire)]
        $(#[$attr])*
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl Value for $name {
            fn random(_random: &mut Random, _depth: u32) -> Self {
                Self { $($field: Value::random(_random, _depth)),* }
            }
        }
    };
    ($(#[$attr:meta])* enum $name:ident { $($variant:ident { $($field:ident: $type:ty),* } $(= $value:literal)?),* $(,)? }) => {
        #[derive(Debug, PartialEq, Wire)]
        $(#[$attr])*
        pub(crate) enum $name { $($variant { $($field: $type),* } $(= $value)?),* }

        impl Value for $name {
            fn random(random: &mut Random, depth: u32) -> Self {
                let variants: &[fn(&mut Random, u32) -> Self] =
                    &[$(|_random, _depth| Self::$variant { $($field: Value::random(_random, _depth)),* }),*];
                let variant = if depth == 0 { variants[0] } else { random.one_of(variants) };
                variant(random, depth.saturating_sub(1))
            }
        }
    };
}

value! { struct Flat { a: u8, b: u64, c: i16, d: f32, on: bool, letter: char } }
value! { struct Nothing {} }
value! { struct Arrays { words: [u32; 3], pairs: [(u8, i64); 2], marks: [Option<bool>; 4], none: [u64; 0] } }
value! { struct Entry { id: u32, name: String, numbers: Vec<u16>, flat: Flat } }
value! { struct Nested { flat: Flat, entry: Entry, more: Option<Entry>, result: Result<u16, String> } }
value! { struct Lists { words: Vec<String>, lists: Vec<Vec<u8>>, flats: Vec<Flat>, nothings: Vec<Nothing>, boxes: Vec<Box<()>> } }
value! { struct Tuples { one: (u8,), three: (u16, String, bool), eight: (u8, i8, u16, i16, u32, i32, u64, i64) } }
value! { struct Wide { a: u128, b: i128, c: f64, strings: [String; 2] } }
value! { struct Chain { value: u32, next: Option<Box<Chain>> } }
value! { struct Trees { count: u8, tree: Tree, all: Vec<Tree> } }
value! { struct Graph { nodes: Vec<Node>, root: Option<Box<Node>> } }
value! { struct Node { name: String, edges: Vec<Edge> } }
value! { struct Edge { weight: Option<u32>, to: Node } }
value! { #[repr(u8)] enum Sum { Empty {}, Number { n: u64 } = 7, Pair { a: Flat, b: Option<u8> }, Deep { inner: Inner } = 200 } }
value! { enum Inner { A {}, B { x: [u16; 2] }, C { y: char, z: i8 } } }
value! { #[repr(i16)] enum Signed { Low { a: u8 } = -300, Zero {} = 0, High { s: String } = 300 } }
value! { enum Tree { Leaf { text: String }, Node { left: Box<Tree>, right: Box<Tree>, sum: Sum }, Many { of: Vec<Self> } } }
value! { enum Expression {
    Number { of: f64 },
    Name { of: String },
    Call { name: String, with: Vec<Expression> },
    Block { of: Vec<Statement> },
    Not { of: Box<Expression> },
} }
value! { enum Statement {
    Empty {},
    Let { name: String, be: Expression },
    If { condition: Box<Expression>, then: Vec<Statement>, otherwise: Option<Vec<Statement>> },
    Return { of: Option<Expression> },
} }

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn random(random: &mut Random, _: u32) -> Self {
                let word = u128::from(random.word()) << 64 | u128::from(random.word());
                // Small ones, the extremes, and any.
                match random.below(4) {
                    0 => 0,
                    1 => <$type>::MAX,
                    2 => <$type>::MIN,
                    _ => word as $type,
                }
            }
        }
    )*};
}

integers! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

macro_rules! tuples {
    ($(($($item:ident)*))*) => {$(
        impl<$($item: Value),*> Value for ($($item,)*) {
            fn random(random: &mut Random, depth: u32) -> Self {
                ($($item::random(random, depth),)*)
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D E F G H) }

impl Value for () {
    fn random(_: &mut Random, _: u32) -> Self {}
}

impl Value for bool {
    fn random(random: &mut Random, _: u32) -> Self {
        random.below(2) == 1
    }
}

impl Value for f32 {
    fn random(random: &mut Random, _: u32) -> Self {
        i16::random(random, 0).into()
    }
}

impl Value for f64 {
    fn random(random: &mut Random, _: u32) -> Self {
        i32::random(random, 0).into()
    }
}

impl Value for char {
    fn random(random: &mut Random, _: u32) -> Self {
        Self::from_u32(random.below(0x11_0000) as u32).unwrap_or('ß')
    }
}

impl Value for String {
    fn random(random: &mut Random, depth: u32) -> Self {
        (0..random.below(6)).map(|_| char::random(random, depth)).collect()
    }
}

impl<T: Value> Value for Vec<T> {
    fn random(random: &mut Random, depth: u32) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return Self::new() };
        (0..random.below(4)).map(|_| T::random(random, depth)).collect()
    }
}

impl<T: Value> Value for Box<T> {
    fn random(random: &mut Random, depth: u32) -> Self {
        Self::new(T::random(random, depth.saturating_sub(1)))
    }
}

impl<T: Value> Value for Option<T> {
    fn random(random: &mut Random, depth: u32) -> Self {
        let depth = depth.checked_sub(1)?;
        (random.below(2) == 1).then(|| T::random(random, depth))
    }
}

impl<T: Value, E: Value> Value for Result<T, E> {
    fn random(random: &mut Random, depth: u32) -> Self {
        if random.below(2) == 1 { Ok(T::random(random, depth)) } else { Err(E::random(random, depth)) }
    }
}

impl<T: Value, const N: usize> Value for [T; N] {
    fn random(random: &mut Random, depth: u32) -> Self {
        std::array::from_fn(|_| T::random(random, depth))
    }
}
