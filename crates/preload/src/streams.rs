//! `FILE *`: the C library's, with our functions beneath (fopencookie).

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::ffi::CStr;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use libc::{FILE, c_char, c_int, c_void, off64_t, size_t, ssize_t};

use crate::c::error;
use crate::names;
use crate::open_files::{self, COUNT_MAX, get};
use crate::real::{real, stand_in};

type Ours<T> = Option<io::Result<T>>;

/// glibc's `cookie_io_functions_t`.
#[repr(C)]
struct Functions {
    read: extern "C" fn(*mut c_void, *mut c_char, size_t) -> ssize_t,
    write: extern "C" fn(*mut c_void, *const c_char, size_t) -> ssize_t,
    seek: extern "C" fn(*mut c_void, *mut off64_t, c_int) -> c_int,
    close: extern "C" fn(*mut c_void) -> c_int,
}

unsafe extern "C" {
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, functions: Functions) -> *mut FILE;
}

const FUNCTIONS: Functions = Functions { read, write, seek, close };

/// A cookie is the descriptor, as a number.
fn cookie(fd: c_int) -> *mut c_void {
    ptr::without_provenance_mut(usize::try_from(fd).unwrap_or(usize::MAX))
}

fn fd_of(cookie: *mut c_void) -> c_int {
    c_int::try_from(cookie.addr()).unwrap_or(-1)
}

extern "C" fn read(cookie: *mut c_void, into: *mut c_char, size: size_t) -> ssize_t {
    // SAFETY: the stream has as much room as it says.
    unsafe { libc::read(fd_of(cookie), into.cast(), size) }
}

extern "C" fn write(cookie: *mut c_void, bytes: *const c_char, size: size_t) -> ssize_t {
    // A stream takes 0 for an error.
    // SAFETY: the stream has as many bytes as it says.
    unsafe { libc::write(fd_of(cookie), bytes.cast(), size) }.max(0)
}

extern "C" fn seek(cookie: *mut c_void, at: *mut off64_t, from: c_int) -> c_int {
    // SAFETY: the stream's own word.
    let Some(at) = (unsafe { at.as_mut() }) else { return -1 };
    // SAFETY: it has no conditions.
    let to = unsafe { libc::lseek64(fd_of(cookie), *at, from) };
    if to < 0 {
        return -1;
    }
    *at = to;
    0
}

extern "C" fn close(cookie: *mut c_void) -> c_int {
    forget(fd_of(cookie));
    // SAFETY: the stream has the descriptor, and closes it once.
    unsafe { libc::close(fd_of(cookie)) }
}

/// The flags of a mode, as fopen has them.
fn flags_of(mode: &CStr) -> io::Result<c_int> {
    let mode = mode.to_bytes();
    let plus = mode.contains(&b'+');
    let access = if plus { libc::O_RDWR } else { libc::O_WRONLY };
    let mut how = match mode.first() {
        Some(b'r') if plus => libc::O_RDWR,
        Some(b'r') => libc::O_RDONLY,
        Some(b'w') => access | libc::O_CREAT | libc::O_TRUNC,
        Some(b'a') => access | libc::O_CREAT | libc::O_APPEND,
        _ => return Err(error(libc::EINVAL)),
    };
    if mode.contains(&b'x') {
        how |= libc::O_EXCL;
    }
    if mode.contains(&b'e') {
        how |= libc::O_CLOEXEC;
    }
    Ok(how)
}

/// The stream on each descriptor, which the C library does not know by its cookie. Words, and no table with a lock: whoever forks
/// leaves that to its child as it is.
static STREAMS: [AtomicPtr<FILE>; COUNT_MAX] = [const { AtomicPtr::new(ptr::null_mut()) }; COUNT_MAX];

/// All that there are have smaller numbers.
static END: AtomicUsize = AtomicUsize::new(0);

/// A stream on a descriptor of ours.
unsafe fn stream(fd: c_int, mode: *const c_char) -> io::Result<*mut FILE> {
    // SAFETY: the mode is a string, as for fopen, and the functions are those of this library, which stays.
    let stream = unsafe { fopencookie(cookie(fd), mode, FUNCTIONS) };
    if stream.is_null() {
        return Err(io::Error::last_os_error());
    }
    let at = usize::try_from(fd).unwrap_or(usize::MAX);
    if let Some(place) = STREAMS.get(at) {
        // Relaxed, as all of it: who has got a stream from another kernel thread has synchronised with it.
        place.store(stream, Ordering::Relaxed);
        END.fetch_max(at + 1, Ordering::Relaxed);
    }
    Ok(stream)
}

fn forget(fd: c_int) {
    if let Some(place) = usize::try_from(fd).ok().and_then(|at| STREAMS.get(at)) {
        place.store(ptr::null_mut(), Ordering::Relaxed);
    }
}

/// The descriptor of a stream of ours. It is looked for among those that there are: few are, and fewer are asked for it.
unsafe fn on_fileno(stream: *mut FILE) -> Ours<c_int> {
    let there = STREAMS.get(..END.load(Ordering::Relaxed)).unwrap_or_default();
    let at =
        there.iter().position(|place| ptr::eq(place.load(Ordering::Relaxed), stream)).filter(|_| !stream.is_null())?;
    Some(c_int::try_from(at).map_err(|_| error(libc::EBADF)))
}
stand_in!(on_fileno for fileno, fileno_unlocked: (stream: *mut FILE) -> c_int);

unsafe fn on_fopen(path: *const c_char, mode: *const c_char) -> Ours<*mut FILE> {
    // SAFETY: passed on.
    let path = unsafe { names::ours(libc::AT_FDCWD, path) }?;
    if mode.is_null() {
        return Some(Err(error(libc::EINVAL)));
    }
    // SAFETY: it is a string, as for fopen.
    let how = flags_of(unsafe { CStr::from_ptr(mode) });
    Some(how.and_then(|how| names::open_ours(path?, how, 0o666)).and_then(|fd| {
        // SAFETY: as above.
        unsafe { stream(fd, mode) }.inspect_err(|_| {
            drop(open_files::take(fd));
            real!(close(fd: c_int) -> c_int);
        })
    }))
}
stand_in!(on_fopen for fopen, fopen64: (path: *const c_char, mode: *const c_char) -> *mut FILE);

unsafe fn on_fdopen(fd: c_int, mode: *const c_char) -> Ours<*mut FILE> {
    get(fd)?;
    // SAFETY: passed on.
    Some(unsafe { stream(fd, mode) })
}
stand_in!(on_fdopen for fdopen: (fd: c_int, mode: *const c_char) -> *mut FILE);

/// To put our functions beneath a stream that is there is not possible: the old one is closed and there is no new one.
unsafe fn on_freopen(path: *const c_char, _mode: *const c_char, stream: *mut FILE) -> Ours<*mut FILE> {
    // SAFETY: passed on.
    let path = unsafe { names::ours(libc::AT_FDCWD, path) }?;
    if !stream.is_null() {
        // SAFETY: by our caller, as for freopen.
        unsafe { libc::fclose(stream) };
    }
    Some(path.and(Err(error(libc::ENOTSUP))))
}
stand_in!(on_freopen for freopen, freopen64: (path: *const c_char, mode: *const c_char, stream: *mut FILE) -> *mut FILE);
