//! The source representation of an interface: what its author wrote, in the words of calls.
//!
//! It holds names, order, directions, the syntactic class of each parameter, attributes and (through the tokens) spans.
//! It does not hold sizes: those exist only once rustc knows the types.
//!
//! Invariant: an [`Interface`] that passed all checks can be emitted without a further decision that could fail.

use std::time::Duration;

use syn::{Attribute, Ident, ItemTrait, Type};

/// One interface: a trait whose methods are called across an address space boundary.
#[derive(Debug)]
pub struct Interface {
    /// The trait without our attributes, as it is emitted again.
    pub item: ItemTrait,
    /// The methods in order; a procedure's number is its index here.
    pub procedures: Vec<Procedure>,
    /// What tells it from every other interface, whatever that is called.
    pub uuid: Option<u128>,
    /// Major and minor version. Another major version is another interface; a newer minor one only adds.
    pub version: Option<(u16, u16)>,
}

impl Interface {
    /// What of its uuid and version two sides compare; empty if it has neither.
    #[must_use]
    pub fn origin(&self) -> String {
        origin(self.uuid, self.version)
    }
}

/// What of a uuid and a version two sides compare.
pub(crate) fn origin(uuid: Option<u128>, version: Option<(u16, u16)>) -> String {
    let uuid = uuid.map(|uuid| format!("uuid {}", spelled_uuid(uuid)));
    let version = version.map(|(major, _)| format!("version {major}"));
    uuid.into_iter().chain(version).collect::<Vec<_>>().join(", ")
}

/// A uuid in groups of 8, 4, 4, 4 and 12 hexadecimal digits.
pub(crate) fn spelled_uuid(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    let group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)].join("-")
}

/// How stubs carry what the representation says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BackEnd {
    /// Straight into the request, and from the reply.
    #[default]
    Optimised,
    /// As one message that is built in a buffer, to be compared with.
    Conventional,
}

/// One procedure.
#[derive(Debug)]
pub struct Procedure {
    /// The method's name.
    pub ident: Ident,
    /// Attributes that its counterpart in the client has too: documentation, and the note that it is deprecated.
    pub attrs: Vec<Attribute>,
    /// Parameters without the receiver, in order of declaration.
    pub params: Vec<Param>,
    /// What it returns.
    pub output: Output,
    /// What `#[call(..)]` says.
    pub options: Options,
    /// The last parameter of one that leaves its reply to be made later: the token's name, and its type as declared. It is
    /// no parameter of the client's, and what it is a token for is the output.
    pub token: Option<(Ident, Type)>,
    /// The [`origin`](Interface::origin) of the interface that declared it, if that is another one: an interface has the
    /// procedures of those that it inherits from.
    pub origin: Option<String>,
}

/// One parameter.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub ident: Ident,
    /// Its type as declared, with references: the client's.
    pub declared: Type,
    /// Its type in the trait that the server implements.
    pub served: Type,
    /// How it travels.
    pub form: Form,
    /// `#[max(..)]`: bytes that it may have beside its fixed part; else what the procedure says.
    pub max: Option<u32>,
}

/// The syntactic class of a parameter: which way it travels and, as far as the syntax tells, as what.
#[derive(Debug)]
pub enum Form {
    /// `T`: in, by value.
    Value(Type),
    /// `&T`: in; the server lends the decoded value to the procedure.
    Ref(Type),
    /// `#[serde] x: T`, or `&T`: in; encoded by serde's traits.
    Serde {
        /// `T`.
        ty: Type,
        /// Whether it was written as `&T`.
        is_ref: bool,
    },
    /// `&str`: in; text.
    Str,
    /// `&[T]`: in; items as they lie in memory.
    Slice(Type),
    /// `#[in_place] &[u8]`: in; the server reads the bytes where the client put them.
    InPlace,
    /// A descriptor, a client or a grant: in; passed and not copied.
    Pass {
        /// What the server takes over, or lends to the procedure: each of them.
        ty: Type,
        /// How it was written.
        by: PassBy,
        /// How many there can be.
        many: Many,
    },
    /// `&[&[u8]]`: in; up to 31 strings, gathered where they are.
    Gather,
    /// `#[out] x: &mut [&mut [u8]]`: out; scattered to up to 31 places.
    Scatter,
    /// `&mut T`: in and out.
    InOut(Type),
    /// `&mut [T]`: in and out, all of it both ways.
    InOutSlice(Type),
    /// `#[out] x: &mut T`: out; the procedure gets a default value to overwrite.
    Out(Type),
    /// `#[out] buf: &mut [T]`: out; the request carries the capacity only.
    OutSlice {
        /// `T`.
        item: Type,
        /// How many items come back.
        len: OutLen,
    },
}

