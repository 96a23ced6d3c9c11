//! Every form of a parameter, of a result and of a derived type.
use std::string::String as Text;
/// The author's own, with one parameter: generated code must not mean this one.
pub type Result<T> = std::result::Result<T, Text>;
/// A point, without names.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Point(pub f32, pub f32);
const _: () = {
    const __AT_0: usize = 0;
    const __AT_1: usize = __AT_0 + <f32 as ::nearcall::Wire>::SIZE;
    #[automatically_derived]
    impl ::nearcall::Wire for Point {
        const FIXED: bool = ::nearcall::rt::all(&[<f32 as ::nearcall::Wire>::FIXED, <f32 as ::nearcall::Wire>::FIXED]);
        const SIZE: usize = Self::CLASS.fixed_part(__AT_1 + <f32 as ::nearcall::Wire>::SIZE);
        const CLASS: ::nearcall::rt::Class =
            ::nearcall::rt::Class::Fixed.and(<f32 as ::nearcall::Wire>::CLASS).and(<f32 as ::nearcall::Wire>::CLASS);
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Point",
            id: ::core::any::TypeId::of::<Self>(),
            fields: &[("0", <f32 as ::nearcall::Wire>::SHAPE), ("1", <f32 as ::nearcall::Wire>::SHAPE)],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            <f32 as ::nearcall::Wire>::put(&self.0, __head, __at.saturating_add(__AT_0));
            <f32 as ::nearcall::Wire>::put(&self.1, __head, __at.saturating_add(__AT_1));
        }
        #[inline]
        fn tail_size(&self) -> usize {
            0_usize
                .saturating_add(<f32 as ::nearcall::Wire>::tail_size(&self.0))
                .saturating_add(<f32 as ::nearcall::Wire>::tail_size(&self.1))
        }
        #[inline]
        fn put_tail(&self, __space: &mut [u8]) {
            let __size = <f32 as ::nearcall::Wire>::tail_size(&self.0);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <f32 as ::nearcall::Wire>::put_tail(&self.0, __field);
            let __size = <f32 as ::nearcall::Wire>::tail_size(&self.1);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <f32 as ::nearcall::Wire>::put_tail(&self.1, __field);
        }
        #[inline]
        fn tail_size_at(__head: &[u8], __at: usize) -> ::core::result::Result<usize, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(
                0_usize
                    .saturating_add(<f32 as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_0))?)
                    .saturating_add(<f32 as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_1))?),
            )
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self(
                <f32 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_0), __tail)?,
                <f32 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1), __tail)?,
            ))
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
            } else {
                <f32 as ::nearcall::Wire>::write(&self.0, __to);
                <f32 as ::nearcall::Wire>::write(&self.1, __to);
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                __from.fixed()
            } else {
                ::core::result::Result::Ok(Self(
                    <f32 as ::nearcall::Wire>::read(__from)?,
                    <f32 as ::nearcall::Wire>::read(__from)?,
                ))
            }
        }
    }
};
/// Longer than a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Bytes.
    pub bytes: [u8; 64],
}
const _: () = {
    const __AT_0: usize = 0;
    #[automatically_derived]
    impl ::nearcall::Wire for Block {
        const FIXED: bool = ::nearcall::rt::all(&[<[u8; 64] as ::nearcall::Wire>::FIXED]);
        const SIZE: usize = Self::CLASS.fixed_part(__AT_0 + <[u8; 64] as ::nearcall::Wire>::SIZE);
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed.and(<[u8; 64] as ::nearcall::Wire>::CLASS);
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Block",
            id: ::core::any::TypeId::of::<Self>(),
            fields: &[("bytes", <[u8; 64] as ::nearcall::Wire>::SHAPE)],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            <[u8; 64] as ::nearcall::Wire>::put(&self.bytes, __head, __at.saturating_add(__AT_0));
        }
        #[inline]
        fn tail_size(&self) -> usize {
            0_usize.saturating_add(<[u8; 64] as ::nearcall::Wire>::tail_size(&self.bytes))
        }
        #[inline]
        fn put_tail(&self, __space: &mut [u8]) {
            let __size = <[u8; 64] as ::nearcall::Wire>::tail_size(&self.bytes);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <[u8; 64] as ::nearcall::Wire>::put_tail(&self.bytes, __field);
        }
        #[inline]
        fn tail_size_at(__head: &[u8], __at: usize) -> ::core::result::Result<usize, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(
                0_usize
                    .saturating_add(<[u8; 64] as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_0))?),
            )
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self {
                bytes: <[u8; 64] as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_0), __tail)?,
            })
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
            } else {
                <[u8; 64] as ::nearcall::Wire>::write(&self.bytes, __to);
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                __from.fixed()
            } else {
                ::core::result::Result::Ok(Self { bytes: <[u8; 64] as ::nearcall::Wire>::read(__from)? })
            }
        }
    }
};
/// Has parts that vary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Named by a keyword.
    pub r#type: u8,
    /// Text.
    pub name: Text,
    /// Numbers.
    pub numbers: Vec<u16>,
}
const _: () = {
    const __AT_0: usize = 0;
    const __AT_1: usize = __AT_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __AT_2: usize = __AT_1 + <Text as ::nearcall::Wire>::SIZE;
    #[automatically_derived]
    impl ::nearcall::Wire for Entry {
        const FIXED: bool = ::nearcall::rt::all(&[
            <u8 as ::nearcall::Wire>::FIXED,
            <Text as ::nearcall::Wire>::FIXED,
            <Vec<u16> as ::nearcall::Wire>::FIXED,
        ]);
        const SIZE: usize = Self::CLASS.fixed_part(__AT_2 + <Vec<u16> as ::nearcall::Wire>::SIZE);
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed
            .and(<u8 as ::nearcall::Wire>::CLASS)
            .and(<Text as ::nearcall::Wire>::CLASS)
            .and(<Vec<u16> as ::nearcall::Wire>::CLASS);
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Entry",
            id: ::core::any::TypeId::of::<Self>(),
            fields: &[
                ("type", <u8 as ::nearcall::Wire>::SHAPE),
                ("name", <Text as ::nearcall::Wire>::SHAPE),
                ("numbers", <Vec<u16> as ::nearcall::Wire>::SHAPE),
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            <u8 as ::nearcall::Wire>::put(&self.r#type, __head, __at.saturating_add(__AT_0));
            <Text as ::nearcall::Wire>::put(&self.name, __head, __at.saturating_add(__AT_1));
            <Vec<u16> as ::nearcall::Wire>::put(&self.numbers, __head, __at.saturating_add(__AT_2));
        }
        #[inline]
        fn tail_size(&self) -> usize {
            0_usize
                .saturating_add(<u8 as ::nearcall::Wire>::tail_size(&self.r#type))
                .saturating_add(<Text as ::nearcall::Wire>::tail_size(&self.name))
                .saturating_add(<Vec<u16> as ::nearcall::Wire>::tail_size(&self.numbers))
        }
        #[inline]
        fn put_tail(&self, __space: &mut [u8]) {
            let __size = <u8 as ::nearcall::Wire>::tail_size(&self.r#type);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <u8 as ::nearcall::Wire>::put_tail(&self.r#type, __field);
            let __size = <Text as ::nearcall::Wire>::tail_size(&self.name);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <Text as ::nearcall::Wire>::put_tail(&self.name, __field);
            let __size = <Vec<u16> as ::nearcall::Wire>::tail_size(&self.numbers);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <Vec<u16> as ::nearcall::Wire>::put_tail(&self.numbers, __field);
        }
        #[inline]
        fn tail_size_at(__head: &[u8], __at: usize) -> ::core::result::Result<usize, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(
                0_usize
                    .saturating_add(<u8 as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_0))?)
                    .saturating_add(<Text as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_1))?)
                    .saturating_add(<Vec<u16> as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_2))?),
            )
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self {
                r#type: <u8 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_0), __tail)?,
                name: <Text as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1), __tail)?,
                numbers: <Vec<u16> as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_2), __tail)?,
            })
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
            } else {
                <u8 as ::nearcall::Wire>::write(&self.r#type, __to);
                <Text as ::nearcall::Wire>::write(&self.name, __to);
                <Vec<u16> as ::nearcall::Wire>::write(&self.numbers, __to);
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                __from.fixed()
            } else {
                ::core::result::Result::Ok(Self {
                    r#type: <u8 as ::nearcall::Wire>::read(__from)?,
                    name: <Text as ::nearcall::Wire>::read(__from)?,
                    numbers: <Vec<u16> as ::nearcall::Wire>::read(__from)?,
                })
            }
        }
    }
};
/// Nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nothing;
const _: () = {
    #[automatically_derived]
    impl ::nearcall::Wire for Nothing {
        const FIXED: bool = ::nearcall::rt::all(&[]);
        const SIZE: usize = Self::CLASS.fixed_part(0);
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed;
        const SHAPE: &'static ::nearcall::rt::Shape =
            &::nearcall::rt::Shape::Struct { name: "Nothing", id: ::core::any::TypeId::of::<Self>(), fields: &[] };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {}
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self)
        }
    }
};
/// In one signed byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(i8)]
pub enum Turn {
    /// Left.
    Left = -1,
    /// Straight on.
    #[default]
    Straight,
    /// Right.
    Right,
}
const _: () = {
    const __VARIANT_0: i8 = Turn::Left as i8;
    const _: () = ::core::assert!(
        Turn::Left as i128 == __VARIANT_0 as i128 && Turn::Left as i128 == Turn::Left as i64 as i128,
        "the discriminant of `Left` does not fit i8, or 63 bits: give the enum a larger `#[repr]`"
    );
    const __VARIANT_1: i8 = Turn::Straight as i8;
    const _: () = ::core::assert!(
        Turn::Straight as i128 == __VARIANT_1 as i128 && Turn::Straight as i128 == Turn::Straight as i64 as i128,
        "the discriminant of `Straight` does not fit i8, or 63 bits: give the enum a larger `#[repr]`"
    );
    const __VARIANT_2: i8 = Turn::Right as i8;
    const _: () = ::core::assert!(
        Turn::Right as i128 == __VARIANT_2 as i128 && Turn::Right as i128 == Turn::Right as i64 as i128,
        "the discriminant of `Right` does not fit i8, or 63 bits: give the enum a larger `#[repr]`"
    );
    #[automatically_derived]
    impl ::nearcall::Wire for Turn {
        const FIXED: bool = true;
        const SIZE: usize = <i8 as ::nearcall::Wire>::SIZE;
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "Turn",
            id: ::core::any::TypeId::of::<Self>(),
            size: <i8 as ::nearcall::Wire>::SIZE,
            variants: &[
                ::nearcall::rt::Variant { name: "Left", value: Self::Left as i64, fields: &[] },
                ::nearcall::rt::Variant { name: "Straight", value: Self::Straight as i64, fields: &[] },
                ::nearcall::rt::Variant { name: "Right", value: Self::Right as i64, fields: &[] },
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            let __value = match self {
                Self::Left => __VARIANT_0,
                Self::Straight => __VARIANT_1,
                Self::Right => __VARIANT_2,
            };
            <i8 as ::nearcall::Wire>::put(&__value, __head, __at);
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            match <i8 as ::nearcall::Wire>::get(__head, __at, __tail)? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::Left),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Straight),
                __VARIANT_2 => ::core::result::Result::Ok(Self::Right),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
    }
};
/// Without a `repr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Red.
    Red,
    /// Green.
    Green,
}
const _: () = {
    const __VARIANT_0: u32 = Colour::Red as u32;
    const _: () = ::core::assert!(
        Colour::Red as i128 == __VARIANT_0 as i128 && Colour::Red as i128 == Colour::Red as i64 as i128,
        "the discriminant of `Red` does not fit u32, or 63 bits: give the enum a larger `#[repr]`"
    );
    const __VARIANT_1: u32 = Colour::Green as u32;
    const _: () = ::core::assert!(
        Colour::Green as i128 == __VARIANT_1 as i128 && Colour::Green as i128 == Colour::Green as i64 as i128,
        "the discriminant of `Green` does not fit u32, or 63 bits: give the enum a larger `#[repr]`"
    );
    #[automatically_derived]
    impl ::nearcall::Wire for Colour {
        const FIXED: bool = true;
        const SIZE: usize = <u32 as ::nearcall::Wire>::SIZE;
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "Colour",
            id: ::core::any::TypeId::of::<Self>(),
            size: <u32 as ::nearcall::Wire>::SIZE,
            variants: &[
                ::nearcall::rt::Variant { name: "Red", value: Self::Red as i64, fields: &[] },
                ::nearcall::rt::Variant { name: "Green", value: Self::Green as i64, fields: &[] },
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            let __value = match self {
                Self::Red => __VARIANT_0,
                Self::Green => __VARIANT_1,
            };
            <u32 as ::nearcall::Wire>::put(&__value, __head, __at);
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            match <u32 as ::nearcall::Wire>::get(__head, __at, __tail)? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::Red),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Green),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
    }
};
/// A sum of fixed parts, so fixed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(u8)]
pub enum Figure {
    /// Nothing.
    #[default]
    Empty,
    /// A circle.
    Circle {
        /// Its centre.
        centre: Point,
        /// Its radius.
        radius: f32,
    } = 4,
    /// A line.
    Line(Point, Point),
}
const _: () = {
    const __VARIANT_0: u8 = 0;
    const _: () = ::core::assert!(
        __VARIANT_0 as i128 == __VARIANT_0 as i64 as i128,
        "the discriminant of `Empty` does not fit 63 bits: give the variant a smaller one"
    );
    const __END_0: usize = <u8 as ::nearcall::Wire>::SIZE;
    const __VARIANT_1: u8 = 4;
    const _: () = ::core::assert!(
        __VARIANT_1 as i128 == __VARIANT_1 as i64 as i128,
        "the discriminant of `Circle` does not fit 63 bits: give the variant a smaller one"
    );
    const __AT_1_0: usize = <u8 as ::nearcall::Wire>::SIZE;
    const __AT_1_1: usize = __AT_1_0 + <Point as ::nearcall::Wire>::SIZE;
    const __END_1: usize = __AT_1_1 + <f32 as ::nearcall::Wire>::SIZE;
    const __VARIANT_2: u8 = __VARIANT_1 + 1;
    const _: () = ::core::assert!(
        __VARIANT_2 as i128 == __VARIANT_2 as i64 as i128,
        "the discriminant of `Line` does not fit 63 bits: give the variant a smaller one"
    );
    const __AT_2_0: usize = <u8 as ::nearcall::Wire>::SIZE;
    const __AT_2_1: usize = __AT_2_0 + <Point as ::nearcall::Wire>::SIZE;
    const __END_2: usize = __AT_2_1 + <Point as ::nearcall::Wire>::SIZE;
    #[automatically_derived]
    impl ::nearcall::Wire for Figure {
        const FIXED: bool = ::nearcall::rt::all(&[
            <Point as ::nearcall::Wire>::FIXED,
            <f32 as ::nearcall::Wire>::FIXED,
            <Point as ::nearcall::Wire>::FIXED,
            <Point as ::nearcall::Wire>::FIXED,
        ]);
        const SIZE: usize = Self::CLASS.fixed_part(::nearcall::rt::larger(
            ::nearcall::rt::larger(::nearcall::rt::larger(0, __END_0), __END_1),
            __END_2,
        ));
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "Figure",
            id: ::core::any::TypeId::of::<Self>(),
            size: <u8 as ::nearcall::Wire>::SIZE,
            variants: &[
                ::nearcall::rt::Variant { name: "Empty", value: __VARIANT_0 as i64, fields: &[] },
                ::nearcall::rt::Variant {
                    name: "Circle",
                    value: __VARIANT_1 as i64,
                    fields: &[
                        ("centre", <Point as ::nearcall::Wire>::SHAPE),
                        ("radius", <f32 as ::nearcall::Wire>::SHAPE),
                    ],
                },
                ::nearcall::rt::Variant {
                    name: "Line",
                    value: __VARIANT_2 as i64,
                    fields: &[("0", <Point as ::nearcall::Wire>::SHAPE), ("1", <Point as ::nearcall::Wire>::SHAPE)],
                },
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            let __end = match self {
                Self::Empty => {
                    <u8 as ::nearcall::Wire>::put(&__VARIANT_0, __head, __at);
                    __END_0
                }
                Self::Circle { centre: __field_0, radius: __field_1 } => {
                    <u8 as ::nearcall::Wire>::put(&__VARIANT_1, __head, __at);
                    <Point as ::nearcall::Wire>::put(__field_0, __head, __at.saturating_add(__AT_1_0));
                    <f32 as ::nearcall::Wire>::put(__field_1, __head, __at.saturating_add(__AT_1_1));
                    __END_1
                }
                Self::Line(__field_0, __field_1) => {
                    <u8 as ::nearcall::Wire>::put(&__VARIANT_2, __head, __at);
                    <Point as ::nearcall::Wire>::put(__field_0, __head, __at.saturating_add(__AT_2_0));
                    <Point as ::nearcall::Wire>::put(__field_1, __head, __at.saturating_add(__AT_2_1));
                    __END_2
                }
            };
            ::nearcall::rt::put_zeros(__head, __at.saturating_add(__end), __at.saturating_add(Self::SIZE));
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            match <u8 as ::nearcall::Wire>::get(__head, __at, __tail)? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::Empty),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Circle {
                    centre: <Point as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1_0), __tail)?,
                    radius: <f32 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1_1), __tail)?,
                }),
                __VARIANT_2 => ::core::result::Result::Ok(Self::Line(
                    <Point as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_2_0), __tail)?,
                    <Point as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_2_1), __tail)?,
                )),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
                return;
            }
            match self {
                Self::Empty => {
                    __to.fixed::<u8>(&__VARIANT_0);
                }
                Self::Circle { centre: __field_0, radius: __field_1 } => {
                    __to.fixed::<u8>(&__VARIANT_1);
                    <Point as ::nearcall::Wire>::write(__field_0, __to);
                    <f32 as ::nearcall::Wire>::write(__field_1, __to);
                }
                Self::Line(__field_0, __field_1) => {
                    __to.fixed::<u8>(&__VARIANT_2);
                    <Point as ::nearcall::Wire>::write(__field_0, __to);
                    <Point as ::nearcall::Wire>::write(__field_1, __to);
                }
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                return __from.fixed();
            }
            match __from.fixed::<u8>()? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::Empty),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Circle {
                    centre: <Point as ::nearcall::Wire>::read(__from)?,
                    radius: <f32 as ::nearcall::Wire>::read(__from)?,
                }),
                __VARIANT_2 => ::core::result::Result::Ok(Self::Line(
                    <Point as ::nearcall::Wire>::read(__from)?,
                    <Point as ::nearcall::Wire>::read(__from)?,
                )),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
    }
};
/// Contains itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// An end.
    Leaf(Text),
    /// Goes on.
    Node {
        /// What it shows.
        figure: Option<Figure>,
        /// Where it goes.
        children: Vec<Self>,
    },
}
const _: () = {
    const __VARIANT_0: u32 = 0;
    const _: () = ::core::assert!(
        __VARIANT_0 as i128 == __VARIANT_0 as i64 as i128,
        "the discriminant of `Leaf` does not fit 63 bits: give the variant a smaller one"
    );
    const __AT_0_0: usize = <u32 as ::nearcall::Wire>::SIZE;
    const __END_0: usize = __AT_0_0 + <Text as ::nearcall::Wire>::SIZE;
    const __VARIANT_1: u32 = __VARIANT_0 + 1;
    const _: () = ::core::assert!(
        __VARIANT_1 as i128 == __VARIANT_1 as i64 as i128,
        "the discriminant of `Node` does not fit 63 bits: give the variant a smaller one"
    );
    const __AT_1_0: usize = <u32 as ::nearcall::Wire>::SIZE;
    const __AT_1_1: usize = __AT_1_0 + <Option<Figure> as ::nearcall::Wire>::SIZE;
    const __END_1: usize = __AT_1_1 + <Vec<Tree> as ::nearcall::Wire>::SIZE;
    #[automatically_derived]
    impl ::nearcall::Wire for Tree {
        const FIXED: bool = ::nearcall::rt::all(&[
            <Text as ::nearcall::Wire>::FIXED,
            <Option<Figure> as ::nearcall::Wire>::FIXED,
            <Vec<Self> as ::nearcall::Wire>::FIXED,
        ]);
        const SIZE: usize = Self::CLASS.fixed_part(::nearcall::rt::larger(::nearcall::rt::larger(0, __END_0), __END_1));
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "Tree",
            id: ::core::any::TypeId::of::<Self>(),
            size: <u32 as ::nearcall::Wire>::SIZE,
            variants: &[
                ::nearcall::rt::Variant {
                    name: "Leaf",
                    value: __VARIANT_0 as i64,
                    fields: &[("0", <Text as ::nearcall::Wire>::SHAPE)],
                },
                ::nearcall::rt::Variant {
                    name: "Node",
                    value: __VARIANT_1 as i64,
                    fields: &[
                        ("figure", <Option<Figure> as ::nearcall::Wire>::SHAPE),
                        ("children", <Vec<Self> as ::nearcall::Wire>::SHAPE),
                    ],
                },
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            let __end = match self {
                Self::Leaf(__field_0) => {
                    <u32 as ::nearcall::Wire>::put(&__VARIANT_0, __head, __at);
                    <Text as ::nearcall::Wire>::put(__field_0, __head, __at.saturating_add(__AT_0_0));
                    __END_0
                }
                Self::Node { figure: __field_0, children: __field_1 } => {
                    <u32 as ::nearcall::Wire>::put(&__VARIANT_1, __head, __at);
                    <Option<Figure> as ::nearcall::Wire>::put(__field_0, __head, __at.saturating_add(__AT_1_0));
                    <Vec<Self> as ::nearcall::Wire>::put(__field_1, __head, __at.saturating_add(__AT_1_1));
                    __END_1
                }
            };
            ::nearcall::rt::put_zeros(__head, __at.saturating_add(__end), __at.saturating_add(Self::SIZE));
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            match <u32 as ::nearcall::Wire>::get(__head, __at, __tail)? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::Leaf(<Text as ::nearcall::Wire>::get(
                    __head,
                    __at.saturating_add(__AT_0_0),
                    __tail,
                )?)),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Node {
                    figure: <Option<Figure> as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1_0), __tail)?,
                    children: <Vec<Self> as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1_1), __tail)?,
                }),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
                return;
            }
            match self {
                Self::Leaf(__field_0) => {
                    __to.fixed::<u32>(&__VARIANT_0);
                    <Text as ::nearcall::Wire>::write(__field_0, __to);
                }
                Self::Node { figure: __field_0, children: __field_1 } => {
                    __to.fixed::<u32>(&__VARIANT_1);
                    <Option<Figure> as ::nearcall::Wire>::write(__field_0, __to);
                    <Vec<Self> as ::nearcall::Wire>::write(__field_1, __to);
                }
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                return __from.fixed();
            }
            match __from.fixed::<u32>()? {
                __VARIANT_0 => ::core::result::Result::Ok(Self::Leaf(<Text as ::nearcall::Wire>::read(__from)?)),
                __VARIANT_1 => ::core::result::Result::Ok(Self::Node {
                    figure: <Option<Figure> as ::nearcall::Wire>::read(__from)?,
                    children: <Vec<Self> as ::nearcall::Wire>::read(__from)?,
                }),
                _ => ::core::result::Result::Err(::nearcall::rt::Malformed),
            }
        }
    }
};
/// Has a part without a fixed shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// A number.
    pub id: u32,
    /// Trees.
    pub trees: Vec<Tree>,
    /// One more.
    pub last: Box<Tree>,
}
const _: () = {
    const __AT_0: usize = 0;
    const __AT_1: usize = __AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __AT_2: usize = __AT_1 + <Vec<Tree> as ::nearcall::Wire>::SIZE;
    #[automatically_derived]
    impl ::nearcall::Wire for Forest {
        const FIXED: bool = ::nearcall::rt::all(&[
            <u32 as ::nearcall::Wire>::FIXED,
            <Vec<Tree> as ::nearcall::Wire>::FIXED,
            <Box<Tree> as ::nearcall::Wire>::FIXED,
        ]);
        const SIZE: usize = Self::CLASS.fixed_part(__AT_2 + <Box<Tree> as ::nearcall::Wire>::SIZE);
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed
            .and(<u32 as ::nearcall::Wire>::CLASS)
            .and(<Vec<Tree> as ::nearcall::Wire>::CLASS)
            .and(<Box<Tree> as ::nearcall::Wire>::CLASS);
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Forest",
            id: ::core::any::TypeId::of::<Self>(),
            fields: &[
                ("id", <u32 as ::nearcall::Wire>::SHAPE),
                ("trees", <Vec<Tree> as ::nearcall::Wire>::SHAPE),
                ("last", <Box<Tree> as ::nearcall::Wire>::SHAPE),
            ],
        };
        #[inline]
        fn put(&self, __head: &mut [u8], __at: usize) {
            <u32 as ::nearcall::Wire>::put(&self.id, __head, __at.saturating_add(__AT_0));
            <Vec<Tree> as ::nearcall::Wire>::put(&self.trees, __head, __at.saturating_add(__AT_1));
            <Box<Tree> as ::nearcall::Wire>::put(&self.last, __head, __at.saturating_add(__AT_2));
        }
        #[inline]
        fn tail_size(&self) -> usize {
            0_usize
                .saturating_add(<u32 as ::nearcall::Wire>::tail_size(&self.id))
                .saturating_add(<Vec<Tree> as ::nearcall::Wire>::tail_size(&self.trees))
                .saturating_add(<Box<Tree> as ::nearcall::Wire>::tail_size(&self.last))
        }
        #[inline]
        fn put_tail(&self, __space: &mut [u8]) {
            let __size = <u32 as ::nearcall::Wire>::tail_size(&self.id);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <u32 as ::nearcall::Wire>::put_tail(&self.id, __field);
            let __size = <Vec<Tree> as ::nearcall::Wire>::tail_size(&self.trees);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <Vec<Tree> as ::nearcall::Wire>::put_tail(&self.trees, __field);
            let __size = <Box<Tree> as ::nearcall::Wire>::tail_size(&self.last);
            let ::core::option::Option::Some((__field, __space)) = __space.split_at_mut_checked(__size) else {
                return;
            };
            <Box<Tree> as ::nearcall::Wire>::put_tail(&self.last, __field);
        }
        #[inline]
        fn tail_size_at(__head: &[u8], __at: usize) -> ::core::result::Result<usize, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(
                0_usize
                    .saturating_add(<u32 as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_0))?)
                    .saturating_add(<Vec<Tree> as ::nearcall::Wire>::tail_size_at(__head, __at.saturating_add(__AT_1))?)
                    .saturating_add(<Box<Tree> as ::nearcall::Wire>::tail_size_at(
                        __head,
                        __at.saturating_add(__AT_2),
                    )?),
            )
        }
        #[inline]
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self {
                id: <u32 as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_0), __tail)?,
                trees: <Vec<Tree> as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_1), __tail)?,
                last: <Box<Tree> as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_2), __tail)?,
            })
        }
        #[inline]
        fn write(&self, __to: &mut ::nearcall::rt::Writer<'_>) {
            if Self::FIXED {
                __to.fixed(self);
            } else {
                <u32 as ::nearcall::Wire>::write(&self.id, __to);
                <Vec<Tree> as ::nearcall::Wire>::write(&self.trees, __to);
                <Box<Tree> as ::nearcall::Wire>::write(&self.last, __to);
            }
        }
        #[inline]
        fn read(__from: &mut ::nearcall::rt::Reader<'_>) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            if Self::FIXED {
                __from.fixed()
            } else {
                ::core::result::Result::Ok(Self {
                    id: <u32 as ::nearcall::Wire>::read(__from)?,
                    trees: <Vec<Tree> as ::nearcall::Wire>::read(__from)?,
                    last: <Box<Tree> as ::nearcall::Wire>::read(__from)?,
                })
            }
        }
    }
};
/// All forms.
pub trait Forms: Send + Sync + 'static {
    /// Nothing either way.
    fn nothing(&self);
    /// A value in.
    fn value(&self, x: u64);
    /// A reference in.
    fn by_ref(&self, block: &Block) -> u32;
    /// Exactly a line.
    fn line(&self, a: u128, b: u128, c: u64) -> Turn;
    /// Varying in, by value and by reference, with a keyword for a name.
    fn varying(&self, r#type: Text, entry: &Entry, numbers: Vec<u16>) -> Entry;
    /// Bytes.
    fn bytes(&self, data: &[u8]) -> u64;
    /// In-out before in.
    fn in_out(&self, point: &mut Point, by: Point);
    /// In-out bytes.
    fn reverse(&self, data: &mut [u8]);
    /// Out.
    fn out(&self, turn: &mut Turn, point: &mut Point) -> bool;
    /// All of the buffer.
    fn fill(&self, buf: &mut [u8], with: u8);
    /// Several slices, and everything else.
    #[allow(clippy::too_many_arguments, reason = "all of them")]
    fn all(
        &self,
        a: u8,
        text: &str,
        first: &mut [u8],
        colour: Colour,
        count: &mut u32,
        scratch: &mut [u8],
        second: &mut [u8],
        turn: &mut Turn,
    ) -> std::result::Result<u64, Text>;
    /// Nothing, or an error.
    fn nothing_or(&self, nothing: Nothing) -> std::result::Result<(), Colour>;
    /// An error that is bigger than the value.
    fn small_or(&self) -> std::result::Result<u8, [u64; 6]>;
    /// More bytes than a line holds, exactly.
    fn block(&self, block: Block, n: u8) -> Block;
    /// Slices of numbers, all ways.
    fn numbers(&self, a: &[u32], b: &mut [f64], c: &mut [u64], d: &mut [i16]) -> u32;
    /// Fixed sums and tuples.
    fn sums(&self, figure: &mut Figure, option: Option<u16>) -> (u8, Option<Point>);
    /// The conventional path, both ways.
    fn conventional(&self, forest: &Forest, tree: Tree) -> std::result::Result<Forest, Option<Text>>;
    /// Read where the client put it.
    fn in_place(&self, before: u8, data: ::nearcall::SharedBytes<'_>, after: &[u8]) -> u64;
    /// By serde's traits.
    fn by_serde(
        &self,
        a: std::collections::BTreeMap<Text, u32>,
        b: &Option<std::time::Duration>,
        n: u32,
    ) -> std::result::Result<std::time::Duration, Vec<Text>>;
    /// Several results that vary, and a length with a name.
    fn several(
        &self,
        tree: &mut Tree,
        names: &mut Vec<Text>,
        text: &mut Text,
        digest: &mut [u8; 64],
        count: &mut i32,
        buf: &mut [u8],
    ) -> Vec<u16>;
    /// Nobody waits for it.
    fn quietly(&self, x: u64);
    /// Replaced by `value`.
    #[deprecated(note = "use `value`")]
    fn old(&self, r#move: u8) -> u8;
}
/// What a client of [`Forms`] can do: the same procedures, with what can become of a call.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub trait FormsCall {
    /// Nothing either way.
    ///
    /// # Errors
    /// Why there is no answer.
    fn nothing(&self) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// A value in.
    ///
    /// # Errors
    /// Why there is no answer.
    fn value(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// A reference in.
    ///
    /// # Errors
    /// Why there is no answer.
    fn by_ref(&self, block: &Block) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Exactly a line.
    ///
    /// # Errors
    /// Why there is no answer.
    fn line(
        &self,
        a: u128,
        b: u128,
        c: u64,
    ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Varying in, by value and by reference, with a keyword for a name.
    ///
    /// # Errors
    /// Why there is no answer.
    fn varying(
        &self,
        r#type: Text,
        entry: &Entry,
        numbers: Vec<u16>,
    ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Bytes.
    ///
    /// # Errors
    /// Why there is no answer.
    fn bytes(&self, data: &[u8]) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>>;
    /// In-out before in.
    ///
    /// # Errors
    /// Why there is no answer.
    fn in_out(
        &self,
        point: &mut Point,
        by: Point,
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// In-out bytes.
    ///
    /// # Errors
    /// Why there is no answer.
    fn reverse(
        &self,
        data: &mut [u8],
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// Out.
    ///
    /// # Errors
    /// Why there is no answer.
    fn out(
        &self,
        turn: &mut Turn,
        point: &mut Point,
    ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>>;
    /// All of the buffer.
    ///
    /// # Errors
    /// Why there is no answer.
    fn fill(
        &self,
        buf: &mut [u8],
        with: u8,
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// Several slices, and everything else.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
    fn all(
        &self,
        a: u8,
        text: &str,
        first: &mut [u8],
        colour: Colour,
        count: &mut u32,
        scratch: &mut [u8],
        second: &mut [u8],
        turn: &mut Turn,
    ) -> ::core::result::Result<u64, ::nearcall::CallError<Text>>;
    /// Nothing, or an error.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn nothing_or(&self, nothing: Nothing) -> ::core::result::Result<(), ::nearcall::CallError<Colour>>;
    /// An error that is bigger than the value.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn small_or(&self) -> ::core::result::Result<u8, ::nearcall::CallError<[u64; 6]>>;
    /// More bytes than a line holds, exactly.
    ///
    /// # Errors
    /// Why there is no answer.
    fn block(
        &self,
        block: Block,
        n: u8,
    ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Slices of numbers, all ways.
    ///
    /// # Errors
    /// Why there is no answer.
    fn numbers(
        &self,
        a: &[u32],
        b: &mut [f64],
        c: &mut [u64],
        d: &mut [i16],
    ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Fixed sums and tuples.
    ///
    /// # Errors
    /// Why there is no answer.
    fn sums(
        &self,
        figure: &mut Figure,
        option: Option<u16>,
    ) -> ::core::result::Result<(u8, Option<Point>), ::nearcall::CallError<::core::convert::Infallible>>;
    /// The conventional path, both ways.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn conventional(
        &self,
        forest: &Forest,
        tree: Tree,
    ) -> ::core::result::Result<Forest, ::nearcall::CallError<Option<Text>>>;
    /// Read where the client put it.
    ///
    /// # Errors
    /// Why there is no answer.
    fn in_place(
        &self,
        before: u8,
        data: &[u8],
        after: &[u8],
    ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>>;
    /// By serde's traits.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn by_serde(
        &self,
        a: std::collections::BTreeMap<Text, u32>,
        b: &Option<std::time::Duration>,
        n: u32,
    ) -> ::core::result::Result<std::time::Duration, ::nearcall::CallError<Vec<Text>>>;
    /// Several results that vary, and a length with a name.
    ///
    /// # Errors
    /// Why there is no answer.
    fn several(
        &self,
        tree: &mut Tree,
        names: &mut Vec<Text>,
        text: &mut Text,
        digest: &mut [u8; 64],
        count: &mut i32,
        buf: &mut [u8],
    ) -> ::core::result::Result<Vec<u16>, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Nobody waits for it.
    ///
    /// # Errors
    /// What keeps it from being sent.
    fn quietly(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// Replaced by `value`.
    #[deprecated(note = "use `value`")]
    ///
    /// # Errors
    /// Why there is no answer.
    fn old(&self, r#move: u8) -> ::core::result::Result<u8, ::nearcall::CallError<::core::convert::Infallible>>;
}
/// A client of [`Forms`]: its methods are calls through a binding.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
#[derive(::core::fmt::Debug)]
pub struct FormsClient {
    binding: ::nearcall::Binding,
}
/// Serves any [`Forms`] to other address spaces.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub struct FormsServer<T>(T);
/// [`FormsCall`] without a boundary: calls a [`Forms`] in the same address space.
///
/// Unlike a call, it leaves in-out and out targets as the procedure left them when that returned an error.
#[allow(dead_code, reason = "a program may have no use for it")]
pub struct FormsLocal<T>(
    /// What is called.
    pub T,
);
const _: () = {
    /// What of a head of this size lies in the frame, in bytes.
    const fn __in_frame(head: usize) -> usize {
        if head > ::nearcall::rt::LINE_BYTES { head } else { 0 }
    }
    const fn __max(a: usize, b: usize) -> usize {
        if a > b { a } else { b }
    }
    const fn __varies<T: ::nearcall::Wire>() -> bool {
        !::core::matches!(T::CLASS, ::nearcall::rt::Class::Fixed)
    }
    const __NOTHING_AT_0: usize = 0;
    const __NOTHING_REQ: usize = ::nearcall::rt::head_bytes(__NOTHING_AT_0);
    const __NOTHING_BACK_0: usize = 0;
    const __NOTHING_REP: usize = ::nearcall::rt::head_bytes(__NOTHING_BACK_0);
    const __NOTHING_PLACES: bool = __in_frame(__NOTHING_REP) != 0;
    const __NOTHING_FRAME: usize = __max(__in_frame(__NOTHING_REQ), __in_frame(__NOTHING_REP));
    const __VALUE_AT_0: usize = 0;
    const __VALUE_AT_1: usize = __VALUE_AT_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __VALUE_REQ: usize = ::nearcall::rt::head_bytes(__VALUE_AT_1);
    const __VALUE_BACK_0: usize = 0;
    const __VALUE_REP: usize = ::nearcall::rt::head_bytes(__VALUE_BACK_0);
    const __VALUE_PLACES: bool = __in_frame(__VALUE_REP) != 0;
    const __VALUE_FRAME: usize = if __varies::<u64>() {
        ::core::assert!(
            __max(__in_frame(__VALUE_REQ), __in_frame(__VALUE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `value` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__VALUE_REQ), __in_frame(__VALUE_REP))
    };
    const __BY_REF_AT_0: usize = 0;
    const __BY_REF_AT_1: usize = __BY_REF_AT_0 + <Block as ::nearcall::Wire>::SIZE;
    const __BY_REF_REQ: usize = ::nearcall::rt::head_bytes(__BY_REF_AT_1);
    const __BY_REF_BACK_0: usize = 0;
    const __BY_REF_BACK_1: usize = __BY_REF_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __BY_REF_REP: usize = ::nearcall::rt::head_bytes(__BY_REF_BACK_1);
    const __BY_REF_PLACES: bool = __in_frame(__BY_REF_REP) != 0 || __varies::<u32>();
    const __BY_REF_FRAME: usize = if __varies::<Block>() || __varies::<u32>() {
        ::core::assert!(
            __max(__in_frame(__BY_REF_REQ), __in_frame(__BY_REF_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `by_ref` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__BY_REF_REQ), __in_frame(__BY_REF_REP))
    };
    const __LINE_AT_0: usize = 0;
    const __LINE_AT_1: usize = __LINE_AT_0 + <u128 as ::nearcall::Wire>::SIZE;
    const __LINE_AT_2: usize = __LINE_AT_1 + <u128 as ::nearcall::Wire>::SIZE;
    const __LINE_AT_3: usize = __LINE_AT_2 + <u64 as ::nearcall::Wire>::SIZE;
    const __LINE_REQ: usize = ::nearcall::rt::head_bytes(__LINE_AT_3);
    const __LINE_BACK_0: usize = 0;
    const __LINE_BACK_1: usize = __LINE_BACK_0 + <Turn as ::nearcall::Wire>::SIZE;
    const __LINE_REP: usize = ::nearcall::rt::head_bytes(__LINE_BACK_1);
    const __LINE_PLACES: bool = __in_frame(__LINE_REP) != 0 || __varies::<Turn>();
    const __LINE_FRAME: usize = if __varies::<u128>() || __varies::<u64>() || __varies::<Turn>() {
        ::core::assert!(
            __max(__in_frame(__LINE_REQ), __in_frame(__LINE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `line` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__LINE_REQ), __in_frame(__LINE_REP))
    };
    const __VARYING_AT_0: usize = 0;
    const __VARYING_AT_1: usize = __VARYING_AT_0 + <Text as ::nearcall::Wire>::SIZE;
    const __VARYING_AT_2: usize = __VARYING_AT_1 + <Entry as ::nearcall::Wire>::SIZE;
    const __VARYING_AT_3: usize = __VARYING_AT_2 + <Vec<u16> as ::nearcall::Wire>::SIZE;
    const __VARYING_REQ: usize = ::nearcall::rt::head_bytes(__VARYING_AT_3);
    const __VARYING_BACK_0: usize = 0;
    const __VARYING_BACK_1: usize = __VARYING_BACK_0 + <Entry as ::nearcall::Wire>::SIZE;
    const __VARYING_REP: usize = ::nearcall::rt::head_bytes(__VARYING_BACK_1);
    const __VARYING_PLACES: bool = __in_frame(__VARYING_REP) != 0 || __varies::<Entry>();
    const __VARYING_FRAME: usize = if __varies::<Text>() || __varies::<Entry>() || __varies::<Vec<u16>>() {
        ::core::assert!(
            __max(__in_frame(__VARYING_REQ), __in_frame(__VARYING_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `varying` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__VARYING_REQ), __in_frame(__VARYING_REP))
    };
    const __BYTES_AT_0: usize = 0;
    const __BYTES_AT_1: usize = __BYTES_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __BYTES_REQ: usize = ::nearcall::rt::head_bytes(__BYTES_AT_1);
    const __BYTES_BACK_0: usize = 0;
    const __BYTES_BACK_1: usize = __BYTES_BACK_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __BYTES_REP: usize = ::nearcall::rt::head_bytes(__BYTES_BACK_1);
    const __BYTES_PLACES: bool = __in_frame(__BYTES_REP) != 0 || __varies::<u64>();
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __BYTES_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__BYTES_REQ), __in_frame(__BYTES_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `bytes` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __IN_OUT_AT_0: usize = 0;
    const __IN_OUT_AT_1: usize = __IN_OUT_AT_0 + <Point as ::nearcall::Wire>::SIZE;
    const __IN_OUT_AT_2: usize = __IN_OUT_AT_1 + <Point as ::nearcall::Wire>::SIZE;
    const __IN_OUT_REQ: usize = ::nearcall::rt::head_bytes(__IN_OUT_AT_2);
    const __IN_OUT_BACK_0: usize = 0;
    const __IN_OUT_BACK_1: usize = __IN_OUT_BACK_0 + <Point as ::nearcall::Wire>::SIZE;
    const __IN_OUT_REP: usize = ::nearcall::rt::head_bytes(__IN_OUT_BACK_1);
    const __IN_OUT_PLACES: bool = __in_frame(__IN_OUT_REP) != 0 || __varies::<Point>();
    const __IN_OUT_FRAME: usize = if __varies::<Point>() {
        ::core::assert!(
            __max(__in_frame(__IN_OUT_REQ), __in_frame(__IN_OUT_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `in_out` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__IN_OUT_REQ), __in_frame(__IN_OUT_REP))
    };
    const __REVERSE_AT_0: usize = 0;
    const __REVERSE_AT_1: usize = __REVERSE_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __REVERSE_REQ: usize = ::nearcall::rt::head_bytes(__REVERSE_AT_1);
    const __REVERSE_BACK_0: usize = 0;
    const __REVERSE_REP: usize = ::nearcall::rt::head_bytes(__REVERSE_BACK_0);
    const __REVERSE_PLACES: bool = true;
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __REVERSE_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__REVERSE_REQ), __in_frame(__REVERSE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `reverse` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __OUT_AT_0: usize = 0;
    const __OUT_REQ: usize = ::nearcall::rt::head_bytes(__OUT_AT_0);
    const __OUT_BACK_0: usize = 0;
    const __OUT_BACK_1: usize = __OUT_BACK_0 + <Turn as ::nearcall::Wire>::SIZE;
    const __OUT_BACK_2: usize = __OUT_BACK_1 + <Point as ::nearcall::Wire>::SIZE;
    const __OUT_BACK_3: usize = __OUT_BACK_2 + <bool as ::nearcall::Wire>::SIZE;
    const __OUT_REP: usize = ::nearcall::rt::head_bytes(__OUT_BACK_3);
    const __OUT_PLACES: bool =
        __in_frame(__OUT_REP) != 0 || __varies::<Turn>() || __varies::<Point>() || __varies::<bool>();
    const __OUT_TAILS: usize = ::nearcall::rt::how_many(&[__varies::<Turn>(), __varies::<Point>(), __varies::<bool>()]);
    const __OUT_TAILS_MAX: usize = 0_usize
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX);
    const __OUT_FRAME: usize = if __varies::<Turn>() || __varies::<Point>() || __varies::<bool>() {
        ::core::assert!(
            __max(__in_frame(__OUT_REQ), __in_frame(__OUT_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `out` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__OUT_REQ), __in_frame(__OUT_REP))
    };
    const __FILL_AT_0: usize = 0;
    const __FILL_AT_1: usize = __FILL_AT_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __FILL_AT_2: usize = __FILL_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __FILL_REQ: usize = ::nearcall::rt::head_bytes(__FILL_AT_2);
    const __FILL_BACK_0: usize = 0;
    const __FILL_REP: usize = ::nearcall::rt::head_bytes(__FILL_BACK_0);
    const __FILL_PLACES: bool = true;
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __FILL_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__FILL_REQ), __in_frame(__FILL_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `fill` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __ALL_AT_0: usize = 0;
    const __ALL_AT_1: usize = __ALL_AT_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __ALL_AT_2: usize = __ALL_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __ALL_AT_3: usize = __ALL_AT_2 + <Colour as ::nearcall::Wire>::SIZE;
    const __ALL_AT_4: usize = __ALL_AT_3 + <u32 as ::nearcall::Wire>::SIZE;
    const __ALL_AT_5: usize = __ALL_AT_4 + <u32 as ::nearcall::Wire>::SIZE;
    const __ALL_AT_6: usize = __ALL_AT_5 + <u32 as ::nearcall::Wire>::SIZE;
    const __ALL_AT_7: usize = __ALL_AT_6 + <u32 as ::nearcall::Wire>::SIZE;
    const __ALL_REQ: usize = ::nearcall::rt::head_bytes(__ALL_AT_7);
    const __ALL_BACK_0: usize = 0;
    const __ALL_BACK_1: usize = __ALL_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __ALL_BACK_2: usize = __ALL_BACK_1 + <Turn as ::nearcall::Wire>::SIZE;
    const __ALL_BACK_3: usize = __ALL_BACK_2 + <u64 as ::nearcall::Wire>::SIZE;
    const __ALL_REP: usize = ::nearcall::rt::head_bytes(__max(__ALL_BACK_3, <Text as ::nearcall::Wire>::SIZE));
    const __ALL_PLACES: bool = true;
    const __ALL_TAILS: usize = ::nearcall::rt::how_many(&[__varies::<u32>(), __varies::<Turn>(), __varies::<u64>()]);
    const __ALL_TAILS_MAX: usize = 0_usize
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX);
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __ALL_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__ALL_REQ), __in_frame(__ALL_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `all` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __NOTHING_OR_AT_0: usize = 0;
    const __NOTHING_OR_AT_1: usize = __NOTHING_OR_AT_0 + <Nothing as ::nearcall::Wire>::SIZE;
    const __NOTHING_OR_REQ: usize = ::nearcall::rt::head_bytes(__NOTHING_OR_AT_1);
    const __NOTHING_OR_BACK_0: usize = 0;
    const __NOTHING_OR_REP: usize =
        ::nearcall::rt::head_bytes(__max(__NOTHING_OR_BACK_0, <Colour as ::nearcall::Wire>::SIZE));
    const __NOTHING_OR_PLACES: bool = __in_frame(__NOTHING_OR_REP) != 0 || __varies::<Colour>();
    const __NOTHING_OR_FRAME: usize = if __varies::<Nothing>() || __varies::<Colour>() {
        ::core::assert!(
            __max(__in_frame(__NOTHING_OR_REQ), __in_frame(__NOTHING_OR_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `nothing_or` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__NOTHING_OR_REQ), __in_frame(__NOTHING_OR_REP))
    };
    const __SMALL_OR_AT_0: usize = 0;
    const __SMALL_OR_REQ: usize = ::nearcall::rt::head_bytes(__SMALL_OR_AT_0);
    const __SMALL_OR_BACK_0: usize = 0;
    const __SMALL_OR_BACK_1: usize = __SMALL_OR_BACK_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __SMALL_OR_REP: usize =
        ::nearcall::rt::head_bytes(__max(__SMALL_OR_BACK_1, <[u64; 6] as ::nearcall::Wire>::SIZE));
    const __SMALL_OR_PLACES: bool = __in_frame(__SMALL_OR_REP) != 0 || __varies::<u8>() || __varies::<[u64; 6]>();
    const __SMALL_OR_FRAME: usize = if __varies::<u8>() || __varies::<[u64; 6]>() {
        ::core::assert!(
            __max(__in_frame(__SMALL_OR_REQ), __in_frame(__SMALL_OR_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `small_or` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__SMALL_OR_REQ), __in_frame(__SMALL_OR_REP))
    };
    const __BLOCK_AT_0: usize = 0;
    const __BLOCK_AT_1: usize = __BLOCK_AT_0 + <Block as ::nearcall::Wire>::SIZE;
    const __BLOCK_AT_2: usize = __BLOCK_AT_1 + <u8 as ::nearcall::Wire>::SIZE;
    const __BLOCK_REQ: usize = ::nearcall::rt::head_bytes(__BLOCK_AT_2);
    const __BLOCK_BACK_0: usize = 0;
    const __BLOCK_BACK_1: usize = __BLOCK_BACK_0 + <Block as ::nearcall::Wire>::SIZE;
    const __BLOCK_REP: usize = ::nearcall::rt::head_bytes(__BLOCK_BACK_1);
    const __BLOCK_PLACES: bool = __in_frame(__BLOCK_REP) != 0 || __varies::<Block>();
    const __BLOCK_FRAME: usize = if __varies::<Block>() || __varies::<u8>() {
        ::core::assert!(
            __max(__in_frame(__BLOCK_REQ), __in_frame(__BLOCK_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `block` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__BLOCK_REQ), __in_frame(__BLOCK_REP))
    };
    const __NUMBERS_AT_0: usize = 0;
    const __NUMBERS_AT_1: usize = __NUMBERS_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __NUMBERS_AT_2: usize = __NUMBERS_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __NUMBERS_AT_3: usize = __NUMBERS_AT_2 + <u32 as ::nearcall::Wire>::SIZE;
    const __NUMBERS_AT_4: usize = __NUMBERS_AT_3 + <u32 as ::nearcall::Wire>::SIZE;
    const __NUMBERS_REQ: usize = ::nearcall::rt::head_bytes(__NUMBERS_AT_4);
    const __NUMBERS_BACK_0: usize = 0;
    const __NUMBERS_BACK_1: usize = __NUMBERS_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __NUMBERS_REP: usize = ::nearcall::rt::head_bytes(__NUMBERS_BACK_1);
    const __NUMBERS_PLACES: bool = true;
    const _: () = ::nearcall::rt::assert_item::<u32>();
    const _: () = ::nearcall::rt::assert_item::<f64>();
    const _: () = ::nearcall::rt::assert_item::<u64>();
    const _: () = ::nearcall::rt::assert_item::<i16>();
    const __NUMBERS_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__NUMBERS_REQ), __in_frame(__NUMBERS_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `numbers` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __SUMS_AT_0: usize = 0;
    const __SUMS_AT_1: usize = __SUMS_AT_0 + <Option<u16> as ::nearcall::Wire>::SIZE;
    const __SUMS_AT_2: usize = __SUMS_AT_1 + <Figure as ::nearcall::Wire>::SIZE;
    const __SUMS_REQ: usize = ::nearcall::rt::head_bytes(__SUMS_AT_2);
    const __SUMS_BACK_0: usize = 0;
    const __SUMS_BACK_1: usize = __SUMS_BACK_0 + <Figure as ::nearcall::Wire>::SIZE;
    const __SUMS_BACK_2: usize = __SUMS_BACK_1 + <(u8, Option<Point>) as ::nearcall::Wire>::SIZE;
    const __SUMS_REP: usize = ::nearcall::rt::head_bytes(__SUMS_BACK_2);
    const __SUMS_PLACES: bool =
        __in_frame(__SUMS_REP) != 0 || __varies::<Figure>() || __varies::<(u8, Option<Point>)>();
    const __SUMS_TAILS: usize = ::nearcall::rt::how_many(&[__varies::<Figure>(), __varies::<(u8, Option<Point>)>()]);
    const __SUMS_TAILS_MAX: usize =
        0_usize.saturating_add(::nearcall::rt::DEFAULT_MAX).saturating_add(::nearcall::rt::DEFAULT_MAX);
    const __SUMS_FRAME: usize =
        if __varies::<Figure>() || __varies::<Option<u16>>() || __varies::<(u8, Option<Point>)>() {
            ::core::assert!(
                __max(__in_frame(__SUMS_REQ), __in_frame(__SUMS_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
                "the fixed parts of `sums` fill the default frame: give it `#[call(astack = ..)]`"
            );
            ::nearcall::rt::DEFAULT_FRAME_SIZE
        } else {
            __max(__in_frame(__SUMS_REQ), __in_frame(__SUMS_REP))
        };
    const __CONVENTIONAL_AT_0: usize = 0;
    const __CONVENTIONAL_AT_1: usize = __CONVENTIONAL_AT_0 + <Forest as ::nearcall::Wire>::SIZE;
    const __CONVENTIONAL_AT_2: usize = __CONVENTIONAL_AT_1 + <Tree as ::nearcall::Wire>::SIZE;
    const __CONVENTIONAL_REQ: usize = ::nearcall::rt::head_bytes(__CONVENTIONAL_AT_2);
    const __CONVENTIONAL_BACK_0: usize = 0;
    const __CONVENTIONAL_BACK_1: usize = __CONVENTIONAL_BACK_0 + <Forest as ::nearcall::Wire>::SIZE;
    const __CONVENTIONAL_REP: usize =
        ::nearcall::rt::head_bytes(__max(__CONVENTIONAL_BACK_1, <Option<Text> as ::nearcall::Wire>::SIZE));
    const __CONVENTIONAL_PLACES: bool =
        __in_frame(__CONVENTIONAL_REP) != 0 || __varies::<Forest>() || __varies::<Option<Text>>();
    const __CONVENTIONAL_FRAME: usize = if __varies::<Forest>() || __varies::<Tree>() || __varies::<Option<Text>>() {
        ::core::assert!(
            __max(__in_frame(__CONVENTIONAL_REQ), __in_frame(__CONVENTIONAL_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `conventional` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__CONVENTIONAL_REQ), __in_frame(__CONVENTIONAL_REP))
    };
    const __IN_PLACE_AT_0: usize = 0;
    const __IN_PLACE_AT_1: usize = __IN_PLACE_AT_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __IN_PLACE_AT_2: usize = __IN_PLACE_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __IN_PLACE_AT_3: usize = __IN_PLACE_AT_2 + <u32 as ::nearcall::Wire>::SIZE;
    const __IN_PLACE_REQ: usize = ::nearcall::rt::head_bytes(__IN_PLACE_AT_3);
    const __IN_PLACE_BACK_0: usize = 0;
    const __IN_PLACE_BACK_1: usize = __IN_PLACE_BACK_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __IN_PLACE_REP: usize = ::nearcall::rt::head_bytes(__IN_PLACE_BACK_1);
    const __IN_PLACE_PLACES: bool = __in_frame(__IN_PLACE_REP) != 0 || __varies::<u64>();
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __IN_PLACE_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__IN_PLACE_REQ), __in_frame(__IN_PLACE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `in_place` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __BY_SERDE_AT_0: usize = 0;
    const __BY_SERDE_AT_1: usize = __BY_SERDE_AT_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __BY_SERDE_AT_2: usize = __BY_SERDE_AT_1 + <u32 as ::nearcall::Wire>::SIZE;
    const __BY_SERDE_AT_3: usize = __BY_SERDE_AT_2 + <u32 as ::nearcall::Wire>::SIZE;
    const __BY_SERDE_REQ: usize = ::nearcall::rt::head_bytes(__BY_SERDE_AT_3);
    const __BY_SERDE_BACK_0: usize = 0;
    const __BY_SERDE_BACK_1: usize = __BY_SERDE_BACK_0 + <u32 as ::nearcall::Wire>::SIZE;
    const __BY_SERDE_REP: usize = ::nearcall::rt::head_bytes(__max(__BY_SERDE_BACK_1, <u32 as ::nearcall::Wire>::SIZE));
    const __BY_SERDE_PLACES: bool = true;
    const __BY_SERDE_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__BY_SERDE_REQ), __in_frame(__BY_SERDE_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `by_serde` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __SEVERAL_AT_0: usize = 0;
    const __SEVERAL_AT_1: usize = __SEVERAL_AT_0 + <Tree as ::nearcall::Wire>::SIZE;
    const __SEVERAL_AT_2: usize = __SEVERAL_AT_1 + <Vec<Text> as ::nearcall::Wire>::SIZE;
    const __SEVERAL_AT_3: usize = __SEVERAL_AT_2 + <u32 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_REQ: usize = ::nearcall::rt::head_bytes(__SEVERAL_AT_3);
    const __SEVERAL_BACK_0: usize = 0;
    const __SEVERAL_BACK_1: usize = __SEVERAL_BACK_0 + <Tree as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_2: usize = __SEVERAL_BACK_1 + <Vec<Text> as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_3: usize = __SEVERAL_BACK_2 + <Text as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_4: usize = __SEVERAL_BACK_3 + <[u8; 64] as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_5: usize = __SEVERAL_BACK_4 + <i32 as ::nearcall::Wire>::SIZE;
    const __SEVERAL_BACK_6: usize = __SEVERAL_BACK_5 + <Vec<u16> as ::nearcall::Wire>::SIZE;
    const __SEVERAL_REP: usize = ::nearcall::rt::head_bytes(__SEVERAL_BACK_6);
    const __SEVERAL_PLACES: bool = true;
    const __SEVERAL_TAILS: usize = ::nearcall::rt::how_many(&[
        __varies::<Tree>(),
        __varies::<Vec<Text>>(),
        __varies::<Text>(),
        __varies::<[u8; 64]>(),
        __varies::<i32>(),
        __varies::<Vec<u16>>(),
    ]);
    const __SEVERAL_TAILS_MAX: usize = 0_usize
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(64)
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX)
        .saturating_add(::nearcall::rt::DEFAULT_MAX);
    const _: () = ::nearcall::rt::assert_item::<u8>();
    const __SEVERAL_FRAME: usize = {
        ::core::assert!(
            __max(__in_frame(__SEVERAL_REQ), __in_frame(__SEVERAL_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `several` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    };
    const __QUIETLY_AT_0: usize = 0;
    const __QUIETLY_AT_1: usize = __QUIETLY_AT_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __QUIETLY_REQ: usize = ::nearcall::rt::head_bytes(__QUIETLY_AT_1);
    const __QUIETLY_BACK_0: usize = 0;
    const __QUIETLY_REP: usize = ::nearcall::rt::head_bytes(__QUIETLY_BACK_0);
    const __QUIETLY_PLACES: bool = __in_frame(__QUIETLY_REP) != 0;
    const __QUIETLY_FRAME: usize = if __varies::<u64>() {
        ::core::assert!(
            __max(__in_frame(__QUIETLY_REQ), __in_frame(__QUIETLY_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `quietly` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__QUIETLY_REQ), __in_frame(__QUIETLY_REP))
    };
    const __OLD_AT_0: usize = 0;
    const __OLD_AT_1: usize = __OLD_AT_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __OLD_REQ: usize = ::nearcall::rt::head_bytes(__OLD_AT_1);
    const __OLD_BACK_0: usize = 0;
    const __OLD_BACK_1: usize = __OLD_BACK_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __OLD_REP: usize = ::nearcall::rt::head_bytes(__OLD_BACK_1);
    const __OLD_PLACES: bool = __in_frame(__OLD_REP) != 0 || __varies::<u8>();
    const __OLD_FRAME: usize = if __varies::<u8>() {
        ::core::assert!(
            __max(__in_frame(__OLD_REQ), __in_frame(__OLD_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `old` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__OLD_REQ), __in_frame(__OLD_REP))
    };
    static __INTERFACE: ::nearcall::rt::Interface = ::nearcall::rt::Interface {
        name: "Forms",
        uuid: 0,
        version: (0, 0),
        procedures: &[
            ::nearcall::rt::Procedure {
                name: "nothing",
                origin: "",
                params: &[::nearcall::rt::Param {
                    name: "return",
                    direction: ::nearcall::rt::Direction::Return,
                    size: <() as ::nearcall::Wire>::SIZE,
                    max: { ::nearcall::rt::DEFAULT_MAX },
                    carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                    shape: <() as ::nearcall::Wire>::SHAPE,
                }],
                request_size: __NOTHING_REQ,
                reply_size: __NOTHING_REP,
                frame_size: __NOTHING_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "value",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "x",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __VALUE_REQ,
                reply_size: __VALUE_REP,
                frame_size: __VALUE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "by_ref",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "block",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Block as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Block as ::nearcall::Wire>::CLASS),
                        shape: <Block as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __BY_REF_REQ,
                reply_size: __BY_REF_REP,
                frame_size: __BY_REF_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "line",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "a",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u128 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u128 as ::nearcall::Wire>::CLASS),
                        shape: <u128 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "b",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u128 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u128 as ::nearcall::Wire>::CLASS),
                        shape: <u128 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "c",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <Turn as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Turn as ::nearcall::Wire>::CLASS),
                        shape: <Turn as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __LINE_REQ,
                reply_size: __LINE_REP,
                frame_size: __LINE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "varying",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "type",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Text as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Text as ::nearcall::Wire>::CLASS),
                        shape: <Text as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "entry",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Entry as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Entry as ::nearcall::Wire>::CLASS),
                        shape: <Entry as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "numbers",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Vec<u16> as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Vec<u16> as ::nearcall::Wire>::CLASS),
                        shape: <Vec<u16> as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <Entry as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Entry as ::nearcall::Wire>::CLASS),
                        shape: <Entry as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __VARYING_REQ,
                reply_size: __VARYING_REP,
                frame_size: __VARYING_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "bytes",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "data",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __BYTES_REQ,
                reply_size: __BYTES_REP,
                frame_size: __BYTES_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "in_out",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "point",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <Point as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Point as ::nearcall::Wire>::CLASS),
                        shape: <Point as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "by",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Point as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Point as ::nearcall::Wire>::CLASS),
                        shape: <Point as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __IN_OUT_REQ,
                reply_size: __IN_OUT_REP,
                frame_size: __IN_OUT_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "reverse",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "data",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __REVERSE_REQ,
                reply_size: __REVERSE_REP,
                frame_size: __REVERSE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "out",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "turn",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <Turn as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Turn as ::nearcall::Wire>::CLASS),
                        shape: <Turn as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "point",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <Point as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Point as ::nearcall::Wire>::CLASS),
                        shape: <Point as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <bool as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<bool as ::nearcall::Wire>::CLASS),
                        shape: <bool as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __OUT_REQ,
                reply_size: __OUT_REP,
                frame_size: __OUT_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "fill",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "buf",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "with",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __FILL_REQ,
                reply_size: __FILL_REP,
                frame_size: __FILL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "all",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "a",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "text",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Str,
                    },
                    ::nearcall::rt::Param {
                        name: "first",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "colour",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Colour as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Colour as ::nearcall::Wire>::CLASS),
                        shape: <Colour as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "count",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "scratch",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "second",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "turn",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <Turn as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Turn as ::nearcall::Wire>::CLASS),
                        shape: <Turn as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <Text as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Text as ::nearcall::Wire>::CLASS),
                        shape: <Text as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __ALL_REQ,
                reply_size: __ALL_REP,
                frame_size: __ALL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::Some(::core::time::Duration::MAX),
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "nothing_or",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "nothing",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Nothing as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Nothing as ::nearcall::Wire>::CLASS),
                        shape: <Nothing as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <Colour as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Colour as ::nearcall::Wire>::CLASS),
                        shape: <Colour as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __NOTHING_OR_REQ,
                reply_size: __NOTHING_OR_REP,
                frame_size: __NOTHING_OR_FRAME,
                concurrency: 64,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::Some(::core::time::Duration::new(0, 250000)),
                idempotent: false,
                handoff: true,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "small_or",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <[u64; 6] as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<[u64; 6] as ::nearcall::Wire>::CLASS),
                        shape: <[u64; 6] as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __SMALL_OR_REQ,
                reply_size: __SMALL_OR_REP,
                frame_size: __SMALL_OR_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "block",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "block",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Block as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Block as ::nearcall::Wire>::CLASS),
                        shape: <Block as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "n",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <Block as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Block as ::nearcall::Wire>::CLASS),
                        shape: <Block as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __BLOCK_REQ,
                reply_size: __BLOCK_REP,
                frame_size: __BLOCK_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "numbers",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "a",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u32> },
                    },
                    ::nearcall::rt::Param {
                        name: "b",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<f64> },
                    },
                    ::nearcall::rt::Param {
                        name: "c",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u64> },
                    },
                    ::nearcall::rt::Param {
                        name: "d",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<i16> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __NUMBERS_REQ,
                reply_size: __NUMBERS_REP,
                frame_size: __NUMBERS_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "sums",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "figure",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <Figure as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Figure as ::nearcall::Wire>::CLASS),
                        shape: <Figure as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "option",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Option<u16> as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Option<u16> as ::nearcall::Wire>::CLASS),
                        shape: <Option<u16> as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <(u8, Option<Point>) as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<(u8, Option<Point>) as ::nearcall::Wire>::CLASS),
                        shape: <(u8, Option<Point>) as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __SUMS_REQ,
                reply_size: __SUMS_REP,
                frame_size: __SUMS_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "conventional",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "forest",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Forest as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Forest as ::nearcall::Wire>::CLASS),
                        shape: <Forest as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "tree",
                        direction: ::nearcall::rt::Direction::In,
                        size: <Tree as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Tree as ::nearcall::Wire>::CLASS),
                        shape: <Tree as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <Forest as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Forest as ::nearcall::Wire>::CLASS),
                        shape: <Forest as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <Option<Text> as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Option<Text> as ::nearcall::Wire>::CLASS),
                        shape: <Option<Text> as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __CONVENTIONAL_REQ,
                reply_size: __CONVENTIONAL_REP,
                frame_size: __CONVENTIONAL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "in_place",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "before",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "data",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::InPlace,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "after",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __IN_PLACE_REQ,
                reply_size: __IN_PLACE_REP,
                frame_size: __IN_PLACE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "by_serde",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "a",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Serde,
                        shape: &::nearcall::rt::Shape::Foreign {
                            codec: "serde",
                            spelling: "std::collections::BTreeMap<Text, u32>",
                        },
                    },
                    ::nearcall::rt::Param {
                        name: "b",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Serde,
                        shape: &::nearcall::rt::Shape::Foreign {
                            codec: "serde",
                            spelling: "Option<std::time::Duration>",
                        },
                    },
                    ::nearcall::rt::Param {
                        name: "n",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u32 as ::nearcall::Wire>::CLASS),
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Serde,
                        shape: &::nearcall::rt::Shape::Foreign { codec: "serde", spelling: "std::time::Duration" },
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Serde,
                        shape: &::nearcall::rt::Shape::Foreign { codec: "serde", spelling: "Vec<Text>" },
                    },
                ],
                request_size: __BY_SERDE_REQ,
                reply_size: __BY_SERDE_REP,
                frame_size: __BY_SERDE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "several",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "tree",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <Tree as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Tree as ::nearcall::Wire>::CLASS),
                        shape: <Tree as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "names",
                        direction: ::nearcall::rt::Direction::InOut,
                        size: <Vec<Text> as ::nearcall::Wire>::SIZE,
                        max: 64,
                        carried: ::nearcall::rt::Carried::Value(<Vec<Text> as ::nearcall::Wire>::CLASS),
                        shape: <Vec<Text> as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "text",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <Text as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Text as ::nearcall::Wire>::CLASS),
                        shape: <Text as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "digest",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <[u8; 64] as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<[u8; 64] as ::nearcall::Wire>::CLASS),
                        shape: <[u8; 64] as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "count",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <i32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<i32 as ::nearcall::Wire>::CLASS),
                        shape: <i32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "buf",
                        direction: ::nearcall::rt::Direction::Out,
                        size: <u32 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Items,
                        shape: &::nearcall::rt::Shape::Seq { item: ::nearcall::rt::shape_of::<u8> },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <Vec<u16> as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<Vec<u16> as ::nearcall::Wire>::CLASS),
                        shape: <Vec<u16> as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __SEVERAL_REQ,
                reply_size: __SEVERAL_REP,
                frame_size: __SEVERAL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "quietly",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "x",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u64 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u64 as ::nearcall::Wire>::CLASS),
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <() as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<() as ::nearcall::Wire>::CLASS),
                        shape: <() as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __QUIETLY_REQ,
                reply_size: __QUIETLY_REP,
                frame_size: __QUIETLY_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
            ::nearcall::rt::Procedure {
                name: "old",
                origin: "",
                params: &[
                    ::nearcall::rt::Param {
                        name: "move",
                        direction: ::nearcall::rt::Direction::In,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        size: <u8 as ::nearcall::Wire>::SIZE,
                        max: { ::nearcall::rt::DEFAULT_MAX },
                        carried: ::nearcall::rt::Carried::Value(<u8 as ::nearcall::Wire>::CLASS),
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                request_size: __OLD_REQ,
                reply_size: __OLD_REP,
                frame_size: __OLD_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                exhausted: ::nearcall::rt::Exhausted::Wait,
                timeout: ::core::option::Option::None,
                idempotent: false,
                handoff: false,
                near: false,
            },
        ],
    };
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl FormsClient {
        /// Binds to the `Forms` exported as `name`.
        ///
        /// # Errors
        /// [`BindError`](::nearcall::BindError) says why there is none.
        pub fn bind(name: &str) -> ::core::result::Result<Self, ::nearcall::BindError> {
            ::nearcall::bind::<Self>(name)
        }
        /// A client of `imp`, which has no name: to be passed to other processes, which call it back.
        ///
        /// # Errors
        /// [`BindError`](::nearcall::BindError): this process was forked, or the kernel refuses it something.
        pub fn serve<__T: Forms + ::core::marker::Send + ::core::marker::Sync + 'static>(
            imp: __T,
        ) -> ::core::result::Result<::nearcall::Callback<Self>, ::nearcall::BindError> {
            ::nearcall::Callback::new(FormsServer::new(imp))
        }
        /// What `Forms` is, in words: signatures, sizes, and how the parameters travel.
        #[must_use]
        pub fn describe() -> ::nearcall::Description {
            ::nearcall::describe::<Self>()
        }
        /// Nothing either way.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn nothing(&self) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = match self.binding.begin::<__NOTHING_REQ, __NOTHING_REP>(0u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_nothing(__why),
            };
            let __reply = __call.transfer::<__NOTHING_PLACES>()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_nothing(
            &self,
            __why: ::nearcall::rt::Failure,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = self.binding.begin_far::<__NOTHING_REQ, __NOTHING_REP>(0u16, __why)?;
            let __reply = __call.transfer::<__NOTHING_PLACES>()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// A value in.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn value(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__VALUE_REQ, __VALUE_REP>(1u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_value(__why, x),
            };
            __call.put::<u64>(__VALUE_AT_0, &x);
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__VALUE_AT_0, &x)?;
            let __reply = __call.transfer::<__VALUE_PLACES>()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_value(
            &self,
            __why: ::nearcall::rt::Failure,
            x: u64,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__VALUE_REQ, __VALUE_REP>(1u16, __why)?;
            __call.put::<u64>(__VALUE_AT_0, &x);
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__VALUE_AT_0, &x)?;
            let __reply = __call.transfer::<__VALUE_PLACES>()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// A reference in.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn by_ref(
            &self,
            block: &Block,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__BY_REF_REQ, __BY_REF_REP>(2u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_by_ref(__why, block);
                }
            };
            __call.put::<Block>(__BY_REF_AT_0, block);
            __call.tail::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BY_REF_AT_0, block)?;
            let mut __reply = __call.transfer::<__BY_REF_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__BY_REF_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_by_ref(
            &self,
            __why: ::nearcall::rt::Failure,
            block: &Block,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__BY_REF_REQ, __BY_REF_REP>(2u16, __why)?;
            __call.put::<Block>(__BY_REF_AT_0, block);
            __call.tail::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BY_REF_AT_0, block)?;
            let mut __reply = __call.transfer::<__BY_REF_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__BY_REF_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Exactly a line.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn line(
            &self,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__LINE_REQ, __LINE_REP>(3u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_line(__why, a, b, c);
                }
            };
            __call.put::<u128>(__LINE_AT_0, &a);
            __call.put::<u128>(__LINE_AT_1, &b);
            __call.put::<u64>(__LINE_AT_2, &c);
            __call.tail::<u128, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_0, &a)?;
            __call.tail::<u128, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_1, &b)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_2, &c)?;
            let mut __reply = __call.transfer::<__LINE_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Turn, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_line(
            &self,
            __why: ::nearcall::rt::Failure,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__LINE_REQ, __LINE_REP>(3u16, __why)?;
            __call.put::<u128>(__LINE_AT_0, &a);
            __call.put::<u128>(__LINE_AT_1, &b);
            __call.put::<u64>(__LINE_AT_2, &c);
            __call.tail::<u128, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_0, &a)?;
            __call.tail::<u128, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_1, &b)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_2, &c)?;
            let mut __reply = __call.transfer::<__LINE_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Turn, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Varying in, by value and by reference, with a keyword for a name.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn varying(
            &self,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__VARYING_REQ, __VARYING_REP>(4u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_varying(__why, r#type, entry, numbers);
                }
            };
            __call.put::<Text>(__VARYING_AT_0, &r#type);
            __call.put::<Entry>(__VARYING_AT_1, entry);
            __call.put::<Vec<u16>>(__VARYING_AT_2, &numbers);
            __call.tail::<Text, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_0, &r#type)?;
            __call.tail::<Entry, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_1, entry)?;
            __call.tail::<Vec<u16>, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_2, &numbers)?;
            let mut __reply = __call.transfer::<__VARYING_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Entry, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_varying(
            &self,
            __why: ::nearcall::rt::Failure,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__VARYING_REQ, __VARYING_REP>(4u16, __why)?;
            __call.put::<Text>(__VARYING_AT_0, &r#type);
            __call.put::<Entry>(__VARYING_AT_1, entry);
            __call.put::<Vec<u16>>(__VARYING_AT_2, &numbers);
            __call.tail::<Text, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_0, &r#type)?;
            __call.tail::<Entry, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_1, entry)?;
            __call.tail::<Vec<u16>, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_2, &numbers)?;
            let mut __reply = __call.transfer::<__VARYING_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Entry, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Bytes.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn bytes(
            &self,
            data: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__BYTES_REQ, __BYTES_REP>(5u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_bytes(__why, data);
                }
            };
            __call.count(__BYTES_AT_0, data.len());
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            let mut __reply = __call.transfer::<__BYTES_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__BYTES_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_bytes(
            &self,
            __why: ::nearcall::rt::Failure,
            data: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__BYTES_REQ, __BYTES_REP>(5u16, __why)?;
            __call.count(__BYTES_AT_0, data.len());
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            let mut __reply = __call.transfer::<__BYTES_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__BYTES_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// In-out before in.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn in_out(
            &self,
            point: &mut Point,
            by: Point,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__IN_OUT_REQ, __IN_OUT_REP>(6u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_in_out(__why, point, by);
                }
            };
            __call.put::<Point>(__IN_OUT_AT_0, &by);
            __call.put::<Point>(__IN_OUT_AT_1, point);
            __call.tail::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_AT_0, &by)?;
            __call.tail::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_AT_1, point)?;
            let mut __reply = __call.transfer::<__IN_OUT_PLACES>()?;
            __reply.refuse_app()?;
            let __arg_point = __reply.get::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_BACK_0)?;
            *point = __arg_point;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_in_out(
            &self,
            __why: ::nearcall::rt::Failure,
            point: &mut Point,
            by: Point,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__IN_OUT_REQ, __IN_OUT_REP>(6u16, __why)?;
            __call.put::<Point>(__IN_OUT_AT_0, &by);
            __call.put::<Point>(__IN_OUT_AT_1, point);
            __call.tail::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_AT_0, &by)?;
            __call.tail::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_AT_1, point)?;
            let mut __reply = __call.transfer::<__IN_OUT_PLACES>()?;
            __reply.refuse_app()?;
            let __arg_point = __reply.get::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_BACK_0)?;
            *point = __arg_point;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// In-out bytes.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn reverse(
            &self,
            data: &mut [u8],
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__REVERSE_REQ, __REVERSE_REP>(7u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_reverse(__why, data);
                }
            };
            __call.count(__REVERSE_AT_0, data.len());
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            let mut __reply = __call.transfer::<__REVERSE_PLACES>()?;
            let __arg_data = __reply.area::<u8>(data.len());
            __reply.refuse_app()?;
            __reply.copy_out(&__arg_data, data.len(), data)?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_reverse(
            &self,
            __why: ::nearcall::rt::Failure,
            data: &mut [u8],
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__REVERSE_REQ, __REVERSE_REP>(7u16, __why)?;
            __call.count(__REVERSE_AT_0, data.len());
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.lay_out::<u8>(data.len());
            let mut __reply = __call.transfer::<__REVERSE_PLACES>()?;
            let __arg_data = __reply.area::<u8>(data.len());
            __reply.refuse_app()?;
            __reply.copy_out(&__arg_data, data.len(), data)?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// Out.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn out(
            &self,
            turn: &mut Turn,
            point: &mut Point,
        ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = match self.binding.begin::<__OUT_REQ, __OUT_REP>(8u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_out(__why, turn, point);
                }
            };
            let mut __reply = __call.transfer::<__OUT_PLACES>()?;
            __reply.refuse_app()?;
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_turn = __reply.get_among::<Turn, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
                __OUT_BACK_0,
                __OUT_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_point = __reply.get_among::<Point, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
                __OUT_BACK_1,
                __OUT_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<bool, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
                __OUT_BACK_2,
                __OUT_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__OUT_TAILS>()?;
            *turn = __arg_turn;
            *point = __arg_point;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_out(
            &self,
            __why: ::nearcall::rt::Failure,
            turn: &mut Turn,
            point: &mut Point,
        ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = self.binding.begin_far::<__OUT_REQ, __OUT_REP>(8u16, __why)?;
            let mut __reply = __call.transfer::<__OUT_PLACES>()?;
            __reply.refuse_app()?;
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_turn = __reply.get_among::<Turn, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
                __OUT_BACK_0,
                __OUT_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_point = __reply.get_among::<Point, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
                __OUT_BACK_1,
                __OUT_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<bool, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
                __OUT_BACK_2,
                __OUT_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__OUT_TAILS>()?;
            *turn = __arg_turn;
            *point = __arg_point;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// All of the buffer.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn fill(
            &self,
            buf: &mut [u8],
            with: u8,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__FILL_REQ, __FILL_REP>(9u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_fill(__why, buf, with);
                }
            };
            __call.put::<u8>(__FILL_AT_0, &with);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__FILL_AT_1, buf.len())?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__FILL_AT_0, &with)?;
            let mut __reply = __call.transfer::<__FILL_PLACES>()?;
            let __arg_buf = __reply.area::<u8>(buf.len());
            __reply.refuse_app()?;
            __reply.copy_out(&__arg_buf, buf.len(), buf)?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_fill(
            &self,
            __why: ::nearcall::rt::Failure,
            buf: &mut [u8],
            with: u8,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__FILL_REQ, __FILL_REP>(9u16, __why)?;
            __call.put::<u8>(__FILL_AT_0, &with);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__FILL_AT_1, buf.len())?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__FILL_AT_0, &with)?;
            __call.lay_out::<u8>(buf.len());
            let mut __reply = __call.transfer::<__FILL_PLACES>()?;
            let __arg_buf = __reply.area::<u8>(buf.len());
            __reply.refuse_app()?;
            __reply.copy_out(&__arg_buf, buf.len(), buf)?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// Several slices, and everything else.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[inline]
        pub fn all(
            &self,
            a: u8,
            text: &str,
            first: &mut [u8],
            colour: Colour,
            count: &mut u32,
            scratch: &mut [u8],
            second: &mut [u8],
            turn: &mut Turn,
        ) -> ::core::result::Result<u64, ::nearcall::CallError<Text>> {
            let mut __call = match self.binding.begin::<__ALL_REQ, __ALL_REP>(10u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_all(__why, a, text, first, colour, count, scratch, second, turn);
                }
            };
            __call.put::<u8>(__ALL_AT_0, &a);
            __call.count(__ALL_AT_1, text.len());
            __call.put::<Colour>(__ALL_AT_2, &colour);
            __call.put::<u32>(__ALL_AT_3, count);
            __call.count(__ALL_AT_4, scratch.len());
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_5, first.len())?;
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_6, second.len())?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_0, &a)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(text.as_bytes())?;
            __call.tail::<Colour, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_2, &colour)?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_3, count)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(scratch)?;
            let mut __reply = __call.transfer::<__ALL_PLACES>()?;
            let __arg_scratch = __reply.area::<u8>(scratch.len());
            let __arg_first = __reply.area::<u8>(first.len());
            let __arg_second = __reply.area::<u8>(second.len());
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<Text, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_count = __reply.get_among::<u32, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                __ALL_BACK_0,
                __ALL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_turn = __reply.get_among::<Turn, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                __ALL_BACK_1,
                __ALL_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<u64, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                __ALL_BACK_2,
                __ALL_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__ALL_TAILS>()?;
            __reply.check(&__arg_scratch, scratch.len())?;
            __reply.check(&__arg_first, ::nearcall::rt::OutLen::out_len(__return))?;
            __reply.check(&__arg_second, second.len())?;
            __reply.copy_out(&__arg_scratch, scratch.len(), scratch)?;
            __reply.copy_out(&__arg_first, ::nearcall::rt::OutLen::out_len(__return), first)?;
            __reply.copy_out(&__arg_second, second.len(), second)?;
            *count = __arg_count;
            *turn = __arg_turn;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[cold]
        #[inline(never)]
        fn __far_all(
            &self,
            __why: ::nearcall::rt::Failure,
            a: u8,
            text: &str,
            first: &mut [u8],
            colour: Colour,
            count: &mut u32,
            scratch: &mut [u8],
            second: &mut [u8],
            turn: &mut Turn,
        ) -> ::core::result::Result<u64, ::nearcall::CallError<Text>> {
            let mut __call = self.binding.begin_far::<__ALL_REQ, __ALL_REP>(10u16, __why)?;
            __call.put::<u8>(__ALL_AT_0, &a);
            __call.count(__ALL_AT_1, text.len());
            __call.put::<Colour>(__ALL_AT_2, &colour);
            __call.put::<u32>(__ALL_AT_3, count);
            __call.count(__ALL_AT_4, scratch.len());
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_5, first.len())?;
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_6, second.len())?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_0, &a)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(text.as_bytes())?;
            __call.tail::<Colour, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_2, &colour)?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_3, count)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(scratch)?;
            __call.lay_out::<u8>(scratch.len());
            __call.lay_out::<u8>(first.len());
            __call.lay_out::<u8>(second.len());
            let mut __reply = __call.transfer::<__ALL_PLACES>()?;
            let __arg_scratch = __reply.area::<u8>(scratch.len());
            let __arg_first = __reply.area::<u8>(first.len());
            let __arg_second = __reply.area::<u8>(second.len());
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<Text, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_count = __reply.get_among::<u32, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                __ALL_BACK_0,
                __ALL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_turn = __reply.get_among::<Turn, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                __ALL_BACK_1,
                __ALL_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<u64, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                __ALL_BACK_2,
                __ALL_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__ALL_TAILS>()?;
            __reply.check(&__arg_scratch, scratch.len())?;
            __reply.check(&__arg_first, ::nearcall::rt::OutLen::out_len(__return))?;
            __reply.check(&__arg_second, second.len())?;
            __reply.copy_out(&__arg_scratch, scratch.len(), scratch)?;
            __reply.copy_out(&__arg_first, ::nearcall::rt::OutLen::out_len(__return), first)?;
            __reply.copy_out(&__arg_second, second.len(), second)?;
            *count = __arg_count;
            *turn = __arg_turn;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Nothing, or an error.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn nothing_or(&self, nothing: Nothing) -> ::core::result::Result<(), ::nearcall::CallError<Colour>> {
            let mut __call = match self.binding.begin::<__NOTHING_OR_REQ, __NOTHING_OR_REP>(11u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_nothing_or(__why, nothing);
                }
            };
            __call.put::<Nothing>(__NOTHING_OR_AT_0, &nothing);
            __call.tail::<Nothing, { ::nearcall::rt::DEFAULT_MAX }>(__NOTHING_OR_AT_0, &nothing)?;
            let mut __reply = __call.transfer::<__NOTHING_OR_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<Colour, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            __reply.end();
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_nothing_or(
            &self,
            __why: ::nearcall::rt::Failure,
            nothing: Nothing,
        ) -> ::core::result::Result<(), ::nearcall::CallError<Colour>> {
            let mut __call = self.binding.begin_far::<__NOTHING_OR_REQ, __NOTHING_OR_REP>(11u16, __why)?;
            __call.put::<Nothing>(__NOTHING_OR_AT_0, &nothing);
            __call.tail::<Nothing, { ::nearcall::rt::DEFAULT_MAX }>(__NOTHING_OR_AT_0, &nothing)?;
            let mut __reply = __call.transfer::<__NOTHING_OR_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<Colour, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// An error that is bigger than the value.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn small_or(&self) -> ::core::result::Result<u8, ::nearcall::CallError<[u64; 6]>> {
            let __call = match self.binding.begin::<__SMALL_OR_REQ, __SMALL_OR_REP>(12u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_small_or(__why),
            };
            let mut __reply = __call.transfer::<__SMALL_OR_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<[u64; 6], { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.get::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__SMALL_OR_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_small_or(
            &self,
            __why: ::nearcall::rt::Failure,
        ) -> ::core::result::Result<u8, ::nearcall::CallError<[u64; 6]>> {
            let __call = self.binding.begin_far::<__SMALL_OR_REQ, __SMALL_OR_REP>(12u16, __why)?;
            let mut __reply = __call.transfer::<__SMALL_OR_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<[u64; 6], { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.get::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__SMALL_OR_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// More bytes than a line holds, exactly.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn block(
            &self,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__BLOCK_REQ, __BLOCK_REP>(13u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_block(__why, block, n);
                }
            };
            __call.put::<Block>(__BLOCK_AT_0, &block);
            __call.put::<u8>(__BLOCK_AT_1, &n);
            __call.tail::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_AT_0, &block)?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_AT_1, &n)?;
            let mut __reply = __call.transfer::<__BLOCK_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_block(
            &self,
            __why: ::nearcall::rt::Failure,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__BLOCK_REQ, __BLOCK_REP>(13u16, __why)?;
            __call.put::<Block>(__BLOCK_AT_0, &block);
            __call.put::<u8>(__BLOCK_AT_1, &n);
            __call.tail::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_AT_0, &block)?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_AT_1, &n)?;
            let mut __reply = __call.transfer::<__BLOCK_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Slices of numbers, all ways.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn numbers(
            &self,
            a: &[u32],
            b: &mut [f64],
            c: &mut [u64],
            d: &mut [i16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__NUMBERS_REQ, __NUMBERS_REP>(14u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_numbers(__why, a, b, c, d);
                }
            };
            __call.count(__NUMBERS_AT_0, a.len());
            __call.count(__NUMBERS_AT_1, b.len());
            __call.capacity::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_AT_2, c.len())?;
            __call.capacity::<i16, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_AT_3, d.len())?;
            __call.slice::<u32, { ::nearcall::rt::DEFAULT_MAX }>(a)?;
            __call.slice::<f64, { ::nearcall::rt::DEFAULT_MAX }>(b)?;
            let mut __reply = __call.transfer::<__NUMBERS_PLACES>()?;
            let __arg_b = __reply.area::<f64>(b.len());
            let __arg_c = __reply.area::<u64>(c.len());
            let __arg_d = __reply.area::<i16>(d.len());
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_BACK_0)?;
            __reply.check(&__arg_b, b.len())?;
            __reply.check(&__arg_c, c.len())?;
            __reply.check(&__arg_d, ::nearcall::rt::OutLen::out_len(__return))?;
            __reply.copy_out(&__arg_b, b.len(), b)?;
            __reply.copy_out(&__arg_c, c.len(), c)?;
            __reply.copy_out(&__arg_d, ::nearcall::rt::OutLen::out_len(__return), d)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_numbers(
            &self,
            __why: ::nearcall::rt::Failure,
            a: &[u32],
            b: &mut [f64],
            c: &mut [u64],
            d: &mut [i16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__NUMBERS_REQ, __NUMBERS_REP>(14u16, __why)?;
            __call.count(__NUMBERS_AT_0, a.len());
            __call.count(__NUMBERS_AT_1, b.len());
            __call.capacity::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_AT_2, c.len())?;
            __call.capacity::<i16, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_AT_3, d.len())?;
            __call.slice::<u32, { ::nearcall::rt::DEFAULT_MAX }>(a)?;
            __call.slice::<f64, { ::nearcall::rt::DEFAULT_MAX }>(b)?;
            __call.lay_out::<f64>(b.len());
            __call.lay_out::<u64>(c.len());
            __call.lay_out::<i16>(d.len());
            let mut __reply = __call.transfer::<__NUMBERS_PLACES>()?;
            let __arg_b = __reply.area::<f64>(b.len());
            let __arg_c = __reply.area::<u64>(c.len());
            let __arg_d = __reply.area::<i16>(d.len());
            __reply.refuse_app()?;
            let __return = __reply.get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_BACK_0)?;
            __reply.check(&__arg_b, b.len())?;
            __reply.check(&__arg_c, c.len())?;
            __reply.check(&__arg_d, ::nearcall::rt::OutLen::out_len(__return))?;
            __reply.copy_out(&__arg_b, b.len(), b)?;
            __reply.copy_out(&__arg_c, c.len(), c)?;
            __reply.copy_out(&__arg_d, ::nearcall::rt::OutLen::out_len(__return), d)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Fixed sums and tuples.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn sums(
            &self,
            figure: &mut Figure,
            option: Option<u16>,
        ) -> ::core::result::Result<(u8, Option<Point>), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__SUMS_REQ, __SUMS_REP>(15u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_sums(__why, figure, option);
                }
            };
            __call.put::<Option<u16>>(__SUMS_AT_0, &option);
            __call.put::<Figure>(__SUMS_AT_1, figure);
            __call.tail::<Option<u16>, { ::nearcall::rt::DEFAULT_MAX }>(__SUMS_AT_0, &option)?;
            __call.tail::<Figure, { ::nearcall::rt::DEFAULT_MAX }>(__SUMS_AT_1, figure)?;
            let mut __reply = __call.transfer::<__SUMS_PLACES>()?;
            __reply.refuse_app()?;
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_figure = __reply.get_among::<Figure, { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
                __SUMS_BACK_0,
                __SUMS_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<(u8, Option<Point>), { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
                __SUMS_BACK_1,
                __SUMS_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__SUMS_TAILS>()?;
            *figure = __arg_figure;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_sums(
            &self,
            __why: ::nearcall::rt::Failure,
            figure: &mut Figure,
            option: Option<u16>,
        ) -> ::core::result::Result<(u8, Option<Point>), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__SUMS_REQ, __SUMS_REP>(15u16, __why)?;
            __call.put::<Option<u16>>(__SUMS_AT_0, &option);
            __call.put::<Figure>(__SUMS_AT_1, figure);
            __call.tail::<Option<u16>, { ::nearcall::rt::DEFAULT_MAX }>(__SUMS_AT_0, &option)?;
            __call.tail::<Figure, { ::nearcall::rt::DEFAULT_MAX }>(__SUMS_AT_1, figure)?;
            let mut __reply = __call.transfer::<__SUMS_PLACES>()?;
            __reply.refuse_app()?;
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_figure = __reply.get_among::<Figure, { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
                __SUMS_BACK_0,
                __SUMS_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<(u8, Option<Point>), { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
                __SUMS_BACK_1,
                __SUMS_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__SUMS_TAILS>()?;
            *figure = __arg_figure;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// The conventional path, both ways.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn conventional(
            &self,
            forest: &Forest,
            tree: Tree,
        ) -> ::core::result::Result<Forest, ::nearcall::CallError<Option<Text>>> {
            let mut __call = match self.binding.begin::<__CONVENTIONAL_REQ, __CONVENTIONAL_REP>(16u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_conventional(__why, forest, tree);
                }
            };
            __call.put::<Forest>(__CONVENTIONAL_AT_0, forest);
            __call.put::<Tree>(__CONVENTIONAL_AT_1, &tree);
            __call.tail::<Forest, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_AT_0, forest)?;
            __call.tail::<Tree, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_AT_1, &tree)?;
            let mut __reply = __call.transfer::<__CONVENTIONAL_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<Option<Text>, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.get::<Forest, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_conventional(
            &self,
            __why: ::nearcall::rt::Failure,
            forest: &Forest,
            tree: Tree,
        ) -> ::core::result::Result<Forest, ::nearcall::CallError<Option<Text>>> {
            let mut __call = self.binding.begin_far::<__CONVENTIONAL_REQ, __CONVENTIONAL_REP>(16u16, __why)?;
            __call.put::<Forest>(__CONVENTIONAL_AT_0, forest);
            __call.put::<Tree>(__CONVENTIONAL_AT_1, &tree);
            __call.tail::<Forest, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_AT_0, forest)?;
            __call.tail::<Tree, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_AT_1, &tree)?;
            let mut __reply = __call.transfer::<__CONVENTIONAL_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(
                    __reply.get::<Option<Text>, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                ));
            }
            let __return = __reply.get::<Forest, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Read where the client put it.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn in_place(
            &self,
            before: u8,
            data: &[u8],
            after: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__IN_PLACE_REQ, __IN_PLACE_REP>(17u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_in_place(__why, before, data, after);
                }
            };
            __call.put::<u8>(__IN_PLACE_AT_0, &before);
            __call.count(__IN_PLACE_AT_1, data.len());
            __call.count(__IN_PLACE_AT_2, after.len());
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__IN_PLACE_AT_0, &before)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(after)?;
            let mut __reply = __call.transfer::<__IN_PLACE_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__IN_PLACE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_in_place(
            &self,
            __why: ::nearcall::rt::Failure,
            before: u8,
            data: &[u8],
            after: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__IN_PLACE_REQ, __IN_PLACE_REP>(17u16, __why)?;
            __call.put::<u8>(__IN_PLACE_AT_0, &before);
            __call.count(__IN_PLACE_AT_1, data.len());
            __call.count(__IN_PLACE_AT_2, after.len());
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__IN_PLACE_AT_0, &before)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(after)?;
            let mut __reply = __call.transfer::<__IN_PLACE_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__IN_PLACE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// By serde's traits.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn by_serde(
            &self,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<std::time::Duration, ::nearcall::CallError<Vec<Text>>> {
            let mut __call = match self.binding.begin::<__BY_SERDE_REQ, __BY_SERDE_REP>(18u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_by_serde(__why, a, b, n);
                }
            };
            __call.put::<u32>(__BY_SERDE_AT_2, &n);
            ::nearcall::rt::serde::put::<std::collections::BTreeMap<Text, u32>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __call,
                __BY_SERDE_AT_0,
                &a,
            )?;
            ::nearcall::rt::serde::put::<Option<std::time::Duration>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __call,
                __BY_SERDE_AT_1,
                b,
            )?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__BY_SERDE_AT_2, &n)?;
            let mut __reply = __call.transfer::<__BY_SERDE_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(::nearcall::rt::serde::get::<
                    Vec<Text>,
                    _,
                    { ::nearcall::rt::DEFAULT_MAX },
                >(&mut __reply, 0)?));
            }
            let __return = ::nearcall::rt::serde::get::<std::time::Duration, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __reply,
                __BY_SERDE_BACK_0,
            )?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_by_serde(
            &self,
            __why: ::nearcall::rt::Failure,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<std::time::Duration, ::nearcall::CallError<Vec<Text>>> {
            let mut __call = self.binding.begin_far::<__BY_SERDE_REQ, __BY_SERDE_REP>(18u16, __why)?;
            __call.put::<u32>(__BY_SERDE_AT_2, &n);
            ::nearcall::rt::serde::put::<std::collections::BTreeMap<Text, u32>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __call,
                __BY_SERDE_AT_0,
                &a,
            )?;
            ::nearcall::rt::serde::put::<Option<std::time::Duration>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __call,
                __BY_SERDE_AT_1,
                b,
            )?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__BY_SERDE_AT_2, &n)?;
            let mut __reply = __call.transfer::<__BY_SERDE_PLACES>()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(::nearcall::rt::serde::get::<
                    Vec<Text>,
                    _,
                    { ::nearcall::rt::DEFAULT_MAX },
                >(&mut __reply, 0)?));
            }
            let __return = ::nearcall::rt::serde::get::<std::time::Duration, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __reply,
                __BY_SERDE_BACK_0,
            )?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Several results that vary, and a length with a name.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn several(
            &self,
            tree: &mut Tree,
            names: &mut Vec<Text>,
            text: &mut Text,
            digest: &mut [u8; 64],
            count: &mut i32,
            buf: &mut [u8],
        ) -> ::core::result::Result<Vec<u16>, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__SEVERAL_REQ, __SEVERAL_REP>(19u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_several(__why, tree, names, text, digest, count, buf);
                }
            };
            __call.put::<Tree>(__SEVERAL_AT_0, tree);
            __call.put::<Vec<Text>>(__SEVERAL_AT_1, names);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_AT_2, buf.len())?;
            __call.tail::<Tree, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_AT_0, tree)?;
            __call.tail::<Vec<Text>, 64>(__SEVERAL_AT_1, names)?;
            let mut __reply = __call.transfer::<__SEVERAL_PLACES>()?;
            let __arg_buf = __reply.area::<u8>(buf.len());
            __reply.refuse_app()?;
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_tree = __reply.get_among::<Tree, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_0,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_names = __reply.get_among::<Vec<Text>, 64, __SEVERAL_TAILS>(
                __SEVERAL_BACK_1,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_text = __reply.get_among::<Text, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_2,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_digest = __reply.get_among::<[u8; 64], { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_3,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_count = __reply.get_among::<i32, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_4,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<Vec<u16>, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_5,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__SEVERAL_TAILS>()?;
            __reply.copy_out(&__arg_buf, ::nearcall::rt::OutLen::out_len(__arg_count), buf)?;
            *tree = __arg_tree;
            *names = __arg_names;
            *text = __arg_text;
            *digest = __arg_digest;
            *count = __arg_count;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[cold]
        #[inline(never)]
        fn __far_several(
            &self,
            __why: ::nearcall::rt::Failure,
            tree: &mut Tree,
            names: &mut Vec<Text>,
            text: &mut Text,
            digest: &mut [u8; 64],
            count: &mut i32,
            buf: &mut [u8],
        ) -> ::core::result::Result<Vec<u16>, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__SEVERAL_REQ, __SEVERAL_REP>(19u16, __why)?;
            __call.put::<Tree>(__SEVERAL_AT_0, tree);
            __call.put::<Vec<Text>>(__SEVERAL_AT_1, names);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_AT_2, buf.len())?;
            __call.tail::<Tree, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_AT_0, tree)?;
            __call.tail::<Vec<Text>, 64>(__SEVERAL_AT_1, names)?;
            __call.lay_out::<u8>(buf.len());
            let mut __reply = __call.transfer::<__SEVERAL_PLACES>()?;
            let __arg_buf = __reply.area::<u8>(buf.len());
            __reply.refuse_app()?;
            let mut __tails = ::nearcall::rt::Tails::new();
            let __arg_tree = __reply.get_among::<Tree, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_0,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_names = __reply.get_among::<Vec<Text>, 64, __SEVERAL_TAILS>(
                __SEVERAL_BACK_1,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_text = __reply.get_among::<Text, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_2,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_digest = __reply.get_among::<[u8; 64], { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_3,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __arg_count = __reply.get_among::<i32, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_4,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            let __return = __reply.get_among::<Vec<u16>, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                __SEVERAL_BACK_5,
                __SEVERAL_TAILS_MAX,
                &mut __tails,
            )?;
            __tails.end::<__SEVERAL_TAILS>()?;
            __reply.copy_out(&__arg_buf, ::nearcall::rt::OutLen::out_len(__arg_count), buf)?;
            *tree = __arg_tree;
            *names = __arg_names;
            *text = __arg_text;
            *digest = __arg_digest;
            *count = __arg_count;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Nobody waits for it.
        ///
        /// # Errors
        /// What keeps it from being sent.
        #[inline]
        pub fn quietly(
            &self,
            x: u64,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__QUIETLY_REQ, __QUIETLY_REP>(20u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_quietly(__why, x),
            };
            __call.put::<u64>(__QUIETLY_AT_0, &x);
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__QUIETLY_AT_0, &x)?;
            __call.leave()?;
            ::core::result::Result::Ok(())
        }
        #[cold]
        #[inline(never)]
        fn __far_quietly(
            &self,
            __why: ::nearcall::rt::Failure,
            x: u64,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__QUIETLY_REQ, __QUIETLY_REP>(20u16, __why)?;
            __call.put::<u64>(__QUIETLY_AT_0, &x);
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__QUIETLY_AT_0, &x)?;
            __call.leave()?;
            ::core::result::Result::Ok(())
        }
        /// Replaced by `value`.
        #[deprecated(note = "use `value`")]
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub fn old(
            &self,
            r#move: u8,
        ) -> ::core::result::Result<u8, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = match self.binding.begin::<__OLD_REQ, __OLD_REP>(21u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => {
                    return self.__far_old(__why, r#move);
                }
            };
            __call.put::<u8>(__OLD_AT_0, &r#move);
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__OLD_AT_0, &r#move)?;
            let mut __reply = __call.transfer::<__OLD_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__OLD_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_old(
            &self,
            __why: ::nearcall::rt::Failure,
            r#move: u8,
        ) -> ::core::result::Result<u8, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin_far::<__OLD_REQ, __OLD_REP>(21u16, __why)?;
            __call.put::<u8>(__OLD_AT_0, &r#move);
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__OLD_AT_0, &r#move)?;
            let mut __reply = __call.transfer::<__OLD_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__OLD_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Starts [`nothing`](Self::nothing) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_nothing(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let __call = self.binding.begin_start::<__NOTHING_REQ, __NOTHING_REP>(0u16)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let __reply = __answer.open::<__NOTHING_REP, __NOTHING_PLACES>()?;
                __reply.refuse_app()?;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__NOTHING_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`value`](Self::value) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_value(
            &self,
            x: u64,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__VALUE_REQ, __VALUE_REP>(1u16)?;
            __call.put::<u64>(__VALUE_AT_0, &x);
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__VALUE_AT_0, &x)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let __reply = __answer.open::<__VALUE_REP, __VALUE_PLACES>()?;
                __reply.refuse_app()?;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__VALUE_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`by_ref`](Self::by_ref) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_by_ref(
            &self,
            block: &Block,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__BY_REF_REQ, __BY_REF_REP>(2u16)?;
            __call.put::<Block>(__BY_REF_AT_0, block);
            __call.tail::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BY_REF_AT_0, block)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u32,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__BY_REF_REP, __BY_REF_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__BY_REF_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__BY_REF_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`line`](Self::line) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_line(
            &self,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Turn, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__LINE_REQ, __LINE_REP>(3u16)?;
            __call.put::<u128>(__LINE_AT_0, &a);
            __call.put::<u128>(__LINE_AT_1, &b);
            __call.put::<u64>(__LINE_AT_2, &c);
            __call.tail::<u128, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_0, &a)?;
            __call.tail::<u128, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_1, &b)?;
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_AT_2, &c)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                Turn,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__LINE_REP, __LINE_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<Turn, { ::nearcall::rt::DEFAULT_MAX }>(__LINE_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__LINE_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`varying`](Self::varying) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_varying(
            &self,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Entry, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__VARYING_REQ, __VARYING_REP>(4u16)?;
            __call.put::<Text>(__VARYING_AT_0, &r#type);
            __call.put::<Entry>(__VARYING_AT_1, entry);
            __call.put::<Vec<u16>>(__VARYING_AT_2, &numbers);
            __call.tail::<Text, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_0, &r#type)?;
            __call.tail::<Entry, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_1, entry)?;
            __call.tail::<Vec<u16>, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_AT_2, &numbers)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                Entry,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__VARYING_REP, __VARYING_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<Entry, { ::nearcall::rt::DEFAULT_MAX }>(__VARYING_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__VARYING_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`bytes`](Self::bytes) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_bytes(
            &self,
            data: &[u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u64, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__BYTES_REQ, __BYTES_REP>(5u16)?;
            __call.count(__BYTES_AT_0, data.len());
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u64,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__BYTES_REP, __BYTES_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__BYTES_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__BYTES_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`in_out`](Self::in_out) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_in_out<'__a>(
            &'__a self,
            point: &'__a mut Point,
            by: Point,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__IN_OUT_REQ, __IN_OUT_REP>(6u16)?;
            __call.put::<Point>(__IN_OUT_AT_0, &by);
            __call.put::<Point>(__IN_OUT_AT_1, point);
            __call.tail::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_AT_0, &by)?;
            __call.tail::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_AT_1, point)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__IN_OUT_REP, __IN_OUT_PLACES>()?;
                __reply.refuse_app()?;
                let __arg_point = __reply
                    .get::<Point, { ::nearcall::rt::DEFAULT_MAX }>(__IN_OUT_BACK_0)?;
                *point = __arg_point;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__IN_OUT_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`reverse`](Self::reverse) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_reverse<'__a>(
            &'__a self,
            data: &'__a mut [u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__REVERSE_REQ, __REVERSE_REP>(7u16)?;
            __call.count(__REVERSE_AT_0, data.len());
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(data)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__REVERSE_REP, __REVERSE_PLACES>()?;
                let __arg_data = __reply.area::<u8>(data.len());
                __reply.refuse_app()?;
                __reply.copy_out(&__arg_data, data.len(), data)?;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__REVERSE_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`out`](Self::out) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_out<'__a>(
            &'__a self,
            turn: &'__a mut Turn,
            point: &'__a mut Point,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, bool, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let __call = self.binding.begin_start::<__OUT_REQ, __OUT_REP>(8u16)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                bool,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__OUT_REP, __OUT_PLACES>()?;
                __reply.refuse_app()?;
                let mut __tails = ::nearcall::rt::Tails::new();
                let __arg_turn = __reply
                    .get_among::<
                        Turn,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __OUT_TAILS,
                    >(__OUT_BACK_0, __OUT_TAILS_MAX, &mut __tails)?;
                let __arg_point = __reply
                    .get_among::<
                        Point,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __OUT_TAILS,
                    >(__OUT_BACK_1, __OUT_TAILS_MAX, &mut __tails)?;
                let __return = __reply
                    .get_among::<
                        bool,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __OUT_TAILS,
                    >(__OUT_BACK_2, __OUT_TAILS_MAX, &mut __tails)?;
                __tails.end::<__OUT_TAILS>()?;
                *turn = __arg_turn;
                *point = __arg_point;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__OUT_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`fill`](Self::fill) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_fill<'__a>(
            &'__a self,
            buf: &'__a mut [u8],
            with: u8,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__FILL_REQ, __FILL_REP>(9u16)?;
            __call.put::<u8>(__FILL_AT_0, &with);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__FILL_AT_1, buf.len())?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__FILL_AT_0, &with)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__FILL_REP, __FILL_PLACES>()?;
                let __arg_buf = __reply.area::<u8>(buf.len());
                __reply.refuse_app()?;
                __reply.copy_out(&__arg_buf, buf.len(), buf)?;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__FILL_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`all`](Self::all) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_all<'__a>(
            &'__a self,
            a: u8,
            text: &str,
            first: &'__a mut [u8],
            colour: Colour,
            count: &'__a mut u32,
            scratch: &'__a mut [u8],
            second: &'__a mut [u8],
            turn: &'__a mut Turn,
        ) -> ::core::result::Result<::nearcall::Pending<'__a, u64, Text>, ::nearcall::CallError<Text>> {
            let mut __call = self.binding.begin_start::<__ALL_REQ, __ALL_REP>(10u16)?;
            __call.put::<u8>(__ALL_AT_0, &a);
            __call.count(__ALL_AT_1, text.len());
            __call.put::<Colour>(__ALL_AT_2, &colour);
            __call.put::<u32>(__ALL_AT_3, count);
            __call.count(__ALL_AT_4, scratch.len());
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_5, first.len())?;
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_6, second.len())?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_0, &a)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(text.as_bytes())?;
            __call.tail::<Colour, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_2, &colour)?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__ALL_AT_3, count)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(scratch)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<u64, ::nearcall::CallError<Text>> {
                let mut __reply = __answer.open::<__ALL_REP, __ALL_PLACES>()?;
                let __arg_scratch = __reply.area::<u8>(scratch.len());
                let __arg_first = __reply.area::<u8>(first.len());
                let __arg_second = __reply.area::<u8>(second.len());
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<Text, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let mut __tails = ::nearcall::rt::Tails::new();
                let __arg_count = __reply
                    .get_among::<
                        u32,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __ALL_TAILS,
                    >(__ALL_BACK_0, __ALL_TAILS_MAX, &mut __tails)?;
                let __arg_turn = __reply
                    .get_among::<
                        Turn,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __ALL_TAILS,
                    >(__ALL_BACK_1, __ALL_TAILS_MAX, &mut __tails)?;
                let __return = __reply
                    .get_among::<
                        u64,
                        { ::nearcall::rt::DEFAULT_MAX },
                        __ALL_TAILS,
                    >(__ALL_BACK_2, __ALL_TAILS_MAX, &mut __tails)?;
                __tails.end::<__ALL_TAILS>()?;
                __reply.check(&__arg_scratch, scratch.len())?;
                __reply.check(&__arg_first, ::nearcall::rt::OutLen::out_len(__return))?;
                __reply.check(&__arg_second, second.len())?;
                __reply.copy_out(&__arg_scratch, scratch.len(), scratch)?;
                __reply
                    .copy_out(
                        &__arg_first,
                        ::nearcall::rt::OutLen::out_len(__return),
                        first,
                    )?;
                __reply.copy_out(&__arg_second, second.len(), second)?;
                *count = __arg_count;
                *turn = __arg_turn;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__ALL_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`nothing_or`](Self::nothing_or) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_nothing_or(
            &self,
            nothing: Nothing,
        ) -> ::core::result::Result<::nearcall::Pending<'_, (), Colour>, ::nearcall::CallError<Colour>> {
            let mut __call = self.binding.begin_start::<__NOTHING_OR_REQ, __NOTHING_OR_REP>(11u16)?;
            __call.put::<Nothing>(__NOTHING_OR_AT_0, &nothing);
            __call.tail::<Nothing, { ::nearcall::rt::DEFAULT_MAX }>(__NOTHING_OR_AT_0, &nothing)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<(), ::nearcall::CallError<Colour>> {
                let mut __reply = __answer
                    .open::<__NOTHING_OR_REP, __NOTHING_OR_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<Colour, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__NOTHING_OR_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`small_or`](Self::small_or) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_small_or(
            &self,
        ) -> ::core::result::Result<::nearcall::Pending<'_, u8, [u64; 6]>, ::nearcall::CallError<[u64; 6]>> {
            let __call = self.binding.begin_start::<__SMALL_OR_REQ, __SMALL_OR_REP>(12u16)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<u8, ::nearcall::CallError<[u64; 6]>> {
                let mut __reply = __answer.open::<__SMALL_OR_REP, __SMALL_OR_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply.get::<[u64; 6], { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let __return = __reply
                    .get::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__SMALL_OR_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__SMALL_OR_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`block`](Self::block) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_block(
            &self,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Block, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__BLOCK_REQ, __BLOCK_REP>(13u16)?;
            __call.put::<Block>(__BLOCK_AT_0, &block);
            __call.put::<u8>(__BLOCK_AT_1, &n);
            __call.tail::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_AT_0, &block)?;
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_AT_1, &n)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                Block,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__BLOCK_REP, __BLOCK_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<Block, { ::nearcall::rt::DEFAULT_MAX }>(__BLOCK_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__BLOCK_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`numbers`](Self::numbers) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_numbers<'__a>(
            &'__a self,
            a: &[u32],
            b: &'__a mut [f64],
            c: &'__a mut [u64],
            d: &'__a mut [i16],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__NUMBERS_REQ, __NUMBERS_REP>(14u16)?;
            __call.count(__NUMBERS_AT_0, a.len());
            __call.count(__NUMBERS_AT_1, b.len());
            __call.capacity::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_AT_2, c.len())?;
            __call.capacity::<i16, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_AT_3, d.len())?;
            __call.slice::<u32, { ::nearcall::rt::DEFAULT_MAX }>(a)?;
            __call.slice::<f64, { ::nearcall::rt::DEFAULT_MAX }>(b)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u32,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__NUMBERS_REP, __NUMBERS_PLACES>()?;
                let __arg_b = __reply.area::<f64>(b.len());
                let __arg_c = __reply.area::<u64>(c.len());
                let __arg_d = __reply.area::<i16>(d.len());
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__NUMBERS_BACK_0)?;
                __reply.check(&__arg_b, b.len())?;
                __reply.check(&__arg_c, c.len())?;
                __reply.check(&__arg_d, ::nearcall::rt::OutLen::out_len(__return))?;
                __reply.copy_out(&__arg_b, b.len(), b)?;
                __reply.copy_out(&__arg_c, c.len(), c)?;
                __reply
                    .copy_out(&__arg_d, ::nearcall::rt::OutLen::out_len(__return), d)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__NUMBERS_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`sums`](Self::sums) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_sums<'__a>(
            &'__a self,
            figure: &'__a mut Figure,
            option: Option<u16>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (u8, Option<Point>), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__SUMS_REQ, __SUMS_REP>(15u16)?;
            __call.put::<Option<u16>>(__SUMS_AT_0, &option);
            __call.put::<Figure>(__SUMS_AT_1, figure);
            __call.tail::<Option<u16>, { ::nearcall::rt::DEFAULT_MAX }>(__SUMS_AT_0, &option)?;
            __call.tail::<Figure, { ::nearcall::rt::DEFAULT_MAX }>(__SUMS_AT_1, figure)?;
            let __read = move |__answer: ::nearcall::rt::Answer<'_>| -> ::core::result::Result<
                (u8, Option<Point>),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__SUMS_REP, __SUMS_PLACES>()?;
                __reply.refuse_app()?;
                let mut __tails = ::nearcall::rt::Tails::new();
                let __arg_figure = __reply.get_among::<Figure, { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
                    __SUMS_BACK_0,
                    __SUMS_TAILS_MAX,
                    &mut __tails,
                )?;
                let __return = __reply
                    .get_among::<(u8, Option<Point>), { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
                        __SUMS_BACK_1,
                        __SUMS_TAILS_MAX,
                        &mut __tails,
                    )?;
                __tails.end::<__SUMS_TAILS>()?;
                *figure = __arg_figure;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__SUMS_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`conventional`](Self::conventional) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_conventional(
            &self,
            forest: &Forest,
            tree: Tree,
        ) -> ::core::result::Result<::nearcall::Pending<'_, Forest, Option<Text>>, ::nearcall::CallError<Option<Text>>>
        {
            let mut __call = self.binding.begin_start::<__CONVENTIONAL_REQ, __CONVENTIONAL_REP>(16u16)?;
            __call.put::<Forest>(__CONVENTIONAL_AT_0, forest);
            __call.put::<Tree>(__CONVENTIONAL_AT_1, &tree);
            __call.tail::<Forest, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_AT_0, forest)?;
            __call.tail::<Tree, { ::nearcall::rt::DEFAULT_MAX }>(__CONVENTIONAL_AT_1, &tree)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<Forest, ::nearcall::CallError<Option<Text>>> {
                let mut __reply = __answer
                    .open::<__CONVENTIONAL_REP, __CONVENTIONAL_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            __reply
                                .get::<Option<Text>, { ::nearcall::rt::DEFAULT_MAX }>(0)?,
                        ),
                    );
                }
                let __return = __reply
                    .get::<
                        Forest,
                        { ::nearcall::rt::DEFAULT_MAX },
                    >(__CONVENTIONAL_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__CONVENTIONAL_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`in_place`](Self::in_place) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_in_place(
            &self,
            before: u8,
            data: &[u8],
            after: &[u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u64, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__IN_PLACE_REQ, __IN_PLACE_REP>(17u16)?;
            __call.put::<u8>(__IN_PLACE_AT_0, &before);
            __call.count(__IN_PLACE_AT_1, data.len());
            __call.count(__IN_PLACE_AT_2, after.len());
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__IN_PLACE_AT_0, &before)?;
            __call.bytes::<{ ::nearcall::rt::DEFAULT_MAX }>(data)?;
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(after)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u64,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__IN_PLACE_REP, __IN_PLACE_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__IN_PLACE_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__IN_PLACE_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`by_serde`](Self::by_serde) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_by_serde(
            &self,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, std::time::Duration, Vec<Text>>,
            ::nearcall::CallError<Vec<Text>>,
        > {
            let mut __call = self.binding.begin_start::<__BY_SERDE_REQ, __BY_SERDE_REP>(18u16)?;
            __call.put::<u32>(__BY_SERDE_AT_2, &n);
            ::nearcall::rt::serde::put::<std::collections::BTreeMap<Text, u32>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __call,
                __BY_SERDE_AT_0,
                &a,
            )?;
            ::nearcall::rt::serde::put::<Option<std::time::Duration>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                &mut __call,
                __BY_SERDE_AT_1,
                b,
            )?;
            __call.tail::<u32, { ::nearcall::rt::DEFAULT_MAX }>(__BY_SERDE_AT_2, &n)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                std::time::Duration,
                ::nearcall::CallError<Vec<Text>>,
            > {
                let mut __reply = __answer.open::<__BY_SERDE_REP, __BY_SERDE_PLACES>()?;
                if __reply.is_app() {
                    return ::core::result::Result::Err(
                        ::nearcall::CallError::App(
                            ::nearcall::rt::serde::get::<
                                Vec<Text>,
                                _,
                                { ::nearcall::rt::DEFAULT_MAX },
                            >(&mut __reply, 0)?,
                        ),
                    );
                }
                let __return = ::nearcall::rt::serde::get::<
                    std::time::Duration,
                    _,
                    { ::nearcall::rt::DEFAULT_MAX },
                >(&mut __reply, __BY_SERDE_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__BY_SERDE_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`several`](Self::several) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_several<'__a>(
            &'__a self,
            tree: &'__a mut Tree,
            names: &'__a mut Vec<Text>,
            text: &'__a mut Text,
            digest: &'__a mut [u8; 64],
            count: &'__a mut i32,
            buf: &'__a mut [u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, Vec<u16>, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__SEVERAL_REQ, __SEVERAL_REP>(19u16)?;
            __call.put::<Tree>(__SEVERAL_AT_0, tree);
            __call.put::<Vec<Text>>(__SEVERAL_AT_1, names);
            __call.capacity::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_AT_2, buf.len())?;
            __call.tail::<Tree, { ::nearcall::rt::DEFAULT_MAX }>(__SEVERAL_AT_0, tree)?;
            __call.tail::<Vec<Text>, 64>(__SEVERAL_AT_1, names)?;
            let __read = move |__answer: ::nearcall::rt::Answer<'_>| -> ::core::result::Result<
                Vec<u16>,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__SEVERAL_REP, __SEVERAL_PLACES>()?;
                let __arg_buf = __reply.area::<u8>(buf.len());
                __reply.refuse_app()?;
                let mut __tails = ::nearcall::rt::Tails::new();
                let __arg_tree = __reply.get_among::<Tree, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                    __SEVERAL_BACK_0,
                    __SEVERAL_TAILS_MAX,
                    &mut __tails,
                )?;
                let __arg_names = __reply.get_among::<Vec<Text>, 64, __SEVERAL_TAILS>(
                    __SEVERAL_BACK_1,
                    __SEVERAL_TAILS_MAX,
                    &mut __tails,
                )?;
                let __arg_text = __reply.get_among::<Text, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                    __SEVERAL_BACK_2,
                    __SEVERAL_TAILS_MAX,
                    &mut __tails,
                )?;
                let __arg_digest = __reply.get_among::<[u8; 64], { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                    __SEVERAL_BACK_3,
                    __SEVERAL_TAILS_MAX,
                    &mut __tails,
                )?;
                let __arg_count = __reply.get_among::<i32, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                    __SEVERAL_BACK_4,
                    __SEVERAL_TAILS_MAX,
                    &mut __tails,
                )?;
                let __return = __reply.get_among::<Vec<u16>, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
                    __SEVERAL_BACK_5,
                    __SEVERAL_TAILS_MAX,
                    &mut __tails,
                )?;
                __tails.end::<__SEVERAL_TAILS>()?;
                __reply.copy_out(&__arg_buf, ::nearcall::rt::OutLen::out_len(__arg_count), buf)?;
                *tree = __arg_tree;
                *names = __arg_names;
                *text = __arg_text;
                *digest = __arg_digest;
                *count = __arg_count;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__SEVERAL_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`quietly`](Self::quietly) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_quietly(
            &self,
            x: u64,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__QUIETLY_REQ, __QUIETLY_REP>(20u16)?;
            __call.put::<u64>(__QUIETLY_AT_0, &x);
            __call.tail::<u64, { ::nearcall::rt::DEFAULT_MAX }>(__QUIETLY_AT_0, &x)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                (),
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let __reply = __answer.open::<__QUIETLY_REP, __QUIETLY_PLACES>()?;
                __reply.refuse_app()?;
                __reply.end();
                ::core::result::Result::Ok(())
            };
            ::core::result::Result::Ok(__call.start::<__QUIETLY_PLACES, _, _>(&self.binding, __read)?)
        }
        /// Starts [`old`](Self::old) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_old(
            &self,
            r#move: u8,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u8, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let mut __call = self.binding.begin_start::<__OLD_REQ, __OLD_REP>(21u16)?;
            __call.put::<u8>(__OLD_AT_0, &r#move);
            __call.tail::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__OLD_AT_0, &r#move)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                u8,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__OLD_REP, __OLD_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<u8, { ::nearcall::rt::DEFAULT_MAX }>(__OLD_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__OLD_PLACES, _, _>(&self.binding, __read)?)
        }
    }
    impl ::nearcall::Client for FormsClient {
        const NAME: &'static str = "Forms";
        const INTERFACE: &'static ::nearcall::rt::Interface = &__INTERFACE;
        fn from_binding(binding: ::nearcall::Binding) -> Self {
            Self { binding }
        }
        fn binding(&self) -> &::nearcall::Binding {
            &self.binding
        }
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    impl FormsCall for FormsClient {
        #[inline]
        fn nothing(&self) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::nothing(self)
        }
        #[inline]
        fn value(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::value(self, x)
        }
        #[inline]
        fn by_ref(
            &self,
            block: &Block,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::by_ref(self, block)
        }
        #[inline]
        fn line(
            &self,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::line(self, a, b, c)
        }
        #[inline]
        fn varying(
            &self,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::varying(self, r#type, entry, numbers)
        }
        #[inline]
        fn bytes(
            &self,
            data: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::bytes(self, data)
        }
        #[inline]
        fn in_out(
            &self,
            point: &mut Point,
            by: Point,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::in_out(self, point, by)
        }
        #[inline]
        fn reverse(
            &self,
            data: &mut [u8],
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::reverse(self, data)
        }
        #[inline]
        fn out(
            &self,
            turn: &mut Turn,
            point: &mut Point,
        ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::out(self, turn, point)
        }
        #[inline]
        fn fill(
            &self,
            buf: &mut [u8],
            with: u8,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::fill(self, buf, with)
        }
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[inline]
        fn all(
            &self,
            a: u8,
            text: &str,
            first: &mut [u8],
            colour: Colour,
            count: &mut u32,
            scratch: &mut [u8],
            second: &mut [u8],
            turn: &mut Turn,
        ) -> ::core::result::Result<u64, ::nearcall::CallError<Text>> {
            Self::all(self, a, text, first, colour, count, scratch, second, turn)
        }
        #[inline]
        fn nothing_or(&self, nothing: Nothing) -> ::core::result::Result<(), ::nearcall::CallError<Colour>> {
            Self::nothing_or(self, nothing)
        }
        #[inline]
        fn small_or(&self) -> ::core::result::Result<u8, ::nearcall::CallError<[u64; 6]>> {
            Self::small_or(self)
        }
        #[inline]
        fn block(
            &self,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::block(self, block, n)
        }
        #[inline]
        fn numbers(
            &self,
            a: &[u32],
            b: &mut [f64],
            c: &mut [u64],
            d: &mut [i16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::numbers(self, a, b, c, d)
        }
        #[inline]
        fn sums(
            &self,
            figure: &mut Figure,
            option: Option<u16>,
        ) -> ::core::result::Result<(u8, Option<Point>), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::sums(self, figure, option)
        }
        #[inline]
        fn conventional(
            &self,
            forest: &Forest,
            tree: Tree,
        ) -> ::core::result::Result<Forest, ::nearcall::CallError<Option<Text>>> {
            Self::conventional(self, forest, tree)
        }
        #[inline]
        fn in_place(
            &self,
            before: u8,
            data: &[u8],
            after: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::in_place(self, before, data, after)
        }
        #[inline]
        fn by_serde(
            &self,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<std::time::Duration, ::nearcall::CallError<Vec<Text>>> {
            Self::by_serde(self, a, b, n)
        }
        #[inline]
        fn several(
            &self,
            tree: &mut Tree,
            names: &mut Vec<Text>,
            text: &mut Text,
            digest: &mut [u8; 64],
            count: &mut i32,
            buf: &mut [u8],
        ) -> ::core::result::Result<Vec<u16>, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::several(self, tree, names, text, digest, count, buf)
        }
        #[inline]
        fn quietly(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            Self::quietly(self, x)
        }
        #[inline]
        fn old(&self, r#move: u8) -> ::core::result::Result<u8, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::old(self, r#move)
        }
    }
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl<T: Forms + ::core::marker::Send + ::core::marker::Sync + 'static> FormsServer<T> {
        /// A service of `imp`, for [`Exporter`](::nearcall::Exporter) or [`FormsServer::export`].
        pub const fn new(imp: T) -> Self {
            Self(imp)
        }
        /// Exports `imp` as `name`, until the result is dropped.
        ///
        /// # Errors
        /// [`ExportError`](::nearcall::ExportError) says why it cannot be.
        pub fn export(name: &str, imp: T) -> ::core::result::Result<::nearcall::Export, ::nearcall::ExportError> {
            ::nearcall::export(name, Self::new(imp))
        }
        const __SERVE: &'static [::nearcall::rt::Serve<T>] = &[
            __serve_nothing::<T>,
            __serve_value::<T>,
            __serve_by_ref::<T>,
            __serve_line::<T>,
            __serve_varying::<T>,
            __serve_bytes::<T>,
            __serve_in_out::<T>,
            __serve_reverse::<T>,
            __serve_out::<T>,
            __serve_fill::<T>,
            __serve_all::<T>,
            __serve_nothing_or::<T>,
            __serve_small_or::<T>,
            __serve_block::<T>,
            __serve_numbers::<T>,
            __serve_sums::<T>,
            __serve_conventional::<T>,
            __serve_in_place::<T>,
            __serve_by_serde::<T>,
            __serve_several::<T>,
            __serve_quietly::<T>,
            __serve_old::<T>,
        ];
    }
    impl<T> ::core::fmt::Debug for FormsServer<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("FormsServer").finish_non_exhaustive()
        }
    }
    impl<T: Forms + ::core::marker::Send + ::core::marker::Sync + 'static> ::nearcall::rt::Service for FormsServer<T> {
        fn interface(&self) -> &'static ::nearcall::rt::Interface {
            &__INTERFACE
        }
        fn call(
            &self,
            __procedure: u16,
            __call: &mut ::nearcall::rt::Incoming<'_>,
        ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
            match Self::__SERVE.get(::core::convert::Into::<usize>::into(__procedure)) {
                ::core::option::Option::Some(__serve) => __serve(&self.0, __call),
                ::core::option::Option::None => ::core::result::Result::Err(::nearcall::rt::Refusal::NoSuchProcedure),
            }
        }
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_nothing<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__NOTHING_REQ, __NOTHING_REP>()?;
        <__T as Forms>::nothing(__imp);
        __call.reply::<__NOTHING_REP, __NOTHING_PLACES>(&::nearcall::rt::Head::<__NOTHING_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_value<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__VALUE_REQ, __VALUE_REP>()?;
        let __arg_x = __call.value::<u64, __VALUE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __VALUE_AT_0)?;
        <__T as Forms>::value(__imp, __arg_x);
        __call.reply::<__VALUE_REP, __VALUE_PLACES>(&::nearcall::rt::Head::<__VALUE_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_by_ref<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__BY_REF_REQ, __BY_REF_REP>()?;
        let __arg_block =
            __call.value::<Block, __BY_REF_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __BY_REF_AT_0)?;
        let __return = <__T as Forms>::by_ref(__imp, &__arg_block);
        let mut __head = ::nearcall::rt::Head::<__BY_REF_REP>::ZERO;
        __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __BY_REF_BACK_0, &__return)?;
        __call.reply::<__BY_REF_REP, __BY_REF_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_line<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__LINE_REQ, __LINE_REP>()?;
        let __arg_a = __call.value::<u128, __LINE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __LINE_AT_0)?;
        let __arg_b = __call.value::<u128, __LINE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __LINE_AT_1)?;
        let __arg_c = __call.value::<u64, __LINE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __LINE_AT_2)?;
        let __return = <__T as Forms>::line(__imp, __arg_a, __arg_b, __arg_c);
        let mut __head = ::nearcall::rt::Head::<__LINE_REP>::ZERO;
        __call.reply_value::<Turn, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __LINE_BACK_0, &__return)?;
        __call.reply::<__LINE_REP, __LINE_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_varying<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__VARYING_REQ, __VARYING_REP>()?;
        let __arg_type =
            __call.value::<Text, __VARYING_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __VARYING_AT_0)?;
        let __arg_entry =
            __call.value::<Entry, __VARYING_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __VARYING_AT_1)?;
        let __arg_numbers =
            __call.value::<Vec<u16>, __VARYING_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __VARYING_AT_2)?;
        let __return = <__T as Forms>::varying(__imp, __arg_type, &__arg_entry, __arg_numbers);
        let mut __head = ::nearcall::rt::Head::<__VARYING_REP>::ZERO;
        __call.reply_value::<Entry, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __VARYING_BACK_0, &__return)?;
        __call.reply::<__VARYING_REP, __VARYING_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_bytes<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__BYTES_REQ, __BYTES_REP>()?;
        let __arg_data =
            __call.slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __BYTES_AT_0)?)?;
        let __return = <__T as Forms>::bytes(__imp, __arg_data);
        let mut __head = ::nearcall::rt::Head::<__BYTES_REP>::ZERO;
        __call.reply_value::<u64, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __BYTES_BACK_0, &__return)?;
        __call.reply::<__BYTES_REP, __BYTES_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_in_out<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__IN_OUT_REQ, __IN_OUT_REP>()?;
        let __arg_by = __call.value::<Point, __IN_OUT_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __IN_OUT_AT_0)?;
        let mut __arg_point =
            __call.value::<Point, __IN_OUT_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __IN_OUT_AT_1)?;
        <__T as Forms>::in_out(__imp, &mut __arg_point, __arg_by);
        let mut __head = ::nearcall::rt::Head::<__IN_OUT_REP>::ZERO;
        __call.reply_value::<Point, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __IN_OUT_BACK_0, &__arg_point)?;
        __call.reply::<__IN_OUT_REP, __IN_OUT_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_reverse<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__REVERSE_REQ, __REVERSE_REP>()?;
        let __end = __in_frame(__REVERSE_REP);
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, true>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __REVERSE_AT_0)?,
        )?;
        __call.provide(__end)?;
        let __arg_data = __call.in_out::<u8>(::nearcall::rt::get_count(&__head.0, __REVERSE_AT_0)?)?;
        <__T as Forms>::reverse(__imp, __arg_data);
        __call.reply::<__REVERSE_REP, __REVERSE_PLACES>(&::nearcall::rt::Head::<__REVERSE_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_out<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__OUT_REQ, __OUT_REP>()?;
        let mut __arg_turn: Turn = <Turn as ::core::default::Default>::default();
        let mut __arg_point: Point = <Point as ::core::default::Default>::default();
        let __return = <__T as Forms>::out(__imp, &mut __arg_turn, &mut __arg_point);
        let mut __head = ::nearcall::rt::Head::<__OUT_REP>::ZERO;
        let mut __tails = ::nearcall::rt::Tails::new();
        __call.reply_among::<Turn, _, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
            &mut __head,
            __OUT_BACK_0,
            &__arg_turn,
            &mut __tails,
        )?;
        __call.reply_among::<Point, _, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
            &mut __head,
            __OUT_BACK_1,
            &__arg_point,
            &mut __tails,
        )?;
        __call.reply_among::<bool, _, { ::nearcall::rt::DEFAULT_MAX }, __OUT_TAILS>(
            &mut __head,
            __OUT_BACK_2,
            &__return,
            &mut __tails,
        )?;
        __call.reply_tails::<__OUT_TAILS>(&__tails)?;
        __call.reply::<__OUT_REP, __OUT_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_fill<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__FILL_REQ, __FILL_REP>()?;
        let __end = __in_frame(__FILL_REP);
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __FILL_AT_1)?,
        )?;
        __call.provide(__end)?;
        let __arg_with = __call.value::<u8, __FILL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __FILL_AT_0)?;
        let __arg_buf = __call.out::<u8>(::nearcall::rt::get_count(&__head.0, __FILL_AT_1)?)?;
        <__T as Forms>::fill(__imp, __arg_buf, __arg_with);
        __call.reply::<__FILL_REP, __FILL_PLACES>(&::nearcall::rt::Head::<__FILL_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_all<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__ALL_REQ, __ALL_REP>()?;
        let __end = __in_frame(__ALL_REP);
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, true>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __ALL_AT_4)?,
        )?;
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __ALL_AT_5)?,
        )?;
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __ALL_AT_6)?,
        )?;
        __call.provide(__end)?;
        let __arg_a = __call.value::<u8, __ALL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __ALL_AT_0)?;
        let __arg_text =
            __call.str::<{ ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __ALL_AT_1)?)?;
        let __arg_colour = __call.value::<Colour, __ALL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __ALL_AT_2)?;
        let mut __arg_count = __call.value::<u32, __ALL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __ALL_AT_3)?;
        let __arg_scratch = __call.in_out::<u8>(::nearcall::rt::get_count(&__head.0, __ALL_AT_4)?)?;
        let __arg_first = __call.out::<u8>(::nearcall::rt::get_count(&__head.0, __ALL_AT_5)?)?;
        let __arg_second = __call.out::<u8>(::nearcall::rt::get_count(&__head.0, __ALL_AT_6)?)?;
        let mut __arg_turn: Turn = <Turn as ::core::default::Default>::default();
        match <__T as Forms>::all(
            __imp,
            __arg_a,
            __arg_text,
            __arg_first,
            __arg_colour,
            &mut __arg_count,
            __arg_scratch,
            __arg_second,
            &mut __arg_turn,
        ) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__ALL_REP>::ZERO;
                let mut __tails = ::nearcall::rt::Tails::new();
                __call.reply_among::<u32, _, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                    &mut __head,
                    __ALL_BACK_0,
                    &__arg_count,
                    &mut __tails,
                )?;
                __call.reply_among::<Turn, _, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                    &mut __head,
                    __ALL_BACK_1,
                    &__arg_turn,
                    &mut __tails,
                )?;
                __call.reply_among::<u64, _, { ::nearcall::rt::DEFAULT_MAX }, __ALL_TAILS>(
                    &mut __head,
                    __ALL_BACK_2,
                    &__return,
                    &mut __tails,
                )?;
                __call.reply_tails::<__ALL_TAILS>(&__tails)?;
                __call.reply::<__ALL_REP, __ALL_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__ALL_REP>::ZERO;
                __call.reply_value::<Text, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__ALL_REP, __ALL_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_nothing_or<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__NOTHING_OR_REQ, __NOTHING_OR_REP>()?;
        let __arg_nothing =
            __call.value::<Nothing, __NOTHING_OR_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __NOTHING_OR_AT_0)?;
        match ::nearcall::blocking(|| <__T as Forms>::nothing_or(__imp, __arg_nothing)) {
            ::core::result::Result::Ok(()) => {
                __call.reply::<__NOTHING_OR_REP, __NOTHING_OR_PLACES>(&::nearcall::rt::Head::<__NOTHING_OR_REP>::ZERO);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__NOTHING_OR_REP>::ZERO;
                __call.reply_value::<Colour, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__NOTHING_OR_REP, __NOTHING_OR_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_small_or<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__SMALL_OR_REQ, __SMALL_OR_REP>()?;
        match <__T as Forms>::small_or(__imp) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__SMALL_OR_REP>::ZERO;
                __call.reply_value::<u8, _, { ::nearcall::rt::DEFAULT_MAX }>(
                    &mut __head,
                    __SMALL_OR_BACK_0,
                    &__return,
                )?;
                __call.reply::<__SMALL_OR_REP, __SMALL_OR_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__SMALL_OR_REP>::ZERO;
                __call.reply_value::<[u64; 6], _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__SMALL_OR_REP, __SMALL_OR_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_block<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__BLOCK_REQ, __BLOCK_REP>()?;
        let __arg_block = __call.value::<Block, __BLOCK_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __BLOCK_AT_0)?;
        let __arg_n = __call.value::<u8, __BLOCK_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __BLOCK_AT_1)?;
        let __return = <__T as Forms>::block(__imp, __arg_block, __arg_n);
        let mut __head = ::nearcall::rt::Head::<__BLOCK_REP>::ZERO;
        __call.reply_value::<Block, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __BLOCK_BACK_0, &__return)?;
        __call.reply::<__BLOCK_REP, __BLOCK_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_numbers<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__NUMBERS_REQ, __NUMBERS_REP>()?;
        let __end = __in_frame(__NUMBERS_REP);
        let __end = __call.area_end::<f64, { ::nearcall::rt::DEFAULT_MAX }, true>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_1)?,
        )?;
        let __end = __call.area_end::<u64, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_2)?,
        )?;
        let __end = __call.area_end::<i16, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_3)?,
        )?;
        __call.provide(__end)?;
        let __arg_a = __call
            .slice::<u32, { ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_0)?)?;
        let __arg_b = __call.in_out::<f64>(::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_1)?)?;
        let __arg_c = __call.out::<u64>(::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_2)?)?;
        let __arg_d = __call.out::<i16>(::nearcall::rt::get_count(&__head.0, __NUMBERS_AT_3)?)?;
        let __return = <__T as Forms>::numbers(__imp, __arg_a, __arg_b, __arg_c, __arg_d);
        let mut __head = ::nearcall::rt::Head::<__NUMBERS_REP>::ZERO;
        __call.reply_value::<u32, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __NUMBERS_BACK_0, &__return)?;
        __call.reply::<__NUMBERS_REP, __NUMBERS_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_sums<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__SUMS_REQ, __SUMS_REP>()?;
        let __arg_option =
            __call.value::<Option<u16>, __SUMS_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __SUMS_AT_0)?;
        let mut __arg_figure =
            __call.value::<Figure, __SUMS_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __SUMS_AT_1)?;
        let __return = <__T as Forms>::sums(__imp, &mut __arg_figure, __arg_option);
        let mut __head = ::nearcall::rt::Head::<__SUMS_REP>::ZERO;
        let mut __tails = ::nearcall::rt::Tails::new();
        __call.reply_among::<Figure, _, { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
            &mut __head,
            __SUMS_BACK_0,
            &__arg_figure,
            &mut __tails,
        )?;
        __call.reply_among::<(u8, Option<Point>), _, { ::nearcall::rt::DEFAULT_MAX }, __SUMS_TAILS>(
            &mut __head,
            __SUMS_BACK_1,
            &__return,
            &mut __tails,
        )?;
        __call.reply_tails::<__SUMS_TAILS>(&__tails)?;
        __call.reply::<__SUMS_REP, __SUMS_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_conventional<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__CONVENTIONAL_REQ, __CONVENTIONAL_REP>()?;
        let __arg_forest = __call
            .value::<Forest, __CONVENTIONAL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __CONVENTIONAL_AT_0)?;
        let __arg_tree =
            __call.value::<Tree, __CONVENTIONAL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __CONVENTIONAL_AT_1)?;
        match <__T as Forms>::conventional(__imp, &__arg_forest, __arg_tree) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__CONVENTIONAL_REP>::ZERO;
                __call.reply_value::<Forest, _, { ::nearcall::rt::DEFAULT_MAX }>(
                    &mut __head,
                    __CONVENTIONAL_BACK_0,
                    &__return,
                )?;
                __call.reply::<__CONVENTIONAL_REP, __CONVENTIONAL_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__CONVENTIONAL_REP>::ZERO;
                __call.reply_value::<Option<Text>, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, 0, &__error)?;
                __call.reply_app::<__CONVENTIONAL_REP, __CONVENTIONAL_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_in_place<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__IN_PLACE_REQ, __IN_PLACE_REP>()?;
        let __arg_before =
            __call.value::<u8, __IN_PLACE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __IN_PLACE_AT_0)?;
        let __arg_data = __call
            .in_place::<{ ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __IN_PLACE_AT_1)?)?;
        let __arg_after = __call
            .slice::<u8, { ::nearcall::rt::DEFAULT_MAX }>(::nearcall::rt::get_count(&__head.0, __IN_PLACE_AT_2)?)?;
        let __return = <__T as Forms>::in_place(__imp, __arg_before, __arg_data, __arg_after);
        let mut __head = ::nearcall::rt::Head::<__IN_PLACE_REP>::ZERO;
        __call.reply_value::<u64, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __IN_PLACE_BACK_0, &__return)?;
        __call.reply::<__IN_PLACE_REP, __IN_PLACE_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_by_serde<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__BY_SERDE_REQ, __BY_SERDE_REP>()?;
        let __arg_a = ::nearcall::rt::serde::take::<
            std::collections::BTreeMap<Text, u32>,
            __BY_SERDE_REQ,
            { ::nearcall::rt::DEFAULT_MAX },
        >(__call, &__head, __BY_SERDE_AT_0)?;
        let __arg_b = ::nearcall::rt::serde::take::<
            Option<std::time::Duration>,
            __BY_SERDE_REQ,
            { ::nearcall::rt::DEFAULT_MAX },
        >(__call, &__head, __BY_SERDE_AT_1)?;
        let __arg_n = __call.value::<u32, __BY_SERDE_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __BY_SERDE_AT_2)?;
        match <__T as Forms>::by_serde(__imp, __arg_a, &__arg_b, __arg_n) {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__BY_SERDE_REP>::ZERO;
                ::nearcall::rt::serde::reply::<std::time::Duration, _, { ::nearcall::rt::DEFAULT_MAX }>(
                    __call,
                    &mut __head,
                    __BY_SERDE_BACK_0,
                    &__return,
                )?;
                __call.reply::<__BY_SERDE_REP, __BY_SERDE_PLACES>(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__BY_SERDE_REP>::ZERO;
                ::nearcall::rt::serde::reply::<Vec<Text>, _, { ::nearcall::rt::DEFAULT_MAX }>(
                    __call,
                    &mut __head,
                    0,
                    &__error,
                )?;
                __call.reply_app::<__BY_SERDE_REP, __BY_SERDE_PLACES>(&__head);
            }
        }
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_several<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__SEVERAL_REQ, __SEVERAL_REP>()?;
        let __end = __in_frame(__SEVERAL_REP);
        let __end = __call.area_end::<u8, { ::nearcall::rt::DEFAULT_MAX }, false>(
            __end,
            ::nearcall::rt::get_count(&__head.0, __SEVERAL_AT_2)?,
        )?;
        __call.provide(__end)?;
        let mut __arg_tree =
            __call.value::<Tree, __SEVERAL_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __SEVERAL_AT_0)?;
        let mut __arg_names = __call.value::<Vec<Text>, __SEVERAL_REQ, 64>(&__head, __SEVERAL_AT_1)?;
        let __arg_buf = __call.out::<u8>(::nearcall::rt::get_count(&__head.0, __SEVERAL_AT_2)?)?;
        let mut __arg_text: Text = <Text as ::core::default::Default>::default();
        let mut __arg_digest: [u8; 64] = ::core::array::from_fn(|_| <u8 as ::core::default::Default>::default());
        let mut __arg_count: i32 = <i32 as ::core::default::Default>::default();
        let __return = <__T as Forms>::several(
            __imp,
            &mut __arg_tree,
            &mut __arg_names,
            &mut __arg_text,
            &mut __arg_digest,
            &mut __arg_count,
            __arg_buf,
        );
        let mut __head = ::nearcall::rt::Head::<__SEVERAL_REP>::ZERO;
        let mut __tails = ::nearcall::rt::Tails::new();
        __call.reply_among::<Tree, _, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
            &mut __head,
            __SEVERAL_BACK_0,
            &__arg_tree,
            &mut __tails,
        )?;
        __call.reply_among::<Vec<Text>, _, 64, __SEVERAL_TAILS>(
            &mut __head,
            __SEVERAL_BACK_1,
            &__arg_names,
            &mut __tails,
        )?;
        __call.reply_among::<Text, _, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
            &mut __head,
            __SEVERAL_BACK_2,
            &__arg_text,
            &mut __tails,
        )?;
        __call.reply_among::<[u8; 64], _, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
            &mut __head,
            __SEVERAL_BACK_3,
            &__arg_digest,
            &mut __tails,
        )?;
        __call.reply_among::<i32, _, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
            &mut __head,
            __SEVERAL_BACK_4,
            &__arg_count,
            &mut __tails,
        )?;
        __call.reply_among::<Vec<u16>, _, { ::nearcall::rt::DEFAULT_MAX }, __SEVERAL_TAILS>(
            &mut __head,
            __SEVERAL_BACK_5,
            &__return,
            &mut __tails,
        )?;
        __call.reply_tails::<__SEVERAL_TAILS>(&__tails)?;
        __call.reply::<__SEVERAL_REP, __SEVERAL_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_quietly<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__QUIETLY_REQ, __QUIETLY_REP>()?;
        let __arg_x = __call.value::<u64, __QUIETLY_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __QUIETLY_AT_0)?;
        <__T as Forms>::quietly(__imp, __arg_x);
        __call.reply::<__QUIETLY_REP, __QUIETLY_PLACES>(&::nearcall::rt::Head::<__QUIETLY_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_old<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__OLD_REQ, __OLD_REP>()?;
        let __arg_move = __call.value::<u8, __OLD_REQ, { ::nearcall::rt::DEFAULT_MAX }>(&__head, __OLD_AT_0)?;
        let __return = <__T as Forms>::old(__imp, __arg_move);
        let mut __head = ::nearcall::rt::Head::<__OLD_REP>::ZERO;
        __call.reply_value::<u8, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __OLD_BACK_0, &__return)?;
        __call.reply::<__OLD_REP, __OLD_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(dead_code, reason = "a program may have no use for it")]
    #[allow(deprecated, reason = "generated code names every procedure")]
    impl<__T: Forms> FormsLocal<__T> {
        /// Starts [`nothing`](Self::nothing) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_nothing(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::nothing(self)))
        }
        /// Starts [`value`](Self::value) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_value(
            &self,
            x: u64,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::value(self, x)))
        }
        /// Starts [`by_ref`](Self::by_ref) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_by_ref(
            &self,
            block: &Block,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::by_ref(self, block)))
        }
        /// Starts [`line`](Self::line) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_line(
            &self,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Turn, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::line(self, a, b, c)))
        }
        /// Starts [`varying`](Self::varying) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_varying(
            &self,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Entry, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::varying(
                self, r#type, entry, numbers,
            )))
        }
        /// Starts [`bytes`](Self::bytes) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_bytes(
            &self,
            data: &[u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u64, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::bytes(self, data)))
        }
        /// Starts [`in_out`](Self::in_out) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_in_out<'__a>(
            &'__a self,
            point: &'__a mut Point,
            by: Point,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::in_out(self, point, by)))
        }
        /// Starts [`reverse`](Self::reverse) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_reverse<'__a>(
            &'__a self,
            data: &'__a mut [u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::reverse(self, data)))
        }
        /// Starts [`out`](Self::out) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_out<'__a>(
            &'__a self,
            turn: &'__a mut Turn,
            point: &'__a mut Point,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, bool, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::out(self, turn, point)))
        }
        /// Starts [`fill`](Self::fill) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_fill<'__a>(
            &'__a self,
            buf: &'__a mut [u8],
            with: u8,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::fill(self, buf, with)))
        }
        /// Starts [`all`](Self::all) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_all<'__a>(
            &'__a self,
            a: u8,
            text: &str,
            first: &'__a mut [u8],
            colour: Colour,
            count: &'__a mut u32,
            scratch: &'__a mut [u8],
            second: &'__a mut [u8],
            turn: &'__a mut Turn,
        ) -> ::core::result::Result<::nearcall::Pending<'__a, u64, Text>, ::nearcall::CallError<Text>> {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::all(
                self, a, text, first, colour, count, scratch, second, turn,
            )))
        }
        /// Starts [`nothing_or`](Self::nothing_or) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_nothing_or(
            &self,
            nothing: Nothing,
        ) -> ::core::result::Result<::nearcall::Pending<'_, (), Colour>, ::nearcall::CallError<Colour>> {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::nothing_or(self, nothing)))
        }
        /// Starts [`small_or`](Self::small_or) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_small_or(
            &self,
        ) -> ::core::result::Result<::nearcall::Pending<'_, u8, [u64; 6]>, ::nearcall::CallError<[u64; 6]>> {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::small_or(self)))
        }
        /// Starts [`block`](Self::block) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_block(
            &self,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Block, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::block(self, block, n)))
        }
        /// Starts [`numbers`](Self::numbers) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_numbers<'__a>(
            &'__a self,
            a: &[u32],
            b: &'__a mut [f64],
            c: &'__a mut [u64],
            d: &'__a mut [i16],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, u32, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::numbers(self, a, b, c, d)))
        }
        /// Starts [`sums`](Self::sums) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_sums<'__a>(
            &'__a self,
            figure: &'__a mut Figure,
            option: Option<u16>,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, (u8, Option<Point>), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::sums(self, figure, option)))
        }
        /// Starts [`conventional`](Self::conventional) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_conventional(
            &self,
            forest: &Forest,
            tree: Tree,
        ) -> ::core::result::Result<::nearcall::Pending<'_, Forest, Option<Text>>, ::nearcall::CallError<Option<Text>>>
        {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::conventional(self, forest, tree)))
        }
        /// Starts [`in_place`](Self::in_place) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_in_place(
            &self,
            before: u8,
            data: &[u8],
            after: &[u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u64, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::in_place(
                self, before, data, after,
            )))
        }
        /// Starts [`by_serde`](Self::by_serde) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_by_serde(
            &self,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, std::time::Duration, Vec<Text>>,
            ::nearcall::CallError<Vec<Text>>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::by_serde(self, a, b, n)))
        }
        /// Starts [`several`](Self::several) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_several<'__a>(
            &'__a self,
            tree: &'__a mut Tree,
            names: &'__a mut Vec<Text>,
            text: &'__a mut Text,
            digest: &'__a mut [u8; 64],
            count: &'__a mut i32,
            buf: &'__a mut [u8],
        ) -> ::core::result::Result<
            ::nearcall::Pending<'__a, Vec<u16>, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::several(
                self, tree, names, text, digest, count, buf,
            )))
        }
        /// Starts [`quietly`](Self::quietly) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_quietly(
            &self,
            x: u64,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, (), ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::quietly(self, x)))
        }
        /// Starts [`old`](Self::old) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub fn start_old(
            &self,
            r#move: u8,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, u8, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as FormsCall>::old(self, r#move)))
        }
    }
    impl<T> ::core::fmt::Debug for FormsLocal<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("FormsLocal").finish_non_exhaustive()
        }
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    impl<__T: Forms> FormsCall for FormsLocal<__T> {
        #[inline]
        fn nothing(&self) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Forms>::nothing(&self.0);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn value(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Forms>::value(&self.0, x);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn by_ref(
            &self,
            block: &Block,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::by_ref(&self.0, block))
        }
        #[inline]
        fn line(
            &self,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::line(&self.0, a, b, c))
        }
        #[inline]
        fn varying(
            &self,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::varying(&self.0, r#type, entry, numbers))
        }
        #[inline]
        fn bytes(
            &self,
            data: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::bytes(&self.0, data))
        }
        #[inline]
        fn in_out(
            &self,
            point: &mut Point,
            by: Point,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Forms>::in_out(&self.0, point, by);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn reverse(
            &self,
            data: &mut [u8],
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Forms>::reverse(&self.0, data);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn out(
            &self,
            turn: &mut Turn,
            point: &mut Point,
        ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::out(&self.0, turn, point))
        }
        #[inline]
        fn fill(
            &self,
            buf: &mut [u8],
            with: u8,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Forms>::fill(&self.0, buf, with);
            ::core::result::Result::Ok(())
        }
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[inline]
        fn all(
            &self,
            a: u8,
            text: &str,
            first: &mut [u8],
            colour: Colour,
            count: &mut u32,
            scratch: &mut [u8],
            second: &mut [u8],
            turn: &mut Turn,
        ) -> ::core::result::Result<u64, ::nearcall::CallError<Text>> {
            <__T as Forms>::all(&self.0, a, text, first, colour, count, scratch, second, turn)
                .map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn nothing_or(&self, nothing: Nothing) -> ::core::result::Result<(), ::nearcall::CallError<Colour>> {
            <__T as Forms>::nothing_or(&self.0, nothing).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn small_or(&self) -> ::core::result::Result<u8, ::nearcall::CallError<[u64; 6]>> {
            <__T as Forms>::small_or(&self.0).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn block(
            &self,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::block(&self.0, block, n))
        }
        #[inline]
        fn numbers(
            &self,
            a: &[u32],
            b: &mut [f64],
            c: &mut [u64],
            d: &mut [i16],
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::numbers(&self.0, a, b, c, d))
        }
        #[inline]
        fn sums(
            &self,
            figure: &mut Figure,
            option: Option<u16>,
        ) -> ::core::result::Result<(u8, Option<Point>), ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::sums(&self.0, figure, option))
        }
        #[inline]
        fn conventional(
            &self,
            forest: &Forest,
            tree: Tree,
        ) -> ::core::result::Result<Forest, ::nearcall::CallError<Option<Text>>> {
            <__T as Forms>::conventional(&self.0, forest, tree).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn in_place(
            &self,
            before: u8,
            data: &[u8],
            after: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::in_place(
                &self.0,
                before,
                ::nearcall::SharedBytes::from(data),
                after,
            ))
        }
        #[inline]
        fn by_serde(
            &self,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<std::time::Duration, ::nearcall::CallError<Vec<Text>>> {
            <__T as Forms>::by_serde(&self.0, a, b, n).map_err(::nearcall::CallError::App)
        }
        #[inline]
        fn several(
            &self,
            tree: &mut Tree,
            names: &mut Vec<Text>,
            text: &mut Text,
            digest: &mut [u8; 64],
            count: &mut i32,
            buf: &mut [u8],
        ) -> ::core::result::Result<Vec<u16>, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::several(&self.0, tree, names, text, digest, count, buf))
        }
        #[inline]
        fn quietly(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            <__T as Forms>::quietly(&self.0, x);
            ::core::result::Result::Ok(())
        }
        #[inline]
        fn old(&self, r#move: u8) -> ::core::result::Result<u8, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Forms>::old(&self.0, r#move))
        }
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    impl<__T: Forms + ?::core::marker::Sized + ::core::marker::Send + ::core::marker::Sync> Forms
        for ::std::sync::Arc<__T>
    {
        #[inline]
        fn nothing(&self) {
            <__T as Forms>::nothing(self)
        }
        #[inline]
        fn value(&self, x: u64) {
            <__T as Forms>::value(self, x)
        }
        #[inline]
        fn by_ref(&self, block: &Block) -> u32 {
            <__T as Forms>::by_ref(self, block)
        }
        #[inline]
        fn line(&self, a: u128, b: u128, c: u64) -> Turn {
            <__T as Forms>::line(self, a, b, c)
        }
        #[inline]
        fn varying(&self, r#type: Text, entry: &Entry, numbers: Vec<u16>) -> Entry {
            <__T as Forms>::varying(self, r#type, entry, numbers)
        }
        #[inline]
        fn bytes(&self, data: &[u8]) -> u64 {
            <__T as Forms>::bytes(self, data)
        }
        #[inline]
        fn in_out(&self, point: &mut Point, by: Point) {
            <__T as Forms>::in_out(self, point, by)
        }
        #[inline]
        fn reverse(&self, data: &mut [u8]) {
            <__T as Forms>::reverse(self, data)
        }
        #[inline]
        fn out(&self, turn: &mut Turn, point: &mut Point) -> bool {
            <__T as Forms>::out(self, turn, point)
        }
        #[inline]
        fn fill(&self, buf: &mut [u8], with: u8) {
            <__T as Forms>::fill(self, buf, with)
        }
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[inline]
        fn all(
            &self,
            a: u8,
            text: &str,
            first: &mut [u8],
            colour: Colour,
            count: &mut u32,
            scratch: &mut [u8],
            second: &mut [u8],
            turn: &mut Turn,
        ) -> ::core::result::Result<u64, Text> {
            <__T as Forms>::all(self, a, text, first, colour, count, scratch, second, turn)
        }
        #[inline]
        fn nothing_or(&self, nothing: Nothing) -> ::core::result::Result<(), Colour> {
            <__T as Forms>::nothing_or(self, nothing)
        }
        #[inline]
        fn small_or(&self) -> ::core::result::Result<u8, [u64; 6]> {
            <__T as Forms>::small_or(self)
        }
        #[inline]
        fn block(&self, block: Block, n: u8) -> Block {
            <__T as Forms>::block(self, block, n)
        }
        #[inline]
        fn numbers(&self, a: &[u32], b: &mut [f64], c: &mut [u64], d: &mut [i16]) -> u32 {
            <__T as Forms>::numbers(self, a, b, c, d)
        }
        #[inline]
        fn sums(&self, figure: &mut Figure, option: Option<u16>) -> (u8, Option<Point>) {
            <__T as Forms>::sums(self, figure, option)
        }
        #[inline]
        fn conventional(&self, forest: &Forest, tree: Tree) -> ::core::result::Result<Forest, Option<Text>> {
            <__T as Forms>::conventional(self, forest, tree)
        }
        #[inline]
        fn in_place(&self, before: u8, data: ::nearcall::SharedBytes<'_>, after: &[u8]) -> u64 {
            <__T as Forms>::in_place(self, before, data, after)
        }
        #[inline]
        fn by_serde(
            &self,
            a: std::collections::BTreeMap<Text, u32>,
            b: &Option<std::time::Duration>,
            n: u32,
        ) -> ::core::result::Result<std::time::Duration, Vec<Text>> {
            <__T as Forms>::by_serde(self, a, b, n)
        }
        #[allow(clippy::too_many_arguments, reason = "as many as the procedure has")]
        #[inline]
        fn several(
            &self,
            tree: &mut Tree,
            names: &mut Vec<Text>,
            text: &mut Text,
            digest: &mut [u8; 64],
            count: &mut i32,
            buf: &mut [u8],
        ) -> Vec<u16> {
            <__T as Forms>::several(self, tree, names, text, digest, count, buf)
        }
        #[inline]
        fn quietly(&self, x: u64) {
            <__T as Forms>::quietly(self, x)
        }
        #[inline]
        fn old(&self, r#move: u8) -> u8 {
            <__T as Forms>::old(self, r#move)
        }
    }
};
/// Not for others.
pub(crate) trait Inner {
    /// Says so.
    fn r#do(&self) -> Text;
}
/// What a client of [`Inner`] can do: the same procedures, with what can become of a call.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub(crate) trait InnerCall {
    /// Says so.
    ///
    /// # Errors
    /// Why there is no answer.
    fn r#do(&self) -> ::core::result::Result<Text, ::nearcall::CallError<::core::convert::Infallible>>;
}
/// A client of [`Inner`]: its methods are calls through a binding.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
#[derive(::core::fmt::Debug)]
pub(crate) struct InnerClient {
    binding: ::nearcall::Binding,
}
/// Serves any [`Inner`] to other address spaces.
#[allow(dead_code, reason = "a program may use one side of an interface only")]
pub(crate) struct InnerServer<T>(T);
/// [`InnerCall`] without a boundary: calls a [`Inner`] in the same address space.
///
/// Unlike a call, it leaves in-out and out targets as the procedure left them when that returned an error.
#[allow(dead_code, reason = "a program may have no use for it")]
pub(crate) struct InnerLocal<T>(
    /// What is called.
    pub(crate) T,
);
const _: () = {
    /// What of a head of this size lies in the frame, in bytes.
    const fn __in_frame(head: usize) -> usize {
        if head > ::nearcall::rt::LINE_BYTES { head } else { 0 }
    }
    const fn __max(a: usize, b: usize) -> usize {
        if a > b { a } else { b }
    }
    const fn __varies<T: ::nearcall::Wire>() -> bool {
        !::core::matches!(T::CLASS, ::nearcall::rt::Class::Fixed)
    }
    const __DO_AT_0: usize = 0;
    const __DO_REQ: usize = ::nearcall::rt::head_bytes(__DO_AT_0);
    const __DO_BACK_0: usize = 0;
    const __DO_BACK_1: usize = __DO_BACK_0 + <Text as ::nearcall::Wire>::SIZE;
    const __DO_REP: usize = ::nearcall::rt::head_bytes(__DO_BACK_1);
    const __DO_PLACES: bool = __in_frame(__DO_REP) != 0 || __varies::<Text>();
    const __DO_FRAME: usize = if __varies::<Text>() {
        ::core::assert!(
            __max(__in_frame(__DO_REQ), __in_frame(__DO_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `r#do` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__DO_REQ), __in_frame(__DO_REP))
    };
    static __INTERFACE: ::nearcall::rt::Interface = ::nearcall::rt::Interface {
        name: "Inner",
        uuid: 0,
        version: (0, 0),
        procedures: &[::nearcall::rt::Procedure {
            name: "do",
            origin: "",
            params: &[::nearcall::rt::Param {
                name: "return",
                direction: ::nearcall::rt::Direction::Return,
                size: <Text as ::nearcall::Wire>::SIZE,
                max: { ::nearcall::rt::DEFAULT_MAX },
                carried: ::nearcall::rt::Carried::Value(<Text as ::nearcall::Wire>::CLASS),
                shape: <Text as ::nearcall::Wire>::SHAPE,
            }],
            request_size: __DO_REQ,
            reply_size: __DO_REP,
            frame_size: __DO_FRAME,
            concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
            exhausted: ::nearcall::rt::Exhausted::Wait,
            timeout: ::core::option::Option::None,
            idempotent: false,
            handoff: false,
            near: false,
        }],
    };
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl InnerClient {
        /// Binds to the `Inner` exported as `name`.
        ///
        /// # Errors
        /// [`BindError`](::nearcall::BindError) says why there is none.
        pub(crate) fn bind(name: &str) -> ::core::result::Result<Self, ::nearcall::BindError> {
            ::nearcall::bind::<Self>(name)
        }
        /// A client of `imp`, which has no name: to be passed to other processes, which call it back.
        ///
        /// # Errors
        /// [`BindError`](::nearcall::BindError): this process was forked, or the kernel refuses it something.
        pub(crate) fn serve<__T: Inner + ::core::marker::Send + ::core::marker::Sync + 'static>(
            imp: __T,
        ) -> ::core::result::Result<::nearcall::Callback<Self>, ::nearcall::BindError> {
            ::nearcall::Callback::new(InnerServer::new(imp))
        }
        /// What `Inner` is, in words: signatures, sizes, and how the parameters travel.
        #[must_use]
        pub(crate) fn describe() -> ::nearcall::Description {
            ::nearcall::describe::<Self>()
        }
        /// Says so.
        ///
        /// # Errors
        /// Why there is no answer.
        #[inline]
        pub(crate) fn r#do(&self) -> ::core::result::Result<Text, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = match self.binding.begin::<__DO_REQ, __DO_REP>(0u16) {
                ::core::result::Result::Ok(__call) => __call,
                ::core::result::Result::Err(__why) => return self.__far_do(__why),
            };
            let mut __reply = __call.transfer::<__DO_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Text, { ::nearcall::rt::DEFAULT_MAX }>(__DO_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        #[cold]
        #[inline(never)]
        fn __far_do(
            &self,
            __why: ::nearcall::rt::Failure,
        ) -> ::core::result::Result<Text, ::nearcall::CallError<::core::convert::Infallible>> {
            let __call = self.binding.begin_far::<__DO_REQ, __DO_REP>(0u16, __why)?;
            let mut __reply = __call.transfer::<__DO_PLACES>()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Text, { ::nearcall::rt::DEFAULT_MAX }>(__DO_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Starts [`do`](Self::do) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub(crate) fn start_do(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Text, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            let __call = self.binding.begin_start::<__DO_REQ, __DO_REP>(0u16)?;
            let __read = move |
                __answer: ::nearcall::rt::Answer<'_>,
            | -> ::core::result::Result<
                Text,
                ::nearcall::CallError<::core::convert::Infallible>,
            > {
                let mut __reply = __answer.open::<__DO_REP, __DO_PLACES>()?;
                __reply.refuse_app()?;
                let __return = __reply
                    .get::<Text, { ::nearcall::rt::DEFAULT_MAX }>(__DO_BACK_0)?;
                __reply.end();
                ::core::result::Result::Ok(__return)
            };
            ::core::result::Result::Ok(__call.start::<__DO_PLACES, _, _>(&self.binding, __read)?)
        }
    }
    impl ::nearcall::Client for InnerClient {
        const NAME: &'static str = "Inner";
        const INTERFACE: &'static ::nearcall::rt::Interface = &__INTERFACE;
        fn from_binding(binding: ::nearcall::Binding) -> Self {
            Self { binding }
        }
        fn binding(&self) -> &::nearcall::Binding {
            &self.binding
        }
    }
    impl InnerCall for InnerClient {
        #[inline]
        fn r#do(&self) -> ::core::result::Result<Text, ::nearcall::CallError<::core::convert::Infallible>> {
            Self::r#do(self)
        }
    }
    #[allow(dead_code, reason = "a program may use one side of an interface only")]
    impl<T: Inner + ::core::marker::Send + ::core::marker::Sync + 'static> InnerServer<T> {
        /// A service of `imp`, for [`Exporter`](::nearcall::Exporter) or [`InnerServer::export`].
        pub(crate) const fn new(imp: T) -> Self {
            Self(imp)
        }
        /// Exports `imp` as `name`, until the result is dropped.
        ///
        /// # Errors
        /// [`ExportError`](::nearcall::ExportError) says why it cannot be.
        pub(crate) fn export(
            name: &str,
            imp: T,
        ) -> ::core::result::Result<::nearcall::Export, ::nearcall::ExportError> {
            ::nearcall::export(name, Self::new(imp))
        }
        const __SERVE: &'static [::nearcall::rt::Serve<T>] = &[__serve_do::<T>];
    }
    impl<T> ::core::fmt::Debug for InnerServer<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("InnerServer").finish_non_exhaustive()
        }
    }
    impl<T: Inner + ::core::marker::Send + ::core::marker::Sync + 'static> ::nearcall::rt::Service for InnerServer<T> {
        fn interface(&self) -> &'static ::nearcall::rt::Interface {
            &__INTERFACE
        }
        fn call(
            &self,
            __procedure: u16,
            __call: &mut ::nearcall::rt::Incoming<'_>,
        ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
            match Self::__SERVE.get(::core::convert::Into::<usize>::into(__procedure)) {
                ::core::option::Option::Some(__serve) => __serve(&self.0, __call),
                ::core::option::Option::None => ::core::result::Result::Err(::nearcall::rt::Refusal::NoSuchProcedure),
            }
        }
    }
    fn __serve_do<__T: Inner>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__DO_REQ, __DO_REP>()?;
        let __return = <__T as Inner>::r#do(__imp);
        let mut __head = ::nearcall::rt::Head::<__DO_REP>::ZERO;
        __call.reply_value::<Text, _, { ::nearcall::rt::DEFAULT_MAX }>(&mut __head, __DO_BACK_0, &__return)?;
        __call.reply::<__DO_REP, __DO_PLACES>(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(dead_code, reason = "a program may have no use for it")]
    impl<__T: Inner> InnerLocal<__T> {
        /// Starts [`do`](Self::do) and does not wait for it.
        ///
        /// # Errors
        /// What keeps it from being sent; [`NoAStack`](::nearcall::CallError::NoAStack) at once if none is free. The rest
        /// comes with the end of the [`Pending`](::nearcall::Pending).
        ///
        /// It has ended by then: there is no boundary beyond which it could go on.
        #[allow(clippy::type_complexity, reason = "the types of the procedure, and what can become of a call")]
        pub(crate) fn start_do(
            &self,
        ) -> ::core::result::Result<
            ::nearcall::Pending<'_, Text, ::core::convert::Infallible>,
            ::nearcall::CallError<::core::convert::Infallible>,
        > {
            ::core::result::Result::Ok(::nearcall::Pending::over(<Self as InnerCall>::r#do(self)))
        }
    }
    impl<T> ::core::fmt::Debug for InnerLocal<T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("InnerLocal").finish_non_exhaustive()
        }
    }
    impl<__T: Inner> InnerCall for InnerLocal<__T> {
        #[inline]
        fn r#do(&self) -> ::core::result::Result<Text, ::nearcall::CallError<::core::convert::Infallible>> {
            ::core::result::Result::Ok(<__T as Inner>::r#do(&self.0))
        }
    }
    impl<__T: Inner + ?::core::marker::Sized> Inner for ::std::sync::Arc<__T> {
        #[inline]
        fn r#do(&self) -> Text {
            <__T as Inner>::r#do(self)
        }
    }
};
