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
pub(crate) mod turns;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rustix::fs::MemfdFlags;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::measure::{Pace, Plan};
use crate::mem::{REGION_BYTES, Region};
use crate::peer::Placement;
use crate::sample::{Sample, Way};
use crate::spin::PATIENCE;

/// Bytes between the request line and the reply line, and from any line to payload: two lines, because processors
/// fetch lines in pairs.
const APART: usize = 128;

/// The same for requests of more than one line.
const FAR_APART: usize = 512;

/// Requests of one turn of the ring.
const SLOTS: u32 = ring::SLOTS as u32;

/// The floors. Where the kernel's choice of processors makes sense too, it stands beside as `_free`.
pub(crate) fn cases() -> Vec<Case> {
    let bare = |name: &str, placement: Placement, floor: Floor| Case::new(name, placement, Work::Floor(floor));
    vec![
        bare("pingpong", Placement::Apart, Floor::Line),
        bare("pingpong56", Placement::Apart, Floor::Line56),
        bare("pingpong208", Placement::Apart, Floor::Line208),
        bare("pingpong56_free", Placement::FreeOfTwo, Floor::Line56),
        bare("pingpong1", Placement::Apart, Floor::OneLine),
        bare("copy4096", Placement::Apart, Floor::Copy),
        bare("copy4096_free", Placement::FreeOfTwo, Floor::Copy),
        bare("copy65536", Placement::Apart, Floor::Copy64),
        bare("ring32", Placement::Apart, Floor::Ring),
        bare("ring32_by_8", Placement::Apart, Floor::RingByEights),
        bare("futex_one_cpu", Placement::Together, Floor::Futex),
        // Busy time before each turn alone makes the way through the kernel two to three times slower: what was in the
        // caches is not any more, and nobody is awake.
        bare("futex_one_cpu_1ms", Placement::Together, Floor::Futex).pace(Pace::Busy(Duration::from_millis(1))),
        // Two wake-ups of a sleeper on another processor.
        bare("futex_two_cpus", Placement::Apart, Floor::Futex),
        bare("futex_free", Placement::Free, Floor::Futex),
        bare("yield_one_cpu", Placement::Together, Floor::Yield),
        bare("unix_socket", Placement::Apart, Floor::Socket),
        bare("unix_socket_one_cpu", Placement::Together, Floor::Socket),
        bare("unix_socket_free", Placement::Free, Floor::Socket),
        bare("unix_socket_loaded", Placement::Free, Floor::Socket).loaded(),
    ]
}

/// What goes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub(crate) enum Floor {
    /// A flag of 8 bytes, a line for each direction.
    Line,
    /// The flag and 48 bytes in the flag's line, a line for each direction.
    Line56,
    /// The flag and 200 bytes after it, four lines for each direction.
    Line208,
    /// The flag and 48 bytes, one line that both sides write.
    OneLine,
    /// 4096 bytes copied in and out, a flag for the answer.
    Copy,
    /// The same of 64 KiB.
    Copy64,
    /// A flag in each of 32 lines for each direction, all of them under way.
    Ring,
    /// The same, the caller taking replies by eights.
    RingByEights,
    /// A flag on which both sides sleep.
    Futex,
    /// A flag for which both sides yield.
    Yield,
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
        (Floor::Line208, false) => line::serve::<FAR_APART, 25, false>(&region),
        (Floor::Line208, true) => line::serve::<FAR_APART, 25, true>(&region),
        (Floor::OneLine, false) => line::serve::<0, 6, false>(&region),
        (Floor::OneLine, true) => line::serve::<0, 6, true>(&region),
        (Floor::Copy, false) => copy::serve::<1, false>(&region),
        (Floor::Copy, true) => copy::serve::<1, true>(&region),
        (Floor::Copy64, false) => copy::serve::<16, false>(&region),
        (Floor::Copy64, true) => copy::serve::<16, true>(&region),
        (Floor::Ring | Floor::RingByEights, false) => ring::serve::<false>(&region),
        (Floor::Ring | Floor::RingByEights, true) => ring::serve::<true>(&region),
        (Floor::Yield, _) => turns::serve(&region),
        (Floor::Futex | Floor::Socket, _) => futex::serve(&region),
    }
}

