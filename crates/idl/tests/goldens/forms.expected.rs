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
        const SIZE: usize = __AT_1 + <f32 as ::nearcall::Wire>::SIZE;
        const ALIGN: usize = {
            let mut align = 1;
            if <f32 as ::nearcall::Wire>::ALIGN > align {
                align = <f32 as ::nearcall::Wire>::ALIGN;
            }
            if <f32 as ::nearcall::Wire>::ALIGN > align {
                align = <f32 as ::nearcall::Wire>::ALIGN;
            }
            align
        };
        const CLASS: ::nearcall::rt::Class = {
            let mut class = ::nearcall::rt::Class::Fixed;
            if ::core::matches!(<f32 as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            }
            if ::core::matches!(<f32 as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            }
            class
        };
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Point",
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
        const SIZE: usize = __AT_0 + <[u8; 64] as ::nearcall::Wire>::SIZE;
        const ALIGN: usize = {
            let mut align = 1;
            if <[u8; 64] as ::nearcall::Wire>::ALIGN > align {
                align = <[u8; 64] as ::nearcall::Wire>::ALIGN;
            }
            align
        };
        const CLASS: ::nearcall::rt::Class = {
            let mut class = ::nearcall::rt::Class::Fixed;
            if ::core::matches!(<[u8; 64] as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            }
            class
        };
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Block",
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
        fn get(
            __head: &[u8],
            __at: usize,
            __tail: &mut ::nearcall::rt::Tail<'_>,
        ) -> ::core::result::Result<Self, ::nearcall::rt::Malformed> {
            ::core::result::Result::Ok(Self {
                bytes: <[u8; 64] as ::nearcall::Wire>::get(__head, __at.saturating_add(__AT_0), __tail)?,
            })
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
        const SIZE: usize = __AT_2 + <Vec<u16> as ::nearcall::Wire>::SIZE;
        const ALIGN: usize = {
            let mut align = 1;
            if <u8 as ::nearcall::Wire>::ALIGN > align {
                align = <u8 as ::nearcall::Wire>::ALIGN;
            }
            if <Text as ::nearcall::Wire>::ALIGN > align {
                align = <Text as ::nearcall::Wire>::ALIGN;
            }
            if <Vec<u16> as ::nearcall::Wire>::ALIGN > align {
                align = <Vec<u16> as ::nearcall::Wire>::ALIGN;
            }
            align
        };
        const CLASS: ::nearcall::rt::Class = {
            let mut class = ::nearcall::rt::Class::Fixed;
            if ::core::matches!(<u8 as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            }
            if ::core::matches!(<Text as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            }
            if ::core::matches!(<Vec<u16> as ::nearcall::Wire>::CLASS, ::nearcall::rt::Class::Varying) {
                class = ::nearcall::rt::Class::Varying;
            }
            class
        };
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct {
            name: "Entry",
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
    }
};
/// Nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Nothing;
const _: () = {
    #[automatically_derived]
    impl ::nearcall::Wire for Nothing {
        const SIZE: usize = 0;
        const ALIGN: usize = 1;
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed;
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Struct { name: "Nothing", fields: &[] };
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
        const SIZE: usize = <i8 as ::nearcall::Wire>::SIZE;
        const ALIGN: usize = <i8 as ::nearcall::Wire>::ALIGN;
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed;
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "Turn",
            size: <i8 as ::nearcall::Wire>::SIZE,
            variants: &[
                ("Left", Self::Left as i64),
                ("Straight", Self::Straight as i64),
                ("Right", Self::Right as i64),
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
        const SIZE: usize = <u32 as ::nearcall::Wire>::SIZE;
        const ALIGN: usize = <u32 as ::nearcall::Wire>::ALIGN;
        const CLASS: ::nearcall::rt::Class = ::nearcall::rt::Class::Fixed;
        const SHAPE: &'static ::nearcall::rt::Shape = &::nearcall::rt::Shape::Enum {
            name: "Colour",
            size: <u32 as ::nearcall::Wire>::SIZE,
            variants: &[("Red", Self::Red as i64), ("Green", Self::Green as i64)],
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
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn nothing(&self) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// A value in.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn value(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// A reference in.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn by_ref(&self, block: &Block) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Exactly a line.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn line(
        &self,
        a: u128,
        b: u128,
        c: u64,
    ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Varying in, by value and by reference, with a keyword for a name.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn varying(
        &self,
        r#type: Text,
        entry: &Entry,
        numbers: Vec<u16>,
    ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Bytes.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn bytes(&self, data: &[u8]) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>>;
    /// In-out before in.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn in_out(
        &self,
        point: &mut Point,
        by: Point,
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// In-out bytes.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn reverse(
        &self,
        data: &mut [u8],
    ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>>;
    /// Out.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn out(
        &self,
        turn: &mut Turn,
        point: &mut Point,
    ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>>;
    /// All of the buffer.
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
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
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
    fn block(
        &self,
        block: Block,
        n: u8,
    ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>>;
    /// Replaced by `value`.
    #[deprecated(note = "use `value`")]
    ///
    /// # Errors
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
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
        ::core::matches!(T::CLASS, ::nearcall::rt::Class::Varying)
    }
    const __NOTHING_AT_0: usize = 0;
    const __NOTHING_REQ: usize = ::nearcall::rt::head_bytes(__NOTHING_AT_0);
    const __NOTHING_BACK_0: usize = 0;
    const __NOTHING_REP: usize = ::nearcall::rt::head_bytes(__NOTHING_BACK_0);
    const __NOTHING_FRAME: usize = __max(__in_frame(__NOTHING_REQ), __in_frame(__NOTHING_REP));
    const __VALUE_AT_0: usize = 0;
    const __VALUE_AT_1: usize = __VALUE_AT_0 + <u64 as ::nearcall::Wire>::SIZE;
    const __VALUE_REQ: usize = ::nearcall::rt::head_bytes(__VALUE_AT_1);
    const __VALUE_BACK_0: usize = 0;
    const __VALUE_REP: usize = ::nearcall::rt::head_bytes(__VALUE_BACK_0);
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
    const __LINE_FRAME: usize = if __varies::<u128>() || __varies::<u128>() || __varies::<u64>() || __varies::<Turn>() {
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
    const __VARYING_FRAME: usize =
        if __varies::<Text>() || __varies::<Entry>() || __varies::<Vec<u16>>() || __varies::<Entry>() {
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
    const _: () = ::core::assert!(
        !__varies::<Point>(),
        "`point` comes back in a place that is known before the call: its type must have a fixed size"
    );
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
    const _: () = ::core::assert!(
        !__varies::<Turn>(),
        "`turn` comes back in a place that is known before the call: its type must have a fixed size"
    );
    const _: () = ::core::assert!(
        !__varies::<Point>(),
        "`point` comes back in a place that is known before the call: its type must have a fixed size"
    );
    const __OUT_FRAME: usize = if __varies::<bool>() {
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
    const _: () = ::core::assert!(
        !__varies::<u32>(),
        "`count` comes back in a place that is known before the call: its type must have a fixed size"
    );
    const _: () = ::core::assert!(
        !__varies::<Turn>(),
        "`turn` comes back in a place that is known before the call: its type must have a fixed size"
    );
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
    const __BLOCK_FRAME: usize = if __varies::<Block>() || __varies::<u8>() || __varies::<Block>() {
        ::core::assert!(
            __max(__in_frame(__BLOCK_REQ), __in_frame(__BLOCK_REP)) < ::nearcall::rt::DEFAULT_FRAME_SIZE,
            "the fixed parts of `block` fill the default frame: give it `#[call(astack = ..)]`"
        );
        ::nearcall::rt::DEFAULT_FRAME_SIZE
    } else {
        __max(__in_frame(__BLOCK_REQ), __in_frame(__BLOCK_REP))
    };
    const __OLD_AT_0: usize = 0;
    const __OLD_AT_1: usize = __OLD_AT_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __OLD_REQ: usize = ::nearcall::rt::head_bytes(__OLD_AT_1);
    const __OLD_BACK_0: usize = 0;
    const __OLD_BACK_1: usize = __OLD_BACK_0 + <u8 as ::nearcall::Wire>::SIZE;
    const __OLD_REP: usize = ::nearcall::rt::head_bytes(__OLD_BACK_1);
    const __OLD_FRAME: usize = if __varies::<u8>() || __varies::<u8>() {
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
        procedures: &[
            ::nearcall::rt::Procedure {
                name: "nothing",
                params: &[::nearcall::rt::Param {
                    name: "return",
                    direction: ::nearcall::rt::Direction::Return,
                    shape: &::nearcall::rt::Shape::Unit,
                }],
                frame_size: __NOTHING_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "value",
                params: &[
                    ::nearcall::rt::Param {
                        name: "x",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: &::nearcall::rt::Shape::Unit,
                    },
                ],
                frame_size: __VALUE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "by_ref",
                params: &[
                    ::nearcall::rt::Param {
                        name: "block",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Block as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __BY_REF_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "line",
                params: &[
                    ::nearcall::rt::Param {
                        name: "a",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u128 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "b",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u128 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "c",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <Turn as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __LINE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "varying",
                params: &[
                    ::nearcall::rt::Param {
                        name: "type",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Text as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "entry",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Entry as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "numbers",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Vec<u16> as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <Entry as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __VARYING_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "bytes",
                params: &[
                    ::nearcall::rt::Param {
                        name: "data",
                        direction: ::nearcall::rt::Direction::In,
                        shape: &::nearcall::rt::Shape::Seq { item: <u8 as ::nearcall::Wire>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __BYTES_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "in_out",
                params: &[
                    ::nearcall::rt::Param {
                        name: "point",
                        direction: ::nearcall::rt::Direction::InOut,
                        shape: <Point as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "by",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Point as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: &::nearcall::rt::Shape::Unit,
                    },
                ],
                frame_size: __IN_OUT_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "reverse",
                params: &[
                    ::nearcall::rt::Param {
                        name: "data",
                        direction: ::nearcall::rt::Direction::InOut,
                        shape: &::nearcall::rt::Shape::Seq { item: <u8 as ::nearcall::Wire>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: &::nearcall::rt::Shape::Unit,
                    },
                ],
                frame_size: __REVERSE_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "out",
                params: &[
                    ::nearcall::rt::Param {
                        name: "turn",
                        direction: ::nearcall::rt::Direction::Out,
                        shape: <Turn as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "point",
                        direction: ::nearcall::rt::Direction::Out,
                        shape: <Point as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <bool as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __OUT_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "fill",
                params: &[
                    ::nearcall::rt::Param {
                        name: "buf",
                        direction: ::nearcall::rt::Direction::Out,
                        shape: &::nearcall::rt::Shape::Seq { item: <u8 as ::nearcall::Wire>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "with",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: &::nearcall::rt::Shape::Unit,
                    },
                ],
                frame_size: __FILL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "all",
                params: &[
                    ::nearcall::rt::Param {
                        name: "a",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "text",
                        direction: ::nearcall::rt::Direction::In,
                        shape: &::nearcall::rt::Shape::Str,
                    },
                    ::nearcall::rt::Param {
                        name: "first",
                        direction: ::nearcall::rt::Direction::Out,
                        shape: &::nearcall::rt::Shape::Seq { item: <u8 as ::nearcall::Wire>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "colour",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Colour as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "count",
                        direction: ::nearcall::rt::Direction::InOut,
                        shape: <u32 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "scratch",
                        direction: ::nearcall::rt::Direction::InOut,
                        shape: &::nearcall::rt::Shape::Seq { item: <u8 as ::nearcall::Wire>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "second",
                        direction: ::nearcall::rt::Direction::Out,
                        shape: &::nearcall::rt::Shape::Seq { item: <u8 as ::nearcall::Wire>::SHAPE },
                    },
                    ::nearcall::rt::Param {
                        name: "turn",
                        direction: ::nearcall::rt::Direction::Out,
                        shape: <Turn as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <u64 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        shape: <Text as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __ALL_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::Some(::core::time::Duration::MAX),
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "nothing_or",
                params: &[
                    ::nearcall::rt::Param {
                        name: "nothing",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Nothing as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: &::nearcall::rt::Shape::Unit,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        shape: <Colour as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __NOTHING_OR_FRAME,
                concurrency: 64,
                timeout: ::core::option::Option::Some(::core::time::Duration::new(0, 250000)),
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "small_or",
                params: &[
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "error",
                        direction: ::nearcall::rt::Direction::Error,
                        shape: <[u64; 6] as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __SMALL_OR_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "block",
                params: &[
                    ::nearcall::rt::Param {
                        name: "block",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <Block as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "n",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <Block as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __BLOCK_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
            },
            ::nearcall::rt::Procedure {
                name: "old",
                params: &[
                    ::nearcall::rt::Param {
                        name: "move",
                        direction: ::nearcall::rt::Direction::In,
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                    ::nearcall::rt::Param {
                        name: "return",
                        direction: ::nearcall::rt::Direction::Return,
                        shape: <u8 as ::nearcall::Wire>::SHAPE,
                    },
                ],
                frame_size: __OLD_FRAME,
                concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
                timeout: ::core::option::Option::None,
                idempotent: false,
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
        /// Nothing either way.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn nothing(&self) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let __reply = self.binding.begin::<__NOTHING_REQ, __NOTHING_REP>(0u16)?.transfer()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// A value in.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn value(&self, x: u64) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__VALUE_REQ, __VALUE_REP>(1u16)?;
            __call.put::<u64>(__VALUE_AT_0, &x);
            __call.tail::<u64>(&x)?;
            let __reply = __call.transfer()?;
            __reply.refuse_app()?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// A reference in.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn by_ref(
            &self,
            block: &Block,
        ) -> ::core::result::Result<u32, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__BY_REF_REQ, __BY_REF_REP>(2u16)?;
            __call.put::<Block>(__BY_REF_AT_0, block);
            __call.tail::<Block>(block)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u32>(__BY_REF_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Exactly a line.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn line(
            &self,
            a: u128,
            b: u128,
            c: u64,
        ) -> ::core::result::Result<Turn, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__LINE_REQ, __LINE_REP>(3u16)?;
            __call.put::<u128>(__LINE_AT_0, &a);
            __call.put::<u128>(__LINE_AT_1, &b);
            __call.put::<u64>(__LINE_AT_2, &c);
            __call.tail::<u128>(&a)?;
            __call.tail::<u128>(&b)?;
            __call.tail::<u64>(&c)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Turn>(__LINE_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Varying in, by value and by reference, with a keyword for a name.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn varying(
            &self,
            r#type: Text,
            entry: &Entry,
            numbers: Vec<u16>,
        ) -> ::core::result::Result<Entry, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__VARYING_REQ, __VARYING_REP>(4u16)?;
            __call.put::<Text>(__VARYING_AT_0, &r#type);
            __call.put::<Entry>(__VARYING_AT_1, entry);
            __call.put::<Vec<u16>>(__VARYING_AT_2, &numbers);
            __call.tail::<Text>(&r#type)?;
            __call.tail::<Entry>(entry)?;
            __call.tail::<Vec<u16>>(&numbers)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Entry>(__VARYING_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Bytes.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn bytes(
            &self,
            data: &[u8],
        ) -> ::core::result::Result<u64, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__BYTES_REQ, __BYTES_REP>(5u16)?;
            __call.count(__BYTES_AT_0, data.len());
            __call.bytes(data)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u64>(__BYTES_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// In-out before in.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn in_out(
            &self,
            point: &mut Point,
            by: Point,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__IN_OUT_REQ, __IN_OUT_REP>(6u16)?;
            __call.put::<Point>(__IN_OUT_AT_0, &by);
            __call.put::<Point>(__IN_OUT_AT_1, point);
            __call.tail::<Point>(&by)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __point = __reply.get::<Point>(__IN_OUT_BACK_0)?;
            *point = __point;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// In-out bytes.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn reverse(
            &self,
            data: &mut [u8],
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__REVERSE_REQ, __REVERSE_REP>(7u16)?;
            __call.count(__REVERSE_AT_0, data.len());
            __call.bytes(data)?;
            let mut __reply = __call.transfer()?;
            let __data = __reply.area(data.len());
            __reply.refuse_app()?;
            __reply.copy_out(&__data, data.len(), data)?;
            __reply.end();
            ::core::result::Result::Ok(())
        }
        /// Out.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn out(
            &self,
            turn: &mut Turn,
            point: &mut Point,
        ) -> ::core::result::Result<bool, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __reply = self.binding.begin::<__OUT_REQ, __OUT_REP>(8u16)?.transfer()?;
            __reply.refuse_app()?;
            let __turn = __reply.get::<Turn>(__OUT_BACK_0)?;
            let __point = __reply.get::<Point>(__OUT_BACK_1)?;
            let __return = __reply.get::<bool>(__OUT_BACK_2)?;
            *turn = __turn;
            *point = __point;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// All of the buffer.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn fill(
            &self,
            buf: &mut [u8],
            with: u8,
        ) -> ::core::result::Result<(), ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__FILL_REQ, __FILL_REP>(9u16)?;
            __call.put::<u8>(__FILL_AT_0, &with);
            __call.count(__FILL_AT_1, buf.len());
            __call.tail::<u8>(&with)?;
            let mut __reply = __call.transfer()?;
            let __buf = __reply.area(buf.len());
            __reply.refuse_app()?;
            __reply.copy_out(&__buf, buf.len(), buf)?;
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
            let mut __call = self.binding.begin::<__ALL_REQ, __ALL_REP>(10u16)?;
            __call.put::<u8>(__ALL_AT_0, &a);
            __call.count(__ALL_AT_1, text.len());
            __call.put::<Colour>(__ALL_AT_2, &colour);
            __call.put::<u32>(__ALL_AT_3, count);
            __call.count(__ALL_AT_4, scratch.len());
            __call.count(__ALL_AT_5, first.len());
            __call.count(__ALL_AT_6, second.len());
            __call.tail::<u8>(&a)?;
            __call.bytes(text.as_bytes())?;
            __call.tail::<Colour>(&colour)?;
            __call.bytes(scratch)?;
            let mut __reply = __call.transfer()?;
            let __scratch = __reply.area(scratch.len());
            let __first = __reply.area(first.len());
            let __second = __reply.area(second.len());
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(__reply.get::<Text>(0)?));
            }
            let __count = __reply.get::<u32>(__ALL_BACK_0)?;
            let __turn = __reply.get::<Turn>(__ALL_BACK_1)?;
            let __return = __reply.get::<u64>(__ALL_BACK_2)?;
            __reply.check(&__scratch, scratch.len())?;
            __reply.check(&__first, ::nearcall::rt::OutLen::out_len(__return))?;
            __reply.check(&__second, second.len())?;
            __reply.copy_out(&__scratch, scratch.len(), scratch)?;
            __reply.copy_out(&__first, ::nearcall::rt::OutLen::out_len(__return), first)?;
            __reply.copy_out(&__second, second.len(), second)?;
            *count = __count;
            *turn = __turn;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Nothing, or an error.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn nothing_or(&self, nothing: Nothing) -> ::core::result::Result<(), ::nearcall::CallError<Colour>> {
            let mut __call = self.binding.begin::<__NOTHING_OR_REQ, __NOTHING_OR_REP>(11u16)?;
            __call.put::<Nothing>(__NOTHING_OR_AT_0, &nothing);
            __call.tail::<Nothing>(&nothing)?;
            let mut __reply = __call.transfer()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(__reply.get::<Colour>(0)?));
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
            let mut __reply = self.binding.begin::<__SMALL_OR_REQ, __SMALL_OR_REP>(12u16)?.transfer()?;
            if __reply.is_app() {
                return ::core::result::Result::Err(::nearcall::CallError::App(__reply.get::<[u64; 6]>(0)?));
            }
            let __return = __reply.get::<u8>(__SMALL_OR_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// More bytes than a line holds, exactly.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn block(
            &self,
            block: Block,
            n: u8,
        ) -> ::core::result::Result<Block, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__BLOCK_REQ, __BLOCK_REP>(13u16)?;
            __call.put::<Block>(__BLOCK_AT_0, &block);
            __call.put::<u8>(__BLOCK_AT_1, &n);
            __call.tail::<Block>(&block)?;
            __call.tail::<u8>(&n)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Block>(__BLOCK_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
        /// Replaced by `value`.
        #[deprecated(note = "use `value`")]
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub fn old(
            &self,
            r#move: u8,
        ) -> ::core::result::Result<u8, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __call = self.binding.begin::<__OLD_REQ, __OLD_REP>(14u16)?;
            __call.put::<u8>(__OLD_AT_0, &r#move);
            __call.tail::<u8>(&r#move)?;
            let mut __reply = __call.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<u8>(__OLD_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
    }
    impl ::nearcall::Client for FormsClient {
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
        __call.reply(&::nearcall::rt::Head::<__NOTHING_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_value<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__VALUE_REQ, __VALUE_REP>()?;
        let __x = __call.value::<u64, __VALUE_REQ>(&__head, __VALUE_AT_0)?;
        <__T as Forms>::value(__imp, __x);
        __call.reply(&::nearcall::rt::Head::<__VALUE_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_by_ref<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__BY_REF_REQ, __BY_REF_REP>()?;
        let __block = __call.value::<Block, __BY_REF_REQ>(&__head, __BY_REF_AT_0)?;
        let __return = <__T as Forms>::by_ref(__imp, &__block);
        let mut __head = ::nearcall::rt::Head::<__BY_REF_REP>::ZERO;
        __head.put::<u32>(__BY_REF_BACK_0, &__return);
        __call.reply_tail::<u32>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_line<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__LINE_REQ, __LINE_REP>()?;
        let __a = __call.value::<u128, __LINE_REQ>(&__head, __LINE_AT_0)?;
        let __b = __call.value::<u128, __LINE_REQ>(&__head, __LINE_AT_1)?;
        let __c = __call.value::<u64, __LINE_REQ>(&__head, __LINE_AT_2)?;
        let __return = <__T as Forms>::line(__imp, __a, __b, __c);
        let mut __head = ::nearcall::rt::Head::<__LINE_REP>::ZERO;
        __head.put::<Turn>(__LINE_BACK_0, &__return);
        __call.reply_tail::<Turn>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_varying<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__VARYING_REQ, __VARYING_REP>()?;
        let __type = __call.value::<Text, __VARYING_REQ>(&__head, __VARYING_AT_0)?;
        let __entry = __call.value::<Entry, __VARYING_REQ>(&__head, __VARYING_AT_1)?;
        let __numbers = __call.value::<Vec<u16>, __VARYING_REQ>(&__head, __VARYING_AT_2)?;
        let __return = <__T as Forms>::varying(__imp, __type, &__entry, __numbers);
        let mut __head = ::nearcall::rt::Head::<__VARYING_REP>::ZERO;
        __head.put::<Entry>(__VARYING_BACK_0, &__return);
        __call.reply_tail::<Entry>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_bytes<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__BYTES_REQ, __BYTES_REP>()?;
        let __data = __call.bytes(::nearcall::rt::get_count(&__head.0, __BYTES_AT_0)?)?;
        let __return = <__T as Forms>::bytes(__imp, __data);
        let mut __head = ::nearcall::rt::Head::<__BYTES_REP>::ZERO;
        __head.put::<u64>(__BYTES_BACK_0, &__return);
        __call.reply_tail::<u64>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_in_out<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__IN_OUT_REQ, __IN_OUT_REP>()?;
        let __by = __call.value::<Point, __IN_OUT_REQ>(&__head, __IN_OUT_AT_0)?;
        let mut __point = __call.value::<Point, __IN_OUT_REQ>(&__head, __IN_OUT_AT_1)?;
        <__T as Forms>::in_out(__imp, &mut __point, __by);
        let mut __head = ::nearcall::rt::Head::<__IN_OUT_REP>::ZERO;
        __head.put::<Point>(__IN_OUT_BACK_0, &__point);
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_reverse<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__REVERSE_REQ, __REVERSE_REP>()?;
        let __data = __call.in_out(::nearcall::rt::get_count(&__head.0, __REVERSE_AT_0)?)?;
        <__T as Forms>::reverse(__imp, __data);
        __call.reply(&::nearcall::rt::Head::<__REVERSE_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_out<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let _ = __call.open::<__OUT_REQ, __OUT_REP>()?;
        let mut __turn = <Turn as ::core::default::Default>::default();
        let mut __point = <Point as ::core::default::Default>::default();
        let __return = <__T as Forms>::out(__imp, &mut __turn, &mut __point);
        let mut __head = ::nearcall::rt::Head::<__OUT_REP>::ZERO;
        __head.put::<Turn>(__OUT_BACK_0, &__turn);
        __head.put::<Point>(__OUT_BACK_1, &__point);
        __head.put::<bool>(__OUT_BACK_2, &__return);
        __call.reply_tail::<bool>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_fill<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__FILL_REQ, __FILL_REP>()?;
        let __with = __call.value::<u8, __FILL_REQ>(&__head, __FILL_AT_0)?;
        let __buf = __call.out(::nearcall::rt::get_count(&__head.0, __FILL_AT_1)?)?;
        <__T as Forms>::fill(__imp, __buf, __with);
        __call.reply(&::nearcall::rt::Head::<__FILL_REP>::ZERO);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_all<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__ALL_REQ, __ALL_REP>()?;
        let __a = __call.value::<u8, __ALL_REQ>(&__head, __ALL_AT_0)?;
        let __text = __call.str(::nearcall::rt::get_count(&__head.0, __ALL_AT_1)?)?;
        let __colour = __call.value::<Colour, __ALL_REQ>(&__head, __ALL_AT_2)?;
        let mut __count = __call.value::<u32, __ALL_REQ>(&__head, __ALL_AT_3)?;
        let __scratch = __call.in_out(::nearcall::rt::get_count(&__head.0, __ALL_AT_4)?)?;
        let __first = __call.out(::nearcall::rt::get_count(&__head.0, __ALL_AT_5)?)?;
        let __second = __call.out(::nearcall::rt::get_count(&__head.0, __ALL_AT_6)?)?;
        let mut __turn = <Turn as ::core::default::Default>::default();
        match <__T as Forms>::all(__imp, __a, __text, __first, __colour, &mut __count, __scratch, __second, &mut __turn)
        {
            ::core::result::Result::Ok(__return) => {
                let mut __head = ::nearcall::rt::Head::<__ALL_REP>::ZERO;
                __head.put::<u32>(__ALL_BACK_0, &__count);
                __head.put::<Turn>(__ALL_BACK_1, &__turn);
                __head.put::<u64>(__ALL_BACK_2, &__return);
                __call.reply_tail::<u64>(&__return)?;
                __call.reply(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__ALL_REP>::ZERO;
                __head.put::<Text>(0, &__error);
                __call.reply_tail::<Text>(&__error)?;
                __call.reply_app(&__head);
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
        let __nothing = __call.value::<Nothing, __NOTHING_OR_REQ>(&__head, __NOTHING_OR_AT_0)?;
        match <__T as Forms>::nothing_or(__imp, __nothing) {
            ::core::result::Result::Ok(()) => {
                __call.reply(&::nearcall::rt::Head::<__NOTHING_OR_REP>::ZERO);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__NOTHING_OR_REP>::ZERO;
                __head.put::<Colour>(0, &__error);
                __call.reply_tail::<Colour>(&__error)?;
                __call.reply_app(&__head);
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
                __head.put::<u8>(__SMALL_OR_BACK_0, &__return);
                __call.reply_tail::<u8>(&__return)?;
                __call.reply(&__head);
            }
            ::core::result::Result::Err(__error) => {
                let mut __head = ::nearcall::rt::Head::<__SMALL_OR_REP>::ZERO;
                __head.put::<[u64; 6]>(0, &__error);
                __call.reply_tail::<[u64; 6]>(&__error)?;
                __call.reply_app(&__head);
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
        let __block = __call.value::<Block, __BLOCK_REQ>(&__head, __BLOCK_AT_0)?;
        let __n = __call.value::<u8, __BLOCK_REQ>(&__head, __BLOCK_AT_1)?;
        let __return = <__T as Forms>::block(__imp, __block, __n);
        let mut __head = ::nearcall::rt::Head::<__BLOCK_REP>::ZERO;
        __head.put::<Block>(__BLOCK_BACK_0, &__return);
        __call.reply_tail::<Block>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
    }
    #[allow(deprecated, reason = "generated code names every procedure")]
    fn __serve_old<__T: Forms>(
        __imp: &__T,
        __call: &mut ::nearcall::rt::Incoming<'_>,
    ) -> ::core::result::Result<(), ::nearcall::rt::Refusal> {
        let __head = __call.open::<__OLD_REQ, __OLD_REP>()?;
        let __move = __call.value::<u8, __OLD_REQ>(&__head, __OLD_AT_0)?;
        let __return = <__T as Forms>::old(__imp, __move);
        let mut __head = ::nearcall::rt::Head::<__OLD_REP>::ZERO;
        __head.put::<u8>(__OLD_BACK_0, &__return);
        __call.reply_tail::<u8>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
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
    /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
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
        ::core::matches!(T::CLASS, ::nearcall::rt::Class::Varying)
    }
    const __DO_AT_0: usize = 0;
    const __DO_REQ: usize = ::nearcall::rt::head_bytes(__DO_AT_0);
    const __DO_BACK_0: usize = 0;
    const __DO_BACK_1: usize = __DO_BACK_0 + <Text as ::nearcall::Wire>::SIZE;
    const __DO_REP: usize = ::nearcall::rt::head_bytes(__DO_BACK_1);
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
        procedures: &[::nearcall::rt::Procedure {
            name: "do",
            params: &[::nearcall::rt::Param {
                name: "return",
                direction: ::nearcall::rt::Direction::Return,
                shape: <Text as ::nearcall::Wire>::SHAPE,
            }],
            frame_size: __DO_FRAME,
            concurrency: ::nearcall::rt::DEFAULT_CONCURRENCY,
            timeout: ::core::option::Option::None,
            idempotent: false,
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
        /// Says so.
        ///
        /// # Errors
        /// What the procedure itself returns, as [`App`](::nearcall::CallError::App), or why there is no answer.
        #[inline]
        pub(crate) fn r#do(&self) -> ::core::result::Result<Text, ::nearcall::CallError<::core::convert::Infallible>> {
            let mut __reply = self.binding.begin::<__DO_REQ, __DO_REP>(0u16)?.transfer()?;
            __reply.refuse_app()?;
            let __return = __reply.get::<Text>(__DO_BACK_0)?;
            __reply.end();
            ::core::result::Result::Ok(__return)
        }
    }
    impl ::nearcall::Client for InnerClient {
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
        __head.put::<Text>(__DO_BACK_0, &__return);
        __call.reply_tail::<Text>(&__return)?;
        __call.reply(&__head);
        ::core::result::Result::Ok(())
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
