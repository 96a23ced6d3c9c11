//! What else people use between processes: a null call through each, beside nearcall's in the same circumstances.
//!
//! Each is used as its own documentation shows it, with the fastest of the settings it offers for one client and one
//! server on one machine. A call carries the number of the call, and the reply has to carry what it should be for that
//! number, so none can answer early or twice.

mod capnp;
mod iceoryx;
mod ipc_channel;
mod probe;
mod tarpc;
mod tonic;
mod unix;
mod zbus;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::count::Counted;
use crate::measure::{Pace, Plan};
use crate::peer::{Peer, Placement, READY};
use crate::sample::Sample;
use crate::spin::PATIENCE;
use probe::Probe;

/// A way to call another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Kind {
    /// postcard over a Unix stream socket, both sides blocking.
    Unix,
    /// The same, both sides polling.
    UnixSpin,
    /// iceoryx2's request and response, both sides polling.
    Iceoryx2,
    /// The same, with an event for each direction, on which both sides sleep.
    Iceoryx2Event,
    /// ipc-channel, a channel for each direction.
    IpcChannel,
    /// tarpc with bincode over a Unix stream socket, on a single-threaded tokio each, as for those that follow.
    Tarpc,
    /// zbus, peer to peer.
    Zbus,
    /// capnp-rpc.
    Capnp,
    /// tonic.
    Tonic,
}

/// What is found out about a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Calls, one after the other.
    Calls,
    /// Many calls under way at once.
    Outstanding,
    /// What both sides use when they are connected and nobody calls.
    Idle,
}

/// A placement of a peer, and the case of nearcall with the same.
type Place = (&'static str, Placement, &'static str);

const TWO_CPUS: Place = ("two_cpus", Placement::Apart, "null.spin");
const ONE_CPU: Place = ("one_cpu", Placement::Together, "null.one_cpu");
const FREE: Place = ("free", Placement::Free, "null.auto");
const ASLEEP: Place = ("asleep", Placement::Free, "null.asleep");

/// Two sides that poll keep each other off a processor they share, and never sleep.
const POLLING: &[Place] = &[TWO_CPUS, FREE];
const BLOCKING: &[Place] = &[TWO_CPUS, ONE_CPU, FREE, ASLEEP];

const PEERS: [(&str, Kind, &[Place]); 9] = [
    ("unix", Kind::Unix, BLOCKING),
    ("unix_spin", Kind::UnixSpin, POLLING),
    ("iceoryx2", Kind::Iceoryx2, POLLING),
    ("iceoryx2_event", Kind::Iceoryx2Event, BLOCKING),
    ("ipc_channel", Kind::IpcChannel, BLOCKING),
    ("tarpc", Kind::Tarpc, BLOCKING),
    ("zbus", Kind::Zbus, BLOCKING),
    ("capnp", Kind::Capnp, BLOCKING),
    ("tonic", Kind::Tonic, BLOCKING),
];

/// The file in the directory of a case that is the server's socket.
const SOCKET: &str = "socket";

/// The cases. `asleep` has `think` of busy time between calls.
pub(crate) fn cases(think: Duration) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, kind, places) in PEERS {
        for (place, placement, rival) in places {
            let case =
                Case::new(format!("peer.{name}.{place}"), *placement, Work::Peer(kind, What::Calls)).rival(*rival);
            cases.push(if *place == ASLEEP.0 { case.pace(Pace::Busy(think)) } else { case });
        }
        let name = format!("peer.{name}.outstanding32");
        cases.push(Case::new(name, Placement::Apart, Work::Peer(kind, What::Outstanding)).rival("null.outstanding32"));
    }
    cases
}

/// The counts.
pub(crate) fn counts() -> impl Iterator<Item = (String, Counted)> {
    PEERS.into_iter().map(|(name, kind, _)| (format!("peer.{name}.idle"), Counted::PeerIdle(kind)))
}

/// Measures once, against a server's process.
///
/// # Errors
/// When the process or the connection cannot be had, and for every reply that is wrong or late.
pub(crate) fn measure(kind: Kind, what: What, plan: &Plan, task: &Task) -> Result<Sample> {
    let probe = Probe { what, plan };
    match kind {
        Kind::Unix => unix::measure::<false>(probe, task),
        Kind::UnixSpin => unix::measure::<true>(probe, task),
        Kind::Iceoryx2 => iceoryx::measure::<false>(probe, task),
        Kind::Iceoryx2Event => iceoryx::measure::<true>(probe, task),
        Kind::IpcChannel => ipc_channel::measure(probe, task),
        Kind::Tarpc => tarpc::measure(probe, task),
        Kind::Zbus => zbus::measure(probe, task),
        Kind::Capnp => capnp::measure(probe, task),
        Kind::Tonic => tonic::measure(probe, task),
    }
}

/// The server's process. `place` is a directory that it may use, or a name to meet under, for those that need one.
///
/// # Errors
/// When the connection cannot be had, is silent for a long time, or carries what is no request.
pub(crate) fn serve(kind: Kind, place: Option<&Path>) -> Result<()> {
    let place = || place.context("needs a directory");
    match kind {
        Kind::Unix => unix::serve::<false>(),
        Kind::UnixSpin => unix::serve::<true>(),
        Kind::Iceoryx2 => iceoryx::serve::<false>(place()?),
        Kind::Iceoryx2Event => iceoryx::serve::<true>(place()?),
        Kind::IpcChannel => ipc_channel::serve(place()?),
        Kind::Tarpc => tarpc::serve(place()?),
        Kind::Zbus => zbus::serve(place()?),
        Kind::Capnp => capnp::serve(place()?),
        Kind::Tonic => tonic::serve(place()?),
    }
}

/// Starts the server's process of `kind` with a directory, and waits until it is ready.
fn start(kind: Kind, task: &Task, place: &Path) -> Result<Peer> {
    use clap::ValueEnum;
    let kind = kind.to_possible_value().context("every kind has a name")?;
    let place = place.to_str().context("the name of the temporary directory is not UTF-8")?;
    let mut peer = task.start_server(&["serve-peer", kind.get_name(), place], Stdio::piped())?;
    peer.ready()?;
    Ok(peer)
}

/// Tells the client that the server is ready.
fn tell_ready() -> Result<()> {
    let mut output = std::io::stdout();
    output.write_all(READY.as_bytes()).and_then(|()| output.flush()).context("telling the client")
}

/// Polls until `look` finds something.
fn poll<T>(mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let mut deadline = None;
    loop {
        // As many as take some hundred microseconds, so that the clock weighs nothing.
        for _ in 0..1000 {
            if let Some(found) = look()? {
                return Ok(found);
            }
            std::hint::spin_loop();
        }
        if Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + PATIENCE) {
            bail!("the other process was silent for {PATIENCE:?}");
        }
    }
}
