//! What is done to a descriptor.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::io;
use std::sync::Arc;

use libc::{c_int, c_void, iovec, off_t, size_t, ssize_t};

use nearcall::kept;

use crate::c::{self, count, error};
use crate::open_files::{self, OpenFile, get};
use crate::real::{real, stand_in};
use crate::server;

type Ours<T> = Option<io::Result<T>>;

fn offset(at: off_t) -> io::Result<u64> {
    u64::try_from(at).map_err(|_| error(libc::EINVAL))
}

/// Reads at a place, or where the last one ended.
fn read_some(open: &OpenFile, at: Option<off_t>, into: &mut [u8]) -> io::Result<usize> {
    if open.is_directory() {
        return Err(error(libc::EISDIR));
    }
    let file = open.file()?;
    if let Some(at) = at {
        return file.read_at(into, offset(at)?);
    }
    open.position.read(|at| file.read_at(into, at))
}

fn write_some(open: &OpenFile, at: Option<off_t>, bytes: &[u8]) -> io::Result<usize> {
    let file = open.file()?;
    let n = match at {
        Some(at) => file.write_part_at(bytes, offset(at)?)?.0,
        None => open.position.write(bytes.len(), |at| file.write_part_at(bytes, at))?,
    };
    if open.flags & libc::O_DSYNC != 0 {
        file.sync()?;
    }
    Ok(n)
}

unsafe fn read_ours(fd: c_int, at: Option<off_t>, buffer: *mut c_void, size: size_t) -> Ours<ssize_t> {
    let open = get(fd)?;
    // SAFETY: by our caller, as for read(2).
    let into = unsafe { c::space(buffer, size) };
    Some(into.and_then(|into| read_some(&open, at, into)).map(count))
}

unsafe fn write_ours(fd: c_int, at: Option<off_t>, buffer: *const c_void, size: size_t) -> Ours<ssize_t> {
    let open = get(fd)?;
    // SAFETY: by our caller, as for write(2).
    let bytes = unsafe { c::bytes(buffer, size) };
    Some(bytes.and_then(|bytes| write_some(&open, at, bytes)).map(count))
}

unsafe fn on_read(fd: c_int, buffer: *mut c_void, size: size_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { read_ours(fd, None, buffer, size) }
}

unsafe fn on_pread(fd: c_int, buffer: *mut c_void, size: size_t, at: off_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { read_ours(fd, Some(at), buffer, size) }
}

unsafe fn on_read_chk(fd: c_int, buffer: *mut c_void, size: size_t, space: size_t) -> Ours<ssize_t> {
    // SAFETY: passed on; more than there is room for is the program's end, as without us.
    if size > space { None } else { unsafe { read_ours(fd, None, buffer, size) } }
}

unsafe fn on_pread_chk(fd: c_int, buffer: *mut c_void, size: size_t, at: off_t, space: size_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    if size > space { None } else { unsafe { read_ours(fd, Some(at), buffer, size) } }
}

unsafe fn on_write(fd: c_int, buffer: *const c_void, size: size_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { write_ours(fd, None, buffer, size) }
}

unsafe fn on_pwrite(fd: c_int, buffer: *const c_void, size: size_t, at: off_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { write_ours(fd, Some(at), buffer, size) }
}

stand_in!(on_read for read, __read: (fd: c_int, buffer: *mut c_void, size: size_t) -> ssize_t);
stand_in!(on_pread for pread, pread64, __pread64: (fd: c_int, buffer: *mut c_void, size: size_t, at: off_t) -> ssize_t);
stand_in!(on_read_chk for __read_chk: (fd: c_int, buffer: *mut c_void, size: size_t, space: size_t) -> ssize_t);
stand_in!(on_pread_chk for __pread_chk, __pread64_chk:
    (fd: c_int, buffer: *mut c_void, size: size_t, at: off_t, space: size_t) -> ssize_t);
stand_in!(on_write for write, __write: (fd: c_int, buffer: *const c_void, size: size_t) -> ssize_t);
stand_in!(on_pwrite for pwrite, pwrite64, __pwrite64: (fd: c_int, buffer: *const c_void, size: size_t, at: off_t) -> ssize_t);

