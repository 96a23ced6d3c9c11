//! Control sockets: sequenced packets with descriptors and with the sender's identity as the kernel states it.
//!
//! Identity is taken from the first message each way (`SCM_PIDFD`, `SCM_CREDENTIALS`), not from the connection:
//! `SO_PEERPIDFD` names whoever called listen, which after a socket was passed on is somebody else.

use core::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;

use super::foreign::Foreign;

/// Since Linux 6.5; not in libc for all targets.
const SO_PASSPIDFD: i32 = 76;
const SCM_PIDFD: i32 = 4;
/// Since Linux 6.5.
const SO_PEERPIDFD: i32 = 77;
/// Since Linux 6.16.
const SO_PASSRIGHTS: i32 = 83;

/// Descriptors a message may carry: those of a call. Messages of the handshake have two at most.
pub const FD_COUNT_MAX: usize = 16;

/// Descriptors that Linux lets any message carry (`SCM_MAX_FD`). There is room for all: what finds none is closed by the
/// kernel within `recvmsg`, which may take as long as who sent it likes.
const FD_COUNT_ANY: usize = 253;

/// Messages that a socket's buffer holds, in abundance: the smallest takes some 768 bytes of 208 KiB.
const DRAIN_COUNT_MAX: usize = 4096;

/// Who sent a message, as the kernel says.
#[derive(Debug, Default)]
pub struct Sender {
    /// Process, user and group ids at the time of sending, in our namespaces.
    pub credentials: Option<Credentials>,
    /// A handle on the process that cannot be reused for another.
    pub pidfd: Option<OwnedFd>,
}

/// Ids of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Process id; 0 if the process is not visible from here.
    pub pid: i32,
    /// User id, or the overflow id.
    pub uid: u32,
    /// Group id, or the overflow id.
    pub gid: u32,
}

/// A message that was received.
#[derive(Debug)]
pub struct Received {
    /// Bytes of it; 0 when the other side hung up.
    pub size: usize,
    /// Whether bytes or descriptors were cut off, or more descriptors came than the protocol has.
    pub truncated: bool,
    /// Who sent it.
    pub sender: Sender,
    /// Descriptors that came with it, of anything.
    pub fds: Vec<Foreign>,
}

/// Asks for the sender's identity with each message. A listener passes the wish on to what it accepts.
///
/// # Errors
/// What the kernel says. A kernel without `SO_PASSPIDFD` is no error: messages then come without a pidfd.
pub fn want_identity(socket: BorrowedFd<'_>) -> Result<(), Errno> {
    set(socket, libc::SO_PASSCRED, 1)?;
    match set(socket, SO_PASSPIDFD, 1) {
        Err(Errno::NOPROTOOPT) => Ok(()),
        other => other,
    }
}

/// Asks for it no longer: the first message has said it, and each one with a pidfd costs making and closing that.
pub fn want_no_identity(socket: BorrowedFd<'_>) {
    // It fails where the wish was not granted either.
    let _ = set(socket, SO_PASSPIDFD, 0);
    let _ = set(socket, libc::SO_PASSCRED, 0);
}

/// Lets the kernel refuse descriptors from now on, with `PERM` at who sends them. A listener passes it on to what connects,
/// before that is accepted. `false` before Linux 6.16: they are received there.
#[must_use]
pub fn refuse_descriptors(socket: BorrowedFd<'_>) -> bool {
    set(socket, SO_PASSRIGHTS, 0).is_ok()
}

/// Lets descriptors come, while one is asked for. Where the kernel cannot refuse them they always do.
pub fn accept_descriptors(socket: BorrowedFd<'_>) {
    let _ = set(socket, SO_PASSRIGHTS, 1);
}

/// Two sockets of the kind that control sockets are, connected to each other. Both let the sender's identity come.
///
/// # Errors
/// What the kernel says: `MFILE`, `NFILE`, `NOMEM`.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (one, other) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    want_identity(one.as_fd())?;
    want_identity(other.as_fd())?;
    Ok((one, other))
}

