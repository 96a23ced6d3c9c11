//! Calls into another process at the cost of the memory between the two.
//!
//! A service is a Rust trait. One process exports an object under a name; any other binds to the name and calls it:
//!
//! ```no_run
//! #[nearcall::interface]
//! pub trait Adder {
//!     fn add(&self, a: u32, b: u32) -> u32;
//! }
//!
//! struct Plain;
//! impl Adder for Plain {
//!     fn add(&self, a: u32, b: u32) -> u32 {
//!         a.wrapping_add(b)
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In the server's process:
//! let _export = AdderServer::export("adder", Plain)?;
//! // In the client's:
//! let adder = AdderClient::bind("adder")?;
//! assert_eq!(adder.add(2, 3)?, 5);
//! # Ok(())
//! # }
//! ```
//!
//! A call travels through memory that only the two processes have, each with one region that only it can write. While
//! the server polls, no system call is made and nothing is allocated. Neither side trusts the other, and either may die
//! at any instruction: every call ends once, in a value or in a [`CallError`] that says how far it got.
#![forbid(unsafe_code)]

// Interfaces of our own are compiled like everybody's.
extern crate self as nearcall;

mod bind;
mod binding;
mod blocking;
mod bounded;
mod callback;
mod cards;
mod clerk;
mod client_pair;
mod connection;
mod current;
mod departures;
mod describe;
mod domain;
mod error;
mod export;
pub mod far;
mod grant;
mod identity;
mod info;
mod interface;
mod limits;
mod message;
mod names;
mod parcels;
mod passing;
mod peer;
mod pending;
mod policy;
mod quota;
mod rebinding;
mod reply;
#[doc(hidden)]
pub mod rt;
mod segments;
mod shared;
pub mod sync;
#[cfg(any(feature = "knobs", feature = "wait-hook"))]
pub mod testing;
pub mod thread;
mod watcher;

pub use bind::{Binder, Client, bind};
pub use binding::{Binding, Path};
pub use blocking::blocking;
pub use bounded::{Bounded, Counted, OutOfBounds};
pub use callback::Callback;
pub use current::{Current, caller, current};
pub use describe::{Description, Layout, ProcedureDescription, describe};
pub use domain::{let_children_take_part, server_counts, undumpable};
pub use error::{BindError, CallError, DirError, ExportError, Ran, StillRunning};
pub use export::{Export, Exporter, export};
pub use grant::{Grant, GrantError, SharedGrant};
pub use info::{ClientInfo, FrameInfo, Listed, NameState, ProcedureInfo, ServerInfo, info, list};
pub use limits::{Limit, Limits, Most, Usage, set_limits, usage};
pub use nearcall_core::transfer::counts::{ClientCounts, ServerCounts};
pub use nearcall_core::transfer::mode::Transfer;
pub use nearcall_layout::Wire;
pub use nearcall_macros::{Wire, interface, plain};
pub use passing::Pass;
pub use peer::Peer;
pub use pending::{Pending, wait_any};
pub use policy::{Policy, Who};
pub use rebinding::Rebinding;
pub use reply::ReplyToken;
pub use rt::Plain;
pub use shared::SharedBytes;

/// Includes what `nearcall_idl::build` made of an `.idl` file: its types, and for each interface the trait, the client and
/// the server. The argument is the file's name without its ending.
///
/// ```ignore
/// pub mod pfs {
///     nearcall::include_idl!("pfs");
/// }
/// ```
#[macro_export]
macro_rules! include_idl {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

/// For a library that stands between a program and its `close`: which descriptors are nearcall's, and not the program's to close.
#[doc(hidden)]
pub mod kept {
    pub use nearcall_core::sys::kept::{is_kept, keep_from, next_kept};
}
