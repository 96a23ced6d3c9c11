//! The file system as name server: an export is a socket file in a directory that only its owner can change.
//!
//! There is no daemon and there are no abstract sockets (they have no permissions). A name is taken by linking a bound
//! and listening socket to it, so nobody ever sees a name that does not answer; the name of a dead process is replaced
//! under a lock file. After a crash there is nothing to clean up but that dead socket, and nobody has to.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::error::{DirError, ExportError};

const NAME_SIZE_MAX: usize = 100;

/// How long another process may hold the lock file; it does so for a few system calls.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// Connects that wait until the watcher has come round. A flood fills it, and whoever finds it full has to try again: so it is
/// long, and the watcher is quick to refuse. (The kernel has a limit of its own, `net.core.somaxconn`.)
const BACKLOG: i32 = 1024;

/// An open directory of names that was checked.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    pub(crate) path: PathBuf,
}

/// Where names are, unless told otherwise. Both sides look in the same order.
fn default_path() -> Result<PathBuf, DirError> {
    let variable = |name| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(|dir| absolute(name, dir.into()));
    if let Some(dir) = variable("NEARCALL_DIR") {
        return dir;
    }
    if let Some(dir) = variable("XDG_RUNTIME_DIR") {
        return Ok(dir?.join("nearcall"));
    }
    let uid = rustix::process::geteuid();
    let user = PathBuf::from(format!("/run/user/{}", uid.as_raw()));
    if user.is_dir() {
        return Ok(user.join("nearcall"));
    }
    if uid.is_root() { Ok("/run/nearcall".into()) } else { Err(DirError::Unknown) }
}

/// Two processes of one environment may be in two directories. (A relative path that a program names itself is its own
/// affair.)
fn absolute(variable: &'static str, path: PathBuf) -> Result<PathBuf, DirError> {
    if path.is_absolute() { Ok(path) } else { Err(DirError::Relative { variable, path }) }
}

impl Dir {
    /// Opens and checks the directory; makes it if `make` says so and it is missing.
    pub(crate) fn open(path: Option<&Path>, make: bool) -> Result<Self, DirError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None => default_path()?,
        };
        let failed = |errno: Errno| DirError::Io { path: path.clone(), source: errno.into() };
        if make {
            let mode = if rustix::process::geteuid().is_root() { 0o755 } else { 0o700 };
            match rustix::fs::mkdir(&path, Mode::from_raw_mode(mode)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&path, flags, Mode::empty()).map_err(failed)?;
        let stat = rustix::fs::fstat(&fd).map_err(failed)?;
        let wanted = rustix::process::geteuid().as_raw();
        if stat.st_uid != wanted && stat.st_uid != 0 {
            return Err(DirError::Owner { path, owner: stat.st_uid, wanted });
        }
        if stat.st_mode & 0o022 != 0 {
            return Err(DirError::Mode { path, mode: stat.st_mode & 0o7777 });
        }
        Ok(Self { fd, path })
    }

    /// Refuses what has a name and is no export's socket, living or dead: it is neither replaced nor waited for. Asked when
    /// connecting was refused with `errno`.
    pub(crate) fn check_socket(&self, name: &str, errno: Errno) -> Result<(), DirError> {
        use rustix::fs::FileType;
        let Ok(stat) = rustix::fs::statat(&self.fd, name, AtFlags::empty()) else { return Ok(()) };
        let what = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Socket if errno == Errno::PROTOTYPE => "a socket of another kind",
            FileType::Socket => return Ok(()),
            FileType::RegularFile => "a file",
            FileType::Directory => "a directory",
            _ => "a special file",
        };
        Err(DirError::NotAnExport { path: self.path.join(name), what })
    }

    /// The address of a name; by way of /proc, because a socket address has room for 107 bytes only.
    fn address(&self, name: &str) -> Result<SocketAddrUnix, Errno> {
        use std::os::fd::AsRawFd;
        SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", self.fd.as_raw_fd()))
    }

    /// Connects to a name without waiting. `NOENT` and `CONNREFUSED`: nobody is there. `AGAIN`: the server is busy.
    pub(crate) fn connect(&self, name: &str) -> Result<OwnedFd, Errno> {
        let socket = socket()?;
        // Before the first message can arrive: one that was sent without the wish carries no identity.
        nearcall_core::sys::socket::want_identity(socket.as_fd())?;
        // Until some are asked for.
        let _ = nearcall_core::sys::socket::refuse_descriptors(socket.as_fd());
        rustix::net::connect(&socket, &self.address(name)?)?;
        if nearcall_core::sys::socket::listener_is_dead(socket.as_fd()) {
            return Err(Errno::CONNREFUSED);
        }
        Ok(socket)
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
}

