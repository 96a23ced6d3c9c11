//! A call to a server that is busy with another client's (LRPC on Mach 3, 1993): the fast path of messages needs a receiver that
//! waits, and a call without one has to wait for it; a call that brings its own processor does not.
//!
//! The client is on one processor and calls without pause. The other client is on another one, and calls a procedure that works
//! for [`WORK_US`] as soon as the last has returned. The server may use both. nearcall is asked to donate, so that no
//! processor polls, waiting or busy.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::callers::pin;
use super::conventional::Channel;
use crate::client::Task;
use crate::measure::Unwatched;
use crate::near::calls::{self, Procedure};
use crate::near::session::{self, Wait};
use crate::peer::{Peer, Processors, this_program};
use crate::sample::Sample;

/// Microseconds of the other client's procedure.
const WORK_US: u32 = 100;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answering {
    /// nearcall.
    Nearcall,
    /// A conventional server, with one kernel thread that receives for both clients.
    OneReceiver,
    /// The same with one for each.
    TwoReceivers,
}

impl Answering {
    pub(crate) const ALL: [(Self, &str); 3] =
        [(Self::Nearcall, "nearcall"), (Self::OneReceiver, "conventional"), (Self::TwoReceivers, "conventional2")];
}

/// Null calls, with or without the other client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receiver {
    pub(crate) answering: Answering,
    pub(crate) is_busy: bool,
}

/// Measures once, against a server of its own.
///
/// # Errors
/// When a process cannot be had or a call fails.
pub(crate) fn measure(what: Receiver, task: &Task) -> Result<Sample> {
    let [own, other, ..] = *task.processors.each() else { bail!("this needs two processors") };
    let both = Processors::these(vec![own, other]);
    let other = |names: &[&str], stdin: Stdio| -> Result<Option<Peer>> {
        if !what.is_busy {
            return Ok(None);
        }
        let mut command = this_program(&Processors::only(other), &[&["other-client"], names].concat())?;
        let mut other = Peer::spawn(command.stdin(stdin).stdout(Stdio::piped()))?;
        other.ready()?;
        Ok(Some(other))
    };
    pin(own)?;
    if what.answering == Answering::Nearcall {
        let names = tempfile::tempdir().context("making a directory for the name")?;
        let path = names.path().to_str().context("the name of the temporary directory is not UTF-8")?;
        let mut command = this_program(&both, &["serve", path])?;
        let mut server = Peer::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        server.ready()?;
        let client = session::bind(names.path(), Wait::Donate)?;
        let _other = other(&[path], Stdio::null())?;
        return calls::run(&client, Procedure::Null, &task.job, &mut Unwatched);
    }
    let pair = || UnixStream::pair().context("making a socket pair");
    let ((ours, theirs), (others, for_others)) = (pair()?, pair()?);
    let receivers = if what.answering == Answering::OneReceiver { "1" } else { "2" };
    let mut command = this_program(&both, &["conventional", "--receivers", receivers])?;
    // Until the other client is gone: the server ends with this one.
    let _open = ours.try_clone().context("a second descriptor")?;
    let sockets = [theirs, for_others].map(|socket| Stdio::from(OwnedFd::from(socket)));
    let [first, second] = sockets;
    let _server = Peer::spawn(command.stdin(first).stdout(second))?;
    // The command has their ends, too, and a socket hangs up when nobody has one.
    drop(command);
    let _other = other(&[], Stdio::from(OwnedFd::from(others)))?;
    calls::basic(Channel::bounded(ours)?, Procedure::Null, &task.job, &mut Unwatched)
}

/// The other client's process, until it is killed: of nearcall's, or of a conventional server at its standard input.
///
/// # Errors
/// The first call that fails.
pub(crate) fn keep_busy(names: Option<&Path>) -> Result<()> {
    let mut call: Box<dyn FnMut() -> Result<()>> = match names {
        Some(names) => {
            let client = session::bind(names, Wait::Donate)?;
            Box::new(move || Ok(client.work(WORK_US)?))
        }
        None => {
            let mut channel = Channel::standard_input()?;
            Box::new(move || channel.work(WORK_US))
        }
    };
    call()?;
    crate::peer::say_ready()?;
    loop {
        call()?;
    }
}