/// Whether a descriptor of anything is a socket of this kind. It asks for what every socket has, of which no protocol and no
/// file system is told, so it cannot block; and nothing that is done to such a socket with `MSG_DONTWAIT` can.
#[must_use]
pub fn is_one(fd: BorrowedFd<'_>) -> bool {
    let get = |option| {
        let mut value: i32 = -1;
        let mut size = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or(4);
        // SAFETY: `value` and `size` live through the call, and `size` is the size of `value`.
        let result = unsafe {
            libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut size)
        };
        (result == 0).then_some(value)
    };
    get(libc::SO_DOMAIN) == Some(libc::AF_UNIX) && get(libc::SO_TYPE) == Some(libc::SOCK_SEQPACKET)
}

/// Whether something can be read from a socket now: a message, or the end.
#[must_use]
pub fn is_readable(socket: BorrowedFd<'_>) -> bool {
    let mut polled = [rustix::event::PollFd::new(&socket, rustix::event::PollFlags::IN)];
    !matches!(rustix::event::poll(&mut polled, Some(&rustix::time::Timespec::default())), Ok(0))
}

/// Whether the other side has hung up, or this one.
#[must_use]
pub fn is_hung_up(socket: BorrowedFd<'_>) -> bool {
    use rustix::event::PollFlags;
    let mut polled = [rustix::event::PollFd::new(&socket, PollFlags::RDHUP)];
    let _ = rustix::event::poll(&mut polled, Some(&rustix::time::Timespec::default()));
    polled[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP)
}

/// Whether the other side has read all that was sent. `true` if the kernel does not say.
#[must_use]
pub fn is_read(socket: BorrowedFd<'_>) -> bool {
    let mut unread: i32 = 0;
    // SAFETY: the request writes one int, and `unread` lives through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut unread) };
    result != 0 || unread == 0
}

/// Whether the process that called listen on the other end of a connected socket is dead, while a child of it that
/// inherited the socket still holds it open: a connection that nobody will ever answer. `false` where the kernel cannot
/// tell (before Linux 6.5).
#[must_use]
pub fn listener_is_dead(socket: BorrowedFd<'_>) -> bool {
    let mut fd: i32 = -1;
    let mut size = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or(4);
    // SAFETY: `fd` and `size` live through the call, and `size` is the size of `fd`.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_PEERPIDFD, (&raw mut fd).cast(), &raw mut size)
    };
    if result != 0 {
        // ESRCH: it is dead and reaped. Everything else says nothing about it.
        return super::last_errno() == Errno::SRCH;
    }
    if fd < 0 {
        return false;
    }
    // SAFETY: the kernel has just installed this descriptor for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(fd) };
    let mut polled = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
    matches!(rustix::event::poll(&mut polled, Some(&rustix::time::Timespec::default())), Ok(1))
}

fn set(socket: BorrowedFd<'_>, option: i32, value: i32) -> Result<(), Errno> {
    let size = libc::socklen_t::try_from(size_of::<i32>()).unwrap_or(4);
    // SAFETY: `value` lives through the call, and `size` is its size.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const value).cast(), size) };
    if result == 0 { Ok(()) } else { Err(super::last_errno()) }
}

/// Hangs up, and takes out what nobody will read, so that closing the socket closes no descriptor of the other side's.
pub fn hang_up(socket: BorrowedFd<'_>) {
    // Before the messages are counted: none follows.
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
    // A message of no bytes has a sender, and the end has not.
    let _ = set(socket, libc::SO_PASSCRED, 1);
    for _ in 0..DRAIN_COUNT_MAX {
        match receive(socket, &mut [0; 8]) {
            Ok(Some(Received { sender: Sender { credentials: Some(_), .. }, .. })) => {}
            _ => return,
        }
    }
}

const CONTROL_SIZE: usize = 128 + FD_COUNT_ANY * size_of::<i32>();

