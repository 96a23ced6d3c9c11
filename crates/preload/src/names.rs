//! What is done to a path.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::ffi::CString;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_char, c_int, mode_t, off_t};
use nearcall_files::{Stat, flags};

use crate::c::{self, error};
use crate::data::kernels;
use crate::open_files::{self, OpenFile, get};
use crate::paths;
use crate::real::{real, stand_in};
use crate::server::{self, Prefix, prefix};

type Ours<T> = Option<io::Result<T>>;

/// Where a path lies for the vfs; `None`: not below the prefix.
///
/// # Errors
/// `EILSEQ` if it is below the prefix and not UTF-8: the vfs can have no such name, and what has it on a disk is not ours.
///
/// # Safety
/// It is null or a string.
pub(crate) unsafe fn ours(directory: c_int, path: *const c_char) -> Ours<String> {
    let prefix = prefix()?;
    // SAFETY: by our caller.
    let absolute = match absolute(prefix, directory, unsafe { c::path(path) }?)? {
        Ok(absolute) => absolute,
        Err(error) => return Some(Err(error)),
    };
    let below = prefix.below(&absolute)?;
    Some(String::from_utf8(below.to_vec()).map_err(|_| error(libc::EILSEQ)))
}

/// The normal path from the root; `None`: there is no such directory, which is the kernel's to say.
fn absolute(prefix: &Prefix, directory: c_int, path: &[u8]) -> Ours<Vec<u8>> {
    if path.starts_with(b"/") {
        return Some(Ok(paths::normal(b"/", path)));
    }
    // Only an empty path means the directory itself, if at all: the kernel says so of its own, and we of ours.
    if let Some(open) = get(directory) {
        return Some(Ok(paths::normal(&[prefix.given(), b"/", open.path.as_bytes()].concat(), path)));
    }
    match place(directory) {
        Ok(base) => Some(Ok(paths::normal(&base, path))),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EBADF | libc::ENOENT)) => None,
        // Whether it is ours is not known, so nothing is done to it.
        Err(error) => Some(Err(error)),
    }
}

/// Where a directory of the kernel's is.
fn place(directory: c_int) -> io::Result<Vec<u8>> {
    let mut place = vec![0_u8; libc::PATH_MAX as usize];
    let (into, size) = (place.as_mut_ptr().cast::<c_char>(), place.len());
    let end = if directory == HERE {
        // SAFETY: there is room for `size` bytes.
        if unsafe { libc::getcwd(into, size) }.is_null() {
            return Err(io::Error::last_os_error());
        }
        place.iter().position(|&byte| byte == 0).unwrap_or(0)
    } else {
        let link = CString::new(format!("/proc/self/fd/{directory}")).map_err(|_| error(libc::EBADF))?;
        let path = link.as_ptr();
        let n = real!(readlink(path: *const c_char, into: *mut c_char, size: usize) -> isize);
        match usize::try_from(n).map_err(|_| io::Error::last_os_error()) {
            Ok(n) => n,
            // The descriptor is there, so what is not there is /proc.
            Err(_) if is_open(directory) => return Err(error(libc::ENOTSUP)),
            Err(error) => return Err(error),
        }
    };
    place.truncate(end);
    Ok(place)
}

fn is_open(fd: c_int) -> bool {
    let (command, argument) = (libc::F_GETFD, 0);
    real!(fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int) >= 0
}

/// Whether the prefix is below a path, or the path below the prefix: what walks from there would come to files of the kernel's that
/// are hidden.
pub(crate) unsafe fn leads_to_ours(path: *const c_char) -> bool {
    let Some(prefix) = prefix() else { return false };
    // SAFETY: by our caller, it is null or a string.
    match unsafe { c::path(path) }.and_then(|path| absolute(prefix, HERE, path)) {
        Some(Ok(mut absolute)) => {
            if absolute.ends_with(b"/") {
                absolute.pop();
            }
            prefix.below(&absolute).is_some() || prefix.is_below(&absolute)
        }
        other => other.is_some(),
    }
}

