//! A null call through iceoryx2's request and response.
//!
//! Without `EVENT` both sides poll their ports. With it, each side notifies an event after it has sent, and sleeps on
//! the other's until something is there.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use iceoryx2::config::Config;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::prelude::{FileName, Node, NodeBuilder, SemanticString, ServiceName, SignalHandlingMode, ipc};

use super::{Kind, poll, start, tell_ready};
use crate::client::Task;
use crate::measure::Plan;
use crate::sample::Sample;
use crate::spin::PATIENCE;

/// The request that ends the server, so that it can put away what it made.
const END: u64 = u64::MAX;

/// A sleep on an event is this long at most: a server that nobody ends looks up now and then.
const STEP: Duration = Duration::from_millis(500);

/// What the answer to a request is.
fn answer(request: u64) -> u64 {
    !request
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure<const EVENT: bool>(plan: &Plan, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let _leftovers = Leftovers(prefix(place.path())?);
    let _peer = start(if EVENT { Kind::Iceoryx2Event } else { Kind::Iceoryx2 }, task, place.path())?;
    let node = node(place.path())?;
    let service = node.service_builder(&name("call")?).request_response::<u64, u64>().open().map_err(failed)?;
    let client = service.client_builder().create().map_err(failed)?;
    let bells = if EVENT { Some(Bells::new(&node, "reply", "request")?) } else { None };
    let call = |number: u64| {
        let request = client.loan_uninit().map_err(failed)?.write_payload(number);
        let pending = request.send().map_err(failed)?;
        let look = || Ok(pending.receive().map_err(failed)?.map(|response| *response));
        let got = match &bells {
            Some(bells) => {
                bells.ring()?;
                bells.wait(look)?
            }
            None => poll(look)?,
        };
        if got != answer(number) {
            bail!("the reply to {number} is {got}");
        }
        Ok(())
    };
    let mut number = 0;
    let sample = plan.measure(1, || {
        number += 1;
        call(number)
    });
    call(END)?;
    sample
}

/// The server's process: answers until it is told to end.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve<const EVENT: bool>(place: &Path) -> Result<()> {
    let node = node(place)?;
    let builder = node.service_builder(&name("call")?).request_response::<u64, u64>();
    let service = builder.open_or_create().map_err(failed)?;
    let server = service.server_builder().create().map_err(failed)?;
    let bells = if EVENT { Some(Bells::new(&node, "request", "reply")?) } else { None };
    tell_ready()?;
    let look = || {
        let Some(request) = server.receive().map_err(failed)? else { return Ok(None) };
        let response = request.loan_uninit().map_err(failed)?.write_payload(answer(*request));
        response.send().map_err(failed)?;
        Ok(Some(*request))
    };
    loop {
        let request = match &bells {
            Some(bells) => {
                let request = bells.wait(look)?;
                bells.ring()?;
                request
            }
            None => poll(look)?,
        };
        if request == END {
            return Ok(());
        }
    }
}

/// The event that this side sleeps on, and the one that it notifies.
struct Bells {
    own: Listener<ipc::Service>,
    other: Notifier<ipc::Service>,
}

impl Bells {
    fn new(node: &Node<ipc::Service>, own: &str, other: &str) -> Result<Self> {
        let event = |event: &str| node.service_builder(&name(event)?).event().open_or_create().map_err(failed);
        let own = event(own)?.listener_builder().create().map_err(failed)?;
        let other = event(other)?.notifier_builder().create().map_err(failed)?;
        Ok(Self { own, other })
    }

    fn ring(&self) -> Result<()> {
        self.other.notify().map(drop).map_err(failed)
    }

    /// Sleeps until `look` finds something. Looks after a notification only: one comes after each message.
    fn wait<T>(&self, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let start = Instant::now();
        loop {
            self.own.timed_wait(|_| {}, STEP).map_err(failed)?;
            if let Some(found) = look()? {
                return Ok(found);
            }
            if start.elapsed() >= PATIENCE {
                bail!("the other process was silent for {PATIENCE:?}");
            }
        }
    }
}

/// A node whose files are in `place`, and whose shared memory has a name that no other run has.
fn node(place: &Path) -> Result<Node<ipc::Service>> {
    let text = place.to_str().context("the name of the temporary directory is not UTF-8")?;
    let mut config = Config::default();
    let path = iceoryx2::prelude::Path::new(text.as_bytes()).map_err(failed)?;
    config.global.set_root_path(&path);
    config.global.prefix = FileName::new(prefix(place)?.as_bytes()).map_err(failed)?;
    let builder = NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled);
    builder.create::<ipc::Service>().map_err(failed)
}

/// What the names of shared memory begin with, from that of the directory.
fn prefix(place: &Path) -> Result<String> {
    let unique = place.file_name().and_then(|name| name.to_str()).context("the directory has no name")?;
    let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
    Ok(format!("nearcall_bench_{unique}_"))
}

/// Removes shared memory with a prefix, on drop: a little is left for the next node with it, and there will be none.
struct Leftovers(String);

impl Drop for Leftovers {
    fn drop(&mut self) {
        let Ok(entries) = std::fs::read_dir("/dev/shm") else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&self.0)) {
                // What cannot be removed is not ours to report: the measurement is over.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

fn name(name: &str) -> Result<ServiceName> {
    ServiceName::new(name).map_err(failed)
}

/// Its errors do not all have the traits that `anyhow` asks for.
fn failed(error: impl std::fmt::Debug) -> anyhow::Error {
    anyhow!("iceoryx2: {error:?}")
}
