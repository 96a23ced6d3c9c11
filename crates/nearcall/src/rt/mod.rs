//! What generated stubs are written against. Not for people: names and signatures follow the compiler, not semver.
//!
//! A client stub: [`Binding::begin`](crate::Binding::begin), puts, [`Call::transfer`], gets. A server stub:
//! [`Incoming::open`], values, the procedure, [`Incoming::reply`]. Everything a stub does not know at compile time is
//! checked here once.

mod codes;
mod far;
mod incoming;
pub mod message;
mod outgoing;
mod plain;
mod raw;
pub(crate) mod relay;
#[cfg(feature = "serde")]
pub mod serde;
mod strings;
mod tails;

use std::time::Duration;

use nearcall_layout::conventional::Unfit;
pub use nearcall_layout::conventional::{Reader, Writer};
pub use nearcall_layout::head::{LINE_BYTES, head_bytes};
pub use nearcall_layout::shape::{Variant, shape_of};
pub use nearcall_layout::wire::{all, get_count, larger, put_zeros};
pub use nearcall_layout::{Class, Head, Malformed, Shape, Tail, Wire};
pub use zerocopy;

pub use crate::error::Failure;
pub use crate::passing::{Arrived, Lent, NotTaken, Parcel, Pass};
pub use crate::reply::Parking;
pub use codes::{Code, RAISED};
pub use far::{FarCall, FarReply};
pub use incoming::{Incoming, Refusal};
pub(crate) use incoming::{answer, discard, park};
pub(crate) use outgoing::failure;
pub use outgoing::{Answer, Area, Call, Reply};
pub use plain::{Plain, assert_item};
pub use raw::{RawCall, RawReply};
pub use strings::{STRINGS, Strings, total, total_at};
pub use tails::{Tails, how_many};

/// Descriptors that one call can pass.
pub const PASSED_MAX: usize = nearcall_core::sys::socket::FD_COUNT_MAX;

/// What something is that is passed, for shapes of several.
#[must_use]
pub const fn shape_of_passed<T: Pass>() -> &'static Shape {
    T::SHAPE
}

/// A-stacks of a size class, unless the interface says otherwise (LRPC's default).
pub const DEFAULT_CONCURRENCY: u16 = 5;

/// Bytes of a frame for parameters of varying size, unless the interface says otherwise (LRPC: an Ethernet packet).
pub const DEFAULT_FRAME_SIZE: usize = 1500;

/// Bytes of a parameter or result of varying size, unless the interface says otherwise.
pub const DEFAULT_MAX: usize = 1024 * 1024;

/// What happens to a call when as many are in flight as its class has A-stacks (LRPC, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exhausted {
    /// It waits for one, up to its time-out.
    Wait,
    /// It fails.
    Fail,
    /// The class gets one more, until it has so many; then it waits.
    Grow(u16),
}

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wait => f.write_str("wait"),
            Self::Fail => f.write_str("fail"),
            Self::Grow(most) => write!(f, "grow({most})"),
        }
    }
}

/// The time-out of a call, unless the interface says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// An interface, as constant data.
#[derive(Debug)]
pub struct Interface {
    /// The trait's name.
    pub name: &'static str,
    /// What tells it from every other interface, whatever that is called; 0 if nothing does.
    pub uuid: u128,
    /// Major and minor version, 0.0 if it has none.
    pub version: (u16, u16),
    /// In order of declaration.
    pub procedures: &'static [Procedure],
}

impl Interface {
    fn passes(&self, is_it: impl Fn(Direction) -> bool) -> bool {
        let mut params = self.procedures.iter().flat_map(|procedure| procedure.params);
        params.any(|param| param.carried == Carried::Passed && is_it(param.direction))
    }

    /// Whether descriptors come with calls.
    pub(crate) fn takes_parcels(&self) -> bool {
        self.passes(|direction| direction == Direction::In)
    }

    /// Whether they come with replies.
    pub(crate) fn gives_parcels(&self) -> bool {
        self.passes(|direction| direction == Direction::Return)
    }
}