pub(crate) const HERE: c_int = libc::AT_FDCWD;

/// Opens a path of ours; `O_` flags.
pub(crate) fn open_ours(path: String, how: c_int, mode: mode_t) -> io::Result<c_int> {
    let open = open_file(path, how, mode)?;
    open_files::new(open, how & libc::O_CLOEXEC != 0)
}

pub(crate) fn open_file(path: String, how: c_int, mode: mode_t) -> io::Result<OpenFile> {
    let files = server::files()?;
    let mut wanted = match how & libc::O_ACCMODE {
        libc::O_WRONLY => flags::WRITE,
        libc::O_RDWR => flags::READ | flags::WRITE,
        _ => flags::READ,
    };
    let set = [
        (libc::O_APPEND, flags::APPEND),
        (libc::O_TRUNC, flags::TRUNCATE),
        (libc::O_NOFOLLOW, flags::NO_FOLLOW),
        (libc::O_EXCL, flags::EXCLUSIVE),
    ];
    for (theirs, ours) in set {
        if how & theirs != 0 && (ours != flags::EXCLUSIVE || how & libc::O_CREAT != 0) {
            wanted |= ours;
        }
    }
    if how & libc::O_TMPFILE == libc::O_TMPFILE {
        return Err(error(libc::EOPNOTSUPP));
    }
    let kept = how & !(libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC | libc::O_CLOEXEC | libc::O_NOCTTY);
    if how & libc::O_CREAT != 0 {
        let file = files.create(&path, wanted, mode & !mask())?;
        return OpenFile::new(path, wanted, kept, Some(file));
    }
    // A directory is opened to be looked at, or to begin paths with.
    let directory = |path| OpenFile::new(path, flags::DIRECTORY | flags::READ, kept | libc::O_DIRECTORY, None);
    let only_path = how & libc::O_PATH != 0;
    if how & libc::O_DIRECTORY != 0 || only_path {
        if files.stat(&path, wanted & flags::NO_FOLLOW)?.mode & libc::S_IFMT == libc::S_IFDIR {
            return if wanted & flags::WRITE == 0 { directory(path) } else { Err(error(libc::EISDIR)) };
        }
        return Err(error(if only_path { libc::EOPNOTSUPP } else { libc::ENOTDIR }));
    }
    match files.open(&path, wanted) {
        Ok(file) => OpenFile::new(path, wanted, kept, Some(file)),
        Err(error) if error.raw_os_error() == Some(libc::EISDIR) && wanted & !flags::NO_FOLLOW == flags::READ => {
            directory(path)
        }
        // The vfs's own directory, in which nothing can be opened.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) && path == "." => match wanted & flags::WRITE {
            0 => directory(path),
            _ => Err(c::error(libc::EISDIR)),
        },
        Err(error) => Err(error),
    }
}

/// No mask: it is asked for when it is needed.
const UNKNOWN: u32 = u32::MAX;

/// The process's mask, as `umask` has last set it.
static MASK: AtomicU32 = AtomicU32::new(UNKNOWN);

/// It is never changed to be read, as POSIX has it: files that other kernel threads make meanwhile would get the wrong one.
fn mask() -> mode_t {
    // Relaxed, here and below: a word of its own.
    let known = MASK.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    let found = line.and_then(|mask| mode_t::from_str_radix(mask.trim(), 8).ok());
    match found {
        // Whoever was faster has set another one.
        Some(mask) => {
            MASK.compare_exchange(UNKNOWN, mask, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|set| set, |_| mask)
        }
        // Nobody says, so nobody else gets anything.
        None => 0o77,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn umask(mask: mode_t) -> mode_t {
    MASK.store(mask & 0o777, Ordering::Relaxed);
    real!(umask(mask: mode_t) -> mode_t)
}

unsafe fn on_open(path: *const c_char, how: c_int, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_openat(HERE, path, how, mode) }
}

unsafe fn on_open_2(path: *const c_char, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_open(path, how, 0) }
}

