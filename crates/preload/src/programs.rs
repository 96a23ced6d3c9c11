//! Programs and libraries, which the kernel and the loader would have from the real file: none is started or loaded from below the
//! prefix. And vfork, whose child would change what is open here.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::ffi::{CStr, CString, c_void};
use std::io;

use libc::{c_char, c_int, mode_t, pid_t};

use crate::c::{self, error};
use crate::names::{ours, refused};
use crate::real::{real, stand_in};

type Ours<T> = Option<io::Result<T>>;

const HERE: c_int = libc::AT_FDCWD;

/// A program by its name: where it would be found. One that is found in a directory of the kernel's is the kernel's.
unsafe fn search_refused(name: *const c_char) -> Ours<c_int> {
    // SAFETY: by our caller.
    let text = unsafe { c::path(name) }?;
    crate::server::prefix()?;
    if text.contains(&b'/') {
        // SAFETY: passed on.
        return unsafe { refused(HERE, name) };
    }
    // SAFETY: the name is a string; that nobody changes the environment meanwhile is the program's affair, as for execvp.
    let list = unsafe { libc::getenv(c"PATH".as_ptr()) };
    // SAFETY: null or a string of the environment.
    let list = if list.is_null() { b"/bin:/usr/bin".as_slice() } else { unsafe { CStr::from_ptr(list) }.to_bytes() };
    for directory in list.split(|&byte| byte == b':') {
        let directory = if directory.is_empty() { b".".as_slice() } else { directory };
        let Ok(path) = CString::new([directory, b"/", text].concat()) else { continue };
        let (path, mode) = (path.as_ptr(), libc::X_OK);
        // SAFETY: it is a string.
        if unsafe { ours(HERE, path) }.is_some() {
            return Some(Err(error(libc::ENOTSUP)));
        }
        if real!(access(path: *const c_char, mode: c_int) -> c_int) == 0 {
            return None;
        }
    }
    None
}

unsafe fn no_program(path: *const c_char, _arguments: *const *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn no_program_with(
    path: *const c_char,
    _arguments: *const *const c_char,
    _all: *const *const c_char,
) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}

unsafe fn no_found(name: *const c_char, _arguments: *const *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { search_refused(name) }
}

unsafe fn no_found_with(
    name: *const c_char,
    _arguments: *const *const c_char,
    _all: *const *const c_char,
) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { search_refused(name) }
}

unsafe fn no_program_at(
    directory: c_int,
    path: *const c_char,
    _arguments: *const *const c_char,
    _all: *const *const c_char,
    _how: c_int,
) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(directory, path) }
}
stand_in!(no_program for execv: (path: *const c_char, arguments: *const *const c_char) -> c_int);
stand_in!(no_program_with for execve:
    (path: *const c_char, arguments: *const *const c_char, all: *const *const c_char) -> c_int);
stand_in!(no_found for execvp: (name: *const c_char, arguments: *const *const c_char) -> c_int);
stand_in!(no_found_with for execvpe:
    (name: *const c_char, arguments: *const *const c_char, all: *const *const c_char) -> c_int);
stand_in!(no_program_at for execveat:
    (directory: c_int, path: *const c_char, arguments: *const *const c_char, all: *const *const c_char, how: c_int) -> c_int);

/// Those that return their error.
macro_rules! spawns {
    ($name:ident by $refused:expr, ($($before:ident: $its:ty,)* @ $path:ident $(, $after:ident: $ty:ty)*)) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($before: $its,)* $path: *const c_char $(, $after: $ty)*) -> c_int {
            // SAFETY: a string, as for the function that this stands in for.
            if unsafe { $refused($path) }.is_some() {
                return libc::ENOTSUP;
            }
            real!($name($($before: $its,)* $path: *const c_char $(, $after: $ty)*) -> c_int)
        }
    };
}

