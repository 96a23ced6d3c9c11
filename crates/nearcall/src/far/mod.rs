//! Calls to other machines, over a protocol graph.

pub(crate) mod driven;

pub use driven::{DriveError, Driven};
