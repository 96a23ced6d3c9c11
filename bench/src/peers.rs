//! What else people use between processes: a null call through each, beside nearcall's in the same circumstances.
//!
//! Each is used as its own documentation shows it, with the fastest of the settings it offers for one client and one
//! server on one machine. A call carries the number of the call, and the reply has to carry what it should be for that
//! number, so none can answer early or twice.

mod iceoryx;
mod tarpc;
mod unix;

use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::case::{Case, Work};
use crate::client::Task;
use crate::measure::{Pace, Plan};
use crate::peer::{Peer, Placement, READY};
use crate::sample::Sample;
use crate::spin::PATIENCE;

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
    /// tarpc with bincode over a Unix stream socket, on a single-threaded tokio each.
    Tarpc,
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

const PEERS: [(&str, Kind, &[Place]); 5] = [
    ("unix", Kind::Unix, BLOCKING),
    ("unix_spin", Kind::UnixSpin, POLLING),
    ("iceoryx2", Kind::Iceoryx2, POLLING),
    ("iceoryx2_event", Kind::Iceoryx2Event, BLOCKING),
    ("tarpc", Kind::Tarpc, BLOCKING),
];

/// The cases. `asleep` has `think` of busy time between calls.
pub(crate) fn cases(think: Duration) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, kind, places) in PEERS {
        for (place, placement, rival) in places {
            let mut case = Case::new(format!("peer.{name}.{place}"), *placement, Work::Peer(kind));
            case.rival = Some((*rival).to_owned());
            cases.push(if *place == ASLEEP.0 { case.pace(Pace::Busy(think)) } else { case });
        }
    }
    cases
}

/// Measures null calls once, against a server's process.
///
/// # Errors
/// When the process or the connection cannot be had, and for every reply that is wrong or late.
pub(crate) fn measure(kind: Kind, plan: &Plan, task: &Task) -> Result<Sample> {
    match kind {
        Kind::Unix => unix::measure::<false>(plan, task),
        Kind::UnixSpin => unix::measure::<true>(plan, task),
        Kind::Iceoryx2 => iceoryx::measure::<false>(plan, task),
        Kind::Iceoryx2Event => iceoryx::measure::<true>(plan, task),
        Kind::Tarpc => tarpc::measure(plan, task),
    }
}

/// The server's process. `place` is a directory that it may use, for those that need one.
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
        Kind::Tarpc => tarpc::serve(place()?),
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