unsafe fn on_creat(path: *const c_char, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_open(path, libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC, mode) }
}

unsafe fn on_openat(directory: c_int, path: *const c_char, how: c_int, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    match unsafe { ours(directory, path) } {
        Some(path) => Some(path.and_then(|path| open_ours(path, how, mode))),
        None if how & libc::O_PATH != 0 => {
            Some(kernels(real!(openat64(directory: c_int, path: *const c_char, how: c_int, mode: mode_t) -> c_int)))
        }
        None => None,
    }
}

unsafe fn on_openat_2(directory: c_int, path: *const c_char, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_openat(directory, path, how, 0) }
}

stand_in!(on_open for open, open64, __open, __open64: (path: *const c_char, how: c_int, mode: mode_t) -> c_int);
stand_in!(on_open_2 for __open_2, __open64_2: (path: *const c_char, how: c_int) -> c_int);
stand_in!(on_creat for creat, creat64: (path: *const c_char, mode: mode_t) -> c_int);
stand_in!(on_openat for openat, openat64: (directory: c_int, path: *const c_char, how: c_int, mode: mode_t) -> c_int);
stand_in!(on_openat_2 for __openat_2, __openat64_2: (directory: c_int, path: *const c_char, how: c_int) -> c_int);

fn stat_path(path: &str, follows: bool) -> io::Result<Stat> {
    server::with_files(|files| files.stat(path, if follows { 0 } else { flags::NO_FOLLOW }))
}

/// What is asked about by a directory, a path and flags; an empty path is of the descriptor itself.
unsafe fn stat_at(directory: c_int, path: *const c_char, how: c_int) -> Ours<Stat> {
    let follows = how & libc::AT_SYMLINK_NOFOLLOW == 0;
    if how & libc::AT_EMPTY_PATH != 0
        // SAFETY: by our caller.
        && unsafe { c::path(path) }.is_none_or(<[u8]>::is_empty)
    {
        return Some(get(directory)?.stat());
    }
    // SAFETY: passed on.
    let path = unsafe { ours(directory, path) }?;
    Some(path.and_then(|path| stat_path(&path, follows)))
}

/// Gives it to the program.
unsafe fn give_stat(found: Ours<Stat>, into: *mut libc::stat) -> Ours<c_int> {
    Some(found?.and_then(|found| {
        // SAFETY: by our caller, as for stat(2).
        unsafe { c::put(into, c::stat(&found)) }.map(|()| 0)
    }))
}

unsafe fn on_stat(path: *const c_char, into: *mut libc::stat) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { stat_at(HERE, path, 0) };
    // SAFETY: passed on.
    unsafe { give_stat(found, into) }
}

unsafe fn on_lstat(path: *const c_char, into: *mut libc::stat) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { stat_at(HERE, path, libc::AT_SYMLINK_NOFOLLOW) };
    // SAFETY: passed on.
    unsafe { give_stat(found, into) }
}

unsafe fn on_fstat(fd: c_int, into: *mut libc::stat) -> Ours<c_int> {
    let found = get(fd)?.stat();
    // SAFETY: passed on.
    unsafe { give_stat(Some(found), into) }
}

unsafe fn on_fstatat(directory: c_int, path: *const c_char, into: *mut libc::stat, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { stat_at(directory, path, how) };
    // SAFETY: passed on.
    unsafe { give_stat(found, into) }
}

stand_in!(on_stat for stat, stat64: (path: *const c_char, into: *mut libc::stat) -> c_int);
stand_in!(on_lstat for lstat, lstat64: (path: *const c_char, into: *mut libc::stat) -> c_int);
stand_in!(on_fstat for fstat, fstat64: (fd: c_int, into: *mut libc::stat) -> c_int);
stand_in!(on_fstatat for fstatat, fstatat64:
    (directory: c_int, path: *const c_char, into: *mut libc::stat, how: c_int) -> c_int);

