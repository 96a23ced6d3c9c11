//! The floor of a null call: two processes, one line of shared memory each way, and nothing else.
//!
//! Each line carries a sequence number and 48 bytes that the other side checks, as a call with a few arguments does.
//! Both sides poll with `pause`. Nothing is pinned, as nothing is in the calls beside it.

use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nearcall_core::shm::{OwnLine, OwnRegion, PeerLine, PeerRegion};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::{memory, socket};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::processes::{Kept, Program, die_with};

/// The size of a pair's regions: no smaller ones are mapped.
const SIZE: usize = 256 * 1024;
/// The first line of a region has its magic number.
const LINE: usize = 1024;
const ROUND_TRIPS: u64 = 500;
/// At most; the first is not counted.
const ROUNDS: usize = 401;
/// After this long no other round begins: where both sides have to share a CPU, because others use the rest, a round trip
/// of two that poll takes time slices.
const ROUNDS_TIME: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);
/// Polls between two looks at the clock.
const POLLS: u32 = 1 << 16;

/// The process on the other side.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The process to end with
    #[arg(long)]
    parent: u32,
}

/// The median over rounds of the mean round trip, in nanoseconds.
pub(crate) fn measure(program: &Program) -> anyhow::Result<f64> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .context("cannot make the socket of the ping-pong")?;
    let mut command = program.command("__demo-ping-pong");
    command.args(["--parent", &std::process::id().to_string()]).stdin(Stdio::from(theirs)).stdout(Stdio::null());
    let mut other = Kept::spawn(&mut command, "ping-pong")?;
    drop(command);

    let ping = memory::create(SIZE)?;
    let pong = memory::create(SIZE)?;
    let own = OwnRegion::map(ping.as_fd(), SIZE)?;
    memory::seal(ping.as_fd())?;
    socket::send(ours.as_fd(), b"regions", &[ping.as_fd(), pong.as_fd()])?;
    receive(&ours)?;
    memory::seal(pong.as_fd())?;
    let peer = PeerRegion::map(pong.as_fd(), SIZE)?;
    let (own, peer) = lines(&own, &peer)?;

    let mut means = Vec::with_capacity(ROUNDS);
    let mut sequence = 0;
    let begin = Instant::now();
    while means.len() < 2 || (means.len() < ROUNDS && begin.elapsed() < ROUNDS_TIME) {
        let start = Instant::now();
        for _ in 0..ROUND_TRIPS {
            sequence += 1;
            say(own, sequence);
            hear(peer, sequence)?;
        }
        means.push(start.elapsed().as_secs_f64() * 1e9 / ROUND_TRIPS as f64);
    }
    own.publish(u64::MAX);
    ensure!(other.wait()?.success(), "the other side of the ping-pong failed");
    // The first round warms both sides up.
    means.remove(0);
    means.sort_by(f64::total_cmp);
    means.get(means.len() / 2).copied().context("there were no rounds")
}

/// The other side: answers each line with one.
pub(crate) fn answer(options: &Options) -> anyhow::Result<()> {
    die_with(options.parent)?;
    let stdin = std::io::stdin();
    let socket = stdin.as_fd().try_clone_to_owned()?;
    let Ok([ping, pong]) = <[OwnedFd; 2]>::try_from(receive(&socket)?) else { bail!("no regions came") };
    let own = OwnRegion::map(pong.as_fd(), SIZE)?;
    let peer = PeerRegion::map(ping.as_fd(), SIZE)?;
    socket::send(socket.as_fd(), b"mapped", &[])?;
    let (own, peer) = lines(&own, &peer)?;
    let mut sequence = 1;
    while hear(peer, sequence)? {
        say(own, sequence);
        sequence += 1;
    }
    Ok(())
}

fn lines<'a>(own: &'a OwnRegion, peer: &'a PeerRegion) -> anyhow::Result<(OwnLine<'a>, PeerLine<'a>)> {
    own.line(LINE).zip(peer.line(LINE)).context("the line is outside the region")
}

fn receive(socket: &OwnedFd) -> anyhow::Result<Vec<OwnedFd>> {
    let timeout = PATIENCE.try_into().ok();
    rustix::event::poll(&mut [PollFd::new(socket, PollFlags::IN)], timeout.as_ref())?;
    let received = socket::receive(socket.as_fd(), &mut [0; 16])?.context("the other side said nothing")?;
    ensure!(received.size > 0, "the other side ended");
    Ok(received.fds.into_iter().filter_map(Foreign::checked).collect())
}

fn say(line: OwnLine<'_>, sequence: u64) {
    (1..7).for_each(|i| line.store(i, sequence + i as u64));
    line.publish(sequence);
}

/// Waits for a line and checks it; `false` if it is the last one.
fn hear(line: PeerLine<'_>, sequence: u64) -> anyhow::Result<bool> {
    let mut start = None;
    loop {
        for _ in 0..POLLS {
            let first = line.poll();
            if first == sequence {
                line.acquire();
                ensure!((1..7).all(|i| line.load(i) == sequence + i as u64), "a line arrived torn");
                return Ok(true);
            }
            if first == u64::MAX {
                return Ok(false);
            }
            std::hint::spin_loop();
        }
        let start = *start.get_or_insert_with(Instant::now);
        ensure!(start.elapsed() < PATIENCE, "the other side does not answer");
    }
}
