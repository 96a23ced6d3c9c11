//! What a source text means: types, constants and interfaces, with every name resolved and everything checked.
//!
//! The sizes and classes of types are those that `Wire` gives them in Rust; the rules are the same, and a test compares the
//! results. Invariant: a [`Model`] becomes Rust that compiles.

use super::source::Span;
use crate::ir::Exhausted;

/// A text that was understood.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) defs: Vec<Def>,
    pub(crate) consts: Vec<Const>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) interfaces: Vec<Interface>,
    /// The name of the file without its ending.
    pub(crate) stem: String,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    Wide,
    Int {
        size: u8,
        signed: bool,
    },
    Float {
        size: u8,
    },
    /// Text, of so many bytes at most.
    Text(Option<u32>),
    /// Items, so many at most.
    Seq(Box<Self>, Option<u32>),
    Optional(Box<Self>),
    Array(Box<Self>, u32),
    /// A struct, an enum or a union, by its place in [`Model::defs`].
    Def(usize),
}

/// A type with a name of its own.
#[derive(Debug)]
pub(crate) struct Def {
    /// As it is written.
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) docs: Vec<String>,
    pub(crate) span: Span,
    pub(crate) kind: DefKind,
    pub(crate) layout: Layout,
}

#[derive(Debug)]
pub(crate) enum DefKind {
    Struct { fields: Vec<Field>, is_exception: bool },
    Enum { variants: Vec<Variant>, signed: bool },
    Union { size: u8, signed: bool, arms: Vec<Arm> },
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    pub(crate) ty: Type,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) rust: String,
    pub(crate) docs: Vec<String>,
    pub(crate) value: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arm {
    /// As its member is written, if it is the only one with that.
    pub(crate) name: Option<String>,
    pub(crate) rust: String,
    pub(crate) docs: Vec<String>,
    pub(crate) value: i64,
    pub(crate) ty: Option<Type>,
}

/// A constant.
#[derive(Debug)]
pub(crate) struct Const {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    pub(crate) ty: Type,
    pub(crate) value: Value,
}

/// What a constant is worth.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Int(i128),
    Float(f64),
    Bool(bool),
    Text(String),
    Char(u32),
}

/// Another name for a type.
#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) rust: String,
    pub(crate) docs: Vec<String>,
    pub(crate) ty: Type,
}

#[derive(Debug)]
pub(crate) struct Interface {
    /// As it is written; the file's, of one without a name of its own.
    pub(crate) name: String,
    pub(crate) rust: String,
    pub(crate) docs: Vec<String>,
    pub(crate) span: Span,
    pub(crate) uuid: Option<u128>,
    pub(crate) version: Option<(u16, u16)>,
    /// Those of its bases first.
    pub(crate) procedures: Vec<Procedure>,
}

#[derive(Debug, Clone)]
pub(crate) struct Procedure {
    pub(crate) name: String,
    pub(crate) docs: Vec<String>,
    pub(crate) span: Span,
    pub(crate) params: Vec<Param>,
    /// All parameters in the order in which they are written, for languages in which items come with a count.
    pub(crate) places: Vec<Place>,
    pub(crate) output: Option<Type>,
    pub(crate) error: Option<Type>,
    pub(crate) options: Options,
    /// The uuid and version of the interface that declared it, as both sides compare them.
    pub(crate) origin: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) form: Form,
    /// Its type, or that of its items.
    pub(crate) ty: Type,
    /// Bytes that it may have beside its fixed part.
    pub(crate) max: Option<u32>,
}

/// A parameter as it is written.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// One of [`Procedure::params`].
    Param(usize),
    /// The count of the items of one of them, which travels with those.
    Count { name: String, ty: Type, of: usize },
}

/// The syntactic classes of [`crate::ir::Form`] that an `.idl` can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Value,
    Ref,
    Text,
    Slice,
    InPlace,
    InOut,
    InOutSlice,
    Out,
    OutSlice(OutLength),
}

/// How many items of a buffer come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutLength {
    All,
    Return,
    /// As an out parameter says.
    Param(String),
}

/// What the attributes of a procedure say; a `None` means the default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) concurrency: Option<u16>,
    /// As it was spelled: `2s`.
    pub(crate) timeout: Option<String>,
    pub(crate) astack: Option<u32>,
    pub(crate) max: Option<u32>,
    pub(crate) exhausted: Option<Exhausted>,
    pub(crate) idempotent: bool,
    pub(crate) oneway: bool,
    /// Its reply comes later.
    pub(crate) deferred: bool,
    pub(crate) handoff: bool,
}

/// How the values of a type are divided between head and tail: see `nearcall_layout::Class`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Class {
    #[default]
    Fixed,
    Varying,
    Conventional,
}

impl Class {
    const fn fixed_part(self, size: u64) -> u64 {
        match self {
            Self::Fixed | Self::Varying => size,
            Self::Conventional => 4,
        }
    }
}

