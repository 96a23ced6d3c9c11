//! Who is at the other end of a connection, as the kernel states it: nothing here is a message that a peer can word.
//!
//! `SO_PEERCRED` and `SO_PEERGROUPS` of an accepted socket are those of whoever called connect, at that moment: the
//! effective ids, which are also what the socket's mode was checked against. (The ids that come with a message are the real
//! ones, and a sender may choose among its own.)

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::Errno;

use super::socket::Credentials;

/// Groups that are asked for first; most processes have fewer.
const GROUP_COUNT: usize = 64;

/// `NGROUPS_MAX` of Linux: no process has more supplementary groups.
const GROUP_COUNT_MAX: usize = 65_536;

/// `struct pidfd_info` of Linux 6.13, to its first version's end.
#[repr(C)]
#[derive(Debug, Default)]
struct PidfdInfo {
    mask: u64,
    cgroup: u64,
    rest: [u32; 12],
}

const PIDFD_INFO_CGROUPID: u64 = 1 << 2;

/// `_IOWR(0xff, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: u32 = 3 << 30 | 64 << 16 | 0xff << 8 | 11;

const _: () = assert!(size_of::<PidfdInfo>() == 64);

/// Who connected: process, and effective ids in our namespaces.
///
/// # Errors
/// What the kernel says.
pub fn credentials(socket: BorrowedFd<'_>) -> Result<Credentials, Errno> {
    let mut ids = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut size = libc::socklen_t::try_from(size_of::<libc::ucred>()).unwrap_or(12);
    // SAFETY: `ids` and `size` live through the call, and `size` is the size of `ids`.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, (&raw mut ids).cast(), &raw mut size)
    };
    if result != 0 {
        return Err(last());
    }
    Ok(Credentials { pid: ids.pid, uid: ids.uid, gid: ids.gid })
}

/// The supplementary groups of who connected.
///
/// # Errors
/// What the kernel says; `NOPROTOOPT` before Linux 4.13.
pub fn groups(socket: BorrowedFd<'_>) -> Result<Vec<u32>, Errno> {
    let mut groups = vec![0u32; GROUP_COUNT];
    loop {
        let mut size = libc::socklen_t::try_from(size_of_val(groups.as_slice())).map_err(|_| Errno::OVERFLOW)?;
        // SAFETY: `groups` and `size` live through the call, and `size` is the bytes that `groups` has.
        let result = unsafe {
            libc::getsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        let count = usize::try_from(size).unwrap_or(usize::MAX) / size_of::<u32>();
        if result == 0 {
            groups.truncate(count);
            return Ok(groups);
        }
        match last() {
            Errno::RANGE if count > groups.len() && count <= GROUP_COUNT_MAX => groups.resize(count, 0),
            errno => return Err(errno),
        }
    }
}

/// The id of a process's group in the unified hierarchy (cgroup v2): the inode of that group's directory. `None` before
/// Linux 6.13, and for a process that is gone.
#[must_use]
pub fn cgroup(pidfd: BorrowedFd<'_>) -> Option<u64> {
    let mut info = PidfdInfo { mask: PIDFD_INFO_CGROUPID, ..PidfdInfo::default() };
    // SAFETY: `info` lives through the call and has the size that is part of the request's number.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), PIDFD_GET_INFO.into(), &raw mut info) };
    (result == 0 && info.mask & PIDFD_INFO_CGROUPID != 0).then_some(info.cgroup)
}

/// Whether the process has not ended yet: then its id still is its own.
#[must_use]
pub fn is_alive(pidfd: BorrowedFd<'_>) -> bool {
    let mut polled = [rustix::event::PollFd::new(&pidfd, rustix::event::PollFlags::IN)];
    matches!(rustix::event::poll(&mut polled, Some(&rustix::time::Timespec::default())), Ok(0))
}

fn last() -> Errno {
    Errno::from_raw_os_error(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    use rustix::process::{Pid, PidfdFlags};

    use super::*;

    #[test]
    fn the_kernel_knows_who_we_are() {
        let (one, _other) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let ids = credentials(one.as_fd()).unwrap();
        assert_eq!(ids.pid, rustix::process::getpid().as_raw_nonzero().get());
        assert_eq!(ids.uid, rustix::process::geteuid().as_raw());
        let mut groups = groups(one.as_fd()).unwrap();
        let mut own: Vec<u32> = rustix::process::getgroups().unwrap().iter().map(|group| group.as_raw()).collect();
        groups.sort_unstable();
        own.sort_unstable();
        assert_eq!(groups, own);
    }

    #[test]
    fn a_process_that_ended_is_not_alive() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pidfd = rustix::process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        assert!(is_alive(pidfd.as_fd()));
        if let Some(group) = cgroup(pidfd.as_fd()) {
            assert_ne!(group, 0);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(pidfd.as_fd()));
        assert_eq!(cgroup(pidfd.as_fd()), None);
    }
}
