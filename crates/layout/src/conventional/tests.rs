use super::*;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::shape::{Shape, shape_of};
use crate::wire::Class;

/// Bytes that a value may have.
const MAX: usize = 1 << 20;

/// What `derive(Wire)` makes of `struct Tree { id: u32, children: Vec<Tree> }`, but for names.
#[derive(Debug, PartialEq)]
struct Tree(u32, Vec<Self>);

impl Wire for Tree {
    const FIXED: bool = u32::FIXED && Vec::<Self>::FIXED;
    const SIZE: usize = match Self::CLASS {
        Class::Conventional => 4,
        _ => u32::SIZE + Vec::<Self>::SIZE,
    };
    const CLASS: Class = u32::CLASS.and(Vec::<Self>::CLASS);
    const SHAPE: &'static Shape = &Shape::Struct {
        name: "Tree",
        id: core::any::TypeId::of::<Self>(),
        fields: &[("id", u32::SHAPE), ("children", Vec::<Self>::SHAPE)],
    };

    fn put(&self, _: &mut [u8], _: usize) {}

    fn get(_: &[u8], _: usize, _: &mut Tail<'_>) -> Result<Self, Malformed> {
        Err(Malformed)
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(u32::read(from)?, Vec::read(from)?))
    }
}

fn round<T: Wire + PartialEq + core::fmt::Debug>(value: &T) -> Vec<u8> {
    let Err(Unfit::Size { size }) = encode(value, &mut []) else { panic!("{value:?} takes no bytes") };
    // What was there before must not show.
    let mut bytes = vec![0xa5; size];
    let mut other = vec![0x5a; size];
    assert_eq!(encode(value, &mut bytes), Ok(size));
    assert_eq!(encode(value, &mut other), Ok(size));
    assert_eq!(bytes, other);
    assert_eq!(encode(value, &mut bytes[..size - 1]), Err(Unfit::Size { size }));
    assert_eq!(decode::<T>(&other, MAX).as_ref(), Ok(value));
    for short in 0..size {
        assert_eq!(decode::<T>(&other[..short], MAX), Err(Malformed), "{short} of {size} bytes");
    }
    other.push(0);
    assert_eq!(decode::<T>(&other, MAX), Err(Malformed), "a byte too many");
    other.pop();
    other
}

#[test]
fn every_kind_of_value_comes_back() {
    round(&Tree(1, vec![Tree(2, vec![]), Tree(3, vec![Tree(4, vec![])])]));
    round(&vec![String::from("naïve"), String::new()]);
    round(&vec![vec![1_u16, 2], vec![]]);
    round(&Some(String::from("x")));
    round(&None::<String>);
    round(&[Some(Box::new(1_u64)), None]);
    round(&(1_u8, String::from("y"), [true, false]));
    round(&Ok::<u64, String>(5));
    round(&Err::<u64, String>(String::from("z")));
    // What is fixed has the same bytes as in a head.
    assert_eq!(round(&Some(0x0102_u16)), [1, 2, 1]);
    assert_eq!(round(&None::<u16>), [0, 0, 0]);
    assert_eq!(round(&Ok::<u8, u32>(7)), [0, 7, 0, 0, 0]);
    assert_eq!(round(&(1_u8, 2_u16)), [1, 2, 0]);
}

#[test]
fn classes_are_decided_by_parts() {
    use Class::{Conventional, Fixed, Varying};
    assert_eq!((Option::<u32>::CLASS, Option::<u32>::SIZE), (Fixed, 5));
    assert_eq!((<Result<u8, u32>>::CLASS, <Result<u8, u32>>::SIZE), (Fixed, 5));
    assert_eq!((<(u8, u64)>::CLASS, <(u8, u64)>::SIZE), (Fixed, 9));
    assert_eq!(Vec::<Option<u32>>::CLASS, Varying);
    for conventional in
        [Vec::<String>::CLASS, Option::<String>::CLASS, Box::<u8>::CLASS, Tree::CLASS, <[String; 2]>::CLASS]
    {
        assert_eq!(conventional, Conventional);
    }
    assert_eq!((Tree::SIZE, Option::<String>::SIZE), (4, 4));
}

