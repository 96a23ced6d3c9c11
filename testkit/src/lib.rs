//! Peers that lie, and what a test sees of a process from outside.
//!
//! A hostile peer must not be built from the code it attacks, or a mistake in that code is made twice and found never.
//! So [`message`] writes the handshake's bytes a second time, [`raw`] maps regions with nothing in the way, and
//! [`client`] and [`server`] offer each honest step as a function of its own, so that a test can leave it out, repeat it
//! or replace it. Only the numbers of the shared layout come from `nearcall-layout`: they are the written contract.
//!
//! Nothing here is fast, and nothing here is careful on the peer's behalf. It panics where a test has to stop.

pub mod autopsy;
pub mod board;
pub mod busy;
pub mod client;
pub mod cpuset;
pub mod interfaces;
pub mod lies;
pub mod message;
pub mod netns;
pub mod packet;
pub mod peak;
pub mod process;
pub mod random;
pub mod raw;
pub mod server;
pub mod tasks;
