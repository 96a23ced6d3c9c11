//! What an interface is, in words: signatures, sizes, and the path that each procedure's parameters take, and why.

use std::fmt;

use crate::bind::Client;
use crate::interface::{fingerprint, signature};
use crate::rt::{Carried, Class, Direction, Interface, LINE_BYTES, Param, Procedure};

/// How the parameters and results of a procedure travel, the slowest of the parts that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Layout {
    /// In the request line and the reply line alone: a cache line each way.
    Line,
    /// At constant offsets of the frame, or as bytes that are copied in one piece.
    Frame,
    /// Some of them in sequence, value by value: they have no fixed shape.
    Conventional,
    /// Some of them as serde's traits say.
    Serde,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "line",
            Self::Frame => "frame",
            Self::Conventional => "conventional",
            Self::Serde => "serde",
        })
    }
}

/// An interface in words. [`Display`](fmt::Display) shows all of it; its form is for people and may change.
#[derive(Debug, Clone, Copy)]
pub struct Description(&'static Interface);

/// Describes the interface that `C` is a client of. Every client also has it as its function `describe`.
#[must_use]
pub const fn describe<C: Client>() -> Description {
    Description(C::INTERFACE)
}

impl Description {
    /// The interface's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.0.name
    }

    /// Its uuid, if it has one.
    #[must_use]
    pub const fn uuid(&self) -> Option<u128> {
        if self.0.uuid == 0 { None } else { Some(self.0.uuid) }
    }

    /// Its major and minor version, 0.0 if it has none. Of the major one clients and servers need the same.
    #[must_use]
    pub const fn version(&self) -> (u16, u16) {
        self.0.version
    }

    /// Its procedures, in order of declaration.
    pub fn procedures(&self) -> impl Iterator<Item = ProcedureDescription> + use<> {
        self.0.procedures.iter().map(ProcedureDescription)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interface {}", self.0.name)?;
        match self.0.version {
            (0, 0) => {}
            (major, minor) => write!(f, ", version {major}.{minor}")?,
        }
        self.procedures().try_for_each(|procedure| write!(f, "\n\n{procedure}"))
    }
}

/// A procedure in words.
#[derive(Debug, Clone, Copy)]
pub struct ProcedureDescription(&'static Procedure);

impl ProcedureDescription {
    pub(crate) const fn new(procedure: &'static Procedure) -> Self {
        Self(procedure)
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.0.name
    }

    /// Its signature, with every type written out where it comes first.
    #[must_use]
    pub fn signature(&self) -> String {
        signature(self.0)
    }

    /// What client and server compare when binding: a hash of the signature.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(self.0)
    }

    /// How its parameters and results travel.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let slowest = self.0.params.iter().map(|param| layout(param.carried)).max();
        let fixed = if self.heads_beyond_lines().next().is_some() { Layout::Frame } else { Layout::Line };
        slowest.unwrap_or(Layout::Line).max(fixed)
    }

    /// Why they travel so: each part that keeps the procedure from the next faster layout.
    #[must_use]
    pub fn why(&self) -> Vec<String> {
        let layout = self.layout();
        let parts = self.0.params.iter().filter(|param| self::layout(param.carried) == layout);
        match layout {
            Layout::Line => vec![format!("heads of {LINE_BYTES} bytes or less, and no tails")],
            Layout::Frame => self
                .heads_beyond_lines()
                .map(|(what, size)| format!("the {what} head has {size} bytes, a line {LINE_BYTES}"))
                .chain(parts.map(|param| format!("`{}` varies in size", param.name)))
                .collect(),
            Layout::Conventional => parts.map(|param| format!("`{}` has no fixed shape", param.name)).collect(),
            Layout::Serde => parts.map(|param| format!("`{}` has `#[serde]`", param.name)).collect(),
        }
    }

    fn heads_beyond_lines(&self) -> impl Iterator<Item = (&'static str, usize)> + use<> {
        let heads = [("request", self.0.request_size), ("reply", self.0.reply_size)];
        heads.into_iter().filter(|(_, size)| *size > LINE_BYTES)
    }
}

const fn layout(carried: Carried) -> Layout {
    match carried {
        Carried::Value(Class::Fixed) | Carried::Passed => Layout::Line,
        Carried::Value(Class::Varying) | Carried::Items | Carried::InPlace => Layout::Frame,
        Carried::Value(Class::Conventional) => Layout::Conventional,
        Carried::Serde => Layout::Serde,
    }
}

impl fmt::Display for ProcedureDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Procedure { request_size, reply_size, frame_size, concurrency, exhausted, handoff, .. } = self.0;
        writeln!(f, "{}", self.signature())?;
        writeln!(f, "    {}: {}", self.layout(), self.why().join("; "))?;
        write!(f, "    request head {request_size} bytes, reply head {reply_size}, frame {frame_size}")?;
        let handoff = if *handoff { ", handoff" } else { "" };
        write!(f, "; {concurrency} at once, then {exhausted}{handoff}; fingerprint {:016x}", self.fingerprint())?;
        for param in self.0.params.iter().filter(|param| !is_nothing(param)) {
            let way = match param.direction {
                Direction::In => "in",
                Direction::InOut => "in-out",
                Direction::Out => "out",
                Direction::Return | Direction::Error => "result",
            };
            let rest = match param.carried {
                Carried::Value(Class::Fixed) => "",
                Carried::Value(Class::Varying) => ", and its items in the frame",
                Carried::Value(Class::Conventional) => " of size, and all of it in sequence in the frame",
                Carried::Items => " of count, and the items in the frame",
                Carried::InPlace => " of count, and the bytes in the frame, read in place",
                Carried::Passed => ", and descriptors beside the call",
                Carried::Serde => " of size, and what serde makes of it in the frame",
            };
            write!(f, "\n    {way:6} {}: {} bytes{rest}", param.name, param.size)?;
            if !matches!(param.carried, Carried::Value(Class::Fixed) | Carried::Passed) {
                write!(f, ", up to {} bytes", param.max)?;
            }
        }
        Ok(())
    }
}

/// Whether it is the `()` of a procedure that returns nothing.
fn is_nothing(param: &Param) -> bool {
    param.size == 0 && matches!(param.carried, Carried::Value(Class::Fixed)) && param.direction == Direction::Return
}
