//! Frames that the kernel puts into memory shared with a packet socket: whoever polls looks at a word, and makes no system call.
//!
//! ```text
//! ring:  [ slot 0 ] [ slot 1 ] ...      slot:  [ status | bytes on the wire | bytes here | where ] .. [ frame ] ..
//! ```
//! A slot is the kernel's until it sets `USER` in its status, then ours until we store 0 there; both go round in the same order. When
//! all are ours the kernel drops what arrives, as it does when a socket's buffer is full.
//!
//! The status says of the transport checksum, and of a tag that was taken off, what `PACKET_AUXDATA` says of a frame that is received
//! by a system call.
//!
//! What it does not do: send, and sleep. The socket is readable as long as the newest frame has not been taken.
//!
//! Source: Documentation/networking/packet_mmap.rst, version 2 of the ring: it gives each frame at once. Version 3 gives blocks of
//! them, or waits for more.

use core::sync::atomic::{AtomicU32, Ordering};
use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::copy;
use crate::sys::memory::Mapping;
use crate::sys::packet::{PacketSocket, Received, STATUS_USER};

/// Bytes before a frame in its slot, at most: `tpacket2_hdr`, an address, and what aligns what follows the Ethernet header.
const BEFORE: usize = 80;

/// Where in a slot the fields are that are looked at.
const LENGTHS: usize = 4;
const LENGTHS_SIZE: usize = 12;

/// Bytes of a slot, at least: two to a page.
const SLOT_SIZE_MIN: usize = 2048;

/// Bytes of a block, at least, in which the kernel allocates slots: a multiple of any page.
const BLOCK_SIZE_MIN: usize = 1 << 16;

/// A packet socket, and the ring that the kernel puts its frames into.
#[derive(Debug)]
pub struct PacketRing {
    // Before the socket: the pages go first.
    map: Mapping,
    socket: PacketSocket,
    slot_size: usize,
    slot_count: usize,
    next: usize,
}

impl PacketRing {
    /// Has the kernel put what arrives for `socket` into at least `slot_count` slots, each for a frame of up to `frame_size` bytes. What
    /// had arrived before is lost.
    ///
    /// # Errors
    /// What the kernel says: `NOMEM` when memory is short, `INVAL` for no slots or more than it has numbers for.
    pub fn new(socket: PacketSocket, frame_size: usize, slot_count: usize) -> Result<Self, Errno> {
        let (slot_size, block_size) = sizes(frame_size).ok_or(Errno::INVAL)?;
        let block_count = slot_count.div_ceil(block_size / slot_size);
        let size = block_count.checked_mul(block_size).ok_or(Errno::INVAL)?;
        socket.share(slot_size, block_size, block_count)?;
        let map = Mapping::shared(socket.as_fd(), size, true)?;
        Ok(Self { map, socket, slot_size, slot_count: size / slot_size, next: 0 })
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &PacketSocket {
        &self.socket
    }

    /// Whether there is a frame. It does not make its bytes visible.
    #[inline]
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status().is_some_and(|status| status.load(Ordering::Relaxed) & STATUS_USER != 0)
    }

    /// Takes a frame, if there is one. Of one that is larger than `into` there is as much as fits, and its size.
    pub fn receive(&mut self, into: &mut [u8]) -> Option<Received> {
        // Acquire: pairs with the write barrier in the kernel's `__packet_set_status`, before which the frame was written.
        let status = self.status()?.load(Ordering::Acquire);
        if status & STATUS_USER == 0 {
            return None;
        }
        let slot = self.next * self.slot_size;
        let mut lengths = [0; LENGTHS_SIZE];
        let received = self.copy_in(slot + LENGTHS, &mut lengths).and_then(|()| {
            let [a, b, c, d, e, f, g, h, i, j, ..] = lengths;
            let size = usize::try_from(u32::from_ne_bytes([a, b, c, d])).ok()?;
            let here = usize::try_from(u32::from_ne_bytes([e, f, g, h])).ok()?;
            let at = usize::from(u16::from_ne_bytes([i, j]));
            let here = here.min(into.len());
            // The kernel keeps to its slots; if it did not, the frame would be none.
            at.checked_add(here).filter(|end| *end <= self.slot_size)?;
            self.copy_in(slot + at, into.get_mut(..here)?)?;
            Some(Received::new(size, status))
        });
        if let Some(status) = self.status() {
            // Release: pairs with the read barrier in the kernel's `__packet_get_status`, after which it writes into the slot again.
            status.store(0, Ordering::Release);
        }
        self.next = (self.next + 1) % self.slot_count;
        Some(received.unwrap_or(Received::new(0, 0)))
    }