/// How a side that polls does so. Which is faster depends on the processor: `pause` makes the line travel less often, but
/// takes 5 to 60 ns itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poll {
    Plain,
    Pause,
}

impl Floor {
    fn name(self) -> Result<String> {
        Ok(self.to_possible_value().context("every floor has a name")?.get_name().to_owned())
    }

    fn polls(self) -> &'static [Poll] {
        match self {
            Self::Futex | Self::Yield | Self::Socket => &[Poll::Plain],
            _ => &[Poll::Plain, Poll::Pause],
        }
    }
}

/// Measures one floor once, by each way to poll: starts a server's process, runs the plan, and ends the process.
///
/// # Errors
/// When the process, the memory or the socket cannot be had, and for every answer that is wrong or late.
pub(crate) fn measure(floor: Floor, plan: &Plan, task: &Task) -> Result<Vec<Way>> {
    let way = |poll: &Poll| {
        let name = if *poll == Poll::Pause { "pause" } else { "plain" };
        Ok(Way { name: name.to_owned(), sample: measure_one(floor, *poll == Poll::Pause, plan, task)? })
    };
    floor.polls().iter().map(way).collect()
}

/// New memory, mapped here, and its descriptor for the other process.
fn region() -> Result<(Region, OwnedFd)> {
    let memory = rustix::fs::memfd_create("nearcall-bench", MemfdFlags::CLOEXEC).context("making shared memory")?;
    rustix::fs::ftruncate(&memory, REGION_BYTES as u64).context("sizing the shared memory")?;
    Ok((Region::map(&memory)?, memory))
}

fn measure_one(floor: Floor, pause: bool, plan: &Plan, task: &Task) -> Result<Sample> {
    let name = floor.name()?;
    let mut arguments = vec!["peer", &name];
    if pause {
        arguments.push("--pause");
    }
    let start = |input: OwnedFd| task.start_server(&arguments, Stdio::from(input));
    if floor == Floor::Socket {
        let (ours, theirs) = UnixStream::pair().context("making a socket pair")?;
        let _peer = start(theirs.into())?;
        let mut client = socket::Client::new(ours)?;
        return plan.measure(1, || client.call());
    }
    let (region, memory) = region()?;
    let _peer = start(memory)?;
    match (floor, pause) {
        (Floor::Line, false) => plan.measure(1, line::client::<APART, 0, false>(&region)),
        (Floor::Line, true) => plan.measure(1, line::client::<APART, 0, true>(&region)),
        (Floor::Line56, false) => plan.measure(1, line::client::<APART, 6, false>(&region)),
        (Floor::Line56, true) => plan.measure(1, line::client::<APART, 6, true>(&region)),
        (Floor::Line208, false) => plan.measure(1, line::client::<FAR_APART, 25, false>(&region)),
        (Floor::Line208, true) => plan.measure(1, line::client::<FAR_APART, 25, true>(&region)),
        (Floor::OneLine, false) => plan.measure(1, line::client::<0, 6, false>(&region)),
        (Floor::OneLine, true) => plan.measure(1, line::client::<0, 6, true>(&region)),
        (Floor::Copy, false) => plan.measure(1, copy::client::<1, false>(&region)),
        (Floor::Copy, true) => plan.measure(1, copy::client::<1, true>(&region)),
        (Floor::Copy64, false) => plan.measure(1, copy::client::<16, false>(&region)),
        (Floor::Copy64, true) => plan.measure(1, copy::client::<16, true>(&region)),
        (Floor::Ring, false) => plan.measure(SLOTS, ring::client::<1, false>(&region)),
        (Floor::Ring, true) => plan.measure(SLOTS, ring::client::<1, true>(&region)),
        (Floor::RingByEights, false) => plan.measure(SLOTS, ring::client::<8, false>(&region)),
        (Floor::RingByEights, true) => plan.measure(SLOTS, ring::client::<8, true>(&region)),
        (Floor::Yield, _) => plan.measure(1, turns::client(&region)),
        (Floor::Futex | Floor::Socket, _) => plan.measure(1, futex::client(&region)),
    }
}