/// The stat family of programs that were linked with glibc before 2.33, after the version of the structure.
unsafe fn on_xstat(_version: c_int, path: *const c_char, into: *mut libc::stat) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_stat(path, into) }
}

unsafe fn on_lxstat(_version: c_int, path: *const c_char, into: *mut libc::stat) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_lstat(path, into) }
}

unsafe fn on_fxstat(_version: c_int, fd: c_int, into: *mut libc::stat) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_fstat(fd, into) }
}

stand_in!(on_xstat for __xstat, __xstat64: (version: c_int, path: *const c_char, into: *mut libc::stat) -> c_int);
stand_in!(on_lxstat for __lxstat, __lxstat64: (version: c_int, path: *const c_char, into: *mut libc::stat) -> c_int);
stand_in!(on_fxstat for __fxstat, __fxstat64: (version: c_int, fd: c_int, into: *mut libc::stat) -> c_int);

unsafe fn on_statx(
    directory: c_int,
    path: *const c_char,
    how: c_int,
    _mask: libc::c_uint,
    into: *mut libc::statx,
) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { stat_at(directory, path, how) }?;
    Some(found.and_then(|found| {
        // SAFETY: by our caller, as for statx(2).
        unsafe { c::put(into, c::statx(&found)) }.map(|()| 0)
    }))
}
stand_in!(on_statx for statx:
    (directory: c_int, path: *const c_char, how: c_int, mask: libc::c_uint, into: *mut libc::statx) -> c_int);

/// What may be read and written is the server's to say, when it is asked to; before that only what there is. Run is what somebody
/// may.
unsafe fn on_faccessat(directory: c_int, path: *const c_char, mode: c_int, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { stat_at(directory, path, how) }?;
    Some(found.and_then(|found| {
        if mode & libc::X_OK != 0 && found.mode & 0o111 == 0 { Err(error(libc::EACCES)) } else { Ok(0) }
    }))
}

unsafe fn on_access(path: *const c_char, mode: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_faccessat(HERE, path, mode, 0) }
}
stand_in!(on_access for access, euidaccess, eaccess: (path: *const c_char, mode: c_int) -> c_int);
stand_in!(on_faccessat for faccessat: (directory: c_int, path: *const c_char, mode: c_int, how: c_int) -> c_int);

unsafe fn on_mkdirat(directory: c_int, path: *const c_char, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    let path = unsafe { ours(directory, path) }?;
    Some(path.and_then(|path| server::with_files(|files| files.mkdir(&path, mode & !mask()))).map(|()| 0))
}

unsafe fn on_mkdir(path: *const c_char, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_mkdirat(HERE, path, mode) }
}
stand_in!(on_mkdir for mkdir: (path: *const c_char, mode: mode_t) -> c_int);
stand_in!(on_mkdirat for mkdirat: (directory: c_int, path: *const c_char, mode: mode_t) -> c_int);

unsafe fn on_unlinkat(directory: c_int, path: *const c_char, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    let path = unsafe { ours(directory, path) }?;
    let how = if how & libc::AT_REMOVEDIR != 0 { flags::DIRECTORY } else { 0 };
    Some(path.and_then(|path| server::with_files(|files| files.unlink(&path, how))).map(|()| 0))
}

unsafe fn on_unlink(path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_unlinkat(HERE, path, 0) }
}

unsafe fn on_rmdir(path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_unlinkat(HERE, path, libc::AT_REMOVEDIR) }
}
stand_in!(on_unlink for unlink: (path: *const c_char) -> c_int);
stand_in!(on_rmdir for rmdir: (path: *const c_char) -> c_int);
stand_in!(on_unlinkat for unlinkat: (directory: c_int, path: *const c_char, how: c_int) -> c_int);