unsafe fn from_here(path: *const c_char) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { refused(HERE, path) }
}
spawns!(posix_spawn by from_here, (pid: *mut pid_t, @path,
    actions: *const c_void, attributes: *const c_void, arguments: *const *const c_char, all: *const *const c_char));
spawns!(posix_spawnp by search_refused, (pid: *mut pid_t, @name,
    actions: *const c_void, attributes: *const c_void, arguments: *const *const c_char, all: *const *const c_char));
spawns!(posix_spawn_file_actions_addopen by from_here, (actions: *mut c_void, fd: c_int, @path, how: c_int, mode: mode_t));
spawns!(posix_spawn_file_actions_addchdir_np by from_here, (actions: *mut c_void, @path));

extern "C" fn not_started() -> c_int {
    -1
}

extern "C" fn not_loaded() -> *mut c_void {
    std::ptr::null_mut()
}

/// Where a call goes on that has more arguments than are known, or for which it matters where it comes from.
macro_rules! goes_on {
    ($name:ident, $next:ident, $refused:expr, $else:expr) => {
        extern "C" fn $next(path: *const c_char) -> *const c_void {
            static KNOWN: std::sync::atomic::AtomicPtr<c_void> = std::sync::atomic::AtomicPtr::new(std::ptr::null_mut());
            // SAFETY: null or a string, as for the function that this stands in for.
            match unsafe { $refused(path) } {
                Some(result) => {
                    let _: c_int = c::give(result);
                    $else as *const c_void
                }
                None => {
                    const NAME: &CStr = match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                        Ok(name) => name,
                        Err(_) => panic!("no name has a zero byte"),
                    };
                    crate::real::next(&KNOWN, NAME)
                }
            }
        }

        /// All that the caller has put into registers and on the stack stays there for the function that is jumped to. There is no
        /// other way on stable Rust to stand in for what takes a list of arguments.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name() {
            #[cfg(target_arch = "x86_64")]
            std::arch::naked_asm!(
                "push rdi", "push rsi", "push rdx", "push rcx", "push r8", "push r9", "push rax",
                "call {next}",
                "mov r11, rax",
                "pop rax", "pop r9", "pop r8", "pop rcx", "pop rdx", "pop rsi", "pop rdi",
                "jmp r11",
                next = sym $next,
            );
            #[cfg(target_arch = "aarch64")]
            std::arch::naked_asm!(
                "stp x29, x30, [sp, #-80]!",
                "stp x0, x1, [sp, #16]", "stp x2, x3, [sp, #32]", "stp x4, x5, [sp, #48]", "stp x6, x7, [sp, #64]",
                "bl {next}",
                "mov x16, x0",
                "ldp x0, x1, [sp, #16]", "ldp x2, x3, [sp, #32]", "ldp x4, x5, [sp, #48]", "ldp x6, x7, [sp, #64]",
                "ldp x29, x30, [sp], #80",
                "br x16",
                next = sym $next,
            );
        }
    };
}
goes_on!(execl, execl_next, from_here, not_started);
goes_on!(execle, execle_next, from_here, not_started);
goes_on!(execlp, execlp_next, search_refused, not_started);
// The loader looks at its caller's return address.
goes_on!(dlopen, dlopen_next, library_refused, not_loaded);

/// A name without `/` is looked for where the loader looks, which no program tells it now.
unsafe fn library_refused(path: *const c_char) -> Ours<c_int> {
    // SAFETY: by our caller.
    let text = unsafe { c::path(path) }?;
    // SAFETY: passed on.
    if text.contains(&b'/') { unsafe { refused(HERE, path) } } else { None }
}

/// A child of vfork's works in its parent's memory: what it closes and duplicates on its way to exec would be closed and duplicated
/// here. POSIX has it that it may be a fork.
macro_rules! forks {
    ($($name:ident),+) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name() -> pid_t {
            real!(fork() -> pid_t)
        }
    )+};
}
forks!(vfork, __vfork, _Fork);