/// Does `each` to the parts of a vectored call, one after the other, until one of them comes short.
fn vectored(
    list: &[iovec],
    at: Option<off_t>,
    mut each: impl FnMut(&iovec, Option<off_t>) -> io::Result<usize>,
) -> io::Result<ssize_t> {
    let mut done = 0;
    for part in list {
        let here = at.map(|at| at.saturating_add(off_t::try_from(done).unwrap_or(off_t::MAX)));
        match each(part, here) {
            Ok(n) => {
                done += n;
                if n < part.iov_len {
                    break;
                }
            }
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(count(done))
}

unsafe fn readv_ours(fd: c_int, list: *const iovec, n: c_int, at: Option<off_t>) -> Ours<ssize_t> {
    let open = get(fd)?;
    // SAFETY: by our caller, as for readv(2).
    let parts = unsafe { c::parts(list, n) };
    Some(parts.and_then(|parts| {
        vectored(parts, at, |part, at| {
            // SAFETY: as above.
            read_some(&open, at, unsafe { c::space(part.iov_base, part.iov_len) }?)
        })
    }))
}

unsafe fn writev_ours(fd: c_int, list: *const iovec, n: c_int, at: Option<off_t>) -> Ours<ssize_t> {
    let open = get(fd)?;
    // SAFETY: by our caller, as for writev(2).
    let parts = unsafe { c::parts(list, n) };
    Some(parts.and_then(|parts| {
        vectored(parts, at, |part, at| {
            // SAFETY: as above.
            write_some(&open, at, unsafe { c::bytes(part.iov_base, part.iov_len) }?)
        })
    }))
}

unsafe fn on_readv(fd: c_int, list: *const iovec, n: c_int) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { readv_ours(fd, list, n, None) }
}

unsafe fn on_writev(fd: c_int, list: *const iovec, n: c_int) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { writev_ours(fd, list, n, None) }
}

unsafe fn on_preadv(fd: c_int, list: *const iovec, n: c_int, at: off_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { readv_ours(fd, list, n, Some(at)) }
}

unsafe fn on_pwritev(fd: c_int, list: *const iovec, n: c_int, at: off_t) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { writev_ours(fd, list, n, Some(at)) }
}

/// Flags ask for what there is not: a page that need not be waited for, say.
unsafe fn on_preadv2(fd: c_int, list: *const iovec, n: c_int, at: off_t, flags: c_int) -> Ours<ssize_t> {
    if flags != 0 {
        return get(fd).map(|_| Err(error(libc::EOPNOTSUPP)));
    }
    // SAFETY: passed on.
    unsafe { readv_ours(fd, list, n, Some(at).filter(|&at| at != -1)) }
}

unsafe fn on_pwritev2(fd: c_int, list: *const iovec, n: c_int, at: off_t, flags: c_int) -> Ours<ssize_t> {
    if flags != 0 {
        return get(fd).map(|_| Err(error(libc::EOPNOTSUPP)));
    }
    // SAFETY: passed on.
    unsafe { writev_ours(fd, list, n, Some(at).filter(|&at| at != -1)) }
}

stand_in!(on_readv for readv: (fd: c_int, list: *const iovec, n: c_int) -> ssize_t);
stand_in!(on_writev for writev: (fd: c_int, list: *const iovec, n: c_int) -> ssize_t);
stand_in!(on_preadv for preadv, preadv64: (fd: c_int, list: *const iovec, n: c_int, at: off_t) -> ssize_t);
stand_in!(on_pwritev for pwritev, pwritev64: (fd: c_int, list: *const iovec, n: c_int, at: off_t) -> ssize_t);
stand_in!(on_preadv2 for preadv2, preadv64v2:
    (fd: c_int, list: *const iovec, n: c_int, at: off_t, flags: c_int) -> ssize_t);
stand_in!(on_pwritev2 for pwritev2, pwritev64v2:
    (fd: c_int, list: *const iovec, n: c_int, at: off_t, flags: c_int) -> ssize_t);

unsafe fn on_lseek(fd: c_int, to: off_t, from: c_int) -> Ours<off_t> {
    let open = get(fd)?;
    let seek = || {
        let size = || Ok::<_, io::Error>(i64::try_from(open.stat()?.size).unwrap_or(i64::MAX));
        let base = match from {
            libc::SEEK_SET => 0,
            libc::SEEK_CUR => i64::try_from(open.position.get()).unwrap_or(i64::MAX),
            libc::SEEK_END => size()?,
            // A file without holes, as a file system says that knows of none.
            libc::SEEK_DATA if (0..size()?).contains(&to) => 0,
            libc::SEEK_HOLE if (0..size()?).contains(&to) => size()? - to,
            libc::SEEK_DATA | libc::SEEK_HOLE => return Err(error(libc::ENXIO)),
            _ => return Err(error(libc::EINVAL)),
        };
        let at = base.checked_add(to).ok_or_else(|| error(libc::EOVERFLOW))?;
        open.position.set(offset(at)?);
        Ok(at)
    };
    Some(seek())
}
stand_in!(on_lseek for lseek, lseek64, __lseek: (fd: c_int, to: off_t, from: c_int) -> off_t);

