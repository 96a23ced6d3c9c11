//! Servers and clients on processors of their own, and windows of calls between them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::callers::{self, ClientThreads, Turnout, Window, now};
use crate::count::syscalls;
use crate::near::interface::BenchClient;
use crate::near::session::{self, Wait};
use crate::ordered::{self, Ordered};
use crate::peer::{Peer, Processors, under};

/// What a client is told to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Binds to the server whose name is in this directory.
    Bind { names: PathBuf, wait: Wait },
    /// Calls in a window.
    Call(Window),
}

/// The client's process.
///
/// # Errors
/// The first order that cannot be done.
pub(crate) fn obey() -> Result<()> {
    let mut client: Option<BenchClient> = None;
    ordered::obey(|order| match order {
        Order::Bind { names, wait } => {
            client = Some(session::bind(&names, wait)?);
            Ok(None)
        }
        Order::Call(window) => {
            let client = client.as_ref().context("nothing is bound")?;
            callers::run::<ClientThreads>(client, &window).map(Some)
        }
    })
}

/// A client and a server of its own.
#[derive(Debug)]
pub(crate) struct Pair {
    // In this order: the client goes first.
    client: Ordered,
    _server: Peer,
    names: tempfile::TempDir,
    /// Of the client, and of the server.
    cpus: [Vec<usize>; 2],
    is_traced: bool,
}

/// How long before a window calls begin: time to become what they are all the time.
const SETTLE: Duration = Duration::from_millis(60);

impl Pair {
    /// Starts the two, the client on `client` and the server on `server`, and binds. With `polls`, processors of the server may
    /// poll.
    ///
    /// # Errors
    /// When a process, a directory or the binding cannot be had.
    pub(crate) fn start(client: &[usize], server: &[usize], wait: Wait, polls: bool) -> Result<Self> {
        Self::start_traced(client, server, wait, polls, None)
    }

    /// The same, with the system calls of both sides in these two files.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) fn start_traced(
        client: &[usize],
        server: &[usize],
        wait: Wait,
        polls: bool,
        traces: Option<&[String; 2]>,
    ) -> Result<Self> {
        let tools = traces.map(|traces| traces.each_ref().map(|trace| syscalls::tool(trace)));
        let tool = |side: usize| tools.as_ref().map_or(&[][..], |tools| &tools[side][..]);
        let names = tempfile::tempdir().context("making a directory for the name")?;
        let path = names.path().to_str().context("the name of the temporary directory is not UTF-8")?;
        let how: &[&str] = if polls { &[] } else { &["--no-leads"] };
        let mut command = under(tool(1), &Processors::these(server.to_vec()), &[&["serve", path], how].concat())?;
        let cpus = server.to_vec();
        let mut server = Peer::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        server.ready()?;
        let mut pair = Self {
            client: Ordered::start_under(tool(0), &Processors::these(client.to_vec()), &["caller"])?,
            _server: server,
            cpus: [client.to_vec(), cpus],
            names,
            is_traced: traces.is_some(),
        };
        let names = pair.names.path().to_owned();
        pair.client.tell(&Order::Bind { names, wait })?;
        pair.client.hear::<Option<Turnout>>()?;
        Ok(pair)
    }

    fn tell(&mut self, threads: usize, from: u64, until: u64, lock: Option<&Path>) -> Result<()> {
        let lock = lock.map(Path::to_owned);
        let [cpus, server_cpus] = self.cpus.clone();
        let is_traced = self.is_traced;
        self.client.tell(&Order::Call(Window { threads, cpus, server_cpus, from, until, lock, is_traced }))
    }

    fn hear(&mut self) -> Result<Turnout> {
        self.client.hear::<Option<Turnout>>()?.context("the client has no result")
    }
}

/// Has each of `pairs` call from as many threads, all in the same window of length `time`.
///
/// # Errors
/// When a call fails.
pub(crate) fn together(
    pairs: &mut [Pair],
    threads: usize,
    time: Duration,
    lock: Option<&Path>,
) -> Result<Vec<Turnout>> {
    let settle = SETTLE + threads as u32 * Duration::from_millis(2);
    let from = now() + u64::try_from(settle.as_nanos())?;
    let until = from + u64::try_from(time.as_nanos())?;
    pairs.iter_mut().try_for_each(|pair| pair.tell(threads, from, until, lock))?;
    pairs.iter_mut().map(Pair::hear).collect()
}
