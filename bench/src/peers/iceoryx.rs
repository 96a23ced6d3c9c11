//! A null call through iceoryx2's request and response.
//!
//! Without `EVENT` both sides poll their ports. With it, each side notifies an event after it has sent, and sleeps on
//! the other's until something is there.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use iceoryx2::config::Config;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::prelude::{FileName, Node, NodeBuilder, SemanticString, ServiceName, SignalHandlingMode, ipc};
use iceoryx2::service::builder::request_response::Builder;

use super::probe::{Probe, answer, expect};
use super::{Kind, poll, start, tell_ready};
use crate::client::Task;
use crate::outstanding::{COUNT, window};
use crate::sample::Sample;
use crate::spin::PATIENCE;

/// The request that ends the server, so that it can put away what it made.
const END: u64 = u64::MAX;

/// A sleep on an event is this long at most: a server that nobody ends looks up now and then.
const STEP: Duration = Duration::from_millis(500);

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure<const EVENT: bool>(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let _leftovers = Leftovers(prefix(place.path())?);
    let server = start(if EVENT { Kind::Iceoryx2Event } else { Kind::Iceoryx2 }, task, place.path())?;
    let node = node(place.path())?;
    let service = builder(&node)?.open().map_err(failed)?;
    let client = service.client_builder().create().map_err(failed)?;
    let bells = if EVENT { Some(Bells::new(&node, "reply", "request")?) } else { None };
    let under_way = RefCell::new(VecDeque::with_capacity(COUNT));
    let send = |number: u64| {
        let request = client.loan_uninit().map_err(failed)?.write_payload(number);
        under_way.borrow_mut().push_back(request.send().map_err(failed)?);
        bells.iter().try_for_each(Bells::ring)
    };
    let receive = |number: u64| {
        let pending = under_way.borrow_mut().pop_front().context("a reply without a request")?;
        let look = || Ok(pending.receive().map_err(failed)?.map(|response| *response));
        let got = match &bells {
            Some(bells) => bells.wait(look)?,
            None => poll(look)?,
        };
        expect(got, number)
    };
    let call = |number: u64| {
        send(number)?;
        receive(number)
    };
    let (mut number, mut first) = (0, 1);
    let sample = probe.blocking(
        &server,
        || {
            number += 1;
            call(number)
        },
        |meter| {
            first = window::run(meter, first, send, receive)?;
            Ok(())
        },
    );
    call(END)?;
    sample
}

/// The server's process: answers until it is told to end.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve<const EVENT: bool>(place: &Path) -> Result<()> {
    let node = node(place)?;
    let service = builder(&node)?.open_or_create().map_err(failed)?;
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
        let mut found = match &bells {
            Some(bells) => bells.wait(look)?,
            None => poll(look)?,
        };
        // All that are there, and then one notification.
        while found != END {
            match look()? {
                Some(next) => found = next,
                None => break,
            }
        }
        bells.iter().try_for_each(Bells::ring)?;
        if found == END {
            return Ok(());
        }
    }
}

/// The service, with room for as many requests as are ever under way.
fn builder(node: &Node<ipc::Service>) -> Result<Builder<u64, (), u64, (), ipc::Service>> {
    let builder = node.service_builder(&name("call")?).request_response::<u64, u64>();
    Ok(builder.max_active_requests_per_client(COUNT).max_loaned_requests(COUNT))
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

    /// Sleeps until `look` finds something. Looks first: several messages may have come with one notification.
    fn wait<T>(&self, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            self.own.timed_wait(|_| {}, STEP).map_err(failed)?;
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