unsafe fn on_close(fd: c_int) -> Ours<c_int> {
    // Nothing is open there, as far as the program goes.
    if kept::is_kept(fd) {
        return Some(Err(error(libc::EBADF)));
    }
    let open = open_files::take(fd)?;
    // The server is told after the number is free: nobody may see it as ours meanwhile.
    real!(close(fd: c_int) -> c_int);
    drop(open);
    Some(Ok(0))
}
stand_in!(on_close for close, __close: (fd: c_int) -> c_int);

/// As [`on_close`], of many.
#[unsafe(no_mangle)]
unsafe extern "C" fn close_range(first: libc::c_uint, last: libc::c_uint, flags: c_int) -> c_int {
    let result = if flags & libc::CLOSE_RANGE_CLOEXEC as c_int == 0 {
        close_others(first, last, flags)
    } else {
        return real!(close_range(first: libc::c_uint, last: libc::c_uint, flags: c_int) -> c_int);
    };
    if result == 0 {
        open_files::closed(first, last);
    }
    result
}

/// Closes all of these that are not the library's own.
fn close_others(mut first: libc::c_uint, end: libc::c_uint, flags: c_int) -> c_int {
    while let Some(next) = kept::next_kept(first).filter(|next| *next <= end) {
        if next > first {
            let last = next - 1;
            if real!(close_range(first: libc::c_uint, last: libc::c_uint, flags: c_int) -> c_int) < 0 {
                return -1;
            }
        }
        if next == end {
            return 0;
        }
        first = next + 1;
    }
    real!(close_range(first: libc::c_uint, end: libc::c_uint, flags: c_int) -> c_int)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn closefrom(first: c_int) {
    let first = first.max(0).unsigned_abs();
    close_others(first, libc::c_uint::MAX, 0);
    open_files::closed(first, libc::c_uint::MAX);
}

/// A second number for something, made by the kernel.
fn also(fd: c_int, open: Arc<OpenFile>) -> io::Result<c_int> {
    if fd < 0 { Err(io::Error::last_os_error()) } else { open_files::put(fd, open) }
}

/// A number that the kernel has given out for something of its own.
pub(crate) fn kernels(fd: c_int) -> io::Result<c_int> {
    if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(open_files::opened(fd)) }
}

unsafe fn on_dup(fd: c_int) -> Ours<c_int> {
    let Some(open) = get(fd) else { return Some(kernels(real!(dup(fd: c_int) -> c_int))) };
    Some(also(real!(dup(fd: c_int) -> c_int), open))
}
stand_in!(on_dup for dup: (fd: c_int) -> c_int);

/// What `to` was goes, ours or not.
fn onto(from: c_int, to: c_int, duplicate: impl FnOnce() -> c_int) -> Ours<c_int> {
    // As where another kernel thread is about to have that number.
    if kept::is_kept(to) {
        return Some(Err(error(libc::EBUSY)));
    }
    let (open, was_ours) = (get(from), get(to).is_some());
    if from == to || open.is_none() && !was_ours {
        return None;
    }
    let fd = duplicate();
    if fd >= 0 {
        drop(open_files::take(to));
    }
    Some(match open {
        Some(open) => also(fd, open),
        None if fd < 0 => Err(io::Error::last_os_error()),
        None => Ok(fd),
    })
}

unsafe fn on_dup2(from: c_int, to: c_int) -> Ours<c_int> {
    onto(from, to, || real!(dup2(from: c_int, to: c_int) -> c_int))
}

unsafe fn on_dup3(from: c_int, to: c_int, flags: c_int) -> Ours<c_int> {
    onto(from, to, || real!(dup3(from: c_int, to: c_int, flags: c_int) -> c_int))
}
stand_in!(on_dup2 for dup2, __dup2: (from: c_int, to: c_int) -> c_int);
stand_in!(on_dup3 for dup3: (from: c_int, to: c_int, flags: c_int) -> c_int);

