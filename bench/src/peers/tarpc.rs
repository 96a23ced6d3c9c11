//! A null call through tarpc: bincode over a Unix stream socket, a single-threaded tokio on each side.
//!
//! The server answers requests in the task that receives them; its documentation spawns a task for each, which is slower
//! for procedures that do not wait.

use std::path::Path;

use anyhow::{Context, Result};
use futures::StreamExt;
use tarpc::serde_transport::unix;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;

use super::probe::{Concurrent, Driver, Probe, answer, expect};
use super::{Kind, SOCKET, start, tell_ready};
use crate::client::Task;
use crate::sample::Sample;

#[tarpc::service]
trait Service {
    /// Nothing, but the number, so that the reply can be told from others.
    async fn null(number: u64) -> u64;
}

#[derive(Clone)]
struct Answers;

impl Service for Answers {
    async fn null(self, _: tarpc::context::Context, number: u64) -> u64 {
        answer(number)
    }
}

impl Concurrent for ServiceClient {
    async fn call(&self, number: u64) -> Result<()> {
        expect(self.null(tarpc::context::current(), number).await?, number)
    }
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let server = start(Kind::Tarpc, task, place.path())?;
    let driver = Driver::new()?;
    let client = driver.block_on(async {
        let transport = unix::connect(place.path().join(SOCKET), Bincode::default).await.context("connecting")?;
        anyhow::Ok(ServiceClient::new(tarpc::client::Config::default(), transport).spawn())
    })?;
    probe.concurrent(&server, &driver, &client)
}

/// The server's process: answers one client until it closes the socket.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve(place: &Path) -> Result<()> {
    Driver::new()?.block_on(async {
        let mut listener = unix::listen(place.join(SOCKET), Bincode::default).await.context("listening")?;
        tell_ready()?;
        let transport = listener.next().await.context("nobody came")?.context("accepting")?;
        BaseChannel::with_defaults(transport).execute(Answers.serve()).for_each(|response| response).await;
        Ok(())
    })
}