    /// The status of the slot that is filled next.
    #[inline]
    fn status(&self) -> Option<&AtomicU32> {
        let offset = self.next.checked_mul(self.slot_size)?;
        if offset.checked_add(size_of::<AtomicU32>())? > self.map.size() {
            return None;
        }
        // SAFETY: `offset` is inside the mapping.
        let start = unsafe { self.map.start().add(offset) };
        // SAFETY: aligned (mappings start on a page, slots are multiples of 2048 bytes), mapped while `self` is borrowed, and accessed
        // as this word only; that the kernel changes it is what atomics are for.
        Some(unsafe { start.cast::<AtomicU32>().as_ref() })
    }

    fn copy_in(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        if offset.checked_add(into.len())? > self.map.size() {
            return None;
        }
        // SAFETY: `offset` is inside the mapping.
        let from = unsafe { self.map.start().add(offset) };
        // SAFETY: what is mapped is copied there.
        let into = unsafe { copy::space(into) };
        // SAFETY: `into.len()` bytes from `from` are mapped while `self` is borrowed; the kernel keeps them as long as they are.
        unsafe { copy::peer_to_private(from, into) };
        Some(())
    }
}

impl AsFd for PacketRing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Bytes of a slot for frames of `frame_size` bytes, and of a block of them: powers of two, so that no slot lies in two blocks.
fn sizes(frame_size: usize) -> Option<(usize, usize)> {
    let slot = frame_size.checked_add(BEFORE)?.max(SLOT_SIZE_MIN).checked_next_power_of_two()?;
    Some((slot, slot.max(BLOCK_SIZE_MIN)))
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec};

    use super::{Errno, PacketRing, sizes};
    use crate::sys::packet;

    #[test]
    fn slots_lie_in_one_block() {
        for frame in [0, 60, 1514, 2048 - 80, 2048 - 79, 9014, 65_550] {
            let (slot, block) = sizes(frame).unwrap();
            assert!(slot >= frame + 80 && slot.is_multiple_of(2048) && block.is_multiple_of(slot), "{frame}");
        }
        assert_eq!(sizes(usize::MAX), None);
    }

    /// By loopback, on which whatever is sent arrives: more frames than there are slots, taken while they arrive.
    #[test]
    fn frames_arrive_in_order_and_round_the_ring() {
        let (socket, interface) = match packet::open("lo", false) {
            Ok(opened) => opened,
            Err(Errno::PERM | Errno::NODEV | Errno::ACCESS) => return println!("!!! SKIPPED: no packet sockets here"),
            Err(errno) => panic!("{errno}"),
        };
        assert_eq!(PacketRing::new(packet::open("lo", false).unwrap().0, 100, 0).unwrap_err(), Errno::INVAL);
        let mut ring = PacketRing::new(socket, interface.mtu + 14, 16).unwrap();
        let (sender, _) = packet::open("lo", false).unwrap();
        // A kind of frame that nobody else sends, from an address of this process.
        let [a, b, c, d] = std::process::id().to_be_bytes();
        let frame = |n: u32| {
            let mut frame = vec![0, 0, 0, 0, 0, 0, 2, 0, a, b, c, d, 0x88, 0xb5];
            frame.extend(n.to_be_bytes());
            frame.extend((0..1000).map(|at: u32| at.to_le_bytes()[0]));
            frame
        };
        let mut buffer = vec![0; 65_600];
        let mut next = |ring: &mut PacketRing| {
            loop {
                if !ring.is_ready() {
                    let mut readable = [PollFd::new(&*ring, PollFlags::IN)];
                    let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
                    assert_eq!(rustix::event::poll(&mut readable, Some(&patience)), Ok(1), "nothing arrives");
                }
                if let Some(received) = ring.receive(&mut buffer)
                    && buffer[8..14] == [a, b, c, d, 0x88, 0xb5]
                {
                    return buffer[..received.size].to_vec();
                }
            }
        };
        for n in 0..200 {
            // The link may not be up where nobody has set it up.
            if let Err(Errno::NETDOWN) = sender.send(&[std::io::IoSlice::new(&frame(n))]) {
                return println!("!!! SKIPPED: no loopback here");
            }
            assert!(next(&mut ring) == frame(n), "{n}");
        }
    }
}