unsafe fn on_fcntl(fd: c_int, command: c_int, argument: usize) -> Ours<c_int> {
    let Some(open) = get(fd) else {
        let is_dup = matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC);
        return is_dup.then(|| kernels(real!(fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int)));
    };
    Some(match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => {
            also(real!(fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int), open)
        }
        libc::F_GETFL => Ok(open.flags),
        // What can be changed of them (APPEND, NONBLOCK) is fixed here, or means nothing for files.
        libc::F_SETFL if argument as i32 & libc::O_APPEND == open.flags & libc::O_APPEND => Ok(0),
        libc::F_GETFD | libc::F_SETFD => return None,
        // Locks would hold between the programs of one machine only by accident.
        libc::F_GETLK | libc::F_SETLK | libc::F_SETLKW => Err(error(libc::ENOLCK)),
        _ => Err(error(libc::EINVAL)),
    })
}
stand_in!(on_fcntl for fcntl, fcntl64, __fcntl: (fd: c_int, command: c_int, argument: usize) -> c_int);

unsafe fn on_ftruncate(fd: c_int, size: off_t) -> Ours<c_int> {
    let open = get(fd)?;
    Some((|| open.file()?.set_len(offset(size)?))().map(|()| 0))
}
stand_in!(on_ftruncate for ftruncate, ftruncate64: (fd: c_int, size: off_t) -> c_int);

unsafe fn on_sync(fd: c_int) -> Ours<c_int> {
    let open = get(fd)?;
    let sync = || {
        if open.is_directory() {
            return server::files()?.open(&open.path, open.how)?.sync();
        }
        open.file()?.sync()
    };
    Some(sync().map(|()| 0))
}
stand_in!(on_sync for fsync, fdatasync: (fd: c_int) -> c_int);

/// Space that is asked for beforehand: as much of it as a size can say.
unsafe fn on_posix_fallocate(fd: c_int, at: off_t, size: off_t) -> Option<c_int> {
    let open = get(fd)?;
    let make = || {
        let end = offset(at)?.checked_add(offset(size)?).ok_or_else(|| error(libc::EFBIG))?;
        let file = open.file()?;
        if file.stat()?.size < end { file.set_len(end) } else { Ok(()) }
    };
    // It returns the error and does not set it.
    Some(make().map_or_else(|error| error.raw_os_error().unwrap_or(libc::EIO), |()| 0))
}

macro_rules! returns_its_error {
    ($($name:ident),+) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(fd: c_int, at: off_t, size: off_t) -> c_int {
            // SAFETY: it has no conditions.
            match unsafe { on_posix_fallocate(fd, at, size) } {
                Some(error) => error,
                None => real!($name(fd: c_int, at: off_t, size: off_t) -> c_int),
            }
        }
    )+};
}
returns_its_error!(posix_fallocate, posix_fallocate64);

unsafe fn on_fallocate(fd: c_int, _mode: c_int, _at: off_t, _size: off_t) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::EOPNOTSUPP)))
}
stand_in!(on_fallocate for fallocate, fallocate64: (fd: c_int, mode: c_int, at: off_t, size: off_t) -> c_int);

/// Advice that needs not be followed.
unsafe fn on_fadvise(fd: c_int, _at: off_t, _size: off_t, _advice: c_int) -> Ours<c_int> {
    get(fd).map(|_| Ok(0))
}
stand_in!(on_fadvise for posix_fadvise, posix_fadvise64: (fd: c_int, at: off_t, size: off_t, advice: c_int) -> c_int);

unsafe fn on_isatty(fd: c_int) -> Ours<c_int> {
    get(fd)?;
    c::set_errno(libc::ENOTTY);
    Some(Ok(0))
}
stand_in!(on_isatty for isatty: (fd: c_int) -> c_int);

unsafe fn on_ioctl(fd: c_int, _request: libc::c_ulong, _argument: usize) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOTTY)))
}
stand_in!(on_ioctl for ioctl: (fd: c_int, request: libc::c_ulong, argument: usize) -> c_int);

unsafe fn on_flock(fd: c_int, _how: c_int) -> Ours<c_int> {
    get(fd).map(|_| Err(error(libc::ENOLCK)))
}
stand_in!(on_flock for flock: (fd: c_int, how: c_int) -> c_int);

unsafe fn on_mmap(
    _at: *mut c_void,
    _size: size_t,
    _access: c_int,
    flags: c_int,
    fd: c_int,
    _offset: off_t,
) -> Option<io::Result<*mut c_void>> {
    get(fd).filter(|_| flags & libc::MAP_ANONYMOUS == 0).map(|_| Err(error(libc::ENODEV)))
}

