//! Datagrams of the kernel's UDP, as a protocol: sessions with other hosts' sockets, without Ethernet and IP of our own.
//!
//! It is the lowest protocol for hosts that have nothing but an ordinary network, and no rights: whoever opens names a host and a port,
//! and the kernel does the rest. Everybody may send to the socket; sessions of strangers give way to each other.

use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::OwnedFd;

use rustix::io::Errno;

use super::udp::{receive_from, send_to};
use crate::graph::Cx;
use crate::message::{Blocks, Message};
use crate::participants::{Address, Participants, Peer};
use crate::protocol::{Answer, Control, ControlError, Node, OpenError, Protocol, PushError, Session, Upper};
use crate::sessions::Sessions;

/// Blocks that are kept for receiving.
const BLOCK_COUNT: usize = 64;

/// The protocol.
#[derive(Debug)]
pub struct Sockets {
    socket: UdpSocket,
    local: SocketAddrV4,
    sessions: Sessions<Peer, Upper>,
    upper: Option<Upper>,
    blocks: Blocks,
    largest: usize,
}

impl Sockets {
    /// Binds a socket to `local`, for `node`, with at most `session_count` sessions and messages of `largest` bytes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(node: Node, local: SocketAddrV4, session_count: usize, largest: usize) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(local)?;
        socket.set_nonblocking(true)?;
        let SocketAddr::V4(local) = socket.local_addr()? else { return Err(std::io::ErrorKind::Unsupported.into()) };
        let blocks = Blocks::new(BLOCK_COUNT, largest);
        Ok(Self { socket, local, sessions: Sessions::new(node, session_count), upper: None, blocks, largest })
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

impl Protocol for Sockets {
    fn start(&mut self, _: &mut Cx<'_>) -> Result<(), OpenError> {
        Ok(())
    }

    fn open(&mut self, _: &mut Cx<'_>, upper: Upper, mut to: Participants) -> Result<Session, OpenError> {
        self.take(upper)?;
        let missing = |what| OpenError::Participants { protocol: "the kernel's UDP", what };
        let port = to.pop_remote_port().ok_or(missing("the other side's port"))?;
        let host = to.pop_remote_host().ok_or(missing("the other host"))?;
        let peer = Peer { host, port };
        if let Some(session) = self.sessions.find(&peer) {
            self.sessions.duplicate(session);
            return Ok(session);
        }
        self.sessions.insert(peer, upper, 1).map(|(session, _)| session)
    }

    fn open_enable(&mut self, _: &mut Cx<'_>, upper: Upper, _: Participants) -> Result<(), OpenError> {
        self.take(upper)
    }

    fn duplicate(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.duplicate(session);
    }

    fn close(&mut self, _: &mut Cx<'_>, session: Session) {
        self.sessions.close(session);
    }

    fn push(&mut self, cx: &mut Cx<'_>, session: Session, message: Message) -> Result<(), PushError> {
        let peer = self.sessions.key(session).ok_or(PushError::Closed)?;
        let (size, max) = (message.size(), self.largest);
        if size > max {
            return Err(PushError::TooLarge { size, max });
        }
        let to = SocketAddr::from((peer.host, peer.port));
        // What the kernel has heard of an earlier datagram is said once, and the next one goes.
        let sent = match send_to(&self.socket, &to, &message) {
            Err(Errno::CONNREFUSED) => send_to(&self.socket, &to, &message),
            sent => sent,
        };
        match sent {
            Ok(_) => {
                cx.count("sent");
                Ok(())
            }
            Err(Errno::AGAIN | Errno::NOBUFS) => Err(PushError::Full),
            Err(errno) => Err(PushError::Down(errno)),
        }
    }

    fn control(&mut self, _: &mut Cx<'_>, session: Option<Session>, control: Control) -> Result<Answer, ControlError> {
        if let Control::LargestPacket | Control::LargestMessage = control {
            return Ok(Answer::Size(self.largest));
        }
        let peer = self.sessions.key(session.ok_or(ControlError::Unknown)?).ok_or(ControlError::Closed)?;
        match control {
            Control::Hosts => Ok(Answer::Hosts { local: *self.local.ip(), remote: peer.host }),
            Control::Participants => {
                Ok(Answer::Participants(Participants::new().to(Address::Host(peer.host)).to(Address::Port(peer.port))))
            }
            _ => Err(ControlError::Unknown),
        }
    }

    fn poll(&mut self, cx: &mut Cx<'_>) -> bool {
        let Self { socket, blocks, largest, .. } = self;
        let (mut sender, mut is_whole) = (None, true);
        let received = blocks.receive(|block| -> Result<_, Errno> {
            let Some((size, from)) = receive_from(socket, block)? else { return Ok(None) };
            sender = from;
            is_whole = size <= *largest;
            Ok(Some(size))
        });
        let message = match received {
            Ok(Some(message)) => message,
            Ok(None) => return false,
            Err(_) => {
                cx.count("receive_failed");
                return false;
            }
        };
        cx.count("received");
        if !is_whole {
            // Half a message is none.
            cx.count("too_large");
            return true;
        }
        let (Some(SocketAddr::V4(from)), Some(upper)) = (sender, self.upper) else {
            cx.count("for_nobody");
            return true;
        };
        let peer = Peer { host: *from.ip(), port: from.port() };
        let session = match self.sessions.find(&peer) {
            Some(session) => session,
            None => match self.sessions.insert(peer, upper, 0) {
                Ok((session, _)) => {
                    cx.open_done(upper, session);
                    session
                }
                Err(_) => {
                    cx.count("no_session");
                    return true;
                }
            },
        };
        self.sessions.get(session);
        cx.deliver(upper.receiver, session, message);
        true
    }

    fn descriptor(&self) -> rustix::io::Result<Option<OwnedFd>> {
        rustix::io::fcntl_dupfd_cloexec(&self.socket, 0).map(Some)
    }
}