unsafe fn on_renameat2(
    from_directory: c_int,
    from: *const c_char,
    to_directory: c_int,
    to: *const c_char,
    how: libc::c_uint,
) -> Ours<c_int> {
    // SAFETY: passed on.
    let from = unsafe { ours(from_directory, from) };
    // SAFETY: passed on.
    let to = unsafe { ours(to_directory, to) };
    Some(match (from, to) {
        (None, None) => return None,
        (Some(_), Some(_)) if how != 0 => Err(error(libc::EINVAL)),
        (Some(from), Some(to)) => (|| {
            let (from, to) = (from?, to?);
            server::with_files(|files| files.rename(&from, &to)).map(|()| 0)
        })(),
        _ => Err(error(libc::EXDEV)),
    })
}

unsafe fn on_renameat(from_dir: c_int, from: *const c_char, to_dir: c_int, to: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_renameat2(from_dir, from, to_dir, to, 0) }
}

unsafe fn on_rename(from: *const c_char, to: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_renameat2(HERE, from, HERE, to, 0) }
}
stand_in!(on_rename for rename: (from: *const c_char, to: *const c_char) -> c_int);
stand_in!(on_renameat for renameat: (from_dir: c_int, from: *const c_char, to_dir: c_int, to: *const c_char) -> c_int);
stand_in!(on_renameat2 for renameat2:
    (from_dir: c_int, from: *const c_char, to_dir: c_int, to: *const c_char, how: libc::c_uint) -> c_int);

unsafe fn on_truncate(path: *const c_char, size: off_t) -> Ours<c_int> {
    // SAFETY: passed on.
    let path = unsafe { ours(HERE, path) }?;
    let size = u64::try_from(size).map_err(|_| error(libc::EINVAL));
    Some(size.and_then(|size| server::files()?.open(&path?, flags::WRITE)?.set_len(size)).map(|()| 0))
}
stand_in!(on_truncate for truncate, truncate64: (path: *const c_char, size: off_t) -> c_int);

/// What the file server does not do to a path.
pub(crate) unsafe fn refused(directory: c_int, path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { ours(directory, path) }.map(|_| Err(error(libc::ENOTSUP)))
}

unsafe fn no_path(path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

/// Permissions cannot be changed; to ask for those that a file has is to ask for nothing.
fn keeps(found: &Stat, mode: mode_t) -> io::Result<c_int> {
    const BITS: u32 = 0o7777;
    if found.mode & BITS == mode & BITS { Ok(0) } else { Err(error(libc::ENOTSUP)) }
}

unsafe fn on_chmod(path: *const c_char, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_fchmodat(HERE, path, mode, 0) }
}

unsafe fn no_path_owner(path: *const c_char, _uid: libc::uid_t, _gid: libc::gid_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn on_fchmodat(directory: c_int, path: *const c_char, mode: mode_t, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    Some(unsafe { stat_at(directory, path, how) }?.and_then(|found| keeps(&found, mode)))
}

unsafe fn no_at_owner(
    directory: c_int,
    path: *const c_char,
    _uid: libc::uid_t,
    _gid: libc::gid_t,
    _how: c_int,
) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(directory, path) }
}

unsafe fn no_at_times(
    directory: c_int,
    path: *const c_char,
    _times: *const libc::timespec,
    _how: c_int,
) -> Ours<c_int> {
    if path.is_null() {
        return get(directory).map(|_| Err(error(libc::ENOTSUP)));
    }
    // SAFETY: passed on.
    unsafe { refused(directory, path) }
}

unsafe fn no_link(_target: *const c_char, directory: c_int, path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(directory, path) }
}

unsafe fn no_symlink(_target: *const c_char, path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn no_hard_link(from: *const c_char, to: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    let from = unsafe { refused(HERE, from) };
    // SAFETY: passed on.
    from.or_else(|| unsafe { refused(HERE, to) })
}

unsafe fn no_linkat(
    from_dir: c_int,
    from: *const c_char,
    to_dir: c_int,
    to: *const c_char,
    _how: c_int,
) -> Ours<c_int> {
    // SAFETY: passed on.
    let from = unsafe { refused(from_dir, from) };
    // SAFETY: passed on.
    from.or_else(|| unsafe { refused(to_dir, to) })
}

unsafe fn on_fchmod(fd: c_int, mode: mode_t) -> Ours<c_int> {
    Some(get(fd)?.stat().and_then(|found| keeps(&found, mode)))
}

unsafe fn no_fd_owner(fd: c_int, _uid: libc::uid_t, _gid: libc::gid_t) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOTSUP)))
}

