//! What a program passes, and is given.

use std::ffi::{CStr, c_char, c_void};
use std::io;

use libc::{iovec, ssize_t};
use nearcall_files::{Kind, Stat};

use crate::real::Failed;

/// Sets what the program sees as `errno`.
pub(crate) fn set_errno(code: i32) {
    // SAFETY: it has no conditions.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: it points to this kernel thread's own word, always.
    unsafe { *errno = code };
}

/// An error of a number.
pub(crate) fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

/// What to return for a result: itself, or an error by its number.
pub(crate) fn give<T: Failed>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        // A server that has died, or that says nonsense: what a disk would say that is gone.
        set_errno(error.raw_os_error().unwrap_or(libc::EIO));
        T::FAILED
    })
}

/// A path. `None`: there is none, which is left to the kernel to judge.
///
/// # Safety
/// It is null, or a string that lives for `'a`.
pub(crate) unsafe fn path<'a>(path: *const c_char) -> Option<&'a [u8]> {
    if path.is_null() {
        return None;
    }
    // SAFETY: by our caller, it is a string.
    Some(unsafe { CStr::from_ptr(path) }.to_bytes())
}

/// Space that the program wants filled. It is not written before there is something to write: the kernel leaves what is behind the
/// end of a file as it was, too, and pages that nobody has touched untouched.
///
/// # Safety
/// It has `size` bytes, which nobody else uses for `'a`. What they hold are values: they are memory of a program across the border of
/// a shared object, of which the compiler of this library knows no state in which they would have none.
pub(crate) unsafe fn space<'a>(at: *mut c_void, size: usize) -> io::Result<&'a mut [u8]> {
    let size = checked(at, size)?;
    if size == 0 {
        return Ok(&mut []);
    }
    // SAFETY: by our caller.
    Ok(unsafe { std::slice::from_raw_parts_mut(at.cast(), size) })
}

/// Bytes that the program wants written.
///
/// # Safety
/// It has `size` bytes, which nobody changes for `'a`.
pub(crate) unsafe fn bytes<'a>(at: *const c_void, size: usize) -> io::Result<&'a [u8]> {
    let size = checked(at, size)?;
    if size == 0 {
        return Ok(&[]);
    }
    // SAFETY: by our caller.
    Ok(unsafe { std::slice::from_raw_parts(at.cast(), size) })
}

/// As Linux has it: no call moves more than 2 GiB less a page.
const SIZE_MAX: usize = 0x7fff_f000;

fn checked(at: *const c_void, size: usize) -> io::Result<usize> {
    if at.is_null() && size > 0 { Err(error(libc::EFAULT)) } else { Ok(size.min(SIZE_MAX)) }
}

/// The parts of a vectored call.
///
/// # Safety
/// There are `count` of them, if that is a count.
pub(crate) unsafe fn parts<'a>(parts: *const iovec, count: i32) -> io::Result<&'a [iovec]> {
    let count = usize::try_from(count).ok().filter(|&count| count <= 1024).ok_or_else(|| error(libc::EINVAL))?;
    if count == 0 || parts.is_null() {
        return Ok(&[]);
    }
    // SAFETY: by our caller.
    Ok(unsafe { std::slice::from_raw_parts(parts, count) })
}

/// Gives a value through a pointer.
///
/// # Safety
/// It is null, or there is room for a `T`.
pub(crate) unsafe fn put<T>(at: *mut T, value: T) -> io::Result<()> {
    if at.is_null() {
        return Err(error(libc::EFAULT));
    }
    // SAFETY: by our caller.
    unsafe { at.write(value) };
    Ok(())
}

/// A count of bytes, as it is returned.
pub(crate) fn count(n: usize) -> ssize_t {
    ssize_t::try_from(n).unwrap_or(ssize_t::MAX)
}

/// Nothing known of a file.
fn zeroed_stat() -> libc::stat {
    // SAFETY: it has numbers only.
    unsafe { std::mem::zeroed() }
}

fn split(nanoseconds: i64) -> (i64, i64) {
    (nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000))
}

/// A device number that no file system has: inodes of the file server are not those of a disk here.
const DEVICE_BIT: u64 = 1 << 40;

/// What the stat family gives.
pub(crate) fn stat(of: &Stat) -> libc::stat {
    let mut stat = zeroed_stat();
    stat.st_dev = of.device | DEVICE_BIT;
    stat.st_ino = of.inode;
    stat.st_nlink = of.links as _;
    stat.st_mode = of.mode;
    stat.st_uid = of.uid;
    stat.st_gid = of.gid;
    stat.st_size = i64::try_from(of.size).unwrap_or(i64::MAX);
    stat.st_blksize = 128 * 1024;
    stat.st_blocks = i64::try_from(of.blocks).unwrap_or(i64::MAX);
    (stat.st_atime, stat.st_atime_nsec) = split(of.accessed);
    (stat.st_mtime, stat.st_mtime_nsec) = split(of.modified);
    (stat.st_ctime, stat.st_ctime_nsec) = split(of.changed);
    stat
}

/// What statx gives.
pub(crate) fn statx(of: &Stat) -> libc::statx {
    let stat = stat(of);
    // SAFETY: it has numbers only.
    let mut statx: libc::statx = unsafe { std::mem::zeroed() };
    statx.stx_mask = libc::STATX_BASIC_STATS;
    statx.stx_blksize = stat.st_blksize as u32;
    statx.stx_nlink = stat.st_nlink as u32;
    statx.stx_uid = stat.st_uid;
    statx.stx_gid = stat.st_gid;
    statx.stx_mode = stat.st_mode as u16;
    statx.stx_ino = stat.st_ino;
    statx.stx_size = of.size;
    statx.stx_blocks = of.blocks;
    for (time, nanoseconds) in
        [(&mut statx.stx_atime, of.accessed), (&mut statx.stx_mtime, of.modified), (&mut statx.stx_ctime, of.changed)]
    {
        let (seconds, rest) = split(nanoseconds);
        (time.tv_sec, time.tv_nsec) = (seconds, rest as u32);
    }
    (statx.stx_dev_major, statx.stx_dev_minor) = (libc::major(stat.st_dev), libc::minor(stat.st_dev));
    statx
}

/// The kind of an entry.
pub(crate) fn entry_type(kind: Kind) -> u8 {
    match kind {
        Kind::File => libc::DT_REG,
        Kind::Directory => libc::DT_DIR,
        Kind::Symlink => libc::DT_LNK,
        Kind::Special => libc::DT_UNKNOWN,
    }
}
