//! Wires: where frames leave the graph and come into it.
//!
//! A [`Wire`] moves Ethernet frames; [`WireProtocol`] makes a protocol of it, so that whatever is above opens, pushes and is
//! given messages as anywhere else. These are the only protocols that make system calls.

pub mod memory;
pub mod packet;
pub mod sockets;
pub mod udp;

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::graph::Cx;
use crate::message::Message;
use crate::participants::{Hardware, Participants};
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Upper};

/// Bytes of an Ethernet header.
pub const ETHERNET_HEADER_SIZE: usize = 14;

/// Something that moves frames, each with its Ethernet header and without a check sequence.
pub trait Wire: Send {
    /// The address of the interface.
    fn hardware(&self) -> Hardware;

    /// Bytes of the largest frame, header included.
    fn largest_frame(&self) -> usize;

    /// Sends a frame without waiting.
    ///
    /// # Errors
    /// What the kernel says; `AGAIN` when the wire is full.
    fn send(&mut self, frame: &Message) -> Result<(), Errno>;

    /// Takes one frame, if there is one. It never waits.
    ///
    /// # Errors
    /// What the kernel says.
    fn receive(&mut self) -> Result<Option<Message>, Errno>;

    /// Why the frame that was received last is to be dropped, if it is: by what name that is counted.
    fn flaw(&self) -> Option<&'static str> {
        None
    }

    /// A descriptor that is readable when there is a frame, if asked for by [`before_sleep`](Self::before_sleep).
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;

    /// Somebody is about to sleep on the descriptor. `false` if there is a frame already.
    fn before_sleep(&mut self) -> bool {
        true
    }

    /// Nobody sleeps any more.
    fn after_sleep(&mut self) {}

    /// The other end is gone for good, or lies: nothing will come, though the descriptor says so for ever.
    fn is_over(&self) -> bool {
        false
    }
}

/// A wire as a protocol. One protocol above has all of its frames.
pub struct WireProtocol {
    wire: Box<dyn Wire>,
    node: Node,
    upper: Option<Upper>,
}

impl core::fmt::Debug for WireProtocol {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WireProtocol").field("upper", &self.upper).finish_non_exhaustive()
    }
}

impl WireProtocol {
    /// For `node`.
    #[must_use]
    pub fn new(node: Node, wire: Box<dyn Wire>) -> Self {
        Self { wire, node, upper: None }
    }

    /// Its only session.
    fn session(&self) -> Session {
        Session { node: self.node, slot: 0, generation: 0 }
    }

    fn take(&mut self, upper: Upper) -> Result<(), OpenError> {
        match self.upper {
            Some(other) if other != upper => Err(OpenError::Taken),
            _ => {
                self.upper = Some(upper);
                Ok(())
            }
        }
    }
}

impl Protocol for WireProtocol {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn open(&mut self, _: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<Session, OpenError> {
        self.take(upper)?;
        Ok(self.session())
    }

    fn open_enable(&mut self, cx: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        self.take(upper)?;
        cx.open_done(upper, self.session());
        Ok(())
    }

    fn push(&mut self, cx: &mut Cx<'_>, _: Session, message: Message) -> Result<(), PushError> {
        let max = self.wire.largest_frame();
        if message.size() > max {
            return Err(PushError::TooLarge { size: message.size(), max });
        }
        match self.wire.send(&message) {
            Ok(()) => {
                cx.count("sent");
                Ok(())
            }
            Err(Errno::AGAIN | Errno::NOBUFS) => Err(PushError::Full),
            Err(errno) => Err(PushError::Down(errno)),
        }
    }

    fn control(&mut self, _: &mut Cx<'_>, _: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        match control {
            Control::LargestPacket | Control::LargestMessage => Ok(Answer::Size(self.wire.largest_frame())),
            Control::Hardware => Ok(Answer::Hardware(self.wire.hardware())),
            _ => Err(ControlError::Unknown),
        }
    }

    fn poll(&mut self, cx: &mut Cx<'_>) -> bool {
        match self.wire.receive() {
            Ok(None) => false,
            Ok(Some(frame)) => {
                cx.count("received");
                match (self.wire.flaw(), self.upper) {
                    (Some(flaw), _) => cx.count(flaw),
                    (None, Some(upper)) => cx.deliver(upper.receiver, self.session(), frame),
                    (None, None) => cx.count("for_nobody"),
                }
                true
            }
            Err(_) => {
                // An interface that is down says so on every look; that is not progress.
                cx.count("receive_failed");
                false
            }
        }
    }

    fn descriptor(&self) -> rustix::io::Result<Option<OwnedFd>> {
        // Not to be inherited by programs that are started.
        self.wire.descriptor().map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, 0)).transpose()
    }

    fn before_sleep(&mut self) -> bool {
        self.wire.before_sleep()
    }

    fn after_sleep(&mut self) {
        self.wire.after_sleep();
    }

    fn is_over(&self) -> bool {
        self.wire.is_over()
    }
}

/// An address for a wire that has none of its own: the local, individual address of `seed`.
#[must_use]
pub fn made_up(seed: u64) -> Hardware {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let [a, b, c, d, e, ..] = mixed.to_be_bytes();
    Hardware([0x02, a, b, c, d, e])
}