/// Bytes of a value that owns memory: a `Vec` or a `String` in Rust, which have more than their like in C.
const OWNER: u64 = 24;

/// The constants of `Wire`, and whether slices of the type travel as they lie in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of the fixed part.
    pub(crate) size: u64,
    pub(crate) class: Class,
    /// Every pattern of bytes is a value, and nothing is padding.
    pub(crate) is_plain: bool,
    /// Bytes to which values are aligned in memory, if it is plain.
    pub(crate) align: u64,
    /// No floating-point number is inside.
    pub(crate) is_eq: bool,
    /// Bytes that a value has where it lies in memory, without what it owns: about, and not less.
    pub(crate) memory: u64,
}

impl Layout {
    const fn scalar(size: u64, is_plain: bool) -> Self {
        Self { size, class: Class::Fixed, is_plain, align: size, is_eq: true, memory: size }
    }

    pub(crate) const fn is_fixed(&self) -> bool {
        matches!(self.class, Class::Fixed)
    }

    /// What is fixed, or written in sequence.
    const fn all_or_nothing(is_fixed: bool, size: u64, is_eq: bool) -> Self {
        let class = if is_fixed { Class::Fixed } else { Class::Conventional };
        Self { size: class.fixed_part(size), class, is_plain: false, align: 1, is_eq, memory: size }
    }
}

/// The layout of a type whose parts have theirs already.
pub(crate) fn layout(ty: &Type, defs: &[Def]) -> Layout {
    match ty {
        Type::Bool => Layout::scalar(1, false),
        Type::Wide => Layout::scalar(4, false),
        Type::Int { size, .. } => Layout::scalar(u64::from(*size), true),
        Type::Float { size } => Layout { is_eq: false, ..Layout::scalar(u64::from(*size), true) },
        Type::Text(_) => {
            Layout { size: 4, class: Class::Varying, is_plain: false, align: 1, is_eq: true, memory: OWNER }
        }
        Type::Seq(item, _) => {
            let item = layout(item, defs);
            let class = if item.is_fixed() { Class::Varying } else { Class::Conventional };
            Layout { size: 4, class, is_plain: false, align: 1, is_eq: item.is_eq, memory: OWNER }
        }
        Type::Optional(item) => {
            let item = layout(item, defs);
            let memory = item.memory.saturating_add(8);
            Layout { memory, ..Layout::all_or_nothing(item.is_fixed(), item.size.saturating_add(1), item.is_eq) }
        }
        Type::Array(item, count) => {
            let item = layout(item, defs);
            let whole =
                Layout::all_or_nothing(item.is_fixed(), item.size.saturating_mul(u64::from(*count)), item.is_eq);
            let memory = item.memory.saturating_mul(u64::from(*count));
            Layout { is_plain: item.is_plain && *count > 0, align: item.align, memory, ..whole }
        }
        Type::Def(at) => defs.get(*at).map(|def| def.layout).unwrap_or_default(),
    }
}

/// The layout of a named type whose parts have theirs already.
pub(crate) fn layout_of(kind: &DefKind, defs: &[Def]) -> Layout {
    match kind {
        DefKind::Enum { .. } => Layout { is_plain: false, ..Layout::scalar(4, false) },
        DefKind::Struct { fields, .. } => {
            let parts: Vec<Layout> = fields.iter().map(|field| layout(&field.ty, defs)).collect();
            let class = parts.iter().map(|part| part.class).max().unwrap_or_default();
            let size = parts.iter().fold(0_u64, |size, part| size.saturating_add(part.size));
            let align = parts.iter().map(|part| part.align).max().unwrap_or(1).max(1);
            let mut end = 0_u64;
            let is_dense = parts.iter().all(|part| {
                let fits = end.is_multiple_of(part.align.max(1));
                end = end.saturating_add(part.size);
                fits
            });
            Layout {
                size: class.fixed_part(size),
                class,
                is_plain: is_dense && size > 0 && size.is_multiple_of(align) && parts.iter().all(|part| part.is_plain),
                align,
                is_eq: parts.iter().all(|part| part.is_eq),
                memory: parts.iter().fold(0_u64, |end, part| {
                    let padding = part.memory.min(8).next_power_of_two() - 1;
                    end.saturating_add(padding).saturating_add(part.memory)
                }),
            }
        }
        DefKind::Union { size, arms, .. } => {
            let parts = || arms.iter().filter_map(|arm| arm.ty.as_ref()).map(|ty| layout(ty, defs));
            let largest = parts().map(|part| part.size).max().unwrap_or(0);
            let size = u64::from(*size).saturating_add(largest);
            let memory = parts().map(|part| part.memory).max().unwrap_or(0).saturating_add(8);
            let whole =
                Layout::all_or_nothing(parts().all(|part| part.is_fixed()), size, parts().all(|part| part.is_eq));
            Layout { memory, ..whole }
        }
    }
}