#[test]
fn a_type_that_contains_itself_is_spelled_once() {
    assert_eq!(Tree::SHAPE.to_string(), "struct Tree { id: u32, children: [Tree] }");
    assert_eq!(Vec::<Option<Box<Tree>>>::SHAPE.to_string(), "[Option<Box<struct Tree { id: u32, children: [Tree] }>>]");
    assert_eq!(<(u8, Result<char, String>)>::SHAPE.to_string(), "(u8, Result<char, str>)");
    assert_eq!(shape_of::<Box<bool>>().to_string(), "Box<bool>");
}

fn nest(levels: u32) -> Tree {
    (0..levels).fold(Tree(0, vec![]), |tree, i| Tree(i, vec![tree]))
}

#[test]
fn deep_values_are_neither_written_nor_read() {
    round(&nest(DEPTH_MAX - 1));
    assert_eq!(encode(&nest(DEPTH_MAX), &mut [0; 4096]), Err(Unfit::Never));
    // As many levels as the bytes allow: the stack is not at the peer's disposal.
    let bomb: Vec<u8> = [0, 0, 0, 0, 1, 0, 0, 0].repeat(1 << 17);
    assert_eq!(decode::<Tree>(&bomb, MAX), Err(Malformed));
}

#[test]
fn counts_are_compared_with_what_is_left() {
    for claimed in [2_u32, 1 << 20, u32::MAX] {
        let mut bytes = claimed.to_le_bytes().to_vec();
        bytes.push(0);
        assert_eq!(decode::<Vec<String>>(&bytes, MAX), Err(Malformed));
        assert_eq!(decode::<Vec<u64>>(&bytes, MAX), Err(Malformed));
        assert_eq!(decode::<String>(&bytes, MAX), Err(Malformed));
        assert_eq!(decode::<Vec<Box<()>>>(&bytes, MAX), Err(Malformed));
        assert_eq!(decode::<Vec<()>>(&bytes, MAX), Err(Malformed));
    }
}

#[test]
fn items_without_bytes_are_paid_for() {
    assert_eq!(round(&vec![(); 3]), [3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(round(&vec![Box::new(()), Box::new(())]), [2, 0, 0, 0, 0, 0]);
    assert_eq!(decode::<Vec<()>>(&[1, 0, 0, 0, 9], MAX), Err(Malformed));
    assert_eq!(decode::<Vec<Box<()>>>(&[1, 0, 0, 0, 9], MAX), Err(Malformed));
}

#[test]
fn few_bytes_are_not_much_memory() {
    type Wide = Option<[String; 100]>;
    let absent = |count: u32| {
        let mut bytes = count.to_le_bytes().to_vec();
        bytes.resize(bytes.len() + usize::try_from(count).unwrap(), 0);
        bytes
    };
    // A byte each where they travel, and room for a hundred strings in memory.
    assert_eq!(decode::<Vec<Wide>>(&absent(1000), MAX).map(|items| items.len()), Ok(1000));
    let most = u32::try_from(memory_of(MAX) / size_of::<Wide>()).unwrap();
    assert!(decode::<Vec<Wide>>(&absent(most), MAX).is_ok());
    assert_eq!(decode::<Vec<Wide>>(&absent(most + 1), MAX), Err(Malformed));
    assert_eq!(decode::<Vec<Wide>>(&absent(1000), 64), Err(Malformed));
    // Behind boxes they are not cheaper.
    assert_eq!(decode::<Vec<Box<Wide>>>(&absent(most), MAX), Err(Malformed));
    // What is small in memory, too, may fill all of the bytes.
    let full = u32::try_from(MAX - 4).unwrap();
    assert!(decode::<Vec<Option<String>>>(&absent(full), MAX).is_ok());
}

#[test]
fn illegal_tags_are_refused() {
    for byte in 2..=u8::MAX {
        assert_eq!(decode::<Option<String>>(&[byte], MAX), Err(Malformed));
        assert_eq!(decode::<Result<u8, String>>(&[byte, 0], MAX), Err(Malformed));
        assert_eq!(Option::<u8>::get(&[byte, 0], 0, &mut Tail::empty()), Err(Malformed));
    }
}