unsafe fn no_fd_times(fd: c_int, _times: *const libc::timespec) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOTSUP)))
}

unsafe fn no_fd(fd: c_int) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOTSUP)))
}

unsafe fn no_fd_fs(fd: c_int, _into: *mut libc::c_void) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOSYS)))
}

unsafe fn no_path_fs(path: *const c_char, _into: *mut libc::c_void) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { ours(HERE, path) }.map(|_| Err(error(libc::ENOSYS)))
}

stand_in!(no_path for chdir, chroot: (path: *const c_char) -> c_int);
stand_in!(no_fd for fchdir: (fd: c_int) -> c_int);
stand_in!(on_chmod for chmod: (path: *const c_char, mode: mode_t) -> c_int);
stand_in!(no_path_owner for chown, lchown: (path: *const c_char, uid: libc::uid_t, gid: libc::gid_t) -> c_int);
stand_in!(on_fchmodat for fchmodat: (directory: c_int, path: *const c_char, mode: mode_t, how: c_int) -> c_int);
stand_in!(no_at_owner for fchownat:
    (directory: c_int, path: *const c_char, uid: libc::uid_t, gid: libc::gid_t, how: c_int) -> c_int);
stand_in!(no_at_times for utimensat:
    (directory: c_int, path: *const c_char, times: *const libc::timespec, how: c_int) -> c_int);
stand_in!(no_link for symlinkat: (target: *const c_char, directory: c_int, path: *const c_char) -> c_int);
stand_in!(no_symlink for symlink: (target: *const c_char, path: *const c_char) -> c_int);
stand_in!(no_hard_link for link: (from: *const c_char, to: *const c_char) -> c_int);
stand_in!(no_linkat for linkat:
    (from_dir: c_int, from: *const c_char, to_dir: c_int, to: *const c_char, how: c_int) -> c_int);
stand_in!(on_fchmod for fchmod: (fd: c_int, mode: mode_t) -> c_int);
stand_in!(no_fd_owner for fchown: (fd: c_int, uid: libc::uid_t, gid: libc::gid_t) -> c_int);
stand_in!(no_fd_times for futimens: (fd: c_int, times: *const libc::timespec) -> c_int);
stand_in!(no_fd_fs for fstatfs, fstatfs64, fstatvfs, fstatvfs64: (fd: c_int, into: *mut libc::c_void) -> c_int);
stand_in!(no_path_fs for statfs, statfs64, statvfs, statvfs64: (path: *const c_char, into: *mut libc::c_void) -> c_int);

unsafe fn on_readlinkat(directory: c_int, path: *const c_char, _into: *mut c_char, _size: usize) -> Ours<isize> {
    // SAFETY: passed on.
    let path = unsafe { ours(directory, path) }?;
    // Of a link only that it is one.
    Some(path.and_then(|path| stat_path(&path, false)).and_then(|found| {
        Err(error(if found.mode & libc::S_IFMT == libc::S_IFLNK { libc::ENOTSUP } else { libc::EINVAL }))
    }))
}

unsafe fn on_readlink(path: *const c_char, into: *mut c_char, size: usize) -> Ours<isize> {
    // SAFETY: passed on.
    unsafe { on_readlinkat(HERE, path, into, size) }
}
stand_in!(on_readlink for readlink: (path: *const c_char, into: *mut c_char, size: usize) -> isize);
stand_in!(on_readlinkat for readlinkat: (directory: c_int, path: *const c_char, into: *mut c_char, size: usize) -> isize);
