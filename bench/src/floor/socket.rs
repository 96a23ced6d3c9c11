//! 48 bytes there and 48 back through a Unix stream socket: the floor of everything that goes through the kernel.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, bail};

use super::PATIENCE;

const MESSAGE: usize = 48;

/// Answers request after request with its complement, until the caller closes the socket.
///
/// # Errors
/// When the socket fails or is silent for a long time.
pub(crate) fn serve(mut socket: UnixStream) -> Result<()> {
    socket.set_read_timeout(Some(PATIENCE)).context("bounding the reads")?;
    let mut message = [0; MESSAGE];
    loop {
        match socket.read_exact(&mut message) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            other => other.context("reading a request")?,
        }
        for byte in &mut message {
            *byte = !*byte;
        }
        socket.write_all(&message).context("writing a reply")?;
    }
}

/// The caller's half.
#[derive(Debug)]
pub(crate) struct Client {
    socket: UnixStream,
    calls: u64,
}

impl Client {
    /// A caller over `socket`.
    ///
    /// # Errors
    /// When its reads cannot be bounded.
    pub(crate) fn new(socket: UnixStream) -> Result<Self> {
        socket.set_read_timeout(Some(PATIENCE)).context("bounding the reads")?;
        Ok(Self { socket, calls: 0 })
    }

    /// One call.
    ///
    /// # Errors
    /// When the socket fails or the answer is not the request's complement.
    pub(crate) fn call(&mut self) -> Result<()> {
        self.calls += 1;
        let mut message = [0; MESSAGE];
        message[..8].copy_from_slice(&self.calls.to_le_bytes());
        message[MESSAGE - 8..].copy_from_slice(&self.calls.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        let mut answer = [0; MESSAGE];
        self.socket.write_all(&message).context("writing a request")?;
        self.socket.read_exact(&mut answer).context("reading a reply")?;
        if answer.iter().zip(&message).any(|(answer, sent)| *answer != !*sent) {
            bail!("the reply is not the request's complement");
        }
        Ok(())
    }
}
