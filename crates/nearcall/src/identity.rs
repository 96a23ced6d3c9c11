//! What the kernel tells of a client, for the rules of a policy.
//!
//! Ids are those of the moment of connect. What else a process is can change: it is read when the client says hello, by its
//! id in /proc, and counts only if the handle on the process says afterwards that it has not ended, so that the id was its
//! own all the while.
//!
//! The watcher reads this, and must not wait for a client. `/proc/PID/cgroup` and the link `/proc/PID/exe` are answered by
//! the kernel without the client's locks. The file behind the link is the client's choice, and may lie on a file system that is
//! a process of the client's (FUSE): so it is never opened, and asked for device and inode only, with
//! `AT_STATX_DONT_SYNC`, which FUSE answers from what the kernel has already. A helper thread that may hang was the
//! alternative; it would need a bound of its own on how many may.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

use nearcall_core::sys::peer;
use nearcall_core::sys::socket::Credentials;
use rustix::fs::{AtFlags, StatxFlags};
use rustix::io::Errno;

use crate::policy::{Facts, Is, Who};

/// `CGROUP2_SUPER_MAGIC`.
const UNIFIED: u64 = 0x6367_7270;

/// Where the unified hierarchy is mounted, alone or beside the old ones.
const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// A client that has spoken.
pub(crate) struct Client<'a> {
    pub(crate) socket: BorrowedFd<'a>,
    pub(crate) ids: Credentials,
    pub(crate) pidfd: Option<&'a OwnedFd>,
}

impl Facts for Client<'_> {
    fn are(&self, who: Who) -> Option<bool> {
        match who.0 {
            Is::Uid(uid) => (self.ids.uid != overflow().uid).then_some(self.ids.uid == uid),
            Is::Gid(gid) => self.is_in(gid),
            Is::Cgroup(id) => self.cgroup().map(|own| own == id),
            Is::Executable(device, inode) => self.executable().map(|own| own == (device, inode)),
        }
    }
}

impl Client<'_> {
    /// A client one of whose groups does not exist here may be in any.
    fn is_in(&self, gid: u32) -> Option<bool> {
        let mut groups = peer::groups(self.socket).ok()?;
        groups.push(self.ids.gid);
        (!groups.contains(&overflow().gid)).then_some(groups.contains(&gid))
    }

    fn cgroup(&self) -> Option<u64> {
        let pidfd = self.pidfd?.as_fd();
        peer::cgroup(pidfd).or_else(|| self.guarded(cgroup_of))
    }

    fn executable(&self) -> Option<(u64, u64)> {
        self.guarded(|pid| file(Path::new(&format!("/proc/{pid}/exe"))).ok())
    }

    /// What was read of a process by its id, if the id was the client's own.
    fn guarded<T>(&self, read: impl Fn(i32) -> Option<T>) -> Option<T> {
        let pidfd = self.pidfd?.as_fd();
        // 0: it is in a namespace that is not below ours.
        let pid = Some(self.ids.pid).filter(|&pid| pid > 0)?;
        read(pid).filter(|_| peer::is_alive(pidfd))
    }
}

/// Before Linux 6.13.
fn cgroup_of(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    MOUNTS.iter().find_map(|mount| cgroup_of_dir(&Path::new(mount).join(path)).ok())
}

/// The id of the control group whose directory this is.
pub(crate) fn cgroup_of_dir(dir: &Path) -> io::Result<u64> {
    let on = rustix::fs::statfs(dir)?.f_type;
    if u64::try_from(on).ok() != Some(UNIFIED) {
        let why = format!("{} is no directory of the unified control group hierarchy (cgroup v2)", dir.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(rustix::fs::stat(dir)?.st_ino)
}

/// Device and inode of a file, as far as the kernel knows them without asking anybody.
pub(crate) fn file(path: &Path) -> Result<(u64, u64), Errno> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let stat = rustix::fs::statx(rustix::fs::CWD, path, flags, StatxFlags::INO)?;
    Ok((rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor), stat.stx_ino))
}

/// The ids that stand for all that have none here.
struct Overflow {
    uid: u32,
    gid: u32,
}

fn overflow() -> &'static Overflow {
    static IDS: OnceLock<Overflow> = OnceLock::new();
    let read = |what: &str| std::fs::read_to_string(what).ok()?.trim().parse().ok();
    IDS.get_or_init(|| Overflow {
        uid: read("/proc/sys/kernel/overflowuid").unwrap_or(65534),
        gid: read("/proc/sys/kernel/overflowgid").unwrap_or(65534),
    })
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    use rustix::process::{PidfdFlags, getpid, pidfd_open};

    use super::*;

    #[test]
    fn this_process_is_itself() {
        let (one, _other) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let pidfd = pidfd_open(getpid(), PidfdFlags::empty()).unwrap();
        let ids = peer::credentials(one.as_fd()).unwrap();
        let client = Client { socket: one.as_fd(), ids, pidfd: Some(&pidfd) };
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        assert_eq!(client.are(Who::uid(uid)), Some(true));
        assert_eq!(client.are(Who::uid(uid + 1)), Some(false));
        assert_eq!(client.are(Who::gid(gid)), Some(true));
        assert_eq!(client.are(Who::gid(u32::MAX - 1)), Some(false));
        assert_eq!(client.are(Who::executable(std::env::current_exe().unwrap()).unwrap()), Some(true));
        assert_eq!(client.are(Who::executable("/proc/version").unwrap()), Some(false));
        let unmapped = Credentials { uid: overflow().uid, gid: overflow().gid, ..ids };
        let client = Client { ids: unmapped, ..client };
        assert_eq!(client.are(Who::uid(overflow().uid)), None);
        assert_eq!(client.are(Who::gid(overflow().gid)), None);
        let client = Client { ids, pidfd: None, ..client };
        assert_eq!(client.are(Who::executable("/proc/version").unwrap()), None);
        assert_eq!(client.are(Who::cgroup_id(1)), None);
    }

    #[test]
    fn an_id_that_may_be_somebody_elses_by_now_counts_for_nothing() {
        let (one, _other) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pidfd = pidfd_open(rustix::process::Pid::from_child(&child), PidfdFlags::empty()).unwrap();
        child.wait().unwrap();
        // As if our own id had been that of the process that ended.
        let ids = peer::credentials(one.as_fd()).unwrap();
        let client = Client { socket: one.as_fd(), ids, pidfd: Some(&pidfd) };
        assert_eq!(client.are(Who::executable(std::env::current_exe().unwrap()).unwrap()), None);
        assert_eq!(client.guarded(cgroup_of), None);
    }

    #[test]
    fn only_the_unified_hierarchy_has_ids() {
        assert_eq!(cgroup_of_dir(Path::new("/")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
