//! System calls that rustix does not have, or that need `unsafe`: each behind a function with a safe contract.
//!
//! Nothing here knows what a call or a binding is.

pub mod forked;
pub mod futex;
pub mod memory;
pub mod peer;
pub mod process;
pub mod socket;
