//! What the C library does to a path and the file server does not: an error below the prefix, each by its name, because glibc asks the
//! kernel from within, past everything that stands in for open and stat.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::io;

use libc::{FILE, c_char, c_int, c_long, c_uint, c_void, dev_t, mode_t, size_t, sockaddr, socklen_t, ssize_t};

use crate::c::{self, error};
use crate::names::{leads_to_ours, ours, refused};
use crate::open_files::get;
use crate::real::stand_in;

type Ours<T> = Option<io::Result<T>>;

const HERE: c_int = libc::AT_FDCWD;

/// A path, and one more argument or two, which do not matter.
macro_rules! refuses {
    ($ours:ident for $($name:ident),+: ($($before:ident: $its:ty,)* @ $(, $after:ident: $ty:ty)*) -> $returned:ty) => {
        unsafe fn $ours($($before: $its,)* path: *const c_char $(, $after: $ty)*) -> Ours<$returned> {
            let _ = ($($before,)* $($after,)*);
            // SAFETY: passed on.
            unsafe { ours(HERE, path) }.map(|_| Err(error(libc::ENOTSUP)))
        }
        stand_in!($ours for $($name),+: ($($before: $its,)* path: *const c_char $(, $after: $ty)*) -> $returned);
    };
}

/// The same from a directory.
macro_rules! refuses_at {
    ($ours:ident for $($name:ident),+: ($($before:ident: $its:ty,)* @ $(, $after:ident: $ty:ty)*) -> $returned:ty) => {
        unsafe fn $ours($($before: $its,)* directory: c_int, path: *const c_char $(, $after: $ty)*) -> Ours<$returned> {
            let _ = ($($before,)* $($after,)*);
            // SAFETY: passed on.
            unsafe { ours(directory, path) }.map(|_| Err(error(libc::ENOTSUP)))
        }
        stand_in!($ours for $($name),+:
            ($($before: $its,)* directory: c_int, path: *const c_char $(, $after: $ty)*) -> $returned);
    };
}

refuses!(no_special for mkfifo, lchmod: (@, mode: mode_t) -> c_int);
refuses!(no_node for mknod: (@, mode: mode_t, device: dev_t) -> c_int);
refuses!(no_old_node for __xmknod: (version: c_int, @, mode: mode_t, device: *mut dev_t) -> c_int);
refuses_at!(no_special_at for mkfifoat: (@, mode: mode_t) -> c_int);
refuses_at!(no_node_at for mknodat: (@, mode: mode_t, device: dev_t) -> c_int);
refuses_at!(no_old_node_at for __xmknodat: (version: c_int, @, mode: mode_t, device: *mut dev_t) -> c_int);
refuses!(no_times for utime, utimes, lutimes: (@, times: *const c_void) -> c_int);
refuses_at!(no_times_at for futimesat: (@, times: *const c_void) -> c_int);
refuses!(no_attribute for getxattr, lgetxattr: (@, name: *const c_char, into: *mut c_void, size: size_t) -> ssize_t);
refuses!(no_attributes for listxattr, llistxattr: (@, into: *mut c_char, size: size_t) -> ssize_t);
refuses!(no_new_attribute for setxattr, lsetxattr:
    (@, name: *const c_char, value: *const c_void, size: size_t, how: c_int) -> c_int);
refuses!(no_less_attribute for removexattr, lremovexattr: (@, name: *const c_char) -> c_int);

/// The same of a descriptor.
macro_rules! refuses_fd {
    ($ours:ident for $($name:ident),+: ($($after:ident: $ty:ty),*) -> $returned:ty) => {
        unsafe fn $ours(fd: c_int $(, $after: $ty)*) -> Ours<$returned> {
            let _ = ($($after,)*);
            get(fd).map(|_| Err(error(libc::ENOTSUP)))
        }
        stand_in!($ours for $($name),+: (fd: c_int $(, $after: $ty)*) -> $returned);
    };
}

