//! A network interface of Linux, by a packet socket: real Ethernet, or one end of a veth pair.
//!
//! The kernel leaves the transport checksum of packets that never leave the machine to hardware that is not there. Such
//! frames are marked (`PACKET_AUXDATA`), and their checksum is not looked at: it is not there.

use std::os::fd::{AsFd, BorrowedFd};

use nearcall_core::sys::packet::{self, PacketSocket};
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
    socket: PacketSocket,
    hardware: Hardware,
    largest_packet: usize,
    blocks: Blocks,
}

impl PacketWire {
    /// Opens the interface `name` of this kernel thread's network namespace. With an address of its own in `hardware` the
    /// graph is another station than the kernel on the same interface, and has to listen to all that passes.
    ///
    /// # Errors
    /// What the kernel says: `PERM` without `CAP_NET_RAW`, `NODEV` if there is no such interface.
    pub fn new(name: &str, hardware: Option<Hardware>) -> Result<Self, Errno> {
        let (socket, interface) = packet::open(name, hardware.is_some())?;
        let largest_packet = interface.mtu;
        let blocks = Blocks::new(BLOCK_COUNT, largest_packet + ETHERNET_HEADER_SIZE);
        let hardware = hardware.unwrap_or(Hardware(interface.hardware));
        Ok(Self { socket, hardware, largest_packet, blocks })
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
        gathered(frame, |slices| self.socket.send(slices))
    }

    fn receive(&mut self) -> Result<Option<Message>, Errno> {
        let Self { socket, blocks, .. } = self;
        let mut not_needed = false;
        let received = blocks.receive(|block| {
            let Some(received) = socket.receive(block)? else { return Ok(None) };
            not_needed = received.checksum_not_needed;
            // One that is larger than the interface lets through was put together by it: there is no room for all of it,
            // and half of it is none.
            Ok::<_, Errno>(Some(if received.size > block.len() { 0 } else { received.size }))
        })?;
        Ok(received.map(|mut frame| {
            frame.attributes_mut().checksum_not_needed = not_needed;
            frame
        }))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }
}
