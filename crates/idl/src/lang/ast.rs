//! What a source text says, before anybody knows what its names mean.

use super::source::Span;

/// A name at its place.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// What stands at the top of a file, or in an interface.
#[derive(Debug)]
pub(crate) enum Item {
    Import(Import),
    Const(Const),
    Typedef(Typedef),
    Struct(Struct),
    Union(Union),
    Enum(Enum),
    Interface(Interface),
    Procedure(Procedure),
}

/// `import "other.idl";`
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) path: String,
    pub(crate) span: Span,
}

/// `const long N = 4;`
#[derive(Debug)]
pub(crate) struct Const {
    pub(crate) docs: Vec<String>,
    pub(crate) ty: Type,
    pub(crate) name: Name,
    pub(crate) value: Expr,
}

/// `typedef long a, b[4];`
#[derive(Debug)]
pub(crate) struct Typedef {
    pub(crate) docs: Vec<String>,
    pub(crate) attrs: Vec<Attr>,
    pub(crate) ty: Type,
    pub(crate) declarators: Vec<Declarator>,
}

/// A struct, or an exception.
#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Name,
    pub(crate) members: Vec<Member>,
    pub(crate) is_exception: bool,
}

/// One member of a struct, or of an arm.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) docs: Vec<String>,
    pub(crate) attrs: Vec<Attr>,
    pub(crate) ty: Type,
    pub(crate) declarator: Declarator,
}

/// `union u switch (long) { case 1: long a; default: string b; }`
#[derive(Debug)]
pub(crate) struct Union {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Name,
    pub(crate) switch: Type,
    pub(crate) arms: Vec<Arm>,
}

/// One arm of a union.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) docs: Vec<String>,
    pub(crate) labels: Vec<Label>,
    /// Nothing for an arm without a value: `case 3: ;`.
    pub(crate) member: Option<Member>,
}

/// What selects an arm.
#[derive(Debug)]
pub(crate) enum Label {
    Case(Expr),
    Default(Span),
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Name,
    pub(crate) variants: Vec<Variant>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) docs: Vec<String>,
    pub(crate) name: Name,
    pub(crate) value: Option<Expr>,
}

/// `[uuid(..), version(1.0)] interface name : base { .. }`
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) docs: Vec<String>,
    pub(crate) attrs: Vec<Attr>,
    pub(crate) name: Name,
    pub(crate) bases: Vec<Name>,
    pub(crate) items: Vec<Item>,
}

#[derive(Debug)]
pub(crate) struct Procedure {
    pub(crate) docs: Vec<String>,
    pub(crate) attrs: Vec<Attr>,
    pub(crate) output: Type,
    pub(crate) name: Name,
    pub(crate) params: Vec<Param>,
    pub(crate) raises: Vec<Name>,
}

/// One parameter, with the attributes and the type that it has from the one before it where it has none of its own.
#[derive(Debug, Clone)]
pub(crate) struct Param {
    pub(crate) attrs: Vec<Attr>,
    /// `in`, `out` or `inout` before the type, as CORBA has it.
    pub(crate) keyword: Option<Name>,
    pub(crate) ty: Type,
    pub(crate) declarator: Declarator,
}

/// A name with what surrounds it: `**data`, `block[4][2]`, `items[]`.
#[derive(Debug, Clone)]
pub(crate) struct Declarator {
    pub(crate) pointers: u8,
    pub(crate) name: Name,
    /// `None` for `[]`.
    pub(crate) dims: Vec<Option<Expr>>,
    pub(crate) span: Span,
}

/// One attribute: `in`, `size_is(n)`, `timeout("2s")`.
#[derive(Debug, Clone)]
pub(crate) struct Attr {
    pub(crate) name: Name,
    pub(crate) args: Vec<Arg>,
    /// What stands between the parentheses, as it stands there.
    pub(crate) raw: String,
    pub(crate) span: Span,
}

/// One argument of an attribute.
#[derive(Debug, Clone)]
pub(crate) struct Arg {
    pub(crate) expr: Expr,
    /// `KiB`, after a number.
    pub(crate) unit: Option<Name>,
}

/// A type at its place.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    pub(crate) kind: TypeKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum TypeKind {
    Void,
    Bool,
    /// A Unicode scalar value.
    Wide,
    Int {
        size: u8,
        signed: bool,
    },
    Float {
        size: u8,
    },
    Text(Option<Box<Expr>>),
    Sequence(Box<Type>, Option<Box<Expr>>),
    Optional(Box<Type>),
    Named(Name),
}

#[derive(Debug, Clone)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum ExprKind {
    Number,
    Text(String),
    Char(u32),
    Name(String),
    /// `grow(8)`
    Call(String, Box<Expr>),
    /// `-`, `+`, `~`, and `*` of a parameter.
    Unary(u8, Box<Expr>),
    /// The sign; `<` and `>` stand for shifts.
    Binary(Box<Expr>, u8, Box<Expr>),
}
