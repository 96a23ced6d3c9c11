//! nearcall for programs in C: what `nearcall.h` and `nearcall_stub.h` declare.
//!
//! ```text
//! nearcall.h        for people: bindings, exports, who calls, memory of a call
//! nearcall_stub.h   for generated stubs: a call on its way, a call that is served, tables, values
//! ```
//!
//! A C stub encodes and decodes values itself; here are only the bytes' ways in and out, by the same code that Rust's stubs
//! use (`nearcall::rt`). No type of Rust is part of the interface: handles are pointers to what C does not look into, and a
//! client's call lives in an array of words that its caller provides, so that a call allocates nothing.
//!
//! Invariants:
//! * Each function trusts its caller with pointers, as any function in C does, and says in its contract which. It does not
//!   trust the peer: that is the same checks as in Rust.
//! * A panic does not cross into C: it ends the process, with its message (`extern "C"`).
//!
//! What it does not do: know types, or how a value lies in memory.

pub mod client;
pub mod incoming;
pub mod later;
pub mod server;
pub mod tables;
pub mod text;

use nearcall::rt::Code;
// For one of its features.
use rustix as _;

use incoming::NearcallIncoming;

/// `nearcall_status`.
pub type Status = i32;

/// `NEARCALL_OK`.
pub const OK: Status = 0;

/// `NEARCALL_RAISED`.
pub const RAISED: Status = nearcall::rt::RAISED;

/// `nearcall_env`.
#[repr(C)]
#[derive(Debug)]
pub struct NearcallEnv {
    /// How the call ended.
    pub status: Status,
    /// How far it got.
    pub ran: i32,
    /// Bytes that were too many.
    pub size: u64,
    /// How many would not have been.
    pub limit: u64,
    /// The call that is served.
    pub call: *mut NearcallIncoming,
}

impl NearcallEnv {
    fn set(&mut self, code: Code) -> Status {
        self.status = code.number;
        self.ran = code.ran;
        (self.size, self.limit) = code.sizes;
        code.number
    }
}
