//! A conventional remote procedure call: messages in buffers through a Unix stream socket, and a server that waits for them.
//!
//! As lean as it can be and still be conventional: one `send` and one `recv` a side and call where the kernel allows, no
//! allocation, no descriptions of types. A message is its length and a procedure's number, 4 bytes each, and what follows.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, poll};

use crate::client::Task;
use crate::measure::Unwatched;
use crate::near::calls::{self, Basic, Procedure};
use crate::near::interface::{Answers, BIG, Bench};
use crate::sample::Sample;
use crate::spin::PATIENCE;

const NULL: u32 = 0;
const ADD: u32 = 1;
const BIG_IN: u32 = 2;
const BIG_IN_OUT: u32 = 3;
const WORK: u32 = 4;

/// Bytes before what a procedure is given or gives.
const HEAD: usize = 8;

/// One side of the socket, with its message buffer.
#[derive(Debug)]
pub(super) struct Channel {
    socket: UnixStream,
    buffer: [u8; HEAD + BIG],
}

impl Channel {
    fn new(socket: UnixStream) -> Self {
        Self { socket, buffer: [0; HEAD + BIG] }
    }

    /// A client's, which does not wait for ever.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn bounded(socket: UnixStream) -> Result<Self> {
        socket.set_read_timeout(Some(PATIENCE)).context("bounding the wait for a reply")?;
        Ok(Self::new(socket))
    }

    /// The socket that this process was given as its standard input.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(super) fn standard_input() -> Result<Self> {
        let input = std::io::stdin().as_fd().try_clone_to_owned().context("the socket on standard input")?;
        Ok(Self::new(UnixStream::from(input)))
    }

    /// Sends a message whose body is the first `size` bytes of the buffer after its head.
    fn send(&mut self, procedure: u32, size: usize) -> Result<()> {
        self.buffer[..4].copy_from_slice(&(size as u32).to_le_bytes());
        self.buffer[4..HEAD].copy_from_slice(&procedure.to_le_bytes());
        self.socket.write_all(&self.buffer[..HEAD + size]).context("sending a message")
    }

    /// Receives one; `None` at the end of the stream. Its procedure, and the size of its body.
    fn receive(&mut self) -> Result<Option<(u32, usize)>> {
        let mut got = 0;
        loop {
            let more = match self.socket.read(&mut self.buffer[got..]) {
                Ok(0) => return Ok(None),
                // The end, too, of one that was killed before it had its reply.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
                more => more.context("receiving a message")?,
            };
            got += more;
            if got >= HEAD {
                let size = self.word(0) as usize;
                ensure!(size <= BIG, "a message of {size} bytes");
                if got >= HEAD + size {
                    return Ok(Some((self.word(4), size)));
                }
            }
        }
    }

    fn word(&self, at: usize) -> u32 {
        self.buffer[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn put(&mut self, at: usize, word: u32) {
        self.buffer[HEAD + at..][..4].copy_from_slice(&word.to_le_bytes());
    }
}

/// The server's process: answers until the client hangs up. The socket is its standard input. With `receivers`, another client's is
/// its standard output, and so many kernel threads receive from the two.
///
/// # Errors
/// When a message is not one of those expected.
pub(crate) fn serve(receivers: Option<u8>) -> Result<()> {
    let mut first = Channel::standard_input()?;
    let answers = Answers::new();
    let Some(receivers) = receivers else { return first.answer_all(&answers) };
    let output = std::io::stdout().as_fd().try_clone_to_owned().context("the socket on standard output")?;
    let mut second = Channel::new(UnixStream::from(output));
    if receivers > 1 {
        return std::thread::scope(|scope| {
            scope.spawn(|| second.answer_all(&answers));
            first.answer_all(&answers)
        });
    }
    let mut both = [first, second];
    let mut is_open = [true; 2];
    while is_open[0] {
        let mut readable: Vec<PollFd<'_>> = both.iter().map(|one| PollFd::new(&one.socket, PollFlags::IN)).collect();
        readable.truncate(if is_open[1] { 2 } else { 1 });
        poll(&mut readable, None).context("waiting for a message")?;
        let readable: Vec<bool> = readable.iter().map(|one| !one.revents().is_empty()).collect();
        for (at, _) in readable.into_iter().enumerate().filter(|(_, readable)| *readable) {
            is_open[at] = both[at].answer(&answers)?;
        }
    }
    Ok(())
}

impl Channel {
    fn answer_all(&mut self, answers: &Answers) -> Result<()> {
        while self.answer(answers)? {}
        Ok(())
    }

    /// Answers one message. Whether there was one: `false` at the end of the stream.
    fn answer(&mut self, answers: &Answers) -> Result<bool> {
        let Some((procedure, size)) = self.receive()? else { return Ok(false) };
        let reply = match (procedure, size) {
            (NULL, 0) => {
                answers.null();
                0
            }
            (ADD, 8) => {
                let sum = answers.add(self.word(HEAD), self.word(HEAD + 4));
                self.put(0, sum);
                4
            }
            (BIG_IN, BIG) => {
                let mut data = [0; BIG];
                data.copy_from_slice(&self.buffer[HEAD..]);
                let word = answers.big_in(&data);
                self.put(0, word);
                4
            }
            (BIG_IN_OUT, BIG) => {
                let mut data = [0; BIG];
                data.copy_from_slice(&self.buffer[HEAD..]);
                answers.big_in_out(&mut data);
                self.buffer[HEAD..].copy_from_slice(&data);
                BIG
            }
            (WORK, 4) => {
                answers.work(self.word(HEAD));
                0
            }
            _ => bail!("a message for procedure {procedure} with {size} bytes"),
        };
        // One that was killed does not want it; it is found out at the next receive.
        match self.send(procedure, reply) {
            Err(error) if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
            }
            sent => sent?,
        }
        Ok(true)
    }
}

