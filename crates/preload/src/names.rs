//! What is done to a path.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::io;

use libc::{c_char, c_int, mode_t, off_t};
use nearcall_files::{Stat, flags};

use crate::c::{self, error};
use crate::open_files::{self, OpenFile, get};
use crate::paths;
use crate::real::stand_in;
use crate::server::{self, prefix};

type Ours<T> = Option<io::Result<T>>;

/// Where a path lies for the vfs; `None`: not below the prefix.
///
/// # Safety
/// It is null or a string.
pub(crate) unsafe fn ours(directory: c_int, path: *const c_char) -> Option<String> {
    let prefix = prefix()?;
    // SAFETY: by our caller.
    let path = unsafe { c::path(path) }?;
    let normal = match get(directory).filter(|_| !path.starts_with('/')) {
        Some(open) => paths::normal(&format!("{prefix}/{}", open.path), path),
        None if path.starts_with('/') => paths::normal("/", path),
        // From a directory of the kernel's one does not come here but by `..` through the root.
        None => return None,
    };
    paths::below(prefix, &normal).map(str::to_owned)
}

const HERE: c_int = libc::AT_FDCWD;

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
        let file = files.create(&path, wanted, mode & !umask())?;
        return OpenFile::new(path, wanted, kept, Some(file));
    }
    // A directory is opened to be looked at, or to begin paths with.
    let is_directory =
        || Ok::<_, io::Error>(files.stat(&path, wanted & flags::NO_FOLLOW)?.mode & libc::S_IFMT == libc::S_IFDIR);
    let only_path = how & libc::O_PATH != 0;
    if how & libc::O_DIRECTORY != 0 || wanted == flags::READ && is_directory()? {
        if !is_directory()? {
            return Err(error(libc::ENOTDIR));
        }
        return OpenFile::new(path, flags::DIRECTORY | flags::READ, kept | libc::O_DIRECTORY, None);
    }
    if wanted & flags::WRITE != 0 && is_directory()? {
        return Err(error(libc::EISDIR));
    }
    if only_path {
        return Err(error(libc::EOPNOTSUPP));
    }
    let file = files.open(&path, wanted)?;
    OpenFile::new(path, wanted, kept, Some(file))
}

fn umask() -> mode_t {
    // There is no way to ask for it alone but by changing it for a moment.
    // SAFETY: it has no conditions.
    let mask = unsafe { libc::umask(0o77) };
    // SAFETY: as above.
    unsafe { libc::umask(mask) };
    mask
}

unsafe fn on_open(path: *const c_char, how: c_int, mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    let path = unsafe { ours(HERE, path) }?;
    Some(open_ours(path, how, mode))
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
    let path = unsafe { ours(directory, path) }?;
    Some(open_ours(path, how, mode))
}

unsafe fn on_openat_2(directory: c_int, path: *const c_char, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { on_openat(directory, path, how, 0) }
}

stand_in!(on_open for open, open64: (path: *const c_char, how: c_int, mode: mode_t) -> c_int);
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
        && unsafe { c::path(path) }.is_none_or(str::is_empty)
    {
        return Some(get(directory)?.stat());
    }
    // SAFETY: passed on.
    let path = unsafe { ours(directory, path) }?;
    Some(stat_path(&path, follows))
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

/// What may be done is the server's to say, when it is asked to do it; before that only what there is.
unsafe fn on_faccessat(directory: c_int, path: *const c_char, _mode: c_int, how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    let found = unsafe { stat_at(directory, path, how) }?;
    Some(found.map(|_| 0))
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
    Some(server::with_files(|files| files.mkdir(&path, mode & !umask())).map(|()| 0))
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
    Some(server::with_files(|files| files.unlink(&path, how)).map(|()| 0))
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
        (Some(from), Some(to)) => server::with_files(|files| files.rename(&from, &to)).map(|()| 0),
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
    Some(size.and_then(|size| server::files()?.open(&path, flags::WRITE)?.set_len(size)).map(|()| 0))
}
stand_in!(on_truncate for truncate, truncate64: (path: *const c_char, size: off_t) -> c_int);

/// What the file server does not do to a path.
unsafe fn refused(directory: c_int, path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { ours(directory, path) }.map(|_| Err(error(libc::ENOTSUP)))
}

unsafe fn no_path(path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn no_path_mode(path: *const c_char, _mode: mode_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn no_path_owner(path: *const c_char, _uid: libc::uid_t, _gid: libc::gid_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn no_at_mode(directory: c_int, path: *const c_char, _mode: mode_t, _how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(directory, path) }
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

unsafe fn no_fd_mode(fd: c_int, _mode: mode_t) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOTSUP)))
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
stand_in!(no_path_mode for chmod: (path: *const c_char, mode: mode_t) -> c_int);
stand_in!(no_path_owner for chown, lchown: (path: *const c_char, uid: libc::uid_t, gid: libc::gid_t) -> c_int);
stand_in!(no_at_mode for fchmodat: (directory: c_int, path: *const c_char, mode: mode_t, how: c_int) -> c_int);
stand_in!(no_at_owner for fchownat:
    (directory: c_int, path: *const c_char, uid: libc::uid_t, gid: libc::gid_t, how: c_int) -> c_int);
stand_in!(no_at_times for utimensat:
    (directory: c_int, path: *const c_char, times: *const libc::timespec, how: c_int) -> c_int);
stand_in!(no_link for symlinkat: (target: *const c_char, directory: c_int, path: *const c_char) -> c_int);
stand_in!(no_symlink for symlink: (target: *const c_char, path: *const c_char) -> c_int);
stand_in!(no_hard_link for link: (from: *const c_char, to: *const c_char) -> c_int);
stand_in!(no_linkat for linkat:
    (from_dir: c_int, from: *const c_char, to_dir: c_int, to: *const c_char, how: c_int) -> c_int);
stand_in!(no_fd_mode for fchmod: (fd: c_int, mode: mode_t) -> c_int);
stand_in!(no_fd_owner for fchown: (fd: c_int, uid: libc::uid_t, gid: libc::gid_t) -> c_int);
stand_in!(no_fd_times for futimens: (fd: c_int, times: *const libc::timespec) -> c_int);
stand_in!(no_fd_fs for fstatfs, fstatfs64, fstatvfs, fstatvfs64: (fd: c_int, into: *mut libc::c_void) -> c_int);
stand_in!(no_path_fs for statfs, statfs64, statvfs, statvfs64: (path: *const c_char, into: *mut libc::c_void) -> c_int);

unsafe fn on_readlinkat(directory: c_int, path: *const c_char, _into: *mut c_char, _size: usize) -> Ours<isize> {
    // SAFETY: passed on.
    unsafe { ours(directory, path) }.map(|_| Err(error(libc::EINVAL)))
}

unsafe fn on_readlink(path: *const c_char, into: *mut c_char, size: usize) -> Ours<isize> {
    // SAFETY: passed on.
    unsafe { on_readlinkat(HERE, path, into, size) }
}
stand_in!(on_readlink for readlink: (path: *const c_char, into: *mut c_char, size: usize) -> isize);
stand_in!(on_readlinkat for readlinkat: (directory: c_int, path: *const c_char, into: *mut c_char, size: usize) -> isize);