refuses_fd!(no_fd_attribute for fgetxattr: (name: *const c_char, into: *mut c_void, size: size_t) -> ssize_t);
refuses_fd!(no_fd_attributes for flistxattr: (into: *mut c_char, size: size_t) -> ssize_t);
refuses_fd!(no_new_fd_attribute for fsetxattr: (name: *const c_char, value: *const c_void, size: size_t, how: c_int) -> c_int);
refuses_fd!(no_less_fd_attribute for fremovexattr: (name: *const c_char) -> c_int);
refuses!(no_watch for inotify_add_watch: (fd: c_int, @, events: u32) -> c_int);
refuses_at!(no_mark for fanotify_mark: (fd: c_int, how: c_uint, events: u64, @) -> c_int);
refuses_at!(no_handle for name_to_handle_at: (@, handle: *mut c_void, mount: *mut c_int, how: c_int) -> c_int);
refuses_at!(no_tree for open_tree: (@, how: c_uint) -> c_int);
refuses!(no_key for ftok: (@, project: c_int) -> c_int);
refuses!(no_system for acct, swapoff, umount, uselib, revoke: (@) -> c_int);
refuses!(no_system_how for umount2, swapon: (@, how: c_int) -> c_int);
refuses!(no_mount for mount: (source: *const c_char, @, kind: *const c_char, how: libc::c_ulong, data: *const c_void) -> c_int);
refuses!(no_table for setmntent, __setmntent: (@, mode: *const c_char) -> *mut FILE);
refuses!(no_name for tempnam: (@, start: *const c_char) -> *mut c_char);

/// A name's and a path's length, as everywhere; the rest has no limit that would be known.
unsafe fn on_pathconf(path: *const c_char, what: c_int) -> Ours<c_long> {
    // SAFETY: passed on.
    unsafe { ours(HERE, path) }.map(|_| limit(what))
}

unsafe fn on_fpathconf(fd: c_int, what: c_int) -> Ours<c_long> {
    get(fd).map(|_| limit(what))
}

fn limit(what: c_int) -> io::Result<c_long> {
    match what {
        libc::_PC_NAME_MAX => Ok(255),
        libc::_PC_PATH_MAX => Ok(4096),
        _ => Err(error(libc::EINVAL)),
    }
}
stand_in!(on_pathconf for pathconf: (path: *const c_char, what: c_int) -> c_long);
stand_in!(on_fpathconf for fpathconf: (fd: c_int, what: c_int) -> c_long);

/// Walks, which the C library makes by itself: also from above the prefix, where they would come to what it hides.
unsafe fn no_walk(path: *const c_char, _each: *const c_void, _depth: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { leads_to_ours(path) }.then(|| Err(error(libc::ENOTSUP)))
}

unsafe fn no_new_walk(path: *const c_char, each: *const c_void, depth: c_int, _how: c_int) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { no_walk(path, each, depth) }
}

unsafe fn no_fts(paths: *const *mut c_char, _how: c_int, _compare: *const c_void) -> Ours<*mut c_void> {
    if paths.is_null() {
        return None;
    }
    for at in 0.. {
        // SAFETY: a list of strings that ends in a null, as for fts_open, and we have not come to its end.
        let path = unsafe { *paths.wrapping_add(at) };
        if path.is_null() {
            break;
        }
        // SAFETY: it is one of the strings.
        if unsafe { leads_to_ours(path) } {
            return Some(Err(error(libc::ENOTSUP)));
        }
    }
    None
}
stand_in!(no_walk for ftw, ftw64: (path: *const c_char, each: *const c_void, depth: c_int) -> c_int);
stand_in!(no_new_walk for nftw, nftw64: (path: *const c_char, each: *const c_void, depth: c_int, how: c_int) -> c_int);
stand_in!(no_fts for fts_open, fts64_open:
    (paths: *const *mut c_char, how: c_int, compare: *const c_void) -> *mut c_void);

