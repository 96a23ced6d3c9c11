//! How either side waits: the one place where a channel meets processors, futexes and time.
//!
//! *Caller*: if a processor of the server polls on another CPU, spin for about as long as a wake-up costs; else give this
//! CPU to the server's standby on it; else wake one elsewhere. Then announce the wait, look again at everything, sleep.
//! *Server*: on each CPU from which clients call a standby sleeps on their bells and runs their procedures there. While
//! calls come close together one of them, the *lead*, polls instead.
//!
//! What is decided, and when, is in [`policy`]; the rest is system calls around it.
//! Who must fence is whoever stops looking (`docs/orderings.md`); a call between two parties that look does not.

pub mod any;
mod aside;
pub mod call;
pub mod caller;
pub mod clock;
pub mod counts;
pub mod crew;
pub mod deadline;
pub mod deferred;
pub mod desk;
pub mod handoff;
#[cfg(feature = "wait-hook")]
pub mod hook;
pub mod knobs;
mod lead;
pub mod mode;
pub mod pending;
pub mod policy;
mod seats;
mod standby;
mod strays;
mod wake;
pub mod wires;
