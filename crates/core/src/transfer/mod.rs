//! How either side waits: the one place where a channel meets processors, futexes and time.
//!
//! *Caller*: spin for about as long as a wake-up costs, then announce the wait, look again at everything, and sleep on
//! the reply word together with a private word that ends the pair.
//! *Server*: one processor, the *lead*, polls a few hot pairs and runs procedures itself; with nothing to do for a while
//! it writes that it is asleep, looks again, and sleeps on its pairs' bells.
//!
//! Who must fence is whoever stops looking (`docs/orderings.md`); a call between two parties that look does not.

pub mod call;
pub mod caller;
pub mod clock;
pub mod counts;
pub mod crew;
#[cfg(feature = "wait-hook")]
pub mod hook;
mod lead;
pub mod mode;
pub mod policy;
mod standby;
