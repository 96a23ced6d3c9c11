//! A null call as one would write it without a library for calls: postcard over a Unix stream socket.
//!
//! A message is its length in 4 bytes, little-endian, and then the encoding; one write for each, and a read for as many as
//! are there. With `SPIN` the sockets do not block, and both sides read again until something is there.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::probe::Probe;
use super::{Kind, poll};
use crate::client::Task;
use crate::outstanding::window;
use crate::sample::Sample;
use crate::spin::PATIENCE;

#[derive(Serialize, Deserialize)]
struct Request<'a> {
    number: u64,
    #[serde(borrow)]
    call: Call<'a>,
}

/// Some procedures, as an interface would have, so that decoding has a choice to make.
#[derive(Serialize, Deserialize)]
enum Call<'a> {
    Null,
    Add(u32, u32),
    Write(&'a [u8]),
    Echo40([u64; 5]),
}

#[derive(Serialize, Deserialize)]
struct Reply {
    number: u64,
    result: Answer,
}

#[derive(PartialEq, Serialize, Deserialize)]
enum Answer {
    Null,
    Sum(u32),
    Written(u32),
    Echo40([u64; 5]),
}

/// See [`super::measure`].
///
/// # Errors
/// As there.
pub(crate) fn measure<const SPIN: bool>(probe: Probe<'_>, task: &Task) -> Result<Sample> {
    let (ours, theirs) = UnixStream::pair().context("making a socket pair")?;
    let theirs = Stdio::from(std::os::fd::OwnedFd::from(theirs));
    let kind = if SPIN { Kind::UnixSpin } else { Kind::Unix };
    let kind = kind.to_possible_value().context("every kind has a name")?;
    let server = task.start_server(&["serve-peer", kind.get_name()], theirs)?;
    let wire = RefCell::new(Wire::<SPIN>::new(ours)?);
    let send = |number: u64| wire.borrow_mut().send(&Request { number, call: Call::Null });
    let receive = |number: u64| match wire.borrow_mut().receive::<Reply>()? {
        Some(reply) if reply.number == number && reply.result == Answer::Null => Ok(()),
        Some(_) => bail!("the reply is not that of call {number}"),
        None => bail!("the server closed the socket"),
    };
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

/// The server's process: answers until the socket on its standard input is closed.
///
/// # Errors
/// When the socket fails, is silent for a long time, or carries what is no request.
pub(crate) fn serve<const SPIN: bool>() -> Result<()> {
    let input = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned();
    let mut wire = Wire::<SPIN>::new(UnixStream::from(input.context("the socket on standard input")?))?;
    loop {
        let Some(request) = wire.receive::<Request<'_>>()? else {
            return Ok(());
        };
        let result = match request.call {
            Call::Null => Answer::Null,
            Call::Add(a, b) => Answer::Sum(a.wrapping_add(b)),
            Call::Write(data) => Answer::Written(data.len() as u32),
            Call::Echo40(words) => Answer::Echo40(words),
        };
        let number = request.number;
        wire.send(&Reply { number, result })?;
    }
}

/// One end of the socket, with a buffer for what goes out and one for what comes in.
struct Wire<const SPIN: bool> {
    socket: UnixStream,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// Where in `incoming` the bytes are that were read and not decoded yet.
    unread: Range<usize>,
}

const LENGTH: usize = 4;

impl<const SPIN: bool> Wire<SPIN> {
    fn new(socket: UnixStream) -> Result<Self> {
        socket.set_read_timeout(Some(PATIENCE)).context("bounding the reads")?;
        socket.set_nonblocking(SPIN).context("choosing whether reads block")?;
        Ok(Self { socket, outgoing: vec![0; 8192], incoming: vec![0; 8192], unread: 0..0 })
    }

    fn send(&mut self, message: &impl Serialize) -> Result<()> {
        let body = postcard::to_slice(message, &mut self.outgoing[LENGTH..]).context("encoding")?.len();
        self.outgoing[..LENGTH].copy_from_slice(&(body as u32).to_le_bytes());
        // A few small messages are under way, so there is always room, also in a socket that does not block.
        self.socket.write_all(&self.outgoing[..LENGTH + body]).context("writing a message")
    }

    /// The next message, or `None` once the other side has closed its end between two messages.
    fn receive<'a, T: Deserialize<'a>>(&'a mut self) -> Result<Option<T>> {
        loop {
            let Range { start, end } = self.unread;
            if let Some(length) = self.incoming[start..end].first_chunk::<LENGTH>() {
                let size = LENGTH + u32::from_le_bytes(*length) as usize;
                if size > self.incoming.len() {
                    bail!("a message of {size} bytes");
                }
                if end - start >= size {
                    self.unread.start += size;
                    let message = &self.incoming[start + LENGTH..start + size];
                    return postcard::from_bytes(message).map(Some).context("decoding");
                }
            }
            // To the beginning, where there is room for a whole one.
            self.incoming.copy_within(start..end, 0);
            self.unread = 0..end - start;
            match self.read()? {
                0 if start == end => return Ok(None),
                0 => bail!("the socket was closed within a message"),
                more => self.unread.end += more,
            }
        }
    }

    fn read(&mut self) -> Result<usize> {
        let (socket, buffer) = (&mut self.socket, &mut self.incoming[self.unread.end..]);
        if !SPIN {
            return socket.read(buffer).context("reading a message");
        }
        poll(|| match socket.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            other => other.map(Some).context("reading a message"),
        })
    }
}
