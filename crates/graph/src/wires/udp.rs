//! Frames in datagrams of the kernel's UDP: for hosts between which nothing else goes, and on any machine without rights.
//!
//! Every frame goes to every peer; which is meant is the Ethernet header's business, as on a hub.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};

use super::{ETHERNET_HEADER_SIZE, Wire};
use crate::message::{Blocks, Message};
use crate::participants::Hardware;

/// Blocks that are kept for receiving.
const BLOCK_COUNT: usize = 64;

/// Bytes of a message that is copied to be sent.
const SMALL_SIZE: usize = 256;

/// Slices that go to the kernel in one call.
const SLICE_COUNT_MAX: usize = 16;

/// A socket, and where frames go from it.
#[derive(Debug)]
pub struct UdpWire {
    socket: UdpSocket,
    peers: Vec<SocketAddr>,
    hardware: Hardware,
    largest_packet: usize,
    blocks: Blocks,
    flaw: Option<&'static str>,
}

impl UdpWire {
    /// Binds a socket to `local`. Frames go to `peers`, each of at most `largest_packet` bytes without its header, and are
    /// taken from nobody else.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(
        local: SocketAddr,
        peers: Vec<SocketAddr>,
        hardware: Hardware,
        largest_packet: usize,
    ) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let blocks = Blocks::new(BLOCK_COUNT, largest_packet + ETHERNET_HEADER_SIZE);
        Ok(Self { socket, peers, hardware, largest_packet, blocks, flaw: None })
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn local(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

impl Wire for UdpWire {
    fn hardware(&self) -> Hardware {
        self.hardware
    }

    fn largest_frame(&self) -> usize {
        self.largest_packet + ETHERNET_HEADER_SIZE
    }

    fn send(&mut self, frame: &Message) -> Result<(), Errno> {
        let mut result = Ok(());
        for peer in &self.peers {
            match send_to(&self.socket, peer, frame) {
                // Nobody is bound there now. Frames get lost.
                Ok(_) | Err(Errno::CONNREFUSED) => {}
                Err(errno) => result = Err(errno),
            }
        }
        result
    }

    fn receive(&mut self) -> Result<Option<Message>, Errno> {
        let Self { socket, peers, blocks, flaw, .. } = self;
        blocks.receive(|block| {
            let Some((size, from)) = receive_from(socket, block)? else { return Ok(None) };
            let known = from.is_some_and(|from| peers.contains(&from));
            // Half of one that is larger than this wire's are is none.
            *flaw = match (known, size <= block.len()) {
                (false, _) => Some("from_stranger"),
                (true, false) => Some("too_large"),
                (true, true) => None,
            };
            Ok(Some(size))
        })
    }

    fn flaw(&self) -> Option<&'static str> {
        self.flaw
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}

/// Sends it as one datagram. A small one in one piece: its copy takes less than the kernel's reading of a list of pieces.
pub(super) fn send_to(socket: &UdpSocket, to: &SocketAddr, message: &Message) -> Result<usize, Errno> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let mut small = [0; SMALL_SIZE];
    match small.get_mut(..message.size()) {
        Some(small) => {
            message.copy_to(small);
            rustix::net::sendto(socket, small, flags, to)
        }
        None => gathered(message, |slices| {
            rustix::net::sendmsg_addr(socket, to, slices, &mut SendAncillaryBuffer::default(), flags)
        }),
    }
}

/// Receives one datagram, if one has come: its size, which may be more than there was room for, and whose it is.
pub(super) fn receive_from(socket: &UdpSocket, into: &mut [u8]) -> Result<Option<(usize, Option<SocketAddr>)>, Errno> {
    match rustix::net::recvfrom(socket, into, RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
        Ok((_, size, from)) => Ok(Some((size, from.and_then(|from| SocketAddr::try_from(from).ok())))),
        Err(Errno::AGAIN | Errno::CONNREFUSED | Errno::INTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Shows `send` the pieces of a frame.
pub(crate) fn gathered<T>(frame: &Message, send: impl FnOnce(&[std::io::IoSlice<'_>]) -> T) -> T {
    let mut slices = [std::io::IoSlice::new(&[]); SLICE_COUNT_MAX];
    let mut count = 0;
    for (to, from) in slices.iter_mut().zip(frame.slices()) {
        *to = std::io::IoSlice::new(from);
        count += 1;
    }
    if frame.slices().nth(SLICE_COUNT_MAX).is_some() {
        // Nothing in the graph cuts a frame into so many; a program may.
        let whole = frame.to_vec();
        return send(&[std::io::IoSlice::new(&whole)]);
    }
    send(slices.get(..count).unwrap_or(&[]))
}
