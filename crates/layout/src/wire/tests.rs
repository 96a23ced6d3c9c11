use super::*;
use alloc::vec;

fn round<T: Wire + PartialEq + core::fmt::Debug>(value: &T) {
    let mut head = vec![0xa5; T::SIZE + 3];
    value.put(&mut head, 3);
    let mut space = vec![0xa5; value.tail_size()];
    value.put_tail(&mut space);
    let mut tail = Tail::new(&space);
    assert_eq!(T::get(&head, 3, &mut tail).as_ref(), Ok(value));
    assert_eq!(tail.left(), 0);
}

#[test]
fn every_kind_of_value_comes_back() {
    round(&u128::MAX);
    round(&i64::MIN);
    round(&f64::MIN_POSITIVE);
    round(&true);
    round(&'\u{10ffff}');
    round(&[1u16, 2, 3]);
    round(&String::from("naïve"));
    round(&vec![[1u8, 2], [3, 4]]);
    round(&());
}

#[test]
fn illegal_bytes_are_refused() {
    for byte in 2..=u8::MAX {
        assert_eq!(bool::get(&[byte], 0, &mut Tail::empty()), Err(Malformed));
    }
    for scalar in [0xd800u32, 0xdfff, 0x11_0000, u32::MAX] {
        assert_eq!(char::get(&scalar.to_le_bytes(), 0, &mut Tail::empty()), Err(Malformed));
    }
    assert_eq!(String::get(&2u32.to_le_bytes(), 0, &mut Tail::new(&[0xc3, 0x28])), Err(Malformed));
}

#[test]
fn a_count_beyond_the_tail_is_refused_before_anything_is_allocated() {
    for claimed in [3u32, u32::MAX] {
        assert_eq!(Vec::<u64>::get(&claimed.to_le_bytes(), 0, &mut Tail::new(&[0; 16])), Err(Malformed));
        assert_eq!(String::get(&claimed.to_le_bytes(), 0, &mut Tail::new(&[0; 2])), Err(Malformed));
    }
}

#[test]
fn short_heads_are_refused_and_left_alone() {
    assert_eq!(u32::get(&[1, 2, 3], 0, &mut Tail::empty()), Err(Malformed));
    assert_eq!(u32::get(&[1, 2, 3, 4], usize::MAX, &mut Tail::empty()), Err(Malformed));
    let mut head = [7; 3];
    9u32.put(&mut head, 0);
    assert_eq!(head, [7; 3]);
}
