//! Control sockets, spoken by hand.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use crate::message::{self, Message};

/// Descriptors in one message at most, here.
pub const FD_COUNT_MAX: usize = 64;

fn socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// A name that a hostile server listens on.
#[derive(Debug)]
pub struct Listener(OwnedFd);

impl Listener {
    /// Takes `name` in `dir`, without asking anybody.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn bind(dir: &Path, name: &str) -> io::Result<Self> {
        let socket = socket()?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(dir.join(name))?)?;
        rustix::net::listen(&socket, 64)?;
        Ok(Self(socket))
    }

    /// The next client.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn accept(&self) -> io::Result<Connection> {
        Ok(Connection(rustix::net::accept_with(&self.0, SocketFlags::CLOEXEC)?))
    }

    /// Ends whoever waits in [`accept`](Self::accept).
    pub fn close(&self) {
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Both);
    }
}

/// A control socket.
#[derive(Debug)]
pub struct Connection(OwnedFd);

/// What a wait for a message ended in.
#[derive(Debug)]
pub enum Heard {
    /// A message, and the descriptors with it.
    Message(Message, Vec<OwnedFd>),
    /// Bytes that are none.
    Nonsense(Vec<u8>),
    /// The other side is gone.
    Closed,
    /// Nothing came in time.
    Silence,
}

impl Connection {
    /// A socket that is connected already.
    #[must_use]
    pub const fn of(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Two ends of one.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn pair() -> io::Result<(Self, Self)> {
        let flags = SocketFlags::CLOEXEC;
        let (one, other) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(one), Self(other)))
    }

    /// Connects to a name; waits up to five seconds for it to appear.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn connect(dir: &Path, name: &str) -> io::Result<Self> {
        let address = SocketAddrUnix::new(dir.join(name))?;
        let start = Instant::now();
        loop {
            let socket = socket()?;
            match rustix::net::connect(&socket, &address) {
                Ok(()) => return Ok(Self(socket)),
                Err(Errno::NOENT | Errno::CONNREFUSED) if start.elapsed() < Duration::from_secs(5) => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Says something; waits while the socket is full.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn say(&self, bytes: &[u8]) -> io::Result<()> {
        self.say_with(bytes, &[])
    }

    /// Says something and adds descriptors.
    ///
    /// # Errors
    /// What the kernel says; `PERM` where the other side has the kernel refuse descriptors.
    pub fn say_with(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FD_COUNT_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)), "at most {FD_COUNT_MAX}");
        rustix::net::sendmsg(&self.0, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Says something if there is room for it at once.
    ///
    /// # Errors
    /// What the kernel says; `AGAIN` without room.
    pub fn try_say(&self, bytes: &[u8]) -> io::Result<()> {
        rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
        Ok(())
    }

    /// The next message.
    #[must_use]
    pub fn hear(&self, patience: Duration) -> Heard {
        let start = Instant::now();
        let mut fd = [PollFd::new(&self.0, PollFlags::IN)];
        loop {
            let left = patience.saturating_sub(start.elapsed()).try_into().expect("a short time");
            match rustix::event::poll(&mut fd, Some(&left)) {
                Ok(0) => return Heard::Silence,
                Ok(_) => break,
                Err(Errno::INTR) => {}
                Err(errno) => panic!("poll: {errno}"),
            }
        }
        let mut bytes = vec![0; 128 * 1024];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FD_COUNT_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC;
        // A server that closed on what was said last: what it said before that is there, after the error.
        let first = rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags);
        let received = match first {
            Err(Errno::CONNRESET) => {
                rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)
            }
            other => other,
        };
        let Ok(received) = received else { return Heard::Closed };
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(some) = message {
                fds.extend(some);
            }
        }
        bytes.truncate(received.bytes);
        match message::parse(&bytes) {
            _ if bytes.is_empty() => Heard::Closed,
            Some(message) => Heard::Message(message, fds),
            None => Heard::Nonsense(bytes),
        }
    }

    /// The next message, which has to be one.
    ///
    /// # Panics
    /// If none comes within five seconds.
    #[must_use]
    pub fn must_hear(&self) -> (Message, Vec<OwnedFd>) {
        match self.hear(Duration::from_secs(5)) {
            Heard::Message(message, fds) => (message, fds),
            other => panic!("instead of a message: {other:?}"),
        }
    }

    /// Whether the other side hangs up within `patience`. Messages that come before are thrown away.
    #[must_use]
    pub fn closes(&self, patience: Duration) -> bool {
        let start = Instant::now();
        loop {
            match self.hear(patience.saturating_sub(start.elapsed())) {
                Heard::Closed => return true,
                Heard::Silence => return false,
                Heard::Message(..) | Heard::Nonsense(_) => {}
            }
        }
    }

    /// Whether the other side has hung up already. Messages stay.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let mut fd = [PollFd::new(&self.0, PollFlags::RDHUP)];
        let now = rustix::time::Timespec::default();
        rustix::event::poll(&mut fd, Some(&now)).is_ok_and(|count| count > 0)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