/// A procedure descriptor.
#[derive(Debug)]
pub struct Procedure {
    /// The method's name.
    pub name: &'static str,
    /// The uuid and the major version of the interface that declared it, as text; empty if it has neither.
    pub origin: &'static str,
    /// Parameters, return value and error.
    pub params: &'static [Param],
    /// Bytes of the head of a request, in whole words.
    pub request_size: usize,
    /// Bytes of the head of a reply, the larger of results and error, in whole words.
    pub reply_size: usize,
    /// Bytes of a frame, 0 if all rides in lines.
    pub frame_size: usize,
    /// Calls at once.
    pub concurrency: u16,
    /// What more calls do.
    pub exhausted: Exhausted,
    /// `None`: [`DEFAULT_TIMEOUT`]. [`Duration::MAX`]: for ever.
    pub timeout: Option<Duration>,
    /// Whether calling twice is as good as calling once.
    pub idempotent: bool,
    /// Whether its processor's seat is open from the beginning.
    pub handoff: bool,
    /// Whether bindings from another machine are without it, instead of refused for what cannot go far.
    pub near: bool,
}

/// A parameter, the return value ("return") or the error ("error").
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Which way it travels.
    pub direction: Direction,
    /// Bytes of it that lie in a head.
    pub size: usize,
    /// Bytes that may be beside them, in a tail or an area.
    pub max: usize,
    /// How it is carried.
    pub carried: Carried,
    /// What it is.
    pub shape: &'static Shape,
}

/// How a parameter or result is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// As a [`Wire`] of this class.
    Value(Class),
    /// As a count in the head and bytes as they lie in memory: text and slices.
    Items,
    /// The same, and the server reads them where they are.
    InPlace,
    /// As what serde makes of it, with its size in the head.
    Serde,
    /// As descriptors beside the call, with the token of their message in the head.
    Passed,
}

/// Which way a parameter travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Client to server.
    In,
    /// Both ways.
    InOut,
    /// Server to client.
    Out,
    /// The value of a call that succeeds.
    Return,
    /// The value of one that fails.
    Error,
}

/// A call being assembled, near or far: what parameters need whose form is not known to the stub.
pub trait Assemble {
    /// Appends what `write` writes, up to `MAX` bytes, and puts its size at `at` of the head.
    ///
    /// # Errors
    /// `TooLarge`, `NoMemory`, `Unsendable`, and what can become of asking for a segment; nothing was sent.
    fn encode<const MAX: usize>(
        &mut self,
        at: usize,
        write: impl Fn(&mut [u8]) -> Result<usize, Unfit>,
    ) -> Result<(), Failure>;
}

/// An answer being read, near or far.
pub trait Results {
    /// Reads a value that is all in the tail, with its size at `at` of the head.
    ///
    /// # Errors
    /// `PeerMisbehaved` if `decode` says so, or the sizes differ.
    fn sized<T, const MAX: usize>(
        &mut self,
        at: usize,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, Failure>;
}

/// Integers that can say how much of an out slice is meant.
pub trait OutLen: Copy {
    /// As a length; `usize::MAX` where it does not fit, which no slice has.
    fn out_len(self) -> usize;
}

macro_rules! out_len {
    ($($type:ty)*) => {$(
        impl OutLen for $type {
            #[inline(always)]
            fn out_len(self) -> usize {
                usize::try_from(self).unwrap_or(usize::MAX)
            }
        }
    )*};
}

out_len! { u8 u16 u32 u64 }

macro_rules! signed_out_len {
    ($($type:ty)*) => {$(
        /// A negative number is an error of the procedure's own: nothing of the slice is meant.
        impl OutLen for $type {
            #[inline(always)]
            fn out_len(self) -> usize {
                usize::try_from(self.max(0)).unwrap_or(usize::MAX)
            }
        }
    )*};
}

signed_out_len! { i8 i16 i32 i64 }

/// A generated function that serves one procedure of a `T`.
pub type Serve<T> = fn(&T, &mut Incoming<'_>) -> Result<(), Refusal>;

/// What an exported object answers to. Implemented by generated servers.
pub trait Service: Send + Sync + 'static {
    /// The interface.
    fn interface(&self) -> &'static Interface;

    /// Runs one procedure. [`Incoming::open`] comes first: it stamps the call as started.
    ///
    /// # Errors
    /// [`Refusal`], before the procedure is entered, or when its results do not fit.
    fn call(&self, procedure: u16, call: &mut Incoming<'_>) -> Result<(), Refusal>;
}
