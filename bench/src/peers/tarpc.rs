//! A null call through tarpc: bincode over a Unix stream socket, a single-threaded tokio on each side.
//!
//! The server answers requests in the task that receives them; its documentation spawns a task for each, which is slower
//! for one client.

use std::path::Path;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use tarpc::serde_transport::unix;
use tarpc::server::{BaseChannel, Channel};
use tarpc::tokio_serde::formats::Bincode;
use tokio::runtime::{Builder, Runtime};

use super::{Kind, start, tell_ready};
use crate::client::Task;
use crate::measure::Plan;
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
        !number
    }
}

/// The socket's name in the directory of the case.
const SOCKET: &str = "socket";

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("starting tokio")
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(plan: &Plan, task: &Task) -> Result<Sample> {
    let place = tempfile::tempdir().context("making a directory")?;
    let _peer = start(Kind::Tarpc, task, place.path())?;
    let runtime = runtime()?;
    let socket = place.path().join(SOCKET);
    let transport = runtime.block_on(unix::connect(socket, Bincode::default)).context("connecting")?;
    let client = {
        let _inside = runtime.enter();
        ServiceClient::new(tarpc::client::Config::default(), transport).spawn()
    };
    let mut number = 0;
    plan.measure(1, || {
        number += 1;
        let got = runtime.block_on(client.null(tarpc::context::current(), number))?;
        if got != !number {
            bail!("the reply to {number} is {got}");
        }
        Ok(())
    })
}

/// The server's process: answers one client until it closes the socket.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve(place: &Path) -> Result<()> {
    runtime()?.block_on(async {
        let mut listener = unix::listen(place.join(SOCKET), Bincode::default).await.context("listening")?;
        tell_ready()?;
        let transport = listener.next().await.context("nobody came")?.context("accepting")?;
        BaseChannel::with_defaults(transport).execute(Answers.serve()).for_each(|response| response).await;
        Ok(())
    })
}