/// Room for identity and descriptors, aligned as `cmsghdr` wants.
#[repr(C, align(8))]
struct Control([MaybeUninit<u8>; CONTROL_SIZE]);

/// Receives one message without waiting. `Ok(None)`: none is there.
///
/// # Errors
/// What the kernel says; `CONNRESET` when the other side is gone.
pub fn receive(socket: BorrowedFd<'_>, into: &mut [u8]) -> Result<Option<Received>, Errno> {
    let mut control = Control([MaybeUninit::uninit(); CONTROL_SIZE]);
    let mut part = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    // SAFETY: msghdr is integers and pointers; zero is a value of it.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.0.as_mut_ptr().cast();
    header.msg_controllen = size_of::<Control>();
    let size = loop {
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        // SAFETY: the header points to `part` and `control`, which live through the call and have the stated sizes.
        let size = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
        match usize::try_from(size) {
            Ok(size) => break size,
            Err(_) => match super::last_errno() {
                Errno::INTR => {}
                Errno::AGAIN => return Ok(None),
                errno => return Err(errno),
            },
        }
    };
    let mut received = Received {
        size,
        truncated: header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0,
        sender: Sender::default(),
        fds: Vec::new(),
    };
    // SAFETY: recvmsg has filled in the header.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !next.is_null() {
        // SAFETY: the kernel wrote a whole header where CMSG_FIRSTHDR or CMSG_NXTHDR points.
        let message = unsafe { next.read() };
        take(&message, next, &mut received);
        // SAFETY: `next` is a header inside `control`.
        next = unsafe { libc::CMSG_NXTHDR(&raw const header, next) };
    }
    received.truncated |= received.fds.len() > FD_COUNT_MAX;
    Ok(Some(received))
}

fn take(message: &libc::cmsghdr, at: *const libc::cmsghdr, received: &mut Received) {
    if message.cmsg_level != libc::SOL_SOCKET {
        return;
    }
    // SAFETY: `at` is a header that the kernel wrote; its data follows it.
    let data = unsafe { libc::CMSG_DATA(at) };
    // SAFETY: CMSG_LEN only computes.
    let empty = unsafe { libc::CMSG_LEN(0) };
    let size = message.cmsg_len.saturating_sub(usize::try_from(empty).unwrap_or(usize::MAX));
    match message.cmsg_type {
        libc::SCM_RIGHTS => {
            for i in 0..size / size_of::<i32>() {
                received.fds.extend(descriptor(data, i).map(Foreign::new));
            }
        }
        SCM_PIDFD if size >= size_of::<i32>() => received.sender.pidfd = descriptor(data, 0),
        libc::SCM_CREDENTIALS if size >= size_of::<libc::ucred>() => {
            // SAFETY: the kernel wrote a ucred here; it may be unaligned.
            let ids = unsafe { data.cast::<libc::ucred>().read_unaligned() };
            received.sender.credentials = Some(Credentials { pid: ids.pid, uid: ids.uid, gid: ids.gid });
        }
        _ => {}
    }
}

/// The `i`th descriptor of a control message. Negative when the kernel could not give one (a pidfd of a process that
/// was reaped already).
fn descriptor(data: *const u8, i: usize) -> Option<OwnedFd> {
    // SAFETY: the caller stays within the size the kernel stated.
    let at = unsafe { data.cast::<i32>().add(i) };
    // SAFETY: the kernel wrote an int there; it may be unaligned.
    let fd = unsafe { at.read_unaligned() };
    // SAFETY: the kernel has just installed this descriptor for us, and nobody else knows it.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends one message without waiting.
///
/// # Errors
/// `AGAIN` when the other side has not read its earlier ones; `PIPE` and `CONNRESET` when it is gone; `PERM` or
/// `TOOMANYREFS` when descriptors are refused.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FD_COUNT_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::INVAL);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(socket.as_fd(), &[std::io::IoSlice::new(bytes)], &mut control, flags)
    })
    .map(|_| ())
}
