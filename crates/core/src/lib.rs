//! The memory two domains share, and how a call crosses it.
//!
//! Bottom up: [`sys`] wraps system calls; [`shm`] is the only code that touches mapped regions; [`astack`] hands out the
//! slots of calls in flight, [`segments`] memory for what does not fit them; [`channel`] writes, claims and answers requests; [`transfer`] decides how either side waits.
//! All `unsafe` of the library is here. There are no names, no types of arguments and no policy about who may call: that
//! is the crate `nearcall`.
//!
//! The one rule of the crate: the peer may write any byte of its own region at any time. What is read from there is
//! read once, into private memory, and only the private copy is looked at. (`docs/trust.md`)
#![warn(clippy::indexing_slicing)]

pub mod astack;
pub mod budget;
pub mod channel;
pub mod forks;
pub mod segments;
pub mod shm;
pub mod sync;
pub mod sys;
pub mod threads;
pub mod transfer;
