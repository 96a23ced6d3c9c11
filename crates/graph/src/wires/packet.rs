//! A network interface of Linux, by a packet socket: real Ethernet, or one end of a veth pair.
//!
//! Frames arrive in memory shared with the kernel, so that a look which finds none costs one load; they are sent by system calls.
//! Without slots there each is received by a system call, and so is the news that there is none.
//!
//! The kernel leaves the transport checksum of packets that never leave the machine to hardware that is not there. Such
//! frames are marked (`PACKET_AUXDATA`, or the slot's status), and their checksum is not looked at: it is not there.

use std::os::fd::{AsFd, BorrowedFd};

use nearcall_core::shm::packets::PacketRing;
use nearcall_core::sys::packet::{self, PacketSocket, Received};
use rustix::io::Errno;

use super::udp::gathered;
use super::{ETHERNET_HEADER_SIZE, Wire};
use crate::message::{Blocks, Message};
use crate::participants::Hardware;

/// Blocks that are kept for receiving.
const BLOCK_COUNT: usize = 64;

/// A socket on an interface.
#[derive(Debug)]
pub struct PacketWire {
    source: Source,
    hardware: Hardware,
    largest_packet: usize,
    blocks: Blocks,
    flaw: Option<&'static str>,
}

/// Where frames are received.
#[derive(Debug)]
enum Source {
    Socket(PacketSocket),
    Ring(PacketRing),
}

impl Source {
    fn socket(&self) -> &PacketSocket {
        match self {
            Self::Socket(socket) => socket,
            Self::Ring(ring) => ring.socket(),
        }
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<Option<Received>, Errno> {
        match self {
            Self::Socket(socket) => socket.receive(into),
            Self::Ring(ring) => Ok(ring.receive(into)),
        }
    }
}

impl PacketWire {
    /// Opens the interface `name` of this kernel thread's network namespace. With an address of its own in `hardware` the
    /// graph is another station than the kernel on the same interface, and has to listen to all that passes. Memory shared with the
    /// kernel has room for `slots` frames at least; none: every frame is received by a system call.
    ///
    /// # Errors
    /// What the kernel says: `PERM` without `CAP_NET_RAW`, `NODEV` if there is no such interface, `NOMEM` when memory is short.
    pub fn new(name: &str, hardware: Option<Hardware>, slots: usize) -> Result<Self, Errno> {
        let (socket, interface) = packet::open(name, hardware.is_some())?;
        let largest_packet = interface.mtu;
        let source = match slots {
            0 => Source::Socket(socket),
            _ => Source::Ring(PacketRing::new(socket, largest_packet + ETHERNET_HEADER_SIZE, slots)?),
        };
        let blocks = Blocks::new(BLOCK_COUNT, largest_packet + ETHERNET_HEADER_SIZE);
        let hardware = hardware.unwrap_or(Hardware(interface.hardware));
        Ok(Self { source, hardware, largest_packet, blocks, flaw: None })
    }
}

impl Wire for PacketWire {
    fn hardware(&self) -> Hardware {
        self.hardware
    }

    fn largest_frame(&self) -> usize {
        self.largest_packet + ETHERNET_HEADER_SIZE
    }

    fn send(&mut self, frame: &Message) -> Result<(), Errno> {
        gathered(frame, |slices| self.source.socket().send(slices))
    }

    fn receive(&mut self) -> Result<Option<Message>, Errno> {
        let Self { source, blocks, flaw, .. } = self;
        // Most looks find nothing, and need no block.
        if let Source::Ring(ring) = source
            && !ring.is_ready()
        {
            return Ok(None);
        }
        let mut not_needed = false;
        let received = blocks.receive(|block| {
            let Some(received) = source.receive(block)? else { return Ok(None) };
            not_needed = received.checksum_not_needed;
            // One that is larger than the interface lets through was put together by it: there is no room for all of it,
            // and half of it is none. One with a tag is of another network than this one, and the tag is not in it any more.
            *flaw = match (received.is_tagged, received.size <= block.len()) {
                (true, _) => Some("tagged"),
                (false, false) => Some("too_large"),
                (false, true) => None,
            };
            Ok::<_, Errno>(Some(received.size))
        })?;
        Ok(received.map(|mut frame| {
            frame.attributes_mut().checksum_not_needed = not_needed;
            frame
        }))
    }

    fn flaw(&self) -> Option<&'static str> {
        self.flaw
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.source.socket().as_fd())
    }

    fn before_sleep(&mut self) -> bool {
        let Source::Ring(ring) = &self.source else { return true };
        // Nobody reads the socket, and who does is told that the interface went down: until then it is readable for ever.
        let _ = ring.socket().trouble();
        // The socket says so, too, as long as the newest frame is in the ring.
        !ring.is_ready()
    }
}
