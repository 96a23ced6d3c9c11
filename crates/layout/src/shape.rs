//! What a type is, as constant data: the input of fingerprints, differences and descriptions.

use core::fmt;

/// The described form of a type that travels.
///
/// Two types with equal shapes have equal encodings. Names of structs, fields and variants are part of the shape, so
/// that swapping two fields of one type is an incompatibility and not a silent exchange of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Text: a byte count in the head, UTF-8 in the tail.
    Str,
    /// An item count in the head, the items in the tail.
    Seq {
        /// What each item is.
        item: &'static Self,
    },
    /// Fields in order of declaration, without padding.
    Struct {
        /// The type's own name, without its path.
        name: &'static str,
        /// Field names and shapes, in order.
        fields: &'static [(&'static str, &'static Self)],
    },
    /// Variants without fields, sent as their discriminant.
    Enum {
        /// The type's own name, without its path.
        name: &'static str,
        /// Bytes of the discriminant.
        size: usize,
        /// Variant names and discriminants, in order.
        variants: &'static [(&'static str, i64)],
    },
}

/// The type as its Rust spelling, with struct and enum bodies written out: what a difference shows.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unit => f.write_str("()"),
            Self::Bool => f.write_str("bool"),
            Self::Char => f.write_str("char"),
            Self::Int { size, signed } => write!(f, "{}{}", if signed { 'i' } else { 'u' }, size.saturating_mul(8)),
            Self::Float { size } => write!(f, "f{}", size.saturating_mul(8)),
            Self::Array { item, count } => write!(f, "[{item}; {count}]"),
            Self::Str => f.write_str("str"),
            Self::Seq { item } => write!(f, "[{item}]"),
            Self::Struct { name, fields } => {
                write!(f, "struct {name} {{")?;
                for (i, (field, shape)) in fields.iter().enumerate() {
                    write!(f, "{} {field}: {shape}", if i == 0 { "" } else { "," })?;
                }
                f.write_str(" }")
            }
            Self::Enum { name, size, variants } => {
                write!(f, "enum {name}: u{} {{", size.saturating_mul(8))?;
                for (i, (variant, value)) in variants.iter().enumerate() {
                    write!(f, "{} {variant} = {value}", if i == 0 { "" } else { "," })?;
                }
                f.write_str(" }")
            }
        }
    }
}