/// How something is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassBy {
    /// `T`, `Option<T>`, `Vec<T>`: it is the procedure's.
    Value,
    /// `&T`, `&Option<T>`, `&[T]`, `&Vec<T>`: the procedure has it for the call.
    Ref,
    /// `Option<&T>`: the same.
    RefInside,
    /// `BorrowedFd<'_>`, also inside: the same for a descriptor.
    Borrowed,
    /// `&[BorrowedFd<'_>]`, `&Vec<BorrowedFd<'_>>`, `&Option<BorrowedFd<'_>>`: the same.
    RefBorrowed,
}

/// How many there can be of what is passed as one parameter or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Many {
    /// `T`: always one.
    One,
    /// `Option<T>`.
    Optional,
    /// `Vec<T>`, `&[T]`: as many as one call can pass.
    Several,
}

/// What is passed as a result.
#[derive(Debug, Clone)]
pub struct Passed {
    /// The type of each.
    pub ty: Type,
    /// How many there can be.
    pub many: Many,
}

/// How many items of an `#[out]` slice come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutLen {
    /// All of them.
    All,
    /// `len = return`: as many as the return value says.
    Return,
    /// `len = name`: as many as that `#[out]` parameter says.
    Param(Ident),
}

/// Which way a parameter travels; the order of the variants is the order of parts in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To the server.
    In,
    /// Both ways.
    InOut,
    /// To the client.
    Out,
}

impl Form {
    /// Which way it travels.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::Value(_) | Self::Ref(_) | Self::Serde { .. } | Self::Str | Self::Slice(_) | Self::InPlace => {
                Direction::In
            }
            Self::Pass { .. } | Self::Gather => Direction::In,
            Self::InOut(_) | Self::InOutSlice(_) => Direction::InOut,
            Self::Out(_) | Self::OutSlice { .. } | Self::Scatter => Direction::Out,
        }
    }
}

/// What a procedure returns: nothing, `T`, or `Result<T, E>`.
#[derive(Debug, Default)]
pub struct Output {
    /// `T`; `None` if it is `()`, however that is spelled.
    pub value: Option<Type>,
    /// `E`; `None` if the procedure has no errors of its own.
    pub error: Option<Type>,
    /// Which of the two are encoded by serde's traits.
    pub serde: BySerde,
    /// What `T` is if it is passed and not copied.
    pub passed: Option<Passed>,
}

/// What `#[serde(..)]` on a method says.
#[derive(Debug, Clone, Copy, Default)]
pub struct BySerde {
    /// `return`.
    pub value: bool,
    /// `error`.
    pub error: bool,
}

/// What `#[call(..)]` says; a `None` means the default of the run time.
#[derive(Debug, Default)]
pub struct Options {
    /// Calls that one client can have under way in this procedure: 1 to 64.
    pub concurrency: Option<u16>,
    /// How long a call may take; [`Duration::MAX`] means for ever.
    pub timeout: Option<Duration>,
    /// Bytes of the A-stack's frame instead of what the parameters suggest.
    pub astack: Option<u32>,
    /// Bytes that each part of varying size may have.
    pub max: Option<u32>,
    /// What a call does when as many are under way as there are A-stacks.
    pub exhausted: Option<Exhausted>,
    /// A call that may have run can be repeated without harm.
    pub idempotent: bool,
    /// Only near clients have it.
    pub near: bool,
    /// The procedure may take long or block: its processor's seat is another's who is needed there from the beginning.
    pub handoff: bool,
    /// The client does not wait for an answer, and gets none.
    pub oneway: bool,
}

/// What a call does when as many are under way as there are A-stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// `"wait"`: for one to become free.
    Wait,
    /// `"fail"`.
    Fail,
    /// `"grow(n)"`: there are more, up to `n`.
    Grow(u16),
}
