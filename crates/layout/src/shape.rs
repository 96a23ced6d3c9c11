//! What a type is, as constant data: the input of fingerprints, differences and descriptions.

use alloc::vec::Vec;
use core::any::TypeId;
use core::fmt;

use crate::wire::Wire;

/// Ends the origin of a procedure whose stubs carry each call as one message: those of the interface compiler's conventional
/// back end. It is part of the fingerprint, and what it carries is near only.
pub const MESSAGES: &str = "messages";

/// The described form of a type that travels.
///
/// Two types that are spelled alike ([`Spelling`]) have equal encodings. Names of structs, fields and variants are part of
/// the shape, so that swapping two fields of one type is an incompatibility and not a silent exchange of values.
#[derive(Clone, Copy)]
pub enum Shape {
    /// No bytes at all.
    Unit,
    /// One byte, 0 or 1.
    Bool,
    /// A Unicode scalar value in 4 bytes.
    Char,
    /// An integer of `size` bytes, two's complement if `signed`.
    Int {
        /// Bytes: 1, 2, 4, 8 or 16.
        size: usize,
        /// Whether the type is signed.
        signed: bool,
    },
    /// An IEEE 754 number of `size` bytes.
    Float {
        /// Bytes: 4 or 8.
        size: usize,
    },
    /// `count` values of one shape, without a count of their own.
    Array {
        /// What each item is.
        item: &'static Self,
        /// How many there are.
        count: usize,
    },
    /// Values in order, without names.
    Tuple {
        /// What each of them is.
        items: &'static [&'static Self],
    },
    /// A byte that says whether there is a value, and the value.
    Optional {
        /// What the value is.
        item: &'static Self,
    },
    /// A byte, 0 or 1, and one of two values.
    Result {
        /// What the value is if the byte is 0.
        ok: &'static Self,
        /// What it is if the byte is 1.
        error: &'static Self,
    },
    /// Text: a byte count, and UTF-8.
    Str,
    /// An item count, and the items.
    Seq {
        /// What each item is: a function, because a type may contain itself.
        item: fn() -> &'static Self,
    },
    /// A value that is owned through a pointer: inside another value the same as what it owns, alone always in the tail.
    Boxed {
        /// What the value is.
        item: fn() -> &'static Self,
    },
    /// Fields in order of declaration, without padding.
    Struct {
        /// The type's own name, without its path.
        name: &'static str,
        /// Tells it from others of that name, within one program.
        id: TypeId,
        /// Fields in order.
        fields: &'static [Field],
    },
    /// A discriminant, and the fields of the variant that it names.
    Enum {
        /// The type's own name, without its path.
        name: &'static str,
        /// Tells it from others of that name, within one program.
        id: TypeId,
        /// Bytes of the discriminant.
        size: usize,
        /// Variants in order.
        variants: &'static [Variant],
    },
    /// What a compiler for another language has spelled, as [`Spelling`] would have in this place.
    Spelled {
        /// The text.
        text: &'static str,
    },
    /// Something that another library encodes, by rules that nobody here looks into.
    Foreign {
        /// Which library that is.
        codec: &'static str,
        /// How the interface spells the type.
        spelling: &'static str,
    },
}

/// A field: its name, or its number, and what it is.
pub type Field = (&'static str, &'static Shape);

/// A variant of an enum.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// Its name.
    pub name: &'static str,
    /// Its discriminant.
    pub value: i64,
    /// Its fields in order.
    pub fields: &'static [Field],
}

/// The shape of `T`, for shapes that must not depend on the value of another.
#[must_use]
pub const fn shape_of<T: Wire>() -> &'static Shape {
    T::SHAPE
}

/// Spells types as Rust does, each struct and enum with its body where it comes first and by its name afterwards. That
/// ends where a type contains itself, and keeps the text as long as there are types. Of several types that share a name,
/// the second is called `Name#2`.
#[derive(Debug, Default)]
pub struct Spelling {
    seen: Vec<(TypeId, &'static str)>,
}

impl Spelling {
    /// Spells `shape`.
    ///
    /// # Errors
    /// What `to` says.
    pub fn spell(&mut self, shape: &Shape, to: &mut dyn fmt::Write) -> fmt::Result {
        match *shape {
            Shape::Unit => to.write_str("()"),
            Shape::Spelled { text } => to.write_str(text),
            Shape::Bool => to.write_str("bool"),
            Shape::Char => to.write_str("char"),
            Shape::Int { size, signed } => write!(to, "{}{}", if signed { 'i' } else { 'u' }, size.saturating_mul(8)),
            Shape::Float { size } => write!(to, "f{}", size.saturating_mul(8)),
            Shape::Array { item, count } => {
                to.write_char('[')?;
                self.spell(item, to)?;
                write!(to, "; {count}]")
            }
            Shape::Tuple { items } => self.list(("(", ")"), items, to),
            Shape::Optional { item } => self.list(("Option<", ">"), &[item], to),
            Shape::Result { ok, error } => self.list(("Result<", ">"), &[ok, error], to),
            Shape::Str => to.write_str("str"),
            Shape::Seq { item } => self.list(("[", "]"), &[item()], to),
            Shape::Boxed { item } => self.list(("Box<", ">"), &[item()], to),
            Shape::Struct { name, id, fields } => {
                if self.named("struct ", name, id, to)? {
                    self.body(fields, to)?;
                }
                Ok(())
            }
            Shape::Enum { name, id, size, variants } => {
                if self.named("enum ", name, id, to)? {
                    write!(to, ": u{} {{", size.saturating_mul(8))?;
                    for (i, Variant { name, value, fields }) in variants.iter().enumerate() {
                        write!(to, "{} {name} = {value}", if i == 0 { "" } else { "," })?;
                        if !fields.is_empty() {
                            self.body(fields, to)?;
                        }
                    }
                    to.write_str(" }")?;
                }
                Ok(())
            }
            Shape::Foreign { codec, spelling } => write!(to, "{codec}({spelling})"),
        }
    }

    fn list(&mut self, (open, close): (&str, &str), items: &[&Shape], to: &mut dyn fmt::Write) -> fmt::Result {
        to.write_str(open)?;
        for (i, item) in items.iter().enumerate() {
            to.write_str(if i == 0 { "" } else { ", " })?;
            self.spell(item, to)?;
        }
        to.write_str(close)
    }

    fn body(&mut self, fields: &[Field], to: &mut dyn fmt::Write) -> fmt::Result {
        to.write_str(" {")?;
        for (i, (field, shape)) in fields.iter().enumerate() {
            write!(to, "{} {field}: ", if i == 0 { "" } else { "," })?;
            self.spell(shape, to)?;
        }
        to.write_str(" }")
    }

    /// Writes the name, after `what` if this is where the body belongs; says whether it is.
    fn named(
        &mut self,
        what: &str,
        name: &'static str,
        id: TypeId,
        to: &mut dyn fmt::Write,
    ) -> Result<bool, fmt::Error> {
        let known = self.seen.iter().position(|(seen, _)| *seen == id);
        let at = known.unwrap_or(self.seen.len());
        if known.is_none() {
            self.seen.push((id, name));
            to.write_str(what)?;
        }
        to.write_str(name)?;
        match self.seen.iter().take(at).filter(|(_, other)| *other == name).count() {
            0 => {}
            others => write!(to, "#{}", others.saturating_add(1))?,
        }
        Ok(known.is_none())
    }
}

/// The type spelled alone.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Spelling::default().spell(self, f)
    }
}

/// As [`Display`](fmt::Display): a type that contains itself has no end.
impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
