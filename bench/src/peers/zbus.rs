//! A null call through zbus, peer to peer: D-Bus messages over a Unix stream socket without a bus, a single-threaded tokio
//! on each side.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::{Context, Result};
use zbus::connection::Builder;
use zbus::{Connection, Guid};

use super::probe::{Concurrent, Driver, Probe, answer, end_with_input, expect};
use super::{Kind, SOCKET, start, tell_ready};
use crate::client::Task;
use crate::sample::Sample;

const OBJECT: &str = "/nearcall/bench";
const INTERFACE: &str = "nearcall.Bench";

struct Answers;

#[zbus::interface(name = "nearcall.Bench")]
impl Answers {
    fn null(&self, number: u64) -> u64 {
        answer(number)
    }
}

impl Concurrent for Connection {
    async fn call(&self, number: u64) -> Result<()> {
        // What a generated proxy does, without looking for properties first.
        let reply = self.call_method(None::<&str>, OBJECT, Some(INTERFACE), "Null", &number).await?;
        expect(reply.body().deserialize()?, number)
    }
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let server = start(Kind::Zbus, task, place.path())?;
    let driver = Driver::new()?;
    let stream = UnixStream::connect(place.path().join(SOCKET)).context("connecting")?;
    let client = driver.block_on(Builder::unix_stream(stream).p2p().build()).context("greeting the server")?;
    probe.concurrent(&server, &driver, &client)
}

/// The server's process: answers one client until the input ends.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve(place: &Path) -> Result<()> {
    let listener = UnixListener::bind(place.join(SOCKET)).context("listening")?;
    tell_ready()?;
    end_with_input()?;
    let (stream, _) = listener.accept().context("accepting")?;
    Driver::new()?.block_on(async {
        let builder = Builder::unix_stream(stream).server(Guid::generate()).p2p();
        let _connection = builder.serve_at(OBJECT, Answers).build().await.context("greeting the client")?;
        std::future::pending().await
    })
}
