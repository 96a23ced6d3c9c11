//! Text and sequences that have a bound wherever they are: `string<64>` and `sequence<T, 10>` of an `.idl`.

use std::fmt;
use std::ops::Deref;

use nearcall_layout::conventional::{Reader, Writer};
use nearcall_layout::{Class, Malformed, Shape, Tail, Wire};

/// What can have a bound: a `String`, counted in bytes, and a `Vec`, counted in items.
pub trait Counted {
    /// How many there are.
    fn count(&self) -> usize;
}

impl Counted for String {
    fn count(&self) -> usize {
        self.len()
    }
}

impl<T> Counted for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }
}

/// A `T` of at most `MAX` bytes of text, or items. A value of this type holds the bound: it cannot be made otherwise, and
/// what a peer sends beyond it is refused as no value of the type.
///
/// It travels as `T` does, so the bound is not part of a fingerprint: a side with a larger bound can send what the other one
/// refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bounded<T, const MAX: u32>(T);

/// There are more than the bound allows; the value is handed back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfBounds<T> {
    /// What was to be bounded.
    pub value: T,
    /// Bytes or items that it may have.
    pub most: u32,
}

impl<T: Counted> fmt::Display for OutOfBounds<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there are {}, and the bound is {}", self.value.count(), self.most)
    }
}

impl<T: Counted + fmt::Debug> std::error::Error for OutOfBounds<T> {}

impl<T: Counted, const MAX: u32> Bounded<T, MAX> {
    /// Bounds `value`.
    ///
    /// # Errors
    /// [`OutOfBounds`] if it has more than `MAX`.
    pub fn new(value: T) -> Result<Self, OutOfBounds<T>> {
        if Self::fits(&value) { Ok(Self(value)) } else { Err(OutOfBounds { value, most: MAX }) }
    }

    fn fits(value: &T) -> bool {
        u32::try_from(value.count()).is_ok_and(|count| count <= MAX)
    }

    fn checked(value: T) -> Result<Self, Malformed> {
        if Self::fits(&value) { Ok(Self(value)) } else { Err(Malformed) }
    }

    /// The value without its bound.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T, const MAX: u32> Deref for Bounded<T, MAX> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<const MAX: u32> TryFrom<String> for Bounded<String, MAX> {
    type Error = OutOfBounds<String>;

    fn try_from(value: String) -> Result<Self, OutOfBounds<String>> {
        Self::new(value)
    }
}

impl<const MAX: u32> TryFrom<&str> for Bounded<String, MAX> {
    type Error = OutOfBounds<String>;

    fn try_from(value: &str) -> Result<Self, OutOfBounds<String>> {
        Self::new(value.to_owned())
    }
}

impl<T, const MAX: u32> TryFrom<Vec<T>> for Bounded<Vec<T>, MAX> {
    type Error = OutOfBounds<Vec<T>>;

    fn try_from(value: Vec<T>) -> Result<Self, OutOfBounds<Vec<T>>> {
        Self::new(value)
    }
}

impl<T: Wire + Counted, const MAX: u32> Wire for Bounded<T, MAX> {
    const FIXED: bool = T::FIXED;
    const SIZE: usize = T::SIZE;
    const CLASS: Class = T::CLASS;
    const SHAPE: &'static Shape = T::SHAPE;

    #[inline]
    fn put(&self, head: &mut [u8], at: usize) {
        self.0.put(head, at);
    }

    #[inline]
    fn tail_size(&self) -> usize {
        self.0.tail_size()
    }

    #[inline]
    fn put_tail(&self, space: &mut [u8]) {
        self.0.put_tail(space);
    }

    #[inline]
    fn tail_size_at(head: &[u8], at: usize) -> Result<usize, Malformed> {
        T::tail_size_at(head, at)
    }

    #[inline]
    fn get(head: &[u8], at: usize, tail: &mut Tail<'_>) -> Result<Self, Malformed> {
        T::get(head, at, tail).and_then(Self::checked)
    }

    fn write(&self, to: &mut Writer<'_>) {
        self.0.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        T::read(from).and_then(Self::checked)
    }
}

#[cfg(test)]
mod tests {
    use nearcall_layout::conventional::{decode, encode};

    use super::*;

    #[test]
    fn a_bound_holds_wherever_a_value_comes_from() {
        assert_eq!(*Bounded::<String, 3>::try_from("abc").unwrap(), "abc");
        let refused = Bounded::<String, 3>::try_from("abcd").unwrap_err();
        assert_eq!(refused.to_string(), "there are 4, and the bound is 3");
        assert_eq!(refused.value, "abcd");
        let items = Bounded::<Vec<u16>, 2>::try_from(vec![1, 2]).unwrap();
        assert_eq!(items.clone().into_inner(), [1, 2]);

        let long = Bounded::<Vec<u16>, 9>::try_from(vec![1, 2, 3]).unwrap();
        let (mut head, mut tail) = ([0; 4], [0; 6]);
        long.put(&mut head, 0);
        long.put_tail(&mut tail);
        assert_eq!(Bounded::<Vec<u16>, 3>::get(&head, 0, &mut Tail::new(&tail)).unwrap().into_inner(), [1, 2, 3]);
        assert!(Bounded::<Vec<u16>, 2>::get(&head, 0, &mut Tail::new(&tail)).is_err());

        let mut space = [0; 64];
        let size = encode(&long, &mut space).unwrap();
        assert!(decode::<Bounded<Vec<u16>, 3>>(&space[..size], size).is_ok());
        assert!(decode::<Bounded<Vec<u16>, 2>>(&space[..size], size).is_err());
    }
}