/// Patterns, as a shell has them: what they will stand for is not known before the C library looks by itself, so with a prefix there
/// are none.
unsafe fn no_words(words: *const c_char, _into: *mut c_void, _how: c_int) -> Option<c_int> {
    // SAFETY: a string, as for wordexp.
    let words = unsafe { c::path(words) }?;
    let has_pattern = words.iter().any(|byte| b"*?[".contains(byte));
    // What it returns when it has not found the memory; there is nothing that fits better.
    (has_pattern && crate::server::prefix().is_some()).then_some(1)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn wordexp(words: *const c_char, into: *mut c_void, how: c_int) -> c_int {
    // SAFETY: passed on.
    match unsafe { no_words(words, into, how) } {
        Some(result) => result,
        None => crate::real::real!(wordexp(words: *const c_char, into: *mut c_void, how: c_int) -> c_int),
    }
}

/// A socket's name that is a path.
unsafe fn socket_refused(address: *const sockaddr, size: socklen_t) -> Ours<()> {
    const HEAD: usize = std::mem::offset_of!(libc::sockaddr_un, sun_path);
    let room = (size as usize).min(size_of::<libc::sockaddr_un>()).checked_sub(HEAD).filter(|_| !address.is_null())?;
    // SAFETY: there are at least as many bytes as the family has, which is first.
    let family = unsafe { address.cast::<libc::sa_family_t>().read_unaligned() };
    if i32::from(family) != libc::AF_UNIX {
        return None;
    }
    let mut path = [0 as c_char; size_of::<libc::sockaddr_un>()];
    // SAFETY: `size` bytes are an address, of which `room` are behind its head; an array of more has room for them and a zero byte.
    unsafe { std::ptr::copy_nonoverlapping(address.cast::<c_char>().wrapping_add(HEAD), path.as_mut_ptr(), room) };
    // A name that begins with a zero byte is none of a file.
    if room == 0 || path.first() == Some(&0) {
        return None;
    }
    // SAFETY: it ends in a zero byte.
    unsafe { refused(HERE, path.as_ptr()) }.map(|refused| refused.map(drop))
}

unsafe fn no_socket(_fd: c_int, address: *const sockaddr, size: socklen_t) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { socket_refused(address, size) }.map(|refused| refused.map(|()| -1))
}

unsafe fn no_sendto(
    _fd: c_int,
    _bytes: *const c_void,
    _size: size_t,
    _how: c_int,
    address: *const sockaddr,
    size: socklen_t,
) -> Ours<ssize_t> {
    // SAFETY: passed on.
    unsafe { socket_refused(address, size) }.map(|refused| refused.map(|()| -1))
}

unsafe fn no_sendmsg(_fd: c_int, message: *const libc::msghdr, _how: c_int) -> Ours<ssize_t> {
    // SAFETY: null or a message, as for sendmsg.
    let message = unsafe { message.as_ref() }?;
    // SAFETY: an address of that size, as above.
    unsafe { socket_refused(message.msg_name.cast(), message.msg_namelen) }.map(|refused| refused.map(|()| -1))
}

unsafe fn no_sendmmsg(_fd: c_int, messages: *const libc::mmsghdr, count: c_uint, _how: c_int) -> Ours<c_int> {
    (0..count as usize).filter(|_| !messages.is_null()).find_map(|at| {
        // SAFETY: there are `count` of them, as for sendmmsg.
        let message = unsafe { &(*messages.wrapping_add(at)).msg_hdr };
        // SAFETY: an address of that size, as above.
        unsafe { socket_refused(message.msg_name.cast(), message.msg_namelen) }.map(|refused| refused.map(|()| -1))
    })
}
stand_in!(no_socket for bind, connect, __connect: (fd: c_int, address: *const sockaddr, size: socklen_t) -> c_int);
stand_in!(no_sendto for sendto:
    (fd: c_int, bytes: *const c_void, size: size_t, how: c_int, address: *const sockaddr, address_size: socklen_t) -> ssize_t);
stand_in!(no_sendmsg for sendmsg: (fd: c_int, message: *const libc::msghdr, how: c_int) -> ssize_t);
stand_in!(no_sendmmsg for sendmmsg, __sendmmsg:
    (fd: c_int, messages: *const libc::mmsghdr, count: c_uint, how: c_int) -> c_int);
