//! Frames through memory that two processes of one machine share.
//!
//! Each makes a region that only it writes, and shows it to the other over a socket in the file system; the socket stays as
//! the bell. While both poll, a frame is two copies and no system call. One that sleeps does so on the socket. The end of the socket is
//! the end of the wire, and so is the first thing that the other side writes which cannot be.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nearcall_core::shm::frames::{FrameError, Frames, Half};
use nearcall_core::sys::foreign::Foreign;
use nearcall_core::sys::socket;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{ETHERNET_HEADER_SIZE, Wire};
use crate::message::{Blocks, Message};
use crate::participants::Hardware;

/// Blocks that are kept for receiving.
const BLOCK_COUNT: usize = 64;

/// The other side is waited for no longer: a year.
const PATIENCE_MAX: Duration = Duration::from_secs(365 * 86_400);

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(10);

/// Why there is no wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The kernel refused something.
    #[error("cannot be opened: {0}")]
    Kernel(#[from] Errno),
    /// The other side did not come in time.
    #[error("has nobody on the other side")]
    Nobody,
    /// What the other side showed is no region.
    #[error("has somebody on the other side who shows no memory: {0}")]
    NotARegion(String),
}

/// A wire to another process.
#[derive(Debug)]
pub struct MemoryWire {
    frames: Frames,
    bell: OwnedFd,
    hardware: Hardware,
    largest_packet: usize,
    blocks: Blocks,
    is_over: bool,
}

/// A path that goes when its socket does.
struct Listener {
    fd: OwnedFd,
    path: PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl MemoryWire {
    /// Meets the other side at `path`, where one side listens and the other connects, and waits for it as long as
    /// `patience`, or a year.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        path: &Path,
        listens: bool,
        hardware: Hardware,
        largest_packet: usize,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        // An instant that far away need not exist.
        let deadline = Instant::now() + patience.min(PATIENCE_MAX);
        let bell = if listens { accept(path, deadline)? } else { connect(path, deadline)? };
        let half = Half::new()?;
        socket::send(bell.as_fd(), b"frames 1", &[half.descriptor().as_fd()])?;
        let peer = greeting(&bell, deadline)?;
        let frames = half.join(peer.as_fd()).map_err(|error| OpenError::NotARegion(error.to_string()))?;
        // It is memory: closing it waits for nobody.
        drop(peer.checked());
        let blocks = Blocks::new(BLOCK_COUNT, largest_packet + ETHERNET_HEADER_SIZE);
        Ok(Self { frames, bell, hardware, largest_packet, blocks, is_over: false })
    }

    /// Takes rings off the bell.
    fn drain(&mut self) {
        let mut bytes = [0; 8];
        loop {
            match rustix::net::recv(&self.bell, &mut bytes, rustix::net::RecvFlags::DONTWAIT) {
                Ok((_, 0)) => {
                    self.is_over = true;
                    return;
                }
                Ok(_) => {}
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(_) => {
                    self.is_over = true;
                    return;
                }
            }
        }
    }
}

impl Wire for MemoryWire {
    fn hardware(&self) -> Hardware {
        self.hardware
    }

    fn largest_frame(&self) -> usize {
        self.largest_packet + ETHERNET_HEADER_SIZE
    }

    fn send(&mut self, frame: &Message) -> Result<(), Errno> {
        // Slices are looked at twice: for the size, then for the bytes.
        let slices: Vec<&[u8]> = frame.slices().collect();
        match self.frames.send(slices.into_iter()) {
            Ok(false) => Ok(()),
            // A bell that is full rings already.
            Ok(true) => match socket::send(self.bell.as_fd(), b"!", &[]) {
                Ok(()) | Err(Errno::AGAIN) => Ok(()),
                Err(errno) => Err(errno),
            },
            Err(FrameError::Full) => Err(Errno::AGAIN),
            Err(FrameError::TooLarge) => Err(Errno::MSGSIZE),
            Err(FrameError::PeerMisbehaved) => Err(Errno::PROTO),
        }
    }

    fn receive(&mut self) -> Result<Option<Message>, Errno> {
        let Self { frames, blocks, .. } = self;
        // Most looks find nothing, and need no block.
        if !frames.is_ready() {
            return Ok(None);
        }
        blocks.receive(|block| {
            frames.receive(block).map_err(|error| match error {
                FrameError::TooLarge => Errno::MSGSIZE,
                _ => Errno::PROTO,
            })
        })
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.bell.as_fd())
    }

    fn before_sleep(&mut self) -> bool {
        self.drain();
        self.frames.before_sleep()
    }

    fn after_sleep(&mut self) {
        self.frames.after_sleep();
        self.drain();
    }

    fn is_over(&self) -> bool {
        self.is_over || self.frames.is_faulty()
    }
}

fn socket_for(path: &Path) -> Result<(OwnedFd, SocketAddrUnix), Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    Ok((fd, SocketAddrUnix::new(path)?))
}

fn accept(path: &Path, deadline: Instant) -> Result<OwnedFd, OpenError> {
    let (fd, address) = socket_for(path)?;
    rustix::net::bind(&fd, &address)?;
    let listener = Listener { fd, path: path.to_owned() };
    rustix::net::listen(&listener.fd, 1)?;
    readable(&listener.fd, deadline)?;
    Ok(rustix::net::accept_with(&listener.fd, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?)
}

fn connect(path: &Path, deadline: Instant) -> Result<OwnedFd, OpenError> {
    let (fd, address) = socket_for(path)?;
    loop {
        match rustix::net::connect(&fd, &address) {
            Ok(()) => return Ok(fd),
            Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN) if Instant::now() < deadline => {
                std::thread::sleep(RETRY);
            }
            Err(Errno::NOENT | Errno::CONNREFUSED | Errno::AGAIN) => return Err(OpenError::Nobody),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// The region that the other side shows.
fn greeting(bell: &OwnedFd, deadline: Instant) -> Result<Foreign, OpenError> {
    readable(bell, deadline)?;
    let mut bytes = [0; 16];
    let received = socket::receive(bell.as_fd(), &mut bytes)?.ok_or(OpenError::Nobody)?;
    if bytes.get(..received.size) != Some(b"frames 1") {
        return Err(OpenError::NotARegion("it speaks otherwise".to_owned()));
    }
    let mut fds = received.fds;
    match (fds.pop(), fds.is_empty()) {
        (Some(fd), true) => Ok(fd),
        _ => Err(OpenError::NotARegion("there is not one descriptor".to_owned())),
    }
}

fn readable(fd: &OwnedFd, deadline: Instant) -> Result<(), OpenError> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match rustix::event::poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Err(OpenError::Nobody),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
