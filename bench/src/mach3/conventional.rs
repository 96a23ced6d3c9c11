//! The same calls by messages: typed items in a buffer, a Unix stream socket, a buffer, and out of it again.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail, ensure};

use super::{Line, ends, fill};

/// Bytes of a message: the procedure, and how many bytes of items follow.
const HEAD: usize = 8;

/// What an item is.
const WORD: u16 = 1;
const BYTES: u16 = 2;

fn put(message: &mut Vec<u8>, kind: u16, bytes: &[u8]) {
    message.extend_from_slice(&kind.to_le_bytes());
    message.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    message.extend_from_slice(bytes);
}

fn get(items: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (kind, rest) = items.split_first_chunk::<2>()?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*size) as usize)?;
    Some((u16::from_le_bytes(*kind), bytes, rest))
}

fn word(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn send(
    socket: &mut UnixStream,
    message: &mut Vec<u8>,
    procedure: u32,
    items: impl FnOnce(&mut Vec<u8>),
) -> Result<()> {
    message.clear();
    message.extend_from_slice(&procedure.to_le_bytes());
    message.extend_from_slice(&[0; 4]);
    items(message);
    let size = (message.len() - HEAD) as u32;
    if let Some(space) = message.get_mut(4..HEAD) {
        space.copy_from_slice(&size.to_le_bytes());
    }
    socket.write_all(message).context("writing a message")
}

/// The procedure; its items are in the buffer.
fn receive(socket: &mut UnixStream, buffer: &mut Vec<u8>) -> Result<u32> {
    let mut head = [0; HEAD];
    socket.read_exact(&mut head).context("reading a message")?;
    let (procedure, size) = head.split_at(4);
    let size = word(size).context("four bytes are a word")? as usize;
    ensure!(size <= 1 << 20, "a message of {size} bytes");
    buffer.resize(size, 0);
    socket.read_exact(buffer).context("reading a message's items")?;
    word(procedure).context("four bytes are a word")
}

/// The client's side.
pub(super) struct Socket {
    socket: UnixStream,
    message: Vec<u8>,
    reply: Vec<u8>,
    bytes: Vec<u8>,
}

impl Socket {
    pub(super) fn connect(at: &Path) -> Result<Self> {
        let socket = UnixStream::connect(at).context("connecting to the server's socket")?;
        Ok(Self { socket, message: Vec::new(), reply: Vec::new(), bytes: vec![1; 64 << 10] })
    }

    pub(super) fn call(&mut self, line: Line, size: usize) -> Result<()> {
        let Self { socket, message, reply, bytes } = self;
        match line {
            Line::Values | Line::Pointers => {
                send(socket, message, 3, |message| (0..size).for_each(|_| put(message, WORD, &1_u32.to_le_bytes())))?;
                receive(socket, reply)?;
                let sum = get(reply).and_then(|(_, sum, _)| word(sum));
                ensure!(sum == Some(size as u32), "{size} words came to {sum:?}");
                Ok(())
            }
            Line::In | Line::InOut | Line::Out => {
                let bytes = bytes.get_mut(..size).context("there are as many bytes")?;
                if line != Line::Out
                    && let Some(first) = bytes.first_mut()
                {
                    *first = 1;
                }
                let mut expected = ends(bytes);
                match line {
                    Line::In => send(socket, message, 0, |message| put(message, BYTES, bytes))?,
                    Line::InOut => send(socket, message, 1, |message| put(message, BYTES, bytes))?,
                    _ => send(socket, message, 2, |message| put(message, WORD, &(size as u32).to_le_bytes()))?,
                }
                receive(socket, reply)?;
                let (_, sum, rest) = get(reply).context("the reply has a sum")?;
                let mut sum = word(sum);
                if line != Line::In {
                    let (_, back, _) = get(rest).context("the reply has bytes")?;
                    ensure!(back.len() == size, "{} bytes came back of {size}", back.len());
                    bytes.copy_from_slice(back);
                    if line == Line::Out {
                        (sum, expected) = (Some(ends(bytes)), 14);
                    }
                }
                ensure!(sum == Some(expected), "{size} bytes came to {sum:?} and not to {expected}");
                Ok(())
            }
        }
    }
}

/// Answers whoever connects.
pub(super) fn listen(at: &Path) -> Result<JoinHandle<()>> {
    let listener = UnixListener::bind(at).context("making the socket")?;
    Ok(std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // An end or an error of the socket: the client has gone.
            let _ = answer(socket);
        }
    }))
}

fn answer(mut socket: UnixStream) -> Result<()> {
    let (mut request, mut message, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let procedure = receive(&mut socket, &mut request)?;
        // What a procedure is called with is its own: a message's items are no place for it.
        let mut sum = 0;
        match procedure {
            0 | 1 => {
                let (_, sent, _) = get(&request).context("the request has bytes")?;
                bytes.clear();
                bytes.extend_from_slice(sent);
                sum = ends(&bytes);
                if procedure == 1 {
                    fill(&mut bytes);
                }
            }
            2 => {
                let size = get(&request).and_then(|(_, size, _)| word(size)).context("the request has a size")?;
                ensure!(size <= 1 << 20, "{size} bytes are asked for");
                bytes.resize(size as usize, 0);
                fill(&mut bytes);
            }
            3 => {
                let mut items = request.as_slice();
                while let Some((_, item, rest)) = get(items) {
                    (sum, items) = (sum + word(item).unwrap_or(0), rest);
                }
            }
            other => bail!("procedure {other}"),
        }
        let back = (1..=2).contains(&procedure);
        send(&mut socket, &mut message, procedure, |message| {
            put(message, WORD, &sum.to_le_bytes());
            if back {
                put(message, BYTES, &bytes);
            }
        })?;
    }
}