macro_rules! maps {
    ($($name:ident),+) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(
            at: *mut c_void, size: size_t, access: c_int, flags: c_int, fd: c_int, offset: off_t,
        ) -> *mut c_void {
            // SAFETY: it looks at numbers only.
            match unsafe { on_mmap(at, size, access, flags, fd, offset) } {
                Some(_) => {
                    c::set_errno(libc::ENODEV);
                    libc::MAP_FAILED
                }
                None => real!($name(at: *mut c_void, size: size_t, access: c_int, flags: c_int, fd: c_int, offset: off_t)
                    -> *mut c_void),
            }
        }
    )+};
}
maps!(mmap, mmap64);

/// Programs fall back to reading and writing.
unsafe fn on_sendfile(out: c_int, from: c_int, _at: *mut off_t, _size: size_t) -> Ours<ssize_t> {
    get(out).or_else(|| get(from)).map(|_| Err(error(libc::EINVAL)))
}
stand_in!(on_sendfile for sendfile, sendfile64: (out: c_int, from: c_int, at: *mut off_t, size: size_t) -> ssize_t);

/// Bytes that copy_file_range moves in one call.
const RANGE_MAX: usize = 1 << 20;

/// Reads from a descriptor of either kind.
fn read_any(fd: c_int, at: Option<off_t>, into: &mut [u8]) -> io::Result<usize> {
    if let Some(open) = get(fd) {
        return read_some(&open, at, into);
    }
    let (buffer, size) = (into.as_mut_ptr().cast::<c_void>(), into.len());
    let n = match at {
        Some(at) => real!(pread64(fd: c_int, buffer: *mut c_void, size: size_t, at: off_t) -> ssize_t),
        None => real!(read(fd: c_int, buffer: *mut c_void, size: size_t) -> ssize_t),
    };
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

fn write_any(fd: c_int, at: Option<off_t>, bytes: &[u8]) -> io::Result<usize> {
    if let Some(open) = get(fd) {
        return write_some(&open, at, bytes);
    }
    let (buffer, size) = (bytes.as_ptr().cast::<c_void>(), bytes.len());
    let n = match at {
        Some(at) => real!(pwrite64(fd: c_int, buffer: *const c_void, size: size_t, at: off_t) -> ssize_t),
        None => real!(write(fd: c_int, buffer: *const c_void, size: size_t) -> ssize_t),
    };
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

unsafe fn on_copy_file_range(
    from: c_int,
    from_at: *mut off_t,
    to: c_int,
    to_at: *mut off_t,
    size: size_t,
    flags: libc::c_uint,
) -> Ours<ssize_t> {
    if get(from).is_none() && get(to).is_none() {
        return None;
    }
    let copy = || {
        if flags != 0 || get(to).is_some_and(|open| open.appends()) {
            return Err(error(libc::EINVAL));
        }
        // SAFETY: null, or an offset of the program's, as for copy_file_range(2).
        let read_at = unsafe { from_at.as_ref() }.copied();
        // SAFETY: as above.
        let write_at = unsafe { to_at.as_ref() }.copied();
        let mut bytes = vec![0; size.min(RANGE_MAX)];
        // Where the bytes come from moves on by what was written, so it is read at a place.
        let here = match (read_at, get(from)) {
            (Some(at), _) => at,
            (None, Some(open)) => i64::try_from(open.position.get()).unwrap_or(i64::MAX),
            (None, None) => seek(from, 0, libc::SEEK_CUR)?,
        };
        let n = read_any(from, Some(here), &mut bytes)?;
        let mut done = 0;
        while let Some(rest) = bytes.get(done..n).filter(|rest| !rest.is_empty()) {
            let at = write_at.map(|at| at.saturating_add(done as off_t));
            match write_any(to, at, rest) {
                Ok(n) => done += n,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error),
            }
        }
        let moved = done as off_t;
        match (read_at, get(from)) {
            // SAFETY: it was one above.
            (Some(at), _) => unsafe { c::put(from_at, at + moved) }?,
            (None, Some(open)) => open.position.set((here + moved) as u64),
            (None, None) => seek(from, here + moved, libc::SEEK_SET).map(drop)?,
        }
        if let Some(at) = write_at {
            // SAFETY: as above.
            unsafe { c::put(to_at, at + moved) }?;
        }
        Ok(count(done))
    };
    Some(copy())
}
stand_in!(on_copy_file_range for copy_file_range:
    (from: c_int, from_at: *mut off_t, to: c_int, to_at: *mut off_t, size: size_t, flags: libc::c_uint) -> ssize_t);

fn seek(fd: c_int, to: off_t, from: c_int) -> io::Result<off_t> {
    let at = real!(lseek64(fd: c_int, to: off_t, from: c_int) -> off_t);
    if at < 0 { Err(io::Error::last_os_error()) } else { Ok(at) }
}
