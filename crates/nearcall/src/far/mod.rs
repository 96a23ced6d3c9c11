//! Calls to other machines, over a protocol graph.
//!
//! `FilesClient::bind("chan://HOST:PORT/files")` binds to what another host serves; the client and its errors are those of near
//! bindings. A host serves what is exported on its machine: [`serve`], or the program `nearcall serve-far`.
//!
//! A process without a network calls by a gateway of its machine ([`serve_gateway`], [`Binder::gateway`](crate::Binder::gateway)).
//!
//! What is not as near: nothing is larger than BLAST carries, which cuts a message into at most 16 packets (some 22 KB with packets
//! of 1500 bytes; `mtu=60000` of `wire_sockets` makes that 900 KB): `TooLarge`, and `ResultTooLarge`. Parameters that are read
//! in place cannot go, calls are not started without waiting (`Unsupported`), and a call whose other host restarts ends in
//! `PeerRestarted`. The graph is for one trusted network segment: nobody is authenticated.

pub(crate) mod binding;
pub(crate) mod driven;
pub(crate) mod gateway;
mod host;
pub(crate) mod message;
pub(crate) mod name;
mod server;

pub use binding::{describe, list};
pub use driven::{DriveError, Driven};
pub use gateway::serve_gateway;
pub use host::{Host, HostError};
pub use name::PORT;
pub use server::{FarServer, serve};
