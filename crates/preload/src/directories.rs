//! Directories that are read: `DIR *` of our own.

#![expect(
    clippy::missing_safety_doc,
    reason = "the conditions of each are those of the C library's function that it stands in for"
)]

use std::collections::HashSet;
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use libc::{DIR, c_char, c_int, c_long, dirent};
use nearcall_files::{Entry, Kind};

use crate::c::{self, error};
use crate::names;
use crate::open_files::{self, get};
use crate::real::{real, stand_in};
use crate::server;

type Ours<T> = Option<io::Result<T>>;

/// What a `DIR *` of ours points to.
struct Directory {
    fd: c_int,
    entries: Vec<Entry>,
    next: usize,
    entry: dirent,
}

/// The lock of what follows, for whoever forks.
pub(crate) type Held = MutexGuard<'static, HashSet<usize>>;

pub(crate) fn hold() -> Held {
    ours()
}

/// Those that are ours: a pointer that is not among them is the C library's.
fn ours() -> Held {
    static SET: LazyLock<Mutex<HashSet<usize>>> = LazyLock::new(Mutex::default);
    SET.lock().unwrap_or_else(PoisonError::into_inner)
}

fn begin(fd: c_int, path: &str) -> io::Result<*mut DIR> {
    let dot = |name: &[u8]| Entry { kind: Kind::Directory, inode: 1, name: name.to_vec() };
    let mut entries = vec![dot(b"."), dot(b"..")];
    entries.extend(server::with_files(|files| files.list(path))?);
    // SAFETY: it has numbers only.
    let entry = unsafe { std::mem::zeroed() };
    let directory = Box::into_raw(Box::new(Directory { fd, entries, next: 0, entry })).cast::<DIR>();
    ours().insert(directory as usize);
    Ok(directory)
}

/// What a pointer of ours points to.
///
/// # Safety
/// Nobody else uses it meanwhile, as for `readdir`.
unsafe fn directory<'a>(of: *mut DIR) -> Option<&'a mut Directory> {
    if !ours().contains(&(of as usize)) {
        return None;
    }
    // SAFETY: we have made it and it was not closed; by our caller, nobody else uses it.
    unsafe { of.cast::<Directory>().as_mut() }
}

unsafe fn on_opendir(path: *const c_char) -> Ours<*mut DIR> {
    // SAFETY: passed on.
    let path = unsafe { names::ours(libc::AT_FDCWD, path) }?;
    Some(path.and_then(|path| {
        let fd = names::open_ours(path.clone(), libc::O_DIRECTORY | libc::O_CLOEXEC, 0)?;
        begin(fd, &path).inspect_err(|_| {
            drop(open_files::take(fd));
            real!(close(fd: c_int) -> c_int);
        })
    }))
}
stand_in!(on_opendir for opendir: (path: *const c_char) -> *mut DIR);

unsafe fn on_fdopendir(fd: c_int) -> Ours<*mut DIR> {
    let open = get(fd)?;
    Some(if open.is_directory() { begin(fd, &open.path) } else { Err(error(libc::ENOTDIR)) })
}
stand_in!(on_fdopendir for fdopendir: (fd: c_int) -> *mut DIR);

unsafe fn on_readdir(of: *mut DIR) -> Ours<*mut dirent> {
    // SAFETY: passed on.
    let directory = unsafe { directory(of) }?;
    let Some(found) = directory.entries.get(directory.next) else { return Some(Ok(std::ptr::null_mut())) };
    directory.next += 1;
    let entry = &mut directory.entry;
    entry.d_ino = found.inode;
    entry.d_off = i64::try_from(directory.next).unwrap_or(i64::MAX);
    entry.d_reclen = size_of::<dirent>() as u16;
    entry.d_type = c::entry_type(found.kind);
    entry.d_name = [0; 256];
    // The last byte stays zero.
    for (space, byte) in entry.d_name.iter_mut().take(255).zip(&found.name) {
        *space = *byte as c_char;
    }
    Some(Ok(entry))
}
stand_in!(on_readdir for readdir, readdir64: (of: *mut DIR) -> *mut dirent);

/// As `readdir`, into an entry of the program's. It returns its error, of which ours has none.
macro_rules! reads_into {
    ($($name:ident),+) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(of: *mut DIR, entry: *mut dirent, found: *mut *mut dirent) -> c_int {
            // SAFETY: passed on.
            let Some(read) = (unsafe { on_readdir(of) }) else {
                return real!($name(of: *mut DIR, entry: *mut dirent, found: *mut *mut dirent) -> c_int);
            };
            let read = read.unwrap_or(std::ptr::null_mut());
            if !read.is_null() {
                // SAFETY: an entry of ours, and room for one, as for readdir_r.
                unsafe { std::ptr::copy_nonoverlapping(read, entry, 1) };
            }
            // SAFETY: room for a pointer, as for readdir_r.
            unsafe { found.write(if read.is_null() { read } else { entry }) };
            0
        }
    )+};
}
reads_into!(readdir_r, readdir64_r);

unsafe fn on_closedir(of: *mut DIR) -> Ours<c_int> {
    if !ours().remove(&(of as usize)) {
        return None;
    }
    // SAFETY: we have made it by `Box::into_raw`, and it was among ours until now, so nobody has dropped it.
    let directory = unsafe { Box::from_raw(of.cast::<Directory>()) };
    let fd = directory.fd;
    drop(open_files::take(fd));
    Some(Ok(real!(close(fd: c_int) -> c_int)))
}
stand_in!(on_closedir for closedir: (of: *mut DIR) -> c_int);

unsafe fn on_dirfd(of: *mut DIR) -> Ours<c_int> {
    // SAFETY: passed on.
    unsafe { directory(of) }.map(|directory| Ok(directory.fd))
}
stand_in!(on_dirfd for dirfd: (of: *mut DIR) -> c_int);

unsafe fn on_telldir(of: *mut DIR) -> Ours<c_long> {
    // SAFETY: passed on.
    unsafe { directory(of) }.map(|directory| Ok(c_long::try_from(directory.next).unwrap_or(c_long::MAX)))
}
stand_in!(on_telldir for telldir: (of: *mut DIR) -> c_long);

#[unsafe(no_mangle)]
unsafe extern "C" fn seekdir(of: *mut DIR, to: c_long) {
    // SAFETY: as for the function that this stands in for.
    match unsafe { directory(of) } {
        Some(directory) => directory.next = usize::try_from(to).unwrap_or(0),
        None => real!(seekdir(of: *mut DIR, to: c_long) -> ()),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rewinddir(of: *mut DIR) {
    // SAFETY: as for the function that this stands in for.
    match unsafe { directory(of) } {
        Some(directory) => {
            directory.next = 0;
            if let Some(open) = get(directory.fd)
                && let Ok(entries) = server::with_files(|files| files.list(&open.path))
            {
                directory.entries.truncate(2);
                directory.entries.extend(entries);
            }
        }
        None => real!(rewinddir(of: *mut DIR) -> ()),
    }
}