/// Whether `name` can be a file in the directory, and is not one of ours.
pub(crate) fn check(name: &str) -> Result<(), DirError> {
    let fits = (1..=NAME_SIZE_MAX).contains(&name.len());
    if fits && !name.starts_with('.') && !name.contains(['/', '\0']) {
        return Ok(());
    }
    Err(DirError::Name { name: name.to_owned() })
}

/// A name that this process holds. Dropping it gives the name up, unless somebody else has it by then.
#[derive(Debug)]
pub(crate) struct Held {
    dir: Dir,
    name: String,
    file: (u64, u64),
    pub(crate) listener: OwnedFd,
}

impl Held {
    /// Takes a name: a socket that listens, with file mode `mode`. `replace`: also from a living process of this user.
    pub(crate) fn take(dir: Dir, name: &str, mode: u32, replace: bool) -> Result<Self, ExportError> {
        check(name)?;
        let io = |what: &'static str| move |errno: Errno| ExportError::Io { what, source: errno.into() };
        let _lock = lock(&dir, name)?;
        let listener = socket().map_err(io("socket"))?;
        nearcall_core::sys::socket::want_identity(listener.as_fd()).map_err(io("ask for the identity of clients"))?;
        // A client never sends descriptors. Refused from here on, because one that came before its connection is accepted
        // would be there already. Where the kernel cannot refuse them they are closed out of the way.
        let _ = nearcall_core::sys::socket::refuse_descriptors(listener.as_fd());
        let temporary = format!(".{name}.{}", rustix::process::getpid());
        let _ = rustix::fs::unlinkat(&dir.fd, temporary.as_str(), AtFlags::empty());
        let address = dir.address(&temporary).map_err(io("name the socket"))?;
        rustix::net::bind(&listener, &address).map_err(io("bind the socket"))?;
        let result = (|| -> Result<_, ExportError> {
            rustix::fs::chmodat(&dir.fd, temporary.as_str(), Mode::from_raw_mode(mode), AtFlags::empty())
                .map_err(io("chmod the socket"))?;
            rustix::net::listen(&listener, BACKLOG).map_err(io("listen"))?;
            let stat = rustix::fs::statat(&dir.fd, temporary.as_str(), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(io("stat the socket"))?;
            publish(&dir, &temporary, name, replace.then_some(stat.st_uid))?;
            Ok((stat.st_dev, stat.st_ino))
        })();
        let _ = rustix::fs::unlinkat(&dir.fd, temporary.as_str(), AtFlags::empty());
        let file = result?;
        Ok(Self { dir, name: name.to_owned(), file, listener })
    }

    /// Whether the name is that of this listener. Its file cannot be another's: the listener keeps the inode.
    pub(crate) fn is_ours(&self) -> bool {
        rustix::fs::statat(&self.dir.fd, self.name.as_str(), AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == self.file)
    }
}

/// Links the listening socket to its name; replaces a name whose process is dead, or belongs to the user `of`. Under the
/// lock.
fn publish(dir: &Dir, temporary: &str, name: &str, of: Option<u32>) -> Result<(), ExportError> {
    let io = |what: &'static str| move |errno: Errno| ExportError::Io { what, source: errno.into() };
    match rustix::fs::linkat(&dir.fd, temporary, &dir.fd, name, AtFlags::empty()) {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(io("link the socket to its name")(errno)),
    }
    match dir.connect(name) {
        // Nobody listens: its process is dead, or has closed it.
        Err(errno @ (Errno::CONNREFUSED | Errno::NOENT | Errno::PROTOTYPE)) => dir.check_socket(name, errno)?,
        _ => {
            let owner = rustix::fs::statat(&dir.fd, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_uid);
            if of.is_none() || owner.ok() != of {
                return Err(ExportError::Taken { name: name.to_owned() });
            }
        }
    }
    rustix::fs::renameat(&dir.fd, temporary, &dir.fd, name).map_err(io("replace the earlier socket"))
}

fn lock(dir: &Dir, name: &str) -> Result<OwnedFd, ExportError> {
    let io = |what: &'static str| move |errno: Errno| ExportError::Io { what, source: errno.into() };
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = rustix::fs::openat(&dir.fd, format!(".{name}.lock"), flags, mode).map_err(io("open the lock file"))?;
    let start = Instant::now();
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::AGAIN | Errno::INTR) if start.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(Errno::AGAIN) => {
                let source = io::Error::new(io::ErrorKind::TimedOut, "another process holds it");
                return Err(ExportError::Io { what: "lock the name", source });
            }
            Err(errno) => return Err(io("lock the name")(errno)),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Ok(_lock) = lock(&self.dir, &self.name) else { return };
        if self.is_ours() {
            let _ = rustix::fs::unlinkat(&self.dir.fd, self.name.as_str(), AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(at: &tempfile::TempDir) -> Dir {
        Dir::open(Some(at.path()), false).unwrap()
    }

    #[test]
    fn a_name_has_one_holder_and_a_dead_one_is_replaced() {
        let at = tempfile::tempdir().unwrap();
        let held = Held::take(dir(&at), "clock", 0o600, false).unwrap();
        assert!(matches!(Held::take(dir(&at), "clock", 0o600, false), Err(ExportError::Taken { .. })));
        assert!(dir(&at).connect("clock").is_ok());
        // What kill -9 leaves: the file without the listener.
        let Held { listener, .. } = &held;
        rustix::net::shutdown(listener, rustix::net::Shutdown::Both).unwrap();
        let second = Held::take(dir(&at), "clock", 0o600, false).unwrap();
        drop(held);
        assert!(dir(&at).connect("clock").is_ok(), "the old holder must not remove the new one's name");
        drop(second);
        assert!(matches!(dir(&at).connect("clock"), Err(Errno::NOENT)));
        let left: Vec<_> = std::fs::read_dir(at.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(left, [".clock.lock"]);
    }

    #[test]
    fn a_living_holder_is_replaced_if_asked_and_does_not_take_the_name_along() {
        let at = tempfile::tempdir().unwrap();
        let first = Held::take(dir(&at), "clock", 0o600, true).unwrap();
        let second = Held::take(dir(&at), "clock", 0o600, true).unwrap();
        assert!(!first.is_ours() && second.is_ours());
        drop(first);
        assert!(second.is_ours());
        assert!(dir(&at).connect("clock").is_ok());
        if rustix::process::geteuid().is_root() {
            // Another user's, though root could.
            std::os::unix::fs::lchown(at.path().join("clock"), Some(65534), None).unwrap();
            assert!(matches!(Held::take(dir(&at), "clock", 0o600, true), Err(ExportError::Taken { .. })));
        }
    }

    #[test]
    fn directories_others_can_write_are_refused() {
        use std::os::unix::fs::PermissionsExt;
        let at = tempfile::tempdir().unwrap();
        std::fs::set_permissions(at.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(matches!(Dir::open(Some(at.path()), false), Err(DirError::Mode { mode: 0o770, .. })));
        let missing = at.path().join("missing");
        assert!(matches!(Dir::open(Some(&missing), false), Err(DirError::Io { .. })));
    }

    #[test]
    fn what_is_no_socket_is_neither_replaced_nor_taken_for_a_dead_one() {
        let at = tempfile::tempdir().unwrap();
        std::fs::write(at.path().join("notes"), "precious").unwrap();
        std::fs::create_dir(at.path().join("sub")).unwrap();
        let _stream = std::os::unix::net::UnixListener::bind(at.path().join("stream")).unwrap();
        for (name, is) in [("notes", "a file"), ("sub", "a directory"), ("stream", "a socket of another kind")] {
            let taken = Held::take(dir(&at), name, 0o600, false).unwrap_err();
            assert!(matches!(taken, ExportError::Dir(DirError::NotAnExport { what, .. }) if what == is), "{taken}");
            let errno = dir(&at).connect(name).unwrap_err();
            let error = dir(&at).check_socket(name, errno).unwrap_err();
            assert!(matches!(error, DirError::NotAnExport { what, .. } if what == is), "{error}");
        }
        assert_eq!(std::fs::read_to_string(at.path().join("notes")).unwrap(), "precious");
        assert!(dir(&at).check_socket("missing", Errno::NOENT).is_ok());
    }

    #[test]
    fn variables_name_absolute_directories() {
        assert_eq!(absolute("NEARCALL_DIR", "/run/x".into()).unwrap(), Path::new("/run/x"));
        let error = absolute("NEARCALL_DIR", "names".into()).unwrap_err();
        assert!(matches!(error, DirError::Relative { variable: "NEARCALL_DIR", .. }), "{error}");
    }

    #[test]
    fn names_are_file_names() {
        let long = "x".repeat(NAME_SIZE_MAX + 1);
        for bad in ["", ".", "..", ".lock", "a/b", "a\0b", long.as_str()] {
            assert!(matches!(check(bad), Err(DirError::Name { .. })), "{bad:?}");
        }
        check("files").unwrap();
        check(&"x".repeat(NAME_SIZE_MAX)).unwrap();
    }
}