impl Channel {
    /// [`Bench::work`].
    ///
    /// # Errors
    /// When the server has hung up.
    pub(super) fn work(&mut self, microseconds: u32) -> Result<()> {
        self.put(0, microseconds);
        self.call(WORK, 4, 0)
    }

    fn call(&mut self, procedure: u32, size: usize, reply: usize) -> Result<()> {
        self.send(procedure, size)?;
        let got = self.receive()?;
        ensure!(got == Some((procedure, reply)), "the reply to {procedure} is {got:?}");
        Ok(())
    }
}

impl Basic for Channel {
    fn null(&mut self) -> Result<()> {
        self.call(NULL, 0, 0)
    }

    fn add(&mut self, a: u32, b: u32) -> Result<u32> {
        self.put(0, a);
        self.put(4, b);
        self.call(ADD, 8, 4)?;
        Ok(self.word(HEAD))
    }

    fn big_in(&mut self, data: &[u8; BIG]) -> Result<u32> {
        self.buffer[HEAD..].copy_from_slice(data);
        self.call(BIG_IN, BIG, 4)?;
        Ok(self.word(HEAD))
    }

    fn big_in_out(&mut self, data: &mut [u8; BIG]) -> Result<()> {
        self.buffer[HEAD..].copy_from_slice(data);
        self.call(BIG_IN_OUT, BIG, BIG)?;
        data.copy_from_slice(&self.buffer[HEAD..]);
        Ok(())
    }
}

/// Measures calls once, against a server's process of its own.
///
/// # Errors
/// When the process or the socket cannot be had, and for the first call that fails or returns something else.
pub(crate) fn measure(procedure: Procedure, task: &Task) -> Result<Sample> {
    let (ours, theirs) = UnixStream::pair().context("making a socket pair")?;
    let _peer = task.start_server(&["conventional"], Stdio::from(std::os::fd::OwnedFd::from(theirs)))?;
    calls::basic(Channel::bounded(ours)?, procedure, &task.job, &mut Unwatched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_may_come_in_pieces() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut channel = Channel::new(theirs);
        let mut message = [0; HEAD + 8];
        message[0] = 8;
        message[4] = 1;
        message[HEAD] = 77;
        let sender = std::thread::spawn(move || {
            for byte in message {
                ours.write_all(&[byte]).unwrap();
                std::thread::yield_now();
            }
        });
        assert_eq!(channel.receive().unwrap(), Some((ADD, 8)));
        assert_eq!(channel.word(HEAD), 77);
        sender.join().unwrap();
        assert_eq!(channel.receive().unwrap(), None);
    }

    #[test]
    fn a_message_longer_than_any_is_refused() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[201, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert!(Channel::new(theirs).receive().is_err());
    }
}
