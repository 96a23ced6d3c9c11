//! The floors: what the hardware and the kernel alone take for one round trip between two processes.
//!
//! Each floor is a pair of loops over a shared region or a socket, one in this process and one in a second process of the
//! same program. There is no protocol beyond what the floor is about: no validation, no death notice, no second client.
//! What is always there: each side checks what it gets, and each wait ends after [`PATIENCE`].

pub(crate) mod copy;
pub(crate) mod futex;
pub(crate) mod line;
pub(crate) mod ring;
pub(crate) mod socket;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rustix::fs::MemfdFlags;

use crate::case::Setting;
use crate::measure::Sample;
use crate::mem::{REGION_BYTES, Region};
use crate::peer::{Peer, Placement};
use crate::spin::PATIENCE;

/// Bytes between the request line and the reply line, and from any line to payload: two lines, because processors
/// fetch lines in pairs.
const APART: usize = 128;

/// Requests of one turn of the ring.
const SLOTS: u32 = ring::SLOTS as u32;

/// What goes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Floor {
    /// A flag of 8 bytes, a line for each direction.
    Line,
    /// The flag and 48 bytes in the flag's line, a line for each direction.
    Line56,
    /// The flag and 48 bytes, one line that both sides write.
    OneLine,
    /// 4096 bytes copied in and out, a flag for the answer.
    Copy,
    /// A flag in each of 32 lines for each direction, all of them under way.
    Ring,
    /// The same, the caller taking replies by eights.
    RingByEights,
    /// A flag on which both sides sleep.
    Futex,
    /// 48 bytes through a Unix stream socket.
    Socket,
}

/// The server's process: answers until it is killed, or nobody asks for [`PATIENCE`]. The memory or socket is its
/// standard input.
///
/// # Errors
/// When a request is not the expected one, or nobody asks.
pub(crate) fn serve(floor: Floor, pause: bool) -> Result<()> {
    let input = std::io::stdin();
    if floor == Floor::Socket {
        let input = std::os::fd::AsFd::as_fd(&input).try_clone_to_owned();
        return socket::serve(UnixStream::from(input.context("the socket on standard input")?));
    }
    let region = Region::map(&input)?;
    match (floor, pause) {
        (Floor::Line, false) => line::serve::<APART, 0, false>(&region),
        (Floor::Line, true) => line::serve::<APART, 0, true>(&region),
        (Floor::Line56, false) => line::serve::<APART, 6, false>(&region),
        (Floor::Line56, true) => line::serve::<APART, 6, true>(&region),
        (Floor::OneLine, false) => line::serve::<0, 6, false>(&region),
        (Floor::OneLine, true) => line::serve::<0, 6, true>(&region),
        (Floor::Copy, false) => copy::serve::<false>(&region),
        (Floor::Copy, true) => copy::serve::<true>(&region),
        (Floor::Ring | Floor::RingByEights, false) => ring::serve::<false>(&region),
        (Floor::Ring | Floor::RingByEights, true) => ring::serve::<true>(&region),
        (Floor::Futex | Floor::Socket, _) => futex::serve(&region),
    }
}

/// Measures one floor once: starts the server's process, runs the plan, and ends the process.
///
/// # Errors
/// When the process, the memory or the socket cannot be had, and for every answer that is wrong or late.
pub(crate) fn measure(floor: Floor, pause: bool, setting: &Setting, placement: Placement) -> Result<Sample> {
    let name = floor.to_possible_value().context("every floor has a name")?;
    let mut arguments = vec!["peer", name.get_name()];
    if pause {
        arguments.push("--pause");
    }
    let start = |input: OwnedFd| Peer::start(&setting.processors, placement, &arguments, Stdio::from(input));
    let plan = &setting.plan;
    if floor == Floor::Socket {
        let (ours, theirs) = UnixStream::pair().context("making a socket pair")?;
        let _peer = start(theirs.into())?;
        let mut client = socket::Client::new(ours)?;
        return plan.measure(1, || client.call());
    }
    let memory = rustix::fs::memfd_create("nearcall-bench", MemfdFlags::CLOEXEC).context("making shared memory")?;
    rustix::fs::ftruncate(&memory, REGION_BYTES as u64).context("sizing the shared memory")?;
    let region = Region::map(&memory)?;
    let _peer = start(memory)?;
    match (floor, pause) {
        (Floor::Line, false) => plan.measure(1, line::client::<APART, 0, false>(&region)),
        (Floor::Line, true) => plan.measure(1, line::client::<APART, 0, true>(&region)),
        (Floor::Line56, false) => plan.measure(1, line::client::<APART, 6, false>(&region)),
        (Floor::Line56, true) => plan.measure(1, line::client::<APART, 6, true>(&region)),
        (Floor::OneLine, false) => plan.measure(1, line::client::<0, 6, false>(&region)),
        (Floor::OneLine, true) => plan.measure(1, line::client::<0, 6, true>(&region)),
        (Floor::Copy, false) => plan.measure(1, copy::client::<false>(&region)),
        (Floor::Copy, true) => plan.measure(1, copy::client::<true>(&region)),
        (Floor::Ring, false) => plan.measure(SLOTS, ring::client::<1, false>(&region)),
        (Floor::Ring, true) => plan.measure(SLOTS, ring::client::<1, true>(&region)),
        (Floor::RingByEights, false) => plan.measure(SLOTS, ring::client::<8, false>(&region)),
        (Floor::RingByEights, true) => plan.measure(SLOTS, ring::client::<8, true>(&region)),
        (Floor::Futex | Floor::Socket, _) => plan.measure(1, futex::client(&region)),
    }
}
