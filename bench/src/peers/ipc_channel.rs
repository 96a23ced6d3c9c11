//! A null call through ipc-channel: a channel for requests and one for replies, both sides blocking.

use std::path::Path;

use anyhow::{Context, Result};
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, channel};

use super::probe::{Probe, answer, expect};
use super::{Kind, start, tell_ready};
use crate::client::Task;
use crate::outstanding::window;
use crate::sample::Sample;

/// The client's ends, as the server sends them.
type Ends = (IpcSender<u64>, IpcReceiver<u64>);

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let (meeting, name) = IpcOneShotServer::<Ends>::new().context("making a place to meet")?;
    let server = start(Kind::IpcChannel, task, Path::new(&name))?;
    let (_, (requests, replies)) = meeting.accept().context("meeting the server")?;
    let send = |number: u64| requests.send(number).context("sending a request");
    let receive = |number: u64| expect(replies.recv().context("receiving a reply")?, number);
    let (mut number, mut first) = (0, 1);
    probe.blocking(
        &server,
        || {
            number += 1;
            send(number)?;
            receive(number)
        },
        |meter| {
            first = window::run(meter, first, send, receive)?;
            Ok(())
        },
    )
}

/// The server's process: answers until the client has gone.
///
/// # Errors
/// As [`super::serve`].
pub(crate) fn serve(name: &Path) -> Result<()> {
    let (requests_in, requests) = channel::<u64>().context("making a channel")?;
    let (replies, replies_out) = channel::<u64>().context("making a channel")?;
    let name = name.to_str().context("the name of the meeting place is not UTF-8")?.to_owned();
    let meeting: IpcSender<Ends> = IpcSender::connect(name).context("meeting the client")?;
    meeting.send((requests_in, replies_out)).context("giving the client its ends")?;
    tell_ready()?;
    // Whichever fails first, the client has gone.
    while let Ok(request) = requests.recv() {
        if replies.send(answer(request)).is_err() {
            break;
        }
    }
    Ok(())
}
